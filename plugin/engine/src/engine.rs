//! One block in, ten signals and the hits out.
//!
//! Time is divided into hops. When a hop of input is complete, the frame that
//! ends with it is worked on in eight stages during the next hop, so that no
//! block carries a whole frame's work; what the stages produce is played
//! during the hop after that. All positions are counted in samples, so the
//! result does not depend on the host's blocks.

use std::sync::Arc;

use crate::{
    controls::{Controls, Quality},
    drum::Drum,
    experiment::Experiment,
    front_end::{Framing, STAGES},
    hop_work::HopWork,
    learner::{KitShelf, LearntKit},
    model::Model,
    one_shots::{Bank, OwnSounds},
    playback::{Playback, PlayedHop},
};
pub use crate::{
    error::EngineError,
    events::{Events, Hit},
    stems::Stems,
    transcriber::{GivenHit, Lesson, TAUGHT_COUNT, Verdict},
};

/// Inputs are limited to ±80 dBFS: far above any music, far below overflow.
const INPUT_LIMIT: f32 = 1e4;

/// What an engine is made for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EngineConfig {
    /// 8 to 192 kHz.
    pub sample_rate_hz: f64,
    /// Trade between latency and certainty.
    pub quality: Quality,
}

/// The real-time engine.
#[derive(Debug)]
pub struct Engine {
    config: EngineConfig,
    hop_samples: usize,
    latency_samples: usize,
    teaching: [f32; TAUGHT_COUNT],
    work: HopWork,
    playback: Playback,
    /// The hop that is being filled.
    incoming: [Vec<f32>; 2],
    phase: usize,
    /// Samples since the last reset.
    now: u64,
}

impl Engine {
    /// Prepares everything, starts the worker. Allocates; takes up to some
    /// hundred milliseconds.
    ///
    /// # Errors
    /// An unsupported sample rate or a model that cannot be run.
    pub fn new(config: EngineConfig, model: Arc<Model>) -> Result<Engine, EngineError> {
        Engine::for_experiment(config, model, Experiment::default())
    }

    /// [`Engine::new`] with parts replaced by what `experiment` knows, for
    /// measurements. Allocates.
    ///
    /// # Errors
    /// An unsupported sample rate or a model that cannot be run.
    pub fn for_experiment(
        config: EngineConfig,
        model: Arc<Model>,
        experiment: Experiment,
    ) -> Result<Engine, EngineError> {
        let framing = Framing::for_rate(config.sample_rate_hz)?;
        let latency_samples = config.quality.latency_hops() * framing.hop_samples;
        let work = HopWork::new(framing, config.quality, &model, experiment)?;
        let playback = Playback::new(&framing, latency_samples, work.bank().clone());
        let hop_samples = framing.hop_samples;
        let weights = model.meta().evidence_of(config.quality);
        Ok(Engine {
            config,
            hop_samples,
            latency_samples,
            teaching: weights.map_or([0.0; TAUGHT_COUNT], |weights| weights.taught),
            work,
            playback,
            incoming: [vec![0.0; hop_samples], vec![0.0; hop_samples]],
            phase: 0,
            now: 0,
        })
    }

    /// Delay of every output. Real-time safe.
    pub fn latency_samples(&self) -> usize {
        self.latency_samples
    }

    /// Samples that were heard since the last reset. Real-time safe.
    pub fn heard_samples(&self) -> u64 {
        self.now
    }

    /// What the engine was made for. Real-time safe.
    pub fn config(&self) -> &EngineConfig {
        &self.config
    }

    /// The one-shots now in use. Real-time safe.
    pub fn bank(&self) -> &Arc<Bank> {
        self.work.bank()
    }

    /// Takes new settings, out-of-range values forced into range. Real-time
    /// safe.
    pub fn set_controls(&mut self, controls: &Controls) {
        let controls = controls.sanitised();
        self.work.set_controls(&controls);
        self.playback.set_controls(&controls);
    }

