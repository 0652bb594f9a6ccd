//! A sound laid between the samples of a signal.

use std::{f64::consts::PI, ops::Range};

use multiversion::multiversion;

/// Length of the filter between samples.
const TAPS: i64 = 16;
/// Samples of it that lie before the place.
const BEFORE: i64 = TAPS / 2 - 1;
/// Nearer than this a sample counts as hit: drum machines play whole samples.
const ON_SAMPLE: f64 = 0.06;

/// Where a sound begins in a signal, to a fraction of a sample. Real-time safe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    at: f64,
    whole: i64,
    /// Windowed sinc; none on a sample.
    taps: Option<[f32; TAPS as usize]>,
}

impl Place {
    /// Samples around the place that count beside those under it.
    pub const MARGIN: i64 = TAPS / 2;

    /// The sound begins at sample `at` of the signal.
    pub fn new(at: f64) -> Place {
        let nearest = at.round();
        if (at - nearest).abs() < ON_SAMPLE {
            return Place {
                at,
                whole: nearest as i64,
                taps: None,
            };
        }
        let whole = at.floor();
        let share = at - whole;
        let taps = std::array::from_fn(|tap| {
            let x = (tap as i64 - BEFORE) as f64 - share;
            let sinc = (PI * x).sin() / (PI * x);
            let window = 0.5 + 0.5 * (PI * x / (TAPS as f64 / 2.0 + 0.5)).cos();
            (sinc * window) as f32
        });
        Place {
            at,
            whole: whole as i64,
            taps: Some(taps),
        }
    }

    /// The place itself.
    pub fn at(&self) -> f64 {
        self.at
    }

    /// The sample at or before the place.
    pub fn whole(&self) -> i64 {
        self.whole
    }

    /// Samples of the signal that a sound of `length` samples reaches.
    pub fn span(&self, length: usize) -> Range<i64> {
        self.whole - Self::MARGIN..self.whole + length as i64 + Self::MARGIN
    }

    /// Adds `gain` times `sound` to the part `out` of the signal, which begins at its
    /// sample `first`.
    pub fn add(&self, sound: &[f32], gain: f32, first: i64, out: &mut [f32]) {
        let Some(taps) = &self.taps else {
            add_scaled(sound, gain, first - self.whole, out);
            return;
        };
        let weights = taps.map(|weight| gain * weight);
        filter(sound, &weights, first - self.whole + BEFORE, -1, out);
    }

    /// Adds what lies under the samples from `from` on of the sound, out of the part
    /// `signal`, which begins at sample `first`, to `out`; of what follows, later.
    pub fn read(&self, signal: &[f32], first: i64, from: usize, out: &mut [f32]) {
        let start = self.whole + from as i64 - first;
        let Some(taps) = &self.taps else {
            add_scaled(signal, 1.0, start, out);
            return;
        };
        filter(signal, taps, start - BEFORE, 1, out);
    }
}

/// Adds `source` to `out` once per weight: for the first from its sample `skipped` on, for each
/// that follows from `step` (1 or −1) samples later on. Samples that all reach are added to
/// in one go, and come out as if it had been one weight after the other.
fn filter(
    source: &[f32],
    weights: &[f32; TAPS as usize],
    skipped: i64,
    step: i64,
    out: &mut [f32],
) {
    let last = skipped + (TAPS - 1) * step;
    let (least, most) = (skipped.min(last), skipped.max(last));
    let begin = (-least).clamp(0, out.len() as i64) as usize;
    let end = (source.len() as i64 - most).clamp(begin as i64, out.len() as i64) as usize;
    let (out, after) = out.split_at_mut(end);
    let (before, inside) = out.split_at_mut(begin);
    for (edge, from) in [(before, 0), (after, end as i64)] {
        for (n, weight) in (0..).zip(weights) {
            add_scaled(source, *weight, skipped + n * step + from, edge);
        }
    }
    if !inside.is_empty() {
        let mut ordered = *weights;
        if step < 0 {
            ordered.reverse();
        }
        let source = &source[(begin as i64 + least) as usize..];
        add_taps(source, &ordered, step < 0, inside);
    }
}

