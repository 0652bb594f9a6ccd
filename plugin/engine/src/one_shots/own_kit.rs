//! A folder of audio files as the user's own sounds of a whole kit.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    OwnSet, OwnSoundError,
    own_files::{audio_files, name_of, read_set},
};
use crate::{
    drum::{DRUM_COUNT, Drum, Group},
    sound::{Sound, drum_of_sample, sound_from_spelling},
};

/// Most folders within a folder that are looked into.
const MOST_FOLDERS: usize = 200;

/// What separation writes beside its drums: they are whole songs, and with the kit of the same
/// song in the same folder they would be its loudest samples.
const RESIDUAL_NAME: &str = "residual.wav";

/// Whether separation calls a drum or a group so.
fn is_name_of_stem(stem: &str) -> bool {
    let is_group = |group: Group| group.file_stem() == stem;
    Drum::from_file_stem(stem).is_some() || Group::ALL.into_iter().any(is_group)
}

/// The drum that an audio file called `stem` (without its ending) or a folder of that name
/// belongs to: a name that saved kits have (`loop_closed_hat_soft`), or what people call a
/// drum (`Bass Drum 1`, `CHH`). Allocates.
pub fn own_drum(stem: &str) -> Option<Drum> {
    sound_of(stem).and_then(Sound::drum)
}

fn sound_of(stem: &str) -> Option<Sound> {
    match drum_of_sample(stem) {
        Some(drum) => Some(Sound::of_drum(drum)),
        None => sound_from_spelling(stem),
    }
}

/// Samples of a kit.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnKit {
    /// Of each drum of which any can be used.
    pub sets: Vec<(Drum, OwnSet)>,
    /// Files that were left out, and why, in words.
    pub left_out: Vec<String>,
}

/// Which files of a folder are which drum's.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OwnKitPlan {
    /// The folder's name.
    pub name: String,
    /// Of each drum, by name.
    files: [Vec<PathBuf>; DRUM_COUNT],
    /// Files that are no drum's or not its usual sound, and why, in words.
    left_out: Vec<String>,
}

impl OwnKitPlan {
    /// Looks for drums in the names of the audio files of `folder`, and of folders in it,
    /// whose files all are the drum's. Where a drum has its usual sound, others (side
    /// sticks, pedal hats, ride bells) are left out: they would become its soft layers. So are
    /// the drums of a separated recording.
    /// Allocates, opens no file.
    ///
    /// # Errors
    /// A folder that cannot be listed.
    pub fn of(folder: &Path) -> Result<OwnKitPlan, OwnSoundError> {
        let mut plan = OwnKitPlan {
            name: name_of(folder),
            ..OwnKitPlan::default()
        };
        let mut found: Vec<(Sound, PathBuf)> = Vec::new();
        let files = audio_files(folder)?;
        let holds_stems = files.iter().any(|file| name_of(file) == RESIDUAL_NAME);
        for file in files {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy();
            if holds_stems && is_name_of_stem(&stem) {
                plan.leave_out(&file, "a separated drum, for residual.wav lies beside it");
                continue;
            }
            match sound_of(&stem) {
                Some(sound) => found.push((sound, file)),
                None => plan.leave_out(&file, "named like no drum"),
            }
        }
        for inner in folders(folder) {
            if let Some(sound) = sound_of(&name_of(&inner)) {
                // What cannot be listed has nothing to offer.
                let files = audio_files(&inner).unwrap_or_default();
                found.extend(files.into_iter().map(|file| (sound, file)));
            }
        }
        for (sound, file) in &found {
            let Some(drum) = sound.drum() else {
                plan.leave_out(file, "none of the nine drums");
                continue;
            };
            let usual = Sound::of_drum(drum);
            if *sound == usual || found.iter().all(|(other, _)| *other != usual) {
                plan.files[drum.index()].push(file.clone());
            } else {
                let drum = drum.name();
                plan.leave_out(file, &format!("not the {drum}'s usual sound"));
            }
        }
        Ok(plan)
    }

    fn leave_out(&mut self, file: &Path, why: &str) {
        self.left_out.push(format!("{}: {why}", name_of(file)));
    }

    /// The drums that have files.
    pub fn drums(&self) -> impl Iterator<Item = Drum> {
        let with_files = |drum: &Drum| !self.files[drum.index()].is_empty();
        Drum::ALL.into_iter().filter(with_files)
    }

