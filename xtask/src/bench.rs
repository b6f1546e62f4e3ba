//! `cargo xtask bench`: the server for release and the load client, side by side.

use std::fs;
use std::path::{Path, PathBuf};

use crate::services::{Durability, Postgres};
use crate::shell::{self, AtPath as _, Outcome};
use crate::{code, pictures, run, setup, site, stages, tools};

/// The measurements that are Playwright's project `benchmarks`.
const BROWSER: &str = "browser";
const COPYPARTY_VERSION: &str = "1.20.26";

#[derive(clap::Args)]
pub struct Arguments {
    /// Only the measurements whose name contains one of these words; all of them without.
    only: Vec<String>,
    /// Size of the large file, in MiB.
    #[arg(long, default_value_t = 1024)]
    file_mib: u64,
}

pub fn bench(arguments: &Arguments) -> Outcome {
    setup::for_tests()?;
    site::build(code::Quality::Small)?;
    let server = run::build_server()?;
    if arguments.only.is_empty() || arguments.only.iter().any(|word| word != BROWSER) {
        load_client(&server, arguments)?;
    }
    if arguments.only.is_empty() || arguments.only.iter().any(|word| word == BROWSER) {
        // Which also fills libraries of photos.
        shell::run(shell::cargo().args(["build", "--release", "--package", "bench"]))?;
        stages::journeys("benchmarks", None, &server)?;
    }
    Ok(())
}

fn load_client(server: &Path, arguments: &Arguments) -> Outcome {
    shell::run(shell::cargo().args(["build", "--release", "--package", "bench"]))?;
    let postgres = Postgres::start(Durability::Full)?;
    let mut command = shell::command(shell::target().join("release/bench"));
    command.arg("measure").arg("--server").arg(server).arg("--site").arg(site::folder());
    command.args(["--postgres", &postgres.url, "--file-mib", &arguments.file_mib.to_string()]);
    command.arg("--pictures").arg(pictures::folder());
    match peers() {
        Ok(folder) => {
            command.arg("--peers").arg(folder);
        }
        Err(failure) => println!("Measuring without the other servers: {failure}"),
    }
    shell::run(command.args(arguments.only.iter().filter(|word| *word != BROWSER)))
}

/// copyparty, @tus/server and sharp, installed where nobody else sees them.
fn peers() -> Outcome<PathBuf> {
    let source = shell::root().join("bench/peers");
    let folder = tools::own_tools().join("peers");
    fs::create_dir_all(&folder).at("create", &folder)?;
    for name in ["package.json", "package-lock.json", "derivatives.mjs", "tus-server.mjs"] {
        fs::copy(source.join(name), folder.join(name)).at("copy", &source.join(name))?;
    }
    let lock = folder.join("package-lock.json");
    let wanted = fs::read(&lock).at("read", &lock)?;
    let stamp = folder.join("node_modules/.installed-lock");
    if !fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        let quiet = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
        shell::run(shell::command("npm").args(quiet).current_dir(&folder))?;
        fs::write(&stamp, wanted).at("write", &stamp)?;
    }
    let python = folder.join("python");
    if !python.join("bin/copyparty").exists() {
        shell::run(shell::command("python3").args(["-m", "venv"]).arg(&python))?;
        let copyparty = format!("copyparty=={COPYPARTY_VERSION}");
        shell::run(shell::command(python.join("bin/pip")).args(["install", "--quiet", &copyparty]))?;
    }
    Ok(folder)
}
