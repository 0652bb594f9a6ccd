//! The hits of the song as a MIDI file, where dragging notes out of the window or a MIDI
//! output is more than a host can do.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use idm_engine::drum::{DRUM_COUNT, Drum};
use idm_engine::midi_file::{Grid, MidiNote, write_midi};

/// What follows the last hit, in seconds.
const TAIL_S: f64 = 1.0;

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

/// Writes `hits` with the notes `notes` into a new file in `folder`, which is created if
/// need be, and answers its path. The file begins where the song does and has its beats;
/// hits before the song's beginning are left out. Allocates.
///
/// # Errors
/// No hits, or what the file system refuses, in words.
pub fn save(
    hits: &[SongHit],
    notes: &[u8; DRUM_COUNT],
    grid: &Grid,
    folder: &Path,
) -> Result<PathBuf, String> {
    let mut midi: Vec<MidiNote> = hits
        .iter()
        .filter(|hit| hit.song_s >= 0.0)
        .map(|hit| MidiNote {
            time_s: hit.song_s,
            key: notes[hit.drum.index()],
            velocity: (hit.velocity * 127.0).round().clamp(1.0, 127.0) as u8,
        })
        .collect();
    midi.sort_by(|a, b| a.time_s.total_cmp(&b.time_s));
    let Some(last) = midi.last() else {
        return Err("expected hits, found none: play the song first".to_owned());
    };
    let bytes = write_midi(&midi, last.time_s + TAIL_S, grid, "Inverse Drum Machine")
        .map_err(|error| error.to_string())?;
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    for number in 1.. {
        let path = folder.join(format!("Hits {number}.mid"));
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
            let path = save(&hits, &notes, &Grid::steady(90.0), &folder).expect("saved");
            assert_eq!(path, folder.join(name));
            let read = read_midi(&fs::read(path).expect("a file")).expect("MIDI");
            let found: Vec<_> = read.iter().map(|note| (note.key, note.velocity)).collect();
            assert_eq!(found, [(38, 1), (51, 64)]);
            assert!((read[0].time_s - 0.5).abs() < 1e-3 && (read[1].time_s - 2.0).abs() < 1e-3);
        }
        assert!(save(&hits[1..2], &notes, &Grid::default(), &folder).is_err());
        fs::remove_dir_all(folder).expect("removed");
    }
}
