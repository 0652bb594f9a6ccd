//! Where in the song the audio is, as far as the host tells.

use std::ops::Range;

use idm_engine::midi_file::TimeSignature;

/// Difference from the expected place of the song that is a host's rounding and not a
/// jump, in samples.
const ROUNDING_SAMPLES: i64 = 64;

/// Jumps within the longest latency that are remembered. A host that plays at another
/// speed jumps a little with every block or two.
const JUMPS: usize = 64;

/// A hit so long before a jump belongs to what follows: played a little early, or found so.
pub const EARLY_S: f64 = 0.01;

/// What the host says of the song's beats at a place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tempo {
    /// Quarter notes from the beginning of the song.
    pub beat: Option<f64>,
    /// Quarter notes per minute.
    pub bpm: f64,
    /// How beats make bars.
    pub signature: Option<TimeSignature>,
}

/// The beats at a place in the song.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TempoPoint {
    /// From the beginning of the song, in seconds.
    pub song_s: f64,
    /// What the host said there.
    pub tempo: Tempo,
}

/// From here on the song goes on without a jump.
#[derive(Debug, Clone, Copy, Default)]
struct Stretch {
    /// Sample of the engine's input since its reset.
    heard: u64,
    /// Sample of the song; none while the transport stands.
    song: Option<i64>,
}

/// The part of the song that a block brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passage {
    /// Its samples.
    pub song: Range<i64>,
    /// Whether the song was somewhere else before, or stood.
    pub follows_jump: bool,
}

/// Relates samples of the engine's input to samples of the song. Real-time safe
/// throughout.
#[derive(Debug)]
pub struct SongClock {
    sample_rate_hz: f64,
    /// A ring; the newest is the one before `count`.
    stretches: [Stretch; JUMPS],
    count: usize,
    /// Sample of the song that comes next if nothing jumps.
    expected: Option<i64>,
}

impl SongClock {
    /// A clock that has heard nothing.
    pub fn new(sample_rate_hz: f64) -> Self {
        Self {
            sample_rate_hz,
            stretches: [Stretch::default(); JUMPS],
            count: 0,
            expected: None,
        }
    }

    /// Forgets the song, as the engine forgets its input.
    pub fn reset(&mut self) {
        *self = Self::new(self.sample_rate_hz);
    }

    /// Takes the place in the song of a block of `samples` samples, the first of which
    /// is sample `heard` of the engine's input. Answers which part of the song is new
    /// with it. A block without samples brings nothing and is passed over: the next one begins
    /// at the same place, and may be the one after a jump.
    pub fn block(&mut self, heard: u64, song: Option<i64>, samples: usize) -> Option<Passage> {
        if samples == 0 {
            return None;
        }
        let goes_on = match (song, self.expected) {
            // A host that plays at another speed is off by a part of every block.
            (Some(song), Some(expected)) => {
                (song - expected).abs() <= ROUNDING_SAMPLES.max(samples as i64 * 6 / 10)
            }
            (None, None) => self.count > 0,
            _ => false,
        };
        // Small differences that add up: the host plays at another speed.
        let has_drifted = match (song, self.song_at(heard)) {
            (Some(song), Some(place)) => (song - place).abs() > ROUNDING_SAMPLES,
            _ => false,
        };
        if !goes_on || has_drifted {
            self.stretches[self.count % JUMPS] = Stretch { heard, song };
            self.count += 1;
        }
        let first = match (goes_on, self.expected) {
            (true, Some(expected)) => Some(expected),
            _ => song,
        };
        let next = song.map(|song| (song + samples as i64).max(first.unwrap_or(song)));
        self.expected = next;
        Some(Passage {
            song: first?..next?,
            follows_jump: !goes_on,
        })
    }

    /// Sample of the song that was sample `heard` of the engine's input.
    pub fn song_at(&self, heard: u64) -> Option<i64> {
        let stretch = self.stretch_at(heard)?;
        Some(stretch.song? + (heard - stretch.heard) as i64)
    }

    /// Sample of the song from which on it was heard without a jump up to sample `heard` of
    /// the engine's input.
    pub fn begin_of(&self, heard: u64) -> Option<i64> {
        self.stretch_at(heard)?.song
    }

    /// Sample of the song at which a hit was heard. One just before the beginning of a
    /// loop is the first of the loop, not the last.
    pub fn song_of_hit(&self, heard: u64) -> Option<i64> {
        let early_samples = (EARLY_S * self.sample_rate_hz) as u64;
        let next = self.stretch_at(heard + early_samples)?;
        match next.song {
            Some(song) if next.heard > heard => Some(song - (next.heard - heard) as i64),
            _ => self.song_at(heard),
        }
    }

