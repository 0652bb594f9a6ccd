//! Log band power of the newest frame.

use std::{f64::consts::PI, fmt, sync::Arc};

use multiversion::multiversion;
use realfft::{RealFftPlanner, RealToComplex, num_complex::Complex32};

use super::{BAND_COUNT, BandMap, Framing, LOW_BAND_COUNT};

/// Power added before the logarithm: −80 dB below a full-scale sine.
pub const LOG_FLOOR_POWER: f32 = 1e-8;
/// Factor on the natural logarithm.
pub const LOG_SCALE: f32 = 1.0 / 6.0;
/// Offset after scaling: music at a usual level lies around zero.
pub const LOG_OFFSET: f32 = 2.0;

/// The network's input value for a band power (a full-scale sine has power 1).
/// Real-time safe.
pub fn log_feature(power: f32) -> f32 {
    (power + LOG_FLOOR_POWER).ln() * LOG_SCALE + LOG_OFFSET
}

/// Features of one frame.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeatureFrame {
    /// Band power, mean of both channels; a full-scale sine has 1.
    pub power: [f32; BAND_COUNT],
    /// [`log_feature`] of `power` and a gain: the network's input `frame`.
    pub frame: [f32; BAND_COUNT],
    /// [`log_feature`] of the long window's bands: the network's input `low`.
    pub low: [f32; LOW_BAND_COUNT],
}

impl Default for FeatureFrame {
    fn default() -> Self {
        FeatureFrame {
            power: [0.0; BAND_COUNT],
            frame: [log_feature(0.0); BAND_COUNT],
            low: [log_feature(0.0); LOW_BAND_COUNT],
        }
    }
}

/// One window length: FFT, window and scratch.
struct Analyser {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    windowed: Vec<f32>,
    spectrum: Vec<Complex32>,
    scratch: Vec<Complex32>,
    power: Vec<f32>,
    map: BandMap,
}

impl Analyser {
    fn new(planner: &mut RealFftPlanner<f32>, samples: usize, map: BandMap) -> Analyser {
        let fft = planner.plan_fft_forward(samples);
        // Scaled so that a full-scale sine on a bin has power 1.
        let window: Vec<f32> = (0..samples)
            .map(|n| {
                let hann = 0.5 - 0.5 * (2.0 * PI * n as f64 / samples as f64).cos();
                (hann * 4.0 / samples as f64) as f32
            })
            .collect();
        Analyser {
            windowed: fft.make_input_vec(),
            spectrum: fft.make_output_vec(),
            scratch: fft.make_scratch_vec(),
            power: vec![0.0; samples / 2 + 1],
            fft,
            window,
            map,
        }
    }

    /// Band power of the last samples of both channels, their mean; a channel that is
    /// given twice is analysed once.
    fn measure(&mut self, [left, right]: [&[f32]; 2], bands: &mut [f32]) {
        self.power.fill(0.0);
        if std::ptr::eq(left, right) {
            self.accumulate(left, 1.0);
        } else {
            self.accumulate(left, 0.5);
            self.accumulate(right, 0.5);
        }
        self.map.reduce(&self.power, bands);
    }

    /// Adds `gain` × the power spectrum of the last samples of `history`.
    fn accumulate(&mut self, history: &[f32], gain: f32) {
        let newest = &history[history.len() - self.window.len()..];
        weigh(newest, &self.window, &mut self.windowed);
        let done = self.fft.process_with_scratch(
            &mut self.windowed,
            &mut self.spectrum,
            &mut self.scratch,
        );
        debug_assert!(done.is_ok(), "buffers were made by the plan");
        add_power(&self.spectrum, gain, &mut self.power);
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn weigh(samples: &[f32], window: &[f32], windowed: &mut [f32]) {
    for ((out, sample), weight) in windowed.iter_mut().zip(samples).zip(window) {
        *out = sample * weight;
    }
}

#[multiversion(targets("x86_64+avx512f+avx512vl+avx512dq", "x86_64+avx2"))]
fn add_power(spectrum: &[Complex32], gain: f32, power: &mut [f32]) {
    for (sum, bin) in power.iter_mut().zip(spectrum) {
        *sum += gain * bin.norm_sqr();
    }
}

/// Computes the features of the newest frame of a stereo history.
pub struct FrontEnd {
    framing: Framing,
    short: Analyser,
    long: Analyser,
}

impl fmt::Debug for FrontEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrontEnd")
            .field("framing", &self.framing)
            .finish_non_exhaustive()
    }
}

impl FrontEnd {
    /// Plans both transforms. Allocates.
    pub fn new(framing: Framing) -> FrontEnd {
        let mut planner = RealFftPlanner::new();
        let rate = framing.sample_rate_hz;
        FrontEnd {
            short: Analyser::new(
                &mut planner,
                framing.window_samples,
                BandMap::new(rate, framing.window_samples),
            ),
            long: Analyser::new(
                &mut planner,
                framing.long_window_samples,
                BandMap::low(rate, framing.long_window_samples),
            ),
            framing,
        }
    }

