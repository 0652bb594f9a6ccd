//! What is refused, and how; nothing that a file contains makes the loader
//! panic.

mod metadata;
#[path = "../model_support/mod.rs"]
mod model_support;
mod one_shots_network;

use std::{fs, sync::Arc};

use idm_engine::{
    controls::Quality,
    model::{Model, ModelError, ModelMeta, OneShotNetwork},
    transcriber::EVIDENCE_COUNT,
};
use model_support::{
    EMBEDDING, GraphBuilder, Random, SAMPLES, meta_text, one_shots, random_model, transcriber,
    transcriber_with, value_info,
};
use proptest::prelude::*;
use tract_onnx::pb::{TensorProto, tensor_proto::DataType};

fn load(meta: &str, transcriber: &GraphBuilder) -> Result<Model, ModelError> {
    Model::from_parts(meta, &transcriber.encode(), one_shots().encode())
}

#[track_caller]
fn names<T>(result: Result<T, ModelError>, words: &[&str]) {
    let error = result.err().expect("this should be refused").to_string();
    for word in words {
        assert!(error.contains(word), "`{word}` is missing in: {error}");
    }
    assert!(!error.contains('\n'), "more than one line: {error}");
}

#[test]
fn embedded_model_is_loaded_once_and_complete() {
    let model = Model::embedded().unwrap();
    assert!(Arc::ptr_eq(&model, &Model::embedded().unwrap()));
    for threshold in model.meta().thresholds.strict {
        assert!(threshold > 0.0 && threshold < 1.0);
    }
    let one_shots = model.one_shot_network().unwrap();
    let embedding = vec![0.0; model.meta().one_shots.embedding];
    let one_shots = one_shots.run(&embedding).unwrap();
    for one_shot in one_shots {
        assert_eq!(one_shot.len(), model.meta().one_shots.samples);
        assert!(one_shot.iter().any(|&sample| sample != 0.0));
    }
    assert_eq!(model.meta().one_shots.samples, 132_300, "three seconds");
}

#[test]
fn every_missing_input_and_output_is_named() {
    let complete = transcriber();
    let graph = complete.proto.graph.clone().unwrap();
    for index in 0..graph.output.len() {
        let mut network = complete.clone();
        let name = network.graph().output.remove(index).name;
        if name.starts_with("mask") {
            let model = load(&meta_text(), &network).unwrap();
            let without = Quality::ALL.map(|quality| !model.plan().has_mask(quality));
            assert_eq!(without.iter().filter(|&&without| without).count(), 1);
        } else {
            let output = format!("output `{name}`");
            names(load(&meta_text(), &network), &[&output, "no such output"]);
        }
    }
    for index in 0..graph.input.len() {
        let mut network = complete.clone();
        let name = network.graph().input.remove(index).name;
        names(load(&meta_text(), &network), &[&name]);
    }
}

#[test]
fn wrong_inputs_and_outputs_are_named() {
    let check = |change: &dyn Fn(&mut GraphBuilder), words: &[&str]| {
        let mut network = transcriber();
        change(&mut network);
        names(load(&meta_text(), &network), words);
    };
    check(
        &|n| n.graph().input[0] = value_info("frame", &[1, 64]),
        &["`frame`", "[1, 128]", "[1, 64]"],
    );
    check(
        &|n| n.graph().input[1] = value_info("low", &[32]),
        &["`low`", "[1, 32]", "[32]"],
    );
    check(&|n| n.graph().input[0].r#type = None, &["`frame`"]);
    check(&|n| drop(n.input("mel", &[1, 80])), &["inputs", "mel"]);
    check(&|n| drop(n.input("state_40", &[1, 4])), &["state_"]);
    check(&|n| drop(n.input("frame", &[1, 128])), &["`frame`", "two"]);
    check(
        &|n| n.output("frame", "extra", &[1, 128]),
        &["outputs", "`extra`"],
    );
    check(
        &|n| {
            let output = n
                .graph()
                .output
                .iter_mut()
                .find(|o| o.name == "onset")
                .unwrap();
            *output = value_info("onset", &[1, 10]);
        },
        &["output `onset`", "[1, 10]", "[1, 9]"],
    );
    check(
        &|n| {
            n.graph().output.retain(|output| output.name != "onset");
            n.graph().node.retain(|node| node.output != ["onset"]);
            n.output("frame", "onset", &[1, 128]);
        },
        &["output `onset`", "expected [1, 9]", "found [1, 128]"],
    );
    check(
        &|n| {
            n.graph()
                .output
                .retain(|output| output.name != "state_0_next");
            n.graph()
                .node
                .retain(|node| node.output != ["state_0_next"]);
            n.output("frame", "state_0_next", &[1, 128]);
        },
        &["output `state_0_next`", "found [1, 128]"],
    );
    check(
        &|n| n.graph().output[0].name = "nowhere".into(),
        &["`nowhere`"],
    );
    check(
        &|n| {
            let last = n.graph().node.len() - 1;
            n.graph().node.swap(0, last);
        },
        &["nothing before it makes"],
    );
    check(
        &|n| n.graph().node[0].output.push("more".into()),
        &["number of outputs", "found 2"],
    );
    check(
        &|n| n.graph().node[0].domain = "com.example".into(),
        &["domain", "com.example"],
    );
    check(
        &|n| n.proto.opset_import[0].version = 11,
        &["opset", "expected 17", "found 11"],
    );
    check(&|n| n.proto.opset_import.clear(), &["opset", "found none"]);
    check(&|n| n.proto.graph = None, &["graph"]);
}

#[test]
fn wrong_weights_are_named() {
    let check = |change: &dyn Fn(&mut TensorProto), words: &[&str]| {
        let mut network = transcriber();
        let tensors = &mut network.graph().initializer;
        let tensor = tensors.iter_mut().find(|t| t.dims.len() == 4).unwrap();
        change(tensor);
        names(load(&meta_text(), &network), words);
    };
    check(&|t| t.dims[0] = 25, &["initializer", "[25, 1, 3, 3]"]);
    check(&|t| t.dims[0] = -1, &["initializer", "a shape"]);
    check(
        &|t| t.dims = vec![i64::MAX, i64::MAX],
        &["initializer", "elements"],
    );
    check(&|t| t.dims[0] = 0, &["initializer", "elements"]);
    check(&|t| t.raw_data.truncate(17), &["initializer", "elements"]);
    check(&|t| t.raw_data.push(0), &["initializer", "elements"]);
    check(
        &|t| t.data_type = DataType::Double as i32,
        &["initializer", "DOUBLE"],
    );
    check(&|t| t.data_type = 999, &["initializer", "999"]);
    check(
        &|t| t.data_location = Some(1),
        &["initializer", "external data"],
    );
    check(
        &|t| t.raw_data[..4].copy_from_slice(&f32::NAN.to_le_bytes()),
        &["initializer", "finite", "NaN"],
    );
    check(&|t| t.name = "other".into(), &["nothing before it makes"]);
}

#[test]
fn folders_are_loaded_and_their_faults_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    names(Model::load(path), &["cannot read", "model.toml"]);
    fs::write(path.join("model.toml"), meta_text()).unwrap();
    names(Model::load(path), &["cannot read", "transcriber.onnx"]);
    fs::write(path.join("transcriber.onnx"), transcriber().encode()).unwrap();
    names(Model::load(path), &["cannot read", "one_shots.onnx"]);
    fs::write(path.join("one_shots.onnx"), one_shots().encode()).unwrap();
    assert_eq!(Model::load(path).unwrap().meta(), random_model().meta());
    fs::write(path.join("model.toml"), [0xff, 0xfe, 0x00]).unwrap();
    names(Model::load(path), &["model.toml is not valid"]);
    fs::write(path.join("model.toml"), meta_text()).unwrap();
    fs::write(path.join("transcriber.onnx"), "").unwrap();
    names(Model::load(path), &["transcriber.onnx"]);
}

