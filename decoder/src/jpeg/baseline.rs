//! The JPEGs that cameras write (ITU-T T.81, baseline, all components in one scan) into planes at a fraction of
//! their size. Coefficients that do not count at that size are read over, and nothing is mixed into red, green and
//! blue: together half the time of the general way. Whatever is not as plain as that is left to it.

use super::huffman::{Bits, Class, Table, unstuff};
use super::inverse::Inverse;
use crate::planes::{Plane, Planes};
use crate::yuv420::CODE;

/// Pixels of a block's side.
const SIDE: usize = 8;
/// Where in a block, row by row, each coefficient belongs.
#[rustfmt::skip]
const ZIGZAG: [usize; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37,
    44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// Of brightness, blue and red.
const COMPONENTS: usize = 3;

#[derive(Clone, Copy, Default)]
struct Component {
    id: u8,
    /// Blocks of each unit.
    across: usize,
    down: usize,
    /// Of the tables.
    quantization: usize,
    dc: usize,
    ac: usize,
}

/// What stands before the scan.
#[derive(Default)]
struct Header {
    width: usize,
    height: usize,
    components: [Component; COMPONENTS],
    quantization: [Option<[u16; 64]>; 4],
    dc: [Option<Table>; 4],
    ac: [Option<Table>; 4],
    /// Units until the next restart; zero without.
    interval: usize,
}

/// Eight of its pixels' sides become as many as `eighths`. Colours have to be brightness, blue and red; `None` if
/// it is another kind of JPEG, or damaged.
pub fn planes(bytes: &[u8], eighths: usize) -> Option<Planes> {
    let (header, scan) = Header::read(bytes)?;
    let read = match eighths {
        1 => Header::planes::<1, 4>,
        2 => Header::planes::<2, 4>,
        3 => Header::planes::<3, 4>,
        4 => Header::planes::<4, 4>,
        5 => Header::planes::<5, 8>,
        6 => Header::planes::<6, 8>,
        7 => Header::planes::<7, 8>,
        8 => Header::planes::<8, 8>,
        _ => return None,
    };
    let [luma, blue, red] = read(&header, scan)?;
    let (across, down) = header.blocks();
    Some(Planes { luma, chroma: Some([blue, red]), halved: (across == 2, down == 2), code: CODE })
}

fn number(bytes: &[u8]) -> Option<usize> {
    bytes.first_chunk().map(|bytes| u16::from_be_bytes(*bytes).into())
}

impl Header {
    /// With what follows it.
    fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let mut header = Self::default();
        let mut rest = bytes.strip_prefix(&[0xFF, 0xD8])?;
        loop {
            let [0xFF, marker, segment @ ..] = rest else { return None };
            if *marker == 0xFF {
                rest = &rest[1..];
                continue;
            }
            let (segment, after) = segment.split_at_checked(number(segment)?)?;
            let segment = segment.get(2..)?;
            rest = after;
            match marker {
                0xC0 | 0xC1 => header.read_frame(segment)?,
                0xC4 => header.read_codes(segment)?,
                0xDB => header.read_quantization(segment)?,
                0xDD => header.interval = number(segment)?,
                0xDA => {
                    header.read_scan(segment)?;
                    return Some((header, rest));
                }
                // What else may stand between.
                0xE0..=0xEF | 0xFE => {}
                _ => return None,
            }
        }
    }

    fn read_frame(&mut self, segment: &[u8]) -> Option<()> {
        let [8, sizes @ ..] = segment else { return None };
        let (sizes, components) = sizes.split_at_checked(5)?;
        (self.height, self.width) = (number(sizes)?, number(&sizes[2..])?);
        if self.width == 0 || self.height == 0 || components.len() != COMPONENTS * 3 {
            return None;
        }
        for (component, &[id, blocks, quantization]) in
            self.components.iter_mut().zip(components.as_chunks().0)
        {
            let (across, down) = (usize::from(blocks >> 4), usize::from(blocks & 15));
            *component = Component { id, across, down, quantization: quantization.into(), ..*component };
        }
        let [luma, chroma @ ..] = &self.components;
        let is_plain = (1..=2).contains(&luma.across)
            && (1..=2).contains(&luma.down)
            && chroma.iter().all(|component| (component.across, component.down) == (1, 1));
        is_plain.then_some(())
    }

    fn read_codes(&mut self, mut segment: &[u8]) -> Option<()> {
        while let [kind, rest @ ..] = segment {
            let (counts, rest) = rest.split_first_chunk()?;
            let symbols = counts.iter().copied().map(usize::from).sum();
            let (symbols, rest) = rest.split_at_checked(symbols)?;
            let (tables, class) = match kind >> 4 {
                0 => (&mut self.dc, Class::Dc),
                1 => (&mut self.ac, Class::Ac),
                _ => return None,
            };
            *tables.get_mut(usize::from(kind & 15))? = Some(Table::new(counts, symbols, class)?);
            segment = rest;
        }
        Some(())
    }

    fn read_quantization(&mut self, mut segment: &[u8]) -> Option<()> {
        while let [kind, rest @ ..] = segment {
            let bytes = 1 + usize::from(kind >> 4 != 0);
            let (steps, rest) = rest.split_at_checked(64 * bytes)?;
            let step = |bytes: &[u8]| bytes.iter().fold(0, |step, byte| step << 8 | u16::from(*byte));
            let mut steps = steps.chunks_exact(bytes).map(step);
            let table = std::array::from_fn(|_| steps.next().unwrap_or_default());
            *self.quantization.get_mut(usize::from(kind & 15))? = Some(table);
            segment = rest;
        }
        Some(())
    }

    /// All components in one scan, all of their coefficients.
    fn read_scan(&mut self, segment: &[u8]) -> Option<()> {
        let [3, components @ .., 0, 63, 0] = segment else { return None };
        if components.len() != COMPONENTS * 2 {
            return None;
        }
        for (component, &[id, tables]) in self.components.iter_mut().zip(components.as_chunks().0) {
            if id != component.id || component.across == 0 {
                return None;
            }
            (component.dc, component.ac) = (usize::from(tables >> 4), usize::from(tables & 15));
        }
        Some(())
    }

    /// Of brightness in each unit: as many as there are of any component.
    fn blocks(&self) -> (usize, usize) {
        let [luma, ..] = self.components;
        (luma.across, luma.down)
    }

    fn planes<const N: usize, const W: usize>(&self, scan: &[u8]) -> Option<[Plane; COMPONENTS]> {
        let inverse = Inverse::<N, W>::new();
        let (blocks_across, blocks_down) = self.blocks();
        let units_across = self.width.div_ceil(blocks_across * SIDE);
        let units_down = self.height.div_ceil(blocks_down * SIDE);
        let strides = self.components.map(|component| units_across * component.across * N + W - N);
        let mut planes: [Vec<u8>; COMPONENTS] =
            std::array::from_fn(|at| vec![0; strides[at] * units_down * self.components[at].down * N]);
        let mut tables = Vec::with_capacity(COMPONENTS);
        for component in &self.components {
            let codes = [self.dc.get(component.dc)?.as_ref()?, self.ac.get(component.ac)?.as_ref()?];
            let steps = (*self.quantization.get(component.quantization)?)?;
            tables.push((codes, arranged::<N, W>(&steps)));
        }
        let places = places::<N, W>();
        let mut coefficients = [0; 256];
        let units = units_across * units_down;
        let interval = if self.interval == 0 { units } else { self.interval };
        let (mut plain, mut rest) = (Vec::new(), scan);
        for first in (0..units).step_by(interval) {
            if first > 0 {
                let [0xFF, marker, after @ ..] = rest else { return None };
                if usize::from(*marker) != 0xD0 + (first / interval - 1) % 8 {
                    return None;
                }
                rest = after;
            }
            rest = unstuff(rest, &mut plain);
            let mut bits = Bits::new(&plain);
            let mut means = [0_i32; COMPONENTS];
            for unit in first..(first + interval).min(units) {
                for (at, component) in self.components.iter().enumerate() {
                    let (codes, steps) = &tables[at];
                    for block in 0..component.across * component.down {
                        let difference = bits.block(*codes, &places, &mut coefficients)?;
                        means[at] = means[at].wrapping_add(difference);
                        coefficients[0] = means[at];
                        let column = unit % units_across * component.across + block % component.across;
                        let row = unit / units_across * component.down + block / component.across;
                        let samples = &mut planes[at][row * N * strides[at] + column * N..];
                        inverse.write(coefficients.as_chunks_mut().0, steps, samples, strides[at]);
                    }
                }
            }
            if !bits.is_within() {
                return None;
            }
        }
        Some(std::array::from_fn(|at| {
            let component = self.components[at];
            let width = (self.width * component.across * N).div_ceil(blocks_across * SIDE);
            let height = (self.height * component.down * N).div_ceil(blocks_down * SIDE);
            cut_off(std::mem::take(&mut planes[at]), strides[at], width, height)
        }))
    }
}

