//! Sending: claims rows and records the outcomes of the claims.

pub(super) mod accounts; // pauses of accounts, and the rate that processes share
pub(super) mod advance; // the one operation that moves a run forward; counts the messages of a day
pub(super) mod claims; // rows taken to be sent
pub(super) mod consequences; // what follows from outcomes
pub(super) mod outcomes; // outcomes of claims
pub(super) mod past_attempts; // attempts that are no longer their row's latest
pub(super) mod waiting_rows; // rows that wait to be sent
