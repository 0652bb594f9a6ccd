//! The sound of a pad as a WAV file.

use std::fs;
use std::path::{Path, PathBuf};

use idm_engine::audio_file::{AudioBuffer, write_wav};
use idm_engine::drum::Drum;
use idm_engine::kit_files::{KitFiles, safe_name};
use idm_engine::learner::LearntKit;

use crate::kit_state::KitState;
use crate::own_samples::OwnSamples;

/// Writes what the pad of `drum` plays when it is hit hard into a new file in `folder`, which
/// is created if need be, and answers its path. Allocates.
///
/// # Errors
/// Nothing learnt, or what the file system refuses, in words.
pub fn save(
    drum: Drum,
    own: &OwnSamples,
    kit: &KitState,
    folder: &Path,
) -> Result<PathBuf, String> {
    let (name, audio) = match own.loudest(drum) {
        Some((name, one_shot)) => {
            let audio = AudioBuffer {
                sample_rate_hz: one_shot.sample_rate_hz(),
                channels: one_shot.channels().to_vec(),
            };
            (format!("{} {}", drum.name(), safe_name(&name)), audio)
        }
        None => (drum.name().to_owned(), learnt(drum, &kit.current())?),
    };
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    for number in 1.. {
        let path = folder.join(format!("{name} {number}.wav"));
        // Another instance may save at the same time: nothing is overwritten.
        // Closed at once: Windows puts no other file in the place of an open one.
        match fs::File::create_new(&path).map(drop) {
            Ok(()) => {
                return match write_wav(&path, &audio) {
                    Ok(()) => Ok(path),
                    Err(error) => {
                        let _ = fs::remove_file(&path);
                        Err(error.to_string())
                    }
                };
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(&path, error)),
        }
    }
    Err(format!("{}: no name is free", folder.display()))
}

/// The loudest layer of `drum` as a saved kit has it.
fn learnt(drum: Drum, kit: &LearntKit) -> Result<AudioBuffer, String> {
    let name = drum.name().to_lowercase();
    let Some(learnt) = kit.drum(drum) else {
        return Err(format!("the {name} has not been learnt yet"));
    };
    let alone = LearntKit {
        drums: vec![learnt.clone()],
        ..LearntKit::default()
    };
    let mut files = KitFiles::of(&name, &alone);
    match files.samples.pop() {
        Some(loudest) => Ok(loudest.audio),
        None => Err(files.left_out.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base64::Engine as _;
    use idm_engine::audio_file::AudioReader;
    use idm_engine::learner::{LearntDrum, LearntLayer, encode_kit};
    use idm_engine::one_shots::OneShot;
    use nice_plug::params::persist::PersistentField as _;

    use super::*;
    use crate::own_samples::Placing;

    fn frames(path: &Path) -> usize {
        let mut reader = AudioReader::open(path).expect("audio");
        let mut frames = 0;
        while let Some(packet) = reader.next_packet().expect("a packet") {
            frames += packet[0].len();
        }
        frames
    }

    #[test]
    fn a_pad_gives_its_own_sample_or_the_learnt_sound_at_its_loudest() {
        let folder = std::env::temp_dir().join(format!("idm-sound-{}", std::process::id()));
        let (own, kit) = (OwnSamples::default(), KitState::default());
        let save = |own: &OwnSamples, kit: &KitState| save(Drum::Snare, own, kit, &folder);
        let error = save(&own, &kit).unwrap_err();
        assert_eq!(error, "the snare has not been learnt yet");
        let layer = |top_velocity, length| LearntLayer {
            top_velocity,
            one_shot: Arc::new(OneShot::new(44_100.0, vec![vec![0.5; length]]).unwrap()),
        };
        let learnt = LearntKit {
            drums: vec![LearntDrum {
                drum: Drum::Snare,
                layers: vec![layer(0.5, 3_000), layer(1.0, 4_410)],
                hits: 5,
                confidence: 0.8,
            }],
            embedding: vec![],
        };
        kit.set(base64::engine::general_purpose::STANDARD.encode(encode_kit(&learnt)));
        for name in ["Snare 1.wav", "Snare 2.wav"] {
            let path = save(&own, &kit).expect("saved");
            assert_eq!(path, folder.join(name));
            assert_eq!(frames(&path), 4_410);
        }
        let sample = folder.join("my snare.wav");
        let audio = AudioBuffer {
            sample_rate_hz: 48_000.0,
            channels: vec![vec![0.25; 2_000]],
        };
        write_wav(&sample, &audio).unwrap();
        own.load(Drum::Snare, &sample, Placing::Replace).unwrap();
        let path = save(&own, &kit).expect("saved");
        assert_eq!(path, folder.join("Snare my_snare 1.wav"));
        assert_eq!(frames(&path), 2_000);
        fs::remove_dir_all(folder).unwrap();
    }
}
