//! Where in the song the audio is, as far as the host tells.

use std::ops::Range;

use idm_engine::midi_file::TimeSignature;

/// Difference from the expected place of the song that is a host's rounding and not a
/// jump, in samples.
const ROUNDING_SAMPLES: i64 = 64;

/// Jumps within the longest latency that are remembered.
const JUMPS: usize = 16;

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

/// Relates samples of the engine's input to samples of the song. Real-time safe
/// throughout.
#[derive(Debug, Default)]
pub struct SongClock {
    /// A ring; the newest is the one before `count`.
    stretches: [Stretch; JUMPS],
    count: usize,
    /// Sample of the song that comes next if nothing jumps.
    expected: Option<i64>,
}

impl SongClock {
    /// Forgets the song, as the engine forgets its input.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Takes the place in the song of a block of `samples` samples, the first of which
    /// is sample `heard` of the engine's input. Answers which stretch of the song is new
    /// with it.
    pub fn block(&mut self, heard: u64, song: Option<i64>, samples: usize) -> Option<Range<i64>> {
        let goes_on = match (song, self.expected) {
            (Some(song), Some(expected)) => (song - expected).abs() <= ROUNDING_SAMPLES,
            (None, None) => self.count > 0,
            _ => false,
        };
        if !goes_on {
            self.stretches[self.count % JUMPS] = Stretch { heard, song };
            self.count += 1;
        }
        let first = match (goes_on, self.expected) {
            (true, Some(expected)) => Some(expected),
            _ => song,
        };
        let next = song.map(|song| (song + samples as i64).max(first.unwrap_or(song)));
        self.expected = next;
        Some(first?..next?)
    }

    /// Sample of the song that was sample `heard` of the engine's input.
    pub fn song_at(&self, heard: u64) -> Option<i64> {
        let known = self.count.min(JUMPS);
        let newest_first = (0..known).map(|back| self.stretches[(self.count - 1 - back) % JUMPS]);
        let mut within = newest_first.skip_while(|stretch| stretch.heard > heard);
        let stretch = within.next()?;
        Some(stretch.song? + (heard - stretch.heard) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_of_the_song_comes_once() {
        let mut clock = SongClock::default();
        assert_eq!(clock.block(0, None, 100), None);
        assert_eq!(clock.block(100, Some(5_000), 64), Some(5_000..5_064));
        // The host's rounding neither skips nor repeats anything.
        assert_eq!(clock.block(164, Some(5_065), 64), Some(5_064..5_129));
        assert_eq!(clock.block(228, Some(5_127), 64), Some(5_129..5_191));
        // A loop.
        assert_eq!(clock.block(292, Some(1_000), 64), Some(1_000..1_064));
        assert_eq!(clock.block(356, None, 64), None);
    }

    #[test]
    fn what_was_heard_before_a_jump_keeps_its_place() {
        let mut clock = SongClock::default();
        clock.block(0, Some(10), 100);
        clock.block(100, Some(9_000), 100);
        clock.block(200, None, 100);
        assert_eq!(clock.song_at(99), Some(109));
        assert_eq!(clock.song_at(150), Some(9_050));
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
}
