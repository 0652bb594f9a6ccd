//! The description of a model.

use super::*;

/// A description with a table of evidence, whose first weight is `first`.
fn with_evidence(first: &str) -> String {
    let zeros = ["0.0"; EVIDENCE_COUNT - 1].join(", ");
    let table = format!("[evidence]\nconstant = 0.5\nweights = [{first}, {zeros}]\n");
    format!("{}\n{table}", meta_text())
}

#[test]
fn evidence_is_optional_and_may_be_found_after_the_network() {
    let bare = load(&meta_text(), &transcriber()).unwrap();
    assert!(bare.meta().evidence.is_none());
    let model = load(&with_evidence("1.5"), &transcriber()).unwrap();
    let weights = model.meta().evidence_of(Quality::Standard).unwrap();
    assert_eq!((weights.constant, weights.weights[0]), (0.5, 1.5));
    assert_eq!((weights.expected, weights.taught), ([0.0; 2], [0.0; 2]));
    assert!(model.meta().evidence_of(Quality::Low).is_none());
    let more = with_evidence("1.5") + "expected = [1.0, -0.5]\ntaught = [2.0, -3.0]\n";
    let model = load(&more, &transcriber()).unwrap();
    let weights = model.meta().evidence_of(Quality::Standard).unwrap();
    assert_eq!(
        (weights.expected, weights.taught),
        ([1.0, -0.5], [2.0, -3.0])
    );
    names(
        load(
            &(with_evidence("1.5") + "taught = [2.0, -30.0]\n"),
            &transcriber(),
        ),
        &["evidence", "20", "-30"],
    );
    for bad in ["nan", "1e9", "\"much\""] {
        names(load(&with_evidence(bad), &transcriber()), &["model.toml"]);
    }
    names(
        load(&with_evidence("-21.0"), &transcriber()),
        &["evidence", "20", "-21"],
    );
}

#[test]
fn metadata_is_read() {
    let model = random_model();
    let meta = model.meta();
    assert_eq!(
        (meta.name.as_str(), meta.version.as_str()),
        ("random", "0.0.1")
    );
    assert_eq!(meta.look_ahead_frames.of(Quality::High), 24);
    assert_eq!(meta.thresholds.recall, [0.2; 9]);
    // A head without thresholds of its own has the standard head's.
    assert_eq!(meta.thresholds_of(Quality::Low), &meta.thresholds);
    let (strict, recall) = ([0.7; 9], [0.1; 9]);
    let low = format!("\n[thresholds_low]\nstrict = {strict:?}\nrecall = {recall:?}\n");
    let other = ModelMeta::parse(&(meta_text() + &low)).unwrap();
    assert_eq!(other.thresholds_of(Quality::Low).strict, strict);
    assert_eq!(other.thresholds_of(Quality::High), &other.thresholds);
    assert_eq!(meta.one_shots.samples, SAMPLES);
    for quality in Quality::ALL {
        assert!(model.plan().has_mask(quality));
    }
}

#[test]
fn every_wrong_field_of_the_metadata_is_named() {
    let cases: &[(&str, &str, &[&str])] = &[
        (
            "format = 1",
            "format = 2",
            &["format", "expected 1", "found 2"],
        ),
        (
            "\"kick\", \"snare\"",
            "\"snare\", \"kick\"",
            &["classes", "expected kick, snare", "found snare, kick"],
        ),
        (
            ", \"ride\"]",
            "]",
            &["classes", "crash, ride, found", "floor_tom, crash"],
        ),
        (
            "hop_at_44100 = 256",
            "hop_at_44100 = 512",
            &["front_end.hop_at_44100", "expected 256", "found 512"],
        ),
        (
            "\nwindow_at_44100 = 1024",
            "\nwindow_at_44100 = 2048",
            &["front_end.window_at_44100", "1024", "2048"],
        ),
        (
            "long_window_at_44100 = 4096",
            "long_window_at_44100 = 1",
            &["front_end.long_window_at_44100"],
        ),
        (
            "\nbands = 128",
            "\nbands = 64",
            &["front_end.bands", "expected 128", "found 64"],
        ),
        (
            "low_bands = 32",
            "low_bands = 16",
            &["front_end.low_bands", "expected 32", "found 16"],
        ),
        (
            "log_floor_power = 1e-8",
            "log_floor_power = 1e-7",
            &["front_end.log_floor_power"],
        ),
        (
            "log_scale = 0.16666667",
            "log_scale = 0.2",
            &["front_end.log_scale", "found 0.2"],
        ),
        (
            "log_offset = 2.0",
            "log_offset = nan",
            &["front_end.log_offset", "found NaN"],
        ),
        (
            "standard = 6",
            "standard = 8",
            &["look_ahead_frames.standard", "expected 6", "found 8"],
        ),
        ("low = 2", "low = 3", &["look_ahead_frames.low"]),
        ("high = 24", "high = 1", &["look_ahead_frames.high"]),
        (
            "strict = [0.5",
            "strict = [0.0",
            &["thresholds.strict, kick", "between 0 and 1", "found 0"],
        ),
        (
            "strict = [0.5",
            "strict = [nan",
            &["thresholds.strict, kick", "found NaN"],
        ),
        ("0.2]", "1.5]", &["thresholds.recall, ride", "found 1.5"]),
        (
            "[thresholds]",
            "[thresholds_high]\nstrict = [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]\n\
             recall = [0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 2.0]\n[thresholds]",
            &["thresholds_high.recall, ride", "found 2"],
        ),
        (
            "strict = [0.5, ",
            "strict = [",
            &["model.toml is not valid", "length"],
        ),
        (
            "sample_rate_hz = 44100",
            "sample_rate_hz = 48000",
            &["one_shots.sample_rate_hz", "44100", "48000"],
        ),
        (
            "samples = 2000",
            "samples = 0",
            &["one_shots.samples", "found 0"],
        ),
        (
            "embedding = 32",
            "embedding = 1000000",
            &["one_shots.embedding"],
        ),
        (
            "name = \"random\"",
            "name = \" \"",
            &["name", "found nothing"],
        ),
        ("name = \"random\"\n", "", &["missing field `name`"]),
        (
            "version = \"0.0.1\"",
            "version = 1",
            &["invalid type", "string"],
        ),
        ("format = 1", "format 1", &["model.toml is not valid"]),
    ];
    for (from, to, words) in cases {
        let text = meta_text();
        assert!(text.contains(from), "{from}");
        let text = text.replacen(from, to, 1);
        names(ModelMeta::parse(&text), words);
        names(load(&text, &transcriber()), &["model.toml"]);
        names(
            load(&meta_text(), &transcriber_with(&text)),
            &["transcriber.onnx"],
        );
    }
}

#[test]
fn metadata_of_file_and_network_must_agree() {
    let other = meta_text().replace("0.0.1", "0.0.2");
    names(
        load(&other, &transcriber()),
        &["idm_model_toml", "0.0.1", "0.0.2"],
    );
    let mut bare = transcriber();
    bare.proto.metadata_props.clear();
    names(load(&meta_text(), &bare), &["idm_model_toml", "found none"]);
    // Line ends and comments do not matter.
    let text = format!("# copied\r\n{}", meta_text().replace('\n', "\r\n"));
    assert!(load(&text, &transcriber()).is_ok());
}
