//! Sequencer by sparse convolution: every onset starts a voice that adds the
//! scaled one-shot, which is the convolution of the onset train with the
//! one-shot (IDM, section on the sequencer) at a fraction of its cost.

use std::{
    f32::consts::{FRAC_PI_4, SQRT_2},
    ops::Range,
    sync::Arc,
};

use super::{Bank, DrumSound, OneShot, OwnSounds, interpolation};
use crate::drum::{DRUM_COUNT, Drum};

mod voice;

use voice::Voice;
pub use voice::struck;

/// Voices that sound at once over all drums.
pub const MAX_VOICES: usize = 96;
/// Banks in use at once: the newest and those whose voices still sound.
const BANK_SLOTS: usize = 6;
/// Sets of own sounds in use at once.
const OWN_SLOTS: usize = 4;
/// Fade of a choked or stolen voice.
const CHOKE_S: f32 = 0.008;

/// Voices of a drum that sound at once; the oldest fades out for a new one. The wash of a
/// ride that is struck eight times a second is that of two seconds.
const fn max_voices(drum: Drum) -> usize {
    match drum {
        Drum::OpenHat | Drum::Crash | Drum::Ride => 16,
        _ => 6,
    }
}

/// A voice to start.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StartVoice {
    /// Which one-shot.
    pub drum: Drum,
    /// Which of its layers, from soft to loud; too high a number is the last.
    pub layer: usize,
    /// Factor on the one-shot.
    pub amplitude: f32,
    /// Pitch shift by resampling.
    pub tune_semitones: f32,
    /// 0.05 (a click) to 1 (natural length).
    pub decay: f32,
    /// Samples by which it should have started earlier: it is played from there on.
    pub late_samples: u32,
}

/// Where a voice's sound is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Bank(usize),
    Own(usize),
}

/// Plays one-shots of the newest bank, or the user's own where there are some.
/// Voices that already sound keep theirs.
#[derive(Debug)]
pub struct Voices {
    sample_rate_hz: f32,
    banks: [Option<Arc<Bank>>; BANK_SLOTS],
    newest: usize,
    own: [Option<Arc<OwnSounds>>; OWN_SLOTS],
    newest_own: usize,
    voices: [Option<Voice>; MAX_VOICES],
}

impl Voices {
    /// No voice sounds at first. Allocates.
    pub fn new(sample_rate_hz: f64, bank: Arc<Bank>) -> Voices {
        interpolation::prepare();
        Voices {
            sample_rate_hz: sample_rate_hz as f32,
            banks: [Some(bank), None, None, None, None, None],
            newest: 0,
            own: [const { None }; OWN_SLOTS],
            newest_own: 0,
            voices: [None; MAX_VOICES],
        }
    }

    /// The bank that new voices play. Real-time safe.
    pub fn bank(&self) -> Option<&Arc<Bank>> {
        self.banks[self.newest].as_ref()
    }

    /// Whether no voice sounds. Real-time safe.
    pub fn is_idle(&self) -> bool {
        self.voices.iter().all(Option::is_none)
    }

    /// Stops everything at once. Real-time safe.
    pub fn reset(&mut self) {
        self.voices = [None; MAX_VOICES];
    }

    /// Makes `bank` the one that new voices play. A bank that no voice plays
    /// any more is handed back in exchange so that the caller can free it
    /// elsewhere. Gives `bank` itself back if all slots still sound (try again
    /// later). Real-time safe.
    ///
    /// # Errors
    /// The bank, if no slot is free.
    pub fn swap_bank(&mut self, bank: Arc<Bank>) -> Result<Option<Arc<Bank>>, Arc<Bank>> {
        if self.bank().is_some_and(|newest| Arc::ptr_eq(newest, &bank)) {
            return Ok(None);
        }
        let free =
            (0..BANK_SLOTS).find(|&slot| slot != self.newest && !self.plays(Source::Bank(slot)));
        match free {
            Some(slot) => {
                self.newest = slot;
                Ok(self.banks[slot].replace(bank))
            }
            None => Err(bank),
        }
    }

    /// Makes `own` the sounds that new voices play in place of the bank's. False if
    /// all slots still sound (try again later). Real-time safe if the caller keeps a
    /// reference to each set until nobody else has one: then none is freed here.
    pub fn set_own(&mut self, own: &Arc<OwnSounds>) -> bool {
        let free =
            (0..OWN_SLOTS).find(|&slot| slot != self.newest_own && !self.plays(Source::Own(slot)));
        if let Some(slot) = free {
            self.newest_own = slot;
            self.own[slot] = Some(own.clone());
        }
        free.is_some()
    }

    fn plays(&self, source: Source) -> bool {
        let mut voices = self.voices.iter().flatten();
        voices.any(|voice| voice.source == source)
    }

    /// Where the sound of a new voice of `drum` is.
    fn source_of(&self, drum: Drum) -> Source {
        let own = self.own[self.newest_own].as_ref();
        match own.and_then(|own| own.sound(drum)) {
            Some(_) => Source::Own(self.newest_own),
            None => Source::Bank(self.newest),
        }
    }

