//! MIDI: hits go out when they sound, notes in play the pads or are the hits.

use xtask::analysis::{self, Matches};
use xtask::drums::DRUMS;
use xtask::hosts::Note;
use xtask::render::{self, RenderOptions};

use super::{FORMATS, RATE_HZ, demo, open, open_with, render};

/// True samples of a drum of the demonstration loop.
fn truth(drum: usize) -> Vec<usize> {
    demo()
        .hits
        .iter()
        .filter(|hit| hit.drum == drum)
        .map(|hit| hit.sample)
        .collect()
}

#[test]
fn kick_and_snare_of_the_loop_are_found_where_they_are() {
    for format in FORMATS {
        let rendering = render(open(format).as_mut(), &demo().channels, 512);
        let notes = rendering.aligned_notes();
        let mut all = Matches::default();
        for drum in [0, 1] {
            let found = analysis::onsets(&notes, DRUMS[drum].key);
            let within_20_ms = (0.02 * RATE_HZ) as usize;
            let matches = analysis::match_hits(&truth(drum), &found, within_20_ms);
            all.truth += matches.truth;
            all.found += matches.found;
            all.matched += matches.matched;
        }
        assert!(all.f_measure() > 0.6, "{format}: {all:?}");
    }
}

#[test]
fn a_resynthesised_hit_sounds_at_its_note() {
    for format in FORMATS {
        let mut host = open_with(format, &[("blend_1", "@1"), ("learn", "@0")]);
        let rendering = render(host.as_mut(), &demo().channels, 333);
        let notes = analysis::onsets(&rendering.notes, DRUMS[0].key);
        let first_note = *notes.first().expect("a kick is found");
        let first_sound = rendering.audio[1]
            .iter()
            .filter_map(|channel| channel.iter().position(|&sample| sample != 0.0))
            .min()
            .expect("the kick bus sounds");
        // One-shots may start with a zero sample or two.
        assert!(
            (first_note..first_note + 32).contains(&first_sound),
            "{format}: note at {first_note}, sound at {first_sound}"
        );
    }
}

#[test]
fn notes_are_well_formed() {
    for format in FORMATS {
        let rendering = render(open(format).as_mut(), &demo().channels, 333);
        assert!(!rendering.notes.is_empty(), "{format}");
        let mut sounding = [0_i32; 128];
        for note in &rendering.notes {
            assert!((0.0..=1.0).contains(&note.velocity), "{format}: {note:?}");
            assert!(
                DRUMS.iter().any(|drum| drum.key == note.key),
                "{format}: {note:?}"
            );
            if note.on {
                assert!(note.velocity > 0.0, "{format}: {note:?}");
            }
            let count = &mut sounding[usize::from(note.key)];
            *count += if note.on { 1 } else { -1 };
            assert!(
                (0..=1).contains(count),
                "{format}: {note:?} does not alternate"
            );
        }
        assert!(
            rendering.notes.is_sorted_by_key(|note| note.sample),
            "{format}"
        );
    }
}

#[test]
fn notes_in_play_the_one_shots_at_their_sample() {
    for format in FORMATS {
        for block in [64, 512] {
            let silence = [vec![0.0; 40_000], vec![0.0; 40_000]];
            let at = 10_007;
            let mut options = RenderOptions::blocks_of(block);
            options.notes = vec![Note {
                sample: at,
                on: true,
                channel: 9,
                key: DRUMS[1].key,
                velocity: 0.9,
            }];
            let mut host = open(format);
            let rendering =
                render::render(host.as_mut(), &silence, RATE_HZ, &options).expect("it renders");
            let what = format!("{format}, blocks of {block}");
            let first = |bus: usize| {
                rendering.audio[bus]
                    .iter()
                    .filter_map(|channel| channel.iter().position(|&sample| sample != 0.0))
                    .min()
            };
            let snare = first(2).unwrap_or_else(|| panic!("{what}: no sound"));
            // One-shots may start with a zero sample or two.
            assert!((at..at + 32).contains(&snare), "{what}: at {snare}");
            assert!(
                analysis::peak_dbfs(&rendering.audio[2]) > -40.0,
                "{what}: too quiet"
            );
            assert_eq!(first(1), None, "{what}: the kick bus is not silent");
        }
    }
}

#[test]
fn notes_in_are_the_hits_where_the_user_wants_that() {
    let demo = demo();
    let notes: Vec<Note> = demo
        .hits
        .iter()
        .map(|hit| Note {
            sample: hit.sample,
            on: true,
            channel: 9,
            key: DRUMS[hit.drum].key,
            velocity: 0.5,
        })
        .collect();
    for format in FORMATS {
        let mut options = RenderOptions::blocks_of(333);
        options.notes = notes.clone();
        let mut host = open_with(format, &[("hits", "@0.5")]);
        let rendering =
            render::render(host.as_mut(), &demo.channels, RATE_HZ, &options).expect("it renders");
        let end = demo.channels[0].len() - 2 * rendering.latency_samples;
        let sorted = |notes: &[Note]| {
            let ons = notes.iter().filter(|note| note.on && note.sample < end);
            let mut ons: Vec<_> = ons.map(|note| (note.sample, note.key)).collect();
            ons.sort_unstable();
            ons
        };
        let found = sorted(&rendering.aligned_notes());
        assert!(found.len() > 20, "{format}");
        assert_eq!(found, sorted(&notes), "{format}");
    }
}

#[test]
fn notes_of_a_late_take_are_hits_where_their_drums_begin() {
    let demo = demo();
    let late = (0.01 * RATE_HZ) as usize;
    let played: Vec<_> = demo.hits.iter().filter(|hit| hit.drum < 2).collect();
    let notes: Vec<Note> = played
        .iter()
        .map(|hit| Note {
            sample: hit.sample + late,
            on: true,
            channel: 9,
            key: DRUMS[hit.drum].key,
            velocity: 0.5,
        })
        .collect();
    for format in FORMATS {
        let mut options = RenderOptions::blocks_of(333);
        options.notes = notes.clone();
        let mut host = open_with(format, &[("hits", "@1")]);
        let rendering =
            render::render(host.as_mut(), &demo.channels, RATE_HZ, &options).expect("it renders");
        let found = rendering.aligned_notes();
        let nearest = |sample: usize, key: u8| {
            let ons = found.iter().filter(|note| note.on && note.key == key);
            ons.map(|note| note.sample.abs_diff(sample)).min()
        };
        let end = demo.channels[0].len() - 2 * rendering.latency_samples;
        let (mut right, mut all) = (0, 0);
        for hit in played.iter().filter(|hit| hit.sample < end) {
            let off = nearest(hit.sample, DRUMS[hit.drum].key);
            right += usize::from(off.is_some_and(|off| off < late / 2));
            all += 1;
        }
        assert!(
            all > 20 && 10 * right >= 7 * all,
            "{format}: {right} of {all}"
        );
    }
}
