//! What else speaks for or against a hit.
//!
//! The network hears one moment; this remembers. A hit whose waveform the drum has made
//! before is believed sooner, one that is not at all like the drum's other hits, or that
//! only ever comes together with a surer drum, later; and so is one to which the network's
//! own masks give little. The evidence is weighed by logistic regression: its sum moves the
//! network's confidence on the logistic scale. The weights belong to the network and are
//! found by `idm-train weigh`.

use serde::{Deserialize, Serialize};

use super::{EXPECTED_COUNT, Odds, TAUGHT_COUNT, logistic, logit};
use crate::drum::{DRUM_COUNT, Drum};

/// What is weighed, by its place in [`EvidenceWeights::weights`].
#[derive(Debug, Clone, Copy)]
enum Piece {
    IsCompared,
    Likeness,
    LikenessSquared,
    /// How many hits of the drum were compared; and that times how alike they are, and times
    /// how like them this one is.
    Known,
    KnownLikeness,
    KnownAgreement,
    Uses,
    Explained,
    Gain,
    SurestRival,
    Rivals,
    LikestRival,
    SurerRivals,
    Alone,
    Hits,
    Pause,
    MostOfABand,
}

/// Number of things that are weighed.
pub const EVIDENCE_COUNT: usize = Piece::MostOfABand as usize + 1;
/// Frames within which hits of other drums count as rivals: 23 ms.
const RIVAL_FRAMES: u64 = 4;
/// Hits over which a drum's likeness to itself is averaged.
const HABIT_HITS: f32 = 6.0;
/// Hits from which on more of them say nothing more.
const MOST_USES: f32 = 10.0;
const MOST_HITS: f32 = 8.0;
/// Longest time since the last hit, in seconds.
const MOST_PAUSE_S: f64 = 2.0;

/// Margin of what is no hit whatever speaks for it.
const RULED_OUT: f32 = -20.0;

/// What speaks for or against a hit.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HitEvidence {
    /// One value per piece of evidence, in the order of [`EvidenceWeights::weights`].
    pub heard: [f32; EVIDENCE_COUNT],
    /// What the rhythm says, in the order of [`EvidenceWeights::expected`].
    pub expected: [f32; EXPECTED_COUNT],
    /// What the user's corrections say, in the order of [`EvidenceWeights::taught`].
    pub taught: [f32; TAUGHT_COUNT],
    /// What the network says of all drums around the hit.
    pub odds: Odds,
    /// How much surer it all makes the hit than is asked for, on the logistic scale; below 0
    /// it is refused.
    pub margin: f32,
    /// The drum's sensitivity by which that was decided.
    pub sensitivity: f32,
}

impl HitEvidence {
    /// Says that it is no hit, whatever the sensitivity and whatever is taught. Real-time safe.
    pub fn rule_out(&mut self) {
        self.margin = RULED_OUT;
    }

    /// Whether a hit with this [`HitEvidence::margin`] was ruled out. Real-time safe.
    pub fn is_ruled_out(margin: f32) -> bool {
        margin <= RULED_OUT
    }
}

/// How much each piece of evidence counts, on the logistic scale.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct EvidenceWeights {
    /// What is added to every hit.
    pub constant: f32,
    /// Likeness to a sound that the drum has made before (whether there is one; the
    /// likeness; its square; three times with how many hits of the drum were compared and
    /// how alike they are; uses of the sound; likeness that other drums of the moment
    /// explain; level), rivals (confidence of the surest, number, likeness, those that are
    /// surer), the drum's past (share of hits without a surer rival, hits, pause), and the
    /// largest share of a band that the masks give it.
    pub weights: [f32; EVIDENCE_COUNT],
    /// How likely the rhythm makes a hit now, and anywhere.
    #[serde(default)]
    pub expected: [f32; EXPECTED_COUNT],
    /// What the user's corrections of moments like this one say: for the hit, against it.
    #[serde(default)]
    pub taught: [f32; TAUGHT_COUNT],
}

/// How a hit compares with the sounds that its drum has made before.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Recognition {
    /// To the likest, after what other drums of the moment explain: 0 to 1.
    pub likeness: f32,
    /// Before that.
    pub alone: f32,
    /// Level relative to the hit in which the sound was first heard.
    pub gain: f32,
    /// Hits that the sound was found in.
    pub uses: f32,
}

#[derive(Debug, Clone, Copy)]
struct Recent {
    frame: u64,
    confidence: f32,
    likeness: f32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Past {
    hits: f32,
    /// Those without a surer rival.
    alone: f32,
    /// Those that could be compared, and their mean likeness.
    compared: f32,
    likeness: f32,
    last_sample: Option<u64>,
}

/// Remembers what was accepted. Real-time safe throughout.
#[derive(Debug, Clone)]
pub struct Judge {
    weights: Option<EvidenceWeights>,
    sample_rate_hz: f64,
    recent: [Option<Recent>; DRUM_COUNT],
    past: [Past; DRUM_COUNT],
}

impl Judge {
    /// Knows of no hit yet; without weights the network has the say alone.
    pub fn new(sample_rate_hz: f64, weights: Option<EvidenceWeights>) -> Judge {
        Judge {
            weights,
            sample_rate_hz,
            recent: [None; DRUM_COUNT],
            past: [Past::default(); DRUM_COUNT],
        }
    }

