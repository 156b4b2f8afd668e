//! The states of a row, and the one function that holds every legal change between them.

use std::fmt;

use crate::model::DeliveryStatus;

/// The state of a row of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Not sent yet, or waiting for its next attempt.
    Pending,
    /// The intent to send is recorded; no outcome yet.
    Sending,
    /// The provider accepted it and gave a message id; no status yet.
    Accepted,
    /// Reported as sent, or settled as sent by a person.
    Sent,
    /// Reported as delivered, even if a failure was reported too.
    Delivered,
    /// Reported as read, even if a failure was reported too.
    Read,
    /// Accepted, then reported as failed. A delivery that is reported later still moves it.
    Failed,
    /// The provider refused it for good.
    Rejected,
    /// Every attempt is known not to have been accepted, and no attempt is left.
    Exhausted,
    /// It may have been accepted.
    Uncertain,
    /// The row cannot become a message.
    Invalid,
    /// The same number as an earlier row.
    Duplicate,
    /// The number is on the suppression list.
    Suppressed,
    /// The run was cancelled before this row was sent.
    Cancelled,
    /// Its deadline passed before it was sent.
    Expired,
}

/// An event that may move a row from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StateChange<'a> {
    /// The attempt was accepted.
    Accept,
    /// The attempt was refused for good.
    Refuse,
    /// The attempt is known not to have been accepted; another one may follow.
    TryAgain,
    /// The attempt is known not to have been accepted; no attempt is left.
    Exhaust,
    /// An attempt may have been accepted, for example because the process crashed.
    Doubt,
    /// The provider reported a status.
    Status(&'a DeliveryStatus),
    /// The number was added to the suppression list before the row was sent.
    Suppress,
    /// A person cancelled the run.
    Cancel,
    /// It is too late to send the row.
    Expire,
    /// A person settled an uncertain row as sent.
    SettleSent,
    /// A person settled an uncertain row as not sent.
    SettleNotSent,
    /// A person, or the campaign's `uncertain: resend`, requeues the row.
    Requeue,
}

/// A change that is not legal. It means an internal error or a damaged store, and the row stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a row in state {from} cannot take the change {change}")]
pub struct IllegalChange {
    from: State,
    change: String,
}

impl State {
    /// Every state, in the order of the reports.
    pub const ALL: [Self; 15] = [
        Self::Pending,
        Self::Sending,
        Self::Accepted,
        Self::Sent,
        Self::Delivered,
        Self::Read,
        Self::Failed,
        Self::Rejected,
        Self::Exhausted,
        Self::Uncertain,
        Self::Invalid,
        Self::Duplicate,
        Self::Suppressed,
        Self::Cancelled,
        Self::Expired,
    ];

    /// Returns the name of the state in reports and on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Accepted => "accepted",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
            Self::Rejected => "rejected",
            Self::Exhausted => "exhausted",
            Self::Uncertain => "uncertain",
            Self::Invalid => "invalid",
            Self::Duplicate => "duplicate",
            Self::Suppressed => "suppressed",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Returns the state with this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Returns the number of the state in the store. Numbers are never changed or reused.
    #[must_use]
    pub fn code(self) -> i64 {
        self as i64
    }

