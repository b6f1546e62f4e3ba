//! Sends one file: cut, announce, send what is missing, complete. Every step can be repeated; a session
//! that is gone is opened again, and the server says what it still misses.

use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use app::ports::UploadState;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::{Either, select};
use futures::{TryStreamExt, stream};
use shared::content::Manifest;
use shared::limits::CHUNK_BYTES_MAX;
use shared::upload::{AnnouncedChunk, InitUpload, Library, UploadCompleted, UploadStarted};
use shared::{ChunkRef, ErrorCode, UploadId};
use sync::{CallError, UploadOrder};
use web_sys::File;

use super::Uploader;
use super::job::Job;
use super::pace::STREAMS_MAX;
use super::source::{self, Ask};
use super::switch::{Cancelled, Wanted};
use crate::api::{self, Answer};
use crate::backoff::Backoff;
use crate::browser;
use crate::hashing::{CutError, Cuts};

/// Quick tries of each call; after them the engine waits for the network.
const TRIES: u32 = 3;
const BETWEEN_TRIES: Backoff = Backoff::new(Duration::from_millis(500), Duration::from_secs(4));
/// Sessions of one go: each is opened because the one before was gone or missed chunks.
const SESSIONS_MAX: usize = 8;

/// Why a file was not sent.
#[derive(Debug)]
pub enum Stop {
    Cancelled,
    Failed(CallError),
}

impl From<Cancelled> for Stop {
    fn from(_: Cancelled) -> Self {
        Self::Cancelled
    }
}

/// What ends a session but not the upload.
enum Setback {
    /// The server forgot it, or a chunk of it.
    SessionGone,
    /// The file's bytes are not those that were cut.
    FileChanged,
    Stop(Stop),
}

