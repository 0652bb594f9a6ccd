//! Samples of the user's own on the pads: saved with the project, handed to the
//! audio thread.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use idm_engine::drum::{DRUM_COUNT, Drum};
use idm_engine::learner::{LearntDrum, LearntKit, LearntLayer, as_kept, decode_kit, encode_kit};
use idm_engine::one_shots::{OneShot, OwnSet, OwnSounds, read_own_set};
use nice_plug::params::persist::PersistentField;
use serde::{Deserialize, Serialize};

use crate::handover::{Inbox, Outbox, handover};

/// Longest text that is read: nine pads as full as they can be.
const MAX_TEXT_BYTES: usize = 128 << 20;

/// What is on a pad as it is saved.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    /// File stem of the drum.
    drum: String,
    /// Name of the file or folder that it came from.
    name: String,
    /// The sounds as the layers of a kit of one drum, in base64.
    data: String,
}

/// What is on a pad: never nothing.
#[derive(Debug, Clone, PartialEq)]
struct Samples {
    name: String,
    /// In the form in which they are saved.
    one_shots: Vec<Arc<OneShot>>,
}

impl Samples {
    /// What the pad shows.
    fn title(&self) -> String {
        match self.one_shots.len() {
            0 | 1 => self.name.clone(),
            count => format!("{} ×{count}", self.name),
        }
    }
}

#[derive(Debug)]
struct Slot {
    samples: [Option<Samples>; DRUM_COUNT],
    /// What was on each pad before the last change, if it was changed.
    before: [Option<Option<Samples>>; DRUM_COUNT],
    /// How often the user has changed them.
    edits: u64,
    /// What could not be read, kept for who can until the user changes something.
    unread: Option<String>,
    problem: String,
    /// Rate of the running engine; 0 before there was one.
    sample_rate_hz: f64,
    outbox: Outbox<OwnSounds>,
    inbox: Option<OwnInbox>,
}

impl Default for Slot {
    fn default() -> Self {
        let (outbox, inbox) = handover();
        Self {
            samples: Default::default(),
            before: Default::default(),
            edits: 0,
            unread: None,
            problem: String::new(),
            sample_rate_hz: 0.0,
            outbox,
            inbox: Some(inbox),
        }
    }
}

impl Slot {
    /// Puts something else on a pad.
    fn change(&mut self, drum: Drum, samples: Option<Samples>) {
        let place = &mut self.samples[drum.index()];
        self.before[drum.index()] = Some(std::mem::replace(place, samples));
        self.unread = None;
        self.edits += 1;
        self.publish();
    }

    /// Converts all samples to the engine's rate.
    fn convert(&mut self) -> OwnSounds {
        let samples = Drum::ALL.into_iter().zip(&self.samples);
        let sounds: Vec<(Drum, Vec<Arc<OneShot>>)> = samples
            .filter_map(|(drum, samples)| Some((drum, samples.as_ref()?.one_shots.clone())))
            .collect();
        OwnSounds::new(&sounds, self.sample_rate_hz).unwrap_or_else(|error| {
            self.problem = format!("Your samples cannot be played: {error}");
            OwnSounds::default()
        })
    }

    /// Sends all samples to the running engine, if there is one.
    fn publish(&mut self) {
        if self.sample_rate_hz > 0.0 {
            let own = self.convert();
            self.outbox.send(Arc::new(own));
        }
    }
}

/// What happens to the samples that are on the pad.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placing {
    /// They go.
    Replace,
    /// They stay, and the new ones join them.
    Add,
}

/// The samples of a project. None of this is for the audio thread, which has
/// [`OwnInbox`].
#[derive(Debug, Default, Clone)]
pub struct OwnSamples(Arc<Mutex<Slot>>);

