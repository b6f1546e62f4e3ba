//! Messages between devices and the server. Any of them may be picked next, so that they overtake each
//! other; a request whose sender gave up is still on its way.

use std::sync::Arc;

use shared::frames::ServerEvent;
use shared::sync::ChangeKind;
use shared::{ConflictId, DeviceId, ErrorCode, OperationId};
use sync::{CallError, CallId, Event};

use super::World;
use crate::plan::Fate;
use crate::server::{Reply, Request};

/// Frames that wait for one device before it is told to pull instead.
const FRAMES_MAX: usize = 6;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Engine(CallId),
    Resolve(CallId, ConflictId),
    /// A person asked and looks for what came of it.
    Person,
    Upload {
        operation: OperationId,
        attempt: u64,
        part: Part,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    Begin,
    Chunk(u32),
    Complete,
}

pub struct Message {
    pub client: usize,
    /// Of the program that sent it or is to hear it.
    pub run: u64,
    pub device: DeviceId,
    pub leg: Leg,
}

#[expect(clippy::large_enum_variant, reason = "few at a time, and moved once")]
pub enum Leg {
    Request {
        call: Call,
        request: Arc<Request>,
        /// Whether anyone waits for the answer.
        awaited: bool,
    },
    Answer {
        call: Call,
        request: Arc<Request>,
        result: Result<Reply, CallError>,
    },
    Frame(ServerEvent),
}

impl World {
    pub(super) fn send(&mut self, n: usize, call: Call, request: Request) {
        let leg = Leg::Request { call, request: Arc::new(request), awaited: true };
        self.post(n, leg);
    }

    pub(super) fn post(&mut self, n: usize, leg: Leg) {
        let client = &self.clients[n];
        self.messages.push(Message { client: n, run: client.run, device: client.device, leg });
    }

    /// Tells devices of what happened; `by` only of conflicts.
    pub(super) fn tell(&mut self, by: Option<usize>, events: Vec<ServerEvent>) {
        for event in events {
            let to_all =
                matches!(event, ServerEvent::ConflictDetected { .. } | ServerEvent::ConflictResolved { .. });
            for n in 0..self.clients.len() {
                if self.clients[n].offline || self.clients[n].signed_out || (Some(n) == by && !to_all) {
                    continue;
                }
                let waits = |message: &Message| message.client == n && matches!(message.leg, Leg::Frame(_));
                if self.messages.iter().filter(|message| waits(message)).count() >= FRAMES_MAX {
                    self.messages.retain(|message| !waits(message));
                    self.post(n, Leg::Frame(ServerEvent::PullNeeded { sync_token: None }));
                } else {
                    self.post(n, Leg::Frame(event.clone()));
                }
            }
        }
    }

    /// Something happens to the message at this place.
    pub(super) fn deliver(&mut self, at: usize, fate: Fate) {
        let Message { client: n, run, device, leg } = self.messages.remove(at);
        let current = self.clients[n].run == run;
        match leg {
            Leg::Request { call, request, awaited } => {
                self.deliver_request((n, run, device), call, &request, awaited && current, fate);
            }
            Leg::Answer { .. } | Leg::Frame(_) if !current => {}
            Leg::Answer { call, request, result } => {
                let arrives = matches!(fate, Fate::Arrives | Fate::Twice) && !self.clients[n].offline;
                let result = if arrives { result } else { Err(CallError::Unreachable) };
                match &result {
                    Ok(reply) => self.oracle.acknowledged(&request, reply),
                    Err(CallError::Refused(problem)) if problem.code == ErrorCode::SyncTokenExpired => {
                        self.oracle.pulls_anew(n);
                    }
                    Err(_) => {}
                }
                self.answer(n, call, &request, result);
            }
            Leg::Frame(event) => {
                let times = match fate {
                    _ if self.clients[n].offline => 0,
                    Fate::Arrives | Fate::AnswerLost => 1,
                    Fate::Twice => 2,
                    _ => 0,
                };
                for _ in 0..times {
                    self.event(n, Event::Frame(event.clone()));
                    if let ServerEvent::ConflictDetected { conflict } = &event {
                        self.oracle.heard(&self.clients[n], conflict);
                    }
                }
            }
        }
    }

    fn deliver_request(
        &mut self,
        (n, run, device): (usize, u64, DeviceId),
        call: Call,
        request: &Arc<Request>,
        awaited: bool,
        fate: Fate,
    ) {
        let fate = if awaited && self.clients[n].offline { Fate::Lost } else { fate };
        let message = |leg| Message { client: n, run, device, leg };
        let answer = |result| message(Leg::Answer { call, request: Arc::clone(request), result });
        let ghost = || message(Leg::Request { call, request: Arc::clone(request), awaited: false });
        let lost = Err(CallError::Unreachable);
        match fate {
            Fate::Lost if awaited => self.messages.push(answer(lost)),
            Fate::Lost => {}
            Fate::TooLate => {
                self.messages.push(ghost());
                if awaited {
                    self.answer(n, call, request, lost);
                }
            }
            Fate::ServerCrash => {
                self.serve(n, device, request, true);
                if awaited {
                    self.messages.push(answer(lost));
                }
                self.restart_server();
            }
            Fate::Arrives | Fate::AnswerLost | Fate::Twice => {
                self.trace_changes(n, request);
                let served = self.serve(n, device, request, false);
                self.trace.line(format_args!("{n} {} {}", name(request), Outcome(&served.reply)));
                if fate == Fate::Twice {
                    self.messages.push(ghost());
                }
                let reply = served.reply.map_err(|problem| CallError::Refused(Box::new(problem)));
                if awaited {
                    self.messages.push(answer(if fate == Fate::AnswerLost { lost } else { reply }));
                }
            }
        }
    }

