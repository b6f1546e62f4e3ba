//! Albums, as this device has them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use shared::ItemId;
use shared::photo::{AlbumChange, InAlbum, PhotoInfo, WallTime};

use super::read::ItemView;
use super::{Act, Engine};

/// An album and what it shows: neither hidden photos nor those in the trash, and Live Photos once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlbumView {
    pub id: ItemId,
    pub name: String,
    pub count: usize,
    /// When the first and the last of its photos were taken.
    pub taken: Option<(WallTime, WallTime)>,
    /// The photo that was chosen last to stand for it, otherwise the latest.
    pub cover: Option<ItemId>,
}

fn is_shown(photo: &PhotoInfo) -> bool {
    !photo.hidden && photo.live_photo_of.is_none()
}

impl Engine {
    /// The photos that an album shows, unsorted.
    pub fn photos_in_album(&self, album: ItemId) -> impl Iterator<Item = ItemView<'_>> {
        let album = self.resolve(album);
        let library = self.item(album).map(|album| album.parent_id());
        let photos = library.into_iter().flat_map(|library| self.children(library));
        photos.filter(move |item| {
            let is_it = |held: &InAlbum| self.resolve(held.id) == album;
            item.photo().is_some_and(|photo| is_shown(photo) && photo.albums.iter().any(is_it))
        })
    }

    /// What moves of an album's Live Photos.
    pub fn videos_in_album(&self, album: ItemId) -> impl Iterator<Item = ItemView<'_>> {
        let photos = self.photos_in_album(album);
        photos.filter_map(|item| self.item(item.photo()?.live_photo_video.as_ref()?.file_id))
    }

    /// Whether what is not a photo yet, because it is on its way, goes into the album as well.
    pub fn is_headed_for(&self, item: ItemId, album: ItemId) -> bool {
        let album = self.resolve(album);
        let said = self.outbox.of_item(self.resolve(item)).rev().find_map(|queued| match queued.op.act {
            Act::Album { album: of, change } if self.resolve(of) == album => Some(change),
            _ => None,
        });
        said.is_some_and(|change| change != AlbumChange::Remove)
    }

    /// The photo that stands for an album.
    pub(super) fn cover_of(&self, album: ItemId) -> Option<ItemId> {
        let album = self.resolve(album);
        let rank = |item: &ItemView<'_>| {
            let photo = item.photo()?;
            let held = photo.albums.iter().find(|held| self.resolve(held.id) == album)?;
            Some((held.cover_at, photo.taken_at, item.id()))
        };
        self.photos_in_album(album).max_by_key(rank).map(|item| item.id())
    }

    /// The albums of a library, by name.
    pub fn albums_in(&self, library: ItemId) -> Vec<AlbumView> {
        let album = |id: ItemId, name: &str| AlbumView {
            id,
            name: name.to_owned(),
            count: 0,
            taken: None,
            cover: None,
        };
        let mut albums: BTreeMap<ItemId, AlbumView> =
            self.folders(library).map(|folder| (folder.id(), album(folder.id(), folder.name()))).collect();
        let mut covers = BTreeMap::new();
        for item in self.children(library) {
            let Some(photo) = item.photo().filter(|photo| is_shown(photo)) else { continue };
            for held in &photo.albums {
                let id = self.resolve(held.id);
                let Some(album) = albums.get_mut(&id) else { continue };
                album.count += 1;
                let (first, last) = album.taken.unwrap_or((photo.taken_at, photo.taken_at));
                album.taken = Some((first.min(photo.taken_at), last.max(photo.taken_at)));
                let rank = (held.cover_at, photo.taken_at, item.id());
                if covers.get(&id).is_none_or(|highest| rank > *highest) {
                    covers.insert(id, rank);
                    album.cover = Some(item.id());
                }
            }
        }
        let mut albums: Vec<AlbumView> = albums.into_values().collect();
        albums.sort_by_cached_key(|album| (album.name.to_lowercase(), Reverse(album.id)));
        albums
    }
}
