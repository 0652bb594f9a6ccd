//! The thread that learns: banks from embeddings, one-shots from takes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    Take, WaveformLearner,
    bank_worker::{Reply, Request, WorkerEnds},
};
use crate::{
    drum::DRUM_COUNT,
    error::EngineError,
    front_end::{BAND_COUNT, Framing},
    model::OneShotNetwork,
    one_shots::{Bank, OneShot},
};

/// How often the worker looks for a request; the audio thread must not wake
/// it, which would be a system call.
const POLL: Duration = Duration::from_millis(15);

/// Runs the one-shot network and prepares the bank for `sample_rate_hz`.
/// Allocates and takes a while.
///
/// # Errors
/// A network that cannot be run or makes sounds that are refused.
pub fn bank_for(
    network: &OneShotNetwork,
    one_shot_rate_hz: f64,
    embedding: &[f32],
    sample_rate_hz: f64,
) -> Result<Bank, EngineError> {
    let sounds = network.run(embedding)?;
    let mut one_shots = Vec::with_capacity(sounds.len());
    for (index, samples) in sounds.into_iter().enumerate() {
        let one_shot = OneShot::new(one_shot_rate_hz, vec![samples])
            .map_err(|source| EngineError::OneShot { index, source })?;
        one_shots.push(one_shot);
    }
    Ok(Bank::new(&one_shots, sample_rate_hz)?)
}

/// Everything that lives on the worker.
#[derive(Debug)]
pub struct WorkerLoop {
    ends: WorkerEnds,
    network: OneShotNetwork,
    one_shot_rate_hz: f64,
    hop_samples: usize,
    sample_rate_hz: f64,
    first_bank: Arc<Bank>,
    learner: WaveformLearner,
    takes: [Option<Take>; DRUM_COUNT],
}

impl WorkerLoop {
    /// A worker between rings. Allocates.
    ///
    /// # Errors
    /// An unsupported sample rate.
    pub fn new(
        ends: WorkerEnds,
        network: OneShotNetwork,
        one_shot_rate_hz: f64,
        framing: &Framing,
        first_bank: Arc<Bank>,
    ) -> Result<WorkerLoop, EngineError> {
        Ok(WorkerLoop {
            ends,
            network,
            one_shot_rate_hz,
            hop_samples: framing.hop_samples,
            sample_rate_hz: framing.sample_rate_hz,
            learner: WaveformLearner::new(framing.sample_rate_hz, first_bank.clone())?,
            first_bank,
            takes: Default::default(),
        })
    }

    /// Works until `stop` is set or the audio side is gone.
    pub fn run(mut self, stop: &AtomicBool) {
        while !stop.load(Ordering::Acquire) {
            while self.ends.retired.pop().is_ok() {}
            if !self.ends.requests.is_empty() {
                let started = Instant::now();
                while let Ok(request) = self.ends.requests.pop() {
                    if !self.handle(request) || stop.load(Ordering::Acquire) {
                        return;
                    }
                }
                self.ends.shelf.add_busy(started.elapsed());
            }
            thread::park_timeout(POLL);
        }
    }

    /// Does what is asked; false if nobody listens any more.
    fn handle(&mut self, request: Request) -> bool {
        match request {
            Request::Prior(values) => {
                let embedding = self.contents(values);
                if let Some(bank) = self.prior(&embedding) {
                    self.learner.set_prior(bank, &embedding);
                }
            }
            Request::Bank(ticket) => {
                let bank = self.learner.bank();
                if bank.is_some() {
                    self.ends.shelf.put(ticket, self.learner.kit());
                }
                return self.ends.replies.push(Reply { ticket, bank }).is_ok();
            }
            Request::TakeStart(start) => {
                let class = start.drum.index();
                self.takes[class] = Some(Take::new(start, self.hop_samples));
            }
            Request::TakeHop(drum) => {
                let hop = self.hop_samples;
                let values = self.contents(2 * hop + BAND_COUNT);
                if let Some(take) = &mut self.takes[drum.index()]
                    && let Some((left, rest)) = values.split_at_checked(hop)
                    && let Some((right, mask)) = rest.split_at_checked(hop)
                    && let Some(mask) = mask.first_chunk()
                {
                    take.channels[0].extend_from_slice(left);
                    take.channels[1].extend_from_slice(right);
                    take.masks.push(*mask);
                }
            }
            Request::TakeEnd(drum, samples) => {
                if let Some(mut take) = self.takes[drum.index()].take() {
                    for channel in &mut take.channels {
                        channel.truncate(samples as usize);
                    }
                    self.learner.add(&take);
                }
            }
            Request::TakeDrop(drum) => self.takes[drum.index()] = None,
            Request::Forget(ticket) => {
                self.learner.forget(self.first_bank.clone());
                self.ends.shelf.put(ticket, self.learner.kit());
                self.takes = Default::default();
            }
            Request::HearAgain => self.learner.hear_again(),
            Request::Restore(kit) => {
                let prior = if kit.embedding.is_empty() {
                    None
                } else {
                    self.prior(&kit.embedding)
                };
                let prior = prior.unwrap_or_else(|| self.first_bank.clone());
                self.learner.restore(&kit, prior);
            }
        }
        true
    }

    /// The model's bank. A failure leaves the kit as it is: nothing is lost.
    fn prior(&self, embedding: &[f32]) -> Option<Arc<Bank>> {
        let rate_hz = self.sample_rate_hz;
        bank_for(&self.network, self.one_shot_rate_hz, embedding, rate_hz)
            .ok()
            .map(Arc::new)
    }

    /// Contents that were written before their request.
    fn contents(&mut self, values: usize) -> Vec<f32> {
        let mut contents = Vec::with_capacity(values);
        if let Ok(chunk) = self.ends.contents.read_chunk(values) {
            contents.extend(chunk);
        }
        contents
    }
}
