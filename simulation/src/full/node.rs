//! The server as it is, in this process: its router called without sockets, its SQL on SQLite, its jobs and
//! its object paths over a store that fails. One request runs to its end before the next begins, on a
//! runtime of one thread, so that two runs do the same.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderValue, Method, Request as HttpRequest, StatusCode, header};
use bytes::Bytes;
use server::access::{self, Grant};
use server::blobs::Blobs;
use server::config::{self, Config, Sources};
use server::db::DbError;
use server::http::router;
use server::jobs::collector::OrphanSweep;
use server::ops::backup::{self, Target};
use server::passwords::PasswordCost;
use server::state::App;
use server::{jobs, values};
use shared::account::{DeviceClaim, Password, Register, Registered, SignIn, TokenGranted};
use shared::sync::ZoneKind;
use shared::{DeviceId, ItemId, OperationId, Problem, UserId, VersionId};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt as _;
use uuid::Uuid;

use super::mirror::{self, Depth};
use super::objects::{Objects, Rates};
use super::strangers::Strangers;
use super::wal::Wal;
use super::wire;
use crate::chance::{Chance, Machine};
use crate::database::{Database, Zone};
use crate::oracle::Violation;
use crate::server::{Reply, Request};

const USERNAME: &str = "ann";
/// Another person, with things of their own.
pub(super) const STRANGER: &str = "ben";
const PASSWORD: &str = "correct horse";
/// The database's file, in the data folder of each run.
const DATABASE: &str = "cloudstead.sqlite";
const LOG: &str = "cloudstead.sqlite-wal";
/// Chunks above so many bytes are objects: small, as chunks are here.
const INLINE_BYTES_MAX: usize = 16;
/// A crash leaves up to so many bytes of what was being written.
const TORN_BYTES_MAX: u64 = 300;
/// One call of the object store in so many fails, in scenarios in which it does.
const RATES: [u64; 4] = [0, 0, 30, 8];
/// Passes of the jobs in which a clock that jumped is trusted again and then a lease ends, and the time between
/// two.
const COLLECTING_PASSES: usize = 20;
const COLLECTING_STEP: Duration = Duration::from_hours(20);
/// One pass of the jobs in so many is cut short.
const JOBS_CUT_ONE_IN: u64 = 4;
/// Memory is enough: the crashes here do not ask the disk.
const MEMORY_FOLDER: &str = "/dev/shm";

/// An installation with one person, before anything happened: each scenario begins with a copy.
struct Template {
    database: Vec<u8>,
    user: UserId,
    zones: (Zone, Zone),
    secret: [u8; 32],
    epoch: Uuid,
}

/// A server between its start and its end.
pub(super) struct Running {
    app: App,
    router: Router,
    runtime: Runtime,
}

pub struct Node {
    running: Option<Running>,
    objects: Objects,
    pub(super) machine: Machine,
    chance: Chance,
    sweep: OrphanSweep,
    pub(super) tokens: BTreeMap<DeviceId, String>,
    pub(super) strangers: Strangers,
    /// What was found since somebody looked.
    pub breaches: Vec<Violation>,
    backup: Option<PathBuf>,
    pub user: UserId,
    pub secret: [u8; 32],
    folder: TempDir,
    /// How often it was started: each time in a folder of its own.
    runs: u64,
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap_or_else(|error| panic!("no runtime: {error}"))
}

fn temporary_folder() -> TempDir {
    let memory = Path::new(MEMORY_FOLDER);
    let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    made.unwrap_or_else(|error| panic!("no temporary folder: {error}"))
}

fn settings(data: &Path) -> Config {
    let settings = [
        (config::DATA, data.to_string_lossy().into_owned()),
        (config::REGISTRATION, "open".to_owned()),
        (config::REQUESTS, "1000000".to_owned()),
    ];
    let flags: BTreeMap<String, String> =
        settings.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let sources = Sources { flags: &flags, environment: &|_| None, file: &BTreeMap::new() };
    Config::resolve(&sources).unwrap_or_else(|error| panic!("{error}"))
}

impl Running {
    fn open(data: &Path, machine: &Machine, objects: &Objects) -> Self {
        let runtime = runtime();
        let opening = App::open(settings(data), machine.env(), PasswordCost::TRIFLING);
        let mut app = runtime.block_on(opening).unwrap_or_else(|error| panic!("{error}"));
        app.blobs = Blobs::over(Arc::new(objects.clone()), INLINE_BYTES_MAX);
        let router = router(app.clone());
        Self { app, router, runtime }
    }

