//! Batches, rendered in the background.

use std::{
    collections::HashMap,
    sync::{Arc, mpsc},
    thread,
};

use anyhow::{Context, Result, bail};
use rayon::{ThreadPool, ThreadPoolBuilder, prelude::*};

use super::{
    Batch,
    pieces::Pieces,
    reuse::{vary, vary_drums},
};
use crate::{config::Config, random::Random, render::TrainingExample};

/// Pieces that each rendering thread has before it beyond those of the step that is
/// waited for: a slow piece then holds up no other thread.
const PIECES_AHEAD: usize = 4;

/// Which pieces a step uses: fresh ones, and recent ones again.
#[derive(Debug, Clone, Copy)]
pub struct BatchPlan {
    /// Names the sequence.
    pub seed: u64,
    /// Pieces per step.
    pub batch: usize,
    /// Average number of uses of a piece.
    pub uses: usize,
    /// Recent pieces to choose from.
    pub pool: usize,
}

impl BatchPlan {
    /// Pieces of a step that are new.
    fn fresh(&self) -> usize {
        self.batch.div_ceil(self.uses)
    }

    /// Piece numbers of step `step`, and whether each is used again. Depends
    /// on the step alone, so that a resumed run continues as it would have.
    pub fn pieces(&self, step: u64) -> Vec<(u64, bool)> {
        let fresh = self.fresh() as u64;
        let first = step * fresh;
        let mut random = Random::new(&[self.seed, step, 0x706f_6f6c]);
        let oldest = first.saturating_sub(self.pool as u64);
        let mut pieces: Vec<(u64, bool)> = (first..first + fresh).map(|n| (n, false)).collect();
        while pieces.len() < self.batch {
            let piece = if first == oldest {
                // Nothing to use again yet.
                (pieces[random.below(pieces.len())].0, true)
            } else {
                (
                    oldest + random.below((first - oldest) as usize) as u64,
                    true,
                )
            };
            pieces.push(piece);
        }
        pieces
    }
}

/// Renders batches on threads of its own, a bounded number ahead.
#[derive(Debug)]
pub struct BatchSource {
    receiver: mpsc::Receiver<Result<Vec<Batch>>>,
}

impl BatchSource {
    /// Starts with the batch of step `first_step`; each comes in `parts`. What batches
    /// hold does not depend on the number of rendering threads.
    ///
    /// # Errors
    /// If threads cannot be started.
    pub fn start(
        config: &Config,
        pieces: Pieces,
        first_step: u64,
        parts: usize,
    ) -> Result<BatchSource> {
        let (sender, receiver) = mpsc::sync_channel(config.schedule.batches_ahead);
        let mut assembly = Assembly::new(config, pieces, first_step, parts)?;
        thread::spawn(move || {
            for step in first_step.. {
                let batch = assembly.batch(step);
                let failed = batch.is_err();
                if sender.send(batch).is_err() || failed {
                    // Training has ended, or cannot go on.
                    return;
                }
            }
        });
        Ok(BatchSource { receiver })
    }

    /// The next batch, a part for each thread of a step; waits for it.
    ///
    /// # Errors
    /// If a recording cannot be read, or rendering has stopped (it panicked).
    pub fn next_batch(&self) -> Result<Vec<Batch>> {
        match self.receiver.recv() {
            Ok(batch) => batch,
            Err(_) => bail!("the rendering thread has stopped"),
        }
    }
}

/// Has pieces rendered and makes batches of them, one step after the other.
#[derive(Debug)]
struct Assembly {
    plan: BatchPlan,
    pieces: Arc<Pieces>,
    /// Threads that render.
    rendering: ThreadPool,
    /// Threads that vary and join: others, or a batch would queue behind the pieces
    /// of later steps.
    joining: ThreadPool,
    /// The first step whose pieces are not ordered yet.
    unordered_step: u64,
    /// Steps whose pieces are ordered before they are due.
    steps_ahead: u64,
    /// Pieces that are being rendered.
    ordered: HashMap<u64, mpsc::Receiver<Result<TrainingExample>>>,
    /// Pieces that are rendered and may be used again.
    recent: HashMap<u64, Arc<TrainingExample>>,
    /// Pieces in each part of a batch.
    part: usize,
    neighbour: f32,
    equaliser_db: f32,
    /// How often each drum of a piece is varied on its own.
    drums_share: f32,
}

impl Assembly {
    fn new(config: &Config, pieces: Pieces, first_step: u64, parts: usize) -> Result<Assembly> {
        let plan = BatchPlan {
            seed: config.seed,
            batch: config.data.batch,
            uses: config.data.uses,
            pool: config.data.pool,
        };
        let threads = config.schedule.render_threads;
        // A panic must not end the process: the piece never arrives, which is noticed.
        let pool = || {
            ThreadPoolBuilder::new()
                .num_threads(threads)
                .panic_handler(|_| {})
                .build()
                .context("cannot start the rendering threads")
        };
        Ok(Assembly {
            plan,
            pieces: Arc::new(pieces),
            rendering: pool()?,
            joining: pool()?,
            unordered_step: first_step,
            steps_ahead: (PIECES_AHEAD * threads).div_ceil(plan.fresh()) as u64,
            ordered: HashMap::new(),
            recent: HashMap::new(),
            part: plan.batch.div_ceil(parts.max(1)),
            neighbour: config.loss.neighbour,
            equaliser_db: config.data.reuse_equaliser_db,
            drums_share: config.data.reuse_drums_share,
        })
    }

