// The recurrent layers: a workgroup per sequence walks through its frames, one
// invocation per unit. The recurrent weights come as pairs of half floats, because
// reading them is what a step waits for.

// Pairs along the inputs of the weights at p[1] of in0.
@compute @workgroup_size(256)
fn pack(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let i = place(group, groups, index);
    if i < p[0] {
        let origin = p[1] + 2u * (i / GATES) * GATES + i % GATES;
        words_out[i] = pack2x16float(vec2(in0[origin], in0[origin + GATES]));
    }
}

// Pairs along the outputs: the transposed weights.
@compute @workgroup_size(256)
fn pack_transposed(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let i = place(group, groups, index);
    if i < p[0] {
        let origin = p[1] + (i % UNITS) * GATES + 2u * (i / UNITS);
        words_out[i] = pack2x16float(vec2(in0[origin], in0[origin + 1u]));
    }
}

// Each unit's sums are shared by SHARES invocations: more reads are then under way.
const SHARES: u32 = $SHARESu;

var<workgroup> state: array<vec4<f32>, UNITS / 4u>;
var<workgroup> gradient: array<vec4<f32>, GATES / 4u>;
var<workgroup> sums: array<f32, 3u * (SHARES - 1u) * UNITS>;

// p: batch, frames, place of the recurrent bias in in0. out0: input projections,
// which become activated gates `[rows, 3 * UNITS]`; out1: states after a zero state,
// then the recurrent part of the new gate at p[3].
@compute @workgroup_size($UNITS, $SHARES)
fn walk(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let batch = p[0];
    let sequence = group.x;
    let unit = local.x;
    let part = local.y;
    let reset_bias = in0[p[2] + unit];
    let update_bias = in0[p[2] + UNITS + unit];
    let new_bias = in0[p[2] + 2u * UNITS + unit];
    let first_four = part * (UNITS / 4u / SHARES);
    let last_four = first_four + UNITS / 4u / SHARES;
    let first_word = 2u * first_four * GATES + unit;
    var old = 0.0;
    if part == 0u {
        state[unit >> 2u][unit & 3u] = 0.0;
        out1[sequence * UNITS + unit] = 0.0;
    }
    workgroupBarrier();
    for (var frame = 0u; frame < p[1]; frame++) {
        let row = frame * batch + sequence;
        let gates = row * GATES + unit;
        var to_reset = 0.0;
        var to_update = 0.0;
        var to_new = 0.0;
        if part == 0u {
            to_reset = out0[gates];
            to_update = out0[gates + UNITS];
            to_new = out0[gates + 2u * UNITS];
        }
        var reset_sum = vec2<f32>();
        var update_sum = vec2<f32>();
        var new_sum = vec2<f32>();
        var at = first_word;
        for (var four = first_four; four < last_four; four += $WALK_FOURSu) {
$WALK_BODY
            at += 2u * $WALK_FOURSu * GATES;
        }
        if part > 0u {
            let place = 3u * ((part - 1u) * UNITS + unit);
            sums[place] = reset_sum.x + reset_sum.y;
            sums[place + 1u] = update_sum.x + update_sum.y;
            sums[place + 2u] = new_sum.x + new_sum.y;
        }
        workgroupBarrier();
        if part == 0u {
            var reset = reset_sum.x + reset_sum.y + reset_bias;
            var update = update_sum.x + update_sum.y + update_bias;
            var candidate = new_sum.x + new_sum.y + new_bias;
            for (var other = 0u; other < SHARES - 1u; other++) {
                let place = 3u * (other * UNITS + unit);
                reset += sums[place];
                update += sums[place + 1u];
                candidate += sums[place + 2u];
            }
            let r = sigmoid(to_reset + reset);
            let z = sigmoid(to_update + update);
            let n = tangent(to_new + r * candidate);
            old = n + z * (old - n);
            out0[gates] = r;
            out0[gates + UNITS] = z;
            out0[gates + 2u * UNITS] = n;
            out1[(row + batch) * UNITS + unit] = old;
            out1[p[3] + row * UNITS + unit] = candidate;
            state[unit >> 2u][unit & 3u] = old;
        }
        workgroupBarrier();
    }
}

// Backwards. in0: gradients of the states `[rows, UNITS]`; out0: activated gates,
// which become gradients of the input projections; out1: as left by `walk`, the
// recurrent part of the new gate becomes its gradient. p: batch, frames, unused, place
// of that part.
@compute @workgroup_size($UNITS, $SHARES)
fn walk_back(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_id) local: vec3<u32>) {
    let batch = p[0];
    let sequence = group.x;
    let unit = local.x;
    let part = local.y;
    let first_four = part * (GATES / 4u / SHARES);
    let last_four = first_four + GATES / 4u / SHARES;
    let first_word = 2u * first_four * UNITS + unit;
    var carry = 0.0;
    for (var back = 0u; back < p[1]; back++) {
        let row = (p[1] - 1u - back) * batch + sequence;
        let gates = row * GATES + unit;
        if part == 0u {
            let r = out0[gates];
            let z = out0[gates + UNITS];
            let n = out0[gates + 2u * UNITS];
            let candidate = out1[p[3] + row * UNITS + unit];
            let old = out1[row * UNITS + unit];
            let given = in0[row * UNITS + unit] + carry;
            let before_tanh = given * (1.0 - z) * (1.0 - n * n);
            let to_reset = before_tanh * candidate * r * (1.0 - r);
            let to_update = given * (old - n) * z * (1.0 - z);
            let to_candidate = before_tanh * r;
            out0[gates] = to_reset;
            out0[gates + UNITS] = to_update;
            out0[gates + 2u * UNITS] = before_tanh;
            out1[p[3] + row * UNITS + unit] = to_candidate;
            gradient[unit >> 2u][unit & 3u] = to_reset;
            gradient[(UNITS + unit) >> 2u][unit & 3u] = to_update;
            gradient[(2u * UNITS + unit) >> 2u][unit & 3u] = to_candidate;
            carry = given * z;
        }
        workgroupBarrier();
        var sum = vec2<f32>();
        var at = first_word;
        for (var four = first_four; four < last_four; four += $WALK_BACK_FOURSu) {
$WALK_BACK_BODY
            at += 2u * $WALK_BACK_FOURSu * UNITS;
        }
        if part > 0u {
            sums[(part - 1u) * UNITS + unit] = sum.x + sum.y;
        }
        workgroupBarrier();
        if part == 0u {
            carry += sum.x + sum.y;
            for (var other = 0u; other < SHARES - 1u; other++) {
                carry += sums[other * UNITS + unit];
            }
        }
    }
}

// Puts the gradient of the recurrent part in the place of the new gate's. p: values,
// place of that part in in0.
@compute @workgroup_size(256)
fn recurrent_side(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let i = place(group, groups, index);
    if i < p[0] {
        out0[(i / UNITS) * GATES + 2u * UNITS + i % UNITS] = in0[p[1] + i];
    }
}
