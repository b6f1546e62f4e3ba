//! One server, some devices, the network between them and the clock, all in one hand.

mod devices;
mod network;
mod people;
mod rest;
mod uploads;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;
use shared::{ContentHash, ItemId, Timestamp};
use sync::{Effect, Event, NewContent, UploadError};

use crate::chance::Machine;
use crate::client::Client;
use crate::database::Database;
use crate::oracle::{Invariant, Memory, Oracle, Violation};
use crate::plan::{LIBRARY_SEEDS, Plan, Step};
use crate::run::Tier;
use crate::server::{Reply, Request, Served, Server};
use crate::trace::Trace;
use network::{Call, Leg, Message};

/// When every scenario begins.
pub const BEGINNING: Timestamp = Timestamp::from_millis(1_800_000_000_000);
/// Every so many steps one device is looked at as a restart would show it.
const RESTART_STEPS: usize = 8;
/// Every so many looks a content is downloaded, while one read in so many fails.
const DOWNLOAD_LOOKS: usize = 8;
const ROT_ONE_IN: u64 = 4;
/// What one event may lead to at once; more is an engine that goes round for ever.
const FOLLOWING_EVENTS_MAX: usize = 20_000;
/// What passes with every step.
const STEP: Duration = Duration::from_millis(7);

/// A copy of everything on the server, and what the oracle knew when it was made.
struct Backup {
    database: Database,
    memory: Memory,
}

/// What a run came to, beside a violation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Acts of people that were carried out.
    pub acts: u64,
    /// Requests that the server answered.
    pub requests: u64,
    pub merges: u64,
    pub conflicts: u64,
}

impl Counts {
    pub fn add(&mut self, other: &Self) {
        self.acts += other.acts;
        self.requests += other.requests;
        self.merges += other.merges;
        self.conflicts += other.conflicts;
    }
}

pub struct World {
    pub server: Server,
    pub clients: Vec<Client>,
    pub now: Timestamp,
    pub oracle: Oracle,
    pub trace: Trace,
    pub counts: Counts,
    /// Every content that somebody wrote, with its bytes.
    pub library: BTreeMap<ContentHash, Bytes>,
    plan_page: usize,
    names: u8,
    seed: u64,
    messages: Vec<Message>,
    backup: Option<Backup>,
    /// Numbers for what has to be unique.
    written: u64,
    runs: u64,
    looks: usize,
    last_jobs: Timestamp,
    /// How far the server's clock is off, in hours.
    server_off_hours: i32,
}

impl World {
    pub fn new(plan: &Plan, tier: Tier, trace: Trace) -> Self {
        let now = BEGINNING;
        let machine = Machine::new(now, plan.seed);
        let server = match tier {
            Tier::Core => Server::new(machine, plan.quota_bytes),
            Tier::Full => Server::full(machine, plan.quota_bytes, plan.seed),
        };
        let mut world = Self {
            server,
            clients: Vec::new(),
            now,
            oracle: Oracle::default(),
            trace,
            counts: Counts::default(),
            library: BTreeMap::new(),
            plan_page: plan.page,
            names: plan.names,
            seed: plan.seed,
            messages: Vec::new(),
            backup: None,
            written: 0,
            runs: 0,
            looks: 0,
            last_jobs: now,
            server_off_hours: 0,
        };
        for n in 0..plan.clients {
            let client = world.new_client();
            world.clients.push(client);
            world.start(n);
        }
        for n in 0..plan.clients {
            world.flow(n);
        }
        world
    }

    fn root(&self) -> ItemId {
        self.server.root()
    }

    fn new_client(&mut self) -> Client {
        let device = self.server.sign_in(None);
        self.runs += 1;
        let mut client = Client::new(device, self.root(), self.seed ^ self.runs << 40, self.now);
        client.run = self.runs;
        client
    }

    /// The program begins.
    fn start(&mut self, n: usize) {
        self.event(n, Event::Started);
        if !self.clients[n].offline {
            self.open_socket(n);
        }
    }

