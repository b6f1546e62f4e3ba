//! A picture as JPEG has it: brightness, and colours at a quarter of the size. Photographs look the same so, and
//! there is half as much to resize, and nothing to mix, as in red, green and blue.

use shared::photo::fit;
use turbojpeg::{Compressor, Subsamp, YuvPlanesImage};

use crate::DecodeError;
use crate::pixels::Pixels;
use crate::planes::{Code, Plane, Planes};
use crate::turn::Orientation;

/// By JFIF: BT.601, all of the range.
pub const CODE: Code = Code { matrix: 6, is_full: true };

pub struct Yuv420 {
    luma: Plane,
    /// Blue's and red's.
    chroma: [Plane; 2],
}

impl Yuv420 {
    /// Of planes coded so, within a square of `side_max`. `halved` is whether a sample of chroma counts for two
    /// columns, and for two rows.
    pub fn fitted(
        luma: &Plane,
        [blue, red]: &[Plane; 2],
        halved: (bool, bool),
        side_max: u32,
    ) -> Result<Self, DecodeError> {
        let (width, height) = fit(luma.width, luma.height, side_max);
        let (across, down) = (width.div_ceil(2), height.div_ceil(2));
        // The last sample of an odd side reaches out of the picture.
        let part = |whole: u32, is_halved: bool, side: u32, samples: u32| {
            let reach = f64::from(whole) * f64::from(2 * samples) / f64::from(side);
            if is_halved { reach / 2.0 } else { reach }
        };
        let area = [
            0.0,
            0.0,
            part(luma.width, halved.0, width, across).min(blue.width.into()),
            part(luma.height, halved.1, height, down).min(blue.height.into()),
        ];
        Ok(Self {
            luma: luma.resized([0.0, 0.0, luma.width.into(), luma.height.into()], width, height)?,
            chroma: [blue.resized(area, across, down)?, red.resized(area, across, down)?],
        })
    }

    pub fn size(&self) -> (u32, u32) {
        (self.luma.width, self.luma.height)
    }

    pub fn samples(&self) -> [&[u8]; 3] {
        let [blue, red] = &self.chroma;
        [&self.luma, blue, red].map(|plane| plane.samples.as_slice())
    }

    pub fn shrunk(&self, side_max: u32) -> Result<Self, DecodeError> {
        Self::fitted(&self.luma, &self.chroma, (true, true), side_max)
    }

    pub fn upright(self, orientation: Orientation) -> Self {
        Self {
            luma: self.luma.upright(orientation),
            chroma: self.chroma.map(|plane| plane.upright(orientation)),
        }
    }

    pub fn to_rgb(&self) -> Result<Pixels, DecodeError> {
        let (width, height) = self.size();
        let planes = Planes {
            luma: self.luma.clone(),
            chroma: Some(self.chroma.clone()),
            halved: (true, true),
            code: CODE,
        };
        planes.to_rgb(planes.whole(), width, height)
    }

    pub fn encoded(&self, compressor: &mut Compressor) -> Result<Vec<u8>, DecodeError> {
        let [blue, red] = &self.chroma;
        // As much of it as of chroma, where a side is odd.
        let luma = self.luma.extended(blue.width * 2, blue.height * 2);
        let planes = YuvPlanesImage {
            y_plane: luma.samples.as_slice(),
            u_plane: blue.samples.as_slice(),
            v_plane: red.samples.as_slice(),
            width: self.luma.width as usize,
            height: self.luma.height as usize,
            y_stride: luma.width as usize,
            u_stride: blue.width as usize,
            v_stride: red.width as usize,
            subsamp: Subsamp::Sub2x2,
        };
        compressor.compress_yuv_planes_to_vec(&planes).map_err(DecodeError::damaged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Brighter from left to right, bluer from the top down.
    fn slope(width: u32, height: u32) -> Yuv420 {
        let plane = |width: u32, height: u32, level: &dyn Fn(f64, f64) -> f64| {
            let at = |at: u32, side: u32| (f64::from(at) + 0.5) / f64::from(side);
            let cells = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
            let samples = cells.map(|(x, y)| level(at(x, width), at(y, height)).round() as u8).collect();
            Plane { width, height, samples }
        };
        let (across, down) = (width.div_ceil(2), height.div_ceil(2));
        Yuv420 {
            luma: plane(width, height, &|x, _| 40.0 + 160.0 * x),
            chroma: [plane(across, down, &|_, y| 80.0 + 90.0 * y), plane(across, down, &|_, _| 128.0)],
        }
    }

    #[test]
    fn what_is_shrunk_and_encoded_looks_the_same() {
        for (width, height) in [(640, 480), (601, 403), (333, 500), (64, 1)] {
            let picture = slope(width, height);
            let mut compressor = Compressor::new().unwrap();
            compressor.set_quality(98).unwrap();
            let small = picture.shrunk(299).unwrap();
            let decoded =
                turbojpeg::decompress(&small.encoded(&mut compressor).unwrap(), turbojpeg::PixelFormat::RGB);
            let decoded = decoded.unwrap();
            assert_eq!((decoded.width as u32, decoded.height as u32), fit(width, height, 299));
            assert_eq!((decoded.width as u32, decoded.height as u32), small.size());
            let expected = slope(small.size().0, small.size().1).to_rgb().unwrap().rgb;
            let difference =
                decoded.pixels.iter().zip(&expected).map(|(one, other)| one.abs_diff(*other)).max();
            assert!(difference.unwrap() <= 6, "{width} × {height}: {difference:?}");
        }
    }
}
