//! The sounds of all drums, and one template per drum.

use std::sync::Arc;

use thiserror::Error;

use super::{LEVEL_FRAMES, OneShot, OneShotError, Template, attack_s};
use crate::{
    audio_file::{self, AudioBuffer},
    drum::{DRUM_COUNT, Drum},
    front_end::{Framing, FrontEnd, UnsupportedSampleRate},
    spread::Spread,
};

/// Why a bank could not be made.
#[derive(Debug, Error)]
pub enum BankError {
    /// Not one sound per class.
    #[error("a bank has {DRUM_COUNT} one-shots, found {found}")]
    Count {
        /// Number of sounds given.
        found: usize,
    },
    /// A sound was refused.
    #[error("one-shot of {}: {source}", drum.name())]
    OneShot {
        /// Its class.
        drum: Drum,
        /// The reason.
        source: OneShotError,
    },
    /// A sound could not be converted to the engine's rate.
    #[error("one-shot of {}: {source}", drum.name())]
    Resample {
        /// Its class.
        drum: Drum,
        /// The reason.
        source: audio_file::AudioFileError,
    },
    /// The engine cannot run at this rate.
    #[error(transparent)]
    SampleRate(#[from] UnsupportedSampleRate),
}

/// One sound of a drum with the velocities it stands for.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// Highest velocity, 0 to 1; the last layer of a drum has 1.
    pub top_velocity: f32,
    /// The sound at the bank's sample rate.
    pub one_shot: Arc<OneShot>,
    /// Root of its band power over the first frame of its template, the first
    /// two, and so on: what the level of a hit is compared with.
    pub levels: [f32; LEVEL_FRAMES],
    /// How much louder it becomes than that.
    pub swell: f32,
    /// Its highest absolute sample.
    pub peak: f32,
    /// How long after its beginning its attack begins.
    pub attack_s: f32,
}

impl Layer {
    /// A sound that has the rate of the bank. Allocates.
    fn new(top_velocity: f32, one_shot: Arc<OneShot>, template: &Template) -> Layer {
        Layer {
            top_velocity,
            levels: template.levels(),
            swell: template.swell(),
            peak: one_shot.peak(),
            attack_s: attack_s(&one_shot),
            one_shot,
        }
    }
}

/// How well a drum has been learnt.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Evidence {
    /// Hits that went into the sound.
    pub hits: u32,
    /// 0 (nothing is known) to 1 (many clear hits that agree).
    pub confidence: f32,
    /// Where it stands between left (−1) and right (1); 0 if it is mono.
    pub pan: f32,
}

/// The layers of one drum, from soft to loud; never none. Neighbours with the same highest
/// velocity are round robins: they take turns.
#[derive(Debug, Clone, PartialEq)]
pub struct DrumSound {
    /// From soft to loud.
    pub layers: Vec<Layer>,
    /// What it was learnt from; no hits for a sound of the model.
    pub evidence: Evidence,
    /// How it is spread over the channels, of any power; none if it is mono.
    pub spread: Option<Box<Spread>>,
    /// What its loudest hits look like.
    template: Arc<Template>,
}

impl DrumSound {
    /// Converts one sound or several, each with its highest velocity, to the
    /// rate of `front_end` and measures their levels and the pan. Allocates.
    ///
    /// # Errors
    /// No sound at all or a sound that cannot be converted.
    pub fn new(
        drum: Drum,
        layers: &[(f32, Arc<OneShot>)],
        evidence: Evidence,
        front_end: &mut FrontEnd,
    ) -> Result<DrumSound, BankError> {
        let Some((loudest_velocity, loudest)) = layers.last() else {
            return Err(BankError::Count { found: 0 });
        };
        let spread = Spread::of_sound(loudest);
        let mut template = Template::default();
        let mut converted = Vec::with_capacity(layers.len());
        for (top_velocity, one_shot) in layers {
            let one_shot = at_rate(drum, one_shot, front_end.framing().sample_rate_hz)?;
            template = Template::of(&one_shot, front_end);
            let is_loudest = top_velocity == loudest_velocity;
            let top_velocity = if is_loudest { 1.0 } else { *top_velocity };
            converted.push(Layer::new(top_velocity, one_shot, &template));
        }
        Ok(DrumSound {
            layers: converted,
            evidence: Evidence {
                pan: spread.as_ref().map_or(0.0, Spread::pan),
                ..evidence
            },
            spread: spread.map(Box::new),
            template: Arc::new(template),
        })
    }

