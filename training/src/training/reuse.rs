//! Using a rendered piece again with another equalisation and level: of the whole, or of
//! each drum on its own.
//!
//! A filter on the whole mixture leaves each stem's share of a band's power as it is; one on
//! a stem changes shares and sum as powers do that add up.

use idm_engine::{
    drum::{DRUM_COUNT, Drum, STEM_COUNT},
    front_end::{
        BAND_COUNT, LOG_FLOOR_POWER, LOG_OFFSET, LOG_SCALE, LOW_BAND_COUNT, band_centre_hz,
        log_feature, low_band_centre_hz,
    },
};

use crate::{
    losses::UNDECIDED,
    random::Random,
    render::{TrainingExample, set_ratios},
};

/// A smooth random response over the logarithm of frequency, in power.
#[derive(Debug, Clone)]
struct Response {
    level_db: f32,
    waves: [(f32, f32, f32); 3],
}

impl Response {
    fn draw(random: &mut Random, level_db: f32, most_db: f32) -> Response {
        let wave = |cycles: f32, random: &mut Random| {
            let phase = random.range(0.0, std::f32::consts::TAU);
            (
                cycles * random.range(0.6, 1.4),
                phase,
                most_db * random.bipolar() / cycles.sqrt(),
            )
        };
        Response {
            level_db,
            waves: [wave(0.5, random), wave(1.0, random), wave(2.5, random)],
        }
    }

    fn power_at(&self, frequency_hz: f32) -> f32 {
        // 0 at 20 Hz, 1 at 20 kHz.
        let position = (frequency_hz / 20.0).log10() / 3.0;
        let waves = self.waves.iter().map(|(cycles, phase, depth_db)| {
            depth_db * (std::f32::consts::TAU * cycles * position + phase).cos()
        });
        let gain_db = self.level_db + waves.sum::<f32>() * 0.6;
        10.0_f32.powf(gain_db / 10.0)
    }

    /// Power gains of the bands.
    fn bands(&self) -> [f32; BAND_COUNT] {
        std::array::from_fn(|band| self.power_at(band_centre_hz(band as f64) as f32))
    }
}

/// Applies a random equalisation of about `most_db` dB and a level change.
pub fn vary(example: &mut TrainingExample, random: &mut Random, most_db: f32) {
    let level_db = random.range(-9.0, 3.0);
    let response = Response::draw(random, level_db, most_db);
    let low: [f32; LOW_BAND_COUNT] =
        std::array::from_fn(|band| response.power_at(low_band_centre_hz(band as f64) as f32));
    let gains = response.bands();
    for row in example.mix_power.chunks_exact_mut(BAND_COUNT) {
        for (power, gain) in row.iter_mut().zip(&gains) {
            *power *= gain;
        }
    }
    for row in example.frame.chunks_exact_mut(BAND_COUNT) {
        amplify(row, &gains);
    }
    for row in example.low.chunks_exact_mut(LOW_BAND_COUNT) {
        amplify(row, &low);
    }
}

/// Features were heard at another level than the power, which is why they change by gains.
fn amplify(features: &mut [f32], gains: &[f32]) {
    for (feature, gain) in features.iter_mut().zip(gains) {
        let power = ((*feature - LOG_OFFSET) / LOG_SCALE).exp() - LOG_FLOOR_POWER;
        *feature = log_feature(power.max(0.0) * gain);
    }
}

/// Scatter of a drum's level, in dB, and the largest rise: shares are stored as bytes, and
/// what is lifted further shows their steps.
const DRUM_LEVEL_DB: (f32, f32) = (4.0, 8.0);
/// How often a drum all but disappears, and how soft it then is. Not silent: where it was
/// loud, nothing is known of what else there is, and a hole would take the place of it.
const HIDDEN_SHARE: f32 = 0.07;
const HIDDEN_DB: f32 = -26.0;
/// Frames in a long window, as the short ones are counted.
const LONG_FRAMES: usize = 13;

/// Changes each drum on its own: an equalisation of about `most_db` dB, another level, now
/// and then one at which nobody could say whether it is played. Both hats change alike, and
/// the toms.
pub fn vary_drums(example: &mut TrainingExample, random: &mut Random, most_db: f32) {
    let (gains, hidden) = drum_gains(random, most_db);
    apply(example, &gains);
    leave_open(example, &hidden);
}

