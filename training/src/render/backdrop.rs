//! What else a track of drums holds: other instruments that bleed in, hum and noise. All of
//! it is residual, and most of it is there before the first hit.

use std::f32::consts::TAU;

use super::Hit;
use crate::{
    dsp::{Biquad, RATE_HZ, from_db},
    random::Random,
};
use idm_engine::drum::Drum;

/// Semitones of the notes that tunes are made of.
const SCALE: [f32; 7] = [0.0, 2.0, 3.0, 5.0, 7.0, 10.0, 12.0];
/// Most partials of a note.
const PARTIALS: usize = 10;

/// A note of another instrument.
#[derive(Debug, Clone, Copy)]
struct Note {
    /// First sample; notes may have begun before the piece.
    start: isize,
    length: usize,
    frequency_hz: f32,
    gain: f32,
}

/// How an instrument sounds.
#[derive(Debug, Clone, Copy)]
struct Voice {
    attack_s: f32,
    /// Time constant; infinity for a note that is held.
    decay_s: f32,
    /// Exponent of the partials' fall.
    dullness: f32,
    partials: usize,
}

/// Adds a drawn backdrop to `residual`, at levels relative to `peak`, the drums' own.
/// Allocates.
pub(super) fn add(residual: &mut [f32], hits: &[Hit], peak: f32, random: &mut Random) {
    let beat_s = random.range(0.18, 0.6);
    if random.chance(0.45) {
        add_bass(residual, hits, beat_s, peak, random);
    }
    if random.chance(0.3) {
        add_chords(residual, peak, random);
    }
    if random.chance(0.3) {
        add_plucks(residual, beat_s, peak, random);
    }
    if random.chance(0.6) {
        add_noise(residual, peak, random);
    }
    if random.chance(0.15) {
        add_hum(residual, peak, random);
    }
}

/// Adds a bass and chords to `residual`, as [`add`] draws them. Allocates.
pub(crate) fn add_music(residual: &mut [f32], hits: &[Hit], peak: f32, random: &mut Random) {
    let beat_s = random.range(0.18, 0.6);
    add_bass(residual, hits, beat_s, peak, random);
    add_chords(residual, peak, random);
}

/// A bass plays with the kick, or in time of its own.
fn add_bass(residual: &mut [f32], hits: &[Hit], beat_s: f32, peak: f32, random: &mut Random) {
    let root_hz = random.log_range(32.0, 70.0);
    let voice = Voice {
        attack_s: random.log_range(0.001, 0.03),
        decay_s: random.log_range(0.15, 3.0),
        dullness: random.range(0.8, 2.5),
        partials: 2 + random.below(PARTIALS - 1),
    };
    let gain = peak * from_db(random.range(-26.0, -4.0));
    let kicks = hits.iter().filter(|hit| hit.drum == Drum::Kick);
    let starts: Vec<isize> = if random.chance(0.5) {
        let late = random.range(-0.005, 0.012);
        kicks
            .map(|hit| hit.sample as isize + ((late + 0.005 * random.normal()) * RATE_HZ) as isize)
            .collect()
    } else {
        beats(residual.len(), beat_s, 0.7, random)
    };
    let held = random.range(0.3, 1.0);
    for (n, &start) in starts.iter().enumerate() {
        let next = starts
            .get(n + 1)
            .copied()
            .unwrap_or(residual.len() as isize);
        let note = Note {
            start,
            length: (held * (next - start).max(0) as f32) as usize,
            frequency_hz: root_hz * semitones(SCALE[random.below(SCALE.len())]),
            gain: gain * random.range(0.6, 1.0),
        };
        play(residual, note, voice, random);
    }
}

