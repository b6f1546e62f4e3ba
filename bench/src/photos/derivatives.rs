//! Derivatives of large photos: the process that the server starts for each, beside sharp (libvips), which makes
//! the same three sizes of the same files at the same quality.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::Deserialize;
use wait4::Wait4 as _;

use crate::report::Report;
use crate::{Arguments, Outcome};

/// Different photos of 24 megapixels.
const PHOTOS: usize = 8;
/// Each of both in turn, so that what else the machine does hits both.
const ROUNDS: usize = 5;
/// The pictures' first: one of 24 megapixels, from a camera.
const PHOTO: &str = "exif/sony-alpha-6000.jpg";
/// Of 12.2 megapixels each, from phones.
const HEIC: [&str; 2] = ["pillow-heif/heif_other/arrow.heic", "pillow-heif/heif_other/pug.heic"];
const HEIC_MEGAPIXELS: f64 = 12.192_768;

/// What it took to make the derivatives of some photos.
#[derive(Clone, Copy, Default, Deserialize)]
struct Work {
    /// By the clock.
    seconds: f64,
    cpu_seconds: f64,
    /// Of all derivatives.
    bytes: u64,
    peak_bytes: u64,
}

impl Work {
    fn and(self, other: Self) -> Self {
        Self {
            seconds: self.seconds + other.seconds,
            cpu_seconds: self.cpu_seconds + other.cpu_seconds,
            bytes: self.bytes + other.bytes,
            peak_bytes: self.peak_bytes.max(other.peak_bytes),
        }
    }
}

/// sharp's: its threads for one photo, and photos at a time.
#[derive(Clone, Copy)]
struct SetUp {
    threads: usize,
    parallel: usize,
}

pub fn measure(arguments: &Arguments, report: &mut Report) -> Outcome {
    let pictures = &arguments.pictures;
    let peers =
        arguments.peers.as_ref().ok_or("derivatives are measured beside sharp, which is not there")?;
    let cores = std::thread::available_parallelism()?.get();
    let server = &arguments.executable.server;
    let folder = tempfile::tempdir()?;
    let script = peers.join("derivatives.mjs");
    let mut node = Command::new("node");
    node.arg(&script).arg("make").arg(pictures.join(PHOTO)).arg(folder.path()).arg(PHOTOS.to_string());
    if !node.status()?.success() {
        return Err("sharp could not make the photos".into());
    }
    let photos: Vec<PathBuf> =
        (0..PHOTOS).map(|number| folder.path().join(format!("{number}.jpg"))).collect();

    let set_up = best(&script, &photos, cores)?;
    let (mut ours, mut theirs) = (Work::default(), Work::default());
    for _ in 0..ROUNDS {
        ours = ours.and(derive(server, &photos, cores)?);
        theirs = theirs.and(sharp(&script, set_up, &photos)?);
    }
    let count = (PHOTOS * ROUNDS) as f64;
    let by_clock = |work: Work| count / work.seconds / cores as f64;
    let by_cpu = |work: Work| count / work.cpu_seconds;
    let SetUp { threads, parallel } = set_up;
    report.add(
        "24 MP JPEGs to three derivatives, images a second a core",
        format!("{:.2}", by_clock(ours)),
        "",
    );
    report.add(
        format!("  sharp, {parallel} at a time with {threads} threads"),
        format!("{:.2}", by_clock(theirs)),
        "",
    );
    report.add("  against sharp, by the clock", ratio(by_clock(ours) / by_clock(theirs)), "≥ 1.7 ×");
    report.add("  against sharp, by processor time", ratio(by_cpu(ours) / by_cpu(theirs)), "");
    report.add(
        "  bytes of the derivatives against sharp's",
        ratio(ours.bytes as f64 / theirs.bytes as f64),
        "",
    );
    report.add("  peak memory of a process", megabytes(ours.peak_bytes), "≤ 300 MB");
    report.add("  peak memory of sharp", megabytes(theirs.peak_bytes), "");

    let phones: Vec<PathBuf> = HEIC.iter().map(|name| pictures.join(name)).collect();
    let heic = derive(server, &phones, cores)?;
    let twelve = phones.len() as f64 * HEIC_MEGAPIXELS / 12.0;
    let speed = format!("{:.2}", twelve / heic.cpu_seconds);
    report.add("12 MP HEIC to three derivatives, images a second a core", speed, "≥ 1.5");
    report.add("  peak memory of a process", megabytes(heic.peak_bytes), "");
    Ok(())
}

fn ratio(value: f64) -> String {
    format!("{value:.2} ×")
}

fn megabytes(bytes: u64) -> String {
    format!("{:.0} MB", bytes as f64 / 1e6)
}

/// A process for each photo, as many at a time as there are cores.
fn derive(server: &Path, photos: &[PathBuf], cores: usize) -> Outcome<Work> {
    let waiting = Mutex::new(photos.iter());
    let begin = Instant::now();
    let works = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores)
            .map(|_| {
                scope.spawn(|| {
                    let mut work = Work::default();
                    loop {
                        let photo = waiting.lock().ok().and_then(|mut waiting| waiting.next());
                        let Some(photo) = photo else { return Ok(work) };
                        work = work.and(derive_one(server, photo)?);
                    }
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().map_err(|_| "a worker panicked")?).collect()
    });
    let works: Outcome<Vec<Work>> = works;
    let all = works?.into_iter().fold(Work::default(), Work::and);
    Ok(Work { seconds: begin.elapsed().as_secs_f64(), ..all })
}

fn derive_one(server: &Path, photo: &Path) -> Outcome<Work> {
    let mut process = Command::new(server)
        .arg("decode")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    process.stdin.take().ok_or("no input")?.write_all(&fs::read(photo)?)?;
    let mut answer = Vec::new();
    process.stdout.take().ok_or("no output")?.read_to_end(&mut answer)?;
    let ended = process.wait4()?;
    // The derivatives come last, each a whole JPEG.
    if !ended.status.success() || !answer.ends_with(&[0xFF, 0xD9]) {
        return Err(format!("{} has no derivatives", photo.display()).into());
    }
    let cpu: Duration = ended.rusage.utime + ended.rusage.stime;
    let (bytes, peak_bytes) = (answer.len() as u64, ended.rusage.maxrss);
    Ok(Work { seconds: 0.0, cpu_seconds: cpu.as_secs_f64(), bytes, peak_bytes })
}

fn sharp(script: &Path, set_up: SetUp, photos: &[PathBuf]) -> Outcome<Work> {
    let mut node = Command::new("node");
    // libuv runs what sharp does; libvips' own threads come on top.
    node.env("UV_THREADPOOL_SIZE", (set_up.parallel * 4).to_string()).arg(script).arg("run");
    node.args([set_up.threads, set_up.parallel].map(|number| number.to_string())).args(photos);
    let output = node.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("sharp failed".into());
    }
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The one that takes the least time.
fn best(script: &Path, photos: &[PathBuf], cores: usize) -> Outcome<SetUp> {
    let set_ups = [(1, cores), (cores, 1), (1, 2 * cores), (cores, cores)];
    let mut tried = Vec::new();
    for (threads, parallel) in set_ups {
        let set_up = SetUp { threads, parallel };
        tried.push((sharp(script, set_up, photos)?.seconds, set_up));
    }
    tried.sort_by(|one, other| one.0.total_cmp(&other.0));
    tried.first().map(|(_, set_up)| *set_up).ok_or_else(|| "no set-up of sharp".into())
}
