//! Finds what is missing and installs it: nothing that is there is touched.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::pictures;
use crate::shell::{self, AtPath, Failure, Outcome};
use crate::tools::{self, WasmToolchain};

/// A system package, needed where its program is not found.
struct Package {
    /// What a person calls it.
    name: &'static str,
    /// What apt calls it.
    apt: &'static [&'static str],
    found: fn() -> bool,
}

/// For the JPEG decoder.
const BUILD_PACKAGES: &[Package] = &[
    Package { name: "CMake", apt: &["cmake"], found: || shell::find_program("cmake").is_some() },
    Package { name: "NASM", apt: &["nasm"], found: || shell::find_program("nasm").is_some() },
];

const TEST_PACKAGES: &[Package] = &[
    Package { name: "PostgreSQL", apt: &["postgresql"], found: || tools::postgres_programs().is_some() },
    Package { name: "Valkey or Redis", apt: &["redis-server"], found: || tools::valkey().is_some() },
    Package { name: "Chromium", apt: &["chromium"], found: || tools::chromium().is_some() },
    Package { name: "ffmpeg", apt: &["ffmpeg"], found: || shell::find_program("ffmpeg").is_some() },
    Package { name: "faketime", apt: &["faketime"], found: || shell::find_program("faketime").is_some() },
    Package { name: "strace", apt: &["strace"], found: || shell::find_program("strace").is_some() },
    Package {
        name: "Python 3 with venv",
        apt: &["python3-venv"],
        found: || shell::succeeds(Command::new("python3").args(["-c", "import ensurepip, venv"])),
    },
    Package {
        name: "Node.js 20 or later",
        apt: &["nodejs", "npm"],
        found: || shell::find_program("npm").is_some(),
    },
];

/// The system's own Rust, whose standard library can be built for WebAssembly without a download.
const SYSTEM_RUST: &[&str] = &["rustc-web", "cargo-web", "rust-web-src", "lld-22"];

pub fn for_building() -> Outcome {
    install_missing(BUILD_PACKAGES)?;
    if WasmToolchain::find().is_none() {
        install_wasm_std()?;
    }
    if tools::wasm_opt().is_none() && shell::find_program("npm").is_some() {
        say("wasm-opt");
        if let Err(failure) = npm_install(&shell::root().join("xtask/wasm-opt"), &tools::wasm_opt_folder()) {
            println!("{failure}\nGoing on without it.");
        }
    }
    Ok(())
}

pub fn for_tests() -> Outcome {
    for_building()?;
    install_missing(TEST_PACKAGES)?;
    if tools::s3_server().is_none() {
        say("an S3 server for the tests");
        cargo_install("s3s-fs", tools::S3_SERVER_VERSION, &["--features", "binary"])?;
    }
    node_packages()?;
    pictures::fetch()
}

fn say(what: &str) {
    println!("Installing {what}.");
}

fn install_wasm_std() -> Outcome {
    say("the standard library for WebAssembly");
    let added = shell::succeeds(Command::new("rustup").args(["target", "add", tools::WASM_TARGET]));
    if added && WasmToolchain::find().is_some() {
        return Ok(());
    }
    if !Path::new("/etc/debian_version").exists() {
        return Err(Failure::new(format!(
            "`rustup target add {}` did not succeed: check the network, or install the target by your system's means",
            tools::WASM_TARGET
        )));
    }
    println!("rustup could not fetch it; building it from the system's Rust sources.");
    apt_install(SYSTEM_RUST)?;
    build_system_wasm_std()?;
    shell::run(Command::new("rustup").args([
        "toolchain",
        "link",
        tools::SYSTEM_TOOLCHAIN,
        tools::SYSTEM_PREFIX,
    ]))?;
    match WasmToolchain::find() {
        Some(_) => Ok(()),
        None => Err(Failure::new("the standard library for WebAssembly was built but is not found")),
    }
}

