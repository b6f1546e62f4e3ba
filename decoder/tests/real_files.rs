//! Every picture of the packages that image libraries are tested with, through the process that decodes, held to
//! what another implementation makes of it (`real_files/reference.py`).
//!
//! `cargo xtask test pictures` fetches the packages and calls this: `TEST_PICTURES` names their folder,
//! `TEST_REFERENCE` a Python that has the other implementation.

// How long a picture took is printed.
#![allow(clippy::disallowed_methods)]

#[path = "real_files/difference.rs"]
mod difference;
#[path = "real_files/exempt.rs"]
mod exempt;

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use decoder::worker::{Answer, CPU_SECONDS_MAX, MEMORY_BYTES_MAX, read_answer};
use decoder::{DecodeError, Derived};
use serde::Deserialize;
use shared::photo::{DerivativeKind, Taken};
use wait4::Wait4 as _;

/// Mean CIEDE2000: what a careful eye just sees, side by side.
const DIFFERENCE_MAX: f64 = 3.0;
/// Degrees, a metre on the ground.
const PLACE_TOLERANCE: f64 = 1e-5;
/// Pixels of a picture that are compared; more tell no more.
const COMPARED_MAX: usize = 200_000;
/// What a process that did not come to its end is told by; the server knows more.
const ENDED_EARLY: &str = "the process ended early";

/// What the other implementation made of a file.
#[derive(Deserialize)]
#[serde(untagged)]
enum Reference {
    Refused { refused: String },
    Read(Box<Picture>),
}

#[derive(Deserialize)]
struct Picture {
    width: u32,
    height: u32,
    at: Option<String>,
    offset: Option<String>,
    location: Option<(f64, f64)>,
    /// Only by passing over damage.
    in_part: bool,
    /// Where the reference put them.
    #[serde(skip)]
    rgb: PathBuf,
}

/// What the process did, and what it took.
struct Run {
    file: PathBuf,
    /// Where its answer was put.
    answer: PathBuf,
    peak_bytes: u64,
    cpu: Duration,
}

impl Run {
    fn answer(&self) -> Answer {
        read_answer(&std::fs::read(&self.answer).unwrap(), ENDED_EARLY).unwrap()
    }
}

/// A line of the table.
struct Line {
    file: String,
    verdict: String,
    difference: Option<f64>,
    taken: Taken,
    peak_bytes: u64,
    cpu: Duration,
    wrong: Vec<String>,
}

#[test]
#[ignore = "needs packages: cargo xtask test pictures"]
fn every_real_picture_comes_out_right_or_is_refused() {
    let folder = PathBuf::from(std::env::var_os("TEST_PICTURES").expect("TEST_PICTURES"));
    // First all of ours, while this process is small: the peak of a process begins with that of its parent.
    let answers = tempfile::tempdir().unwrap();
    let (mut runs, mut others) = (Vec::new(), 0);
    for file in files_below(&folder) {
        let run = decode(file, &answers.path().join(runs.len().to_string()));
        if run.answer().derived == Err(DecodeError::Unsupported) && !is_taken_in(&run.file) {
            others += 1;
        } else {
            runs.push(run);
        }
    }
    let references = references(&runs, answers.path());
    let name = |run: &Run| run.file.strip_prefix(&folder).unwrap().display().to_string();
    let lines: Vec<_> =
        runs.iter().zip(references).map(|(run, reference)| judge(name(run), run, &reference)).collect();
    print(&lines);
    println!("{others} files of other kinds were refused as such.");
    let used: BTreeSet<_> = lines.iter().filter(|line| !line.wrong.is_empty()).map(|l| &*l.file).collect();
    let unused: Vec<_> = exempt::FILES.iter().filter(|(file, _)| !used.contains(file)).collect();
    assert!(unused.is_empty(), "exempt, but right: {unused:?}");
    let wrong: Vec<_> =
        lines.iter().filter(|line| !line.wrong.is_empty() && exempt(line).is_none()).collect();
    for line in &wrong {
        println!("WRONG {}: {}", line.file, line.wrong.join("; "));
    }
    assert!(wrong.is_empty(), "{} of {} pictures are wrong", wrong.len(), lines.len());
}

