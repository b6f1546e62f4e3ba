//! A copy of everything, made while the server works, and the way back.
//!
//! The database is copied first, then the objects that the copy names. Nothing is collected meanwhile, so
//! all of them are there. A restored server has a new epoch: clients notice, compare contents and send
//! again what the copy lacks, and nobody takes an old state for a delete.

use std::path::{Path, PathBuf};
use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _};
use uuid::Uuid;

use crate::blobs::{BlobError, BlobKey, Blobs, Stored};
use crate::clock::Env;
use crate::config::Database;
use crate::db::{Db, DbError, chunks, retention};
use crate::jobs::JobError;
use crate::state::App;

/// The database's name in a backup.
const DATABASE_FILE: &str = "cloudstead.sqlite";
/// The objects' folder in a backup.
const OBJECTS_FOLDER: &str = "blobs";
/// Where a restore works, beside the database.
const WORK_FOLDER: &str = "restoring";
/// How long nothing is collected from the start of a backup.
const COLLECTION_PAUSE: Duration = Duration::from_hours(24);
/// Objects copied at a time.
const COPIES_AT_ONCE: usize = 4;
const BATCH_ROWS: u32 = 256;

/// Why there is no backup, or none was restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    #[error("{} is not an empty folder. Name a new one.", .0.display())]
    NotEmpty(PathBuf),
    #[error("{} holds no backup. Name the folder that `backup` wrote.", .0.display())]
    NoBackup(PathBuf),
    #[error("{} exists. Move it away first: a restore begins with nothing.", .0.display())]
    InTheWay(PathBuf),
    #[error("{} objects are missing or damaged. Everything else is copied; run `verify` to see which.", .0)]
    Incomplete(u64),
    #[error("a file could not be written: {0}")]
    File(#[from] std::io::Error),
    #[error("the copy failed: {0}")]
    Job(#[from] JobError),
}

impl From<DbError> for BackupError {
    fn from(error: DbError) -> Self {
        Self::Job(error.into())
    }
}

impl From<BlobError> for BackupError {
    fn from(error: BlobError) -> Self {
        Self::Job(error.into())
    }
}

/// What was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Copied {
    pub objects: u64,
    /// Whether the database is in the copy: SQLite is, PostgreSQL has its own tools.
    pub with_database: bool,
}

/// Copies everything into a new or empty folder.
pub async fn backup(app: &App, folder: &Path) -> Result<Copied, BackupError> {
    std::fs::create_dir_all(folder)?;
    if std::fs::read_dir(folder)?.next().is_some() {
        return Err(BackupError::NotEmpty(folder.to_owned()));
    }
    let until = app.env.now() + COLLECTION_PAUSE;
    pause_collection(app, Some(until)).await?;
    let copied = copy(app, folder).await;
    pause_collection(app, None).await?;
    copied
}

async fn pause_collection(app: &App, until: Option<shared::Timestamp>) -> Result<(), DbError> {
    app.db
        .write::<_, DbError, _>(move |connection| Box::pin(retention::pause_collection(connection, until)))
        .await
}

async fn copy(app: &App, folder: &Path) -> Result<Copied, BackupError> {
    let with_database = matches!(app.config.database, Database::Sqlite(_));
    if with_database {
        let file = folder.join(DATABASE_FILE);
        app.db.copy_into(&file).await?;
        std::fs::File::open(&file)?.sync_all()?;
        std::fs::File::open(folder)?.sync_all()?;
    }
    // What the copy names is still named here: rows of chunks only go when they are collected.
    let to = Blobs::open_folder(&folder.join(OBJECTS_FOLDER))?;
    let objects = copy_objects(&app.db, &app.blobs, &to).await?;
    Ok(Copied { objects, with_database })
}

