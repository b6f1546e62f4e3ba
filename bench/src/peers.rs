//! Other servers taking the same file on the same machine, each as its own client sends it best. They answer
//! before the bytes are on the disk, ours after: so each has two times.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Body;
use tokio_util::io::ReaderStream;

use crate::server::{free_port, until};
use crate::{Arguments, Outcome};

const BUFFER_BYTES: usize = 1024 * 1024;

/// How long a peer took.
pub struct Taken {
    /// Until it answered.
    pub answered: Duration,
    /// Until what it had taken was also on the disk.
    pub durable: Duration,
}

impl Taken {
    fn until_now(begin: Instant, answered: Duration, stored: &Path) -> Outcome<Self> {
        std::fs::File::open(stored)?.sync_all()?;
        Ok(Self { answered, durable: begin.elapsed() })
    }
}

struct Peer(Child);

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn start(command: &mut Command, url: &str) -> Outcome<Peer> {
    let peer = Peer(command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
    until(|| async { reqwest::get(url).await.is_ok() }).await?;
    Ok(peer)
}

/// copyparty with its own up2k client, which hashes and deduplicates as ours does.
pub async fn copyparty(arguments: &Arguments, file: &Path) -> Outcome<Option<Taken>> {
    let Some(python) = arguments.peers.as_ref().map(|peers| peers.join("python/bin/python")) else {
        return Ok(None);
    };
    let store = tempfile::tempdir()?;
    let port = free_port()?;
    let url = format!("http://127.0.0.1:{port}/");
    let volume = format!("{}::rwmda", store.path().display());
    let mut server = Command::new(&python);
    server.args(["-m", "copyparty", "-q", "-i", "127.0.0.1", "-p", &port.to_string(), "-v", &volume]);
    let _peer = start(&mut server, &url).await?;

    let find = "import copyparty, os; print(os.path.join(os.path.dirname(copyparty.__file__), 'web', 'a', 'u2c.py'))";
    let found = Command::new(&python).args(["-c", find]).output()?;
    let client = String::from_utf8(found.stdout)?.trim().to_owned();
    let begin = Instant::now();
    let sent = Command::new(&python).arg(client).args(["-j", "4", &url]).arg(file).output()?;
    let answered = begin.elapsed();
    let arrived = store.path().join(file.file_name().unwrap_or_default());
    if !sent.status.success() || std::fs::metadata(&arrived)?.len() != std::fs::metadata(file)?.len() {
        return Err(
            format!("copyparty did not take the file: {}", String::from_utf8_lossy(&sent.stderr)).into()
        );
    }
    Ok(Some(Taken::until_now(begin, answered, &arrived)?))
}

/// @tus/server over its file store, the whole file in one PATCH, which is its fastest way.
pub async fn tus(arguments: &Arguments, file: &Path, bytes: u64) -> Outcome<Option<Taken>> {
    let Some(peers) = &arguments.peers else { return Ok(None) };
    let store = tempfile::tempdir()?;
    let port = free_port()?;
    let url = format!("http://127.0.0.1:{port}/files");
    let mut server = Command::new("node");
    server.arg(peers.join("tus-server.mjs")).arg(port.to_string()).arg(store.path());
    let _peer = start(&mut server, &url).await?;

    let http = reqwest::Client::builder().no_proxy().build()?;
    let begin = Instant::now();
    let created = http
        .post(&url)
        .header("tus-resumable", "1.0.0")
        .header("upload-length", bytes)
        .header("upload-metadata", format!("filename {}", STANDARD.encode("film.bin")))
        .send()
        .await?
        .error_for_status()?;
    let location = created.headers().get("location").ok_or("tus named no location")?.to_str()?.to_owned();
    let location =
        if location.starts_with('/') { format!("http://127.0.0.1:{port}{location}") } else { location };
    let source = ReaderStream::with_capacity(tokio::fs::File::open(file).await?, BUFFER_BYTES);
    http.patch(location)
        .header("tus-resumable", "1.0.0")
        .header("upload-offset", "0")
        .header("content-type", "application/offset+octet-stream")
        .header("content-length", bytes)
        .body(Body::wrap_stream(source))
        .send()
        .await?
        .error_for_status()?;
    let answered = begin.elapsed();
    let stored = std::fs::read_dir(store.path())?.flatten().map(|entry| entry.path());
    let stored = stored.filter(|path| std::fs::metadata(path).is_ok_and(|stored| stored.len() == bytes));
    let stored = stored.last().ok_or("tus did not take the file")?;
    Ok(Some(Taken::until_now(begin, answered, &stored)?))
}
