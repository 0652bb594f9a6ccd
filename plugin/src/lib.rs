//! Real-time drum separation engine.
