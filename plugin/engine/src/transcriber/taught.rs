//! What the user's corrections say about the rest of the song.
//!
//! A network that takes a kick for a tom once does so again: where a hit was corrected, the
//! activations of all drums at that moment are remembered, with the drums that were played
//! as the user knows them. A later moment whose activations are alike was most likely
//! played alike. This is nearest neighbours in the network's own words, and needs no more
//! than the corrections themselves.

use std::collections::VecDeque;

use crate::drum::{DRUM_COUNT, Drum};

/// Number of things that the corrections say of a hit.
pub const TAUGHT_COUNT: usize = 2;
/// Moments that are remembered; the oldest make room.
const MOST_MOMENTS: usize = 256;
/// Frames of activations that describe a moment, up to one after the hit: all drums of the
/// moment have risen somewhere in them.
const SPAN_FRAMES: usize = 6;
/// Hits of a moment lie within this of it: 40 ms.
const MOMENT_FRAMES: u64 = 7;
/// Moments that can wait to be over: one each frame.
const MOST_OPEN: usize = 2 * MOMENT_FRAMES as usize + 2;
/// Further than this from a drum's threshold, on the logistic scale, more says no more.
const MOST_ODDS: f32 = 4.0;
/// Distance at which two moments are somewhat alike.
const REACH: f32 = 2.0;
/// Doubt of what is remembered, in moments.
const DOUBT: f32 = 0.3;
/// Nearer to 0 or 1 a probability means nothing.
const LEAST_DOUBT: f32 = 1e-4;

/// Distance of every drum's activation from its threshold on the logistic scale.
type Odds = [f32; DRUM_COUNT];
/// One bit per drum.
type DrumSet = u16;

#[derive(Debug, Clone, Copy)]
struct Moment {
    frame: u64,
    odds: Odds,
    played: DrumSet,
    is_corrected: bool,
}

/// Moments that the user has corrected. Real-time safe after construction.
#[derive(Debug, Clone)]
pub struct Taught {
    threshold_odds: Odds,
    /// Odds of the last frames, the newest last.
    recent: VecDeque<(u64, Odds)>,
    /// When each drum was hit last.
    last_hit: [Option<u64>; DRUM_COUNT],
    /// Moments that may still be corrected or get another hit, in order of time.
    open: VecDeque<Moment>,
    known: VecDeque<Moment>,
}

fn odds(probability: f32) -> f32 {
    let probability = probability.clamp(LEAST_DOUBT, 1.0 - LEAST_DOUBT);
    (probability / (1.0 - probability)).ln()
}

impl Taught {
    /// Knows of no correction yet; `thresholds` are the model's for a certain hit.
    /// Allocates.
    pub fn new(thresholds: &[f32; DRUM_COUNT]) -> Taught {
        Taught {
            threshold_odds: thresholds.map(odds),
            recent: VecDeque::with_capacity(SPAN_FRAMES),
            last_hit: [None; DRUM_COUNT],
            open: VecDeque::with_capacity(MOST_OPEN),
            known: VecDeque::with_capacity(MOST_MOMENTS),
        }
    }

    /// Forgets everything. Real-time safe.
    pub fn forget(&mut self) {
        self.rewind();
        self.known.clear();
    }

    /// Time begins anew; what was corrected is still known. Real-time safe.
    pub fn rewind(&mut self) {
        self.recent.clear();
        self.last_hit = [None; DRUM_COUNT];
        self.open.clear();
    }

    /// Takes the network's activations of `frame`; frames come in order. Real-time safe.
    pub fn step(&mut self, frame: u64, activations: &[f32]) {
        if self.recent.len() == SPAN_FRAMES {
            self.recent.pop_front();
        }
        let mut now = [-MOST_ODDS; DRUM_COUNT];
        for ((now, &activation), threshold) in
            now.iter_mut().zip(activations).zip(self.threshold_odds)
        {
            *now = (odds(activation) - threshold).clamp(-MOST_ODDS, MOST_ODDS);
        }
        self.recent.push_back((frame, now));
        while let Some(first) = self.open.front().copied()
            && first.frame + MOMENT_FRAMES < frame
        {
            self.open.pop_front();
            if first.is_corrected {
                if self.known.len() == MOST_MOMENTS {
                    self.known.pop_front();
                }
                self.known.push_back(first);
            }
        }
    }

    /// Something was decided at `frame`, at most a few frames ago. Real-time safe.
    pub fn moment(&mut self, frame: u64) {
        let is_known = self.open.iter().any(|moment| moment.frame == frame);
        if is_known || self.open.len() == MOST_OPEN {
            return;
        }
        let mut moment = Moment {
            frame,
            odds: self.odds_now(),
            played: 0,
            is_corrected: false,
        };
        for drum in Drum::ALL {
            let last = self.last_hit[drum.index()];
            if last.is_some_and(|last| last.abs_diff(frame) <= MOMENT_FRAMES) {
                moment.played |= 1 << drum.index();
            }
        }
        self.open.push_back(moment);
    }

    /// `drum` was hit at `frame`. Real-time safe.
    pub fn hit(&mut self, drum: Drum, frame: u64) {
        self.last_hit[drum.index()] = Some(frame);
        for moment in self.near(frame) {
            moment.played |= 1 << drum.index();
        }
    }

