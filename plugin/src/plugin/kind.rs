//! The two plugins of the library, and what sets them apart.
//!
//! Some hosts give the further outputs of an effect no place in the mixer, but those of an
//! instrument, and let audio into an instrument by its side-chain. For these there is the same
//! plugin as an instrument.

use nice_plug::prelude::*;

use crate::ports;

/// How hosts see one of the plugins.
pub trait Kind: 'static {
    /// Name in the host's lists.
    const NAME: &'static str;
    /// What it is for.
    const DESCRIPTION: &'static str;
    /// Layouts of buses, the usual one first.
    const LAYOUTS: &'static [AudioIOLayout];
    /// Whether the drums come in by the side-chain.
    const IS_SIDE_CHAINED: bool;
    /// For good.
    const CLAP_ID: &'static str;
    /// Where CLAP hosts list it.
    const CLAP_FEATURES: &'static [ClapFeature];
    /// For good.
    const VST3_CLASS_ID: &'static [u8; 16];
    /// Where VST3 hosts list it.
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory];
}

/// On the drum track.
#[derive(Debug)]
pub enum Effect {}

impl Kind for Effect {
    const NAME: &'static str = "Inverse Drum Machine";
    const DESCRIPTION: &'static str = "Every drum of a drum bus on its own output";
    const LAYOUTS: &'static [AudioIOLayout] = &ports::EFFECT_LAYOUTS;
    const IS_SIDE_CHAINED: bool = false;
    const CLAP_ID: &'static str = "org.inverse-drum-machine.idm";
    const CLAP_FEATURES: &'static [ClapFeature] = &[
        ClapFeature::AudioEffect,
        ClapFeature::Stereo,
        ClapFeature::Drum,
        ClapFeature::NoteDetector,
        ClapFeature::Restoration,
        ClapFeature::Custom("inverse-drum-machine:separation"),
    ];
    const VST3_CLASS_ID: &'static [u8; 16] = b"InverseDrumMachi";
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] = &[
        Vst3SubCategory::Fx,
        Vst3SubCategory::Drum,
        Vst3SubCategory::Restoration,
    ];
}

/// On a track of its own, fed by its side-chain.
#[derive(Debug)]
pub enum Instrument {}

impl Kind for Instrument {
    const NAME: &'static str = "Inverse Drum Machine Instrument";
    const DESCRIPTION: &'static str =
        "Every drum of the side-chain's drum bus on its own output, and a kit to play";
    const LAYOUTS: &'static [AudioIOLayout] = &ports::INSTRUMENT_LAYOUTS;
    const IS_SIDE_CHAINED: bool = true;
    const CLAP_ID: &'static str = "org.inverse-drum-machine.idm-instrument";
    const CLAP_FEATURES: &'static [ClapFeature] = &[
        ClapFeature::Instrument,
        ClapFeature::DrumMachine,
        ClapFeature::Stereo,
        ClapFeature::Custom("inverse-drum-machine:separation"),
    ];
    const VST3_CLASS_ID: &'static [u8; 16] = b"InverseDrumMInst";
    const VST3_SUBCATEGORIES: &'static [Vst3SubCategory] =
        &[Vst3SubCategory::Instrument, Vst3SubCategory::Drum];
}
