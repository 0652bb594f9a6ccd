//! Hits that were corrected by hand: a table or a MIDI file, read back.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use idm_engine::drum::Drum;
use idm_engine::midi_file;
use idm_engine::note_map::NoteMap;

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

impl WrittenHit {
    /// The nearest sample of a recording with this rate.
    pub fn sample(&self, rate_hz: f64) -> u64 {
        (self.time_s * rate_hz).round() as u64
    }
}

/// Hits in order of time.
pub type GivenHits = Arc<[WrittenHit]>;

/// What a file of hits holds.
#[derive(Debug, Default)]
pub struct HitFile {
    /// The hits that can be used.
    pub hits: GivenHits,
    /// What is in it besides, in one line.
    pub left_out: Option<String>,
}

/// Reads the CSV or MIDI file at `path`, whose notes are those of `notes`.
///
/// # Errors
/// A file that cannot be read or is neither, or a line that makes no sense: the file,
/// the line, what was expected and what was found.
pub fn read(path: &Path, notes: &NoteMap) -> Result<HitFile, String> {
    let extension = path.extension().unwrap_or_default();
    let name = path.display();
    let bytes = fs::read(path).map_err(|error| format!("{name}: {error}"))?;
    let hits = match extension.to_ascii_lowercase().to_str() {
        Some("csv") => String::from_utf8(bytes)
            .map_err(|_| "expected text, found something else".to_owned())
            .and_then(|text| Ok((read_csv(&text)?, None))),
        Some("mid" | "midi") => read_midi(&bytes, notes),
        _ => Err("expected a file that ends with .csv, .mid or .midi".to_owned()),
    };
    let (mut hits, left_out) = hits.map_err(|error| format!("{name}: {error}"))?;
    hits.sort_by(|a, b| a.time_s.total_cmp(&b.time_s).then(a.drum.cmp(&b.drum)));
    Ok(HitFile {
        hits: hits.into(),
        left_out,
    })
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

/// The drums' notes on any channel, through the tempo map; other notes are left out,
/// which the second value says.
fn read_midi(bytes: &[u8], map: &NoteMap) -> Result<(Vec<WrittenHit>, Option<String>), String> {
    let notes = midi_file::read_midi(bytes).map_err(|error| error.to_string())?;
    let hits: Vec<WrittenHit> = notes
        .iter()
        .filter_map(|note| {
            Some(WrittenHit {
                time_s: note.time_s,
                drum: map.drum(note.key)?,
                velocity: Some(f32::from(note.velocity) / 127.0),
            })
        })
        .collect();
    let strange = notes.iter().filter(|note| map.drum(note.key).is_none());
    let keys: BTreeSet<u8> = strange.map(|note| note.key).collect();
    let keys: Vec<String> = keys.iter().map(u8::to_string).collect();
    let left_out = (!keys.is_empty()).then(|| {
        format!(
            "{} of {} notes belong to no drum of map {} (keys {})",
            notes.len() - hits.len(),
            notes.len(),
            map.id,
            keys.join(", ")
        )
    });
    Ok((hits, left_out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::onset::at;
    use idm_engine::midi_file::{Grid, MidiNote, write_midi};

    #[test]
    fn what_is_written_is_read() {
        let onsets = [
            at(0, Drum::Kick, 1.0),
            at(22_050, Drum::ClosedHat, 32.0 / 127.0),
            at(44_100, Drum::Ride, 64.0 / 127.0),
        ];
        let table = read_csv(&csv::encode(&onsets, 44_100.0)).expect("a table");
        let scores = NoteMap::ALL.map(|map| {
            let notes = onsets.map(|onset| MidiNote {
                time_s: onset.time_s(44_100.0),
                key: map.note(onset.drum),
                velocity: onset.midi_velocity(),
            });
            let score = write_midi(&notes, 2.0, &Grid::default(), "loop").expect("written");
            read_midi(&score, &map).expect("a MIDI file").0
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
    fn notes_of_no_drum_are_left_out() {
        let note = |time_s, key| MidiNote {
            time_s,
            key,
            velocity: 90,
        };
        let notes = [note(0.0, 61), note(0.5, 44), note(0.7, 60), note(0.8, 61)];
        let score = write_midi(&notes, 1.0, &Grid::default(), "").expect("written");
        let (hits, left_out) = read_midi(&score, &NoteMap::GENERAL_MIDI).expect("a MIDI file");
        let found: Vec<_> = hits.iter().map(|hit| (hit.time_s, hit.drum)).collect();
        assert_eq!(
            found,
            [(0.5, Drum::ClosedHat)],
            "bongos are no drums of ours"
        );
        assert_eq!(
            left_out.as_deref(),
            Some("3 of 4 notes belong to no drum of map gm (keys 60, 61)")
        );
    }
}
