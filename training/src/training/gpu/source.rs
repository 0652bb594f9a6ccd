//! The kernels' text, with the network's sizes put in.

use idm_engine::{
    drum::{DRUM_COUNT, STEM_COUNT},
    front_end::{BAND_COUNT, LOW_BAND_COUNT},
};

use crate::network::{CONV2_BANDS, CONV2_CHANNELS, DETAIL, FLAT, UNITS};

/// The text of everything but matrix products.
const SOURCES: [&str; 6] = [
    include_str!("kernels/header.wgsl"),
    include_str!("kernels/elements.wgsl"),
    include_str!("kernels/convolution.wgsl"),
    include_str!("kernels/heads.wgsl"),
    include_str!("kernels/recurrent.wgsl"),
    include_str!("kernels/losses.wgsl"),
];

/// Invocations that share each sum of a recurrent layer.
pub const SHARES: usize = 2;
/// Groups of four inputs whose weights are read at once, forward and backward.
const WALK_FOURS: usize = 4;
const WALK_BACK_FOURS: usize = 12;

const _: () = assert!((UNITS / 4 / SHARES).is_multiple_of(WALK_FOURS));
const _: () = assert!((3 * UNITS / 4 / SHARES).is_multiple_of(WALK_BACK_FOURS));

/// The inner part of a recurrent step: reads first, then sums.
fn walk_body() -> String {
    let mut text = String::new();
    for pair in 0..2 * WALK_FOURS {
        for gate in 0..3 {
            text += &format!(
                "            let w{pair}_{gate} = words[at + {}u];\n",
                pair * 3 * UNITS + gate * UNITS
            );
        }
    }
    for four in 0..WALK_FOURS {
        text += &format!("            let h{four} = state[four + {four}u];\n");
    }
    for pair in 0..2 * WALK_FOURS {
        let (four, lanes) = (pair / 2, ["xy", "zw"][pair % 2]);
        for (gate, sum) in ["reset_sum", "update_sum", "new_sum"].iter().enumerate() {
            text += &format!(
                "            {sum} = fma(unpack2x16float(w{pair}_{gate}), h{four}.{lanes}, {sum});\n"
            );
        }
    }
    text
}

/// The inner part of a recurrent step backwards.
fn walk_back_body() -> String {
    let mut text = String::new();
    for pair in 0..2 * WALK_BACK_FOURS {
        text += &format!("            let w{pair} = words[at + {}u];\n", pair * UNITS);
    }
    for four in 0..WALK_BACK_FOURS {
        text += &format!("            let g{four} = gradient[four + {four}u];\n");
    }
    for pair in 0..2 * WALK_BACK_FOURS {
        let (four, lanes) = (pair / 2, ["xy", "zw"][pair % 2]);
        text +=
            &format!("            sum = fma(unpack2x16float(w{pair}), g{four}.{lanes}, sum);\n");
    }
    text
}

/// Everything but matrix products. Allocates.
pub fn source() -> String {
    let sizes = [
        ("$FLAT_CHANNELS", CONV2_CHANNELS),
        ("$FLAT_BANDS", CONV2_BANDS),
        ("$LOW_BANDS", LOW_BAND_COUNT),
        ("$DETAIL", DETAIL),
        ("$SHARES", SHARES),
        ("$WALK_FOURS", WALK_FOURS),
        ("$WALK_BACK_FOURS", WALK_BACK_FOURS),
        ("$UNITS", UNITS),
        ("$BANDS", BAND_COUNT),
        ("$STEMS", STEM_COUNT),
        ("$DRUMS", DRUM_COUNT),
        ("$FLAT", FLAT),
    ];
    let mut text = SOURCES.concat();
    for (name, size) in sizes {
        text = text.replace(name, &size.to_string());
    }
    text.replace("$WALK_BACK_BODY", &walk_back_body())
        .replace("$WALK_BODY", &walk_body())
}
