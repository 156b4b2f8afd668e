//! How many messages were accepted when, in a bounded number of buckets that grow wider with the run.
//!
//! The result depends on the times alone, not on the order in which they come.

use std::collections::BTreeMap;

use crate::model::Millis;

/// Buckets at most: more would be thinner than a chart can show.
const BUCKETS: i64 = 240;

/// Widths in seconds, each a multiple of the one before it, so that whole buckets can be merged. Beyond the last, the
/// width doubles.
const WIDTHS: [i64; 13] = [1, 2, 10, 30, 60, 120, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400];

/// Counts of messages over time.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    width: i64,
    counts: BTreeMap<i64, u64>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self { width: WIDTHS[0], counts: BTreeMap::new() }
    }
}

impl Timeline {
    /// Counts one message at this time.
    pub(super) fn add(&mut self, at: Millis) {
        *self.counts.entry(at.0.div_euclid(1000).div_euclid(self.width)).or_default() += 1;
        while self.span() > BUCKETS {
            self.widen();
        }
    }

    /// The width of a bucket in seconds.
    pub(super) fn width(&self) -> i64 {
        self.width
    }

    /// The start of each bucket and its count, from the first to the last that has something, empty ones included.
    pub(super) fn buckets(&self) -> Vec<(Millis, u64)> {
        let (Some((first, _)), Some((last, _))) = (self.counts.first_key_value(), self.counts.last_key_value()) else {
            return Vec::new();
        };
        (*first..=*last)
            .map(|index| {
                (
                    Millis(index.saturating_mul(self.width).saturating_mul(1000)),
                    self.counts.get(&index).copied().unwrap_or(0),
                )
            })
            .collect()
    }

    fn span(&self) -> i64 {
        match (self.counts.first_key_value(), self.counts.last_key_value()) {
            (Some((first, _)), Some((last, _))) => last - first + 1,
            _ => 0,
        }
    }

    fn widen(&mut self) {
        let wider = WIDTHS.into_iter().find(|width| *width > self.width).unwrap_or(self.width * 2);
        let merged = wider / self.width;
        let mut counts = BTreeMap::new();
        for (index, count) in std::mem::take(&mut self.counts) {
            *counts.entry(index.div_euclid(merged)).or_default() += count;
        }
        self.counts = counts;
        self.width = wider;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(seconds: impl IntoIterator<Item = i64>) -> Timeline {
        let mut all = Timeline::default();
        for second in seconds {
            all.add(Millis(second * 1000));
        }
        all
    }

    #[test]
    fn a_short_run_is_shown_by_the_second() {
        let all = timeline([100, 100, 103]);
        assert_eq!(all.width(), 1);
        let counts = [(100_000, 2), (101_000, 0), (102_000, 0), (103_000, 1)];
        assert_eq!(all.buckets(), counts.map(|(at, count)| (Millis(at), count)));
        assert_eq!(Timeline::default().buckets(), []);
    }

    #[test]
    fn a_long_run_loses_detail_and_no_message() {
        let all = timeline(0..100_000);
        assert_eq!(all.width(), 600);
        assert_eq!(all.buckets().len(), 167);
        assert_eq!(all.buckets()[1], (Millis(600_000), 600));
        assert_eq!(all.buckets().iter().map(|(_, count)| count).sum::<u64>(), 100_000);
    }

    #[test]
    fn the_order_of_the_times_does_not_matter() {
        let forwards = timeline((0..5_000).map(|step| step * 17 - 9_000));
        let backwards = timeline((0..5_000).rev().map(|step| step * 17 - 9_000));
        assert_eq!(forwards.buckets(), backwards.buckets());
        assert_eq!(forwards.width(), backwards.width());
    }

    #[test]
    fn widths_can_be_merged() {
        assert!(WIDTHS.windows(2).all(|pair| pair[1] % pair[0] == 0));
    }

    #[test]
    fn absurd_times_are_bounded() {
        let mut all = Timeline::default();
        for at in [i64::MIN, -1, 0, 1_774_249_921_999, i64::MAX] {
            all.add(Millis(at));
        }
        assert!(all.buckets().len() <= 240);
        assert_eq!(all.buckets().iter().map(|(_, count)| count).sum::<u64>(), 5);
    }
}
