//! How the project's own clients cut files: by content, so that an insertion costs the chunks around it
//! and not the rest of the file.
//!
//! FastCDC (Xia et al., "FastCDC: a Fast and Efficient Content-Defined Chunking Approach for Data
//! Deduplication", USENIX ATC 2016; the 2020 variant, normalisation level 1), with the parameters below.
//! They are pinned by golden vectors: changing them would make every client send everything again.

use fastcdc::v2020::{FastCDC, Normalization};

use crate::limits::CHUNK_BYTES_MAX;

/// The smallest chunk but the last, in bytes.
pub const CUT_BYTES_MIN: usize = 1024 * 1024;
/// The mean, in bytes.
pub const CUT_BYTES_MEAN: usize = 2 * 1024 * 1024;

/// The length of the first chunk of `window`, in bytes.
///
/// A caller that streams passes at least [`CHUNK_BYTES_MAX`] bytes, or all that is left of the file; the
/// cut then depends on nothing else. 0 for an empty window.
pub fn first_cut(window: &[u8]) -> usize {
    let window = &window[..window.len().min(CHUNK_BYTES_MAX)];
    FastCDC::with_level(window, CUT_BYTES_MIN, CUT_BYTES_MEAN, CHUNK_BYTES_MAX, Normalization::Level1)
        .next()
        .map_or(0, |chunk| chunk.length)
}

/// Cuts a whole buffer: what [`first_cut`] finds, again and again.
pub fn cut(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (chunk, rest) = bytes.split_at(first_cut(bytes));
        bytes = rest;
        (!chunk.is_empty()).then_some(chunk)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::{ChunkHash, ContentHash};

    /// A fixed pseudo-random sequence (xorshift64*), so that the vectors need no file.
    fn noise(bytes: usize) -> Vec<u8> {
        let mut state = 0x9E37_79B9_7F4A_7C15_u64;
        let mut out = Vec::with_capacity(bytes + 8);
        while out.len() < bytes {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            out.extend_from_slice(&state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_le_bytes());
        }
        out.truncate(bytes);
        out
    }

    #[test]
    fn golden_vectors() {
        let bytes = noise(16 * 1024 * 1024);
        let lengths: Vec<usize> = cut(&bytes).map(<[u8]>::len).collect();
        assert_eq!(lengths, GOLDEN_LENGTHS);
        let hashes: Vec<ChunkHash> = cut(&bytes).map(ChunkHash::of).collect();
        assert_eq!(ContentHash::of_chunks(&hashes).to_string(), GOLDEN_CONTENT_HASH);
    }

    const GOLDEN_LENGTHS: [usize; 6] = [3_834_598, 3_591_141, 2_273_730, 4_194_304, 2_571_595, 311_848];
    const GOLDEN_CONTENT_HASH: &str = "189f93ac2aa6d85fb7792a96352f5a67cb04286374954cd9da7668880622f78d";

    #[test]
    fn one_byte_at_the_front_costs_one_chunk() {
        let bytes = noise(32 * 1024 * 1024);
        let mut shifted = vec![7];
        shifted.extend_from_slice(&bytes);
        let before: std::collections::HashSet<ChunkHash> = cut(&bytes).map(ChunkHash::of).collect();
        let sent: usize =
            cut(&shifted).filter(|c| !before.contains(&ChunkHash::of(c))).map(<[u8]>::len).sum();
        assert!(sent <= 2 * CHUNK_BYTES_MAX, "{sent} bytes sent again");
    }

    #[test]
    fn short_and_empty_inputs() {
        assert_eq!(first_cut(&[]), 0);
        assert_eq!(first_cut(&[1, 2, 3]), 3);
        assert_eq!(cut(&[]).count(), 0);
    }
}
