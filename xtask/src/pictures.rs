//! Real pictures for the tests: those that other image libraries are tested with, from their packages.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};

use crate::shell::{self, AtPath as _, Failure, Outcome};
use crate::{site, tools};

/// The implementation that the decoder is compared with.
const REFERENCE: &[&str] = &["pillow==12.3.0", "pillow-heif==1.4.0"];

/// A package's source, and where its pictures are.
struct Package {
    fetch: Fetch,
    /// What the registry hands out.
    archive: &'static str,
    sha256: &'static str,
    /// Inside the archive.
    folder: &'static str,
    /// What the folder is called here.
    name: &'static str,
}

enum Fetch {
    Python(&'static str),
    Node(&'static str),
}

const PACKAGES: &[Package] = &[
    Package {
        fetch: Fetch::Python("pillow==12.3.0"),
        archive: "pillow-12.3.0.tar.gz",
        sha256: "3b8182a766685eaa002637e28b4ec8d6b18819a0c71f579bf0dbaa5830297cce",
        folder: "pillow-12.3.0/Tests/images",
        name: "pillow",
    },
    Package {
        fetch: Fetch::Python("pillow-heif==1.4.0"),
        archive: "pillow_heif-1.4.0.tar.gz",
        sha256: "55a7c0cb5321538d1ca74037be54b48d147017735a766eb29bcca4761253a1f1",
        folder: "pillow_heif-1.4.0/tests/images",
        name: "pillow-heif",
    },
    Package {
        fetch: Fetch::Python("piexif==1.1.3"),
        archive: "piexif-1.1.3.zip",
        sha256: "83cb35c606bf3a1ea1a8f0a25cb42cf17e24353fd82e87ae3884e74a302a5f1b",
        folder: "piexif-1.1.3/tests/images",
        name: "piexif",
    },
    Package {
        fetch: Fetch::Node("exif@0.6.0"),
        archive: "exif-0.6.0.tgz",
        sha256: "9aa1e1576ea372566e8f7088f81798cb0ebcc1431973c58111a5b59785821733",
        folder: "package/test",
        name: "exif",
    },
];

/// Of a licence that does not let everyone use them.
const LEFT_OUT: &str = "pillow-heif/heif_other/nokia";

/// Where the pictures are, a folder for each package.
pub fn folder() -> PathBuf {
    home().join("files")
}

/// A Python that has the other implementation.
pub fn python() -> PathBuf {
    home().join("python/bin/python")
}

fn home() -> PathBuf {
    tools::own_tools().join("pictures")
}

/// Fetches what is not there yet; with everything there, it needs no network.
pub fn fetch() -> Outcome {
    let home = home();
    let stamp = home.join("complete");
    let wanted = PACKAGES.iter().map(|package| package.sha256).chain(REFERENCE.iter().copied());
    let wanted = wanted.collect::<Vec<_>>().join("\n");
    if fs::read_to_string(&stamp).is_ok_and(|complete| complete == wanted) {
        return Ok(());
    }
    println!("Installing real pictures for the tests.");
    fs::create_dir_all(&home).at("create", &home)?;
    if !python().exists() {
        shell::run(shell::command("python3").args(["-m", "venv"]).arg(home.join("python")))?;
    }
    shell::run(pip().args(["install", "--quiet"]).args(REFERENCE))?;
    for package in PACKAGES {
        take(package)?;
    }
    let left_out = folder().join(LEFT_OUT);
    fs::remove_dir_all(&left_out).at("remove", &left_out)?;
    fs::write(&stamp, wanted).at("write", &stamp)
}

fn pip() -> Command {
    let mut command = shell::command(python());
    command.args(["-m", "pip", "--disable-pip-version-check"]);
    command
}

fn take(package: &Package) -> Outcome {
    let archive = home().join(package.archive);
    if !is_whole(&archive, package) {
        match package.fetch {
            Fetch::Python(what) => {
                let (name, _) = what.split_once("==").unwrap_or((what, ""));
                let source = ["download", "--quiet", "--no-deps", "--no-binary", name, what, "--dest"];
                shell::run(pip().args(source).arg(home()))?;
            }
            Fetch::Node(what) => {
                shell::run(
                    shell::command("npm").args(["pack", "--silent", what, "--pack-destination"]).arg(home()),
                )?;
            }
        }
        if !is_whole(&archive, package) {
            return Err(Failure::new(format!(
                "{} is not what it was: its SHA-256 is another",
                archive.display()
            )));
        }
    }
    let unpacked = home().join("unpacked");
    let is_zip = archive.extension().is_some_and(|kind| kind == "zip");
    let module = if is_zip { "zipfile" } else { "tarfile" };
    shell::run(Command::new(python()).args(["-m", module, "-e"]).arg(&archive).arg(&unpacked))?;
    let target = folder().join(package.name);
    if target.exists() {
        fs::remove_dir_all(&target).at("remove", &target)?;
    }
    fs::create_dir_all(folder()).at("create", &folder())?;
    let pictures = unpacked.join(package.folder);
    fs::rename(&pictures, &target).at("move", &pictures)?;
    fs::remove_dir_all(&unpacked).at("remove", &unpacked)
}

fn is_whole(archive: &Path, package: &Package) -> bool {
    let hash = fs::read(archive).map(|bytes| Sha256::digest(&bytes));
    hash.is_ok_and(|hash| site::hexadecimal(&hash) == package.sha256)
}
