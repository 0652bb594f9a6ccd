//! The thread that turns an embedding into a bank.
//!
//! The audio thread asks and is answered through wait-free rings; banks that
//! are no longer played come back the same way and are freed here.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rtrb::{Consumer, Producer, RingBuffer};

use crate::{
    engine::EngineError,
    model::{Model, OneShotNetwork},
    one_shots::{Bank, OneShot},
};

/// Longest embedding that can be handed over.
pub const MAX_EMBEDDING: usize = 256;

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

struct Request {
    ticket: u64,
    length: usize,
    embedding: [f32; MAX_EMBEDDING],
}

/// Answer to a request.
#[derive(Debug)]
pub struct Reply {
    /// Ticket of the request.
    pub ticket: u64,
    /// The bank, or none if the network failed.
    pub bank: Option<Arc<Bank>>,
}

/// Handle of the audio thread to its worker.
#[derive(Debug)]
pub struct BankWorker {
    requests: Producer<Request>,
    replies: Consumer<Reply>,
    retired: Producer<Arc<Bank>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("ticket", &self.ticket)
            .finish_non_exhaustive()
    }
}

impl BankWorker {
    /// Starts the thread. Allocates.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn start(
        network: OneShotNetwork,
        model: &Model,
        sample_rate_hz: f64,
    ) -> Result<BankWorker, EngineError> {
        let (requests, mut inbox) = RingBuffer::<Request>::new(4);
        let (mut outbox, replies) = RingBuffer::<Reply>::new(4);
        let (retired, mut bin) = RingBuffer::<Arc<Bank>>::new(16);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let one_shot_rate_hz = f64::from(model.meta().one_shots.sample_rate_hz);
        let thread = thread::Builder::new()
            .name("idm one-shots".into())
            .spawn(move || {
                while !stopped.load(Ordering::Acquire) {
                    while bin.pop().is_ok() {}
                    while let Ok(request) = inbox.pop() {
                        let embedding = &request.embedding[..request.length];
                        // A failure leaves the kit as it is: nothing is lost.
                        let bank = bank_for(&network, one_shot_rate_hz, embedding, sample_rate_hz)
                            .ok()
                            .map(Arc::new);
                        let ticket = request.ticket;
                        if outbox.push(Reply { ticket, bank }).is_err() {
                            return;
                        }
                    }
                    thread::park_timeout(POLL);
                }
            })
            .map_err(|error| EngineError::Thread {
                reason: error.to_string(),
            })?;
        Ok(BankWorker {
            requests,
            replies,
            retired,
            stop,
            thread: Some(thread),
        })
    }

    /// Asks for the bank of `embedding`; the reply carries `ticket`. Returns
    /// false if too many requests wait. Real-time safe.
    pub fn ask(&mut self, ticket: u64, embedding: &[f32]) -> bool {
        let length = embedding.len().min(MAX_EMBEDDING);
        let mut request = Request {
            ticket,
            length,
            embedding: [0.0; MAX_EMBEDDING],
        };
        request.embedding[..length].copy_from_slice(&embedding[..length]);
        self.requests.push(request).is_ok()
    }

    /// The next reply. Real-time safe.
    pub fn reply(&mut self) -> Option<Reply> {
        self.replies.pop().ok()
    }

    /// Whether the worker is gone and no reply will come. Real-time safe.
    pub fn is_gone(&self) -> bool {
        self.replies.is_abandoned()
    }

    /// Hands `bank` over to be freed on the worker. Real-time safe.
    pub fn retire(&mut self, bank: Arc<Bank>) {
        if let Err(rtrb::PushError::Full(bank)) = self.retired.push(bank) {
            // Sixteen banks in 15 ms cannot happen; leaking one is the lesser
            // evil than freeing megabytes here.
            std::mem::forget(bank);
        }
    }
}

impl Drop for BankWorker {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // The worker never panics across this border; if it did, there is
            // nothing left to save.
            let _ = thread.join();
        }
    }
}
