use std::collections::HashMap;
use std::ops::Range;

use shared::ItemId;
use shared::photo::{Aspect, Photo, WallTime};
use shared::photo_index::{PhotoSegment, WallDay, segment_ends};

/// How many photos each day has and what shape each is: the whole of a list, in its order. A photo's place in it
/// is its ordinal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhotoIndex {
    /// Of an album: a person may have put its photos in order.
    album: Option<ItemId>,
    is_arranged: bool,
    aspects: Vec<u8>,
    days: Vec<(WallDay, u32)>,
    segments: Vec<Segment>,
    is_whole: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Segment {
    start: u32,
    cursor: Option<String>,
}

/// A photo in a list that was made here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedPhoto {
    pub id: ItemId,
    pub sorted_at: WallTime,
    /// Whether a person put it where it is.
    pub is_placed: bool,
    pub aspect: Aspect,
}

impl PhotoIndex {
    /// To be filled with a list's segments; of an album's, where it is one.
    pub fn of_list(album: Option<ItemId>) -> Self {
        Self { album, ..Self::default() }
    }

    /// Of all of a list's photos, in its order. What is known of them is not asked for by cursors.
    pub fn of(album: Option<ItemId>, photos: &[ListedPhoto]) -> Self {
        let mut index = Self::of_list(album);
        let mut start = 0;
        let ends = segment_ends(photos.iter().map(|photo| photo.id));
        for end in ends.into_iter().chain([photos.len()]) {
            let is_arranged = photos[start..end].iter().any(|photo| photo.is_placed);
            let segment = photos[start..end].iter().map(|photo| (photo.sorted_at, photo.aspect));
            let segment = PhotoSegment::new((start > 0).then(|| start.to_string()), segment);
            index.push(&segment.arranged(is_arranged));
            start = end;
        }
        index.close();
        index
    }

    /// What follows in the list; more may follow it.
    pub fn push(&mut self, segment: &PhotoSegment) {
        if segment.aspects().is_empty() {
            return;
        }
        self.is_arranged |= segment.is_arranged();
        let mut start = self.aspects.len() as u32;
        self.segments.push(Segment { start, cursor: segment.cursor().map(str::to_owned) });
        for &(day, count) in segment.days() {
            if self.days.last().is_none_or(|(last, _)| *last != day) {
                self.days.push((day, start));
            }
            start += count;
        }
        self.aspects.extend_from_slice(segment.aspects());
    }

    /// Nothing more follows.
    pub fn close(&mut self) {
        self.is_whole = true;
    }

    /// Whether a person put any of its photos where it is: its days are not when they were taken.
    pub fn is_arranged(&self) -> bool {
        self.is_arranged
    }

    /// What a photo is sorted by in this list, the latest first.
    pub fn rank(&self, photo: &Photo) -> (WallTime, ItemId) {
        (photo.info.sorted_at(self.album), photo.id)
    }

    /// The day of this list that a photo stands at.
    pub fn day_of(&self, photo: &Photo) -> WallDay {
        self.rank(photo).0.into()
    }

    /// Whether a person put the photo where it is.
    pub fn is_placed(&self, photo: &Photo) -> bool {
        let held = self.album.and_then(|album| photo.info.in_album(album));
        held.is_some_and(|held| held.sort_at.is_some())
    }

    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    pub fn len(&self) -> usize {
        self.aspects.len()
    }

    pub fn is_empty(&self) -> bool {
        self.aspects.is_empty()
    }

    /// `shared::photo::Aspect`'s codes, one a photo.
    pub fn aspects(&self) -> &[u8] {
        &self.aspects
    }

    /// Days, the latest first, each with the ordinal of its first photo.
    pub fn days(&self) -> &[(WallDay, u32)] {
        &self.days
    }

    fn day_range(&self, place: usize) -> Range<usize> {
        let end = self.days.get(place + 1).map_or(self.len(), |(_, start)| *start as usize);
        self.days[place].1 as usize..end
    }

