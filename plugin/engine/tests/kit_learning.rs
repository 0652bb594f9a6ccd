//! The kit is learnt while a loop plays, from the network's own hits.

mod support;

use std::sync::Arc;

use idm_engine::{
    controls::{Controls, Quality},
    drum::Drum,
    engine::{Engine, Events, Stems},
    front_end::{BAND_COUNT, Framing, FrontEnd},
    learner::{LearntKit, decode_kit, encode_kit},
    one_shots::{OneShot, PRE_FRAMES, Template},
};
use support::{Noise, Output, engine, resynthesis, run};

const RATE: f64 = 44_100.0;
/// A bar at 120 beats per minute.
const BAR: usize = 88_200;

/// One drum of the kit that is played: stereo, always the same sound.
struct TrueDrum {
    drum: Drum,
    sound: [Vec<f32>; 2],
    /// Eighths of a bar at which it is hit.
    eighths: &'static [usize],
}

fn true_kit() -> Vec<TrueDrum> {
    let mut noise = Noise::new(11);
    let mut sound = |seconds: f64, right: f32, of: &dyn Fn(f64, f64) -> f64| {
        let left: Vec<f32> = (0..(seconds * RATE) as usize)
            .map(|n| of(n as f64 / RATE, f64::from(noise.next())) as f32)
            .collect();
        let right = left.iter().map(|x| right * x).collect();
        [left, right]
    };
    let tau = std::f64::consts::TAU;
    vec![
        TrueDrum {
            drum: Drum::Kick,
            sound: sound(0.5, 1.0, &|t, n| {
                let sweep = 58.0 * t + 5.0 * (1.0 - (-t * 45.0).exp());
                0.8 * (tau * sweep).sin() * (-t * 10.0).exp() + 0.1 * n * (-t * 200.0).exp()
            }),
            eighths: &[0, 3, 4],
        },
        TrueDrum {
            drum: Drum::Snare,
            sound: sound(0.4, 0.8, &|t, n| {
                0.35 * (tau * 205.0 * t).sin() * (-t * 22.0).exp() + 0.35 * n * (-t * 15.0).exp()
            }),
            eighths: &[2, 6],
        },
        TrueDrum {
            drum: Drum::ClosedHat,
            sound: sound(0.2, 0.6, &|t, n| 0.15 * n * (-t * 55.0).exp()),
            eighths: &[0, 1, 2, 3, 4, 5, 6, 7],
        },
    ]
}

fn performance(bars: usize) -> [Vec<f32>; 2] {
    performance_of(&Drum::ALL, bars)
}

/// Only these drums.
fn performance_of(drums: &[Drum], bars: usize) -> [Vec<f32>; 2] {
    let samples = bars * BAR + 20_000;
    let mut channels = [vec![0.0; samples], vec![0.0; samples]];
    for drum in true_kit()
        .into_iter()
        .filter(|played| drums.contains(&played.drum))
    {
        for bar in 0..bars {
            for (index, eighth) in drum.eighths.iter().enumerate() {
                let start = 4_410 + bar * BAR + eighth * BAR / 8;
                let gain = [1.0, 0.8, 0.9][(bar + index) % 3];
                for (channel, sound) in channels.iter_mut().zip(&drum.sound) {
                    for (out, sample) in channel[start..].iter_mut().zip(sound) {
                        *out += gain * sample;
                    }
                }
            }
        }
    }
    channels
}

/// Mean difference of the spectrograms over 150 ms in dB, at equal level, where
/// the true one is within 45 dB of its loudest cell.
fn distance_db(one_shot: &OneShot, truth: &[Vec<f32>; 2]) -> f32 {
    let mut front_end = FrontEnd::new(Framing::for_rate(RATE).unwrap());
    let truth = OneShot::new(RATE, truth.to_vec()).unwrap();
    let truth = Template::of(&truth, &mut front_end);
    let found = Template::of(one_shot, &mut front_end);
    let gain = (truth.level() / found.level()).powi(2);
    let loudest = truth.frames().iter().flatten().copied().fold(0.0, f32::max);
    let (mut sum, mut cells) = (0.0, 0);
    for frame in PRE_FRAMES..PRE_FRAMES + 26 {
        for band in 0..BAND_COUNT {
            let Some(expected) = truth.frames().get(frame).map(|f| f[band]) else {
                continue;
            };
            if expected < loudest * 10.0_f32.powf(-4.5) {
                continue;
            }
            let power = found.frames().get(frame).map_or(0.0, |f| gain * f[band]);
            let floor = loudest * 1e-6;
            sum += (10.0 * ((power + floor) / (expected + floor)).log10()).abs();
            cells += 1;
        }
    }
    sum / cells as f32
}

