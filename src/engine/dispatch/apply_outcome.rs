//! Turns an outcome into a settlement: a pure function of the claim and its outcome.

use crate::model::{
    Campaign, Dispatch, Millis, Outcome, Pause, ProviderApi, Reconcile, RowCause, State, StateChange, StatusSource,
    WhenUncertain,
};
use crate::rate_limit::{FREE_DEFERRALS, RetryPolicy, deferral};
use crate::store::{Claim, Settlement, StoreError};

/// The rules of a campaign that decide what an outcome means.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct OutcomeRules<'a> {
    pub(in crate::engine) dispatch: &'a Dispatch,
    pub(in crate::engine) reconcile: &'a Reconcile,
    pub(in crate::engine) retry: RetryPolicy,
    pub(in crate::engine) api: ProviderApi,
}

/// Returns the outcome of an attempt that a crash interrupted.
pub(in crate::engine) fn interrupted() -> Outcome {
    Outcome::Uncertain(RowCause::Interrupted.into())
}

/// Returns the settlement of a released claim: no request was made, and the row is due at `next_attempt_at`.
pub(super) fn released(claim: Claim, next_attempt_at: Millis, now: Millis) -> Settlement {
    Settlement {
        claim,
        departed: false,
        ended_at: now,
        state: State::Pending,
        outcome: State::Pending,
        charged_attempts: claim.history.charged_attempts,
        deferrals: claim.history.deferrals,
        in_doubt: claim.history.in_doubt,
        message_id: None,
        problem: None,
        next_attempt_at: Some(next_attempt_at),
        next_poll_at: None,
    }
}

impl<'a> OutcomeRules<'a> {
    /// Returns the rules of a campaign.
    pub(in crate::engine) fn of(campaign: &'a Campaign) -> Self {
        let Campaign { dispatch, reconcile, api, .. } = campaign;
        Self { dispatch, reconcile, retry: RetryPolicy::default(), api: *api }
    }

