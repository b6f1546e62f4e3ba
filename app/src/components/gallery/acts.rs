//! What one can do with photos.

use std::rc::Rc;

use futures::{StreamExt as _, stream};
use leptos::prelude::*;
use leptos::task::spawn_local;
use shared::ItemId;
use shared::photo::{AlbumChange, Photo, PhotoEdit, PhotoInfo};
use sync::Command;

use super::{Gallery, Shown};
use crate::actions::Action;
use crate::hooks::clock::now;
use crate::model::days_left;
use crate::model::photos::{PhotoSelection, Ranges};
use crate::ports::{PhotoList, PhotoMarks};
use crate::ui::Dialog;
use crate::words;

/// Segments that come at a time, for an act on photos that were not seen.
const SEGMENTS_AT_ONCE: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhotoAct {
    /// Or no favourite any more, where all of them are.
    Favorite,
    Archive,
    Unarchive,
    Hide,
    Unhide,
    /// When and where they were taken.
    Adjust,
    AddToAlbum,
    RemoveFromAlbum,
    /// It stands for the album.
    Cover,
    Download,
    Delete,
    /// Out of the trash.
    Restore,
    /// For good.
    Purge,
}

impl PhotoAct {
    /// What a list offers for so many of its photos.
    pub fn offered(list: PhotoList, count: usize) -> Vec<Self> {
        let shelf = match list {
            PhotoList::Deleted => return vec![Self::Restore, Self::Purge],
            PhotoList::Library | PhotoList::Favorites | PhotoList::Found(_) => [Self::Archive, Self::Hide],
            PhotoList::Archived => [Self::Unarchive, Self::Hide],
            PhotoList::Hidden => [Self::Archive, Self::Unhide],
            PhotoList::Album(_) => [Self::RemoveFromAlbum, Self::Hide],
        };
        let cover = (list.album().is_some() && count == 1).then_some(Self::Cover);
        let first = [Self::Favorite, Self::AddToAlbum, Self::Download, Self::Adjust];
        first.into_iter().chain(cover).chain(shelf).chain([Self::Delete]).collect()
    }

    /// What deleting is in a list.
    pub const fn deleting(list: PhotoList) -> Self {
        match list {
            PhotoList::Deleted => Self::Purge,
            _ => Self::Delete,
        }
    }

    pub const fn label(self) -> &'static str {
        match self {
            Self::Favorite => words::FAVORITE,
            Self::Archive => words::ARCHIVE,
            Self::Unarchive => words::UNARCHIVE,
            Self::Hide => words::HIDE,
            Self::Unhide => words::UNHIDE,
            Self::Adjust => words::ADJUST,
            Self::AddToAlbum => words::ADD_TO_ALBUM,
            Self::RemoveFromAlbum => words::REMOVE_FROM_ALBUM,
            Self::Cover => words::USE_AS_COVER,
            Self::Download => words::DOWNLOAD,
            Self::Delete => words::DELETE,
            Self::Restore => words::RESTORE,
            Self::Purge => words::PURGE,
        }
    }

    pub const fn icon(self) -> icondata::Icon {
        match self {
            Self::Favorite => icondata::LuHeart,
            Self::Archive => icondata::LuArchive,
            Self::Unarchive => icondata::LuArchiveRestore,
            Self::Hide => icondata::LuEyeOff,
            Self::Unhide => icondata::LuEye,
            Self::Adjust => icondata::LuCalendarClock,
            Self::AddToAlbum => icondata::LuFolderPlus,
            Self::RemoveFromAlbum => icondata::LuFolderMinus,
            Self::Cover => icondata::LuBookImage,
            Self::Download => icondata::LuDownload,
            Self::Restore => icondata::LuUndo2,
            Self::Delete | Self::Purge => icondata::LuTrash2,
        }
    }

    fn edit(self, are_favorites: bool) -> Option<PhotoEdit> {
        let edit = PhotoEdit::default();
        Some(match self {
            Self::Favorite => PhotoEdit { is_favorite: Some(!are_favorites), ..edit },
            // What is archived is not hidden, so that it is found there.
            Self::Archive => PhotoEdit { archived: Some(true), hidden: Some(false), ..edit },
            Self::Unarchive => PhotoEdit { archived: Some(false), ..edit },
            Self::Hide => PhotoEdit { hidden: Some(true), ..edit },
            Self::Unhide => PhotoEdit { hidden: Some(false), ..edit },
            Self::Adjust
            | Self::AddToAlbum
            | Self::RemoveFromAlbum
            | Self::Cover
            | Self::Download
            | Self::Delete
            | Self::Restore
            | Self::Purge => return None,
        })
    }
}

impl Gallery {
    /// With what is selected or, where nothing is, with the photo that the keyboard stands on.
    pub fn act_on_chosen(self, act: PhotoAct, active: usize) {
        if !PhotoAct::offered(self.list, 1).contains(&act) {
            return;
        }
        if self.selection.with_untracked(PhotoSelection::is_empty) {
            let photo = self.photo_at(active);
            return self.act(act, photo.into_iter().map(|photo| photo.id).collect());
        }
        self.act_on_selected(act);
    }

    pub fn act_on_selected(self, act: PhotoAct) {
        self.with_selected(move |ids| self.act(act, ids));
    }

