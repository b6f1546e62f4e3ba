//! `cargo xtask dist`: one executable with the site inside.

use std::fs;

use crate::shell::{self, AtPath, Outcome};
use crate::{setup, site};

pub fn dist() -> Outcome {
    setup::for_building()?;
    site::build(site::Quality::Small)?;
    shell::run(
        shell::cargo()
            .args(["build", "--profile", "dist", "--package", "server", "--bin", site::NAME])
            .args(["--features", "embed-site"]),
    )?;
    let built = shell::target().join("dist").join(site::NAME);
    let size = fs::metadata(&built).at("read", &built)?.len();
    println!(
        "{} ({} MB): copy it anywhere and run `{} serve`.",
        built.display(),
        size / 1_000_000,
        site::NAME
    );
    Ok(())
}
