//! The network running for one stream.

use std::{fmt, ops::Range, sync::Arc};

use super::{
    aligned::Aligned,
    plan::{Plan, Position, Program},
    weights::Weights,
};
use crate::{
    controls::Quality,
    front_end::{BAND_COUNT, LOW_BAND_COUNT, log_feature},
};

/// Frames after which a stream knows the kit and the manner of a recording: eight seconds.
const KNOWN_FRAMES: u32 = 1_378;
/// Features are limited to this: that of a power beyond any float.
const MAX_FEATURE: f32 = 32.0;

/// One stream through a [`Plan`]: states, buffers and the progress of the
/// current frame.
///
/// Per frame: [`begin`](Session::begin), then
/// [`run_stage`](Session::run_stage) for each stage, then the outputs describe
/// the frame that was `look_ahead_frames` earlier. The result does not depend
/// on the number of stages. The last stage replaces all outputs; before the
/// first frame they are zero.
///
/// All methods but [`new`](Session::new) are real-time safe.
pub struct Session {
    plan: Arc<Plan>,
    quality: Quality,
    arena: Aligned<f32>,
    /// What the arena held after [`KNOWN_FRAMES`].
    known: Aligned<f32>,
    /// Frames that were begun.
    frames: u32,
    position: Position,
    floor: f32,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("quality", &self.quality)
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}

impl Session {
    /// A stream that has heard nothing. Allocates.
    pub fn new(plan: Arc<Plan>, quality: Quality) -> Session {
        Session {
            arena: Aligned::zeros(plan.layout.arena_len),
            known: Aligned::zeros(plan.layout.arena_len),
            frames: 0,
            position: plan.program(quality).end(),
            quality,
            plan,
            floor: log_feature(0.0),
        }
    }

    /// Forgets everything heard: all states and outputs are zero, and a frame
    /// in progress is dropped. Real-time safe.
    pub fn reset(&mut self) {
        self.arena.as_mut_slice().fill(0.0);
        self.frames = 0;
        self.position = self.plan.program(self.quality).end();
    }

    /// Begins the same recording once more, knowing what was heard of it in its first eight
    /// seconds (or in all of it, if it is shorter): its first hits are no longer the first
    /// that are heard. A frame in progress is dropped. Real-time safe.
    pub fn rewind(&mut self) {
        if self.frames > KNOWN_FRAMES {
            let known = self.known.as_slice();
            self.arena.as_mut_slice().copy_from_slice(known);
        }
        self.position = self.plan.program(self.quality).end();
    }

    /// Takes the features of the next frame. Values that are not finite count
    /// as silence. If stages of the previous frame have not been run, they are
    /// run first. Real-time safe.
    pub fn begin(&mut self, frame: &[f32; BAND_COUNT], low: &[f32; LOW_BAND_COUNT]) {
        self.run_stage(0, 1);
        if self.frames == KNOWN_FRAMES {
            let heard = self.arena.as_slice();
            self.known.as_mut_slice().copy_from_slice(heard);
        }
        self.frames = self.frames.saturating_add(1);
        let arena = self.arena.as_mut_slice();
        let layout = &self.plan.layout;
        for (place, features) in [(&layout.frame, &frame[..]), (&layout.low, &low[..])] {
            for (input, &feature) in arena[place.clone()].iter_mut().zip(features) {
                *input = if feature.is_finite() {
                    feature.clamp(-MAX_FEATURE, MAX_FEATURE)
                } else {
                    self.floor
                };
            }
        }
        self.position = Position { step: 0, tile: 0 };
    }

    /// Runs stage `stage` (from 0) of `stages`, which are about equally long.
    /// Stages that were left out run as well; a stage that has been run does
    /// nothing. After stage `stages - 1` the frame is complete. Real-time safe.
    pub fn run_stage(&mut self, stage: usize, stages: usize) {
        let program = self.plan.program(self.quality);
        let target = program.position(stage + 1, stages);
        advance(
            program,
            self.arena.as_mut_slice(),
            &self.plan.weights,
            self.position..target,
        );
        self.position = self.position.max(target);
    }

    /// Runs a whole frame. Real-time safe.
    pub fn step(&mut self, frame: &[f32; BAND_COUNT], low: &[f32; LOW_BAND_COUNT]) {
        self.begin(frame, low);
        self.run_stage(0, 1);
    }

    fn output(&self, place: &Range<usize>) -> &[f32] {
        &self.arena.as_slice()[place.clone()]
    }

    /// Onset probability per class (9 values). Real-time safe.
    pub fn onset(&self) -> &[f32] {
        self.output(&self.plan.layout.onset)
    }

    /// Velocity per class (9 values, 0 to 1), meaningful where there is an
    /// onset. Real-time safe.
    pub fn velocity(&self) -> &[f32] {
        self.output(&self.plan.layout.velocity)
    }

    /// Share of each class and the residual in each band, if the model has
    /// masks: 10 × 128 values, class by class. Real-time safe.
    pub fn mask(&self) -> Option<&[f32]> {
        let has_mask = self.plan.program(self.quality).has_mask;
        has_mask.then(|| self.output(&self.plan.layout.mask))
    }

    /// Description of the kit, input of the one-shot network. Real-time safe.
    pub fn embedding(&self) -> &[f32] {
        self.output(&self.plan.layout.embedding)
    }
}

/// Runs what lies between two positions.
fn advance(program: &Program, arena: &mut [f32], weights: &Weights, span: Range<Position>) {
    let Range { start, end } = span;
    for (index, step) in program
        .steps
        .iter()
        .enumerate()
        .take(end.step + 1)
        .skip(start.step)
    {
        let from = if index == start.step { start.tile } else { 0 };
        let to = if index == end.step {
            end.tile
        } else {
            step.tiles()
        };
        if from < to {
            step.run(arena, weights, from..to);
        }
    }
}
