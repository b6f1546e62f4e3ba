//! What happens to concurrent edits, as pure functions. Placement (parent and name) and content are
//! judged apart.

use crate::version_vector::{Dot, VersionVector};

/// Whether an edit made on `base` is concurrent with the present state, whose defining event is `dot`.
/// The editor had not seen that event exactly when its base does not cover it.
pub fn is_concurrent(base: &VersionVector, dot: Dot) -> bool {
    !base.covers(dot)
}