    /// Returns the settlement for `outcome`, known at `now`.
    ///
    /// # Errors
    /// When the state change is illegal, which cannot happen to a row that is being sent.
    pub(in crate::engine) fn apply(
        &self,
        claim: Claim,
        outcome: Outcome,
        now: Millis,
    ) -> Result<Settlement, StoreError> {
        let charged = claim.history.charged_attempts;
        let attempts = charged + 1;
        let attempts_left = attempts < self.dispatch.attempts;
        let mut settled = Settlement {
            departed: true,
            state: State::Sending,
            outcome: State::Sending,
            charged_attempts: attempts,
            problem: outcome.problem().cloned(),
            next_attempt_at: None,
            ..released(claim, now, now)
        };
        let in_doubt = matches!(outcome, Outcome::Uncertain(_) | Outcome::Unnamed(_));
        let change = match outcome {
            Outcome::Accepted { message_id, is_held } => {
                settled.message_id = Some(message_id);
                settled.problem = is_held.then(|| RowCause::Held.into());
                // Where statuses cannot be polled, they are awaited until the horizon.
                let wait = match self.api.statuses() {
                    StatusSource::Polled => self.reconcile.after,
                    StatusSource::Pushed => self.reconcile.horizon,
                };
                settled.next_poll_at = Some(now.plus(wait));
                StateChange::Accept
            }
            Outcome::Refused(_) => StateChange::Refuse,
            Outcome::TryAgain { wait, .. } => {
                if attempts_left {
                    settled.next_attempt_at = Some(now.plus(self.retry.wait(attempts, wait)));
                    StateChange::TryAgain
                } else {
                    StateChange::Exhaust
                }
            }
            Outcome::RetryOnce(_) => {
                if attempts_left && attempts == 1 {
                    settled.next_attempt_at = Some(now.plus(self.retry.wait(attempts, None)));
                    StateChange::TryAgain
                } else {
                    StateChange::Refuse
                }
            }
            Outcome::Deferred { pause, .. } => {
                settled.deferrals += 1;
                let free = pause == Pause::Short && settled.deferrals <= FREE_DEFERRALS;
                let times = if pause == Pause::Short { settled.deferrals } else { attempts };
                if free {
                    settled.charged_attempts = charged;
                }
                if free || attempts_left {
                    settled.next_attempt_at = Some(now.plus(deferral(pause, times)));
                    StateChange::TryAgain
                } else {
                    StateChange::Exhaust
                }
            }
            // The account has to wait, not the row; the rate limiter takes care of that.
            Outcome::Throttled { .. } => {
                settled.charged_attempts = charged;
                settled.next_attempt_at = Some(now.plus(self.retry.wait(1, None)));
                StateChange::TryAgain
            }
            Outcome::Unnamed(_) => StateChange::Doubt,
            Outcome::Uncertain(_) => {
                if self.dispatch.uncertain == WhenUncertain::Resend && attempts_left {
                    let wait = match self.api.returns_reference() {
                        // Until then, a webhook may say that it was accepted.
                        true => self.dispatch.resend_after,
                        false => self.retry.wait(attempts, None),
                    };
                    settled.next_attempt_at = Some(now.plus(wait));
                    StateChange::TryAgain
                } else {
                    StateChange::Doubt
                }
            }
            // No request left.
            Outcome::Unreachable(problem) => {
                return Ok(Settlement { problem: Some(problem), ..released(claim, now, now) });
            }
            // The problem concerns every row: the account waits, not the row.
            Outcome::Halted(_) | Outcome::TemplateRefused(_) => {
                settled.charged_attempts = charged;
                settled.next_attempt_at = Some(now);
                StateChange::TryAgain
            }
            Outcome::Unsent => return Ok(released(claim, now, now)),
        };
        settled.in_doubt |= in_doubt;
        let alone = if in_doubt { StateChange::Doubt } else { change };
        settled.outcome = State::Sending.after(alone).map_err(StoreError::Illegal)?;
        let change = match change {
            // A row that was in doubt before may have been accepted then, so it can never count as not accepted.
            StateChange::Refuse | StateChange::Exhaust if settled.in_doubt => StateChange::Doubt,
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
    use crate::model::{Problem, RowNumber};
    use crate::store::{History, RowKey, WorkerId};

    const NOW: Millis = Millis(1_000_000);

    fn settle(uncertain: WhenUncertain, tries: u32, outcome: Outcome) -> Settlement {
        settle_after(false, uncertain, tries, outcome)
    }

    fn settle_after(doubted: bool, uncertain: WhenUncertain, tries: u32, outcome: Outcome) -> Settlement {
        settle_tried(doubted, uncertain, tries, 0, outcome)
    }

    fn settle_tried(doubted: bool, uncertain: WhenUncertain, tries: u32, put_off: u32, outcome: Outcome) -> Settlement {
        let dispatch = Dispatch {
            rate: NonZeroU32::MIN,
            per: Duration::from_secs(1),
            concurrency: Some(1),
            timeout: Duration::from_secs(30),
            attempts: 3,
            uncertain,
            resend_after: Dispatch::RESEND_AFTER,
            halt: None,
        };
        let reconcile = Reconcile {
            after: Duration::from_secs(60),
            every: Duration::from_secs(60),
            horizon: Duration::from_secs(3600),
        };
        let retry = RetryPolicy { jitter: 0.0, ..RetryPolicy::default() };
        let history = History { attempts: 8, charged_attempts: tries, deferrals: put_off, in_doubt: doubted };
        let claim = Claim {
            key: RowKey::new(1, RowNumber(7)),
            number: 9,
            worker: WorkerId::of_test(1),
            started_at: NOW,
            history,
        };
        let api = ProviderApi::Incs;
        let rules = OutcomeRules { dispatch: &dispatch, reconcile: &reconcile, retry, api };
        rules.apply(claim, outcome, NOW).unwrap()
    }

    fn problem() -> Problem {
        Problem::new("x", "y")
    }

    #[test]
    fn accepted_waits_for_its_first_poll() {
        let settled = settle(WhenUncertain::Hold, 0, Outcome::Accepted { message_id: "m".into(), is_held: false });
        assert_eq!(settled.state, State::Accepted);
        assert_eq!(settled.next_poll_at, Some(Millis(1_060_000)));
        assert_eq!(settled.next_attempt_at, None);
    }

    #[test]
    fn tries_are_used_up_by_failures_and_not_by_throttling() {
        let again = || Outcome::TryAgain { problem: problem(), wait: None };
        let first = settle(WhenUncertain::Hold, 0, again());
        assert_eq!(
            (first.state, first.charged_attempts, first.next_attempt_at),
            (State::Pending, 1, Some(Millis(1_002_000)))
        );
        let last = settle(WhenUncertain::Hold, 2, again());
        assert_eq!((last.state, last.charged_attempts, last.next_attempt_at), (State::Exhausted, 3, None));
        let throttled = Outcome::Throttled { problem: problem(), wait: Some(Duration::from_secs(30)) };
        let throttled = settle(WhenUncertain::Hold, 2, throttled);
        assert_eq!(
            (throttled.state, throttled.charged_attempts, throttled.next_attempt_at),
            (State::Pending, 2, Some(Millis(1_002_000)))
        );
    }

    #[test]
    fn a_recipient_that_is_put_off_waits_longer_each_time_and_uses_up_tries_in_the_end() {
        let put_off = |tries, before, pause| {
            let outcome = Outcome::Deferred { problem: problem(), pause };
            let settled = settle_tried(false, WhenUncertain::Hold, tries, before, outcome);
            (settled.state, settled.charged_attempts, settled.next_attempt_at.map(|at| at.since(NOW).as_secs()))
        };
        assert_eq!(put_off(2, 0, Pause::Short), (State::Pending, 2, Some(1)));
        assert_eq!(put_off(2, 3, Pause::Short), (State::Pending, 2, Some(64)));
        assert_eq!(put_off(1, FREE_DEFERRALS, Pause::Short), (State::Pending, 2, Some(1024)));
        assert_eq!(put_off(2, FREE_DEFERRALS, Pause::Short), (State::Exhausted, 3, None));
        assert_eq!(put_off(0, 0, Pause::Days), (State::Pending, 1, Some(86_400)));
        assert_eq!(put_off(1, 1, Pause::Days), (State::Pending, 2, Some(2 * 86_400)));
        assert_eq!(put_off(2, 2, Pause::Days), (State::Exhausted, 3, None));
    }

    #[test]
    fn once_more_is_once_and_then_refused() {
        let once = |tries| settle(WhenUncertain::Hold, tries, Outcome::RetryOnce(problem()));
        assert_eq!((once(0).state, once(0).charged_attempts), (State::Pending, 1));
        assert_eq!((once(1).state, once(1).next_attempt_at), (State::Rejected, None));
    }

    #[test]
    fn doubt_is_held_unless_the_campaign_says_resend() {
        let doubt = || Outcome::Uncertain(problem());
        assert_eq!(settle(WhenUncertain::Hold, 0, doubt()).state, State::Uncertain);
        assert_eq!(settle(WhenUncertain::Resend, 0, doubt()).state, State::Pending);
        // Never `exhausted`: that would say that it was not accepted.
        assert_eq!(settle(WhenUncertain::Resend, 2, doubt()).state, State::Uncertain);
    }

    #[test]
    fn the_ledger_has_what_each_attempt_came_to_whatever_becomes_of_the_row() {
        let ledger = |doubted, tries, outcome| settle_after(doubted, WhenUncertain::Resend, tries, outcome).outcome;
        let again = || Outcome::TryAgain { problem: problem(), wait: None };
        assert_eq!(ledger(false, 0, Outcome::Uncertain(problem())), State::Uncertain, "though it is sent again");
        assert_eq!(ledger(true, 1, Outcome::Refused(problem())), State::Rejected, "though the row stays in doubt");
        assert_eq!((ledger(true, 1, again()), ledger(true, 2, again())), (State::Pending, State::Exhausted));
        assert_eq!(ledger(true, 1, Outcome::Accepted { message_id: "m".into(), is_held: false }), State::Accepted);
    }

    #[test]
    fn a_row_once_in_doubt_is_never_said_to_be_unsent() {
        let after_doubt = |outcome| settle_after(true, WhenUncertain::Resend, 2, outcome);
        assert_eq!(after_doubt(Outcome::Refused(problem())).state, State::Uncertain);
        assert_eq!(after_doubt(Outcome::TryAgain { problem: problem(), wait: None }).state, State::Uncertain);
        assert_eq!(after_doubt(Outcome::Accepted { message_id: "m".into(), is_held: false }).state, State::Accepted);
        assert!(settle(WhenUncertain::Resend, 0, Outcome::Uncertain(problem())).in_doubt);
    }

    #[test]
    fn what_is_not_the_rows_fault_leaves_it_as_it_was() {
        for (outcome, departed) in [(Outcome::Halted(problem()), true), (Outcome::Unreachable(problem()), false)] {
            let settled = settle(WhenUncertain::Hold, 2, outcome);
            assert_eq!((settled.state, settled.charged_attempts, settled.departed), (State::Pending, 2, departed));
            assert_eq!(settled.problem, Some(problem()));
        }
        let unsent = settle(WhenUncertain::Hold, 2, Outcome::Unsent);
        assert_eq!(
            (unsent.state, unsent.charged_attempts, unsent.departed, unsent.problem),
            (State::Pending, 2, false, None)
        );
    }
}
