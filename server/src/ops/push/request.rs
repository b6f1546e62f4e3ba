//! A push as it arrives: taken apart, each change prepared or refused by itself.

use std::collections::{BTreeMap, HashMap, HashSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use shared::content::Manifest;
use shared::faults::Fault;
use shared::limits::{
    FILE_BYTES_MAX, MIME_TYPE_BYTES_MAX, PUSH_CHANGES_MAX, PUSH_DATA_BYTES_MAX, PUSH_MANIFEST_CHUNKS_MAX,
};
use shared::photo::AlbumChange;
use shared::sync::{Change, ChangeKind, ContentInput, PushResponse, ZoneKind};
use shared::{DeviceId, ErrorCode, ItemId, ItemName, OperationId, Timestamp, ZoneId};

use super::change::{NewItem, PreparedBody, PreparedChange, PreparedContent, PreparedKind, Refusal};
use super::facts::prepare;
use super::{Answer, PushEffect, copies, write};
use crate::access::{self, Grant};
use crate::auth::Caller;
use crate::db::{items, zones};
use crate::error::{ApiError, ApiResult};
use crate::state::App;
use crate::tokens::{PersonKey, SyncToken, ZonePosition};

/// Of what is wrong with a malformed change, as far as it is recorded.
const ERROR_CHARS_MAX: usize = 130;

/// `POST /sync/push`, its changes not looked at yet: a malformed one is an error of its own.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RawPush {
    pub device_id: DeviceId,
    #[serde(default)]
    pub last_sync_token: Option<String>,
    pub changes: Vec<serde_json::Value>,
}

/// The two fields that every answer names.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ids {
    operation_id: OperationId,
    file_id: ItemId,
}

pub async fn push(app: &App, caller: Caller, push: RawPush) -> ApiResult<PushResponse> {
    if push.changes.len() > PUSH_CHANGES_MAX {
        let detail = format!("A push has at most {PUSH_CHANGES_MAX} changes. Send them in several.");
        return Err(ApiError::new(ErrorCode::TooManyChanges, detail).with("limit", PUSH_CHANGES_MAX));
    }
    if push.device_id != caller.device_id {
        let detail = "This session belongs to another device. Sign in again on this one.";
        return Err(ApiError::new(ErrorCode::DeviceMismatch, detail));
    }
    let key = app.tokens.person(caller.user_id);
    let mut reader = app.db.reader().await?;
    let grants = access::grants_of(&mut reader, caller.user_id).await?;
    let zone_ids: Vec<ZoneId> = grants.iter().map(|grant| grant.zone_id).collect();
    let stand: BTreeMap<_, _> = zones::positions(&mut reader, &zone_ids).await?.into_iter().collect();
    let now = app.env.now();
    let last = push.last_sync_token.as_deref().map(|text| key.check(text, now, &stand)).transpose()?;
    let mut parsed: Vec<ParsedChange> =
        push.changes.into_iter().map(parse_change).collect::<ApiResult<_>>()?;
    // One that stands twice is answered once, also where the second would go with another run.
    let mut seen = HashSet::new();
    parsed.retain(|parsed| seen.insert((parsed.operation_id, parsed.payload_hash)));
    let changes = parsed.iter_mut().map(|parsed| &mut parsed.change);
    copies::name_chunks(&mut reader, &grants, changes).await?;
    let held = zones_of(&mut reader, &zone_ids, &parsed).await?;
    drop(reader);
    let mut response =
        PushResponse { sync_token: push.last_sync_token, applied: vec![], conflicts: vec![], errors: vec![] };
    let mut progress = Progress::new(last, now);
    for (grant, changes) in runs(&grants, held, parsed) {
        let mut prepared = Vec::with_capacity(changes.len());
        for (change, taken_elsewhere) in changes {
            prepared.push(prepare_change(app, &key, grant, change, taken_elsewhere).await?);
        }
        let effect = write(app, grant, caller.device_id, prepared).await?;
        progress.take(grant.zone_id, &effect);
        for answer in effect.answers {
            match answer {
                Answer::Applied(applied) => response.applied.push(applied),
                Answer::Conflict(conflict) => response.conflicts.push(conflict),
                Answer::Failed(error) => response.errors.push(error),
            }
        }
    }
    if let Some(token) = progress.finish() {
        response.sync_token = Some(key.encode(&token));
    }
    Ok(response)
}

