//! Albums: folders of a library, and by what their photos are looked up. Which albums a photo is in stands in its
//! item's row.

use serde::{Deserialize, Serialize};
use shared::photo::WallTime;
use shared::{Dot, ItemId, ItemKind, Timestamp, ZoneId};

use super::items::ItemRow;
use super::photos::{Keys, Rank};
use super::{Connection, DbError, Value};
use crate::values;

/// That a photo is in an album.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    pub album: ItemId,
    /// The input that put it in, the last of several: who takes it out has to have seen that.
    pub added: Dot,
    /// When it was chosen to stand for the album.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover_at: Option<Timestamp>,
    /// What it is sorted by there, where a person put it elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_at: Option<WallTime>,
}

/// Keeps what the rows are looked up by.
pub(super) async fn save(connection: &mut Connection, zone: ZoneId, rows: &[ItemRow]) -> Result<(), DbError> {
    let photos = rows.iter().filter(|row| row.photo.is_some());
    let delete = "DELETE FROM album_photos WHERE zone_id = $1 AND photo_id IN ({keys})";
    connection.execute_keys(delete, values![zone], photos.clone().map(|row| row.id.into())).await?;
    let gone = rows.iter().filter(|row| row.kind == ItemKind::Folder && row.purged_at.is_some());
    let delete = "DELETE FROM album_photos WHERE zone_id = $1 AND album_id IN ({keys})";
    connection.execute_keys(delete, values![zone], gone.map(|row| row.id.into())).await?;
    let head = "INSERT INTO album_photos \
                (zone_id, album_id, photo_id, taken_at, is_favorite, aspect, cover_at, sort_at)";
    let rows = photos.flat_map(|row| row_values(zone, row)).collect();
    connection.insert_rows(head, rows, "").await?;
    Ok(())
}

fn row_values(zone: ZoneId, row: &ItemRow) -> Vec<Vec<Value>> {
    let Some(keys) = Keys::of(row).filter(Keys::in_albums) else { return Vec::new() };
    let memberships = row.photo.iter().flat_map(|photo| &photo.albums);
    let of_album = |membership: &Membership| {
        values![
            zone,
            membership.album,
            row.id,
            keys.taken_at.as_millis(),
            i64::from(keys.is_favorite),
            i64::from(keys.aspect.code()),
            membership.cover_at,
            membership.sort_at.map(WallTime::as_millis)
        ]
    };
    memberships.map(of_album).collect()
}

/// The next albums after `after` that are not in the trash, by id, and what they are called.
pub async fn page(
    connection: &mut Connection,
    zone: ZoneId,
    root: ItemId,
    after: Option<ItemId>,
    limit: usize,
) -> Result<Vec<(ItemId, String)>, DbError> {
    let sql = "SELECT item_id, name FROM items WHERE zone_id = $1 AND parent_id = $2 AND kind = 1 AND item_id > $3 \
                 AND deleted_at IS NULL AND purged_at IS NULL ORDER BY item_id LIMIT $4";
    let after = after.unwrap_or(ItemId(uuid::Uuid::nil()));
    let rows = connection.fetch_all(sql, values![zone, root, after, limit]).await?;
    rows.iter().map(|row| Ok((row.get(0)?, row.get(1)?))).collect()
}

/// What an album has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extent {
    pub count: u64,
    pub first: Rank,
    pub last: Rank,
    /// The photo that stands for it.
    pub cover: ItemId,
}

/// None where it has nothing.
pub async fn extent(
    connection: &mut Connection,
    zone: ZoneId,
    album: ItemId,
) -> Result<Option<Extent>, DbError> {
    let count = "SELECT COUNT(*) FROM album_photos WHERE zone_id = $1 AND album_id = $2";
    let count: u64 = connection.fetch_one(count, values![zone, album]).await?.get(0)?;
    let mut ends = Vec::new();
    for order in ["ASC", "DESC"] {
        let sql = format!(
            "SELECT taken_at, photo_id FROM album_photos WHERE zone_id = $1 AND album_id = $2 \
             ORDER BY taken_at {order}, photo_id {order} LIMIT 1"
        );
        if let Some(row) = connection.fetch_optional(&sql, values![zone, album]).await? {
            ends.push((WallTime::from_millis(row.get(0)?), row.get(1)?));
        }
    }
    let [first, last] = ends[..] else { return Ok(None) };
    let cover = "SELECT photo_id FROM album_photos WHERE zone_id = $1 AND album_id = $2 AND cover_at IS NOT NULL \
                 ORDER BY cover_at DESC, photo_id LIMIT 1";
    let cover = match connection.fetch_optional(cover, values![zone, album]).await? {
        Some(row) => row.get(0)?,
        None => last.1,
    };
    Ok(Some(Extent { count, first, last, cover }))
}
