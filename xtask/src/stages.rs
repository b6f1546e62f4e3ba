//! `cargo xtask test`: every check, in an order in which nothing is compiled twice.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::services::Services;
use crate::shell::{self, AtPath, Failure, Outcome};
use crate::tools::{self, WasmToolchain};
use crate::{code, pictures, setup, simulate, site};

#[derive(clap::Args)]
pub struct Arguments {
    /// Only these stages; without, all that are not marked as run by name.
    stages: Vec<Stage>,
    /// Only the browser journeys whose title contains this.
    #[arg(long)]
    grep: Option<String>,
    /// Begins no more browser journeys after so many minutes, and says which files of them are left out.
    #[arg(long, value_name = "MINUTES")]
    within: Option<u64>,
}

/// A stage, in the order of running: what fails quickest comes first.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Stage {
    /// What the other stages need is installed.
    Setup,
    /// The code is laid out by `cargo fmt`.
    Format,
    /// Everything compiles: libraries, programs, tests.
    Build,
    /// The tests of every crate, on SQLite, PostgreSQL, S3 and Valkey.
    Unit,
    /// Real pictures of other projects come out as another implementation has them, or are refused.
    Pictures,
    /// Seeded scenarios of people, networks and crashes, held to an oracle.
    Simulation,
    /// The browser's half compiles and is packed.
    Site,
    /// The contract of local stores, on IndexedDB in Chromium.
    Conformance,
    /// What the server syncs to disk before it acknowledges, seen by strace.
    Durability,
    /// clippy finds nothing.
    Lint,
    /// Journeys through the real server in Chromium: they take longest.
    Browser,
    /// By name: every page and state in every width, in light and dark, for a contact sheet, and nothing that
    /// axe finds.
    Looks,
    /// By name: the site as it is handed out starts and does its work. Building it takes minutes.
    Release,
}

const ORDER: &[Stage] = &[
    Stage::Setup,
    Stage::Format,
    Stage::Build,
    Stage::Unit,
    Stage::Pictures,
    Stage::Simulation,
    Stage::Site,
    Stage::Conformance,
    Stage::Durability,
    Stage::Lint,
    Stage::Browser,
    Stage::Looks,
    Stage::Release,
];

/// Always all of them together, so that what they share is compiled with the same features and once.
pub const PACKAGES: &str = "--workspace";
const EVERYTHING: &[&str] = &[PACKAGES, "--all-targets"];

impl Stage {
    const fn title(self) -> &'static str {
        match self {
            Self::Setup => "set-up",
            Self::Format => "format",
            Self::Build => "build",
            Self::Unit => "unit and contract tests",
            Self::Pictures => "real pictures",
            Self::Simulation => "simulation",
            Self::Site => "site (WebAssembly)",
            Self::Conformance => "conformance (IndexedDB)",
            Self::Browser => "browser journeys",
            Self::Looks => "looks (contact sheet, axe)",
            Self::Release => "release (the optimised site)",
            Self::Durability => "durability (strace)",
            Self::Lint => "lint",
        }
    }

    /// Whether it runs only where it is asked for: it takes minutes, and is for a person who looks at pictures or
    /// hands the site out.
    fn is_by_name(self) -> bool {
        matches!(self, Self::Looks | Self::Release)
    }

    fn run(self, arguments: &Arguments, begun: Instant) -> Outcome {
        match self {
            Self::Setup => setup::for_tests(),
            Self::Format => shell::run(shell::cargo().args(["fmt", "--all", "--check"])),
            Self::Build => shell::run(shell::cargo().arg("build").args(EVERYTHING)),
            Self::Unit => unit(),
            Self::Pictures => real_pictures(),
            Self::Simulation => simulate::check(),
            Self::Site => site::build(code::Quality::Quick),
            Self::Conformance => {
                code::build_conformance().and_then(|()| journeys("conformance", None, &debug_server()))
            }
            Self::Durability => journeys("durability", None, &debug_server()),
            Self::Lint => lint(),
            Self::Browser => match arguments.within {
                None => journeys("journeys", arguments.grep.as_deref(), &debug_server()),
                Some(minutes) => {
                    journeys_until(begun + Duration::from_mins(minutes), arguments.grep.as_deref())
                }
            },
            Self::Looks => looks(arguments.grep.as_deref()),
            Self::Release => {
                site::build(code::Quality::Small)?;
                shell::run(shell::cargo().arg("build").args(EVERYTHING))?;
                journeys("release", None, &debug_server())
            }
        }
    }
}

pub fn test(arguments: &Arguments) -> Outcome {
    let chosen = |stage: &&Stage| {
        if arguments.stages.is_empty() { !stage.is_by_name() } else { arguments.stages.contains(stage) }
    };
    let begun = Instant::now();
    let mut times = Vec::new();
    for stage in ORDER.iter().filter(chosen) {
        println!("\n── {}", stage.title());
        let start = Instant::now();
        let outcome = stage.run(arguments, begun);
        let took = shown(start.elapsed());
        if let Err(failure) = outcome {
            return Err(Failure::new(format!(
                "{failure}\nFailed in the stage \"{}\" after {took}. Run it alone with: cargo xtask test {}",
                stage.title(),
                stage.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned()),
            )));
        }
        println!("── {}: passed in {took}", stage.title());
        times.push((stage.title(), took));
    }
    println!("\nEvery stage passed:");
    for (title, took) in times {
        println!("  {title:<26} {took:>9}");
    }
    Ok(())
}

