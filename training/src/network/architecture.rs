//! Sizes of the network and the initial values of its weights.

use idm_engine::{
    controls::Quality,
    drum::{DRUM_COUNT, STEM_COUNT},
    front_end::{BAND_COUNT, LOW_BAND_COUNT},
};

use super::weights::{NamedTensor, Weights};
use crate::random::Random;

/// Frames seen by each convolution: the newest and two before it.
pub const CONV_FRAMES: usize = 3;
/// Channels of the first convolution.
pub const CONV1_CHANNELS: usize = 24;
/// Bands under one kernel of the first convolution.
pub const CONV1_WIDTH: usize = 5;
/// Bands after the first convolution (stride 2).
pub const CONV1_BANDS: usize = BAND_COUNT / 2;
/// Channels of the second convolution.
pub const CONV2_CHANNELS: usize = 48;
/// Bands under one kernel of the second convolution.
pub const CONV2_WIDTH: usize = 3;
/// Bands after the second convolution (stride 2).
pub const CONV2_BANDS: usize = CONV1_BANDS / 2;
/// Values per frame after the convolutions.
pub const FLAT: usize = CONV2_CHANNELS * CONV2_BANDS;
/// Input width of the dense layer: the convolutions and the low bands.
pub const FEATURES: usize = FLAT + LOW_BAND_COUNT;
/// Width of the frame code `z` and of both recurrent layers.
pub const UNITS: usize = 384;
/// Width of the detail code: a short form of the frame code, of which the heads
/// see several frames around the described one.
pub const DETAIL: usize = 64;
/// Hidden width of the onset and velocity head.
pub const EVENT_HIDDEN: usize = 192;
/// Hidden width of the mask head.
pub const MASK_HIDDEN: usize = 192;
/// Mask logits per frame: nine classes and residual, per band.
pub const MASK_OUTPUTS: usize = STEM_COUNT * BAND_COUNT;
/// Width of the kit embedding.
pub const EMBEDDING: usize = 32;
/// Bands of the coarse timbre of each drum, predicted from the embedding in
/// training so that it describes the kit.
pub const TIMBRE_BANDS: usize = 16;
/// Outputs of the timbre head.
pub const TIMBRE_OUTPUTS: usize = DRUM_COUNT * TIMBRE_BANDS;
/// Learnt one-shots to choose from per class.
pub const CHOICE_COUNT: usize = 6;

/// One of the three delayed heads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Head {
    /// Low latency.
    Low,
    /// Standard latency.
    Standard,
    /// High latency.
    High,
}

impl Head {
    /// All heads, fastest first.
    pub const ALL: [Head; 3] = [Head::Low, Head::Standard, Head::High];

    /// Position in [`Head::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The quality that the head serves.
    pub const fn quality(self) -> Quality {
        Quality::ALL[self.index()]
    }

    /// Frames of future that the head hears.
    pub const fn look_ahead_frames(self) -> usize {
        self.quality().look_ahead_frames()
    }

    /// Frames whose detail codes the head sees, relative to the described frame,
    /// in order; the last is the newest frame that the head hears.
    pub const fn detail_frames(self) -> &'static [isize] {
        match self {
            Head::Low => &[-1, 0, 1, 2],
            Head::Standard => &[-1, 0, 1, 2, 3, 4, 5, 6],
            Head::High => &[-1, 0, 1, 2, 3, 4, 5, 6, 9, 12, 15, 18, 21, 24],
        }
    }

    /// Inputs of the head's onset and mask layers: state, frame code and detail
    /// codes.
    pub const fn inputs(self) -> usize {
        2 * UNITS + DETAIL * self.detail_frames().len()
    }

    /// Prefix of the head's weights.
    pub const fn name(self) -> &'static str {
        self.quality().id()
    }
}

/// Adds a layer `name` with uniform weights of variance `gain / inputs`, and biases of 0.
/// Allocates.
pub(crate) fn layer(
    tensors: &mut Vec<NamedTensor>,
    random: &mut Random,
    name: &str,
    shape: &[usize],
    inputs: usize,
    outputs: usize,
    gain: f32,
) {
    let limit = (3.0 * gain / inputs as f32).sqrt();
    let count = shape.iter().product();
    tensors.push(NamedTensor {
        name: format!("{name}.weight"),
        shape: shape.to_vec(),
        values: (0..count).map(|_| limit * random.bipolar()).collect(),
    });
    tensors.push(NamedTensor {
        name: format!("{name}.bias"),
        shape: vec![outputs],
        values: vec![0.0; outputs],
    });
}

