//! Hits that the user has taken away by hand while the engine goes on listening.

use std::collections::VecDeque;

use crate::{
    drum::{DRUM_COUNT, Drum},
    front_end::Framing,
};

/// Removals that can wait for their frame.
const CAPACITY: usize = 1024;
/// An activation may rise so many frames before the frame nearest to the onset that
/// was shown for it, or so many after it.
const BEFORE_FRAMES: u64 = 4;
const AFTER_FRAMES: u64 = 3;
/// How long a drum stays closed after a hit was taken from it, unless it is hit again:
/// most of a cymbal's tail.
const CLOSED_S: f64 = 2.0;

#[derive(Debug, Clone, Copy)]
struct Removal {
    frame: u64,
    drum: Drum,
    closes: bool,
}

/// Where drums have no hits, whatever the network hears. Real-time safe after
/// construction.
#[derive(Debug)]
pub struct RemovedHits {
    framing: Framing,
    closed_frames: u64,
    waiting: VecDeque<Removal>,
    /// First frame after which each drum is open again.
    closed_until: [u64; DRUM_COUNT],
}

impl RemovedHits {
    /// None yet. Allocates.
    pub fn new(framing: Framing) -> RemovedHits {
        let hop_s = framing.hop_samples as f64 / framing.sample_rate_hz;
        RemovedHits {
            framing,
            closed_frames: (CLOSED_S / hop_s) as u64,
            waiting: VecDeque::with_capacity(CAPACITY),
            closed_until: [0; DRUM_COUNT],
        }
    }

    /// Takes away what `drum` is heard to play around `onset_sample`; false if too many
    /// wait. With `closes` the drum then gets only
    /// what its earlier hits explain, until it is hit again. Real-time safe.
    pub fn remove(&mut self, onset_sample: u64, drum: Drum, closes: bool) -> bool {
        let has_room = self.waiting.len() < CAPACITY;
        if has_room {
            let frame = self.framing.frame_at(onset_sample);
            let place = self.waiting.partition_point(|other| other.frame <= frame);
            let removal = Removal {
                frame,
                drum,
                closes,
            };
            self.waiting.insert(place, removal);
        }
        has_room
    }

    /// Forgets everything. Real-time safe.
    pub fn clear(&mut self) {
        self.waiting.clear();
        self.closed_until = [0; DRUM_COUNT];
    }

    /// The drums that have no hit in `frame`; frames come in order. Real-time safe.
    pub fn step(&mut self, frame: u64) -> [bool; DRUM_COUNT] {
        self.miss(frame);
        let mut removed = [false; DRUM_COUNT];
        for removal in &self.waiting {
            if removal.frame > frame + BEFORE_FRAMES {
                break;
            }
            let class = removal.drum.index();
            removed[class] = true;
            if removal.closes {
                self.closed_until[class] = removal.frame + self.closed_frames;
            }
        }
        removed
    }

    /// Drops what is too late for `frame`. Real-time safe.
    pub fn miss(&mut self, frame: u64) {
        while let Some(first) = self.waiting.front()
            && first.frame + AFTER_FRAMES < frame
        {
            self.waiting.pop_front();
        }
    }

    /// Says that `drum` was hit in `frame`. Real-time safe.
    pub fn hit(&mut self, drum: Drum, frame: u64) {
        let is_removed = |removal: &Removal| {
            removal.drum == drum && frame <= removal.frame + AFTER_FRAMES && removal.closes
        };
        // A hit from before the removal is no reason to open the drum.
        if !self.waiting.iter().any(is_removed) {
            self.closed_until[drum.index()] = 0;
        }
    }

    /// The drums that get only what their earlier hits explain in `frame`. Real-time
    /// safe.
    pub fn closed(&self, frame: u64) -> [bool; DRUM_COUNT] {
        self.closed_until.map(|until| frame < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIDE: usize = 8;

    fn removed() -> (RemovedHits, u64) {
        let framing = Framing::for_rate(44_100.0).unwrap();
        let mut removed = RemovedHits::new(framing);
        assert!(removed.remove(30_000, Drum::Ride, true));
        (removed, framing.frame_at(30_000))
    }

    #[test]
    fn a_drum_is_silent_around_its_removed_hit_and_closed_after_it() {
        let (mut removed, at) = removed();
        let silent: Vec<u64> = (0..300).filter(|&n| removed.step(n)[RIDE]).collect();
        assert_eq!(
            silent,
            (at - BEFORE_FRAMES..=at + AFTER_FRAMES).collect::<Vec<_>>()
        );
        assert!(removed.closed(at + 100)[RIDE] && !removed.closed(at + 100)[0]);
        assert!(!removed.closed(at + 400)[RIDE]);
    }

    #[test]
    fn the_next_hit_opens_it_again_an_earlier_one_does_not() {
        let (mut removed, at) = removed();
        for frame in 0..=at {
            removed.step(frame);
        }
        removed.hit(Drum::Ride, at - 10);
        assert!(removed.closed(at)[RIDE]);
        for frame in at + 1..at + 20 {
            removed.step(frame);
        }
        removed.hit(Drum::Snare, at + 19);
        assert!(removed.closed(at + 20)[RIDE]);
        removed.hit(Drum::Ride, at + 19);
        assert!(!removed.closed(at + 20)[RIDE]);
    }

    #[test]
    fn a_flood_is_refused_not_grown() {
        let (mut removed, _) = removed();
        let capacity = removed.waiting.capacity();
        let taken = (0..2 * CAPACITY as u64).filter(|n| removed.remove(*n, Drum::Kick, false));
        assert_eq!(taken.count(), CAPACITY - 1);
        assert_eq!(removed.waiting.capacity(), capacity);
        removed.clear();
        assert!(removed.remove(0, Drum::Kick, false));
    }
}
