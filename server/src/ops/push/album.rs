//! Photos in albums. An album is a folder of the library; it names its photos rather than holding them.

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
                "An album names photos of the library. Nothing lies in it.",
            );
        }
        Ok(())
    }

    /// Adding wins over removing: whoever takes the photo out has to have seen who put it in.
    pub(super) async fn change_album(
        &mut self,
        mut item: ItemRow,
        mut basis: Basis,
        album: ItemId,
        change: AlbumChange,
    ) -> Judged<Done> {
        let Some(row) = self.zone.item(album).await? else {
            return refuse(ErrorCode::ParentNotFound, "The album isn't there.");
        };
        if row.purged_at.is_some() {
            return refuse(ErrorCode::Gone, "The album was removed for good.");
        }
        if item.photo.as_ref().is_some_and(|photo| photo.albums.len() >= ALBUMS_OF_PHOTO_MAX) {
            self.forget_purged_albums(&mut item).await?;
        }
        let Some(photo) = item.photo.as_mut().filter(|_| row.kind == ItemKind::Folder) else {
            return refuse(ErrorCode::NotAPhoto, "Only photos of the library can be in an album of it.");
        };
        let album = row.id;
        let held = photo.albums.iter().position(|membership| membership.album == album);
        let outcome = match (change, held) {
            (AlbumChange::Remove, Some(at)) if basis.place.covers(photo.albums[at].added) => {
                photo.albums.remove(at);
                Outcome::Applied
            }
            (AlbumChange::Remove, _) => Outcome::Unchanged,
            (AlbumChange::Add | AlbumChange::Cover, None) if photo.albums.len() >= ALBUMS_OF_PHOTO_MAX => {
                let message = format!("A photo can be in at most {ALBUMS_OF_PHOTO_MAX} albums.");
                return refuse(ErrorCode::TooManyAlbums, &message);
            }
            (AlbumChange::Add | AlbumChange::Cover, _) => Outcome::Applied,
        };
        let dot = self.zone.issue(&mut item);
        basis.content.learn(dot);
        basis.place.learn(dot);
        if let (Some(photo), AlbumChange::Add | AlbumChange::Cover) = (&mut item.photo, change) {
            let cover_at = (change == AlbumChange::Cover).then_some(self.context.now);
            let before = held.map(|at| photo.albums.remove(at));
            let cover_at = cover_at.or(before.and_then(|before| before.cover_at));
            photo.albums.push(Membership { album, added: dot, cover_at });
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
