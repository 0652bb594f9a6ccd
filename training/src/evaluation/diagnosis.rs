//! Where hits are lost: the engine's hits beside its own network's on the same
//! pieces, and why they differ.

use std::collections::BTreeMap;

use idm_engine::{
    drum::{DRUM_COUNT, Drum},
    transcriber::Verdict,
};
use serde::Serialize;

use super::{
    onsets::match_times,
    report::{header, row},
    score::TOLERANCES_S,
    systems::{Detection, Estimate},
};
use crate::{
    kits::SAMPLE_RATE_HZ,
    render::{Hit, Piece},
};

/// Why a hit was missed, invented, or neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Cause {
    /// Found by the network and by the engine.
    Found,
    /// Found by the engine only.
    FoundByEngine,
    /// Missed by both; much softer than a hit of the drum just before it, as a pedal or a
    /// stick that bounces: who writes music down leaves it out.
    Bounce,
    /// The network has no peak above the recall threshold.
    NotSeen,
    /// The network's peak lies between the thresholds.
    Unsure,
    /// The network's peak is above the strict threshold; the engine decided at
    /// a lower value.
    DecidedTooEarly,
    /// The engine refused it as too soon after another.
    TooSoon,
    /// The engine refused it for its small fitted gain.
    Faint,
    /// The engine never considered it, or its hit went to a neighbour.
    Dropped,
    /// Wrong by both; at the time of a hit of another drum.
    ExtraDrum,
    /// Wrong by both; no drum was hit.
    Invented,
    /// Wrong by the engine only; a second detection of a hit.
    Doubled,
    /// Wrong by the engine only, otherwise.
    EnginesOwn,
    /// Wrong by the network only.
    Corrected,
}

impl Cause {
    const ALL: [Cause; 14] = [
        Cause::Found,
        Cause::FoundByEngine,
        Cause::Bounce,
        Cause::NotSeen,
        Cause::Unsure,
        Cause::DecidedTooEarly,
        Cause::TooSoon,
        Cause::Faint,
        Cause::Dropped,
        Cause::ExtraDrum,
        Cause::Invented,
        Cause::Doubled,
        Cause::EnginesOwn,
        Cause::Corrected,
    ];

    const fn label(self) -> &'static str {
        match self {
            Cause::Found => "found by both",
            Cause::FoundByEngine => "found by the engine only",
            Cause::Bounce => "missed: bounces",
            Cause::NotSeen => "missed: network sees nothing",
            Cause::Unsure => "missed: network unsure",
            Cause::DecidedTooEarly => "missed by the engine: decided before the peak",
            Cause::TooSoon => "missed by the engine: too soon",
            Cause::Faint => "missed by the engine: next to no gain",
            Cause::Dropped => "missed by the engine: dropped",
            Cause::ExtraDrum => "wrong: extra drum at a hit",
            Cause::Invented => "wrong: no hit there",
            Cause::Doubled => "wrong by the engine: doubled",
            Cause::EnginesOwn => "wrong by the engine: other",
            Cause::Corrected => "wrong by the network only",
        }
    }
}

/// Counts per class and cause.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Diagnosis {
    counts: BTreeMap<Cause, [usize; DRUM_COUNT]>,
}

/// Times of one class's detections, in order.
struct Track {
    times: Vec<f64>,
    detections: Vec<Detection>,
}

impl Track {
    fn of(estimate: &Estimate, drum: Drum, accepted: bool) -> Track {
        let mut detections: Vec<Detection> = estimate
            .detections
            .iter()
            .flatten()
            .filter(|d| d.hit.drum == drum && (d.verdict == Verdict::Accepted) == accepted)
            .copied()
            .collect();
        detections.sort_by_key(|detection| detection.hit.sample);
        Track {
            times: detections
                .iter()
                .map(|detection| detection.hit.sample as f64 / SAMPLE_RATE_HZ)
                .collect(),
            detections,
        }
    }

