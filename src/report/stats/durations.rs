//! Durations over all rows: counts by whole seconds, percentiles, and buckets for a chart.
//!
//! Memory is bounded even if the provider's clock is wrong, see [`EXACT_UP_TO`].

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::Millis;

/// Durations below this many seconds (12 days) are counted to the second. Longer ones, which are common only with a
/// wrong clock, are rounded down to 12 significant bits (less than 0.05%), so that they cannot fill the memory.
const EXACT_UP_TO: u64 = 1 << 20;

/// Significant bits of a duration that is not counted to the second.
const LONG_BITS: u32 = 12;

/// The buckets of a chart: their exclusive upper ends in seconds, and their names.
const BUCKETS: [(u64, &str); 19] = [
    (1, "under 1 s"),
    (2, "1–2 s"),
    (5, "2–5 s"),
    (10, "5–10 s"),
    (20, "10–20 s"),
    (30, "20–30 s"),
    (60, "30–60 s"),
    (120, "1–2 min"),
    (300, "2–5 min"),
    (600, "5–10 min"),
    (1_200, "10–20 min"),
    (1_800, "20–30 min"),
    (3_600, "30–60 min"),
    (7_200, "1–2 h"),
    (21_600, "2–6 h"),
    (43_200, "6–12 h"),
    (86_400, "12–24 h"),
    (259_200, "1–3 days"),
    (u64::MAX, "over 3 days"),
];

/// Counts of durations in whole seconds.
#[derive(Clone, Debug, Default)]
pub(in crate::report) struct Durations {
    counts: BTreeMap<u64, u64>,
    total: u64,
    max: u64,
}

/// The spread of durations, in whole seconds; values are `None` without durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(in crate::report) struct Spread {
    /// The number of durations.
    pub(in crate::report) count: u64,
    /// Half of them took at most this long.
    pub(in crate::report) p50: Option<u64>,
    /// 90% of them took at most this long.
    pub(in crate::report) p90: Option<u64>,
    /// 99% of them took at most this long.
    pub(in crate::report) p99: Option<u64>,
    /// The longest.
    pub(in crate::report) max: Option<u64>,
}

impl Durations {
    /// Counts the time between two points, both cut to the second as in `recipients.csv`. A negative duration counts as
    /// 0, because the two times come from two clocks.
    pub(in crate::report) fn add(&mut self, from: Millis, to: Millis) {
        let seconds = to.0.div_euclid(1000).saturating_sub(from.0.div_euclid(1000));
        let seconds = u64::try_from(seconds).unwrap_or(0);
        *self.counts.entry(rounded(seconds)).or_default() += 1;
        self.total += 1;
        self.max = self.max.max(seconds);
    }

    /// Returns the percentiles by the nearest rank: the shortest duration that at least p per cent do not exceed.
    pub(in crate::report) fn spread(&self) -> Spread {
        Spread {
            count: self.total,
            p50: self.percentile(50),
            p90: self.percentile(90),
            p99: self.percentile(99),
            max: (self.total > 0).then_some(self.max),
        }
    }

    fn percentile(&self, percent: u64) -> Option<u64> {
        let rank = (self.total * percent).div_ceil(100);
        let mut seen = 0;
        self.counts.iter().find_map(|(seconds, count)| {
            seen += count;
            (seen >= rank).then_some(*seconds)
        })
    }

    /// Returns the buckets from the first to the last that is not empty, including empty ones in between.
    pub(in crate::report) fn buckets(&self) -> Vec<(&'static str, u64)> {
        let mut counts = [0; BUCKETS.len()];
        for (seconds, count) in &self.counts {
            let bucket = BUCKETS.partition_point(|(end, _)| end <= seconds).min(BUCKETS.len() - 1);
            counts[bucket] += count;
        }
        let first = counts.iter().position(|count| *count > 0).unwrap_or(BUCKETS.len());
        let end = counts.iter().rposition(|count| *count > 0).map_or(first, |last| last + 1);
        (first..end).map(|bucket| (BUCKETS[bucket].1, counts[bucket])).collect()
    }
}

fn rounded(seconds: u64) -> u64 {
    if seconds < EXACT_UP_TO {
        return seconds;
    }
    let cut = u64::BITS - seconds.leading_zeros() - LONG_BITS;
    seconds >> cut << cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn durations(seconds: impl IntoIterator<Item = i64>) -> Durations {
        let mut all = Durations::default();
        for second in seconds {
            all.add(Millis(0), Millis(second * 1000));
        }
        all
    }

    #[test]
    fn nothing_has_no_spread() {
        let none = Spread { count: 0, p50: None, p90: None, p99: None, max: None };
        assert_eq!(Durations::default().spread(), none);
        assert_eq!(Durations::default().buckets(), []);
    }

    #[test]
    fn percentiles_are_by_the_nearest_rank() {
        let spread = durations(1..=100).spread();
        assert_eq!(spread, Spread { count: 100, p50: Some(50), p90: Some(90), p99: Some(99), max: Some(100) });
        let spread = durations([7]).spread();
        assert_eq!(spread, Spread { count: 1, p50: Some(7), p90: Some(7), p99: Some(7), max: Some(7) });
        let spread = durations([1, 2, 3]).spread();
        assert_eq!(spread, Spread { count: 3, p50: Some(2), p90: Some(3), p99: Some(3), max: Some(3) });
    }

    #[test]
    fn two_clocks_that_disagree_give_zero() {
        let mut all = Durations::default();
        all.add(Millis(1_999), Millis(1_000));
        all.add(Millis(9_000), Millis(1_000));
        assert_eq!(all.spread().max, Some(0));
    }

    #[test]
    fn absurd_times_stay_bounded_and_near() {
        let mut all = Durations::default();
        for step in 0..100_000_i64 {
            all.add(Millis(0), Millis(2_000_000_000_000_000 + step * 1_000_000_000));
        }
        all.add(Millis(i64::MIN), Millis(i64::MAX));
        assert!(all.counts.len() < 1_000, "{}", all.counts.len());
        let p50 = all.spread().p50.unwrap();
        let exact = 2_049_999_000_000;
        assert!(p50 <= exact && exact - p50 < exact / 2_000, "{p50}");
    }

    #[test]
    fn buckets_start_and_end_with_one_that_is_not_empty() {
        let all = durations([1, 1, 3, 25, 25, 25]);
        assert_eq!(all.buckets(), [("1–2 s", 2), ("2–5 s", 1), ("5–10 s", 0), ("10–20 s", 0), ("20–30 s", 3)]);
        assert_eq!(durations([400_000]).buckets(), [("over 3 days", 1)]);
        assert_eq!(durations([0, 1, 259_200]).buckets().len(), BUCKETS.len());
    }
}
