//! Photos of the demonstration: a library of any size whose pictures are plain colours.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

use leptos::prelude::*;
use shared::photo::{
    Aspect, Derivative, Derivatives, DuplicateGroup, DuplicatePage, Location, Photo, PhotoInfo, PhotoStatus,
    WallTime,
};
use shared::{ClientFileItem, ItemId, Timestamp};
use sync::AlbumView;
use uuid::Uuid;

use super::Scene;
use crate::ports::{
    CallError, ListedPhoto, LocalFuture, Overlay, PhotoCache, PhotoIndex, PhotoList, PhotoMarks, PhotoSource,
    PhotosState,
};

const DAY_MS: i64 = 86_400_000;
/// So that ids of photos are told from others.
const FIRST_ID: u128 = 1 << 100;
const SHAPES: [(u32, u32); 6] =
    [(4_000, 3_000), (3_000, 4_000), (6_000, 4_000), (3_000, 3_000), (9_000, 3_000), (1_920, 1_080)];
const HASHES: [&str; 4] = [
    "1QcSHQRnh493V4dIh4eXh1h4kJUI",
    "3PcNNYSFeXh/d3eld0iHZoZgVwh2",
    "3OcRJYB4d3h/iIeHeEh3eIhw+j3A",
    "HBkSHYSIeHiPiHh8eJd4eTN0EEQG",
];

/// What is marked otherwise than it was, by a photo's number.
pub type Marks = Rc<RefCell<BTreeMap<usize, PhotoMarks>>>;

pub fn photos_of(scene: Scene) -> usize {
    match scene {
        Scene::Empty | Scene::FirstSync | Scene::SignedOut => 0,
        Scene::Large => 1_000_000,
        _ => 2_400,
    }
}

fn shape(number: usize) -> (u32, u32) {
    SHAPES[[0, 1, 2, 0, 0, 3, 1, 2, 5, 0, 1, 0, 4][number * 7 % 13]]
}

/// A day has from one to some forty.
fn taken_at(number: usize, count: usize) -> WallTime {
    let last_day = 20_700;
    let day = if count > 100_000 { number / 130 } else { number * number % 7 / 6 + number / 17 };
    WallTime::from_millis(
        (last_day - day as i64) * DAY_MS + DAY_MS - 1_000 * (number % 17) as i64 - 8_000_000,
    )
}

pub fn id_of(number: usize) -> ItemId {
    ItemId(Uuid::from_u128(FIRST_ID + number as u128))
}

pub fn number_of(id: ItemId) -> Option<usize> {
    id.0.as_u128().checked_sub(FIRST_ID).map(|number| number as usize)
}

fn marks_at_first(number: usize) -> PhotoMarks {
    PhotoMarks {
        is_favorite: number.is_multiple_of(11),
        archived: number % 101 == 1,
        hidden: number % 211 == 2,
        is_deleted: false,
    }
}

pub fn marks_of(marks: &Marks, number: usize) -> PhotoMarks {
    marks.borrow().get(&number).copied().unwrap_or_else(|| marks_at_first(number))
}

/// A picture of one colour, and the photo's number on it.
fn picture(number: usize, (width, height): (u32, u32), side: u32) -> Derivative {
    let longest = width.max(height);
    let (width, height) = (width * side / longest, height * side / longest);
    let (hue, other) = (number * 47 % 360, (number * 47 + 60) % 360);
    let url = format!(
        "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}'%3E\
         %3ClinearGradient id='g' x2='1' y2='1'%3E%3Cstop stop-color='hsl({hue} 40%25 62%25)'/%3E\
         %3Cstop offset='1' stop-color='hsl({other} 45%25 38%25)'/%3E%3C/linearGradient%3E\
         %3Crect width='100%25' height='100%25' fill='url(%23g)'/%3E\
         %3Ctext x='50%25' y='55%25' text-anchor='middle' font-size='{}' fill='white' opacity='.6'%3E{number}%3C/text%3E%3C/svg%3E",
        height / 5
    );
    Derivative { url, width, height, size: 9_000 }
}

pub fn photo(number: usize, count: usize, marks: PhotoMarks) -> Photo {
    let (width, height) = shape(number);
    let info = PhotoInfo {
        width: Some(width),
        height: Some(height),
        taken_at: taken_at(number, count),
        location: (number % 3 == 0).then(|| Location::new(48.137, 11.576).ok()).flatten(),
        camera: Some("Pixel 8 Pro".to_owned()),
        lens: Some("24 mm f/1.7".to_owned()),
        exposure: Some("1/250 s, f/1.8, ISO 64, 5.7 mm".to_owned()),
        thumbhash: Some(HASHES[number % HASHES.len()].to_owned()),
        is_favorite: marks.is_favorite,
        hidden: marks.hidden,
        archived: marks.archived,
        status: PhotoStatus::Ready,
        ..PhotoInfo::unknown(Timestamp::from_millis(0))
    };
    let form = |side| Some(picture(number, shape(number), side));
    Photo {
        id: id_of(number),
        file_id: id_of(number),
        file_name: format!("IMG_{number:04}.jpg"),
        mime_type: "image/jpeg".to_owned(),
        size: 4_200_000,
        info,
        derivatives: Derivatives { thumbnail: form(200), preview: form(1_024), display: form(2_048) },
    }
}

/// Albums; each has every so many-th photo.
const ALBUMS: [(&str, usize); 3] = [("Lake in autumn", 9), ("Ida’s first year", 4), ("To print", 31)];

fn album_id(place: usize) -> ItemId {
    ItemId(Uuid::from_u128(place as u128 + 7))
}

