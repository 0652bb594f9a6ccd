//! What drums sound like before a recording has been heard: the average of
//! other kits.

use std::sync::Arc;

use idm_engine::{drum::Drum, front_end::BAND_COUNT};

use super::explain::ClassTemplates;
use crate::{
    kits::{Kit, Sample, Sound, Split},
    one_shot::{Template, front_end, one_shot_samples},
    synth,
};

/// Samples per frame of the front end at 44.1 kHz.
const HOP: usize = 256;

/// Templates of all classes: per class the mean (of logarithms) over the
/// training side of `kits` and over `procedural` kits of our synthesiser.
/// Allocates; takes a second.
pub fn starting_templates(kits: &[Arc<Kit>], procedural: u64) -> ClassTemplates {
    let mut front_end = front_end();
    Drum::ALL.map(|drum| {
        let frames = one_shot_samples(drum) / HOP;
        let sound = Sound::of_drum(drum);
        let mut templates: Vec<Template> = Vec::new();
        let mut learn = |samples: &[Sample]| {
            let hardest = samples
                .iter()
                .max_by(|a, b| a.velocity.total_cmp(&b.velocity));
            if let Some(sample) = hardest {
                let onset = sample.onset.max(0.0) as usize;
                let audio = &sample.audio[onset.min(sample.audio.len())..];
                templates.push(Template::from_audio(&mut front_end, audio, frames));
            }
        };
        for kit in kits.iter().filter(|kit| kit.split == Split::Train) {
            learn(&kit.sounds[sound.index()]);
        }
        for seed in 0..procedural {
            learn(&synth::samples(seed, sound));
        }
        let mut magnitudes = Vec::with_capacity(frames * BAND_COUNT);
        if !templates.is_empty() {
            let mean = Template::mean(templates.iter());
            for frame in 0..frames {
                let power = mean.power(frame).unwrap_or([0.0; BAND_COUNT]);
                magnitudes.extend(power.map(f32::sqrt));
            }
        }
        magnitudes
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_begins_loud_and_decays() {
        for (drum, template) in Drum::ALL.into_iter().zip(starting_templates(&[], 2)) {
            let frames = template.len() / BAND_COUNT;
            assert_eq!(frames, one_shot_samples(drum) / HOP);
            let sum = |frame: usize| {
                template[frame * BAND_COUNT..][..BAND_COUNT]
                    .iter()
                    .sum::<f32>()
            };
            assert!(
                sum(2) > 4.0 * sum(frames - 1),
                "{drum:?}: {} {}",
                sum(2),
                sum(frames - 1)
            );
        }
    }
}
