//! What this tab knows of the account, for the screen to read: an engine, whoever drives it.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use std::sync::Arc;

use app::ports::{Notice, UploadView};
use leptos::prelude::{ArcRwSignal, Update};
use shared::sync::ConflictInfo;
use shared::{ClientFileItem, ItemId, ItemKind, ItemName, OperationId};
use sync::{Changes, Content, EditBase, Engine, Meta, Opening, QueueEntry, QueueState, SyncSummary};
use wasm_bindgen_futures::spawn_local;

use crate::browser;

/// What the screen follows; written by this tab's replica and whoever drives it.
#[derive(Clone, Default)]
pub struct Screen {
    pub revision: ArcRwSignal<u64>,
    pub summary: ArcRwSignal<SyncSummary>,
    pub notices: ArcRwSignal<Vec<Notice>>,
    pub uploads: ArcRwSignal<Vec<UploadView>>,
}

impl Screen {
    pub fn say(&self, text: String) {
        self.notices.update(|notices| notices.push(Notice { text, undo: None }));
    }
}

/// What the next frame has to bring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Due {
    pub tree: bool,
    pub queue: bool,
    pub uploads: bool,
}

/// Photos that may be others than they were.
pub enum ChangedPhotos {
    Any,
    These(Vec<ItemId>),
}

type HearsOfPhotos = Box<dyn Fn(&ChangedPhotos)>;

pub struct Replica {
    me: Weak<Self>,
    engine: RefCell<Engine>,
    /// Items as the screen last read them, so that a folder of 50,000 is not built anew for one change.
    items: RefCell<HashMap<ItemId, Arc<ClientFileItem>>>,
    /// Likewise the open conflicts, whose proposals may be long; none until they are asked for.
    conflicts: RefCell<Option<Vec<Arc<ConflictInfo>>>>,
    pub screen: Screen,
    /// None while no frame is asked for.
    due: Cell<Option<Due>>,
    /// What else is brought up to date just before the screen reads.
    before_frame: OnceCell<Box<dyn Fn(Due)>>,
    /// Told which photos are others than they were.
    photos_changed: OnceCell<HearsOfPhotos>,
    /// Whether the engine has what is stored.
    is_whole: Cell<bool>,
}

impl Replica {
    /// Knows what the device is and nothing that it holds, until it is opened anew.
    pub fn opening(meta: Meta, screen: Screen) -> Rc<Self> {
        let engine =
            Opening::new(meta).finish(Vec::new(), Vec::new(), browser::random_bytes(), browser::now());
        Rc::new_cyclic(|me| Self {
            me: me.clone(),
            engine: RefCell::new(engine),
            items: RefCell::default(),
            conflicts: RefCell::default(),
            screen,
            due: Cell::default(),
            before_frame: OnceCell::new(),
            photos_changed: OnceCell::new(),
            is_whole: Cell::new(false),
        })
    }

    /// Starts over from what is stored.
    pub fn reopen(&self, engine: Engine) {
        self.is_whole.set(true);
        *self.engine.borrow_mut() = engine;
        self.items.borrow_mut().clear();
        self.conflicts.take();
        self.redraw(Due { tree: true, queue: true, uploads: false });
    }

    /// Whether it holds what is stored.
    pub fn is_whole(&self) -> bool {
        self.is_whole.get()
    }

    /// Called once, by whoever drives this.
    pub fn before_each_frame(&self, refresh: impl Fn(Due) + 'static) {
        let was_free = self.before_frame.set(Box::new(refresh)).is_ok();
        debug_assert!(was_free, "a replica has one driver");
    }

    /// Called once, by whoever lists photos.
    pub fn when_photos_change(&self, tell: impl Fn(&ChangedPhotos) + 'static) {
        let was_free = self.photos_changed.set(Box::new(tell)).is_ok();
        debug_assert!(was_free, "photos are listed in one place");
    }

    fn tell_of_photos(&self, changes: &Changes) {
        let Some(tell) = self.photos_changed.get() else { return };
        if changes.everything {
            return tell(&ChangedPhotos::Any);
        }
        let is_photo = |id: &ItemId| {
            let engine = self.engine.borrow();
            engine.item(*id).is_none_or(|item| item.photo().is_some())
        };
        let changed: Vec<ItemId> = changes.items.iter().copied().filter(is_photo).collect();
        if !changed.is_empty() {
            tell(&ChangedPhotos::These(changed));
        }
    }

    /// One step of the engine. What it changed is told through its effects.
    pub fn step<T>(&self, step: impl FnOnce(&mut Engine) -> T) -> T {
        step(&mut self.engine.borrow_mut())
    }

    /// Takes in what an engine's step changed.
    pub fn changed(&self, changes: &Changes) {
        let mut items = self.items.borrow_mut();
        if changes.everything {
            items.clear();
        } else {
            let renumbered = changes.renumbered.iter().map(|(old, _)| old);
            for id in changes.items.iter().chain(renumbered) {
                items.remove(id);
            }
        }
        drop(items);
        self.tell_of_photos(changes);
        // A decision that waits, or was refused, shows in the queue.
        if changes.everything || changes.conflicts || changes.queue {
            self.conflicts.take();
        }
        let tree = changes.everything
            || changes.trash
            || changes.conflicts
            || !changes.items.is_empty()
            || !changes.folders.is_empty();
        self.redraw(Due { tree, queue: changes.queue || changes.everything, uploads: false });
    }

