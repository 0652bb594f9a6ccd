//! Standard MIDI Files: notes in seconds, written and read.

use midly::num::{u4, u7, u15, u24, u28};
use midly::{
    Format, Header, MetaMessage, MidiMessage, Smf, Timing, Track, TrackEvent, TrackEventKind,
};
use thiserror::Error;

use grid::TickMap;

pub use beats::Beat;
pub use grid::{Grid, SignatureChange, TempoChange, TimeSignature};

mod beats;
mod grid;

/// Ticks per quarter note of files that are written.
const TICKS_PER_BEAT: u16 = 960;
/// Length of a written note; a hit has no end of its own.
const NOTE_S: f64 = 0.05;
/// General MIDI's percussion channel, the tenth.
const DRUM_CHANNEL: u4 = u4::new(9);
/// Most ticks between two events: 28 bits, more than 38 hours at 120 beats per minute.
const MAX_DELTA: u64 = (1 << 28) - 1;
/// Tempo where nothing else is known, in beats per minute; also that of files that name
/// none.
pub const DEFAULT_TEMPO_BPM: f64 = 120.0;
/// What a file says of its beats beside their number in a bar: clocks between clicks of a
/// metronome, and short notes in a beat. Nobody uses them.
const CLICKS: (u8, u8) = (24, 8);

/// Why notes could not be written or read.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum MidiFileError {
    /// Notes too far apart.
    #[error("MIDI: expected at most {MAX_DELTA} ticks between notes, found {found}")]
    TooLong {
        /// Ticks.
        found: u64,
    },
    /// The file could not be written.
    #[error("MIDI: {0}")]
    Write(String),
    /// The bytes are no standard MIDI file.
    #[error("no MIDI file: {0}")]
    Read(String),
    /// A file whose ticks have no length.
    #[error("MIDI: expected at least 1 tick per {of}, found 0")]
    NoTicks {
        /// What ticks divide: a beat, or a frame of film.
        of: &'static str,
    },
}

/// The beginning of a note.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MidiNote {
    /// From the beginning of the file.
    pub time_s: f64,
    /// Its number.
    pub key: u8,
    /// 1 to 127.
    pub velocity: u8,
}

/// One track on the beats of `grid`, channel 10, that ends after `length_s`, if no note begins
/// later. `notes` come in order of time. Allocates.
///
/// # Errors
/// More time than the format can express.
pub fn write_midi(
    notes: &[MidiNote],
    length_s: f64,
    grid: &Grid,
    name: &str,
) -> Result<Vec<u8>, MidiFileError> {
    let map = TickMap::new(&grid.tempi);
    let length = map.ticks(length_s);
    // At one tick signature and tempo come first, then ends before beginnings.
    let mut events = Vec::with_capacity(2 * notes.len());
    for (index, note) in notes.iter().enumerate() {
        let start = map.ticks(note.time_s);
        // A note ends before its next one begins, or players lose one of them.
        let next = notes[index + 1..]
            .iter()
            .find(|next| next.key == note.key)
            .map_or(u64::MAX, |next| map.ticks(next.time_s));
        let end = map.ticks(note.time_s + NOTE_S).min(next).min(length);
        let end = end.max(start.saturating_add(1));
        let key = u7::new(note.key.min(127));
        let vel = u7::new(note.velocity.clamp(1, 127));
        events.push((start, 2, midi(MidiMessage::NoteOn { key, vel })));
        let vel = u7::new(0);
        events.push((end, 1, midi(MidiMessage::NoteOff { key, vel })));
    }
    let last = events.iter().map(|(tick, ..)| *tick).max().unwrap_or(0);
    let end = length.max(last);
    for change in grid.sensible_signatures() {
        let tick = (change.beat * f64::from(TICKS_PER_BEAT)).round() as u64;
        let (beats, unit) = change.signature.numbers();
        let signature = MetaMessage::TimeSignature(beats, unit, CLICKS.0, CLICKS.1);
        if tick <= end {
            events.push((tick, 0, meta(signature)));
        }
    }
    let tempi = map.tempi().filter(|(tick, _)| *tick <= end);
    events.extend(tempi.map(|(tick, beat_us)| {
        let tempo = MetaMessage::Tempo(u24::new(beat_us));
        (tick, 0, meta(tempo))
    }));
    events.sort_by_key(|&(tick, rank, _)| (tick, rank));

    let mut track: Track = vec![event(0, meta(MetaMessage::TrackName(name.as_bytes())))];
    events.push((end, 3, meta(MetaMessage::EndOfTrack)));
    let mut now = 0;
    for (tick, _, kind) in events {
        let delta = tick - now;
        if delta > MAX_DELTA {
            return Err(MidiFileError::TooLong { found: delta });
        }
        track.push(event(delta as u32, kind));
        now = tick;
    }

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
    .map_err(|error| MidiFileError::Write(error.to_string()))?;
    Ok(bytes)
}

