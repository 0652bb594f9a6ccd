use super::*;
use crate::{
    losses::EventTargets,
    network::{Head, Input, MASK_OUTPUTS, Network, TIMBRE_OUTPUTS, initial_weights},
    random::Random,
    training::step::{StepPlan, cpu_step},
};
use idm_engine::{
    drum::{DRUM_COUNT, STEM_COUNT},
    front_end::{BAND_COUNT, LOW_BAND_COUNT},
};

fn batch(random: &mut Random, batch: usize, frames: usize) -> Batch {
    let rows = batch * frames;
    let mut ratio = vec![0_u8; rows * MASK_OUTPUTS];
    for row in 0..rows {
        for band in 0..BAND_COUNT {
            // Two drums sound, the others are silent.
            let share = random.below(256) as u8;
            ratio[(row * STEM_COUNT + 1) * BAND_COUNT + band] = share;
            ratio[(row * STEM_COUNT + 4) * BAND_COUNT + band] = 255 - share;
        }
    }
    let mut onset = vec![0.0; rows * DRUM_COUNT];
    for value in &mut onset {
        *value = [0.0, 0.0, 0.0, 0.0, 0.4, 1.0, -1.0][random.below(7)];
    }
    Batch {
        input: Input {
            batch,
            frames,
            frame: (0..rows * BAND_COUNT).map(|_| random.bipolar()).collect(),
            low: (0..rows * LOW_BAND_COUNT)
                .map(|_| random.bipolar())
                .collect(),
        },
        events: EventTargets {
            velocity: onset.iter().map(|_| random.unit()).collect(),
            onset,
        },
        ratio,
        mix_power: (0..rows * BAND_COUNT)
            .map(|_| random.log_range(1e-6, 1e-2))
            .collect(),
        timbre: (0..batch * TIMBRE_OUTPUTS)
            .map(|at| {
                if at.is_multiple_of(5) {
                    f32::NAN
                } else {
                    random.bipolar()
                }
            })
            .collect(),
    }
}

/// Rounds to the nearest half float, which is what the recurrent weights become.
fn halved(value: f32) -> f32 {
    // Small weights lie on a grid of 2⁻¹³ at most: exact as half floats.
    (value * 8_192.0).round() / 8_192.0
}

/// Runs where there is a graphics processor (a software one will do) or `IDM_TEST_GPU`
/// says that there must be one.
#[test]
fn agrees_with_the_central_processor() {
    let mut network = match GpuNetwork::new() {
        Ok(network) => network,
        Err(error) => {
            assert!(std::env::var_os("IDM_TEST_GPU").is_none(), "{error:#}");
            say!("left out: {error:#}");
            return;
        }
    };
    let mut random = Random::new(&[21]);
    let mut weights = initial_weights(5);
    for tensor in weights.tensors_mut() {
        if tensor.name.contains("recurrent.weight") {
            for value in &mut tensor.values {
                *value = halved(*value);
            }
        } else if tensor.name.ends_with("bias") {
            for value in &mut tensor.values {
                *value += 0.1 * random.bipolar();
            }
        }
    }
    for (head, frames) in [(Head::Standard, 40), (Head::High, 37), (Head::Low, 40)] {
        let batch = batch(&mut random, 3, frames);
        let config = LossConfig {
            mask: 1.1,
            leakage: 0.07,
            ..LossConfig::default()
        };
        let plan = StepPlan {
            masks: MaskRequest {
                head,
                first_frame: 2,
                frames: 9,
            },
            embedding_steps: vec![20, 31, 20],
        };
        let mut reference = Network::default();
        let (wanted, expected) = cpu_step(&mut reference, &weights, &batch, &config, &plan);
        let (losses, found) = network.step(&weights, &batch, &config, &plan).unwrap();
        for (name, wanted, found) in [
            ("onset", wanted.onset, losses.onset),
            ("velocity", wanted.velocity, losses.velocity),
            ("mask", wanted.mask, losses.mask),
            ("distortion", wanted.distortion_db, losses.distortion_db),
            ("leakage", wanted.leakage_db, losses.leakage_db),
            ("timbre", wanted.timbre, losses.timbre),
            ("total", wanted.total, losses.total),
        ] {
            assert!(
                (wanted - found).abs() < 1e-3 * wanted.abs().max(1e-2),
                "{name}: {found}, expected {wanted}"
            );
        }
        let expected = expected.unwrap();
        for (expected, found) in expected.tensors().iter().zip(found.tensors()) {
            let norm = |values: &mut dyn Iterator<Item = f32>| {
                values.map(|v| f64::from(v).powi(2)).sum::<f64>().sqrt()
            };
            let scale = norm(&mut expected.values.iter().copied());
            let pairs = expected.values.iter().zip(&found.values);
            let error = norm(&mut pairs.map(|(a, b)| a - b));
            assert!(
                error < 2e-3 * scale + 1e-7,
                "{head:?} {}: error {error:.2e}, size {scale:.2e}",
                expected.name
            );
        }
    }
}