    /// The secret of a new session, and the device that it is of.
    pub(super) fn sign_in(&self, username: &str, claimed: Option<DeviceId>) -> (String, DeviceId) {
        let device = DeviceClaim { id: claimed, name: "Device".into(), platform: "simulated".into() };
        let request = SignIn { username: username.into(), password: Password(PASSWORD.into()), device };
        let (status, body) = self.send(wire::json(Method::POST, "/auth/token", &request));
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        let TokenGranted { token, signed_in } = wire::read(&body);
        (token, signed_in.device.id)
    }

    pub(super) fn send(&self, request: HttpRequest<Body>) -> (StatusCode, Bytes) {
        self.send_unless_cut(request).unwrap_or_else(|| panic!("an answer was cut short"))
    }

    /// None where the answer ends before it is whole.
    fn send_unless_cut(&self, request: HttpRequest<Body>) -> Option<(StatusCode, Bytes)> {
        let router = self.router.clone();
        self.runtime.block_on(async {
            let Ok(response) = router.oneshot(request).await;
            let status = response.status();
            let body = axum::body::to_bytes(response.into_body(), usize::MAX).await;
            Some((status, body.ok()?))
        })
    }
}

impl Template {
    fn get() -> &'static Self {
        static MADE: OnceLock<Template> = OnceLock::new();
        MADE.get_or_init(Self::make)
    }

    fn make() -> Self {
        let folder = temporary_folder();
        let machine = Machine::new(crate::world::BEGINNING, 0);
        let running = Running::open(folder.path(), &machine, &Objects::new(Chance::new(0)));
        let register = |username: &str| {
            let request = Register {
                username: username.into(),
                password: Password(PASSWORD.into()),
                display_name: None,
                invite: None,
            };
            let (status, body) = running.send(wire::json(Method::POST, "/auth/register", &request));
            assert_eq!(status, StatusCode::CREATED, "{}", String::from_utf8_lossy(&body));
            wire::read::<Registered>(&body).user.id
        };
        let user = register(USERNAME);
        register(STRANGER);
        super::strangers::settle_in(&running);
        let copy = folder.path().join("template.sqlite");
        let grants = running.runtime.block_on(async {
            let mut reader = running.app.db.reader().await?;
            let files = access::own_grant(&mut reader, user, ZoneKind::Files).await?;
            let photos = access::own_grant(&mut reader, user, ZoneKind::Photos).await?;
            drop(reader);
            running.app.db.copy_into(&copy).await.map(|()| files.zip(photos))
        });
        let grants = grants.ok().flatten();
        let (files, photos) = grants.unwrap_or_else(|| panic!("a new account has no files or no photos"));
        let zone = |grant: Grant| Zone::new(grant.zone_id, grant.root_id);
        let database = std::fs::read(&copy).unwrap_or_else(|error| panic!("no template: {error}"));
        let installation = &running.app.installation;
        Self {
            database,
            user,
            zones: (zone(files), zone(photos)),
            secret: installation.signing_key,
            epoch: installation.epoch,
        }
    }
}

impl Node {
    /// A new installation, and what stands in its database.
    pub fn new(machine: Machine, quota_bytes: u64, seed: u64) -> (Self, Database) {
        let template = Template::get();
        let mut chance = Chance::new(seed ^ 0x000F_F0CE);
        let objects = Objects::new(Chance::new(seed ^ 0x0B7E_C750));
        let rate = *chance.pick(&RATES);
        objects.set_rates(Rates { put: rate, get: rate, delete: rate });
        let (folder, runs) = (temporary_folder(), 0);
        let database = Database::new(template.zones, template.epoch, quota_bytes, machine.now());
        let mut node = Self {
            running: None,
            objects,
            machine,
            chance,
            sweep: OrphanSweep::default(),
            tokens: BTreeMap::new(),
            strangers: Strangers::default(),
            breaches: Vec::new(),
            backup: None,
            user: template.user,
            secret: template.secret,
            folder,
            runs,
        };
        node.start_with(&template.database, &[]);
        node.set_quota(quota_bytes);
        // A server looks at its clock when it starts.
        node.jobs(Duration::ZERO);
        let database = node.read(&database, Depth::All);
        (node, database)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join(self.runs.to_string())
    }

    fn wal(&self) -> PathBuf {
        self.data().join(LOG)
    }

    /// Starts on these files, in the place of what ran before.
    fn start_with(&mut self, database: &[u8], log: &[u8]) {
        self.end();
        self.runs += 1;
        let data = self.data();
        let write = |name: &str, bytes: &[u8]| std::fs::write(data.join(name), bytes);
        let written = std::fs::create_dir_all(&data)
            .and_then(|()| write(DATABASE, database))
            .and_then(|()| if log.is_empty() { Ok(()) } else { write(LOG, log) });
        written.unwrap_or_else(|error| panic!("no data folder: {error}"));
        self.start();
    }

