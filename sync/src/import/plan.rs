//! What an import would do.

use shared::photo::{Location, PhotoEdit, UtcOffset};
use shared::{ItemName, Timestamp};

use super::media::Media;

/// What becomes of an export, file by file, and nothing else.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub photos: Vec<PlannedPhoto>,
    pub albums: Vec<PlannedAlbum>,
    pub skipped: Vec<Skipped>,
    /// Sidecars whose picture is not there: it may be in a part that was not chosen.
    pub lonely_sidecars: Vec<String>,
    /// Whether it has sidecars: then a picture without one is worth a word.
    pub has_sidecars: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PlannedPhoto {
    /// Its place in what the survey was given.
    pub entry: usize,
    /// Where it lies in the export.
    pub path: String,
    pub name: ItemName,
    pub media: Media,
    /// In bytes.
    pub size: u64,
    /// What its file counts as changed at, which is when it was taken unless the picture says so itself.
    pub file_time: Option<Timestamp>,
    /// When it was taken, where the export knows better than the picture.
    pub corrected: Option<Timestamp>,
    pub date_from: DateFrom,
    pub location: Option<Location>,
    pub is_favorite: bool,
    pub hidden: bool,
    pub archived: bool,
    /// By their place in [`Plan::albums`].
    pub albums: Vec<usize>,
    pub has_sidecar: bool,
    /// The photo of the plan that this one looks like: of the same name and size. Which it is, its content tells.
    pub copy_of: Option<usize>,
    /// The library has a photo of that name and size.
    pub is_probably_here: bool,
}

impl PlannedPhoto {
    /// What is said of it beside its content.
    pub fn edit(&self) -> PhotoEdit {
        let yes = |is_so: bool| is_so.then_some(true);
        PhotoEdit {
            is_favorite: yes(self.is_favorite),
            hidden: yes(self.hidden),
            archived: yes(self.archived),
            // What the export tells is an instant: a wall in UTC.
            taken_at: self.corrected.map(|at| Some(at.into())),
            taken_at_offset: self.corrected.map(|_| Some(UtcOffset::UTC)),
            location: self.location.map(Some),
        }
    }
}

/// Who tells when a photo was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateFrom {
    Picture,
    Sidecar,
    /// Nobody but the file's own time.
    File,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedAlbum {
    pub name: ItemName,
    /// How many photos go into it, each counted once.
    pub count: usize,
}

/// A file that is not taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    pub path: String,
    pub why: Skip,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skip {
    NotAPhoto,
    /// Of something else that Google exports, and no photo of its library.
    OtherProduct,
    /// It was in the trash there.
    Trashed,
    /// An archive within.
    Archive,
    /// An archive in parts, or of more files than an import may have.
    Split,
    TooMany,
    BadName,
    TooLarge,
    Encrypted,
    UnknownMethod,
    Damaged,
    /// There was no room for it on this device, or whoever sends stopped.
    NotQueued,
}

/// A plan in numbers. Copies count once, what is probably here is not to be sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    pub pictures: usize,
    pub films: usize,
    pub copies: usize,
    pub probably_here: usize,
    /// Bytes to be sent.
    pub bytes: u64,
    pub dates_from_pictures: usize,
    pub dates_from_sidecars: usize,
    pub dates_from_files: usize,
    pub places: usize,
    pub without_sidecar: usize,
}

impl Plan {
    pub fn numbers(&self) -> Numbers {
        let mut numbers = Numbers::default();
        for photo in &self.photos {
            if photo.copy_of.is_some() {
                numbers.copies += 1;
                continue;
            }
            let kind = if photo.media.is_film() { &mut numbers.films } else { &mut numbers.pictures };
            *kind += 1;
            let date = match photo.date_from {
                DateFrom::Picture => &mut numbers.dates_from_pictures,
                DateFrom::Sidecar => &mut numbers.dates_from_sidecars,
                DateFrom::File => &mut numbers.dates_from_files,
            };
            *date += 1;
            numbers.places += usize::from(photo.location.is_some());
            numbers.without_sidecar += usize::from(self.has_sidecars && !photo.has_sidecar);
            if photo.is_probably_here {
                numbers.probably_here += 1;
            } else {
                numbers.bytes += photo.size;
            }
        }
        numbers
    }
}
