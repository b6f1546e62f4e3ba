//! What people say of photos.

use shared::photo::{AlbumChange, InAlbum, PhotoEdit, PhotoInfo};
use shared::sync::ZoneKind;
use shared::{ItemId, ItemKind};

use super::{Act, Engine, Undo};
use crate::command::{Command, CommandError, Ran};
use crate::outbox::Sort;
use crate::tree::Node;

impl Engine {
    /// Said again before it was sent, it is one operation.
    pub(super) fn describe_photo(
        &mut self,
        id: ItemId,
        edit: PhotoEdit,
        ran: &mut Ran,
    ) -> Result<Undo, CommandError> {
        let photo = self.photo_of(id)?;
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

    /// What is known of a photo; of one that the server has not seen yet, its file's own time.
    fn photo_of(&self, id: ItemId) -> Result<Box<PhotoInfo>, CommandError> {
        let node = self.check_there(id)?;
        let unknown = || self.is_new_photo(&node).then(|| Box::new(PhotoInfo::unknown(node.modified_at)));
        node.photo.clone().or_else(unknown).ok_or(CommandError::NotAPhoto(id))
    }

    /// Whether the server will find a photo in this file of the library.
    fn is_new_photo(&self, node: &Node) -> bool {
        node.kind == ItemKind::File && self.root_of(ZoneKind::Photos) == Some(node.parent)
    }

    /// Said again of the same album before it was sent, it is one operation, where one can say it.
    pub(super) fn change_album(
        &mut self,
        id: ItemId,
        album: ItemId,
        change: AlbumChange,
        ran: &mut Ran,
    ) -> Result<Undo, CommandError> {
        let node = self.check_there(id)?;
        // What is on its way, or not looked at yet, may go into an album: the server will find what it is.
        let is_sent = || !self.outbox.of_item(id).any(|queued| queued.op.act.is_create());
        if node.photo.is_none() && !self.is_new_photo(&node) && is_sent() {
            return Err(CommandError::NotAPhoto(id));
        }
        let photo = node.photo;
        match self.tree.local(album) {
            Some(node) if node.kind == ItemKind::Folder => {}
            Some(_) => return Err(CommandError::NotAFolder(album)),
            None => return Err(CommandError::ParentNotFound(album)),
        }
        let held = photo.as_ref().and_then(|photo| photo.in_album(album));
        let is_in = held.is_some() || self.is_headed_for(id, album);
        let sort_at = held.and_then(|held| held.sort_at);
        let undo = match (is_in, change) {
            (false, AlbumChange::Remove | AlbumChange::Place(None)) | (true, AlbumChange::Add) => {
                return Ok(Vec::new());
            }
            (true, AlbumChange::Place(at)) if at == sort_at => return Ok(Vec::new()),
            (true, AlbumChange::Place(_)) => Some((id, AlbumChange::Place(sort_at))),
            // It comes back to its place.
            (true, AlbumChange::Remove) if sort_at.is_some() => Some((id, AlbumChange::Place(sort_at))),
            (true, AlbumChange::Remove) => Some((id, AlbumChange::Add)),
            (false, _) => Some((id, AlbumChange::Remove)),
            (true, AlbumChange::Cover) => {
                self.cover_of(album).filter(|cover| *cover != id).map(|cover| (cover, AlbumChange::Cover))
            }
        };
        let undo = undo.map(|(photo, change)| Command::ChangeAlbum { photo, album, change });
        let last = self.outbox.of_item(id).next_back().filter(|last| last.may_change());
        let told = self.tree.remote(id).and_then(|node| node.photo.as_ref()?.in_album(album));
        let joined = last.and_then(|last| match last.op.act {
            Act::Album { album: of, change: former } if self.resolve(of) == album => {
                Some((last.op.id, in_one(former, change, told)?))
            }
            _ => None,
        });
        let operation = if let Some((operation, change)) = joined {
            if let Some(queued) = self.outbox.get_mut(operation) {
                queued.op.act = Act::Album { album, change };
            }
            self.touch_operation(operation);
            self.refold(id);
            operation
        } else {
            let base = self.base_for(id, &[Sort::Content, Sort::Place]);
            self.enqueue(id, Act::Album { album, change }, base)
        };
        ran.operations.push((id, operation));
        Ok(undo.into_iter().collect())
    }
}

/// What does the same as one change after another to a photo of an album; `told` is how it was there before both.
fn in_one(former: AlbumChange, change: AlbumChange, told: Option<&InAlbum>) -> Option<AlbumChange> {
    match (former, change) {
        // What comes in again has no place.
        (AlbumChange::Remove, AlbumChange::Add | AlbumChange::Cover) => {
            told.is_none_or(|told| told.sort_at.is_none()).then_some(change)
        }
        (AlbumChange::Cover, AlbumChange::Place(_)) | (AlbumChange::Place(_), AlbumChange::Cover) => None,
        // What puts it in has to stay.
        (AlbumChange::Place(_), AlbumChange::Place(None)) if told.is_none() => None,
        _ => Some(change),
    }
}
