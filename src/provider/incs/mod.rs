//! INCS: its Messages API and its webhooks.
//!
//! `client` sends and polls. `classify` decides what a response means, with `envelope`. `webhook` parses webhook calls.

mod classify;
pub(super) mod client;
mod envelope;
pub(super) mod webhook;

/// Response parsing, only for the fuzz target `provider_answer`.
#[cfg(fuzzing)]
pub mod fuzzing {
    use std::time::Duration;

    use reqwest::StatusCode;

    use super::classify;
    use crate::model::{Outcome, StatusUpdate};
    use crate::provider::PollError;

    /// Classifies the response to a send; `None` if the HTTP status is not valid.
    #[must_use]
    pub fn answer(status: u16, wait: Option<Duration>, body: &[u8]) -> Option<Outcome> {
        Some(classify::answer(StatusCode::from_u16(status).ok()?, wait, body))
    }

    /// Classifies the response to a status request; `None` if the HTTP status is not valid.
    #[must_use]
    pub fn statuses(status: u16, wait: Option<Duration>, body: &[u8]) -> Option<Result<Vec<StatusUpdate>, PollError>> {
        Some(classify::statuses(StatusCode::from_u16(status).ok()?, wait, body))
    }
}
