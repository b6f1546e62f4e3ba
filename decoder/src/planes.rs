//! A picture as video codecs have it: brightness, and two planes of colour that may be smaller.

use std::borrow::Cow;

use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};

use crate::DecodeError;
use crate::pixels::Pixels;
use crate::turn::{self, Orientation};

/// Samples of eight bits, row by row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plane {
    pub width: u32,
    pub height: u32,
    pub samples: Vec<u8>,
}

/// How red, green and blue became samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code {
    /// `MatrixCoefficients` of ITU-T H.273.
    pub matrix: u16,
    /// Whether the samples' range is all that their bits can say; else 16 to 235, and 16 to 240.
    pub is_full: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planes {
    pub luma: Plane,
    /// Blue's and red's; without, the picture is grey.
    pub chroma: Option<[Plane; 2]>,
    /// Whether a sample of chroma counts for two columns, and for two rows.
    pub halved: (bool, bool),
    pub code: Code,
}

/// What of a picture is shown, in pixels of its luma.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    pub left: u32,
    pub top: u32,
    pub width: u32,
    pub height: u32,
}

impl Plane {
    /// Of grey, whatever is not laid on it.
    pub fn blank(width: u32, height: u32) -> Self {
        Self { width, height, samples: vec![128; width as usize * height as usize] }
    }

    /// Of the first samples of rows of `stride`, each `bits` wide.
    pub fn of_wide(samples: &[u16], stride: usize, width: u32, height: u32, bits: u8) -> Self {
        let narrow = |sample: u16| match bits {
            ..=8 => sample as u8,
            _ => ((u32::from(sample) + (1 << (bits - 9))) >> (bits - 8)).min(255) as u8,
        };
        let rows = samples.chunks(stride.max(1)).take(height as usize);
        let samples = rows.flat_map(|row| row[..width as usize].iter().map(|sample| narrow(*sample)));
        Self { width, height, samples: samples.collect() }
    }

    /// Lays another on it; what reaches out is cut off.
    pub fn put(&mut self, other: &Self, left: usize, top: usize) {
        let columns = (other.width as usize).min((self.width as usize).saturating_sub(left));
        if columns == 0 {
            return;
        }
        let below = self.samples.chunks_exact_mut(self.width as usize).skip(top);
        for (row, from) in below.zip(other.samples.chunks_exact(other.width as usize)) {
            row[left..left + columns].copy_from_slice(&from[..columns]);
        }
    }

    /// A part of it, in another size.
    pub fn resized(&self, area: [f64; 4], width: u32, height: u32) -> Result<Self, DecodeError> {
        let [left, top, across, down] = area;
        // Columns are resized as rows are: along rows it takes several times as long.
        let lower = self.with_rows(top, down, height)?;
        if (left, across, width) == (0.0, f64::from(self.width), self.width) {
            return Ok(lower.into_owned());
        }
        Ok(lower.transposed().with_rows(left, across, width)?.transposed())
    }

