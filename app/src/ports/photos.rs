//! Lists of photos.

use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::*;
use shared::photo::{Photo, PhotoInfo};
use shared::photo_index::Shelf;
use shared::{ClientFileItem, ItemId};

use super::{CallError, LocalFuture, Overlay, PhotoIndex, Sought};

/// Which photos a gallery shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PhotoList {
    #[default]
    Library,
    Favorites,
    Archived,
    Hidden,
    /// In the trash.
    Deleted,
    Album(ItemId),
    /// Those of the library that a search finds.
    Found(Sought),
}

impl PhotoList {
    /// Where albums are.
    pub const ALBUMS: &str = "/photos/albums";
    /// Where photos that look the same are.
    pub const DUPLICATES: &str = "/photos/duplicates";
    /// The lists that everybody has.
    pub const ALL: [Self; 5] = [Self::Library, Self::Favorites, Self::Archived, Self::Hidden, Self::Deleted];

    /// The last part of its address; none for the library itself.
    const fn name(self) -> &'static str {
        match self {
            Self::Library | Self::Found(_) => "",
            Self::Favorites => "favorites",
            Self::Archived => "archive",
            Self::Hidden => "hidden",
            Self::Deleted => "deleted",
            Self::Album(_) => "albums",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|list| list.name() == name)
    }

    pub fn address(self) -> String {
        match self {
            Self::Album(album) => format!("{}/{album}", Self::ALBUMS),
            Self::Found(sought) => {
                format!("/photos?q={}", String::from(js_sys::encode_uri_component(sought.text())))
            }
            _ => format!("/photos/{}", self.name()).trim_end_matches('/').to_owned(),
        }
    }

    /// Whether the server lists it. What is deleted this device knows by itself.
    pub const fn is_served(self) -> bool {
        !matches!(self, Self::Deleted)
    }

    pub const fn shelf(self) -> Shelf {
        match self {
            // An album has archived photos as well, and what is deleted is from any shelf.
            Self::Library | Self::Favorites | Self::Deleted | Self::Album(_) | Self::Found(_) => {
                Shelf::Library
            }
            Self::Archived => Shelf::Archived,
            Self::Hidden => Shelf::Hidden,
        }
    }

    pub const fn album(self) -> Option<ItemId> {
        match self {
            Self::Album(album) => Some(album),
            _ => None,
        }
    }

    pub const fn sought(self) -> Option<Sought> {
        match self {
            Self::Found(sought) => Some(sought),
            _ => None,
        }
    }

    /// Whether it has a photo that is marked so; of an album, where the photo is in it, and of a search, where that
    /// finds it.
    pub fn has(self, marks: PhotoMarks) -> bool {
        match self {
            Self::Album(_) => return !marks.is_deleted && !marks.hidden,
            Self::Deleted => return marks.is_deleted,
            _ => {}
        }
        let shelf = match (marks.hidden, marks.archived) {
            (true, _) => Shelf::Hidden,
            (false, true) => Shelf::Archived,
            (false, false) => Shelf::Library,
        };
        !marks.is_deleted && shelf == self.shelf() && (self != Self::Favorites || marks.is_favorite)
    }
}

/// What decides where a photo is listed, as this device has it, its own acts applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhotoMarks {
    /// In the trash, or gone for good.
    pub is_deleted: bool,
    pub is_favorite: bool,
    pub hidden: bool,
    pub archived: bool,
}

impl PhotoMarks {
    pub fn of(info: &PhotoInfo) -> Self {
        let PhotoInfo { is_favorite, hidden, archived, .. } = *info;
        Self { is_deleted: false, is_favorite, hidden, archived }
    }
}

/// What a library can be searched by: a few of each kind, those of most photos first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhotoHints {
    /// The latest first.
    pub years: Vec<String>,
    pub places: Vec<String>,
    pub cameras: Vec<String>,
}

/// How a list of photos stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PhotosState {
    /// Nothing is known yet.
    #[default]
    Loading,
    /// The index is what the server last told, or as much of it as is here by now.
    Here,
    /// The server is away, and this device never saw the list.
    Away,
}

/// One list of photos: an index of all of them, and what is known of those that were looked at.
pub trait PhotoSource {
    /// Rises, at most once a frame, when something below answers otherwise. Reads do not track by themselves.
    fn revision(&self) -> Signal<u64>;
    fn state(&self) -> PhotosState;
    /// The same one as long as nothing changed.
    fn index(&self) -> Rc<PhotoIndex>;
    /// By its place in the index, as far as it is known here.
    fn photo(&self, ordinal: usize) -> Option<Rc<Photo>>;
    /// Those of these places that are known here.
    fn known(&self, places: Range<usize>) -> Vec<(usize, ItemId)>;
    /// The place of a photo that is known here.
    fn find(&self, id: ItemId) -> Option<usize>;
    /// What this device knows better than the index. The same one as long as nothing changed.
    fn overlay(&self) -> Rc<Overlay>;
    /// Brings in the photos of these segments of the index, the first ones first; what was wanted before and is
    /// still under way otherwise is given up.
    fn want(&self, segments: &[usize]);
    /// A segment's photos, from here or from the server.
    fn segment(&self, number: usize) -> LocalFuture<Result<Vec<Rc<Photo>>, CallError>>;
    /// Photos that this device sends into the list and that the index does not have yet, the latest first.
    fn arriving(&self) -> Vec<Arc<ClientFileItem>>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_deleted_is_in_that_list_alone_whatever_else_it_is() {
        for marks in [
            PhotoMarks::default(),
            PhotoMarks { is_favorite: true, ..PhotoMarks::default() },
            PhotoMarks { hidden: true, archived: true, ..PhotoMarks::default() },
        ] {
            assert!(!PhotoList::Deleted.has(marks));
            let deleted = PhotoMarks { is_deleted: true, ..marks };
            let lists: Vec<PhotoList> = PhotoList::ALL.into_iter().filter(|list| list.has(deleted)).collect();
            assert_eq!(lists, [PhotoList::Deleted]);
        }
        assert_eq!(PhotoList::named("deleted"), Some(PhotoList::Deleted));
        assert_eq!(PhotoList::Deleted.address(), "/photos/deleted");
    }
}