    pub fn step(&mut self, n: usize, step: Step) {
        self.now = self.now + STEP;
        self.set_clock();
        self.trace.line(format_args!("{n} {step:?}"));
        if step.is_act() || matches!(step, Step::Open(_) | Step::Discard(_) | Step::Retry(_)) {
            self.act(n, step);
        } else {
            self.happen(n, step);
        }
        self.wake();
        self.look();
    }

    fn happen(&mut self, n: usize, step: Step) {
        match step {
            Step::Offline => self.go_offline(n),
            Step::Online => self.go_online(n),
            Step::Crash => self.crash(n),
            Step::SlowStore => self.clients[n].slow = true,
            Step::StoreOne => self.store_one(n),
            Step::CatchUp => self.catch_up(n),
            Step::FullStore(times) => self.clients[n].full = times,
            Step::Wipe => self.wipe(n),
            Step::Remove => {
                let device = self.clients[n].device;
                self.server.remove_device(device);
            }
            Step::SignIn => self.sign_in(n),
            Step::Flow => self.flow(n),
            Step::Deaf => self.deaf(n),
            Step::Served => self.served(n),
            Step::FlowLate => self.flow_late(n),
            Step::Deliver(at, fate) if !self.messages.is_empty() => {
                let at = usize::from(at) % self.messages.len();
                self.deliver(at, fate);
            }
            Step::Restart => {
                self.server.restart();
                self.restart_server();
            }
            Step::Backup if self.server.back_up() => {
                let database = (*self.server.database).clone();
                self.backup = Some(Backup { database, memory: self.oracle.memory.clone() });
            }
            Step::RestoreBackup => self.restore_backup(),
            Step::Jobs => self.jobs(),
            Step::Refuse(at, code) => {
                if let Some(id) = self.pick(n, at, |_| true) {
                    self.server.refuse.insert(id, (code, 2));
                }
            }
            Step::Quota(bytes) => self.set_quota(u64::from(bytes)),
            Step::Pass(ms) => self.pass(Duration::from_millis(ms.into())),
            Step::Days(days) => self.pass_days(days),
            Step::ServerClock(hours) => {
                self.oracle.clock_set(self.now, hours);
                self.server_off_hours = hours;
                self.set_clock();
            }
            Step::ClientClock(hours) => {
                self.clients[n].clock_off_ms = i64::from(hours) * 3_600_000;
                self.event(n, Event::Tick);
            }
            _ => {}
        }
    }

    fn set_clock(&self) {
        let off = i64::from(self.server_off_hours) * 3_600_000;
        self.server.machine.set(Timestamp::from_millis(self.now.as_millis() + off));
    }

    fn set_quota(&mut self, bytes: u64) {
        self.server.set_quota(bytes);
    }

    fn pass(&mut self, time: Duration) {
        self.now = self.now + time;
        self.set_clock();
        self.wake();
    }

    fn pass_days(&mut self, days: u16) {
        let parts = u32::from(days.min(4));
        for _ in 0..parts {
            self.pass(Duration::from_hours(24 * u64::from(days)) / parts);
            self.jobs();
        }
    }

    fn jobs(&mut self) {
        let elapsed = self.now.since(self.last_jobs);
        self.last_jobs = self.now;
        let served = self.server.jobs(elapsed);
        let power_cut = served.power_cut;
        self.take_served(None, served);
        if power_cut {
            self.restart_server();
        }
    }

    /// Wakes whoever asked for it.
    fn wake(&mut self) {
        for n in 0..self.clients.len() {
            let client = &self.clients[n];
            if client.wake_at.is_some_and(|at| at <= self.now) {
                self.clients[n].wake_at = None;
                self.event(n, Event::Tick);
            }
        }
    }

    // Devices and their engines

    pub fn event(&mut self, n: usize, event: Event) {
        let mut events = VecDeque::from([event]);
        let mut handled = 0;
        // What was found ends the scenario, also where it would go on without end.
        while let Some(event) = events.pop_front().filter(|_| self.oracle.violation.is_none()) {
            handled += 1;
            if handled > FOLLOWING_EVENTS_MAX {
                self.oracle.fail(Invariant::Liveness, || format!("device {n} goes round for ever"));
            }
            let now = self.clients[n].clock(self.now);
            if matches!(event, Event::PersistFailed(_)) {
                self.clients[n].refusing = false;
            }
            let effects = self.clients[n].engine.handle(now, event);
            self.perform(n, effects, &mut events);
        }
    }

