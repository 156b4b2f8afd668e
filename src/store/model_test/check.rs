//! What must hold after every step.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use super::op::Op;
use super::world::{ALWAYS, Done, World};
use crate::model::{Channel, RowNumber, State};
use crate::store::sql::query_as;
use crate::store::{RowKey, Run, Wanted};

/// What the store says at one moment.
pub(super) struct Seen {
    run: Run,
    pub(super) states: BTreeMap<RowNumber, State>,
}

impl Seen {
    pub(super) async fn of(world: &World) -> Result<Self, TestCaseError> {
        let run = world.store.run(Some(&world.run.id)).await?;
        let rows: Vec<(i64, i64, bool)> = query_as(
            "SELECT r.id, coalesce(d.state, r.state), d.id IS NULL FROM recipient r LEFT JOIN delivery d ON d.id = r.id",
        )
        .fetch_all(&world.store.readers)
        .await?;
        let state = |state, is_new| match State::from_code(state) {
            Some(State::Pending) if is_new && run.cancelled_at.is_some() => Some(State::Cancelled),
            state => state,
        };
        let states = rows.into_iter().filter_map(|(id, code, is_new)| Some((RowKey(id).row(), state(code, is_new)?)));
        Ok(Self { states: states.collect(), run })
    }

    /// Returns the same as [`Seen::of`], from the report.
    pub(super) async fn reported(world: &World) -> Result<BTreeMap<RowNumber, State>, TestCaseError> {
        let run = world.store.run(Some(&world.run.id)).await?;
        let wanted = Wanted { cells: false, since: None };
        let mut rows = world.store.report_rows(&run, Channel::Whatsapp, wanted).await?;
        let mut states = BTreeMap::new();
        while let Some(mut page) = rows.page().await? {
            while let Some(row) = page.next_row()? {
                states.insert(row.row, row.state);
            }
        }
        Ok(states)
    }

    /// Compares the store with what the provider and the people know, and with what it said before `op`.
    pub(super) async fn after(op: &Op, before: &Self, world: &World) -> Result<Self, TestCaseError> {
        let seen = Self::of(world).await?;
        prop_assert_eq!(seen.states.len() as u64, world.rows, "a row is gone");
        let tally = world.store.tally(&seen.run).await?;
        for state in State::ALL {
            let rows = seen.states.values().filter(|other| **other == state).count() as u64;
            prop_assert_eq!(tally.of(state), rows, "{} rows", state);
        }
        for (row, state) in &seen.states {
            seen.told_nothing_wrong(*row, *state, world)?;
            stays(op, before.states[row], *state)
                .map_err(|what| TestCaseError::fail(format!("{row}: {} became {state}: {what}", before.states[row])))?;
        }
        seen.waiting_rows_are_due(world).await?;
        Ok(seen)
    }

    /// A row whose message arrived never counts as unsent, unless a person or the provider said so.
    fn told_nothing_wrong(&self, row: RowNumber, state: State, world: &World) -> Done {
        let said = world.said.get(&row).copied().unwrap_or_default();
        let is_unsent =
            matches!(state, State::Rejected | State::Exhausted | State::Suppressed | State::Cancelled | State::Expired);
        for ((_, number), made) in world.claims.range((row, 0)..=(row, u32::MAX)) {
            // A person's decision stands against an answer that came late, and gives way to a status that named the
            // message of a lost one.
            let was_reported = made.reported && made.recorded != Some(State::Accepted);
            let arrives = made.is_message() && !made.failed && (*number > said.what_became || was_reported);
            prop_assert!(!(is_unsent && arrives), "{row} is {state}, though claim {number} arrives");
        }
        Ok(())
    }

