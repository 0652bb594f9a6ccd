//! The additive model: every hit adds its drum's template to the spectrogram.
//!
//! This is IDM's analysis by synthesis in the bands of the front end. The
//! templates begin as those of the one-shot bank and follow the kit that is
//! heard: each well-explained hit pulls the template towards its share of the
//! mixture (online non-negative deconvolution in the manner of Smaragdis 2004,
//! driven by onsets).

use super::gain_fit::{GainFit, MAX_FIT_FRAMES};
use crate::{
    drum::{DRUM_COUNT, Drum},
    front_end::BAND_COUNT,
    one_shots::{Bank, MAX_TEMPLATE_FRAMES, PRE_FRAMES},
};

/// Hits that sound at once in the model.
const MAX_SPECTRAL_VOICES: usize = 48;
/// Frames of observed power that are kept.
const HISTORY_FRAMES: u64 = 64;
/// Frames after the onset that a fit may use.
const FIT_AHEAD: u64 = (MAX_FIT_FRAMES - 2) as u64;
/// Power factor per frame of a choked hat.
const CHOKE_FACTOR: f32 = 0.3;
/// Evidence, in hits, that the bank's template counts for.
const PRIOR_HITS: f32 = 2.0;
/// Slowest rate at which a template follows.
const SLOWEST_RATE: f32 = 0.08;

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
            fit: GainFit::default(),
        };
        for drum in Drum::ALL {
            explainer.set_template(drum, bank);
        }
        explainer
    }

    /// Takes the template of `drum` from `bank`, unless the model has learnt
    /// it from enough hits. Copies up to 270 kB. Real-time safe.
    pub fn set_template(&mut self, drum: Drum, bank: &Bank) {
        let class = drum.index();
        if self.evidence[class] >= PRIOR_HITS {
            return;
        }
        let frames = bank.template(drum).frames();
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
    /// to the frames from just before the onset to as far as is known. Writes
    /// the amplitude (root of the power gain) of each to `amplitudes`.
    /// Real-time safe.
    pub fn begin(&mut self, frame: u64, candidates: &[FitCandidate], amplitudes: &mut [f32]) {
        let count = candidates.len().min(amplitudes.len()).min(DRUM_COUNT);
        if count == 0 {
            return;
        }
        let first = frame.saturating_sub(1);
        let last = (frame + FIT_AHEAD).min(self.newest);
        self.fit.frames = ((last + 1 - first) as usize).min(MAX_FIT_FRAMES);
        for index in 0..self.fit.frames {
            let at = first + index as u64;
            self.fit.observed[index] = *self.observed(at);
            let mut explained = [Self::FLOOR_POWER; BAND_COUNT];
            for voice in self.voices.iter().flatten() {
                self.add_voice(voice, at, &mut explained);
            }
            self.fit.explained[index] = explained;
            for (candidate, hit) in candidates.iter().enumerate().take(count) {
                let voice = SpectralVoice {
                    drum: hit.drum,
                    onset_frame: hit.onset_frame,
                    gain: 1.0,
                    choked: false,
                    hold: 1.0,
                    trusted: false,
                };
                let mut power = [0.0; BAND_COUNT];
                self.add_voice(&voice, at, &mut power);
                self.fit.templates[candidate][index] = power;
            }
        }
        let mut gains = [0.0; DRUM_COUNT];
        let mut posteriors = [0.5; DRUM_COUNT];
        for (posterior, hit) in posteriors.iter_mut().zip(candidates) {
            *posterior = hit.posterior;
        }
        self.fit.solve(&posteriors[..count], &mut gains[..count]);
        for (candidate, hit) in candidates.iter().enumerate().take(count) {
            amplitudes[candidate] = gains[candidate].sqrt();
            self.choke(hit.drum);
            self.add(SpectralVoice {
                drum: hit.drum,
                onset_frame: hit.onset_frame,
                gain: gains[candidate],
                choked: false,
                hold: 1.0,
                trusted: hit.trusted,
            });
        }
    }

    fn choke(&mut self, by: Drum) {
        for voice in self.voices.iter_mut().flatten() {
            voice.choked |= voice.drum.choked_by() == Some(by);
        }
    }

    fn add(&mut self, voice: SpectralVoice) {
        let slot = self
            .voices
            .iter()
            .position(Option::is_none)
            .unwrap_or_else(|| {
                let age = |slot: &usize| {
                    self.voices[*slot].map_or(f64::INFINITY, |voice| -voice.onset_frame)
                };
                (0..MAX_SPECTRAL_VOICES)
                    .max_by(|a, b| age(a).total_cmp(&age(b)))
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

    /// Power of each class at frame `frame`; also ends hits whose template is
    /// over. Call once per frame, in order. Real-time safe.
    pub fn predict(&mut self, frame: u64, predicted: &mut [[f32; BAND_COUNT]; DRUM_COUNT]) {
        for class in predicted.iter_mut() {
            class.fill(0.0);
        }
        for slot in 0..MAX_SPECTRAL_VOICES {
            let Some(mut voice) = self.voices[slot] else {
                continue;
            };
            if voice.choked {
                voice.hold *= CHOKE_FACTOR;
            }
            let length = self.lengths[voice.drum.index()] as f64;
            let age = frame as f64 - voice.onset_frame + PRE_FRAMES as f64;
            if age >= length || voice.hold < 1e-8 {
                self.voices[slot] = None;
                continue;
            }
            self.add_voice(&voice, frame, &mut predicted[voice.drum.index()]);
            self.voices[slot] = Some(voice);
        }
    }

    /// Lets templates learn from frame `frame`, for which `predicted` is what
    /// [`Explainer::predict`] said. Real-time safe.
    pub fn learn(&mut self, frame: u64, predicted: &[[f32; BAND_COUNT]; DRUM_COUNT]) {
        let observed = *self.observed(frame);
        let mut explained = [Self::FLOOR_POWER; BAND_COUNT];
        for class in predicted {
            for (sum, power) in explained.iter_mut().zip(class) {
                *sum += power;
            }
        }
        for slot in 0..MAX_SPECTRAL_VOICES {
            let Some(voice) = self.voices[slot] else {
                continue;
            };
            let class = voice.drum.index();
            let Some((lower, share)) = self.position(&voice, frame) else {
                continue;
            };
            let total: f32 = predicted[class].iter().sum();
            let heard: f32 = observed.iter().sum();
            if !voice.trusted || voice.choked || voice.gain < 1e-9 || total < 0.03 * heard {
                continue;
            }
            if lower == PRE_FRAMES as isize {
                self.evidence[class] += 1.0;
            }
            let rate = (1.0 / (PRIOR_HITS + self.evidence[class])).max(SLOWEST_RATE);
            let mut own = [0.0; BAND_COUNT];
            self.add_voice(&voice, frame, &mut own);
            let length = self.lengths[class];
            for band in 0..BAND_COUNT {
                let model = explained[band].max(observed[band]);
                let responsibility = own[band] / model;
                // Its share of what is heard; what the model leaves
                // unexplained is not taken for granted to be this drum's.
                let target = observed[band] * own[band] / explained[band] / voice.gain;
                let change = rate * responsibility * (target - own[band] / voice.gain);
                for (index, weight) in [(lower, 1.0 - share), (lower + 1, share)] {
                    if let Ok(index) = usize::try_from(index)
                        && index < length
                    {
                        let value = &mut self.templates[class][index][band];
                        *value = (*value + weight * change).max(0.0);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::one_shots::OneShot;

    fn bank(frequency: f32) -> Bank {
        let shots: Vec<_> = (0..DRUM_COUNT)
            .map(|drum| {
                let omega = frequency * (drum + 1) as f32;
                let samples = (0..8_192)
                    .map(|n| (n as f32 * omega).sin() * (-(n as f32) / 1_500.0).exp())
                    .collect();
                OneShot::new(44_100.0, vec![samples]).unwrap()
            })
            .collect();
        Bank::new(&shots, 44_100.0).unwrap()
    }

    fn observe_hit(explainer: &mut Explainer, bank: &Bank, drum: Drum, gain: f32, onset: u64) {
        for frame in 0..onset + 30 {
            let index = (frame + PRE_FRAMES as u64).checked_sub(onset);
            let mut power = [1e-9; BAND_COUNT];
            if let Some(template) =
                index.and_then(|index| bank.template(drum).frames().get(index as usize))
            {
                for (sum, value) in power.iter_mut().zip(template) {
                    *sum += gain * value;
                }
            }
            explainer.observe(frame, &power);
        }
    }

    fn candidate(drum: Drum, onset: u64) -> FitCandidate {
        FitCandidate {
            drum,
            onset_frame: onset as f64,
            posterior: 0.9,
            trusted: true,
        }
    }

    #[test]
    fn a_known_drum_is_explained_with_its_amplitude() {
        let bank = bank(0.03);
        let mut explainer = Explainer::new(&bank);
        observe_hit(&mut explainer, &bank, Drum::Snare, 0.04, 10);
        let mut amplitudes = [0.0; 2];
        let candidates = [candidate(Drum::Snare, 10), candidate(Drum::Crash, 10)];
        explainer.begin(10, &candidates, &mut amplitudes);
        assert!((amplitudes[0] / 0.2 - 1.0).abs() < 0.1, "{amplitudes:?}");
        assert!(amplitudes[1] < 0.05, "{amplitudes:?}");
    }

    #[test]
    fn templates_move_towards_the_kit_that_is_heard() {
        let (prior, truth) = (bank(0.03), bank(0.033));
        let mut explainer = Explainer::new(&prior);
        let distance = |explainer: &Explainer| -> f32 {
            let heard = &truth.template(Drum::Kick).frames()[PRE_FRAMES];
            let scale: f32 = heard.iter().sum();
            explainer.templates[0][PRE_FRAMES]
                .iter()
                .zip(heard)
                .map(|(a, b)| (a - b).abs() / scale)
                .sum()
        };
        let before = distance(&explainer);
        let mut predicted = [[0.0; BAND_COUNT]; DRUM_COUNT];
        for _ in 0..12 {
            explainer.reset();
            observe_hit(&mut explainer, &truth, Drum::Kick, 1.0, 10);
            explainer.begin(10, &[candidate(Drum::Kick, 10)], &mut [0.0]);
            for frame in 8..30 {
                explainer.predict(frame, &mut predicted);
                explainer.learn(frame, &predicted);
            }
        }
        let after = distance(&explainer);
        assert!(after < 0.8 * before, "{before} to {after}");
    }

    #[test]
    fn many_hits_stay_bounded() {
        let bank = bank(0.03);
        let mut explainer = Explainer::new(&bank);
        let mut predicted = [[0.0; BAND_COUNT]; DRUM_COUNT];
        for frame in 0..400 {
            explainer.observe(frame, &[1e-3; BAND_COUNT]);
            let hits = [candidate(Drum::Ride, frame), candidate(Drum::Kick, frame)];
            explainer.begin(frame, &hits, &mut [0.0; 2]);
            explainer.predict(frame, &mut predicted);
            assert!(predicted.iter().flatten().all(|power| power.is_finite()));
        }
    }
}
