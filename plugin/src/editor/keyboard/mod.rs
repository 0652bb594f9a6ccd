//! The letters of the user's keyboard, on Linux.
//!
//! The windowing library knows keys by what a keyboard of the United States has there, or
//! asks the system for letters when the window opens, but never for commands, and forgets
//! which key it was. So the server is asked again, and the events are put right before
//! anything is drawn. Strokes that the window has no use for go on to the host, whose window
//! is behind it.

mod accents;
mod layout;
mod passing;
mod translator;
mod us;
mod x11;

pub use x11::follow;
