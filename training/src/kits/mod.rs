//! Drum kits: recorded one-shots from folders, or our own synthesiser's.

mod entry;
mod files;
mod hydrogen;
mod load;
mod manifest;
mod notes;
mod scan;
mod sfz;

use std::sync::Arc;

pub(crate) use files::{files_below, has_extension, is_audio, lossy_remark};
pub use idm_engine::sound::{SOUND_COUNT, Sound, sound_from_spelling};
pub use load::load_folder;
pub use notes::sound_of_note;

pub use crate::audio::SAMPLE_RATE_HZ;
use crate::random::Random;

/// Which side of the training/validation border a kit or groove lies on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Split {
    /// Material the weights may learn from.
    Train,
    /// Material they never see.
    Valid,
}

impl Split {
    /// Reads a manifest's value: `train`, `valid` or `validation`.
    pub fn from_name(name: &str) -> Option<Split> {
        match name {
            "train" => Some(Split::Train),
            "valid" | "validation" | "test" => Some(Split::Valid),
            _ => None,
        }
    }

    /// Whether the folder at `path` is called after the validation side, in any case.
    pub fn holds_out(path: &std::path::Path) -> bool {
        path.file_name()
            .and_then(|name| name.to_str())
            .and_then(|name| Split::from_name(&name.to_lowercase()))
            == Some(Split::Valid)
    }

    /// The side in words.
    pub fn word(self) -> &'static str {
        match self {
            Split::Train => "training",
            Split::Valid => "validation",
        }
    }
}

/// One hit of one sound.
#[derive(Debug, Clone)]
pub struct Sample {
    /// Mono, 44.1 kHz.
    pub audio: Arc<[f32]>,
    /// Where the hit begins in `audio`, in samples.
    pub onset: f32,
    /// How hard it was played, 0..1.
    pub velocity: f32,
    /// Whether it is a drum of its own, not another stroke on the drum of the other samples:
    /// the second kick of a drum machine. One piece has one of them, see [`one_drum`].
    pub is_alternate: bool,
}

/// The hits of every sound of one kit; a sound may have none.
#[derive(Debug, Clone)]
pub struct Kit {
    /// Name, for lists.
    pub name: String,
    /// Side of the training/validation border.
    pub split: Split,
    /// What kind of drums it has: a manifest's `type` (`acoustic`, `electronic`),
    /// `procedural`, or nothing if that is unknown.
    pub kind: String,
    /// By [`Sound::index`], each sorted by velocity.
    pub sounds: [Vec<Sample>; SOUND_COUNT],
}

/// Hits whose velocity differs by less are alternatives of one layer.
pub const LAYER_WIDTH: f32 = 0.06;

/// Chooses among `samples` (sorted by velocity) one of those whose velocity is
/// nearest to `velocity`: a velocity layer, and within it a random hit.
pub fn choose<'a>(samples: &'a [Sample], velocity: f32, random: &mut Random) -> Option<&'a Sample> {
    let distance = |sample: &Sample| (sample.velocity - velocity).abs();
    let nearest = samples
        .iter()
        .map(distance)
        .fold(f32::INFINITY, |nearest, distance| nearest.min(distance));
    let near = |sample: &&Sample| distance(sample) <= nearest + LAYER_WIDTH;
    let count = samples.iter().filter(near).count();
    samples.iter().filter(near).nth(random.below(count))
}

/// `samples` (sorted by velocity) of one drum: of every layer one of the alternates, or all
/// takes that are no alternates. Layers with as many drums get the same one. Allocates.
pub fn one_drum(samples: &[Sample], random: &mut Random) -> Vec<Sample> {
    let place = random.unit();
    let mut chosen: Vec<Sample> = Vec::with_capacity(samples.len());
    let mut rest = samples;
    while let Some(first) = rest.first() {
        let top = first.velocity + LAYER_WIDTH;
        let count = rest.partition_point(|sample| sample.velocity <= top).max(1);
        let (layer, louder) = rest.split_at(count);
        let (alternates, takes): (Vec<&Sample>, Vec<&Sample>) =
            layer.iter().partition(|sample| sample.is_alternate);
        let drums = alternates.len() + usize::from(!takes.is_empty());
        let drum = ((place * drums as f32) as usize).min(drums - 1);
        match alternates.get(drum) {
            Some(&alternate) => chosen.push(alternate.clone()),
            None => chosen.extend(takes.into_iter().cloned()),
        }
        rest = louder;
    }
    chosen
}

impl Kit {
    /// The kit with one drum per sound; `stream` names the choice. Allocates.
    pub fn with_one_drum_each(&self, stream: &[u64]) -> Kit {
        let mut kit = self.clone();
        for (sound, samples) in kit.sounds.iter_mut().enumerate() {
            if samples.iter().any(|sample| sample.is_alternate) {
                let path = [stream, &[sound as u64]].concat();
                *samples = one_drum(samples, &mut Random::new(&path));
            }
        }
        kit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chooses_the_layer_and_alternates_in_it() {
        let sample = |velocity| Sample {
            audio: Arc::from(vec![0.0]),
            onset: 0.0,
            velocity,
            is_alternate: false,
        };
        let samples = [sample(0.3), sample(0.31), sample(0.9)];
        let mut random = Random::new(&[1]);
        let mut drawn = [0; 2];
        for _ in 0..100 {
            let soft = choose(&samples, 0.2, &mut random).unwrap();
            drawn[usize::from(soft.velocity > 0.305)] += 1;
            assert!(soft.velocity < 0.5);
            assert_eq!(choose(&samples, 1.0, &mut random).unwrap().velocity, 0.9);
        }
        assert!(drawn[0] > 20 && drawn[1] > 20, "{drawn:?}");
        assert!(choose(&[], 0.5, &mut random).is_none());
    }

    #[test]
    fn one_of_the_alternates_is_the_drum_and_takes_stay() {
        let sample = |velocity, is_alternate| Sample {
            audio: Arc::from(vec![0.0]),
            onset: 0.0,
            velocity,
            is_alternate,
        };
        let machine = [0.5, 0.51, 0.52, 0.8, 0.81, 0.82].map(|v| sample(v, true));
        let takes = [0.5, 0.51, 0.8].map(|v| sample(v, false));
        let mixed = [sample(0.5, false), sample(0.51, false), sample(0.52, true)];
        let mut drawn = [0; 3];
        let mut sizes = [0; 3];
        for seed in 0..60 {
            let choose = |samples: &[Sample]| one_drum(samples, &mut Random::new(&[seed]));
            let drum = choose(&machine);
            assert_eq!(drum.len(), 2);
            // The soft and the loud stroke of one drum.
            assert!((drum[1].velocity - drum[0].velocity - 0.3).abs() < 1e-3);
            drawn[(100.0 * (drum[0].velocity - 0.495)) as usize] += 1;
            assert_eq!(choose(&takes).len(), 3);
            sizes[choose(&mixed).len()] += 1;
        }
        assert!(drawn.iter().all(|&count| count > 8), "{drawn:?}");
        assert!(sizes[1] > 15 && sizes[2] > 15, "{sizes:?}");
    }
}
