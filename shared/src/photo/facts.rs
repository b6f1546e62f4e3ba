//! What a picture says of itself: when and where it was taken.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::timestamp::Timestamp;

/// Why a text is none of this module's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPhotoField {
    #[error("not a wall time like 2024-05-01T18:30:00.000")]
    WallTime,
    #[error("not an offset like +02:00, at most 18 hours")]
    Offset,
    #[error("a latitude is between -90 and 90, a longitude between -180 and 180")]
    Degrees,
}

macro_rules! as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}
    };
}

/// What the clock on the wall said where the picture was taken, to the millisecond, in no zone:
/// `YYYY-MM-DDTHH:MM:SS.sss`. Photos are in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WallTime(Timestamp);

impl WallTime {
    /// Milliseconds from 1970-01-01T00:00:00.000 on the same wall.
    pub const fn from_millis(ms: i64) -> Self {
        Self(Timestamp::from_millis(ms))
    }

    pub const fn as_millis(self) -> i64 {
        self.0.as_millis()
    }
}

/// Of an instant of which no place is known: what a wall in UTC said.
impl From<Timestamp> for WallTime {
    fn from(at: Timestamp) -> Self {
        Self(at)
    }
}

impl fmt::Display for WallTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_string().trim_end_matches('Z'))
    }
}

impl FromStr for WallTime {
    type Err = InvalidPhotoField;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let zoned = text.get(19..).is_some_and(|rest| rest.contains(['Z', 'z', '+', '-']));
        let at = (!zoned).then(|| format!("{text}Z").parse().ok()).flatten();
        at.map(Self).ok_or(InvalidPhotoField::WallTime)
    }
}

/// How far the wall was from UTC, in minutes: `±HH:MM`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UtcOffset(i16);

impl UtcOffset {
    pub const UTC: Self = Self(0);
    /// The furthest that ISO 8601 clocks go.
    const MINUTES_MAX: i16 = 18 * 60;

    pub const fn minutes(self) -> i16 {
        self.0
    }
}

impl fmt::Display for UtcOffset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, minutes) = (if self.0 < 0 { '-' } else { '+' }, self.0.unsigned_abs());
        write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
    }
}

impl FromStr for UtcOffset {
    type Err = InvalidPhotoField;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let bytes = text.as_bytes();
            let sign = match bytes.first()? {
                b'+' => 1,
                b'-' => -1,
                _ => return None,
            };
            let digits = |at: usize| -> Option<i16> {
                let pair = text.get(at..at + 2).filter(|pair| pair.bytes().all(|b| b.is_ascii_digit()))?;
                pair.parse().ok()
            };
            let (hours, minutes) = (digits(1)?, digits(4)?);
            let total = hours * 60 + minutes;
            let fits = bytes.len() == 6 && bytes[3] == b':' && minutes < 60 && total <= Self::MINUTES_MAX;
            fits.then_some(Self(sign * total))
        };
        parse().ok_or(InvalidPhotoField::Offset)
    }
}

as_text!(WallTime);
as_text!(UtcOffset);

/// Degrees, kept to 1e-7 of one (a centimetre); a number on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "f64", try_from = "f64")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema), schema(value_type = f64))]
pub struct Degrees(i32);

impl Degrees {
    const PARTS: f64 = 1e7;
}

impl From<Degrees> for f64 {
    fn from(degrees: Degrees) -> Self {
        Self::from(degrees.0) / Degrees::PARTS
    }
}

impl TryFrom<f64> for Degrees {
    type Error = InvalidPhotoField;

    fn try_from(degrees: f64) -> Result<Self, Self::Error> {
        if degrees.abs() <= 180.0 {
            Ok(Self((degrees * Self::PARTS).round() as i32))
        } else {
            Err(InvalidPhotoField::Degrees)
        }
    }
}

/// Where a picture was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "UncheckedLocation")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Location {
    pub latitude: Degrees,
    pub longitude: Degrees,
}

#[derive(Deserialize)]
struct UncheckedLocation {
    latitude: Degrees,
    longitude: Degrees,
}

impl Location {
    pub fn new(latitude: f64, longitude: f64) -> Result<Self, InvalidPhotoField> {
        UncheckedLocation { latitude: latitude.try_into()?, longitude: longitude.try_into()? }.try_into()
    }
}

impl TryFrom<UncheckedLocation> for Location {
    type Error = InvalidPhotoField;

    fn try_from(UncheckedLocation { latitude, longitude }: UncheckedLocation) -> Result<Self, Self::Error> {
        if f64::from(latitude).abs() <= 90.0 {
            Ok(Self { latitude, longitude })
        } else {
            Err(InvalidPhotoField::Degrees)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wall_times_have_no_zone() {
        let at: WallTime = "2024-05-01T18:30:00.250".parse().unwrap();
        assert_eq!(at.to_string(), "2024-05-01T18:30:00.250");
        assert_eq!("2024-05-01T18:30:00".parse::<WallTime>().unwrap().to_string(), "2024-05-01T18:30:00.000");
        for wrong in [
            "2024-05-01T18:30:00Z",
            "2024-05-01T18:30:00+02:00",
            "2024-02-30T00:00:00",
            "2024-05-01T18:30:0é.000",
            "",
            "2024",
        ] {
            assert_eq!(wrong.parse::<WallTime>(), Err(InvalidPhotoField::WallTime), "{wrong}");
        }
    }

    #[test]
    fn offsets_are_read_as_they_are_written() {
        for text in ["+00:00", "-03:30", "+05:45", "+14:00", "-18:00"] {
            assert_eq!(text.parse::<UtcOffset>().unwrap().to_string(), text);
        }
        for wrong in ["", "02:00", "+2:00", "+02:60", "+19:00", "+02:00:00", "+0a:00", "+é:00"] {
            assert_eq!(wrong.parse::<UtcOffset>(), Err(InvalidPhotoField::Offset), "{wrong}");
        }
    }

    #[test]
    fn places_are_on_the_globe() {
        let at = Location::new(48.137_154, -11.576_124).unwrap();
        let wire = serde_json::to_value(at).unwrap();
        assert_eq!(wire, serde_json::json!({"latitude": 48.137_154, "longitude": -11.576_124}));
        assert_eq!(serde_json::from_value::<Location>(wire).unwrap(), at);
        for (latitude, longitude) in [(90.1, 0.0), (0.0, -180.1), (f64::NAN, 0.0), (f64::INFINITY, 0.0)] {
            assert!(Location::new(latitude, longitude).is_err(), "{latitude} {longitude}");
        }
    }
}
