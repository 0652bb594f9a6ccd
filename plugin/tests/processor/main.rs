//! The plugin without a host, with the embedded model: latency, null test,
//! bypass, blocks of any size.

// Signals are indexed by channel and time, several at once.
#![allow(clippy::needless_range_loop)]

mod kit;
mod pads;
mod song;

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
    processor.teach(played.corrections);
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
fn subnormal_input_is_silence() {
    let mut channel = [0.5, -1e-39, f32::MIN_POSITIVE, 1e-45, -0.25];
    flush_subnormals(&mut channel);
    assert_eq!(channel, [0.5, 0.0, f32::MIN_POSITIVE, 0.0, -0.25]);
}
