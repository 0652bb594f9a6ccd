//! Learns the one-shots of a kit from its hits.
//!
//! Everything here happens on the worker and depends on nothing but the order
//! of calls.

mod full_level;
mod prepare;
mod saved;
mod spectra;

use std::sync::Arc;

use super::{
    Grid, LearntDrum, LearntKit, LearntLayer, Take, as_kept,
    average::{Average, Spectrogram, mean_spectrum},
    builder::build,
};
use crate::{
    drum::{DRUM_COUNT, Drum},
    front_end::{Framing, FrontEnd, UnsupportedSampleRate},
    one_shots::{Bank, DrumSound, Evidence, OneShot},
    transcriber::VELOCITY_CURVE,
};
use full_level::FullLevel;
use prepare::Hit;
use spectra::{EARLY_FRAMES, difference_db, early_power, layer_difference_db};

/// Difference of spectra from which a hit is none of this drum's.
const STRANGE_DB: f32 = 9.0;
/// Strangers in a row after which the kit has changed.
const NEW_KIT_HITS: u32 = 6;
/// Weight from which a learnt sound is used.
const LEAST_WEIGHT: f32 = 0.45;
/// Highest velocity of the soft layer: 10 dB below velocity 1.
const SOFT_VELOCITY: f32 = 0.55;
/// Hits that a velocity layer of its own needs.
const LAYER_HITS: u32 = 4;
/// Difference of spectra that makes it worth it.
const LAYER_DB: f32 = 2.5;
/// Least velocity that the loudest hits of a drum are believed to have: at velocity 1 a pad
/// is at most 6 dB louder than anything that was heard of the drum.
const LEAST_VELOCITY: f32 = 0.7;
/// Velocity below which how hard a hit was says nothing of the drum's level.
const FAINTEST_VELOCITY: f32 = 0.1;
/// Weight that hits keep when the same recording is heard again.
const HEARD_BEFORE: f32 = 0.25;

/// What became of a take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was learnt from.
    Learnt,
    /// The next hit came too soon.
    TooShort,
    /// The drum still rang from the hit before.
    StillRinging,
    /// Other drums sounded too.
    Covered,
    /// It does not sound like the other hits of this drum.
    Stranger,
}

#[derive(Debug, Default)]
struct Class {
    soft: Average,
    loud: Average,
    /// Weighted sum of the aligned attacks, mono.
    reference: Vec<f32>,
    /// Level of the loudest hits.
    level: f32,
    /// Level that a hit of velocity 1 would have: what one-shots are kept at.
    full_level: FullLevel,
    /// Sum of each hit's clarity.
    clarity: f32,
    strangers: u32,
    is_stale: bool,
    learnt: Option<LearntDrum>,
    sound: Option<Arc<DrumSound>>,
}

impl Class {
    fn averages(&self) -> [&Average; 2] {
        [&self.soft, &self.loud]
    }

    fn weight(&self) -> f32 {
        self.soft.weight() + self.loud.weight()
    }

    fn hits(&self) -> u32 {
        self.soft.hits + self.loud.hits
    }
}

/// Averages the hits of each drum into one-shots.
#[derive(Debug)]
pub struct WaveformLearner {
    rate_hz: f64,
    grid: Grid,
    front_end: FrontEnd,
    prior: Arc<Bank>,
    embedding: Vec<f32>,
    classes: [Class; DRUM_COUNT],
    is_new: bool,
}

impl WaveformLearner {
    /// A learner that knows nothing but the model's bank `prior`, which has
    /// `sample_rate_hz`. Allocates.
    ///
    /// # Errors
    /// An unsupported rate.
    pub fn new(
        sample_rate_hz: f64,
        prior: Arc<Bank>,
    ) -> Result<WaveformLearner, UnsupportedSampleRate> {
        let framing = Framing::for_rate(sample_rate_hz)?;
        Ok(WaveformLearner {
            rate_hz: sample_rate_hz,
            grid: Grid::new(&framing),
            front_end: FrontEnd::new(framing),
            prior,
            embedding: Vec::new(),
            classes: Default::default(),
            is_new: false,
        })
    }

    /// Takes another bank of the model, made from `embedding`.
    pub fn set_prior(&mut self, prior: Arc<Bank>, embedding: &[f32]) {
        self.prior = prior;
        self.embedding = embedding.to_vec();
        self.is_new = true;
        for class in &mut self.classes {
            class.is_stale = class.hits() > 0;
        }
    }

    /// Forgets all hits. The bank is then `prior`, the model's default.
    pub fn forget(&mut self, prior: Arc<Bank>) {
        self.prior = prior;
        self.embedding.clear();
        self.classes = Default::default();
        self.is_new = true;
    }

    /// The same recording is heard again: its hits are counted anew, and those
    /// of the last time, which were separated with a worse kit, count less.
    pub fn hear_again(&mut self) {
        for class in &mut self.classes {
            class.soft.start_over(HEARD_BEFORE);
            class.loud.start_over(HEARD_BEFORE);
            class.clarity = 0.0;
        }
    }

    /// Learns from a hit. Allocates.
    pub fn add(&mut self, take: &Take) -> Outcome {
        match self.prepare(take) {
            Ok(hit) => self.learn(take, hit),
            Err(outcome) => outcome,
        }
    }

