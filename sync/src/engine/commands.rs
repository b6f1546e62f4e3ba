//! What a person asks for, applied at once and queued.

use shared::limits::{FILE_BYTES_MAX, PUSH_DATA_BYTES_MAX, TREE_DEPTH_MAX};
use shared::sync::{Base, Resolution, ZoneRole};
use shared::{
    ChunkHash, ConflictId, ContentHash, ItemId, ItemKind, ItemName, OperationId, Timestamp, ZoneId,
};

use super::{Act, Effect, Engine};
use crate::command::{Command, CommandError, EditBase, NewContent, Ran};
use crate::outbox::{Queued, Sort};
use crate::store::Content;
use crate::tree::Node;

/// How many numbers are tried for a taken name before the server is left to choose.
const NUMBERS_MAX: u32 = 10_000;
/// How many later operations are looked at before an act is queued on its own instead of joined.
const JOIN_SCAN_MAX: usize = 64;

/// The undo of one command, in order.
type Undo = Vec<Command>;

impl Engine {
    /// Does what a person asks for, as one step: each command on what the ones before it left.
    pub fn run(&mut self, now: Timestamp, commands: Vec<Command>) -> Ran {
        self.now = now;
        let mut ran = Ran::default();
        for (index, command) in commands.into_iter().enumerate() {
            match self.perform(command, &mut ran) {
                // The last done is the first undone.
                Ok(undo) => drop(ran.undo.splice(0..0, undo)),
                Err(error) => ran.refused.push((index, error)),
            }
        }
        ran.effects = self.finish();
        ran
    }

    fn perform(&mut self, command: Command, ran: &mut Ran) -> Result<Undo, CommandError> {
        match command {
            Command::CreateFolder { id, parent, name } => {
                let (parent, name) = self.check_new(id, parent, &name)?;
                let act = Act::CreateFolder { parent, name };
                let operation = self.enqueue(id, act, Self::unknown_base());
                ran.operations.push((id, operation));
                Ok(vec![Command::Delete { id }])
            }
            Command::CreateFile { id, parent, name, content, mime_type, created_at, modified_at } => {
                check_size(id, &content)?;
                let (parent, name) = self.check_new(id, parent, &name)?;
                let (content, bytes) = stored(content);
                let act = Act::CreateFile { parent, name, content, mime_type, created_at, modified_at };
                let operation = self.enqueue(id, act, Self::unknown_base());
                self.disk.draft.contents.extend(bytes.map(|bytes| (operation, bytes)));
                ran.operations.push((id, operation));
                Ok(vec![Command::Delete { id }])
            }
            Command::SetContent { id, content, modified_at, base } => {
                check_size(id, &content)?;
                let operation = self.set_content(self.resolve(id), content, modified_at, base)?;
                ran.operations.push((id, operation));
                Ok(Undo::new())
            }
            Command::Rename { id, name } => self.place(self.resolve(id), None, Some(name), ran),
            Command::Move { id, parent } => {
                self.place(self.resolve(id), Some(self.resolve(parent)), None, ran)
            }
            Command::Delete { id } => self.delete(self.resolve(id), ran),
            Command::Restore { id, parent } => {
                self.restore(self.resolve(id), parent.map(|parent| self.resolve(parent)), ran)
            }
            Command::Purge { id } => {
                let id = self.resolve(id);
                self.check_trashed(id)?;
                let base = self.base_for(id, &[Sort::Content, Sort::Place]);
                let operation = self.enqueue(id, Act::Purge, base);
                ran.operations.push((id, operation));
                Ok(Undo::new())
            }
            Command::Resolve { conflict, resolution } => {
                let (item, operation) = self.settle(conflict, resolution)?;
                ran.operations.push((item, operation));
                Ok(Undo::new())
            }
        }
    }

    fn set_content(
        &mut self,
        id: ItemId,
        content: NewContent,
        modified_at: Option<Timestamp>,
        base: Option<EditBase>,
    ) -> Result<OperationId, CommandError> {
        let node = self.check_live(id)?;
        if node.kind != ItemKind::File {
            return Err(CommandError::NotAFile(id));
        }
        let (content, bytes) = stored(content);
        let base = match base {
            Some(EditBase::Version(version)) => Base::version(version),
            Some(EditBase::Operation(operation)) => Base::operation(operation),
            None => self.base_for(id, &[Sort::Content]),
        };
        let operation = self.join_content(id, &content, modified_at, &base).unwrap_or_else(|| {
            let act = Act::SetContent { content, modified_at };
            self.enqueue(id, act, base)
        });
        self.disk.draft.contents.retain(|(of, _)| *of != operation);
        self.disk.draft.contents.extend(bytes.map(|bytes| (operation, bytes)));
        Ok(operation)
    }

