//! Headless VST3 host. It can also misbehave as real hosts do: hand over fewer
//! output buses than declared, or buses without buffers.
#![allow(unsafe_code)]

use std::path::Path;

use anyhow::{Context, Result, ensure};
use vst3::Steinberg::Vst::{
    AudioBusBuffers, AudioBusBuffers__type0, BusDirections_, BusInfo, BusTypes_, IAudioProcessor,
    IAudioProcessorTrait, IComponent, IComponentTrait, IEditController, IEditControllerTrait,
    IEventList, IHostApplication, IParameterChanges, MediaTypes_, ParameterInfo, ProcessData,
    ProcessModes_, ProcessSetup, SpeakerArr, SpeakerArrangement, SymbolicSampleSizes_,
};
use vst3::Steinberg::{FUnknown, IBStream, IPluginBaseTrait, IPluginFactoryTrait};
use vst3::{ComPtr, ComWrapper, Interface};

use super::clap::resize_outputs;
use super::transport::vst3_transport;
use super::vst3_events::{event, note};
use super::vst3_module::{Module, audio_class, chars16, check};
use super::vst3_objects::{Application, EventList, MemoryStream, ParameterChanges};
use super::{Bus, BusAudio, Format, Host, Note, OutputLayout, Parameter};

/// One VST3 plugin instance. The plugin framework implements component and
/// controller in one object, so no connection points are needed.
pub struct Vst3Host {
    pub(super) controller: ComPtr<IEditController>,
    pub(super) processor: ComPtr<IAudioProcessor>,
    component: ComPtr<IComponent>,
    _application: ComWrapper<Application>,
    name: String,
    inputs: Vec<Bus>,
    outputs: Vec<Bus>,
    layout: OutputLayout,
    offline: bool,
    active: bool,
    pending_values: Vec<(u32, f64)>,
    sample_rate_hz: f64,
    /// Sample of the song with which the next block begins.
    song_sample: Option<usize>,
    // Declared last: code must stay loaded until all objects are gone.
    _module: Module,
}

impl std::fmt::Debug for Vst3Host {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Vst3Host")
            .field("name", &self.name)
            .field("layout", &self.layout)
            .field("active", &self.active)
            .finish_non_exhaustive()
    }
}

impl Vst3Host {
    /// Loads the audio processor of this name, or the first, of the bundle at `path`.
    pub fn open(path: &Path, name: Option<&str>) -> Result<Self> {
        let module = Module::open(path)?;
        let factory = module.factory()?;
        let (class, name) = audio_class(&factory, name)?;
        let application = ComWrapper::new(Application);
        let context = application
            .to_com_ptr::<IHostApplication>()
            .context("the host application has no interface")?;
        // SAFETY: the class id and interface id are whole 16-byte ids, the out
        // pointer is a local, and a successful call leaves us one reference.
        let component = unsafe {
            let mut object = std::ptr::null_mut();
            let result = factory.createInstance(
                class.as_ptr(),
                IComponent::IID.as_ptr().cast(),
                &mut object,
            );
            check(result, "createInstance")?;
            ComPtr::<IComponent>::from_raw(object.cast()).context("no component")?
        };
        // SAFETY: the application outlives the component, which is terminated
        // in `drop`.
        let result = unsafe { component.initialize(context.as_ptr().cast::<FUnknown>()) };
        check(result, "initialize")?;
        let processor = component
            .cast::<IAudioProcessor>()
            .context("the component is no audio processor")?;
        let controller = component
            .cast::<IEditController>()
            .context("the component has no edit controller of its own")?;
        let inputs = buses(&component, BusDirections_::kInput as i32)?;
        let outputs = buses(&component, BusDirections_::kOutput as i32)?;
        Ok(Self {
            controller,
            processor,
            component,
            _application: application,
            name,
            inputs,
            outputs,
            layout: OutputLayout::All,
            offline: false,
            active: false,
            pending_values: Vec::new(),
            sample_rate_hz: 0.0,
            song_sample: None,
            _module: module,
        })
    }

    fn activate_buses(&self) -> Result<()> {
        let audio = MediaTypes_::kAudio as i32;
        let active = self.layout.buffered(self.outputs.len());
        // SAFETY: plain calls with indices that the plugin itself has declared.
        unsafe {
            for index in 0..self.inputs.len() {
                let input = BusDirections_::kInput as i32;
                check(
                    self.component.activateBus(audio, input, index as i32, 1),
                    "activateBus",
                )?;
            }
            for index in 0..self.outputs.len() {
                let output = BusDirections_::kOutput as i32;
                let state = u8::from(index < active);
                check(
                    self.component
                        .activateBus(audio, output, index as i32, state),
                    "activateBus",
                )?;
            }
        }
        Ok(())
    }
}

