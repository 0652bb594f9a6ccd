//! CLAP: the entry point, and a plugin object that completes buffers.
//!
//! The object that hosts get has a `clap_plugin` of its own in front and the
//! framework's behind it. It shares the framework's `plugin_data`, which is all
//! that the framework's functions and extensions read of the pointer that the
//! host hands them; only `destroy`, `activate`, `process` and what tells of a parameter or
//! of the tail are replaced. What `process` says of the transport goes through `events`.

use std::cell::UnsafeCell;
use std::ffi::{CStr, c_char, c_void};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use clap_sys::audio_buffer::clap_audio_buffer;
use clap_sys::entry::clap_plugin_entry;
use clap_sys::ext::audio_ports::{
    CLAP_EXT_AUDIO_PORTS, clap_audio_port_info, clap_plugin_audio_ports,
};
use clap_sys::ext::latency::{CLAP_EXT_LATENCY, clap_plugin_latency};
use clap_sys::ext::params::{CLAP_EXT_PARAMS, clap_param_info, clap_plugin_params};
use clap_sys::ext::tail::{CLAP_EXT_TAIL, clap_plugin_tail};
use clap_sys::factory::plugin_factory::{CLAP_PLUGIN_FACTORY_ID, clap_plugin_factory};
use clap_sys::host::clap_host;
use clap_sys::plugin::{clap_plugin, clap_plugin_descriptor};
use clap_sys::process::{CLAP_PROCESS_ERROR, clap_process, clap_process_status};
use clap_sys::version::CLAP_VERSION;
use nice_plug::prelude::ClapPlugin;
use nice_plug::wrapper::clap::{PluginDescriptor, Wrapper};

use self::events::BlockEvents;
use super::scratch::{HostBus, Scratch};
use crate::plugin::TAIL_SECONDS;
use crate::{InverseDrumInstrument, InverseDrumMachine};

mod events;

/// Most ports of one direction that are completed.
const MAX_PORTS: usize = 16;

/// A port without channels, to fill arrays with.
const NO_PORT: clap_audio_buffer = clap_audio_buffer {
    data32: ptr::null_mut(),
    data64: ptr::null_mut(),
    channel_count: 0,
    latency: 0,
    constant_mask: 0,
};

/// What the host's `clap_plugin` pointer really points to.
#[repr(C)]
struct Shim {
    /// First, so that a pointer to it is a pointer to the whole.
    plugin: clap_plugin,
    inner: *const clap_plugin,
    /// The framework's parameters, and the same with [`param_info`].
    inner_params: Option<clap_plugin_params>,
    params: Option<clap_plugin_params>,
    /// Rate since the host activated the plugin, as bits; 0 before.
    sample_rate_hz: AtomicU64,
    /// In a cell, because the framework's extensions read `plugin` on the main
    /// thread while the audio thread fills these.
    buffers: UnsafeCell<Buffers>,
}

#[derive(Default)]
struct Buffers {
    inputs: Scratch,
    outputs: Scratch,
}

impl Shim {
    /// Wraps the framework's plugin object, or returns null if it is unusable.
    ///
    /// # Safety
    /// `inner` is null or a live plugin object that this call takes over.
    unsafe fn leak(inner: *const clap_plugin) -> *const clap_plugin {
        // SAFETY: not null, hence live.
        let Some(copy) = (unsafe { inner.as_ref() }).copied() else {
            return ptr::null();
        };
        // SAFETY: a live plugin, whose extensions are static tables.
        let inner_params = unsafe {
            let found = copy
                .get_extension
                .map(|get| get(inner, CLAP_EXT_PARAMS.as_ptr()));
            found.and_then(|params| params.cast::<clap_plugin_params>().as_ref())
        };
        let inner_params = inner_params.copied();
        let shim = Box::new(Shim {
            plugin: clap_plugin {
                destroy: Some(destroy),
                activate: Some(activate),
                process: Some(process),
                get_extension: Some(get_extension),
                ..copy
            },
            inner,
            inner_params,
            params: inner_params.map(|params| clap_plugin_params {
                get_info: Some(param_info),
                ..params
            }),
            sample_rate_hz: AtomicU64::new(0),
            buffers: UnsafeCell::default(),
        });
        Box::into_raw(shim).cast_const().cast()
    }
}

