use std::collections::HashMap;
use std::ops::Range;
use std::rc::Rc;

use shared::ItemId;

use super::{PhotoCache, PhotoIndex};

/// Photos that are in an index, but no longer in its list as this device knows it: brought up to date by what
/// changed, never by looking at everything.
#[derive(Clone, Debug, Default)]
pub struct Gone {
    ordinals: HashMap<ItemId, u32>,
    /// Sorted; none where they changed since.
    sorted: Option<Rc<Vec<u32>>>,
}

impl Gone {
    /// How a photo stands, and where it is in the index, if that is known. Answers whether anything is otherwise
    /// than before.
    pub fn note(&mut self, id: ItemId, ordinal: Option<usize>, is_listed: bool) -> bool {
        let is_other = match ordinal {
            _ if is_listed => self.ordinals.remove(&id).is_some(),
            Some(ordinal) => self.ordinals.insert(id, ordinal as u32) != Some(ordinal as u32),
            None => false,
        };
        if is_other {
            self.sorted = None;
        }
        is_other
    }

    /// Photos came for some ordinals: what was thought to be there and is not, is forgotten.
    pub fn came(&mut self, ordinals: &Range<usize>, cache: &PhotoCache, index: &PhotoIndex) {
        let before = self.ordinals.len();
        self.ordinals.retain(|id, ordinal| {
            let ordinal = *ordinal as usize;
            !ordinals.contains(&ordinal) || cache.find(index, *id) == Some(ordinal)
        });
        if self.ordinals.len() != before {
            self.sorted = None;
        }
    }

    /// Finds them again in a newer index. Those that are in it no more are not gone from it.
    pub fn carry(&mut self, cache: &PhotoCache, newer: &PhotoIndex) {
        let former = std::mem::take(&mut self.ordinals);
        let found = former.into_keys().filter_map(|id| Some((id, cache.find(newer, id)? as u32)));
        self.ordinals = found.collect();
        self.sorted = None;
    }

    /// Ascending; the same ones as long as nothing changed.
    pub fn ordinals(&mut self) -> Rc<Vec<u32>> {
        let sort = || {
            let mut sorted: Vec<u32> = self.ordinals.values().copied().collect();
            sorted.sort_unstable();
            sorted.dedup();
            Rc::new(sorted)
        };
        self.sorted.get_or_insert_with(sort).clone()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::cache::tests::photo;
    use super::super::index::tests::named;
    use super::*;

    fn id(n: u128) -> ItemId {
        ItemId(Uuid::from_u128(n))
    }

    #[test]
    fn what_is_taken_away_is_gone_until_it_is_back_or_the_index_knows() {
        let mut gone = Gone::default();
        assert!(!gone.note(id(1), Some(7), true) && !gone.note(id(1), None, false));
        assert!(gone.note(id(1), Some(7), false) && gone.note(id(2), Some(3), false));
        assert!(!gone.note(id(2), Some(3), false));
        let both = gone.ordinals();
        assert_eq!(*both, [3, 7]);
        assert!(Rc::ptr_eq(&both, &gone.ordinals()));
        assert!(!gone.note(id(2), None, false), "still, wherever it is");
        assert!(gone.note(id(2), None, true));
        assert_eq!(*gone.ordinals(), [7]);

        let newer = named(&[("", vec![1, 1, 1])], 5);
        let mut cache = PhotoCache::default();
        cache.put(0, vec![photo(4, 5), photo(1, 5), photo(5, 5)], true);
        gone.note(id(2), Some(3), false);
        gone.carry(&cache, &newer);
        assert_eq!(*gone.ordinals(), [1]);
        cache.put(0, vec![photo(4, 5), photo(6, 5), photo(5, 5)], true);
        gone.came(&(0..3), &cache, &newer);
        assert_eq!(*gone.ordinals(), [0_u32; 0], "another photo is there");
    }
}
