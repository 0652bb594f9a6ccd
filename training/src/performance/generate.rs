//! Generated performances: what human grooves hold too little of.

use super::Event;
use crate::{kits::Sound, random::Random};

/// A way of generating a performance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "described in `generate`")]
pub enum Pattern {
    Dense,
    Rolls,
    DoubleKick,
    Blast,
    Coincidences,
    Electronic,
    TomFills,
    Cymbals,
    Isolated,
}

impl Pattern {
    /// All patterns.
    pub const ALL: [Pattern; 9] = [
        Pattern::Dense,
        Pattern::Rolls,
        Pattern::DoubleKick,
        Pattern::Blast,
        Pattern::Coincidences,
        Pattern::Electronic,
        Pattern::TomFills,
        Pattern::Cymbals,
        Pattern::Isolated,
    ];
}

/// The sounds of the nine classes with the weights of random draws.
const WEIGHTED: [(Sound, f32); 13] = [
    (Sound::Kick, 1.2),
    (Sound::Snare, 1.0),
    (Sound::SideStick, 0.2),
    (Sound::RimShot, 0.2),
    (Sound::ClosedHat, 1.0),
    (Sound::PedalHat, 0.3),
    (Sound::OpenHat, 1.0),
    (Sound::HighTom, 0.9),
    (Sound::MidTom, 0.9),
    (Sound::FloorTom, 0.9),
    (Sound::Crash, 1.0),
    (Sound::Ride, 1.0),
    (Sound::RideBell, 0.3),
];

const TOMS: [Sound; 3] = [Sound::HighTom, Sound::MidTom, Sound::FloorTom];

fn any_sound(random: &mut Random) -> Sound {
    let total: f32 = WEIGHTED.iter().map(|(_, weight)| weight).sum();
    let mut left = total * random.unit();
    for (sound, weight) in WEIGHTED {
        left -= weight;
        if left < 0.0 {
            return sound;
        }
    }
    Sound::Kick
}

/// Collects strokes with a common looseness of timing.
struct Player<'a> {
    events: Vec<Event>,
    length_s: f64,
    jitter_s: f32,
    /// Where the beat of the piece begins, once that is settled.
    phase_s: Option<f64>,
    random: &'a mut Random,
}

impl Player<'_> {
    fn play(&mut self, time_s: f64, sound: Sound, velocity: f32) {
        let time_s = time_s + f64::from(self.jitter_s * self.random.normal());
        let velocity = (velocity * (1.0 + 0.08 * self.random.normal())).clamp(0.04, 1.0);
        self.events.push(Event {
            time_s: time_s.max(0.0),
            sound,
            velocity,
        });
    }

    /// Strokes at a steady pace over the whole piece, on the beat that all pulses share.
    fn pulse(&mut self, every_s: f64, sound: Sound, accents: &[f32]) {
        // Drawn by each, so that what is drawn later does not depend on who was first.
        let drawn_s = f64::from(self.random.unit()) * 0.1;
        let mut time_s = *self.phase_s.get_or_insert(drawn_s);
        let mut stroke = 0;
        while time_s < self.length_s {
            let velocity = accents[stroke % accents.len()];
            if velocity > 0.0 {
                self.play(time_s, sound, velocity);
            }
            time_s += every_s;
            stroke += 1;
        }
    }
}

/// A performance of `length_s` seconds of one kind: random strokes of all
/// drums; rolls, flams and ghost notes; double kicks; blast beats; pairs and
/// triples at once; patterns exactly on a grid; fills over the toms; rides and
/// crashes; or single hits that ring out. Allocates.
pub fn generate(pattern: Pattern, length_s: f64, random: &mut Random) -> Vec<Event> {
    let loose = pattern != Pattern::Electronic;
    let jitter_s = if loose { random.range(0.0, 0.006) } else { 0.0 };
    let mut player = Player {
        events: Vec::new(),
        length_s,
        jitter_s,
        phase_s: None,
        random,
    };
    match pattern {
        Pattern::Dense => dense(&mut player),
        Pattern::Rolls => rolls(&mut player),
        Pattern::DoubleKick => double_kick(&mut player),
        Pattern::Blast => blast(&mut player),
        Pattern::Coincidences => coincidences(&mut player),
        Pattern::Electronic => electronic(&mut player),
        Pattern::TomFills => tom_fills(&mut player),
        Pattern::Cymbals => cymbals(&mut player),
        Pattern::Isolated => isolated(&mut player),
    }
    player.events
}

