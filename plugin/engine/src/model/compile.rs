//! From a graph to steps: memory for every value, packed weights, and the
//! nodes that each quality needs.

use std::ops::Range;

use super::{
    ModelError,
    graph::{FILE, Graph, Head, Origin},
    liveness::needed_values,
    onnx::Elements,
    operators::{ConvShape, Op, ValueId},
    packing::{pack_biases, pack_conv},
    plan::{Layout, Program},
    regions::{box_runs, joined_runs},
    step::{Memory, Run, Source, Step, Work},
    weights::{ALIGNMENT, Weights, WeightsBuilder},
};
use crate::{
    controls::Quality,
    drum::{DRUM_COUNT, STEM_COUNT},
    front_end::BAND_COUNT,
};

/// Most multiplications per frame, all heads together: some thirty times a
/// sensible network, about a third of a core.
const MAX_MULTIPLICATIONS: u64 = 1 << 25;

/// Result of the compilation.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) weights: Weights,
    pub(super) layout: Layout,
    pub(super) programs: [Program; Quality::ALL.len()],
}

/// Compiles a graph. Fails if it is too slow to run in real time.
pub(super) fn compile(graph: &Graph) -> Result<Compiled, ModelError> {
    let cost: u64 = graph
        .nodes
        .iter()
        .map(|node| node.op.multiplications())
        .sum();
    if cost > MAX_MULTIPLICATIONS {
        let expected = format!("at most {MAX_MULTIPLICATIONS}");
        return Err(ModelError::mismatch(
            FILE,
            "multiplications per frame",
            expected,
            cost,
        ));
    }
    let mut compiler = Compiler::new(graph);
    for node in 0..graph.nodes.len() {
        compiler.add_node(node);
    }
    let layout = compiler.finish_layout();
    let programs: Vec<Program> = graph
        .heads
        .iter()
        .map(|head| compiler.program(head, &layout))
        .collect();
    let programs = programs.try_into().map_err(|programs: Vec<Program>| {
        ModelError::mismatch(FILE, "heads", Quality::ALL.len(), programs.len())
    })?;
    Ok(Compiled {
        weights: compiler.weights.finish(),
        layout: Layout {
            arena_len: compiler.arena_len,
            ..layout
        },
        programs,
    })
}

struct Compiler<'a> {
    graph: &'a Graph,
    weights: WeightsBuilder,
    arena_len: usize,
    /// End of the inputs and states, which the next frame overwrites.
    inputs_end: usize,
    /// Where each value that has been reached is.
    places: Vec<Option<Source>>,
    /// Where each state's next value waits if it must be copied out of the way.
    waiting: Vec<Option<Range<usize>>>,
    /// Steps of each node.
    steps: Vec<Vec<Step>>,
}

impl<'a> Compiler<'a> {
    fn new(graph: &'a Graph) -> Compiler<'a> {
        let mut compiler = Compiler {
            graph,
            weights: WeightsBuilder::default(),
            arena_len: 0,
            inputs_end: 0,
            places: vec![None; graph.values.len()],
            waiting: Vec::new(),
            steps: Vec::with_capacity(graph.nodes.len()),
        };
        for (id, value) in graph.values.iter().enumerate() {
            if value.origin == Origin::Input {
                compiler.allocate_value(id);
            }
        }
        compiler.inputs_end = compiler.arena_len;
        compiler
    }

    fn allocate(&mut self, len: usize) -> Range<usize> {
        let start = self.arena_len;
        self.arena_len = (start + len).next_multiple_of(ALIGNMENT);
        start..start + len
    }

    fn allocate_value(&mut self, id: ValueId) -> Range<usize> {
        let range = self.allocate(self.graph.values[id].len());
        self.places[id] = Some(arena(range.clone()));
        range
    }

    /// Where a value is; initializers are put among the weights on first use.
    fn place(&mut self, id: ValueId) -> Source {
        if let Some(place) = self.places[id] {
            return place;
        }
        let floats = self.floats(id).unwrap_or_default();
        let place = self
            .weights
            .append(|weights| weights.extend_from_slice(floats));
        self.places[id] = Some(place);
        place
    }

    /// Contents of an initializer of floats.
    fn floats(&self, id: ValueId) -> Option<&'a [f32]> {
        match self.graph.values[id].origin {
            Origin::Constant(index) => match &self.graph.constants[index].elements {
                Elements::Floats(floats) => Some(floats),
                Elements::Integers(_) => None,
            },
            Origin::Input | Origin::Node(_) => None,
        }
    }

