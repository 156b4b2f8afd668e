//! The INCS Messages API of the simulated provider.

mod refusal;
mod responses;
pub(super) mod rules;
pub(super) mod server;
