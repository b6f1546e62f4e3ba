//! Operations with a route of their own, under the same rules: resolving a conflict, restoring a version.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::activity::ActivityKind;
use shared::faults::Fault;
use shared::frames::FileAction;
use shared::item::ItemState;
use shared::rules::Known;
use shared::sync::{Outcome, Resolution, ZoneRole};
use shared::{
    ConflictId, ContentHash, ErrorCode, FileItem, ItemId, ItemName, OperationId, VersionId, VersionVector,
};

use super::change::{Judged, NewItem, PreparedContent, Refusal, Stop};
use super::facts::Facts;
use super::judge::{Answered, Basis, Judge, News};
use super::overlay::{Overlay, Write};
use super::store::{SqlStore, ZoneStore};
use super::{ApplyError, PushContext, TRIES_MAX};
use crate::access::Grant;
use crate::db::DbError;
use crate::db::items::ItemRow;
use crate::db::operations::Recorded;
use crate::error::{ApiError, ApiResult};
use crate::state::App;

const REMOVED: &str = "The file was removed for good. Keep what you need of it as another file.";
const CHANGED_SINCE: &str = "The file was changed since you looked. Look at the conflict again, then choose.";

/// One operation, whoever asks.
#[derive(Clone)]
pub struct Ask {
    pub operation_id: OperationId,
    pub payload_hash: [u8; 32],
    pub act: Act,
}

#[derive(Clone)]
pub enum Act {
    Resolve(Box<Resolve>),
    RestoreVersion { item_id: ItemId, version_id: VersionId },
}

#[derive(Clone)]
pub struct Resolve {
    pub conflict_id: ConflictId,
    pub resolution: Resolution,
    /// The server's side as the person saw it.
    pub server_version: VersionVector,
    /// What the device of the local side is called.
    pub local_device: String,
    /// The proposal's text, where it was chosen.
    pub proposal: Option<PreparedContent>,
}

impl Act {
    /// What it brings along.
    fn content(&self) -> Option<&PreparedContent> {
        match self {
            Self::Resolve(resolve) => resolve.proposal.as_ref(),
            Self::RestoreVersion { .. } => None,
        }
    }
}

/// What a conflict remembers of how it was settled.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Settled {
    pub resolution: Resolution,
    pub items: Vec<ItemId>,
}

/// What one operation came to.
pub struct Effect {
    pub answer: Result<Vec<ItemState>, ApiError>,
    pub events: Vec<shared::frames::ServerEvent>,
    /// The positions of the feed that it took.
    fed: Range<u64>,
    superfluous: Vec<crate::blobs::BlobKey>,
}

/// Does it once, and answers alike ever after; the items as they are now.
pub async fn perform(
    app: &App,
    grant: Grant,
    device: shared::DeviceId,
    ask: Ask,
) -> ApiResult<Vec<ItemState>> {
    let mut facts = Facts::default();
    for _ in 0..TRIES_MAX {
        let context = PushContext {
            grant,
            device,
            now: app.stamp(),
            env: app.env.clone(),
            facts: Arc::new(facts.clone()),
        };
        let asked = ask.clone();
        let written = app.db.write(move |connection| {
            let (context, ask) = (context.clone(), asked.clone());
            Box::pin(async move {
                let grant = &context.grant;
                let mut store = SqlStore::new(connection, grant.zone_id, grant.user_id, grant.account_id);
                let effect = perform_in(&mut store, &context, &ask).await?;
                Ok(Effect { superfluous: std::mem::take(&mut store.superfluous), ..effect })
            })
        });
        match written.await {
            Ok(effect) => {
                let told = (effect.events, effect.fed);
                super::tell(app, grant, device, told, effect.superfluous).await;
                return effect.answer;
            }
            Err(ApplyError::Db(error)) => return Err(error.into()),
            Err(ApplyError::Needs(needs)) => {
                facts.gather(app, grant.account_id, &needs, ask.act.content()).await?;
            }
        }
    }
    Err(ApiError::unavailable())
}

