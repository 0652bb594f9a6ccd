//! Whether the host asks for audio faster than it can be heard.

use std::time::Instant;

/// Audio time over which the pace is measured.
const SPAN_S: f64 = 1.0;
/// Audio per wall time from which waiting for the worker is no harm.
const FASTER: f64 = 1.5;

/// Compares audio time with wall time. Real-time safe.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    hop_s: f64,
    /// Beginning of the current and of the last span, and its hops so far.
    since: Instant,
    hops: u64,
    before: Option<(Instant, u64)>,
}

impl Pace {
    /// A pace for hops of `hop_s`.
    pub fn new(hop_s: f64) -> Pace {
        Pace {
            hop_s,
            since: Instant::now(),
            hops: 0,
            before: None,
        }
    }

    /// Starts to measure anew. Real-time safe.
    pub fn reset(&mut self) {
        *self = Pace::new(self.hop_s);
    }

    /// Counts a hop of audio. Real-time safe.
    pub fn hop(&mut self) {
        self.hops += 1;
        if self.hops as f64 * self.hop_s >= SPAN_S {
            self.before = Some((self.since, self.hops));
            self.since = Instant::now();
            self.hops = 0;
        }
    }

    /// Whether the host renders faster than real time. Real-time safe.
    pub fn is_faster_than_real_time(&self) -> bool {
        let (since, hops) = self.before.unwrap_or((self.since, 0));
        let audio_s = (hops + self.hops) as f64 * self.hop_s;
        audio_s > FASTER * since.elapsed().as_secs_f64()
    }
}
