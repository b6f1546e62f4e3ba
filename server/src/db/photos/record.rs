//! What is known of one photo, in its item's row.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use shared::photo::{
    Derivative, DerivativeKind, Derivatives, InAlbum, LivePhotoVideo, Location, Photo, PhotoEdit, PhotoInfo,
    PhotoStatus, Taken, photo_path,
};
use shared::{ChunkHash, ContentHash, ItemId, PictureId};

use crate::db::albums::Membership;
use crate::db::items::ItemRow;

/// What is known of a photo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhotoRecord {
    /// What people said, the last word on each field.
    #[serde(default)]
    pub said: PhotoEdit,
    /// What its picture told; of another content than the present one, it says nothing.
    #[serde(default)]
    pub found: Option<Found>,
    /// What the place is called, of the location that counts; of another one, it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place>,
    /// Of a Live Photo, the other part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pair: Option<Pair>,
    /// The albums that it is in, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub albums: Vec<Membership>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    pub of: ContentHash,
    /// See [`LOOK`](super::LOOK).
    #[serde(default)]
    pub look: u8,
    pub taken: Taken,
    /// Nothing of a film that no picture was made of; or why there are no derivatives.
    pub picture: Result<Option<Picture>, String>,
}

/// What a part of a Live Photo belongs to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pair {
    /// It is the photo; this is what moves.
    Film(Film),
    /// It is what moves.
    Still(ItemId),
}

/// A film, as its photo tells of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Film {
    pub id: ItemId,
    pub content: ContentHash,
    pub mime_type: String,
    /// In bytes.
    pub size: u64,
    /// In milliseconds.
    pub duration: Option<u64>,
}

impl Film {
    pub fn of(row: &ItemRow) -> Option<Self> {
        Some(Self {
            id: row.id,
            content: row.content_hash?,
            mime_type: row.mime_type.clone().unwrap_or_default(),
            size: row.size,
            duration: row.found()?.taken.duration,
        })
    }

    fn shown(&self) -> LivePhotoVideo {
        LivePhotoVideo {
            file_id: self.id,
            url: format!("/api/v1{}", photo_path(self.id, "original", self.content)),
            mime_type: self.mime_type.clone(),
            size: self.size,
            duration: self.duration,
        }
    }
}

/// The name of a place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    pub at: Location,
    pub name: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// In pixels, upright.
    pub width: u32,
    pub height: u32,
    /// Which picture it is; of a film, nothing.
    #[serde(default)]
    pub id: Option<PictureId>,
    pub thumbhash: Vec<u8>,
    pub derivatives: Derivatives<Made>,
}

/// A derivative that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    pub width: u32,
    pub height: u32,
    /// In bytes.
    pub size: u64,
    pub hash: ChunkHash,
}

impl PhotoRecord {
    /// What was found of the content.
    pub fn found_of(&self, content: ContentHash) -> Option<&Found> {
        self.found.as_ref().filter(|found| found.of == content)
    }
}

impl ItemRow {
    /// What was found of the photo's present content.
    pub(super) fn found(&self) -> Option<&Found> {
        self.photo.as_ref()?.found_of(self.content_hash?)
    }

    pub fn was_looked_at(&self) -> bool {
        self.found().is_some()
    }

    /// Whether its file says that it is a film.
    pub fn is_film(&self) -> bool {
        self.found().is_some_and(|found| found.taken.frame.is_some())
    }

    /// What its file says of itself.
    pub fn taken(&self) -> Option<&Taken> {
        Some(&self.found()?.taken)
    }

    /// What both parts of a Live Photo say.
    pub fn content_identifier(&self) -> Option<&str> {
        self.taken()?.content_identifier.as_deref()
    }

    /// The photo that this is the film of.
    pub fn still(&self) -> Option<ItemId> {
        match self.photo.as_ref()?.pair {
            Some(Pair::Still(id)) => Some(id),
            _ => None,
        }
    }

    /// Of a Live Photo, the other part.
    pub fn partner(&self) -> Option<ItemId> {
        Some(match self.photo.as_ref()?.pair.as_ref()? {
            Pair::Film(film) => film.id,
            Pair::Still(id) => *id,
        })
    }

    /// The photo's picture, where it was made.
    pub fn picture(&self) -> Option<&Picture> {
        self.found()?.picture.as_ref().ok()?.as_ref()
    }

    /// What the photo has beside a file's fields.
    pub fn photo_info(&self) -> Option<PhotoInfo> {
        let said = &self.photo.as_ref()?.said;
        let mut info = PhotoInfo::unknown(self.modified_at);
        if let Some(Found { taken, picture, .. }) = self.found() {
            let taken = taken.clone();
            info.taken_at = taken.at.unwrap_or(info.taken_at);
            info.taken_at_offset = taken.offset;
            info.location = taken.location;
            info.camera = taken.camera;
            info.lens = taken.lens;
            info.exposure = taken.exposure;
            info.duration = taken.duration;
            match picture {
                Ok(picture) => {
                    let size = picture.as_ref().map(|picture| (picture.width, picture.height));
                    (info.width, info.height) = size.or(taken.frame).unzip();
                    info.thumbhash =
                        picture.as_ref().map(|picture| BASE64_STANDARD.encode(&picture.thumbhash));
                    info.status = PhotoStatus::Ready;
                }
                Err(failure) => {
                    info.status = PhotoStatus::Failed;
                    info.failure = Some(failure.clone());
                }
            }
        }
        info.apply(said);
        let place = self.photo.as_ref()?.place.as_ref();
        match &self.photo.as_ref()?.pair {
            Some(Pair::Film(film)) => info.live_photo_video = Some(Box::new(film.shown())),
            Some(Pair::Still(still)) => info.live_photo_of = Some(*still),
            None => {}
        }
        info.place = place.filter(|place| Some(place.at) == info.location).map(|place| place.name.clone());
        let held = self.photo.iter().flat_map(|photo| &photo.albums);
        let in_album =
            |held: &Membership| InAlbum { id: held.album, cover_at: held.cover_at, sort_at: held.sort_at };
        info.albums = held.map(in_album).collect();
        Some(info)
    }

    /// The photo as lists give it.
    pub fn to_photo(&self) -> Option<Photo> {
        let content = self.content_hash?;
        let derivative = |kind: DerivativeKind| {
            let made = self.picture()?.derivatives.get(kind);
            let url = format!("/api/v1{}", photo_path(self.id, kind.name(), content));
            Some(Derivative { url, width: made.width, height: made.height, size: made.size })
        };
        Some(Photo {
            id: self.id,
            file_id: self.id,
            file_name: self.name.clone(),
            mime_type: self.mime_type.clone().unwrap_or_default(),
            size: self.size,
            info: self.photo_info()?,
            derivatives: Derivatives {
                thumbnail: derivative(DerivativeKind::Thumbnail),
                preview: derivative(DerivativeKind::Preview),
                display: derivative(DerivativeKind::Display),
            },
        })
    }
}
