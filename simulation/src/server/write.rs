//! Pushes, uploads and resolved conflicts: what changes the database.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use server::access::Grant;
use server::blobs::{StagedChunk, Stored};
use server::db::operations::Recorded;
use server::ops::push::{
    Act, Answer, ApplyError, Ask, Effect, Facts, MergedText, Needs, ParsedChange, PreparedChange,
    PreparedContent, Progress, PushContext, PushEffect, Refusal, Resolve, apply_in, parse_change,
    payload_hash, perform_in, present, runs,
};
use server::ops::upload;
use shared::content::Manifest;
use shared::item::ItemState;
use shared::limits::{CHUNK_LEASE, TEXT_MERGE_BYTES_MAX, UPLOAD_SESSION_TTL};
use shared::rules::{MergeKind, merge_text};
use shared::sync::{
    Applied, ChangeKind, Outcome, PushRequest, PushResponse, Resolution, ResolveRequest, ResolveResponse,
    ZoneKind,
};
use shared::upload::{InitUpload, UploadCompleted, UploadStarted};
use shared::{
    ChunkHash, ChunkRef, ConflictId, ContentHash, DeviceId, ErrorCode, ItemId, OperationId, Problem,
    Timestamp, UploadId, VersionId, ZoneId,
};

use super::{Cause, Commit, Reply, Served, Server, problem, ready};
use crate::account::Named;
use crate::database::{UploadSession, Write};

/// Most tries of one batch: each names the contents that have to be read first.
const TRIES_MAX: usize = 600;

