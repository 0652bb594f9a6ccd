//! Audio files of the user's own as sounds of a drum.

use std::{
    fs,
    path::{Path, PathBuf},
};

use thiserror::Error;

use super::{OneShot, OneShotError, fade_if_cut, usual_lead_s};
use crate::audio_file::{AudioFileError, AudioReader, FORMATS, is_called_audio};

/// Longest sample that is read; what comes after it is left out.
pub const LONGEST_OWN_S: f64 = 7.5;
/// Most samples of one drum.
pub const MOST_OWN_SAMPLES: usize = 24;
/// Longest that the samples of one drum are together.
pub const LONGEST_OWN_SET_S: f64 = 30.0;
/// A peak above this is none of a sound, but one of integers: +12 dBFS.
const LARGEST_PEAK: f32 = 4.0;
/// Level relative to the peak below which a sample has not begun: −46 dB.
const BEGIN: f32 = 0.005;
/// What is kept before that.
const LEAD_S: f64 = 0.0005;

/// Why a file cannot be a drum's sound.
#[derive(Debug, Error)]
pub enum OwnSoundError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] AudioFileError),
    /// It is no one-shot.
    #[error("{file}: {source}")]
    OneShot {
        /// The file's name.
        file: String,
        /// The reason.
        source: OneShotError,
    },
    /// A folder cannot be listed.
    #[error("{folder}: {source}")]
    Folder {
        /// Which.
        folder: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Nothing in a folder can be used.
    #[error("{folder}: expected an audio file ({FORMATS}), found {found}")]
    Empty {
        /// Which.
        folder: String,
        /// What there is instead.
        found: String,
    },
    /// Nothing in a folder can be a kit.
    #[error("{folder}: expected audio files or folders named after drums, found {found}")]
    NoKit {
        /// Which.
        folder: String,
        /// What there is instead.
        found: String,
    },
    /// Its samples are nothing that can be played.
    #[error("{file}: expected samples up to full scale (1), found a peak of {peak:e}")]
    Loud {
        /// The file's name.
        file: String,
        /// Its largest sample.
        peak: f32,
    },
    /// Nothing is heard.
    #[error("{file}: expected a sound, found silence")]
    Silent {
        /// The file's name.
        file: String,
    },
}

/// What full scale is in a file with this `peak`, of which the samples were left as the integers
/// they had been.
fn full_scale(peak: f32) -> Option<f32> {
    let bits = [16, 24, 32].map(|bits| 2.0_f32.powi(bits - 1));
    bits.into_iter().find(|full| peak <= *full)
}

/// Reads the sound in the audio file at `path`: its first [`LONGEST_OWN_S`]
/// seconds from the attack on. Allocates.
///
/// # Errors
/// A file that cannot be read, is silent, or has another rate than a one-shot can
/// have.
pub fn read_one_shot(path: &Path) -> Result<OneShot, OwnSoundError> {
    let file = || name_of(path);
    let mut reader = AudioReader::open(path)?;
    let rate_hz = reader.sample_rate_hz();
    let longest = (LONGEST_OWN_S * rate_hz) as usize;
    let mut channels: Vec<Vec<f32>> = vec![Vec::new(); reader.channels()];
    // Some more, in case the sound begins late.
    while channels[0].len() < 2 * longest
        && let Some(packet) = reader.next_packet()?
    {
        for (channel, samples) in channels.iter_mut().zip(packet) {
            channel.extend_from_slice(samples);
        }
    }
    let mut peak = channels
        .iter()
        .flatten()
        .fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
    if peak > LARGEST_PEAK {
        let full = full_scale(peak).ok_or_else(|| OwnSoundError::Loud { file: file(), peak })?;
        for sample in channels.iter_mut().flatten() {
            *sample /= full;
        }
        peak /= full;
    }
    let sounds = |sample: &f32| sample.abs() > BEGIN * peak;
    let begins = channels
        .iter()
        .filter_map(|channel| channel.iter().position(sounds));
    let Some(first) = begins.min() else {
        return Err(OwnSoundError::Silent { file: file() });
    };
    let first = first.saturating_sub((LEAD_S * rate_hz) as usize);
    let is_cut = channels[0].len() - first > longest;
    for channel in &mut channels {
        channel.drain(..first);
        channel.truncate(longest);
    }
    if is_cut {
        // It ends here because we end it. Where a file ends is the user's business.
        fade_if_cut(&mut channels, rate_hz);
    }
    OneShot::new(rate_hz, channels)
        .map(|one_shot| {
            let lead_s = usual_lead_s(&one_shot);
            one_shot.trimmed().with_lead(lead_s)
        })
        .map_err(|source| OwnSoundError::OneShot {
            file: file(),
            source,
        })
}

