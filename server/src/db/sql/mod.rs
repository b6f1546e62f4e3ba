//! One set of SQL for SQLite and PostgreSQL: values, rows and a connection that is either.
//!
//! Statements are portable, with `$1` placeholders; ids and hashes are bytes, everything else is a 64-bit
//! integer or text. How lists go in is the one thing that differs: see `list`.

mod list;
mod value;

use sqlx::pool::PoolConnection;
use sqlx::{AssertSqlSafe, Executor, Postgres, Sqlite, Transaction};

use super::error::DbError;
pub use value::{Column, Row, Value};
use value::{postgres_arguments, sqlite_arguments};

/// A connection to either database: a reader, or the one inside a write.
pub struct Connection {
    inner: Inner,
    lost_to_another: bool,
}

enum Inner {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
    /// A snapshot for reading; ends when it is dropped.
    SqliteSnapshot(Transaction<'static, Sqlite>),
    /// None once it was ended.
    Transaction(Option<Transaction<'static, Postgres>>),
}

/// Runs the expression with `$c` as the executor of either database, and turns its error.
macro_rules! on_either {
    ($self:ident, $c:ident, sqlite: $sqlite:expr, postgres: $postgres:expr) => {{
        let outcome = match &mut $self.inner {
            Inner::Sqlite(connection) => {
                let $c = &mut **connection;
                $sqlite
            }
            Inner::SqliteSnapshot(transaction) => {
                let $c = &mut **transaction;
                $sqlite
            }
            Inner::Postgres(connection) => {
                let $c = &mut **connection;
                $postgres
            }
            Inner::Transaction(Some(transaction)) => {
                let $c = &mut **transaction;
                $postgres
            }
            Inner::Transaction(None) => Err(sqlx::Error::PoolClosed),
        };
        outcome.map_err(|error| {
            let error = DbError::from(error);
            $self.lost_to_another |= matches!(error, DbError::Serialization(_));
            error
        })
    }};
}

impl Connection {
    pub(super) fn sqlite(connection: PoolConnection<Sqlite>) -> Self {
        Self { inner: Inner::Sqlite(connection), lost_to_another: false }
    }

    pub(super) fn sqlite_snapshot(transaction: Transaction<'static, Sqlite>) -> Self {
        Self { inner: Inner::SqliteSnapshot(transaction), lost_to_another: false }
    }

    pub(super) fn postgres(connection: PoolConnection<Postgres>) -> Self {
        Self { inner: Inner::Postgres(connection), lost_to_another: false }
    }

    pub(super) fn transaction(transaction: Transaction<'static, Postgres>) -> Self {
        Self { inner: Inner::Transaction(Some(transaction)), lost_to_another: false }
    }

    pub(super) fn is_postgres(&self) -> bool {
        !matches!(self.inner, Inner::Sqlite(_) | Inner::SqliteSnapshot(_))
    }

    /// Whether PostgreSQL rolled this transaction back in favour of another.
    pub(super) fn lost_to_another(&self) -> bool {
        self.lost_to_another
    }

    pub(super) async fn commit(&mut self) -> Result<(), DbError> {
        let Inner::Transaction(transaction) = &mut self.inner else { return Ok(()) };
        let Some(transaction) = transaction.take() else { return Ok(()) };
        transaction.commit().await.map_err(|error| {
            let error = DbError::from(error);
            self.lost_to_another |= matches!(error, DbError::Serialization(_));
            error
        })
    }

    pub(super) async fn rollback(&mut self) -> Result<(), DbError> {
        let Inner::Transaction(transaction) = &mut self.inner else { return Ok(()) };
        let Some(transaction) = transaction.take() else { return Ok(()) };
        Ok(transaction.rollback().await?)
    }

    /// Runs a statement; answers how many rows it changed.
    pub async fn execute(&mut self, sql: &str, values: Vec<Value>) -> Result<u64, DbError> {
        let sql = AssertSqlSafe(sql.to_owned());
        on_either!(self, c,
            sqlite: sqlx::query_with(sql, sqlite_arguments(values)?).execute(c).await.map(|done| done.rows_affected()),
            postgres: sqlx::query_with(sql, postgres_arguments(values)?).execute(c).await.map(|done| done.rows_affected())
        )
    }

    pub async fn fetch_all(&mut self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, DbError> {
        let sql = AssertSqlSafe(sql.to_owned());
        on_either!(self, c,
            sqlite: sqlx::query_with(sql, sqlite_arguments(values)?)
                .fetch_all(c).await.map(|rows| rows.into_iter().map(Row::Sqlite).collect()),
            postgres: sqlx::query_with(sql, postgres_arguments(values)?)
                .fetch_all(c).await.map(|rows| rows.into_iter().map(Row::Postgres).collect())
        )
    }

    pub async fn fetch_optional(&mut self, sql: &str, values: Vec<Value>) -> Result<Option<Row>, DbError> {
        Ok(self.fetch_all(sql, values).await?.into_iter().next())
    }

    /// The first row of a statement that always has one (an aggregate, a `RETURNING` of a known row).
    pub async fn fetch_one(&mut self, sql: &str, values: Vec<Value>) -> Result<Row, DbError> {
        self.fetch_optional(sql, values).await?.ok_or(DbError::Other(sqlx::Error::RowNotFound))
    }

    /// Runs `sql`, in which `IN ({keys})` stands for a list, for every key: in few statements, whatever the
    /// number of keys. `fixed` fills `$1` onward. The rows come in no order.
    pub async fn fetch_keys(
        &mut self,
        sql: &str,
        fixed: Vec<Value>,
        keys: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<Row>, DbError> {
        let mut rows = Vec::new();
        for (sql, values) in list::of_keys(self.is_postgres(), sql, &fixed, keys.into_iter().collect())? {
            rows.extend(self.fetch_all(&sql, values).await?);
        }
        Ok(rows)
    }

    /// As [`Self::fetch_keys`], for a statement that answers nothing.
    pub async fn execute_keys(
        &mut self,
        sql: &str,
        fixed: Vec<Value>,
        keys: impl IntoIterator<Item = Value>,
    ) -> Result<u64, DbError> {
        let mut changed = 0;
        for (sql, values) in list::of_keys(self.is_postgres(), sql, &fixed, keys.into_iter().collect())? {
            changed += self.execute(&sql, values).await?;
        }
        Ok(changed)
    }

    /// Writes many rows in few statements: `head` is `INSERT INTO t (a, b)`, `tail` what follows the
    /// values (`ON CONFLICT …`, or nothing). Every row has the same number of values.
    pub async fn insert_rows(
        &mut self,
        head: &str,
        rows: Vec<Vec<Value>>,
        tail: &str,
    ) -> Result<u64, DbError> {
        let mut changed = 0;
        for (sql, values) in list::of_rows(self.is_postgres(), head, rows, tail)? {
            changed += self.execute(&sql, values).await?;
        }
        Ok(changed)
    }

    /// Runs a script of several statements without arguments.
    pub(super) async fn run_script(&mut self, sql: String) -> Result<(), DbError> {
        let script = sqlx::raw_sql(AssertSqlSafe(sql));
        on_either!(self, c, sqlite: c.execute(script).await.map(drop), postgres: c.execute(script).await.map(drop))
    }
}
