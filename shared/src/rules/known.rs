//! What an edit had seen.

use serde::{Deserialize, Serialize};

use crate::faults::Fault;
use crate::version_vector::{Dot, VersionVector};

/// The most single dots that are kept of a chain of unanswered operations; the latest stay. An earlier one
/// can only be asked for while every later operation of the chain found its equal, and each of those
/// repeats it.
const CHAIN_DOTS_MAX: usize = 32;

/// The base of an edit: a vector as the server gave it, and beyond it single events: the inputs of the
/// unanswered operations that the edit was chained to. A vector alone could not say "the fifth input but
/// not the fourth" of one device.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    vector: VersionVector,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    dots: Vec<Dot>,
}

impl Known {
    /// Whether the editor had seen the event. A change is concurrent with the present state exactly when
    /// it had not seen the event that made that state.
    pub fn covers(&self, dot: Dot) -> bool {
        let beyond = u64::from(Fault::KnownReachesTooFar.is_planted());
        let dot = Dot { count: dot.count - beyond, ..dot };
        self.vector.covers(dot) || self.dots.contains(&dot)
    }

    /// What a change chained to this one has seen beside it.
    pub fn learn(&mut self, dot: Dot) {
        self.dots.retain(|known| *known != dot);
        self.dots.push(dot);
        if self.dots.len() > CHAIN_DOTS_MAX {
            self.dots.remove(0);
        }
    }

    /// What was learned last: in the chain of an answered change, its own event.
    pub fn latest(&self) -> Option<Dot> {
        self.dots.last().copied()
    }

    /// Whether it claims an event that never was: a count above the last that the item issued.
    pub fn exceeds(&self, last_count: u64) -> bool {
        self.vector.iter().any(|dot| dot.count > last_count)
    }

    /// The least vector that covers all of it, as people and clients see it.
    pub fn to_vector(&self) -> VersionVector {
        let mut vector = self.vector.clone();
        self.dots.iter().for_each(|&dot| vector.insert(dot));
        vector
    }
}

impl From<VersionVector> for Known {
    fn from(vector: VersionVector) -> Self {
        Self { vector, dots: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::ids::DeviceId;

    fn dot(device: u128, count: u64) -> Dot {
        Dot { device: DeviceId(Uuid::from_u128(device)), count }
    }

    #[test]
    fn a_chained_dot_covers_itself_and_nothing_before_it() {
        let mut known = Known::from(VersionVector::from_iter([dot(1, 1)]));
        known.learn(dot(1, 5));
        assert!(known.covers(dot(1, 1)) && known.covers(dot(1, 5)));
        assert!(!known.covers(dot(1, 4)), "another operation of the same device was not seen");
        assert_eq!(known.to_vector().get(dot(1, 0).device), 5);
    }

    #[test]
    fn counts_above_the_last_are_noticed() {
        let known = Known::from(VersionVector::from_iter([dot(1, 3)]));
        assert!(known.exceeds(2) && !known.exceeds(3));
    }

    #[test]
    fn long_chains_keep_the_latest_and_what_is_repeated() {
        let mut known = Known::default();
        known.learn(dot(2, 1));
        for count in 2..100 {
            known.learn(dot(1, count));
            known.learn(dot(2, 1));
        }
        assert!(known.covers(dot(2, 1)) && known.covers(dot(1, 99)) && !known.covers(dot(1, 2)));
    }

    proptest! {
        #[test]
        fn pruning_the_vector_changes_no_verdict(
            entries in proptest::collection::vec((0u128..60, 1u64..500), 0..60),
            content in 0usize..60, place in 0usize..60,
        ) {
            let mut vector: VersionVector = entries.iter().map(|&(d, c)| dot(d, c)).collect();
            let all: Vec<Dot> = vector.iter().collect();
            prop_assume!(!all.is_empty());
            let kept = [all[content % all.len()], all[place % all.len()]];
            let before = Known::from(vector.clone());
            vector.prune(&kept);
            let after = Known::from(vector);
            for dot in kept {
                prop_assert_eq!(before.covers(dot), after.covers(dot));
            }
        }
    }
}
