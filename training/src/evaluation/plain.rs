//! Plain excerpts: held-out kits as they are, in the usual balance of their
//! drums, played by people, summed dry.
//!
//! Beside the hard material this shows what a system can do where nothing but
//! the drums themselves is in its way.

use idm_engine::drum::{DRUM_COUNT, Drum, RESIDUAL, STEM_COUNT};

use super::material::{Excerpt, Labels};
use crate::{
    dsp::{RATE_HZ, from_db},
    kits::{self, Kit, SAMPLE_RATE_HZ, Sample, Sound},
    performance::{Event, Groove, settle},
    random::Random,
    render::{Hit, Piece, balance_db},
    synth::VELOCITY_EXPONENT,
};

/// Peak of an excerpt.
const PEAK_DB: f32 = -1.0;
/// Time in which a choked or cut sound falls by 60 dB.
const CHOKE_S: f32 = 0.03;
/// Fewest strokes of an excerpt.
const FEWEST_HITS: usize = 8;

/// True for kits that can play most grooves: kick, snare, closed hat, a tom and
/// a cymbal.
pub fn is_whole(kit: &Kit) -> bool {
    let has = |sound: Sound| !kit.sounds[sound.index()].is_empty();
    let any = |sounds: &[Sound]| sounds.iter().any(|&sound| has(sound));
    has(Sound::Kick)
        && has(Sound::Snare)
        && has(Sound::ClosedHat)
        && any(&[Sound::HighTom, Sound::MidTom, Sound::FloorTom])
        && any(&[Sound::Crash, Sound::Ride])
}

/// `kit` as excerpt number `index` plays it: with one of the drums that it has for a sound.
/// Grooves do not depend on which. Allocates.
pub fn kit_of(kit: &Kit, seed: u64, index: u64) -> Kit {
    kit.with_one_drum_each(&[seed, index, 0xd5])
}

/// Excerpt number `index` of a `kit` that [`kit_of`] made: the groove and the place in it are
/// drawn. `grooves` must not be empty. Allocates.
pub fn excerpt(
    kit: &Kit,
    grooves: &[Groove],
    seed: u64,
    index: u64,
    length_s: f64,
) -> Option<Excerpt> {
    excerpt_from(kit, grooves, seed, index, length_s, 0.0)
}

/// The same, in which only kick and snare play before `entrance_s`. Allocates.
pub fn excerpt_from(
    kit: &Kit,
    grooves: &[Groove],
    seed: u64,
    index: u64,
    length_s: f64,
    entrance_s: f64,
) -> Option<Excerpt> {
    let begins = |event: &Event| matches!(event.sound.drum(), Some(Drum::Kick | Drum::Snare));
    let random = &mut Random::new(&[seed, index, 0x91]);
    // Short fills only where nothing is long enough.
    let long = |groove: &&Groove| groove.duration_s >= length_s;
    let mut choice: Vec<&Groove> = grooves.iter().filter(long).collect();
    if choice.is_empty() {
        choice = grooves.iter().collect();
    }
    for _ in 0..64 {
        let groove = random.pick(&choice)?;
        let slack_s = (groove.duration_s - length_s).max(0.0);
        let start_s = slack_s * f64::from(random.unit());
        let mut events: Vec<Event> = groove
            .events
            .iter()
            .map(|event| Event {
                time_s: event.time_s - start_s,
                ..*event
            })
            .collect();
        settle(&mut events, length_s);
        events.retain(|event| event.time_s > entrance_s || entrance_s <= 0.0 || begins(event));
        if events.len() >= FEWEST_HITS {
            return Some(Excerpt {
                piece: play(kit, &events, length_s, random),
                labels: Labels {
                    kit: kit.name.clone(),
                    kind: match kit.kind.as_str() {
                        "" => "unknown".to_owned(),
                        kind => kind.to_owned(),
                    },
                    style: style_of(&groove.name),
                },
                true_kit: Some(true_kit(kit)),
                another: None,
                foreign: None,
            });
        }
    }
    None
}

/// The main style in a file name such as `1_funk-rock_80_beat_4-4.mid`.
fn style_of(name: &str) -> String {
    let file = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let style = file.split('_').nth(1).unwrap_or("other");
    style.split('-').next().unwrap_or("other").to_owned()
}

/// `sound` of `kit`, or the nearest thing that it has.
fn samples(kit: &Kit, sound: Sound) -> &[Sample] {
    std::iter::once(sound)
        .chain(sound.substitutes().iter().copied())
        .map(|sound| kit.sounds[sound.index()].as_slice())
        .find(|samples| !samples.is_empty())
        .unwrap_or_default()
}

/// The loudest hit of each class from its onset on; empty where the kit has
/// none.
fn true_kit(kit: &Kit) -> [Vec<f32>; DRUM_COUNT] {
    Drum::ALL.map(|drum| {
        let loudest = samples(kit, Sound::of_drum(drum)).last();
        loudest.map_or_else(Vec::new, |sample| {
            sample.audio[(sample.onset as usize).min(sample.audio.len())..].to_vec()
        })
    })
}

