// The losses of crate::losses, in the same terms. Sums for the log go into parts.

var<workgroup> scratch: array<f32, 256>;

// Over the first `count` invocations of the workgroup, a power of two.
fn sum_of(count: u32, value: f32, index: u32) -> f32 {
    scratch[index] = value;
    workgroupBarrier();
    for (var reach = count / 2u; reach > 0u; reach >>= 1u) {
        if index < reach {
            scratch[index] += scratch[index + reach];
        }
        workgroupBarrier();
    }
    let sum = scratch[0];
    workgroupBarrier();
    return sum;
}

// p: values, scales of onsets and velocities, their factors, then the weights of hits
// per drum. in0: logits, in1: onsets, in2: velocities; out0: gradient, out1: onset and
// velocity loss of each workgroup.
@compute @workgroup_size(256)
fn event_loss(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let i = place(group, groups, index);
    var onset_loss = 0.0;
    var velocity_loss = 0.0;
    if i < p[0] {
        let drum = i % DRUMS;
        let origin = (i / DRUMS) * 2u * DRUMS + drum;
        let wanted = in1[i];
        var to_onset = 0.0;
        var to_velocity = 0.0;
        if wanted >= 0.0 {
            let logit = in0[origin];
            let weight = 1.0 + (number(5u + drum) - 1.0) * wanted;
            let softplus = max(logit, 0.0) + log(1.0 + exp(-abs(logit)));
            onset_loss = weight * (softplus - wanted * logit);
            to_onset = number(3u) * number(1u) * weight * (sigmoid(logit) - wanted);
            if wanted >= 1.0 {
                let found = sigmoid(in0[origin + DRUMS]);
                let error = found - in2[i];
                velocity_loss = error * error;
                to_velocity = number(4u) * number(2u) * 2.0 * error * found * (1.0 - found);
            }
        }
        out0[origin] = to_onset;
        out0[origin + DRUMS] = to_velocity;
    }
    let onset_sum = sum_of(256u, onset_loss, index);
    let velocity_sum = sum_of(256u, velocity_loss, index);
    if index == 0u {
        let part = group.y * groups.x + group.x;
        out1[2u * part] = onset_sum;
        out1[2u * part + 1u] = velocity_sum;
    }
}

// p: values, values wanted, factor of the gradient. in0: found, in1: wanted, repeated;
// not a number where unknown (a large negative number here). out1: squared errors.
@compute @workgroup_size(256)
fn timbre_loss(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let i = place(group, groups, index);
    var loss = 0.0;
    if i < p[0] {
        let wanted = in1[i % p[1]];
        let known = wanted > -1e3;
        let error = select(0.0, in0[i] - wanted, known);
        out0[i] = number(2u) * error;
        loss = error * error;
    }
    let sum = sum_of(256u, loss, index);
    if index == 0u {
        out1[group.y * groups.x + group.x] = sum;
    }
}

fn importance(power: f32) -> f32 {
    return sqrt(sqrt(max(power, 0.0)));
}

fn ratio(row: u32, stem: u32, band: u32) -> f32 {
    let byte = (row * STEMS + stem) * BANDS + band;
    return f32((words[byte >> 2u] >> (8u * (byte & 3u))) & 255u) * (1.0 / 255.0);
}

// Masks of one row per workgroup, and the row's share of every sum: entropy, weight,
// energy of the mixture, then error and energy per stem. p: rows. in0: logits, in1:
// power; out0: masks, out1: figures.
@compute @workgroup_size(128)
fn mask_rows(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) band: u32) {
    let row = group.y * groups.x + group.x;
    if row >= p[0] {
        return;
    }
    let power = in1[row * BANDS + band];
    let first = row * STEMS * BANDS + band;
    var peak = in0[first];
    for (var stem = 1u; stem < STEMS; stem++) {
        peak = max(peak, in0[first + stem * BANDS]);
    }
    var sum = 0.0;
    var entropy = 0.0;
    var share = 0.0;
    for (var stem = 0u; stem < STEMS; stem++) {
        let above = in0[first + stem * BANDS] - peak;
        let wanted = ratio(row, stem, band);
        sum += exp(above);
        entropy -= wanted * above;
        share += wanted;
    }
    let weight = importance(power);
    let figures = row * FIGURES;
    let entropy_sum = sum_of(128u, weight * (entropy + share * log(sum)), band);
    let weight_sum = sum_of(128u, weight, band);
    let power_sum = sum_of(128u, power, band);
    if band == 0u {
        out1[figures] = entropy_sum;
        out1[figures + 1u] = weight_sum;
        out1[figures + 2u] = power_sum;
    }
    for (var stem = 0u; stem < STEMS; stem++) {
        let mask = exp(in0[first + stem * BANDS] - peak) / sum;
        let wanted = ratio(row, stem, band);
        out0[first + stem * BANDS] = mask;
        let error = sum_of(128u, (mask - wanted) * (mask - wanted) * power, band);
        let energy = sum_of(128u, wanted * wanted * power, band);
        if band == 0u {
            out1[figures + 3u + 2u * stem] = error;
            out1[figures + 4u + 2u * stem] = energy;
        }
    }
}

