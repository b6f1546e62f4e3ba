//! Live Photos: a photo and a film that belong together. Both stay items; the film is in no list, and goes where its
//! photo goes.

use shared::frames::FileAction;
use shared::photo::PhotoInfo;
use shared::{ItemId, ItemName};

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
const FILMS: [&str; 1] = [".mov"];

impl<S: ZoneStore> Judge<'_, '_, S> {
    /// Joins the photo with its film, or the film with its photo, if it is there; takes apart what is no pair any
    /// more.
    pub(super) async fn pair(&mut self, id: ItemId) -> Result<(), DbError> {
        let Some(item) = self.zone.item(id).await? else { return Ok(()) };
        if let Some(partner) = partner(&item) {
            match self.zone.item(partner).await?.filter(|other| belong_together(&item, other)) {
                Some(other) => {
                    self.unite(item, other);
                    return Ok(());
                }
                None => self.part(&item).await?,
            }
        }
        let Some(item) = self.zone.item(id).await? else { return Ok(()) };
        let others = self.candidates(&item).await?;
        let free = |other: &ItemRow| partner(other).is_none() && belong_together(&item, other);
        if let Some(other) = others.into_iter().find(free) {
            self.unite(item, other);
        }
        Ok(())
    }

    /// What may belong to it.
    async fn candidates(&mut self, item: &ItemRow) -> Result<Vec<ItemRow>, DbError> {
        if let Some(identifier) = item.content_identifier() {
            let identifier = identifier.to_owned();
            return self.zone.photos_of_identifier(&identifier).await;
        }
        let Ok(name) = ItemName::parse(&item.name) else { return Ok(Vec::new()) };
        let (stem, _) = name.stem_and_extension();
        let ends = if item.is_film() { STILLS.as_slice() } else { FILMS.as_slice() };
        let mut found = Vec::new();
        for end in ends {
            found.extend(self.zone.holder(item.parent_id, &name_key(&format!("{stem}{end}"))).await?);
        }
        Ok(found)
    }

    fn unite(&mut self, item: ItemRow, other: ItemRow) {
        let (still, film) = if item.is_film() { (other, item) } else { (item, other) };
        let shown = Film::of(&film).map(Pair::Film);
        let still_id = still.id;
        self.set_pair(still, shown);
        self.set_pair(film, Some(Pair::Still(still_id)));
    }

    /// Takes its partner and it apart.
    async fn part(&mut self, item: &ItemRow) -> Result<(), DbError> {
        if let Some(id) = partner(item)
            && let Some(other) = self.zone.item(id).await?
            && partner(&other) == Some(item.id)
        {
            self.set_pair(other, None);
        }
        self.set_pair(item.clone(), None);
        Ok(())
    }

    fn set_pair(&mut self, mut item: ItemRow, pair: Option<Pair>) {
        let Some(photo) = item.photo.as_mut().filter(|photo| photo.pair != pair) else { return };
        photo.pair = pair;
        self.zone.issue(&mut item);
        self.news.push(News::File(item.id, FileAction::Updated));
        self.zone.put(item, Write::Bump);
    }

    /// What the item goes into the trash with. A film that goes alone leaves its photo behind.
    pub(super) async fn delete_pair(
        &mut self,
        item: &mut ItemRow,
        deletion: Deletion,
    ) -> Result<(), DbError> {
        let Some(id) = partner(item) else { return Ok(()) };
        let Some(other) = self.zone.item(id).await?.filter(|other| partner(other) == Some(item.id)) else {
            return Ok(());
        };
        if !item.is_still_of_pair() {
            self.set_pair(other, None);
            if let Some(photo) = &mut item.photo {
                photo.pair = None;
            }
        } else if other.deleted.is_none() {
            self.set_aside(other, deletion);
        }
        Ok(())
    }

    /// What is removed for good with the item: the film that went into the trash with it. What stays is alone then.
    pub(super) async fn bury_pair(&mut self, item: &ItemRow) -> Result<Option<ItemRow>, DbError> {
        let Some(id) = partner(item) else { return Ok(None) };
        let Some(other) = self.zone.item(id).await?.filter(|other| partner(other) == Some(item.id)) else {
            return Ok(None);
        };
        if item.is_still_of_pair() && other.deleted.is_some() && other.deleted == item.deleted {
            return Ok(Some(other));
        }
        self.set_pair(other, None);
        Ok(None)
    }
}

fn partner(item: &ItemRow) -> Option<ItemId> {
    Some(match item.photo.as_ref()?.pair.as_ref()? {
        Pair::Film(film) => film.id,
        Pair::Still(id) => *id,
    })
}

impl ItemRow {
    fn is_still_of_pair(&self) -> bool {
        self.photo.as_ref().is_some_and(|photo| matches!(photo.pair, Some(Pair::Film(_))))
    }
}

/// Whether one is a photo and the other its film: by what Apple writes into both; where neither says anything, by
/// name, time and length.
fn belong_together(one: &ItemRow, other: &ItemRow) -> bool {
    let (still, film) = if one.is_film() { (other, one) } else { (one, other) };
    let are_there = still.holds_name() && film.holds_name() && still.was_looked_at() && film.was_looked_at();
    if !are_there || still.is_film() || !film.is_film() {
        return false;
    }
    match (still.content_identifier(), film.content_identifier()) {
        (None, None) => {}
        (one, other) => return one == other,
    }
    let (Some(shown), Some(moving)) = (still.photo_info(), film.photo_info()) else { return false };
    let wall = |info: &PhotoInfo| info.taken_at.as_millis();
    let instant = |info: &PhotoInfo| Some(wall(info) - i64::from(info.taken_at_offset?.minutes()) * 60_000);
    let apart = match (instant(&shown), instant(&moving)) {
        (Some(one), Some(other)) => one.abs_diff(other),
        _ => wall(&shown).abs_diff(wall(&moving)),
    };
    stem_key(&still.name) == stem_key(&film.name)
        && apart <= APART_MS_MAX
        && moving.duration.is_some_and(|ms| ms <= FILM_MS_MAX)
}

fn stem_key(name: &str) -> Option<String> {
    let name = ItemName::parse(name).ok()?;
    Some(name_key(name.stem_and_extension().0))
}