/// Samples of one drum: velocity layers, round robins or both.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OwnSet {
    /// In the order of the files' names.
    pub one_shots: Vec<OneShot>,
    /// Files that were left out, and why, in words.
    pub left_out: Vec<String>,
}

impl OwnSet {
    /// Whether `one_shot` still fits beside `others`.
    pub fn has_room<'a>(
        others: impl Iterator<Item = &'a OneShot> + Clone,
        one_shot: &OneShot,
    ) -> bool {
        let taken_s: f64 = others.clone().map(OneShot::duration_s).sum();
        others.count() < MOST_OWN_SAMPLES && taken_s + one_shot.duration_s() <= LONGEST_OWN_SET_S
    }
}

/// Reads `path`: an audio file, or all those of a folder, by name. What cannot be used
/// or is too much is left out. Allocates.
///
/// # Errors
/// A file that cannot be used; a folder in which none can.
pub fn read_own_set(path: &Path) -> Result<OwnSet, OwnSoundError> {
    if path.is_dir() {
        read_set(&name_of(path), &audio_files(path)?)
    } else {
        Ok(OwnSet {
            one_shots: vec![read_one_shot(path)?],
            left_out: Vec::new(),
        })
    }
}

/// Reads `files`, which come from `place`.
///
/// # Errors
/// None can be used.
pub(super) fn read_set(place: &str, files: &[PathBuf]) -> Result<OwnSet, OwnSoundError> {
    let mut set = OwnSet::default();
    let too_much = |file: &Path| {
        let name = name_of(file);
        format!("{name}: a drum has at most {MOST_OWN_SAMPLES} samples and {LONGEST_OWN_SET_S} s")
    };
    for file in files {
        // A folder may hold thousands: none is read in vain.
        if set.one_shots.len() >= MOST_OWN_SAMPLES {
            set.left_out.push(too_much(file));
            continue;
        }
        match read_one_shot(file) {
            Ok(one_shot) if OwnSet::has_room(set.one_shots.iter(), &one_shot) => {
                set.one_shots.push(one_shot);
            }
            Ok(_) => set.left_out.push(too_much(file)),
            Err(error) => set.left_out.push(error.to_string()),
        }
    }
    if set.one_shots.is_empty() {
        return Err(OwnSoundError::Empty {
            folder: place.to_owned(),
            found: set.left_out.pop().unwrap_or_else(|| "none".to_owned()),
        });
    }
    Ok(set)
}

/// The audio files of `folder`, by name.
pub(super) fn audio_files(folder: &Path) -> Result<Vec<PathBuf>, OwnSoundError> {
    let entries = fs::read_dir(folder).map_err(|source| OwnSoundError::Folder {
        folder: name_of(folder),
        source,
    })?;
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_called_audio(path) && !name_of(path).starts_with('.') && path.is_file())
        .collect();
    files.sort_by_cached_key(|path| name_of(path).to_lowercase());
    Ok(files)
}

