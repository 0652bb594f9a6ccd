//! Drum machines whose masks know nothing.

use std::sync::Arc;

use super::*;
use crate::{
    front_end::{BAND_COUNT, FrontEnd},
    one_shots::{Evidence, OneShot},
};

const RATE_HZ: f64 = 44_100.0;
const LOOK_AHEAD_HOPS: usize = 6;
const WINDOW_HOPS: usize = 4;

fn noise(seed: u32, length: usize, decay: f32) -> Vec<f32> {
    let mut state = seed;
    (0..length)
        .map(|n| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let value = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
            value * (-(n as f32) / decay).exp()
        })
        .collect()
}

/// Drums of noise: no mask tells them apart.
struct Machine {
    drums: Vec<(Drum, Vec<f32>)>,
    /// Sample, which of the drums, gain.
    hits: Vec<(f64, usize, f32)>,
    length: usize,
}

impl Machine {
    /// A snare and a closed hat together, each alone, and shifted against each other.
    fn new(share: f64) -> Machine {
        let drums = vec![
            (Drum::Snare, noise(1, 6_000, 1_500.0)),
            (Drum::ClosedHat, noise(2, 3_000, 700.0)),
        ];
        let mut hits = Vec::new();
        for beat in 0..24 {
            let at = 8_000.0 + 9_000.0 * f64::from(beat) + share * f64::from(beat);
            if beat % 3 != 2 {
                hits.push((at, 0, 0.5 + 0.02 * beat as f32));
            }
            if beat % 4 != 1 {
                hits.push((at + f64::from(beat % 5) * 40.0, 1, 0.4));
            }
        }
        let length = 8_000 + 25 * 9_000;
        Machine {
            drums,
            hits,
            length,
        }
    }

    fn stem(&self, which: usize) -> Vec<f32> {
        let mut stem = vec![0.0; self.length];
        for &(at, drum, gain) in &self.hits {
            if drum == which {
                Place::new(at).add(&self.drums[drum].1, gain, 0, &mut stem);
            }
        }
        stem
    }

    fn mix(&self) -> Vec<f32> {
        let mut mix = vec![0.0; self.length];
        for drum in 0..self.drums.len() {
            for (sum, sample) in mix.iter_mut().zip(self.stem(drum)) {
                *sum += sample;
            }
        }
        mix
    }
}

/// Runs `repeats` over `machine` with equal masks for all its drums, whose hits are announced
/// up to 1 ms off; gives their stems.
fn separate(
    repeats: &mut Repeats,
    overlap_add: &mut OverlapAdd,
    machine: &Machine,
) -> Vec<Vec<f32>> {
    separate_but(repeats, overlap_add, machine, |_| false)
}