    /// What a push asks for, for whoever reads.
    fn trace_changes(&mut self, n: usize, request: &Request) {
        let Request::Push(push) = request else { return };
        if self.trace.lines.is_none() {
            return;
        }
        for shared::sync::Change { operation_id, file_id, base, kind } in &push.changes {
            let kind = match kind {
                ChangeKind::Create { name, parent_id, .. } => format!("create {name} in {parent_id}"),
                ChangeKind::Content { .. } => "content".to_owned(),
                other => format!("{other:?}"),
            };
            let base = match base.base_operation_id {
                Some(operation) => operation.to_string(),
                None => format!("{:?}", base.base_version),
            };
            self.trace.line(format_args!("  {n} asks {operation_id} of {file_id} on {base}: {kind}"));
        }
    }

    /// Tells a device what came back.
    fn answer(&mut self, n: usize, call: Call, request: &Request, result: Result<Reply, CallError>) {
        let event = match (call, request) {
            (Call::Upload { operation, attempt, part }, _) => {
                return self.upload_answered(n, (operation, attempt, part), result);
            }
            (Call::Resolve(call, conflict), _) => {
                let result = result.map(|reply| match reply {
                    Reply::Resolved(response) => response,
                    other => unexpected(&other),
                });
                Event::ResolveAnswered { call, conflict, result }
            }
            (Call::Person, _) => match result {
                Ok(_) => Event::Frame(ServerEvent::PullNeeded { sync_token: None }),
                Err(_) => return,
            },
            (Call::Engine(call), Request::Push(_)) => {
                let result = result.map(|reply| match reply {
                    Reply::Pushed(response) => response,
                    other => unexpected(&other),
                });
                Event::PushAnswered { call, result }
            }
            (Call::Engine(call), Request::Pull { .. }) => {
                let result = result.map(|reply| match reply {
                    Reply::Pulled(response) => response,
                    other => unexpected(&other),
                });
                Event::PullAnswered { call, result }
            }
            (Call::Engine(call), Request::Trash { .. }) => {
                let result = result.map(|reply| match reply {
                    Reply::Trash(page) => page,
                    other => unexpected(&other),
                });
                Event::TrashAnswered { call, result }
            }
            (Call::Engine(call), _) => {
                let result = result.map(|reply| match reply {
                    Reply::Conflicts(conflicts) => conflicts,
                    other => unexpected(&other),
                });
                Event::ConflictsAnswered { call, result }
            }
        };
        self.event(n, event);
    }
}

pub(super) fn unexpected<T>(reply: &Reply) -> T {
    panic!("{reply:?} answers something else")
}

fn name(request: &Request) -> &'static str {
    match request {
        Request::Push(_) => "push",
        Request::Pull { .. } => "pull",
        Request::Trash { .. } => "trash",
        Request::Conflicts => "conflicts",
        Request::Resolve { .. } => "resolve",
        Request::RestoreVersion { .. } => "restore version",
        Request::BeginUpload { .. } => "begin",
        Request::SendChunk { .. } => "chunk",
        Request::CompleteUpload { .. } => "complete",
    }
}

/// An answer as far as it is worth a line.
struct Outcome<'a>(&'a Result<Reply, shared::Problem>);

impl std::fmt::Display for Outcome<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Err(problem) => write!(f, "{:?}", problem.code),
            Ok(Reply::Pushed(response)) => {
                for applied in &response.applied {
                    write!(f, "{} {:?} {}, ", applied.operation_id, applied.outcome, applied.item.id())?;
                }
                for conflict in &response.conflicts {
                    write!(f, "conflict {} of {}, ", conflict.id, conflict.file_id)?;
                }
                response.errors.iter().try_for_each(|e| write!(f, "{} {:?}, ", e.operation_id, e.code))
            }
            Ok(Reply::Pulled(page)) => {
                page.changes.iter().try_for_each(|state| write!(f, "{} ", state.id()))?;
                write!(f, "more {}", page.has_more)
            }
            Ok(Reply::UploadCompleted(completed)) => {
                write!(f, "{:?} {}", completed.applied.outcome, completed.applied.item.id())
            }
            Ok(Reply::UploadBegun(started)) => write!(f, "misses {:?}", started.missing_chunks),
            Ok(Reply::Trash(page)) => write!(f, "{}", page.items.len()),
            Ok(Reply::Conflicts(conflicts)) => write!(f, "{}", conflicts.len()),
            Ok(Reply::Resolved(_) | Reply::VersionRestored | Reply::ChunkStored) => f.write_str("done"),
        }
    }
}
