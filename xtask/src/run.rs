//! `cargo xtask run`: a release build that serves from the working folder.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;

use crate::shell::{self, Failure, Outcome};
use crate::{code, setup, site};

#[derive(clap::Args)]
pub struct Arguments {
    /// Given on to `cloudstead serve`.
    #[arg(last = true)]
    serve: Vec<String>,
}

pub fn run(arguments: &Arguments) -> Outcome {
    setup::for_building()?;
    site::build(code::Quality::Small)?;
    let server = build_server()?;
    // The server takes this process's place: signals reach it directly.
    let error = shell::command(server)
        .arg("serve")
        .args(&arguments.serve)
        .env("CLOUDSTEAD_SITE", site::folder())
        .exec();
    Err(Failure::new(format!("could not start the server: {error}")))
}

/// The server, for release.
pub fn build_server() -> Outcome<PathBuf> {
    shell::run(shell::cargo().args(["build", "--release", "--package", "server", "--bin", site::NAME]))?;
    Ok(shell::target().join("release").join(site::NAME))
}