#[test]
fn truncated_files_are_refused() {
    let (transcriber, one_shots) = (transcriber().encode(), one_shots().encode());
    let meta = meta_text();
    let mut random = Random(17);
    // All short prefixes, and cuts all over the file.
    let cuts = |random: &mut Random, len: usize| {
        let anywhere: Vec<usize> = (0..150)
            .map(|_| (random.bits() % len as u64) as usize)
            .collect();
        (0..200)
            .chain(len - 200..len)
            .chain(anywhere)
            .collect::<Vec<usize>>()
    };
    for cut in cuts(&mut random, transcriber.len()) {
        let result = Model::from_parts(&meta, &transcriber[..cut], one_shots.clone());
        names(result, &["transcriber.onnx"]);
    }
    let fields = ModelMeta::parse(&meta).unwrap();
    for cut in cuts(&mut random, one_shots.len()) {
        names(
            OneShotNetwork::check(&one_shots[..cut], fields.one_shots),
            &["one_shots.onnx"],
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let result = Model::from_parts(&meta_text(), &bytes, one_shots().encode());
        prop_assert!(result.is_err());
        prop_assert!(ModelMeta::parse(&String::from_utf8_lossy(&bytes)).is_err());
    }

    /// A few bytes changed near the structure of the file (not in the weights):
    /// the file is refused, or it is still a network that runs.
    #[test]
    fn damaged_files_do_no_harm(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        seed: u64,
    ) {
        let mut bytes = small_network().encode();
        for (place, value) in damage {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        if let Ok(model) = Model::from_parts(&meta_text(), &bytes, one_shots().encode()) {
            let mut features = model_support::Features::new(seed);
            for quality in Quality::ALL {
                let mut session = model.session(quality);
                for _ in 0..3 {
                    let (frame, low) = features.next();
                    session.step(&frame, &low);
                }
                prop_assert!(session.onset().iter().all(|onset| onset.is_finite()));
            }
        }
    }
}

/// A valid network with hardly any weights, so that damage hits structure.
fn small_network() -> GraphBuilder {
    let mut graph = GraphBuilder::new();
    graph.metadata("idm_model_toml", &meta_text());
    let frame = graph.input("frame", &[1, 128]);
    graph.input("low", &[1, 32]);
    let state = graph.input("state_0", &[1, 1, 2, 16]);
    let x = graph.slice(&frame, 1, 4, 20);
    let x = graph.reshape(&x, &[1, 1, 1, 16]);
    let window = graph.concat(&[&state, &x], 2);
    let kept = graph.slice(&window, 2, 1, 3);
    graph.output(&kept, "state_0_next", &[1, 1, 2, 16]);
    let kernel = graph.floats(&[2, 1, 3, 1], &[0.1, 0.2, 0.3, 0.4, 0.5, 0.6]);
    let y = graph.node("Conv", &[&window, &kernel], vec![]);
    let y = graph.node("Flatten", &[&y], vec![]);
    let hits = graph.slice(&y, 1, 0, 9);
    let hits = graph.node("Sigmoid", &[&hits], vec![]);
    graph.output(&y, "embedding", &[1, EMBEDDING]);
    for suffix in ["_low", "", "_high"] {
        graph.output(&hits, &format!("onset{suffix}"), &[1, 9]);
        graph.output(&hits, &format!("velocity{suffix}"), &[1, 9]);
    }
    graph
}