impl OwnSamples {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the sound in the audio file at `path`, or all those of a folder, on the pad of
    /// `drum`: in place of what is there, or beside it. Answers which files were left out
    /// and why, in words; nothing if none was.
    ///
    /// # Errors
    /// Why nothing can be used, in words; the pad then stays as it is.
    pub fn load(&self, drum: Drum, path: &Path, placing: Placing) -> Result<String, String> {
        let set = read_own_set(path).map_err(|error| error.to_string())?;
        let mut left_out = set.left_out;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let mut slot = self.lock();
        let present = match placing {
            Placing::Replace => None,
            Placing::Add => slot.samples[drum.index()].clone(),
        };
        let mut samples = present.unwrap_or_else(|| Samples {
            name: name.into_owned(),
            one_shots: Vec::new(),
        });
        for one_shot in &set.one_shots {
            let kept = as_kept(one_shot).map_err(|error| error.to_string())?;
            if OwnSet::has_room(samples.one_shots.iter().map(Arc::as_ref), &kept) {
                samples.one_shots.push(Arc::new(kept));
            } else {
                left_out.push("no more room on this pad".to_owned());
            }
        }
        if samples.one_shots.is_empty() {
            return Err(left_out.join("; "));
        }
        slot.problem.clear();
        slot.change(drum, Some(samples));
        Ok(match left_out.len() {
            0 => String::new(),
            1 => format!("Left out: {}", left_out[0]),
            count => format!("Left out {count} files: {}; …", left_out[0]),
        })
    }

    /// Gives the pad of `drum` back to the kit.
    pub fn clear(&self, drum: Drum) {
        let mut slot = self.lock();
        if slot.samples[drum.index()].is_some() {
            slot.change(drum, None);
        }
    }

    /// Whether the pad of `drum` has had something else before.
    pub fn can_undo(&self, drum: Drum) -> bool {
        self.lock().before[drum.index()].is_some()
    }

    /// Puts on the pad of `drum` what was there before the last change; twice is as it was.
    pub fn undo(&self, drum: Drum) {
        let mut slot = self.lock();
        if let Some(before) = slot.before[drum.index()].take() {
            slot.change(drum, before);
        }
    }

    /// What is on each pad that has samples: a name, and how many there are.
    pub fn names(&self) -> [Option<String>; DRUM_COUNT] {
        let slot = self.lock();
        Drum::ALL.map(|drum| Some(slot.samples[drum.index()].as_ref()?.title()))
    }

    /// How often the user has changed them since the plugin was made.
    pub fn edits(&self) -> u64 {
        self.lock().edits
    }

    /// What was wrong with the samples of the project; empty if nothing was.
    pub fn problem(&self) -> String {
        self.lock().problem.clone()
    }

    /// The audio thread's end; there is one.
    pub fn take_inbox(&self) -> Option<OwnInbox> {
        self.lock().inbox.take()
    }

    /// All samples for an engine at `sample_rate_hz`; later changes go through the
    /// inbox. Allocates.
    pub fn prepare(&self, sample_rate_hz: f64) -> Arc<OwnSounds> {
        let mut slot = self.lock();
        slot.sample_rate_hz = sample_rate_hz;
        let own = slot.convert();
        slot.outbox.keep(Arc::new(own))
    }

    fn text(&self) -> String {
        let slot = self.lock();
        if let Some(unread) = &slot.unread {
            return unread.clone();
        }
        let saved: Vec<Saved> = Drum::ALL
            .into_iter()
            .zip(&slot.samples)
            .filter_map(|(drum, samples)| {
                let samples = samples.as_ref()?;
                // Their velocities follow from their loudness.
                let layers = samples.one_shots.iter().map(|one_shot| LearntLayer {
                    top_velocity: 1.0,
                    one_shot: one_shot.clone(),
                });
                let kit = LearntKit {
                    drums: vec![LearntDrum {
                        drum,
                        layers: layers.collect(),
                        hits: 0,
                        confidence: 0.0,
                    }],
                    embedding: Vec::new(),
                };
                Some(Saved {
                    drum: drum.file_stem().to_owned(),
                    name: samples.name.clone(),
                    data: STANDARD.encode(encode_kit(&kit)),
                })
            })
            .collect();
        serde_json::to_string(&saved).unwrap_or_default()
    }

