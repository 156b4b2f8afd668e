//! Windows: whether a row may be sent at a moment, and if not, when.
//!
//! A row's time zone comes from its own column, else from its number, else from the campaign. A number of a country
//! with several zones may be in any of them, and is sent to only while the window is open in all. A row whose time zone
//! is unknown is not sent: it is reported as a problem of the list before anything is sent.
//!
//! All functions take the time as an argument. This module reads no clock, no store and no file.

mod hours;
mod row_timing;
mod time_zones;

#[cfg(test)]
mod tests;

pub use hours::{Hours, Stretch};
pub use row_timing::{MaySend, NoColumn, RowTimes, RowTiming};
pub use time_zones::{day_of, local, zones_of};
