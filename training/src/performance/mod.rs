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

/// A performance of `length_s` seconds: with probability `groove_share` an
/// excerpt of a groove (varied; with probability `remap_share` its parts move to
/// other drums), else a generated pattern. In order of time, no two strokes of one class closer
/// than 12 ms. Allocates.
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

/// Sorts, drops what is outside, and merges doubled strokes.
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
                        later.time_s - event.time_s >= SAME_HIT_S
                            || !same_drum(event.sound, later.sound)
                    );
                }
            }
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
