//! Hop and window lengths for a sample rate.

use thiserror::Error;

/// Lowest sample rate that is processed.
pub const MIN_SAMPLE_RATE_HZ: f64 = 8_000.0;
/// Highest sample rate that is processed.
pub const MAX_SAMPLE_RATE_HZ: f64 = 192_000.0;

/// Duration of a hop, from 256 samples at 44.1 kHz (IDM's front end).
pub const HOP_S: f64 = 256.0 / 44_100.0;

/// Equal parts of a hop at whose ends a share of the work is done.
pub const STAGES: usize = 8;

/// A sample rate outside what the engine processes.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[error(
    "sample rate {found_hz} Hz is not supported, expected {MIN_SAMPLE_RATE_HZ} to {MAX_SAMPLE_RATE_HZ} Hz"
)]
pub struct UnsupportedSampleRate {
    /// The refused rate.
    pub found_hz: f64,
}

/// Frame lengths in samples at one sample rate.
///
/// Frame `k` covers the `window_samples` samples that end with sample
/// `(k + 1) * hop_samples - 1` and is therefore centred on sample
/// `(k - 1) * hop_samples`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Framing {
    /// Sample rate the lengths belong to.
    pub sample_rate_hz: f64,
    /// Distance between frames: 256 at 44.1 kHz, 280 at 48 kHz.
    pub hop_samples: usize,
    /// Length of the analysis window: four hops.
    pub window_samples: usize,
    /// Length of the window of the low bands: sixteen hops.
    pub long_window_samples: usize,
}

impl Framing {
    /// The lengths at `sample_rate_hz`.
    ///
    /// The hop is the multiple of eight nearest to 5.8 ms whose eighth has no
    /// prime factor above 7, so that every FFT is fast and a hop divides into
    /// eight equal stages.
    ///
    /// # Errors
    /// A rate outside 8 to 192 kHz, or not finite.
    pub fn for_rate(sample_rate_hz: f64) -> Result<Framing, UnsupportedSampleRate> {
        if !(MIN_SAMPLE_RATE_HZ..=MAX_SAMPLE_RATE_HZ).contains(&sample_rate_hz) {
            return Err(UnsupportedSampleRate {
                found_hz: sample_rate_hz,
            });
        }
        let ideal = sample_rate_hz * HOP_S / STAGES as f64;
        let eighth = (1..=256_usize)
            .filter(|&eighth| is_smooth(eighth))
            .min_by(|&a, &b| {
                let distance = |eighth: usize| (eighth as f64 - ideal).abs();
                distance(a).total_cmp(&distance(b))
            })
            .unwrap_or(32);
        let hop_samples = STAGES * eighth;
        Ok(Framing {
            sample_rate_hz,
            hop_samples,
            window_samples: 4 * hop_samples,
            long_window_samples: 16 * hop_samples,
        })
    }

    /// Index of the frame whose centre is nearest to `sample`. Real-time safe.
    pub fn frame_at(&self, sample: u64) -> u64 {
        sample.saturating_add(self.hop_samples as u64 / 2) / self.hop_samples as u64 + 1
    }

    /// Centre of frame `frame` in samples; frame 0 is centred one hop before
    /// the first sample. Real-time safe.
    pub fn centre_of(&self, frame: u64) -> i64 {
        (frame as i64 - 1) * self.hop_samples as i64
    }
}

/// True if `value` has no prime factor above 7.
fn is_smooth(mut value: usize) -> bool {
    for prime in [2, 3, 5, 7] {
        while value.is_multiple_of(prime) {
            value /= prime;
        }
    }
    value == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_last_equally_long_at_all_rates() {
        for (rate, hop) in [
            (8_000.0, 48),
            (22_050.0, 128),
            (44_100.0, 256),
            (48_000.0, 280),
            (88_200.0, 512),
            (96_000.0, 560),
            (176_400.0, 1024),
            (192_000.0, 1120),
        ] {
            let framing = Framing::for_rate(rate).unwrap();
            assert_eq!(framing.hop_samples, hop, "{rate} Hz");
            let hop_s = hop as f64 / rate;
            assert!((hop_s / HOP_S - 1.0).abs() < 0.04, "{rate} Hz: {hop_s} s");
        }
    }

    #[test]
    fn refuses_absurd_rates() {
        for rate in [0.0, -1.0, 7_999.0, 192_001.0, 1e12, f64::NAN, f64::INFINITY] {
            assert!(Framing::for_rate(rate).is_err(), "{rate}");
        }
    }

    #[test]
    fn frames_and_samples_agree() {
        let framing = Framing::for_rate(44_100.0).unwrap();
        for frame in 1..50 {
            let centre = framing.centre_of(frame) as u64;
            assert_eq!(framing.frame_at(centre), frame);
            assert_eq!(framing.frame_at(centre + 127), frame);
            assert_eq!(framing.frame_at(centre + 128), frame + 1);
        }
    }
}