/// Adds to every sample what `weights` make of the samples of `source` from there on, the last
/// weight first if they are `reversed`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn add_taps(source: &[f32], weights: &[f32; TAPS as usize], reversed: bool, out: &mut [f32]) {
    const LANES: usize = 32;
    let taps = TAPS as usize;
    let order = |tap: usize| if reversed { taps - 1 - tap } else { tap };
    let whole = out.len() / LANES * LANES;
    let (lanes, last) = out.as_chunks_mut::<LANES>();
    for (lanes, source) in lanes
        .iter_mut()
        .zip(source.windows(LANES + taps - 1).step_by(LANES))
    {
        let mut sums = *lanes;
        for tap in (0..taps).map(order) {
            let part = &source[tap..tap + LANES];
            for (sum, sample) in sums.iter_mut().zip(part) {
                *sum += weights[tap] * sample;
            }
        }
        *lanes = sums;
    }
    for (out, source) in last.iter_mut().zip(source[whole..].windows(taps)) {
        for tap in (0..taps).map(order) {
            *out += weights[tap] * source[tap];
        }
    }
}

/// Adds `gain` times `source`, from its sample `skipped` on (which may lie before it), to
/// `out`.
#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn add_scaled(source: &[f32], gain: f32, skipped: i64, out: &mut [f32]) {
    let lead = (-skipped).clamp(0, out.len() as i64) as usize;
    let from = skipped.max(0).min(source.len() as i64) as usize;
    for (out, sample) in out[lead..].iter_mut().zip(&source[from..]) {
        *out += gain * sample;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(n: f64) -> f32 {
        ((0.9 * n).sin() * (-(n - 60.0).powi(2) / 400.0).exp()) as f32
    }

    #[test]
    fn a_sound_is_laid_between_samples_and_read_back() {
        let sound: Vec<f32> = (0..128).map(|n| tone(n as f64)).collect();
        for at in [40.0, 40.25, 40.5, 40.9, -20.4] {
            let place = Place::new(at);
            let mut signal = vec![0.0; 256];
            // In parts, as a stream.
            for part in 0..4 {
                let span = part * 64..(part + 1) * 64;
                place.add(&sound, 2.0, span.start as i64, &mut signal[span]);
            }
            for (n, sample) in signal.iter().enumerate() {
                let expected = 2.0 * tone(n as f64 - at);
                assert!(
                    (sample - expected).abs() < 2e-2,
                    "{at}: {sample} {expected}"
                );
            }
            let mut back = vec![0.0; 40];
            for (part, first) in signal.chunks(64).zip((0..).step_by(64)) {
                place.read(part, first, 40, &mut back);
            }
            for (n, sample) in back.iter().enumerate() {
                assert!((sample - 2.0 * sound[40 + n]).abs() < 3e-2, "{at}");
            }
        }
    }

    #[test]
    fn many_taps_at_once_add_as_one_after_the_other() {
        let place = Place::new(7.4);
        let taps = place.taps.unwrap();
        let source: Vec<f32> = (0..150).map(|n| tone(f64::from(n) * 0.7)).collect();
        for (first, length) in [(0, 160), (-30, 20), (5, 33), (100, 90), (150, 40), (10, 64)] {
            let old: Vec<f32> = (0..length).map(|n| n as f32 * 0.01).collect();
            let (mut added, mut expected) = (old.clone(), old.clone());
            place.add(&source, 1.7, first, &mut added);
            for (tap, weight) in (-BEFORE..).zip(&taps) {
                add_scaled(
                    &source,
                    1.7 * weight,
                    first - place.whole - tap,
                    &mut expected,
                );
            }
            assert_eq!(added, expected, "{first} {length}");
            let (mut read, mut expected) = (old.clone(), old);
            place.read(&source, first, 20, &mut read);
            for (tap, weight) in (-BEFORE..).zip(&taps) {
                let start = place.whole + 20 - first + tap;
                add_scaled(&source, *weight, start, &mut expected);
            }
            assert_eq!(read, expected, "{first} {length}");
        }
    }

    #[test]
    fn nothing_is_read_outside() {
        let place = Place::new(10.5);
        let mut out = [0.0; 8];
        place.read(&[1.0; 4], 500, 3, &mut out);
        assert_eq!(out, [0.0; 8]);
        place.add(&[1.0; 4], 1.0, -300, &mut out);
        place.add(&[], 1.0, 10, &mut out);
        assert_eq!(out, [0.0; 8]);
    }
}
