//! When to ask for a new bank, and when it takes effect.
//!
//! The moment a bank takes effect is fixed in samples when it is asked for, so
//! that every run over the same input gives the same output. In real time the
//! worker is done long before; if it is late, only learning is delayed. Where
//! nobody listens (an export), the follower waits for it.

use std::sync::Arc;

use super::{
    BankWorker,
    bank_worker::{PATIENCE, Reply},
};
use crate::{model::MAX_EMBEDDING, one_shots::Bank};

/// Time between asking and taking effect.
const HAND_OVER_S: f64 = 1.0;
/// Hits after which the kit is looked up, then again.
const ASK_AFTER_HITS: [u32; 3] = [4, 16, 64];
/// Shortest time between two banks for what was learnt of hits.
const REST_S: f64 = 2.0;
/// Growth of the number of takes that is worth a new bank.
const GROWTH: u64 = 8;
/// The number of takes beyond which growth is that of this many: a kit that changes late in a
/// session is to be heard too.
const MOST_TAKES: u64 = 512;
/// Time constant of the embedding's mean.
const MEAN_S: f64 = 20.0;

#[derive(Debug, Clone, Copy)]
struct Pending {
    ticket: u64,
    due_frame: u64,
    /// Whether the worker was waited for in vain: once is enough.
    is_given_up: bool,
    /// Whether it is that of a kit that was loaded.
    is_loaded: bool,
}

/// A bank that takes effect.
#[derive(Debug)]
pub struct NewBank {
    /// The bank.
    pub bank: Arc<Bank>,
    /// Whether the model's own sounds have changed too.
    pub has_new_prior: bool,
    /// Whether it is that of a kit that was loaded.
    pub is_loaded: bool,
}

/// Follows embedding and takes, and asks for banks.
#[derive(Debug)]
pub struct BankFollower {
    frames_per_second: f64,
    mean: [f32; MAX_EMBEDDING],
    weight: f32,
    hits: u32,
    lookups: usize,
    /// Whether the kit was looked up and its bank is still to be asked for.
    is_looked_up: bool,
    ticket: u64,
    pending: Option<Pending>,
    /// Whether a kit was loaded whose bank has not been asked for.
    is_loaded: bool,
    has_new_prior: bool,
    answered: bool,
    /// The newest bank that is not in use, and its ticket.
    early: Option<(u64, Arc<Bank>)>,
    /// Replies to tickets below this one count no more.
    valid_from: u64,
    /// Takes that were sent before the last request.
    takes: u64,
    /// Takes of which nothing is known any more.
    forgotten: u64,
    /// All that were sent.
    sent: u64,
    rested_at: u64,
}

impl BankFollower {
    /// A follower for frames `hop_s` apart.
    pub fn new(hop_s: f64) -> BankFollower {
        BankFollower {
            frames_per_second: 1.0 / hop_s,
            mean: [0.0; MAX_EMBEDDING],
            weight: 0.0,
            hits: 0,
            lookups: 0,
            is_looked_up: false,
            ticket: 0,
            pending: None,
            is_loaded: false,
            has_new_prior: false,
            answered: false,
            early: None,
            valid_from: 0,
            takes: 0,
            forgotten: 0,
            sent: 0,
            rested_at: 0,
        }
    }

    /// Forgets the embedding; what was asked for is asked for again. Real-time
    /// safe.
    pub fn reset(&mut self) {
        self.mean = [0.0; MAX_EMBEDDING];
        self.weight = 0.0;
        self.hits = 0;
        self.lookups = 0;
        self.is_looked_up = false;
        self.rewind();
        // When banks are asked for from now on depends on what comes from now on alone, so that
        // renders one after the other are the same.
        (self.forgotten, self.takes) = (self.sent, self.sent);
        self.has_new_prior = false;
    }

    /// Asks again for what was asked for, because frames are counted anew.
    /// Real-time safe.
    pub fn rewind(&mut self) {
        self.hold();
        self.rested_at = 0;
    }

    /// Lets no bank take effect until one is asked for again. Real-time safe.
    pub fn hold(&mut self) {
        if let Some(pending) = self.pending.take() {
            self.is_loaded |= pending.is_loaded;
            // The bank may be on its way. It is newer than the one in use, so
            // it is kept until the next reply is due.
            self.takes = 0;
        }
    }

    /// Lets the worker forget what was learnt, and forgets all banks that are
    /// on their way. Real-time safe.
    pub fn forget(&mut self, worker: &mut BankWorker) {
        self.reset();
        self.is_loaded = false;
        if let Some((_, bank)) = self.early.take() {
            worker.retire(bank);
        }
        let ticket = self.next_ticket();
        self.valid_from = ticket;
        worker.forget(ticket);
        worker.shelf().take_effect(ticket);
    }

    /// The worker has been given a kit: its bank takes effect as soon as it can, whether
    /// or not more is learnt. Real-time safe.
    pub fn kit_is_loaded(&mut self) {
        self.is_loaded = true;
    }

    /// Counts an accepted hit. Real-time safe.
    pub fn hit(&mut self) {
        self.hits = self.hits.saturating_add(1);
    }

    fn next_ticket(&mut self) -> u64 {
        self.ticket += 1;
        self.ticket
    }

