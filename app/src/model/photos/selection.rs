use std::collections::HashSet;

use shared::ItemId;

use super::Ranges;

/// What is selected in a gallery, and where the keyboard stands. Photos that are known are selected by id;
/// of the rest, which may be a million, only the places are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhotoSelection {
    ids: HashSet<ItemId>,
    unknown: Ranges,
    active: usize,
    anchor: usize,
}

impl PhotoSelection {
    pub fn contains(&self, place: usize, id: Option<ItemId>) -> bool {
        id.is_some_and(|id| self.ids.contains(&id)) || self.unknown.contains(place)
    }

    pub fn len(&self) -> usize {
        self.ids.len() + self.unknown.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty() && self.unknown.is_empty()
    }

    pub fn ids(&self) -> impl Iterator<Item = ItemId> {
        self.ids.iter().copied()
    }

    /// Places of selected photos whose ids are not known yet.
    pub fn unknown(&self) -> &Ranges {
        &self.unknown
    }

    /// Where the keyboard stands.
    pub fn active(&self) -> usize {
        self.active
    }

    pub fn stand_on(&mut self, place: usize) {
        self.active = place;
        self.anchor = place;
    }

    pub fn toggle(&mut self, place: usize, id: Option<ItemId>) {
        if self.contains(place, id) {
            self.unknown.remove(place, place + 1);
            if let Some(id) = id {
                self.ids.remove(&id);
            }
        } else {
            self.add(place, id);
        }
        self.stand_on(place);
    }

    fn add(&mut self, place: usize, id: Option<ItemId>) {
        match id {
            Some(id) => {
                self.ids.insert(id);
            }
            None => self.unknown.insert(place, place + 1),
        }
    }

    /// Selects from the anchor to `place`; with `adding`, beside what was selected before.
    pub fn extend_to(&mut self, place: usize, adding: bool) {
        if !adding {
            self.clear();
        }
        let (low, high) = (self.anchor.min(place), self.anchor.max(place));
        self.unknown.insert(low, high + 1);
        self.active = place;
    }

    /// Selects these places beside what was selected `before`, and stands on one of them.
    pub fn sweep(&mut self, before: &Self, places: &Ranges, active: usize) {
        self.ids.clone_from(&before.ids);
        self.unknown.clone_from(&before.unknown);
        self.unknown.extend(places);
        self.active = active;
        self.anchor = before.anchor;
    }

    pub fn select_all(&mut self, count: usize) {
        self.clear();
        self.unknown.insert(0, count);
    }

    /// Which photos stand where, as far as they are known.
    pub fn learn(&mut self, known: impl IntoIterator<Item = (usize, ItemId)>) {
        for (place, id) in known {
            if self.unknown.contains(place) {
                self.unknown.remove(place, place + 1);
                self.ids.insert(id);
            }
        }
    }

    pub fn clear(&mut self) {
        self.ids.clear();
        self.unknown.clear();
    }

    /// Everything stands elsewhere now. What is known by its place alone might be another photo: it is
    /// selected no longer. Answers how many.
    pub fn rearrange(&mut self, follow: impl Fn(usize) -> usize) -> usize {
        let lost = self.unknown.len();
        self.unknown.clear();
        self.active = follow(self.active);
        self.anchor = follow(self.anchor);
        lost
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn id(n: usize) -> ItemId {
        ItemId(Uuid::from_u128(n as u128))
    }

    /// Of the first ten places.
    fn known(place: usize) -> Option<ItemId> {
        (place < 10).then(|| id(place))
    }

    fn all_known() -> impl Iterator<Item = (usize, ItemId)> {
        (0..10).map(|place| (place, id(place)))
    }

    #[test]
    fn a_range_over_what_is_not_known_is_selected_by_place() {
        let mut selection = PhotoSelection::default();
        selection.toggle(8, known(8));
        selection.extend_to(1_000, false);
        selection.learn(all_known());
        assert_eq!((selection.len(), selection.ids().count()), (993, 2));
        assert!(selection.contains(9, known(9)) && selection.contains(500, None));
        assert!(!selection.contains(7, known(7)) && !selection.contains(1_001, None));
        selection.extend_to(5, false);
        selection.learn(all_known());
        assert_eq!((selection.len(), selection.active()), (4, 5), "from the same anchor");
        selection.toggle(5, known(5));
        assert_eq!(selection.len(), 3);
    }

    #[test]
    fn a_sweep_that_comes_back_leaves_what_was_selected_before() {
        let mut before = PhotoSelection::default();
        before.toggle(2, known(2));
        let mut selection = before.clone();
        let mut swept = Ranges::default();
        swept.insert(1, 500);
        selection.sweep(&before, &swept, 499);
        selection.learn(all_known());
        assert_eq!((selection.len(), selection.active()), (499, 499), "none of them twice");
        swept.remove(5, 500);
        selection.sweep(&before, &swept, 4);
        selection.learn(all_known());
        assert_eq!((selection.len(), selection.ids().count()), (4, 4));
        selection.sweep(&before, &Ranges::default(), 2);
        assert!(selection.contains(2, known(2)) && selection.len() == 1);
    }

    #[test]
    fn what_comes_to_be_known_is_selected_by_id() {
        let mut selection = PhotoSelection::default();
        selection.select_all(1_000_000);
        assert_eq!((selection.len(), selection.ids().count()), (1_000_000, 0));
        selection.learn(all_known());
        assert_eq!((selection.len(), selection.ids().count()), (1_000_000, 10));
        assert_eq!(
            selection.rearrange(|place| place + 1),
            999_990,
            "nothing is selected that might be another"
        );
        assert_eq!(selection.len(), 10);
        assert!(selection.contains(999, known(3)), "wherever it stands now");
    }
}
