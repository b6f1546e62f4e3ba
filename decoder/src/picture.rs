//! A picture in sRGB, on its way to its derivatives.

use std::borrow::Cow;

use turbojpeg::{Compressor, Image, PixelFormat, Subsamp};

use crate::DecodeError;
use crate::pixels::Pixels;
use crate::turn::Orientation;
use crate::yuv420::Yuv420;

pub enum Picture {
    Pixels(Pixels),
    /// What a JPEG was and will be: it is never mixed into red, green and blue.
    Yuv420(Yuv420),
}

impl From<Pixels> for Picture {
    fn from(pixels: Pixels) -> Self {
        Self::Pixels(pixels)
    }
}

impl Picture {
    pub fn size(&self) -> (u32, u32) {
        match self {
            Self::Pixels(pixels) => (pixels.width, pixels.height),
            Self::Yuv420(planes) => planes.size(),
        }
    }

    /// Within a square of `side_max`; as it is, where it is no larger.
    pub fn within(self, side_max: u32) -> Result<Self, DecodeError> {
        let (width, height) = self.size();
        if width.max(height) <= side_max { Ok(self) } else { self.shrunk(side_max) }
    }

    /// The same of what is needed longer.
    pub fn shrunk(&self, side_max: u32) -> Result<Self, DecodeError> {
        match self {
            Self::Pixels(pixels) => pixels.shrunk(side_max).map(Self::Pixels),
            Self::Yuv420(planes) => planes.shrunk(side_max).map(Self::Yuv420),
        }
    }

    /// Turned and mirrored so that it stands upright.
    pub fn upright(self, orientation: Orientation) -> Self {
        match self {
            Self::Pixels(pixels) => Self::Pixels(pixels.upright(orientation)),
            Self::Yuv420(planes) => Self::Yuv420(planes.upright(orientation)),
        }
    }

    pub fn pixels(&self) -> Result<Cow<'_, Pixels>, DecodeError> {
        match self {
            Self::Pixels(pixels) => Ok(Cow::Borrowed(pixels)),
            Self::Yuv420(planes) => planes.to_rgb().map(Cow::Owned),
        }
    }

    /// All of them, plane by plane.
    pub fn samples(&self) -> Vec<&[u8]> {
        match self {
            Self::Pixels(pixels) => vec![&pixels.rgb],
            Self::Yuv420(planes) => planes.samples().to_vec(),
        }
    }

    /// A JPEG file. What has its colours at a quarter of the size keeps them so.
    pub fn encoded(&self, chroma: Subsamp, quality: i32) -> Result<Vec<u8>, DecodeError> {
        let mut compressor = Compressor::new().map_err(DecodeError::damaged)?;
        compressor.set_quality(quality).map_err(DecodeError::damaged)?;
        compressor.set_subsamp(chroma).map_err(DecodeError::damaged)?;
        compressor.set_optimize(true).map_err(DecodeError::damaged)?;
        match self {
            Self::Pixels(pixels) => {
                let image = Image {
                    pixels: pixels.rgb.as_slice(),
                    width: pixels.width as usize,
                    pitch: pixels.width as usize * 3,
                    height: pixels.height as usize,
                    format: PixelFormat::RGB,
                };
                compressor.compress_to_vec(image).map_err(DecodeError::damaged)
            }
            Self::Yuv420(planes) => planes.encoded(&mut compressor),
        }
    }
}