/// Channel counts of the ports of one direction.
///
/// # Safety
/// `plugin` is live.
unsafe fn port_channels(plugin: *const clap_plugin, is_input: bool) -> Vec<usize> {
    // SAFETY: the extension, if there, is a static table of functions that take
    // the plugin; `info` is a place for the answer.
    unsafe {
        let Some(get_extension) = (*plugin).get_extension else {
            return Vec::new();
        };
        let ports =
            get_extension(plugin, CLAP_EXT_AUDIO_PORTS.as_ptr()).cast::<clap_plugin_audio_ports>();
        let Some((count, get)) = ports
            .as_ref()
            .and_then(|ports| Some((ports.count?, ports.get?)))
        else {
            return Vec::new();
        };
        (0..count(plugin, is_input).min(MAX_PORTS as u32))
            .map(|index| {
                let mut info: clap_audio_port_info = std::mem::zeroed();
                if get(plugin, index, is_input, &mut info) {
                    info.channel_count as usize
                } else {
                    0
                }
            })
            .collect()
    }
}

unsafe extern "C" fn get_extension(plugin: *const clap_plugin, id: *const c_char) -> *const c_void {
    if plugin.is_null() || id.is_null() {
        return ptr::null();
    }
    // SAFETY: an object of `Shim::leak`, and a string with an end by the host's contract.
    unsafe {
        let shim = &*plugin.cast::<Shim>();
        if CStr::from_ptr(id) == CLAP_EXT_PARAMS {
            let params = shim.params.as_ref();
            return params.map_or(ptr::null(), |params| ptr::from_ref(params).cast());
        }
        if CStr::from_ptr(id) == CLAP_EXT_TAIL {
            return ptr::from_ref(&TAIL).cast();
        }
        let get = (*shim.inner).get_extension;
        get.map_or(ptr::null(), |get| get(shim.inner, id))
    }
}

static TAIL: clap_plugin_tail = clap_plugin_tail {
    get: Some(tail_samples),
};

/// What sounds on after the input has ended: the framework knows no tail before the first
/// block, but hosts ask when they activate.
unsafe extern "C" fn tail_samples(plugin: *const clap_plugin) -> u32 {
    if plugin.is_null() {
        return 0;
    }
    // SAFETY: an object of `Shim::leak`; the extension is a static table of functions that
    // take the plugin.
    unsafe {
        let shim = &*plugin.cast::<Shim>();
        let latency = (*shim.inner).get_extension.and_then(|get| {
            let found = get(shim.inner, CLAP_EXT_LATENCY.as_ptr());
            found.cast::<clap_plugin_latency>().as_ref()
        });
        let latency_samples = latency
            .and_then(|latency| latency.get)
            .map_or(0, |get| get(shim.inner));
        let rate_hz = f64::from_bits(shim.sample_rate_hz.load(Ordering::Relaxed));
        latency_samples.saturating_add((TAIL_SECONDS * rate_hz) as u32)
    }
}

/// What the framework says of a parameter, which panics for the one after the last.
unsafe extern "C" fn param_info(
    plugin: *const clap_plugin,
    index: u32,
    info: *mut clap_param_info,
) -> bool {
    if plugin.is_null() {
        return false;
    }
    // SAFETY: an object of `Shim::leak`; the framework checks `info`.
    unsafe {
        let shim = &*plugin.cast::<Shim>();
        let functions = shim.inner_params.as_ref();
        let functions = functions.and_then(|params| Some((params.count?, params.get_info?)));
        functions
            .is_some_and(|(count, get)| index < count(shim.inner) && get(shim.inner, index, info))
    }
}

