//! Invitations to register: a code, kept as its hash, good for one person.

use shared::{Timestamp, UserId};

use super::{Connection, DbError};
use crate::values;

pub async fn insert(
    connection: &mut Connection,
    hash: &[u8; 32],
    created_by: UserId,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), DbError> {
    let sql = "INSERT INTO invites (code_hash, created_by, created_at, expires_at) VALUES ($1, $2, $3, $4)";
    connection.execute(sql, values![&hash[..], created_by, now, expires_at]).await.map(drop)
}

/// Uses the invitation up; false where there is none that is good.
pub async fn redeem(
    connection: &mut Connection,
    hash: &[u8; 32],
    user_id: UserId,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "UPDATE invites SET used_by = $2 WHERE code_hash = $1 AND used_by IS NULL AND expires_at > $3";
    Ok(connection.execute(sql, values![&hash[..], user_id, now]).await? > 0)
}
