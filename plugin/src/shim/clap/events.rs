//! The host's events, with places in the song as the framework reads them.
//!
//! A transport event says where the song is at the event's own sample. The framework takes
//! that for the place at the beginning of the block and adds the samples up to the event, so
//! that all that follows in the block would be displaced by these. Here such events
//! are handed on with a place that is earlier by as much.
//!
//! The framework also divides the block at events wherever they say that they are, and would
//! write behind the host's memory where that is behind the block: they are handed on as of its
//! last sample.

use std::{mem::MaybeUninit, ptr};

use clap_sys::events::{
    CLAP_CORE_EVENT_SPACE_ID, CLAP_EVENT_TRANSPORT, CLAP_TRANSPORT_HAS_TEMPO, clap_event_header,
    clap_event_transport, clap_input_events,
};
use clap_sys::fixedpoint::{CLAP_BEATTIME_FACTOR, CLAP_SECTIME_FACTOR};

/// Bytes of the largest event that is moved to the end of a block.
const LARGEST: usize = 128;

/// The events of one block.
pub struct BlockEvents {
    list: clap_input_events,
    host: *const clap_input_events,
    sample_rate_hz: f64,
    /// Samples of the block.
    frames: u32,
    /// The event behind the end that was asked for last.
    late: MaybeUninit<[u64; LARGEST / 8]>,
    /// The framework holds the event that is in force while it looks at the next one.
    copies: [clap_event_transport; 2],
    /// The copy that was made last, and its index in the host's list.
    newest: Option<(usize, u32)>,
}

impl BlockEvents {
    /// Those of a block of `frames` samples from `host`, which is null or lives as long as they
    /// do. Real-time safe.
    pub fn new(host: *const clap_input_events, sample_rate_hz: f64, frames: u32) -> Self {
        // SAFETY: a plain struct of numbers, for which zeros are valid.
        let nothing: clap_event_transport = unsafe { std::mem::zeroed() };
        Self {
            list: clap_input_events {
                ctx: ptr::null_mut(),
                size: Some(size),
                get: Some(get),
            },
            host,
            sample_rate_hz,
            frames,
            late: MaybeUninit::uninit(),
            copies: [nothing; 2],
            newest: None,
        }
    }

    /// The list for the framework, null if the host gives none; it is good for as long as
    /// these events stay where they are. Real-time safe.
    pub fn list(&mut self) -> *const clap_input_events {
        if self.host.is_null() {
            return ptr::null();
        }
        let events: *mut Self = self;
        // SAFETY: points to `self`. The list is reached through the same pointer as the
        // copies, so that making these does not invalidate it.
        unsafe {
            (*events).list.ctx = events.cast();
            ptr::addr_of!((*events).list)
        }
    }
}

/// # Safety
/// `list` is one of [`BlockEvents::list`].
unsafe extern "C" fn size(list: *const clap_input_events) -> u32 {
    // SAFETY: the contract above; the host's list lives.
    unsafe {
        let host = (*(*list).ctx.cast::<BlockEvents>()).host;
        (*host).size.map_or(0, |size| size(host))
    }
}

/// # Safety
/// `list` is one of [`BlockEvents::list`].
unsafe extern "C" fn get(list: *const clap_input_events, index: u32) -> *const clap_event_header {
    // SAFETY: the contract above; the host's list lives, and so do its events, which are of
    // the type and size that they say.
    unsafe {
        let events = (*list).ctx.cast::<BlockEvents>();
        let host = (*events).host;
        let Some(get) = (*host).get else {
            return ptr::null();
        };
        let event = get(host, index);
        let is_transport = !event.is_null()
            && (*event).space_id == CLAP_CORE_EVENT_SPACE_ID
            && (*event).type_ == CLAP_EVENT_TRANSPORT
            && (*event).size as usize >= size_of::<clap_event_transport>();
        if event.is_null() || (*event).time == 0 {
            return event;
        }
        if (*event).time >= (*events).frames {
            // Where the song is then is told with the next block.
            let is_moved = !is_transport && (*events).frames > 0;
            let size = ((*event).size as usize).max(size_of::<clap_event_header>());
            if !is_moved || size > LARGEST {
                return ptr::null();
            }
            let late = (*events).late.as_mut_ptr().cast::<clap_event_header>();
            ptr::copy_nonoverlapping(event.cast::<u8>(), late.cast::<u8>(), size);
            (*late).time = (*events).frames - 1;
            return late;
        }
        if !is_transport {
            return event;
        }
        let place = match (*events).newest {
            Some((place, known)) if known == index => place,
            newest => {
                let place = newest.map_or(0, |(place, _)| 1 - place);
                let told = *event.cast::<clap_event_transport>();
                (*events).copies[place] = at_beginning(told, (*events).sample_rate_hz);
                (*events).newest = Some((place, index));
                place
            }
        };
        ptr::addr_of!((*events).copies[place]).cast()
    }
}

/// `told` with the place that the song would have had at the beginning of the block.
fn at_beginning(mut told: clap_event_transport, sample_rate_hz: f64) -> clap_event_transport {
    // Without a tempo the framework adds nothing.
    if told.flags & CLAP_TRANSPORT_HAS_TEMPO != 0 && sample_rate_hz > 0.0 {
        let seconds = f64::from(told.header.time) / sample_rate_hz;
        let beats = seconds / 60.0 * told.tempo;
        told.song_pos_seconds -= (seconds * CLAP_SECTIME_FACTOR as f64).round() as i64;
        told.song_pos_beats -= (beats * CLAP_BEATTIME_FACTOR as f64).round() as i64;
    }
    told
}

