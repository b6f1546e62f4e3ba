//! The audit trail: every sign-in, share, revoke, delete and administrator's act. Written in the
//! transaction of what it tells.

use shared::{DeviceId, Timestamp, UserId};
use uuid::Uuid;

use super::{Connection, DbError};
use crate::values;

/// One line of the trail.
#[derive(Clone, Debug)]
pub struct AuditEntry {
    pub id: Uuid,
    pub user_id: UserId,
    pub device_id: Option<DeviceId>,
    pub at: Timestamp,
    pub action: &'static str,
    /// What it was done to: an id or a name, never a secret.
    pub subject: String,
    pub address: Option<String>,
}

pub async fn record(connection: &mut Connection, entry: &AuditEntry) -> Result<(), DbError> {
    insert(connection, std::slice::from_ref(entry)).await
}

pub async fn insert(connection: &mut Connection, entries: &[AuditEntry]) -> Result<(), DbError> {
    let head = "INSERT INTO audit (user_id, audit_id, happened_at, device_id, action, subject, address)";
    let row = |entry: &AuditEntry| {
        values![
            entry.user_id,
            entry.id.as_bytes().to_vec(),
            entry.at,
            entry.device_id,
            entry.action,
            entry.subject.as_str(),
            entry.address.clone()
        ]
    };
    connection.insert_rows(head, entries.iter().map(row).collect(), "").await?;
    Ok(())
}
