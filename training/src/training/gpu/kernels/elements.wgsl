// Element by element, sums over splits and over rows.

@compute @workgroup_size(256)
fn add_to(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let i = place(group, groups, index);
    if i < p[0] {
        out0[p[1] + i] += in0[p[2] + i];
    }
}

// Lets gradients pass where the rectified output is positive.
@compute @workgroup_size(256)
fn relu_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let i = place(group, groups, index);
    if i < p[0] {
        out0[p[1] + i] = select(0.0, out0[p[1] + i], in0[p[2] + i] > 0.0);
    }
}

@compute @workgroup_size(256)
fn tanh_forward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let i = place(group, groups, index);
    if i < p[0] {
        out0[i] = tangent(out0[i]);
    }
}

@compute @workgroup_size(256)
fn tanh_backward(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let i = place(group, groups, index);
    if i < p[0] {
        out0[i] *= 1.0 - in0[i] * in0[i];
    }
}

// Sums `p[1]` parts of `p[0]` values each.
@compute @workgroup_size(256)
fn sum_parts(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let i = place(group, groups, index);
    if i < p[0] {
        var sum = select(0.0, out0[p[2] + i], p[3] != 0u);
        for (var part = 0u; part < p[1]; part++) {
            sum += in0[part * p[0] + i];
        }
        out0[p[2] + i] = sum;
    }
}

// Sums of the columns over the rows of one split: parts for `sum_parts`.
@compute @workgroup_size(64)
fn column_sums(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let columns = p[0];
    let column = group.x * 64u + index;
    if column >= columns {
        return;
    }
    let first = group.y * p[3];
    let last = min(first + p[3], p[1]);
    var sum = 0.0;
    for (var row = first; row < last; row++) {
        sum += in0[p[2] + row * columns + column];
    }
    out0[group.y * columns + column] = sum;
}
