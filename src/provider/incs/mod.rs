//! INCS: its Messages API, and what it calls back with.
//!
//! `client` sends and polls. `classify` decides what an answer means, with `envelope`, `error_codes` and
//! `refusal_words`. `webhook` reads callbacks.

mod classify;
pub(super) mod client;
mod envelope;
pub(super) mod error_codes;
mod refusal_words;
pub(super) mod webhook;

/// The reading of answers, for the fuzz target `provider_answer` and nothing else.
#[cfg(fuzzing)]
pub mod fuzzing {
    use std::time::Duration;

    use reqwest::StatusCode;

    use super::classify;
    use crate::model::{Outcome, StatusUpdate};
    use crate::provider::PollError;

    /// What an answer to a send means; `None` where there is no such HTTP status.
    #[must_use]
    pub fn answer(status: u16, wait: Option<Duration>, body: &[u8]) -> Option<Outcome> {
        Some(classify::answer(StatusCode::from_u16(status).ok()?, wait, body))
    }

    /// What an answer to a status request means; `None` where there is no such HTTP status.
    #[must_use]
    pub fn statuses(status: u16, wait: Option<Duration>, body: &[u8]) -> Option<Result<Vec<StatusUpdate>, PollError>> {
        Some(classify::statuses(StatusCode::from_u16(status).ok()?, wait, body))
    }
}
