//! Sending: rows are claimed, and what comes of the claims is recorded.

pub(super) mod accounts; // until when an account is to get no request
pub(super) mod advance; // the one operation that moves a run forward
pub(super) mod claims; // rows taken to be sent
pub(super) mod outcomes; // what came of them
pub(super) mod past_attempts; // attempts that are no longer their row's latest
