//! Whether the host asks for audio faster than it can be heard.

use std::time::Instant;

/// Audio time over which the pace is measured: this much to twice as much.
const SPAN_S: f64 = 5.0;
/// Audio time before which nothing is said.
const LEAST_S: f64 = 1.0;
/// Audio per wall time from which waiting for the worker is no harm.
const FASTER: f64 = 1.5;

/// Compares audio time with wall time.
///
/// A host that plays never gets that far ahead. What it renders before it begins to play
/// counts from the first hop on, together with the time in which it is played; to be taken
/// for an export after a stall, it would have to catch up with a third of the measured
/// time at once, where hosts drop what is late. And who waits only as long as the pace is
/// kept cannot use up the lead: [`Pace::is_faster_than_real_time`] has to be asked again
/// while waiting. Real-time safe.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    hop_s: f64,
    /// Beginning of the current span, at its first hop, and the hops since.
    since: Option<Instant>,
    hops: u64,
    /// Beginning of the span before it, and its hops.
    before: Option<(Instant, u64)>,
}

impl Pace {
    /// A pace for hops of `hop_s`, measured from the first one on.
    pub fn new(hop_s: f64) -> Pace {
        Pace {
            hop_s,
            since: None,
            hops: 0,
            before: None,
        }
    }

    /// Starts to measure anew. Real-time safe.
    pub fn reset(&mut self) {
        *self = Pace::new(self.hop_s);
    }

    /// Counts a hop of audio that is complete `now`. Real-time safe.
    pub fn hop(&mut self, now: Instant) {
        let Some(since) = self.since else {
            self.since = Some(now);
            return;
        };
        self.hops += 1;
        if self.hops as f64 * self.hop_s >= SPAN_S {
            self.before = Some((since, self.hops));
            self.since = Some(now);
            self.hops = 0;
        }
    }

    /// Whether the host has kept up a pace that cannot be heard. Real-time safe.
    pub fn is_faster_than_real_time(&self, now: Instant) -> bool {
        let Some((since, hops)) = self.before.or(self.since.map(|since| (since, 0))) else {
            return false;
        };
        let audio_s = (hops + self.hops) as f64 * self.hop_s;
        let wall_s = now.saturating_duration_since(since).as_secs_f64();
        audio_s >= LEAST_S && audio_s > FASTER * wall_s
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HOP_S: f64 = 0.005;

    /// A host that asks for audio when it likes, and what the pace says after each hop.
    struct Host {
        pace: Pace,
        now: Instant,
    }

    impl Host {
        fn new() -> Host {
            Host {
                pace: Pace::new(HOP_S),
                now: Instant::now(),
            }
        }

        /// Audio of `audio_s` within `wall_s`; how many hops looked too fast.
        fn play(&mut self, audio_s: f64, wall_s: f64) -> usize {
            let hops = (audio_s / HOP_S).round() as u32;
            let step = Duration::from_secs_f64(wall_s) / hops;
            (0..hops)
                .filter(|_| {
                    self.now += step;
                    self.pace.hop(self.now);
                    self.pace.is_faster_than_real_time(self.now)
                })
                .count()
        }

        fn stall(&mut self, wall_s: f64) {
            self.now += Duration::from_secs_f64(wall_s);
        }
    }

    #[test]
    fn who_plays_is_never_too_fast() {
        let mut host = Host::new();
        // Rendered ahead of the sound, as some hosts do, within the first second.
        assert_eq!(host.play(0.9, 0.01), 0);
        host.stall(0.85);
        for minute in 0..3 {
            assert_eq!(host.play(60.0, 60.0), 0);
            host.stall(1.2);
            assert_eq!(host.play(1.2, 0.05), 0, "catches up, minute {minute}");
        }
    }

    #[test]
    fn an_export_is_known_after_a_second_and_until_it_slows_down() {
        let mut host = Host::new();
        host.stall(60.0);
        assert_eq!(host.play(60.0, 20.0), 11_800);
        host.play(10.0, 8.0);
        assert_eq!(host.play(50.0, 40.0), 0);
    }

    #[test]
    fn waiting_cannot_use_up_the_lead() {
        let mut host = Host::new();
        host.play(3.0, 0.5);
        let mut waited_s = 0.0;
        while host.pace.is_faster_than_real_time(host.now) {
            host.stall(0.001);
            waited_s += 0.001;
        }
        assert!((1.4..1.6).contains(&waited_s), "{waited_s} s");
    }
}
