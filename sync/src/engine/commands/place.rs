//! Names and folders: renames, moves, and which of them are one.

use shared::{ItemId, ItemName, OperationId};

use super::{Act, Engine, JOIN_SCAN_MAX, NUMBERS_MAX, Undo};
use crate::command::{Command, CommandError, Ran};
use crate::outbox::{Queued, Sort};

impl Engine {
    /// Renames, moves, or both.
    pub(super) fn place(
        &mut self,
        id: ItemId,
        parent: Option<ItemId>,
        name: Option<ItemName>,
        ran: &mut Ran,
    ) -> Result<Undo, CommandError> {
        let node = self.check_live(id)?;
        let parent = parent.filter(|parent| *parent != node.parent);
        if let Some(parent) = parent {
            self.check_folder(parent)?;
            if self.tree.zone_of_folder(parent) != Some(self.tree.zone_of(&node)) {
                return Err(CommandError::OtherZone(id));
            }
            if self.tree.is_within(parent, id) {
                return Err(CommandError::WouldCycle(id));
            }
        }
        let target = parent.unwrap_or(node.parent);
        let asked = name.or_else(|| ItemName::parse(&node.name).ok());
        let given = asked.map(|asked| self.free_name(target, &asked, Some(id)));
        let given = given.filter(|given| given.as_str() != &*node.name);
        if parent.is_none() && given.is_none() {
            return Ok(Undo::new());
        }
        let mut undo = Undo::new();
        if parent.is_some() {
            undo.push(Command::Move { id, parent: node.parent });
        }
        if given.is_some()
            && let Ok(name) = ItemName::parse(&node.name)
        {
            undo.push(Command::Rename { id, name });
        }
        if let Some(operation) = self.join_place(id, parent, given.as_ref()) {
            ran.operations.push((id, operation));
            return Ok(undo);
        }
        let base = self.base_for(id, &[Sort::Place]);
        let operation = self.enqueue(id, Act::Place { parent, name: given }, base);
        ran.operations.push((id, operation));
        Ok(undo)
    }

    /// Puts a later place into a creation or a move that was never sent, where nothing in between makes
    /// the order matter.
    fn join_place(
        &mut self,
        id: ItemId,
        to: Option<ItemId>,
        given: Option<&ItemName>,
    ) -> Option<OperationId> {
        let last = self.outbox.of_item(id).rev().find(|queued| queued.op.act.touches(Sort::Place))?;
        let (operation, sequence) = (last.op.id, last.op.sequence);
        if !last.may_change() || !self.may_join_after(sequence, id, to) {
            return None;
        }
        match &mut self.outbox.get_mut(operation)?.op.act {
            Act::CreateFolder { parent, name } | Act::CreateFile { parent, name, .. } => {
                *parent = to.unwrap_or(*parent);
                if let Some(given) = given {
                    *name = given.clone();
                }
            }
            Act::Place { parent, name } => {
                *parent = to.or(*parent);
                *name = given.cloned().or_else(|| name.take());
            }
            _ => return None,
        }
        self.touch_operation(operation);
        self.refold(id);
        Some(operation)
    }

    /// Whether an act of `id` may take place at `sequence` instead of now: no later operation of another
    /// item freed or took a name or made the target folder.
    fn may_join_after(&self, sequence: u64, id: ItemId, target: Option<ItemId>) -> bool {
        let mut later = self.outbox.after(sequence);
        let innocent = |queued: &Queued| {
            let item = self.resolve(queued.op.item_id);
            match queued.op.act {
                Act::CreateFolder { .. } => Some(item) != target,
                Act::CreateFile { .. }
                | Act::SetContent { .. }
                | Act::Photo(_)
                | Act::Album { .. }
                | Act::Resolve { .. } => true,
                _ => item == id,
            }
        };
        later.by_ref().take(JOIN_SCAN_MAX).all(innocent) && later.next().is_none()
    }

    /// The name itself where it is free among the live children, else the first free numbered one, as the
    /// server would choose.
    pub(in crate::engine) fn free_name(
        &self,
        parent: ItemId,
        name: &ItemName,
        of: Option<ItemId>,
    ) -> ItemName {
        let is_free = |name: &ItemName| {
            let holder = self.tree.child_named(parent, &name.folded());
            holder.is_none() || holder == of
        };
        let mut names = std::iter::once(name.clone()).chain((2..NUMBERS_MAX).map(|n| name.numbered(n)));
        names.find(is_free).unwrap_or_else(|| name.clone())
    }
}
