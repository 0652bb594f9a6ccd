//! The learnt kit: kept, saved, loaded.

use super::*;

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
fn a_kit_from_a_file_is_handed_over_while_audio_plays_and_sounds_as_when_it_is_opened_again() {
    use idm_engine::audio_file::{AudioBuffer, write_wav};
    use inverse_drum_machine::file_work::{Done, FileWork};
    use inverse_drum_machine::params::IdmParams;
    use nice_plug::prelude::Params;
    let path = std::env::temp_dir().join(format!("idm-handed-{}.wav", std::process::id()));
    let audio = AudioBuffer {
        sample_rate_hz: RATE_HZ,
        channels: loop_input(8.0).to_vec(),
    };
    write_wav(&path, &audio).expect("written");
    let model = || Model::embedded().expect("the embedded model loads");
    let make = || Processor::new(RATE_HZ, Quality::Standard, model()).expect("supported");
    // Frozen, so that nothing else is learnt meanwhile.
    let mut settings = Settings::default();
    settings.controls.learning = false;
    let play = |processor: &mut Processor, samples: usize| {
        let input = loop_input(4.0);
        let mut sides = input.map(|side| side[..samples].to_vec());
        let [left, right] = &mut sides;
        let mut aux = Buses(vec![
            [vec![0.0; samples], vec![0.0; samples]];
            AUX_BUS_COUNT
        ]);
        let (mut audio, _editor) = link();
        processor.process([left, right], &mut aux, &settings, NOTHING, &mut audio);
        aux.0
    };
    let (params, work) = (IdmParams::default(), FileWork::default());
    let mut inbox = params.kit.take_inbox().expect("the first");
    let mut first = make();
    first.set_offline(true);
    params.kit.follow(first.kit_shelf().clone());
    work.learn_kit(&path, &params).expect("it starts");
    let before = params.serialize_fields()["kit"].clone();
    let outcome = loop {
        // It plays all the while, and nothing waits for anything.
        play(&mut first, 4_410);
        inbox.offer(|kit| first.load_kit(kit));
        if let Some(outcome) = work.take_outcome() {
            break outcome;
        }
    };
    let Ok(Done::Kit(learnt)) = outcome.result else {
        panic!("expected a kit, found {:?}", outcome.result);
    };
    assert!(learnt.drums.contains(&Drum::Kick), "{learnt:?}");
    inbox.offer(|kit| first.load_kit(kit));
    play(&mut first, 2 * 44_100);
    for drum in &learnt.drums {
        assert!(first.evidence()[drum.index()].hits > 0, "{drum:?}");
    }
    let saved = params.serialize_fields();
    assert_ne!(saved["kit"], before);
    first.reset();
    let heard = play(&mut first, 3 * 44_100);

    let opened = IdmParams::default();
    opened.deserialize_fields(&saved);
    let mut second = make();
    second.restore_kit(&opened.kit.take_loaded().expect("a kit was saved"));
    assert_eq!(second.evidence(), first.evidence());
    // As hosts do before they play.
    second.reset();
    assert!(play(&mut second, 3 * 44_100) == heard);
    assert!(play(&mut make(), 3 * 44_100) != heard, "it is heard");
    std::fs::remove_file(path).expect("removed");
}
