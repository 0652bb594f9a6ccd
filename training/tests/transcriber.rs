//! The exported transcriber computes what was trained, and hears no future.

use std::path::Path;

use idm_engine::{
    drum::{DRUM_COUNT, STEM_COUNT},
    front_end::{BAND_COUNT, LOW_BAND_COUNT},
    model::{METADATA_KEY, Model, Plan},
};
use idm_training::{
    config::DataConfig,
    export::{DEFAULT_THRESHOLDS, describe, round_matrices, transcriber_graph},
    network::{
        EMBEDDING, Head, Input, MASK_OUTPUTS, MaskRequest, Network, Outputs, Weights,
        initial_weights, sigmoid,
    },
    random::Random,
    render::{RenderConfig, Renderer},
    training::{Sources, warm_start},
};
use tract_onnx::prelude::*;

/// Untrained weights with livelier outputs than training starts from.
fn lively_weights() -> Weights {
    let mut weights = initial_weights(11);
    let mut random = Random::new(&[12]);
    for tensor in weights.tensors_mut() {
        if tensor.name.ends_with(".bias") {
            tensor.values.fill_with(|| 0.3 * random.bipolar());
        }
    }
    weights
}

fn random_input(seed: u64, batch: usize, frames: usize) -> Input {
    let mut random = Random::new(&[seed]);
    let mut values = |count: usize| (0..count).map(|_| 1.2 * random.bipolar()).collect();
    Input {
        batch,
        frames,
        frame: values(batch * frames * BAND_COUNT),
        low: values(batch * frames * LOW_BAND_COUNT),
    }
}

fn outputs(weights: &Weights, input: &Input, head: Head) -> Outputs {
    let mut network = Network::default();
    let request = MaskRequest {
        head,
        first_frame: 0,
        frames: input.frames - head.look_ahead_frames(),
    };
    let steps: Vec<usize> = (0..input.frames).collect();
    let mut kept = None;
    network.pass(weights, input, Some(request), &steps, false, |outputs| {
        kept = Some(outputs.clone());
        None
    });
    kept.expect("a pass always shows its outputs")
}

fn near(found: f32, expected: f32, what: &str) {
    assert!(
        (found - expected).abs() < 1e-4,
        "{what}: {found}, expected {expected}"
    );
}

/// One piece, streamed through tract frame by frame, against the sequence form.
#[test]
fn exported_file_streams_what_the_sequence_computes() {
    const FRAMES: usize = 60;
    let weights = lively_weights();
    let bytes = transcriber_graph(&weights).finish(&[]);
    let proto = tract_onnx::onnx()
        .proto_model_for_read(&mut bytes.as_slice())
        .unwrap();
    let graph = proto.graph.as_ref().unwrap();
    let input_names: Vec<String> = graph.input.iter().map(|input| input.name.clone()).collect();
    let output_names: Vec<String> = graph.output.iter().map(|out| out.name.clone()).collect();
    let model = tract_onnx::onnx()
        .model_for_read(&mut bytes.as_slice())
        .unwrap()
        .into_optimized()
        .unwrap()
        .into_runnable()
        .unwrap();
    let position = |name: &str| {
        output_names
            .iter()
            .position(|output| output == name)
            .unwrap()
    };

    let input = random_input(1, 1, FRAMES);
    let expected = Head::ALL.map(|head| outputs(&weights, &input, head));
    let mut states: Vec<Tensor> = Vec::new();
    for input_info in &graph.input[2..] {
        let shape: Vec<usize> = shape_of(input_info);
        states.push(Tensor::zero::<f32>(&shape).unwrap());
    }
    for t in 0..FRAMES {
        let frame = &input.frame[t * BAND_COUNT..][..BAND_COUNT];
        let low = &input.low[t * LOW_BAND_COUNT..][..LOW_BAND_COUNT];
        let mut values: TVec<TValue> = tvec!(
            Tensor::from_shape(&[1, BAND_COUNT], frame).unwrap().into(),
            Tensor::from_shape(&[1, LOW_BAND_COUNT], low)
                .unwrap()
                .into(),
        );
        values.extend(states.iter().cloned().map(TValue::from));
        let results = model.run(values).unwrap();
        let result = |name: &str| -> Vec<f32> {
            results[position(name)]
                .to_plain_array_view::<f32>()
                .unwrap()
                .iter()
                .copied()
                .collect()
        };
        for head in Head::ALL {
            let Some(described) = t.checked_sub(head.look_ahead_frames()) else {
                continue;
            };
            let suffix = head.quality().head_suffix();
            let expected = &expected[head.index()];
            let events = &expected.heads[head.index()].events[described * 2 * DRUM_COUNT..];
            let onset = result(&format!("onset{suffix}"));
            let velocity = result(&format!("velocity{suffix}"));
            for class in 0..DRUM_COUNT {
                near(onset[class], sigmoid(events[class]), "onset");
                near(
                    velocity[class],
                    sigmoid(events[DRUM_COUNT + class]),
                    "velocity",
                );
            }
            let logits = &expected.masks[described * MASK_OUTPUTS..][..MASK_OUTPUTS];
            let mask = result(&format!("mask{suffix}"));
            for band in 0..BAND_COUNT {
                let column = (0..STEM_COUNT).map(|stem| logits[stem * BAND_COUNT + band].exp());
                let sum: f32 = column.clone().sum();
                for (stem, value) in column.enumerate() {
                    near(mask[stem * BAND_COUNT + band], value / sum, "mask");
                }
            }
        }
        let embedding = result("embedding");
        for (found, expected) in embedding
            .iter()
            .zip(&expected[0].embedding[t * EMBEDDING..])
        {
            near(*found, *expected, "embedding");
        }
        states = (2..input_names.len())
            .map(|input| {
                let next = format!("{}_next", input_names[input]);
                results[position(&next)].clone().into_tensor()
            })
            .collect();
    }
}

