/// Numbers, as ranges that are sorted and apart: all of a million takes as much as one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges(Vec<(usize, usize)>);

impl Ranges {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn len(&self) -> usize {
        self.0.iter().map(|(start, end)| end - start).sum()
    }

    pub fn contains(&self, number: usize) -> bool {
        let after = self.0.partition_point(|(start, _)| *start <= number);
        after > 0 && self.0[after - 1].1 > number
    }

    /// One range after the other.
    pub fn parts(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        self.0.iter().map(|&(start, end)| start..end)
    }

    /// Adds those from `start` to before `end`.
    pub fn insert(&mut self, start: usize, end: usize) {
        if start >= end {
            return;
        }
        let first = self.0.partition_point(|(_, other)| *other < start);
        let last = self.0.partition_point(|(other, _)| *other <= end);
        let joined = self.0[first..last]
            .iter()
            .fold((start, end), |joined, other| (joined.0.min(other.0), joined.1.max(other.1)));
        self.0.splice(first..last, [joined]);
    }

    /// Adds all of another's.
    pub fn extend(&mut self, other: &Self) {
        other.parts().for_each(|part| self.insert(part.start, part.end));
    }

    /// Takes out those from `start` to before `end`.
    pub fn remove(&mut self, start: usize, end: usize) {
        if start >= end {
            return;
        }
        let first = self.0.partition_point(|(_, other)| *other <= start);
        let last = self.0.partition_point(|(other, _)| *other < end).max(first);
        let mut left = Vec::new();
        for &(low, high) in &self.0[first..last] {
            left.extend((low < start).then_some((low, start)));
            left.extend((end < high).then_some((end, high)));
        }
        self.0.splice(first..last, left);
    }

    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn they_are_a_set_of_numbers(acts in proptest::collection::vec((any::<bool>(), 0_usize..60, 0_usize..20), 0..30)) {
            let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
            for (adds, start, len) in acts {
                if adds {
                    ranges.insert(start, start + len);
                    set.extend(start..start + len);
                } else {
                    ranges.remove(start, start + len);
                    set.retain(|number| !(start..start + len).contains(number));
                }
                prop_assert_eq!(ranges.len(), set.len());
                prop_assert_eq!(ranges.is_empty(), set.is_empty());
                for number in 0..90 {
                    prop_assert_eq!(ranges.contains(number), set.contains(&number));
                }
                prop_assert!(ranges.0.windows(2).all(|pair| pair[0].1 < pair[1].0), "apart: {:?}", ranges);
            }
        }
    }
}
