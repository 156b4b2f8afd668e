//! `campaigner` as a library: everything but the command line is here for tests and benches.

pub mod model;