/// Copies every object that the database names.
async fn copy_objects(database: &Db, from: &Blobs, to: &Blobs) -> Result<u64, BackupError> {
    let (mut copied, mut lost) = (0, 0);
    let mut after = None;
    loop {
        let batch = chunks::page(&mut database.reader().await?, after, BATCH_ROWS).await?;
        let Some(last) = batch.last() else { break };
        after = Some((last.account, last.chunk.hash));
        let keys = batch.into_iter().filter_map(|held| match held.stored {
            Stored::Object(generation) => {
                Some(BlobKey { account: held.account, hash: held.chunk.hash, generation })
            }
            Stored::Inline(_) => None,
        });
        let outcomes: Vec<bool> = futures::stream::iter(keys)
            .map(async |key| match from.get(&key).await {
                Ok(bytes) => to.put(&key, bytes).await.map(|()| true),
                Err(error @ (BlobError::Missing(_) | BlobError::Rotten(_))) => {
                    tracing::error!(hash = %key.hash, %error, "an object could not be copied");
                    Ok(false)
                }
                Err(error) => Err(error),
            })
            .buffer_unordered(COPIES_AT_ONCE)
            .try_collect()
            .await?;
        copied += outcomes.iter().filter(|&&copied| copied).count() as u64;
        lost += outcomes.iter().filter(|&&copied| !copied).count() as u64;
    }
    if lost > 0 { Err(BackupError::Incomplete(lost)) } else { Ok(copied) }
}

/// Where a restore goes.
pub struct Target<'a> {
    pub database: &'a Database,
    pub blobs: &'a Blobs,
    pub env: &'a Env,
}

/// Brings a backup back, into a place without data. On PostgreSQL the database itself was restored by its
/// own tools before.
pub async fn restore(target: Target<'_>, folder: &Path) -> Result<Copied, BackupError> {
    let objects = folder.join(OBJECTS_FOLDER);
    if !objects.is_dir() {
        return Err(BackupError::NoBackup(folder.to_owned()));
    }
    let from = Blobs::open_folder(&objects)?;
    match target.database {
        Database::Sqlite(file) => {
            let kept = folder.join(DATABASE_FILE);
            if !kept.is_file() {
                return Err(BackupError::NoBackup(folder.to_owned()));
            }
            if file.exists() {
                return Err(BackupError::InTheWay(file.clone()));
            }
            let objects = restore_sqlite(&target, &from, &kept, file).await?;
            Ok(Copied { objects, with_database: true })
        }
        Database::Postgres(url) => {
            let database = Db::open_postgres(url, target.env).await?;
            let objects = copy_objects(&database, &from, target.blobs).await?;
            begin_epoch(&database, target.env).await?;
            Ok(Copied { objects, with_database: false })
        }
    }
}

/// The database comes into its place last and at once, so that it is never there without its objects.
async fn restore_sqlite(
    target: &Target<'_>,
    from: &Blobs,
    kept: &Path,
    file: &Path,
) -> Result<u64, BackupError> {
    let parent = file.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)?;
    let work = parent.join(WORK_FOLDER);
    match std::fs::remove_dir_all(&work) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        removed => removed?,
    }
    std::fs::create_dir(&work)?;
    let (copy, whole) = (work.join("copy.sqlite"), work.join("whole.sqlite"));
    std::fs::copy(kept, &copy)?;
    let database = Db::open_sqlite(&copy, target.env).await?;
    let objects = copy_objects(&database, from, target.blobs).await?;
    begin_epoch(&database, target.env).await?;
    database.copy_into(&whole).await?;
    drop(database);
    std::fs::File::open(&whole)?.sync_all()?;
    std::fs::rename(&whole, file)?;
    std::fs::File::open(parent)?.sync_all()?;
    std::fs::remove_dir_all(&work)?;
    Ok(objects)
}

/// The restored state is another history than the one that clients saw: their tokens end, and so do
/// sessions, some of which were ended since.
pub async fn begin_epoch(database: &Db, env: &Env) -> Result<(), DbError> {
    let epoch: Uuid = env.id();
    database
        .write::<_, DbError, _>(move |connection| Box::pin(retention::begin_epoch(connection, epoch)))
        .await
}