    /// As many rows in place of some.
    fn with_rows(&self, from: f64, count: f64, rows: u32) -> Result<Cow<'_, Self>, DecodeError> {
        if (from, count, rows) == (0.0, f64::from(self.height), self.height) {
            return Ok(Cow::Borrowed(self));
        }
        // What is enlarged must not ring.
        let filter = if f64::from(rows) > count { FilterType::CatmullRom } else { FilterType::Lanczos3 };
        let source = TypedImageRef::<U8>::from_buffer(self.width, self.height, &self.samples)
            .map_err(DecodeError::damaged)?;
        let mut samples = vec![0; self.width as usize * rows as usize];
        let mut target =
            TypedImage::<U8>::from_buffer(self.width, rows, &mut samples).map_err(DecodeError::damaged)?;
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter)).crop(
            0.0,
            from,
            self.width.into(),
            count,
        );
        Resizer::new().resize_typed(&source, &mut target, &options).map_err(DecodeError::damaged)?;
        Ok(Cow::Owned(Self { width: self.width, height: rows, samples }))
    }

    fn transposed(&self) -> Self {
        let samples = turn::transposed(&self.samples, self.width as usize);
        Self { width: self.height, height: self.width, samples }
    }

    /// Turned and mirrored so that it stands upright.
    pub fn upright(self, orientation: Orientation) -> Self {
        let (width, height) = orientation.turned(self.width, self.height);
        Self { width, height, samples: turn::upright(self.samples, self.width as usize, orientation) }
    }

    /// No smaller than that, the last column and the last row as often as needed.
    pub fn extended(&self, width: u32, height: u32) -> Cow<'_, Self> {
        let (columns, rows) = (width.saturating_sub(self.width), height.saturating_sub(self.height));
        if (columns, rows) == (0, 0) {
            return Cow::Borrowed(self);
        }
        let lines = self.samples.chunks_exact(self.width as usize);
        let last = lines.clone().next_back().unwrap_or_default();
        let mut samples = Vec::with_capacity(((self.width + columns) * (self.height + rows)) as usize);
        for line in lines.chain(std::iter::repeat_n(last, rows as usize)) {
            samples.extend_from_slice(line);
            samples.extend(std::iter::repeat_n(line[line.len() - 1], columns as usize));
        }
        Cow::Owned(Self { width: self.width + columns, height: self.height + rows, samples })
    }
}

impl Planes {
    /// A part of it, in another size, in red, green and blue, without a word on what these are. Planes that are
    /// resized and then mixed give the same colours as the other way round, for a fraction of the work.
    pub fn to_rgb(&self, area: Area, width: u32, height: u32) -> Result<Pixels, DecodeError> {
        let part = |across: f64, down: f64| {
            let [left, top] = [area.left, area.top].map(f64::from);
            [left / across, top / down, f64::from(area.width) / across, f64::from(area.height) / down]
        };
        let luma = self.luma.resized(part(1.0, 1.0), width, height)?;
        let factor = |is_halved: bool| if is_halved { 2.0 } else { 1.0 };
        let tint = part(factor(self.halved.0), factor(self.halved.1));
        let rgb = match &self.chroma {
            None => grey(&luma, self.code),
            Some([blue, red]) => {
                let (blue, red) = (blue.resized(tint, width, height)?, red.resized(tint, width, height)?);
                mixed(&luma, &blue, &red, self.code)?
            }
        };
        Ok(Pixels { width, height, rgb })
    }

    /// A canvas of this kind of planes.
    pub fn blank(&self, width: u32, height: u32) -> Self {
        let (across, down) = self.chroma_size(width, height);
        Self {
            luma: Plane::blank(width, height),
            chroma: self.chroma.as_ref().map(|_| [Plane::blank(across, down), Plane::blank(across, down)]),
            ..*self
        }
    }

    /// Lays another on it; what reaches out is cut off.
    pub fn put(&mut self, other: &Self, left: usize, top: usize) {
        self.luma.put(&other.luma, left, top);
        let (across, down) = (left >> usize::from(self.halved.0), top >> usize::from(self.halved.1));
        for (plane, other) in self.chroma.iter_mut().flatten().zip(other.chroma.iter().flatten()) {
            plane.put(other, across, down);
        }
    }

    /// Without what is right of a width and below a height.
    pub fn cut_off(self, width: u32, height: u32) -> Self {
        let (width, height) = (width.min(self.luma.width), height.min(self.luma.height));
        if (width, height) == (self.luma.width, self.luma.height) {
            return self;
        }
        let mut rest = self.blank(width, height);
        rest.put(&self, 0, 0);
        rest
    }

    fn chroma_size(&self, width: u32, height: u32) -> (u32, u32) {
        let half = |side: u32, is_halved: bool| if is_halved { side.div_ceil(2) } else { side };
        (half(width, self.halved.0), half(height, self.halved.1))
    }

    pub fn whole(&self) -> Area {
        Area { left: 0, top: 0, width: self.luma.width, height: self.luma.height }
    }
}

/// Levels from 0 to 255.
pub fn levels(plane: &Plane, code: Code) -> Vec<u8> {
    let level = |sample: u8| ((i32::from(sample) - 16).clamp(0, 219) * 255 / 219) as u8;
    if code.is_full {
        plane.samples.clone()
    } else {
        plane.samples.iter().map(|sample| level(*sample)).collect()
    }
}

