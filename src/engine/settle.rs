//! What an outcome makes of a row: a pure function from the attempt and its outcome to what the store is to hold.

use crate::model::{Change, Dispatch, Millis, Outcome, Pause, Problem, Reconcile, State, WhenUncertain};
use crate::pace::{FREE_PAUSES, RetryPolicy, put_off};
use crate::store::{Intent, Settled, StoreError};

/// An attempt whose outcome is to be settled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tried {
    /// The intent as it was made durable.
    pub(super) intent: Intent,
    /// Tries the row had used up before this one.
    pub(super) tries: u32,
    /// How often its recipient was put off before.
    pub(super) put_off: u32,
    /// Whether an earlier attempt may have been accepted.
    pub(super) doubted: bool,
}

/// The rules of a campaign that bear on outcomes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'a> {
    pub(super) dispatch: &'a Dispatch,
    pub(super) reconcile: &'a Reconcile,
    pub(super) retry: &'a RetryPolicy,
}

/// The outcome of an attempt that a crash cut off.
pub(super) fn interrupted() -> Outcome {
    Outcome::Uncertain(Problem::new("interrupted", "the process ended while this message was in flight"))
}

impl Rules<'_> {
    /// What `outcome`, known at `now`, makes of the row.
    ///
    /// # Errors
    /// An illegal change of state, which cannot come of a row that is in the air.
    pub(super) fn settle(&self, tried: Tried, outcome: Outcome, now: Millis) -> Result<Settled, StoreError> {
        let tries = tried.tries + 1;
        let tries_left = tries < self.dispatch.attempts;
        let mut settled = Settled {
            key: tried.intent.key,
            attempt: tried.intent.attempt,
            again: tried.intent.again,
            left: true,
            at: tried.intent.at,
            ended_at: now,
            state: State::Sending,
            outcome: State::Sending,
            tries,
            put_off: tried.put_off,
            message_id: None,
            problem: None,
            due_at: None,
            poll_at: None,
            doubted: tried.doubted,
        };
        let in_doubt = matches!(outcome, Outcome::Uncertain(_) | Outcome::Unnamed(_));
        let change = match outcome {
            Outcome::Accepted { message_id } => {
                settled.message_id = Some(message_id);
                settled.poll_at = Some(now.plus(self.reconcile.after));
                Change::Accept
            }
            Outcome::Refused(problem) => {
                settled.problem = Some(problem);
                Change::Refuse
            }
            Outcome::TryAgain { problem, wait } => {
                settled.problem = Some(problem);
                if tries_left {
                    settled.due_at = Some(now.plus(self.retry.wait(tries, wait)));
                    Change::TryAgain
                } else {
                    Change::Exhaust
                }
            }
            Outcome::OnceMore(problem) => {
                settled.problem = Some(problem);
                if tries_left && tries == 1 {
                    settled.due_at = Some(now.plus(self.retry.wait(tries, None)));
                    Change::TryAgain
                } else {
                    Change::Refuse
                }
            }
            Outcome::PutOff { problem, pause } => {
                settled.problem = Some(problem);
                settled.put_off += 1;
                let free = pause == Pause::Short && settled.put_off <= FREE_PAUSES;
                let times = if pause == Pause::Short { settled.put_off } else { tries };
                if free {
                    settled.tries = tried.tries;
                }
                if free || tries_left {
                    settled.due_at = Some(now.plus(put_off(pause, times)));
                    Change::TryAgain
                } else {
                    Change::Exhaust
                }
            }
            // How long to wait is the account's affair, and the pace sees to it.
            Outcome::Throttled { problem, .. } => {
                settled.problem = Some(problem);
                settled.tries = tried.tries;
                settled.due_at = Some(now.plus(self.retry.wait(1, None)));
                Change::TryAgain
            }
            Outcome::Unnamed(problem) => {
                settled.problem = Some(problem);
                Change::Doubt
            }
            Outcome::Uncertain(problem) => {
                settled.problem = Some(problem);
                if self.dispatch.uncertain == WhenUncertain::Resend && tries_left {
                    settled.due_at = Some(now.plus(self.retry.wait(tries, None)));
                    Change::TryAgain
                } else {
                    Change::Doubt
                }
            }
            // Concerns every row alike: the pace, not the row, waits.
            Outcome::Halted(problem) | Outcome::TemplateRefused(problem) | Outcome::Unreachable(problem) => {
                settled.problem = Some(problem);
                settled.tries = tried.tries;
                settled.due_at = Some(now);
                Change::TryAgain
            }
            Outcome::Unsent => {
                settled.left = false;
                settled.tries = tried.tries;
                settled.due_at = Some(now);
                Change::TryAgain
            }
        };
        settled.doubted |= in_doubt;
        let alone = if in_doubt { Change::Doubt } else { change };
        settled.outcome = State::Sending.after(alone).map_err(StoreError::Illegal)?;
        let change = match change {
            // Of a row that was in doubt before nobody may say that it was not accepted.
            Change::Refuse | Change::Exhaust if settled.doubted => Change::Doubt,
            change => change,
        };
        settled.state = State::Sending.after(change).map_err(StoreError::Illegal)?;
        Ok(settled)
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;
    use std::time::Duration;

    use super::*;
    use crate::model::{AttemptNo, RowNo};
    use crate::store::RowKey;

    const NOW: Millis = Millis(1_000_000);

    fn settle(uncertain: WhenUncertain, tries: u32, outcome: Outcome) -> Settled {
        settle_after(false, uncertain, tries, outcome)
    }

    fn settle_after(doubted: bool, uncertain: WhenUncertain, tries: u32, outcome: Outcome) -> Settled {
        settle_tried(doubted, uncertain, tries, 0, outcome)
    }

    fn settle_tried(doubted: bool, uncertain: WhenUncertain, tries: u32, put_off: u32, outcome: Outcome) -> Settled {
        let dispatch = Dispatch {
            rate: NonZeroU32::MIN,
            per: Duration::from_secs(1),
            concurrency: Some(1),
            timeout: Duration::from_secs(30),
            attempts: 3,
            uncertain,
            halt: None,
        };
        let reconcile = Reconcile {
            after: Duration::from_secs(60),
            every: Duration::from_secs(60),
            horizon: Duration::from_secs(3600),
        };
        let retry = RetryPolicy { jitter: 0.0, ..RetryPolicy::default() };
        let intent = Intent { key: RowKey::new(1, RowNo(7)), attempt: AttemptNo(9), at: NOW, again: true };
        let rules = Rules { dispatch: &dispatch, reconcile: &reconcile, retry: &retry };
        rules.settle(Tried { intent, tries, put_off, doubted }, outcome, NOW).unwrap()
    }

    fn problem() -> Problem {
        Problem::new("x", "y")
    }

    #[test]
    fn accepted_waits_for_its_first_poll() {
        let settled = settle(WhenUncertain::Hold, 0, Outcome::Accepted { message_id: "m".into() });
        assert_eq!(settled.state, State::Accepted);
        assert_eq!(settled.poll_at, Some(Millis(1_060_000)));
        assert_eq!(settled.due_at, None);
    }

    #[test]
    fn tries_are_used_up_by_failures_and_not_by_throttling() {
        let again = || Outcome::TryAgain { problem: problem(), wait: None };
        let first = settle(WhenUncertain::Hold, 0, again());
        assert_eq!((first.state, first.tries, first.due_at), (State::Pending, 1, Some(Millis(1_002_000))));
        let last = settle(WhenUncertain::Hold, 2, again());
        assert_eq!((last.state, last.tries, last.due_at), (State::Exhausted, 3, None));
        let throttled = Outcome::Throttled { problem: problem(), wait: Some(Duration::from_secs(30)) };
        let throttled = settle(WhenUncertain::Hold, 2, throttled);
        assert_eq!((throttled.state, throttled.tries, throttled.due_at), (State::Pending, 2, Some(Millis(1_002_000))));
    }

    #[test]
    fn a_recipient_that_is_put_off_waits_longer_each_time_and_uses_up_tries_in_the_end() {
        let put_off = |tries, before, pause| {
            let outcome = Outcome::PutOff { problem: problem(), pause };
            let settled = settle_tried(false, WhenUncertain::Hold, tries, before, outcome);
            (settled.state, settled.tries, settled.due_at.map(|at| at.since(NOW).as_secs()))
        };
        assert_eq!(put_off(2, 0, Pause::Short), (State::Pending, 2, Some(1)));
        assert_eq!(put_off(2, 3, Pause::Short), (State::Pending, 2, Some(64)));
        assert_eq!(put_off(1, FREE_PAUSES, Pause::Short), (State::Pending, 2, Some(1024)));
        assert_eq!(put_off(2, FREE_PAUSES, Pause::Short), (State::Exhausted, 3, None));
        assert_eq!(put_off(0, 0, Pause::Days), (State::Pending, 1, Some(86_400)));
        assert_eq!(put_off(1, 1, Pause::Days), (State::Pending, 2, Some(2 * 86_400)));
        assert_eq!(put_off(2, 2, Pause::Days), (State::Exhausted, 3, None));
    }

    #[test]
    fn once_more_is_once_and_then_refused() {
        let once = |tries| settle(WhenUncertain::Hold, tries, Outcome::OnceMore(problem()));
        assert_eq!((once(0).state, once(0).tries), (State::Pending, 1));
        assert_eq!((once(1).state, once(1).due_at), (State::Rejected, None));
    }

    #[test]
    fn doubt_is_held_unless_the_campaign_says_resend() {
        let doubt = || Outcome::Uncertain(problem());
        assert_eq!(settle(WhenUncertain::Hold, 0, doubt()).state, State::Uncertain);
        assert_eq!(settle(WhenUncertain::Resend, 0, doubt()).state, State::Pending);
        // Never "exhausted": that would claim that it was not accepted.
        assert_eq!(settle(WhenUncertain::Resend, 2, doubt()).state, State::Uncertain);
    }

    #[test]
    fn the_ledger_has_what_each_attempt_came_to_whatever_becomes_of_the_row() {
        let ledger = |doubted, tries, outcome| settle_after(doubted, WhenUncertain::Resend, tries, outcome).outcome;
        let again = || Outcome::TryAgain { problem: problem(), wait: None };
        assert_eq!(ledger(false, 0, Outcome::Uncertain(problem())), State::Uncertain, "though it is sent again");
        assert_eq!(ledger(true, 1, Outcome::Refused(problem())), State::Rejected, "though the row stays in doubt");
        assert_eq!((ledger(true, 1, again()), ledger(true, 2, again())), (State::Pending, State::Exhausted));
        assert_eq!(ledger(true, 1, Outcome::Accepted { message_id: "m".into() }), State::Accepted);
    }

    #[test]
    fn a_row_once_in_doubt_is_never_said_to_be_unsent() {
        let after_doubt = |outcome| settle_after(true, WhenUncertain::Resend, 2, outcome);
        assert_eq!(after_doubt(Outcome::Refused(problem())).state, State::Uncertain);
        assert_eq!(after_doubt(Outcome::TryAgain { problem: problem(), wait: None }).state, State::Uncertain);
        assert_eq!(after_doubt(Outcome::Accepted { message_id: "m".into() }).state, State::Accepted);
        assert!(settle(WhenUncertain::Resend, 0, Outcome::Uncertain(problem())).doubted);
    }

    #[test]
    fn what_is_not_the_rows_fault_leaves_it_as_it_was() {
        for outcome in [Outcome::Halted(problem()), Outcome::Unreachable(problem())] {
            let settled = settle(WhenUncertain::Hold, 2, outcome);
            assert_eq!((settled.state, settled.tries, settled.left), (State::Pending, 2, true));
        }
        let unsent = settle(WhenUncertain::Hold, 2, Outcome::Unsent);
        assert_eq!((unsent.state, unsent.tries, unsent.left, unsent.problem), (State::Pending, 2, false, None));
    }
}