    /// Asks for a frame; whatever else changes until then comes with it.
    pub fn redraw(&self, add: Due) {
        let before = self.due.get();
        let due = before.unwrap_or_default();
        self.due.set(Some(Due {
            tree: due.tree || add.tree,
            queue: due.queue || add.queue,
            uploads: due.uploads || add.uploads,
        }));
        let Some(replica) = self.me.upgrade().filter(|_| before.is_none()) else { return };
        spawn_local(async move {
            browser::next_frame().await;
            let due = replica.due.take().unwrap_or_default();
            if let Some(refresh) = replica.before_frame.get() {
                refresh(due);
            }
            if due.tree || due.queue {
                replica.screen.revision.update(|revision| *revision += 1);
            }
        });
    }

    pub fn item(&self, id: ItemId) -> Option<Arc<ClientFileItem>> {
        if let Some(item) = self.items.borrow().get(&id) {
            return Some(item.clone());
        }
        let item = Arc::new(self.engine.borrow().item(id)?.to_client_item());
        self.items.borrow_mut().insert(id, item.clone());
        Some(item)
    }

    pub fn items(&self, read: impl FnOnce(&Engine) -> Vec<ItemId>) -> Vec<Arc<ClientFileItem>> {
        let ids = read(&self.engine.borrow());
        ids.into_iter().filter_map(|id| self.item(id)).collect()
    }

    /// Reads what the engine knows.
    pub fn read<T>(&self, read: impl FnOnce(&Engine) -> T) -> T {
        read(&self.engine.borrow())
    }

    /// Files that were made in a folder and that the server does not know yet, the latest first.
    pub fn created_in(&self, folder: ItemId) -> Vec<Arc<ClientFileItem>> {
        self.items(|engine| engine.created_in(folder).map(|item| item.id()).collect())
    }

    pub fn is_root(&self, id: ItemId) -> bool {
        self.engine.borrow().is_root(id)
    }

    pub fn children(&self, folder: ItemId) -> Vec<Arc<ClientFileItem>> {
        self.items(|engine| engine.children(folder).map(|item| item.id()).collect())
    }

    pub fn folders(&self, folder: ItemId) -> Vec<Arc<ClientFileItem>> {
        self.items(|engine| engine.folders(folder).map(|item| item.id()).collect())
    }

    pub fn children_len(&self, folder: ItemId) -> usize {
        self.engine.borrow().children_len(folder)
    }

    pub fn child_named(&self, folder: ItemId, name: &ItemName) -> Option<ItemId> {
        self.engine.borrow().child_named(folder, name)
    }

    pub fn ancestors(&self, id: ItemId) -> Vec<Arc<ClientFileItem>> {
        self.items(|engine| engine.ancestors(id))
    }

    pub fn ancestor_ids(&self, id: ItemId) -> Vec<ItemId> {
        self.engine.borrow().ancestors(id)
    }

    pub fn search(&self, text: &str, limit: usize) -> Vec<Arc<ClientFileItem>> {
        self.items(|engine| engine.search(text, limit).into_iter().map(|item| item.id()).collect())
    }

    pub fn trash(&self) -> Vec<Arc<ClientFileItem>> {
        self.items(|engine| engine.trash().into_iter().map(|item| item.id()).collect())
    }

    /// The live folder of that name.
    pub fn child_folder(&self, parent: ItemId, name: &ItemName) -> Option<ItemId> {
        let engine = self.engine.borrow();
        let id = engine.child_named(parent, name)?;
        engine.item(id).filter(|item| item.kind() == ItemKind::Folder).map(|item| item.id())
    }

    pub fn new_item_id(&self) -> ItemId {
        self.engine.borrow_mut().new_item_id(browser::now())
    }

    /// The operation whose content the item shows, while the server has not acknowledged it.
    pub fn pending_content(&self, id: ItemId) -> Option<(OperationId, Content)> {
        let engine = self.engine.borrow();
        let item = engine.item(id)?;
        item.pending_content().map(|(operation, content)| (operation, content.clone()))
    }

    pub fn root_id(&self) -> ItemId {
        self.engine.borrow().root_id()
    }

    /// What an edit of the present content is made on.
    pub fn edit_base(&self, id: ItemId) -> Option<EditBase> {
        self.engine.borrow().edit_base(id)
    }

    /// Those that no decision of this device waits for, the oldest first.
    pub fn conflicts(&self) -> Vec<Arc<ConflictInfo>> {
        let read = || self.engine.borrow().conflicts().into_iter().cloned().map(Arc::new).collect();
        self.conflicts.borrow_mut().get_or_insert_with(read).clone()
    }

    /// The first `limit` of what waits or is stuck.
    pub fn queue(&self, limit: usize) -> Vec<QueueEntry> {
        self.engine.borrow().queue_head(limit)
    }

    /// How far one operation has come; None where it is done.
    pub fn queue_state(&self, operation: OperationId) -> Option<QueueState> {
        self.engine.borrow().queue_state(operation)
    }

    pub fn summary(&self) -> SyncSummary {
        self.engine.borrow().summary()
    }
}
