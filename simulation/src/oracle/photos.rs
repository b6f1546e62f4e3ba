//! Photos: equal ones are one, of what is said of one the last word counts, and adding to an album wins.

use std::collections::{BTreeMap, BTreeSet};

use server::db::items::ItemRow;
use server::db::photos::OF_SIZE_MAX;
use server::ops::push::{Answer, PreparedChange, PreparedKind};
use shared::photo::{AlbumChange, PhotoEdit, WallTime};
use shared::sync::Outcome;
use shared::{ItemId, OperationId, VersionVector};
use sync::Command;

use super::commits::{Changed, kind};
use super::{Invariant, Oracle};
use crate::client::Client;

/// One state of an item among all that it had: by the highest count that its version names.
pub(super) type State = u64;

/// What was said of a photo.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Photo {
    said: PhotoEdit,
    albums: BTreeMap<ItemId, Held>,
}

/// That a photo is in an album.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Held {
    /// The operation that put it in, last.
    by: OperationId,
    is_cover: bool,
    sort_at: Option<WallTime>,
}

/// A change in an album, as whoever made it saw the photo.
pub struct AlbumAct {
    client: usize,
    /// What had put it into albums, as far as they were told.
    seen: BTreeSet<OperationId>,
    /// Nothing else of theirs was under way for this photo.
    alone: bool,
}

fn state_of(version: &VersionVector) -> State {
    version.iter().map(|dot| dot.count).max().unwrap_or(0)
}

fn say(said: &mut PhotoEdit, edit: &PhotoEdit) {
    let PhotoEdit { is_favorite, hidden, archived, taken_at, taken_at_offset, location } = *edit;
    said.is_favorite = is_favorite.or(said.is_favorite);
    said.hidden = hidden.or(said.hidden);
    said.archived = archived.or(said.archived);
    said.taken_at = taken_at.or(said.taken_at);
    said.taken_at_offset = taken_at_offset.or(said.taken_at_offset);
    said.location = location.or(said.location);
}

impl Photo {
    /// What became of it in the album, where it was taken out or not.
    fn change(&mut self, album: ItemId, change: AlbumChange, by: OperationId, taken_out: bool) {
        let held = self.albums.get(&album).copied();
        let mut now = Held { by, ..held.unwrap_or(Held { by, is_cover: false, sort_at: None }) };
        match change {
            AlbumChange::Remove => {
                self.albums.retain(|id, _| *id != album || !taken_out);
                return;
            }
            AlbumChange::Place(None) => {
                if let Some(held) = self.albums.get_mut(&album) {
                    held.sort_at = None;
                }
                return;
            }
            AlbumChange::Place(at) => now.sort_at = at,
            AlbumChange::Cover => now.is_cover = true,
            AlbumChange::Add => {}
        }
        self.albums.insert(album, now);
    }
}

impl Oracle {
    /// What somebody sees of a photo who is about to change something in an album.
    pub fn before_album(&self, n: usize, client: &Client, command: &Command) -> Option<AlbumAct> {
        let Command::ChangeAlbum { photo, .. } = command else { return None };
        let id = client.engine.canonical_id(*photo);
        let state = client.engine.item(id).map(|view| state_of(&view.version())).unwrap_or_default();
        let seen = self.memory.put_in.get(&(id, state)).cloned().unwrap_or_default();
        let alone = !client.engine.queue().iter().any(|entry| entry.item_id == id);
        Some(AlbumAct { client: n, seen, alone })
    }

    /// … and does so by this operation.
    pub fn acts_in_album(&mut self, operation: OperationId, act: AlbumAct) {
        self.in_albums.insert(operation, act);
    }

    /// What accepted changes say of photos.
    pub(super) fn said_of_photos(&mut self, changed: &Changed<'_>, fresh: &[(&PreparedChange, &Answer)]) {
        for (change, answer) in fresh {
            let Answer::Applied(applied) = answer else { continue };
            let id = changed.after.resolve(change.file_id);
            match kind(change) {
                Some(PreparedKind::Create(..)) if applied.item.id() == change.file_id => {
                    self.memory.photos.remove(&id);
                }
                Some(PreparedKind::Photo(edit)) => {
                    say(&mut self.memory.photos.entry(id).or_default().said, edit);
                }
                Some(PreparedKind::Album(album, what)) => {
                    let album = changed.after.resolve(*album);
                    let held = self.memory.photos.get(&id).and_then(|photo| photo.albums.get(&album));
                    let taken_out = applied.outcome == Outcome::Applied;
                    if let (AlbumChange::Remove, Some(&Held { by, .. })) = (what, held) {
                        self.taken_out(change, by, taken_out);
                    }
                    let photo = self.memory.photos.entry(id).or_default();
                    photo.change(album, *what, change.operation_id, taken_out);
                }
                _ => {}
            }
        }
    }

