//! Builds the browser's half into `target/site`, as the server serves it:
//!
//! - `pkg/CODE/`, named by what is in it: the app's code (see `code.rs`), what loads it, and `cloudstead.css`, every
//!   sheet of `style/` in the order that `style/main.css` imports them. Code fetches its parts from its own folder,
//!   so a page never gets those of another build;
//! - the files of `style/assets/` and `frontend/static/` (the shell, the service worker, icons) at the top, and
//!   the icons once more as pictures;
//! - `site.json`, the list of all these with their hashes: the service worker holds exactly this set.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::code::{self, Quality};
use crate::icons;
use crate::shell::{self, AtPath, Failure, Outcome};

pub const NAME: &str = "cloudstead";
/// Stands in the shell for the address of the code's folder.
const CODE_MARK: &str = "{code}";

/// The site's files, each by its address.
#[derive(Serialize)]
struct Listing {
    /// Changes whenever any file does.
    version: String,
    /// The folder of the app's code, as an address that ends in `/`.
    code: String,
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
    let draft = shell::target().join("site-draft");
    if draft.exists() {
        fs::remove_dir_all(&draft).at("remove", &draft)?;
    }
    let style = shell::root().join("style");
    for assets in [style.join("assets"), shell::root().join("frontend/static")] {
        copy_tree(&assets, &draft)?;
    }
    icons::draw(&style.join("assets"), &draft)?;
    let code = draft.join("pkg");
    code::build(quality, &code)?;
    let sheet = code.join(format!("{NAME}.css"));
    let main = style.join("main.css");
    fs::write(&sheet, if main.exists() { inlined(&main, 0)? } else { String::new() }).at("write", &sheet)?;
    let code = name_by_content(&code)?;
    let page = draft.join("shell.html");
    let text = fs::read_to_string(&page).at("read", &page)?;
    fs::write(&page, text.replace(CODE_MARK, &code)).at("write", &page)?;
    list(&draft, code)?;
    if quality == Quality::Small {
        compress(&draft)?;
    }

    let site = folder();
    if site.exists() {
        fs::remove_dir_all(&site).at("remove", &site)?;
    }
    fs::rename(&draft, &site).at("move into place", &site)
}

/// Moves the files of `folder` into one in it that is named by their hashes, and tells its address.
fn name_by_content(folder: &Path) -> Outcome<String> {
    let (name, _) = hashed(folder)?;
    let beside = folder.with_extension("unnamed");
    fs::rename(folder, &beside).at("move", folder)?;
    fs::create_dir(folder).at("create", folder)?;
    let named = folder.join(&name);
    fs::rename(&beside, &named).at("move into place", &named)?;
    Ok(format!("/pkg/{name}/"))
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

fn list(site: &Path, code: String) -> Outcome {
    let (version, files) = hashed(site)?;
    let listing = Listing { version, code, files };
    let path = site.join("site.json");
    let text = serde_json::to_vec_pretty(&listing).map_err(|error| Failure::new(error.to_string()))?;
    fs::write(&path, text).at("write", &path)
}

/// A name for all files below a folder together, and each by its address.
fn hashed(folder: &Path) -> Outcome<(String, BTreeMap<String, Entry>)> {
    let mut whole = Sha256::new();
    let mut files = BTreeMap::new();
    for file in files_below(folder)? {
        let bytes = fs::read(&file).at("read", &file)?;
        let hash = hexadecimal(&Sha256::digest(&bytes));
        let address = format!("/{}", file.strip_prefix(folder).unwrap_or(&file).display());
        whole.update(format!("{address}\0{hash}\n"));
        files.insert(address, Entry { hash, size: bytes.len() });
    }
    Ok((hexadecimal(&whole.finalize())[..16].to_owned(), files))
}

pub fn hexadecimal(bytes: &[u8]) -> String {
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
