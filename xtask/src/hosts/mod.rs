//! Headless plugin hosts: they load a *bundle* from disk, as a digital audio
//! workstation would, and expose both formats through one trait, so that every
//! test and every render can run over CLAP and VST3 alike.

pub mod clap;
mod clap_editor;
mod clap_events;
mod clap_handlers;
pub mod gui;
mod gui_drag;
mod gui_step;
mod transport;
pub mod vst3;
mod vst3_automation;
mod vst3_editor;
mod vst3_events;
mod vst3_module;
mod vst3_objects;

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail};

/// Audio of one block or one render: `[bus][channel][sample]`.
pub type BusAudio = Vec<Vec<Vec<f32>>>;

/// A plugin format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// CLAP 1.x.
    Clap,
    /// VST 3.
    Vst3,
}

impl fmt::Display for Format {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Format::Clap => "CLAP",
            Format::Vst3 => "VST3",
        })
    }
}

/// One audio bus as the plugin declares it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bus {
    /// Name shown by hosts.
    pub name: String,
    /// Number of channels.
    pub channels: usize,
    /// Main bus (as opposed to auxiliary).
    pub is_main: bool,
}

/// One parameter as the plugin declares it.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Number by which the host addresses it.
    pub id: u32,
    /// Name shown by hosts.
    pub name: String,
    /// Default value, normalised to 0..1.
    pub default_normalised: f64,
}

/// A note going in or out of the plugin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Note {
    /// Sample at which it happens: within the block in [`Host::process`], since
    /// the start of the stream in renders.
    pub sample: usize,
    /// Note-on or note-off.
    pub on: bool,
    /// MIDI channel, 0..=15.
    pub channel: u8,
    /// MIDI key, 0..=127.
    pub key: u8,
    /// Velocity, 0..1.
    pub velocity: f32,
}

/// Which of the plugin's output buses the host hands buffers for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputLayout {
    /// Every declared bus.
    All,
    /// Only the first so many buses; the others do not exist in the call. Without any the
    /// array of a VST3 host is null.
    First(usize),
}

impl OutputLayout {
    /// Number of buses that get real buffers, of `declared` ones.
    pub fn buffered(self, declared: usize) -> usize {
        match self {
            OutputLayout::All => declared,
            OutputLayout::First(count) => count.min(declared),
        }
    }
}

/// One plugin instance in a headless host.
pub trait Host {
    /// The plugin's format.
    fn format(&self) -> Format;

    /// The plugin's name.
    fn name(&self) -> &str;

    /// Declared input buses.
    fn input_buses(&self) -> &[Bus];

    /// Declared output buses.
    fn output_buses(&self) -> &[Bus];

    /// Declared parameters.
    fn parameters(&mut self) -> Result<Vec<Parameter>>;

    /// Current value of a parameter, normalised to 0..1.
    fn value(&mut self, id: u32) -> Result<f64>;

    /// What the plugin makes of a value in its own words ("-6 dB", "High"),
    /// normalised to 0..1.
    fn parse_value(&mut self, id: u32, text: &str) -> Result<f64>;

    /// Sets a parameter, normalised to 0..1. While active, the change takes
    /// effect at the first sample of the next block.
    fn set_value(&mut self, id: u32, normalised: f64) -> Result<()>;

    /// Announces offline (faster than real time) or real-time rendering. Takes
    /// effect at the next activation.
    fn set_offline(&mut self, offline: bool) -> Result<()>;

    /// Chooses which output buses get buffers. Takes effect at the next
    /// activation.
    fn set_output_layout(&mut self, layout: OutputLayout) -> Result<()>;

    /// Prepares for audio at `sample_rate_hz` in blocks of up to `max_block`
    /// samples.
    fn activate(&mut self, sample_rate_hz: f64, max_block: usize) -> Result<()>;

    /// Ends audio processing.
    fn deactivate(&mut self) -> Result<()>;

    /// From the next block on the transport runs, beginning with this sample of the
    /// song; or stands.
    fn set_song(&mut self, song_sample: Option<usize>);

    /// Latency that the plugin reports, in samples. Ask after activation.
    fn latency_samples(&mut self) -> Result<usize>;

    /// Processes one block. `input` is one slice per channel of the main input,
    /// all equally long; `outputs` is resized to the buses that the layout
    /// gives buffers for; the notes that come out are appended to `notes_out`.
    fn process(
        &mut self,
        input: &[&[f32]],
        notes_in: &[Note],
        outputs: &mut BusAudio,
        notes_out: &mut Vec<Note>,
    ) -> Result<()>;

