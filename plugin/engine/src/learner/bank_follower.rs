//! When to ask for a new bank, and when it takes effect.
//!
//! The moment a bank takes effect is fixed in samples when it is asked for, so
//! that every run over the same input gives the same output. In real time the
//! worker is done long before. When the host runs faster than real time (an
//! export), the follower waits for it; when the worker is late in real time,
//! only learning is delayed.

use std::{
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{BankWorker, MAX_EMBEDDING};
use crate::one_shots::Bank;

/// Time between asking and taking effect.
const HAND_OVER_S: f64 = 1.0;
/// Hits after which the kit is looked up, then again.
const ASK_AFTER_HITS: [u32; 3] = [4, 16, 64];
/// Longest wait in a faster-than-real-time render.
const PATIENCE: Duration = Duration::from_secs(20);
/// Time constant of the embedding's mean.
const MEAN_S: f64 = 20.0;

#[derive(Debug, Clone, Copy)]
struct Pending {
    ticket: u64,
    due_frame: u64,
    asked: Instant,
}

/// Follows the embedding and asks for banks.
#[derive(Debug)]
pub struct BankFollower {
    worker: BankWorker,
    frames_per_second: f64,
    mean: [f32; MAX_EMBEDDING],
    weight: f32,
    hits: u32,
    asked: usize,
    ticket: u64,
    pending: Option<Pending>,
    answered: bool,
    early: Option<Arc<Bank>>,
}

impl BankFollower {
    /// A follower for frames `hop_s` apart. Allocates.
    pub fn new(worker: BankWorker, hop_s: f64) -> BankFollower {
        BankFollower {
            worker,
            frames_per_second: 1.0 / hop_s,
            mean: [0.0; MAX_EMBEDDING],
            weight: 0.0,
            hits: 0,
            asked: 0,
            ticket: 0,
            pending: None,
            answered: false,
            early: None,
        }
    }

    /// Forgets the embedding and what was asked. Real-time safe.
    pub fn reset(&mut self) {
        self.mean = [0.0; MAX_EMBEDDING];
        self.weight = 0.0;
        self.hits = 0;
        self.asked = 0;
        self.pending = None;
        if let Some(bank) = self.early.take() {
            self.worker.retire(bank);
        }
    }

    /// Counts an accepted hit. Real-time safe.
    pub fn hit(&mut self) {
        self.hits = self.hits.saturating_add(1);
    }

    /// Hands a bank over to be freed elsewhere. Real-time safe.
    pub fn retire(&mut self, bank: Arc<Bank>) {
        self.worker.retire(bank);
    }

    /// Takes the embedding of frame `frame`, weighted by `activity` (between 0
    /// and 1), and returns a bank that takes effect now. Real-time safe at
    /// real time; waits when the host is faster.
    pub fn step(
        &mut self,
        frame: u64,
        embedding: &[f32],
        activity: f32,
        learning: bool,
    ) -> Option<Arc<Bank>> {
        let keep = 1.0 - (1.0 / (MEAN_S * self.frames_per_second)) as f32;
        let weight = activity.clamp(0.0, 1.0);
        self.weight = self.weight * keep + weight;
        if weight > 0.0 {
            let share = weight / self.weight;
            for (mean, value) in self.mean.iter_mut().zip(embedding) {
                *mean += share * (value - *mean);
            }
        }
        let wanted = ASK_AFTER_HITS
            .get(self.asked)
            .is_some_and(|&after| self.hits >= after);
        if learning && wanted && self.pending.is_none() {
            self.asked += 1;
            self.ticket += 1;
            let length = embedding.len().min(MAX_EMBEDDING);
            if self.worker.ask(self.ticket, &self.mean[..length]) {
                self.answered = false;
                self.pending = Some(Pending {
                    ticket: self.ticket,
                    due_frame: frame + (HAND_OVER_S * self.frames_per_second) as u64,
                    asked: Instant::now(),
                });
            }
        }
        let pending = self.pending?;
        let mut answered = self.collect(pending);
        if frame < pending.due_frame {
            return None;
        }
        let faster_than_real_time = pending.asked.elapsed().as_secs_f64() < HAND_OVER_S;
        while faster_than_real_time
            && !answered
            && !self.worker.is_gone()
            && pending.asked.elapsed() < PATIENCE
        {
            thread::yield_now();
            answered = self.collect(pending);
        }
        if answered || self.worker.is_gone() {
            self.pending = None;
        }
        self.early.take()
    }

    /// Takes replies; true once the one to `pending` is there.
    fn collect(&mut self, pending: Pending) -> bool {
        while let Some(reply) = self.worker.reply() {
            let awaited = reply.ticket == pending.ticket;
            self.answered |= awaited;
            match reply.bank {
                Some(bank) if awaited => self.early = Some(bank),
                Some(bank) => self.worker.retire(bank),
                None => {}
            }
        }
        self.answered
    }
}