/// As [`perform`], inside a write, over any store.
pub async fn perform_in<S: ZoneStore>(
    store: &mut S,
    context: &PushContext,
    ask: &Ask,
) -> Result<Effect, ApplyError> {
    let zone = Overlay::open(store, context.grant.root_id, context.device, context.now).await?;
    let mut judge = Judge::new(zone, context);
    judge.zone.prefetch_operations([ask.operation_id]).await?;
    let answered = match judge.answered_before(ask.operation_id, &ask.payload_hash) {
        Some(answered) => answered,
        None => judge.act(ask).await?,
    };
    judge.propose_anew().await?;
    if !judge.needs.is_empty() {
        return Err(ApplyError::Needs(judge.needs));
    }
    judge.zone.save().await?;
    let answer = judge.answer_single(answered).await?;
    let events = judge.events().await?;
    Ok(Effect { answer, events, fed: judge.zone.fed(), superfluous: Vec::new() })
}

/// Those that are still there.
pub fn present(states: Vec<ItemState>) -> Vec<FileItem> {
    let present = |state| match state {
        ItemState::Present(item) => Some(item),
        ItemState::Purged(_) => None,
    };
    states.into_iter().filter_map(present).collect()
}

fn refuse<T>(code: ErrorCode, message: &str) -> Judged<T> {
    Err(Refusal::new(code, message).into())
}

impl<S: ZoneStore> Judge<'_, '_, S> {
    async fn act(&mut self, ask: &Ask) -> Result<Answered, DbError> {
        let (file_id, conflict_id) = match &ask.act {
            Act::Resolve(resolve) => (ItemId(resolve.conflict_id.0), Some(resolve.conflict_id)),
            Act::RestoreVersion { item_id, .. } => (*item_id, None),
        };
        let done = match &ask.act {
            _ if self.context.grant.role == ZoneRole::Viewer => refuse(
                ErrorCode::ReadOnly,
                "You can look at this, but not change it. Ask its owner to let you.",
            ),
            Act::Resolve(resolve) => self.resolve(resolve).await,
            Act::RestoreVersion { item_id, version_id } => self.restore_version(*item_id, *version_id).await,
        };
        let result = match done {
            Ok(result) => result,
            Err(Stop::Db(error)) => return Err(error),
            Err(Stop::Refused(refusal)) if refusal.retryable => return Ok(Answered::Refused(refusal)),
            Err(Stop::Refused(Refusal { code, message, .. })) => {
                Recorded::Failed { file_id, code, message, conflict_id }
            }
        };
        self.record(ask.operation_id, ask.payload_hash, false, result.clone(), None);
        Ok(Answered::Recorded(result))
    }

    async fn answer_single(&mut self, answered: Answered) -> Result<ApiResult<Vec<ItemState>>, DbError> {
        let items = match answered {
            Answered::Recorded(Recorded::Resolved { items, .. }) => items,
            Answered::Recorded(Recorded::Applied { item_id, .. }) => vec![item_id],
            Answered::Recorded(Recorded::Conflict { .. }) => {
                let detail = "This operation id was used for something else before. Use a new one.";
                return Ok(Err(ApiError::new(ErrorCode::IdempotencyMismatch, detail)));
            }
            Answered::Refused(refusal) => return Ok(Err(ApiError::new(refusal.code, refusal.message))),
            Answered::Recorded(Recorded::Failed { code: ErrorCode::NotFound, .. }) => {
                return Ok(Err(ApiError::not_found()));
            }
            Answered::Recorded(Recorded::Failed { code, message, conflict_id, .. }) => {
                return self.failed_single(ApiError::new(code, message), conflict_id).await.map(Err);
            }
        };
        self.states(&items).await.map(Ok)
    }

    async fn states(&mut self, ids: &[ItemId]) -> Result<Vec<ItemState>, DbError> {
        let mut states = Vec::with_capacity(ids.len());
        for &id in ids {
            states.push(self.state(id).await?);
        }
        Ok(states)
    }

