//! One drum sound.

use thiserror::Error;

use super::ending::{fade_if_cut, heard_samples, peak};

use crate::front_end::{MAX_SAMPLE_RATE_HZ, MIN_SAMPLE_RATE_HZ};

/// Longest one-shot that is accepted.
pub const MAX_ONE_SHOT_S: f64 = 30.0;

/// Why a sound was refused as a one-shot.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum OneShotError {
    /// Neither mono nor stereo.
    #[error("a one-shot has 1 or 2 channels, found {found}")]
    Channels {
        /// Number of channels.
        found: usize,
    },
    /// Channels of different lengths.
    #[error("the channels of a one-shot are equally long, found {left} and {right} samples")]
    Lengths {
        /// Samples of the first channel.
        left: usize,
        /// Samples of the second channel.
        right: usize,
    },
    /// No samples or too many.
    #[error("a one-shot lasts up to {MAX_ONE_SHOT_S} s and is not empty, found {found} samples")]
    Duration {
        /// Number of samples.
        found: usize,
    },
    /// Outside the supported rates.
    #[error(
        "the sample rate of a one-shot is {MIN_SAMPLE_RATE_HZ} to {MAX_SAMPLE_RATE_HZ} Hz, found {found_hz}"
    )]
    SampleRate {
        /// The refused rate.
        found_hz: f64,
    },
    /// NaN or infinity.
    #[error("sample {index} of the one-shot is not finite")]
    NotFinite {
        /// First bad sample.
        index: usize,
    },
}

/// Longest lead, either way.
const MAX_LEAD_S: f32 = 0.02;

/// One drum sound, from where it begins to be heard.
#[derive(Debug, Clone, PartialEq)]
pub struct OneShot {
    sample_rate_hz: f64,
    channels: Vec<Vec<f32>>,
    lead_s: f32,
}

impl OneShot {
    /// Checks and wraps a mono or stereo sound.
    ///
    /// # Errors
    /// Zero or more than two channels, unequal or absurd lengths, an
    /// unsupported rate, or samples that are not finite.
    pub fn new(sample_rate_hz: f64, channels: Vec<Vec<f32>>) -> Result<OneShot, OneShotError> {
        if !(1..=2).contains(&channels.len()) {
            return Err(OneShotError::Channels {
                found: channels.len(),
            });
        }
        if !(MIN_SAMPLE_RATE_HZ..=MAX_SAMPLE_RATE_HZ).contains(&sample_rate_hz) {
            return Err(OneShotError::SampleRate {
                found_hz: sample_rate_hz,
            });
        }
        let frames = channels[0].len();
        if let Some(other) = channels.iter().find(|channel| channel.len() != frames) {
            return Err(OneShotError::Lengths {
                left: frames,
                right: other.len(),
            });
        }
        if frames == 0 || frames as f64 > MAX_ONE_SHOT_S * sample_rate_hz {
            return Err(OneShotError::Duration { found: frames });
        }
        for channel in &channels {
            if let Some(index) = channel.iter().position(|sample| !sample.is_finite()) {
                return Err(OneShotError::NotFinite { index });
            }
        }
        Ok(OneShot {
            sample_rate_hz,
            channels,
            lead_s: 0.0,
        })
    }

    /// The same sound with another lead, at most 20 ms either way; none if it is not finite.
    pub fn with_lead(mut self, lead_s: f32) -> OneShot {
        let is_finite = lead_s.is_finite();
        self.lead_s = if is_finite { lead_s } else { 0.0 }.clamp(-MAX_LEAD_S, MAX_LEAD_S);
        self
    }

    /// How long before the onset of a hit, as the transcriber announces it, the sound begins:
    /// it is laid over what was heard when it is played so much earlier. Real-time safe.
    pub fn lead_s(&self) -> f32 {
        self.lead_s
    }

    /// Sample rate of the samples.
    pub fn sample_rate_hz(&self) -> f64 {
        self.sample_rate_hz
    }

    /// One or two channels of equal length.
    pub fn channels(&self) -> &[Vec<f32>] {
        &self.channels
    }

    /// Samples of channel `channel` (0 left, 1 right); mono has the same for
    /// both. Real-time safe.
    pub fn channel(&self, channel: usize) -> &[f32] {
        &self.channels[channel.min(self.channels.len() - 1)]
    }

    /// Number of samples per channel. Real-time safe.
    pub fn frames(&self) -> usize {
        self.channels[0].len()
    }

    /// Length in seconds. Real-time safe.
    pub fn duration_s(&self) -> f64 {
        self.frames() as f64 / self.sample_rate_hz
    }

    /// Largest magnitude.
    pub fn peak(&self) -> f32 {
        peak(&self.channels)
    }

    /// The same sound, faded out if it was cut before it had died away.
    pub fn with_faded_end(mut self) -> OneShot {
        fade_if_cut(&mut self.channels, self.sample_rate_hz);
        self
    }

    /// The same sound without the silence (below −80 dB of the peak) at its
    /// end. Allocates.
    pub fn trimmed(&self) -> OneShot {
        let end = heard_samples(&self.channels);
        OneShot {
            sample_rate_hz: self.sample_rate_hz,
            channels: self
                .channels
                .iter()
                .map(|channel| channel[..end].to_vec())
                .collect(),
            lead_s: self.lead_s,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_one_shot() {
        let new = OneShot::new;
        assert!(matches!(
            new(44_100.0, vec![]),
            Err(OneShotError::Channels { found: 0 })
        ));
        assert!(matches!(
            new(44_100.0, vec![vec![]]),
            Err(OneShotError::Duration { found: 0 })
        ));
        assert!(matches!(
            new(f64::NAN, vec![vec![1.0]]),
            Err(OneShotError::SampleRate { .. })
        ));
        assert!(matches!(
            new(44_100.0, vec![vec![0.0, f32::NAN]]),
            Err(OneShotError::NotFinite { index: 1 })
        ));
        assert!(matches!(
            new(44_100.0, vec![vec![0.0; 3], vec![0.0; 2]]),
            Err(OneShotError::Lengths { left: 3, right: 2 })
        ));
    }

    #[test]
    fn trimming_keeps_the_sound() {
        let shot = OneShot::new(44_100.0, vec![vec![1.0, 0.5, 0.0, 0.0]]).unwrap();
        assert_eq!(shot.trimmed().channels(), [vec![1.0, 0.5]]);
        assert_eq!(shot.with_lead(0.002).trimmed().lead_s(), 0.002);
    }

    #[test]
    fn leads_have_limits() {
        let shot = OneShot::new(44_100.0, vec![vec![1.0]]).unwrap();
        for (given, expected) in [(0.001, 0.001), (9.0, MAX_LEAD_S), (f32::NAN, 0.0)] {
            assert_eq!(shot.clone().with_lead(given).lead_s(), expected);
        }
    }
}
