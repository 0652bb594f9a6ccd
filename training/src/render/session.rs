//! The kit of one piece: pieces of several kits, balanced at random.

use std::sync::Arc;

use super::{
    RenderConfig,
    hybrid::{Join, Layer},
    pool::Pool,
};
use crate::{
    config::DataConfig,
    dsp::{RATE_HZ, from_db},
    kits::{self, Kit, SOUND_COUNT, Sample, Sound},
    random::Random,
};

/// One source of a sound: hits of one drum with the factor that brings the loudest to 1.
/// Alternates that are no part of the piece do not count: theirs may be other levels.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub samples: Arc<[Sample]>,
    pub normal: f32,
}

/// What a sound is made of in this piece: one source, or a hybrid of two.
#[derive(Debug, Clone)]
pub(super) struct Instrument {
    pub source: Source,
    pub layer: Option<Layer>,
    /// Level of the hardest stroke.
    pub gain: f32,
}

/// The instruments of a piece and which kit most of them come from.
#[derive(Debug)]
pub(super) struct Session {
    pub instruments: [Option<Instrument>; SOUND_COUNT],
    pub kit: u32,
}

/// Sounds that must come from one kit to be in tune or to match.
const FAMILIES: [&[Sound]; 9] = [
    &[Sound::Kick],
    &[Sound::Snare, Sound::RimShot, Sound::SideStick],
    &[Sound::ClosedHat, Sound::PedalHat, Sound::OpenHat],
    &[Sound::HighTom, Sound::MidTom, Sound::FloorTom],
    &[Sound::Crash],
    &[Sound::Ride, Sound::RideBell],
    &[Sound::Clap],
    &[Sound::Cowbell, Sound::Tambourine],
    &[Sound::Shaker],
];

/// Families of metal.
const CYMBALS: [Sound; 3] = [Sound::ClosedHat, Sound::Crash, Sound::Ride];

/// Usual level of a pedal hat as the foot plays it, and its scatter, in decibels.
const FOOT_DB: (f32, f32) = (-14.0, 5.0);
/// How a closed hat becomes one: fade-in, and the corner above which it is duller.
const FOOT_FADE_S: f32 = 0.006;
const FOOT_CORNER_HZ: f32 = 6_000.0;

/// What the casting of a piece prefers.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Manner {
    /// Pedal hats are soft and dull.
    is_foot: bool,
}

impl Manner {
    /// Draws a piece's.
    pub(super) fn draw(data: &DataConfig, random: &mut Random) -> Manner {
        Manner {
            is_foot: random.chance(data.foot_share),
        }
    }
}

/// Usual level of the hardest stroke and its scatter, in decibels.
pub(crate) fn balance_db(sound: Sound) -> (f32, f32) {
    match sound {
        Sound::Kick => (1.0, 3.5),
        Sound::Snare | Sound::RimShot => (0.0, 3.5),
        Sound::SideStick => (-5.0, 4.0),
        Sound::ClosedHat | Sound::OpenHat => (-3.5, 4.5),
        Sound::PedalHat => (-7.0, 4.0),
        Sound::HighTom | Sound::MidTom | Sound::FloorTom => (-3.0, 4.0),
        Sound::Crash => (-3.0, 4.5),
        Sound::Ride | Sound::RideBell => (-5.0, 4.5),
        Sound::Clap | Sound::Cowbell | Sound::Tambourine | Sound::Shaker => (-7.0, 4.5),
    }
}

/// Where a family's sounds may come from.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Origin {
    Sampled(usize),
    Procedural(u64),
}

/// Draws sessions from the material of a renderer.
#[derive(Debug)]
pub(super) struct Casting<'a> {
    pub kits: &'a [Arc<Kit>],
    pub pool: &'a Pool,
    pub config: &'a RenderConfig,
}

