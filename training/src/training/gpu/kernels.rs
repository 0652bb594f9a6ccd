//! The kernels by name; bindings as in `kernels/header.wgsl`.

use super::device::Kernel;

macro_rules! kernels {
    ($($constant:ident = $name:literal, [$($binding:literal),*];)*) => {
        $(pub const $constant: Kernel = Kernel { name: $name, bindings: &[$($binding),*] };)*
    };
}

kernels! {
    ADD_TO = "add_to", [1, 5];
    RELU_BACKWARD = "relu_backward", [1, 5];
    TANH_FORWARD = "tanh_forward", [5];
    TANH_BACKWARD = "tanh_backward", [1, 5];
    SUM_PARTS = "sum_parts", [1, 5];
    COLUMN_SUMS = "column_sums", [1, 5];
    UNROLL = "unroll", [1, 5];
    ROLL = "roll", [1, 2, 5];
    TO_FEATURES = "to_features", [1, 2, 5];
    FROM_FEATURES = "from_features", [1, 2, 5];
    GATHER = "gather", [1, 2, 3, 5];
    SCATTER = "scatter", [1, 5, 6];
    SCATTER_DETAILS = "scatter_details", [1, 5];
    PACK = "pack", [1, 7];
    PACK_TRANSPOSED = "pack_transposed", [1, 7];
    WALK = "walk", [1, 4, 5, 6];
    WALK_BACK = "walk_back", [1, 4, 5, 6];
    RECURRENT_SIDE = "recurrent_side", [1, 5];
    EVENT_LOSS = "event_loss", [1, 2, 3, 5, 6];
    TIMBRE_LOSS = "timbre_loss", [1, 2, 5, 6];
    MASK_ROWS = "mask_rows", [1, 2, 4, 5, 6];
    MASK_SEQUENCES = "mask_sequences", [1, 5];
    MASK_FACTORS = "mask_factors", [1, 5];
    MASK_GRADIENT = "mask_gradient", [1, 2, 4, 5];
}
