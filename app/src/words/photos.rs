//! Of photos.

use shared::photo::Photo;
use shared::photo_index::WallDay;

use super::counted;
use crate::components::gallery::PhotoAct;
use crate::hooks::intl;
use crate::model::photos::Zoom;
use crate::ports::PhotoList;

pub const PHOTOS: &str = "Photos";
pub const PHOTO: &str = "Photo";
pub const ADD_PHOTOS: &str = "Add photos";
pub const ADD_PHOTO_FOLDER: &str = "Add a folder";
pub const PHOTO_LISTS: &str = "Albums";
pub const ZOOM: &str = "Group by";
pub const SCRUBBER: &str = "Date";
pub const FAVORITE: &str = "Favorite";
pub const ARCHIVE: &str = "Archive";
pub const UNARCHIVE: &str = "Back to the library";
pub const HIDE: &str = "Hide";
pub const UNHIDE: &str = "Show in the library";
pub const SLIDESHOW: &str = "Slideshow";
pub const ON_THEIR_WAY: &str = "On their way";
pub const TAKEN: &str = "Taken";
pub const CAMERA: &str = "Camera";
pub const LENS: &str = "Lens";
pub const EXPOSURE: &str = "Exposure";
pub const PLACE: &str = "Place";
pub const NO_PREVIEW_LABEL: &str = "Without a preview";
pub const NORTH: &str = "N";
pub const SOUTH: &str = "S";
pub const EAST: &str = "E";
pub const WEST: &str = "W";
pub const PHOTO_UNREACHABLE: &str = "This photo isn't on this device, and the server can't be reached.";
pub const FILM_UNREACHABLE: &str = "This film can't be played here. It may not be on this device, or in a format that this browser doesn't know.";
pub const PHOTOS_AWAY: &str = "Your photos aren't on this device yet";
pub const PHOTOS_AWAY_HINT: &str = "They come as soon as the server can be reached.";
pub const SELECTED_UNKNOWN_OFFLINE: &str = "Some of the selected photos were never on this device, and the server can't be reached. Nothing was changed.";
pub const SELECTED_CHANGED: &str =
    "The library changed meanwhile. Nothing was changed; select the photos again.";

pub const fn photo_list(list: PhotoList) -> &'static str {
    match list {
        PhotoList::Library => "Library",
        PhotoList::Favorites => "Favorites",
        PhotoList::Archived => "Archive",
        PhotoList::Hidden => "Hidden",
    }
}

pub const fn zoom(zoom: Zoom) -> &'static str {
    match zoom {
        Zoom::Days => "Days",
        Zoom::Months => "Months",
        Zoom::Years => "Years",
    }
}

/// What belongs into a list, and how it gets there.
pub const fn no_photos(list: PhotoList) -> (&'static str, &'static str) {
    match list {
        PhotoList::Library => (
            "Your photos belong here",
            "Drop photos and films anywhere on this page, or add them from this device. They keep their dates, and every device of yours has them.",
        ),
        PhotoList::Favorites => (
            "The photos you like best",
            "Press F on a photo, or the heart when it is open, and it is here as well.",
        ),
        PhotoList::Archived => {
            ("Out of the way, not gone", "Photos that you archive leave the library and wait here.")
        }
        PhotoList::Hidden => ("Not for everyone's eyes", "Photos that you hide are only shown here."),
    }
}

/// What stands over photos; none is for those on their way.
pub fn photo_heading(day: Option<WallDay>, zoom: Zoom) -> String {
    match (day, zoom) {
        (None, _) => ON_THEIR_WAY.to_owned(),
        (Some(day), Zoom::Days) => intl::wall_day(day.start()),
        (Some(day), Zoom::Months) => intl::wall_month(day.start()),
        (Some(day), Zoom::Years) => intl::wall_year(day.start()),
    }
}

/// What a photo is for those who hear it.
pub fn photo_label(photo: &Photo, is_favorite: bool) -> String {
    let kind = if photo.mime_type.starts_with("video/") { "Film" } else { PHOTO };
    let favorite = if is_favorite { ", favorite" } else { "" };
    format!("{kind}, {}, {}{favorite}", intl::wall_day_and_time(photo.info.taken_at), photo.file_name)
}

pub fn arriving_label(name: &str, percent: Option<u8>) -> String {
    match percent {
        Some(percent) => format!("{name}, {} sent", intl::percent(f64::from(percent) / 100.0)),
        None => format!("{name}, waiting to be sent"),
    }
}

pub fn no_preview_because(reason: &str) -> String {
    format!("There is no preview: {reason}")
}

pub fn selection_lost(count: usize) -> String {
    let photos = counted(count, "photo", "photos");
    format!("The library changed: {photos} that you had not seen yet are no longer selected.")
}

pub fn left_out_of_photos(count: usize) -> String {
    format!("{} left out: only photos and films belong here", counted(count, "file", "files"))
}

pub fn photos_described(act: PhotoAct, were_favorites: bool, count: usize) -> String {
    let photos = counted(count, "photo", "photos");
    match act {
        PhotoAct::Favorite if were_favorites => format!("{photos} removed from your favorites"),
        PhotoAct::Favorite => format!("{photos} added to your favorites"),
        PhotoAct::Archive => format!("Archived {photos}"),
        PhotoAct::Unarchive => format!("Moved {photos} back to the library"),
        PhotoAct::Hide => format!("Hid {photos}"),
        PhotoAct::Unhide => format!("Showing {photos} in the library again"),
        PhotoAct::Download | PhotoAct::Delete => photos,
    }
}
