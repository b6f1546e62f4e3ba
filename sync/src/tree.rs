//! The trees in memory: *remote*, and *local* as remote with an overlay of the items that queued
//! operations touch; an index of live children by folder and folded name. Each change costs what it
//! touches, whatever the size of the whole. Only ordered maps: the same events give the same output.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use shared::limits::TREE_DEPTH_MAX;
use shared::name::FoldedName;
use shared::photo::PhotoInfo;
use shared::{ContentHash, Dot, FileItem, ItemId, ItemKind, ItemName, Timestamp, VersionVector, ZoneId};

use crate::effect::Changes;
use crate::store::StoredItem;

/// An item, as small as it gets: no path, no spare capacity, shared zones and types.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub(crate) parent: ItemId,
    pub(crate) name: Box<str>,
    version: Box<[Dot]>,
    pub(crate) size: u64,
    pub(crate) created_at: Timestamp,
    pub(crate) modified_at: Timestamp,
    pub(crate) deleted_at: Option<Timestamp>,
    pub(crate) content_hash: Option<ContentHash>,
    zone: u16,
    mime: u16,
    pub(crate) kind: ItemKind,
    pub(crate) photo: Option<Box<PhotoInfo>>,
}

impl Node {
    pub(crate) fn version(&self) -> VersionVector {
        self.version.iter().copied().collect()
    }

    /// The highest count in the vector. Counts rise over the whole item, so this orders its states.
    fn age(&self) -> u64 {
        self.version.iter().map(|dot| dot.count).max().unwrap_or(0)
    }

    /// The form under which siblings are compared. What the server gave is valid; anything else is only
    /// compared as it stands.
    pub(crate) fn folded(&self) -> String {
        folded(&self.name)
    }
}

fn folded(name: &str) -> String {
    ItemName::parse(name).map_or_else(|_| name.to_owned(), |name| name.folded().as_str().to_owned())
}

/// Where a folded name stands among its siblings: folders before files, otherwise in no meaningful order.
fn rank(kind: ItemKind, folded: impl Iterator<Item = u8>) -> u64 {
    let after_folders = u64::from(kind == ItemKind::File) << 63;
    after_folders | hash(folded) >> 1
}

/// As [`rank`]. Most names are ASCII, whose folded form need not be made.
fn rank_of(node: &Node) -> u64 {
    if node.name.is_ascii() && !shared::faults::Fault::CaseMakesANameFree.is_planted() {
        rank(node.kind, node.name.bytes().map(|byte| byte.to_ascii_lowercase()))
    } else {
        rank(node.kind, node.folded().bytes())
    }
}

/// FNV-1a (Fowler, Noll, Vo), 64 bits: only to find a name among siblings.
fn hash(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

/// What differs little from item to item, by small numbers. 65,535 of them; later ones share the first.
#[derive(Clone, Debug)]
struct Interned<T>(Vec<T>);

impl<T: PartialEq> Interned<T> {
    fn number(&mut self, value: T) -> u16 {
        let at = self.0.iter().position(|known| *known == value).unwrap_or_else(|| {
            if self.0.len() < usize::from(u16::MAX) {
                self.0.push(value);
                self.0.len() - 1
            } else {
                0
            }
        });
        at as u16
    }
}

/// Both trees of one device.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    remote: BTreeMap<ItemId, Node>,
    /// Items that queued operations touch, as they look with them; None where they took it away.
    overlay: BTreeMap<ItemId, Option<Node>>,
    /// Live children of the local tree: the rank of the folded name, then the id.
    children: BTreeMap<ItemId, BTreeSet<(u64, ItemId)>>,
    /// Topmost deleted items of the local tree.
    trashed: BTreeSet<ItemId>,
    /// The top folders, which are no items, and their zones.
    roots: BTreeMap<ItemId, u16>,
    zones: Interned<ZoneId>,
    mimes: Interned<Box<str>>,
    pub(crate) changes: Changes,
}

