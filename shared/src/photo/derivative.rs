//! Smaller forms of a picture, their sizes and addresses.

use serde::{Deserialize, Serialize};

use super::PhotoInfo;
use crate::content::ContentHash;
use crate::ids::ItemId;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::photo::PhotoStatus;
    use crate::timestamp::Timestamp;

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
}
