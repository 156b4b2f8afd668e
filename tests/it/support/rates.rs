//! How dense moments are.

use std::time::{Duration, Instant};

/// The most moments within any window of length `per`, its end excluded. `times` are in order.
pub(crate) fn max_in_any(times: &[Instant], per: Duration) -> usize {
    counts_from_each(times, per).into_iter().max().unwrap_or(0)
}

/// How many moments are within `per` from each of them on, itself included.
pub(crate) fn counts_from_each(times: &[Instant], per: Duration) -> Vec<usize> {
    (0..times.len()).map(|i| times[i..].iter().take_while(|at| **at < times[i] + per).count()).collect()
}
