//! The index of a photo library: how many photos each day has and what shape each is, exact for the whole
//! library and small enough to be held whole. What a photo is called, or looks like, comes with `GET /photos`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use crate::ids::ItemId;
use crate::photo::{Aspect, WallTime};

/// Photos of a segment that another one follows, at least.
pub const SEGMENT_PHOTOS_MIN: usize = 96;
/// From so many on, more photos end a segment.
const SEGMENT_PHOTOS_USUAL: usize = 256;
/// Small enough to be one page of `GET /photos`.
pub const SEGMENT_PHOTOS_MAX: usize = 512;

/// Where segments of these photos end, each given as how many of the photos are before: they follow each other in
/// the list from the beginning of a segment. What is behind the last end is whole only where the list ends too.
///
/// The photos' ids alone tell which ones end a segment. So a photo that comes or goes changes the segment it is
/// in, seldom the next, and hardly ever more.
pub fn segment_ends(ids: impl IntoIterator<Item = ItemId>) -> Vec<usize> {
    let (mut ends, mut start) = (Vec::new(), 0);
    for (number, id) in ids.into_iter().enumerate() {
        if ends_segment(id, number + 1 - start) {
            start = number + 1;
            ends.push(start);
        }
    }
    ends
}

/// Whether the photo ends a segment that has `photos` with it.
fn ends_segment(id: ItemId, photos: usize) -> bool {
    // One photo in so many; those that do early also do late.
    let one_in = match photos {
        ..SEGMENT_PHOTOS_MIN => return false,
        SEGMENT_PHOTOS_MIN..SEGMENT_PHOTOS_USUAL => 256,
        SEGMENT_PHOTOS_USUAL..SEGMENT_PHOTOS_MAX => 64,
        SEGMENT_PHOTOS_MAX.. => return true,
    };
    scattered(id).is_multiple_of(one_in)
}

/// Ids need not be random in each of their bits: a number that is (the finaliser of SplitMix64).
fn scattered(id: ItemId) -> u64 {
    let (high, low) = id.0.as_u64_pair();
    let mut number = high.rotate_left(32) ^ low;
    number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// Which photos a list or an index has: no photo is on two shelves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Shelf {
    /// What is neither archived, hidden nor deleted.
    #[default]
    Library,
    Archived,
    Hidden,
}

/// A day on the wall where a picture was taken: days from 1970-01-01, earlier ones negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WallDay(pub i32);

impl WallDay {
    const MS: i64 = 86_400_000;

    /// Its midnight.
    pub const fn start(self) -> WallTime {
        WallTime::from_millis(self.0 as i64 * Self::MS)
    }
}

impl From<WallTime> for WallDay {
    fn from(at: WallTime) -> Self {
        // A wall time is within the years 0 to 9999: some 3,700,000 days.
        Self(at.as_millis().div_euclid(Self::MS) as i32)
    }
}

/// `GET /photos/index`: segments of the list that `GET /photos` gives, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhotoIndexPage {
    pub segments: Vec<PhotoSegment>,
    /// None: the library ends here.
    pub next_cursor: Option<String>,
}

/// Some photos that follow each other in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "UncheckedSegment")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhotoSegment {
    /// What `GET /photos` and `GET /photos/index` take to begin here; none where the list begins.
    cursor: Option<String>,
    /// Days, the latest first, each with how many of the segment's photos are of it.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<(i32, u32)>))]
    days: Vec<(WallDay, u32)>,
    /// Base64: a byte a photo, see [`Aspect`].
    #[serde(serialize_with = "as_base64")]
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    aspects: Vec<u8>,
    /// Whether a person put any of them where it is: then the days are those of the times that they are sorted by.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    is_arranged: bool,
}

impl PhotoSegment {
    /// The segment of these photos, in the order of the times that they are sorted by, the latest first; `cursor` is
    /// its beginning.
    pub fn new(cursor: Option<String>, photos: impl IntoIterator<Item = (WallTime, Aspect)>) -> Self {
        let mut segment = Self { cursor, days: Vec::new(), aspects: Vec::new(), is_arranged: false };
        for (sorted_at, aspect) in photos {
            let day = sorted_at.into();
            match segment.days.last_mut() {
                Some((last, count)) if *last == day => *count += 1,
                _ => segment.days.push((day, 1)),
            }
            segment.aspects.push(aspect.code());
        }
        segment
    }

    #[must_use]
    pub fn arranged(self, is_arranged: bool) -> Self {
        Self { is_arranged, ..self }
    }

    pub fn is_arranged(&self) -> bool {
        self.is_arranged
    }

    pub fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }

    /// Never more photos than [`Self::aspects`] has: exactly as many.
    pub fn days(&self) -> &[(WallDay, u32)] {
        &self.days
    }

    /// [`Aspect`]'s codes, one a photo.
    pub fn aspects(&self) -> &[u8] {
        &self.aspects
    }
}

/// The segment's parts do not fit each other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidSegment {
    #[error("the shapes are not base64")]
    NotBase64,
    #[error("{days} photos by day, {aspects} by shape")]
    Counts { days: u64, aspects: usize },
    #[error("the days are not in order")]
    Order,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UncheckedSegment {
    cursor: Option<String>,
    days: Vec<(WallDay, u32)>,
    aspects: String,
    #[serde(default)]
    is_arranged: bool,
}