    /// Takes samples from text; bad ones are left out, with a word about it.
    fn read(&self, text: &str) {
        let mut samples: [Option<Samples>; DRUM_COUNT] = Default::default();
        let mut problem = String::new();
        let saved = if text.len() > MAX_TEXT_BYTES {
            Err(format!(
                "expected at most {MAX_TEXT_BYTES} bytes, found {}",
                text.len()
            ))
        } else if text.is_empty() {
            Ok(Vec::new())
        } else {
            serde_json::from_str::<Vec<Saved>>(text).map_err(|error| error.to_string())
        };
        match saved {
            Ok(saved) => {
                for sample in saved {
                    match one_shots_of(&sample) {
                        Ok((drum, one_shots)) => {
                            samples[drum.index()] = Some(Samples {
                                name: sample.name,
                                one_shots,
                            });
                        }
                        Err(error) => {
                            problem = format!(
                                "The project's sample {:?} cannot be used ({error}); the kit plays",
                                sample.name
                            );
                        }
                    }
                }
            }
            Err(error) => {
                problem = format!("The project's samples cannot be used ({error}); the kit plays");
            }
        }
        let mut slot = self.lock();
        let is_kept = !problem.is_empty() && text.len() <= MAX_TEXT_BYTES;
        slot.unread = is_kept.then(|| text.to_owned());
        slot.problem = problem;
        if slot.samples != samples {
            slot.samples = samples;
            slot.before = Default::default();
            slot.publish();
        }
    }
}

fn one_shots_of(saved: &Saved) -> Result<(Drum, Vec<Arc<OneShot>>), String> {
    let drum = Drum::from_file_stem(&saved.drum)
        .ok_or_else(|| format!("expected a drum, found {:?}", saved.drum))?;
    let bytes = STANDARD
        .decode(&saved.data)
        .map_err(|error| format!("not base64: {error}"))?;
    let kit = decode_kit(&bytes).map_err(|error| error.to_string())?;
    let layers = kit.drums.into_iter().flat_map(|drum| drum.layers);
    let one_shots: Vec<_> = layers.map(|layer| layer.one_shot).collect();
    if one_shots.is_empty() {
        return Err("expected a sound, found none".to_owned());
    }
    Ok((drum, one_shots))
}

impl PersistentField<'_, String> for OwnSamples {
    fn set(&self, text: String) {
        self.read(&text);
    }

    fn map<F, R>(&self, f: F) -> R
    where
        F: Fn(&String) -> R,
    {
        f(&self.text())
    }
}

/// The audio thread's end.
pub type OwnInbox = Inbox<OwnSounds>;

#[cfg(test)]
mod tests {
    use super::*;
    use idm_engine::audio_file::{AudioBuffer, write_wav};
    use idm_engine::one_shots::{LONGEST_OWN_S, LONGEST_OWN_SET_S, MOST_OWN_SAMPLES};

    fn with_kick() -> OwnSamples {
        let own = OwnSamples::default();
        let one_shot = OneShot::new(44_100.0, vec![vec![0.5, -0.25, 0.125]]);
        let kept = as_kept(&one_shot.expect("a sound")).expect("a sound");
        own.lock().samples[0] = Some(Samples {
            name: "my kick".into(),
            one_shots: vec![Arc::new(kept)],
        });
        own
    }

    #[test]
    fn samples_survive_the_project_to_the_bit() {
        let own = with_kick();
        let again = OwnSamples::default();
        again.set(own.map(Clone::clone));
        assert_eq!(again.lock().samples, own.lock().samples);
        assert_eq!(again.names()[0].as_deref(), Some("my kick"));
        assert!(again.problem().is_empty());
        again.set(String::new());
        assert_eq!(again.names(), [const { None }; DRUM_COUNT]);
    }

    #[test]
    fn the_fullest_pad_of_any_rate_can_be_opened_again() {
        for rate_hz in [8_000.0, 50_000.0, 64_000.0, 88_000.0, 192_000.0] {
            let frames = (LONGEST_OWN_S * rate_hz) as usize;
            let noise = (0..frames).map(|n| ((n * n) as f32 * 0.37).sin());
            let one_shot = OneShot::new(rate_hz, vec![noise.collect()]).expect("a sound");
            let kept = Arc::new(as_kept(&one_shot).expect("a sound"));
            let count = (LONGEST_OWN_SET_S / LONGEST_OWN_S) as usize;
            let own = OwnSamples::default();
            own.lock().samples[0] = Some(Samples {
                name: "long".into(),
                one_shots: vec![kept; count],
            });
            let text = own.map(Clone::clone);
            assert!(
                text.len() < MAX_TEXT_BYTES / (2 * DRUM_COUNT),
                "{}",
                text.len()
            );
            let again = OwnSamples::default();
            again.set(text);
            assert_eq!(again.problem(), "", "{rate_hz} Hz");
            assert_eq!(again.lock().samples, own.lock().samples, "{rate_hz} Hz");
        }
    }

