//! The keys by which the store knows runs, rows and workers.

use crate::model::RowNumber;

/// The key of a row in every table: its run and its number in one integer, so that a run is one range.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowKey(pub(in crate::store) i64);

impl RowKey {
    /// Bits for the row's number: a million million rows a run, eight million runs a store.
    pub(in crate::store) const ROW_BITS: u32 = 40;

    /// The key of this row of the run with this internal id.
    #[must_use]
    pub fn new(run: i64, row: RowNumber) -> Self {
        Self((run << Self::ROW_BITS) | i64::try_from(row.0).unwrap_or(i64::MAX))
    }

    /// The row's number.
    #[must_use]
    pub fn row(self) -> RowNumber {
        RowNumber((self.0 & ((1 << Self::ROW_BITS) - 1)).unsigned_abs())
    }

    /// Below the keys of all rows of a run.
    pub(in crate::store) fn first(run: i64) -> i64 {
        run << Self::ROW_BITS
    }

    /// Not below the key of any row of a run.
    pub(in crate::store) fn last(run: i64) -> i64 {
        Self::first(run + 1) - 1
    }
}

/// Who works on a run: every claim and every outcome names it. A number is given once and never again, so that a
/// process that lost the run can never pass for the one that has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WorkerId(pub(in crate::store) i64);

#[cfg(test)]
impl WorkerId {
    /// One for tests of what does not ask the store.
    pub(crate) fn of_test(number: i64) -> Self {
        Self(number)
    }
}

/// The right to work on a run, as long as nobody else takes the run up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Owner {
    /// The run, by the store's own number.
    pub run: i64,
    /// Who owns it.
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
