//! The work of one hop: features, network, hits, masks, signals.

use std::sync::Arc;

use crate::{
    controls::{Controls, Quality},
    drum::{DRUM_COUNT, Drum, RESIDUAL, STEM_COUNT},
    engine::EngineError,
    experiment::{Experiment, Script},
    front_end::{BAND_COUNT, FeatureFrame, Framing, FrontEnd},
    learner::{
        BankFollower, BankWorker, KitShelf, LearntKit, MAX_EMBEDDING, NewBank, Tape, TapeHit,
        bank_for,
    },
    model::{Model, Session},
    one_shots::{Bank, LEVEL_FRAMES, PRE_FRAMES},
    playback::{Playback, QueuedHit},
    separator::{
        AttackGate, BandMasks, Explainer, FitCandidate, LEARNED_WEIGHT, OverlapAdd, Presence,
        combine_masks,
    },
    transcriber::{
        Candidate, Decision, OnsetLocator, PeakPicker, PickerClass, VelocityScale, Verdict,
    },
};

/// Equal parts of a hop at whose ends a share of the work is done.
pub const STAGES: usize = 8;
const NETWORK_STAGES: usize = 3;
/// Level below which input counts as digital silence: −140 dBFS.
const SILENCE: f32 = 1e-7;
/// Silence after which work stops.
const SILENT_HOPS: u64 = 350;

/// A candidate that waits for its decision.
#[derive(Debug, Clone, Copy)]
struct Started {
    frame: u64,
    onset_sample: u64,
    amplitude: f32,
    velocity: f32,
}

/// A decision whose level is not measured yet.
#[derive(Debug, Clone, Copy)]
struct Decided {
    onset_sample: u64,
    confidence: f32,
    /// The network's velocity.
    estimate: f32,
    verdict: Verdict,
    /// Whether it sounds in the additive model.
    is_started: bool,
}

/// State of all per-hop work.
#[derive(Debug)]
pub struct HopWork {
    framing: Framing,
    quality: Quality,
    /// The last [`HopWork::history_hops`] hops of input.
    history: [Vec<f32>; 2],
    /// Hops begun since the last reset.
    hops: u64,
    silent_hops: u64,
    controls: Controls,
    thresholds: crate::model::Thresholds,
    picker_classes: [PickerClass; DRUM_COUNT],
    front_end: FrontEnd,
    features: FeatureFrame,
    session: Session,
    picker: PeakPicker,
    /// Hits in place of the picker's, in experiments.
    script: Option<Script>,
    learned_weight: f32,
    locator: OnsetLocator,
    /// Scale of fitted gains, which tell whether a drum is needed at all.
    fitted: VelocityScale,
    /// Scale of separated levels, which tell how hard it was hit.
    velocities: VelocityScale,
    explainer: Explainer,
    presence: Presence,
    attack_gate: AttackGate,
    started: [Option<Started>; DRUM_COUNT],
    decided: [Option<Decided>; DRUM_COUNT],
    worker: BankWorker,
    follower: BankFollower,
    tape: Tape,
    first_bank: Arc<Bank>,
    bank: Arc<Bank>,
    /// Drums whose template still has to be taken from `bank`.
    stale_templates: usize,
    predicted: Box<[[f32; BAND_COUNT]; DRUM_COUNT]>,
    masks: Box<BandMasks>,
    overlap_add: OverlapAdd,
    /// Stems of the hop that is being made, and of the one that is played.
    making: Vec<[Vec<f32>; 2]>,
    playing: Vec<[Vec<f32>; 2]>,
}

