//! The additive model: every hit adds its drum's template to the spectrogram.
//!
//! This is IDM's analysis by synthesis in the bands of the front end. The gains of
//! new hits are fitted to the mixture over the look-ahead; the templates begin as
//! those of the one-shot bank and follow the kit that is heard.

mod adaptation;
mod ending;

use super::gain_fit::{GainFit, MAX_FIT_FRAMES, MAX_FITTED};
use crate::{
    drum::{DRUM_COUNT, Drum},
    front_end::BAND_COUNT,
    one_shots::{Bank, MAX_TEMPLATE_FRAMES, PRE_FRAMES, Template},
};

/// Hits that sound at once in the model.
const MAX_SPECTRAL_VOICES: usize = 48;
/// Frames of observed power that are kept.
const HISTORY_FRAMES: u64 = 64;
/// Frames after the onset that a fit may use.
const FIT_AHEAD: u64 = 6;
/// Hits that began at most so many frames ago are fitted again with new ones.
const YOUNG_FRAMES: f64 = FIT_AHEAD as f64;
/// Hits from which on a template is the heard kit's and no bank replaces it.
const ENOUGH_HITS: f32 = 2.0;
/// Power factor per frame of a choked hat.
const CHOKE_FACTOR: f32 = 0.3;

/// A hit whose gain is wanted.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FitCandidate {
    /// Its class.
    pub drum: Drum,
    /// Onset in frames: the position on the frame axis, fractions included.
    pub onset_frame: f64,
    /// The network's activation.
    pub posterior: f32,
    /// Whether the template may learn from this hit.
    pub trusted: bool,
}

#[derive(Debug, Clone, Copy)]
struct SpectralVoice {
    drum: Drum,
    onset_frame: f64,
    gain: f32,
    choked: bool,
    /// Power left after choking.
    hold: f32,
    trusted: bool,
    certainty: f32,
    /// Power that it had in the last frame; no limit until it has begun in earnest.
    power: f32,
}

impl SpectralVoice {
    fn new(hit: &FitCandidate, gain: f32) -> SpectralVoice {
        SpectralVoice {
            drum: hit.drum,
            onset_frame: hit.onset_frame,
            gain,
            choked: false,
            hold: 1.0,
            trusted: hit.trusted,
            certainty: hit.posterior,
            power: f32::INFINITY,
        }
    }
}

/// What the model says of a frame.
#[derive(Debug, Clone)]
pub struct Prediction {
    /// Power of each class per band.
    pub power: Box<[[f32; BAND_COUNT]; DRUM_COUNT]>,
    /// How sure the hits of each class are that sound, by power.
    pub certainty: [f32; DRUM_COUNT],
}

impl Default for Prediction {
    fn default() -> Self {
        Prediction {
            power: Box::new([[0.0; BAND_COUNT]; DRUM_COUNT]),
            certainty: [0.0; DRUM_COUNT],
        }
    }
}

impl Prediction {
    /// Nothing sounds. Real-time safe.
    pub fn clear(&mut self) {
        self.power.fill([0.0; BAND_COUNT]);
        self.certainty = [0.0; DRUM_COUNT];
    }
}

/// Additive model of the recent spectrogram. Real-time safe after construction.
#[derive(Debug)]
pub struct Explainer {
    templates: Vec<Vec<[f32; BAND_COUNT]>>,
    lengths: [usize; DRUM_COUNT],
    /// Hits that each template has learnt from.
    evidence: [f32; DRUM_COUNT],
    voices: [Option<SpectralVoice>; MAX_SPECTRAL_VOICES],
    history: Vec<[f32; BAND_COUNT]>,
    newest: u64,
    low_bands: usize,
    bright_from: usize,
    fit: GainFit,
}

impl Explainer {
    /// Power below which nothing is explained: −100 dB.
    pub const FLOOR_POWER: f32 = 1e-10;

    /// A model with the templates of `bank`. Allocates.
    pub fn new(bank: &Bank) -> Explainer {
        let mut explainer = Explainer {
            templates: vec![vec![[0.0; BAND_COUNT]; MAX_TEMPLATE_FRAMES]; DRUM_COUNT],
            lengths: [0; DRUM_COUNT],
            evidence: [0.0; DRUM_COUNT],
            voices: [None; MAX_SPECTRAL_VOICES],
            history: vec![[0.0; BAND_COUNT]; HISTORY_FRAMES as usize],
            newest: 0,
            low_bands: ending::low_bands(),
            bright_from: ending::bright_from(),
            fit: GainFit::default(),
        };
        for drum in Drum::ALL {
            explainer.set_template(drum, bank.template(drum));
        }
        explainer
    }

    /// Takes `template` for `drum`, unless the model has learnt its own from enough hits.
    /// Copies up to 270 kB. Real-time safe.
    pub fn set_template(&mut self, drum: Drum, template: &Template) {
        let class = drum.index();
        if self.evidence[class] >= ENOUGH_HITS {
            return;
        }
        let frames = template.frames();
        self.templates[class][..frames.len()].copy_from_slice(frames);
        self.lengths[class] = frames.len();
    }

