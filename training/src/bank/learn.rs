//! Learning the bank: groups of training one-shots become one-shots of our
//! own, and a classifier learns when to use which.

use std::sync::Arc;

use anyhow::{Context, Result};
use idm_engine::{
    drum::{DRUM_COUNT, Drum},
    front_end::BAND_COUNT,
};

use super::{
    choice::{ChoiceExample, choose, train_choice},
    cluster::cluster,
    fit,
    shaping::Shaper,
};
use crate::{
    export::ClassPrototypes,
    kits::{Kit, Sample, Sound, Split},
    network::{CHOICE_COUNT, EMBEDDING, MASK_OUTPUTS, Network, Weights},
    one_shot::{Template, front_end, one_shot_samples},
    render::TrainingExample,
    synth,
    training::{Batch, Pieces},
};

/// First piece used to train the choice.
const FIRST_PIECE: u64 = 3_000_000;
/// Frames in which a hit in a mixture is compared with a template.
const HIT_FRAMES: usize = 18;
/// Points of a piece at which the embedding is read.
const EMBEDDING_POINTS: usize = 8;
/// Pieces per pass.
const CHUNK: usize = 8;

/// A learnt bank.
#[derive(Debug, Clone)]
pub struct Bank {
    /// One-shots per class.
    pub classes: [ClassPrototypes; DRUM_COUNT],
    /// Their templates.
    pub templates: [Vec<Template>; DRUM_COUNT],
}

/// How well the classifier chooses on pieces it was not trained on.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChoiceReport {
    /// Share of choices that were the best one.
    pub right: f64,
    /// Share that the most frequent choice alone would get right.
    pub majority: f64,
    /// Mean distance of the chosen templates from the piece's drums.
    pub distance: f64,
    /// Mean distance if the best one were always chosen.
    pub best_distance: f64,
    /// Mean distance of the most frequent choice.
    pub majority_distance: f64,
}

fn hardest(samples: &[Sample]) -> Option<&Sample> {
    samples
        .iter()
        .max_by(|a, b| a.velocity.total_cmp(&b.velocity))
}

/// One hit per kit: of the class's main sound if the kit has it.
fn representative(kit: &Kit, drum: Drum) -> Option<&Sample> {
    let main = Sound::of_drum(drum);
    let others = Sound::ALL
        .into_iter()
        .filter(|sound| sound.drum() == Some(drum));
    std::iter::once(main)
        .chain(others)
        .find_map(|sound| hardest(&kit.sounds[sound.index()]))
}

fn from_onset(sample: &Sample) -> &[f32] {
    let onset = sample.onset.max(0.0) as usize;
    &sample.audio[onset.min(sample.audio.len())..]
}

/// Learns one-shots from the training side of `kits`, from what is `heard` of
/// each class in recordings, and from `procedural` kits of our own. No sample is copied: the mean spectrogram of each group is imposed
/// on a sound of our synthesiser. Allocates; takes a minute.
///
/// # Errors
/// If a class has no one-shot at all.
pub fn learn_bank(
    kits: &[Arc<Kit>],
    heard: &[Vec<Template>; DRUM_COUNT],
    procedural: u64,
    seed: u64,
) -> Result<Bank> {
    let mut front_end = front_end();
    let shaper = Shaper::new();
    let mut classes = Vec::new();
    let mut templates = Vec::new();
    for drum in Drum::ALL {
        let samples = one_shot_samples(drum);
        let frames = samples / 256;
        let excitations: Vec<(Template, Vec<f32>)> = (0..procedural)
            .filter_map(|kit| {
                let hits = synth::samples(kit, Sound::of_drum(drum));
                let audio = from_onset(hardest(&hits)?).to_vec();
                Some((Template::from_audio(&mut front_end, &audio, frames), audio))
            })
            .collect();
        let recorded = kits
            .iter()
            .filter(|kit| kit.split == Split::Train)
            .filter_map(|kit| representative(kit, drum));
        let mut examples: Vec<Template> = recorded
            .map(|sample| Template::from_audio(&mut front_end, from_onset(sample), frames))
            .collect();
        examples.extend(heard[drum.index()].iter().cloned());
        // Recorded kits count more than our own where there are any.
        let share = if examples.is_empty() {
            excitations.len()
        } else {
            examples.len() / 3
        };
        examples.extend(
            excitations
                .iter()
                .take(share)
                .map(|(template, _)| template.clone()),
        );
        let groups = cluster(&examples, CHOICE_COUNT, seed);
        let mut class_templates: Vec<Template> = groups
            .iter()
            .map(|group| Template::mean(group.iter().map(|&member| &examples[member])))
            .collect();
        let first = class_templates
            .first()
            .with_context(|| format!("no one-shot to learn {} from", drum.name()))?
            .clone();
        class_templates.resize(CHOICE_COUNT, first);
        let waveforms = class_templates
            .iter()
            .map(|template| {
                let distance =
                    |(other, _): &&(Template, Vec<f32>)| template.distance(other, frames);
                let nearest = excitations
                    .iter()
                    .min_by(|a, b| distance(a).total_cmp(&distance(b)));
                let excitation = nearest.map_or(&[] as &[f32], |(_, audio)| audio);
                fit(drum, &shaper.shape(excitation, template, samples), 0)
            })
            .collect();
        say!(
            "{}: {} one-shots in groups of {:?}",
            drum.name(),
            examples.len(),
            groups.iter().map(Vec::len).collect::<Vec<_>>()
        );
        classes.push(ClassPrototypes { waveforms });
        templates.push(class_templates);
    }
    Ok(Bank {
        classes: classes
            .try_into()
            .map_err(|_| anyhow::anyhow!("a class is missing"))?,
        templates: templates
            .try_into()
            .map_err(|_| anyhow::anyhow!("a class is missing"))?,
    })
}

