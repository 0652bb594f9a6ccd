// Convolutions over three frames (this one and two before it) and a few bands, every
// second band, as matrix products of unrolled inputs.

// p: values, first frame, batch, bands before and after, channels, width, padding,
// distance of frames and of sequences in the input.
@compute @workgroup_size(256)
fn unroll(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let i = place(group, groups, index);
    if i >= p[0] {
        return;
    }
    let channels = p[5];
    let width = p[6];
    let kernel = 3u * width;
    let inputs = channels * kernel;
    let input = i % inputs;
    let cell = i / inputs;
    let band_out = cell % p[4];
    let row = cell / p[4];
    let sequence = row % p[2];
    let channel = input / kernel;
    let frame = i32(p[1] + row / p[2]) - 2 + i32((input % kernel) / width);
    let band = i32(2u * band_out + input % width) - i32(p[7]);
    var value = 0.0;
    if frame >= 0 && band >= 0 && band < i32(p[3]) {
        value = in0[u32(frame) * p[8] + sequence * p[9] + u32(band) * channels + channel];
    }
    out0[i] = value;
}

// The gradient of the second convolution's input from that of its unrolled form.
// p: values, first frame of the output, first and last unrolled frame, batch, bands
// before and after, channels.
@compute @workgroup_size(256)
fn roll(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let i = place(group, groups, index);
    if i >= p[0] {
        return;
    }
    let channels = p[7];
    let inputs = channels * 9u;
    let channel = i % channels;
    let band = (i / channels) % p[5];
    let row = i / (channels * p[5]);
    let sequence = row % p[4];
    let frame = p[1] + row / p[4];
    let target_place = ((frame * p[4] + sequence) * p[5] + band) * channels + channel;
    var sum = 0.0;
    for (var f = 0u; f < 3u; f++) {
        let later = frame + 2u - f;
        if later < p[2] || later >= p[3] {
            continue;
        }
        for (var x = 0u; x < 3u; x++) {
            let twice = i32(band) + 1 - i32(x);
            if twice < 0 || (twice & 1) != 0 || twice >= i32(2u * p[6]) {
                continue;
            }
            let cell = ((later - p[2]) * p[4] + sequence) * p[6] + u32(twice / 2);
            sum += in0[cell * inputs + channel * 9u + f * 3u + x];
        }
    }
    out0[target_place] += select(0.0, sum, in1[target_place] > 0.0);
}

// [row][band][channel] to [row][channel][band], the low bands behind it.
@compute @workgroup_size(256)
fn to_features(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let i = place(group, groups, index);
    if i >= p[0] {
        return;
    }
    let row = i / FEATURES;
    let feature = i % FEATURES;
    if feature < FLAT {
        let cell = row * FLAT_BANDS + feature % FLAT_BANDS;
        out0[i] = in0[cell * FLAT_CHANNELS + feature / FLAT_BANDS];
    } else {
        out0[i] = in1[row * LOW_BANDS + feature - FLAT];
    }
}

// Back again, through the rectifier.
@compute @workgroup_size(256)
fn from_features(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>, @builtin(local_invocation_index) index: u32) {
    let i = place(group, groups, index);
    if i >= p[0] {
        return;
    }
    let channel = i % FLAT_CHANNELS;
    let band = (i / FLAT_CHANNELS) % FLAT_BANDS;
    let row = i / FLAT;
    let gradient = in1[row * FEATURES + channel * FLAT_BANDS + band];
    out0[i] = select(0.0, gradient, in0[i] > 0.0);
}
