//! One large file up and down, against a copy of the same bytes and beside the peers.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use shared::content::ChunkHash;
use shared::upload::AnnouncedChunk;
use shared::{ItemId, chunking};
use uuid::Uuid;

use crate::client::{Client, Plan};
use crate::report::{Report, megabytes_per_second};
use crate::server::Server;
use crate::{Arguments, Outcome, bounds, memory, peers};

/// As many as the project's own client keeps in flight at most.
const IN_FLIGHT: usize = 5;
const CHUNK_BYTES: u64 = shared::limits::CHUNK_BYTES_MAX as u64;

pub async fn measure(arguments: &Arguments, report: &mut Report) -> Outcome {
    let folder = tempfile::tempdir()?;
    let bytes = arguments.file_mib * 1024 * 1024;
    let file = folder.path().join("film.bin");
    bounds::write_noise(&file, bytes, 1)?;
    let speed = |time: Duration| megabytes_per_second(bytes, time);

    // The best of two: the first also warms the page cache for everybody.
    let copy_to = folder.path().join("copy.bin");
    let bound = bounds::hashed_copy(&file, &copy_to)?.min(bounds::hashed_copy(&file, &copy_to)?);
    std::fs::remove_file(&copy_to)?;
    report.add("bound: copy with SHA-256 and fsync", format!("{:.0} MB/s", speed(bound)), "");

    let server = Server::start(arguments, None).await?;
    let client = Client::first_account(&server.url).await?;
    memory::idle(&server, report).await?;
    let (plain, id) = send_plain(&client, &file, bytes).await?;
    memory::during_upload(&server, report)?;
    ratio(report, "upload, hashed by the server", speed(plain), speed(bound), "0.7 of the copy");

    let down = receive(&client, id, &folder.path().join("down.bin"), bytes).await?;
    ratio(report, "download to a file, with fsync", speed(down), speed(bound), "0.7 of the copy");
    drop(server);

    // A fresh server, because the first one has every chunk.
    let server = Server::start(arguments, None).await?;
    let client = Client::first_account(&server.url).await?;
    let cut = send_cut(&client, &file, "film.bin").await?;
    ratio(report, "upload, cut by content and hashed first", speed(cut), speed(bound), "");
    let again = send_cut(&client, &file, "again.bin").await?;
    report.add("the same file again: no chunk is sent", format!("{:.0} MB/s", speed(again)), "");
    drop(server);

    if arguments.wants("peers") {
        let peer = peers::copyparty(arguments, &file).await?;
        if let Some(peer) = &peer {
            ratio(
                report,
                "upload beside copyparty up2k, hashed first by both",
                speed(cut),
                speed(peer.answered),
                "",
            );
        }
        beside(report, "copyparty up2k", speed(plain), peer, speed, "1.5 of copyparty");
        let peer = peers::tus(arguments, &file, bytes).await?;
        beside(report, "@tus/server, one PATCH", speed(plain), peer, speed, "1.2 of tus");
    }
    Ok(())
}

fn beside(
    report: &mut Report,
    name: &str,
    ours: f64,
    peer: Option<peers::Taken>,
    speed: impl Fn(Duration) -> f64,
    aim: &str,
) {
    let Some(peer) = peer else {
        return report.add(format!("upload beside {name}"), "not installed", aim);
    };
    ratio(report, &format!("upload beside {name}"), ours, speed(peer.answered), aim);
    ratio(report, &format!("upload beside {name}, both on disk"), ours, speed(peer.durable), "");
}

fn ratio(report: &mut Report, name: &str, ours: f64, theirs: f64, aim: &str) {
    report.add(name, format!("{:.2} ({ours:.0} : {theirs:.0})", ours / theirs), aim);
}

/// Every 4 MiB a chunk, hashed by nobody but the server.
async fn send_plain(client: &Client, path: &Path, bytes: u64) -> Outcome<(Duration, ItemId)> {
    let start = Instant::now();
    let id: ItemId = Uuid::now_v7().into();
    let total_chunks = bytes.div_ceil(CHUNK_BYTES) as u32;
    let name = "film.bin".to_owned();
    let plan = Plan { name, total_size: bytes, chunk_size: CHUNK_BYTES as u32, total_chunks, chunks: None };
    let upload = client.begin(id, plan).await?;
    stream::iter(0..total_chunks)
        .map(Ok::<_, Box<dyn std::error::Error + Send + Sync>>)
        .try_for_each_concurrent(IN_FLIGHT, |index| {
            let upload = &upload;
            async move {
                let offset = u64::from(index) * CHUNK_BYTES;
                let part = read_part(path, offset, CHUNK_BYTES.min(bytes - offset)).await?;
                client.send_chunk(id, upload, index, part).await
            }
        })
        .await?;
    client.complete(id, &upload).await?;
    Ok((start.elapsed(), id))
}

