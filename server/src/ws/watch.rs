//! Each node's own look at the database: sessions that ended elsewhere, and changes that no one told.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use shared::frames::ServerEvent;
use shared::{ItemId, UserId, VersionVector, ZoneId};
use tokio::time::{MissedTickBehavior, interval};

use super::{Hub, lock};
use crate::db::sessions::{self, TokenHash};
use crate::db::zones::Position;
use crate::db::{Connection, DbError, items, members};

/// How often the database is looked at where nobody else tells.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
/// Changes of one zone looked at one by one: whether they are news, and whose.
const CHANGES_LOOKED_AT: usize = 128;
/// With Valkey, every so many of these: a message may still have been lost.
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
        // The first look after Valkey came back covers the time in which it was away.
        if hub.0.sockets.is_empty() || (hears && heard_before && since_look < RELAXED_EVERY) {
            continue;
        }
        since_look = 0;
        heard_before = hears;
        if let Err(error) = look(hub).await {
            tracing::warn!(%error, "the database can't be looked at for changes");
        }
    }
}

async fn look(hub: &Hub) -> Result<(), DbError> {
    let mut connection = hub.0.db.reader().await?;
    let open = hub.0.sockets.sessions();
    let live: HashSet<TokenHash> =
        sessions::live(&mut connection, &open, hub.0.env.now()).await?.into_iter().collect();
    for hash in open.iter().filter(|hash| !live.contains(*hash)) {
        hub.0.sockets.end_session(hash);
    }
    // SQLite has one node, which told its sockets itself.
    if hub.0.db.is_postgres() { look_for_changes(hub, &mut connection).await } else { Ok(()) }
}

/// Asks for a pull where a zone has changes that this node's sockets were not told.
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
        let mut news = rows.iter().filter(|row| announced.get(&row.id) != Some(&row.vector));
        let Some(first) = news.next() else { continue };
        let by_one_device =
            rows.len() < CHANGES_LOOKED_AT && news.all(|row| row.touched.by == first.touched.by);
        let source = by_one_device.then_some(first.touched.by);
        let events = [ServerEvent::PullNeeded { sync_token: None }];
        hub.deliver_events(zone, source, &events).await?;
    }
    Ok(())
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