    /// Hits that the template of each class has learnt from. Real-time safe.
    pub fn evidence(&self) -> &[f32; DRUM_COUNT] {
        &self.evidence
    }

    /// Forgets all sounding hits and the history; keeps what was learnt.
    /// Real-time safe.
    pub fn reset(&mut self) {
        self.voices = [None; MAX_SPECTRAL_VOICES];
        self.history.fill([0.0; BAND_COUNT]);
        self.newest = 0;
    }

    /// Forgets what was learnt: the next [`Explainer::set_template`] of each
    /// drum takes effect. Real-time safe.
    pub fn forget(&mut self) {
        self.evidence = [0.0; DRUM_COUNT];
    }

    /// Power of a hit of `drum` at amplitude 1 in its loudest early frame.
    /// Real-time safe.
    pub fn peak_power(&self, drum: Drum) -> f32 {
        let length = self.lengths[drum.index()].min(PRE_FRAMES + 8);
        let frames = self.templates[drum.index()][..length].iter();
        frames
            .map(|frame| frame.iter().sum())
            .fold(0.0, |peak: f32, power| peak.max(power))
    }

    /// Power of the drum's sound over its first frame, the first two, and so on, beginning
    /// [`PRE_FRAMES`] before the onset. Real-time safe.
    pub fn shape<const COUNT: usize>(&self, drum: Drum) -> [f32; COUNT] {
        let frames = &self.templates[drum.index()][..self.lengths[drum.index()]];
        let mut sum = 0.0;
        std::array::from_fn(|index| {
            sum += frames.get(index).map_or(0.0, |f| f.iter().sum::<f32>());
            sum
        })
    }

    /// Takes the observed power of frame `frame` (frames come in order).
    /// Real-time safe.
    pub fn observe(&mut self, frame: u64, power: &[f32; BAND_COUNT]) {
        self.history[(frame % HISTORY_FRAMES) as usize] = *power;
        self.newest = frame;
    }

    /// Observed power of a recent frame. Real-time safe.
    pub fn observed(&self, frame: u64) -> &[f32; BAND_COUNT] {
        &self.history[(frame % HISTORY_FRAMES) as usize]
    }

    /// Adds hits that begin near frame `frame` to the model, with gains fitted
    /// to the frames from just before the onset to as far as is known, together
    /// with those of hits that began only just before: these were fitted as if
    /// they were alone. Writes the amplitude (root of the power gain) of each to
    /// `amplitudes`. Real-time safe.
    pub fn begin(&mut self, frame: u64, candidates: &[FitCandidate], amplitudes: &mut [f32]) {
        let count = candidates.len().min(amplitudes.len()).min(DRUM_COUNT);
        if count == 0 {
            return;
        }
        // Hits that have just begun were fitted without knowing of these.
        let mut young = [None; MAX_FITTED];
        let mut fitted = count;
        let mut first = frame.saturating_sub(1);
        for (slot, voice) in self.voices.iter().enumerate() {
            if let Some(voice) = voice
                && !voice.choked
                && voice.onset_frame + YOUNG_FRAMES >= frame as f64
                && fitted < MAX_FITTED
            {
                young[fitted] = Some(slot);
                fitted += 1;
                first = first.min((voice.onset_frame as u64).saturating_sub(1));
            }
        }
        let mut gains = [0.0; MAX_FITTED];
        let mut posteriors = [0.5; MAX_FITTED];
        let mut hits = [None; MAX_FITTED];
        for (place, hit) in candidates[..count].iter().enumerate() {
            hits[place] = Some(SpectralVoice::new(hit, 1.0));
            posteriors[place] = hit.posterior;
        }
        for (place, slot) in young.iter().enumerate() {
            if let Some(voice) = slot.and_then(|slot: usize| self.voices[slot].take()) {
                gains[place] = voice.gain.max(1e-9);
                posteriors[place] = voice.certainty;
                hits[place] = Some(SpectralVoice { gain: 1.0, ..voice });
            }
        }
        let last = (frame + FIT_AHEAD).min(self.newest);
        let first = first.max((last + 1).saturating_sub(MAX_FIT_FRAMES as u64));
        self.set_up_fit(first, last, &hits);
        self.fit.solve(&posteriors[..fitted], &mut gains[..fitted]);
        for (voice, gain) in hits.iter_mut().zip(&gains) {
            if let Some(voice) = voice {
                voice.gain = *gain;
            }
        }
        // Young hits go back to their slots before new ones look for free ones.
        for (slot, voice) in young.iter().zip(&hits) {
            if let Some(slot) = *slot {
                self.voices[slot] = *voice;
            }
        }
        for (amplitude, voice) in amplitudes.iter_mut().zip(hits[..count].iter().flatten()) {
            *amplitude = voice.gain.sqrt();
            self.add(*voice);
        }
    }

