//! The order of a step: forward, each head's losses and way back, then the trunk.

use idm_engine::drum::DRUM_COUNT;

use super::{
    device::spread,
    kernels::{
        EVENT_LOSS, FROM_FEATURES, GATHER, MASK_FACTORS, MASK_GRADIENT, MASK_ROWS, MASK_SEQUENCES,
        SCATTER, SCATTER_DETAILS, TANH_BACKWARD, TANH_FORWARD, TIMBRE_LOSS, TO_FEATURES,
    },
    layers::{Layers, View, view},
    targets::{described, known_timbre},
};
use crate::{
    losses::LossConfig,
    network::{
        DETAIL, EMBEDDING, EVENT_HIDDEN, FEATURES, FLAT, Head, MASK_HIDDEN, MASK_OUTPUTS,
        MaskRequest, TIMBRE_OUTPUTS, UNITS,
    },
    training::{Batch, step::StepPlan},
};

/// Adds the whole step to the list of work.
pub fn record(layers: &mut Layers<'_>, batch: &Batch, config: &LossConfig, plan: &StepPlan) {
    let buffers = layers.buffers;
    for buffer in [
        &buffers.gradients,
        &buffers.conv1[1],
        &buffers.code[1],
        &buffers.state[1],
        &buffers.detail[0],
        &buffers.detail[1],
    ] {
        layers.gpu.clear(buffer);
    }
    trunk(layers);
    for head in Head::ALL {
        let masks = (plan.masks.head == head).then_some(plan.masks);
        self::head(layers, head, batch, config, masks);
    }
    kit(layers, batch, config, &plan.embedding_steps);
    trunk_backward(layers);
}

/// The states of layer `layer`, without the zero state in front.
fn states<'a>(layers: &Layers<'a>, layer: usize) -> View<'a> {
    view(&layers.buffers.layers[layer].states, UNITS).at_row(layers.batch)
}

fn trunk(layers: &mut Layers<'_>) {
    let buffers = layers.buffers;
    let rows = layers.rows();
    layers.convolution(layers.first_convolution(), &buffers.conv1[0]);
    layers.convolution(layers.second_convolution(), &buffers.conv2[0]);
    layers.gpu.each(
        TO_FEATURES,
        &[(rows * FEATURES) as u32],
        &[&buffers.conv2[0], &buffers.low, &buffers.features[0]],
    );
    let features = view(&buffers.features[0], FEATURES);
    let code = view(&buffers.code[0], UNITS);
    layers.dense("dense", features, code, [rows, FEATURES, UNITS], true);
    layers.recurrent(0, code);
    let first = states(layers, 0);
    layers.recurrent(1, first);
    let second = states(layers, 1);
    let state = &buffers.state[0];
    let count = rows * UNITS;
    layers
        .gpu
        .copy((first.buffer, first.first), (state, 0), count);
    layers.add((state, 0), (second.buffer, second.first), count);
    let detail = view(&buffers.detail[0], DETAIL).at_row(layers.batch);
    layers.dense("detail", code, detail, [rows, UNITS, DETAIL], true);
}

fn trunk_backward(layers: &mut Layers<'_>) {
    let buffers = layers.buffers;
    let (rows, batch) = (layers.rows(), layers.batch);
    let code = view(&buffers.code[0], UNITS);
    let code_gradient = view(&buffers.code[1], UNITS);
    let [detail, detail_gradient] = &buffers.detail;
    layers.rectifier_backward(detail_gradient, detail, batch * DETAIL, rows * DETAIL);
    layers.dense_backward(
        "detail",
        code,
        view(detail_gradient, DETAIL).at_row(batch),
        [rows, UNITS, DETAIL],
        (code_gradient, true),
    );
    let through = &buffers.through;
    let state_gradient = &buffers.state[1];
    let first = states(layers, 0);
    layers.recurrent_backward(1, first, state_gradient, (view(through, UNITS), false));
    layers.add((through, 0), (state_gradient, 0), rows * UNITS);
    layers.recurrent_backward(0, code, through, (code_gradient, true));
    layers.rectifier_backward(&buffers.code[1], &buffers.code[0], 0, rows * UNITS);
    layers.dense_backward(
        "dense",
        view(&buffers.features[0], FEATURES),
        code_gradient,
        [rows, FEATURES, UNITS],
        (view(&buffers.features[1], FEATURES), false),
    );
    layers.gpu.each(
        FROM_FEATURES,
        &[(rows * FLAT) as u32],
        &[&buffers.conv2[0], &buffers.features[1], &buffers.conv2[1]],
    );
    let second = layers.second_convolution();
    layers.convolution_backward(second, &buffers.conv2[1], Some(&buffers.conv1[1]));
    layers.convolution_backward(layers.first_convolution(), &buffers.conv1[1], None);
}

