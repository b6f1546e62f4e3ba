//! What was measured, each beside what it is measured against.

use std::time::Duration;

#[derive(Default)]
pub struct Report {
    lines: Vec<Line>,
}

struct Line {
    name: String,
    value: String,
    aim: String,
}

impl Report {
    /// A figure with its aim; it is also printed at once, because a whole run takes minutes.
    pub fn add(&mut self, name: impl Into<String>, value: impl Into<String>, aim: impl Into<String>) {
        let line = Line { name: name.into(), value: value.into(), aim: aim.into() };
        println!("{}", line.shown());
        self.lines.push(line);
    }

    pub fn print(&self) {
        println!("\nAll figures of this run:");
        for line in &self.lines {
            println!("  {}", line.shown());
        }
    }
}

impl Line {
    fn shown(&self) -> String {
        let aim = if self.aim.is_empty() { String::new() } else { format!("  (aim {})", self.aim) };
        format!("{:<58} {:>18}{aim}", self.name, self.value)
    }
}

/// MB (10^6 bytes) a second.
pub fn megabytes_per_second(bytes: u64, time: Duration) -> f64 {
    bytes as f64 / 1e6 / time.as_secs_f64()
}

pub fn per_second(count: usize, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}

/// Half of the times are at most the first, 99 in 100 the second.
pub fn p50_p99(times: Vec<Duration>) -> (Duration, Duration) {
    percentiles(times, 99)
}

/// Half of the times are at most the first, 95 in 100 the second.
pub fn p50_p95(times: Vec<Duration>) -> (Duration, Duration) {
    percentiles(times, 95)
}

fn percentiles(mut times: Vec<Duration>, high: usize) -> (Duration, Duration) {
    times.sort_unstable();
    let at = |percent: usize| times[(times.len() * percent).div_ceil(100).max(1) - 1];
    (at(50), at(high))
}