fn learn(bars: usize, blocks: &[usize]) -> (Engine, Arc<LearntKit>) {
    let mut engine = engine(RATE, Quality::Standard);
    run(&mut engine, &performance(bars), blocks);
    let kit = engine.finish_learning();
    (engine, kit)
}

#[test]
fn learnt_one_shots_approach_the_true_ones() {
    let kits: Vec<_> = [4, 8, 16].map(|bars| learn(bars, &[512]).1).into();
    let fresh = engine(RATE, Quality::Standard);
    for drum in true_kit() {
        let prior = distance_db(fresh.bank().one_shot(drum.drum), &drum.sound);
        let found: Vec<f32> = kits
            .iter()
            .map(|kit| {
                let learnt = kit.drum(drum.drum).expect("was learnt");
                assert!(learnt.hits >= 2 && learnt.confidence > 0.2, "{learnt:?}");
                let loudest = learnt.layers.last().expect("a layer");
                distance_db(&loudest.one_shot, &drum.sound)
            })
            .collect();
        println!(
            "{}: model {prior:.1} dB, after 4, 8, 16 bars {found:.1?} dB, confidence {:.2}",
            drum.drum.name(),
            kits[2].drum(drum.drum).expect("was learnt").confidence
        );
        // Four bars hold at least eight hits: from there on it must not get
        // worse, whatever else is played.
        for distance in &found {
            assert!(
                *distance < 0.4 * prior,
                "{:?}: {prior} {found:?}",
                drum.drum
            );
            assert!(*distance < found[0] + 0.4, "{:?}: {found:?}", drum.drum);
        }
    }
    let confidence = |kit: &LearntKit| kit.drum(Drum::Kick).expect("learnt").confidence;
    assert!(confidence(&kits[2]) >= confidence(&kits[0]));
}

#[test]
fn the_same_kit_is_learnt_from_any_blocks_at_any_speed() {
    let (_, kit) = learn(6, &[512]);
    assert!(kit.drums.len() >= 3, "{} drums", kit.drums.len());
    for blocks in [&[64][..], &[4_096], &[1, 700, 13, 0, 257]] {
        let (_, other) = learn(6, blocks);
        assert!(*kit == *other, "blocks of {blocks:?}");
    }
    // Resynthesis uses what is learnt on the way: exports repeat exactly.
    let export = || {
        let mut engine = engine(RATE, Quality::Standard);
        engine.set_controls(&resynthesis());
        run(&mut engine, &performance(5), &[512])
    };
    assert!(export() == export());
}

#[test]
fn frozen_nothing_changes_and_forgotten_nothing_is_left() {
    let input = performance(4);
    let frozen = Controls {
        learning: false,
        ..Controls::default()
    };
    let mut engine = engine(RATE, Quality::Standard);
    let first = engine.bank().clone();
    engine.set_controls(&frozen);
    run(&mut engine, &input, &[512]);
    let busy = engine.kit_shelf().busy();
    run(&mut engine, &input, &[512]);
    assert!(Arc::ptr_eq(&first, engine.bank()));
    assert_eq!(engine.kit_shelf().busy(), busy, "the worker rests");

    engine.set_controls(&Controls::default());
    run(&mut engine, &input, &[512]);
    let learnt = engine.bank().clone();
    assert!(learnt.sound(Drum::Kick).evidence.hits > 0);
    let kit = engine.kit_shelf().current();
    assert!(!kit.drums.is_empty());
    engine.set_controls(&frozen);
    engine.rewind();
    run(&mut engine, &input, &[512]);
    assert!(Arc::ptr_eq(&learnt, engine.bank()), "frozen");
    engine.reset();
    assert!(Arc::ptr_eq(&learnt, engine.bank()), "a reset keeps the kit");
    assert!(Arc::ptr_eq(&kit, &engine.kit_shelf().current()));

    engine.forget_kit();
    assert!(Arc::ptr_eq(&first, engine.bank()));
    assert!(engine.finish_learning().is_empty());
}

