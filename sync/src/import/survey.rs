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
mod tests {
    use super::*;

    const YEAR: &str = "Takeout/Google Photos/Photos from 2019";

    fn entry(path: &str) -> Entry {
        Entry { path: path.to_owned(), size: 1_000, crc32: Some(7), ..Entry::default() }
    }

    fn sidecar(more: &str) -> String {
        format!(r#"{{"title": "x", "photoTakenTime": {{"timestamp": "1556964900"}}{more}}}"#)
    }

    /// The plan of files, some of them with a text.
    fn plan_of(files: &[(&str, &str)]) -> Plan {
        survey_of(files).plan(|_, _| false)
    }

    fn survey_of(files: &[(&str, &str)]) -> Survey {
        let mut survey = Survey::new(files.iter().map(|(path, _)| entry(path)).collect());
        for index in survey.texts() {
            survey.take_text(index, files[index].1);
        }
        survey
    }

    fn photo<'a>(plan: &'a Plan, path: &str) -> &'a PlannedPhoto {
        plan.photos.iter().find(|photo| photo.path == path).unwrap()
    }

    fn albums_of<'a>(plan: &'a Plan, path: &str) -> Vec<&'a str> {
        photo(plan, path).albums.iter().map(|album| plan.albums[*album].name.as_str()).collect()
    }

    #[test]
    fn a_takeout_s_photo_gets_what_its_sidecar_says() {
        let more =
            r#", "favorited": true, "archived": true, "geoData": {"latitude": 48.1, "longitude": 11.5}"#;
        let (path, json) = (format!("{YEAR}/a.jpg"), format!("{YEAR}/a.jpg.supplemental-metadata.json"));
        let plan = plan_of(&[(&path, ""), (&json, &sidecar(more)), ("Takeout/archive_browser.html", "")]);
        let photo = photo(&plan, &path);
        assert_eq!(photo.file_time, Some(Timestamp::from_millis(1_556_964_900_000)));
        assert_eq!(photo.date_from, DateFrom::Sidecar);
        let edit = photo.edit();
        assert_eq!((edit.is_favorite, edit.archived, edit.hidden), (Some(true), Some(true), None));
        assert!(
            edit.location.flatten().is_some() && edit.taken_at.is_none(),
            "its date is no word of a person's"
        );
        assert_eq!(
            plan.skipped,
            [Skipped { path: "Takeout/archive_browser.html".into(), why: Skip::NotAPhoto }]
        );
        assert!(plan.lonely_sidecars.is_empty() && plan.albums.is_empty());
    }

    #[test]
    fn what_the_picture_says_itself_counts() {
        let more = r#", "geoData": {"latitude": 48.1, "longitude": 11.5}"#;
        let exif_too = r#", "geoData": {"latitude": 47.0, "longitude": 11.5}, "geoDataExif": {"latitude": 48.1, "longitude": 11.5}"#;
        let files = [
            ("a.jpg", String::new()),
            ("a.jpg.json", sidecar(more)),
            ("b.jpg", String::new()),
            ("b.jpg.json", sidecar(exif_too)),
        ];
        let mut survey = survey_of(&files.each_ref().map(|(path, text)| (*path, text.as_str())));
        assert_eq!(survey.pictures(), [0, 2]);
        let place = Location::new(48.1002, 11.5).ok();
        survey.heads.insert(0, Says { date: "2019-05-04T10:15:00".parse().ok(), place });
        survey.heads.insert(2, Says { date: "2024-01-01T10:15:00".parse().ok(), place });
        let plan = survey.plan(|_, _| false);
        assert_eq!(
            (photo(&plan, "a.jpg").location, photo(&plan, "a.jpg").date_from),
            (None, DateFrom::Picture)
        );
        let other = photo(&plan, "b.jpg");
        assert_eq!(other.location, Location::new(47.0, 11.5).ok(), "somebody moved it");
        assert_eq!(other.date_from, DateFrom::Sidecar, "somebody corrected it");
        let edit = other.edit();
        assert_eq!(
            edit.taken_at.flatten().map(|at| at.to_string()).as_deref(),
            Some("2019-05-04T10:15:00.000")
        );
        assert_eq!(edit.taken_at_offset, Some(Some(shared::photo::UtcOffset::UTC)));
    }

    #[test]
    fn a_photo_in_a_year_and_in_albums_is_one_in_these_albums() {
        let year = format!("{YEAR}/a.jpg");
        let album = "Takeout/Google Photos/Lake";
        let in_album = format!("{album}/a.jpg");
        let plan = plan_of(&[
            (&in_album, ""),
            (&format!("{album}/Metadaten.json"), r#"{"title": "Lake / 2019"}"#),
            (&year, ""),
            (&format!("{YEAR}/a.jpg.json"), &sidecar("")),
            (&format!("{YEAR}/metadata.json"), r#"{"title": "Photos from 2019"}"#),
        ]);
        assert_eq!(plan.albums, [PlannedAlbum { name: ItemName::parse("Lake   2019").unwrap(), count: 1 }]);
        assert_eq!(albums_of(&plan, &in_album), ["Lake   2019"]);
        assert_eq!(photo(&plan, &in_album).date_from, DateFrom::Sidecar, "of the other one's");
        assert_eq!(photo(&plan, &year).copy_of, Some(0));
        let numbers = plan.numbers();
        assert_eq!((numbers.pictures, numbers.copies, numbers.bytes), (1, 1, 1_000));
    }

    #[test]
    fn another_content_of_the_same_name_is_another_photo() {
        let mut survey = Survey::new(vec![entry("a/x.jpg"), Entry { crc32: Some(8), ..entry("b/x.jpg") }]);
        assert!(survey.plan(|_, _| false).photos.iter().all(|photo| photo.copy_of.is_none()));
        survey.entries[1] = Entry { size: 999, ..entry("b/x.jpg") };
        assert!(survey.plan(|_, _| false).photos.iter().all(|photo| photo.copy_of.is_none()));
    }

    #[test]
    fn parts_of_a_takeout_are_one() {
        let (path, json) = (format!("takeout-1/{YEAR}/a.jpg"), format!("takeout-2/{YEAR}/a.jpg.json"));
        let mut survey = Survey::new(vec![entry(&path), Entry { source: 1, ..entry(&json) }]);
        survey.take_text(1, &sidecar(""));
        assert!(survey.plan(|_, _| false).photos[0].has_sidecar);
    }

    #[test]
    fn other_products_and_the_trash_are_left_out_and_said() {
        let plan = plan_of(&[
            (&format!("{YEAR}/a.jpg"), ""),
            (&format!("{YEAR}/a.jpg.json"), &sidecar(r#", "trashed": true"#)),
            ("Takeout/Google Chat/Groups/b.jpg", ""),
            ("Takeout/Google Photos/.DS_Store", ""),
            ("Takeout/Google Photos/more.zip", ""),
        ]);
        let why: Vec<Skip> = plan.skipped.iter().map(|skipped| skipped.why).collect();
        assert_eq!(why, [Skip::Trashed, Skip::OtherProduct, Skip::NotAPhoto, Skip::Archive]);
        assert!(plan.photos.is_empty() && plan.lonely_sidecars.is_empty());
    }

    #[test]
    fn who_has_no_match_is_told() {
        let plan = plan_of(&[("a.jpg", ""), ("b.jpg.json", &sidecar("")), ("c.json", "{}")]);
        assert_eq!(plan.lonely_sidecars, ["b.jpg.json"]);
        assert_eq!(plan.numbers().without_sidecar, 1);
        assert_eq!(plan.skipped, [Skipped { path: "c.json".into(), why: Skip::NotAPhoto }]);
        let plain = plan_of(&[("a.jpg", "")]);
        assert_eq!(plain.numbers().without_sidecar, 0, "in a plain folder that is no news");
    }

    #[test]
    fn moving_pictures_share_date_and_albums_but_not_the_heart() {
        let file = |name: &str| format!("{YEAR}/{name}");
        let plan = plan_of(&[
            (&file("PXL_1.MP.jpg"), ""),
            (&file("PXL_1.MP"), ""),
            (&file("PXL_1.MP.jpg.json"), &sidecar(r#", "favorited": true"#)),
        ]);
        let film = photo(&plan, &file("PXL_1.MP"));
        assert_eq!((film.name.as_str(), film.media.mime_type()), ("PXL_1.MP.mp4", "video/mp4"));
        assert!(film.has_sidecar && !film.is_favorite && film.date_from == DateFrom::Sidecar);
        assert!(photo(&plan, &file("PXL_1.MP.jpg")).is_favorite);
    }

    const DETAILS_HEAD: &str =
        "imgName,fileChecksum,favorite,hidden,deleted,originalCreationDate,viewCount,importDate\n";

    #[test]
    fn an_icloud_export_has_its_dates_hearts_and_albums() {
        let details = format!(
            "{DETAILS_HEAD}IMG_1.HEIC,x,yes,no,no,\"Saturday June 4,2022 12:11 PM GMT\",1,\n\
             IMG_2.JPG,x,no,yes,no,\"Saturday June 4,2022 1:11 PM GMT\",1,\n\
             IMG_3.JPG,x,no,no,yes,\"Saturday June 4,2022 2:11 PM GMT\",1,\n"
        );
        let plan = plan_of(&[
            ("Part 1/Photos/IMG_1.HEIC", ""),
            ("Part 1/Photos/IMG_1.MOV", ""),
            ("Part 1/Photos/IMG_2.JPG", ""),
            ("Part 1/Photos/IMG_3.JPG", ""),
            ("Part 1/Photos/Photo Details-1.csv", &details),
            ("Part 1/Albums/Goa 2021.csv", "Images\nIMG_1.HEIC\nIMG_9.JPG\n"),
            ("Part 1/Albums/Hidden.csv", "imgName\nIMG_2.JPG\n"),
            ("Part 1/Memories/Summer.csv", "imageName\nIMG_1.HEIC\n"),
            ("Part 1/Recently Deleted/IMG_4.JPG", ""),
        ]);
        let live = photo(&plan, "Part 1/Photos/IMG_1.HEIC");
        assert_eq!(live.file_time, "2022-06-04T12:11:00Z".parse().ok());
        assert!(live.is_favorite && !live.hidden);
        for path in ["Part 1/Photos/IMG_1.HEIC", "Part 1/Photos/IMG_1.MOV"] {
            assert_eq!(albums_of(&plan, path), ["Goa 2021"]);
        }
        assert!(photo(&plan, "Part 1/Photos/IMG_2.JPG").hidden);
        assert_eq!(plan.albums.len(), 1);
        let trashed: Vec<_> =
            plan.skipped.iter().filter(|it| it.why == Skip::Trashed).map(|it| &*it.path).collect();
        assert_eq!(trashed, ["Part 1/Photos/IMG_3.JPG", "Part 1/Recently Deleted/IMG_4.JPG"]);
        assert_eq!(plan.skipped.len(), 3, "and the memory's table");
    }

    #[test]
    fn names_are_not_unique_over_the_parts_of_an_icloud_export() {
        let rows = |date: &str| format!("{DETAILS_HEAD}IMG_1.JPG,x,no,no,no,\"{date}\",1,\n");
        let part = |source: usize, path: &str| Entry { source, crc32: Some(source as u32), ..entry(path) };
        let mut survey = Survey::new(vec![
            part(0, "Photos/IMG_1.JPG"),
            part(0, "Photos/Photo Details.csv"),
            part(0, "Albums/Goa.csv"),
            part(1, "Photos/IMG_1.JPG"),
            part(1, "Photos/Photo Details.csv"),
            part(1, "Photos/IMG_2.JPG"),
        ]);
        survey.take_text(1, &rows("Saturday June 4,2022 12:11 PM GMT"));
        survey.take_text(2, "Images\nIMG_1.JPG\nIMG_2.JPG\n");
        survey.take_text(4, &rows("Saturday June 4,2016 12:11 PM GMT"));
        let plan = survey.plan(|_, _| false);
        let years: Vec<_> =
            plan.photos[..2].iter().map(|it| it.file_time.unwrap().to_string()[..4].to_owned()).collect();
        assert_eq!(years, ["2022", "2016"]);
        let in_album: Vec<bool> = plan.photos.iter().map(|photo| !photo.albums.is_empty()).collect();
        assert_eq!(in_album, [true, false, true]);
    }

    #[test]
    fn what_cannot_be_read_is_named_and_the_rest_goes_on() {
        let mut survey = Survey::new(vec![entry("a.jpg"), entry("b.jpg"), entry("a.jpg.json")]);
        survey.entries[1].unreadable = Some(Unreadable::Encrypted);
        survey.cannot_read(2, Unreadable::Damaged);
        let plan = survey.plan(|name, size| name.as_str() == "a.jpg" && size == 1_000);
        assert_eq!(plan.photos.len(), 1);
        assert!(plan.photos[0].is_probably_here);
        assert_eq!(plan.numbers().bytes, 0);
        let why: Vec<Skip> = plan.skipped.iter().map(|skipped| skipped.why).collect();
        assert_eq!(why, [Skip::Encrypted, Skip::Damaged]);
    }
}
