//! `idm-train sweep`: many small runs, one table.

mod command;
mod outcome;
mod plan;
mod table;

pub use command::{SweepArgs, run};
pub use outcome::Outcome;
pub use plan::{PlannedRun, Sweep};
pub use table::{csv_table, markdown_table};