    /// Whoever takes a photo out of an album has to have seen what put it in; then it goes.
    fn taken_out(&mut self, change: &PreparedChange, put_in_by: OperationId, taken_out: bool) {
        let Some(act) = self.in_albums.get(&change.operation_id).filter(|_| !self.restored) else { return };
        // What is sent again under another id is nobody's that is known here.
        let own = match self.in_albums.get(&put_in_by) {
            Some(put) => put.client == act.client,
            None => return,
        };
        let (seen, alone) = (own || act.seen.contains(&put_in_by), act.alone);
        self.check(Invariant::PhotoAsSaid, seen || !taken_out, || {
            format!("{} left an album that somebody put it into since", change.file_id)
        });
        let lost = !taken_out && alone && seen && !own;
        self.check(Invariant::PhotoAsSaid, !lost, || {
            format!("{} was to leave an album and did not", change.file_id)
        });
    }

    /// What the rows say is what was said.
    pub(super) fn photos_as_said(&mut self, changed: &Changed<'_>) {
        for (_, row) in &changed.items {
            let Some(record) = row.photo.as_ref().filter(|_| row.purged_at.is_none()) else { continue };
            let expected = self.memory.photos.get(&row.id).cloned().unwrap_or_default();
            let albums = record.albums.iter().map(|held| (held.album, held.cover_at.is_some(), held.sort_at));
            let same = record.said == expected.said
                && albums.eq(expected.albums.iter().map(|(id, held)| (*id, held.is_cover, held.sort_at)));
            self.check(Invariant::PhotoAsSaid, same, || {
                format!("of {} {expected:?} was said, and {record:?} stands there", row.id)
            });
            let put_in = expected.albums.values().map(|held| held.by).collect();
            self.memory.put_in.insert((row.id, state_of(&row.vector)), put_in);
        }
    }

    /// A photo whose content is in the library already is that one.
    pub(super) fn equal_photos_are_one(
        &mut self,
        changed: &Changed<'_>,
        fresh: &[(&PreparedChange, &Answer)],
    ) {
        let (before, after) = (changed.before, changed.after);
        let named: BTreeSet<ItemId> = fresh.iter().map(|(change, _)| after.resolve(change.file_id)).collect();
        for (change, answer) in fresh {
            let (Some(PreparedKind::Create(new, content)), Answer::Applied(applied)) = (kind(change), answer)
            else {
                continue;
            };
            if new.parent_id != after.photos.root {
                continue;
            }
            let form = self.form(content.hash);
            let equal = |row: &ItemRow| {
                row.photo.is_some() && row.content_hash.is_some_and(|content| self.form(content) == form)
            };
            // There all the time, whatever else the batch does.
            let stood = |row: &ItemRow| {
                equal(row)
                    && !named.contains(&row.id)
                    && before.is_live(row.id)
                    && after.items.get(&row.id).is_some_and(|now| equal(now) && after.is_live(now.id))
            };
            let there = before.items.values().any(|row| stood(row));
            let of_size =
                after.items.values().filter(|row| row.photo.is_some() && row.size == content.size());
            let found = of_size.count() <= OF_SIZE_MAX;
            let joined = applied.outcome == Outcome::Unchanged && applied.item.id() != change.file_id;
            // What it joined may have gone since, or hold something else.
            let right = fresh.len() > 1
                || !joined
                || after.items.get(&applied.item.id()).is_some_and(|row| equal(row));
            self.check(Invariant::OnePhoto, joined || !there || !found, || {
                format!("{} was taken in though the library has its content", change.file_id)
            });
            self.check(Invariant::OnePhoto, right, || {
                format!("{} counts as a photo that is another", change.file_id)
            });
        }
    }
}
