use std::ops::Range;
use std::sync::LazyLock;

use shared::photo::Aspect;

use super::{Arrangement, Ranges, Zoom};

/// From so many screens on, one looks through in passing.
const LONG_SCREENS: u32 = 4;
/// Between two photos, in pixels.
const GAP: u32 = 4;
/// Shapes beyond these are shown cut: a strip of a few pixels is no picture.
const RATIO_MIN: f64 = 0.5;
const RATIO_MAX: f64 = 3.2;
/// A row may get so much higher than it should be, for a photo less.
const STRETCH_MAX: f64 = 1.4;
/// Photos that fit on a screen must not be many more than there are elements for.
const PHOTOS_A_SCREEN: f64 = 150.0;
/// The usual photo, width by height.
const USUAL_RATIO: f64 = 1.2;

/// Width by height of every shape, as it is shown.
static RATIOS: LazyLock<[f64; 256]> = LazyLock::new(|| {
    std::array::from_fn(|code| Aspect::from_code(code as u8).ratio().clamp(RATIO_MIN, RATIO_MAX))
});

fn ratio(code: u8) -> f64 {
    RATIOS[usize::from(code)]
}

/// Sizes of a layout, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metrics {
    pub width: u32,
    /// What a row's height is near.
    pub row: u32,
    pub heading: u32,
}

impl Metrics {
    /// For a gallery of this size; without a zoom there are no headings.
    pub fn of(zoom: impl Into<Option<Zoom>>, width: u32, height: u32) -> Self {
        let zoom = zoom.into();
        let wanted = match (zoom.unwrap_or_default(), width) {
            (Zoom::Days, ..=640) => 128,
            (Zoom::Days, ..=1024) => 180,
            (Zoom::Days, _) => 208,
            (Zoom::Months, ..=640) => 84,
            (Zoom::Months, _) => 112,
            (Zoom::Years, ..=640) => 56,
            (Zoom::Years, _) => 72,
        };
        let area = f64::from(width) * f64::from(height);
        let least = (area / (USUAL_RATIO * PHOTOS_A_SCREEN)).sqrt() as u32;
        Self { width: width.max(1), row: wanted.max(least), heading: if zoom.is_some() { 44 } else { 0 } }
    }
}

/// One photo in its row, in pixels from the row's left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tile {
    pub place: usize,
    pub left: u32,
    pub width: u32,
}

/// Where a photo is, in pixels from the beginning of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

/// Rows of photos, justified, under headings: a few numbers a row, none a photo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    metrics: Metrics,
    photos: usize,
    /// By row: its first photo, its top, its height, and whether it fills the width.
    starts: Vec<u32>,
    tops: Vec<u32>,
    heights: Vec<u16>,
    fills: Vec<bool>,
    /// By group: the top of its heading.
    headings: Vec<u32>,
    height: u32,
}

impl Layout {
    pub fn new(shown: &Arrangement, metrics: Metrics) -> Self {
        let rows = shown.len() / 4 + shown.groups().len();
        let mut layout = Self {
            metrics,
            photos: shown.len(),
            starts: Vec::with_capacity(rows),
            tops: Vec::with_capacity(rows),
            heights: Vec::with_capacity(rows),
            fills: Vec::with_capacity(rows),
            headings: Vec::with_capacity(shown.groups().len()),
            height: 0,
        };
        for number in 0..shown.groups().len() {
            layout.headings.push(layout.height);
            layout.height += metrics.heading;
            layout.lay_group(shown.aspects(), shown.group(number));
        }
        layout
    }

    /// Greedy: a row ends where its height comes nearest to what it should be.
    fn lay_group(&mut self, aspects: &[u8], group: Range<usize>) {
        let (width, wanted) = (f64::from(self.metrics.width), f64::from(self.metrics.row));
        let (gap, ratios) = (f64::from(GAP), &*RATIOS);
        // What the photos since `first` add up to, as wide as they are at a height of one pixel; and what is left of
        // the width for them and one more, without the gaps. They are `left / sum` high when they fill it.
        let (mut first, mut sum, mut left) = (group.start, 0.0, width);
        for (place, aspect) in group.clone().zip(&aspects[group.clone()]) {
            let ratio = ratios[usize::from(*aspect)];
            // A million times: so nothing is divided here.
            if left > wanted * (sum + ratio) {
                sum += ratio;
                left -= gap;
                continue;
            }
            let height = left / (sum + ratio);
            let without = if place > first { (left + gap) / sum } else { f64::INFINITY };
            if without - wanted < wanted - height && without <= wanted * STRETCH_MAX {
                self.push_row(first, without, true);
                (first, sum, left) = (place, ratio, width - gap);
                let alone = width / ratio;
                if alone <= wanted {
                    self.push_row(first, alone, true);
                    (first, sum, left) = (place + 1, 0.0, width);
                }
            } else {
                self.push_row(first, height, true);
                (first, sum, left) = (place + 1, 0.0, width);
            }
        }
        if first < group.end {
            self.push_row(first, wanted, false);
        }
    }

