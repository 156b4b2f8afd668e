//! The keys of runs, rows and workers in the store.

use crate::model::RowNumber;

/// The key of a row in every table: its run and number in one integer, so that a run is one range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey(pub(in crate::store) i64);

impl RowKey {
    /// Bits for the row number: a trillion rows per run, eight million runs per store.
    pub(in crate::store) const ROW_BITS: u32 = 40;

    /// Returns the key of a row of the run with this internal id.
    #[must_use]
    pub fn new(run: i64, row: RowNumber) -> Self {
        Self((run << Self::ROW_BITS) | i64::try_from(row.0).unwrap_or(i64::MAX))
    }

    /// Returns the row's number.
    #[must_use]
    pub fn row(self) -> RowNumber {
        RowNumber((self.0 & ((1 << Self::ROW_BITS) - 1)).unsigned_abs())
    }

    /// Returns the internal id of the row's run.
    pub(in crate::store) fn run(self) -> i64 {
        self.0 >> Self::ROW_BITS
    }

    /// Returns a key below those of all rows of a run.
    pub(in crate::store) fn first(run: i64) -> i64 {
        run << Self::ROW_BITS
    }

    /// Returns a key not below those of any row of a run.
    pub(in crate::store) fn last(run: i64) -> i64 {
        Self::first(run + 1) - 1
    }
}

/// The worker of a run, named in every claim and outcome. A number is never reused, so a process that lost the run can
/// never pass for its owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WorkerId(pub(in crate::store) i64);

#[cfg(test)]
impl WorkerId {
    /// Creates one for tests that do not use a store.
    pub(crate) fn of_test(number: i64) -> Self {
        Self(number)
    }
}

/// The right to work on a run, until another process takes it over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The run's internal id.
    pub run: i64,
    /// The worker that owns it.
    pub worker: WorkerId,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_holds_its_run_and_row() {
        let key = RowKey::new(3, RowNumber(1_000_000));
        assert_eq!(key.row(), RowNumber(1_000_000));
        assert!(key.0 > RowKey::first(3) && key.0 <= RowKey::last(3));
        assert!(RowKey::new(3, RowNumber(u64::from(u32::MAX))) < RowKey::new(4, RowNumber(1)));
    }
}
