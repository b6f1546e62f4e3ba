//! The end of a scenario: faults off, everyone comes back, and everything comes to rest.

use std::sync::Arc;
use std::time::Duration;

use shared::Timestamp;
use sync::{Engine, QueueEntry, QueueState};

use super::World;
use crate::client::Client;
use crate::oracle::Invariant;
use crate::plan::Fate;

/// Room for everything, in bytes.
const ROOM: u64 = 1 << 40;
/// Messages and waits after which it should have come to rest.
const MESSAGES_MAX: usize = 3_000;
const WAITS_MAX: usize = 300;
/// After this long every device has looked for news by itself.
const LOOK_INTERVAL: Duration = Duration::from_mins(6);
/// In one scenario of so many it is looked at what is collected in the end.
const COLLECTED_ONE_IN: u64 = 4;
/// Contents that are downloaded in the end.
const DOWNLOADS_AT_REST: usize = 12;
/// Times that people give up what is stuck.
const DECISIONS_MAX: usize = 30;

impl World {
    /// Faults off: everyone comes back, gives up what is refused, and comes to rest. Then everything that
    /// must hold is looked at.
    pub fn finish(&mut self) {
        self.set_quota(ROOM);
        self.server.heal();
        self.oracle.clock_set(self.now, 0);
        self.server_off_hours = 0;
        self.set_clock();
        for n in 0..self.clients.len() {
            self.clients[n].clock_off_ms = 0;
            self.clients[n].full = 0;
            self.catch_up(n);
            self.go_online(n);
            self.sign_in(n);
        }
        for _ in 0..DECISIONS_MAX {
            self.settle();
            if self.oracle.violation.is_some() || !self.decide() {
                break;
            }
        }
        // Frames may have been lost: whoever looks by itself from time to time learns of it.
        self.pass(LOOK_INTERVAL);
        self.settle();
        self.check_rest();
        if self.oracle.violation.is_none() {
            self.check_fixpoint();
        }
        if self.oracle.violation.is_none() {
            self.check_inverse();
        }
        if self.oracle.violation.is_none() && self.seed.is_multiple_of(COLLECTED_ONE_IN) {
            self.check_collected();
        }
        self.trace.line(format_args!("{:?}", self.server.database.items));
        self.trace.line(format_args!("{:?}", self.server.database.conflicts));
    }

    /// People give up what is refused; whether there was anything.
    fn decide(&mut self) -> bool {
        let mut decided = false;
        for n in 0..self.clients.len() {
            let refused = |entry: &QueueEntry| matches!(entry.state, QueueState::Refused { .. });
            let queue = self.clients[n].engine.queue();
            for entry in queue.into_iter().filter(refused) {
                decided = true;
                self.give_up(n, entry.operation_id);
            }
        }
        decided
    }

    /// Lets everything through, and time pass as far as anything waits for it.
    fn settle(&mut self) {
        let (mut delivered, mut waits) = (0, 0);
        loop {
            if self.oracle.violation.is_some() {
                return;
            }
            if !self.messages.is_empty() {
                self.deliver(0, Fate::Arrives);
                delivered += 1;
            } else if self.sign_in_all() {
            } else if self.wait() {
                waits += 1;
            } else {
                return;
            }
            if delivered > MESSAGES_MAX || waits > WAITS_MAX {
                let queues: Vec<Vec<QueueEntry>> =
                    self.clients.iter().map(|client| client.engine.queue()).collect();
                let summaries: Vec<_> = self.clients.iter().map(|client| client.engine.summary()).collect();
                self.oracle.fail(Invariant::Liveness, || {
                    format!("it never comes to rest: {queues:?} {summaries:?}")
                });
                return;
            }
        }
    }

    fn sign_in_all(&mut self) -> bool {
        let out: Vec<usize> = (0..self.clients.len()).filter(|&n| self.clients[n].signed_out).collect();
        for &n in &out {
            self.sign_in(n);
        }
        !out.is_empty()
    }

    /// Advances the clock to the next thing that is not a routine look for news.
    fn wait(&mut self) -> bool {
        let waiting = |client: &&Client| {
            let summary = client.engine.summary();
            summary.waiting > blocked(&client.engine) || summary.behind
        };
        let due: Option<Timestamp> =
            self.clients.iter().filter(waiting).filter_map(|client| client.wake_at).min();
        let Some(at) = due else { return false };
        self.now = self.now.max(at);
        self.set_clock();
        self.wake();
        true
    }

    fn check_rest(&mut self) {
        for n in 0..self.clients.len() {
            self.oracle.converged(n, &self.clients[n], &self.server, self.now);
        }
        self.look_for_breaches(0);
        self.server.look_again();
        self.oracle.rested(&self.server.database, &self.library, true);
        self.look_at_contents(0, DOWNLOADS_AT_REST, 0);
        for finding in self.server.verify() {
            self.oracle.fail(Invariant::References, || finding);
        }
    }

    /// What nobody needs is gone after its time.
    fn check_collected(&mut self) {
        for left in self.server.uncollected() {
            self.oracle.fail(Invariant::Collection, || left);
        }
    }

    /// Nothing more is sent, however long one waits.
    fn check_fixpoint(&mut self) {
        let before = Arc::clone(&self.server.database);
        let pushes = self.oracle.pushes;
        for _ in 0..2 {
            self.pass(Duration::from_mins(10));
            self.settle();
        }
        let (head, same) = (before.entries(), before.entries() == self.server.database.entries());
        let sent = self.oracle.pushes - pushes;
        if !same || sent > 0 {
            let now = self.server.database.entries();
            self.oracle
                .fail(Invariant::Fixpoint, || format!("the feed went from {head} to {now}, {sent} pushes"));
        }
    }

    /// Deletes something and takes it back.
    fn check_inverse(&mut self) {
        let n = (self.seed % self.clients.len() as u64) as usize;
        let Some(id) = self.pick(n, (self.seed >> 8) as u16, super::people::is_live) else { return };
        let before = Arc::clone(&self.server.database);
        self.command(n, sync::Command::Delete { id });
        self.settle();
        let deleted = !self.server.database.is_live(id);
        self.command(n, sync::Command::Restore { id, parent: None });
        self.settle();
        self.check_rest();
        self.oracle.inverse(&before, &self.server.database, id, deleted);
    }
}

/// How many operations wait for a person's decision on another.
fn blocked(engine: &Engine) -> usize {
    let blocked = |entry: &QueueEntry| {
        matches!(&entry.state, QueueState::Waiting { reason: Some(reason), .. }
            if reason == "Waits for an earlier change that was refused")
    };
    engine.queue().iter().filter(|entry| blocked(entry)).count()
}
