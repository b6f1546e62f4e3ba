//! People, their accounts and the zones they begin with.

use shared::account::User;
use shared::sync::{ZoneKind, ZoneRole};
use shared::{ItemId, Timestamp, UserId, ZoneId};

use super::zone_codes::{kind_code, role_code};
use super::{Connection, DbError, Row};
use crate::values;

/// A person who is about to exist.
pub struct NewUser {
    pub user_id: UserId,
    pub username: String,
    /// Folded: two people cannot differ by case.
    pub username_key: String,
    pub display_name: String,
    pub password_hash: String,
    pub quota_bytes: u64,
    pub now: Timestamp,
}

/// A zone that a person begins with.
pub struct NewZone {
    pub zone_id: ZoneId,
    pub root_id: ItemId,
    pub kind: ZoneKind,
}

/// What sign-in needs to know of a person.
#[derive(Clone)]
pub struct Credentials {
    pub user_id: UserId,
    pub password_hash: String,
    pub disabled: bool,
}

const USER_COLUMNS: &str = "u.user_id, u.username, u.display_name, u.is_admin, a.quota_bytes, a.used_bytes, u.created_at \
     FROM users u JOIN accounts a ON a.account_id = u.user_id";

fn user(row: &Row) -> Result<User, DbError> {
    Ok(User {
        id: row.get(0)?,
        username: row.get(1)?,
        display_name: row.get(2)?,
        is_admin: row.get(3)?,
        quota_bytes: row.get(4)?,
        used_bytes: row.get(5)?,
        created_at: row.get(6)?,
    })
}

pub async fn any(connection: &mut Connection) -> Result<bool, DbError> {
    Ok(connection.fetch_optional("SELECT user_id FROM users LIMIT 1", values![]).await?.is_some())
}

/// Takes registrations in turn, so that there is one first account; whether this is it. The first statement
/// of a registration's write.
pub async fn begin_registration(connection: &mut Connection, user_id: UserId) -> Result<bool, DbError> {
    let lock = "INSERT INTO settings (name, value) VALUES ('last_registration', $1) \
                ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    connection.execute(lock, values![user_id]).await?;
    Ok(!any(connection).await?)
}

/// Makes the person, the account and the zones; false where the name is taken.
pub async fn insert(
    connection: &mut Connection,
    new: &NewUser,
    is_admin: bool,
    zones: &[NewZone],
) -> Result<bool, DbError> {
    let sql = "INSERT INTO users (user_id, username, username_key, display_name, password_hash, is_admin, disabled_at, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, NULL, $7) ON CONFLICT (username_key) DO NOTHING";
    let values = values![
        new.user_id,
        new.username.as_str(),
        new.username_key.as_str(),
        new.display_name.as_str(),
        new.password_hash.as_str(),
        is_admin,
        new.now
    ];
    if connection.execute(sql, values).await? == 0 {
        return Ok(false);
    }
    let sql =
        "INSERT INTO accounts (account_id, quota_bytes, used_bytes, staged_bytes) VALUES ($1, $2, 0, 0)";
    connection.execute(sql, values![new.user_id, new.quota_bytes]).await?;
    let rows =
        |row: fn(&NewUser, &NewZone) -> Vec<super::Value>| zones.iter().map(|zone| row(new, zone)).collect();
    let zone_rows = rows(|new, zone| {
        values![zone.zone_id, new.user_id, kind_code(zone.kind), zone.root_id, 0_i64, 0_i64, new.now]
    });
    let head = "INSERT INTO zones (zone_id, account_id, kind, root_id, counter, tombstone_floor, created_at)";
    connection.insert_rows(head, zone_rows, "").await?;
    let members = rows(|new, zone| values![new.user_id, zone.zone_id, role_code(ZoneRole::Owner)]);
    connection.insert_rows("INSERT INTO zone_members (user_id, zone_id, role)", members, "").await?;
    Ok(true)
}

pub async fn credentials(
    connection: &mut Connection,
    username_key: &str,
) -> Result<Option<Credentials>, DbError> {
    let sql = "SELECT user_id, password_hash, disabled_at FROM users WHERE username_key = $1";
    let row = connection.fetch_optional(sql, values![username_key]).await?;
    row.map(|row| {
        Ok(Credentials {
            user_id: row.get(0)?,
            password_hash: row.get(1)?,
            disabled: row.get::<Option<Timestamp>>(2)?.is_some(),
        })
    })
    .transpose()
}

pub async fn load(connection: &mut Connection, user_id: UserId) -> Result<Option<User>, DbError> {
    let sql = format!("SELECT {USER_COLUMNS} WHERE u.user_id = $1");
    connection.fetch_optional(&sql, values![user_id]).await?.as_ref().map(user).transpose()
}

/// Everyone, by name; whether each is disabled stands beside.
pub async fn list(connection: &mut Connection) -> Result<Vec<(User, bool)>, DbError> {
    let sql = format!(
        "SELECT {}, u.disabled_at FROM users u JOIN accounts a ON a.account_id = u.user_id ORDER BY u.username_key",
        USER_COLUMNS.split(" FROM ").next().unwrap_or_default()
    );
    let rows = connection.fetch_all(&sql, values![]).await?;
    rows.iter().map(|row| Ok((user(row)?, row.get::<Option<Timestamp>>(7)?.is_some()))).collect()
}

pub async fn password_hash(connection: &mut Connection, user_id: UserId) -> Result<Option<String>, DbError> {
    let sql = "SELECT password_hash FROM users WHERE user_id = $1";
    connection.fetch_optional(sql, values![user_id]).await?.map(|row| row.get(0)).transpose()
}

/// Puts one password in the place of another; false where that other is not the person's any more.
pub async fn replace_password(
    connection: &mut Connection,
    user_id: UserId,
    former_hash: &str,
    hash: &str,
) -> Result<bool, DbError> {
    let sql = "UPDATE users SET password_hash = $3 WHERE user_id = $1 AND password_hash = $2";
    Ok(connection.execute(sql, values![user_id, former_hash, hash]).await? > 0)
}

/// Whether that is still the person's password, and the account open: nobody changes it before the transaction ends.
pub async fn hold_password(
    connection: &mut Connection,
    user_id: UserId,
    hash: &str,
) -> Result<bool, DbError> {
    let sql = "UPDATE users SET password_hash = password_hash \
        WHERE user_id = $1 AND password_hash = $2 AND disabled_at IS NULL";
    Ok(connection.execute(sql, values![user_id, hash]).await? > 0)
}

pub async fn set_password(connection: &mut Connection, user_id: UserId, hash: &str) -> Result<(), DbError> {
    let sql = "UPDATE users SET password_hash = $2, disabled_at = NULL WHERE user_id = $1";
    connection.execute(sql, values![user_id, hash]).await.map(drop)
}

pub async fn disable(connection: &mut Connection, user_id: UserId, now: Timestamp) -> Result<(), DbError> {
    let sql = "UPDATE users SET disabled_at = $2 WHERE user_id = $1 AND disabled_at IS NULL";
    connection.execute(sql, values![user_id, now]).await.map(drop)
}
