//! What people say of photos.

use shared::ItemId;
use shared::photo::PhotoEdit;

use super::{Act, Engine, Undo};
use crate::command::{Command, CommandError, Ran};
use crate::outbox::Sort;

impl Engine {
    /// Said again before it was sent, it is one operation.
    pub(super) fn describe_photo(
        &mut self,
        id: ItemId,
        edit: PhotoEdit,
        ran: &mut Ran,
    ) -> Result<Undo, CommandError> {
        let node = self.check_there(id)?;
        let Some(photo) = node.photo else { return Err(CommandError::NotAPhoto(id)) };
        let former = PhotoEdit {
            is_favorite: edit.is_favorite.map(|_| photo.is_favorite),
            hidden: edit.hidden.map(|_| photo.hidden),
            archived: edit.archived.map(|_| photo.archived),
            taken_at: edit.taken_at.map(|_| Some(photo.taken_at)),
            taken_at_offset: edit.taken_at_offset.map(|_| photo.taken_at_offset),
            location: edit.location.map(|_| photo.location),
        };
        let undo = vec![Command::DescribePhoto { id, edit: former }];
        let last = self.outbox.of_item(id).next_back().filter(|last| last.may_change());
        let joined = match last.map(|last| (last.op.id, &last.op.act)) {
            Some((operation, Act::Photo(said))) => Some((operation, said.followed_by(&edit))),
            _ => None,
        };
        let operation = if let Some((operation, said)) = joined {
            if let Some(queued) = self.outbox.get_mut(operation) {
                queued.op.act = Act::Photo(said);
            }
            self.touch_operation(operation);
            self.refold(id);
            operation
        } else {
            let base = self.base_for(id, &[Sort::Content, Sort::Place]);
            self.enqueue(id, Act::Photo(edit), base)
        };
        ran.operations.push((id, operation));
        Ok(undo)
    }
}
