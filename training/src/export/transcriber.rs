//! The transcriber as one step of a stream, in plain operators.
//!
//! What the sequence form keeps implicitly becomes explicit state: the last
//! two frames before each convolution, the recurrent states, and the frame
//! codes that the delayed heads look back at.

use idm_engine::{
    drum::{DRUM_COUNT, STEM_COUNT},
    front_end::{BAND_COUNT, LOW_BAND_COUNT},
};

use super::graph::{Attribute, GraphBuilder};
use crate::network::{
    CONV_FRAMES, CONV1_BANDS, CONV1_CHANNELS, CONV1_WIDTH, CONV2_WIDTH, DETAIL, EMBEDDING, FLAT,
    Head, UNITS, Weights,
};

/// Frame codes kept: the longest look-ahead.
const DELAY: usize = Head::High.look_ahead_frames();
/// Detail codes kept: one frame more.
const DETAIL_DELAY: usize = DELAY + 1;

struct Exporter<'a> {
    graph: GraphBuilder,
    weights: &'a Weights,
    states: usize,
}

impl Exporter<'_> {
    fn weight(&mut self, name: &str) -> String {
        let tensor = self.weights.get(name);
        self.graph.floats(name, &tensor.shape, &tensor.values)
    }

    fn dense(&mut self, input: &str, layer: &str) -> String {
        let weight = self.weight(&format!("{layer}.weight"));
        let bias = self.weight(&format!("{layer}.bias"));
        self.graph.dense(input, &weight, &bias)
    }

    /// Declares the next state of `shape`; answers its index and its value.
    fn state(&mut self, shape: &[usize]) -> (usize, String) {
        let index = self.states;
        self.states += 1;
        (index, self.graph.input(&format!("state_{index}"), shape))
    }

    fn next_state(&mut self, index: usize, value: &str, shape: &[usize]) {
        self.graph
            .output(&format!("state_{index}_next"), value, shape);
    }

    /// A causal convolution over the newest frame (`[1, channels, 1, bands]`)
    /// and those kept before it, with ReLU.
    fn convolution(
        &mut self,
        layer: &str,
        newest: &str,
        channels: usize,
        bands: usize,
        width: usize,
    ) -> String {
        let shape = [1, channels, CONV_FRAMES - 1, bands];
        let (index, past) = self.state(&shape);
        let frames = self.graph.concat(&[&past, newest], 2);
        let kept = self.graph.slice(&frames, 2, 1, CONV_FRAMES as i64);
        self.next_state(index, &kept, &shape);
        let weight = self.weight(&format!("{layer}.weight"));
        let bias = self.weight(&format!("{layer}.bias"));
        let padding = (width / 2) as i64;
        let result = self.graph.node(
            "Conv",
            &[&frames, &weight, &bias],
            &[
                Attribute::Ints("kernel_shape", &[CONV_FRAMES as i64, width as i64]),
                Attribute::Ints("strides", &[1, 2]),
                Attribute::Ints("pads", &[0, padding, 0, padding]),
            ],
        );
        self.graph.node("Relu", &[&result], &[])
    }

    /// A gated recurrent layer; answers its new state.
    fn recurrent(&mut self, layer: &str, input: &str) -> String {
        let units = UNITS as i64;
        let (index, old) = self.state(&[1, UNITS]);
        let from_input = self.dense(input, &format!("{layer}.input"));
        let from_state = self.dense(&old, &format!("{layer}.recurrent"));
        let graph = &mut self.graph;
        let gates_input = graph.slice(&from_input, 1, 0, 2 * units);
        let gates_state = graph.slice(&from_state, 1, 0, 2 * units);
        let gates = graph.node("Add", &[&gates_input, &gates_state], &[]);
        let gates = graph.node("Sigmoid", &[&gates], &[]);
        let reset = graph.slice(&gates, 1, 0, units);
        let update = graph.slice(&gates, 1, units, 2 * units);
        let new_input = graph.slice(&from_input, 1, 2 * units, 3 * units);
        let new_state = graph.slice(&from_state, 1, 2 * units, 3 * units);
        let allowed = graph.node("Mul", &[&reset, &new_state], &[]);
        let new = graph.node("Add", &[&new_input, &allowed], &[]);
        let new = graph.node("Tanh", &[&new], &[]);
        let difference = graph.node("Sub", &[&old, &new], &[]);
        let kept = graph.node("Mul", &[&update, &difference], &[]);
        let state = graph.node("Add", &[&new, &kept], &[]);
        self.next_state(index, &state, &[1, UNITS]);
        state
    }

    /// The detail codes that the head sees, joined.
    fn details_around(&mut self, head: Head, details: &str) -> String {
        let newest = head.look_ahead_frames() as isize;
        let places = head.detail_frames().iter();
        let places: Vec<i64> = places
            .map(|offset| (DETAIL_DELAY as isize - newest + offset) as i64)
            .collect();
        // Neighbouring frames are one slice.
        let runs: Vec<String> = places
            .chunk_by(|a, b| a + 1 == *b)
            .map(|run| {
                let count = run.len() as i64;
                let graph = &mut self.graph;
                let slice = graph.slice(details, 1, run[0], run[0] + count);
                graph.reshape(&slice, &[1, count * DETAIL as i64])
            })
            .collect();
        let runs: Vec<&str> = runs.iter().map(String::as_str).collect();
        match runs.as_slice() {
            [only] => (*only).to_owned(),
            several => self.graph.concat(several, 1),
        }
    }

    fn head(
        &mut self,
        head: Head,
        state: &str,
        (codes, details): (&str, &str),
        decoder: (&str, &str),
    ) {
        let suffix = head.quality().head_suffix();
        let first = (DELAY - head.look_ahead_frames()) as i64;
        let code = self.graph.slice(codes, 1, first, first + 1);
        let code = self.graph.reshape(&code, &[1, UNITS as i64]);
        let drums = DRUM_COUNT as i64;

        let around = self.details_around(head, details);
        let wide = self.graph.concat(&[state, &code, &around], 1);
        let hidden = self.dense(&wide, &format!("{}.events_hidden", head.name()));
        let hidden = self.graph.node("Relu", &[&hidden], &[]);
        let events = self.dense(&hidden, &format!("{}.events", head.name()));
        let events = self.graph.node("Sigmoid", &[&events], &[]);
        let onset = self.graph.slice(&events, 1, 0, drums);
        let velocity = self.graph.slice(&events, 1, drums, 2 * drums);
        self.graph
            .output(&format!("onset{suffix}"), &onset, &[1, DRUM_COUNT]);
        self.graph
            .output(&format!("velocity{suffix}"), &velocity, &[1, DRUM_COUNT]);

        let hidden = self.dense(&wide, &format!("{}.mask_hidden", head.name()));
        let hidden = self.graph.node("Relu", &[&hidden], &[]);
        let logits = self.graph.dense(&hidden, decoder.0, decoder.1);
        let logits = self
            .graph
            .reshape(&logits, &[1, STEM_COUNT as i64, BAND_COUNT as i64]);
        let mask = self
            .graph
            .node("Softmax", &[&logits], &[Attribute::Int("axis", 1)]);
        self.graph.output(
            &format!("mask{suffix}"),
            &mask,
            &[1, STEM_COUNT, BAND_COUNT],
        );
    }
}