fn dense(player: &mut Player<'_>) {
    let rate_hz = player.random.log_range(2.0, 14.0);
    let palette: Vec<Sound> = (0..3 + player.random.below(7))
        .map(|_| any_sound(player.random))
        .collect();
    let mut time_s = 0.05;
    while time_s < player.length_s {
        let sound = palette[player.random.below(palette.len())];
        let velocity = player.random.range(0.15, 1.0);
        player.play(time_s, sound, velocity);
        time_s += f64::from(-(1.0 - player.random.unit()).max(1e-3).ln() / rate_hz);
    }
}

fn rolls(player: &mut Player<'_>) {
    let beat_s = f64::from(player.random.range(0.3, 0.7));
    player.pulse(2.0 * beat_s, Sound::Kick, &[0.9, 0.7]);
    let mut time_s = f64::from(player.random.range(0.1, 0.6));
    while time_s < player.length_s {
        let sound = *player
            .random
            .pick(&[
                Sound::Snare,
                Sound::Snare,
                Sound::FloorTom,
                Sound::HighTom,
                Sound::ClosedHat,
                Sound::Ride,
                Sound::Crash,
            ])
            .unwrap_or(&Sound::Snare);
        match player.random.below(3) {
            0 => {
                // A flam: a grace note, then the stroke.
                let grace_s = f64::from(player.random.range(0.014, 0.035));
                player.play(time_s, sound, 0.35);
                player.play(time_s + grace_s, sound, 0.9);
                time_s += beat_s;
            }
            1 => {
                let every_s = f64::from(player.random.log_range(0.03, 0.11));
                let strokes = 6 + player.random.below(22);
                let (from, to) = (
                    player.random.range(0.15, 0.6),
                    player.random.range(0.3, 1.0),
                );
                for stroke in 0..strokes {
                    let share = stroke as f32 / strokes as f32;
                    player.play(time_s, sound, from + (to - from) * share);
                    time_s += every_s;
                }
                time_s += 0.5 * beat_s;
            }
            _ => {
                // Ghost notes around a backbeat.
                for step in 0..4 {
                    let velocity = if step == 2 {
                        0.95
                    } else {
                        player.random.range(0.08, 0.25)
                    };
                    player.play(time_s, Sound::Snare, velocity);
                    time_s += beat_s / 4.0;
                }
            }
        }
    }
    let hats = if player.random.chance(0.5) {
        Sound::ClosedHat
    } else {
        Sound::Ride
    };
    player.pulse(beat_s, hats, &[0.7, 0.5]);
}

fn double_kick(player: &mut Player<'_>) {
    let every_s = f64::from(player.random.log_range(0.07, 0.16));
    player.pulse(every_s, Sound::Kick, &[0.9, 0.8, 0.85, 0.8]);
    player.pulse(8.0 * every_s, Sound::Snare, &[0.0, 0.95]);
    let time_keeper = *player
        .random
        .pick(&[
            Sound::Ride,
            Sound::RideBell,
            Sound::ClosedHat,
            Sound::OpenHat,
            Sound::Crash,
        ])
        .unwrap_or(&Sound::Ride);
    player.pulse(4.0 * every_s, time_keeper, &[0.9, 0.7]);
    if player.random.chance(0.5) {
        player.pulse(32.0 * every_s, Sound::Crash, &[1.0]);
    }
}

