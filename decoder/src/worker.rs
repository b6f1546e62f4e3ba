//! The process that decodes: one picture from standard input, what came of it to standard output, within
//! limits that it sets for itself before it reads a byte.

use std::io::{Read, Write};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use rlimit::Resource;
use serde::{Deserialize, Serialize};
use shared::PictureId;
use shared::photo::{DerivativeKind, Derivatives, Taken};

use crate::{DecodeError, Derived, Encoded, derive, taken};

/// The largest file that is decoded, in bytes; the server asks before it sends more.
pub const FILE_BYTES_MAX: u64 = 512 * 1024 * 1024;
/// Memory that the process may map, in bytes: the file, the pixels, the program itself.
pub const MEMORY_BYTES_MAX: u64 = 3 * 1024 * 1024 * 1024;
/// Processor time, in seconds.
pub const CPU_SECONDS_MAX: u64 = 60;
/// Open files: the three standard ones, and what a library may need for a moment.
const OPEN_FILES_MAX: u64 = 16;
/// Those of ffmpeg, which looks around before it begins.
const FFMPEG_FILES_MAX: u64 = 64;
/// A frame of an answer, in bytes.
const FRAME_BYTES_MAX: usize = 64 * 1024;

/// What comes before the derivatives' bytes.
#[derive(Serialize, Deserialize)]
struct Made {
    width: u32,
    height: u32,
    picture: Option<PictureId>,
    thumbhash: Vec<u8>,
    derivatives: Derivatives<Size>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Size {
    width: u32,
    height: u32,
    bytes: usize,
}

/// What the process answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub taken: Taken,
    pub derived: Result<Derived, DecodeError>,
}

/// Why an answer is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the decoder's answer can't be read")]
pub struct InvalidAnswer;

/// The whole work of the process.
pub fn serve(mut input: impl Read, output: impl Write) -> std::io::Result<()> {
    limit_self(OPEN_FILES_MAX)?;
    let mut bytes = Vec::new();
    input.by_ref().take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    // First what is cheap: should the picture's pixels be the end of this process, it is known all the same.
    write_answer(output, taken(&bytes), || derive(&bytes))
}

/// Lets this process be ffmpeg, within the same limits: it reads the film, no other file that this may name and
/// nothing from the network, and writes one picture of it to standard output. Comes back only where that failed.
pub fn become_ffmpeg(ffmpeg: &Path, film: &Path) -> std::io::Error {
    if let Err(error) = limit_self(FFMPEG_FILES_MAX) {
        return error;
    }
    let side = DerivativeKind::Display.side_max();
    // Of the first frames the one that looks the most like the others: many films begin in the dark.
    let filter =
        format!("thumbnail=24,scale='min({side},iw)':'min({side},ih)':force_original_aspect_ratio=decrease");
    Command::new(ffmpeg)
        .args(["-nostdin", "-v", "error", "-threads", "1", "-protocol_whitelist", "file", "-f", "mov", "-i"])
        .arg(film)
        .args(["-an", "-sn", "-dn", "-vf", &filter, "-frames:v", "1", "-threads", "1"])
        .args(["-c:v", "png", "-f", "image2pipe", "pipe:1"])
        .exec()
}

fn limit_self(open_files_max: u64) -> std::io::Result<()> {
    rlimit::setrlimit(Resource::AS, MEMORY_BYTES_MAX, MEMORY_BYTES_MAX)?;
    rlimit::setrlimit(Resource::CPU, CPU_SECONDS_MAX, CPU_SECONDS_MAX)?;
    rlimit::setrlimit(Resource::FSIZE, 0, 0)?;
    rlimit::setrlimit(Resource::CORE, 0, 0)?;
    rlimit::setrlimit(Resource::NOFILE, open_files_max, open_files_max)
}

/// Two frames, each after its length: what the file says, then what was made, then the derivatives' bytes.
fn write_answer(
    mut output: impl Write,
    taken: Taken,
    derive: impl FnOnce() -> Result<Derived, DecodeError>,
) -> std::io::Result<()> {
    write_frame(&mut output, &taken)?;
    output.flush()?;
    let derived = derive();
    let size =
        |encoded: &Encoded| Size { width: encoded.width, height: encoded.height, bytes: encoded.bytes.len() };
    let made = derived.as_ref().map_err(Clone::clone).map(|derived| Made {
        width: derived.width,
        height: derived.height,
        picture: derived.picture,
        thumbhash: derived.thumbhash.clone(),
        derivatives: Derivatives {
            thumbnail: size(&derived.derivatives.thumbnail),
            preview: size(&derived.derivatives.preview),
            display: size(&derived.derivatives.display),
        },
    });
    write_frame(&mut output, &made)?;
    if let Ok(derived) = &derived {
        for kind in DerivativeKind::ALL {
            output.write_all(&derived.derivatives.get(kind).bytes)?;
        }
    }
    output.flush()
}

