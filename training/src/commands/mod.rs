//! Commands that several parts of the crate work together for. The parts do not know them;
//! what a part does by itself (`train`, `speed`, `sweep`, `evaluate`, `weigh`,
//! `synthesiser`) is in its own folder.

pub mod bank;
pub mod explain;
pub mod export;
pub mod render;
