//! Who may name whom: the table of ARCHITECTURE.md, over the packages and over the server's own rooms.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each package, and which others of ours it may depend on.
const PACKAGES: [(&str, &[&str]); 9] = [
    ("shared", &[]),
    ("sync", &["shared"]),
    ("decoder", &["shared"]),
    ("app", &["shared", "sync"]),
    ("frontend", &["app", "shared", "sync"]),
    ("server", &["app", "decoder", "shared"]),
    ("simulation", &["server", "shared", "sync"]),
    ("bench", &["shared"]),
    ("xtask", &[]),
];

/// Rooms of the server, and what their code never names.
const ROOMS: [(&str, &[&str]); 6] = [
    ("db", &["axum::", "object_store::", "crate::http", "crate::ws", "crate::jobs", "crate::state"]),
    ("blobs", &["axum::", "sqlx::", "crate::http", "crate::ops", "crate::db", "crate::ws", "crate::jobs"]),
    ("ops", &["axum::", "sqlx::", "object_store::", "crate::http"]),
    ("jobs", &["axum::", "sqlx::", "object_store::", "crate::http"]),
    ("ws", &["sqlx::", "object_store::", "crate::http"]),
    ("http", &["sqlx::", "object_store::"]),
];

/// What has no place in the client's engine.
const NOT_IN_SYNC: [&str; 6] =
    ["tokio::", "web_sys::", "std::time::Instant", "SystemTime", "HashMap", "rand::"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_owned()
}

fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).expect("a source");
            found.push((path, text));
        }
    }
    found
}

/// Lines of code outside comments that name one of these.
fn naming<'a>(text: &'a str, names: &'a [&str]) -> impl Iterator<Item = &'a str> {
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    code.filter(|line| names.iter().any(|name| line.contains(name)))
}

#[test]
fn packages_depend_only_on_those_below_them() {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo tells the workspace");
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let name = |value: &serde_json::Value| value["name"].as_str().expect("a name").to_owned();
    let ours: BTreeSet<String> = packages.iter().map(name).collect();
    assert_eq!(ours, PACKAGES.iter().map(|(package, _)| (*package).to_owned()).collect());
    for package in packages {
        let of = name(package);
        let (_, allowed) = PACKAGES.iter().find(|(package, _)| **package == of).expect("named above");
        let dependencies = package["dependencies"].as_array().expect("dependencies");
        for dependency in dependencies.iter().filter(|dependency| dependency["kind"].is_null()) {
            let on = name(dependency);
            assert!(!ours.contains(&on) || allowed.contains(&on.as_str()), "{of} depends on {on}");
        }
    }
}

#[test]
fn the_server_s_rooms_name_only_those_below_them() {
    for (room, names) in ROOMS {
        for (path, text) in sources(&root().join("server/src").join(room)) {
            let is_test = path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("tests"));
            let named = naming(&text, names).next().filter(|_| !is_test);
            assert_eq!(named, None, "{}", path.display());
        }
    }
}

#[test]
fn the_engine_is_pure() {
    for (path, text) in sources(&root().join("sync/src")) {
        assert_eq!(naming(&text, &NOT_IN_SYNC).next(), None, "{}", path.display());
    }
}
