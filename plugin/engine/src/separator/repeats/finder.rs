//! Looks for known sounds in what is heard.

use super::{
    matcher::{Fingerprint, Match, Matcher},
    place::Place,
    voice::Predicted,
};
use crate::{
    drum::{DRUM_COUNT, Drum},
    front_end::Framing,
};

/// How far from where it should begin a sound is looked for.
const REACH_S: f64 = 0.0045;
/// Hops of a segment in which sounds are looked for, and of those the ones that only
/// hits of other drums use.
const SEGMENT_HOPS: usize = 10;
const SPARE_HOPS: usize = 3;

/// A hit that may be one of a sound that is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RepeatHit {
    /// Its class.
    pub drum: Drum,
    /// Sample of the input since the last reset.
    pub onset_sample: i64,
    /// The network's probability.
    pub activation: f32,
    /// Whether that is enough for a hit.
    pub is_sure: bool,
}

/// A known sound in what is heard.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// Which of the drum's sounds.
    pub sound: usize,
    /// Within the segment.
    pub matched: Match,
    /// Where it begins in the input.
    pub place: Place,
}

impl Found {
    /// How alike they are.
    pub fn likeness(&self) -> f32 {
        self.matched.likeness
    }
}

/// A segment of the input and what is compared with it. Real-time safe after construction.
#[derive(Debug)]
pub struct Finder {
    /// Compares sounds with the segment.
    pub matcher: Matcher,
    segment: [Vec<f32>; 2],
    /// Sample of the input at which the segment begins.
    first: i64,
    reach: i64,
}

impl Finder {
    /// For sounds of which `heard_samples` have been heard when they are looked for.
    /// Allocates.
    pub fn new(framing: &Framing, heard_samples: usize) -> Finder {
        let hop = framing.hop_samples;
        let reach = (REACH_S * framing.sample_rate_hz) as usize;
        let segment = SEGMENT_HOPS * hop;
        let compared = (heard_samples - reach).min(segment - SPARE_HOPS * hop);
        Finder {
            matcher: Matcher::new(framing.sample_rate_hz, segment, compared),
            segment: [vec![0.0; segment], vec![0.0; segment]],
            first: 0,
            reach: reach as i64,
        }
    }

    /// Takes what is heard in `history`, which ends before sample `end` of the input, and
    /// not predicted already: around sounds that begin at sample `first` or later.
    pub fn listen(&mut self, first: i64, history: [&[f32]; 2], end: i64, predicted: &Predicted) {
        let first = first - self.reach;
        self.first = first;
        let begin = end - history[0].len() as i64;
        let count = (end - first).clamp(0, self.segment[0].len() as i64) as usize;
        for (channel, segment) in self.segment.iter_mut().enumerate() {
            let heard = history[channel];
            let lead = (begin - first).clamp(0, count as i64) as usize;
            let from = (first - begin).clamp(0, heard.len() as i64) as usize;
            let heard = &heard[from..heard.len().min(from + count - lead)];
            let (known, after) = segment[lead..count].split_at_mut(heard.len());
            known.copy_from_slice(heard);
            after.fill(0.0);
            segment[..lead].fill(0.0);
            let skipped = (predicted.start - first).clamp(0, count as i64) as usize;
            let from = (first - predicted.start).max(0) as usize;
            for drum in (0..DRUM_COUNT).filter(|&drum| predicted.sounds(drum)) {
                let signal = predicted.signal(drum, channel);
                let signal = &signal[from.min(signal.len())..];
                for (out, sample) in segment[skipped..count].iter_mut().zip(signal) {
                    *out -= sample;
                }
            }
        }
        let [left, right] = &self.segment;
        self.matcher.listen([&left[..count], &right[..count]]);
    }

    /// Looks for sound number `sound` around sample `begins` of the input.
    pub fn find(&mut self, begins: i64, sound: usize, print: &Fingerprint) -> Option<Found> {
        let from = usize::try_from(begins - self.reach - self.first).ok()?;
        let places = from..from + 2 * self.reach as usize + 1;
        let matched = self.matcher.find(print, places)?;
        Some(Found {
            sound,
            matched,
            place: Place::new(self.first as f64 + matched.at),
        })
    }
}

/// Takes the hit out of `open` whose sound is found best.
pub fn take_likest(open: &mut [Option<(RepeatHit, Found)>]) -> Option<(RepeatHit, Found)> {
    let likeness = |open: &Option<(RepeatHit, Found)>| {
        open.map_or(f32::NEG_INFINITY, |(_, found)| found.likeness())
    };
    let best = open
        .iter_mut()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    best.take()
}
