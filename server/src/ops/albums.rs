//! Albums listed and found.

use std::collections::BTreeMap;

use shared::photo::Album;
use shared::{ItemId, ItemKind};

use super::photos::more_than;
use crate::access::{self, Grant};
use crate::db::items::ItemRow;
use crate::db::{Connection, albums, items};
use crate::error::{ApiError, ApiResult};

/// The album's id, where it is in the library and out of the trash.
pub async fn find(connection: &mut Connection, grant: Grant, id: ItemId) -> ApiResult<ItemId> {
    let located = access::locate(connection, grant.user_id, id).await?;
    let (_, id) = located.filter(|(of, _)| of.zone_id == grant.zone_id).ok_or_else(ApiError::not_found)?;
    let row = items::load(connection, grant.zone_id, &[id]).await?.pop();
    let there = row.is_some_and(|row| row.kind == ItemKind::Folder && row.holds_name());
    if there { Ok(id) } else { Err(ApiError::not_found()) }
}

/// The next albums after `after`, by id, and the last of them where more come after it.
pub async fn page(
    connection: &mut Connection,
    grant: Grant,
    after: Option<ItemId>,
    limit: usize,
) -> ApiResult<(Vec<Album>, Option<ItemId>)> {
    let zone = grant.zone_id;
    let mut found = albums::page(connection, zone, grant.root_id, after, limit + 1).await?;
    let next = more_than(limit, &mut found).map(|(id, _)| *id);
    let mut page = Vec::new();
    for (id, name) in found {
        page.push((id, name, albums::extent(connection, zone, id).await?));
    }
    let covers: Vec<ItemId> = page.iter().filter_map(|(.., extent)| Some((*extent)?.cover)).collect();
    let rows = items::load(connection, zone, &covers).await?;
    let covers: BTreeMap<ItemId, ItemRow> = rows.into_iter().map(|row| (row.id, row)).collect();
    let album = |(id, name, extent): (ItemId, String, Option<albums::Extent>)| Album {
        id,
        name,
        count: extent.map_or(0, |extent| extent.count),
        first_taken_at: extent.map(|extent| extent.first.0),
        last_taken_at: extent.map(|extent| extent.last.0),
        cover: extent.and_then(|extent| covers.get(&extent.cover)?.to_photo()),
    };
    Ok((page.into_iter().map(album).collect(), next))
}
