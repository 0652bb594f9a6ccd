use super::*;
use crate::one_shots::OneShot;

fn bank() -> Arc<Bank> {
    let shots: Vec<_> = (0..DRUM_COUNT)
        .map(|drum| {
            let samples = (0..4_000)
                .map(|n| ((n * (drum + 1)) as f32 * 0.1).sin() * (-(n as f32) / 1_000.0).exp())
                .collect();
            OneShot::new(44_100.0, vec![samples]).unwrap()
        })
        .collect();
    Arc::new(Bank::new(&shots, 44_100.0).unwrap())
}

fn buffers(samples: usize) -> [[Vec<f32>; 2]; DRUM_COUNT] {
    std::array::from_fn(|_| [vec![0.0; samples], vec![0.0; samples]])
}

fn start(drum: Drum) -> StartVoice {
    StartVoice {
        drum,
        layer: 0,
        amplitude: 0.5,
        tune_semitones: 0.0,
        decay: 1.0,
        late_samples: 0,
    }
}

#[test]
fn a_voice_is_the_scaled_one_shot_from_its_start_on() {
    let bank = bank();
    let mut voices = Voices::new(44_100.0, bank.clone());
    let mut output = buffers(512);
    voices.render(0..100, &[true; DRUM_COUNT], &mut output);
    voices.start(start(Drum::Snare));
    voices.render(100..512, &[true; DRUM_COUNT], &mut output);
    let source = bank.one_shot(Drum::Snare).channel(0);
    assert!(output[1][0][..100].iter().all(|&sample| sample == 0.0));
    for n in 100..512 {
        assert_eq!(output[1][1][n], 0.5 * source[n - 100]);
    }
}

#[test]
fn a_late_voice_goes_on_where_it_should_be() {
    let bank = bank();
    let mut voices = Voices::new(44_100.0, bank.clone());
    let mut output = buffers(64);
    voices.start(StartVoice {
        late_samples: 30,
        ..start(Drum::Snare)
    });
    voices.render(0..64, &[true; DRUM_COUNT], &mut output);
    let source = &bank.one_shot(Drum::Snare).channel(0)[30..];
    for (out, source) in output[1][0].iter().zip(source) {
        assert_eq!(*out, 0.5 * source);
    }
}

#[test]
fn partition_does_not_matter() {
    let settings = StartVoice {
        tune_semitones: 3.7,
        decay: 0.4,
        ..start(Drum::OpenHat)
    };
    let run = |sizes: &[usize]| {
        let mut voices = Voices::new(44_100.0, bank());
        voices.start(settings);
        let mut output = buffers(600);
        let mut done = 0;
        for &size in sizes {
            if done == 117 {
                voices.start(start(Drum::ClosedHat));
            }
            voices.render(done..done + size, &[true; DRUM_COUNT], &mut output);
            done += size;
        }
        output
    };
    assert_eq!(run(&[117, 483]), run(&[1, 36, 80, 62, 421]));
}

#[test]
fn a_voice_leaves_its_place_with_its_last_sample() {
    let run = |ends: &[usize]| {
        let mut voices = Voices::new(44_100.0, bank());
        let mut output = buffers(4_100);
        voices.start(start(Drum::Kick));
        voices.render(0..1, &[true; DRUM_COUNT], &mut output);
        voices.start(start(Drum::Kick));
        let mut done = 1;
        for &end in ends {
            voices.render(done..end, &[true; DRUM_COUNT], &mut output);
            done = end;
        }
        voices.start(start(Drum::Snare));
        voices
            .voices
            .iter()
            .position(|voice| voice.is_some_and(|voice| voice.drum == Drum::Snare))
    };
    // The first kick has 4000 samples.
    assert_eq!(run(&[3_999]), Some(2));
    assert_eq!(run(&[4_000]), Some(0));
    assert_eq!(run(&[3_000, 4_000]), Some(0));
}

#[test]
fn closed_hat_chokes_open_hat() {
    let mut voices = Voices::new(44_100.0, bank());
    voices.start(start(Drum::OpenHat));
    voices.start(start(Drum::ClosedHat));
    let mut output = buffers(1_000);
    voices.render(0..1_000, &[true; DRUM_COUNT], &mut output);
    assert!(output[3][0][400..].iter().all(|&sample| sample == 0.0));
    assert!(output[2][0][400..].iter().any(|&sample| sample != 0.0));
}

#[test]
fn polyphony_is_bounded() {
    let mut voices = Voices::new(44_100.0, bank());
    for n in 0..1_000 {
        voices.start(start(Drum::ALL[n % DRUM_COUNT]));
    }
    assert!(voices.voices.iter().flatten().count() <= MAX_VOICES);
    let mut output = buffers(64);
    for _ in 0..400 {
        voices.render(0..64, &[true; DRUM_COUNT], &mut output);
    }
    assert!(voices.is_idle());
}

