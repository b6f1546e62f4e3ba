//! TIFF, with those variants of scanners that `image` does not know: palettes, greys of few bits, and JPEG inside.

use std::io::Cursor;

use exif::{Context, Tag};
use tiff::decoder::{Decoder, DecodingResult, Limits};
use tiff::{ColorType, TiffError, tags};

use crate::directory::{Part, rewrite};
use crate::formats::{DECODER_BYTES_MAX, Decoded, refused, with_image};
use crate::pixels::{Alpha, Pixels, check_size};
use crate::turn::Orientation;
use crate::{DecodeError, colour, taken};

const BITS_PER_SAMPLE: Tag = Tag(Context::Tiff, 258);
const COMPRESSION: Tag = Tag(Context::Tiff, 259);
const PHOTOMETRIC: Tag = Tag(Context::Tiff, 262);
const FILL_ORDER: Tag = Tag(Context::Tiff, 266);
const PLANAR_CONFIGURATION: Tag = Tag(Context::Tiff, 284);
const TILE_WIDTH: Tag = Tag(Context::Tiff, 322);
const EXTRA_SAMPLES: Tag = Tag(Context::Tiff, 338);
/// Values of these.
const JPEG: u32 = 7;
const BLACK_IS_ZERO: u16 = 1;
const PALETTE: u16 = 3;
const Y_CB_CR: u32 = 6;
const LOW_BITS_FIRST: u32 = 2;
const APART: u32 = 2;
const PREMULTIPLIED: u32 = 1;

pub fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let number = |tag| taken::number(bytes, tag);
    // The decoder passes over it that the bits of each byte are the other way round.
    if number(FILL_ORDER) == Some(LOW_BITS_FIRST) {
        return Err(DecodeError::UnsupportedVariant);
    }
    // Tiles of one colour each end it, where they reach out of the picture.
    if number(PLANAR_CONFIGURATION) == Some(APART) && number(TILE_WIDTH).is_some() {
        return Err(DecodeError::UnsupportedVariant);
    }
    let photometric = number(PHOTOMETRIC);
    let pixels = if photometric == Some(u32::from(PALETTE)) {
        let mut indices = bytes.to_vec();
        rewrite(&mut indices, PHOTOMETRIC.number(), Part::Value, PALETTE, BLACK_IS_ZERO);
        by_table(&indices)?
    } else if matches!(number(BITS_PER_SAMPLE), Some(2 | 4)) {
        by_table(bytes)?
    } else if photometric == Some(Y_CB_CR) && number(COMPRESSION) == Some(JPEG) {
        from_ycbcr(bytes)?
    } else {
        let is_premultiplied = number(EXTRA_SAMPLES) == Some(PREMULTIPLIED);
        let alpha = if is_premultiplied { Alpha::Premultiplied } else { Alpha::Straight };
        let decoder = image::codecs::tiff::TiffDecoder::new(Cursor::new(bytes)).map_err(refused)?;
        return with_image(decoder, bytes, alpha);
    };
    let (width, height) = (pixels.width, pixels.height);
    let orientation = taken::orientation(bytes).unwrap_or(Orientation::UPRIGHT);
    Ok(Decoded { picture: pixels.into(), orientation, width, height, alpha: None })
}

/// Samples as the file has them.
struct Samples {
    width: u32,
    height: u32,
    colour: ColorType,
    bytes: Vec<u8>,
    palette: Option<Vec<u16>>,
    profile: Option<Vec<u8>>,
}

fn samples(bytes: &[u8]) -> Result<Samples, DecodeError> {
    let because = |error| match error {
        TiffError::UnsupportedError(_) => DecodeError::UnsupportedVariant,
        other => DecodeError::damaged(other),
    };
    let mut limits = Limits::default();
    limits.decoding_buffer_size = DECODER_BYTES_MAX as usize;
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(because)?.with_limits(limits);
    let (width, height) = decoder.dimensions().map_err(because)?;
    check_size(width, height)?;
    let colour = decoder.colortype().map_err(because)?;
    let palette = decoder.get_tag_u16_vec(tags::Tag::ColorMap).ok();
    let profile = decoder.get_tag_u8_vec(tags::Tag::IccProfile).ok();
    match decoder.read_image().map_err(because)? {
        DecodingResult::U8(bytes) => Ok(Samples { width, height, colour, bytes, palette, profile }),
        _ => Err(DecodeError::UnsupportedVariant),
    }
}

/// Grey, or a number in a table of colours: up to eight bits.
fn by_table(file: &[u8]) -> Result<Pixels, DecodeError> {
    let Samples { width, height, colour, bytes, palette, profile } = samples(file)?;
    let ColorType::Gray(bits @ (1 | 2 | 4 | 8)) = colour else { return Err(DecodeError::UnsupportedVariant) };
    let (bits, colours) = (usize::from(bits), 1_usize << bits);
    let table: Vec<[u8; 3]> = match palette {
        // All reds, all greens, all blues, of 16 bits.
        Some(palette) if palette.len() >= 3 * colours => {
            let part = |channel: usize, colour: usize| (palette[channel * colours + colour] >> 8) as u8;
            (0..colours).map(|colour| [0, 1, 2].map(|channel| part(channel, colour))).collect()
        }
        Some(_) => return Err(DecodeError::damaged("its palette is cut short")),
        None => (0..colours).map(|grey| [(grey * 255 / (colours - 1)) as u8; 3]).collect(),
    };
    let mut rgb = Vec::with_capacity(width as usize * height as usize * 3);
    for row in bytes.chunks_exact((width as usize * bits).div_ceil(8)).take(height as usize) {
        for x in 0..width as usize {
            let index = row[x * bits / 8] >> (8 - bits - x * bits % 8);
            rgb.extend_from_slice(&table[usize::from(index) & (colours - 1)]);
        }
    }
    finished(Pixels { width, height, rgb }, profile)
}

fn from_ycbcr(file: &[u8]) -> Result<Pixels, DecodeError> {
    let Samples { width, height, colour, bytes, profile, .. } = samples(file)?;
    if colour != ColorType::YCbCr(8) {
        return Err(DecodeError::UnsupportedVariant);
    }
    // As JFIF has it.
    let rgb = bytes.as_chunks::<3>().0.iter().flat_map(|sample| {
        let [luma, blue, red] = sample.map(f32::from);
        let (blue, red) = (blue - 128.0, red - 128.0);
        [luma + 1.402 * red, luma - 0.344_136 * blue - 0.714_136 * red, luma + 1.772 * blue]
            .map(|level| (level + 0.5) as u8)
    });
    finished(Pixels { width, height, rgb: rgb.collect() }, profile)
}

fn finished(mut pixels: Pixels, profile: Option<Vec<u8>>) -> Result<Pixels, DecodeError> {
    if pixels.rgb.len() != pixels.width as usize * pixels.height as usize * 3 {
        return Err(DecodeError::damaged("a part of it is missing"));
    }
    colour::to_srgb(&mut pixels, profile.as_deref());
    Ok(pixels)
}
