//! Work that nobody waits for. Each job is a function that a test can call, idempotent, and safe on every
//! node at once; one loop runs them all.

pub mod collector;
pub mod derivatives;
pub mod expiry;
pub mod steady;

use std::time::Duration;

use shared::Timestamp;
use shared::limits::CHUNK_LEASE;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use crate::blobs::BlobError;
use crate::db::{Db, DbError, retention};
use crate::error::ApiError;
use crate::state::App;
use collector::{Collected, OrphanSweep};
use steady::Steady;

/// Between two passes.
const PASS_EVERY: Duration = Duration::from_mins(10);
/// Passes between two sweeps over all objects: a day.
const PASSES_PER_SWEEP: u32 = 144;
/// Leases of uploads under way are renewed when less than this is left of them.
const LEASE_LEFT_MIN: Duration = Duration::from_hours(3 * 24);

#[derive(Debug, thiserror::Error)]
pub enum JobError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Blob(#[from] BlobError),
    #[error(transparent)]
    Operation(#[from] ApiError),
    #[error(transparent)]
    Decode(#[from] derivatives::NotDecoded),
}

/// Runs the jobs until the server stops.
pub async fn run(app: App, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(PASS_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sweep = OrphanSweep::default();
    let mut last_tick = None;
    let mut passes: u32 = 0;
    loop {
        let tick = tokio::select! {
            tick = ticks.tick() => tick,
            () = stop.cancelled() => return,
        };
        // What the monotonic clock says, which no wrong date moves.
        let elapsed = last_tick.map_or(Duration::ZERO, |last| tick.duration_since(last));
        last_tick = Some(tick);
        if let Err(error) = pass(&app, elapsed).await {
            tracing::error!(%error, "a pass of the jobs failed; the next one tries again");
        }
        passes = passes.wrapping_add(1);
        if passes.is_multiple_of(PASSES_PER_SWEEP) {
            match sweep.sweep(&app).await {
                Ok(0) => {}
                Ok(objects) => tracing::info!(objects, "deleted objects that nothing names"),
                Err(error) => tracing::error!(%error, "the sweep over objects failed"),
            }
        }
    }
}

/// One pass over everything that is due, `elapsed` after the last one (nothing, where that is unknown).
pub async fn pass(app: &App, elapsed: Duration) -> Result<(), JobError> {
    match trusted_now(app, elapsed).await? {
        Some(over) => purge(app, over).await.map(drop),
        None => renew_leases(app).await,
    }
}

async fn renew_leases(app: &App) -> Result<(), JobError> {
    let (now, stamp) = (app.env.now(), app.stamp());
    expiry::renew_upload_leases(app, now, stamp + LEASE_LEFT_MIN, stamp + CHUNK_LEASE).await.map(drop)
}

/// Takes away what was over before `now`; first of all uploads under way get to keep what they have.
pub async fn purge(app: &App, now: Timestamp) -> Result<Collected, JobError> {
    renew_leases(app).await?;
    expiry::shorten_promises(app, app.stamp()).await?;
    expiry::end_uploads(app, now).await?;
    expiry::stub_operations(app, now).await?;
    expiry::empty_trash(app, now).await?;
    expiry::forget_versions(app, now).await?;
    expiry::forget_tombstones(app, now).await?;
    expiry::forget_records(app, now).await?;
    let collected = collector::collect(app, now).await?;
    if collected.chunks > 0 {
        tracing::info!(chunks = collected.chunks, bytes = collected.bytes, "collected chunks");
    }
    Ok(collected)
}

/// The instant before which things are over; None while the clock isn't trusted.
pub async fn trusted_now(app: &App, elapsed: Duration) -> Result<Option<Timestamp>, JobError> {
    let now = app.env.now();
    let observed = app.db.write::<_, DbError, _>(move |connection| {
        Box::pin(async move {
            let kept = retention::lock_clock_record(connection).await?;
            let mut steady =
                kept.and_then(|kept| serde_json::from_slice(&kept).ok()).unwrap_or_else(|| Steady::new(now));
            let trusted = steady.observe(now, elapsed);
            let kept = serde_json::to_vec(&steady).unwrap_or_default();
            retention::set_clock_record(connection, kept).await?;
            Ok((trusted, steady.earliest_stamp()))
        })
    });
    let (trusted, earliest) = observed.await?;
    app.stamps.set_earliest(earliest);
    Ok(trusted)
}

/// Nothing is stamped before this: what the clock's record says, where there is one.
pub async fn earliest_stamp(db: &Db) -> Result<Option<Timestamp>, DbError> {
    let kept = retention::clock_record(&mut db.reader().await?).await?;
    let steady: Option<Steady> = kept.and_then(|kept| serde_json::from_slice(&kept).ok());
    Ok(steady.map(|steady| steady.earliest_stamp()))
}
