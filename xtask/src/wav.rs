//! WAV files of the tools: read any PCM, write 32-bit float.

use std::path::Path;

use anyhow::{Context, Result, ensure};

/// A sound file in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Wav {
    /// Sample rate.
    pub sample_rate_hz: f64,
    /// `[channel][sample]`.
    pub channels: Vec<Vec<f32>>,
}

impl Wav {
    /// Two channels: those of the file, or its only one twice; more than two
    /// are an error.
    pub fn stereo(self) -> Result<[Vec<f32>; 2]> {
        let count = self.channels.len();
        let mut channels = self.channels.into_iter();
        match (channels.next(), channels.next(), count) {
            (Some(only), None, 1) => Ok([only.clone(), only]),
            (Some(left), Some(right), 2) => Ok([left, right]),
            _ => anyhow::bail!("expected 1 or 2 channels, found {count}"),
        }
    }
}

/// Reads 8 to 32-bit integer or 32-bit float PCM.
pub fn read(path: &Path) -> Result<Wav> {
    let context = || format!("{}: not a readable WAV file", path.display());
    let mut reader = hound::WavReader::open(path).with_context(context)?;
    let spec = reader.spec();
    let interleaved: Vec<f32> = match spec.sample_format {
        hound::SampleFormat::Float => reader
            .samples::<f32>()
            .collect::<Result<_, _>>()
            .with_context(context)?,
        hound::SampleFormat::Int => {
            let scale = 1.0 / (1_i64 << (spec.bits_per_sample - 1)) as f32;
            reader
                .samples::<i32>()
                .map(|sample| sample.map(|sample| sample as f32 * scale))
                .collect::<Result<_, _>>()
                .with_context(context)?
        }
    };
    ensure!(
        !interleaved.is_empty(),
        "{}: holds no audio",
        path.display()
    );
    let count = usize::from(spec.channels);
    let channels = (0..count)
        .map(|channel| {
            interleaved
                .iter()
                .skip(channel)
                .step_by(count)
                .copied()
                .collect()
        })
        .collect();
    Ok(Wav {
        sample_rate_hz: f64::from(spec.sample_rate),
        channels,
    })
}

/// Writes 32-bit float PCM; rates are 1 Hz or more.
pub fn write(path: &Path, sample_rate_hz: f64, channels: &[Vec<f32>]) -> Result<()> {
    let context = || format!("{}: cannot be written", path.display());
    ensure!(
        (1.0..=f64::from(u32::MAX)).contains(&sample_rate_hz),
        "{}: sample rate: expected 1 Hz or more, found {sample_rate_hz}",
        path.display()
    );
    let spec = hound::WavSpec {
        channels: u16::try_from(channels.len())?,
        sample_rate: sample_rate_hz.round() as u32,
        bits_per_sample: 32,
        sample_format: hound::SampleFormat::Float,
    };
    let mut writer = hound::WavWriter::create(path, spec).with_context(context)?;
    for sample in 0..channels.first().map_or(0, Vec::len) {
        for channel in channels {
            writer.write_sample(channel[sample]).with_context(context)?;
        }
    }
    writer.finalize().with_context(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("sound.wav");
        let channels = vec![vec![0.0, 0.25, -1.5], vec![1.0, f32::MIN_POSITIVE, 0.5]];
        write(&path, 44_100.0, &channels).expect("writes");
        let wav = read(&path).expect("reads");
        assert_eq!(wav.channels, channels);
        assert_eq!(wav.sample_rate_hz, 44_100.0);
    }

    #[test]
    fn bad_files_are_errors_that_name_them() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("text.wav");
        std::fs::write(&path, "no sound").expect("writes");
        let error = read(&path).expect_err("is no sound");
        assert!(error.to_string().contains("text.wav"), "{error}");
        for rate_hz in [0.0, -1.0, f64::NAN] {
            assert!(write(&path, rate_hz, &[vec![0.5]]).is_err(), "{rate_hz} Hz");
        }
        write(&path, 44_100.0, &[Vec::new()]).expect("writes");
        assert!(read(&path).is_err(), "empty file");
    }

    #[test]
    fn mono_becomes_stereo() {
        let wav = |count| Wav {
            sample_rate_hz: 1.0,
            channels: vec![vec![0.5]; count],
        };
        assert_eq!(wav(1).stereo().expect("mono"), [vec![0.5], vec![0.5]]);
        assert!(wav(3).stereo().is_err());
    }
}
