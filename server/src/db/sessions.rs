//! Sessions: a secret that a device shows, kept as its hash.

use shared::{DeviceId, Timestamp, UserId};

use super::{Connection, DbError, Row, Value};
use crate::values;

/// SHA-256 of the secret.
pub type TokenHash = [u8; 32];

/// How the secret travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionKind {
    Cookie,
    Bearer,
}

impl SessionKind {
    const fn code(self) -> i64 {
        match self {
            Self::Cookie => 0,
            Self::Bearer => 1,
        }
    }
}

/// A live session, and whose it is.
#[derive(Clone, Copy, Debug)]
pub struct SessionRow {
    pub user_id: UserId,
    pub device_id: DeviceId,
    pub is_admin: bool,
    pub last_used_at: Timestamp,
}

pub struct NewSession {
    pub hash: TokenHash,
    pub user_id: UserId,
    pub device_id: DeviceId,
    pub kind: SessionKind,
    pub now: Timestamp,
    pub expires_at: Timestamp,
}

pub async fn insert(connection: &mut Connection, new: &NewSession) -> Result<(), DbError> {
    let sql = "INSERT INTO sessions (token_hash, user_id, device_id, kind, created_at, last_used_at, expires_at) \
               VALUES ($1, $2, $3, $4, $5, $5, $6)";
    let values = values![&new.hash[..], new.user_id, new.device_id, new.kind.code(), new.now, new.expires_at];
    connection.execute(sql, values).await.map(drop)
}

/// The session behind the secret, if it is of that kind, has not run out, and its person and device may
/// still come in.
pub async fn load(
    connection: &mut Connection,
    hash: &TokenHash,
    kind: SessionKind,
    now: Timestamp,
) -> Result<Option<SessionRow>, DbError> {
    let sql = "SELECT s.user_id, s.device_id, u.is_admin, s.last_used_at FROM sessions s \
               JOIN users u ON u.user_id = s.user_id \
               JOIN devices d ON d.user_id = s.user_id AND d.device_id = s.device_id \
               WHERE s.token_hash = $1 AND s.kind = $2 AND s.expires_at > $3 AND u.disabled_at IS NULL AND d.removed_at IS NULL";
    let row = connection.fetch_optional(sql, values![&hash[..], kind.code(), now]).await?;
    row.map(|row| {
        Ok(SessionRow {
            user_id: row.get(0)?,
            device_id: row.get(1)?,
            is_admin: row.get(2)?,
            last_used_at: row.get(3)?,
        })
    })
    .transpose()
}

/// Puts off the end of a session that is in use.
pub async fn touch(
    connection: &mut Connection,
    hash: &TokenHash,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), DbError> {
    let sql = "UPDATE sessions SET last_used_at = $2, expires_at = $3 WHERE token_hash = $1";
    connection.execute(sql, values![&hash[..], now, expires_at]).await.map(drop)
}

pub async fn delete(connection: &mut Connection, hash: &TokenHash) -> Result<(), DbError> {
    connection.execute("DELETE FROM sessions WHERE token_hash = $1", values![&hash[..]]).await.map(drop)
}

pub async fn delete_of_device(
    connection: &mut Connection,
    user_id: UserId,
    device_id: DeviceId,
) -> Result<(), DbError> {
    let sql = "DELETE FROM sessions WHERE user_id = $1 AND device_id = $2";
    connection.execute(sql, values![user_id, device_id]).await.map(drop)
}

pub async fn delete_of_user(connection: &mut Connection, user_id: UserId) -> Result<(), DbError> {
    connection.execute("DELETE FROM sessions WHERE user_id = $1", values![user_id]).await.map(drop)
}

/// Ends the person's sessions but `kept`; answers which those were.
pub async fn delete_others(
    connection: &mut Connection,
    user_id: UserId,
    kept: &TokenHash,
) -> Result<Vec<TokenHash>, DbError> {
    let sql = "DELETE FROM sessions WHERE user_id = $1 AND token_hash <> $2 RETURNING token_hash";
    let rows = connection.fetch_all(sql, values![user_id, &kept[..]]).await?;
    rows.iter().map(token_hash).collect()
}

/// Drops the person's sessions that have run out; answers how many are left, and of how many devices.
pub async fn count(
    connection: &mut Connection,
    user_id: UserId,
    now: Timestamp,
) -> Result<(usize, usize), DbError> {
    let sql = "DELETE FROM sessions WHERE user_id = $1 AND expires_at <= $2";
    connection.execute(sql, values![user_id, now]).await?;
    let sql = "SELECT COUNT(*), COUNT(DISTINCT device_id) FROM sessions WHERE user_id = $1";
    let row = connection.fetch_one(sql, values![user_id]).await?;
    Ok((row.get::<u64>(0)? as usize, row.get::<u64>(1)? as usize))
}

/// Which of the sessions may still be used.
pub async fn live(
    connection: &mut Connection,
    hashes: &[TokenHash],
    now: Timestamp,
) -> Result<Vec<TokenHash>, DbError> {
    let sql = "SELECT s.token_hash FROM sessions s JOIN users u ON u.user_id = s.user_id \
               WHERE s.expires_at > $1 AND u.disabled_at IS NULL AND s.token_hash IN ({keys})";
    let keys = hashes.iter().map(|hash| Value::from(&hash[..]));
    let rows = connection.fetch_keys(sql, values![now], keys).await?;
    rows.iter().map(token_hash).collect()
}

fn token_hash(row: &Row) -> Result<TokenHash, DbError> {
    let bytes: Vec<u8> = row.get(0)?;
    let reason = format!("{} bytes", bytes.len());
    bytes.try_into().map_err(|_| DbError::Shape { column: 0, reason })
}