/// Chords that are held, the first of them from before the beginning on.
fn add_chords(residual: &mut [f32], peak: f32, random: &mut Random) {
    let root_hz = random.log_range(90.0, 400.0);
    let voice = Voice {
        attack_s: random.log_range(0.003, 0.4),
        decay_s: if random.chance(0.5) {
            f32::INFINITY
        } else {
            random.log_range(0.5, 4.0)
        },
        dullness: random.range(0.7, 2.2),
        partials: 1 + random.below(6),
    };
    let gain = peak * from_db(random.range(-34.0, -12.0));
    let bar = (random.range(0.8, 4.0) * RATE_HZ) as isize;
    let mut start = -(random.unit() * bar as f32) as isize;
    while start < residual.len() as isize {
        let chord_hz = root_hz * semitones(SCALE[random.below(SCALE.len())]);
        let third = if random.chance(0.5) { 3.0 } else { 4.0 };
        for interval in [0.0, third, 7.0] {
            let note = Note {
                start,
                length: bar as usize,
                frequency_hz: chord_hz * semitones(interval),
                gain: gain * random.range(0.3, 0.6),
            };
            play(residual, note, voice, random);
        }
        start += bar;
    }
}

/// Notes that begin hard, as of a guitar or piano.
fn add_plucks(residual: &mut [f32], beat_s: f32, peak: f32, random: &mut Random) {
    let root_hz = random.log_range(110.0, 800.0);
    let voice = Voice {
        attack_s: random.log_range(0.0005, 0.008),
        decay_s: random.log_range(0.06, 0.9),
        dullness: random.range(0.5, 2.0),
        partials: 1 + random.below(PARTIALS),
    };
    let gain = peak * from_db(random.range(-30.0, -10.0));
    for start in beats(residual.len(), beat_s, 0.5, random) {
        let note = Note {
            start,
            length: (4.0 * voice.decay_s * RATE_HZ) as usize,
            frequency_hz: root_hz * semitones(SCALE[random.below(SCALE.len())]),
            gain: gain * random.range(0.4, 1.0),
        };
        play(residual, note, voice, random);
    }
}

/// Places in time, every `beat_s` with a chance of `density`.
fn beats(length: usize, beat_s: f32, density: f32, random: &mut Random) -> Vec<isize> {
    let step = (beat_s * RATE_HZ) as isize;
    let mut at = -(random.unit() * step as f32) as isize;
    let mut places = Vec::new();
    while at < length as isize {
        if random.chance(density) {
            places.push(at + (0.004 * random.normal() * RATE_HZ) as isize);
        }
        at += step;
    }
    places
}

fn semitones(count: f32) -> f32 {
    (count / 12.0).exp2()
}

/// Adds a note: partials that are turned by one step per sample, under one envelope.
fn play(residual: &mut [f32], note: Note, voice: Voice, random: &mut Random) {
    const RELEASE_S: f32 = 0.02;
    let skipped = usize::try_from(-note.start).unwrap_or(0);
    let from = usize::try_from(note.start).unwrap_or(0);
    if skipped >= note.length || from >= residual.len() {
        return;
    }
    // Cosine, sine and their step for each partial; loudness falls with its number.
    let mut partials = [(0.0_f32, 0.0_f32, 0.0_f32, 0.0_f32); PARTIALS];
    let mut used = 0;
    let mut total = 0.0;
    for number in 0..voice.partials.min(PARTIALS) {
        let frequency_hz = note.frequency_hz * (number + 1) as f32;
        if frequency_hz > 0.45 * RATE_HZ {
            break;
        }
        let level = ((number + 1) as f32).powf(-voice.dullness);
        let phase = TAU * random.unit();
        let step = TAU * frequency_hz / RATE_HZ;
        partials[number] = (
            level * phase.cos(),
            level * phase.sin(),
            step.cos(),
            step.sin(),
        );
        used += 1;
        total += level;
    }
    let decay = (-1.0 / (voice.decay_s * RATE_HZ)).exp();
    let rise = 1.0 - (-1.0 / (voice.attack_s * RATE_HZ)).exp();
    let release = (RELEASE_S * RATE_HZ) as usize;
    let mut gain = note.gain / total.max(1e-6) * decay.powi(skipped.min(i32::MAX as usize) as i32);
    let mut swell = if skipped > 0 { 1.0 } else { 0.0 };
    let length = note.length - skipped;
    for (n, sample) in residual[from..].iter_mut().take(length).enumerate() {
        let mut sum = 0.0;
        for (cosine, sine, step_cosine, step_sine) in &mut partials[..used] {
            let turned = *cosine * *step_cosine - *sine * *step_sine;
            *sine = *cosine * *step_sine + *sine * *step_cosine;
            *cosine = turned;
            sum += *sine;
        }
        swell += rise * (1.0 - swell);
        let end = ((length - n) as f32 / release as f32).min(1.0);
        *sample += gain * swell * end * sum;
        gain *= decay;
    }
}

