//! A saved kit as a beginning: its sounds count as some of the hits that they were learnt
//! from.

use std::sync::Arc;

use super::{Class, FullLevel, WaveformLearner, early_power};
use crate::{
    learner::{LearntKit, alignment::compared_samples, average::Spectrogram},
    one_shots::Bank,
};

/// Weight of a hit that a saved kit was learnt from, and of all of them.
const SAVED_HIT_WEIGHT: f32 = 0.5;
const SAVED_MOST_WEIGHT: f32 = 6.0;

impl WaveformLearner {
    /// Takes a saved kit in place of all that was learnt; `prior` is the
    /// model's bank for the kit's embedding. The sounds stay exactly as saved
    /// until new hits are learnt from. Drums whose sound cannot be used are
    /// left to the model. Allocates.
    pub fn restore(&mut self, kit: &LearntKit, prior: Arc<Bank>) {
        self.forget(prior);
        self.embedding.clone_from(&kit.embedding);
        for learnt in &kit.drums {
            let Some(sound) = self.sound_of(learnt) else {
                continue;
            };
            let weight = (SAVED_HIT_WEIGHT * learnt.hits as f32).clamp(0.5, SAVED_MOST_WEIGHT);
            let mut class = Class {
                clarity: learnt.confidence * learnt.hits as f32,
                ..Class::default()
            };
            let layers = sound.layers.len();
            for (index, layer) in sound.layers.iter().enumerate() {
                let frames = layer.one_shot.frames() / self.grid.step() + 1;
                let sides = [layer.one_shot.channel(0), layer.one_shot.channel(1)];
                let mut hit = Spectrogram::of(&mut self.grid, sides, frames);
                let level = early_power(&hit).0.sqrt();
                hit.scale(1.0 / level.max(1e-12));
                class.level = class.level.max(level);
                class.full_level = FullLevel::kept(class.level);
                let average = if index + 1 < layers {
                    &mut class.soft
                } else {
                    &mut class.loud
                };
                let lead_s = f64::from(layer.one_shot.lead_s());
                average.add(&self.grid, &hit, weight / layers as f32, lead_s);
                average.hits = learnt.hits / layers as u32;
                let mono = sides[0].iter().zip(sides[1]).map(|(l, r)| l + r);
                class.reference = mono
                    .take(compared_samples(self.rate_hz))
                    .map(|sample| weight * sample / level.max(1e-12))
                    .collect();
            }
            class.learnt = Some(learnt.clone());
            class.sound = Some(sound);
            self.classes[learnt.drum.index()] = class;
        }
    }
}