    /// All files of drums.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().flatten().map(PathBuf::as_path)
    }

    /// Reads the files. Allocates.
    ///
    /// # Errors
    /// No file can be used.
    pub fn read(&self) -> Result<OwnKit, OwnSoundError> {
        let mut left_out = self.left_out.clone();
        let mut sets = Vec::new();
        for drum in self.drums() {
            match read_set(drum.name(), &self.files[drum.index()]) {
                Ok(mut set) => {
                    left_out.append(&mut set.left_out);
                    sets.push((drum, set));
                }
                Err(error) => left_out.push(error.to_string()),
            }
        }
        if sets.is_empty() {
            return Err(OwnSoundError::NoKit {
                folder: self.name.clone(),
                found: left_out.pop().unwrap_or_else(|| "none".to_owned()),
            });
        }
        Ok(OwnKit { sets, left_out })
    }
}

/// The folders in `folder`, by name; none if it cannot be listed.
fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.is_dir() && !name_of(path).starts_with('.'))
        .take(MOST_FOLDERS)
        .collect();
    folders.sort();
    folders
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        audio_file::{AudioBuffer, write_wav},
        kit_files::KitFiles,
        learner::{LearntDrum, LearntKit, LearntLayer},
        one_shots::OneShot,
    };

    fn write(path: &Path, level: f32) {
        let audio = AudioBuffer {
            sample_rate_hz: 48_000.0,
            channels: vec![vec![level; 2_400]],
        };
        write_wav(path, &audio).unwrap();
    }

    #[test]
    fn a_saved_kit_is_read_again_whatever_its_title() {
        let layer = |top_velocity| LearntLayer {
            top_velocity,
            one_shot: Arc::new(OneShot::new(44_100.0, vec![vec![0.5; 4_410]]).unwrap()),
        };
        let drums = Drum::ALL.map(|drum| LearntDrum {
            drum,
            layers: vec![layer(0.4), layer(1.0)],
            hits: 5,
            confidence: 0.9,
        });
        let kit = LearntKit {
            drums: drums.into(),
            ..LearntKit::default()
        };
        let folder = tempfile::tempdir().unwrap();
        let files = KitFiles::of("Ride my_snare kick", &kit);
        files.write(folder.path()).unwrap();
        let plan = OwnKitPlan::of(folder.path()).unwrap();
        let OwnKit { sets, left_out } = plan.read().unwrap();
        assert!(left_out.is_empty(), "{left_out:?}");
        let counts: Vec<_> = sets.iter().map(|(d, s)| (*d, s.one_shots.len())).collect();
        assert_eq!(counts, Drum::ALL.map(|drum| (drum, 2)));
    }

    #[test]
    fn separated_drums_are_no_samples() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let kick_of_kit = path("song_kick.wav");
        for file in [&path("kick.wav"), &path("toms.wav"), &kick_of_kit] {
            write(file, 0.5);
        }
        let plan = OwnKitPlan::of(folder.path()).unwrap();
        assert_eq!(plan.files().count(), 3, "samples as good as any");
        write(&path("residual.wav"), 0.5);
        let plan = OwnKitPlan::of(folder.path()).unwrap();
        assert_eq!(plan.files().collect::<Vec<_>>(), [&kick_of_kit]);
        let left_out = plan.read().unwrap().left_out;
        assert_eq!(left_out.len(), 3);
        assert!(left_out[0].starts_with("kick.wav: a separated drum"));
    }

    #[test]
    fn folders_and_usual_sounds_count() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        assert!(OwnKitPlan::of(folder.path()).unwrap().read().is_err());
        fs::create_dir_all(path("Hi-hat open")).unwrap();
        fs::create_dir_all(path("loops")).unwrap();
        for name in [
            "BD 1.wav",
            "bd 2.wav",
            "snare.wav",
            "acoustic_snare_sidestick.wav",
            "kit_ride_bell.wav",
            "Pedal Hat.wav",
            "clap.wav",
            "take.wav",
            "Hi-hat open/a.wav",
            "loops/kick.wav",
        ] {
            write(&path(name), 0.5);
        }
        fs::write(path("crash.wav"), b"no audio").unwrap();
        let plan = OwnKitPlan::of(folder.path()).unwrap();
        let OwnKit { sets, left_out } = plan.read().unwrap();
        let counts: Vec<_> = sets.iter().map(|(d, s)| (*d, s.one_shots.len())).collect();
        let expected = [
            (Drum::Kick, 2),
            (Drum::Snare, 1),
            (Drum::ClosedHat, 1),
            (Drum::OpenHat, 1),
            (Drum::Ride, 1),
        ];
        assert_eq!(counts, expected);
        for name in ["sidestick", "clap", "take", "crash"] {
            assert!(
                left_out.iter().any(|why| why.contains(name)),
                "{left_out:?}"
            );
        }
        assert_eq!(left_out.len(), 4);
    }
}
