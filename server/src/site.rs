//! The built site: a folder in development, inside the executable when handed out.

use std::borrow::Cow;
use std::path::{Component, Path, PathBuf};

use bytes::Bytes;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// Where the app's code is: in a folder named by what is in it, except where another tool built it.
const CODE: &str = "/pkg/";

/// Whether the address will always mean the same bytes.
pub fn is_named_by_content(path: &str) -> bool {
    path.strip_prefix(CODE.trim_start_matches('/')).is_some_and(|rest| rest.contains('/'))
}

/// One file, as it goes to a browser.
pub struct SiteFile {
    pub bytes: Bytes,
    /// SHA-256.
    pub hash: [u8; 32],
    /// Whether the bytes are brotli's.
    pub is_brotli: bool,
}

#[derive(Clone, Debug)]
pub enum Site {
    Folder(PathBuf),
    #[cfg(feature = "embed-site")]
    Embedded,
}

#[cfg(feature = "embed-site")]
#[derive(rust_embed::Embed)]
#[folder = "../target/site"]
struct Embedded;

impl Site {
    /// The folder that the settings name; otherwise what is inside the executable, or where it is built.
    pub fn open(named: Option<&Path>) -> Self {
        match named {
            Some(folder) => Self::Folder(folder.to_owned()),
            #[cfg(feature = "embed-site")]
            None => Self::Embedded,
            #[cfg(not(feature = "embed-site"))]
            None => Self::Folder(Path::new("target").join("site")),
        }
    }

    /// The file at `path` (relative, `/`-separated), compressed where that is at hand and welcome.
    pub async fn file(&self, path: &str, takes_brotli: bool) -> Option<SiteFile> {
        // Compressed files are only another form of the others.
        if path.is_empty()
            || std::path::Path::new(path).extension().is_some_and(|extension| extension == "br")
        {
            return None;
        }
        if takes_brotli && let Some(bytes) = self.read(&format!("{path}.br")).await {
            return Some(site_file(bytes, true));
        }
        Some(site_file(self.read(path).await?, false))
    }

    /// The address of the folder of the app's code, with its last `/`: another one with every build.
    pub async fn code(&self) -> String {
        #[derive(Deserialize)]
        struct Listing {
            code: String,
        }
        let listing =
            self.read("site.json").await.and_then(|text| serde_json::from_slice::<Listing>(&text).ok());
        listing.map_or_else(|| CODE.to_owned(), |listing| listing.code)
    }

    async fn read(&self, path: &str) -> Option<Bytes> {
        match self {
            Self::Folder(folder) => {
                let relative = Path::new(path);
                let stays_inside = relative.components().all(|part| matches!(part, Component::Normal(_)));
                if !stays_inside {
                    return None;
                }
                tokio::fs::read(folder.join(relative)).await.ok().map(Bytes::from)
            }
            #[cfg(feature = "embed-site")]
            Self::Embedded => Embedded::get(path).map(|file| match file.data {
                Cow::Borrowed(bytes) => Bytes::from_static(bytes),
                Cow::Owned(bytes) => bytes.into(),
            }),
        }
    }
}

fn site_file(bytes: Bytes, is_brotli: bool) -> SiteFile {
    SiteFile { hash: Sha256::digest(&bytes).into(), bytes, is_brotli }
}

/// What a browser takes the file for.
pub fn content_type(path: &str) -> Cow<'static, str> {
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    match kind.type_() {
        mime_guess::mime::TEXT => Cow::Owned(format!("{}; charset=utf-8", kind.essence_str())),
        _ => Cow::Owned(kind.essence_str().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_files_of_the_site_are_given_and_compressed_ones_where_welcome() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("secret"), "outside").unwrap();
        let root = folder.path().join("site");
        std::fs::create_dir(&root).unwrap();
        std::fs::write(root.join("a.js"), "plain").unwrap();
        std::fs::write(root.join("a.js.br"), "packed").unwrap();
        let site = Site::Folder(root);
        assert_eq!(site.file("a.js", false).await.unwrap().bytes, "plain");
        let packed = site.file("a.js", true).await.unwrap();
        assert!(packed.is_brotli && packed.bytes == "packed");
        for path in ["", "a.js.br", "../secret", "/etc/passwd", "missing", "."] {
            assert!(site.file(path, false).await.is_none(), "{path}");
        }
    }

    #[tokio::test]
    async fn the_list_of_files_says_where_the_code_is() {
        let folder = tempfile::tempdir().unwrap();
        let site = Site::Folder(folder.path().to_owned());
        assert_eq!(site.code().await, "/pkg/");
        let listing = r#"{"version": "v", "code": "/pkg/1f/", "files": {}}"#;
        std::fs::write(folder.path().join("site.json"), listing).unwrap();
        assert_eq!(site.code().await, "/pkg/1f/");
        assert!(is_named_by_content("pkg/1f/boot.js") && !is_named_by_content("pkg/boot.js"));
        assert!(!is_named_by_content("icons/1f/icon.svg"));
    }

    #[test]
    fn browsers_learn_what_a_file_is() {
        assert_eq!(content_type("pkg/a.wasm"), "application/wasm");
        assert_eq!(content_type("pkg/a.js"), "text/javascript; charset=utf-8");
        assert_eq!(content_type("manifest.webmanifest"), "application/manifest+json");
    }
}
