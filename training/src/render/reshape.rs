//! Changes of a hit beyond what a mixing desk does: another drum from the same recording.
//!
//! A training set of a hundred kits is known by heart after some hundred hours. These
//! changes leave a kick a kick, but not the kick that was recorded.

use super::augment::cubic;
use crate::{
    dsp::{Biquad, RATE_HZ, from_db},
    kits::Sound,
    random::Random,
};

/// Changes that all hits of one sound share within a piece.
#[derive(Debug, Clone, Default)]
pub(super) struct Reshape {
    /// Playback speed, and what is added to it at the onset, with its decay.
    speed: Option<(f32, f32, f32)>,
    resonances: Vec<Biquad>,
    /// Delay in samples and gain of one reflection: a shell, a table, a wall.
    reflection: Option<(usize, f32)>,
    /// Drive into a soft curve.
    drive: Option<f32>,
    envelope: Option<Envelope>,
}

/// Another course of level after the onset.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Envelope {
    /// Rises with this time constant, up to 10 dB: a longer decay.
    Sustain { tau_s: f32 },
    /// Ends after this time.
    Gate { hold_s: f32 },
}

/// Largest gain of a longer decay, in decibels.
const MOST_SUSTAIN_DB: f32 = 10.0;
/// How fast a gate closes.
const GATE_S: f32 = 0.015;

impl Reshape {
    /// Draws changes of `sound`; `strength` 0 changes nothing, 1 is a lot.
    pub(super) fn draw(sound: Sound, strength: f32, random: &mut Random) -> Reshape {
        let often =
            |probability: f32, random: &mut Random| random.chance(probability * strength.min(1.0));
        let mut reshape = Reshape::default();
        if !often(0.85, random) {
            return reshape;
        }
        if often(0.6, random) {
            let steady = 1.25_f32.powf(strength * random.bipolar());
            let glides = rings(sound) && often(0.5, random);
            let depth = if glides {
                0.5 * strength * random.bipolar()
            } else {
                0.0
            };
            reshape.speed = Some((steady, depth.max(-0.5), random.log_range(0.004, 0.08)));
        }
        for _ in 0..3 {
            if often(0.5, random) {
                let q = random.log_range(0.7, 16.0);
                // Narrow resonances may be high: a ringing head.
                let most_db = (5.0 + q).min(14.0);
                let gain_db = most_db * random.range(-0.6, 1.0) * strength.min(1.0);
                reshape
                    .resonances
                    .push(Biquad::peak(random.log_range(70.0, 9_000.0), q, gain_db));
            }
        }
        if often(0.25, random) {
            let delay = random.log_range(4.0, 130.0) as usize;
            reshape.reflection = Some((delay, 0.7 * random.bipolar()));
        }
        if often(0.3, random) {
            reshape.drive = Some(random.log_range(0.7, 7.0));
        }
        if often(0.35, random) {
            reshape.envelope = Some(if rings(sound) && random.chance(0.4) {
                Envelope::Gate {
                    hold_s: random.log_range(0.1, 0.5),
                }
            } else {
                Envelope::Sustain {
                    tau_s: random.log_range(0.06, 0.6),
                }
            });
        }
        reshape
    }

    /// Changes the hit in place and answers the new position of its onset; its peak
    /// stays what it was.
    pub(super) fn apply(&self, audio: &mut Vec<f32>, onset: f32) -> f32 {
        let peak = peak_of(audio);
        let onset = match self.speed {
            Some((steady, depth, tau_s)) => glide(audio, onset, steady, depth, tau_s),
            None => onset,
        };
        for resonance in &self.resonances {
            resonance.run(audio);
        }
        if let Some((delay, gain)) = self.reflection {
            for n in (delay..audio.len()).rev() {
                audio[n] += gain * audio[n - delay];
            }
        }
        if let Some(drive) = self.drive {
            let scale = drive / peak_of(audio).max(1e-9);
            for sample in audio.iter_mut() {
                *sample = (scale * *sample).tanh();
            }
        }
        if let Some(envelope) = self.envelope {
            envelope.run(audio, onset);
        }
        let gain = peak / peak_of(audio).max(1e-9);
        audio.iter_mut().for_each(|sample| *sample *= gain);
        onset
    }
}

impl Envelope {
    fn run(self, audio: &mut [f32], onset: f32) {
        let tail = audio.iter_mut().skip(onset.max(0.0) as usize);
        match self {
            Envelope::Sustain { tau_s } => {
                let (most, growth) = (from_db(MOST_SUSTAIN_DB), (1.0 / (tau_s * RATE_HZ)).exp());
                let mut gain = 1.0_f32;
                for sample in tail {
                    *sample *= gain;
                    gain = (gain * growth).min(most);
                }
            }
            Envelope::Gate { hold_s } => {
                let shrink = (-1.0 / (GATE_S * RATE_HZ)).exp();
                let mut gain = 1.0_f32;
                for sample in tail.skip((hold_s * RATE_HZ) as usize) {
                    *sample *= gain;
                    gain *= shrink;
                }
            }
        }
    }
}

/// How the strokes of one sound differ from each other within a piece: soft ones are
/// duller, as a single recorded stroke played softer is not, and no two are alike.
#[derive(Debug, Clone, Copy)]
pub(super) struct Touch {
    /// Loss of treble for half the velocity.
    dulling_db: f32,
    scatter_db: f32,
    corner_hz: f32,
}

/// Changes of treble below this are not worth a filter.
const LEAST_TOUCH_DB: f32 = 0.2;

