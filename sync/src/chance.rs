//! Ids and jitter from a seed that is passed in.

use std::time::Duration;

use shared::Timestamp;
use uuid::{Builder, Uuid};

/// xoshiro256++ (Blackman and Vigna, "Scrambled Linear Pseudorandom Number Generators", 2021): the same
/// seed gives the same ids. The driver seeds it with 32 bytes from the system's generator.
#[derive(Clone, Debug)]
pub(crate) struct Chance([u64; 4]);

impl Chance {
    pub(crate) fn new(seed: [u8; 32]) -> Self {
        let (words, _) = seed.as_chunks::<8>();
        let mut state = [0x9E37_79B9_7F4A_7C15; 4];
        for (word, bytes) in state.iter_mut().zip(words) {
            *word ^= u64::from_le_bytes(*bytes);
        }
        let mut chance = Self(if state == [0; 4] { [1; 4] } else { state });
        for _ in 0..8 {
            chance.next();
        }
        chance
    }

    fn next(&mut self) -> u64 {
        let s = &mut self.0;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A version 7 UUID: ordered by time, 74 bits of chance.
    pub(crate) fn id(&mut self, now: Timestamp) -> Uuid {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&self.next().to_le_bytes());
        random[8..].copy_from_slice(&self.next().to_le_bytes()[..2]);
        Builder::from_unix_timestamp_millis(u64::try_from(now.as_millis()).unwrap_or(0), &random).into_uuid()
    }

    /// A version 4 UUID: all chance, for where this device's clock is not to be trusted.
    pub(crate) fn timeless_id(&mut self) -> Uuid {
        let mut random = [0; 16];
        random[..8].copy_from_slice(&self.next().to_le_bytes());
        random[8..].copy_from_slice(&self.next().to_le_bytes());
        Builder::from_random_bytes(random).into_uuid()
    }

    /// Between half of `most` and all of it.
    pub(crate) fn jittered(&mut self, most: Duration) -> Duration {
        let half = most.as_millis() as u64 / 2;
        Duration::from_millis(half + self.next() % (half + 1))
    }
}
