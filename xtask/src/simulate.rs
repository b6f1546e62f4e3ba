//! `cargo xtask simulate`: seeded scenarios against the oracle.

use clap::ValueEnum;

use crate::shell::{self, Outcome};
use crate::stages::NATIVE_PACKAGES;

/// Seeds that every run of the checks plays.
const CHECKED_SEEDS: u64 = 1_500;

#[derive(clap::Args)]
pub struct Arguments {
    /// How many scenarios.
    #[arg(long, default_value_t = 20_000)]
    seeds: u64,
    /// The seed of the first.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What plays the server's part.
    #[arg(long, value_enum, default_value_t = Tier::Core)]
    tier: Tier,
    /// Plants each known fault instead, and tells how many seeds it took to find it.
    #[arg(long)]
    planted: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Tier {
    /// The rules alone, over a database in memory.
    Core,
}

pub fn simulate(arguments: &Arguments) -> Outcome {
    let Tier::Core = arguments.tier;
    shell::run(shell::cargo().arg("build").args(NATIVE_PACKAGES).args(["--bin", "simulation"]))?;
    let mut command = program();
    command.args(["--seeds", &arguments.seeds.to_string(), "--seed", &arguments.seed.to_string()]);
    if arguments.planted {
        command.arg("--planted");
    }
    shell::run(&mut command)
}

/// What the checks run: the seeds that once failed, and a fixed number of others.
pub fn check() -> Outcome {
    let seeds = CHECKED_SEEDS.to_string();
    shell::run(program().args(["--regressions", "--seeds", &seeds]))
}

/// As the build stage made it.
fn program() -> std::process::Command {
    shell::command(shell::target().join("debug/simulation"))
}