/// The answer's token: the client's, advanced over the push's own commits if nothing else lies between and
/// the answer tells of all of them.
pub struct Progress {
    token: SyncToken,
    advanced: bool,
    gap: bool,
}

impl Progress {
    pub fn new(last: Option<SyncToken>, now: Timestamp) -> Self {
        let token = last.unwrap_or(SyncToken { issued_at: now, zones: BTreeMap::new() });
        Self { token, advanced: false, gap: false }
    }

    pub fn take(&mut self, zone: ZoneId, effect: &PushEffect) {
        if effect.after == effect.before {
            return;
        }
        let given = self.token.zones.get(&zone).copied();
        let position = given.map_or(0, |given| given.position);
        if position == effect.before && effect.told_all || Fault::TokenPassesOthers.is_planted() {
            let alive_until = given.map_or(0, |given| given.alive_until);
            self.token.zones.insert(zone, ZonePosition { position: effect.after, alive_until });
            self.advanced = true;
        } else {
            self.gap = true;
        }
    }

    /// The token to answer with; None where it stays what it was.
    pub fn finish(self) -> Option<SyncToken> {
        (self.advanced && !self.gap).then_some(self.token)
    }
}

/// A change taken apart as far as it goes.
pub struct ParsedChange {
    pub operation_id: OperationId,
    pub file_id: ItemId,
    payload_hash: [u8; 32],
    pub change: Result<Change, Refusal>,
}

/// SHA-256 of an operation's canonical form: its fields in the order of their type.
pub fn payload_hash(operation: &impl serde::Serialize) -> [u8; 32] {
    Sha256::digest(serde_json::to_vec(operation).unwrap_or_default()).into()
}

pub fn parse_change(value: serde_json::Value) -> ApiResult<ParsedChange> {
    match Change::deserialize(&value) {
        Ok(change) => Ok(ParsedChange {
            operation_id: change.operation_id,
            file_id: change.file_id,
            payload_hash: payload_hash(&change),
            change: Ok(change),
        }),
        Err(error) => {
            let ids = Ids::deserialize(&value).map_err(|_| {
                let detail = "Every change needs an operationId and a fileId, both UUIDs.";
                ApiError::new(ErrorCode::InvalidRequest, detail)
            })?;
            // It may tell of what the client sent, at any length.
            let error = error.to_string().chars().take(ERROR_CHARS_MAX).collect::<String>();
            let message = format!("This change isn't what belongs here: {error}. See /api/v1/openapi.json.");
            Ok(ParsedChange {
                operation_id: ids.operation_id,
                file_id: ids.file_id,
                payload_hash: payload_hash(&value),
                change: Err(Refusal::new(ErrorCode::InvalidRequest, message)),
            })
        }
    }
}

fn folder_of(kind: &ChangeKind) -> Option<ItemId> {
    match kind {
        ChangeKind::CreateFolder { parent_id, .. } | ChangeKind::Create { parent_id, .. } => Some(*parent_id),
        ChangeKind::Move { parent_id, .. } | ChangeKind::Restore { parent_id } => *parent_id,
        ChangeKind::AlbumAdd { album_id }
        | ChangeKind::AlbumRemove { album_id }
        | ChangeKind::AlbumCover { album_id }
        | ChangeKind::AlbumPlace { album_id, .. } => Some(*album_id),
        ChangeKind::Content { .. }
        | ChangeKind::Delete { .. }
        | ChangeKind::Purge {}
        | ChangeKind::Photo(_) => None,
    }
}

