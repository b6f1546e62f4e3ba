//! Everything that is random in a scenario follows from its seed; and the server's clock and ids with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use server::clock::{self, Env};
use shared::Timestamp;
use uuid::Uuid;

/// SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
#[derive(Clone, Debug)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        // Seeds that follow each other give streams that do not.
        let mut chance = Self(seed ^ 0x9E37_79B9_7F4A_7C15);
        chance.next();
        Self(chance.next() ^ seed.rotate_left(32))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mixed(self.0)
    }

    /// From 0 to `bound` - 1.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len() as u64) as usize]
    }

    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// An index, each as likely as its weight says.
    pub fn weighted(&mut self, weights: &[u32]) -> usize {
        let total: u64 = weights.iter().map(|&weight| u64::from(weight)).sum();
        let mut at = self.below(total);
        for (index, &weight) in weights.iter().enumerate() {
            match at.checked_sub(u64::from(weight)) {
                None => return index,
                Some(left) => at = left,
            }
        }
        0
    }
}

fn mixed(state: u64) -> u64 {
    let mut z = state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// 32 bytes for an engine, from two numbers.
pub fn seed_of(seed: u64, n: u64) -> [u8; 32] {
    let mut chance = Chance::new(seed ^ n.wrapping_mul(0xD6E8_FEB8_6659_FD93));
    let mut bytes = [0; 32];
    for word in bytes.chunks_mut(8) {
        word.copy_from_slice(&chance.next().to_le_bytes());
    }
    bytes
}

/// The server's wall clock, which may jump, and its ids.
#[derive(Clone)]
pub struct Machine {
    clock: Arc<AtomicI64>,
    ids: Arc<AtomicU64>,
}

impl Machine {
    pub fn new(now: Timestamp, seed: u64) -> Self {
        Self {
            clock: Arc::new(AtomicI64::new(now.as_millis())),
            ids: Arc::new(AtomicU64::new(mixed(seed ^ 0x5EED))),
        }
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.clock.load(Ordering::Relaxed))
    }

    pub fn set(&self, now: Timestamp) {
        self.clock.store(now.as_millis(), Ordering::Relaxed);
    }

    pub fn env(&self) -> Env {
        Env { clock: Arc::new(self.clone()), chance: Arc::new(self.clone()) }
    }

    fn word(&self) -> u64 {
        mixed(self.ids.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed))
    }
}

impl clock::Clock for Machine {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }
}

impl clock::Chance for Machine {
    fn id(&self, at: Timestamp) -> Uuid {
        let mut random = [0; 10];
        clock::Chance::fill(self, &mut random);
        uuid::Builder::from_unix_timestamp_millis(u64::try_from(at.as_millis()).unwrap_or(0), &random)
            .into_uuid()
    }

    fn fill(&self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(8) {
            part.copy_from_slice(&self.word().to_le_bytes()[..part.len()]);
        }
    }
}
