//! The full tier: the same scenarios, played by the server as it is. See [`node::Node`].

mod mirror;
mod node;
mod objects;
mod strangers;
mod wal;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use bytes::Bytes;
use server::db::conflicts::ConflictRow;
use server::db::items::ItemRow;
use server::db::operations::Recorded;
use server::db::versions::VersionRow;
use server::ops::push::{Answer, PreparedChange};
use shared::frames::{FileAction, ServerEvent};
use shared::item::ItemState;
use shared::sync::{Applied, ChangeError, ConflictInfo, PushResponse, ZoneKind};
use shared::upload::UploadCompleted;
use shared::{ChunkRef, DeviceId, ErrorCode, OperationId, Problem};

use crate::chance::{Chance, Machine};
use crate::database::Database;
use crate::oracle::Violation;
use crate::server::{Cause, Commit, Reply, Request, Served, Server};
use mirror::Depth;
pub use node::Node;

/// Every so many looks somebody asks who must not be told anything.
const STRANGER_LOOKS: usize = 32;

impl Server {
    /// The server as it is, with its router, SQL, jobs and objects.
    pub fn full(machine: Machine, quota_bytes: u64, seed: u64) -> Self {
        let (node, database) = Node::new(machine.clone(), quota_bytes, seed);
        let (user, secret, root) = (node.user, node.secret, database.files.root);
        let database = Arc::new(database);
        let full = Some(Box::new(node));
        Self { database, secret, user, root, full, ..Self::new(machine, quota_bytes) }
    }

    /// What the real server makes of the request; with a power cut, at some moment of it.
    pub(crate) fn serve_full(
        &mut self,
        device: DeviceId,
        request: &Request,
        power_cut: bool,
    ) -> Option<Served> {
        let asked = self.asked(device, request);
        let is_joined = match request {
            Request::Push(push) => self.runs(push).is_ok_and(|runs| runs.len() > 1),
            _ => false,
        };
        let node = self.full.as_mut()?;
        let before = Arc::clone(&self.database);
        let reply =
            if power_cut { node.call_in_power_cut(device, request) } else { node.call(device, request) };
        let writes = !matches!(request, Request::Pull { .. } | Request::Trash { .. } | Request::Conflicts);
        if writes || power_cut {
            let depth = if power_cut { Depth::All } else { Depth::Request };
            self.database = Arc::new(node.read(&before, depth));
        }
        node.note_answer(device, &reply);
        if reply.as_ref().is_err_and(|problem| problem.code == ErrorCode::Unauthenticated)
            && let Some(signed_in) = Arc::make_mut(&mut self.database).devices.get_mut(&device)
        {
            *signed_in = false;
        }
        let after = Arc::clone(&self.database);
        let commits = if writes {
            let cause = match asked {
                // Each zone is written by itself, and the next may not be.
                Asked::Changes(changes)
                    if power_cut || reply.is_err() && matches!(request, Request::Push(_)) =>
                {
                    self.written_of(device, &changes, &before)
                }
                asked if !power_cut || asked.stands(&before, &after) => asked.cause(device, &reply, &after),
                _ => Cause::Staging,
            };
            vec![Commit { before: Arc::clone(&before), after: Arc::clone(&after), cause, is_joined }]
        } else {
            Vec::new()
        };
        let events = self.events(&before, &after);
        Some(Served { reply, events, commits, power_cut })
    }

    /// What was written of a push of which not all was, answered as it was recorded.
    fn written_of(&self, device: DeviceId, changes: &[PreparedChange], before: &Database) -> Cause {
        let known = |id: &OperationId| before.operations.contains_key(id);
        let recorded = |change: &PreparedChange| {
            let row = self.database.operations.get(&change.operation_id)?;
            let (operation_id, file_id) = (row.id, change.file_id);
            Some(match &row.kept.as_ref()?.result {
                Recorded::Applied { item_id, outcome, .. } => {
                    let item = self.state(*item_id)?;
                    Answer::Applied(Applied { operation_id, file_id, item, outcome: *outcome })
                }
                Recorded::Conflict { conflict_id, .. } => {
                    let row = self.database.conflicts.get(conflict_id)?;
                    let conflict = self.conflict(row)?;
                    Answer::Conflict(ConflictInfo { operation_id: Some(operation_id), ..conflict })
                }
                Recorded::Failed { code, message, .. } => {
                    failed(change, &Problem::new(*code, message.clone()))
                }
                Recorded::Resolved { .. } => return None,
            })
        };
        let written = changes.iter().filter(|change| !known(&change.operation_id));
        let written = written.filter_map(|change| Some((change.clone(), recorded(change)?)));
        let (changes, answers): (Vec<_>, Vec<_>) = written.unzip();
        match changes[..] {
            [] => Cause::Staging,
            _ => Cause::Push { device, changes: Arc::new(changes), answers },
        }
    }

