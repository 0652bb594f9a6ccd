//! The strokes of one piece: treated samples, played and choked.

use std::collections::HashMap;

use super::{
    augment::Treatment,
    hybrid::Part,
    reshape::{Reshape, Touch},
    session::Instrument,
};
use crate::{
    dsp::{RATE_HZ, from_db},
    kits::{self, SAMPLE_RATE_HZ, SOUND_COUNT, Sound},
    performance::Event,
    random::Random,
    synth::VELOCITY_EXPONENT,
};

/// Treated hits of one piece, and how they end each other.
#[derive(Debug)]
pub(super) struct Voices {
    treatments: Vec<Treatment>,
    /// As many, or none.
    reshapes: Vec<Reshape>,
    /// As many, or none.
    touches: Vec<Touch>,
    /// Treated audio by the address of its sample and the treatment.
    treated: HashMap<(usize, usize), (Vec<f32>, f32)>,
    /// Steepness of the velocity curve.
    exponent: f32,
    choke_s: f32,
    /// Drum machines end a sound by its own next stroke.
    retrigger: bool,
}

impl Voices {
    /// `wildness` is the strength of treatments, `reshaping` that of what goes further.
    pub(super) fn draw(wildness: f32, reshaping: f32, random: &mut Random) -> Voices {
        // Hats share a treatment, as do toms, and rides with their bell.
        let mut treatments: Vec<Treatment> = (0..SOUND_COUNT * 2)
            .map(|_| Treatment::draw(wildness, random))
            .collect();
        let (mut reshapes, mut touches) = (Vec::new(), Vec::new());
        for (place, treatment) in treatments.iter_mut().enumerate() {
            let sound = Sound::ALL[place % SOUND_COUNT];
            *treatment = treatment.clone().ringing(least_decay_s(sound));
            // Pieces that are not reshaped draw nothing: held-out material stays as it was.
            if reshaping > 0.0 {
                reshapes.push(Reshape::draw(sound, reshaping, random));
                touches.push(Touch::draw(reshaping, random));
            }
        }
        Voices {
            treatments,
            reshapes,
            touches,
            treated: HashMap::new(),
            exponent: VELOCITY_EXPONENT * random.range(0.6, 1.2),
            choke_s: random.log_range(0.008, 0.05),
            retrigger: random.chance(0.2),
        }
    }

    /// Seconds after which the stroke is choked or cut, if at all.
    pub(super) fn end_of(&self, event: &Event, later: &[Event]) -> Option<f64> {
        let ends = |next: &&Event| {
            let choked = event.sound == Sound::OpenHat
                && matches!(next.sound, Sound::ClosedHat | Sound::PedalHat);
            choked || (self.retrigger && next.sound == event.sound)
        };
        later
            .iter()
            .find(ends)
            .map(|next| next.time_s - event.time_s)
    }

    pub(super) fn add(
        &mut self,
        stem: &mut [f32],
        instrument: &Instrument,
        event: &Event,
        at: usize,
        until_s: Option<f64>,
        random: &mut Random,
    ) {
        let shared = shared_treatment(event.sound);
        let layer = instrument.layer.as_ref();
        let first = (&instrument.source, 1.0, shared, Part::First);
        let second = layer.map(|layer| {
            (
                &layer.source,
                layer.share,
                SOUND_COUNT + shared,
                Part::Second,
            )
        });
        for (source, share, treatment, part) in std::iter::once(first).chain(second) {
            let Some(sample) = kits::choose(&source.samples, event.velocity, random) else {
                continue;
            };
            let key = (sample.audio.as_ptr().addr(), treatment);
            let (audio, onset) = self.treated.entry(key).or_insert_with(|| {
                // Sounds that share a treatment share the join, too.
                let (mut audio, mut onset) = self.treatments[treatment].apply(sample);
                if let Some(reshape) = self.reshapes.get(treatment) {
                    onset = reshape.apply(&mut audio, onset);
                }
                if let Some(layer) = layer {
                    layer.join.shape(part, &mut audio, onset);
                }
                (audio, onset)
            });
            let dynamics = event.velocity / sample.velocity.max(0.05);
            let touched = self
                .touches
                .get(treatment)
                .and_then(|touch| touch.apply(audio, dynamics, random));
            let audio = touched.as_ref().unwrap_or(audio);
            let gain = instrument.gain
                * source.normal
                * share
                * dynamics.powf(self.exponent)
                * from_db(0.4 * random.normal());
            add_voice(stem, audio, *onset, at, gain, until_s, self.choke_s);
        }
    }
}

/// Time constant below which a sound would no longer be what it is called.
fn least_decay_s(sound: Sound) -> f32 {
    match sound {
        Sound::ClosedHat | Sound::PedalHat | Sound::OpenHat => 0.15,
        Sound::Crash | Sound::Ride | Sound::RideBell => 0.15,
        _ => 0.0,
    }
}

/// Sounds of one instrument are treated alike, so that they stay in tune.
fn shared_treatment(sound: Sound) -> usize {
    match sound {
        Sound::PedalHat | Sound::OpenHat => Sound::ClosedHat,
        Sound::HighTom | Sound::MidTom => Sound::FloorTom,
        Sound::RideBell => Sound::Ride,
        other => other,
    }
    .index()
}

/// Adds `audio` so that its `onset` falls on `at`; after `until_s` it fades.
fn add_voice(
    stem: &mut [f32],
    audio: &[f32],
    onset: f32,
    at: usize,
    gain: f32,
    until_s: Option<f64>,
    choke_s: f32,
) {
    let onset = onset.round() as usize;
    // What lies before the start of the piece is cut.
    let skip = onset.saturating_sub(at);
    let start = (at + skip).saturating_sub(onset);
    let Some(audio) = audio.get(skip..) else {
        return;
    };
    let choke_at = until_s.map_or(usize::MAX, |until_s| {
        onset - skip.min(onset) + (until_s * SAMPLE_RATE_HZ) as usize
    });
    let shrink = (-1.0 / (choke_s * RATE_HZ)).exp();
    let mut gain = gain;
    for (n, (sum, sample)) in stem[start..].iter_mut().zip(audio).enumerate() {
        if n >= choke_at {
            gain *= shrink;
            if gain.abs() < 1e-7 {
                break;
            }
        }
        *sum += gain * sample;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cymbals_ring_however_pieces_are_changed() {
        for (seed, reshaping) in [(1, 0.0), (2, 1.0)] {
            let random = &mut Random::new(&[seed]);
            for _ in 0..40 {
                let voices = Voices::draw(1.0, reshaping, random);
                for sound in Sound::ALL {
                    let treatment = &voices.treatments[sound.index()];
                    let least_s = least_decay_s(sound);
                    assert!(treatment.shortest_decay_s() >= least_s, "{sound:?}");
                }
            }
        }
    }
}
