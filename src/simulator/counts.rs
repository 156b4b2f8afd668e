//! What the simulated provider was asked and what it answered, in numbers.
//!
//! Counted for tests and load tests; nothing the simulator does depends on it.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many requests went which way since the start.
///
/// Each send is in exactly one of `accepted`, `refused`, `errors` and `throttled`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages accepted, with those whose answer was lost.
    pub accepted: u64,
    /// Requests of any kind refused for what they were: their path, credential or content.
    pub refused: u64,
    /// Sends refused with code 500, as ordered.
    pub errors: u64,
    /// Sends refused with code 429.
    pub throttled: u64,
    /// Messages accepted whose connection was closed without an answer.
    pub dropped: u64,
    /// Messages accepted that were never answered.
    pub hung: u64,
    /// Status requests answered.
    pub polls: u64,
    /// Ids in those requests, known or not.
    pub ids_polled: u64,
    /// Callbacks that were taken.
    pub called: u64,
    /// Callbacks that were not, however often it was tried.
    pub uncalled: u64,
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
    pub(super) polls: AtomicU64,
    pub(super) ids_polled: AtomicU64,
    pub(super) called: AtomicU64,
    pub(super) uncalled: AtomicU64,
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
            polls: read(&self.polls),
            ids_polled: read(&self.ids_polled),
            called: read(&self.called),
            uncalled: read(&self.uncalled),
        }
    }
}

/// Counts one.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