/// The same, while the first drum is off in the frames whose centre is of this kind.
fn separate_but(
    repeats: &mut Repeats,
    overlap_add: &mut OverlapAdd,
    machine: &Machine,
    is_off: impl Fn(i64) -> bool,
) -> Vec<Vec<f32>> {
    let framing = Framing::for_rate(RATE_HZ).unwrap();
    let (hop, window) = (framing.hop_samples, overlap_add.window_samples());
    let mix = machine.mix();
    let back = (LOOK_AHEAD_HOPS + 2) * hop + window / 2;
    let equal = 1.0 / machine.drums.len() as f32;
    let mut masks = [[0.0; BAND_COUNT]; crate::drum::STEM_COUNT];
    for (drum, _) in &machine.drums {
        masks[drum.index()] = [equal; BAND_COUNT];
    }
    let mut stems = vec![vec![0.0; mix.len()]; machine.drums.len()];
    let mut making: Vec<[Vec<f32>; 2]> = (0..DRUM_COUNT)
        .map(|_| [vec![0.0; hop], vec![0.0; hop]])
        .collect();
    let mut undecided: Vec<Drum> = Vec::new();
    for end in (hop..mix.len()).step_by(hop) {
        let history = &mix[end.saturating_sub(16 * hop)..end];
        let (end, start) = (end as i64, end as i64 - back as i64);
        if start < 0 {
            continue;
        }
        repeats.step(start);
        for drum in undecided.drain(..) {
            repeats.decide(drum, Some(0.9));
        }
        // A hit is announced in the frame that is centred one hop before it.
        let centre = start + window as i64 / 2;
        let due: Vec<RepeatHit> = machine
            .hits
            .iter()
            .enumerate()
            .filter(|(_, hit)| (hit.0 as i64 - hop as i64 - centre).abs() < hop as i64 / 2)
            .map(|(n, hit)| RepeatHit {
                drum: machine.drums[hit.1].0,
                onset_sample: hit.0 as i64 + (n as i64 * 17) % 88 - 44,
                activation: 0.9,
                is_sure: true,
            })
            .collect();
        repeats.begin(&due, [history, history], end);
        undecided.extend(due.iter().map(|hit| hit.drum));
        let first = machine.drums[0].0.index();
        let mut enabled = [true; DRUM_COUNT];
        enabled[first] = !is_off(centre);
        masks[first] = [if enabled[first] { equal } else { 0.0 }; BAND_COUNT];
        let frame = &mix[start as usize..start as usize + window];
        overlap_add.analyse([frame, frame]);
        repeats.predict(&masks, &enabled, overlap_add);
        for drum in 0..DRUM_COUNT {
            let known = repeats.used(drum);
            overlap_add.synthesise(drum, &masks[drum], None, known, &mut making[drum]);
        }
        repeats.learn(&making);
        for (stem, (drum, _)) in stems.iter_mut().zip(&machine.drums) {
            let made = &making[drum.index()][0];
            stem[start as usize..start as usize + hop].copy_from_slice(made);
        }
    }
    stems
}

fn new() -> (Repeats, OverlapAdd) {
    let framing = Framing::for_rate(RATE_HZ).unwrap();
    let hop = framing.hop_samples;
    let overlap_add = OverlapAdd::new(RATE_HZ, hop, WINDOW_HOPS);
    let back = (LOOK_AHEAD_HOPS + 2) * hop + overlap_add.window_samples() / 2;
    let repeats = Repeats::new(&framing, &overlap_add, back, (LOOK_AHEAD_HOPS + 1) * hop);
    (repeats, overlap_add)
}

fn distortion_db(made: &[f32], truth: &[f32]) -> f64 {
    let (mut error, mut energy) = (0.0_f64, 0.0_f64);
    for (made, truth) in made.iter().zip(truth) {
        error += f64::from(made - truth).powi(2);
        energy += f64::from(*truth).powi(2);
    }
    10.0 * (energy / error).log10()
}

#[test]
fn drums_that_no_mask_tells_apart_are_learnt_from_their_repetitions() {
    for share in [0.0, 0.31] {
        let machine = Machine::new(share);
        let (mut repeats, mut overlap_add) = new();
        let stems = separate(&mut repeats, &mut overlap_add, &machine);
        // Nothing is lost: the masks share all that is not predicted.
        let (mix, done) = (machine.mix(), machine.length - 8_000);
        for n in 0..done {
            let sum = stems[0][n] + stems[1][n];
            assert!((sum - mix[n]).abs() < 1e-4, "{n}: {sum} {}", mix[n]);
        }
        for (which, stem) in stems.iter().enumerate() {
            let truth = machine.stem(which);
            let (late, truth) = (150_000..done, &truth[150_000..done]);
            let by_masks: Vec<f32> = mix[late.clone()].iter().map(|x| 0.5 * x).collect();
            let masked = distortion_db(&by_masks, truth);
            let repeated = distortion_db(&stem[late], truth);
            assert!(
                repeated > masked + 3.0,
                "{share} {which}: {repeated}, {masked} dB"
            );
        }
    }
}

