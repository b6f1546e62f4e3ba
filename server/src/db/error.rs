//! What can go wrong in the database, told apart by what the caller can do about it.

use sqlx::Error;

/// The source is kept for the log; none of it leaves the server.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// No space for another byte: reads go on, writes answer 507.
    #[error("the database's disk is full")]
    Full(#[source] Option<Error>),
    /// The database is away or overloaded: the same call may succeed later.
    #[error("the database is not available")]
    Unavailable(#[source] Option<Error>),
    /// Two transactions got in each other's way; it was retried and did not help.
    #[error("the transaction was rolled back in favour of another")]
    Serialization(#[source] Error),
    /// A row did not have the shape that the code expects.
    #[error("column {column} is not what was expected: {reason}")]
    Shape { column: usize, reason: String },
    #[error("the database refused the statement")]
    Other(#[source] Error),
}

/// SQLite's primary result codes (<https://sqlite.org/rescode.html>).
const SQLITE_BUSY: i32 = 5;
const SQLITE_IOERR: i32 = 10;
const SQLITE_FULL: i32 = 13;
const SQLITE_CANTOPEN: i32 = 14;

impl From<Error> for DbError {
    fn from(error: Error) -> Self {
        let Error::Database(database) = &error else {
            return match error {
                Error::PoolTimedOut
                | Error::PoolClosed
                | Error::Io(_)
                | Error::Tls(_)
                | Error::WorkerCrashed => Self::Unavailable(Some(error)),
                _ => Self::Other(error),
            };
        };
        let code = database.code().unwrap_or_default();
        if let Ok(sqlite) = code.parse::<i32>()
            && database.try_downcast_ref::<sqlx::sqlite::SqliteError>().is_some()
        {
            return match sqlite & 0xff {
                SQLITE_FULL => Self::Full(Some(error)),
                SQLITE_BUSY | SQLITE_IOERR | SQLITE_CANTOPEN => Self::Unavailable(Some(error)),
                _ => Self::Other(error),
            };
        }
        // PostgreSQL's classes (Appendix A of its manual): connection, resources, operator intervention.
        match code.as_ref() {
            "40001" | "40P01" => Self::Serialization(error),
            "53100" => Self::Full(Some(error)),
            code if code.starts_with("08") || code.starts_with("53") || code.starts_with("57P") => {
                Self::Unavailable(Some(error))
            }
            _ => Self::Other(error),
        }
    }
}
