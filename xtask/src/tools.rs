//! Where the tools are that the project does not build itself.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::{self, Failure};

pub const WASM_TARGET: &str = "wasm32-unknown-unknown";
/// The name under which a system's own Rust, which has the standard library for WebAssembly, is linked.
pub const SYSTEM_TOOLCHAIN: &str = "debian-web";
/// Where that Rust lives.
pub const SYSTEM_PREFIX: &str = "/usr";
pub const S3_SERVER_VERSION: &str = "0.14.1";

/// The toolchain that compiles to WebAssembly.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum WasmToolchain {
    /// The project's usual one.
    Usual,
    /// The system's, linked as [`SYSTEM_TOOLCHAIN`].
    System,
}

impl WasmToolchain {
    pub fn find() -> Option<Self> {
        let sysroot = shell::read(Command::new("rustc").args(["--print", "sysroot"])).ok()?;
        if has_wasm_std(Path::new(sysroot.trim())) {
            return Some(Self::Usual);
        }
        let linked = shell::read(Command::new("rustup").args(["toolchain", "list"])).ok()?;
        let linked = linked.lines().any(|line| line.split_whitespace().next() == Some(SYSTEM_TOOLCHAIN));
        (linked && has_wasm_std(Path::new(SYSTEM_PREFIX))).then_some(Self::System)
    }

    /// `cargo` of this toolchain, building into a folder of its own: the two toolchains' products never mix.
    pub fn cargo(self) -> Command {
        let mut cargo = match self {
            Self::Usual => shell::command("cargo"),
            Self::System => {
                let mut command = shell::command("rustup");
                command.args(["run", SYSTEM_TOOLCHAIN, "cargo"]);
                command
            }
        };
        cargo.env("CARGO_TARGET_DIR", shell::target().join("web"));
        cargo
    }
}

fn has_wasm_std(sysroot: &Path) -> bool {
    let folder = sysroot.join("lib/rustlib").join(WASM_TARGET).join("lib");
    let Ok(entries) = std::fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
}

/// Where `cargo install` puts tools that are not on PATH in the right version.
pub fn own_tools() -> PathBuf {
    shell::target().join("tools")
}

/// The program in the version that is asked for: the project's own copy, else the one on PATH.
pub fn versioned(name: &str, version: &str) -> Option<PathBuf> {
    let own = own_tools().join("bin").join(name);
    [Some(own), shell::find_program(name)].into_iter().flatten().find(|program| {
        let said = shell::read(Command::new(program).arg("--version"));
        said.is_ok_and(|text| text.split_whitespace().any(|word| word.trim_start_matches('v') == version))
    })
}

/// Before this, wasm-opt writes an exported table as the first one, whichever it is
/// (<https://github.com/WebAssembly/binaryen/issues/4711>), and the browser refuses what is put into it.
const WASM_OPT_VERSION_MIN: u32 = 110;

/// Where npm installs the packages of `xtask/wasm-opt`.
pub fn wasm_opt_folder() -> PathBuf {
    own_tools().join("wasm-opt")
}

/// The project's own, else the one on PATH where it is new enough.
pub fn wasm_opt() -> Option<PathBuf> {
    let own = wasm_opt_folder().join("node_modules/.bin/wasm-opt");
    [Some(own), shell::find_program("wasm-opt")].into_iter().flatten().find(|program| {
        // "wasm-opt version 110", which a commit may follow.
        let said = shell::read(Command::new(program).arg("--version"));
        let version = said.ok().and_then(|text| text.split_whitespace().find_map(|word| word.parse().ok()));
        version.is_some_and(|version: u32| version >= WASM_OPT_VERSION_MIN)
    })
}

pub fn s3_server() -> Option<PathBuf> {
    versioned("s3s-fs", S3_SERVER_VERSION)
}

/// Valkey, or the Redis that speaks the same protocol.
pub fn valkey() -> Option<PathBuf> {
    ["valkey-server", "redis-server"].into_iter().find_map(shell::find_program)
}

/// The folder of PostgreSQL's programs: the newest that the system has.
pub fn postgres_programs() -> Option<PathBuf> {
    // All of them: some machines have a part on PATH only.
    let on_path = shell::find_program("initdb").and_then(|program| program.parent().map(Path::to_path_buf));
    let on_path =
        on_path.filter(|folder| ["postgres", "pg_isready"].iter().all(|name| folder.join(name).is_file()));
    let version = |folder: &PathBuf| folder.file_name()?.to_str()?.parse::<u32>().ok();
    let debian = std::fs::read_dir("/usr/lib/postgresql").ok().and_then(|entries| {
        let folders = entries.flatten().map(|entry| entry.path());
        folders.filter(|folder| folder.join("bin/initdb").is_file()).max_by_key(version)
    });
    on_path.or(debian.map(|folder| folder.join("bin")))
}

pub fn chromium() -> Option<PathBuf> {
    if let Some(chosen) = std::env::var_os("CHROMIUM") {
        return Some(PathBuf::from(chosen));
    }
    ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(shell::find_program)
}

pub fn missing(name: &str) -> Failure {
    Failure::new(format!("{name} is missing: run `cargo xtask setup --tests`"))
}