    /// Forgets all hits.
    pub fn forget(&mut self) {
        *self = Judge::new(self.sample_rate_hz, self.weights);
    }

    /// Forgets when hits were, but not what they were like.
    pub fn rewind(&mut self) {
        self.recent = [None; DRUM_COUNT];
        for past in &mut self.past {
            past.last_sample = None;
        }
    }

    /// Hears of a hit of frame `frame`, decided or not.
    pub fn hear(&mut self, drum: Drum, frame: u64, confidence: f32, likeness: f32) {
        self.recent[drum.index()] = Some(Recent {
            frame,
            confidence,
            likeness,
        });
    }

    fn rivals(&self, drum: Drum, frame: u64) -> impl Iterator<Item = &Recent> {
        let others = self.recent.iter().enumerate();
        others.filter_map(move |(class, recent)| {
            let recent = recent.as_ref()?;
            let is_near = recent.frame.abs_diff(frame) <= RIVAL_FRAMES;
            (class != drum.index() && is_near).then_some(recent)
        })
    }

    fn surer_rivals(&self, drum: Drum, frame: u64, confidence: f32) -> usize {
        self.rivals(drum, frame)
            .filter(|rival| rival.confidence > confidence)
            .count()
    }

    /// What speaks for or against a hit of `drum` at frame `frame` and sample `onset_sample`
    /// of which the network is as sure as `confidence`, whose masks give the drum
    /// `most_of_a_band`; `recognition` is none if there is nothing to compare it with.
    pub fn evidence(
        &self,
        drum: Drum,
        (frame, onset_sample): (u64, u64),
        (confidence, most_of_a_band): (f32, f32),
        recognition: Option<Recognition>,
    ) -> [f32; EVIDENCE_COUNT] {
        let past = &self.past[drum.index()];
        let mut evidence = [0.0; EVIDENCE_COUNT];
        let mut say = |piece: Piece, value: f32| evidence[piece as usize] = value;
        if let Some(recognition) = recognition {
            let likeness = recognition.likeness;
            let known = past.compared.min(HABIT_HITS) / HABIT_HITS;
            say(Piece::IsCompared, 1.0);
            say(Piece::Likeness, likeness);
            say(Piece::LikenessSquared, likeness * likeness);
            say(Piece::Known, known);
            say(Piece::KnownLikeness, known * past.likeness);
            say(Piece::KnownAgreement, known * past.likeness * likeness);
            say(Piece::Uses, recognition.uses.min(MOST_USES) / MOST_USES);
            say(Piece::Explained, recognition.alone - likeness);
            say(Piece::Gain, 0.1 * recognition.gain.clamp(1e-3, 1e3).ln());
        }
        let (mut surest, mut count, mut likest) = (0.0_f32, 0.0_f32, 0.0_f32);
        for rival in self.rivals(drum, frame) {
            surest = surest.max(rival.confidence);
            likest = likest.max(rival.likeness);
            count += 1.0;
        }
        say(Piece::SurestRival, surest);
        say(Piece::Rivals, count / 3.0);
        say(Piece::LikestRival, likest);
        say(
            Piece::SurerRivals,
            self.surer_rivals(drum, frame, confidence) as f32 / 3.0,
        );
        let hits = past.hits.min(MOST_HITS) / MOST_HITS;
        say(Piece::Alone, hits * past.alone / (past.hits + 1.0));
        say(Piece::Hits, hits);
        let pause = past.last_sample.map_or(MOST_PAUSE_S, |last| {
            onset_sample.saturating_sub(last) as f64 / self.sample_rate_hz
        });
        say(Piece::Pause, pause.min(MOST_PAUSE_S) as f32);
        say(Piece::MostOfABand, most_of_a_band);
        evidence
    }

    /// The network's `confidence` with the evidence; what is certain, such as a hit given
    /// by hand, stays so.
    pub fn weigh(&self, confidence: f32, evidence: &HitEvidence) -> f32 {
        let Some(weights) = self.weights.filter(|_| confidence < 1.0) else {
            return confidence;
        };
        let heard = weights.weights.iter().zip(&evidence.heard);
        let taught = weights.taught.iter().zip(&evidence.taught);
        let expected = weights.expected.iter().zip(&evidence.expected);
        let pieces = heard.chain(expected).chain(taught);
        let sum: f32 = pieces.map(|(weight, piece)| weight * piece).sum();
        logistic(logit(confidence) + weights.constant + sum)
    }

