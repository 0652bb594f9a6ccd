//! What was on the pads before, and what was taken back.

use std::mem::swap;

use idm_engine::drum::{DRUM_COUNT, Drum};

use super::Samples;

/// Steps of a pad that can be taken back.
pub(super) const STEPS: usize = 16;

/// One side of a change: what is not on the pad.
#[derive(Debug)]
struct Step {
    samples: Option<Samples>,
    /// Which change: one may be of several pads.
    change: u64,
    /// When it was taken back, if it was, in steps back.
    taken_back: u64,
}

impl Step {
    /// Whether it is brought back by a click on one file, or on nothing.
    fn is_simple(&self) -> bool {
        let samples = self.samples.as_ref();
        samples.is_none_or(|samples| samples.one_shots.len() <= 1)
    }
}

/// The steps of all pads, each with the newest last.
#[derive(Debug, Default)]
pub(super) struct History {
    before: [Vec<Step>; DRUM_COUNT],
    after: [Vec<Step>; DRUM_COUNT],
    changes: u64,
    steps_back: u64,
}

impl History {
    /// Takes down one change, with what was on its pads.
    pub(super) fn note(&mut self, pads: impl IntoIterator<Item = (Drum, Option<Samples>)>) {
        self.changes += 1;
        for (drum, samples) in pads {
            let before = &mut self.before[drum.index()];
            before.push(Step {
                samples,
                change: self.changes,
                taken_back: 0,
            });
            if before.len() > STEPS {
                // Who goes through a folder file by file does not lose the layers from before.
                let simple = before[..STEPS].iter().position(Step::is_simple);
                before.remove(simple.unwrap_or(0));
            }
            self.after[drum.index()].clear();
        }
    }

    /// Whether there is any step, back or forth.
    pub(super) fn has_steps(&self) -> bool {
        let mut steps = self.before.iter().chain(&self.after);
        steps.any(|steps| !steps.is_empty())
    }

    /// Whether there is a step back from what is on the pad of `drum`.
    pub(super) fn can_undo(&self, drum: Drum) -> bool {
        !self.before[drum.index()].is_empty()
    }

    /// Whether a step was taken back there.
    pub(super) fn can_redo(&self, drum: Drum) -> bool {
        !self.after[drum.index()].is_empty()
    }

    /// What is taken back from here on is another step.
    pub(super) fn begin_step(&mut self) {
        self.steps_back += 1;
    }

    /// Puts on the pad of `drum`, on which is what `present` says, what was there before; false
    /// if nothing was.
    pub(super) fn undo(&mut self, drum: Drum, present: &mut Option<Samples>) -> bool {
        let pad = drum.index();
        if let Some(step) = self.before[pad].last_mut() {
            step.taken_back = self.steps_back;
        }
        step(&mut self.before[pad], &mut self.after[pad], present)
    }

    /// The way back from that.
    pub(super) fn redo(&mut self, drum: Drum, present: &mut Option<Samples>) -> bool {
        let pad = drum.index();
        step(&mut self.after[pad], &mut self.before[pad], present)
    }

    /// The pads of the last change that was not taken back.
    pub(super) fn next_undo(&self) -> Vec<Drum> {
        newest(&self.before, |step| step.change)
    }

    /// The pads of the last step back.
    pub(super) fn next_redo(&self) -> Vec<Drum> {
        newest(&self.after, |step| step.taken_back)
    }
}

fn step(from: &mut Vec<Step>, to: &mut Vec<Step>, present: &mut Option<Samples>) -> bool {
    let Some(mut step) = from.pop() else {
        return false;
    };
    swap(&mut step.samples, present);
    to.push(step);
    true
}

/// The pads whose next step has the highest `number` of all.
fn newest(steps: &[Vec<Step>; DRUM_COUNT], number: impl Fn(&Step) -> u64) -> Vec<Drum> {
    let next = |drum: Drum| steps[drum.index()].last().map(&number);
    let newest = Drum::ALL.into_iter().filter_map(next).max();
    let is_newest = |drum: &Drum| newest.is_some() && next(*drum) == newest;
    Drum::ALL.into_iter().filter(is_newest).collect()
}
