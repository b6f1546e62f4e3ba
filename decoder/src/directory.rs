//! The first directory of a TIFF block (TIFF 6.0), rewritten where a reader does not know what it says.

/// What of an entry is compared and rewritten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Type,
    /// Of a single short number.
    Value,
}

/// Lets the entry for `tag` say `to` where it says `from`.
pub fn rewrite(block: &mut [u8], tag: u16, part: Part, from: u16, to: u16) {
    let is_little = block.starts_with(b"II");
    let read16 =
        |bytes: [u8; 2]| if is_little { u16::from_le_bytes(bytes) } else { u16::from_be_bytes(bytes) };
    let read32 =
        |bytes: [u8; 4]| if is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) };
    let Some(&[_, _, _, _, a, b, c, d]) = block.first_chunk::<8>() else { return };
    let directory = block.get_mut(read32([a, b, c, d]) as usize..).unwrap_or_default();
    let Some((&mut count, entries)) = directory.split_first_chunk_mut::<2>() else { return };
    for entry in entries.as_chunks_mut::<12>().0.iter_mut().take(usize::from(read16(count))) {
        let at = match part {
            Part::Type => 2,
            Part::Value => 8,
        };
        if read16([entry[0], entry[1]]) == tag && read16([entry[at], entry[at + 1]]) == from {
            let to = if is_little { to.to_le_bytes() } else { to.to_be_bytes() };
            entry[at..at + 2].copy_from_slice(&to);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_entry_is_rewritten() {
        let little: &[u8] =
            b"II\x2A\0\x08\0\0\0\x02\0\x06\x01\x03\0\x01\0\0\0\x03\0\0\0\x07\x01\x03\0\x01\0\0\0\x03\0\0\0";
        let mut block = little.to_vec();
        rewrite(&mut block, 0x0106, Part::Value, 3, 1);
        assert_eq!(block[18..20], [1, 0]);
        assert_eq!(block[20..], little[20..]);
        let big: &[u8] = b"MM\0\x2A\0\0\0\x08\0\x01\x88\x25\0\x0D\0\0\0\x01\0\0\0\x08";
        let mut block = big.to_vec();
        rewrite(&mut block, 0x8825, Part::Type, 13, 4);
        assert_eq!(block[12..14], [0, 4]);
        for length in 0..big.len() {
            let mut cut = big[..length].to_vec();
            rewrite(&mut cut, 0x8825, Part::Type, 13, 4);
            assert_eq!(cut, big[..length], "{length}");
        }
    }
}
