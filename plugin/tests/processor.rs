//! The plugin without a host, with the embedded model: latency, null test,
//! bypass, blocks of any size.

// Signals are indexed by channel and time, several at once.
#![allow(clippy::needless_range_loop)]

use idm_engine::controls::{HitSource, Quality};
use idm_engine::drum::Drum;
use idm_engine::model::Model;
use inverse_drum_machine::buses::{AUX_BUS_COUNT, AuxOutputs};
use inverse_drum_machine::core::{Played, Processor, Settings, Stroke, flush_subnormals};
use inverse_drum_machine::link::link;
use inverse_drum_machine::notes::NoteMessage;
use inverse_drum_machine::params::MainOutput;

const RATE_HZ: f64 = 44_100.0;
const NOTHING: Played<'_> = Played {
    pads: &[],
    late_pads: &[],
    hits: &[],
    corrections: &[],
    song_sample: None,
    tempo: None,
};

struct Buses(Vec<[Vec<f32>; 2]>);

impl AuxOutputs for Buses {
    fn count(&self) -> usize {
        self.0.len()
    }
    fn stereo(&mut self, bus: usize) -> Option<[&mut [f32]; 2]> {
        let [left, right] = self.0.get_mut(bus)?;
        Some([left, right])
    }
}

struct Run {
    main: [Vec<f32>; 2],
    buses: Vec<[Vec<f32>; 2]>,
    notes: Vec<NoteMessage>,
    latency_samples: usize,
}

/// Runs `input` through a new processor in blocks of the given sizes, cycled.
fn run(
    input: &[Vec<f32>; 2],
    quality: Quality,
    settings: &Settings,
    blocks: &[usize],
    played: Played<'_>,
) -> Run {
    let model = Model::embedded().expect("the embedded model loads");
    let mut processor = Processor::new(RATE_HZ, quality, model).expect("44.1 kHz is supported");
    let (mut audio, _editor) = link();
    let samples = input[0].len();
    let mut main = input.clone();
    let mut buses = vec![[vec![9.0; samples], vec![9.0; samples]]; AUX_BUS_COUNT];
    let mut notes = Vec::new();
    let mut start = 0;
    for block in blocks.iter().cycle() {
        let end = samples.min(start + block);
        let mut aux = Buses(vec![
            [vec![9.0; end - start], vec![9.0; end - start]];
            AUX_BUS_COUNT
        ]);
        let within = |strokes: &[Stroke]| -> Vec<Stroke> {
            strokes
                .iter()
                .filter(|stroke| (start..end).contains(&stroke.offset))
                .map(|stroke| Stroke {
                    offset: stroke.offset - start,
                    ..*stroke
                })
                .collect()
        };
        let (here, hits_here) = (within(played.pads), within(played.hits));
        let late_here = within(played.late_pads);
        let [left, right] = &mut main;
        let messages = processor.process(
            [&mut left[start..end], &mut right[start..end]],
            &mut aux,
            settings,
            Played {
                pads: &here,
                late_pads: &late_here,
                hits: &hits_here,
                corrections: played.corrections,
                song_sample: played.song_sample.map(|song| song + start as i64),
                tempo: played.tempo,
            },
            &mut audio,
        );
        notes.extend(messages.iter().map(|message| NoteMessage {
            offset: message.offset + start as u32,
            ..*message
        }));
        for (bus, part) in buses.iter_mut().zip(&aux.0) {
            for channel in 0..2 {
                bus[channel][start..end].copy_from_slice(&part[channel]);
            }
        }
        start = end;
        if start == samples {
            break;
        }
    }
    Run {
        main,
        buses,
        notes,
        latency_samples: processor.latency_samples(),
    }
}

/// Thumps and hisses, half a second apart, with a little noise everywhere.
fn loop_input(seconds: f64) -> [Vec<f32>; 2] {
    let samples = (seconds * RATE_HZ) as usize;
    let mut state = 1_u32;
    let mut noise = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    };
    let mut left = Vec::with_capacity(samples);
    for n in 0..samples {
        let beat = n % 22_050;
        let time_s = beat as f32 / RATE_HZ as f32;
        let thump = (-time_s / 0.06).exp()
            * (std::f32::consts::TAU * (55.0 * time_s - 4.0 * (-time_s / 0.015).exp())).sin();
        let off_beat = ((n + 11_025) % 22_050) as f32 / RATE_HZ as f32;
        let hiss = (-off_beat / 0.04).exp() * noise();
        left.push(0.7 * thump + 0.4 * hiss + 1e-4 * noise());
    }
    let right = left.iter().map(|sample| 0.8 * sample).collect();
    [left, right]
}

