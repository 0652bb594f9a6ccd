// What a head knows of each described frame: the state `p[2]` frames later, the frame
// code, and the detail codes of the frames around it, whose distances are p[5..]. The
// details begin one frame early. p: values, batch, look-ahead, inputs, slots.

@compute @workgroup_size(256)
fn gather(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let i = place(group, groups, index);
    if i >= p[0] {
        return;
    }
    let batch = p[1];
    let row = i / p[3];
    let input = i % p[3];
    if input < UNITS {
        out0[i] = in0[(row + p[2] * batch) * UNITS + input];
    } else if input < 2u * UNITS {
        out0[i] = in1[row * UNITS + input - UNITS];
    } else {
        let detail = input - 2u * UNITS;
        let early = u32(i32(p[5u + detail / DETAIL]) + 1);
        out0[i] = in2[(row + early * batch) * DETAIL + detail % DETAIL];
    }
}

// Adds the gradients to those of the state and the frame code.
@compute @workgroup_size(256)
fn scatter(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let i = place(group, groups, index);
    if i >= p[0] {
        return;
    }
    let row = i / UNITS;
    let unit = i % UNITS;
    out0[(row + p[2] * p[1]) * UNITS + unit] += in0[row * p[3] + unit];
    out1[i] += in0[row * p[3] + UNITS + unit];
}

// The same for the detail codes. p[0] counts detail values, p[1] is the batch, p[2]
// the described frames.
@compute @workgroup_size(256)
fn scatter_details(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let i = place(group, groups, index);
    if i >= p[0] {
        return;
    }
    let detail = i % DETAIL;
    let row = i / DETAIL;
    let frame = i32(row / p[1]);
    let sequence = row % p[1];
    var sum = 0.0;
    for (var slot = 0u; slot < p[4]; slot++) {
        let described = frame - i32(p[5u + slot]) - 1;
        if described >= 0 && described < i32(p[2]) {
            let known = u32(described) * p[1] + sequence;
            sum += in0[known * p[3] + 2u * UNITS + slot * DETAIL + detail];
        }
    }
    out0[i] += sum;
}
