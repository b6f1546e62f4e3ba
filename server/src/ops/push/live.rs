//! Live Photos: a photo and a film that belong together. Both stay items; the film is in no list, and goes where its
//! photo goes.

use std::collections::{BTreeMap, BTreeSet};

use shared::ItemId;
use shared::frames::FileAction;
use shared::photo::Taken;

use super::judge::{Judge, News};
use super::overlay::Write;
use super::store::ZoneStore;
use crate::db::DbError;
use crate::db::items::{Deletion, ItemRow, name_key};
use crate::db::photos::{Film, Pair};

/// How far apart both may have been taken, where only their names say that they belong together; in milliseconds.
const APART_MS_MAX: u64 = 3_000;
/// How long the film may be then, in milliseconds.
const FILM_MS_MAX: u64 = 6_000;
/// What their names may end in then.
const STILLS: [&str; 4] = [".heic", ".heif", ".jpg", ".jpeg"];
const FILMS: [&str; 2] = [".mov", ".mp4"];
/// A film that Google took out of its photo: `PXL_1.MP` of `PXL_1.MP.jpg`.
const TAKEN_OUT: &str = ".mp";

impl<S: ZoneStore> Judge<'_, '_, S> {
    /// Joins the photo with its film, or the film with its photo, if it is there; takes apart what can be no pair any
    /// more.
    pub(super) async fn pair(&mut self, id: ItemId) -> Result<(), DbError> {
        let Some(item) = self.zone.item(id).await? else { return Ok(()) };
        if item.partner().is_some() {
            let other = self.partner_of(&item).await?.filter(|other| stay_together(&item, other));
            let Some(other) = other else {
                self.part(item).await?;
                return self.pair_anew(id).await;
            };
            let (still, film) = if item.is_still_of_pair() { (item, other) } else { (other, item) };
            self.unite(still, film);
            return Ok(());
        }
        self.pair_anew(id).await
    }

    async fn pair_anew(&mut self, id: ItemId) -> Result<(), DbError> {
        let Some(item) = self.zone.item(id).await? else { return Ok(()) };
        match self.free_partner(&item).await? {
            Some(still) if item.is_film() => self.unite(still, item),
            Some(film) => self.unite(item, film),
            None => {}
        }
        Ok(())
    }

    /// What belongs to it and to nothing else yet.
    async fn free_partner(&mut self, item: &ItemRow) -> Result<Option<ItemRow>, DbError> {
        let is_free = |other: &ItemRow| other.partner().is_none() && belong_together(item, other);
        Ok(self.candidates(item).await?.into_iter().find(is_free))
    }

    /// What may belong to it.
    async fn candidates(&mut self, item: &ItemRow) -> Result<Vec<ItemRow>, DbError> {
        let mut found = Vec::new();
        if let Some(identifier) = item.content_identifier() {
            found = self.zone.photos_of_identifier(identifier).await?;
        }
        let Some(stem) = stem(item) else { return Ok(found) };
        let ends = if item.is_film() { STILLS.as_slice() } else { FILMS.as_slice() };
        let taken_out = (!item.is_film() && name_key(stem).ends_with(TAKEN_OUT)).then_some("");
        let names = ends.iter().copied().chain(taken_out).map(|end| name_key(&format!("{stem}{end}")));
        let names: BTreeSet<String> = names.collect();
        self.zone.prefetch_names(BTreeMap::from([(item.parent_id, names.clone())])).await?;
        for name in names {
            found.extend(self.zone.holder(item.parent_id, &name).await?);
        }
        Ok(found)
    }

    /// A film that was not looked at yet tells nothing new.
    fn unite(&mut self, still: ItemRow, film: ItemRow) {
        let Some(shown) = Film::of(&film) else { return };
        let still_id = still.id;
        self.set_pair(still, Some(Pair::Film(shown)));
        self.set_pair(film, Some(Pair::Still(still_id)));
    }

    /// Takes its partner and it apart.
    async fn part(&mut self, item: ItemRow) -> Result<(), DbError> {
        if let Some(other) = self.partner_of(&item).await? {
            self.set_pair(other, None);
        }
        self.set_pair(item, None);
        Ok(())
    }

    fn set_pair(&mut self, mut item: ItemRow, pair: Option<Pair>) {
        let Some(photo) = item.photo.as_mut().filter(|photo| photo.pair != pair) else { return };
        photo.pair = pair;
        self.zone.issue(&mut item);
        self.news.push(News::File(item.id, FileAction::Updated));
        self.zone.put(item, Write::Bump);
    }