/// Gives each stem its power gains.
fn apply(example: &mut TrainingExample, gains: &[[f32; BAND_COUNT]; STEM_COUNT]) {
    let rows = example.frames;
    let mut totals = vec![1.0_f32; rows * BAND_COUNT];
    // What the band powers were, for the low bands.
    let before = example.mix_power.clone();
    let mut powers = [0.0_f32; STEM_COUNT * BAND_COUNT];
    for frame in 0..rows {
        let ratio = &mut example.ratio[frame * STEM_COUNT * BAND_COUNT..][..powers.len()];
        let total = &mut totals[frame * BAND_COUNT..][..BAND_COUNT];
        let mut sums = [0.0_f32; BAND_COUNT];
        let mut known = [0.0_f32; BAND_COUNT];
        for ((powers, ratio), gains) in powers
            .chunks_exact_mut(BAND_COUNT)
            .zip(ratio.chunks_exact(BAND_COUNT))
            .zip(gains)
        {
            for band in 0..BAND_COUNT {
                let share = f32::from(ratio[band]);
                powers[band] = share * gains[band];
                sums[band] += powers[band];
                known[band] += share;
            }
        }
        let power = &mut example.mix_power[frame * BAND_COUNT..][..BAND_COUNT];
        for band in 0..BAND_COUNT {
            // Where nothing is known of shares nothing changes.
            if known[band] > 0.0 {
                total[band] = sums[band] / known[band];
                power[band] *= total[band];
            }
        }
        set_ratios(&powers, ratio);
    }
    for (row, gains) in example
        .frame
        .chunks_exact_mut(BAND_COUNT)
        .zip(totals.chunks_exact(BAND_COUNT))
    {
        amplify(row, gains);
    }
    amplify_low(example, &totals, &before);
}

/// Leaves open whether hidden drums are played.
fn leave_open(example: &mut TrainingExample, hidden: &[bool; STEM_COUNT]) {
    let hits: Vec<usize> = (0..example.onset.len())
        .filter(|&place| example.onset[place] >= 1.0 && hidden[place % DRUM_COUNT])
        .collect();
    for place in hits {
        let around = [
            Some(place),
            place.checked_sub(DRUM_COUNT),
            Some(place + DRUM_COUNT),
        ];
        for near in around.into_iter().flatten() {
            if let Some(onset) = example.onset.get_mut(near) {
                *onset = UNDECIDED;
            }
        }
    }
}

/// Power gains of the stems' bands, and which stems are hidden.
fn drum_gains(
    random: &mut Random,
    most_db: f32,
) -> ([[f32; BAND_COUNT]; STEM_COUNT], [bool; STEM_COUNT]) {
    let mut gains = [[1.0; BAND_COUNT]; STEM_COUNT];
    let mut hidden = [false; STEM_COUNT];
    for stem in 0..STEM_COUNT {
        let (scatter_db, most_rise_db) = DRUM_LEVEL_DB;
        let level_db = (scatter_db * random.normal()).min(most_rise_db);
        hidden[stem] = random.chance(HIDDEN_SHARE);
        let level_db = if hidden[stem] { HIDDEN_DB } else { level_db };
        let response = Response::draw(random, level_db, most_db);
        let like = match Drum::from_index(stem) {
            Some(Drum::OpenHat) => Some(Drum::ClosedHat),
            Some(Drum::MidTom | Drum::FloorTom) => Some(Drum::HighTom),
            _ => None,
        };
        gains[stem] = match like {
            Some(other) if !hidden[stem] && !hidden[other.index()] => gains[other.index()],
            _ => response.bands(),
        };
    }
    (gains, hidden)
}