/// The parameters of the kernels that gather and scatter what `head` knows.
fn known_parameters(head: Head, values: usize, batch: usize, third: usize) -> Vec<u32> {
    let offsets = head.detail_frames();
    let sizes = [values, batch, third, head.inputs(), offsets.len()];
    let sizes = sizes.into_iter().map(|value| value as u32);
    sizes
        .chain(offsets.iter().map(|&offset| (offset as i32) as u32))
        .collect()
}

fn head(
    layers: &mut Layers<'_>,
    head: Head,
    batch: &Batch,
    config: &LossConfig,
    masks: Option<MaskRequest>,
) {
    let buffers = layers.buffers;
    let (rows, hits) = described(batch, head);
    if rows == 0 {
        return;
    }
    let inputs = head.inputs();
    let ahead = head.look_ahead_frames();
    let gathered = known_parameters(head, rows * inputs, layers.batch, ahead);
    layers.gpu.each(
        GATHER,
        &gathered,
        &[
            &buffers.state[0],
            &buffers.code[0],
            &buffers.detail[0],
            &buffers.known[0],
        ],
    );
    let [known, known_gradient] = &buffers.known;
    let (known, known_gradient) = (view(known, inputs), view(known_gradient, inputs));
    let hidden = view(&buffers.hidden[0], EVENT_HIDDEN);
    let hidden_gradient = view(&buffers.hidden[1], EVENT_HIDDEN);
    let [events, events_gradient] = &buffers.events;
    let width = 2 * DRUM_COUNT;
    let name = |part: &str| format!("{}.{part}", head.name());
    let (hidden_name, events_name) = (name("events_hidden"), name("events"));
    let hidden_sizes = [rows, inputs, EVENT_HIDDEN];
    let sizes = [rows, EVENT_HIDDEN, width];
    layers.dense(&hidden_name, known, hidden, hidden_sizes, true);
    layers.dense(&events_name, hidden, view(events, width), sizes, false);
    let mut parameters = vec![(rows * DRUM_COUNT) as u32];
    let scales = [
        1.0 / rows.max(1) as f32,
        1.0 / hits.max(1) as f32,
        config.onset,
        config.velocity,
    ];
    let weights = scales.into_iter().chain(config.positive_weight);
    parameters.extend(weights.map(f32::to_bits));
    layers.gpu.each(
        EVENT_LOSS,
        &parameters,
        &[
            events,
            &buffers.event_targets[0],
            &buffers.event_targets[1],
            events_gradient,
            &buffers.losses[head.index()],
        ],
    );
    layers.dense_backward(
        &events_name,
        hidden,
        view(events_gradient, width),
        sizes,
        (hidden_gradient, false),
    );
    layers.rectifier_backward(
        &buffers.hidden[1],
        &buffers.hidden[0],
        0,
        rows * EVENT_HIDDEN,
    );
    layers.dense_backward(
        &hidden_name,
        known,
        hidden_gradient,
        hidden_sizes,
        (known_gradient, false),
    );
    if let Some(request) = masks {
        self::masks(layers, request, config, known, known_gradient);
    }
    let scattered = known_parameters(head, rows * UNITS, layers.batch, ahead);
    layers.gpu.each(
        SCATTER,
        &scattered[..5],
        &[&buffers.known[1], &buffers.state[1], &buffers.code[1]],
    );
    let details = (layers.rows() + layers.batch) * DETAIL;
    let frames = rows / layers.batch;
    let scattered = known_parameters(head, details, layers.batch, frames);
    layers.gpu.each(
        SCATTER_DETAILS,
        &scattered,
        &[&buffers.known[1], &buffers.detail[1]],
    );
}

