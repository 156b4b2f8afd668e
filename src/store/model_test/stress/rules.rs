//! The rules that several workers depend on: without any one of them, the stress fails.

use super::super::guards::{Pieces, is_needed};
use super::{Without, stress};
use crate::store::tests::server;

/// Rows and seeds of each try.
const ROWS: u64 = 60;
const SEEDS: u64 = 40;

/// Checks that the stress fails without a rule.
fn fails_without(rule: &str, pieces: Pieces, without: Without) {
    if server::url().is_some() {
        let all = |seed| stress(seed, ROWS, Some(without)).unwrap().map(drop);
        is_needed(rule, pieces, || (0..SEEDS).try_for_each(all));
    }
}

/// Those that stand in statements, each with the piece that is left out.
const GUARDS: [(&str, Pieces); 10] = [
    ("whoever writes locks the store first", &[("SELECT id FROM store FOR UPDATE", "SELECT id FROM store")]),
    (
        "the number of a claim is never used again",
        &[("claim = claim + 1", "claim = attempts + 1"), ("d.claim, d.attempts,", "d.attempts AS claim, d.attempts,")],
    ),
    ("an outcome counts for the claim that it names", &[("AND delivery.claim = CAST(o.v ->> 1 AS BIGINT)", "")]),
    ("an outcome counts for the worker that claimed", &[("AND delivery.worker = CAST(o.v ->> 2 AS BIGINT)", "")]),
    ("an outcome counts for a row that is being sent", &[("AND delivery.state + 0 = 1", "")]),
    ("a process that was ended claims nothing", &[(" AND NOT coalesce(l.ended, false)", "")]),
    ("what a living worker has in flight is in no doubt", &[("s.is_joined AND NOT p.ended)", "false)")]),
    ("a late acceptance stops a row that waits", &[("p.outcome IN (2, 3, 4, 5) AND", "false AND")]),
    ("a status leaves a row alone that is being sent", &[("d.state IN (0, 9)", "d.state IN (0, 1, 9)")]),
    ("a late outcome reopens the run", &[("iif($2, NULL, dispatched_at)", "dispatched_at")]),
];

#[test]
fn each_guard_is_needed() {
    for (rule, pieces) in GUARDS {
        fails_without(rule, pieces, Without::Guard);
    }
}

#[test]
fn each_rule_of_the_engine_is_needed() {
    for without in [Without::OfOthers, Without::Wait, Without::Release, Without::Worker] {
        fails_without(&format!("{without:?}"), &[], without);
    }
}
