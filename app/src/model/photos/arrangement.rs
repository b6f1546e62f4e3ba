use std::ops::Range;

use shared::photo::Aspect;
use shared::photo_index::WallDay;

use super::{PhotoIndex, month_of};

/// What a heading stands over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Zoom {
    #[default]
    Days,
    Months,
    Years,
}

/// Photos under one heading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Its latest day; none for what is on its way to the server, or has no heading.
    pub day: Option<WallDay>,
    /// The place of its first photo.
    pub start: u32,
}

/// A photo that stands elsewhere than the index has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The ordinal that it stands before.
    pub before: u32,
    pub day: WallDay,
    pub aspect: Aspect,
}

/// What is at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spot {
    /// Which of those on their way.
    Arriving(usize),
    /// Which of those that stand elsewhere than the index has them.
    Moved(usize),
    /// By its ordinal.
    Listed(usize),
}

/// What is shown in which order: photos on their way first, then those of the index but for those that a person
/// took away and the server was not told of yet, with those between them that a person put elsewhere. Where
/// something is in it is its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrangement {
    arriving: usize,
    /// Ordinals, ascending.
    gone: Vec<u32>,
    moved: Vec<Moved>,
    /// Their places.
    moved_to: Vec<u32>,
    aspects: Vec<u8>,
    groups: Vec<Group>,
}

impl Arrangement {
    /// `arriving` photos whose shapes are given come first; `gone` are ordinals of the index, ascending; `moved`
    /// are in the order in which they are shown. Without a zoom there are no headings.
    pub fn new(
        index: &PhotoIndex,
        arriving: &[Aspect],
        gone: Vec<u32>,
        moved: Vec<Moved>,
        zoom: impl Into<Option<Zoom>>,
    ) -> Self {
        let mut arrangement = Self { arriving: arriving.len(), gone, ..Self::default() };
        let place = |(number, moved): (usize, &Moved)| arrangement.shifted(moved.before) + number as u32;
        arrangement.moved_to = moved.iter().enumerate().map(place).collect();
        arrangement.moved = moved;
        arrangement.aspects = arrangement.shapes(index, arriving);
        arrangement.groups = match zoom.into() {
            Some(zoom) => arrangement.grouped(index, zoom),
            None if arrangement.is_empty() => Vec::new(),
            None => vec![Group { day: None, start: 0 }],
        };
        arrangement
    }

    fn shapes(&self, index: &PhotoIndex, arriving: &[Aspect]) -> Vec<u8> {
        let mut shapes: Vec<u8> = Vec::with_capacity(arriving.len() + self.moved.len() + index.len());
        shapes.extend(arriving.iter().map(|aspect| aspect.code()));
        let (mut from, mut gone) = (0, self.gone.iter().copied().peekable());
        let ends = self.moved.iter().map(|moved| (moved.before, Some(moved.aspect)));
        for (end, moved) in ends.chain([(index.len() as u32, None)]) {
            while let Some(ordinal) = gone.next_if(|gone| *gone < end) {
                shapes.extend_from_slice(&index.aspects()[from..ordinal as usize]);
                from = ordinal as usize + 1;
            }
            shapes.extend_from_slice(&index.aspects()[from..(end as usize).max(from)]);
            from = from.max(end as usize);
            shapes.extend(moved.map(Aspect::code));
        }
        shapes
    }

    fn grouped(&self, index: &PhotoIndex, zoom: Zoom) -> Vec<Group> {
        let mut groups = Vec::new();
        if self.arriving > 0 {
            groups.push(Group { day: None, start: 0 });
        }
        let mut last = None;
        for (day, start) in self.days(index) {
            let key = match zoom {
                Zoom::Days => (day.0, 0),
                Zoom::Months => (month_of(day).year, month_of(day).month),
                Zoom::Years => (month_of(day).year, 0),
            };
            if last.replace(key) != Some(key) {
                groups.push(Group { day: Some(day), start });
            }
        }
        // A group of which all are gone begins where the next one does.
        let ends = groups.iter().skip(1).map(|group| group.start).chain([self.aspects.len() as u32]);
        let ends: Vec<u32> = ends.collect();
        groups
            .into_iter()
            .zip(ends)
            .filter(|(group, end)| group.start < *end)
            .map(|(group, _)| group)
            .collect()
    }

    /// Every day, the latest first, with the place at which it begins.
    fn days(&self, index: &PhotoIndex) -> Vec<(WallDay, u32)> {
        let listed = index.days().iter().map(|&(day, start)| {
            // What stands before its first photo may be of the day before, which is the later one, or its own.
            let before = |moved: &Moved| moved.before < start || moved.before == start && moved.day > day;
            (day, self.shifted(start) + self.moved.partition_point(before) as u32)
        });
        if self.moved.is_empty() {
            return listed.collect();
        }
        let moved = self.moved.iter().zip(&self.moved_to).map(|(moved, place)| (moved.day, *place));
        let mut days: Vec<(WallDay, u32)> = listed.chain(moved).collect();
        days.sort_by_key(|(day, place)| (std::cmp::Reverse(*day), *place));
        days.dedup_by_key(|(day, _)| *day);
        days
    }

