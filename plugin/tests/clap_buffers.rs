//! CLAP hosts that give fewer ports, ports without buffers, or none.
#![allow(unsafe_code)]

mod common;

use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use clap_sys::audio_buffer::clap_audio_buffer;
use clap_sys::ext::latency::{CLAP_EXT_LATENCY, clap_plugin_latency};
use clap_sys::ext::tail::{CLAP_EXT_TAIL, clap_plugin_tail};
use clap_sys::factory::plugin_factory::{CLAP_PLUGIN_FACTORY_ID, clap_plugin_factory};
use clap_sys::host::clap_host;
use clap_sys::plugin::clap_plugin;
use clap_sys::process::{CLAP_PROCESS_ERROR, clap_process};
use clap_sys::version::CLAP_VERSION;
use common::{
    BLOCK, BLOCKS, BUSES, Give, Memory, RATE_HZ, Recording, assert_delayed,
    assert_same_as_complete, input,
};
use inverse_drum_machine::shim::clap::clap_entry;

unsafe extern "C" fn no_extension(_: *const clap_host, _: *const c_char) -> *const c_void {
    ptr::null()
}

unsafe extern "C" fn ignore(_: *const clap_host) {}

/// A host that offers nothing.
struct Host(Box<clap_host>);

impl Host {
    fn new() -> Self {
        Self(Box::new(clap_host {
            clap_version: CLAP_VERSION,
            host_data: ptr::null_mut(),
            name: c"test".as_ptr(),
            vendor: c"test".as_ptr(),
            url: c"".as_ptr(),
            version: c"1".as_ptr(),
            get_extension: Some(no_extension),
            request_restart: Some(ignore),
            request_process: Some(ignore),
            request_callback: Some(ignore),
        }))
    }
}

/// An active, processing plugin.
struct Instance {
    plugin: *const clap_plugin,
    _host: Host,
}

impl Instance {
    fn new() -> Self {
        let host = Host::new();
        // SAFETY: the calls a host makes, in their order, with valid pointers.
        unsafe {
            assert!((clap_entry.init.unwrap())(c"".as_ptr()));
            let factory = (clap_entry.get_factory.unwrap())(CLAP_PLUGIN_FACTORY_ID.as_ptr());
            let factory = &*factory.cast::<clap_plugin_factory>();
            assert_eq!((factory.get_plugin_count.unwrap())(factory), 2);
            let descriptor = (factory.get_plugin_descriptor.unwrap())(factory, 0);
            assert_eq!(
                CStr::from_ptr((*descriptor).id),
                c"org.inverse-drum-machine.idm"
            );
            let create = factory.create_plugin.unwrap();
            assert!(create(factory, &*host.0, c"another".as_ptr()).is_null());
            let plugin = create(factory, &*host.0, (*descriptor).id);
            assert!(((*plugin).init.unwrap())(plugin));
            assert!(((*plugin).activate.unwrap())(
                plugin,
                RATE_HZ,
                1,
                BLOCK as u32
            ));
            assert!(((*plugin).start_processing.unwrap())(plugin));
            Self {
                plugin,
                _host: host,
            }
        }
    }

    fn latency(&self) -> usize {
        // SAFETY: the extension is a table of functions that take the plugin.
        unsafe {
            let get = (*self.plugin).get_extension.unwrap();
            let latency = get(self.plugin, CLAP_EXT_LATENCY.as_ptr());
            ((*latency.cast::<clap_plugin_latency>()).get.unwrap())(self.plugin) as usize
        }
    }

    fn tail(&self) -> usize {
        // SAFETY: the extension is a table of functions that take the plugin.
        unsafe {
            let get = (*self.plugin).get_extension.unwrap();
            let tail = get(self.plugin, CLAP_EXT_TAIL.as_ptr());
            ((*tail.cast::<clap_plugin_tail>()).get.unwrap())(self.plugin) as usize
        }
    }

    fn process(
        &self,
        frames: usize,
        inputs: &[clap_audio_buffer],
        outputs: &mut [clap_audio_buffer],
    ) -> i32 {
        let process = clap_process {
            steady_time: -1,
            frames_count: frames as u32,
            transport: ptr::null(),
            audio_inputs: inputs.as_ptr(),
            audio_outputs: outputs.as_mut_ptr(),
            audio_inputs_count: inputs.len() as u32,
            audio_outputs_count: outputs.len() as u32,
            in_events: ptr::null(),
            out_events: ptr::null(),
        };
        // SAFETY: the arrays are as long as they say and their buffers live.
        unsafe { ((*self.plugin).process.unwrap())(self.plugin, &process) }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: the calls a host makes at the end, in their order.
        unsafe {
            ((*self.plugin).stop_processing.unwrap())(self.plugin);
            ((*self.plugin).deactivate.unwrap())(self.plugin);
            ((*self.plugin).destroy.unwrap())(self.plugin);
        }
    }
}

fn port((pointers, channels): (*mut *mut f32, usize)) -> clap_audio_buffer {
    clap_audio_buffer {
        data32: pointers,
        data64: ptr::null_mut(),
        channel_count: channels as u32,
        latency: 0,
        constant_mask: 3,
    }
}

/// Runs the input with the given ports. Returns the ports and the latency.
fn run(give: Give) -> (Recording, usize) {
    let instance = Instance::new();
    let mut input = input();
    let mut memory = Memory::new(give);
    let mut recording: Recording = vec![Default::default(); give.own()];
    for block in 0..BLOCKS {
        let [left, right] = &mut input;
        let mut channels = [left, right].map(|channel| channel[block * BLOCK..].as_mut_ptr());
        let inputs = [port((channels.as_mut_ptr(), 2))];
        let mut outputs: Vec<clap_audio_buffer> = (0..give.array_len())
            .map(|index| port(memory.channels(give, index)))
            .collect();
        let status = instance.process(BLOCK, &inputs, &mut outputs);
        assert_ne!(status, CLAP_PROCESS_ERROR);
        assert!(outputs.iter().all(|port| port.constant_mask == 0));
        for (recorded, buffer) in recording.iter_mut().zip(&memory.buffers) {
            for channel in 0..2 {
                recorded[channel].extend_from_slice(&buffer[channel]);
            }
        }
    }
    (recording, instance.latency())
}

#[test]
fn every_subset_of_ports_gets_the_right_audio() {
    let (complete, latency) = run(Give::First(BUSES));
    assert_delayed("CLAP", &complete[0], latency);
    for give in Give::ALL {
        let (found, same_latency) = run(give);
        assert_eq!(same_latency, latency);
        assert_same_as_complete("CLAP", give, &found, &complete);
    }
}

#[test]
fn the_tail_is_known_before_the_first_block() {
    let instance = Instance::new();
    let before = instance.tail();
    assert!(before > instance.latency() + RATE_HZ as usize, "{before}");
    instance.process(64, &[], &mut []);
    assert_eq!(instance.tail(), before);
}

#[test]
fn odd_calls_are_survived() {
    let instance = Instance::new();
    assert_ne!(instance.process(0, &[], &mut []), CLAP_PROCESS_ERROR);
    assert_ne!(instance.process(BLOCK, &[], &mut []), CLAP_PROCESS_ERROR);
    assert_eq!(
        instance.process(BLOCK + 1, &[], &mut []),
        CLAP_PROCESS_ERROR
    );
    // SAFETY: null is what this is about.
    unsafe {
        let process = (*instance.plugin).process.unwrap();
        assert_eq!(process(instance.plugin, ptr::null()), CLAP_PROCESS_ERROR);
        assert!((clap_entry.get_factory.unwrap())(c"unknown".as_ptr()).is_null());
    }
}
