//! The delivery of one accepted message, and the one function that merges a status into it, whether it was polled or
//! pushed by a webhook.

use crate::model::{DeliveryStatus, IllegalChange, Millis, Problem, RowCause, State, StateChange, StatusUpdate};

/// The delivery of one accepted message, merged from every status that was reported for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The strongest state that was reported. `Failed` means that no delivery was reported.
    pub state: State,
    /// The provider's word, if it was one that the documents do not name.
    pub word: Option<String>,
    /// The earliest time of delivery that was reported. Set only if the state is delivered or read.
    pub delivered_at: Option<Millis>,
    /// The earliest time of reading that was reported. Set only if the state is read.
    pub read_at: Option<Millis>,
    /// The failure that was reported, if one was. It stays when a delivery is reported too: see
    /// [`is_contradicted`](Self::is_contradicted). Before the first status: that the provider holds the message, if it
    /// does.
    pub problem: Option<Problem>,
}

impl Delivery {
    /// Returns the delivery with one more status merged into it.
    ///
    /// The result depends on which statuses were merged, never on their order or on repeats:
    /// - `read` wins over `delivered`, `delivered` over `failed`, `failed` over `sent`.
    /// - A time is evidence, whatever the word: a message with a time of delivery was delivered, one with a time of
    ///   reading was read.
    /// - Of two times the earlier one counts, and of two unknown words the later one in the alphabet.
    /// - Of two reasons for a failure, a real one wins over `not_delivered`; then the smaller code wins, then the
    ///   smaller message, both compared as plain text.
    ///
    /// # Errors
    /// When the row was not accepted: it cannot have a status.
    pub fn with(&self, update: &StatusUpdate) -> Result<Self, IllegalChange> {
        let delivered_at = earlier(self.delivered_at, update.delivered_at);
        let read_at = earlier(self.read_at, update.read_at);
        let mut state = self.state.after(StateChange::Status(&update.status))?;
        for (time, status) in [(delivered_at, DeliveryStatus::Delivered), (read_at, DeliveryStatus::Read)] {
            if time.is_some() {
                state = state.after(StateChange::Status(&status))?;
            }
        }
        let word = match &update.status {
            DeliveryStatus::Other(word) => self.word.clone().max(Some(word.clone())),
            _ => self.word.clone(),
        };
        let reported = self.problem.clone().filter(|_| !self.is_held());
        let problem = reported.into_iter().chain(update.failure()).min_by(|a, b| rank(a).cmp(&rank(b)));
        Ok(Self { state, word, delivered_at, read_at, problem })
    }

    /// Whether to keep polling: not after the message was read or reported as failed. A webhook can still report a
    /// delivery after a failure.
    #[must_use]
    pub fn awaits_status(&self) -> bool {
        matches!(self.state, State::Accepted | State::Sent | State::Delivered)
            && (self.problem.is_none() || self.is_held())
    }

    /// Whether the provider holds the message to assess its quality, as far as is known. Every status ends that.
    fn is_held(&self) -> bool {
        self.problem.as_ref().is_some_and(|problem| problem.code == RowCause::HELD)
    }

    /// Whether the provider reported both a failure and a delivery. Such a message counts as delivered, and its
    /// `problem` is the failure.
    #[must_use]
    pub fn is_contradicted(&self) -> bool {
        self.state.was_delivered() && self.problem.is_some()
    }
}

/// Returns the earlier of two times, or the only one.
fn earlier(a: Option<Millis>, b: Option<Millis>) -> Option<Millis> {
    a.into_iter().chain(b).min()
}

