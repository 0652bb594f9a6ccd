//! Sounds that repeat: drums are predicted as waveforms, and masks only divide what is
//! left.
//!
//! A drum machine plays one sample again and again, and the low end of an acoustic drum
//! changes little from hit to hit. Once a hit has been heard, the next can be laid over it
//! to a fraction of a sample (IDM's analysis by synthesis, with phases). With the prediction
//! `P` of each drum, the share `w` of it that agrees with the recording band by band, and
//! the masks `M`, a drum is `w P + M (X − Σ w P)`: the mean of a Gaussian whose prior mean
//! is the prediction. Drums still add up to the recording; where nothing repeats the
//! masks are all there is. What a drum then has more than was predicted teaches its sound:
//! the steps of an EM algorithm, a hit at a time.

mod agreement;
mod matcher;
mod place;
mod sound;
mod spectra;
mod voice;

use std::ops::RangeInclusive;

use realfft::num_complex::Complex32;

use super::{BandMasks, OverlapAdd};
use crate::{
    drum::{DRUM_COUNT, Drum},
    front_end::Framing,
    learner::longest_s,
    one_shots::Bank,
    transcriber::Recognition,
};
use matcher::{Match, Matcher};
use place::Place;
use sound::Sound;
use spectra::Spectra;
use voice::{Known, Predicted, Voices, in_bank};

/// Sounds per drum: strokes that differ, and mistakes that pass.
const SOUNDS: usize = 3;
/// Longest prediction; crashes ring on without.
const LONGEST_S: f64 = 1.2;
/// A sound begins this much before its hit's announced onset, which may be late.
const LEAD_S: f64 = 0.004;
/// How far from there it is looked for.
const REACH_S: f64 = 0.0045;
/// Hops of a segment in which sounds are looked for, and of those the ones that only
/// hits of other drums use.
const SEGMENT_HOPS: usize = 10;
const SPARE_HOPS: usize = 3;
/// Likeness from which a sound is played for a hit, and for one that is in doubt.
const LIKE: f32 = 0.4;
const LIKE_IF_DOUBTFUL: f32 = 0.5;
/// Activation below which nothing is looked for.
const LEAST_ACTIVATION: f32 = 0.1;
/// Gains relative to the hit that a sound was first heard in.
const GAINS: RangeInclusive<f32> = 0.01..=1000.0;
/// Factor on the uses of a drum's sounds when one is given up for a new one.
const FORGETTING: f32 = 0.9;
/// Fade of a sound that is cut off.
const CHOKE_S: f64 = 0.008;
/// Hops of surplus that are kept: what is learnt ends in the last but one.
const SURPLUS_HOPS: usize = 3;

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

/// A hit that waits for its decision.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    onset_sample: i64,
    found: Option<Found>,
    /// Likeness before other drums were taken off.
    alone: f32,
    is_playing: bool,
}

/// A known sound in what is heard.
#[derive(Debug, Clone, Copy)]
struct Found {
    sound: usize,
    matched: Match,
    place: Place,
}

/// A hit whose sound is being learnt.
#[derive(Debug, Clone, Copy)]
struct Learning {
    sound: usize,
    place: Place,
    gain: f32,
    weight: f32,
    part: usize,
}

/// Predicts all drums. Real-time safe after construction.
#[derive(Debug)]
pub struct Repeats {
    hop: usize,
    lead: i64,
    reach: i64,
    matcher: Matcher,
    segment: [Vec<f32>; 2],
    /// Per drum.
    sounds: Vec<[Sound; SOUNDS]>,
    voices: Voices,
    predicted: Predicted,
    spectra: Spectra,
    waiting: [Option<Waiting>; DRUM_COUNT],
    learning: [Option<Learning>; DRUM_COUNT],
    /// Per drum and channel: what the last hops have more than was predicted.
    surplus: Vec<[Vec<f32>; 2]>,
    room: Vec<f32>,
    /// Whether the bank's sounds are what repeats, and nothing is learnt.
    is_frozen: bool,
    /// Whose fingerprint is looked after next.
    next_print: usize,
}

