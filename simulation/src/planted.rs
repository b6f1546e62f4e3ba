//! The simulation proves its worth: each planted fault has to be found within so many seeds, on which the
//! code without faults finds nothing.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use shared::faults::{self, Fault};
use simulation::{Invariant, Plan, Tier, run};

/// Seeds within which each fault has to be found, and half of them.
const SEEDS_MAX: u64 = 10_000;
const MEDIAN_MAX: u64 = 500;

/// A fault, and the first seed that found it.
type Found = BTreeMap<Fault, Option<(u64, Invariant)>>;

/// Which of the faults whose names contain one of `names` (of all, without) are found by the `count` seeds
/// from `seed`, and how many of them each took. Fails where one is missed, where half of all take too many, or
/// where a seed fails without a fault.
pub fn table(tier: Tier, seed: u64, count: u64, names: &[String]) -> ExitCode {
    let known = if tier == Tier::Full { Fault::SERVER } else { Fault::RULES };
    let chosen = |fault: &&Fault| {
        names.is_empty() || names.iter().any(|name| format!("{fault:?}").contains(name.as_str()))
    };
    let count = count.min(SEEDS_MAX);
    let planted: Vec<Fault> = known.iter().filter(chosen).copied().collect();
    let found: Mutex<Found> = Mutex::default();
    super::in_parallel(planted.len(), |at| {
        let fault = planted[at];
        faults::plant(Some(fault));
        let first = (seed..seed + count)
            .find_map(|seed| Some((seed, run(&Plan::of(seed), tier).violation?.invariant)))
            .map(|(found, invariant)| (found - seed + 1, invariant));
        faults::plant(None);
        // At once: the rarest take many times as long as all others.
        match first {
            Some((needed, invariant)) => println!("{:<28} {needed:>6}  {invariant}", format!("{fault:?}")),
            None => println!("{:<28}   none of {count}", format!("{fault:?}")),
        }
        found.lock().unwrap_or_else(PoisonError::into_inner).insert(fault, first);
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let most = found.values().flatten().map(|(needed, _)| *needed).max().unwrap_or(0);
    let seeds: Vec<u64> = (seed..seed + most).collect();
    let (_, failed) = super::play(tier, &seeds, u64::MAX);
    let mut needed: Vec<u64> =
        found.values().map(|first| first.map_or(u64::MAX, |(needed, _)| needed)).collect();
    needed.sort_unstable();
    let missed: Vec<Fault> =
        found.iter().filter(|(_, first)| first.is_none()).map(|(fault, _)| *fault).collect();
    let median = needed.get(needed.len() / 2).copied().unwrap_or(u64::MAX);
    println!(
        "{} of {} faults found, the median after {median} seeds; without a fault {} of these seeds fail",
        found.len() - missed.len(),
        found.len(),
        failed.len()
    );
    if !missed.is_empty() {
        println!("MISSED: {missed:?} within {count} seeds");
    }
    // Of some faults only, the median says nothing.
    let is_slow = names.is_empty() && median > MEDIAN_MAX;
    if is_slow {
        println!("TOO SLOW: half of all are to be found within {MEDIAN_MAX} seeds");
    }
    for (seed, outcome) in failed.iter().take(3) {
        println!("FAILS WITHOUT A FAULT: seed {seed}: {:?}", outcome.violation);
    }
    let is_fine = !found.is_empty() && missed.is_empty() && !is_slow && failed.is_empty();
    if is_fine { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
