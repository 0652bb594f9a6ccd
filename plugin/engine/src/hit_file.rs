//! Hits in files: tables, written and read, and MIDI files, read.

use std::{collections::BTreeSet, fmt::Write, fs, path::Path, str::FromStr};

use thiserror::Error;

use crate::{drum::Drum, midi_file, note_map::NoteMap};

/// First line of a table that is written.
const HEADER: &str = "time_s,class,velocity";

/// What divides the columns, and what it is where spreadsheets write fractions with a comma.
const SEPARATOR: char = ',';
const OTHER_SEPARATORS: [char; 2] = [';', '\t'];

/// Why hits could not be read.
#[derive(Debug, Error)]
#[error("{path}: {what}")]
pub struct HitFileError {
    path: String,
    /// The line, what was expected and what was found.
    what: String,
}

/// A hit as a file has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WrittenHit<S> {
    /// From the beginning of the recording.
    pub time_s: f64,
    /// What is struck.
    pub sound: S,
    /// 0 to 1, where the file tells.
    pub velocity: Option<f32>,
}

impl<S> WrittenHit<S> {
    /// The nearest sample of a recording with this rate.
    pub fn sample(&self, rate_hz: f64) -> u64 {
        (self.time_s * rate_hz).round() as u64
    }
}

/// What a file calls the sound of a hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Called<'a> {
    /// A table's class.
    Class(&'a str),
    /// A MIDI note.
    Note(u8),
}