/// The low bands hear a longer window: what its frames' nearest band gained, by its power
/// there.
fn amplify_low(example: &mut TrainingExample, totals: &[f32], before: &[f32]) {
    let nearest: [usize; LOW_BAND_COUNT] = std::array::from_fn(|low| {
        let wanted_hz = low_band_centre_hz(low as f64);
        let distance = |band: usize| (band_centre_hz(band as f64) / wanted_hz).ln().abs();
        let closest = (0..BAND_COUNT).min_by(|&a, &b| distance(a).total_cmp(&distance(b)));
        closest.unwrap_or(0)
    });
    let weights: [f32; LONG_FRAMES] = std::array::from_fn(|ago| {
        let phase = std::f32::consts::PI * (ago + 1) as f32 / (LONG_FRAMES + 1) as f32;
        phase.sin().powi(2)
    });
    for (frame, row) in example.low.chunks_exact_mut(LOW_BAND_COUNT).enumerate() {
        let gains: [f32; LOW_BAND_COUNT] = std::array::from_fn(|low| {
            let (mut then, mut now) = (1e-20, 1e-20);
            for (ago, weight) in weights.iter().enumerate().take(frame + 1) {
                let place = (frame - ago) * BAND_COUNT + nearest[low];
                let power = weight * before[place];
                then += power;
                now += power * totals[place];
            }
            now / then
        });
        amplify(row, &gains);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        config::DataConfig,
        render::{RenderConfig, Renderer},
    };

    fn example() -> TrainingExample {
        let config = RenderConfig {
            data: DataConfig {
                procedural_kits: 2,
                piece_s: 4.0,
                ..DataConfig::default()
            },
            ..RenderConfig::default()
        };
        Renderer::new(&config).unwrap().example(3)
    }

    #[test]
    fn gains_of_nothing_change_nothing() {
        let before = example();
        let mut after = before.clone();
        apply(&mut after, &[[1.0; BAND_COUNT]; STEM_COUNT]);
        assert_eq!(after.ratio, before.ratio);
        let pairs = after.frame.iter().chain(&after.low);
        for (new, old) in pairs.zip(before.frame.iter().chain(&before.low)) {
            assert!((new - old).abs() < 1e-3, "{new} {old}");
        }
    }

    #[test]
    fn the_whole_changed_stem_by_stem_is_the_whole_changed() {
        let before = example();
        let (mut together, mut apart) = (before.clone(), before);
        let gains = [0.25; BAND_COUNT];
        for row in together.frame.chunks_exact_mut(BAND_COUNT) {
            amplify(row, &gains);
        }
        apply(&mut apart, &[gains; STEM_COUNT]);
        let cells = apart.frame.iter().zip(&together.frame);
        let silent = apart.ratio.chunks_exact(STEM_COUNT * BAND_COUNT);
        let known: Vec<bool> = silent
            .flat_map(|row| {
                (0..BAND_COUNT)
                    .map(|band| row.iter().skip(band).step_by(BAND_COUNT).any(|&s| s > 0))
                    .collect::<Vec<_>>()
            })
            .collect();
        for ((new, old), known) in cells.zip(known) {
            assert!(!known || (new - old).abs() < 1e-4, "{new} {old}");
        }
    }

    #[test]
    fn hits_of_hidden_drums_are_left_open_and_no_others() {
        let mut example = example();
        let before = example.onset.clone();
        let drum = example.hits[0].drum;
        let mut hidden = [false; STEM_COUNT];
        hidden[drum.index()] = true;
        leave_open(&mut example, &hidden);
        for (place, (new, old)) in example.onset.iter().zip(&before).enumerate() {
            if place % DRUM_COUNT != drum.index() {
                assert_eq!(new, old);
            } else if *old >= 1.0 {
                assert_eq!(*new, UNDECIDED);
            }
        }
        assert!(example.onset.contains(&UNDECIDED));
    }

    #[test]
    fn drums_change_on_their_own_and_hats_together() {
        let drawn = (0..40).map(|seed| drum_gains(&mut Random::new(&[seed]), 6.0));
        let all_play = |(_, hidden): &(_, [bool; STEM_COUNT])| hidden.iter().all(|&hidden| !hidden);
        let (playing, some_hidden): (Vec<_>, Vec<_>) = drawn.partition(all_play);
        assert!(playing.len() > 8 && some_hidden.len() > 8);
        let gains = playing[0].0;
        let [kick, snare, closed, open] = [Drum::Kick, Drum::Snare, Drum::ClosedHat, Drum::OpenHat]
            .map(|drum| gains[drum.index()]);
        assert!(kick != snare && snare != closed);
        assert_eq!(closed, open);
        let mut example = example();
        let before = example.ratio.clone();
        vary_drums(&mut example, &mut Random::new(&[5]), 6.0);
        assert!(example.ratio != before);
        assert!(
            example
                .frame
                .iter()
                .chain(&example.low)
                .all(|value| value.is_finite())
        );
    }
}