impl HopWork {
    /// Allocates everything and starts the worker.
    ///
    /// # Errors
    /// A model that cannot be run.
    pub fn new(
        framing: Framing,
        quality: Quality,
        model: &Model,
        experiment: Experiment,
    ) -> Result<HopWork, EngineError> {
        let rate = framing.sample_rate_hz;
        let hop = framing.hop_samples;
        let hop_s = hop as f64 / rate;
        let network = model.one_shot_network()?;
        let meta = model.meta();
        let embedding = vec![0.0; meta.one_shots.embedding.min(MAX_EMBEDDING)];
        let one_shot_rate_hz = f64::from(meta.one_shots.sample_rate_hz);
        let bank = match experiment.bank {
            Some(bank) => bank,
            None => Arc::new(bank_for(&network, one_shot_rate_hz, &embedding, rate)?),
        };
        let script = experiment.hits.map(|hits| Script::new(&hits, &framing));
        let worker = BankWorker::start(network, model, &framing, bank.clone())?;
        let overlap_add = OverlapAdd::new(rate, hop, quality.window_hops());
        let stems = || {
            (0..STEM_COUNT)
                .map(|_| [vec![0.0; hop], vec![0.0; hop]])
                .collect::<Vec<_>>()
        };
        let history = vec![0.0; Self::history_hops(quality) * hop];
        let controls = Controls::default();
        let mut work = HopWork {
            framing,
            quality,
            history: [history.clone(), history],
            hops: 0,
            silent_hops: 0,
            controls,
            thresholds: meta.thresholds,
            picker_classes: [PickerClass {
                recall_threshold: 0.5,
                strict_threshold: 0.5,
                min_gap_frames: 0.0,
                enabled: true,
            }; DRUM_COUNT],
            front_end: FrontEnd::new(framing),
            features: FeatureFrame::default(),
            session: model.session(quality),
            picker: PeakPicker::default(),
            script,
            learned_weight: experiment.learned_weight.unwrap_or(LEARNED_WEIGHT),
            locator: OnsetLocator::new(hop),
            fitted: VelocityScale::default(),
            velocities: VelocityScale::default(),
            explainer: Explainer::new(&bank),
            presence: Presence::new(hop_s),
            attack_gate: AttackGate::new(rate, overlap_add.window_samples()),
            started: [None; DRUM_COUNT],
            decided: [None; DRUM_COUNT],
            worker,
            follower: BankFollower::new(hop_s),
            tape: Tape::new(&framing, overlap_add.window_samples() / 2),
            first_bank: bank.clone(),
            bank,
            stale_templates: 0,
            predicted: Box::new([[0.0; BAND_COUNT]; DRUM_COUNT]),
            masks: Box::new([[0.0; BAND_COUNT]; STEM_COUNT]),
            overlap_add,
            making: stems(),
            playing: stems(),
        };
        work.set_controls(&controls);
        Ok(work)
    }

    /// Hops of input that are kept: the long window and the latency.
    const fn history_hops(quality: Quality) -> usize {
        let latency = quality.latency_hops() + 2;
        if latency > 16 { latency } else { 16 }
    }

    /// The one-shots now in use. Real-time safe.
    pub fn bank(&self) -> &Arc<Bank> {
        &self.bank
    }

    /// Input that ended `back_samples` before the last hop's end, as the slice
    /// from there on. Real-time safe.
    pub fn history(&self, channel: usize, back_samples: usize) -> &[f32] {
        let history = &self.history[channel];
        &history[history.len() - back_samples..]
    }

    /// The stems of the hop that is played now. Real-time safe.
    pub fn playing(&self) -> &[[Vec<f32>; 2]] {
        &self.playing
    }

    /// Takes sanitised settings. Real-time safe.
    pub fn set_controls(&mut self, controls: &Controls) {
        self.controls = *controls;
        let frames_per_ms = self.framing.sample_rate_hz / self.framing.hop_samples as f64 / 1e3;
        for (class, picker_class) in self.picker_classes.iter_mut().enumerate() {
            let drum = &controls.drums[class];
            *picker_class = PickerClass {
                recall_threshold: self.thresholds.recall[class],
                strict_threshold: self.thresholds.strict[class],
                min_gap_frames: drum.min_gap_ms * frames_per_ms as f32,
                enabled: drum.enabled,
            }
            .with_sensitivity(drum.sensitivity);
        }
    }

