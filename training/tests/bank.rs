//! The exported bank plays what was learnt, chosen by the embedding.

use std::path::Path;

use idm_engine::{
    drum::{DRUM_COUNT, Drum},
    model::Model,
};
use idm_training::{
    bank::{bank_sources, choose, load_bank, save_bank},
    export::{ClassPrototypes, DEFAULT_THRESHOLDS, describe, export_model},
    network::{CHOICE_COUNT, EMBEDDING, Weights, initial_weights},
    one_shot::{BANK_SAMPLES, one_shot_samples},
    random::Random,
    training::Sources,
};

fn noise_bank() -> [ClassPrototypes; DRUM_COUNT] {
    let mut random = Random::new(&[31]);
    Drum::ALL.map(|drum| ClassPrototypes {
        waveforms: (0..CHOICE_COUNT)
            .map(|_| {
                (0..one_shot_samples(drum))
                    .map(|_| 0.9 * random.bipolar())
                    .collect()
            })
            .collect(),
    })
}

fn decided_weights() -> Weights {
    let mut weights = initial_weights(32);
    let index = weights.index_of("choice.weight");
    let mut random = Random::new(&[33]);
    weights.tensors_mut()[index]
        .values
        .fill_with(|| random.bipolar());
    weights
}

#[test]
fn engine_plays_the_chosen_one_shots() {
    let folder = tempfile::tempdir().unwrap();
    let (bank, weights) = (noise_bank(), decided_weights());
    let meta = describe(
        "test",
        "00",
        Sources::default().licences(),
        [DEFAULT_THRESHOLDS; 3],
    );
    export_model(folder.path(), &weights, &bank, &meta).unwrap();
    let size = std::fs::metadata(folder.path().join("one_shots.onnx"))
        .unwrap()
        .len();
    assert!(size <= 8_000_000, "{size} bytes");

    let model = Model::load(folder.path()).unwrap();
    assert_eq!(model.meta(), &meta);
    let network = model.one_shot_network().unwrap();
    let mut random = Random::new(&[34]);
    let mut heard = [[false; CHOICE_COUNT]; DRUM_COUNT];
    for _ in 0..3 {
        let embedding: Vec<f32> = (0..EMBEDDING).map(|_| random.bipolar()).collect();
        let choice = choose(&weights, &embedding);
        let one_shots = network.run(&embedding).unwrap();
        for (class, waveform) in one_shots.iter().enumerate() {
            assert_eq!(waveform.len(), BANK_SAMPLES);
            let expected = &bank[class].waveforms[choice[class]];
            for (found, expected) in waveform.iter().zip(expected) {
                assert!(
                    (found - expected).abs() < 1e-3,
                    "class {class}: {found}, not {expected}"
                );
            }
            assert!(
                waveform[expected.len()..]
                    .iter()
                    .all(|sample| *sample == 0.0)
            );
            heard[class][choice[class]] = true;
        }
    }
    let variety = heard.iter().flatten().filter(|heard| **heard).count();
    assert!(variety > DRUM_COUNT, "the embedding changes the choice");
}

#[test]
fn bank_comes_back_from_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (bank, weights) = (noise_bank(), decided_weights());
    save_bank(folder.path(), &bank, &weights, &Sources::default()).unwrap();
    let mut other = initial_weights(1);
    assert_eq!(load_bank(folder.path(), &mut other).unwrap(), bank);
    assert_eq!(other.get("choice.weight"), weights.get("choice.weight"));

    std::fs::remove_file(folder.path().join("ride_2.wav")).unwrap();
    let error = load_bank(folder.path(), &mut other).unwrap_err();
    assert!(format!("{error:#}").contains("ride_2.wav"), "{error:#}");
}

#[test]
fn the_one_shots_of_a_model_are_a_bank() {
    let root = tempfile::tempdir().unwrap();
    let (first, second) = (root.path().join("first"), root.path().join("second"));
    let weights = decided_weights();
    let licences = vec!["one-shots by somebody".to_owned()];
    let meta = describe("test", "00", licences, [DEFAULT_THRESHOLDS; 3]);
    export_model(&first, &weights, &noise_bank(), &meta).unwrap();

    let mut other = initial_weights(1);
    let bank = load_bank(&first, &mut other).unwrap();
    assert_eq!(other.get("choice.weight"), weights.get("choice.weight"));
    assert_ne!(other.get("conv1.weight"), weights.get("conv1.weight"));
    export_model(&second, &other, &bank, &meta).unwrap();
    let bytes = |folder: &Path| std::fs::read(folder.join("one_shots.onnx")).unwrap();
    assert!(bytes(&first) == bytes(&second), "they are as they were");
    let licences = bank_sources(&first).unwrap().licences();
    assert!(licences.contains(&"one-shots by somebody".to_owned()));

    std::fs::copy(first.join("transcriber.onnx"), first.join("one_shots.onnx")).unwrap();
    let error = format!("{:#}", load_bank(&first, &mut other).unwrap_err());
    assert!(
        error.contains("one_shots.onnx: expected choice.weight"),
        "{error}"
    );
}