fn is_in(number: usize, album: ItemId) -> bool {
    let every = ALBUMS.iter().enumerate().find(|(place, _)| album_id(*place) == album);
    every.is_some_and(|(_, (_, every))| number.is_multiple_of(*every))
}

pub fn albums(scene: Scene) -> Vec<AlbumView> {
    let count = photos_of(scene);
    let albums = ALBUMS.iter().enumerate().filter(|_| count > 0);
    let album = |(place, (name, every)): (usize, &(&str, usize))| AlbumView {
        id: album_id(place),
        name: (*name).to_owned(),
        count: count / every,
        taken: None,
        cover: Some(id_of(*every)),
    };
    albums.map(album).collect()
}

/// Groups of two and three that look the same.
pub fn duplicates(scene: Scene) -> DuplicatePage {
    let count = photos_of(scene);
    let alike = |number: usize, copies: usize| DuplicateGroup {
        photos: (0..copies)
            .map(|copy| {
                let mut photo = photo(number, count, marks_at_first(number));
                let id = id_of(count + number * 4 + copy);
                (photo.id, photo.file_id, photo.size) = (id, id, photo.size / (copy as u64 + 1));
                if copy > 0 {
                    photo.file_name = format!("IMG_{number:04} ({copy}).jpg");
                    (photo.info.lens, photo.info.exposure, photo.info.location) = (None, None, None);
                }
                photo
            })
            .collect(),
    };
    let groups = if count == 0 { Vec::new() } else { vec![alike(3, 2), alike(10, 3), alike(25, 2)] };
    DuplicatePage { groups, next_cursor: None }
}

pub struct DemoPhotos {
    scene: Scene,
    list: PhotoList,
    marks: Marks,
    index: Rc<PhotoIndex>,
    /// The photos' numbers, in the list's order.
    numbers: Rc<Vec<u32>>,
    cache: Rc<RefCell<PhotoCache>>,
    revision: RwSignal<u64>,
}

/// All photos of a list, in its order.
pub fn listed(scene: Scene, list: PhotoList, marks: &Marks) -> Vec<ListedPhoto> {
    let count = photos_of(scene);
    let numbers = (0..count)
        .filter(|number| list.has(marks_of(marks, *number)))
        .filter(|number| list.album().is_none_or(|album| is_in(*number, album)));
    let listed = |number: usize| {
        let (width, height) = shape(number);
        ListedPhoto {
            id: id_of(number),
            sorted_at: taken_at(number, count),
            is_placed: false,
            aspect: Aspect::of(width, height),
        }
    };
    numbers.map(listed).collect()
}

impl DemoPhotos {
    pub fn new(scene: Scene, list: PhotoList, marks: Marks) -> Self {
        let listed = listed(scene, list, &marks);
        let numbers = listed.iter().filter_map(|photo| number_of(photo.id)).map(|number| number as u32);
        let numbers: Vec<u32> = numbers.collect();
        let index = PhotoIndex::of(list.album(), &listed);
        Self {
            scene,
            list,
            marks,
            index: Rc::new(index),
            numbers: Rc::new(numbers),
            cache: Rc::default(),
            revision: RwSignal::new(0),
        }
    }

    fn load(&self, segment: usize) -> Vec<Rc<Photo>> {
        let count = photos_of(self.scene);
        let numbers = &self.numbers[self.index.segment(segment)];
        let photos = numbers.iter().map(|number| {
            let number = *number as usize;
            Rc::new(photo(number, count, marks_of(&self.marks, number)))
        });
        let photos: Vec<_> = photos.collect();
        self.cache.borrow_mut().put(segment, photos.clone(), true);
        photos
    }
}

impl PhotoSource for DemoPhotos {
    fn revision(&self) -> Signal<u64> {
        self.revision.into()
    }

    fn state(&self) -> PhotosState {
        if self.scene == Scene::FirstSync { PhotosState::Loading } else { PhotosState::Here }
    }

    fn index(&self) -> Rc<PhotoIndex> {
        self.index.clone()
    }

    fn photo(&self, ordinal: usize) -> Option<Rc<Photo>> {
        self.cache.borrow().get(&self.index, ordinal).cloned()
    }

    fn known(&self, places: Range<usize>) -> Vec<(usize, ItemId)> {
        let cache = self.cache.borrow();
        cache.known_among(&self.index, places).map(|(ordinal, photo)| (ordinal, photo.id)).collect()
    }

    fn find(&self, id: ItemId) -> Option<usize> {
        self.cache.borrow().find(&self.index, id)
    }

    fn overlay(&self) -> Rc<Overlay> {
        let marks = self.marks.borrow();
        let gone = marks.iter().filter(|(_, marks)| !self.list.has(**marks));
        let ordinal = |number: &usize| self.numbers.binary_search(&(*number as u32)).ok();
        let gone = gone.filter_map(|(number, _)| ordinal(number)).map(|ordinal| ordinal as u32).collect();
        Rc::new(Overlay { gone, ..Overlay::default() })
    }

    fn want(&self, segments: &[usize]) {
        self.cache.borrow_mut().touch(segments);
        let missing: Vec<usize> =
            segments.iter().copied().filter(|segment| !self.cache.borrow().is_fresh(*segment)).collect();
        if missing.is_empty() {
            return;
        }
        for segment in missing {
            self.load(segment);
        }
        let revision = self.revision;
        set_timeout(move || revision.update(|revision| *revision += 1), std::time::Duration::from_millis(60));
    }

    fn segment(&self, number: usize) -> LocalFuture<Result<Vec<Rc<Photo>>, CallError>> {
        let photos = self.load(number);
        Box::pin(async move { Ok(photos) })
    }

    fn arriving(&self) -> Vec<Arc<ClientFileItem>> {
        Vec::new()
    }
}