fn shown(time: Duration) -> String {
    format!("{}:{:04.1} min", time.as_secs() / 60, time.as_secs_f64() % 60.0)
}

fn unit() -> Outcome {
    let services = Services::start()?;
    let environment = || services.environment.iter().map(|(name, value)| (*name, value.as_str()));
    // The same packages and targets as in the build stage, so that nothing is compiled again.
    shell::run(shell::cargo().args(["test", "--no-fail-fast"]).args(EVERYTHING).envs(environment()))
}

fn real_pictures() -> Outcome {
    pictures::fetch()?;
    let mut cargo = shell::cargo();
    cargo.args(["test", PACKAGES, "--test", "real_files", "--", "--ignored", "--nocapture"]);
    shell::run(cargo.env("TEST_PICTURES", pictures::folder()).env("TEST_REFERENCE", pictures::python()))
}

/// The server as the build stage made it.
fn debug_server() -> PathBuf {
    shell::target().join("debug").join(site::NAME)
}

fn looks(grep: Option<&str>) -> Outcome {
    let sheet = shell::target().join("looks/index.html");
    let outcome = journeys("looks", grep, &debug_server());
    println!("The contact sheet: {}", sheet.display());
    outcome
}

/// A Playwright project of `end2end/`, against a server's executable.
pub fn journeys(project: &str, grep: Option<&str>, server: &Path) -> Outcome {
    shell::run(&mut playwright(project, grep, server)?)
}

/// The browser journeys file by file, as far as there is time to begin them; one that fails keeps no other from
/// being seen.
fn journeys_until(until: Instant, grep: Option<&str>) -> Outcome {
    let folder = shell::root().join("end2end/journeys");
    let entries = fs::read_dir(&folder).at("read", &folder)?.flatten();
    let mut files: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    files.sort();
    let (mut failed, mut left_out) = (Vec::new(), Vec::new());
    for file in files {
        if Instant::now() >= until {
            left_out.push(file);
            continue;
        }
        let mut one = playwright("journeys", grep, &debug_server())?;
        one.args(["--pass-with-no-tests", &format!("/{file}")]);
        if let Err(failure) = shell::run_kept(&mut one) {
            failed.push((file, failure));
        }
    }
    if !left_out.is_empty() {
        println!("There was no time left for {}.", left_out.join(", "));
    }
    if failed.is_empty() {
        return Ok(());
    }
    // Once more at the end, after all that passed: of a long log people see the last lines.
    for (_, failure) in &failed {
        println!("\n{failure}");
    }
    let files: Vec<&str> = failed.iter().map(|(file, _)| file.as_str()).collect();
    Err(Failure::new(format!("Failed: {}", files.join(", "))))
}

/// The command that runs it.
fn playwright(project: &str, grep: Option<&str>, server: &Path) -> Outcome<Command> {
    let folder = shell::root().join("end2end");
    let chromium = tools::chromium().ok_or_else(|| tools::missing("Chromium"))?;
    let mut command = shell::command("npx");
    command
        .args(["--no-install", "playwright", "test", &format!("--project={project}")])
        .current_dir(&folder)
        .env("CLOUDSTEAD", server)
        .env("CLOUDSTEAD_SITE", site::folder())
        .env("CLOUDSTEAD_LOOKS", shell::target().join("looks"))
        .env("CLOUDSTEAD_CONFORMANCE", code::conformance_folder())
        .env("CHROMIUM", chromium);
    if let Some(words) = grep {
        command.args(["--grep", words]);
    }
    Ok(command)
}

/// clippy over everything natively; the browser's crates compile there too. Where the usual toolchain
/// compiles to WebAssembly, they are linted for it as well.
fn lint() -> Outcome {
    let deny = ["--", "--deny", "warnings"];
    shell::run(shell::cargo().arg("clippy").args(EVERYTHING).args(deny))?;
    if WasmToolchain::find() == Some(WasmToolchain::Usual) {
        let web = ["clippy", "--package", "frontend", "--target", tools::WASM_TARGET];
        let mut cargo = WasmToolchain::Usual.cargo();
        shell::run(
            cargo.args(web).args(["--profile", "web"]).args(deny).env("LEPTOS_OUTPUT_NAME", site::NAME),
        )?;
    }
    no_stray_locks()
}

/// No node lock file names a registry, so that they install from whichever one a machine uses.
fn no_stray_locks() -> Outcome {
    for folder in ["end2end", "xtask/wasm-opt"] {
        let lock = shell::root().join(folder).join("package-lock.json");
        let text = std::fs::read_to_string(&lock).at("read", &lock)?;
        if text.contains("\"resolved\"") {
            return Err(Failure::new(format!(
                "{folder}/package-lock.json names a registry: run `npm install --omit-lockfile-registry-resolved` there"
            )));
        }
    }
    Ok(())
}