fn blast(player: &mut Player<'_>) {
    let every_s = f64::from(player.random.log_range(0.09, 0.17));
    let together = player.random.chance(0.5);
    let offset: &[f32] = if together { &[0.9] } else { &[0.0, 0.9] };
    let (kick, snare): (&[f32], &[f32]) = if together {
        (&[0.9], &[0.8])
    } else {
        (&[0.9, 0.0], offset)
    };
    player.pulse(every_s, Sound::Kick, kick);
    player.pulse(every_s, Sound::Snare, snare);
    let time_keeper = *player
        .random
        .pick(&[Sound::Ride, Sound::ClosedHat, Sound::OpenHat, Sound::Crash])
        .unwrap_or(&Sound::Ride);
    player.pulse(2.0 * every_s, time_keeper, &[0.8]);
    if player.random.chance(0.6) {
        player.pulse(16.0 * every_s, Sound::Crash, &[1.0]);
    }
}

fn coincidences(player: &mut Player<'_>) {
    let every_s = f64::from(player.random.log_range(0.14, 0.7));
    let spread_s = player.random.range(0.0, 0.006);
    let mut time_s = 0.1;
    while time_s < player.length_s {
        let level = player.random.range(0.4, 1.0);
        let mut hats = None;
        for _ in 0..1 + player.random.below(3) {
            let sound = any_sound(player.random);
            let late_s = f64::from(spread_s * player.random.unit());
            let velocity = (level * player.random.range(0.6, 1.2)).min(1.0);
            // One pair of hats cannot be open and closed at once.
            let is_hat = matches!(sound, Sound::ClosedHat | Sound::OpenHat | Sound::PedalHat);
            if is_hat && hats.is_some_and(|other| other != sound) {
                continue;
            }
            if is_hat {
                hats = Some(sound);
            }
            player.play(time_s + late_s, sound, velocity);
        }
        time_s += every_s * player.random.pick(&[1.0, 1.0, 0.5, 1.5]).unwrap_or(&1.0);
    }
}

fn electronic(player: &mut Player<'_>) {
    let step_s = f64::from(60.0 / player.random.range(75.0, 178.0) / 4.0);
    let swing = if player.random.chance(0.3) {
        f64::from(player.random.range(0.0, 0.3))
    } else {
        0.0
    };
    let mut rows: Vec<(Sound, [f32; 16])> = Vec::new();
    for (sound, presence, density) in [
        (Sound::Kick, 0.95, 0.3),
        (Sound::Snare, 0.85, 0.18),
        (Sound::ClosedHat, 0.75, 0.55),
        (Sound::OpenHat, 0.6, 0.2),
        (Sound::HighTom, 0.3, 0.15),
        (Sound::MidTom, 0.3, 0.15),
        (Sound::FloorTom, 0.3, 0.15),
        (Sound::Crash, 0.3, 0.08),
        (Sound::Ride, 0.35, 0.35),
        (Sound::SideStick, 0.2, 0.15),
        (Sound::Clap, 0.25, 0.12),
        (Sound::Cowbell, 0.15, 0.15),
        (Sound::Shaker, 0.15, 0.5),
    ] {
        if !player.random.chance(presence) {
            continue;
        }
        let accented = player.random.chance(0.5);
        let mut row = [0.0; 16];
        for (step, velocity) in row.iter_mut().enumerate() {
            let on_beat = step % 4 == 0;
            let likely = if on_beat { density * 1.8 } else { density };
            if player.random.chance(likely) {
                let soft = accented && !on_beat;
                *velocity = if soft { 0.5 } else { 0.9 };
            }
        }
        rows.push((sound, row));
    }
    leave_one_hat_per_step(&mut rows);
    let mut step = 0;
    loop {
        let late_s = if step % 2 == 1 { swing * step_s } else { 0.0 };
        let time_s = step as f64 * step_s + late_s + 0.02;
        if time_s >= player.length_s {
            break;
        }
        for (sound, row) in &rows {
            if row[step % 16] > 0.0 {
                player.events.push(Event {
                    time_s,
                    sound: *sound,
                    velocity: row[step % 16],
                });
            }
        }
        step += 1;
    }
}

