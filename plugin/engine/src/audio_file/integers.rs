//! Floats of a file that become integers, in their place.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// Samples that are read at a time.
const SAMPLES: usize = 64 * 1024;

/// 24-bit integers of full scale and one more: the largest is one less.
const FULL_SCALE: f64 = (1 << 23) as f64;

/// Makes the `samples` 32-bit floats at the byte `from` of `file`, times `gain`, 24-bit integers
/// at the byte `to`, which is not after it: what is written is read already. They are rounded to
/// the nearest, and what is above full scale is clipped. The file ends with them, at an even
/// place.
///
/// # Errors
/// When the file system refuses, or there are fewer.
pub fn make_integers(
    file: &mut File,
    (from, to): (u64, u64),
    samples: u64,
    gain: f64,
) -> io::Result<()> {
    debug_assert!(to <= from);
    let mut floats = vec![[0; 4]; SAMPLES];
    let mut integers = Vec::with_capacity(3 * SAMPLES);
    let (mut read_at, mut write_at, mut left) = (from, to, samples);
    while left > 0 {
        let count = left.min(SAMPLES as u64);
        let floats = &mut floats[..count as usize];
        file.seek(SeekFrom::Start(read_at))?;
        file.read_exact(floats.as_flattened_mut())?;
        integers.clear();
        for float in floats {
            let scaled = f64::from(f32::from_le_bytes(*float)) * gain * FULL_SCALE;
            let integer = scaled.round().clamp(-FULL_SCALE, FULL_SCALE - 1.0) as i32;
            integers.extend_from_slice(&integer.to_le_bytes()[..3]);
        }
        file.seek(SeekFrom::Start(write_at))?;
        file.write_all(&integers)?;
        read_at += 4 * count;
        write_at += 3 * count;
        left -= count;
    }
    if samples % 2 == 1 {
        file.write_all(&[0])?;
        write_at += 1;
    }
    file.set_len(write_at)
}

#[cfg(test)]
mod tests {
    use crate::audio_file::{WavFile, read};

    use super::*;

    /// The file by the letter of the specification, sample by sample.
    fn expected(channels: &[Vec<i32>]) -> Vec<u8> {
        let (count, frames) = (channels.len() as u32, channels[0].len() as u32);
        let data_bytes = 3 * count * frames;
        let mut bytes = b"RIFF".to_vec();
        bytes.extend((36 + data_bytes + data_bytes % 2).to_le_bytes());
        bytes.extend(b"WAVEfmt \x10\0\0\0\x01\0");
        bytes.extend([count as u8, 0]);
        bytes.extend(48_000_u32.to_le_bytes());
        bytes.extend((48_000 * 3 * count).to_le_bytes());
        bytes.extend([3 * count as u8, 0, 24, 0]);
        bytes.extend(b"data");
        bytes.extend(data_bytes.to_le_bytes());
        for frame in 0..frames as usize {
            for channel in channels {
                bytes.extend(&channel[frame].to_le_bytes()[..3]);
            }
        }
        bytes.resize(bytes.len().next_multiple_of(2), 0);
        bytes
    }

    #[test]
    fn floats_become_the_nearest_integers_times_the_gain() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("stem.wav");
        // More than is read at a time, and an odd number of them.
        let frames = SAMPLES + 777;
        let integer = |n: usize| (n as i32 * 7_919) % (1 << 20);
        let left: Vec<i32> = (0..frames).map(integer).collect();
        let right: Vec<i32> = left.iter().map(|sample| -sample).collect();
        for channels in [vec![left.clone()], vec![left, right]] {
            // Less than half a step above or below them once they are turned down.
            let float = |n: &i32| {
                let beside = if n % 2 == 0 { 0.4 } else { -0.4 };
                (2.0 * (f64::from(*n) + beside) / FULL_SCALE) as f32
            };
            let floats: Vec<Vec<f32>> = channels
                .iter()
                .map(|channel| channel.iter().map(float).collect())
                .collect();
            let floats: Vec<&[f32]> = floats.iter().map(Vec::as_slice).collect();
            let mut file = WavFile::create(&path, 48_000.0, channels.len()).expect("created");
            file.write(&floats).expect("written");
            let complete = file.complete_as_integers(0.5).expect("complete");
            assert!(!path.exists(), "before it is told");
            complete.commit().expect("in its place");
            let found = std::fs::read(&path).expect("read");
            assert!(found == expected(&channels), "{} channels", channels.len());

            // Other readers than the decoder, and the decoder.
            let mut reader = hound::WavReader::open(&path).expect("a WAV file");
            assert_eq!(reader.spec().bits_per_sample, 24);
            assert_eq!(reader.duration() as usize, frames);
            let read_first = reader.samples::<i32>().nth(channels.len());
            assert_eq!(read_first.expect("a frame").expect("read"), integer(1));
            let audio = read(&path).expect("read");
            let wanted = channels[0]
                .iter()
                .map(|n| (f64::from(*n) / FULL_SCALE) as f32);
            assert!(audio.channels[0] == wanted.collect::<Vec<_>>());
            std::fs::remove_file(&path).expect("removed");
        }
    }

    #[test]
    fn what_is_above_full_scale_is_clipped() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("stem.wav");
        let mut file = WavFile::create(&path, 48_000.0, 1).expect("created");
        file.write(&[&[1.0, -1.0, 2.0, -2.0, f32::NAN]])
            .expect("written");
        let complete = file.complete_as_integers(1.0).expect("complete");
        complete.commit().expect("in its place");
        let (most, least) = ((1 << 23) - 1, -(1 << 23));
        let clipped = expected(&[vec![most, least, most, least, 0]]);
        assert_eq!(std::fs::read(&path).expect("read"), clipped);
    }
}
