//! VST3 hosts that give fewer buses, buses without buffers, or none.
#![allow(unsafe_code)]

mod common;

use common::{
    BLOCK, BLOCKS, BUSES, Give, Memory, RATE_HZ, Recording, assert_delayed,
    assert_same_as_complete, input,
};
use inverse_drum_machine::shim::vst3::{Component, Factory};
use inverse_drum_machine::{InverseDrumInstrument, InverseDrumMachine};
use vst3::Steinberg::Vst::*;
use vst3::Steinberg::*;

const fn bus((pointers, channels): (*mut *mut f32, usize)) -> AudioBusBuffers {
    AudioBusBuffers {
        numChannels: channels as int32,
        silenceFlags: 3,
        __field0: AudioBusBuffers__type0 {
            channelBuffers32: pointers,
        },
    }
}

fn activated() -> Component<InverseDrumMachine> {
    let component = Component::<InverseDrumMachine>::new();
    let mut setup = ProcessSetup {
        processMode: ProcessModes_::kOffline as int32,
        symbolicSampleSize: SymbolicSampleSizes_::kSample32 as int32,
        maxSamplesPerBlock: BLOCK as int32,
        sampleRate: RATE_HZ,
    };
    // SAFETY: the calls a host makes before processing; `setup` is valid.
    unsafe {
        assert_eq!(component.setupProcessing(&mut setup), kResultOk);
        assert_eq!(component.setActive(1), kResultOk);
        assert_eq!(component.setProcessing(1), kResultOk);
    }
    component
}

fn data(inputs: &mut [AudioBusBuffers], outputs: &mut [AudioBusBuffers]) -> ProcessData {
    ProcessData {
        processMode: ProcessModes_::kOffline as int32,
        symbolicSampleSize: SymbolicSampleSizes_::kSample32 as int32,
        numSamples: BLOCK as int32,
        numInputs: inputs.len() as int32,
        numOutputs: outputs.len() as int32,
        inputs: inputs.as_mut_ptr(),
        outputs: outputs.as_mut_ptr(),
        inputParameterChanges: std::ptr::null_mut(),
        outputParameterChanges: std::ptr::null_mut(),
        inputEvents: std::ptr::null_mut(),
        outputEvents: std::ptr::null_mut(),
        processContext: std::ptr::null_mut(),
    }
}

/// Runs the input with the given buses. Returns the buses and the latency.
fn run(give: Give) -> (Recording, usize) {
    let component = activated();
    let mut input = input();
    let mut memory = Memory::new(give);
    let mut recording: Recording = vec![Default::default(); give.own()];
    for block in 0..BLOCKS {
        let [left, right] = &mut input;
        let mut channels = [left, right].map(|channel| channel[block * BLOCK..].as_mut_ptr());
        let mut inputs = [bus((channels.as_mut_ptr(), 2))];
        let mut outputs: Vec<AudioBusBuffers> = (0..give.array_len())
            .map(|index| bus(memory.channels(give, index)))
            .collect();
        let mut data = data(&mut inputs, &mut outputs);
        // SAFETY: all buffers live and have `BLOCK` samples.
        assert_eq!(unsafe { component.process(&mut data) }, kResultOk);
        for ((recorded, buffer), bus) in recording.iter_mut().zip(&memory.buffers).zip(&outputs) {
            for channel in 0..2 {
                let is_silent = buffer[channel].iter().all(|sample| *sample == 0.0);
                assert_eq!(bus.silenceFlags >> channel & 1, u64::from(is_silent));
                recorded[channel].extend_from_slice(&buffer[channel]);
            }
        }
    }
    // SAFETY: a plain query.
    let latency = unsafe { component.getLatencySamples() } as usize;
    (recording, latency)
}

#[test]
fn every_subset_of_buses_gets_the_right_audio() {
    let (complete, latency) = run(Give::First(BUSES));
    assert_delayed("VST3", &complete[0], latency);
    for give in Give::ALL {
        let (found, same_latency) = run(give);
        assert_eq!(same_latency, latency);
        assert_same_as_complete("VST3", give, &found, &complete);
    }
}

#[test]
fn no_buffers_at_all_is_a_flush_and_no_input_is_silence() {
    let component = activated();
    let mut nothing = data(&mut [], &mut []);
    let mut empty = vec![bus((std::ptr::null_mut(), 0)); BUSES];
    let mut flush = data(&mut [], &mut empty);
    flush.inputs = std::ptr::null_mut();
    // SAFETY: null and empty arrays are what this is about.
    unsafe {
        assert_eq!(component.process(&mut nothing), kResultOk);
        assert_eq!(component.process(&mut flush), kResultOk);
        assert_eq!(component.process(std::ptr::null_mut()), kInvalidArgument);
    }

    // What the output buffer held before must not be taken for input.
    let mut memory = Memory::new(Give::First(1));
    for _ in 0..BLOCKS {
        memory.buffers[0]
            .iter_mut()
            .for_each(|channel| channel.fill(0.9));
        let mut outputs = [bus(memory.channels(Give::First(1), 0))];
        let mut data = data(&mut [], &mut outputs);
        // SAFETY: the output lives and has `BLOCK` samples.
        assert_eq!(unsafe { component.process(&mut data) }, kResultOk);
        assert!(
            memory.buffers[0]
                .iter()
                .flatten()
                .all(|sample| *sample == 0.0)
        );
    }
}

