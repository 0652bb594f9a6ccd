//! The work of one hop: features, network, hits, masks, signals.

mod hits;
mod kit;
mod masks;
mod rise;
mod settings;
mod signals;
mod weighing;

use std::sync::Arc;

use crate::{
    controls::{Controls, Quality},
    drum::{DRUM_COUNT, STEM_COUNT},
    error::EngineError,
    experiment::{Experiment, MaskSource},
    front_end::{BAND_COUNT, FeatureFrame, Framing, FrontEnd, LevelFollower, band_centre_hz},
    learner::{BankFollower, BankWorker, Tape, bank_for},
    model::{Model, Session},
    one_shots::Bank,
    playback::Playback,
    separator::{
        AttackGate, BandMasks, EarlierShares, Explainer, Isolation, LevelGuard, LevelMeter,
        OverlapAdd, Panorama, Prediction, Presence, Repeats, Tails,
    },
    sliding::SlidingWindow,
    transcriber::{
        GivenHits, Judge, OnsetLocator, PeakPicker, PickerClass, RelativeLevel, RemovedHits,
        Renamed, Rhythm, Taught, VelocityScale,
    },
};
use hits::{Decided, Started};
use weighing::AcceptedHats;

/// Equal parts of the network's work: two in each of the first stages, but one in the
/// fourth, because what hits cost comes next.
const NETWORK_PARTS: usize = 7;
/// Level below which input counts as digital silence: −140 dBFS.
const SILENCE: f32 = 1e-7;
/// Silence after which work stops.
const SILENT_HOPS: u64 = 350;

