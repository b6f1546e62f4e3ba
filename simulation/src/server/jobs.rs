//! What goes after a time, as the product's jobs take it: trash, versions, tombstones, answers, chunks.

use std::sync::Arc;
use std::time::Duration;

use server::db::items::ItemRow;
use server::db::operations::OperationRow;
use server::db::versions::VersionRow;
use server::ops::push::{Facts, NO_DEVICE, bury_in};
use shared::limits::{
    CHUNK_LEASE, OPERATION_RETENTION, TOMBSTONE_RETENTION, TRASH_RETENTION, VERSION_RETENTION,
    VERSIONS_KEPT_MIN,
};
use shared::sync::ZoneKind;
use shared::{ItemId, Timestamp, VersionId};

use super::{Cause, Commit, Served, Server, ready};
use crate::database::{Database, Write};

/// Leases of uploads under way are renewed when less than this is left of them.
const LEASE_LEFT_MIN: Duration = Duration::from_hours(3 * 24);

impl Server {
    /// One pass over everything that is due, `elapsed` after the last by a clock that does not jump.
    pub fn jobs(&mut self, elapsed: Duration) -> Served {
        if let Some(served) = self.jobs_full(elapsed) {
            return served;
        }
        let mut served = Served::default();
        let now = self.machine.now();
        let mut next = Write::begin(&self.database, ZoneKind::Files);
        let trusted = next.next.clock.observe(now, elapsed);
        let stamp = now.max(next.next.clock.earliest_stamp());
        renew_leases(&mut next.next, now, stamp);
        let before = Arc::clone(&self.database);
        if let Some(over) = trusted {
            next.next.uploads.retain(|_, upload| upload.expires_at >= over);
            stub_operations(&mut next.next, over);
            next = self.empty_trash(next, ZoneKind::Files, over - TRASH_RETENTION, &mut served);
            next = self.empty_trash(next, ZoneKind::Photos, over - TRASH_RETENTION, &mut served);
            forget_versions(&mut next.next, over - VERSION_RETENTION);
            forget_tombstones(&mut next.next, over - TOMBSTONE_RETENTION);
            next.next.account.collect(over);
        }
        self.database = Arc::new(next.commit());
        if trusted.is_some() {
            let after = Arc::clone(&self.database);
            served.commits.push(Commit { before, after, cause: Cause::Jobs, is_joined: false });
        }
        served
    }

    fn empty_trash(&self, next: Write, kind: ZoneKind, cut: Timestamp, served: &mut Served) -> Write {
        let mut next = Write::begin(&next.commit(), kind);
        let database = &next.next;
        let is_old = |row: &&Arc<ItemRow>| {
            row.purged_at.is_none()
                && row.deleted.is_some_and(|deletion| deletion.at < cut)
                && database.kind_of(row) == kind
        };
        let mut old: Vec<_> =
            database.items.values().filter(is_old).map(|row| (row.deleted, row.id)).collect();
        old.sort_by_key(|(deletion, id)| (deletion.map(|deletion| deletion.at), *id));
        let ids: Vec<ItemId> = old.into_iter().map(|(_, id)| id).collect();
        if ids.is_empty() {
            return next;
        }
        let context = self.context((NO_DEVICE, self.grant(kind)), &Facts::default());
        match ready(bury_in(&mut next, &context, &ids, cut)) {
            Ok(mut buried) => served.events.append(&mut buried.events),
            Err(error) => panic!("the database in memory fails: {error}"),
        }
        next
    }
}

/// An upload that takes longer than a lease keeps its first chunks.
fn renew_leases(database: &mut Database, now: Timestamp, stamp: Timestamp) {
    let held: Vec<_> = database
        .uploads
        .values()
        .filter(|upload| upload.expires_at > now)
        .flat_map(|upload| upload.planned.iter().filter(|(_, held)| *held).map(|(chunk, _)| chunk.hash))
        .collect();
    for hash in held {
        let soon = database
            .account
            .chunks
            .get(&hash)
            .is_some_and(|chunk| chunk.leased_until < stamp + LEASE_LEFT_MIN);
        if soon {
            database.account.lease(hash, stamp + CHUNK_LEASE);
        }
    }
}

fn stub_operations(database: &mut Database, over: Timestamp) {
    let cut = over - OPERATION_RETENTION;
    for row in database.operations.values_mut() {
        if row.recorded_at < cut && row.kept.is_some() {
            *row = Arc::new(OperationRow { id: row.id, recorded_at: row.recorded_at, kept: None });
        }
    }
}

/// Whether an open conflict needs the version.
pub fn is_pinned(database: &Database, id: VersionId) -> bool {
    database.conflicts.values().any(|conflict| {
        conflict.resolved_at.is_none()
            && (conflict.local_version_id == id
                || conflict.server_version_id == id
                || conflict.base_version_id == Some(id))
    })
}

fn forget_versions(database: &mut Database, cut: Timestamp) {
    let later = |a: &VersionRow, b: &VersionRow| {
        a.superseded_at > b.superseded_at || (a.superseded_at == b.superseded_at && a.id > b.id)
    };
    let old: Vec<Arc<VersionRow>> = database
        .versions
        .values()
        .filter(|row| row.superseded_at.is_some_and(|at| at < cut) && !is_pinned(database, row.id))
        .filter(|row| {
            let siblings = database.versions.values();
            let newer =
                siblings.filter(|other| other.item_id == row.item_id && other.superseded_at.is_some());
            newer.filter(|other| later(other, row)).count() >= VERSIONS_KEPT_MIN
        })
        .cloned()
        .collect();
    for row in old {
        let is_current = database.items.get(&row.item_id).is_some_and(|item| item.version_id == Some(row.id));
        if !is_current {
            database.versions.remove(&row.id);
            database.account.release(row.content_hash);
        }
    }
}

fn forget_tombstones(database: &mut Database, cut: Timestamp) {
    let is_old = |row: &ItemRow| row.purged_at.is_some_and(|at| at < cut);
    for row in database.items.values().filter(|row| is_old(row)) {
        let is_photo = row.parent_id == database.photos.root;
        let zone = if is_photo { &mut database.photos } else { &mut database.files };
        zone.tombstone_floor = zone.tombstone_floor.max(row.feed);
        zone.count_floor = zone.count_floor.max(row.last_count);
    }
    database.items.retain(|_, row| !is_old(row));
    database.aliases.retain(|_, alias| alias.created_at >= cut);
    database.conflicts.retain(|_, conflict| conflict.resolved_at.is_none_or(|at| at >= cut));
}
