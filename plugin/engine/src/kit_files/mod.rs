//! A learnt kit as files: one WAV per one-shot and an SFZ that maps them.

mod sfz;

use std::{io, path::Path};

use thiserror::Error;

pub use sfz::safe_name;

use crate::{
    audio_file::{AudioBuffer, AudioFileError, PartialFile, write_wav},
    drum::Drum,
    learner::{LearntDrum, LearntKit, LearntLayer},
    sound::{MOST_LAYERS, layer_name, suffix},
};

/// Peak below which a one-shot counts as silent: −66 dBFS.
const MIN_PEAK: f32 = 5e-4;
/// Duration below which a one-shot counts as a click.
const MIN_DURATION_S: f64 = 0.01;
/// Confidence below which a one-shot is not the drum's.
const MIN_CONFIDENCE: f32 = 0.02;

/// Name of the file that maps the samples.
const SFZ_NAME: &str = "kit.sfz";

/// Why a kit could not be written.
#[derive(Debug, Error)]
pub enum KitFilesError {
    /// A WAV could not be written.
    #[error(transparent)]
    Wav(#[from] AudioFileError),
    /// Another file or the folder could not be written.
    #[error("{path}: {source}")]
    File {
        /// Which.
        path: String,
        /// The system's reason.
        source: io::Error,
    },
    /// Nothing worth a file.
    #[error("nothing has been learnt yet: expected at least one drum, found none")]
    Empty,
}

/// One WAV file to be.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleFile {
    /// Its name, for example `loop_snare_soft.wav`.
    pub file: String,
    /// Words for it, for example `Snare soft`.
    pub title: String,
    /// The drum.
    pub drum: Drum,
    /// Velocities from this one …
    pub low_velocity: u8,
    /// … to this one, 1 to 127.
    pub high_velocity: u8,
    /// The sound.
    pub audio: AudioBuffer,
}

/// All files of a kit.
#[derive(Debug, Clone, PartialEq)]
pub struct KitFiles {
    /// One per drum and velocity layer.
    pub samples: Vec<SampleFile>,
    /// Text of the SFZ file.
    pub sfz: String,
    /// What was left out, and why.
    pub left_out: Vec<String>,
}

impl KitFiles {
    /// Plans the files of `kit` under the name `title`. One-shots that nobody
    /// would hear, or that are hardly the drum's, are left out. Allocates.
    pub fn of(title: &str, kit: &LearntKit) -> KitFiles {
        let name = safe_name(title);
        let mut files = KitFiles {
            samples: Vec::new(),
            sfz: String::new(),
            left_out: Vec::new(),
        };
        for learnt in &kit.drums {
            let mut layers: Vec<&LearntLayer> = Vec::new();
            for layer in &learnt.layers {
                match flaw(learnt, layer) {
                    Some(flaw) => {
                        let drum = learnt.drum.name();
                        files.left_out.push(format!("{drum}: {flaw}"));
                    }
                    None => layers.push(layer),
                }
            }
            files.add(&name, learnt.drum, &layers);
        }
        files.within_full_scale();
        files.sfz = sfz::encode(title, &files.samples);
        files
    }

    /// Names that [`KitFiles::of`] may give to samples under the name `title`: what an earlier
    /// kit of that name can have left.
    pub fn possible_names(title: &str) -> Vec<String> {
        let name = safe_name(title);
        let layers = (1..=MOST_LAYERS).flat_map(|count| (0..count).map(move |n| (n, count)));
        let mut names: Vec<String> = layers
            .flat_map(|(layer, count)| {
                let suffix = suffix(layer, count);
                let name = &name;
                Drum::ALL.map(|drum| format!("{name}_{}{suffix}.wav", drum.file_stem()))
            })
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// Turns the whole kit down if a sample would be beyond full scale: a drum that was never
    /// hit as hard as it can be may be.
    fn within_full_scale(&mut self) {
        let peak = self.samples.iter().map(|sample| sample.audio.peak());
        let gain = 1.0 / peak.fold(1.0, f32::max);
        let channels = self.samples.iter_mut().map(|file| &mut file.audio.channels);
        for sample in channels.flatten().flatten() {
            *sample *= gain;
        }
    }

    fn add(&mut self, name: &str, drum: Drum, layers: &[&LearntLayer]) {
        let tops: Vec<f32> = layers.iter().map(|layer| layer.top_velocity).collect();
        let ranges = sfz::velocity_ranges(&tops);
        for (index, (layer, (low_velocity, high_velocity))) in layers.iter().zip(ranges).enumerate()
        {
            let which = layer_name(index, layers.len());
            let suffix = suffix(index, layers.len());
            // Layers are kept at one level. A file has the level of the top of
            // its velocities; velocity is the root of amplitude.
            let gain = (f32::from(high_velocity) / 127.0).powi(2);
            let channels = layer.one_shot.channels().iter();
            self.samples.push(SampleFile {
                file: format!("{name}_{}{suffix}.wav", drum.file_stem()),
                title: format!("{} {which}", drum.name()).trim_end().to_string(),
                drum,
                low_velocity,
                high_velocity,
                audio: AudioBuffer {
                    sample_rate_hz: layer.one_shot.sample_rate_hz(),
                    channels: channels
                        .map(|channel| channel.iter().map(|sample| gain * sample).collect())
                        .collect(),
                },
            });
        }
    }

    /// Names of all files that are written.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let samples = self.samples.iter().map(|sample| sample.file.as_str());
        samples.chain([SFZ_NAME])
    }