impl Touch {
    /// Draws a touch; `strength` 0 makes all strokes alike.
    pub(super) fn draw(strength: f32, random: &mut Random) -> Touch {
        Touch {
            dulling_db: 5.0 * strength * random.unit(),
            scatter_db: 1.5 * strength * random.unit(),
            corner_hz: random.log_range(700.0, 6_000.0),
        }
    }

    /// The stroke `audio` played `dynamics` times as hard as it was recorded, without the
    /// change of level; nothing if it stays as it is.
    pub(super) fn apply(
        &self,
        audio: &[f32],
        dynamics: f32,
        random: &mut Random,
    ) -> Option<Vec<f32>> {
        let scatter_db = self.scatter_db * random.normal();
        let treble_db = self.dulling_db * dynamics.clamp(0.03, 2.0).log2() + scatter_db;
        if treble_db.abs() < LEAST_TOUCH_DB {
            return None;
        }
        let mut audio = audio.to_vec();
        Biquad::high_shelf(self.corner_hz, treble_db).run(&mut audio);
        Some(audio)
    }
}

/// Drums with a head: their pitch may fall or rise, and they may be damped. Without its
/// length an open hat would be a closed one.
fn rings(sound: Sound) -> bool {
    matches!(
        sound,
        Sound::Kick
            | Sound::Snare
            | Sound::SideStick
            | Sound::RimShot
            | Sound::HighTom
            | Sound::MidTom
            | Sound::FloorTom
    )
}

fn peak_of(audio: &[f32]) -> f32 {
    audio.iter().fold(0.0, |peak, s| peak.max(s.abs()))
}

/// Plays at `steady` speed plus `depth`, which decays from the onset on. Answers the
/// onset's new place.
fn glide(audio: &mut Vec<f32>, onset: f32, steady: f32, depth: f32, tau_s: f32) -> f32 {
    let last = audio.len().saturating_sub(3) as f64;
    let shrink = (-1.0 / (tau_s * RATE_HZ)).exp();
    let (mut position, mut extra) = (0.0_f64, depth);
    let mut played = Vec::with_capacity(2 * audio.len());
    while position < last {
        played.push(cubic(audio, position));
        let after = position >= f64::from(onset);
        position += f64::from(steady * (1.0 + if after { extra } else { 0.0 }));
        if after {
            extra *= shrink;
        }
    }
    *audio = played;
    onset / steady
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f32::consts::TAU;

    fn tone(length: usize, hz: f32) -> Vec<f32> {
        (0..length)
            .map(|n| (TAU * hz * n as f32 / RATE_HZ).sin())
            .collect()
    }

    #[test]
    fn no_strength_changes_nothing() {
        let mut random = Random::new(&[3]);
        for sound in Sound::ALL {
            let reshape = Reshape::draw(sound, 0.0, &mut random);
            let mut audio = tone(2_000, 300.0);
            assert_eq!(reshape.apply(&mut audio, 40.0), 40.0);
            assert_eq!(audio, tone(2_000, 300.0));
        }
    }

    #[test]
    fn hits_keep_their_peak_stay_finite_and_differ() {
        let mut random = Random::new(&[4]);
        let mut changed = 0;
        for n in 0..200 {
            let sound = Sound::ALL[n % Sound::ALL.len()];
            let reshape = Reshape::draw(sound, 1.0, &mut random);
            let mut audio = tone(8_000, 180.0);
            let onset = reshape.apply(&mut audio, 130.0);
            assert!((80.0..200.0).contains(&onset), "{onset}");
            assert!(audio.len() > 3_000);
            assert!((peak_of(&audio) - 1.0).abs() < 0.01, "{reshape:?}");
            changed += usize::from(audio != tone(8_000, 180.0));
        }
        assert!(changed > 120, "{changed}");
    }

    #[test]
    fn a_glide_begins_at_the_onset() {
        let mut audio = tone(20_000, 441.0);
        let onset = glide(&mut audio, 1_000.0, 1.0, 0.5, 0.02);
        assert_eq!(onset, 1_000.0);
        let crossings = |part: &[f32]| {
            part.windows(2)
                .filter(|pair| pair[0] < 0.0 && pair[1] >= 0.0)
                .count()
        };
        assert!((9..=11).contains(&crossings(&audio[..1_000])));
        assert!(crossings(&audio[1_000..1_500]) >= 6, "faster at first");
        assert!((49..=51).contains(&crossings(&audio[10_000..15_000])));
    }

    #[test]
    fn soft_strokes_are_duller() {
        let mut random = Random::new(&[6]);
        let touch = Touch {
            dulling_db: 4.0,
            scatter_db: 0.0,
            corner_hz: 1_000.0,
        };
        assert!(touch.apply(&tone(500, 300.0), 1.0, &mut random).is_none());
        let treble = |dynamics, random: &mut Random| {
            let soft = touch.apply(&tone(4_000, 9_000.0), dynamics, random);
            peak_of(&soft.unwrap()[2_000..])
        };
        let quarter = treble(0.25, &mut random);
        assert!((quarter - from_db(-8.0)).abs() < 0.03, "{quarter}");
        assert!(treble(1.5, &mut random) > 1.1);
    }

    #[test]
    fn hats_are_never_gated() {
        let mut random = Random::new(&[5]);
        for _ in 0..300 {
            let reshape = Reshape::draw(Sound::OpenHat, 1.0, &mut random);
            assert!(!matches!(reshape.envelope, Some(Envelope::Gate { .. })));
        }
    }
}
