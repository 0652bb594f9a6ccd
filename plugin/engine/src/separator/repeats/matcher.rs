//! Finds a known sound in what is heard: where, how loud, how like.

use std::{fmt, ops::Range, sync::Arc};

use multiversion::multiversion;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex, num_complex::Complex32};

/// Bins over which power is averaged to each side: 270 Hz in all.
const SMOOTH_HZ: f64 = 130.0;
/// Below this nothing is compared: rumble.
const LOWEST_HZ: f64 = 40.0;
/// Share of a comparison that fades out at its end.
const FADE_SHARE: f64 = 0.12;
/// Mean power per bin of what is silent.
const SILENCE: f32 = 1e-9;
/// Power relative to the mean that every bin counts as at least.
const FLOOR: f32 = 1e-4;

/// What the comparison needs of a sound.
#[derive(Debug, Clone)]
pub struct Fingerprint {
    spectra: [Vec<Complex32>; 2],
    /// Of both channels, smoothed.
    power: Vec<f32>,
    /// Its mean.
    level: f32,
}

/// A sound found again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Match {
    /// −1 to 1; 1 if nothing else is heard where the sound has its power.
    pub likeness: f32,
    /// Sample of the segment at which the sound begins.
    pub at: f64,
    /// Factor on the sound.
    pub gain: f32,
}

/// Compares in the frequency domain (a generalised cross-correlation): a bin counts by the
/// square of the sound's share of what is heard there, so that a hat is found under a kick
/// and a kick under a hat. Real-time safe after construction.
pub struct Matcher {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
    /// Samples of a sound that are compared.
    compared: usize,
    fade: usize,
    smooth: usize,
    lowest: usize,
    segment: [Vec<Complex32>; 2],
    /// Number of channels of the segment that differ.
    channels: usize,
    power: Vec<f32>,
    /// Its mean.
    level: f32,
    product: Vec<Complex32>,
    correlation: Vec<f32>,
    time: Vec<f32>,
    raw: Vec<f32>,
    scratch: Vec<Complex32>,
}

impl fmt::Debug for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Matcher")
            .field("compared", &self.compared)
            .finish_non_exhaustive()
    }
}

impl Matcher {
    /// For segments of up to `segment` samples and the first `compared` of sounds.
    /// Allocates.
    pub fn new(sample_rate_hz: f64, segment: usize, compared: usize) -> Matcher {
        let mut planner = RealFftPlanner::new();
        let forward = planner.plan_fft_forward(segment);
        let inverse = planner.plan_fft_inverse(segment);
        let scratch = forward.get_scratch_len().max(inverse.get_scratch_len());
        let bins = segment / 2 + 1;
        let bin_hz = sample_rate_hz / segment as f64;
        Matcher {
            compared: compared.min(segment),
            fade: ((FADE_SHARE * compared as f64) as usize).max(1),
            smooth: ((SMOOTH_HZ / bin_hz) as usize).clamp(1, bins / 4),
            lowest: ((LOWEST_HZ / bin_hz) as usize).clamp(1, bins - 1),
            segment: [forward.make_output_vec(), forward.make_output_vec()],
            channels: 1,
            power: vec![0.0; bins],
            level: 0.0,
            product: forward.make_output_vec(),
            correlation: vec![0.0; segment],
            time: vec![0.0; segment],
            raw: vec![0.0; bins],
            scratch: vec![Complex32::default(); scratch],
            forward,
            inverse,
        }
    }

    /// Samples at the beginning of a sound that are compared.
    pub fn compared(&self) -> usize {
        self.compared
    }

