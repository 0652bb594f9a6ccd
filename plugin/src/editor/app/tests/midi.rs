//! The song's hits as a file, saved by the button.

use idm_engine::midi_file::{TimeSignature, read_midi};

use super::*;
use crate::song::{Tempo, TempoPoint};

const RATE_HZ: f64 = 48_000.0;
const BLOCK: usize = 960;

/// A song that falls from 120 to 75 beats per minute at its beat 4.
fn time_s(beat: f64) -> f64 {
    if beat < 4.0 {
        beat / 2.0
    } else {
        2.0 + (beat - 4.0) * 0.8
    }
}

fn tempo_at(song_s: f64) -> Tempo {
    let (beat, bpm) = if song_s < 2.0 {
        (song_s * 2.0, 120.0)
    } else {
        (4.0 + (song_s - 2.0) / 0.8, 75.0)
    };
    Tempo {
        beat: Some(beat),
        bpm,
        signature: TimeSignature::new(3, 4),
    }
}

/// Plays a part of the song, with a snare on every half beat.
fn play(window: &mut Window, from_s: f64, to_s: f64) {
    let block_s = BLOCK as f64 / RATE_HZ;
    for number in 0..((to_s - from_s) / block_s) as usize {
        let song_s = from_s + number as f64 * block_s;
        let tempo = tempo_at(song_s);
        for half in 0..40 {
            let hit_s = time_s(f64::from(half) / 2.0);
            if (song_s..song_s + block_s).contains(&hit_s) {
                let mark = HitMark::accepted(Drum::Snare, Some(hit_s));
                window.audio.hit(((hit_s - song_s) * RATE_HZ) as u32, mark);
            }
        }
        window.audio.tempo(Some(TempoPoint { song_s, tempo }));
        let heard_s = Some(song_s + block_s);
        window.audio.end_block(BLOCK, &Peaks::default(), heard_s);
        if number % 20 == 0 {
            window.frame(vec![]);
        }
    }
    // The transport stands.
    window.audio.tempo(None);
    window.audio.end_block(BLOCK, &Peaks::default(), None);
    window.frame(vec![]);
}

/// Presses *Save MIDI*; the file's bytes.
fn save(window: &mut Window, name: &str) -> Vec<u8> {
    let folder = std::env::temp_dir().join(format!("idm-{name}-{}", std::process::id()));
    window.app.kits_folder.clone_from(&folder);
    let edit = window.place_of("Edit hits").expect("a button");
    window.click(edit);
    window.frame(vec![]);
    let button = window.place_of("Save MIDI").expect("a button");
    window.click(button);
    let bytes = std::fs::read(folder.join("Hits 1.mid")).expect("a file");
    std::fs::remove_dir_all(folder).unwrap();
    bytes
}

fn window() -> Window {
    let mut window = Window::new(1180.0, 760.0);
    let texts = Texts::default();
    let shared = window.audio.shared();
    shared.announce(Status::Running, RATE_HZ, 3080, Quality::Standard, texts);
    window.frame(vec![]);
    window
}

/// A window over a song that has been played.
pub fn played() -> Window {
    let mut window = window();
    play(&mut window, 0.0, 3.0);
    window
}

/// Beats of the notes: as read by who knows no tempo but that of files without any.
fn beats(mut bytes: Vec<u8>) -> Vec<f64> {
    while let Some(at) = bytes.windows(3).position(|word| word == [0xff, 0x51, 3]) {
        // A tempo becomes a text.
        bytes[at + 1] = 1;
    }
    let notes = read_midi(&bytes).expect("MIDI");
    notes.iter().map(|note| note.time_s * 2.0).collect()
}

#[test]
fn a_song_that_changes_its_tempo_is_saved_on_its_grid() {
    let mut window = window();
    // Begun within, with a part left out, and a loop across the change.
    play(&mut window, 0.987, 3.501);
    play(&mut window, 5.003, 8.0);
    for _ in 0..2 {
        play(&mut window, 1.471, 2.507);
    }
    let bytes = save(&mut window, "tempo");
    // The view of the song has its bars.
    let texts = window.texts();
    for bar in ["2", "3"] {
        assert!(texts.iter().any(|text| text == bar), "bar {bar}: {texts:?}");
    }
    assert!(!texts.iter().any(|text| text == "0:01.0"), "{texts:?}");
    let signature = [0xff, 0x58, 4, 3, 2];
    assert!(bytes.windows(5).any(|word| word == signature));

    let heard = |beat: &f64| {
        let at_s = time_s(*beat);
        (0.987..3.48).contains(&at_s) || (5.003..7.98).contains(&at_s)
    };
    let halves = (0..40).map(|half| f64::from(half) / 2.0);
    let expected: Vec<f64> = halves.filter(heard).collect();
    let notes = read_midi(&bytes).expect("MIDI");
    assert_eq!(notes.len(), expected.len());
    for (note, beat) in notes.iter().zip(&expected) {
        assert!((note.time_s - time_s(*beat)).abs() < 5e-4, "{note:?}");
    }
    for (found, beat) in beats(bytes).into_iter().zip(expected) {
        assert!((found - beat).abs() < 1.01 / 960.0, "{found} is not {beat}");
    }
}

