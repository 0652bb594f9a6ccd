//! The drum loop of the demonstration: four bars that a small synthesiser
//! plays, so that the tools need no recording, and so that the true hits are
//! known to the sample.

use std::f32::consts::TAU;

mod sounds;

use sounds::{choke, strike};

/// Tempo of the loop.
const BEATS_PER_MINUTE: f64 = 120.0;
/// Length of the loop in bars of four beats.
const BARS: usize = 4;
/// Sixteenth notes in a bar.
const STEPS: usize = 16;

/// One true hit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LoopHit {
    /// Drum, in the plugin's order (0 kick to 8 ride).
    pub drum: usize,
    /// First sample of the hit.
    pub sample: usize,
    /// Velocity, 0..1.
    pub velocity: f32,
}

/// The rendered loop.
#[derive(Debug, Clone)]
pub struct DemoLoop {
    /// Left and right.
    pub channels: [Vec<f32>; 2],
    /// True hits in order of time.
    pub hits: Vec<LoopHit>,
}

/// Score of one drum: a bar for each of the four, one character per sixteenth:
/// `x` a hit, `X` an accent, `o` a ghost note.
struct Score {
    drum: usize,
    bars: [&'static str; BARS],
}

const SCORE: [Score; 9] = [
    score(
        0,
        [
            "X.....x.X.x.....",
            "X.....x.X.x..x..",
            "X.....x.X.x.....",
            "X.......X.......",
        ],
    ),
    score(
        1,
        [
            "....X..o.o..X...",
            "....X..o.o..X..o",
            "....X..o.o..X...",
            "....X...........",
        ],
    ),
    score(
        2,
        [
            "..x.x.x.x.x.x...",
            "..x.x.x.x.x.x...",
            "................",
            "x.x.x.x.........",
        ],
    ),
    score(
        3,
        [
            "..............x.",
            "..............x.",
            "................",
            "................",
        ],
    ),
    score(
        4,
        [
            "................",
            "................",
            "................",
            "........X.x.....",
        ],
    ),
    score(
        5,
        [
            "................",
            "................",
            "................",
            "...........x.x..",
        ],
    ),
    score(
        6,
        [
            "................",
            "................",
            "................",
            "..............Xx",
        ],
    ),
    score(
        7,
        [
            "X...............",
            "................",
            "X...............",
            "................",
        ],
    ),
    score(
        8,
        [
            "................",
            "................",
            "....x.x.x.x.X.x.",
            "................",
        ],
    ),
];

const fn score(drum: usize, bars: [&'static str; BARS]) -> Score {
    Score { drum, bars }
}

/// Renders the loop (8 s) at `sample_rate_hz`. Always the same samples.
pub fn render(sample_rate_hz: f64) -> DemoLoop {
    let step_seconds = 60.0 / BEATS_PER_MINUTE / 4.0;
    let length = (step_seconds * (STEPS * BARS) as f64 * sample_rate_hz).round() as usize;
    let mut channels = [vec![0.0; length], vec![0.0; length]];
    let hits = hits(step_seconds, sample_rate_hz);
    let closed_hats: Vec<usize> = hits
        .iter()
        .filter(|hit| hit.drum == 2)
        .map(|hit| hit.sample)
        .collect();
    for (index, hit) in hits.iter().enumerate() {
        let mut sound = strike(hit, index as u32, sample_rate_hz as f32);
        if hit.drum == 3
            && let Some(&closed) = closed_hats.iter().find(|&&sample| sample > hit.sample)
        {
            choke(&mut sound, closed - hit.sample, sample_rate_hz as f32);
        }
        mix(&mut channels, &sound, hit.sample, PAN[hit.drum]);
    }
    for sample in channels.iter_mut().flatten() {
        // A touch of bus compression, as drum buses have.
        *sample = (*sample * 0.9).tanh() * 0.8;
    }
    DemoLoop { channels, hits }
}

/// Position of each drum: -1 left to 1 right.
const PAN: [f32; 9] = [0.0, 0.05, 0.35, 0.35, -0.35, -0.05, 0.4, -0.45, 0.5];

fn hits(step_seconds: f64, sample_rate_hz: f64) -> Vec<LoopHit> {
    let mut hits = Vec::new();
    for score in &SCORE {
        for (bar, steps) in score.bars.iter().enumerate() {
            for (step, mark) in steps.chars().enumerate() {
                let velocity = match mark {
                    'X' => 1.0,
                    'x' => 0.75,
                    'o' => 0.35,
                    _ => continue,
                };
                // A little swing and human looseness, the same every time.
                let position = (bar * STEPS + step) as f64;
                let swing = if step % 2 == 1 { 0.012 } else { 0.0 };
                let looseness = 0.003 * (position * 1.7 + score.drum as f64 * 2.3).sin();
                let seconds = (position * step_seconds + swing + looseness).max(0.0);
                hits.push(LoopHit {
                    drum: score.drum,
                    sample: (seconds * sample_rate_hz).round() as usize,
                    velocity,
                });
            }
        }
    }
    hits.sort_by_key(|hit| (hit.sample, hit.drum));
    hits
}

/// Adds `sound` at equal power.
fn mix(channels: &mut [Vec<f32>; 2], sound: &[f32], at: usize, pan: f32) {
    let angle = (pan + 1.0) * TAU / 8.0;
    for (channel, gain) in channels.iter_mut().zip([angle.cos(), angle.sin()]) {
        let to = channel.iter_mut().skip(at);
        for (to, from) in to.zip(sound) {
            *to += gain * from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loop_is_eight_seconds_of_all_nine_drums() {
        let demo = render(44_100.0);
        assert_eq!(demo.channels[0].len(), 8 * 44_100);
        for drum in 0..9 {
            assert!(demo.hits.iter().any(|hit| hit.drum == drum), "drum {drum}");
        }
        let peak = demo
            .channels
            .iter()
            .flatten()
            .fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
        assert!((0.5..0.85).contains(&peak), "peak {peak}");
        assert!(demo.hits.is_sorted_by_key(|hit| hit.sample));
    }

    #[test]
    fn the_loop_is_always_the_same_at_every_rate() {
        assert_eq!(render(48_000.0).channels, render(48_000.0).channels);
        for rate in [8_000.0, 192_000.0] {
            let demo = render(rate);
            assert!(
                demo.channels
                    .iter()
                    .flatten()
                    .all(|sample| sample.is_finite())
            );
        }
    }

    #[test]
    fn a_hit_starts_where_it_is_said_to() {
        let demo = render(44_100.0);
        let first = demo.hits[0].sample;
        assert!(
            demo.channels[0][..first]
                .iter()
                .all(|&sample| sample == 0.0)
        );
        let attack = &demo.channels[0][first..first + 441];
        assert!(attack.iter().any(|sample| sample.abs() > 0.1));
    }
}