fn exempt(line: &Line) -> Option<&'static str> {
    exempt::FILES.iter().find(|(file, _)| *file == line.file).map(|(_, reason)| *reason)
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files.sort();
    files
}

/// Whether its name says that it is of a kind that is taken in.
fn is_taken_in(file: &Path) -> bool {
    let kind = file.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    ["jpg", "jpeg", "png", "gif", "webp", "tif", "tiff", "heic", "heif", "hif", "avif"].contains(&&*kind)
}

fn references(runs: &[Run], pixels: &Path) -> Vec<Reference> {
    let mut python = Command::new(std::env::var_os("TEST_REFERENCE").expect("TEST_REFERENCE"));
    python.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_files/reference.py")).arg(pixels);
    let mut python = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let paths: Vec<_> = runs.iter().map(|run| run.file.to_str().unwrap()).collect();
    python.stdin.take().unwrap().write_all(paths.join("\n").as_bytes()).unwrap();
    let output = python.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let read = |(number, line): (usize, &str)| {
        let mut reference = serde_json::from_str(line).unwrap();
        if let Reference::Read(picture) = &mut reference {
            picture.rgb = pixels.join(format!("{number}.rgb"));
        }
        reference
    };
    let references: Vec<Reference> = text.lines().enumerate().map(read).collect();
    assert_eq!(references.len(), runs.len(), "the reference ended early");
    references
}

/// As the server starts it: no environment, nothing but the bytes.
fn decode(file: PathBuf, answer: &Path) -> Run {
    let mut process = Command::new(env!("CARGO_BIN_EXE_decoder"))
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // A process that ends early needs no more.
    drop(process.stdin.take().unwrap().write_all(&std::fs::read(&file).unwrap()));
    let mut bytes = Vec::new();
    process.stdout.take().unwrap().read_to_end(&mut bytes).unwrap();
    let used = process.wait4().unwrap().rusage;
    std::fs::write(answer, bytes).unwrap();
    Run { file, answer: answer.to_owned(), peak_bytes: used.maxrss, cpu: used.utime + used.stime }
}

fn judge(file: String, run: &Run, reference: &Reference) -> Line {
    let answer = run.answer();
    let (peak_bytes, cpu) = (run.peak_bytes, run.cpu);
    let mut wrong = Vec::new();
    let mut difference = None;
    let verdict = match (&answer.derived, reference) {
        (Ok(derived), Reference::Read(picture)) => {
            wrong.extend(compare_taken(&answer.taken, picture));
            match compare(derived, picture) {
                Ok(mean) => {
                    difference = Some(mean);
                    wrong.extend((mean > DIFFERENCE_MAX).then(|| format!("ΔE {mean:.1}")));
                }
                Err(error) => wrong.push(error),
            }
            if picture.in_part { "shown in part".to_owned() } else { "shown".to_owned() }
        }
        (Ok(_), Reference::Refused { refused }) => {
            wrong.push(format!("the reference refuses it: {refused}"));
            "shown".to_owned()
        }
        (Err(error), Reference::Refused { .. }) => format!("refused: {error}"),
        (Err(error), Reference::Read(picture)) => {
            if !picture.in_part {
                wrong.push("the reference reads it".to_owned());
            }
            format!("refused: {error}")
        }
    };
    if answer.derived == Err(DecodeError::Damaged(ENDED_EARLY.to_owned())) {
        wrong.push("the process did not come to its end".to_owned());
    }
    if peak_bytes > MEMORY_BYTES_MAX || cpu > Duration::from_secs(CPU_SECONDS_MAX) {
        wrong.push("beyond the limits".to_owned());
    }
    Line { file, verdict, difference, taken: answer.taken, peak_bytes, cpu, wrong }
}

