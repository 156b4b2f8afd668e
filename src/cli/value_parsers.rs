//! Parsers of values on the command line.

use crate::model::{RunId, State};

/// Reads a run's id.
pub(in crate::cli) fn run_id(text: &str) -> Result<RunId, String> {
    text.parse().map_err(|error: crate::model::BadRunId| error.to_string())
}

/// Reads a state's name.
pub(in crate::cli) fn state(text: &str) -> Result<State, String> {
    State::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = State::ALL.into_iter().map(State::as_str).collect();
        format!("unknown state `{text}`; the states are {}", names.join(", "))
    })
}
