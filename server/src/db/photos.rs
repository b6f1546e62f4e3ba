//! Photos: what is known of one stands in its item's row; what they are looked up by, beside it.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use shared::photo::{
    Aspect, Derivative, DerivativeKind, Derivatives, InAlbum, Photo, PhotoEdit, PhotoInfo, PhotoStatus,
    Taken, WallTime, photo_path,
};
use shared::photo_index::Shelf;
use shared::{ChunkHash, ContentHash, ItemId, Timestamp, ZoneId};

use super::albums::{self, Membership};
use super::items::ItemRow;
use super::{Connection, DbError, Value};
use crate::values;

/// On no shelf: after all of them.
const TRASH: u64 = 3;

const fn shelf_code(shelf: Shelf) -> u64 {
    match shelf {
        Shelf::Library => 0,
        Shelf::Archived => 1,
        Shelf::Hidden => 2,
    }
}

/// Due at once.
const AT_ONCE: Timestamp = Timestamp::from_millis(0);

/// What is known of a photo.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhotoRecord {
    /// What people said, the last word on each field.
    #[serde(default)]
    pub said: PhotoEdit,
    /// What its picture told; of another content than the present one, it says nothing.
    #[serde(default)]
    pub found: Option<Found>,
    /// The albums that it is in, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub albums: Vec<Membership>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    pub of: ContentHash,
    pub taken: Taken,
    /// Or why there are no derivatives.
    pub picture: Result<Picture, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// In pixels, upright.
    pub width: u32,
    pub height: u32,
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
    fn found(&self) -> Option<&Found> {
        self.photo.as_ref()?.found_of(self.content_hash?)
    }

    /// The photo's picture, where it was made.
    pub fn picture(&self) -> Option<&Picture> {
        self.found()?.picture.as_ref().ok()
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
            match picture {
                Ok(picture) => {
                    info.width = Some(picture.width);
                    info.height = Some(picture.height);
                    info.thumbhash = Some(BASE64_STANDARD.encode(&picture.thumbhash));
                    info.status = PhotoStatus::Ready;
                }
                Err(failure) => {
                    info.status = PhotoStatus::Failed;
                    info.failure = Some(failure.clone());
                }
            }
        }
        info.apply(said);
        let held = self.photo.iter().flat_map(|photo| &photo.albums);
        info.albums = held.map(|held| InAlbum { id: held.album, cover_at: held.cover_at }).collect();
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

/// Keeps what the rows are looked up by. What waits for its derivatives goes on waiting as it did.
pub(super) async fn save(connection: &mut Connection, zone: ZoneId, rows: &[ItemRow]) -> Result<(), DbError> {
    let (gone, there): (Vec<&ItemRow>, Vec<&ItemRow>) =
        rows.iter().filter(|row| row.photo.is_some()).partition(|row| row.purged_at.is_some());
    let delete = "DELETE FROM photos WHERE zone_id = $1 AND item_id IN ({keys})";
    connection.execute_keys(delete, values![zone], gone.iter().map(|row| row.id.into())).await?;
    let head = "INSERT INTO photos (zone_id, item_id, shelf, taken_at, is_favorite, aspect, size, content_hash, due_at, \
         attempts)";
    let tail = "ON CONFLICT (zone_id, item_id) DO UPDATE SET shelf = excluded.shelf, taken_at = excluded.taken_at, \
         is_favorite = excluded.is_favorite, aspect = excluded.aspect, size = excluded.size, \
         content_hash = excluded.content_hash, \
         due_at = CASE WHEN excluded.due_at IS NULL OR photos.content_hash <> excluded.content_hash \
           THEN excluded.due_at ELSE COALESCE(photos.due_at, excluded.due_at) END, \
         attempts = CASE WHEN photos.content_hash = excluded.content_hash AND photos.due_at IS NOT NULL \
           THEN photos.attempts ELSE 0 END";
    let values = there.into_iter().filter_map(|row| row_values(zone, row)).collect();
    connection.insert_rows(head, values, tail).await?;
    albums::save(connection, zone, rows).await
}

/// What a photo is looked up by.
#[derive(Clone, Copy)]
pub(super) struct Keys {
    /// None in the trash.
    shelf: Option<Shelf>,
    pub(super) taken_at: WallTime,
    pub(super) is_favorite: bool,
    pub(super) aspect: Aspect,
    is_due: bool,
}

