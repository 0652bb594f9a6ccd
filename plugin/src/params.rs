//! Parameters: what the host automates and the project remembers.
//!
//! Identifiers are frozen: `<name>` for global parameters, `<name>_<n>` for
//! drum `n` (1..=9 in the order of [`Drum::ALL`]). A test compares them with a
//! list, because renaming one silently loses the automation of every project
//! that uses it.

use std::sync::Arc;

use idm_engine::controls::{Controls, DrumControls};
use idm_engine::drum::{DRUM_COUNT, Drum};
use nice_plug::prelude::*;

use crate::buses::MixTargets;
use crate::corrections::Corrections;
use crate::kit_state::KitState;
use crate::model_choice::ModelChoice;
use crate::own_samples::OwnSamples;
use crate::state::{EditorView, FormatStamp};

pub mod choices;
pub mod format;
pub mod values;

pub use choices::{BusChoice, HitChoice, MainOutput, NameChoice, QualityChoice};
pub use values::Values;

/// Lowest fader position in dB; it means silence.
const LEVEL_MIN_DB: f32 = -72.0;
/// Highest fader position in dB.
const LEVEL_MAX_DB: f32 = 12.0;
/// Range of the minimum gap between two hits of a drum, in milliseconds.
const MIN_GAP_MS: (f32, f32) = (5.0, 250.0);
/// Range of the dynamics: none, and twice those of the hits.
const DYNAMICS: (f32, f32) = (0.0, 2.0);
/// Range of the one-shot tuning, in semitones.
const TUNE_SEMITONES: (f32, f32) = (-24.0, 24.0);
/// Range of the one-shot length: whole at 1, below it the shorter the less.
const DECAY: (f32, f32) = (0.05, 1.0);
/// Range of a drum's isolation: low keeps bleed, high ducks the drum.
const ISOLATION: (f32, f32) = (-1.0, 1.0);
/// Range of the mask exponent: low keeps bleed, high ducks it.
const MASK_EXPONENT: (f32, f32) = (1.0, 2.0);

/// Largest count of changes; it starts again after it.
pub const MOST_REVISIONS: i32 = 9_999;

/// Parameters of one drum.
#[derive(Debug, Params)]
pub struct DrumParams {
    /// Fader in dB; at the bottom is silence.
    #[id = "level"]
    pub level_db: FloatParam,
    /// Silences the drum on every output.
    #[id = "mute"]
    pub mute: BoolParam,
    /// Silences everything that is not soloed.
    #[id = "solo"]
    pub solo: BoolParam,
    /// How readily a hit is accepted; one half is the model's own threshold.
    #[id = "sens"]
    pub sensitivity: FloatParam,
    /// Hits closer than this to the last accepted one are refused.
    #[id = "gap"]
    pub min_gap_ms: FloatParam,
    /// How hard other drums are kept out: −1 keeps the drum whole, 1 ducks it.
    #[id = "iso"]
    pub isolation: FloatParam,
    /// 0: cut out of the recording, 1: played again from the one-shot.
    #[id = "blend"]
    pub blend: FloatParam,
    /// How far one-shot and MIDI velocity follow the hits; 0 plays all alike.
    #[id = "dyn"]
    pub dynamics: FloatParam,
    /// Pitch of the one-shot.
    #[id = "tune"]
    pub tune_semitones: FloatParam,
    /// Length of the one-shot.
    #[id = "decay"]
    pub decay: FloatParam,
    /// Whether the drum is in the piece at all.
    #[id = "play"]
    pub enabled: BoolParam,
    /// MIDI note sent for hits and listened to for the pad.
    #[id = "note"]
    pub note: IntParam,
    /// Output bus that carries the drum.
    #[id = "bus"]
    pub bus: EnumParam<BusChoice>,
}

/// What a drum as heard is.
#[derive(Debug, Params)]
pub struct NameParams {
    /// Itself, or another drum that the plugin takes for it.
    #[id = "as"]
    pub heard_as: EnumParam<NameChoice>,
}

/// All parameters and persisted fields of the plugin.
#[derive(Debug, Params)]
pub struct IdmParams {
    /// Format of the saved state.
    #[persist = "format"]
    pub format: FormatStamp,
    /// Window size and zoom.
    #[persist = "editor"]
    pub editor: EditorView,
    /// The learnt one-shots.
    #[persist = "kit"]
    pub kit: KitState,
    /// Samples of the user's own on the pads.
    #[persist = "samples"]
    pub own_samples: OwnSamples,
    /// Hits that the user took away or added.
    #[persist = "corrections"]
    pub corrections: Corrections,
    /// The folder of the drum model; empty for the built-in one.
    #[persist = "model"]
    pub model: ModelChoice,