/// The graph of the transcriber with `weights`. Allocates.
pub fn transcriber_graph(weights: &Weights) -> GraphBuilder {
    let mut exporter = Exporter {
        graph: GraphBuilder::new("transcriber"),
        weights,
        states: 0,
    };
    let frame = exporter.graph.input("frame", &[1, BAND_COUNT]);
    let low = exporter.graph.input("low", &[1, LOW_BAND_COUNT]);
    let frame = exporter
        .graph
        .reshape(&frame, &[1, 1, 1, BAND_COUNT as i64]);
    let hidden = exporter.convolution("conv1", &frame, 1, BAND_COUNT, CONV1_WIDTH);
    let hidden = exporter.convolution("conv2", &hidden, CONV1_CHANNELS, CONV1_BANDS, CONV2_WIDTH);
    let flat = exporter.graph.reshape(&hidden, &[1, FLAT as i64]);
    let features = exporter.graph.concat(&[&flat, &low], 1);
    let code = exporter.dense(&features, "dense");
    let code = exporter.graph.node("Relu", &[&code], &[]);

    let first = exporter.recurrent("gru1", &code);
    let second = exporter.recurrent("gru2", &first);
    let state = exporter.graph.node("Add", &[&first, &second], &[]);

    let shape = [1, DELAY, UNITS];
    let (index, past) = exporter.state(&shape);
    let newest = exporter.graph.reshape(&code, &[1, 1, UNITS as i64]);
    let codes = exporter.graph.concat(&[&past, &newest], 1);
    let kept = exporter.graph.slice(&codes, 1, 1, DELAY as i64 + 1);
    exporter.next_state(index, &kept, &shape);

    let detail = exporter.dense(&code, "detail");
    let detail = exporter.graph.node("Relu", &[&detail], &[]);
    let shape = [1, DETAIL_DELAY, DETAIL];
    let (index, past) = exporter.state(&shape);
    let newest = exporter.graph.reshape(&detail, &[1, 1, DETAIL as i64]);
    let details = exporter.graph.concat(&[&past, &newest], 1);
    let kept = exporter
        .graph
        .slice(&details, 1, 1, DETAIL_DELAY as i64 + 1);
    exporter.next_state(index, &kept, &shape);

    let decoder = (
        exporter.weight("decoder.weight"),
        exporter.weight("decoder.bias"),
    );
    for head in Head::ALL {
        exporter.head(head, &state, (&codes, &details), (&decoder.0, &decoder.1));
    }
    let embedding = exporter.dense(&state, "embedding");
    let embedding = exporter.graph.node("Tanh", &[&embedding], &[]);
    exporter
        .graph
        .output("embedding", &embedding, &[1, EMBEDDING]);
    exporter.graph
}
