//! Renders drum mixtures with their stems and hits.

mod augment;
mod backdrop;
mod bus;
mod features;
mod hybrid;
mod pool;
mod reshape;
mod room;
mod session;
mod stage;
mod voices;

use std::{path::PathBuf, sync::Arc};

use anyhow::{Result, ensure};
use idm_engine::drum::{Drum, RESIDUAL, STEM_COUNT};
use serde::{Deserialize, Serialize};

use crate::{
    config::DataConfig,
    dsp::from_db,
    kits::{self, Kit, SAMPLE_RATE_HZ, SOUND_COUNT, Split},
    performance::{self, Event, Groove, sections},
    random::Random,
};
pub(crate) use backdrop::add_music;
use bus::Bus;
pub use features::{Featuriser, TrainingExample, set_ratios};
use pool::Pool;
pub(crate) use room::Room;
use room::{Bleed, Gate};
pub(crate) use session::balance_db;
use session::{Casting, Manner, Session};
pub(crate) use stage::Stage;
use voices::Voices;

/// What a renderer makes pieces of.
#[derive(Debug, Clone)]
pub struct RenderConfig {
    /// Folders of kits, with `kits.csv` or with folders named by class.
    pub kit_folders: Vec<PathBuf>,
    /// Folder of grooves.
    pub groove_folder: Option<PathBuf>,
    /// Side of the training/validation border to use.
    pub split: Split,
    /// Names the sequence of pieces.
    pub seed: u64,
    /// How varied the pieces are, and how long.
    pub data: DataConfig,
}

/// How long is played before pieces that begin amid the playing.
const LEAD_S: (f32, f32) = (0.3, 3.0);
impl RenderConfig {
    /// The same for a tame piece.
    fn tamed(&self) -> RenderConfig {
        let data = &self.data;
        RenderConfig {
            data: DataConfig {
                wildness: data.wildness.min(data.tame_wildness),
                least_loyalty: data.least_loyalty.max(data.tame_loyalty),
                layered_share: 0.5 * data.layered_share,
                ..data.clone()
            },
            ..self.clone()
        }
    }
}

impl Default for RenderConfig {
    fn default() -> Self {
        RenderConfig {
            kit_folders: Vec::new(),
            groove_folder: None,
            split: Split::Train,
            seed: 1,
            data: DataConfig::default(),
        }
    }
}

/// A hit that the transcriber should find.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// Where it begins, in samples.
    pub sample: usize,
    /// Its class.
    pub drum: Drum,
    /// How hard it was played, 0..1.
    pub velocity: f32,
}

/// A rendered piece, 44.1 kHz.
#[derive(Debug, Clone)]
pub struct Piece {
    /// 1, or 2: then all signals hold the left channel and after it the right one.
    pub channels: usize,
    /// The sum of the stems.
    pub mix: Vec<f32>,
    /// The nine classes in their order and the residual (other percussion,
    /// noise).
    pub stems: [Vec<f32>; STEM_COUNT],
    /// Hits in order of time.
    pub hits: Vec<Hit>,
    /// Number of the kit that most sounds come from.
    pub kit: u32,
}

impl Piece {
    /// Length in samples.
    pub fn length(&self) -> usize {
        self.mix.len() / self.channels.max(1)
    }

    /// Both channels of the mix; one slice twice if it is mono.
    pub fn mix_channels(&self) -> [&[f32]; 2] {
        channels(&self.mix, self.channels)
    }
}

/// Both channels of a signal of a piece with `count` of them; one slice twice if it is
/// mono.
pub fn channels(signal: &[f32], count: usize) -> [&[f32]; 2] {
    if count < 2 {
        return [signal, signal];
    }
    let (left, right) = signal.split_at(signal.len() / 2);
    [left, &right[..left.len()]]
}

/// Renders pieces by index; the same piece for the same configuration and
/// index, on any thread.
#[derive(Debug)]
pub struct Renderer {
    config: RenderConfig,
    tame: RenderConfig,
    kits: Vec<Arc<Kit>>,
    grooves: Vec<Groove>,
    pool: Pool,
}

/// Names the procedural kit in `slot`; training and validation differ.
fn procedural_seed(config: &RenderConfig, slot: u64) -> u64 {
    match config.split {
        Split::Train => slot,
        Split::Valid => (1 << 32) + slot,
    }
}