    fn push_row(&mut self, first: usize, height: f64, fills: bool) {
        let height = height.round().max(1.0) as u16;
        self.starts.push(first as u32);
        self.tops.push(self.height);
        self.heights.push(height);
        self.fills.push(fills);
        self.height += u32::from(height) + GAP;
    }

    /// Of everything, in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    pub fn metrics(&self) -> Metrics {
        self.metrics
    }

    pub fn rows_len(&self) -> usize {
        self.starts.len()
    }

    /// The photos of a row.
    pub fn row(&self, row: usize) -> Range<usize> {
        let end = self.starts.get(row + 1).map_or(self.photos, |start| *start as usize);
        self.starts.get(row).map_or(0..0, |start| *start as usize..end)
    }

    pub fn row_top(&self, row: usize) -> u32 {
        self.tops[row]
    }

    pub fn row_height(&self, row: usize) -> u32 {
        u32::from(self.heights[row])
    }

    /// The row that has a photo.
    pub fn row_of(&self, place: usize) -> usize {
        self.starts.partition_point(|start| *start as usize <= place).saturating_sub(1)
    }

    /// The rows of which something is between two heights.
    pub fn rows_between(&self, top: u32, bottom: u32) -> Range<usize> {
        let first = self.tops.partition_point(|row| *row < top);
        let is_before_seen = first > 0 && self.tops[first - 1] + self.row_height(first - 1) > top;
        let first = first - usize::from(is_before_seen);
        first..self.tops.partition_point(|row| *row < bottom).max(first)
    }

    /// The row at a height, or the nearest below it; the last one at the end.
    pub fn row_at(&self, y: u32) -> usize {
        let row = self.tops.partition_point(|top| *top <= y).saturating_sub(1);
        let is_past = self.tops.get(row).is_some_and(|top| top + self.row_height(row) <= y);
        if is_past && row + 1 < self.rows_len() { row + 1 } else { row }
    }

    /// The photos of a row and where they stand in it: they fill the width to the pixel, but for a group's last.
    pub fn tiles(&self, row: usize, aspects: &[u8]) -> impl Iterator<Item = Tile> {
        let places = self.row(row);
        let sum: f64 = aspects[places.clone()].iter().map(|code| ratio(*code)).sum();
        let scale = if self.fills[row] {
            (f64::from(self.metrics.width) - f64::from(GAP) * (places.len() as f64 - 1.0)) / sum
        } else {
            f64::from(self.heights[row])
        };
        let first = places.start;
        let mut before = 0.0;
        places.map(move |place| {
            let gaps = GAP * (place - first) as u32;
            let left = (before * scale).round() as u32;
            before += ratio(aspects[place]);
            let right = (before * scale).round() as u32;
            Tile { place, left: left + gaps, width: right - left }
        })
    }

    pub fn rect(&self, place: usize, aspects: &[u8]) -> Option<Rect> {
        if place >= self.photos {
            return None;
        }
        let row = self.row_of(place);
        let Tile { left, width, .. } = self.tiles(row, aspects).find(|tile| tile.place == place)?;
        Some(Rect { left, top: self.tops[row], width, height: self.row_height(row) })
    }

    /// The photo at a point or, between photos, the nearest one in the row there.
    pub fn nearest(&self, x: u32, y: u32, aspects: &[u8]) -> Option<usize> {
        let row = self.row_at(y);
        let away = |tile: &Tile| tile.left.saturating_sub(x).max(x.saturating_sub(tile.left + tile.width));
        (row < self.rows_len()).then(|| self.tiles(row, aspects).min_by_key(away))?.map(|tile| tile.place)
    }

    /// The gap beside a photo that is nearest to a point: the place of what is behind it, and where it is.
    pub fn gap(&self, x: u32, y: u32, aspects: &[u8]) -> Option<(usize, Rect)> {
        let place = self.nearest(x, y, aspects)?;
        let photo = self.rect(place, aspects)?;
        let is_behind = x >= photo.left + photo.width / 2;
        let left = if is_behind { photo.left + photo.width } else { photo.left.saturating_sub(GAP) };
        let left = left.min(self.metrics.width.saturating_sub(GAP));
        Some((place + usize::from(is_behind), Rect { left, width: GAP, ..photo }))
    }

    /// The photos of which something is in a part of the whole.
    pub fn within(&self, part: Rect, aspects: &[u8]) -> Ranges {
        let right = part.left + part.width;
        let mut places = Ranges::default();
        for row in self.rows_between(part.top, part.top + part.height) {
            let mut start = None;
            let mut end = 0;
            for tile in self.tiles(row, aspects) {
                if tile.left < right && tile.left + tile.width > part.left {
                    start = start.or(Some(tile.place));
                    end = tile.place + 1;
                }
            }
            places.insert(start.unwrap_or(end), end);
        }
        places
    }

    /// The photo above or below another one that stands nearest to under it.
    pub fn neighbour(&self, place: usize, rows: isize, aspects: &[u8]) -> usize {
        let Some(rect) = self.rect(place, aspects) else { return place };
        let middle = rect.left + rect.width / 2;
        let row = self.row_of(place).saturating_add_signed(rows).min(self.rows_len() - 1);
        let distance = |tile: &Tile| (tile.left + tile.width / 2).abs_diff(middle);
        self.tiles(row, aspects).min_by_key(distance).map_or(place, |tile| tile.place)
    }

    /// The top of a group's heading.
    pub fn heading(&self, group: usize) -> u32 {
        self.headings.get(group).copied().unwrap_or(self.height)
    }

    /// The group that is at a height.
    pub fn group_at(&self, y: u32) -> usize {
        self.headings.partition_point(|top| *top <= y).saturating_sub(1)
    }

    /// Where `share` of the whole leads, 0 to 1: to the heading of the group there; in a group of many screens, each
    /// `seen` pixels high, to the very place.
    pub fn landing(&self, share: f64, seen: u32) -> u32 {
        let place = (share * f64::from(self.height)) as u32;
        let group = self.group_at(place);
        let top = self.heading(group);
        let is_long = self.heading(group + 1) - top > seen.saturating_mul(LONG_SCREENS);
        if is_long { place } else { top }
    }

    /// Whether there is more than one looks through in passing: several groups, or one of many screens.
    pub fn is_long(&self, seen: u32) -> bool {
        self.headings.len() > 1 || self.height > seen.saturating_mul(LONG_SCREENS)
    }

    /// Groups whose headings are between two heights.
    pub fn headings_between(&self, top: u32, bottom: u32) -> Range<usize> {
        let first = self.headings.partition_point(|heading| heading + self.metrics.heading <= top);
        first..self.headings.partition_point(|heading| *heading < bottom).max(first)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::PhotoIndex;
    use super::super::index::tests::index;
    use super::*;

    const METRICS: Metrics = Metrics { width: 1000, row: 200, heading: 44 };

    fn shown(index: &PhotoIndex) -> Arrangement {
        Arrangement::new(index, &[], Vec::new(), Vec::new(), Zoom::Days)
    }

    /// Like a million that people have: mostly 3:2 and 2:3, some panoramas.
    fn many(count: usize, a_day: usize) -> PhotoIndex {
        let mut state = 7_u32;
        let mut code = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            match state >> 28 {
                0..8 => 147,
                8..12 => 109,
                12 => 128,
                other => (80 + other * 7) as u8,
            }
        };
        let days = count.div_ceil(a_day);
        let of_day = |day: usize| a_day.min(count - day * a_day);
        let days: Vec<(i32, Vec<u8>)> =
            (0..days).map(|day| (20_000 - day as i32, (0..of_day(day)).map(|_| code()).collect())).collect();
        index(&days, 256)
    }

    fn check(shown: &Arrangement, layout: &Layout) {
        let aspects = shown.aspects();
        let mut next = 0;
        let mut bottom = 0;
        for row in 0..layout.rows_len() {
            let (top, height) = (layout.row_top(row), layout.row_height(row));
            assert!(top >= bottom, "rows don't overlap");
            bottom = top + height + GAP;
            let mut right = None;
            for tile in layout.tiles(row, aspects) {
                assert_eq!(tile.place, next, "every photo once, in order");
                next += 1;
                assert!(tile.width > 0);
                assert_eq!(tile.left, right.map_or(0, |right| right + GAP));
                right = Some(tile.left + tile.width);
                assert!(tile.left + tile.width <= layout.metrics.width);
            }
            let is_last = next == aspects.len()
                || shown.groups().binary_search_by_key(&(next as u32), |group| group.start).is_ok();
            if !is_last {
                assert_eq!(right, Some(layout.metrics.width), "row {row} fills the width");
            }
        }
        assert_eq!(next, shown.len());
        assert_eq!(layout.height(), bottom);
    }

    #[test]
    fn a_group_of_one_is_a_row_that_is_not_stretched() {
        let index = index(&[(3, vec![128]), (2, vec![128, 128])], 256);
        let shown = shown(&index);
        let layout = Layout::new(&shown, METRICS);
        check(&shown, &layout);
        assert_eq!(layout.rect(0, shown.aspects()), Some(Rect { left: 0, top: 44, width: 200, height: 200 }));
        assert_eq!(
            layout.rect(2, shown.aspects()),
            Some(Rect { left: 204, top: 292, width: 200, height: 200 })
        );
        assert_eq!((layout.heading(0), layout.heading(1), layout.height()), (0, 248, 496));
        assert_eq!(layout.rect(3, shown.aspects()), None);
    }

    #[test]
    fn a_point_is_nearest_to_the_gap_before_or_behind_a_photo() {
        let index = index(&[(3, vec![128; 7])], 256);
        let shown = Arrangement::new(&index, &[], Vec::new(), Vec::new(), None);
        let layout = Layout::new(&shown, Metrics { width: 812, row: 200, heading: 0 });
        let gap = |x, y| layout.gap(x, y, shown.aspects()).map(|(place, gap)| (place, gap.left, gap.top));
        assert_eq!((gap(0, 0), gap(99, 199)), (Some((0, 0, 0)), Some((0, 0, 0))));
        assert_eq!((gap(101, 0), gap(300, 9)), (Some((1, 200, 0)), Some((1, 200, 0))));
        assert_eq!(gap(2_000, 9), Some((4, 808, 0)), "the end of a row");
        assert_eq!(gap(3, 250), Some((4, 0, 204)), "the beginning of the next one");
        assert_eq!(gap(800, 999), Some((7, 608, 204)), "behind all");
        assert_eq!(Layout::new(&Arrangement::default(), METRICS).gap(1, 1, &[]), None);
    }

    #[test]
    fn photos_without_headings_begin_at_the_top() {
        let index = index(&[(3, vec![128; 9]), (2, vec![128; 9])], 256);
        let shown = Arrangement::new(&index, &[], Vec::new(), Vec::new(), None);
        let layout = Layout::new(&shown, Metrics::of(None, 1_000, 800));
        check(&shown, &layout);
        assert_eq!((layout.metrics().heading, layout.row_top(0)), (0, 0));
        for top in [0, 100, layout.height()] {
            assert_eq!(layout.headings_between(top, top + 800).len(), 0);
        }
    }

    #[test]
    fn a_leap_leads_to_a_heading_and_into_what_is_long() {
        let index = index(&[(3, vec![128; 10]), (2, vec![128; 1_000]), (1, vec![128; 10])], 256);
        let shown = shown(&index);
        let layout = Layout::new(&shown, METRICS);
        let (first, last, height) = (layout.heading(1), layout.heading(2), layout.height());
        let at = |place: u32| layout.landing(f64::from(place) / f64::from(height), 900);
        assert_eq!((at(10), at(first - 10), at(last + 10), at(height)), (0, 0, last, last));
        let amid = u32::midpoint(first, last);
        assert!(at(amid).abs_diff(amid) <= 1);
        assert!(layout.is_long(900) && !Layout::new(&Arrangement::default(), METRICS).is_long(900));
        let alone = |photos: usize| {
            let index = super::super::index::tests::index(&[(3, vec![128; photos])], 256);
            Layout::new(&Arrangement::new(&index, &[], Vec::new(), Vec::new(), None), METRICS).is_long(900)
        };
        assert!(!alone(20) && alone(1_000));
    }

    #[test]
    fn nothing_is_a_layout_too() {
        let shown = Arrangement::default();
        let layout = Layout::new(&shown, METRICS);
        assert_eq!((layout.height(), layout.rows_len(), layout.row_at(9), layout.group_at(9)), (0, 0, 0, 0));
        assert_eq!(layout.rows_between(0, 900), 0..0);
        assert_eq!(layout.row(0), 0..0);
    }

    #[test]
    fn first_and_last_of_a_million_have_their_places() {
        for a_day in [7, 1_000_000] {
            let index = many(1_000_000, a_day);
            let shown = shown(&index);
            let layout = Layout::new(&shown, METRICS);
            check(&shown, &layout);
            for place in [0, 1, 499_999, 999_998, 999_999] {
                let rect = layout.rect(place, shown.aspects()).expect("it is there");
                let row = layout.row_at(rect.top);
                assert!(layout.row(row).contains(&place));
            }
            assert_eq!(layout.row_of(999_999), layout.rows_len() - 1);
            assert_eq!(layout.row_at(u32::MAX), layout.rows_len() - 1);
        }
    }

    #[test]
    fn a_screen_never_needs_more_elements_than_there_are() {
        let index = many(20_000, 20_000);
        for zoom in [Zoom::Days, Zoom::Months, Zoom::Years] {
            for (width, height) in [(390, 844), (1440, 900), (1920, 1080), (3840, 2160), (5120, 2880)] {
                let metrics = Metrics::of(zoom, width, height);
                let shown = Arrangement::new(&index, &[], Vec::new(), Vec::new(), zoom);
                let layout = Layout::new(&shown, metrics);
                for top in [0, 1000, layout.height() / 2] {
                    let rows = layout.rows_between(top, top + height);
                    let photos: usize = rows.map(|row| layout.row(row).len()).sum();
                    assert!(photos <= 250, "{zoom:?} {width} × {height}: {photos}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn rows_fill_the_width_and_never_overlap(
            days in proptest::collection::vec(proptest::collection::vec(1_u8..=255, 1..70), 1..12),
            width in 200_u32..3000, row in 40_u32..400,
        ) {
            let days: Vec<(i32, Vec<u8>)> =
                days.into_iter().enumerate().map(|(day, codes)| (-(day as i32), codes)).collect();
            let index = index(&days, 16);
            let shown = shown(&index);
            let layout = Layout::new(&shown, Metrics { width, row, heading: 44 });
            check(&shown, &layout);
            for place in 0..shown.len() {
                let rect = layout.rect(place, shown.aspects()).unwrap();
                let row = layout.row_of(place);
                prop_assert_eq!(layout.row_at(rect.top), row);
                prop_assert_eq!(layout.row_at(rect.top + rect.height - 1), row);
                let group = shown.group_of(place);
                prop_assert_eq!(layout.group_at(rect.top), group);
                prop_assert!(layout.heading(group) < rect.top);
                let rows: Vec<usize> = layout.rows_between(rect.top, rect.top + 1).collect();
                prop_assert_eq!(rows, [row]);
                prop_assert_eq!(layout.nearest(rect.left, rect.top, shown.aspects()), Some(place));
                let last = (rect.left + rect.width - 1, rect.top + rect.height - 1);
                prop_assert_eq!(layout.nearest(last.0, last.1, shown.aspects()), Some(place));
                let below = layout.neighbour(place, 1, shown.aspects());
                prop_assert!(layout.row_of(below) == (row + 1).min(layout.rows_len() - 1));
            }
        }

        #[test]
        fn a_band_has_what_it_touches(
            codes in proptest::collection::vec(1_u8..=255, 1..200),
            left in 0_u32..1000, top in 0_u32..3000, width in 1_u32..900, height in 1_u32..2000,
        ) {
            let index = index(&[(3, codes[codes.len() / 2..].to_vec()), (2, codes[..codes.len() / 2].to_vec())], 16);
            let shown = shown(&index);
            let layout = Layout::new(&shown, METRICS);
            let band = Rect { left, top, width, height };
            let touched = layout.within(band, shown.aspects());
            for place in 0..shown.len() {
                let rect = layout.rect(place, shown.aspects()).unwrap();
                let across = rect.left < left + width && rect.left + rect.width > left;
                let down = rect.top < top + height && rect.top + rect.height > top;
                prop_assert_eq!(touched.contains(place), across && down, "{:?} {:?}", rect, band);
            }
        }
    }
}
