//! The states of a row, and the one function that holds every legal change between them.

use std::fmt;

use super::DeliveryStatus;

/// Where a row of a run stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Not tried yet, or waiting for its next try.
    Pending,
    /// Intent recorded, no outcome yet.
    Sending,
    /// The provider took it and gave a message id; no status yet.
    Accepted,
    /// The provider's status says sent, or a person says so of a row that was in doubt.
    Sent,
    /// The provider's status says delivered.
    Delivered,
    /// The provider's status says read.
    Read,
    /// Accepted, and then the provider's status says that it was not delivered.
    Failed,
    /// The provider refused it for good.
    Rejected,
    /// Every try failed in a way that is known not to have been accepted, and the tries are used up.
    Exhausted,
    /// It may or may not have been accepted.
    Uncertain,
    /// The row cannot become a message.
    Invalid,
    /// The same number as an earlier row.
    Duplicate,
    /// The number is on the suppression list.
    Suppressed,
    /// The run was cancelled before this row was sent.
    Cancelled,
    /// Its last moment came before it was sent.
    Expired,
}

/// Something that may move a row from one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// The intent to send becomes durable.
    Intend,
    /// The attempt was accepted.
    Accept,
    /// The attempt was refused for good.
    Refuse,
    /// The attempt is known not to have been accepted, and another one may follow.
    TryAgain,
    /// As `TryAgain`, and no try is left.
    Exhaust,
    /// Nobody knows what came of an attempt, a crash among the reasons.
    Doubt,
    /// The provider reported a status.
    Status(&'a DeliveryStatus),
    /// The number was put on the suppression list before the row was tried.
    Suppress,
    /// A person cancelled the run.
    Cancel,
    /// It is too late to send the row.
    Expire,
    /// A person says of a row in doubt that it was sent.
    SettleSent,
    /// A person says of a row in doubt that it was not sent.
    SettleNotSent,
    /// A person (or the campaign's `uncertain: resend`) puts the row back to be sent again.
    PutBack,
}

/// A change that the contract does not know. Always a defect or a damaged store, never overwritten.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a row that is {from} cannot take the change {change}")]
pub struct IllegalChange {
    from: State,
    change: String,
}

impl State {
    /// Every state, in the order in which reports count them.
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

    /// The state's name in reports and on the command line.
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

    /// The state with this name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// The number that stands for the state in the store. Never reused, never renumbered.
    #[must_use]
    pub fn code(self) -> i64 {
        self as i64
    }

    /// The state that this number stands for in the store.
    #[must_use]
    pub fn from_code(code: i64) -> Option<Self> {
        usize::try_from(code).ok().and_then(|index| Self::ALL.get(index).copied())
    }

    /// Whether the provider took the message: it has a message id, whatever came of it later.
    #[must_use]
    pub fn was_accepted(self) -> bool {
        matches!(self, Self::Accepted | Self::Sent | Self::Delivered | Self::Read | Self::Failed)
    }

    /// Whether the provider's status can still move the row, so that it is worth asking.
    #[must_use]
    pub fn awaits_status(self) -> bool {
        matches!(self, Self::Accepted | Self::Sent | Self::Delivered)
    }