/// The shipped network, frame by frame in the engine, against the pass over a whole piece
/// that training uses.
#[test]
fn the_engine_streams_what_the_shipped_network_computes_of_a_whole_piece() {
    let model = Model::embedded().unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../presets/models/default");
    let weights = warm_start(&folder, initial_weights(1)).unwrap();
    let renderer = Renderer::new(&RenderConfig {
        data: DataConfig {
            procedural_kits: 4,
            piece_s: 6.0,
            ..DataConfig::default()
        },
        ..RenderConfig::default()
    })
    .unwrap();
    let example = renderer.example(5);
    let input = Input {
        batch: 1,
        frames: example.frames,
        frame: example.frame,
        low: example.low,
    };
    for head in Head::ALL {
        let whole = outputs(&weights, &input, head);
        let events = &whole.heads[head.index()].events;
        let mut session = model.session(head.quality());
        let (mut largest, mut loudest) = (0.0_f32, 0.0_f32);
        let frames = input.frame.as_chunks::<BAND_COUNT>().0.iter();
        let lows = input.low.as_chunks::<LOW_BAND_COUNT>().0;
        for (t, (frame, low)) in frames.zip(lows).enumerate() {
            session.step(frame, low);
            let Some(described) = t.checked_sub(head.look_ahead_frames()) else {
                continue;
            };
            let logits = &events[described * 2 * DRUM_COUNT..][..DRUM_COUNT];
            for (found, logit) in session.onset().iter().zip(logits) {
                largest = largest.max((found - sigmoid(*logit)).abs());
                loudest = loudest.max(*found);
            }
        }
        println!("{}: largest difference {largest:.1e}", head.name());
        assert!(loudest > 0.5, "nothing was heard");
        assert!(largest < 2e-4, "{}: {largest}", head.name());
    }
}