    /// Of what was selected unseen, the ids are brought in first.
    pub fn with_selected(self, act: impl FnOnce(Vec<ItemId>) + 'static) {
        let (mut ids, unknown) = self.selection.with_untracked(|selection| {
            (selection.ids().collect::<Vec<ItemId>>(), selection.unknown().clone())
        });
        if unknown.is_empty() {
            return act(ids);
        }
        self.ui.announce(words::LOADING);
        let shown = self.shown.get_value();
        spawn_local(async move {
            match self.ids_at(&shown, &unknown).await {
                Ok(found) => {
                    ids.extend(found);
                    act(ids);
                }
                Err(said) => self.ui.say(said),
            }
        });
    }

    /// The photos at places of what is shown: from here or, some segments at a time, from the server. Or what is
    /// to be said instead.
    async fn ids_at(self, shown: &Shown, places: &Ranges) -> Result<Vec<ItemId>, &'static str> {
        let source = self.source();
        let bring = |segment: usize| {
            let photos = source.segment(segment);
            async move { (segment, photos.await) }
        };
        let mut coming = stream::iter(shown.segments_of(places)).map(bring).buffered(SEGMENTS_AT_ONCE);
        let mut ids = Vec::with_capacity(places.len());
        while let Some((segment, photos)) = coming.next().await {
            let photos = photos.map_err(|_| words::SELECTED_UNKNOWN_OFFLINE)?;
            // Places of another list would be other photos.
            if !Rc::ptr_eq(&self.source().index(), &shown.index) {
                return Err(words::SELECTED_CHANGED);
            }
            let start = shown.index.segment(segment).start;
            let is_chosen = |number: usize| {
                shown.arrangement.place(start + number).is_some_and(|place| places.contains(place))
            };
            let chosen = photos.iter().enumerate().filter(|(number, _)| is_chosen(*number));
            ids.extend(chosen.map(|(_, photo)| photo.id));
        }
        Ok(ids)
    }

    /// Does it at once, and offers the way back.
    pub fn act(self, act: PhotoAct, ids: Vec<ItemId>) {
        if ids.is_empty() || self.ui.is_still_opening() {
            return;
        }
        match act {
            PhotoAct::Download => return self.ui.perform(Action::Download, ids),
            PhotoAct::Adjust => return self.ui.dialog.set(Some(Dialog::AdjustPhotos(ids))),
            PhotoAct::AddToAlbum => return self.ui.dialog.set(Some(Dialog::AddToAlbum(ids))),
            PhotoAct::RemoveFromAlbum | PhotoAct::Cover => self.change_album(act, &ids),
            PhotoAct::Delete => self.ui.perform(Action::Delete, ids),
            PhotoAct::Restore => self.ui.perform(Action::Restore, ids),
            PhotoAct::Purge => self.ui.perform(Action::Purge, ids),
            _ => self.describe(act, &ids),
        }
        // A favourite stays where it is, but among the favourites.
        if act != PhotoAct::Favorite || self.list == PhotoList::Favorites {
            self.selection.update(PhotoSelection::clear);
        }
        self.refresh();
    }

    fn change_album(self, act: PhotoAct, ids: &[ItemId]) {
        let Some(album) = self.list.album() else { return };
        let change = if act == PhotoAct::Cover { AlbumChange::Cover } else { AlbumChange::Remove };
        let commands = ids.iter().map(|&photo| Command::ChangeAlbum { photo, album, change }).collect();
        if change == AlbumChange::Cover {
            self.ui.run(commands, Some(words::COVER_CHOSEN.to_owned()));
        } else {
            self.ui.try_run(commands, words::removed_from_album(ids.len()), || {});
        }
    }

    fn describe(self, act: PhotoAct, ids: &[ItemId]) {
        let cloud = self.ui.cloud();
        let is_favorite = |id: &ItemId| cloud.photo_marks(*id).is_some_and(|marks| marks.is_favorite);
        let are_favorites = ids.iter().all(is_favorite);
        let Some(edit) = act.edit(are_favorites) else { return };
        let said = words::photos_described(act, are_favorites, ids.len());
        let commands = ids.iter().map(|&id| Command::DescribePhoto { id, edit }).collect();
        self.ui.try_run(commands, said, || {});
    }

    /// What is known of a photo, as this device has it, followed.
    pub fn follow_info(self, photo: &Photo) -> PhotoInfo {
        let cloud = self.ui.cloud();
        cloud.revision().track();
        let mut info = photo.info.clone();
        if let Some(own) = cloud.photo_info(photo.id) {
            (info.taken_at, info.taken_at_offset) = (own.taken_at, own.taken_at_offset);
            (info.location, info.place) = (own.location, own.place);
        }
        info
    }

    /// How many days are left until it is deleted for good, where the list is of what is deleted.
    pub fn days_left(self, photo: &Photo) -> Option<u64> {
        let item = self.ui.cloud().item(photo.id).filter(|_| self.list == PhotoList::Deleted)?;
        Some(days_left(item.item.deleted_at?, now()))
    }

    /// As this device has it, followed.
    pub fn follow_marks(self, photo: &Photo) -> PhotoMarks {
        self.ui.cloud().revision().track();
        self.marks(photo)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_deleted_comes_back_or_goes_for_good_and_nothing_else_does() {
        assert_eq!(PhotoAct::offered(PhotoList::Deleted, 3), [PhotoAct::Restore, PhotoAct::Purge]);
        for list in PhotoList::ALL {
            let offered = PhotoAct::offered(list, 1);
            assert!(offered.contains(&PhotoAct::deleting(list)));
            assert_eq!(offered.contains(&PhotoAct::Restore), list == PhotoList::Deleted);
        }
    }
}
