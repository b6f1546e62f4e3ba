//! What the machine can do at best, without a server in between.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::Outcome;

const BUFFER_BYTES: usize = 4 * 1024 * 1024;

/// Writes bytes that neither compress nor repeat (xorshift64*, a fixed sequence for each seed).
pub fn write_noise(path: &Path, bytes: u64, seed: u64) -> Outcome {
    let mut file = File::create(path)?;
    let mut noise = Noise::new(seed);
    let mut left = bytes;
    while left > 0 {
        let part = noise.bytes(left.min(BUFFER_BYTES as u64) as usize);
        file.write_all(&part)?;
        left -= part.len() as u64;
    }
    file.sync_all()?;
    Ok(())
}

pub struct Noise(u64);

impl Noise {
    pub const fn new(seed: u64) -> Self {
        Self(seed ^ 0x9E37_79B9_7F4A_7C15)
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(count + 8);
        while out.len() < count {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            out.extend_from_slice(&self.0.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
        }
        out.truncate(count);
        out
    }
}

/// Copies the file with SHA-256 of its bytes and one fsync: the least that a durable, checked upload costs.
pub fn hashed_copy(from: &Path, to: &Path) -> Outcome<Duration> {
    let start = Instant::now();
    let (mut source, mut target) = (File::open(from)?, File::create(to)?);
    let mut hash = Sha256::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let count = source.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hash.update(&buffer[..count]);
        target.write_all(&buffer[..count])?;
    }
    target.sync_all()?;
    std::hint::black_box(hash.finalize());
    Ok(start.elapsed())
}
