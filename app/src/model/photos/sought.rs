use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

use shared::photo_query::QUERY_CHARS_MAX;

thread_local! {
    static TEXTS: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
}

/// What a person searches photos by, as small as a number: each text stays once for as long as the page does.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sought(&'static str);

impl Sought {
    /// What is longer than a search may be is cut.
    pub fn of(text: &str) -> Self {
        let text: String = text.trim().chars().take(QUERY_CHARS_MAX).collect();
        TEXTS.with_borrow_mut(|texts| {
            let known = texts.get(text.as_str()).copied();
            Self(known.unwrap_or_else(|| {
                let text: &'static str = Box::leak(text.into_boxed_str());
                texts.insert(text);
                text
            }))
        })
    }

    pub const fn text(self) -> &'static str {
        self.0
    }

    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Debug for Sought {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_however_often_it_is_sought() {
        let (one, other) = (Sought::of("may 2019"), Sought::of("  may 2019 "));
        assert!(std::ptr::eq(one.text(), other.text()));
        assert_eq!(Sought::of(&"é".repeat(500)).text().chars().count(), QUERY_CHARS_MAX);
        assert!(Sought::of(" ").is_empty());
    }
}
