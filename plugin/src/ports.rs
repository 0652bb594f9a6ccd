//! Inputs and outputs: which layouts a host can choose, and its buses as slices.

use std::num::NonZeroU32;

use idm_engine::drum::{DRUM_COUNT, Drum};
use nice_plug::prelude::*;

use crate::buses::{AUX_BUS_COUNT, AuxOutputs};

const MONO: NonZeroU32 = new_nonzero_u32(1);
const STEREO: NonZeroU32 = new_nonzero_u32(2);

const AUX_NAMES: [&str; AUX_BUS_COUNT] = {
    let mut names = ["Residual"; AUX_BUS_COUNT];
    let mut index = 0;
    while index < DRUM_COUNT {
        names[index] = Drum::ALL[index].name();
        index += 1;
    }
    names
};

/// How the drums come in.
#[derive(Clone, Copy)]
enum Input {
    Main,
    SideChain,
}

const fn layout(
    input: Input,
    input_channels: NonZeroU32,
    with_buses: bool,
    layout_name: &'static str,
) -> AudioIOLayout {
    let (main_input_channels, aux_input_ports): (_, &'static [NonZeroU32]) =
        match (input, input_channels.get()) {
            (Input::Main, _) => (Some(input_channels), &[]),
            (Input::SideChain, 1) => (None, &[MONO]),
            (Input::SideChain, _) => (None, &[STEREO]),
        };
    AudioIOLayout {
        main_input_channels,
        main_output_channels: Some(STEREO),
        aux_input_ports,
        aux_output_ports: if with_buses {
            &[STEREO; AUX_BUS_COUNT]
        } else {
            &[]
        },
        // The framework gives the main output the name of the main input, so
        // both stay unnamed.
        names: PortNames {
            layout: Some(layout_name),
            main_input: None,
            main_output: None,
            aux_inputs: match input {
                Input::Main => &[],
                Input::SideChain => &["Drums in"],
            },
            aux_outputs: if with_buses { &AUX_NAMES } else { &[] },
        },
    }
}

const fn layouts(input: Input) -> [AudioIOLayout; 4] {
    [
        layout(input, STEREO, true, "Stereo, all drums"),
        layout(input, STEREO, false, "Stereo"),
        layout(input, MONO, true, "Mono in, all drums"),
        layout(input, MONO, false, "Mono in"),
    ]
}

/// With and without buses, stereo and mono.
pub const EFFECT_LAYOUTS: [AudioIOLayout; 4] = layouts(Input::Main);

/// The same with the drums in the side-chain.
pub const INSTRUMENT_LAYOUTS: [AudioIOLayout; 4] = layouts(Input::SideChain);

/// The host's auxiliary outputs.
pub(crate) struct HostAux<'a, 'b>(pub &'a mut [Buffer<'b>]);

impl AuxOutputs for HostAux<'_, '_> {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn stereo(&mut self, bus: usize) -> Option<[&mut [f32]; 2]> {
        match self.0.get_mut(bus)?.as_slice() {
            [left, right] => Some([&mut **left, &mut **right]),
            _ => None,
        }
    }
}
