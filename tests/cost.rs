//! What a message costs, counted and not timed: allocations from the store to the outcome. The change log says how many
//! there are; more than a tenth above that fails here, so that no change makes a message dearer without a word.
//!
//! A binary of its own, since it counts every allocation of its process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::alloc::System;
use std::net::SocketAddr;
use std::path::Path;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[path = "../benches/sending/mod.rs"]
mod sending;

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// In the change log: `A message costs 22 allocations`.
const WORDS: (&str, &str) = ("A message costs ", " allocations");

#[test]
fn a_message_costs_no_more_allocations_than_the_change_log_says() {
    let told = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("CHANGELOG.md")).unwrap();
    let told = told.split(WORDS.0).nth(1).and_then(|rest| rest.split(WORDS.1).next()).unwrap();
    let told: f64 = told.parse().expect("the change log says how many");
    let address = sending::provider();
    // What is made once a run, and once a process, is the same in both.
    let (few, many) = (2_000, 6_000);
    // The least of a few: how many messages share a commit is up to the machine.
    let cost = || (send(address, many) - send(address, few)) as f64 / f64::from(many - few);
    let cost = (0..3).map(|_| cost()).fold(f64::INFINITY, f64::min);
    println!("{cost:.1} allocations a message, {told} told");
    assert!(
        cost <= told * 1.1,
        "a message costs {cost:.1} allocations, and the change log says {told}: make it cheaper, or say why it is dearer"
    );
    assert!(
        cost >= told * 0.8,
        "a message costs {cost:.1} allocations: tell in the change log that {told} are too many"
    );
}

/// Allocations while so many messages are sent.
fn send(address: SocketAddr, rows: u32) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let job = runtime.block_on(sending::planned(folder.path(), rows, 16, address));
    let counted = Region::new(COUNTED);
    runtime.block_on(sending::send(job, rows));
    counted.change().allocations
}