/// Where coefficients go that are read in zigzag order, as far as they count; the others behind these.
fn places<const N: usize, const W: usize>() -> [u8; 256] {
    let mut places = [(N * W) as u8; 256];
    for (place, at) in places.iter_mut().zip(ZIGZAG) {
        if at / SIDE < N && at % SIDE < N {
            *place = (at / SIDE * W + at % SIDE) as u8;
        }
    }
    places
}

/// As the coefficients are arranged.
fn arranged<const N: usize, const W: usize>(steps: &[u16; 64]) -> [[f32; W]; N] {
    let mut arranged = [[0.0; W]; N];
    for (step, at) in steps.iter().zip(ZIGZAG) {
        if at / SIDE < N && at % SIDE < N {
            arranged[at / SIDE][at % SIDE] = f32::from(*step);
        }
    }
    arranged
}

/// Without what fills up the last units.
fn cut_off(mut samples: Vec<u8>, stride: usize, width: usize, height: usize) -> Plane {
    for row in 0..height {
        samples.copy_within(row * stride..row * stride + width, row * width);
    }
    samples.truncate(width * height);
    Plane { width: width as u32, height: height as u32, samples }
}

#[cfg(test)]
mod tests {
    use turbojpeg::{Compressor, Decompressor, Image, PixelFormat, ScalingFactor, Subsamp, YuvImage};

