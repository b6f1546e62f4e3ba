//! Photos: items of the zone kind `photos`, with what is known of the picture and what people say of it.

mod derivative;
mod facts;

use serde::{Deserialize, Deserializer, Serialize};

use crate::ids::ItemId;
use crate::timestamp::Timestamp;

pub use derivative::{Aspect, Derivative, DerivativeKind, Derivatives, fit, photo_path};
pub use facts::{Degrees, InvalidPhotoField, Location, UtcOffset, WallTime};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum PhotoStatus {
    /// Its derivatives are being made.
    #[default]
    Processing,
    Ready,
    /// It has none; `failure` says why. The original is as safe as any file.
    Failed,
}

/// What a picture's file says of itself, apart from its pixels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Taken {
    pub at: Option<WallTime>,
    pub offset: Option<UtcOffset>,
    pub location: Option<Location>,
    pub camera: Option<String>,
    pub lens: Option<String>,
    /// As photographers write it: `1/250 s, f/1.8, ISO 64, 5.7 mm`.
    pub exposure: Option<String>,
    /// Of a film, in milliseconds.
    pub duration: Option<u64>,
    /// A film's width and height as it is shown, in pixels.
    pub frame: Option<(u32, u32)>,
    /// What the two files of a Live Photo have in common, in Apple's own words.
    pub content_identifier: Option<String>,
}

/// What a photo has beside a file's fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhotoInfo {
    /// In pixels, of the upright picture. None while it isn't known.
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub taken_at: WallTime,
    /// None: it is not known how far from UTC that was.
    pub taken_at_offset: Option<UtcOffset>,
    pub location: Option<Location>,
    /// The town there, its region and its country: `Munich, Bavaria, Germany`.
    pub place: Option<String>,
    pub camera: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lens: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<String>,
    /// Of a film, in milliseconds.
    pub duration: Option<u64>,
    /// What moves, where it is a Live Photo. It is shown with its photo only, and goes where that goes.
    pub live_photo_video: Option<Box<LivePhotoVideo>>,
    /// The photo that this is the video of: it is in no list of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_photo_of: Option<ItemId>,
    /// Base64: a placeholder of some 25 bytes (<https://evanw.github.io/thumbhash/>).
    pub thumbhash: Option<String>,
    pub is_favorite: bool,
    pub hidden: bool,
    pub archived: bool,
    /// The albums that have it, by id. One of them may have been removed for good since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub albums: Vec<InAlbum>,
    pub status: PhotoStatus,
    /// Why there are no derivatives, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl PhotoInfo {
    /// Of a photo that nothing is known of but its file's own time.
    pub fn unknown(modified_at: Timestamp) -> Self {
        Self {
            width: None,
            height: None,
            taken_at: modified_at.into(),
            taken_at_offset: None,
            location: None,
            place: None,
            camera: None,
            lens: None,
            exposure: None,
            duration: None,
            live_photo_video: None,
            live_photo_of: None,
            thumbhash: None,
            is_favorite: false,
            hidden: false,
            archived: false,
            albums: Vec::new(),
            status: PhotoStatus::Processing,
            failure: None,
        }
    }

    /// The size of the picture that smaller forms are made of, where there are any; in pixels.
    pub fn pictured(&self) -> Option<(u32, u32)> {
        // A film may be ready without any picture.
        let has_picture = self.status == PhotoStatus::Ready && self.thumbhash.is_some();
        self.width.zip(self.height).filter(|_| has_picture)
    }

    /// As it will be with what a person says of it; what the file says instead, only the server knows.
    pub fn apply(&mut self, edit: &PhotoEdit) {
        self.is_favorite = edit.is_favorite.unwrap_or(self.is_favorite);
        self.hidden = edit.hidden.unwrap_or(self.hidden);
        self.archived = edit.archived.unwrap_or(self.archived);
        self.taken_at = edit.taken_at.flatten().unwrap_or(self.taken_at);
        self.taken_at_offset = edit.taken_at_offset.flatten().or(self.taken_at_offset);
        if let Some(location) = edit.location.filter(|location| *location != self.location) {
            self.location = location;
            self.place = None;
        }
    }

    pub fn is_in(&self, album: ItemId) -> bool {
        self.in_album(album).is_some()
    }

    pub fn in_album(&self, album: ItemId) -> Option<&InAlbum> {
        self.albums.iter().find(|held| held.id == album)
    }

    /// What it is sorted by: in an album where a person put it, otherwise by when it was taken.
    pub fn sorted_at(&self, album: Option<ItemId>) -> WallTime {
        let held = album.and_then(|album| self.in_album(album));
        held.and_then(|held| held.sort_at).unwrap_or(self.taken_at)
    }

    /// As it will be with what a person does to it in an album, then.
    pub fn apply_album(&mut self, album: ItemId, change: AlbumChange, then: Timestamp) {
        let at = self.albums.partition_point(|held| held.id < album);
        match change {
            AlbumChange::Remove => self.albums.retain(|held| held.id != album),
            AlbumChange::Place(None) if !self.is_in(album) => {}
            AlbumChange::Add | AlbumChange::Cover | AlbumChange::Place(_) => {
                if !self.is_in(album) {
                    self.albums.insert(at, InAlbum { id: album, cover_at: None, sort_at: None });
                }
                match change {
                    AlbumChange::Cover => self.albums[at].cover_at = Some(then),
                    AlbumChange::Place(sort_at) => self.albums[at].sort_at = sort_at,
                    AlbumChange::Add | AlbumChange::Remove => {}
                }
            }
        }
    }
}