unsafe extern "C" fn destroy(plugin: *const clap_plugin) {
    if plugin.is_null() {
        return;
    }
    // SAFETY: the host ends the life of an object that `Shim::leak` made.
    unsafe {
        let shim = Box::from_raw(plugin.cast_mut().cast::<Shim>());
        if let Some(destroy) = (*shim.inner).destroy {
            destroy(shim.inner);
        }
    }
}

unsafe extern "C" fn activate(
    plugin: *const clap_plugin,
    sample_rate_hz: f64,
    min_frames: u32,
    max_frames: u32,
) -> bool {
    if plugin.is_null() {
        return false;
    }
    // SAFETY: an object of `Shim::leak`; the host neither activates nor
    // processes it on another thread at the same time.
    unsafe {
        let shim = &*plugin.cast::<Shim>();
        shim.sample_rate_hz
            .store(sample_rate_hz.to_bits(), Ordering::Relaxed);
        *shim.buffers.get() = Buffers {
            inputs: Scratch::new(&port_channels(shim.inner, true), max_frames as usize),
            outputs: Scratch::new(&port_channels(shim.inner, false), max_frames as usize),
        };
        match (*shim.inner).activate {
            Some(activate) => activate(shim.inner, sample_rate_hz, min_frames, max_frames),
            None => false,
        }
    }
}

/// What the host gives for port `index` of `ports`.
///
/// # Safety
/// `ports` is null or points to `count` ports.
unsafe fn host_port(ports: *const clap_audio_buffer, count: u32, index: usize) -> HostBus {
    if ports.is_null() || index >= count as usize {
        return HostBus::MISSING;
    }
    // SAFETY: in bounds.
    let port = unsafe { &*ports.add(index) };
    HostBus {
        pointers: port.data32,
        channels: port.channel_count as usize,
    }
}

unsafe extern "C" fn process(
    plugin: *const clap_plugin,
    process: *const clap_process,
) -> clap_process_status {
    if plugin.is_null() || process.is_null() {
        return CLAP_PROCESS_ERROR;
    }
    // SAFETY: an object of `Shim::leak`, used by one thread at a time. The host
    // vouches for `process` and everything it points to for the time of the
    // call; arrays are read within the counts that it gives. The completed
    // arrays live on this stack frame and in the shim.
    unsafe {
        let shim = &*plugin.cast::<Shim>();
        let buffers = &mut *shim.buffers.get();
        let host = *process;
        let frames = host.frames_count as usize;
        let Some(inner_process) = (*shim.inner).process else {
            return CLAP_PROCESS_ERROR;
        };
        let is_active = buffers.outputs.frames() > 0;
        if frames > buffers.outputs.frames() || !is_active {
            // Longer than announced, or before it was activated: better silence than what lies in the memory.
            for index in 0..host.audio_outputs_count as usize {
                let port = host_port(host.audio_outputs, host.audio_outputs_count, index);
                port.silence(frames);
            }
            return CLAP_PROCESS_ERROR;
        }

        let mut inputs = [NO_PORT; MAX_PORTS];
        let input_count = buffers.inputs.bus_count();
        for (index, port) in inputs.iter_mut().enumerate().take(input_count) {
            let given = host_port(host.audio_inputs, host.audio_inputs_count, index);
            port.channel_count = buffers.inputs.channels(index) as u32;
            port.data32 = buffers.inputs.complete_input(index, given, frames);
        }
        let mut outputs = [NO_PORT; MAX_PORTS];
        let output_count = buffers.outputs.bus_count();
        for (index, port) in outputs.iter_mut().enumerate().take(output_count) {
            let given = host_port(host.audio_outputs, host.audio_outputs_count, index);
            port.channel_count = buffers.outputs.channels(index) as u32;
            port.data32 = buffers.outputs.complete_output(index, given);
        }

        let mut complete = host;
        complete.audio_inputs = inputs.as_ptr();
        complete.audio_inputs_count = input_count as u32;
        complete.audio_outputs = outputs.as_mut_ptr();
        complete.audio_outputs_count = output_count as u32;
        let rate_hz = f64::from_bits(shim.sample_rate_hz.load(Ordering::Relaxed));
        let mut events = BlockEvents::new(host.in_events, rate_hz, host.frames_count);
        complete.in_events = events.list();
        // What the window has set goes to the beginning of the block: the framework would tell
        // of it after notes within the block, and hosts want events in the order of time.
        let flush = shim.inner_params.and_then(|params| params.flush);
        if let Some(flush) = flush
            && !host.out_events.is_null()
        {
            flush(shim.inner, ptr::null(), host.out_events);
        }
        let status = inner_process(shim.inner, &complete);

        if !host.audio_outputs.is_null() {
            for index in 0..host.audio_outputs_count as usize {
                // A hint of the host's from the block before; every port was
                // written.
                (*host.audio_outputs.add(index)).constant_mask = 0;
            }
        }
        status
    }
}

