//! Of imports from other libraries.

use sync::import::{Numbers, Skip};

use super::counted;
use crate::hooks::intl;
use crate::ports::ImportProgress;

pub const IMPORT: &str = "Import";
pub const IMPORT_PHOTOS: &str = "Import photos";
pub const IMPORT_INTRO: &str = "From Google Takeout, from what Apple gives out of iCloud (privacy.apple.com), or from any folder of photos. Choose all parts of an export together. Nothing is changed before you have seen what the import would do.";
pub const CHOOSE_ARCHIVES: &str = "Choose ZIP files";
pub const CHOOSE_EXPORT_FOLDER: &str = "Choose a folder";
pub const OPENING_EXPORT: &str = "Opening what you chose";
pub const DRY_RUN: &str = "This is what the import would do. Nothing is changed yet.";
pub const NOTHING_TO_IMPORT: &str = "There are no photos or films in what you chose.";
pub const IMPORT_FILMS: &str = "Films";
pub const TO_SEND: &str = "To send";
pub const COPIES_INSIDE: &str = "Copies";
pub const COPIES_HINT: &str = "of others in the export; each photo is kept once, in all its albums";
pub const PROBABLY_HERE: &str = "Probably here";
pub const PROBABLY_HERE_HINT: &str = "the library has one of that name and size; its content is compared";
pub const IMPORT_DATES: &str = "Dates";
pub const IMPORT_PLACES: &str = "Places";
pub const ALBUM_IS_HERE: &str = "is here already";
pub const STOP: &str = "Stop";
pub const IMPORT_GOES_ON: &str = "You can close this and go on; keep this tab open. If it is cut off, import the same again: what is here already stays as it is.";
pub const IMPORT_OFFLINE: &str =
    "Waiting for the connection. What was taken in so far is kept here and will be sent.";

fn number(count: usize) -> String {
    intl::whole(count as u64)
}

pub fn import_count(count: usize) -> String {
    format!("Import {}", counted(count, "photo", "photos"))
}

pub fn reading_export(done: usize, total: usize) -> String {
    format!("Reading {} of {}", number(done), counted(total, "file", "files"))
}

pub fn dates_from(numbers: &Numbers) -> String {
    let parts = [
        (numbers.dates_from_pictures, "from the photos themselves"),
        (numbers.dates_from_sidecars, "from the export"),
        (numbers.dates_from_files, "only from the files"),
    ];
    let said = parts.into_iter().filter(|(count, _)| *count > 0);
    said.map(|(count, from)| format!("{} {from}", number(count))).collect::<Vec<_>>().join(", ")
}

pub fn places_from(count: usize) -> String {
    format!("{} from the export", number(count))
}

pub fn albums_planned(count: usize) -> String {
    counted(count, "album", "albums")
}

pub fn skipped_because(why: Skip, count: usize) -> String {
    let because = match why {
        Skip::NotAPhoto => "neither photo nor film",
        Skip::OtherProduct => "not of the photo library",
        Skip::Trashed => "in the trash there",
        Skip::Archive => "an archive within; import it by itself",
        Skip::Split => "one part of a split archive; join the parts first",
        Skip::TooMany => "too many files for one import",
        Skip::BadName => "a name that can't be used here",
        Skip::TooLarge => "larger than a file may be",
        Skip::Encrypted => "protected by a password",
        Skip::UnknownMethod => "packed in a way that this browser doesn't know",
        Skip::Damaged => "damaged, or not to be read",
        Skip::NotQueued => "not taken in by this device; import it once more",
    };
    format!("{} left out: {because}", counted(count, "file", "files"))
}

pub fn lonely_sidecars(count: usize) -> String {
    format!(
        "{} without a photo: a part of the export may be missing",
        counted(count, "description", "descriptions")
    )
}

pub fn without_sidecar(count: usize) -> String {
    format!("{} without a description in the export", counted(count, "photo", "photos"))
}

pub fn and_more(count: usize) -> String {
    format!("and {} more", number(count))
}

pub fn importing(progress: &ImportProgress) -> String {
    format!("{} of {}", number(progress.done), counted(progress.total, "photo", "photos"))
}

/// "Put 12 photos into your library. 3 were here already."
pub fn imported(progress: &ImportProgress) -> String {
    let put = format!("Put {} into your library.", counted(progress.queued, "photo", "photos"));
    let here = match progress.already_here {
        0 => String::new(),
        1 => " 1 was here already.".to_owned(),
        count => format!(" {} were here already.", number(count)),
    };
    let left = progress.total - progress.done;
    let stopped = if progress.is_stopped && left > 0 {
        format!(" Stopped before {}.", counted(left, "photo", "photos"))
    } else {
        String::new()
    };
    format!("{put}{here}{stopped}")
}