#[test]
fn blocks_that_break_the_contract_are_refused() {
    let component = activated();
    let mut memory = Memory::new(Give::First(1));
    let mut outputs = [bus(memory.channels(Give::First(1), 0))];
    let mut long = data(&mut [], &mut outputs);
    long.numSamples = BLOCK as int32 + 1;
    let mut double = data(&mut [], &mut outputs);
    double.symbolicSampleSize = SymbolicSampleSizes_::kSample64 as int32;
    // SAFETY: refused before any buffer is touched.
    unsafe {
        assert_eq!(component.process(&mut long), kInvalidArgument);
        assert_eq!(component.process(&mut double), kInvalidArgument);
    }
}

#[test]
fn the_count_is_no_parameter() {
    let component = Component::<InverseDrumMachine>::new();
    // SAFETY: `info` is a valid place for the answer.
    unsafe {
        let mut info: ParameterInfo = std::mem::zeroed();
        let count = component.getParameterCount();
        assert_eq!(component.getParameterInfo(count - 1, &mut info), kResultOk);
        assert_eq!(
            component.getParameterInfo(count, &mut info),
            kInvalidArgument
        );
        assert_eq!(component.getParameterInfo(-1, &mut info), kInvalidArgument);
    }
}

/// What the factory says of class `index`: its name, where hosts list it, its id.
fn described(factory: &Factory, index: int32) -> Option<(String, String, TUID)> {
    let text = |bytes: &[char8]| {
        let bytes = bytes.iter().take_while(|byte| **byte != 0);
        bytes.map(|byte| *byte as u8 as char).collect::<String>()
    };
    // SAFETY: a valid place for the answer.
    unsafe {
        let mut info: PClassInfo2 = std::mem::zeroed();
        let result = factory.getClassInfo2(index, &mut info);
        let told = || (text(&info.name), text(&info.subCategories), info.cid);
        (result == kResultOk).then(told)
    }
}

#[test]
fn the_factory_describes_and_makes_both_classes() {
    let factory = Factory::new();
    let names = ["Inverse Drum Machine", "Inverse Drum Machine Instrument"];
    let places = ["Fx|Drum|Restoration", "Instrument|Drum"];
    let interface = <IComponent as vst3::Interface>::IID;
    // SAFETY: valid places for the answers; the objects made are released.
    unsafe {
        assert_eq!(factory.countClasses(), 2);
        for (index, (name, place)) in names.into_iter().zip(places).enumerate() {
            let (found_name, found_place, id) =
                described(&factory, index as int32).expect("a class");
            assert_eq!(found_name, name);
            assert_eq!(found_place, place);
            let mut object = std::ptr::null_mut();
            let made = factory.createInstance(id.as_ptr(), interface.as_ptr().cast(), &mut object);
            assert_eq!(made, kResultOk);
            let component = vst3::ComPtr::<IComponent>::from_raw(object.cast()).expect("an object");
            assert!(component.cast::<IAudioProcessor>().is_some());
            assert!(component.cast::<IEditController>().is_some());
        }
        assert_eq!(described(&factory, -1), None);
        assert_eq!(described(&factory, 2), None);

        let other = [1_i8 as std::ffi::c_char; 16];
        let mut object = std::ptr::null_mut();
        let refused =
            factory.createInstance(other.as_ptr(), interface.as_ptr().cast(), &mut object);
        assert_eq!(refused, kInvalidArgument);
        assert!(object.is_null());
    }
}

#[test]
fn the_instrument_finds_its_layouts_by_the_side_chain() {
    let component = Component::<InverseDrumInstrument>::new();
    let audio = MediaTypes_::kAudio as MediaType;
    // SAFETY: arrays as long as told, and valid places for the answers.
    unsafe {
        let mut buses = [SpeakerArr::kStereo; BUSES];
        for (arrangement, channels) in [(SpeakerArr::kMono, 1), (SpeakerArr::kStereo, 2)] {
            for outputs in [BUSES, 1] {
                // What lies behind it must not count.
                let mut inputs = [arrangement, SpeakerArr::k51];
                let result = component.setBusArrangements(
                    inputs.as_mut_ptr(),
                    1,
                    buses.as_mut_ptr(),
                    outputs as int32,
                );
                assert_eq!(result, kResultOk);
                let count =
                    |direction: int32| component.getBusCount(audio, direction as BusDirection);
                assert_eq!(count(BusDirections_::kInput as int32), 1);
                assert_eq!(count(BusDirections_::kOutput as int32), outputs as int32);
                let mut info: BusInfo = std::mem::zeroed();
                let input = BusDirections_::kInput as BusDirection;
                component.getBusInfo(audio, input, 0, &mut info);
                assert_eq!(info.channelCount, channels);
                assert_eq!(info.busType, BusTypes_::kAux as BusType);
            }
        }
        let mut wide = [SpeakerArr::k51];
        let result =
            component.setBusArrangements(wide.as_mut_ptr(), 1, buses.as_mut_ptr(), BUSES as int32);
        assert_eq!(result, kResultFalse);
        let mut none = [SpeakerArr::kStereo];
        let result =
            component.setBusArrangements(none.as_mut_ptr(), 0, buses.as_mut_ptr(), BUSES as int32);
        assert_eq!(result, kResultFalse);
    }
}