    fn start(&mut self) {
        self.running = Some(Running::open(&self.data(), &self.machine, &self.objects));
    }

    fn end(&mut self) {
        if let Some(Running { app, router, runtime }) = self.running.take() {
            let inside = runtime.enter();
            drop((router, app));
            drop(inside);
            // Its files are left as they are: whoever comes next works on copies.
            runtime.shutdown_background();
        }
    }

    pub(super) fn running(&self) -> &Running {
        self.running.as_ref().unwrap_or_else(|| panic!("the server does not run"))
    }

    // Requests

    pub(super) fn send(&self, device: DeviceId, request: HttpRequest<Body>) -> (StatusCode, Bytes) {
        self.running().send(self.signed(device, request))
    }

    fn signed(&self, device: DeviceId, mut request: HttpRequest<Body>) -> HttpRequest<Body> {
        let token = self.tokens.get(&device).map(|token| HeaderValue::try_from(format!("Bearer {token}")));
        if let Some(Ok(value)) = token {
            request.headers_mut().insert(header::AUTHORIZATION, value);
        }
        request
    }

    /// A content of a file, or a part of it, as its owner downloads it while one read of the store in so many fails.
    /// None where it is cut short.
    pub fn download(
        &self,
        device: DeviceId,
        (file, version): (ItemId, VersionId),
        part: Option<Range<usize>>,
        (one_in, chance): (u64, Chance),
    ) -> Option<(StatusCode, Bytes)> {
        let mut request = wire::empty(Method::GET, &format!("/files/{file}/download?version={version}"));
        if let Some(Range { start, end }) = part
            && let Ok(value) = HeaderValue::try_from(format!("bytes={start}-{}", end - 1))
        {
            request.headers_mut().insert(header::RANGE, value);
        }
        let usual = self.objects.fail_by(Rates { get: one_in, ..Rates::default() }, chance);
        let answer = self.running().send_unless_cut(self.signed(device, request));
        self.objects.fail_by(usual.0, usual.1);
        answer
    }

    pub fn call(&self, device: DeviceId, request: &Request) -> Result<Reply, Problem> {
        let (status, body) = self.send(device, wire::request(request));
        wire::reply(request, status, &body)
    }

    /// As [`Self::call`]; and then the power turns out to have failed at some moment of it.
    pub fn call_in_power_cut(&mut self, device: DeviceId, request: &Request) -> Result<Reply, Problem> {
        // What a request leaves to be written after its answer is written by now.
        self.send(device, wire::empty(Method::GET, "/auth/me"));
        self.write("UPDATE settings SET value = value WHERE name = 'none'", vec![]);
        let before = Wal::read(&self.wal());
        self.objects.begin(self.wal());
        let reply = self.call(device, request);
        self.power_cut(&before);
        self.objects.begin(PathBuf::new());
        reply
    }

    /// The power fails at some moment since `before`.
    fn power_cut(&mut self, before: &Wal) {
        let now = Wal::read(&self.wal());
        let last = now.frames();
        let frames = if now.salts() == before.salts() {
            let frames = before.frames() + self.chance.below(last + 1 - before.frames());
            self.objects.crash(frames);
            frames
        } else {
            last
        };
        let torn = self.chance.below(TORN_BYTES_MAX);
        self.start_again(now.cut(frames, torn));
    }

    /// The server ends after everything that it has answered, in the middle of what it does beside, and starts
    /// again.
    pub fn restart(&mut self) {
        let log = Wal::read(&self.wal());
        let torn = self.chance.below(TORN_BYTES_MAX);
        self.start_again(log.cut(log.frames(), torn));
    }

    fn start_again(&mut self, log: &[u8]) {
        let database = std::fs::read(self.data().join(DATABASE));
        let database = database.unwrap_or_else(|error| panic!("no database: {error}"));
        self.start_with(&database, log);
        // What a process remembers is gone.
        self.sweep = OrphanSweep::default();
    }

    // People's devices

    /// Signs a device in: under its own id, or a new one if it was removed or is not known.
    pub fn sign_in(&mut self, claimed: Option<DeviceId>) -> DeviceId {
        let (token, device) = self.running().sign_in(USERNAME, claimed);
        self.tokens.insert(device, token);
        device
    }

    pub fn remove_device(&mut self, by: DeviceId, id: DeviceId) -> bool {
        let removed = self.send(by, wire::empty(Method::DELETE, &format!("/devices/{id}"))).0.is_success();
        if removed {
            self.strangers.removed.insert(id);
            self.ask_as_removed(id);
        }
        removed
    }

    /// Whether the upload is over for certain.
    pub fn cancel_upload(&self, device: DeviceId, file: ItemId, upload: OperationId) -> bool {
        let request = wire::empty(Method::DELETE, &format!("/files/{file}/upload/{upload}"));
        let (status, _) = self.send(device, request);
        status.is_success() || status == StatusCode::NOT_FOUND
    }

