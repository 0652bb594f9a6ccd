//! Tests of the additive model.

use super::*;
use crate::{drum::STEM_COUNT, one_shots::OneShot, separator::combine_masks};

pub(super) fn bank(frequency: f32) -> Bank {
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
fn a_hit_just_before_another_gives_back_what_it_took() {
    // The snare's gain is fitted while frames of the ride, three later, are
    // already known: it takes them for its own until the ride begins.
    let bank = bank(0.03);
    let (snare, ride) = (Drum::Snare, Drum::Ride);
    let (onset, later) = (10, 13);
    let mut explainer = Explainer::new(&bank);
    for frame in 0..later + 7 {
        let mut power = [1e-9; BAND_COUNT];
        for (drum, onset, gain) in [(snare, onset, 0.01), (ride, later, 1.0)] {
            let index = (frame + PRE_FRAMES as u64).checked_sub(onset);
            let template = index.and_then(|n| bank.template(drum).frames().get(n as usize));
            for (sum, value) in power.iter_mut().zip(template.into_iter().flatten()) {
                *sum += gain * value;
            }
        }
        explainer.observe(frame, &power);
        if let Some(known) = frame.checked_sub(FIT_AHEAD) {
            for (drum, onset) in [(snare, onset), (ride, later)] {
                if onset == known {
                    explainer.begin(known, &[candidate(drum, onset)], &mut [0.0]);
                }
            }
        }
    }
    assert_eq!(explainer.voices.iter().flatten().count(), 2);
    for (drum, truth) in [(snare, 0.01), (ride, 1.0)] {
        let voice = explainer.voices.iter().flatten().find(|v| v.drum == drum);
        let error_db = 10.0 * (voice.unwrap().gain / truth).log10();
        assert!(error_db.abs() < 1.0, "{drum:?}: {error_db} dB");
    }
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
    let mut prediction = Prediction::default();
    let mut masks = [[0.0; BAND_COUNT]; STEM_COUNT];
    for _ in 0..12 {
        explainer.reset();
        observe_hit(&mut explainer, &truth, Drum::Kick, 1.0, 10);
        explainer.begin(10, &[candidate(Drum::Kick, 10)], &mut [0.0]);
        for frame in 8..30 {
            explainer.predict(frame, &mut prediction);
            let observed = explainer.observed(frame);
            let (gates, open) = ([[1.0; BAND_COUNT]; DRUM_COUNT], [false; DRUM_COUNT]);
            combine_masks(
                (&prediction, None),
                observed,
                None,
                &gates,
                &open,
                1.5,
                &mut masks,
            );
            explainer.learn(frame, &prediction, &masks);
        }
    }
    let after = distance(&explainer);
    assert!(after < 0.8 * before, "{before} to {after}");
}

#[test]
fn what_is_heard_least_ends_for_new_hits() {
    let bank = bank(0.03);
    let mut explainer = Explainer::new(&bank);
    let mut prediction = Prediction::default();
    // A loud crash rings on under many soft ticks.
    let onset = 10;
    observe_hit(&mut explainer, &bank, Drum::Crash, 1.0, onset);
    explainer.begin(onset, &[candidate(Drum::Crash, onset)], &mut [0.0]);
    for frame in onset..onset + 2 * MAX_SPECTRAL_VOICES as u64 / 3 {
        let mut bands = [1e-9; BAND_COUNT];
        bands[100..].fill(1e-7);
        if frame > onset + YOUNG_FRAMES as u64 {
            explainer.observe(frame + FIT_AHEAD, &bands);
            let ticks = [Drum::ClosedHat, Drum::Ride].map(|drum| candidate(drum, frame));
            explainer.begin(frame, &ticks, &mut [0.0; 2]);
        }
        explainer.predict(frame, &mut prediction);
    }
    let sounding = explainer.voices.iter().flatten();
    assert!(sounding.clone().count() > MAX_SPECTRAL_VOICES - 12);
    assert!(sounding.clone().any(|voice| voice.drum == Drum::Crash));
}

#[test]
fn many_hits_stay_bounded() {
    let bank = bank(0.03);
    let mut explainer = Explainer::new(&bank);
    let mut prediction = Prediction::default();
    for frame in 0..400 {
        explainer.observe(frame, &[1e-3; BAND_COUNT]);
        let hits = [candidate(Drum::Ride, frame), candidate(Drum::Kick, frame)];
        explainer.begin(frame, &hits, &mut [0.0; 2]);
        explainer.predict(frame, &mut prediction);
        let power = prediction.power.iter().flatten();
        assert!(power.chain(&prediction.certainty).all(|p| p.is_finite()));
    }
}