    /// Where `change` takes a row that is in this state: every legal change of the contract is here and nowhere else.
    ///
    /// Statuses only ever move forward: one that lies behind, or that the documents do not name, leaves the row
    /// where it is. `failed` moves a row that was not yet delivered.
    ///
    /// # Errors
    /// [`IllegalChange`] for everything the contract does not know.
    pub fn after(self, change: Change<'_>) -> Result<Self, IllegalChange> {
        use State::{
            Accepted, Cancelled, Delivered, Exhausted, Expired, Failed, Pending, Read, Rejected, Sending, Sent,
            Suppressed, Uncertain,
        };
        let next = match (self, change) {
            (Pending, Change::Intend) => Sending,
            (Pending, Change::Suppress) => Suppressed,
            (Pending, Change::Cancel) => Cancelled,
            (Pending, Change::Expire) => Expired,
            (Sending, Change::Accept) => Accepted,
            (Sending, Change::Refuse) => Rejected,
            (Sending, Change::TryAgain) => Pending,
            (Sending, Change::Exhaust) => Exhausted,
            // A row that waits, after an attempt in doubt, for a try that will not be made.
            (Sending | Pending, Change::Doubt) => Uncertain,
            (Uncertain, Change::SettleSent) => Sent,
            (Uncertain, Change::SettleNotSent) => Exhausted,
            (Rejected | Exhausted | Uncertain | Failed, Change::PutBack) => Pending,
            (Accepted | Sent | Delivered | Read | Failed, Change::Status(status)) => match (self, status) {
                (Accepted, DeliveryStatus::Sent) => Sent,
                (Accepted | Sent, DeliveryStatus::Failed) => Failed,
                (Accepted | Sent, DeliveryStatus::Delivered) => Delivered,
                (Accepted | Sent | Delivered, DeliveryStatus::Read) => Read,
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

    /// Every change but those of a status.
    const PLAIN: [Change<'static>; 12] = [
        Change::Intend,
        Change::Accept,
        Change::Refuse,
        Change::TryAgain,
        Change::Exhaust,
        Change::Doubt,
        Change::Suppress,
        Change::Cancel,
        Change::Expire,
        Change::SettleSent,
        Change::SettleNotSent,
        Change::PutBack,
    ];

    fn any_change() -> impl Strategy<Value = Change<'static>> {
        static WORDS: LazyLock<Vec<DeliveryStatus>> =
            LazyLock::new(|| STATUSES.into_iter().chain([DeliveryStatus::Other("parked".into())]).collect());
        prop::sample::select(PLAIN.into_iter().chain(WORDS.iter().map(Change::Status)).collect::<Vec<_>>())
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever happens in whatever order: what is final stays, and nothing counts as accepted that was not.
        #[test]
        fn no_sequence_of_changes_moves_a_final_row_or_makes_up_an_acceptance(
            from in prop::sample::select(State::ALL.to_vec()),
            changes in prop::collection::vec(any_change(), 0..60),
        ) {
            use State::{Cancelled, Duplicate, Exhausted, Expired, Failed, Invalid, Read, Rejected, Suppressed};
            let mut state = from;
            for change in changes {
                // What is refused leaves the row where it is.
                let Ok(next) = state.after(change) else { continue };
                if matches!(state, Read | Invalid | Duplicate | Suppressed | Cancelled | Expired) {
                    prop_assert_eq!(next, state, "{:?}", change);
                }
                if matches!(state, Failed | Rejected | Exhausted) {
                    prop_assert!(next == state || change == Change::PutBack, "{state} {change:?} {next}");
                }
                if next.was_accepted() && !state.was_accepted() {
                    prop_assert!(matches!(change, Change::Accept | Change::SettleSent), "{state} {change:?} {next}");
                }
                // Nobody messages a person twice unasked: what was or may have been accepted is never sent again by
                // itself.
                if next == State::Pending && state != State::Sending {
                    prop_assert_eq!(change, Change::PutBack);
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
                "pending Intend sending",
                "pending Doubt uncertain",
                "pending Suppress suppressed",
                "pending Cancel cancelled",
                "pending Expire expired",
                "sending Accept accepted",
                "sending Refuse rejected",
                "sending TryAgain pending",
                "sending Exhaust exhausted",
                "sending Doubt uncertain",
                "failed PutBack pending",
                "rejected PutBack pending",
                "exhausted PutBack pending",
                "uncertain SettleSent sent",
                "uncertain SettleNotSent exhausted",
                "uncertain PutBack pending",
            ]
        );
    }

    #[test]
    fn a_status_never_moves_a_row_backwards() {
        let rank = |state: State| match state {
            State::Accepted => 0,
            State::Sent => 1,
            State::Delivered => 2,
            State::Read | State::Failed => 3,
            other => panic!("{other} has no status"),
        };
        for from in [State::Accepted, State::Sent, State::Delivered, State::Read, State::Failed] {
            for status in STATUSES {
                let to = from.after(Change::Status(&status)).unwrap();
                assert!(rank(to) >= rank(from), "{from} -> {to}");
            }
            let unknown = DeliveryStatus::Other("parked".into());
            assert_eq!(from.after(Change::Status(&unknown)), Ok(from));
        }
        assert_eq!(State::Delivered.after(Change::Status(&DeliveryStatus::Failed)), Ok(State::Delivered));
    }

    #[test]
    fn a_row_that_was_not_accepted_has_no_status() {
        for from in State::ALL.into_iter().filter(|state| !state.was_accepted()) {
            for status in &STATUSES {
                assert!(from.after(Change::Status(status)).is_err(), "{from}");
            }
        }
    }
}
