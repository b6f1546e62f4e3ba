//! When to call the server, and for what: one call at a time, so that answers never cross.

use std::time::Duration;

use shared::limits::{PULL_LIMIT_MAX, PUSH_BODY_BYTES_MAX, PUSH_CHANGES_MAX};
use shared::sync::{PushRequest, ResolveRequest};
use shared::{ErrorCode, OperationId, Problem, Timestamp};

use super::{Act, Effect, Engine};
use crate::event::{CallError, CallId};

/// How often the server is asked while no socket tells of news.
pub(super) const POLL_INTERVAL: Duration = Duration::from_secs(30);
/// How often it is asked all the same while one does: frames are hints.
const POLL_INTERVAL_WITH_SOCKET: Duration = Duration::from_mins(5);
/// The first wait after a failure; each later one is twice as long, up to this many tries.
const BACKOFF_FIRST: Duration = Duration::from_secs(1);
const QUICK_TRIES: u32 = 5;
/// From then on, for as long as it takes.
const BACKOFF_SLOW: Duration = Duration::from_mins(5);
/// A time to wait that is longer than this comes from a clock that jumped.
const WAIT_MAX: Duration = Duration::from_hours(1);

/// The longest wait after this many failures; the true one is between half of it and all of it.
pub(super) fn backoff_max(failures: u32) -> Duration {
    if failures > QUICK_TRIES { BACKOFF_SLOW } else { BACKOFF_FIRST * 2u32.pow(failures.saturating_sub(1)) }
}

/// What a call in flight is for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Purpose {
    Push { operations: Vec<OperationId>, token: Option<String> },
    Pull,
    Trash,
    Conflicts,
    Resolve { operation: OperationId },
}

#[derive(Clone, Debug)]
pub(super) struct Network {
    pub(super) started: bool,
    /// Whether the last call was answered.
    pub(super) online: bool,
    pub(super) socket: bool,
    pub(super) signed_out: bool,
    pub(super) call: Option<(CallId, Purpose)>,
    calls_made: u64,
    failures: u32,
    pub(super) next_try: Option<Timestamp>,
    pub(super) pull_wanted: bool,
    /// Whether the server is known to have news, or was not heard of since the connection broke.
    pub(super) behind: bool,
    /// Where a pull under way goes on.
    pub(super) page: Option<super::pull::Page>,
    pub(super) conflicts_wanted: bool,
    pub(super) trash_cursor: Option<String>,
    /// Whether a pull came to its end since the trash was known: what it left absent is gone.
    pub(super) absent_settled: bool,
    pub(super) poll_at: Option<Timestamp>,
    /// Pushes and pulls take turns.
    pushed_last: bool,
    /// How many changes the next push may carry: fewer while a refused body hides a bad one.
    pub(super) push_changes_max: usize,
    /// How long its body may be, in bytes: shorter on a line too slow to carry a long one in time.
    pub(super) push_bytes_max: usize,
    wake_at: Option<Timestamp>,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            started: false,
            online: false,
            socket: false,
            signed_out: false,
            call: None,
            calls_made: 0,
            failures: 0,
            next_try: None,
            pull_wanted: false,
            behind: true,
            page: None,
            conflicts_wanted: false,
            trash_cursor: None,
            absent_settled: false,
            poll_at: None,
            pushed_last: false,
            push_changes_max: PUSH_CHANGES_MAX,
            push_bytes_max: PUSH_BODY_BYTES_MAX,
            wake_at: None,
        }
    }
}

impl Network {
    pub(super) fn woken(&mut self) {
        self.wake_at = None;
    }
}

impl Engine {
    /// Whether the moment to try again has come, also after the clock was set back.
    pub(super) fn is_due(&self, at: Option<Timestamp>) -> bool {
        at.is_none_or(|at| at <= self.now || at.since(self.now) > WAIT_MAX)
    }

    /// Forgets all waits, because there is a reason to believe that the next try succeeds.
    pub(super) fn try_now(&mut self, pull: bool) {
        self.net.next_try = None;
        self.net.failures = 0;
        self.space.may_have_changed();
        if pull {
            self.want_pull();
            self.net.conflicts_wanted = true;
        }
        let waiting: Vec<_> =
            self.outbox.iter().filter(|q| q.op.next_try.is_some()).map(|q| q.op.id).collect();
        for id in waiting {
            if let Some(queued) = self.outbox.get_mut(id) {
                queued.op.next_try = None;
                queued.op.attempts = 0;
            }
        }
    }

    /// There are news, or may be.
    pub(super) fn want_pull(&mut self) {
        self.net.pull_wanted = true;
        self.net.behind = true;
    }

    pub(super) fn network_gone(&mut self) {
        self.net.online = false;
        self.net.behind = true;
        self.net.socket = false;
        self.net.failures = self.net.failures.max(QUICK_TRIES);
        let wait = self.chance.jittered(BACKOFF_SLOW);
        self.net.next_try = Some(self.now + wait);
    }

    /// The call that this answers; None for an answer that nobody waits for.
    pub(super) fn answered(&mut self, call: CallId) -> Option<Purpose> {
        self.net.call.take_if(|(id, _)| *id == call).map(|(_, purpose)| purpose)
    }

    pub(super) fn call_succeeded(&mut self) {
        self.net.online = true;
        self.net.failures = 0;
        self.net.next_try = None;
    }