/// State of all per-hop work.
#[derive(Debug)]
pub struct HopWork {
    framing: Framing,
    quality: Quality,
    /// The last [`HopWork::history_hops`] hops of input.
    history: [SlidingWindow; 2],
    /// Hops begun since the last reset.
    hops: u64,
    silent_hops: u64,
    controls: Controls,
    thresholds: crate::model::Thresholds,
    picker_classes: [PickerClass; DRUM_COUNT],
    front_end: FrontEnd,
    /// Bands below half the sample rate.
    heard_bands: usize,
    level: LevelFollower,
    features: FeatureFrame,
    session: Session,
    /// What it says, with the user's names.
    words: Renamed,
    picker: PeakPicker,
    /// Hits in place of the picker's, or besides.
    given: GivenHits,
    /// Where the picker is not believed.
    removed: RemovedHits,
    mask_source: MaskSource,
    judge: Judge,
    rhythm: Rhythm,
    taught: Taught,
    /// First frame in which the engine listens although hits are given.
    heard_from: u64,
    /// Sample from which on its hits count then.
    heard_from_sample: u64,
    locator: OnsetLocator,
    /// For hits that were placed by eye.
    place_locator: OnsetLocator,
    /// Scale of fitted gains, which tell whether a drum is needed at all.
    fitted: RelativeLevel,
    /// How loud hits are, and the scale that makes velocities of it.
    meter: LevelMeter,
    guard: LevelGuard,
    velocities: VelocityScale,
    explainer: Explainer,
    presence: Presence,
    tails: Tails,
    attack_gate: AttackGate,
    earlier: EarlierShares,
    started: [Option<Started>; DRUM_COUNT],
    decided: [Option<Decided>; DRUM_COUNT],
    hats: AcceptedHats,
    worker: BankWorker,
    follower: BankFollower,
    tape: Tape,
    first_bank: Arc<Bank>,
    bank: Arc<Bank>,
    /// The kit with which all begins at the next reset.
    beginning: Arc<Bank>,
    /// Whether something was heard since the last reset while somebody listened.
    is_heard_live: bool,
    /// Drums that began with what the kit knows of them.
    from_kit: [bool; DRUM_COUNT],
    /// Drums whose template still has to be taken from `bank`.
    stale_templates: [bool; DRUM_COUNT],
    prediction: Prediction,
    /// As heard.
    masks: Box<BandMasks>,
    /// Of what is left where drums were predicted.
    rest: Box<BandMasks>,
    /// As played, if others.
    isolation: Isolation,
    overlap_add: OverlapAdd,
    panorama: Panorama,
    /// Whether the panorama is used.
    hears_places: bool,
    repeats: Repeats,
    /// Sounds of a frozen kit that they have not been told yet.
    unknown_repeats: usize,
    /// Whether they are used.
    hears_repeats: bool,
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
        let embedding = vec![0.0; meta.one_shots.embedding];
        let one_shot_rate_hz = f64::from(meta.one_shots.sample_rate_hz);
        let bank = match experiment.bank {
            Some(bank) => bank,
            None => Arc::new(bank_for(&network, one_shot_rate_hz, &embedding, rate)?),
        };
        let worker = BankWorker::start(network, model, &framing, bank.clone())?;
        let overlap_add = OverlapAdd::new(rate, hop, quality.window_hops());
        let stems = || {
            (0..STEM_COUNT)
                .map(|_| [vec![0.0; hop], vec![0.0; hop]])
                .collect::<Vec<_>>()
        };
        let history = |turn| SlidingWindow::new(Self::history_hops(quality) * hop, hop, turn);
        let controls = Controls::default();
        let mut work = HopWork {
            framing,
            quality,
            history: [history(9), history(10)],
            hops: 0,
            silent_hops: 0,
            controls,
            thresholds: *meta.thresholds_of(quality),
            picker_classes: [PickerClass {
                recall_threshold: 0.5,
                strict_threshold: 0.5,
                min_gap_frames: 0.0,
                enabled: true,
            }; DRUM_COUNT],
            front_end: FrontEnd::new(framing),
            heard_bands: (0..BAND_COUNT)
                .take_while(|&band| band_centre_hz(band as f64) < 0.5 * framing.sample_rate_hz)
                .count(),
            level: LevelFollower::new(hop_s),
            features: FeatureFrame::default(),
            session: model.session(quality),
            words: Renamed::new(
                &meta.thresholds_of(quality).strict,
                model.plan().has_mask(quality),
            ),
            picker: PeakPicker::default(),
            given: GivenHits::new(framing),
            removed: RemovedHits::new(framing),
            mask_source: experiment.masks,
            judge: Judge::new(rate, meta.evidence_of(quality).copied()),
            rhythm: Rhythm::new(hop_s),
            taught: Taught::new(&meta.thresholds_of(quality).strict),
            heard_from: u64::MAX,
            heard_from_sample: 0,
            locator: OnsetLocator::new(rate, hop),
            place_locator: OnsetLocator::for_places(rate, hop),
            fitted: RelativeLevel::default(),
            meter: LevelMeter::default(),
            guard: LevelGuard::default(),
            velocities: VelocityScale::default(),
            explainer: Explainer::new(&bank),
            presence: Presence::new(hop_s),
            tails: Tails::new(hop_s),
            attack_gate: AttackGate::new(rate, overlap_add.window_samples()),
            earlier: EarlierShares::new(hop, quality.window_hops()),
            started: [None; DRUM_COUNT],
            decided: [None; DRUM_COUNT],
            hats: [None; 2],
            worker,
            follower: BankFollower::new(hop_s),
            tape: Tape::new(&framing, overlap_add.window_samples() / 2),
            first_bank: bank.clone(),
            beginning: bank.clone(),
            bank,
            is_heard_live: false,
            from_kit: [false; DRUM_COUNT],
            stale_templates: [false; DRUM_COUNT],
            prediction: Prediction::default(),
            masks: Box::new([[0.0; BAND_COUNT]; STEM_COUNT]),
            rest: Box::new([[0.0; BAND_COUNT]; STEM_COUNT]),
            isolation: Isolation::default(),
            panorama: Panorama::new(overlap_add.window_samples() / 2 + 1),
            hears_places: !experiment.one_mask,
            repeats: Repeats::new(
                &framing,
                &overlap_add,
                quality.window_back_hops() * hop,
                (quality.decision_hops() - 1) * hop,
            ),
            unknown_repeats: 0,
            hears_repeats: !experiment.masks_only && experiment.masks == MaskSource::Both,
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

    /// Forgets the input and what the masks have learnt; the kit stays, and they begin with it
    /// as it was when somebody last listened, or when it was loaded or frozen.
    /// Real-time safe.
    pub fn reset(&mut self) {
        self.rewind();
        self.session.reset();
        self.explainer.forget();
        // Exports repeat: what they teach is known after the next that is listened to.
        if std::mem::take(&mut self.is_heard_live) {
            self.take_beginning();
        }
        self.begin_with_kit();
        self.begin_templates();
        self.follower.reset();
    }

    /// Forgets the input but keeps the kit, and how the recording sounds. Real-time safe.
    pub fn rewind(&mut self) {
        for channel in &mut self.history {
            channel.fill(0.0);
        }
        self.hops = 0;
        self.silent_hops = 0;
        self.level.reset();
        self.session.rewind();
        self.picker = PeakPicker::default();
        self.given.clear();
        self.removed.clear();
        self.judge.rewind();
        self.rhythm.forget();
        self.taught.rewind();
        self.fitted = RelativeLevel::default();
        self.meter.reset();
        self.guard.reset();
        self.velocities = VelocityScale::default();
        self.forget_sounding();
        self.attack_gate.reset();
        self.earlier.reset();
        self.started = [None; DRUM_COUNT];
        self.decided = [None; DRUM_COUNT];
        self.hats = [None; 2];
        self.overlap_add.reset();
        self.tape.reset(&mut self.worker);
        self.follower.rewind();
        self.worker.reset_pace();
        for channel in self.making.iter_mut().chain(&mut self.playing).flatten() {
            channel.fill(0.0);
        }
    }

    /// Nothing rings on in the additive model: also not in its last prediction,
    /// which the attack gate asks.
    fn forget_sounding(&mut self) {
        self.explainer.reset();
        self.prediction.clear();
        self.presence.reset();
        self.tails.reset();
        self.repeats.rewind();
    }

    /// Takes a complete hop of input; the stems made so far are played now.
    /// Real-time safe.
    pub fn begin_hop(&mut self, incoming: &[Vec<f32>; 2]) {
        std::mem::swap(&mut self.making, &mut self.playing);
        let mut peak = 0.0_f32;
        for (history, new) in self.history.iter_mut().zip(incoming) {
            history.push(new);
            peak = new.iter().fold(peak, |peak, sample| peak.max(sample.abs()));
        }
        self.hops += 1;
        self.worker.hop();
        if peak <= SILENCE {
            self.silent_hops += 1;
            if self.silent_hops == SILENT_HOPS {
                self.forget_sounding();
                self.overlap_add.reset();
                self.tape.end_all(&mut self.worker);
            }
        } else {
            self.silent_hops = 0;
            self.is_heard_live |= !self.worker.is_offline();
            self.level.hop(peak);
        }
    }

    /// Does stage `stage` of the last hop's work. Real-time safe.
    pub fn run_stage(&mut self, stage: usize, now: u64, playback: &mut Playback) {
        if self.hops == 0 {
            return;
        }
        if stage == 0 {
            let retired = playback.retry_bank();
            self.retire(retired);
        }
        let newest = self.hops - 1;
        let described = newest.checked_sub(self.quality.look_ahead_frames() as u64);
        if self.silent_hops >= SILENT_HOPS {
            match stage {
                4 => {
                    self.miss_hits(described.unwrap_or(0));
                    // A kit that is loaded now is heard on the pads.
                    self.follow_kit(described.unwrap_or(0), None, playback);
                }
                7 => self.pass_on(),
                _ => {}
            }
            return;
        }
        match stage {
            0 => {
                let long = self.framing.long_window_samples;
                let [left, right] = &self.history;
                let newest_samples = [&left[left.len() - long..], &right[right.len() - long..]];
                let gain = self.level.power_gain();
                self.front_end
                    .analyse_louder(newest_samples, gain, &mut self.features);
                self.explainer.observe(newest, &self.features.power);
                self.session.begin(&self.features.frame, &self.features.low);
                self.run_network(stage);
            }
            1..4 => self.run_network(stage),
            4 => {
                self.begin_repeats();
                if let Some(frame) = described {
                    self.repeats.step(self.frame_start());
                    let (onset, velocity) = (self.session.onset(), self.session.velocity());
                    self.words.take(onset, velocity, self.session.mask());
                    self.find_hits(frame);
                    let onsets = self.session.onset().iter();
                    let activity = onsets.fold(0.0, |most: f32, &onset| most.max(onset));
                    self.follow_kit(frame, Some(activity), playback);
                }
            }
            5 => {
                if let Some(frame) = described {
                    self.analyse();
                    self.make_masks(frame);
                    self.announce(now, playback);
                } else {
                    self.pass_on();
                }
            }
            6 if described.is_some() => self.synthesise(0..4),
            7 => {
                if let Some(frame) = described {
                    self.synthesise(4..DRUM_COUNT);
                    self.give_back(frame);
                    self.take_residual();
                    self.record();
                }
            }
            _ => {}
        }
    }

    /// Lets go of the hits that were given or taken away where nothing can be heard, so
    /// that they leave room for later ones.
    fn miss_hits(&mut self, frame: u64) {
        self.given.miss(frame);
        self.removed.miss(frame);
    }

    fn run_network(&mut self, stage: usize) {
        let last = (2 * stage + 1).min(NETWORK_PARTS - 1);
        self.session.run_stage(last, NETWORK_PARTS);
    }
}

#[cfg(test)]
mod tests;
