//! Builds the browser's half into `target/site`, as the server serves it:
//!
//! - `pkg/cloudstead.js` and `pkg/cloudstead_bg.wasm`, the app;
//! - `pkg/cloudstead.css`, every sheet of `style/` in the order that `style/main.css` imports them;
//! - the files of `style/assets/` and `frontend/static/` (the shell, the service worker, icons) at the top, and
//!   the icons once more as pictures;
//! - `site.json`, the list of all these with their hashes: the service worker holds exactly this set.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::icons;
use crate::shell::{self, AtPath, Failure, Outcome};
use crate::tools::{self, WasmToolchain};

pub const NAME: &str = "cloudstead";

/// How much time the build may take for the sake of the browser.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Quality {
    /// For the browser tests, which are for those who change the code.
    Quick,
    /// For people, and for measuring: link-time optimisation, `wasm-opt` and every text compressed once.
    Small,
}

impl Quality {
    const fn profile(self) -> &'static str {
        match self {
            Self::Quick => "web",
            Self::Small => "web-dist",
        }
    }
}

/// The site's files, each by its address.
#[derive(Serialize)]
struct Listing {
    /// Changes whenever any file does.
    version: String,
    files: BTreeMap<String, Entry>,
}

#[derive(Serialize)]
struct Entry {
    /// SHA-256, hexadecimal.
    hash: String,
    /// In bytes.
    size: usize,
}

pub fn folder() -> PathBuf {
    shell::target().join("site")
}

/// Builds it. A half-built site is never seen: it is made beside the old one and then takes its place.
pub fn build(quality: Quality) -> Outcome {
    let built = compile(quality, &[])?;
    let draft = shell::target().join("site-draft");
    if draft.exists() {
        fs::remove_dir_all(&draft).at("remove", &draft)?;
    }
    let package = draft.join("pkg");
    fs::create_dir_all(&package).at("create", &package)?;
    shell::run(
        Command::new(tools::wasm_bindgen()?)
            .args([
                "--target",
                "web",
                "--no-typescript",
                "--remove-name-section",
                "--remove-producers-section",
            ])
            .args(["--out-name", NAME, "--out-dir"])
            .arg(&package)
            .arg(&built),
    )?;
    if quality == Quality::Small {
        optimise(&package.join(format!("{NAME}_bg.wasm")))?;
    }

    let style = shell::root().join("style");
    let sheet = package.join(format!("{NAME}.css"));
    let main = style.join("main.css");
    fs::write(&sheet, if main.exists() { inlined(&main, 0)? } else { String::new() }).at("write", &sheet)?;
    for assets in [style.join("assets"), shell::root().join("frontend/static")] {
        copy_tree(&assets, &draft)?;
    }
    icons::draw(&style.join("assets"), &draft)?;
    list(&draft)?;
    if quality == Quality::Small {
        compress(&draft)?;
    }

    let site = folder();
    if site.exists() {
        fs::remove_dir_all(&site).at("remove", &site)?;
    }
    fs::rename(&draft, &site).at("move into place", &site)
}

/// Where the store's checks are put for the browser that runs them.
pub fn conformance_folder() -> PathBuf {
    shell::target().join("conformance")
}

/// Builds the browser's crate once more with its test entry: all it stands on is compiled already.
pub fn build_conformance() -> Outcome {
    let built = compile(Quality::Quick, &["--features", "conformance"])?;
    shell::run(
        Command::new(tools::wasm_bindgen()?)
            .args(["--target", "web", "--no-typescript", "--out-name", "frontend", "--out-dir"])
            .arg(conformance_folder())
            .arg(&built),
    )
}

fn compile(quality: Quality, features: &[&str]) -> Outcome<PathBuf> {
    let toolchain =
        WasmToolchain::find().ok_or_else(|| tools::missing("the standard library for WebAssembly"))?;
    let mut cargo = toolchain.cargo();
    if quality == Quality::Small {
        // One type for most views instead of one each: Leptos' own switch, a twentieth smaller.
        cargo.env("RUSTFLAGS", "--cfg=erase_components");
    }
    shell::run(
        cargo
            .args(["build", "--package", "frontend", "--lib", "--target", tools::WASM_TARGET])
            .args(["--profile", quality.profile()])
            .args(features)
            // Leptos names the files it loads by this at compile time.
            .env("LEPTOS_OUTPUT_NAME", NAME),
    )?;
    Ok(shell::target().join("web").join(tools::WASM_TARGET).join(quality.profile()).join("frontend.wasm"))
}

/// Before this, wasm-opt writes an exported table as the first one, whichever it is
/// (<https://github.com/WebAssembly/binaryen/issues/4711>), and the browser refuses what is put into it.
const WASM_OPT_VERSION_MIN: u32 = 110;

/// The number of `wasm-opt version 110`, which a commit may follow.
fn version_of(wasm_opt: &Path) -> Outcome<Option<u32>> {
    let told = Command::new(wasm_opt).arg("--version").output().at("run", wasm_opt)?;
    Ok(String::from_utf8_lossy(&told.stdout).split_whitespace().find_map(|word| word.parse().ok()))
}

