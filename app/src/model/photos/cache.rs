use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
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
    /// The segment that a photo is in, and its place there.
    by_id: HashMap<ItemId, (usize, usize)>,
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
        self.insert(segment, Loaded { photos, is_fresh, used: self.uses });
        while self.segments.len() > SEGMENTS_MAX {
            let oldest =
                self.segments.iter().min_by_key(|(_, loaded)| loaded.used).map(|(number, _)| *number);
            self.remove(oldest.unwrap_or(segment));
        }
    }

    fn insert(&mut self, segment: usize, loaded: Loaded) {
        self.remove(segment);
        let known = loaded.photos.iter().enumerate();
        self.by_id.extend(known.filter_map(|(place, photo)| Some((photo.as_ref()?.id, (segment, place)))));
        self.segments.insert(segment, loaded);
    }

    fn remove(&mut self, segment: usize) {
        let Some(loaded) = self.segments.remove(&segment) else { return };
        for photo in loaded.photos.iter().flatten() {
            // It may be known elsewhere by now.
            if self.by_id.get(&photo.id).is_some_and(|(other, _)| *other == segment) {
                self.by_id.remove(&photo.id);
            }
        }
    }

    /// What is known may be out of date: it is asked for again when it is looked at.
    pub fn age(&mut self) {
        self.segments.values_mut().for_each(|loaded| loaded.is_fresh = false);
    }

    /// Every photo that is known, with its ordinal.
    pub fn known<'a>(&'a self, index: &'a PhotoIndex) -> impl Iterator<Item = (usize, &'a Rc<Photo>)> {
        self.segments.iter().flat_map(|(segment, loaded)| {
            let start = index.segment(*segment).start;
            let photos = loaded.photos.iter().enumerate();
            photos.filter_map(move |(place, photo)| Some((start + place, photo.as_ref()?)))
        })
    }

    /// Those of these ordinals that are known.
    pub fn known_among<'a>(
        &'a self,
        index: &'a PhotoIndex,
        ordinals: Range<usize>,
    ) -> impl Iterator<Item = (usize, &'a Rc<Photo>)> {
        let last = ordinals.end.checked_sub(1).filter(|last| *last >= ordinals.start);
        let ends = last.and_then(|last| Some((index.segment_of(ordinals.start)?, index.segment_of(last)?)));
        let segments = ends.map(|(first, last)| self.segments.range(first..=last));
        segments.into_iter().flatten().flat_map(move |(segment, loaded)| {
            let start = index.segment(*segment).start;
            let within = |ordinal: usize| ordinal.clamp(start, start + loaded.photos.len());
            let some = within(ordinals.start)..within(ordinals.end);
            some.filter_map(move |ordinal| Some((ordinal, loaded.photos[ordinal - start].as_ref()?)))
        })
    }

    /// Where a photo is, if it is known.
    pub fn find(&self, index: &PhotoIndex, id: ItemId) -> Option<usize> {
        let (segment, place) = *self.by_id.get(&id)?;
        Some(index.segment(segment).start + place)
    }

    /// The same photos in a newer index, until the server has told which they are: segments that are the same,
    /// and of the others each day that has as many photos as are known of it and still listed, in their order.
    /// `moved` are those that stand elsewhere since.
    #[must_use]
    pub fn carry(
        &self,
        index: &PhotoIndex,
        newer: &PhotoIndex,
        moved: &[Rc<Photo>],
        is_listed: impl Fn(ItemId) -> bool,
    ) -> Self {
        let same = index.same_segments(newer, self.segments.keys().copied());
        let mut carried = Self { uses: self.uses, ..Self::default() };
        for (ordinals, photos) in self.changed_days(index, newer, &same, moved) {
            let mut photos: Vec<&Rc<Photo>> =
                photos.into_iter().filter(|photo| is_listed(photo.id)).collect();
            if photos.len() == ordinals.len() {
                photos.sort_by_key(|photo| Reverse(newer.rank(photo)));
                for (ordinal, photo) in ordinals.zip(photos) {
                    carried.hold(newer, ordinal, photo.clone());
                }
            }
        }
        for (here, there) in same {
            let loaded = Loaded { is_fresh: false, ..self.segments[&here].clone() };
            carried.insert(there, loaded);
        }
        carried
    }

    /// Of days with photos in segments that are not the same in a newer index: their ordinals there, and what is
    /// known of them, where that may be all.
    fn changed_days<'a>(
        &'a self,
        index: &'a PhotoIndex,
        newer: &PhotoIndex,
        same: &[(usize, usize)],
        moved: &'a [Rc<Photo>],
    ) -> Vec<(Range<usize>, Vec<&'a Rc<Photo>>)> {
        let same: HashSet<usize> = same.iter().map(|(here, _)| *here).collect();
        let elsewhere: HashSet<ItemId> = moved.iter().map(|photo| photo.id).collect();
        let changed = self.segments.iter().filter(|(number, _)| !same.contains(number));
        let changed = changed.flat_map(|(_, loaded)| loaded.photos.iter().flatten());
        let mut days: BTreeMap<WallDay, Vec<&Rc<Photo>>> =
            changed.chain(moved).map(|photo| (newer.day_of(photo), Vec::new())).collect();
        if days.is_empty() {
            return Vec::new();
        }
        let known = self.known(index).map(|(_, photo)| photo);
        let here = known.filter(|photo| !elsewhere.contains(&photo.id));
        for photo in here.chain(moved) {
            if let Some(photos) = days.get_mut(&newer.day_of(photo)) {
                photos.push(photo);
            }
        }
        let placed = days.into_iter().filter_map(|(day, photos)| Some((newer.day(day)?, photos)));
        placed.filter(|(ordinals, photos)| photos.len() >= ordinals.len()).collect()
    }

    /// The ordinal before which a photo stands, as far as is known.
    pub fn place_for(&self, index: &PhotoIndex, photo: &Photo) -> usize {
        let day = index.day_of(photo);
        let Some(of_day) = index.day(day) else { return index.day_after(day) };
        let mut place = of_day.start;
        for (ordinal, other) in self.known_among(index, of_day) {
            if index.rank(other) < index.rank(photo) {
                break;
            }
            place = ordinal + 1;
        }
        place
    }

    fn hold(&mut self, index: &PhotoIndex, ordinal: usize, photo: Rc<Photo>) {
        let Some(segment) = index.segment_of(ordinal) else { return };
        let range = index.segment(segment);
        let used = self.uses;
        let fresh = || Loaded { photos: vec![None; range.len()], is_fresh: false, used };
        self.by_id.insert(photo.id, (segment, ordinal - range.start));
        self.segments.entry(segment).or_insert_with(fresh).photos[ordinal - range.start] = Some(photo);
    }
}

