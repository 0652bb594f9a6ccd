//! What the user's corrections say about the rest of the song.
//!
//! A network that takes a kick for a tom once does so again. A lesson is what it said of all
//! drums at a moment that the user corrected, and which drums truly were played there.
//! Another moment of which it says much the same was most likely played the same. This is
//! nearest neighbours in the network's own words, and needs no more than the corrections
//! themselves. Lessons come from outside, or from hits that are given while they last
//! ([`Engine::listen_from`](crate::engine::Engine::listen_from)).

use std::collections::VecDeque;

use super::logit;
use crate::{
    drum::{DRUM_COUNT, Drum},
    front_end::HOP_S,
};

/// Number of things that the corrections say of a hit.
pub const TAUGHT_COUNT: usize = 2;
/// Lessons of each kind that are remembered; the oldest make room.
pub const MOST_LESSONS: usize = 256;
/// Frames of activations that describe a moment, up to one after the hit: all drums of the
/// moment have risen somewhere in them.
const SPAN_FRAMES: usize = 6;
/// Hits of a moment lie within this of it, in seconds.
pub const MOMENT_S: f64 = 0.04;
const MOMENT_FRAMES: u64 = (MOMENT_S / HOP_S).round() as u64;
/// Moments that can wait to be over: one each frame.
const MOST_OPEN: usize = 2 * MOMENT_FRAMES as usize + 2;
/// Further than this from a drum's threshold, on the logistic scale, more says no more.
const MOST_ODDS: f32 = 4.0;
/// Distance at which two moments are somewhat alike.
const REACH: f32 = 2.0;
/// Doubt of what is remembered, in moments.
const DOUBT: f32 = 0.3;

/// Less than this, what lessons say is not worth a word.
const LEAST_LESSON: f32 = 0.4;

/// Distance of every drum's activation from its threshold on the logistic scale, within
/// -4 and 4.
pub type Odds = [f32; DRUM_COUNT];

/// For each drum what lessons say for a hit and against it.
pub type Words = [[f32; TAUGHT_COUNT]; DRUM_COUNT];

/// A moment of which it is known what was played.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lesson {
    /// What the network says of the drums.
    pub odds: Odds,
    /// Which are played.
    pub played: [bool; DRUM_COUNT],
}

#[derive(Debug, Clone, Copy)]
struct Moment {
    frame: u64,
    lesson: Lesson,
}

/// Moments of which it is known what was played. Real-time safe after construction.
#[derive(Debug, Clone)]
pub struct Taught {
    threshold_odds: Odds,
    /// Odds of the last frames, the newest last.
    recent: VecDeque<Odds>,
    /// When each drum was hit last.
    last_hit: [Option<u64>; DRUM_COUNT],
    /// Moments that may still get another hit, in order of time.
    open: VecDeque<Moment>,
    /// Lessons from outside.
    told: Vec<Lesson>,
    /// Lessons from given hits, the oldest first.
    seen: VecDeque<Lesson>,
    /// What they say now, once it was asked for.
    words: Option<Words>,
}

impl Taught {
    /// Knows of no correction yet; `thresholds` are the model's for a certain hit.
    /// Allocates.
    pub fn new(thresholds: &[f32; DRUM_COUNT]) -> Taught {
        Taught {
            threshold_odds: thresholds.map(logit),
            recent: VecDeque::with_capacity(SPAN_FRAMES),
            last_hit: [None; DRUM_COUNT],
            open: VecDeque::with_capacity(MOST_OPEN),
            told: Vec::with_capacity(MOST_LESSONS),
            seen: VecDeque::with_capacity(MOST_LESSONS),
            words: None,
        }
    }

    /// Takes `lessons` in place of those that came from outside before; the last
    /// [`MOST_LESSONS`] count. Real-time safe.
    pub fn tell(&mut self, lessons: impl Iterator<Item = Lesson>) {
        self.told.clear();
        for (index, lesson) in lessons.enumerate() {
            if self.told.len() < MOST_LESSONS {
                self.told.push(lesson);
            } else {
                self.told[index % MOST_LESSONS] = lesson;
            }
        }
        self.words = None;
    }

    /// Forgets everything but the lessons from outside. Real-time safe.
    pub fn forget(&mut self) {
        self.rewind();
        self.seen.clear();
    }