fn buses(component: &ComPtr<IComponent>, direction: i32) -> Result<Vec<Bus>> {
    let audio = MediaTypes_::kAudio as i32;
    // SAFETY: the info is a plain struct of integers, for which zeros are valid,
    // and the indices are those that the component declares.
    unsafe {
        (0..component.getBusCount(audio, direction))
            .map(|index| {
                let mut info: BusInfo = std::mem::zeroed();
                check(
                    component.getBusInfo(audio, direction, index, &mut info),
                    "getBusInfo",
                )?;
                Ok(Bus {
                    name: chars16(&info.name),
                    channels: usize::try_from(info.channelCount)?,
                    is_main: info.busType == BusTypes_::kMain as i32,
                })
            })
            .collect()
    }
}

impl Host for Vst3Host {
    fn format(&self) -> Format {
        Format::Vst3
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
        // SAFETY: the info is a plain struct of numbers, for which zeros are
        // valid, and the indices are those that the controller declares.
        unsafe {
            (0..self.controller.getParameterCount())
                .map(|index| {
                    let mut info: ParameterInfo = std::mem::zeroed();
                    check(
                        self.controller.getParameterInfo(index, &mut info),
                        "getParameterInfo",
                    )?;
                    Ok(Parameter {
                        id: info.id,
                        name: chars16(&info.title),
                        default_normalised: info.defaultNormalizedValue,
                    })
                })
                .collect()
        }
    }

    fn value(&mut self, id: u32) -> Result<f64> {
        // SAFETY: a plain call.
        Ok(unsafe { self.controller.getParamNormalized(id) })
    }

    fn parse_value(&mut self, id: u32, text: &str) -> Result<f64> {
        let mut units: Vec<_> = text.encode_utf16().map(|unit| unit as _).collect();
        units.push(0);
        let mut value = 0.0;
        // SAFETY: the string is zero-terminated and both pointers are locals.
        let result = unsafe {
            self.controller
                .getParamValueByString(id, units.as_mut_ptr(), &mut value)
        };
        check(result, "getParamValueByString")?;
        Ok(value)
    }

    fn set_value(&mut self, id: u32, normalised: f64) -> Result<()> {
        // SAFETY: a plain call.
        let result = unsafe { self.controller.setParamNormalized(id, normalised) };
        check(result, "setParamNormalized")?;
        self.pending_values.push((id, normalised));
        Ok(())
    }

    fn set_offline(&mut self, offline: bool) -> Result<()> {
        self.offline = offline;
        Ok(())
    }

    fn set_output_layout(&mut self, layout: OutputLayout) -> Result<()> {
        self.layout = layout;
        Ok(())
    }

    fn activate(&mut self, sample_rate_hz: f64, max_block: usize) -> Result<()> {
        ensure!(!self.active, "already active");
        let mut inputs: Vec<SpeakerArrangement> = self.inputs.iter().map(arrangement).collect();
        let mut outputs: Vec<SpeakerArrangement> = self.outputs.iter().map(arrangement).collect();
        let mut setup = ProcessSetup {
            processMode: self.process_mode(),
            symbolicSampleSize: SymbolicSampleSizes_::kSample32 as i32,
            maxSamplesPerBlock: i32::try_from(max_block)?,
            sampleRate: sample_rate_hz,
        };
        // SAFETY: the arrays are as long as told and live through the calls.
        unsafe {
            check(
                self.processor.setBusArrangements(
                    inputs.as_mut_ptr(),
                    inputs.len() as i32,
                    outputs.as_mut_ptr(),
                    outputs.len() as i32,
                ),
                "setBusArrangements",
            )?;
            self.activate_buses()?;
            check(
                self.processor.setupProcessing(&mut setup),
                "setupProcessing",
            )?;
            check(self.component.setActive(1), "setActive")?;
            check(self.processor.setProcessing(1), "setProcessing")?;
        }
        self.active = true;
        self.sample_rate_hz = sample_rate_hz;
        Ok(())
    }

    fn deactivate(&mut self) -> Result<()> {
        ensure!(self.active, "not active");
        self.active = false;
        // SAFETY: plain calls in the order that the specification demands.
        unsafe {
            check(self.processor.setProcessing(0), "setProcessing")?;
            check(self.component.setActive(0), "setActive")
        }
    }

    fn set_song(&mut self, song_sample: Option<usize>) {
        self.song_sample = song_sample;
    }

    fn latency_samples(&mut self) -> Result<usize> {
        // SAFETY: a plain call.
        Ok(unsafe { self.processor.getLatencySamples() } as usize)
    }

