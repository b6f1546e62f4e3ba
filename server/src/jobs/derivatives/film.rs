//! Films: what one says of itself stands in a part of its file, so nothing else of it is read. Its picture is made by
//! ffmpeg, where there is one, in a process with the decoder's limits.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use bytes::Bytes;
use decoder::film::{self, HEADER_BYTES, Header};
use futures::{StreamExt as _, TryStreamExt as _};
use shared::content::Manifest;
use shared::{ContentHash, UserId};
use tokio::fs;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _, SeekFrom};
use tokio::process::Command;

use super::{NotDecoded, decode, store};
use crate::db::photos::{Found, LOOK, Picture};
use crate::ops::read::{self, ReadError};
use crate::state::App;

/// The command line's word for the process.
pub const POSTER: &str = "poster";
/// Parts of a file that are looked at until its description is found.
const PARTS_MAX: usize = 64;
/// What a film's kind and its description may have together, in bytes: hours of film have a few megabytes.
const DESCRIPTION_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Of what a film shows, that much from its beginning is given to ffmpeg, in bytes.
const BEGINNING_BYTES: u64 = 32 * 1024 * 1024;
/// The largest picture that ffmpeg may answer, in bytes: 2048 px a side, as they are.
const POSTER_BYTES_MAX: u64 = 16 * 1024 * 1024;
const POSTER_TIMEOUT: Duration = Duration::from_mins(1);

/// Parts of a film's file: the first of each kind.
#[derive(Debug, Default)]
struct Parts {
    kind: Option<Range<u64>>,
    description: Option<Range<u64>>,
    /// The headers of all other parts: without these, what comes after them is not found.
    headers: Vec<Range<u64>>,
    /// Where what it shows begins.
    media: Option<Range<u64>>,
}

impl Parts {
    /// What the film says of itself.
    fn described(&self) -> impl Iterator<Item = Range<u64>> {
        [&self.kind, &self.description].into_iter().flatten().cloned()
    }

    /// Takes in the part that begins there. What is too large, or comes again, is passed over.
    fn note(&mut self, header: &Header, start: u64) {
        let part = start..start + header.length;
        let described: u64 = self.described().map(|range| range.end - range.start).sum();
        let fits = described + header.length <= DESCRIPTION_BYTES_MAX;
        match &header.kind {
            b"ftyp" if fits && self.kind.is_none() => self.kind = Some(part),
            b"moov" if fits && self.description.is_none() => self.description = Some(part),
            kind => {
                self.headers.push(start..start + header.own_length);
                if kind == b"mdat" && self.media.is_none() {
                    self.media = Some(part);
                }
            }
        }
    }
}

/// Looks at a film, and stores what is made of it.
pub async fn look(
    app: &App,
    account: UserId,
    of: ContentHash,
    manifest: &Manifest,
) -> Result<Found, NotDecoded> {
    let parts = parts(app, account, manifest).await?;
    let ranges: Vec<Range<u64>> = parts.described().collect();
    let description = futures::stream::iter(ranges)
        .flat_map(|range| Box::pin(read::stream(app.clone(), account, manifest, range)));
    let taken = decode(app, description).await?.taken;
    let Some((width, height)) = taken.frame else {
        return Ok(Found { of, look: LOOK, taken, picture: Err("the film can't be read".to_owned()) });
    };
    let poster = match &app.config.ffmpeg {
        Some(ffmpeg) => poster(app, ffmpeg, account, manifest, &parts).await?,
        None => None,
    };
    let derived = match poster {
        Some(poster) => decode(app, futures::stream::iter([Ok(poster)])).await?.derived.ok(),
        None => None,
    };
    let picture = match derived {
        // Films are not compared by their posters.
        Some(derived) => Some(Picture { width, height, id: None, ..store(app, account, of, derived).await? }),
        None => None,
    };
    Ok(Found { of, look: LOOK, taken, picture: Ok(picture) })
}

/// Finds its parts by their headers alone.
async fn parts(app: &App, account: UserId, manifest: &Manifest) -> Result<Parts, ReadError> {
    let (mut parts, mut at, size) = (Parts::default(), 0, manifest.size());
    for _ in 0..PARTS_MAX {
        let range = at..size.min(at + HEADER_BYTES as u64);
        let bytes = stretch(app, account, manifest, range).await?;
        let Some(header) = film::header(&bytes, size - at) else { break };
        parts.note(&header, at);
        at += header.length;
        if parts.description.is_some() && parts.media.is_some() {
            break;
        }
    }
    Ok(parts)
}

