//! New items, and new ids for what is there already.

use shared::activity::ActivityKind;
use shared::code::code_type;
use shared::faults::Fault;
use shared::frames::FileAction;
use shared::rules::{CreateVerdict, Holder, Known, Touched, judge_create};
use shared::sync::Outcome;
use shared::{ContentHash, ItemId, ItemKind, ItemName, VersionVector};

use super::change::{Done, End, Judged, NewItem, PreparedChange, PreparedContent};
use super::judge::{Basis, Judge, News};
use super::overlay::Write;
use super::store::ZoneStore;
use crate::db::DbError;
use crate::db::items::ItemRow;

impl<S: ZoneStore> Judge<'_, '_, S> {
    pub(super) async fn create(
        &mut self,
        change: &PreparedChange,
        new: &NewItem,
        content: Option<&PreparedContent>,
    ) -> Judged<Done> {
        if change.taken_elsewhere || self.zone.item(change.file_id).await?.is_some() {
            return Self::already_exists();
        }
        let target = self.target(new.parent_id).await?;
        self.check_library(target.id)?;
        Self::check_depth(target.depth)?;
        if let Some(content) = content {
            self.check_held(content)?;
        }
        if let Some(content) = content
            && let Some(photo) = self.equal_photo(content).await?
        {
            return Ok(self.join(change, photo, Outcome::Unchanged));
        }
        let kind = if content.is_some() { ItemKind::File } else { ItemKind::Folder };
        // What a deleted folder holds stays in the trash when the folder comes back for the new item.
        let holder = if target.deleted {
            None
        } else {
            self.zone.holder(target.id, new.name.folded().as_str()).await?
        };
        let equal = match (&holder, content) {
            (Some(held), Some(content)) => self.equal_to_item(held, content),
            _ => false,
        };
        if Fault::CaseOverwrites.is_planted()
            && let (Some(held), Some(content)) = (&holder, content)
            && held.kind == ItemKind::File
            && held.name != new.name.as_str()
        {
            return self.overwrite(change, held.clone(), content);
        }
        let verdict = judge_create(kind, holder.as_ref().map(|held| Holder { kind: held.kind, equal }));
        match (verdict, holder) {
            (CreateVerdict::SameFile, Some(held)) => Ok(self.join(change, held, Outcome::Unchanged)),
            (CreateVerdict::SameFolder, Some(held)) => {
                self.tell(&held, ActivityKind::FoldersJoined);
                Ok(self.join(change, held, Outcome::Merged))
            }
            (verdict, _) => {
                if let Some(content) = content {
                    self.reference(content)?;
                }
                self.bring_back(target.id, &[]).await?;
                let name = self.zone.free_name(target.id, &new.name, change.file_id).await?;
                let renamed = verdict == CreateVerdict::Rename || name != new.name;
                let content = content.map(|content| (content.hash, content.size()));
                let done = self.place_new(change.file_id, target.id, &name, new, content);
                if renamed {
                    self.tell_renamed(change.file_id, &new.name).await?;
                }
                let outcome = if renamed { Outcome::Renamed } else { Outcome::Applied };
                Ok(Done { end: End::Applied(outcome), ..done })
            }
        }
    }

    async fn tell_renamed(&mut self, item_id: ItemId, asked: &ItemName) -> Result<(), DbError> {
        if let Some(item) = self.zone.item(item_id).await? {
            self.tell(&item, ActivityKind::Renamed { asked: asked.as_str().to_owned() });
        }
        Ok(())
    }

    /// Only where [`Fault::CaseOverwrites`] is planted.
    fn overwrite(
        &mut self,
        change: &PreparedChange,
        mut held: ItemRow,
        content: &PreparedContent,
    ) -> Judged<Done> {
        self.reference(content)?;
        let dot = self.zone.issue(&mut held);
        self.set_content(&mut held, (content.hash, content.size()), self.context.now, dot);
        Ok(self.join(change, held, Outcome::Unchanged))
    }

    /// The new id becomes another name for what is there.
    fn join(&mut self, change: &PreparedChange, mut held: ItemRow, outcome: Outcome) -> Done {
        let dot = self.zone.issue(&mut held);
        let mut basis = Basis {
            content: Known::default(),
            place: Known::default(),
            version: held.version_id,
            conflict: None,
        };
        basis.content.learn(dot);
        basis.content.learn(held.content_dot);
        basis.place.learn(dot);
        basis.place.learn(held.place_dot);
        let item_id = held.id;
        if !Fault::AliasIsForgotten.is_planted() {
            self.zone.alias(change.file_id, item_id);
        }
        self.zone.put(held, Write::Bump);
        Done { item_id, end: End::Applied(outcome), chain: basis.chain(item_id) }
    }

    /// A new item whose content is referenced and whose place is free.
    pub fn place_new(
        &mut self,
        id: ItemId,
        parent_id: ItemId,
        name: &ItemName,
        new: &NewItem,
        content: Option<(ContentHash, u64)>,
    ) -> Done {
        let now = self.context.now;
        let dot = self.zone.first_dot();
        let created_at = new.created_at.unwrap_or(now);
        let modified_at = new.modified_at.or(new.created_at).unwrap_or(now);
        let version_id = content.map(|content| self.add_version(id, content, modified_at, dot, true));
        let said = new.mime_type.clone().filter(|said| !said.trim().is_empty());
        let mime_type = content.map(|_| said.unwrap_or_else(|| mime_type_of(name)));
        self.zone.add(ItemRow {
            id,
            parent_id,
            name: name.as_str().to_owned(),
            kind: if content.is_some() { ItemKind::File } else { ItemKind::Folder },
            size: content.map_or(0, |(_, size)| size),
            mime_type,
            content_hash: content.map(|(hash, _)| hash),
            version_id,
            vector: VersionVector::from_iter([dot]),
            content_dot: dot,
            place_dot: dot,
            last_count: dot.count,
            created_at,
            modified_at,
            deleted: None,
            purged_at: None,
            feed: 0,
            touched: Touched::first(self.context.device, 0),
            fed_by: None,
            photo: content.and(self.new_photo(new)),
        });
        self.news.push(News::File(id, FileAction::Created));
        let mut known = Known::default();
        known.learn(dot);
        let basis = Basis { content: known.clone(), place: known, version: version_id, conflict: None };
        Done { item_id: id, end: End::Applied(Outcome::Applied), chain: basis.chain(id) }
    }
}

/// By the name's extension, where the client does not say: browsers give an empty type where they know none.
fn mime_type_of(name: &ItemName) -> String {
    let guessed = || mime_guess::from_path(name.as_str()).first_or_octet_stream().essence_str().to_owned();
    code_type(name.as_str()).map_or_else(guessed, str::to_owned)
}