    /// Has `piece` rendered unless it is known.
    fn order(&mut self, piece: u64) {
        if self.recent.contains_key(&piece) || self.ordered.contains_key(&piece) {
            return;
        }
        let (sender, receiver) = mpsc::sync_channel(1);
        // Once training has ended, what is still queued need not be rendered.
        let pieces = Arc::downgrade(&self.pieces);
        self.rendering.spawn_fifo(move || {
            if let Some(pieces) = pieces.upgrade() {
                // Fails if nobody waits any more.
                sender.send(pieces.example(piece)).ok();
            }
        });
        self.ordered.insert(piece, receiver);
    }

    /// The batch of `step`; steps come in their order.
    fn batch(&mut self, step: u64) -> Result<Vec<Batch>> {
        while self.unordered_step <= step + self.steps_ahead {
            for (piece, _) in self.plan.pieces(self.unordered_step) {
                self.order(piece);
            }
            self.unordered_step += 1;
        }
        let planned = self.plan.pieces(step);
        let newest = planned.iter().map(|(piece, _)| *piece).max().unwrap_or(0);
        let oldest = newest.saturating_sub((self.plan.pool + self.plan.batch - 1) as u64);
        self.recent.retain(|&piece, _| piece >= oldest);
        for (piece, _) in &planned {
            if let Some(receiver) = self.ordered.remove(piece) {
                let rendered = receiver.recv().context("rendering has stopped")?;
                self.recent.insert(*piece, Arc::new(rendered?));
            }
        }
        let join = || {
            let examples: Vec<Arc<TrainingExample>> = planned
                .par_iter()
                .enumerate()
                .map(|(slot, &(piece, again))| {
                    let mut example = Arc::clone(&self.recent[&piece]);
                    // A recording comes by again and again: always varied.
                    if again || self.pieces.is_recorded(piece) {
                        let mut random = Random::new(&[self.plan.seed, step, slot as u64, 7]);
                        let example = Arc::make_mut(&mut example);
                        vary(example, &mut random, self.equaliser_db);
                        // A recording's shares are estimates: what they leave out would
                        // stay audible.
                        if !self.pieces.is_recorded(piece) && random.chance(self.drums_share) {
                            vary_drums(example, &mut random, self.equaliser_db);
                        }
                    }
                    example
                })
                .collect();
            let parts = examples.chunks(self.part);
            parts.map(|part| Batch::new(part, self.neighbour)).collect()
        };
        Ok(self.joining.install(join))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::DataFolders;

    #[test]
    fn plan_uses_each_piece_as_often_as_asked_and_depends_on_the_step_alone() {
        let plan = BatchPlan {
            seed: 3,
            batch: 8,
            uses: 2,
            pool: 40,
        };
        let mut uses: HashMap<u64, usize> = HashMap::new();
        for step in 0..200 {
            let pieces = plan.pieces(step);
            assert_eq!(pieces, plan.pieces(step));
            assert_eq!(pieces.len(), 8);
            assert_eq!(pieces.iter().filter(|(_, again)| !again).count(), 4);
            for (piece, _) in pieces {
                assert!(piece < 4 * (step + 1) && piece + 40 >= 4 * step);
                *uses.entry(piece).or_default() += 1;
            }
        }
        let mean = uses.values().sum::<usize>() as f64 / uses.len() as f64;
        assert!((mean - 2.0).abs() < 0.01, "{mean}");
    }

    /// All that a batch holds, comparable: silent drums have NaN.
    fn bits(batch: &Batch) -> (Vec<u8>, Vec<u32>) {
        let tables = [
            &batch.input.frame,
            &batch.input.low,
            &batch.events.onset,
            &batch.events.velocity,
            &batch.mix_power,
            &batch.timbre,
        ];
        let values = tables.into_iter().flatten().map(|value| value.to_bits());
        (batch.ratio.clone(), values.collect())
    }

    #[test]
    fn batches_do_not_depend_on_the_number_of_rendering_threads() {
        let batches = |render_threads: usize, first_step: u64| -> Vec<Vec<_>> {
            let mut config = Config::default();
            config.data.procedural_kits = 2;
            config.data.batch = 3;
            config.data.pool = 4;
            config.data.piece_s = 1.0;
            config.schedule.render_threads = render_threads;
            let pieces =
                Pieces::open(&config, &DataFolders::default(), &[], &Default::default()).unwrap();
            let source = BatchSource::start(&config, pieces, first_step, 2).unwrap();
            (first_step..5)
                .map(|_| source.next_batch().unwrap().iter().map(bits).collect())
                .collect()
        };
        let serial = batches(1, 0);
        assert!(serial.iter().all(|parts| parts.len() == 2));
        assert!(serial[3] != serial[4]);
        assert!(batches(3, 0) == serial);
        // A resumed run renders the pieces that it uses again once more.
        assert!(batches(3, 3) == serial[3..]);
    }
}
