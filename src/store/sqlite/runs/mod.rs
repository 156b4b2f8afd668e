//! Runs and what people decide about them.

pub(super) mod decisions; // rows sent again, cancelled, resolved, suppressed
pub(super) mod lifecycle; // started, found, taken up, moved through their stages
pub(super) mod occurrences; // the times at which scheduled campaigns are due