#[cfg(test)]
mod tests {
    use clap_sys::events::{CLAP_EVENT_NOTE_ON, CLAP_EVENT_PARAM_VALUE};

    use super::*;

    const RATE_HZ: f64 = 48_000.0;

    /// An event of `kind` at sample `time`: a second into the song at 120 beats per minute.
    fn event(kind: u16, time: u32, flags: u32) -> clap_event_transport {
        // SAFETY: a plain struct of numbers, for which zeros are valid.
        let mut event: clap_event_transport = unsafe { std::mem::zeroed() };
        event.header = clap_event_header {
            size: size_of::<clap_event_transport>() as u32,
            time,
            space_id: CLAP_CORE_EVENT_SPACE_ID,
            type_: kind,
            flags: 0,
        };
        event.flags = flags;
        event.tempo = 120.0;
        event.song_pos_seconds = CLAP_SECTIME_FACTOR;
        event.song_pos_beats = 2 * CLAP_BEATTIME_FACTOR;
        event
    }

    unsafe extern "C" fn host_size(list: *const clap_input_events) -> u32 {
        // SAFETY: the tests' own vector.
        unsafe { (*(*list).ctx.cast::<Vec<clap_event_transport>>()).len() as u32 }
    }

    unsafe extern "C" fn host_get(
        list: *const clap_input_events,
        index: u32,
    ) -> *const clap_event_header {
        // SAFETY: the tests' own vector.
        let events = unsafe { &*(*list).ctx.cast::<Vec<clap_event_transport>>() };
        events
            .get(index as usize)
            .map_or(ptr::null(), |event| ptr::from_ref(event).cast())
    }

    fn host_list(events: &mut Vec<clap_event_transport>) -> clap_input_events {
        clap_input_events {
            ctx: ptr::from_mut(events).cast(),
            size: Some(host_size),
            get: Some(host_get),
        }
    }

    #[test]
    fn places_within_a_block_are_told_as_of_its_beginning() {
        let tempo = CLAP_TRANSPORT_HAS_TEMPO;
        let mut events = vec![
            event(CLAP_EVENT_TRANSPORT, 0, tempo),
            event(CLAP_EVENT_NOTE_ON, 100, tempo),
            event(CLAP_EVENT_TRANSPORT, 24_000, tempo),
            event(CLAP_EVENT_PARAM_VALUE, 24_000, tempo),
            event(CLAP_EVENT_TRANSPORT, 36_000, tempo),
            event(CLAP_EVENT_TRANSPORT, 36_000, 0),
        ];
        let host = host_list(&mut events);
        let mut block = BlockEvents::new(&host, RATE_HZ, 48_000);
        let list = block.list();
        // SAFETY: the list of live events.
        let (count, found) = unsafe {
            let get = |index| {
                let event = ((*list).get.unwrap())(list, index);
                event.cast::<clap_event_transport>()
            };
            assert!(get(6).is_null());
            let first = get(2);
            assert_eq!(get(2), first, "asked again, it is the same");
            let held = (get(4), first);
            assert_eq!((*held.1).header.time, 24_000, "the one in force stays");
            assert_eq!((*held.0).header.time, 36_000);
            let count = ((*list).size.unwrap())(list);
            let found: Vec<_> = (0..count).map(|index| *get(index)).collect();
            (count, found)
        };
        assert_eq!(count, 6);
        let seconds: Vec<f64> = found
            .iter()
            .map(|event| event.song_pos_seconds as f64 / CLAP_SECTIME_FACTOR as f64)
            .collect();
        assert_eq!(seconds, [1.0, 1.0, 0.5, 1.0, 0.25, 1.0]);
        let beats: Vec<f64> = found
            .iter()
            .map(|event| event.song_pos_beats as f64 / CLAP_BEATTIME_FACTOR as f64)
            .collect();
        assert_eq!(beats, [2.0, 2.0, 1.0, 2.0, 0.5, 2.0]);
    }

    #[test]
    fn events_behind_the_end_come_with_the_last_sample() {
        let mut events = vec![
            event(CLAP_EVENT_PARAM_VALUE, 511, 0),
            event(CLAP_EVENT_PARAM_VALUE, 512, 7),
            event(CLAP_EVENT_NOTE_ON, 600, 0),
            event(CLAP_EVENT_TRANSPORT, 600, 0),
        ];
        let host = host_list(&mut events);
        let times = |frames: u32| -> Vec<Option<u32>> {
            let mut block = BlockEvents::new(&host, RATE_HZ, frames);
            let list = block.list();
            // SAFETY: the list of live events.
            let get = |index| unsafe {
                let event = ((*list).get.unwrap())(list, index);
                event.as_ref().map(|event| event.time)
            };
            (0..4).map(get).collect()
        };
        assert_eq!(times(512), [Some(511), Some(511), Some(511), None]);
        assert_eq!(times(0), [None; 4]);
        let mut block = BlockEvents::new(&host, RATE_HZ, 512);
        let list = block.list();
        // SAFETY: the list of live events.
        let moved = unsafe { *((*list).get.unwrap())(list, 1).cast::<clap_event_transport>() };
        assert_eq!(moved.flags, 7, "all of it is there");
    }

    #[test]
    fn without_a_list_there_is_none() {
        assert!(BlockEvents::new(ptr::null(), RATE_HZ, 512).list().is_null());
        let empty = clap_input_events {
            ctx: ptr::null_mut(),
            size: None,
            get: None,
        };
        let mut block = BlockEvents::new(&empty, RATE_HZ, 512);
        let list = block.list();
        // SAFETY: a list without events.
        unsafe {
            assert_eq!(((*list).size.unwrap())(list), 0);
            assert!(((*list).get.unwrap())(list, 0).is_null());
        }
    }
}
