//! What happened to items because several devices changed them, told to people.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use shared::activity::ActivityKind;
use shared::{ActivityId, DeviceId, ItemId, ItemKind, Timestamp, ZoneId};

use super::{Connection, DbError, Row};
use crate::values;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActivityRow {
    pub id: ActivityId,
    pub item_id: ItemId,
    pub device_id: DeviceId,
    pub happened_at: Timestamp,
    pub told: Told,
}

/// What is told of it: the name of the kind stands in a column, the rest beside it as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Told {
    /// What the item was called then.
    pub item_name: String,
    pub item_type: ItemKind,
    #[serde(flatten)]
    pub kind: ActivityKind,
}

/// The member of the JSON that is the column.
const KIND: &str = "kind";

impl Told {
    /// The column, and the JSON of the rest.
    fn columns(&self) -> (String, String) {
        let Ok(Json::Object(mut members)) = serde_json::to_value(self) else { return Default::default() };
        let kind = members.remove(KIND);
        let kind = kind.as_ref().and_then(Json::as_str).unwrap_or_default().to_owned();
        (kind, Json::Object(members).to_string())
    }

    fn read(kind: String, rest: &str) -> Option<Self> {
        let mut members: Map<String, Json> = serde_json::from_str(rest).ok()?;
        members.insert(KIND.to_owned(), Json::String(kind));
        serde_json::from_value(Json::Object(members)).ok()
    }
}

fn activity(row: &Row) -> Result<Option<ActivityRow>, DbError> {
    let (kind, rest): (String, String) = (row.get(4)?, row.get(5)?);
    // Only a broken row cannot be read: what a newer server wrote is `Unknown`.
    let Some(told) = Told::read(kind, &rest) else { return Ok(None) };
    Ok(Some(ActivityRow {
        id: row.get(0)?,
        item_id: row.get(1)?,
        device_id: row.get(2)?,
        happened_at: row.get(3)?,
        told,
    }))
}

/// The zone's activity before the given entry, the latest first.
pub async fn load(
    connection: &mut Connection,
    zone: ZoneId,
    before: ActivityId,
    limit: usize,
) -> Result<Vec<ActivityRow>, DbError> {
    // Ids are made in the order of time.
    let sql = "SELECT activity_id, item_id, device_id, happened_at, kind, detail FROM activity \
               WHERE zone_id = $1 AND activity_id < $2 ORDER BY activity_id DESC LIMIT $3";
    let rows = connection.fetch_all(sql, values![zone, before, limit]).await?;
    rows.iter().filter_map(|row| activity(row).transpose()).collect()
}

pub async fn insert(connection: &mut Connection, zone: ZoneId, rows: &[ActivityRow]) -> Result<(), DbError> {
    let head = "INSERT INTO activity (zone_id, activity_id, item_id, device_id, happened_at, kind, detail)";
    let rows = rows
        .iter()
        .map(|row| {
            let (kind, detail) = row.told.columns();
            values![zone, row.id, row.item_id, row.device_id, row.happened_at, kind, detail]
        })
        .collect();
    connection.insert_rows(head, rows, "").await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_comes_back_from_its_columns() {
        let told = Told {
            item_name: "a.txt".to_owned(),
            item_type: ItemKind::File,
            kind: ActivityKind::Renamed { asked: "b.txt".to_owned() },
        };
        let (kind, rest) = told.columns();
        assert_eq!((kind.as_str(), rest.contains(KIND)), ("renamed", false));
        assert_eq!(Told::read(kind, &rest), Some(told));
    }
}
