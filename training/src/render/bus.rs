//! The mix bus. Non-linear processing is turned into a gain over time, found
//! on the mix and applied to the stems, so that stems still sum to the mix.

use crate::{
    dsp::{Biquad, RATE_HZ, from_db},
    random::Random,
};

/// What the bus does to a piece.
#[derive(Debug, Clone)]
pub(super) struct Bus {
    filters: Vec<Biquad>,
    compressor: Option<Compressor>,
    /// A crushed copy beside the mix.
    parallel: Option<Parallel>,
    /// Gain into a soft curve.
    drive: Option<f32>,
    /// Level above which samples are cut, relative to the peak.
    clip: Option<f32>,
    /// Peak of the result.
    peak: f32,
    /// Noise below the peak.
    noise: Option<f32>,
}

/// Parallel compression: room and ghost notes come up, attacks stay.
#[derive(Debug, Clone)]
struct Parallel {
    compressor: Compressor,
    /// Gain of the crushed copy.
    level: f32,
}

#[derive(Debug, Clone)]
struct Compressor {
    threshold_db: f32,
    slope: f32,
    attack_s: f32,
    release_s: f32,
}

impl Bus {
    /// Draws a bus; `wildness` 0 only sets the level, 1 is the training range.
    /// `parallel_share` of them have parallel compression besides.
    pub(super) fn draw(wildness: f32, parallel_share: f32, random: &mut Random) -> Bus {
        let mut filters = Vec::new();
        if random.chance(0.4 * wildness) {
            let shelf_db = random.range(-6.0, 6.0);
            filters.push(Biquad::high_shelf(
                random.log_range(1_000.0, 6_000.0),
                shelf_db,
            ));
        }
        for _ in 0..2 {
            if random.chance(0.3 * wildness) {
                let peak_db = 3.5 * random.normal();
                filters.push(Biquad::peak(random.log_range(60.0, 10_000.0), 0.9, peak_db));
            }
        }
        if random.chance(0.12 * wildness) {
            filters.push(Biquad::low_pass(random.log_range(4_000.0, 16_000.0), 0.7));
        }
        if random.chance(0.1 * wildness) {
            filters.push(Biquad::high_pass(random.log_range(25.0, 90.0), 0.7));
        }
        let compressor = random.chance(0.5 * wildness).then(|| Compressor {
            threshold_db: random.range(-26.0, -6.0),
            slope: 1.0 - 1.0 / random.log_range(1.5, 8.0),
            attack_s: random.log_range(0.0005, 0.03),
            release_s: random.log_range(0.04, 0.4),
        });
        let mut bus = Bus {
            filters,
            compressor,
            parallel: None,
            drive: random
                .chance(0.35 * wildness)
                .then(|| random.log_range(0.5, 4.0)),
            clip: random
                .chance(0.08 * wildness)
                .then(|| random.range(0.5, 0.95)),
            // Quiet recordings are no wilder than loud ones.
            peak: from_db(random.range(-30.0, 0.0) * (8.0 * wildness).min(1.0) - 0.1),
            noise: random
                .chance(0.6 * wildness)
                .then(|| from_db(random.range(-85.0, -45.0))),
        };
        // Drawn last, and only where it is asked for: pieces without it stay what they are.
        if parallel_share > 0.0 && random.chance(parallel_share) {
            bus.parallel = Some(Parallel::draw(random));
        }
        bus
    }

    /// Processes stems and returns the mix, which is their sum. Noise goes to
    /// the last stem.
    pub(super) fn run(&self, stems: &mut [Vec<f32>], random: &mut Random) -> Vec<f32> {
        for stem in stems
            .iter_mut()
            .filter(|stem| stem.iter().any(|s| *s != 0.0))
        {
            for filter in &self.filters {
                filter.run(stem);
            }
        }
        let mut mix = sum(stems);
        let peak = mix.iter().fold(1e-9_f32, |peak, s| peak.max(s.abs()));
        let mut gains = vec![1.0 / peak; mix.len()];
        mix.iter_mut().for_each(|s| *s /= peak);
        if let Some(compressor) = &self.compressor {
            compressor.run(&mut mix, &mut gains);
        }
        if let Some(parallel) = &self.parallel {
            parallel.run(&mut mix, &mut gains);
        }
        if let Some(drive) = self.drive {
            shape(&mut mix, &mut gains, |s| (drive * s).tanh() / drive.tanh());
        }
        if let Some(clip) = self.clip {
            let level = clip * mix.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
            shape(&mut mix, &mut gains, |s| s.clamp(-level, level));
        }
        let last = mix.iter().fold(1e-9_f32, |peak, s| peak.max(s.abs()));
        let level = self.peak / last;
        for stem in stems.iter_mut() {
            for (sample, gain) in stem.iter_mut().zip(&gains) {
                *sample *= gain * level;
            }
        }
        if let (Some(noise), Some(residual)) = (self.noise, stems.last_mut()) {
            for sample in residual {
                *sample += noise * self.peak * random.normal();
            }
        }
        sum(stems)
    }
}

