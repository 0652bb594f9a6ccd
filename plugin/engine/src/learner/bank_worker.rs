//! The audio thread's handle to the thread that learns.
//!
//! Requests travel through one wait-free ring, in order, and long contents
//! (sound, masks, embeddings) through a second one beside it, so that the
//! state of the worker at a request depends only on the requests before.
//! Banks that are no longer played come back and are freed by the worker.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rtrb::{Consumer, Producer, RingBuffer};

use super::{KitShelf, LearntKit, Pace, TakeStart, worker_loop::WorkerLoop};
use crate::{
    drum::{DRUM_COUNT, Drum},
    error::EngineError,
    front_end::{BAND_COUNT, Framing},
    model::{MAX_EMBEDDING, Model, OneShotNetwork},
    one_shots::Bank,
};

/// Requests that may wait.
const REQUESTS: usize = 8_192;
/// Sound that may wait: that of all drums, in hops.
const WAITING_HOPS: usize = 120;
/// Longest wait for the worker where waiting is no harm.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// What the worker is asked to do.
#[derive(Debug)]
pub enum Request {
    /// Make the model's bank for the embedding of so many values beside.
    Prior(usize),
    /// Learn, and reply with the bank of all that was learnt.
    Bank(u64),
    /// A take begins.
    TakeStart(TakeStart),
    /// A hop of it: left, right and the mask are beside.
    TakeHop(Drum),
    /// It ends after so many samples.
    TakeEnd(Drum, u32),
    /// It is not whole and must not be used.
    TakeDrop(Drum),
    /// Back to the model's default; the kit of this ticket is empty.
    Forget(u64),
    /// The same recording begins again.
    HearAgain,
    /// Take this kit in place of what was learnt.
    Restore(Box<LearntKit>),
}

/// Answer to a request for a bank.
#[derive(Debug)]
pub struct Reply {
    /// Ticket of the request.
    pub ticket: u64,
    /// The bank, or none if nothing is new.
    pub bank: Option<Arc<Bank>>,
}

/// The thread's ends of the rings, and where it puts kits.
#[derive(Debug)]
pub struct WorkerEnds {
    /// What is asked.
    pub requests: Consumer<Request>,
    /// What belongs to requests.
    pub contents: Consumer<f32>,
    /// The answers.
    pub replies: Producer<Reply>,
    /// Banks to be freed.
    pub retired: Consumer<Arc<Bank>>,
    /// For kits.
    pub shelf: Arc<KitShelf>,
}

