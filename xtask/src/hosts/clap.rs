//! Headless CLAP host.

use std::ffi::{CStr, CString};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use clack_extensions::audio_ports::{AudioPortFlags, AudioPortInfoBuffer, PluginAudioPorts};
use clack_extensions::latency::PluginLatency;
use clack_extensions::params::{ParamInfoBuffer, PluginParams};
use clack_extensions::render::{PluginRender, RenderMode};
use clack_extensions::state::PluginState;
use clack_host::events::event_types::ParamValueEvent;
use clack_host::prelude::*;

use super::clap_events::{push_note, read_note};
use super::clap_handlers::{Handlers, MainThread, Requests, Shared};
use super::transport::clap_transport;
use super::{Bus, BusAudio, Format, Host, Note, OutputLayout, Parameter, no_plugin};

/// Buffers kept between blocks.
struct Buffers {
    input: Vec<Vec<f32>>,
    input_ports: AudioPorts,
    output_ports: AudioPorts,
    events_in: EventBuffer,
    events_out: EventBuffer,
}

/// One CLAP plugin instance.
pub struct ClapHost {
    // Declared before the instance: the audio processor must go first, or the
    // instance would leak.
    processor: Option<StartedPluginAudioProcessor<Handlers>>,
    pub(super) instance: PluginInstance<Handlers>,
    pub(super) requests: Arc<Requests>,
    name: String,
    inputs: Vec<Bus>,
    outputs: Vec<Bus>,
    layout: OutputLayout,
    buffers: Buffers,
    steady_samples: u64,
    sample_rate_hz: f64,
    /// Sample of the song with which the next block begins.
    song_sample: Option<usize>,
    /// Whether every block tells its place once more, in its middle.
    tells_within_blocks: bool,
}

impl std::fmt::Debug for ClapHost {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ClapHost")
            .field("name", &self.name)
            .field("layout", &self.layout)
            .finish_non_exhaustive()
    }
}

impl ClapHost {
    /// Loads the plugin of this name, or the first, of the bundle at `path`.
    pub fn open(path: &Path, name: Option<&str>) -> Result<Self> {
        ensure!(path.exists(), "{}: no such plugin", path.display());
        #[allow(unsafe_code)]
        // SAFETY: loading runs the library's own code; the path is one the
        // caller wants to run, and the entry is kept alive by the instance.
        let entry = unsafe { PluginEntry::load(path) }
            .with_context(|| format!("{}: not a CLAP plugin", path.display()))?;
        let factory = entry
            .get_plugin_factory()
            .context("the library has no plugin factory")?;
        let is_wanted = |found: Option<&CStr>| {
            name.is_none_or(|name| found.is_some_and(|found| found.to_bytes() == name.as_bytes()))
        };
        let descriptor = factory
            .plugin_descriptors()
            .find(|descriptor| is_wanted(descriptor.name()))
            .with_context(|| no_plugin(name))?;
        let id = descriptor.id().context("the plugin has no id")?;
        let name = descriptor
            .name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let info = HostInfo::new(
            "IDM test host",
            "Inverse Drum Machine",
            "",
            env!("CARGO_PKG_VERSION"),
        )?;
        let requests = Arc::new(Requests::default());
        let shared = Arc::clone(&requests);
        let mut instance =
            PluginInstance::<Handlers>::new(|_| Shared(shared), |_| MainThread, &entry, id, &info)
                .context("the plugin does not start")?;
        let inputs = buses(&mut instance, true)?;
        let outputs = buses(&mut instance, false)?;
        Ok(Self {
            processor: None,
            instance,
            requests,
            name,
            inputs,
            outputs,
            layout: OutputLayout::All,
            buffers: Buffers {
                input: Vec::new(),
                input_ports: AudioPorts::with_capacity(64, 16),
                output_ports: AudioPorts::with_capacity(64, 16),
                events_in: EventBuffer::new(),
                events_out: EventBuffer::new(),
            },
            steady_samples: 0,
            sample_rate_hz: 0.0,
            song_sample: None,
            tells_within_blocks: false,
        })
    }

    /// From now on the place in the song is told once more in the middle of every block, as
    /// hosts do where the song jumps or its tempo changes.
    pub fn tell_within_blocks(&mut self) {
        self.tells_within_blocks = true;
    }

    /// Serves the plugin's pending main-thread callback, if any.
    pub fn pump(&mut self) {
        if self.requests.take_callback() {
            self.instance.call_on_main_thread_callback();
        }
    }

    fn extension<E>(&mut self, what: &str) -> Result<E>
    where
        E: clack_host::extensions::Extension<
                ExtensionSide = clack_host::extensions::PluginExtensionSide,
            >,
    {
        self.instance
            .plugin_shared_handle()
            .get_extension::<E>()
            .with_context(|| format!("the plugin has no {what} extension"))
    }

