//! A page of the feed, over all zones of a person.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use shared::faults::Fault;
use shared::item::ItemState;
use shared::sync::{PullResponse, ZoneInfo, ZoneState};
use shared::{ItemId, Timestamp, ZoneId};

use super::tree::Tree;
use crate::access::{Grant, grants_of};
use crate::auth::Caller;
use crate::db::items::ItemRow;
use crate::db::zones::{self, Position};
use crate::db::{Connection, DbError, items};
use crate::error::ApiResult;
use crate::state::App;
use crate::tokens::{PersonKey, SyncToken, ZonePosition};

/// What a pull asks of the database below it, all of it as of one moment.
pub trait Feeds: Send {
    /// Where the zones' feeds stand.
    fn positions(
        &mut self,
        zones: &[ZoneId],
    ) -> impl Future<Output = Result<Vec<(ZoneId, Position)>, DbError>> + Send;

    /// See [`items::load_feed`].
    fn entries(
        &mut self,
        zone: ZoneId,
        after: u64,
        alive_until: u64,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<ItemRow>, DbError>> + Send;

    /// The items and every folder that they are in.
    fn with_ancestors(
        &mut self,
        zone: ZoneId,
        ids: &[ItemId],
    ) -> impl Future<Output = Result<Vec<ItemRow>, DbError>> + Send;
}

impl Feeds for Connection {
    async fn positions(&mut self, zones: &[ZoneId]) -> Result<Vec<(ZoneId, Position)>, DbError> {
        zones::positions(self, zones).await
    }

    async fn entries(
        &mut self,
        zone: ZoneId,
        after: u64,
        alive_until: u64,
        limit: usize,
    ) -> Result<Vec<ItemRow>, DbError> {
        items::load_feed(self, zone, after, alive_until, limit).await
    }

    async fn with_ancestors(&mut self, zone: ZoneId, ids: &[ItemId]) -> Result<Vec<ItemRow>, DbError> {
        items::load_with_ancestors(self, zone, ids).await
    }
}

/// What came after `since`, at most `limit` entries (and the folders that they need).
pub async fn pull(app: &App, caller: Caller, since: Option<&str>, limit: usize) -> ApiResult<PullResponse> {
    let key = app.tokens.person(caller.user_id);
    let mut connection = app.db.snapshot().await?;
    let grants = grants_of(&mut connection, caller.user_id).await?;
    pull_in(&mut connection, &key, &grants, app.env.now(), since, limit).await
}

/// As [`pull`], over any feeds.
pub async fn pull_in<F: Feeds>(
    feeds: &mut F,
    key: &PersonKey,
    grants: &[Grant],
    now: Timestamp,
    since: Option<&str>,
    limit: usize,
) -> ApiResult<PullResponse> {
    let stand = stand_of(feeds, grants).await?;
    let given = since.map(|text| key.check(text, now, &stand)).transpose()?;
    let given = given.map(|token| token.zones).unwrap_or_default();
    let mut next = SyncToken { issued_at: now, zones: BTreeMap::new() };
    let mut changes = Vec::new();
    let mut left = limit;
    let mut has_more = false;
    for grant in grants {
        let counter = stand.get(&grant.zone_id).map_or(0, |position| position.counter);
        // A zone that the token does not name is pulled from its beginning, alive items only.
        let start = given.get(&grant.zone_id).copied();
        let start = start.unwrap_or(ZonePosition { position: 0, alive_until: counter });
        let mut position = start.position;
        if left > 0 {
            let page = zone_page(feeds, grant.zone_id, start, left).await?;
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
pub async fn stand_of<F: Feeds>(
    feeds: &mut F,
    grants: &[Grant],
) -> Result<BTreeMap<ZoneId, Position>, DbError> {
    let ids: Vec<ZoneId> = grants.iter().map(|grant| grant.zone_id).collect();
    Ok(feeds.positions(&ids).await?.into_iter().collect())
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

async fn zone_page<F: Feeds>(
    feeds: &mut F,
    zone: ZoneId,
    start: ZonePosition,
    limit: usize,
) -> Result<ZonePage, DbError> {
    let mut rows = feeds.entries(zone, start.position, start.alive_until, limit + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let skipped = u64::from(Fault::PageSkipsOne.is_planted());
    let last_of_more = rows.last().filter(|_| more).map(|row| row.feed + skipped);
    let page: Vec<(ItemId, u64)> = rows.iter().map(|row| (row.id, row.feed)).collect();
    let folders: BTreeSet<ItemId> = rows.iter().map(|row| row.parent_id).collect();
    let unknown: Vec<ItemId> = {
        let known: BTreeSet<ItemId> = page.iter().map(|&(id, _)| id).collect();
        folders.difference(&known).copied().collect()
    };
    rows.extend(feeds.with_ancestors(zone, &unknown).await?);
    let tree = Tree::new(zone, rows);
    let told: Vec<ItemId> = page
        .iter()
        .filter(|&&(id, feed)| feed > start.alive_until || !tree.is_deleted(id))
        .map(|&(id, _)| id)
        .collect();
    // What is in the trash may be told of though its folder never was: a full pull leaves that out.
    let changes = tree
        .parents_first(&told, |ancestor| {
            let newer = ancestor.feed > start.position && !Fault::PageWithoutFolders.is_planted();
            newer || tree.is_deleted(ancestor.id)
        })
        .into_iter()
        .map(|row| tree.state(row))
        .collect();
    Ok(ZonePage { entries: page.len(), changes, last_of_more })
}
