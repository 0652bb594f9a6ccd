//! Which buses the plugin declares, and that it stays right when a host hands
//! over fewer.

use xtask::drums::DRUMS;
use xtask::hosts::{Format, OutputLayout};

use super::{FORMATS, assert_same_audio, excerpt, open, render, render_to_the_end};

#[test]
fn both_formats_declare_main_nine_drums_and_residual() {
    for format in FORMATS {
        let host = open(format);
        assert_eq!(host.name(), "Inverse Drum Machine", "{format}");
        let inputs = host.input_buses();
        assert_eq!(inputs.len(), 1, "{format}");
        assert_eq!(inputs[0].channels, 2, "{format}");
        let outputs = host.output_buses();
        let names: Vec<&str> = outputs[1..].iter().map(|bus| bus.name.as_str()).collect();
        let mut expected: Vec<&str> = DRUMS.iter().map(|drum| drum.name).collect();
        expected.push("Residual");
        assert_eq!(names, expected, "{format}");
        assert!(outputs.iter().all(|bus| bus.channels == 2), "{format}");
        let main: Vec<bool> = outputs.iter().map(|bus| bus.is_main).collect();
        assert!(main[0] && !main[1..].contains(&true), "{format}: {main:?}");
    }
}

#[test]
fn fewer_buses_carry_the_same_audio() {
    let input = excerpt();
    for format in FORMATS {
        let all = render(open(format).as_mut(), &input, 512);
        for count in [1, 2, 4, 10] {
            let mut host = open(format);
            let layout = OutputLayout::First(count);
            host.set_output_layout(layout).expect("the host can");
            let some = render(host.as_mut(), &input, 512);
            let what = format!("{format}, {count} buses");
            assert_eq!(some.latency_samples, all.latency_samples, "{what}");
            assert_eq!(some.audio.len(), count);
            for (bus, audio) in some.audio.iter().enumerate() {
                assert_same_audio(audio, &all.audio[bus], &format!("{what}: bus {bus}"));
            }
            assert_eq!(some.notes, all.notes, "{what}");
        }
    }
}

#[test]
fn no_buses_at_all_do_no_harm() {
    let input = excerpt();
    let mut host = open(Format::Vst3);
    host.set_output_layout(OutputLayout::First(0))
        .expect("the host can");
    // What is heard live would teach it the kit.
    host.set_offline(true).expect("sets");
    let nothing = render_to_the_end(host.as_mut(), &input);
    assert!(nothing.audio.is_empty());
    // The instance is as good as new afterwards.
    host.set_output_layout(OutputLayout::All)
        .expect("the host can");
    let after = render_to_the_end(host.as_mut(), &input);
    let fresh = render_to_the_end(open(Format::Vst3).as_mut(), &input);
    super::assert_same(&after, &fresh, "after a render without buses");
}
