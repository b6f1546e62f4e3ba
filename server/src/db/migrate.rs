//! Brings the schema up to date at start. Migrations only go forward, and are safe with the code before
//! them still running: expand first, contract in a later release.

use shared::Timestamp;

use super::error::DbError;
use super::sql::Connection;
use crate::values;

/// Every migration, in order; a version is its position, from 1.
const MIGRATIONS: [&str; 10] = [
    include_str!("../../../migrations/0001_first.sql"),
    include_str!("../../../migrations/0002_operations_by_upload.sql"),
    include_str!("../../../migrations/0003_items_parent.sql"),
    include_str!("../../../migrations/0004_count_floor.sql"),
    include_str!("../../../migrations/0005_photos.sql"),
    include_str!("../../../migrations/0006_albums.sql"),
    include_str!("../../../migrations/0007_photo_facts.sql"),
    include_str!("../../../migrations/0008_photos_content.sql"),
    include_str!("../../../migrations/0009_album_order.sql"),
    include_str!("../../../migrations/0010_feed_devices.sql"),
];

/// PostgreSQL's advisory lock that two starting nodes take in turn.
const MIGRATION_LOCK: i64 = 0x636c_6f75_6473;

/// Runs inside a write: all of it happens or nothing.
pub(super) async fn migrate(connection: &mut Connection, now: Timestamp) -> Result<(), DbError> {
    if connection.is_postgres() {
        connection.fetch_all("SELECT 1 FROM pg_advisory_xact_lock($1)", values![MIGRATION_LOCK]).await?;
    }
    let ledger = "CREATE TABLE IF NOT EXISTS migrations (version BIGINT NOT NULL PRIMARY KEY, applied_at BIGINT NOT NULL)";
    connection.execute(ledger, values![]).await?;
    let done: i64 = connection
        .fetch_one("SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) FROM migrations", values![])
        .await?
        .get(0)?;
    for (version, sql) in (1_i64..).zip(MIGRATIONS).skip(usize::try_from(done).unwrap_or(0)) {
        let sql = if connection.is_postgres() { for_postgres(sql) } else { sql.to_owned() };
        connection.run_script(sql).await?;
        connection
            .execute("INSERT INTO migrations (version, applied_at) VALUES ($1, $2)", values![version, now])
            .await?;
    }
    Ok(())
}

/// The table of types by which the two dialects differ. Types stand behind a column's name and before a
/// comma or a constraint, always in capitals.
fn for_postgres(sql: &str) -> String {
    sql.replace(" BLOB", " BYTEA").replace(" TEXT", " TEXT COLLATE \"C\"")
}