#[test]
fn of_many_that_strike_together_each_is_found() {
    let kinds = [
        Drum::Kick,
        Drum::Snare,
        Drum::ClosedHat,
        Drum::HighTom,
        Drum::Ride,
        Drum::Crash,
    ];
    let mut machine = Machine {
        drums: Vec::new(),
        hits: Vec::new(),
        length: 0,
    };
    let mut at = 8_000.0;
    for (which, drum) in kinds.into_iter().enumerate() {
        let sound = noise(which as u32 + 1, 6_000, 800.0 + 150.0 * which as f32);
        machine.drums.push((drum, sound));
        for _ in 0..5 {
            machine.hits.push((at, which, 0.5));
            at += 9_000.0;
        }
    }
    let together = at as usize;
    for beat in 0..4 {
        machine.hits.extend((0..kinds.len()).map(|which| {
            let at = at + 9_000.0 * f64::from(beat);
            (at + 13.0 * which as f64, which, 0.5)
        }));
    }
    machine.length = together + 5 * 9_000;
    let (mut repeats, mut overlap_add) = new();
    let stems = separate(&mut repeats, &mut overlap_add, &machine);
    let (mix, span) = (machine.mix(), together..machine.length - 8_000);
    for (which, stem) in stems.iter().enumerate() {
        let truth = machine.stem(which);
        let by_masks: Vec<f32> = mix.iter().map(|x| x / 6.0).collect();
        let [repeated, masked] =
            [stem, &by_masks].map(|made| distortion_db(&made[span.clone()], &truth[span.clone()]));
        assert!(repeated > masked + 4.0, "{which}: {repeated}, {masked} dB");
    }
}

#[test]
fn sounds_outlive_a_rewind_and_not_a_reset() {
    let machine = Machine::new(0.0);
    let (mut repeats, mut overlap_add) = new();
    let first = |stems: &[Vec<f32>]| distortion_db(&stems[1][..20_000], &machine.stem(1)[..20_000]);
    let fresh = separate(&mut repeats, &mut overlap_add, &machine);
    repeats.rewind();
    overlap_add.reset();
    let known = separate(&mut repeats, &mut overlap_add, &machine);
    assert!(first(&known) > first(&fresh) + 6.0);
    repeats.forget();
    overlap_add.reset();
    let again = separate(&mut repeats, &mut overlap_add, &machine);
    assert_eq!(again, fresh);
}

/// What a kit has of one of the machine's drums, which begins `lead_s` before its attack.
fn kit_sound(machine: &Machine, which: usize, lead_s: f32, confidence: f32) -> DrumSound {
    let (drum, samples) = &machine.drums[which];
    let mut channel = vec![0.0; (f64::from(lead_s.max(0.0)) * RATE_HZ) as usize];
    let cut = (f64::from((-lead_s).max(0.0)) * RATE_HZ) as usize;
    channel.extend_from_slice(&samples[cut.min(samples.len() - 1)..]);
    let one_shot = OneShot::new(RATE_HZ, vec![channel]).unwrap();
    let layers = [(1.0, Arc::new(one_shot.with_lead(lead_s)))];
    let evidence = Evidence {
        hits: 9,
        confidence,
        pan: 0.0,
    };
    let mut front_end = FrontEnd::new(Framing::for_rate(RATE_HZ).unwrap());
    DrumSound::new(*drum, &layers, evidence, &mut front_end).unwrap()
}

#[test]
fn the_sounds_of_a_kit_are_known_from_the_first_hit_on() {
    let machine = Machine::new(0.0);
    let first = |stems: &[Vec<f32>]| distortion_db(&stems[1][..20_000], &machine.stem(1)[..20_000]);
    let after = |lead_s: f32, confidence: f32| {
        let (mut repeats, mut overlap_add) = new();
        for which in 0..machine.drums.len() {
            let kit = kit_sound(&machine, which, lead_s, confidence);
            for sound in 0..SOUNDS + 1 {
                repeats.begin_with(machine.drums[which].0, sound, &kit);
            }
        }
        first(&separate(&mut repeats, &mut overlap_add, &machine))
    };
    let (mut repeats, mut overlap_add) = new();
    let fresh = first(&separate(&mut repeats, &mut overlap_add, &machine));
    for lead_s in [0.0, 0.002, 0.006] {
        let known = after(lead_s, 0.9);
        assert!(known > fresh + 6.0, "{lead_s} s: {fresh} to {known} dB");
    }
    // Of what is missing nothing is known.
    assert!(after(-0.001, 0.9) > fresh + 3.0);
    assert_eq!(after(0.0, 0.2), fresh, "what is not sure");
}

