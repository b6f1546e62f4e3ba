//! Each node's own look at the database: sessions that ended elsewhere, and changes that no one told.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use shared::frames::{FileAction, ServerEvent};
use shared::item::ItemState;
use shared::{DeviceId, ItemId, UserId, VersionVector, ZoneId};
use tokio::time::{MissedTickBehavior, interval};

use super::{Hub, lock};
use crate::db::items::ItemRow;
use crate::db::sessions::{self, TokenHash};
use crate::db::zones::Position;
use crate::db::{Connection, DbError, items, members};
use crate::ops::tree::Tree;

/// How often the database is looked at.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// Changes of one zone told one by one; of so many, sockets are asked to pull.
const CHANGES_LOOKED_AT: usize = 128;
/// With Valkey, changes are looked for every so many of these: a message may still have been lost.
const RELAXED_EVERY: u32 = 10;

pub(super) async fn watch(hub: &Hub) {
    let mut ticks = interval(LOOK_INTERVAL);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut since_look = 0;
    let mut heard_before = false;
    loop {
        ticks.tick().await;
        let hears = hub.0.bus.as_ref().is_some_and(super::Bus::hears);
        since_look += 1;
        if hub.0.sockets.is_empty() {
            continue;
        }
        // The first look after Valkey came back covers the time in which it was away.
        let changes_are_told = hears && heard_before && since_look < RELAXED_EVERY;
        if !changes_are_told {
            since_look = 0;
            heard_before = hears;
        }
        if let Err(error) = look(hub, changes_are_told).await {
            tracing::warn!(%error, "the database can't be looked at for changes");
        }
    }
}

/// Ended sessions don't wait for a message that may be lost: their sockets end within a second.
async fn look(hub: &Hub, changes_are_told: bool) -> Result<(), DbError> {
    let mut connection = hub.0.db.reader().await?;
    let open = hub.0.sockets.sessions();
    let live: HashSet<TokenHash> =
        sessions::live(&mut connection, &open, hub.0.env.now()).await?.into_iter().collect();
    for hash in open.iter().filter(|hash| !live.contains(*hash)) {
        hub.0.sockets.end_session(hash);
    }
    // SQLite has one node, which told its sockets itself.
    if changes_are_told || !hub.0.db.is_postgres() {
        return Ok(());
    }
    look_for_changes(hub, &mut connection).await
}

/// Tells of changes that this node's sockets were not told.
async fn look_for_changes(hub: &Hub, connection: &mut Connection) -> Result<(), DbError> {
    let stand = members::positions(connection, &hub.0.sockets.users()).await?;
    let (before, announced) = {
        let mut seen = lock(&hub.0.seen);
        // A zone that is not known yet is noted by the greeting of its first socket.
        let moved = |(zone, position): (&ZoneId, &Position)| {
            let known = seen.counters.get(zone).copied()?;
            (known < position.counter).then_some((*zone, known))
        };
        let before: Vec<(ZoneId, u64)> = stand.iter().filter_map(moved).collect();
        seen.counters.extend(stand.iter().map(|(&zone, position)| (zone, position.counter)));
        (before, std::mem::take(&mut seen.announced))
    };
    let told = tell_changes(hub, connection, before, &announced).await;
    if told.is_err() {
        // The positions have moved on: whoever was not told must look for themselves.
        hub.0.sockets.everyone_lags();
    }
    told
}

async fn tell_changes(
    hub: &Hub,
    connection: &mut Connection,
    before: Vec<(ZoneId, u64)>,
    announced: &HashMap<ItemId, VersionVector>,
) -> Result<(), DbError> {
    for (zone, position) in before {
        let rows = items::load_feed(connection, zone, position, 0, CHANGES_LOOKED_AT).await?;
        if rows.len() == CHANGES_LOOKED_AT {
            hub.deliver_events(zone, None, &[ServerEvent::PullNeeded { sync_token: None }]).await?;
            continue;
        }
        let news: Vec<ItemRow> =
            rows.into_iter().filter(|row| announced.get(&row.id) != Some(&row.vector)).collect();
        let ids: Vec<ItemId> = news.iter().map(|row| row.id).collect();
        let tree = Tree::new(zone, items::load_with_ancestors(connection, zone, &ids).await?);
        let mut by_device: BTreeMap<DeviceId, Vec<ServerEvent>> = BTreeMap::new();
        for row in &news {
            by_device.entry(row.touched.by).or_default().push(event(row, tree.state(row)));
        }
        for (device, events) in by_device {
            hub.deliver_events(zone, Some(device), &events).await?;
        }
    }
    Ok(())
}

/// What the row's present state says of the change that led to it.
fn event(row: &ItemRow, state: ItemState) -> ServerEvent {
    let file = match state {
        ItemState::Present(file) if !file.is_deleted => file,
        ItemState::Present(_) | ItemState::Purged(_) => {
            return ServerEvent::FileDeleted { file_id: row.id, sync_token: None };
        }
    };
    let first = row.place_dot == row.content_dot && row.place_dot.count == row.last_count;
    let action = if first {
        FileAction::Created
    } else if row.place_dot.count > row.content_dot.count {
        FileAction::Moved
    } else {
        FileAction::Updated
    };
    ServerEvent::FileChanged { file_id: row.id, action, file, sync_token: None }
}

/// Notes where the person's zones stand, unless that is known: what comes later is news.
pub(super) async fn note_positions(
    hub: &Hub,
    connection: &mut Connection,
    user_id: UserId,
) -> Result<(), DbError> {
    let stand = members::positions(connection, &[user_id]).await?;
    let mut seen = lock(&hub.0.seen);
    for (zone, position) in stand {
        seen.counters.entry(zone).or_insert(position.counter);
    }
    Ok(())
}
