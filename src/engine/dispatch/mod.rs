//! Dispatch: due rows become requests. The one place of concurrency.
//!
//! ```text
//! dispatcher: permits, reservations ──> store.advance(outcomes, want) ──claimed attempts──> sender (a task each)
//!      ^                                                                                        │
//!      └───────────────────────────── settlements, by apply_outcome ────────────────────────────┘
//! ```
//!
//! `dispatcher` is the loop. A `sender` renders one row, passes the strict rate limit once it has a connection, sends,
//! and reports the outcome; `apply_outcome` is the pure function from an outcome to a settlement. `eligibility` knows
//! when rows may be sent and counts the daily quota, `halt` when a run has to stop, and `concurrency` how many requests
//! in flight are useful. `recovery` settles what dead workers left in flight.

mod apply_outcome;
mod concurrency;
mod dispatcher;
mod eligibility;
mod halt;
mod recovery;
mod sender;

pub use concurrency::MOST_IN_FLIGHT;
pub(super) use dispatcher::{LONGEST_WAIT, Remaining, Role, dispatch};
pub(super) use eligibility::Eligibility;
pub(super) use recovery::settle_ended;
pub use recovery::take_over;