    /// Detections within the tolerance of `time`.
    fn near(&self, time: f64) -> impl Iterator<Item = &Detection> {
        let near = move |other: f64| (other - time).abs() <= TOLERANCES_S[0];
        let pairs = self.times.iter().zip(&self.detections);
        pairs
            .filter(move |(other, _)| near(**other))
            .map(|(_, detection)| detection)
    }
}

impl Diagnosis {
    /// Compares `engine` with `network` (one estimate per piece each, with the
    /// strict thresholds of the model). Allocates.
    pub fn new(
        pieces: &[&Piece],
        engine: &[Estimate],
        network: &[Estimate],
        strict: &[f32; DRUM_COUNT],
    ) -> Diagnosis {
        let mut diagnosis = Diagnosis::default();
        for ((piece, engine), network) in pieces.iter().zip(engine).zip(network) {
            for drum in Drum::ALL {
                diagnosis.add(piece, engine, network, drum, strict[drum.index()]);
            }
        }
        diagnosis
    }

    fn count(&mut self, cause: Cause, drum: Drum) {
        self.counts.entry(cause).or_default()[drum.index()] += 1;
    }

    fn add(
        &mut self,
        piece: &Piece,
        engine: &Estimate,
        network: &Estimate,
        drum: Drum,
        strict: f32,
    ) {
        let tolerance_s = TOLERANCES_S[0];
        let all_times =
            |belongs: &dyn Fn(Drum) -> bool| super::onsets::times(&piece.hits, 0.0, belongs);
        let played = all_times(&|other| other == drum);
        let others = all_times(&|other| other != drum);
        let [accepted, refused] = [true, false].map(|which| Track::of(engine, drum, which));
        let [peaks, weak] = [true, false].map(|which| Track::of(network, drum, which));
        let ours = match_times(&played, &accepted.times, tolerance_s);
        let theirs = match_times(&played, &peaks.times, tolerance_s);
        for (index, &time) in played.iter().enumerate() {
            let ours = ours.iter().any(|pair| pair.0 == index);
            let theirs = theirs.iter().any(|pair| pair.0 == index);
            let cause = match (ours, theirs) {
                (true, true) => Cause::Found,
                (true, false) => Cause::FoundByEngine,
                (false, true) => why_lost(&refused, time, strict),
                (false, false) if is_bounce(&piece.hits, drum, time) => Cause::Bounce,
                (false, false) if weak.near(time).next().is_some() => Cause::Unsure,
                (false, false) => Cause::NotSeen,
            };
            self.count(cause, drum);
        }
        let near = |times: &[f64], time: f64| {
            times
                .iter()
                .any(|other| (other - time).abs() <= tolerance_s)
        };
        let unmatched = |track: &Track, pairs: &[(usize, usize)]| -> Vec<f64> {
            let free = |index: &usize| !pairs.iter().any(|pair| pair.1 == *index);
            let free = (0..track.times.len()).filter(free);
            free.map(|index| track.times[index]).collect()
        };
        let wrong = unmatched(&accepted, &ours);
        let wrong_peaks = unmatched(&peaks, &theirs);
        for &time in &wrong {
            let cause = if near(&wrong_peaks, time) {
                if near(&others, time) {
                    Cause::ExtraDrum
                } else {
                    Cause::Invented
                }
            } else if near(&played, time) {
                Cause::Doubled
            } else {
                Cause::EnginesOwn
            };
            self.count(cause, drum);
        }
        let corrected = wrong_peaks.iter().filter(|time| !near(&wrong, **time));
        for _ in corrected {
            self.count(Cause::Corrected, drum);
        }
    }

    /// Appends the table in Markdown to `text`.
    pub fn table(&self, text: &mut String) {
        let names: Vec<&str> = Drum::ALL.iter().map(|drum| drum.name()).collect();
        header(
            text,
            "The engine's hits beside its network's",
            &names,
            &["all"],
        );
        for cause in Cause::ALL {
            let counts = self.counts.get(&cause).copied().unwrap_or_default();
            let cells = counts.iter().copied().chain([counts.iter().sum()]);
            row(
                text,
                cause.label(),
                cells.map(|count: usize| count.to_string()),
            );
        }
        text.push('\n');
    }
}

