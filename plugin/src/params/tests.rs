use std::collections::BTreeSet;

use super::*;

/// Never edit an entry of these lists: projects and automation refer to them.
const GLOBAL_IDS: [&str; 8] = [
    "main", "bypass", "qual", "mask", "learn", "resid", "hits", "rev",
];
const DRUM_IDS: [&str; 13] = [
    "level", "mute", "solo", "sens", "gap", "iso", "blend", "dyn", "tune", "decay", "play", "note",
    "bus",
];
const RESIDUAL_IDS: [&str; 2] = ["mute_10", "solo_10"];
const NAME_ID: &str = "as";

#[test]
fn ids_are_frozen() {
    let ids: Vec<String> = IdmParams::default()
        .param_map()
        .into_iter()
        .map(|(id, _, _)| id)
        .collect();
    let mut expected: Vec<String> = GLOBAL_IDS.iter().map(|id| id.to_string()).collect();
    for drum in 1..=DRUM_COUNT {
        expected.extend(DRUM_IDS.iter().map(|id| format!("{id}_{drum}")));
    }
    expected.extend(RESIDUAL_IDS.map(str::to_owned));
    expected.extend((1..=DRUM_COUNT).map(|drum| format!("{NAME_ID}_{drum}")));
    assert_eq!(ids, expected);
}

#[test]
fn choice_ids_are_frozen() {
    assert_eq!(
        MainOutput::ids().unwrap(),
        [
            "mix",
            "dry",
            "kick",
            "snare",
            "closed_hat",
            "open_hat",
            "high_tom",
            "mid_tom",
            "floor_tom",
            "crash",
            "ride",
            "group_kick",
            "group_snare",
            "group_toms",
            "group_hihat",
            "group_cymbals",
            "residual",
            "none"
        ]
    );
    assert_eq!(QualityChoice::ids().unwrap(), ["low", "standard", "high"]);
    assert_eq!(HitChoice::ids().unwrap(), ["listen", "midi", "midi-near"]);
    assert_eq!(BusChoice::ids().unwrap()[0], "own");
    for (index, drum) in Drum::ALL.into_iter().enumerate() {
        assert_eq!(BusChoice::ids().unwrap()[index + 1], drum.file_stem());
        assert_eq!(BusChoice::variants()[index + 1], drum.name());
        assert_eq!(BusChoice::from_index(index + 1).bus_of(0), index);
        assert_eq!(BusChoice::Own.bus_of(index), index);
        assert_eq!(NameChoice::ids().unwrap()[index + 1], drum.file_stem());
        assert_eq!(NameChoice::variants()[index + 1], drum.name());
        assert_eq!(NameChoice::from_index(index + 1).drum(), Some(drum));
    }
    assert_eq!(NameChoice::ids().unwrap()[0], "itself");
    assert_eq!(NameChoice::Itself.drum(), None);
}

#[test]
fn vst3_hashes_of_the_ids_differ() {
    // nice-plug identifies a parameter to hosts by this hash of its id.
    let hash = |id: &str| {
        id.bytes().fold(0_u32, |hash, byte| {
            hash.wrapping_mul(31).wrapping_add(u32::from(byte))
        }) & 0x7fff_ffff
    };
    let params = IdmParams::default().param_map();
    let hashes: BTreeSet<u32> = params.iter().map(|(id, _, _)| hash(id)).collect();
    assert_eq!(hashes.len(), params.len());
}

#[test]
fn defaults_are_the_engines() {
    let params = IdmParams::default();
    assert_eq!(params.controls(), Controls::default());
    let mix = params.mix_targets();
    assert_eq!(mix.class_gain, [1.0; DRUM_COUNT]);
    assert_eq!(mix.residual_gain, 1.0);
    assert_eq!(mix.route, std::array::from_fn(|index| index));
    assert_eq!(params.notes(), Drum::ALL.map(Drum::gm_note));
}

#[test]
fn defaults_survive_the_trip_through_the_host() {
    // A host may write every default back in normalised form.
    let params = IdmParams::default();
    assert_eq!(
        params.residual_level_db.preview_plain(
            params
                .residual_level_db
                .preview_normalized(params.residual_level_db.default_plain_value())
        ),
        0.0
    );
    for drum in &params.drums {
        for param in [
            &drum.level_db,
            &drum.isolation,
            &drum.blend,
            &drum.dynamics,
            &drum.decay,
            &drum.tune_semitones,
            &drum.min_gap_ms,
            &drum.sensitivity,
        ] {
            let back = param.preview_plain(param.default_normalized_value());
            assert!(
                (back - param.default_plain_value()).abs() < 1e-4,
                "{}: {back}",
                param.name()
            );
        }
        assert_eq!(
            level_gain(
                drum.level_db
                    .preview_plain(drum.level_db.default_normalized_value())
            ),
            1.0
        );
        assert_eq!(
            drum.blend
                .preview_plain(drum.blend.default_normalized_value()),
            0.0
        );
    }
}