    /// Pending means due: a row to be sent either was never claimed or has a time, and no other row has one.
    async fn waiting_rows_are_due(&self, world: &World) -> Done {
        let due = world.store.due_rows(world.owner, false, ALWAYS, u32::MAX).await?;
        let new = world.store.new_rows(world.run.key, u32::MAX).await?;
        let mut waiting: Vec<_> = due.iter().map(|row| row.claim.key.row()).collect();
        if self.run.cancelled_at.is_none() {
            waiting.extend(new.iter().map(|row| row.claim.key.row()));
        }
        waiting.sort_unstable();
        let pending: Vec<_> = self.states.iter().filter(|(_, s)| **s == State::Pending).map(|(row, _)| *row).collect();
        prop_assert_eq!(&pending, &waiting, "pending rows, and rows that are due");
        for row in due {
            let said = world.said.get(&row.claim.key.row()).copied().unwrap_or_default();
            let mut claims = world.claims.range((row.claim.key.row(), 0)..(row.claim.key.row(), row.claim.number));
            let arrives = claims.any(|((_, n), made)| made.is_message() && !made.failed && *n > said.what_became);
            prop_assert!(!arrives || row.claim.history.in_doubt, "{} may have been accepted", row.claim.key.row());
        }
        let left = self.states.values().any(|state| matches!(state, State::Pending | State::Sending));
        prop_assert!(!left || self.run.dispatched_at.is_none(), "the run is said to be sent");
        let awaited =
            self.run.finished_at.is_some() && !world.store.pollable(world.run.key, ALWAYS, None, 1).await?.is_empty();
        prop_assert!(!awaited, "the run is said to be over, and statuses are awaited");
        Ok(())
    }
}

/// What is recorded stays recorded: only a person, or a late outcome, takes a row out of a state in which it is no
/// longer sent.
fn stays(op: &Op, before: State, after: State) -> Result<(), &'static str> {
    let rank = |state| match state {
        State::Accepted => Some(0),
        State::Sent => Some(1),
        State::Failed => Some(2),
        State::Delivered => Some(3),
        State::Read => Some(4),
        _ => None,
    };
    // A row known to be accepted is not sent again, but says so.
    // A status with a reference, which may have come earlier, says that a message exists.
    let was_reported = matches!(op, Op::Webhook { .. } | Op::MatchEarly | Op::Step { .. }) && after.was_accepted();
    let is_requeued = matches!(op, Op::Requeue { .. }) && (after == State::Pending || after.was_accepted());
    let is_right = match before {
        _ if before == after => true,
        State::Pending | State::Sending => true,
        State::Uncertain => was_reported || is_requeued || matches!(op, Op::Step { .. } | Op::Resolve { .. }),
        State::Failed if is_requeued => true,
        State::Rejected | State::Exhausted => was_reported || is_requeued,
        // A row that no process had read. The process that schedules it may not know yet that the run was cancelled.
        State::Cancelled => was_reported || matches!(op, Op::Schedule { .. }),
        State::Suppressed | State::Expired => was_reported,
        before => rank(before).zip(rank(after)).is_some_and(|(before, after)| before < after),
    };
    if is_right { Ok(()) } else { Err("what was recorded is lost") }
}

impl World {
    /// The records are consistent.
    pub(super) async fn verify(&self) -> Done {
        for finding in self.store.verify(&self.run).await? {
            prop_assert_eq!(finding.broken, 0, "{}", finding.rule);
        }
        Ok(())
    }

    /// Nothing is left, and the store reports what it was given.
    pub(super) async fn is_concluded(&self) -> Done {
        let seen = Seen::of(self).await?;
        for (row, state) in &seen.states {
            prop_assert!(!matches!(state, State::Pending | State::Sending), "{row} is {state} at the end");
            seen.told_nothing_wrong(*row, *state, self)?;
            let claims: Vec<_> = self.claims.range((*row, 0)..=(*row, u32::MAX)).collect();
            let was_accepted = claims.iter().any(|(_, made)| made.recorded == Some(State::Accepted));
            let is_right =
                state.was_accepted() || self.said.contains_key(row) || self.resend && *state == State::Uncertain;
            prop_assert!(!was_accepted || is_right, "{row} was accepted, and is {state} at the end");
        }
        prop_assert!(seen.run.dispatched_at.is_some());
        prop_assert_eq!(&seen.states, &Seen::reported(self).await?, "states in the report");
        Ok(())
    }
}