impl Repeats {
    /// Nothing is known. Frames are `overlap_add`'s windows, which begin `ahead_samples`
    /// before the newest sample; of a hit, `heard_samples` have been heard when it is
    /// looked for. Allocates.
    pub fn new(
        framing: &Framing,
        overlap_add: &OverlapAdd,
        ahead_samples: usize,
        heard_samples: usize,
    ) -> Repeats {
        let (rate, hop) = (framing.sample_rate_hz, framing.hop_samples);
        let lead = (LEAD_S * rate) as usize;
        let reach = (REACH_S * rate) as usize;
        let segment = SEGMENT_HOPS * hop;
        let compared = (heard_samples + lead - reach).min(segment - SPARE_HOPS * hop);
        let matcher = Matcher::new(rate, segment, compared);
        let pair = |length: usize| [vec![0.0; length], vec![0.0; length]];
        let parts = |drum: Drum| (longest_s(drum).min(LONGEST_S) * rate) as usize / hop;
        Repeats {
            hop,
            lead: lead as i64,
            reach: reach as i64,
            segment: pair(segment),
            sounds: Drum::ALL
                .map(|drum| [(); SOUNDS].map(|()| Sound::new(&matcher, hop, parts(drum))))
                .into(),
            voices: Voices::new(hop, (CHOKE_S * rate) as usize),
            predicted: Predicted::new(ahead_samples),
            spectra: Spectra::new(overlap_add.window_samples() / 2 + 1),
            waiting: [None; DRUM_COUNT],
            learning: [None; DRUM_COUNT],
            surplus: (0..DRUM_COUNT).map(|_| pair(SURPLUS_HOPS * hop)).collect(),
            room: vec![0.0; hop],
            is_frozen: false,
            next_print: 0,
            matcher,
        }
    }

    /// Forgets the sounds as well. Real-time safe.
    pub fn forget(&mut self) {
        self.rewind();
        for sound in self.sounds.iter_mut().flatten() {
            sound.forget();
        }
    }

    /// Forgets the input but keeps the sounds. Real-time safe.
    pub fn rewind(&mut self) {
        self.voices.clear();
        self.predicted.clear();
        self.spectra.clear();
        self.waiting = [None; DRUM_COUNT];
        self.learning = [None; DRUM_COUNT];
        for surplus in self.surplus.iter_mut().flatten() {
            surplus.fill(0.0);
        }
    }

    /// Says whether what the bank has learnt is what repeats, which is the same whenever
    /// that kit is used, or what is heard; to be called again when the bank has changed.
    /// Real-time safe.
    pub fn freeze(&mut self, is_frozen: bool) {
        if is_frozen || self.is_frozen {
            self.rewind();
            for sound in self.sounds.iter_mut().flatten() {
                sound.is_stale = true;
            }
        }
        self.is_frozen = is_frozen;
    }

    /// Goes on to the frame that begins at sample `start` of the input. Real-time safe.
    pub fn step(&mut self, start: i64, bank: &Bank) {
        self.predicted.step(start);
        self.render(bank);
        // One fingerprint per hop, so that few are left to make when a hit comes.
        self.next_print = (self.next_print + 1) % (DRUM_COUNT * SOUNDS);
        let (drum, sound) = (self.next_print / SOUNDS, self.next_print % SOUNDS);
        if self.learning[drum].is_none_or(|learning| learning.sound != sound) {
            self.refresh(drum, sound, bank);
        }
    }

    fn render(&mut self, bank: &Bank) {
        let known = Known {
            sounds: &self.sounds,
            bank: self.is_frozen.then_some(bank),
        };
        self.voices.render(&known, &mut self.predicted);
    }

    fn refresh(&mut self, drum: usize, sound: usize, bank: &Bank) {
        let frozen = self.is_frozen.then(|| in_bank(bank, drum, sound));
        self.sounds[drum][sound].refresh(&mut self.matcher, frozen);
    }

