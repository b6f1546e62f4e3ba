use std::collections::HashMap;

use shared::ItemId;

/// Which of a list's elements shows which item. What stays in the list's window keeps its element, and what is being
/// typed into it; what comes takes over those of what goes, so that scrolling makes no new ones.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slots {
    /// The item of each element.
    items: Vec<Option<ItemId>>,
    /// The elements, in the order of the list.
    order: Vec<usize>,
}

impl Slots {
    /// Once the window has these items.
    #[must_use]
    pub fn showing(&self, shown: &[ItemId]) -> Self {
        let mut items = vec![None; self.items.len().max(shown.len())];
        let before: HashMap<ItemId, usize> =
            self.items.iter().enumerate().filter_map(|(slot, item)| Some(((*item)?, slot))).collect();
        let kept: Vec<Option<usize>> = shown.iter().map(|id| before.get(id).copied()).collect();
        for (slot, id) in kept.iter().zip(shown) {
            if let Some(slot) = slot {
                items[*slot] = Some(*id);
            }
        }
        // Elements that are there before those that would have to be made.
        let was_there = |slot: &usize| self.items.get(*slot).is_some_and(Option::is_some);
        let free: Vec<usize> = (0..items.len()).filter(|slot| items[*slot].is_none()).collect();
        let (there, other): (Vec<usize>, Vec<usize>) = free.into_iter().partition(was_there);
        let mut free = there.into_iter().chain(other);
        let mut order = Vec::with_capacity(shown.len());
        for (slot, id) in kept.into_iter().zip(shown) {
            let Some(slot) = slot.or_else(|| free.next()) else { break };
            items[slot] = Some(*id);
            order.push(slot);
        }
        Self { items, order }
    }

    /// The elements in the order of the list, and what each shows.
    pub fn in_order(&self) -> impl Iterator<Item = (usize, ItemId)> + '_ {
        self.order.iter().filter_map(|slot| Some((*slot, self.item(*slot)?)))
    }

    /// What an element shows.
    pub fn item(&self, slot: usize) -> Option<ItemId> {
        self.items.get(slot).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn ids(numbers: impl IntoIterator<Item = u128>) -> Vec<ItemId> {
        numbers.into_iter().map(|number| ItemId(Uuid::from_u128(number))).collect()
    }

    fn check(slots: &Slots, shown: &[ItemId]) {
        let (mut used, items): (Vec<usize>, Vec<ItemId>) = slots.in_order().unzip();
        assert_eq!(items, shown, "each item once, in order");
        used.sort_unstable();
        used.dedup();
        assert_eq!(used.len(), shown.len(), "each in an element of its own");
    }

    #[test]
    fn what_stays_keeps_its_element_and_what_comes_makes_none() {
        let mut slots = Slots::default().showing(&ids(0..30));
        check(&slots, &ids(0..30));
        for first in [4, 9, 30, 500, 2, 0] {
            let before = slots.clone();
            slots = slots.showing(&ids(first..first + 30));
            check(&slots, &ids(first..first + 30));
            for (slot, id) in before.in_order() {
                let still = slots.in_order().find(|(_, shown)| *shown == id);
                assert!(still.is_none_or(|(now, _)| now == slot), "{id:?}");
            }
            assert!(slots.in_order().all(|(slot, _)| slot < 30));
        }
    }

    #[test]
    fn another_order_moves_elements_only() {
        let slots = Slots::default().showing(&ids(0..5));
        let turned = slots.showing(&ids((0..5).rev()));
        check(&turned, &ids((0..5).rev()));
        assert!((0..5).all(|slot| slots.item(slot) == turned.item(slot)));
    }

    #[test]
    fn fewer_and_more_again() {
        let slots = Slots::default().showing(&ids(0..9)).showing(&ids(3..5));
        check(&slots, &ids(3..5));
        assert_eq!(slots.in_order().map(|(slot, _)| slot).collect::<Vec<_>>(), [3, 4]);
        let more = slots.showing(&ids(4..14));
        check(&more, &ids(4..14));
        assert_eq!(more.in_order().nth(1).map(|(slot, _)| slot), Some(3), "what is there comes first");
        check(&more.showing(&[]), &[]);
    }
}
