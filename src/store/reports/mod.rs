//! Reads for people: counts, the rows of a report, lists compared with the store, and the consistency check.

pub(super) mod find;
pub(super) mod listing;
pub(super) mod rows;
pub(super) mod tally;
pub(super) mod verify;
