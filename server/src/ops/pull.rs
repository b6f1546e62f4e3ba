//! A page of the feed, over all zones of a person.

use std::collections::BTreeMap;

use shared::item::ItemState;
use shared::sync::{PullResponse, ZoneInfo, ZoneState};
use shared::{ItemId, ZoneId};

use super::tree::Tree;
use crate::access::{Grant, grants_of};
use crate::auth::Caller;
use crate::db::zones::{self, Position};
use crate::db::{Connection, DbError, items};
use crate::error::ApiResult;
use crate::state::App;
use crate::tokens::{SyncToken, ZonePosition};

/// What came after `since`, at most `limit` entries (and the folders that they need).
pub async fn pull(app: &App, caller: Caller, since: Option<&str>, limit: usize) -> ApiResult<PullResponse> {
    let key = app.tokens.person(caller.user_id);
    let mut connection = app.db.snapshot().await?;
    let grants = grants_of(&mut connection, caller.user_id).await?;
    let stand = stand_of(&mut connection, &grants).await?;
    let now = app.env.now();
    let given = since.map(|text| key.check(text, now, &stand)).transpose()?;
    let given = given.map(|token| token.zones).unwrap_or_default();
    let mut next = SyncToken { issued_at: now, zones: BTreeMap::new() };
    let mut changes = Vec::new();
    let mut left = limit;
    let mut has_more = false;
    for grant in &grants {
        let counter = stand.get(&grant.zone_id).map_or(0, |position| position.counter);
        // A zone that the token does not name is pulled from its beginning, alive items only.
        let start = given.get(&grant.zone_id).copied();
        let start = start.unwrap_or(ZonePosition { position: 0, alive_until: counter });
        let mut position = start.position;
        if left > 0 {
            let page = zone_page(&mut connection, grant.zone_id, start, left).await?;
            left -= page.entries;
            changes.extend(page.changes);
            position = page.last_of_more.unwrap_or(counter);
        }
        has_more |= position < counter;
        next.zones.insert(grant.zone_id, ZonePosition { position, ..start });
    }
    let zones = grants.iter().map(zone_info).collect();
    Ok(PullResponse { changes, zones, sync_token: key.encode(&next), has_more })
}

/// Where the zones' feeds stand.
pub async fn stand_of(
    connection: &mut Connection,
    grants: &[Grant],
) -> Result<BTreeMap<ZoneId, Position>, DbError> {
    let ids: Vec<ZoneId> = grants.iter().map(|grant| grant.zone_id).collect();
    Ok(zones::positions(connection, &ids).await?.into_iter().collect())
}

fn zone_info(grant: &Grant) -> ZoneInfo {
    ZoneInfo {
        zone_id: grant.zone_id,
        root_id: grant.root_id,
        kind: grant.kind,
        role: grant.role,
        state: ZoneState::Active,
    }
}

struct ZonePage {
    /// How many entries of the feed it covers.
    entries: usize,
    changes: Vec<ItemState>,
    /// Where the page ends, if the zone has more.
    last_of_more: Option<u64>,
}

async fn zone_page(
    connection: &mut Connection,
    zone: ZoneId,
    start: ZonePosition,
    limit: usize,
) -> Result<ZonePage, DbError> {
    let mut rows = items::load_feed(connection, zone, start.position, start.alive_until, limit + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let last_of_more = rows.last().filter(|_| more).map(|row| row.feed);
    let ids: Vec<ItemId> = rows.iter().map(|row| row.id).collect();
    let tree = Tree::new(zone, items::load_with_ancestors(connection, zone, &ids).await?);
    let told: Vec<ItemId> = rows
        .iter()
        .filter(|row| row.feed > start.alive_until || !tree.is_deleted(row.id))
        .map(|row| row.id)
        .collect();
    // What is in the trash may be told of though its folder never was: a full pull leaves that out.
    let changes = tree
        .parents_first(&told, |ancestor| ancestor.feed > start.position || tree.is_deleted(ancestor.id))
        .into_iter()
        .map(|row| tree.state(row))
        .collect();
    Ok(ZonePage { entries: ids.len(), changes, last_of_more })
}
