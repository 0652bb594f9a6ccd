//! Resampling against the analytic truth.

mod audio_file_support;

use audio_file_support::sine;
use idm_engine::audio_file::{AudioBuffer, resample};

/// Level of the difference between `found` and `expected` relative to full
/// scale of a sine, away from the borders.
fn error_db(found: &[f32], expected: &[f32], margin: usize) -> f64 {
    let range = margin..expected.len() - margin;
    let power: f64 = range
        .clone()
        .map(|n| f64::from(found[n] - expected[n]).powi(2))
        .sum::<f64>()
        / range.len() as f64;
    10.0 * (power / 0.5).log10()
}

#[test]
fn sines_stay_in_place_to_a_thousandth_of_a_sample() {
    // An error of -80 dB on a sine of f Hz is a shift of 1e-4/(2π·f) seconds:
    // any sample of misalignment would show as -20 dB or worse.
    for (from_hz, to_hz) in [
        (44_100.0, 48_000.0),
        (48_000.0, 44_100.0),
        (44_100.0, 96_000.0),
        (96_000.0, 44_100.0),
        (192_000.0, 8_000.0),
        (8_000.0, 192_000.0),
        (44_100.0, 44_101.0),
        (22_050.0, 44_100.0),
    ] {
        let frequency_hz = 0.17 * f64::min(from_hz, to_hz);
        let frames = from_hz as usize / 2 + 77;
        let audio = AudioBuffer {
            sample_rate_hz: from_hz,
            channels: vec![sine(from_hz, frequency_hz, frames); 2],
        };
        let result = resample(&audio, to_hz).expect("resampled");
        assert_eq!(result.sample_rate_hz, to_hz);
        let expected_frames = (frames as u64 * to_hz as u64).div_ceil(from_hz as u64) as usize;
        assert_eq!(result.frames(), expected_frames, "{from_hz} to {to_hz}");
        let expected = sine(to_hz, frequency_hz, expected_frames);
        let margin = expected_frames / 10;
        for channel in &result.channels {
            let error = error_db(channel, &expected, margin);
            assert!(error < -80.0, "{from_hz} to {to_hz}: {error} dB");
        }
    }
}

#[test]
fn what_the_new_rate_cannot_hold_is_removed() {
    let audio = AudioBuffer {
        sample_rate_hz: 48_000.0,
        channels: vec![sine(48_000.0, 15_000.0, 48_000)],
    };
    let result = resample(&audio, 22_050.0).expect("resampled");
    let rest = error_db(&result.channels[0], &vec![0.0; result.frames()], 2_000);
    assert!(rest < -80.0, "alias at {rest} dB");
}

#[test]
fn the_audible_band_passes_at_44100_hz() {
    let audio = AudioBuffer {
        sample_rate_hz: 96_000.0,
        channels: vec![sine(96_000.0, 20_000.0, 96_000)],
    };
    let result = resample(&audio, 44_100.0).expect("resampled");
    let expected = sine(44_100.0, 20_000.0, result.frames());
    let error = error_db(&result.channels[0], &expected, 4_000);
    assert!(error < -60.0, "20 kHz off by {error} dB");
}

#[test]
fn short_clips_keep_their_sound() {
    let mut audio = AudioBuffer::silent(44_100.0, 1, 5);
    audio.channels[0][2] = 1.0;
    let up = resample(&audio, 88_200.0).expect("resampled");
    assert_eq!(up.frames(), 10);
    let peak = (0..10)
        .max_by(|&a, &b| up.channels[0][a].total_cmp(&up.channels[0][b]))
        .expect("a peak");
    assert_eq!(
        peak, 4,
        "an impulse at sample 2 stands at sample 4 of twice the rate"
    );
}

#[test]
fn equal_rates_and_silence_pass_unchanged() {
    let audio = AudioBuffer {
        sample_rate_hz: 44_100.0,
        channels: vec![sine(44_100.0, 100.0, 1_000)],
    };
    assert_eq!(resample(&audio, 44_100.0).expect("same"), audio);
    let empty = AudioBuffer::silent(44_100.0, 2, 0);
    assert!(resample(&empty, 48_000.0).expect("empty").is_empty());
}

#[test]
fn nonsense_is_refused() {
    let audio = AudioBuffer::silent(44_100.0, 1, 10);
    for rate_hz in [0.0, -44_100.0, 999.0, 1e9, f64::NAN, f64::INFINITY] {
        let message = resample(&audio, rate_hz).expect_err("refused").to_string();
        assert!(message.contains("expected 1000 to 768000 Hz"), "{message}");
    }
    assert!(resample(&AudioBuffer::silent(0.0, 1, 10), 44_100.0).is_err());
    assert!(resample(&AudioBuffer::silent(44_100.0, 0, 10), 48_000.0).is_err());
    let mut ragged = AudioBuffer::silent(44_100.0, 2, 10);
    ragged.channels[0].push(0.0);
    assert!(resample(&ragged, 48_000.0).is_err());
}
