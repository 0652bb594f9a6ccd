//! What the buffer tests of both formats share: which buses a host gives, and
//! memory for them.
#![allow(dead_code)]
// Signals are indexed by channel and time, several at once.
#![allow(clippy::needless_range_loop)]

use inverse_drum_machine::buses::AUX_BUS_COUNT;

/// Main, nine drums, residual.
pub const BUSES: usize = 1 + AUX_BUS_COUNT;
pub const BLOCK: usize = 256;
pub const BLOCKS: usize = 60;
pub const RATE_HZ: f64 = 44_100.0;

/// Which output buses the host gives, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Give {
    /// The first so many buses; the array ends there.
    First(usize),
    /// All buses, but only the first so many have channels.
    NoChannelsAfter(usize),
    /// All buses, but from this one on the array of channels is null, though the channels
    /// are announced, as hosts do for buses that the user has switched off.
    NullArrayAfter(usize),
    /// All buses, but from this one on the channel pointers are null.
    NullChannelsAfter(usize),
    /// All buses, but from this one on all share one buffer.
    OneDumpAfter(usize),
}

impl Give {
    pub const ALL: [Give; 10] = [
        Give::First(BUSES),
        Give::First(5),
        Give::First(4),
        Give::First(1),
        Give::NoChannelsAfter(1),
        Give::NoChannelsAfter(4),
        Give::NullArrayAfter(1),
        Give::NullChannelsAfter(1),
        Give::NullChannelsAfter(6),
        Give::OneDumpAfter(3),
    ];

    /// How many buses have buffers of their own.
    pub fn own(self) -> usize {
        match self {
            Give::First(n)
            | Give::NoChannelsAfter(n)
            | Give::NullArrayAfter(n)
            | Give::NullChannelsAfter(n)
            | Give::OneDumpAfter(n) => n,
        }
    }

    /// Length of the host's array.
    pub fn array_len(self) -> usize {
        match self {
            Give::First(n) => n,
            _ => BUSES,
        }
    }
}

/// Buffers of one run, with the pointers that the host hands over.
pub struct Memory {
    pub buffers: Vec<[Vec<f32>; 2]>,
    dump: Vec<f32>,
    pub pointers: Vec<[*mut f32; 2]>,
}

impl Memory {
    pub fn new(give: Give) -> Self {
        let mut buffers = vec![[vec![5.0; BLOCK], vec![5.0; BLOCK]]; BUSES];
        let mut dump = vec![5.0; BLOCK];
        let pointers = buffers
            .iter_mut()
            .enumerate()
            .map(|(bus, [left, right])| {
                if bus < give.own() {
                    [left.as_mut_ptr(), right.as_mut_ptr()]
                } else if matches!(give, Give::OneDumpAfter(_)) {
                    [dump.as_mut_ptr(); 2]
                } else {
                    [std::ptr::null_mut(); 2]
                }
            })
            .collect();
        Self {
            buffers,
            dump,
            pointers,
        }
    }

    /// Pointer to the channel pointers of a bus, and how many channels are announced.
    pub fn channels(&mut self, give: Give, bus: usize) -> (*mut *mut f32, usize) {
        match give {
            Give::NoChannelsAfter(own) if bus >= own => (std::ptr::null_mut(), 0),
            Give::NullArrayAfter(own) if bus >= own => (std::ptr::null_mut(), 2),
            _ => (self.pointers[bus].as_mut_ptr(), 2),
        }
    }
}

/// Output of every bus that had buffers of its own.
pub type Recording = Vec<[Vec<f32>; 2]>;

/// Stereo noise bursts.
pub fn input() -> [Vec<f32>; 2] {
    let mut state = 9_u32;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    let mut channel = || {
        (0..BLOCK * BLOCKS)
            .map(|n| (-((n % 5_000) as f32) / 900.0).exp() * noise())
            .collect()
    };
    [channel(), channel()]
}

/// The bits of every bus that was given must not depend on the other buses.
pub fn assert_same_as_complete(format: &str, give: Give, found: &Recording, complete: &Recording) {
    assert_eq!(found.len(), give.own());
    for (bus, (found, complete)) in found.iter().zip(complete).enumerate() {
        for channel in 0..2 {
            assert!(
                found[channel] == complete[channel],
                "{format}, {give:?}: bus {bus} differs from the complete run"
            );
        }
    }
}

/// Main carries the input delayed by `latency` samples.
pub fn assert_delayed(format: &str, main: &[Vec<f32>; 2], latency: usize) {
    let input = input();
    assert!(latency > 0 && latency < input[0].len());
    for channel in 0..2 {
        for n in latency..input[0].len() {
            let error = (main[channel][n] - input[channel][n - latency]).abs();
            assert!(error < 1e-6, "{format}: sample {n} is off by {error}");
        }
    }
}
