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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chooses_the_layer_and_alternates_in_it() {
        let sample = |velocity| Sample {
            audio: Arc::from(vec![0.0]),
            onset: 0.0,
            velocity,
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
}