impl TryFrom<UncheckedSegment> for PhotoSegment {
    type Error = InvalidSegment;

    fn try_from(unchecked: UncheckedSegment) -> Result<Self, Self::Error> {
        let UncheckedSegment { cursor, days, aspects, is_arranged } = unchecked;
        let aspects = BASE64_STANDARD.decode(aspects).map_err(|_| InvalidSegment::NotBase64)?;
        let by_day: u64 = days.iter().map(|&(_, count)| u64::from(count)).sum();
        if by_day != aspects.len() as u64 {
            return Err(InvalidSegment::Counts { days: by_day, aspects: aspects.len() });
        }
        if !days.is_sorted_by(|(day, _), (next, _)| day > next) {
            return Err(InvalidSegment::Order);
        }
        Ok(Self { cursor, days, aspects, is_arranged })
    }
}

fn as_base64<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::{from_value, json, to_value};
    use uuid::Uuid;

    use super::*;

    /// Ids that differ in a few bits only.
    fn id(n: usize) -> ItemId {
        ItemId(Uuid::from_u128(0x7000 << 64 | n as u128))
    }

    fn segments(ids: &[ItemId]) -> Vec<&[ItemId]> {
        let ends: Vec<usize> = segment_ends(ids.iter().copied()).into_iter().chain([ids.len()]).collect();
        let starts = [0].into_iter().chain(ends.iter().copied());
        starts.zip(&ends).map(|(start, end)| &ids[start..*end]).collect()
    }

    #[test]
    fn segments_are_of_a_size() {
        let ids: Vec<ItemId> = (0..100_000).map(id).collect();
        let segments = segments(&ids);
        let (last, whole) = segments.split_last().unwrap();
        assert!(whole.iter().all(|it| (SEGMENT_PHOTOS_MIN..=SEGMENT_PHOTOS_MAX).contains(&it.len())));
        assert!(last.len() <= SEGMENT_PHOTOS_MAX);
        assert!((200..300).contains(&(ids.len() / segments.len())), "{} of them", segments.len());
        assert!(segment_ends([]).is_empty());
    }

    #[test]
    fn a_photo_that_comes_or_goes_changes_its_own_segment_and_hardly_any_other() {
        const TRIES: usize = 400;
        let ids: Vec<ItemId> = (0..20_000).map(id).collect();
        let before: HashSet<&[ItemId]> = segments(&ids).into_iter().collect();
        let (mut changed, mut most) = (0, 0);
        for n in 0..TRIES {
            let place = n * 49;
            let mut newer = ids.clone();
            if n % 2 == 0 {
                newer.insert(place, id(1_000_000 + n));
            } else {
                newer.remove(place);
            }
            let others = segments(&newer).into_iter().filter(|segment| !before.contains(segment)).count();
            changed += others;
            most = most.max(others);
        }
        assert!(changed < TRIES * 5 / 4, "{changed} segments by {TRIES} photos");
        assert!(most <= 5, "{most} segments by one photo");
    }

    #[test]
    fn a_day_begins_at_its_midnight_before_1970_too() {
        for (ms, day) in
            [(0, 0), (86_399_999, 0), (86_400_000, 1), (-1, -1), (-86_400_000, -1), (-86_400_001, -2)]
        {
            assert_eq!(WallDay::from(WallTime::from_millis(ms)), WallDay(day), "{ms}");
        }
        assert_eq!(WallDay(-1).start(), WallTime::from_millis(-86_400_000));
    }

    #[test]
    fn a_segment_counts_by_day_and_is_the_same_after_the_wire() {
        let at = |day: i64, ms| WallTime::from_millis(day * 86_400_000 + ms);
        let photos =
            [(at(3, 9), Aspect::of(3, 2)), (at(3, 1), Aspect::of(2, 3)), (at(-1, 5), Aspect::of(0, 0))];
        let segment = PhotoSegment::new(Some("c".into()), photos);
        let wire = json!({"cursor": "c", "days": [[3, 2], [-1, 1]], "aspects": "k22A"});
        assert_eq!(to_value(&segment).unwrap(), wire);
        assert_eq!(from_value::<PhotoSegment>(wire).unwrap(), segment);
        let arranged = segment.arranged(true);
        let wire = json!({"cursor": "c", "days": [[3, 2], [-1, 1]], "aspects": "k22A", "isArranged": true});
        assert_eq!(to_value(&arranged).unwrap(), wire);
        assert_eq!(from_value::<PhotoSegment>(wire).unwrap(), arranged);
    }

    #[test]
    fn what_does_not_fit_together_is_no_segment() {
        for (days, aspects) in [
            (json!([[3, 2]]), "gA=="),
            (json!([[3, 4_294_967_295_u32], [2, 4_294_967_295_u32]]), "gA=="),
            (json!([[3, 1], [3, 1]]), "gIA="),
            (json!([[2, 1], [3, 1]]), "gIA="),
            (json!([[3, 1]]), "?"),
        ] {
            let wire = json!({"cursor": null, "days": days, "aspects": aspects});
            assert!(from_value::<PhotoSegment>(wire.clone()).is_err(), "{wire}");
        }
    }
}
