//! A bank without recordings: our own synthesiser's kits.

use idm_engine::drum::{DRUM_COUNT, Drum};

use super::fit;
use crate::{
    export::ClassPrototypes,
    kits::{Sample, Sound},
    network::CHOICE_COUNT,
    synth,
};

/// The hardest hit of each class of the first procedural kits after `seed`.
/// Allocates; takes a second.
pub fn procedural_bank(seed: u64) -> [ClassPrototypes; DRUM_COUNT] {
    Drum::ALL.map(|drum| ClassPrototypes {
        waveforms: (0..CHOICE_COUNT as u64)
            .map(|kit| {
                let hits = synth::samples(seed + kit, Sound::of_drum(drum));
                let hardest = hits.iter().max_by(|a, b| a.velocity.total_cmp(&b.velocity));
                let audio = hardest.map_or(&[] as &[f32], |Sample { audio, .. }| audio);
                fit(drum, audio, 0)
            })
            .collect(),
    })
}