    /// Remembers a hit that was accepted, of which the network was as sure as `confidence`.
    pub fn accept(
        &mut self,
        drum: Drum,
        (frame, onset_sample): (u64, u64),
        confidence: f32,
        recognition: Option<Recognition>,
    ) {
        let is_alone = self.surer_rivals(drum, frame, confidence) == 0;
        let past = &mut self.past[drum.index()];
        past.hits += 1.0;
        past.alone += f32::from(u8::from(is_alone));
        past.last_sample = Some(onset_sample);
        if let Some(recognition) = recognition {
            past.compared += 1.0;
            let more = recognition.likeness - past.likeness;
            past.likeness += more / past.compared.min(HABIT_HITS);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weights() -> EvidenceWeights {
        let mut weights = EvidenceWeights {
            constant: 0.0,
            weights: [0.0; EVIDENCE_COUNT],
            expected: [0.0; EXPECTED_COUNT],
            taught: [0.0; TAUGHT_COUNT],
        };
        weights.weights[Piece::Likeness as usize] = 3.0;
        weights.weights[Piece::SurerRivals as usize] = -3.0;
        weights.weights[Piece::Alone as usize] = 2.0;
        weights
    }

    fn heard(heard: [f32; EVIDENCE_COUNT]) -> HitEvidence {
        HitEvidence {
            heard,
            ..HitEvidence::default()
        }
    }

    #[test]
    fn what_the_rhythm_expects_is_believed() {
        let mut weights = weights();
        weights.expected = [1.0, -1.0];
        let judge = Judge::new(44_100.0, Some(weights));
        let evidence = HitEvidence {
            expected: [1.0, 0.2],
            ..HitEvidence::default()
        };
        assert!(judge.weigh(0.5, &evidence) > 0.65);
    }

    #[test]
    fn corrections_speak_for_and_against() {
        let mut weights = weights();
        weights.taught = [2.0, -3.0];
        let judge = Judge::new(44_100.0, Some(weights));
        let weigh = |taught| {
            let evidence = HitEvidence {
                taught,
                ..HitEvidence::default()
            };
            judge.weigh(0.5, &evidence)
        };
        assert!((weigh([0.0, 0.0]) - 0.5).abs() < 1e-5);
        assert!(weigh([0.7, 0.0]) > 0.75 && weigh([0.0, 0.7]) < 0.15);
    }

    #[test]
    fn without_weights_the_network_has_the_say() {
        let judge = Judge::new(44_100.0, None);
        let evidence = heard(judge.evidence(Drum::Kick, (10, 2_500), (0.7, 0.0), None));
        assert_eq!(judge.weigh(0.7, &evidence), 0.7);
    }

    #[test]
    fn what_is_like_itself_is_believed_and_what_hides_behind_others_is_not() {
        let mut judge = Judge::new(44_100.0, Some(weights()));
        let alike = Recognition {
            likeness: 0.9,
            alone: 0.9,
            gain: 1.0,
            uses: 3.0,
        };
        let weigh = |judge: &Judge, frame, recognition| {
            let at = (frame, 256 * frame);
            let evidence = judge.evidence(Drum::MidTom, at, (0.5, 0.0), recognition);
            judge.weigh(0.5, &heard(evidence))
        };
        let plain = weigh(&judge, 10, None);
        assert!((plain - 0.5).abs() < 1e-5);
        assert!(weigh(&judge, 10, Some(alike)) > 0.9);
        judge.hear(Drum::Snare, 9, 0.95, 0.0);
        assert!(weigh(&judge, 10, None) < 0.4);
        // Long ago is not together.
        assert!((weigh(&judge, 30, None) - 0.5).abs() < 1e-5);
        for frame in [40, 60, 80] {
            judge.accept(Drum::MidTom, (frame, 256 * frame), 0.5, None);
        }
        assert!(weigh(&judge, 100, None) > 0.6);
        judge.rewind();
        assert!(weigh(&judge, 100, None) > 0.6);
        judge.forget();
        assert!((weigh(&judge, 100, None) - 0.5).abs() < 1e-5);
    }

    #[test]
    fn what_has_a_band_for_itself_is_believed() {
        let mut weights = weights();
        weights.weights[Piece::MostOfABand as usize] = 2.0;
        let judge = Judge::new(44_100.0, Some(weights));
        let weigh = |most| {
            let evidence = judge.evidence(Drum::Crash, (10, 2_500), (0.5, most), None);
            judge.weigh(0.5, &heard(evidence))
        };
        assert!((weigh(0.0) - 0.5).abs() < 1e-5);
        assert!(weigh(0.9) > weigh(0.3) && weigh(0.3) > 0.6);
    }

    #[test]
    fn certainty_stays_within_bounds() {
        let judge = Judge::new(44_100.0, Some(weights()));
        for confidence in [0.0, 1.0] {
            let evidence = judge.evidence(Drum::Ride, (0, 0), (confidence, 0.5), None);
            let weighed = judge.weigh(confidence, &heard(evidence));
            assert!((weighed - confidence).abs() < 0.01);
        }
    }
}
