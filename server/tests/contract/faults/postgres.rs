//! A PostgreSQL that is stopped and started, where `TEST_POSTGRES_PROGRAMS` names its programs.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use shared::ErrorCode;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::device::{Device, file, fresh};
use crate::support::TestServer;

/// How long it may take to start or stop.
const PATIENCE: Duration = Duration::from_mins(1);

/// A database server that a test may stop.
struct OwnPostgres {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    running: Option<Child>,
}

impl OwnPostgres {
    async fn start(programs: PathBuf) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let mut own = Self { programs, folder, port, running: None };
        if is_root() {
            run(Command::new("chown").arg("postgres:").arg(own.folder.path())).await;
        }
        let data = own.data();
        let mut initdb = own.program("initdb");
        initdb.arg("--pgdata").arg(data).args(["--username=postgres", "--auth=trust", "--no-sync"]);
        run(&mut initdb).await;
        own.resume().await;
        own
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// One of its programs; they refuse to run as root.
    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        if !is_root() {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
        command.current_dir(self.folder.path());
        command
    }

    async fn resume(&mut self) {
        let mut command = self.program("postgres");
        command.arg("-D").arg(self.data()).arg("-k").arg(self.data());
        command.args(["-p", &self.port.to_string(), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        self.running = Some(command.kill_on_drop(true).spawn().expect("PostgreSQL starts"));
        let ready = async {
            let port = self.port.to_string();
            let probe = self.programs.join("pg_isready");
            while !is_ready(&probe, &port).await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(PATIENCE, ready).await.expect("PostgreSQL is ready");
    }

    /// A fast shutdown: its sessions are ended, as an administrator does.
    async fn stop(&mut self) {
        let mut running = self.running.take().expect("it runs");
        let id = running.id().expect("it runs").to_string();
        run(Command::new("kill").args(["-INT", &id])).await;
        tokio::time::timeout(PATIENCE, running.wait()).await.expect("it stops").expect("it ends");
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

async fn is_ready(probe: &Path, port: &str) -> bool {
    let asked = Command::new(probe).args(["-q", "-h", "127.0.0.1", "-p", port]).status().await;
    asked.is_ok_and(|status| status.success())
}

async fn run(command: &mut Command) {
    let done = command.output().await.expect("the program runs");
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test]
async fn a_postgresql_that_stops_and_starts_is_waited_for() {
    let Some(programs) = std::env::var_os("TEST_POSTGRES_PROGRAMS") else { return };
    let mut postgres = OwnPostgres::start(programs.into()).await;
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", postgres.port);
    let server = TestServer::start_with(&[("DATABASE_URL", &url)]).await;
    let (mut ann, _) = Device::two(&server).await;
    let kept = ann.done(file(fresh(), ann.root(), "kept", "before")).await;
    postgres.stop().await;
    let change = file(fresh(), ann.root(), "late", "while it was away");
    for refused in [
        ann.push_raw(std::slice::from_ref(&change)).await,
        ann.person.get("/auth/me").await,
        ann.person.get("/health/ready").await,
        server.anonymous().post("/auth/login", &crate::support::sign_in("ann", "wrong password")).await,
    ] {
        assert!(refused.problem(ErrorCode::Unavailable).retry_after_ms.is_some());
    }
    server.anonymous().get("/health/live").await.expect(200);
    postgres.resume().await;
    assert_eq!(ann.bytes(kept.id).await, b"before");
    assert_eq!(ann.applied(&change).await.operation_id, crate::device::operation(&change));
    server.anonymous().get("/health/ready").await.expect(200);
    postgres.stop().await;
}