    /// Ordinals of a day's photos; none where it has none.
    pub fn day(&self, day: WallDay) -> Option<Range<usize>> {
        let place = self.days.binary_search_by(|(other, _)| day.cmp(other)).ok()?;
        Some(self.day_range(place))
    }

    /// The ordinal of the first photo of earlier days.
    pub fn day_after(&self, day: WallDay) -> usize {
        let place = self.days.partition_point(|(other, _)| *other >= day);
        self.days.get(place).map_or(self.len(), |(_, start)| *start as usize)
    }

    pub fn segments_len(&self) -> usize {
        self.segments.len()
    }

    /// The segment that has the photo.
    pub fn segment_of(&self, ordinal: usize) -> Option<usize> {
        if ordinal >= self.len() {
            return None;
        }
        Some(self.segments.partition_point(|segment| segment.start as usize <= ordinal) - 1)
    }

    /// Ordinals of a segment's photos.
    pub fn segment(&self, number: usize) -> Range<usize> {
        let end = self.segments.get(number + 1).map_or(self.len(), |next| next.start as usize);
        self.segments.get(number).map_or(0..0, |segment| segment.start as usize..end)
    }

    /// What the list is asked with to begin at a segment; none where the list begins.
    pub fn cursor(&self, segment: usize) -> Option<&str> {
        self.segments.get(segment)?.cursor.as_deref()
    }

    /// Whether photos have the days and the shapes of a segment's, in its order.
    pub fn fits<'a>(&self, segment: usize, photos: impl ExactSizeIterator<Item = &'a Photo>) -> bool {
        let range = self.segment(segment);
        let mut day = self.days.partition_point(|(_, start)| *start as usize <= range.start);
        photos.len() == range.len()
            && range.zip(photos).all(|(ordinal, photo)| {
                day += usize::from(self.days.get(day).is_some_and(|(_, start)| *start as usize == ordinal));
                let (width, height) = (photo.info.width.unwrap_or(0), photo.info.height.unwrap_or(0));
                self.days[day - 1].0 == self.day_of(photo)
                    && self.aspects[ordinal] == Aspect::of(width, height).code()
            })
    }

    /// Whether a segment ends as one of another index does, with the same days and shapes.
    fn is_alike(&self, segment: usize, other: &Self, its: usize) -> bool {
        let (range, there) = (self.segment(segment), other.segment(its));
        self.cursor(segment + 1) == other.cursor(its + 1)
            && self.aspects[range.clone()] == other.aspects[there.clone()]
            && self.days_within(range).eq(other.days_within(there))
    }

    /// The days of some photos, each with how many of them come before it.
    fn days_within(&self, range: Range<usize>) -> impl Iterator<Item = (WallDay, usize)> {
        let first = self.days.partition_point(|(_, start)| *start as usize <= range.start).max(1) - 1;
        let days = self.days[first.min(self.days.len())..].iter();
        days.map(|(day, start)| (*day, *start as usize))
            .take_while(move |(_, start)| *start < range.end)
            .map(move |(day, start)| (day, start.saturating_sub(range.start)))
    }

    /// Which of these segments are, as far as cursors, days and shapes tell, the same in `newer`; each with its
    /// number there.
    pub fn same_segments(&self, newer: &Self, of: impl Iterator<Item = usize>) -> Vec<(usize, usize)> {
        let of: HashMap<Option<&str>, usize> = of.map(|number| (self.cursor(number), number)).collect();
        let there = newer.segments.iter().enumerate();
        there
            .filter_map(|(there, segment)| Some((*of.get(&segment.cursor.as_deref())?, there)))
            .filter(|(number, there)| self.is_alike(*number, newer, *there))
            .collect()
    }

    /// Where in `newer` the photo is that is at `ordinal` here, as far as days and shapes tell: exact where the
    /// rest of its day is as it was, or grew or shrank at one place; otherwise near.
    pub fn follow(&self, newer: &Self, ordinal: usize) -> usize {
        if self.is_empty() || newer.is_empty() {
            return 0;
        }
        let ordinal = ordinal.min(self.len() - 1);
        let place = self.days.partition_point(|(_, start)| *start as usize <= ordinal) - 1;
        let day = self.days[place].0;
        let there = newer.days.partition_point(|(newer, _)| *newer > day);
        if newer.days.get(there).is_none_or(|(newer, _)| *newer != day) {
            let next = newer.days.get(there).map_or(newer.len(), |(_, start)| *start as usize);
            return next.min(newer.len() - 1);
        }
        let (before, after) = (self.day_range(place), newer.day_range(there));
        let within = ordinal - before.start;
        let (old, new) = (&self.aspects[before], &newer.aspects[after.clone()]);
        let same_before = old.iter().zip(new).take_while(|(old, new)| old == new).count();
        let same_after = old.iter().rev().zip(new.iter().rev()).take_while(|(old, new)| old == new).count();
        let from_end = old.len() - within;
        // A run of one shape that grew could have grown anywhere: new photos are the later ones, before it.
        let within = if from_end <= same_after.min(new.len()) {
            new.len() - from_end
        } else if within < same_before {
            within
        } else {
            within.min(new.len() - 1)
        };
        after.start + within
    }
}

