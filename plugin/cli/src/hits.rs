//! Hits that were corrected by hand: a table or a MIDI file, read back.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use idm_engine::drum::Drum;
use idm_engine::note_map::NoteMap;
use midly::{MetaMessage, MidiMessage, Smf, Timing, TrackEventKind};

use crate::csv;

/// A hit as a file has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WrittenHit {
    /// From the beginning of the recording.
    pub time_s: f64,
    /// The drum.
    pub drum: Drum,
    /// 0 to 1; none: as hard as it sounds.
    pub velocity: Option<f32>,
}

/// Hits in order of time.
pub type GivenHits = Arc<[WrittenHit]>;

/// Reads the CSV or MIDI file at `path`, whose notes are those of `notes`.
///
/// # Errors
/// A file that cannot be read or is neither, or a line that makes no sense: the file,
/// the line, what was expected and what was found.
pub fn read(path: &Path, notes: &NoteMap) -> Result<GivenHits, String> {
    let extension = path.extension().unwrap_or_default();
    let name = path.display();
    let bytes = fs::read(path).map_err(|error| format!("{name}: {error}"))?;
    let hits = match extension.to_ascii_lowercase().to_str() {
        Some("csv") => String::from_utf8(bytes)
            .map_err(|_| "expected text, found something else".to_owned())
            .and_then(|text| read_csv(&text)),
        Some("mid" | "midi") => read_midi(&bytes, notes),
        _ => Err("expected a file that ends with .csv, .mid or .midi".to_owned()),
    };
    let mut hits = hits.map_err(|error| format!("{name}: {error}"))?;
    hits.sort_by(|a, b| a.time_s.total_cmp(&b.time_s).then(a.drum.cmp(&b.drum)));
    Ok(hits.into())
}

/// Lines of `time_s,class,velocity` with velocities 0 to 127; the first line may name
/// the columns, velocities may be missing.
fn read_csv(text: &str) -> Result<Vec<WrittenHit>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let is_content = |(n, line): &(usize, &str)| {
        let is_header = *n == 0 && csv::HEADER.starts_with(line.trim());
        !line.trim().is_empty() && !is_header
    };
    let lines = text.lines().enumerate().filter(is_content);
    lines
        .map(|(n, line)| read_line(line).map_err(|error| format!("line {}: {error}", n + 1)))
        .collect()
}

fn read_line(line: &str) -> Result<WrittenHit, String> {
    let wrong = || format!("expected {}, found {line:?}", csv::HEADER);
    let mut fields = line.split(',').map(str::trim);
    let (time, class) = fields.next().zip(fields.next()).ok_or_else(wrong)?;
    let velocity = fields.next().filter(|velocity| !velocity.is_empty());
    if fields.next().is_some() {
        return Err(wrong());
    }
    let time_s: f64 = time.parse().map_err(|_| wrong())?;
    if !time_s.is_finite() || time_s < 0.0 {
        return Err(format!("time_s: expected 0 or more, found {time}"));
    }
    let drum = Drum::from_file_stem(class).ok_or_else(|| {
        let names = Drum::ALL.map(Drum::file_stem).join(", ");
        format!("class: expected one of {names}, found {class:?}")
    })?;
    let velocity = velocity.map(|text| match text.parse::<f32>() {
        Ok(velocity) if (0.0..=127.0).contains(&velocity) => Ok(velocity / 127.0),
        _ => Err(format!("velocity: expected 0 to 127, found {text:?}")),
    });
    Ok(WrittenHit {
        time_s,
        drum,
        velocity: velocity.transpose()?,
    })
}

