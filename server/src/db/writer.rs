//! Writes: one commit for many on SQLite, a transaction each on PostgreSQL.
//!
//! An fsync costs milliseconds, so SQLite's single writer takes whatever waits, runs each piece of work in
//! a savepoint of its own, commits once and only then answers all of them. A piece that fails rolls back
//! alone. What was answered is on the disk.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use super::error::DbError;
use super::sql::Connection;

/// The most pieces of work in one commit.
const GROUP_MAX: usize = 256;
/// Pieces of work waiting for the writer before callers wait too.
pub(super) const WRITE_QUEUE_MAX: usize = 1_024;
/// Tries of a transaction that PostgreSQL rolls back in favour of another.
const SERIALIZATION_TRIES_MAX: u32 = 8;
/// The first pause between them; it doubles.
const SERIALIZATION_PAUSE: Duration = Duration::from_millis(5);

/// A piece of work, its result kept until the commit is durable.
pub(super) trait Job: Send {
    /// Runs in its savepoint; whether its effect is to be kept.
    fn run<'a>(&'a mut self, connection: &'a mut Connection) -> BoxFuture<'a, bool>;
    /// Answers the caller.
    fn finish(self: Box<Self>, commit: Result<(), DbError>);
}

struct Pending<F, T, E> {
    work: F,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Job for Pending<F, T, E>
where
    F: for<'c> Fn(&'c mut Connection) -> BoxFuture<'c, Result<T, E>> + Send,
    T: Send,
    E: From<DbError> + Send,
{
    fn run<'a>(&'a mut self, connection: &'a mut Connection) -> BoxFuture<'a, bool> {
        let work = (self.work)(connection);
        let result = &mut self.result;
        Box::pin(async move {
            // A panic costs its own caller an answer, not everyone the writer.
            *result = AssertUnwindSafe(work).catch_unwind().await.ok();
            matches!(result, Some(Ok(_)))
        })
    }

    fn finish(self: Box<Self>, commit: Result<(), DbError>) {
        let result = match (commit, self.result) {
            (Ok(()), Some(result)) => result,
            // The work's own error says more than that of the commit.
            (Err(_), Some(Err(error))) => Err(error),
            (Err(error), _) => Err(error.into()),
            (Ok(()), None) => Err(DbError::Unavailable(None).into()),
        };
        // A caller that went away has no use for the answer; the effect stands.
        drop(self.reply.send(result));
    }
}

/// Hands the work to SQLite's writer and waits for the commit that carries it.
pub(super) async fn submit<F, T, E>(queue: &mpsc::Sender<Box<dyn Job>>, work: F) -> Result<T, E>
where
    F: for<'c> Fn(&'c mut Connection) -> BoxFuture<'c, Result<T, E>> + Send + 'static,
    T: Send + 'static,
    E: From<DbError> + Send + 'static,
{
    let (reply, answer) = oneshot::channel();
    let job = Box::new(Pending { work, result: None, reply });
    queue.send(job).await.map_err(|_| DbError::Unavailable(None))?;
    answer.await.map_err(|_| DbError::Unavailable(None))?
}

/// SQLite's writer: lives until the last sender is gone.
pub(super) async fn write_groups(mut connection: Connection, mut queue: mpsc::Receiver<Box<dyn Job>>) {
    let mut group = Vec::with_capacity(GROUP_MAX);
    while queue.recv_many(&mut group, GROUP_MAX).await > 0 {
        let commit = write_group(&mut connection, &mut group).await;
        if commit.is_err() {
            // SQLite may have rolled back by itself already (disk full, I/O error); then this says so.
            drop(connection.execute("ROLLBACK", vec![]).await);
        }
        let failure = commit.err();
        for job in group.drain(..) {
            job.finish(match &failure {
                None => Ok(()),
                Some(DbError::Full(_)) => Err(DbError::Full(None)),
                Some(error) => {
                    tracing::error!(%error, "a group of writes could not be committed");
                    Err(DbError::Unavailable(None))
                }
            });
        }
    }
}

async fn write_group(connection: &mut Connection, group: &mut [Box<dyn Job>]) -> Result<(), DbError> {
    connection.execute("BEGIN IMMEDIATE", vec![]).await?;
    for job in group {
        connection.execute("SAVEPOINT piece", vec![]).await?;
        if !job.run(connection).await {
            connection.execute("ROLLBACK TO piece", vec![]).await?;
        }
        connection.execute("RELEASE piece", vec![]).await?;
    }
    connection.execute("COMMIT", vec![]).await?;
    Ok(())
}

/// One transaction on PostgreSQL, tried again where it was rolled back in favour of another. Dropped half
/// way, it rolls back.
pub(super) async fn write_transaction<F, T, E>(pool: &sqlx::PgPool, work: F) -> Result<T, E>
where
    F: for<'c> Fn(&'c mut Connection) -> BoxFuture<'c, Result<T, E>> + Send,
    E: From<DbError>,
{
    let mut pause = SERIALIZATION_PAUSE;
    let mut tries = 0;
    loop {
        tries += 1;
        let mut connection = Connection::transaction(pool.begin().await.map_err(DbError::from)?);
        let outcome = match work(&mut connection).await {
            Ok(value) => connection.commit().await.map(|()| value).map_err(E::from),
            Err(error) => {
                connection.rollback().await?;
                Err(error)
            }
        };
        if !connection.lost_to_another() || tries == SERIALIZATION_TRIES_MAX {
            return outcome;
        }
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
}