    /// What the main output carries.
    #[id = "main"]
    pub main_output: EnumParam<MainOutput>,
    /// Host bypass: the delayed input on the main output, bit for bit.
    #[id = "bypass"]
    pub bypass: BoolParam,
    /// Latency and look-ahead; read when the host activates the plugin.
    #[id = "qual"]
    pub quality: EnumParam<QualityChoice>,
    /// Bleed (low) against ducking (high).
    #[id = "mask"]
    pub mask_exponent: FloatParam,
    /// Whether the one-shots follow the recording.
    #[id = "learn"]
    pub learning: BoolParam,
    /// Fader of the residual in dB.
    #[id = "resid"]
    pub residual_level_db: FloatParam,
    /// Who says when a drum is hit.
    #[id = "hits"]
    pub hits: EnumParam<HitChoice>,
    /// Counts what the user changes beside the parameters: corrections, samples, the model, a
    /// kit that is forgotten. Hosts notice changes of parameters only: without one they would
    /// close the project without asking, and undo nothing.
    #[id = "rev"]
    pub revision: IntParam,

    /// The nine drums in their frozen order.
    #[nested(array, group = "Drum")]
    pub drums: [DrumParams; DRUM_COUNT],

    // Last, because some hosts count.
    /// Silences the residual on every output.
    #[id = "mute_10"]
    pub residual_mute: BoolParam,
    /// Silences everything that is not soloed.
    #[id = "solo_10"]
    pub residual_solo: BoolParam,
    /// What the nine drums as heard are.
    #[nested(array, group = "Heard as")]
    pub names: [NameParams; DRUM_COUNT],
}

impl DrumParams {
    fn new(drum: Drum) -> Self {
        let defaults = DrumControls::default();
        let name = |what: &str| format!("{} {what}", drum.name());
        Self {
            level_db: level_param(name("level")),
            mute: BoolParam::new(name("mute"), false),
            solo: BoolParam::new(name("solo"), false),
            sensitivity: percent_param(
                FloatParam::new(
                    name("sensitivity"),
                    defaults.sensitivity,
                    FloatRange::Linear { min: 0.0, max: 1.0 },
                )
                .with_step_size(0.005),
            ),
            min_gap_ms: FloatParam::new(
                name("minimum gap"),
                defaults.min_gap_ms,
                FloatRange::Skewed {
                    min: MIN_GAP_MS.0,
                    max: MIN_GAP_MS.1,
                    factor: FloatRange::skew_factor(-1.0),
                },
            )
            .with_unit(" ms")
            .with_step_size(1.0)
            .with_value_to_string(Arc::new(|ms| format!("{ms:.0}")))
            .with_string_to_value(Arc::new(|text| format::parse_number(text, &["ms"]))),
            isolation: FloatParam::new(
                name("isolation"),
                defaults.isolation,
                FloatRange::Linear {
                    min: ISOLATION.0,
                    max: ISOLATION.1,
                },
            )
            .with_unit(" %")
            .with_step_size(0.01)
            .with_value_to_string(Arc::new(format::signed_percent))
            .with_string_to_value(Arc::new(format::parse_percent)),
            blend: percent_param(
                FloatParam::new(
                    name("blend"),
                    defaults.blend,
                    FloatRange::Linear { min: 0.0, max: 1.0 },
                )
                .with_step_size(0.005),
            ),
            dynamics: percent_param(
                FloatParam::new(
                    name("dynamics"),
                    defaults.dynamics,
                    FloatRange::Linear {
                        min: DYNAMICS.0,
                        max: DYNAMICS.1,
                    },
                )
                .with_step_size(0.01),
            ),
            tune_semitones: FloatParam::new(
                name("tune"),
                defaults.tune_semitones,
                FloatRange::Linear {
                    min: TUNE_SEMITONES.0,
                    max: TUNE_SEMITONES.1,
                },
            )
            .with_unit(" st")
            .with_step_size(0.1)
            .with_value_to_string(Arc::new(format::semitones))
            .with_string_to_value(Arc::new(|text| format::parse_number(text, &["st"]))),
            decay: percent_param(
                FloatParam::new(
                    name("decay"),
                    defaults.decay,
                    FloatRange::Linear {
                        min: DECAY.0,
                        max: DECAY.1,
                    },
                )
                .with_step_size(0.005),
            ),
            enabled: BoolParam::new(name("in this piece"), defaults.enabled)
                .with_value_to_string(Arc::new(|on| if on { "Yes" } else { "No" }.into()))
                .with_string_to_value(Arc::new(format::parse_switch)),
            note: IntParam::new(
                name("note"),
                i32::from(drum.gm_note()),
                IntRange::Linear { min: 0, max: 127 },
            )
            .with_value_to_string(Arc::new(format::note))
            .with_string_to_value(Arc::new(format::parse_note)),
            bus: EnumParam::new(name("output bus"), BusChoice::Own),
        }
    }

    /// What the engine needs to know about this drum, but for its name; it keeps its own
    /// ranges. Real-time safe.
    pub fn controls(&self) -> DrumControls {
        DrumControls {
            sensitivity: self.sensitivity.value(),
            min_gap_ms: self.min_gap_ms.value(),
            blend: self.blend.value(),
            dynamics: self.dynamics.value(),
            tune_semitones: self.tune_semitones.value(),
            decay: self.decay.value(),
            isolation: self.isolation.value(),
            enabled: self.enabled.value(),
            heard_as: None,
        }
    }