    fn process(
        &mut self,
        input: &[&[f32]],
        notes_in: &[Note],
        outputs: &mut BusAudio,
        notes_out: &mut Vec<Note>,
    ) -> Result<()> {
        ensure!(self.active, "not active");
        let samples = input.first().map_or(0, |channel| channel.len());
        let buffered = self.layout.buffered(self.outputs.len());
        resize_outputs(outputs, &self.outputs[..buffered], samples);

        let mut input = input
            .iter()
            .map(|channel| channel.to_vec())
            .collect::<Vec<_>>();
        let mut input_pointers: Vec<*mut f32> = input
            .iter_mut()
            .map(|channel| channel.as_mut_ptr())
            .collect();
        let mut input_bus = bus_buffers(input_pointers.len(), input_pointers.as_mut_ptr());
        let mut output_pointers: Vec<Vec<*mut f32>> = outputs
            .iter_mut()
            .map(|bus| bus.iter_mut().map(|channel| channel.as_mut_ptr()).collect())
            .collect();
        let mut output_buses: Vec<AudioBusBuffers> = output_pointers
            .iter_mut()
            .map(|pointers| bus_buffers(pointers.len(), pointers.as_mut_ptr()))
            .collect();
        let events_in = EventList::new(notes_in.iter().map(event).collect());
        let events_out = EventList::new(Vec::new());
        let changes = ParameterChanges::new(&std::mem::take(&mut self.pending_values));
        let (changes, events_in, events_out_pointer) = (
            changes
                .to_com_ptr::<IParameterChanges>()
                .context("no interface")?,
            events_in
                .to_com_ptr::<IEventList>()
                .context("no interface")?,
            events_out
                .to_com_ptr::<IEventList>()
                .context("no interface")?,
        );
        let mut song = self
            .song_sample
            .map(|song| vst3_transport(song, self.sample_rate_hz));
        self.song_sample = self.song_sample.map(|song| song + samples);
        let mut data = ProcessData {
            processMode: self.process_mode(),
            symbolicSampleSize: SymbolicSampleSizes_::kSample32 as i32,
            numSamples: i32::try_from(samples)?,
            numInputs: 1,
            numOutputs: output_buses.len() as i32,
            inputs: &mut input_bus,
            outputs: if output_buses.is_empty() {
                std::ptr::null_mut()
            } else {
                output_buses.as_mut_ptr()
            },
            inputParameterChanges: changes.as_ptr(),
            outputParameterChanges: std::ptr::null_mut(),
            inputEvents: events_in.as_ptr(),
            outputEvents: events_out_pointer.as_ptr(),
            processContext: song.as_mut().map_or(std::ptr::null_mut(), |song| song),
        };
        // SAFETY: every pointer in `data` is to a local that outlives the call,
        // with the lengths told, or null where the format allows it.
        check(unsafe { self.processor.process(&mut data) }, "process")?;
        notes_out.extend(events_out.take().iter().filter_map(note));
        Ok(())
    }

    fn save_state(&mut self) -> Result<Vec<u8>> {
        let stream = MemoryStream::new(Vec::new());
        let pointer = stream.to_com_ptr::<IBStream>().context("no interface")?;
        // SAFETY: the stream outlives the call.
        let result = unsafe { self.component.getState(pointer.as_ptr()) };
        check(result, "getState")?;
        Ok(stream.take())
    }

    fn load_state(&mut self, state: &[u8]) -> Result<()> {
        let stream = MemoryStream::new(state.to_vec());
        let pointer = stream.to_com_ptr::<IBStream>().context("no interface")?;
        // SAFETY: the stream outlives the call.
        let result = unsafe { self.component.setState(pointer.as_ptr()) };
        check(result, "setState")
    }
}

impl Vst3Host {
    fn process_mode(&self) -> i32 {
        let mode = if self.offline {
            ProcessModes_::kOffline
        } else {
            ProcessModes_::kRealtime
        };
        mode as i32
    }
}

impl Drop for Vst3Host {
    fn drop(&mut self) {
        if self.active {
            // Nothing can be done here about a plugin that refuses.
            let _ = self.deactivate();
        }
        // SAFETY: the last call to the component, as the specification demands.
        unsafe {
            self.component.terminate();
        }
    }
}

fn arrangement(bus: &Bus) -> SpeakerArrangement {
    if bus.channels == 1 {
        SpeakerArr::kMono
    } else {
        SpeakerArr::kStereo
    }
}

fn bus_buffers(channels: usize, pointers: *mut *mut f32) -> AudioBusBuffers {
    AudioBusBuffers {
        numChannels: channels as i32,
        silenceFlags: 0,
        __field0: AudioBusBuffers__type0 {
            channelBuffers32: pointers,
        },
    }
}
