//! Photos: what is known of one stands in its item's row; what they are looked up by, beside it.

use std::num::ParseIntError;

use shared::photo::{Aspect, WallTime};
use shared::photo_index::Shelf;
use shared::photo_query::{PhotoQuery, SearchText};
use shared::{ContentHash, ItemId, PictureId, Timestamp, ZoneId};
use uuid::Uuid;

use super::albums;
use super::items::ItemRow;
use super::{Connection, DbError, Value};
use crate::values;

mod record;

pub use record::{Film, Found, Made, Pair, PhotoRecord, Picture, Place};

/// On no shelf: after all of them.
const TRASH: i64 = 3;
/// On no shelf either: before all of them, because it is out of the trash.
const WITH_ITS_STILL: i64 = -1;

const fn shelf_code(shelf: Shelf) -> i64 {
    match shelf {
        Shelf::Library => 0,
        Shelf::Archived => 1,
        Shelf::Hidden => 2,
    }
}

/// Photos that a new one is compared with because they have as many bytes. One of the same content is found by that,
/// however many there are; one whose file was cut otherwise only among these.
pub const OF_SIZE_MAX: usize = 16;
/// Photos of one identifier that are looked at to find a Live Photo's other part: there are two, or a few where it was
/// taken in more than once.
pub const OF_IDENTIFIER_MAX: usize = 16;
/// How much is looked for in a file. What was found when it was less, is looked for again.
pub const LOOK: u8 = 1;
/// Due at once.
const AT_ONCE: Timestamp = Timestamp::from_millis(0);

/// Keeps what the rows are looked up by. What waits for its derivatives goes on waiting as it did.
pub(super) async fn save(connection: &mut Connection, zone: ZoneId, rows: &[ItemRow]) -> Result<(), DbError> {
    let (gone, there): (Vec<&ItemRow>, Vec<&ItemRow>) =
        rows.iter().filter(|row| row.photo.is_some()).partition(|row| row.purged_at.is_some());
    let delete = "DELETE FROM photos WHERE zone_id = $1 AND item_id IN ({keys})";
    connection.execute_keys(delete, values![zone], gone.iter().map(|row| row.id.into())).await?;
    let head = "INSERT INTO photos (zone_id, item_id, shelf, taken_at, is_favorite, aspect, size, content_hash, words, \
         picture_id, content_identifier, due_at, attempts)";
    let tail = "ON CONFLICT (zone_id, item_id) DO UPDATE SET shelf = excluded.shelf, taken_at = excluded.taken_at, \
         is_favorite = excluded.is_favorite, aspect = excluded.aspect, size = excluded.size, \
         content_hash = excluded.content_hash, words = excluded.words, picture_id = excluded.picture_id, \
         content_identifier = excluded.content_identifier, \
         due_at = CASE WHEN excluded.due_at IS NULL OR photos.content_hash <> excluded.content_hash \
           THEN excluded.due_at ELSE COALESCE(photos.due_at, excluded.due_at) END, \
         attempts = CASE WHEN photos.content_hash = excluded.content_hash AND photos.due_at IS NOT NULL \
           THEN photos.attempts ELSE 0 END";
    let values = there.into_iter().filter_map(|row| row_values(zone, row)).collect();
    connection.insert_rows(head, values, tail).await?;
    albums::save(connection, zone, rows).await
}

/// Where a photo is to be seen.
#[derive(Clone, Copy)]
enum Standing {
    On(Shelf),
    /// What moves in a Live Photo.
    WithItsStill,
    InTrash,
}

impl Standing {
    const fn code(self) -> i64 {
        match self {
            Self::On(shelf) => shelf_code(shelf),
            Self::WithItsStill => WITH_ITS_STILL,
            Self::InTrash => TRASH,
        }
    }
}

/// What a photo is looked up by.
#[derive(Clone, Copy)]
pub(super) struct Keys {
    standing: Standing,
    pub(super) taken_at: WallTime,
    pub(super) is_favorite: bool,
    pub(super) aspect: Aspect,
    is_due: bool,
}

