//! Signals of a hop: windows through the masks, and what they leave.

use super::HopWork;
use crate::drum::{DRUM_COUNT, RESIDUAL};

impl HopWork {
    /// Samples from the start of the described frame to the last hop's end.
    pub(super) fn frame_back_samples(&self) -> usize {
        self.quality.window_back_hops() * self.framing.hop_samples
    }

    pub(super) fn analyse(&mut self) {
        let back = self.frame_back_samples();
        let window = self.overlap_add.window_samples();
        let [left, right] = &self.history;
        let start = left.len() - back;
        let frame = [&left[start..start + window], &right[start..start + window]];
        self.overlap_add.analyse(frame);
    }

    /// Sample of the input at which the described frame's window begins.
    pub(super) fn frame_start(&self) -> i64 {
        let heard = self.hops * self.framing.hop_samples as u64;
        heard as i64 - self.frame_back_samples() as i64
    }

    /// First sample of the hop that is being made; none while that lies before
    /// the stream.
    pub(super) fn made_until(&self) -> Option<u64> {
        let heard = self.hops * self.framing.hop_samples as u64;
        heard.checked_sub(self.frame_back_samples() as u64)
    }

    pub(super) fn synthesise(&mut self, drums: std::ops::Range<usize>) {
        let made_until = self.made_until();
        for drum in drums {
            let part = self.hears_places.then(|| self.panorama.part(drum));
            let bands = &self.isolation.played(&self.rest)[drum];
            let making = &mut self.making[drum];
            let known = self.repeats.used(drum);
            self.overlap_add
                .synthesise(drum, bands, part, known, making);
            if let Some(first) = made_until {
                let (taken, is_taken) = self.earlier.taken(drum);
                let making = &mut self.making[drum];
                *is_taken = self.attack_gate.apply(drum, first, making, taken);
            }
        }
    }

    /// What gates took off drums before their onsets goes to the drums that ring there.
    pub(super) fn give_back(&mut self, frame: u64) {
        let power = self.explainer.observed(frame);
        self.earlier
            .give_back(&self.masks, power, &mut self.making[..DRUM_COUNT]);
    }

    /// The residual is what the classes leave of the input: the stems add up
    /// to it whatever the masks are.
    pub(super) fn take_residual(&mut self) {
        let back = self.frame_back_samples();
        let (drums, residual) = self.making.split_at_mut(RESIDUAL);
        for (channel, residual) in residual[0].iter_mut().enumerate() {
            let history = &self.history[channel];
            let start = history.len() - back;
            residual.copy_from_slice(&history[start..start + self.framing.hop_samples]);
            for drum in drums.iter() {
                for (rest, sample) in residual.iter_mut().zip(&drum[channel]) {
                    *rest -= sample;
                }
            }
        }
    }

    /// No classes, the input in the residual.
    pub(super) fn pass_on(&mut self) {
        for channel in self.making[..DRUM_COUNT].iter_mut().flatten() {
            channel.fill(0.0);
        }
        self.take_residual();
    }
}
