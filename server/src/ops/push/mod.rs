//! Push: rows that a batch names are loaded in a few statements, changes are judged in memory one after
//! another, and everything is written at once, with the answers that later replays give.

mod album;
mod change;
#[cfg(debug_assertions)]
pub mod conformance;
mod content;
mod copies;
mod create;
mod facts;
mod judge;
mod live;
mod overlay;
mod photo;
mod place;
pub mod render;
mod request;
mod retire;
mod single;
mod store;
mod trash;

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
use std::sync::Arc;

use shared::frames::ServerEvent;
use shared::item::{ItemState, Tombstone};
use shared::sync::{Applied, ChangeError, ConflictInfo, ZoneKind};
use shared::{DeviceId, ItemId, Timestamp, UploadId, VersionVector};

pub use change::{NewItem, PreparedBody, PreparedChange, PreparedContent, PreparedKind, Refusal};
pub use facts::{Facts, MergeKey, MergedText, Needs, prepare};
pub use photo::write_found;
pub use request::{
    CheckedChange, ParsedChange, Progress, RawPush, Run, is_mime_type, parse_change, payload_hash, push, runs,
};
pub use retire::{Buried, NO_DEVICE, bury_in, bury_trash};
pub use single::{Act, Ask, Effect, Resolve, perform, perform_in, present};
pub use store::{Batch, SqlStore, ZoneStore};

use crate::access::Grant;
use crate::blobs::BlobKey;
use crate::clock::Env;
use crate::db::operations::Recorded;
use crate::db::{Connection, DbError, uploads};
use crate::error::{ApiError, ApiResult};
use crate::ops::upload::make_room;
use crate::state::App;
use judge::{Answered, Judge};
use overlay::Overlay;

/// Who pushes, into which zone, and what is known of contents. The same for every try.
#[derive(Clone)]
pub struct PushContext {
    pub grant: Grant,
    pub device: DeviceId,
    pub now: Timestamp,
    pub env: Env,
    pub facts: Arc<Facts>,
}

impl PushContext {
    /// For the jobs, in nobody's name.
    fn of_nobody(app: &App, grant: Grant) -> Self {
        let facts = Arc::new(Facts::default());
        Self { grant, device: NO_DEVICE, now: app.stamp(), env: app.env.clone(), facts }
    }
}

/// What a batch came to.
#[derive(Debug)]
pub struct PushEffect {
    /// In the order of the changes; an operation that stands twice in the batch is answered once.
    pub answers: Vec<Answer>,
    /// The zone's position before and after.
    pub before: u64,
    pub after: u64,
    /// Whether the answers tell of everything that entered the feed.
    pub told_all: bool,
    /// For the hub, after the commit.
    pub events: Vec<ServerEvent>,
    /// Objects that turned out not to be needed: to be deleted after the commit.
    pub superfluous: Vec<BlobKey>,
}

#[derive(Clone, Debug)]
pub enum Answer {
    Applied(Applied),
    Conflict(ConflictInfo),
    Failed(ChangeError),
}

impl Answer {
    /// Whether the operation's id stands for another, so that nothing was said of this one.
    pub fn is_of_another(&self) -> bool {
        matches!(self, Self::Failed(error) if error.code == shared::ErrorCode::IdempotencyMismatch)
    }

    /// Whether the same change may be accepted later: such an answer is not recorded.
    pub fn may_pass(&self) -> bool {
        matches!(self, Self::Failed(error) if error.retryable)
    }
}

/// Why a batch was not written.
#[derive(Debug)]
pub enum ApplyError {
    Db(DbError),
    /// Something has to be read first: gather it, then try again. See [`write`].
    Needs(Needs),
}

impl From<DbError> for ApplyError {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

/// Judges and writes the changes, inside a write.
pub async fn apply(
    connection: &mut Connection,
    context: &PushContext,
    changes: &[PreparedChange],
) -> Result<PushEffect, ApplyError> {
    let grant = &context.grant;
    let mut store = SqlStore::new(connection, grant.zone_id, grant.user_id, grant.account_id);
    let effect = apply_in(&mut store, context, changes).await?;
    Ok(PushEffect { superfluous: std::mem::take(&mut store.superfluous), ..effect })
}

/// As [`apply`], over any store.
pub async fn apply_in<S: ZoneStore>(
    store: &mut S,
    context: &PushContext,
    changes: &[PreparedChange],
) -> Result<PushEffect, ApplyError> {
    let zone = Overlay::open(store, context.grant.root_id, context.device, context.now).await?;
    let mut judge = Judge::new(zone, context);
    judge.prefetch(changes).await?;
    let mut answered = Vec::with_capacity(changes.len());
    let mut seen = HashSet::new();
    for change in changes.iter().filter(|change| seen.insert((change.operation_id, change.payload_hash))) {
        answered.push((change, judge.change(change).await?));
    }
    judge.propose_anew().await?;
    if !judge.needs.is_empty() {
        return Err(ApplyError::Needs(judge.needs));
    }
    let before = judge.zone.counter;
    let after = judge.zone.save().await?;
    let mut answers = Vec::with_capacity(answered.len());
    for (change, answer) in answered {
        answers.push(judge.answer(change, answer).await?);
    }
    let told: BTreeSet<_> = answers
        .iter()
        .filter_map(|answer| match answer {
            Answer::Applied(applied) => Some(applied.item.id()),
            _ => None,
        })
        .collect();
    let told_all = judge.zone.written().iter().all(|id| told.contains(id));
    let events = judge.events().await?;
    Ok(PushEffect { answers, before, after, told_all, events, superfluous: Vec::new() })
}

impl<S: ZoneStore> Judge<'_, '_, S> {
    /// The item's present state, also where nothing is left of it.
    async fn state(&mut self, id: ItemId) -> Result<ItemState, DbError> {
        let (zone_id, purged_at) = (self.context.grant.zone_id, self.context.now);
        let gone = || {
            let version = VersionVector::new();
            ItemState::Purged(Tombstone { id, zone_id, is_deleted: true, purged_at, version })
        };
        Ok(self.zone.state(zone_id, id).await?.unwrap_or_else(gone))
    }