fn sum(stems: &[Vec<f32>]) -> Vec<f32> {
    let mut mix = vec![0.0; stems.first().map_or(0, Vec::len)];
    for stem in stems {
        for (sum, sample) in mix.iter_mut().zip(stem) {
            *sum += sample;
        }
    }
    mix
}

/// Applies a memoryless curve to the mix and notes it as a gain.
fn shape(mix: &mut [f32], gains: &mut [f32], curve: impl Fn(f32) -> f32) {
    // Below this the curve is a straight line.
    const TINY: f32 = 1e-4;
    let slope = curve(TINY) / TINY;
    for (sample, gain) in mix.iter_mut().zip(gains) {
        let factor = if sample.abs() < TINY {
            slope
        } else {
            curve(*sample) / *sample
        };
        *sample *= factor;
        *gain *= factor;
    }
}

impl Parallel {
    fn draw(random: &mut Random) -> Parallel {
        let compressor = Compressor {
            threshold_db: random.range(-45.0, -25.0),
            slope: 1.0 - 1.0 / random.log_range(4.0, 20.0),
            // Slower ones leave the attack uncrushed, and far too loud.
            attack_s: random.log_range(0.0001, 0.002),
            release_s: random.log_range(0.04, 0.3),
        };
        // What is far above the threshold comes back at about the level of the mix.
        let most_lost_db = -compressor.slope * compressor.threshold_db;
        let level = from_db(most_lost_db + random.range(-18.0, -6.0));
        Parallel { compressor, level }
    }

    fn run(&self, mix: &mut [f32], gains: &mut [f32]) {
        let mut crushed = mix.to_vec();
        let mut crushing = vec![1.0; mix.len()];
        self.compressor.run(&mut crushed, &mut crushing);
        for ((sample, noted), crushing) in mix.iter_mut().zip(gains).zip(crushing) {
            let gain = 1.0 + self.level * crushing;
            *sample *= gain;
            *noted *= gain;
        }
    }
}

impl Compressor {
    fn run(&self, mix: &mut [f32], gains: &mut [f32]) {
        /// Gain is computed once per so many samples.
        const STEP: usize = 16;
        let rise = 1.0 - (-1.0 / (self.attack_s * RATE_HZ)).exp();
        let fall = 1.0 - (-1.0 / (self.release_s * RATE_HZ)).exp();
        let mut level = 0.0_f32;
        let mut gain = 1.0_f32;
        for (samples, gains) in mix.chunks_mut(STEP).zip(gains.chunks_mut(STEP)) {
            for sample in samples.iter() {
                let distance = sample.abs() - level;
                level += distance * if distance > 0.0 { rise } else { fall };
            }
            let over_db = 20.0 * level.max(1e-6).log10() - self.threshold_db;
            let target = from_db(-self.slope * over_db.max(0.0));
            let step = (target - gain) / STEP as f32;
            for (sample, noted) in samples.iter_mut().zip(gains) {
                gain += step;
                *sample *= gain;
                *noted *= gain;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parallel_compression_brings_up_what_is_soft() {
        // A loud burst and, half a second later, one 30 dB below it.
        let burst = |n: usize| (n as f32 * 0.2).sin() * (-(n as f32) / 4_000.0).exp();
        let mix: Vec<f32> = (0..44_100_usize)
            .map(|n| {
                let soft = n.checked_sub(22_050).map_or(0.0, burst);
                burst(n) + from_db(-30.0) * soft
            })
            .collect();
        let power = |signal: &[f32]| signal.iter().map(|s| s * s).sum::<f32>();
        for seed in 0..20 {
            let parallel = Parallel::draw(&mut Random::new(&[seed]));
            let mut result = mix.clone();
            let mut gains = vec![1.0; mix.len()];
            parallel.run(&mut result, &mut gains);
            let rise = |range: std::ops::Range<usize>| {
                10.0 * (power(&result[range.clone()]) / power(&mix[range])).log10()
            };
            let (loud_db, soft_db) = (rise(0..22_050), rise(22_050..44_100));
            assert!(
                soft_db > loud_db + 1.0,
                "{seed}: {loud_db} and {soft_db} dB"
            );
            for ((result, before), gain) in result.iter().zip(&mix).zip(&gains) {
                assert!((result - before * gain).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn without_parallel_compression_pieces_stay_what_they_are() {
        let draw = |share| {
            let mut random = Random::new(&[7]);
            let bus = Bus::draw(1.0, share, &mut random);
            (format!("{bus:?}"), random.unit())
        };
        let (without, next) = draw(0.0);
        let (with, other) = draw(1.0);
        assert_eq!(
            with.split("parallel").next(),
            without.split("parallel").next()
        );
        assert!(without.contains("parallel: None") && !with.contains("parallel: None"));
        assert_ne!(next, other);
    }
}