fn event(delta: u32, kind: TrackEventKind<'_>) -> TrackEvent<'_> {
    TrackEvent {
        delta: u28::new(delta),
        kind,
    }
}

fn midi<'a>(message: MidiMessage) -> TrackEventKind<'a> {
    TrackEventKind::Midi {
        channel: DRUM_CHANNEL,
        message,
    }
}

fn meta(message: MetaMessage<'_>) -> TrackEventKind<'_> {
    TrackEventKind::Meta(message)
}

/// What a file's ticks divide, and in how many.
#[derive(Debug, Clone, Copy)]
enum Division {
    /// Beats, whose length the tempo says.
    OfBeats(f64),
    /// Seconds, whatever the tempo.
    OfSeconds(f64),
}

impl Division {
    fn of(timing: Timing) -> Result<Division, MidiFileError> {
        let (division, of) = match timing {
            Timing::Metrical(ticks) => (Division::OfBeats(f64::from(ticks.as_int())), "beat"),
            Timing::Timecode(fps, ticks) => {
                let per_s = f64::from(fps.as_f32()) * f64::from(ticks);
                (Division::OfSeconds(per_s), "frame")
            }
        };
        match division {
            Division::OfBeats(0.0) | Division::OfSeconds(0.0) => Err(MidiFileError::NoTicks { of }),
            division => Ok(division),
        }
    }
}

/// The notes of all tracks and channels, through the tempo map, in order of time.
/// Allocates.
///
/// # Errors
/// When `bytes` are no standard MIDI file, or its ticks have no length.
pub fn read_midi(bytes: &[u8]) -> Result<Vec<MidiNote>, MidiFileError> {
    let file = Smf::parse(bytes).map_err(|error| MidiFileError::Read(error.to_string()))?;
    let division = Division::of(file.header.timing)?;
    let (mut tempos, mut notes) = (Vec::new(), Vec::new());
    for track in &file.tracks {
        let mut tick = 0_u64;
        for event in track {
            tick += u64::from(event.delta.as_int());
            match event.kind {
                TrackEventKind::Meta(MetaMessage::Tempo(tempo)) => {
                    if let Division::OfBeats(ticks) = division {
                        let s_per_beat = f64::from(tempo.as_int()) * 1e-6;
                        tempos.push((tick, s_per_beat / ticks));
                    }
                }
                TrackEventKind::Midi {
                    message: MidiMessage::NoteOn { key, vel },
                    ..
                } if vel.as_int() > 0 => notes.push((tick, key.as_int(), vel.as_int())),
                _ => {}
            }
        }
    }
    tempos.sort_by_key(|(tick, _)| *tick);
    notes.sort_by_key(|(tick, ..)| *tick);
    let mut tempos = tempos.into_iter().peekable();
    let (mut now_s, mut now_tick) = (0.0, 0);
    let mut s_per_tick = match division {
        Division::OfBeats(ticks) => 60.0 / DEFAULT_TEMPO_BPM / ticks,
        Division::OfSeconds(ticks) => 1.0 / ticks,
    };
    let notes = notes.into_iter().map(|(tick, key, velocity)| {
        while let Some((at, following_s)) = tempos.next_if(|(at, _)| *at <= tick) {
            now_s += (at - now_tick) as f64 * s_per_tick;
            (now_tick, s_per_tick) = (at, following_s);
        }
        MidiNote {
            time_s: now_s + (tick - now_tick) as f64 * s_per_tick,
            key,
            velocity,
        }
    });
    Ok(notes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(time_s: f64, key: u8, velocity: u8) -> MidiNote {
        MidiNote {
            time_s,
            key,
            velocity,
        }
    }

    /// Note events as (seconds at 120 beats per minute, key, velocity; 0 ends it), and the
    /// end.
    fn decode(bytes: &[u8]) -> (Vec<(f64, u8, u8)>, f64) {
        let smf = Smf::parse(bytes).expect("a MIDI file");
        let ticks_per_s = 2.0 * f64::from(TICKS_PER_BEAT);
        let (mut tick, mut notes) = (0u32, Vec::new());
        for event in &smf.tracks[0] {
            tick += event.delta.as_int();
            if let TrackEventKind::Midi { channel, message } = event.kind {
                assert_eq!(channel.as_int(), 9);
                let time_s = f64::from(tick) / ticks_per_s;
                match message {
                    MidiMessage::NoteOn { key, vel } => {
                        notes.push((time_s, key.as_int(), vel.as_int()));
                    }
                    MidiMessage::NoteOff { key, .. } => notes.push((time_s, key.as_int(), 0)),
                    other => panic!("unexpected {other:?}"),
                }
            }
        }
        (notes, f64::from(tick) / ticks_per_s)
    }

    #[test]
    fn notes_lie_where_they_sound() {
        let notes = [note(0.0, 36, 127), note(0.0, 42, 64), note(1.0, 38, 13)];
        let (events, end_s) =
            decode(&write_midi(&notes, 2.0, &Grid::default(), "loop").expect("written"));
        let starts: Vec<_> = events.iter().filter(|event| event.2 > 0).copied().collect();
        assert_eq!(starts, [(0.0, 36, 127), (0.0, 42, 64), (1.0, 38, 13)]);
        assert_eq!(events.len(), 6, "every note ends");
        assert_eq!(end_s, 2.0, "the track is as long as the recording");
    }

    #[test]
    fn a_note_at_the_end_makes_no_track_longer() {
        let notes = [note(1.98, 36, 127), note(1.999, 38, 90)];
        let grid = Grid::default();
        let (events, end_s) = decode(&write_midi(&notes, 2.0, &grid, "bar").expect("written"));
        assert_eq!(end_s, 2.0);
        assert_eq!(events.len(), 4, "every note ends");
        // What begins after the end is there all the same.
        let (events, end_s) = decode(&write_midi(&notes, 1.0, &grid, "bar").expect("written"));
        assert_eq!(events.len(), 4);
        assert!(end_s > 1.98);
    }

    #[test]
    fn whatever_the_tempo_notes_come_back_where_they_were() {
        let notes = [note(0.0, 36, 127), note(0.731, 42, 1), note(61.25, 38, 90)];
        for tempo_bpm in [30.0, 97.3, 120.0, 174.01, 0.0, f64::NAN, 1e9] {
            let bytes =
                write_midi(&notes, 62.0, &Grid::steady(tempo_bpm), "song").expect("written");
            let read = read_midi(&bytes).expect("a MIDI file");
            assert_eq!(read.len(), notes.len());
            for (read, note) in read.iter().zip(&notes) {
                let ticks_s = 60.0 / tempo_bpm.clamp(4.0, 6_000.0) / 960.0;
                let tolerance_s = if ticks_s.is_finite() { ticks_s } else { 6e-4 };
                assert!(
                    (read.time_s - note.time_s).abs() <= tolerance_s,
                    "{tempo_bpm}"
                );
                assert_eq!((read.key, read.velocity), (note.key, note.velocity));
            }
        }
        // On the grid of 97.3 beats per minute: beat 16.
        let beat = [note(16.0 * 60.0 / 97.3, 36, 100)];
        let bytes = write_midi(&beat, 20.0, &Grid::steady(97.3), "").expect("written");
        let smf = Smf::parse(&bytes).expect("a MIDI file");
        let deltas = smf.tracks[0].iter().map(|event| event.delta.as_int());
        assert_eq!(deltas.take(3).sum::<u32>(), 16 * 960);
    }

    #[test]
    fn fast_rolls_keep_every_note() {
        let notes: Vec<_> = (0..20)
            .map(|n| note(f64::from(n) * 200.0 / 44_100.0, 38, 100))
            .collect();
        let (events, _) =
            decode(&write_midi(&notes, 1.0, &Grid::default(), "roll").expect("written"));
        for (pair, note) in events.chunks(2).zip(&notes) {
            assert!((pair[0].0 - note.time_s).abs() < 0.0003);
            let alternate = pair[0].2 > 0 && pair[1].2 == 0;
            assert!(alternate, "on and off alternate: {events:?}");
        }
    }

    #[test]
    fn no_notes_make_an_empty_track() {
        let bytes = write_midi(&[], 1.0, &Grid::default(), "x").expect("written");
        assert_eq!(decode(&bytes), (vec![], 1.0));
    }

    #[test]
    fn what_the_format_cannot_express_is_refused() {
        let two_days_s = 3_600.0 * 48.0;
        let error = write_midi(&[], two_days_s, &Grid::default(), "two days").unwrap_err();
        assert!(matches!(error, MidiFileError::TooLong { .. }));
        assert!(read_midi(b"MThd").is_err() && read_midi(b"").is_err());
    }

    #[test]
    fn tempo_changes_are_followed() {
        // 96 ticks per beat at 120 bpm; after one beat 60 bpm.
        let track: &[u8] = &[
            0x00, 0x99, 35, 100, 0x60, 0xff, 0x51, 0x03, 0x0f, 0x42, 0x40, 0x00, 0x99, 44, 64,
            0x60, 0x99, 53, 127, 0x00, 0x99, 38, 0, 0x00, 0xff, 0x2f, 0x00,
        ];
        let expected = [note(0.0, 35, 100), note(0.5, 44, 64), note(1.5, 53, 127)];
        let read = read_midi(&file([0x00, 0x60], track));
        assert_eq!(read.expect("a MIDI file"), expected);
    }

    #[test]
    fn film_time_goes_on_whatever_the_tempo() {
        // 25 frames per second of 40 ticks: milliseconds. A tempo of 60 bpm after 96 ms.
        let track: &[u8] = &[
            0x00, 0x99, 35, 100, 0x60, 0xff, 0x51, 0x03, 0x0f, 0x42, 0x40, 0x00, 0x99, 44, 64,
            0x60, 0x99, 53, 127, 0x00, 0xff, 0x2f, 0x00,
        ];
        let read = read_midi(&file([0xe7, 40], track)).expect("a MIDI file");
        for (read, expected_s) in read.iter().zip([0.0, 0.096, 0.192]) {
            assert!((read.time_s - expected_s).abs() < 1e-9, "{read:?}");
        }
    }

    #[test]
    fn ticks_without_a_length_are_refused() {
        let track: &[u8] = &[0x00, 0x99, 35, 100, 0x00, 0xff, 0x2f, 0x00];
        for (division, of) in [([0xe7, 0], "frame"), ([0, 0], "beat")] {
            let error = read_midi(&file(division, track)).unwrap_err();
            assert_eq!(error, MidiFileError::NoTicks { of });
        }
        // No such number of frames.
        assert!(read_midi(&file([0x80, 40], track)).is_err());
    }

    /// A file of one track.
    fn file(division: [u8; 2], track: &[u8]) -> Vec<u8> {
        let mut bytes = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01".to_vec();
        bytes.extend(division);
        bytes.extend(b"MTrk");
        bytes.extend((track.len() as u32).to_be_bytes());
        bytes.extend(track);
        bytes
    }
}
