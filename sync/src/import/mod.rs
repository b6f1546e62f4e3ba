//! Exports of other libraries: Google Takeout, what Apple hands out of iCloud, or any folder of pictures. Pure: whoever
//! reads the files tells what there is, brings the texts and heads that a [`Survey`] asks for, and gets a [`Plan`],
//! by which nothing has happened yet.
//!
//! What a sidecar says fills in what the picture does not say itself. Its date goes along as the file's own time,
//! which a date in the picture outdoes; its place counts only for a picture without one. Where the two dates are days
//! apart, or the places far, somebody corrected them there: then the export counts.

mod crc32;
mod csv;
mod exif;
mod google;
mod icloud;
mod media;
mod plan;
mod survey;
pub mod zip;

pub use crc32::Crc32;
pub use media::Media;
pub use plan::{DateFrom, Numbers, Plan, PlannedAlbum, PlannedPhoto, Skip, Skipped};
pub use survey::{Entry, HEAD_BYTES, Survey};
