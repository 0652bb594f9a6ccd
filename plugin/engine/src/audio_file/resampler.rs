//! Change of sample rate for files and one-shots.

use rubato::audioadapter_buffers::direct::SequentialSliceOfVecs;
use rubato::{Fft, FixedSync, Resampler};

use super::{AudioBuffer, AudioFileError, whole_rate_hz};

/// Shortest transform on either side. Longer ones bring the low-pass filter
/// nearer to the Nyquist frequency: 1024 passes 20 kHz at 44.1 kHz.
const MIN_TRANSFORM_FRAMES: usize = 1024;

/// Resamples to `rate_hz`, sample-aligned with the original: sample 0 stays at
/// time 0, and the result has `ceil(frames · rate_hz / sample_rate_hz)` frames.
/// Both rates are rounded to whole hertz. Allocates.
///
/// # Errors
/// When a rate is absurd, or the audio has no or more than two channels or
/// channels of different length.
pub fn resample(audio: &AudioBuffer, rate_hz: f64) -> Result<AudioBuffer, AudioFileError> {
    let from_hz = audio.validated_rate_hz()?;
    let to_hz = whole_rate_hz(rate_hz)?;
    let frames = audio.frames();
    if from_hz == to_hz || frames == 0 {
        return Ok(AudioBuffer {
            sample_rate_hz: f64::from(to_hz),
            channels: audio.channels.clone(),
        });
    }
    let failed = |reason: String| AudioFileError::Resample {
        from_hz,
        to_hz,
        reason,
    };

    let channels = audio.channels.len();
    let mut resampler = Fft::<f32>::new_custom(
        from_hz as usize,
        to_hz as usize,
        transform_frames(from_hz, to_hz),
        1,
        channels,
        rubato::WindowFunction::BlackmanHarris2,
        FixedSync::Both,
    )
    .map_err(|e| failed(e.to_string()))?;
    let input = SequentialSliceOfVecs::new(&audio.channels, channels, frames)
        .map_err(|e| failed(e.to_string()))?;
    let interleaved = resampler
        .process_all(&input, frames, None)
        .map_err(|e| failed(e.to_string()))?
        .take_data();

    // The resampler's own length passes through floating point and can be off
    // by one; the exact one comes from integers.
    let length = (frames as u64 * u64::from(to_hz)).div_ceil(u64::from(from_hz)) as usize;
    let split = |channel: usize| {
        let mut samples: Vec<f32> = interleaved
            .iter()
            .skip(channel)
            .step_by(channels)
            .copied()
            .collect();
        samples.resize(length, 0.0);
        samples
    };
    Ok(AudioBuffer {
        sample_rate_hz: f64::from(to_hz),
        channels: (0..channels).map(split).collect(),
    })
}

/// Input frames per transform. The resampler's delay is half a transform: it is
/// a whole number of samples, and so fully compensated, only when input and
/// output transforms are both even.
fn transform_frames(from_hz: u32, to_hz: u32) -> usize {
    let divisor = greatest_common_divisor(from_hz, to_hz);
    let unit_in = (from_hz / divisor) as usize;
    let unit_out = (to_hz / divisor) as usize;
    let units = MIN_TRANSFORM_FRAMES.div_ceil(unit_in.min(unit_out));
    unit_in * units.next_multiple_of(2)
}

fn greatest_common_divisor(a: u32, b: u32) -> u32 {
    if b == 0 {
        a
    } else {
        greatest_common_divisor(b, a % b)
    }
}
