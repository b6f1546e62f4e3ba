//! Values on their way into a statement and out of a row.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, Row as _, ValueRef as _};

use crate::db::error::DbError;

/// A bound value. The type is always known, also where it is null: PostgreSQL asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Int(Option<i64>),
    Text(Option<String>),
    Bytes(Option<Vec<u8>>),
    /// One array, on PostgreSQL: see `list`.
    List(List),
}

/// Values of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum List {
    Ints(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
}

/// A row of either database.
pub enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

fn unbound(error: sqlx::error::BoxDynError) -> DbError {
    DbError::Other(sqlx::Error::Encode(error))
}

pub(super) fn sqlite_arguments(values: Vec<Value>) -> Result<SqliteArguments, DbError> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        match value {
            Value::Int(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Bytes(value) => arguments.add(value),
            Value::List(_) => Err("SQLite takes no arrays".into()),
        }
        .map_err(unbound)?;
    }
    Ok(arguments)
}

pub(super) fn postgres_arguments(values: Vec<Value>) -> Result<PgArguments, DbError> {
    let mut arguments = PgArguments::default();
    for value in values {
        match value {
            Value::Int(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Bytes(value) => arguments.add(value),
            Value::List(List::Ints(values)) => arguments.add(values),
            Value::List(List::Texts(values)) => arguments.add(values),
            Value::List(List::Bytes(values)) => arguments.add(values),
        }
        .map_err(unbound)?;
    }
    Ok(arguments)
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
    ids!(
        ActivityId,
        ConflictId,
        DeviceId,
        ItemId,
        OperationId,
        PictureId,
        UploadId,
        UserId,
        VersionId,
        ZoneId
    );

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
    PictureId: |id| id.0.as_bytes(),
    UploadId: |id| id.0.as_bytes(),
    UserId: |id| id.0.as_bytes(),
    VersionId: |id| id.0.as_bytes(),
    ZoneId: |id| id.0.as_bytes(),
    ChunkHash: |hash| hash.as_bytes(),
    ContentHash: |hash| hash.as_bytes(),
}

impl From<Option<i64>> for Value {
    fn from(value: Option<i64>) -> Self {
        Self::Int(value)
    }
}

impl From<Option<shared::Timestamp>> for Value {
    fn from(value: Option<shared::Timestamp>) -> Self {
        value.map(shared::Timestamp::as_millis).into()
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
