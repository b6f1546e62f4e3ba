//! Photos: items of the zone kind `photos`, with what is known of the picture and what people say of it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::content::ContentHash;
use crate::ids::ItemId;
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

/// Smaller forms of a picture: never enlarged, upright, sRGB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum DerivativeKind {
    Thumbnail,
    Preview,
    Display,
}

impl DerivativeKind {
    pub const ALL: [Self; 3] = [Self::Thumbnail, Self::Preview, Self::Display];

    /// The longest side, in pixels.
    pub const fn side_max(self) -> u32 {
        match self {
            Self::Thumbnail => 200,
            Self::Preview => 1_024,
            Self::Display => 2_048,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::Thumbnail => "thumbnail",
            Self::Preview => "preview",
            Self::Display => "display",
        }
    }
}

/// A value for each kind of derivative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Derivatives<T> {
    pub thumbnail: T,
    pub preview: T,
    pub display: T,
}

impl<T> Derivatives<T> {
    pub fn get(&self, kind: DerivativeKind) -> &T {
        match kind {
            DerivativeKind::Thumbnail => &self.thumbnail,
            DerivativeKind::Preview => &self.preview,
            DerivativeKind::Display => &self.display,
        }
    }
}

/// The size within a square of `side_max`, never enlarged, never nothing; in pixels.
pub fn fit(width: u32, height: u32, side_max: u32) -> (u32, u32) {
    let longest = width.max(height);
    if longest <= side_max {
        return (width, height);
    }
    let scaled = |side: u32| {
        let (side, longest, side_max) = (u64::from(side), u64::from(longest), u64::from(side_max));
        ((side * side_max + longest / 2) / longest).max(1) as u32
    };
    (scaled(width), scaled(height))
}

/// One derivative as it is offered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Derivative {
    /// Immutable: another picture has another.
    pub url: String,
    /// In pixels.
    pub width: u32,
    pub height: u32,
    /// In bytes.
    pub size: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum PhotoStatus {
    /// Its derivatives are being made.
    #[default]
    Processing,
    Ready,
    /// It has none; `failure` says why. The original is as safe as any file.
    Failed,
}

/// What a picture's file says of itself, apart from its pixels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Taken {
    pub at: Option<WallTime>,
    pub offset: Option<UtcOffset>,
    pub location: Option<Location>,
    pub camera: Option<String>,
    pub lens: Option<String>,
    /// As photographers write it: `1/250 s, f/1.8, ISO 64, 5.7 mm`.
    pub exposure: Option<String>,
    /// Of a film, in milliseconds.
    pub duration: Option<u64>,
    /// A film's width and height as it is shown, in pixels.
    pub frame: Option<(u32, u32)>,
    /// What the two files of a Live Photo have in common, in Apple's own words.
    pub content_identifier: Option<String>,
}

/// What a photo has beside a file's fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhotoInfo {
    /// In pixels, of the upright picture. None while it isn't known.
    pub width: Option<u32>,
    pub height: Option<u32>,
    pub taken_at: WallTime,
    /// None: it is not known how far from UTC that was.
    pub taken_at_offset: Option<UtcOffset>,
    pub location: Option<Location>,
    /// The town there, its region and its country: `Munich, Bavaria, Germany`.
    pub place: Option<String>,
    pub camera: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lens: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exposure: Option<String>,
    /// Of a film, in milliseconds.
    pub duration: Option<u64>,
    /// What moves, where it is a Live Photo. It is shown with its photo only, and goes where that goes.
    pub live_photo_video: Option<Box<LivePhotoVideo>>,
    /// The photo that this is the video of: it is in no list of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_photo_of: Option<ItemId>,
    /// Base64: a placeholder of some 25 bytes (<https://evanw.github.io/thumbhash/>).
    pub thumbhash: Option<String>,
    pub is_favorite: bool,
    pub hidden: bool,
    pub archived: bool,
    /// The albums that have it, by id. One of them may have been removed for good since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub albums: Vec<InAlbum>,
    pub status: PhotoStatus,
    /// Why there are no derivatives, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<String>,
}