#[test]
fn a_frozen_kit_sounds_alike_whenever_the_host_resets_and_tells_so() {
    let input = performance(3);
    let mut engine = engine(RATE, Quality::Standard);
    run(&mut engine, &input, &[512]);
    let kit = engine.finish_learning();
    let frozen = Controls {
        learning: false,
        ..Controls::default()
    };
    // As hosts do it: the project is loaded, the engine reset, and the first block tells.
    let mut loaded = self::engine(RATE, Quality::Standard);
    loaded.restore_kit((*kit).clone());
    loaded.reset();
    loaded.set_controls(&frozen);
    let first = run(&mut loaded, &input, &[512]);
    loaded.reset();
    assert!(first == run(&mut loaded, &input, &[512]), "heard again");
    let mut told = self::engine(RATE, Quality::Standard);
    told.set_controls(&frozen);
    told.restore_kit((*kit).clone());
    told.reset();
    assert!(first == run(&mut told, &input, &[512]), "told before");
}

#[test]
fn what_is_heard_from_a_reset_on_depends_on_the_kit_alone() {
    let input = performance(3);
    for learning in [true, false] {
        let controls = Controls {
            learning,
            ..Controls::default()
        };
        let mut session = engine(RATE, Quality::Standard);
        session.set_offline(false);
        let unknown = run(&mut session, &input, &[512]);
        session.set_offline(true);
        let kit = session.finish_learning();
        session.set_controls(&controls);
        session.reset();
        let known = run(&mut session, &input, &[512]);
        let mut opened = engine(RATE, Quality::Standard);
        opened.set_controls(&controls);
        opened.restore_kit((*kit).clone());
        opened.reset();
        let again = run(&mut opened, &input, &[512]);
        assert!(known.stems == again.stems, "learning: {learning}");
        session.reset();
        let exported = run(&mut session, &input, &[512]);
        assert!(known.stems == exported.stems, "learning: {learning}");
        // From the first bar on.
        for drum in [Drum::Snare, Drum::ClosedHat] {
            let truth = performance_of(&[drum], 3);
            let error_db = |output: &Output| {
                let late = &output.stems[drum.index()][0][session.latency_samples()..][..BAR];
                let errors = late.iter().zip(&truth[0]).map(|(a, b)| (a - b).powi(2));
                10.0 * errors.sum::<f32>().log10()
            };
            let (before, after) = (error_db(&unknown), error_db(&known));
            assert!(after < before - 0.5, "{drum:?}: {before} {after} dB");
        }
    }
}

#[test]
fn long_exports_one_after_the_other_are_the_same() {
    // The model's kit is looked up again after many hits, and what is learnt less and less often.
    let input = performance(20);
    for cut in [0, BAR / 3] {
        let input = input.clone().map(|channel| channel[cut..].to_vec());
        let mut engine = engine(RATE, Quality::Standard);
        let first = run(&mut engine, &input, &[512]);
        engine.reset();
        assert!(
            first.stems == run(&mut engine, &input, &[512]).stems,
            "{cut}"
        );
    }
}

#[test]
fn what_is_saved_at_the_freeze_is_what_plays_from_then_on() {
    let input = performance(3);
    let mut banks = 0;
    for quarter in 2..12 {
        let [before, after] = [0..quarter * BAR / 8, quarter * BAR / 8..3 * BAR]
            .map(|span| input.clone().map(|channel| channel[span.clone()].to_vec()));
        let mut engine = engine(RATE, Quality::Standard);
        let first = engine.bank().clone();
        run(&mut engine, &before, &[512]);
        engine.set_controls(&Controls {
            learning: false,
            ..Controls::default()
        });
        let (bank, kit) = (engine.bank().clone(), engine.kit_shelf().current());
        banks += usize::from(!Arc::ptr_eq(&bank, &first));
        run(&mut engine, &after, &[512]);
        assert!(Arc::ptr_eq(&bank, engine.bank()), "quarter {quarter}");
        assert!(*kit == *engine.kit_shelf().current(), "quarter {quarter}");
        engine.set_controls(&Controls::default());
        run(&mut engine, &input, &[512]);
        assert!(!Arc::ptr_eq(&bank, engine.bank()), "it goes on learning");
    }
    assert!(
        (1..10).contains(&banks),
        "before and after the first: {banks}"
    );
}

