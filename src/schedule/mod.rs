//! Decides when a scheduled campaign is due, with pure functions of its schedule and of a given time.
//!
//! Nothing here reads a clock, a file or the store.

mod due;
mod occurrences;
#[cfg(test)]
mod tests;

pub use due::{Due, Skipped, due};
pub use occurrences::{just_within, next, note, upcoming};
