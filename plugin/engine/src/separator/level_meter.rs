//! How loud a hit is, in the mixture.
//!
//! The masks' share of the power is an estimate only, and worst where other drums sound. A
//! drum's own hits look alike, so all bands together say one thing: how much louder this
//! hit is than those before. Bands that are the drum's own speak most (a weighted least
//! squares fit of one gain), and its softer bands nearly as loudly as its strongest, which
//! other drums share more often.

use crate::{
    drum::{DRUM_COUNT, Drum},
    front_end::BAND_COUNT,
};

/// Hits beyond which older ones fade.
const MOST_HITS: f32 = 16.0;
/// Power relative to the mean below which a hit teaches nothing: what the mask gives it may
/// be another drum's.
const LEAST_GAIN: f32 = 0.03;
/// Hits up to which the mean can be of another drum altogether.
const FIRST_HITS: f32 = 4.0;
/// Hits in a row below that after which it is the mean that is another drum's.
const MOST_SOFT: u32 = 4;
/// Factor on the power of a whole mixture (3 dB) beyond which the mean is wrong, and how much
/// of that a hit corrects.
const MOST_OVER: f32 = 2.0;
const CORRECTION: f32 = 0.5;
/// Power of a hit that nobody hears, and that teaches nothing: −120 dB.
const SILENT_POWER: f32 = 1e-12;
/// Share of the strongest band below which bands count as if they had it.
const FLOOR: f32 = 1e-3;

#[derive(Debug, Clone, Copy)]
struct Known {
    /// Mean power per band of a hit of the first one's level.
    power: [f32; BAND_COUNT],
    hits: f32,
    /// Hits in a row that were too soft to learn from.
    soft: u32,
}

/// Measures levels, per drum. Real-time safe.
#[derive(Debug, Clone)]
pub struct LevelMeter {
    known: [Known; DRUM_COUNT],
}

impl Default for LevelMeter {
    fn default() -> Self {
        let unknown = Known {
            power: [0.0; BAND_COUNT],
            hits: 0.0,
            soft: 0,
        };
        LevelMeter {
            known: [unknown; DRUM_COUNT],
        }
    }
}

impl LevelMeter {
    /// Forgets all hits. Real-time safe.
    pub fn reset(&mut self) {
        for known in &mut self.known {
            known.hits = 0.0;
            known.soft = 0;
        }
    }

    /// Level (root of the power) of a hit of `drum` where the mixture has `power`, of which
    /// `mask` is the drum's, and learns from it. Real-time safe.
    pub fn level(
        &mut self,
        drum: Drum,
        power: &[f32; BAND_COUNT],
        mask: &[f32; BAND_COUNT],
    ) -> f32 {
        let mut own = [0.0; BAND_COUNT];
        for ((own, power), mask) in own.iter_mut().zip(power).zip(mask) {
            *own = power * mask;
        }
        let sum: f32 = own.iter().sum();
        if !sum.is_finite() {
            return 0.0;
        }
        if sum <= SILENT_POWER {
            // As a measure of others it would make them infinitely loud.
            return sum.max(0.0).sqrt();
        }
        let known = &mut self.known[drum.index()];
        let before: f32 = known.power.iter().sum();
        let is_first = known.hits == 0.0 || before <= SILENT_POWER;
        if is_first {
            known.power = own;
            known.hits = 1.0;
            return sum.sqrt();
        }
        let gain = known.gain(&own, mask);
        if gain > LEAST_GAIN {
            known.learn(&own, power, mask, gain);
            known.soft = 0;
        } else {
            known.soft += 1;
            if known.soft > MOST_SOFT && known.hits <= FIRST_HITS {
                // It was the first one that was another drum's.
                known.power = own;
                (known.hits, known.soft) = (1.0, 0);
                return sum.sqrt();
            }
        }
        (gain * before).sqrt()
    }
}

impl Known {
    /// Factor from the mean to the power that a hit has as its `own`.
    fn gain(&self, own: &[f32; BAND_COUNT], mask: &[f32; BAND_COUNT]) -> f32 {
        let strongest = self
            .power
            .iter()
            .fold(0.0, |most: f32, &power| most.max(power));
        let (mut heard, mut expected) = (0.0, 0.0);
        for ((&own, &mask), &power) in own.iter().zip(mask).zip(&self.power) {
            let strength = (power / strongest).max(FLOOR);
            let weight = mask * mask / strength.sqrt().sqrt();
            heard += weight * own;
            expected += weight * power;
        }
        if expected > 0.0 {
            heard / expected
        } else {
            0.0
        }
    }

