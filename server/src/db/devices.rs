//! Devices: one a replica. Rows stay when a device is removed, so that no id is used twice.

use shared::sync::DeviceHolder;
use shared::{DeviceId, Timestamp, UserId};

use super::{Connection, DbError, Row};
use crate::values;

/// A device as it stands in the table.
#[derive(Clone, Debug)]
pub struct DeviceRow {
    pub device_id: DeviceId,
    pub name: String,
    pub platform: String,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    /// The sync token that the device last said it had applied, and when it said so.
    pub acknowledged: Option<(String, Timestamp)>,
}

const COLUMNS: &str =
    "device_id, name, platform, created_at, last_seen_at, acknowledged_token, acknowledged_at";

fn device(row: &Row) -> Result<DeviceRow, DbError> {
    let token: Option<String> = row.get(5)?;
    let at: Option<Timestamp> = row.get(6)?;
    Ok(DeviceRow {
        device_id: row.get(0)?,
        name: row.get(1)?,
        platform: row.get(2)?,
        created_at: row.get(3)?,
        last_seen_at: row.get(4)?,
        acknowledged: token.zip(at),
    })
}

pub async fn insert(connection: &mut Connection, user_id: UserId, new: &DeviceRow) -> Result<(), DbError> {
    let sql = "INSERT INTO devices (user_id, device_id, name, platform, created_at, last_seen_at) \
               VALUES ($1, $2, $3, $4, $5, $6)";
    let values = values![
        user_id,
        new.device_id,
        new.name.as_str(),
        new.platform.as_str(),
        new.created_at,
        new.last_seen_at
    ];
    connection.execute(sql, values).await.map(drop)
}

/// The device, unless it is removed or another's.
pub async fn load(
    connection: &mut Connection,
    user_id: UserId,
    device_id: DeviceId,
) -> Result<Option<DeviceRow>, DbError> {
    let sql =
        format!("SELECT {COLUMNS} FROM devices WHERE user_id = $1 AND device_id = $2 AND removed_at IS NULL");
    connection.fetch_optional(&sql, values![user_id, device_id]).await?.as_ref().map(device).transpose()
}

/// Those not removed, the last seen first.
pub async fn list(
    connection: &mut Connection,
    user_id: UserId,
    rows_max: usize,
) -> Result<Vec<DeviceRow>, DbError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM devices WHERE user_id = $1 AND removed_at IS NULL \
         ORDER BY last_seen_at DESC, device_id LIMIT $2"
    );
    connection.fetch_all(&sql, values![user_id, rows_max]).await?.iter().map(device).collect()
}

/// What people call the devices, and whose they are; removed ones too.
pub async fn load_holders(
    connection: &mut Connection,
    ids: &[DeviceId],
) -> Result<Vec<DeviceHolder>, DbError> {
    let sql = "SELECT d.device_id, d.name, u.user_id, u.display_name FROM devices d \
               JOIN users u ON u.user_id = d.user_id WHERE d.device_id IN ({keys})";
    let rows = connection.fetch_keys(sql, values![], ids.iter().map(|&id| id.into())).await?;
    let holder = |row: &Row| {
        Ok(DeviceHolder {
            device_id: row.get(0)?,
            device_name: row.get(1)?,
            user_id: row.get(2)?,
            user_name: row.get(3)?,
        })
    };
    rows.iter().map(holder).collect()
}

/// Takes the name that the device now gives itself.
pub async fn rename(
    connection: &mut Connection,
    user_id: UserId,
    device_id: DeviceId,
    (name, platform): (&str, &str),
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "UPDATE devices SET name = $3, platform = $4, last_seen_at = $5 WHERE user_id = $1 AND device_id = $2";
    connection.execute(sql, values![user_id, device_id, name, platform, now]).await.map(drop)
}

pub async fn seen(
    connection: &mut Connection,
    user_id: UserId,
    device_id: DeviceId,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "UPDATE devices SET last_seen_at = $3 WHERE user_id = $1 AND device_id = $2";
    connection.execute(sql, values![user_id, device_id, now]).await.map(drop)
}

/// Keeps what the device has applied.
pub async fn acknowledge(
    connection: &mut Connection,
    user_id: UserId,
    device_id: DeviceId,
    token: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    let sql = "UPDATE devices SET acknowledged_token = $3, acknowledged_at = $4, last_seen_at = $4 \
               WHERE user_id = $1 AND device_id = $2";
    connection.execute(sql, values![user_id, device_id, token, now]).await.map(drop)
}

/// Whether the device is or was the person's.
pub async fn is_known(
    connection: &mut Connection,
    user_id: UserId,
    device_id: DeviceId,
) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM devices WHERE user_id = $1 AND device_id = $2";
    Ok(connection.fetch_optional(sql, values![user_id, device_id]).await?.is_some())
}

/// Whether anybody's device has or had this id.
pub async fn is_taken(connection: &mut Connection, device_id: DeviceId) -> Result<bool, DbError> {
    let sql = "SELECT 1 FROM devices WHERE device_id = $1";
    Ok(connection.fetch_optional(sql, values![device_id]).await?.is_some())
}

/// False where there is nothing to remove.
pub async fn remove(
    connection: &mut Connection,
    user_id: UserId,
    device_id: DeviceId,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql =
        "UPDATE devices SET removed_at = $3 WHERE user_id = $1 AND device_id = $2 AND removed_at IS NULL";
    Ok(connection.execute(sql, values![user_id, device_id, now]).await? > 0)
}