    /// Takes the embedding of frame `frame`, weighted by `activity` (between 0
    /// and 1; none in silence, of which there is none), and the number of takes that were sent, and returns a bank that
    /// takes effect now. Real-time safe; waits only while
    /// [`BankWorker::may_wait`].
    pub fn step(
        &mut self,
        frame: u64,
        embedding: &[f32],
        activity: Option<f32>,
        takes: u64,
        learning: bool,
        worker: &mut BankWorker,
    ) -> Option<NewBank> {
        if let Some(activity) = activity {
            self.hear(embedding, activity.clamp(0.0, 1.0));
        }
        self.sent = takes;
        if (learning || self.is_loaded) && self.pending.is_none() {
            self.ask(frame, embedding.len(), takes, worker);
        }
        let mut pending = self.pending?;
        let mut answered = self.collect(pending, worker);
        if frame < pending.due_frame {
            return None;
        }
        if !answered && !pending.is_given_up {
            let asked = worker.now();
            while !answered && !worker.is_gone() && worker.may_wait() {
                if worker.now().duration_since(asked) >= PATIENCE {
                    pending.is_given_up = true;
                    break;
                }
                worker.wake();
                answered = self.collect(pending, worker);
            }
        }
        let is_over = answered || worker.is_gone();
        self.pending = (!is_over).then_some(pending);
        if is_over {
            self.take_early(pending.is_loaded, worker)
        } else {
            None
        }
    }

    fn hear(&mut self, embedding: &[f32], weight: f32) {
        let keep = 1.0 - (1.0 / (MEAN_S * self.frames_per_second)) as f32;
        self.weight = self.weight * keep + weight;
        if weight > 0.0 {
            let share = weight / self.weight;
            for (mean, value) in self.mean.iter_mut().zip(embedding) {
                *mean += share * (value - *mean);
            }
        }
    }

    /// The newest bank that came, which takes effect now.
    fn take_early(&mut self, is_loaded: bool, worker: &BankWorker) -> Option<NewBank> {
        let (ticket, bank) = self.early.take()?;
        worker.shelf().take_effect(ticket);
        Some(NewBank {
            bank,
            has_new_prior: std::mem::take(&mut self.has_new_prior),
            is_loaded,
        })
    }

    /// Asks for a bank if there is reason to.
    fn ask(&mut self, frame: u64, length: usize, takes: u64, worker: &mut BankWorker) {
        let look_up = !self.is_loaded
            && ASK_AFTER_HITS
                .get(self.lookups)
                .is_some_and(|&after| self.hits >= after);
        let fresh = takes.saturating_sub(self.takes);
        let rested = frame >= self.rested_at + (REST_S * self.frames_per_second) as u64;
        let is_due = look_up || self.is_loaded;
        let known = takes.saturating_sub(self.forgotten).min(MOST_TAKES);
        if !is_due && (!rested || fresh == 0 || fresh * GROWTH < known) {
            return;
        }
        let length = length.min(MAX_EMBEDDING);
        // What finds no room now is asked for with the next frame.
        if look_up && !self.is_looked_up {
            if !worker.ask_prior(&self.mean[..length]) {
                return;
            }
            self.is_looked_up = true;
        }
        let ticket = self.next_ticket();
        if worker.ask_bank(ticket) {
            self.lookups += usize::from(look_up);
            self.is_looked_up = false;
            self.takes = takes;
            self.rested_at = frame;
            self.answered = false;
            self.has_new_prior |= is_due;
            self.pending = Some(Pending {
                ticket,
                due_frame: frame + (HAND_OVER_S * self.frames_per_second) as u64,
                is_given_up: false,
                is_loaded: std::mem::take(&mut self.is_loaded),
            });
        }
    }

    /// Takes replies; true once the one to `pending` is there.
    fn collect(&mut self, pending: Pending, worker: &mut BankWorker) -> bool {
        while let Some(reply) = worker.reply() {
            self.answered |= reply.ticket == pending.ticket;
            self.keep(reply, worker);
        }
        self.answered
    }

    /// Keeps the newest bank.
    fn keep(&mut self, reply: Reply, worker: &mut BankWorker) {
        let Some(bank) = reply.bank else { return };
        let surplus = if reply.ticket < self.valid_from {
            Some(bank)
        } else {
            let surplus = self.early.replace((reply.ticket, bank));
            surplus.map(|(_, bank)| bank)
        };
        if let Some(bank) = surplus {
            worker.retire(bank);
        }
    }

    /// Asks for the bank of everything sent so far and waits for it. Not
    /// real-time safe: for changes while nothing plays. `is_loaded` says whether it is that
    /// of a kit that was loaded.
    pub fn wait_for_bank(&mut self, is_loaded: bool, worker: &mut BankWorker) -> Option<NewBank> {
        self.pending = None;
        let ticket = self.next_ticket();
        if !worker.ask_bank(ticket) {
            return None;
        }
        let asked = worker.now();
        while !worker.is_gone() && worker.now().duration_since(asked) < PATIENCE {
            let Some(reply) = worker.reply() else {
                worker.wake();
                continue;
            };
            let is_last = reply.ticket == ticket;
            self.keep(reply, worker);
            if is_last {
                break;
            }
        }
        self.take_early(is_loaded, worker)
    }
}

#[cfg(test)]
mod tests;