fn optimise(wasm: &Path) -> Outcome {
    let Some(wasm_opt) = shell::find_program("wasm-opt") else {
        println!("wasm-opt is not installed (package binaryen): the site will be some percent larger.");
        return Ok(());
    };
    if version_of(&wasm_opt)?.is_none_or(|version| version < WASM_OPT_VERSION_MIN) {
        println!(
            "wasm-opt before version {WASM_OPT_VERSION_MIN} breaks the site: it will be some percent larger."
        );
        return Ok(());
    }
    let features = [
        "--enable-bulk-memory",
        "--enable-mutable-globals",
        "--enable-nontrapping-float-to-int",
        "--enable-sign-ext",
    ];
    // What counts is what a browser receives, and that is compressed. `-Oz` makes a shorter file of it that
    // compresses much worse: it inlines, reorders functions and renumbers locals, so that what was alike is no more.
    let passes = [
        "--duplicate-function-elimination",
        "--dae-optimizing",
        "--duplicate-function-elimination",
        "--remove-unused-module-elements",
        "--dce",
        "--remove-unused-brs",
        "--merge-blocks",
        "--optimize-instructions",
        "--rse",
        "--vacuum",
        "--duplicate-function-elimination",
    ];
    shell::run(
        Command::new(wasm_opt)
            .args(passes)
            .args(features)
            .args(["--enable-reference-types", "--enable-multivalue", "-o"])
            .arg(wasm)
            .arg(wasm),
    )
}

/// A sheet with its `@import "file.css";` lines replaced by what they name, in their order.
fn inlined(sheet: &Path, depth: u8) -> Outcome<String> {
    const DEPTH_MAX: u8 = 4;
    if depth > DEPTH_MAX {
        return Err(Failure::new(format!("{} is imported in a circle", sheet.display())));
    }
    let text = fs::read_to_string(sheet).at("read", sheet)?;
    let folder = sheet.parent().unwrap_or(sheet);
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        if let Some(name) = imported(line) {
            out.push_str(&inlined(&folder.join(name), depth + 1)?);
        } else {
            out.push_str(line);
            out.push('\n');
        }
    }
    Ok(out)
}

/// The file that an import line names: `@import "a.css";` or `@import url("a.css");`.
fn imported(line: &str) -> Option<&str> {
    let rest = line.trim().strip_prefix("@import ")?.strip_suffix(';')?.trim();
    let rest = rest.strip_prefix("url(").and_then(|inner| inner.strip_suffix(')')).unwrap_or(rest);
    Some(rest.trim_matches(['"', '\'']).trim_start_matches("./"))
}

fn copy_tree(from: &Path, to: &Path) -> Outcome {
    let Ok(entries) = fs::read_dir(from) else { return Ok(()) };
    fs::create_dir_all(to).at("create", to)?;
    for entry in entries.flatten() {
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy_tree(&source, &target)?;
        } else {
            fs::copy(&source, &target).at("copy", &source)?;
        }
    }
    Ok(())
}

fn files_below(folder: &Path) -> Outcome<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(&next).at("read", &next)?.flatten() {
            let path = entry.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    Ok(files)
}

fn list(site: &Path) -> Outcome {
    let mut whole = Sha256::new();
    let mut files = BTreeMap::new();
    for file in files_below(site)? {
        let bytes = fs::read(&file).at("read", &file)?;
        let hash = hexadecimal(&Sha256::digest(&bytes));
        let address = format!("/{}", file.strip_prefix(site).unwrap_or(&file).display());
        whole.update(format!("{address}\0{hash}\n"));
        files.insert(address, Entry { hash, size: bytes.len() });
    }
    let listing = Listing { version: hexadecimal(&whole.finalize())[..16].to_owned(), files };
    let path = site.join("site.json");
    let text = serde_json::to_vec_pretty(&listing).map_err(|error| Failure::new(error.to_string()))?;
    fs::write(&path, text).at("write", &path)
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Writes `file.br` beside every file that shrinks, so that the server never compresses it again.
fn compress(site: &Path) -> Outcome {
    for file in files_below(site)? {
        let bytes = fs::read(&file).at("read", &file)?;
        let packed = brotli(&bytes);
        if packed.len() < bytes.len() * 9 / 10 {
            let mut name = file.clone().into_os_string();
            name.push(".br");
            fs::write(&name, packed).at("write", Path::new(&name))?;
        }
    }
    Ok(())
}

/// What a browser receives of these bytes.
pub fn brotli(bytes: &[u8]) -> Vec<u8> {
    const BUFFER_BYTES: usize = 64 * 1024;
    const QUALITY_BEST: u32 = 11;
    const WINDOW_BITS: u32 = 22;
    let mut packed = Vec::new();
    let mut writer = brotli::CompressorWriter::new(&mut packed, BUFFER_BYTES, QUALITY_BEST, WINDOW_BITS);
    // A vector takes every write.
    let _ = writer.write_all(bytes);
    drop(writer);
    packed
}
