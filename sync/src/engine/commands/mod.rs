//! What a person asks for, applied at once and queued.

mod conflict;
mod content;
mod copy;
mod discard;
mod photo;
mod place;
mod trash;

use shared::limits::TREE_DEPTH_MAX;
use shared::sync::ZoneRole;
use shared::{ItemId, ItemKind, ItemName, Timestamp, ZoneId};

use self::content::check_size;
pub(super) use self::content::stored;
use super::{Act, Effect, Engine};
use crate::command::{Command, CommandError, Ran};
use crate::outbox::{Queued, Sort};
use crate::tree::Node;

/// How many numbers are tried for a taken name before the server is left to choose.
const NUMBERS_MAX: u32 = 10_000;
/// How many later operations are looked at before an act is queued on its own instead of joined.
const JOIN_SCAN_MAX: usize = 64;
/// Items that one copy makes.
const COPIED_ITEMS_MAX: usize = 50_000;

/// The undo of one command, in order.
type Undo = Vec<Command>;

impl Engine {
    /// Does what a person asks for, as one step: each command on what the ones before it left.
    pub fn run(&mut self, now: Timestamp, commands: Vec<Command>) -> Ran {
        self.now = now;
        let mut ran = Ran::default();
        let mut undos = Vec::with_capacity(commands.len());
        for (index, command) in commands.into_iter().enumerate() {
            match self.perform(command, &mut ran) {
                Ok(undo) => undos.push(undo),
                Err(error) => ran.refused.push((index, error)),
            }
        }
        // The last done is the first undone.
        ran.undo = undos.into_iter().rev().flatten().collect();
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
            Command::Copy { id, source, parent } => {
                self.copy(id, self.resolve(source), self.resolve(parent), ran)
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
            Command::DescribePhoto { id, edit } => self.describe_photo(self.resolve(id), edit, ran),
            Command::ChangeAlbum { photo, album, change } => {
                self.change_album(self.resolve(photo), self.resolve(album), change, ran)
            }
            Command::Resolve { conflict, resolution } => {
                let (item, operation) = self.settle(conflict, resolution)?;
                ran.operations.push((item, operation));
                Ok(Undo::new())
            }
        }
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
        let node = self.check_there(id)?;
        if self.tree.is_live(id) { Ok(node) } else { Err(CommandError::Deleted(id)) }
    }

    /// Alive or in the trash.
    fn check_there(&self, id: ItemId) -> Result<Node, CommandError> {
        if self.tree.is_root(id) {
            return Err(CommandError::RootImmutable);
        }
        let node = self.tree.local(id).ok_or(CommandError::NotFound(id))?;
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
}

impl Queued {
    /// Whether its words may still be changed: no request can have carried them.
    fn may_change(&self) -> bool {
        (!self.sent || shared::faults::Fault::SentIsRewritten.is_planted())
            && !self.in_flight
            && !self.is_parked()
            && !self.blocked
    }
}
