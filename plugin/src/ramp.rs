//! Linear ramp of one value, sample by sample.

/// A value that moves to its target in a straight line.
///
/// It advances once per sample and knows nothing of blocks, so the same
/// targets at the same samples give the same values for every partition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ramp {
    value: f32,
    target: f32,
    step: f32,
    samples_left: u32,
}

impl Ramp {
    /// A ramp that rests at `value`.
    pub const fn new(value: f32) -> Self {
        Self {
            value,
            target: value,
            step: 0.0,
            samples_left: 0,
        }
    }

    /// Moves to `target` within `length_samples`; keeps going when it is
    /// already on its way there. Real-time safe.
    pub fn set_target(&mut self, target: f32, length_samples: u32) {
        if target == self.target {
            return;
        }
        if length_samples == 0 {
            self.snap(target);
            return;
        }
        self.target = target;
        self.step = (target - self.value) / length_samples as f32;
        self.samples_left = length_samples;
    }

    /// Jumps to `value`. Real-time safe.
    pub fn snap(&mut self, value: f32) {
        *self = Self::new(value);
    }

    /// Ends the movement where it was going. Real-time safe.
    pub fn finish(&mut self) {
        self.snap(self.target);
    }

    /// Value of the next sample. Real-time safe.
    #[inline]
    pub fn advance(&mut self) -> f32 {
        match self.samples_left {
            0 => {}
            // The target itself, free of the rounding of the steps.
            1 => self.snap(self.target),
            _ => {
                self.value += self.step;
                self.samples_left -= 1;
            }
        }
        self.value
    }

    /// The value, if it rests. Real-time safe.
    pub fn resting(&self) -> Option<f32> {
        (self.samples_left == 0).then_some(self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrives_exactly_and_on_time() {
        let mut ramp = Ramp::new(0.3);
        ramp.set_target(1.0, 7);
        let values: Vec<f32> = (0..9).map(|_| ramp.advance()).collect();
        assert!(values.windows(2).all(|pair| pair[0] <= pair[1]));
        assert!(values[5] < 1.0);
        assert_eq!(values[6..], [1.0; 3]);
        assert_eq!(ramp.resting(), Some(1.0));
    }

    #[test]
    fn the_same_target_again_changes_nothing() {
        let mut once = Ramp::new(0.0);
        let mut often = Ramp::new(0.0);
        once.set_target(1.0, 100);
        for _ in 0..100 {
            often.set_target(1.0, 100);
            assert_eq!(once.advance(), often.advance());
        }
        assert_eq!(often.resting(), Some(1.0));
    }

    #[test]
    fn zero_length_and_finish_jump() {
        let mut ramp = Ramp::new(0.0);
        ramp.set_target(0.5, 0);
        assert_eq!(ramp.resting(), Some(0.5));
        ramp.set_target(1.0, 100);
        assert_eq!(ramp.resting(), None);
        ramp.finish();
        assert_eq!(ramp.advance(), 1.0);
    }
}
