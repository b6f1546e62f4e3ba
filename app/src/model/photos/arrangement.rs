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
    /// Its latest day; none for what is on its way to the server.
    pub day: Option<WallDay>,
    /// The place of its first photo.
    pub start: u32,
}

/// What is shown in which order: photos on their way first, then those of the index but for those that a person
/// took away and the server was not told of yet. Where something is in it is its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrangement {
    arriving: usize,
    /// Ordinals, ascending.
    gone: Vec<u32>,
    aspects: Vec<u8>,
    groups: Vec<Group>,
}

impl Arrangement {
    /// `arriving` photos whose shapes are given come first; `gone` are ordinals of the index, ascending.
    pub fn new(index: &PhotoIndex, arriving: &[Aspect], gone: Vec<u32>, zoom: Zoom) -> Self {
        let mut aspects: Vec<u8> = Vec::with_capacity(arriving.len() + index.len());
        aspects.extend(arriving.iter().map(|aspect| aspect.code()));
        let mut from = 0;
        for &ordinal in &gone {
            aspects.extend_from_slice(&index.aspects()[from..ordinal as usize]);
            from = ordinal as usize + 1;
        }
        aspects.extend_from_slice(&index.aspects()[from..]);
        let mut arrangement = Self { arriving: arriving.len(), gone, aspects, groups: Vec::new() };
        arrangement.groups = arrangement.grouped(index, zoom);
        arrangement
    }

    fn grouped(&self, index: &PhotoIndex, zoom: Zoom) -> Vec<Group> {
        let mut groups = Vec::new();
        if self.arriving > 0 {
            groups.push(Group { day: None, start: 0 });
        }
        let mut last = None;
        for &(day, start) in index.days() {
            let key = match zoom {
                Zoom::Days => (day.0, 0),
                Zoom::Months => (month_of(day).year, month_of(day).month),
                Zoom::Years => (month_of(day).year, 0),
            };
            if last.replace(key) != Some(key) {
                groups.push(Group { day: Some(day), start: self.shifted(start) });
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

    /// The place of an ordinal, or of what follows it where that is gone.
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

    pub fn arriving(&self) -> usize {
        self.arriving
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

    /// The ordinal in the index of what is at a place; none for what is on its way.
    pub fn ordinal(&self, place: usize) -> Option<usize> {
        let mut ordinal = place.checked_sub(self.arriving)? as u32;
        // `gone[n]` has n gone ones before it: its place would be `gone[n] - n`.
        let (mut low, mut high) = (0, self.gone.len());
        while low < high {
            let middle = low.midpoint(high);
            if self.gone[middle] - middle as u32 <= ordinal { low = middle + 1 } else { high = middle }
        }
        ordinal += low as u32;
        Some(ordinal as usize)
    }

    /// Where a photo of the index is shown; none where it is gone.
    pub fn place(&self, ordinal: usize) -> Option<usize> {
        let is_gone = self.gone.binary_search(&(ordinal as u32)).is_ok();
        (!is_gone).then(|| self.shifted(ordinal as u32) as usize).filter(|place| *place < self.len())
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
        let shown = Arrangement::new(&index, &arriving, vec![1, 3], Zoom::Days);
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
            let shown = Arrangement::new(&index, &[], Vec::new(), zoom);
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
        ) {
            let gone: BTreeSet<u32> = gone.into_iter().filter(|gone| (*gone as usize) < count).collect();
            let index = index(&[(1, vec![128; count])], 7);
            let arriving = vec![Aspect::of(3, 2); arriving];
            let shown = Arrangement::new(&index, &arriving, gone.iter().copied().collect(), Zoom::Days);
            prop_assert_eq!(shown.len(), count - gone.len() + arriving.len());
            for place in arriving.len()..shown.len() {
                let ordinal = shown.ordinal(place).unwrap();
                prop_assert!(!gone.contains(&(ordinal as u32)));
                prop_assert_eq!(shown.place(ordinal), Some(place));
            }
        }
    }
}