async fn stretch(
    app: &App,
    account: UserId,
    manifest: &Manifest,
    range: Range<u64>,
) -> Result<Vec<u8>, ReadError> {
    let pieces = Box::pin(read::stream(app.clone(), account, manifest, range));
    pieces
        .try_fold(Vec::new(), |mut bytes, piece| async move {
            bytes.extend_from_slice(&piece);
            Ok(bytes)
        })
        .await
}

/// A picture of the film. None where ffmpeg made none: that is no reason to try again.
async fn poster(
    app: &App,
    ffmpeg: &Path,
    account: UserId,
    manifest: &Manifest,
    parts: &Parts,
) -> Result<Option<Bytes>, NotDecoded> {
    let Some(media) = &parts.media else { return Ok(None) };
    let folder = posters(app);
    fs::create_dir_all(&folder).await?;
    let file = Beginning { path: folder.join(app.env.id::<uuid::Uuid>().to_string()) };
    let beginning = media.start..media.end.min(media.start + BEGINNING_BYTES);
    let ranges = parts.described().chain(parts.headers.iter().cloned()).chain([beginning]);
    write(app, account, manifest, ranges, &file.path).await?;
    let made = run(app, ffmpeg, &file.path).await?;
    if made.is_none() {
        tracing::info!("ffmpeg made no picture of a film");
    }
    Ok(made)
}

/// Where beginnings of films are, for as long as ffmpeg reads them.
pub fn posters(app: &App) -> PathBuf {
    app.config.data.join("posters")
}

/// The beginning of a film in a file, which goes with this.
struct Beginning {
    path: PathBuf,
}

impl Drop for Beginning {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path) {
            tracing::warn!(%error, "the beginning of a film could not be deleted");
        }
    }
}

/// Writes these parts where they are in the film; the rest is a hole.
async fn write(
    app: &App,
    account: UserId,
    manifest: &Manifest,
    ranges: impl Iterator<Item = Range<u64>>,
    path: &Path,
) -> Result<(), NotDecoded> {
    let mut file = fs::File::create(path).await?;
    file.set_len(manifest.size()).await?;
    for range in ranges {
        file.seek(SeekFrom::Start(range.start)).await?;
        let mut pieces = Box::pin(read::stream(app.clone(), account, manifest, range));
        while let Some(piece) = pieces.try_next().await? {
            file.write_all(&piece).await?;
        }
    }
    file.flush().await?;
    Ok(())
}

async fn run(app: &App, ffmpeg: &Path, film: &Path) -> Result<Option<Bytes>, NotDecoded> {
    let mut process = Command::new(&app.config.decoder)
        .arg(POSTER)
        .args([ffmpeg, film])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let Some(output) = process.stdout.take() else { return Ok(None) };
    let mut picture = Vec::new();
    let working = async {
        output.take(POSTER_BYTES_MAX).read_to_end(&mut picture).await?;
        process.wait().await
    };
    let Ok(ended) = tokio::time::timeout(POSTER_TIMEOUT, working).await else { return Ok(None) };
    let is_made = ended?.success() && !picture.is_empty();
    Ok(is_made.then(|| picture.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parts of these kinds and lengths, one after another.
    fn parts(all: &[(&[u8; 4], u64)]) -> Parts {
        let (mut parts, mut at) = (Parts::default(), 0);
        for &(kind, length) in all {
            parts.note(&Header { kind: *kind, length, own_length: 8 }, at);
            at += length;
        }
        parts
    }

    fn bytes(parts: &Parts) -> u64 {
        parts.described().map(|range| range.end - range.start).sum()
    }

    #[test]
    fn only_what_comes_first_is_read() {
        let parts = parts(&[(b"ftyp", 20), (b"moov", 300), (b"moov", 40), (b"ftyp", 24), (b"mdat", 900)]);
        assert_eq!((parts.kind.clone(), parts.description.clone()), (Some(0..20), Some(20..320)));
        assert_eq!(parts.media, Some(384..1_284));
        assert_eq!(parts.headers, [320..328, 360..368, 384..392]);
    }

    #[test]
    fn descriptions_are_bounded_together() {
        let whole = DESCRIPTION_BYTES_MAX;
        assert_eq!(bytes(&parts(&[(b"ftyp", 20), (b"moov", whole - 20)])), whole);
        assert_eq!(bytes(&parts(&[(b"ftyp", 20), (b"moov", whole - 19)])), 20);
        assert_eq!(bytes(&parts(&[(b"moov", whole); PARTS_MAX])), whole);
        assert_eq!(bytes(&parts(&[(b"ftyp", u64::MAX / 2)])), 0);
    }
}
