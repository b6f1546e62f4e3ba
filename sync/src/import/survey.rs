//! An export as it is read, until there is enough for a plan.

use std::collections::{BTreeMap, BTreeSet};

use shared::limits::{FILE_BYTES_MAX, NAME_BYTES_MAX};
use shared::name::FoldedName;
use shared::photo::{Degrees, Location, WallTime};
use shared::{ItemName, Timestamp};

use super::exif::{self, Says};
use super::google::{self, Found, Json, Sidecar, Sidecars, split_extension};
use super::icloud::{Details, Table};
use super::media::{Media, library_name};
use super::plan::{DateFrom, Plan, PlannedAlbum, PlannedPhoto, Skip, Skipped};
use super::zip::Unreadable;

/// How much of a picture is looked at for what it says of itself, in bytes.
pub const HEAD_BYTES: u64 = 128 * 1024;
/// The largest sidecar and the largest table that are read, in bytes.
const SIDECAR_BYTES_MAX: u64 = 1024 * 1024;
const TABLE_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// The folder that a Takeout is, whatever it lies in.
const TAKEOUT: &str = "Takeout";
const DETAILS: &str = "photo details";
const ALBUM_TABLES: &str = "Albums";
/// Lists among the albums' that are none.
const MARK_TABLES: [&str; 2] = ["Hidden", "Favorites"];
const RECENTLY_DELETED: &str = "Recently Deleted";

/// One file of an export.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The archive that it is in; the same for all of a folder.
    pub source: usize,
    pub path: String,
    /// In bytes.
    pub size: u64,
    pub modified: Option<Timestamp>,
    /// Of its content, where that is known.
    pub crc32: Option<u32>,
    pub unreadable: Option<Unreadable>,
}

impl Entry {
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    fn folder(&self) -> &str {
        self.path.rsplit_once('/').map_or("", |(folder, _)| folder)
    }

    fn is_below(&self, folder: &str) -> bool {
        self.folder().split('/').any(|part| part == folder)
    }

    /// Of systems rather than people.
    fn is_junk(&self) -> bool {
        self.name().starts_with('.') || self.is_below("__MACOSX")
    }

    fn has_extension(&self, wanted: &str) -> bool {
        self.name().rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case(wanted))
    }

    fn media(&self) -> Option<Media> {
        Media::of(self.name()).filter(|_| !self.is_junk())
    }

    /// The folder that its sidecars are in: the parts of a Takeout hold parts of the same folders.
    fn place(&self) -> Place<'_> {
        let folder = self.folder();
        let is_whole = |at: usize| {
            let (before, after) = (&folder[..at], &folder[at + TAKEOUT.len()..]);
            (before.is_empty() || before.ends_with('/')) && (after.is_empty() || after.starts_with('/'))
        };
        match folder.match_indices(TAKEOUT).find(|(at, _)| is_whole(*at)) {
            Some((at, _)) => {
                Place { source: None, folder: folder[at + TAKEOUT.len()..].trim_start_matches('/') }
            }
            None => Place { source: Some(self.source), folder },
        }
    }

    /// Of a Takeout: what Google calls the product, in whichever language.
    fn product(&self) -> Option<&str> {
        let Place { source, folder } = self.place();
        source.is_none().then(|| folder.split('/').next().unwrap_or_default())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place<'a> {
    source: Option<usize>,
    folder: &'a str,
}

/// What was read of an export.
#[derive(Clone, Debug, Default)]
pub struct Survey {
    entries: Vec<Entry>,
    jsons: BTreeMap<usize, Json>,
    tables: BTreeMap<usize, Table>,
    heads: BTreeMap<usize, Says>,
}

impl Survey {
    pub fn new(entries: Vec<Entry>) -> Self {
        Self { entries, ..Self::default() }
    }

    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Those whose text tells of others: to be given to [`Self::take_text`].
    pub fn texts(&self) -> Vec<usize> {
        let is_text = |entry: &Entry| {
            let is_json = entry.has_extension("json") && entry.size <= SIDECAR_BYTES_MAX;
            let is_listed = || {
                let in_albums = entry.folder().rsplit('/').next() == Some(ALBUM_TABLES);
                in_albums || entry.name().to_lowercase().starts_with(DETAILS)
            };
            let is_table = || entry.has_extension("csv") && entry.size <= TABLE_BYTES_MAX && is_listed();
            entry.unreadable.is_none() && !entry.is_junk() && (is_json || is_table())
        };
        self.indices(is_text)
    }

    /// Those whose first [`HEAD_BYTES`] are to be given to [`Self::take_head`].
    pub fn pictures(&self) -> Vec<usize> {
        self.indices(|entry| {
            entry.unreadable.is_none() && entry.media().is_some_and(|media| !media.is_film())
        })
    }

