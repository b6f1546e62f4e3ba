//! Lists of photos as this device knows them by itself: from what the feed told of each.

use std::cmp::Reverse;
use std::sync::Arc;

use app::ports::{ListedPhoto, PhotoList, PhotoMarks, Sought};
use shared::photo::{Aspect, Derivatives, Photo, PhotoInfo};
use shared::photo_query::{PhotoQuery, SearchText};
use shared::sync::ZoneKind;
use shared::{ClientFileItem, ItemId};
use sync::ItemView;

use crate::replica::Replica;

impl Replica {
    /// A list's photos in its order, as the server would list them; none before they were read, and the server told of all of
    /// them once.
    pub fn listed_photos(&self, list: PhotoList) -> Option<Vec<ListedPhoto>> {
        if !self.is_whole() || self.summary().first_sync.is_some() {
            return None;
        }
        self.read(|engine| {
            let library = engine.root_of(ZoneKind::Photos)?;
            let Ok(query) = PhotoQuery::parse(list.sought().map_or("", Sought::text)) else {
                return Some(Vec::new());
            };
            let is_found = |item: &ItemView<'_>| {
                query.is_empty()
                    || item.photo().is_some_and(|info| {
                        let text = SearchText::of(item.name(), item.mime_type().unwrap_or_default(), info);
                        query.matches(&text, info.taken_at)
                    })
            };
            let listed = |item: ItemView<'_>| listed(list, &item).filter(|_| is_found(&item));
            let mut listed: Vec<ListedPhoto> = match list {
                PhotoList::Album(album) => engine.photos_in_album(album).filter_map(listed).collect(),
                PhotoList::Deleted => {
                    let trash = engine.trash().into_iter().filter(|item| item.parent_id() == library);
                    trash.filter_map(listed).collect()
                }
                _ => engine.children(library).filter_map(listed).collect(),
            };
            listed.sort_unstable_by_key(|photo| Reverse((photo.sorted_at, photo.id)));
            Some(listed)
        })
    }

    /// What this device sends into a list and the server does not know yet, the latest first.
    pub fn arriving_in(&self, list: PhotoList) -> Vec<Arc<ClientFileItem>> {
        let Some(library) = self.photo_library() else { return Vec::new() };
        let mut sending = match list {
            PhotoList::Library | PhotoList::Album(_) => self.created_in(library),
            _ => Vec::new(),
        };
        if let Some(album) = list.album() {
            sending.retain(|item| self.read(|engine| engine.is_headed_for(item.item.id, album)));
        }
        sending
    }

    /// A photo with all that is known of it here.
    pub fn photo(&self, id: ItemId) -> Option<Photo> {
        let item = self.item(id)?;
        let info = item.item.photo.as_deref().cloned();
        let info = info.unwrap_or_else(|| PhotoInfo::unknown(item.item.modified_at));
        let forms = item.item.content_hash.map(|content| Derivatives::of(id, content, &info));
        Some(Photo {
            id,
            file_id: id,
            file_name: item.item.name.clone(),
            mime_type: item.item.mime_type.clone().unwrap_or_else(|| "image/jpeg".to_owned()),
            size: item.item.size,
            derivatives: forms.unwrap_or_default(),
            info,
        })
    }
}

/// What is on its way to the server is no photo yet.
fn listed(list: PhotoList, item: &ItemView<'_>) -> Option<ListedPhoto> {
    let info = item.photo().filter(|info| info.live_photo_of.is_none())?;
    // Photos lie in the library itself, which is never deleted.
    let marks = PhotoMarks { is_deleted: item.deleted_at().is_some(), ..PhotoMarks::of(info) };
    if !list.has(marks) {
        return None;
    }
    let aspect = Aspect::of(info.width.unwrap_or(0), info.height.unwrap_or(0));
    let held = list.album().and_then(|album| info.in_album(album));
    let is_placed = held.is_some_and(|held| held.sort_at.is_some());
    Some(ListedPhoto { id: item.id(), sorted_at: info.sorted_at(list.album()), is_placed, aspect })
}
