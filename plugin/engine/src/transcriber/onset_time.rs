//! Onset times to the sample, one for each drum.
//!
//! The network knows an onset to about a frame; masks and one-shots need it
//! below one hop. Drums of one frame are seldom played in the same millisecond,
//! and the brightest would decide for all if they were looked for in the whole
//! signal: each is looked for in the regions of the spectrum in which it begins.
//! There its onset is where the signal splits best into a quiet stretch and a
//! loud one (likelihood ratio of a change of variance), near where the network's
//! activation expects it.

use std::ops::{Range, RangeInclusive};

use crate::drum::Drum;

/// Blocks per hop of the energy envelopes: 0.36 ms each.
const BLOCKS_PER_HOP: usize = 16;
/// How far before and after the frame's centre an onset is looked for.
const AROUND_FRAME: Span = Span {
    before_hops: 1,
    after_hops: 3,
};
/// How far before and after a place where somebody says that one is.
const AROUND_PLACE: Span = Span {
    before_hops: 4,
    after_hops: 4,
};
/// Blocks that are compared: 4.4 ms before an onset, 2.9 ms after it.
const CALM_BLOCKS: usize = 12;
const LOUD_BLOCKS: usize = 8;
/// Blocks over which the height of a rise is measured.
const RISE_BLOCKS: usize = 4;
/// First block at which an onset is looked for.
const FIRST: usize = CALM_BLOCKS;

/// Hops that the filters run before the first block: their memory of silence is
/// over then.
const WARM_UP_HOPS: usize = 1;
/// Borders of the regions.
const BORDERS_HZ: [f64; REGIONS - 1] = [200.0, 900.0, 5_000.0];
const REGIONS: usize = 4;
/// Level below the loudest block of a region that counts as silence: −27 dB.
/// What rings on at that level says nothing of when the drum begins.
const FLOOR: f32 = 2e-3;

/// What the onset of a drum is told by.
#[derive(Debug, Clone, Copy)]
struct Trace {
    /// Weight of the likelihood ratio of each region.
    regions: [f32; REGIONS],
    /// Weight of the height of the rise in the top region, for drums that sound so
    /// long that others begin while they ring.
    rise: f32,
}

const fn trace(drum: Drum) -> Trace {
    let (regions, rise) = match drum {
        Drum::Kick => ([0.05, 0.15, 0.1, 0.0], 0.0),
        Drum::Snare => ([0.0, 0.15, 0.15, 0.015], 0.5),
        Drum::HighTom | Drum::MidTom | Drum::FloorTom => ([0.05, 0.075, 0.1, 0.015], 0.0),
        Drum::ClosedHat | Drum::OpenHat | Drum::Crash => ([0.0, 0.0, 0.0, 0.3], 0.8),
        Drum::Ride => ([0.0, 0.0, 0.0, 0.3], 6.0),
    };
    Trace { regions, rise }
}

/// Hops from the frame's centre to where an onset is expected. An activation that
/// has only just risen is that of a frame before the onset.
fn expected_hops(drum: Drum, activation: f32) -> f32 {
    let early = match drum {
        // Told from the closed one by what follows its onset.
        Drum::OpenHat => 0.95,
        _ => 1.65,
    };
    (early - 2.05 * activation).clamp(0.1, 1.7)
}
/// Standard deviation of that.
const EXPECTED_WITHIN_HOPS: f32 = 0.6;

/// How far off people place hits, in hops.
const PLACED_WITHIN_HOPS: f32 = 1.7;
/// Weighted likelihood from which on something begins at all.
const LEAST_LIKELIHOOD: f32 = 3.0;

/// Score below the best one of an onset that may be the true one as well.
const DOUBT: f32 = 0.5;

/// The stretch in which an onset is looked for.
#[derive(Debug, Clone, Copy)]
struct Span {
    before_hops: usize,
    after_hops: usize,
}

impl Span {
    /// With what is compared before and after it.
    const fn blocks(self) -> usize {
        (self.before_hops + self.after_hops) * BLOCKS_PER_HOP + CALM_BLOCKS + LOUD_BLOCKS
    }
}

/// An onset, in samples from the centre that was listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocatedOnset {
    /// Where it most likely is: −1 to +3 hops.
    pub offset: i32,
    /// Before this it hardly begins; at most `offset`.
    pub earliest: i32,
}

/// Finds onsets in a stereo signal. Real-time safe after construction.
#[derive(Debug, Clone)]
pub struct OnsetLocator {
    hop_samples: usize,
    span: Span,
    splits: [OnePole; REGIONS - 1],
    /// Energy of each region, from [`CALM_BLOCKS`] before the range on.
    energy: [Vec<f32>; REGIONS],
    /// Log likelihood ratio of an onset at each block, negative for a fall.
    likelihood: [Vec<f32>; REGIONS],
    /// Log of the height of the rise in the top region, relative to the highest.
    rise: Vec<f32>,
}

