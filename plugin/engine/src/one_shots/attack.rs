//! Where the attack of a sound begins.

use super::OneShot;

/// Level of the envelope, relative to its peak, at which an attack begins.
const FOOT: f32 = 0.2;
/// How far from the announced onset the attack is looked for.
const BEFORE_S: f64 = 0.005;
const AFTER_S: f64 = 0.012;
/// How long after its attack begins a hit is announced, as a rule: learnt drums show it.
const ANNOUNCED_AFTER_S: f32 = 0.0006;

/// How long after the beginning of a sound its attack begins. Allocates.
pub fn attack_s(one_shot: &OneShot) -> f32 {
    let (left, right) = (one_shot.channel(0), one_shot.channel(1));
    let rate_hz = one_shot.sample_rate_hz();
    // Nothing further on is looked at.
    let samples = (2.0 * AFTER_S * rate_hz) as usize;
    let sums = left.iter().zip(right).map(|(l, r)| l + r);
    let mono: Vec<f32> = sums.take(samples).collect();
    (attack(&mono, 0, rate_hz) as f64 / rate_hz) as f32
}

/// The lead of a sound of which nothing but its samples is known. Allocates.
pub fn usual_lead_s(one_shot: &OneShot) -> f32 {
    attack_s(one_shot) + ANNOUNCED_AFTER_S
}

/// Sample at which the attack near `onset` begins. Allocates.
pub fn attack(mono: &[f32], onset: usize, rate_hz: f64) -> usize {
    let first = onset.saturating_sub((BEFORE_S * rate_hz) as usize);
    let last = (onset + (AFTER_S * rate_hz) as usize).min(mono.len());
    if first >= last {
        return onset.min(mono.len());
    }
    let smooth = ((0.0005 * rate_hz) as usize).max(1);
    let envelope: Vec<f32> = (first..last)
        .map(|n| {
            let span = &mono[n..(n + smooth).min(mono.len())];
            span.iter().fold(0.0_f32, |peak, x| peak.max(x.abs()))
        })
        .collect();
    let peak = envelope.iter().copied().fold(0.0, f32::max);
    let foot = envelope.iter().position(|&level| level >= FOOT * peak);
    first + foot.unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: f64 = 44_100.0;

    fn tone(n: f64) -> f32 {
        ((0.31 * n).sin() * (-n / 300.0).exp() * (1.0 - (-n / 8.0).exp())) as f32
    }

    #[test]
    fn attacks_are_found_and_silence_is_no_attack() {
        let mut mono = vec![0.0; 3_000];
        for (n, sample) in mono[1_000..].iter_mut().enumerate() {
            *sample = tone(n as f64);
        }
        let found = attack(&mono, 1_100, RATE_HZ);
        assert!((960..1_010).contains(&found), "{found}");
        assert_eq!(attack(&[], 10, RATE_HZ), 0);
        assert!(attack(&[0.0; 100], 50, RATE_HZ) <= 100);
    }
}
