//! What happened, line by line: kept where somebody wants to read it, hashed always. Two runs of one seed
//! are equal if their hashes are.

use std::fmt::{self, Write as _};

/// FNV-1a, 64 bits.
const OFFSET: u64 = 0xCBF2_9CE4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01B3;

#[derive(Default)]
pub struct Trace {
    hash: Hash,
    /// None: nobody wants to read it.
    pub lines: Option<Vec<String>>,
}

struct Hash(u64);

impl Default for Hash {
    fn default() -> Self {
        Self(OFFSET)
    }
}

impl fmt::Write for Hash {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(PRIME);
        }
        Ok(())
    }
}

impl Trace {
    pub fn kept() -> Self {
        Self { hash: Hash::default(), lines: Some(Vec::new()) }
    }

    pub fn line(&mut self, line: fmt::Arguments<'_>) {
        let _ = self.hash.write_fmt(line);
        let _ = self.hash.write_str("\n");
        if let Some(lines) = &mut self.lines {
            lines.push(line.to_string());
        }
    }

    pub fn hash(&self) -> u64 {
        self.hash.0
    }
}
