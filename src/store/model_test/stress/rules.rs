//! The rules that several workers depend on: without any one of them, the stress fails. Some stand in statements, and
//! the others are the engine's.

use super::super::guards::{Pieces, is_needed};
use super::{Without, stress};
use crate::store::tests::server;

/// Rows and seeds of each try.
const ROWS: u64 = 60;
const SEEDS: u64 = 100;

/// Checks that the stress fails without a rule.
fn fails_without(pieces: Pieces, without: Without) {
    if server::url().is_some() {
        let all = |seed| stress(seed, ROWS, Some(without)).unwrap().map(drop);
        is_needed(pieces, || (0..SEEDS).try_for_each(all));
    }
}

#[test]
#[ignore = "takes up to a minute: cargo test --lib stress -- --ignored"]
fn whoever_writes_locks_the_store_first() {
    fails_without(
        &[("SELECT mark, went_back FROM store FOR UPDATE", "SELECT mark, went_back FROM store")],
        Without::Guard,
    );
}

#[test]
fn the_number_of_a_claim_is_never_used_again() {
    let reused =
        &[("claim = claim + 1", "claim = attempts + 1"), ("d.claim, d.attempts,", "d.attempts AS claim, d.attempts,")];
    fails_without(reused, Without::Guard);
}

#[test]
fn an_outcome_counts_for_the_claim_that_it_names() {
    fails_without(&[("AND delivery.claim = CAST(o.v ->> 1 AS BIGINT)", "")], Without::Guard);
}

#[test]
fn an_outcome_counts_for_the_worker_that_made_the_claim() {
    fails_without(&[("AND delivery.worker = CAST(o.v ->> 2 AS BIGINT)", "")], Without::Guard);
}

#[test]
#[ignore = "takes up to a minute: cargo test --lib stress -- --ignored"]
fn an_outcome_counts_for_a_row_that_is_being_sent() {
    fails_without(&[("AND delivery.state + 0 = 1", "")], Without::Guard);
}

#[test]
fn a_late_outcome_carries_the_number_of_the_worker_that_claimed() {
    fails_without(&[], Without::Worker);
}

#[test]
fn a_late_acceptance_stops_a_row_that_waits() {
    fails_without(&[("p.outcome IN (2, 3, 4, 5) AND", "false AND")], Without::Guard);
}

#[test]
fn a_late_outcome_reopens_the_run() {
    fails_without(&[("iif($2, NULL, dispatched_at)", "dispatched_at")], Without::Guard);
}

#[test]
fn a_process_that_was_ended_claims_nothing() {
    fails_without(&[(" AND NOT coalesce(l.ended, false)", "")], Without::Guard);
}

#[test]
fn a_paused_run_is_not_claimed() {
    fails_without(&[(" OR r.paused_at IS NOT NULL AS is_held", " AS is_held")], Without::Guard);
}

#[test]
fn a_suppressed_number_is_not_claimed() {
    let looked_at =
        &[("iif(EXISTS (SELECT 1 FROM suppression s WHERE s.phone = r.phone), 1, 0) AS suppressed", "0 AS suppressed")];
    fails_without(looked_at, Without::Guard);
}

#[test]
fn what_a_living_worker_has_in_flight_is_in_no_doubt() {
    fails_without(&[("s.is_joined AND NOT p.ended)", "false)")], Without::Guard);
}

#[test]
#[ignore = "takes up to a minute: cargo test --lib stress -- --ignored"]
fn what_others_left_is_settled_by_the_owner_alone() {
    fails_without(&[], Without::OfOthers);
}

#[test]
#[ignore = "takes up to a minute: cargo test --lib stress -- --ignored"]
fn a_status_leaves_a_row_alone_that_is_being_sent() {
    fails_without(&[("d.state IN (0, 9)", "d.state IN (0, 1, 9)")], Without::Guard);
}

#[test]
#[ignore = "takes up to a minute: cargo test --lib stress -- --ignored"]
fn after_an_error_a_worker_waits_for_the_end_of_its_step() {
    fails_without(&[], Without::Wait);
}

#[test]
fn after_an_error_a_worker_releases_what_it_does_not_know() {
    fails_without(&[], Without::Release);
}