    /// Number of discrete steps by which the plain value exceeds the normalised
    /// one, and the plain minimum.
    fn range(&mut self, id: u32) -> Result<(f64, f64)> {
        let params: PluginParams = self.extension("params")?;
        let handle = self.instance.plugin_handle();
        let mut buffer = ParamInfoBuffer::new();
        for index in 0..params.count(&handle) {
            if let Some(info) = params.get_info(&handle, index, &mut buffer)
                && info.id.get() == id
            {
                return Ok((info.min_value, info.max_value));
            }
        }
        bail!("no parameter has the id {id}")
    }

    /// Sends queued parameter changes to a plugin that is not processing.
    fn flush(&mut self) -> Result<()> {
        let params: PluginParams = self.extension("params")?;
        let events = std::mem::take(&mut self.buffers.events_in);
        let mut events_out = EventBuffer::new();
        let mut handle = self
            .instance
            .inactive_plugin_handle()
            .context("cannot flush while active")?;
        params.flush(&mut handle, &events.as_input(), &mut events_out.as_output());
        Ok(())
    }
}

/// Reads the declared audio ports.
fn buses(instance: &mut PluginInstance<Handlers>, is_input: bool) -> Result<Vec<Bus>> {
    let Some(ports) = instance
        .plugin_shared_handle()
        .get_extension::<PluginAudioPorts>()
    else {
        return Ok(Vec::new());
    };
    let handle = instance.plugin_handle();
    let mut buffer = AudioPortInfoBuffer::new();
    (0..ports.count(&handle, is_input))
        .map(|index| {
            let info = ports
                .get(&handle, index, is_input, &mut buffer)
                .with_context(|| format!("audio port {index} cannot be read"))?;
            Ok(Bus {
                name: String::from_utf8_lossy(info.name).into_owned(),
                channels: info.channel_count as usize,
                is_main: info.flags.contains(AudioPortFlags::IS_MAIN),
            })
        })
        .collect()
}

