//! Conflicts: what the server tells of them, and what it makes of decisions.

use std::collections::BTreeSet;

use shared::item::ItemState;
use shared::sync::{ConflictInfo, ResolveResponse};
use shared::{ConflictId, ErrorCode, OperationId};

use super::answers::Refusal;
use super::network::Purpose;
use super::{Engine, Notice};
use crate::event::{CallError, CallId};

impl Engine {
    pub(super) fn resolve_answered(
        &mut self,
        call: CallId,
        conflict: ConflictId,
        result: Result<ResolveResponse, CallError>,
    ) {
        let Some(Purpose::Resolve { operation }) = self.answered(call) else { return };
        self.landed(operation);
        let problem = match result {
            Ok(response) => {
                self.call_succeeded();
                self.dequeue(operation);
                self.drop_conflict(conflict);
                for item in response.items {
                    self.take_state(ItemState::Present(item));
                }
                self.want_pull();
                return;
            }
            Err(error) => match self.call_failed(error) {
                Some(problem) => problem,
                None => return,
            },
        };
        match problem.code {
            ErrorCode::ConflictResolved | ErrorCode::Gone | ErrorCode::NotFound => {
                self.dequeue(operation);
                self.drop_conflict(conflict);
                self.want_pull();
            }
            ErrorCode::ConflictChanged => {
                self.dequeue(operation);
                let now = problem.more.get("conflict").cloned().and_then(|c| serde_json::from_value(c).ok());
                match now {
                    Some(now) => self.put_conflict(now),
                    None => self.net.conflicts_wanted = true,
                }
                if let Some(info) = self.conflicts.get(&conflict) {
                    let (item, name) = (info.file_id, info.file_name.clone());
                    self.notify(Notice::ConflictChanged { conflict, item, name });
                }
            }
            code => {
                let refusal = Refusal { code, message: problem.detail, retryable: false };
                self.refused(operation, refusal);
            }
        }
    }

    pub(super) fn conflicts_answered(&mut self, call: CallId, result: Result<Vec<ConflictInfo>, CallError>) {
        let Some(Purpose::Conflicts) = self.answered(call) else { return };
        match result {
            Ok(conflicts) => {
                self.call_succeeded();
                let open: BTreeSet<ConflictId> = conflicts.iter().map(|conflict| conflict.id).collect();
                let settled: Vec<ConflictId> =
                    self.conflicts.keys().copied().filter(|id| !open.contains(id)).collect();
                for id in settled {
                    self.drop_conflict(id);
                }
                for conflict in conflicts {
                    self.put_conflict(conflict);
                }
            }
            Err(error) => {
                self.net.conflicts_wanted = self.call_failed(error).is_none();
            }
        }
    }

    /// Frames leave out long proposals: what is known of the same two contents stays until the list says more.
    pub(super) fn heard_of_conflict(&mut self, mut conflict: ConflictInfo) {
        if conflict.proposal.is_none() {
            self.net.conflicts_wanted = true;
            let contents = |info: &ConflictInfo| (info.local_content_hash, info.server_content_hash);
            let known = self.conflicts.get(&conflict.id);
            let known = known.filter(|known| contents(known) == contents(&conflict));
            conflict.proposal = known.and_then(|known| known.proposal.clone());
        }
        self.put_conflict(conflict);
    }

    pub(super) fn conflicted(&mut self, operation: Option<OperationId>, conflict: ConflictInfo) {
        if let Some(id) = operation {
            self.space_for(id);
        }
        let op = operation.and_then(|id| self.dequeue(id));
        if op.is_some() {
            let item = self.resolve(conflict.file_id);
            self.notify(Notice::Conflict { conflict: conflict.id, item, name: conflict.file_name.clone() });
        }
        self.put_conflict(ConflictInfo { operation_id: None, ..conflict });
        self.want_pull();
    }
}
