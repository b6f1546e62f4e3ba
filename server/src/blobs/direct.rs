//! Large objects are written past the page cache: the kernel's copy of every byte costs more than hashing it,
//! and what was just uploaded is seldom what is read next. The disk takes whole blocks that begin at a block's
//! boundary in memory; what follows the last whole block goes the usual way.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;

use bytes::{Bytes, BytesMut};

/// As large as the blocks of any disk in use.
const BLOCK_BYTES: usize = 4096;
/// Below, another system call costs more than the copy.
const BYTES_MIN: usize = 256 * 1024;

/// Takes up bytes that will be one object.
pub struct ObjectBuffer {
    bytes: BytesMut,
    /// Up to the boundary.
    skipped: usize,
}

impl ObjectBuffer {
    /// With room for `size` bytes: more would have to move.
    pub fn with_capacity(size: usize) -> Self {
        let mut bytes = BytesMut::with_capacity(size + BLOCK_BYTES);
        let skipped = bytes.as_ptr().align_offset(BLOCK_BYTES).min(BLOCK_BYTES);
        bytes.resize(skipped, 0);
        Self { bytes, skipped }
    }

    /// In bytes.
    pub fn size(&self) -> usize {
        self.bytes.len() - self.skipped
    }

    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    pub fn freeze(self) -> Bytes {
        self.bytes.freeze().slice(self.skipped..)
    }
}

/// Whether [`write`] may be worth trying.
pub(super) fn suits(bytes: &[u8]) -> bool {
    bytes.len() >= BYTES_MIN && bytes.as_ptr().align_offset(BLOCK_BYTES) == 0
}

/// Makes the file with these bytes, synced if so wanted. Answers false, and leaves nothing, where the file
/// system has no such writes.
pub(super) fn write(path: &Path, bytes: &[u8], synced: bool) -> io::Result<bool> {
    match try_write(path, bytes, synced) {
        Ok(()) => Ok(true),
        Err(error) => {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    tracing::warn!(%error, "a file that was not written whole could not be removed");
                }
                _ => {}
            }
            let unsupported = [io::ErrorKind::InvalidInput, io::ErrorKind::Unsupported];
            if unsupported.contains(&error.kind()) { Ok(false) } else { Err(error) }
        }
    }
}

fn try_write(path: &Path, bytes: &[u8], synced: bool) -> io::Result<()> {
    let (blocks, rest) = bytes.split_at(bytes.len() - bytes.len() % BLOCK_BYTES);
    let mut file = create_direct(path)?;
    file.write_all(blocks)?;
    if !rest.is_empty() {
        OpenOptions::new().append(true).open(path)?.write_all(rest)?;
    }
    if synced { file.sync_all() } else { Ok(()) }
}

#[cfg(target_os = "linux")]
fn create_direct(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new().write(true).create(true).truncate(true).custom_flags(libc::O_DIRECT).open(path)
}

#[cfg(not(target_os = "linux"))]
fn create_direct(_: &Path) -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(size: usize) -> Bytes {
        let mut buffer = ObjectBuffer::with_capacity(size);
        let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        for part in bytes.chunks(60_000) {
            buffer.extend_from_slice(part);
        }
        assert_eq!(buffer.size(), size);
        buffer.freeze()
    }

    #[test]
    fn what_a_buffer_took_up_is_written_whole_whatever_its_size() {
        let folder = tempfile::tempdir().unwrap();
        for size in [BYTES_MIN, BYTES_MIN + 1, 1_000_003, 4 * 1024 * 1024] {
            let bytes = filled(size);
            assert!(suits(&bytes), "{size}");
            let path = folder.path().join(size.to_string());
            // What an earlier try left is no matter.
            fs::write(&path, vec![7; size + 9]).unwrap();
            if write(&path, &bytes, true).unwrap() {
                assert_eq!(fs::read(&path).unwrap(), bytes, "{size}");
            } else {
                assert!(!path.exists(), "{size}");
            }
        }
    }

    #[test]
    fn small_ones_and_those_at_odd_places_go_the_usual_way() {
        assert!(!suits(&filled(BYTES_MIN - 1)));
        assert!(!suits(&filled(2 * BYTES_MIN)[1..]));
    }
}
