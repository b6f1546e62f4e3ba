use std::collections::HashMap;
use std::sync::Arc;

use shared::{ClientFileItem, ItemId};

use super::sort::Sort;

/// A sorted list of items, with the place of each.
#[derive(Clone, Debug, Default)]
pub struct Entries {
    items: Vec<Arc<ClientFileItem>>,
    places: HashMap<ItemId, usize>,
}

impl Entries {
    pub fn sorted(mut items: Vec<Arc<ClientFileItem>>, sort: Sort) -> Self {
        sort.apply(&mut items);
        Self::in_order(items)
    }

    pub fn in_order(items: Vec<Arc<ClientFileItem>>) -> Self {
        let places = items.iter().enumerate().map(|(place, item)| (item.item.id, place)).collect();
        Self { items, places }
    }

    pub fn len(&self) -> usize {
        self.items.len()
    }

    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    pub fn at(&self, place: usize) -> Option<&Arc<ClientFileItem>> {
        self.items.get(place)
    }

    pub fn get(&self, id: ItemId) -> Option<&Arc<ClientFileItem>> {
        self.place(id).and_then(|place| self.at(place))
    }

    pub fn place(&self, id: ItemId) -> Option<usize> {
        self.places.get(&id).copied()
    }

    pub fn items(&self) -> &[Arc<ClientFileItem>] {
        &self.items
    }

    pub fn ids(&self) -> impl Iterator<Item = ItemId> + '_ {
        self.items.iter().map(|item| item.item.id)
    }

    /// The next item, from `after` on and around the end, whose name begins with `typed` without regard
    /// to case: type-ahead.
    pub fn beginning_with(&self, typed: &str, after: usize) -> Option<usize> {
        let typed = typed.to_lowercase();
        let count = self.items.len();
        (0..count)
            .map(|step| (after + step) % count)
            .find(|&place| self.items[place].item.name.to_lowercase().starts_with(&typed))
    }
}

impl PartialEq for Entries {
    fn eq(&self, other: &Self) -> bool {
        self.items.len() == other.items.len()
            && self.items.iter().zip(&other.items).all(|(a, b)| Arc::ptr_eq(a, b))
    }
}
