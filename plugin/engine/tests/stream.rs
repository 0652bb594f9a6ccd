//! The engine as a stream: null test, latency, partitions, containment.

mod support;

use std::sync::Arc;

use idm_engine::{
    controls::{Controls, Quality},
    drum::Drum,
    engine::{Engine, EngineConfig, Events, Stems, Verdict},
    front_end::Framing,
    one_shots::{OneShot, OwnSounds},
};
use proptest::prelude::*;
use support::{drum_loop, engine, model, null_db, peak_db, resynthesis, run};

#[test]
fn stems_sum_to_the_delayed_input() {
    for rate in [8_000.0, 44_100.0, 48_000.0, 96_000.0] {
        for quality in Quality::ALL {
            let input = drum_loop(rate, 2.0);
            let mut engine = engine(rate, quality);
            let latency = engine.latency_samples();
            let output = run(&mut engine, &input, &[512]);
            let null = null_db(&output);
            assert!(null < -120.0, "{rate} Hz {quality:?}: {null} dBFS");
            for (dry, channel) in output.dry.iter().zip(&input) {
                assert!(dry[..latency].iter().all(|&sample| sample == 0.0));
                assert_eq!(dry[latency..], channel[..dry.len() - latency]);
            }
        }
    }
}

#[test]
fn separated_stems_are_aligned_with_the_input() {
    // The residual and the classes together reproduce an impulse exactly
    // `latency_samples` late; each part of it lies there and nowhere else.
    for (rate, quality) in [(44_100.0, Quality::Standard), (48_000.0, Quality::Low)] {
        let mut engine = engine(rate, quality);
        let latency = engine.latency_samples();
        let mut input = [vec![0.0; 60_000], vec![0.0; 60_000]];
        let at = 30_011;
        for channel in &mut input {
            channel[at] = 0.9;
        }
        let output = run(&mut engine, &input, &[333]);
        for stem in &output.stems {
            let loudest = (0..stem[0].len())
                .max_by(|&a, &b| stem[0][a].abs().total_cmp(&stem[0][b].abs()))
                .unwrap();
            if stem[0][loudest].abs() > 0.05 {
                assert_eq!(loudest, at + latency);
            }
        }
    }
}

#[test]
fn latency_is_within_the_promise() {
    for rate in [44_100.0, 48_000.0, 96_000.0, 192_000.0] {
        for (quality, limit_ms) in [
            (Quality::Low, 36.0),
            (Quality::Standard, 75.0),
            (Quality::High, 200.0),
        ] {
            let hop_samples = Framing::for_rate(rate).unwrap().hop_samples;
            let samples = quality.latency_hops() * hop_samples;
            let ms = 1e3 * samples as f64 / rate;
            assert!(ms <= limit_ms, "{rate} Hz {quality:?}: {ms} ms");
        }
    }
}

#[test]
fn hits_are_announced_where_they_sound() {
    let input = drum_loop(44_100.0, 3.0);
    let mut engine = engine(44_100.0, Quality::Standard);
    let latency = engine.latency_samples() as u64;
    let output = run(&mut engine, &input, &[64]);
    let accepted: Vec<_> = output
        .hits
        .iter()
        .filter(|(_, hit)| hit.verdict == Verdict::Accepted)
        .collect();
    assert!(accepted.len() >= 15, "{} hits", accepted.len());
    for (at, hit) in &accepted {
        let expected = hit.onset_sample + latency;
        assert!(
            *at >= expected && at - expected <= 256,
            "{at} for {expected}"
        );
        // The loop has an onset every eighth of a second.
        let phase = (hit.onset_sample as f64 / 44_100.0 - 0.05) / 0.125;
        let error_ms = (phase - phase.round()).abs() * 125.0;
        assert!(error_ms < 15.0, "{} is {error_ms} ms off", hit.onset_sample);
    }
    let kicks = accepted
        .iter()
        .filter(|(_, hit)| hit.drum == Drum::Kick)
        .count();
    assert!((4..=8).contains(&kicks), "{kicks} kicks of 6");
}

#[test]
fn two_runs_are_identical_also_after_reset() {
    let input = drum_loop(44_100.0, 6.0);
    let mut first = engine(44_100.0, Quality::Standard);
    let a = run(&mut first, &input, &[512]);
    first.reset();
    let b = run(&mut first, &input, &[512]);
    assert!(a == b, "a reset engine gives the same output");
    let c = run(&mut engine(44_100.0, Quality::Standard), &input, &[512]);
    assert!(a == c, "a new engine gives the same output");
}

