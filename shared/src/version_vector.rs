//! Version vectors: which edits of which device a state has seen.
//!
//! The comparison is the classic one of Parker et al., "Detection of Mutual Inconsistency in Distributed
//! Systems" (1983). Concurrency itself is judged by *dots* (the single event that made a content or a
//! place), after Preguiça et al., "Dotted Version Vectors" (2010): see [`crate::rules`].

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::DeviceId;
use crate::limits::VERSION_VECTOR_ENTRIES_MAX;

/// One event: the `count`-th input to an item, pushed by `device`. Counts start at 1 and rise per item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Dot {
    pub device: DeviceId,
    pub count: u64,
}

/// `{deviceId: sequenceNumber}`: for each device, the last of its inputs that this state includes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct VersionVector(BTreeMap<DeviceId, u64>);

/// What [`VersionVector::compare`] finds, as clients and people see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Comparison {
    Equal,
    ClientNewer,
    ServerNewer,
    Conflict,
}

impl VersionVector {
    pub fn new() -> Self {
        Self::default()
    }

    /// The sequence number of `device`, 0 if it never took part.
    pub fn get(&self, device: DeviceId) -> u64 {
        self.0.get(&device).copied().unwrap_or(0)
    }

    /// Whether this state includes the event `dot`.
    pub fn covers(&self, dot: Dot) -> bool {
        self.get(dot.device) >= dot.count
    }

    /// Takes the event in. Never lowers an entry.
    pub fn insert(&mut self, dot: Dot) {
        let entry = self.0.entry(dot.device).or_insert(0);
        *entry = (*entry).max(dot.count);
    }

    /// The least vector that covers both.
    pub fn merge(&mut self, other: &Self) {
        for (&device, &count) in &other.0 {
            self.insert(Dot { device, count });
        }
    }

    /// Drops entries until at most [`VERSION_VECTOR_ENTRIES_MAX`] are left, the oldest (lowest count)
    /// first, never one that a `kept` dot stands in. Counts rise over the whole item, not per device, so
    /// the lowest count is the oldest event; and since concurrency is judged by the kept dots alone, no
    /// verdict changes.
    pub fn prune(&mut self, kept: &[Dot]) {
        while self.0.len() > VERSION_VECTOR_ENTRIES_MAX {
            let oldest = self
                .0
                .iter()
                .filter(|(device, _)| kept.iter().all(|dot| dot.device != **device))
                .min_by_key(|(device, count)| (**count, **device))
                .map(|(device, _)| *device);
            let Some(oldest) = oldest else { return };
            self.0.remove(&oldest);
        }
    }

    /// Compares a client's vector with the server's, entry by entry.
    pub fn compare(client: &Self, server: &Self) -> Comparison {
        let client_newer = client.0.iter().any(|(&device, &count)| count > server.get(device));
        let server_newer = server.0.iter().any(|(&device, &count)| count > client.get(device));
        match (client_newer, server_newer) {
            (true, true) => Comparison::Conflict,
            (true, false) => Comparison::ClientNewer,
            (false, true) => Comparison::ServerNewer,
            (false, false) => Comparison::Equal,
        }
    }

    pub fn iter(&self) -> impl Iterator<Item = Dot> + '_ {
        self.0.iter().map(|(&device, &count)| Dot { device, count })
    }

    pub fn len(&self) -> usize {
        self.0.len()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<Dot> for VersionVector {
    fn from_iter<I: IntoIterator<Item = Dot>>(dots: I) -> Self {
        let mut vector = Self::new();
        for dot in dots {
            vector.insert(dot);
        }
        vector
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn device(n: u128) -> DeviceId {
        DeviceId(Uuid::from_u128(n))
    }

    fn vector(entries: &[(u128, u64)]) -> VersionVector {
        entries.iter().map(|&(n, count)| Dot { device: device(n), count }).collect()
    }

    #[test]
    fn compares_as_the_four_cases() {
        let (a, b) = (vector(&[(1, 2)]), vector(&[(1, 2), (2, 1)]));
        assert_eq!(VersionVector::compare(&a, &a), Comparison::Equal);
        assert_eq!(VersionVector::compare(&a, &b), Comparison::ServerNewer);
        assert_eq!(VersionVector::compare(&b, &a), Comparison::ClientNewer);
        assert_eq!(VersionVector::compare(&b, &vector(&[(1, 3)])), Comparison::Conflict);
    }

    #[test]
    fn pruning_keeps_the_dots_and_the_newest() {
        let kept = Dot { device: device(0), count: 1 };
        let mut v: VersionVector =
            (0..40).map(|n| Dot { device: device(n), count: u64::try_from(n).unwrap() + 1 }).collect();
        v.prune(&[kept]);
        assert_eq!(v.len(), VERSION_VECTOR_ENTRIES_MAX);
        assert!(v.covers(kept));
        assert_eq!(v.get(device(1)), 0);
        assert_eq!(v.get(device(39)), 40);
    }

    fn any_vector() -> impl Strategy<Value = VersionVector> {
        proptest::collection::vec((0u128..6, 0u64..6), 0..6)
            .prop_map(|entries| vector(&entries.into_iter().filter(|e| e.1 > 0).collect::<Vec<_>>()))
    }

    proptest! {
        #[test]
        fn merge_is_the_least_upper_bound(a in any_vector(), b in any_vector()) {
            let mut ab = a.clone();
            ab.merge(&b);
            let mut ba = b.clone();
            ba.merge(&a);
            prop_assert_eq!(&ab, &ba);
            for v in [&a, &b] {
                prop_assert!(matches!(
                    VersionVector::compare(&ab, v),
                    Comparison::Equal | Comparison::ClientNewer
                ));
            }
        }

        #[test]
        fn compare_is_antisymmetric(a in any_vector(), b in any_vector()) {
            let mirrored = match VersionVector::compare(&b, &a) {
                Comparison::ClientNewer => Comparison::ServerNewer,
                Comparison::ServerNewer => Comparison::ClientNewer,
                same => same,
            };
            prop_assert_eq!(VersionVector::compare(&a, &b), mirrored);
        }
    }
}
