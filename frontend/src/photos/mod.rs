//! Lists of photos: their indexes and what was seen of them, from the server and, without it, from this device.

mod again;
mod ahead;
mod forms;
mod here;
mod hints;
mod list;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use app::ports::{CallError, PhotoList, PhotoMarks, PhotoSource};
use leptos::prelude::{Effect, Owner, With};
use shared::photo::{Photo, PhotoInfo};
use shared::sync::ZoneKind;
use shared::{ClientFileItem, ItemId};
use sync::AlbumView;

pub use self::again::look_again;
pub use self::ahead::fetch_ahead;
pub use self::forms::{KeptForms, forget_all, forget_seen, forms_here, set_ahead, set_budget};
pub use self::list::ListOfPhotos;
use crate::api;
use crate::replica::Replica;
use crate::store::IndexedDbStore;

/// The lists that were asked for.
pub struct PhotoLists {
    store: Rc<IndexedDbStore>,
    replica: Rc<Replica>,
    lists: RefCell<BTreeMap<PhotoList, Rc<ListOfPhotos>>>,
    /// Of what follows the screen for as long as this lives.
    owner: Owner,
}

impl PhotoLists {
    pub fn new(store: Rc<IndexedDbStore>, replica: Rc<Replica>) -> Rc<Self> {
        let lists =
            Rc::new(Self { store, replica: replica.clone(), lists: RefCell::default(), owner: Owner::new() });
        let told = Rc::downgrade(&lists);
        let each = move |tell: &dyn Fn(&ListOfPhotos)| {
            if let Some(lists) = told.upgrade() {
                lists.lists.borrow().values().for_each(|list| tell(list));
            }
        };
        let look_again = {
            let each = each.clone();
            move || each(&ListOfPhotos::look_again)
        };
        replica.when_photos_change(move |changed| {
            each(&|list| {
                list.judge(changed);
                list.look_again();
            });
        });
        let summary = replica.screen.summary.clone();
        // With the line back, what was missed meanwhile is read.
        lists.owner.with(|| {
            Effect::new(move |was_online: Option<bool>| {
                let is_online = summary.with(|summary| summary.online);
                if is_online && was_online == Some(false) {
                    look_again();
                }
                is_online
            });
        });
        lists
    }

    /// What this device knows of each photo counts from now on.
    pub fn tree_is_here(&self) {
        self.lists.borrow().values().for_each(|list| list.tree_is_here());
    }

    pub fn list(&self, list: PhotoList) -> Rc<dyn PhotoSource> {
        let open = || ListOfPhotos::open(list, self.store.clone(), self.replica.clone());
        let known = self.lists.borrow().get(&list).cloned();
        known.unwrap_or_else(|| {
            let opened = open();
            let mut lists = self.lists.borrow_mut();
            // One search follows another.
            lists.retain(|other, _| list.sought().is_none() || other.sought().is_none());
            lists.insert(list, opened.clone());
            opened
        })
    }

    pub async fn photo(&self, id: ItemId) -> Result<Rc<Photo>, CallError> {
        let known = self.lists.borrow().values().find_map(|list| list.known_photo(id));
        if let Some(photo) = known {
            return Ok(photo);
        }
        match api::photo(id).await {
            Ok(photo) => Ok(Rc::new(photo)),
            Err(error) => self.replica.photo(id).map(Rc::new).ok_or(error),
        }
    }
}

impl Replica {
    pub fn photo_library(&self) -> Option<ItemId> {
        self.read(|engine| engine.root_of(ZoneKind::Photos))
    }

    pub fn albums(&self) -> Vec<AlbumView> {
        self.read(|engine| engine.root_of(ZoneKind::Photos).map(|root| engine.albums_in(root)))
            .unwrap_or_default()
    }

    /// What is kept with a folder: what is in it or, of an album, what it shows.
    pub fn within(&self, folder: ItemId) -> Vec<Arc<ClientFileItem>> {
        let is_album =
            self.item(folder).is_some_and(|item| Some(item.item.parent_id) == self.photo_library());
        if !is_album {
            return self.children(folder);
        }
        self.items(|engine| {
            let videos = engine.videos_in_album(folder);
            engine.photos_in_album(folder).chain(videos).map(|item| item.id()).collect()
        })
    }

    /// The folders and albums that an item is kept with.
    pub fn kept_with(&self, id: ItemId) -> Vec<ItemId> {
        let mut above = self.ancestor_ids(id);
        let photo = self.photo_info(id);
        above.extend(photo.iter().flat_map(|photo| &photo.albums).map(|held| held.id));
        above
    }

    pub fn photo_marks(&self, id: ItemId) -> Option<PhotoMarks> {
        self.read(|engine| {
            let item = engine.item(id)?;
            let marks = PhotoMarks::of(item.photo()?);
            Some(PhotoMarks { is_deleted: !item.is_live(), ..marks })
        })
    }

    /// What is known here of a photo that is sorted by something else than in what a list has of it; of an album's, where
    /// it is one.
    pub fn sorted_otherwise(&self, listed: &Photo, album: Option<ItemId>) -> Option<PhotoInfo> {
        self.read(|engine| {
            let info = engine.item(listed.id)?.photo()?;
            (info.sorted_at(album) != listed.info.sorted_at(album)).then(|| info.clone())
        })
    }

    pub fn photo_info(&self, id: ItemId) -> Option<PhotoInfo> {
        self.read(|engine| engine.item(id)?.photo().cloned())
    }
}
