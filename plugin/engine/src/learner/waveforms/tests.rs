use super::{prepare::LEAD_S, *};
use crate::front_end::BAND_COUNT;

const RATE: f64 = 44_100.0;
const HOP: usize = 256;

/// A decaying tone with a transient: one drum sound, `tilt` makes it duller.
fn sound(samples: usize, omega: f32, decay: f32, tilt: f32) -> Vec<f32> {
    let mut seed = 5_u32;
    let mut low = 0.0;
    (0..samples)
        .map(|n| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (seed >> 8) as f32 / (1 << 23) as f32 - 1.0;
            low += tilt * (noise - low);
            let envelope = (-(n as f32) / decay).exp();
            (0.6 * (n as f32 * omega).sin() + 0.5 * low) * envelope
        })
        .collect()
}

fn prior() -> Arc<Bank> {
    let shots: Vec<_> = (0..DRUM_COUNT)
        .map(|drum| {
            let samples = sound(30_000, 0.02 * (drum + 1) as f32, 5_000.0, 0.3);
            OneShot::new(RATE, vec![samples]).unwrap()
        })
        .collect();
    Arc::new(Bank::new(&shots, RATE).unwrap())
}

fn learner() -> WaveformLearner {
    WaveformLearner::new(RATE, prior()).unwrap()
}

/// A take of these samples with the onset at 400 and one mask throughout.
fn take(drum: Drum, samples: &[f32], velocity: f32, mask: f32) -> Take {
    let start = crate::learner::TakeStart {
        drum,
        onset_samples: 400,
        mask_delay_samples: 512,
        velocity,
        confidence: 0.9,
    };
    let mut take = Take::new(start, HOP);
    let mut channel = vec![0.0; 400];
    channel.extend_from_slice(samples);
    take.masks = vec![[mask; BAND_COUNT]; channel.len() / HOP + 1];
    take.channels = [channel.clone(), channel];
    take
}

/// Power of the difference between the learnt sound and `truth`, in dB below
/// the truth, at the best common gain.
fn error_db(learnt: &OneShot, truth: &[f32]) -> f32 {
    let lead = (LEAD_S * RATE) as usize;
    let best = (0..3 * lead)
        .map(|shift| {
            let found: Vec<f32> = (0..truth.len())
                .map(|n| learnt.channel(0).get(n + shift).copied().unwrap_or(0.0))
                .collect();
            let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
            let gain = dot(&found, truth) / dot(&found, &found).max(1e-12);
            let rest: f32 = found
                .iter()
                .zip(truth)
                .map(|(f, t)| (gain * f - t).powi(2))
                .sum();
            rest / dot(truth, truth)
        })
        .fold(f32::INFINITY, f32::min);
    10.0 * best.log10()
}

#[test]
fn leads_tell_how_late_onsets_are_announced() {
    let truth = sound(12_000, 0.11, 2_500.0, 0.8);
    let mut learner = learner();
    for late in [60, 80, 100] {
        let mut hit = take(Drum::Snare, &truth, 1.0, 1.0);
        hit.start.onset_samples = 400 + late;
        assert_eq!(learner.add(&hit), Outcome::Learnt);
    }
    let bank = learner.bank().expect("something is new");
    // An attack is found half a millisecond early.
    let expected = 80.0 / RATE + LEAD_S + 0.0005;
    let found = f64::from(bank.one_shot(Drum::Snare).lead_s());
    assert!((found - expected).abs() < 0.0003, "{found} {expected}");
    // A kit that is saved keeps it, and so do hits that are learnt on top.
    let mut again = WaveformLearner::new(RATE, prior()).unwrap();
    again.restore(&learner.kit(), prior());
    let mut hit = take(Drum::Snare, &truth, 1.0, 1.0);
    hit.start.onset_samples = 480;
    again.add(&hit);
    let bank = again.bank().expect("something is new");
    let found = f64::from(bank.one_shot(Drum::Snare).lead_s());
    assert!((found - expected).abs() < 0.0003, "{found} {expected}");
}