    fn indices(&self, are: impl Fn(&Entry) -> bool) -> Vec<usize> {
        self.entries.iter().enumerate().filter(|(_, entry)| are(entry)).map(|(index, _)| index).collect()
    }

    pub fn take_text(&mut self, entry: usize, text: &str) {
        if self.entries[entry].has_extension("json") {
            self.jsons.insert(entry, Json::read(text));
        } else {
            self.tables.insert(entry, Table::read(text));
        }
    }

    pub fn take_head(&mut self, entry: usize, head: &[u8]) {
        self.heads.insert(entry, exif::says(head));
    }

    /// A text or head that could not be read, or the whole file.
    pub fn cannot_read(&mut self, entry: usize, why: Unreadable) {
        self.entries[entry].unreadable = Some(why);
    }

    /// What would be done. `is_known`: whether the library has a photo of that name and size.
    pub fn plan(&self, is_known: impl Fn(&ItemName, u64) -> bool) -> Plan {
        let told = Told::of(self);
        let mut draft =
            Draft { plan: Plan { has_sidecars: told.has_sidecars, ..Plan::default() }, ..Draft::default() };
        for (index, entry) in self.entries.iter().enumerate() {
            let found = entry.media().and_then(|_| told.sidecars.get(&entry.place())?.of(entry.name()));
            draft.used.extend(found.map(|found| found.entry));
            match self.judge(index, entry, found, &told) {
                Judged::Photo(mut photo, albums) => {
                    photo.is_probably_here = is_known(&photo.name, photo.size);
                    draft.add(*photo, &albums);
                }
                Judged::Skipped(why) => draft.plan.skipped.push(Skipped { path: entry.path.clone(), why }),
                Judged::Read => {}
            }
        }
        draft.share_albums_with_films(&self.entries);
        draft.find_copies(&self.entries);
        let lonely = told.photo_sidecars.iter().filter(|entry| !draft.used.contains(entry));
        draft.plan.lonely_sidecars = lonely.map(|entry| self.entries[*entry].path.clone()).collect();
        draft.plan
    }

    fn judge<'a>(&'a self, index: usize, entry: &'a Entry, found: Option<Found>, told: &Told<'a>) -> Judged {
        let media = entry.media();
        match (entry.unreadable, media) {
            (Some(why), _) => return Judged::Skipped(why.into()),
            (None, None) if self.jsons.get(&index).is_some_and(|json| *json != Json::Other) => {
                return Judged::Read;
            }
            (None, None) if self.tables.get(&index).is_some_and(|table| *table != Table::Other) => {
                return Judged::Read;
            }
            (_, None) if entry.has_extension("zip") => return Judged::Skipped(Skip::Archive),
            (_, None) => return Judged::Skipped(Skip::NotAPhoto),
            (None, Some(_)) => {}
        }
        let is_other = |product| !told.products.is_empty() && !told.products.contains(product);
        if entry.product().is_some_and(is_other) {
            return Judged::Skipped(Skip::OtherProduct);
        }
        let (Some(media), Ok(name)) = (media, ItemName::parse(&library_name(entry.name()))) else {
            return Judged::Skipped(Skip::BadName);
        };
        if entry.size > FILE_BYTES_MAX {
            return Judged::Skipped(Skip::TooLarge);
        }
        let sidecar = found.and_then(|found| self.sidecar(found.entry));
        let details = told.details(entry);
        let is_deleted = details.is_some_and(|details| details.deleted);
        if sidecar.is_some_and(|sidecar| sidecar.trashed) || is_deleted || entry.is_below(RECENTLY_DELETED) {
            return Judged::Skipped(Skip::Trashed);
        }
        let says = self.heads.get(&index).copied().unwrap_or_default();
        let taken_at = sidecar.and_then(|it| it.taken_at).or(details.and_then(|it| it.taken_at));
        let corrected = taken_at.filter(|at| says.date.is_some_and(|date| is_another_day(date, *at)));
        let location = sidecar.and_then(|it| it.location);
        let location = location.filter(|it| says.place.is_none_or(|place| is_elsewhere(place, *it)));
        // The film of a moving picture is not liked for itself.
        let is_itself = found.is_none_or(|found| found.is_own) || !media.is_film();
        let is_liked = sidecar.is_some_and(|it| it.is_favorite) || details.is_some_and(|it| it.is_favorite);
        let photo = PlannedPhoto {
            entry: index,
            path: entry.path.clone(),
            name,
            media,
            size: entry.size,
            file_time: taken_at.or(entry.modified),
            corrected,
            date_from: match (says.date, taken_at) {
                (Some(_), _) if corrected.is_none() => DateFrom::Picture,
                (_, Some(_)) => DateFrom::Sidecar,
                (_, None) => DateFrom::File,
            },
            location,
            is_favorite: is_itself && (is_liked || told.is_marked("Favorites", entry)),
            hidden: details.is_some_and(|it| it.hidden) || told.is_marked("Hidden", entry),
            archived: sidecar.is_some_and(|it| it.archived),
            albums: Vec::new(),
            has_sidecar: sidecar.is_some() || details.is_some(),
            copy_of: None,
            is_probably_here: false,
        };
        Judged::Photo(Box::new(photo), told.albums_of(entry))
    }

    fn sidecar(&self, entry: usize) -> Option<&Sidecar> {
        match self.jsons.get(&entry) {
            Some(Json::Photo(sidecar)) => Some(sidecar),
            _ => None,
        }
    }
}

