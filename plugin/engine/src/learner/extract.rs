//! One-shots from a finished separation.
//!
//! For each drum, the best hits (loud, sure, followed by a long enough rest)
//! are aligned to the sample and averaged; what differs from hit to hit, the
//! bleed of the other drums, averages out.

use crate::{
    drum::{DRUM_COUNT, Drum},
    one_shots::{OneShot, OneShotError},
};

/// Hits that are averaged at most.
const MAX_HITS: usize = 12;
/// How far two hits are shifted against each other.
const ALIGN_S: f64 = 0.003;
/// Stretch over which they are compared.
const COMPARE_S: f64 = 0.03;
/// Fade at the end.
const FADE_S: f64 = 0.02;
/// Lead before the onset that belongs to the attack.
const LEAD_S: f64 = 0.001;

/// A hit in the separated signal of its drum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CapturedHit {
    /// Onset in the stem.
    pub onset_sample: usize,
    /// Above 0, up to 1.
    pub velocity: f32,
    /// The network's probability.
    pub confidence: f32,
}

/// What was learnt of one drum.
#[derive(Debug, Clone)]
pub struct LearntDrum {
    /// The drum.
    pub drum: Drum,
    /// One-shots from soft to loud, with the highest velocity (0 to 1) each
    /// stands for.
    pub layers: Vec<(f32, OneShot)>,
    /// Hits that went into them.
    pub hits: usize,
    /// 0 to 1: how alike the hits are.
    pub confidence: f32,
}

/// What was learnt of a kit: one entry per drum that was heard.
#[derive(Debug, Clone, Default)]
pub struct LearntKit {
    /// In the frozen order of classes.
    pub drums: Vec<LearntDrum>,
}

/// Longest one-shot of a drum.
const fn longest_s(drum: Drum) -> f64 {
    match drum {
        Drum::Kick | Drum::Snare => 1.2,
        Drum::ClosedHat => 0.5,
        Drum::OpenHat => 1.5,
        Drum::HighTom | Drum::MidTom | Drum::FloorTom => 2.0,
        Drum::Crash | Drum::Ride => 3.5,
    }
}

/// Takes the kit from separated stems: `stems[drum][channel]` (one or two
/// channels, all of one length) and the accepted hits of each drum in order of
/// time. Drums without hits are left out. Allocates.
///
/// # Errors
/// Stems that are no sound: unequal lengths, not finite, an absurd rate.
pub fn extract_kit(
    sample_rate_hz: f64,
    stems: &[Vec<Vec<f32>>; DRUM_COUNT],
    hits: &[Vec<CapturedHit>; DRUM_COUNT],
) -> Result<LearntKit, OneShotError> {
    let mut kit = LearntKit::default();
    for drum in Drum::ALL {
        let stem = &stems[drum.index()];
        let hits = &hits[drum.index()];
        if hits.is_empty() || stem.first().is_none_or(Vec::is_empty) {
            continue;
        }
        if let Some(learnt) = extract_drum(drum, sample_rate_hz, stem, hits)? {
            kit.drums.push(learnt);
        }
    }
    Ok(kit)
}

/// A hit with the stretch that belongs to it alone.
struct Take {
    start: usize,
    samples: usize,
    velocity: f32,
    score: f32,
}

fn extract_drum(
    drum: Drum,
    rate: f64,
    stem: &[Vec<f32>],
    hits: &[CapturedHit],
) -> Result<Option<LearntDrum>, OneShotError> {
    let end = stem.iter().map(Vec::len).min().unwrap_or(0);
    let longest = (longest_s(drum) * rate) as usize;
    let lead = (LEAD_S * rate) as usize;
    let mut takes: Vec<Take> = hits
        .iter()
        .enumerate()
        .filter(|(_, hit)| hit.onset_sample < end)
        .map(|(index, hit)| {
            let next = hits
                .get(index + 1)
                .map_or(end, |next| next.onset_sample.min(end));
            let start = hit.onset_sample.saturating_sub(lead);
            let samples = next.saturating_sub(start + lead).min(longest);
            let rest = samples as f32 / longest as f32;
            Take {
                start,
                samples,
                velocity: hit.velocity,
                score: hit.confidence * (0.2 + rest) * (0.3 + hit.velocity),
            }
        })
        .filter(|take| take.samples > (COMPARE_S * rate) as usize / 2)
        .collect();
    if takes.is_empty() {
        return Ok(None);
    }
    takes.sort_by(|a, b| b.score.total_cmp(&a.score));
    // Two layers where there are enough hits on both sides of the middle.
    let mut layers: Vec<Vec<&Take>> = Vec::new();
    let (loudest, softest) = takes.iter().fold((0.0_f32, 1.0_f32), |(high, low), take| {
        (high.max(take.velocity), low.min(take.velocity))
    });
    let middle = 0.5 * (loudest + softest);
    let (soft, loud): (Vec<_>, Vec<_>) = takes.iter().partition(|take| take.velocity < middle);
    if loudest - softest > 0.35 && soft.len() >= 4 && loud.len() >= 4 {
        layers.push(soft);
        layers.push(loud);
    } else {
        layers.push(takes.iter().collect());
    }
    let mut learnt = LearntDrum {
        drum,
        layers: Vec::new(),
        hits: 0,
        confidence: 0.0,
    };
    for layer in &layers {
        let used = &layer[..layer.len().min(MAX_HITS)];
        let (channels, likeness) = average(rate, stem, used, longest);
        let top = layer.iter().map(|take| take.velocity).fold(0.0, f32::max);
        learnt.hits += used.len();
        learnt.confidence += likeness / layers.len() as f32;
        learnt
            .layers
            .push((top, OneShot::new(rate, channels)?.trimmed()));
    }
    if let Some((top, _)) = learnt.layers.last_mut() {
        *top = 1.0;
    }
    Ok(Some(learnt))
}

