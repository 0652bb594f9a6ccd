//! Hits that the user takes away or adds while the engine listens on.

mod support;

use idm_engine::{
    controls::{Controls, HitSource, Quality},
    drum::{DRUM_COUNT, Drum},
    engine::{Hit, Verdict},
    transcriber::Lesson,
};
use support::{Output, drum_loop, engine, level_db, null_db, run, run_telling};

const RATE_HZ: f64 = 44_100.0;
const SECONDS: f64 = 6.0;

/// A hit of the input, taken away or (`true`) added.
#[derive(Debug, Clone, Copy)]
struct Correction {
    sample: usize,
    drum: Drum,
    adds: bool,
}

fn corrected(quality: Quality, corrections: &[Correction], blocks: &[usize]) -> Output {
    let mut engine = engine(RATE_HZ, quality);
    run_telling(
        &mut engine,
        &drum_loop(RATE_HZ, SECONDS),
        blocks,
        |engine, block| {
            for correction in corrections {
                if !block.contains(&correction.sample) {
                    continue;
                }
                let offset = correction.sample - block.start;
                assert!(if correction.adds {
                    engine.give_hit(offset, correction.drum, None)
                } else {
                    engine.remove_hit(offset, correction.drum)
                });
            }
        },
    )
}

fn accepted(output: &Output, drum: Drum) -> Vec<Hit> {
    let hits = output.hits.iter().map(|(_, hit)| *hit);
    hits.filter(|hit| hit.drum == drum && hit.verdict == Verdict::Accepted)
        .collect()
}

/// Onset of the `n`th kick: every half second.
fn kick_at(n: usize) -> usize {
    ((0.05 + 0.5 * n as f64) * RATE_HZ) as usize
}

#[test]
fn a_removed_hit_is_gone_and_its_neighbours_stay() {
    for quality in Quality::ALL {
        let input = drum_loop(RATE_HZ, SECONDS);
        let plain = run(&mut engine(RATE_HZ, quality), &input, &[512]);
        let before = accepted(&plain, Drum::Kick);
        // Where the editor shows it, not where it truly is.
        let heard = before.iter().map(|hit| hit.onset_sample as usize);
        let mut heard = heard.skip_while(|onset| *onset < kick_at(6));
        let shown = heard.next().expect("a kick is heard");
        let following = heard.next().expect("another one");
        let removal = Correction {
            sample: shown,
            drum: Drum::Kick,
            adds: false,
        };
        let output = corrected(quality, &[removal], &[512]);
        let after = accepted(&output, Drum::Kick);
        assert_eq!(after.len() + 1, before.len(), "{quality:?}");
        assert!(
            after
                .iter()
                .all(|hit| hit.onset_sample.abs_diff(shown as u64) > 4_000)
        );
        let said = output.hits.iter().any(|(_, hit)| {
            hit.drum == Drum::Kick
                && hit.verdict == Verdict::Removed
                && hit.onset_sample.abs_diff(shown as u64) < 1_500
        });
        assert!(said, "{quality:?}: the editor is told");
        // Not only the note: the sound goes elsewhere too.
        let latency = engine(RATE_HZ, quality).latency_samples();
        let span = shown + latency - 200..shown + latency + 8_000;
        let level = |output: &Output| level_db(&output.stems[0][0][span.clone()]);
        assert!(
            level(&output) < level(&plain) - 15.0,
            "{quality:?}: {:.1} dB, {:.1} dB before",
            level(&output),
            level(&plain)
        );
        assert!(null_db(&output) < -120.0);
        // The kick after it is open again.
        let next = following + latency..following + latency + 8_000;
        let next_level = |output: &Output| level_db(&output.stems[0][0][next.clone()]);
        let (after, before) = (next_level(&output), next_level(&plain));
        assert!(
            (after - before).abs() < 1.5,
            "{quality:?}: {after:.1} dB, {before:.1} dB before"
        );
    }
}

#[test]
fn a_removal_that_is_still_ahead_does_not_close_the_drum_before_it() {
    // Only high quality looks so far ahead.
    let quality = Quality::High;
    let plain = run(
        &mut engine(RATE_HZ, quality),
        &drum_loop(RATE_HZ, SECONDS),
        &[512],
    );
    let kicks = accepted(&plain, Drum::Kick);
    let mut heard = kicks.iter().map(|hit| hit.onset_sample as usize);
    let shown = heard.find(|onset| *onset > kick_at(6) - 2_000);
    let (shown, following) = shown.zip(heard.next()).expect("two kicks");
    let removal = |sample| Correction {
        sample,
        drum: Drum::Kick,
        adds: false,
    };
    let ms = |ms: f64| (ms * 1e-3 * RATE_HZ) as usize;
    let later = removal(following + ms(120.0));
    let one = corrected(quality, &[removal(shown)], &[512]);
    let two = corrected(quality, &[removal(shown), later], &[512]);
    let onset = following + engine(RATE_HZ, quality).latency_samples();
    let span = onset..onset + ms(50.0);
    let kick = |output: &Output| output.stems[0][0][span.clone()].to_vec();
    assert!(kick(&one) == kick(&two));
}