    /// Forgets the input and what the masks have learnt; the one-shots stay.
    /// Real-time safe.
    pub fn reset(&mut self) {
        self.rewind();
        self.explainer.forget();
        for drum in Drum::ALL {
            self.explainer.set_template(drum, &self.first_bank);
        }
        self.stale_templates = 0;
        self.follower.reset();
    }

    /// Back to the model's own one-shots. Real-time safe.
    pub fn forget_kit(&mut self, playback: &mut Playback) {
        self.tape.reset(&mut self.worker);
        self.follower.forget(&mut self.worker);
        let bank = self.first_bank.clone();
        self.use_bank(
            NewBank {
                bank,
                has_new_prior: true,
            },
            playback,
        );
        self.explainer.forget();
    }

    /// Takes a saved kit in place of what was learnt. Allocates and waits for
    /// the worker: not while audio plays.
    pub fn restore_kit(&mut self, kit: LearntKit, playback: &mut Playback) {
        self.forget_kit(playback);
        if !kit.is_empty() && self.worker.restore(kit) {
            self.wait_for_bank(playback);
        }
    }

    /// Learns from everything that was heard so far. Allocates and waits for
    /// the worker: not while audio plays.
    pub fn finish_learning(&mut self, playback: &mut Playback) {
        self.tape.end_all(&mut self.worker);
        self.wait_for_bank(playback);
    }

    fn wait_for_bank(&mut self, playback: &mut Playback) {
        if let Some(bank) = self.follower.wait_for_bank(&mut self.worker) {
            self.use_bank(bank, playback);
        }
    }

    /// Where the learnt kits lie.
    pub fn shelf(&self) -> &Arc<KitShelf> {
        self.worker.shelf()
    }

    /// Plays `new` from now on; templates follow hop by hop. Real-time safe.
    fn use_bank(&mut self, new: NewBank, playback: &mut Playback) {
        let retired = playback.swap_bank(new.bank.clone());
        self.retire(retired);
        let retired = std::mem::replace(&mut self.bank, new.bank);
        self.retire([Some(retired)]);
        if new.has_new_prior {
            self.stale_templates = DRUM_COUNT;
        }
    }

    /// Says that the same recording begins again. Real-time safe.
    pub fn hear_again(&mut self) {
        self.worker.hear_again();
    }

    /// Lets banks be freed on the worker. Real-time safe.
    pub fn retire<const COUNT: usize>(&mut self, banks: [Option<Arc<Bank>>; COUNT]) {
        for bank in banks.into_iter().flatten() {
            // The first bank lives as long as the engine: nothing to free.
            if !Arc::ptr_eq(&bank, &self.first_bank) {
                self.worker.retire(bank);
            }
        }
    }

    /// Forgets the input but keeps the kit. Real-time safe.
    pub fn rewind(&mut self) {
        for channel in &mut self.history {
            channel.fill(0.0);
        }
        self.hops = 0;
        self.silent_hops = 0;
        self.session.reset();
        self.picker = PeakPicker::default();
        if let Some(script) = &mut self.script {
            script.rewind();
        }
        self.fitted = VelocityScale::default();
        self.velocities = VelocityScale::default();
        self.explainer.reset();
        self.presence.reset();
        self.attack_gate.reset();
        self.started = [None; DRUM_COUNT];
        self.decided = [None; DRUM_COUNT];
        self.overlap_add.reset();
        self.tape.reset(&mut self.worker);
        self.follower.rewind();
        self.worker.reset_pace();
        for channel in self.making.iter_mut().chain(&mut self.playing).flatten() {
            channel.fill(0.0);
        }
    }

