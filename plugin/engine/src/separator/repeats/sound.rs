//! A sound that a drum makes again and again, as a waveform.

use super::{
    matcher::{Fingerprint, Matcher},
    place::Place,
};
use crate::one_shots::OneShot;

/// Hits beyond which older ones fade.
const MOST_HITS: f32 = 16.0;

/// Hits over which the onset is averaged.
const MOST_ONSETS: f64 = 16.0;
/// Hits over which the level is averaged.
const MOST_LEVELS: f32 = 8.0;
/// Largest logarithm of a ratio of levels that is believed: 13 dB.
const LIKELY_RATIO: f32 = 1.5;

/// The mean waveform of hits that were alike. Real-time safe after construction.
#[derive(Debug, Clone)]
pub struct Sound {
    channels: [Vec<f32>; 2],
    /// Per part, of one hop: the sum of the squared gains of the hits it was learnt from.
    weights: Vec<f32>,
    /// Per part: how many they are, by their weights.
    counts: Vec<f32>,
    /// Parts that are known.
    parts: usize,
    part_samples: usize,
    /// Hits that it was found in; fades while others are.
    pub uses: f32,
    /// Mean sample of the announced onsets, and how many it is of.
    onset: (f64, f64),
    /// Mean logarithm of the level of a hit of unit gain, and how many it is of.
    level: (f32, f32),
    print: Fingerprint,
    /// Samples that it describes.
    described: usize,
    /// Whether the fingerprint is that of an earlier state.
    is_stale: bool,
}

impl Sound {
    /// Nothing yet, with room for `parts` parts. Allocates.
    pub fn new(matcher: &Matcher, part_samples: usize, parts: usize) -> Sound {
        Sound {
            channels: [(); 2].map(|()| vec![0.0; parts * part_samples]),
            weights: vec![0.0; parts],
            counts: vec![0.0; parts],
            parts: 0,
            part_samples,
            uses: 0.0,
            onset: (0.0, 0.0),
            level: (0.0, 0.0),
            print: matcher.fingerprint(),
            described: matcher.compared(),
            is_stale: true,
        }
    }

    /// Forgets everything.
    pub fn forget(&mut self) {
        self.weights.fill(0.0);
        self.parts = 0;
        self.uses = 0.0;
        self.onset = (0.0, 0.0);
        self.level = (0.0, 0.0);
        self.is_stale = true;
    }

    /// Begins with what is known of it already: `one_shot`, whose attack is to lie `lead`
    /// samples after the beginning, as `hits` hits would have taught it. Real-time safe.
    pub fn begin_with(&mut self, one_shot: &OneShot, lead: usize, hits: f32) {
        self.forget();
        let own_lead = f64::from(one_shot.lead_s()) * one_shot.sample_rate_hz();
        let silence = lead as i64 - own_lead.round() as i64;
        let length = (silence + one_shot.frames() as i64).max(0) as usize;
        self.parts = (length / self.part_samples).min(self.weights.len());
        self.counts[..self.parts].fill(hits);
        for (index, channel) in self.channels.iter_mut().enumerate() {
            let known = &mut channel[..self.parts * self.part_samples];
            let (before, sounding) = known.split_at_mut(known.len().min(silence.max(0) as usize));
            before.fill(0.0);
            // None of a sound that ends before it begins here.
            let skipped = (-silence).clamp(0, one_shot.frames() as i64) as usize;
            sounding.copy_from_slice(&one_shot.channel(index)[skipped..][..sounding.len()]);
        }
        self.uses = hits;
        self.onset = (silence as f64 + own_lead, f64::from(hits));
    }

    /// Takes the sample at which a hit's onset was announced, counted from where the sound
    /// begins there, and gives the mean of all: every announcement errs its own way.
    pub fn announce(&mut self, onset: f64) -> f64 {
        let (mean, count) = self.onset;
        let count = (count + 1.0).min(MOST_ONSETS);
        self.onset = (mean + (onset - mean) / count, count);
        self.onset.0
    }

    /// Takes the level that was measured of a hit of this gain, and gives what all hits of
    /// the sound say that it is: its gain is known better than the share that masks give
    /// it, the more so the more alike (0 to 1) it is.
    pub fn settle_level(&mut self, level: f32, gain: f32, likeness: f32) -> f32 {
        if level <= 0.0 || gain <= 0.0 {
            return level;
        }
        let heard = (level / gain).ln();
        let (mean, count) = self.level;
        if count == 0.0 || (heard - mean).abs() > LIKELY_RATIO {
            self.level = (heard, 1.0);
            return level;
        }
        let count = (count + 1.0).min(MOST_LEVELS);
        self.level = (mean + (heard - mean) / count, count);
        level * (likeness * (self.level.0 - heard)).exp()
    }

    /// The samples that are known, per channel.
    pub fn samples(&self) -> [&[f32]; 2] {
        let known = self.parts * self.part_samples;
        [&self.channels[0][..known], &self.channels[1][..known]]
    }

    /// Learns part `part` from what a hit of this gain and weight has there more than was
    /// predicted: `surplus`, per channel in pieces, begins at sample `first` of the input, the
    /// sound at `place`. `room` holds one part.
    pub fn learn(
        &mut self,
        part: usize,
        (gain, weight): (f32, f32),
        place: &Place,
        surplus: &[Vec<Vec<f32>>; 2],
        first: i64,
        room: &mut [f32],
    ) {
        if part > self.parts || part >= self.weights.len() {
            return;
        }
        let from = part * self.part_samples;
        if part == self.parts {
            // What an earlier sound left here.
            for channel in &mut self.channels {
                channel[from..from + self.part_samples].fill(0.0);
            }
            self.weights[part] = 0.0;
            self.counts[part] = 0.0;
            self.parts += 1;
        }
        let new = weight * gain * gain;
        if new <= 0.0 {
            return;
        }
        if self.weights[part] == 0.0 {
            // What it began with is as loud as the first hit, for lack of anything better.
            self.weights[part] = self.counts[part] * gain * gain;
        }
        // Hits fade by their number and not by their power: else a soft one would take the
        // memory of all loud ones with it.
        let count = self.counts[part];
        let kept = if count + weight > MOST_HITS {
            (MOST_HITS - weight).max(0.0) / count
        } else {
            1.0
        };
        self.counts[part] = (count + weight).min(MOST_HITS);
        let total = kept * self.weights[part] + new;
        self.weights[part] = total;
        let step = weight * gain / total.max(new);
        for (channel, surplus) in self.channels.iter_mut().zip(surplus) {
            room.fill(0.0);
            let mut first = first;
            for piece in surplus {
                place.read(piece, first, from, room);
                first += piece.len() as i64;
            }
            let known = &mut channel[from..from + self.part_samples];
            for (sample, more) in known.iter_mut().zip(room.iter()) {
                *sample += step * more;
            }
        }
        self.is_stale |= from < self.described;
    }

    /// Whether the fingerprint has to be brought up to date.
    pub fn is_stale(&self) -> bool {
        self.is_stale
    }

    /// Brings the fingerprint up to date with what is known.
    pub fn refresh(&mut self, matcher: &mut Matcher) {
        if std::mem::take(&mut self.is_stale) {
            let known = self.parts * self.part_samples;
            let own = [&self.channels[0][..known], &self.channels[1][..known]];
            matcher.describe(own, &mut self.print);
        }
    }

    /// What the sound is found by; see [`Sound::refresh`].
    pub fn print(&self) -> &Fingerprint {
        &self.print
    }
}