/// Mean template of a class's hits in a piece, if it is played: the stem's
/// power after each hit, as the masks' targets describe it.
fn heard(example: &TrainingExample, class: usize) -> Option<Template> {
    let mut hits = Vec::new();
    for frame in 0..example.frames.saturating_sub(HIT_FRAMES) {
        if example.onset[frame * DRUM_COUNT + class] < 1.0 {
            continue;
        }
        // Frame 1 of a template is the frame of the onset.
        let first = frame.saturating_sub(1);
        let mut power = Vec::with_capacity(HIT_FRAMES * BAND_COUNT);
        for later in first..first + HIT_FRAMES {
            let ratio = &example.ratio[later * MASK_OUTPUTS + class * BAND_COUNT..][..BAND_COUNT];
            let mix = &example.mix_power[later * BAND_COUNT..][..BAND_COUNT];
            power.extend(
                ratio
                    .iter()
                    .zip(mix)
                    .map(|(&r, power)| f32::from(r) / 255.0 * power),
            );
        }
        hits.push(Template::from_power(&power, HIT_FRAMES));
    }
    (!hits.is_empty()).then(|| Template::mean(hits.iter()))
}

/// Trains the classifier in `weights` on `pieces` pieces, four fifths to learn
/// from and the rest for the report. Allocates.
///
/// # Errors
/// Recordings that cannot be read.
pub fn learn_choice(
    weights: &mut Weights,
    bank: &Bank,
    material: &Pieces,
    pieces: u64,
) -> Result<ChoiceReport> {
    let mut network = Network::default();
    let mut examples: Vec<ChoiceExample> = Vec::new();
    let numbers: Vec<u64> = (FIRST_PIECE..FIRST_PIECE + pieces).collect();
    for numbers in numbers.chunks(CHUNK) {
        let rendered: Vec<_> = numbers
            .iter()
            .map(|&number| material.example(number))
            .collect::<Result<_>>()?;
        let batch = Batch::new(&rendered, 0.0);
        let frames = batch.input.frames;
        let points: Vec<usize> = (0..EMBEDDING_POINTS)
            .map(|point| frames / 2 + point * (frames / 2 - 1) / EMBEDDING_POINTS)
            .collect();
        network.pass(weights, &batch.input, None, &points, false, |outputs| {
            for (piece, example) in rendered.iter().enumerate() {
                let mut embedding = vec![0.0; EMBEDDING];
                for point in 0..points.len() {
                    let row = (point * rendered.len() + piece) * EMBEDDING;
                    for (sum, value) in embedding.iter_mut().zip(&outputs.embedding[row..]) {
                        *sum += value / points.len() as f32;
                    }
                }
                let distances = std::array::from_fn(|class| {
                    let heard = heard(example, class)?;
                    let templates = &bank.templates[class];
                    Some(std::array::from_fn(|n| {
                        templates[n].distance(&heard, HIT_FRAMES)
                    }))
                });
                examples.push(ChoiceExample {
                    embedding,
                    distances,
                });
            }
            None
        });
    }
    let border = examples.len() * 4 / 5;
    train_choice(weights, &examples[..border]);
    Ok(report(weights, &examples, border))
}

fn report(weights: &Weights, examples: &[ChoiceExample], border: usize) -> ChoiceReport {
    let mut counts = [[0_usize; CHOICE_COUNT]; DRUM_COUNT];
    for example in &examples[..border] {
        for (class, counts) in counts.iter_mut().enumerate() {
            if let Some(best) = example.best(class) {
                counts[best] += 1;
            }
        }
    }
    let frequent = counts.map(|counts| {
        (0..CHOICE_COUNT)
            .max_by_key(|&choice| counts[choice])
            .unwrap_or(0)
    });
    let (mut report, mut total) = (ChoiceReport::default(), 0.0);
    for example in &examples[border..] {
        let chosen = choose(weights, &example.embedding);
        for class in 0..DRUM_COUNT {
            let (Some(best), Some(distances)) = (example.best(class), example.distances[class])
            else {
                continue;
            };
            total += 1.0;
            report.right += f64::from(u8::from(chosen[class] == best));
            report.majority += f64::from(u8::from(frequent[class] == best));
            report.distance += f64::from(distances[chosen[class]]);
            report.best_distance += f64::from(distances[best]);
            report.majority_distance += f64::from(distances[frequent[class]]);
        }
    }
    for value in [
        &mut report.right,
        &mut report.majority,
        &mut report.distance,
        &mut report.best_distance,
        &mut report.majority_distance,
    ] {
        *value /= f64::max(total, 1.0);
    }
    report
}