/// Whether an export's date is not the picture's on some clock of the world: somebody corrected it.
fn is_another_day(picture: WallTime, export: Timestamp) -> bool {
    const APART_MAX_MS: u64 = 26 * 60 * 60 * 1_000;
    picture.as_millis().abs_diff(export.as_millis()) > APART_MAX_MS
}

/// Whether an export's place is not the picture's: somebody moved it. What is nearer was only rounded.
fn is_elsewhere(picture: Location, export: Location) -> bool {
    const APART_MAX_DEGREES: f64 = 0.001;
    let is_apart = |a: Degrees, b: Degrees| (f64::from(a) - f64::from(b)).abs() > APART_MAX_DEGREES;
    is_apart(picture.latitude, export.latitude) || is_apart(picture.longitude, export.longitude)
}

impl From<Unreadable> for Skip {
    fn from(why: Unreadable) -> Self {
        match why {
            Unreadable::Encrypted => Self::Encrypted,
            Unreadable::UnknownMethod => Self::UnknownMethod,
            Unreadable::Damaged => Self::Damaged,
        }
    }
}

enum Judged {
    /// With the names of its albums.
    Photo(Box<PlannedPhoto>, Vec<String>),
    Skipped(Skip),
    /// It told of others.
    Read,
}

/// What sidecars and tables tell, by where they lie.
#[derive(Default)]
struct Told<'a> {
    has_sidecars: bool,
    photo_sidecars: Vec<usize>,
    sidecars: BTreeMap<Place<'a>, Sidecars>,
    /// Google's albums are folders.
    titles: BTreeMap<Place<'a>, &'a str>,
    products: BTreeSet<&'a str>,
    details: BTreeMap<(Place<'a>, &'a str), &'a Details>,
    /// Apple's albums are lists of names, over all parts.
    lists: Vec<(usize, &'a str, BTreeSet<&'a str>)>,
    sources: BTreeSet<(usize, &'a str)>,
}

impl<'a> Told<'a> {
    fn of(survey: &'a Survey) -> Self {
        let mut told = Self::default();
        for (&index, json) in &survey.jsons {
            let entry = &survey.entries[index];
            let place = entry.place();
            match json {
                Json::Photo(_) => {
                    told.has_sidecars = true;
                    told.photo_sidecars.push(index);
                    told.sidecars.entry(place).or_default().add(entry.name(), index);
                    if let Some(product) = entry.product() {
                        told.products.insert(product);
                    }
                }
                Json::Album(title) => {
                    let folder = place.folder.rsplit('/').next().unwrap_or_default();
                    if !google::is_year_folder(folder, title) {
                        told.titles.entry(place).or_insert(title);
                    }
                }
                Json::Other => {}
            }
        }
        for (&index, table) in &survey.tables {
            let entry = &survey.entries[index];
            match table {
                Table::Details(rows) => {
                    told.has_sidecars = true;
                    let place = entry.place();
                    told.details.extend(rows.iter().map(|row| ((place, row.name.as_str()), row)));
                }
                Table::Names(names) => {
                    let (album, _) = split_extension(entry.name());
                    told.lists.push((entry.source, album, names.iter().map(String::as_str).collect()));
                }
                Table::Other => {}
            }
        }
        let media = survey.entries.iter().filter(|entry| entry.media().is_some());
        told.sources = media.map(|entry| (entry.source, entry.name())).collect();
        told
    }

