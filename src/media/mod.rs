//! Media: asks the servers of media files what they would give the provider, without reading the files.
//!
//! One question a file where it is answered well: HEAD. What HEAD does not show to be right is asked with GET for the
//! first byte, since that is closer to what the provider does. What a file may be is told from outside; nothing here
//! knows channels, campaigns or rows, and no credential is ever sent along. What follows `?` in a link may be a
//! secret: it is in no finding and no log.

mod finding;
mod network_policy;
mod prober;
mod response;

#[cfg(test)]
mod tests;

pub use finding::{File, Hosts};
pub use prober::{AskError, MediaProber, shown};