/// Closed hats rest where the open one plays: machines have one voice for both.
fn leave_one_hat_per_step(rows: &mut [(Sound, [f32; 16])]) {
    let of = |sound: Sound| move |row: &&(Sound, [f32; 16])| row.0 == sound;
    let Some((_, open)) = rows.iter().find(of(Sound::OpenHat)).copied() else {
        return;
    };
    let closed = rows.iter_mut().filter(|row| row.0 == Sound::ClosedHat);
    for (step, open) in closed.flat_map(|row| row.1.iter_mut().zip(open)) {
        if open > 0.0 {
            *step = 0.0;
        }
    }
}

fn tom_fills(player: &mut Player<'_>) {
    let step_s = f64::from(player.random.log_range(0.07, 0.25));
    let mut time_s = 0.1;
    // The foot keeps the time of the hands.
    player.phase_s = Some(time_s);
    while time_s < player.length_s {
        let tom = TOMS[player.random.below(3)];
        for _ in 0..1 + player.random.below(6) {
            let velocity = player.random.range(0.35, 1.0);
            let sound = if player.random.chance(0.1) {
                Sound::Snare
            } else {
                tom
            };
            player.play(time_s, sound, velocity);
            if player.random.chance(0.2) {
                player.play(time_s, Sound::Kick, 0.85);
            }
            time_s += step_s * player.random.pick(&[1.0, 1.0, 1.0, 2.0]).unwrap_or(&1.0);
        }
        if player.random.chance(0.15) {
            player.play(time_s, Sound::Crash, 0.9);
            player.play(time_s, Sound::Kick, 0.9);
        }
    }
    if player.random.chance(0.5) {
        player.pulse(4.0 * step_s, Sound::PedalHat, &[0.6]);
    }
}

fn cymbals(player: &mut Player<'_>) {
    let beat_s = f64::from(player.random.range(0.22, 0.7));
    let bell = player.random.chance(0.25);
    let ride: &[f32] = player
        .random
        .pick(&[
            &[0.8_f32, 0.5][..],
            &[0.8, 0.0, 0.6, 0.7],
            &[0.9],
            &[0.6, 0.4, 0.8, 0.4],
        ])
        .unwrap_or(&&[0.8][..]);
    let step_s = beat_s / [1.0, 2.0, 3.0][player.random.below(3)];
    if player.random.chance(0.8) {
        player.pulse(
            step_s,
            if bell { Sound::RideBell } else { Sound::Ride },
            ride,
        );
    }
    let crash_every = [1.0, 2.0, 4.0][player.random.below(3)];
    if player.random.chance(0.8) {
        player.pulse(crash_every * beat_s, Sound::Crash, &[0.9, 0.6]);
    }
    if player.random.chance(0.4) {
        player.pulse(2.0 * beat_s, Sound::OpenHat, &[0.0, 0.8]);
        player.pulse(2.0 * beat_s, Sound::PedalHat, &[0.7]);
    }
    if player.random.chance(0.7) {
        player.pulse(2.0 * beat_s, Sound::Kick, &[0.9]);
    }
    if player.random.chance(0.6) {
        player.pulse(2.0 * beat_s, Sound::Snare, &[0.0, 0.9]);
    }
    if player.events.is_empty() {
        player.pulse(beat_s, Sound::Ride, &[0.7]);
    }
}

fn isolated(player: &mut Player<'_>) {
    let mut time_s = 0.1;
    while time_s < player.length_s {
        let sound = any_sound(player.random);
        let velocity = player.random.range(0.15, 1.0);
        player.play(time_s, sound, velocity);
        time_s += f64::from(player.random.log_range(0.4, 1.6));
    }
}