    /// Looks for known sounds in the hits of a frame; `history` is the input that ends
    /// before sample `end`. Real-time safe.
    pub fn begin(&mut self, hits: &[RepeatHit], history: [&[f32]; 2], end: i64, bank: &Bank) {
        let lead = if self.is_frozen { 0 } else { self.lead };
        let mut open: [Option<(RepeatHit, Found)>; DRUM_COUNT] = [None; DRUM_COUNT];
        let mut first = i64::MAX;
        for hit in hits {
            self.waiting[hit.drum.index()] = Some(Waiting {
                onset_sample: hit.onset_sample,
                found: None,
                alone: 0.0,
                is_playing: false,
            });
            if hit.activation >= LEAST_ACTIVATION {
                first = first.min(hit.onset_sample - lead - self.reach);
            }
        }
        if first == i64::MAX {
            return;
        }
        self.listen(first, history, end);
        let looked_for = hits.iter().filter(|hit| hit.activation >= LEAST_ACTIVATION);
        for (hit, open) in looked_for.zip(&mut open) {
            for sound in 0..SOUNDS {
                self.refresh(hit.drum.index(), sound, bank);
                if let Some(found) = self.find(hit, sound, first)
                    && open.is_none_or(|(_, best)| found.likeness() > best.likeness())
                {
                    *open = Some((*hit, found));
                }
            }
        }
        for (hit, found) in open.iter().flatten() {
            if let Some(waiting) = &mut self.waiting[hit.drum.index()] {
                waiting.alone = found.likeness();
            }
        }
        // The likest first; the others are compared with what it leaves.
        while let Some((hit, found)) = take_likest(&mut open) {
            let drum = hit.drum.index();
            if let Some(waiting) = &mut self.waiting[drum] {
                waiting.found = Some(found);
            }
            let least = if hit.is_sure { LIKE } else { LIKE_IF_DOUBTFUL };
            if !self.play(hit.drum, least) {
                continue;
            }
            let print = self.sounds[drum][found.sound].print();
            self.matcher.subtract(print, &found.matched);
            for open in &mut open {
                *open = open.and_then(|(hit, found)| {
                    let found = self.find(&hit, found.sound, first)?;
                    Some((hit, found))
                });
            }
        }
        self.render(bank);
    }

    /// Takes what is heard from sample `first` on and not predicted already.
    fn listen(&mut self, first: i64, history: [&[f32]; 2], end: i64) {
        let begin = end - history[0].len() as i64;
        let count = (end - first).clamp(0, self.segment[0].len() as i64) as usize;
        for (channel, segment) in self.segment.iter_mut().enumerate() {
            for (n, out) in (first..).zip(&mut segment[..count]) {
                let at = usize::try_from(n - begin).ok();
                let heard = at.and_then(|at| history[channel].get(at));
                *out = heard.copied().unwrap_or(0.0);
            }
            let skipped = (self.predicted.start - first).clamp(0, count as i64) as usize;
            let from = (first - self.predicted.start).max(0) as usize;
            for drum in (0..DRUM_COUNT).filter(|&drum| self.predicted.sounds(drum)) {
                let signal = self.predicted.signal(drum, channel);
                let signal = &signal[from.min(signal.len())..];
                for (out, sample) in segment[skipped..count].iter_mut().zip(signal) {
                    *out -= sample;
                }
            }
        }
        let [left, right] = &self.segment;
        self.matcher.listen([&left[..count], &right[..count]]);
    }

    /// Looks for a sound around a hit in the segment that begins at sample `first`.
    fn find(&mut self, hit: &RepeatHit, sound: usize, first: i64) -> Option<Found> {
        let lead = if self.is_frozen { 0 } else { self.lead };
        let from = usize::try_from(hit.onset_sample - lead - self.reach - first).ok()?;
        let places = from..from + 2 * self.reach as usize + 1;
        let print = self.sounds[hit.drum.index()][sound].print();
        let matched = self.matcher.find(print, places)?;
        Some(Found {
            sound,
            matched,
            place: Place::new(first as f64 + matched.at),
        })
    }

    /// Plays the sound that was found for a hit of `drum` if it is `least` alike.
    fn play(&mut self, drum: Drum, least: f32) -> bool {
        let class = drum.index();
        let Some(waiting) = &mut self.waiting[class] else {
            return false;
        };
        let found = waiting
            .found
            .filter(|found| found.likeness() >= least && GAINS.contains(&found.matched.gain));
        let Some(found) = found else {
            return false;
        };
        waiting.is_playing = true;
        self.voices
            .start(class, found.sound, found.place, found.matched.gain);
        let onset_sample = waiting.onset_sample;
        self.choke(drum, onset_sample);
        true
    }

    /// Ends the drums that `drum` chokes.
    fn choke(&mut self, drum: Drum, onset_sample: i64) {
        for choked in Drum::ALL {
            if choked.choked_by() == Some(drum) {
                self.voices.choke(choked.index(), onset_sample);
                self.learning[choked.index()] = None;
            }
        }
    }

    /// How the hit of `drum` that waits compares with those before; none if there is
    /// nothing to compare it with. Real-time safe.
    pub fn recognition(&self, drum: Drum) -> Option<Recognition> {
        let waiting = self.waiting[drum.index()]?;
        let found = waiting.found?;
        Some(Recognition {
            likeness: found.likeness(),
            alone: waiting.alone,
            gain: found.matched.gain,
            uses: self.sounds[drum.index()][found.sound].uses,
        })
    }