    /// Performs what an engine asks for; what comes of it at once is told to it next.
    fn perform(&mut self, n: usize, effects: Vec<Effect>, events: &mut VecDeque<Event>) {
        for effect in effects {
            match effect {
                // The store drops what comes behind a batch that it refused, until the engine knows.
                Effect::Persist(_) if self.clients[n].refusing => {}
                Effect::Persist(batch) => {
                    let slow = self.clients[n].slow;
                    self.clients[n].unstored.push_back(batch);
                    if !slow {
                        self.store_all(n, events);
                    }
                }
                Effect::Push { call, mut request, contents } => {
                    let missing = contents.iter().find(|operation| {
                        let bytes = self.clients[n].store.content_now(**operation);
                        !bytes.is_some_and(|bytes| sync::fill_content(&mut request, **operation, &bytes))
                    });
                    if let Some(operation) = missing {
                        self.oracle.content_missing(n, *operation);
                        events.push_back(Event::ContentLost { operation: *operation });
                        continue;
                    }
                    self.oracle.pushes(n, &self.clients[n].engine, &request);
                    self.send(n, Call::Engine(call), Request::Push(request));
                }
                Effect::Pull { call, since, limit } => {
                    let limit = limit.min(self.plan_page);
                    self.send(n, Call::Engine(call), Request::Pull { since, limit });
                }
                Effect::FetchTrash { call, cursor } => {
                    self.send(n, Call::Engine(call), Request::Trash { cursor });
                }
                Effect::FetchConflicts { call } => self.send(n, Call::Engine(call), Request::Conflicts),
                Effect::Resolve { call, conflict, request } => {
                    self.send(n, Call::Resolve(call, conflict), Request::Resolve { conflict, request });
                }
                Effect::StartUpload(order) => self.start_upload(n, *order, events),
                Effect::CancelUpload { operation } => {
                    let offline = self.clients[n].offline;
                    if !offline && self.server.cancel_upload(operation) {
                        self.clients[n].uploads.remove(&operation);
                        let result = Err(UploadError::Cancelled);
                        events.push_back(Event::UploadFinished { operation, result });
                    }
                }
                Effect::FindContent { item, content_hash, .. } => {
                    let content = self.clients[n].cache.get(&content_hash).cloned().map(NewContent::Small);
                    if content.is_some() {
                        self.oracle.sends_again(content_hash);
                    }
                    events.push_back(Event::ContentFound { item, content });
                }
                // A timer runs for as long as it was set for, whatever becomes of the clock.
                Effect::WakeAt(at) => {
                    let wait = at.since(self.clients[n].clock(self.now));
                    self.clients[n].wake_at = Some(self.now + wait);
                }
                Effect::SignInNeeded => self.clients[n].signed_out = true,
                Effect::Notify(notice) => self.trace.line(format_args!("{n} is told {notice:?}")),
                Effect::Acknowledge { .. } | Effect::Changed(_) => {}
            }
        }
    }

    fn store_all(&mut self, n: usize, events: &mut VecDeque<Event>) {
        while let Some(event) = self.stored_one(n) {
            events.push_back(event);
        }
    }

    fn stored_one(&mut self, n: usize) -> Option<Event> {
        let before = Oracle::before_storing(&self.clients[n]);
        let (event, batch) = self.clients[n].store_one()?;
        if let Some(batch) = batch {
            self.trace.line(format_args!("{n} stores {}", crate::client::number(batch.id)));
            self.oracle.stored(n, &self.clients[n], before, &batch);
        }
        Some(event)
    }

    fn store_one(&mut self, n: usize) {
        if let Some(event) = self.stored_one(n) {
            self.event(n, event);
        }
    }

    fn catch_up(&mut self, n: usize) {
        self.clients[n].slow = false;
        while let Some(event) = self.stored_one(n) {
            self.event(n, event);
        }
    }

