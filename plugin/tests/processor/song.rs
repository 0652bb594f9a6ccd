//! Places in the song: corrections and beats.

use super::*;

#[test]
fn corrections_take_effect_at_their_places_in_the_song() {
    use inverse_drum_machine::corrections::Correction;
    // Thumps at half seconds; the recording begins ten seconds into the song.
    let input = loop_input(4.0);
    let song_sample = Some((10.0 * RATE_HZ) as i64);
    let settings = Settings::default();
    let plain = run(&input, Quality::Standard, &settings, &[512], NOTHING);
    let onset = |note: &NoteMessage| (note.offset as usize).saturating_sub(plain.latency_samples);
    let ons = plain.notes.iter().filter(|note| note.velocity.is_some());
    let heard = ons.clone().find(|note| onset(note) > 80_000);
    let heard = *heard.expect("a thump is heard");
    let drum = Drum::ALL
        .into_iter()
        .find(|drum| drum.gm_note() == heard.note);
    let drum = drum.expect("one of ours");
    let song_s = 10.0 + onset(&heard) as f64 / RATE_HZ;
    let added_s = 10.0 + 3.3;
    let at = |song_s, drum, is_hit| Correction {
        song_s,
        drum,
        is_hit,
        snaps: false,
        lesson: None,
    };
    let corrections = [
        at(song_s - 5.0, drum, false),
        at(song_s, drum, false),
        at(added_s, Drum::Crash, true),
        at(song_s + 5.0, drum, false),
    ];
    let played = Played {
        corrections: &corrections,
        song_sample,
        ..NOTHING
    };
    let corrected = run(&input, Quality::Standard, &settings, &[512], played);
    let count = |run: &Run, note| {
        let ons = run.notes.iter().filter(|on| on.velocity.is_some());
        ons.filter(|on| on.note == note).count()
    };
    assert_eq!(count(&corrected, heard.note) + 1, count(&plain, heard.note));
    let crash = Drum::Crash.gm_note();
    assert_eq!(count(&corrected, crash), count(&plain, crash) + 1);
    let added = ((added_s - 10.0) * RATE_HZ).round() as usize + corrected.latency_samples;
    let is_added = |note: &NoteMessage| note.note == crash && note.offset as usize == added;
    assert!(corrected.notes.iter().any(is_added));
    // Whatever the blocks; and without effect while the transport stands.
    for blocks in [&[1, 1_999, 64][..], &[8_192]] {
        let other = run(&input, Quality::Standard, &settings, blocks, played);
        assert_eq!(corrected.notes, other.notes, "blocks {blocks:?}");
        assert_eq!(corrected.buses, other.buses, "blocks {blocks:?}");
    }
    // One that was placed by eye is the thump that is there.
    let by_eye = [Correction {
        snaps: true,
        ..at(song_s + 0.01, drum, true)
    }];
    let played = Played {
        corrections: &by_eye,
        ..played
    };
    let placed = run(&input, Quality::Standard, &settings, &[512], played);
    assert_eq!(count(&placed, heard.note), count(&plain, heard.note));
    let is_thump = |note: &NoteMessage| {
        let off = note.offset.abs_diff(heard.offset);
        note.note == heard.note && f64::from(off) < 1.5e-3 * RATE_HZ
    };
    assert!(placed.notes.iter().any(is_thump));
    // A hit just before the place at which playback begins is the first there.
    let early = [at(10.0 - 0.005, Drum::Crash, true)];
    let played = Played {
        corrections: &early,
        ..played
    };
    let begins = run(&input, Quality::Standard, &settings, &[512], played);
    let is_first =
        |note: &NoteMessage| note.note == crash && note.offset as usize == plain.latency_samples;
    assert!(begins.notes.iter().any(is_first));
    let standing = Played {
        song_sample: None,
        ..played
    };
    let standing = run(&input, Quality::Standard, &settings, &[512], standing);
    assert_eq!(standing.buses, plain.buses);
}

