/// How far one can come near, of the size that fits.
const SCALE_MAX: f64 = 8.0;

/// Which part of a picture is seen: it is enlarged around the window's middle, then moved, in pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct View {
    pub scale: f64,
    pub x: f64,
    pub y: f64,
}

impl Default for View {
    fn default() -> Self {
        Self { scale: 1.0, x: 0.0, y: 0.0 }
    }
}

impl View {
    pub fn is_whole(&self) -> bool {
        self.scale <= 1.0
    }

    /// Comes nearer by a factor; what is at `at`, from the window's middle, stays there. `size` is the window's.
    #[must_use]
    pub fn zoom(self, factor: f64, at: (f64, f64), size: (f64, f64)) -> Self {
        let scale = (self.scale * factor).clamp(1.0, SCALE_MAX);
        let by = scale / self.scale;
        Self { scale, x: at.0 - (at.0 - self.x) * by, y: at.1 - (at.1 - self.y) * by }.within(size)
    }

    #[must_use]
    pub fn moved(self, by: (f64, f64), size: (f64, f64)) -> Self {
        Self { x: self.x + by.0, y: self.y + by.1, ..self }.within(size)
    }

    /// The picture never leaves the window.
    fn within(self, size: (f64, f64)) -> Self {
        let (x, y) = (size.0 * (self.scale - 1.0) / 2.0, size.1 * (self.scale - 1.0) / 2.0);
        Self { x: self.x.clamp(-x, x), y: self.y.clamp(-y, y), ..self }
    }

    pub fn transform(self) -> String {
        format!("translate({}px,{}px) scale({})", self.x, self.y, self.scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (f64, f64) = (1000.0, 800.0);

    #[test]
    fn what_is_under_the_pointer_stays_there() {
        let view = View::default().zoom(2.0, (100.0, -50.0), SIZE);
        assert_eq!(view, View { scale: 2.0, x: -100.0, y: 50.0 });
        let back = view.zoom(0.1, (100.0, -50.0), SIZE);
        assert_eq!(back, View::default(), "never smaller than it fits");
        assert!(View::default().zoom(100.0, (0.0, 0.0), SIZE).scale <= SCALE_MAX);
    }

    #[test]
    fn a_picture_cannot_be_moved_out_of_the_window() {
        let view = View::default().zoom(2.0, (0.0, 0.0), SIZE).moved((9_000.0, -9_000.0), SIZE);
        assert_eq!((view.x, view.y), (500.0, -400.0));
        assert_eq!(View::default().moved((50.0, 0.0), SIZE), View::default());
    }
}
