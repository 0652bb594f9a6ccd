//! Hits corrected by hand: kept with the project, in effect at their places in the song.

use serde_json::Value;
use xtask::analysis;
use xtask::bundle;
use xtask::drums::DRUMS;
use xtask::hosts::clap::ClapHost;
use xtask::hosts::{Format, Host};
use xtask::render::{self as streaming, RenderOptions, Rendering};

use super::{FORMATS, RATE_HZ, assert_same, demo, open, state_with};

/// Where in the song the loop begins, in samples.
const SONG_SAMPLE: usize = 1_000_000;

fn play(format: Format, state: Option<&[u8]>, is_playing: bool, blocks: &[usize]) -> Rendering {
    play_in(open(format), state, is_playing, blocks)
}

fn play_in(
    mut host: Box<dyn Host>,
    state: Option<&[u8]>,
    is_playing: bool,
    blocks: &[usize],
) -> Rendering {
    if let Some(state) = state {
        host.load_state(state).expect("the state loads");
    }
    let mut options = RenderOptions::blocks_in_turn(blocks);
    options.song_sample = is_playing.then_some(SONG_SAMPLE);
    streaming::render(host.as_mut(), &demo().channels, RATE_HZ, &options).expect("it renders")
}

/// The state of a new instance, with these corrections (seconds, drum, hit) in it.
fn corrected(format: Format, corrections: &[(f64, &str, bool)]) -> Vec<u8> {
    let list: Vec<Value> = corrections
        .iter()
        .map(|(song_s, drum, hit)| serde_json::json!({"song_s": song_s, "drum": drum, "hit": hit}))
        .collect();
    let text = serde_json::to_string(&list).expect("JSON");
    state_with(format, "corrections", &text)
}

#[test]
fn corrections_of_a_project_take_effect_where_they_belong() {
    for format in FORMATS {
        let plain = play(format, None, true, &[512]);
        let kicks =
            |rendering: &Rendering| analysis::onsets(&rendering.aligned_notes(), DRUMS[0].key);
        let snares =
            |rendering: &Rendering| analysis::onsets(&rendering.aligned_notes(), DRUMS[1].key);
        let heard = kicks(&plain);
        let removed = heard[heard.len() / 2];
        let song_s = |sample: usize| (SONG_SAMPLE + sample) as f64 / RATE_HZ;
        let state = corrected(
            format,
            &[
                (song_s(removed), "kick", false),
                (song_s(removed), "snare", true),
            ],
        );
        let corrected = play(format, Some(&state), true, &[512]);
        assert!(!kicks(&corrected).contains(&removed), "{format}");
        assert_eq!(kicks(&corrected).len() + 1, heard.len(), "{format}");
        assert!(snares(&corrected).contains(&removed), "{format}");
        // Kept with the project, the same for all blocks, and only where the song is.
        let mut host = open(format);
        host.load_state(&state).expect("the state loads");
        let again = host.save_state().expect("it saves");
        let other = play(format, Some(&again), true, &[64, 999]);
        assert_eq!(other.notes, corrected.notes, "{format}");
        assert!(other.audio == corrected.audio, "{format}");
        let standing = play(format, Some(&state), false, &[512]);
        assert!(
            standing.audio == plain.audio,
            "{format}: the transport stands"
        );
    }
}

#[test]
fn places_that_are_told_within_a_block_hold_from_there_on() {
    let plain = play(Format::Clap, None, true, &[4096]);
    let heard = analysis::onsets(&plain.aligned_notes(), DRUMS[0].key);
    let corrections: Vec<_> = heard
        .iter()
        .map(|sample| ((SONG_SAMPLE + sample) as f64 / RATE_HZ, "kick", false))
        .collect();
    let state = corrected(Format::Clap, &corrections);
    let corrected = play(Format::Clap, Some(&state), true, &[4096]);
    assert!(analysis::onsets(&corrected.aligned_notes(), DRUMS[0].key).is_empty());
    let mut host =
        ClapHost::open(&bundle::shared().expect("they are built").clap, None).expect("it loads");
    host.tell_within_blocks();
    let told = play_in(Box::new(host), Some(&state), true, &[4096]);
    let kicks = analysis::onsets(&told.aligned_notes(), DRUMS[0].key);
    assert!(kicks.is_empty(), "{kicks:?}");
    assert_same(&told, &corrected, "told in the middle of blocks");
}