    /// Index of the layer that plays `velocity` at the drum's stroke number `stroke`.
    /// Real-time safe.
    pub fn layer_for(&self, velocity: f32, stroke: u32) -> usize {
        let layers = &self.layers;
        let loudest = layers[layers.len() - 1].top_velocity;
        let velocity = velocity.min(loudest);
        let fits = |layer: &Layer| velocity <= layer.top_velocity;
        let first = layers.iter().position(fits).unwrap_or(layers.len() - 1);
        let alike = |layer: &&Layer| layer.top_velocity == layers[first].top_velocity;
        let count = layers[first..].iter().take_while(alike).count();
        first + stroke as usize % count.max(1)
    }
}

/// The one-shots of all classes at one sample rate, with their templates and those of the
/// model's own.
///
/// Immutable and shared: the audio thread plays it while others read it. A
/// bank with learnt sounds shares all others with the bank it was made from.
#[derive(Debug, Clone, PartialEq)]
pub struct Bank {
    sounds: Vec<Arc<DrumSound>>,
    /// Of the model's sounds.
    templates: Arc<Vec<Arc<Template>>>,
}

impl Bank {
    /// Converts one sound per class to `sample_rate_hz` and analyses it.
    /// Allocates and takes tens of milliseconds: not for the audio thread.
    ///
    /// # Errors
    /// Not nine sounds, a sound that is refused, an unsupported rate.
    pub fn new(one_shots: &[OneShot], sample_rate_hz: f64) -> Result<Bank, BankError> {
        if one_shots.len() != DRUM_COUNT {
            return Err(BankError::Count {
                found: one_shots.len(),
            });
        }
        let mut front_end = FrontEnd::new(Framing::for_rate(sample_rate_hz)?);
        let mut sounds = Vec::with_capacity(DRUM_COUNT);
        let mut templates = Vec::with_capacity(DRUM_COUNT);
        for (drum, one_shot) in Drum::ALL.into_iter().zip(one_shots) {
            // A network makes no more than so many seconds.
            let one_shot = Arc::new(one_shot.trimmed().with_faded_end());
            let one_shot = at_rate(drum, &one_shot, sample_rate_hz)?;
            let template = Arc::new(Template::of(&one_shot, &mut front_end));
            templates.push(template.clone());
            sounds.push(Arc::new(DrumSound {
                layers: vec![Layer::new(1.0, one_shot, &template)],
                evidence: Evidence::default(),
                spread: Spread::of_sound(&one_shots[drum.index()]).map(Box::new),
                template,
            }));
        }
        Ok(Bank {
            sounds,
            templates: Arc::new(templates),
        })
    }

    /// The same bank with other sounds where there are any. Allocates.
    pub fn with_sounds(&self, learnt: &[Option<Arc<DrumSound>>; DRUM_COUNT]) -> Bank {
        let sounds = self.sounds.iter().zip(learnt);
        Bank {
            sounds: sounds
                .map(|(own, learnt)| learnt.as_ref().unwrap_or(own).clone())
                .collect(),
            templates: self.templates.clone(),
        }
    }

    /// Layers and evidence of `drum`. Real-time safe.
    pub fn sound(&self, drum: Drum) -> &DrumSound {
        &self.sounds[drum.index()]
    }

    /// The sound of `drum` for its loudest hits. Real-time safe.
    pub fn one_shot(&self, drum: Drum) -> &OneShot {
        let layers = &self.sound(drum).layers;
        &layers[layers.len() - 1].one_shot
    }

    /// The template of `drum`. Real-time safe.
    pub fn template(&self, drum: Drum) -> &Template {
        &self.sound(drum).template
    }

    /// Whether the sound of `drum` was learnt. Real-time safe.
    pub fn knows(&self, drum: Drum) -> bool {
        self.sound(drum).evidence.hits > 0
    }

    /// The template of the model's sound of `drum`, whatever was learnt. Real-time safe.
    pub fn own_template(&self, drum: Drum) -> &Template {
        &self.templates[drum.index()]
    }
}

fn at_rate(
    drum: Drum,
    one_shot: &Arc<OneShot>,
    sample_rate_hz: f64,
) -> Result<Arc<OneShot>, BankError> {
    if one_shot.sample_rate_hz() == sample_rate_hz {
        return Ok(one_shot.clone());
    }
    let buffer = AudioBuffer {
        sample_rate_hz: one_shot.sample_rate_hz(),
        channels: one_shot.channels().to_vec(),
    };
    let buffer = audio_file::resample(&buffer, sample_rate_hz)
        .map_err(|source| BankError::Resample { drum, source })?;
    OneShot::new(sample_rate_hz, buffer.channels)
        .map(|converted| Arc::new(converted.with_lead(one_shot.lead_s())))
        .map_err(|source| BankError::OneShot { drum, source })
}
