//! A person's choice between two contents.

use shared::sync::{Base, Resolution};
use shared::{ConflictId, ItemId, OperationId};

use super::{Act, Engine};
use crate::command::CommandError;

impl Engine {
    pub(super) fn settle(
        &mut self,
        conflict: ConflictId,
        resolution: Resolution,
    ) -> Result<(ItemId, OperationId), CommandError> {
        if self.is_settled(conflict) {
            return Err(CommandError::ConflictNotFound(conflict));
        }
        let info = self.conflicts.get(&conflict).ok_or(CommandError::ConflictNotFound(conflict))?;
        let (item, server_version) = (self.resolve(info.file_id), info.server_version.clone());
        let act = Act::Resolve { conflict, resolution, server_version };
        let operation = self.enqueue(item, act, Base::default());
        self.tree.changes.conflicts = true;
        Ok((item, operation))
    }

    /// Whether a decision of this device waits to be told.
    pub(in crate::engine) fn is_settled(&self, conflict: ConflictId) -> bool {
        let Some(info) = self.conflicts.get(&conflict) else { return true };
        let waiting = self.outbox.of_item(self.resolve(info.file_id));
        waiting.into_iter().any(|queued| !queued.is_parked() && queued.op.act.conflict() == Some(conflict))
    }
}
