//! Runs and what people decide about them.

pub(super) mod decisions; // rows requeued, cancelled, resolved
pub(super) mod forget; // replies, tests and people outside of runs, deleted
pub(super) mod lifecycle; // started, found, taken over, moved through their stages
pub(super) mod occurrences; // the times at which scheduled campaigns are due
pub(super) mod purge; // rows deleted, counts kept
pub(super) mod senders; // which workers may claim rows
pub(super) mod suppression; // numbers that get nothing
pub(super) mod test_messages; // single messages outside every run
pub(super) mod workers; // who sends a run, on a server that several processes share
