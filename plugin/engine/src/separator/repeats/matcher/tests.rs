use super::*;

const RATE_HZ: f64 = 44_100.0;

fn ring(n: f64, pitch: f64, decay: f64) -> f32 {
    if n < 0.0 {
        return 0.0;
    }
    ((pitch * n).sin() * (-n / decay).exp() * (1.0 - (-n / 4.0).exp())) as f32
}

#[test]
fn a_soft_hat_is_found_under_a_kick_and_the_kick_under_it() {
    let mut matcher = Matcher::new(RATE_HZ, 2560, 1848);
    let kick = |n: f64| 3.0 * ring(n, 0.01, 900.0);
    let hat = |n: f64| 0.1 * (ring(n, 1.3, 300.0) + ring(n, 2.2, 200.0));
    let sound =
        |of: &dyn Fn(f64) -> f32| -> Vec<f32> { (0..4000).map(|n| of(n as f64 - 96.0)).collect() };
    let mut prints = [(); 2].map(|()| matcher.fingerprint());
    let (low, high) = (sound(&kick), sound(&hat));
    matcher.describe([&low, &low], &mut prints[0]);
    matcher.describe([&high, &high], &mut prints[1]);
    for (kick_at, hat_at) in [(150.0, 161.0), (133.5, 120.25)] {
        let heard: Vec<f32> = (0..2400)
            .map(|n| {
                let n = f64::from(n) - 96.0;
                0.7 * kick(n - kick_at) + 1.6 * hat(n - hat_at)
            })
            .collect();
        matcher.listen([&heard, &heard]);
        let found = matcher.find(&prints[0], 60..240).unwrap();
        assert!(found.likeness > 0.9, "{found:?}");
        assert!((found.at - kick_at).abs() < 1.0, "{found:?}");
        matcher.subtract(&prints[0], &found);
        let found = matcher.find(&prints[1], 60..240).unwrap();
        assert!(found.likeness > 0.8, "{found:?}");
        assert!((found.at - hat_at).abs() < 0.1, "{found:?}");
        assert!((found.gain - 1.6).abs() < 0.25, "{found:?}");
    }
}

#[test]
fn at_high_rates_a_sound_is_found_as_well_and_for_as_little() {
    for (factor, stride) in [(1, 1), (2, 2), (4, 4)] {
        let mut matcher = Matcher::new(factor as f64 * RATE_HZ, 2560 * factor, 1848 * factor);
        assert_eq!((matcher.stride, matcher.power.len()), (stride, 1281));
        let mut print = matcher.fingerprint();
        let scale = factor as f64;
        let at = |n: f64| ring(n / scale, 0.08, 500.0) + ring(n / scale, 0.9, 200.0);
        let sound: Vec<f32> = (0..4000 * factor).map(|n| at(n as f64)).collect();
        matcher.describe([&sound, &sound], &mut print);
        let begins = 150.0 * scale + 2.0;
        let heard: Vec<f32> = (0..2400 * factor)
            .map(|n| 0.5 * at(n as f64 - begins))
            .collect();
        matcher.listen([&heard, &heard]);
        let found = matcher.find(&print, 60 * factor..240 * factor).unwrap();
        assert!((found.at - begins).abs() < 0.1 * scale, "{found:?}");
        assert!((found.gain - 0.5).abs() < 0.02, "{found:?}");
        matcher.subtract(&print, &found);
        let rest = matcher.find(&print, 60 * factor..240 * factor);
        assert!(rest.is_none_or(|rest| rest.gain < 0.05), "{rest:?}");
    }
}

#[test]
fn other_sounds_and_silence_are_not_alike() {
    let mut matcher = Matcher::new(RATE_HZ, 2560, 1848);
    let mut print = matcher.fingerprint();
    let silence = vec![0.0; 2560];
    assert_eq!(matcher.find(&print, 0..100), None);
    let mut seed = 1_u32;
    let mut noise = || {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (seed >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    let one: Vec<f32> = (0..2560).map(|_| noise()).collect();
    let other: Vec<f32> = (0..2560).map(|_| noise()).collect();
    matcher.describe([&one, &one], &mut print);
    matcher.listen([&silence, &silence]);
    assert_eq!(matcher.find(&print, 0..100), None);
    matcher.listen([&other, &one]);
    let found = matcher.find(&print, 50..250);
    assert!(found.is_none_or(|found| found.likeness < 0.3), "{found:?}");
}
