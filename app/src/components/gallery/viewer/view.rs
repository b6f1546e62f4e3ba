/// How far one can come near, of the size that fits.
const SCALE_MAX: f64 = 8.0;

/// The window that a picture is seen through, and the picture as large as it fits in there; in pixels.
#[derive(Clone, Copy, Debug)]
pub struct Fit {
    window: (f64, f64),
    picture: (f64, f64),
}

impl Fit {
    /// For a picture of these sides; of one that is not there yet they are none, and it has all of the window.
    pub fn of(window: (f64, f64), sides: (f64, f64)) -> Self {
        let is_there = sides.0 > 0.0 && sides.1 > 0.0;
        let scale = (window.0 / sides.0).min(window.1 / sides.1);
        Self { window, picture: if is_there { (sides.0 * scale, sides.1 * scale) } else { window } }
    }

    /// How far the enlarged picture reaches beyond the window on each side.
    fn beyond(self, scale: f64) -> (f64, f64) {
        let beyond = |picture: f64, window: f64| ((picture * scale - window) / 2.0).max(0.0);
        (beyond(self.picture.0, self.window.0), beyond(self.picture.1, self.window.1))
    }
}

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

    /// Comes nearer by a factor; what is at `at`, from the window's middle, stays there.
    #[must_use]
    pub fn zoom(self, factor: f64, at: (f64, f64), fit: Fit) -> Self {
        let scale = (self.scale * factor).clamp(1.0, SCALE_MAX);
        let by = scale / self.scale;
        Self { scale, x: at.0 - (at.0 - self.x) * by, y: at.1 - (at.1 - self.y) * by }.within(fit)
    }

    #[must_use]
    pub fn moved(self, by: (f64, f64), fit: Fit) -> Self {
        Self { x: self.x + by.0, y: self.y + by.1, ..self }.within(fit)
    }

    /// There is nothing beside the picture but where it is smaller than the window: there it is in the middle.
    fn within(self, fit: Fit) -> Self {
        let (x, y) = fit.beyond(self.scale);
        Self { x: self.x.clamp(-x, x), y: self.y.clamp(-y, y), ..self }
    }

    pub fn transform(self) -> String {
        format!("translate({}px,{}px) scale({})", self.x, self.y, self.scale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: (f64, f64) = (1000.0, 800.0);

    /// A picture of the window's shape.
    fn full() -> Fit {
        Fit::of(WINDOW, (500.0, 400.0))
    }

    #[test]
    fn what_is_under_the_pointer_stays_there() {
        let view = View::default().zoom(2.0, (100.0, -50.0), full());
        assert_eq!(view, View { scale: 2.0, x: -100.0, y: 50.0 });
        let back = view.zoom(0.1, (100.0, -50.0), full());
        assert_eq!(back, View::default(), "never smaller than it fits");
        assert!(View::default().zoom(100.0, (0.0, 0.0), full()).scale <= SCALE_MAX);
    }

    #[test]
    fn a_picture_cannot_be_moved_out_of_the_window() {
        for fit in [full(), Fit::of(WINDOW, (0.0, 0.0))] {
            let view = View::default().zoom(2.0, (0.0, 0.0), fit).moved((9_000.0, -9_000.0), fit);
            assert_eq!((view.x, view.y), (500.0, -400.0));
        }
        assert_eq!(View::default().moved((50.0, 0.0), full()), View::default());
    }

    #[test]
    fn a_narrow_picture_is_in_the_middle_until_it_is_wider_than_the_window() {
        // 400 px wide where it fits.
        let narrow = Fit::of(WINDOW, (1_500.0, 3_000.0));
        let view = View::default().zoom(2.0, (300.0, 0.0), narrow);
        assert_eq!(view, View { scale: 2.0, x: 0.0, y: 0.0 });
        let nearer = view.zoom(2.0, (0.0, 0.0), narrow).moved((9_000.0, 9_000.0), narrow);
        assert_eq!(nearer, View { scale: 4.0, x: 300.0, y: 1_200.0 }, "1,600 × 3,200 px");
    }
}