impl PhotoInfo {
    /// Of a photo that nothing is known of but its file's own time.
    pub fn unknown(modified_at: Timestamp) -> Self {
        Self {
            width: None,
            height: None,
            taken_at: modified_at.into(),
            taken_at_offset: None,
            location: None,
            place: None,
            camera: None,
            lens: None,
            exposure: None,
            duration: None,
            live_photo_video: None,
            live_photo_of: None,
            thumbhash: None,
            is_favorite: false,
            hidden: false,
            archived: false,
            albums: Vec::new(),
            status: PhotoStatus::Processing,
            failure: None,
        }
    }

    /// The size of the picture that smaller forms are made of, where there are any; in pixels.
    pub fn pictured(&self) -> Option<(u32, u32)> {
        // A film may be ready without any picture.
        let has_picture = self.status == PhotoStatus::Ready && self.thumbhash.is_some();
        self.width.zip(self.height).filter(|_| has_picture)
    }

    /// As it will be with what a person says of it; what the file says instead, only the server knows.
    pub fn apply(&mut self, edit: &PhotoEdit) {
        self.is_favorite = edit.is_favorite.unwrap_or(self.is_favorite);
        self.hidden = edit.hidden.unwrap_or(self.hidden);
        self.archived = edit.archived.unwrap_or(self.archived);
        self.taken_at = edit.taken_at.flatten().unwrap_or(self.taken_at);
        self.taken_at_offset = edit.taken_at_offset.flatten().or(self.taken_at_offset);
        if let Some(location) = edit.location.filter(|location| *location != self.location) {
            self.location = location;
            self.place = None;
        }
    }

    pub fn is_in(&self, album: ItemId) -> bool {
        self.in_album(album).is_some()
    }

    pub fn in_album(&self, album: ItemId) -> Option<&InAlbum> {
        self.albums.iter().find(|held| held.id == album)
    }

    /// What it is sorted by: in an album where a person put it, otherwise by when it was taken.
    pub fn sorted_at(&self, album: Option<ItemId>) -> WallTime {
        let held = album.and_then(|album| self.in_album(album));
        held.and_then(|held| held.sort_at).unwrap_or(self.taken_at)
    }

    /// As it will be with what a person does to it in an album, then.
    pub fn apply_album(&mut self, album: ItemId, change: AlbumChange, then: Timestamp) {
        let at = self.albums.partition_point(|held| held.id < album);
        match change {
            AlbumChange::Remove => self.albums.retain(|held| held.id != album),
            AlbumChange::Place(None) if !self.is_in(album) => {}
            AlbumChange::Add | AlbumChange::Cover | AlbumChange::Place(_) => {
                if !self.is_in(album) {
                    self.albums.insert(at, InAlbum { id: album, cover_at: None, sort_at: None });
                }
                match change {
                    AlbumChange::Cover => self.albums[at].cover_at = Some(then),
                    AlbumChange::Place(sort_at) => self.albums[at].sort_at = sort_at,
                    AlbumChange::Add | AlbumChange::Remove => {}
                }
            }
        }
    }
}

/// The video of a Live Photo.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct LivePhotoVideo {
    pub file_id: ItemId,
    /// Names its content: another has another.
    pub url: String,
    pub mime_type: String,
    /// In bytes.
    pub size: u64,
    /// In milliseconds.
    pub duration: Option<u64>,
}

/// That a photo is in an album.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct InAlbum {
    pub id: ItemId,
    /// When it was chosen to stand for the album: the latest of its photos does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cover_at: Option<Timestamp>,
    /// What it is sorted by there instead of `takenAt`, where a person put it elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_at: Option<WallTime>,
}