impl Keys {
    /// Of what is no photo there are none.
    pub(super) fn of(row: &ItemRow) -> Option<Self> {
        let info = row.photo_info()?;
        let shelf = match (row.deleted, info.hidden, info.archived) {
            (Some(_), ..) => None,
            (None, true, _) => Some(Shelf::Hidden),
            (None, false, true) => Some(Shelf::Archived),
            (None, false, false) => Some(Shelf::Library),
        };
        Some(Self {
            shelf: shelf.filter(|_| row.purged_at.is_none()),
            taken_at: info.taken_at,
            is_favorite: info.is_favorite,
            aspect: Aspect::of(info.width.unwrap_or(0), info.height.unwrap_or(0)),
            is_due: info.status == PhotoStatus::Processing,
        })
    }

    /// Whether albums show it.
    pub(super) fn in_albums(&self) -> bool {
        matches!(self.shelf, Some(Shelf::Library | Shelf::Archived))
    }
}

fn row_values(zone: ZoneId, row: &ItemRow) -> Option<Vec<Value>> {
    let (keys, content) = (Keys::of(row)?, row.content_hash?);
    Some(values![
        zone,
        row.id,
        keys.shelf.map_or(TRASH, shelf_code),
        keys.taken_at.as_millis(),
        i64::from(keys.is_favorite),
        i64::from(keys.aspect.code()),
        row.size,
        content,
        keys.is_due.then_some(AT_ONCE),
        0_i64
    ])
}

/// Where a photo stands in the list.
pub type Place = (WallTime, ItemId);

/// Which of a library's photos a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    pub of: Listing,
    /// Only favourites.
    pub favorites: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    Shelf(Shelf),
    Album(ItemId),
}

/// The next photos before `before`, newest first, and their shapes.
pub async fn page(
    connection: &mut Connection,
    zone: ZoneId,
    listed: Listed,
    before: Place,
    limit: usize,
) -> Result<Vec<(Place, Aspect)>, DbError> {
    let favorites = if listed.favorites { "is_favorite = 1 AND" } else { "" };
    let (columns, of, value): (_, _, Value) = match listed.of {
        Listing::Shelf(shelf) => ("taken_at, item_id", "photos WHERE shelf", shelf_code(shelf).into()),
        Listing::Album(album) => ("taken_at, photo_id", "album_photos WHERE album_id", album.into()),
    };
    let order = columns.replace(',', " DESC,");
    let sql = format!(
        "SELECT {columns}, aspect FROM {of} = $2 AND {favorites} zone_id = $1 \
           AND ({columns}) < ($3, $4) ORDER BY {order} DESC LIMIT $5"
    );
    let rows =
        connection.fetch_all(&sql, values![zone, value, before.0.as_millis(), before.1, limit]).await?;
    rows.iter()
        .map(|row| {
            let aspect = u8::try_from(row.get::<i64>(2)?).unwrap_or(Aspect::of(0, 0).code());
            Ok(((WallTime::from_millis(row.get(0)?), row.get(1)?), Aspect::from_code(aspect)))
        })
        .collect()
}

/// Photos out of the trash with a content of that many bytes.
pub async fn of_size(connection: &mut Connection, zone: ZoneId, size: u64) -> Result<Vec<ItemId>, DbError> {
    let sql = "SELECT item_id FROM photos WHERE zone_id = $1 AND size = $2 AND shelf < 3 ORDER BY item_id";
    connection.fetch_all(sql, values![zone, size]).await?.iter().map(|row| row.get(0)).collect()
}

/// A photo whose derivatives are to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    pub zone_id: ZoneId,
    pub item_id: ItemId,
    pub due_at: Timestamp,
    /// Tries so far.
    pub attempts: u32,
}

/// Photos that are due at `now`; or after `latest`, which only a clock that was set back since can have said.
pub async fn due(
    connection: &mut Connection,
    now: Timestamp,
    latest: Timestamp,
    limit: usize,
) -> Result<Vec<Due>, DbError> {
    let sql = "SELECT zone_id, item_id, due_at, attempts FROM photos \
               WHERE due_at IS NOT NULL AND (due_at <= $1 OR due_at > $2) ORDER BY due_at LIMIT $3";
    let rows = connection.fetch_all(sql, values![now, latest, limit]).await?;
    rows.iter()
        .map(|row| {
            Ok(Due { zone_id: row.get(0)?, item_id: row.get(1)?, due_at: row.get(2)?, attempts: row.get(3)? })
        })
        .collect()
}

/// Takes it on until `until`, unless another did first. Counts as a try.
pub async fn claim(connection: &mut Connection, due: Due, until: Timestamp) -> Result<bool, DbError> {
    let sql = "UPDATE photos SET due_at = $4, attempts = attempts + 1 \
               WHERE zone_id = $1 AND item_id = $2 AND due_at = $3";
    Ok(connection.execute(sql, values![due.zone_id, due.item_id, due.due_at, until]).await? == 1)
}