    /// Time begins anew; lessons are still known. Real-time safe.
    pub fn rewind(&mut self) {
        self.recent.clear();
        self.last_hit = [None; DRUM_COUNT];
        self.open.clear();
        self.words = None;
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
            *now = (logit(activation) - threshold).clamp(-MOST_ODDS, MOST_ODDS);
        }
        self.recent.push_back(now);
        self.words = None;
        while let Some(first) = self.open.front().copied()
            && first.frame + MOMENT_FRAMES < frame
        {
            self.open.pop_front();
            if self.seen.len() == MOST_LESSONS {
                self.seen.pop_front();
            }
            self.seen.push_back(first.lesson);
        }
    }

    /// What is played around `frame`, the one before the last, is known from outside: a
    /// lesson, once its hits are over. Real-time safe.
    pub fn moment(&mut self, frame: u64) {
        let is_known = self.open.iter().any(|moment| moment.frame == frame);
        if is_known || self.open.len() == MOST_OPEN {
            return;
        }
        let is_near = |last: u64| last.abs_diff(frame) <= MOMENT_FRAMES;
        self.open.push_back(Moment {
            frame,
            lesson: Lesson {
                odds: self.odds(),
                played: self.last_hit.map(|last| last.is_some_and(is_near)),
            },
        });
    }

    /// `drum` was hit at `frame`. Real-time safe.
    pub fn hit(&mut self, drum: Drum, frame: u64) {
        self.last_hit[drum.index()] = Some(frame);
        for moment in &mut self.open {
            if moment.frame.abs_diff(frame) <= MOMENT_FRAMES {
                moment.lesson.played[drum.index()] = true;
            }
        }
    }

    /// What the lessons say about a hit of `drum` now: for it and against it, 0 to 1 each,
    /// nothing if there is no lesson about a moment like this. Real-time safe.
    pub fn word_on(&mut self, drum: Drum) -> [f32; TAUGHT_COUNT] {
        let words = match self.words {
            Some(words) => words,
            None => self.ask(),
        };
        self.words = Some(words);
        words[drum.index()]
    }

    /// Largest odds of each drum over the last frames. Real-time safe.
    pub fn odds(&self) -> Odds {
        let mut most = [-MOST_ODDS; DRUM_COUNT];
        for odds in &self.recent {
            for (most, odds) in most.iter_mut().zip(odds) {
                *most = most.max(*odds);
            }
        }
        most
    }

    fn ask(&self) -> Words {
        words(&self.odds(), self.told.iter().chain(&self.seen))
    }
}

/// What `lessons` say about a hit of each drum in a moment with these `odds`: for it and
/// against it, 0 to 1 each, nothing if there is no lesson about a moment like this.
/// Real-time safe.
pub fn words<'a>(odds: &Odds, lessons: impl Iterator<Item = &'a Lesson>) -> Words {
    let (mut with, mut all) = ([0.0; DRUM_COUNT], 0.0);
    for lesson in lessons {
        let likeness = likeness(odds, &lesson.odds);
        all += likeness;
        for (with, played) in with.iter_mut().zip(lesson.played) {
            *with += if played { likeness } else { 0.0 };
        }
    }
    with.map(|with| [with, all - with].map(|sum| sum / (all + DOUBT)))
}

/// Whether what lessons say of a drum speaks for a hit or against it, if it is worth a word.
/// Real-time safe.
pub fn lesson_of([with, without]: [f32; TAUGHT_COUNT]) -> Option<bool> {
    (with.max(without) >= LEAST_LESSON).then_some(with > without)
}

/// How much the user's word on a hit would teach, 0 to 1: most if it is just accepted or
/// just refused (`margin` near 0) in a moment unlike the `known` ones. Real-time safe.
pub fn doubt<'a>(odds: &Odds, margin: f32, known: impl Iterator<Item = &'a Odds>) -> f32 {
    let likest = known.map(|known| likeness(odds, known)).fold(0.0, f32::max);
    (-margin.abs()).exp() * (1.0 - likest)
}