/// In which of the person's zones each id is that the changes name.
async fn zones_of(
    reader: &mut crate::db::Connection,
    zone_ids: &[ZoneId],
    parsed: &[ParsedChange],
) -> ApiResult<HashMap<ItemId, ZoneId>> {
    let mut ids: Vec<ItemId> = parsed.iter().flat_map(ParsedChange::named_ids).collect();
    ids.sort_unstable();
    ids.dedup();
    Ok(items::zones_of(reader, zone_ids, &ids).await?.into_iter().collect())
}

/// Changes of one zone, each with whether its id is taken in another.
pub type Run = (Grant, Vec<(ParsedChange, bool)>);

/// Changes that follow each other in one zone go together. What is created belongs where its parent is; what
/// is nowhere is judged, and not found, in the person's own files.
pub fn runs(
    grants: &[Grant],
    held: impl IntoIterator<Item = (ItemId, ZoneId)>,
    parsed: Vec<ParsedChange>,
) -> Vec<Run> {
    let roots = grants.iter().map(|grant| (grant.root_id, grant.zone_id));
    let mut held: HashMap<ItemId, ZoneId> = held.into_iter().chain(roots).collect();
    let own = grants.iter().find(|grant| grant.kind == ZoneKind::Files).or(grants.first()).copied();
    let mut runs: Vec<Run> = Vec::new();
    for parsed in parsed {
        let of_file = held.get(&parsed.file_id).copied();
        let zone = match parsed.change.as_ref().map(|change| &change.kind) {
            Ok(ChangeKind::CreateFolder { parent_id, .. } | ChangeKind::Create { parent_id, .. }) => {
                let zone = held.get(parent_id).copied();
                if let Some(zone) = zone {
                    held.entry(parsed.file_id).or_insert(zone);
                }
                zone.or(of_file)
            }
            _ => of_file,
        };
        let grant = grants.iter().find(|grant| Some(grant.zone_id) == zone).copied().or(own);
        let Some(grant) = grant else { continue };
        let taken_elsewhere = of_file.is_some_and(|zone| zone != grant.zone_id);
        match runs.last_mut() {
            Some((last, changes)) if last.zone_id == grant.zone_id => changes.push((parsed, taken_elsewhere)),
            _ => runs.push((grant, vec![(parsed, taken_elsewhere)])),
        }
    }
    runs
}

async fn prepare_change(
    app: &App,
    key: &PersonKey,
    grant: Grant,
    parsed: ParsedChange,
    taken_elsewhere: bool,
) -> ApiResult<PreparedChange> {
    let mut checked = parsed.check(key, grant);
    let content = match checked.take_bytes() {
        Some(bytes) => Some(prepare(app, grant.account_id, bytes).await?),
        None => None,
    };
    Ok(checked.prepared(content, taken_elsewhere))
}

/// A change held against its limits.
pub struct CheckedChange {
    operation_id: OperationId,
    file_id: ItemId,
    payload_hash: [u8; 32],
    body: Result<(shared::sync::Base, Checked), Refusal>,
}

impl ParsedChange {
    /// The item that it is about, and the folder that it names.
    pub fn named_ids(&self) -> impl Iterator<Item = ItemId> {
        let folder = self.change.as_ref().ok().and_then(|change| folder_of(&change.kind));
        std::iter::once(self.file_id).chain(folder)
    }

    pub fn check(self, key: &PersonKey, grant: Grant) -> CheckedChange {
        let Self { operation_id, file_id, payload_hash, change } = self;
        let body = change.and_then(|change| checked(key, grant, change));
        CheckedChange { operation_id, file_id, payload_hash, body }
    }
}

