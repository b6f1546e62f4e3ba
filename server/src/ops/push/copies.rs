//! Contents that a push names by another file: put into the chunks that the account holds of them.

use std::collections::HashMap;

use shared::sync::{Change, ChangeKind, ContentInput, CopyOf};
use shared::{ErrorCode, ItemId, ZoneId};

use super::change::Refusal;
use crate::access::Grant;
use crate::db::{Connection, items, manifests, versions};
use crate::error::ApiResult;

/// Chunks that the copies of one push may have together: four of the largest files.
const COPIED_CHUNKS_MAX: usize = 4 * shared::limits::FILE_CHUNKS_MAX;

/// Names the chunks of every content that is a copy. Whoever can read a file may copy what it holds or held; of
/// anything else the answer is the same, whether it exists or not.
pub async fn name_chunks<'a>(
    reader: &mut Connection,
    grants: &[Grant],
    changes: impl Iterator<Item = &'a mut Result<Change, Refusal>>,
) -> ApiResult<()> {
    let mut copies: Vec<(&mut Result<Change, Refusal>, CopyOf)> = changes
        .filter_map(|change| {
            let copy = content_of(change.as_mut().ok()?)?.copy_of?;
            Some((change, copy))
        })
        .collect();
    if copies.is_empty() {
        return Ok(());
    }
    let zone_ids: Vec<ZoneId> = grants.iter().map(|grant| grant.zone_id).collect();
    let mut ids: Vec<ItemId> = copies.iter().map(|(_, copy)| copy.file_id).collect();
    ids.sort_unstable();
    ids.dedup();
    let zones: HashMap<ItemId, ZoneId> =
        items::zones_of(reader, &zone_ids, &ids).await?.into_iter().collect();
    let mut named = 0;
    for (change, copy) in &mut copies {
        let zone = zones.get(&copy.file_id);
        let grant = grants.iter().find(|grant| Some(&grant.zone_id) == zone);
        let manifest = match grant {
            Some(grant) if held(reader, grant.zone_id, *copy).await? => {
                manifests::load(reader, grant.account_id, copy.content_hash).await?
            }
            _ => None,
        };
        let chunks = match manifest {
            Some(manifest) if named + manifest.chunks().len() <= COPIED_CHUNKS_MAX => {
                manifest.chunks().to_vec()
            }
            Some(_) => {
                let message = "There are too many copies of large files in this push. Send this one later.";
                **change = Err(Refusal::new(ErrorCode::Unavailable, message));
                continue;
            }
            None => {
                **change = Err(Refusal::new(
                    ErrorCode::Gone,
                    "What was to be copied is no longer there. Send its content instead.",
                ));
                continue;
            }
        };
        named += chunks.len();
        if let Some(content) = change.as_mut().ok().and_then(content_of) {
            if content.chunks.is_some() || content.data.is_some() {
                let message = "Give the data, its chunks or what it is a copy of, not several.";
                **change = Err(Refusal::new(ErrorCode::InvalidRequest, message));
            } else {
                content.chunks = Some(chunks);
            }
        }
    }
    Ok(())
}

fn content_of(change: &mut Change) -> Option<&mut ContentInput> {
    match &mut change.kind {
        ChangeKind::Create { content, .. } | ChangeKind::Content { content, .. } => Some(content),
        _ => None,
    }
}

/// Whether the file has or had this content.
async fn held(reader: &mut Connection, zone: ZoneId, copy: CopyOf) -> ApiResult<bool> {
    let versions = versions::load_of_items(reader, zone, &[copy.file_id]).await?;
    Ok(versions.iter().any(|version| version.content_hash == copy.content_hash))
}
