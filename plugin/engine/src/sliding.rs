//! A window over a signal that moves on, always in one piece.

use std::ops::{Deref, DerefMut};

/// How many steps of equal length fit behind the window before it is moved back.
const STEPS: usize = 16;

/// The last samples of a signal. It moves through memory that is longer than itself, so
/// that hardly any step has to move all of it. Real-time safe after construction.
#[derive(Debug, Clone)]
pub(crate) struct SlidingWindow {
    memory: Vec<f32>,
    start: usize,
    samples: usize,
}

impl SlidingWindow {
    /// Silence of `samples` samples, to be moved on by `step_samples` at a time; windows
    /// of different `turn` are moved back in different steps. Allocates.
    pub fn new(samples: usize, step_samples: usize, turn: usize) -> SlidingWindow {
        SlidingWindow {
            memory: vec![0.0; samples + STEPS * step_samples],
            start: turn % STEPS * step_samples,
            samples,
        }
    }

    /// Moves on by `count` samples; as many zeros come in at the end. Real-time safe.
    pub fn advance(&mut self, count: usize) {
        let kept = self.samples - count.min(self.samples);
        let first = self.start + self.samples - kept;
        if first + self.samples > self.memory.len() {
            self.memory.copy_within(first..first + kept, 0);
            self.start = 0;
        } else {
            self.start = first;
        }
        self[kept..].fill(0.0);
    }

    /// Moves on by as many samples as are `new`. Real-time safe.
    ///
    /// # Panics
    /// If these are more than the window holds.
    pub fn push(&mut self, new: &[f32]) {
        self.advance(new.len());
        let kept = self.samples - new.len();
        self[kept..].copy_from_slice(new);
    }
}

impl Deref for SlidingWindow {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.memory[self.start..self.start + self.samples]
    }
}

impl DerefMut for SlidingWindow {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.memory[self.start..self.start + self.samples]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_holds_the_last_samples_wherever_it_stands_and_however_it_moves() {
        for turn in 0..20 {
            let mut window = SlidingWindow::new(10, 4, turn);
            let mut all = vec![0.0; 10];
            for round in 0..50 {
                let new: Vec<f32> = (0..round % 11).map(|n| (round * 100 + n) as f32).collect();
                if round % 7 == 3 {
                    window.advance(25);
                    all.extend([0.0; 25]);
                }
                window.push(&new);
                all.extend(new);
                assert_eq!(window[..], all[all.len() - 10..], "{turn} {round}");
            }
        }
    }

    #[test]
    fn what_is_written_into_it_stays_and_leaves_nothing_behind() {
        let mut window = SlidingWindow::new(6, 2, 0);
        for round in 0..40 {
            window.fill(f32::from(round as u8 + 1));
            window.advance(2);
            let kept = f32::from(round as u8 + 1);
            assert_eq!(window[..], [kept, kept, kept, kept, 0.0, 0.0]);
        }
    }
}