impl OnsetLocator {
    /// A locator for [`OnsetLocator::locate`] in frames `hop_samples` apart. Allocates.
    pub fn new(sample_rate_hz: f64, hop_samples: usize) -> OnsetLocator {
        OnsetLocator::spanning(AROUND_FRAME, sample_rate_hz, hop_samples)
    }

    /// One for [`OnsetLocator::locate_near`]. Allocates.
    pub fn for_places(sample_rate_hz: f64, hop_samples: usize) -> OnsetLocator {
        OnsetLocator::spanning(AROUND_PLACE, sample_rate_hz, hop_samples)
    }

    fn spanning(span: Span, sample_rate_hz: f64, hop_samples: usize) -> OnsetLocator {
        let blocks = || vec![0.0; span.blocks()];
        OnsetLocator {
            hop_samples,
            span,
            splits: BORDERS_HZ.map(|border| OnePole::new(border / sample_rate_hz)),
            energy: [(); REGIONS].map(|()| blocks()),
            likelihood: [(); REGIONS].map(|()| blocks()),
            rise: blocks(),
        }
    }

    /// Blocks at which an onset is looked for.
    fn range(&self) -> Range<usize> {
        FIRST..self.span.blocks() - LOUD_BLOCKS
    }

    /// Takes the surroundings of `centre`, an index into both channels of
    /// `history`: one hop before it to three and a half after it, or four before a place to
    /// four and a half after it. What lies outside the history counts as silence. Real-time
    /// safe.
    pub fn listen(&mut self, history: [&[f32]; 2], centre: usize) {
        for region in &mut self.energy {
            region.fill(0.0);
        }
        for channel in history {
            self.add_energy(channel, centre);
        }
        for (energy, likelihood) in self.energy.iter_mut().zip(&mut self.likelihood) {
            let loudest = energy.iter().fold(0.0_f32, |loudest, &e| loudest.max(e));
            for block in energy.iter_mut() {
                *block += FLOOR * loudest + 1e-20;
            }
            compare(energy, likelihood);
        }
        self.measure_rise();
    }

    /// The onset of `drum` near the centre that was listened to last, where its
    /// activation was `activation`. Real-time safe.
    pub fn locate(&self, drum: Drum, activation: f32) -> LocatedOnset {
        let trace = trace(drum);
        let expected = expected_hops(drum, activation);
        let score = |block: usize| {
            let distance = (self.hops(block) - expected) / EXPECTED_WITHIN_HOPS;
            let mut score = trace.rise * self.rise[block] - 0.5 * distance * distance;
            for (weight, likelihood) in trace.regions.iter().zip(&self.likelihood) {
                score += weight * likelihood[block];
            }
            score
        };
        let (mut best, mut highest) = (FIRST, f32::MIN);
        for block in self.range() {
            let score = score(block);
            if score > highest {
                (best, highest) = (block, score);
            }
        }
        let likely = |block: &usize| score(*block) >= highest - DOUBT;
        let earliest = (FIRST..best).find(likely).unwrap_or(best);
        LocatedOnset {
            offset: self.border(best) as i32,
            earliest: self.border(earliest) as i32,
        }
    }

    /// The onset of `drum` among `offsets` from the place that was listened to last, in
    /// samples from it; none if nothing begins there. Real-time safe.
    pub fn locate_near(&self, drum: Drum, offsets: RangeInclusive<i32>) -> Option<i32> {
        let trace = trace(drum);
        let likelihood = |block: usize| -> f32 {
            let regions = trace.regions.iter().zip(&self.likelihood);
            regions.map(|(weight, region)| weight * region[block]).sum()
        };
        let score = |block: usize| {
            let distance = self.hops(block) / PLACED_WITHIN_HOPS;
            likelihood(block) + trace.rise * self.rise[block] - 0.5 * distance * distance
        };
        let is_asked = |block: &usize| offsets.contains(&(self.border(*block) as i32));
        let best = self
            .range()
            .filter(|block| is_asked(block) && likelihood(*block) >= LEAST_LIKELIHOOD)
            .max_by(|a, b| score(*a).total_cmp(&score(*b)))?;
        // Where it still rises at the end of what is asked for, the onset is beyond.
        let is_beyond = |block: usize| {
            self.range().contains(&block) && !is_asked(&block) && score(block) > score(best)
        };
        let is_inside = !is_beyond(best - 1) && !is_beyond(best + 1);
        is_inside.then(|| self.border(best) as i32)
    }

    /// Hops from the centre to block `block`.
    fn hops(&self, block: usize) -> f32 {
        let before_hops = self.span.before_hops as f32;
        (block - FIRST) as f32 / BLOCKS_PER_HOP as f32 - before_hops
    }

