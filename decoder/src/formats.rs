//! Files into pixels. What a file is, its first bytes say, never its name.

use std::io::Cursor;

use image::{ColorType, DynamicImage, ImageDecoder, ImageError, Limits};
use shared::photo::DerivativeKind;

use crate::picture::Picture;
use crate::pixels::{Alpha, AlphaId, Pixels, alpha_id, check_size};
use crate::turn::Orientation;
use crate::{DecodeError, colour, heif, jpeg, taken, tiff};

/// Memory that a decoder may ask for, in bytes.
pub const DECODER_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// What is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Jpeg,
    Png,
    Gif,
    WebP,
    Tiff,
    Heic,
    Avif,
}

/// By the first bytes.
pub fn format_of(bytes: &[u8]) -> Option<Format> {
    match bytes {
        [0xFF, 0xD8, 0xFF, ..] => Some(Format::Jpeg),
        [0x89, b'P', b'N', b'G', ..] => Some(Format::Png),
        [b'G', b'I', b'F', b'8', ..] => Some(Format::Gif),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Format::WebP),
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Some(Format::Tiff),
        [0, 0, 0, length, b'f', b't', b'y', b'p', brands @ ..] => {
            let brands = &brands[..brands.len().min(usize::from(*length).saturating_sub(8))];
            let has =
                |names: &[&[u8; 4]]| brands.as_chunks::<4>().0.iter().any(|brand| names.contains(&brand));
            if has(&[b"avif", b"avis"]) {
                Some(Format::Avif)
            } else {
                let heic = [b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"];
                has(&heic).then_some(Format::Heic)
            }
        }
        _ => None,
    }
}

/// A picture in sRGB, perhaps smaller than it is in its file, and how to turn it.
pub struct Decoded {
    pub picture: Picture,
    pub orientation: Orientation,
    /// In pixels, as stored in the file.
    pub width: u32,
    pub height: u32,
    /// Of a picture that is not opaque; its pixels lie on white.
    pub alpha: Option<AlphaId>,
}

impl Format {
    /// Whether it is what drawings, screenshots and texts come in, whose edges are as sharp in colour as they
    /// are in brightness.
    pub fn keeps_edges(self) -> bool {
        matches!(self, Self::Png | Self::Gif | Self::WebP | Self::Tiff)
    }
}

pub fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    match format_of(bytes).ok_or(DecodeError::Unsupported)? {
        // What the fast one refuses for a flaw that does not matter, the other may still read.
        Format::Jpeg => jpeg::decode(bytes).or_else(|error| match error {
            DecodeError::Damaged(_) => {
                let decoder = image::codecs::jpeg::JpegDecoder::new(Cursor::new(bytes));
                let decoder = decoder.map_err(|_| error.clone())?;
                with_image(decoder, bytes, Alpha::Straight).map_err(|_| error)
            }
            other => Err(other),
        }),
        Format::Heic | Format::Avif => heif::decode(bytes),
        Format::Png => {
            let decoder = image::codecs::png::PngDecoder::new(Cursor::new(bytes));
            with_image(decoder.map_err(refused)?, bytes, Alpha::Straight)
        }
        Format::Gif => {
            let decoder = image::codecs::gif::GifDecoder::new(Cursor::new(bytes));
            with_image(decoder.map_err(refused)?, bytes, Alpha::Straight)
        }
        Format::WebP => {
            let decoder = image::codecs::webp::WebPDecoder::new(Cursor::new(bytes));
            with_image(decoder.map_err(refused)?, bytes, Alpha::Straight)
        }
        Format::Tiff => tiff::decode(bytes),
    }
}

pub fn refused(error: ImageError) -> DecodeError {
    match error {
        ImageError::Unsupported(_) => DecodeError::UnsupportedVariant,
        other => DecodeError::damaged(other),
    }
}

/// What is converted next should not be larger than it has to be.
pub fn shrink_first(pixels: &mut Pixels) -> Result<(), DecodeError> {
    if pixels.width.max(pixels.height) > DerivativeKind::Display.side_max() {
        *pixels = pixels.shrunk(DerivativeKind::Display.side_max())?;
    }
    Ok(())
}

pub fn with_image(
    mut decoder: impl ImageDecoder,
    bytes: &[u8],
    alpha: Alpha,
) -> Result<Decoded, DecodeError> {
    let (width, height) = decoder.dimensions();
    check_size(width, height)?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(DECODER_BYTES_MAX);
    decoder.set_limits(limits).map_err(|_| DecodeError::TooLarge { width, height })?;
    let profile = decoder.icc_profile().ok().flatten();
    let orientation = taken::orientation(bytes)
        .or_else(|| taken::xmp_orientation(&decoder.xmp_metadata().ok()??))
        .unwrap_or(Orientation::UPRIGHT);
    let is_grey = matches!(decoder.color_type(), ColorType::L8 | ColorType::L16);
    let image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    let profile = profile.as_deref();
    let mut alpha_found = None;
    let pixels = if is_grey {
        colour::grey_to_srgb(width, height, &image.into_luma8(), profile)
    } else {
        let mut pixels = if image.color().has_alpha() {
            let rgba = image.into_rgba8();
            alpha_found = alpha_id(&rgba);
            Pixels::from_rgba(width, height, &rgba, alpha)
        } else {
            Pixels { width, height, rgb: image.into_rgb8().into_raw() }
        };
        shrink_first(&mut pixels)?;
        colour::to_srgb(&mut pixels, profile);
        pixels
    };
    Ok(Decoded { picture: pixels.into(), orientation, width, height, alpha: alpha_found })
}
