//! Standard MIDI files from notes.

use midly::num::{u4, u7, u15, u24, u28};
use midly::{Format, Header, MetaMessage, MidiMessage, Smf, Timing, TrackEvent, TrackEventKind};

use crate::hosts::Note;

/// At this tempo and resolution, a tick is 1/1920 s at every sample rate.
const MICROSECONDS_PER_BEAT: u32 = 500_000;
const TICKS_PER_BEAT: u16 = 960;

/// A single-track MIDI file of `notes` (by sample, in any order).
pub fn file(notes: &[Note], sample_rate_hz: f64) -> Vec<u8> {
    let ticks_per_second = f64::from(TICKS_PER_BEAT) * 1e6 / f64::from(MICROSECONDS_PER_BEAT);
    let mut notes = notes.to_vec();
    notes.sort_by_key(|note| note.sample);
    let mut track = vec![TrackEvent {
        delta: u28::new(0),
        kind: TrackEventKind::Meta(MetaMessage::Tempo(u24::new(MICROSECONDS_PER_BEAT))),
    }];
    let mut last_tick = 0;
    for note in &notes {
        let tick = (note.sample as f64 / sample_rate_hz * ticks_per_second).round() as u32;
        let key = u7::new(note.key.min(127));
        let velocity = (note.velocity * 127.0).round().clamp(1.0, 127.0) as u8;
        let message = if note.on {
            MidiMessage::NoteOn {
                key,
                vel: u7::new(velocity),
            }
        } else {
            MidiMessage::NoteOff {
                key,
                vel: u7::new(0),
            }
        };
        track.push(TrackEvent {
            delta: u28::new(tick - last_tick),
            kind: TrackEventKind::Midi {
                channel: u4::new(note.channel.min(15)),
                message,
            },
        });
        last_tick = tick;
    }
    track.push(TrackEvent {
        delta: u28::new(0),
        kind: TrackEventKind::Meta(MetaMessage::EndOfTrack),
    });
    let header = Header::new(
        Format::SingleTrack,
        Timing::Metrical(u15::new(TICKS_PER_BEAT)),
    );
    let smf = Smf {
        header,
        tracks: vec![track],
    };
    let mut bytes = Vec::new();
    // Writing to memory cannot fail.
    let _ = smf.write_std(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_keep_their_times() {
        let note = |sample, on| Note {
            sample,
            on,
            channel: 9,
            key: 38,
            velocity: 0.5,
        };
        let bytes = file(&[note(44_100, false), note(22_050, true)], 44_100.0);
        let smf = Smf::parse(&bytes).expect("a MIDI file");
        let deltas: Vec<u32> = smf.tracks[0]
            .iter()
            .map(|event| event.delta.as_int())
            .collect();
        assert_eq!(deltas, [0, 960, 960, 0]);
        assert!(matches!(
            smf.tracks[0][1].kind,
            TrackEventKind::Midi {
                message: MidiMessage::NoteOn { .. },
                ..
            }
        ));
    }
}
