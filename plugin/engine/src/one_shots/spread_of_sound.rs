//! How a sound is spread over the two channels.

use std::f64::consts::PI;

use realfft::RealFftPlanner;

use super::OneShot;
use crate::{
    front_end::{BAND_COUNT, BandMap, Framing},
    spread::Spread,
};

impl Spread {
    /// How `one_shot` is spread, the loudest moments counting most; none if it is mono
    /// or of a rate that no engine runs at. Allocates.
    pub fn of_sound(one_shot: &OneShot) -> Option<Spread> {
        let [left, right] = one_shot.channels() else {
            return None;
        };
        let rate = one_shot.sample_rate_hz();
        let window = Framing::for_rate(rate).ok()?.window_samples;
        let mut planner = RealFftPlanner::<f32>::new();
        let fft = planner.plan_fft_forward(window);
        let map = BandMap::new(rate, window);
        let shape: Vec<f32> = (0..window)
            .map(|n| (PI * n as f64 / window as f64).sin() as f32)
            .collect();
        let mut spectra = [fft.make_output_vec(), fft.make_output_vec()];
        let mut windowed = fft.make_input_vec();
        let mut values = vec![[0.0; 4]; map.bins()];
        let (mut frame, mut sum) = (Spread::NONE, Spread::NONE);
        // From half a window before the onset, which is the first sample.
        for middle in (0..left.len()).step_by(window / 4) {
            for (channel, spectrum) in [left, right].into_iter().zip(&mut spectra) {
                for (n, (out, weight)) in windowed.iter_mut().zip(&shape).enumerate() {
                    let at = (middle + n).checked_sub(window / 2);
                    let sample = at.and_then(|at| channel.get(at));
                    *out = weight * sample.copied().unwrap_or_default();
                }
                fft.process(&mut windowed, spectrum).ok()?;
            }
            let [left, right] = &spectra;
            Spread::of([left, right], &map, &mut values, &mut frame);
            for band in 0..BAND_COUNT {
                sum.add(band, 1.0, frame.at(band));
            }
        }
        Some(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panned_sound_is_where_it_was_panned() {
        let left: Vec<f32> = (0..6_000)
            .map(|n| (n as f32 * 0.31).sin() * (-(n as f32) / 900.0).exp())
            .collect();
        let right: Vec<f32> = left.iter().map(|sample| 0.5 * sample).collect();
        let stereo = OneShot::new(44_100.0, vec![left.clone(), right]).unwrap();
        let spread = Spread::of_sound(&stereo).unwrap();
        let whole = spread.whole();
        assert!((whole.right / whole.left - 0.25).abs() < 1e-3);
        assert!((whole.both.re / whole.left - 0.5).abs() < 1e-3);
        assert!((spread.pan() + 0.41).abs() < 0.01, "{}", spread.pan());
        let mono = OneShot::new(44_100.0, vec![left]).unwrap();
        assert_eq!(Spread::of_sound(&mono), None);
    }
}
