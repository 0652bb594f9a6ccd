//! `idm kit`: the drums of a recording as a sampler instrument.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use idm_engine::audio_file::{AudioBuffer, write_wav};
use idm_engine::controls::Controls;
use idm_engine::learner::{LearntKit, extract_kit};
use idm_engine::one_shots::OneShot;

use crate::args::KitArgs;
use crate::batch::{self, Job};
use crate::capture::Capture;
use crate::picture::{self, Row};
use crate::render::{self, Settings};
use crate::sfz::{self, Region};
use crate::summary::{Figures, KitDrum};
use crate::transcribe::write_hits;

/// Peak below which a one-shot counts as silent: -66 dBFS.
const MIN_PEAK: f32 = 5e-4;
/// Duration below which a one-shot counts as a click.
const MIN_DURATION_S: f64 = 0.01;

/// Runs the command.
pub fn run(args: &KitArgs) -> ExitCode {
    let settings = Settings {
        quality: args.quality.into(),
        block_samples: args.common.block as usize,
        passes: args.passes,
        controls: Controls::default(),
    };
    batch::run("kit", &args.common, |job| {
        let started = Instant::now();
        let mut capture = Capture::new();
        let rendered = render::render(job.input, job.model, &settings, &mut capture, &|n, of| {
            job.progress(n, of);
        })?;
        let sample_rate_hz = capture.sample_rate_hz();
        let (stems, hits) = capture.into_parts();
        let kit = without_silence(extract_kit(sample_rate_hz, &stems, &hits)?);
        ensure!(
            !kit.drums.is_empty(),
            "no drum was found: expected at least one that sounds, found {} hits",
            rendered.onsets.len()
        );
        let drums = export(job, &kit)?;
        write_hits(job, &rendered)?;
        let mut figures = Figures::new(&rendered, &settings, started.elapsed());
        figures.kit = Some(drums);
        Ok(figures)
    })
}

/// The kit without one-shots that nobody would hear: hits whose sound the
/// separation gave to other drums.
fn without_silence(mut kit: LearntKit) -> LearntKit {
    let is_sound = |one_shot: &OneShot| {
        let duration_s = one_shot.frames() as f64 / one_shot.sample_rate_hz();
        one_shot.peak() >= MIN_PEAK && duration_s >= MIN_DURATION_S
    };
    for drum in &mut kit.drums {
        drum.layers.retain(|(_, one_shot)| is_sound(one_shot));
    }
    kit.drums.retain(|drum| !drum.layers.is_empty());
    kit
}

/// One one-shot with the names it goes by.
struct Sample<'a> {
    file: String,
    title: String,
    one_shot: &'a OneShot,
}

/// Writes the samples as WAV, then `kit.sfz` and `kit.png`, which refer to
/// them.
fn export(job: &Job<'_>, kit: &LearntKit) -> Result<Vec<KitDrum>> {
    let name = sfz::safe_name(&job.name());
    let (mut regions, mut rows, mut drums) = (Vec::new(), Vec::new(), Vec::new());
    for learnt in &kit.drums {
        let tops: Vec<f32> = learnt.layers.iter().map(|&(top, _)| top).collect();
        let velocities = sfz::velocity_ranges(&tops);
        let samples = learnt
            .layers
            .iter()
            .enumerate()
            .map(|(layer, (_, one_shot))| {
                let layer = sfz::layer_name(layer, learnt.layers.len());
                let suffix = if layer.is_empty() {
                    String::new()
                } else {
                    format!("_{layer}")
                };
                Sample {
                    file: format!("{name}_{}{suffix}.wav", learnt.drum.file_stem()),
                    title: format!("{} {layer}", learnt.drum.name())
                        .trim_end()
                        .to_string(),
                    one_shot,
                }
            });
        let mut files = Vec::new();
        for (sample, (low_velocity, high_velocity)) in samples.zip(velocities) {
            let audio = AudioBuffer {
                sample_rate_hz: sample.one_shot.sample_rate_hz(),
                channels: sample.one_shot.channels().to_vec(),
            };
            write_wav(job.outputs.file(&sample.file)?, &audio)?;
            rows.push(Row {
                title: sample.title,
                detail: format!(
                    "{:.0} ms, from {} hits, {:.0} % alike",
                    1_000.0 * audio.duration_s(),
                    learnt.hits,
                    100.0 * learnt.confidence
                ),
                key: format!(
                    "key {}, velocity {low_velocity}-{high_velocity}",
                    learnt.drum.gm_note()
                ),
                audio,
            });
            regions.push(Region {
                drum: learnt.drum,
                sample: sample.file.clone(),
                low_velocity,
                high_velocity,
            });
            files.push(sample.file);
        }
        drums.push(KitDrum {
            class: learnt.drum.file_stem(),
            samples: files,
            hits: learnt.hits,
            confidence: learnt.confidence,
        });
    }
    job.outputs
        .write("kit.sfz", sfz::encode(&job.name(), &regions).as_bytes())?;
    let png = job.outputs.file("kit.png")?;
    picture::write(&png, &job.name(), &rows).with_context(|| png.display().to_string())?;
    Ok(drums)
}

#[cfg(test)]
mod tests {
    use super::*;
    use idm_engine::drum::Drum;
    use idm_engine::learner::LearntDrum;

    #[test]
    fn silent_one_shots_are_left_out() {
        let shot = |level: f32, frames: usize| {
            OneShot::new(44_100.0, vec![vec![level; frames]]).expect("a one-shot")
        };
        let drum = |drum, layers| LearntDrum {
            drum,
            layers,
            hits: 3,
            confidence: 1.0,
        };
        let kit = without_silence(LearntKit {
            drums: vec![
                drum(
                    Drum::Kick,
                    vec![(0.5, shot(1e-5, 4_410)), (1.0, shot(0.5, 4_410))],
                ),
                drum(Drum::Crash, vec![(1.0, shot(0.5, 10))]),
            ],
        });
        assert_eq!(kit.drums.len(), 1);
        assert_eq!(kit.drums[0].drum, Drum::Kick);
        assert_eq!(kit.drums[0].layers.len(), 1);
    }
}
