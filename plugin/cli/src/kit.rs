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
        let kit = extract_kit(sample_rate_hz, &stems, &hits)?;
        ensure!(
            !kit.drums.is_empty(),
            "no drum was found: expected at least one hit, found {}",
            rendered.onsets.len()
        );
        let drums = export(job, &kit)?;
        write_hits(job, &rendered)?;
        let mut figures = Figures::new(&rendered, &settings, started.elapsed());
        figures.kit = Some(drums);
        Ok(figures)
    })
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