#[test]
fn hits_become_the_one_shot_at_their_level() {
    let truth = sound(12_000, 0.11, 2_500.0, 0.8);
    let mut learner = learner();
    assert!(learner.bank().is_none());
    // Another drum hides in the last one.
    for (velocity, gain) in [(0.7, 0.5), (1.0, 1.0), (0.9, 0.8), (0.8, 2.0)] {
        let hit: Vec<f32> = truth.iter().map(|x| gain * x).collect();
        assert_eq!(
            learner.add(&take(Drum::Snare, &hit, velocity, 1.0)),
            Outcome::Learnt
        );
    }
    let bank = learner.bank().expect("something is new");
    assert!(learner.bank().is_none(), "and then nothing");
    let kit = learner.kit();
    let learnt = kit.drum(Drum::Snare).expect("was learnt");
    assert_eq!((kit.drums.len(), learnt.hits), (1, 4));
    let error = error_db(bank.one_shot(Drum::Snare), &truth);
    assert!(error < -20.0, "{error} dB");
    let peak = |samples: &[f32]| samples.iter().fold(0.0_f32, |p, x| p.max(x.abs()));
    let level = peak(bank.one_shot(Drum::Snare).channel(0)) / peak(&truth);
    assert!((0.9..1.1).contains(&level), "{level}");
    assert_eq!(bank.one_shot(Drum::Kick), prior().one_shot(Drum::Kick));

    // Most are soft, as a snare's between its backbeats.
    let mut ghosts = self::learner();
    for velocity in [0.9, 0.35, 0.3, 0.35, 0.95, 0.4, 0.35, 0.3] {
        let hit: Vec<f32> = truth.iter().map(|x| velocity * velocity * x).collect();
        ghosts.add(&take(Drum::Snare, &hit, velocity, 1.0));
    }
    let bank = ghosts.bank().expect("something is new");
    let level = peak(bank.one_shot(Drum::Snare).channel(0)) / peak(&truth);
    assert!((0.9..1.1).contains(&level), "{level}");

    // Hits that are never as hard as they can be: the one-shot is what velocity 1 would be.
    let mut gentle = self::learner();
    for _ in 0..3 {
        gentle.add(&take(Drum::Snare, &truth, 0.7, 1.0));
    }
    let bank = gentle.bank().expect("something is new");
    let level = peak(bank.one_shot(Drum::Snare).channel(0)) / peak(&truth) * 0.7 * 0.7;
    assert!((0.9..1.1).contains(&level), "{level}");
}

/// A click that is always the same, and noise that never is: a hat.
fn hat(seed: u32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(747_796_405).wrapping_add(1);
    let mut last = 0.0;
    (0..11_000)
        .map(|n| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let noise = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
            let high = noise - last;
            last = noise;
            let n = n as f32;
            0.2 * high * (-n / 2_400.0).exp() + 0.5 * (0.9 * n).cos() * (-n / 30.0).exp()
        })
        .collect()
}

#[test]
fn noise_that_differs_from_hit_to_hit_keeps_its_level_however_many_there_are() {
    let mut learner = learner();
    let body_db = |sound: &[f32]| {
        let power = |from: usize, to: usize| sound[from..to].iter().map(|x| x * x).sum::<f32>();
        10.0 * (power(1_000, 4_000) / power(0, 150)).log10()
    };
    let truth = (0..50).map(|seed| body_db(&hat(seed))).sum::<f32>() / 50.0;
    for hits in 1..=160 {
        let mut hit = take(Drum::ClosedHat, &hat(hits), 1.0, 1.0);
        hit.start.confidence = 0.5;
        assert_eq!(learner.add(&hit), Outcome::Learnt);
        if [12, 40, 160].contains(&hits) {
            let bank = learner.bank().expect("something is new");
            let found = body_db(bank.one_shot(Drum::ClosedHat).channel(0));
            assert!(
                (found - truth).abs() < 1.5,
                "{hits}: {found}, not {truth} dB"
            );
        }
    }
}

