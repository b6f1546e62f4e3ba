//! Contents: new ones, and what each is made on.

use shared::limits::{FILE_BYTES_MAX, PUSH_DATA_BYTES_MAX};
use shared::sync::Base;
use shared::{ChunkHash, ContentHash, ItemId, ItemKind, OperationId, Timestamp};

use super::{Act, Engine};
use crate::command::{CommandError, EditBase, NewContent};
use crate::outbox::Sort;
use crate::store::Content;

impl Engine {
    pub(super) fn set_content(
        &mut self,
        id: ItemId,
        content: NewContent,
        modified_at: Option<Timestamp>,
        base: Option<EditBase>,
    ) -> Result<OperationId, CommandError> {
        let node = if base.is_some() { self.check_there(id)? } else { self.check_live(id)? };
        if node.kind != ItemKind::File {
            return Err(CommandError::NotAFile(id));
        }
        let (content, bytes) = stored(content);
        let base = match base.filter(|_| !shared::faults::Fault::EditorBaseIsIgnored.is_planted()) {
            Some(EditBase::Version(version)) => Base::version(version),
            Some(EditBase::Operation(operation)) => self.came_to(operation),
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

    /// Puts a later content in the place of one that was never sent and that it was made on. It becomes
    /// another operation: an editor that still shows the former content has not seen this one.
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
            // Where nothing is known of what it was made on, its own content tells the server.
            && (last.op.act.is_create() || last.op.base != Self::unknown_base())
            && base.base_operation_id == Some(operation);
        if !joins {
            return None;
        }
        let now = self.now;
        let (sequence, made_on) = (last.op.sequence, last.op.base.clone());
        if last.op.act.content() == Some(new) {
            return Some(operation);
        }
        self.reissue(operation);
        // The server never hears of the former: that editor made its text on what this one was made on.
        self.followers.insert(operation, made_on);
        let operation = self.outbox.at(sequence)?;
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

    /// What builds on an operation now, where that one was given up or goes by another id.
    fn came_to(&self, operation: OperationId) -> Base {
        let mut base = Base::operation(operation);
        while let Some(next) = base
            .base_operation_id
            .filter(|id| !self.outbox.contains(*id))
            .and_then(|id| self.followers.get(&id))
        {
            base = next.clone();
        }
        base
    }

    /// What an editor that opens the file now must hand back with [`Command::SetContent`], so that a
    /// change that comes in meanwhile is not taken for seen.
    pub fn edit_base(&self, id: ItemId) -> Option<EditBase> {
        let id = self.resolve(id);
        self.tree.local(id)?;
        let base = self.base_for(id, &[Sort::Content]);
        base.base_operation_id.map(EditBase::Operation).or(base.base_version.map(EditBase::Version))
    }
}

pub(super) fn check_size(id: ItemId, content: &NewContent) -> Result<(), CommandError> {
    let fits = match content {
        NewContent::Small(bytes) => bytes.len() <= PUSH_DATA_BYTES_MAX,
        NewContent::Upload { size, .. } | NewContent::Held { size, .. } => *size <= FILE_BYTES_MAX,
    };
    if fits { Ok(()) } else { Err(CommandError::FileTooLarge(id)) }
}

/// How a content is kept, and the bytes that the store has to keep for it.
pub(in crate::engine) fn stored(content: NewContent) -> (Content, Option<Vec<u8>>) {
    match content {
        NewContent::Small(bytes) => {
            let chunk = (!bytes.is_empty()).then(|| ChunkHash::of(&bytes));
            let content =
                Content::Stored { size: bytes.len() as u32, hash: ContentHash::of_chunks(chunk.as_ref()) };
            (content, Some(bytes))
        }
        NewContent::Upload { size, staged } => (Content::Upload { size, staged }, None),
        NewContent::Held { of, size, hash } => (Content::Copy { size, of, hash }, None),
    }
}