#[test]
fn an_added_hit_is_there_to_the_sample_and_only_once() {
    // A kick that is heard anyway, and a ride that nobody plays.
    let added = [(kick_at(6), Drum::Kick), (kick_at(9) + 3_000, Drum::Ride)];
    let corrections = added.map(|(sample, drum)| Correction {
        sample,
        drum,
        adds: true,
    });
    let output = corrected(Quality::Standard, &corrections, &[512]);
    for (sample, drum) in added {
        let hits = accepted(&output, drum);
        let near: Vec<_> = hits
            .iter()
            .filter(|hit| hit.onset_sample.abs_diff(sample as u64) < 2_000)
            .collect();
        assert_eq!(near.len(), 1, "{drum:?}");
        assert_eq!(near[0].onset_sample, sample as u64);
        assert_eq!(near[0].confidence, 1.0);
    }
}

/// Runs the loop with hits that were placed by eye.
fn placed(quality: Quality, hits: &[(usize, Drum)], blocks: &[usize]) -> Output {
    let input = drum_loop(RATE_HZ, SECONDS);
    let mut engine = engine(RATE_HZ, quality);
    run_telling(&mut engine, &input, blocks, |engine, block| {
        for (sample, drum) in hits {
            if block.contains(sample) {
                assert!(engine.place_hit(sample - block.start, *drum, None));
            }
        }
    })
}

#[test]
fn a_hit_that_was_placed_by_eye_is_used_at_the_onset() {
    let ms = |ms: f64| (ms * 1e-3 * RATE_HZ) as usize;
    // The hat that comes between a kick and a snare.
    let hat_at = |n: usize| kick_at(n) + ms(125.0);
    for quality in Quality::ALL {
        for (early, off) in [(true, 10.0), (false, 10.0), (true, 3.0), (false, 17.0)] {
            let off = ms(off);
            let place = |onset: usize| if early { onset - off } else { onset + off };
            let onsets = [
                (kick_at(4), Drum::Kick),
                (hat_at(6), Drum::ClosedHat),
                (kick_at(7), Drum::Snare),
            ];
            let hits = onsets.map(|(onset, drum)| (place(onset), drum));
            let output = placed(quality, &hits, &[512]);
            for (onset, drum) in onsets {
                let hits = accepted(&output, drum);
                let near = hits.iter().map(|hit| hit.onset_sample);
                let near: Vec<u64> = near
                    .filter(|heard| heard.abs_diff(onset as u64) < ms(50.0) as u64)
                    .collect();
                assert_eq!(
                    near.len(),
                    1,
                    "{quality:?} {drum:?} {off}: {near:?} {onset}"
                );
                let error = near[0] as f64 - onset as f64;
                assert!(
                    error.abs() < 1.5e-3 * RATE_HZ,
                    "{quality:?} {drum:?}: {error} samples"
                );
            }
        }
    }
}

#[test]
fn a_hit_that_was_placed_far_from_any_onset_stays() {
    let sample = kick_at(9) + 3_000;
    for quality in Quality::ALL {
        for drum in [Drum::Ride, Drum::Kick, Drum::Snare, Drum::MidTom] {
            let output = placed(quality, &[(sample, drum)], &[512]);
            let hits = accepted(&output, drum);
            let is_there = |hit: &Hit| hit.onset_sample == sample as u64;
            let found: Vec<u64> = hits.iter().map(|hit| hit.onset_sample).collect();
            assert!(hits.iter().any(is_there), "{quality:?} {drum:?}: {found:?}");
        }
    }
}