    /// Writes all files into `folder`, which is created if need be.
    ///
    /// # Errors
    /// No sample at all, or what the file system refuses.
    pub fn write(&self, folder: &Path) -> Result<(), KitFilesError> {
        if self.samples.is_empty() {
            return Err(KitFilesError::Empty);
        }
        let failed = |path: &Path| {
            let path = path.display().to_string();
            move |source| KitFilesError::File { path, source }
        };
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
        for sample in &self.samples {
            write_wav(folder.join(&sample.file), &sample.audio)?;
        }
        let sfz = folder.join(SFZ_NAME);
        PartialFile::write(&sfz, self.sfz.as_bytes()).map_err(failed(&sfz))
    }
}

/// Why a one-shot is not worth a file.
fn flaw(learnt: &LearntDrum, layer: &LearntLayer) -> Option<String> {
    let one_shot = &layer.one_shot;
    let duration_s = one_shot.frames() as f64 / one_shot.sample_rate_hz();
    let (peak, confidence) = (one_shot.peak(), learnt.confidence);
    if duration_s < MIN_DURATION_S {
        Some(format!(
            "expected at least {:.0} ms, found {:.1} ms",
            1e3 * MIN_DURATION_S,
            1e3 * duration_s
        ))
    } else if peak < MIN_PEAK {
        Some(format!(
            "expected a peak of at least {MIN_PEAK}, found {peak}"
        ))
    } else if confidence < MIN_CONFIDENCE {
        Some(format!(
            "expected hits that are alike, found confidence {:.0} %",
            100.0 * confidence
        ))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::one_shots::OneShot;

    fn drum(drum: Drum, confidence: f32, layers: &[(f32, f32, usize)]) -> LearntDrum {
        LearntDrum {
            drum,
            layers: layers
                .iter()
                .map(|&(top_velocity, level, frames)| LearntLayer {
                    top_velocity,
                    one_shot: Arc::new(OneShot::new(44_100.0, vec![vec![level; frames]]).unwrap()),
                })
                .collect(),
            hits: 3,
            confidence,
        }
    }

    #[test]
    fn silent_short_and_doubtful_one_shots_are_left_out_with_a_word() {
        let kit = LearntKit {
            drums: vec![
                drum(Drum::Kick, 0.9, &[(0.5, 1e-5, 4_410), (1.0, 0.5, 4_410)]),
                drum(Drum::Crash, 0.9, &[(1.0, 0.5, 10)]),
                drum(Drum::Ride, 0.0, &[(1.0, 0.5, 4_410)]),
            ],
            ..LearntKit::default()
        };
        let files = KitFiles::of("My loop", &kit);
        assert_eq!(files.samples.len(), 1);
        assert_eq!(files.samples[0].file, "My_loop_kick.wav");
        assert_eq!(files.samples[0].low_velocity, 1);
        assert_eq!(files.left_out.len(), 3, "{:?}", files.left_out);
        assert!(
            files.left_out[1].contains("found 0.2 ms"),
            "{:?}",
            files.left_out
        );
        assert!(files.left_out[2].contains("0 %"));
    }

    #[test]
    fn a_kit_beyond_full_scale_is_turned_down_as_one() {
        let kit = LearntKit {
            drums: vec![
                drum(Drum::Kick, 0.9, &[(1.0, 2.0, 4_410)]),
                drum(Drum::Snare, 0.9, &[(1.0, 0.5, 4_410)]),
            ],
            ..LearntKit::default()
        };
        let files = KitFiles::of("a", &kit);
        let peaks: Vec<f32> = files.samples.iter().map(|file| file.audio.peak()).collect();
        assert_eq!(peaks, [1.0, 0.25]);
    }

    #[test]
    fn a_soft_layer_has_the_level_of_its_velocities() {
        let kit = LearntKit {
            drums: vec![drum(Drum::Snare, 0.9, &[(0.5, 0.8, 441), (1.0, 0.8, 441)])],
            ..LearntKit::default()
        };
        let files = KitFiles::of("a", &kit);
        let [soft, loud] = files.samples.as_slice() else {
            panic!("two layers");
        };
        assert_eq!(
            (soft.title.as_str(), soft.high_velocity),
            ("Snare soft", 64)
        );
        assert_eq!((loud.title.as_str(), loud.low_velocity), ("Snare loud", 65));
        let expected = 0.8 * (64.0_f32 / 127.0).powi(2);
        assert!((soft.audio.peak() - expected).abs() < 1e-6);
        assert_eq!(loud.audio.peak(), 0.8);
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("new");
        files.write(&folder).unwrap();
        assert!(folder.join("kit.sfz").exists() && folder.join("a_snare_soft.wav").exists());
    }

    #[test]
    fn an_empty_kit_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let files = KitFiles::of("a", &LearntKit::default());
        let error = files.write(folder.path()).unwrap_err();
        assert!(error.to_string().contains("nothing has been learnt"));
    }
}
