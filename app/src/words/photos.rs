//! Of photos.

use shared::photo::{Location, Photo};
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
pub const PHOTO_LISTS: &str = "Lists of photos";
pub const ALBUMS: &str = "Albums";
pub const NEW_ALBUM: &str = "New album";
pub const ALBUM_NAME: &str = "Name";
pub const CREATE: &str = "Create";
pub const RENAME_ALBUM: &str = "Rename album";
pub const DELETE_ALBUM: &str = "Delete album";
pub const KEEP_ORIGINALS: &str = "Download and keep originals";
pub const KEEP_ORIGINALS_NO_LONGER: &str = "Stop keeping originals";
pub const KEEPING_ORIGINALS: &str = "This album’s originals come to this device and stay here";
pub const KEEPING_ORIGINALS_NO_LONGER: &str =
    "This album’s originals leave this device when the space is needed";
pub const ADD_TO_ALBUM: &str = "Add to album";
pub const REMOVE_FROM_ALBUM: &str = "Remove from album";
pub const USE_AS_COVER: &str = "Use as cover";
pub const ARRANGE: &str = "Arrange";
pub const ARRANGE_HINT: &str = "Drag photos to where they belong";
pub const ARRANGE_KEYS: &str = "Drag photos, or move them with Alt and the arrow keys, Home or End.";
pub const BY_DATE: &str = "By date";
pub const SORTED_BY_DATE: &str = "The album is sorted by date again";
pub const ORDER_NOT_HERE: &str = "Not all of this album is known here yet. Try again in a moment.";
pub const ALBUM_CHANGED: &str = "The album changed meanwhile. Nothing was moved.";
pub const COVER_CHOSEN: &str = "This photo stands for the album now";
pub const NO_ALBUMS: &str = "What belongs together";
pub const NO_ALBUMS_HINT: &str =
    "Put photos of a journey, a feast or a person into an album. They stay in your library as well.";
pub const NO_ALBUMS_YET: &str = "There are no albums yet.";
pub const DUPLICATES: &str = "Duplicates";
pub const NO_DUPLICATES: &str = "No photo is here twice";
pub const NO_DUPLICATES_HINT: &str =
    "Photos that look exactly the same, in different files, are shown here side by side.";
pub const DUPLICATES_AWAY: &str = "Duplicates are found by the server";
pub const DUPLICATES_HINT: &str = "These look exactly the same, though their files differ. The one that stays takes over the albums, the heart and, where it has none, the place of the others.";
pub const MORE_DUPLICATES: &str = "Show more";
pub const WHICH_STAYS: &str = "Which one stays";
pub const KEEP_ALL: &str = "Keep all";
pub const BEST_OF_THEM: &str = "The best of them";
pub const LIVE: &str = "LIVE";
pub const LIVE_PHOTO: &str = "Live Photo";
pub const PLAY_LIVE: &str = "Play the Live Photo";
pub const LENGTH: &str = "Length";
pub const SEARCH_PHOTOS: &str = "Search photos";
pub const END_SEARCH: &str = "End the search";
pub const SEARCH_BY: &str = "Search by";
pub const YEARS: &str = "Years";
pub const PLACES: &str = "Places";
pub const CAMERAS: &str = "Cameras";
pub const KINDS: &str = "Kinds";
/// What a search takes, each as it is typed and as it is called.
pub const KINDS_OF_PHOTOS: [(&str, &str); 4] =
    [("video", "Videos"), ("live photo", "Live Photos"), ("panorama", "Panoramas"), ("png", "PNG")];
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
pub const LOOKING_AGAIN: &str = "Looking at it again";
pub const STILL_LOOKING: &str = "The server is still busy with it. The preview comes by itself.";
pub const STILL_NO_PREVIEW: &str = "It was looked at again. There is still no preview.";
pub const LOOK_AGAIN_AWAY: &str =
    "Only the server can look at it again, and it can't be reached. Try it when you are back online.";
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

pub const TAKE_IN_HANDED: &str = "Another app on this device hands them over.";
/// The line of the uploads that they are on.
pub const HANDED_GROUP: &str = "From other apps";

pub const SAVE: &str = "Save";
pub const DONE: &str = "Done";
pub const ADJUST: &str = "Date and place";
pub const EARLIEST_TAKEN: &str = "The earliest was taken";
pub const ALL_KEEP_DISTANCE: &str = "The others keep their distance to it.";
pub const WRONG_DATE: &str = "No photo can have this date.";
pub const WRONG_PLACE: &str = "Write it as latitude, longitude: 48.137, 11.576";
pub const PLACE_HINT: &str = "Latitude, longitude in degrees";
pub const PLACES_DIFFER: &str = "They have different places. What you write here is for all of them.";
pub const REMOVE_PLACE: &str = "Remove the place";
pub const MAP_WHOLE: &str = "Show the whole world";
pub const MAP_NEARER: &str = "Come nearer";

