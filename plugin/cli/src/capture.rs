//! What the kit learner needs of a separation, without keeping all of it.
//!
//! A one-shot lasts a few seconds at most, so of each stem only the stretch
//! after every hit is kept, one after the other: a recording of an hour fits
//! into memory.

use std::collections::VecDeque;

use anyhow::Result;
use idm_engine::drum::{DRUM_COUNT, Drum};
use idm_engine::learner::CapturedHit;

use crate::onset::Onset;
use crate::render::{AudioFormat, Block, Sink};

/// Kept before a hit: its attack, and room to align it.
const BEFORE_S: f64 = 0.01;
/// Kept after a hit: longer than the longest one-shot.
const AFTER_S: f64 = 4.0;
/// Kept of each drum in all. That is some two hundred hits at usual tempi,
/// far more than a one-shot is averaged from.
const LONGEST_S: f64 = 60.0;

/// The sound of one drum around its hits.
#[derive(Debug, Clone, Default)]
struct Excerpt {
    /// Shape `(channels, frames)`.
    channels: Vec<Vec<f32>>,
    /// Hits with their place in `channels`.
    hits: Vec<CapturedHit>,
    /// The latest samples that were not kept, for the attack of the next hit.
    before: Vec<VecDeque<f32>>,
    /// Position in the recording up to which everything is kept.
    keep_until: u64,
}

/// A sink that keeps what the kit is learnt from.
#[derive(Debug, Default)]
pub struct Capture {
    sample_rate_hz: f64,
    excerpts: [Excerpt; DRUM_COUNT],
}

impl Capture {
    /// Nothing captured yet.
    pub fn new() -> Capture {
        Capture::default()
    }

    /// Sample rate of the excerpts.
    pub fn sample_rate_hz(&self) -> f64 {
        self.sample_rate_hz
    }

    /// Per drum the excerpts, shape `(channels, frames)`, and the hits in them
    /// in order of time.
    pub fn into_parts(self) -> ([Vec<Vec<f32>>; DRUM_COUNT], [Vec<CapturedHit>; DRUM_COUNT]) {
        let mut stems: [Vec<Vec<f32>>; DRUM_COUNT] = Default::default();
        let mut hits: [Vec<CapturedHit>; DRUM_COUNT] = Default::default();
        for (index, excerpt) in self.excerpts.into_iter().enumerate() {
            stems[index] = excerpt.channels;
            hits[index] = excerpt.hits;
        }
        (stems, hits)
    }

    fn frames(&self, seconds: f64) -> usize {
        (seconds * self.sample_rate_hz).round() as usize
    }
}

impl Sink for Capture {
    fn begin(&mut self, format: AudioFormat) -> Result<()> {
        self.sample_rate_hz = format.sample_rate_hz;
        for excerpt in &mut self.excerpts {
            excerpt.channels = vec![Vec::new(); format.channels];
            excerpt.before = vec![VecDeque::new(); format.channels];
        }
        Ok(())
    }

    fn block(&mut self, block: &Block<'_>) -> Result<()> {
        let start = block.start;
        let frames = block.stems[0][0].len() as u64;
        let (before, after) = (self.frames(BEFORE_S), self.frames(AFTER_S));
        let longest = self.frames(LONGEST_S);
        for drum in Drum::ALL {
            let excerpt = &mut self.excerpts[drum.index()];
            let stem = &block.stems[drum.index()];
            let mut done = 0;
            let own = block.onsets.iter().filter(|onset| onset.drum == drum);
            for onset in own {
                // Up to the hit as before, from there on with it.
                let at = onset.sample.clamp(start, start + frames) - start;
                excerpt.take(stem, start, done..at.max(done), before);
                done = at.max(done);
                excerpt.open(onset, start + done, after as u64, longest);
            }
            excerpt.take(stem, start, done..frames, before);
        }
        Ok(())
    }
}