impl Host for ClapHost {
    fn format(&self) -> Format {
        Format::Clap
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn input_buses(&self) -> &[Bus] {
        &self.inputs
    }

    fn output_buses(&self) -> &[Bus] {
        &self.outputs
    }

    fn parameters(&mut self) -> Result<Vec<Parameter>> {
        let params: PluginParams = self.extension("params")?;
        let handle = self.instance.plugin_handle();
        let mut buffer = ParamInfoBuffer::new();
        let count = params.count(&handle);
        // Hosts ask until there is none.
        ensure!(
            params.get_info(&handle, count, &mut buffer).is_none(),
            "there is a parameter after the last"
        );
        (0..count)
            .map(|index| {
                let info = params
                    .get_info(&handle, index, &mut buffer)
                    .with_context(|| format!("parameter {index} cannot be read"))?;
                let span = info.max_value - info.min_value;
                Ok(Parameter {
                    id: info.id.get(),
                    name: String::from_utf8_lossy(info.name).into_owned(),
                    default_normalised: (info.default_value - info.min_value) / span,
                })
            })
            .collect()
    }

    fn value(&mut self, id: u32) -> Result<f64> {
        let (minimum, maximum) = self.range(id)?;
        let params: PluginParams = self.extension("params")?;
        let value = params
            .get_value(&self.instance.plugin_handle(), ClapId::new(id))
            .context("the plugin does not tell the value")?;
        Ok((value - minimum) / (maximum - minimum))
    }

    fn parse_value(&mut self, id: u32, text: &str) -> Result<f64> {
        let (minimum, maximum) = self.range(id)?;
        let params: PluginParams = self.extension("params")?;
        let text = CString::new(text)?;
        let value = params
            .text_to_value(&self.instance.plugin_handle(), ClapId::new(id), &text)
            .context("not a value of this parameter")?;
        Ok((value - minimum) / (maximum - minimum))
    }

    fn set_value(&mut self, id: u32, normalised: f64) -> Result<()> {
        let (minimum, maximum) = self.range(id)?;
        let plain = minimum + normalised * (maximum - minimum);
        self.buffers.events_in.push(&ParamValueEvent::new(
            0,
            ClapId::new(id),
            Pckn::match_all(),
            plain,
        ));
        if self.processor.is_none() {
            self.flush()?;
        }
        Ok(())
    }

    fn set_offline(&mut self, offline: bool) -> Result<()> {
        // A plugin without this extension sounds the same either way.
        if let Ok(render) = self.extension::<PluginRender>("render") {
            let mode = if offline {
                RenderMode::Offline
            } else {
                RenderMode::Realtime
            };
            render.set(&self.instance.plugin_handle(), mode)?;
        }
        Ok(())
    }

    fn set_output_layout(&mut self, layout: OutputLayout) -> Result<()> {
        ensure!(
            matches!(layout, OutputLayout::All | OutputLayout::First(_)),
            "a CLAP host cannot express {layout:?}"
        );
        self.layout = layout;
        Ok(())
    }

    fn activate(&mut self, sample_rate_hz: f64, max_block: usize) -> Result<()> {
        ensure!(self.processor.is_none(), "already active");
        let stopped = self.instance.activate(
            |_, _| (),
            PluginAudioConfiguration {
                sample_rate: sample_rate_hz,
                min_frames_count: 1,
                max_frames_count: u32::try_from(max_block)?,
            },
        )?;
        let started = stopped
            .start_processing()
            .map_err(|error| anyhow::anyhow!("the plugin does not start processing: {error}"))?;
        self.processor = Some(started);
        self.sample_rate_hz = sample_rate_hz;
        self.pump();
        Ok(())
    }

    fn deactivate(&mut self) -> Result<()> {
        let processor = self.processor.take().context("not active")?;
        self.instance.deactivate(processor.stop_processing());
        self.pump();
        Ok(())
    }

    fn set_song(&mut self, song_sample: Option<usize>) {
        self.song_sample = song_sample;
    }

    fn latency_samples(&mut self) -> Result<usize> {
        let latency: PluginLatency = self.extension("latency")?;
        Ok(latency.get(&self.instance.plugin_handle()) as usize)
    }

    fn process(
        &mut self,
        input: &[&[f32]],
        notes_in: &[Note],
        outputs: &mut BusAudio,
        notes_out: &mut Vec<Note>,
    ) -> Result<()> {
        let processor = self.processor.as_mut().context("not active")?;
        let samples = input.first().map_or(0, |channel| channel.len());
        let buffers = &mut self.buffers;
        buffers.input.resize(input.len(), Vec::new());
        for (buffer, channel) in buffers.input.iter_mut().zip(input) {
            buffer.clear();
            buffer.extend_from_slice(channel);
        }
        let buffered = self.layout.buffered(self.outputs.len());
        resize_outputs(outputs, &self.outputs[..buffered], samples);
        for note in notes_in {
            push_note(&mut buffers.events_in, note);
        }
        if let Some(song) = self.song_sample.filter(|_| self.tells_within_blocks) {
            let middle = samples / 2;
            let event = clap_transport(song + middle, self.sample_rate_hz, middle);
            buffers.events_in.push(&event);
        }
        buffers.events_in.sort();
        buffers.events_out.clear();

        let audio_in = buffers.input_ports.with_input_buffers([AudioPortBuffer {
            latency: 0,
            channels: AudioPortBufferType::f32_input_only(
                buffers.input.iter_mut().map(InputChannel::variable),
            ),
        }]);
        let mut audio_out = buffers
            .output_ports
            .with_output_buffers(outputs.iter_mut().map(|bus| AudioPortBuffer {
                latency: 0,
                channels: AudioPortBufferType::f32_output_only(
                    bus.iter_mut().map(Vec::as_mut_slice),
                ),
            }));
        let transport = self
            .song_sample
            .map(|song| clap_transport(song, self.sample_rate_hz, 0));
        self.song_sample = self.song_sample.map(|song| song + samples);
        processor.process(
            &audio_in,
            &mut audio_out,
            &buffers.events_in.as_input(),
            &mut buffers.events_out.as_output(),
            Some(self.steady_samples),
            transport.as_ref(),
        )?;
        self.steady_samples += samples as u64;
        buffers.events_in.clear();
        notes_out.extend(buffers.events_out.iter().filter_map(read_note));
        self.pump();
        Ok(())
    }

    fn save_state(&mut self) -> Result<Vec<u8>> {
        let state: PluginState = self.extension("state")?;
        let mut bytes = Vec::new();
        state.save(&self.instance.plugin_handle(), &mut bytes)?;
        Ok(bytes)
    }

    fn load_state(&mut self, bytes: &[u8]) -> Result<()> {
        let state: PluginState = self.extension("state")?;
        let mut reader = bytes;
        state.load(&self.instance.plugin_handle(), &mut reader)?;
        self.pump();
        Ok(())
    }
}

impl Drop for ClapHost {
    fn drop(&mut self) {
        if let Some(processor) = self.processor.take() {
            self.instance.deactivate(processor.stop_processing());
        }
    }
}

/// Gives every bus its channels of `samples` zeros.
pub(super) fn resize_outputs(outputs: &mut BusAudio, buses: &[Bus], samples: usize) {
    outputs.resize(buses.len(), Vec::new());
    for (audio, bus) in outputs.iter_mut().zip(buses) {
        audio.resize(bus.channels, Vec::new());
        for channel in audio {
            channel.clear();
            channel.resize(samples, 0.0);
        }
    }
}
