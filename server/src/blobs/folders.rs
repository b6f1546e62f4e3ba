//! The folders of a local object store. The store syncs a folder that it makes, but a second write that
//! finds the folder there already could be acknowledged before its maker has synced the parent. So all
//! folders of an account are made here, once a process, before anything is put into one of them: together,
//! because then one sync serves them all.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path as FilePath, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::UNIX_EPOCH;

use bytes::Bytes;
use object_store::path::Path;
use shared::Timestamp;
use tokio::sync::Mutex;

use super::direct;
use super::error::BlobError;
use crate::faults::Fault;

/// Accounts whose folders are remembered as synced; beyond, they are synced again.
const REMEMBERED_MAX: usize = 65_536;
/// Folders of an account: one for each first byte of a hash.
const FOLDERS: std::ops::RangeInclusive<u8> = 0..=u8::MAX;

pub(super) struct Folders {
    root: PathBuf,
    durable: Mutex<HashSet<String>>,
    /// The file system takes no direct writes.
    lacks_direct: AtomicBool,
}

impl Folders {
    pub(super) fn new(root: &FilePath) -> Self {
        Self { root: root.to_owned(), durable: Mutex::default(), lacks_direct: AtomicBool::new(false) }
    }

    /// Makes the folders of the object's account durable, and the entries of those above them.
    pub(super) async fn ensure(&self, object: &Path) -> Result<(), BlobError> {
        let Some(account) = object.as_ref().rsplitn(3, '/').nth(2) else { return Ok(()) };
        // Held while syncing: whoever finds the account remembered finds its folders durable.
        let mut durable = self.durable.lock().await;
        if durable.contains(account) {
            return Ok(());
        }
        let (root, relative) = (self.root.clone(), account.to_owned());
        blocking(move || make_durable(&root, &relative)).await?;
        if durable.len() >= REMEMBERED_MAX {
            durable.clear();
        }
        durable.insert(account.to_owned());
        Ok(())
    }

    /// Writes the object past the page cache, durable once it answers true. False: nothing was done, and it is to
    /// be put as any other.
    pub(super) async fn put_direct(&self, object: &Path, bytes: &Bytes) -> Result<bool, BlobError> {
        if self.lacks_direct.load(Ordering::Relaxed) || !direct::suits(bytes) {
            return Ok(false);
        }
        let (path, bytes) = (self.root.join(object.as_ref()), bytes.clone());
        let is_written = blocking(move || place(&path, &bytes)).await?;
        if !is_written {
            self.lacks_direct.store(true, Ordering::Relaxed);
        }
        Ok(is_written)
    }

    pub(super) async fn probe(&self) -> Result<(), BlobError> {
        let root = self.root.clone();
        blocking(move || fs::read_dir(root).map(drop)).await
    }

    pub(super) async fn remove_partial_writes(&self, before: Timestamp) -> Result<u64, BlobError> {
        let root = self.root.clone();
        blocking(move || remove_partial(&root, before)).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T, BlobError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => Ok(outcome?),
        Err(stopped) => Err(BlobError::Unavailable(stopped.into())),
    }
}

/// Under its own name once it is whole, as the store does it.
fn place(path: &FilePath, bytes: &[u8]) -> std::io::Result<bool> {
    let synced = !Fault::NoDirectorySync.is_planted();
    let mut partial = path.as_os_str().to_owned();
    partial.push("#0");
    if !direct::write(partial.as_ref(), bytes, synced)? {
        return Ok(false);
    }
    fs::rename(&partial, path)?;
    if synced && let Some(folder) = path.parent() {
        sync_folder(folder)?;
    }
    Ok(true)
}

fn make_durable(root: &FilePath, account: &str) -> std::io::Result<()> {
    let mut folder = root.to_owned();
    for part in account.split('/') {
        let parent = folder.clone();
        folder.push(part);
        make(&folder)?;
        // Also where it was there: its maker may have been killed before it synced.
        sync_folder(&parent)?;
    }
    for first_byte in FOLDERS {
        make(&folder.join(format!("{first_byte:02x}")))?;
    }
    sync_folder(&folder)
}

fn make(folder: &FilePath) -> std::io::Result<()> {
    match fs::create_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        made => made,
    }
}

#[cfg(unix)]
fn sync_folder(folder: &FilePath) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &FilePath) -> std::io::Result<()> {
    Ok(())
}

/// The store writes `name#n` and renames it; so does [`place`].
fn remove_partial(folder: &FilePath, before: Timestamp) -> std::io::Result<u64> {
    let mut removed = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            removed += remove_partial(&entry.path(), before)?;
        } else if entry.file_name().to_string_lossy().contains('#') && written_at(&entry)? < before {
            fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn written_at(entry: &fs::DirEntry) -> std::io::Result<Timestamp> {
    let since_epoch = entry.metadata()?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)))
}
