use super::*;
use crate::dsp::RATE_HZ;

/// Time until the energy that remains is 20 dB below all of it.
fn decay_s(audio: &[f32]) -> f32 {
    let total: f32 = audio.iter().map(|s| s * s).sum();
    let mut left = total;
    for (n, sample) in audio.iter().enumerate() {
        left -= sample * sample;
        if left < 0.01 * total {
            return n as f32 / RATE_HZ;
        }
    }
    audio.len() as f32 / RATE_HZ
}

#[test]
fn kits_repeat_by_seed_and_differ_between_seeds() {
    for sound in [Sound::Kick, Sound::ClosedHat, Sound::Ride] {
        let first = samples(11, sound);
        let again = samples(11, sound);
        let other = samples(12, sound);
        assert_eq!(first[0].audio, again[0].audio, "{sound:?}");
        assert_ne!(first[0].audio, other[0].audio, "{sound:?}");
        assert_ne!(first[0].audio, first[1].audio, "{sound:?} alternatives");
    }
}

#[test]
fn every_sound_is_finite_begins_at_once_and_ends_in_silence() {
    for seed in 0..6 {
        for sound in Sound::ALL {
            for hit in samples(seed, sound) {
                let peak = hit.audio.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
                let expected = hit.velocity.powf(VELOCITY_EXPONENT);
                assert!(
                    (peak / expected - 1.0).abs() < 1e-3,
                    "{seed} {sound:?} {peak}"
                );
                assert_eq!(hit.audio.last().copied(), Some(0.0));
                // Shakers, pedals and brushes swell; all else is there at once.
                let within = if matches!(sound, Sound::Shaker) {
                    900
                } else {
                    250
                };
                let start = hit.audio[..within]
                    .iter()
                    .fold(0.0_f32, |p, s| p.max(s.abs()));
                assert!(
                    start > 0.08 * peak,
                    "{seed} {sound:?} begins with {start} of {peak}"
                );
            }
        }
    }
}

#[test]
fn toms_are_in_order_and_open_hats_ring_longer() {
    for seed in 20..26 {
        let length = |sound| decay_s(&samples(seed, sound)[0].audio);
        assert!(
            length(Sound::OpenHat) > 1.5 * length(Sound::ClosedHat),
            "{seed}"
        );
        // Zero crossings after the attack follow the fundamental.
        let pitch = |sound| {
            let hits = samples(seed, sound);
            let mut audio = hits.last().unwrap().audio.to_vec();
            Biquad::low_pass(300.0, 0.7).run(&mut audio);
            let span = &audio[1_000..audio.len().min(7_000)];
            let crossings = span
                .windows(2)
                .filter(|w| w[0] <= 0.0 && w[1] > 0.0)
                .count();
            crossings as f32 / span.len() as f32
        };
        let (high, floor) = (pitch(Sound::HighTom), pitch(Sound::FloorTom));
        assert!(high > 1.1 * floor, "{seed}: {high} {floor}");
    }
}

#[test]
fn a_kit_has_every_sound() {
    let kit = kit(3, Split::Train);
    assert!(kit.sounds.iter().all(|hits| !hits.is_empty()));
    assert_eq!(kit.name, "procedural-3");
}