/// Handle of the audio thread to its worker.
#[derive(Debug)]
pub struct BankWorker {
    requests: Producer<Request>,
    contents: Producer<f32>,
    replies: Consumer<Reply>,
    retired: Producer<Arc<Bank>>,
    shelf: Arc<KitShelf>,
    is_offline: bool,
    pace: Pace,
    clock: fn() -> Instant,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl BankWorker {
    /// Starts the thread; `first_bank` is the model's default. Allocates.
    ///
    /// # Errors
    /// If the system refuses a thread.
    pub fn start(
        network: OneShotNetwork,
        model: &Model,
        framing: &Framing,
        first_bank: Arc<Bank>,
    ) -> Result<BankWorker, EngineError> {
        let hop = framing.hop_samples;
        let contents = WAITING_HOPS * DRUM_COUNT * (2 * hop + BAND_COUNT);
        let hop_s = hop as f64 / framing.sample_rate_hz;
        let (mut worker, ends) = BankWorker::idle(hop_s, [REQUESTS, contents], Instant::now);
        let one_shot_rate_hz = f64::from(model.meta().one_shots.sample_rate_hz);
        let work = WorkerLoop::new(ends, network, one_shot_rate_hz, framing, first_bank)?;
        let stopped = worker.stop.clone();
        let thread = thread::Builder::new()
            .name("idm learner".into())
            .spawn(move || work.run(&stopped))
            .map_err(|error| EngineError::Thread {
                reason: error.to_string(),
            })?;
        worker.thread = Some(thread);
        Ok(worker)
    }

    /// A worker for hops of `hop_s` without a thread, with room for so many requests and
    /// values beside them, that measures its waits with `clock`; and what a thread needs.
    /// Allocates.
    pub(super) fn idle(
        hop_s: f64,
        [requests, contents]: [usize; 2],
        clock: fn() -> Instant,
    ) -> (BankWorker, WorkerEnds) {
        let (requests, requests_end) = RingBuffer::new(requests);
        let (contents, contents_end) = RingBuffer::new(contents);
        let (replies_end, replies) = RingBuffer::new(8);
        let (retired, retired_end) = RingBuffer::new(32);
        let shelf = Arc::new(KitShelf::default());
        let ends = WorkerEnds {
            requests: requests_end,
            contents: contents_end,
            replies: replies_end,
            retired: retired_end,
            shelf: shelf.clone(),
        };
        let worker = BankWorker {
            requests,
            contents,
            replies,
            retired,
            shelf,
            is_offline: false,
            pace: Pace::new(hop_s),
            clock,
            stop: Arc::default(),
            thread: None,
        };
        (worker, ends)
    }

    /// Where the learnt kits lie.
    pub fn shelf(&self) -> &Arc<KitShelf> {
        &self.shelf
    }

    /// Counts a hop of audio. Real-time safe.
    pub fn hop(&mut self) {
        self.pace.hop(self.now());
    }

    /// Measures the pace anew. Real-time safe.
    pub fn reset_pace(&mut self) {
        self.pace.reset();
    }

    /// Says whether nobody listens, so that the worker is waited for however long it
    /// takes. Real-time safe.
    pub fn set_offline(&mut self, is_offline: bool) {
        self.is_offline = is_offline;
    }

    /// What was last said of that. Real-time safe.
    pub fn is_offline(&self) -> bool {
        self.is_offline
    }

    /// Whether the worker may be waited for now; to be asked again while waiting.
    /// Real-time safe.
    pub fn may_wait(&self) -> bool {
        self.is_offline || self.pace.is_faster_than_real_time(self.now())
    }

    /// The time of the clock that waits are measured with. Real-time safe.
    pub fn now(&self) -> Instant {
        (self.clock)()
    }

    /// Sends `request` with the contents `beside`, if there is room. Waits for
    /// room where that is no harm. Real-time safe where it is.
    fn send(&mut self, request: Request, beside: &[&[f32]]) -> bool {
        let values = beside.iter().map(|part| part.len()).sum();
        let has_room =
            |worker: &BankWorker| worker.contents.slots() >= values && worker.requests.slots() >= 1;
        if !has_room(self) {
            let asked = self.now();
            while !has_room(self) {
                let has_patience = self.now().duration_since(asked) < PATIENCE;
                if self.is_gone() || !self.may_wait() || !has_patience {
                    return false;
                }
                self.wake();
            }
        }
        if let Ok(mut chunk) = self.contents.write_chunk(values) {
            let (first, second) = chunk.as_mut_slices();
            let (mut room, mut next) = (first, second);
            for mut part in beside.iter().copied() {
                while !part.is_empty() {
                    if room.is_empty() {
                        room = std::mem::take(&mut next);
                    }
                    let count = part.len().min(room.len());
                    let (now, later) = std::mem::take(&mut room).split_at_mut(count);
                    now.copy_from_slice(&part[..count]);
                    (room, part) = (later, &part[count..]);
                }
            }
            chunk.commit_all();
        }
        self.requests.push(request).is_ok()
    }

    /// Lets the worker look at once, and leaves it the processor for a while.
    /// A system call: only while [`BankWorker::may_wait`].
    pub fn wake(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
        thread::sleep(Duration::from_micros(100));
    }

    /// Asks for the model's bank of `embedding`, to be replied with the next
    /// bank. Returns false if too much waits. Real-time safe.
    pub fn ask_prior(&mut self, embedding: &[f32]) -> bool {
        let embedding = &embedding[..embedding.len().min(MAX_EMBEDDING)];
        self.send(Request::Prior(embedding.len()), &[embedding])
    }

    /// Asks for the bank of all that was sent so far; the reply carries
    /// `ticket`. Returns false if too much waits. Real-time safe.
    pub fn ask_bank(&mut self, ticket: u64) -> bool {
        self.send(Request::Bank(ticket), &[])
    }

    /// Begins a take. Returns false if too much waits. Real-time safe.
    pub fn start_take(&mut self, start: &TakeStart) -> bool {
        self.send(Request::TakeStart(*start), &[])
    }

    /// Sends a hop of the drum's take. Returns false if too much waits.
    /// Real-time safe.
    pub fn take_hop(&mut self, drum: Drum, sound: [&[f32]; 2], mask: &[f32; BAND_COUNT]) -> bool {
        let [left, right] = sound;
        self.send(Request::TakeHop(drum), &[left, right, mask])
    }

    /// Ends the drum's take after `samples`. Returns false if too much waits.
    /// Real-time safe.
    pub fn end_take(&mut self, drum: Drum, samples: u32) -> bool {
        self.send(Request::TakeEnd(drum, samples), &[])
    }

    /// Throws the drum's take away. Real-time safe.
    pub fn drop_take(&mut self, drum: Drum) {
        // If even this finds no room, the next take of the drum drops it.
        self.send(Request::TakeDrop(drum), &[]);
    }

    /// Forgets all that was learnt. Real-time safe.
    pub fn forget(&mut self, ticket: u64) -> bool {
        self.send(Request::Forget(ticket), &[])
    }

    /// The same recording begins again. Real-time safe.
    pub fn hear_again(&mut self) -> bool {
        self.send(Request::HearAgain, &[])
    }

    /// Takes a saved kit. Allocates.
    pub fn restore(&mut self, kit: LearntKit) -> bool {
        self.send(Request::Restore(Box::new(kit)), &[])
    }

    /// Hands over a kit in place of what was learnt, which is freed on the worker; gives
    /// it back if too much waits there. Real-time safe.
    ///
    /// # Errors
    /// The kit, to be tried again.
    pub fn load(&mut self, kit: Box<LearntKit>) -> Result<(), Box<LearntKit>> {
        match self.requests.push(Request::Restore(kit)) {
            Err(rtrb::PushError::Full(Request::Restore(kit))) => Err(kit),
            _ => Ok(()),
        }
    }

    /// Whether a few requests can be sent now. Real-time safe.
    pub fn has_room(&self) -> bool {
        self.requests.slots() >= 4
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
            // So many banks in 15 ms cannot happen; leaking one is the lesser
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
