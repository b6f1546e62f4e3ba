//! The index of a photo library: how many photos each day has and what shape each is, exact for the whole
//! library and small enough to be held whole. What a photo is called, or looks like, comes with `GET /photos`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};

use crate::photo::{Aspect, WallTime};

/// Photos of a whole segment. Small enough to be one page of `GET /photos`.
pub const SEGMENT_PHOTOS: usize = 256;

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
#[serde(try_from = "UncheckedSegment")]
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
}

impl PhotoSegment {
    /// The segment of these photos, the latest first, of which `cursor` is the beginning.
    pub fn new(cursor: Option<String>, photos: impl IntoIterator<Item = (WallTime, Aspect)>) -> Self {
        let mut segment = Self { cursor, days: Vec::new(), aspects: Vec::new() };
        for (taken_at, aspect) in photos {
            let day = taken_at.into();
            match segment.days.last_mut() {
                Some((last, count)) if *last == day => *count += 1,
                _ => segment.days.push((day, 1)),
            }
            segment.aspects.push(aspect.code());
        }
        segment
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
struct UncheckedSegment {
    cursor: Option<String>,
    days: Vec<(WallDay, u32)>,
    aspects: String,
}

impl TryFrom<UncheckedSegment> for PhotoSegment {
    type Error = InvalidSegment;

    fn try_from(unchecked: UncheckedSegment) -> Result<Self, Self::Error> {
        let UncheckedSegment { cursor, days, aspects } = unchecked;
        let aspects = BASE64_STANDARD.decode(aspects).map_err(|_| InvalidSegment::NotBase64)?;
        let by_day: u64 = days.iter().map(|&(_, count)| u64::from(count)).sum();
        if by_day != aspects.len() as u64 {
            return Err(InvalidSegment::Counts { days: by_day, aspects: aspects.len() });
        }
        if !days.is_sorted_by(|(day, _), (next, _)| day > next) {
            return Err(InvalidSegment::Order);
        }
        Ok(Self { cursor, days, aspects })
    }
}

fn as_base64<S: serde::Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json, to_value};

    use super::*;

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
