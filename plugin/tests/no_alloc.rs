//! The whole path of a block, from settings to buses and notes, allocates
//! nothing: not when every parameter moves, when blocks change size, when pads
//! are played, when the editor looks, nor on reset.

// Signals are indexed by channel and time, several at once.
#![allow(clippy::needless_range_loop)]

use std::path::PathBuf;

use assert_no_alloc::{AllocDisabler, assert_no_alloc};
use idm_engine::audio_file::{AudioBuffer, write_wav};
use idm_engine::controls::{HitSource, Quality};
use idm_engine::drum::Drum;
use idm_engine::midi_file::TimeSignature;
use idm_engine::model::Model;
use inverse_drum_machine::buses::{AUX_BUS_COUNT, AuxOutputs};
use inverse_drum_machine::core::{Played, Processor, Settings, Stroke, pass_through};
use inverse_drum_machine::corrections::Correction;
use inverse_drum_machine::link::{AudioEnd, EditorEnd, link};
use inverse_drum_machine::own_samples::{OwnSamples, Placing};
use inverse_drum_machine::params::MainOutput;
use inverse_drum_machine::song::Tempo;
use nice_plug::prelude::Enum;

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const RATE_HZ: f64 = 48_000.0;
const MAX_BLOCK: usize = 4096;

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

/// A small deterministic generator.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((self.0 >> 33) as usize) % limit
    }
    fn unit(&mut self) -> f32 {
        self.below(1 << 20) as f32 / (1 << 20) as f32
    }
}

/// Thumps and hisses in turn, four per second, with some NaN thrown in.
fn fill(random: &mut Random, position: usize, left: &mut [f32], right: &mut [f32]) {
    for n in 0..left.len() {
        let beat = (position + n) / (RATE_HZ as usize / 4);
        let time_s = ((position + n) % (RATE_HZ as usize / 4)) as f32 / RATE_HZ as f32;
        let sample = if beat.is_multiple_of(2) {
            let sweep = 55.0 * time_s - 4.0 * (-time_s / 0.015).exp();
            0.7 * (-time_s / 0.06).exp() * (std::f32::consts::TAU * sweep).sin()
        } else {
            (-time_s / 0.04).exp() * (random.unit() - 0.5)
        };
        left[n] = sample;
        right[n] = 0.8 * sample;
    }
    if random.below(200) == 0 {
        left[0] = f32::NAN;
        right[0] = f32::INFINITY;
    }
}

fn shake(random: &mut Random, settings: &mut Settings) {
    let drum = random.below(9);
    let controls = &mut settings.controls.drums[drum];
    match random.below(18) {
        0 => controls.sensitivity = random.unit(),
        1 => controls.min_gap_ms = 5.0 + 245.0 * random.unit(),
        2 => controls.blend = random.unit(),
        3 => controls.tune_semitones = 48.0 * random.unit() - 24.0,
        4 => controls.decay = 0.05 + 0.95 * random.unit(),
        5 => controls.enabled = !controls.enabled,
        6 => settings.controls.mask_exponent = 1.0 + random.unit(),
        7 => settings.controls.learning = !settings.controls.learning,
        8 => settings.mix.class_gain[drum] = random.unit(),
        9 => settings.mix.residual_gain = random.unit(),
        10 => settings.mix.route[drum] = random.below(9),
        11 => {
            settings.mix.main = MainOutput::from_index(random.below(MainOutput::variants().len()))
        }
        12 => settings.mix.bypass = !settings.mix.bypass,
        13 => controls.isolation = 2.0 * random.unit() - 1.0,
        14 => controls.dynamics = 2.0 * random.unit(),
        15 => {
            settings.controls.hits = match random.below(3) {
                0 => HitSource::Given,
                _ => HitSource::Heard,
            }
        }
        16 => controls.heard_as = Drum::from_index(random.below(12)),
        _ => settings.notes[drum] = random.below(128) as u8,
    }
}

fn drain(editor: &mut EditorEnd) {
    while editor.hits.pop().is_ok() {}
    while editor.wave.pop().is_ok() {}
}

/// Samples of one's own, and a file to load.
fn own_samples(number: usize) -> (OwnSamples, PathBuf) {
    let name = format!("idm-no-alloc-{}-{number}.wav", std::process::id());
    let path = std::env::temp_dir().join(name);
    let samples = (0..9_000).map(|n| (n as f32 * 0.05).sin() * (-(n as f32) / 2_000.0).exp());
    let audio = AudioBuffer {
        sample_rate_hz: 44_100.0,
        channels: vec![samples.collect()],
    };
    write_wav(&path, &audio).expect("a temporary file");
    (OwnSamples::default(), path)
}

/// What a host says of the beats at a sample of the song.
fn tempo(song_sample: i64) -> Tempo {
    let bpm = 60.0 + (song_sample / 48_000 % 7) as f64 * 20.0;
    Tempo {
        beat: Some(song_sample as f64 / RATE_HZ * bpm / 60.0),
        bpm,
        signature: TimeSignature::new(7, 8),
    }
}

