//! A folder as a ZIP, written while it is sent: memory for one chunk and the list of entries, no more.

use std::collections::HashSet;

use async_zip::base::write::ZipFileWriter;
use async_zip::error::ZipError;
use async_zip::{AttributeCompatibility, Compression, ZipDateTime, ZipDateTimeBuilder, ZipEntryBuilder};
use bytes::Bytes;
use futures::io::AsyncWriteExt as _;
use futures::{Stream, TryStreamExt as _};
use shared::{ItemId, Timestamp};
use time::OffsetDateTime;
use tokio::io::DuplexStream;
use tokio_util::compat::TokioAsyncWriteCompatExt as _;
use tokio_util::io::ReaderStream;
use tokio_util::task::AbortOnDropHandle;

use super::read::{self, ReadError};
use crate::access::Grant;
use crate::db::files::{self, FileRow};
use crate::db::{DbError, manifests};
use crate::state::App;

/// Bytes between the writer of the archive and the connection.
const PIPE_BYTES: usize = 256 * 1024;
/// Unix modes of what is in the archive.
const FILE_MODE: u16 = 0o100_644;
const FOLDER_MODE: u16 = 0o040_755;
/// The years that the format can write.
const YEARS: std::ops::RangeInclusive<i32> = 1980..=2107;

#[derive(Debug, thiserror::Error)]
pub enum ZipStreamError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error("the archive could not be written")]
    Zip(#[from] ZipError),
    #[error("the connection ended")]
    Pipe(#[from] std::io::Error),
    #[error("the writer of the archive was stopped")]
    Stopped,
}

impl From<DbError> for ZipStreamError {
    fn from(error: DbError) -> Self {
        Self::Read(error.into())
    }
}

type Writer = ZipFileWriter<tokio_util::compat::Compat<DuplexStream>>;

/// The archive's bytes. If something can't be read the stream ends in an error, so that nobody takes half
/// an archive for a whole one.
pub fn stream(
    app: App,
    grant: Grant,
    folder: ItemId,
    name: String,
) -> impl Stream<Item = Result<Bytes, ZipStreamError>> + Send {
    async_stream::try_stream! {
        let (reading, writing) = tokio::io::duplex(PIPE_BYTES);
        let writer = tokio::spawn(async move { write(&app, grant, folder, name, writing).await });
        let writer = AbortOnDropHandle::new(writer);
        let mut bytes = ReaderStream::with_capacity(reading, PIPE_BYTES);
        while let Some(bytes) = bytes.try_next().await? {
            yield bytes;
        }
        match writer.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "an archive was cut short");
                Err(error)?;
            }
            Err(_) => Err(ZipStreamError::Stopped)?,
        }
    }
}

async fn write(
    app: &App,
    grant: Grant,
    folder: ItemId,
    name: String,
    pipe: DuplexStream,
) -> Result<(), ZipStreamError> {
    let mut zip = ZipFileWriter::new(pipe.compat_write());
    let mut folders = vec![(folder, plain(&name), Timestamp::default())];
    while let Some((folder, path, modified_at)) = folders.pop() {
        let entry = entry(format!("{path}/"), modified_at, FOLDER_MODE);
        zip.write_entry_whole(entry, &[]).await?;
        let mut reader = app.db.reader().await?;
        let mut children = files::children(&mut reader, grant.zone_id, folder).await?;
        drop(reader);
        name_plainly(&mut children);
        let (inside, deeper): (Vec<_>, Vec<_>) =
            children.into_iter().partition(|child| child.content_hash.is_some());
        for file in inside {
            write_file(app, grant, &mut zip, &path, &file).await?;
        }
        for child in deeper.into_iter().rev() {
            folders.push((child.id, format!("{path}/{}", child.name), child.modified_at));
        }
    }
    zip.close().await?.close().await?;
    Ok(())
}

/// Without what some programs take for a separator when they unpack: no entry may lead elsewhere.
fn plain(name: &str) -> String {
    name.replace(|c: char| matches!(c, '\\' | '\u{2028}' | '\u{2029}') || c.is_control(), "_")
}

/// Gives the children of one folder plain names. Those that are plain keep theirs; another that would be
/// equal takes a number.
fn name_plainly(children: &mut [FileRow]) {
    let (kept, changed): (Vec<&mut FileRow>, Vec<_>) =
        children.iter_mut().partition(|child| plain(&child.name) == child.name);
    let mut taken: HashSet<String> = kept.iter().map(|child| child.name.clone()).collect();
    for child in changed {
        let name = plain(&child.name);
        let dot = name.rfind('.').filter(|&dot| dot > 0).unwrap_or(name.len());
        let (stem, extension) = name.split_at(dot);
        let mut free = name.clone();
        let mut number = 2;
        while taken.contains(&free) {
            free = format!("{stem} ({number}){extension}");
            number += 1;
        }
        taken.insert(free.clone());
        child.name = free;
    }
}

async fn write_file(
    app: &App,
    grant: Grant,
    zip: &mut Writer,
    path: &str,
    file: &FileRow,
) -> Result<(), ZipStreamError> {
    let Some(content) = file.content_hash else { return Ok(()) };
    let mut reader = app.db.reader().await?;
    // Replaced or purged since the folder was listed: the archive is of what is there now.
    let Some(manifest) = manifests::load(&mut reader, grant.account_id, content).await? else {
        return Ok(());
    };
    drop(reader);
    let entry = entry(format!("{path}/{}", file.name), file.modified_at, FILE_MODE)
        .uncompressed_size(manifest.size())
        .compressed_size(manifest.size());
    let mut writer = zip.write_entry_stream(entry).await?;
    let mut bytes = Box::pin(read::stream(app.clone(), grant.account_id, &manifest, 0..manifest.size()));
    while let Some(bytes) = bytes.try_next().await? {
        writer.write_all(&bytes).await?;
    }
    writer.close().await?;
    Ok(())
}

fn entry(path: String, modified_at: Timestamp, mode: u16) -> ZipEntryBuilder {
    ZipEntryBuilder::new(path.into(), Compression::Stored)
        .attribute_compatibility(AttributeCompatibility::Unix)
        .unix_permissions(mode)
        .last_modification_date(zip_time(modified_at))
}

/// To two seconds, in UTC: the format knows no zones.
fn zip_time(at: Timestamp) -> ZipDateTime {
    let nanos = i128::from(at.as_millis()) * 1_000_000;
    let at = OffsetDateTime::from_unix_timestamp_nanos(nanos).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let first = ZipDateTimeBuilder::new().year(*YEARS.start()).month(1).day(1);
    if !YEARS.contains(&at.year()) {
        return first.build();
    }
    ZipDateTimeBuilder::new()
        .year(at.year())
        .month(u8::from(at.month()).into())
        .day(at.day().into())
        .hour(at.hour().into())
        .minute(at.minute().into())
        .second(at.second().into())
        .build()
}
