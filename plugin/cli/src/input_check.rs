//! What is wrong with the samples of an input, as far as one can hear them.

/// Peak below which soft hits are missed until the engine has found the level (by up to
/// 36 dB, 4 dB in a second), and the softest ones after that: −40 dBFS.
const SOFTEST: f32 = 0.01;

/// Peak above which a file was hardly meant so: full scale is 1.
const LOUDEST: f32 = 16.0;

/// What was found among the samples.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct InputCheck {
    /// Frames that were looked at.
    frames: u64,
    /// Largest finite sample.
    pub peak: f32,
    /// Samples that are NaN or infinite.
    pub not_finite: u64,
    /// Frame and channel of the first of them.
    first: Option<(u64, usize)>,
}

impl InputCheck {
    /// Looks at further samples of shape `(channels, frames)`.
    pub fn look(&mut self, packet: &[Vec<f32>]) {
        for (channel, samples) in packet.iter().enumerate() {
            for (n, sample) in samples.iter().enumerate() {
                if sample.is_finite() {
                    self.peak = self.peak.max(sample.abs());
                    continue;
                }
                self.not_finite += 1;
                let place = (self.frames + n as u64, channel);
                self.first = Some(self.first.map_or(place, |first| first.min(place)));
            }
        }
        self.frames += packet.first().map_or(0, |samples| samples.len() as u64);
    }

    /// One line for each thing that is wrong, with times at `sample_rate_hz`.
    pub fn warnings(&self, sample_rate_hz: f64) -> Vec<String> {
        let mut lines = Vec::new();
        if let Some((frame, channel)) = self.first {
            lines.push(format!(
                "expected numbers, found {} samples that are NaN or infinite, the first at {:.3} s \
                 (sample {frame} of channel {}): they count as silence",
                self.not_finite,
                frame as f64 / sample_rate_hz,
                channel + 1
            ));
        }
        if self.peak > LOUDEST {
            lines.push(format!(
                "expected a peak of about 1 (full scale), at most {LOUDEST}, found {}: \
                 results are as loud, turn the file down if it was not meant so",
                self.peak
            ));
        }
        if self.peak > 0.0 && self.peak < SOFTEST {
            lines.push(format!(
                "expected a peak of at least {SOFTEST} (-40 dBFS), found {:.1} dBFS: soft hits will \
                 be missed, above all in the first seconds: turn the file up",
                20.0 * self.peak.log10()
            ));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strange_samples_are_counted_and_the_first_is_named() {
        let mut check = InputCheck::default();
        check.look(&[vec![0.5, -0.75, 0.0], vec![0.0; 3]]);
        assert_eq!((check.peak, check.warnings(10.0)), (0.75, Vec::new()));
        check.look(&[vec![0.0, 0.0, f32::NAN], vec![0.0, f32::INFINITY, -20.0]]);
        let warnings = check.warnings(10.0);
        assert_eq!((check.not_finite, check.peak, warnings.len()), (2, 20.0, 2));
        assert!(
            warnings[0].contains("found 2 samples")
                && warnings[0].contains("0.400 s (sample 4 of channel 2)"),
            "{warnings:?}"
        );
        assert!(warnings[1].contains("at most 16, found 20"), "{warnings:?}");
    }

    #[test]
    fn files_that_are_too_soft_are_told_but_silence_is_not() {
        let warnings = |peak: f32| {
            let mut check = InputCheck::default();
            check.look(&[vec![0.0, -peak, 0.0]]);
            check.warnings(10.0)
        };
        assert!(warnings(0.0).is_empty() && warnings(0.011).is_empty());
        let warnings = warnings(0.001);
        assert!(warnings[0].contains("found -60.0 dBFS"), "{warnings:?}");
    }
}