impl Tree {
    pub(crate) fn new() -> Self {
        Self {
            remote: BTreeMap::new(),
            overlay: BTreeMap::new(),
            children: BTreeMap::new(),
            trashed: BTreeSet::new(),
            roots: BTreeMap::new(),
            zones: Interned(Vec::new()),
            mimes: Interned(vec!["".into()]),
            changes: Changes::default(),
        }
    }

    /// The item as the person sees it.
    pub(crate) fn local(&self, id: ItemId) -> Option<&Node> {
        self.overlay.get(&id).map_or_else(|| self.remote.get(&id), Option::as_ref)
    }

    pub(crate) fn remote(&self, id: ItemId) -> Option<&Node> {
        self.remote.get(&id)
    }

    pub(crate) fn remote_ids(&self) -> impl Iterator<Item = ItemId> + '_ {
        self.remote.keys().copied()
    }

    pub(crate) fn remote_len(&self) -> usize {
        self.remote.len()
    }

    /// The folders that items are in and that the server no longer has. Each folder is looked at once, whatever is
    /// in it.
    pub(crate) fn missing_folders(&self) -> BTreeSet<ItemId> {
        let live = self.children.keys().copied();
        let parents = live.chain(self.trashed.iter().filter_map(|id| Some(self.local(*id)?.parent)));
        parents.filter(|parent| !self.remote.contains_key(parent) && !self.is_root(*parent)).collect()
    }

    /// The folders above an item as the server last told it, the nearest first.
    pub(crate) fn remote_ancestors(&self, id: ItemId) -> impl Iterator<Item = ItemId> + '_ {
        let above = move |id: &ItemId| self.remote.get(id).map(|node| node.parent);
        std::iter::successors(above(&id), above).take(TREE_DEPTH_MAX + 1)
    }

    pub(crate) fn set_root(&mut self, id: ItemId, zone: ZoneId) {
        let zone = self.zones.number(zone);
        self.roots.insert(id, zone);
    }

    pub(crate) fn remove_root(&mut self, id: ItemId) {
        self.roots.remove(&id);
    }

    pub(crate) fn is_root(&self, id: ItemId) -> bool {
        self.roots.contains_key(&id)
    }

    pub(crate) fn zone_of(&self, node: &Node) -> ZoneId {
        self.zones.0[usize::from(node.zone)]
    }

    /// The zone of a folder, the top ones included.
    pub(crate) fn zone_of_folder(&self, id: ItemId) -> Option<ZoneId> {
        let zone = self.roots.get(&id).copied().or_else(|| self.local(id).map(|node| node.zone))?;
        self.zones.0.get(usize::from(zone)).copied()
    }

    pub(crate) fn mime_of(&self, node: &Node) -> Option<&str> {
        (node.mime != 0).then(|| &*self.mimes.0[usize::from(node.mime)])
    }

    /// A new item that the server does not know yet.
    pub(crate) fn new_node(
        &mut self,
        zone: ZoneId,
        parent: ItemId,
        name: &str,
        kind: ItemKind,
        mime: Option<&str>,
        at: Timestamp,
    ) -> Node {
        Node {
            parent,
            name: name.into(),
            version: Box::default(),
            size: 0,
            created_at: at,
            modified_at: at,
            deleted_at: None,
            content_hash: None,
            zone: self.zones.number(zone),
            mime: self.mime(mime),
            kind,
            photo: None,
        }
    }

    fn mime(&mut self, mime: Option<&str>) -> u16 {
        mime.map_or(0, |mime| self.mimes.number(mime.into()))
    }

    pub(crate) fn node(&mut self, item: StoredItem) -> Node {
        Node {
            parent: item.parent_id,
            name: item.name.into(),
            version: item.version.iter().collect(),
            size: item.size,
            created_at: item.created_at,
            modified_at: item.modified_at,
            deleted_at: item.deleted_at,
            content_hash: item.content_hash,
            zone: self.zones.number(item.zone_id),
            mime: self.mime(item.mime_type.as_deref()),
            kind: item.kind,
            photo: item.photo,
        }
    }

    pub(crate) fn stored(&self, id: ItemId) -> Option<StoredItem> {
        let node = self.remote.get(&id)?;
        Some(StoredItem {
            id,
            zone_id: self.zone_of(node),
            parent_id: node.parent,
            name: node.name.to_string(),
            kind: node.kind,
            size: node.size,
            mime_type: self.mime_of(node).map(str::to_owned),
            content_hash: node.content_hash,
            version: node.version(),
            created_at: node.created_at,
            modified_at: node.modified_at,
            deleted_at: node.deleted_at,
            photo: node.photo.clone(),
        })
    }

    /// Whether `item` is an earlier state than the one at hand: answers can overtake one another.
    pub(crate) fn is_stale(&self, item: &FileItem) -> bool {
        let age = item.version.iter().map(|dot| dot.count).max().unwrap_or(0);
        let stale = self.remote.get(&item.id).is_some_and(|node| age < node.age());
        stale && !shared::faults::Fault::StaleIsTaken.is_planted()
    }

    pub(crate) fn set_remote(&mut self, id: ItemId, node: Option<Node>) {
        self.change(id, |tree| match node {
            Some(node) => drop(tree.remote.insert(id, node)),
            None => drop(tree.remote.remove(&id)),
        });
    }

    /// Lays what the queued operations make of an item over it; None where they take it away.
    pub(crate) fn lay_over(&mut self, id: ItemId, node: Option<Node>) {
        self.change(id, |tree| drop(tree.overlay.insert(id, node)));
    }

    /// Shows an item as the server told it.
    pub(crate) fn lay_bare(&mut self, id: ItemId) {
        self.change(id, |tree| drop(tree.overlay.remove(&id)));
    }

    /// Changes one item of the local tree and what indexes it.
    fn change(&mut self, id: ItemId, edit: impl FnOnce(&mut Self)) {
        let before = self.local(id).map(Standing::of);
        edit(self);
        let after = self.local(id).map(Standing::of);
        self.changes.items.insert(id);
        if before == after {
            if let Some(standing) = before {
                self.note_list(standing.place.map(|(parent, _)| parent), standing.is_trashed());
            }
            return;
        }
        if let Some(standing) = before {
            match standing.place {
                Some((parent, rank)) => {
                    if let Some(siblings) = self.children.get_mut(&parent) {
                        siblings.remove(&(rank, id));
                        if siblings.is_empty() {
                            self.children.remove(&parent);
                        }
                    }
                }
                None => drop(self.trashed.remove(&id)),
            }
            self.note_list(standing.place.map(|(parent, _)| parent), standing.is_trashed());
        }
        if let Some(standing) = after {
            match standing.place {
                Some((parent, rank)) => drop(self.children.entry(parent).or_default().insert((rank, id))),
                None => drop(self.trashed.insert(id)),
            }
            self.note_list(standing.place.map(|(parent, _)| parent), standing.is_trashed());
        }
    }

    fn note_list(&mut self, parent: Option<ItemId>, trash: bool) {
        self.changes.folders.extend(parent);
        self.changes.trash |= trash;
    }

    /// The live children of a folder, its folders first.
    pub(crate) fn children(&self, folder: ItemId) -> impl Iterator<Item = ItemId> + '_ {
        self.children.get(&folder).into_iter().flatten().map(|(_, id)| *id)
    }

    /// Those that stand behind one of them, which may be gone by now, each with where it stands.
    pub(crate) fn children_after(
        &self,
        folder: ItemId,
        last: Option<(u64, ItemId)>,
    ) -> impl Iterator<Item = (u64, ItemId)> + '_ {
        let from = last.map_or(Bound::Unbounded, Bound::Excluded);
        let siblings = self.children.get(&folder).into_iter();
        siblings.flat_map(move |siblings| siblings.range((from, Bound::Unbounded)).copied())
    }

    /// The live folders in a folder; costs nothing for the files beside them.
    pub(crate) fn folders(&self, folder: ItemId) -> impl Iterator<Item = ItemId> + '_ {
        self.children(folder)
            .take_while(|id| self.local(*id).is_some_and(|node| node.kind == ItemKind::Folder))
    }

    pub(crate) fn children_len(&self, folder: ItemId) -> usize {
        self.children.get(&folder).map_or(0, BTreeSet::len)
    }

    pub(crate) fn trashed(&self) -> impl Iterator<Item = ItemId> + '_ {
        self.trashed.iter().copied()
    }

    /// The live child that bears this name or an equal one.
    pub(crate) fn child_named(&self, folder: ItemId, name: &FoldedName) -> Option<ItemId> {
        let siblings = self.children.get(&folder)?;
        let is_named = |id: &ItemId| self.local(*id).is_some_and(|node| node.folded() == name.as_str());
        [ItemKind::Folder, ItemKind::File].into_iter().find_map(|kind| {
            let rank = rank(kind, name.as_str().bytes());
            let (least, most) = ((rank, ItemId(uuid::Uuid::nil())), (rank, ItemId(uuid::Uuid::max())));
            siblings.range(least..=most).map(|(_, id)| *id).find(is_named)
        })
    }

    /// The folders above an item, the nearest first, without the root; None where the chain is broken,
    /// too long or circular.
    pub(crate) fn ancestors(&self, id: ItemId) -> Option<Vec<ItemId>> {
        let mut above = Vec::new();
        let mut parent = self.local(id)?.parent;
        while !self.is_root(parent) {
            if above.len() > TREE_DEPTH_MAX {
                return None;
            }
            above.push(parent);
            parent = self.local(parent)?.parent;
        }
        Some(above)
    }

    /// Whether an item is there for the person: neither it nor a folder above it is deleted.
    pub(crate) fn is_live(&self, id: ItemId) -> bool {
        let alive = |id: &ItemId| self.local(*id).is_some_and(|node| node.deleted_at.is_none());
        alive(&id) && self.ancestors(id).is_some_and(|above| above.iter().all(alive))
    }

    /// Whether `id` is `folder` or lies below it. What was removed for good here, but not there yet, still
    /// holds what is in it.
    pub(crate) fn is_within(&self, id: ItemId, folder: ItemId) -> bool {
        self.path_up(id).any(|at| at == folder)
    }

    /// `id` and what it lies in, from the inside to the outermost, as for [`Self::is_within`].
    pub(crate) fn path_up(&self, id: ItemId) -> impl Iterator<Item = ItemId> {
        let parent = |at: &ItemId| {
            let node = self.local(*at).or_else(|| self.remote(*at));
            node.filter(|_| !self.is_root(*at)).map(|node| node.parent)
        };
        std::iter::successors(Some(id), parent).take(TREE_DEPTH_MAX + 2)
    }

    /// The folders that contain one another with `id` among them, if there are such.
    pub(crate) fn cycle(&self, id: ItemId) -> Option<Vec<ItemId>> {
        let mut members = vec![id];
        let mut parent = self.local(id)?.parent;
        while parent != id {
            if members.len() > 2 * TREE_DEPTH_MAX || self.is_root(parent) {
                return None;
            }
            members.push(parent);
            parent = self.local(parent)?.parent;
        }
        Some(members)
    }

    /// Every item of the local tree, by id.
    pub(crate) fn locals(&self) -> impl Iterator<Item = (ItemId, &Node)> + '_ {
        let untouched = self.remote.iter().filter(|(id, _)| !self.overlay.contains_key(id));
        let touched = self.overlay.iter().filter_map(|(id, node)| Some((id, node.as_ref()?)));
        untouched.chain(touched).map(|(id, node)| (*id, node))
    }
}

/// What the indices know of an item.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Standing {
    /// Parent and rank of the folded name; None in the trash.
    place: Option<(ItemId, u64)>,
}

impl Standing {
    fn of(node: &Node) -> Self {
        Self { place: node.deleted_at.is_none().then(|| (node.parent, rank_of(node))) }
    }

    fn is_trashed(self) -> bool {
        self.place.is_none()
    }
}