#[cfg(test)]
pub mod tests {
    use proptest::prelude::*;
    use shared::photo::{Derivatives, PhotoInfo};
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_list_of_this_device_is_cut_as_the_server_cuts_it() {
        let photo = |n: u32| ListedPhoto {
            id: ItemId(Uuid::from_u128(u128::from(n))),
            sorted_at: WallDay(-(n as i32) / 3).start(),
            is_placed: n == 1_999,
            aspect: Aspect::of(3, 2),
        };
        let photos: Vec<ListedPhoto> = (0..2_000).map(photo).collect();
        let index = PhotoIndex::of(None, &photos);
        assert!(index.is_whole() && index.is_arranged() && index.len() == 2_000);
        assert!(!PhotoIndex::of(None, &photos[..1_999]).is_arranged());
        let starts: Vec<usize> =
            (1..index.segments_len()).map(|number| index.segment(number).start).collect();
        assert_eq!(starts, segment_ends(photos.iter().map(|photo| photo.id)));
        assert_eq!(PhotoIndex::of(None, &[]).len(), 0);
    }

    /// An index of these shapes by day, cut every `segment` photos.
    pub fn index(days: &[(i32, Vec<u8>)], segment: usize) -> PhotoIndex {
        let photos: Vec<_> = days
            .iter()
            .flat_map(|(day, codes)| codes.iter().map(|code| (WallDay(*day).start(), *code)))
            .collect::<Vec<(WallTime, u8)>>();
        let mut index = PhotoIndex::default();
        for (number, photos) in photos.chunks(segment).enumerate() {
            let cursor = (number > 0).then(|| number.to_string());
            let photos = photos.iter().map(|(at, code)| (*at, Aspect::from_code(*code)));
            index.push(&PhotoSegment::new(cursor, photos));
        }
        index.close();
        index
    }

    /// An index of one day with these segments: what each begins at, and its shapes.
    pub fn named(segments: &[(&str, Vec<u8>)], day: i32) -> PhotoIndex {
        let mut index = PhotoIndex::default();
        for (cursor, codes) in segments {
            let cursor = (!cursor.is_empty()).then(|| (*cursor).to_owned());
            let photos = codes.iter().map(|code| (WallDay(day).start(), Aspect::from_code(*code)));
            index.push(&PhotoSegment::new(cursor, photos));
        }
        index.close();
        index
    }

    fn photo(day: i32, width: u32, height: u32) -> Photo {
        let id = ItemId(Uuid::nil());
        let mut info = PhotoInfo::unknown(shared::Timestamp::from_millis(0));
        (info.taken_at, info.width, info.height) = (WallDay(day).start(), Some(width), Some(height));
        Photo {
            id,
            file_id: id,
            file_name: String::new(),
            mime_type: String::new(),
            size: 1,
            info,
            derivatives: Derivatives::default(),
        }
    }

