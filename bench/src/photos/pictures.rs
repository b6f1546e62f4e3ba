//! Pictures of many shapes and colours, and when they were taken; the same in every run.

use image::codecs::jpeg::JpegEncoder;
use image::{ImageEncoder as _, Rgb, RgbImage};
use sha2::{Digest as _, Sha256};
use shared::Timestamp;

use crate::Outcome;

/// Width to height, most often as phones and cameras have it.
const SHAPES: [(u32, u32); 12] =
    [(4, 3), (4, 3), (4, 3), (3, 4), (3, 4), (3, 2), (3, 2), (2, 3), (16, 9), (9, 16), (1, 1), (3, 1)];
/// The longest side, in pixels: a preview is not smaller than its thumbnail.
const SIDE: u32 = 240;
const QUALITY: u8 = 80;

const DAY_MS: i64 = 86_400_000;
/// 2025-12-31.
const LAST_DAY: i64 = 20_453;
/// Fifteen years.
pub const DAYS: u64 = 5_479;

/// What is random about photo `n`: bytes that each serve one purpose.
fn drawn(n: usize) -> [u8; 32] {
    Sha256::digest(n.to_be_bytes()).into()
}

/// Its day is one of the last `days` up to the last of 2025, some days with many more than others.
pub fn taken_at(n: usize, days: u64) -> Timestamp {
    let drawn = drawn(n);
    let number = |from: usize| u64::from_be_bytes(std::array::from_fn(|at| drawn[from + at]));
    // A third of all are of one day in thirty: holidays.
    let day = number(0) % days;
    let day = if drawn[31] < 85 { day / 30 * 30 } else { day };
    let on_the_day = (number(8) % DAY_MS as u64) as i64;
    Timestamp::from_millis((LAST_DAY - day as i64) * DAY_MS + on_the_day)
}

/// A JPEG of photo `n`: a slope of two colours, with a band that tells up from down.
pub fn jpeg(n: usize) -> Outcome<Vec<u8>> {
    let drawn = drawn(n);
    let (wide, tall) = SHAPES[usize::from(drawn[16]) % SHAPES.len()];
    let (width, height) = (SIDE * wide / wide.max(tall), SIDE * tall / wide.max(tall));
    let picture = RgbImage::from_fn(width, height, |x, y| {
        let slope = (x * 255 / width).midpoint(y * 255 / height);
        let channel = |at: usize| {
            let (from, to) = (u32::from(drawn[at]), u32::from(drawn[at + 3]));
            ((from * (255 - slope) + to * slope) / 255) as u8
        };
        if y < height / 8 { Rgb([250, 250, 250]) } else { Rgb([17, 18, 19].map(channel)) }
    });
    let mut bytes = Vec::new();
    let encoder = JpegEncoder::new_with_quality(&mut bytes, QUALITY);
    encoder.write_image(&picture, width, height, image::ExtendedColorType::Rgb8)?;
    // No two are equal, whatever was drawn: what follows the picture's end belongs to no picture.
    bytes.extend_from_slice(&n.to_be_bytes());
    Ok(bytes)
}
