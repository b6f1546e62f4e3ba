use std::collections::HashSet;

use shared::ItemId;

use super::Entries;

/// What is selected in a list, and where the keyboard stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    ids: HashSet<ItemId>,
    active: Option<ItemId>,
    anchor: Option<ItemId>,
}

impl Selection {
    pub fn only(id: ItemId) -> Self {
        Self { ids: HashSet::from([id]), active: Some(id), anchor: Some(id) }
    }

    /// The keyboard stands on the last of them, and a range from there begins at the first.
    pub fn of(ids: impl IntoIterator<Item = ItemId>) -> Self {
        let ids: Vec<ItemId> = ids.into_iter().collect();
        Self { active: ids.last().copied(), anchor: ids.first().copied(), ids: ids.into_iter().collect() }
    }

    /// Everything is selected; the keyboard stays where it stands.
    pub fn select_all(&mut self, entries: &Entries) {
        self.ids = entries.ids().collect();
        self.anchor = entries.ids().next();
        self.active = self.active.or(self.anchor);
    }

    pub fn contains(&self, id: ItemId) -> bool {
        self.ids.contains(&id)
    }

    pub fn len(&self) -> usize {
        self.ids.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Where the keyboard stands, selected or not.
    pub fn active(&self) -> Option<ItemId> {
        self.active
    }

    /// The selected ids, in the order of the list.
    pub fn in_order(&self, entries: &Entries) -> Vec<ItemId> {
        if self.ids.len() == 1 {
            return self.ids.iter().copied().filter(|id| entries.place(*id).is_some()).collect();
        }
        entries.ids().filter(|id| self.ids.contains(id)).collect()
    }

    pub fn toggle(&mut self, id: ItemId) {
        if !self.ids.remove(&id) {
            self.ids.insert(id);
        }
        self.active = Some(id);
        self.anchor = Some(id);
    }

    /// Selects from the anchor to `id`; with `adding`, beside what was selected before.
    pub fn extend_to(&mut self, id: ItemId, entries: &Entries, adding: bool) {
        let Some(end) = entries.place(id) else { return };
        let start = self.anchor.and_then(|anchor| entries.place(anchor)).unwrap_or(end);
        if !adding {
            self.ids.clear();
        }
        let (low, high) = (start.min(end), start.max(end));
        self.ids.extend(entries.items()[low..=high].iter().map(|item| item.item.id));
        self.anchor = self.anchor.filter(|anchor| entries.place(*anchor).is_some()).or(Some(id));
        self.active = Some(id);
    }

    /// The keyboard stands on `id` without selecting it.
    pub fn stand_on(&mut self, id: ItemId) {
        self.active = Some(id);
    }

    pub fn clear(&mut self) {
        self.ids.clear();
        self.anchor = self.active;
    }

    /// Drops what the list no longer holds; the keyboard moves to what took the place of its item.
    pub fn keep_within(&mut self, entries: &Entries, former: &Entries) {
        self.ids.retain(|id| entries.place(*id).is_some());
        self.anchor = self.anchor.filter(|id| entries.place(*id).is_some());
        if let Some(active) = self.active
            && entries.place(active).is_none()
        {
            let place = former.place(active).unwrap_or(0).min(entries.len().saturating_sub(1));
            self.active = entries.at(place).map(|item| item.item.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_begin_at_the_first_and_end_at_the_last() {
        let ids: Vec<ItemId> = (0..9)
            .map(|n| format!("0198c0de-0000-7000-8000-00000000000{n}").parse().expect("an id"))
            .collect();
        let selection = Selection::of(ids.clone());
        assert_eq!((selection.anchor, selection.active), (Some(ids[0]), Some(ids[8])));
        assert_eq!(selection.len(), ids.len());
    }
}