    use super::*;

    /// Slopes, edges and grain.
    fn jpeg(width: usize, height: usize, subsamp: Subsamp, quality: i32) -> Vec<u8> {
        let mut grain = 1_u32;
        let channels =
            (0..height).flat_map(|y| (0..width).flat_map(move |x| [2 * x, 3 * y, ((x / 9) ^ (y / 7)) * 80]));
        let pixels: Vec<u8> = channels
            .map(|level| {
                grain = grain.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                level as u8 ^ (grain >> 28) as u8
            })
            .collect();
        let mut compressor = Compressor::new().unwrap();
        compressor.set_quality(quality).unwrap();
        compressor.set_subsamp(subsamp).unwrap();
        compressor.set_optimize(quality % 2 == 0).unwrap();
        let image = Image { pixels: &pixels[..], width, pitch: width * 3, height, format: PixelFormat::RGB };
        compressor.compress_to_vec(image).unwrap()
    }

    /// libjpeg-turbo's planes.
    fn expected(bytes: &[u8], eighths: usize) -> YuvImage<Vec<u8>> {
        let mut decompressor = Decompressor::new().unwrap();
        let header = decompressor.read_header(bytes).unwrap();
        let scale = ScalingFactor::new(eighths, 8);
        decompressor.set_scaling_factor(scale).unwrap();
        let (width, height) = (scale.scale(header.width), scale.scale(header.height));
        let length = turbojpeg::yuv_pixels_len(width, 1, height, header.subsamp).unwrap();
        let mut image =
            YuvImage { pixels: vec![0; length], width, align: 1, height, subsamp: header.subsamp };
        decompressor.decompress_to_yuv(bytes, image.as_deref_mut()).unwrap();
        image
    }

