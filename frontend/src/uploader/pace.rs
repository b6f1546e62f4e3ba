//! How many chunks are in flight: additive increase, multiplicative decrease on what actually arrives.
//!
//! One more stream is kept as long as it raises the throughput; a failure, or a stream that brought
//! nothing, takes some away. Five are the most, so that the rest of the page keeps its share.

/// Streams to begin with.
const STREAMS_FIRST: usize = 3;
const STREAMS_MIN: usize = 1;
pub const STREAMS_MAX: usize = 5;
/// Chunks that arrive before the throughput is judged again, a stream.
const SAMPLES_PER_STREAM: usize = 2;
/// What a stream must add to be kept, as a share of the throughput before it.
const GAIN_WORTH_A_STREAM: f64 = 0.05;
/// A throughput below this share of the best means that the line is crowded.
const LOSS_TOLERATED: f64 = 0.7;

/// The pace of one device's uploads, over all its files.
#[derive(Debug)]
pub struct Pace {
    streams: usize,
    /// Where the measuring began, in milliseconds of the caller's clock.
    since_ms: Option<f64>,
    bytes: u64,
    chunks: usize,
    /// Bytes a second of the last judgement, and how many streams brought them.
    before: Option<(f64, usize)>,
}

impl Default for Pace {
    fn default() -> Self {
        Self { streams: STREAMS_FIRST, since_ms: None, bytes: 0, chunks: 0, before: None }
    }
}

impl Pace {
    /// How many chunks may be in flight now.
    pub fn streams(&self) -> usize {
        self.streams
    }

    /// A chunk is about to leave.
    pub fn sending(&mut self, now_ms: f64) {
        self.since_ms.get_or_insert(now_ms);
    }

    /// A chunk of `bytes` arrived.
    pub fn arrived(&mut self, bytes: u64, now_ms: f64) {
        self.bytes += bytes;
        self.chunks += 1;
        let Some(since_ms) = self.since_ms else { return };
        let elapsed_ms = now_ms - since_ms;
        if self.chunks < SAMPLES_PER_STREAM * self.streams || elapsed_ms <= 0.0 {
            return;
        }
        let throughput = self.bytes as f64 * 1000.0 / elapsed_ms;
        let brought_by = self.streams;
        self.streams = match self.before {
            Some((before, _)) if throughput < before * LOSS_TOLERATED => halved(brought_by),
            Some((before, fewer))
                if brought_by > fewer && throughput < before * (1.0 + GAIN_WORTH_A_STREAM) =>
            {
                fewer
            }
            _ => (brought_by + 1).min(STREAMS_MAX),
        };
        self.before = Some((throughput, brought_by));
        self.measure_from(now_ms);
    }

    /// A chunk was lost on its way.
    pub fn lost(&mut self, now_ms: f64) {
        self.streams = halved(self.streams);
        self.before = None;
        self.measure_from(now_ms);
    }

    /// Nothing is in flight: time that passes now says nothing of the line.
    pub fn idle(&mut self) {
        self.since_ms = None;
        self.bytes = 0;
        self.chunks = 0;
    }

    fn measure_from(&mut self, now_ms: f64) {
        self.since_ms = Some(now_ms);
        self.bytes = 0;
        self.chunks = 0;
    }
}

fn halved(streams: usize) -> usize {
    (streams / 2).max(STREAMS_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs a line on which `rate(streams)` bytes a second arrive, and answers the streams after each chunk.
    fn run(pace: &mut Pace, chunks: usize, rate: impl Fn(usize) -> f64) -> Vec<usize> {
        let mut now_ms = 0.0;
        pace.sending(now_ms);
        (0..chunks)
            .map(|_| {
                now_ms += 1_000_000.0 * 1000.0 / rate(pace.streams());
                pace.arrived(1_000_000, now_ms);
                pace.streams()
            })
            .collect()
    }

    #[test]
    fn a_line_that_rewards_streams_gets_five() {
        let mut pace = Pace::default();
        let streams = run(&mut pace, 100, |streams| streams as f64 * 1e6);
        assert_eq!(streams.last(), Some(&STREAMS_MAX));
        assert!(streams.iter().all(|streams| (STREAMS_MIN..=STREAMS_MAX).contains(streams)));
    }

    #[test]
    fn a_full_line_is_not_crowded_further() {
        let mut pace = Pace::default();
        let streams = run(&mut pace, 200, |streams| 1e6 * (streams.min(2) as f64));
        assert!(streams.iter().all(|&streams| streams <= 4), "{streams:?}");
    }

    #[test]
    fn losses_halve_and_one_stream_remains() {
        let mut pace = Pace::default();
        for _ in 0..10 {
            pace.lost(0.0);
        }
        assert_eq!(pace.streams(), STREAMS_MIN);
        run(&mut pace, 4, |_| 1e6);
        assert!(pace.streams() > STREAMS_MIN, "it grows again when chunks arrive");
    }
}
