//! The network of the one-shots.

use super::*;

#[test]
fn one_shot_network_makes_what_tract_makes() {
    let network = random_model().one_shot_network().unwrap();
    let embedding = Random(3).signed_vec(EMBEDDING, 1.0);
    let one_shots = network.run(&embedding).unwrap();
    assert_eq!(one_shots.len(), 9);
    // The weights of the only layer, by hand.
    let weights = Random(11).signed_vec(EMBEDDING * 9 * SAMPLES, 0.1);
    for (drum, one_shot) in one_shots.iter().enumerate() {
        assert_eq!(one_shot.len(), SAMPLES);
        for (sample, &found) in one_shot.iter().enumerate() {
            let column = drum * SAMPLES + sample;
            let want: f32 = (0..EMBEDDING)
                .map(|i| embedding[i] * weights[i * 9 * SAMPLES + column])
                .sum();
            assert!((found - want).abs() < 1e-5, "{found} and {want}");
        }
    }
    names(
        network.run(&embedding[1..]),
        &["embedding", "expected 32", "found 31"],
    );
    names(network.run(&[f32::INFINITY; EMBEDDING]), &["not finite"]);
}

#[test]
fn wrong_one_shot_networks_are_named() {
    let load = |bytes: Vec<u8>| Model::from_parts(&meta_text(), &transcriber().encode(), bytes);
    let check = |change: &dyn Fn(&mut GraphBuilder), words: &[&str]| {
        let mut network = one_shots();
        change(&mut network);
        names(load(network.encode()), words);
    };
    check(
        &|n| n.graph().input[0].name = "kit".into(),
        &["one_shots.onnx", "inputs", "kit"],
    );
    check(&|n| n.graph().input.clear(), &["inputs", "embedding"]);
    check(
        &|n| n.graph().input[0] = value_info("embedding", &[1, 16]),
        &["[1, 32]", "[1, 16]"],
    );
    check(
        &|n| n.graph().output[0].name = "kit".into(),
        &["outputs", "kit"],
    );
    check(
        &|n| n.graph().output[0] = value_info("one_shots", &[9, 100]),
        &["[9, 2000]", "[9, 100]"],
    );
    check(&|n| n.graph().output[0].r#type = None, &["one_shots"]);
    check(&|n| n.graph().node.clear(), &["nothing that makes it"]);
    check(
        &|n| n.proto.opset_import[0].version = 3,
        &["one_shots.onnx", "opset"],
    );
    names(load(vec![0; 9 << 20]), &["one_shots.onnx", "size"]);
    names(
        load(b"not a network".to_vec()),
        &["one_shots.onnx is not valid"],
    );
    // What only tract can tell shows when the network is prepared.
    let meta = random_model().meta().one_shots;
    let mut network = one_shots();
    network.graph().node[0].op_type = "Imaginary".into();
    names(
        OneShotNetwork::load(&network.encode(), meta),
        &["one-shot network failed"],
    );
    let mut network = one_shots();
    network.graph().initializer[0].dims.swap(0, 1);
    names(
        OneShotNetwork::load(&network.encode(), meta),
        &["one-shot network failed"],
    );
}