    /// The place of an ordinal, or of what follows it where that is gone, were none moved.
    fn shifted(&self, ordinal: u32) -> u32 {
        let gone_before = self.gone.partition_point(|gone| *gone < ordinal);
        ordinal - gone_before as u32 + self.arriving as u32
    }

    pub fn len(&self) -> usize {
        self.aspects.len()
    }

    pub fn is_empty(&self) -> bool {
        self.aspects.is_empty()
    }

    pub fn aspects(&self) -> &[u8] {
        &self.aspects
    }

    pub fn groups(&self) -> &[Group] {
        &self.groups
    }

    pub fn group(&self, number: usize) -> Range<usize> {
        let end = self.groups.get(number + 1).map_or(self.len(), |next| next.start as usize);
        self.groups.get(number).map_or(0..0, |group| group.start as usize..end)
    }

    /// The group that has the place.
    #[cfg(test)]
    pub fn group_of(&self, place: usize) -> usize {
        self.groups.partition_point(|group| group.start as usize <= place).saturating_sub(1)
    }

    pub fn at(&self, place: usize) -> Spot {
        if place < self.arriving {
            return Spot::Arriving(place);
        }
        let moved = self.moved_to.partition_point(|moved| (*moved as usize) < place);
        if self.moved_to.get(moved).is_some_and(|moved| *moved as usize == place) {
            return Spot::Moved(moved);
        }
        Spot::Listed(self.listed(place - self.arriving - moved))
    }

    /// The ordinal in the index of what is at a place; none for what is not in it, or elsewhere.
    pub fn ordinal(&self, place: usize) -> Option<usize> {
        match self.at(place) {
            Spot::Listed(ordinal) => Some(ordinal),
            Spot::Arriving(_) | Spot::Moved(_) => None,
        }
    }

    /// The ordinals between which everything is that is at these places and in the index.
    pub fn ordinals(&self, places: Range<usize>) -> Option<Range<usize>> {
        let before = |place: usize| {
            let moved = self.moved_to.partition_point(|moved| (*moved as usize) < place);
            place.saturating_sub(self.arriving + moved)
        };
        let (first, end) = (before(places.start), before(places.end));
        (first < end).then(|| self.listed(first)..self.listed(end - 1) + 1)
    }

    /// The ordinal of the photo that has `number` others of the index before it that are still shown there.
    fn listed(&self, number: usize) -> usize {
        // `gone[n]` has n gone ones before it: its place would be `gone[n] - n`.
        let (mut low, mut high) = (0, self.gone.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.gone[middle] as usize - middle <= number { low = middle + 1 } else { high = middle }
        }
        number + low
    }

    /// Where a photo of the index is shown; none where it is gone.
    pub fn place(&self, ordinal: usize) -> Option<usize> {
        let is_gone = self.gone.binary_search(&(ordinal as u32)).is_ok();
        let moved = self.moved.partition_point(|moved| moved.before as usize <= ordinal);
        let place = self.shifted(ordinal as u32) as usize + moved;
        (!is_gone).then_some(place).filter(|place| *place < self.len())
    }