impl Casting<'_> {
    fn any_origin(&self, random: &mut Random) -> Origin {
        let procedural = self.kits.is_empty() || random.chance(self.config.data.procedural_share);
        if procedural && self.config.data.procedural_kits > 0 {
            let slot = random.below(self.config.data.procedural_kits) as u64;
            Origin::Procedural(super::procedural_seed(self.config, slot))
        } else {
            Origin::Sampled(self.any_kit(random))
        }
    }

    /// A sampled kit; deep kits come up more often.
    fn any_kit(&self, random: &mut Random) -> usize {
        if self.config.data.depth_preference == 0.0 {
            return random.below(self.kits.len());
        }
        let weight = |kit: &Arc<Kit>| {
            let samples: usize = kit.sounds.iter().map(Vec::len).sum();
            (samples.max(1) as f32).powf(self.config.data.depth_preference)
        };
        let mut left = random.unit() * self.kits.iter().map(weight).sum::<f32>();
        let found = self.kits.iter().position(|kit| {
            left -= weight(kit);
            left < 0.0
        });
        found.unwrap_or(self.kits.len() - 1)
    }

    /// The hits of `sound` from `origin`, of one drum: which one, `drums` names for the
    /// piece, so that all that strikes it agrees.
    fn samples(&self, origin: Origin, sound: Sound, drums: u64) -> Option<Arc<[Sample]>> {
        match origin {
            Origin::Procedural(seed) => Some(self.pool.samples(seed, sound)),
            Origin::Sampled(number) => {
                let kit = self.kits.get(number)?;
                let is_metal = matches!(
                    sound,
                    Sound::OpenHat | Sound::Crash | Sound::Ride | Sound::RideBell
                );
                if is_metal && self.config.data.acoustic_cymbals > 0.0 && kit.kind == "synth" {
                    return None;
                }
                let samples = &kit.sounds[sound.index()];
                if samples.iter().any(|sample| sample.is_alternate) {
                    let path = [drums, number as u64, sound.index() as u64];
                    return Some(kits::one_drum(samples, &mut Random::new(&path)).into());
                }
                (!samples.is_empty()).then(|| Arc::from(samples.as_slice()))
            }
        }
    }

    /// `sound` from `origin`, or the nearest thing that it has.
    fn source(&self, origin: Origin, sound: Sound, drums: u64) -> Option<Source> {
        let samples = self.samples(origin, sound, drums).or_else(|| {
            let substitutes = sound.substitutes().iter();
            substitutes
                .filter_map(|&other| self.samples(origin, other, drums))
                .next()
        })?;
        Some(Source {
            normal: 1.0 / loudest(&samples).max(1e-6),
            samples,
        })
    }

    /// An origin that has `sound`: `preferred` if it does, else others drawn
    /// at random, else none.
    fn origin_with(
        &self,
        sound: Sound,
        preferred: Origin,
        drums: u64,
        random: &mut Random,
    ) -> Option<(Origin, Source)> {
        let mut origin = preferred;
        for _ in 0..64 {
            if let Some(source) = self.source(origin, sound, drums) {
                return Some((origin, source));
            }
            origin = self.any_origin(random);
        }
        (0..self.kits.len()).find_map(|kit| {
            let origin = Origin::Sampled(kit);
            self.source(origin, sound, drums)
                .map(|source| (origin, source))
        })
    }

    /// An acoustic kit that has all of what is needed of a family, if there is one.
    fn acoustic_kit(
        &self,
        family: &[Sound],
        needed: &[bool; SOUND_COUNT],
        random: &mut Random,
    ) -> Option<Origin> {
        let has = |kit: &Kit, sound: Sound| {
            let substitutes = sound.substitutes().iter();
            std::iter::once(&sound)
                .chain(substitutes)
                .any(|sound| !kit.sounds[sound.index()].is_empty())
        };
        let suits = |kit: &Kit| {
            let mut wanted = family.iter().filter(|sound| needed[sound.index()]);
            kit.kind == "acoustic" && wanted.all(|&sound| has(kit, sound))
        };
        let found: Vec<usize> = (0..self.kits.len())
            .filter(|&kit| suits(&self.kits[kit]))
            .collect();
        random.pick(&found).copied().map(Origin::Sampled)
    }

    /// Casts the sounds in `needed`.
    pub(super) fn session(
        &self,
        needed: &[bool; SOUND_COUNT],
        manner: Manner,
        random: &mut Random,
    ) -> Session {
        // Takes nothing from the stream of what else is drawn.
        let drums = random.clone().next_u64();
        let main = self.any_origin(random);
        let second = self.any_origin(random);
        let loyalty = random.range(self.config.data.least_loyalty, 1.0);
        let mut instruments = [const { None }; SOUND_COUNT];
        for family in FAMILIES {
            let preferred = if random.chance(loyalty) {
                main
            } else if random.chance(0.4) {
                second
            } else {
                self.any_origin(random)
            };
            let layered = random.chance(self.config.data.layered_share);
            let layer_origin = self.any_origin(random);
            let share = random.range(0.15, 0.9);
            let join = Join::draw(&mut Random::new(&[u64::from(share.to_bits())]));
            let family_db = random.normal();
            let mut origin = preferred;
            let acoustic = self.config.data.acoustic_cymbals;
            if acoustic > 0.0
                && CYMBALS.contains(&family[0])
                && random.chance(acoustic)
                && let Some(kit) = self.acoustic_kit(family, needed, random)
            {
                origin = kit;
            }
            for &sound in family {
                if !needed[sound.index()] {
                    continue;
                }
                let Some((found, mut source)) = self.origin_with(sound, origin, drums, random)
                else {
                    continue;
                };
                origin = found;
                let is_foot = manner.is_foot && sound == Sound::PedalHat;
                if is_foot && self.samples(origin, sound, drums).is_none() {
                    source.samples = source.samples.iter().map(as_foot).collect();
                    source.normal = 1.0 / loudest(&source.samples).max(1e-6);
                }
                let layer = (layered && !is_foot)
                    .then(|| self.source(layer_origin, sound, drums))
                    .flatten()
                    .map(|source| Layer {
                        source,
                        share,
                        join,
                    });
                let (level_db, scatter_db) = if is_foot { FOOT_DB } else { balance_db(sound) };
                let own_db = 0.35 * random.normal();
                let wild_db = scatter_db * (family_db + own_db) * self.config.data.wildness;
                instruments[sound.index()] = Some(Instrument {
                    source,
                    layer,
                    gain: from_db(level_db + wild_db),
                });
            }
        }
        let kit = match main {
            Origin::Sampled(kit) => kit as u32,
            Origin::Procedural(seed) => self.kits.len() as u32 + (seed % 65_536) as u32,
        };
        Session { instruments, kit }
    }
}

/// A closed hat as the foot would play it: without the stick.
fn as_foot(sample: &Sample) -> Sample {
    let mut audio = sample.audio.to_vec();
    let corner = 1.0 - (-std::f32::consts::TAU * FOOT_CORNER_HZ / RATE_HZ).exp();
    let mut low = 0.0;
    for (place, value) in audio.iter_mut().enumerate() {
        let age_s = (place as f32 - sample.onset) / RATE_HZ;
        low += corner * (*value - low);
        *value = low * (age_s / FOOT_FADE_S).clamp(0.0, 1.0);
    }
    Sample {
        audio: audio.into(),
        // Where a tenth of the peak is reached.
        onset: sample.onset + 0.15 * FOOT_FADE_S * RATE_HZ,
        ..sample.clone()
    }
}

/// Peak of the loudest hit.
fn loudest(samples: &[Sample]) -> f32 {
    samples
        .iter()
        .flat_map(|sample| sample.audio.iter())
        .fold(0.0_f32, |peak, s| peak.max(s.abs()))
}
