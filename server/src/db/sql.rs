//! One set of SQL for SQLite and PostgreSQL: values, rows and a connection that is either.
//!
//! Statements are portable, with `$1` placeholders; ids and hashes are bytes, everything else is a 64-bit
//! integer or text. Lists go in as fixed-size batches, so that few statements are ever prepared.

use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments, AssertSqlSafe, Executor, Postgres, Row as _, Sqlite, Transaction, ValueRef as _};

use super::error::DbError;

/// A bound value. The type is always known, also where it is null: PostgreSQL asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
}

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

/// A row of either database.
pub enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// How many keys or rows a list statement takes: the smallest that fits is used, the rest padded by
/// repeating the last key.
const BATCH_SIZES: [usize; 5] = [1, 4, 16, 64, 256];
/// SQLite takes 32,766 bound values a statement.
const BOUND_VALUES_MAX: usize = 32_766;

macro_rules! bind_all {
    ($arguments:ident, $values:expr) => {{
        for value in $values {
            match value {
                Value::Int(value) => $arguments.add(value),
                Value::Text(value) => $arguments.add(value),
                Value::Bytes(value) => $arguments.add(value),
            }
            .map_err(|error| DbError::Other(sqlx::Error::Encode(error)))?;
        }
        $arguments
    }};
}

fn sqlite_arguments(values: Vec<Value>) -> Result<SqliteArguments, DbError> {
    let mut arguments = SqliteArguments::default();
    Ok(bind_all!(arguments, values))
}

fn postgres_arguments(values: Vec<Value>) -> Result<PgArguments, DbError> {
    let mut arguments = PgArguments::default();
    Ok(bind_all!(arguments, values))
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

    /// Runs `sql`, in which `{keys}` stands for a list of placeholders, for every key: a few statements,
    /// whatever the number of keys. `fixed` fills `$1` onward.
    pub async fn fetch_keys(
        &mut self,
        sql: &str,
        fixed: Vec<Value>,
        keys: impl IntoIterator<Item = Value>,
    ) -> Result<Vec<Row>, DbError> {
        let mut rows = Vec::new();
        for (sql, values) in key_batches(sql, &fixed, keys) {
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
        for (sql, values) in key_batches(sql, &fixed, keys) {
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
        let Some(columns) = rows.first().map(Vec::len) else { return Ok(0) };
        let mut changed = 0;
        let mut rows = rows.into_iter();
        while rows.len() > 0 {
            let count = BATCH_SIZES
                .into_iter()
                .rev()
                .find(|&size| size <= rows.len() && size * columns <= BOUND_VALUES_MAX)
                .unwrap_or(1);
            let tuples: Vec<String> = (0..count)
                .map(|row| {
                    let holders: Vec<String> =
                        (1..=columns).map(|n| format!("${}", row * columns + n)).collect();
                    format!("({})", holders.join(", "))
                })
                .collect();
            let sql = format!("{head} VALUES {} {tail}", tuples.join(", "));
            changed += self.execute(&sql, rows.by_ref().take(count).flatten().collect()).await?;
        }
        Ok(changed)
    }

    /// Runs a script of several statements without arguments.
    pub(super) async fn run_script(&mut self, sql: String) -> Result<(), DbError> {
        let script = sqlx::raw_sql(AssertSqlSafe(sql));
        on_either!(self, c, sqlite: c.execute(script).await.map(drop), postgres: c.execute(script).await.map(drop))
    }
}

fn key_batches(
    sql: &str,
    fixed: &[Value],
    keys: impl IntoIterator<Item = Value>,
) -> Vec<(String, Vec<Value>)> {
    let keys: Vec<Value> = keys.into_iter().collect();
    let largest = BATCH_SIZES[BATCH_SIZES.len() - 1];
    keys.chunks(largest)
        .map(|batch| {
            let size = BATCH_SIZES.into_iter().find(|&size| size >= batch.len()).unwrap_or(largest);
            let holders: Vec<String> = (1..=size).map(|n| format!("${}", fixed.len() + n)).collect();
            let last = &batch[batch.len() - 1];
            let padding = std::iter::repeat_n(last, size - batch.len());
            let values = fixed.iter().chain(batch).chain(padding).cloned().collect();
            (sql.replace("{keys}", &holders.join(", ")), values)
        })
        .collect()
}

/// A column's type on the way out.
pub trait Column: Sized {
    fn read(row: &Row, index: usize) -> Result<Self, DbError>;
}

macro_rules! plain_columns {
    ($($name:ty),+) => {$(
        impl Column for $name {
            fn read(row: &Row, index: usize) -> Result<Self, DbError> {
                match row {
                    Row::Sqlite(row) => row.try_get(index),
                    Row::Postgres(row) => row.try_get(index),
                }
                .map_err(|error| DbError::Shape { column: index, reason: error.to_string() })
            }
        }
    )+};
}
plain_columns!(i64, String, Vec<u8>);

impl<T: Column> Column for Option<T> {
    fn read(row: &Row, index: usize) -> Result<Self, DbError> {
        let null = match row {
            Row::Sqlite(row) => row.try_get_raw(index).map(|value| value.is_null()),
            Row::Postgres(row) => row.try_get_raw(index).map(|value| value.is_null()),
        }
        .map_err(|error| DbError::Shape { column: index, reason: error.to_string() })?;
        if null { Ok(None) } else { T::read(row, index).map(Some) }
    }
}

impl Column for bool {
    fn read(row: &Row, index: usize) -> Result<Self, DbError> {
        Ok(i64::read(row, index)? != 0)
    }
}

impl Column for u64 {
    fn read(row: &Row, index: usize) -> Result<Self, DbError> {
        let value = i64::read(row, index)?;
        value.try_into().map_err(|_| DbError::Shape { column: index, reason: format!("{value} is negative") })
    }
}

impl Column for u32 {
    fn read(row: &Row, index: usize) -> Result<Self, DbError> {
        let value = i64::read(row, index)?;
        value.try_into().map_err(|_| DbError::Shape { column: index, reason: format!("{value} is no u32") })
    }
}

impl Column for shared::Timestamp {
    fn read(row: &Row, index: usize) -> Result<Self, DbError> {
        i64::read(row, index).map(Self::from_millis)
    }
}

impl Column for shared::VersionVector {
    fn read(row: &Row, index: usize) -> Result<Self, DbError> {
        serde_json::from_str(&String::read(row, index)?)
            .map_err(|error| DbError::Shape { column: index, reason: error.to_string() })
    }
}

impl Column for uuid::Uuid {
    fn read(row: &Row, index: usize) -> Result<Self, DbError> {
        uuid::Uuid::from_slice(&Vec::<u8>::read(row, index)?)
            .map_err(|error| DbError::Shape { column: index, reason: error.to_string() })
    }
}

impl Row {
    /// The column at `index`, from 0.
    pub fn get<T: Column>(&self, index: usize) -> Result<T, DbError> {
        T::read(self, index)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(Some(value))
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(Some(value.into()))
    }
}

/// Sizes and counts: far below 2^63 by the limits.
impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Int(Some(i64::try_from(value).unwrap_or(i64::MAX)))
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        (value as u64).into()
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(Some(value.into()))
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(Some(value.to_owned()))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(Some(value))
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(Some(value.to_vec()))
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(Some(value))
    }
}