#[test]
fn placed_hits_are_the_same_for_every_partition() {
    let mut hits: Vec<(usize, Drum)> = (1..11)
        .map(|n| {
            let drum = [Drum::Kick, Drum::Snare, Drum::ClosedHat][n % 3];
            (kick_at(n) + 97 * n - 500, drum)
        })
        .collect();
    // A flam: the kick is nearer to the second, and within reach of both.
    for n in [4, 7] {
        let ms = |ms: usize| ms * RATE_HZ as usize / 1_000;
        hits.push((kick_at(n) - ms(17), Drum::Kick));
        hits.push((kick_at(n) + ms(13), Drum::Kick));
    }
    hits.sort_by_key(|(sample, _)| *sample);
    for quality in [Quality::Low, Quality::High] {
        let whole = placed(quality, &hits, &[4_096]);
        assert!(whole == placed(quality, &hits, &[1, 777, 64, 13]));
    }
}

#[test]
fn hits_tell_by_which_sensitivity_they_were_decided() {
    let input = drum_loop(RATE_HZ, 4.0);
    let set = |sensitivity: f32| {
        let mut controls = Controls::default();
        for drum in &mut controls.drums {
            drum.sensitivity = sensitivity;
        }
        controls
    };
    let mut engine = engine(RATE_HZ, Quality::High);
    engine.set_controls(&set(0.5));
    let plain = run(&mut engine, &input, &[64]);
    let kicks = plain.hits.iter().filter(|(_, hit)| {
        let is_late = hit.onset_sample > 2 * RATE_HZ as u64;
        hit.drum == Drum::Kick && hit.verdict == Verdict::Accepted && is_late
    });
    let heard_at = kicks.map(|(at, _)| *at).next().expect("a kick") as usize;
    engine.reset();
    engine.set_controls(&set(0.5));
    // It is changed in the block in which the kick is heard.
    let output = run_telling(&mut engine, &input, &[64], |engine, block| {
        if block.contains(&heard_at) {
            engine.set_controls(&set(0.55));
        }
    });
    let said: Vec<f32> = output
        .hits
        .iter()
        .filter(|(at, _)| *at as usize >= heard_at)
        .map(|(_, hit)| hit.evidence.sensitivity)
        .collect();
    assert_eq!((said.first(), said.last()), (Some(&0.5), Some(&0.55)));
}

#[test]
fn corrections_are_the_same_for_every_partition() {
    let corrections: Vec<Correction> = (1..11)
        .map(|n| Correction {
            sample: kick_at(n) + 37 * n,
            drum: [Drum::Kick, Drum::Snare, Drum::ClosedHat][n % 3],
            adds: n % 2 == 0,
        })
        .collect();
    let whole = corrected(Quality::Low, &corrections, &[2048]);
    assert!(whole == corrected(Quality::Low, &corrections, &[1, 777, 64, 13]));
}

#[test]
fn long_blocks_lose_no_hit() {
    let rate_hz = 8_000.0;
    let input = drum_loop(rate_hz, 8.5);
    let onsets = (0..1_000).map(|n| 1_000 + 64 * n).collect::<Vec<usize>>();
    let heard_in = |blocks: &[usize]| {
        let mut engine = engine(rate_hz, Quality::Low);
        engine.set_controls(&Controls {
            hits: HitSource::Given,
            ..Controls::default()
        });
        let output = run_telling(&mut engine, &input, blocks, |engine, block| {
            for onset in onsets.iter().filter(|onset| block.contains(onset)) {
                assert!(engine.give_hit(onset - block.start, Drum::Snare, None));
            }
        });
        accepted(&output, Drum::Snare)
    };
    let hits = heard_in(&[65_536]);
    assert_eq!(hits.len(), onsets.len());
    assert!(hits.iter().all(|hit| hit.level.is_finite()));
    assert!(hits == heard_in(&[512]));
}

/// Mean of what `of` says of the heard closed hats from 4 s on, on kicks and between drums.
fn later_hats(output: &Output, of: impl Fn(&Hit) -> f32) -> [f32; 2] {
    let (mut sums, mut counts) = ([0.0; 2], [0.0; 2]);
    let judged = output.hits.iter().map(|(_, hit)| hit).filter(|hit| {
        let is_judged = matches!(hit.verdict, Verdict::Accepted | Verdict::BelowThreshold);
        hit.drum == Drum::ClosedHat && is_judged && hit.onset_sample as f64 > 4.0 * RATE_HZ
    });
    for hit in judged {
        let eighth = ((hit.onset_sample as f64 / RATE_HZ - 0.05) / 0.125).round() as usize;
        let place = usize::from(!eighth.is_multiple_of(4));
        sums[place] += of(hit);
        counts[place] += 1.0;
    }
    assert!(counts[0] >= 3.0 && counts[1] >= 6.0, "{counts:?}");
    [sums[0] / counts[0], sums[1] / counts[1]]
}

