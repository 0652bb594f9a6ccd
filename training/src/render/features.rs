//! From a piece to the network's input and targets, through the engine's own
//! front end.

use idm_engine::{
    drum::{DRUM_COUNT, STEM_COUNT},
    front_end::{BAND_COUNT, FeatureFrame, Framing, FrontEnd, LOW_BAND_COUNT, LevelFollower},
};

use super::{Hit, Piece};
use crate::kits::SAMPLE_RATE_HZ;

/// Input and targets of one piece. All tables are row-major with one row per
/// frame; frame indices are those of [`Framing::frame_at`].
#[derive(Debug, Clone, Default)]
pub struct TrainingExample {
    /// Number of frames.
    pub frames: usize,
    /// Network input, `(frames, 128)`.
    pub frame: Vec<f32>,
    /// Network input, `(frames, 32)`.
    pub low: Vec<f32>,
    /// Band power of the mix, `(frames, 128)`.
    pub mix_power: Vec<f32>,
    /// Share of each stem in the power of a band, `(frames, 10, 128)`; the ten
    /// sum to exactly 255, or to 0 where all are silent.
    pub ratio: Vec<u8>,
    /// 1 in the frame of a hit, else 0, `(frames, 9)`.
    pub onset: Vec<f32>,
    /// Velocity of the hit, 0..1, `(frames, 9)`.
    pub velocity: Vec<f32>,
    /// The piece's hits.
    pub hits: Vec<Hit>,
    /// The piece's kit.
    pub kit: u32,
}

/// Power below which all stems together are silent.
const SILENT_POWER: f32 = 1e-12;

/// Computes examples; one per thread.
#[derive(Debug)]
pub struct Featuriser {
    front_end: FrontEnd,
}

impl Default for Featuriser {
    fn default() -> Self {
        Featuriser::new()
    }
}

impl Featuriser {
    /// Plans the transforms at 44.1 kHz. Allocates.
    ///
    /// # Panics
    /// Never: 44.1 kHz is supported.
    pub fn new() -> Featuriser {
        let framing = Framing::for_rate(SAMPLE_RATE_HZ).expect("44.1 kHz is supported");
        Featuriser {
            front_end: FrontEnd::new(framing),
        }
    }

    /// Input and targets of `piece`. Allocates.
    pub fn example(&mut self, piece: &Piece) -> TrainingExample {
        let mut example = self.mixture(&piece.mix, &piece.hits, piece.kit);
        self.ratios(piece, &mut example);
        example
    }

    /// Input and events of a mixture whose stems are not known: all shares are
    /// 0, which trains no mask. Allocates.
    pub fn mixture(&mut self, mix: &[f32], hits: &[Hit], kit: u32) -> TrainingExample {
        let framing = *self.front_end.framing();
        let frames = mix.len() / framing.hop_samples;
        let mut example = TrainingExample {
            frames,
            frame: Vec::with_capacity(frames * BAND_COUNT),
            low: Vec::with_capacity(frames * LOW_BAND_COUNT),
            mix_power: Vec::with_capacity(frames * BAND_COUNT),
            ratio: vec![0; frames * STEM_COUNT * BAND_COUNT],
            onset: vec![0.0; frames * DRUM_COUNT],
            velocity: vec![0.0; frames * DRUM_COUNT],
            hits: hits.to_vec(),
            kit,
        };
        self.inputs(mix, &mut example);
        for hit in hits {
            let frame = framing.frame_at(hit.sample as u64);
            let row = frame as usize * DRUM_COUNT + hit.drum.index();
            if row >= example.onset.len() {
                continue;
            }
            example.onset[row] = 1.0;
            example.velocity[row] = example.velocity[row].max(hit.velocity);
        }
        example
    }

    fn inputs(&mut self, mix: &[f32], example: &mut TrainingExample) {
        let framing = *self.front_end.framing();
        let padded = pad(mix, framing.long_window_samples - framing.hop_samples);
        let mut features = FeatureFrame::default();
        let mut level = LevelFollower::new(framing.hop_samples as f64 / SAMPLE_RATE_HZ);
        for frame in 0..example.frames {
            let start = frame * framing.hop_samples;
            let newest = &padded[start..start + framing.long_window_samples];
            let gain = level.hear(&newest[newest.len() - framing.hop_samples..]);
            self.front_end
                .analyse_louder([newest, newest], gain, &mut features);
            example.frame.extend(features.frame);
            example.low.extend(features.low);
            example.mix_power.extend(features.power);
        }
    }

    fn ratios(&mut self, piece: &Piece, example: &mut TrainingExample) {
        let framing = *self.front_end.framing();
        let mut powers = vec![0.0_f32; example.frames * STEM_COUNT * BAND_COUNT];
        let mut power = [0.0; BAND_COUNT];
        for (stem, audio) in piece.stems.iter().enumerate() {
            let Some(first) = audio.iter().position(|s| *s != 0.0) else {
                continue;
            };
            let padded = pad(audio, framing.window_samples - framing.hop_samples);
            for frame in first / framing.hop_samples..example.frames {
                let start = frame * framing.hop_samples;
                let newest = &padded[start..start + framing.window_samples];
                if newest.iter().all(|s| s.abs() < 1e-8) {
                    continue;
                }
                self.front_end.power([newest, newest], &mut power);
                let row = (frame * STEM_COUNT + stem) * BAND_COUNT;
                powers[row..row + BAND_COUNT].copy_from_slice(&power);
            }
        }
        set_ratios(&powers, &mut example.ratio);
    }
}

/// Shares of `powers`, `(frames, 10, 128)`, in the power of each band. Allocates nothing.
pub fn set_ratios(powers: &[f32], ratios: &mut [u8]) {
    let size = STEM_COUNT * BAND_COUNT;
    for (powers, ratios) in powers.chunks(size).zip(ratios.chunks_mut(size)) {
        quantise(powers, ratios);
    }
}

/// Shares of one frame, rounded so that they sum to 255: the largest takes what is left.
fn quantise(powers: &[f32], ratios: &mut [u8]) {
    let mut sums = [0.0_f32; BAND_COUNT];
    let mut largest = [0.0_f32; BAND_COUNT];
    let mut stem_of_largest = [0_usize; BAND_COUNT];
    for (stem, row) in powers.chunks_exact(BAND_COUNT).enumerate() {
        for band in 0..BAND_COUNT {
            sums[band] += row[band];
            if row[band] > largest[band] {
                largest[band] = row[band];
                stem_of_largest[band] = stem;
            }
        }
    }
    let scales = sums.map(|sum| if sum < SILENT_POWER { 0.0 } else { 255.0 / sum });
    let mut left = scales.map(|scale| if scale > 0.0 { 255_i32 } else { 0 });
    for (powers, ratios) in powers
        .chunks_exact(BAND_COUNT)
        .zip(ratios.chunks_exact_mut(BAND_COUNT))
    {
        for band in 0..BAND_COUNT {
            let share = (powers[band] * scales[band] + 0.5) as i32;
            ratios[band] = share as u8;
            left[band] -= share;
        }
    }
    for band in 0..BAND_COUNT {
        let share = &mut ratios[stem_of_largest[band] * BAND_COUNT + band];
        *share = (i32::from(*share) + left[band]).clamp(0, 255) as u8;
    }
}

fn pad(signal: &[f32], silence: usize) -> Vec<f32> {
    let mut padded = vec![0.0; silence];
    padded.extend_from_slice(signal);
    padded
}
