//! `cargo xtask seed`: a library of photos to look at.

use std::path::PathBuf;

use crate::shell::{self, Outcome};
use crate::{code, run, setup, site};

#[derive(clap::Args)]
pub struct Arguments {
    /// Photos in the library.
    #[arg(long, default_value_t = 10_000)]
    photos: usize,
    /// How many of them are really uploaded, with a picture each; the others show the same pictures.
    #[arg(long, default_value_t = 1_000)]
    uploaded: usize,
    /// Over how many days they were taken; fifteen years without.
    #[arg(long)]
    days: Option<u64>,
    /// The data folder, which must be new. `DATABASE_URL` counts as it does for the server.
    #[arg(long, default_value = "data")]
    data: PathBuf,
}

pub fn seed(arguments: &Arguments) -> Outcome {
    setup::for_building()?;
    site::build(code::Quality::Small)?;
    let server = run::build_server()?;
    shell::run(shell::cargo().args(["build", "--release", "--package", "bench"]))?;
    let mut command = shell::command(shell::target().join("release/bench"));
    command.arg("seed").arg("--server").arg(server).arg("--site").arg(site::folder());
    command.args(["--photos", &arguments.photos.to_string()]);
    command.args(["--uploaded", &arguments.uploaded.to_string()]);
    if let Some(days) = arguments.days {
        command.args(["--days", &days.to_string()]);
    }
    shell::run(command.arg("--data").arg(&arguments.data))
}
