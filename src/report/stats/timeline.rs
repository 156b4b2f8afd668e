//! Counts events over time, in a bounded number of buckets that become wider for a longer run.
//!
//! The result depends only on the times, not on their order.

use crate::model::Millis;

/// The most buckets. More would be too thin for a chart.
const MAX_BUCKETS: i64 = 240;

/// Widths in seconds, each a multiple of the previous one, so that whole buckets can be merged. After the last one, the
/// width doubles.
const WIDTHS: [i64; 13] = [1, 2, 10, 30, 60, 120, 600, 1_800, 3_600, 7_200, 21_600, 43_200, 86_400];

/// Counts of `N` kinds of events over time.
#[derive(Clone, Debug)]
pub(in crate::report) struct Timeline<const N: usize> {
    /// The width of a bucket, in seconds.
    width: i64,
    /// The start of the first bucket, in widths since 1970.
    first: i64,
    counts: Vec<[u64; N]>,
}

impl<const N: usize> Default for Timeline<N> {
    fn default() -> Self {
        Self { width: WIDTHS[0], first: 0, counts: Vec::new() }
    }
}

impl<const N: usize> Timeline<N> {
    /// Counts one event of this kind at this time.
    pub(in crate::report) fn add(&mut self, kind: usize, at: Millis) {
        let second = at.0.div_euclid(1000);
        let mut index = second.div_euclid(self.width);
        while !self.reach(index) {
            self.widen();
            index = second.div_euclid(self.width);
        }
        let bucket = usize::try_from(index - self.first).ok().and_then(|bucket| self.counts.get_mut(bucket));
        if let Some(count) = bucket.and_then(|bucket| bucket.get_mut(kind)) {
            *count += 1;
        }
    }

    /// Returns the width of a bucket in seconds.
    pub(in crate::report) fn width(&self) -> i64 {
        self.width
    }

    /// Returns the start and the counts of each bucket, from the first to the last that is not empty, including empty
    /// ones in between.
    pub(in crate::report) fn buckets(&self) -> impl ExactSizeIterator<Item = (Millis, [u64; N])> + '_ {
        let start = |index: i64| Millis(index.saturating_mul(self.width).saturating_mul(1000));
        self.counts.iter().enumerate().map(move |(bucket, counts)| {
            (start(self.first.saturating_add(i64::try_from(bucket).unwrap_or(i64::MAX))), *counts)
        })
    }

    /// Adds buckets up to this one; returns `false` if there would be too many.
    fn reach(&mut self, index: i64) -> bool {
        let held = i64::try_from(self.counts.len()).unwrap_or(i64::MAX);
        let first = if held == 0 { index } else { self.first.min(index) };
        let end = (self.first + held).max(index + 1);
        let end = if held == 0 { index + 1 } else { end };
        if end - first > MAX_BUCKETS {
            return false;
        }
        let before = usize::try_from(self.first - first).unwrap_or(0);
        if held > 0 && before > 0 {
            self.counts.splice(..0, std::iter::repeat_n([0; N], before));
        }
        self.counts.resize(usize::try_from(end - first).unwrap_or(0), [0; N]);
        self.first = first;
        true
    }

    fn widen(&mut self) {
        let wider = WIDTHS.into_iter().find(|width| *width > self.width).unwrap_or(self.width * 2);
        let merged = wider / self.width;
        let old =
            std::mem::replace(self, Self { width: wider, first: self.first.div_euclid(merged), counts: Vec::new() });
        for (counts, index) in old.counts.into_iter().zip(old.first..) {
            let bucket = usize::try_from(index.div_euclid(merged) - self.first).unwrap_or(0);
            if self.counts.len() <= bucket {
                self.counts.resize(bucket + 1, [0; N]);
            }
            for (sum, count) in self.counts[bucket].iter_mut().zip(counts) {
                *sum += count;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(seconds: impl IntoIterator<Item = i64>) -> Timeline<1> {
        let mut all = Timeline::default();
        for second in seconds {
            all.add(0, Millis(second * 1000));
        }
        all
    }

    fn buckets(all: &Timeline<1>) -> Vec<(Millis, u64)> {
        all.buckets().map(|(at, [count])| (at, count)).collect()
    }

    #[test]
    fn a_short_run_is_shown_by_the_second() {
        let all = timeline([103, 100, 100]);
        assert_eq!(all.width(), 1);
        let counts = [(100_000, 2), (101_000, 0), (102_000, 0), (103_000, 1)];
        assert_eq!(buckets(&all), counts.map(|(at, count)| (Millis(at), count)));
        assert_eq!(buckets(&Timeline::default()), []);
    }

    #[test]
    fn kinds_are_counted_separately() {
        let mut all = Timeline::<2>::default();
        for (kind, second) in [(1, 7), (0, 5), (1, 7), (0, 1_000)] {
            all.add(kind, Millis(second * 1000));
        }
        assert_eq!((all.width(), all.buckets().len()), (10, 101));
        assert_eq!(all.buckets().next(), Some((Millis(0), [1, 2])));
        assert_eq!(all.buckets().last(), Some((Millis(1_000_000), [1, 0])));
    }

    #[test]
    fn a_long_run_loses_detail_and_no_message() {
        let all = timeline(0..100_000);
        assert_eq!(all.width(), 600);
        assert_eq!(buckets(&all).len(), 167);
        assert_eq!(buckets(&all)[1], (Millis(600_000), 600));
        assert_eq!(buckets(&all).iter().map(|(_, count)| count).sum::<u64>(), 100_000);
    }

    #[test]
    fn the_order_of_the_times_does_not_matter() {
        let forwards = timeline((0..5_000).map(|step| step * 17 - 9_000));
        let backwards = timeline((0..5_000).rev().map(|step| step * 17 - 9_000));
        assert_eq!(buckets(&forwards), buckets(&backwards));
        assert_eq!(forwards.width(), backwards.width());
    }

    #[test]
    fn widths_can_be_merged() {
        assert!(WIDTHS.windows(2).all(|pair| pair[1] % pair[0] == 0));
    }

    #[test]
    fn absurd_times_are_bounded() {
        let mut all = Timeline::<1>::default();
        for at in [i64::MIN, -1, 0, 1_774_249_921_999, i64::MAX] {
            all.add(0, Millis(at));
        }
        assert!(buckets(&all).len() <= 240);
        assert_eq!(buckets(&all).iter().map(|(_, count)| count).sum::<u64>(), 5);
    }
}
