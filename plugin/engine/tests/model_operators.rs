//! Every operator of the contract, in many shapes, against tract.

mod model_support;

use idm_engine::{
    controls::Quality,
    model::{Model, ModelError},
};
use model_support::{
    Features, GraphBuilder, Oracle, Random,
    attributes::{float, int, ints, text},
    meta_text, one_shots,
};
use proptest::prelude::*;

/// A network whose embedding sums up what `body` makes of the frame (`x`,
/// `[1, 128]`); `len` is the number of elements of the result.
fn network(len: usize, body: impl FnOnce(&mut GraphBuilder, &str) -> String) -> GraphBuilder {
    let mut random = Random(21);
    let mut graph = GraphBuilder::new();
    graph.metadata("idm_model_toml", &meta_text());
    let frame = graph.input("frame", &[1, 128]);
    graph.input("low", &[1, 32]);
    let y = body(&mut graph, &frame);
    let y = graph.reshape(&y, &[1, -1]);
    let scale = 1.0 / (len as f32).sqrt();
    let mut dense = |graph: &mut GraphBuilder, outputs: usize| {
        let weights = graph.floats(&[len, outputs], &random.signed_vec(len * outputs, scale));
        graph.node("Gemm", &[&y, &weights], vec![])
    };
    let embedding = dense(&mut graph, 32);
    let hits = dense(&mut graph, 9);
    let hits = graph.node("Sigmoid", &[&hits], vec![]);
    graph.output(&embedding, "embedding", &[1, 32]);
    for suffix in ["_low", "", "_high"] {
        graph.output(&hits, &format!("onset{suffix}"), &[1, 9]);
        graph.output(&hits, &format!("velocity{suffix}"), &[1, 9]);
    }
    graph
}

fn load(graph: &GraphBuilder) -> Result<Model, ModelError> {
    Model::from_parts(&meta_text(), &graph.encode(), one_shots().encode())
}

/// Largest difference between executor and tract over some frames, relative
/// where values are large.
fn difference(graph: &GraphBuilder) -> f32 {
    let model = load(graph).unwrap_or_else(|error| panic!("{error}"));
    let mut session = model.session(Quality::Standard);
    assert!(session.mask().is_none());
    let mut oracle = Oracle::literal(graph);
    let mut features = Features::new(2);
    let mut worst = 0.0_f32;
    for stages in 1..12 {
        let (frame, low) = features.next();
        oracle.step(&frame, &low);
        session.begin(&frame, &low);
        for stage in 0..stages {
            session.run_stage(stage, stages);
        }
        for (ours, theirs) in session.embedding().iter().zip(oracle.output("embedding")) {
            worst = worst.max((ours - theirs).abs() / theirs.abs().max(1.0));
        }
    }
    // A stride may pick nothing but padding: then both are silent.
    let heard = |values: &[f32]| values.iter().any(|&x| x != 0.0);
    assert_eq!(
        heard(session.embedding()),
        heard(oracle.output("embedding"))
    );
    worst
}

