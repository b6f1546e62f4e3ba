//! The inverse of JPEG's cosine transform, into fewer samples than a block has pixels: its lowest frequencies alone
//! are the picture at that size.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// What the samples lie around.
const MIDDLE: f32 = 128.0;
/// From here on a number's lowest bits are whole ones.
const WHOLE: f32 = 8_388_608.0;

/// `N` by `N` samples from as many coefficients, in rows of `W`: what fills vectors is several times as fast.
pub struct Inverse<const N: usize, const W: usize> {
    waves: [[f32; W]; N],
}

impl<const N: usize, const W: usize> Inverse<N, W> {
    pub fn new() -> Self {
        let wave = |frequency: usize, at: usize| {
            let level = if frequency == 0 { FRAC_1_SQRT_2 } else { 1.0 };
            let angle = (2 * at + 1) as f64 * frequency as f64 * PI / (2 * N) as f64;
            (level / 2.0 * angle.cos()) as f32
        };
        let row = |frequency| std::array::from_fn(|at| if at < N { wave(frequency, at) } else { 0.0 });
        Self { waves: std::array::from_fn(row) }
    }

    /// Leaves zeros for the next block. Writes `W` samples a row, of which what is behind the `N`th is nothing.
    // Not inlined, so that it is laid out for vectors.
    #[inline(never)]
    pub fn write(
        &self,
        coefficients: &mut [[i32; W]],
        quantization: &[[f32; W]; N],
        samples: &mut [u8],
        stride: usize,
    ) {
        let mut rows = [[0.0; W]; N];
        for ((row, coefficients), steps) in rows.iter_mut().zip(coefficients).zip(quantization) {
            let levels: [f32; W] = std::array::from_fn(|at| coefficients[at] as f32 * steps[at]);
            *coefficients = [0; W];
            for (wave, level) in self.waves.iter().zip(levels) {
                add(row, wave, level);
            }
        }
        for (at, line) in samples.chunks_mut(stride).take(N).enumerate() {
            let mut sums = [MIDDLE; W];
            for (row, wave) in rows.iter().zip(&self.waves) {
                add(&mut sums, row, wave[at]);
            }
            let sample = |sum: f32| (sum.clamp(0.0, 255.0) + WHOLE).to_bits() as u8;
            line[..W].copy_from_slice(&sums.map(sample));
        }
    }
}

#[inline]
fn add<const W: usize>(sums: &mut [f32; W], row: &[f32; W], factor: f32) {
    for (sum, value) in sums.iter_mut().zip(row) {
        *sum += factor * value;
    }
}
