//! Contents: what is current, what is merged, and what becomes a conflict for a person to resolve.

use shared::activity::ActivityKind;
use shared::faults::Fault;
use shared::frames::FileAction;
use shared::limits::TEXT_MERGE_BYTES_MAX;
use shared::rules::{BaseContent, ContentVerdict, MergeKind, judge_content, merge_kind};
use shared::sync::{Outcome, Proposal, Resolution};
use shared::{ContentHash, Dot, ErrorCode, ItemId, ItemKind, Timestamp, VersionId};

use super::change::{Done, End, Judged, PreparedContent, Refusal};
use super::facts::{MergeKey, MergedText};
use super::judge::{Basis, Judge, News};
use super::overlay::Write;
use super::single::Settled;
use super::store::ZoneStore;
use crate::db::DbError;
use crate::db::conflicts::ConflictRow;
use crate::db::items::ItemRow;
use crate::db::manifests::Refused;
use crate::db::versions::VersionRow;

/// Why a content can't be taken, as the operation's answer.
fn unreferenced(refused: Refused) -> Refusal {
    match refused {
        Refused::ChunksMissing(missing) => {
            let message = "Some chunks aren't here yet. Upload them, then push again.";
            Refusal { missing_chunks: Some(missing), ..Refusal::new(ErrorCode::ChunksMissing, message) }
        }
        Refused::ChunkSize { index, size } => {
            let message = format!(
                "The chunk at {index} has {size} bytes, not as many as the change says. Give each chunk's own size."
            );
            Refusal::new(ErrorCode::InvalidManifest, message)
        }
        Refused::QuotaExceeded { .. } => {
            let message = "There is no room left. Empty the trash or ask for more.";
            Refusal::new(ErrorCode::QuotaExceeded, message)
        }
    }
}