impl Excerpt {
    /// Takes frames `range` of a block that begins at `start`: keeps what is
    /// near a hit, remembers the last `before` of the rest.
    fn take(&mut self, stem: &[Vec<f32>], start: u64, range: std::ops::Range<u64>, before: usize) {
        let kept = self
            .keep_until
            .saturating_sub(start)
            .clamp(range.start, range.end);
        let (begin, kept, end) = (range.start as usize, kept as usize, range.end as usize);
        for ((channel, recent), samples) in self.channels.iter_mut().zip(&mut self.before).zip(stem)
        {
            channel.extend_from_slice(&samples[begin..kept]);
            recent.extend(&samples[kept..end]);
            let surplus = recent.len().saturating_sub(before);
            recent.drain(..surplus);
        }
    }

    /// Begins to keep at a hit that lies at `position` of the recording.
    fn open(&mut self, onset: &Onset, position: u64, after: u64, longest: usize) {
        if self.channels[0].len() >= longest {
            return;
        }
        for (channel, recent) in self.channels.iter_mut().zip(&mut self.before) {
            channel.extend(recent.drain(..));
        }
        // A hit that was reported late lies that much before the end of what
        // is kept.
        let late = position.saturating_sub(onset.sample) as usize;
        self.hits.push(CapturedHit {
            onset_sample: self.channels[0].len().saturating_sub(late),
            velocity: onset.velocity,
            confidence: onset.confidence,
        });
        self.keep_until = self.keep_until.max(position + after);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onset::at;
    use idm_engine::drum::STEM_COUNT;

    /// Sample `n` of the recording is `n`, so that kept samples tell where they
    /// come from.
    fn capture(blocks: &[usize], onsets: &[Onset]) -> Capture {
        let mut capture = Capture::new();
        capture
            .begin(AudioFormat {
                sample_rate_hz: 1_000.0,
                channels: 2,
            })
            .expect("begun");
        let mut start = 0;
        for &frames in blocks {
            let samples: Vec<f32> = (start..start + frames).map(|n| n as f32).collect();
            let own: Vec<Onset> = onsets
                .iter()
                .filter(|onset| (start..start + frames).contains(&(onset.sample as usize)))
                .copied()
                .collect();
            capture
                .block(&Block {
                    start: start as u64,
                    stems: &vec![vec![samples; 2]; STEM_COUNT],
                    onsets: &own,
                })
                .expect("taken");
            start += frames;
        }
        capture
    }

    #[test]
    fn hits_keep_their_sound_and_their_place() {
        let onsets = [
            at(3, Drum::Snare, 0.5),
            at(2_000, Drum::Snare, 0.6),
            at(9_000, Drum::Snare, 0.7),
            at(9_500, Drum::Kick, 0.8),
        ];
        for blocks in [
            vec![20_000],
            vec![1; 20_000],
            vec![700; 28],
            vec![9_000, 11_000],
        ] {
            let (stems, hits) = capture(&blocks, &onsets).into_parts();
            let snare = &stems[Drum::Snare.index()];
            let places: Vec<f32> = hits[Drum::Snare.index()]
                .iter()
                .map(|hit| snare[1][hit.onset_sample])
                .collect();
            assert_eq!(places, [3.0, 2_000.0, 9_000.0]);
            // 0..6000 in one piece (two hits, 4 s after each), then 10 ms
            // before and 4 s after the third.
            assert_eq!(snare[0].len(), 6_000 + 10 + 4_000);
            assert_eq!(snare[0][6_000], 8_990.0);
            assert_eq!(stems[Drum::Kick.index()][0].len(), 4_010);
            assert!(stems[Drum::Ride.index()][0].is_empty());
        }
    }

    #[test]
    fn an_hour_of_hits_does_not_fill_the_memory() {
        let onsets: Vec<Onset> = (0..900)
            .map(|n| at(n * 500, Drum::ClosedHat, 0.5))
            .collect();
        let (stems, hits) = capture(&[450_000], &onsets).into_parts();
        let hat = Drum::ClosedHat.index();
        assert!(stems[hat][0].len() <= 64_500, "{}", stems[hat][0].len());
        assert!(hits[hat].len() > 100);
        for hit in &hits[hat] {
            assert_eq!(stems[hat][0][hit.onset_sample] as usize % 500, 0);
        }
    }
}
