//! `cargo xtask simulate`: seeded scenarios against the oracle.

use crate::shell::{self, Outcome};
use crate::stages::PACKAGES;

/// Seeds that every run of the checks plays.
const CHECKED_SEEDS: u64 = 1_000;
const CHECKED_FULL_SEEDS: u64 = 25;
/// From this seed on plans have photos in them and what goes after a time; the seeds before are played as they always
/// were.
const EVERYTHING_SEEDS: u64 = 20_000_000;
/// For long runs: minutes more to compile, and a fraction of the processor's time for a scenario.
const OPTIMISED: [&str; 8] = [
    "--config",
    "profile.dev.package.server.opt-level=1",
    "--config",
    "profile.dev.package.shared.opt-level=3",
    "--config",
    "profile.dev.package.sync.opt-level=3",
    "--config",
    "profile.dev.package.simulation.opt-level=3",
];

#[derive(clap::Args)]
pub struct Arguments {
    /// How many scenarios.
    #[arg(long, default_value_t = 20_000)]
    seeds: u64,
    /// The seed of the first: 1, or 20,000,000 with `--planted`. From 10,000,000 on most scenarios have photos, from 20,000,000
    /// on many what goes after a time.
    #[arg(long)]
    seed: Option<u64>,
    /// Plays the server as it is, with its router, SQL, jobs and objects, rather than its rules alone.
    #[arg(long)]
    full: bool,
    /// Plants each known fault instead, and tells how many seeds it took to find it.
    #[arg(long)]
    planted: bool,
    /// With `--planted`: only faults whose names contain one of these, with commas between them.
    #[arg(long)]
    faults: Option<String>,
}

pub fn simulate(arguments: &Arguments) -> Outcome {
    let build = ["build", "--bin", "simulation"];
    shell::run(shell::cargo().args(build).arg(PACKAGES).args(OPTIMISED))?;
    let mut command = program();
    command.args(["--seeds", &arguments.seeds.to_string()]);
    command.args(arguments.seed.iter().flat_map(|seed| ["--seed".to_owned(), seed.to_string()]));
    let flags = [(arguments.full, "--full"), (arguments.planted, "--planted")];
    command.args(flags.iter().filter(|(given, _)| *given).map(|(_, flag)| flag));
    command.args(arguments.faults.iter().flat_map(|names| ["--faults", names]));
    shell::run(&mut command)
}

/// What the checks run: the seeds that once failed, and a fixed number of others.
pub fn check() -> Outcome {
    let from = EVERYTHING_SEEDS.to_string();
    for (tier, seeds) in [(None, CHECKED_SEEDS), (Some("--full"), CHECKED_FULL_SEEDS)] {
        let seeds = seeds.to_string();
        shell::run(program().args(tier).args(["--regressions", "--seeds", &seeds]))?;
        shell::run(program().args(tier).args(["--seeds", &seeds, "--seed", &from]))?;
    }
    Ok(())
}

/// As the build stage made it.
fn program() -> std::process::Command {
    shell::command(shell::target().join("debug/simulation"))
}
