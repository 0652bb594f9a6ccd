//! Second-order filters, shared by the synthesiser and the renderer.

use std::f32::consts::PI;

/// Sample rate of everything in training.
pub const RATE_HZ: f32 = 44_100.0;

/// A second-order filter (transposed direct form II) at 44.1 kHz.
#[derive(Debug, Clone, Copy)]
pub struct Biquad {
    b: [f32; 3],
    a: [f32; 2],
    state: [f32; 2],
}

struct Design {
    cos: f32,
    alpha: f32,
}

fn design(frequency_hz: f32, q: f32) -> Design {
    let omega = 2.0 * PI * frequency_hz.clamp(10.0, 0.49 * RATE_HZ) / RATE_HZ;
    Design {
        cos: omega.cos(),
        alpha: omega.sin() / (2.0 * q.max(0.05)),
    }
}

impl Biquad {
    fn new(b: [f32; 3], a: [f32; 3]) -> Biquad {
        Biquad {
            b: b.map(|value| value / a[0]),
            a: [a[1] / a[0], a[2] / a[0]],
            state: [0.0; 2],
        }
    }

    /// Passes below `frequency_hz`.
    pub fn low_pass(frequency_hz: f32, q: f32) -> Biquad {
        let Design { cos, alpha } = design(frequency_hz, q);
        let half = (1.0 - cos) / 2.0;
        Biquad::new(
            [half, 1.0 - cos, half],
            [1.0 + alpha, -2.0 * cos, 1.0 - alpha],
        )
    }

    /// Passes above `frequency_hz`.
    pub fn high_pass(frequency_hz: f32, q: f32) -> Biquad {
        let Design { cos, alpha } = design(frequency_hz, q);
        let half = (1.0 + cos) / 2.0;
        Biquad::new(
            [half, -1.0 - cos, half],
            [1.0 + alpha, -2.0 * cos, 1.0 - alpha],
        )
    }

    /// Passes around `frequency_hz` with gain 1 at the centre.
    pub fn band_pass(frequency_hz: f32, q: f32) -> Biquad {
        let Design { cos, alpha } = design(frequency_hz, q);
        Biquad::new([alpha, 0.0, -alpha], [1.0 + alpha, -2.0 * cos, 1.0 - alpha])
    }

    /// Raises or lowers around `frequency_hz` by `gain_db`.
    pub fn peak(frequency_hz: f32, q: f32, gain_db: f32) -> Biquad {
        let Design { cos, alpha } = design(frequency_hz, q);
        let a = 10.0_f32.powf(gain_db / 40.0);
        Biquad::new(
            [1.0 + alpha * a, -2.0 * cos, 1.0 - alpha * a],
            [1.0 + alpha / a, -2.0 * cos, 1.0 - alpha / a],
        )
    }

    /// Raises or lowers everything above `frequency_hz` by `gain_db`.
    pub fn high_shelf(frequency_hz: f32, gain_db: f32) -> Biquad {
        let Design { cos, alpha } = design(frequency_hz, 0.707);
        let a = 10.0_f32.powf(gain_db / 40.0);
        let beta = 2.0 * a.sqrt() * alpha;
        Biquad::new(
            [
                a * ((a + 1.0) + (a - 1.0) * cos + beta),
                -2.0 * a * ((a - 1.0) + (a + 1.0) * cos),
                a * ((a + 1.0) + (a - 1.0) * cos - beta),
            ],
            [
                (a + 1.0) - (a - 1.0) * cos + beta,
                2.0 * ((a - 1.0) - (a + 1.0) * cos),
                (a + 1.0) - (a - 1.0) * cos - beta,
            ],
        )
    }

    /// Filters one sample.
    pub fn tick(&mut self, input: f32) -> f32 {
        let output = self.b[0] * input + self.state[0];
        self.state[0] = self.b[1] * input - self.a[0] * output + self.state[1];
        self.state[1] = self.b[2] * input - self.a[1] * output;
        output
    }

    /// Filters `signal` in place, from silence.
    pub fn run(mut self, signal: &mut [f32]) {
        for sample in signal {
            *sample = self.tick(*sample);
        }
    }
}

/// Amplitude factor of a level in decibels.
pub fn from_db(gain_db: f32) -> f32 {
    10.0_f32.powf(gain_db / 20.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gain_at(filter: Biquad, frequency_hz: f32) -> f32 {
        let mut signal: Vec<f32> = (0..8820)
            .map(|n| (2.0 * PI * frequency_hz * n as f32 / RATE_HZ).sin())
            .collect();
        filter.run(&mut signal);
        signal[4410..].iter().fold(0.0, |peak, s| s.abs().max(peak))
    }

    #[test]
    fn filters_pass_and_stop() {
        assert!((gain_at(Biquad::low_pass(2_000.0, 0.7), 200.0) - 1.0).abs() < 0.02);
        assert!(gain_at(Biquad::low_pass(500.0, 0.7), 5_000.0) < 0.02);
        assert!(gain_at(Biquad::high_pass(5_000.0, 0.7), 500.0) < 0.02);
        assert!((gain_at(Biquad::band_pass(1_000.0, 2.0), 1_000.0) - 1.0).abs() < 0.02);
        let peak = gain_at(Biquad::peak(1_000.0, 1.0, 6.0), 1_000.0);
        assert!((peak - from_db(6.0)).abs() < 0.05, "{peak}");
        let shelf = gain_at(Biquad::high_shelf(1_000.0, -12.0), 15_000.0);
        assert!((shelf - from_db(-12.0)).abs() < 0.03, "{shelf}");
    }
}