#[track_caller]
fn agrees(len: usize, body: impl FnOnce(&mut GraphBuilder, &str) -> String) {
    let difference = difference(&network(len, body));
    assert!(difference < 2e-5, "{difference}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 80, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn convolutions(
        (channels, frames, bands) in prop_oneof![
            Just((1, 1, 128)), Just((2, 1, 64)), Just((4, 4, 8)), Just((1, 8, 16)), Just((16, 1, 8)),
            Just((8, 2, 8)), Just((1, 128, 1)),
        ],
        out in 1_usize..40,
        kernel_frames in 1_usize..5,
        kernel_bands in 1_usize..9,
        stride in 1_usize..5,
        before in 0_usize..4,
        after in 0_usize..4,
        biased: bool,
    ) {
        let kernel_frames = kernel_frames.min(frames);
        let kernel_bands = kernel_bands.min(bands + before + after);
        let out_bands = (bands + before + after - kernel_bands) / stride + 1;
        let len = out * (frames - kernel_frames + 1) * out_bands;
        let graph = network(len, |g, x| {
            let mut random = Random(5);
            let x = g.reshape(x, &[1, channels as i64, frames as i64, bands as i64]);
            let shape = [out, channels, kernel_frames, kernel_bands];
            let taps: usize = shape[1..].iter().product();
            let values = random.signed_vec(out * taps, 1.0 / (taps as f32).sqrt());
            let weights = g.floats(&shape, &values);
            let bias = g.listed_floats(&[out], &random.signed_vec(out, 0.3));
            let attributes = vec![
                ints("pads", &[0, before as i64, 0, after as i64]),
                ints("strides", &[1, stride as i64]),
            ];
            let inputs = [x.as_str(), &weights, &bias];
            g.node("Conv", &inputs[..if biased { 3 } else { 2 }], attributes)
        });
        let difference = difference(&graph);
        prop_assert!(difference < 2e-5, "{}", difference);
    }

    #[test]
    fn dense_layers(
        rows in prop_oneof![Just(1_usize), Just(2), Just(8), Just(128)],
        outputs in 1_usize..100,
        transposed: bool,
        bias in 0_usize..3,
    ) {
        let inputs = 128 / rows;
        let graph = network(rows * outputs, |g, x| {
            let mut random = Random(6);
            let x = g.reshape(x, &[rows as i64, inputs as i64]);
            let values = random.signed_vec(inputs * outputs, 1.0 / (inputs as f32).sqrt());
            let shape = if transposed { [outputs, inputs] } else { [inputs, outputs] };
            let weights = g.floats(&shape, &values);
            let shape: &[usize] = if bias == 1 { &[1, outputs] } else { &[outputs] };
            let biases = g.floats(shape, &random.signed_vec(outputs, 0.3));
            let operands = [x.as_str(), &weights, &biases];
            let attributes = vec![
                int("transB", transposed.into()),
                float("alpha", 1.0),
                float("beta", 1.0),
            ];
            g.node("Gemm", &operands[..if bias == 0 { 2 } else { 3 }], attributes)
        });
        let difference = difference(&graph);
        prop_assert!(difference < 2e-5, "{}", difference);
    }

    #[test]
    fn slices(
        starts in prop::array::uniform3(-9_i64..9),
        lens in prop::array::uniform3(1_i64..9),
        axes in Just([0_i64, 1, 2, -1]).prop_shuffle(),
        count in 1_usize..4,
    ) {
        let shape = [4_i64, 8, 4];
        let mut size = shape;
        let (mut from, mut to, mut along) = (vec![], vec![], vec![]);
        for ((&axis, start), len) in axes.iter().zip(starts).zip(lens).take(count) {
            let axis_index = axis.rem_euclid(3) as usize;
            if along.iter().any(|&a: &i64| a.rem_euclid(3) == axis.rem_euclid(3)) {
                continue;
            }
            let full = shape[axis_index];
            let first = start.clamp(-full, full - 1).rem_euclid(full);
            size[axis_index] = (first + len).min(full) - first;
            from.push(start.clamp(-full, full - 1));
            to.push(first + len);
            along.push(axis);
        }
        let len: i64 = size.iter().product();
        let graph = network(len as usize, |g, x| {
            let x = g.reshape(x, &shape);
            let operands = [g.integers(&from), g.integers(&to), g.integers(&along)];
            let steps = g.integers(&vec![1; along.len()]);
            let [from, to, along] = &operands;
            g.node("Slice", &[&x, from, to, along, &steps], vec![])
        });
        let difference = difference(&graph);
        prop_assert!(difference < 2e-5, "{}", difference);
    }

    #[test]
    fn joins_and_softmaxes(axis in -3_i64..3, parts in 1_usize..4, softmax_axis in -3_i64..3) {
        let graph = network(128 * parts, |g, x| {
            let x = g.reshape(x, &[2, 4, 16]);
            let y = g.node("Tanh", &[&x], vec![]);
            let z = g.node("Mul", &[&x, &x], vec![]);
            let joined = g.concat(&[x.as_str(), &y, &z][..parts], axis);
            g.node("Softmax", &[&joined], vec![int("axis", softmax_axis)])
        });
        let difference = difference(&graph);
        prop_assert!(difference < 2e-5, "{}", difference);
    }
}

#[test]
fn element_wise_functions_broadcast_from_both_sides() {
    let part_shapes: [&[usize]; 6] = [&[1], &[], &[16], &[1, 16], &[1, 1, 16], &[8, 16]];
    for operator in ["Add", "Sub", "Mul"] {
        for shape in part_shapes {
            for swapped in [false, true] {
                agrees(128, |g, x| {
                    let len = shape.iter().product();
                    let constant = g.floats(shape, &Random(9).signed_vec(len, 1.0));
                    let x = g.reshape(x, &[1, 8, 16]);
                    let operands = if swapped {
                        [&constant, &x]
                    } else {
                        [&x, &constant]
                    };
                    g.node(operator, &operands.map(String::as_str), vec![])
                });
            }
        }
        // Two computed values, one of them the end of the other.
        agrees(128, |g, x| {
            let row = g.slice(x, 1, 3, 19);
            let x = g.reshape(x, &[8, 16]);
            g.node(operator, &[&row, &x], vec![])
        });
    }
}

