use std::collections::BTreeMap;
use std::rc::Rc;

use shared::ItemId;
use shared::photo::Photo;
use shared::photo_index::WallDay;

use super::PhotoIndex;

/// Segments whose photos are held at once; the longest unused go first.
const SEGMENTS_MAX: usize = 48;

/// Photos of an index that are known, by segment.
#[derive(Clone, Debug, Default)]
pub struct PhotoCache {
    segments: BTreeMap<usize, Loaded>,
    uses: u64,
}

#[derive(Clone, Debug)]
struct Loaded {
    photos: Vec<Option<Rc<Photo>>>,
    /// Whether they are what the server lists for this very index.
    is_fresh: bool,
    used: u64,
}

impl PhotoCache {
    pub fn get(&self, index: &PhotoIndex, ordinal: usize) -> Option<&Rc<Photo>> {
        let segment = index.segment_of(ordinal)?;
        self.segments.get(&segment)?.photos.get(ordinal - index.segment(segment).start)?.as_ref()
    }

    /// Whether a segment need not be asked for.
    pub fn is_fresh(&self, segment: usize) -> bool {
        self.segments.get(&segment).is_some_and(|loaded| loaded.is_fresh)
    }

    pub fn has(&self, segment: usize) -> bool {
        self.segments.contains_key(&segment)
    }

    /// These segments are looked at: they stay.
    pub fn touch(&mut self, segments: &[usize]) {
        self.uses += 1;
        for segment in segments {
            if let Some(loaded) = self.segments.get_mut(segment) {
                loaded.used = self.uses;
            }
        }
    }

    /// The photos of a segment as they came: from the server (`is_fresh`), or from this device.
    pub fn put(&mut self, segment: usize, photos: Vec<Rc<Photo>>, is_fresh: bool) {
        self.uses += 1;
        let photos = photos.into_iter().map(Some).collect();
        self.segments.insert(segment, Loaded { photos, is_fresh, used: self.uses });
        while self.segments.len() > SEGMENTS_MAX {
            let oldest =
                self.segments.iter().min_by_key(|(_, loaded)| loaded.used).map(|(number, _)| *number);
            self.segments.remove(&oldest.unwrap_or(segment));
        }
    }

    /// What is known may be out of date: it is asked for again when it is looked at.
    pub fn age(&mut self) {
        self.segments.values_mut().for_each(|loaded| loaded.is_fresh = false);
    }

    /// A photo is another by now, wherever it is.
    pub fn replace(&mut self, photo: Photo) {
        let photo = Rc::new(photo);
        for held in self.segments.values_mut().flat_map(|loaded| &mut loaded.photos) {
            if held.as_ref().is_some_and(|held| held.id == photo.id) {
                *held = Some(photo.clone());
            }
        }
    }

    /// Every photo that is known, with its ordinal.
    pub fn known<'a>(&'a self, index: &'a PhotoIndex) -> impl Iterator<Item = (usize, &'a Rc<Photo>)> {
        self.segments.iter().flat_map(|(segment, loaded)| {
            let start = index.segment(*segment).start;
            let photos = loaded.photos.iter().enumerate();
            photos.filter_map(move |(place, photo)| Some((start + place, photo.as_ref()?)))
        })
    }

    /// Where a photo is, if it is known.
    pub fn find(&self, index: &PhotoIndex, id: ItemId) -> Option<usize> {
        self.known(index).find(|(_, photo)| photo.id == id).map(|(ordinal, _)| ordinal)
    }

    /// The same photos in a newer index, until the server has told which they are: each day that has as many of
    /// the same shapes as are known of it and still listed, in their order.
    #[must_use]
    pub fn carry(&self, index: &PhotoIndex, newer: &PhotoIndex, is_listed: impl Fn(ItemId) -> bool) -> Self {
        let mut by_day: BTreeMap<WallDay, Vec<&Rc<Photo>>> = BTreeMap::new();
        for (_, photo) in self.known(index).filter(|(_, photo)| is_listed(photo.id)) {
            by_day.entry(photo.info.taken_at.into()).or_default().push(photo);
        }
        let mut carried = Self { segments: BTreeMap::new(), uses: self.uses };
        for (place, (day, start)) in newer.days().iter().enumerate() {
            let end = newer.days().get(place + 1).map_or(newer.len(), |(_, next)| *next as usize);
            let start = *start as usize;
            let Some(photos) = by_day.get(day).filter(|photos| photos.len() == end - start) else { continue };
            for (ordinal, photo) in (start..end).zip(photos) {
                carried.hold(newer, ordinal, (*photo).clone());
            }
        }
        carried
    }

    fn hold(&mut self, index: &PhotoIndex, ordinal: usize, photo: Rc<Photo>) {
        let Some(segment) = index.segment_of(ordinal) else { return };
        let range = index.segment(segment);
        let used = self.uses;
        let fresh = || Loaded { photos: vec![None; range.len()], is_fresh: false, used };
        self.segments.entry(segment).or_insert_with(fresh).photos[ordinal - range.start] = Some(photo);
    }
}

