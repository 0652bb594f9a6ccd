//! Samples of the user's own as text in a project.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use idm_engine::drum::{DRUM_COUNT, Drum};
use idm_engine::learner::{LearntDrum, LearntKit, LearntLayer, decode_kit, encode_kit};
use idm_engine::one_shots::OneShot;
use serde::{Deserialize, Serialize};
use serde_json::Value;

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
    let saved = if text.len() > MAX_TEXT_BYTES {
        Err(format!(
            "expected at most {MAX_TEXT_BYTES} bytes, found {}",
            text.len()
        ))
    } else if text.is_empty() {
        Ok(Vec::new())
    } else {
        serde_json::from_str::<Vec<Value>>(text).map_err(|error| error.to_string())
    };
    let saved = match saved {
        Ok(saved) => saved,
        Err(error) => {
            let problem = format!("The project's samples cannot be used ({error}); the kit plays");
            return (samples, problem);
        }
    };
    let count = saved.len();
    let mut problems = Vec::new();
    for sample in saved {
        match samples_of(sample) {
            Ok((drum, on_pad)) => samples[drum.index()] = Some(on_pad),
            Err(problem) => problems.push(problem),
        }
    }
    let problem = match problems.as_slice() {
        [] => String::new(),
        [problem] => format!("The project's {problem}; the kit plays"),
        [first, ..] => format!(
            "Of the project's {count} pads with samples {} cannot be used (the first: {first}); \
             the kit plays",
            problems.len()
        ),
    };
    (samples, problem)
}

/// What is on a pad; why it cannot be used otherwise, by its name.
fn samples_of(saved: Value) -> Result<(Drum, Samples), String> {
    let saved: Saved = serde_json::from_value(saved)
        .map_err(|error| format!("samples of a pad cannot be used ({error})"))?;
    let (drum, one_shots) = one_shots_of(&saved)
        .map_err(|error| format!("sample {:?} cannot be used ({error})", saved.name))?;
    let name = saved.name;
    Ok((drum, Samples { name, one_shots }))
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
