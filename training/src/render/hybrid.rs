//! Two sounds of a class made into one: every pair is a drum that no kit has.

use super::session::Source;
use crate::{
    dsp::{Biquad, RATE_HZ},
    random::Random,
};

/// A second source that joins an instrument's own.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub source: Source,
    /// Its level relative to the first.
    pub share: f32,
    pub join: Join,
}

/// What each of two sounds gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Join {
    /// Both sound in full.
    Sum,
    /// The first below, the second above.
    Bands { split_hz: f32 },
    /// The attack of the first, the body of the second.
    Time { split_s: f32 },
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    First,
    Second,
}

impl Join {
    pub(super) fn draw(random: &mut Random) -> Join {
        match random.below(4) {
            0 => Join::Sum,
            1 | 2 => Join::Bands {
                split_hz: random.log_range(150.0, 6_000.0),
            },
            _ => Join::Time {
                split_s: random.log_range(0.006, 0.08),
            },
        }
    }

    /// Leaves of a sound that begins at `onset` (in samples) what it gives.
    pub(super) fn shape(self, part: Part, audio: &mut [f32], onset: f32) {
        match self {
            Join::Sum => {}
            Join::Bands { split_hz } => {
                // Half as steep as a cascade of two: real layers overlap, too.
                let filter = match part {
                    Part::First => Biquad::low_pass(split_hz, 0.5),
                    Part::Second => Biquad::high_pass(split_hz, 0.5),
                };
                filter.run(audio);
            }
            Join::Time { split_s } => {
                let fade_samples = split_s * RATE_HZ;
                for (n, sample) in audio.iter_mut().enumerate() {
                    let body = ((n as f32 - onset) / fade_samples - 0.5).clamp(0.0, 1.0);
                    *sample *= match part {
                        Part::First => 1.0 - body,
                        Part::Second => body,
                    };
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(join: Join) -> Vec<f32> {
        let audio: Vec<f32> = (0..8_820).map(|n| (n as f32 * 0.07).sin()).collect();
        let mut sum = vec![0.0; audio.len()];
        for part in [Part::First, Part::Second] {
            let mut shaped = audio.clone();
            join.shape(part, &mut shaped, 100.0);
            for (sum, sample) in sum.iter_mut().zip(&shaped) {
                *sum += sample / 2.0_f32.powi(i32::from(join == Join::Sum));
            }
        }
        sum
    }

    #[test]
    fn a_sound_joined_with_itself_in_time_is_itself() {
        let audio = joined(Join::Sum);
        let spliced = joined(Join::Time { split_s: 0.03 });
        for (spliced, sample) in spliced.iter().zip(&audio) {
            assert!((spliced - sample).abs() < 1e-6);
        }
    }

    #[test]
    fn attack_and_body_come_from_their_parts() {
        let join = Join::Time { split_s: 0.02 };
        let (mut attack, mut body) = (vec![1.0; 4_410], vec![1.0; 4_410]);
        join.shape(Part::First, &mut attack, 50.0);
        join.shape(Part::Second, &mut body, 50.0);
        assert_eq!((attack[60], attack[2_000]), (1.0, 0.0));
        assert_eq!((body[60], body[2_000]), (0.0, 1.0));
    }

    #[test]
    fn bands_keep_their_side() {
        let join = Join::Bands { split_hz: 1_000.0 };
        let energy = |part, step: f32| {
            let mut tone: Vec<f32> = (0..4_410).map(|n| (n as f32 * step).sin()).collect();
            join.shape(part, &mut tone, 0.0);
            tone[2_205..].iter().map(|s| s * s).sum::<f32>()
        };
        let (low, high) = (0.014, 1.4);
        assert!(energy(Part::First, low) > 100.0 * energy(Part::Second, low));
        assert!(energy(Part::Second, high) > 100.0 * energy(Part::First, high));
    }
}
