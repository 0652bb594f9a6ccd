//! Memory for channels that the host does not provide.

use std::ptr;

/// Most channels of a bus that the shims complete.
pub const MAX_CHANNELS: usize = 2;

/// What the host hands over for one bus.
#[derive(Debug, Clone, Copy)]
pub struct HostBus {
    /// Array of `channels` pointers, or null.
    pub pointers: *mut *mut f32,
    /// Entries of `pointers`.
    pub channels: usize,
}

impl HostBus {
    /// A bus that the host does not provide.
    pub const MISSING: Self = Self {
        pointers: ptr::null_mut(),
        channels: 0,
    };

    /// Pointer to a channel, null if the host does not provide it.
    ///
    /// # Safety
    /// `pointers` is null or points to `channels` readable pointers.
    unsafe fn channel(&self, index: usize) -> *mut f32 {
        if self.pointers.is_null() || index >= self.channels {
            ptr::null_mut()
        } else {
            // SAFETY: not null and in bounds by the contract above.
            unsafe { *self.pointers.add(index) }
        }
    }

    /// Whether any channel has memory.
    ///
    /// # Safety
    /// `pointers` is null or points to `channels` readable pointers.
    pub unsafe fn has_memory(&self) -> bool {
        // SAFETY: the caller's contract is that of `channel`.
        (0..self.channels).any(|index| unsafe { !self.channel(index).is_null() })
    }

    /// Fills all channels with silence. Real-time safe.
    ///
    /// # Safety
    /// `pointers` is null or points to `channels` readable pointers, each of
    /// which is null or points to `frames` writable samples.
    pub unsafe fn silence(&self, frames: usize) {
        for index in 0..self.channels {
            // SAFETY: the caller's contract.
            unsafe {
                let channel = self.channel(index);
                if !channel.is_null() {
                    ptr::write_bytes(channel, 0, frames);
                }
            }
        }
    }

    /// A bit for each channel that holds digital silence; missing ones do.
    ///
    /// # Safety
    /// `pointers` is null or points to `channels` readable pointers, each of
    /// which is null or points to `frames` readable samples.
    pub unsafe fn silent_channels(&self, frames: usize) -> u64 {
        (0..self.channels.min(u64::BITS as usize))
            .filter(|index| {
                // SAFETY: the caller's contract.
                unsafe {
                    let channel = self.channel(*index);
                    channel.is_null()
                        || std::slice::from_raw_parts(channel, frames)
                            .iter()
                            .all(|sample| *sample == 0.0)
                }
            })
            .fold(0, |flags, index| flags | 1 << index)
    }
}

/// One declared bus: how many channels it has, memory for each, and the
/// pointers that the framework gets to see.
#[derive(Debug)]
struct Bus {
    memory: Vec<Box<[f32]>>,
    pointers: [*mut f32; MAX_CHANNELS],
}

/// Scratch memory for the buses of one direction.
#[derive(Debug, Default)]
pub struct Scratch {
    frames: usize,
    buses: Vec<Bus>,
}

// SAFETY: the raw pointers are filled and used within one call of `process`;
// between calls they are never read.
unsafe impl Send for Scratch {}

impl Scratch {
    /// Memory for buses with these channel counts and blocks of up to `frames`
    /// samples. Counts above [`MAX_CHANNELS`] are cut. Allocates.
    pub fn new(channel_counts: &[usize], frames: usize) -> Self {
        let bus = |channels: &usize| Bus {
            memory: vec![vec![0.0; frames].into_boxed_slice(); (*channels).min(MAX_CHANNELS)],
            pointers: [ptr::null_mut(); MAX_CHANNELS],
        };
        Self {
            frames,
            buses: channel_counts.iter().map(bus).collect(),
        }
    }

    /// Longest block in samples. Real-time safe.
    pub fn frames(&self) -> usize {
        self.frames
    }

    /// Number of declared buses. Real-time safe.
    pub fn bus_count(&self) -> usize {
        self.buses.len()
    }

    /// Channels of a declared bus. Real-time safe.
    pub fn channels(&self, bus: usize) -> usize {
        self.buses[bus].memory.len()
    }

    /// Pointers for output bus `bus`: the host's where it gives some, scratch
    /// elsewhere. A pointer that an earlier bus or channel of this call already
    /// uses counts as missing, because the framework makes one mutable slice of
    /// each. Buses must be completed in order, from 0. Real-time safe.
    ///
    /// # Safety
    /// `host.pointers` is null or points to `host.channels` readable pointers.
    pub unsafe fn complete_output(&mut self, bus: usize, host: HostBus) -> *mut *mut f32 {
        for channel in 0..self.channels(bus) {
            // SAFETY: the caller's contract.
            let mut pointer = unsafe { host.channel(channel) };
            if pointer.is_null() || self.is_taken(bus, channel, pointer) {
                pointer = self.buses[bus].memory[channel].as_mut_ptr();
            }
            self.buses[bus].pointers[channel] = pointer;
        }
        self.buses[bus].pointers.as_mut_ptr()
    }

