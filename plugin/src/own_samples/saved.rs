//! Samples of the user's own as text in a project.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use idm_engine::drum::{DRUM_COUNT, Drum};
use idm_engine::learner::{LearntDrum, LearntKit, LearntLayer, decode_kit, encode_kit};
use idm_engine::one_shots::OneShot;
use serde::{Deserialize, Serialize};

use super::Samples;

/// Longest text that is read: nine pads as full as they can be.
pub(super) const MAX_TEXT_BYTES: usize = 128 << 20;

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

/// The samples of all pads as text.
pub(super) fn encode(samples: &[Option<Samples>; DRUM_COUNT]) -> String {
    let saved: Vec<Saved> = Drum::ALL
        .into_iter()
        .zip(samples)
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

/// The samples in `text`, and what is wrong with it in words, if anything: bad ones are left
/// out.
pub(super) fn decode(text: &str) -> ([Option<Samples>; DRUM_COUNT], String) {
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
    (samples, problem)
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
