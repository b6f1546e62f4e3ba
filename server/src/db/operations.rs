//! Answers to operations, recorded with their effect and replayed to whoever asks again.

use serde::{Deserialize, Serialize};
use shared::rules::Known;
use shared::sync::{Outcome, Resolution};
use shared::{ConflictId, ErrorCode, ItemId, OperationId, Timestamp, UserId, VersionId, ZoneId};

use super::{Connection, DbError, Value};
use crate::values;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationRow {
    pub id: OperationId,
    pub recorded_at: Timestamp,
    /// What was asked and answered; None once its retention is over.
    pub kept: Option<Kept>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub payload_hash: [u8; 32],
    pub zone_id: ZoneId,
    pub result: Recorded,
    pub chain: Option<Chain>,
    /// Whether an upload's end recorded it; None where that was not noted yet.
    pub by_upload: Option<bool>,
}

/// What is replayed: status, code, outcome and ids; the rest is read from the present.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Recorded {
    Applied {
        file_id: ItemId,
        item_id: ItemId,
        outcome: Outcome,
    },
    Conflict {
        file_id: ItemId,
        item_id: ItemId,
        conflict_id: ConflictId,
    },
    Failed {
        file_id: ItemId,
        code: ErrorCode,
        message: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        conflict_id: Option<ConflictId>,
    },
    Resolved {
        items: Vec<ItemId>,
        resolution: Resolution,
    },
}

/// What a later edit chained to this operation has in its base: kept apart for content and for place, each
/// that of the last operation of that sort.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chain {
    pub item_id: ItemId,
    pub content: Known,
    pub place: Known,
    /// The version that holds the chain's last content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<VersionId>,
    /// The conflict that the chain's last content became a side of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conflict_id: Option<ConflictId>,
}

fn json<T: serde::de::DeserializeOwned>(text: &str, column: usize) -> Result<T, DbError> {
    serde_json::from_str(text).map_err(|error| DbError::Shape { column, reason: error.to_string() })
}

pub async fn load(
    connection: &mut Connection,
    user: UserId,
    ids: &[OperationId],
) -> Result<Vec<OperationRow>, DbError> {
    let sql = "SELECT operation_id, recorded_at, payload_hash, zone_id, result, chain, by_upload FROM operations \
               WHERE user_id = $1 AND operation_id IN ({keys})";
    let rows = connection.fetch_keys(sql, values![user], ids.iter().map(|&id| id.into())).await?;
    rows.iter()
        .map(|row| {
            let hash: Option<Vec<u8>> = row.get(2)?;
            let kept = match hash.and_then(|hash| hash.try_into().ok()) {
                None => None,
                Some(payload_hash) => Some(Kept {
                    payload_hash,
                    zone_id: row.get(3)?,
                    result: json(&row.get::<String>(4)?, 4)?,
                    chain: row.get::<Option<String>>(5)?.map(|text| json(&text, 5)).transpose()?,
                    by_upload: row.get(6)?,
                }),
            };
            Ok(OperationRow { id: row.get(0)?, recorded_at: row.get(1)?, kept })
        })
        .collect()
}

pub async fn insert(connection: &mut Connection, user: UserId, rows: &[OperationRow]) -> Result<(), DbError> {
    let head = "INSERT INTO operations (user_id, operation_id, recorded_at, payload_hash, zone_id, item_id, result, chain, by_upload)";
    let text = |json: Result<String, _>| json.unwrap_or_default();
    let rows = rows
        .iter()
        .filter_map(|row| Some((row, row.kept.as_ref()?)))
        .map(|(row, kept)| {
            let item = match &kept.result {
                Recorded::Applied { item_id, .. } | Recorded::Conflict { item_id, .. } => Some(*item_id),
                Recorded::Failed { file_id, .. } => Some(*file_id),
                Recorded::Resolved { items, .. } => items.first().copied(),
            };
            values![
                user,
                row.id,
                row.recorded_at,
                kept.payload_hash.as_slice(),
                kept.zone_id,
                item,
                text(serde_json::to_string(&kept.result)),
                kept.chain.as_ref().map(|chain| text(serde_json::to_string(chain))),
                Value::Int(kept.by_upload.map(i64::from))
            ]
        })
        .collect();
    connection.insert_rows(head, rows, "").await?;
    Ok(())
}