    // The server

    /// Has a request carried out, and tells everyone. `crash`: the server crashes meanwhile.
    fn serve(&mut self, n: usize, device: shared::DeviceId, request: &Request, crash: bool) -> Served {
        let mut served = if crash {
            self.server.serve_in_crash(device, request)
        } else {
            self.server.serve(device, request)
        };
        self.counts.requests += 1;
        if let (None, Request::Pull { since, .. }, Ok(Reply::Pulled(page))) =
            (&self.server.full, request, &served.reply)
        {
            let start = self.server.position(since.as_deref());
            self.oracle.page_closes(&self.server.database, start, page);
        }
        let (events, commits) = (std::mem::take(&mut served.events), std::mem::take(&mut served.commits));
        for commit in &commits {
            self.oracle.committed(commit, self.now, &self.library, &mut self.counts);
        }
        match (request, &served.reply) {
            (Request::Pull { since, .. }, Ok(Reply::Pulled(page))) => {
                self.oracle.pulled(since.as_deref(), page, &self.server.database);
            }
            (Request::Push(push), Ok(Reply::Pushed(response))) => {
                self.oracle.pushed(push.last_sync_token.as_deref(), response);
            }
            _ => {}
        }
        self.tell(Some(n), events);
        served
    }

    fn take_served(&mut self, by: Option<usize>, served: Served) {
        for commit in &served.commits {
            self.oracle.committed(commit, self.now, &self.library, &mut self.counts);
        }
        self.tell(by, served.events);
    }

    /// The server ends at once; whoever waited for it hears nothing any more.
    fn restart_server(&mut self) {
        for message in std::mem::take(&mut self.messages) {
            let (call, request) = match message.leg {
                Leg::Request { call, request, awaited: true } | Leg::Answer { call, request, .. } => {
                    (call, request)
                }
                Leg::Request { .. } | Leg::Frame(_) => continue,
            };
            let leg = Leg::Answer { call, request, result: Err(sync::CallError::Unreachable) };
            self.messages.push(Message { leg, ..message });
        }
        for n in 0..self.clients.len() {
            if !self.clients[n].offline {
                self.event(n, Event::SocketClosed);
                self.open_socket(n);
            }
        }
        self.oracle.rested(&self.server.database, &self.library, false);
    }

    fn restore_backup(&mut self) {
        let Some(backup) = &self.backup else { return };
        self.server.restore(&backup.database);
        let memory = backup.memory.clone();
        self.oracle.restored(memory);
        self.restart_server();
    }

    fn look_for_breaches(&mut self, look: usize) {
        for Violation { invariant, detail } in self.server.breaches(look) {
            self.oracle.fail(invariant, || detail);
        }
    }

    /// Downloads some contents from the server as it is, while one read of its store in so many fails: what comes
    /// is right.
    fn look_at_contents(&mut self, from: usize, count: usize, one_in: u64) {
        if self.server.full.is_none() {
            return;
        }
        let versions = &self.server.database.versions;
        let chosen: Vec<_> =
            versions.values().cycle().skip(from % versions.len().max(1)).take(count).collect();
        let misread = chosen.into_iter().find_map(|version| {
            let written = self.bytes(version.content_hash)?;
            self.server.misread(version, &written, one_in)
        });
        if let Some(misread) = misread {
            self.oracle.fail(Invariant::ContentAddress, || misread);
        }
    }

    /// Looks at what must hold at any time.
    fn look(&mut self) {
        for client in &self.clients {
            self.oracle.look(client, &self.server);
        }
        self.looks += 1;
        self.look_for_breaches(self.looks);
        if self.looks.is_multiple_of(DOWNLOAD_LOOKS) && self.seed >= LIBRARY_SEEDS {
            self.look_at_contents(self.looks, 1, ROT_ONE_IN);
        }
        let client = &self.clients[self.looks / RESTART_STEPS % self.clients.len()];
        if self.looks.is_multiple_of(RESTART_STEPS) && client.holds_all() {
            self.oracle.reopens_alike(client, self.server.root(), client.clock(self.now));
        }
    }
}
