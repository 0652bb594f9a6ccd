//! Sounds of the user's own, which play in place of the kit's.

use std::sync::Arc;

use super::{BankError, DrumSound, Evidence, OneShot};
use crate::{
    drum::{DRUM_COUNT, Drum},
    front_end::{Framing, FrontEnd},
};

/// Samples of which the louder one is at most this much louder than the softest of a
/// layer belong to it: they take turns.
const SAME_LAYER_DB: f32 = 1.5;
/// What the loudness of a sample is measured over.
const LOUDNESS_S: f64 = 0.06;

/// The user's sound of each drum that has one, at one sample rate. Immutable and
/// shared, as a bank is.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OwnSounds {
    sounds: [Option<DrumSound>; DRUM_COUNT],
}

impl OwnSounds {
    /// Converts the samples of each drum to `sample_rate_hz` and measures their levels.
    /// Several of one drum become velocity layers by their loudness; those that are alike
    /// in it are one layer and take turns. A drum without samples has no sound. Allocates
    /// and takes milliseconds.
    ///
    /// # Errors
    /// An unsupported rate or a sound that cannot be converted.
    pub fn new(
        samples: &[(Drum, Vec<Arc<OneShot>>)],
        sample_rate_hz: f64,
    ) -> Result<OwnSounds, BankError> {
        let mut front_end = FrontEnd::new(Framing::for_rate(sample_rate_hz)?);
        let mut own = OwnSounds::default();
        for (drum, samples) in samples.iter().filter(|(_, samples)| !samples.is_empty()) {
            let layers = layers(samples);
            let sound = DrumSound::new(*drum, &layers, Evidence::default(), &mut front_end)?;
            own.sounds[drum.index()] = Some(sound);
        }
        Ok(own)
    }

    /// The user's sound of `drum`. Real-time safe.
    pub fn sound(&self, drum: Drum) -> Option<&DrumSound> {
        self.sounds[drum.index()].as_ref()
    }
}

/// Root mean square of the first moments, both channels.
fn loudness(one_shot: &OneShot) -> f32 {
    let frames = (LOUDNESS_S * one_shot.sample_rate_hz()) as usize;
    let frames = frames.clamp(1, one_shot.frames());
    let power = |channel: usize| -> f32 {
        let samples = &one_shot.channel(channel)[..frames];
        samples.iter().map(|sample| sample * sample).sum()
    };
    ((power(0) + power(1)) / (2 * frames) as f32).sqrt()
}

/// Samples from soft to loud, each with the highest velocity that it stands for: half way
/// to that of the next layer, where the loudest layer's own is 1 and velocity is the root
/// of amplitude.
fn layers(samples: &[Arc<OneShot>]) -> Vec<(f32, Arc<OneShot>)> {
    let mut sorted: Vec<(f32, &Arc<OneShot>)> = samples
        .iter()
        .map(|sample| (loudness(sample), sample))
        .collect();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let most = 10.0_f32.powf(SAME_LAYER_DB / 20.0);
    let together =
        |softest: &(f32, &Arc<OneShot>), other: &(f32, &Arc<OneShot>)| other.0 <= most * softest.0;
    let mut groups: Vec<&[(f32, &Arc<OneShot>)]> = Vec::new();
    let mut rest = sorted.as_slice();
    while let Some(softest) = rest.first() {
        let count = rest
            .iter()
            .take_while(|other| together(softest, other))
            .count();
        let (group, others) = rest.split_at(count.max(1));
        groups.push(group);
        rest = others;
    }
    let level = |group: &[(f32, &Arc<OneShot>)]| {
        group.iter().map(|(level, _)| level).sum::<f32>() / group.len() as f32
    };
    let loudest = groups.last().map_or(1.0, |group| level(group)).max(1e-9);
    let velocities: Vec<f32> = groups
        .iter()
        .map(|group| (level(group) / loudest).sqrt())
        .collect();
    let mut layers = Vec::with_capacity(samples.len());
    for (place, group) in groups.iter().enumerate() {
        let next = velocities.get(place + 1);
        let top_velocity = next.map_or(1.0, |next| 0.5 * (velocities[place] + next));
        layers.extend(
            group
                .iter()
                .map(|(_, sample)| (top_velocity, (*sample).clone())),
        );
    }
    layers
}

/// Which of a drum's samples its first stroke of full velocity plays. Allocates.
pub fn hardest(samples: &[Arc<OneShot>]) -> Option<Arc<OneShot>> {
    let layers = layers(samples);
    let loudest = layers.last()?.0;
    let mut layers = layers.into_iter();
    layers.find_map(|(top, sample)| (top == loudest).then_some(sample))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(amplitude: f32) -> Arc<OneShot> {
        Arc::new(OneShot::new(48_000.0, vec![vec![amplitude; 4_800]]).unwrap())
    }

    #[test]
    fn sounds_are_converted_to_the_engines_rate() {
        let samples = [(Drum::Snare, vec![level(0.3)]), (Drum::Ride, vec![])];
        let own = OwnSounds::new(&samples, 96_000.0).unwrap();
        let sound = own.sound(Drum::Snare).unwrap();
        let frames = sound.layers[0].one_shot.frames();
        assert!((9_500..=9_700).contains(&frames), "{frames}");
        assert!(own.sound(Drum::Kick).is_none() && own.sound(Drum::Ride).is_none());
        assert!(OwnSounds::new(&[], f64::NAN).is_err());
    }

    #[test]
    fn samples_are_layers_by_loudness_and_alike_ones_take_turns() {
        let samples = [0.9, 0.1, 0.85, 0.4].map(level);
        let own = OwnSounds::new(&[(Drum::Snare, samples.to_vec())], 48_000.0).unwrap();
        let sound = own.sound(Drum::Snare).unwrap();
        let heard = |velocity, stroke| {
            let layer = sound.layer_for(velocity, stroke);
            sound.layers[layer].one_shot.channel(0)[100]
        };
        // Velocities of the layers: 0.34, 0.68, 1.
        assert_eq!([0.05, 0.3, 0.49].map(|v| heard(v, 7)), [0.1; 3]);
        assert_eq!([0.55, 0.8].map(|v| heard(v, 2)), [0.4; 2]);
        assert_eq!(
            [0, 1, 2, 3].map(|stroke| heard(0.95, stroke)),
            [0.85, 0.9, 0.85, 0.9]
        );
        assert_eq!(heard(2.0, 1), 0.9);
        let hardest = hardest(&samples).expect("a sample");
        assert_eq!(hardest.channel(0)[100], heard(1.0, 0));
    }
}