    /// The user has corrected something at `frame`, at most a few frames ago. Real-time
    /// safe.
    pub fn correct(&mut self, frame: u64) {
        self.moment(frame);
        for moment in self.near(frame) {
            moment.is_corrected = true;
        }
    }

    /// What the corrections say about a hit of `drum` now: for it and against it, 0 to 1
    /// each, nothing if no moment like this one was corrected. Real-time safe.
    pub fn word_on(&self, drum: Drum) -> [f32; TAUGHT_COUNT] {
        let now = self.odds_now();
        let (mut with, mut without) = (0.0, 0.0);
        for moment in &self.known {
            let pairs = now.iter().zip(&moment.odds);
            let square: f32 = pairs.map(|(a, b)| (a - b) * (a - b)).sum();
            let likeness = (-0.5 * square / (REACH * REACH)).exp();
            if moment.played >> drum.index() & 1 == 1 {
                with += likeness;
            } else {
                without += likeness;
            }
        }
        let all = with + without + DOUBT;
        [with / all, without / all]
    }

    /// Largest odds of each drum over the last frames.
    fn odds_now(&self) -> Odds {
        let mut most = [-MOST_ODDS; DRUM_COUNT];
        for (_, odds) in &self.recent {
            for (most, odds) in most.iter_mut().zip(odds) {
                *most = most.max(*odds);
            }
        }
        most
    }

    fn near(&mut self, frame: u64) -> impl Iterator<Item = &mut Moment> {
        let moments = self.open.iter_mut();
        moments.filter(move |moment| moment.frame.abs_diff(frame) <= MOMENT_FRAMES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KICK: f32 = 0.9;
    const DOUBTFUL: f32 = 0.6;

    /// Twenty frames from `start` on with one moment of kick and doubtful tom in them.
    fn play(taught: &mut Taught, start: u64, tom: f32, correct: bool) -> [f32; TAUGHT_COUNT] {
        let mut word = [0.0; TAUGHT_COUNT];
        for frame in start..start + 20 {
            let mut activations = [0.01; DRUM_COUNT];
            if frame == start + 8 {
                activations[Drum::Kick.index()] = KICK;
                activations[Drum::MidTom.index()] = tom;
            }
            taught.step(frame, &activations);
            if frame == start + 9 {
                taught.moment(start + 8);
                word = taught.word_on(Drum::MidTom);
                taught.hit(Drum::Kick, start + 8);
                if correct {
                    taught.correct(start + 8);
                }
            }
        }
        word
    }

    fn taught() -> Taught {
        Taught::new(&[0.5; DRUM_COUNT])
    }

    #[test]
    fn what_was_corrected_speaks_against_the_same_mistake() {
        let mut taught = taught();
        assert_eq!(play(&mut taught, 0, DOUBTFUL, true), [0.0, 0.0]);
        let again = play(&mut taught, 100, DOUBTFUL, false);
        assert!(again[0] == 0.0 && again[1] > 0.7, "{again:?}");
        let surer = play(&mut taught, 200, 0.99, false);
        assert!(surer[1] < 0.3, "another kind of moment: {surer:?}");
        // The kick itself was right.
        let kick = taught.word_on(Drum::Kick);
        assert!(kick[0] >= kick[1]);
    }

    #[test]
    fn what_nobody_corrected_says_nothing() {
        let mut taught = taught();
        play(&mut taught, 0, DOUBTFUL, false);
        assert_eq!(play(&mut taught, 100, DOUBTFUL, false), [0.0, 0.0]);
    }

    #[test]
    fn time_may_begin_anew_but_a_reset_forgets() {
        let mut taught = taught();
        play(&mut taught, 100, DOUBTFUL, true);
        taught.rewind();
        assert!(play(&mut taught, 0, DOUBTFUL, false)[1] > 0.7);
        taught.forget();
        assert_eq!(play(&mut taught, 0, DOUBTFUL, false), [0.0, 0.0]);
    }

    #[test]
    fn a_correction_where_nothing_was_decided_counts_too() {
        let mut taught = taught();
        for frame in 0..20 {
            let mut activations = [0.01; DRUM_COUNT];
            activations[Drum::Ride.index()] = if frame == 8 { 0.4 } else { 0.01 };
            taught.step(frame, &activations);
            if frame == 9 {
                taught.correct(9);
            }
        }
        let mut activations = [0.01; DRUM_COUNT];
        activations[Drum::Ride.index()] = 0.4;
        taught.step(40, &activations);
        assert!(taught.word_on(Drum::Ride)[1] > 0.7);
    }

    #[test]
    fn the_oldest_make_room_and_nothing_grows() {
        let mut taught = taught();
        let capacities = |taught: &Taught| {
            let deques = [&taught.open, &taught.known];
            deques.map(VecDeque::capacity)
        };
        let before = capacities(&taught);
        for n in 0..2 * MOST_MOMENTS as u64 {
            play(&mut taught, 20 * n, DOUBTFUL, true);
        }
        assert_eq!(taught.known.len(), MOST_MOMENTS);
        for frame in 0..3 * MOST_OPEN as u64 {
            taught.correct(1_000_000 + frame);
        }
        assert_eq!(capacities(&taught), before);
    }
}
