//! Rows of samples, turned and mirrored until the picture stands upright.

/// How a picture has to be turned to stand upright: the values of the Exif tag `Orientation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Orientation(u8);

impl Orientation {
    pub const UPRIGHT: Self = Self(1);

    pub fn from_exif(value: u32) -> Option<Self> {
        u8::try_from(value).ok().filter(|value| (1..=8).contains(value)).map(Self)
    }

    /// Width and height of what was turned.
    pub fn turned(self, width: u32, height: u32) -> (u32, u32) {
        if self.swaps_sides() { (height, width) } else { (width, height) }
    }

    fn swaps_sides(self) -> bool {
        self.0 >= 5
    }

    /// After sides were swapped.
    fn mirrors_rows(self) -> bool {
        matches!(self.0, 2 | 3 | 6 | 7)
    }

    /// After sides were swapped.
    fn is_upside_down(self) -> bool {
        matches!(self.0, 3 | 4 | 7 | 8)
    }
}

pub fn upright<T: Copy + Default>(mut samples: Vec<T>, mut width: usize, orientation: Orientation) -> Vec<T> {
    if orientation.swaps_sides() {
        let height = samples.len() / width;
        samples = transposed(&samples, width);
        width = height;
    }
    if orientation.mirrors_rows() && orientation.is_upside_down() {
        samples.reverse();
    } else if orientation.mirrors_rows() {
        samples.chunks_exact_mut(width).for_each(<[T]>::reverse);
    } else if orientation.is_upside_down() {
        samples = samples.chunks_exact(width).rev().flatten().copied().collect();
    }
    samples
}

/// With columns for rows. By tiles: whole columns at a time would be read from as many places in memory.
pub fn transposed<T: Copy + Default>(samples: &[T], width: usize) -> Vec<T> {
    const TILE: usize = 16;
    let height = samples.len() / width;
    let mut turned = vec![T::default(); width * height];
    for top in (0..height).step_by(TILE) {
        for left in (0..width).step_by(TILE) {
            if top + TILE > height || left + TILE > width {
                for row in top..height.min(top + TILE) {
                    for column in left..width.min(left + TILE) {
                        turned[column * height + row] = samples[row * width + column];
                    }
                }
                continue;
            }
            let mut tile = [[T::default(); TILE]; TILE];
            for (row, line) in tile.iter_mut().enumerate() {
                line.copy_from_slice(&samples[(top + row) * width + left..][..TILE]);
            }
            for column in 0..TILE {
                let line: [T; TILE] = std::array::from_fn(|row| tile[row][column]);
                turned[(left + column) * height + top..][..TILE].copy_from_slice(&line);
            }
        }
    }
    turned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_orientation_is_turned_upright() {
        // a b
        // c d
        // e f
        let stored = [
            (1, "abcdef", 2),
            (2, "badcfe", 2),
            (3, "fedcba", 2),
            (4, "efcdab", 2),
            (5, "acebdf", 3),
            (6, "bdface", 3),
            (7, "fdbeca", 3),
            (8, "ecafdb", 3),
        ];
        for (value, letters, width) in stored {
            let orientation = Orientation::from_exif(value).unwrap();
            assert_eq!(orientation.turned(width, 6 / width), (2, 3), "orientation {value}");
            let turned = upright(letters.as_bytes().to_vec(), width as usize, orientation);
            assert_eq!(turned, b"abcdef", "orientation {value}");
        }
    }

    #[test]
    fn columns_become_rows_whatever_the_size() {
        for (width, height) in [(1, 1), (16, 32), (37, 5), (50, 33)] {
            let samples: Vec<u16> = (0..width * height).collect();
            let turned = transposed(&samples, width.into());
            for (at, sample) in (0..).zip(turned) {
                assert_eq!(sample, at % height * width + at / height, "{width} × {height}");
            }
        }
    }
}