    /// Takes a complete hop of input; the stems made so far are played now.
    /// Real-time safe.
    pub fn begin_hop(&mut self, incoming: &[Vec<f32>; 2]) {
        std::mem::swap(&mut self.making, &mut self.playing);
        let hop = self.framing.hop_samples;
        let mut peak = 0.0_f32;
        for (history, new) in self.history.iter_mut().zip(incoming) {
            history.copy_within(hop.., 0);
            let tail = history.len() - hop;
            history[tail..].copy_from_slice(new);
            peak = new.iter().fold(peak, |peak, sample| peak.max(sample.abs()));
        }
        self.hops += 1;
        self.worker.hop();
        if peak <= SILENCE {
            self.silent_hops += 1;
            if self.silent_hops == SILENT_HOPS {
                self.explainer.reset();
                self.overlap_add.reset();
                self.tape.end_all(&mut self.worker);
            }
        } else {
            self.silent_hops = 0;
        }
    }

    /// Does stage `stage` of the last hop's work. Real-time safe.
    pub fn run_stage(&mut self, stage: usize, now: u64, playback: &mut Playback) {
        if self.hops == 0 {
            return;
        }
        if self.silent_hops >= SILENT_HOPS {
            if stage == STAGES - 1 {
                self.pass_on();
            }
            return;
        }
        let newest = self.hops - 1;
        let described = newest.checked_sub(self.quality.look_ahead_frames() as u64);
        match stage {
            0 => {
                let long = self.framing.long_window_samples;
                let [left, right] = &self.history;
                let newest_samples = [&left[left.len() - long..], &right[right.len() - long..]];
                self.front_end.analyse(newest_samples, &mut self.features);
                self.explainer.observe(newest, &self.features.power);
                self.session.begin(&self.features.frame, &self.features.low);
            }
            1..=NETWORK_STAGES => self.session.run_stage(stage - 1, NETWORK_STAGES),
            4 => {
                if let Some(frame) = described {
                    self.find_hits(frame);
                    self.follow_kit(frame, playback);
                }
            }
            5 => {
                if let Some(frame) = described {
                    self.make_masks(frame);
                    self.announce(now, playback);
                    self.analyse();
                    self.synthesise(0..2);
                } else {
                    self.pass_on();
                }
            }
            6 if described.is_some() => self.synthesise(2..5),
            7 if described.is_some() => {
                self.synthesise(5..DRUM_COUNT);
                self.take_residual();
                self.record();
            }
            _ => {}
        }
    }

    /// Samples from the start of the described frame to the last hop's end.
    fn frame_back_samples(&self) -> usize {
        let hops = self.quality.look_ahead_frames() + 2;
        hops * self.framing.hop_samples + self.overlap_add.window_samples() / 2
    }

    fn find_hits(&mut self, frame: u64) {
        let mut candidates = [None::<Candidate>; DRUM_COUNT];
        let mut decisions = [None::<Decision>; DRUM_COUNT];
        let on_candidate = |found: Candidate| candidates[found.drum.index()] = Some(found);
        let on_decision = |made: Decision| decisions[made.drum.index()] = Some(made);
        if let Some(script) = &mut self.script {
            script.step(frame, on_candidate, on_decision);
        } else {
            let activations = self.session.onset();
            let classes = &self.picker_classes;
            self.picker
                .step(frame, activations, classes, on_candidate, on_decision);
        }
        for decision in decisions.into_iter().flatten() {
            self.decide(decision);
        }
        if candidates.iter().any(Option::is_some) {
            self.start(frame, &candidates);
        }
        self.presence.step();
    }