    fn sound_at(&self, source: Source, drum: Drum) -> Option<&DrumSound> {
        match source {
            Source::Bank(slot) => self.banks[slot].as_ref().map(|bank| bank.sound(drum)),
            Source::Own(slot) => self.own[slot].as_ref().and_then(|own| own.sound(drum)),
        }
    }

    /// The sound that new voices of `drum` play. Real-time safe.
    pub fn sound(&self, drum: Drum) -> Option<&DrumSound> {
        self.sound_at(self.source_of(drum), drum)
    }

    /// What was learnt of `drum`, whether it is played or not. Real-time safe.
    pub fn learnt(&self, drum: Drum) -> Option<&DrumSound> {
        let sound = self.bank()?.sound(drum);
        (sound.evidence.hits > 0).then_some(sound)
    }

    /// Starts a voice with the next sample that is rendered; it chokes the drums that
    /// `start.drum` chokes. Real-time safe.
    pub fn start(&mut self, start: StartVoice) {
        for choked in Drum::ALL {
            if choked.choked_by() == Some(start.drum) {
                self.release(choked);
            }
        }
        self.make_room(start.drum);
        let slot = self
            .voices
            .iter()
            .position(Option::is_none)
            .or_else(|| self.quietest());
        if let Some(slot) = slot {
            let source = self.source_of(start.drum);
            let balance = self.balance_of(start.drum, source, start.layer);
            self.voices[slot] = Some(Voice::new(&start, source, balance, self.sample_rate_hz));
        }
    }

    /// A mono sample of the user's own stands where the drum does, by the law of constant
    /// power; other sounds have their own place.
    fn balance_of(&self, drum: Drum, source: Source, layer: usize) -> [f32; 2] {
        let is_mono = self.sound_at(source, drum).is_some_and(|sound| {
            let one_shot = &sound.layers[layer.min(sound.layers.len() - 1)].one_shot;
            one_shot.channels().len() == 1
        });
        let pan = self.learnt(drum).map_or(0.0, |sound| sound.evidence.pan);
        match source {
            Source::Own(_) if is_mono && pan != 0.0 => {
                let angle = (pan.clamp(-1.0, 1.0) + 1.0) * FRAC_PI_4;
                [SQRT_2 * angle.cos(), SQRT_2 * angle.sin()]
            }
            _ => [1.0; 2],
        }
    }

    /// Fades all voices of `drum` from the next sample on. Real-time safe.
    pub fn release(&mut self, drum: Drum) {
        let release = 1.0 / (CHOKE_S * self.sample_rate_hz);
        for voice in self.voices.iter_mut().flatten() {
            if voice.drum == drum && voice.release == 0.0 {
                voice.release = release;
            }
        }
    }

    /// Fades the oldest voice of `drum` when too many sound.
    fn make_room(&mut self, drum: Drum) {
        let release = 1.0 / (CHOKE_S * self.sample_rate_hz);
        let held = |voice: &&mut Voice| voice.drum == drum && voice.release == 0.0;
        let voices = &mut self.voices;
        if voices.iter_mut().flatten().filter(held).count() >= max_voices(drum)
            && let Some(oldest) = voices
                .iter_mut()
                .flatten()
                .filter(held)
                .max_by(|a, b| (a.position / a.step).total_cmp(&(b.position / b.step)))
        {
            oldest.release = release;
        }
    }

    fn quietest(&self) -> Option<usize> {
        (0..MAX_VOICES).min_by(|&a, &b| {
            let level = |slot: usize| {
                self.voices[slot].map_or(0.0, |voice: Voice| voice.amplitude * voice.fade)
            };
            level(a).total_cmp(&level(b))
        })
    }

    /// Adds the next samples of every voice, as many as `span` has, to `span` of the left
    /// and right channel of its drum in `output`; voices of drums that are not `heard` only
    /// go on. A voice leaves with its last sample, not later: the result does not depend on
    /// how a stretch of time is divided into calls. Real-time safe.
    pub fn render(
        &mut self,
        span: Range<usize>,
        heard: &[bool; DRUM_COUNT],
        output: &mut [[Vec<f32>; 2]; DRUM_COUNT],
    ) {
        for index in 0..MAX_VOICES {
            let Some(mut voice) = self.voices[index] else {
                continue;
            };
            let Some(sound) = self.sound_at(voice.source, voice.drum) else {
                self.voices[index] = None;
                continue;
            };
            let layers = &sound.layers;
            let one_shot = &layers[voice.layer.min(layers.len() - 1)].one_shot;
            let output = &mut output[voice.drum.index()];
            voice.render(one_shot, span.clone(), heard[voice.drum.index()], output);
            self.voices[index] = (!voice.has_ended(one_shot.frames())).then_some(voice);
        }
    }
}

#[cfg(test)]
mod tests;
