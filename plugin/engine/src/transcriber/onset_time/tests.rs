//! Tests of the onset times.

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

#[test]
fn an_onset_near_a_place_is_found_and_none_where_none_is() {
    let mut locator = OnsetLocator::for_places(RATE_HZ, HOP);
    let reach = -880..=880;
    for offset in (-870..=870).step_by(29) {
        for (drum, frequency) in [
            (Drum::Kick, 0.008),
            (Drum::Snare, 0.05),
            (Drum::ClosedHat, 1.4),
            (Drum::Ride, 1.1),
        ] {
            let signal = hit((4_096 + offset) as usize, frequency);
            locator.listen([&signal, &signal], 4_096);
            let found = locator.locate_near(drum, reach.clone());
            let error = found.expect("an onset") - offset;
            assert!(error.abs() <= 40, "{drum:?} at {offset}: {error}");
            // Beyond what is asked for.
            let before = i32::MIN..=offset - 60;
            assert_eq!(locator.locate_near(drum, before), None, "{drum:?}");
        }
    }
    // What rings on, and silence.
    for onset in [2_000, 8_000] {
        let signal = hit(onset, 0.05);
        locator.listen([&signal, &signal], 4_096);
        for drum in Drum::ALL {
            assert_eq!(locator.locate_near(drum, reach.clone()), None, "{drum:?}");
        }
    }
}