impl Keys {
    /// Of what is no photo there are none.
    pub(super) fn of(row: &ItemRow) -> Option<Self> {
        let info = row.photo_info()?;
        let standing = match (info.hidden, info.archived) {
            _ if !row.holds_name() => Standing::InTrash,
            _ if info.live_photo_of.is_some() => Standing::WithItsStill,
            (true, _) => Standing::On(Shelf::Hidden),
            (false, true) => Standing::On(Shelf::Archived),
            (false, false) => Standing::On(Shelf::Library),
        };
        Some(Self {
            standing,
            taken_at: info.taken_at,
            is_favorite: info.is_favorite,
            aspect: Aspect::of(info.width.unwrap_or(0), info.height.unwrap_or(0)),
            is_due: row.found().is_none_or(|found| found.look < LOOK),
        })
    }

    /// Whether albums show it, and it is compared with others.
    pub(super) fn in_albums(&self) -> bool {
        matches!(self.standing, Standing::On(Shelf::Library | Shelf::Archived))
    }
}

fn row_values(zone: ZoneId, row: &ItemRow) -> Option<Vec<Value>> {
    let (keys, content) = (Keys::of(row)?, row.content_hash?);
    let mime_type = row.mime_type.as_deref().unwrap_or_default();
    let words = SearchText::of(&row.name, mime_type, &row.photo_info()?);
    Some(values![
        zone,
        row.id,
        keys.standing.code(),
        keys.taken_at.as_millis(),
        i64::from(keys.is_favorite),
        i64::from(keys.aspect.code()),
        row.size,
        content,
        words.as_str(),
        row.picture().and_then(|picture| picture.id).filter(|_| keys.in_albums()),
        row.content_identifier().map(str::to_owned),
        keys.is_due.then_some(AT_ONCE),
        0_i64
    ])
}

/// Where a photo stands in the list: what it is sorted by.
pub type Rank = (WallTime, ItemId);

/// A photo in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ranked {
    pub rank: Rank,
    pub aspect: Aspect,
    /// Whether a person put it there.
    pub is_placed: bool,
}

/// Which of a library's photos a list has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub of: Listing,
    /// Only favourites.
    pub favorites: bool,
    /// Only what it finds.
    pub query: PhotoQuery,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    Shelf(Shelf),
    Album(ItemId),
}

/// The next photos before `before`, newest first.
pub async fn page(
    connection: &mut Connection,
    zone: ZoneId,
    listed: &Listed,
    before: Rank,
    limit: usize,
) -> Result<Vec<Ranked>, DbError> {
    let favorites = if listed.favorites { "is_favorite = 1 AND" } else { "" };
    // Where a person put a photo elsewhere, that is said in a list of the same order.
    let (sorted_at, id, placed, of, value): (_, _, _, _, Value) = match listed.of {
        Listing::Shelf(shelf) => {
            ("taken_at", "item_id", "CAST(NULL AS TEXT)", "photos p WHERE shelf", shelf_code(shelf).into())
        }
        Listing::Album(album) => (
            "COALESCE(sort_at, taken_at)",
            "photo_id",
            "CASE WHEN sort_at IS NULL THEN '0' ELSE '1' END",
            "album_photos WHERE album_id",
            album.into(),
        ),
    };
    let days = listed.query.days().map(|(from, until)| (from.start(), until.start()));
    // Where nobody arranged anything, days follow each other.
    let end = days.filter(|_| matches!(listed.of, Listing::Shelf(_)));
    let before = end.map_or(before, |(_, until)| before.min((until, ItemId(Uuid::nil()))));
    // SQLite begins at a place in an index of expressions only by a bound of its own.
    let bound = match listed.of {
        Listing::Shelf(_) => String::new(),
        Listing::Album(_) => format!("{sorted_at} <= $3 AND "),
    };
    let mut values = values![zone, value, before.0.as_millis(), before.1, limit];
    let found = condition(listed, days, &mut values);
    let hex = if connection.is_postgres() { "encode(id, 'hex')" } else { "hex(id)" };
    // One row: thousands of rows take longer to hand over than to find.
    let sql = format!(
        "SELECT string_agg(CAST(sorted_at AS TEXT), ' '), string_agg({hex}, ' '), \
           string_agg(CAST(aspect AS TEXT), ' '), string_agg(placed, ' ') \
         FROM (SELECT {sorted_at} AS sorted_at, {id} AS id, aspect, {placed} AS placed \
           FROM {of} = $2 AND {favorites} {found} zone_id = $1 \
           AND {bound} ({sorted_at}, {id}) < ($3, $4) ORDER BY {sorted_at} DESC, {id} DESC LIMIT $5) listed"
    );
    let row = connection.fetch_one(&sql, values).await?;
    let list = |column| Ok::<_, DbError>(row.get::<Option<String>>(column)?.unwrap_or_default());
    let (sorted_at, ids, aspects, placed) = (list(0)?, list(1)?, list(2)?, list(3)?);
    let mut placed = placed.split_ascii_whitespace();
    let photos = sorted_at.split_ascii_whitespace().zip(ids.split_ascii_whitespace());
    let photos = photos.zip(aspects.split_ascii_whitespace());
    photos
        .map(|((sorted_at, id), aspect)| {
            let shape = |column, error: ParseIntError| DbError::Shape { column, reason: error.to_string() };
            let sorted_at = sorted_at.parse().map_err(|error| shape(0, error))?;
            let id = u128::from_str_radix(id, 16).map_err(|error| shape(1, error))?;
            let aspect = aspect.parse().unwrap_or(Aspect::of(0, 0).code());
            let rank = (WallTime::from_millis(sorted_at), ItemId(Uuid::from_u128(id)));
            Ok(Ranked { rank, aspect: Aspect::from_code(aspect), is_placed: placed.next() == Some("1") })
        })
        .collect()
}

