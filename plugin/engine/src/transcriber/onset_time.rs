//! Onset times to the sample.
//!
//! The network knows an onset to about a frame; masks and one-shots need it
//! below one hop. The onset is where the pre-emphasised signal rises most
//! steeply near the frame.

/// Blocks per hop of the energy envelope: 0.36 ms each.
const BLOCKS_PER_HOP: usize = 16;
/// How far before and after the frame's centre an onset is looked for.
const BEFORE_HOPS: usize = 1;
const AFTER_HOPS: usize = 2;
/// Blocks of envelope before the range, for the rise at its start.
const CONTEXT_BLOCKS: usize = 8;
const BLOCKS: usize = (BEFORE_HOPS + AFTER_HOPS) * BLOCKS_PER_HOP + CONTEXT_BLOCKS + RISE_BLOCKS;
/// Blocks over which a rise is measured (1.5 ms).
const RISE_BLOCKS: usize = 4;
/// Level, between the calm before and the peak of the rise, where it begins.
const FOOT_RATIO: f32 = 0.12;

/// Finds onsets in a stereo signal. Real-time safe after construction.
#[derive(Debug, Clone)]
pub struct OnsetLocator {
    hop_samples: usize,
    envelope: [f32; BLOCKS],
}

impl OnsetLocator {
    /// A locator for frames `hop_samples` apart.
    pub fn new(hop_samples: usize) -> OnsetLocator {
        OnsetLocator {
            hop_samples,
            envelope: [0.0; BLOCKS],
        }
    }

    /// Samples that must precede the frame's centre in the history.
    pub fn needs_before(&self) -> usize {
        BEFORE_HOPS * self.hop_samples + (CONTEXT_BLOCKS + 1) * self.hop_samples / BLOCKS_PER_HOP
    }

    /// Offset in samples from `centre`, an index into both channels of
    /// `history`, to the onset: −1 to +2 hops. What lies outside the history
    /// counts as silence. Real-time safe.
    pub fn locate(&mut self, history: [&[f32]; 2], centre: usize) -> i32 {
        let hop = self.hop_samples as isize;
        let start = centre as isize
            - BEFORE_HOPS as isize * hop
            - (CONTEXT_BLOCKS as isize * hop) / BLOCKS_PER_HOP as isize;
        let border = |block: usize| start + (block as isize * hop) / BLOCKS_PER_HOP as isize;
        for block in 0..BLOCKS {
            let (from, to) = (border(block), border(block + 1));
            self.envelope[block] = history
                .iter()
                .map(|channel| rise_energy(channel, from, to))
                .sum::<f32>()
                .sqrt();
        }
        let mut best = (f32::MIN, CONTEXT_BLOCKS + BEFORE_HOPS * BLOCKS_PER_HOP);
        for block in CONTEXT_BLOCKS..BLOCKS - RISE_BLOCKS {
            let after: f32 = self.envelope[block..block + RISE_BLOCKS].iter().sum();
            let before: f32 = self.envelope[block - CONTEXT_BLOCKS..block]
                .iter()
                .sum::<f32>()
                * (RISE_BLOCKS as f32 / CONTEXT_BLOCKS as f32);
            // The network's own time is trusted more the further away a rise is.
            let distance = (block as f32
                - (CONTEXT_BLOCKS + BEFORE_HOPS * BLOCKS_PER_HOP + BLOCKS_PER_HOP / 4) as f32)
                / (1.5 * BLOCKS_PER_HOP as f32);
            let score = (after - before) * (-0.5 * distance * distance).exp();
            if score > best.0 {
                best = (score, block);
            }
        }
        (border(self.foot_of(best.1)) - centre as isize) as i32
    }
}

impl OnsetLocator {
    /// The first block of the rise that is steepest at `steepest`: slow attacks
    /// begin well before.
    fn foot_of(&self, steepest: usize) -> usize {
        let peak = self.envelope[steepest..steepest + RISE_BLOCKS]
            .iter()
            .fold(0.0_f32, |peak, &value| peak.max(value));
        let earliest = steepest
            .saturating_sub(2 * CONTEXT_BLOCKS)
            .max(CONTEXT_BLOCKS);
        let floor = self.envelope[earliest - CONTEXT_BLOCKS..=earliest]
            .iter()
            .fold(f32::MAX, |floor, &value| floor.min(value));
        let threshold = floor + FOOT_RATIO * (peak - floor).max(0.0);
        let mut foot = steepest;
        while foot > earliest && self.envelope[foot - 1] > threshold {
            foot -= 1;
        }
        foot
    }
}

/// Energy of the differenced signal in `from..to`.
fn rise_energy(channel: &[f32], from: isize, to: isize) -> f32 {
    let clamp = |index: isize| index.clamp(1, channel.len().max(1) as isize) as usize;
    let (from, to) = (clamp(from), clamp(to));
    if to <= from {
        return 0.0;
    }
    channel[from - 1..to]
        .windows(2)
        .map(|pair| {
            let step = pair[1] - 0.95 * pair[0];
            step * step
        })
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A decaying tone that begins at `onset`.
    fn hit(onset: usize, frequency: f32) -> Vec<f32> {
        (0..8_192)
            .map(|n| {
                if n < onset {
                    return 0.0;
                }
                let t = (n - onset) as f32;
                (t * frequency).sin() * (-t / 2_000.0).exp()
            })
            .collect()
    }

    #[test]
    fn finds_clean_onsets_within_a_millisecond() {
        let mut locator = OnsetLocator::new(256);
        for offset in (-200..400).step_by(37) {
            for frequency in [0.008, 0.05, 0.7] {
                let onset = (4_096 + offset) as usize;
                let signal = hit(onset, frequency);
                let found = locator.locate([&signal, &signal], 4_096);
                let error = found - offset;
                assert!(
                    error.abs() <= 24,
                    "offset {offset} tone {frequency}: {found}"
                );
            }
        }
    }

    #[test]
    fn borders_and_silence_are_harmless() {
        let mut locator = OnsetLocator::new(256);
        let short = [0.0; 100];
        for centre in [0, 50, 99, 4_000] {
            let offset = locator.locate([&short, &short], centre);
            assert!((-256..=512).contains(&offset));
        }
    }
}