    fn stretch_at(&self, heard: u64) -> Option<Stretch> {
        let known = self.count.min(JUMPS);
        let mut newest_first =
            (0..known).map(|back| self.stretches[(self.count - 1 - back) % JUMPS]);
        newest_first.find(|stretch| stretch.heard <= heard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: f64 = 44_100.0;

    #[test]
    fn every_sample_of_the_song_comes_once() {
        let mut clock = SongClock::new(RATE_HZ);
        let goes_on = |song| {
            Some(Passage {
                song,
                follows_jump: false,
            })
        };
        let jumps = |song| {
            Some(Passage {
                song,
                follows_jump: true,
            })
        };
        assert_eq!(clock.block(0, None, 100), None);
        assert_eq!(clock.block(100, Some(5_000), 64), jumps(5_000..5_064));
        // The host's rounding neither skips nor repeats anything.
        assert_eq!(clock.block(164, Some(5_065), 64), goes_on(5_064..5_129));
        assert_eq!(clock.block(228, Some(5_127), 64), goes_on(5_129..5_191));
        // A loop.
        assert_eq!(clock.block(292, Some(1_000), 64), jumps(1_000..1_064));
        assert_eq!(clock.block(356, None, 64), None);
        // Some hosts send blocks without samples, only to set parameters.
        assert_eq!(clock.block(420, Some(7_000), 0), None);
        assert_eq!(clock.block(420, Some(7_000), 64), jumps(7_000..7_064));
    }

    #[test]
    fn what_was_heard_before_a_jump_keeps_its_place() {
        let mut clock = SongClock::new(RATE_HZ);
        clock.block(0, Some(10), 100);
        clock.block(100, Some(9_000), 100);
        clock.block(200, None, 100);
        assert_eq!(clock.song_at(99), Some(109));
        assert_eq!(clock.song_at(150), Some(9_050));
        assert_eq!(
            [99, 150, 250].map(|n| clock.begin_of(n)),
            [Some(10), Some(9_000), None]
        );
        assert_eq!(clock.song_at(250), None);
        clock.reset();
        assert_eq!(clock.song_at(0), None);
        // More jumps than are remembered: the oldest are unknown, nothing fails.
        for n in 0..100 {
            clock.block(n * 10, Some(n as i64 * 1_000), 10);
        }
        assert_eq!(clock.song_at(995), Some(99_005));
        assert_eq!(clock.song_at(0), None);
    }

    #[test]
    fn a_hit_just_before_the_loop_begins_is_its_first() {
        let mut clock = SongClock::new(RATE_HZ);
        clock.block(0, Some(50_000), 10_000);
        clock.block(10_000, Some(20_000), 10_000);
        assert_eq!(clock.song_of_hit(9_900), Some(19_900));
        assert_eq!(clock.song_of_hit(9_000), Some(59_000));
        assert_eq!(clock.song_of_hit(10_050), Some(20_050));
        // The last hit before the transport stops stays where it was.
        clock.block(20_000, None, 10_000);
        assert_eq!(clock.song_of_hit(19_900), Some(29_900));
        assert_eq!(clock.song_of_hit(25_000), None);
    }

    #[test]
    fn every_place_comes_once_whatever_the_speed() {
        for (speed, samples) in [
            (0.5, 256),
            (0.8, 512),
            (0.9, 1024),
            (1.5, 512),
            (0.97, 4096),
        ] {
            let mut clock = SongClock::new(RATE_HZ);
            let mut last = None;
            for block in 0..400_u64 {
                let heard = block * samples;
                let song = (heard as f64 * speed) as i64;
                let passage = clock.block(heard, Some(song), samples as usize);
                let passage = passage.expect("a part of the song");
                assert_eq!(
                    passage.follows_jump,
                    block == 0,
                    "{speed} {samples} {block}"
                );
                if let Some(last) = last {
                    assert_eq!(passage.song.start, last);
                }
                last = Some(passage.song.end);
            }
        }
    }

    #[test]
    fn a_host_at_another_speed_does_not_leave_the_place_behind() {
        let mut clock = SongClock::new(RATE_HZ);
        let place = |heard: u64| (heard as f64 * 0.9) as i64;
        for block in 0..1_000 {
            let heard = block * 512;
            clock.block(heard, Some(place(heard)), 512);
            // As long ago as the longest latency.
            let sample = heard.saturating_sub(8_000);
            let error = clock.song_at(sample).expect("known") - place(sample);
            assert!(error.abs() <= 128, "{error} samples after {block} blocks");
        }
    }
}
