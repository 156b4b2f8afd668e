//! Classifies responses of Meta's Cloud API, with `whatsapp_errors` and `gateway`.
//!
//! Meta advises to decide on `error.code`, not on the HTTP status or the words ("Cloud API error codes"). A direct
//! response with a listed code means that the message was not accepted. The exceptions are codes that only say that
//! something went wrong inside Meta: with a 5xx status they leave the message in doubt, because there is no idempotency
//! key and a second request might be a second message. If it was accepted after all, a webhook says so. The same goes
//! for an answer that names a message while its status denies it.

use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::model::{BadAnswer, Outcome, Problem, SendProblem, plain_code};
use crate::provider::error::PollError;
use crate::provider::gateway::{by_status, without_envelope};
use crate::provider::refusal_words::Words;
use crate::provider::whatsapp_errors;

/// The longest message id. Meta's have about 60 characters.
const LONGEST_ID: usize = 2_000;

/// A response, as far as it is used.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    messages: Value,
    error: Option<Value>,
}

/// Returns the outcome of a send with a complete response.
pub(super) fn answer(status: StatusCode, wait: Option<Duration>, body: &[u8]) -> Outcome {
    let Ok(Answer { messages, error }) = serde_json::from_slice(body) else {
        return without_envelope(status, wait, body);
    };
    // An id names a message that exists, whatever else the answer says.
    let is_named = messages[0]["id"].as_str().is_some_and(|id| !id.trim().is_empty());
    match (error, status.is_success()) {
        (_, true) if is_named => accepted(&messages[0]),
        (_, false) if is_named => {
            Outcome::Uncertain(SendProblem::BadAnswer(BadAnswer::Contradictory(status.to_string())).into())
        }
        (Some(error), true) => refused_with_success(status, wait, &error),
        (Some(error), false) => refusal(status, wait, &error),
        (None, true) => accepted(&messages[0]),
        (None, false) => without_envelope(status, wait, body),
    }
}

/// Returns whether a request for the phone number found it.
pub(super) fn number(status: StatusCode, wait: Option<Duration>, body: &[u8]) -> Result<(), PollError> {
    #[derive(Deserialize)]
    struct Number {
        #[serde(rename = "id")]
        _id: String,
    }
    match serde_json::from_slice::<Number>(body) {
        Ok(_) if status.is_success() => Ok(()),
        _ => Err(answer(status, wait, body).into()),
    }
}

/// A `message_status` other than `accepted` means that Meta holds the message to assess its quality
/// (`held_for_quality_assessment`) or because its template was paused meanwhile (`paused`). It is accepted all the
/// same: a webhook says what becomes of it ("Template pacing").
fn accepted(message: &Value) -> Outcome {
    let is_held = matches!(message["message_status"].as_str(), Some("held_for_quality_assessment" | "paused"));
    match message["id"].as_str() {
        Some(id) if id.trim().is_empty() => Outcome::Unnamed(SendProblem::NoMessageId.into()),
        Some(id) if id.len() <= LONGEST_ID && !id.contains(char::is_control) => {
            Outcome::Accepted { message_id: id.to_owned(), is_held }
        }
        Some(_) => Outcome::Unnamed(SendProblem::BadMessageId.into()),
        None => Outcome::Unnamed(SendProblem::NoMessageId.into()),
    }
}

/// Returns the outcome of a success that has an error in its body and names no message. It is not sent again for a code
/// that only says that something went wrong.
fn refused_with_success(status: StatusCode, wait: Option<Duration>, error: &Value) -> Outcome {
    match refusal(status, wait, error) {
        Outcome::TryAgain { problem, .. } | Outcome::RetryOnce(problem) => Outcome::Uncertain(problem),
        refusal => refusal,
    }
}

fn refusal(status: StatusCode, wait: Option<Duration>, error: &Value) -> Outcome {
    let words = words(error);
    let code = error["code"].as_u64().and_then(|code| u32::try_from(code).ok());
    let Some(code) = code.filter(|code| plain_code(&code.to_string()).is_some()) else {
        return without_envelope(status, wait, words.as_bytes());
    };
    let problem = Problem::new(code.to_string(), words.as_str());
    let is_unavailable = status == StatusCode::SERVICE_UNAVAILABLE;
    match code {
        // A wrong app secret, not the fault of a row.
        100 if words.contains("appsecret_proof") => Outcome::Halted(problem),
        // 503 with this code says that Meta is overloaded: it did not take the message.
        2 if is_unavailable => whatsapp_errors::outcome(code, problem, wait),
        code if status.is_server_error() && whatsapp_errors::is_failure_inside(code) => Outcome::Uncertain(problem),
        code if whatsapp_errors::find(code).is_some() => whatsapp_errors::outcome(code, problem, wait),
        _ => by_status(status, wait, &Words::of(&words), problem),
    }
}

/// Returns Meta's words without the code in front, and its details.
pub(super) fn words(error: &Value) -> String {
    let text = |value: &Value| value.as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
    let message = text(&error["message"]).or_else(|| text(&error["title"])).unwrap_or_default();
    let message = match message.strip_prefix("(#").and_then(|rest| rest.split_once(") ")) {
        Some((code, words)) if plain_code(code).is_some() => words.to_owned(),
        _ => message,
    };
    match text(&error["error_data"]["details"]) {
        Some(details) if message.is_empty() || details.contains(&message) => details,
        Some(details) if !message.contains(&details) => format!("{message}: {details}"),
        _ => message,
    }
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
