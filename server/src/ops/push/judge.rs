//! Judges changes one after another, over one overlay. Every refusal comes before the first effect, so that
//! each change stands or falls alone.

use std::collections::{BTreeMap, BTreeSet};

use shared::activity::ActivityKind;
use shared::faults::Fault;
use shared::frames::FileAction;
use shared::limits::{OPERATION_RETENTION, VERSION_VECTOR_ENTRIES_MAX};
use shared::rules::Known;
use shared::sync::{Base, Outcome, ZoneRole};
use shared::{ErrorCode, ItemId, ItemName, OperationId, VersionId, VersionVector};

use super::PushContext;
use super::change::{
    Done, End, Judged, PreparedBody, PreparedChange, PreparedContent, PreparedKind, Refusal, Stop,
};
use super::facts::Needs;
use super::overlay::Overlay;
use super::store::ZoneStore;
use crate::db::DbError;
use crate::db::activity::{ActivityRow, Told};
use crate::db::audit::AuditEntry;
use crate::db::items::{Deletion, ItemRow};
use crate::db::operations::{Chain, Kept, OperationRow, Recorded};

/// What other devices are told of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    File(ItemId, FileAction),
    Deleted(ItemId),
    ConflictDetected(shared::ConflictId),
    ConflictResolved(shared::ConflictId),
}

pub struct Judge<'a, 's, S> {
    pub zone: Overlay<'s, S>,
    pub context: &'a PushContext,
    pub needs: Needs,
    pub news: Vec<News>,
    /// Files whose open conflicts have another content on one of their sides now.
    pub reproposed: BTreeSet<ItemId>,
}

/// What an edit was made on.
pub struct Basis {
    pub content: Known,
    pub place: Known,
    /// The version that holds the content that was edited, where the chain says so.
    pub version: Option<VersionId>,
    /// The conflict that the edited content is a side of.
    pub conflict: Option<shared::ConflictId>,
}

impl Basis {
    pub fn chain(self, item_id: ItemId) -> Chain {
        Chain {
            item_id,
            content: self.content,
            place: self.place,
            version_id: self.version,
            conflict_id: self.conflict,
        }
    }
}

pub(super) fn refuse<T>(code: ErrorCode, message: &str) -> Judged<T> {
    Err(Refusal::new(code, message).into())
}

impl<'a, 's, S: ZoneStore> Judge<'a, 's, S> {
    pub fn new(zone: Overlay<'s, S>, context: &'a PushContext) -> Self {
        Self { zone, context, needs: Needs::default(), news: Vec::new(), reproposed: BTreeSet::new() }
    }
}

impl<S: ZoneStore> Judge<'_, '_, S> {
    /// Loads in a few statements what the batch names.
    pub async fn prefetch(&mut self, changes: &[PreparedChange]) -> Result<(), DbError> {
        let bodies = || changes.iter().filter_map(|change| Some((change, change.body.as_ref().ok()?)));
        let bases = bodies().filter_map(|(_, body)| body.base.base_operation_id);
        self.zone.prefetch_operations(changes.iter().map(|change| change.operation_id).chain(bases)).await?;
        let parents = bodies().filter_map(|(_, body)| body.kind.folder_id());
        self.zone.prefetch(changes.iter().map(|change| change.file_id).chain(parents)).await?;
        let mut names: BTreeMap<ItemId, BTreeSet<String>> = BTreeMap::new();
        let mut edited = BTreeSet::new();
        for (change, body) in bodies() {
            let item = self.zone.item(change.file_id).await?;
            if let Some((parent, name)) = body.kind.asks_for(item.as_ref()) {
                let parent = self.zone.resolve(parent).await?;
                names.entry(parent).or_default().insert(name.folded().as_str().to_owned());
            }
            if let (PreparedKind::Content(_), Some(item)) = (&body.kind, item) {
                edited.insert(item.id);
            }
        }
        self.zone.prefetch_names(names).await?;
        self.zone.prefetch_conflicts(edited).await?;
        self.open_contents(changes).await
    }

