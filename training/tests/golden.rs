//! The shipped model with this engine is as good as when the figures were
//! committed. To make them again after a change that is meant:
//! `cargo run --release -p idm-training -- evaluate --golden training/tests/golden.json`

use std::path::Path;

use idm_engine::model::Model;
use idm_training::evaluation::Golden;

#[test]
fn the_shipped_model_keeps_its_figures() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden.json");
    let golden = Golden::read(&path).unwrap();
    let found = Golden::measure(&Model::embedded().unwrap()).unwrap();
    golden.check(&found).unwrap();
}
