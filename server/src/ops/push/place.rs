//! Where an item is: the folder that it goes into, and moves.

use shared::activity::ActivityKind;
use shared::frames::FileAction;
use shared::limits::TREE_DEPTH_MAX;
use shared::rules::{MoveVerdict, judge_move};
use shared::sync::Outcome;
use shared::{ErrorCode, ItemId, ItemKind, ItemName};

use super::change::{Done, End, Judged};
use super::judge::{Basis, Judge, News, refuse};
use super::overlay::Write;
use super::store::ZoneStore;
use crate::db::items::ItemRow;

/// The folder that something is put into.
pub(super) struct Target {
    pub id: ItemId,
    /// Of what is put into it: 1 in the root.
    pub depth: usize,
    /// It, or a folder that it is in, is in the trash.
    pub deleted: bool,
    /// The ids from the folder to the top.
    pub path: Vec<ItemId>,
}

impl<S: ZoneStore> Judge<'_, '_, S> {
    pub(super) async fn target(&mut self, parent_id: ItemId) -> Judged<Target> {
        if parent_id == self.zone.root {
            return Ok(Target { id: parent_id, depth: 1, deleted: false, path: Vec::new() });
        }
        let Some(parent) = self.zone.item(parent_id).await? else {
            return refuse(
                ErrorCode::ParentNotFound,
                "The folder that it goes into isn't there. Choose another, or make it first.",
            );
        };
        if parent.purged_at.is_some() {
            return refuse(
                ErrorCode::Gone,
                "The folder that it goes into was removed for good. Choose another.",
            );
        }
        if parent.kind != ItemKind::Folder {
            return refuse(ErrorCode::NotAFolder, "Only a folder can hold something. Choose one.");
        }
        let chain = self.zone.chain(parent.id).await?;
        Ok(Target {
            id: parent.id,
            depth: chain.len() + 1,
            deleted: chain.iter().any(|row| row.deleted.is_some()),
            path: chain.iter().map(|row| row.id).collect(),
        })
    }

    pub(super) fn check_depth(depth: usize) -> Judged<()> {
        if depth > TREE_DEPTH_MAX {
            return refuse(ErrorCode::TooDeep, "Folders can't be nested deeper. Put it further up.");
        }
        Ok(())
    }

    pub(super) async fn relocate(
        &mut self,
        mut item: ItemRow,
        mut basis: Basis,
        parent_id: Option<ItemId>,
        name: Option<&ItemName>,
    ) -> Judged<Done> {
        let target = self.target(parent_id.unwrap_or(item.parent_id)).await?;
        self.check_library(target.id)?;
        let Ok(name) = name.cloned().map_or_else(|| ItemName::parse(&item.name), Ok) else {
            return refuse(ErrorCode::InvalidName, "This name can't be used. Choose another.");
        };
        let deleted = self.zone.is_deleted(item.id).await?;
        let same = target.id == item.parent_id && name.as_str() == item.name;
        let seen = basis.place.covers(item.place_dot);
        let item_content = item.content_dot;
        let verdict = judge_move(seen, same, deleted);
        if matches!(verdict, MoveVerdict::Same | MoveVerdict::FirstStands) {
            let dot = self.zone.issue(&mut item);
            basis.place.learn(dot);
            if verdict == MoveVerdict::Same {
                basis.place.learn(item.place_dot);
            } else {
                let asked = name.as_str().to_owned();
                self.tell(&item, ActivityKind::MoveLost { parent_id: target.id, name: asked });
            }
            let id = item.id;
            self.zone.put(item, Write::Bump);
            return Ok(Done { item_id: id, end: End::Applied(Outcome::Unchanged), chain: basis.chain(id) });
        }
        if target.path.contains(&item.id) && !shared::faults::Fault::FolderInItself.is_planted() {
            return refuse(ErrorCode::WouldCycle, "A folder can't go into itself. Choose one outside it.");
        }
        self.check_subtree_depth(&item, target.depth).await?;
        self.bring_back(target.id, &[item.id]).await?;
        let free = self.zone.free_name(target.id, &name, item.id).await?;
        let dot = self.zone.issue(&mut item);
        basis.place.learn(dot);
        item.place_dot = dot;
        item.parent_id = target.id;
        free.as_str().clone_into(&mut item.name);
        item.deleted = None;
        let id = item.id;
        if free != name {
            self.tell(&item, ActivityKind::Renamed { asked: name.as_str().to_owned() });
        }
        if deleted && !seen {
            self.tell(&item, ActivityKind::CameBack);
        }
        self.zone.put(item, Write::Touch);
        if deleted {
            self.touch_descendants(id).await?;
        }
        self.news.push(News::File(id, if deleted { FileAction::Restored } else { FileAction::Moved }));
        // Deleted there, or content there and place here.
        let joined = (deleted && !seen) || !basis.content.covers(item_content);
        let outcome = match (free == name, joined) {
            (false, _) => Outcome::Renamed,
            (true, true) => Outcome::Merged,
            (true, false) => Outcome::Applied,
        };
        Ok(Done { item_id: id, end: End::Applied(outcome), chain: basis.chain(id) })
    }

    /// A folder takes what is in it along.
    pub(super) async fn check_subtree_depth(&mut self, item: &ItemRow, depth: usize) -> Judged<()> {
        Self::check_depth(depth)?;
        if item.kind != ItemKind::Folder || depth < self.zone.chain(item.id).await?.len() + 1 {
            return Ok(());
        }
        let (mut level, mut depth) = (vec![item.id], depth);
        loop {
            let children = self.zone.children(&level).await?;
            if children.is_empty() {
                return Ok(());
            }
            depth += 1;
            Self::check_depth(depth)?;
            level = children.iter().filter(|row| row.kind == ItemKind::Folder).map(|row| row.id).collect();
            if level.is_empty() {
                return Ok(());
            }
        }
    }
}