// Sums of the figures of each sequence. p: rows, batch.
@compute @workgroup_size(32)
fn mask_sequences(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) figure: u32) {
    if figure >= FIGURES {
        return;
    }
    var sum = 0.0;
    for (var row = group.x; row < p[0]; row += p[1]) {
        sum += in0[row * FIGURES + figure];
    }
    out0[group.x * FIGURES + figure] = sum;
}

// 0: unknown, 1: silent, 2: sounding.
fn presence(energy: f32, mix: f32) -> u32 {
    if mix <= 0.0 {
        return 0u;
    }
    if energy < 1e-7 * mix {
        return 1u;
    }
    return select(0u, 2u, energy > 1e-4 * mix);
}

// The factor of (mask - target) * power in the gradient, per sequence and stem, then
// the scale of the entropy, and the losses: entropy, distortion, leakage. p: batch,
// factors of entropy, distortion and leakage.
@compute @workgroup_size(1)
fn mask_factors() {
    let batch = p[0];
    var silent = 0.0;
    var sounding = 0.0;
    var weight = 0.0;
    var entropy = 0.0;
    for (var sequence = 0u; sequence < batch; sequence++) {
        let figures = sequence * FIGURES;
        entropy += in0[figures];
        weight += in0[figures + 1u];
        for (var stem = 0u; stem < STEMS; stem++) {
            let kind = presence(in0[figures + 4u + 2u * stem], in0[figures + 2u]);
            silent += select(0.0, 1.0, kind == 1u);
            sounding += select(0.0, 1.0, kind == 2u);
        }
    }
    var distortion = 0.0;
    var leakage = 0.0;
    for (var sequence = 0u; sequence < batch; sequence++) {
        let figures = sequence * FIGURES;
        let mix = in0[figures + 2u];
        for (var stem = 0u; stem < STEMS; stem++) {
            let error = in0[figures + 3u + 2u * stem];
            let energy = in0[figures + 4u + 2u * stem];
            let kind = presence(energy, mix);
            var factor = 0.0;
            if kind == 1u {
                let relative = error / mix + 1e-5;
                leakage += log(relative);
                factor = 2.0 * number(3u) / silent / (relative * mix);
            } else if kind == 2u {
                let relative = error / energy + 1e-5;
                distortion += log(relative);
                factor = 2.0 * number(2u) / sounding / (relative * energy);
            }
            out0[sequence * STEMS + stem] = factor;
        }
    }
    let scale = 1.0 / max(weight, 1e-9);
    out0[batch * STEMS] = number(1u) * scale;
    out0[batch * STEMS + 1u] = entropy * scale;
    out0[batch * STEMS + 2u] = distortion / max(sounding, 1.0);
    out0[batch * STEMS + 3u] = leakage / max(silent, 1.0);
}

// Masks become gradients. p: rows, batch. in0: factors, in1: power; out0: masks.
@compute @workgroup_size(128)
fn mask_gradient(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) band: u32) {
    let row = group.y * groups.x + group.x;
    if row >= p[0] {
        return;
    }
    let factors = (row % p[1]) * STEMS;
    let power = in1[row * BANDS + band];
    let first = row * STEMS * BANDS + band;
    var share = 0.0;
    var pull = 0.0;
    for (var stem = 0u; stem < STEMS; stem++) {
        let wanted = ratio(row, stem, band);
        let mask = out0[first + stem * BANDS];
        share += wanted;
        pull += mask * in0[factors + stem] * (mask - wanted) * power;
    }
    let weight = in0[p[1] * STEMS] * importance(power);
    for (var stem = 0u; stem < STEMS; stem++) {
        let wanted = ratio(row, stem, band);
        let mask = out0[first + stem * BANDS];
        let direct = in0[factors + stem] * (mask - wanted) * power;
        out0[first + stem * BANDS] = weight * (share * mask - wanted) + mask * (direct - pull);
    }
}
