/// Which part of a long list is near the eye: the rest is not in the document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Window {
    /// The first item.
    pub start: usize,
    /// One past the last item.
    pub end: usize,
}

/// Lines kept above and below what is seen, so that a flick of the wheel meets no gap.
const OVERSCAN_LINES: usize = 6;
/// The window moves in steps of so many lines, so that most scroll events change nothing.
const STEP_LINES: usize = 4;

impl Window {
    /// The part of `count` items, `per_line` to a line of `line_height` pixels, that a viewport of `height`
    /// pixels at `top` needs.
    pub fn at(top: f64, height: f64, line_height: f64, per_line: usize, count: usize) -> Self {
        let first_line = (top.max(0.0) / line_height) as usize;
        let lines = (height.max(0.0) / line_height).ceil() as usize + 1;
        let start_line = first_line.saturating_sub(OVERSCAN_LINES) / STEP_LINES * STEP_LINES;
        let end_line = (first_line + lines + OVERSCAN_LINES).next_multiple_of(STEP_LINES);
        let end = (end_line * per_line).min(count);
        Self { start: (start_line * per_line).min(end), end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_what_is_seen_and_little_more() {
        for top in [0.0, 39.0, 40.0, 12_345.0, 1_999_500.0] {
            let window = Window::at(top, 800.0, 40.0, 1, 50_000);
            assert!(window.start as f64 * 40.0 <= top, "{window:?} at {top}");
            assert!(window.end == 50_000 || window.end as f64 * 40.0 >= top + 800.0);
            assert!(window.end - window.start < 50);
        }
    }

    #[test]
    fn never_reaches_past_the_list() {
        assert_eq!(Window::at(9_000.0, 500.0, 40.0, 4, 3), Window { start: 3, end: 3 });
        assert_eq!(Window::at(0.0, 0.0, 40.0, 1, 0), Window { start: 0, end: 0 });
    }
}