fn level_db(value: f32) -> f32 {
    20.0 * value.max(1e-12).log10()
}

#[test]
fn the_buses_sum_to_the_delayed_input() {
    let input = loop_input(3.0);
    for quality in Quality::ALL {
        let run = run(&input, quality, &Settings::default(), &[512], NOTHING);
        let latency = run.latency_samples;
        let mut worst = 0.0_f32;
        for channel in 0..2 {
            for n in latency..input[0].len() {
                let expected = input[channel][n - latency];
                let sum: f32 = run.buses.iter().map(|bus| bus[channel][n]).sum();
                worst = worst.max((sum - expected).abs());
                worst = worst.max((run.main[channel][n] - expected).abs());
            }
        }
        assert!(
            level_db(worst) < -120.0,
            "{quality:?}: the sum is off by {:.1} dB",
            level_db(worst)
        );
    }
}

#[test]
fn bypass_and_dry_are_the_delayed_input_bit_for_bit() {
    let input = loop_input(1.0);
    let mut bypass = Settings::default();
    bypass.mix.bypass = true;
    let mut dry = Settings::default();
    dry.mix.main = MainOutput::Dry;
    for settings in [bypass, dry] {
        let run = run(&input, Quality::Standard, &settings, &[100], NOTHING);
        let latency = run.latency_samples;
        for channel in 0..2 {
            for n in 0..input[0].len() {
                let expected = if n < latency {
                    0.0_f32
                } else {
                    input[channel][n - latency]
                };
                assert_eq!(run.main[channel][n].to_bits(), expected.to_bits(), "{n}");
            }
        }
        if settings.mix.bypass {
            assert!(run.notes.is_empty());
            assert!(
                run.buses
                    .iter()
                    .flatten()
                    .flatten()
                    .all(|sample| *sample == 0.0)
            );
        }
    }
}

#[test]
fn blocks_of_any_size_give_the_same_bits_and_notes() {
    let input = loop_input(2.0);
    let mut settings = Settings::default();
    settings.controls.drums[0].blend = 0.5;
    settings.controls.drums[1].blend = 1.0;
    settings.mix.route[3] = 2;
    let pads = [
        Stroke {
            offset: 1_000,
            drum: Drum::Crash,
            velocity: 0.9,
        },
        Stroke {
            offset: 30_001,
            drum: Drum::Snare,
            velocity: 0.4,
        },
    ];
    let played = Played {
        pads: &pads,
        ..NOTHING
    };
    let whole = run(&input, Quality::Standard, &settings, &[1 << 20], played);
    for blocks in [&[64][..], &[1, 7, 333, 2048], &[480]] {
        let other = run(&input, Quality::Standard, &settings, blocks, played);
        assert_eq!(whole.main, other.main, "blocks {blocks:?}");
        assert_eq!(whole.buses, other.buses, "blocks {blocks:?}");
        assert_eq!(whole.notes, other.notes, "blocks {blocks:?}");
    }
}

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
        let (mut places, mut song_sample) = (Vec::new(), 441_000);
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
                places.extend(point.tempo);
            }
            song_sample += block as i64;
        }
        assert!(places.len() >= 3, "blocks of {block}");
        for place in places {
            let beat = place.tempo.beat.expect("told");
            assert!((beat - beat_at(place.song_s)).abs() < 1e-9);
            assert!((10.0..10.5).contains(&place.song_s));
        }
    }
}