#[test]
fn without_a_tempo_a_file_has_that_of_files_without() {
    let mut window = window();
    for number in 0..400 {
        let song_s = f64::from(number) / 200.0;
        if number == 200 {
            window.audio.hit(0, ride(song_s));
        }
        window.audio.end_block(240, &Peaks::default(), Some(song_s));
    }
    window.frame(vec![]);
    let bytes = save(&mut window, "no-tempo");
    let notes = read_midi(&bytes).expect("MIDI");
    assert_eq!(notes.len(), 1);
    assert_eq!((notes[0].time_s, notes[0].key), (1.0, Drum::Ride.gm_note()));
    assert_eq!(beats(bytes), [2.0]);
}

#[test]
fn dynamics_that_are_set_after_the_song_was_heard_are_those_of_the_file() {
    let mut window = window();
    play(&mut window, 0.0, 3.0);
    let velocities = |window: &mut Window, name: &str| -> Vec<u8> {
        let bytes = save(window, name);
        let done = window.place_of("Done").expect("a button");
        window.click(done);
        window.frame(vec![]);
        let notes = read_midi(&bytes).expect("MIDI");
        notes.iter().map(|note| note.velocity).collect()
    };
    let heard = velocities(&mut window, "heard");
    assert!(heard.len() > 4 && heard.iter().all(|velocity| *velocity == 64));
    let context = window.app.context.clone().expect("an open window");
    let dynamics = &window.params.drums[Drum::Snare.index()].dynamics;
    set(&context.param_setter(), dynamics, 0.0);
    window.frame(vec![]);
    let alike = velocities(&mut window, "alike");
    assert_eq!(alike, vec![102; heard.len()], "an ordinary stroke each");
}

#[test]
fn shown_bars_are_saved_and_the_song_without_its_view() {
    let folder = std::env::temp_dir().join(format!("idm-shown-{}", std::process::id()));
    let mut window = window();
    window.app.kits_folder.clone_from(&folder);
    play(&mut window, 0.0, 6.0);
    let whole = window
        .place_of("Save MIDI")
        .expect("a button of the toolbar");
    window.click(whole);
    window.frame(vec![]);
    let edit = window.place_of("Edit hits").expect("a button");
    window.click(edit);
    window.frame(vec![]);
    let bars = window.place_of("Save these bars").expect("a button");
    window.click(bars);
    let mut names: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    // Shown are four seconds from the fourth on: bars begin at 3.6, 6.0 and 8.4 s.
    assert_eq!(names, ["Hits 1.mid", "Hits bars 3-4.mid"]);
    let notes = |name: &str| read_midi(&std::fs::read(folder.join(name)).unwrap()).unwrap();
    assert_eq!(notes("Hits bars 3-4.mid")[0].time_s, 0.0);
    assert!(notes("Hits 1.mid").len() > notes("Hits bars 3-4.mid").len());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_moment_that_is_asked_about_is_told_as_the_host_shows_it() {
    use crate::editor::song_view::in_words;
    let mut window = window();
    play(&mut window, 0.0, 6.0);
    for name in ["Edit hits", "Ask me"] {
        let button = window.place_of(name).expect(name);
        window.click(button);
        window.frame(vec![]);
    }
    assert!(window.texts().iter().any(|text| text.starts_with("bar ")));
    let grid = lock(&window.app.monitor).take.grid();
    // Beat 5 of the song, of which three are a bar, is at 2.8 s.
    assert_eq!(in_words(&grid, 2.79), "bar 2, beat 3");
    assert_eq!(in_words(&grid, 3.5), "bar 2, beat 3");
    assert_eq!(in_words(&grid, 3.58), "bar 3, beat 1");
    assert_eq!(in_words(&Default::default(), 63.5), "1:03.500");
}
