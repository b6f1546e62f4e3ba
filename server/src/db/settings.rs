//! What the installation itself remembers.

use super::{Connection, DbError};
use crate::values;

/// The value under `name`; where there is none yet, `first` becomes it. Inside a write.
pub async fn get_or_insert(
    connection: &mut Connection,
    name: &str,
    first: &[u8],
) -> Result<Vec<u8>, DbError> {
    let sql = "INSERT INTO settings (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
    connection.execute(sql, values![name, first]).await?;
    connection.fetch_one("SELECT value FROM settings WHERE name = $1", values![name]).await?.get(0)
}

/// Whether the database answers.
pub async fn probe(connection: &mut Connection) -> Result<(), DbError> {
    connection.fetch_optional("SELECT name FROM settings LIMIT 1", values![]).await.map(drop)
}
