//! A small seeded generator whose numbers are the same on every system.

/// SplitMix64: one 64-bit state, equidistributed, good enough for sound.
#[derive(Debug, Clone)]
pub struct Random {
    state: u64,
}

fn scramble(mut value: u64) -> u64 {
    value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

impl Random {
    /// A generator that depends on every number of `path`, so that, say,
    /// `[seed, piece, purpose]` names an independent stream.
    pub fn new(path: &[u64]) -> Random {
        let state = path
            .iter()
            .fold(0x9e37_79b9_7f4a_7c15, |state: u64, &part| {
                scramble(state ^ scramble(part.wrapping_add(0x2545_f491_4f6c_dd1d)))
            });
        Random { state }
    }

    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        scramble(self.state)
    }

    /// Uniform in 0..1.
    pub fn unit(&mut self) -> f32 {
        (self.next_u64() >> 40) as f32 / (1_u64 << 24) as f32
    }

    /// Uniform between `low` and `high`.
    pub fn range(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Uniform on a logarithmic scale between two positive numbers.
    pub fn log_range(&mut self, low: f32, high: f32) -> f32 {
        (self.range(low.ln(), high.ln())).exp()
    }

    /// Uniform in −1..1: white noise.
    pub fn bipolar(&mut self) -> f32 {
        2.0 * self.unit() - 1.0
    }

    /// Approximately normal (sum of four uniforms), mean 0, deviation 1, never
    /// beyond ±3.5.
    pub fn normal(&mut self) -> f32 {
        let sum: f32 = (0..4).map(|_| self.unit()).sum();
        (sum - 2.0) * 1.732_050_8
    }

    /// True with `probability`.
    pub fn chance(&mut self, probability: f32) -> bool {
        self.unit() < probability
    }

    /// Uniform in `0..count`; 0 if `count` is 0.
    pub fn below(&mut self, count: usize) -> usize {
        (self.next_u64() >> 11) as usize % count.max(1)
    }

    /// One element of `items`, or `None` if there is none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_repeatable_and_differ() {
        let draw = |path: &[u64]| Random::new(path).next_u64();
        assert_eq!(draw(&[1, 2]), draw(&[1, 2]));
        assert_ne!(draw(&[1, 2]), draw(&[2, 1]));
        assert_ne!(draw(&[1]), draw(&[1, 0]));
    }

    #[test]
    fn moments_are_right() {
        let mut random = Random::new(&[7]);
        let count = 20_000;
        let (mut mean, mut square, mut uniform) = (0.0, 0.0, 0.0);
        for _ in 0..count {
            let normal = f64::from(random.normal());
            mean += normal;
            square += normal * normal;
            uniform += f64::from(random.unit());
        }
        let count = f64::from(count);
        assert!((mean / count).abs() < 0.03);
        assert!((square / count - 1.0).abs() < 0.05);
        assert!((uniform / count - 0.5).abs() < 0.01);
    }
}
