//! What becomes of a waiting row that is no longer sent: a rule without SQL.

use super::StoreError;
use crate::model::{State, StateChange};

/// Returns the state of a waiting row after `change`: cancelled, suppressed or expired. A row that may have been
/// accepted before becomes uncertain instead.
///
/// # Errors
/// When a waiting row cannot make this change.
pub fn stopped(change: StateChange<'_>, in_doubt: bool) -> Result<State, StoreError> {
    let change = if in_doubt { StateChange::Doubt } else { change };
    State::Pending.after(change).map_err(StoreError::Illegal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_in_doubt_is_never_said_to_be_unsent() {
        for (change, state) in [
            (StateChange::Cancel, State::Cancelled),
            (StateChange::Suppress, State::Suppressed),
            (StateChange::Expire, State::Expired),
        ] {
            assert_eq!(stopped(change, false).unwrap(), state);
            assert_eq!(stopped(change, true).unwrap(), State::Uncertain);
        }
        assert!(stopped(StateChange::Accept, false).is_err());
    }
}
