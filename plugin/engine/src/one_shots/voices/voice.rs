//! One voice: a one-shot that sounds, tuned and damped.

use std::ops::Range;

use super::{
    super::interpolation::{self, Kernels},
    OneShot, Source, StartVoice,
};
use crate::drum::Drum;

#[derive(Debug, Clone, Copy)]
pub(super) struct Voice {
    pub(super) drum: Drum,
    pub(super) source: Source,
    pub(super) layer: usize,
    pub(super) position: f64,
    pub(super) step: f64,
    /// For what is between samples.
    kernels: &'static Kernels,
    pub(super) amplitude: f32,
    /// Factors on the left and the right channel.
    balance: [f32; 2],
    /// Factor per sample from the decay setting.
    damping: f32,
    /// Factor lost per sample once choked; 0 while held.
    pub(super) release: f32,
    pub(super) fade: f32,
}

impl Voice {
    /// At its beginning, or where it should be by now. Real-time safe after
    /// [`interpolation::prepare`].
    pub(super) fn new(
        start: &StartVoice,
        source: Source,
        balance: [f32; 2],
        sample_rate_hz: f32,
    ) -> Voice {
        let step = f64::from(start.tune_semitones / 12.0).exp2();
        let damping = if start.decay >= 1.0 {
            1.0
        } else {
            let decay = start.decay.max(0.01);
            let time_constant_s = 0.8 * decay * decay / (1.0 - decay);
            (-1.0 / (time_constant_s * sample_rate_hz)).exp()
        };
        Voice {
            drum: start.drum,
            source,
            layer: start.layer,
            position: f64::from(start.late_samples) * step,
            step,
            kernels: interpolation::kernels_for(step),
            amplitude: start.amplitude * damping.powi(start.late_samples as i32),
            balance,
            damping,
            release: 0.0,
            fade: 1.0,
        }
    }

    /// Whether nothing more comes of a one-shot of `frames`.
    pub(super) fn has_ended(&self, frames: usize) -> bool {
        self.position as usize >= frames || self.fade <= 0.0 || self.amplitude.abs() < 1e-7
    }

    /// Whether it plays whole samples at one gain, which needs no look at each of them.
    fn is_steady(&self) -> bool {
        self.step == 1.0
            && self.damping == 1.0
            && self.release == 0.0
            && self.fade > 0.0
            && self.amplitude.abs() >= 1e-7
    }

    /// Adds its next samples to `span` of the left and right channel; if it is not heard, it
    /// only goes on. Real-time safe.
    pub(super) fn render(
        &mut self,
        one_shot: &OneShot,
        span: Range<usize>,
        is_heard: bool,
        [left, right]: &mut [Vec<f32>; 2],
    ) {
        let frames = one_shot.frames();
        let sources = [one_shot.channel(0), one_shot.channel(1)];
        let mut next = span.start;
        if self.is_steady() {
            let whole = self.position as usize;
            let count = span.len().min(frames.saturating_sub(whole));
            next += count;
            if is_heard {
                let gains = self.balance.map(|own| self.amplitude * self.fade * own);
                let channels = [&mut *left, &mut *right].into_iter().zip(sources);
                for ((out, source), gain) in channels.zip(gains) {
                    let source = source[whole.min(frames)..].iter();
                    for (out, sample) in out[span.start..next].iter_mut().zip(source) {
                        *out += gain * sample;
                    }
                }
            }
            self.position += count as f64;
        }
        for sample in next..span.end {
            if self.has_ended(frames) {
                break;
            }
            if is_heard {
                let whole = self.position as usize;
                let gain = self.amplitude * self.fade;
                let values = if self.step == 1.0 {
                    sources.map(|source| source[whole])
                } else {
                    let share = (self.position - whole as f64) as f32;
                    self.kernels.interpolate(sources, whole, share)
                };
                left[sample] += gain * self.balance[0] * values[0];
                right[sample] += gain * self.balance[1] * values[1];
            }
            self.position += self.step;
            self.amplitude *= self.damping;
            self.fade -= self.release;
        }
    }
}

/// Samples that are made at once of what is played to its end.
const STRETCH: usize = 4_096;

/// What a voice plays of `one_shot` from its beginning to its end at full amplitude, in as many
/// channels as that has. Allocates.
pub fn struck(one_shot: &OneShot, tune_semitones: f32, decay: f32) -> Vec<Vec<f32>> {
    interpolation::prepare();
    let start = StartVoice {
        drum: Drum::Kick,
        layer: 0,
        amplitude: 1.0,
        tune_semitones,
        decay,
        late_samples: 0,
    };
    let rate_hz = one_shot.sample_rate_hz() as f32;
    let mut voice = Voice::new(&start, Source::Own(0), [1.0; 2], rate_hz);
    let mut output = [Vec::new(), Vec::new()];
    let mut played = 0;
    while !voice.has_ended(one_shot.frames()) {
        for channel in &mut output {
            channel.resize(played + STRETCH, 0.0);
        }
        let begun = voice.position;
        voice.render(one_shot, played..played + STRETCH, true, &mut output);
        // The last stretch is not all sound.
        played += if voice.has_ended(one_shot.frames()) {
            sounding(&voice, begun)
        } else {
            STRETCH
        };
    }
    let channels = output.into_iter().take(one_shot.channels().len());
    channels
        .map(|mut channel| {
            channel.truncate(played);
            channel
        })
        .collect()
}

/// Samples by which `voice` went on since it was at `begun`.
fn sounding(voice: &Voice, begun: f64) -> usize {
    ((voice.position - begun) / voice.step).round() as usize
}