    /// Where one that was moved is shown.
    pub fn place_of_moved(&self, number: usize) -> Option<usize> {
        self.moved_to.get(number).map(|place| *place as usize)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::super::index::tests::index;
    use super::*;

    #[test]
    fn what_is_gone_leaves_no_hole_and_no_heading() {
        let index = index(&[(9, vec![10, 11, 12]), (7, vec![20]), (3, vec![30, 31])], 256);
        let arriving = [Aspect::of(1, 1)];
        let shown = Arrangement::new(&index, &arriving, vec![1, 3], Vec::new(), Zoom::Days);
        assert_eq!(shown.aspects(), [128, 10, 12, 30, 31]);
        let groups: Vec<_> = shown.groups().iter().map(|group| (group.day, group.start)).collect();
        assert_eq!(groups, [(None, 0), (Some(WallDay(9)), 1), (Some(WallDay(3)), 3)]);
        let ordinals: Vec<_> = (0..5).map(|place| shown.ordinal(place)).collect();
        assert_eq!(ordinals, [None, Some(0), Some(2), Some(4), Some(5)]);
        let places: Vec<_> = (0..7).map(|ordinal| shown.place(ordinal)).collect();
        assert_eq!(places, [Some(1), None, Some(2), None, Some(3), Some(4), None]);
        assert_eq!((shown.group_of(0), shown.group_of(2), shown.group_of(4)), (0, 1, 2));
        assert_eq!(shown.group(1), 1..3);
    }

    #[test]
    fn what_got_another_date_stands_there_before_the_index_knows() {
        let index = index(&[(9, vec![10, 11]), (7, vec![20]), (3, vec![30, 31])], 256);
        let to =
            |before, day| Moved { before, day: WallDay(day), aspect: Aspect::from_code(before as u8 + 1) };
        // The one of day 7 went before all, others to a day that is there, and to days that are not.
        let moved = vec![to(0, 12), to(1, 9), to(2, 9), to(2, 8), to(3, 3), to(5, 1)];
        let shown = Arrangement::new(&index, &[Aspect::of(1, 1)], vec![2], moved, Zoom::Days);
        assert_eq!(shown.aspects(), [128, 1, 10, 2, 11, 3, 3, 4, 30, 31, 6]);
        let groups: Vec<_> = shown.groups().iter().map(|it| (it.day.map(|day| day.0), it.start)).collect();
        assert_eq!(
            groups,
            [(None, 0), (Some(12), 1), (Some(9), 2), (Some(8), 6), (Some(3), 7), (Some(1), 10)]
        );
        let spots: Vec<_> = (0..11).map(|place| shown.at(place)).collect();
        let (moved, listed) = (Spot::Moved, Spot::Listed);
        let expected = [
            Spot::Arriving(0),
            moved(0),
            listed(0),
            moved(1),
            listed(1),
            moved(2),
            moved(3),
            moved(4),
            listed(3),
            listed(4),
            moved(5),
        ];
        assert_eq!(spots, expected);
        let places: Vec<_> = (0..5).map(|ordinal| shown.place(ordinal)).collect();
        assert_eq!(places, [Some(2), Some(4), None, Some(8), Some(9)]);
        let places: Vec<_> = (0..7).map(|number| shown.place_of_moved(number)).collect();
        assert_eq!(places, [Some(1), Some(3), Some(5), Some(6), Some(7), Some(10), None]);
        assert_eq!(shown.ordinals(0..2), None);
        assert_eq!(
            (shown.ordinals(0..3), shown.ordinals(3..9), shown.ordinals(0..11)),
            (Some(0..1), Some(1..4), Some(0..5))
        );
        let years = Arrangement::new(&index, &[], vec![2], vec![to(0, 12), to(2, 8)], Zoom::Years);
        assert_eq!(years.groups(), [Group { day: Some(WallDay(12)), start: 0 }]);
        let arranged =
            Arrangement::new(&index, &[Aspect::of(1, 1)], vec![2], vec![to(0, 12), to(2, 8)], None);
        assert_eq!((arranged.groups(), arranged.len()), (&[Group { day: None, start: 0 }][..], 7));
        assert!(
            Arrangement::new(&PhotoIndex::default(), &[], Vec::new(), Vec::new(), None).groups().is_empty()
        );
    }

    #[test]
    fn months_and_years_take_days_together() {
        let day = |text: &str| text.parse::<shared::photo::WallTime>().map(WallDay::from).unwrap().0;
        let days = [
            (day("2024-03-02T00:00:00"), vec![1]),
            (day("2024-03-01T00:00:00"), vec![2]),
            (day("2024-02-29T00:00:00"), vec![3]),
            (day("2023-12-31T00:00:00"), vec![4, 5]),
        ];
        let index = index(&days, 256);
        let starts = |zoom| {
            let shown = Arrangement::new(&index, &[], Vec::new(), Vec::new(), zoom);
            shown.groups().iter().map(|group| group.start).collect::<Vec<_>>()
        };
        assert_eq!(starts(Zoom::Days), [0, 1, 2, 3]);
        assert_eq!(starts(Zoom::Months), [0, 2, 3]);
        assert_eq!(starts(Zoom::Years), [0, 3]);
    }

    proptest! {
        #[test]
        fn places_and_ordinals_are_each_others_inverse(
            count in 1_usize..60, gone in proptest::collection::btree_set(0_u32..60, 0..20), arriving in 0_usize..4,
            moved in proptest::collection::vec(0_u32..60, 0..6),
        ) {
            let gone: BTreeSet<u32> = gone.into_iter().filter(|gone| (*gone as usize) < count).collect();
            let index = index(&[(1, vec![128; count])], 7);
            let arriving = vec![Aspect::of(3, 2); arriving];
            let mut before: Vec<u32> = moved.into_iter().map(|before| before.min(count as u32)).collect();
            before.sort_unstable();
            let moved = before.iter().map(|before| Moved { before: *before, day: WallDay(1), aspect: Aspect::of(0, 0) });
            let moved: Vec<Moved> = moved.collect();
            let shown =
                Arrangement::new(&index, &arriving, gone.iter().copied().collect(), moved, Zoom::Days);
            prop_assert_eq!(shown.len(), count - gone.len() + arriving.len() + before.len());
            let mut last = None;
            for place in 0..shown.len() {
                match shown.at(place) {
                    Spot::Arriving(number) => prop_assert_eq!(number, place),
                    Spot::Moved(number) => {
                        prop_assert_eq!(shown.place_of_moved(number), Some(place));
                        prop_assert!(last.is_none_or(|last| last < before[number] as usize));
                    }
                    Spot::Listed(ordinal) => {
                        prop_assert!(!gone.contains(&(ordinal as u32)) && last.is_none_or(|last| last < ordinal));
                        prop_assert_eq!(shown.place(ordinal), Some(place));
                        prop_assert_eq!(shown.ordinals(place..place + 1), Some(ordinal..ordinal + 1));
                        last = Some(ordinal);
                    }
                }
            }
        }
    }
}