    /// A call failed as a whole. Answers the problem where the server refused it for good.
    pub(super) fn call_failed(&mut self, error: CallError) -> Option<Box<Problem>> {
        let mut retry_after = Duration::ZERO;
        if let CallError::Refused(problem) = error {
            match problem.code {
                ErrorCode::Unauthenticated | ErrorCode::DeviceMismatch => {
                    self.sign_in_needed();
                    return None;
                }
                code if code.retryable() || problem.status >= 500 => {
                    retry_after = Duration::from_millis(problem.retry_after_ms.unwrap_or(0)).min(WAIT_MAX);
                }
                _ => {
                    self.net.online = true;
                    return Some(problem);
                }
            }
        }
        self.net.online = false;
        self.net.behind = true;
        self.back_off(retry_after);
        None
    }

    pub(super) fn back_off(&mut self, at_least: Duration) {
        self.net.failures = self.net.failures.saturating_add(1);
        let wait = self.chance.jittered(backoff_max(self.net.failures)).max(at_least);
        self.net.next_try = Some(self.now + wait);
    }

    pub(super) fn sign_in_needed(&mut self) {
        if !self.net.signed_out {
            self.net.signed_out = true;
            self.out.push(Effect::SignInNeeded);
        }
    }

    /// Whether changes may be sent: the tree is whole and the bases are the server's own.
    pub(super) fn may_send_changes(&self) -> bool {
        self.meta.complete && self.meta.resync.is_none() && self.net.page.is_none()
    }

    /// Makes the next call, if there is reason to and nothing speaks against it.
    pub(super) fn send(&mut self) {
        if self.disk.failed() && self.is_due(self.disk.retry_at) {
            self.store_again();
        }
        if !self.net.started || self.net.signed_out || self.disk.failed() || !self.is_due(self.net.next_try) {
            return;
        }
        if self.net.poll_at.is_some() && self.is_due(self.net.poll_at) {
            self.net.poll_at = None;
            self.net.pull_wanted = true;
            // No entry of the feed tells of a conflict.
            self.net.conflicts_wanted = true;
        }
        if self.may_send_changes() {
            self.probe_space();
            self.start_uploads();
        }
        if self.net.call.is_some() {
            return;
        }
        let pull_wanted = self.net.pull_wanted && self.lost.is_empty();
        let must_pull = self.lost.is_empty() && !self.may_send_changes();
        if must_pull || (pull_wanted && self.net.pushed_last) {
            self.send_pull();
        } else if self.may_send_changes() && self.send_push() {
            self.net.pushed_last = true;
        } else if pull_wanted {
            self.send_pull();
        } else if self.may_send_changes() {
            self.send_rest();
        }
    }

    pub(super) fn call(&mut self, purpose: Purpose) -> CallId {
        self.net.calls_made += 1;
        let call = CallId(self.net.calls_made);
        self.net.call = Some((call, purpose));
        call
    }

    fn send_pull(&mut self) {
        self.net.pushed_last = false;
        self.net.pull_wanted = false;
        let since = self.begin_page();
        let call = self.call(Purpose::Pull);
        self.out.push(Effect::Pull { call, since, limit: PULL_LIMIT_MAX });
    }

    fn send_push(&mut self) -> bool {
        let batch = self.next_batch();
        if batch.changes.is_empty() {
            return false;
        }
        let token = self.meta.sync_token.clone();
        let request = PushRequest {
            device_id: self.meta.device_id,
            last_sync_token: token.clone(),
            changes: batch.changes,
        };
        let call = self.call(Purpose::Push { operations: batch.operations, token });
        self.out.push(Effect::Push { call, request, contents: batch.contents });
        true
    }

    /// What may wait until changes are through.
    fn send_rest(&mut self) {
        if let Some((operation, conflict, request)) = self.next_resolve() {
            let call = self.call(Purpose::Resolve { operation });
            self.mark_in_flight(operation);
            self.out.push(Effect::Resolve { call, conflict, request });
        } else if self.net.conflicts_wanted {
            self.net.conflicts_wanted = false;
            let call = self.call(Purpose::Conflicts);
            self.out.push(Effect::FetchConflicts { call });
        } else if !self.meta.trash_known && !shared::faults::Fault::TrashIsNeverFetched.is_planted() {
            let cursor = self.net.trash_cursor.clone();
            let call = self.call(Purpose::Trash);
            self.out.push(Effect::FetchTrash { call, cursor });
        }
    }

    fn next_resolve(&self) -> Option<(OperationId, shared::ConflictId, ResolveRequest)> {
        self.outbox.iter().filter(|queued| self.is_ready(queued)).find_map(|queued| match &queued.op.act {
            Act::Resolve { conflict, resolution, server_version } => {
                let request = ResolveRequest {
                    operation_id: queued.op.id,
                    resolution: *resolution,
                    server_version: server_version.clone(),
                };
                Some((queued.op.id, *conflict, request))
            }
            _ => None,
        })
    }

    /// Asks to be woken for the next thing that waits for a time.
    pub(super) fn wake(&mut self) {
        if !self.net.started {
            return;
        }
        if self.net.poll_at.is_none() {
            let interval = if self.net.socket { POLL_INTERVAL_WITH_SOCKET } else { POLL_INTERVAL };
            self.net.poll_at = Some(self.now + interval);
        }
        // What is due and yet waits, waits for something else that makes itself heard.
        let later = |at: &Timestamp| *at > self.now;
        let next = if let Some(at) = self.disk.retry_at {
            Some(at)
        } else if self.net.signed_out {
            None
        } else if let Some(at) = self.net.next_try.filter(later) {
            Some(at)
        } else {
            let operations = self.outbox.iter().filter(|queued| !queued.in_flight && !queued.is_parked());
            let waits = operations.filter_map(|queued| queued.op.next_try).chain(self.space.next_try());
            waits.chain(self.net.poll_at).filter(later).min()
        };
        if next != self.net.wake_at {
            self.net.wake_at = next;
            self.out.extend(next.map(Effect::WakeAt));
        }
    }
}
