//! Pre-echo suppression: what a window smears before an onset is taken off the
//! drum's bus again.
//!
//! A mask changes a whole window of signal at once, so that a drum's bus begins
//! to sound half a window before the drum does. The onset is known to the
//! sample while those samples are still to be played: until just before it (where
//! it is in doubt, before the earliest that it may be), the bus is turned down to
//! what the additive model says is left of the drum's earlier hits. The rest is what
//! rings on of other drums ([`super::EarlierShares`]) and the residual's, so that the buses
//! still add up to the input.

use crate::drum::{DRUM_COUNT, Drum};

/// Hits per drum that can be ahead at once.
const HITS: usize = 4;
/// Power relative to the hit's at which what rings on is as loud as the smear:
/// −25 dB. The smear of a window of four hops is louder, but what the additive
/// model says of earlier hits is not worth more: closing further costs more of
/// them than it takes off the smear.
const SMEAR: f32 = 0.003;
/// How long the gain falls: where a low drum rings, a faster one clicks. It is down where the
/// window begins.
const FALL_S: f64 = 0.003;
/// How long it rises, which the attack covers.
const RISE_S: f64 = 0.001;
/// The gate is open again this long before the earliest onset, which is known to
/// within a block of 0.36 ms.
const LEAD_S: f64 = 0.0003;

#[derive(Debug, Clone, Copy)]
struct Gate {
    /// Where the gain starts to fall.
    start_sample: u64,
    onset_sample: u64,
    gain: f32,
}

/// Gates of all drums. Real-time safe after construction.
#[derive(Debug, Clone)]
pub struct AttackGate {
    gates: [[Option<Gate>; HITS]; DRUM_COUNT],
    reach_samples: u64,
    fall_samples: f32,
    rise_samples: f32,
    lead_samples: f32,
}

impl AttackGate {
    /// All open. `window_samples` is the length of the masked windows.
    pub fn new(sample_rate_hz: f64, window_samples: usize) -> AttackGate {
        AttackGate {
            gates: [[None; HITS]; DRUM_COUNT],
            reach_samples: window_samples as u64 / 2 + (FALL_S * sample_rate_hz) as u64,
            fall_samples: (FALL_S * sample_rate_hz).max(1.0) as f32,
            rise_samples: (RISE_S * sample_rate_hz).max(1.0) as f32,
            lead_samples: (LEAD_S * sample_rate_hz) as f32,
        }
    }

    /// Opens all gates. Real-time safe.
    pub fn reset(&mut self) {
        self.gates = [[None; HITS]; DRUM_COUNT];
    }

    /// A hit of `drum` begins at `onset_sample` at the earliest; `next_sample` is the first one
    /// that is still to be made. `ringing` is the power that earlier hits of
    /// the drum leave before the onset, `hit` that of the new one. Real-time
    /// safe.
    pub fn hit(&mut self, drum: Drum, onset_sample: u64, next_sample: u64, ringing: f32, hit: f32) {
        if onset_sample <= next_sample {
            return;
        }
        let smeared = SMEAR * hit.max(1e-12);
        let gain = (ringing.max(0.0) / (ringing.max(0.0) + smeared)).sqrt();
        let gate = Gate {
            start_sample: onset_sample
                .saturating_sub(self.reach_samples)
                .max(next_sample),
            onset_sample,
            gain,
        };
        let slots = &mut self.gates[drum.index()];
        let slot = slots.iter().position(Option::is_none).unwrap_or(0);
        slots[slot] = Some(gate);
    }

    /// The newest hit of `drum` is known to begin at `onset_sample`: its gate is open from
    /// there on at the latest, or as soon as it can be without a jump at `next_sample`, the
    /// first one that is still to be made. Real-time safe.
    pub fn open_at(&mut self, drum: Drum, onset_sample: u64, next_sample: u64) {
        let gates = self.gates[drum.index()].iter_mut().flatten();
        if let Some(newest) = gates.max_by_key(|gate| gate.onset_sample) {
            let opens = (self.lead_samples + self.rise_samples).ceil() as u64;
            let soonest = next_sample.max(newest.start_sample) + opens;
            newest.onset_sample = newest.onset_sample.min(onset_sample.max(soonest));
        }
    }

    /// Applies the gates of `drum` to `channels`, which begin at `first_sample`, and adds what
    /// they take off to `taken`; false if that is nothing. Real-time safe.
    pub fn apply(
        &mut self,
        drum: usize,
        first_sample: u64,
        channels: &mut [Vec<f32>; 2],
        taken: &mut [Vec<f32>; 2],
    ) -> bool {
        let count = channels[0].len() as u64;
        let mut is_closed = false;
        for slot in 0..HITS {
            let Some(gate) = self.gates[drum][slot] else {
                continue;
            };
            let from = gate.start_sample.max(first_sample);
            let until = gate.onset_sample.min(first_sample + count);
            is_closed |= from < until;
            for sample in from..until {
                let gain = self.gain_at(&gate, sample);
                let index = (sample - first_sample) as usize;
                for (channel, taken) in channels.iter_mut().zip(taken.iter_mut()) {
                    // Adding zero leaves no negative zeros behind.
                    let left = channel[index] * gain + 0.0;
                    taken[index] += channel[index] - left;
                    channel[index] = left;
                }
            }
            if gate.onset_sample <= first_sample + count {
                self.gates[drum][slot] = None;
            }
        }
        is_closed
    }