#[test]
fn a_kit_sound_that_ends_before_it_begins_is_none() {
    let (mut repeats, _) = new();
    let mut machine = Machine::new(0.0);
    for (length, lead_s, is_known) in [(6_000, -0.02, true), (6_000, 0.02, true), (8, 0.02, false)]
    {
        machine.drums[0].1.truncate(length);
        let mut kit = kit_sound(&machine, 0, 0.0, 1.0);
        let one_shot = (*kit.layers[0].one_shot).clone().with_lead(lead_s);
        kit.layers[0].one_shot = Arc::new(one_shot);
        repeats.begin_with(Drum::Snare, 0, &kit);
        let samples = repeats.sounds[Drum::Snare.index()][0].samples()[0];
        assert_eq!(!samples.is_empty(), is_known, "{length}, {lead_s} s");
    }
}

#[test]
fn silence_after_a_sound_that_was_cut_short_has_no_ghost() {
    let machine = Machine::new(0.0);
    let (mut repeats, mut overlap_add) = new();
    separate(&mut repeats, &mut overlap_add, &machine);
    repeats.rewind();
    overlap_add.reset();
    let mut cut = machine;
    cut.hits.truncate(1);
    cut.hits[0].0 = 8_000.0;
    cut.drums[cut.hits[0].1].1.truncate(1_000);
    let stems = separate(&mut repeats, &mut overlap_add, &cut);
    let ghost = stems.iter().map(|stem| &stem[9_000 + 1_024..30_000]);
    let ghost = ghost.flatten().fold(0.0_f32, |peak, x| peak.max(x.abs()));
    assert!(ghost < 1e-3, "{ghost}");
}

#[test]
fn a_drum_that_is_switched_off_while_it_sounds_keeps_its_sound() {
    let mut machine = Machine::new(0.0);
    machine.hits.retain(|hit| hit.1 == 0);
    let tail_db = |is_off: &dyn Fn(i64) -> bool| {
        let (mut repeats, mut overlap_add) = new();
        separate_but(&mut repeats, &mut overlap_add, &machine, is_off);
        let sounds = &repeats.sounds[Drum::Snare.index()];
        let sound = sounds.iter().max_by(|a, b| a.uses.total_cmp(&b.uses));
        let known = sound.unwrap().samples()[0];
        let level = |part: &[f32]| part.iter().map(|sample| sample * sample).sum::<f32>();
        10.0 * (level(&known[2_500..4_000]) / level(&known[..1_000])).log10()
    };
    let always = tail_db(&|_| false);
    let off = tail_db(&|centre| {
        let last = machine.hits.iter().rev().find(|hit| hit.0 as i64 <= centre);
        last.is_some_and(|hit| hit.0 > 60_000.0 && centre > hit.0 as i64 + 1_500)
    });
    assert!(off > always - 1.5, "{always} to {off} dB");
}

#[test]
fn soft_strokes_do_not_take_the_memory_of_loud_ones() {
    const PART: usize = 512;
    let framing = Framing::for_rate(44_100.0).unwrap();
    let finder = Finder::new(&framing, 4_410);
    let mut sound = Sound::new(&finder.matcher, PART, 1);
    let truth = noise(1, PART, f32::INFINITY);
    let mut room = vec![0.0; PART];
    let mut errors = Vec::new();
    for n in 0..240 {
        let gain = if n % 2 == 0 { 1.0 } else { 0.2 };
        let known = match sound.samples()[0] {
            [] => vec![0.0; PART],
            known => known.to_vec(),
        };
        // What other drums leave: 6 dB below a loud stroke, 8 dB above a soft one.
        let leak = noise(100 + n, PART, f32::INFINITY);
        let surplus: Vec<f32> = (0..PART)
            .map(|at| gain * (truth[at] - known[at]) + 0.5 * leak[at])
            .collect();
        let pieces = [vec![surplus.clone()], vec![surplus]];
        sound.learn(0, (gain, 1.0), &Place::new(0.0), &pieces, 0, &mut room);
        if n >= 60 {
            errors.push(distortion_db(sound.samples()[0], &truth));
        }
    }
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    assert!(mean > 13.0, "{mean} dB");
}
