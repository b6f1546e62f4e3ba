//! Running other programs, and saying what went wrong when they fail.

use std::ffi::OsStr;
use std::fmt;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What failed, in words for the person at the terminal.
#[derive(Debug)]
pub struct Failure(String);

pub type Outcome<T = ()> = Result<T, Failure>;

impl Failure {
    pub fn new(words: impl Into<String>) -> Self {
        Self(words.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Says what was being done to which path when an I/O error came.
pub trait AtPath<T> {
    fn at(self, doing: &str, path: &Path) -> Outcome<T>;
}

impl<T> AtPath<T> for std::io::Result<T> {
    fn at(self, doing: &str, path: &Path) -> Outcome<T> {
        self.map_err(|error| Failure(format!("could not {doing} {}: {error}", path.display())))
    }
}

/// The top of the project, wherever the command was called from.
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_path_buf()
}

/// Where every build product goes.
pub fn target() -> PathBuf {
    root().join("target")
}

/// A command that runs at the top of the project.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// `cargo` with the project's own toolchain, building into `target` unless told otherwise.
pub fn cargo() -> Command {
    let mut command = command("cargo");
    command.env("CARGO_TARGET_DIR", target());
    command
}

/// Runs it to its end with its output on the terminal.
pub fn run(command: &mut Command) -> Outcome {
    let shown = shown(command);
    let status = command.status().map_err(|error| Failure(format!("could not start `{shown}`: {error}")))?;
    if status.success() { Ok(()) } else { Err(Failure(format!("`{shown}` failed: {status}"))) }
}

/// As [`run`]; where it fails, what it printed comes with the failure, so that it can be said again later.
pub fn run_kept(command: &mut Command) -> Outcome {
    let shown = shown(command);
    let failed =
        |doing: &str, error: std::io::Error| Failure(format!("could not {doing} `{shown}`: {error}"));
    let mut child = command.stdout(Stdio::piped()).spawn().map_err(|error| failed("start", error))?;
    let mut printed = String::new();
    for line in BufReader::new(child.stdout.take().expect("it is piped")).lines() {
        let line = line.map_err(|error| failed("read", error))?;
        println!("{line}");
        printed.extend([&line, "\n"]);
    }
    let status = child.wait().map_err(|error| failed("wait for", error))?;
    if status.success() { Ok(()) } else { Err(Failure(format!("{printed}`{shown}` failed: {status}"))) }
}

/// Runs it to its end and gives what it printed.
pub fn read(command: &mut Command) -> Outcome<String> {
    let shown = shown(command);
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure(format!("could not start `{shown}`: {error}")))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(text);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(Failure(format!("`{shown}` failed: {}\n{text}{errors}", output.status)))
}

/// Whether it starts and succeeds; its output is dropped.
pub fn succeeds(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// The program's full path, from PATH.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