    #[test]
    fn a_folder_fills_a_pad_and_files_join_it() {
        let folder = std::env::temp_dir().join(format!("idm-own-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        for (name, level) in [("soft.wav", 0.1), ("loud.wav", 0.9)] {
            let audio = AudioBuffer {
                sample_rate_hz: 44_100.0,
                channels: vec![vec![level; 400]],
            };
            write_wav(folder.join(name), &audio).expect("a file");
        }
        std::fs::write(folder.join("broken.wav"), b"no audio").expect("a file");
        let own = OwnSamples::default();
        own.prepare(44_100.0);
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        let words = own
            .load(Drum::Snare, &folder, Placing::Replace)
            .expect("two sounds");
        assert!(words.contains("broken.wav"), "{words}");
        assert_eq!(own.names()[1], Some(format!("{name} ×2")));
        let loud = folder.join("loud.wav");
        assert_eq!(
            own.load(Drum::Snare, &loud, Placing::Add),
            Ok(String::new())
        );
        assert_eq!(own.names()[1], Some(format!("{name} ×3")));
        let sounds = own.lock().convert();
        assert_eq!(
            sounds.sound(Drum::Snare).map(|sound| sound.layers.len()),
            Some(3)
        );
        let again = OwnSamples::default();
        again.set(own.map(Clone::clone));
        assert_eq!(again.names(), own.names());
        for _ in 0..MOST_OWN_SAMPLES {
            assert!(own.load(Drum::Snare, &loud, Placing::Add).is_ok());
        }
        assert_eq!(own.names()[1], Some(format!("{name} ×{MOST_OWN_SAMPLES}")));
        assert_eq!(
            own.load(Drum::Snare, &loud, Placing::Replace),
            Ok(String::new())
        );
        assert_eq!(own.names()[1].as_deref(), Some("loud"));
        // A click too many takes nothing for good.
        own.undo(Drum::Snare);
        assert_eq!(own.names()[1], Some(format!("{name} ×{MOST_OWN_SAMPLES}")));
        own.undo(Drum::Snare);
        assert_eq!(own.names()[1].as_deref(), Some("loud"));
        own.clear(Drum::Snare);
        assert!(own.names()[1].is_none() && !own.can_undo(Drum::Kick));
        own.undo(Drum::Snare);
        assert_eq!(own.names()[1].as_deref(), Some("loud"));
        std::fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn bad_samples_are_left_out_and_said_so() {
        let own = with_kick();
        for text in [
            "no json",
            r#"[{"drum":"gong","name":"x","data":""}]"#,
            r#"[{"drum":"kick","name":"x","data":"QUJD"}]"#,
            r#"[{"drum":"kick","name":"x","data":""}]"#,
        ] {
            own.read(text);
            assert!(own.names()[0].is_none());
            assert!(own.problem().contains("the kit plays"), "{text}");
            assert_eq!(own.text(), text, "a newer version may be able to read it");
        }
        let none = Path::new("/no/such.wav");
        let error = own.load(Drum::Kick, none, Placing::Replace).unwrap_err();
        assert!(error.contains("such.wav"), "{error}");
    }

    #[test]
    fn the_audio_thread_gets_the_newest_set_and_frees_none() {
        let own = with_kick();
        let mut inbox = own.take_inbox().expect("the first");
        assert!(own.take_inbox().is_none());
        let first = own.prepare(48_000.0);
        assert!(first.sound(Drum::Kick).is_some());
        own.lock().publish();
        own.clear(Drum::Kick);
        let mut taken = None;
        inbox.offer(|_| false);
        inbox.offer(|sounds| {
            taken = Some(sounds.clone());
            true
        });
        inbox.offer(|_| panic!("nothing waits"));
        let taken = taken.expect("the newest");
        assert!(taken.sound(Drum::Kick).is_none());
        // Of all sets, those in use and the newest ones are kept.
        drop((first, taken));
        for _ in 0..9 {
            own.lock().publish();
        }
        let kept = own.lock().outbox.kept();
        assert!(kept <= 4, "{kept} are kept");
    }
}