impl From<shared::Timestamp> for Value {
    fn from(value: shared::Timestamp) -> Self {
        Self::Int(Some(value.as_millis()))
    }
}

impl From<&shared::VersionVector> for Value {
    fn from(value: &shared::VersionVector) -> Self {
        Self::Text(Some(serde_json::to_string(value).unwrap_or_default()))
    }
}

macro_rules! byte_values {
    ($($name:ident: $bytes:expr),+ $(,)?) => {$(
        impl From<shared::$name> for Value {
            fn from(value: shared::$name) -> Self {
                let bytes: fn(&shared::$name) -> &[u8] = $bytes;
                Self::Bytes(Some(bytes(&value).to_vec()))
            }
        }

        impl From<Option<shared::$name>> for Value {
            fn from(value: Option<shared::$name>) -> Self {
                value.map_or(Self::Bytes(None), Self::from)
            }
        }

        impl Column for shared::$name {
            fn read(row: &Row, index: usize) -> Result<Self, DbError> {
                let bytes = Vec::<u8>::read(row, index)?;
                bytes.as_slice().try_into().map(from_bytes::$name).map_err(|_| DbError::Shape {
                    column: index,
                    reason: format!("{} bytes", bytes.len()),
                })
            }
        }
    )+};
}

/// The inverse of the byte views below: a fixed-size array into its type.
#[allow(non_snake_case)]
mod from_bytes {
    macro_rules! ids {
        ($($name:ident),+) => {$(
            pub fn $name(bytes: [u8; 16]) -> shared::$name {
                shared::$name(uuid::Uuid::from_bytes(bytes))
            }
        )+};
    }
    ids!(ActivityId, ConflictId, DeviceId, ItemId, OperationId, UploadId, UserId, VersionId, ZoneId);

    pub fn ChunkHash(bytes: [u8; 32]) -> shared::ChunkHash {
        shared::ChunkHash(bytes)
    }

    pub fn ContentHash(bytes: [u8; 32]) -> shared::ContentHash {
        shared::ContentHash(bytes)
    }
}

byte_values! {
    ActivityId: |id| id.0.as_bytes(),
    ConflictId: |id| id.0.as_bytes(),
    DeviceId: |id| id.0.as_bytes(),
    ItemId: |id| id.0.as_bytes(),
    OperationId: |id| id.0.as_bytes(),
    UploadId: |id| id.0.as_bytes(),
    UserId: |id| id.0.as_bytes(),
    VersionId: |id| id.0.as_bytes(),
    ZoneId: |id| id.0.as_bytes(),
    ChunkHash: |hash| hash.as_bytes(),
    ContentHash: |hash| hash.as_bytes(),
}

impl From<Option<shared::Timestamp>> for Value {
    fn from(value: Option<shared::Timestamp>) -> Self {
        Self::Int(value.map(shared::Timestamp::as_millis))
    }
}

impl From<Option<String>> for Value {
    fn from(value: Option<String>) -> Self {
        Self::Text(value)
    }
}

impl From<Option<Vec<u8>>> for Value {
    fn from(value: Option<Vec<u8>>) -> Self {
        Self::Bytes(value)
    }
}

/// The values of a statement, in order: `values![user, name, 3_i64]`.
#[macro_export]
macro_rules! values {
    ($($value:expr),* $(,)?) => { vec![$($crate::db::Value::from($value)),*] };
}