    /// The plugin's state, as a project would keep it.
    fn save_state(&mut self) -> Result<Vec<u8>>;

    /// Restores a state.
    fn load_state(&mut self, state: &[u8]) -> Result<()>;
}

/// Loads the first plugin of the bundle at `path` (`.clap` or `.vst3`) into a new host.
pub fn open(path: &Path) -> Result<Box<dyn Host>> {
    open_plugin(path, None)
}

/// Loads the plugin of this name, or the first, of the bundle at `path` into a new host.
pub fn open_plugin(path: &Path, name: Option<&str>) -> Result<Box<dyn Host>> {
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("clap") => Ok(Box::new(clap::ClapHost::open(path, name)?)),
        Some("vst3") => Ok(Box::new(vst3::Vst3Host::open(path, name)?)),
        _ => bail!("{}: neither a .clap nor a .vst3 bundle", path.display()),
    }
}

/// What is wrong with a library that holds no such plugin.
fn no_plugin(name: Option<&str>) -> String {
    name.map_or_else(
        || "the library holds no plugin".to_owned(),
        |name| format!("the library holds no plugin '{name}'"),
    )
}

/// Finds the parameter that `key` means: its name (any case), its string id as
/// the plugin's source spells it, or its number.
pub fn find_parameter(host: &mut dyn Host, key: &str) -> Result<Parameter> {
    let hashed = hash_of_string_id(key);
    let number = key.parse::<u32>().ok();
    let parameters = host.parameters()?;
    parameters
        .iter()
        .find(|parameter| parameter.name.eq_ignore_ascii_case(key))
        .or_else(|| parameters.iter().find(|parameter| parameter.id == hashed))
        .or_else(|| {
            parameters
                .iter()
                .find(|parameter| Some(parameter.id) == number)
        })
        .cloned()
        .with_context(|| format!("the plugin has no parameter '{key}'"))
}

/// Sets the parameter `key` (see [`find_parameter`]) to a value in the plugin's
/// own words, or to a normalised value written `@0.5`.
pub fn set_parameter(host: &mut dyn Host, key: &str, value: &str) -> Result<()> {
    let parameter = find_parameter(host, key)?;
    let normalised = match value.strip_prefix('@') {
        Some(number) => number
            .parse::<f64>()
            .ok()
            .filter(|number| (0.0..=1.0).contains(number))
            .with_context(|| format!("{key}: expected @0 to @1, found '{value}'"))?,
        None => host
            .parse_value(parameter.id, value)
            .with_context(|| format!("{key}: the plugin does not understand '{value}'"))?,
    };
    host.set_value(parameter.id, normalised)
}

/// The number under which the plugin framework registers a string id: a
/// 31-multiplier string hash with the top bit, which VST3 reserves, cleared.
fn hash_of_string_id(id: &str) -> u32 {
    let hash = id.bytes().fold(0_u32, |hash, byte| {
        hash.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    hash & 0x7fff_ffff
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn string_ids_hash_as_the_framework_does() {
        // "gain" by hand: ((103 * 31 + 97) * 31 + 105) * 31 + 110.
        assert_eq!(hash_of_string_id("gain"), 3_165_055);
        assert_eq!(hash_of_string_id(""), 0);
        assert!(hash_of_string_id("a_rather_long_parameter_id") < 1 << 31);
    }

    #[test]
    fn what_is_no_plugin_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["no.clap", "no.vst3", "no.txt"] {
            let path = folder.path().join(name);
            assert!(open(&path).is_err(), "missing {name}");
            std::fs::write(&path, "no plugin").expect("writes");
            let error = open(&path).err().expect("is no plugin");
            assert!(error.to_string().contains(name), "{error}");
        }
        let empty = folder.path().join("empty.vst3");
        std::fs::create_dir(&empty).expect("makes");
        assert!(open(&empty).is_err());
    }

    #[test]
    fn layouts_count_their_buffers() {
        assert_eq!(OutputLayout::All.buffered(11), 11);
        assert_eq!(OutputLayout::First(4).buffered(11), 4);
        assert_eq!(OutputLayout::First(40).buffered(11), 11);
        assert_eq!(OutputLayout::First(0).buffered(11), 0);
    }
}
