//! Inputs and outputs: which layouts a host can choose, and its buses as slices.

use std::num::NonZeroU32;

use idm_engine::drum::{DRUM_COUNT, Drum};
use nice_plug::prelude::*;

use crate::buses::{AUX_BUS_COUNT, AuxOutputs};

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

const fn layout(input_channels: u32, with_buses: bool, layout_name: &'static str) -> AudioIOLayout {
    AudioIOLayout {
        main_input_channels: NonZeroU32::new(input_channels),
        main_output_channels: Some(STEREO),
        aux_input_ports: &[],
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
            aux_inputs: &[],
            aux_outputs: if with_buses { &AUX_NAMES } else { &[] },
        },
    }
}

/// With and without buses, stereo and mono.
pub const LAYOUTS: [AudioIOLayout; 4] = [
    layout(2, true, "Stereo, all drums"),
    layout(2, false, "Stereo"),
    layout(1, true, "Mono in, all drums"),
    layout(1, false, "Mono in"),
];

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