    fn add_node(&mut self, index: usize) {
        let node = &self.graph.nodes[index];
        let out = node.output;
        let mut steps = Vec::new();
        match &node.op {
            Op::View { input } => {
                let place = self.place(*input);
                self.places[out] = Some(place);
            }
            Op::Slice { input, starts } => {
                let place = self.place(*input);
                let from = &self.graph.values[*input].shape;
                let runs = box_runs(from, starts, &self.graph.values[out].shape, place);
                if let [run] = runs.as_slice() {
                    self.places[out] = Some(run.from);
                } else {
                    steps.push(self.step(out, Work::Copy(runs)));
                }
            }
            Op::Concat { inputs, axis } => {
                let outer = self.graph.values[out].shape[..*axis].iter().product();
                let places: Vec<Source> = inputs.iter().map(|&id| self.place(id)).collect();
                let runs = joined_runs(&places, outer);
                steps.push(self.step(out, Work::Copy(runs)));
            }
            &Op::Dense {
                input,
                weights,
                bias,
                transposed,
                rows,
                inputs,
                outputs,
            } => {
                let sizes = (inputs, outputs);
                let work = self.dense((input, rows), weights, bias, transposed, sizes);
                steps.push(self.step(out, work));
            }
            &Op::Conv {
                input,
                weights,
                bias,
                shape,
            } => self.add_conv(&mut steps, (input, weights, bias), shape, out),
            &Op::Unary { function, input } => {
                let input = self.place(input);
                steps.push(self.step(out, Work::Unary { function, input }));
            }
            &Op::Binary {
                function,
                left,
                right,
            } => {
                let (left, right) = (self.place(left), self.place(right));
                let work = Work::Binary {
                    function,
                    left,
                    right,
                };
                steps.push(self.step(out, work));
            }
            &Op::Softmax { input, axis } => {
                let input = self.place(input);
                let shape = &self.graph.values[out].shape;
                let work = Work::Softmax {
                    input,
                    rows: shape[axis],
                    inner: shape[axis + 1..].iter().product(),
                };
                steps.push(self.step(out, work));
            }
        }
        self.steps.push(steps);
    }

    fn step(&mut self, out: ValueId, work: Work) -> Step {
        Step {
            work,
            output: self.allocate_value(out),
        }
    }

    /// A dense layer; its matrix is kept at half size if that changes nothing.
    fn dense(
        &mut self,
        (input, rows): (ValueId, usize),
        weights: ValueId,
        bias: Option<ValueId>,
        transposed: bool,
        (inputs, outputs): (usize, usize),
    ) -> Work {
        let input = self.place(input);
        let weights = self.floats(weights).unwrap_or_default();
        let bias = bias.and_then(|bias| self.floats(bias));
        let bias = |o: usize| bias.map_or(0.0, |bias| bias[o]);
        let biases = self
            .weights
            .append(|packed| pack_biases(packed, outputs, bias));
        let weight = |i: usize, o: usize| {
            weights[if transposed {
                o * inputs + i
            } else {
                i * outputs + o
            }]
        };
        let matrix = self.weights.append_matrix((inputs, outputs), weight);
        Work::Dense {
            input,
            biases,
            matrix,
            rows,
        }
    }

