//! What becomes of a row: the outcome of a request, the statuses that follow, and the resulting state.

mod merge;
mod outcome;
mod reference;
mod state;
mod status;

pub use merge::Delivery;
pub use outcome::{Outcome, Pause, Problem};
pub use reference::{Reference, ReferenceKey};
pub use state::{IllegalChange, State, StateChange};
pub use status::{DeliveryStatus, StatusUpdate};