impl CheckedChange {
    /// The bytes that came along: to be made durable.
    pub fn take_bytes(&mut self) -> Option<Bytes> {
        match &mut self.body {
            Ok((_, Checked::Create(_, bytes) | Checked::Content(bytes, _))) => {
                Some(std::mem::take(bytes).into())
            }
            _ => None,
        }
    }

    /// The change as the judge takes it; `content` is what came of its bytes.
    pub fn prepared(self, content: Option<PreparedContent>, taken_elsewhere: bool) -> PreparedChange {
        let Self { operation_id, file_id, payload_hash, body } = self;
        let content = |modified_at| PreparedContent {
            modified_at,
            ..content.unwrap_or_else(|| PreparedContent::held(Manifest::default(), None))
        };
        let body = body.map(|(base, checked)| {
            let kind = match checked {
                Checked::Ready(kind) => kind,
                Checked::Create(new, _) => {
                    let content = content(new.modified_at);
                    PreparedKind::Create(new, content)
                }
                Checked::Content(_, modified_at) => PreparedKind::Content(content(modified_at)),
            };
            PreparedBody { base, kind }
        });
        PreparedChange { operation_id, file_id, payload_hash, taken_elsewhere, by_upload: false, body }
    }
}

/// A change within its limits, bytes that came along not stored yet.
enum Checked {
    Ready(PreparedKind),
    Create(NewItem, Vec<u8>),
    Content(Vec<u8>, Option<Timestamp>),
}

/// Whether it can stand in a header as it is.
pub fn is_mime_type(text: &str) -> bool {
    text.len() <= MIME_TYPE_BYTES_MAX && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}

fn name_of(text: &str) -> Result<ItemName, Refusal> {
    ItemName::parse(text).map_err(|error| {
        Refusal::new(ErrorCode::InvalidName, format!("This name can't be used: {error}. Choose another."))
    })
}

fn checked(key: &PersonKey, grant: Grant, change: Change) -> Result<(shared::sync::Base, Checked), Refusal> {
    let invalid = |message: &str| Refusal::new(ErrorCode::InvalidRequest, message);
    let Change { base, kind, .. } = change;
    let needs_base =
        matches!(kind, ChangeKind::Content { .. } | ChangeKind::Move { .. } | ChangeKind::Delete { .. });
    if needs_base && base.base_version.is_none() && base.base_operation_id.is_none() {
        return Err(invalid("Say what was changed: give a baseVersion or a baseOperationId."));
    }
    let new = |parent_id, name: &str, mime_type, created_at, modified_at| {
        Ok(NewItem { parent_id, name: name_of(name)?, mime_type, created_at, modified_at, taken_at: None })
    };
    let kind = match kind {
        ChangeKind::CreateFolder { parent_id, name, created_at, modified_at } => {
            Checked::Ready(PreparedKind::CreateFolder(new(parent_id, &name, None, created_at, modified_at)?))
        }
        ChangeKind::Create { parent_id, name, content, mime_type, created_at, modified_at } => {
            if !mime_type.as_deref().is_none_or(is_mime_type) {
                let message = format!(
                    "A mimeType has at most {MIME_TYPE_BYTES_MAX} visible ASCII bytes. Leave it out where you don't know it."
                );
                return Err(invalid(&message));
            }
            let new = new(parent_id, &name, mime_type, created_at, modified_at)?;
            match checked_content(content)? {
                Ok(bytes) => Checked::Create(new, bytes),
                Err(manifest) => {
                    Checked::Ready(PreparedKind::Create(new, PreparedContent::held(manifest, modified_at)))
                }
            }
        }
        ChangeKind::Content { content, modified_at } => match checked_content(content)? {
            Ok(bytes) => Checked::Content(bytes, modified_at),
            Err(manifest) => {
                Checked::Ready(PreparedKind::Content(PreparedContent::held(manifest, modified_at)))
            }
        },
        ChangeKind::Move { parent_id: None, name: None } => {
            return Err(invalid("A move needs a parentId, a name or both."));
        }
        ChangeKind::Move { parent_id, name } => {
            Checked::Ready(PreparedKind::Move { parent_id, name: name.as_deref().map(name_of).transpose()? })
        }
        ChangeKind::Delete { seen_token } => {
            let seen = key.seen(seen_token.as_deref(), grant.zone_id).map_err(|error| {
                Refusal::new(
                    ErrorCode::InvalidSyncToken,
                    format!("The seenToken is {error}. Give the syncToken of an answer."),
                )
            })?;
            Checked::Ready(PreparedKind::Delete { seen })
        }
        ChangeKind::Restore { parent_id } => Checked::Ready(PreparedKind::Restore { parent_id }),
        ChangeKind::Purge {} => Checked::Ready(PreparedKind::Purge),
        ChangeKind::Photo(edit) if edit.is_empty() => {
            return Err(invalid("Say what of the photo changes."));
        }
        ChangeKind::Photo(edit) => Checked::Ready(PreparedKind::Photo(edit)),
        ChangeKind::AlbumAdd { album_id } => Checked::Ready(PreparedKind::Album(album_id, AlbumChange::Add)),
        ChangeKind::AlbumRemove { album_id } => {
            Checked::Ready(PreparedKind::Album(album_id, AlbumChange::Remove))
        }
        ChangeKind::AlbumCover { album_id } => {
            Checked::Ready(PreparedKind::Album(album_id, AlbumChange::Cover))
        }
        ChangeKind::AlbumPlace { album_id, sort_at } => {
            Checked::Ready(PreparedKind::Album(album_id, AlbumChange::Place(sort_at)))
        }
    };
    Ok((base, kind))
}

