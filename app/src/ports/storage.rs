//! What the app keeps on this device.

use serde::{Deserialize, Serialize};

/// Whether an item's bytes are on this device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keeping {
    pub kept: Kept,
    /// Whether the bytes can be had without the server; never for folders.
    pub is_here: bool,
}

/// Whether a person wants an item's bytes on this device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kept {
    #[default]
    No,
    Itself,
    /// Because a folder above it is kept.
    WithFolder,
}

/// Contents, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Amount {
    pub count: usize,
    pub bytes: u64,
}

impl Amount {
    pub fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
    }
}

/// How much of what a folder or an album is to keep here is here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    pub here: Amount,
    pub all: Amount,
}

/// Why not everything that is to be kept is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeptNote {
    Offline,
    /// This device's disk, or the browser's share of it.
    Full,
    /// This browser keeps no files: a private window, or an address without TLS.
    NoStorage,
}

/// What the app takes of this device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceStorage {
    /// "Keep on this device", as far as it is here: files, and originals of photos.
    pub kept: Amount,
    pub originals: Amount,
    /// What of both is still to come.
    pub to_come: Amount,
    pub note: Option<KeptNote>,
    /// What was seen, edited or uploaded here lately, and how many bytes of it are kept at most.
    pub lately: Amount,
    pub budget: u64,
    /// What is shown of photos, where this browser can hold it.
    pub forms: Option<PhotoForms>,
    /// The app itself, in bytes.
    pub app: u64,
    /// Not on the server yet.
    pub waiting: Amount,
    /// All that the browser stores for this app, and what it allows at most, in bytes.
    pub used: Option<u64>,
    pub allowed: Option<u64>,
    /// Whether the browser promised never to clear it by itself.
    pub is_persistent: bool,
}

/// The smaller forms of photos on this device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhotoForms {
    pub thumbnails: Amount,
    /// As large as a screen.
    pub previews: Amount,
    /// How many bytes of both are kept at most.
    pub budget: u64,
    /// Whether thumbnails come before anybody looks at them, and how far that is, once it was looked at.
    pub is_ahead: bool,
    pub library: Option<LibraryHere>,
}

impl PhotoForms {
    /// Whether more thumbnails are on their way, or will be.
    pub fn is_coming(&self) -> bool {
        self.is_ahead && self.library.is_none_or(|library| library.here < library.all && !library.is_full)
    }
}

/// How many of the library's thumbnails are on this device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LibraryHere {
    pub here: usize,
    pub all: usize,
    /// No more of them fit into what is allowed.
    pub is_full: bool,
}

impl DeviceStorage {
    /// What the browser says is used for nothing of the others: the lists of files and photos, and its own needs.
    pub fn lists(&self) -> u64 {
        let forms = self.forms.unwrap_or_default();
        let others = [self.kept, self.originals, self.lately, self.waiting, forms.thumbnails, forms.previews];
        let others: u64 = others.iter().map(|amount| amount.bytes).sum();
        self.used.unwrap_or(0).saturating_sub(others + self.app)
    }
}