    fn add_conv(
        &mut self,
        steps: &mut Vec<Step>,
        (input, weights, bias): (ValueId, ValueId, Option<ValueId>),
        shape: ConvShape,
        out: ValueId,
    ) {
        // A kernel as large as its input is a dense layer.
        if shape.out_frames() == 1
            && shape.kernel_bands == shape.bands
            && shape.padded_bands() == shape.bands
        {
            let sizes = (shape.kernel_len(), shape.out_channels);
            let work = self.dense((input, 1), weights, bias, true, sizes);
            steps.push(self.step(out, work));
            return;
        }
        let input = self.place(input);
        let padded = if shape.padded_bands() == shape.bands {
            input
        } else {
            // What lies between the copied rows is never written: it stays zero.
            let rows = shape.channels * shape.frames;
            let output = self.allocate(rows * shape.padded_bands());
            let runs = (0..rows)
                .map(|row| Run {
                    from: input.part(row * shape.bands, shape.bands),
                    to: row * shape.padded_bands() + shape.pad_before,
                })
                .collect();
            let padded = arena(output.clone());
            steps.push(Step {
                work: Work::Copy(runs),
                output,
            });
            padded
        };
        let weights = self.floats(weights).unwrap_or_default();
        let bias = bias.and_then(|bias| self.floats(bias));
        let bias = |o: usize| bias.map_or(0.0, |bias| bias[o]);
        let blocks = self
            .weights
            .append(|packed| pack_conv(packed, &shape, weights, bias));
        let work = Work::Conv {
            input: padded,
            blocks,
            shape,
        };
        steps.push(self.step(out, work));
    }

    /// Reserves memory for what outlives a frame.
    fn finish_layout(&mut self) -> Layout {
        for state in &self.graph.states {
            let next = self.place(state.next);
            // Reading one state after another one was overwritten would give
            // the wrong frame.
            let waits = next.memory == Memory::Arena && next.start < self.inputs_end;
            let range = waits.then(|| self.allocate(next.len));
            self.waiting.push(range);
        }
        let embedding_len = self.graph.values[self.graph.embedding].len();
        let range_of = |id: ValueId| self.places[id].map_or(0..0, |p| p.start..p.start + p.len);
        let (frame, low) = (range_of(self.graph.frame), range_of(self.graph.low));
        Layout {
            frame,
            low,
            onset: self.allocate(DRUM_COUNT),
            velocity: self.allocate(DRUM_COUNT),
            mask: self.allocate(STEM_COUNT * BAND_COUNT),
            embedding: self.allocate(embedding_len),
            arena_len: self.arena_len,
        }
    }

    /// The steps for one head: its nodes, then the outputs, then the states.
    fn program(&mut self, head: &Head, layout: &Layout) -> Program {
        let mut published = vec![
            (head.onset, layout.onset.clone()),
            (head.velocity, layout.velocity.clone()),
            (self.graph.embedding, layout.embedding.clone()),
        ];
        published.extend(head.mask.map(|mask| (mask, layout.mask.clone())));
        let roots: Vec<ValueId> = published.iter().map(|(id, _)| *id).collect();
        let needed = needed_values(self.graph, &roots);
        let mut steps = Vec::new();
        for (node, node_steps) in self.graph.nodes.iter().zip(&self.steps) {
            if needed[node.output] {
                steps.extend_from_slice(node_steps);
            }
        }
        for (id, output) in published {
            let input = self.place(id);
            let work = Work::Publish { input };
            steps.push(Step { work, output });
        }
        let mut commits = Vec::new();
        for (state, waiting) in self.graph.states.iter().zip(self.waiting.clone()) {
            if !needed[state.current] {
                continue;
            }
            let (mut input, current) = (self.place(state.next), self.place(state.current));
            if let Some(output) = waiting {
                let work = Work::Copy(vec![Run { from: input, to: 0 }]);
                input = arena(output.clone());
                steps.push(Step { work, output });
            }
            commits.push(Step {
                work: Work::Publish { input },
                output: current.start..current.start + current.len,
            });
        }
        steps.append(&mut commits);
        Program::new(steps, head.mask.is_some())
    }
}

fn arena(range: Range<usize>) -> Source {
    Source {
        memory: Memory::Arena,
        start: range.start,
        len: range.len(),
    }
}
