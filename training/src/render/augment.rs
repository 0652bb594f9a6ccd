//! A hit as it sounds in one piece: re-pitched, shortened, coloured.

use crate::{
    dsp::{Biquad, RATE_HZ},
    kits::Sample,
    random::Random,
};

/// Changes that all hits of one sound share within a piece.
#[derive(Debug, Clone)]
pub(super) struct Treatment {
    /// Playback speed.
    speed: f32,
    /// Extra decay; infinity leaves the hit as it is.
    tau_s: f32,
    /// The extra decay of what lies above `split_hz`.
    high_tau_s: f32,
    split_hz: f32,
    filters: Vec<Biquad>,
    /// Gain of the first milliseconds relative to the rest, minus one.
    snap: f32,
}

impl Treatment {
    /// Draws a treatment; `wildness` 0 changes nothing, 1 is the training
    /// range (pitch ±30 %).
    pub(super) fn draw(wildness: f32, random: &mut Random) -> Treatment {
        let wild = |value: f32| value * wildness;
        let speed = 1.3_f32.powf(wild(random.range(-1.0, 1.0)));
        let shorten = random.chance(wild(0.4));
        let tau_s = if shorten {
            random.log_range(0.05, 1.2)
        } else {
            f32::INFINITY
        };
        let dampen = random.chance(wild(0.25));
        let high_tau_s = if dampen {
            random.log_range(0.03, 0.8)
        } else {
            f32::INFINITY
        };
        let mut filters = Vec::new();
        if random.chance(wild(0.7)) {
            let tilt_db = random.range(-7.0, 7.0);
            filters.push(Biquad::high_shelf(
                random.log_range(600.0, 5_000.0),
                tilt_db,
            ));
        }
        for _ in 0..2 {
            if random.chance(wild(0.5)) {
                filters.push(Biquad::peak(
                    random.log_range(60.0, 12_000.0),
                    random.log_range(0.5, 4.0),
                    4.5 * random.normal(),
                ));
            }
        }
        if random.chance(wild(0.12)) {
            filters.push(Biquad::low_pass(random.log_range(2_500.0, 14_000.0), 0.7));
        }
        if random.chance(wild(0.1)) {
            filters.push(Biquad::high_pass(random.log_range(40.0, 250.0), 0.7));
        }
        let snap = if random.chance(wild(0.35)) {
            random.range(-0.6, 1.2)
        } else {
            0.0
        };
        Treatment {
            speed,
            tau_s,
            high_tau_s,
            split_hz: random.log_range(1_500.0, 6_000.0),
            filters,
            snap,
        }
    }

    /// The same, but ringing at least this long.
    pub(super) fn ringing(mut self, least_s: f32) -> Treatment {
        self.tau_s = self.tau_s.max(least_s);
        self.high_tau_s = self.high_tau_s.max(least_s);
        self
    }

    #[cfg(test)]
    pub(super) fn shortest_decay_s(&self) -> f32 {
        self.tau_s.min(self.high_tau_s)
    }

    /// The treated hit and the position of its onset, in samples.
    pub(super) fn apply(&self, sample: &Sample) -> (Vec<f32>, f32) {
        let mut audio = resample(&sample.audio, self.speed);
        for filter in &self.filters {
            filter.run(&mut audio);
        }
        let onset = sample.onset / self.speed;
        if self.high_tau_s.is_finite() {
            // The complement of a low-pass decays faster than the rest.
            let mut low = Biquad::low_pass(self.split_hz, 0.5);
            decay(&mut audio, onset, self.high_tau_s, |s| {
                let low = low.tick(s);
                (low, s - low)
            });
        }
        if self.tau_s.is_finite() {
            decay(&mut audio, onset, self.tau_s, |s| (0.0, s));
        }
        if self.snap != 0.0 {
            let shrink = (-1.0 / (0.006 * RATE_HZ)).exp();
            let mut extra = self.snap;
            let start = (onset as usize).min(audio.len());
            for sample in &mut audio[..start] {
                *sample *= 1.0 + extra;
            }
            for sample in &mut audio[start..] {
                *sample *= 1.0 + extra;
                extra *= shrink;
            }
        }
        let fade = audio.len().min(64);
        let start = audio.len() - fade;
        for (n, sample) in audio[start..].iter_mut().enumerate() {
            *sample *= 1.0 - (n + 1) as f32 / fade as f32;
        }
        (audio, onset)
    }
}

/// Lets the second part of every sample's `split` decay from `onset` on.
fn decay(audio: &mut [f32], onset: f32, tau_s: f32, mut split: impl FnMut(f32) -> (f32, f32)) {
    let shrink = (-1.0 / (tau_s * RATE_HZ)).exp();
    let mut gain = 1.0;
    for (n, sample) in audio.iter_mut().enumerate() {
        let (kept, decaying) = split(*sample);
        *sample = kept + gain * decaying;
        if n as f32 > onset {
            gain *= shrink;
        }
    }
}

/// Playback at `speed` by cubic interpolation.
fn resample(audio: &[f32], speed: f32) -> Vec<f32> {
    if (speed - 1.0).abs() < 1e-4 || audio.len() < 4 {
        return audio.to_vec();
    }
    let length = ((audio.len() - 3) as f64 / f64::from(speed)) as usize;
    (0..length)
        .map(|n| cubic(audio, n as f64 * f64::from(speed)))
        .collect()
}

/// What lies at `position` (in samples) between the samples; silence outside.
pub(super) fn cubic(audio: &[f32], position: f64) -> f32 {
    let at = |index: isize| {
        usize::try_from(index).map_or(0.0, |index| audio.get(index).copied().unwrap_or(0.0))
    };
    let index = position as isize;
    let t = (position - index as f64) as f32;
    let [a, b, c, d] = [at(index - 1), at(index), at(index + 1), at(index + 2)];
    let slope_b = 0.5 * (c - a);
    let slope_c = 0.5 * (d - b);
    let rise = c - b;
    b + t
        * (slope_b
            + t * (3.0 * rise - 2.0 * slope_b - slope_c + t * (slope_b + slope_c - 2.0 * rise)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f32::consts::TAU;

    #[test]
    fn resampling_shifts_pitch_and_onset() {
        let audio: Vec<f32> = (0..4_410)
            .map(|n| (TAU * 441.0 * n as f32 / RATE_HZ).sin())
            .collect();
        let faster = resample(&audio, 1.25);
        assert!((faster.len() as f32 / 4_410.0 - 0.8).abs() < 0.01);
        for (n, sample) in faster.iter().enumerate().skip(2).step_by(97) {
            let expected = (TAU * 441.0 * 1.25 * n as f32 / RATE_HZ).sin();
            assert!((sample - expected).abs() < 2e-3, "{n}");
        }
    }

    #[test]
    fn no_wildness_changes_nothing_but_the_very_end() {
        let treatment = Treatment::draw(0.0, &mut Random::new(&[5]));
        let sample = Sample {
            audio: (0..500).map(|n| (n as f32 * 0.1).sin()).collect(),
            onset: 30.0,
            velocity: 1.0,
            is_alternate: false,
        };
        let (audio, onset) = treatment.apply(&sample);
        assert_eq!(onset, 30.0);
        assert_eq!(audio[..400], sample.audio[..400]);
    }
}
