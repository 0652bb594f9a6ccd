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

/// The layouts that a host of `format` can express.
fn layouts(format: Format) -> Vec<OutputLayout> {
    let mut layouts = vec![
        OutputLayout::First(1),
        OutputLayout::First(2),
        OutputLayout::First(4),
        OutputLayout::First(10),
    ];
    if format == Format::Vst3 {
        layouts.extend([
            OutputLayout::NullAuxArrays,
            OutputLayout::NullAuxChannels,
            OutputLayout::EmptyAux,
        ]);
    }
    layouts
}

#[test]
fn fewer_buses_carry_the_same_audio() {
    let input = excerpt();
    for format in FORMATS {
        let all = render(open(format).as_mut(), &input, 512);
        for layout in layouts(format) {
            let mut host = open(format);
            host.set_output_layout(layout).expect("the host can");
            let some = render(host.as_mut(), &input, 512);
            assert_eq!(
                some.latency_samples, all.latency_samples,
                "{format} {layout:?}"
            );
            assert_eq!(some.audio.len(), layout.buffered(all.audio.len()));
            for (bus, audio) in some.audio.iter().enumerate() {
                let what = format!("{format} {layout:?} bus {bus}");
                assert_same_audio(audio, &all.audio[bus], &what);
            }
            assert_eq!(some.notes, all.notes, "{format} {layout:?}");
        }
    }
}

#[test]
fn no_buses_at_all_do_no_harm() {
    let input = excerpt();
    let mut host = open(Format::Vst3);
    host.set_output_layout(OutputLayout::None)
        .expect("the host can");
    let nothing = render_to_the_end(host.as_mut(), &input);
    assert!(nothing.audio.is_empty());
    // The instance is as good as new afterwards.
    host.set_output_layout(OutputLayout::All)
        .expect("the host can");
    let after = render_to_the_end(host.as_mut(), &input);
    let fresh = render_to_the_end(open(Format::Vst3).as_mut(), &input);
    super::assert_same(&after, &fresh, "after a render without buses");
}