/// The video of a Live Photo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LivePhotoVideo {
    pub file_id: ItemId,
    /// Names its content: another has another.
    pub url: String,
    pub mime_type: String,
    /// In bytes.
    pub size: u64,
    /// In milliseconds.
    pub duration: Option<u64>,
}

/// That a photo is in an album.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InAlbum {
    pub id: ItemId,
    /// When it was chosen to stand for the album: the latest of its photos does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover_at: Option<Timestamp>,
    /// What it is sorted by there instead of `takenAt`, where a person put it elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_at: Option<WallTime>,
}

/// What becomes of a photo in an album.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AlbumChange {
    Add,
    /// Takes back only what its maker had seen: adding wins.
    Remove,
    /// It stands for the album from now on, and is in it.
    Cover,
    /// It is sorted by this there, and is in it; with nothing it is sorted by when it was taken again, where it is in it.
    Place(Option<WallTime>),
}

/// A photo in a list of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Photo {
    pub id: ItemId,
    /// The same: a photo is a file.
    pub file_id: ItemId,
    pub file_name: String,
    pub mime_type: String,
    /// In bytes.
    pub size: u64,
    #[serde(flatten)]
    pub info: PhotoInfo,
    pub derivatives: Derivatives<Option<Derivative>>,
}

/// `POST /photos/upload`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhotoUploaded {
    pub photo: Photo,
}

/// An album: a folder of the library, which names its photos rather than holding them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Album {
    pub id: ItemId,
    pub name: String,
    /// Its photos, without hidden and deleted ones.
    pub count: u64,
    /// When the first and the last of them were taken.
    pub first_taken_at: Option<WallTime>,
    pub last_taken_at: Option<WallTime>,
    /// The photo that a person chose, otherwise the latest.
    pub cover: Option<Photo>,
}

/// `GET /photos/albums`: by id, which is the order in which they were made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AlbumPage {
    pub albums: Vec<Album>,
    pub next_cursor: Option<String>,
}

/// `GET /photos`: newest first by (`takenAt`, id); in an album `sortAt` counts instead, where a photo has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhotoPage {
    pub photos: Vec<Photo>,
    pub next_cursor: Option<String>,
}

/// Photos that look the same, in different files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DuplicateGroup {
    /// Two at least, the newest first; of very many the newest.
    pub photos: Vec<Photo>,
}

/// `GET /photos/duplicates`: the group with the newest photo first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DuplicatePage {
    pub groups: Vec<DuplicateGroup>,
    pub next_cursor: Option<String>,
}

/// What a person says of a photo; what is not named stays. `null` goes back to what the file says, but for
/// `location`, which it takes away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhotoEdit {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_favorite: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "named")]
    pub taken_at: Option<Option<WallTime>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "named")]
    pub taken_at_offset: Option<Option<UtcOffset>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "named")]
    pub location: Option<Option<Location>>,
}

impl PhotoEdit {
    /// Both, where the later one has the last word.
    #[must_use]
    pub fn followed_by(self, later: &Self) -> Self {
        Self {
            is_favorite: later.is_favorite.or(self.is_favorite),
            hidden: later.hidden.or(self.hidden),
            archived: later.archived.or(self.archived),
            taken_at: later.taken_at.or(self.taken_at),
            taken_at_offset: later.taken_at_offset.or(self.taken_at_offset),
            location: later.location.or(self.location),
        }
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A field that is there, be it `null`.
fn named<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_tells_null_from_nothing() {
        let edit: PhotoEdit = serde_json::from_str(r#"{"takenAt": null, "isFavorite": true}"#).unwrap();
        assert_eq!(edit, PhotoEdit { taken_at: Some(None), is_favorite: Some(true), ..PhotoEdit::default() });
        assert_eq!(serde_json::to_string(&edit).unwrap(), r#"{"isFavorite":true,"takenAt":null}"#);
    }
}
