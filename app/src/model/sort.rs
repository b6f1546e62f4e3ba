use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use shared::unicode::unaccented;
use shared::{ClientFileItem, ItemKind, Timestamp};

use super::FileType;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SortKey {
    Name,
    Modified,
    Size,
    Kind,
}

/// How a list is ordered. Folders always come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sort {
    pub key: SortKey,
    pub descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self { key: SortKey::Name, descending: false }
    }
}

impl Sort {
    /// What a click on a column's heading makes of it: the other direction, or the other column with the
    /// direction that people expect first (names up, dates and sizes down).
    #[must_use]
    pub fn clicked(self, key: SortKey) -> Self {
        if self.key == key {
            Self { key, descending: !self.descending }
        } else {
            Self { key, descending: matches!(key, SortKey::Modified | SortKey::Size) }
        }
    }

    pub fn apply(self, items: &mut Vec<Arc<ClientFileItem>>) {
        let mut keyed: Vec<(String, Arc<ClientFileItem>)> =
            items.drain(..).map(|item| (natural_key(&item.item.name), item)).collect();
        keyed.sort_unstable_by(|(a_name, a), (b_name, b)| {
            let folders_first = (a.item.kind == ItemKind::File).cmp(&(b.item.kind == ItemKind::File));
            let by_key = match self.key {
                SortKey::Name => Ordering::Equal,
                SortKey::Modified => changed_at(a).cmp(&changed_at(b)),
                SortKey::Size => a.item.size.cmp(&b.item.size),
                SortKey::Kind => FileType::of(a).cmp(&FileType::of(b)),
            };
            let ordered = by_key.then_with(|| a_name.cmp(b_name)).then_with(|| a.item.id.cmp(&b.item.id));
            folders_first.then(if self.descending { ordered.reverse() } else { ordered })
        });
        items.extend(keyed.into_iter().map(|(_, item)| item));
    }
}

/// When a person last saw it change.
fn changed_at(item: &ClientFileItem) -> Timestamp {
    item.local_modified_at.unwrap_or(item.item.modified_at)
}

/// A key whose plain order is the natural one: without case and accents, and "file 2" before "file 10".
/// A run of digits becomes `0`, its length, and the digits without leading zeros.
pub fn natural_key(name: &str) -> String {
    let mut key = String::with_capacity(name.len() + 4);
    let mut digits = String::new();
    let mut push = |c: char| {
        if c.is_ascii_digit() {
            digits.push(c);
            return;
        }
        flush(&mut key, &mut digits);
        key.push(c);
    };
    if name.is_ascii() {
        name.chars().for_each(|c| push(c.to_ascii_lowercase()));
    } else {
        unaccented(name).chars().flat_map(char::to_lowercase).for_each(&mut push);
    }
    flush(&mut key, &mut digits);
    key
}

fn flush(key: &mut String, digits: &mut String) {
    if digits.is_empty() {
        return;
    }
    let number = digits.trim_start_matches('0');
    key.push('0');
    key.push(char::from_u32(number.len() as u32).unwrap_or('\u{ff}'));
    key.push_str(number);
    digits.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered<'a>(names: &[&'a str]) -> Vec<&'a str> {
        let mut names = names.to_vec();
        names.sort_by_key(|name| natural_key(name));
        names
    }

    #[test]
    fn numbers_order_by_value() {
        assert_eq!(ordered(&["img10", "img9", "IMG 2", "img1"]), ["IMG 2", "img1", "img9", "img10"]);
        assert_eq!(ordered(&["v1.10", "v1.9", "v1.0"]), ["v1.0", "v1.9", "v1.10"]);
        assert_eq!(ordered(&["007 b", "7 a", "8"]), ["7 a", "007 b", "8"]);
    }

    #[test]
    fn accents_and_case_do_not_part_neighbours() {
        assert_eq!(ordered(&["Zebra", "Äpfel", "apfel 2", "Birne"]), ["Äpfel", "apfel 2", "Birne", "Zebra"]);
    }

    #[test]
    fn a_heading_turns_the_order_around() {
        let by_name = Sort::default();
        assert!(by_name.clicked(SortKey::Name).descending);
        assert!(by_name.clicked(SortKey::Size).descending);
        assert!(!by_name.clicked(SortKey::Kind).descending);
    }
}
