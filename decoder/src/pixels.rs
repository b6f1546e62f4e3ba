//! A picture in memory: RGB, eight bits a channel.

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use sha2::{Digest as _, Sha256};
use shared::photo::fit;

use crate::planes::Area;
use crate::turn::{self, Orientation};
use crate::{DecodeError, PIXELS_MAX};

/// Rows of red, green and blue, from the top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pixels {
    pub width: u32,
    pub height: u32,
    pub rgb: Vec<u8>,
}

/// Whether colours are given as they are, or as much of them as is not clear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alpha {
    Straight,
    Premultiplied,
}

/// Which parts of a picture are how clear.
pub type AlphaId = [u8; 32];

/// Nothing where nothing is clear.
pub fn alpha_id(rgba: &[u8]) -> Option<AlphaId> {
    /// Levels that are hashed at once.
    const LEVELS: usize = 4_096;
    let pixels = rgba.as_chunks::<4>().0;
    if pixels.iter().all(|[.., level]| *level == u8::MAX) {
        return None;
    }
    let mut over = Sha256::new();
    for part in pixels.chunks(LEVELS) {
        over.update(part.iter().map(|[.., level]| *level).collect::<Vec<u8>>());
    }
    Some(over.finalize().into())
}

/// Refuses what is decoded into more than [`PIXELS_MAX`].
pub fn check_size(width: u32, height: u32) -> Result<(), DecodeError> {
    if width == 0 || height == 0 {
        return Err(DecodeError::damaged("it has no pixels"));
    }
    if u64::from(width) * u64::from(height) > PIXELS_MAX {
        return Err(DecodeError::TooLarge { width, height });
    }
    Ok(())
}

impl Pixels {
    /// Of red, green, blue and alpha, over white: derivatives are opaque.
    pub fn from_rgba(width: u32, height: u32, rgba: &[u8], alpha: Alpha) -> Self {
        let over_white = |colour: u8, level: u8| {
            let (colour, clear) = (u32::from(colour), 255 - u32::from(level));
            let shown = match alpha {
                Alpha::Straight => colour * u32::from(level),
                Alpha::Premultiplied => colour.min(u32::from(level)) * 255,
            };
            ((shown + 255 * clear + 127) / 255) as u8
        };
        let mut rgb = vec![0; rgba.len() / 4 * 3];
        for (shown, &[red, green, blue, level]) in
            rgb.as_chunks_mut::<3>().0.iter_mut().zip(rgba.as_chunks::<4>().0)
        {
            *shown = match level {
                255 => [red, green, blue],
                _ => [red, green, blue].map(|colour| over_white(colour, level)),
            };
        }
        Self { width, height, rgb }
    }

    /// Within a square of `side_max`; as it is, where it is no larger.
    pub fn shrunk(&self, side_max: u32) -> Result<Self, DecodeError> {
        let (width, height) = fit(self.width, self.height, side_max);
        if (width, height) == (self.width, self.height) {
            return Ok(self.clone());
        }
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
        let mut rgb = vec![0; width as usize * height as usize * 3];
        let source = TypedImageRef::<U8x3>::from_buffer(self.width, self.height, &self.rgb)
            .map_err(DecodeError::damaged)?;
        let mut target =
            TypedImage::<U8x3>::from_buffer(width, height, &mut rgb).map_err(DecodeError::damaged)?;
        Resizer::new().resize_typed(&source, &mut target, &options).map_err(DecodeError::damaged)?;
        Ok(Self { width, height, rgb })
    }

    /// A part of it.
    pub fn cut_out(self, area: Area) -> Self {
        let lines = self.rgb.chunks_exact(self.width as usize * 3);
        let lines = lines.skip(area.top as usize).take(area.height as usize);
        let columns = area.left as usize * 3..(area.left + area.width) as usize * 3;
        let rgb = lines.flat_map(|line| &line[columns.clone()]).copied().collect();
        Self { width: area.width, height: area.height, rgb }
    }

    /// Turned and mirrored so that it stands upright.
    pub fn upright(self, orientation: Orientation) -> Self {
        if orientation == Orientation::UPRIGHT {
            return self;
        }
        let (width, height) = orientation.turned(self.width, self.height);
        let rgb = turn::upright(self.rgb.as_chunks::<3>().0.to_vec(), self.width as usize, orientation);
        Self { width, height, rgb: rgb.into_flattened() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_transparent_becomes_white() {
        let rgba = [0, 0, 0, 0, 10, 20, 30, 255, 0, 50, 100, 128];
        let over_white = |alpha| Pixels::from_rgba(3, 1, &rgba, alpha).rgb;
        assert_eq!(over_white(Alpha::Straight), [255, 255, 255, 10, 20, 30, 127, 152, 177]);
        assert_eq!(over_white(Alpha::Premultiplied), [255, 255, 255, 10, 20, 30, 127, 177, 227]);
    }
}