/// Reads the hits of a `.csv` (columns `time_s`, `class` and perhaps `velocity`, 0 to 127, in
/// this order if the first line does not name them; divided by commas, or by semicolons or
/// tabulators, as spreadsheets do where fractions have a comma) or of a `.mid` or `.midi` file, in order
/// of time. `sound` tells the sound from its name; what is none is left out. Allocates.
///
/// # Errors
/// A file that cannot be read or is neither, or a line that makes no sense.
pub fn read_hits<S: Copy + Ord>(
    path: &Path,
    sound: impl FnMut(Called<'_>) -> Result<Option<S>, String>,
) -> Result<Vec<WrittenHit<S>>, HitFileError> {
    let extension = path.extension().unwrap_or_default().to_ascii_lowercase();
    let read = || match extension.to_str() {
        Some("csv") => {
            let bytes = fs::read(path).map_err(|error| error.to_string())?;
            let text = String::from_utf8(bytes);
            read_csv(
                &text.map_err(|_| "expected text, found something else")?,
                sound,
            )
        }
        Some("mid" | "midi") => {
            read_midi(&fs::read(path).map_err(|error| error.to_string())?, sound)
        }
        _ => Err("expected a file that ends with .csv, .mid or .midi".to_owned()),
    };
    let mut hits = read().map_err(|what| HitFileError {
        path: path.display().to_string(),
        what,
    })?;
    hits.sort_by(|a, b| a.time_s.total_cmp(&b.time_s).then(a.sound.cmp(&b.sound)));
    Ok(hits)
}

/// What is said of a file of `count` notes of which those with the keys `strange` are of no
/// drum of `map`; nothing if there are none. Allocates.
pub fn strange_notes_remark(strange: &[u8], count: usize, map: &NoteMap) -> Option<String> {
    let keys: BTreeSet<u8> = strange.iter().copied().collect();
    let keys: Vec<String> = keys.iter().map(u8::to_string).collect();
    (!strange.is_empty()).then(|| {
        format!(
            "{} of {count} notes belong to no drum of map {} (keys {})",
            strange.len(),
            map.id,
            keys.join(", ")
        )
    })
}

/// Where the columns of a table are.
struct Columns {
    separator: char,
    time: usize,
    class: usize,
    velocity: usize,
    /// Number of those with a title.
    titles: usize,
}

impl Columns {
    /// Of a table with this first line, and whether that names them.
    fn of(line: &str) -> (Columns, bool) {
        let mut separators = [SEPARATOR].into_iter().chain(OTHER_SEPARATORS);
        if let Some(named) = separators.find_map(|separator| Columns::named(line, separator)) {
            return (named, true);
        }
        let mut others = OTHER_SEPARATORS.into_iter();
        let other = others.find(|separator| line.contains(*separator));
        let columns = Columns {
            separator: other.unwrap_or(SEPARATOR),
            time: 0,
            class: 1,
            velocity: 2,
            titles: 3,
        };
        (columns, false)
    }

    /// As the first line names them.
    fn named(line: &str, separator: char) -> Option<Columns> {
        let titles = fields(line.trim_end().trim_end_matches(separator), separator);
        let titles: Vec<&str> = titles.collect();
        let column = |title: &str| titles.iter().position(|other| *other == title);
        Some(Columns {
            separator,
            time: column("time_s")?,
            class: column("class")?,
            // Velocities may stand last without a title.
            velocity: column("velocity").unwrap_or(titles.len()),
            titles: titles.len(),
        })
    }

    /// The number that is written as `text`.
    fn number<T: FromStr>(&self, text: &str) -> Option<T> {
        if self.separator == SEPARATOR {
            text.parse().ok()
        } else {
            text.replace(',', ".").parse().ok()
        }
    }
}

/// The fields of a line, without the quotation marks that spreadsheets write.
fn fields(line: &str, separator: char) -> impl Iterator<Item = &str> {
    line.split(separator)
        .map(|field| field.trim().trim_matches('"').trim())
}

fn read_csv<S>(
    text: &str,
    mut sound: impl FnMut(Called<'_>) -> Result<Option<S>, String>,
) -> Result<Vec<WrittenHit<S>>, String> {
    let text = text.trim_start_matches('\u{feff}');
    let (columns, is_named) = Columns::of(text.lines().next().unwrap_or_default());
    let first = usize::from(is_named);
    let mut hits = Vec::new();
    for (n, line) in text.lines().enumerate().skip(first) {
        if line.trim().is_empty() {
            continue;
        }
        let hit = read_line(line, &columns, &mut sound);
        hits.extend(hit.map_err(|error| format!("line {}: {error}", n + 1))?);
    }
    Ok(hits)
}

fn read_line<S>(
    line: &str,
    columns: &Columns,
    sound: &mut impl FnMut(Called<'_>) -> Result<Option<S>, String>,
) -> Result<Option<WrittenHit<S>>, String> {
    let fields: Vec<&str> = fields(line, columns.separator).collect();
    let field = |column: usize| fields.get(column).copied().filter(|text| !text.is_empty());
    let too_many = fields.len() > columns.titles.max(columns.velocity + 1);
    let (Some(time), Some(class), false) = (field(columns.time), field(columns.class), too_many)
    else {
        return Err(format!("expected {HEADER}, found {line:?}"));
    };
    let time_s = columns.number(time);
    let time_s = time_s.filter(|time_s: &f64| time_s.is_finite() && *time_s >= 0.0);
    let time_s = time_s.ok_or_else(|| format!("time_s: expected 0 s or more, found {time:?}"))?;
    let Some(sound) = sound(Called::Class(class)).map_err(|error| format!("class: {error}"))?
    else {
        return Ok(None);
    };
    let velocity = field(columns.velocity).map(|text| match columns.number::<f32>(text) {
        Some(velocity) if (0.0..=127.0).contains(&velocity) => Ok(velocity / 127.0),
        _ => Err(format!("velocity: expected 0 to 127, found {text:?}")),
    });
    Ok(Some(WrittenHit {
        time_s,
        sound,
        velocity: velocity.transpose()?,
    }))
}

/// Notes on any channel, through the tempo map.
fn read_midi<S>(
    bytes: &[u8],
    mut sound: impl FnMut(Called<'_>) -> Result<Option<S>, String>,
) -> Result<Vec<WrittenHit<S>>, String> {
    let notes = midi_file::read_midi(bytes).map_err(|error| error.to_string())?;
    let mut hits = Vec::with_capacity(notes.len());
    for note in notes {
        hits.extend(sound(Called::Note(note.key))?.map(|sound| WrittenHit {
            time_s: note.time_s,
            sound,
            velocity: Some(f32::from(note.velocity) / 127.0),
        }));
    }
    Ok(hits)
}

/// A table of hits (time in seconds, drum, velocity 0 to 127), one a line. Allocates.
pub fn write_csv(hits: impl IntoIterator<Item = (f64, Drum, u8)>) -> String {
    let mut text = format!("{HEADER}\n");
    for (time_s, drum, velocity) in hits {
        let class = drum.file_stem();
        // Microseconds: finer than a sample at every supported rate.
        writeln!(text, "{time_s:.6},{class},{velocity}").expect("a String takes every write");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::midi_file::{Grid, MidiNote, write_midi};

    fn drum(called: Called<'_>) -> Result<Option<Drum>, String> {
        match called {
            Called::Class(class) => Drum::from_file_stem(class).map(Some).ok_or(class.into()),
            Called::Note(key) => Ok(Drum::ALL.into_iter().find(|drum| drum.gm_note() == key)),
        }
    }

    fn table(text: &str) -> Result<Vec<WrittenHit<Drum>>, String> {
        read_csv(text, drum)
    }

    #[test]
    fn lines_are_time_class_velocity() {
        let hits = [(0.5, Drum::Kick, 127), (1.000_023, Drum::ClosedHat, 32)];
        assert_eq!(
            write_csv(hits),
            "time_s,class,velocity\n0.500000,kick,127\n1.000023,closed_hat,32\n"
        );
        assert_eq!(write_csv([]), "time_s,class,velocity\n");
    }

    #[test]
    fn what_is_written_is_read_in_order_of_time() {
        let hits = [
            (0.5, Drum::ClosedHat, 32),
            (1.0, Drum::Ride, 64),
            (0.0, Drum::Kick, 127),
        ];
        let notes = [2, 0, 1].map(|index: usize| MidiNote {
            time_s: hits[index].0,
            key: hits[index].1.gm_note(),
            velocity: hits[index].2,
        });
        let score = write_midi(&notes, 2.0, &Grid::default(), "loop").unwrap();
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in [("a.CSV", write_csv(hits).into_bytes()), ("a.mid", score)] {
            let path = folder.path().join(name);
            fs::write(&path, bytes).unwrap();
            let read = read_hits(&path, drum).unwrap();
            assert_eq!(read.len(), hits.len());
            for (hit, index) in read.iter().zip([2, 0, 1_usize]) {
                let (time_s, drum, velocity) = hits[index];
                assert!((hit.time_s - time_s).abs() < 3e-4);
                assert_eq!(hit.sound, drum);
                assert_eq!(hit.velocity, Some(f32::from(velocity) / 127.0));
            }
        }
        let error = |name: &str| {
            let error = read_hits(&folder.path().join(name), drum).unwrap_err();
            error.to_string()
        };
        assert!(error("b.csv").contains("b.csv: "));
        assert!(
            error("a.txt").ends_with("a.txt: expected a file that ends with .csv, .mid or .midi")
        );
    }

    #[test]
    fn columns_may_be_named_or_not_and_velocities_missing() {
        let hits = table("\u{feff}time_s,class\r\n0.5,kick\r\n\r\n0.25, ride ,127\r\n").unwrap();
        assert_eq!((hits[0].time_s, hits[0].velocity), (0.5, None));
        assert_eq!((hits[1].sound, hits[1].velocity), (Drum::Ride, Some(1.0)));
        assert_eq!(table("1.0,snare,3").unwrap().len(), 1);
        let hits = table("\"class\",remark, velocity, time_s\n\"kick\",loud,127,0.25\nride,,,1\n");
        let found = hits.unwrap();
        assert_eq!((found[0].time_s, found[0].sound), (0.25, Drum::Kick));
        assert_eq!((found[0].velocity, found[1].velocity), (Some(1.0), None));
    }

    #[test]
    fn spreadsheets_may_divide_columns_their_way() {
        for text in [
            "time_s;class;velocity\n0,25;kick;127\n1;ride;\n",
            "time_s\tclass\tvelocity\n0,25\tkick\t127\n1\tride\n",
            "0,25;kick;127\n1,0;ride\n",
            "0.25\tkick\t127\n1\tride\n",
            "class,remark;,time_s,velocity\nkick,loud; late,0.25,127\nride,,1\n",
        ] {
            let hits = table(text).expect(text);
            assert_eq!(
                (hits[0].time_s, hits[0].sound),
                (0.25, Drum::Kick),
                "{text}"
            );
            assert_eq!(hits[0].velocity, Some(1.0), "{text}");
            assert_eq!((hits[1].time_s, hits[1].velocity), (1.0, None), "{text}");
        }
        let error = table("time_s;class\n0,5,5;kick").unwrap_err();
        assert!(error.starts_with("line 2: time_s: expected 0 s or more, found \"0,5,5\""));
    }

    #[test]
    fn errors_name_line_and_field() {
        let error = |text: &str| table(text).unwrap_err();
        assert!(error("onset,label\n0,kick").starts_with("line 1: time_s: expected 0 s or more"));
        assert!(error("0.5,kick\nx,kick").starts_with("line 2: time_s: expected 0 s or more"));
        assert!(error("time_s,class\n\n1").starts_with("line 3: expected time_s,class,velocity"));
        assert_eq!(error("0.5,gong,3"), "line 1: class: gong");
        assert!(error("0.5,kick,128").contains("velocity: expected 0 to 127, found \"128\""));
        assert!(error("-1,kick").contains("time_s: expected 0 s or more, found \"-1\""));
        assert!(error("inf,kick").contains("time_s"));
        assert!(error("1,kick,3,4").contains("expected time_s,class,velocity"));
        assert!(read_midi(b"MThd", drum).is_err());
    }

    #[test]
    fn what_is_no_sound_is_left_out() {
        let notes = [(0.0, 61), (0.5, 42)].map(|(time_s, key)| MidiNote {
            time_s,
            key,
            velocity: 90,
        });
        let score = write_midi(&notes, 1.0, &Grid::default(), "").unwrap();
        let hits = read_midi(&score, drum).unwrap();
        assert_eq!(hits.len(), 1);
        assert_eq!(hits[0].sound, Drum::ClosedHat);
    }
}
