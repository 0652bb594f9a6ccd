#![allow(unsafe_code)] // Of parameters only pointers are listed.

use std::collections::BTreeSet;

use nice_plug::params::internals::ParamPtr;
use nice_plug::plugin::ParamValue;
use nice_plug::prelude::{Enum, Params};
use proptest::prelude::*;

use super::*;
use crate::params::{BusChoice, HitChoice, IdmParams, MainOutput, QualityChoice};

fn state_with(params: &[(&str, ParamValue)], fields: &[(&str, &str)]) -> PluginState {
    PluginState {
        version: "0.0.0".into(),
        params: params
            .iter()
            .map(|(id, value)| (id.to_string(), value.clone()))
            .collect(),
        fields: fields
            .iter()
            .map(|(key, text)| (key.to_string(), text.to_string()))
            .collect(),
    }
}

#[test]
fn every_parameter_is_kept_and_nothing_else() {
    let params = IdmParams::default();
    let mut state = state_with(&[("rev", ParamValue::I32(7))], &[]);
    state.params.extend(params.values());
    for id in [
        "level", "level_0", "level_10", "level_x", "_1", "", "loud_1",
    ] {
        state.params.insert(id.into(), ParamValue::F32(0.5));
    }
    repair(&mut state);
    let kept: BTreeSet<String> = state.params.into_keys().collect();
    let ids = params.param_map().into_iter().map(|(id, _, _)| id);
    assert_eq!(kept, ids.collect());
}