    /// An empty fingerprint. Allocates.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint {
            spectra: [(); 2].map(|()| self.forward.make_output_vec()),
            power: vec![0.0; self.power.len()],
            level: 0.0,
        }
    }

    /// Describes the beginning of a sound. Real-time safe.
    pub fn describe(&mut self, sound: [&[f32]; 2], print: &mut Fingerprint) {
        for (samples, spectrum) in sound.iter().zip(&mut print.spectra) {
            let samples = &samples[..samples.len().min(self.compared)];
            self.time.fill(0.0);
            self.time[..samples.len()].copy_from_slice(samples);
            let end = self.compared;
            fade_out(&mut self.time[..end], self.fade);
            transform(&self.forward, &mut self.time, spectrum, &mut self.scratch);
        }
        let [left, right] = &print.spectra;
        smoothed_power([left, right], self.smooth, &mut self.raw, &mut print.power);
        print.level = mean(&print.power[self.lowest..]);
    }

    /// Takes what is heard, up to one segment; both channels are one if they agree.
    /// Real-time safe.
    pub fn listen(&mut self, heard: [&[f32]; 2]) {
        self.channels = if heard[0] == heard[1] { 1 } else { 2 };
        for (samples, spectrum) in heard.iter().zip(&mut self.segment).take(self.channels) {
            let count = samples.len().min(self.time.len());
            self.time.fill(0.0);
            self.time[..count].copy_from_slice(&samples[..count]);
            fade_out(&mut self.time[..count], self.fade);
            transform(&self.forward, &mut self.time, spectrum, &mut self.scratch);
        }
        self.weigh();
    }

    fn weigh(&mut self) {
        let [left, right] = &self.segment;
        let other = if self.channels == 2 { right } else { left };
        smoothed_power([left, other], self.smooth, &mut self.raw, &mut self.power);
        self.level = mean(&self.power[self.lowest..]);
    }

    /// The best place of the sound within `places` of the segment; none if it is silent or
    /// the wrong way round. Real-time safe.
    pub fn find(&mut self, print: &Fingerprint, places: Range<usize>) -> Option<Match> {
        if print.level < SILENCE || self.level < SILENCE {
            return None;
        }
        let (bins, lowest) = (self.power.len(), self.lowest);
        let scales = (1.0 / print.level, 1.0 / self.level);
        let weights = &mut self.raw[lowest..];
        weigh_bins(
            &self.power[lowest..],
            &print.power[lowest..],
            scales,
            weights,
        );
        self.product.fill(Complex32::default());
        for (heard, own) in self.segment.iter().zip(&print.spectra).take(self.channels) {
            let product = &mut self.product[lowest..];
            multiply(&heard[lowest..], &own[lowest..], weights, product);
        }
        let (mut own, mut heard) = (0.0_f64, 0.0_f64);
        for (bin, weight) in (lowest..).zip(weights.iter()) {
            for channel in 0..self.channels {
                let (a, b) = (self.segment[channel][bin], print.spectra[channel][bin]);
                own += f64::from(weight * b.norm_sqr());
                heard += f64::from(weight * a.norm_sqr());
            }
        }
        self.product[bins - 1].im = 0.0;
        let done = self.inverse.process_with_scratch(
            &mut self.product,
            &mut self.correlation,
            &mut self.scratch,
        );
        debug_assert!(done.is_ok(), "buffers were made for the plan");
        let places = places.start..places.end.min(self.correlation.len());
        let best = places
            .clone()
            .max_by(|&a, &b| self.correlation[a].total_cmp(&self.correlation[b]))?;
        // The transform counts every bin but the two at the ends twice.
        let peak = f64::from(0.5 * self.correlation[best]);
        let (likeness, gain) = ((peak / (own * heard).sqrt()) as f32, (peak / own) as f32);
        if !(likeness > 0.0 && likeness.is_finite() && gain.is_finite()) {
            return None;
        }
        let mut at = best as f64;
        if best > places.start && best + 1 < places.end {
            let [before, here, after] = [best - 1, best, best + 1].map(|n| self.correlation[n]);
            let curve = before - 2.0 * here + after;
            if curve < 0.0 {
                at += f64::from((0.5 * (before - after) / curve).clamp(-0.5, 0.5));
            }
        }
        Some(Match {
            likeness: likeness.min(1.0),
            at,
            gain,
        })
    }

    /// Takes a sound that was found off the segment. Real-time safe.
    pub fn subtract(&mut self, print: &Fingerprint, found: &Match) {
        let angle = -std::f64::consts::TAU * found.at / self.time.len() as f64;
        let step = Complex32::from_polar(1.0, angle as f32);
        let mut turn = Complex32::new(found.gain, 0.0);
        for bin in 0..self.power.len() {
            for channel in 0..self.channels {
                self.segment[channel][bin] -= print.spectra[channel][bin] * turn;
            }
            turn *= step;
        }
        self.weigh();
    }
}

/// How much each bin counts, from the power that is heard and that of the sound, whose
/// means have the inverses `scales`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn weigh_bins(heard: &[f32], own: &[f32], (own_scale, scale): (f32, f32), weights: &mut [f32]) {
    for (weight, (heard, own)) in weights.iter_mut().zip(heard.iter().zip(own)) {
        let power = scale * heard + FLOOR;
        *weight = own_scale * own / (power * power);
    }
}

/// Adds the weighted product of what is heard and the conjugate of the sound.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn multiply(heard: &[Complex32], own: &[Complex32], weights: &[f32], product: &mut [Complex32]) {
    let bins = heard.iter().zip(own).zip(weights);
    for (product, ((a, b), weight)) in product.iter_mut().zip(bins) {
        *product += a * b.conj() * weight;
    }
}

