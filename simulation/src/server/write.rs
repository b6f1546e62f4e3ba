//! Pushes and resolved conflicts: what changes the database.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use server::access::Grant;
use server::blobs::{StagedChunk, Stored};
use server::ops::push::{
    Act, Answer, ApplyError, Ask, Effect, Facts, MergedText, Needs, ParsedChange, PreparedChange,
    PreparedContent, Progress, PushContext, PushEffect, Refusal, Resolve, apply_in, parse_change,
    payload_hash, perform_in, present, runs,
};
use shared::content::Manifest;
use shared::item::ItemState;
use shared::limits::TEXT_MERGE_BYTES_MAX;
use shared::rules::{MergeKind, merge_text};
use shared::sync::{ChangeKind, PushRequest, PushResponse, Resolution, ResolveRequest, ResolveResponse};
use shared::{
    ChunkHash, ChunkRef, ConflictId, ContentHash, DeviceId, ErrorCode, ItemId, OperationId, Problem,
    Timestamp, VersionId,
};

use super::{Cause, Commit, Served, Server, problem, ready};
use crate::database::Write;

/// Most tries of one batch: each names the contents that have to be read first.
const TRIES_MAX: usize = 600;

impl Server {
    pub(super) fn commit(&mut self, next: Write, cause: Cause, served: &mut Served) {
        let before = Arc::clone(&self.database);
        self.before = Arc::clone(&before);
        self.database = Arc::new(next.commit());
        let after = Arc::clone(&self.database);
        served.commits.push(Commit { before, after, cause, is_joined: false });
    }

    pub(super) fn push(
        &mut self,
        device: DeviceId,
        push: &PushRequest,
        served: &mut Served,
    ) -> Result<PushResponse, Problem> {
        if push.device_id != device {
            return Err(Problem::new(ErrorCode::DeviceMismatch, "Sign in again."));
        }
        let last = self.check_token(push.last_sync_token.as_deref())?;
        let mut response = PushResponse {
            sync_token: push.last_sync_token.clone(),
            applied: vec![],
            conflicts: vec![],
            errors: vec![],
        };
        let key = self.key();
        let mut progress = Progress::new(last, self.machine.now());
        for (grant, changes) in self.runs(push)? {
            let changes = changes.into_iter().map(|change| self.refused(change)).collect();
            let effect = self.apply((device, grant), changes, None, served);
            progress.take(grant.zone_id, &effect);
            for answer in effect.answers {
                match answer {
                    Answer::Applied(applied) => response.applied.push(applied),
                    Answer::Conflict(conflict) => response.conflicts.push(conflict),
                    Answer::Failed(error) => response.errors.push(error),
                }
            }
        }
        if let Some(token) = progress.finish() {
            response.sync_token = Some(key.encode(&token));
        }
        Ok(response)
    }

    /// What the push asks for, as it is judged.
    pub(crate) fn changes(&self, push: &PushRequest) -> Result<Vec<PreparedChange>, Problem> {
        Ok(self.runs(push)?.into_iter().flat_map(|(_, changes)| changes).collect())
    }

    /// What the push asks for, by zones.
    pub(crate) fn runs(&self, push: &PushRequest) -> Result<Vec<(Grant, Vec<PreparedChange>)>, Problem> {
        let key = self.key();
        let mut parsed = push
            .changes
            .iter()
            .map(|change| parse_change(serde_json::to_value(change).unwrap_or_default()))
            .collect::<Result<Vec<ParsedChange>, _>>()
            .map_err(problem)?;
        for parsed in &mut parsed {
            self.name_chunks(parsed);
        }
        let ids = parsed.iter().flat_map(ParsedChange::named_ids);
        let held: Vec<_> = ids.filter_map(|id| Some((id, self.database.locate(id)?.id))).collect();
        let runs = runs(&self.grants(), held, parsed).into_iter().map(|(grant, changes)| {
            let changes = changes.into_iter().map(|(parsed, taken_elsewhere)| {
                let mut checked = parsed.check(&key, grant);
                let content = checked.take_bytes().map(|bytes| prepared(&bytes));
                checked.prepared(content, taken_elsewhere)
            });
            (grant, changes.collect())
        });
        Ok(runs.collect())
    }