#[test]
fn every_text_parses_back() {
    let params = IdmParams::default();
    let round_trip = |param: &dyn Fn(f32, bool) -> String,
                      back: &dyn Fn(&str) -> Option<f32>,
                      plain: &dyn Fn(f32) -> f32,
                      tolerance: f32,
                      name: &str| {
        for step in 0..=100 {
            let normalized = step as f32 / 100.0;
            for unit in [false, true] {
                let text = param(normalized, unit);
                let parsed = back(&text).unwrap_or_else(|| panic!("{name}: {text:?} is refused"));
                let (expected, found) = (plain(normalized), plain(parsed));
                assert!(
                    (expected - found).abs() <= tolerance,
                    "{name}: {text:?} is {found}, expected {expected}"
                );
            }
        }
    };
    let drum = &params.drums[0];
    for (param, tolerance) in [
        (&drum.level_db, 0.051),
        (&drum.sensitivity, 0.0011),
        (&drum.min_gap_ms, 0.51),
        (&drum.isolation, 0.0051),
        (&drum.blend, 0.0011),
        (&drum.dynamics, 0.0051),
        (&drum.tune_semitones, 0.051),
        (&drum.decay, 0.0011),
        (&params.mask_exponent, 0.0051),
        (&params.residual_level_db, 0.051),
    ] {
        round_trip(
            &|normalized, unit| param.normalized_value_to_string(normalized, unit),
            &|text| param.string_to_normalized_value(text),
            &|normalized| param.preview_plain(normalized),
            tolerance,
            param.name(),
        );
    }
    for number in 0..=127 {
        assert_eq!(format::parse_note(&format::note(number)), Some(number));
    }
    for choice in (0..MainOutput::variants().len()).map(MainOutput::from_index) {
        let normalized = params.main_output.preview_normalized(choice);
        let text = params
            .main_output
            .normalized_value_to_string(normalized, true);
        assert_eq!(
            params.main_output.string_to_normalized_value(&text),
            Some(normalized)
        );
    }
    for on in [false, true] {
        let normalized = drum.enabled.preview_normalized(on);
        let text = drum.enabled.normalized_value_to_string(normalized, true);
        assert_eq!(
            drum.enabled.string_to_normalized_value(&text),
            Some(normalized)
        );
    }
}

#[test]
fn odd_texts() {
    assert_eq!(format::level(LEVEL_MIN_DB), "-inf");
    assert_eq!(format::level(-0.04), "0.0");
    assert_eq!(format::parse_level("-inf dB"), Some(LEVEL_MIN_DB));
    assert_eq!(format::parse_level("3,5 dB"), Some(3.5));
    assert_eq!(format::parse_level("99"), Some(LEVEL_MAX_DB));
    assert_eq!(format::parse_level("loud"), None);
    assert_eq!(format::parse_number("nan", &[]), None);
    assert_eq!(format::parse_number("−3 st", &["st"]), Some(-3.0));
    assert_eq!(format::parse_note("C1"), Some(36));
    assert_eq!(format::parse_note("Eb1"), Some(39));
    assert_eq!(format::parse_note("bb−1"), Some(22));
    assert_eq!(format::parse_note("B♭1"), Some(46));
    assert_eq!(format::parse_note("B1"), Some(47));
    assert_eq!(format::parse_note("Cb-2"), None);
    assert_eq!(format::parse_note("b"), None);
    assert_eq!(format::parse_note("f#1"), Some(42));
    assert_eq!(format::parse_note("C-2"), Some(0));
    assert_eq!(format::parse_note("G8"), Some(127));
    assert_eq!(format::parse_note("A8"), None);
    assert_eq!(format::parse_note("128"), None);
    assert_eq!(format::parse_note("H1"), None);
    assert_eq!(format::parse_note("C99999999999"), None);
    assert_eq!(format::note(36), "36 (C1)");
}

#[test]
fn mute_and_solo() {
    assert_eq!(level_gain(0.0), 1.0);
    assert_eq!(level_gain(LEVEL_MIN_DB), 0.0);
    assert_eq!(level_gain(f32::NAN), 0.0);
    assert_eq!(level_gain(f32::INFINITY), level_gain(LEVEL_MAX_DB));

    let mut params = IdmParams::default();
    params.drums[1].solo = BoolParam::new("Snare solo", true);
    let mut expected = [0.0; DRUM_COUNT];
    expected[1] = 1.0;
    assert_eq!(params.mix_targets().class_gain, expected);
    assert_eq!(params.mix_targets().residual_gain, 0.0);

    params.drums[1].mute = BoolParam::new("Snare mute", true);
    assert_eq!(params.mix_targets().class_gain, [0.0; DRUM_COUNT]);

    params.residual_solo = BoolParam::new("Residual solo", true);
    assert_eq!(params.mix_targets().residual_gain, 1.0);
    params.drums[1].solo = BoolParam::new("Snare solo", false);
    assert_eq!(params.mix_targets().class_gain, [0.0; DRUM_COUNT]);
    params.residual_mute = BoolParam::new("Residual mute", true);
    assert_eq!(params.mix_targets().residual_gain, 0.0);
    params.residual_solo = BoolParam::new("Residual solo", false);
    assert_eq!(params.mix_targets().class_gain[0], 1.0);
    assert_eq!(params.mix_targets().residual_gain, 0.0);
}

#[test]
fn main_selection_covers_the_groups() {
    for group in idm_engine::drum::Group::ALL {
        let choice = MainOutput::from_index(2 + DRUM_COUNT + group.index());
        for drum in Drum::ALL {
            assert_eq!(choice.includes(drum), drum.group() == group, "{choice:?}");
        }
    }
    for drum in Drum::ALL {
        let choice = MainOutput::from_index(2 + drum.index());
        for other in Drum::ALL {
            assert_eq!(choice.includes(other), drum == other);
        }
        assert!(!choice.includes_residual());
    }
}
