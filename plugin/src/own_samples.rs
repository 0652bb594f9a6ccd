//! Samples of the user's own on the pads: saved with the project, handed to the
//! audio thread.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use idm_engine::drum::{DRUM_COUNT, Drum};
use idm_engine::learner::{LearntDrum, LearntKit, LearntLayer, as_kept, decode_kit, encode_kit};
use idm_engine::one_shots::{OneShot, OwnSounds, read_one_shot};
use nice_plug::params::persist::PersistentField;
use serde::{Deserialize, Serialize};

use crate::handover::{Inbox, Outbox, handover};

/// Longest text that is read: nine samples of the longest kind.
const MAX_TEXT_BYTES: usize = 64 << 20;

/// A sample as it is saved.
#[derive(Debug, Serialize, Deserialize)]
struct Saved {
    /// File stem of the drum.
    drum: String,
    /// Name of the file that it came from.
    name: String,
    /// The sound as a kit of one drum, in base64.
    data: String,
}

#[derive(Debug, Clone, PartialEq)]
struct Sample {
    name: String,
    /// In the form in which it is saved.
    one_shot: Arc<OneShot>,
}

#[derive(Debug)]
struct Slot {
    samples: [Option<Sample>; DRUM_COUNT],
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
            problem: String::new(),
            sample_rate_hz: 0.0,
            outbox,
            inbox: Some(inbox),
        }
    }
}

impl Slot {
    /// Converts all samples to the engine's rate.
    fn convert(&mut self) -> OwnSounds {
        let samples = Drum::ALL.into_iter().zip(&self.samples);
        let sounds: Vec<(Drum, Arc<OneShot>)> = samples
            .filter_map(|(drum, sample)| Some((drum, sample.as_ref()?.one_shot.clone())))
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

/// The samples of a project. None of this is for the audio thread, which has
/// [`OwnInbox`].
#[derive(Debug, Default, Clone)]
pub struct OwnSamples(Arc<Mutex<Slot>>);

impl OwnSamples {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts the sound in the audio file at `path` on the pad of `drum`.
    ///
    /// # Errors
    /// Why it cannot be used, in words.
    pub fn load(&self, drum: Drum, path: &Path) -> Result<(), String> {
        let one_shot = read_one_shot(path).map_err(|error| error.to_string())?;
        let one_shot = as_kept(&one_shot).map_err(|error| error.to_string())?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let mut slot = self.lock();
        slot.problem.clear();
        slot.samples[drum.index()] = Some(Sample {
            name: name.into_owned(),
            one_shot: Arc::new(one_shot),
        });
        slot.publish();
        Ok(())
    }

    /// Gives the pad of `drum` back to the kit.
    pub fn clear(&self, drum: Drum) {
        let mut slot = self.lock();
        if slot.samples[drum.index()].take().is_some() {
            slot.publish();
        }
    }

    /// Name of the sample on each pad that has one.
    pub fn names(&self) -> [Option<String>; DRUM_COUNT] {
        let slot = self.lock();
        Drum::ALL.map(|drum| Some(slot.samples[drum.index()].as_ref()?.name.clone()))
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
        let saved: Vec<Saved> = Drum::ALL
            .into_iter()
            .zip(&slot.samples)
            .filter_map(|(drum, sample)| {
                let sample = sample.as_ref()?;
                let kit = LearntKit {
                    drums: vec![LearntDrum {
                        drum,
                        layers: vec![LearntLayer {
                            top_velocity: 1.0,
                            one_shot: sample.one_shot.clone(),
                        }],
                        hits: 0,
                        confidence: 0.0,
                    }],
                    embedding: Vec::new(),
                };
                Some(Saved {
                    drum: drum.file_stem().to_owned(),
                    name: sample.name.clone(),
                    data: STANDARD.encode(encode_kit(&kit)),
                })
            })
            .collect();
        serde_json::to_string(&saved).unwrap_or_default()
    }

    /// Takes samples from text; bad ones are left out, with a word about it.
    fn read(&self, text: &str) {
        let mut samples: [Option<Sample>; DRUM_COUNT] = Default::default();
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
                    match one_shot_of(&sample) {
                        Ok((drum, one_shot)) => {
                            samples[drum.index()] = Some(Sample {
                                name: sample.name,
                                one_shot,
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
        slot.problem = problem;
        if slot.samples != samples {
            slot.samples = samples;
            slot.publish();
        }
    }
}

fn one_shot_of(saved: &Saved) -> Result<(Drum, Arc<OneShot>), String> {
    let drum = Drum::from_file_stem(&saved.drum)
        .ok_or_else(|| format!("expected a drum, found {:?}", saved.drum))?;
    let bytes = STANDARD
        .decode(&saved.data)
        .map_err(|error| format!("not base64: {error}"))?;
    let kit = decode_kit(&bytes).map_err(|error| error.to_string())?;
    let layer = kit.drums.into_iter().flat_map(|drum| drum.layers).last();
    let layer = layer.ok_or("expected a sound, found none")?;
    Ok((drum, layer.one_shot))
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
    use idm_engine::one_shots::LONGEST_OWN_S;

    fn with_kick() -> OwnSamples {
        let own = OwnSamples::default();
        let one_shot = OneShot::new(44_100.0, vec![vec![0.5, -0.25, 0.125]]);
        let kept = as_kept(&one_shot.expect("a sound")).expect("a sound");
        own.lock().samples[0] = Some(Sample {
            name: "my kick".into(),
            one_shot: Arc::new(kept),
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
    fn the_longest_sample_of_any_rate_can_be_opened_again() {
        for rate_hz in [8_000.0, 50_000.0, 64_000.0, 88_000.0, 192_000.0] {
            let frames = (LONGEST_OWN_S * rate_hz) as usize;
            let noise = (0..frames).map(|n| ((n * n) as f32 * 0.37).sin());
            let one_shot = OneShot::new(rate_hz, vec![noise.collect()]).expect("a sound");
            let own = OwnSamples::default();
            own.lock().samples[0] = Some(Sample {
                name: "long".into(),
                one_shot: Arc::new(as_kept(&one_shot).expect("a sound")),
            });
            let again = OwnSamples::default();
            again.set(own.map(Clone::clone));
            assert_eq!(again.problem(), "", "{rate_hz} Hz");
            assert_eq!(again.lock().samples, own.lock().samples, "{rate_hz} Hz");
        }
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
        }
        let error = own.load(Drum::Kick, Path::new("/no/such.wav")).unwrap_err();
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
        // Of all sets, those in use and the newest are kept.
        drop((first, taken));
        own.lock().publish();
        assert_eq!(own.lock().outbox.kept(), 1);
    }
}
