//! What hits teach: the part of each drum that was not predicted, under its last hit.

use super::{place::Place, sound::Sound, voice::Predicted};
use crate::drum::DRUM_COUNT;

/// Hops of surplus that are kept: what is learnt ends in the last but one.
const SURPLUS_HOPS: usize = 3;

/// A hit whose sound is being learnt.
#[derive(Debug, Clone, Copy)]
pub struct Lesson {
    sound: usize,
    place: Place,
    gain: f32,
    weight: f32,
    part: usize,
}

impl Lesson {
    /// Sound number `sound` of the drum begins at `place` with this gain; the hit counts
    /// by `weight`.
    pub fn new(sound: usize, place: Place, gain: f32, weight: f32) -> Lesson {
        Lesson {
            sound,
            place,
            gain,
            weight,
            part: 0,
        }
    }
}

/// The lessons of all drums. Real-time safe after construction.
#[derive(Debug)]
pub struct Lessons {
    hop: usize,
    lessons: [Option<Lesson>; DRUM_COUNT],
    /// Per drum, channel and hop: what the last hops have more than was predicted.
    surplus: Vec<[Vec<Vec<f32>>; 2]>,
    room: Vec<f32>,
}

impl Lessons {
    /// None at first. Allocates.
    pub fn new(hop: usize) -> Lessons {
        let surplus = || [(); 2].map(|()| vec![vec![0.0; hop]; SURPLUS_HOPS]);
        Lessons {
            hop,
            lessons: [None; DRUM_COUNT],
            surplus: (0..DRUM_COUNT).map(|_| surplus()).collect(),
            room: vec![0.0; hop],
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.lessons = [None; DRUM_COUNT];
        for surplus in self.surplus.iter_mut().flatten().flatten() {
            surplus.fill(0.0);
        }
    }

    /// The sound of a drum whose first `samples` samples are being learnt.
    pub fn sound(&self, drum: usize, samples: usize) -> Option<usize> {
        let lesson = self.lessons[drum].filter(|lesson| lesson.part * self.hop < samples);
        lesson.map(|lesson| lesson.sound)
    }

    /// A hit of a drum ends the lesson of the one before.
    pub fn begin(&mut self, drum: usize, lesson: Lesson) {
        self.lessons[drum] = Some(lesson);
    }

    /// Ends the lesson of a drum.
    pub fn end(&mut self, drum: usize) {
        self.lessons[drum] = None;
    }

    /// Ends the lesson of a drum if its hit began before sample `start`.
    pub fn end_before(&mut self, drum: usize, start: i64) {
        self.lessons[drum].take_if(|lesson| lesson.place.whole() < start);
    }

    /// Takes the finished hop of all drums, which begins where `predicted` does.
    pub fn hear<const SOUNDS: usize>(
        &mut self,
        stems: &[[Vec<f32>; 2]],
        predicted: &Predicted,
        sounds: &mut [[Sound; SOUNDS]],
    ) {
        let hop = self.hop;
        let end = predicted.start + hop as i64;
        let first = end - (SURPLUS_HOPS * hop) as i64;
        for (drum, stems) in stems.iter().enumerate() {
            for (channel, stem) in stems.iter().enumerate() {
                let surplus = &mut self.surplus[drum][channel];
                surplus.rotate_left(1);
                let new = surplus[SURPLUS_HOPS - 1].iter_mut();
                let predicted = predicted.signal(drum, channel);
                for ((new, stem), predicted) in new.zip(stem).zip(predicted) {
                    *new = stem - predicted;
                }
            }
            let Some(lesson) = &mut self.lessons[drum] else {
                continue;
            };
            while lesson.place.span((lesson.part + 1) * hop).end <= end {
                sounds[drum][lesson.sound].learn(
                    lesson.part,
                    (lesson.gain, lesson.weight),
                    &lesson.place,
                    &self.surplus[drum],
                    first,
                    &mut self.room,
                );
                lesson.part += 1;
            }
        }
    }
}