    /// Adds the candidates of one frame to the additive model.
    fn start(&mut self, frame: u64, candidates: &[Option<Candidate>; DRUM_COUNT]) {
        let hop = self.framing.hop_samples;
        let back = (self.quality.look_ahead_frames() + 2) * hop;
        let [left, right] = &self.history;
        let offset = self.locator.locate([left, right], left.len() - back);
        let centre = self.framing.centre_of(frame);
        let located = (centre + i64::from(offset)).max(0) as u64;
        let onset_of = |drum| {
            let known = self
                .script
                .as_ref()
                .and_then(|script| script.onset_of(drum));
            known.unwrap_or(located)
        };
        let mut onsets = [located; DRUM_COUNT];
        let mut hits = [FitCandidate {
            drum: Drum::Kick,
            onset_frame: 0.0,
            posterior: 0.0,
            trusted: false,
        }; DRUM_COUNT];
        let mut count = 0;
        for candidate in candidates.iter().flatten() {
            let class = &self.picker_classes[candidate.drum.index()];
            onsets[count] = onset_of(candidate.drum);
            hits[count].drum = candidate.drum;
            hits[count].onset_frame = onsets[count] as f64 / hop as f64 + 1.0;
            hits[count].posterior = candidate.activation;
            hits[count].trusted = candidate.activation >= class.strict_threshold;
            count += 1;
        }
        let mut amplitudes = [0.0; DRUM_COUNT];
        self.explainer.begin(frame, &hits[..count], &mut amplitudes);
        let made_until = self.made_until().unwrap_or(0);
        let fitted = hits[..count].iter().zip(&amplitudes).zip(&onsets);
        for ((hit, &amplitude), &onset_sample) in fitted {
            self.presence.hit(hit.drum);
            self.attack_gate.hit(
                hit.drum,
                onset_sample,
                made_until,
                self.predicted[hit.drum.index()].iter().sum(),
                amplitude * amplitude * self.explainer.peak_power(hit.drum),
            );
            self.started[hit.drum.index()] = Some(Started {
                frame,
                onset_sample,
                amplitude,
                velocity: self.session.velocity()[hit.drum.index()],
            });
        }
    }

    fn decide(&mut self, decision: Decision) {
        let class = decision.drum.index();
        let centre = self.framing.centre_of(decision.frame).max(0) as u64;
        let started = self.started[class].filter(|started| started.frame == decision.frame);
        let (onset_sample, amplitude, estimate) = started.map_or((centre, 0.0, 0.0), |started| {
            (started.onset_sample, started.amplitude, started.velocity)
        });
        let mut verdict = decision.verdict;
        if verdict == Verdict::Accepted {
            // A drum whose fitted gain is next to nothing beside its own louder
            // hits was hardly played, unless the network is sure.
            let fitted = self.fitted.velocity(decision.drum, amplitude, estimate);
            if decision.confidence < self.picker_classes[class].threshold_of(fitted) {
                verdict = Verdict::BelowThreshold;
            }
        }
        self.decided[class] = Some(Decided {
            onset_sample,
            confidence: decision.confidence,
            estimate,
            verdict,
            is_started: started.is_some(),
        });
    }

    /// Measures the level of the hits that were decided, now that there are
    /// masks for them, and passes them on.
    fn announce(&mut self, now: u64, playback: &mut Playback) {
        for drum in Drum::ALL {
            let Some(decided) = self.decided[drum.index()].take() else {
                continue;
            };
            let (level, level_frames) = self.separated_level(drum, decided.onset_sample);
            let is_accepted = decided.verdict == Verdict::Accepted;
            let mut velocity = decided.estimate.clamp(0.0, 1.0);
            if is_accepted {
                velocity = self.velocities.velocity(drum, level, decided.estimate);
                self.follower.hit();
            }
            if decided.is_started {
                let hit = TapeHit {
                    drum,
                    onset_sample: decided.onset_sample,
                    velocity,
                    confidence: decided.confidence,
                    is_taken: is_accepted && self.controls.learning,
                };
                self.tape.hit(&hit, &mut self.worker);
            }
            let hit = QueuedHit {
                drum,
                onset_sample: decided.onset_sample,
                velocity,
                confidence: decided.confidence,
                level,
                level_frames,
                verdict: decided.verdict,
            };
            playback.queue(hit, now);
        }
    }

