//! The guards that keep anyone from getting two messages: without any one of them, the model test fails.

use std::cell::Cell;
use std::fmt::Display;

use proptest::test_runner::TestError;
use sqlx::AssertSqlSafe;

use super::{Case, found, run};

/// Pieces of statements, each with its replacement.
pub(super) type Pieces = &'static [(&'static str, &'static str)];

thread_local! {
    /// The replacements in this thread's statements, and which pieces were found, one bit each.
    static LEFT_OUT: Cell<(Pieces, u32)> = const { Cell::new((&[], 0)) };
}

/// Returns a statement without the guard that is currently left out.
pub(in crate::store) fn guarded(statement: &'static str) -> AssertSqlSafe<String> {
    let (pieces, mut found) = LEFT_OUT.get();
    let mut text = statement.to_owned();
    for (bit, (piece, instead)) in pieces.iter().enumerate().filter(|(_, (piece, _))| statement.contains(piece)) {
        text = text.replace(piece, instead);
        found |= 1 << bit;
    }
    LEFT_OUT.set((pieces, found));
    AssertSqlSafe(text)
}

/// Checks that something breaks in `test` if these pieces are left out of the statements.
pub(super) fn is_needed<E: Display>(pieces: Pieces, test: impl FnOnce() -> Result<(), E>) {
    LEFT_OUT.set((pieces, 0));
    let done = test();
    let (_, found) = LEFT_OUT.replace((&[], 0));
    assert_eq!(found + 1, 1 << pieces.len(), "a piece is in none of the statements that pass through `guarded`");
    let broken = done.expect_err("nothing breaks without it").to_string();
    assert!(!broken.contains("the store could not"), "what is left is no statement: {broken}");
}

/// The model test, with more cases.
fn model() -> Result<(), TestError<Case>> {
    run(200, 0)
}

#[test]
fn an_outcome_counts_for_the_claim_that_it_names() {
    is_needed(&[("AND delivery.claim = CAST(o.v ->> 1 AS BIGINT)", "")], model);
}

#[test]
fn an_outcome_counts_for_the_worker_that_made_the_claim() {
    is_needed(&[("AND delivery.worker = CAST(o.v ->> 2 AS BIGINT)", "")], model);
    is_needed(&[("AND delivery.worker = CAST(o.v ->> 2 AS BIGINT)", "")], found::restored);
}

#[test]
fn an_outcome_counts_for_a_row_that_is_being_sent() {
    is_needed(&[("AND delivery.state + 0 = 1", "")], model);
}

#[test]
fn the_number_of_a_claim_is_never_used_again() {
    let reused =
        &[("claim = claim + 1", "claim = attempts + 1"), ("d.claim, d.attempts,", "d.attempts AS claim, d.attempts,")];
    is_needed(reused, model);
}

#[test]
fn a_late_acceptance_stops_a_row_that_was_claimed_again() {
    is_needed(&[("p.outcome IN (2, 3, 4, 5) AND", "false AND")], found::late_acceptance);
}

#[test]
fn a_suppressed_row_that_may_have_been_accepted_is_uncertain() {
    let unsent = &[("next_attempt_at = NULL, state = iif(in_doubt, $3, $2)", "next_attempt_at = NULL, state = $2")];
    is_needed(unsent, found::suppressed_in_doubt);
}

#[test]
fn a_cancelled_row_that_may_have_been_accepted_is_uncertain() {
    let unsent = &[("state = iif(in_doubt, $3, $2), next_attempt_at = NULL", "state = $2, next_attempt_at = NULL")];
    is_needed(unsent, found::cancelled_in_doubt);
}

#[test]
fn a_row_that_is_sent_again_stays_in_doubt() {
    is_needed(&[("in_doubt = (in_doubt OR $4)", "in_doubt = $4")], found::failed_in_doubt);
}
