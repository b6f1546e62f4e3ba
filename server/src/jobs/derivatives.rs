//! Derivatives of photos: each picture is decoded in a process of its own, which limits itself; whatever it
//! does, it costs that photo its preview and nothing else.

pub mod film;

use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use decoder::Derived;
use decoder::worker::{Answer, FILE_BYTES_MAX, read_answer};
use futures::{Stream, TryStreamExt as _};
use shared::content::Manifest;
use shared::photo::{DerivativeKind, Derivatives, Taken};
use shared::{ChunkHash, ContentHash, UserId};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{ChildStdin, Command};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::JobError;
use crate::access;
use crate::blobs::{BlobError, DerivativeKey};
use crate::db::photos::{self, Due, Found, LOOK, Made, Picture};
use crate::db::{DbError, items, manifests};
use crate::ops::push;
use crate::ops::read::{self, ReadError};
use crate::state::App;

/// The command line's word for the process.
pub const DECODE: &str = "decode";
/// Tries of one picture, the server's own failures counted too: should one of them end the server, it is not
/// tried for ever.
const ATTEMPTS_MAX: u32 = 3;
/// How long a photo is left to who took it on.
const LEASE: Duration = Duration::from_mins(5);
/// How long one picture may take, waiting for its bytes included.
const DECODE_TIMEOUT: Duration = Duration::from_mins(2);
/// The pause between two looks at what is due; what happens on this node wakes it at once.
const POLL_EVERY: Duration = Duration::from_secs(5);
/// The most that an answer can have, in bytes: three JPEG files.
const ANSWER_BYTES_MAX: u64 = 32 * 1024 * 1024;
/// Bytes that tell what a file is.
const HEAD_BYTES: u64 = 32;
/// Processes at a time, whatever the number of cores: each may take much memory.
const PROCESSES_MAX: usize = 4;
/// Photos looked up at once.
const DUE_AT_ONCE: usize = 16;
/// Exit status of a process that panicked.
const PANICKED: i32 = 101;