/// The drums' notes on any channel, through the tempo map; other notes are left out.
fn read_midi(bytes: &[u8], map: &NoteMap) -> Result<Vec<WrittenHit>, String> {
    let file = Smf::parse(bytes).map_err(|error| format!("no MIDI file: {error}"))?;
    let ticks_per_beat = match file.header.timing {
        Timing::Metrical(ticks) => f64::from(ticks.as_int().max(1)),
        // Constant ticks per second, as beats of half a second.
        Timing::Timecode(fps, subframe) => f64::from(fps.as_f32()) * f64::from(subframe) / 2.0,
    };
    let (mut tempos, mut notes) = (Vec::new(), Vec::new());
    for track in &file.tracks {
        let mut tick = 0_u64;
        for event in track {
            tick += u64::from(event.delta.as_int());
            match event.kind {
                TrackEventKind::Meta(MetaMessage::Tempo(tempo)) => {
                    tempos.push((tick, f64::from(tempo.as_int()) * 1e-6));
                }
                TrackEventKind::Midi {
                    message: MidiMessage::NoteOn { key, vel },
                    ..
                } if vel.as_int() > 0 => {
                    if let Some(drum) = map.drum(key.as_int()) {
                        notes.push((tick, drum, f32::from(vel.as_int()) / 127.0));
                    }
                }
                _ => {}
            }
        }
    }
    tempos.sort_by_key(|(tick, _)| *tick);
    notes.sort_by_key(|(tick, ..)| *tick);
    let mut tempos = tempos.into_iter().peekable();
    let (mut now_s, mut now_tick, mut s_per_tick) = (0.0, 0, 0.5 / ticks_per_beat);
    let hits = notes.into_iter().map(|(tick, drum, velocity)| {
        while let Some((at, s_per_beat)) = tempos.next_if(|(at, _)| *at <= tick) {
            now_s += (at - now_tick) as f64 * s_per_tick;
            (now_tick, s_per_tick) = (at, s_per_beat / ticks_per_beat);
        }
        WrittenHit {
            time_s: now_s + (tick - now_tick) as f64 * s_per_tick,
            drum,
            velocity: Some(velocity),
        }
    });
    Ok(hits.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{midi, onset::at};

    #[test]
    fn what_is_written_is_read() {
        let onsets = [
            at(0, Drum::Kick, 1.0),
            at(22_050, Drum::ClosedHat, 32.0 / 127.0),
            at(44_100, Drum::Ride, 64.0 / 127.0),
        ];
        let table = read_csv(&csv::encode(&onsets, 44_100.0)).expect("a table");
        let scores = NoteMap::ALL.map(|map| {
            let score = midi::encode(&onsets, 44_100.0, 88_200, "loop", &map).expect("encoded");
            read_midi(&score, &map).expect("a MIDI file")
        });
        for hits in scores.into_iter().chain([table]) {
            assert_eq!(hits.len(), onsets.len());
            for (hit, onset) in hits.iter().zip(&onsets) {
                assert!((hit.time_s - onset.time_s(44_100.0)).abs() < 3e-4);
                assert_eq!(hit.drum, onset.drum);
                assert!((hit.velocity.expect("a velocity") - onset.velocity).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn tables_need_neither_header_nor_velocities() {
        let hits = read_csv("\u{feff}time_s,class\r\n0.5,kick\r\n\r\n0.25, ride ,127\r\n");
        let hits = hits.expect("a table");
        assert_eq!((hits[0].time_s, hits[0].velocity), (0.5, None));
        assert_eq!((hits[1].drum, hits[1].velocity), (Drum::Ride, Some(1.0)));
        assert_eq!(read_csv("1.0,snare,3").expect("a table").len(), 1);
    }

    #[test]
    fn errors_name_line_and_field() {
        let error = |text: &str| read_csv(text).expect_err("refused");
        assert!(error("0.5,kick\nx,kick").starts_with("line 2: expected time_s,class"));
        assert!(error("0.5,gong,3").contains("class: expected one of kick, snare"));
        assert!(error("0.5,kick,128").contains("velocity: expected 0 to 127, found \"128\""));
        assert!(error("-1,kick").contains("time_s: expected 0 or more"));
        assert!(error("inf,kick").contains("time_s"));
        assert!(error("1,kick,3,4").contains("expected time_s,class,velocity"));
        assert!(read_midi(b"MThd", &NoteMap::GENERAL_MIDI).is_err());
        let missing =
            read(Path::new("/nowhere/x.csv"), &NoteMap::GENERAL_MIDI).expect_err("no such file");
        assert!(missing.starts_with("/nowhere/x.csv: "));
    }

    #[test]
    fn tempo_changes_are_followed() {
        // 96 ticks per beat at 120 bpm; after one beat 60 bpm.
        let track: &[u8] = &[
            0x00, 0x99, 35, 100, 0x60, 0xff, 0x51, 0x03, 0x0f, 0x42, 0x40, 0x00, 0x99, 44, 64,
            0x60, 0x99, 53, 127, 0x00, 0x99, 39, 90, 0x00, 0xff, 0x2f, 0x00,
        ];
        let mut bytes = b"MThd\x00\x00\x00\x06\x00\x00\x00\x01\x00\x60MTrk".to_vec();
        bytes.extend((track.len() as u32).to_be_bytes());
        bytes.extend(track);
        let hits = read_midi(&bytes, &NoteMap::GENERAL_MIDI).expect("a MIDI file");
        let found: Vec<_> = hits.iter().map(|hit| (hit.time_s, hit.drum)).collect();
        let expected = [(0.0, Drum::Kick), (0.5, Drum::ClosedHat), (1.5, Drum::Ride)];
        assert_eq!(found, expected, "the clap is no drum of ours");
    }
}
