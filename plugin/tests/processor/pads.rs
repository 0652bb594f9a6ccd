//! Pads and notes.

use super::*;

#[test]
fn a_pad_sounds_at_once_on_its_bus() {
    let silence = [vec![0.0; 8_192], vec![0.0; 8_192]];
    let pad = Stroke {
        offset: 3_000,
        drum: Drum::Snare,
        velocity: 1.0,
    };
    let run = run(
        &silence,
        Quality::Standard,
        &Settings::default(),
        &[512],
        Played {
            pads: &[pad],
            ..NOTHING
        },
    );
    let first = run.buses[Drum::Snare.index()][0]
        .iter()
        .position(|sample| sample.abs() > 1e-3)
        .expect("the snare's one-shot sounds");
    assert!((3_000..3_500).contains(&first), "it starts at {first}");
    for (bus, channels) in run.buses.iter().enumerate() {
        if bus != Drum::Snare.index() {
            assert!(
                channels[0].iter().all(|sample| sample.abs() < 1e-3),
                "bus {bus}"
            );
        }
    }
}

#[test]
fn a_pad_of_the_song_sounds_with_the_delayed_recording() {
    let silence = [vec![0.0; 16_384], vec![0.0; 16_384]];
    let pad = |offset| Stroke {
        offset,
        drum: Drum::Snare,
        velocity: 1.0,
    };
    let settings = Settings::default();
    let latency = run(&silence, Quality::Standard, &settings, &[512], NOTHING).latency_samples;
    let at_once = Played {
        pads: &[pad(3_000 + latency)],
        ..NOTHING
    };
    let late = Played {
        late_pads: &[pad(3_000)],
        ..NOTHING
    };
    let expected = run(&silence, Quality::Standard, &settings, &[512], at_once);
    assert!(expected.main[0].iter().any(|sample| sample.abs() > 0.01));
    for blocks in [&[512][..], &[1, 777, 64], &[1 << 20]] {
        let found = run(&silence, Quality::Standard, &settings, blocks, late);
        assert!(found.buses == expected.buses, "blocks {blocks:?}");
    }
}

#[test]
fn accepted_hits_become_notes_that_end() {
    let input = loop_input(4.0);
    let run = run(
        &input,
        Quality::Standard,
        &Settings::default(),
        &[256],
        NOTHING,
    );
    let known = Drum::ALL.map(Drum::gm_note);
    assert!(run.notes.iter().all(|note| known.contains(&note.note)));
    assert!(
        run.notes
            .windows(2)
            .all(|pair| pair[0].offset <= pair[1].offset)
    );
    let ons = run.notes.iter().filter(|note| note.velocity.is_some());
    let first = ons.clone().next().expect("thumps are heard");
    let kicks: Vec<u32> = ons
        .filter(|note| note.note == first.note)
        .map(|note| note.offset)
        .collect();
    assert!(!kicks.is_empty());
    // Notes come with the delayed sound: a thump every half second.
    let latency = run.latency_samples as u32;
    assert!(kicks.iter().all(|at| *at >= latency.saturating_sub(1_024)));
    // Every note ends before its next one, 50 ms after it began at the latest.
    let gate = (0.05 * RATE_HZ).round() as u32;
    let mut sounding = [None; 128];
    for note in &run.notes {
        let began = &mut sounding[usize::from(note.note)];
        match (note.velocity, *began) {
            (Some(_), None) => *began = Some(note.offset),
            (None, Some(at)) if note.offset <= at + gate => *began = None,
            _ => panic!("{note:?} while {began:?}"),
        }
    }
    let last = run.main[0].len() as u32 - gate;
    assert!(sounding.iter().flatten().all(|began| *began > last));
}

#[test]
fn notes_that_come_in_are_the_hits() {
    // Four thumps; the performer of the notes knows of two of them, and calls them
    // floor tom and crash.
    let input = loop_input(2.0);
    let mut settings = Settings::default();
    settings.controls.hits = HitSource::Given;
    let at = [(22_050, Drum::FloorTom, 0.25), (44_100, Drum::Crash, 0.75)];
    let hits = at.map(|(offset, drum, velocity)| Stroke {
        offset,
        drum,
        velocity,
    });
    let played = Played {
        hits: &hits,
        ..NOTHING
    };
    let whole = run(&input, Quality::Standard, &settings, &[1 << 20], played);
    let latency = whole.latency_samples as u32;
    let ons: Vec<_> = whole
        .notes
        .iter()
        .filter_map(|note| Some((note.offset - latency, note.note, note.velocity?)))
        .collect();
    let expected = at.map(|(offset, drum, velocity)| (offset as u32, drum.gm_note(), velocity));
    assert_eq!(ons, expected, "as they came in, with the delayed sound");
    let energy = |drum: Drum| -> f32 {
        let bus = &whole.buses[drum.index()][0];
        bus.iter().map(|sample| sample * sample).sum()
    };
    let (tom, kick) = (energy(Drum::FloorTom), energy(Drum::Kick));
    assert!(tom > 1_000.0 * kick, "{tom} {kick}");
    for blocks in [&[64][..], &[1, 7, 333, 2048]] {
        let other = run(&input, Quality::Standard, &settings, blocks, played);
        assert_eq!(whole.buses, other.buses, "blocks {blocks:?}");
        assert_eq!(whole.notes, other.notes, "blocks {blocks:?}");
    }
}
