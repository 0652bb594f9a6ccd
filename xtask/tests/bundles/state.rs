//! Projects come back as they were saved.

use xtask::hosts::Host;

use super::{FORMATS, RATE_HZ, assert_same, demo, excerpt, json_of, open, render};

/// Values of all parameters, normalised.
fn values(host: &mut dyn Host) -> Vec<(String, f64)> {
    let parameters = host.parameters().expect("it has parameters");
    parameters
        .into_iter()
        .map(|parameter| {
            let value = host.value(parameter.id).expect("it has a value");
            (parameter.name, value)
        })
        .collect()
}

/// Moves every parameter away from its default, each by another amount.
fn move_everything(host: &mut dyn Host) {
    for (index, parameter) in host.parameters().expect("it has some").iter().enumerate() {
        let amount = 0.15 + 0.35 * ((index as f64 * 0.618).fract());
        let value = if parameter.default_normalised > 0.5 {
            parameter.default_normalised - amount
        } else {
            parameter.default_normalised + amount
        };
        host.set_value(parameter.id, value).expect("it can be set");
    }
}

#[test]
fn parameters_are_the_same_in_both_formats() {
    let names = FORMATS.map(|format| {
        let parameters = open(format).parameters().expect("it has parameters");
        let mut ids: Vec<(u32, String)> = parameters
            .into_iter()
            .map(|parameter| (parameter.id, parameter.name))
            .collect();
        ids.sort();
        ids
    });
    assert!(names[0].len() > 90, "found {}", names[0].len());
    // Formats may add controls of their own, but must share the plugin's.
    for id in &names[0] {
        assert!(names[1].contains(id), "only in CLAP: {id:?}");
    }
}

#[test]
fn state_brings_everything_back() {
    let input = excerpt();
    for format in FORMATS {
        let mut first = open(format);
        let defaults = values(first.as_mut());
        move_everything(first.as_mut());
        let moved = values(first.as_mut());
        let unmoved: Vec<_> = defaults
            .iter()
            .zip(&moved)
            .filter(|(default, moved)| default == moved)
            .map(|(default, _)| &default.0)
            .collect();
        // A switch that was asked to move by less than half a step stays.
        assert!(
            unmoved.len() * 2 < defaults.len(),
            "{format}: unmoved {unmoved:?}"
        );
        let state = first.save_state().expect("saves");

        let mut second = open(format);
        second.load_state(&state).expect("loads");
        for ((name, expected), (_, found)) in moved.iter().zip(&values(second.as_mut())) {
            assert!(
                (expected - found).abs() < 1e-4,
                "{format} {name}: {found}, not {expected}"
            );
        }
        assert!(
            second.save_state().expect("saves") == state,
            "{format}: saved again, the state differs"
        );
        let expected = render(first.as_mut(), &input, 512);
        let found = render(second.as_mut(), &input, 512);
        assert_same(&found, &expected, &format!("{format}, after loading"));
    }
}

#[test]
fn bad_states_do_no_harm() {
    let input = excerpt();
    for format in FORMATS {
        let good = open(format).save_state().expect("saves");
        let expected = render(open(format).as_mut(), &input, 512);
        let truncated = good[..good.len() / 2].to_vec();
        for bad in [
            Vec::new(),
            b"nonsense".to_vec(),
            vec![0xff; 4_000],
            truncated,
        ] {
            let mut host = open(format);
            // An error or not: the plugin must go on as before.
            let _ = host.load_state(&bad);
            let found = render(host.as_mut(), &input, 512);
            assert_same(&found, &expected, &format!("{format}, after a bad state"));
        }
    }
}

/// The learnt kit in a saved state.
fn kit(state: &[u8]) -> String {
    let kit = &json_of(state)["fields"]["kit"];
    kit.as_str().expect("a kit").to_owned()
}

/// Plays `seconds` of the loop, or silence, in the block of an active instance.
fn go_on(host: &mut dyn Host, seconds: f64, gain: f32) {
    let input = demo().channels.clone();
    let samples = (seconds * RATE_HZ) as usize;
    let (mut outputs, mut notes) = (Vec::new(), Vec::new());
    for start in (0..samples).step_by(512) {
        let block = input.each_ref().map(|channel| -> Vec<f32> {
            let block = &channel[start..start + 512];
            block.iter().map(|sample| gain * sample).collect()
        });
        let block = block.each_ref().map(Vec::as_slice);
        host.process(&block, &[], &mut outputs, &mut notes)
            .expect("it goes on");
    }
}

#[test]
fn a_kit_that_is_loaded_while_audio_plays_is_the_one_that_is_saved() {
    for format in FORMATS {
        let mut first = open(format);
        first.set_offline(true).expect("it renders offline");
        first.activate(RATE_HZ, 512).expect("it starts");
        go_on(first.as_mut(), 7.5, 1.0);
        let learnt = first.save_state().expect("saves");
        first.deactivate().expect("it stops");
        let empty = open(format).save_state().expect("saves");
        assert!(
            kit(&learnt).len() > 1_000 && kit(&empty).len() < 100,
            "{format}"
        );

        let mut second = open(format);
        second.set_offline(true).expect("it renders offline");
        second.activate(RATE_HZ, 512).expect("it starts");
        go_on(second.as_mut(), 1.0, 1.0);
        second.load_state(&learnt).expect("loads");
        assert!(
            kit(&second.save_state().expect("saves")) == kit(&learnt),
            "{format}, at once"
        );
        go_on(second.as_mut(), 2.0, 0.0);
        assert!(
            kit(&second.save_state().expect("saves")) == kit(&learnt),
            "{format}, heard"
        );
        // From here on it is learnt from again, and an older one does not come back.
        go_on(second.as_mut(), 7.5, 1.0);
        let more = second.save_state().expect("saves");
        assert!(
            kit(&more) != kit(&learnt),
            "{format}: nothing more is learnt"
        );
        second.deactivate().expect("it stops");
        second.activate(RATE_HZ, 512).expect("it starts");
        assert!(
            kit(&second.save_state().expect("saves")) == kit(&more),
            "{format}, again"
        );
        second.load_state(&empty).expect("loads");
        go_on(second.as_mut(), 1.5, 0.0);
        assert!(
            kit(&second.save_state().expect("saves")) == kit(&empty),
            "{format}, forgotten"
        );
        second.deactivate().expect("it stops");
    }
}
