//! `cargo xtask dist`: one executable with the site inside.

use std::fs;

use crate::shell::{self, AtPath, Outcome};
use crate::{code, setup, site, stages, tools};

pub fn dist() -> Outcome {
    setup::for_building()?;
    site::build(code::Quality::Small)?;
    shell::run(
        shell::cargo()
            .args(["build", "--profile", "dist", "--package", "server", "--bin", site::NAME])
            .args(["--features", "embed-site"]),
    )?;
    let built = shell::target().join("dist").join(site::NAME);
    let size = fs::metadata(&built).at("read", &built)?.len();
    let has_browser = tools::chromium().is_some() && shell::root().join("end2end/node_modules").is_dir();
    if has_browser {
        stages::journeys("release", None, &built)?;
    } else {
        println!("It was not tried in a browser: `cargo xtask setup --tests` installs what that takes.");
    }
    println!(
        "{} ({} MB): copy it anywhere and run `{} serve`.",
        built.display(),
        size / 1_000_000,
        site::NAME
    );
    Ok(())
}