    #[test]
    fn photos_fit_a_segment_that_has_their_days_and_shapes() {
        let index = index(&[(9, vec![128, 160]), (7, vec![96, 128]), (6, vec![128])], 3);
        let photos = [photo(9, 1, 1), photo(9, 2, 1), photo(7, 1, 2), photo(7, 5, 5), photo(6, 1, 1)];
        let fits = |segment, photos: &[&Photo]| index.fits(segment, photos.iter().copied());
        let those = |places: &[usize]| places.iter().map(|place| &photos[*place]).collect::<Vec<_>>();
        for (segment, places) in [(0, vec![0, 1, 2]), (1, vec![3, 4]), (2, vec![])] {
            assert!(fits(segment, &those(&places)), "{segment}: {places:?}");
        }
        let wrong = [vec![0, 1], vec![1, 0, 2]].map(|places| (0, places));
        let wrong = wrong.into_iter().chain([vec![4, 3], vec![3, 3], vec![4, 4]].map(|places| (1, places)));
        for (segment, places) in wrong.chain([(2, vec![0])]) {
            assert!(!fits(segment, &those(&places)), "{segment}: {places:?}");
        }
        assert!(!fits(0, &[&photos[0], &photos[1], &photo(9, 1, 2)]));
    }

    #[test]
    fn days_go_on_over_segments() {
        let index = index(&[(9, vec![1, 2, 3]), (7, vec![4, 5]), (-2, vec![6])], 2);
        assert_eq!((index.len(), index.segments_len()), (6, 3));
        assert_eq!(index.days(), [(WallDay(9), 0), (WallDay(7), 3), (WallDay(-2), 5)]);
        assert_eq!(index.aspects(), [1, 2, 3, 4, 5, 6]);
        let segments: Vec<_> = (0..7).map(|ordinal| index.segment_of(ordinal)).collect();
        assert_eq!(segments, [Some(0), Some(0), Some(1), Some(1), Some(2), Some(2), None]);
        assert_eq!((index.segment(1), index.cursor(0), index.cursor(2)), (2..4, None, Some("2")));
        assert_eq!(index.segment(3), 0..0);
        assert_eq!((index.day(WallDay(7)), index.day(WallDay(8))), (Some(3..5), None));
    }

    #[test]
    fn what_one_looks_at_is_found_again_when_photos_come_and_go() {
        let before = index(&[(9, vec![1, 2, 3]), (7, vec![4, 5])], 256);
        let newer = index(&[(12, vec![8]), (9, vec![7, 1, 2, 3]), (7, vec![4, 5])], 256);
        let followed: Vec<_> = (0..5).map(|ordinal| before.follow(&newer, ordinal)).collect();
        assert_eq!(followed, [2, 3, 4, 5, 6]);
        let back: Vec<_> = (2..7).map(|ordinal| newer.follow(&before, ordinal)).collect();
        assert_eq!(back, [0, 1, 2, 3, 4]);
        assert_eq!(newer.follow(&before, 0), 0, "its day is gone: the next one");
        assert_eq!(before.follow(&PhotoIndex::default(), 3), 0);
    }

    proptest! {
        #[test]
        fn one_day_that_grows_at_one_place_moves_no_other_photo(
            codes in proptest::collection::vec(1_u8..=255, 1..40), at in 0_usize..40, added in 1_u8..=255,
        ) {
            let at = at.min(codes.len());
            let mut grown = codes.clone();
            grown.insert(at, added);
            let (old, new) = (index(&[(3, codes.clone())], 16), index(&[(3, grown.clone())], 16));
            for (ordinal, code) in codes.iter().enumerate() {
                let there = old.follow(&new, ordinal);
                prop_assert_eq!(grown[there], *code);
                prop_assert!(there == ordinal || there == ordinal + 1);
            }
        }
    }
}