    /// What the request asks to be judged, as the database stood before it.
    fn asked(&self, device: DeviceId, request: &Request) -> Asked {
        match request {
            Request::Push(push) if push.device_id == device => {
                self.changes(push).map_or(Asked::Nothing, |changes| Asked::Changes(Arc::new(changes)))
            }
            Request::CompleteUpload { file_id, upload } => self
                .completing(device, *file_id, *upload)
                .map_or(Asked::Nothing, |change| Asked::Changes(Arc::new(vec![change]))),
            Request::Resolve { conflict, request } => {
                self.ask(*conflict, request).map_or(Asked::Nothing, |ask| Asked::Single(Box::new(ask)))
            }
            Request::RestoreVersion { file_id, version_id, operation } => {
                Asked::Single(Box::new(self.ask_version(*file_id, *version_id, *operation)))
            }
            _ => Asked::Nothing,
        }
    }

    /// What devices are told of a write.
    fn events(&self, before: &Database, after: &Database) -> Vec<ServerEvent> {
        let is_new = |row: &&Arc<ItemRow>| row.feed > before.zone_of(row).counter;
        let mut changed: Vec<_> = after.items.values().filter(is_new).collect();
        changed.sort_by_key(|row| (after.kind_of(row) == ZoneKind::Photos, row.feed));
        let sync_token = None;
        let mut events: Vec<ServerEvent> = changed
            .into_iter()
            .filter_map(|row| match self.state(row.id)? {
                ItemState::Present(file) if !file.is_deleted => {
                    let (file_id, action) = (row.id, FileAction::Updated);
                    Some(ServerEvent::FileChanged { file_id, action, file, sync_token: None })
                }
                _ => Some(ServerEvent::FileDeleted { file_id: row.id, sync_token: sync_token.clone() }),
            })
            .collect();
        for row in after.conflicts.values() {
            let was_open = |row: &Arc<ConflictRow>| row.resolved_at.is_none();
            match (before.conflicts.get(&row.id).map(was_open), row.resolved_at) {
                (None, None) => events
                    .extend(self.conflict(row).map(|conflict| ServerEvent::ConflictDetected { conflict })),
                (Some(true), Some(_)) => {
                    events.push(ServerEvent::ConflictResolved { conflict_id: row.id });
                }
                _ => {}
            }
        }
        events
    }

    pub(crate) fn jobs_full(&mut self, elapsed: Duration) -> Option<Served> {
        let node = self.full.as_mut()?;
        let before = Arc::clone(&self.database);
        let power_cut = node.jobs_or_power_cut(elapsed);
        self.database = Arc::new(node.read(&before, Depth::All));
        let after = Arc::clone(&self.database);
        let events = if power_cut { Vec::new() } else { self.events(&before, &after) };
        let commits = vec![Commit { before, after, cause: Cause::Jobs, is_joined: false }];
        Some(Served { reply: Ok(Reply::ChunkStored), events, commits, power_cut })
    }

    /// What somebody was told who must not be told anything. Now and then it is asked for.
    pub(crate) fn breaches(&mut self, look: usize) -> Vec<Violation> {
        let Some(node) = self.full.as_mut() else { return Vec::new() };
        if look.is_multiple_of(STRANGER_LOOKS) {
            let (items, chunks) = (&self.database.items, &self.database.account.chunks);
            let item = items.keys().nth(look % items.len().max(1)).copied();
            let chunk = chunks.iter().nth(look % chunks.len().max(1));
            node.look_for_breaches(
                item,
                chunk.map(|(hash, chunk)| ChunkRef { hash: *hash, size: chunk.size }),
            );
        }
        std::mem::take(&mut node.breaches)
    }