    /// What the two refusals of a resolution carry: the conflict as it is, or how it was settled first.
    async fn failed_single(
        &mut self,
        error: ApiError,
        conflict_id: Option<ConflictId>,
    ) -> Result<ApiError, DbError> {
        let Some(id) = conflict_id else { return Ok(error) };
        Ok(match error.code() {
            ErrorCode::ConflictChanged => error.with("conflict", self.zone.conflict_info(id, None).await?),
            ErrorCode::ConflictResolved => {
                let conflict = self.zone.conflict(id).await?;
                let settled = conflict.and_then(|conflict| conflict.result);
                let settled: Option<Settled> = settled.and_then(|text| serde_json::from_str(&text).ok());
                match settled {
                    Some(Settled { resolution, items }) => {
                        let items = present(self.states(&items).await?);
                        error.with("resolution", resolution).with("items", items)
                    }
                    None => error,
                }
            }
            _ => error,
        })
    }

    async fn resolve(&mut self, ask: &Resolve) -> Judged<Recorded> {
        let Some(conflict) = self.zone.conflict(ask.conflict_id).await? else {
            return refuse(
                ErrorCode::NotFound,
                "There is nothing here that you can see. Pull to see what is there.",
            );
        };
        if conflict.resolved_at.is_some() {
            // Nobody chose: it went with the file.
            if conflict.result.is_none() {
                return refuse(ErrorCode::Gone, REMOVED);
            }
            return refuse(
                ErrorCode::ConflictResolved,
                "This conflict was resolved already. Look at the file as it is now.",
            );
        }
        let (Some(mut item), Some(local)) =
            (self.zone.item(conflict.item_id).await?, self.zone.version(conflict.local_version_id).await?)
        else {
            return refuse(ErrorCode::Gone, REMOVED);
        };
        let seen = Known::from(ask.server_version.clone());
        if seen.exceeds(item.last_count) {
            return refuse(
                ErrorCode::InvalidBase,
                "The serverVersion names a state that never was. Look at the conflict again, then choose.",
            );
        }
        if !seen.covers(item.content_dot) {
            return refuse(ErrorCode::ConflictChanged, CHANGED_SINCE);
        }
        let side = (local.content_hash, local.size);
        let changes = matches!(ask.resolution, Resolution::Local | Resolution::Proposal);
        let former_version_id = item.version_id.filter(|_| changes);
        let former_content = item.held_content().filter(|_| changes);
        let mut items = vec![item.id];
        item.vector.merge(&conflict.local_vector);
        match ask.resolution {
            Resolution::Local if Fault::ResolvedToTheOther.is_planted() => {
                self.zone.issue(&mut item);
                self.zone.put(item, Write::Bump);
            }
            Resolution::Both if Fault::BothKeepsOne.is_planted() => self.zone.put(item, Write::Bump),
            Resolution::Server => {
                self.zone.issue(&mut item);
                self.zone.put(item, Write::Bump);
            }
            Resolution::Local => {
                self.zone.store.reference_held(side.0).await?;
                self.take_content(item, side, local.modified_at).await?;
            }
            Resolution::Proposal => {
                let Some(content) = &ask.proposal else {
                    return refuse(ErrorCode::NoProposal, "There is no merge to take. Choose a side.");
                };
                let proposed = conflict.proposal.as_ref().map(|proposal| proposal.text.as_bytes());
                if content.bytes.as_deref() != proposed {
                    return refuse(ErrorCode::ConflictChanged, CHANGED_SINCE);
                }
                self.open_content(content).await?;
                self.reference(content)?;
                self.take_content(item, (content.hash, content.size()), self.context.now).await?;
            }
            Resolution::Both => {
                self.zone.store.reference_held(side.0).await?;
                self.zone.issue(&mut item);
                let copy = self.keep_beside(&item, &ask.local_device, side, local.modified_at).await?;
                items.push(copy);
                self.zone.put(item, Write::Bump);
            }
        }
        if let Some(item) = self.zone.item(items[0]).await? {
            let resolved = ActivityKind::Resolved {
                conflict_id: conflict.id,
                resolution: ask.resolution,
                former_version_id,
                former_content,
                copy_id: items.get(1).copied(),
            };
            self.tell(&item, resolved);
        }
        self.settle(conflict, ask.resolution, items.clone()).await?;
        self.settle_equal(items[0]).await?;
        Ok(Recorded::Resolved { items, resolution: ask.resolution })
    }