    /// Where block `block` begins, in samples from the centre.
    fn border(&self, block: usize) -> isize {
        let first = FIRST + self.span.before_hops * BLOCKS_PER_HOP;
        let blocks = block as isize - first as isize;
        (blocks * self.hop_samples as isize).div_euclid(BLOCKS_PER_HOP as isize)
    }

    /// Splits `channel` into the regions and adds their energies.
    fn add_energy(&mut self, channel: &[f32], centre: usize) {
        let at = |offset: isize| {
            let index = centre as isize + offset;
            let sample = usize::try_from(index).ok().and_then(|n| channel.get(n));
            sample.copied().unwrap_or(0.0)
        };
        let mut split = Split::new(&self.splits);
        let warm_up = self.border(0) - (WARM_UP_HOPS * self.hop_samples) as isize;
        for offset in warm_up..self.border(0) {
            split.next(at(offset));
        }
        for block in 0..self.span.blocks() {
            for offset in self.border(block)..self.border(block + 1) {
                let regions = split.next(at(offset));
                for (energy, sample) in self.energy.iter_mut().zip(regions) {
                    energy[block] += sample * sample;
                }
            }
        }
    }

    fn measure_rise(&mut self) {
        let range = self.range();
        let energy = &self.energy[REGIONS - 1];
        let mean = |blocks: &[f32]| {
            blocks.iter().map(|energy| energy.sqrt()).sum::<f32>() / blocks.len() as f32
        };
        let mut highest = 1e-20_f32;
        for block in range.clone() {
            self.rise[block] = mean(&energy[block..block + RISE_BLOCKS])
                - mean(&energy[block - LOUD_BLOCKS..block]);
            highest = highest.max(self.rise[block]);
        }
        for rise in &mut self.rise[range] {
            *rise = (*rise / highest).max(0.01).ln();
        }
    }
}

/// Log likelihood ratio, for each block, of two variances before and after it
/// against one for both.
fn compare(energy: &[f32], likelihood: &mut [f32]) {
    const CALM: f32 = CALM_BLOCKS as f32;
    const LOUD: f32 = LOUD_BLOCKS as f32;
    for block in FIRST..energy.len() - LOUD_BLOCKS {
        let before = energy[block - CALM_BLOCKS..block].iter().sum::<f32>();
        let after = energy[block..block + LOUD_BLOCKS].iter().sum::<f32>();
        let both = (before + after) / (CALM + LOUD);
        let (before, after) = (before / CALM, after / LOUD);
        let ratio = CALM * (both / before).ln() + LOUD * (both / after).ln();
        likelihood[block] = if after > before { ratio } else { -ratio };
    }
}

/// Low pass of the first order.
#[derive(Debug, Clone, Copy, Default)]
struct OnePole {
    gain: f32,
    feedback: f32,
    input: f32,
    output: f32,
}

impl OnePole {
    /// `frequency` is relative to the sample rate.
    fn new(frequency: f64) -> OnePole {
        let k = (std::f64::consts::PI * frequency.min(0.4)).tan();
        OnePole {
            gain: (k / (1.0 + k)) as f32,
            feedback: ((1.0 - k) / (1.0 + k)) as f32,
            input: 0.0,
            output: 0.0,
        }
    }

    fn next(&mut self, input: f32) -> f32 {
        self.output = self.gain * (input + self.input) + self.feedback * self.output;
        self.input = input;
        self.output
    }
}

/// Splits a signal into the regions; slopes of 12 dB per octave.
struct Split {
    low: [OnePole; 2],
    below_mid: [OnePole; 2],
    above_low_mid: [OnePole; 2],
    mid: OnePole,
    high: [OnePole; 2],
}

impl Split {
    fn new(splits: &[OnePole; REGIONS - 1]) -> Split {
        let [low, mid, high] = *splits;
        Split {
            low: [low; 2],
            below_mid: [mid; 2],
            above_low_mid: [mid; 2],
            mid: high,
            high: [high; 2],
        }
    }

    fn next(&mut self, sample: f32) -> [f32; REGIONS] {
        let through = |poles: &mut [OnePole; 2], sample| {
            let [first, second] = poles;
            second.next(first.next(sample))
        };
        let without = |poles: &mut [OnePole; 2], sample: f32| {
            let [first, second] = poles;
            let rest = sample - first.next(sample);
            rest - second.next(rest)
        };
        let low = through(&mut self.low, sample);
        let low_mid = through(&mut self.below_mid, sample) - low;
        let mid = self.mid.next(without(&mut self.above_low_mid, sample));
        [low, low_mid, mid, without(&mut self.high, sample)]
    }
}

#[cfg(test)]
mod tests;
