//! Uploads by chunks, as the driver of a device makes them.

use std::collections::VecDeque;

use shared::faults::Fault;
use shared::sync::Base;
use shared::upload::{AnnouncedChunk, InitUpload, Library};
use shared::{ChunkHash, ErrorCode, OperationId};
use sync::{CallError, Event, UploadError, UploadOrder};

use super::World;
use super::network::{Call, Part, unexpected};
use crate::client::CHUNK_BYTES;
use crate::oracle::Invariant;
use crate::server::{Reply, Request};

impl World {
    pub(super) fn start_upload(&mut self, n: usize, order: UploadOrder, events: &mut VecDeque<Event>) {
        let operation = order.operation_id;
        let Some(bytes) = self.clients[n].bytes_of(&order).cloned() else {
            self.oracle.content_missing(n, operation);
            events.push_back(Event::UploadFinished { operation, result: Err(UploadError::ContentLost) });
            return;
        };
        let attempt = self.clients[n].begin_upload(order.clone());
        let request =
            Request::BeginUpload { file_id: order.file_id, request: Box::new(self.init(&order, &bytes)) };
        self.send(n, Call::Upload { operation, attempt, part: Part::Begin }, request);
    }

    pub(super) fn upload_answered(
        &mut self,
        n: usize,
        (operation, attempt, part): (OperationId, u64, Part),
        result: Result<Reply, CallError>,
    ) {
        let current = self.clients[n].uploads.get_mut(&operation);
        let Some(upload) = current.filter(|upload| upload.attempt == attempt) else { return };
        let order = upload.order.clone();
        match (part, result) {
            (_, Err(error)) => {
                if let CallError::Refused(problem) = &error
                    && problem.code == ErrorCode::ChunkMismatch
                {
                    self.oracle.fail(Invariant::ContentAddress, || {
                        format!("device {n} sends other bytes than it announced: {operation}, {part:?}")
                    });
                }
                self.clients[n].uploads.remove(&operation);
                let result = Err(UploadError::Failed(error));
                self.event(n, Event::UploadFinished { operation, result });
            }
            (Part::Begin, Ok(Reply::UploadBegun(started))) => {
                upload.open_chunks = started.missing_chunks.iter().copied().collect();
                let bytes = self.clients[n].bytes_of(&order).cloned().unwrap_or_default();
                for (at, &index) in (0..).zip(&started.missing_chunks) {
                    let place = if Fault::OffsetsAmongMissing.is_planted() { at } else { index };
                    let bytes = chunk(&bytes, place).to_vec();
                    let request =
                        Request::SendChunk { file_id: order.file_id, upload: operation, index, bytes };
                    self.send(n, Call::Upload { operation, attempt, part: Part::Chunk(index) }, request);
                }
                self.complete_when_sent(n, operation);
            }
            (Part::Chunk(index), Ok(Reply::ChunkStored)) => {
                upload.open_chunks.remove(&index);
                self.complete_when_sent(n, operation);
            }
            (Part::Complete, Ok(Reply::UploadCompleted(completed))) => {
                self.clients[n].uploads.remove(&operation);
                self.event(n, Event::UploadFinished { operation, result: Ok(*completed) });
            }
            (_, Ok(other)) => unexpected(&other),
        }
    }

    fn complete_when_sent(&mut self, n: usize, operation: OperationId) {
        let Some(upload) = self.clients[n].uploads.get_mut(&operation) else { return };
        if !upload.open_chunks.is_empty() || upload.completing {
            return;
        }
        upload.completing = true;
        let (file_id, attempt) = (upload.order.file_id, upload.attempt);
        let request = Request::CompleteUpload { file_id, upload: operation };
        self.send(n, Call::Upload { operation, attempt, part: Part::Complete }, request);
    }
}

fn chunk(bytes: &[u8], index: u32) -> &[u8] {
    let start = index as usize * CHUNK_BYTES;
    &bytes[start..bytes.len().min(start + CHUNK_BYTES)]
}

impl World {
    fn init(&self, order: &UploadOrder, bytes: &[u8]) -> InitUpload {
        let total_chunks = bytes.len().div_ceil(CHUNK_BYTES) as u32;
        let announced = (0..total_chunks)
            .map(|index| {
                let bytes = chunk(bytes, index);
                AnnouncedChunk { index, hash: ChunkHash::of(bytes), size: bytes.len() as u32 }
            })
            .collect();
        let is_photo = order.parent_id == self.server.library();
        let library = if is_photo { Library::Photos } else { Library::Files };
        let Base { base_version, base_operation_id } = order.base.clone();
        InitUpload {
            operation_id: order.operation_id,
            file_name: order.name.to_string(),
            parent_id: Some(order.parent_id),
            total_size: bytes.len() as u64,
            chunk_size: CHUNK_BYTES as u32,
            total_chunks,
            chunks: Some(announced),
            base_version,
            base_operation_id,
            last_sync_token: order.last_sync_token.clone(),
            mime_type: order.mime_type.clone(),
            created_at: order.created_at,
            modified_at: order.modified_at,
            library,
        }
    }
}
