//! The hits of the song as a MIDI file, where dragging notes out of the window or a MIDI
//! output is more than a host can do.

use std::fmt;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use idm_engine::drum::{DRUM_COUNT, Drum};
use idm_engine::midi_file::{Beat, Grid, MidiNote, write_midi};

use crate::song;

/// What follows the last hit, in seconds.
const TAIL_S: f64 = 1.0;

/// Name of the track.
const NAME: &str = "Inverse Drum Machine";

/// So far before a bar its first hit may be, in seconds.
const EARLY_S: f64 = 0.03;

/// Bars are looked for within this of a place, in seconds.
const LONGEST_BAR_S: f64 = 30.0;

/// A hit of the song.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SongHit {
    /// From the beginning of the song, in seconds.
    pub song_s: f64,
    /// The drum.
    pub drum: Drum,
    /// 0 to 1.
    pub velocity: f32,
}

/// Some whole bars of the song.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bars {
    /// Where the first begins, in seconds.
    pub from_s: f64,
    /// Where the last ends.
    pub to_s: f64,
    /// Number of the first, from 1.
    pub first: u64,
    /// Number of the last.
    pub last: u64,
}

impl Bars {
    /// The bars whose ends are nearest to two places of the song, one at least; none where
    /// the host told no beats. Allocates.
    pub fn shown(grid: &Grid, from_s: f64, to_s: f64) -> Option<Bars> {
        let beats = grid.beats(from_s - LONGEST_BAR_S, to_s + LONGEST_BAR_S);
        let lines: Vec<&Beat> = beats.iter().filter(|beat| beat.is_first()).collect();
        let nearest = |lines: &[&Beat], place_s: f64| -> Option<usize> {
            let distance = |index: &usize| (lines[*index].time_s - place_s).abs();
            (0..lines.len()).min_by(|a, b| distance(a).total_cmp(&distance(b)))
        };
        let begin = nearest(&lines[..lines.len().saturating_sub(1)], from_s)?;
        let end = begin + 1 + nearest(&lines[begin + 1..], to_s)?;
        Some(Bars {
            from_s: lines[begin].time_s,
            to_s: lines[end].time_s,
            first: lines[begin].bar,
            last: lines[end].bar - 1,
        })
    }

    /// Its hit from the beginning of the bars, if it is one of theirs: what is played a little
    /// before a bar belongs to it.
    fn part(&self, hit: &SongHit) -> Option<SongHit> {
        let part = self.from_s - EARLY_S..self.to_s - EARLY_S;
        part.contains(&hit.song_s).then(|| SongHit {
            song_s: (hit.song_s - self.from_s).max(0.0),
            ..*hit
        })
    }
}

impl fmt::Display for Bars {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.first == self.last {
            write!(f, "bar {}", self.first)
        } else {
            write!(f, "bars {}-{}", self.first, self.last)
        }
    }
}

