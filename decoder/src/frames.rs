//! Whether a file holds more pictures than the one that is shown of it: an animation, or several pages.

use std::io::Cursor;

use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;

use crate::film;
use crate::formats::{Format, format_of};

pub fn are_several(bytes: &[u8]) -> bool {
    let file = Cursor::new(bytes);
    match format_of(bytes) {
        Some(Format::Gif) => are_in_gif(file),
        Some(Format::Png) => PngDecoder::new(file).is_ok_and(|decoder| decoder.is_apng().unwrap_or_default()),
        Some(Format::WebP) => WebPDecoder::new(file).is_ok_and(|decoder| decoder.has_animation()),
        Some(Format::Tiff) => tiff::decoder::Decoder::new(file).is_ok_and(|decoder| decoder.more_images()),
        // A sequence is described as a film is.
        Some(Format::Heic | Format::Avif) => film::find(bytes, b"moov").is_some(),
        Some(Format::Jpeg) | None => false,
    }
}

fn are_in_gif(file: Cursor<&[u8]>) -> bool {
    let mut options = gif::DecodeOptions::new();
    options.skip_frame_decoding(true);
    options.read_info(file).is_ok_and(|mut decoder| {
        let mut has_next = || matches!(decoder.next_frame_info(), Ok(Some(_)));
        has_next() && has_next()
    })
}