    // The operator

    /// A pass of the jobs, or what a power cut leaves of one; whether it was cut.
    pub fn jobs_or_power_cut(&mut self, elapsed: Duration) -> bool {
        if !self.chance.one_in(JOBS_CUT_ONE_IN) {
            self.jobs(elapsed);
            return false;
        }
        self.write("UPDATE settings SET value = value WHERE name = 'none'", vec![]);
        let before = Wal::read(&self.wal());
        self.objects.begin(self.wal());
        self.jobs(elapsed);
        self.power_cut(&before);
        self.objects.begin(PathBuf::new());
        true
    }

    pub fn jobs(&mut self, elapsed: Duration) {
        let Some(Running { app, runtime, .. }) = &self.running else { return };
        // What a store that fails prevents is done the next time.
        drop(runtime.block_on(jobs::pass(app, elapsed)));
        drop(runtime.block_on(self.sweep.sweep(app)));
    }

    pub fn set_quota(&self, bytes: u64) {
        self.write("UPDATE accounts SET quota_bytes = $1 WHERE account_id = $2", values![bytes, self.user]);
    }

    fn write(&self, sql: &'static str, values: Vec<server::db::Value>) {
        let Running { app, runtime, .. } = self.running();
        let written = app.db.write::<_, DbError, _>(move |connection| {
            let values = values.clone();
            Box::pin(async move { connection.execute(sql, values).await })
        });
        runtime.block_on(written).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    /// Whether a backup was made: where the object store fails, none is.
    pub fn back_up(&mut self) -> bool {
        let Some(Running { app, runtime, .. }) = &self.running else { return false };
        let folder = self.folder.path().join(format!("backup-{}-{}", self.runs, self.chance.next()));
        let made = runtime.block_on(backup::backup(app, &folder)).is_ok();
        if made {
            self.backup = Some(folder);
        }
        made
    }

    /// Puts the last backup into a new place, and starts the server there.
    pub fn restore(&mut self) {
        let Some(folder) = self.backup.clone() else { return };
        self.end();
        self.objects.clear();
        self.runs += 1;
        let data = self.data();
        let (database, env) = (config::Database::Sqlite(data.join(DATABASE)), self.machine.env());
        let rates = self.objects.set_rates(Rates::default());
        let blobs = Blobs::over(Arc::new(self.objects.clone()), INLINE_BYTES_MAX);
        let target = Target { database: &database, blobs: &blobs, env: &env };
        let restored = runtime().block_on(backup::restore(target, &folder));
        restored.unwrap_or_else(|error| panic!("a backup can't be restored: {error}"));
        self.objects.set_rates(rates);
        self.sweep = OrphanSweep::default();
        // Whoever was taken off since may be there again.
        self.strangers.removed.clear();
        self.start();
    }

    /// From now on nothing fails.
    pub fn heal(&self) {
        self.objects.set_rates(Rates::default());
    }

    // What the oracle looks at

    pub fn read(&self, before: &Database, depth: Depth) -> Database {
        let Running { app, runtime, .. } = self.running();
        let read = runtime.block_on(async {
            let mut connection = app.db.reader().await?;
            mirror::read(&mut connection, self.user, &self.objects, before, depth).await
        });
        read.unwrap_or_else(|error| panic!("the database can't be read: {error}"))
    }

    /// What the server's own check of everything finds. Nothing fails by now.
    pub fn verify(&self) -> Vec<String> {
        let Running { app, runtime, .. } = self.running();
        let report = runtime.block_on(server::ops::verify::verify(app));
        let report = report.unwrap_or_else(|error| panic!("the check fails: {error}"));
        report.findings.iter().map(ToString::to_string).collect()
    }

    /// Lets so much time pass that all is collected that nobody needs. Answers what is there nevertheless.
    pub fn collect_all(&mut self) -> Vec<String> {
        for _ in 0..COLLECTING_PASSES {
            self.machine.set(self.machine.now() + COLLECTING_STEP);
            self.jobs(COLLECTING_STEP);
        }
        let Running { app, runtime, .. } = self.running();
        let left = runtime.block_on(async {
            let sql = "SELECT hash FROM chunks WHERE refs = 0";
            app.db.reader().await?.fetch_all(sql, vec![]).await
        });
        let report = runtime.block_on(server::ops::verify::verify(app));
        let chunks = left.map_or(0, |rows| rows.len());
        let orphans = report.map_or(0, |report| report.orphans);
        let kinds =
            [(chunks as u64, "chunks that nothing refers to"), (orphans, "objects that no row names")];
        kinds.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.end();
    }
}
