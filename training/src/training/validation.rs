//! How good the network is on pieces that it never learns from.

use anyhow::Result;
use idm_engine::{
    drum::{DRUM_COUNT, Drum, GROUP_COUNT, Group},
    front_end::BAND_COUNT,
    model::Thresholds,
};

use super::{
    Batch,
    matching::{ClassScore, compare, merge, peaks},
};
use crate::{
    losses::{LossConfig, MaskTargets, mask_loss},
    network::{Head, MASK_OUTPUTS, MaskRequest, Network, Weights, sigmoid},
    recordings::Recordings,
    render::{Renderer, TrainingExample},
};

/// Candidate thresholds.
const THRESHOLDS: std::ops::RangeInclusive<usize> = 1..=48;
/// Pieces per pass: bounds the memory.
const CHUNK: usize = 6;

fn threshold(step: usize) -> f32 {
    step as f32 * 0.02
}

/// Peaks and hits of one piece, per class.
#[derive(Debug, Clone, Default)]
struct PieceEvents {
    peaks: [Vec<(usize, f32)>; DRUM_COUNT],
    hits: [Vec<usize>; DRUM_COUNT],
}

impl PieceEvents {
    fn detected(&self, class: usize, threshold: f32) -> Vec<usize> {
        let peaks = self.peaks[class].iter();
        peaks
            .filter(|(_, value)| *value >= threshold)
            .map(|(frame, _)| *frame)
            .collect()
    }
}

/// Thresholds that suit a set of pieces.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// Per class: best F-measure, and best recall-leaning one (F2).
    pub thresholds: Thresholds,
    /// Scores at the strict thresholds.
    pub classes: [ClassScore; DRUM_COUNT],
    /// Scores per group at the strict thresholds.
    pub groups: [ClassScore; GROUP_COUNT],
}

/// The place in the middle of those next to the largest value that are less than `near`
/// below it: the largest value itself is a matter of chance where the top is flat.
fn middle_of_the_top(values: &[f64], near: f64) -> usize {
    let mut best = 0;
    for (place, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = place;
        }
    }
    let near = |value: &&f64| **value >= values[best] - near;
    let below = values[..best].iter().rev().take_while(near).count();
    let above = values[best + 1..].iter().take_while(near).count();
    (2 * best + above - below) / 2
}

/// Chooses thresholds for `pieces`.
fn choose(pieces: &[PieceEvents]) -> Calibration {
    let mut result = Calibration {
        thresholds: Thresholds {
            strict: [0.5; DRUM_COUNT],
            recall: [0.3; DRUM_COUNT],
        },
        classes: [ClassScore::default(); DRUM_COUNT],
        groups: [ClassScore::default(); GROUP_COUNT],
    };
    for class in 0..DRUM_COUNT {
        let scores: Vec<ClassScore> = THRESHOLDS
            .map(|step| {
                let mut score = ClassScore::default();
                for piece in pieces {
                    let detected = piece.detected(class, threshold(step));
                    score.add(compare(&detected, &piece.hits[class]));
                }
                score
            })
            .collect();
        let middle = |beta: f64, near: f64| {
            let measures: Vec<f64> = scores.iter().map(|score| score.f_measure(beta)).collect();
            middle_of_the_top(&measures, near)
        };
        // A cymbal that is missed is missed for seconds. The top of these measures is
        // flat towards thresholds that cost separation.
        let beta = if Drum::ALL[class].group() == Group::Cymbals {
            3.0
        } else {
            2.0
        };
        let (strict, recall) = (middle(1.0, 0.005), middle(beta, 0.001));
        result.thresholds.strict[class] = threshold(strict + THRESHOLDS.start());
        result.thresholds.recall[class] = threshold(recall.min(strict) + THRESHOLDS.start());
        result.classes[class] = scores[strict];
    }
    for group in Group::ALL {
        for piece in pieces {
            let members = || {
                Drum::ALL
                    .into_iter()
                    .filter(move |drum| drum.group() == group)
            };
            let detected = members()
                .flat_map(|drum| {
                    piece.detected(drum.index(), result.thresholds.strict[drum.index()])
                })
                .collect();
            let hits = members()
                .flat_map(|drum| piece.hits[drum.index()].clone())
                .collect();
            result.groups[group.index()].add(compare(&merge(detected), &merge(hits)));
        }
    }
    result
}