fn grey(luma: &Plane, code: Code) -> Vec<u8> {
    levels(luma, code).into_iter().flat_map(|level| [level; 3]).collect()
}

fn mixed(luma: &Plane, blue: &Plane, red: &Plane, code: Code) -> Result<Vec<u8>, DecodeError> {
    /// Bits behind the point.
    const FRACTION: u32 = 14;
    // How much of the brightness is red's, and blue's.
    let (of_red, of_blue) = match code.matrix {
        0 => return Ok(interleaved(&levels(red, code), &levels(luma, code), &levels(blue, code))),
        1 => (0.2126, 0.0722),
        2 | 5 | 6 => (0.299, 0.114),
        4 => (0.3, 0.11),
        7 => (0.212, 0.087),
        9 | 10 => (0.2627, 0.0593),
        _ => return Err(DecodeError::UnsupportedVariant),
    };
    let of_green = 1.0 - of_red - of_blue;
    let fixed = |value: f64| (value * f64::from(1 << FRACTION)).round() as i32;
    let (darkest, bright, vivid) =
        if code.is_full { (0, 1.0, 1.0) } else { (16, 255.0 / 219.0, 255.0 / 224.0) };
    let (to_red, to_blue) = (2.0 * (1.0 - of_red) * vivid, 2.0 * (1.0 - of_blue) * vivid);
    let (red_to_green, blue_to_green) =
        (fixed(to_red * of_red / of_green), fixed(to_blue * of_blue / of_green));
    let (bright, to_red, to_blue) = (fixed(bright), fixed(to_red), fixed(to_blue));
    let level = |value: i32| ((value + (1 << (FRACTION - 1))) >> FRACTION).clamp(0, 255) as u8;
    let mut rgb = vec![0; luma.samples.len() * 3];
    let samples = luma.samples.iter().zip(&blue.samples).zip(&red.samples);
    for (pixel, ((&luma, &blue), &red)) in rgb.as_chunks_mut::<3>().0.iter_mut().zip(samples) {
        let luma = bright * (i32::from(luma) - darkest);
        let (blue, red) = (i32::from(blue) - 128, i32::from(red) - 128);
        *pixel = [
            level(luma + to_red * red),
            level(luma - red_to_green * red - blue_to_green * blue),
            level(luma + to_blue * blue),
        ];
    }
    Ok(rgb)
}

fn interleaved(red: &[u8], green: &[u8], blue: &[u8]) -> Vec<u8> {
    red.iter().zip(green).zip(blue).flat_map(|((red, green), blue)| [*red, *green, *blue]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plane(width: u32, height: u32, samples: &[u8]) -> Plane {
        Plane { width, height, samples: samples.to_vec() }
    }

    #[test]
    fn colours_are_mixed_as_the_standard_says() {
        let one = |luma, blue, red, code| {
            let chroma = Some([plane(1, 1, &[blue]), plane(1, 1, &[red])]);
            let planes = Planes { luma: plane(1, 1, &[luma]), chroma, halved: (false, false), code };
            planes.to_rgb(planes.whole(), 1, 1).unwrap().rgb
        };
        let full = |matrix| Code { matrix, is_full: true };
        assert_eq!(one(76, 85, 255, full(6)), [254, 0, 0]);
        assert_eq!(one(255, 128, 128, full(1)), [255, 255, 255]);
        assert_eq!(one(10, 20, 30, full(0)), [30, 10, 20]);
        let part = Code { matrix: 1, is_full: false };
        assert_eq!(one(16, 128, 128, part), [0, 0, 0]);
        assert_eq!(one(235, 128, 128, part), [255, 255, 255]);
        assert_eq!(one(63, 102, 240, part), [255, 1, 0]);
    }

    #[test]
    fn wide_samples_become_narrow() {
        let plane = Plane::of_wide(&[0, 512, 1023, 9, 4, 2, 1, 9], 4, 3, 2, 10);
        assert_eq!(plane.samples, [0, 128, 255, 1, 1, 0]);
    }
}
