//! Changes to human grooves: excerpt, tempo, timing, dynamics, instrumentation.

use super::{Event, Groove};
use crate::{kits::Sound, random::Random};

/// Largest change of tempo, either way.
const TEMPO_CHANGE: f32 = 0.15;

/// An excerpt of `length_s` seconds from a random place of `groove`, faster or
/// slower, with random timing and dynamics. Allocates.
pub fn vary(groove: &Groove, length_s: f64, random: &mut Random) -> Vec<Event> {
    let stretch = f64::from(random.range(1.0 - TEMPO_CHANGE, 1.0 + TEMPO_CHANGE));
    let slack_s = (groove.duration_s * stretch - length_s).max(0.0);
    // The first strokes may lie just before the excerpt.
    let start_s = slack_s * f64::from(random.unit()) - f64::from(random.range(0.0, 0.3));
    let jitter_s = random.range(0.0, 0.004);
    let dynamics = random.range(0.7, 1.4);
    let level = random.range(0.75, 1.15);
    let mut events: Vec<Event> = groove
        .events
        .iter()
        .map(|event| Event {
            time_s: event.time_s * stretch - start_s + f64::from(jitter_s * random.normal()),
            sound: event.sound,
            velocity: (level * event.velocity.powf(dynamics) * (1.0 + 0.08 * random.normal()))
                .clamp(0.03, 1.0),
        })
        .collect();
    // Short fills repeat until the piece is full.
    let period_s = groove.duration_s * stretch + f64::from(random.range(0.2, 0.6));
    let once = events.clone();
    let mut shift_s = period_s;
    while shift_s - start_s < length_s && groove.duration_s > 0.2 {
        events.extend(once.iter().map(|event| Event {
            time_s: event.time_s + shift_s,
            ..*event
        }));
        shift_s += period_s;
    }
    events.retain(|event| (0.0..length_s).contains(&event.time_s));
    events
}

/// Moves parts to other drums and adds cymbals, so that rides, crashes, open
/// hats and toms are as common as kicks and snares.
pub fn remap(events: &mut Vec<Event>, length_s: f64, random: &mut Random) {
    if random.chance(0.22) {
        replace(events, &[Sound::ClosedHat], random, |random| {
            if random.chance(0.12) {
                Sound::RideBell
            } else {
                Sound::Ride
            }
        });
    } else if random.chance(0.35) {
        let openness = random.range(0.2, 1.0);
        replace(events, &[Sound::ClosedHat], random, |random| {
            if random.chance(openness) {
                Sound::OpenHat
            } else {
                Sound::ClosedHat
            }
        });
    } else if random.chance(0.1) {
        replace(events, &[Sound::ClosedHat, Sound::Ride], random, |_| {
            Sound::Crash
        });
    } else if random.chance(0.1) {
        replace(events, &[Sound::ClosedHat], random, |random| {
            if random.chance(0.5) {
                Sound::Ride
            } else {
                Sound::ClosedHat
            }
        });
    }
    if random.chance(0.3) {
        let share = random.range(0.15, 0.9);
        replace(events, &[Sound::Snare, Sound::RimShot], random, |random| {
            if random.chance(share) {
                any_tom(random)
            } else {
                Sound::Snare
            }
        });
    }
    if random.chance(0.15) {
        // A tom part instead of the hats or the kick.
        let from = if random.chance(0.6) {
            Sound::ClosedHat
        } else {
            Sound::Kick
        };
        let tom = any_tom(random);
        replace(events, &[from], random, |_| tom);
    }
    if random.chance(0.1) {
        let share = random.range(0.3, 1.0);
        replace(events, &[Sound::Snare], random, |random| {
            if random.chance(share) {
                Sound::SideStick
            } else {
                Sound::Snare
            }
        });
    }
    if random.chance(0.6) {
        add_crashes(events, random);
    }
    if random.chance(0.08) {
        drop_a_part(events, random);
    }
    events.retain(|event| event.time_s < length_s);
}

fn replace(
    events: &mut [Event],
    from: &[Sound],
    random: &mut Random,
    to: impl Fn(&mut Random) -> Sound,
) {
    for event in events {
        if from.contains(&event.sound) {
            event.sound = to(random);
        }
    }
}

fn any_tom(random: &mut Random) -> Sound {
    *random
        .pick(&[Sound::HighTom, Sound::MidTom, Sound::FloorTom])
        .unwrap_or(&Sound::MidTom)
}

/// A crash with some of the kicks.
fn add_crashes(events: &mut Vec<Event>, random: &mut Random) {
    let share = random.log_range(0.1, 0.7);
    let kicks: Vec<Event> = events
        .iter()
        .filter(|event| event.sound == Sound::Kick)
        .copied()
        .collect();
    for kick in kicks {
        if random.chance(share) {
            events.push(Event {
                time_s: kick.time_s + f64::from(0.004 * random.normal()),
                sound: Sound::Crash,
                velocity: random.range(0.5, 1.0),
            });
        }
    }
}

/// Leaves out all strokes of one drum that is played.
fn drop_a_part(events: &mut Vec<Event>, random: &mut Random) {
    if let Some(event) = random.pick(events) {
        let sound = event.sound;
        if events.iter().any(|event| event.sound != sound) {
            events.retain(|event| event.sound != sound);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kits::Split;

    fn groove() -> Groove {
        let events: Vec<Event> = (0..200)
            .map(|n| Event {
                time_s: 0.125 * f64::from(n),
                sound: [
                    Sound::Kick,
                    Sound::ClosedHat,
                    Sound::Snare,
                    Sound::ClosedHat,
                ][n as usize % 4],
                velocity: 0.5,
            })
            .collect();
        Groove {
            name: String::new(),
            split: Split::Train,
            duration_s: 24.875,
            events,
        }
    }

    #[test]
    fn excerpts_are_full_and_tempo_stays_within_bounds() {
        for seed in 0..50 {
            let events = vary(&groove(), 8.0, &mut Random::new(&[seed]));
            assert!(
                (52..=77).contains(&events.len()),
                "{seed}: {}",
                events.len()
            );
        }
        let mut fill = groove();
        fill.events.truncate(8);
        fill.duration_s = 0.875;
        let events = vary(&fill, 8.0, &mut Random::new(&[1]));
        assert!(events.len() > 30, "short fills repeat: {}", events.len());
    }

    #[test]
    fn remapping_brings_rare_drums() {
        let mut with = [0; 4];
        for seed in 0..300 {
            let mut random = Random::new(&[seed]);
            let mut events = vary(&groove(), 8.0, &mut random);
            remap(&mut events, 8.0, &mut random);
            for (count, sound) in
                with.iter_mut()
                    .zip([Sound::Ride, Sound::Crash, Sound::OpenHat, Sound::MidTom])
            {
                *count += usize::from(events.iter().any(|event| event.sound == sound));
            }
        }
        assert!(with.iter().all(|&pieces| pieces > 25), "{with:?}");
    }
}
