//! Every command of the project. CI and the README call these and nothing else.

// Stages print how long they really took; nothing here is simulated.
#![allow(clippy::disallowed_methods)]

mod bench;
mod code;
mod dist;
mod icons;
mod pictures;
mod run;
mod seed;
mod services;
mod setup;
mod shell;
mod simulate;
mod site;
mod stages;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(
    name = "cargo xtask",
    about = "Builds, runs, tests and measures Cloudstead.",
    disable_help_subcommand = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Installs what is missing, builds for release and serves on http://127.0.0.1:3000 with its data in ./data.
    ///
    /// Arguments after `--` go to `cloudstead serve`; the environment (CLOUDSTEAD_LISTEN, DATABASE_URL …) is
    /// passed on as it is.
    Run(run::Arguments),
    /// Installs what is missing and runs every check, printing each stage with its time.
    ///
    /// Stops at the first stage that fails. Name stages to run only those, in their usual order.
    Test(stages::Arguments),
    /// Makes target/dist/cloudstead: one executable with the site inside, and tries it in a browser if there is one.
    Dist,
    /// Measures the server against bounds taken in the same run and prints the ratios.
    Bench(bench::Arguments),
    /// Fills a fresh data folder with a library of photos, of many shapes and days: as many as you say.
    ///
    /// For looking at the gallery, and for measuring it, with more photos than one has at hand.
    Seed(seed::Arguments),
    /// Plays seeded scenarios of people, networks, crashes, clocks and restored backups against an oracle.
    ///
    /// A seed that fails is printed with a plan as small as it gets. `--seeds 1 --seed S` plays one again.
    Simulate(simulate::Arguments),
    /// Installs what is missing: for building, or with --tests for every check too.
    ///
    /// What is there is left alone, so that a second run does nothing. System packages are installed by apt
    /// where that is allowed; elsewhere one line says what to install.
    Setup {
        /// Also what only the checks need: PostgreSQL, Valkey, S3, Chromium, strace, node packages.
        #[arg(long)]
        tests: bool,
    },
    /// Builds the browser's half into target/site.
    Site {
        /// As it is handed out: small, which takes minutes.
        #[arg(long)]
        small: bool,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Test(arguments) => stages::test(&arguments),
        Command::Dist => dist::dist(),
        Command::Seed(arguments) => seed::seed(&arguments),
        Command::Simulate(arguments) => simulate::simulate(&arguments),
        Command::Bench(arguments) => bench::bench(&arguments),
        Command::Setup { tests: true } => setup::for_tests(),
        Command::Setup { tests: false } => setup::for_building(),
        Command::Site { small } => {
            let quality = if small { code::Quality::Small } else { code::Quality::Quick };
            setup::for_building().and_then(|()| site::build(quality))
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\n{failure}");
            ExitCode::FAILURE
        }
    }
}