    /// The frame lengths in use.
    pub fn framing(&self) -> &Framing {
        &self.framing
    }

    /// Band power alone (no logarithm, no long window) of the newest
    /// `window_samples` of each channel of `history`. Real-time safe.
    pub fn power(&mut self, history: [&[f32]; 2], power: &mut [f32; BAND_COUNT]) {
        self.short.measure(history, power);
    }

    /// Features of the frame that ends with the last sample of `history`
    /// (left, right; each `long_window_samples` long or longer). Pass the same
    /// slice twice for mono. Power is averaged over the channels, so
    /// out-of-phase stereo is heard as well. Real-time safe.
    pub fn analyse(&mut self, history: [&[f32]; 2], features: &mut FeatureFrame) {
        self.analyse_louder(history, 1.0, features);
    }

    /// As [`FrontEnd::analyse`]; what the network hears, but not the power, is louder by
    /// the factor `power_gain`. Real-time safe.
    pub fn analyse_louder(
        &mut self,
        history: [&[f32]; 2],
        power_gain: f32,
        features: &mut FeatureFrame,
    ) {
        self.power(history, &mut features.power);
        for (feature, &power) in features.frame.iter_mut().zip(&features.power) {
            *feature = log_feature(power_gain * power);
        }
        self.long.measure(history, &mut features.low);
        for feature in &mut features.low {
            *feature = log_feature(power_gain * *feature);
        }
    }

    /// All frames of a whole signal, as the stream would see it: frame `k`
    /// ends with sample `(k + 1) * hop_samples - 1`, silence before the start.
    /// The result has `left.len() / hop_samples` frames. Allocates.
    pub fn analyse_signal(&mut self, left: &[f32], right: &[f32]) -> Vec<FeatureFrame> {
        let hop = self.framing.hop_samples;
        let long = self.framing.long_window_samples;
        let frames = left.len().min(right.len()) / hop;
        let padded = |channel: &[f32]| {
            let mut padded = vec![0.0; long - hop];
            padded.extend_from_slice(&channel[..frames * hop]);
            padded
        };
        let mono = std::ptr::eq(left, right);
        let left = padded(left);
        let right = if mono { Vec::new() } else { padded(right) };
        (0..frames)
            .map(|frame| {
                let span = frame * hop..frame * hop + long;
                let newest = &left[span.clone()];
                let other = if mono { newest } else { &right[span] };
                let mut features = FeatureFrame::default();
                self.analyse([newest, other], &mut features);
                features
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::front_end::band_centre_hz;

    fn sine(rate: f64, frequency_hz: f64, samples: usize) -> Vec<f32> {
        (0..samples)
            .map(|n| (2.0 * PI * frequency_hz * n as f64 / rate).sin() as f32)
            .collect()
    }

    #[test]
    fn full_scale_sine_has_power_near_one_in_its_band_at_every_rate() {
        for rate in [44_100.0, 48_000.0, 96_000.0, 192_000.0] {
            let framing = Framing::for_rate(rate).unwrap();
            let mut front_end = FrontEnd::new(framing);
            let band = 20;
            let signal = sine(
                rate,
                band_centre_hz(band as f64),
                framing.long_window_samples,
            );
            let mut features = FeatureFrame::default();
            front_end.analyse([&signal, &signal], &mut features);
            let loudest = (0..BAND_COUNT)
                .max_by(|&a, &b| features.power[a].total_cmp(&features.power[b]))
                .unwrap();
            assert_eq!(loudest, band, "{rate} Hz");
            assert!(
                (0.6..1.1).contains(&features.power[band]),
                "{}",
                features.power[band]
            );
        }
    }

    #[test]
    fn out_of_phase_stereo_equals_mono() {
        let framing = Framing::for_rate(44_100.0).unwrap();
        let mut front_end = FrontEnd::new(framing);
        let left = sine(44_100.0, 1_000.0, framing.long_window_samples);
        let right: Vec<f32> = left.iter().map(|sample| -sample).collect();
        let (mut mono, mut stereo) = (FeatureFrame::default(), FeatureFrame::default());
        front_end.analyse([&left, &left], &mut mono);
        front_end.analyse([&left, &right], &mut stereo);
        for (a, b) in mono.frame.iter().zip(&stereo.frame) {
            assert!((a - b).abs() < 1e-4);
        }
    }

    #[test]
    fn signal_frames_end_where_the_stream_would_be() {
        let framing = Framing::for_rate(44_100.0).unwrap();
        let mut front_end = FrontEnd::new(framing);
        let mut signal = vec![0.0; 4096];
        signal[1024] = 1.0;
        let frames = front_end.analyse_signal(&signal, &signal);
        assert_eq!(frames.len(), 16);
        let energy: Vec<f32> = frames.iter().map(|f| f.power.iter().sum()).collect();
        let loudest = (0..16)
            .max_by(|&a, &b| energy[a].total_cmp(&energy[b]))
            .unwrap();
        assert_eq!(framing.centre_of(loudest as u64), 1024);
        assert_eq!(energy[3], 0.0);
        assert!(energy[4] > 0.0);
    }
}