    fn details(&self, entry: &'a Entry) -> Option<&'a Details> {
        self.details.get(&(entry.place(), entry.name())).copied()
    }

    fn albums_of(&self, entry: &'a Entry) -> Vec<String> {
        let title = self.titles.get(&entry.place()).map(|title| (*title).to_owned());
        let lists = self.lists.iter().filter(|(_, album, _)| !MARK_TABLES.contains(album));
        let named = lists.filter(|list| self.is_named(list, entry)).map(|(_, album, _)| (*album).to_owned());
        title.into_iter().chain(named).collect()
    }

    fn is_marked(&self, list: &str, entry: &'a Entry) -> bool {
        self.lists.iter().any(|it| it.1 == list && self.is_named(it, entry))
    }

    /// Names are not unique over the parts of an export: the list's own part counts first.
    fn is_named(&self, (source, _, names): &(usize, &str, BTreeSet<&str>), entry: &'a Entry) -> bool {
        names.contains(entry.name())
            && (entry.source == *source || !self.sources.contains(&(*source, entry.name())))
    }
}

#[derive(Default)]
struct Draft {
    plan: Plan,
    albums: BTreeMap<FoldedName, usize>,
    /// Sidecars that have their picture.
    used: BTreeSet<usize>,
}

impl Draft {
    fn add(&mut self, mut photo: PlannedPhoto, albums: &[String]) {
        photo.albums = albums.iter().filter_map(|name| self.album(name)).collect();
        photo.albums.sort_unstable();
        photo.albums.dedup();
        self.plan.photos.push(photo);
    }

    fn album(&mut self, title: &str) -> Option<usize> {
        let name = album_name(title)?;
        let albums = &mut self.plan.albums;
        Some(*self.albums.entry(name.folded()).or_insert_with(|| {
            albums.push(PlannedAlbum { name, count: 0 });
            albums.len() - 1
        }))
    }

    /// Albums name the picture of a Live Photo, and its film belongs to it.
    fn share_albums_with_films(&mut self, entries: &[Entry]) {
        let photos = &self.plan.photos;
        let key = |photo: &PlannedPhoto| {
            let entry = &entries[photo.entry];
            (entry.source, entry.folder(), split_extension(entry.name()).0)
        };
        let pictures: BTreeMap<_, _> =
            photos.iter().filter(|photo| !photo.media.is_film()).map(|photo| (key(photo), photo)).collect();
        let shared: Vec<_> = photos
            .iter()
            .enumerate()
            .filter(|(_, photo)| photo.media.is_film())
            .filter_map(|(index, film)| {
                let picture = pictures.get(&key(film))?;
                Some((index, picture.albums.clone(), picture.hidden, picture.archived))
            })
            .collect();
        for (index, albums, hidden, archived) in shared {
            let film = &mut self.plan.photos[index];
            film.hidden |= hidden;
            film.archived |= archived;
            film.albums.extend(albums);
            film.albums.sort_unstable();
            film.albums.dedup();
        }
    }

    /// Google puts a photo into the folder of its year and of each of its albums. The first stands for all, with what
    /// any of their sidecars says; each keeps its albums.
    fn find_copies(&mut self, entries: &[Entry]) {
        let mut firsts: BTreeMap<(FoldedName, u64, Option<u32>), usize> = BTreeMap::new();
        let mut in_albums = BTreeSet::new();
        for index in 0..self.plan.photos.len() {
            let photo = &self.plan.photos[index];
            let key = (photo.name.folded(), photo.size, entries[photo.entry].crc32);
            let first = *firsts.entry(key).or_insert(index);
            in_albums.extend(photo.albums.iter().map(|album| (*album, first)));
            if first == index {
                continue;
            }
            let copy = photo.clone();
            // Without a checksum two photos of a camera that counts anew may only look like one.
            let is_proven = entries[copy.entry].crc32.is_some();
            let first_photo = &mut self.plan.photos[first];
            if is_proven && !first_photo.has_sidecar && copy.has_sidecar {
                first_photo.has_sidecar = true;
                first_photo.file_time = copy.file_time;
                first_photo.corrected = copy.corrected;
                first_photo.date_from = copy.date_from;
                first_photo.location = copy.location;
            }
            if is_proven {
                first_photo.is_favorite |= copy.is_favorite;
                first_photo.hidden |= copy.hidden;
                first_photo.archived |= copy.archived;
            }
            self.plan.photos[index].copy_of = Some(first);
        }
        for (album, _) in in_albums {
            self.plan.albums[album].count += 1;
        }
    }
}

/// A title as a folder may be called; none where nothing is left of it.
fn album_name(title: &str) -> Option<ItemName> {
    let text: String = title.chars().map(|c| if c == '/' || c.is_control() { ' ' } else { c }).collect();
    let mut text = text.trim().to_owned();
    while text.len() > NAME_BYTES_MAX {
        text.pop();
    }
    ItemName::parse(text.trim_end()).ok()
}

#[cfg(test)]
mod tests;
