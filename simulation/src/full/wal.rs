//! SQLite's write-ahead log, as far as a crash needs it: where its frames end
//! (<https://sqlite.org/fileformat2.html#walformat>).

use std::path::Path;

const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
/// Where the page size stands in the header, and the salts in the header and in a frame.
const PAGE_SIZE: std::ops::Range<usize> = 8..12;
const SALTS: std::ops::Range<usize> = 16..24;
const FRAME_SALTS: std::ops::Range<usize> = 8..16;

/// The log at one moment.
pub struct Wal {
    bytes: Vec<u8>,
}

impl Wal {
    /// As it is on the disk; empty where there is none.
    pub fn read(file: &Path) -> Self {
        Self { bytes: std::fs::read(file).unwrap_or_default() }
    }

    fn frame_bytes(&self) -> usize {
        let size = self.bytes.get(PAGE_SIZE).and_then(|bytes| bytes.try_into().ok());
        FRAME_HEADER_BYTES + size.map_or(4_096, u32::from_be_bytes) as usize
    }

    /// What is different after the log began anew.
    pub fn salts(&self) -> &[u8] {
        self.bytes.get(SALTS).unwrap_or_default()
    }

    /// How many frames it has: behind them may stand those of an earlier turn, under other salts.
    pub fn frames(&self) -> u64 {
        let frames = self.bytes.get(HEADER_BYTES..).unwrap_or_default().chunks_exact(self.frame_bytes());
        frames.take_while(|frame| &frame[FRAME_SALTS] == self.salts()).count() as u64
    }

    /// The log cut after so many frames and some bytes of the next: what a crash leaves of it.
    pub fn cut(&self, frames: u64, more_bytes: u64) -> &[u8] {
        let end = HEADER_BYTES + frames as usize * self.frame_bytes() + more_bytes as usize;
        &self.bytes[..end.min(self.bytes.len())]
    }
}