    async fn open_content(&mut self, content: &PreparedContent) -> Result<(), DbError> {
        let chunks = content.manifest.chunks().iter().map(|chunk| chunk.hash).collect();
        let leased_until = self.context.now + shared::limits::CHUNK_LEASE;
        self.zone.store.open_contents(vec![content.hash], chunks, content.staged.clone(), leased_until).await
    }

    /// A content that is referenced takes the present one's place, by someone who saw it.
    async fn take_content(
        &mut self,
        mut item: ItemRow,
        content: (ContentHash, u64),
        modified_at: shared::Timestamp,
    ) -> Result<Outcome, DbError> {
        let mut basis = Self::sees_all(&item);
        let dot = self.zone.issue(&mut item);
        self.set_content(&mut item, content, modified_at, dot);
        self.put_edited(item, &mut basis, dot, Outcome::Applied).await
    }

    fn sees_all(item: &ItemRow) -> Basis {
        let known = Known::from(item.vector.clone());
        Basis { content: known.clone(), place: known, version: None, conflict: None }
    }

    /// The local side as a file of its own, beside the other.
    async fn keep_beside(
        &mut self,
        item: &ItemRow,
        device: &str,
        content: (ContentHash, u64),
        modified_at: shared::Timestamp,
    ) -> Judged<ItemId> {
        if self.bring_back(item.parent_id, &[item.id]).await? && item.deleted.is_none() {
            self.news.push(News::File(item.id, FileAction::Restored));
        }
        let Ok(name) = ItemName::parse(&item.name) else {
            return refuse(ErrorCode::InvalidName, "This name can't be used. Choose another.");
        };
        let date = modified_at.to_string();
        let name = name.conflict_copy(device, date.get(..10).unwrap_or_default());
        let id: ItemId = self.context.env.id();
        let name = self.zone.free_name(item.parent_id, &name, id).await?;
        let new = NewItem {
            parent_id: item.parent_id,
            name: name.clone(),
            mime_type: item.mime_type.clone(),
            created_at: None,
            modified_at: Some(modified_at),
            taken_at: None,
        };
        self.place_new(id, item.parent_id, &name, &new, Some(content));
        Ok(id)
    }

    async fn restore_version(&mut self, item_id: ItemId, version_id: VersionId) -> Judged<Recorded> {
        let missing = "There is nothing here that you can see. Pull to see what is there.";
        let Some(mut item) = self.zone.item(item_id).await?.filter(|item| item.purged_at.is_none()) else {
            return refuse(ErrorCode::NotFound, missing);
        };
        let mut version = self.zone.version(version_id).await?.filter(|version| version.item_id == item.id);
        if version.is_some() && Fault::OldestIsRestored.is_planted() {
            version = self.zone.versions_of(item.id).await?.pop();
        }
        let Some(version) = version else { return refuse(ErrorCode::NotFound, missing) };
        let id = item.id;
        let outcome = if self.equal_to_version(&item, &version) {
            let mut basis = Self::sees_all(&item);
            let dot = self.zone.issue(&mut item);
            self.put_edited(item, &mut basis, dot, Outcome::Unchanged).await?
        } else {
            self.zone.store.reference_held(version.content_hash).await?;
            let content = (version.content_hash, version.size);
            let outcome = self.take_content(item, content, self.context.now).await?;
            self.settle_equal(id).await?;
            outcome
        };
        Ok(Recorded::Applied { file_id: id, item_id: id, outcome })
    }
}