/// As the project's own client does: cut by content, hash, announce, send what is missing.
async fn send_cut(client: &Client, path: &Path, name: &str) -> Outcome<Duration> {
    let start = Instant::now();
    let id: ItemId = Uuid::now_v7().into();
    let for_cutting = path.to_path_buf();
    let (chunks, total_size) = tokio::task::spawn_blocking(move || cut(&for_cutting)).await??;
    let offsets: Arc<Vec<u64>> = Arc::new(
        chunks
            .iter()
            .scan(0, |offset, chunk| {
                let start = *offset;
                *offset += u64::from(chunk.size);
                Some(start)
            })
            .collect(),
    );
    let sizes: Vec<u32> = chunks.iter().map(|chunk| chunk.size).collect();
    let plan = Plan {
        name: name.to_owned(),
        total_size,
        chunk_size: CHUNK_BYTES as u32,
        total_chunks: chunks.len() as u32,
        chunks: Some(chunks),
    };
    let upload = client.begin(id, plan).await?;
    stream::iter(upload.missing_chunks.clone())
        .map(Ok::<_, Box<dyn std::error::Error + Send + Sync>>)
        .try_for_each_concurrent(IN_FLIGHT, |index| {
            let (upload, offsets, sizes) = (&upload, &offsets, &sizes);
            async move {
                let part = read_part(path, offsets[index as usize], u64::from(sizes[index as usize])).await?;
                client.send_chunk(id, upload, index, part).await
            }
        })
        .await?;
    client.complete(id, &upload).await?;
    Ok(start.elapsed())
}

fn cut(path: &Path) -> Outcome<(Vec<AnnouncedChunk>, u64)> {
    const WINDOW_BYTES: usize = 8 * shared::limits::CHUNK_BYTES_MAX;
    let mut file = std::fs::File::open(path)?;
    let mut window = Vec::with_capacity(WINDOW_BYTES);
    let (mut chunks, mut total) = (Vec::new(), 0);
    loop {
        let wanted = (WINDOW_BYTES - window.len()) as u64;
        let read = std::io::Read::by_ref(&mut file).take(wanted).read_to_end(&mut window)?;
        let at_end = (read as u64) < wanted;
        let (mut start, mut parts) = (0, Vec::new());
        while start < window.len() && (at_end || window.len() - start >= shared::limits::CHUNK_BYTES_MAX) {
            let length = chunking::first_cut(&window[start..]);
            parts.push(&window[start..start + length]);
            start += length;
        }
        for (part, hash) in parts.iter().zip(hashes(&parts)) {
            chunks.push(AnnouncedChunk { index: chunks.len() as u32, hash, size: part.len() as u32 });
        }
        total += start as u64;
        window.drain(..start);
        if at_end {
            return Ok((chunks, total));
        }
    }
}

/// On every core.
fn hashes(parts: &[&[u8]]) -> Vec<ChunkHash> {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    std::thread::scope(|scope| {
        let hash_all = |parts: &[&[u8]]| parts.iter().map(|part| ChunkHash::of(part)).collect::<Vec<_>>();
        let shares = parts.chunks(parts.len().div_ceil(cores).max(1));
        let workers: Vec<_> = shares.map(|share| scope.spawn(move || hash_all(share))).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("hashing does not panic")).collect()
    })
}

async fn read_part(path: &Path, offset: u64, length: u64) -> Outcome<Bytes> {
    let mut file = std::fs::File::open(path)?;
    let reading = tokio::task::spawn_blocking(move || {
        file.seek(SeekFrom::Start(offset))?;
        let mut part = Vec::with_capacity(length as usize);
        file.take(length).read_to_end(&mut part)?;
        Ok::<_, std::io::Error>(part)
    });
    Ok(reading.await??.into())
}

async fn receive(client: &Client, id: ItemId, to: &Path, bytes: u64) -> Outcome<Duration> {
    let start = Instant::now();
    let mut file = std::fs::File::create(to)?;
    let mut parts = client.download(id).await?.bytes_stream();
    let mut received = 0;
    while let Some(part) = parts.try_next().await? {
        received += part.len() as u64;
        file.write_all(&part)?;
    }
    file.sync_all()?;
    if received != bytes {
        return Err(format!("{received} of {bytes} bytes came down").into());
    }
    Ok(start.elapsed())
}
