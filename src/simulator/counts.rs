//! How many requests the simulated provider answered in which way.
//!
//! For tests and load tests; the simulator does not depend on it.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many requests were answered in which way since the start.
///
/// Each send counts in exactly one of `accepted`, `refused`, `errors` and `throttled`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages accepted, including those whose response was lost.
    pub accepted: u64,
    /// Requests of any kind refused for their path, credential or content.
    pub refused: u64,
    /// Sends refused with code 500, as `error_rate` demands.
    pub errors: u64,
    /// Sends refused with code 429.
    pub throttled: u64,
    /// Messages accepted whose connection was closed without a response.
    pub dropped: u64,
    /// Messages accepted whose response never came.
    pub hung: u64,
    /// Messages that Meta accepted and held.
    pub held: u64,
    /// Status requests answered.
    pub polls: u64,
    /// Ids in those requests, known or not.
    pub ids_polled: u64,
    /// Webhooks that the receiver accepted.
    pub webhooks_accepted: u64,
    /// Webhooks that it did not accept at any attempt.
    pub webhooks_failed: u64,
}

/// The counters behind [`Counts`].
#[derive(Default)]
pub(super) struct Counters {
    pub(super) accepted: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) errors: AtomicU64,
    pub(super) throttled: AtomicU64,
    pub(super) dropped: AtomicU64,
    pub(super) hung: AtomicU64,
    pub(super) held: AtomicU64,
    pub(super) polls: AtomicU64,
    pub(super) ids_polled: AtomicU64,
    pub(super) webhooks_accepted: AtomicU64,
    pub(super) webhooks_failed: AtomicU64,
}

impl Counters {
    pub(super) fn read(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            accepted: read(&self.accepted),
            refused: read(&self.refused),
            errors: read(&self.errors),
            throttled: read(&self.throttled),
            dropped: read(&self.dropped),
            hung: read(&self.hung),
            held: read(&self.held),
            polls: read(&self.polls),
            ids_polled: read(&self.ids_polled),
            webhooks_accepted: read(&self.webhooks_accepted),
            webhooks_failed: read(&self.webhooks_failed),
        }
    }
}

/// Adds one to a counter.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