    /// Puts a later content in the place of one that was never sent and that it was made on.
    fn join_content(
        &mut self,
        id: ItemId,
        new: &Content,
        at: Option<Timestamp>,
        base: &Base,
    ) -> Option<OperationId> {
        let last = self.outbox.of_item(id).next_back()?;
        let operation = last.op.id;
        let small = |content: &Content| matches!(content, Content::Stored { .. });
        let joins = last.may_change()
            && small(new)
            && last.op.act.content().is_some_and(small)
            && base.base_operation_id == Some(operation);
        if !joins {
            return None;
        }
        let now = self.now;
        match &mut self.outbox.get_mut(operation)?.op.act {
            Act::CreateFile { content, modified_at, .. } | Act::SetContent { content, modified_at } => {
                *content = new.clone();
                *modified_at = at.or(Some(now));
            }
            _ => return None,
        }
        self.touch_operation(operation);
        self.refold(id);
        Some(operation)
    }

    /// Renames, moves, or both.
    fn place(
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
                Act::CreateFile { .. } | Act::SetContent { .. } | Act::Resolve { .. } => true,
                _ => item == id,
            }
        };
        later.by_ref().take(JOIN_SCAN_MAX).all(innocent) && later.next().is_none()
    }

    fn delete(&mut self, id: ItemId, ran: &mut Ran) -> Result<Undo, CommandError> {
        let node = self.check_live(id)?;
        if let Some(undo) = self.forget_creation(id, &node) {
            return Ok(undo);
        }
        let base = self.base_for(id, &[Sort::Content, Sort::Place]);
        let seen_token = self.meta.sync_token.clone();
        let operation = self.enqueue(id, Act::Delete { seen_token }, base);
        ran.operations.push((id, operation));
        Ok(vec![Command::Restore { id, parent: None }])
    }

    /// Takes back a creation that was never sent and holds nothing worth a place in the trash: an empty
    /// folder or an empty file.
    fn forget_creation(&mut self, id: ItemId, node: &Node) -> Option<Undo> {
        let name = ItemName::parse(&node.name).ok()?;
        let never_sent = self.outbox.of_item(id).all(Queued::may_change)
            && self.outbox.of_item(id).next().is_some_and(|first| first.op.act.is_create());
        if !never_sent || node.size > 0 {
            return None;
        }
        let undo = match node.kind {
            ItemKind::Folder => Command::CreateFolder { id, parent: node.parent, name },
            ItemKind::File => Command::CreateFile {
                id,
                parent: node.parent,
                name,
                content: NewContent::Small(Vec::new()),
                mime_type: self.tree.mime_of(node).map(str::to_owned),
                created_at: Some(node.created_at),
                modified_at: Some(node.modified_at),
            },
        };
        let named = node.kind == ItemKind::Folder
            && self.outbox.iter().any(|queued| queued.op.act.parent().is_some_and(|p| self.resolve(p) == id));
        if named || self.outbox.of_item(id).any(|queued| queued.op.act.is_upload()) {
            return None;
        }
        let waiting: Vec<OperationId> = self.outbox.of_item(id).map(|queued| queued.op.id).collect();
        for operation in waiting {
            self.dequeue(operation);
        }
        Some(vec![undo])
    }

    fn restore(&mut self, id: ItemId, parent: Option<ItemId>, ran: &mut Ran) -> Result<Undo, CommandError> {
        let node = self.check_trashed(id)?;
        let parent = parent.filter(|parent| *parent != node.parent);
        if let Some(parent) = parent {
            self.check_folder(parent)?;
            if self.tree.is_within(parent, id) {
                return Err(CommandError::WouldCycle(id));
            }
        }
        // Undone before it was ever told: nothing happened.
        let last = self.outbox.of_item(id).next_back();
        let untold = last.filter(|last| matches!(last.op.act, Act::Delete { .. }) && last.may_change());
        if let Some(operation) = untold.map(|last| last.op.id)
            && parent.is_none()
            && ItemName::parse(&node.name)
                .is_ok_and(|name| self.free_name(node.parent, &name, Some(id)) == name)
        {
            self.dequeue(operation);
            return Ok(vec![Command::Delete { id }]);
        }
        let base = self.base_for(id, &[Sort::Place]);
        let operation = self.enqueue(id, Act::Restore { parent }, base);
        ran.operations.push((id, operation));
        Ok(vec![Command::Delete { id }])
    }

    fn settle(
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
    pub(super) fn is_settled(&self, conflict: ConflictId) -> bool {
        let Some(info) = self.conflicts.get(&conflict) else { return true };
        let waiting = self.outbox.of_item(self.resolve(info.file_id));
        waiting.into_iter().any(|queued| !queued.is_parked() && queued.op.act.conflict() == Some(conflict))
    }

    /// The name itself where it is free among the live children, else the first free numbered one, as the
    /// server would choose.
    fn free_name(&self, parent: ItemId, name: &ItemName, of: Option<ItemId>) -> ItemName {
        let is_free = |name: &ItemName| {
            let holder = self.tree.child_named(parent, &name.folded());
            holder.is_none() || holder == of
        };
        let mut names = std::iter::once(name.clone()).chain((2..NUMBERS_MAX).map(|n| name.numbered(n)));
        names.find(is_free).unwrap_or_else(|| name.clone())
    }

    fn check_new(
        &self,
        id: ItemId,
        parent: ItemId,
        name: &ItemName,
    ) -> Result<(ItemId, ItemName), CommandError> {
        let parent = self.resolve(parent);
        self.check_folder(parent)?;
        if self.aliases.contains_key(&id) || self.tree.local(id).is_some() || self.outbox.has_item(id) {
            return Err(CommandError::AlreadyExists(id));
        }
        Ok((parent, self.free_name(parent, name, None)))
    }

    fn check_folder(&self, id: ItemId) -> Result<(), CommandError> {
        if self.tree.is_root(id) {
            return self.check_role(id, self.tree.zone_of_folder(id));
        }
        let node = self.tree.local(id).ok_or(CommandError::ParentNotFound(id))?;
        if node.kind != ItemKind::Folder {
            return Err(CommandError::NotAFolder(id));
        }
        if !self.tree.is_live(id) {
            return Err(CommandError::ParentNotFound(id));
        }
        if self.tree.ancestors(id).is_none_or(|above| above.len() + 2 > TREE_DEPTH_MAX) {
            return Err(CommandError::TooDeep(id));
        }
        self.check_role(id, Some(self.tree.zone_of(node)))
    }

    fn check_live(&self, id: ItemId) -> Result<Node, CommandError> {
        if self.tree.is_root(id) {
            return Err(CommandError::RootImmutable);
        }
        let node = self.tree.local(id).ok_or(CommandError::NotFound(id))?;
        if !self.tree.is_live(id) {
            return Err(CommandError::Deleted(id));
        }
        self.check_role(id, Some(self.tree.zone_of(node)))?;
        Ok(node.clone())
    }

    fn check_trashed(&self, id: ItemId) -> Result<Node, CommandError> {
        let node = self.tree.local(id).ok_or(CommandError::NotFound(id))?;
        if node.deleted_at.is_none() {
            return Err(CommandError::NotDeleted(id));
        }
        self.check_role(id, Some(self.tree.zone_of(node)))?;
        Ok(node.clone())
    }

    fn check_role(&self, id: ItemId, zone: Option<ZoneId>) -> Result<(), CommandError> {
        let zone = self.meta.zones.iter().find(|known| Some(known.zone_id) == zone);
        if zone.is_some_and(|zone| zone.role == ZoneRole::Viewer) {
            return Err(CommandError::ReadOnly(id));
        }
        Ok(())
    }

    /// What an editor that opens the file now must hand back with [`Command::SetContent`], so that a
    /// change that comes in meanwhile is not taken for seen.
    pub fn edit_base(&self, id: ItemId) -> Option<EditBase> {
        let id = self.resolve(id);
        self.tree.local(id)?;
        let base = self.base_for(id, &[Sort::Content]);
        base.base_operation_id.map(EditBase::Operation).or(base.base_version.map(EditBase::Version))
    }

    pub(super) fn discard(&mut self, id: OperationId) {
        let Some(queued) = self.outbox.get(id) else { return };
        if queued.op.act.is_upload() && !queued.is_parked() && queued.sent {
            self.out.push(Effect::CancelUpload { operation: id });
            // Nobody else knows of it unless it is under way.
            if queued.in_flight {
                return;
            }
        }
        if queued.is_parked() || queued.may_change() {
            self.drop_operation(id);
        }
    }

    /// Takes an operation out with its effect. What leans on a creation goes with it; what leans on an
    /// edit now leans on what that was made on.
    pub(super) fn drop_operation(&mut self, id: OperationId) {
        if self.create_with_later_content(id).is_some() {
            return;
        }
        let Some(op) = self.dequeue(id) else { return };
        let item = self.resolve(op.item_id);
        let leaning: Vec<OperationId> = self
            .outbox
            .iter()
            .filter(|queued| {
                let names = queued.op.act.parent().is_some_and(|parent| self.resolve(parent) == item);
                op.act.is_create() && (names || self.resolve(queued.op.item_id) == item)
            })
            .map(|queued| queued.op.id)
            .collect();
        for id in leaning {
            self.drop_operation(id);
        }
        self.rebase_chained(item, id, &op.base);
        if op.absent && !self.outbox.has_item(item) {
            self.set_remote_gone(item);
        }
        self.reblock();
        self.refold(item);
    }

    /// Where the creation that is given up was edited since, the file begins with that edit instead.
    fn create_with_later_content(&mut self, id: OperationId) -> Option<()> {
        let op = &self.outbox.get(id)?.op;
        let item = self.resolve(op.item_id);
        let Act::CreateFile { .. } = op.act else { return None };
        let sequence = op.sequence;
        let edit =
            self.outbox.of_item(item).rev().find(|queued| matches!(queued.op.act, Act::SetContent { .. }))?;
        if edit.in_flight {
            return None;
        }
        let (edit, Act::SetContent { content: later, modified_at: at }) = (edit.op.id, edit.op.act.clone())
        else {
            return None;
        };
        self.reissue(id);
        let id = self.outbox.at(sequence)?;
        if let Act::CreateFile { content, modified_at, .. } = &mut self.outbox.get_mut(id)?.op.act {
            (*content, *modified_at) = (later, at);
        }
        self.disk.draft.moved_contents.push((edit, id));
        self.dequeue(edit);
        self.rebase_chained(item, edit, &Base::operation(id));
        self.refold(item);
        Some(())
    }

    /// What leaned on `gone` now leans on `base`.
    fn rebase_chained(&mut self, item: ItemId, gone: OperationId, base: &Base) {
        let chained: Vec<OperationId> = self
            .outbox
            .of_item(item)
            .filter(|queued| queued.op.base.base_operation_id == Some(gone))
            .map(|queued| queued.op.id)
            .collect();
        for other in chained {
            if let Some(queued) = self.outbox.get_mut(other) {
                queued.op.base = base.clone();
            }
            self.touch_operation(other);
        }
    }

    pub(super) fn retry(&mut self, id: OperationId) {
        let Some(queued) = self.outbox.get(id) else { return };
        if queued.is_parked() {
            self.reissue(id);
        } else if let Some(queued) = self.outbox.get_mut(id) {
            queued.op.next_try = None;
            self.net.next_try = None;
        }
    }
}

impl Queued {
    /// Whether its words may still be changed: no request can have carried them.
    fn may_change(&self) -> bool {
        !self.sent && !self.in_flight && !self.is_parked() && !self.blocked
    }
}

fn check_size(id: ItemId, content: &NewContent) -> Result<(), CommandError> {
    let fits = match content {
        NewContent::Small(bytes) => bytes.len() <= PUSH_DATA_BYTES_MAX,
        NewContent::Upload { size, .. } => *size <= FILE_BYTES_MAX,
    };
    if fits { Ok(()) } else { Err(CommandError::FileTooLarge(id)) }
}

/// How a content is kept, and the bytes that the store has to keep for it.
pub(super) fn stored(content: NewContent) -> (Content, Option<Vec<u8>>) {
    match content {
        NewContent::Small(bytes) => {
            let chunk = (!bytes.is_empty()).then(|| ChunkHash::of(&bytes));
            let content =
                Content::Stored { size: bytes.len() as u32, hash: ContentHash::of_chunks(chunk.as_ref()) };
            (content, Some(bytes))
        }
        NewContent::Upload { size, staged } => (Content::Upload { size, staged }, None),
    }
}