/// What the search adds to the list's condition, and its values.
fn condition(listed: &Listed, days: Option<(WallTime, WallTime)>, values: &mut Vec<Value>) -> String {
    let mut placeholder = |value: Value| {
        values.push(value);
        format!("${}", values.len())
    };
    let mut taken = |compared: &str, at: WallTime| {
        format!("taken_at {compared} {} AND ", placeholder(at.as_millis().into()))
    };
    let days = days.map(|(from, until)| match listed.of {
        Listing::Shelf(_) => taken(">=", from),
        Listing::Album(_) => taken(">=", from) + &taken("<", until),
    });
    let groups: Vec<String> = listed
        .query
        .needles()
        .into_iter()
        .map(|needles| {
            // What is looked for is letters and digits, which are no patterns.
            let like = |needle: String| format!("p.words LIKE {}", placeholder(format!("%{needle}%").into()));
            format!("({})", needles.into_iter().map(like).collect::<Vec<_>>().join(" OR "))
        })
        .collect();
    let words = groups.join(" AND ");
    let words = match listed.of {
        _ if words.is_empty() => String::new(),
        Listing::Shelf(_) => format!("p.words <> '' AND {words} AND "),
        Listing::Album(_) => format!(
            "EXISTS (SELECT 1 FROM photos p WHERE p.zone_id = $1 AND p.item_id = photo_id AND {words}) AND "
        ),
    };
    days.unwrap_or_default() + &words
}

/// Several photos that look the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Duplicates {
    pub picture: PictureId,
    /// When the newest of them was taken.
    pub newest: WallTime,
    /// The newest first.
    pub photos: Vec<ItemId>,
}

/// The next groups of photos out of the trash, and not hidden, that look the same, before the one of `before`; up to
/// `photos_max` of each.
pub async fn duplicates(
    connection: &mut Connection,
    zone: ZoneId,
    before: (WallTime, PictureId),
    limit: usize,
    photos_max: usize,
) -> Result<Vec<Duplicates>, DbError> {
    let groups = "SELECT picture_id, MAX(taken_at) FROM photos \
                  WHERE zone_id = $1 AND picture_id IS NOT NULL \
                  GROUP BY picture_id HAVING COUNT(*) > 1 \
                    AND (MAX(taken_at) < $2 OR MAX(taken_at) = $2 AND picture_id < $3) \
                  ORDER BY 2 DESC, 1 DESC LIMIT $4";
    let rows = connection.fetch_all(groups, values![zone, before.0.as_millis(), before.1, limit]).await?;
    let of_picture = "SELECT item_id FROM photos \
                      WHERE zone_id = $1 AND picture_id = $2 AND picture_id IS NOT NULL \
                      ORDER BY taken_at DESC, item_id DESC LIMIT $3";
    let mut groups = Vec::with_capacity(rows.len());
    for row in rows {
        let picture: PictureId = row.get(0)?;
        let newest = WallTime::from_millis(row.get(1)?);
        let photos = connection.fetch_all(of_picture, values![zone, picture, photos_max]).await?;
        let photos = photos.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?;
        groups.push(Duplicates { picture, newest, photos });
    }
    Ok(groups)
}

