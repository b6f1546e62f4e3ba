//! Judges changes one after another, over one overlay. Every refusal comes before the first effect, so that
//! each change stands or falls alone.

use std::collections::{BTreeMap, BTreeSet};

use shared::activity::ActivityKind;
use shared::frames::FileAction;
use shared::limits::{OPERATION_RETENTION, TREE_DEPTH_MAX, VERSION_VECTOR_ENTRIES_MAX};
use shared::rules::{
    CreateVerdict, DeleteVerdict, Holder, Known, MoveVerdict, judge_create, judge_delete, judge_move,
};
use shared::sync::{Base, Outcome, ZoneRole};
use shared::{ContentHash, ErrorCode, ItemId, ItemKind, ItemName, OperationId, VersionId, VersionVector};

use super::PushContext;
use super::change::{
    Done, End, Judged, NewItem, PreparedBody, PreparedChange, PreparedContent, PreparedKind, Refusal,
};
use super::facts::Needs;
use super::overlay::{Overlay, Write};
use super::store::ZoneStore;
use crate::db::DbError;
use crate::db::activity::{ActivityRow, Told};
use crate::db::items::ItemRow;
use crate::db::manifests::Refused;
use crate::db::operations::{Chain, Kept, OperationRow, Recorded};
use crate::db::versions::VersionRow;

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

/// The folder that something is put into.
pub(super) struct Target {
    pub id: ItemId,
    /// Of what is put into it: 1 in the root.
    pub depth: usize,
    /// It, or a folder that it is in, is in the trash.
    pub deleted: bool,
    /// The ids from the folder to the top.
    pub path: Vec<ItemId>,
}

fn refuse<T>(code: ErrorCode, message: &str) -> Judged<T> {
    Err(Refusal::new(code, message).into())
}

/// Why a content can't be taken, as the operation's answer.
fn unreferenced(refused: Refused) -> Refusal {
    match refused {
        Refused::ChunksMissing(missing) => {
            let message = "Some chunks aren't here yet. Upload them, then push again.";
            Refusal { missing_chunks: Some(missing), ..Refusal::new(ErrorCode::ChunksMissing, message) }
        }
        Refused::ChunkSize { index, size } => {
            let message = format!("The chunk at {index} has {size} bytes, not as many as the change says.");
            Refusal::new(ErrorCode::InvalidManifest, message)
        }
        Refused::QuotaExceeded { .. } => {
            let message = "There is no room left. Empty the trash or ask for more.";
            Refusal::new(ErrorCode::QuotaExceeded, message)
        }
    }
}

impl<S: ZoneStore> Judge<'_, '_, S> {
    /// Loads in a few statements what the batch names.
    pub async fn prefetch(&mut self, changes: &[PreparedChange]) -> Result<(), DbError> {
        let bodies = || changes.iter().filter_map(|change| Some((change, change.body.as_ref().ok()?)));
        let bases = bodies().filter_map(|(_, body)| body.base.base_operation_id);
        self.zone.prefetch_operations(changes.iter().map(|change| change.operation_id).chain(bases)).await?;
        let parents = bodies().filter_map(|(_, body)| body.kind.parent_id());
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
        if let Some(answer) = self.answered_before(change.operation_id, &change.payload_hash) {
            return Ok(answer);
        }
        let outcome = match &change.body {
            Ok(body) => self.judge(change, body).await,
            Err(refusal) => Err(refusal.clone().into()),
        };
        let (result, chain) = match outcome {
            Ok(Done { item_id, end: End::Applied(outcome), chain }) => {
                (Recorded::Applied { file_id: change.file_id, item_id, outcome }, Some(chain))
            }
            Ok(Done { item_id, end: End::Conflict(conflict_id), chain }) => {
                (Recorded::Conflict { file_id: change.file_id, item_id, conflict_id }, Some(chain))
            }
            Err(super::change::Stop::Db(error)) => return Err(error),
            Err(super::change::Stop::Refused(refusal)) if refusal.retryable => {
                return Ok(Answered::Refused(refusal));
            }
            Err(super::change::Stop::Refused(refusal)) => {
                let Refusal { code, message, .. } = refusal;
                (Recorded::Failed { file_id: change.file_id, code, message, conflict_id: None }, None)
            }
        };
        self.record(change.operation_id, change.payload_hash, result.clone(), chain);
        Ok(Answered::Recorded(result))
    }

