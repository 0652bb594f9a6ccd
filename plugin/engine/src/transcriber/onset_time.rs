//! Onset times to the sample, one for each drum.
//!
//! The network knows an onset to about a frame; masks and one-shots need it
//! below one hop. Drums of one frame are seldom played in the same millisecond,
//! and the brightest would decide for all if they were looked for in the whole
//! signal: each is looked for in the regions of the spectrum in which it begins.
//! There its onset is where the signal splits best into a quiet stretch and a
//! loud one (likelihood ratio of a change of variance), near where the network's
//! activation expects it.

use crate::drum::Drum;

/// Blocks per hop of the energy envelopes: 0.36 ms each.
const BLOCKS_PER_HOP: usize = 16;
/// How far before and after the frame's centre an onset is looked for.
const BEFORE_HOPS: usize = 1;
const AFTER_HOPS: usize = 3;
/// Blocks that are compared: 4.4 ms before an onset, 2.9 ms after it.
const CALM_BLOCKS: usize = 12;
const LOUD_BLOCKS: usize = 8;
/// Blocks over which the height of a rise is measured.
const RISE_BLOCKS: usize = 4;
const BLOCKS: usize = (BEFORE_HOPS + AFTER_HOPS) * BLOCKS_PER_HOP + CALM_BLOCKS + LOUD_BLOCKS;
/// First block at which an onset is looked for, and the first after the range.
const FIRST: usize = CALM_BLOCKS;
const END: usize = BLOCKS - LOUD_BLOCKS;

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

/// Score below the best one of an onset that may be the true one as well.
const DOUBT: f32 = 0.5;

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
    splits: [OnePole; REGIONS - 1],
    /// Energy of each region, from [`CALM_BLOCKS`] before the range on.
    energy: [[f32; BLOCKS]; REGIONS],
    /// Log likelihood ratio of an onset at each block, negative for a fall.
    likelihood: [[f32; BLOCKS]; REGIONS],
    /// Log of the height of the rise in the top region, relative to the highest.
    rise: [f32; BLOCKS],
}

impl OnsetLocator {
    /// A locator for frames `hop_samples` apart.
    pub fn new(sample_rate_hz: f64, hop_samples: usize) -> OnsetLocator {
        OnsetLocator {
            hop_samples,
            splits: BORDERS_HZ.map(|border| OnePole::new(border / sample_rate_hz)),
            energy: [[0.0; BLOCKS]; REGIONS],
            likelihood: [[0.0; BLOCKS]; REGIONS],
            rise: [0.0; BLOCKS],
        }
    }

    /// Takes the surroundings of `centre`, an index into both channels of
    /// `history`: one hop before it to three and a half after it. What lies outside
    /// the history counts as silence. Real-time safe.
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
        let mut scores = [f32::MIN; BLOCKS];
        let mut best = FIRST;
        for block in FIRST..END {
            let hops = (block - FIRST) as f32 / BLOCKS_PER_HOP as f32 - BEFORE_HOPS as f32;
            let distance = (hops - expected) / EXPECTED_WITHIN_HOPS;
            let mut score = trace.rise * self.rise[block] - 0.5 * distance * distance;
            for (weight, likelihood) in trace.regions.iter().zip(&self.likelihood) {
                score += weight * likelihood[block];
            }
            scores[block] = score;
            if score > scores[best] {
                best = block;
            }
        }
        let likely = |block: &usize| scores[*block] >= scores[best] - DOUBT;
        let earliest = (FIRST..best).find(likely).unwrap_or(best);
        LocatedOnset {
            offset: self.border(best) as i32,
            earliest: self.border(earliest) as i32,
        }
    }

    /// Where block `block` begins, in samples from the centre.
    fn border(&self, block: usize) -> isize {
        let blocks = block as isize - (FIRST + BEFORE_HOPS * BLOCKS_PER_HOP) as isize;
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
        for block in 0..BLOCKS {
            for offset in self.border(block)..self.border(block + 1) {
                let regions = split.next(at(offset));
                for (energy, sample) in self.energy.iter_mut().zip(regions) {
                    energy[block] += sample * sample;
                }
            }
        }
    }

    fn measure_rise(&mut self) {
        let level = self.energy[REGIONS - 1].map(f32::sqrt);
        let mean = |blocks: &[f32]| blocks.iter().sum::<f32>() / blocks.len() as f32;
        let mut highest = 1e-20_f32;
        for block in FIRST..END {
            self.rise[block] =
                mean(&level[block..block + RISE_BLOCKS]) - mean(&level[block - LOUD_BLOCKS..block]);
            highest = highest.max(self.rise[block]);
        }
        for rise in &mut self.rise[FIRST..END] {
            *rise = (*rise / highest).max(0.01).ln();
        }
    }
}