/// Writes `hits` with the notes `notes` into a new file in `folder`, which is created if
/// need be, and answers its path. The file begins where the song does, or those of its `bars`
/// that are wanted, and has its beats; hits before that are left out, but for those that were
/// found a little early. Allocates.
///
/// # Errors
/// No hits, or what the file system refuses, in words.
pub fn save(
    hits: &[SongHit],
    notes: &[u8; DRUM_COUNT],
    grid: &Grid,
    bars: Option<&Bars>,
    folder: &Path,
) -> Result<PathBuf, String> {
    let part: Vec<SongHit>;
    let hits = match bars {
        Some(bars) => {
            part = hits.iter().filter_map(|hit| bars.part(hit)).collect();
            &part
        }
        None => hits,
    };
    let mut midi: Vec<MidiNote> = hits
        .iter()
        .filter(|hit| hit.song_s >= -song::EARLY_S)
        .map(|hit| MidiNote {
            time_s: hit.song_s.max(0.0),
            key: notes[hit.drum.index()],
            velocity: (hit.velocity * 127.0).round().clamp(1.0, 127.0) as u8,
        })
        .collect();
    midi.sort_by(|a, b| a.time_s.total_cmp(&b.time_s));
    let Some(last) = midi.last() else {
        return Err(match bars {
            Some(bars) => format!("expected hits in {bars}, found none"),
            None => "expected hits, found none: play the song first (the host must tell where \
                     it is)"
                .to_owned(),
        });
    };
    let written = match bars {
        Some(bars) => {
            let (length_s, grid) = (bars.to_s - bars.from_s, grid.part(bars.from_s));
            write_midi(&midi, length_s, &grid, NAME)
        }
        None => write_midi(&midi, last.time_s + TAIL_S, grid, NAME),
    };
    let bytes = written.map_err(|error| error.to_string())?;
    let name = bars.map_or("Hits".to_owned(), |bars| format!("Hits {bars}"));
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    for number in 1.. {
        let path = folder.join(match (bars, number) {
            (Some(_), 1) => format!("{name}.mid"),
            (Some(_), _) => format!("{name} ({number}).mid"),
            (None, _) => format!("{name} {number}.mid"),
        });
        // Another instance may save at the same time: nothing is overwritten.
        match fs::File::create_new(&path) {
            Ok(mut file) => {
                return match file.write_all(&bytes) {
                    Ok(()) => Ok(path),
                    Err(error) => {
                        // Half a file would be taken for one.
                        let _ = fs::remove_file(&path);
                        Err(failed(&path, error))
                    }
                };
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(&path, error)),
        }
    }
    Err(format!("{}: no name is free", folder.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use idm_engine::midi_file::read_midi;

    #[test]
    fn the_song_is_saved_beside_what_was_saved_before() {
        let folder = std::env::temp_dir().join(format!("idm-midi-{}", std::process::id()));
        let hit = |song_s, drum, velocity| SongHit {
            song_s,
            drum,
            velocity,
        };
        let hits = [
            hit(2.0, Drum::Ride, 0.5),
            hit(-0.5, Drum::Kick, 0.5),
            hit(0.5, Drum::Snare, 0.0),
        ];
        let notes = Drum::ALL.map(Drum::gm_note);
        for name in ["Hits 1.mid", "Hits 2.mid"] {
            let path = save(&hits, &notes, &Grid::steady(90.0), None, &folder).expect("saved");
            assert_eq!(path, folder.join(name));
            let read = read_midi(&fs::read(path).expect("a file")).expect("MIDI");
            let found: Vec<_> = read.iter().map(|note| (note.key, note.velocity)).collect();
            assert_eq!(found, [(38, 1), (51, 64)]);
            assert!((read[0].time_s - 0.5).abs() < 1e-3 && (read[1].time_s - 2.0).abs() < 1e-3);
        }
        assert!(save(&hits[1..2], &notes, &Grid::default(), None, &folder).is_err());
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn a_downbeat_that_is_found_a_little_early_begins_the_song() {
        let folder = std::env::temp_dir().join(format!("idm-downbeat-{}", std::process::id()));
        let hits = [-0.05, -0.008, 1.0].map(|song_s| SongHit {
            song_s,
            drum: Drum::Kick,
            velocity: 0.5,
        });
        let notes = Drum::ALL.map(Drum::gm_note);
        let path = save(&hits, &notes, &Grid::default(), None, &folder).expect("saved");
        let read = read_midi(&fs::read(path).expect("a file")).expect("MIDI");
        let times_s: Vec<f64> = read.iter().map(|note| note.time_s).collect();
        assert_eq!(times_s, [0.0, 1.0]);
        fs::remove_dir_all(folder).expect("removed");
    }

    #[test]
    fn some_bars_are_a_loop_that_begins_with_them() {
        let folder = std::env::temp_dir().join(format!("idm-bars-{}", std::process::id()));
        // Bars of two seconds.
        let grid = Grid::steady(120.0);
        assert_eq!(Bars::shown(&Grid::default(), 0.0, 4.0), None);
        let bars = |from_s, to_s| Bars::shown(&grid, from_s, to_s).expect("bars");
        assert_eq!(bars(3.2, 7.1).to_string(), "bars 3-4");
        assert_eq!(bars(4.3, 4.6).to_string(), "bar 3");
        assert_eq!((bars(-0.3, 1.9).from_s, bars(-0.3, 1.9).to_s), (0.0, 2.0));
        let hits = [3.9, 3.98, 5.0, 7.96, 7.98].map(|song_s| SongHit {
            song_s,
            drum: Drum::Kick,
            velocity: 0.5,
        });
        let notes = Drum::ALL.map(Drum::gm_note);
        let wanted = bars(3.2, 7.1);
        for name in ["Hits bars 3-4.mid", "Hits bars 3-4 (2).mid"] {
            let path = save(&hits, &notes, &grid, Some(&wanted), &folder).expect("saved");
            assert_eq!(path, folder.join(name));
            let bytes = fs::read(path).expect("a file");
            assert_eq!(length_ticks(&bytes), 8 * 960, "two bars");
            let read = read_midi(&bytes).expect("MIDI");
            let times_s: Vec<f64> = read.iter().map(|note| note.time_s).collect();
            assert_eq!(times_s.len(), 3, "{times_s:?}");
            for (found_s, expected_s) in times_s.iter().zip([0.0, 1.0, 3.96]) {
                assert!((found_s - expected_s).abs() < 1e-3, "{times_s:?}");
            }
        }
        let empty = bars(20.0, 22.0);
        let error = save(&hits, &notes, &grid, Some(&empty), &folder).unwrap_err();
        assert_eq!(error, "expected hits in bar 11, found none");
        fs::remove_dir_all(folder).expect("removed");
    }

    /// Ticks until the only track of a file ends. Every event has its status there.
    fn length_ticks(bytes: &[u8]) -> u64 {
        let (mut rest, mut now) = (&bytes[22..], 0);
        loop {
            let mut delta = 0;
            while let [byte, after @ ..] = rest {
                delta = delta << 7 | u64::from(byte & 0x7f);
                rest = after;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            now += delta;
            rest = match rest {
                [0xff, 0x2f, ..] => return now,
                [0xff, _, length, after @ ..] => &after[usize::from(*length)..],
                [0x80..=0x9f, _, _, after @ ..] | [_, _, after @ ..] => after,
                _ => panic!("no end of the track"),
            };
        }
    }
}
