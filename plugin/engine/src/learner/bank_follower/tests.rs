//! A worker that never answers, or late, under a clock that is told the time.

use std::{
    cell::Cell,
    sync::OnceLock,
    time::{Duration, Instant},
};

use super::*;
use crate::{
    drum::DRUM_COUNT,
    learner::{
        LearntKit,
        bank_worker::{Request, WorkerEnds},
    },
    one_shots::OneShot,
};

const HOP_S: f64 = 0.005;

/// Whoever waits looks at the clock; so time goes on.
const LOOK: Duration = Duration::from_millis(20);

thread_local! {
    static NOW: Cell<Duration> = const { Cell::new(Duration::ZERO) };
    static LOOK_TAKES: Cell<Duration> = const { Cell::new(LOOK) };
}

fn clock() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    let now = NOW.get();
    NOW.set(now + LOOK_TAKES.get());
    *START.get_or_init(Instant::now) + now
}

fn bank() -> Arc<Bank> {
    let shots: Vec<_> = (0..DRUM_COUNT)
        .map(|_| OneShot::new(44_100.0, vec![vec![0.5; 64]]).unwrap())
        .collect();
    Arc::new(Bank::new(&shots, 44_100.0).unwrap())
}

/// Frames that come `pace` times as fast as they are heard, after four hits.
struct Stream {
    follower: BankFollower,
    worker: BankWorker,
    ends: WorkerEnds,
    pace: f64,
    frame: u64,
    learns: bool,
}

impl Stream {
    fn new(pace: f64, requests: usize) -> Stream {
        NOW.set(Duration::ZERO);
        let (worker, ends) = BankWorker::idle(HOP_S, [requests, 1_024], clock);
        let mut follower = BankFollower::new(HOP_S);
        for _ in 0..4 {
            follower.hit();
        }
        Stream {
            follower,
            worker,
            ends,
            pace,
            frame: 0,
            learns: true,
        }
    }

    /// Steps until `frame`; the banks that took effect, and the longest time in a step.
    fn run(&mut self, frame: u64) -> (Vec<NewBank>, Duration) {
        let (mut banks, mut longest) = (Vec::new(), Duration::ZERO);
        while self.frame < frame {
            let due = Duration::from_secs_f64(self.frame as f64 * HOP_S / self.pace);
            NOW.set(due.max(NOW.get()));
            LOOK_TAKES.set(Duration::ZERO);
            self.worker.hop();
            LOOK_TAKES.set(LOOK);
            let before = NOW.get();
            let new = self.follower.step(
                self.frame,
                &[0.5; 4],
                Some(1.0),
                8,
                self.learns,
                &mut self.worker,
            );
            longest = longest.max(NOW.get() - before);
            banks.extend(new);
            self.frame += 1;
        }
        (banks, longest)
    }

    /// Answers the last request for a bank.
    fn answer(&mut self) -> Arc<Bank> {
        let bank = bank();
        let ticket = self.follower.ticket;
        let reply = Reply {
            ticket,
            bank: Some(bank.clone()),
        };
        self.worker.shelf().put(
            ticket,
            LearntKit {
                drums: vec![],
                embedding: vec![ticket as f32],
            },
        );
        self.ends.replies.push(reply).unwrap();
        bank
    }
}

#[test]
fn who_plays_never_waits_and_a_late_bank_takes_effect_when_it_comes() {
    let mut stream = Stream::new(1.0, 64);
    let (banks, longest) = stream.run(1_000);
    assert!(banks.is_empty());
    assert!(longest <= 4 * LOOK, "{longest:?}");
    assert!(stream.worker.shelf().current().is_empty());
    let bank = stream.answer();
    let (banks, longest) = stream.run(1_001);
    assert!(Arc::ptr_eq(&banks[0].bank, &bank));
    assert!(longest <= 4 * LOOK, "{longest:?}");
    assert_eq!(stream.worker.shelf().current().embedding, [1.0]);
}

#[test]
fn offline_the_worker_is_waited_for_however_slow_the_render_is() {
    let mut stream = Stream::new(0.1, 64);
    stream.worker.set_offline(true);
    let (_, longest) = stream.run(200);
    assert!(longest < Duration::from_secs(1));
    let (banks, longest) = stream.run(202);
    assert!(banks.is_empty());
    assert!(longest >= PATIENCE, "{longest:?}");
    let (_, longest) = stream.run(300);
    assert!(longest < Duration::from_secs(1), "in vain only once");
}

#[test]
fn an_export_that_is_not_announced_waits_while_it_keeps_ahead() {
    let mut stream = Stream::new(100.0, 64);
    let (_, longest) = stream.run(400);
    assert!(longest > Duration::from_millis(200), "{longest:?}");
    assert!(longest < Duration::from_secs(2), "{longest:?}");
    assert!(NOW.get().as_secs_f64() > 400.0 * HOP_S / 2.0);
}

#[test]
fn frozen_nothing_takes_effect_and_afterwards_it_does() {
    let mut stream = Stream::new(1.0, 64);
    stream.run(150);
    stream.answer();
    stream.learns = false;
    stream.follower.hold();
    let (banks, _) = stream.run(1_000);
    assert!(banks.is_empty());
    assert!(stream.worker.shelf().current().is_empty());
    stream.learns = true;
    stream.run(1_100);
    let newest = stream.answer();
    let (banks, _) = stream.run(1_400);
    assert!(Arc::ptr_eq(&banks[0].bank, &newest));
    assert!(banks[0].has_new_prior, "asked for before the freeze");
    assert_eq!(stream.worker.shelf().current().embedding, [2.0]);
}

#[test]
fn a_full_ring_is_waited_for_only_where_that_is_no_harm() {
    let mut stream = Stream::new(1.0, 1);
    assert!(stream.worker.ask_bank(1));
    let before = NOW.get();
    assert!(!stream.worker.ask_bank(2));
    assert!(NOW.get() - before <= 4 * LOOK);
    stream.worker.set_offline(true);
    let before = NOW.get();
    assert!(!stream.worker.ask_bank(3));
    assert!(NOW.get() - before >= PATIENCE);
    stream.ends.requests.pop().unwrap();
    assert!(stream.worker.ask_bank(4));
}

#[test]
fn a_look_up_that_finds_no_room_is_made_when_there_is_some() {
    let mut stream = Stream::new(1.0, 1);
    assert!(stream.worker.hear_again());
    stream.run(10);
    let mut next = |frame| {
        let request = stream.ends.requests.pop().unwrap();
        stream.run(frame);
        request
    };
    assert!(matches!(next(20), Request::HearAgain));
    assert!(matches!(next(30), Request::Prior(4)));
    assert!(matches!(next(40), Request::Bank(_)));
    assert!(stream.ends.requests.pop().is_err(), "one of each is enough");
    let bank = stream.answer();
    let (banks, _) = stream.run(300);
    assert!(Arc::ptr_eq(&banks[0].bank, &bank));
    assert!(banks[0].has_new_prior);
}
