//! What two sequences of texts have in common. One algorithm and one place that calls it: each further call
//! with another type, or a choice of the algorithm at run time, would put all of it into the browser's half
//! once more.

pub use similar::DiffOp;
use similar::algorithms::{Capture, Compact, Replace, myers};

/// How `old` becomes `new`, by Myers' algorithm.
#[inline(never)]
pub fn ops(old: &[&str], new: &[&str]) -> Vec<DiffOp> {
    let mut capture = Compact::new(Replace::new(Capture::new()), old, new);
    let Ok(()) = myers::diff(&mut capture, old, 0..old.len(), new, 0..new.len());
    capture.into_inner().into_inner().into_ops()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use similar::{Algorithm, capture_diff_slices};

    use super::*;

    fn lines() -> impl Strategy<Value = Vec<&'static str>> {
        proptest::collection::vec(
            prop_oneof!["a\n", "b\n", "c\n", "d\n"].prop_map(|line| &*line.leak()),
            0..40,
        )
    }

    proptest! {
        #[test]
        fn the_ops_are_those_of_the_crate_s_own_entry((old, new) in (lines(), lines())) {
            prop_assert_eq!(ops(&old, &new), capture_diff_slices(Algorithm::Myers, &old, &new));
        }
    }
}