/// Untrained weights. Dense weights are `[inputs, outputs]`, convolutions
/// `[channels, inputs, frames, bands]`, recurrent gates in the order reset,
/// update, new. Allocates.
pub fn initial_weights(seed: u64) -> Weights {
    let mut random = Random::new(&[seed, 0x6e65_7477_6f72_6b00]);
    let mut tensors = Vec::new();
    let list = &mut tensors;
    let conv1 = [CONV1_CHANNELS, 1, CONV_FRAMES, CONV1_WIDTH];
    let area = CONV_FRAMES * CONV1_WIDTH;
    layer(
        list,
        &mut random,
        "conv1",
        &conv1,
        area,
        CONV1_CHANNELS,
        2.0,
    );
    let conv2 = [CONV2_CHANNELS, CONV1_CHANNELS, CONV_FRAMES, CONV2_WIDTH];
    let area = CONV1_CHANNELS * CONV_FRAMES * CONV2_WIDTH;
    layer(
        list,
        &mut random,
        "conv2",
        &conv2,
        area,
        CONV2_CHANNELS,
        2.0,
    );
    layer(
        list,
        &mut random,
        "dense",
        &[FEATURES, UNITS],
        FEATURES,
        UNITS,
        2.0,
    );
    for gru in ["gru1", "gru2"] {
        for part in ["input", "recurrent"] {
            let name = format!("{gru}.{part}");
            layer(
                list,
                &mut random,
                &name,
                &[UNITS, 3 * UNITS],
                UNITS,
                3 * UNITS,
                1.0,
            );
        }
    }
    layer(
        list,
        &mut random,
        "detail",
        &[UNITS, DETAIL],
        UNITS,
        DETAIL,
        2.0,
    );
    for head in Head::ALL {
        let name = |part: &str| format!("{}.{part}", head.name());
        layer(
            list,
            &mut random,
            &name("events_hidden"),
            &[head.inputs(), EVENT_HIDDEN],
            head.inputs(),
            EVENT_HIDDEN,
            2.0,
        );
        let events = 2 * DRUM_COUNT;
        layer(
            list,
            &mut random,
            &name("events"),
            &[EVENT_HIDDEN, events],
            EVENT_HIDDEN,
            events,
            0.5,
        );
        layer(
            list,
            &mut random,
            &name("mask_hidden"),
            &[head.inputs(), MASK_HIDDEN],
            head.inputs(),
            MASK_HIDDEN,
            2.0,
        );
    }
    layer(
        list,
        &mut random,
        "decoder",
        &[MASK_HIDDEN, MASK_OUTPUTS],
        MASK_HIDDEN,
        MASK_OUTPUTS,
        0.5,
    );
    layer(
        list,
        &mut random,
        "embedding",
        &[UNITS, EMBEDDING],
        UNITS,
        EMBEDDING,
        1.0,
    );
    layer(
        list,
        &mut random,
        "timbre",
        &[EMBEDDING, TIMBRE_OUTPUTS],
        EMBEDDING,
        TIMBRE_OUTPUTS,
        0.5,
    );
    let choices = DRUM_COUNT * CHOICE_COUNT;
    layer(
        list,
        &mut random,
        "choice",
        &[EMBEDDING, choices],
        EMBEDDING,
        choices,
        0.5,
    );
    for tensor in list.iter_mut() {
        if tensor.name.ends_with(".events.bias") {
            // Onsets are rare: start near the base rate, not at one half.
            tensor.values[..DRUM_COUNT].fill(-4.0);
        }
    }
    Weights::new(tensors)
}

/// Number of weights.
pub fn parameter_count(weights: &Weights) -> usize {
    weights
        .tensors()
        .iter()
        .map(|tensor| tensor.values.len())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_hear_no_further_than_they_say() {
        for head in Head::ALL {
            let frames = head.detail_frames();
            assert!(frames.is_sorted());
            assert_eq!(frames[0], -1);
            assert_eq!(frames.last(), Some(&(head.look_ahead_frames() as isize)));
        }
    }

    #[test]
    fn weights_are_repeatable_and_of_the_intended_size() {
        let weights = initial_weights(7);
        assert_eq!(weights, initial_weights(7));
        assert_ne!(weights, initial_weights(8));
        let count = parameter_count(&weights);
        assert!((4_000_000..4_700_000).contains(&count), "{count}");
    }
}
