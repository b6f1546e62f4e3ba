//! All SQL. `Db` is either database; reads take a connection, writes hand over a piece of work that is
//! durable once it is answered.

pub mod activity;
pub mod albums;
pub mod aliases;
pub mod audit;
pub mod chunks;
pub mod conflicts;
pub mod devices;
mod error;
pub mod files;
pub mod invites;
pub mod items;
pub mod manifests;
pub mod members;
mod migrate;
pub mod operations;
pub mod photos;
pub mod recount;
pub mod retention;
pub mod sessions;
pub mod settings;
mod sql;
pub mod uploads;
pub mod users;
pub mod versions;
mod writer;
pub mod zone_codes;
pub mod zones;

use std::path::Path;
use std::time::Duration;

use futures::future::BoxFuture;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Executor as _, PgPool, SqlitePool};
use tokio::sync::mpsc;
use tokio::time::Instant;

pub use error::DbError;
pub use sql::{Column, Connection, Row, Value};

use crate::clock::Env;
use crate::faults::Fault;

/// Readers of SQLite beside its one writer; each is a thread.
const SQLITE_READERS: u32 = 4;
/// Pages that SQLite's writer keeps in memory: keys are random, so it comes back to the upper ones.
const SQLITE_WRITER_CACHE_KIB: u32 = 16 * 1024;
/// Pages in the log before they are moved into the database, 16 MiB: the larger, the fewer are moved twice.
const SQLITE_CHECKPOINT_PAGES: u32 = 4_096;
/// Rows of an answer on their way from a SQLite thread.
const SQLITE_ROWS_BUFFERED: usize = 512;
/// Statements that a connection keeps prepared: more than there are.
const STATEMENTS_CACHED: usize = 512;
/// Connections to PostgreSQL a node.
const POSTGRES_CONNECTIONS: u32 = 16;
/// How long a request waits for a connection before it is told to come back.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long SQLite waits for a lock that another process holds (`verify`, a backup).
const SQLITE_BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Where the data is: cheap to clone.
#[derive(Clone)]
pub struct Db(Backend);

#[derive(Clone)]
enum Backend {
    Sqlite { readers: SqlitePool, writer: mpsc::Sender<Box<dyn writer::Job>> },
    Postgres(PgPool),
}

impl Db {
    /// Opens, or makes, the SQLite file, migrated.
    pub async fn open_sqlite(file: &Path, env: &Env) -> Result<Self, DbError> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .busy_timeout(SQLITE_BUSY_TIMEOUT)
            .statement_cache_capacity(STATEMENTS_CACHED)
            .row_buffer_size(SQLITE_ROWS_BUFFERED);
        let writing = options
            .clone()
            .create_if_missing(true)
            .auto_vacuum(SqliteAutoVacuum::Incremental)
            .journal_mode(SqliteJournalMode::Wal)
            .pragma("cache_size", format!("-{SQLITE_WRITER_CACHE_KIB}"))
            .pragma("wal_autocheckpoint", SQLITE_CHECKPOINT_PAGES.to_string())
            // Acknowledged means durable: every commit is on the disk.
            .synchronous(if Fault::SqliteSyncOff.is_planted() {
                SqliteSynchronous::Off
            } else {
                SqliteSynchronous::Full
            });
        let writer_pool = SqlitePoolOptions::new().max_connections(1).connect_with(writing).await?;
        let connection = Connection::sqlite(writer_pool.acquire().await?);
        let (writer, queue) = mpsc::channel(writer::WRITE_QUEUE_MAX);
        tokio::spawn(writer::write_groups(connection, queue));
        let readers = SqlitePoolOptions::new()
            .max_connections(SQLITE_READERS)
            .min_connections(1)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(options.read_only(true));
        Self(Backend::Sqlite { readers, writer }).migrated(env).await
    }

    /// Connects to PostgreSQL, migrated.
    pub async fn open_postgres(url: &str, env: &Env) -> Result<Self, DbError> {
        let options: PgConnectOptions = url.parse()?;
        let options = options.statement_cache_capacity(STATEMENTS_CACHED);
        let pool = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            // A plan that is kept was made while the tables were as good as empty.
            .after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute("SET plan_cache_mode = force_custom_plan").await.map(drop)
                })
            })
            .connect_with(options)
            .await?;
        Self(Backend::Postgres(pool)).migrated(env).await
    }

    async fn migrated(self, env: &Env) -> Result<Self, DbError> {
        let now = env.now();
        self.write(move |connection| Box::pin(migrate::migrate(connection, now))).await?;
        Ok(self)
    }

    /// A connection for reading. On both databases it sees everything acknowledged before.
    pub async fn reader(&self) -> Result<Connection, DbError> {
        Ok(match &self.0 {
            Backend::Sqlite { readers, .. } => Connection::sqlite(readers.acquire().await?),
            Backend::Postgres(pool) => Connection::postgres(pool.acquire().await?),
        })
    }

    /// A connection on which every statement sees the same state: that of the first.
    pub async fn snapshot(&self) -> Result<Connection, DbError> {
        Ok(match &self.0 {
            Backend::Sqlite { readers, .. } => Connection::sqlite_snapshot(readers.begin().await?),
            Backend::Postgres(pool) => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                Connection::transaction(pool.begin_with(begin).await?)
            }
        })
    }

    /// Runs `work` in a transaction; the answer comes once its effect is durable. An `Err` rolls it back.
    /// `work` may run several times, so it owns what it needs and clones what it consumes.
    pub async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        F: for<'c> Fn(&'c mut Connection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: From<DbError> + Send + 'static,
    {
        let started = Instant::now();
        let written = match &self.0 {
            Backend::Sqlite { writer, .. } => writer::submit(writer, work).await,
            Backend::Postgres(pool) => writer::write_transaction(pool, work).await,
        };
        metrics::histogram!("cloudstead_write_seconds").record(started.elapsed().as_secs_f64());
        written
    }

    /// Writes a whole, consistent copy of the SQLite database into a new file. PostgreSQL has its own tools.
    pub async fn copy_into(&self, file: &Path) -> Result<(), DbError> {
        let path = file.to_string_lossy().into_owned();
        self.reader().await?.execute("VACUUM INTO $1", vec![Value::from(path)]).await.map(drop)
    }

    /// How much it has to do: writes that wait for SQLite's writer, or PostgreSQL's connections in use.
    pub fn busy(&self) -> usize {
        match &self.0 {
            Backend::Sqlite { writer, .. } => writer.max_capacity() - writer.capacity(),
            Backend::Postgres(pool) => (pool.size() as usize).saturating_sub(pool.num_idle()),
        }
    }

    pub fn is_postgres(&self) -> bool {
        matches!(self.0, Backend::Postgres(_))
    }
}

#[cfg(test)]
mod content_tests;
#[cfg(test)]
pub mod testing;
#[cfg(test)]
mod tests;