#[test]
fn functions_of_one_value() {
    for operator in ["Relu", "Sigmoid", "Tanh", "Identity", "Flatten"] {
        agrees(128, |g, x| {
            let gain = g.floats(&[1], &[40.0]);
            let x = g.node("Mul", &[x, &gain], vec![]);
            g.node(operator, &[&x], vec![])
        });
    }
    for axis in [0, 1, 2, 3, -1, -3] {
        agrees(128, |g, x| {
            let x = g.reshape(x, &[4, -1, 8]);
            let y = g.node("Flatten", &[&x], vec![int("axis", axis)]);
            g.node("Relu", &[&y], vec![])
        });
    }
}

#[test]
fn matrix_products_of_more_than_one_row() {
    agrees(8 * 5, |g, x| {
        let x = g.reshape(x, &[1, 8, 16]);
        let weights = g.floats(&[16, 5], &Random(4).signed_vec(80, 0.3));
        g.node("MatMul", &[&x, &weights], vec![])
    });
}

#[test]
fn a_kernel_as_large_as_its_input_is_a_dense_layer() {
    agrees(20, |g, x| {
        let x = g.reshape(x, &[1, 2, 4, 16]);
        let weights = g.floats(&[20, 2, 4, 16], &Random(4).signed_vec(20 * 128, 0.1));
        let bias = g.floats(&[20], &Random(5).signed_vec(20, 0.1));
        g.node(
            "Conv",
            &[&x, &weights, &bias],
            vec![text("auto_pad", "NOTSET")],
        )
    });
}

#[test]
fn reshape_keeps_and_infers_dimensions() {
    for shape in [&[0_i64, -1, 4][..], &[1, 0], &[-1], &[2, 2, 2, 16]] {
        agrees(128, |g, x| {
            let y = g.reshape(x, shape);
            g.node("Tanh", &[&y], vec![])
        });
    }
}

