//! What is played when: CSV and MIDI files beside recordings.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail, ensure};

use crate::{
    kits::{Sound, sound_from_spelling},
    performance::{parse_midi, sound_of_note},
};

/// One annotated stroke.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Annotation {
    /// Time from the start of the recording.
    pub time_s: f64,
    /// What is struck.
    pub sound: Sound,
    /// How hard, 0..1, where the annotation tells.
    pub velocity: Option<f32>,
}

/// Reads the strokes of a `.csv` (columns `time_s`, `class` and, optionally,
/// `velocity` from 0 to 127; a class is a name that [`sound_from_spelling`]
/// knows or a General MIDI note) or of a `.mid` or `.midi` file, in order of time. Notes
/// that are no drum are left out. Allocates.
///
/// # Errors
/// When the file cannot be read or does not have this form; the message names
/// the file, the line, what is expected and what is found.
pub fn read_annotations(path: &Path) -> Result<Vec<Annotation>> {
    let extension = path
        .extension()
        .and_then(|extension| extension.to_str())
        .unwrap_or_default()
        .to_ascii_lowercase();
    let mut strokes = match extension.as_str() {
        "csv" => read_csv(path)?,
        "mid" | "midi" => {
            let bytes =
                fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
            let events = parse_midi(&bytes).with_context(|| format!("{}", path.display()))?;
            let strokes = events.into_iter().map(|event| Annotation {
                time_s: event.time_s,
                sound: event.sound,
                velocity: Some(event.velocity),
            });
            strokes.collect()
        }
        _ => bail!(
            "{}: expected a .csv, .mid or .midi file of hits",
            path.display()
        ),
    };
    strokes.sort_by(|a, b| a.time_s.total_cmp(&b.time_s).then(a.sound.cmp(&b.sound)));
    Ok(strokes)
}

fn read_csv(path: &Path) -> Result<Vec<Annotation>> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .flexible(true)
        .from_path(path)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let header = reader
        .headers()
        .with_context(|| format!("{} line 1", path.display()))?
        .clone();
    let column = |name: &str| header.iter().position(|title| title == name);
    let (Some(time), Some(class)) = (column("time_s"), column("class")) else {
        bail!(
            "{} line 1: expected the columns time_s, class and perhaps velocity, found {:?}",
            path.display(),
            header.iter().collect::<Vec<_>>()
        );
    };
    let velocity = column("velocity");
    let mut strokes = Vec::new();
    for (index, row) in reader.records().enumerate() {
        let place = || format!("{} line {}", path.display(), index + 2);
        let row = row.with_context(place)?;
        let field = |column: usize| row.get(column).unwrap_or_default();
        let time_s: f64 = field(time).parse().with_context(|| {
            format!(
                "{}: expected a time in seconds, found {:?}",
                place(),
                field(time)
            )
        })?;
        ensure!(
            time_s.is_finite() && time_s >= 0.0,
            "{}: expected a time from 0 s on, found {time_s}",
            place()
        );
        let name = field(class);
        let note = name.parse().ok();
        let Some(sound) = note.map_or_else(|| sound_from_spelling(name), sound_of_note) else {
            if note.is_some() {
                continue;
            }
            bail!(
                "{}: expected a drum ({}) or a General MIDI note, found {name:?}",
                place(),
                Sound::ALL.map(Sound::name).join(", ")
            );
        };
        let velocity = match velocity.map(field).filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => {
                let value: f32 = text
                    .parse()
                    .with_context(|| format!("{}: expected a velocity, found {text:?}", place()))?;
                ensure!(
                    (0.0..=127.0).contains(&value),
                    "{}: expected a velocity from 0 to 127, found {text}",
                    place()
                );
                Some(value / 127.0)
            }
        };
        strokes.push(Annotation {
            time_s,
            sound,
            velocity,
        });
    }
    Ok(strokes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn csv_is_read_with_and_without_velocities_and_errors_name_the_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        fs::write(
            &path,
            "class, time_s, velocity\nclosed_hat, 1.5, 127\nkick,0.25,\n38,2.0,64\n99,3,1\n",
        )
        .unwrap();
        let strokes = read_annotations(&path).unwrap();
        let found: Vec<_> = strokes.iter().map(|s| (s.time_s, s.sound)).collect();
        assert_eq!(
            found,
            [
                (0.25, Sound::Kick),
                (1.5, Sound::ClosedHat),
                (2.0, Sound::Snare)
            ]
        );
        assert_eq!(strokes[0].velocity, None);
        assert_eq!(strokes[1].velocity, Some(1.0));
        for (text, expected) in [
            ("time_s,class\nsoon,kick\n", "line 2: expected a time"),
            ("time_s,class\n0,bagpipe\n", "found \"bagpipe\""),
            ("time_s,class\n-1,kick\n", "from 0 s on"),
            ("time_s,class,velocity\n0,kick,200\n", "0 to 127, found 200"),
            ("onset,label\n0,kick\n", "found [\"onset\", \"label\"]"),
        ] {
            fs::write(&path, text).unwrap();
            let error = format!("{:#}", read_annotations(&path).unwrap_err());
            assert!(
                error.contains(expected) && error.contains("a.csv"),
                "{error}"
            );
        }
        assert!(read_annotations(&folder.path().join("b.txt")).is_err());
    }
}
