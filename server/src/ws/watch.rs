//! Each node's own look at the database: sessions that ended elsewhere, and changes that no one told.

use std::collections::HashSet;
use std::time::Duration;

use shared::UserId;
use tokio::time::{MissedTickBehavior, interval};

use super::{Hub, lock};
use crate::db::sessions::{self, TokenHash};
use crate::db::{Connection, DbError, members};

/// How often the database is looked at where nobody else tells.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);
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
    Ok(())
}

/// Notes where the person's zones stand, unless that is known: what comes later is news.
pub(super) async fn note_positions(
    hub: &Hub,
    connection: &mut Connection,
    user_id: UserId,
) -> Result<(), DbError> {
    let counters = members::counters(connection, &[user_id]).await?;
    let mut seen = lock(&hub.0.seen);
    for (zone, counter) in counters {
        seen.counters.entry(zone).or_insert(counter);
    }
    Ok(())
}
