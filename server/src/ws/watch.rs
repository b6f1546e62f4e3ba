//! Each node's own look at the database: sessions that ended elsewhere, and changes that no one told.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::time::Duration;

use shared::frames::{FileAction, ServerEvent};
use shared::item::ItemState;
use shared::{ConflictId, DeviceId, ItemId, UserId, VersionVector, ZoneId};
use tokio::time::{MissedTickBehavior, interval};

use super::{Hub, OpenConflicts, Seen, lock};
use crate::db::items::ItemRow;
use crate::db::sessions::{self, TokenHash};
use crate::db::zones::Position;
use crate::db::{Connection, DbError, conflicts, items, members};
use crate::ops::conflicts::infos;
use crate::ops::push::NO_DEVICE;
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
    let open = open_conflicts(connection, stand.keys().copied().collect()).await?;
    let (untold, conflicts) = {
        let mut seen = lock(&hub.0.seen);
        (seen.untold(&stand), seen.conflict_news(open))
    };
    let told = tell_changes(hub, connection, untold, conflicts).await;
    if told.is_err() {
        // The positions have moved on: whoever was not told must look for themselves.
        hub.0.sockets.everyone_lags();
    }
    told
}

/// A zone's feed after a position, but for what was told already.
struct Untold {
    zone: ZoneId,
    after: u64,
    told: Vec<Range<u64>>,
}

/// What became of a zone's conflicts.
struct ConflictNews {
    zone: ZoneId,
    detected: Vec<ConflictId>,
    resolved: Vec<ConflictId>,
}

impl Seen {
    /// What lies between the zones' positions and those that were seen last; the former are seen from now on.
    fn untold(&mut self, stand: &BTreeMap<ZoneId, Position>) -> Vec<Untold> {
        let mut all = Vec::new();
        for (&zone, position) in stand {
            // A zone that is not known yet is noted by the greeting of its first socket.
            let known = self.counters.insert(zone, position.counter).unwrap_or(position.counter);
            if known < position.counter {
                let mut told = self.told.get(&zone).cloned().unwrap_or_default();
                told.sort_unstable_by_key(|range| range.start);
                all.push(Untold { zone, after: told_until(known, &told), told });
            }
        }
        self.told.retain(|zone, ranges| {
            ranges.retain(|range| stand.get(zone).is_some_and(|position| range.end > position.counter + 1));
            !ranges.is_empty()
        });
        all
    }

    /// How the zones' conflicts differ from those that were seen last, but for what was told already.
    fn conflict_news(&mut self, open: HashMap<ZoneId, OpenConflicts>) -> Vec<ConflictNews> {
        let mut all = Vec::new();
        for (zone, now) in open {
            // As above: whoever greeted noted them.
            let Some(before) = self.conflicts.insert(zone, now.clone()) else { continue };
            let is_new = |(id, local): &(&ConflictId, &VersionVector)| before.get(*id) != Some(*local);
            let changed: Vec<_> = now.iter().filter(is_new).collect();
            let detected = changed.into_iter().filter(|(id, local)| !self.was_detected(**id, local));
            let detected = detected.map(|(id, _)| *id).collect();
            let gone: Vec<ConflictId> = before.into_keys().filter(|id| !now.contains_key(id)).collect();
            let resolved =
                gone.into_iter().filter(|id| self.told_conflicts.remove(id) != Some(None)).collect();
            all.push(ConflictNews { zone, detected, resolved });
        }
        all
    }

    /// Whether that was told, or even that it was resolved since.
    fn was_detected(&mut self, id: ConflictId, local: &VersionVector) -> bool {
        match self.told_conflicts.get(&id) {
            Some(None) => true,
            Some(Some(told)) if told == local => self.told_conflicts.remove(&id).is_some(),
            _ => false,
        }
    }
}

/// How far all was told from the position on.
fn told_until(position: u64, told: &[Range<u64>]) -> u64 {
    let beyond = |position, range: &Range<u64>| {
        if range.contains(&(position + 1)) { range.end - 1 } else { position }
    };
    told.iter().fold(position, beyond)
}

/// Each zone's, none included.
async fn open_conflicts(
    connection: &mut Connection,
    zones: Vec<ZoneId>,
) -> Result<HashMap<ZoneId, OpenConflicts>, DbError> {
    let mut open: HashMap<ZoneId, OpenConflicts> = HashMap::new();
    for (zone, id, local) in conflicts::load_open_sides(connection, &zones).await? {
        open.entry(zone).or_default().insert(id, local);
    }
    for zone in zones {
        open.entry(zone).or_default();
    }
    Ok(open)
}