/// Steady noise, white or dull, with a slow swell.
fn add_noise(residual: &mut [f32], peak: f32, random: &mut Random) {
    let mut noise: Vec<f32> = (0..residual.len()).map(|_| random.bipolar()).collect();
    if random.chance(0.7) {
        Biquad::low_pass(random.log_range(200.0, 12_000.0), 0.6).run(&mut noise);
    }
    if random.chance(0.3) {
        Biquad::high_pass(random.log_range(100.0, 6_000.0), 0.6).run(&mut noise);
    }
    let power = noise.iter().map(|s| s * s).sum::<f32>() / noise.len().max(1) as f32;
    let gain = peak * from_db(random.range(-60.0, -22.0)) / power.sqrt().max(1e-9);
    let swell = random.range(0.0, 0.5);
    let (turns, phase) = (
        TAU * random.log_range(0.05, 2.0) / RATE_HZ,
        TAU * random.unit(),
    );
    for (n, (sample, noise)) in residual.iter_mut().zip(&noise).enumerate() {
        *sample += gain * noise * (1.0 + swell * (turns * n as f32 + phase).sin());
    }
}

/// Mains hum.
fn add_hum(residual: &mut [f32], peak: f32, random: &mut Random) {
    let note = Note {
        start: -1_000,
        length: residual.len() + 2_000,
        frequency_hz: if random.chance(0.5) { 50.0 } else { 60.0 },
        gain: peak * from_db(random.range(-50.0, -26.0)),
    };
    let voice = Voice {
        attack_s: 0.01,
        decay_s: f32::INFINITY,
        dullness: random.range(0.3, 1.5),
        partials: PARTIALS,
    };
    play(residual, note, voice, random);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backdrops_are_finite_softer_than_the_drums_and_there_from_the_start() {
        let hits: Vec<Hit> = (0..8)
            .map(|n| Hit {
                sample: 4_000 + n * 9_000,
                drum: Drum::Kick,
                velocity: 1.0,
            })
            .collect();
        let (mut heard, mut early) = (0, 0);
        for seed in 0..60 {
            let mut residual = vec![0.0; 88_200];
            add(&mut residual, &hits, 0.5, &mut Random::new(&[seed]));
            let peak = residual.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
            assert!(
                residual.iter().all(|s| s.is_finite()) && peak < 1.0,
                "{peak}"
            );
            heard += usize::from(peak > 0.0);
            early += usize::from(residual[..200].iter().any(|s| s.abs() > 1e-4));
        }
        assert!(heard > 45 && early > 30, "{heard} {early}");
    }

    #[test]
    fn a_note_has_its_frequency_and_its_level() {
        let mut residual = vec![0.0; 44_100];
        let note = Note {
            start: 0,
            length: 44_100,
            frequency_hz: 441.0,
            gain: 0.5,
        };
        let voice = Voice {
            attack_s: 0.001,
            decay_s: f32::INFINITY,
            dullness: 1.0,
            partials: 1,
        };
        play(&mut residual, note, voice, &mut Random::new(&[3]));
        let middle = &residual[4_410..39_690];
        let crossings = middle
            .windows(2)
            .filter(|w| w[0] < 0.0 && w[1] >= 0.0)
            .count();
        assert!((crossings as f32 - 352.8).abs() < 2.0, "{crossings}");
        let peak = middle.iter().fold(0.0_f32, |peak, s| peak.max(*s));
        assert!((peak - 0.5).abs() < 0.01, "{peak}");
    }
}
