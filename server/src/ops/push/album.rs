//! Photos in albums. An album is a folder of the library; it names its photos rather than holding them.

use shared::faults::Fault;
use shared::frames::FileAction;
use shared::limits::ALBUMS_OF_PHOTO_MAX;
use shared::photo::AlbumChange;
use shared::sync::{Outcome, ZoneKind};
use shared::{ErrorCode, ItemId, ItemKind};

use super::change::{Done, End, Judged};
use super::judge::{Basis, Judge, News, refuse};
use super::overlay::Write;
use super::store::ZoneStore;
use crate::db::albums::Membership;
use crate::db::items::ItemRow;

impl<S: ZoneStore> Judge<'_, '_, S> {
    /// Nothing lies in an album: photos and albums lie in the library itself.
    pub(super) fn check_library(&self, parent: ItemId) -> Judged<()> {
        if self.context.grant.kind == ZoneKind::Photos && parent != self.zone.root {
            return refuse(
                ErrorCode::NotAFolder,
                "Nothing lies in an album, it names photos of the library. Put it into the library, then add it.",
            );
        }
        Ok(())
    }

    /// Adding wins over removing: whoever takes the photo out has to have seen who put it in. That it is sorted by when
    /// it was taken again puts nothing in.
    pub(super) async fn change_album(
        &mut self,
        mut item: ItemRow,
        mut basis: Basis,
        album: ItemId,
        change: AlbumChange,
    ) -> Judged<Done> {
        let Some(row) = self.zone.item(album).await? else {
            return refuse(
                ErrorCode::ParentNotFound,
                "The album isn't there. Choose another, or make it first.",
            );
        };
        if row.purged_at.is_some() {
            return refuse(ErrorCode::Gone, "The album was removed for good. Choose another.");
        }
        if item.photo.as_ref().is_some_and(|photo| photo.albums.len() >= ALBUMS_OF_PHOTO_MAX) {
            self.forget_purged_albums(&mut item).await?;
        }
        let Some(photo) = item.photo.as_mut().filter(|_| row.kind == ItemKind::Folder) else {
            return refuse(
                ErrorCode::NotAPhoto,
                "Only photos of the library can be in an album of it. Put it there first.",
            );
        };
        let album = row.id;
        let held = photo.albums.iter().position(|membership| membership.album == album);
        let outcome = match (change, held) {
            (AlbumChange::Remove, Some(at))
                if basis.place.covers(photo.albums[at].added) || Fault::RemovingWins.is_planted() =>
            {
                photo.albums.remove(at);
                Outcome::Applied
            }
            (AlbumChange::Remove, _) | (AlbumChange::Place(None), None) => Outcome::Unchanged,
            (AlbumChange::Place(None), Some(at)) => {
                photo.albums[at].sort_at = None;
                Outcome::Applied
            }
            (_, None) if photo.albums.len() >= ALBUMS_OF_PHOTO_MAX => {
                let message = format!("A photo can be in at most {ALBUMS_OF_PHOTO_MAX} albums.");
                return refuse(ErrorCode::TooManyAlbums, &message);
            }
            (AlbumChange::Add | AlbumChange::Cover | AlbumChange::Place(Some(_)), _) => Outcome::Applied,
        };
        let dot = self.zone.issue(&mut item);
        basis.content.learn(dot);
        basis.place.learn(dot);
        let puts_in = !matches!(change, AlbumChange::Remove | AlbumChange::Place(None));
        if let Some(photo) = item.photo.as_mut().filter(|_| puts_in) {
            let new = Membership { album, added: dot, cover_at: None, sort_at: None };
            let mut membership = held.map_or(new, |at| Membership { added: dot, ..photo.albums.remove(at) });
            match change {
                AlbumChange::Cover => membership.cover_at = Some(self.context.now),
                AlbumChange::Place(sort_at) => membership.sort_at = sort_at,
                AlbumChange::Add | AlbumChange::Remove => {}
            }
            photo.albums.push(membership);
            photo.albums.sort_unstable_by_key(|membership| membership.album);
        }
        let id = item.id;
        self.zone.put(item, Write::Bump);
        self.news.push(News::File(id, FileAction::Updated));
        Ok(Done { item_id: id, end: End::Applied(outcome), chain: basis.chain(id) })
    }

    /// That it was in albums that are gone for good is remembered until there is no more room.
    async fn forget_purged_albums(&mut self, item: &mut ItemRow) -> Judged<()> {
        let Some(photo) = &mut item.photo else { return Ok(()) };
        self.zone.prefetch(photo.albums.iter().map(|held| held.album)).await?;
        let mut there = Vec::with_capacity(photo.albums.len());
        for held in &photo.albums {
            if self.zone.item(held.album).await?.is_some_and(|album| album.purged_at.is_none()) {
                there.push(*held);
            }
        }
        photo.albums = there;
        Ok(())
    }
}