    /// Returns the state with this number in the store, if there is one.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        usize::try_from(code).ok().and_then(|index| Self::ALL.get(index).copied())
    }

    /// Whether the provider accepted the message, whatever was reported about it later.
    #[must_use]
    pub fn was_accepted(self) -> bool {
        matches!(self, Self::Accepted | Self::Sent | Self::Delivered | Self::Read | Self::Failed)
    }

    /// Whether the message reached the recipient.
    #[must_use]
    pub fn was_delivered(self) -> bool {
        matches!(self, Self::Delivered | Self::Read)
    }

    /// Returns the state after `change`. Every legal change is here and nowhere else.
    ///
    /// Statuses rank `sent`, `failed`, `delivered`, `read`. A status moves a row up this order and never down; an
    /// unknown status moves nothing.
    ///
    /// # Errors
    /// When the change is not legal.
    pub fn after(self, change: StateChange<'_>) -> Result<Self, IllegalChange> {
        use State::{
            Accepted, Cancelled, Delivered, Exhausted, Expired, Failed, Pending, Read, Rejected, Sending, Sent,
            Suppressed, Uncertain,
        };
        let next = match (self, change) {
            (Pending, StateChange::Suppress) => Suppressed,
            (Pending, StateChange::Cancel) => Cancelled,
            (Pending, StateChange::Expire) => Expired,
            (Sending, StateChange::Accept) => Accepted,
            (Sending, StateChange::Refuse) => Rejected,
            (Sending, StateChange::TryAgain) => Pending,
            (Sending, StateChange::Exhaust) => Exhausted,
            // `Pending`: an earlier attempt may have been accepted, and the next one will not be made.
            (Sending | Pending, StateChange::Doubt) => Uncertain,
            (Uncertain, StateChange::SettleSent) => Sent,
            (Uncertain, StateChange::SettleNotSent) => Exhausted,
            (Rejected | Exhausted | Uncertain | Failed, StateChange::Requeue) => Pending,
            (Accepted | Sent | Delivered | Read | Failed, StateChange::Status(status)) => match (self, status) {
                (Accepted, DeliveryStatus::Sent) => Sent,
                (Accepted | Sent, DeliveryStatus::Failed) => Failed,
                (Accepted | Sent | Failed, DeliveryStatus::Delivered) => Delivered,
                (Accepted | Sent | Failed | Delivered, DeliveryStatus::Read) => Read,
                _ => self,
            },
            _ => return Err(IllegalChange { from: self, change: format!("{change:?}") }),
        };
        Ok(next)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::*;

    const STATUSES: [DeliveryStatus; 4] =
        [DeliveryStatus::Sent, DeliveryStatus::Delivered, DeliveryStatus::Read, DeliveryStatus::Failed];

    #[test]
    fn names_and_codes_read_back() {
        for (index, state) in State::ALL.into_iter().enumerate() {
            assert_eq!(State::from_name(state.as_str()), Some(state));
            assert_eq!(State::from_code(state.code()), Some(state));
            assert_eq!(usize::try_from(state.code()).unwrap(), index, "{state}: order is the store's numbering");
        }
        assert_eq!(State::from_code(99), None);
    }

    /// Every change except statuses.
    const PLAIN: [StateChange<'static>; 11] = [
        StateChange::Accept,
        StateChange::Refuse,
        StateChange::TryAgain,
        StateChange::Exhaust,
        StateChange::Doubt,
        StateChange::Suppress,
        StateChange::Cancel,
        StateChange::Expire,
        StateChange::SettleSent,
        StateChange::SettleNotSent,
        StateChange::Requeue,
    ];

    fn any_change() -> impl Strategy<Value = StateChange<'static>> {
        static WORDS: LazyLock<Vec<DeliveryStatus>> =
            LazyLock::new(|| STATUSES.into_iter().chain([DeliveryStatus::Other("parked".into())]).collect());
        prop::sample::select(PLAIN.into_iter().chain(WORDS.iter().map(StateChange::Status)).collect::<Vec<_>>())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// For any changes in any order: final states stay, and nothing counts as accepted that was not.
        #[test]
        fn no_sequence_of_changes_moves_a_final_row_or_makes_up_an_acceptance(
            from in prop::sample::select(State::ALL.to_vec()),
            changes in prop::collection::vec(any_change(), 0..60),
        ) {
            use State::{Cancelled, Duplicate, Exhausted, Expired, Failed, Invalid, Read, Rejected, Suppressed};
            let mut state = from;
            for change in changes {
                // A refused change leaves the row as it is.
                let Ok(next) = state.after(change) else { continue };
                if matches!(state, Read | Invalid | Duplicate | Suppressed | Cancelled | Expired) {
                    prop_assert_eq!(next, state, "{:?}", change);
                }
                if matches!(state, Failed | Rejected | Exhausted) {
                    let is_delivered = state == Failed && next.was_delivered();
                    prop_assert!(next == state || change == StateChange::Requeue || is_delivered, "{state} {change:?} {next}");
                }
                if next.was_accepted() && !state.was_accepted() {
                    prop_assert!(matches!(change, StateChange::Accept | StateChange::SettleSent), "{state} {change:?} {next}");
                }
                // Nobody is messaged twice by accident: what was or may have been accepted is never resent
                // automatically.
                if next == State::Pending && state != State::Sending {
                    prop_assert_eq!(change, StateChange::Requeue);
                }
                if next == State::Sending {
                    prop_assert_eq!(state, State::Pending);
                }
                state = next;
            }
        }
    }

    #[test]
    fn the_table_of_changes_over_all_pairs() {
        let mut legal = Vec::new();
        for from in State::ALL {
            for change in PLAIN {
                if let Ok(to) = from.after(change) {
                    legal.push(format!("{from} {change:?} {to}"));
                }
            }
        }
        assert_eq!(
            legal,
            [
                "pending Doubt uncertain",
                "pending Suppress suppressed",
                "pending Cancel cancelled",
                "pending Expire expired",
                "sending Accept accepted",
                "sending Refuse rejected",
                "sending TryAgain pending",
                "sending Exhaust exhausted",
                "sending Doubt uncertain",
                "failed Requeue pending",
                "rejected Requeue pending",
                "exhausted Requeue pending",
                "uncertain SettleSent sent",
                "uncertain SettleNotSent exhausted",
                "uncertain Requeue pending",
            ]
        );
    }

    #[test]
    fn a_status_never_moves_a_row_backwards() {
        let rank = |state: State| match state {
            State::Accepted => 0,
            State::Sent => 1,
            State::Failed => 2,
            State::Delivered => 3,
            State::Read => 4,
            other => panic!("{other} has no status"),
        };
        for from in [State::Accepted, State::Sent, State::Failed, State::Delivered, State::Read] {
            for status in STATUSES {
                let reported = State::from_name(status.as_word()).unwrap();
                let to = from.after(StateChange::Status(&status)).unwrap();
                assert_eq!(rank(to), rank(from).max(rank(reported)), "{from} -> {to}");
            }
            let unknown = DeliveryStatus::Other("parked".into());
            assert_eq!(from.after(StateChange::Status(&unknown)), Ok(from));
        }
    }

    #[test]
    fn a_row_that_was_not_accepted_has_no_status() {
        for from in State::ALL.into_iter().filter(|state| !state.was_accepted()) {
            for status in &STATUSES {
                assert!(from.after(StateChange::Status(status)).is_err(), "{from}");
            }
        }
    }
}