    /// Takes the account's lock where contents come in, and stages what new operations bring along.
    async fn open_contents(&mut self, changes: &[PreparedChange]) -> Result<(), DbError> {
        let fresh = changes.iter().filter(|change| self.zone.operation(change.operation_id).is_none());
        let contents: Vec<&PreparedContent> = fresh
            .filter_map(|change| change.body.as_ref().ok()?.kind.content())
            .chain(self.context.facts.staged())
            .collect();
        let hashes = contents.iter().map(|content| content.hash).collect();
        let chunks =
            contents.iter().flat_map(|content| content.manifest.chunks()).map(|chunk| chunk.hash).collect();
        let staged = contents.iter().flat_map(|content| content.staged.iter().cloned()).collect();
        let leased_until = self.context.now + shared::limits::CHUNK_LEASE;
        self.zone.store.open_contents(hashes, chunks, staged, leased_until).await
    }

    /// Judges one change and records its answer. What was answered before is answered again.
    pub async fn change(&mut self, change: &PreparedChange) -> Result<Answered, DbError> {
        if let Some(answer) = self.answered_before(change.operation_id, &change.payload_hash)
            && !Fault::RetryAppliesTwice.is_planted()
        {
            return Ok(answer);
        }
        let outcome = match &change.body {
            Ok(body) => self.judge(change, body).await,
            Err(refusal) => Err(refusal.clone().into()),
        };
        if let (Ok(Done { item_id, end: End::Applied(outcome), .. }), Ok(body)) = (&outcome, &change.body)
            && *outcome != Outcome::Unchanged
            && let Some(action) = body.kind.audited()
        {
            self.audit(action, *item_id);
        }
        let (result, chain) = match outcome {
            Ok(Done { item_id, end: End::Applied(outcome), chain }) => {
                (Recorded::Applied { file_id: change.file_id, item_id, outcome }, Some(chain))
            }
            Ok(Done { item_id, end: End::Conflict(conflict_id), chain }) => {
                (Recorded::Conflict { file_id: change.file_id, item_id, conflict_id }, Some(chain))
            }
            Err(Stop::Db(error)) => return Err(error),
            Err(Stop::Refused(refusal)) if refusal.retryable || Fault::RefusalIsForgotten.is_planted() => {
                return Ok(Answered::Refused(refusal));
            }
            Err(Stop::Refused(refusal)) => {
                let Refusal { code, message, .. } = refusal;
                (Recorded::Failed { file_id: change.file_id, code, message, conflict_id: None }, None)
            }
        };
        self.record(change.operation_id, change.payload_hash, change.by_upload, result.clone(), chain);
        Ok(Answered::Recorded(result))
    }

    fn audit(&mut self, action: &'static str, item: ItemId) {
        let PushContext { grant, device, now, env, .. } = self.context;
        self.zone.audit(AuditEntry {
            id: env.id(),
            user_id: grant.user_id,
            device_id: Some(*device),
            at: *now,
            action,
            subject: item.to_string(),
            address: None,
        });
    }

    pub fn record(
        &mut self,
        id: OperationId,
        payload_hash: [u8; 32],
        by_upload: bool,
        result: Recorded,
        chain: Option<Chain>,
    ) {
        let zone_id = self.context.grant.zone_id;
        let kept = Some(Kept { payload_hash, zone_id, result, chain, by_upload: Some(by_upload) });
        self.zone.record(OperationRow { id, recorded_at: self.context.now, kept });
    }

    /// The answer that the operation had before, or why it can have none.
    pub fn answered_before(&self, id: OperationId, payload_hash: &[u8; 32]) -> Option<Answered> {
        // Ids stay for good, so one that is not here was never used, however old it looks.
        let row = self.zone.operation(id)?;
        let is_kept = self.context.now.since(row.recorded_at) <= OPERATION_RETENTION;
        Some(match row.kept.as_ref().filter(|_| is_kept) {
            None => Answered::Refused(Refusal::new(
                ErrorCode::OperationExpired,
                "This operation is older than the server's memory. Look at the present state and act anew.",
            )),
            Some(kept) if kept.payload_hash == *payload_hash => Answered::Recorded(kept.result.clone()),
            Some(_) => Answered::Refused(Refusal::new(
                ErrorCode::IdempotencyMismatch,
                "This operation id was used for something else before. Use a new one.",
            )),
        })
    }