    fn learn(
        &mut self,
        own: &[f32; BAND_COUNT],
        mixture: &[f32; BAND_COUNT],
        mask: &[f32; BAND_COUNT],
        gain: f32,
    ) {
        self.hits = (self.hits + 1.0).min(MOST_HITS);
        let step = 1.0 / self.hits;
        let bands = own.iter().zip(mixture).zip(mask);
        for (power, ((&own, &mixture), &mask)) in self.power.iter_mut().zip(bands) {
            *power += step * mask * (own / gain - *power);
            // Where there is far less in the mixture, earlier hits had some of another drum.
            if self.hits < MOST_HITS {
                *power += CORRECTION * (MOST_OVER * mixture / gain - *power).min(0.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A drum in the lower half of the bands, and its mask where nothing else sounds.
    fn drum(level: f32) -> ([f32; BAND_COUNT], [f32; BAND_COUNT]) {
        let inside = |band: usize| band < BAND_COUNT / 2;
        (
            std::array::from_fn(|band| if inside(band) { level * level } else { 0.0 }),
            std::array::from_fn(|band| if inside(band) { 1.0 } else { 0.0 }),
        )
    }

    #[test]
    fn alone_a_hit_has_its_own_power() {
        let mut meter = LevelMeter::default();
        let expected = (BAND_COUNT as f32 / 2.0).sqrt();
        for level in [1.0, 0.1, 3.0, 0.01] {
            let (power, mask) = drum(level);
            let found = meter.level(Drum::Kick, &power, &mask);
            assert!((found / (level * expected) - 1.0).abs() < 1e-3, "{found}");
        }
    }

    #[test]
    fn what_masks_give_by_mistake_counts_little_once_the_drum_is_known() {
        let (power, mask) = drum(1.0);
        // Another drum, 20 dB louder, of which the mask gives a tenth.
        let (mut both, mut unsure) = (power, mask);
        for (band, (power, mask)) in both.iter_mut().zip(&mut unsure).enumerate() {
            if band >= BAND_COUNT / 2 {
                (*power, *mask) = (100.0, 0.1);
            }
        }
        let mut meter = LevelMeter::default();
        let naive = LevelMeter::default().level(Drum::Kick, &both, &unsure);
        let alone = meter.level(Drum::Kick, &power, &mask);
        let known = meter.level(Drum::Kick, &both, &unsure);
        assert!(naive / alone > 3.0, "{naive} {alone}");
        assert!(known / alone < 1.5, "{known} {alone}");
    }

    #[test]
    fn another_drum_in_the_first_hit_is_forgotten() {
        let (power, mask) = drum(1.0);
        let (mut both, mut unsure) = (power, mask);
        both[BAND_COUNT / 2..].fill(100.0);
        unsure[BAND_COUNT / 2..].fill(0.5);
        let mut meter = LevelMeter::default();
        meter.level(Drum::Snare, &both, &unsure);
        let expected = LevelMeter::default().level(Drum::Snare, &power, &mask);
        let levels = [(); 16].map(|()| meter.level(Drum::Snare, &power, &mask));
        assert!(levels[0] / expected > 5.0, "{levels:?}");
        assert!((levels[15] / expected - 1.0).abs() < 0.1, "{levels:?}");
    }

    #[test]
    fn a_first_hit_that_was_another_drum_is_forgotten() {
        let (power, mask) = drum(1.0);
        let mut meter = LevelMeter::default();
        meter.level(Drum::Snare, &[100.0; BAND_COUNT], &[1.0; BAND_COUNT]);
        let expected = LevelMeter::default().level(Drum::Snare, &power, &mask);
        let levels = [(); 6].map(|()| meter.level(Drum::Snare, &power, &mask));
        assert!(levels[0] / expected > 1.3, "{levels:?}");
        assert!((levels[5] / expected - 1.0).abs() < 1e-3, "{levels:?}");
    }

    #[test]
    fn hits_that_nobody_hears_are_no_measure_of_others() {
        let (power, mask) = drum(1.0);
        let expected = LevelMeter::default().level(Drum::Snare, &power, &mask);
        let (faint, _) = drum(1e-21);
        let mut meter = LevelMeter::default();
        for _ in 0..8 {
            assert!(meter.level(Drum::Snare, &faint, &mask) < 1e-6);
            let level = meter.level(Drum::Snare, &power, &mask);
            assert!((level / expected - 1.0).abs() < 1e-3, "{level}");
        }
        for _ in 0..8 {
            assert!(meter.level(Drum::Snare, &faint, &mask) < 1e-6);
        }
        let level = meter.level(Drum::Snare, &power, &mask);
        assert!((level / expected - 1.0).abs() < 1e-3, "{level}");
    }

    #[test]
    fn nonsense_teaches_nothing() {
        let mut meter = LevelMeter::default();
        let (power, mask) = drum(1.0);
        let level = meter.level(Drum::Ride, &power, &mask);
        for nonsense in [0.0, f32::NAN, f32::INFINITY] {
            let found = meter.level(Drum::Ride, &[nonsense; BAND_COUNT], &mask);
            assert_eq!(found, 0.0);
        }
        assert_eq!(meter.level(Drum::Ride, &power, &mask), level);
    }
}
