//! The counts of a report: by country, by error code, by time.

pub(super) mod calling_codes;
pub(super) mod countries;
pub(super) mod durations;
pub(super) mod error_counts;
pub(super) mod timeline;