#[test]
fn what_is_corrected_teaches() {
    for quality in Quality::ALL {
        let input = drum_loop(RATE_HZ, SECONDS);
        let mut engine = engine(RATE_HZ, quality);
        let plain = run(&mut engine, &input, &[512]);
        // The user says that no hat is played with the first kicks.
        let on_kick = |hit: &&Hit| {
            let mut kicks = (1..5).map(kick_at);
            let is_near = |kick: usize| hit.onset_sample.abs_diff(kick as u64) < 1_000;
            hit.drum == Drum::ClosedHat && kicks.any(is_near)
        };
        let heard: Vec<Hit> = plain.hits.iter().map(|(_, hit)| *hit).collect();
        let mut played = [false; DRUM_COUNT];
        played[Drum::Kick.index()] = true;
        let lessons: Vec<Lesson> = heard
            .iter()
            .filter(on_kick)
            .map(|hit| Lesson {
                odds: hit.evidence.odds,
                played,
            })
            .collect();
        assert!(lessons.len() >= 3, "{quality:?}: {heard:?}");
        engine.reset();
        engine.teach(lessons.iter().copied());
        let taught = run(&mut engine, &input, &[512]);
        let against = later_hats(&taught, |hit| hit.evidence.taught[1]);
        assert!(
            against[0] > 0.5 && against[1] < 0.5 * against[0],
            "{quality:?}: {against:?}"
        );
        assert_eq!(later_hats(&plain, |hit| hit.evidence.taught[1]), [0.0, 0.0]);
        let [before, after] =
            [&plain, &taught].map(|output| later_hats(output, |hit| hit.confidence));
        assert!(
            after[0] < before[0] - 0.1,
            "{quality:?}: {before:?} {after:?}"
        );
        assert!(
            (after[1] - before[1]).abs() < 0.1,
            "{quality:?}, elsewhere: {before:?} {after:?}"
        );
        // It does not depend on when it was said, nor on blocks, and is taken back whole.
        engine.reset();
        assert!(taught == run(&mut engine, &input, &[1, 777, 64, 13]));
        engine.reset();
        engine.teach([].into_iter());
        assert!(plain == run(&mut engine, &input, &[4_096]));
    }
}

#[test]
fn a_hit_given_just_before_the_engine_listens_is_heard_once() {
    // Not given, it is heard, if the engine listens from its onset on.
    for before in [0, 1, 40, 250, 900, 1_600] {
        let kick = kick_at(6);
        let mut engine = engine(RATE_HZ, Quality::Standard);
        engine.set_controls(&Controls {
            hits: HitSource::Given,
            ..Controls::default()
        });
        engine.listen_from(Some((kick + before) as u64));
        let input = drum_loop(RATE_HZ, SECONDS);
        let output = run_telling(&mut engine, &input, &[512], |engine, block| {
            if before > 0 && block.contains(&kick) {
                assert!(engine.give_hit(kick - block.start, Drum::Kick, None));
            }
        });
        let kicks = accepted(&output, Drum::Kick);
        let near = kicks
            .iter()
            .filter(|hit| hit.onset_sample.abs_diff(kick as u64) < 4_000);
        assert_eq!(near.count(), 1, "{before} samples before");
    }
}

#[test]
fn hits_may_be_given_for_the_beginning_only() {
    let until = (3.0 * RATE_HZ) as usize;
    let output = |blocks: &[usize]| {
        let mut engine = engine(RATE_HZ, Quality::Standard);
        engine.set_controls(&Controls {
            hits: HitSource::Given,
            ..Controls::default()
        });
        engine.listen_from(Some(until as u64));
        let input = drum_loop(RATE_HZ, SECONDS);
        run_telling(&mut engine, &input, blocks, |engine, block| {
            for n in 0..6 {
                if block.contains(&kick_at(n)) {
                    assert!(engine.give_hit(kick_at(n) - block.start, Drum::Kick, None));
                }
            }
        })
    };
    let whole = output(&[512]);
    assert!(whole == output(&[1, 777, 64, 13]));
    let hits = Drum::ALL.map(|drum| accepted(&whole, drum));
    let is_first = |hit: &&Hit| (hit.onset_sample as usize) < until - 500;
    let first: Vec<usize> = hits
        .iter()
        .map(|h| h.iter().filter(is_first).count())
        .collect();
    assert_eq!(first[0], 6);
    assert!(first[1..].iter().all(|&count| count == 0), "{first:?}");
    let counts = hits.map(|hits| hits.len());
    assert!(
        counts[0] > 9 && counts[2] > 9,
        "it listens after them: {counts:?}"
    );
}