    /// Downloads a content while one read of the store in `one_in` fails; what is wrong with what came.
    pub(crate) fn misread(&self, version: &VersionRow, written: &Bytes, one_in: u64) -> Option<String> {
        let node = self.full.as_ref()?;
        let device = *self.database.devices.iter().find(|(_, signed_in)| **signed_in)?.0;
        let mut chance = Chance::new(version.id.0.as_u128() as u64 ^ self.machine.now().as_millis() as u64);
        let start = chance.below(written.len() as u64) as usize;
        let end = start + 1 + chance.below((written.len() - start).max(1) as u64) as usize;
        let part = (!written.is_empty() && chance.one_in(2)).then_some(start..end.min(written.len()));
        let right = part.clone().map_or(written.clone(), |part| written.slice(part));
        let of = (version.item_id, version.id);
        match node.download(device, of, part.clone(), (one_in, chance)) {
            Some((status, bytes)) if status.is_success() => {
                (bytes != right).then(|| format!("{of:?}, {part:?}: {} bytes are wrong", bytes.len()))
            }
            Some((StatusCode::TOO_MANY_REQUESTS, _)) => None,
            _ if one_in > 0 => None,
            Some((status, _)) => Some(format!("{of:?}, {part:?}: {status}")),
            None => Some(format!("{of:?}, {part:?}: cut short")),
        }
    }

    /// What the server's own check of everything finds.
    pub(crate) fn verify(&self) -> Vec<String> {
        self.full.as_ref().map(|node| node.verify()).unwrap_or_default()
    }

    /// What is still there after so long that nothing unneeded should be.
    pub(crate) fn uncollected(&mut self) -> Vec<String> {
        self.full.as_mut().map(|node| node.collect_all()).unwrap_or_default()
    }

    /// Reads everything anew, after something happened beside requests.
    pub(crate) fn look_again(&mut self) {
        if let Some(node) = &self.full {
            self.database = Arc::new(node.read(&self.database, Depth::All));
        }
    }
}

/// What a request asks of the judge.
enum Asked {
    Changes(Arc<Vec<PreparedChange>>),
    Single(Box<server::ops::push::Ask>),
    Nothing,
}

impl Asked {
    /// Whether it was judged and written: then all of it was.
    fn stands(&self, before: &Database, after: &Database) -> bool {
        let fresh =
            |id: &OperationId| after.operations.contains_key(id) && !before.operations.contains_key(id);
        match self {
            Self::Changes(changes) => changes.iter().any(|change| fresh(&change.operation_id)),
            Self::Single(ask) => fresh(&ask.operation_id),
            Self::Nothing => false,
        }
    }

    fn cause(self, device: DeviceId, reply: &Result<Reply, Problem>, after: &Database) -> Cause {
        match (self, reply) {
            (Self::Changes(changes), Ok(Reply::Pushed(response))) => {
                let answers = answers(response);
                Cause::Push { device, changes, answers }
            }
            (Self::Changes(changes), Ok(Reply::UploadCompleted(completed))) => {
                Cause::Push { device, changes, answers: vec![completed_as(completed)] }
            }
            (Self::Changes(changes), Err(problem)) => match &changes[..] {
                [change] if change.by_upload && after.operations.contains_key(&change.operation_id) => {
                    let answers = vec![failed(change, problem)];
                    Cause::Push { device, changes, answers }
                }
                _ => Cause::Staging,
            },
            (Self::Single(ask), reply) => Cause::Single { ask, accepted: reply.is_ok() },
            _ => Cause::Staging,
        }
    }
}

fn answers(response: &PushResponse) -> Vec<Answer> {
    let applied = response.applied.iter().cloned().map(Answer::Applied);
    let conflicts = response.conflicts.iter().cloned().map(Answer::Conflict);
    applied.chain(conflicts).chain(response.errors.iter().cloned().map(Answer::Failed)).collect()
}

fn completed_as(completed: &UploadCompleted) -> Answer {
    let operation: OperationId = completed.applied.operation_id;
    match &completed.conflict {
        None => Answer::Applied(completed.applied.clone()),
        Some(conflict) => {
            let mut conflict = conflict.clone();
            conflict.operation_id = Some(operation);
            Answer::Conflict(conflict)
        }
    }
}

fn failed(change: &PreparedChange, problem: &Problem) -> Answer {
    Answer::Failed(ChangeError {
        operation_id: change.operation_id,
        file_id: change.file_id,
        code: problem.code,
        message: problem.detail.clone(),
        retryable: problem.code.retryable(),
        missing_chunks: None,
    })
}
