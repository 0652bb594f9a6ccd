//! What is played: human grooves and generated performances.

mod generate;
mod grooves;
pub mod sections;
mod vary;

pub use generate::{Pattern, generate};
pub use grooves::{Groove, load_grooves, parse_midi};
pub use vary::{remap, vary};

use crate::{kits::Sound, random::Random};

/// One stroke of a performance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// Time of the hit from the start of the piece.
    pub time_s: f64,
    /// What is struck.
    pub sound: Sound,
    /// How hard, 0..1.
    pub velocity: f32,
}

/// Strokes of one class that are closer than this are one hit.
const SAME_HIT_S: f64 = 0.012;
/// Hats that close sooner after they were struck open were never heard open.
const CLOSING_S: f64 = 0.04;

/// A performance of `length_s` seconds: with probability `groove_share` an
/// excerpt of a groove (varied; with probability `remap_share` its parts move to
/// other drums), else a generated pattern. In order of time, no two strokes of one class closer
/// than 12 ms, no hats open and closed at once. Allocates.
pub fn perform(
    grooves: &[Groove],
    groove_share: f32,
    remap_share: f32,
    length_s: f64,
    random: &mut Random,
) -> Vec<Event> {
    let mut events = Vec::new();
    if random.chance(groove_share)
        && let Some(groove) = pick_groove(grooves, random)
    {
        events = vary(groove, length_s, random);
        if random.chance(remap_share) {
            remap(&mut events, length_s, random);
        }
    }
    if events.is_empty() {
        let pattern = *random.pick(&Pattern::ALL).unwrap_or(&Pattern::Dense);
        events = generate(pattern, length_s, random);
    }
    if random.chance(0.25) {
        generate::add_other_percussion(&mut events, length_s, random);
    }
    settle(&mut events, length_s);
    events
}

/// Draws a groove, longer ones more often.
fn pick_groove<'a>(grooves: &'a [Groove], random: &mut Random) -> Option<&'a Groove> {
    let first = random.pick(grooves)?;
    let second = random.pick(grooves)?;
    Some(if second.duration_s > first.duration_s {
        second
    } else {
        first
    })
}

/// Sorts, drops what is outside, and merges doubled strokes and hats that are open and closed
/// at once.
pub(crate) fn settle(events: &mut Vec<Event>, length_s: f64) {
    events.retain(|event| (0.0..length_s).contains(&event.time_s) && event.velocity > 0.02);
    events.sort_by(|a, b| a.time_s.total_cmp(&b.time_s).then(a.sound.cmp(&b.sound)));
    let mut kept: Vec<Event> = Vec::with_capacity(events.len());
    for event in events.drain(..) {
        let doubled = kept
            .iter()
            .rev()
            .take_while(|earlier| event.time_s - earlier.time_s < SAME_HIT_S)
            .any(|earlier| same_drum(earlier.sound, event.sound));
        if !doubled {
            kept.push(event);
        }
    }
    *events = kept;
    leave_one_hat(events);
}

/// Of an open hat and a closed or pedal hat that are one stroke, leaves the closed one if it
/// comes with or soon after the open one, which it would choke at once, else the open one.
/// `events` are in order of time.
fn leave_one_hat(events: &mut Vec<Event>) {
    let is_closing = |event: &Event| matches!(event.sound, Sound::ClosedHat | Sound::PedalHat);
    let is_open = |event: &Event| event.sound == Sound::OpenHat;
    let closes = |open: &Event, other: &Event| {
        is_closing(other) && (0.0..=CLOSING_S).contains(&(other.time_s - open.time_s))
    };
    let all = events.clone();
    events.retain(|event| !is_open(event) || !all.iter().any(|other| closes(event, other)));
    let open: Vec<f64> = events
        .iter()
        .filter(|event| is_open(event))
        .map(|event| event.time_s)
        .collect();
    let reopens = |event: &Event| {
        open.iter()
            .any(|open_s| (0.0..SAME_HIT_S).contains(&(open_s - event.time_s)))
    };
    events.retain(|event| !is_closing(event) || !reopens(event));
}

fn same_drum(a: Sound, b: Sound) -> bool {
    a == b || (a.drum().is_some() && a.drum() == b.drum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn performances_repeat_are_sorted_and_have_no_doubled_hits() {
        for seed in 0..60 {
            let play = || perform(&[], 0.7, 1.0, 8.0, &mut Random::new(&[seed]));
            let events = play();
            assert_eq!(events, play());
            assert!(!events.is_empty(), "{seed}");
            for (n, event) in events.iter().enumerate() {
                assert!((0.0..8.0).contains(&event.time_s));
                assert!(event.velocity > 0.0 && event.velocity <= 1.0);
                for later in &events[n + 1..] {
                    assert!(later.time_s >= event.time_s);
                    assert!(
                        later.time_s - event.time_s > CLOSING_S
                            || event.sound != Sound::OpenHat
                            || !matches!(later.sound, Sound::ClosedHat | Sound::PedalHat),
                        "{seed}: {event:?} {later:?}"
                    );
                    assert!(
                        later.time_s - event.time_s >= SAME_HIT_S
                            || !same_drum(event.sound, later.sound)
                    );
                }
            }
        }
    }

    #[test]
    fn hats_are_open_or_closed() {
        let settled = |strokes: &[(f64, Sound)]| -> Vec<(f64, Sound)> {
            let mut events: Vec<Event> = strokes
                .iter()
                .map(|&(time_s, sound)| Event {
                    time_s,
                    sound,
                    velocity: 0.5,
                })
                .collect();
            settle(&mut events, 4.0);
            let events = events.iter();
            events.map(|event| (event.time_s, event.sound)).collect()
        };
        use Sound::{ClosedHat, Kick, OpenHat, PedalHat, Ride};
        assert_eq!(
            settled(&[(1.0, OpenHat), (1.0, ClosedHat)]),
            [(1.0, ClosedHat)]
        );
        assert_eq!(
            settled(&[(1.0, OpenHat), (1.03, PedalHat)]),
            [(1.03, PedalHat)]
        );
        assert_eq!(
            settled(&[(1.0, ClosedHat), (1.005, OpenHat)]),
            [(1.005, OpenHat)]
        );
        for apart in [
            [(1.0, OpenHat), (1.05, ClosedHat)],
            [(1.0, ClosedHat), (1.02, OpenHat)],
            [(1.0, Ride), (1.0, PedalHat)],
            [(1.0, Kick), (1.0, OpenHat)],
        ] {
            assert_eq!(settled(&apart).len(), 2, "{apart:?}");
        }
    }

    #[test]
    fn rare_drums_are_not_rare() {
        let mut counts = [0_usize; idm_engine::drum::DRUM_COUNT];
        for seed in 0..400 {
            for event in perform(&[], 0.7, 1.0, 8.0, &mut Random::new(&[seed, 9])) {
                if let Some(drum) = event.sound.drum() {
                    counts[drum.index()] += 1;
                }
            }
        }
        let total: usize = counts.iter().sum();
        for (drum, count) in counts.iter().enumerate() {
            assert!(count * 25 > total, "class {drum}: {count} of {total}");
        }
    }
}
