//! HEVC: one still picture.

use heifer::heifer_hevc_dec::decoder::{DecodeOptions, decode_picture};

use crate::planes::{Code, Plane, Planes};
use crate::{DecodeError, PIXELS_MAX};

pub fn decode(stream: &[u8]) -> Result<Planes, DecodeError> {
    let options = DecodeOptions { max_pixels: PIXELS_MAX, ..DecodeOptions::default() };
    let frame = decode_picture(stream, options).map_err(|error| match error {
        heifer::heifer_hevc_dec::Error::Unimplemented(_) => DecodeError::UnsupportedVariant,
        other => DecodeError::damaged(other),
    })?;
    let [bits, chroma_bits] = frame.bit_depth;
    let plane = |at: usize, bits: u8| {
        let (width, height) = (frame.widths[at], frame.heights[at]);
        Plane::of_wide(&frame.planes[at], width as usize, width, height, bits)
    };
    let has_chroma = frame.widths[1] > 0;
    Ok(Planes {
        luma: plane(0, bits),
        chroma: has_chroma.then(|| [plane(1, chroma_bits), plane(2, chroma_bits)]),
        halved: (frame.widths[1] < frame.widths[0], frame.heights[1] < frame.heights[0]),
        code: Code { matrix: u16::from(frame.matrix_coeffs), is_full: frame.full_range },
    })
}
