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
    /// Frame of the last step.
    frame: u64,
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
            frame: 0,
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
        self.frame = 0;
        self.closed_until = [0; DRUM_COUNT];
    }

    /// The drums that have no hit in `frame`; frames come in order. Real-time safe.
    pub fn step(&mut self, frame: u64) -> [bool; DRUM_COUNT] {
        self.miss(frame);
        self.frame = frame;
        let mut removed = [false; DRUM_COUNT];
        let mut closed_until = self.closed_until;
        for removal in self.present() {
            let class = removal.drum.index();
            removed[class] = true;
            if removal.closes {
                closed_until[class] = removal.frame + self.closed_frames;
            }
        }
        self.closed_until = closed_until;
        removed
    }

    /// The removals that are in effect since the last step: how many more are known of
    /// depends on the host's blocks.
    fn present(&self) -> impl Iterator<Item = &Removal> {
        let last = self.frame + BEFORE_FRAMES;
        let waiting = self.waiting.iter();
        waiting.take_while(move |removal| removal.frame <= last)
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
        if !self.present().any(is_removed) {
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
    fn a_hit_between_two_removals_opens_it_whether_or_not_the_later_one_is_known_of() {
        let hop = Framing::for_rate(44_100.0).unwrap().hop_samples as u64;
        let open = |is_known: bool| {
            let (mut removed, at) = removed();
            let later = 30_000 + 24 * hop;
            if is_known {
                assert!(removed.remove(later, Drum::Ride, true));
            }
            let mut open = Vec::new();
            for frame in 0..at + 40 {
                if frame == at + 14 && !is_known {
                    assert!(removed.remove(later, Drum::Ride, true));
                }
                removed.step(frame);
                // Decided a frame later.
                if frame == at + 11 {
                    removed.hit(Drum::Ride, frame - 1);
                }
                if frame > at && !removed.closed(frame)[RIDE] {
                    open.push(frame - at);
                }
            }
            open
        };
        let between: Vec<u64> = (11..24 - BEFORE_FRAMES).collect();
        assert_eq!(open(false), between);
        assert_eq!(open(true), between);
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