/// Every pad in turn, at two velocities.
fn pads(engine: &mut Engine) -> Vec<f32> {
    let mut stems = Stems::new(512);
    let mut events = Events::new(512);
    let mut heard = Vec::new();
    let silence = [0.0; 512];
    engine.reset();
    for velocity in [0.4, 1.0] {
        for drum in Drum::ALL {
            engine.trigger(drum, velocity);
            for _ in 0..40 {
                engine.process([&silence, &silence], &mut stems, &mut events);
                for channel in 0..2 {
                    heard.extend_from_slice(stems.channel(drum.index(), channel));
                }
            }
        }
    }
    heard
}

#[test]
fn a_saved_kit_sounds_the_same_to_the_bit() {
    for rate in [44_100.0, 96_000.0] {
        let mut first = support::engine(rate, Quality::Standard);
        let input = support::drum_loop(rate, 12.0);
        run(&mut first, &input, &[512]);
        let kit = first.finish_learning();
        assert!(!kit.drums.is_empty());
        let bytes = encode_kit(&kit);
        assert!(bytes.len() < 2_000_000, "{} bytes", bytes.len());
        let restored = decode_kit(&bytes).expect("a kit");
        assert!(restored == *kit);
        let mut second = support::engine(rate, Quality::Standard);
        second.restore_kit(restored);
        assert!(*second.kit_shelf().current() == *kit);
        assert!(pads(&mut first) == pads(&mut second), "{rate} Hz");
        for drum in Drum::ALL {
            assert_eq!(
                first.bank().sound(drum).evidence,
                second.bank().sound(drum).evidence
            );
        }
        second.restore_kit(LearntKit::default());
        let mut fresh = support::engine(rate, Quality::Standard);
        assert!(
            pads(&mut second) == pads(&mut fresh),
            "{rate} Hz, forgotten"
        );
    }
}

/// How alike two signals are, sample by sample: −1 to 1.
fn likeness(a: &[f32], b: &[f32]) -> f64 {
    let product = |a: &[f32], b: &[f32]| -> f64 {
        let samples = a.iter().zip(b);
        samples.map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
    };
    product(a, b) / (product(a, a) * product(b, b)).sqrt()
}

#[test]
fn resynthesis_lies_over_the_recording_at_its_level() {
    let input = performance(10);
    let mut engine = engine(RATE, Quality::Standard);
    let separated = run(&mut engine, &input, &[512]);
    engine.finish_learning();
    engine.rewind();
    engine.set_controls(&Controls {
        learning: false,
        ..resynthesis()
    });
    let played = run(&mut engine, &input, &[512]);
    for drum in [Drum::Kick, Drum::Snare] {
        let [played, separated] =
            [&played, &separated].map(|output| &output.stems[drum.index()][0][2 * BAR..]);
        let difference = support::level_db(played) - support::level_db(separated);
        let likeness = likeness(played, separated);
        println!("{}: {difference:+.1} dB, alike {likeness:.3}", drum.name());
        assert!(difference.abs() < 2.0, "{drum:?}: {difference} dB");
        // A blend of both must not cancel.
        assert!(likeness > 0.8, "{drum:?}: {likeness}");
    }
}

#[test]
fn a_hair_of_isolation_changes_the_kit_by_a_hair() {
    let recording = performance(6);
    let [whole, isolated] = [0.0, 1e-4].map(|isolation| {
        let mut engine = engine(RATE, Quality::Standard);
        let mut controls = Controls::default();
        for drum in &mut controls.drums {
            drum.isolation = isolation;
        }
        engine.set_controls(&controls);
        run(&mut engine, &recording, &[512]);
        engine.finish_learning()
    });
    for drum in [Drum::Kick, Drum::Snare, Drum::ClosedHat] {
        let [whole, isolated] = [&whole, &isolated].map(|kit| {
            let sound = kit.drum(drum).expect("it was played");
            let loudest = sound.layers.last().expect("a layer");
            loudest.one_shot.channels()[0].clone()
        });
        let found = likeness(&whole, &isolated);
        assert!(found > 0.99999, "{drum:?}: {found}");
    }
}