    fn learn(&mut self, take: &Take, hit: Hit) -> Outcome {
        let class = &mut self.classes[take.start.drum.index()];
        let mut likeness = 1.0;
        if class.hits() > 0 {
            let known = mean_spectrum(&class.averages(), EARLY_FRAMES);
            let difference_db = difference_db(&known, &hit.spectrogram);
            likeness = 1.0 / (1.0 + (difference_db / STRANGE_DB).powi(2));
            if difference_db > STRANGE_DB && class.hits() >= 3 {
                class.strangers += 1;
                if class.strangers < NEW_KIT_HITS {
                    return Outcome::Stranger;
                }
                // The old sound plays until the new one is known.
                *class = Class {
                    learnt: class.learnt.take(),
                    sound: class.sound.take(),
                    ..Class::default()
                };
                likeness = 1.0;
            }
        }
        class.strangers = 0;
        let velocity = take.start.velocity.clamp(FAINTEST_VELOCITY, 1.0);
        class.level = class.level.max(hit.level);
        class
            .full_level
            .hear(hit.level / velocity.powf(1.0 / VELOCITY_CURVE));
        let loudness = (hit.level / class.level).sqrt().clamp(0.2, 1.0);
        let clarity = take.start.confidence.clamp(0.0, 1.0) * hit.purity * likeness;
        let weight = clarity * hit.purity * loudness * (1.0 - hit.ringing);
        let average = if take.start.velocity <= SOFT_VELOCITY {
            &mut class.soft
        } else {
            &mut class.loud
        };
        average.add(&self.grid, &hit.spectrogram, weight, hit.lead_s);
        if class.reference.len() < hit.attack.len() {
            class.reference.resize(hit.attack.len(), 0.0);
        }
        for (sum, sample) in class.reference.iter_mut().zip(&hit.attack) {
            *sum += weight * sample;
        }
        class.clarity += clarity;
        class.is_stale = true;
        Outcome::Learnt
    }

    /// The bank of what has been learnt, or `None` if nothing has changed
    /// since the last call. Allocates.
    pub fn bank(&mut self) -> Option<Arc<Bank>> {
        let mut is_new = std::mem::take(&mut self.is_new);
        for drum in Drum::ALL {
            let class = &mut self.classes[drum.index()];
            if !std::mem::take(&mut class.is_stale) || class.weight() < LEAST_WEIGHT {
                continue;
            }
            // A sound that is refused leaves the one before in place.
            if let Some(learnt) = self.build(drum)
                && let Some(sound) = self.sound_of(&learnt)
            {
                let class = &mut self.classes[drum.index()];
                class.learnt = Some(learnt);
                class.sound = Some(sound);
                is_new = true;
            }
        }
        is_new.then(|| {
            let sounds = std::array::from_fn(|class| self.classes[class].sound.clone());
            Arc::new(self.prior.with_sounds(&sounds))
        })
    }

    /// What has been learnt, as of the last [`WaveformLearner::bank`].
    pub fn kit(&self) -> LearntKit {
        let drums = self.classes.iter().filter_map(|class| class.learnt.clone());
        LearntKit {
            drums: drums.collect(),
            embedding: self.embedding.clone(),
        }
    }

    fn sound_of(&mut self, learnt: &LearntDrum) -> Option<Arc<DrumSound>> {
        let layers: Vec<_> = learnt
            .layers
            .iter()
            .map(|layer| (layer.top_velocity, layer.one_shot.clone()))
            .collect();
        let evidence = Evidence {
            hits: learnt.hits,
            confidence: learnt.confidence,
            ..Evidence::default()
        };
        let sound = DrumSound::new(learnt.drum, &layers, evidence, &mut self.front_end);
        sound.ok().map(Arc::new)
    }

    fn build(&mut self, drum: Drum) -> Option<LearntDrum> {
        let longest = (drum.longest_s() * self.rate_hz) as usize;
        let own = self.prior.one_shot(drum);
        let frames = own.frames().min(longest) / self.grid.step() + 1;
        let sides = [own.channel(0), own.channel(1)];
        let mut prior = Spectrogram::of(&mut self.grid, sides, frames);
        let (power, _) = early_power(&prior);
        prior.scale(1.0 / power.sqrt().max(1e-12));
        let class = &self.classes[drum.index()];
        let (soft, loud) = (&class.soft, &class.loud);
        let are_two = soft.hits >= LAYER_HITS
            && loud.hits >= LAYER_HITS
            && layer_difference_db(soft, loud) > LAYER_DB;
        let groups: Vec<(f32, Vec<&Average>)> = if are_two {
            vec![(SOFT_VELOCITY, vec![soft]), (1.0, vec![loud])]
        } else {
            vec![(1.0, vec![soft, loud])]
        };
        let mut learnt = LearntDrum {
            drum,
            layers: Vec::new(),
            hits: class.hits(),
            confidence: confidence(class),
        };
        let most = class.level / LEAST_VELOCITY.powf(1.0 / VELOCITY_CURVE);
        let full_level = class.full_level.level().min(most);
        for (top_velocity, averages) in groups {
            let mut channels = build(&mut self.grid, &averages, &prior, longest, self.rate_hz);
            for sample in channels.iter_mut().flatten() {
                *sample *= full_level;
            }
            let one_shot = OneShot::new(self.rate_hz, channels.into()).ok()?;
            let one_shot = one_shot.with_lead(Average::mean_lead_s(&averages));
            learnt.layers.push(LearntLayer {
                top_velocity,
                one_shot: Arc::new(as_kept(&one_shot).ok()?),
            });
        }
        Some(learnt)
    }
}

/// Many hits, clear ones, that agree.
fn confidence(class: &Class) -> f32 {
    let hits = class.hits().max(1) as f32;
    let quality = (class.clarity / hits).clamp(0.0, 1.0);
    quality * (1.0 - (-class.weight() / 2.0).exp())
}

#[cfg(test)]
mod tests;
