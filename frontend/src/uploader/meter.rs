//! Speed and time left of one upload.

/// The time after which an old measurement counts for a third, in milliseconds.
const MEMORY_MS: f64 = 5_000.0;
/// Before this, a speed would be a guess, in milliseconds.
const WARM_UP_MS: f64 = 500.0;

/// An exponentially weighted moving average of the speed, weighted by time rather than by chunk, so that
/// chunks of different sizes count alike.
#[derive(Debug, Default)]
pub struct Meter {
    /// When bytes were last counted, in milliseconds.
    last_tick: Option<f64>,
    /// How long it has measured, in milliseconds.
    measured_for: f64,
    /// Bytes a millisecond.
    speed: f64,
}

impl Meter {
    /// Sending begins or goes on: the pause before does not count.
    pub fn start(&mut self, now_ms: f64) {
        self.last_tick = Some(now_ms);
    }

    pub fn stop(&mut self) {
        self.last_tick = None;
    }

    pub fn add(&mut self, bytes: u64, now_ms: f64) {
        let elapsed_ms = (now_ms - self.last_tick.replace(now_ms).unwrap_or(now_ms)).max(1.0);
        let old = (-elapsed_ms / MEMORY_MS).exp();
        // The first measurements stand for the time in which there were none.
        let settled = 1.0 - (-(self.measured_for + elapsed_ms) / MEMORY_MS).exp();
        let before = 1.0 - (-self.measured_for / MEMORY_MS).exp();
        let sum = self.speed * before * old + bytes as f64 / elapsed_ms * (1.0 - old);
        self.speed = sum / settled;
        self.measured_for += elapsed_ms;
    }

    pub fn bytes_per_second(&self) -> Option<f64> {
        (self.last_tick.is_some() && self.measured_for >= WARM_UP_MS).then_some(self.speed * 1000.0)
    }

    pub fn seconds_left(&self, bytes_left: u64) -> Option<u64> {
        let speed = self.bytes_per_second().filter(|speed| *speed >= 1.0)?;
        Some((bytes_left as f64 / speed).ceil() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_line_reads_steady_from_the_first_second() {
        let mut meter = Meter::default();
        meter.start(0.0);
        for second in 1..=20 {
            meter.add(1_000_000, f64::from(second) * 1000.0);
            let speed = meter.bytes_per_second().unwrap_or_default();
            assert!((speed - 1e6).abs() < 1.0, "{speed}");
        }
        assert_eq!(meter.seconds_left(5_000_000), Some(5));
    }

    #[test]
    fn it_follows_a_line_that_slows_down() {
        let mut meter = Meter::default();
        meter.start(0.0);
        for second in 1..=40 {
            meter.add(if second <= 20 { 1_000_000 } else { 100_000 }, f64::from(second) * 1000.0);
        }
        let speed = meter.bytes_per_second().unwrap_or_default();
        assert!((100_000.0..150_000.0).contains(&speed), "{speed}");
    }

    #[test]
    fn nothing_is_said_too_early_or_while_it_rests() {
        let mut meter = Meter::default();
        meter.start(0.0);
        meter.add(1000, 10.0);
        assert_eq!(meter.bytes_per_second(), None);
        meter.add(1_000_000, 1000.0);
        assert!(meter.bytes_per_second().is_some());
        meter.stop();
        assert_eq!(meter.seconds_left(1), None);
    }
}