/// The bytes, or the manifest of chunks that the account should hold.
fn checked_content(content: ContentInput) -> Result<Result<Vec<u8>, Manifest>, Refusal> {
    let ContentInput { size, chunks, data, copy_of } = content;
    let invalid = |message: String| Refusal::new(ErrorCode::InvalidManifest, message);
    if size > FILE_BYTES_MAX {
        let message = format!("A file has at most {FILE_BYTES_MAX} bytes. Send it in parts.");
        return Err(Refusal::new(ErrorCode::FileTooLarge, message));
    }
    match (data, chunks) {
        (Some(_), Some(_)) => {
            Err(Refusal::new(ErrorCode::InvalidRequest, "Give the data or its chunks, not both."))
        }
        (None, None) if size > 0 => {
            Err(Refusal::new(ErrorCode::InvalidRequest, "Give the data or its chunks."))
        }
        (None, None) => Ok(Err(Manifest::default())),
        (None, Some(chunks)) if copy_of.is_none() && chunks.len() > PUSH_MANIFEST_CHUNKS_MAX => {
            let message =
                format!("A push names at most {PUSH_MANIFEST_CHUNKS_MAX} chunks a file. Upload it instead.");
            Err(Refusal::new(ErrorCode::TooManyChunks, message))
        }
        (None, Some(chunks)) => {
            let manifest = Manifest::with_size(chunks, size);
            manifest.map(Err).map_err(|error| {
                invalid(format!("This can't be a file: {error}. Name every chunk with its size."))
            })
        }
        (Some(data), None) => {
            let bytes = STANDARD.decode(&data).map_err(|_| {
                Refusal::new(ErrorCode::InvalidRequest, "The data has to be standard base64.")
            })?;
            if bytes.len() > PUSH_DATA_BYTES_MAX {
                let message = format!(
                    "A push takes at most {PUSH_DATA_BYTES_MAX} bytes of data a file. Upload it instead."
                );
                return Err(Refusal::new(ErrorCode::PayloadTooLarge, message));
            }
            if bytes.len() as u64 != size {
                let message = format!(
                    "There are {} bytes, but the size was given as {size}. Give that of the data.",
                    bytes.len()
                );
                return Err(invalid(message));
            }
            Ok(Ok(bytes))
        }
    }
}
