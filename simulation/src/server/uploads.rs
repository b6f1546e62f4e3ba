//! Uploads: sessions, their chunks, and the change that each ends in.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use server::access::Grant;
use server::blobs::{StagedChunk, Stored};
use server::db::operations::Recorded;
use server::ops::push::{Answer, PreparedChange, Refusal};
use server::ops::upload;
use shared::content::Manifest;
use shared::item::ItemState;
use shared::limits::{CHUNK_LEASE, UPLOAD_SESSION_TTL};
use shared::sync::{Applied, Outcome, ZoneKind};
use shared::upload::{InitUpload, UploadCompleted, UploadStarted};
use shared::{ChunkHash, ChunkRef, DeviceId, ErrorCode, ItemId, OperationId, Problem, UploadId, ZoneId};

use super::{Cause, Reply, Served, Server};
use crate::account::Named;
use crate::database::{UploadSession, Write};

impl Server {
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