#[test]
fn long_and_odd_blocks_give_the_same_samples() {
    // Long enough to resynthesise from what was learnt on the way.
    let input = drum_loop(44_100.0, 7.0);
    let make = || {
        let mut engine = engine(44_100.0, Quality::Low);
        engine.set_controls(&resynthesis());
        engine
    };
    let reference = run(&mut make(), &input, &[512]);
    for blocks in [&[1][..], &[64], &[333], &[4_096], &[1, 700, 13, 0, 257]] {
        let output = run(&mut make(), &input, blocks);
        assert!(reference == output, "blocks of {blocks:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_partition_gives_the_same_samples(
        blocks in prop::collection::vec(1_usize..900, 1..12)
    ) {
        let input = drum_loop(48_000.0, 1.0);
        let make = || {
            let mut engine = engine(48_000.0, Quality::Standard);
            engine.set_controls(&resynthesis());
            engine
        };
        let reference = run(&mut make(), &input, &[512]);
        let output = run(&mut make(), &input, &blocks);
        prop_assert!(reference == output);
    }
}

#[test]
fn bad_samples_are_contained() {
    let mut input = drum_loop(44_100.0, 3.0);
    for (n, bad) in [
        f32::NAN,
        f32::INFINITY,
        f32::NEG_INFINITY,
        1e30,
        f32::MIN_POSITIVE / 4.0,
    ]
    .into_iter()
    .enumerate()
    {
        for k in 0..300 {
            input[n % 2][20_000 + 3_000 * n + k] = bad;
        }
    }
    let mut engine = engine(44_100.0, Quality::Standard);
    let output = run(&mut engine, &input, &[512]);
    for channel in output.stems.iter().flatten().chain(&output.dry) {
        assert!(channel.iter().all(|sample| sample.is_finite()));
    }
    // It recovers: after a reset nothing of it is left.
    engine.reset();
    let clean = drum_loop(44_100.0, 1.0);
    let mut fresh = support::engine(44_100.0, Quality::Standard);
    assert!(run(&mut engine, &clean, &[512]) == run(&mut fresh, &clean, &[512]));
}

#[test]
fn silence_is_silent_and_comes_out_of_it() {
    let rate = 44_100.0;
    let mut input = [vec![0.0; 200_000], vec![0.0; 200_000]];
    let tail = drum_loop(rate, 2.0);
    for channel in 0..2 {
        input[channel].extend_from_slice(&tail[channel]);
        input[channel].extend_from_slice(&[0.0; 8_192]);
    }
    let output = run(&mut engine(rate, Quality::Standard), &input, &[512]);
    for stem in &output.stems {
        assert!(stem[0][..200_000].iter().all(|&sample| sample == 0.0));
    }
    assert!(null_db(&output) < -120.0);
    assert!(
        output
            .hits
            .iter()
            .any(|(_, hit)| hit.verdict == Verdict::Accepted)
    );
}

#[test]
fn resynthesis_plays_and_a_forbidden_drum_is_silent() {
    let input = drum_loop(44_100.0, 3.0);
    let mut engine = engine(44_100.0, Quality::Standard);
    engine.set_controls(&resynthesis());
    let output = run(&mut engine, &input, &[512]);
    assert!(peak_db(&output.stems[Drum::Kick.index()][0]) > -30.0);

    let mut controls = Controls::default();
    controls.drums[Drum::Snare.index()].enabled = false;
    let mut engine = support::engine(44_100.0, Quality::Standard);
    engine.set_controls(&controls);
    let output = run(&mut engine, &input, &[512]);
    assert!(peak_db(&output.stems[Drum::Snare.index()][0]) < -120.0);
    assert!(null_db(&output) < -120.0);
    let refused = |verdict| {
        move |(_, hit): &&(u64, idm_engine::engine::Hit)| {
            hit.drum == Drum::Snare && hit.verdict == verdict
        }
    };
    assert_eq!(
        output
            .hits
            .iter()
            .filter(refused(Verdict::Accepted))
            .count(),
        0
    );
}

#[test]
fn a_drum_of_another_name_is_that_drum_in_every_way() {
    let input = drum_loop(44_100.0, 3.0);
    let accepted = |output: &support::Output, drum: Drum| {
        let hits = output.hits.iter();
        let hits = hits.filter(|(_, hit)| hit.drum == drum && hit.verdict == Verdict::Accepted);
        hits.map(|(_, hit)| hit.onset_sample).collect::<Vec<_>>()
    };
    let run_with = |name: Option<Drum>, blocks: &[usize]| {
        let mut controls = Controls::default();
        controls.drums[Drum::Kick.index()].heard_as = name;
        let mut engine = engine(44_100.0, Quality::Standard);
        engine.set_controls(&controls);
        run(&mut engine, &input, blocks)
    };
    let heard = run_with(None, &[512]);
    let renamed = run_with(Some(Drum::FloorTom), &[512]);
    let kicks = accepted(&heard, Drum::Kick);
    assert!(kicks.len() > 2);
    assert!(accepted(&renamed, Drum::Kick).is_empty());
    let toms = accepted(&renamed, Drum::FloorTom);
    assert_eq!(
        toms.len(),
        kicks.len() + accepted(&heard, Drum::FloorTom).len()
    );
    let near = |kick: &&u64| toms.iter().any(|tom| tom.abs_diff(**kick) < 441);
    assert_eq!(kicks.iter().filter(near).count(), kicks.len());
    assert!(peak_db(&renamed.stems[Drum::Kick.index()][0]) < -120.0);
    let level = |output: &support::Output, drum: Drum| peak_db(&output.stems[drum.index()][0]);
    let change_db = level(&renamed, Drum::FloorTom) - level(&heard, Drum::Kick);
    assert!(change_db.abs() < 2.0, "{change_db} dB");
    assert!(null_db(&renamed) < -120.0);
    let cut = run_with(Some(Drum::FloorTom), &[64, 1, 999]);
    assert_eq!(cut.stems, renamed.stems);
    let itself = run_with(Some(Drum::Kick), &[512]);
    assert_eq!(itself.stems, heard.stems);
}

#[test]
fn isolation_moves_bleed_between_drums_and_changes_nothing_else() {
    let mono = drum_loop(44_100.0, 3.0);
    let stereo = [mono[0].clone(), mono[0].iter().map(|x| 0.4 * x).collect()];
    for input in [&mono, &stereo] {
        let run_with = |isolation: f32, blocks: &[usize]| {
            let mut engine = engine(44_100.0, Quality::Standard);
            let mut controls = Controls::default();
            controls.drums[Drum::Snare.index()].isolation = isolation;
            engine.set_controls(&controls);
            run(&mut engine, input, blocks)
        };
        let [whole, neutral, ducked] =
            [-1.0, 0.0, 1.0].map(|isolation| run_with(isolation, &[512]));
        let level =
            |output: &support::Output| support::level_db(&output.stems[Drum::Snare.index()][0]);
        let levels = [&whole, &neutral, &ducked].map(level);
        assert!(
            levels[0] > levels[1] + 0.02 && levels[1] > levels[2] + 0.02,
            "{levels:?}"
        );
        for output in [&whole, &ducked] {
            assert!(null_db(output) < -120.0);
            assert_eq!(output.hits.len(), neutral.hits.len());
            for ((at, hit), (expected_at, expected)) in output.hits.iter().zip(&neutral.hits) {
                assert_eq!((hit.drum, hit.verdict), (expected.drum, expected.verdict));
                // A hit that repeats is placed by what was learnt of its drum, which keeps
                // some of what the drum lets in.
                assert!(at.abs_diff(*expected_at) <= 2, "{at}, {expected_at}");
            }
        }
        assert!(run_with(1.0, &[1, 700, 13, 0, 257]) == ducked);
    }
}

#[test]
fn pads_sound_at_once_on_their_bus() {
    let mut engine = engine(44_100.0, Quality::Standard);
    let mut stems = Stems::new(64);
    let mut events = Events::new(64);
    engine.trigger(Drum::Snare, 1.0);
    let silence = [0.0; 64];
    engine.process([&silence, &silence], &mut stems, &mut events);
    assert!(peak_db(stems.channel(Drum::Snare.index(), 0)) > -60.0);
    assert!(
        stems
            .channel(Drum::Kick.index(), 0)
            .iter()
            .all(|&sample| sample == 0.0)
    );
}

#[test]
fn absurd_rates_are_refused_with_the_rate_in_the_message() {
    for rate in [0.0, 4_000.0, 400_000.0, f64::NAN] {
        let config = EngineConfig {
            sample_rate_hz: rate,
            quality: Quality::Standard,
        };
        let error = Engine::new(config, model()).unwrap_err().to_string();
        assert!(error.contains(&format!("{rate}")), "{error}");
    }
}

/// Where the sound that plays at sample `at` begins: some time before the note, once it is known
/// how late the drum's hits are announced.
fn beginning(signal: &[f32], at: usize) -> usize {
    let silence = signal[..at + 100].iter().rposition(|x| x.abs() < 1e-6);
    silence.map_or(0, |last| last + 1)
}

#[test]
fn a_sample_of_ones_own_replaces_the_drum_at_the_level_of_its_hits() {
    let rate = 44_100.0;
    let input = drum_loop(rate, 4.0);
    let run_with = |own: &Arc<OwnSounds>, gain: f32| {
        let mut engine = engine(rate, Quality::Standard);
        let mut controls = Controls::default();
        controls.drums[0].blend = 1.0;
        engine.set_controls(&controls);
        assert!(engine.set_own_sounds(own));
        let input = input.clone().map(|channel| {
            let scaled = channel.iter().map(|sample| gain * sample);
            scaled.collect::<Vec<_>>()
        });
        run(&mut engine, &input, &[512])
    };
    let one_shot = Arc::new(OneShot::new(rate, vec![vec![0.25; 400]]).unwrap());
    let own = Arc::new(OwnSounds::new(&[(Drum::Kick, vec![one_shot])], rate).unwrap());
    let (output, softer) = (run_with(&own, 1.0), run_with(&own, 0.25));
    let kicks = |output: &support::Output| {
        let hits = output.hits.iter();
        let kicks =
            hits.filter(|(_, hit)| hit.drum == Drum::Kick && hit.verdict == Verdict::Accepted);
        kicks.map(|(at, _)| *at as usize).collect::<Vec<_>>()
    };
    let found = kicks(&output);
    assert!(found.len() >= 5, "{} kicks", found.len());
    let kick = &output.stems[Drum::Kick.index()][0];
    for &note in found.iter().filter(|at| **at + 400 < kick.len()) {
        let at = beginning(kick, note);
        assert!(at <= note && note < at + 200, "{at} {note}");
        let step = &kick[at..at + 400];
        // Blending rounds.
        let is_flat = step.iter().all(|sample| (sample - step[0]).abs() < 1e-6);
        assert!(step[0] > 0.01 && is_flat, "at {at}: {}", step[0]);
        assert!(kick[at + 400].abs() < 1e-6);
    }
    // The level follows the hits (after the first, whose kit is not known yet).
    let (loud, soft) = (found[found.len() - 2], kicks(&softer));
    let soft = soft.iter().find(|at| at.abs_diff(loud) < 200).unwrap();
    let ratio = softer.stems[Drum::Kick.index()][0][*soft] / kick[loud];
    assert!((0.15..0.4).contains(&ratio), "{ratio}");
    // All other drums are as they were.
    let without = run_with(&Arc::default(), 1.0);
    assert_eq!(output.stems[1..], without.stems[1..]);
}

#[test]
fn round_robins_take_turns_whatever_the_blocks() {
    let rate = 44_100.0;
    let input = drum_loop(rate, 4.0);
    let sample = |frames| Arc::new(OneShot::new(rate, vec![vec![0.25; frames]]).unwrap());
    let samples = vec![sample(400), sample(300)];
    let own = Arc::new(OwnSounds::new(&[(Drum::Kick, samples)], rate).unwrap());
    let run_in = |blocks: &[usize]| {
        let mut engine = engine(rate, Quality::Standard);
        let mut controls = Controls::default();
        controls.drums[0].blend = 1.0;
        engine.set_controls(&controls);
        assert!(engine.set_own_sounds(&own));
        run(&mut engine, &input, blocks)
    };
    let output = run_in(&[512]);
    let kick = &output.stems[Drum::Kick.index()][0];
    assert_eq!(
        kick,
        &run_in(&[64, 1_000, 1, 333]).stems[Drum::Kick.index()][0]
    );
    let hits = output.hits.iter();
    let lengths: Vec<usize> = hits
        .filter(|(_, hit)| hit.drum == Drum::Kick && hit.verdict == Verdict::Accepted)
        .map(|(at, _)| *at as usize)
        .filter(|at| at + 500 < kick.len())
        .map(|at| beginning(kick, at))
        .map(|at| (0..500).position(|n| kick[at + n].abs() < 1e-6).unwrap())
        .collect();
    assert!(lengths.len() >= 5, "{lengths:?}");
    for (stroke, length) in lengths.iter().enumerate() {
        assert_eq!(*length, [400, 300][stroke % 2], "{lengths:?}");
    }
}
