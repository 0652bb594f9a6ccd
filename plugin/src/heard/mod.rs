//! What was heard of the song, and the user's word on it. Nothing of it is drawn here, and
//! all of it outlives the window.

mod keeper;
mod level;
pub mod marks;
mod monitor;
mod pupil;
mod questions;
mod set_by_hand;
mod take;
pub mod teaching;

pub use keeper::Keeper;
pub use level::Level;
pub use monitor::{HISTORY_SECONDS, Monitor};
pub use pupil::{velocity_as_set, verdict_as_set};
pub use questions::Questions;
pub use set_by_hand::SetByHand;
pub use take::Take;