    /// The present state of what the operation was answered with.
    async fn answer(&mut self, change: &PreparedChange, answer: Answered) -> Result<Answer, DbError> {
        let (operation_id, file_id) = (change.operation_id, change.file_id);
        let refused = |refusal: Refusal| {
            Answer::Failed(ChangeError {
                operation_id,
                file_id,
                code: refusal.code,
                message: refusal.message,
                retryable: refusal.retryable,
                missing_chunks: refusal.missing_chunks,
            })
        };
        Ok(match answer {
            Answered::Refused(refusal) => refused(refusal),
            Answered::Recorded(Recorded::Failed { code, message, .. }) => {
                refused(Refusal::new(code, message))
            }
            Answered::Recorded(Recorded::Applied { file_id, item_id, outcome }) => {
                let item = self.state(item_id).await?;
                Answer::Applied(Applied { operation_id, file_id, item, outcome })
            }
            Answered::Recorded(Recorded::Conflict { conflict_id, .. }) => {
                match self.zone.conflict_info(conflict_id, Some(operation_id)).await? {
                    Some(conflict) => Answer::Conflict(conflict),
                    None => refused(Refusal::new(
                        shared::ErrorCode::Gone,
                        "It was removed for good. Keep what you have under another id.",
                    )),
                }
            }
            Answered::Recorded(Recorded::Resolved { .. }) => {
                refused(Refusal::new(shared::ErrorCode::IdempotencyMismatch, "Use a new operation id."))
            }
        })
    }
}

/// Most tries of one operation: each names what it misses, and what it misses was there at the time. A batch
/// has one more for each change, since what a change misses may follow from the merge of the one before.
const TRIES_MAX: usize = 8;

/// Writes one zone's changes, gathering what has to be read of contents in between, and tells the hub.
pub async fn write(
    app: &App,
    grant: Grant,
    device: DeviceId,
    changes: Vec<PreparedChange>,
) -> ApiResult<PushEffect> {
    write_ending(app, grant, device, changes, None).await
}

/// As [`write`]; in the same transaction the upload that brought the content ends, unless what stands
/// against it may pass, or its id was taken by another operation.
pub async fn write_ending(
    app: &App,
    grant: Grant,
    device: DeviceId,
    changes: Vec<PreparedChange>,
    upload: Option<UploadId>,
) -> ApiResult<PushEffect> {
    let contents = changes.iter().filter_map(|change| change.body.as_ref().ok()?.kind.content());
    let staged =
        contents.flat_map(|content| &content.staged).map(|staged| u64::from(staged.chunk.size)).sum();
    if staged > 0 {
        make_room(app, grant.account_id, staged).await?;
    }
    let changes = Arc::new(changes);
    let mut facts = Facts::default();
    for _ in 0..TRIES_MAX + changes.len() {
        let context = PushContext {
            grant,
            device,
            now: app.stamp(),
            env: app.env.clone(),
            facts: Arc::new(facts.clone()),
        };
        let batch = Arc::clone(&changes);
        let written = app
            .db
            .write(move |connection| {
                let (context, batch) = (context.clone(), Arc::clone(&batch));
                Box::pin(async move {
                    let effect = apply(connection, &context, &batch).await?;
                    if let Some(upload) = upload
                        && !effect.answers.iter().any(|answer| answer.may_pass() || answer.is_of_another())
                    {
                        uploads::delete(connection, context.grant.user_id, upload).await?;
                    }
                    Ok(effect)
                })
            })
            .await;
        match written {
            Ok(mut effect) => {
                announce(app, grant, device, &mut effect).await;
                return Ok(effect);
            }
            Err(ApplyError::Db(error)) => return Err(error.into()),
            Err(ApplyError::Needs(needs)) => {
                let contents = changes.iter().filter_map(|change| change.body.as_ref().ok()?.kind.content());
                facts.gather(app, grant.account_id, &needs, contents).await?;
            }
        }
    }
    Err(ApiError::unavailable())
}

/// After the commit of a batch: tells other devices, and drops objects that were not needed.
pub async fn announce(app: &App, grant: Grant, device: DeviceId, effect: &mut PushEffect) {
    let events = std::mem::take(&mut effect.events);
    let superfluous = std::mem::take(&mut effect.superfluous);
    let first = effect.before + 1;
    let fed = first..first + (effect.after - effect.before);
    tell(app, grant, device, (events, fed), superfluous).await;
}

/// `fed` are the positions of the feed that the write took.
async fn tell(
    app: &App,
    grant: Grant,
    device: DeviceId,
    (events, fed): (Vec<ServerEvent>, Range<u64>),
    superfluous: Vec<BlobKey>,
) {
    if grant.kind == ZoneKind::Photos {
        app.photos_due.notify_one();
    }
    app.hub.publish(grant.zone_id, Some(device), events, fed);
    for key in superfluous {
        if let Err(error) = app.blobs.delete(&key).await {
            tracing::warn!(%error, "an object that was not needed could not be deleted");
        }
    }
}
