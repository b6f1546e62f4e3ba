//! JPEG, at the smallest of its own scales that is not below the largest derivative.

mod baseline;
mod huffman;
mod inverse;

use shared::photo::{DerivativeKind, fit};
use turbojpeg::{Colorspace, DecompressHeader, Decompressor, PixelFormat, ScalingFactor};

use crate::formats::{Decoded, shrink_first};
use crate::picture::Picture;
use crate::pixels::{Pixels, check_size};
use crate::turn::Orientation;
use crate::yuv420::Yuv420;
use crate::{DecodeError, colour, taken};

/// Scans of a progressive JPEG: more make a small file slow.
const SCANS_MAX: u32 = 500;

pub fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
    let mut decompressor = Decompressor::new().map_err(DecodeError::damaged)?;
    let header = decompressor.read_header(bytes).map_err(DecodeError::damaged)?;
    let (width, height) = (header.width as u32, header.height as u32);
    check_size(width, height)?;
    let profile = profile(bytes);
    let profile = profile.as_deref();
    let picture = match large(bytes, &header, profile)? {
        Some(picture) => picture,
        None => any(bytes, &mut decompressor, &header, profile)?.into(),
    };
    let orientation = taken::orientation(bytes).unwrap_or(Orientation::UPRIGHT);
    Ok(Decoded { picture, orientation, width, height, alpha: None })
}

fn profile(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut decoder = zune_jpeg::JpegDecoder::new(zune_core::bytestream::ZCursor::new(bytes));
    decoder.decode_headers().ok()?;
    decoder.icc_profile()
}

/// How many of the eight pixels of a block's side are enough.
fn eighths(header: &DecompressHeader) -> usize {
    let longest = header.width.max(header.height);
    let enough = longest.min(DerivativeKind::Display.side_max() as usize);
    (1..8).find(|eighths| longest * eighths >= enough * 8).unwrap_or(8)
}

/// The fast way, for what is shrunk in any case, and plain.
fn large(
    bytes: &[u8],
    header: &DecompressHeader,
    profile: Option<&[u8]>,
) -> Result<Option<Picture>, DecodeError> {
    let side_max = DerivativeKind::Display.side_max();
    if header.colorspace != Colorspace::YCbCr || header.width.max(header.height) <= side_max as usize {
        return Ok(None);
    }
    let Some(planes) = baseline::planes(bytes, eighths(header)) else { return Ok(None) };
    if let Some(chroma) = &planes.chroma
        && colour::is_srgb(profile)
    {
        let planes = Yuv420::fitted(&planes.luma, chroma, planes.halved, side_max)?;
        return Ok(Some(Picture::Yuv420(planes)));
    }
    let (width, height) = fit(planes.luma.width, planes.luma.height, side_max);
    let mut pixels = planes.to_rgb(planes.whole(), width, height)?;
    colour::to_srgb(&mut pixels, profile);
    Ok(Some(pixels.into()))
}

fn any(
    bytes: &[u8],
    decompressor: &mut Decompressor,
    header: &DecompressHeader,
    profile: Option<&[u8]>,
) -> Result<Pixels, DecodeError> {
    decompressor.set_scan_limit(SCANS_MAX).map_err(DecodeError::damaged)?;
    if !header.is_lossless {
        let scale = ScalingFactor::new(eighths(header), 8);
        decompressor.set_scaling_factor(scale).map_err(DecodeError::damaged)?;
    }
    let scaled = header.scaled(decompressor.scaling_factor());
    let format = match header.colorspace {
        Colorspace::CMYK | Colorspace::YCCK => PixelFormat::CMYK,
        Colorspace::Gray => PixelFormat::GRAY,
        _ => PixelFormat::RGB,
    };
    let pitch = scaled.width * format.size();
    let mut raw = vec![0; pitch * scaled.height];
    let target = turbojpeg::Image {
        pixels: raw.as_mut_slice(),
        width: scaled.width,
        pitch,
        height: scaled.height,
        format,
    };
    // What is cut short is shown as far as it goes, as every browser does; it is damaged where nothing was read.
    if let Err(error) = decompressor.decompress(bytes, target)
        && raw.iter().all(|&byte| byte == raw[0])
    {
        return Err(DecodeError::damaged(error));
    }
    let (width, height) = (scaled.width as u32, scaled.height as u32);
    Ok(match format {
        PixelFormat::CMYK => colour::cmyk_to_srgb(width, height, &raw, profile),
        PixelFormat::GRAY => colour::grey_to_srgb(width, height, &raw, profile),
        _ => {
            let mut pixels = Pixels { width, height, rgb: raw };
            shrink_first(&mut pixels)?;
            colour::to_srgb(&mut pixels, profile);
            pixels
        }
    })
}
