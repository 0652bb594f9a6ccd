//! The transport that hosts tell plugins: a song that runs at 120 beats per minute.
#![allow(unsafe_code)]

use clack_host::events::EventFlags;
use clack_host::events::event_types::{TransportEvent, TransportFlags};
use clack_host::prelude::*;
use clack_host::utils::{BeatTime, SecondsTime};
use vst3::Steinberg::Vst::{ProcessContext, ProcessContext_::StatesAndFlags_};

const BEATS_PER_MINUTE: f64 = 120.0;

/// For CLAP: playing, at this place in the song, with sample `time` of the block.
pub(super) fn clap_transport(
    song_sample: usize,
    sample_rate_hz: f64,
    time: usize,
) -> TransportEvent {
    let time = u32::try_from(time).unwrap_or(u32::MAX);
    let seconds = song_sample as f64 / sample_rate_hz;
    TransportEvent {
        header: EventHeader::new_core(time, EventFlags::empty()),
        flags: TransportFlags::IS_PLAYING
            | TransportFlags::HAS_TEMPO
            | TransportFlags::HAS_BEATS_TIMELINE
            | TransportFlags::HAS_SECONDS_TIMELINE,
        song_pos_beats: BeatTime::from_float(seconds * BEATS_PER_MINUTE / 60.0),
        song_pos_seconds: SecondsTime::from_float(seconds),
        tempo: BEATS_PER_MINUTE,
        tempo_inc: 0.0,
        loop_start_beats: BeatTime::from_int(0),
        loop_end_beats: BeatTime::from_int(0),
        loop_start_seconds: SecondsTime::from_int(0),
        loop_end_seconds: SecondsTime::from_int(0),
        bar_start: BeatTime::from_int(0),
        bar_number: 0,
        time_signature_numerator: 4,
        time_signature_denominator: 4,
    }
}

/// For VST3: playing, at this place in the song.
pub(super) fn vst3_transport(song_sample: usize, sample_rate_hz: f64) -> ProcessContext {
    // SAFETY: a plain struct of numbers, for which zeros are valid and mean that the
    // host does not know.
    let mut context: ProcessContext = unsafe { std::mem::zeroed() };
    // Of another type on Windows.
    context.state = (StatesAndFlags_::kPlaying | StatesAndFlags_::kTempoValid) as _;
    context.sampleRate = sample_rate_hz;
    context.projectTimeSamples = song_sample as i64;
    context.tempo = BEATS_PER_MINUTE;
    context
}