#[test]
fn a_sounding_voice_keeps_its_bank_without_a_click() {
    let run = |swap: bool| {
        let mut voices = Voices::new(44_100.0, bank());
        voices.start(start(Drum::Crash));
        let mut output = buffers(3_000);
        let mut all = Vec::new();
        for part in 0..3 {
            for channel in output.iter_mut().flatten() {
                channel.fill(0.0);
            }
            voices.render(0..1_000, &[true; DRUM_COUNT], &mut output);
            all.extend_from_slice(&output[Drum::Crash.index()][0][..1_000]);
            if swap && part == 0 {
                let silent: Vec<_> = (0..DRUM_COUNT)
                    .map(|_| OneShot::new(44_100.0, vec![vec![0.0; 8]]).unwrap())
                    .collect();
                let other = Arc::new(Bank::new(&silent, 44_100.0).unwrap());
                assert_eq!(voices.swap_bank(other), Ok(None));
            }
        }
        all
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn own_sounds_play_in_place_of_the_banks_until_they_are_taken_away() {
    let bank = bank();
    let mut voices = Voices::new(44_100.0, bank.clone());
    let one_shot = Arc::new(OneShot::new(44_100.0, vec![vec![0.25; 50]]).unwrap());
    let own = Arc::new(OwnSounds::new(&[(Drum::Kick, vec![one_shot])], 44_100.0).unwrap());
    assert!(voices.set_own(&own));
    voices.start(start(Drum::Kick));
    voices.start(start(Drum::Snare));
    // A voice that sounds keeps its sample.
    let nothing = Arc::new(OwnSounds::default());
    assert!(voices.set_own(&nothing));
    let mut output = buffers(40);
    voices.render(0..40, &[true; DRUM_COUNT], &mut output);
    assert!(output[0][0].iter().all(|&sample| sample == 0.125));
    let snare = bank.one_shot(Drum::Snare).channel(0);
    assert_eq!(output[1][0][7], 0.5 * snare[7]);
    assert_eq!(voices.sound(Drum::Kick), Some(bank.sound(Drum::Kick)));
    voices.render(0..40, &[true; DRUM_COUNT], &mut output);
    // Sets that nobody plays make room; the caller's reference is the last.
    for _ in 0..OWN_SLOTS {
        assert!(voices.set_own(&nothing));
    }
    assert_eq!(Arc::strong_count(&own), 1);
}

#[test]
fn a_swapped_bank_comes_back_once_its_voices_ended() {
    let mut voices = Voices::new(44_100.0, bank());
    voices.start(start(Drum::Kick));
    assert_eq!(voices.swap_bank(bank()), Ok(None));
    let mut output = buffers(5_000);
    voices.render(0..5_000, &[true; DRUM_COUNT], &mut output);
    assert!(matches!(voices.swap_bank(bank()), Ok(Some(_))));
}

#[test]
fn a_mono_sample_stands_where_the_drum_does() {
    use crate::front_end::{Framing, FrontEnd};
    use crate::one_shots::{DrumSound, Evidence};
    let sine: Vec<f32> = (0..8_000).map(|n| (n as f32 * 0.05).sin()).collect();
    let channel = |gain: f32| {
        sine.iter()
            .map(|sample| gain * sample)
            .collect::<Vec<f32>>()
    };
    // Learnt well to the left.
    let learnt = OneShot::new(44_100.0, vec![channel(0.9), channel(0.3)]).unwrap();
    let mut front_end = FrontEnd::new(Framing::for_rate(44_100.0).unwrap());
    let evidence = Evidence {
        hits: 4,
        confidence: 0.9,
        pan: 0.0,
    };
    let layers = [(1.0, Arc::new(learnt))];
    let sound = DrumSound::new(Drum::Snare, &layers, evidence, &mut front_end).unwrap();
    let mut sounds = [const { None }; DRUM_COUNT];
    sounds[1] = Some(Arc::new(sound));
    let mono = Arc::new(OneShot::new(44_100.0, vec![vec![0.5; 600]]).unwrap());
    let stereo = Arc::new(OneShot::new(44_100.0, vec![vec![0.5; 600]; 2]).unwrap());
    for (sample, tune_semitones, is_placed) in [
        (&mono, 0.0, true),
        (&mono, 5.0, true),
        (&stereo, 0.0, false),
    ] {
        let mut voices = Voices::new(44_100.0, Arc::new(bank().with_sounds(&sounds)));
        let own = OwnSounds::new(&[(Drum::Snare, vec![sample.clone()])], 44_100.0).unwrap();
        assert!(voices.set_own(&Arc::new(own)));
        voices.start(StartVoice {
            tune_semitones,
            ..start(Drum::Snare)
        });
        let mut output = buffers(100);
        voices.render(0..100, &[true; DRUM_COUNT], &mut output);
        let [left, right] = [0, 1].map(|channel: usize| output[1][channel][50]);
        let power = left * left + right * right;
        assert!(
            (power / (2.0 * 0.25_f32.powi(2)) - 1.0).abs() < 0.02,
            "{power}"
        );
        let ratio = if is_placed { 3.0 } else { 1.0 };
        assert!((left / right / ratio - 1.0).abs() < 0.05, "{left} {right}");
    }
}

#[test]
fn what_is_struck_is_what_a_voice_plays_to_its_end() {
    let bank = bank();
    for (tune_semitones, decay) in [(0.0, 1.0), (-5.0, 1.0), (12.0, 0.4), (0.0, 0.05)] {
        let one_shot = bank.one_shot(Drum::Snare);
        let struck = struck(one_shot, tune_semitones, decay);
        assert_eq!(struck.len(), 1, "mono as it is");
        let mut voices = Voices::new(44_100.0, bank.clone());
        voices.start(StartVoice {
            amplitude: 1.0,
            tune_semitones,
            decay,
            ..start(Drum::Snare)
        });
        let mut output = buffers(8_000);
        voices.render(0..8_000, &[true; DRUM_COUNT], &mut output);
        let frames = struck[0].len();
        assert_eq!(
            struck[0],
            output[1][0][..frames],
            "{tune_semitones} {decay}"
        );
        assert!(output[1][0][frames..].iter().all(|sample| *sample == 0.0));
        let length = one_shot.frames() as f64 / f64::from(tune_semitones / 12.0).exp2();
        let is_whole = (frames as f64 - length).abs() <= 1.0;
        assert_eq!(is_whole, decay > 0.3, "{frames}");
    }
}
