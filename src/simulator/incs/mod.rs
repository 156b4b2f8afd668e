//! The simulated INCS Messages API: sending a message, and asking for the statuses of messages.
//!
//! [`server`] answers requests. It reads a message as [`json`] and checks it against [`rules`]; a request that
//! breaks one gets a [`refusal`]. [`responses`] writes the JSON of every answer.

mod json;
mod refusal;
mod responses;
mod rules;
mod server;

#[cfg(any(test, fuzzing))]
pub(super) use rules::validate;
pub(super) use server::IncsServer;