/// The error for a network with `body` in it.
fn refusal(body: impl FnOnce(&mut GraphBuilder, &str) -> String) -> String {
    match load(&network(128, body)) {
        Ok(_) => panic!("this network should be refused"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_the_engine_does_not_implement_is_named() {
    let weights =
        |g: &mut GraphBuilder, shape: &[usize]| g.floats(shape, &vec![0.1; shape.iter().product()]);
    type Body<'a> = Box<dyn Fn(&mut GraphBuilder, &str) -> String + 'a>;
    let conv = |shape: &'static [i64],
                kernel: &'static [usize],
                name: &'static str,
                value: &'static [i64]| {
        Box::new(move |g: &mut GraphBuilder, x: &str| {
            let x = g.reshape(x, shape);
            let w = weights(g, kernel);
            g.node("Conv", &[&x, &w], vec![ints(name, value)])
        }) as Body
    };
    let cases: Vec<(&[&str], Body)> = vec![
        (
            &["(Gelu)", "operator", "Gelu"],
            Box::new(|g, x| g.node("Gelu", &[x], vec![])),
        ),
        (
            &["(LSTM)", "operator"],
            Box::new(|g, x| g.node("LSTM", &[x, x], vec![])),
        ),
        (
            &["(Gemm)", "alpha", "expected 1", "found 0.5"],
            Box::new(|g, x| {
                let w = weights(g, &[128, 128]);
                g.node("Gemm", &[x, &w], vec![float("alpha", 0.5)])
            }),
        ),
        (
            &["transA", "found 1"],
            Box::new(|g, x| {
                let w = weights(g, &[128, 128]);
                g.node("Gemm", &[x, &w], vec![int("transA", 1)])
            }),
        ),
        (
            &["shape of the weights", "[128, outputs]", "[64, 128]"],
            Box::new(|g, x| {
                let w = weights(g, &[64, 128]);
                g.node("Gemm", &[x, &w], vec![])
            }),
        ),
        (
            &["shape of the bias", "[128]", "[64]"],
            Box::new(|g, x| {
                let (w, b) = (weights(g, &[128, 128]), weights(g, &[64]));
                g.node("Gemm", &[x, &w, &b], vec![])
            }),
        ),
        (
            &["(MatMul)", "an initializer", "a computed value"],
            Box::new(|g, x| {
                let y = g.reshape(x, &[128, 1]);
                g.node("MatMul", &[x, &y], vec![])
            }),
        ),
        (
            &["strides", "[2, 1]"],
            conv(&[1, 1, 8, 16], &[1, 1, 3, 3], "strides", &[2, 1]),
        ),
        (
            &["pads", "[1, 0, 0, 0]"],
            conv(&[1, 1, 8, 16], &[1, 1, 3, 3], "pads", &[1, 0, 0, 0]),
        ),
        (
            &["dilations"],
            conv(&[1, 1, 8, 16], &[1, 1, 3, 3], "dilations", &[1, 2]),
        ),
        (
            &["kernel_shape"],
            conv(&[1, 1, 8, 16], &[1, 1, 3, 3], "kernel_shape", &[3, 5]),
        ),
        (
            &["[1, channels, frames, bands]"],
            conv(&[8, 16], &[1, 1, 3, 3], "strides", &[1, 1]),
        ),
        (
            &["shape of the weights"],
            conv(&[1, 2, 4, 16], &[1, 1, 3, 3], "strides", &[1, 1]),
        ),
        (
            &["shape of the weights"],
            conv(&[1, 1, 8, 16], &[1, 1, 9, 3], "strides", &[1, 1]),
        ),
        (
            &["strange", "no such attribute"],
            conv(&[1, 1, 8, 16], &[1, 1, 3, 3], "strange", &[1]),
        ),
        (
            &["steps", "found 2"],
            Box::new(|g, x| {
                let [from, to, axis, step] = [0, 8, 1, 2].map(|value| g.integers(&[value]));
                g.node("Slice", &[x, &from, &to, &axis, &step], vec![])
            }),
        ),
        (
            &["at least one element"],
            Box::new(|g, x| g.slice(x, 1, 5, 5)),
        ),
        (&["axis", "found 2"], Box::new(|g, x| g.slice(x, 2, 0, 1))),
        (&["128 elements"], Box::new(|g, x| g.reshape(x, &[3, -1]))),
        (&["128 elements"], Box::new(|g, x| g.reshape(x, &[-1, -1]))),
        (
            &["128 elements"],
            Box::new(|g, x| g.reshape(x, &[i64::MAX, 4, i64::MAX])),
        ),
        (
            &["shape of input 1"],
            Box::new(|g, x| {
                let y = g.reshape(x, &[2, 64]);
                g.concat(&[x, &y], 0)
            }),
        ),
        (
            &["axis"],
            Box::new(|g, x| g.node("Concat", &[x, x], vec![])),
        ),
        (
            &["(Add)", "shapes"],
            Box::new(|g, x| {
                let y = weights(g, &[5]);
                g.node("Add", &[x, &y], vec![])
            }),
        ),
        (
            &["(Add)", "floats", "integers"],
            Box::new(|g, x| {
                let y = g.integers(&[1]);
                g.node("Add", &[x, &y], vec![])
            }),
        ),
        (
            &["number of inputs", "found 2"],
            Box::new(|g, x| g.node("Relu", &[x, x], vec![])),
        ),
        (
            &["`nowhere`"],
            Box::new(|g, _| g.node("Relu", &["nowhere"], vec![])),
        ),
        (
            &["multiplications per frame"],
            Box::new(|g, x| {
                let w = weights(g, &[128, 2048]);
                let mut y = g.node("MatMul", &[x, &w], vec![]);
                let w = weights(g, &[2048, 2048]);
                for _ in 0..9 {
                    y = g.node("MatMul", &[&y, &w], vec![]);
                }
                g.slice(&y, 1, 0, 128)
            }),
        ),
        (
            &["floats up to here"],
            Box::new(|g, x| {
                let mut y = x.to_owned();
                for _ in 0..40 {
                    y = g.concat(&[&y, &y], 0);
                }
                y
            }),
        ),
    ];
    for (words, body) in cases {
        let error = refusal(body);
        assert!(error.starts_with("transcriber.onnx: "), "{error}");
        for word in words {
            assert!(error.contains(word), "`{word}` is missing in: {error}");
        }
    }
}