    /// Says whether nobody listens, as in an export: then [`Engine::process`] waits for the
    /// worker, however long that takes, so that the result can be repeated. False at first:
    /// what is learnt too late takes effect when it comes. A host that has kept to more
    /// than 1.5 times real time for a second is waited for too, as long as it keeps to it.
    /// Real-time safe.
    pub fn set_offline(&mut self, is_offline: bool) {
        self.work.set_offline(is_offline);
    }

    /// Plays the one-shot of `drum` on its bus, from the next sample on, also if the drum
    /// is switched off. Real-time safe.
    pub fn trigger(&mut self, drum: Drum, velocity: f32) {
        self.playback.trigger(drum, velocity);
    }

    /// Tells the engine of a hit that begins `offset_samples` after the samples that it
    /// has heard; in order of time, before the input is processed in which the hit lies.
    /// If [`Controls::hits`] says `Given` such hits are the only ones (but for
    /// [`Engine::listen_from`]), else they correct those that are heard. False if more than a thousand wait. Real-time safe.
    pub fn give_hit(&mut self, offset_samples: usize, drum: Drum, velocity: Option<f32>) -> bool {
        self.work
            .give_hit(self.given(offset_samples, drum, velocity, false))
    }

    /// [`Engine::give_hit`] for a hit that was placed by eye or on a grid: it begins where the
    /// drum does within 20 ms (some less after it in [`Quality::Low`]), if anything begins
    /// there, and else where it was placed. Real-time safe.
    pub fn place_hit(&mut self, offset_samples: usize, drum: Drum, velocity: Option<f32>) -> bool {
        self.work
            .give_hit(self.given(offset_samples, drum, velocity, true))
    }

    fn given(
        &self,
        offset_samples: usize,
        drum: Drum,
        velocity: Option<f32>,
        snaps: bool,
    ) -> GivenHit {
        GivenHit {
            onset_sample: self.now + offset_samples as u64,
            drum,
            velocity: velocity
                .filter(|velocity| velocity.is_finite())
                .map(|velocity| velocity.clamp(0.0, 1.0)),
            snaps,
        }
    }

    /// Moments of which it is known what was played, such as those that the user corrected,
    /// in place of those that were known before: what is like them is judged like them. They
    /// stay through resets. Of more than [`MOST_LESSONS`](crate::transcriber::MOST_LESSONS)
    /// the last count. Real-time safe.
    pub fn teach(&mut self, lessons: impl Iterator<Item = Lesson>) {
        self.work.teach(lessons);
    }

    /// How much lessons move a hit on the logistic scale: for it, against it. Real-time safe.
    pub fn teaching(&self) -> [f32; TAUGHT_COUNT] {
        self.teaching
    }

    /// From input sample `from_sample` after the last reset or rewind on the engine listens,
    /// although its controls say that hits are given: what was given before teaches it, as
    /// far as it differs from what would have been heard or agrees with it. None: it never
    /// listens. To be said before the engine hears anything. Real-time safe.
    pub fn listen_from(&mut self, from_sample: Option<u64>) {
        self.work.listen_from(from_sample);
    }

    /// Takes away the hits that `drum` is heard to play around the sample that comes
    /// `offset_samples` after those that were heard (23 ms before it to 17 ms after it),
    /// and closes the drum to everything but the tails of its earlier hits until it is
    /// hit again. In order of time, as [`Engine::give_hit`]. False if hits are given
    /// or more than a thousand wait. Real-time safe.
    pub fn remove_hit(&mut self, offset_samples: usize, drum: Drum) -> bool {
        self.work.remove_hit(self.now + offset_samples as u64, drum)
    }

    /// Plays sounds of the user's own in place of the kit's from the next hit on;
    /// [`OwnSounds::default`] takes them away. False if that has to be tried again
    /// in a later block. They stay through resets and whatever is learnt. Real-time
    /// safe if the caller keeps a reference to each set until nobody else has one
    /// (its strong count is 1): then none is freed here.
    pub fn set_own_sounds(&mut self, own: &Arc<OwnSounds>) -> bool {
        self.playback.set_own_sounds(own)
    }