#[test]
fn what_the_model_makes_no_longer_is_faded_out() {
    // Louder than −60 dB after 3 s.
    let shots: Vec<_> = (0..DRUM_COUNT)
        .map(|_| OneShot::new(RATE, vec![sound(132_300, 0.3, 30_000.0, 0.5)]).unwrap())
        .collect();
    let prior = Arc::new(Bank::new(&shots, RATE).unwrap());
    let mut learner = WaveformLearner::new(RATE, prior.clone()).unwrap();
    let truth = sound(22_050, 0.31, 30_000.0, 0.4);
    learner.add(&take(Drum::Crash, &truth, 1.0, 1.0));
    let learnt = learner.bank().expect("learnt");
    for bank in [&prior, &learnt] {
        let crash = bank.one_shot(Drum::Crash).channel(0);
        let loudest = |at_s: f64, seconds: f64| {
            let from = (at_s * RATE) as usize;
            let part = &crash[from..from + (seconds * RATE) as usize];
            part.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()))
        };
        let end_s = crash.len() as f64 / RATE;
        assert!((2.9..3.1).contains(&end_s), "{end_s} s");
        let fallen_db = 20.0 * (loudest(end_s - 0.03, 0.03) / loudest(0.0, 0.1)).log10();
        assert!(fallen_db < -55.0, "{fallen_db} dB");
        let steps = (0..28).map(|n| loudest(0.1 * f64::from(n), 0.1));
        let steps: Vec<f32> = steps.collect();
        assert!(
            steps.windows(2).all(|pair| pair[1] > 0.3 * pair[0]),
            "{steps:?}"
        );
    }
}

#[test]
fn a_missed_hit_stays_out_of_the_one_shot() {
    let truth = sound(26_000, 0.11, 2_500.0, 0.8);
    let mut doubled = truth.clone();
    for n in 13_000..26_000 {
        doubled[n] += truth[n - 13_000];
    }
    let mut learner = learner();
    learner.add(&take(Drum::HighTom, &doubled, 1.0, 1.0));
    let bank = learner.bank().expect("learnt");
    let learnt = bank.one_shot(Drum::HighTom).channel(0);
    let loudest = |span: std::ops::Range<usize>| {
        let end = span.end.min(learnt.len());
        let span = span.start.min(end)..end;
        learnt[span].iter().fold(0.0_f32, |p, x| p.max(x.abs()))
    };
    let (attack, second) = (loudest(0..2_000), loudest(12_800..16_000));
    assert!(second < 0.1 * attack, "{second} of {attack}");
}

#[test]
fn what_one_hit_hides_another_shows() {
    let truth = sound(12_000, 0.11, 2_500.0, 0.8);
    let mut learner = learner();
    // In one hit the upper half is covered by another drum and cut out.
    let mut covered = take(Drum::Snare, &sound(12_000, 0.11, 2_500.0, 0.05), 1.0, 1.0);
    for masks in &mut covered.masks {
        masks[60..].fill(0.05);
    }
    learner.add(&covered);
    let poor = error_db(
        learner.bank().expect("learnt").one_shot(Drum::Snare),
        &truth,
    );
    learner.add(&take(Drum::Snare, &truth, 1.0, 1.0));
    let rich = error_db(
        learner.bank().expect("learnt").one_shot(Drum::Snare),
        &truth,
    );
    assert!(rich < poor - 3.0, "{poor} to {rich} dB");
}

#[test]
fn a_tail_that_was_cut_off_goes_on_without_a_jump() {
    // Three short takes, 60 dB softer than the model's sound and duller.
    let truth = sound(40_000, 0.11, 6_000.0, 0.2);
    let short: Vec<f32> = truth[..9_000].iter().map(|x| 1e-3 * x).collect();
    let mut learner = learner();
    for _ in 0..3 {
        learner.add(&take(Drum::Ride, &short, 1.0, 1.0));
    }
    let bank = learner.bank().expect("learnt");
    let learnt = bank.one_shot(Drum::Ride).channel(0);
    let level = |start: usize| {
        let part = &learnt[start.min(learnt.len())..(start + 2_000).min(learnt.len())];
        part.iter().map(|x| x * x).sum::<f32>().sqrt()
    };
    assert!(learnt.len() > 14_000, "{} samples", learnt.len());
    for start in (2_000..20_000).step_by(1_000) {
        let (before, after) = (level(start), level(start + 2_000));
        assert!(after < 1.3 * before, "{before} to {after} at {start}");
    }
}

#[test]
fn hearing_again_counts_anew_and_keeps_the_sound() {
    let truth = sound(12_000, 0.11, 2_500.0, 0.8);
    let mut learner = learner();
    for pass in 0..3 {
        for _ in 0..4 {
            learner.add(&take(Drum::Snare, &truth, 1.0, 1.0));
        }
        let bank = learner.bank().expect("learnt");
        assert_eq!(bank.sound(Drum::Snare).evidence.hits, 4, "pass {pass}");
        assert!(error_db(bank.one_shot(Drum::Snare), &truth) < -20.0);
        learner.hear_again();
        assert!(learner.bank().is_none(), "nothing new yet");
    }
}

