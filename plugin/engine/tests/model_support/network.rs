//! Random networks that follow the contract.

use super::{
    Random,
    attributes::{int, ints},
    graph::GraphBuilder,
};

/// Length of the embedding.
pub const EMBEDDING: usize = 32;
/// Length of the one-shots, short so that the network stays small.
pub const SAMPLES: usize = 2_000;
/// Width of the recurrent layer.
const HIDDEN: usize = 192;

/// A `model.toml` that fits [`transcriber`] and [`one_shots`].
pub fn meta_text() -> String {
    format!(
        r#"format = 1
name = "random"
version = "0.0.1"
licence = "MIT OR Apache-2.0"
training_config_hash = "00"
data_licences = ["no data"]
classes = ["kick", "snare", "closed_hat", "open_hat", "high_tom", "mid_tom", "floor_tom", "crash", "ride"]

[front_end]
hop_at_44100 = 256
window_at_44100 = 1024
long_window_at_44100 = 4096
bands = 128
low_bands = 32
log_floor_power = 1e-8
log_scale = 0.16666667
log_offset = 2.0

[look_ahead_frames]
low = 2
standard = 6
high = 24

[thresholds]
strict = [0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
recall = [0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2]

[one_shots]
sample_rate_hz = 44100
samples = {SAMPLES}
embedding = {EMBEDDING}
"#
    )
}

struct Writer {
    graph: GraphBuilder,
    random: Random,
    states: usize,
}

impl Writer {
    fn state(&mut self, shape: &[usize]) -> String {
        let name = format!("state_{}", self.states);
        self.states += 1;
        self.graph.input(&name, shape)
    }

    fn next(&mut self, state: &str, value: &str, shape: &[usize]) {
        self.graph.output(value, &format!("{state}_next"), shape);
    }

    fn weights(&mut self, shape: &[usize], inputs: usize) -> String {
        let scale = (2.0 / inputs as f32).sqrt();
        let values = self.random.signed_vec(shape.iter().product(), scale);
        self.graph.floats(shape, &values)
    }

    fn dense(&mut self, x: &str, inputs: usize, outputs: usize) -> String {
        let weights = self.weights(&[outputs, inputs], inputs);
        let bias = self.weights(&[outputs], 100);
        self.graph
            .node("Gemm", &[x, &weights, &bias], vec![int("transB", 1)])
    }

    /// Three frames and three bands, half as many bands; keeps two frames.
    fn conv(&mut self, x: &str, channels: usize, bands: usize, outputs: usize) -> String {
        let past_shape = [1, channels, 2, bands];
        let past = self.state(&past_shape);
        let window = self.graph.concat(&[&past, x], 2);
        let kept = self.graph.slice(&window, 2, 1, 3);
        self.next(&past, &kept, &past_shape);
        let weights = self.weights(&[outputs, channels, 3, 3], channels * 9);
        let bias = self.weights(&[outputs], 100);
        let attributes = vec![
            ints("kernel_shape", &[3, 3]),
            ints("strides", &[1, 2]),
            ints("pads", &[0, 1, 0, 1]),
            ints("dilations", &[1, 1]),
            int("group", 1),
        ];
        let y = self
            .graph
            .node("Conv", &[&window, &weights, &bias], attributes);
        self.graph.node("Relu", &[&y], vec![])
    }

    fn gru(&mut self, x: &str, inputs: usize) -> String {
        let size = HIDDEN as i64;
        let h = self.state(&[1, HIDDEN]);
        let from_x = self.dense(x, inputs, 3 * HIDDEN);
        let weights = self.weights(&[HIDDEN, 3 * HIDDEN], HIDDEN);
        let bias = self.weights(&[3 * HIDDEN], 100);
        let g = &mut self.graph;
        let from_h = g.node("MatMul", &[&h, &weights], vec![]);
        let from_h = g.node("Add", &[&bias, &from_h], vec![]);
        let mut gate = |index: i64| {
            let a = g.slice(&from_x, 1, index * size, (index + 1) * size);
            let b = g.slice(&from_h, -1, index * size, (index + 1) * size);
            let sum = g.node("Add", &[&a, &b], vec![]);
            g.node("Sigmoid", &[&sum], vec![])
        };
        let (z, r) = (gate(0), gate(1));
        let a = g.slice(&from_x, 1, 2 * size, i64::MAX);
        let b = g.slice(&from_h, 1, 2 * size, 3 * size);
        let b = g.node("Mul", &[&r, &b], vec![]);
        let n = g.node("Add", &[&a, &b], vec![]);
        let n = g.node("Tanh", &[&n], vec![]);
        let change = g.node("Sub", &[&h, &n], vec![]);
        let change = g.node("Mul", &[&z, &change], vec![]);
        let y = g.node("Add", &[&n, &change], vec![]);
        self.next(&h, &y, &[1, HIDDEN]);
        y
    }

    /// A delay line of `frames` values; returns the oldest one and all.
    fn delay(&mut self, x: &str, len: usize, frames: usize) -> (String, String) {
        let shape = [1, frames, len];
        let past = self.state(&shape);
        let row = self.graph.reshape(x, &[1, 1, -1]);
        let kept = self.graph.slice(&past, 1, 1, frames as i64);
        let line = self.graph.concat(&[&kept, &row], 1);
        self.next(&past, &line, &shape);
        let oldest = self.graph.slice(&past, 1, 0, 1);
        (self.graph.reshape(&oldest, &[1, len as i64]), line)
    }

    fn head(&mut self, x: &str, inputs: usize, suffix: &str) {
        for name in ["onset", "velocity"] {
            let y = self.dense(x, inputs, 9);
            let y = self.graph.node("Sigmoid", &[&y], vec![]);
            self.graph.output(&y, &format!("{name}{suffix}"), &[1, 9]);
        }
        let y = self.dense(x, inputs, 10 * 128);
        let y = self.graph.reshape(&y, &[0, 10, 128]);
        let y = self.graph.node("Softmax", &[&y], vec![int("axis", 1)]);
        self.graph
            .output(&y, &format!("mask{suffix}"), &[1, 10, 128]);
    }
}

/// A network with convolutions, recurrent layers, delay lines and three heads;
/// about 900 000 weights.
pub fn transcriber() -> GraphBuilder {
    transcriber_with(&meta_text())
}

/// [`transcriber`] with another text in the metadata.
pub fn transcriber_with(meta: &str) -> GraphBuilder {
    let mut w = Writer {
        graph: GraphBuilder::new(),
        random: Random(7),
        states: 0,
    };
    w.graph.metadata("idm_model_toml", meta);
    let frame = w.graph.input("frame", &[1, 128]);
    let low = w.graph.input("low", &[1, 32]);
    let features = w.graph.concat(&[&frame, &low], -1);
    let x = w.graph.reshape(&features, &[1, 1, 1, 160]);
    let x = w.conv(&x, 1, 160, 24);
    let x = w.conv(&x, 24, 80, 24);
    let x = w.graph.node("Flatten", &[&x], vec![]);
    let x = w.dense(&x, 960, HIDDEN);
    let x = w.graph.node("Relu", &[&x], vec![]);
    let trunk = w.gru(&x, HIDDEN);

    let embedding = w.dense(&trunk, HIDDEN, EMBEDDING);
    w.graph.output(&embedding, "embedding", &[1, EMBEDDING]);
    for (suffix, frames) in [("_low", 2), ("", 6)] {
        let (delayed, _) = w.delay(&features, 160, frames);
        let joined = w.graph.concat(&[&trunk, &delayed], 1);
        w.head(&joined, HIDDEN + 160, suffix);
    }
    // A chain of states, each taking over the one before it.
    let (first, second) = (w.state(&[1, 9]), w.state(&[1, 9]));
    w.next(&first, "onset_low", &[1, 9]);
    w.next(&second, &first, &[1, 9]);
    // Only the late head has a second recurrent layer and reads a whole line.
    let (delayed, line) = w.delay(&features, 160, 24);
    let recent = w.graph.slice(&line, 2, 0, 8);
    let recent = w.graph.node("Flatten", &[&recent], vec![]);
    let late = w.gru(&trunk, HIDDEN);
    let joined = w.graph.concat(&[&late, &delayed, &recent, &second], 1);
    w.head(&joined, HIDDEN + 160 + 24 * 8 + 9, "_high");
    w.graph
}

/// A one-shot network: one dense layer.
pub fn one_shots() -> GraphBuilder {
    let mut random = Random(11);
    let mut graph = GraphBuilder::new();
    let embedding = graph.input("embedding", &[1, EMBEDDING]);
    let weights = graph.floats(
        &[EMBEDDING, 9 * SAMPLES],
        &random.signed_vec(EMBEDDING * 9 * SAMPLES, 0.1),
    );
    let y = graph.node("MatMul", &[&embedding, &weights], vec![]);
    let y = graph.reshape(&y, &[9, -1]);
    graph.output(&y, "one_shots", &[9, SAMPLES]);
    graph
}