    pub fn record(
        &mut self,
        id: OperationId,
        payload_hash: [u8; 32],
        result: Recorded,
        chain: Option<Chain>,
    ) {
        let zone_id = self.context.grant.zone_id;
        let kept = Some(Kept { payload_hash, zone_id, result, chain });
        self.zone.record(OperationRow { id, recorded_at: self.context.now, kept });
    }

    /// The answer that the operation had before, or why it can have none.
    pub fn answered_before(&self, id: OperationId, payload_hash: &[u8; 32]) -> Option<Answered> {
        let expired = || {
            Answered::Refused(Refusal::new(
                ErrorCode::OperationExpired,
                "This operation is older than the server's memory. Look at the present state and act anew.",
            ))
        };
        let now = self.context.now;
        let Some(row) = self.zone.operation(id) else {
            let made_at = id.0.get_timestamp().filter(|_| id.0.get_version_num() == 7).map(|at| {
                let (seconds, nanos) = at.to_unix();
                shared::Timestamp::from_millis(
                    i64::try_from(seconds).unwrap_or(i64::MAX).saturating_mul(1000)
                        + i64::from(nanos / 1_000_000),
                )
            });
            return made_at.filter(|&at| now.since(at) > OPERATION_RETENTION).map(|_| expired());
        };
        let kept = row.kept.as_ref().filter(|_| now.since(row.recorded_at) <= OPERATION_RETENTION);
        Some(match kept {
            None => expired(),
            Some(kept) if kept.payload_hash == *payload_hash => Answered::Recorded(kept.result.clone()),
            Some(_) => Answered::Refused(Refusal::new(
                ErrorCode::IdempotencyMismatch,
                "This operation id was used for something else before. Use a new one.",
            )),
        })
    }