/// Why a picture was not looked at; it is tried again.
#[derive(Debug, thiserror::Error)]
pub enum NotDecoded {
    #[error("the decoder could not be run: {0}")]
    Process(#[from] std::io::Error),
    #[error("the picture could not be read: {0}")]
    Read(#[from] ReadError),
    #[error("what was made of it could not be stored: {0}")]
    Store(#[from] BlobError),
    #[error("the decoder did not answer")]
    NoAnswer,
}

/// Makes what is due until the server stops.
pub async fn run(app: App, stop: CancellationToken) {
    // What a server that was ended left behind.
    drop(tokio::fs::remove_dir_all(film::posters(&app)).await);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let places = Arc::new(Semaphore::new(cores.min(PROCESSES_MAX)));
    loop {
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            loop {
                match claim(&app).await {
                    Ok(Some(due)) => return Some((place, due)),
                    Ok(None) => {}
                    Err(error) => tracing::error!(%error, "photos could not be looked up"),
                }
                drop(tokio::time::timeout(POLL_EVERY, app.photos_due.notified()).await);
            }
        };
        let Some((place, due)) = stop.run_until_cancelled(next).await.flatten() else { return };
        let app = app.clone();
        tokio::spawn(async move {
            if let Err(error) = make(&app, due).await {
                metrics::counter!("cloudstead_derivatives_total", "outcome" => "tried again").increment(1);
                tracing::warn!(item = %due.item_id, %error, "derivatives could not be made; tried again");
            }
            drop(place);
        });
    }
}

/// Makes everything that is due now, one after another. Answers how many.
pub async fn make_due(app: &App) -> Result<u64, JobError> {
    let mut made = 0;
    while let Some(due) = claim(app).await? {
        make(app, due).await?;
        made += 1;
    }
    Ok(made)
}

/// The next photo that is due, taken on.
async fn claim(app: &App) -> Result<Option<Due>, JobError> {
    let now = app.env.now();
    let all = photos::due(&mut app.db.reader().await?, now, now + 2 * LEASE, DUE_AT_ONCE).await?;
    for due in all {
        let claimed = app.db.write::<_, DbError, _>(move |connection| {
            Box::pin(async move { photos::claim(connection, due, now + LEASE).await })
        });
        if claimed.await? {
            return Ok(Some(due));
        }
    }
    Ok(None)
}

async fn make(app: &App, due: Due) -> Result<(), JobError> {
    let mut reader = app.db.reader().await?;
    let Some(grant) = access::caretaker_grant(&mut reader, due.zone_id).await? else { return Ok(()) };
    let row = items::load(&mut reader, due.zone_id, &[due.item_id]).await?.pop();
    let Some(content) = row.and_then(|row| row.content_hash) else { return Ok(()) };
    let manifest = manifests::load(&mut reader, grant.account_id, content).await?;
    drop(reader);
    // Purged since it was claimed.
    let Some(manifest) = manifest else { return Ok(()) };
    let last = due.attempts + 1 >= ATTEMPTS_MAX;
    let found = if due.attempts >= ATTEMPTS_MAX {
        failed(content, "it could not be looked at")
    } else {
        match look(app, grant.account_id, content, &manifest).await {
            Ok(found) => found,
            Err(error) if last => {
                tracing::error!(item = %due.item_id, %error, "derivatives are given up");
                failed(content, "it could not be looked at")
            }
            Err(error) => return Err(error.into()),
        }
    };
    let outcome = if found.picture.is_ok() { "made" } else { "failed" };
    push::write_found(app, grant, due.item_id, content, Some(found)).await?;
    metrics::counter!("cloudstead_derivatives_total", "outcome" => outcome).increment(1);
    Ok(())
}

fn failed(of: ContentHash, reason: &str) -> Found {
    Found { of, look: LOOK, taken: Taken::default(), picture: Err(reason.to_owned()) }
}

/// Looks at a picture or a film, and stores what is made of it.
async fn look(app: &App, account: UserId, of: ContentHash, manifest: &Manifest) -> Result<Found, NotDecoded> {
    let bytes = |range| Box::pin(read::stream(app.clone(), account, manifest, range));
    let head: Vec<Bytes> = bytes(0..manifest.size().min(HEAD_BYTES)).try_collect().await?;
    let head = head.concat();
    if decoder::format_of(&head).is_none() && decoder::film::is_film(&head) {
        return film::look(app, account, of, manifest).await;
    }
    if manifest.size() > FILE_BYTES_MAX {
        return Ok(failed(of, "the file is too large"));
    }
    let Answer { taken, derived } = decode(app, bytes(0..manifest.size())).await?;
    let picture = match derived {
        Ok(derived) => Ok(Some(store(app, account, of, derived).await?)),
        Err(error) => Err(error.to_string()),
    };
    Ok(Found { of, look: LOOK, taken, picture })
}

/// Stores the derivatives.
async fn store(app: &App, account: UserId, of: ContentHash, derived: Derived) -> Result<Picture, BlobError> {
    let store = async |kind: DerivativeKind| {
        let encoded = derived.derivatives.get(kind);
        let made = Made {
            width: encoded.width,
            height: encoded.height,
            size: encoded.bytes.len() as u64,
            hash: ChunkHash::of(&encoded.bytes),
        };
        let key = DerivativeKey { account, content: of, kind };
        app.blobs.put_derivative(&key, Bytes::from(encoded.bytes.clone())).await?;
        Ok::<_, BlobError>(made)
    };
    let derivatives = Derivatives {
        thumbnail: store(DerivativeKind::Thumbnail).await?,
        preview: store(DerivativeKind::Preview).await?,
        display: store(DerivativeKind::Display).await?,
    };
    let Derived { width, height, picture, thumbhash, .. } = derived;
    Ok(Picture { width, height, id: picture, thumbhash, derivatives })
}

/// Lets a process of its own look at the picture. It gets the bytes and nothing else, not even the environment.
async fn decode(
    app: &App,
    bytes: impl Stream<Item = Result<Bytes, ReadError>> + Unpin,
) -> Result<Answer, NotDecoded> {
    let mut process = Command::new(&app.config.decoder)
        .arg(DECODE)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
        return Err(NotDecoded::NoAnswer);
    };
    let mut answer = Vec::new();
    let working = async {
        let mut output = output.take(ANSWER_BYTES_MAX);
        let (fed, read) = tokio::join!(feed(bytes, input), output.read_to_end(&mut answer));
        fed?;
        read?;
        Ok::<_, NotDecoded>(process.wait().await?)
    };
    let ended = match tokio::time::timeout(DECODE_TIMEOUT, working).await {
        Ok(status) => how_it_ended(status?),
        Err(_) => "it takes too long",
    };
    read_answer(&answer, ended).map_err(|_| NotDecoded::NoAnswer)
}

/// A process that ends early needs no more.
async fn feed(
    mut bytes: impl Stream<Item = Result<Bytes, ReadError>> + Unpin,
    mut input: ChildStdin,
) -> Result<(), ReadError> {
    while let Some(piece) = bytes.try_next().await? {
        if input.write_all(&piece).await.is_err() {
            break;
        }
    }
    Ok(())
}

/// Of a process that did not finish its answer, for people.
fn how_it_ended(status: ExitStatus) -> &'static str {
    match status.code() {
        Some(PANICKED) => "it can't be decoded",
        Some(_) => "the decoder gave up",
        None => "it takes too much memory or time",
    }
}