impl From<Stop> for Setback {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

pub async fn run(uploader: &Uploader, job: &Job, order: &UploadOrder) -> Result<UploadCompleted, Stop> {
    for _ in 0..SESSIONS_MAX {
        let file = find_file(uploader, job).await?;
        let Some(manifest) = cut(uploader, job, &file).await? else { continue };
        match one_session(uploader, job, order, &file, &manifest).await {
            Ok(completed) => return Ok(completed),
            Err(Setback::Stop(stop)) => return Err(stop),
            Err(Setback::SessionGone) => {}
            Err(Setback::FileChanged) => {
                job.record.borrow_mut().manifest = None;
                if !source::is_readable(&file).await {
                    uploader.sources.release(&job.staged());
                }
            }
        }
    }
    Err(Stop::Failed(CallError::Unreachable))
}

/// Waits for the person where the browser kept no way to the file.
pub async fn find_file(uploader: &Uploader, job: &Job) -> Result<File, Stop> {
    loop {
        job.switch.proceed().await?;
        let record = job.record.borrow().clone();
        if let Some(file) = uploader.sources.find(&record, Ask::Silently).await {
            return Ok(file);
        }
        uploader.enter(job, UploadState::NeedsFile);
        job.switch.changed().await;
    }
}

/// The manifest, kept from an earlier try or made now; None if the file cannot be read.
async fn cut(uploader: &Uploader, job: &Job, file: &File) -> Result<Option<Manifest>, Stop> {
    let kept = job.record.borrow().manifest.as_deref().and_then(unpack);
    if let Some(manifest) = kept {
        return Ok(Some(manifest));
    }
    uploader.enter(job, UploadState::Hashing);
    let staged = job.staged();
    let jobs = uploader.jobs.clone();
    let is_wanted = move |_bytes| {
        let cancelled = jobs.borrow().get(&staged).is_none_or(|job| job.switch.wanted() == Wanted::Cancelled);
        if cancelled { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    match uploader.hasher.manifest(file, Cuts::ByContent, is_wanted).await {
        Ok(manifest) => {
            job.record.borrow_mut().manifest = Some(STANDARD.encode(manifest.pack()));
            let record = job.record.borrow().clone();
            // Without the record the upload only cuts again after a reload.
            let _ = uploader.store.put_upload(&record).await;
            Ok(Some(manifest))
        }
        Err(CutError::Cancelled) => Err(Stop::Cancelled),
        Err(CutError::Unreadable) => {
            uploader.sources.release(&job.staged());
            Ok(None)
        }
    }
}

pub fn unpack(manifest: &str) -> Option<Manifest> {
    Manifest::unpack(&STANDARD.decode(manifest).ok()?)
}

async fn one_session(
    uploader: &Uploader,
    job: &Job,
    order: &UploadOrder,
    file: &File,
    manifest: &Manifest,
) -> Result<UploadCompleted, Setback> {
    let body = announcement(order, manifest);
    let started = patiently(job, async || api::init_upload(order.file_id, &body).await).await?;
    job.session.set(Some(started.upload_id));
    send_missing(uploader, job, order, file, manifest, &started).await?;
    job.switch.proceed().await.map_err(Stop::from)?;
    job.is_in_doubt.set(true);
    let completed =
        patiently(job, async || api::complete_upload(order.file_id, started.upload_id).await).await;
    if !matches!(completed, Err(Stop::Failed(CallError::Unreachable) | Stop::Cancelled)) {
        job.is_in_doubt.set(false);
    }
    match completed {
        Ok(completed) => Ok(completed),
        Err(Stop::Failed(CallError::Refused(problem))) if is_session_gone(problem.code) => {
            Err(Setback::SessionGone)
        }
        Err(stop) => Err(stop.into()),
    }
}

fn announcement(order: &UploadOrder, manifest: &Manifest) -> InitUpload {
    let chunks = manifest.chunks();
    let announced = |(index, chunk): (usize, &ChunkRef)| AnnouncedChunk {
        index: index as u32,
        hash: chunk.hash,
        size: chunk.size,
    };
    InitUpload {
        operation_id: order.operation_id,
        file_name: order.name.as_str().to_owned(),
        parent_id: Some(order.parent_id),
        total_size: manifest.size(),
        chunk_size: CHUNK_BYTES_MAX as u32,
        total_chunks: chunks.len() as u32,
        chunks: Some(chunks.iter().enumerate().map(announced).collect()),
        base_version: order.base.base_version.clone(),
        base_operation_id: order.base.base_operation_id,
        last_sync_token: order.last_sync_token.clone(),
        mime_type: order.mime_type.clone(),
        created_at: order.created_at,
        modified_at: order.modified_at,
        library: Library::Files,
    }
}

async fn send_missing(
    uploader: &Uploader,
    job: &Job,
    order: &UploadOrder,
    file: &File,
    manifest: &Manifest,
    started: &UploadStarted,
) -> Result<(), Setback> {
    let mut offset = 0;
    let offsets: Vec<u64> = manifest
        .chunks()
        .iter()
        .map(|chunk| {
            let start = offset;
            offset += u64::from(chunk.size);
            start
        })
        .collect();
    let missing: Vec<(u32, u64, ChunkRef)> = started
        .missing_chunks
        .iter()
        .filter_map(|&index| {
            Some((index, *offsets.get(index as usize)?, *manifest.chunks().get(index as usize)?))
        })
        .collect();
    job.begin_session(missing.iter().map(|(_, _, chunk)| u64::from(chunk.size)).sum());
    uploader.enter(job, UploadState::Uploading);
    let sending = stream::iter(missing.into_iter().map(Ok)).try_for_each_concurrent(
        STREAMS_MAX,
        |(index, offset, chunk)| {
            send_chunk(uploader, job, order, file, started.upload_id, (index, offset, chunk))
        },
    );
    // A cancel waits for no chunk: on a slow line one takes half a minute.
    match select(pin!(sending), pin!(job.switch.cancelled())).await {
        Either::Left((sent, _)) => sent,
        Either::Right((cancelled, _)) => Err(Stop::from(cancelled).into()),
    }
}

async fn send_chunk(
    uploader: &Uploader,
    job: &Job,
    order: &UploadOrder,
    file: &File,
    upload: UploadId,
    (index, offset, chunk): (u32, u64, ChunkRef),
) -> Result<(), Setback> {
    let size = u64::from(chunk.size);
    let bytes = file
        .slice_with_f64_and_f64(offset as f64, (offset + size) as f64)
        .map_err(|_| Setback::FileChanged)?;
    for failures in 1.. {
        job.switch.proceed().await.map_err(Stop::from)?;
        let lane = uploader.lanes.enter().await;
        job.switch.proceed().await.map_err(Stop::from)?;
        let sent = api::put_chunk(order.file_id, upload, index, chunk.hash, &bytes).await;
        let Err(error) = sent else {
            lane.arrived(size);
            job.add_sent(size);
            uploader.publish();
            return Ok(());
        };
        match &error {
            CallError::Refused(problem) if problem.code == ErrorCode::ChunkMismatch => {
                return Err(Setback::FileChanged);
            }
            CallError::Refused(problem) if is_session_gone(problem.code) => return Err(Setback::SessionGone),
            // A file that was changed or taken away fails like a broken line.
            CallError::Unreachable if !source::is_readable(file).await => return Err(Setback::FileChanged),
            _ => {}
        }
        lane.lost();
        if failures == TRIES || !may_pass(&error) {
            return Err(Stop::Failed(error).into());
        }
        browser::sleep(pause(&error, failures)).await;
    }
    Ok(())
}

/// A few quick tries of one call.
async fn patiently<T>(job: &Job, call: impl AsyncFn() -> Answer<T>) -> Result<T, Stop> {
    let mut failures = 0;
    loop {
        job.switch.proceed().await?;
        match call().await {
            Ok(answer) => return Ok(answer),
            Err(error) => {
                failures += 1;
                if failures == TRIES || !may_pass(&error) {
                    return Err(Stop::Failed(error));
                }
                browser::sleep(pause(&error, failures)).await;
            }
        }
    }
}

/// Whether trying again within seconds may help.
fn may_pass(error: &CallError) -> bool {
    match error {
        CallError::Unreachable => browser::is_online(),
        CallError::Refused(problem) => matches!(
            problem.code,
            ErrorCode::RateLimited | ErrorCode::RequestTimeout | ErrorCode::Unavailable | ErrorCode::Internal
        ),
    }
}

fn pause(error: &CallError, failures: u32) -> u64 {
    let own = BETWEEN_TRIES.wait(failures, browser::chance()).as_millis() as u64;
    match error {
        CallError::Refused(problem) => problem.retry_after_ms.unwrap_or(0).max(own),
        CallError::Unreachable => own,
    }
}

fn is_session_gone(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::UploadNotFound | ErrorCode::UploadExpired | ErrorCode::ChunksMissing)
}