/// Log likelihood ratio, for each block, of two variances before and after it
/// against one for both.
fn compare(energy: &[f32; BLOCKS], likelihood: &mut [f32; BLOCKS]) {
    const CALM: f32 = CALM_BLOCKS as f32;
    const LOUD: f32 = LOUD_BLOCKS as f32;
    for block in FIRST..END {
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
mod tests {
    use super::*;

    const HOP: usize = 256;
    const RATE_HZ: f64 = 44_100.0;

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
        let mut locator = OnsetLocator::new(RATE_HZ, HOP);
        for offset in (-100..500).step_by(37) {
            for (drum, frequency) in [
                (Drum::Kick, 0.008),
                (Drum::FloorTom, 0.015),
                (Drum::Snare, 0.05),
                (Drum::ClosedHat, 1.4),
                (Drum::Ride, 1.1),
            ] {
                let onset = (4_096 + offset) as usize;
                let signal = hit(onset, frequency);
                locator.listen([&signal, &signal], 4_096);
                let found = locator.locate(drum, 0.4);
                let error = found.offset - offset;
                assert!(error.abs() <= 40, "{drum:?} at {offset}: {found:?}");
            }
        }
    }

    #[test]
    fn drums_of_one_frame_keep_their_own_onsets() {
        let mut locator = OnsetLocator::new(RATE_HZ, HOP);
        for (kick, hat) in [(100, 400), (400, 100), (250, 250)] {
            let mut signal = hit(4_096 + kick, 0.01);
            for (sum, sample) in signal.iter_mut().zip(hit(4_096 + hat, 1.5)) {
                *sum += 0.5 * sample;
            }
            locator.listen([&signal, &signal], 4_096);
            for (drum, onset) in [(Drum::Kick, kick), (Drum::ClosedHat, hat)] {
                let error = locator.locate(drum, 0.4).offset - onset as i32;
                assert!(error.abs() <= 60, "{drum:?} of {kick} and {hat}: {error}");
            }
        }
    }

    #[test]
    fn a_gentle_attack_may_begin_earlier_than_a_sudden_one() {
        let mut locator = OnsetLocator::new(RATE_HZ, HOP);
        let doubt = |locator: &mut OnsetLocator, attack: f32| {
            let mut signal = hit(4_096 + 300, 0.1);
            for (n, sample) in signal[4_096 + 300..].iter_mut().enumerate() {
                *sample *= (n as f32 / attack).min(1.0).powi(2);
            }
            locator.listen([&signal, &signal], 4_096);
            let found = locator.locate(Drum::Snare, 0.3);
            assert!(found.earliest >= 300 - 40, "{found:?}");
            found.offset - found.earliest
        };
        let [sudden, gentle] = [1.0, 400.0].map(|attack| doubt(&mut locator, attack));
        assert!(sudden <= 16, "{sudden}");
        assert!((17..200).contains(&gentle), "{gentle}");
    }

    #[test]
    fn without_any_rise_the_activation_decides() {
        let mut locator = OnsetLocator::new(RATE_HZ, HOP);
        let silence = [0.0; 100];
        for centre in [0, 50, 99, 4_000] {
            locator.listen([&silence, &silence], centre);
            for drum in Drum::ALL {
                let [weak, strong] = [0.2, 0.7].map(|act| locator.locate(drum, act).offset);
                assert!(weak > strong, "{drum:?}: {weak} {strong}");
                assert!((-256..768).contains(&weak));
            }
        }
    }
}