fn masks(
    layers: &mut Layers<'_>,
    request: MaskRequest,
    config: &LossConfig,
    known: View<'_>,
    known_gradient: View<'_>,
) {
    let buffers = layers.buffers;
    let batch = layers.batch;
    let rows = request.frames * batch;
    let first = request.first_frame * batch;
    let inputs = request.head.inputs();
    let (known, known_gradient) = (known.at_row(first), known_gradient.at_row(first));
    let hidden = view(&buffers.hidden[0], MASK_HIDDEN);
    let hidden_gradient = view(&buffers.hidden[1], MASK_HIDDEN);
    let [logits, masks] = &buffers.masks;
    let name = format!("{}.mask_hidden", request.head.name());
    let hidden_sizes = [rows, inputs, MASK_HIDDEN];
    let sizes = [rows, MASK_HIDDEN, MASK_OUTPUTS];
    layers.dense(&name, known, hidden, hidden_sizes, true);
    layers.dense("decoder", hidden, view(logits, MASK_OUTPUTS), sizes, false);
    let [by_row, by_sequence, factors] = &buffers.figures;
    let counts = [rows as u32, batch as u32];
    layers.gpu.run(
        MASK_ROWS,
        &counts,
        &[logits, &buffers.power, &buffers.ratio, masks, by_row],
        spread(rows),
    );
    layers.gpu.run(
        MASK_SEQUENCES,
        &counts,
        &[by_row, by_sequence],
        [batch, 1, 1],
    );
    let mut parameters = vec![batch as u32];
    parameters.extend([config.mask, config.distortion, config.leakage].map(f32::to_bits));
    layers
        .gpu
        .run(MASK_FACTORS, &parameters, &[by_sequence, factors], [1; 3]);
    layers.gpu.run(
        MASK_GRADIENT,
        &counts,
        &[factors, &buffers.power, &buffers.ratio, masks],
        spread(rows),
    );
    layers.dense_backward(
        "decoder",
        hidden,
        view(masks, MASK_OUTPUTS),
        sizes,
        (hidden_gradient, false),
    );
    layers.rectifier_backward(
        &buffers.hidden[1],
        &buffers.hidden[0],
        0,
        rows * MASK_HIDDEN,
    );
    layers.dense_backward(
        &name,
        known,
        hidden_gradient,
        hidden_sizes,
        (known_gradient, true),
    );
}

/// Embedding and timbre at `steps`.
fn kit(layers: &mut Layers<'_>, batch: &Batch, config: &LossConfig, steps: &[usize]) {
    if steps.is_empty() {
        return;
    }
    let buffers = layers.buffers;
    let size = layers.batch;
    let rows = steps.len() * size;
    let values = size * UNITS;
    let [states, embedding, timbre] = &buffers.kit;
    for (slot, step) in steps.iter().enumerate() {
        let from = (&buffers.state[0], step * values);
        layers.gpu.copy(from, (&states[0], slot * values), values);
    }
    let (state, state_gradient) = (view(&states[0], UNITS), view(&states[1], UNITS));
    let code = view(&embedding[0], EMBEDDING);
    let code_gradient = view(&embedding[1], EMBEDDING);
    let embedding_sizes = [rows, UNITS, EMBEDDING];
    let sizes = [rows, EMBEDDING, TIMBRE_OUTPUTS];
    layers.dense("embedding", state, code, embedding_sizes, false);
    let count = [(rows * EMBEDDING) as u32];
    layers.gpu.each(TANH_FORWARD, &count, &[&embedding[0]]);
    let out = view(&timbre[0], TIMBRE_OUTPUTS);
    layers.dense("timbre", code, out, sizes, false);
    let known = known_timbre(batch, steps.len()).max(1);
    let factor = 2.0 * config.timbre / known as f32;
    let parameters = [
        (rows * TIMBRE_OUTPUTS) as u32,
        (size * TIMBRE_OUTPUTS) as u32,
        factor.to_bits(),
    ];
    layers.gpu.each(
        TIMBRE_LOSS,
        &parameters,
        &[
            &timbre[0],
            &buffers.timbre_targets,
            &timbre[1],
            &buffers.losses[3],
        ],
    );
    let gradient = view(&timbre[1], TIMBRE_OUTPUTS);
    layers.dense_backward("timbre", code, gradient, sizes, (code_gradient, false));
    layers
        .gpu
        .each(TANH_BACKWARD, &count, &[&embedding[0], &embedding[1]]);
    layers.dense_backward(
        "embedding",
        state,
        code_gradient,
        embedding_sizes,
        (state_gradient, false),
    );
    for (slot, step) in steps.iter().enumerate() {
        let to = (&buffers.state[1], step * values);
        layers.add(to, (&states[1], slot * values), values);
    }
}
