//! The services that the tests need, each fresh, in a temporary folder, on a free port, gone with its handle.

use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::shell::{self, AtPath, Failure, Outcome};
use crate::tools;

const START_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(50);
const BUCKET: &str = "cloudstead";
const S3_KEY: &str = "cloudstead-test";

/// What to do about writes that PostgreSQL reports as done.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Really on disk, as in production: for measuring.
    Full,
    /// In memory is enough: for tests, whose databases nobody needs after a power cut.
    Memory,
}

/// All of them, and the environment that tells the tests where they are.
pub struct Services {
    pub environment: Vec<(&'static str, String)>,
    // Stopped in this order, before the folder goes.
    _running: Vec<Running>,
    _folder: Folder,
}

impl Services {
    pub fn start() -> Outcome<Self> {
        let folder = Folder::create()?;
        let postgres_programs = tools::postgres_programs().ok_or_else(|| tools::missing("PostgreSQL"))?;
        let (postgres, postgres_url) = postgres(&folder.0, Durability::Memory)?;
        let (valkey, valkey_url) = valkey(&folder.0)?;
        let (s3, s3_endpoint) = s3(&folder.0)?;
        let environment = vec![
            ("TEST_POSTGRES_URL", postgres_url),
            // For the test that stops and starts one of its own.
            ("TEST_POSTGRES_PROGRAMS", postgres_programs.to_string_lossy().into_owned()),
            ("TEST_VALKEY_URL", valkey_url),
            ("TEST_S3_URL", format!("s3://{BUCKET}/tests")),
            ("AWS_ENDPOINT", s3_endpoint),
            ("AWS_ACCESS_KEY_ID", S3_KEY.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", S3_KEY.to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
        ];
        Ok(Self { environment, _running: vec![postgres, valkey, s3], _folder: folder })
    }
}

/// PostgreSQL alone, for the benchmark.
pub struct Postgres {
    pub url: String,
    _running: Running,
    _folder: Folder,
}

impl Postgres {
    pub fn start(durability: Durability) -> Outcome<Self> {
        let folder = Folder::create()?;
        let (running, url) = postgres(&folder.0, durability)?;
        Ok(Self { url, _running: running, _folder: folder })
    }
}

/// A temporary folder that other users of the machine may enter, removed when dropped.
struct Folder(PathBuf);

impl Folder {
    fn create() -> Outcome<Self> {
        let path = std::env::temp_dir().join(format!("cloudstead-services-{}", std::process::id()));
        if path.exists() {
            fs::remove_dir_all(&path).at("remove", &path)?;
        }
        fs::create_dir_all(&path).at("create", &path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A process that ends with its handle.
struct Running {
    process: Child,
    name: &'static str,
}

impl Running {
    fn start(name: &'static str, command: &mut Command, log: &Path) -> Outcome<Self> {
        let log_file = fs::File::create(log).at("create", log)?;
        let errors = log_file.try_clone().at("open", log)?;
        let process = command
            .stdin(Stdio::null())
            .stdout(log_file)
            .stderr(errors)
            .spawn()
            .map_err(|error| Failure::new(format!("could not start {name}: {error}")))?;
        Ok(Self { process, name })
    }

    /// Waits until it is ready, or says why it ended.
    fn until(mut self, log: &Path, ready: impl Fn() -> bool) -> Outcome<Self> {
        let deadline = Instant::now() + START_WITHIN;
        while !ready() {
            let ended = self.process.try_wait().ok().flatten();
            if ended.is_some() || Instant::now() > deadline {
                let said = fs::read_to_string(log).unwrap_or_default();
                return Err(Failure::new(format!("{} did not start:\n{said}", self.name)));
            }
            sleep(POLL);
        }
        Ok(self)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // PostgreSQL ends its own children on this; a plain kill would leave them for a while.
        let asked = shell::succeeds(Command::new("kill").args(["-INT", &self.process.id().to_string()]));
        let deadline = Instant::now() + START_WITHIN;
        while asked && Instant::now() < deadline {
            if matches!(self.process.try_wait(), Ok(Some(_)) | Err(_)) {
                return;
            }
            sleep(POLL);
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> Outcome<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let address = listener.and_then(|listener| listener.local_addr());
    address.map(|address| address.port()).map_err(|error| Failure::new(format!("no free port: {error}")))
}

fn answers(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn postgres(folder: &Path, durability: Durability) -> Outcome<(Running, String)> {
    let programs = tools::postgres_programs().ok_or_else(|| tools::missing("PostgreSQL"))?;
    let data = folder.join("postgres");
    fs::create_dir_all(&data).at("create", &data)?;
    let is_root = shell::read(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    // PostgreSQL refuses to run as root.
    let as_postgres = |program: &str| {
        let program = programs.join(program);
        if !is_root {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
            .arg(program)
            .current_dir(&data);
        command
    };
    if is_root {
        shell::run(Command::new("chown").arg("postgres:").arg(&data))?;
    }
    let initdb = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"];
    shell::read(as_postgres("initdb").arg("--pgdata").arg(&data).args(initdb))?;

    let port = free_port()?;
    let log = folder.join("postgres.log");
    let mut command = as_postgres("postgres");
    command.arg("-D").arg(&data).arg("-k").arg(&data).args(["-p", &port.to_string()]);
    command.args(["-c", "listen_addresses=127.0.0.1", "-c", "max_connections=400"]);
    if durability == Durability::Memory {
        command.args(["-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off"]);
    }
    let ready = || {
        let probe = programs.join("pg_isready");
        shell::succeeds(Command::new(probe).args(["-q", "-h", "127.0.0.1", "-p", &port.to_string()]))
    };
    let running = Running::start("PostgreSQL", &mut command, &log)?.until(&log, ready)?;
    Ok((running, format!("postgres://postgres@127.0.0.1:{port}/postgres")))
}

fn valkey(folder: &Path) -> Outcome<(Running, String)> {
    let program = tools::valkey().ok_or_else(|| tools::missing("Valkey"))?;
    let port = free_port()?;
    let log = folder.join("valkey.log");
    let mut command = Command::new(program);
    command.args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"]);
    command.current_dir(folder);
    let running = Running::start("Valkey", &mut command, &log)?.until(&log, || answers(port))?;
    Ok((running, format!("redis://127.0.0.1:{port}")))
}

fn s3(folder: &Path) -> Outcome<(Running, String)> {
    let program = tools::s3_server().ok_or_else(|| tools::missing("s3s-fs"))?;
    let port = free_port()?;
    let store = folder.join("s3");
    // A bucket is a folder to it.
    fs::create_dir_all(store.join(BUCKET)).at("create", &store)?;
    let log = folder.join("s3.log");
    let mut command = Command::new(program);
    command.args(["--host", "127.0.0.1", "--port", &port.to_string()]);
    command.args(["--access-key", S3_KEY, "--secret-key", S3_KEY]).arg(&store);
    let running = Running::start("the S3 server", &mut command, &log)?.until(&log, || answers(port))?;
    Ok((running, format!("http://127.0.0.1:{port}")))
}