    /// Fills the fit with the frames `first..=last`: what is observed, what the
    /// voices explain, and what each of `hits` adds at gain 1.
    fn set_up_fit(&mut self, first: u64, last: u64, hits: &[Option<SpectralVoice>; MAX_FITTED]) {
        self.fit.frames = (last + 1 - first) as usize;
        for (index, at) in (first..=last).enumerate() {
            self.fit.observed[index] = *self.observed(at);
            let mut explained = [Self::FLOOR_POWER; BAND_COUNT];
            for voice in self.voices.iter().flatten() {
                self.add_voice(voice, at, &mut explained);
            }
            self.fit.explained[index] = explained;
            for (place, hit) in hits.iter().enumerate() {
                if let Some(hit) = hit {
                    let mut power = [0.0; BAND_COUNT];
                    self.add_voice(hit, at, &mut power);
                    self.fit.templates[place][index] = power;
                }
            }
        }
    }

    /// The final word on the newest hit of `drum`: how sure it is with the evidence,
    /// and whether the template may learn from it; only then it chokes. Real-time safe.
    pub fn judge(&mut self, drum: Drum, certainty: f32, trusted: bool) {
        let voices = self.voices.iter_mut().flatten();
        let newest = voices
            .filter(|voice| voice.drum == drum)
            .max_by(|a, b| a.onset_frame.total_cmp(&b.onset_frame));
        let Some(voice) = newest else {
            return;
        };
        voice.certainty = certainty;
        voice.trusted = trusted;
        // Only now: most candidates are none, and would silence what rings on. What was
        // struck with it is not choked.
        let before = voice.onset_frame - 1.0;
        if trusted {
            for voice in self.voices.iter_mut().flatten() {
                let is_before = voice.onset_frame < before;
                voice.choked |= voice.drum.choked_by() == Some(drum) && is_before;
            }
        }
    }

    /// Adds a voice, if need be in place of the one that is heard least.
    fn add(&mut self, voice: SpectralVoice) {
        let slot = self
            .voices
            .iter()
            .position(Option::is_none)
            .unwrap_or_else(|| {
                let power = |slot: &usize| self.voices[*slot].map_or(0.0, |voice| voice.power);
                (0..MAX_SPECTRAL_VOICES)
                    .min_by(|a, b| power(a).total_cmp(&power(b)))
                    .unwrap_or(0)
            });
        self.voices[slot] = Some(voice);
    }

    /// Position of `voice` in its template at `frame`: index and share of the
    /// next frame.
    fn position(&self, voice: &SpectralVoice, frame: u64) -> Option<(isize, f32)> {
        let position = frame as f64 - voice.onset_frame + PRE_FRAMES as f64;
        let lower = position.floor();
        (lower >= -1.0 && lower < self.lengths[voice.drum.index()] as f64)
            .then_some((lower as isize, (position - lower) as f32))
    }

    fn add_voice(&self, voice: &SpectralVoice, frame: u64, power: &mut [f32; BAND_COUNT]) {
        let Some((lower, share)) = self.position(voice, frame) else {
            return;
        };
        let class = voice.drum.index();
        let template = &self.templates[class][..self.lengths[class]];
        let gain = voice.gain * voice.hold;
        for (index, weight) in [(lower, 1.0 - share), (lower + 1, share)] {
            let frame = usize::try_from(index)
                .ok()
                .and_then(|index| template.get(index));
            if let Some(frame) = frame {
                for (sum, value) in power.iter_mut().zip(frame) {
                    *sum += gain * weight * value;
                }
            }
        }
    }

    /// Predicts frame `frame`; also ends hits whose template is over. Call once
    /// per frame, in order. Real-time safe.
    pub fn predict(&mut self, frame: u64, prediction: &mut Prediction) {
        prediction.clear();
        let mut totals = [1e-20_f32; DRUM_COUNT];
        for slot in 0..MAX_SPECTRAL_VOICES {
            let Some(mut voice) = self.voices[slot] else {
                continue;
            };
            if voice.choked {
                voice.hold *= CHOKE_FACTOR;
            }
            let class = voice.drum.index();
            let length = self.lengths[class] as f64;
            let age = frame as f64 - voice.onset_frame + PRE_FRAMES as f64;
            if age >= length || voice.hold < 1e-8 {
                self.voices[slot] = None;
                continue;
            }
            let mut own = [0.0; BAND_COUNT];
            self.add_voice(&voice, frame, &mut own);
            for (sum, power) in prediction.power[class].iter_mut().zip(&own) {
                *sum += power;
            }
            let power = band_sum(&own);
            totals[class] += power;
            prediction.certainty[class] += voice.certainty * power;
            // Templates begin before their onset, and cymbals swell.
            if frame as f64 > voice.onset_frame + YOUNG_FRAMES {
                voice.power = power;
            }
            self.voices[slot] = Some(voice);
        }
        for (certainty, total) in prediction.certainty.iter_mut().zip(&totals) {
            *certainty /= total;
        }
    }
}

/// Sum over all bands, in lanes: fast, and the same everywhere. Real-time safe.
fn band_sum(bands: &[f32; BAND_COUNT]) -> f32 {
    const LANES: usize = 16;
    let mut sums = [0.0; LANES];
    for bands in bands.as_chunks::<LANES>().0 {
        for (sum, band) in sums.iter_mut().zip(bands) {
            *sum += band;
        }
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests;