/// Results of one validation.
#[derive(Debug, Clone)]
pub struct Scores {
    /// By [`Head::index`].
    pub heads: [Calibration; 3],
    /// Mask error of sounding stems (standard head), in dB.
    pub distortion_db: f64,
    /// Leakage into silent stems (standard head), in dB.
    pub leakage_db: f64,
}

impl Calibration {
    /// F-measure with the hits of all groups counted together, if there are any.
    pub fn pooled_f(&self) -> Option<f64> {
        let mut sum = ClassScore::default();
        for score in self.groups {
            sum.add(score);
        }
        sum.heard_f()
    }

    /// Mean of the F-measures of the groups that there are hits of.
    pub fn macro_f(&self) -> Option<f64> {
        let heard: Vec<f64> = self.groups.iter().filter_map(ClassScore::heard_f).collect();
        (!heard.is_empty()).then(|| heard.iter().sum::<f64>() / heard.len() as f64)
    }
}

/// Pieces for validation, rendered once.
#[derive(Debug)]
pub struct Validation {
    chunks: Vec<(Batch, Vec<[Vec<usize>; DRUM_COUNT]>)>,
}

/// A batch and the frames of its hits per piece and class.
fn chunk(examples: &[TrainingExample]) -> (Batch, Vec<[Vec<usize>; DRUM_COUNT]>) {
    let hits = examples.iter().map(|example| {
        std::array::from_fn(|class| {
            let frames = (0..example.frames)
                .filter(|frame| example.onset[frame * DRUM_COUNT + class] >= 1.0);
            frames.collect()
        })
    });
    (Batch::new(examples, 0.0), hits.collect())
}

impl Validation {
    /// Renders `pieces` pieces, from number `first` on. Allocates.
    pub fn new(renderer: &Renderer, first: u64, pieces: usize) -> Validation {
        let numbers: Vec<u64> = (first..first + pieces as u64).collect();
        let chunks = numbers.chunks(CHUNK).map(|numbers| {
            let examples = numbers.iter().map(|&number| renderer.example(number));
            chunk(&examples.collect::<Vec<_>>())
        });
        Validation {
            chunks: chunks.collect(),
        }
    }

    /// Cuts `pieces` pieces of `piece_s` seconds from `recordings`, evenly spread over all of
    /// them; masks are then judged against estimates. Allocates.
    ///
    /// # Errors
    /// Recordings that cannot be read.
    pub fn of_recordings(
        recordings: &Recordings,
        pieces: usize,
        piece_s: f64,
    ) -> Result<Validation> {
        let examples = recordings.spread(pieces, piece_s)?;
        Ok(Validation {
            chunks: examples.chunks(CHUNK).map(chunk).collect(),
        })
    }

    /// Measures `weights`. Allocates.
    pub fn measure(&self, network: &mut Network, weights: &Weights) -> Scores {
        let mut events: [Vec<PieceEvents>; 3] = Default::default();
        let (mut distortion, mut leakage) = (0.0, 0.0);
        let standard = Head::Standard.look_ahead_frames();
        for (batch, hits) in &self.chunks {
            let (size, frames) = (batch.input.batch, batch.input.frames);
            let request = MaskRequest {
                head: Head::Standard,
                first_frame: 0,
                frames: frames.saturating_sub(standard),
            };
            network.pass(
                weights,
                &batch.input,
                Some(request),
                &[],
                false,
                |outputs| {
                    let rows = request.frames * size;
                    let targets = MaskTargets {
                        batch: size,
                        ratio: &batch.ratio[..rows * MASK_OUTPUTS],
                        mix_power: &batch.mix_power[..rows * BAND_COUNT],
                    };
                    let masks = mask_loss(&LossConfig::default(), &outputs.masks, targets);
                    distortion += masks.distortion_db / self.chunks.len() as f64;
                    leakage += masks.leakage_db / self.chunks.len() as f64;
                    for (head, events) in events.iter_mut().enumerate() {
                        let logits = &outputs.heads[head].events;
                        let described = logits.len() / (size * 2 * DRUM_COUNT);
                        for (piece, hits) in hits.iter().enumerate() {
                            events.push(PieceEvents {
                                peaks: std::array::from_fn(|class| {
                                    let track: Vec<f32> = (0..described)
                                        .map(|t| {
                                            let row = t * size + piece;
                                            sigmoid(logits[row * 2 * DRUM_COUNT + class])
                                        })
                                        .collect();
                                    peaks(&track)
                                }),
                                hits: hits.clone().map(|mut frames| {
                                    frames.retain(|&frame| frame < described);
                                    frames
                                }),
                            });
                        }
                    }
                    None
                },
            );
        }
        Scores {
            heads: std::array::from_fn(|head| choose(&events[head])),
            distortion_db: distortion,
            leakage_db: leakage,
        }
    }
}

