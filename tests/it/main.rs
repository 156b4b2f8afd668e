//! The real binary against a real HTTP server and real files. One binary, so that it links once.
//!
//! Each folder proves one promise to a user, from outside: the exit code, what the provider received, what the report
//! says. A test of a function stands next to the function in `src`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "clippy knows that a test may, but not that its helpers are tests too"
)]

mod commands; // what each command prints, changes and returns
mod documents; // what our documents and the provider's show is what happens
mod input; // which files, numbers, texts and messages are taken or refused
mod project; // the rules of this repository
mod recovery; // crashes, signals, failing disks, two processes, copied stores
mod sending; // from the first request to the last status
mod service; // `campaigner serve`: schedule, HTTP, webhook, notification
mod support; // everything that the other folders share
mod templates; // templates pulled, changed, and compared with campaigns