pub(super) fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio_file::{AudioBuffer, write_wav};

    /// Closed: an open file cannot be replaced on every system.
    fn file(samples: Vec<f32>) -> tempfile::TempPath {
        let file = tempfile::Builder::new().suffix(".wav").tempfile().unwrap();
        let path = file.into_temp_path();
        let audio = AudioBuffer {
            sample_rate_hz: 48_000.0,
            channels: vec![samples],
        };
        write_wav(&path, &audio).unwrap();
        path
    }

    #[test]
    fn a_sample_begins_with_its_attack() {
        let mut samples = vec![0.0; 9_000];
        samples[5_000..6_000].fill(0.5);
        let sample = read_one_shot(&file(samples)).unwrap();
        assert_eq!(sample.frames(), 24 + 1_000);
        assert_eq!(sample.channel(0)[24], 0.5);
        assert!((0.0005..0.0008).contains(&sample.lead_s()));
    }

    #[test]
    fn integers_that_were_left_as_they_were_are_brought_to_full_scale() {
        for bits in [16, 24, 32] {
            let full = 2.0_f32.powi(bits - 1);
            let whole = vec![-full, 0.5 * full, 0.25 * full, 0.0];
            let sample = read_one_shot(&file(whole)).unwrap();
            assert_eq!(sample.channel(0)[..3], [-1.0, 0.5, 0.25], "{bits}");
        }
        // What is a little too loud is what it is.
        let loud = read_one_shot(&file(vec![3.5; 100])).unwrap();
        assert_eq!(loud.peak(), 3.5);
        let error = read_one_shot(&file(vec![1e20; 100])).unwrap_err();
        assert!(error.to_string().contains("a peak of 1e20"), "{error}");
    }

    #[test]
    fn a_sample_that_is_too_long_fades_and_others_end_as_they_do() {
        let longest = (LONGEST_OWN_S * 48_000.0) as usize;
        let tone = |frames: usize| (0..frames).map(|n| 0.5 * (n as f32 * 0.3).cos()).collect();
        let cut = read_one_shot(&file(tone(longest + 4_800))).unwrap();
        assert!((longest - 100..=longest).contains(&cut.frames()));
        let loudest = |one_shot: &OneShot, from: usize| {
            let rest = one_shot.channel(0)[from..].iter();
            rest.fold(0.0_f32, |loudest, sample| sample.abs().max(loudest))
        };
        assert!(loudest(&cut, longest / 2) > 0.49);
        assert!(loudest(&cut, cut.frames() - 48) < 0.001);
        let whole = read_one_shot(&file(tone(longest - 4_800))).unwrap();
        assert!(loudest(&whole, whole.frames() - 48) > 0.49);
    }

    #[test]
    fn a_slow_attack_leads_more() {
        let swells: Vec<f32> = (0..9_000).map(|n| (n as f32 / 960.0).min(1.0)).collect();
        let sample = read_one_shot(&file(swells)).unwrap();
        // A fifth of what the first 12 ms reach is there after some 2 ms.
        assert!(
            (0.002..0.004).contains(&sample.lead_s()),
            "{}",
            sample.lead_s()
        );
    }

    #[test]
    fn what_cannot_be_a_sound_is_refused_by_name() {
        let silent = file(vec![0.0; 100]);
        let error = read_one_shot(&silent).unwrap_err().to_string();
        assert!(error.contains(".wav: expected a sound"), "{error}");
        assert!(read_one_shot(Path::new("/no/such/file.wav")).is_err());
    }

    fn write(path: &Path, samples: Vec<f32>) {
        let audio = AudioBuffer {
            sample_rate_hz: 48_000.0,
            channels: vec![samples],
        };
        write_wav(path, &audio).unwrap();
    }

    #[test]
    fn a_folder_is_a_set_and_what_is_no_sound_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let empty = read_own_set(folder.path()).unwrap_err().to_string();
        assert!(empty.contains("found none"), "{empty}");
        write(&folder.path().join("b.wav"), vec![0.5; 200]);
        write(&folder.path().join("A.WAV"), vec![0.25; 100]);
        write(&folder.path().join(".hidden.wav"), vec![0.25; 100]);
        fs::write(folder.path().join("c.flac"), b"no audio").unwrap();
        fs::write(folder.path().join("notes.txt"), b"").unwrap();
        let set = read_own_set(folder.path()).unwrap();
        let frames: Vec<usize> = set.one_shots.iter().map(OneShot::frames).collect();
        assert_eq!(frames, [100, 200]);
        assert_eq!(set.left_out.len(), 1);
        assert!(set.left_out[0].contains("c.flac"), "{}", set.left_out[0]);
        let one = read_own_set(&folder.path().join("b.wav")).unwrap();
        assert_eq!(one.one_shots.len(), 1);
    }

    #[test]
    fn a_set_has_bounds() {
        let folder = tempfile::tempdir().unwrap();
        for n in 0..MOST_OWN_SAMPLES + 2 {
            write(&folder.path().join(format!("{n:02}.wav")), vec![0.5; 64]);
        }
        let set = read_own_set(folder.path()).unwrap();
        assert_eq!(set.one_shots.len(), MOST_OWN_SAMPLES);
        assert_eq!(set.left_out.len(), 2);
        assert!(set.left_out[0].starts_with("24.wav"), "{}", set.left_out[0]);
        let long = OneShot::new(100.0 * 80.0, vec![vec![0.5; 50_000]]).unwrap();
        let four = [&long, &long, &long, &long];
        assert!(OwnSet::has_room(four[..3].iter().copied(), &long));
        assert!(!OwnSet::has_room(four.into_iter(), &long));
    }
}