/// How alike two moments are, 0 to 1. Real-time safe.
pub fn likeness(a: &Odds, b: &Odds) -> f32 {
    let pairs = a.iter().zip(b);
    let square: f32 = pairs.map(|(a, b)| (a - b) * (a - b)).sum();
    (-0.5 * square / (REACH * REACH)).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KICK: f32 = 0.9;
    const DOUBTFUL: f32 = 0.6;

    /// Twenty frames from `start` on with one moment of kick and doubtful tom in them, of
    /// which the kick is played; what is said of the tom, and the moment's odds.
    fn play(
        taught: &mut Taught,
        start: u64,
        tom: f32,
        is_lesson: bool,
    ) -> ([f32; TAUGHT_COUNT], Odds) {
        let mut said = Default::default();
        for frame in start..start + 20 {
            let mut activations = [0.01; DRUM_COUNT];
            if frame == start + 8 {
                activations[Drum::Kick.index()] = KICK;
                activations[Drum::MidTom.index()] = tom;
            }
            taught.step(frame, &activations);
            if frame == start + 9 {
                if is_lesson {
                    taught.moment(start + 8);
                }
                said = (taught.word_on(Drum::MidTom), taught.odds());
                taught.hit(Drum::Kick, start + 8);
            }
        }
        said
    }

    fn taught() -> Taught {
        Taught::new(&[0.5; DRUM_COUNT])
    }

    fn kick_alone(odds: Odds) -> Lesson {
        let mut played = [false; DRUM_COUNT];
        played[Drum::Kick.index()] = true;
        Lesson { odds, played }
    }

    #[test]
    fn what_was_given_speaks_against_the_same_mistake() {
        let mut taught = taught();
        assert_eq!(play(&mut taught, 0, DOUBTFUL, true).0, [0.0, 0.0]);
        let again = play(&mut taught, 100, DOUBTFUL, false).0;
        assert!(again[0] == 0.0 && again[1] > 0.7, "{again:?}");
        let surer = play(&mut taught, 200, 0.99, false).0;
        assert!(
            surer[1] < 0.6 * again[1],
            "another kind of moment: {surer:?}"
        );
    }

    #[test]
    fn lessons_speak_for_what_was_played_and_against_what_was_not() {
        let mut taught = taught();
        let odds = play(&mut taught, 0, DOUBTFUL, false).1;
        assert_eq!(play(&mut taught, 100, DOUBTFUL, false).0, [0.0, 0.0]);
        taught.tell([kick_alone(odds)].into_iter());
        assert!(play(&mut taught, 200, DOUBTFUL, false).0[1] > 0.7);
        taught.step(300, &[0.01; DRUM_COUNT]);
        let mut activations = [0.01; DRUM_COUNT];
        activations[Drum::Kick.index()] = KICK;
        activations[Drum::MidTom.index()] = DOUBTFUL;
        taught.step(301, &activations);
        let kick = taught.word_on(Drum::Kick);
        assert!(kick[0] > 0.7 && kick[1] == 0.0);
        // Taken back.
        taught.tell([].into_iter());
        assert_eq!(play(&mut taught, 400, DOUBTFUL, false).0, [0.0, 0.0]);
    }

    #[test]
    fn a_reset_forgets_what_was_given_but_not_lessons() {
        let mut taught = taught();
        let odds = play(&mut taught, 100, DOUBTFUL, true).1;
        taught.rewind();
        assert!(play(&mut taught, 0, DOUBTFUL, false).0[1] > 0.7);
        taught.forget();
        assert_eq!(play(&mut taught, 0, DOUBTFUL, false).0, [0.0, 0.0]);
        taught.tell([kick_alone(odds)].into_iter());
        taught.forget();
        assert!(play(&mut taught, 0, DOUBTFUL, false).0[1] > 0.7);
    }

    #[test]
    fn a_lesson_is_worth_a_word_if_it_was_heard_well() {
        assert_eq!(lesson_of([0.2, 0.3]), None);
        assert_eq!(lesson_of([0.7, 0.1]), Some(true));
        assert_eq!(lesson_of([0.0, 0.5]), Some(false));
    }

    #[test]
    fn one_asks_about_what_is_in_doubt_and_not_known_yet() {
        let (a, b) = ([1.0; DRUM_COUNT], [-3.0; DRUM_COUNT]);
        let none = || [].iter();
        assert!(doubt(&a, 0.1, none()) > doubt(&a, 2.0, none()));
        assert!(doubt(&a, -0.1, none()) > doubt(&a, 2.0, none()));
        assert!(doubt(&a, 0.1, [a].iter()) < 0.01);
        assert!(doubt(&a, 0.1, [b].iter()) > 0.8);
    }

    #[test]
    fn the_oldest_make_room_and_nothing_grows() {
        let mut taught = taught();
        let capacities = |taught: &Taught| {
            let deques = [taught.open.capacity(), taught.seen.capacity()];
            [deques[0], deques[1], taught.told.capacity()]
        };
        let before = capacities(&taught);
        for n in 0..2 * MOST_LESSONS as u64 {
            play(&mut taught, 20 * n, DOUBTFUL, true);
        }
        assert_eq!(taught.seen.len(), MOST_LESSONS);
        for frame in 0..3 * MOST_OPEN as u64 {
            taught.moment(1_000_000 + frame);
        }
        let lesson = |n: usize| kick_alone([n as f32; DRUM_COUNT]);
        taught.tell((0..MOST_LESSONS + 3).map(lesson));
        assert_eq!(taught.told.len(), MOST_LESSONS);
        assert!(taught.told.contains(&lesson(MOST_LESSONS + 2)));
        assert!(!taught.told.contains(&lesson(2)));
        assert_eq!(capacities(&taught), before);
    }
}
