//! The browser's code: compiled to WebAssembly, taken apart into what every page needs and what comes later, bound
//! to JavaScript, and made small.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use wasm_bindgen_cli_support::Bindgen;

use crate::shell::{self, AtPath, Failure, Outcome};
use crate::site::NAME;
use crate::tools::{self, WasmToolchain};

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

/// Puts the code into `folder`: `NAME.js` and `NAME_bg.wasm`, which every page starts with, and
/// `parts.js` with the parts that `app/src/parts.rs` names.
pub fn build(quality: Quality, folder: &Path) -> Outcome {
    build_as(NAME, quality, &[], folder)?;
    if quality == Quality::Small {
        optimise(folder)?;
    }
    Ok(())
}

/// Where the store's checks are put for the browser that runs them.
pub fn conformance_folder() -> PathBuf {
    shell::target().join("conformance")
}

/// Builds the browser's crate once more with its test entry: all it stands on is compiled already.
pub fn build_conformance() -> Outcome {
    build_as("frontend", Quality::Quick, &["--features", "conformance"], &conformance_folder())
}

fn build_as(name: &str, quality: Quality, features: &[&str], folder: &Path) -> Outcome {
    let whole = compile(quality, features)?;
    fs::create_dir_all(folder).at("create", folder)?;
    let first = whole.with_file_name("first.wasm");
    take_apart(&whole, &format!("./{name}.js"), folder, &first)?;
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(&first)
        .out_name(name)
        // Called without an address, it fetches what lies beside it.
        .omit_default_module_path(false)
        // The parts are linked against the table of functions.
        .keep_lld_exports(true)
        .remove_name_section(true)
        .remove_producers_section(true);
    bindgen
        .web(true)
        .and_then(|bindgen| bindgen.generate(folder))
        .map_err(|error| Failure::new(format!("could not bind {} to JavaScript: {error:#}", first.display())))
}

/// Has the linker tell what points where, for taking the code apart.
const RELOCATIONS: &str = "-Clink-arg=--emit-relocs";

fn compile(quality: Quality, features: &[&str]) -> Outcome<PathBuf> {
    let toolchain =
        WasmToolchain::find().ok_or_else(|| tools::missing("the standard library for WebAssembly"))?;
    let mut cargo = toolchain.cargo();
    let flags = match quality {
        // Only here is the app compiled as browsers have it: what nobody calls any more is found here.
        Quality::Quick => format!("--deny=warnings {RELOCATIONS}"),
        // One type for most views instead of one each: Leptos' own switch, a twentieth smaller.
        Quality::Small => format!("--cfg=erase_components {RELOCATIONS}"),
    };
    shell::run(
        cargo
            .args(["build", "--package", "frontend", "--lib", "--target", tools::WASM_TARGET])
            .args(["--profile", quality.profile()])
            .args(features)
            .env("RUSTFLAGS", flags)
            // Leptos names the files it loads by this at compile time.
            .env("LEPTOS_OUTPUT_NAME", NAME),
    )?;
    Ok(shell::target().join("web").join(tools::WASM_TARGET).join(quality.profile()).join("frontend.wasm"))
}

/// Moves what only the parts need into files of their own. What calls them is in `main_module`.
fn take_apart(whole: &Path, main_module: &str, folder: &Path, first: &Path) -> Outcome {
    let wasm = fs::read(whole).at("read", whole)?;
    let mut options = wasm_split_cli_support::Options::new(&wasm);
    options.output_dir = folder;
    options.main_out_path = first;
    options.main_module = main_module;
    options.link_name = "./parts.js";
    let parts = wasm_split_cli_support::transform(options)
        .map_err(|error| Failure::new(format!("could not take {} apart: {error:#}", whole.display())))?;
    for part in parts.split_modules {
        let wasm = fs::read(&part).at("read", &part)?;
        let bare = without_words(&wasm)
            .ok_or_else(|| Failure::new(format!("{} is not WebAssembly", part.display())))?;
        fs::write(&part, bare).at("write", &part)?;
    }
    Ok(())
}

/// The module without its custom sections, which are for tools: names, and what made it.
fn without_words(wasm: &[u8]) -> Option<Vec<u8>> {
    const HEAD_BYTES: usize = 8;
    const CUSTOM: u8 = 0;
    let (head, mut rest) = wasm.split_at_checked(HEAD_BYTES)?;
    let mut bare = head.to_vec();
    while let [kind, after @ ..] = rest {
        let (size, size_bytes) = leb128(after)?;
        let (section, next) = rest.split_at_checked(1 + size_bytes + size)?;
        if *kind != CUSTOM {
            bare.extend_from_slice(section);
        }
        rest = next;
    }
    Some(bare)
}

/// A number as WebAssembly writes sizes, and how many bytes it takes.
fn leb128(bytes: &[u8]) -> Option<(usize, usize)> {
    let length = bytes.iter().take(5).position(|byte| byte & 0x80 == 0)? + 1;
    let digits = bytes[..length].iter().rev();
    Some((digits.fold(0, |value, digit| value << 7 | usize::from(digit & 0x7f)), length))
}

fn optimise(folder: &Path) -> Outcome {
    let Some(wasm_opt) = tools::wasm_opt() else {
        println!(
            "There is no wasm-opt that leaves the site whole (npm installs one): it will be some percent larger."
        );
        return Ok(());
    };
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
    for entry in fs::read_dir(folder).at("read", folder)?.flatten() {
        let wasm = entry.path();
        if wasm.extension().is_some_and(|end| end == "wasm") {
            shell::run(
                Command::new(&wasm_opt)
                    .args(passes)
                    .args(features)
                    .args(["--enable-reference-types", "--enable-multivalue", "-o"])
                    .args([&wasm, &wasm]),
            )?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_tools_is_left_out_of_a_part() {
        let head = b"\0asm\x01\0\0\0";
        let long = [&[10, 0x81, 1][..], &[7; 129][..]].concat();
        let wasm = [&head[..], &[0, 2, 1, b'n'], &[1, 1, 5], &[0, 0], &long].concat();
        assert_eq!(without_words(&wasm), Some([&head[..], &[1, 1, 5], &long].concat()));
        assert_eq!(without_words(&wasm[..wasm.len() - 1]), None);
        assert_eq!(without_words(b"text"), None);
    }
}
