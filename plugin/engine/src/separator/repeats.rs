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
mod finder;
mod lessons;
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
    one_shots::DrumSound,
    transcriber::Recognition,
};
pub use finder::RepeatHit;
use finder::{Finder, Found, take_likest};
use lessons::{Lesson, Lessons};
use place::Place;
use sound::Sound;
use spectra::Spectra;
use voice::{Predicted, Voices};

/// Sounds per drum: strokes that differ, and mistakes that pass.
pub const SOUNDS: usize = 3;
/// Longest prediction; crashes ring on without.
const LONGEST_S: f64 = 1.2;
/// A sound begins this much before its hit's announced onset, which may be late.
const LEAD_S: f64 = 0.004;
/// Likeness from which a sound is played for a hit, and for one that is in doubt.
const LIKE: f32 = 0.4;
const LIKE_IF_DOUBTFUL: f32 = 0.5;
/// Activation below which nothing is looked for.
const LEAST_ACTIVATION: f32 = 0.1;
/// Gains relative to the hit that a sound was first heard in.
const GAINS: RangeInclusive<f32> = 0.01..=1000.0;
/// Factor on the uses of a drum's sounds when one is given up for a new one.
const FORGETTING: f32 = 0.9;
/// Hits that a kit's sound counts for, and how sure it must be.
const KIT_HITS: f32 = 2.0;
const LEAST_CONFIDENCE: f32 = 0.4;
/// Fade of a sound that is cut off.
const CHOKE_S: f64 = 0.008;

/// A hit that waits for its decision.
#[derive(Debug, Clone, Copy)]
struct Waiting {
    onset_sample: i64,
    found: Option<Found>,
    /// Likeness before other drums were taken off.
    alone: f32,
    is_playing: bool,
}