    async fn judge(&mut self, change: &PreparedChange, body: &PreparedBody) -> Judged<Done> {
        if self.context.grant.role == ZoneRole::Viewer {
            return refuse(ErrorCode::ReadOnly, "You can look at this, but not change it.");
        }
        self.check_chain(&body.base)?;
        if change.file_id == self.zone.root {
            return match body.kind {
                PreparedKind::CreateFolder(_) | PreparedKind::Create(..) => Self::already_exists(),
                _ => refuse(ErrorCode::RootImmutable, "The top folder itself can't be changed."),
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
                self.delete(change.operation_id, item, basis, *seen).await
            }
            PreparedKind::Restore { parent_id } => {
                let (item, basis) = self.edited(change, &body.base).await?;
                self.restore(item, basis, *parent_id).await
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

    fn already_exists<T>() -> Judged<T> {
        refuse(ErrorCode::AlreadyExists, "This id is taken. Use a new one.")
    }

    // What a change is about

    async fn existing(&mut self, id: ItemId) -> Judged<ItemRow> {
        match self.zone.item(id).await? {
            Some(item) => Ok(item),
            None => refuse(ErrorCode::NotFound, "There is nothing here that you can see."),
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
        let message = "The operation that this one builds on was not accepted.";
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
                    let message = "What this builds on is older than the server's memory.";
                    refuse(ErrorCode::OperationExpired, message)
                }
                Some(kept) if kept.chain.is_none() => Err(Self::depends_on_failed(false).into()),
                Some(_) => Ok(()),
            },
        }
    }

    fn basis(&self, base: &Base, item: &ItemRow) -> Judged<Basis> {
        let Some(id) = base.base_operation_id else {
            if base.base_version.as_ref().is_some_and(|base| base.len() > VERSION_VECTOR_ENTRIES_MAX) {
                let message = "The base has more entries than a version can have.";
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
                "The operation that this one builds on was on another item.",
            );
        }
        Ok(Basis {
            content: chain.content.clone(),
            place: chain.place.clone(),
            version: chain.version_id,
            conflict: chain.conflict_id,
        })
    }

    pub(super) async fn target(&mut self, parent_id: ItemId) -> Judged<Target> {
        if parent_id == self.zone.root {
            return Ok(Target { id: parent_id, depth: 1, deleted: false, path: Vec::new() });
        }
        let Some(parent) = self.zone.item(parent_id).await? else {
            return refuse(ErrorCode::ParentNotFound, "The folder that it goes into isn't there.");
        };
        if parent.purged_at.is_some() {
            return refuse(ErrorCode::Gone, "The folder that it goes into was removed for good.");
        }
        if parent.kind != ItemKind::Folder {
            return refuse(ErrorCode::NotAFolder, "Only a folder can hold something.");
        }
        let chain = self.zone.chain(parent.id).await?;
        Ok(Target {
            id: parent.id,
            depth: chain.len() + 1,
            deleted: chain.iter().any(|row| row.deleted.is_some()),
            path: chain.iter().map(|row| row.id).collect(),
        })
    }

    fn check_depth(depth: usize) -> Judged<()> {
        if depth > TREE_DEPTH_MAX {
            return refuse(ErrorCode::TooDeep, "Folders can't be nested deeper. Put it further up.");
        }
        Ok(())
    }

    // Create

    async fn create(
        &mut self,
        change: &PreparedChange,
        new: &NewItem,
        content: Option<&PreparedContent>,
    ) -> Judged<Done> {
        if change.taken_elsewhere || self.zone.item(change.file_id).await?.is_some() {
            return Self::already_exists();
        }
        let target = self.target(new.parent_id).await?;
        Self::check_depth(target.depth)?;
        if let Some(content) = content {
            self.check_held(content)?;
        }
        let kind = if content.is_some() { ItemKind::File } else { ItemKind::Folder };
        // What a deleted folder holds stays in the trash when the folder comes back for the new item.
        let holder = if target.deleted {
            None
        } else {
            self.zone.holder(target.id, new.name.folded().as_str()).await?
        };
        let equal = match (&holder, content) {
            (Some(held), Some(content)) => self.equal_to_item(held, content),
            _ => false,
        };
        let verdict = judge_create(kind, holder.as_ref().map(|held| Holder { kind: held.kind, equal }));
        match (verdict, holder) {
            (CreateVerdict::SameFile, Some(held)) => Ok(self.join(change, held, Outcome::Unchanged)),
            (CreateVerdict::SameFolder, Some(held)) => {
                self.tell(&held, ActivityKind::FoldersJoined);
                Ok(self.join(change, held, Outcome::Merged))
            }
            (verdict, _) => {
                if let Some(content) = content {
                    self.reference(content)?;
                }
                self.bring_back(target.id, &[]).await?;
                let name = self.zone.free_name(target.id, &new.name, change.file_id).await?;
                let renamed = verdict == CreateVerdict::Rename || name != new.name;
                let content = content.map(|content| (content.hash, content.size()));
                let done = self.place_new(change.file_id, target.id, &name, new, content);
                if renamed {
                    self.tell_renamed(change.file_id, &new.name).await?;
                }
                let outcome = if renamed { Outcome::Renamed } else { Outcome::Applied };
                Ok(Done { end: End::Applied(outcome), ..done })
            }
        }
    }

    /// The new id becomes another name for what is there.
    fn join(&mut self, change: &PreparedChange, mut held: ItemRow, outcome: Outcome) -> Done {
        let dot = self.zone.issue(&mut held);
        let mut basis = Basis {
            content: Known::default(),
            place: Known::default(),
            version: held.version_id,
            conflict: None,
        };
        basis.content.learn(dot);
        basis.content.learn(held.content_dot);
        basis.place.learn(dot);
        basis.place.learn(held.place_dot);
        let item_id = held.id;
        self.zone.alias(change.file_id, item_id);
        self.zone.put(held, Write::Bump);
        Done { item_id, end: End::Applied(outcome), chain: basis.chain(item_id) }
    }

    /// A new item whose content is referenced and whose place is free.
    pub fn place_new(
        &mut self,
        id: ItemId,
        parent_id: ItemId,
        name: &ItemName,
        new: &NewItem,
        content: Option<(ContentHash, u64)>,
    ) -> Done {
        let now = self.context.now;
        let dot = shared::Dot { device: self.context.device, count: 1 };
        let created_at = new.created_at.unwrap_or(now);
        let modified_at = new.modified_at.or(new.created_at).unwrap_or(now);
        let version_id = content.map(|content| self.add_version(id, content, modified_at, dot, true));
        let mime_type = content.map(|_| new.mime_type.clone().unwrap_or_else(|| mime_type_of(name)));
        self.zone.add(ItemRow {
            id,
            parent_id,
            name: name.as_str().to_owned(),
            kind: if content.is_some() { ItemKind::File } else { ItemKind::Folder },
            size: content.map_or(0, |(_, size)| size),
            mime_type,
            content_hash: content.map(|(hash, _)| hash),
            version_id,
            vector: VersionVector::from_iter([dot]),
            content_dot: dot,
            place_dot: dot,
            last_count: 1,
            created_at,
            modified_at,
            deleted: None,
            purged_at: None,
            feed: 0,
            touched: shared::rules::Touched::first(self.context.device, 0),
        });
        self.news.push(News::File(id, FileAction::Created));
        let mut known = Known::default();
        known.learn(dot);
        let basis = Basis { content: known.clone(), place: known, version: version_id, conflict: None };
        Done { item_id: id, end: End::Applied(Outcome::Applied), chain: basis.chain(id) }
    }

    // Contents

    pub fn add_version(
        &mut self,
        item_id: ItemId,
        (content_hash, size): (ContentHash, u64),
        modified_at: shared::Timestamp,
        dot: shared::Dot,
        was_current: bool,
    ) -> VersionId {
        let id = self.context.env.id();
        self.zone.add_version(VersionRow {
            id,
            item_id,
            content_hash,
            size,
            dot,
            modified_at,
            created_at: self.context.now,
            superseded_at: None,
            was_current,
        });
        id
    }

    /// Counts the content for one more version.
    pub fn reference(&mut self, content: &PreparedContent) -> Judged<()> {
        Ok(self.zone.store.reference(&content.manifest).map_err(unreferenced)?)
    }

    /// Whether the account holds all of the content: before any of it may have to be read.
    pub(super) fn check_held(&self, content: &PreparedContent) -> Judged<()> {
        Ok(self.zone.store.check(&content.manifest).map_err(unreferenced)?)
    }

    /// Equal by hash, or of the same size, cut differently and equal as a whole. Where that has to be read
    /// first, the answer is provisional and the need is noted.
    pub fn equal(&mut self, a: (ContentHash, u64), b: (ContentHash, u64)) -> bool {
        if a.0 == b.0 || a.1 != b.1 {
            return a.0 == b.0;
        }
        let whole = &self.context.facts.whole;
        match (whole.get(&a.0), whole.get(&b.0)) {
            // What can't be read is equal to nothing.
            (Some(a), Some(b)) => a.is_some() && a == b,
            (known_a, known_b) => {
                let missing = [(known_a, a.0), (known_b, b.0)];
                self.needs
                    .whole
                    .extend(missing.into_iter().filter(|(known, _)| known.is_none()).map(|m| m.1));
                false
            }
        }
    }

    pub fn equal_to_item(&mut self, item: &ItemRow, content: &PreparedContent) -> bool {
        item.content_hash.is_some_and(|hash| self.equal((hash, item.size), (content.hash, content.size())))
    }

    // Place

    async fn relocate(
        &mut self,
        mut item: ItemRow,
        mut basis: Basis,
        parent_id: Option<ItemId>,
        name: Option<&ItemName>,
    ) -> Judged<Done> {
        let target = self.target(parent_id.unwrap_or(item.parent_id)).await?;
        let Ok(name) = name.cloned().map_or_else(|| ItemName::parse(&item.name), Ok) else {
            return refuse(ErrorCode::InvalidName, "This name can't be used.");
        };
        let deleted = self.zone.is_deleted(item.id).await?;
        let same = target.id == item.parent_id && name.as_str() == item.name;
        let seen = basis.place.covers(item.place_dot);
        let item_content = item.content_dot;
        let verdict = judge_move(seen, same, deleted);
        if matches!(verdict, MoveVerdict::Same | MoveVerdict::FirstStands) {
            let dot = self.zone.issue(&mut item);
            basis.place.learn(dot);
            if verdict == MoveVerdict::Same {
                basis.place.learn(item.place_dot);
            } else {
                let asked = name.as_str().to_owned();
                self.tell(&item, ActivityKind::MoveLost { parent_id: target.id, name: asked });
            }
            let id = item.id;
            self.zone.put(item, Write::Bump);
            return Ok(Done { item_id: id, end: End::Applied(Outcome::Unchanged), chain: basis.chain(id) });
        }
        if target.path.contains(&item.id) {
            return refuse(ErrorCode::WouldCycle, "A folder can't go into itself.");
        }
        self.check_subtree_depth(&item, target.depth).await?;
        self.bring_back(target.id, &[item.id]).await?;
        let free = self.zone.free_name(target.id, &name, item.id).await?;
        let dot = self.zone.issue(&mut item);
        basis.place.learn(dot);
        item.place_dot = dot;
        item.parent_id = target.id;
        free.as_str().clone_into(&mut item.name);
        item.deleted = None;
        let id = item.id;
        if free != name {
            self.tell(&item, ActivityKind::Renamed { asked: name.as_str().to_owned() });
        }
        if deleted && !seen {
            self.tell(&item, ActivityKind::CameBack);
        }
        self.zone.put(item, Write::Touch);
        if deleted {
            self.bump_descendants(id).await?;
        }
        self.news.push(News::File(id, if deleted { FileAction::Restored } else { FileAction::Moved }));
        // Deleted there, or content there and place here.
        let joined = (deleted && !seen) || !basis.content.covers(item_content);
        let outcome = match (free == name, joined) {
            (false, _) => Outcome::Renamed,
            (true, true) => Outcome::Merged,
            (true, false) => Outcome::Applied,
        };
        Ok(Done { item_id: id, end: End::Applied(outcome), chain: basis.chain(id) })
    }

    /// A folder takes what is in it along.
    pub(super) async fn check_subtree_depth(&mut self, item: &ItemRow, depth: usize) -> Judged<()> {
        Self::check_depth(depth)?;
        if item.kind != ItemKind::Folder || depth < self.zone.chain(item.id).await?.len() + 1 {
            return Ok(());
        }
        let (mut level, mut depth) = (vec![item.id], depth);
        loop {
            let children = self.zone.children(&level).await?;
            if children.is_empty() {
                return Ok(());
            }
            depth += 1;
            Self::check_depth(depth)?;
            level = children.iter().filter(|row| row.kind == ItemKind::Folder).map(|row| row.id).collect();
            if level.is_empty() {
                return Ok(());
            }
        }
    }

    async fn delete(
        &mut self,
        operation_id: OperationId,
        mut item: ItemRow,
        mut basis: Basis,
        seen: u64,
    ) -> Judged<Done> {
        let deleted = self.zone.is_deleted(item.id).await?;
        let (content_seen, place_seen) =
            (basis.content.covers(item.content_dot), basis.place.covers(item.place_dot));
        let verdict = judge_delete(content_seen, place_seen, deleted);
        let dot = self.zone.issue(&mut item);
        basis.place.learn(dot);
        let id = item.id;
        let outcome = match verdict {
            DeleteVerdict::Same | DeleteVerdict::Loses => {
                if verdict == DeleteVerdict::Same {
                    basis.place.learn(item.place_dot);
                } else {
                    self.tell(&item, ActivityKind::DeleteLost);
                }
                self.zone.put(item, Write::Bump);
                Outcome::Unchanged
            }
            DeleteVerdict::Delete => {
                let survivors = match item.kind {
                    ItemKind::File => Vec::new(),
                    ItemKind::Folder => self.survivors(id, seen).await?,
                };
                let deletion = crate::db::items::Deletion { at: self.context.now, by: operation_id };
                if survivors.is_empty() {
                    item.deleted = Some(deletion);
                    item.place_dot = dot;
                    self.zone.put(item, Write::Touch);
                    self.news.push(News::Deleted(id));
                    Outcome::Applied
                } else {
                    self.tell(&item, ActivityKind::DeletePartly);
                    self.zone.put(item, Write::Bump);
                    self.leave_behind(id, &survivors, deletion).await?;
                    Outcome::Merged
                }
            }
        };
        Ok(Done { item_id: id, end: End::Applied(outcome), chain: basis.chain(id) })
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

    async fn tell_renamed(&mut self, item_id: ItemId, asked: &ItemName) -> Result<(), DbError> {
        if let Some(item) = self.zone.item(item_id).await? {
            self.tell(&item, ActivityKind::Renamed { asked: asked.as_str().to_owned() });
        }
        Ok(())
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
    fn parent_id(&self) -> Option<ItemId> {
        match self {
            Self::CreateFolder(new) | Self::Create(new, _) => Some(new.parent_id),
            Self::Move { parent_id, .. } | Self::Restore { parent_id } => *parent_id,
            Self::Content(_) | Self::Delete { .. } | Self::Purge => None,
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

/// By the name's extension, where the client does not say.
fn mime_type_of(name: &ItemName) -> String {
    mime_guess::from_path(name.as_str()).first_or_octet_stream().essence_str().to_owned()
}