/// `export` rounds matrices: the engine then holds them at half size, and the
/// network says nearly the same.
#[test]
fn rounded_matrices_halve_the_memory_and_change_little() {
    const FRAMES: usize = 60;
    let trained = lively_weights();
    let mut rounded = trained.clone();
    round_matrices(&mut rounded);

    let meta = describe(
        "test",
        "00",
        Sources::default().licences(),
        [DEFAULT_THRESHOLDS; 3],
    );
    let text = toml::to_string(&meta).unwrap();
    let bytes = [&trained, &rounded].map(|weights| {
        let file = transcriber_graph(weights).finish(&[(METADATA_KEY, &text)]);
        Plan::compile(&file, &meta).unwrap().weight_bytes()
    });
    assert!(bytes[1] < bytes[0] * 51 / 100, "{bytes:?}");

    let input = random_input(4, 1, FRAMES);
    let (mut worst, mut sum, mut count) = (0.0_f32, 0.0, 0);
    for head in Head::ALL {
        let [before, after] = [&trained, &rounded].map(|weights| outputs(weights, &input, head));
        let events = [before, after].map(|outputs| outputs.heads[head.index()].events.clone());
        for (before, after) in events[0].iter().zip(&events[1]) {
            let difference = (sigmoid(*before) - sigmoid(*after)).abs();
            worst = worst.max(difference);
            sum += difference;
            count += 1;
        }
    }
    let mean = sum / count as f32;
    println!("onset and velocity: {mean} mean difference, {worst} at most");
    assert!(mean < 1e-3 && worst < 5e-3, "{mean} mean, {worst} at most");
    assert!(worst > 0.0);
}

fn shape_of(info: &tract_onnx::pb::ValueInfoProto) -> Vec<usize> {
    use tract_onnx::pb::{tensor_shape_proto::dimension, type_proto};
    let Some(type_proto::Value::TensorType(tensor)) =
        info.r#type.as_ref().and_then(|kind| kind.value.as_ref())
    else {
        panic!("{} has no type", info.name);
    };
    let dimensions = &tensor.shape.as_ref().unwrap().dim;
    dimensions
        .iter()
        .map(|dimension| match dimension.value {
            Some(dimension::Value::DimValue(size)) => size as usize,
            _ => panic!("{} has an open shape", info.name),
        })
        .collect()
}

/// Changing the input from frame `CHANGE` on changes no output before it, and
/// does change outputs from it on.
#[test]
fn outputs_do_not_depend_on_later_input() {
    const FRAMES: usize = 70;
    const CHANGE: usize = 50;
    let weights = lively_weights();
    let input = random_input(2, 1, FRAMES);
    let mut changed = input.clone();
    changed.frame[CHANGE * BAND_COUNT..]
        .iter_mut()
        .for_each(|value| *value += 0.5);
    changed.low[CHANGE * LOW_BAND_COUNT..]
        .iter_mut()
        .for_each(|value| *value -= 0.5);
    for head in Head::ALL {
        let (before, after) = (
            outputs(&weights, &input, head),
            outputs(&weights, &changed, head),
        );
        // Output row `t` is computed when frame `t + look-ahead` arrives.
        let border = CHANGE - head.look_ahead_frames();
        let width = 2 * DRUM_COUNT;
        let (a, b) = (
            &before.heads[head.index()].events,
            &after.heads[head.index()].events,
        );
        assert_eq!(a[..border * width], b[..border * width]);
        assert_ne!(
            a[border * width..(border + 1) * width],
            b[border * width..(border + 1) * width]
        );
        assert_eq!(
            before.masks[..border * MASK_OUTPUTS],
            after.masks[..border * MASK_OUTPUTS]
        );
        assert_ne!(
            before.masks[border * MASK_OUTPUTS..],
            after.masks[border * MASK_OUTPUTS..]
        );
    }
}

/// A sequence gives the same alone and in a batch.
#[test]
fn sequences_of_a_batch_do_not_mix() {
    const FRAMES: usize = 40;
    let weights = lively_weights();
    let both = random_input(3, 2, FRAMES);
    let alone = Input {
        batch: 1,
        frames: FRAMES,
        frame: both.frame[FRAMES * BAND_COUNT..].to_vec(),
        low: both
            .low
            .chunks_exact(LOW_BAND_COUNT)
            .skip(1)
            .step_by(2)
            .flatten()
            .copied()
            .collect(),
    };
    let (both, alone) = (
        outputs(&weights, &both, Head::Standard),
        outputs(&weights, &alone, Head::Standard),
    );
    let width = 2 * DRUM_COUNT;
    let rows = alone.heads[1].events.chunks_exact(width);
    for (t, expected) in rows.enumerate() {
        let found = &both.heads[1].events[(2 * t + 1) * width..][..width];
        for (found, expected) in found.iter().zip(expected) {
            near(*found, *expected, "onset in a batch");
        }
    }
}
