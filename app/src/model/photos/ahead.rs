//! Which thumbnails come before anybody looks at them, and when it is the time for that.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};

use shared::photo::WallTime;
use shared::{ContentHash, ItemId};

/// Nobody moves anything on the screen once nothing was heard for so long, in milliseconds.
const STILL_AFTER_MS: f64 = 1_500.0;
/// A tab that was put away for longer leaves the line and the battery to others, in milliseconds.
const HIDDEN_MAX_MS: f64 = 60_000.0;
/// Of what the browser allows, this share is left to what a person asks for.
const STORAGE_SHARE_MAX: f64 = 0.8;

/// Names a thumbnail among those of a library, as small as it gets: a million of them are held at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ThumbnailName(u64);

impl ThumbnailName {
    pub fn of(id: ItemId, content: ContentHash) -> Self {
        let head = u64::from_be_bytes(std::array::from_fn(|at| content.as_bytes()[at]));
        Self(id.0.as_u64_pair().1 ^ head)
    }

    /// Of the address that a thumbnail has (`shared::photo::photo_path`).
    pub fn read(address: &str) -> Option<Self> {
        let (id, version) = address.rsplit_once("/photos/")?.1.split_once("/thumbnail?v=")?;
        let id: ItemId = id.parse().ok()?;
        Some(Self(id.0.as_u64_pair().1 ^ u64::from_str_radix(version, 16).ok()?))
    }
}

/// A look at a library: how many of its thumbnails are here, and the latest of those that are to come.
pub struct Survey<'a> {
    here: &'a HashSet<ThumbnailName>,
    not_to_be_had: &'a HashSet<ThumbnailName>,
    count_max: usize,
    to_come: BinaryHeap<Reverse<(WallTime, ItemId)>>,
    all_count: usize,
    here_count: usize,
}

impl<'a> Survey<'a> {
    /// Remembers `count_max` of those that are to come.
    pub fn new(
        here: &'a HashSet<ThumbnailName>,
        not_to_be_had: &'a HashSet<ThumbnailName>,
        count_max: usize,
    ) -> Self {
        Self { here, not_to_be_had, count_max, to_come: BinaryHeap::new(), all_count: 0, here_count: 0 }
    }

    /// Photos come in any order.
    pub fn see(&mut self, place: (WallTime, ItemId), thumbnail: ThumbnailName) {
        self.all_count += 1;
        if self.here.contains(&thumbnail) {
            self.here_count += 1;
        } else if !self.not_to_be_had.contains(&thumbnail) {
            self.to_come.push(Reverse(place));
            if self.to_come.len() > self.count_max {
                self.to_come.pop();
            }
        }
    }

    pub fn all_count(&self) -> usize {
        self.all_count
    }

    pub fn here_count(&self) -> usize {
        self.here_count
    }

    /// The latest photo first.
    pub fn into_latest(self) -> Vec<ItemId> {
        let places = self.to_come.into_sorted_vec();
        places.into_iter().map(|Reverse((_, id))| id).collect()
    }
}

/// What else goes on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Moment {
    /// Since something was pressed, turned or moved.
    pub still_ms: f64,
    /// Since nobody sees the page; none where somebody may.
    pub hidden_ms: Option<f64>,
    /// Something of this device's own is on its way.
    pub is_sending: bool,
    /// What the server has to tell is not here yet.
    pub is_behind: bool,
    /// The person asked sites to be sparing.
    pub saves_data: bool,
    /// All that the browser stores for this app, and what it allows at most, in bytes.
    pub used: Option<u64>,
    pub allowed: Option<u64>,
}

impl Moment {
    /// Whether what nobody asked for may be fetched.
    pub fn is_idle(&self) -> bool {
        let is_near_full = self
            .used
            .zip(self.allowed)
            .is_some_and(|(used, allowed)| used as f64 > STORAGE_SHARE_MAX * allowed as f64);
        self.still_ms >= STILL_AFTER_MS
            && self.hidden_ms.is_none_or(|ms| ms <= HIDDEN_MAX_MS)
            && !self.is_sending
            && !self.is_behind
            && !self.saves_data
            && !is_near_full
    }
}

#[cfg(test)]
mod tests {
    use shared::Timestamp;
    use shared::photo::{Derivatives, PhotoInfo, PhotoStatus};
    use uuid::Uuid;

    use super::*;

    fn id(n: u128) -> ItemId {
        ItemId(Uuid::from_u128(n))
    }

    fn content(byte: u8) -> ContentHash {
        ContentHash([byte; 32])
    }

    #[test]
    fn a_thumbnail_has_one_name_by_its_photo_and_by_its_address() {
        let mut info = PhotoInfo::unknown(Timestamp::from_millis(0));
        (info.width, info.height) = (Some(40), Some(30));
        (info.status, info.thumbhash) = (PhotoStatus::Ready, Some(String::new()));
        let forms = Derivatives::of(id(7), content(200), &info);
        let address = format!("https://example.org{}", forms.thumbnail.unwrap().url);
        let name = ThumbnailName::of(id(7), content(200));
        assert_eq!(ThumbnailName::read(&address), Some(name));
        assert_ne!(ThumbnailName::of(id(8), content(200)), name);
        assert_ne!(ThumbnailName::of(id(7), content(201)), name);
        for other in [forms.preview.unwrap().url.as_str(), "/photos/7/thumbnail?v=1", "/photos/index", ""] {
            assert_eq!(ThumbnailName::read(other), None, "{other}");
        }
    }

    #[test]
    fn the_latest_that_are_missing_come_first() {
        let name = |n: u8| ThumbnailName::of(id(n.into()), content(n));
        let (here, gone) = (HashSet::from([name(2), name(6)]), HashSet::from([name(8)]));
        let mut survey = Survey::new(&here, &gone, 3);
        for n in [5, 1, 8, 3, 9, 2, 7, 4, 6] {
            survey.see((WallTime::from_millis(i64::from(n) / 2), id(n.into())), name(n));
        }
        assert_eq!((survey.all_count(), survey.here_count()), (9, 2));
        // Of one moment: the higher id, as lists have it.
        assert_eq!(survey.into_latest(), [id(9), id(7), id(5)]);
    }

    #[test]
    fn nothing_is_fetched_ahead_while_anything_else_goes_on() {
        let calm = Moment { still_ms: 5_000.0, ..Moment::default() };
        assert!(calm.is_idle());
        assert!(Moment { hidden_ms: Some(20_000.0), ..calm }.is_idle());
        assert!(Moment { used: Some(79), allowed: Some(100), ..calm }.is_idle());
        for busy in [
            Moment { still_ms: 400.0, ..calm },
            Moment { hidden_ms: Some(61_000.0), ..calm },
            Moment { is_sending: true, ..calm },
            Moment { is_behind: true, ..calm },
            Moment { saves_data: true, ..calm },
            Moment { used: Some(81), allowed: Some(100), ..calm },
        ] {
            assert!(!busy.is_idle(), "{busy:?}");
        }
    }
}