impl<S: ZoneStore> Judge<'_, '_, S> {
    pub fn add_version(
        &mut self,
        item_id: ItemId,
        (content_hash, size): (ContentHash, u64),
        modified_at: Timestamp,
        dot: Dot,
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

    pub(super) async fn edit_content(
        &mut self,
        mut item: ItemRow,
        basis: Basis,
        content: &PreparedContent,
    ) -> Judged<Done> {
        if item.kind != ItemKind::File {
            return Err(Refusal::new(
                ErrorCode::NotAFile,
                "Only a file has a content. Put a file into the folder instead.",
            )
            .into());
        }
        self.check_held(content)?;
        let equal = self.equal_to_item(&item, content);
        let seen = basis.content.covers(item.content_dot);
        match self.side_of(&item, &basis, seen).await? {
            Some(conflict) if equal => {
                item.vector.merge(&conflict.local_vector);
                self.settle(conflict, Resolution::Server, vec![item.id]).await?;
            }
            Some(conflict) => return self.replace_side(item, basis, conflict, content).await,
            None => {}
        }
        let base = if seen || equal { None } else { self.base_version(&item, &basis).await? };
        let base_content = match &base {
            None => BaseContent::Gone,
            Some(base) if self.equal_to_version(&item, base) => BaseContent::SameAsPresent,
            Some(_) => BaseContent::Other,
        };
        let merge = match (&base, base_content) {
            (Some(base), BaseContent::Other) => self.merge(&item, base, (content.hash, content.size())),
            _ => None,
        };
        let verdict =
            judge_content(seen, equal, base_content, merge.as_ref().map(|(kind, text)| (*kind, &text.merge)));
        match (verdict, merge) {
            (ContentVerdict::Same, _) => self.found_equal(item, basis).await,
            (ContentVerdict::Replace, _) => self.replace(item, basis, content, Outcome::Applied).await,
            (ContentVerdict::Reverted, _) => self.replace(item, basis, content, Outcome::Merged).await,
            (ContentVerdict::Merge, Some((_, MergedText { content: Some(merged), .. }))) => {
                self.replace_by_merge(item, basis, content, &merged).await
            }
            (ContentVerdict::Merge | ContentVerdict::Conflict, merge) => {
                let proposal = merge.map(|(_, text)| proposal(text));
                self.conflict(item, basis, base, content, proposal).await
            }
        }
    }

    pub(super) fn equal_to_version(&mut self, item: &ItemRow, version: &VersionRow) -> bool {
        item.content_hash
            .is_some_and(|hash| self.equal((hash, item.size), (version.content_hash, version.size)))
    }

    /// The open conflict whose local side the edit was made on.
    async fn side_of(
        &mut self,
        item: &ItemRow,
        basis: &Basis,
        seen: bool,
    ) -> Result<Option<ConflictRow>, DbError> {
        let open = self.zone.open_conflicts(item.id).await?;
        let vector = basis.content.to_vector();
        Ok(open.into_iter().find(|conflict| match basis.conflict {
            Some(id) => conflict.id == id,
            None => conflict.local_vector == vector || !seen && conflict.gave_out(&vector),
        }))
    }

    /// The content that was edited: the local side of a conflict that was settled since, or the latest of those
    /// that the file held and the editor had seen.
    async fn base_version(&mut self, item: &ItemRow, basis: &Basis) -> Result<Option<VersionRow>, DbError> {
        if let Some(id) = basis.version {
            return self.zone.version(id).await;
        }
        let vector = basis.content.to_vector();
        let conflicts = self.zone.conflicts_of(item.id).await?;
        if let Some(conflict) = conflicts.into_iter().find(|conflict| conflict.gave_out(&vector))
            && let Some(side) = self.zone.version(conflict.local_version_id).await?
        {
            return Ok(Some(side));
        }
        let versions = self.zone.versions_of(item.id).await?;
        Ok(versions.into_iter().find(|version| version.was_current && basis.content.covers(version.dot)))
    }

    /// The three-way merge, where the file is a text. Where it has to be worked out first, the need is noted.
    fn merge(
        &mut self,
        item: &ItemRow,
        base: &VersionRow,
        local: (ContentHash, u64),
    ) -> Option<(MergeKind, MergedText)> {
        let kind = merge_kind(&item.name, item.mime_type.as_deref())?;
        if [item.size, base.size, local.1].iter().any(|&size| size > TEXT_MERGE_BYTES_MAX) {
            return None;
        }
        let key = MergeKey { base: base.content_hash, server: item.content_hash?, local: local.0 };
        if let Some(merged) = self.context.facts.merges.get(&key) {
            return merged.clone().map(|merged| (kind, merged));
        }
        self.needs.merges.insert(key, kind);
        None
    }

    /// Writes the item; where it was in the trash it comes back, with the folders that it needs.
    pub(super) async fn put_edited(
        &mut self,
        mut item: ItemRow,
        basis: &mut Basis,
        dot: Dot,
        outcome: Outcome,
    ) -> Result<Outcome, DbError> {
        let unseen = !basis.place.covers(item.place_dot);
        if !self.zone.is_deleted(item.id).await? || Fault::EditedStaysInTrash.is_planted() {
            let write = match outcome {
                _ if Fault::EditIsUntold.is_planted() => Write::Quiet,
                Outcome::Unchanged => Write::Bump,
                _ => Write::Touch,
            };
            if write == Write::Touch {
                self.news.push(News::File(item.id, FileAction::Updated));
            }
            self.zone.put(item, write);
            // Content here, place there.
            return Ok(if outcome == Outcome::Applied && unseen { Outcome::Merged } else { outcome });
        }
        let renamed = self.revive(&mut item, dot).await?;
        // The input is a change of place too: what follows it in the chain has seen where the item now is.
        basis.place.learn(dot);
        self.zone.put(item, Write::Touch);
        Ok(match outcome {
            _ if renamed => Outcome::Renamed,
            Outcome::Applied if !unseen => Outcome::Applied,
            _ => Outcome::Merged,
        })
    }

    async fn found_equal(&mut self, mut item: ItemRow, mut basis: Basis) -> Judged<Done> {
        let dot = self.zone.issue(&mut item);
        basis.content.learn(dot);
        basis.content.learn(item.content_dot);
        basis.version = item.version_id;
        basis.conflict = None;
        let id = item.id;
        let outcome = self.put_edited(item, &mut basis, dot, Outcome::Unchanged).await?;
        Ok(Done { item_id: id, end: End::Applied(outcome), chain: basis.chain(id) })
    }

    async fn replace(
        &mut self,
        mut item: ItemRow,
        mut basis: Basis,
        content: &PreparedContent,
        outcome: Outcome,
    ) -> Judged<Done> {
        self.reference(content)?;
        if Fault::ReferencedTwice.is_planted() {
            self.reference(content)?;
        }
        let dot = self.zone.issue(&mut item);
        basis.content.learn(dot);
        let modified_at = content.modified_at.unwrap_or(self.context.now);
        self.set_content(&mut item, (content.hash, content.size()), modified_at, dot);
        basis.version = item.version_id;
        basis.conflict = None;
        let id = item.id;
        let outcome = self.put_edited(item, &mut basis, dot, outcome).await?;
        self.settle_equal(id).await?;
        Ok(Done { item_id: id, end: End::Applied(outcome), chain: basis.chain(id) })
    }

    /// A content that is referenced becomes the current one.
    pub(super) fn set_content(
        &mut self,
        item: &mut ItemRow,
        content: (ContentHash, u64),
        modified_at: Timestamp,
        dot: Dot,
    ) {
        if let Some(former) = item.version_id {
            self.zone.supersede(former);
        }
        item.version_id = Some(self.add_version(item.id, content, modified_at, dot, true));
        self.reproposed.insert(item.id);
        item.content_hash = Some(content.0);
        item.size = content.1;
        item.modified_at = modified_at;
        item.content_dot = dot;
    }

    /// The merge takes a further count, so that an edit made on the incoming side is merged again.
    async fn replace_by_merge(
        &mut self,
        mut item: ItemRow,
        mut basis: Basis,
        content: &PreparedContent,
        merged: &PreparedContent,
    ) -> Judged<Done> {
        let keeps_present = item.content_hash == Some(merged.hash);
        self.reference(content)?;
        if !keeps_present && let Err(refused) = self.reference(merged) {
            self.zone.store.release(vec![content.hash]).await?;
            return Err(refused);
        }
        let modified_at = content.modified_at.unwrap_or(self.context.now);
        let dot = self.zone.issue(&mut item);
        let input = self.add_version(item.id, (content.hash, content.size()), modified_at, dot, false);
        self.zone.supersede(input);
        basis.content.learn(dot);
        basis.version = Some(input);
        basis.conflict = None;
        let former_version_id = item.version_id.filter(|_| !keeps_present);
        let former_content = item.held_content().filter(|_| !keeps_present);
        if !keeps_present {
            let further = self.zone.issue(&mut item);
            let modified_at = modified_at.max(item.modified_at);
            self.set_content(&mut item, (merged.hash, merged.size()), modified_at, further);
        }
        let id = item.id;
        self.tell(&item, ActivityKind::Merged { former_version_id, former_content });
        let outcome = self.put_edited(item, &mut basis, dot, Outcome::Merged).await?;
        self.settle_equal(id).await?;
        Ok(Done { item_id: id, end: End::Applied(outcome), chain: basis.chain(id) })
    }

    // Conflicts

    async fn conflict(
        &mut self,
        mut item: ItemRow,
        mut basis: Basis,
        base: Option<VersionRow>,
        content: &PreparedContent,
        proposal: Option<Proposal>,
    ) -> Judged<Done> {
        for conflict in self.zone.open_conflicts(item.id).await? {
            if self.equal_to_side(&conflict, content).await? {
                return self.join_conflict(item, basis, conflict).await;
            }
        }
        self.reference(content)?;
        let before = basis.content.to_vector();
        let dot = self.zone.issue_apart(&mut item);
        item.last_count -= u64::from(Fault::CountIsReused.is_planted());
        let modified_at = content.modified_at.unwrap_or(self.context.now);
        let local = self.add_version(item.id, (content.hash, content.size()), modified_at, dot, false);
        if let Some(base) = &base {
            self.zone.pin(base.id);
        }
        let mut local_vector = before;
        local_vector.insert(dot);
        let conflict = ConflictRow {
            id: self.context.env.id(),
            item_id: item.id,
            local_version_id: local,
            server_version_id: item.version_id.unwrap_or(local),
            base_version_id: base.map(|base| base.id),
            local_vector,
            server_vector: item.vector.clone(),
            local_dot: dot,
            server_device: item.content_dot.device,
            proposal,
            created_at: self.context.now,
            resolved_at: None,
            result: None,
        };
        basis.content.learn(dot);
        basis.version = Some(local);
        self.tell(&item, ActivityKind::Conflict { conflict_id: conflict.id });
        self.put_conflicted(item, basis, conflict, dot).await
    }

    /// The item's row keeps the count; the rest of it has not changed, unless it was in the trash.
    async fn put_conflicted(
        &mut self,
        mut item: ItemRow,
        mut basis: Basis,
        mut conflict: ConflictRow,
        dot: Dot,
    ) -> Judged<Done> {
        conflict.local_vector.prune(&[dot, conflict.local_dot]);
        let (item_id, conflict_id) = (item.id, conflict.id);
        basis.conflict = Some(conflict_id);
        self.news.push(News::ConflictDetected(conflict_id));
        self.zone.put_conflict(conflict);
        if self.zone.is_deleted(item_id).await? {
            // The conflict's dot is not the item's: its place takes a further count.
            let further = self.zone.issue(&mut item);
            self.revive(&mut item, further).await?;
            basis.place.learn(further);
            self.zone.put(item, Write::Touch);
        } else {
            self.zone.put(item, Write::Quiet);
        }
        Ok(Done { item_id, end: End::Conflict(conflict_id), chain: basis.chain(item_id) })
    }

    async fn equal_to_side(
        &mut self,
        conflict: &ConflictRow,
        content: &PreparedContent,
    ) -> Result<bool, DbError> {
        let side = self.zone.version(conflict.local_version_id).await?;
        Ok(side
            .is_some_and(|side| self.equal((side.content_hash, side.size), (content.hash, content.size()))))
    }

    /// An equal content came in again: no second conflict.
    async fn join_conflict(
        &mut self,
        mut item: ItemRow,
        mut basis: Basis,
        mut conflict: ConflictRow,
    ) -> Judged<Done> {
        let dot = self.zone.issue_apart(&mut item);
        conflict.local_vector.insert(dot);
        basis.content.learn(dot);
        basis.content.learn(conflict.local_dot);
        basis.version = Some(conflict.local_version_id);
        self.put_conflicted(item, basis, conflict, dot).await
    }

    /// A later edit of the local side takes its place; the former stays as a version.
    async fn replace_side(
        &mut self,
        mut item: ItemRow,
        mut basis: Basis,
        mut conflict: ConflictRow,
        content: &PreparedContent,
    ) -> Judged<Done> {
        if self.equal_to_side(&conflict, content).await? {
            return self.join_conflict(item, basis, conflict).await;
        }
        self.reference(content)?;
        let dot = self.zone.issue_apart(&mut item);
        let modified_at = content.modified_at.unwrap_or(self.context.now);
        let local = self.add_version(item.id, (content.hash, content.size()), modified_at, dot, false);
        self.reproposed.insert(item.id);
        self.zone.supersede(conflict.local_version_id);
        conflict.local_version_id = local;
        conflict.local_vector.insert(dot);
        conflict.local_dot = dot;
        basis.content.learn(dot);
        basis.version = Some(local);
        self.put_conflicted(item, basis, conflict, dot).await
    }

    /// Conflicts whose local side is what the file now holds are none any more.
    pub(super) async fn settle_equal(&mut self, item: ItemId) -> Result<(), DbError> {
        for conflict in self.zone.open_conflicts(item).await? {
            let Some(mut item) = self.zone.item(item).await? else { return Ok(()) };
            let Some(side) = self.zone.version(conflict.local_version_id).await? else { continue };
            if self.equal_to_version(&item, &side) {
                let id = item.id;
                item.vector.merge(&conflict.local_vector);
                self.zone.put(item, Write::Bump);
                self.settle(conflict, Resolution::Local, vec![id]).await?;
            }
        }
        Ok(())
    }

    /// What open conflicts propose is the merge of what the file and the local side hold by now.
    pub(super) async fn propose_anew(&mut self) -> Result<(), DbError> {
        if Fault::ProposalsAge.is_planted() {
            return Ok(());
        }
        for id in std::mem::take(&mut self.reproposed) {
            let Some(item) = self.zone.item(id).await? else { continue };
            for conflict in self.zone.open_conflicts(id).await? {
                let proposal = self.proposal_now(&item, &conflict).await?;
                if proposal != conflict.proposal {
                    self.zone.put_conflict(ConflictRow { proposal, ..conflict });
                }
            }
        }
        Ok(())
    }

    async fn proposal_now(
        &mut self,
        item: &ItemRow,
        conflict: &ConflictRow,
    ) -> Result<Option<Proposal>, DbError> {
        let Some(base) = conflict.base_version_id else { return Ok(None) };
        let base = self.zone.version(base).await?;
        let local = self.zone.version(conflict.local_version_id).await?;
        let merge = base.zip(local);
        let merge = merge.and_then(|(base, local)| self.merge(item, &base, (local.content_hash, local.size)));
        Ok(merge.map(|(_, text)| proposal(text)))
    }

    /// Closes the conflict: what it pinned ages like any version from now on.
    pub(super) async fn settle(
        &mut self,
        mut conflict: ConflictRow,
        resolution: Resolution,
        items: Vec<ItemId>,
    ) -> Result<(), DbError> {
        conflict.resolved_at = Some(self.context.now);
        conflict.result = serde_json::to_string(&Settled { resolution, items }).ok();
        conflict.proposal = None;
        self.zone.supersede(conflict.local_version_id);
        self.news.push(News::ConflictResolved(conflict.id));
        let (item_id, base) = (conflict.item_id, conflict.base_version_id);
        self.zone.put_conflict(conflict);
        let still_pinned = self.zone.open_conflicts(item_id).await?;
        let current = self.zone.item(item_id).await?.and_then(|item| item.version_id);
        if let Some(base) = base
            && current != Some(base)
            && still_pinned.iter().all(|open| open.base_version_id != Some(base))
        {
            self.zone.supersede(base);
        }
        Ok(())
    }
}

fn proposal(merged: MergedText) -> Proposal {
    Proposal { text: merged.merge.text, overlaps: merged.merge.overlaps }
}