impl Renderer {
    /// Loads kits and grooves. Without any, everything is procedural.
    /// Allocates.
    ///
    /// # Errors
    /// When a folder cannot be loaded, or the configuration leaves nothing to
    /// play.
    pub fn new(config: &RenderConfig) -> Result<Renderer> {
        ensure!(
            config.data.piece_s.is_finite() && config.data.piece_s > 0.0,
            "piece_s is {}, expected more than 0",
            config.data.piece_s
        );
        let mut kits = Vec::new();
        for folder in &config.kit_folders {
            let loaded = kits::load_folder(folder)?;
            kits.extend(
                loaded
                    .into_iter()
                    .filter(|kit| kit.split == config.split)
                    .map(Arc::new),
            );
        }
        ensure!(
            !kits.is_empty() || config.data.procedural_kits > 0,
            "expected kits for {}, found none in the folders, and data.procedural_kits is 0",
            config.split.word()
        );
        let mut grooves = match &config.groove_folder {
            Some(folder) => performance::load_grooves(folder)?,
            None => Vec::new(),
        };
        grooves.retain(|groove| groove.split == config.split);
        Ok(Renderer {
            config: config.clone(),
            tame: config.tamed(),
            kits,
            grooves,
            pool: Pool::default(),
        })
    }

    /// The same renderer with another share of tame pieces.
    pub fn with_tame_share(mut self, tame_share: f32) -> Renderer {
        self.config.data.tame_share = tame_share;
        self
    }

    /// Number of sampled kits and of grooves in use.
    pub fn material(&self) -> (usize, usize) {
        (self.kits.len(), self.grooves.len())
    }

    /// The sampled kits in use.
    pub fn kits(&self) -> &[Arc<Kit>] {
        &self.kits
    }

    /// Piece number `index`. Allocates.
    pub fn piece(&self, index: u64) -> Piece {
        let random = |purpose| Random::new(&[self.config.seed, index, purpose]);
        let is_tame = random(2).chance(self.config.data.tame_share);
        let config = if is_tame { &self.tame } else { &self.config };
        let mut surroundings = random(5);
        let lead_s = if surroundings.chance(config.data.lead_share) {
            f64::from(surroundings.range(LEAD_S.0, LEAD_S.1))
        } else {
            0.0
        };
        let length_s = lead_s + config.data.piece_s;
        let mut events = performance::perform(
            &self.grooves,
            config.data.groove_share,
            config.data.wildness,
            length_s,
            &mut random(0),
        );
        let mut parts = random(7);
        if parts.chance(self.config.data.sections_share) {
            sections::divide(&mut events, length_s, &mut parts);
        }
        let colouring = if is_tame {
            config
                .data
                .wildness
                .max(self.config.data.wildness * random(3).unit().powi(2))
        } else {
            config.data.wildness
        };
        let reshaping = if is_tame {
            self.config.data.reshaping * random(4).unit()
        } else {
            config.data.reshaping
        };
        let playing = Playing {
            strengths: [colouring, reshaping],
            manner: Manner::draw(&config.data, &mut random(6)),
            lead: (lead_s * SAMPLE_RATE_HZ) as usize,
        };
        self.render_as(config, playing, &events, &mut random(1))
    }

    /// Piece number `index` as the network's input and targets. Allocates.
    pub fn example(&self, index: u64) -> TrainingExample {
        thread_local! {
            static FEATURISER: std::cell::RefCell<Featuriser> =
                std::cell::RefCell::new(Featuriser::new());
        }
        FEATURISER.with_borrow_mut(|featuriser| featuriser.example(&self.piece(index)))
    }

    /// Plays `events` (in order of time) on a kit drawn from `random`.
    /// Allocates.
    pub fn render(&self, events: &[Event], random: &mut Random) -> Piece {
        let playing = Playing {
            strengths: [self.config.data.wildness, self.config.data.reshaping],
            manner: Manner::default(),
            lead: 0,
        };
        self.render_as(&self.config, playing, events, random)
    }

