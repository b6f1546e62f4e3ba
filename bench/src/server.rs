//! The server that is measured: a process of its own over a fresh folder.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clap::Args;
use tempfile::TempDir;

use crate::{Arguments, Outcome};

const START_WITHIN: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(20);

/// What is started.
#[derive(Args)]
pub struct Executable {
    /// The server's executable, built for release.
    #[arg(long)]
    pub server: PathBuf,
    /// The built site.
    #[arg(long)]
    pub site: PathBuf,
}

/// A data folder.
pub enum Folder {
    /// Gone with this value.
    Temporary(TempDir),
    Kept(PathBuf),
}

impl Folder {
    pub fn temporary() -> Outcome<Self> {
        Ok(Self::Temporary(tempfile::tempdir()?))
    }

    pub fn path(&self) -> &Path {
        match self {
            Self::Temporary(folder) => folder.path(),
            Self::Kept(folder) => folder,
        }
    }
}

pub struct Server {
    pub url: String,
    process: Child,
    folder: Folder,
}

impl Server {
    /// Over SQLite in its own folder, or over `database`.
    pub async fn start(arguments: &Arguments, database: Option<&str>) -> Outcome<Self> {
        Self::start_in(&arguments.executable, Folder::temporary()?, database).await
    }

    pub async fn start_in(executable: &Executable, folder: Folder, database: Option<&str>) -> Outcome<Self> {
        let port = free_port()?;
        let mut command = Command::new(&executable.server);
        command
            .arg("serve")
            .env("CLOUDSTEAD_LISTEN", format!("127.0.0.1:{port}"))
            .env("CLOUDSTEAD_DATA", folder.path())
            .env("CLOUDSTEAD_SITE", &executable.site)
            .env("CLOUDSTEAD_REGISTRATION", "open")
            .env("RUST_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        if let Some(url) = database {
            command.env("DATABASE_URL", url);
        }
        let process = command.spawn()?;
        let server = Self { url: format!("http://127.0.0.1:{port}"), process, folder };
        let ready = format!("{}/api/v1/health/ready", server.url);
        until(|| async { reqwest::get(&ready).await.is_ok_and(|answer| answer.status().is_success()) })
            .await?;
        Ok(server)
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it cleanly and keeps its folder for a look at what it wrote.
    pub async fn stop(mut self) -> Outcome<Folder> {
        Command::new("kill").args(["-TERM", &self.process.id().to_string()]).status()?;
        let deadline = tokio::time::Instant::now() + START_WITHIN;
        while self.process.try_wait()?.is_none() {
            if tokio::time::Instant::now() > deadline {
                return Err("the server does not stop".into());
            }
            tokio::time::sleep(POLL).await;
        }
        Ok(std::mem::replace(&mut self.folder, Folder::Kept(PathBuf::new())))
    }

    /// Resident memory now, in bytes.
    pub fn memory(&self) -> Outcome<u64> {
        self.status("VmRSS:")
    }

    /// The most resident memory it ever had, in bytes.
    pub fn memory_peak(&self) -> Outcome<u64> {
        self.status("VmHWM:")
    }

    fn status(&self, field: &str) -> Outcome<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let row = status.lines().find_map(|line| line.strip_prefix(field)).ok_or("no such field in /proc")?;
        let kibibytes: u64 = row.trim().trim_end_matches(" kB").parse()?;
        Ok(kibibytes * 1024)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Asks again and again until the answer is yes, for a bounded time.
pub async fn until<F: Future<Output = bool>>(ready: impl Fn() -> F) -> Outcome {
    let deadline = tokio::time::Instant::now() + START_WITHIN;
    while !ready().await {
        if tokio::time::Instant::now() > deadline {
            return Err("it does not answer".into());
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

pub fn free_port() -> Outcome<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