#[test]
fn useless_takes_are_refused() {
    let truth = sound(12_000, 0.11, 2_500.0, 0.8);
    let mut learner = learner();
    let mut add = |samples: &[f32], mask| learner.add(&take(Drum::Snare, samples, 1.0, mask));
    assert_eq!(add(&truth[..800], 1.0), Outcome::TooShort);
    assert_eq!(add(&truth, 0.2), Outcome::Covered);
    assert_eq!(add(&[0.0; 9_000], 1.0), Outcome::Covered);
    assert_eq!(add(&[], 1.0), Outcome::TooShort);
    let mut ringing = take(Drum::Snare, &truth, 1.0, 1.0);
    for channel in &mut ringing.channels {
        channel[..300].fill(0.6);
    }
    assert_eq!(learner.add(&ringing), Outcome::StillRinging);
    assert!(learner.bank().is_none());
}

#[test]
fn strangers_are_refused_until_the_kit_has_changed() {
    let old = sound(12_000, 0.11, 2_500.0, 0.9);
    let new = sound(12_000, 0.9, 900.0, 0.01);
    let mut learner = learner();
    for _ in 0..4 {
        assert_eq!(
            learner.add(&take(Drum::Kick, &old, 1.0, 1.0)),
            Outcome::Learnt
        );
    }
    for _ in 1..NEW_KIT_HITS {
        assert_eq!(
            learner.add(&take(Drum::Kick, &new, 1.0, 1.0)),
            Outcome::Stranger
        );
    }
    assert!(error_db(learner.bank().expect("learnt").one_shot(Drum::Kick), &old) < -20.0);
    assert_eq!(
        learner.add(&take(Drum::Kick, &new, 1.0, 1.0)),
        Outcome::Learnt
    );
    let learnt = learner.bank().expect("learnt");
    assert!(error_db(learnt.one_shot(Drum::Kick), &new) < -12.0);
    assert_eq!(learnt.sound(Drum::Kick).evidence.hits, 1);
}

#[test]
fn soft_hits_get_a_layer_where_they_sound_different() {
    let loud = sound(12_000, 0.11, 2_500.0, 0.9);
    let soft: Vec<f32> = sound(12_000, 0.11, 2_500.0, 0.15)
        .iter()
        .map(|x| 0.2 * x)
        .collect();
    for (other, layers) in [(&soft, 2), (&loud, 1)] {
        let mut learner = learner();
        for _ in 0..LAYER_HITS {
            learner.add(&take(Drum::Snare, &loud, 0.9, 1.0));
            learner.add(&take(Drum::Snare, other, 0.4, 1.0));
        }
        let bank = learner.bank().expect("learnt");
        let sound = bank.sound(Drum::Snare);
        assert_eq!(sound.layers.len(), layers);
        assert_eq!(bank.sound(Drum::Snare).layer_for(0.3, 0), 0);
        assert_eq!(bank.sound(Drum::Snare).layer_for(0.9, 0), layers - 1);
        assert_eq!(bank.sound(Drum::Snare).layer_for(1.0, 0), layers - 1);
    }
}

#[test]
fn a_restored_kit_sounds_the_same_until_more_is_learnt() {
    let truth = sound(12_000, 0.11, 2_500.0, 0.8);
    let mut first = learner();
    for _ in 0..5 {
        first.add(&take(Drum::Snare, &truth, 1.0, 1.0));
    }
    let bank = first.bank().expect("learnt");
    let mut second = learner();
    second.restore(&first.kit(), prior());
    assert_eq!(second.bank().expect("restored"), bank);
    assert_eq!(second.kit(), first.kit());
    second.add(&take(Drum::Snare, &truth, 1.0, 1.0));
    let more = second.bank().expect("learnt more");
    assert!(error_db(more.one_shot(Drum::Snare), &truth) < -20.0);
    assert_eq!(more.sound(Drum::Snare).evidence.hits, 6);
    second.forget(prior());
    assert!(second.kit().is_empty());
    assert_eq!(second.bank().expect("forgotten"), prior());
}