#[test]
fn a_learnt_kit_survives_reset_state_and_another_engine() {
    use inverse_drum_machine::params::IdmParams;
    use nice_plug::prelude::Params;
    let model = || Model::embedded().expect("the embedded model loads");
    let make = || Processor::new(RATE_HZ, Quality::Standard, model()).expect("supported");
    let input = loop_input(9.0);
    let (mut audio, _editor) = link();
    let play =
        |processor: &mut Processor, audio: &mut _, pads: &[Stroke], input: &[Vec<f32>; 2]| {
            let [mut left, mut right] = input.clone();
            let mut aux = Buses(vec![]);
            let settings = Settings::default();
            let played = Played { pads, ..NOTHING };
            processor.process([&mut left, &mut right], &mut aux, &settings, played, audio);
            [left, right]
        };
    let mut first = make();
    play(&mut first, &mut audio, &[], &input);
    let learnt = first.evidence();
    assert!(learnt[Drum::Kick.index()].hits > 2, "{learnt:?}");
    first.reset();
    assert_eq!(first.evidence(), learnt);

    let params = IdmParams::default();
    params.kit.follow(first.kit_shelf().clone());
    let saved = params.serialize_fields();
    assert!(
        saved["kit"].len() < 3_000_000,
        "{} bytes",
        saved["kit"].len()
    );
    let opened = IdmParams::default();
    opened.deserialize_fields(&saved);
    let mut second = make();
    second.restore_kit(&opened.kit.take_loaded().expect("a kit was saved"));
    opened.kit.follow(second.kit_shelf().clone());
    assert_eq!(second.evidence(), learnt);
    assert_eq!(opened.serialize_fields()["kit"], saved["kit"]);
    let pads = [Stroke {
        offset: 10,
        drum: Drum::Kick,
        velocity: 0.9,
    }];
    let silence = [vec![0.0; 30_000], vec![0.0; 30_000]];
    let a = play(&mut first, &mut audio, &pads, &silence);
    let b = play(&mut second, &mut audio, &pads, &silence);
    assert!(a == b && a[0].iter().any(|sample| sample.abs() > 0.01));

    second.forget_kit();
    assert_eq!(second.evidence()[0].hits, 0);
    let mut fresh = make();
    second.reset();
    let forgotten = play(&mut second, &mut audio, &pads, &silence);
    assert!(forgotten == play(&mut fresh, &mut audio, &pads, &silence));
    assert!(forgotten != a);
}

#[test]
fn a_kit_that_is_loaded_while_audio_plays_is_heard_a_second_later() {
    let model = || Model::embedded().expect("the embedded model loads");
    let make = || Processor::new(RATE_HZ, Quality::Standard, model()).expect("supported");
    let mut settings = Settings::default();
    let play = |processor: &mut Processor, settings: &Settings, input: &[Vec<f32>; 2]| {
        let [mut left, mut right] = input.clone();
        let main = [&mut left[..], &mut right[..]];
        let mut aux = Buses(vec![]);
        let (mut audio, _editor) = link();
        processor.process(main, &mut aux, settings, NOTHING, &mut audio);
    };
    let mut first = make();
    first.set_offline(true);
    play(&mut first, &settings, &loop_input(9.0));
    let learnt = first.evidence();
    assert!(learnt[Drum::Kick.index()].hits > 2, "{learnt:?}");
    let kit = first.kit_shelf().current();

    let mut second = make();
    second.set_offline(true);
    let second_of_silence = [vec![0.0; 44_100], vec![0.0; 44_100]];
    for is_learning in [true, false] {
        settings.controls.learning = is_learning;
        play(&mut second, &settings, &second_of_silence);
        let box_of_kit = Box::new((*kit).clone());
        second.load_kit(box_of_kit).expect("nothing waits");
        assert_eq!(second.evidence()[Drum::Kick.index()].hits, 0);
        // A little is heard of it already: hosts reset when they like.
        play(
            &mut second,
            &settings,
            &[vec![0.1; 4_410], vec![0.1; 4_410]],
        );
        second.reset();
        play(&mut second, &settings, &loop_input(1.5));
        assert_eq!(second.evidence(), learnt, "learning {is_learning}");
        assert_eq!(second.kit_shelf().current(), kit);
        second.forget_kit();
    }
}

#[test]
fn subnormal_input_is_silence() {
    let mut channel = [0.5, -1e-39, f32::MIN_POSITIVE, 1e-45, -0.25];
    flush_subnormals(&mut channel);
    assert_eq!(channel, [0.5, 0.0, f32::MIN_POSITIVE, 0.0, -0.25]);
}