/// What becomes of a photo in an album.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum AlbumChange {
    Add,
    /// Takes back only what its maker had seen: adding wins.
    Remove,
    /// It stands for the album from now on, and is in it.
    Cover,
    /// It is sorted by this there, and is in it; with nothing it is sorted by when it was taken again, where it is in it.
    Place(Option<WallTime>),
}

/// The shape of a picture in a byte, for layouts of a whole library: steps of 2.2 % in the ratio of width to
/// height, from 1:15 to 15:1; more extreme ones count as these, unknown ones as square.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Aspect(u8);

impl Aspect {
    const STEPS_PER_OCTAVE: f64 = 32.0;
    const SQUARE: u8 = 128;

    /// `width` and `height` in pixels; 0 where they aren't known.
    pub fn of(width: u32, height: u32) -> Self {
        if width == 0 || height == 0 {
            return Self(Self::SQUARE);
        }
        let octaves = (f64::from(width) / f64::from(height)).log2();
        let steps = (octaves * Self::STEPS_PER_OCTAVE).round() + f64::from(Self::SQUARE);
        Self(steps.clamp(1.0, 255.0) as u8)
    }

    pub const fn code(self) -> u8 {
        self.0
    }

    pub const fn from_code(code: u8) -> Self {
        Self(code)
    }

    /// Width by height.
    pub fn ratio(self) -> f64 {
        ((f64::from(self.0) - f64::from(Self::SQUARE)) / Self::STEPS_PER_OCTAVE).exp2()
    }
}

/// Where a photo's bytes are, below `/api/v1`: another content has another address, so that each can be kept
/// for ever.
pub fn photo_path(id: ItemId, form: &str, content: ContentHash) -> String {
    /// Of a hash of 64: enough to tell the contents of one photo apart.
    const DIGITS: usize = 16;
    format!("/photos/{id}/{form}?v={:.DIGITS$}", content.to_string())
}

impl Derivatives<Option<Derivative>> {
    /// As lists offer them, where only the photo's own row is known: how many bytes they have is not.
    pub fn of(id: ItemId, content: ContentHash, info: &PhotoInfo) -> Self {
        let size = info.pictured();
        let offered = |kind: DerivativeKind| {
            let (width, height) = size.map(|(width, height)| fit(width, height, kind.side_max()))?;
            let url = format!("/api/v1{}", photo_path(id, kind.name(), content));
            Some(Derivative { url, width, height, size: 0 })
        };
        Self {
            thumbnail: offered(DerivativeKind::Thumbnail),
            preview: offered(DerivativeKind::Preview),
            display: offered(DerivativeKind::Display),
        }
    }
}

/// A photo in a list of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Photo {
    pub id: ItemId,
    /// The same: a photo is a file.
    pub file_id: ItemId,
    pub file_name: String,
    pub mime_type: String,
    /// In bytes.
    pub size: u64,
    #[serde(flatten)]
    pub info: PhotoInfo,
    pub derivatives: Derivatives<Option<Derivative>>,
}

/// `POST /photos/upload`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhotoUploaded {
    pub photo: Photo,
}

/// An album: a folder of the library, which names its photos rather than holding them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Album {
    pub id: ItemId,
    pub name: String,
    /// Its photos, without hidden and deleted ones.
    pub count: u64,
    /// When the first and the last of them were taken.
    pub first_taken_at: Option<WallTime>,
    pub last_taken_at: Option<WallTime>,
    /// The photo that a person chose, otherwise the latest.
    pub cover: Option<Photo>,
}

/// `GET /photos/albums`: by id, which is the order in which they were made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AlbumPage {
    pub albums: Vec<Album>,
    pub next_cursor: Option<String>,
}

/// `GET /photos`: newest first by (`takenAt`, id); in an album `sortAt` counts instead, where a photo has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhotoPage {
    pub photos: Vec<Photo>,
    pub next_cursor: Option<String>,
}