/// Thresholds of each head, by [`Head::index`].
pub fn calibrate(scores: &Scores) -> [Thresholds; 3] {
    scores.heads.each_ref().map(|head| head.thresholds)
}

/// Thresholds of each head, by [`Head::index`], as `recorded` has them for the drums that are
/// hit often enough in it, as `rendered` for the others, and which drums the former are.
pub fn calibrate_on(recorded: &Scores, rendered: &Scores) -> ([Thresholds; 3], Vec<Drum>) {
    /// Fewer hits choose a threshold by chance.
    const LEAST_HITS: usize = 20;
    let hits = |drum: &Drum| {
        let score = recorded.heads[Head::Standard.index()].classes[drum.index()];
        score.found + score.missed
    };
    let heard: Vec<Drum> = Drum::ALL
        .into_iter()
        .filter(|drum| hits(drum) >= LEAST_HITS)
        .collect();
    let mut thresholds = calibrate(rendered);
    for (thresholds, own) in thresholds.iter_mut().zip(calibrate(recorded)) {
        for drum in heard.iter().map(|drum| drum.index()) {
            thresholds.strict[drum] = own.strict[drum];
            thresholds.recall[drum] = own.recall[drum];
        }
    }
    (thresholds, heard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drums_that_recordings_lack_keep_the_thresholds_of_rendered_ones() {
        let with = |hits: usize, value: f32| {
            let mut piece = PieceEvents::default();
            for n in 0..hits {
                piece.hits[0].push(20 * n);
                piece.peaks[0].push((20 * n, value));
            }
            piece.hits[1] = vec![5];
            piece.peaks[1] = vec![(5, value)];
            let scores = choose(&[piece]);
            Scores {
                heads: [scores; 3],
                distortion_db: 0.0,
                leakage_db: 0.0,
            }
        };
        let (recorded, rendered) = (with(25, 0.9), with(25, 0.3));
        let (thresholds, heard) = calibrate_on(&recorded, &rendered);
        assert_eq!(heard, [Drum::Kick]);
        let (own, others) = (calibrate(&recorded)[1], calibrate(&rendered)[1]);
        assert!(own.strict[0] > others.strict[0]);
        assert_eq!(thresholds[1].strict[0], own.strict[0]);
        assert_eq!(thresholds[1].recall[0], own.recall[0]);
        assert_eq!(thresholds[1].strict[1..], others.strict[1..]);
        let (thresholds, heard) = calibrate_on(&with(3, 0.9), &rendered);
        assert!(heard.is_empty());
        assert_eq!(thresholds, calibrate(&rendered));
    }

    #[test]
    fn flat_tops_are_cut_in_the_middle() {
        let values = [0.2, 0.797, 0.798, 0.8, 0.799, 0.796, 0.1, 0.797];
        assert_eq!(middle_of_the_top(&values, 0.005), 3);
        assert_eq!(middle_of_the_top(&[0.5, 0.3, 0.2], 0.005), 0);
        assert_eq!(middle_of_the_top(&[0.3, 0.3, 0.3, 0.3, 0.3], 0.005), 2);
    }

    #[test]
    fn recall_threshold_is_not_above_the_strict_one() {
        // Two sure hits, one unsure hit, one false peak in between.
        let mut piece = PieceEvents::default();
        piece.hits[0] = vec![10, 60, 110];
        piece.peaks[0] = vec![(10, 0.9), (60, 0.8), (90, 0.4), (92, 0.4), (110, 0.3)];
        let calibration = choose(&[piece]);
        let (strict, recall) = (
            calibration.thresholds.strict[0],
            calibration.thresholds.recall[0],
        );
        assert!(strict > 0.3 && recall <= 0.3, "{strict} {recall}");
        assert_eq!(calibration.groups[0].found, 2);
        // Groups without hits are no part of the mean.
        assert_eq!(calibration.macro_f(), calibration.groups[0].heard_f());
        assert_eq!(choose(&[]).macro_f(), None);
        assert_eq!(choose(&[]).pooled_f(), None);
    }
}