/// Average of the takes, each aligned to the first and scaled to its level.
fn average(rate: f64, stem: &[Vec<f32>], takes: &[&Take], longest: usize) -> (Vec<Vec<f32>>, f32) {
    let compare = (COMPARE_S * rate) as usize;
    let reach = (ALIGN_S * rate) as isize;
    let mono = |index: isize| -> f32 {
        usize::try_from(index).map_or(0.0, |index| {
            stem.iter().filter_map(|channel| channel.get(index)).sum()
        })
    };
    let window = |start: isize| (0..compare as isize).map(move |n| mono(start + n));
    let reference_start = takes[0].start as isize;
    let reference: Vec<f32> = window(reference_start).collect();
    let energy = |samples: &[f32]| samples.iter().map(|x| x * x).sum::<f32>();
    let reference_energy = energy(&reference).max(1e-12);
    let mut sums = vec![vec![0.0_f32; longest]; stem.len()];
    let mut weights = vec![0.0_f32; longest];
    let mut likeness = 0.0;
    for take in takes {
        let (shift, correlation, other_energy) = (-reach..=reach)
            .map(|shift| {
                let other: Vec<f32> = window(take.start as isize + shift).collect();
                let dot: f32 = reference.iter().zip(&other).map(|(a, b)| a * b).sum();
                (shift, dot, energy(&other).max(1e-12))
            })
            .max_by(|a, b| (a.1 / a.2.sqrt()).total_cmp(&(b.1 / b.2.sqrt())))
            .unwrap_or((0, 0.0, 1.0));
        let alike = (correlation / (reference_energy * other_energy).sqrt()).clamp(0.0, 1.0);
        likeness += alike / takes.len() as f32;
        if alike < 0.3 {
            continue;
        }
        let scale = (reference_energy / other_energy).sqrt().clamp(0.1, 10.0);
        // Weight like a least-squares fit: loud takes have less bleed.
        let weight = alike / (scale * scale);
        let start = take.start as isize + shift;
        for n in 0..take.samples {
            let Ok(index) = usize::try_from(start + n as isize) else {
                continue;
            };
            weights[n] += weight;
            for (sum, channel) in sums.iter_mut().zip(stem) {
                sum[n] += weight * scale * channel.get(index).copied().unwrap_or(0.0);
            }
        }
    }
    let samples = weights
        .iter()
        .rposition(|&weight| weight > 0.0)
        .map_or(1, |last| last + 1);
    let fade = ((FADE_S * rate) as usize).min(samples);
    for sum in &mut sums {
        sum.truncate(samples);
        for (n, value) in sum.iter_mut().enumerate() {
            let left = samples - n;
            let gain = if left < fade {
                left as f32 / fade as f32
            } else {
                1.0
            };
            *value *= gain / weights[n].max(1e-12);
        }
    }
    (sums, likeness)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: f64 = 44_100.0;

    fn truth() -> Vec<f32> {
        (0..8_000)
            .map(|n| (n as f32 * 0.09).sin() * (-(n as f32) / 1_200.0).exp())
            .collect()
    }

    #[test]
    fn repeated_hits_give_back_the_one_shot() {
        let truth = truth();
        let mut stem = vec![0.0; 120_000];
        let mut hits = Vec::new();
        for (index, start) in [5_000_usize, 30_000, 55_000, 80_000]
            .into_iter()
            .enumerate()
        {
            let gain = 1.0 - 0.15 * index as f32;
            for (n, sample) in truth.iter().enumerate() {
                stem[start + n] += gain * sample;
            }
            hits.push(CapturedHit {
                onset_sample: start + 11 * index,
                velocity: gain,
                confidence: 0.9,
            });
        }
        let mut stems: [Vec<Vec<f32>>; DRUM_COUNT] = Default::default();
        stems[1] = vec![stem];
        let mut all: [Vec<CapturedHit>; DRUM_COUNT] = Default::default();
        all[1] = hits;
        let kit = extract_kit(RATE, &stems, &all).unwrap();
        assert_eq!(kit.drums.len(), 1);
        let learnt = &kit.drums[0];
        assert_eq!(learnt.drum, Drum::Snare);
        assert!(learnt.confidence > 0.95, "{}", learnt.confidence);
        let shot = learnt.layers[0].1.channel(0);
        let lead = (LEAD_S * RATE) as usize;
        let error: f32 = (0..6_000)
            .map(|n| (shot[n + lead] - truth[n]).powi(2))
            .sum();
        let energy: f32 = truth.iter().map(|x| x * x).sum();
        assert!(error < 1e-3 * energy, "{}", error / energy);
    }

    #[test]
    fn no_hits_no_drums() {
        let kit = extract_kit(RATE, &Default::default(), &Default::default()).unwrap();
        assert!(kit.drums.is_empty());
    }
}