#[test]
fn bad_values_are_repaired_or_dropped() {
    let mut state = state_with(
        &[
            ("level_1", ParamValue::F32(1e9)),
            ("level_2", ParamValue::F32(f32::NAN)),
            ("level_3", ParamValue::String("loud".into())),
            ("blend_1", ParamValue::I32(1)),
            ("note_1", ParamValue::I32(-5)),
            ("note_2", ParamValue::F32(1e20)),
            ("mute_1", ParamValue::F32(1.0)),
            ("main", ParamValue::String("nothing".into())),
            ("qual", ParamValue::I32(2)),
            ("bus_1", ParamValue::I32(99)),
            ("future_1", ParamValue::F32(0.5)),
        ],
        &[("editor", r#"{"width": 1e30, "zoom": -4}"#)],
    );
    repair(&mut state);
    let loaded = serde_json::to_value(&state.params).unwrap();
    assert_eq!(
        loaded,
        serde_json::json!({
            "level_1": {"f32": 12.0},
            "blend_1": {"f32": 1.0},
            "note_1": {"i32": 0},
            "note_2": {"i32": 127},
            "qual": {"string": "high"},
        })
    );
    let editor: EditorState = serde_json::from_str(&state.fields["editor"]).unwrap();
    assert_eq!(
        editor,
        EditorState {
            width: EditorState::MAX_SIZE.0,
            zoom: EditorState::ZOOM.0,
            ..EditorState::default()
        }
    );
}

#[test]
fn an_unreadable_field_becomes_the_default() {
    let mut state = state_with(&[], &[("editor", "]["), ("format", "many")]);
    repair(&mut state);
    let editor: EditorState = serde_json::from_str(&state.fields["editor"]).unwrap();
    assert_eq!(editor, EditorState::default());
}

#[test]
fn the_stamp_is_saved_and_survives_older_states() {
    let params = IdmParams::default();
    assert_eq!(params.serialize_fields()["format"], FORMAT.to_string());
    params.deserialize_fields(&BTreeMap::from([("format".into(), "0".into())]));
    assert_eq!(params.serialize_fields()["format"], FORMAT.to_string());
}

#[test]
fn a_newer_format_is_told_until_another_state_is_loaded() {
    let params = IdmParams::default();
    let load = |format: &str| {
        let mut state = state_with(&[], &[("format", format)]);
        super::load(&mut state);
        params.deserialize_fields(&state.fields);
        params.format.problem()
    };
    assert!(load(&(FORMAT + 1).to_string()).contains("newer version"));
    for (loads, format) in [FORMAT.to_string(), "0".into(), "many".into()]
        .iter()
        .enumerate()
    {
        assert!(load(format).is_empty(), "{format}");
        assert_eq!(params.format.loads(), loads as u64 + 2);
    }
}

#[test]
fn what_a_state_lacks_is_that_of_a_new_project() {
    use crate::corrections::Correction;
    use idm_engine::drum::Drum;
    let params = IdmParams::default();
    let correction = Correction {
        song_s: 1.0,
        drum: Drum::Kick,
        is_hit: true,
        snaps: false,
        lesson: None,
    };
    params.corrections.say(correction);
    let mut state = state_with(&[("level_2", ParamValue::F32(-3.0))], &[]);
    load(&mut state);
    let ids: BTreeSet<String> = state.params.keys().cloned().collect();
    let all = params.param_map().into_iter().map(|(id, _, _)| id);
    assert_eq!(ids, all.collect());
    let mut expected = IdmParams::default().values();
    expected.insert("level_2".into(), ParamValue::F32(-3.0));
    state.params.remove("rev");
    assert_eq!(
        serde_json::to_value(&state.params).unwrap(),
        serde_json::to_value(&expected).unwrap()
    );
    params.deserialize_fields(&state.fields);
    assert!(params.corrections.current().is_empty());
    assert_eq!(params.format.loads(), 1);
    for problem in [
        params.kit.problem(),
        params.own_samples.problem(),
        params.corrections.problem(),
    ] {
        assert_eq!(problem, "");
    }
    // A whole state stays as it is.
    params.corrections.say(correction);
    let whole = PluginState {
        version: String::new(),
        params: state.params,
        fields: params.serialize_fields(),
    };
    let mut loaded = whole.clone();
    load(&mut loaded);
    assert_eq!(loaded.fields, whole.fields);
}

#[test]
fn a_field_that_is_no_text_is_said_and_kept() {
    let params = IdmParams::default();
    let mut state = state_with(&[], &[("kit", "]["), ("samples", "7")]);
    load(&mut state);
    params.deserialize_fields(&state.fields);
    assert!(params.kit.problem().contains("cannot be used"));
    assert!(params.own_samples.problem().contains("cannot be used"));
    let saved = params.serialize_fields();
    assert_eq!(saved["kit"], r#""][""#);
    assert_eq!(saved["samples"], r#""7""#);
}

#[test]
fn the_window_is_saved_and_restored() {
    let params = IdmParams::default();
    let wanted = EditorState {
        width: 1001.5,
        height: 702.25,
        zoom: 1.25,
    };
    params.editor.update(|state| *state = wanted);
    let fields = params.serialize_fields();
    let restored = IdmParams::default();
    restored.deserialize_fields(&fields);
    assert_eq!(restored.editor.get(), wanted);
}

proptest! {
    /// Whatever a file holds, what is left loads and is in range.
    #[test]
    fn any_state_is_survived(
        entries in proptest::collection::vec(
            ("[a-z]{1,6}(_[0-9]{1,2})?|level_1|note_2|main|bus_3|mute_9", any::<f32>(), any::<i32>(), 0..4_u8),
            0..40,
        ),
        field in ".*",
    ) {
        let mut state = state_with(&[], &[("editor", &field), ("format", &field)]);
        for (id, float, int, what) in entries {
            let value = match what {
                0 => ParamValue::F32(float),
                1 => ParamValue::I32(int),
                2 => ParamValue::Bool(int > 0),
                _ => ParamValue::String(field.clone()),
            };
            state.params.insert(id, value);
        }
        repair(&mut state);
        let params = IdmParams::default();
        let pointers = params.param_map().into_iter();
        let pointers: BTreeMap<_, _> = pointers.map(|(id, pointer, _)| (id, pointer)).collect();
        for (id, value) in &state.params {
            let pointer = pointers[id];
            // SAFETY: the parameters live as long as this.
            let ends = [0.0, 1.0].map(|end| unsafe { pointer.preview_plain(end) });
            let in_range = match (pointer, value) {
                (ParamPtr::FloatParam(_), ParamValue::F32(x)) => (ends[0]..=ends[1]).contains(x),
                (ParamPtr::IntParam(_), ParamValue::I32(x)) => {
                    (ends[0]..=ends[1]).contains(&(*x as f32))
                }
                (ParamPtr::BoolParam(_), ParamValue::Bool(_)) => true,
                (ParamPtr::EnumParam(_), ParamValue::String(choice)) => {
                    let all = match id.as_str() {
                        "main" => MainOutput::ids(),
                        "qual" => QualityChoice::ids(),
                        "hits" => HitChoice::ids(),
                        _ => BusChoice::ids(),
                    };
                    all.is_some_and(|all| all.contains(&choice.as_str()))
                }
                _ => false,
            };
            prop_assert!(in_range, "{id}: {value:?}");
        }
        complete(&mut state);
        IdmParams::default().deserialize_fields(&state.fields);
    }
}