#[cfg(test)]
mod tests {
    use shared::photo::{Derivatives, PhotoInfo};
    use uuid::Uuid;

    use super::super::index::tests::index;
    use super::*;

    fn photo(n: u128, day: i32) -> Rc<Photo> {
        let id = ItemId(Uuid::from_u128(n));
        let mut info = PhotoInfo::unknown(shared::Timestamp::from_millis(0));
        info.taken_at = WallDay(day).start();
        Rc::new(Photo {
            id,
            file_id: id,
            file_name: format!("{n}.jpg"),
            mime_type: "image/jpeg".to_owned(),
            size: 1,
            info,
            derivatives: Derivatives::default(),
        })
    }

    fn names(cache: &PhotoCache, index: &PhotoIndex) -> Vec<Option<String>> {
        (0..index.len()).map(|at| cache.get(index, at).map(|photo| photo.file_name.clone())).collect()
    }

    #[test]
    fn known_photos_go_along_with_their_days() {
        let old = index(&[(5, vec![1, 1]), (4, vec![1, 1])], 2);
        let mut cache = PhotoCache::default();
        cache.put(0, vec![photo(1, 5), photo(2, 5)], true);
        cache.put(1, vec![photo(3, 4), photo(4, 4)], true);
        let newer = index(&[(6, vec![1]), (5, vec![1, 1]), (4, vec![1])], 2);
        let listed = |id: ItemId| id != ItemId(Uuid::from_u128(3));
        let carried = cache.carry(&old, &newer, listed);
        let expected = [None, Some("1.jpg"), Some("2.jpg"), Some("4.jpg")];
        assert_eq!(names(&carried, &newer), expected.map(|name| name.map(str::to_owned)));
        assert!(!carried.is_fresh(0) && carried.has(0) && carried.has(1));
        assert_eq!(carried.find(&newer, ItemId(Uuid::from_u128(4))), Some(3));
        // A day with more photos than are known could have them anywhere.
        let grown = index(&[(5, vec![1, 1, 1])], 2);
        assert_eq!(names(&cache.carry(&old, &grown, |_| true), &grown), [None, None, None]);
    }

    #[test]
    fn what_was_looked_at_longest_ago_goes_first() {
        let index = index(&[(5, vec![1; 100])], 1);
        let mut cache = PhotoCache::default();
        for segment in 0..SEGMENTS_MAX {
            cache.put(segment, vec![photo(segment as u128, 5)], true);
        }
        cache.touch(&[0]);
        cache.put(60, vec![photo(60, 5)], true);
        assert!(cache.has(0) && !cache.has(1) && cache.has(60));
        cache.replace(Photo { file_name: "new".to_owned(), ..(*photo(60, 5)).clone() });
        assert_eq!(cache.get(&index, 60).unwrap().file_name, "new");
        assert_eq!(cache.known(&index).count(), SEGMENTS_MAX);
    }
}