    async fn judge(&mut self, change: &PreparedChange, body: &PreparedBody) -> Judged<Done> {
        if self.context.grant.role == ZoneRole::Viewer {
            return refuse(
                ErrorCode::ReadOnly,
                "You can look at this, but not change it. Ask its owner to let you.",
            );
        }
        self.check_chain(&body.base)?;
        if change.file_id == self.zone.root {
            return match body.kind {
                PreparedKind::CreateFolder(_) | PreparedKind::Create(..) => Self::already_exists(),
                _ => refuse(
                    ErrorCode::RootImmutable,
                    "The top folder itself can't be changed. Change what is in it.",
                ),
            };
        }
        match &body.kind {
            PreparedKind::CreateFolder(new) => self.create(change, new, None).await,
            PreparedKind::Create(new, content) => self.create(change, new, Some(content)).await,
            PreparedKind::Content(content) => {
                let (item, basis) = self.edited(change, &body.base).await?;
                self.edit_content(item, basis, content).await
            }
            PreparedKind::Move { parent_id, name } => {
                let (item, basis) = self.edited(change, &body.base).await?;
                self.relocate(item, basis, *parent_id, name.as_ref()).await
            }
            PreparedKind::Delete { seen } => {
                let item = self.existing(change.file_id).await?;
                if item.purged_at.is_some() {
                    return Ok(Self::unchanged(item.id));
                }
                let basis = self.basis(&body.base, &item)?;
                let seen = (!self.joined_unseen(&body.base)).then_some(*seen);
                self.delete(change.operation_id, item, basis, seen).await
            }
            PreparedKind::Restore { parent_id } => {
                let (item, basis) = self.edited(change, &body.base).await?;
                let undone = body.base.base_operation_id.and_then(|id| self.zone.operation(id));
                let undone = undone.map(|delete| Deletion { at: delete.recorded_at, by: delete.id });
                self.restore(item, basis, *parent_id, undone).await
            }
            PreparedKind::Photo(edit) => {
                let (item, basis) = self.edited(change, &body.base).await?;
                self.say_of_photo(item, basis, edit)
            }
            PreparedKind::Album(album, what) => {
                let (item, basis) = self.edited(change, &body.base).await?;
                self.change_album(item, basis, *album, *what).await
            }
            PreparedKind::Purge => {
                let item = self.existing(change.file_id).await?;
                if item.purged_at.is_some() {
                    return Ok(Self::unchanged(item.id));
                }
                let basis = self.basis(&body.base, &item)?;
                self.purge(item, basis).await
            }
        }
    }

    /// Nothing is left of it that could change.
    fn unchanged(item_id: ItemId) -> Done {
        let nothing = || Known::from(VersionVector::new());
        let chain =
            Chain { item_id, content: nothing(), place: nothing(), version_id: None, conflict_id: None };
        Done { item_id, end: End::Applied(Outcome::Unchanged), chain }
    }

    pub(super) fn already_exists<T>() -> Judged<T> {
        refuse(ErrorCode::AlreadyExists, "This id is taken. Use a new one.")
    }

    // What a change is about

    async fn existing(&mut self, id: ItemId) -> Judged<ItemRow> {
        match self.zone.item(id).await? {
            Some(item) => Ok(item),
            None => refuse(
                ErrorCode::NotFound,
                "There is nothing here that you can see. Pull to see what is there.",
            ),
        }
    }

    async fn edited(&mut self, change: &PreparedChange, base: &Base) -> Judged<(ItemRow, Basis)> {
        let item = self.existing(change.file_id).await?;
        if item.purged_at.is_some() {
            return refuse(ErrorCode::Gone, "It was removed for good. Keep what you have under another id.");
        }
        let basis = self.basis(base, &item)?;
        Ok((item, basis))
    }

    fn depends_on_failed(retryable: bool) -> Refusal {
        let message = if retryable {
            "The operation that this one builds on hasn't come yet. Send it first."
        } else {
            "The operation that this one builds on was not accepted. Make the change anew, on what is there."
        };
        Refusal { retryable, ..Refusal::new(ErrorCode::DependsOnFailed, message) }
    }

