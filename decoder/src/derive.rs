//! All derivatives of one picture, each from the next larger.

use sha2::{Digest as _, Sha256};
use shared::PictureId;
use shared::photo::{DerivativeKind, Derivatives};
use turbojpeg::Subsamp;
use uuid::Uuid;

use crate::formats::{Decoded, Format, decode, format_of};
use crate::picture::Picture;
use crate::pixels::{AlphaId, Pixels};
use crate::{DecodeError, Derived, Encoded, frames};

/// JPEG's quality, 1 to 100: what cannot be told from the original at the size it is looked at.
const QUALITY: i32 = 82;
/// That of small pictures that are shown pixel by pixel, and magnified: icons, emoji, drawings. They cost little.
const QUALITY_OF_SMALL: i32 = 98;
/// The longest side of these, in pixels.
const SMALL_SIDE_MAX: u32 = 256;
/// The longest side that a thumbhash is made from, in pixels.
const THUMBHASH_SIDE_MAX: u32 = 100;

/// Makes all derivatives with one decode.
pub fn derive(bytes: &[u8]) -> Result<Derived, DecodeError> {
    let Decoded { picture, orientation, width, height, alpha } = decode(bytes)?;
    let (width, height) = orientation.turned(width, height);
    let display = picture.within(DerivativeKind::Display.side_max())?.upright(orientation);
    let preview = display.shrunk(DerivativeKind::Preview.side_max())?;
    let thumbnail = preview.shrunk(DerivativeKind::Thumbnail.side_max())?;
    let tiny = thumbnail.shrunk(THUMBHASH_SIDE_MAX)?;
    // At a quarter of the size, the colours of photographs look the same. Not so edges between colours, nor what
    // is shown pixel by pixel.
    let keeps_edges = format_of(bytes).is_some_and(Format::keeps_edges);
    let encoded = |picture: &Picture| -> Result<Encoded, DecodeError> {
        let (shown_width, shown_height) = picture.size();
        let is_exact = shown_width == width;
        let is_small = is_exact && width.max(height) <= SMALL_SIDE_MAX;
        let chroma = if keeps_edges || is_exact { Subsamp::None } else { Subsamp::Sub2x2 };
        let quality = if is_small { QUALITY_OF_SMALL } else { QUALITY };
        let bytes = picture.encoded(chroma, quality)?;
        Ok(Encoded { width: shown_width, height: shown_height, bytes })
    };
    Ok(Derived {
        width,
        height,
        picture: (!frames::are_several(bytes)).then(|| picture_id(width, height, &display, alpha)),
        thumbhash: thumbhash(tiny.pixels()?.as_ref()),
        derivatives: Derivatives {
            thumbnail: encoded(&thumbnail)?,
            preview: encoded(&preview)?,
            display: encoded(&display)?,
        },
    })
}

/// Which picture it is, by its pixels as they are shown: upright, in sRGB, at the size of the largest derivative, so
/// that neither the file's kind nor what it says beside them counts; by its own size, and by what of it is clear. What
/// differs otherwise between two pictures of one size can be seen there.
fn picture_id(width: u32, height: u32, display: &Picture, alpha: Option<AlphaId>) -> PictureId {
    let mut over = Sha256::new();
    for side in [width, height, display.size().0] {
        over.update(side.to_be_bytes());
    }
    for samples in display.samples() {
        over.update(samples);
    }
    over.update(alpha.as_ref().map_or(&[][..], AlphaId::as_slice));
    let hash: [u8; 32] = over.finalize().into();
    let [id, _] = hash.as_chunks().0 else { return PictureId(Uuid::nil()) };
    PictureId(Uuid::from_bytes(*id))
}

fn thumbhash(pixels: &Pixels) -> Vec<u8> {
    let rgba: Vec<u8> = pixels
        .rgb
        .as_chunks::<3>()
        .0
        .iter()
        .flat_map(|&[red, green, blue]| [red, green, blue, 255])
        .collect();
    thumbhash::rgba_to_thumb_hash(pixels.width as usize, pixels.height as usize, &rgba)
}
