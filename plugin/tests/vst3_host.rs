//! What a VST3 host may do besides processing: ask, tell, and let go.
#![allow(unsafe_code)]

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use inverse_drum_machine::InverseDrumMachine;
use inverse_drum_machine::shim::vst3::Component;
use vst3::Steinberg::Vst::*;
use vst3::Steinberg::*;
use vst3::{Class, ComWrapper};

const BLOCK: i32 = 256;
const RATE_HZ: f64 = 48_000.0;

fn activate(component: &Component<InverseDrumMachine>) {
    let mut setup = ProcessSetup {
        processMode: ProcessModes_::kRealtime as int32,
        symbolicSampleSize: SymbolicSampleSizes_::kSample32 as int32,
        maxSamplesPerBlock: BLOCK,
        sampleRate: RATE_HZ,
    };
    // SAFETY: the calls a host makes before processing; `setup` is valid.
    unsafe {
        assert_eq!(component.setupProcessing(&mut setup), kResultOk);
        assert_eq!(component.setActive(1), kResultOk);
    }
}

fn flush(component: &Component<InverseDrumMachine>) {
    // SAFETY: a block of no samples, without buses, changes and events.
    unsafe {
        let mut nothing: ProcessData = std::mem::zeroed();
        nothing.symbolicSampleSize = SymbolicSampleSizes_::kSample32 as int32;
        assert_eq!(component.process(&mut nothing), kResultOk);
    }
}

/// Id of the parameter with this name.
fn parameter(component: &Component<InverseDrumMachine>, name: &str) -> ParamID {
    // SAFETY: `info` is a valid place for the answer.
    unsafe {
        (0..component.getParameterCount())
            .map(|index| {
                let mut info: ParameterInfo = std::mem::zeroed();
                assert_eq!(component.getParameterInfo(index, &mut info), kResultOk);
                info
            })
            .find(|info| {
                let end = info.title.iter().position(|unit| *unit == 0);
                String::from_utf16_lossy(&info.title[..end.unwrap_or(0)]) == name
            })
            .expect("a parameter of this name")
            .id
    }
}

#[test]
fn the_controller_keeps_what_it_is_told_until_a_block_was_processed() {
    let component = Component::<InverseDrumMachine>::new();
    let bypass = parameter(&component, "Bypass");
    activate(&component);
    // SAFETY: no pointers.
    unsafe {
        component.setProcessing(1);
        assert_eq!(component.setParamNormalized(bypass, 1.0), kResultOk);
        assert_eq!(component.getParamNormalized(bypass), 1.0);
        // The host did not send it to the block: it does not hold.
        flush(&component);
        assert_eq!(component.getParamNormalized(bypass), 0.0);

        // No block came: it holds.
        component.setParamNormalized(bypass, 1.0);
        component.setProcessing(0);
        assert_eq!(component.getParamNormalized(bypass), 1.0);
        component.setProcessing(1);
        flush(&component);
        assert_eq!(component.getParamNormalized(bypass), 1.0);
    }
}

#[test]
fn the_tail_is_known_before_the_first_block() {
    let component = Component::<InverseDrumMachine>::new();
    activate(&component);
    // SAFETY: no pointers.
    unsafe {
        let before = component.getTailSamples();
        assert!(before > component.getLatencySamples());
        component.setProcessing(1);
        flush(&component);
        assert_eq!(component.getTailSamples(), before);
    }
}

/// A host that takes its time over a restart.
struct SlowHost {
    asked: Sender<()>,
    may_go_on: Mutex<Receiver<()>>,
}

impl Class for SlowHost {
    type Interfaces = (IComponentHandler,);
}

impl IComponentHandlerTrait for SlowHost {
    unsafe fn beginEdit(&self, _: ParamID) -> tresult {
        kResultOk
    }

    unsafe fn performEdit(&self, _: ParamID, _: ParamValue) -> tresult {
        kResultOk
    }

    unsafe fn endEdit(&self, _: ParamID) -> tresult {
        kResultOk
    }

    unsafe fn restartComponent(&self, _: int32) -> tresult {
        let _ = self.asked.send(());
        if let Ok(may_go_on) = self.may_go_on.lock() {
            let _ = may_go_on.recv();
        }
        kResultOk
    }
}

#[test]
#[cfg_attr(
    not(target_os = "linux"),
    ignore = "tasks are for the message loop of the instance's thread, which stands still here"
)]
fn an_instance_may_go_while_the_worker_has_a_task_for_it() {
    let (asked, was_asked) = channel();
    let (go_on, may_go_on) = channel();
    let host = ComWrapper::new(SlowHost {
        asked,
        may_go_on: Mutex::new(may_go_on),
    });
    let handler = host.to_com_ptr::<IComponentHandler>().expect("a handler");

    let stays = Component::<InverseDrumMachine>::new();
    let goes = Component::<InverseDrumMachine>::new();
    let bypass = parameter(&goes, "Bypass");
    let (stays_here, goes_here) = (&stays, &goes);
    // SAFETY: the handler outlives the instance.
    unsafe { stays.setComponentHandler(handler.as_ptr()) };
    std::thread::scope(|scope| {
        // From another thread than that of the instance: both are for the worker.
        scope.spawn(move || {
            activate(stays_here);
            was_asked.recv().expect("a restart for the new latency");
            // SAFETY: no pointers.
            unsafe { goes_here.setParamNormalized(bypass, 1.0) };
        });
    });
    drop(goes);
    go_on.send(()).expect("a waiting worker");
    std::thread::sleep(std::time::Duration::from_millis(100));
    // The worker has ended by now; the last instance must go without it.
    drop(stays);
}
