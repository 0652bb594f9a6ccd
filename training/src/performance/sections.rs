//! Songs have sections: the drums of a chorus are not those of its verse. Who has heard only
//! pieces in which everything plays from the beginning takes a ride that enters later for
//! something else.

use super::{Event, settle};
use crate::{kits::Sound, random::Random};

/// Where a section ends, in parts of the piece.
const BORDER: (f32, f32) = (0.25, 0.75);
/// Share of the pieces in which the hand moves from one cymbal to another; in the others drums
/// rest.
const HAND_SHARE: f32 = 0.45;
/// Share of those that rest before the border: more come in than leave.
const ENTER_SHARE: f32 = 0.67;
/// Chance of each part to rest.
const REST_SHARE: f32 = 0.5;

/// Parts that rest together.
const PARTS: [&[Sound]; 4] = [
    &[Sound::ClosedHat, Sound::PedalHat, Sound::OpenHat],
    &[Sound::HighTom, Sound::MidTom, Sound::FloorTom],
    &[Sound::Crash],
    &[Sound::Ride, Sound::RideBell],
];

/// Divides a performance of `length_s` seconds in two sections: closed hats and rides change
/// places in one of them, or some drums rest there. What the hand leaves, the foot may have
/// played already: the result is settled again. Allocates.
pub fn divide(events: &mut Vec<Event>, length_s: f64, random: &mut Random) {
    let border_s = length_s * f64::from(random.range(BORDER.0, BORDER.1));
    let is_first = random.chance(ENTER_SHARE);
    let is_there = |event: &Event| (event.time_s < border_s) == is_first;
    if random.chance(HAND_SHARE) {
        for event in events.iter_mut().filter(|event| is_there(event)) {
            event.sound = match event.sound {
                Sound::ClosedHat => Sound::Ride,
                Sound::Ride | Sound::RideBell => Sound::ClosedHat,
                other => other,
            };
        }
    } else {
        let rests = PARTS.map(|_| random.chance(REST_SHARE));
        let is_resting = |event: &Event| {
            let mut parts = PARTS.iter().zip(rests);
            parts.any(|(part, rests)| rests && part.contains(&event.sound))
        };
        events.retain(|event| !is_there(event) || !is_resting(event));
    }
    settle(events, length_s);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cymbals_change_places_or_drums_rest_on_one_side() {
        let sounds = [Sound::Kick, Sound::ClosedHat, Sound::Crash];
        let all: Vec<Event> = (0..120)
            .map(|n| Event {
                time_s: 0.1 * f64::from(n),
                sound: sounds[n as usize % 3],
                velocity: 0.5,
            })
            .collect();
        let (mut moved, mut rested) = (0, 0);
        for seed in 0..60 {
            let mut events = all.clone();
            divide(&mut events, 12.0, &mut Random::new(&[seed]));
            let count = |sound: Sound| events.iter().filter(|event| event.sound == sound).count();
            assert_eq!(count(Sound::Kick), 40, "kicks play on");
            let hats = count(Sound::ClosedHat);
            if count(Sound::Ride) > 0 {
                moved += 1;
                assert_eq!(hats + count(Sound::Ride), 40);
                assert!((8..=32).contains(&hats), "{hats}");
                assert_eq!(count(Sound::Crash), 40);
            } else if events.len() < all.len() {
                rested += 1;
                assert!((8..=40).contains(&hats), "{hats}");
            }
        }
        assert!(moved > 15 && rested > 10, "{moved} {rested}");
    }

    #[test]
    fn the_hand_that_moves_to_the_hats_finds_the_pedal_there() {
        // Ride and pedal at once, as jazz is played.
        let sounds = [Sound::PedalHat, Sound::Ride];
        let all: Vec<Event> = (0..80)
            .map(|n| Event {
                time_s: 0.3 * f64::from(n / 2) + 0.004 * f64::from(n % 2),
                sound: sounds[n as usize % 2],
                velocity: 0.5,
            })
            .collect();
        let mut moved = 0;
        for seed in 0..40 {
            let mut events = all.clone();
            divide(&mut events, 12.0, &mut Random::new(&[seed]));
            let closed = |event: &Event| matches!(event.sound, Sound::ClosedHat | Sound::PedalHat);
            let hats: Vec<&Event> = events.iter().filter(|event| closed(event)).collect();
            let mut pairs = hats.windows(2);
            assert!(
                pairs.all(|pair| pair[1].time_s - pair[0].time_s > 0.1),
                "{seed}"
            );
            moved += usize::from(hats.len() == 40 && events.len() < 80);
        }
        assert!(moved > 8, "{moved}");
    }
}
