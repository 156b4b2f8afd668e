//! Classifies responses: with `whatsapp_errors` and `gateway`, the only place that knows status numbers and error
//! codes. `http::failure` classifies missing responses.
//!
//! The question is always whether the message may have been accepted. If that cannot be ruled out, the outcome is
//! `Uncertain`, because the provider's API supports no idempotency keys, and a second request might be a second
//! message.

use std::borrow::Cow;
use std::time::Duration;

use reqwest::StatusCode;

use super::envelope::{Envelope, MessageId, Status, Success};
use crate::model::{BadAnswer, DeliveryStatus, Outcome, Problem, SendProblem, StatusUpdate, plain_code};
use crate::provider::error::PollError;
use crate::provider::gateway::{by_status, without_envelope};
use crate::provider::refusal_words::Words;
use crate::provider::webhook::seconds;
use crate::provider::whatsapp_errors;

/// Returns the outcome of a send with a complete response.
pub(super) fn answer(status: StatusCode, wait: Option<Duration>, body: &[u8]) -> Outcome {
    if let (true, Some(message_id)) = (status.is_success(), Success::message_id(body)) {
        return Outcome::Accepted { message_id: message_id.to_owned(), is_held: false };
    }
    let Ok(envelope) = Envelope::read(body) else {
        return without_envelope(status, wait, body);
    };
    match (envelope.status.as_ref(), status.is_success()) {
        ("success", true) => match envelope.message_id() {
            MessageId::Known(message_id) => Outcome::Accepted { message_id, is_held: false },
            MessageId::None => Outcome::Unnamed(SendProblem::NoMessageId.into()),
            MessageId::Unusable => Outcome::Unnamed(SendProblem::BadMessageId.into()),
        },
        // An id names a message that exists, and the rest denies it.
        ("error", _) if envelope.message_id() == MessageId::None => {
            refusal(status, wait, envelope.code, words(envelope.message))
        }
        _ => Outcome::Uncertain(bad_answer(BadAnswer::Contradictory(status.to_string()))),
    }
}

/// Returns the statuses in a response. Polling is harmless, so any failure that is not the account's fault may be
/// retried.
pub(super) fn statuses(
    status: StatusCode,
    wait: Option<Duration>,
    body: &[u8],
) -> Result<Vec<StatusUpdate>, PollError> {
    let outcome = match Envelope::read(body) {
        Ok(envelope) if envelope.status == "success" && status.is_success() => {
            let garbled = || PollError::TryAgain(bad_answer(BadAnswer::Statuses));
            return Ok(envelope.statuses().ok_or_else(garbled)?.into_iter().map(update).collect());
        }
        // Unlike a refused credential, an unknown id says nothing about the account.
        Ok(Envelope { code: Some(404), message, .. }) => {
            return Err(PollError::TryAgain(Problem::new("404", words(message))));
        }
        Ok(Envelope { code, message, .. }) => refusal(status, wait, code, words(message)),
        Err(_) => without_envelope(status, wait, body),
    };
    Err(outcome.into())
}

fn update(status: Status) -> StatusUpdate {
    StatusUpdate {
        status: DeliveryStatus::from_word(&status.message_status),
        message_id: status.message_id,
        delivered_at: seconds(&status.delivered_at),
        read_at: seconds(&status.read_at),
        problem: None,
        reference: None,
    }
}

fn words(message: Option<Cow<'_, str>>) -> String {
    message.unwrap_or_default().into_owned()
}

/// Classifies a response with "error" in the provider's envelope.
fn refusal(status: StatusCode, wait: Option<Duration>, code: Option<i64>, message: String) -> Outcome {
    // With a failure beside it, the message may still be delivered.
    let is_failure = matches!(code, Some(500 | -1)) || status.is_server_error();
    if !is_failure && (status == StatusCode::TOO_MANY_REQUESTS || code == Some(429)) {
        return Outcome::Throttled { problem: Problem::new("429", message), wait };
    }
    let Some(code) = code.filter(|code| plain_code(&code.to_string()).is_some()) else {
        return without_envelope(status, wait, message.as_bytes());
    };
    let words = Words::of(&message);
    let problem = |message| Problem::new(code.to_string(), message);
    match code {
        // The credential, or a missing route: not the fault of a row.
        10001 | 401 | 403 | 404 => Outcome::Halted(problem(message)),
        // A gateway in front of the provider may fill the same fields.
        400 | 422 if words.describe_lost_connection() => Outcome::Uncertain(problem(message)),
        400 | 422 => Outcome::Refused(problem(message)),
        10002..=10004 => channel_refusal(code, message, wait),
        // The message may still be delivered.
        500 | -1 => Outcome::Uncertain(problem(message)),
        // Undocumented codes are classified by the HTTP status.
        _ => by_status(status, wait, &words, problem(message)),
    }
}

/// Classifies a refusal by the channel behind the provider; WhatsApp's look like `(#132012) …`.
fn channel_refusal(code: i64, message: String, wait: Option<Duration>) -> Outcome {
    if let Some((code, words)) = whatsapp_code(&message) {
        let problem = Problem::new(code.to_string(), words);
        // INCS does not pass on the HTTP status by which Meta tells a failure from a refusal.
        return match whatsapp_errors::is_failure_inside(code) {
            true => Outcome::Uncertain(problem),
            false => whatsapp_errors::outcome(code, problem, wait),
        };
    }
    // Reported as a failure, but a timeout between the provider and the channel looks the same.
    let words = Words::of(&message);
    let problem = Problem::new(code.to_string(), message);
    if words.are_about_the_message() && !words.describe_trouble() {
        Outcome::Refused(problem)
    } else {
        Outcome::Uncertain(problem)
    }
}

/// Parses `(#132012) words`; if text precedes the code, the words are the whole text.
fn whatsapp_code(message: &str) -> Option<(u32, &str)> {
    let message = message.trim();
    let (before, rest) = message.split_once("(#")?;
    let (code, words) = rest.split_once(')')?;
    Some((
        plain_code(code)?.parse().ok()?,
        if before.is_empty() && !words.trim().is_empty() { words.trim() } else { message },
    ))
}

fn bad_answer(why: BadAnswer) -> Problem {
    SendProblem::BadAnswer(why).into()
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
