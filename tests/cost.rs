//! What a message costs, counted and not timed: allocations from the store to the outcome. A tenth more than
//! [`ALLOCATIONS`] fails, so no change makes a message dearer unnoticed; a fifth less fails too, so the number stays
//! true.
//!
//! A binary of its own, since it counts every allocation of its process.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]

use std::alloc::System;
use std::net::SocketAddr;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[path = "../benches/sending/mod.rs"]
mod sending;

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Allocations per message.
const ALLOCATIONS: f64 = 20.0;

#[test]
fn a_message_costs_as_many_allocations_as_stated() {
    let address = sending::provider();
    // What is made once a run, and once a process, is the same in both.
    let (few, many) = (2_000, 6_000);
    // The least of a few: how many messages share a commit is up to the machine.
    let cost = || (send(address, many) - send(address, few)) as f64 / f64::from(many - few);
    let cost = (0..3).map(|_| cost()).fold(f64::INFINITY, f64::min);
    println!("{cost:.1} allocations per message, {ALLOCATIONS} stated");
    assert!(
        cost <= ALLOCATIONS * 1.1,
        "a message costs {cost:.1} allocations: make it cheaper, or say why it is dearer"
    );
    assert!(cost >= ALLOCATIONS * 0.8, "a message costs {cost:.1} allocations: lower the number");
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