/// Orders the reasons of a failure; the smallest one is kept. The store orders those of early statuses in the same way.
fn rank(problem: &Problem) -> (bool, &str, &str) {
    (problem.code == RowCause::NOT_DELIVERED, &problem.code, problem.provider_message().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accepted() -> Delivery {
        Delivery { state: State::Accepted, word: None, delivered_at: None, read_at: None, problem: None }
    }

    fn update(word: &str, delivered: Option<i64>, read: Option<i64>) -> StatusUpdate {
        StatusUpdate {
            message_id: "m".into(),
            status: DeliveryStatus::from_word(word),
            delivered_at: delivered.map(Millis),
            read_at: read.map(Millis),
            problem: None,
            reference: None,
        }
    }

    fn failed(code: &str, words: &str) -> StatusUpdate {
        StatusUpdate { problem: Some(Problem::new(code, words)), ..update("failed", None, None) }
    }

    /// Any word with any times and any reason, including combinations that no provider should report.
    fn any_update() -> impl Strategy<Value = StatusUpdate> {
        let words = vec!["sent", "delivered", "read", "failed", "failed", "failed", "accepted", "parked"];
        let time = || prop::sample::select(vec![None, None, Some(5_000), Some(6_000)]);
        let reasons = vec![None, Some(("131026", "gone")), Some(("131049", "not now")), Some(("131049", "later"))];
        (prop::sample::select(words), time(), time(), prop::sample::select(reasons)).prop_map(
            |(word, delivered, read, reason)| StatusUpdate {
                problem: reason.map(|(code, words)| Problem::new(code, words)),
                ..update(word, delivered, read)
            },
        )
    }

    fn merged<'a>(updates: impl IntoIterator<Item = &'a StatusUpdate>) -> Delivery {
        updates.into_iter().fold(accepted(), |delivery, update| delivery.with(update).unwrap())
    }

    /// Every order of these, including repeats.
    fn permutations(updates: &[StatusUpdate]) -> Vec<Vec<&StatusUpdate>> {
        let Some((last, others)) = updates.split_last() else { return vec![Vec::new()] };
        let mut all = Vec::new();
        for order in permutations(others) {
            for place in 0..=order.len() {
                let mut order = order.clone();
                order.insert(place, last);
                all.push(order);
            }
        }
        all
    }

    /// The expected result for a set of statuses, without merging them one by one.
    fn expected(updates: &[StatusUpdate]) -> Delivery {
        let reports = |status| updates.iter().any(|update| update.status == status);
        let delivered_at = updates.iter().filter_map(|update| update.delivered_at).min();
        let read_at = updates.iter().filter_map(|update| update.read_at).min();
        let has_failed = reports(DeliveryStatus::Failed);
        let state = if reports(DeliveryStatus::Read) || read_at.is_some() {
            State::Read
        } else if reports(DeliveryStatus::Delivered) || delivered_at.is_some() {
            State::Delivered
        } else if has_failed {
            State::Failed
        } else if reports(DeliveryStatus::Sent) {
            State::Sent
        } else {
            State::Accepted
        };
        let word = ["parked", "accepted"].into_iter().find(|word| reports(DeliveryStatus::from_word(word)));
        let failures = updates.iter().filter(|update| update.status == DeliveryStatus::Failed);
        let reason = failures.filter_map(|update| update.problem.clone()).min_by_key(|reason| {
            [("131026", "gone"), ("131049", "later"), ("131049", "not now")]
                .iter()
                .position(|(code, words)| *reason == Problem::new(*code, *words))
        });
        let no_reason = update("failed", None, None).failure();
        let problem = if has_failed { reason.or(no_reason) } else { None };
        Delivery { state, word: word.map(str::to_owned), delivered_at, read_at, problem }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn statuses_in_every_order_and_with_repeats_end_in_the_same(
            updates in prop::collection::vec(any_update(), 0..=5),
        ) {
            let expected = expected(&updates);
            for order in permutations(&updates) {
                prop_assert_eq!(&merged(order.iter().copied()), &expected);
                let each_twice = order.iter().flat_map(|update| [*update; 2]);
                prop_assert_eq!(&merged(each_twice), &expected);
                let all_twice = order.iter().chain(order.iter().rev()).copied();
                prop_assert_eq!(&merged(all_twice), &expected);
            }
        }

        #[test]
        fn a_delivery_never_loses_what_was_reported(updates in prop::collection::vec(any_update(), 0..20)) {
            let mut before = accepted();
            for update in &updates {
                let after = before.with(update).unwrap();
                prop_assert!(before.delivered_at.is_none_or(|at| after.delivered_at.is_some_and(|next| next <= at)));
                prop_assert!(before.read_at.is_none_or(|at| after.read_at.is_some_and(|next| next <= at)));
                prop_assert!(before.problem.is_none() || after.problem.is_some());
                prop_assert!(!before.state.was_delivered() || after.state.was_delivered());
                // What a reader of a report relies on.
                prop_assert!(after.delivered_at.is_none() || after.state.was_delivered());
                prop_assert!(after.read_at.is_none() || after.state == State::Read);
                match after.state {
                    State::Accepted | State::Sent => prop_assert_eq!(&after.problem, &None),
                    State::Failed => prop_assert!(after.problem.is_some() && !after.is_contradicted()),
                    State::Delivered | State::Read => prop_assert_eq!(after.is_contradicted(), after.problem.is_some()),
                    other => prop_assert!(false, "{other}"),
                }
                before = after;
            }
        }
    }

    #[test]
    fn a_delivery_and_a_failure_end_delivered_and_show_the_failure() {
        let failed = failed("131049", "not now");
        for arrived in
            [update("delivered", Some(9), None), update("sent", Some(9), None), update("read", None, Some(9))]
        {
            let both = merged([&failed, &arrived]);
            assert!(both.is_contradicted() && both.state.was_delivered(), "{both:?}");
            assert_eq!(both.problem, failed.problem);
        }
        let at_once = merged([&update("failed", Some(9), None)]);
        assert_eq!((at_once.state, at_once.is_contradicted()), (State::Delivered, true));
        assert!(!merged([&failed]).is_contradicted() && !merged([&update("read", None, None)]).is_contradicted());
    }

    #[test]
    fn every_status_ends_the_hold_of_a_held_message() {
        let held = Delivery { problem: Some(RowCause::Held.into()), ..accepted() };
        assert!(held.awaits_status());
        for update in [update("sent", None, None), update("delivered", Some(9), None), update("read", None, None)] {
            let after = held.with(&update).unwrap();
            assert_eq!((&after.problem, after.is_contradicted()), (&None, false));
            assert_eq!(after, accepted().with(&update).unwrap());
        }
        let dropped = held.with(&failed("132015", "paused")).unwrap();
        assert_eq!((dropped.state, dropped.problem), (State::Failed, Some(Problem::new("132015", "paused"))));
    }

    #[test]
    fn a_real_reason_wins_then_the_smaller_code_then_the_smaller_message() {
        let reason = |updates: &[StatusUpdate]| {
            let problem = merged(updates).problem.unwrap();
            (problem.code.clone(), problem.message().original().to_owned())
        };
        let none = update("failed", None, None);
        let (code, words) = reason(std::slice::from_ref(&none));
        assert_eq!((code.as_str(), words.is_empty()), (RowCause::NOT_DELIVERED, false));
        let pair = |code: &str, words: &str| (code.to_owned(), words.to_owned());
        // "unknown" comes after `not_delivered` in the alphabet, but is a real reason.
        assert_eq!(reason(&[none.clone(), failed("unknown", "x")]), pair("unknown", "x"));
        assert_eq!(reason(&[failed("131049", "a"), failed("131026", "b"), none]), pair("131026", "b"));
        assert_eq!(reason(&[failed("131049", "b"), failed("131049", "a")]), pair("131049", "a"));
    }

    #[test]
    fn a_delivery_time_that_read_overwrote_is_kept() {
        let read = merged([&update("delivered", Some(9), None), &update("read", None, Some(12))]);
        assert_eq!((read.delivered_at, read.read_at), (Some(Millis(9)), Some(Millis(12))));
    }

    #[test]
    fn an_unknown_word_is_kept_and_moves_nothing() {
        let parked = merged([&update("delivered", None, None), &update("parked", None, None)]);
        assert_eq!((parked.state, parked.word.as_deref()), (State::Delivered, Some("parked")));
    }

    #[test]
    fn a_row_that_was_not_accepted_takes_no_status() {
        let pending = Delivery { state: State::Pending, ..accepted() };
        assert!(pending.with(&update("read", None, None)).is_err());
    }
}
