//! Hits as a Standard MIDI File.

use midly::num::{u4, u7, u15, u24, u28};
use midly::{
    Format, Header, MetaMessage, MidiMessage, Smf, Timing, Track, TrackEvent, TrackEventKind,
};

use idm_engine::note_map::NoteMap;

use crate::onset::Onset;

/// Ticks per quarter note.
const TICKS_PER_BEAT: u16 = 960;
/// 120 beats per minute. The recording's own tempo is not guessed: notes lie
/// where they sound, on whatever grid the project has.
const BEAT_US: u32 = 500_000;
/// 1920 ticks per second: notes are exact to a quarter of a millisecond.
const TICKS_PER_S: f64 = TICKS_PER_BEAT as f64 * 1e6 / BEAT_US as f64;
/// Length of a note; a hit has no end of its own.
const NOTE_S: f64 = 0.05;
/// General MIDI's percussion channel, the tenth.
const DRUM_CHANNEL: u4 = u4::new(9);

/// Most ticks between two events: 28 bits, more than 38 hours.
const MAX_DELTA: u64 = (1 << 28) - 1;

/// One track at 120 beats per minute, channel 10, with the notes of `map`.
/// `onsets` in order of time, `frames` the length of the recording, at which
/// the track ends.
///
/// # Errors
/// A recording that is longer than the format can express.
pub fn encode(
    onsets: &[Onset],
    sample_rate_hz: f64,
    frames: u64,
    name: &str,
    map: &NoteMap,
) -> Result<Vec<u8>, String> {
    let ticks = |seconds: f64| (seconds * TICKS_PER_S).round() as u64;
    let mut notes = Vec::with_capacity(2 * onsets.len());
    for (index, onset) in onsets.iter().enumerate() {
        let time_s = onset.time_s(sample_rate_hz);
        let start = ticks(time_s);
        // A note ends before its next one begins, or players lose one of them.
        let next = onsets[index + 1..]
            .iter()
            .find(|next| next.drum == onset.drum)
            .map_or(u64::MAX, |next| ticks(next.time_s(sample_rate_hz)));
        let end = ticks(time_s + NOTE_S).min(next).max(start + 1);
        notes.push((start, true, onset));
        notes.push((end, false, onset));
    }
    // Ends before beginnings at one tick.
    notes.sort_by_key(|&(tick, is_start, onset)| (tick, is_start, onset.drum));

    let mut track: Track = vec![
        event(0, meta(MetaMessage::TrackName(name.as_bytes()))),
        event(0, meta(MetaMessage::Tempo(u24::new(BEAT_US)))),
    ];
    let mut now = 0;
    let mut delta_to = |tick: u64| {
        let delta = tick.saturating_sub(now);
        now = now.max(tick);
        if delta <= MAX_DELTA {
            Ok(delta as u32)
        } else {
            Err(format!(
                "MIDI: expected at most {MAX_DELTA} ticks between notes, found {delta}"
            ))
        }
    };
    for (tick, is_start, onset) in notes {
        let key = u7::new(map.note(onset.drum));
        let message = if is_start {
            MidiMessage::NoteOn {
                key,
                vel: u7::new(onset.midi_velocity()),
            }
        } else {
            MidiMessage::NoteOff {
                key,
                vel: u7::new(0),
            }
        };
        let kind = TrackEventKind::Midi {
            channel: DRUM_CHANNEL,
            message,
        };
        track.push(event(delta_to(tick)?, kind));
    }
    let end = ticks(frames as f64 / sample_rate_hz);
    track.push(event(delta_to(end)?, meta(MetaMessage::EndOfTrack)));

    let header = Header::new(
        Format::SingleTrack,
        Timing::Metrical(u15::new(TICKS_PER_BEAT)),
    );
    let mut bytes = Vec::new();
    Smf {
        header,
        tracks: vec![track],
    }
    .write_std(&mut bytes)
    .map_err(|error| format!("MIDI: {error}"))?;
    Ok(bytes)
}

fn event(delta: u32, kind: TrackEventKind<'_>) -> TrackEvent<'_> {
    TrackEvent {
        delta: u28::new(delta),
        kind,
    }
}

fn meta(message: MetaMessage<'_>) -> TrackEventKind<'_> {
    TrackEventKind::Meta(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onset::at;
    use idm_engine::drum::Drum;

    const GM: NoteMap = NoteMap::GENERAL_MIDI;

    /// Note events as (seconds, key, velocity; 0 ends it), and the end.
    fn decode(bytes: &[u8]) -> (Vec<(f64, u8, u8)>, f64) {
        let smf = Smf::parse(bytes).expect("a MIDI file");
        let (mut tick, mut notes) = (0u32, Vec::new());
        for event in &smf.tracks[0] {
            tick += event.delta.as_int();
            if let TrackEventKind::Midi { channel, message } = event.kind {
                assert_eq!(channel.as_int(), 9);
                let time_s = f64::from(tick) / TICKS_PER_S;
                match message {
                    MidiMessage::NoteOn { key, vel } => {
                        notes.push((time_s, key.as_int(), vel.as_int()));
                    }
                    MidiMessage::NoteOff { key, .. } => notes.push((time_s, key.as_int(), 0)),
                    other => panic!("unexpected {other:?}"),
                }
            }
        }
        (notes, f64::from(tick) / TICKS_PER_S)
    }

    #[test]
    fn notes_lie_where_they_sound() {
        let onsets = [
            at(0, Drum::Kick, 1.0),
            at(0, Drum::ClosedHat, 0.5),
            at(44_100, Drum::Snare, 0.1),
        ];
        let (notes, end_s) =
            decode(&encode(&onsets, 44_100.0, 88_200, "loop", &GM).expect("encoded"));
        let starts: Vec<_> = notes.iter().filter(|note| note.2 > 0).copied().collect();
        assert_eq!(starts, [(0.0, 36, 127), (0.0, 42, 64), (1.0, 38, 13)]);
        assert_eq!(notes.len(), 6, "every note ends");
        assert_eq!(end_s, 2.0, "the track is as long as the recording");
    }

    #[test]
    fn fast_rolls_keep_every_note() {
        let onsets: Vec<_> = (0..20).map(|n| at(n * 200, Drum::Snare, 0.8)).collect();
        let (notes, _) = decode(&encode(&onsets, 44_100.0, 44_100, "roll", &GM).expect("encoded"));
        for (index, pair) in notes.chunks(2).enumerate() {
            let time_s = index as f64 * 200.0 / 44_100.0;
            assert!((pair[0].0 - time_s).abs() < 0.0003);
            assert!(
                pair[0].2 > 0 && pair[1].2 == 0,
                "on and off alternate: {notes:?}"
            );
        }
    }

    #[test]
    fn no_hits_make_an_empty_track() {
        assert_eq!(
            decode(&encode(&[], 48_000.0, 48_000, "x", &GM).expect("encoded")),
            (vec![], 1.0)
        );
    }

    #[test]
    fn what_the_format_cannot_express_is_refused() {
        let frames = 8_000 * 3_600 * 40;
        assert!(encode(&[], 8_000.0, frames, "two days", &GM).is_err());
    }
}
