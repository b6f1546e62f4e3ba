//! The folders of a local object store. The store syncs a folder that it makes, but a second write that
//! finds the folder there already could be acknowledged before its maker has synced the parent. So each
//! folder is made and synced here, once a process, before anything is put into it.

use std::collections::HashSet;
use std::fs::{self, File};
use std::path::{Path as FilePath, PathBuf};
use std::time::UNIX_EPOCH;

use object_store::path::Path;
use shared::Timestamp;
use tokio::sync::Mutex;

use super::error::BlobError;

/// Folders remembered as synced; beyond, they are synced again.
const REMEMBERED_MAX: usize = 65_536;

pub(super) struct Folders {
    root: PathBuf,
    durable: Mutex<HashSet<String>>,
}

impl Folders {
    pub(super) fn new(root: &FilePath) -> Self {
        Self { root: root.to_owned(), durable: Mutex::default() }
    }

    /// Makes the folder of `object` durable: its entry and those of the folders above it.
    pub(super) async fn ensure(&self, object: &Path) -> Result<(), BlobError> {
        let Some((folder, _)) = object.as_ref().rsplit_once('/') else { return Ok(()) };
        // Held while syncing: whoever finds the folder remembered finds it durable.
        let mut durable = self.durable.lock().await;
        if durable.contains(folder) {
            return Ok(());
        }
        let (root, relative) = (self.root.clone(), folder.to_owned());
        blocking(move || make_durable(&root, &relative)).await?;
        if durable.len() >= REMEMBERED_MAX {
            durable.clear();
        }
        durable.insert(folder.to_owned());
        Ok(())
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

fn make_durable(root: &FilePath, relative: &str) -> std::io::Result<()> {
    let mut folder = root.to_owned();
    for part in relative.split('/') {
        let parent = folder.clone();
        folder.push(part);
        match fs::create_dir(&folder) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            made => made?,
        }
        // Also where it was there: its maker may have been killed before it synced.
        sync_folder(&parent)?;
    }
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &FilePath) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &FilePath) -> std::io::Result<()> {
    Ok(())
}

/// The store writes `name#n` and renames it.
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