pub const fn photo_list(list: PhotoList) -> &'static str {
    match list {
        PhotoList::Library => "Library",
        PhotoList::Favorites => "Favorites",
        PhotoList::Archived => "Archive",
        PhotoList::Hidden => "Hidden",
        PhotoList::Deleted => "Recently deleted",
        PhotoList::Album(_) => "Album",
        PhotoList::Found(_) => "Photos found",
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
        PhotoList::Deleted => (
            "Nothing was deleted lately",
            "Photos that you delete stay here for 30 days, in case you want them back.",
        ),
        PhotoList::Found(_) => (
            "No photo found",
            "Try a year or a month, a place, a camera, a file’s name, or a kind such as video or panorama.",
        ),
        PhotoList::Album(_) => {
            ("This album is still empty", "Select photos in your library and choose “Add to album”.")
        }
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

/// "1:04", "1:02:33".
pub fn film_length(ms: u64) -> String {
    let seconds = (ms + 500) / 1_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// How long something deleted is still there.
pub fn days_left(days: u64) -> String {
    format!("{} left", counted(days as usize, "day", "days"))
}

/// What a photo is for those who hear it.
pub fn photo_label(photo: &Photo, is_favorite: bool) -> String {
    let kind = match (photo.mime_type.starts_with("video/"), photo.info.live_photo_video.is_some()) {
        (true, _) => "Film",
        (false, true) => LIVE_PHOTO,
        (false, false) => PHOTO,
    };
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

pub fn take_in_handed_title(count: usize) -> String {
    format!("Add {} to your library?", counted(count, "photo", "photos"))
}

pub fn already_in_library(count: usize) -> String {
    let are = if count == 1 { "is" } else { "are" };
    format!("{} {are} in your library already", counted(count, "photo", "photos"))
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
        PhotoAct::Adjust
        | PhotoAct::AddToAlbum
        | PhotoAct::RemoveFromAlbum
        | PhotoAct::Cover
        | PhotoAct::Download
        | PhotoAct::Delete
        | PhotoAct::Restore
        | PhotoAct::Purge => photos,
    }
}

pub fn photos_in(count: usize) -> String {
    counted(count, "photo", "photos")
}

/// "12 of 40 originals here, 120 MB in all".
pub fn originals_here(here: usize, all: usize, size: &str) -> String {
    let (count, originals) = (intl::whole(all as u64), if all == 1 { "original" } else { "originals" });
    if here == all {
        return format!("{count} {originals} here, {size}");
    }
    format!("{} of {count} {originals} here, {size} in all", intl::whole(here as u64))
}

pub fn alike(count: usize) -> String {
    format!("{} that look the same", counted(count, "photo", "photos"))
}

pub fn keep_this(others: usize) -> String {
    let others = if others == 1 { "the other".to_owned() } else { format!("the other {others}") };
    format!("Keep this, delete {others}")
}

pub fn duplicates_deleted(count: usize) -> String {
    format!("Deleted {}", counted(count, "duplicate", "duplicates"))
}

pub fn details_of(count: usize) -> String {
    match count {
        0 => "No details".to_owned(),
        count => counted(count, "detail", "details"),
    }
}

/// What stands over what a search found.
pub fn found_for(text: &str) -> String {
    format!("“{text}”")
}

pub fn add_to_album_title(count: usize) -> String {
    format!("Add {} to", counted(count, "photo", "photos"))
}

pub fn added_to_album(count: usize, album: &str) -> String {
    format!("Added {} to “{album}”", counted(count, "photo", "photos"))
}

pub fn already_in_album(count: usize, album: &str) -> String {
    let are = if count == 1 { "It is" } else { "They are" };
    format!("{are} in “{album}” already")
}

pub fn removed_from_album(count: usize) -> String {
    format!("{} taken out of the album", counted(count, "photo", "photos"))
}

/// "Moved to place 3 of 12".
pub fn moved_to_place(count: usize, place: usize, all: usize) -> String {
    let (place, all) = (intl::whole(place as u64), intl::whole(all as u64));
    match count {
        1 => format!("Moved to place {place} of {all}"),
        _ => format!("Moved {} to place {place} of {all}", counted(count, "photo", "photos")),
    }
}

pub fn album_made(album: &str) -> String {
    format!("Made the album “{album}”")
}

pub fn album_renamed(album: &str) -> String {
    format!("The album is called “{album}” now")
}

pub fn album_deleted(album: &str) -> String {
    format!("Deleted the album “{album}”. Its photos stay in your library.")
}

/// "48.13715, 11.57612", as it can be typed.
pub fn coordinates(location: Location) -> String {
    format!("{}, {}", f64::from(location.latitude), f64::from(location.longitude))
}

/// "48.13715° N, 11.57612° E".
pub fn place(location: Location) -> String {
    let (latitude, longitude) = (f64::from(location.latitude), f64::from(location.longitude));
    let north = if latitude < 0.0 { SOUTH } else { NORTH };
    let east = if longitude < 0.0 { WEST } else { EAST };
    format!("{:.5}° {north}, {:.5}° {east}", latitude.abs(), longitude.abs())
}

pub fn map_of(location: Location) -> String {
    format!("Map of the world around {}", place(location))
}

pub fn photos_adjusted(count: usize) -> String {
    format!("Adjusted {}", counted(count, "photo", "photos"))
}

/// "All 12 photos: 1 day 2 hours later".
pub fn all_moved(count: usize, later_ms: i64) -> String {
    let seconds = later_ms.unsigned_abs() / 1_000;
    let parts = [
        (seconds / 86_400, "day", "days"),
        (seconds / 3_600 % 24, "hour", "hours"),
        (seconds / 60 % 60, "minute", "minutes"),
        (seconds % 60, "second", "seconds"),
    ];
    let parts = parts.into_iter().filter(|(number, ..)| *number > 0);
    let parts: Vec<String> = parts.map(|(number, one, many)| counted(number as usize, one, many)).collect();
    let way = if later_ms < 0 { "earlier" } else { "later" };
    format!("All {}: {} {way}", counted(count, "photo", "photos"), parts.join(" "))
}
