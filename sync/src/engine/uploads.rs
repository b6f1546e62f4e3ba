//! Operations whose content goes by chunks: when they start, and how they end.

use shared::upload::UploadCompleted;
use shared::{ErrorCode, ItemId, ItemName, OperationId};

use super::answers::Refusal;
use super::{Act, Effect, Engine};
use crate::effect::UploadOrder;
use crate::event::{CallError, UploadError};
use crate::outbox::Queued;
use crate::store::{Content, Operation};

impl Engine {
    /// Starts every upload that leans on nothing unanswered.
    pub(super) fn start_uploads(&mut self) {
        let ready: Vec<(Operation, Option<UploadOrder>)> = self
            .outbox
            .iter()
            .filter(|queued| queued.op.act.is_upload() && self.is_ready(queued) && self.is_first(queued))
            .map(|queued| (queued.op.clone(), self.order(queued)))
            .collect();
        for (op, order) in ready {
            if let Some(order) = order {
                self.mark_in_flight(op.id);
                self.out.push(Effect::StartUpload(Box::new(order)));
            } else {
                // Neither here nor there is a file that it could go into.
                let item = self.resolve(op.item_id);
                let (code, message) = (ErrorCode::Gone, String::new());
                self.park(&op, item, Refusal { code, message, retryable: false });
            }
        }
    }

    /// Whether all that came before it on its item, and the creation of its folder, is answered.
    fn is_first(&self, queued: &Queued) -> bool {
        let item = self.resolve(queued.op.item_id);
        let mut before = self.outbox.of_item(item).take_while(|other| other.op.sequence < queued.op.sequence);
        let alone = before.all(|other| other.is_parked() || other.blocked || !other.op.act.edits());
        let parent = queued.op.act.parent().map(|parent| self.resolve(parent));
        alone && !parent.is_some_and(|parent| self.is_unknown_there(parent))
    }

    /// What an operation that is uploaded says of its file's place, if it does not put it there itself.
    pub(super) fn upload_to(&self, item: ItemId, act: &Act) -> Option<(ItemId, ItemName)> {
        if act.is_create() || !act.is_upload() {
            return None;
        }
        self.place_of_file(item)
    }

    fn place_of_file(&self, item: ItemId) -> Option<(ItemId, ItemName)> {
        let node = self.tree.local(item).or_else(|| self.tree.remote(item))?;
        Some((node.parent, ItemName::parse(&node.name).ok()?))
    }

    fn order(&self, queued: &Queued) -> Option<UploadOrder> {
        let op = &queued.op;
        let item = self.resolve(op.item_id);
        let (place, mime_type, created_at, modified_at) = match &op.act {
            Act::CreateFile { parent, name, mime_type, created_at, modified_at, .. } => {
                (Some((*parent, name.clone())), mime_type.clone(), *created_at, *modified_at)
            }
            Act::SetContent { modified_at, .. } => (None, None, None, *modified_at),
            _ => return None,
        };
        let Content::Upload { size, staged } = op.act.content()? else { return None };
        let (parent_id, name) =
            place.or_else(|| op.upload_to.clone()).or_else(|| self.place_of_file(item))?;
        Some(UploadOrder {
            operation_id: op.id,
            file_id: op.item_id,
            parent_id,
            name,
            size: *size,
            mime_type,
            created_at: created_at.or(Some(op.queued_at)),
            modified_at: modified_at.or(Some(op.queued_at)),
            base: op.base.clone(),
            last_sync_token: self.meta.sync_token.clone(),
            staged: staged.clone(),
            attempts: op.attempts,
        })
    }

    pub(super) fn upload_finished(&mut self, id: OperationId, result: Result<UploadCompleted, UploadError>) {
        if !self.outbox.get(id).is_some_and(|queued| queued.op.act.is_upload()) {
            return;
        }
        self.landed(id);
        match result {
            Ok(completed) => {
                self.want_pull();
                if let Some(conflict) = completed.conflict {
                    self.conflicted(Some(id), conflict);
                    self.take_state(completed.applied.item);
                } else {
                    self.applied(completed.applied);
                }
            }
            Err(UploadError::Cancelled) => self.drop_operation(id),
            Err(UploadError::ContentLost) => self.content_lost(id),
            Err(UploadError::Failed(CallError::Unreachable)) => self.try_later(id, ErrorCode::Unavailable),
            Err(UploadError::Failed(CallError::Refused(problem))) => match problem.code {
                ErrorCode::Unauthenticated | ErrorCode::DeviceMismatch => self.sign_in_needed(),
                ErrorCode::SyncTokenExpired | ErrorCode::InvalidSyncToken => self.token_refused(&problem),
                // The session is over; the next try begins another and sends what is missing.
                code @ (ErrorCode::UploadExpired | ErrorCode::UploadNotFound | ErrorCode::ChunkMismatch) => {
                    self.try_later(id, code);
                }
                code => {
                    let retryable = code.retryable() || problem.status >= 500;
                    self.refused(id, Refusal { code, message: problem.detail, retryable });
                }
            },
        }
    }

    /// The bytes are gone from this device: a person has to give them again, or up.
    pub(super) fn content_lost(&mut self, id: OperationId) {
        let Some(op) = self.outbox.get(id).map(|queued| queued.op.clone()) else { return };
        // The push that was to carry it was never made.
        if let Some((_, super::network::Purpose::Push { operations, .. })) = &self.net.call
            && operations.contains(&id)
        {
            for other in operations.clone() {
                self.landed(other);
            }
            self.net.call = None;
        }
        let item = self.resolve(op.item_id);
        let message = "The bytes of this file are no longer on this device".to_owned();
        self.park(&op, item, Refusal { code: ErrorCode::ChunksMissing, message, retryable: false });
    }
}
