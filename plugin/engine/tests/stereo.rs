//! Drums of a stereo recording are told apart by where they stand.

mod support;

use idm_engine::{
    controls::{Controls, Quality},
    drum::Drum,
    engine::{Engine, EngineConfig},
    experiment::Experiment,
};
use support::{Noise, Output, model, null_db, run};

const RATE: f64 = 44_100.0;
const BEAT: usize = 11_025;
const BEATS: usize = 48;

/// Snares in the middle and hats on the right, at once on every fourth beat; the sum
/// and each drum alone.
fn performance() -> ([Vec<f32>; 2], [[Vec<f32>; 2]; 2]) {
    let length = (BEATS + 2) * BEAT;
    let mut noise = Noise::new(5);
    let empty = || [vec![0.0; length], vec![0.0; length]];
    let (mut snare, mut hat) = (empty(), empty());
    for beat in 0..BEATS {
        let start = 4_410 + beat * BEAT;
        for n in 0..BEAT {
            let t = n as f64 / RATE;
            if beat % 4 == 2 {
                let body = 0.35 * (std::f64::consts::TAU * 205.0 * t).sin() * (-t * 22.0).exp();
                let wires = 0.3 * f64::from(noise.next()) * (-t * 15.0).exp();
                for channel in &mut snare {
                    channel[start + n] += (body + wires) as f32;
                }
            }
            let sizzle = 0.2 * f64::from(noise.next()) * (-t * 40.0).exp();
            for (channel, gain) in hat.iter_mut().zip([0.3, 1.0]) {
                channel[start + n] += gain * sizzle as f32;
            }
        }
    }
    let mut sum = snare.clone();
    for (sum, hat) in sum.iter_mut().zip(&hat) {
        for (sum, hat) in sum.iter_mut().zip(hat) {
            *sum += hat;
        }
    }
    (sum, [snare, hat])
}

fn engine(one_mask: bool) -> Engine {
    let config = EngineConfig {
        sample_rate_hz: RATE,
        quality: Quality::Standard,
    };
    let experiment = Experiment {
        one_mask,
        ..Experiment::default()
    };
    let mut engine =
        Engine::for_experiment(config, model(), experiment).expect("the shipped model runs");
    engine.set_offline(true);
    engine
}

/// Ratio of a drum to what its stem has beside it, both channels together, from the
/// 16th beat on.
fn sdr_db(output: &Output, latency: usize, drum: Drum, truth: &[Vec<f32>; 2]) -> f64 {
    let (mut wanted, mut unwanted) = (0.0, 0.0);
    for (stem, truth) in output.stems[drum.index()].iter().zip(truth) {
        for (made, true_) in stem[latency..].iter().zip(truth).skip(16 * BEAT) {
            wanted += f64::from(true_ * true_);
            unwanted += f64::from((made - true_).powi(2));
        }
    }
    10.0 * (wanted / unwanted).log10()
}

#[test]
fn places_separate_what_one_mask_cannot() {
    let (input, truths) = performance();
    let [flat, placed] = [true, false].map(|one_mask| {
        let mut engine = engine(one_mask);
        let latency = engine.latency_samples();
        let output = run(&mut engine, &input, &[512]);
        assert!(null_db(&output) < -120.0);
        [(Drum::Snare, &truths[0]), (Drum::ClosedHat, &truths[1])]
            .map(|(drum, truth)| sdr_db(&output, latency, drum, truth))
    });
    println!("snare and hat: {flat:.1?} dB with one mask, {placed:.1?} dB with places");
    for (flat, placed) in flat.iter().zip(&placed) {
        assert!(placed > &(flat + 1.0), "{flat} {placed}");
    }
}

#[test]
fn a_frozen_kit_separates_alike_before_and_after_it_is_saved() {
    let (input, truths) = performance();
    let frozen = Controls {
        learning: false,
        ..Controls::default()
    };
    let mut first = engine(false);
    run(&mut first, &input, &[512]);
    let kit = first.finish_learning();
    first.set_controls(&frozen);
    first.reset();
    let in_session = run(&mut first, &input, &[512]);
    let mut second = engine(false);
    second.set_controls(&frozen);
    second.restore_kit((*kit).clone());
    second.reset();
    let reopened = run(&mut second, &input, &[512]);
    assert!(in_session.stems == reopened.stems);
    let mut flat = engine(true);
    let latency = flat.latency_samples();
    let flat = run(&mut flat, &input, &[512]);
    let [flat, frozen] =
        [&flat, &reopened].map(|output| sdr_db(output, latency, Drum::Snare, &truths[0]));
    println!("snare: {flat:.1} dB with one mask, {frozen:.1} dB with the saved kit");
    assert!(frozen > flat + 0.5, "{flat} {frozen}");
}

#[test]
fn mono_is_not_changed_by_it() {
    let (input, _) = performance();
    let mono = [input[1].clone(), input[1].clone()];
    let [flat, placed] = [true, false].map(|one_mask| run(&mut engine(one_mask), &mono, &[512]));
    assert!(flat.stems == placed.stems);
}