fn compare_taken(taken: &Taken, picture: &Picture) -> Vec<String> {
    let mut wrong = Vec::new();
    let found = (taken.at.map(|at| at.to_string()), taken.offset.map(|offset| offset.to_string()));
    let expected = (picture.at.clone(), picture.offset.clone());
    if found != expected {
        wrong.push(format!("taken {found:?}, not {expected:?}"));
    }
    let place = taken.location.map(|place| (f64::from(place.latitude), f64::from(place.longitude)));
    let is_there = match (place, picture.location) {
        (Some(found), Some(expected)) => {
            (found.0 - expected.0).abs().max((found.1 - expected.1).abs()) < PLACE_TOLERANCE
        }
        (found, expected) => found == expected,
    };
    if !is_there {
        wrong.push(format!("at {place:?}, not {:?}", picture.location));
    }
    wrong
}

/// The mean difference to the eye, of the largest derivative.
fn compare(derived: &Derived, picture: &Picture) -> Result<f64, String> {
    if (derived.width, derived.height) != (picture.width, picture.height) {
        let (width, height) = (picture.width, picture.height);
        return Err(format!("{} × {}, not {width} × {height}", derived.width, derived.height));
    }
    for kind in DerivativeKind::ALL {
        let made = derived.derivatives.get(kind);
        let longest = picture.width.max(picture.height).min(kind.side_max());
        if made.width.max(made.height) != longest {
            return Err(format!("the {} is {} × {}", kind.name(), made.width, made.height));
        }
    }
    let display = &derived.derivatives.display;
    let shown = turbojpeg::decompress(&display.bytes, turbojpeg::PixelFormat::RGB).unwrap();
    assert_eq!((shown.width, shown.height), (display.width as usize, display.height as usize));
    let reference = std::fs::read(&picture.rgb).unwrap();
    if shown.pixels.len() != reference.len() {
        return Err(format!("the display is {} × {}", display.width, display.height));
    }
    let (ours, theirs) = (shown.pixels.as_chunks::<3>().0, reference.as_chunks::<3>().0);
    let step = theirs.len().div_ceil(COMPARED_MAX);
    let pairs = ours.iter().zip(theirs).step_by(step);
    let count = pairs.len();
    let sum: f64 = pairs
        .map(|(ours, theirs)| difference::delta_e(difference::lab(*ours), difference::lab(*theirs)))
        .sum();
    Ok(sum / count as f64)
}

fn print(lines: &[Line]) {
    println!("{:<62} {:>5} {:<23} {:<6} {:>7} {:>6}  verdict", "file", "ΔE", "taken", "", "peak", "CPU");
    for line in lines {
        let difference = line.difference.map_or_else(String::new, |mean| format!("{mean:.2}"));
        let at = line.taken.at.map_or_else(String::new, |at| at.to_string());
        let offset = line.taken.offset.map_or_else(String::new, |offset| offset.to_string());
        let reason = exempt(line).map_or_else(String::new, |reason| format!(" (exempt: {reason})"));
        println!(
            "{:<62} {difference:>5} {at:<23} {offset:<6} {:>4} MB {:>4.1} s  {}{reason}",
            line.file,
            line.peak_bytes / 1_000_000,
            line.cpu.as_secs_f64(),
            line.verdict
        );
    }
}

#[test]
fn differences_are_what_the_standard_says() {
    // From the test data of Sharma, Wu and Dalal (2005).
    let pairs = [
        ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
        ([50.0, -1.0, 2.0], [50.0, 0.0, 0.0], 2.3669),
        ([50.0, 2.49, -0.001], [50.0, -2.49, 0.0011], 7.2195),
        ([50.0, 2.5, 0.0], [73.0, 25.0, -18.0], 27.1492),
        ([60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644),
        ([6.7747, -0.2908, -2.4247], [5.8714, -0.0985, -2.2286], 0.6377),
    ];
    for (one, other, expected) in pairs {
        let found = difference::delta_e(one, other);
        assert!((found - expected).abs() < 1e-4, "{found} is not {expected}");
    }
    let white = difference::lab([255; 3]);
    assert!((white[0] - 100.0).abs() < 0.01 && white[1].abs() < 0.01 && white[2].abs() < 0.01);
}
