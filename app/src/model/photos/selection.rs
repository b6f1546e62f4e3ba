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
    /// The photo that the keyboard stands on, since it was known: what stands elsewhere takes it along.
    active_id: Option<ItemId>,
    anchor: usize,
}

/// Where a photo is after what is shown was arranged anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    At(usize),
    /// The list is another one, and it was not told yet where in it the photo is.
    Unknown,
    /// Whoever stood on it lets it go: it was taken away, or got another date.
    Left,
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
        self.step_to(place);
        self.anchor = place;
    }

    /// Stands on a photo, which is at `place`.
    pub fn stand_on_photo(&mut self, place: usize, id: ItemId) {
        self.stand_on(place);
        self.active_id = Some(id);
    }

    fn step_to(&mut self, place: usize) {
        self.active = place;
        self.active_id = None;
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
        self.step_to(place);
    }

    /// Selects these places beside what was selected `before`, and stands on one of them.
    pub fn sweep(&mut self, before: &Self, places: &Ranges, active: usize) {
        self.ids.clone_from(&before.ids);
        self.unknown.clone_from(&before.unknown);
        self.unknown.extend(places);
        self.step_to(active);
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
    /// selected no longer. Answers how many. `seen`: the photo that was shown at a place. `follow`: where what was
    /// at a place is, as near as that can be told without knowing the photo.
    pub fn rearrange(
        &mut self,
        seen: impl Fn(usize) -> Option<ItemId>,
        find: impl Fn(ItemId) -> Whereabouts,
        follow: impl Fn(usize) -> usize,
    ) -> usize {
        let lost = self.unknown.len();
        self.unknown.clear();
        let now = |place: usize, found: Option<Whereabouts>| match found {
            Some(Whereabouts::At(place)) => place,
            _ => follow(place),
        };
        self.active_id = self.active_id.or_else(|| seen(self.active));
        let found = self.active_id.map(&find);
        if found == Some(Whereabouts::Left) {
            self.active_id = None;
        }
        let active = now(self.active, found);
        let anchor = || now(self.anchor, seen(self.anchor).map(&find));
        self.anchor = if self.anchor == self.active { active } else { anchor() };
        self.active = active;
        lost
    }

    /// Where the photo that the keyboard stands on is, if it turns out to be elsewhere.
    pub fn strayed(&self, find: impl Fn(ItemId) -> Option<usize>) -> Option<(usize, ItemId)> {
        let id = self.active_id?;
        find(id).filter(|place| *place != self.active).map(|place| (place, id))
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
            selection.rearrange(known, |_| Whereabouts::Unknown, |place| place + 1),
            999_990,
            "nothing is selected that might be another"
        );
        assert_eq!(selection.len(), 10);
        assert!(selection.contains(999, known(3)), "wherever it stands now");
    }

    #[test]
    fn the_keyboard_stays_on_its_photo() {
        let mut selection = PhotoSelection::default();
        selection.stand_on_photo(4, id(1));
        // The tile shows what was there before.
        selection.rearrange(
            |_| Some(id(7)),
            |photo| Whereabouts::At(if photo == id(1) { 3 } else { 8 }),
            |_| 0,
        );
        assert_eq!((selection.active(), selection.anchor), (3, 3));
        // Not told yet where it is, it is found again.
        selection.rearrange(|_| None, |_| Whereabouts::Unknown, |place| place - 1);
        assert_eq!(selection.active(), 2);
        assert_eq!(selection.strayed(|photo| (photo == id(1)).then_some(5)), Some((5, id(1))));
        assert_eq!(selection.strayed(|_| Some(2)), None);
        // What was taken away, or left, is stood on no longer.
        selection.rearrange(|_| None, |_| Whereabouts::Left, |place| place);
        assert_eq!(selection.strayed(|_| Some(5)), None);
        selection.stand_on_photo(2, id(1));
        selection.stand_on(2);
        selection.rearrange(known, |photo| Whereabouts::At(if photo == id(2) { 6 } else { 0 }), |_| 9);
        assert_eq!(selection.active(), 6, "the one that is seen there");
    }
}