    fn render_as(
        &self,
        config: &RenderConfig,
        playing: Playing,
        events: &[Event],
        random: &mut Random,
    ) -> Piece {
        let piece_length = (config.data.piece_s * SAMPLE_RATE_HZ) as usize;
        let length = playing.lead + piece_length;
        let mut needed = [false; SOUND_COUNT];
        for event in events {
            needed[event.sound.index()] = true;
        }
        let casting = Casting {
            kits: &self.kits,
            pool: &self.pool,
            config,
        };
        let session = casting.session(&needed, playing.manner, random);
        let [colouring, reshaping] = playing.strengths;
        let voices = Voices::draw(colouring, reshaping, random);
        let (mut stems, mut hits) = strike(events, &session, voices, length, random);
        add_gates(&mut stems, &hits, config.data.gate_share, random);
        add_rooms(&mut stems, config.data.wildness, random);
        let backdrop_share = config.data.backdrop_share;
        if backdrop_share > 0.0 && random.chance(backdrop_share) {
            let peak = stems
                .iter()
                .flatten()
                .fold(0.0_f32, |peak, s| peak.max(s.abs()));
            backdrop::add(&mut stems[RESIDUAL], &hits, peak, random);
        }
        let bus = Bus::draw(config.data.wildness, config.data.parallel_share, random);
        let mut mix = bus.run(&mut stems, random);
        if playing.lead > 0 {
            let lead = start_between_hits(&hits, playing.lead);
            hits.retain(|hit| (lead..lead + piece_length).contains(&hit.sample));
            for hit in &mut hits {
                hit.sample -= lead;
            }
            for signal in stems.iter_mut().chain([&mut mix]) {
                signal.drain(..lead);
                signal.truncate(piece_length);
            }
        }
        Piece {
            channels: 1,
            mix,
            stems,
            hits,
            kit: session.kit,
        }
    }
}

/// The last place up to `lead` (in samples) that no attack crosses: hits before it leave
/// only what rings.
fn start_between_hits(hits: &[Hit], lead: usize) -> usize {
    const ATTACK: usize = (0.015 * SAMPLE_RATE_HZ) as usize;
    let before = hits.iter().rev().filter(|hit| hit.sample < lead);
    before.fold(lead, |start, hit| {
        if hit.sample + ATTACK > start {
            // The hit is part of the piece, with a little before it.
            hit.sample.saturating_sub(ATTACK / 4)
        } else {
            start
        }
    })
}

/// How a piece is played.
#[derive(Debug, Clone, Copy)]
struct Playing {
    /// Strengths of changes of single sounds: colouring and reshaping.
    strengths: [f32; 2],
    manner: Manner,
    /// Samples that are played before the piece begins.
    lead: usize,
}

/// Mixes all strokes into dry stems.
fn strike(
    events: &[Event],
    session: &Session,
    mut voices: Voices,
    length: usize,
    random: &mut Random,
) -> ([Vec<f32>; STEM_COUNT], Vec<Hit>) {
    let mut stems: [Vec<f32>; STEM_COUNT] = std::array::from_fn(|_| vec![0.0; length]);
    let mut hits = Vec::new();
    for (n, event) in events.iter().enumerate() {
        let Some(instrument) = &session.instruments[event.sound.index()] else {
            continue;
        };
        let at = (event.time_s * SAMPLE_RATE_HZ).round() as usize;
        if at >= length {
            continue;
        }
        let until = voices.end_of(event, &events[n + 1..]);
        let stem = event.sound.drum().map_or(RESIDUAL, Drum::index);
        voices.add(&mut stems[stem], instrument, event, at, until, random);
        if let Some(drum) = event.sound.drum() {
            hits.push(Hit {
                sample: at,
                drum,
                velocity: event.velocity,
            });
        }
    }
    (stems, hits)
}

/// Gated reverberation of snare and toms in a share of the pieces.
fn add_gates(stems: &mut [Vec<f32>; STEM_COUNT], hits: &[Hit], share: f32, random: &mut Random) {
    // Pieces without any draw nothing: held-out material stays as it was.
    if share == 0.0 || !random.chance(share) {
        return;
    }
    let gate = Gate::draw(random);
    let with_toms = random.chance(0.4);
    let toms = [Drum::HighTom, Drum::MidTom, Drum::FloorTom];
    for drum in [Drum::Snare]
        .into_iter()
        .chain(toms.into_iter().filter(|_| with_toms))
    {
        let own = hits.iter().filter(|hit| hit.drum == drum);
        gate.add(&mut stems[drum.index()], own.map(|hit| hit.sample));
    }
}

fn add_rooms(stems: &mut [Vec<f32>; STEM_COUNT], wildness: f32, random: &mut Random) {
    if !random.chance(0.75 * wildness.min(1.0)) {
        return;
    }
    let room = Room::draw(random);
    let amount = from_db(random.range(-22.0, 2.0));
    let bleeding = random.chance(0.5);
    for stem in stems.iter_mut() {
        let send = amount * from_db(3.0 * random.normal());
        let bleed = Bleed::draw(random);
        if stem.iter().all(|s| *s == 0.0) {
            continue;
        }
        if bleeding {
            bleed.add(stem);
        }
        room.add(stem, send);
    }
}

#[cfg(test)]
mod tests;
