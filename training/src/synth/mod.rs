//! Our own drum synthesiser: a different kit for every seed.
//!
//! Every instrument is a physical sketch (modes, contact, noise) whose
//! constants are drawn over wide ranges, so that a few hundred kits cover what
//! recorded ones scatter over. A fresh clone trains on it alone.

mod membranes;
mod percussion;
mod plates;
mod sources;

use std::sync::Arc;

use membranes::SnareStroke;
use plates::{HatStroke, RideStroke};

use crate::{
    dsp::{Biquad, from_db},
    kits::{Kit, SOUND_COUNT, Sample, Sound, Split},
    random::Random,
};

/// One stroke on an instrument: how hard, and what chance adds.
#[derive(Debug)]
struct Stroke {
    /// 0..1.
    velocity: f32,
    /// How much duller soft strokes of this kit are.
    response: f32,
    /// Differences between equal strokes.
    change: Random,
}

impl Stroke {
    /// Extra loss per octave of a soft stroke, as an exponent.
    fn softness(&self) -> f32 {
        self.response * (1.0 - self.velocity)
    }

    /// Factor on what only hard strokes excite.
    fn brightness(&self) -> f32 {
        0.25 + 0.75 * self.velocity.powf(self.response)
    }

    /// A random gain with a deviation of `deviation_db`.
    fn vary_db(&mut self, deviation_db: f32) -> f32 {
        from_db(deviation_db * self.change.normal())
    }
}

/// Velocities and alternatives that are synthesised per sound. Long sounds
/// have fewer: they cost most and mask their differences.
fn layers(sound: Sound) -> (&'static [f32], usize) {
    match sound {
        Sound::Kick | Sound::Snare | Sound::ClosedHat => (&[0.3, 0.65, 1.0], 3),
        Sound::HighTom | Sound::MidTom | Sound::FloorTom => (&[0.35, 0.7, 1.0], 2),
        Sound::Ride => (&[0.4, 0.9], 2),
        Sound::OpenHat => (&[0.5, 1.0], 2),
        Sound::Crash => (&[0.6, 1.0], 1),
        Sound::RideBell => (&[0.8], 2),
        _ => (&[0.5, 1.0], 2),
    }
}

/// The instrument that a sound belongs to: its ways of playing share the draws.
fn instrument(sound: Sound) -> u64 {
    match sound {
        Sound::Snare | Sound::RimShot => 1,
        Sound::ClosedHat | Sound::PedalHat | Sound::OpenHat => 2,
        Sound::HighTom | Sound::MidTom | Sound::FloorTom => 3,
        Sound::Ride | Sound::RideBell => 4,
        other => 10 + other.index() as u64,
    }
}

/// All hits of one `sound` of the kit named by `seed`, sorted by velocity, each
/// beginning at its first sample. The same for the same arguments. Allocates.
pub fn samples(seed: u64, sound: Sound) -> Vec<Sample> {
    let mut style = Random::new(&[seed, 100]);
    // Kits are acoustic, electronic or mixed.
    let electronic_share = *style.pick(&[0.0, 0.0, 0.4, 1.0]).unwrap_or(&0.0);
    let response = style.range(0.3, 1.3);
    let mut instrument_style = Random::new(&[seed, 101, instrument(sound)]);
    let electronic = instrument_style.chance(electronic_share);
    let tone = tone(&mut instrument_style);
    let (velocities, alternatives) = layers(sound);
    let mut hits = Vec::new();
    for (layer, &velocity) in velocities.iter().enumerate() {
        for alternative in 0..alternatives {
            let kit = Random::new(&[seed, instrument(sound)]);
            let mut stroke = Stroke {
                velocity,
                response,
                change: Random::new(&[
                    seed,
                    sound.index() as u64,
                    layer as u64,
                    alternative as u64,
                ]),
            };
            let mut audio = strike(sound, kit, &mut stroke, electronic);
            for filter in tone {
                filter.run(&mut audio);
            }
            trim(&mut audio);
            hits.push((velocity, audio));
        }
    }
    normalise(&mut hits);
    hits.into_iter()
        .map(|(velocity, audio)| Sample {
            audio: Arc::from(audio),
            onset: 0.0,
            velocity,
            is_alternate: false,
        })
        .collect()
}