/// Builds `std` once, in a scratch crate, and puts it where the system's rustc looks.
fn build_system_wasm_std() -> Outcome {
    let prefix = Path::new(tools::SYSTEM_PREFIX);
    let linker_folder = prefix.join("lib/rustlib/x86_64-unknown-linux-gnu/bin");
    fs::create_dir_all(&linker_folder).at("create", &linker_folder)?;
    let linker = linker_folder.join("rust-lld");
    if !linker.exists() {
        let lld = shell::find_program("lld-22").ok_or_else(|| Failure::new("lld-22 is not on PATH"))?;
        let lld = fs::canonicalize(&lld).at("resolve", &lld)?;
        std::os::unix::fs::symlink(&lld, &linker).at("link", &linker)?;
    }

    let scratch = shell::target().join("wasm-std");
    fs::create_dir_all(scratch.join("src")).at("create", &scratch)?;
    let manifest = "[package]\nname = \"scratch\"\nedition = \"2021\"\n[workspace]\n";
    fs::write(scratch.join("Cargo.toml"), manifest).at("write", &scratch)?;
    fs::write(scratch.join("src/lib.rs"), "").at("write", &scratch)?;
    let cargo = prefix.join("bin/cargo");
    shell::run(
        Command::new(cargo)
            .args(["build", "--release", "--target", tools::WASM_TARGET, "-Zbuild-std=std,panic_abort,test"])
            .current_dir(&scratch)
            .env_remove("RUSTUP_TOOLCHAIN")
            .env("CARGO_TARGET_DIR", scratch.join("target"))
            .env("RUSTC", prefix.join("bin/rustc"))
            .env("RUSTC_BOOTSTRAP", "1")
            // Without it, link-time optimisation finds no bitcode in the standard library.
            .env("RUSTFLAGS", "-Cembed-bitcode=yes"),
    )?;

    let built = scratch.join("target").join(tools::WASM_TARGET).join("release/deps");
    let library = prefix.join("lib/rustlib").join(tools::WASM_TARGET).join("lib");
    fs::create_dir_all(&library).at("create", &library)?;
    for entry in fs::read_dir(&built).at("read", &built)?.flatten() {
        let file = entry.path();
        let name = entry.file_name();
        let is_library = file.extension().is_some_and(|end| end == "rlib");
        if is_library && !name.to_string_lossy().starts_with("libscratch") {
            fs::copy(&file, library.join(name)).at("copy", &file)?;
        }
    }
    Ok(())
}

fn cargo_install(package: &str, version: &str, more: &[&str]) -> Outcome {
    let exact = format!("={version}");
    let root = tools::own_tools();
    let build = root.join("build");
    shell::run(
        shell::command("cargo")
            .args(["install", package, "--version", &exact, "--root"])
            .arg(&root)
            .args(more)
            .env("CARGO_TARGET_DIR", &build)
            // It is for tests: sooner there is better than faster.
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0"),
    )?;
    // Hundreds of megabytes, and nothing needs them any more.
    if build.exists() {
        fs::remove_dir_all(&build).at("remove", &build)?;
    }
    Ok(())
}

/// Installs what the lock file in `source` names into `folder`.
fn npm_install(source: &Path, folder: &Path) -> Outcome {
    fs::create_dir_all(folder).at("create", folder)?;
    for name in ["package.json", "package-lock.json"] {
        fs::copy(source.join(name), folder.join(name)).at("copy", source)?;
    }
    shell::run(
        shell::command("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(folder),
    )
}

/// What `npm ci` installed is remembered by the lock file's text, so that a second run does nothing.
fn node_packages() -> Outcome {
    let folder = shell::root().join("end2end");
    let lock = folder.join("package-lock.json");
    let stamp = folder.join("node_modules/.installed-lock");
    let wanted = fs::read(&lock).at("read", &lock)?;
    if fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    say("the browser tests' node packages");
    shell::run(
        shell::command("npm")
            .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
            .current_dir(&folder)
            .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1"),
    )?;
    fs::write(&stamp, wanted).at("write", &stamp)
}

fn install_missing(packages: &[Package]) -> Outcome {
    let missing: Vec<&Package> = packages.iter().filter(|package| !(package.found)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    say(&missing.iter().map(|package| package.name).collect::<Vec<_>>().join(", "));
    let packages: Vec<&str> = missing.iter().flat_map(|package| package.apt.iter().copied()).collect();
    apt_install(&packages)
}

/// Installs system packages where this user may; otherwise says the one line that does.
pub fn apt_install(packages: &[&str]) -> Outcome {
    let by_hand =
        || Failure::new(format!("Install them first: sudo apt-get install -y {}", packages.join(" ")));
    let apt = shell::find_program("apt-get").ok_or_else(|| {
        Failure::new(format!(
            "Install them first by your system's means; Debian calls them: {}",
            packages.join(" ")
        ))
    })?;
    let is_root = shell::read(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let command = || -> Outcome<Command> {
        if is_root {
            return Ok(Command::new(&apt));
        }
        if !shell::succeeds(Command::new("sudo").args(["-n", "true"])) {
            return Err(by_hand());
        }
        let mut sudo = Command::new("sudo");
        sudo.arg("-n").arg(&apt);
        Ok(sudo)
    };
    shell::run(command()?.args(["update", "-q"]))?;
    shell::run(
        command()?
            .args(["install", "-y", "-q", "--no-install-recommends"])
            .args(packages)
            .env("DEBIAN_FRONTEND", "noninteractive"),
    )
    .map_err(|failure| Failure::new(format!("{failure}\n{}", by_hand())))
}