    /// Back to the state after [`Engine::new`], except for the controls and the kit. Separation
    /// begins with what that knew when it was loaded or frozen, or when something was last heard
    /// while not [`Engine::set_offline`]: renders offline, one after the other, are the same.
    /// Real-time safe.
    pub fn reset(&mut self) {
        self.work.reset();
        self.start_over();
    }

    /// Back to the model's own one-shots; what sounds ends as it began.
    /// Real-time safe.
    pub fn forget_kit(&mut self) {
        self.work.forget_kit(&mut self.playback);
    }

    /// Takes a saved kit in place of what was learnt; an empty one is the
    /// model's. Until more is learnt it sounds exactly as it did when it was
    /// saved. Allocates and waits for the worker: not while audio plays.
    pub fn restore_kit(&mut self, kit: LearntKit) {
        self.work.restore_kit(kit, &mut self.playback);
    }

    /// Takes a kit in place of what was learnt while audio plays; it sounds a second
    /// later, the model's own until then. Real-time safe: it is freed elsewhere.
    ///
    /// # Errors
    /// The kit, if too much waits for the worker: to be tried again later.
    pub fn load_kit(&mut self, kit: Box<LearntKit>) -> Result<(), Box<LearntKit>> {
        self.work.load_kit(kit, &mut self.playback)
    }

    /// Learns from everything that was heard so far, and gives the kit.
    /// Allocates and waits for the worker: not while audio plays.
    pub fn finish_learning(&mut self) -> Arc<LearntKit> {
        self.work.finish_learning(&mut self.playback);
        self.work.shelf().current()
    }

    /// Where the learnt kits lie: for readers on other threads.
    pub fn kit_shelf(&self) -> &Arc<KitShelf> {
        self.work.shelf()
    }

    /// Back to the first sample of the input, but keeping the kit that was
    /// learnt, and what the network knows of the recording: for a further pass over it.
    /// Real-time safe.
    pub fn rewind(&mut self) {
        self.work.rewind();
        self.work.hear_again();
        self.start_over();
    }

    fn start_over(&mut self) {
        let bank = self.work.bank().clone();
        let retired = self.playback.reset(&bank);
        self.work.retire(retired);
        self.phase = 0;
        self.now = 0;
    }

    /// Takes a block of both input channels and writes the stems and hits of
    /// as many samples. Samples that are not finite count as silence. Blocks
    /// may have any length for which `stems` and `events` were made; what is longer, or
    /// longer than the shorter channel, is not processed. Real-time safe unless
    /// [`Engine::set_offline`] says that it need not be.
    pub fn process(&mut self, input: [&[f32]; 2], stems: &mut Stems, events: &mut Events) {
        events.clear();
        let longest = stems.capacity().min(events.max_block_samples());
        let samples = input[0].len().min(input[1].len()).min(longest);
        stems.set_len(samples);
        let stage_samples = self.hop_samples / STAGES;
        let mut done = 0;
        while done < samples {
            let to_stage = stage_samples - self.phase % stage_samples;
            let chunk = to_stage.min(samples - done);
            for (incoming, channel) in self.incoming.iter_mut().zip(input) {
                let new = &mut incoming[self.phase..self.phase + chunk];
                for (out, &sample) in new.iter_mut().zip(&channel[done..done + chunk]) {
                    *out = if sample.is_finite() {
                        sample.clamp(-INPUT_LIMIT, INPUT_LIMIT)
                    } else {
                        0.0
                    };
                }
            }
            let span = done..done + chunk;
            let hop = PlayedHop {
                dry: [0, 1].map(|channel| self.work.history(channel, self.latency_samples)),
                stems: self.work.playing(),
                phase: self.phase,
            };
            self.playback.play(&hop, self.now, span, stems, events);
            done += chunk;
            self.phase += chunk;
            self.now += chunk as u64;
            if self.phase.is_multiple_of(stage_samples) {
                if self.phase == self.hop_samples {
                    self.phase = 0;
                    self.work.begin_hop(&self.incoming);
                }
                let stage = self.phase / stage_samples;
                self.work.run_stage(stage, self.now, &mut self.playback);
            }
        }
    }
}