// The plus in front of the shelf keeps SQLite, which has no statistics, from going through all that are on one.
const OF_SIZE: &str = "SELECT item_id FROM (SELECT item_id FROM photos \
     WHERE zone_id = $1 AND size = $2 AND content_hash = $3 AND +shelf < 3 ORDER BY item_id LIMIT $4) same \
   UNION SELECT item_id FROM (SELECT item_id FROM photos \
     WHERE zone_id = $1 AND size = $2 AND +shelf < 3 ORDER BY content_hash, item_id LIMIT $4) others";
const OF_IDENTIFIER: &str = "SELECT item_id FROM photos \
   WHERE zone_id = $1 AND content_identifier = $2 AND content_identifier IS NOT NULL AND +shelf < 3 \
   ORDER BY item_id LIMIT $3";

/// Photos out of the trash with this content, and others of as many bytes: of each up to [`OF_SIZE_MAX`].
pub async fn of_size(
    connection: &mut Connection,
    zone: ZoneId,
    size: u64,
    content: ContentHash,
) -> Result<Vec<ItemId>, DbError> {
    let values = values![zone, size, content, OF_SIZE_MAX];
    connection.fetch_all(OF_SIZE, values).await?.iter().map(|row| row.get(0)).collect()
}

/// Up to [`OF_IDENTIFIER_MAX`] photos out of the trash of which a file says this.
pub async fn of_identifier(
    connection: &mut Connection,
    zone: ZoneId,
    identifier: &str,
) -> Result<Vec<ItemId>, DbError> {
    let values = values![zone, identifier, OF_IDENTIFIER_MAX];
    connection.fetch_all(OF_IDENTIFIER, values).await?.iter().map(|row| row.get(0)).collect()
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

/// How many photos wait to be looked at, or are looked at right now.
pub async fn count_due(connection: &mut Connection) -> Result<u64, DbError> {
    let sql = "SELECT CAST(COUNT(*) AS BIGINT) FROM photos WHERE due_at IS NOT NULL";
    connection.fetch_one(sql, values![]).await?.get(0)
}

/// Takes it on until `until`, unless another did first. Counts as a try.
pub async fn claim(connection: &mut Connection, due: Due, until: Timestamp) -> Result<bool, DbError> {
    let sql = "UPDATE photos SET due_at = $4, attempts = attempts + 1 \
               WHERE zone_id = $1 AND item_id = $2 AND due_at = $3";
    Ok(connection.execute(sql, values![due.zone_id, due.item_id, due.due_at, until]).await? == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Env;
    use crate::db::testing::sqlite;

    #[tokio::test]
    async fn what_is_alike_is_looked_up_in_an_index() {
        let env = Env::system();
        let test = sqlite(&env).await;
        let mut reader = test.db.reader().await.unwrap();
        let (zone, content) = (env.id::<ZoneId>(), ContentHash([7; 32]));
        for (sql, values, index) in [
            (OF_SIZE, values![zone, 3_u64, content, OF_SIZE_MAX], "photos_content"),
            (OF_IDENTIFIER, values![zone, "8D1C", OF_IDENTIFIER_MAX], "photos_identifier"),
        ] {
            let plan = reader.fetch_all(&format!("EXPLAIN QUERY PLAN {sql}"), values).await.unwrap();
            let steps: Vec<String> = plan.iter().map(|row| row.get(3).unwrap()).collect();
            let mut searches = steps.iter().filter(|step| step.contains("photos")).peekable();
            assert!(searches.peek().is_some() && searches.all(|step| step.contains(index)), "{steps:?}");
            assert!(!steps.iter().any(|step| step.contains("ORDER BY")), "{steps:?}");
        }
    }
}