impl Server {
    fn commit(&mut self, next: Write, cause: Cause, served: &mut Served) {
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
    fn refused(&mut self, change: PreparedChange) -> PreparedChange {
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
    fn apply(
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

    // Uploads

    pub(super) fn begin_upload(
        &mut self,
        device: DeviceId,
        file_id: ItemId,
        request: &InitUpload,
        served: &mut Served,
    ) -> Result<UploadStarted, Problem> {
        self.check_token(request.last_sync_token.as_deref())?;
        let now = self.machine.now();
        let payload_hash = upload::payload_hash(file_id, request);
        let id = request.operation_id;
        let mismatch = || Problem::new(ErrorCode::IdempotencyMismatch, "Use a new operation id.");
        if let Some(session) = self.database.uploads.get(&id).filter(|session| session.expires_at > now) {
            if session.payload_hash != payload_hash {
                return Err(mismatch());
            }
            let answer = started(id, session);
            if session.device != device {
                let mut next = Write::begin(&self.database, ZoneKind::Files);
                let session = UploadSession { device, ..(**session).clone() };
                next.next.uploads.insert(id, Arc::new(session));
                self.commit(next, Cause::Staging, served);
            }
            return Ok(answer);
        }
        let at = self.database.locate(file_id).or_else(|| self.database.locate(request.parent_id?));
        let zone = at.unwrap_or_else(|| self.database.zone(request.library.zone_kind())).id;
        match self.database.operations.get(&id).map(|row| &row.kept) {
            None => {}
            Some(Some(kept)) if kept.payload_hash == payload_hash => {
                let planned = Vec::new();
                let session = UploadSession {
                    device,
                    zone,
                    file_id,
                    request: request.clone(),
                    payload_hash,
                    planned,
                    expires_at: now + UPLOAD_SESSION_TTL,
                };
                return Ok(started(id, &session));
            }
            Some(Some(_)) => return Err(mismatch()),
            Some(None) => return Err(Problem::new(ErrorCode::OperationExpired, "Act anew.")),
        }
        let mut next = Write::begin(&self.database, ZoneKind::Files);
        let account = &mut next.next.account;
        let planned: Vec<(ChunkRef, bool)> = request
            .chunks
            .iter()
            .flatten()
            .map(|chunk| {
                let held = account.lease(chunk.hash, self.stamp() + CHUNK_LEASE) == Some(chunk.size);
                (ChunkRef { hash: chunk.hash, size: chunk.size }, held)
            })
            .collect();
        let absent: BTreeMap<ChunkHash, u64> = planned
            .iter()
            .filter(|(_, held)| !held)
            .map(|(chunk, _)| (chunk.hash, u64::from(chunk.size)))
            .collect();
        let needed: u64 = absent.values().sum();
        if needed > account.free_bytes() {
            return Err(Problem::new(ErrorCode::QuotaExceeded, "There is no room."));
        }
        let request = InitUpload { chunks: None, last_sync_token: None, ..request.clone() };
        let expires_at = now + UPLOAD_SESSION_TTL;
        let session = UploadSession { device, zone, file_id, request, payload_hash, planned, expires_at };
        let answer = started(id, &session);
        next.next.uploads.insert(id, Arc::new(session));
        self.commit(next, Cause::Staging, served);
        Ok(answer)
    }

    fn session(
        &self,
        device: DeviceId,
        file_id: ItemId,
        id: OperationId,
    ) -> Result<Arc<UploadSession>, Problem> {
        let not_found = || Problem::new(ErrorCode::UploadNotFound, "Begin it again.");
        let session = self.database.uploads.get(&id).filter(|session| session.file_id == file_id);
        let session = session.ok_or_else(not_found)?;
        if session.device != device {
            return Err(Problem::new(ErrorCode::DeviceMismatch, "Another device began it."));
        }
        if session.expires_at <= self.machine.now() {
            return Err(Problem::new(ErrorCode::UploadExpired, "Begin it again."));
        }
        Ok(Arc::clone(session))
    }

    pub(super) fn send_chunk(
        &mut self,
        device: DeviceId,
        file_id: ItemId,
        id: OperationId,
        (index, bytes): (u32, &[u8]),
        served: &mut Served,
    ) -> Result<Reply, Problem> {
        let session = self.session(device, file_id, id)?;
        let mismatch = || Problem::new(ErrorCode::ChunkMismatch, "Send it as it is.");
        let chunk = session.planned.get(index as usize).map(|(chunk, _)| *chunk).ok_or_else(mismatch)?;
        if ChunkHash::of(bytes) != chunk.hash || bytes.len() != chunk.size as usize {
            return Err(mismatch());
        }
        let now = self.machine.now();
        let mut next = Write::begin(&self.database, ZoneKind::Files);
        let staged = StagedChunk { chunk, stored: Stored::Inline(Bytes::copy_from_slice(bytes)) };
        next.next.account.stage(&mut Named::default(), vec![staged], self.stamp() + CHUNK_LEASE);
        if !next.next.account.chunks.contains_key(&chunk.hash) {
            return Err(Problem::new(ErrorCode::StagedLimit, "There is no room."));
        }
        if let Some(session) = next.next.uploads.get_mut(&id) {
            let session = Arc::make_mut(session);
            session.expires_at = now + UPLOAD_SESSION_TTL;
            let same = session.planned.iter_mut().filter(|(planned, _)| planned.hash == chunk.hash);
            same.for_each(|(_, held)| *held = true);
        }
        self.commit(next, Cause::Staging, served);
        Ok(Reply::ChunkStored)
    }

    pub(super) fn complete_upload(
        &mut self,
        device: DeviceId,
        file_id: ItemId,
        id: OperationId,
        served: &mut Served,
    ) -> Result<UploadCompleted, Problem> {
        if let Some((grant, change)) = self.judged(file_id, id)? {
            return self.completed((device, grant), change, served);
        }
        let session = self.session(device, file_id, id)?;
        let missing = missing(&session);
        if !missing.is_empty() {
            return Err(chunks_missing(&missing));
        }
        let grant = self.grant_of(session.zone);
        let change = self.refused(self.completion(file_id, &session)?);
        self.completed((device, grant), change, served)
    }

    fn grant_of(&self, zone: ZoneId) -> Grant {
        self.grant(if zone == self.database.photos.id { ZoneKind::Photos } else { ZoneKind::Files })
    }

    /// The upload as the change that it is.
    fn completion(&self, file_id: ItemId, session: &UploadSession) -> Result<PreparedChange, Problem> {
        let chunks = session.planned.iter().map(|(chunk, _)| *chunk).collect();
        let manifest = Manifest::with_size(chunks, session.request.total_size);
        let manifest =
            manifest.map_err(|error| Problem::new(ErrorCode::InvalidManifest, error.to_string()))?;
        let located = self.database.locate(file_id).map(|zone| zone.id);
        let (hash, grant) = (session.payload_hash, self.grant_of(session.zone));
        Ok(upload::change_of(file_id, session.request.clone(), hash, manifest, grant, located))
    }

    /// The change that the end of the upload has judged, or None where nothing is.
    pub(crate) fn completing(
        &self,
        device: DeviceId,
        file_id: ItemId,
        id: OperationId,
    ) -> Option<PreparedChange> {
        if let Some((_, judged)) = self.judged(file_id, id).ok()? {
            return Some(judged);
        }
        let session = self.session(device, file_id, id).ok()?;
        self.completion(file_id, &session).ok()
    }

    /// The operation as it was recorded, to be asked for again.
    fn judged(&self, file_id: ItemId, id: OperationId) -> Result<Option<(Grant, PreparedChange)>, Problem> {
        let Some(row) = self.database.operations.get(&id) else { return Ok(None) };
        let expired = || Problem::new(ErrorCode::OperationExpired, "Act anew.");
        let kept = row.kept.as_ref().ok_or_else(expired)?;
        if self.database.uploads.get(&id).is_some_and(|session| session.payload_hash != kept.payload_hash) {
            return Err(Problem::new(ErrorCode::IdempotencyMismatch, "Use a new operation id."));
        }
        let (Recorded::Applied { file_id: of, .. }
        | Recorded::Conflict { file_id: of, .. }
        | Recorded::Failed { file_id: of, .. }) = &kept.result
        else {
            return Ok(None);
        };
        let again = Refusal::new(ErrorCode::UploadNotFound, "There is no such upload.");
        let payload_hash = kept.payload_hash;
        let change = PreparedChange {
            operation_id: id,
            file_id,
            payload_hash,
            taken_elsewhere: false,
            by_upload: true,
            body: Err(again),
        };
        Ok((*of == file_id).then(|| (self.grant_of(kept.zone_id), change)))
    }

    fn completed(
        &mut self,
        by: (DeviceId, Grant),
        change: PreparedChange,
        served: &mut Served,
    ) -> Result<UploadCompleted, Problem> {
        let (operation_id, file_id) = (change.operation_id, change.file_id);
        let mut effect = self.apply(by, vec![change], Some(operation_id), served);
        match effect.answers.pop() {
            Some(Answer::Applied(applied)) => Ok(UploadCompleted { applied, conflict: None }),
            Some(Answer::Conflict(conflict)) => {
                let gone = || Problem::new(ErrorCode::NotFound, "");
                let item: ItemState = self.state(conflict.file_id).ok_or_else(gone)?;
                let applied = Applied { operation_id, file_id, item, outcome: Outcome::Unchanged };
                Ok(UploadCompleted { applied, conflict: Some(conflict) })
            }
            Some(Answer::Failed(error)) if error.code == ErrorCode::ChunksMissing => {
                let lost = error.missing_chunks.unwrap_or_default();
                let mut next = Write::begin(&self.database, ZoneKind::Files);
                if let Some(session) = next.next.uploads.get_mut(&operation_id) {
                    let planned = &mut Arc::make_mut(session).planned;
                    for &index in &lost {
                        planned[index as usize].1 = false;
                    }
                }
                self.commit(next, Cause::Staging, served);
                Err(chunks_missing(&lost))
            }
            Some(Answer::Failed(error)) => Err(Problem::new(error.code, error.message)),
            None => panic!("a push of one change has no answer"),
        }
    }

    /// Ends an upload for certain, unless it was judged.
    pub fn cancel_upload(&mut self, id: OperationId) -> bool {
        if self.database.operations.contains_key(&id) {
            return false;
        }
        if let Some(node) = &self.full {
            let Some(session) = self.database.uploads.get(&id) else { return true };
            let over = node.cancel_upload(session.device, session.file_id, id);
            self.look_again();
            return over;
        }
        Arc::make_mut(&mut self.database).uploads.remove(&id);
        true
    }
}

fn missing(session: &UploadSession) -> Vec<u32> {
    (0..).zip(&session.planned).filter(|(_, (_, held))| !held).map(|(index, _)| index).collect()
}

fn chunks_missing(missing: &[u32]) -> Problem {
    let mut problem = Problem::new(ErrorCode::ChunksMissing, "Send the missing chunks.");
    problem.more.insert("missingChunks".into(), serde_json::json!(missing));
    problem
}

fn started(id: OperationId, session: &UploadSession) -> UploadStarted {
    UploadStarted {
        upload_id: UploadId(id.0),
        chunk_size: session.request.chunk_size,
        total_chunks: session.request.total_chunks,
        missing_chunks: missing(session),
        expires_at: session.expires_at,
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