    /// What became of the hit of `drum` that waits: its confidence if it is accepted.
    /// Real-time safe.
    pub fn decide(&mut self, drum: Drum, accepted: Option<f32>, bank: &Bank) {
        let class = drum.index();
        let (Some(waiting), Some(confidence)) = (self.waiting[class], accepted) else {
            self.waiting[class] = None;
            return;
        };
        let is_new = !waiting.is_playing && !self.play(drum, LIKE);
        if is_new {
            self.choke(drum, waiting.onset_sample);
        }
        if !self.is_frozen {
            let learning = match waiting.found {
                Some(found) if !is_new => Learning {
                    sound: found.sound,
                    place: found.place,
                    gain: found.matched.gain,
                    weight: confidence,
                    part: 0,
                },
                _ => Learning {
                    sound: self.make_room(class),
                    place: Place::new((waiting.onset_sample - self.lead) as f64),
                    gain: 1.0,
                    weight: confidence,
                    part: 0,
                },
            };
            self.sounds[class][learning.sound].uses += 1.0;
            self.learning[class] = Some(learning);
        }
        self.waiting[class] = None;
        self.render(bank);
    }

    /// The sound of a drum that is used least, forgotten.
    fn make_room(&mut self, class: usize) -> usize {
        let sounds = &mut self.sounds[class];
        let least = (0..SOUNDS)
            .min_by(|&a, &b| sounds[a].uses.total_cmp(&sounds[b].uses))
            .unwrap_or(0);
        if sounds[least].uses > 0.0 {
            for sound in sounds.iter_mut() {
                sound.uses *= FORGETTING;
            }
        }
        sounds[least].forget();
        self.voices.stop(class, least);
        least
    }

    /// Compares what is predicted with the frame that `overlap_add` has analysed, and
    /// leaves there what is not; drums that are not `enabled` are not predicted.
    /// Real-time safe.
    pub fn predict(
        &mut self,
        masks: &BandMasks,
        enabled: &[bool; DRUM_COUNT],
        overlap_add: &mut OverlapAdd,
    ) {
        if self
            .spectra
            .transform(&self.predicted, enabled, overlap_add)
        {
            let (frame, map) = overlap_add.frame();
            self.spectra.settle(frame, map, masks);
            for drum in 0..DRUM_COUNT {
                if let Some(used) = self.spectra.used(drum) {
                    overlap_add.subtract(used);
                }
            }
        }
    }

    /// The part of the frame that `drum` is predicted to be, per channel; none if it is
    /// not. Real-time safe.
    pub fn used(&self, drum: usize) -> Option<&[Vec<Complex32>; 2]> {
        self.spectra.used(drum)
    }

    /// Learns from the hop of all drums that is finished now and begins where the last
    /// frame did. Real-time safe.
    pub fn learn(&mut self, stems: &[[Vec<f32>; 2]]) {
        if self.is_frozen {
            return;
        }
        let hop = self.hop;
        let start = self.predicted.start;
        let first = start - ((SURPLUS_HOPS - 1) * hop) as i64;
        for (drum, stems) in stems.iter().enumerate() {
            for (channel, stem) in stems.iter().enumerate() {
                let surplus = &mut self.surplus[drum][channel];
                surplus.copy_within(hop.., 0);
                let predicted = &self.predicted.signal(drum, channel)[..hop];
                let new = &mut surplus[(SURPLUS_HOPS - 1) * hop..];
                for ((new, stem), predicted) in new.iter_mut().zip(stem).zip(predicted) {
                    *new = stem - predicted;
                }
            }
            let Some(learning) = &mut self.learning[drum] else {
                continue;
            };
            let place = learning.place;
            while place.span((learning.part + 1) * hop).end <= start + hop as i64 {
                self.sounds[drum][learning.sound].learn(
                    learning.part,
                    (learning.gain, learning.weight),
                    &place,
                    &self.surplus[drum],
                    first,
                    &mut self.room,
                );
                learning.part += 1;
            }
        }
    }
}

impl Found {
    fn likeness(&self) -> f32 {
        self.matched.likeness
    }
}

/// Takes the hit out of `open` whose sound is found best.
fn take_likest(open: &mut [Option<(RepeatHit, Found)>]) -> Option<(RepeatHit, Found)> {
    let likeness = |open: &Option<(RepeatHit, Found)>| {
        open.map_or(f32::NEG_INFINITY, |(_, found)| found.likeness())
    };
    let best = open
        .iter_mut()
        .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))?;
    best.take()
}

#[cfg(test)]
mod tests;
