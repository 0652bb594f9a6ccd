//! Masks of a frame: how what is heard, and what is left where drums were predicted, is
//! shared.

use super::HopWork;
use crate::{
    drum::DRUM_COUNT, experiment::MaskSource, front_end::BAND_COUNT, separator::combine_masks,
};

impl HopWork {
    pub(super) fn make_masks(&mut self, frame: u64) {
        self.explainer.predict(frame, &mut self.prediction);
        let mut learned = self.words.mask();
        match self.mask_source {
            MaskSource::Both => {}
            MaskSource::Network => self.prediction.certainty = [0.0; DRUM_COUNT],
            MaskSource::Synthesis => learned = None,
        }
        let mut gates = *self.presence.gains();
        for (gate, drum) in gates.iter_mut().zip(&self.controls.drums) {
            if !drum.enabled {
                *gate = [0.0; BAND_COUNT];
            }
        }
        combine_masks(
            (&self.prediction, Some(&self.tails)),
            self.explainer.observed(frame),
            learned,
            &gates,
            &self.removed.closed(frame),
            self.controls.mask_exponent,
            &mut self.masks,
        );
        if self.hears_places
            && let Some((spectra, map)) = self.overlap_add.stereo_spectra()
        {
            self.panorama.refine(spectra, map, &mut self.masks);
            self.panorama.learn(&self.masks);
        }
        self.tails.step(self.explainer.observed(frame), &self.masks);
        if self.hears_repeats {
            let enabled = self.controls.drums.map(|drum| drum.enabled);
            let (masks, overlap_add) = (&self.masks, &mut self.overlap_add);
            self.repeats.predict(masks, &enabled, overlap_add);
        }
        self.explainer.learn(frame, &self.prediction, &self.masks);
        let is_rest = self.hears_repeats && self.repeats.divide_rest(&self.masks, &mut self.rest);
        if !is_rest {
            self.rest.copy_from_slice(&*self.masks);
        }
        let is_stereo = self.hears_places && self.overlap_add.stereo_spectra().is_some();
        let is_isolated = self.isolation.apply(&self.rest);
        if is_stereo {
            if is_isolated || is_rest {
                self.panorama.share(self.isolation.played(&self.rest));
            }
            self.overlap_add.begin_stereo(self.panorama.whole());
        }
    }
}
