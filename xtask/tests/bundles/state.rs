//! Projects come back as they were saved.

use xtask::hosts::Host;

use super::{FORMATS, assert_same, excerpt, open, render};

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
