//! Albums, as this device has them.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use shared::ItemId;
use shared::photo::WallTime;

use super::Engine;

/// An album and what it shows: neither hidden photos nor those in the trash.
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

impl Engine {
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
            let Some(photo) = item.photo().filter(|photo| !photo.hidden) else { continue };
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