/// Adds a part of clap, cowbell, tambourine or shaker, which no class must
/// claim.
pub(super) fn add_other_percussion(events: &mut Vec<Event>, length_s: f64, random: &mut Random) {
    let sound = *random
        .pick(&Sound::OTHER_PERCUSSION)
        .unwrap_or(&Sound::Clap);
    let every_s = f64::from(random.log_range(0.12, 1.0));
    let density = random.range(0.4, 1.0);
    let mut time_s = f64::from(random.range(0.0, 0.5));
    while time_s < length_s {
        if random.chance(density) {
            events.push(Event {
                time_s: time_s + f64::from(random.range(0.0, 0.008)),
                sound,
                velocity: random.range(0.3, 1.0),
            });
        }
        time_s += every_s;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Beyond the jitter of two strokes at its widest.
    const NEAR_S: f64 = 2.0 * 3.5 * 0.006;

    fn times(events: &[Event], sound: Sound) -> Vec<f64> {
        let of_sound = events.iter().filter(|event| event.sound == sound);
        of_sound.map(|event| event.time_s).collect()
    }

    /// Mean distance of each of `strokes` to the nearest of `others`.
    fn apart_s(strokes: &[f64], others: &[f64]) -> f64 {
        let nearest = |time: &f64| {
            let distances = others.iter().map(|other| (other - time).abs());
            distances.fold(f64::INFINITY, f64::min)
        };
        strokes.iter().map(nearest).sum::<f64>() / strokes.len() as f64
    }

    #[test]
    fn blasts_strike_together_or_alternate_evenly() {
        let (mut together, mut alternating) = (0, 0);
        for seed in 0..40 {
            let events = generate(Pattern::Blast, 8.0, &mut Random::new(&[seed]));
            let (kicks, snares) = (times(&events, Sound::Kick), times(&events, Sound::Snare));
            let every_s = (kicks.last().unwrap() - kicks[0]) / (kicks.len() - 1) as f64;
            if every_s < 0.175 {
                together += 1;
                for (kick, snare) in kicks.iter().zip(&snares) {
                    assert!((kick - snare).abs() < NEAR_S, "{seed}: {kick} {snare}");
                }
            } else {
                alternating += 1;
            }
            let late_s: f64 = kicks.iter().zip(&snares).map(|(k, s)| s - k).sum();
            let share = late_s / kicks.len().min(snares.len()) as f64 / every_s;
            let expected = if every_s < 0.175 { 0.0 } else { 0.5 };
            assert!((share - expected).abs() < 0.05, "{seed}: {share}");
            let others = [Sound::Ride, Sound::ClosedHat, Sound::OpenHat, Sound::Crash];
            for keeper in others.map(|sound| times(&events, sound)) {
                if !keeper.is_empty() {
                    assert!(apart_s(&keeper, &kicks) < 0.02, "{seed}");
                }
            }
        }
        assert!(together > 8 && alternating > 8, "{together} {alternating}");
    }

    #[test]
    fn snares_of_double_kicks_fall_on_kicks() {
        for seed in 0..20 {
            let events = generate(Pattern::DoubleKick, 8.0, &mut Random::new(&[seed]));
            let (kicks, snares) = (times(&events, Sound::Kick), times(&events, Sound::Snare));
            assert!(!snares.is_empty());
            let apart_s = apart_s(&snares, &kicks);
            assert!(apart_s < 0.02, "{seed}: {apart_s}");
        }
    }

    #[test]
    fn machines_play_one_hat_at_a_time() {
        let mut open = 0;
        for seed in 0..60 {
            let events = generate(Pattern::Electronic, 8.0, &mut Random::new(&[seed]));
            let closed = times(&events, Sound::ClosedHat);
            for time in times(&events, Sound::OpenHat) {
                assert!(!closed.contains(&time), "{seed}: both at {time}");
                open += 1;
            }
        }
        assert!(open > 200, "{open}");
    }
}
