//! Media: asks the servers of media files what the provider would get, without reading the files.
//!
//! A HEAD request is enough if its answer is good. Otherwise a GET for the first byte follows, because it is closer to
//! what the provider does. The caller says what a file may be; this module does not know channels, campaigns or rows,
//! and never sends a credential. The query of a link may be a secret: no finding and no log contains it.

mod finding;
mod network_policy;
mod prober;
mod response;

#[cfg(test)]
mod tests;

pub use finding::{File, Hosts};
pub use prober::{AskError, MediaProber, shown};