    fn gain_at(&self, gate: &Gate, sample: u64) -> f32 {
        let fallen = ((sample - gate.start_sample) as f32 / self.fall_samples).min(1.0);
        let eased = fallen * fallen * (3.0 - 2.0 * fallen);
        let down = 1.0 + (gate.gain - 1.0) * eased;
        let left = (gate.onset_sample - sample) as f32 - self.lead_samples;
        let risen = (1.0 - left / self.rise_samples).clamp(0.0, 1.0);
        down + (1.0 - down) * risen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: f64 = 44_100.0;

    fn played(ringing: f32, next_sample: u64) -> Vec<f32> {
        let mut gate = AttackGate::new(RATE_HZ, 1_024);
        gate.hit(Drum::Snare, 1_000, next_sample, ringing, 1.0);
        let mut out = Vec::new();
        for block in 0..8 {
            let mut channels = [vec![1.0; 256], vec![1.0; 256]];
            let mut taken = [vec![0.0; 256], vec![0.0; 256]];
            let is_closed = gate.apply(1, block * 256, &mut channels, &mut taken);
            assert_eq!(channels[0], channels[1]);
            assert_eq!(is_closed, taken[0].iter().any(|&sample| sample != 0.0));
            for (left, taken) in channels[1].iter().zip(&taken[1]) {
                assert!((left + taken - 1.0).abs() < 1e-6);
            }
            out.extend_from_slice(&channels[0]);
        }
        out
    }

    #[test]
    fn silence_before_a_first_hit_stays_silent_and_the_hit_is_whole() {
        let out = played(0.0, 256);
        assert!(out[560..930].iter().all(|&gain| gain < 1e-3));
        assert!(out[1_000..].iter().all(|&gain| gain == 1.0));
        assert!(out[..350].iter().all(|&gain| gain == 1.0));
    }

    #[test]
    fn what_rings_on_is_kept() {
        let out = played(0.1, 256);
        assert!(out.iter().all(|&gain| gain > 0.9));
    }

    #[test]
    fn the_gain_never_jumps() {
        for next_sample in [0, 256, 768, 950] {
            let out = played(0.0, next_sample);
            for (n, pair) in out.windows(2).enumerate() {
                assert!((pair[1] - pair[0]).abs() < 0.04, "{next_sample}: {n}");
            }
        }
    }

    #[test]
    fn an_attack_whose_place_is_known_is_not_gated() {
        let mut gate = AttackGate::new(RATE_HZ, 1_024);
        gate.hit(Drum::Snare, 900, 0, 0.0, 1.0);
        gate.open_at(Drum::Snare, 750, 0);
        gate.open_at(Drum::Snare, 800, 0);
        let mut channels = [vec![1.0; 1_024], vec![1.0; 1_024]];
        let mut taken = [vec![0.0; 1_024], vec![0.0; 1_024]];
        assert!(gate.apply(1, 0, &mut channels, &mut taken));
        assert!(channels[0][600] < 1e-3);
        assert!(channels[0][750..].iter().all(|&gain| gain == 1.0));
    }

    #[test]
    fn a_gate_that_opens_late_opens_without_a_jump() {
        let mut gate = AttackGate::new(RATE_HZ, 1_024);
        gate.hit(Drum::Snare, 900, 0, 0.0, 1.0);
        let mut out = Vec::new();
        for block in 0..8 {
            if block == 3 {
                gate.open_at(Drum::Snare, 770, 768);
            }
            let mut channels = [vec![1.0; 256], vec![1.0; 256]];
            let mut taken = channels.clone();
            gate.apply(1, block * 256, &mut channels, &mut taken);
            out.extend_from_slice(&channels[0]);
        }
        assert!(out[840..].iter().all(|&gain| gain == 1.0));
        for pair in out.windows(2) {
            assert!((pair[1] - pair[0]).abs() < 0.04, "{pair:?}");
        }
    }

    #[test]
    fn a_low_drum_that_rings_on_does_not_click() {
        let mut gate = AttackGate::new(RATE_HZ, 1_024);
        gate.hit(Drum::FloorTom, 1_000, 0, 0.0, 1.0);
        let mut channels = [vec![1.0; 1_024], vec![1.0; 1_024]];
        let mut taken = channels.clone();
        gate.apply(Drum::FloorTom.index(), 0, &mut channels, &mut taken);
        let fall = &channels[0][..600];
        let bend = |three: &[f32]| (three[0] - 2.0 * three[1] + three[2]).abs();
        let sharpest = fall.windows(3).map(bend).fold(0.0, f32::max);
        // A straight fall in a millisecond bends by 0.023.
        assert!(sharpest < 5e-4, "{sharpest}");
        assert!(channels[0][489..900].iter().all(|&gain| gain < 1e-3));
    }

    #[test]
    fn a_hit_that_already_sounds_is_left_alone() {
        assert!(played(0.0, 1_000).iter().all(|&gain| gain == 1.0));
    }
}
