//! What is known of an accepted message, and the one function by which a status adds to it: whether it was asked for or
//! the provider called back with it.

use super::{Change, DeliveryStatus, IllegalChange, Millis, Problem, State, StatusUpdate};

/// What is known of an accepted message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// How far it got.
    pub state: State,
    /// The provider's word, where the documents do not name it.
    pub word: Option<String>,
    /// When it was delivered, as far as is known.
    pub delivered_at: Option<Millis>,
    /// When it was read, as far as is known.
    pub read_at: Option<Millis>,
    /// What went wrong with it, if something did.
    pub problem: Option<Problem>,
}

/// The code of a message that failed where the provider did not say why: a status that was asked for never does.
const NO_REASON: &str = "not_delivered";

impl Standing {
    /// With one status more. Statuses may come in any order and any number of times, and end in the same: the state only
    /// moves forward, of two times the earlier one counts, of two unknown words the later one in the alphabet, and a
    /// reason takes the place of none.
    ///
    /// # Errors
    /// Where the row was not accepted, so that it can have no status.
    pub fn with(&self, update: &StatusUpdate) -> Result<Self, IllegalChange> {
        let mut next = Self {
            state: self.state.after(Change::Status(&update.status))?,
            delivered_at: earlier(self.delivered_at, update.delivered_at),
            read_at: earlier(self.read_at, update.read_at),
            ..self.clone()
        };
        if let DeliveryStatus::Other(word) = &update.status {
            next.word = next.word.max(Some(word.clone()));
        }
        if next.state == State::Failed {
            let unexplained = self.problem.as_ref().is_none_or(|problem| problem.code == NO_REASON);
            match &update.problem {
                Some(reason) if self.state != State::Failed || unexplained => next.problem = Some(reason.clone()),
                None if self.state != State::Failed => {
                    let words = "the provider reported that it was not delivered, and gave no reason";
                    next.problem = Some(Problem::new(NO_REASON, words));
                }
                _ => {}
            }
        }
        Ok(next)
    }
}

/// The earlier of two times, or the one that is known.
fn earlier(a: Option<Millis>, b: Option<Millis>) -> Option<Millis> {
    a.into_iter().chain(b).min()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn accepted() -> Standing {
        Standing { state: State::Accepted, word: None, delivered_at: None, read_at: None, problem: None }
    }

    fn update(word: &str, delivered: Option<i64>, read: Option<i64>) -> StatusUpdate {
        StatusUpdate {
            message_id: "m".into(),
            status: DeliveryStatus::from_word(word),
            delivered_at: delivered.map(Millis),
            read_at: read.map(Millis),
            problem: None,
        }
    }

    /// Everything the provider may say of one message over time, asked for and of its own accord, however late and
    /// however often.
    fn statuses() -> impl Strategy<Value = Vec<StatusUpdate>> {
        let arrived = (
            prop::sample::select(vec![None, Some(5_000), Some(6_000)]),
            prop::sample::select(vec!["accepted", "parked", "sent", "delivered", "read"]),
            8_000..9_000_i64,
        )
            .prop_map(|(delivered, word, read)| match word {
                "delivered" => update(word, delivered, None),
                "read" => update(word, delivered, Some(read)),
                word => update(word, None, None),
            });
        let failed =
            (prop::sample::select(vec!["parked", "sent", "failed"]), any::<bool>()).prop_map(|(word, told)| {
                let reason = (told && word == "failed").then(|| Problem::new("131049", "not now"));
                StatusUpdate { problem: reason, ..update(word, None, None) }
            });
        prop_oneof![prop::collection::vec(arrived, 0..8), prop::collection::vec(failed, 0..8)]
    }

    /// Where a message ends that gets these statuses, and every step on the way.
    fn steps<'a>(updates: impl IntoIterator<Item = &'a StatusUpdate>) -> Vec<Standing> {
        let mut steps = vec![accepted()];
        for update in updates {
            steps.push(steps[steps.len() - 1].with(update).unwrap());
        }
        steps
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn statuses_in_any_order_and_with_repeats_end_in_the_same(
            (updates, shuffled) in statuses().prop_flat_map(|updates| {
                let twice = updates.iter().chain(&updates).cloned().collect::<Vec<_>>();
                (Just(updates), Just(twice).prop_shuffle())
            }),
        ) {
            prop_assert_eq!(steps(&updates).pop(), steps(&shuffled).pop());
            for pair in steps(&shuffled).windows(2) {
                // What is known stays known, and is at most known better.
                prop_assert!(pair[0].delivered_at.is_none_or(|at| pair[1].delivered_at <= Some(at)));
                prop_assert!(pair[0].read_at.is_none_or(|at| pair[1].read_at <= Some(at)));
                prop_assert!(pair[1].delivered_at.is_some() || pair[0].delivered_at.is_none());
                prop_assert!(!matches!(pair[0].state, State::Read | State::Failed) || pair[0].state == pair[1].state);
                prop_assert_eq!(pair[1].problem.is_some(), pair[1].state == State::Failed);
            }
        }
    }

    #[test]
    fn a_delivery_time_that_read_overwrote_is_kept() {
        let read = steps(&[update("delivered", Some(9), None), update("read", None, Some(12))]).pop().unwrap();
        assert_eq!((read.delivered_at, read.read_at), (Some(Millis(9)), Some(Millis(12))));
    }

    #[test]
    fn an_unknown_word_is_kept_and_moves_nothing() {
        let parked = steps(&[update("delivered", None, None), update("parked", None, None)]).pop().unwrap();
        assert_eq!((parked.state, parked.word.as_deref()), (State::Delivered, Some("parked")));
    }

    #[test]
    fn what_was_not_accepted_has_no_status() {
        let pending = Standing { state: State::Pending, ..accepted() };
        assert!(pending.with(&update("read", None, None)).is_err());
    }
}