/// Predicts all drums. Real-time safe after construction.
#[derive(Debug)]
pub struct Repeats {
    lead: i64,
    finder: Finder,
    /// Per drum.
    sounds: Vec<[Sound; SOUNDS]>,
    voices: Voices,
    predicted: Predicted,
    spectra: Spectra,
    waiting: [Option<Waiting>; DRUM_COUNT],
    /// Sound, gain and likeness of the hits that were accepted last.
    accepted: [Option<(usize, f32, f32)>; DRUM_COUNT],
    lessons: Lessons,
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
        let finder = Finder::new(framing, heard_samples + lead);
        let parts = |drum: Drum| (drum.longest_s().min(LONGEST_S) * rate) as usize / hop;
        Repeats {
            lead: lead as i64,
            sounds: Drum::ALL
                .map(|drum| [(); SOUNDS].map(|()| Sound::new(&finder.matcher, hop, parts(drum))))
                .into(),
            voices: Voices::new(hop, (CHOKE_S * rate) as usize),
            predicted: Predicted::new(ahead_samples, hop),
            spectra: Spectra::new(overlap_add.window_samples() / 2 + 1),
            waiting: [None; DRUM_COUNT],
            accepted: [None; DRUM_COUNT],
            lessons: Lessons::new(hop),
            next_print: 0,
            finder,
        }
    }

    /// Forgets the sounds as well. Real-time safe.
    pub fn forget(&mut self) {
        self.rewind();
        for sound in self.sounds.iter_mut().flatten() {
            sound.forget();
        }
    }

    /// Begins with a sound of a kit, so that the drum's first hit is not the first that is
    /// heard: with number `sound` from the loudest on, if there is one and it was learnt well
    /// enough. Real-time safe.
    pub fn begin_with(&mut self, drum: Drum, sound: usize, kit: &DrumSound) {
        // A hit that came sooner teaches it already.
        if self.lessons.sound(drum.index(), usize::MAX) == Some(sound) {
            return;
        }
        let place = self.sounds[drum.index()].get_mut(sound);
        let layer = kit.layers.iter().rev().nth(sound);
        if let (Some(place), Some(layer)) = (place, layer)
            && kit.evidence.hits > 0
            && kit.evidence.confidence >= LEAST_CONFIDENCE
        {
            place.begin_with(&layer.one_shot, self.lead as usize, KIT_HITS);
        }
    }

    /// Forgets the input but keeps the sounds. Real-time safe.
    pub fn rewind(&mut self) {
        self.voices.clear();
        self.predicted.clear();
        self.spectra.clear();
        self.waiting = [None; DRUM_COUNT];
        self.accepted = [None; DRUM_COUNT];
        self.lessons.clear();
    }

    /// Goes on to the frame that begins at sample `start` of the input. Real-time safe.
    pub fn step(&mut self, start: i64) {
        self.predicted.step(start);
        self.render();
        // One fingerprint per hop, so that few are left to make when a hit comes.
        let compared = self.finder.matcher.compared();
        for _ in 0..DRUM_COUNT * SOUNDS {
            self.next_print = (self.next_print + 1) % (DRUM_COUNT * SOUNDS);
            let (drum, sound) = (self.next_print / SOUNDS, self.next_print % SOUNDS);
            let known = &mut self.sounds[drum][sound];
            if known.is_stale() && self.lessons.sound(drum, compared) != Some(sound) {
                known.refresh(&mut self.finder.matcher);
                break;
            }
        }
    }

    fn render(&mut self) {
        self.voices.render(&self.sounds, &mut self.predicted);
    }

    /// Looks for known sounds in the hits of a frame; `history` is the input that ends
    /// before sample `end`. Real-time safe.
    pub fn begin(&mut self, hits: &[RepeatHit], history: [&[f32]; 2], end: i64) {
        let lead = self.lead;
        let mut open: [Option<(RepeatHit, Found)>; DRUM_COUNT] = [None; DRUM_COUNT];
        let looked_for = |hit: &&RepeatHit| hit.activation >= LEAST_ACTIVATION;
        for hit in hits {
            self.waiting[hit.drum.index()] = Some(Waiting {
                onset_sample: hit.onset_sample,
                found: None,
                alone: 0.0,
                is_playing: false,
            });
        }
        let begins = |hit: &RepeatHit| hit.onset_sample - lead;
        let Some(first) = hits.iter().filter(looked_for).map(begins).min() else {
            return;
        };
        self.finder.listen(first, history, end, &self.predicted);
        for (hit, open) in hits.iter().filter(looked_for).zip(&mut open) {
            for sound in 0..SOUNDS {
                let known = &mut self.sounds[hit.drum.index()][sound];
                known.refresh(&mut self.finder.matcher);
                if let Some(found) = self.finder.find(begins(hit), sound, known.print())
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
        // The likest first; each of the others is compared once more, when its turn comes, with
        // what those before it have left: all of them each time would be too much work for
        // one frame.
        let mut is_less_left = false;
        while let Some((hit, found)) = take_likest(&mut open) {
            let drum = hit.drum.index();
            let print = self.sounds[drum][found.sound].print();
            let found = match is_less_left {
                true => self.finder.find(begins(&hit), found.sound, print),
                false => Some(found),
            };
            let Some(found) = found else {
                continue;
            };
            if let Some(waiting) = &mut self.waiting[drum] {
                waiting.found = Some(found);
            }
            let least = if hit.is_sure { LIKE } else { LIKE_IF_DOUBTFUL };
            if self.play(hit.drum, least) {
                let print = self.sounds[drum][found.sound].print();
                self.finder.matcher.subtract(print, &found.matched);
                is_less_left = true;
            }
        }
        self.render();
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
        true
    }

    fn is_playing(&self, class: usize) -> bool {
        self.waiting[class].is_some_and(|waiting| waiting.is_playing)
    }

    /// Ends what `drum` chokes, but for what was struck with it.
    fn choke(&mut self, drum: Drum, onset_sample: i64) {
        let struck_with_it = onset_sample - 2 * self.lead;
        for choked in Drum::ALL {
            if choked.choked_by() == Some(drum) {
                let span = (struck_with_it, onset_sample);
                let sounds = &self.sounds[choked.index()];
                self.voices
                    .choke(choked.index(), span, sounds, &mut self.predicted);
                self.lessons.end_before(choked.index(), struck_with_it);
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

    /// What became of the hit of `drum` that waits: its confidence if it is accepted. Gives
    /// the sample at which it begins if its sound is known, which many hits tell better
    /// than one. Real-time safe.
    pub fn decide(&mut self, drum: Drum, accepted: Option<f32>) -> Option<i64> {
        let class = drum.index();
        let is_known = accepted.is_some() && (self.is_playing(class) || self.play(drum, LIKE));
        let waiting = self.waiting[class].take()?;
        let confidence = accepted?;
        // Only now: most candidates are none, and would silence what rings on.
        self.choke(drum, waiting.onset_sample);
        let (sound, place, gain, likeness) = match waiting.found {
            Some(found) if is_known => {
                let matched = &found.matched;
                (found.sound, found.place, matched.gain, matched.likeness)
            }
            _ => {
                let begins = (waiting.onset_sample - self.lead) as f64;
                (self.make_room(class), Place::new(begins), 1.0, 0.0)
            }
        };
        self.accepted[class] = Some((sound, gain, likeness));
        let begins = place.at();
        let learnt = &mut self.sounds[class][sound];
        learnt.uses += 1.0;
        let onset = learnt.announce(waiting.onset_sample as f64 - begins);
        self.lessons
            .begin(class, Lesson::new(sound, place, gain, confidence));
        self.render();
        is_known.then_some((begins + onset).round() as i64)
    }

    /// What the `level` that was measured of the hit of `drum` accepted last becomes with
    /// what is known of its sound, and how like it is to that: 0 to 1. Real-time safe.
    pub fn settle_level(&mut self, drum: Drum, level: f32) -> (f32, f32) {
        let class = drum.index();
        let Some((sound, gain, likeness)) = self.accepted[class].take() else {
            return (level, 0.0);
        };
        let known = &mut self.sounds[class][sound];
        (known.settle_level(level, gain, likeness), likeness)
    }

    /// The sound of a drum that is used least, forgotten: one that is not heard now, if
    /// there is one.
    fn make_room(&mut self, class: usize) -> usize {
        let (sounds, voices) = (&mut self.sounds[class], &mut self.voices);
        let heard = |sound: usize| voices.play(class, sound);
        let least = (0..SOUNDS)
            .min_by(|&a, &b| {
                let uses = sounds[a].uses.total_cmp(&sounds[b].uses);
                heard(a).cmp(&heard(b)).then(uses)
            })
            .unwrap_or(0);
        if sounds[least].uses > 0.0 {
            for sound in sounds.iter_mut() {
                sound.uses *= FORGETTING;
            }
        }
        voices.stop(class, least, &sounds[least], &mut self.predicted);
        sounds[least].forget();
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
        for drum in (0..DRUM_COUNT).filter(|&drum| !enabled[drum]) {
            // Its silence is no lesson.
            self.lessons.end(drum);
        }
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

    /// Writes to `rest` how what is left after [`Repeats::predict`] is divided, where `masks`
    /// divide the whole: a drum that was predicted has little left in it. False if nothing
    /// was predicted. Real-time safe.
    pub fn divide_rest(&self, masks: &BandMasks, rest: &mut BandMasks) -> bool {
        self.spectra.divide_rest(masks, rest)
    }

    /// The part of the frame that `drum` is predicted to be, per channel; none if it is
    /// not. Real-time safe.
    pub fn used(&self, drum: usize) -> Option<&[Vec<Complex32>; 2]> {
        self.spectra.used(drum)
    }

    /// Learns from the hop of all drums that is finished now and begins where the last
    /// frame did. Real-time safe.
    pub fn learn(&mut self, stems: &[[Vec<f32>; 2]]) {
        self.lessons.hear(stems, &self.predicted, &mut self.sounds);
    }
}

#[cfg(test)]
mod tests;