    /// MIDI note, 0..=127. Real-time safe.
    pub fn note_number(&self) -> u8 {
        self.note.value().clamp(0, 127) as u8
    }
}

impl Default for IdmParams {
    fn default() -> Self {
        let defaults = Controls::default();
        let kit = KitState::default();
        kit.set_learns(defaults.learning);
        let learns = kit.clone();
        Self {
            format: FormatStamp::default(),
            editor: EditorView::default(),
            kit,
            own_samples: OwnSamples::default(),
            corrections: Corrections::default(),
            model: ModelChoice::default(),
            main_output: EnumParam::new("Main output", MainOutput::Mix),
            bypass: BoolParam::new("Bypass", false).make_bypass(),
            quality: EnumParam::new("Quality", QualityChoice::Standard).non_automatable(),
            mask_exponent: FloatParam::new(
                "Bleed - duck",
                defaults.mask_exponent,
                FloatRange::Linear {
                    min: MASK_EXPONENT.0,
                    max: MASK_EXPONENT.1,
                },
            )
            .with_step_size(0.01)
            .with_value_to_string(Arc::new(format::bleed_duck))
            .with_string_to_value(Arc::new(format::parse_bleed_duck)),
            learning: BoolParam::new("Learn", defaults.learning)
                .with_callback(Arc::new(move |on| learns.set_learns(on))),
            residual_level_db: level_param("Residual level".into()),
            hits: EnumParam::new("Hits from", HitChoice::Listening),
            revision: IntParam::new(
                "Changes by hand",
                0,
                IntRange::Linear {
                    min: 0,
                    max: MOST_REVISIONS,
                },
            )
            .non_automatable()
            .hide(),
            drums: Drum::ALL.map(DrumParams::new),
            residual_mute: BoolParam::new("Residual mute", false),
            residual_solo: BoolParam::new("Residual solo", false),
            names: Drum::ALL.map(|drum| NameParams {
                heard_as: EnumParam::new(format!("{} is", drum.name()), NameChoice::Itself),
            }),
        }
    }
}

impl IdmParams {
    /// Snapshot of everything the engine reads. Real-time safe.
    pub fn controls(&self) -> Controls {
        Controls {
            drums: std::array::from_fn(|drum| DrumControls {
                heard_as: self.names[drum].heard_as.value().drum(),
                ..self.drums[drum].controls()
            }),
            hits: self.hits.value().engine(),
            mask_exponent: self.mask_exponent.value(),
            learning: self.learning.value(),
        }
    }

    /// Snapshot of faders, routing and main selection. Real-time safe.
    pub fn mix_targets(&self) -> MixTargets {
        let solos: [bool; DRUM_COUNT] = std::array::from_fn(|drum| self.drums[drum].solo.value());
        let residual_solo = self.residual_solo.value();
        let any_solo = residual_solo || solos.contains(&true);
        MixTargets {
            class_gain: std::array::from_fn(|index| {
                let drum = &self.drums[index];
                if drum.mute.value() || (any_solo && !solos[index]) {
                    0.0
                } else {
                    level_gain(drum.level_db.value())
                }
            }),
            residual_gain: if self.residual_mute.value() || (any_solo && !residual_solo) {
                0.0
            } else {
                level_gain(self.residual_level_db.value())
            },
            route: std::array::from_fn(|index| self.drums[index].bus.value().bus_of(index)),
            main: self.main_output.value(),
            bypass: self.bypass.value(),
        }
    }

    /// MIDI note of each drum. Real-time safe.
    pub fn notes(&self) -> [u8; DRUM_COUNT] {
        std::array::from_fn(|drum| self.drums[drum].note_number())
    }
}

/// Linear gain of a fader position; exactly 1 at 0 dB and 0 at the bottom.
/// Real-time safe.
pub fn level_gain(level_db: f32) -> f32 {
    if level_db.is_nan() || level_db <= LEVEL_MIN_DB {
        0.0
    } else {
        10.0_f32.powf(level_db.min(LEVEL_MAX_DB) / 20.0)
    }
}

fn level_param(name: String) -> FloatParam {
    FloatParam::new(
        name,
        0.0,
        FloatRange::Linear {
            min: LEVEL_MIN_DB,
            max: LEVEL_MAX_DB,
        },
    )
    .with_unit(" dB")
    // Without steps, a host that writes the default back in normalised form
    // would miss 0 dB by a rounding error and the null test with it.
    .with_step_size(0.1)
    .with_value_to_string(Arc::new(format::level))
    .with_string_to_value(Arc::new(format::parse_level))
}

fn percent_param(param: FloatParam) -> FloatParam {
    param
        .with_unit(" %")
        .with_value_to_string(Arc::new(format::percent))
        .with_string_to_value(Arc::new(format::parse_percent))
}

#[cfg(test)]
mod tests;
