//! The same plugin as an instrument, for hosts that give only instruments more outputs.

use xtask::analysis;
use xtask::hosts::{self, Note};
use xtask::render::{self as streaming, RenderOptions};

use super::{
    FORMATS, NULL_DBFS, RATE_HZ, assert_same, excerpt, open, open_plugin, render, render_to_the_end,
};

const NAME: &str = "Inverse Drum Machine Instrument";

#[test]
fn the_drums_come_in_by_the_side_chain() {
    for format in FORMATS {
        let instrument = open_plugin(format, Some(NAME));
        assert_eq!(instrument.name(), NAME, "{format}");
        let [input] = instrument.input_buses() else {
            panic!("{format}: {:?}", instrument.input_buses());
        };
        assert_eq!(input.name, "Drums in", "{format}");
        assert!(!input.is_main && input.channels == 2, "{format}: {input:?}");
        assert_eq!(instrument.output_buses(), open(format).output_buses());
    }
}

#[test]
fn it_does_to_the_bit_what_the_effect_does() {
    let input = excerpt();
    for format in FORMATS {
        let effect = render(open(format).as_mut(), &input, 512);
        let instrument = render(open_plugin(format, Some(NAME)).as_mut(), &input, 512);
        assert_same(&instrument, &effect, &format!("{format}"));
        let level = analysis::null_test_dbfs(&instrument, &input);
        assert!(level < NULL_DBFS, "{format}: {level} dBFS");
    }
}

#[test]
fn projects_of_the_effect_open_in_it() {
    for format in FORMATS {
        let mut effect = open(format);
        hosts::set_parameter(effect.as_mut(), "Kick level", "-6 dB").expect("sets");
        render_to_the_end(effect.as_mut(), &excerpt());
        let state = effect.save_state().expect("saves");
        let mut instrument = open_plugin(format, Some(NAME));
        instrument.load_state(&state).expect("loads");
        let again = render(instrument.as_mut(), &excerpt(), 512);
        let mut other = open(format);
        other.load_state(&state).expect("loads");
        assert_same(
            &again,
            &render(other.as_mut(), &excerpt(), 512),
            "a project",
        );
    }
}

#[test]
fn notes_play_the_kit_while_nothing_comes_in() {
    let silence = [vec![0.0; 22_050], vec![0.0; 22_050]];
    for format in FORMATS {
        let mut options = RenderOptions::blocks_of(256);
        options.notes.push(Note {
            sample: 1_000,
            on: true,
            channel: 9,
            key: 38,
            velocity: 0.8,
        });
        let mut instrument = open_plugin(format, Some(NAME));
        let played = streaming::render(instrument.as_mut(), &silence, RATE_HZ, &options);
        let played = played.expect("it renders");
        let snare = played.bus_names.iter().position(|name| name == "Snare");
        for (bus, audio) in played.audio.iter().enumerate() {
            let is_heard = analysis::peak_dbfs(audio) > -60.0;
            let expected = bus == 0 || Some(bus) == snare;
            assert_eq!(is_heard, expected, "{format}: {}", played.bus_names[bus]);
        }
    }
}

#[test]
fn a_plugin_that_is_not_there_is_named() {
    let bundles = xtask::bundle::shared().expect("the bundles are built");
    for path in [&bundles.clap, &bundles.vst3] {
        let error = hosts::open_plugin(path, Some("Another")).err();
        let error = error.expect("there is none").to_string();
        assert_eq!(error, "the library holds no plugin 'Another'");
    }
}