    /// The other part of a Live Photo.
    async fn partner_of(&mut self, item: &ItemRow) -> Result<Option<ItemRow>, DbError> {
        let Some(id) = item.partner() else { return Ok(None) };
        Ok(self.zone.item(id).await?.filter(|other| other.partner() == Some(item.id)))
    }

    /// The other part, where it went into the trash with this one.
    pub(super) async fn gone_with(&mut self, item: &ItemRow) -> Result<Option<ItemRow>, DbError> {
        let is_gone = |other: &ItemRow| other.deleted.is_some() && other.deleted == item.deleted;
        Ok(self.partner_of(item).await?.filter(is_gone))
    }

    /// What the item goes into the trash with. A film that goes alone leaves its photo behind.
    pub(super) async fn delete_pair(
        &mut self,
        item: &mut ItemRow,
        deletion: Deletion,
    ) -> Result<(), DbError> {
        let Some(other) = self.partner_of(item).await? else { return Ok(()) };
        if !item.is_still_of_pair() {
            self.set_pair(other, None);
        } else if other.deleted.is_some() {
            return Ok(());
        } else if let Some(still) = self.free_partner(&other).await? {
            // Taken in twice, the picture is there twice and its film once.
            self.unite(still, other);
        } else {
            self.set_aside(other, deletion);
            return Ok(());
        }
        if let Some(photo) = &mut item.photo {
            photo.pair = None;
        }
        Ok(())
    }

    /// What is removed for good with the item: the film that went into the trash with it. What stays is alone then.
    pub(super) async fn bury_pair(&mut self, item: &ItemRow) -> Result<Option<ItemRow>, DbError> {
        if item.is_still_of_pair()
            && let Some(film) = self.gone_with(item).await?
        {
            return Ok(Some(film));
        }
        if let Some(other) = self.partner_of(item).await? {
            self.set_pair(other, None);
        }
        Ok(None)
    }
}

impl ItemRow {
    fn is_still_of_pair(&self) -> bool {
        self.photo.as_ref().is_some_and(|photo| matches!(photo.pair, Some(Pair::Film(_))))
    }
}

/// Whether what is a pair can be one: by names and times they found each other once, and both may have been changed
/// since. What is looked at again tells nothing until then.
fn stay_together(one: &ItemRow, other: &ItemRow) -> bool {
    let (still, film) = if one.is_still_of_pair() { (one, other) } else { (other, one) };
    let are_there = still.holds_name() && film.holds_name();
    let is_what_it_was = !still.is_film() && (film.is_film() || !film.was_looked_at());
    let contradict = match (still.content_identifier(), film.content_identifier()) {
        (Some(one), Some(other)) => one != other,
        _ => false,
    };
    are_there && is_what_it_was && !contradict
}

/// Whether one is a photo and the other its film: by what Apple writes into both; where the film says nothing, by
/// name and length, and by the times that both files tell.
fn belong_together(one: &ItemRow, other: &ItemRow) -> bool {
    let (still, film) = if one.is_film() { (other, one) } else { (one, other) };
    let are_there = still.holds_name() && film.holds_name();
    let (Some(shown), Some(moving)) = (still.taken(), film.taken()) else { return false };
    if !are_there || still.is_film() || !film.is_film() {
        return false;
    }
    if moving.content_identifier.is_some() {
        return shown.content_identifier == moving.content_identifier;
    }
    stem_key(still).is_some_and(|stem| stem_key(film) == Some(stem))
        && apart_ms(shown, moving).is_some_and(|apart| apart <= APART_MS_MAX)
        && moving.duration.is_some_and(|ms| ms <= FILM_MS_MAX)
}

/// How far apart both were taken, in milliseconds, as the files tell it themselves.
fn apart_ms(one: &Taken, other: &Taken) -> Option<u64> {
    let wall = |taken: &Taken| Some(taken.at?.as_millis());
    let instant = |taken: &Taken| Some(wall(taken)? - i64::from(taken.offset?.minutes()) * 60_000);
    match (instant(one), instant(other)) {
        (Some(one), Some(other)) => Some(one.abs_diff(other)),
        _ => Some(wall(one)?.abs_diff(wall(other)?)),
    }
}

/// What of its name a Live Photo's parts have in common.
fn stem(item: &ItemRow) -> Option<&str> {
    let (stem, extension) = item.name.rsplit_once('.')?;
    let is_taken_out = item.is_film() && extension.eq_ignore_ascii_case(&TAKEN_OUT[1..]);
    Some(if is_taken_out { &item.name } else { stem })
}

fn stem_key(item: &ItemRow) -> Option<String> {
    stem(item).map(name_key)
}