#[test]
fn places_that_no_song_has_are_none() {
    use inverse_drum_machine::corrections::Correction;
    let input = loop_input(0.5);
    let settings = Settings::default();
    let corrections = [-1.0, 0.2, 0.3].map(|song_s| Correction {
        song_s,
        drum: Drum::Crash,
        is_hit: true,
        snaps: false,
        lesson: None,
    });
    let heard = |song_sample| {
        let played = Played {
            corrections: &corrections,
            song_sample,
            ..NOTHING
        };
        run(&input, Quality::Low, &settings, &[512], played).buses
    };
    let standing = heard(None);
    let end = i64::MAX - input[0].len() as i64;
    for place in [i64::MIN, i64::MIN + 600, -(1 << 53), 1 << 53, end] {
        assert!(heard(Some(place)) == standing, "{place}");
    }
    assert!(heard(Some(0)) != standing);
}

#[test]
fn beats_are_told_for_their_place_in_the_song() {
    use inverse_drum_machine::song::Tempo;
    let model = || Model::embedded().expect("the embedded model loads");
    let beat_at = |song_s: f64| 7.0 + song_s * 1.6;
    for block in [32, 480, 4_096] {
        let mut processor = Processor::new(RATE_HZ, Quality::Standard, model()).expect("supported");
        let (mut audio, mut editor) = link();
        audio.set_sample_rate(RATE_HZ);
        editor.shared.window_opened();
        let mut aux = Buses(vec![]);
        let (mut places, mut song_sample, mut heard) = (Vec::new(), 441_000, 0);
        while song_sample < 463_050 {
            let tempo = Tempo {
                beat: Some(beat_at(song_sample as f64 / RATE_HZ)),
                bpm: 96.0,
                signature: None,
            };
            // Hosts tell the tempo while the transport stands, too.
            let is_playing = song_sample >= 445_000;
            let played = Played {
                song_sample: is_playing.then_some(song_sample),
                tempo: Some(tempo),
                ..NOTHING
            };
            let (mut left, mut right) = (vec![0.0; block], vec![0.0; block]);
            let main = [&mut left[..], &mut right[..]];
            processor.process(main, &mut aux, &Settings::default(), played, &mut audio);
            while let Ok(point) = editor.wave.pop() {
                assert_eq!(point.tempo.is_some(), is_playing);
                // From its first block on the song is heard without a jump.
                let first = (445_000..).find(|n| (n - 441_000) % block as i64 == 0);
                let begin_s = first.map(|sample| sample as f64 / RATE_HZ);
                assert_eq!(point.begin_s, point.song_s.and(begin_s));
                heard += usize::from(point.begin_s.is_some());
                places.extend(point.tempo);
            }
            song_sample += block as i64;
        }
        assert!(places.len() >= 3 && heard >= 3, "blocks of {block}");
        for place in places {
            let beat = place.tempo.beat.expect("told");
            assert!((beat - beat_at(place.song_s)).abs() < 1e-9);
            assert!((10.0..10.5).contains(&place.song_s));
        }
    }
}

#[test]
fn corrections_teach_about_the_rest_of_the_song() {
    use idm_engine::engine::{Engine, EngineConfig, Events, Stems};
    use idm_engine::transcriber::Lesson;
    use inverse_drum_machine::corrections::Correction;
    let input = loop_input(4.0);
    let config = EngineConfig {
        sample_rate_hz: RATE_HZ,
        quality: Quality::Standard,
    };
    let model = Model::embedded().expect("the embedded model loads");
    let mut engine = Engine::new(config, model).expect("44.1 kHz is supported");
    let samples = input[0].len();
    let (mut stems, mut events) = (Stems::new(samples), Events::new(samples));
    engine.process([&input[0], &input[1]], &mut stems, &mut events);
    // Somewhere else in the song the user said that nothing is played in such moments.
    let corrections: Vec<Correction> = (500..)
        .zip(events.hits())
        .map(|(second, hit)| Correction {
            song_s: f64::from(second),
            drum: hit.drum,
            is_hit: false,
            snaps: false,
            lesson: Some(Lesson {
                odds: hit.evidence.odds,
                played: [false; 9],
            }),
        })
        .collect();
    assert!(corrections.len() > 4);
    let settings = Settings::default();
    let heard = |corrections: &[Correction], blocks: &[usize]| {
        let played = Played {
            corrections,
            song_sample: Some(0),
            ..NOTHING
        };
        run(&input, Quality::Standard, &settings, blocks, played).buses
    };
    let (plain, taught) = (heard(&[], &[512]), heard(&corrections, &[512]));
    assert!(plain != taught, "the drums are doubted");
    assert!(taught == heard(&corrections, &[1, 1_999, 64]));
}