async fn tell_changes(
    hub: &Hub,
    connection: &mut Connection,
    untold: Vec<Untold>,
    conflicts: Vec<ConflictNews>,
) -> Result<(), DbError> {
    for Untold { zone, after, told } in untold {
        let rows = items::load_feed(connection, zone, after, 0, CHANGES_LOOKED_AT).await?;
        if rows.len() == CHANGES_LOOKED_AT {
            hub.deliver_events(zone, None, &[ServerEvent::PullNeeded { sync_token: None }]).await?;
            continue;
        }
        let is_news = |row: &ItemRow| !told.iter().any(|range| range.contains(&row.feed));
        let news: Vec<ItemRow> = rows.into_iter().filter(is_news).collect();
        let ids: Vec<ItemId> = news.iter().map(|row| row.id).collect();
        let tree = Tree::new(zone, items::load_with_ancestors(connection, zone, &ids).await?);
        let mut by_device: BTreeMap<DeviceId, Vec<ServerEvent>> = BTreeMap::new();
        for row in &news {
            by_device.entry(row.fed_by()).or_default().push(event(row, tree.state(row)));
        }
        for (device, events) in by_device {
            hub.deliver_events(zone, Some(device).filter(|device| *device != NO_DEVICE), &events).await?;
        }
    }
    for ConflictNews { zone, detected, resolved } in conflicts {
        let mut events: Vec<ServerEvent> =
            resolved.into_iter().map(|conflict_id| ServerEvent::ConflictResolved { conflict_id }).collect();
        if !detected.is_empty() {
            let mut open = conflicts::load(connection, zone, &detected).await?;
            open.retain(|conflict| conflict.resolved_at.is_none());
            let open = infos(connection, zone, &open).await?;
            events.extend(open.into_iter().map(ServerEvent::conflict_detected));
        }
        if !events.is_empty() {
            hub.deliver_events(zone, None, &events).await?;
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
    // In nobody's name a living photo is written where its picture was looked at.
    if row.fed_by() == NO_DEVICE
        && row.was_looked_at()
        && let Some(photo) = row.to_photo()
    {
        return ServerEvent::PhotoReady { photo: Box::new(photo) };
    }
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

/// Notes where the person's zones stand, unless that is known, and their conflicts: what comes later is news.
pub(super) async fn note_positions(
    hub: &Hub,
    connection: &mut Connection,
    user_id: UserId,
) -> Result<(), DbError> {
    let stand = members::positions(connection, &[user_id]).await?;
    if hub.0.db.is_postgres() {
        let is_new = |zone: &ZoneId| !lock(&hub.0.seen).conflicts.contains_key(zone);
        let unknown = stand.keys().copied().filter(is_new).collect();
        for (zone, open) in open_conflicts(connection, unknown).await? {
            lock(&hub.0.seen).conflicts.entry(zone).or_insert(open);
        }
    }
    let mut seen = lock(&hub.0.seen);
    for (zone, position) in stand {
        seen.counters.entry(zone).or_insert(position.counter);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use shared::Dot;

    use super::*;

    const ZONE: ZoneId = ZoneId(uuid::Uuid::from_u128(1));
    const CONFLICT: ConflictId = ConflictId(uuid::Uuid::from_u128(2));

    fn stand(counter: u64) -> BTreeMap<ZoneId, Position> {
        BTreeMap::from([(ZONE, Position { counter, tombstone_floor: 0 })])
    }

    fn side(count: u64) -> VersionVector {
        VersionVector::from_iter([Dot { device: DeviceId(uuid::Uuid::from_u128(3)), count }])
    }

    fn open(conflicts: &[(ConflictId, VersionVector)]) -> HashMap<ZoneId, OpenConflicts> {
        HashMap::from([(ZONE, conflicts.iter().cloned().collect())])
    }

    #[test]
    fn what_was_told_is_passed_over_and_what_comes_after_it_is_not() {
        let mut seen = Seen::default();
        assert!(seen.untold(&stand(10)).is_empty(), "the greeting said so");
        seen.told.insert(ZONE, vec![13..15, 11..13, 16..17, 21..22]);
        let [untold] = &seen.untold(&stand(20))[..] else { panic!("one zone") };
        assert_eq!(untold.after, 14, "15 is news, 16 is not");
        assert!(untold.told.iter().any(|range| range.contains(&16)));
        let kept: Vec<u64> = seen.told[&ZONE].iter().map(|range| range.start).collect();
        assert_eq!(kept, [21], "of what the look did not see yet");
        assert_eq!(seen.untold(&stand(21))[0].after, 21);
    }

    #[test]
    fn conflicts_are_news_once() {
        let mut seen = Seen::default();
        assert!(seen.conflict_news(open(&[])).is_empty(), "the greeting said so");
        let news = |seen: &mut Seen, now: &[(ConflictId, VersionVector)]| {
            let news = seen.conflict_news(open(now)).remove(0);
            (news.detected, news.resolved)
        };
        let (one, two) = ((CONFLICT, side(1)), (CONFLICT, side(2)));
        let nothing = || (Vec::new(), Vec::new());
        assert_eq!(news(&mut seen, std::slice::from_ref(&one)), (vec![CONFLICT], vec![]));
        assert_eq!(news(&mut seen, std::slice::from_ref(&one)), nothing());
        seen.told_conflicts.insert(CONFLICT, Some(side(2)));
        assert_eq!(news(&mut seen, std::slice::from_ref(&two)), nothing(), "this node told of it");
        assert_eq!(news(&mut seen, std::slice::from_ref(&one)), (vec![CONFLICT], vec![]));
        seen.told_conflicts.insert(CONFLICT, None);
        assert_eq!(
            news(&mut seen, std::slice::from_ref(&two)),
            nothing(),
            "it was resolved since the look began"
        );
        assert_eq!(news(&mut seen, &[]), nothing());
        assert_eq!(news(&mut seen, std::slice::from_ref(&one)).0, [CONFLICT]);
        assert_eq!(news(&mut seen, &[]).1, [CONFLICT]);
    }
}