    /// Puts in the chunks of a content that the change names by a file that has or had it.
    fn name_chunks(&self, parsed: &mut ParsedChange) {
        let Ok(ChangeKind::Create { content, .. } | ChangeKind::Content { content, .. }) =
            parsed.change.as_mut().map(|change| &mut change.kind)
        else {
            return;
        };
        let Some(copy) = content.copy_of else { return };
        let mut versions = self.database.versions.values();
        let held = versions.any(|row| (row.item_id, row.content_hash) == (copy.file_id, copy.content_hash));
        if let Some(kept) = self.database.account.manifests.get(&copy.content_hash).filter(|_| held) {
            content.chunks = Some(kept.manifest.chunks().to_vec());
        } else {
            let message = "What was to be copied is no longer there.";
            parsed.change = Err(Refusal::new(ErrorCode::Gone, message));
        }
    }

    /// The change as the world lets it through: some are refused for no fault of theirs.
    pub(super) fn refused(&mut self, change: PreparedChange) -> PreparedChange {
        let known = self.database.operations.contains_key(&change.operation_id);
        match self.refuse.get_mut(&change.file_id) {
            Some((code, times)) if *times > 0 && !known => {
                *times -= 1;
                PreparedChange { body: Err(Refusal::new(*code, "The world refuses it.")), ..change }
            }
            _ => change,
        }
    }

    /// Judges a batch and writes it; with it ends the upload that brought the content.
    pub(super) fn apply(
        &mut self,
        (device, grant): (DeviceId, Grant),
        changes: Vec<PreparedChange>,
        upload: Option<OperationId>,
        served: &mut Served,
    ) -> PushEffect {
        let changes = Arc::new(changes);
        let mut facts = Facts::default();
        for _ in 0..TRIES_MAX {
            let mut next = Write::begin(&self.database, grant.kind);
            let context = self.context((device, grant), &facts);
            match ready(apply_in(&mut next, &context, &changes)) {
                Ok(mut effect) => {
                    let stays =
                        effect.answers.iter().any(|answer| answer.may_pass() || answer.is_of_another());
                    if let Some(upload) = upload.filter(|_| !stays) {
                        next.next.uploads.remove(&upload);
                    }
                    served.events.append(&mut effect.events);
                    let answers = effect.answers.clone();
                    self.commit(next, Cause::Push { device, changes, answers }, served);
                    return effect;
                }
                Err(ApplyError::Needs(needs)) => self.gather(&mut facts, &needs, &changes),
                Err(ApplyError::Db(error)) => panic!("the database in memory fails: {error}"),
            }
        }
        panic!("a batch needs facts without end")
    }

    /// The time that goes with what happens now, as the product has it.
    pub(super) fn stamp(&self) -> Timestamp {
        self.machine.now().max(self.database.clock.earliest_stamp())
    }

    pub(super) fn context(&self, (device, grant): (DeviceId, Grant), facts: &Facts) -> PushContext {
        PushContext {
            grant,
            device,
            now: self.stamp(),
            env: self.machine.env(),
            facts: Arc::new(facts.clone()),
        }
    }

    /// Reads what the judge has to know of contents.
    fn gather(&self, facts: &mut Facts, needs: &Needs, changes: &[PreparedChange]) {
        let incoming = changes.iter().filter_map(|change| change.body.as_ref().ok()?.kind.content());
        let incoming: BTreeMap<ContentHash, Bytes> = incoming
            .chain(facts.staged())
            .filter_map(|content| Some((content.hash, content.bytes.clone()?)))
            .collect();
        // A content that comes by its manifest only is made of chunks that the account holds.
        let by_manifest: BTreeMap<ContentHash, &Manifest> = changes
            .iter()
            .filter_map(|change| change.body.as_ref().ok()?.kind.content())
            .map(|content| (content.hash, &content.manifest))
            .collect();
        let account = &self.database.account;
        let bytes = |hash: ContentHash| -> Option<Bytes> {
            if hash == Manifest::default().content_hash() {
                return Some(Bytes::new());
            }
            incoming.get(&hash).cloned().or_else(|| account.bytes(hash)).or_else(|| {
                let chunks = by_manifest.get(&hash)?.chunks().iter();
                let parts: Option<Vec<&[u8]>> =
                    chunks.map(|chunk| Some(&account.chunks.get(&chunk.hash)?.bytes[..])).collect();
                Some(parts?.concat().into())
            })
        };
        let whole: Vec<_> = needs
            .whole
            .iter()
            .map(|&hash| (hash, bytes(hash).map(|bytes| ChunkHash::of(&bytes).0)))
            .collect();
        let merges: Vec<_> = needs
            .merges
            .iter()
            .map(|(&key, &kind)| {
                let text = |hash| {
                    let bytes = bytes(hash).filter(|bytes| bytes.len() as u64 <= TEXT_MERGE_BYTES_MAX)?;
                    String::from_utf8(bytes.to_vec()).ok()
                };
                let texts = text(key.base).zip(text(key.server)).zip(text(key.local));
                let merged = texts.map(|((base, server), local)| merged(kind, &base, &server, &local));
                (key, merged)
            })
            .collect();
        facts.whole.extend(whole);
        facts.merges.extend(merges);
    }