/// Whether the hit of `drum` at `time` is less than two fifths as fast as one of the drum
/// in the tenth of a second before it.
fn is_bounce(hits: &[Hit], drum: Drum, time: f64) -> bool {
    let before = |hit: &Hit| time - hit.sample as f64 / SAMPLE_RATE_HZ;
    let of_drum = || hits.iter().filter(|hit| hit.drum == drum);
    let Some(own) = of_drum().find(|hit| before(hit).abs() < 1e-6) else {
        return false;
    };
    of_drum().any(|hit| {
        let is_just_before = (1e-6..0.1).contains(&before(hit));
        is_just_before && own.velocity < 0.4 * hit.velocity
    })
}

/// Why the engine refused what lies near `time` although the network is sure.
fn why_lost(refused: &Track, time: f64, strict: f32) -> Cause {
    let refusals: Vec<&Detection> = refused.near(time).collect();
    let any = |verdict: Verdict, sure: bool| {
        refusals
            .iter()
            .any(|d| d.verdict == verdict && (d.confidence >= strict) == sure)
    };
    if any(Verdict::BelowThreshold, true) {
        Cause::Faint
    } else if any(Verdict::TooSoon, true) || any(Verdict::TooSoon, false) {
        Cause::TooSoon
    } else if any(Verdict::BelowThreshold, false) {
        Cause::DecidedTooEarly
    } else {
        Cause::Dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detection(time_ms: usize, confidence: f32, verdict: Verdict) -> Detection {
        Detection {
            hit: hit(time_ms, Drum::Kick),
            confidence,
            evidence: None,
            verdict,
        }
    }

    fn hit(time_ms: usize, drum: Drum) -> Hit {
        Hit {
            sample: time_ms * 441 / 10,
            drum,
            velocity: 0.8,
        }
    }

    fn estimate(detections: Vec<Detection>) -> Estimate {
        Estimate {
            stems: Vec::new(),
            detections: Some(detections),
        }
    }

    #[test]
    fn every_cause_is_told_from_the_others() {
        use Verdict::{Accepted, BelowThreshold, TooSoon};
        let piece = Piece {
            channels: 1,
            mix: Vec::new(),
            stems: Default::default(),
            hits: (1..=6)
                .map(|n| hit(1_000 * n, Drum::Kick))
                .chain([hit(9_000, Drum::Snare)])
                .chain([Hit {
                    velocity: 0.2,
                    ..hit(6_060, Drum::Kick)
                }])
                .collect(),
            kit: 0,
        };
        let network = estimate(vec![
            detection(1_000, 0.9, Accepted),
            detection(2_000, 0.9, Accepted),
            detection(3_000, 0.9, Accepted),
            detection(4_000, 0.3, BelowThreshold),
            detection(6_000, 0.9, Accepted),
            detection(8_000, 0.9, Accepted),
            detection(9_000, 0.9, Accepted),
            detection(10_000, 0.9, Accepted),
        ]);
        let engine = estimate(vec![
            detection(1_010, 0.9, Accepted),
            detection(1_045, 0.9, Accepted),
            detection(2_010, 0.9, BelowThreshold),
            detection(3_010, 0.9, TooSoon),
            detection(6_010, 0.4, BelowThreshold),
            detection(7_000, 0.9, Accepted),
            detection(8_010, 0.9, Accepted),
            detection(9_010, 0.9, Accepted),
        ]);
        let diagnosis = Diagnosis::new(&[&piece], &[engine], &[network], &[0.5; DRUM_COUNT]);
        for cause in Cause::ALL {
            let expected = match cause {
                Cause::FoundByEngine | Cause::Dropped => 0,
                _ => 1,
            };
            let counts = diagnosis.counts.get(&cause).copied().unwrap_or_default();
            let kick_and_snare = [counts[0], counts[1]];
            // The snare was heard by nobody.
            let snare = usize::from(cause == Cause::NotSeen);
            assert_eq!(kick_and_snare, [expected, snare], "{cause:?}");
        }
        let mut table = String::new();
        diagnosis.table(&mut table);
        assert!(table.contains("| missed: network unsure | 1 |"), "{table}");
    }
}