fn storm(quality: Quality, buses: usize, seconds: f64, link: (AudioEnd, EditorEnd)) {
    let (mut audio, mut editor) = link;
    let model = Model::embedded().expect("the embedded model loads");
    let mut processor = Processor::new(RATE_HZ, quality, model).expect("48 kHz is supported");
    let mut random = Random(7 + buses as u64);
    let (own, sample) = own_samples(buses);
    let mut own_inbox = own.take_inbox().expect("nobody has taken it");
    assert!(processor.set_own_sounds(&own.prepare(RATE_HZ)));
    let mut settings = Settings::default();
    let mut aux = Buses(vec![[vec![0.0; MAX_BLOCK], vec![0.0; MAX_BLOCK]]; buses]);
    let (mut left, mut right) = (vec![0.0; MAX_BLOCK], vec![0.0; MAX_BLOCK]);
    let mut position = 0;
    let mut watched = false;
    let mut messages = 0;
    // A song of two seconds, played in pieces from all over, with a word on everything.
    let corrections: Vec<Correction> = (0..400)
        .map(|n| Correction {
            song_s: f64::from(n) / 200.0,
            drum: Drum::ALL[random.below(9)],
            is_hit: random.below(2) == 0,
            snaps: n % 3 == 0,
            lesson: None,
        })
        .collect();
    let mut song_sample = Some(0);
    while position < (seconds * RATE_HZ) as usize {
        let samples = match random.below(4) {
            0 => 1 + random.below(8),
            1 => 64,
            2 => 1 + random.below(512),
            _ => 1 + random.below(MAX_BLOCK),
        };
        fill(
            &mut random,
            position,
            &mut left[..samples],
            &mut right[..samples],
        );
        shake(&mut random, &mut settings);
        let watches = random.below(2) == 0;
        if watches != watched {
            watched = watches;
            if watched {
                audio.shared().window_opened();
            } else {
                audio.shared().window_closed();
            }
        }
        let mut pads = [0, 1].map(|_| Stroke {
            offset: random.below(samples),
            drum: Drum::ALL[random.below(9)],
            velocity: random.unit(),
        });
        pads.sort_by_key(|pad| pad.offset);
        let played = Played {
            pads: &pads[..random.below(3)],
            late_pads: &pads[..random.below(3)],
            hits: &pads[..random.below(3)],
            corrections: &corrections,
            song_sample: song_sample.filter(|_| random.below(50) != 0),
            tempo: song_sample.filter(|_| random.below(50) != 0).map(tempo),
        };
        song_sample = match random.below(20) {
            0 => Some(random.below(100_000) as i64),
            _ => song_sample.map(|song| song + samples as i64),
        };
        let reset = random.below(100) == 0;
        let forget = random.below(300) == 0;
        match random.below(60) {
            0 => {
                let placing = [Placing::Replace, Placing::Add][random.below(2)];
                own.load(Drum::ALL[random.below(9)], &sample, placing)
                    .expect("a sound");
            }
            1 => own.clear(&[Drum::ALL[random.below(9)]]),
            _ => {}
        }
        let kit =
            (random.below(200) == 0).then(|| Box::new((*processor.kit_shelf().current()).clone()));
        messages += assert_no_alloc(|| {
            if let Some(kit) = kit {
                let refused = processor.load_kit(kit);
                assert!(refused.is_ok(), "the worker is far behind");
            }
            if reset {
                processor.reset();
            }
            if forget {
                processor.forget_kit();
            }
            own_inbox.offer(|own| processor.set_own_sounds(own));
            let main = [&mut left[..samples], &mut right[..samples]];
            processor
                .process(main, &mut aux, &settings, played, &mut audio)
                .len()
        });
        let outputs = aux.0.iter().flatten().chain([&left, &right]);
        for output in outputs {
            assert!(output[..samples].iter().all(|sample| sample.is_finite()));
        }
        drain(&mut editor);
        position += samples;
    }
    std::fs::remove_file(sample).expect("the sample is there");
    // A model that hears nothing would leave most of the path untested.
    assert!(messages > 0, "no note was sent");
}

#[test]
fn nothing_allocates_in_a_storm_of_changes() {
    storm(Quality::Standard, AUX_BUS_COUNT, 12.0, link());
    storm(Quality::Low, 0, 4.0, link());
    storm(Quality::High, 3, 4.0, link());
}

#[test]
fn passing_through_allocates_nothing() {
    let (mut audio, _editor) = link();
    audio.shared().window_opened();
    let (mut left, mut right) = (vec![0.5; 64], vec![-0.5; 64]);
    let mut aux = Buses(vec![[vec![1.0; 64], vec![1.0; 64]]; 2]);
    assert_no_alloc(|| pass_through([&mut left, &mut right], &mut aux, &mut audio));
    assert_eq!((left[63], right[63]), (0.5, -0.5));
    assert!(
        aux.0
            .iter()
            .flatten()
            .flatten()
            .all(|sample| *sample == 0.0)
    );
}