    pub(super) fn resolve(
        &mut self,
        device: DeviceId,
        conflict: ConflictId,
        request: &ResolveRequest,
        served: &mut Served,
    ) -> Result<ResolveResponse, Problem> {
        let missing = || Problem::new(ErrorCode::NotFound, "There is nothing here that you can see.");
        let ask = self.ask(conflict, request).ok_or_else(missing)?;
        let items = present(self.perform(device, ask, served)?);
        Ok(ResolveResponse { items })
    }

    /// What the resolution asks for; None where there is no such conflict.
    pub(crate) fn ask(&self, conflict: ConflictId, request: &ResolveRequest) -> Option<Ask> {
        let row = self.database.conflicts.get(&conflict)?;
        let proposal = match (request.resolution, &row.proposal) {
            (Resolution::Proposal, Some(proposal)) if row.resolved_at.is_none() => {
                Some(prepared(&proposal.text.clone().into()))
            }
            _ => None,
        };
        Some(Ask {
            operation_id: request.operation_id,
            payload_hash: payload_hash(&(conflict, request)),
            act: Act::Resolve(Box::new(Resolve {
                conflict_id: conflict,
                resolution: request.resolution,
                server_version: request.server_version.clone(),
                local_device: "a device".into(),
                proposal,
            })),
        })
    }

    /// What restoring an earlier content asks for.
    pub(crate) fn ask_version(
        &self,
        file_id: ItemId,
        version_id: VersionId,
        operation_id: OperationId,
    ) -> Ask {
        let item_id = self.database.resolve(file_id);
        let payload_hash = payload_hash(&("version", version_id, file_id));
        Ask { operation_id, payload_hash, act: Act::RestoreVersion { item_id, version_id } }
    }

    pub(super) fn perform(
        &mut self,
        device: DeviceId,
        ask: Ask,
        served: &mut Served,
    ) -> Result<Vec<ItemState>, Problem> {
        let conflicts = &self.database.conflicts;
        let item = match &ask.act {
            Act::Resolve(resolve) => conflicts.get(&resolve.conflict_id).map(|row| row.item_id),
            Act::RestoreVersion { item_id, .. } => Some(*item_id),
        };
        let item = item.filter(|item| self.database.items.contains_key(item));
        let missing = || Problem::new(ErrorCode::NotFound, "There is nothing here that you can see.");
        let grant = self.grant_for(item.ok_or_else(missing)?);
        let mut facts = Facts::default();
        for _ in 0..TRIES_MAX {
            let mut next = Write::begin(&self.database, grant.kind);
            let context = self.context((device, grant), &facts);
            match ready(perform_in(&mut next, &context, &ask)) {
                Ok(Effect { answer, mut events, .. }) => {
                    served.events.append(&mut events);
                    let accepted = answer.is_ok();
                    self.commit(next, Cause::Single { ask: Box::new(ask), accepted }, served);
                    return answer.map_err(problem);
                }
                Err(ApplyError::Needs(needs)) => self.gather(&mut facts, &needs, &[]),
                Err(ApplyError::Db(error)) => panic!("the database in memory fails: {error}"),
            }
        }
        panic!("a resolution needs facts without end")
    }
}

/// Bytes that the server itself cuts: one chunk, small as they are here.
fn prepared(bytes: &Bytes) -> PreparedContent {
    let chunk = ChunkRef { hash: ChunkHash::of(bytes), size: bytes.len() as u32 };
    let chunks = if bytes.is_empty() { Vec::new() } else { vec![chunk] };
    let staged = chunks.iter().map(|&chunk| StagedChunk { chunk, stored: Stored::Inline(bytes.clone()) });
    let staged = staged.collect();
    let manifest = Manifest::new(chunks).unwrap_or_default();
    let hash = manifest.content_hash();
    PreparedContent { manifest, hash, staged, bytes: Some(bytes.clone()), whole: None, modified_at: None }
}

fn merged(kind: MergeKind, base: &str, server: &str, local: &str) -> MergedText {
    let merge = merge_text(base, server, local);
    let silent = kind == MergeKind::Silent && merge.overlaps == 0;
    let content = silent.then(|| prepared(&Bytes::from(merge.text.clone())));
    MergedText { merge, content }
}