/// Peak of the loudest of `samples`.
fn loudest(samples: &[Sample]) -> f32 {
    let all = samples.iter().flat_map(|sample| sample.audio.iter());
    all.fold(1e-6_f32, |peak, s| peak.max(s.abs()))
}

/// Plays `events` on `kit`. Sounds that it lacks are left out.
fn play(kit: &Kit, events: &[Event], length_s: f64, random: &mut Random) -> Piece {
    let length = (length_s * SAMPLE_RATE_HZ) as usize;
    let mut stems: [Vec<f32>; STEM_COUNT] = std::array::from_fn(|_| vec![0.0; length]);
    let mut hits = Vec::new();
    for (n, event) in events.iter().enumerate() {
        let Some(sample) = kits::choose(samples(kit, event.sound), event.velocity, random) else {
            continue;
        };
        let at = (event.time_s * SAMPLE_RATE_HZ).round() as usize;
        let onset = sample.onset.round() as usize;
        // The balance between the sounds of a sampled kit means nothing.
        let level = from_db(balance_db(event.sound).0) / loudest(samples(kit, event.sound));
        let gain = level * (event.velocity / sample.velocity.max(0.05)).powf(VELOCITY_EXPONENT);
        let stem = event.sound.drum().map_or(RESIDUAL, Drum::index);
        let choked = events[n + 1..].iter().find(|next| {
            event.sound == Sound::OpenHat
                && matches!(next.sound, Sound::ClosedHat | Sound::PedalHat)
        });
        let choke_at = choked.map(|next| ((next.time_s * SAMPLE_RATE_HZ) as usize).max(at));
        add(&mut stems[stem], sample, (at, onset), gain, choke_at);
        if let Some(drum) = event.sound.drum() {
            hits.push(Hit {
                sample: at,
                drum,
                velocity: event.velocity,
            });
        }
    }
    let sum_of = |stems: &[Vec<f32>; STEM_COUNT]| {
        let mut mix = vec![0.0; length];
        for stem in stems {
            for (sum, sample) in mix.iter_mut().zip(stem) {
                *sum += sample;
            }
        }
        mix
    };
    let mix: Vec<f32> = sum_of(&stems);
    let peak = mix.iter().fold(1e-9_f32, |peak, s| peak.max(s.abs()));
    let level = from_db(PEAK_DB) / peak;
    for sample in stems.iter_mut().flatten() {
        *sample *= level;
    }
    Piece {
        channels: 1,
        mix: sum_of(&stems),
        stems,
        hits,
        kit: 0,
    }
}

/// Adds `sample` so that its onset (the second of `times`) falls on the first;
/// from `choke_at` on it dies away.
fn add(
    stem: &mut [f32],
    sample: &Sample,
    (at, onset): (usize, usize),
    gain: f32,
    choke_at: Option<usize>,
) {
    let skip = onset.saturating_sub(at);
    let start = (at + skip).saturating_sub(onset);
    let audio = sample.audio.get(skip..).unwrap_or_default();
    let shrink = 0.001_f32.powf(1.0 / (CHOKE_S * RATE_HZ));
    let mut gain = gain;
    let out = stem.get_mut(start..).unwrap_or_default();
    for (n, (sum, sample)) in out.iter_mut().zip(audio).enumerate() {
        if choke_at.is_some_and(|choke_at| start + n >= choke_at) {
            gain *= shrink;
        }
        *sum += gain * sample;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{kits::Split, synth};

    #[test]
    fn one_kit_plays_dry_and_stems_sum_to_the_mix() {
        let kit = synth::kit(5, Split::Valid);
        assert!(is_whole(&kit));
        let events: Vec<Event> = (0..12)
            .map(|n| Event {
                time_s: 0.2 * f64::from(n),
                sound: [Sound::Kick, Sound::OpenHat, Sound::Snare, Sound::ClosedHat]
                    [n as usize % 4],
                velocity: 0.9,
            })
            .collect();
        let groove = Groove {
            name: "folder/3_jazz-funk_116_beat_4-4.mid".to_owned(),
            split: Split::Valid,
            duration_s: 2.2,
            events,
        };
        let excerpt = excerpt(&kit, &[groove], 1, 0, 2.5).unwrap();
        assert_eq!(excerpt.labels.style, "jazz");
        assert_eq!(excerpt.piece.hits.len(), 12);
        let peak = excerpt
            .piece
            .mix
            .iter()
            .fold(0.0_f32, |p, s| p.max(s.abs()));
        assert!((peak - from_db(PEAK_DB)).abs() < 1e-4, "{peak}");
        for n in (0..excerpt.piece.mix.len()).step_by(997) {
            let sum: f32 = excerpt.piece.stems.iter().map(|stem| stem[n]).sum();
            assert!((sum - excerpt.piece.mix[n]).abs() < 1e-5);
        }
        // The open hat is silent soon after the closed one.
        let open = &excerpt.piece.stems[Drum::OpenHat.index()];
        let closed_at = (0.7 * SAMPLE_RATE_HZ) as usize;
        assert!(
            open[closed_at..closed_at + 4_000]
                .iter()
                .all(|s| s.abs() < 1e-2)
        );
    }
}
