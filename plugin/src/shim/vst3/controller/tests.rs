//! What the host says of parameters while a window opens.

use vst3::{ComRef, ComWrapper};

use super::*;
use crate::InverseDrumMachine;
use crate::shim::vst3::held::Held;

/// A component that can process blocks, and a parameter of it that is not stepped.
fn component() -> (ComWrapper<Component<InverseDrumMachine>>, ParamID) {
    let component = ComWrapper::new(Component::<InverseDrumMachine>::new());
    let mut setup = ProcessSetup {
        processMode: ProcessModes_::kRealtime as int32,
        symbolicSampleSize: SymbolicSampleSizes_::kSample32 as int32,
        maxSamplesPerBlock: 64,
        sampleRate: 44_100.0,
    };
    // SAFETY: valid places for the arguments, and a plain struct of numbers.
    let id = unsafe {
        assert_eq!(component.setupProcessing(&mut setup), kResultOk);
        let mut ids = (0..component.getParameterCount()).filter_map(|index| {
            let mut info: ParameterInfo = std::mem::zeroed();
            component.getParameterInfo(index, &mut info);
            (info.stepCount == 0).then_some(info.id)
        });
        ids.next().expect("a parameter")
    };
    (component, id)
}

/// A block without audio, with these changes.
fn process(component: &Component<InverseDrumMachine>, values: &[(ParamID, ParamValue)]) {
    let held = Held::new(values.iter().map(|(id, _)| *id));
    for (id, value) in values {
        held.keep(*id, *value);
    }
    let none = std::ptr::null_mut();
    // SAFETY: a plain struct of numbers and pointers, which may all be null without audio.
    unsafe {
        let mut data: ProcessData = std::mem::zeroed();
        data.inputParameterChanges = held
            .changes()
            .map_or(none, |changes: ComRef<'_, _>| changes.as_ptr());
        assert_eq!(component.process(&mut data), kResultOk);
    }
}

/// What the framework has, and what the host is told.
fn values(component: &Component<InverseDrumMachine>, id: ParamID) -> [ParamValue; 2] {
    // SAFETY: no pointers.
    unsafe {
        let inner = component.inner.getParamNormalized(id);
        [inner, component.getParamNormalized(id)].map(|value| (1e4 * value).round() / 1e4)
    }
}

#[test]
fn changes_of_blocks_wait_for_the_gate() {
    let (component, id) = component();
    // SAFETY: no pointers.
    unsafe { component.setProcessing(1) };
    process(&component, &[(id, 0.75)]);
    assert_eq!(values(&component, id), [0.75, 0.75]);
    let closed = component.gate.close();
    process(&component, &[(id, 0.5)]);
    process(&component, &[(id, 0.25)]);
    process(&component, &[]);
    assert_eq!(values(&component, id), [0.75, 0.25]);
    drop(closed);
    process(&component, &[]);
    assert_eq!(values(&component, id), [0.25, 0.25]);
    // What the block itself brings is newer.
    let closed = component.gate.close();
    process(&component, &[(id, 0.5)]);
    drop(closed);
    process(&component, &[(id, 0.1)]);
    process(&component, &[]);
    assert_eq!(values(&component, id), [0.1, 0.1]);
}

#[test]
fn what_no_block_brings_any_more_is_not_lost() {
    let (component, id) = component();
    // SAFETY: no pointers.
    unsafe { component.setProcessing(1) };
    let closed = component.gate.close();
    process(&component, &[(id, 0.25)]);
    // SAFETY: no pointers.
    unsafe { component.setProcessing(0) };
    assert_ne!(values(&component, id)[0], 0.25);
    drop(closed);
    assert_eq!(values(&component, id)[1], 0.25);
    assert_eq!(values(&component, id), [0.25, 0.25]);
}

#[test]
fn what_the_controller_is_told_waits_for_the_gate() {
    let (component, id) = component();
    let closed = component.gate.close();
    // SAFETY: no pointers.
    unsafe { assert_eq!(component.setParamNormalized(id, 0.25), kResultOk) };
    let [inner, told] = values(&component, id);
    assert_ne!(inner, 0.25);
    assert_eq!(told, 0.25);
    drop(closed);
    // A later value is not overtaken by one that waited.
    // SAFETY: no pointers.
    unsafe { component.setParamNormalized(id, 0.5) };
    assert_eq!(values(&component, id), [0.5, 0.5]);
}
