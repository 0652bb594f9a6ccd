//! Finds a known sound in what is heard: where, how loud, how like.

mod bins;
mod transforms;

use std::{fmt, ops::Range};

use realfft::num_complex::Complex32;

use bins::{mean, multiply, real_sum, smoothed_power, subtract_turned, weigh_bins, weighted_power};
use transforms::Transforms;

/// Bins over which power is averaged to each side: 270 Hz in all.
const SMOOTH_HZ: f64 = 130.0;
/// Below this nothing is compared: rumble.
const LOWEST_HZ: f64 = 40.0;
/// Rate that is enough to compare at: what lies above half of it tells nothing more.
const ENOUGH_HZ: f64 = 44_100.0;
/// Share of a comparison that fades out at its end.
const FADE_SHARE: f64 = 0.12;
/// Mean power per bin of what is silent.
const SILENCE: f32 = 1e-9;

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
    transforms: Transforms,
    /// Samples per sample of the lower rate.
    stride: usize,
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
    raw: Vec<f32>,
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
        let is_enough = |stride: &usize| {
            segment.is_multiple_of(2 * stride) && sample_rate_hz >= ENOUGH_HZ * *stride as f64
        };
        let stride = [4, 2].into_iter().find(is_enough).unwrap_or(1);
        let bins = segment / stride / 2 + 1;
        let spectrum = || vec![Complex32::default(); bins];
        let bin_hz = sample_rate_hz / segment as f64;
        Matcher {
            transforms: Transforms::new(segment, stride),
            compared: compared.min(segment),
            fade: ((FADE_SHARE * compared as f64) as usize).max(1),
            smooth: ((SMOOTH_HZ / bin_hz) as usize).clamp(1, bins / 4),
            lowest: ((LOWEST_HZ / bin_hz) as usize).clamp(1, bins - 1),
            segment: [spectrum(), spectrum()],
            channels: 1,
            power: vec![0.0; bins],
            level: 0.0,
            product: spectrum(),
            correlation: vec![0.0; segment / stride],
            raw: vec![0.0; bins],
            stride,
        }
    }

    /// Samples at the beginning of a sound that are compared.
    pub fn compared(&self) -> usize {
        self.compared
    }

    /// An empty fingerprint. Allocates.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint {
            spectra: [(); 2].map(|()| vec![Complex32::default(); self.power.len()]),
            power: vec![0.0; self.power.len()],
            level: 0.0,
        }
    }

    /// Describes the beginning of a sound. Real-time safe.
    pub fn describe(&mut self, sound: [&[f32]; 2], print: &mut Fingerprint) {
        for (samples, spectrum) in sound.iter().zip(&mut print.spectra) {
            let samples = &samples[..samples.len().min(self.compared)];
            let end = (self.compared, self.fade);
            self.transforms.spectrum(samples, end, spectrum);
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
            let samples = &samples[..samples.len().min(self.transforms.samples())];
            let end = (samples.len(), self.fade);
            self.transforms.spectrum(samples, end, spectrum);
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
        let power = |spectra: &[Vec<Complex32>; 2]| {
            let channels = spectra.iter().take(self.channels);
            channels
                .map(|spectrum| weighted_power(&spectrum[lowest..], weights))
                .sum::<f64>()
        };
        let (own, heard) = (power(&print.spectra), power(&self.segment));
        self.product[bins - 1].im = 0.0;
        self.transforms.signal(&self.product, &mut self.correlation);
        let peak = self.peak(places)?;
        // The transform counts every bin but the two at the ends twice.
        let height = f64::from(0.5 * peak.here);
        let (likeness, gain) = (
            (height / (own * heard).sqrt()) as f32,
            (height / own) as f32,
        );
        if !(likeness > 0.0 && likeness.is_finite() && gain.is_finite()) {
            return None;
        }
        Some(Match {
            likeness: likeness.min(1.0),
            at: peak.at as f64 + peak.shift(),
            gain,
        })
    }

    /// The highest sample of the correlation within `places`.
    fn peak(&self, places: Range<usize>) -> Option<Peak> {
        let (stride, count) = (self.stride, self.correlation.len());
        let coarse = places.start / stride..places.end.div_ceil(stride).min(count);
        let best = coarse
            .clone()
            .max_by(|&a, &b| self.correlation[a].total_cmp(&self.correlation[b]))?;
        let has_both = best > coarse.start && best + 1 < coarse.end;
        let beside = |at: usize| has_both.then(|| self.correlation[at]);
        let mut peak = Peak {
            at: best,
            here: self.correlation[best],
            beside: beside(best.wrapping_sub(1)).zip(beside(best + 1)),
        };
        if stride == 1 {
            return Some(peak);
        }
        // Samples lie far apart: the highest one can be a good deal lower than what lies
        // between them.
        let value = |at: usize| {
            let angle = std::f64::consts::TAU * at as f64 / self.transforms.samples() as f64;
            2.0 * real_sum(&self.product, angle)
        };
        let middle = (stride as f64 * (best as f64 + peak.shift())).round();
        let at = (middle as usize).clamp(places.start + 1, places.end.max(places.start + 3) - 2);
        let [mut before, mut here, mut after] = [at - 1, at, at + 1].map(value);
        peak.at = at;
        for _ in 0..stride {
            if before > here && before > after && peak.at > places.start + 1 {
                peak.at -= 1;
                (before, here, after) = (value(peak.at - 1), before, here);
            } else if after > here && peak.at + 2 < places.end {
                peak.at += 1;
                (before, here, after) = (here, after, value(peak.at + 1));
            } else {
                break;
            }
        }
        (peak.here, peak.beside) = (here, Some((before, after)));
        Some(peak)
    }

    /// Takes a sound that was found off the segment. Real-time safe.
    pub fn subtract(&mut self, print: &Fingerprint, found: &Match) {
        let angle = -std::f64::consts::TAU * found.at / self.transforms.samples() as f64;
        for (segment, own) in self
            .segment
            .iter_mut()
            .zip(&print.spectra)
            .take(self.channels)
        {
            subtract_turned(own, found.gain, angle, segment);
        }
        self.weigh();
    }
}

/// A peak of the correlation, and the samples on both sides of it if they are known.
struct Peak {
    at: usize,
    here: f32,
    beside: Option<(f32, f32)>,
}

impl Peak {
    /// How far from its sample the peak of a parabola lies.
    fn shift(&self) -> f64 {
        let Some((before, after)) = self.beside else {
            return 0.0;
        };
        let curve = before - 2.0 * self.here + after;
        if curve < 0.0 {
            f64::from((0.5 * (before - after) / curve).clamp(-0.5, 0.5))
        } else {
            0.0
        }
    }
}

#[cfg(test)]
mod tests;
