//! What a small file may not make the engine allocate or compute.

mod model_support;

use idm_engine::model::Model;
use model_support::{attributes::ints, meta_text, one_shots, transcriber};

fn refusal(meta: &str, transcriber: &model_support::GraphBuilder) -> String {
    let model = Model::from_parts(meta, &transcriber.encode(), one_shots().encode());
    model.expect_err("refused").to_string()
}

#[test]
fn room_around_a_convolution_counts() {
    // Few inputs, few results, but 2048 rows of 2049 between them.
    let mut graph = transcriber();
    let spread = graph.floats(&[128, 2_048], &[0.0; 128 * 2_048]);
    let rows = graph.node("MatMul", &["frame", &spread], vec![]);
    let input = graph.reshape(&rows, &[1, 2_048, 1, 1]);
    let weights = graph.floats(&[1, 2_048, 1, 1], &[0.0; 2_048]);
    graph.node_to(
        "Conv",
        &[&input, &weights],
        "wide",
        vec![
            ints("pads", &[0, 1_024, 0, 1_024]),
            ints("strides", &[1, 64]),
        ],
    );
    let error = refusal(&meta_text(), &graph);
    assert!(error.contains("`wide`"), "{error}");
    assert!(
        error.contains("at most 4194304 floats up to here"),
        "{error}"
    );
}

#[test]
fn an_embedding_longer_than_the_audio_thread_keeps_is_refused() {
    let length = format!("embedding = {}", model_support::EMBEDDING);
    let meta = meta_text();
    assert!(meta.contains(&length));
    let error = refusal(&meta.replace(&length, "embedding = 257"), &transcriber());
    for words in ["one_shots.embedding", "1 to 256", "257"] {
        assert!(error.contains(words), "{error}");
    }
}
