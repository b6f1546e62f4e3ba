//! The simulation proves its worth: each planted fault has to be found within so many seeds, on which the
//! code without faults finds nothing.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use shared::faults::{self, Fault};
use simulation::{Invariant, Plan, Tier, run};

/// A fault, and the first seed that found it.
type Found = BTreeMap<Fault, Option<(u64, Invariant)>>;

pub fn table(seeds_max: u64) -> ExitCode {
    let found: Mutex<Found> = Mutex::default();
    super::in_parallel(Fault::ALL.len(), |at| {
        let fault = Fault::ALL[at];
        faults::plant(Some(fault));
        let first = (1..=seeds_max)
            .find_map(|seed| Some((seed, run(&Plan::of(seed), Tier::Core).violation?.invariant)));
        faults::plant(None);
        found.lock().unwrap_or_else(PoisonError::into_inner).insert(fault, first);
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    let most = found.values().flatten().map(|(seed, _)| *seed).max().unwrap_or(0);
    let seeds: Vec<u64> = (1..=most).collect();
    let (_, failed) = super::play(Tier::Core, &seeds, u64::MAX);
    for (fault, first) in &found {
        match first {
            Some((seed, invariant)) => println!("{:<28} {seed:>6}  {invariant}", format!("{fault:?}")),
            None => println!("{:<28}   none of {seeds_max}", format!("{fault:?}")),
        }
    }
    let mut needed: Vec<u64> = found.values().map(|first| first.map_or(u64::MAX, |(seed, _)| seed)).collect();
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