/// A plugin of the library.
struct Offer {
    descriptor: PluginDescriptor,
    /// A new instance of the framework's.
    create: unsafe fn(*const clap_host) -> *const clap_plugin,
}

impl Offer {
    fn of<P: ClapPlugin>() -> Offer {
        Offer {
            descriptor: PluginDescriptor::for_plugin::<P>(),
            create: create::<P>,
        }
    }
}

/// A new instance of the framework's.
///
/// # Safety
/// `host` outlives the plugin.
unsafe fn create<P: ClapPlugin>(host: *const clap_host) -> *const clap_plugin {
    // SAFETY: the contract above. The framework's `destroy` takes back the reference that is
    // leaked here.
    unsafe {
        let wrapper = Arc::into_raw(Wrapper::<P>::new(host));
        (*wrapper).clap_plugin.as_ptr()
    }
}

/// The usual one first: simple hosts take no other.
fn offers() -> &'static [Offer; 2] {
    static OFFERS: OnceLock<[Offer; 2]> = OnceLock::new();
    OFFERS.get_or_init(|| {
        [
            Offer::of::<InverseDrumMachine>(),
            Offer::of::<InverseDrumInstrument>(),
        ]
    })
}

unsafe extern "C" fn plugin_count(_: *const clap_plugin_factory) -> u32 {
    offers().len() as u32
}

unsafe extern "C" fn plugin_descriptor(
    _: *const clap_plugin_factory,
    index: u32,
) -> *const clap_plugin_descriptor {
    let offer = offers().get(index as usize);
    offer.map_or(ptr::null(), |offer| {
        offer.descriptor.clap_plugin_descriptor()
    })
}

unsafe extern "C" fn create_plugin(
    _: *const clap_plugin_factory,
    host: *const clap_host,
    id: *const c_char,
) -> *const clap_plugin {
    if host.is_null() || id.is_null() {
        return ptr::null();
    }
    // SAFETY: `id` is a C string; `host` outlives the plugin.
    unsafe {
        let id = CStr::from_ptr(id);
        let offer = offers()
            .iter()
            .find(|offer| offer.descriptor.clap_id() == id);
        offer.map_or(ptr::null(), |offer| Shim::leak((offer.create)(host)))
    }
}

static FACTORY: clap_plugin_factory = clap_plugin_factory {
    get_plugin_count: Some(plugin_count),
    get_plugin_descriptor: Some(plugin_descriptor),
    create_plugin: Some(create_plugin),
};

unsafe extern "C" fn enter(_: *const c_char) -> bool {
    super::entered();
    true
}

unsafe extern "C" fn leave() {}

unsafe extern "C" fn factory(id: *const c_char) -> *const c_void {
    // SAFETY: a C string unless null.
    if !id.is_null() && unsafe { CStr::from_ptr(id) } == CLAP_PLUGIN_FACTORY_ID {
        ptr::from_ref(&FACTORY).cast()
    } else {
        ptr::null()
    }
}

/// What CLAP hosts look for.
#[allow(non_upper_case_globals)]
#[unsafe(no_mangle)]
#[used]
pub static clap_entry: clap_plugin_entry = clap_plugin_entry {
    clap_version: CLAP_VERSION,
    init: Some(enter),
    deinit: Some(leave),
    get_factory: Some(factory),
};