fn mean(values: &[f32]) -> f32 {
    values.iter().sum::<f32>() / values.len().max(1) as f32
}

fn fade_out(samples: &mut [f32], fade: usize) {
    for (n, sample) in samples.iter_mut().rev().take(fade).enumerate() {
        *sample *= n as f32 / fade as f32;
    }
}

fn transform(
    forward: &Arc<dyn RealToComplex<f32>>,
    time: &mut [f32],
    spectrum: &mut [Complex32],
    scratch: &mut [Complex32],
) {
    let done = forward.process_with_scratch(time, spectrum, scratch);
    debug_assert!(done.is_ok(), "buffers were made for the plan");
}

/// Power of both channels, averaged over `reach` bins to each side.
fn smoothed_power(
    [left, right]: [&[Complex32]; 2],
    reach: usize,
    raw: &mut [f32],
    power: &mut [f32],
) {
    for (raw, (l, r)) in raw.iter_mut().zip(left.iter().zip(right)) {
        *raw = l.norm_sqr() + r.norm_sqr();
    }
    let bins = raw.len();
    // In double precision: what leaves the sum must leave nothing behind.
    let mut sum: f64 = raw[..reach].iter().map(|&p| f64::from(p)).sum();
    let scale = 1.0 / (2 * reach + 1) as f64;
    for bin in 0..bins {
        if bin + reach < bins {
            sum += f64::from(raw[bin + reach]);
        }
        power[bin] = (sum * scale).max(0.0) as f32;
        if bin >= reach {
            sum -= f64::from(raw[bin - reach]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: f64 = 44_100.0;

    fn ring(n: f64, pitch: f64, decay: f64) -> f32 {
        if n < 0.0 {
            return 0.0;
        }
        ((pitch * n).sin() * (-n / decay).exp() * (1.0 - (-n / 4.0).exp())) as f32
    }

    #[test]
    fn a_soft_hat_is_found_under_a_kick_and_the_kick_under_it() {
        let mut matcher = Matcher::new(RATE_HZ, 2560, 1848);
        let kick = |n: f64| 3.0 * ring(n, 0.01, 900.0);
        let hat = |n: f64| 0.1 * (ring(n, 1.3, 300.0) + ring(n, 2.2, 200.0));
        let sound = |of: &dyn Fn(f64) -> f32| -> Vec<f32> {
            (0..4000).map(|n| of(n as f64 - 96.0)).collect()
        };
        let mut prints = [(); 2].map(|()| matcher.fingerprint());
        let (low, high) = (sound(&kick), sound(&hat));
        matcher.describe([&low, &low], &mut prints[0]);
        matcher.describe([&high, &high], &mut prints[1]);
        for (kick_at, hat_at) in [(150.0, 161.0), (133.5, 120.25)] {
            let heard: Vec<f32> = (0..2400)
                .map(|n| {
                    let n = f64::from(n) - 96.0;
                    0.7 * kick(n - kick_at) + 1.6 * hat(n - hat_at)
                })
                .collect();
            matcher.listen([&heard, &heard]);
            let found = matcher.find(&prints[0], 60..240).unwrap();
            assert!(found.likeness > 0.9, "{found:?}");
            assert!((found.at - kick_at).abs() < 1.0, "{found:?}");
            matcher.subtract(&prints[0], &found);
            let found = matcher.find(&prints[1], 60..240).unwrap();
            assert!(found.likeness > 0.8, "{found:?}");
            assert!((found.at - hat_at).abs() < 0.1, "{found:?}");
            assert!((found.gain - 1.6).abs() < 0.25, "{found:?}");
        }
    }

    #[test]
    fn other_sounds_and_silence_are_not_alike() {
        let mut matcher = Matcher::new(RATE_HZ, 2560, 1848);
        let mut print = matcher.fingerprint();
        let silence = vec![0.0; 2560];
        assert_eq!(matcher.find(&print, 0..100), None);
        let mut seed = 1_u32;
        let mut noise = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let one: Vec<f32> = (0..2560).map(|_| noise()).collect();
        let other: Vec<f32> = (0..2560).map(|_| noise()).collect();
        matcher.describe([&one, &one], &mut print);
        matcher.listen([&silence, &silence]);
        assert_eq!(matcher.find(&print, 0..100), None);
        matcher.listen([&other, &one]);
        let found = matcher.find(&print, 50..250);
        assert!(found.is_none_or(|found| found.likeness < 0.3), "{found:?}");
    }
}
