//! What is over after a time: uploads under way, recorded answers, tombstones, earlier contents, records.
//! `now` is the instant before which things are over, as [`super::steady`] gives it.

use std::collections::BTreeMap;

use shared::faults::Fault;
use shared::limits::{
    CHUNK_LEASE, OPERATION_RETENTION, TOMBSTONE_RETENTION, TRASH_RETENTION, UPLOAD_SESSION_TTL,
    VERSION_RETENTION, VERSIONS_KEPT_MIN,
};
use shared::{ItemId, Timestamp, UserId, VersionId, ZoneId};

use super::JobError;
use super::steady::JUMP_MAX;
use crate::access;
use crate::db::{DbError, manifests, retention, uploads};
use crate::ops::push;
use crate::state::App;

/// Rows of one transaction.
const BATCH_ROWS: u32 = 256;

/// An upload that takes longer than a lease keeps its first chunks.
pub async fn renew_upload_leases(
    app: &App,
    now: Timestamp,
    soon: Timestamp,
    leased_until: Timestamp,
) -> Result<u64, JobError> {
    let renewed = app.db.write::<_, DbError, _>(move |connection| {
        Box::pin(uploads::renew_leases(connection, now, soon, leased_until))
    });
    Ok(renewed.await?)
}

/// What was promised under a date that turned out to be wrong lasts from now on as long as what is promised now.
/// Nodes whose clocks differ by less than a clock may be off leave each other's promises alone.
pub async fn shorten_promises(app: &App, now: Timestamp) -> Result<u64, JobError> {
    let until = (now + UPLOAD_SESSION_TTL, now + CHUNK_LEASE);
    let shortened = app
        .db
        .write::<_, DbError, _>(move |connection| Box::pin(uploads::shorten(connection, until, JUMP_MAX)));
    Ok(shortened.await?)
}

/// Ends uploads without a chunk for an hour. Their chunks live by their leases.
pub async fn end_uploads(app: &App, now: Timestamp) -> Result<u64, JobError> {
    let mut ended = 0;
    loop {
        let expired = uploads::expired(&mut app.db.reader().await?, now, BATCH_ROWS).await?;
        if expired.is_empty() {
            return Ok(ended);
        }
        ended += app
            .db
            .write::<_, DbError, _>(move |connection| {
                let expired = expired.clone();
                Box::pin(async move {
                    let mut ended = 0;
                    for (user, upload) in expired {
                        ended += u64::from(uploads::expire(connection, user, upload, now).await?);
                    }
                    Ok(ended)
                })
            })
            .await?;
    }
}

/// Recorded answers shrink to their ids after 180 days.
pub async fn stub_operations(app: &App, now: Timestamp) -> Result<u64, JobError> {
    let cut = now - OPERATION_RETENTION;
    let mut stubbed = 0;
    loop {
        let some = app
            .db
            .write::<_, DbError, _>(move |connection| {
                Box::pin(retention::stub_operations(connection, cut, BATCH_ROWS))
            })
            .await?;
        stubbed += some;
        if some < u64::from(BATCH_ROWS) {
            return Ok(stubbed);
        }
    }
}

/// Forgets tombstones after 180 days; older sync tokens expire with them.
pub async fn forget_tombstones(app: &App, now: Timestamp) -> Result<u64, JobError> {
    let cut = now - TOMBSTONE_RETENTION;
    let mut forgotten = 0;
    for zone in retention::zones_with_old_tombstones(&mut app.db.reader().await?, cut).await? {
        forgotten += app
            .db
            .write::<_, DbError, _>(move |connection| {
                Box::pin(retention::forget_tombstones(connection, zone, cut))
            })
            .await?;
    }
    Ok(forgotten)
}

/// Forgets aliases, settled conflicts, activity, and sessions that ended.
pub async fn forget_records(app: &App, now: Timestamp) -> Result<(), JobError> {
    let cut = now - TOMBSTONE_RETENTION;
    let forgotten = app
        .db
        .write::<_, DbError, _>(move |connection| Box::pin(retention::forget_records(connection, now, cut)));
    Ok(forgotten.await?)
}

/// The trash empties itself after 30 days, but for what holds an open conflict.
pub async fn empty_trash(app: &App, now: Timestamp) -> Result<u64, JobError> {
    let cut = if Fault::TrashGoesEarly.is_planted() { now } else { now - TRASH_RETENTION };
    let mut emptied = 0;
    let mut after =
        Some((Timestamp::from_millis(i64::MIN), ZoneId(uuid::Uuid::nil()), ItemId(uuid::Uuid::nil())));
    // What stays doesn't come again, so that it never stands before what goes.
    while let Some(place) = after {
        let old = retention::old_trash(&mut app.db.reader().await?, cut, place, BATCH_ROWS).await?;
        after = old.last().copied();
        let mut by_zone: BTreeMap<ZoneId, Vec<ItemId>> = BTreeMap::new();
        for (_, zone, item) in old {
            by_zone.entry(zone).or_default().push(item);
        }
        for (zone, items) in by_zone {
            let grant = access::caretaker_grant(&mut app.db.reader().await?, zone).await?;
            if let Some(grant) = grant {
                emptied += push::bury_trash(app, grant, items, cut).await?;
            }
        }
    }
    Ok(emptied)
}

/// Earlier contents go 30 days after another took their place, but the last ten of an item stay.
pub async fn forget_versions(app: &App, now: Timestamp) -> Result<u64, JobError> {
    let cut = now - VERSION_RETENTION;
    let mut forgotten = 0;
    loop {
        let mut reader = app.db.reader().await?;
        let old = retention::old_versions(&mut reader, cut, VERSIONS_KEPT_MIN, BATCH_ROWS).await?;
        drop(reader);
        if old.is_empty() {
            return Ok(forgotten);
        }
        let mut by_zone: BTreeMap<(ZoneId, UserId), Vec<VersionId>> = BTreeMap::new();
        for version in old {
            by_zone.entry((version.zone_id, version.account_id)).or_default().push(version.version_id);
        }
        let before = forgotten;
        for ((zone, account), versions) in by_zone {
            forgotten += app
                .db
                .write::<_, DbError, _>(move |connection| {
                    let versions = versions.clone();
                    Box::pin(async move {
                        let contents = retention::delete_versions(connection, zone, &versions, cut).await?;
                        if !Fault::OldVersionIsCounted.is_planted() {
                            manifests::release(connection, account, &contents).await?;
                        }
                        Ok(contents.len() as u64)
                    })
                })
                .await?;
        }
        if forgotten == before {
            return Ok(forgotten);
        }
    }
}