    #[test]
    fn planes_are_those_of_libjpeg_turbo() {
        let kinds = [
            (Subsamp::None, (false, false)),
            (Subsamp::Sub2x1, (true, false)),
            (Subsamp::Sub1x2, (false, true)),
            (Subsamp::Sub2x2, (true, true)),
        ];
        for (subsamp, halved) in kinds {
            for (width, height) in [(8, 8), (64, 48), (131, 77), (17, 90)] {
                // Of 2 and 4 it makes means of all frequencies, faster and blurred.
                let scales = [1, 3, 5, 6, 7, 8];
                for (eighths, quality) in
                    scales.into_iter().flat_map(|eighths| [(eighths, 97), (eighths, 30)])
                {
                    let name = format!("{subsamp:?}, {width} × {height}, {eighths}/8, quality {quality}");
                    let bytes = jpeg(width, height, subsamp, quality);
                    let found = planes(&bytes, eighths).unwrap();
                    assert_eq!(found.halved, halved, "{name}");
                    let expected = expected(&bytes, eighths);
                    let (across, down) = (1 + usize::from(halved.0), 1 + usize::from(halved.1));
                    let mut rest = &expected.pixels[..];
                    for (at, plane) in
                        [&found.luma].into_iter().chain(found.chroma.iter().flatten()).enumerate()
                    {
                        // Filled up so that chroma has whole samples.
                        let [stride, rows] = if at == 0 {
                            [expected.width.next_multiple_of(across), expected.height.next_multiple_of(down)]
                        } else {
                            [expected.width.div_ceil(across), expected.height.div_ceil(down)]
                        };
                        let (samples, next) = rest.split_at(stride * rows);
                        rest = next;
                        assert!((plane.width as usize).abs_diff(stride) < 2, "{name}");
                        assert!((plane.height as usize).abs_diff(rows) < 2, "{name}");
                        let lines = plane.samples.chunks_exact(plane.width as usize);
                        for (line, expected) in lines.zip(samples.chunks_exact(stride)) {
                            for (sample, expected) in line.iter().zip(expected) {
                                assert!(
                                    sample.abs_diff(*expected) <= 1,
                                    "{name}, plane {at}: {sample}, {expected}"
                                );
                            }
                        }
                    }
                }
            }
        }
    }

    /// Two units of a block each, the first's data twice, a restart between them or not.
    fn two_units(restart: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0xFF, 0xD8];
        let mut segment = |marker: u8, body: &[u8]| {
            bytes.extend([0xFF, marker, 0, body.len() as u8 + 2]);
            bytes.extend(body);
        };
        segment(0xDB, &[&[0][..], &[16; 64]].concat());
        segment(0xC0, &[8, 0, 8, 0, 16, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]);
        // 0: the mean stays; 10: three bits follow.
        segment(0xC4, &[&[0x00, 1, 1][..], &[0; 14], &[0, 3]].concat());
        // 0: the block ends.
        segment(0xC4, &[&[0x10, 1][..], &[0; 15], &[0]].concat());
        segment(0xDD, &[0, 1]);
        segment(0xDA, &[3, 1, 0, 2, 0, 3, 0, 0, 63, 0]);
        // 10 100 0: four more, and nothing else; 0 0 twice; filled up.
        let unit = [0b1010_0000, 0b0011_1111];
        bytes.extend([&unit[..], restart, &unit, &[0xFF, 0xD9]].concat());
        bytes
    }

    #[test]
    fn means_begin_anew_where_data_does() {
        // 4 times 16, of which a pixel gets an eighth.
        let planes = planes(&two_units(&[0xFF, 0xD0]), 8).unwrap();
        assert_eq!(planes.luma.samples, [136; 16 * 8]);
        assert_eq!(planes.chroma.unwrap().map(|plane| plane.samples), [[128; 16 * 8]; 2]);
        for wrong in [&[0xFF, 0xD1][..], &[]] {
            assert_eq!(super::planes(&two_units(wrong), 8), None);
        }
    }

    #[test]
    fn what_is_damaged_or_of_another_kind_is_left() {
        let whole = jpeg(131, 77, Subsamp::Sub2x2, 95);
        for length in (0..whole.len() - 2).rev().step_by(13) {
            assert_eq!(planes(&whole[..length], 3), None, "{length}");
        }
        for at in (0..whole.len()).step_by(7) {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x5A;
            // Whatever comes of it.
            drop(planes(&damaged, 5));
        }
        assert_eq!(planes(&jpeg(131, 77, Subsamp::Gray, 95), 3), None);
        assert_eq!(planes(&jpeg(131, 77, Subsamp::Sub4x1, 95), 3), None);
    }
}