/// The whole kit named by `seed`. Allocates; takes about a fifth of a second.
pub fn kit(seed: u64, split: Split) -> Kit {
    let mut sounds = [const { Vec::new() }; SOUND_COUNT];
    for sound in Sound::ALL {
        sounds[sound.index()] = samples(seed, sound);
    }
    Kit {
        name: format!("procedural-{seed}"),
        split,
        kind: "procedural".to_owned(),
        sounds,
    }
}

fn strike(sound: Sound, mut kit: Random, stroke: &mut Stroke, electronic: bool) -> Vec<f32> {
    let kit = &mut kit;
    match sound {
        Sound::Kick => membranes::kick(kit, stroke, electronic),
        Sound::Snare => membranes::snare(kit, stroke, electronic, SnareStroke::Head),
        Sound::RimShot => membranes::snare(kit, stroke, electronic, SnareStroke::Rim),
        Sound::SideStick => membranes::side_stick(kit, stroke),
        Sound::ClosedHat => plates::hat(kit, stroke, electronic, HatStroke::Closed),
        Sound::PedalHat => plates::hat(kit, stroke, electronic, HatStroke::Pedal),
        Sound::OpenHat => plates::hat(kit, stroke, electronic, HatStroke::Open),
        Sound::HighTom => membranes::tom(kit, stroke, electronic, 0),
        Sound::MidTom => membranes::tom(kit, stroke, electronic, 1),
        Sound::FloorTom => membranes::tom(kit, stroke, electronic, 2),
        Sound::Crash => plates::crash(kit, stroke, electronic),
        Sound::Ride => plates::ride(kit, stroke, electronic, RideStroke::Bow),
        Sound::RideBell => plates::ride(kit, stroke, electronic, RideStroke::Bell),
        Sound::Clap => percussion::clap(kit, stroke),
        Sound::Cowbell => percussion::cowbell(kit, stroke, electronic),
        Sound::Tambourine => percussion::tambourine(kit, stroke),
        Sound::Shaker => percussion::shaker(kit, stroke),
    }
}

/// The microphone: a gentle random colour of the instrument.
fn tone(random: &mut Random) -> [Biquad; 2] {
    [
        Biquad::peak(
            random.log_range(150.0, 9_000.0),
            random.range(0.5, 2.5),
            4.0 * random.normal(),
        ),
        Biquad::high_shelf(random.log_range(2_000.0, 9_000.0), 3.0 * random.normal()),
    ]
}

/// Level below the peak at which a tail ends.
const TAIL_END: f32 = 1e-4;
/// Length of the fade at the cut.
const FADE_SAMPLES: usize = 256;

/// Cuts the inaudible tail and fades what is cut while it still sounds.
fn trim(audio: &mut Vec<f32>) {
    let peak = audio.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
    let end = audio
        .iter()
        .rposition(|s| s.abs() > TAIL_END * peak)
        .map_or(0, |last| last + 1);
    audio.truncate((end + FADE_SAMPLES).min(audio.len()));
    let length = audio.len();
    let fade = FADE_SAMPLES.min(length);
    for (n, sample) in audio[length - fade..].iter_mut().enumerate() {
        *sample *= 1.0 - (n + 1) as f32 / fade as f32;
    }
}

/// Exponent of amplitude over velocity.
pub(crate) const VELOCITY_EXPONENT: f32 = 1.5;

/// Gives every hit the level its velocity asks for; the hardest peaks at 1.
fn normalise(hits: &mut [(f32, Vec<f32>)]) {
    for (velocity, audio) in hits {
        let peak = audio.iter().fold(1e-9_f32, |peak, s| peak.max(s.abs()));
        let gain = velocity.powf(VELOCITY_EXPONENT) / peak;
        audio.iter_mut().for_each(|sample| *sample *= gain);
    }
}

#[cfg(test)]
mod tests;
