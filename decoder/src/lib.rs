//! Untrusted pictures into derivatives: one decode makes all three sizes, upright and in sRGB, with a thumbhash
//! and what the file says of when, where and how it was taken.
//!
//! Nothing here is to be called by a server itself: it starts a process that does nothing but [`worker::serve`],
//! within limits of memory and time, so that a file made to do harm costs its own preview and nothing else.

mod colour;
mod derive;
mod directory;
pub mod film;
mod formats;
mod frames;
mod heif;
mod jpeg;
mod picture;
mod pixels;
mod planes;
mod taken;
mod tiff;
mod turn;
pub mod worker;
mod yuv420;

use serde::{Deserialize, Serialize};
use shared::PictureId;
use shared::photo::{Derivatives, Taken};

pub use derive::derive;
pub use formats::{Format, format_of};

/// The most pixels of a picture that is decoded: more than the 200 megapixels of the largest phones.
pub const PIXELS_MAX: u64 = 256 * 1024 * 1024;

/// What became of a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Derived {
    /// In pixels, upright.
    pub width: u32,
    pub height: u32,
    /// Which picture it is, whatever file it is in. None of a file with several: only one of them was looked at.
    pub picture: Option<PictureId>,
    pub thumbhash: Vec<u8>,
    pub derivatives: Derivatives<Encoded>,
}

/// A JPEG file: WebP of the same size takes ten times as long to make.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    pub width: u32,
    pub height: u32,
    pub bytes: Vec<u8>,
}

/// Why there are no derivatives. People read it, after "No preview:".
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "camelCase")]
pub enum DecodeError {
    #[error("this kind of file isn't a picture that can be shown")]
    Unsupported,
    #[error("this variant of its format can't be shown")]
    UnsupportedVariant,
    #[error("the picture has more pixels than can be shown ({width} × {height})")]
    TooLarge { width: u32, height: u32 },
    #[error("the file is damaged ({0})")]
    Damaged(String),
}

impl DecodeError {
    fn damaged(error: impl std::fmt::Display) -> Self {
        /// Of what a decoder says.
        const REASON_CHARS_MAX: usize = 160;
        Self::Damaged(error.to_string().chars().take(REASON_CHARS_MAX).collect())
    }
}

/// What the file says of itself. A damaged entry is left out, whatever else is wrong with the file.
pub fn taken(bytes: &[u8]) -> Taken {
    taken::read(bytes)
}
