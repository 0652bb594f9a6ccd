//! Using a rendered piece again with another equalisation and level.
//!
//! A filter on the whole mixture leaves each stem's share of a band's power
//! as it is, so only the features change.

use idm_engine::front_end::{
    LOG_FLOOR_POWER, LOG_OFFSET, LOG_SCALE, band_centre_hz, log_feature, low_band_centre_hz,
};

use crate::{random::Random, render::TrainingExample};

/// A smooth random response over the logarithm of frequency, in power.
#[derive(Debug, Clone)]
struct Response {
    level_db: f32,
    waves: [(f32, f32, f32); 3],
}

impl Response {
    fn draw(random: &mut Random, most_db: f32) -> Response {
        let wave = |cycles: f32, random: &mut Random| {
            let phase = random.range(0.0, std::f32::consts::TAU);
            (
                cycles * random.range(0.6, 1.4),
                phase,
                most_db * random.bipolar() / cycles.sqrt(),
            )
        };
        Response {
            level_db: random.range(-9.0, 3.0),
            waves: [wave(0.5, random), wave(1.0, random), wave(2.5, random)],
        }
    }

    fn power_at(&self, frequency_hz: f32) -> f32 {
        // 0 at 20 Hz, 1 at 20 kHz.
        let position = (frequency_hz / 20.0).log10() / 3.0;
        let waves = self.waves.iter().map(|(cycles, phase, depth_db)| {
            depth_db * (std::f32::consts::TAU * cycles * position + phase).cos()
        });
        let gain_db = self.level_db + waves.sum::<f32>() * 0.6;
        10.0_f32.powf(gain_db / 10.0)
    }
}

/// Applies a random equalisation of about `most_db` dB and a level change.
pub fn vary(example: &mut TrainingExample, random: &mut Random, most_db: f32) {
    let response = Response::draw(random, most_db);
    let bands: Vec<f32> = (0..idm_engine::front_end::BAND_COUNT)
        .map(|band| response.power_at(band_centre_hz(band as f64) as f32))
        .collect();
    let low_bands: Vec<f32> = (0..idm_engine::front_end::LOW_BAND_COUNT)
        .map(|band| response.power_at(low_band_centre_hz(band as f64) as f32))
        .collect();
    for row in example.mix_power.chunks_exact_mut(bands.len()) {
        for (power, gain) in row.iter_mut().zip(&bands) {
            *power *= gain;
        }
    }
    // Features were heard at another level than the power.
    for (features, gains) in [(&mut example.frame, &bands), (&mut example.low, &low_bands)] {
        for row in features.chunks_exact_mut(gains.len()) {
            for (feature, gain) in row.iter_mut().zip(gains) {
                let power = ((*feature - LOG_OFFSET) / LOG_SCALE).exp() - LOG_FLOOR_POWER;
                *feature = log_feature(power.max(0.0) * gain);
            }
        }
    }
}
