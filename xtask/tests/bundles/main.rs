//! Tests of the bundles as hosts load them, in both formats.

mod buses;
mod command_line;
mod corrections;
// It is looked at through an X server.
#[cfg(target_os = "linux")]
mod editor;
mod exactness;
mod instrument;
mod latency;
mod model;
mod notes;
mod robustness;
mod state;

use std::sync::OnceLock;

use xtask::bundle;
use xtask::demo_loop::{self, DemoLoop};
use xtask::hosts::{self, Format, Host};
use xtask::render::{self as streaming, RenderOptions, Rendering};

/// Both formats.
const FORMATS: [Format; 2] = [Format::Clap, Format::Vst3];

/// Sample rate of most tests.
const RATE_HZ: f64 = 44_100.0;

/// The quiet that sums of buses must reach, in dBFS.
const NULL_DBFS: f64 = -120.0;

/// A new instance of the effect from the bundle on disk.
fn open(format: Format) -> Box<dyn Host> {
    open_plugin(format, None)
}

/// A new instance of the plugin of this name, or of the first.
fn open_plugin(format: Format, name: Option<&str>) -> Box<dyn Host> {
    let bundles = bundle::shared().expect("the bundles are built");
    let path = match format {
        Format::Clap => &bundles.clap,
        Format::Vst3 => &bundles.vst3,
    };
    hosts::open_plugin(path, name).expect("the bundle loads")
}

/// A new instance with these parameters, in the plugin's words.
fn open_with(format: Format, parameters: &[(&str, &str)]) -> Box<dyn Host> {
    let mut host = open(format);
    for (key, value) in parameters {
        hosts::set_parameter(host.as_mut(), key, value).expect("the parameter can be set");
    }
    host
}

/// The state of a new instance, with `text` as what it keeps under the key `field`.
fn state_with(format: Format, field: &str, text: &str) -> Vec<u8> {
    let saved = open(format).save_state().expect("it saves");
    let mut state = json_of(&saved);
    let text = serde_json::to_string(text).expect("JSON");
    state["fields"][field] = serde_json::Value::String(text);
    let json = serde_json::to_vec(&state).expect("JSON");
    let mut bytes = match saved.first() {
        Some(b'{') => Vec::new(),
        // CLAP states begin with their length.
        _ => (json.len() as u64).to_le_bytes().to_vec(),
    };
    bytes.extend(json);
    bytes
}

/// What a saved state says.
fn json_of(state: &[u8]) -> serde_json::Value {
    let start = state.iter().position(|byte| *byte == b'{');
    serde_json::from_slice(&state[start.expect("an object")..]).expect("JSON")
}

/// The whole demonstration loop at [`RATE_HZ`].
fn demo() -> &'static DemoLoop {
    static LOOP: OnceLock<DemoLoop> = OnceLock::new();
    LOOP.get_or_init(|| demo_loop::render(RATE_HZ))
}

/// Its first two and a half seconds: kick, snare, both hats and crash.
fn excerpt() -> [Vec<f32>; 2] {
    let samples = (2.5 * RATE_HZ) as usize;
    demo()
        .channels
        .clone()
        .map(|channel| channel[..samples].to_vec())
}

/// Loud white noise, the same for the same seed.
fn noise(samples: usize, seed: u32) -> [Vec<f32>; 2] {
    let mut state = seed.wrapping_mul(2_654_435_769) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        (state as f32 / u32::MAX as f32) * 1.8 - 0.9
    };
    [
        (0..samples).map(|_| next()).collect(),
        (0..samples).map(|_| next()).collect(),
    ]
}

/// Streams `input` at [`RATE_HZ`] in blocks of `block`.
fn render_at(host: &mut dyn Host, input: &[Vec<f32>; 2], rate_hz: f64, block: usize) -> Rendering {
    streaming::render(host, input, rate_hz, &RenderOptions::blocks_of(block)).expect("it renders")
}

/// [`render_at`] the usual sample rate.
fn render(host: &mut dyn Host, input: &[Vec<f32>; 2], block: usize) -> Rendering {
    render_at(host, input, RATE_HZ, block)
}

/// As [`render`], and a tenth of a second longer, so that every note is released
/// and an instance is as good as new afterwards.
fn render_to_the_end(host: &mut dyn Host, input: &[Vec<f32>; 2]) -> Rendering {
    let mut options = RenderOptions::blocks_of(512);
    options.tail_samples = (0.1 * RATE_HZ) as usize;
    streaming::render(host, input, RATE_HZ, &options).expect("it renders")
}

/// Fails unless two renders have the same samples to the bit and the same
/// notes, bus by bus.
fn assert_same(found: &Rendering, expected: &Rendering, what: &str) {
    assert_eq!(found.latency_samples, expected.latency_samples, "{what}");
    assert_eq!(found.audio.len(), expected.audio.len(), "{what}: buses");
    for (bus, name) in expected.bus_names.iter().enumerate() {
        assert_same_audio(
            &found.audio[bus],
            &expected.audio[bus],
            &format!("{what}, {name}"),
        );
    }
    assert_eq!(found.notes, expected.notes, "{what}: notes");
}

/// Fails at the first sample that differs in a single bit.
fn assert_same_audio(found: &[Vec<f32>], expected: &[Vec<f32>], what: &str) {
    for (channel, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.len(), expected.len(), "{what}: length");
        let differs = found
            .iter()
            .zip(expected)
            .position(|(found, expected)| found.to_bits() != expected.to_bits());
        if let Some(sample) = differs {
            panic!(
                "{what}: channel {channel} differs first at sample {sample}: found {}, expected {}",
                found[sample], expected[sample]
            );
        }
    }
}