    /// Pointers for input bus `bus`. A channel that is missing repeats the
    /// host's first channel, and is silent if there is none. Real-time safe.
    ///
    /// # Safety
    /// `host.pointers` is null or points to `host.channels` readable pointers,
    /// each of which is null or points to `frames` readable samples; `frames`
    /// is at most [`frames`](Self::frames).
    pub unsafe fn complete_input(
        &mut self,
        bus: usize,
        host: HostBus,
        frames: usize,
    ) -> *mut *mut f32 {
        // SAFETY: the caller's contract.
        let first = unsafe { host.channel(0) };
        for channel in 0..self.channels(bus) {
            // SAFETY: the caller's contract.
            let mut pointer = unsafe { host.channel(channel) };
            if pointer.is_null() {
                let memory = &mut self.buses[bus].memory[channel][..frames];
                if first.is_null() {
                    memory.fill(0.0);
                } else {
                    // SAFETY: `first` has `frames` samples; `memory` is ours and
                    // thus does not overlap.
                    unsafe { ptr::copy_nonoverlapping(first, memory.as_mut_ptr(), frames) };
                }
                pointer = memory.as_mut_ptr();
            }
            self.buses[bus].pointers[channel] = pointer;
        }
        self.buses[bus].pointers.as_mut_ptr()
    }

    fn is_taken(&self, bus: usize, channel: usize, pointer: *mut f32) -> bool {
        let earlier = self.buses[..bus]
            .iter()
            .flat_map(|bus| &bus.pointers[..bus.memory.len()]);
        let same_bus = &self.buses[bus].pointers[..channel];
        earlier.chain(same_bus).any(|taken| *taken == pointer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(pointers: &mut [*mut f32]) -> HostBus {
        HostBus {
            pointers: pointers.as_mut_ptr(),
            channels: pointers.len(),
        }
    }

    /// The first two pointers of a completed bus.
    fn pair(pointers: *mut *mut f32) -> [*mut f32; 2] {
        // SAFETY: completed stereo buses have two pointers.
        unsafe { [*pointers, *pointers.add(1)] }
    }

    #[test]
    fn what_the_host_gives_is_kept() {
        let mut memory = [[0.0_f32; 8]; 2];
        let [left, right] = memory.each_mut().map(|channel| channel.as_mut_ptr());
        let mut scratch = Scratch::new(&[2], 8);
        // SAFETY: `host` describes live arrays of eight samples.
        unsafe {
            let complete = scratch.complete_output(0, host(&mut [left, right]));
            assert_eq!(pair(complete), [left, right]);
            let complete = scratch.complete_input(0, host(&mut [left, right]), 8);
            assert_eq!(pair(complete), [left, right]);
            // More channels than declared are left alone.
            let complete = scratch.complete_output(0, host(&mut [left, right, left]));
            assert_eq!(pair(complete), [left, right]);
        }
    }

    #[test]
    fn what_is_missing_or_shared_gets_memory_of_its_own() {
        let mut dump = [0.0_f32; 8];
        let dump = dump.as_mut_ptr();
        let mut scratch = Scratch::new(&[2, 2, 2, 2], 8);
        let null = ptr::null_mut();
        // SAFETY: `host` describes live arrays of eight samples.
        let all = unsafe {
            [
                pair(scratch.complete_output(0, host(&mut [dump, dump]))),
                pair(scratch.complete_output(1, HostBus::MISSING)),
                pair(scratch.complete_output(2, host(&mut [null, dump]))),
                pair(scratch.complete_output(3, host(&mut [null]))),
            ]
        };
        assert_eq!(all[0][0], dump);
        let mut pointers: Vec<_> = all.into_iter().flatten().collect();
        assert!(pointers.iter().all(|pointer| !pointer.is_null()));
        pointers.sort();
        pointers.dedup();
        assert_eq!(pointers.len(), 8, "no two channels share memory");
    }

    #[test]
    fn missing_input_is_silent_and_mono_input_is_doubled() {
        let mut memory = [0.5_f32; 8];
        let mono = memory.as_mut_ptr();
        let mut scratch = Scratch::new(&[2], 8);
        // SAFETY: `host` describes live arrays of eight samples.
        unsafe {
            let [left, right] = pair(scratch.complete_input(0, host(&mut [mono]), 8));
            assert_eq!(left, mono);
            assert_ne!(right, mono);
            assert_eq!(*right.add(7), 0.5);
            let [left, right] = pair(scratch.complete_input(0, HostBus::MISSING, 8));
            assert_eq!([*left, *right.add(7)], [0.0; 2]);
        }
    }
}