    /// Root of the band power around the onset that the newest masks give to
    /// `drum`, and over how many frames that could be measured.
    fn separated_level(&self, drum: Drum, onset_sample: u64) -> (f32, usize) {
        let mask = &self.masks[drum.index()];
        let newest = self.hops - 1;
        let first = self.framing.frame_at(onset_sample) as i64 - PRE_FRAMES as i64;
        let (mut power, mut frames) = (0.0, 0);
        for frame in first..first + LEVEL_FRAMES as i64 {
            if frame > newest as i64 {
                break;
            }
            if let Ok(frame) = u64::try_from(frame) {
                let observed = self.explainer.observed(frame).iter();
                power += observed.zip(mask).map(|(p, m)| p * m * m).sum::<f32>();
            }
            frames += 1;
        }
        (power.sqrt(), frames)
    }

    /// Looks up the kit and takes over a new bank, one template per hop.
    fn follow_kit(&mut self, frame: u64, playback: &mut Playback) {
        let activity = self.session.onset().iter().fold(0.0, |a: f32, &b| a.max(b));
        let new = self.follower.step(
            frame,
            self.session.embedding(),
            activity,
            self.tape.finished(),
            self.controls.learning,
            &mut self.worker,
        );
        if let Some(new) = new {
            self.use_bank(new, playback);
        }
        if let Some(left) = self.stale_templates.checked_sub(1) {
            self.stale_templates = left;
            if let Some(drum) = Drum::from_index(left) {
                self.explainer.set_template(drum, &self.bank);
            }
        }
    }

    fn make_masks(&mut self, frame: u64) {
        self.explainer.predict(frame, &mut self.predicted);
        if self.controls.learning {
            self.explainer.learn(frame, &self.predicted);
        }
        let mut gates = *self.presence.gains();
        for (gate, drum) in gates.iter_mut().zip(&self.controls.drums) {
            if !drum.enabled {
                *gate = 0.0;
            }
        }
        combine_masks(
            &self.predicted,
            self.explainer.observed(frame),
            self.session.mask(),
            &gates,
            self.controls.mask_exponent,
            self.learned_weight,
            &mut self.masks,
        );
    }

    fn analyse(&mut self) {
        let back = self.frame_back_samples();
        let window = self.overlap_add.window_samples();
        let [left, right] = &self.history;
        let start = left.len() - back;
        let frame = [&left[start..start + window], &right[start..start + window]];
        self.overlap_add.analyse(frame);
    }

    /// First sample of the hop that is being made; none while that lies before
    /// the stream.
    fn made_until(&self) -> Option<u64> {
        let heard = self.hops * self.framing.hop_samples as u64;
        heard.checked_sub(self.frame_back_samples() as u64)
    }

    fn synthesise(&mut self, drums: std::ops::Range<usize>) {
        let made_until = self.made_until();
        for drum in drums {
            self.overlap_add
                .synthesise(drum, &self.masks[drum], &mut self.making[drum]);
            if let Some(first) = made_until {
                self.attack_gate.apply(drum, first, &mut self.making[drum]);
            }
        }
    }

    /// Keeps the separated hop for the learner.
    fn record(&mut self) {
        let end = (self.hops * self.framing.hop_samples as u64) as i64;
        let start = end - self.frame_back_samples() as i64;
        let stems = &self.making[..DRUM_COUNT];
        self.tape
            .hop(start, stems, &self.masks[..DRUM_COUNT], &mut self.worker);
    }

    /// The residual is what the classes leave of the input: the stems add up
    /// to it whatever the masks are.
    fn take_residual(&mut self) {
        let back = self.frame_back_samples();
        let (drums, residual) = self.making.split_at_mut(RESIDUAL);
        for (channel, residual) in residual[0].iter_mut().enumerate() {
            let history = &self.history[channel];
            let start = history.len() - back;
            residual.copy_from_slice(&history[start..start + self.framing.hop_samples]);
            for drum in drums.iter() {
                for (rest, sample) in residual.iter_mut().zip(&drum[channel]) {
                    *rest -= sample;
                }
            }
        }
    }

    /// No classes, the input in the residual.
    fn pass_on(&mut self) {
        for channel in self.making[..DRUM_COUNT].iter_mut().flatten() {
            channel.fill(0.0);
        }
        self.take_residual();
    }
}
