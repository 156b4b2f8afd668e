//! Short sequences that each depend on one rule. Most of them are faults that the model test found.

use proptest::prelude::*;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _};

use super::op::{Ended, Op, SendResponse, settlement};
use super::world::World;
use super::{Case, Done, holds, in_runtime};
use crate::store::{Step, Store, StoreError};

const UNCERTAIN: u8 = 4;
const FAILED: u8 = 8;
const IS_FAILED: u8 = 3;

pub(super) const TAKE_UP: Op = Op::TakeUp { limit: None };
const WAIT: Op = Op::Wait { millis: 1_000 };

/// A step of this worker that hands in everything it knows.
pub(super) fn step(worker: u8, want: u8) -> Op {
    Op::Step { worker, some: u8::MAX, again: None, want, answer_is_lost: false }
}

pub(super) fn send(worker: u8, response: SendResponse) -> Op {
    Op::Send { worker, flight: 0, response }
}

/// Whether a run of one row keeps the rules if this happens.
fn case(resend: bool, ops: &[&[Op]]) -> Done {
    holds(&Case { rows: 1, resend, ops: ops.concat() })
}

/// A status comes before the message's acceptance is recorded.
pub(super) fn early_status() -> Done {
    let status = Op::Webhook { message: 0, status: IS_FAILED, named: false };
    case(false, &[&[TAKE_UP, step(0, 1), send(0, SendResponse::Accepted), status, step(0, 0)]])
}

/// A row is in doubt, and a later message of it fails.
pub(super) fn failed_in_doubt() -> Done {
    let in_doubt = [TAKE_UP, step(0, 1), send(0, SendResponse::AcceptedUnheard), step(0, 0)];
    let retried = [Op::Requeue { states: UNCERTAIN }, step(0, 1), send(0, SendResponse::Accepted), step(0, 0)];
    let failed = [Op::Webhook { message: 1, status: IS_FAILED, named: false }, Op::Requeue { states: FAILED }];
    case(false, &[&in_doubt, &retried, &failed, &[step(0, 1), send(0, SendResponse::Refused), step(0, 0)]])
}

/// An acceptance comes late, and its row was claimed again since: by a claim that was released, or is released later.
pub(super) fn late_acceptance() -> Done {
    let claimed_again = [TAKE_UP, step(0, 1), TAKE_UP, step(1, 0), WAIT, step(1, 1)];
    for rest in [
        [step(1, 0), send(0, SendResponse::Accepted), step(0, 0)],
        [send(0, SendResponse::Accepted), step(0, 0), step(1, 0)],
    ] {
        case(true, &[&claimed_again, &rest, &[WAIT, step(1, 1)]])?;
    }
    Ok(())
}

/// A message is accepted twice, because the campaign says `resend`.
pub(super) fn accepted_twice() -> Done {
    let claimed_again = [TAKE_UP, step(0, 1), send(0, SendResponse::Accepted), TAKE_UP, step(1, 0), WAIT];
    case(true, &[&claimed_again, &[step(1, 1), send(1, SendResponse::Accepted), step(1, 0), step(0, 0)]])
}

/// A row that waits to be resent may have been accepted, and is stopped.
fn stopped_in_doubt(stop: &[Op]) -> Done {
    case(true, &[&[TAKE_UP, step(0, 1), send(0, SendResponse::AcceptedUnheard), step(0, 0)], stop, &[WAIT, step(0, 1)]])
}

/// Its number is suppressed.
pub(super) fn suppressed_in_doubt() -> Done {
    stopped_in_doubt(&[Op::Suppress { row: 0 }])
}

/// Its run is cancelled.
pub(super) fn cancelled_in_doubt() -> Done {
    stopped_in_doubt(&[Op::Cancel, Op::CancelWaiting])
}

/// Its deadline passes.
pub(super) fn expired_in_doubt() -> Done {
    stopped_in_doubt(&[WAIT, Op::Defer { rows: 1, expires: 0 }])
}

/// An older copy of the store continues, on a person's request: it reuses a claim number for another worker. Then the
/// outcome of the first claim arrives.
pub(super) fn restored() -> Done {
    in_runtime(async {
        let mut world = World::new(1, false).await?;
        world.take_over(None).await?;
        let first = world.owner;
        let copy = world.store.path().unwrap().with_file_name("copy.db");
        let reader = SqliteConnectOptions::new().filename(world.store.path().unwrap()).read_only(true);
        let into = AssertSqlSafe(format!("VACUUM INTO '{}'", copy.display()));
        sqlx::raw_sql(into).execute(&mut reader.connect().await?).await?;
        let now = world.now;
        let claim = |want| Step { want, now, ..Step::default() };
        let lost = world.store.advance(first, &claim(1)).await?.attempts;
        let store = Store::open_or_make(&copy).await?;
        store.may_send(true).await?;
        let second = store.take_over(world.run.key, None, now).await?;
        let claimed = store.advance(second, &claim(1)).await?.attempts;
        prop_assert!(first.worker != second.worker && lost[0].claim.number == claimed[0].claim.number);
        let settlements = vec![settlement(lost[0].claim, Ended::Again, false, now)];
        let step = Step { settlements, now, ..Step::default() };
        prop_assert!(matches!(store.advance(first, &step).await, Err(StoreError::NotOwner(_))));
        prop_assert!(store.claims(second, true).await? == [claimed[0].claim], "the row is being sent");
        Ok(())
    })
}

#[test]
fn an_outcome_from_before_a_restore_is_not_taken_for_that_of_a_later_claim() {
    restored().unwrap();
}

#[test]
fn an_early_status_does_not_keep_the_outcome_from_being_recorded() {
    early_status().unwrap();
}

#[test]
fn a_row_stays_in_doubt_when_a_later_message_failed_and_it_is_sent_again() {
    failed_in_doubt().unwrap();
}

#[test]
fn a_late_acceptance_stops_a_row_that_was_claimed_again() {
    late_acceptance().unwrap();
}

#[test]
fn two_acceptances_are_consistent_where_the_campaign_says_resend() {
    accepted_twice().unwrap();
}

#[test]
fn a_row_that_may_have_been_accepted_is_uncertain_when_it_is_stopped() {
    suppressed_in_doubt().unwrap();
    cancelled_in_doubt().unwrap();
    expired_in_doubt().unwrap();
}
