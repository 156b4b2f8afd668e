//! The provider over HTTP: sends one message, asks for up to 100 statuses, reads what it calls back with.
//!
//! Speaks the INCS Messages API; the simulator speaks the same, so both are reached by this code. What an answer or a
//! failure means is decided in `incs::classify` and nowhere else. This module makes one request a call: it never retries,
//! never waits for a reservation, and knows nothing of rows or the store.

mod endpoint;
mod error;
mod http;
mod incs;

pub use endpoint::{Endpoint, EndpointError, INCS_BASE_URL};
pub use error::{PollError, SetupError};
pub use http::answer::LONGEST_WISH;
pub use incs::client::{LONGEST_URL, MOST_IDS, Provider};
pub use incs::error_codes::advice;
#[cfg(fuzzing)]
pub use incs::fuzzing;
pub use incs::webhook::{BadCallback, Callback, callback};