#[cfg(test)]
pub mod tests {
    use shared::photo::{Derivatives, PhotoInfo, WallTime};
    use uuid::Uuid;

    use super::super::index::tests::{index, named};
    use super::*;

    pub fn photo(n: u128, day: i32) -> Rc<Photo> {
        let id = ItemId(Uuid::from_u128(n));
        let mut info = PhotoInfo::unknown(shared::Timestamp::from_millis(0));
        // The lower the number, the later.
        info.taken_at = WallTime::from_millis(WallDay(day).start().as_millis() + 1_000 - n as i64);
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
        let carried = cache.carry(&old, &newer, &[], listed);
        let expected = [None, Some("1.jpg"), Some("2.jpg"), Some("4.jpg")];
        assert_eq!(names(&carried, &newer), expected.map(|name| name.map(str::to_owned)));
        assert!(!carried.is_fresh(0) && carried.has(0) && carried.has(1));
        assert_eq!(carried.find(&newer, ItemId(Uuid::from_u128(4))), Some(3));
        // A day with more photos than are known could have them anywhere.
        let grown = index(&[(5, vec![1, 1, 1])], 3);
        assert_eq!(names(&cache.carry(&old, &grown, &[], |_| true), &grown), [None, None, None]);
    }

    #[test]
    fn segments_that_are_the_same_go_along_whatever_is_new_before_them() {
        // More photos of one day than are known.
        let old = index(&[(5, vec![1, 2, 3, 4, 5, 6])], 2);
        let mut cache = PhotoCache::default();
        cache.put(1, vec![photo(3, 5), photo(4, 5)], true);
        let newer = named(&[("", vec![9, 1]), ("half", vec![2]), ("1", vec![3, 4]), ("2", vec![5, 6])], 5);
        let carried = cache.carry(&old, &newer, &[], |_| unreachable!("none is in doubt"));
        let expected = [None, None, None, Some("3.jpg"), Some("4.jpg"), None, None];
        assert_eq!(names(&carried, &newer), expected.map(|name| name.map(str::to_owned)));
        assert_eq!(carried.find(&newer, ItemId(Uuid::from_u128(4))), Some(4));
        let among = |range| carried.known_among(&newer, range).map(|(at, _)| at).collect::<Vec<_>>();
        assert_eq!((among(0..7), among(4..6), among(5..7)), (vec![3, 4], vec![4], vec![]));
        assert!(!carried.is_fresh(2), "what was told of them may be another by now");
        let other = named(&[("", vec![1, 2]), ("1", vec![3, 7]), ("2", vec![5, 6])], 5);
        assert_eq!(cache.carry(&old, &other, &[], |_| true).known(&other).count(), 0);
    }

    #[test]
    fn a_photo_with_another_date_goes_to_that_day() {
        let old = index(&[(5, vec![1, 1]), (4, vec![1])], 3);
        let mut cache = PhotoCache::default();
        cache.put(0, vec![photo(10, 5), photo(20, 5), photo(30, 4)], true);
        let newer = index(&[(5, vec![1]), (4, vec![1, 1]), (2, vec![1])], 3);
        let moved = [photo(20, 4)];
        let carried = cache.carry(&old, &newer, &moved, |_| true);
        let expected = [Some("10.jpg"), Some("20.jpg"), Some("30.jpg"), None];
        assert_eq!(names(&carried, &newer), expected.map(|name| name.map(str::to_owned)));
        let before = |n, day| cache.place_for(&old, &photo(n, day));
        assert_eq!((before(5, 5), before(15, 5), before(25, 5)), (0, 1, 2));
        assert_eq!((before(1, 9), before(29, 4), before(31, 4), before(1, 3)), (0, 2, 3, 3));
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
        assert_eq!(cache.find(&index, ItemId(Uuid::from_u128(60))), Some(60));
        assert_eq!(cache.find(&index, ItemId(Uuid::from_u128(1))), None);
        assert_eq!(cache.known(&index).count(), SEGMENTS_MAX);
    }
}