fn write_frame(output: &mut impl Write, value: &impl Serialize) -> std::io::Result<()> {
    let frame = serde_json::to_vec(value)?;
    output.write_all(&(frame.len() as u32).to_be_bytes())?;
    output.write_all(&frame)
}

/// An answer as far as the process came: one that died over the pixels has told what the file says.
pub fn read_answer(bytes: &[u8], ended: &str) -> Result<Answer, InvalidAnswer> {
    let (taken, rest) = read_frame(bytes)?;
    let died =
        || Answer { taken: Taken::clone(&taken), derived: Err(DecodeError::Damaged(ended.to_owned())) };
    let Ok((made, mut rest)) = read_frame::<Result<Made, DecodeError>>(rest) else { return Ok(died()) };
    let made = match made {
        Ok(made) => made,
        Err(error) => return Ok(Answer { taken, derived: Err(error) }),
    };
    let mut next = |size: Size| {
        let (bytes, left) = rest.split_at_checked(size.bytes)?;
        rest = left;
        Some(Encoded { width: size.width, height: size.height, bytes: bytes.to_vec() })
    };
    let Derivatives { thumbnail, preview, display } = made.derivatives;
    let (Some(thumbnail), Some(preview), Some(display)) = (next(thumbnail), next(preview), next(display))
    else {
        return Ok(died());
    };
    let Made { width, height, picture, thumbhash, .. } = made;
    let derivatives = Derivatives { thumbnail, preview, display };
    Ok(Answer { taken, derived: Ok(Derived { width, height, picture, thumbhash, derivatives }) })
}

fn read_frame<T: serde::de::DeserializeOwned>(bytes: &[u8]) -> Result<(T, &[u8]), InvalidAnswer> {
    let (length, rest) = bytes.split_first_chunk::<4>().ok_or(InvalidAnswer)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
    if length > FRAME_BYTES_MAX {
        return Err(InvalidAnswer);
    }
    let (frame, rest) = rest.split_at_checked(length).ok_or(InvalidAnswer)?;
    Ok((serde_json::from_slice(frame).map_err(|_| InvalidAnswer)?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> (Taken, Derived) {
        let encoded = |side: u32| Encoded { width: side, height: side, bytes: vec![7; side as usize] };
        let derivatives = Derivatives { thumbnail: encoded(2), preview: encoded(3), display: encoded(4) };
        let taken = Taken { camera: Some("Pinhole".to_owned()), ..Taken::default() };
        let picture = Some(PictureId(uuid::Uuid::from_u128(9)));
        (taken, Derived { width: 40, height: 40, picture, thumbhash: vec![1, 2], derivatives })
    }

    #[test]
    fn an_answer_is_read_as_it_was_written() {
        let (taken, derived) = answer();
        for derived in [Ok(derived), Err(DecodeError::TooLarge { width: 1, height: 2 })] {
            let mut bytes = Vec::new();
            write_answer(&mut bytes, taken.clone(), || derived.clone()).unwrap();
            assert_eq!(read_answer(&bytes, ""), Ok(Answer { taken: taken.clone(), derived }));
        }
    }

    #[test]
    fn what_was_told_before_the_end_counts() {
        let (taken, derived) = answer();
        let mut bytes = Vec::new();
        write_answer(&mut bytes, taken.clone(), || Ok(derived)).unwrap();
        let first = 4 + serde_json::to_vec(&taken).unwrap().len();
        for length in 0..bytes.len() {
            let read = read_answer(&bytes[..length], "it ran out of memory");
            if length < first {
                assert_eq!(read, Err(InvalidAnswer), "{length}");
            } else {
                let died = Err(DecodeError::Damaged("it ran out of memory".to_owned()));
                assert_eq!(read, Ok(Answer { taken: taken.clone(), derived: died }), "{length}");
            }
        }
    }
}