    /// What failed may have been to make the item: this comes before the item is looked for.
    fn check_chain(&self, base: &Base) -> Judged<()> {
        let Some(id) = base.base_operation_id else { return Ok(()) };
        match self.zone.operation(id) {
            // It may still come, or come again.
            None => Err(Self::depends_on_failed(true).into()),
            Some(operation) => match &operation.kept {
                None => {
                    let message = "What this builds on is older than the server's memory. Make the change anew, on what is there.";
                    refuse(ErrorCode::OperationExpired, message)
                }
                Some(kept) if kept.chain.is_none() => Err(Self::depends_on_failed(false).into()),
                Some(_) => Ok(()),
            },
        }
    }

    /// Whether it builds on an operation that turned out to be about another item: whoever made both had seen
    /// nothing of what that one holds.
    fn joined_unseen(&self, base: &Base) -> bool {
        let operation = base.base_operation_id.and_then(|id| self.zone.operation(id));
        operation.and_then(|operation| operation.kept.as_ref()).is_some_and(
            |kept| matches!(kept.result, Recorded::Applied { file_id, item_id, .. } if file_id != item_id),
        )
    }

    fn basis(&self, base: &Base, item: &ItemRow) -> Judged<Basis> {
        let Some(id) = base.base_operation_id else {
            if base.base_version.as_ref().is_some_and(|base| base.len() > VERSION_VECTOR_ENTRIES_MAX) {
                let message =
                    "The base has more entries than a version can have. Send it as the server gave it.";
                return refuse(ErrorCode::InvalidBase, message);
            }
            let known = Known::from(base.base_version.clone().unwrap_or_default());
            if known.exceeds(item.last_count) {
                return refuse(
                    ErrorCode::InvalidBase,
                    "The base names a state that never was. Pull, then make the change on what is there.",
                );
            }
            return Ok(Basis { content: known.clone(), place: known, version: None, conflict: None });
        };
        let chain = self.zone.operation(id).and_then(|operation| operation.kept.as_ref()?.chain.as_ref());
        let Some(chain) = chain else { return Err(Self::depends_on_failed(false).into()) };
        if chain.item_id != item.id {
            return refuse(
                ErrorCode::InvalidBase,
                "The operation that this one builds on was on another item. Build on one of the same.",
            );
        }
        Ok(Basis {
            content: chain.content.clone(),
            place: chain.place.clone(),
            version: chain.version_id,
            conflict: chain.conflict_id,
        })
    }

    /// Tells people what became of the item because of this device's change.
    pub fn tell(&mut self, item: &ItemRow, kind: ActivityKind) {
        let told = Told { item_name: item.name.clone(), item_type: item.kind, kind };
        self.zone.tell(ActivityRow {
            id: self.context.env.id(),
            item_id: item.id,
            device_id: self.context.device,
            happened_at: self.context.now,
            told,
        });
    }
}

/// How one operation was answered.
#[derive(Clone, Debug)]
pub enum Answered {
    /// For good: now, or before.
    Recorded(Recorded),
    /// Not recorded: it may be tried again, or its id is of another operation.
    Refused(Refusal),
}

impl PreparedKind {
    /// The folder that it names.
    fn folder_id(&self) -> Option<ItemId> {
        match self {
            Self::CreateFolder(new) | Self::Create(new, _) => Some(new.parent_id),
            Self::Move { parent_id, .. } | Self::Restore { parent_id } => *parent_id,
            Self::Album(album, _) => Some(*album),
            Self::Content(_) | Self::Delete { .. } | Self::Purge | Self::Photo(_) => None,
        }
    }

    pub fn content(&self) -> Option<&PreparedContent> {
        match self {
            Self::Create(_, content) | Self::Content(content) => Some(content),
            _ => None,
        }
    }

    /// The name that it will ask for, and in which folder.
    fn asks_for(&self, item: Option<&ItemRow>) -> Option<(ItemId, ItemName)> {
        match self {
            Self::CreateFolder(new) | Self::Create(new, _) => Some((new.parent_id, new.name.clone())),
            Self::Move { parent_id, name } => {
                let item = item?;
                let name = name.clone().or_else(|| ItemName::parse(&item.name).ok())?;
                Some((parent_id.unwrap_or(item.parent_id), name))
            }
            _ => None,
        }
    }
}
