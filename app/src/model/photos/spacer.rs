/// The most that an element is high, in pixels: browsers stop at some 16 million, and count in fractions before.
const SPACER_MAX: f64 = 8_000_000.0;
/// So near to the spacer's ends it is shifted, in pixels.
const MARGIN: f64 = 500_000.0;

/// Scrolls through more pixels than an element can have: a spacer of a bounded height stands for a stretch of the
/// whole, and is shifted along when its ends come near.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Spacer {
    /// Of everything, in pixels.
    total: f64,
    /// Where in the whole the spacer begins.
    base: f64,
    /// The height of what is seen.
    seen: f64,
}

impl Spacer {
    /// For `total` pixels, seen through a window `seen` high. What was looked at stays where it is.
    pub fn resize(&mut self, total: f64, seen: f64) {
        self.total = total;
        self.seen = seen;
        self.base = self.base.clamp(0.0, (total - self.height()).max(0.0));
    }

    /// Of the element, in pixels.
    pub fn height(&self) -> f64 {
        self.total.min(SPACER_MAX).max(self.seen)
    }

    pub fn base(&self) -> f64 {
        self.base
    }

    pub fn seen(&self) -> f64 {
        self.seen
    }

    /// How far one can scroll.
    pub fn end(&self) -> f64 {
        (self.total - self.seen).max(0.0)
    }

    /// Where in the whole one is.
    pub fn position(&self, scroll_top: f64) -> f64 {
        (self.base + scroll_top).clamp(0.0, self.end())
    }

    /// Goes to a position: what the element's scroll position has to be then.
    pub fn go_to(&mut self, position: f64) -> f64 {
        let position = position.clamp(0.0, self.end());
        let scroll_top = position - self.base;
        if scroll_top < self.lower() || scroll_top > self.upper() {
            self.base =
                (position - self.height() / 2.0).clamp(0.0, (self.total - self.height()).max(0.0)).round();
        }
        position - self.base
    }

    /// After a scroll: another scroll position, where the spacer was shifted.
    pub fn scrolled(&mut self, scroll_top: f64) -> Option<f64> {
        if scroll_top >= self.lower() && scroll_top <= self.upper() {
            return None;
        }
        let base = self.base;
        let scroll_top = self.go_to(self.position(scroll_top));
        ((self.base - base).abs() >= 1.0).then_some(scroll_top)
    }

    fn lower(&self) -> f64 {
        if self.base > 0.0 { MARGIN } else { f64::NEG_INFINITY }
    }

    fn upper(&self) -> f64 {
        let is_last = self.base + self.height() >= self.total;
        if is_last { f64::INFINITY } else { self.height() - self.seen - MARGIN }
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "whole numbers of pixels are exact")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn spacer(total: f64) -> Spacer {
        let mut spacer = Spacer::default();
        spacer.resize(total, 900.0);
        spacer
    }

    #[test]
    fn what_fits_is_never_shifted() {
        let mut small = spacer(7_000_000.0);
        for position in [0.0, 3.0, 6_999_100.0] {
            assert_eq!(small.go_to(position), position);
            assert_eq!((small.scrolled(position), small.base()), (None, 0.0));
        }
        assert_eq!(spacer(10.0).height(), 900.0);
        assert_eq!(spacer(10.0).end(), 0.0);
    }

    #[test]
    fn both_ends_of_more_than_an_element_holds_are_reached() {
        let mut large = spacer(43_000_000.0);
        let end = large.end();
        let top = large.go_to(end);
        assert_eq!(large.position(top), end);
        assert_eq!(large.base() + large.height(), 43_000_000.0);
        assert_eq!(large.go_to(0.0), 0.0);
        assert_eq!(large.base(), 0.0);
        // By the wheel alone.
        let mut top = 0.0;
        let mut turns = 0;
        while large.position(top) < end {
            top = (top + 100_000.0).min(large.height() - large.seen());
            let before = large.position(top);
            if let Some(shifted) = large.scrolled(top) {
                assert_eq!(large.position(shifted), before, "nothing moves");
                top = shifted;
            }
            turns += 1;
            assert!(turns < 1_000, "the end is reached");
        }
    }

    proptest! {
        #[test]
        fn one_is_where_one_went(total in 0.0_f64..200_000_000.0, ways in proptest::collection::vec(0.0_f64..1.0, 1..20)) {
            let total = total.round();
            let mut spacer = spacer(total);
            for way in ways {
                let position = (way * spacer.end()).round();
                let scroll_top = spacer.go_to(position);
                prop_assert_eq!(spacer.position(scroll_top), position);
                prop_assert!(scroll_top >= 0.0 && scroll_top <= spacer.height() - spacer.seen());
                prop_assert!(spacer.height() <= SPACER_MAX);
                prop_assert_eq!(spacer.scrolled(scroll_top), None);
            }
        }
    }
}
