//! What makes no sense in a configuration.

use std::{fmt::Display, ops::RangeInclusive};

use anyhow::{Result, ensure};

use super::{Config, DataConfig, OptimiserConfig, PIECE_S, ScheduleConfig};

/// Most pieces per step, and most uses of one: more are a slip of the pen.
const MOST_PIECES: usize = 4096;

/// Most threads that render, and most batches rendered ahead: more would not be started, or
/// not fit the memory.
const MOST_THREADS: usize = 1024;
const MOST_AHEAD: usize = 1024;

/// Refuses a value of the setting `name` outside of `range`, NaN too.
fn within<T: Copy + Display + Into<f64>>(
    name: &str,
    value: T,
    range: RangeInclusive<f64>,
) -> Result<()> {
    ensure!(
        range.contains(&value.into()),
        "{name}: expected {} to {}, found {value}",
        range.start(),
        range.end()
    );
    Ok(())
}

/// Refuses a number of the setting `name` outside of `range`.
fn counted(name: &str, value: usize, range: RangeInclusive<usize>) -> Result<()> {
    ensure!(
        range.contains(&value),
        "{name}: expected {} to {}, found {value}",
        range.start(),
        range.end()
    );
    Ok(())
}

impl DataConfig {
    fn check(&self) -> Result<()> {
        counted("data.batch", self.batch, 1..=MOST_PIECES)?;
        counted("data.uses", self.uses, 1..=MOST_PIECES)?;
        counted(
            "data.validation_pieces",
            self.validation_pieces,
            1..=10 * MOST_PIECES,
        )?;
        for (name, seconds) in [
            ("piece_s", self.piece_s),
            ("validation_piece_s", self.validation_piece_s),
        ] {
            within(&format!("data.{name}"), seconds, PIECE_S)?;
        }
        for (name, share) in [
            ("procedural_share", self.procedural_share),
            ("groove_share", self.groove_share),
            ("layered_share", self.layered_share),
            ("least_loyalty", self.least_loyalty),
            ("wildness", self.wildness),
            ("tame_share", self.tame_share),
            ("tame_wildness", self.tame_wildness),
            ("tame_loyalty", self.tame_loyalty),
            ("reshaping", self.reshaping),
            ("lead_share", self.lead_share),
            ("backdrop_share", self.backdrop_share),
            ("gate_share", self.gate_share),
            ("parallel_share", self.parallel_share),
            ("sections_share", self.sections_share),
            ("acoustic_cymbals", self.acoustic_cymbals),
            ("foot_share", self.foot_share),
            ("reuse_drums_share", self.reuse_drums_share),
            ("recordings_share", self.recordings_share),
        ] {
            within(&format!("data.{name}"), share, 0.0..=1.0)?;
        }
        within("data.depth_preference", self.depth_preference, 0.0..=10.0)?;
        let change_db = self.reuse_equaliser_db;
        within("data.reuse_equaliser_db", change_db, 0.0..=60.0)
    }
}

impl OptimiserConfig {
    fn check(&self) -> Result<()> {
        for (name, value, most) in [
            // A rate of 0 lets nothing move, which is of use to measure what does.
            ("learning_rate", self.learning_rate, 1.0),
            ("final_share", self.final_share, 1.0),
            ("beta1", self.beta1, 0.999_99),
            ("beta2", self.beta2, 0.999_999),
            ("weight_decay", self.weight_decay, 100.0),
            ("average_decay", self.average_decay, 0.999_999),
        ] {
            within(&format!("optimiser.{name}"), value, 0.0..=most)?;
        }
        within("optimiser.clip_norm", self.clip_norm, 1e-6..=1e6)
    }
}

impl ScheduleConfig {
    fn check(&self) -> Result<()> {
        for (name, minutes) in [
            ("minutes", self.minutes),
            ("validate_minutes", self.validate_minutes),
            ("checkpoint_minutes", self.checkpoint_minutes),
        ] {
            within(&format!("schedule.{name}"), minutes, 0.0..=1e6)?;
        }
        counted(
            "schedule.render_threads",
            self.render_threads,
            1..=MOST_THREADS,
        )?;
        counted("schedule.batches_ahead", self.batches_ahead, 0..=MOST_AHEAD)?;
        let budgets = [self.minutes > 0.0, self.steps > 0];
        ensure!(
            budgets == [true, false] || budgets == [false, true],
            "schedule: expected either minutes or steps above 0, found minutes = {} and steps = {}",
            self.minutes,
            self.steps
        );
        within(
            "schedule.other_head_share",
            self.other_head_share,
            0.0..=0.5,
        )
    }
}

impl Config {
    /// Checks the values.
    ///
    /// # Errors
    /// The first value that makes no sense.
    pub fn check(&self) -> Result<()> {
        ensure!(
            !self.name.trim().is_empty(),
            "name: expected a text, found nothing"
        );
        self.data.check()?;
        self.optimiser.check()?;
        self.schedule.check()?;
        let losses = [
            ("onset", self.loss.onset),
            ("velocity", self.loss.velocity),
            ("mask", self.loss.mask),
            ("distortion", self.loss.distortion),
            ("leakage", self.loss.leakage),
            ("timbre", self.loss.timbre),
        ];
        let weights = self.loss.positive_weight;
        for (name, factor) in losses
            .into_iter()
            .chain(weights.map(|weight| ("positive_weight", weight)))
        {
            within(&format!("loss.{name}"), factor, 0.0..=1e6)?;
        }
        within("loss.neighbour", self.loss.neighbour, 0.0..=1.0)?;
        ensure!(
            (1..=self.data.batch).contains(&self.schedule.threads),
            "schedule.threads: expected 1 to data.batch = {}, found {}",
            self.data.batch,
            self.schedule.threads
        );
        Ok(())
    }
}
