// Bindings of all kernels; each uses a few of them. `p` holds its sizes.
const UNITS: u32 = $UNITSu;
const GATES: u32 = 3u * UNITS;
const DETAIL: u32 = $DETAILu;
const BANDS: u32 = $BANDSu;
const LOW_BANDS: u32 = $LOW_BANDSu;
const FLAT: u32 = $FLATu;
const FLAT_BANDS: u32 = $FLAT_BANDSu;
const FLAT_CHANNELS: u32 = $FLAT_CHANNELSu;
const FEATURES: u32 = FLAT + LOW_BANDS;
const STEMS: u32 = $STEMSu;
const DRUMS: u32 = $DRUMSu;
// Figures per row and per sequence of the mask loss.
const FIGURES: u32 = 3u + 2u * STEMS;

@group(0) @binding(0) var<storage, read> p: array<u32>;
@group(0) @binding(1) var<storage, read> in0: array<f32>;
@group(0) @binding(2) var<storage, read> in1: array<f32>;
@group(0) @binding(3) var<storage, read> in2: array<f32>;
@group(0) @binding(4) var<storage, read> words: array<u32>;
@group(0) @binding(5) var<storage, read_write> out0: array<f32>;
@group(0) @binding(6) var<storage, read_write> out1: array<f32>;
@group(0) @binding(7) var<storage, read_write> words_out: array<u32>;

fn number(at: u32) -> f32 {
    return bitcast<f32>(p[at]);
}

fn sigmoid(x: f32) -> f32 {
    return 1.0 / (1.0 + exp(-clamp(x, -80.0, 80.0)));
}

fn tangent(x: f32) -> f32 {
    return 1.0 - 2.0 / (1.0 + exp(clamp(2.0 * x, -80.0, 80.0)));
}

// Place of an invocation when a long list is spread over two dimensions.
fn place(group: vec3<u32>, groups: vec3<u32>, index: u32) -> u32 {
    return (group.y * groups.x + group.x) * 256u + index;
}
