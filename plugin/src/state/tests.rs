use nice_plug::params::internals::ParamPtr;
use nice_plug::prelude::Params;
use proptest::prelude::*;

use super::*;
use crate::params::IdmParams;

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
fn every_parameter_has_a_kind() {
    for (id, pointer, _) in IdmParams::default().param_map() {
        let kind = kind(&id).unwrap_or_else(|| panic!("{id} has no kind"));
        let agrees = matches!(
            (kind, pointer),
            (Kind::Float(..), ParamPtr::FloatParam(_))
                | (Kind::Int(..), ParamPtr::IntParam(_))
                | (Kind::Bool, ParamPtr::BoolParam(_))
                | (Kind::Choice(_), ParamPtr::EnumParam(_))
        );
        assert!(agrees, "{id}: {kind:?} against {pointer:?}");
    }
    for id in [
        "level", "level_0", "level_10", "level_x", "_1", "", "loud_1",
    ] {
        assert_eq!(kind(id), None, "{id}");
    }
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
    upgrade(&mut state);
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
    upgrade(&mut state);
    let editor: EditorState = serde_json::from_str(&state.fields["editor"]).unwrap();
    assert_eq!(editor, EditorState::default());
    assert_eq!(state.fields["format"], FORMAT.to_string());
}

#[test]
fn migrations_run_from_the_saved_format_on() {
    let migrations: [Migration; 3] = [
        |state| {
            // A parameter got another name.
            if let Some(value) = state.params.remove("vol_1") {
                state.params.insert("level_1".into(), value);
            }
        },
        |state| {
            state.params.insert("learn".into(), ParamValue::Bool(false));
        },
        |state| {
            state.params.remove("learn");
        },
    ];
    let old = [("vol_1", ParamValue::F32(-3.0))];

    let mut state = state_with(&old, &[]);
    migrate(&mut state, &migrations[..2]);
    assert!(matches!(state.params["level_1"], ParamValue::F32(-3.0)));
    assert!(matches!(state.params["learn"], ParamValue::Bool(false)));
    assert_eq!(state.fields["format"], "2");

    migrate(&mut state, &migrations);
    assert!(!state.params.contains_key("learn"));
    assert_eq!(state.fields["format"], "3");

    // From a newer version: nothing is turned, the stamp stays.
    let mut state = state_with(&old, &[("format", "7")]);
    migrate(&mut state, &migrations);
    assert!(state.params.contains_key("vol_1"));
    assert_eq!(state.fields["format"], "7");
}

#[test]
fn the_stamp_is_saved_and_survives_older_states() {
    let params = IdmParams::default();
    assert_eq!(params.serialize_fields()["format"], FORMAT.to_string());
    params.deserialize_fields(&BTreeMap::from([("format".into(), "0".into())]));
    assert_eq!(params.serialize_fields()["format"], FORMAT.to_string());
}

#[test]
fn the_window_is_saved_and_restored() {
    let params = IdmParams::default();
    let wanted = EditorState {
        width: 1001.5,
        height: 702.25,
        zoom: 1.25,
    };
    *params.editor.write().unwrap() = wanted;
    let fields = params.serialize_fields();
    let restored = IdmParams::default();
    restored.deserialize_fields(&fields);
    assert_eq!(*restored.editor.read().unwrap(), wanted);
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
        upgrade(&mut state);
        for (id, value) in &state.params {
            let in_range = match (kind(id), value) {
                (Some(Kind::Float(low, high)), ParamValue::F32(x)) => (low..=high).contains(x),
                (Some(Kind::Int(low, high)), ParamValue::I32(x)) => (low..=high).contains(x),
                (Some(Kind::Bool), ParamValue::Bool(_)) => true,
                (Some(Kind::Choice(ids)), ParamValue::String(id)) => ids.contains(&id.as_str()),
                _ => false,
            };
            prop_assert!(in_range, "{id}: {value:?}");
        }
        IdmParams::default().deserialize_fields(&state.fields);
    }
}
