//! `cargo xtask simulate`.

mod planted;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use clap::Parser;
use simulation::{AGE_SEEDS, Counts, Invariant, Outcome, Plan, Tier, Violation, run, shrink, traced};

/// Seeds that once found a bug.
const REGRESSIONS: &str = include_str!("../regressions/seeds.txt");
const FULL_REGRESSIONS: &str = include_str!("../regressions/full_seeds.txt");
/// Failing seeds that are told with their plan; the rest is only counted.
const TOLD_MAX: usize = 3;
/// Longer lines of a trace are states, not events.
const LINE_CHARS_MAX: usize = 400;

#[derive(Parser)]
#[command(about = "Plays seeded scenarios against the oracle.")]
struct Arguments {
    /// Plays the server as it is rather than its rules alone.
    #[arg(long)]
    full: bool,
    /// How many scenarios.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first seed: 1, or of the scenarios that have everything, 20,000,000 and more, where faults are planted.
    #[arg(long)]
    seed: Option<u64>,
    /// The seeds that once failed, too.
    #[arg(long)]
    regressions: bool,
    /// Plants each known fault, and tells how many seeds it took to find it.
    #[arg(long)]
    planted: bool,
    /// With `--planted`: only faults whose names contain this; several, with commas.
    #[arg(long, value_delimiter = ',')]
    faults: Vec<String>,
    /// Tells everything that happens with the first seed.
    #[arg(long)]
    trace: bool,
    /// Leaves a failing scenario as it is.
    #[arg(long)]
    no_shrink: bool,
    /// Every n-th seed runs twice, to compare the traces.
    #[arg(long, default_value_t = 100)]
    twice: u64,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let first = arguments.seed.unwrap_or(if arguments.planted { AGE_SEEDS } else { 1 });
    let (tier, regressions) =
        if arguments.full { (Tier::Full, FULL_REGRESSIONS) } else { (Tier::Core, REGRESSIONS) };
    // Panics of the code under test are violations like others, told with their seed.
    std::panic::set_hook(Box::new(|_| {}));
    if arguments.trace {
        let (outcome, lines) = traced(&Plan::of(first), tier);
        for line in &lines {
            println!("{line}");
        }
        return told(tier, first, &outcome, arguments.no_shrink);
    }
    if arguments.planted {
        return planted::table(tier, first, arguments.seeds, &arguments.faults);
    }
    let mut seeds: Vec<u64> = (first..first + arguments.seeds).collect();
    if arguments.regressions {
        seeds.extend(regressions.lines().filter_map(|line| line.trim().parse::<u64>().ok()));
    }
    let clock = Clock::start();
    let (totals, failed) = play(tier, &seeds, arguments.twice);
    let rate = seeds.len() as f64 / clock.minutes();
    println!(
        "{} scenarios, {rate:.0} a minute: {} acts of people, {} requests, {} merges, {} conflicts",
        seeds.len(),
        totals.acts,
        totals.requests,
        totals.merges,
        totals.conflicts
    );
    for (seed, outcome) in failed.iter().take(TOLD_MAX) {
        told(tier, *seed, outcome, arguments.no_shrink);
    }
    let mut by_invariant: BTreeMap<Invariant, Vec<u64>> = BTreeMap::new();
    for (seed, outcome) in &failed {
        by_invariant
            .entry(outcome.violation.as_ref().map_or(Invariant::NoPanic, |v| v.invariant))
            .or_default()
            .push(*seed);
    }
    for (invariant, found) in &by_invariant {
        println!("{invariant}: {} seeds, {:?}…", found.len(), &found[..found.len().min(8)]);
    }
    if failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The time that it really takes, which nothing in a scenario knows of.
struct Clock(std::time::Instant);

#[expect(clippy::disallowed_methods, reason = "only the rate is told by it")]
impl Clock {
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    fn minutes(&self) -> f64 {
        self.0.elapsed().as_secs_f64() / 60.0
    }
}

type Failed = BTreeMap<u64, Outcome>;

/// Has `work` done for each of `0..count`, by as many threads as there are processors, each on one of its own.
fn in_parallel(count: usize, work: impl Fn(usize) + Sync) {
    let next = AtomicU64::new(0);
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for processor in 0..processors {
            let (next, work) = (&next, &work);
            scope.spawn(move || {
                stay_on(processor);
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed) as usize;
                    if at >= count {
                        return;
                    }
                    work(at);
                }
            });
        }
    });
}

/// Keeps this thread, and those that it starts, on one of the processors that the program may use. A scenario of the
/// full tier hands on to its database's threads and waits for them thousands of times a second, which is slow from
/// one processor to another.
#[cfg(target_os = "linux")]
fn stay_on(processor: usize) {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    let Ok(usable) = sched_getaffinity(None) else { return };
    if let Some(number) = (0..CpuSet::MAX_CPU).filter(|number| usable.is_set(*number)).nth(processor) {
        let mut one = CpuSet::new();
        one.set(number);
        // Where it is refused, scenarios are only slower.
        let _ = sched_setaffinity(None, &one);
    }
}

#[cfg(not(target_os = "linux"))]
fn stay_on(_processor: usize) {}

fn play(tier: Tier, seeds: &[u64], twice: u64) -> (Counts, Failed) {
    let results: Mutex<(Counts, Failed)> = Mutex::default();
    in_parallel(seeds.len(), |at| {
        let seed = seeds[at];
        let plan = Plan::of(seed);
        let mut outcome = run(&plan, tier);
        if seed.is_multiple_of(twice) && outcome.violation.is_none() && run(&plan, tier) != outcome {
            let detail = "two runs of one seed differ".to_owned();
            outcome.violation = Some(Violation { invariant: Invariant::NoPanic, detail });
        }
        let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
        results.0.add(&outcome.counts);
        if let Some(violation) = &outcome.violation {
            // At once, so that a run which is cut short has told it.
            println!("seed {seed}: {violation}");
            results.1.insert(seed, outcome);
        }
    });
    results.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Tells of a failing seed, with a plan as small as it gets.
fn told(tier: Tier, seed: u64, outcome: &Outcome, whole: bool) -> ExitCode {
    let Some(violation) = &outcome.violation else { return ExitCode::SUCCESS };
    println!("\nseed {seed}: {violation}");
    if !whole {
        let plan = shrink(&Plan::of(seed), tier, violation.invariant);
        let (outcome, lines) = traced(&plan, tier);
        println!("{plan:?}");
        lines.iter().filter(|line| line.len() < LINE_CHARS_MAX).for_each(|line| println!("  {line}"));
        println!("{}", outcome.violation.map_or_else(String::new, |violation| violation.to_string()));
    }
    ExitCode::FAILURE
}
