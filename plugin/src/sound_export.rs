//! The sound of a pad as a WAV file.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use idm_engine::audio_file::{AudioBuffer, write_wav};
use idm_engine::controls::DrumControls;
use idm_engine::drum::Drum;
use idm_engine::kit_files::{KitFiles, safe_name};
use idm_engine::learner::{LearntDrum, LearntKit, LearntLayer};
use idm_engine::one_shots::{OneShot, struck};

use crate::kit_state::KitState;
use crate::own_samples::OwnSamples;

/// Writes what the pad of `drum` plays when it is hit hard, as it is tuned and damped, into a
/// new file in `folder`, which is created if need be, and answers its path. What is mono stays
/// so, wherever the drum stands. Allocates.
///
/// # Errors
/// Nothing learnt, or what the file system refuses, in words.
pub fn save(
    drum: Drum,
    set: &DrumControls,
    own: &OwnSamples,
    kit: &KitState,
    folder: &Path,
) -> Result<PathBuf, String> {
    let (name, audio) = match own.hardest(drum) {
        Some((name, one_shot)) => {
            let name = format!("{} {}", drum.name(), safe_name(&name));
            (name, as_set(&one_shot, set))
        }
        None => (drum.name().to_owned(), learnt(drum, set, &kit.current())?),
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

/// `one_shot` tuned and damped.
fn as_set(one_shot: &OneShot, set: &DrumControls) -> AudioBuffer {
    AudioBuffer {
        sample_rate_hz: one_shot.sample_rate_hz(),
        channels: struck(one_shot, set.tune_semitones, set.decay),
    }
}

/// The loudest layer of `drum` as a saved kit has it.
fn learnt(drum: Drum, set: &DrumControls, kit: &LearntKit) -> Result<AudioBuffer, String> {
    let name = drum.name().to_lowercase();
    let layers = kit.drum(drum).map(|learnt| (learnt, learnt.layers.last()));
    let Some((learnt, Some(loudest))) = layers else {
        return Err(format!("the {name} has not been learnt yet"));
    };
    let audio = as_set(&loudest.one_shot, set);
    let played = OneShot::new(audio.sample_rate_hz, audio.channels);
    let played = played.map_err(|error| error.to_string())?;
    let alone = LearntKit {
        drums: vec![LearntDrum {
            layers: vec![LearntLayer {
                one_shot: Arc::new(played),
                ..loudest.clone()
            }],
            ..learnt.clone()
        }],
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
    use base64::Engine as _;
    use idm_engine::audio_file::AudioReader;
    use idm_engine::learner::encode_kit;
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
        let as_it_is = DrumControls::default();
        let save_as = |set: &DrumControls, own: &OwnSamples, kit: &KitState| {
            save(Drum::Snare, set, own, kit, &folder)
        };
        let save = |own: &OwnSamples, kit: &KitState| save_as(&as_it_is, own, kit);
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
        // An octave up it is half as long, and damped it is softer and softer.
        let octave_up = DrumControls {
            tune_semitones: 12.0,
            ..as_it_is
        };
        let path = save_as(&octave_up, &own, &kit).expect("saved");
        assert_eq!(path, folder.join("Snare my_snare 1.wav"));
        assert_eq!(frames(&path), 1_000);
        let path = save(&own, &kit).expect("saved");
        assert_eq!(frames(&path), 2_000);
        let damped = DrumControls {
            decay: 0.1,
            ..as_it_is
        };
        let path = save_as(&damped, &OwnSamples::default(), &kit).expect("saved");
        let audio = idm_engine::audio_file::read(path).expect("audio");
        assert!(audio.channels[0][4_000] < 0.1 * audio.channels[0][0]);
        // The pad plays what is loud, not what has a peak.
        let click = folder.join("click.wav");
        let mut samples = vec![0.01; 3_000];
        samples[0] = 1.0;
        let audio = AudioBuffer {
            sample_rate_hz: 48_000.0,
            channels: vec![samples],
        };
        write_wav(&click, &audio).unwrap();
        own.load(Drum::Snare, &click, Placing::Add).unwrap();
        let path = save(&own, &kit).expect("saved");
        assert_eq!(frames(&path), 2_000);
        fs::remove_dir_all(folder).unwrap();
    }
}