/// Photos that look the same, in different files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DuplicateGroup {
    /// Two at least, the newest first; of very many the newest.
    pub photos: Vec<Photo>,
}

/// `GET /photos/duplicates`: the group with the newest photo first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DuplicatePage {
    pub groups: Vec<DuplicateGroup>,
    pub next_cursor: Option<String>,
}

/// What a person says of a photo; what is not named stays. `null` goes back to what the file says, but for
/// `location`, which it takes away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct PhotoEdit {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_favorite: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "named")]
    pub taken_at: Option<Option<WallTime>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "named")]
    pub taken_at_offset: Option<Option<UtcOffset>>,
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "named")]
    pub location: Option<Option<Location>>,
}

impl PhotoEdit {
    /// Both, where the later one has the last word.
    #[must_use]
    pub fn followed_by(self, later: &Self) -> Self {
        Self {
            is_favorite: later.is_favorite.or(self.is_favorite),
            hidden: later.hidden.or(self.hidden),
            archived: later.archived.or(self.archived),
            taken_at: later.taken_at.or(self.taken_at),
            taken_at_offset: later.taken_at_offset.or(self.taken_at_offset),
            location: later.location.or(self.location),
        }
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A field that is there, be it `null`.
fn named<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
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

    #[test]
    fn a_byte_tells_the_shape() {
        for (width, height) in [(4000, 3000), (3000, 4000), (1, 1), (1920, 1080), (1000, 9000)] {
            let (ratio, told) = (f64::from(width) / f64::from(height), Aspect::of(width, height).ratio());
            assert!((told / ratio - 1.0).abs() < 0.011, "{width} × {height}: {told}");
        }
        assert_eq!(Aspect::of(0, 7), Aspect::of(5, 5));
        for (width, height) in [(1, u32::MAX), (u32::MAX, 1)] {
            let aspect = Aspect::of(width, height);
            assert_eq!(Aspect::from_code(aspect.code()), aspect);
            assert!(aspect.ratio() > 0.06 && aspect.ratio() < 16.0);
        }
    }

    #[test]
    fn sizes_fit_and_are_never_enlarged() {
        assert_eq!(fit(4_000, 3_000, 2_048), (2_048, 1_536));
        assert_eq!(fit(100, 50, 200), (100, 50));
        assert_eq!(fit(30_000, 3, 200), (200, 1));
        assert_eq!(fit(3, 30_000, 200), (1, 200));
    }

    #[test]
    fn smaller_forms_are_known_of_what_is_ready() {
        let (id, content) = (ItemId(uuid::Uuid::from_u128(7)), ContentHash::of_chunks([]));
        let mut info = PhotoInfo::unknown(Timestamp::from_millis(0));
        (info.width, info.height) = (Some(4_000), Some(3_000));
        assert_eq!(Derivatives::of(id, content, &info), Derivatives::default());
        info.status = PhotoStatus::Ready;
        assert_eq!(Derivatives::of(id, content, &info), Derivatives::default(), "a film without a poster");
        info.thumbhash = Some("1QcSHQRnh493V4dIh4eXh1h4kJUI".to_owned());
        let offered = Derivatives::of(id, content, &info);
        let thumbnail = offered.thumbnail.unwrap();
        assert_eq!((thumbnail.width, thumbnail.height), (200, 150));
        assert_eq!(thumbnail.url, format!("/api/v1{}", photo_path(id, "thumbnail", content)));
    }

    #[test]
    fn an_edit_tells_null_from_nothing() {
        let edit: PhotoEdit = serde_json::from_str(r#"{"takenAt": null, "isFavorite": true}"#).unwrap();
        assert_eq!(edit, PhotoEdit { taken_at: Some(None), is_favorite: Some(true), ..PhotoEdit::default() });
        assert_eq!(serde_json::to_string(&edit).unwrap(), r#"{"isFavorite":true,"takenAt":null}"#);
    }
}
