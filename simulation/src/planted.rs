//! The simulation proves its worth: each planted fault has to be found within so many seeds, on which the
//! code without faults finds nothing.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use shared::faults::{self, Fault};
use simulation::{Invariant, Plan, Tier, run};

/// A fault, and the first seed that found it.
type Found = BTreeMap<Fault, Option<(u64, Invariant)>>;

/// Which of the faults whose names contain one of `names` (of all, without) are found by the `count` seeds
/// from `seed`, and how many of them each took.
pub fn table(tier: Tier, seed: u64, count: u64, names: &[String]) -> ExitCode {
    let known = if tier == Tier::Full { Fault::SERVER } else { Fault::RULES };
    let chosen = |fault: &&Fault| {
        names.is_empty() || names.iter().any(|name| format!("{fault:?}").contains(name.as_str()))
    };
    let planted: Vec<Fault> = known.iter().filter(chosen).copied().collect();
    let found: Mutex<Found> = Mutex::default();
    super::in_parallel(planted.len(), |at| {
        let fault = planted[at];
        faults::plant(Some(fault));
        let first = (seed..seed + count)
            .find_map(|seed| Some((seed, run(&Plan::of(seed), tier).violation?.invariant)))
            .map(|(found, invariant)| (found - seed + 1, invariant));
        faults::plant(None);
        found.lock().unwrap_or_else(PoisonError::into_inner).insert(fault, first);
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let most = found.values().flatten().map(|(needed, _)| *needed).max().unwrap_or(0);
    let seeds: Vec<u64> = (seed..seed + most).collect();
    let (_, failed) = super::play(tier, &seeds, u64::MAX);
    let seeds_max = count;
    for (fault, first) in &found {
        match first {
            Some((needed, invariant)) => println!("{:<28} {needed:>6}  {invariant}", format!("{fault:?}")),
            None => println!("{:<28}   none of {seeds_max}", format!("{fault:?}")),
        }
    }
    let mut needed: Vec<u64> =
        found.values().map(|first| first.map_or(u64::MAX, |(needed, _)| needed)).collect();
    needed.sort_unstable();
    let missed = found.values().filter(|first| first.is_none()).count();
    println!(
        "{} of {} faults found, the median after {} seeds; without a fault {} of these seeds fail",
        found.len() - missed,
        found.len(),
        needed[needed.len() / 2],
        failed.len()
    );
    if missed == 0 && failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
