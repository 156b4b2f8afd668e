//! Classifies responses: with `error_codes`, the only place that knows status numbers and error codes. `http::failure`
//! classifies missing responses.
//!
//! The question is always whether the message may have been accepted. If that cannot be ruled out, the outcome is
//! `Uncertain`, because the provider's API supports no idempotency keys, and a second request might be a second message.

use std::borrow::Cow;
use std::time::Duration;

use reqwest::StatusCode;

use super::envelope::{Envelope, MessageId, Status, Success};
use super::error_codes::{self, Class};
use super::refusal_words::Words;
use crate::model::{BadAnswer, DeliveryStatus, Millis, Outcome, Pause, Problem, SendProblem, StatusUpdate, plain_code};
use crate::provider::error::PollError;
use crate::provider::http::failure;

/// Returns the outcome of a send with a complete response.
pub(super) fn answer(status: StatusCode, wait: Option<Duration>, body: &[u8]) -> Outcome {
    if let (true, Some(message_id)) = (status.is_success(), Success::message_id(body)) {
        return Outcome::Accepted { message_id: message_id.to_owned() };
    }
    let Ok(envelope) = Envelope::read(body) else {
        return without_envelope(status, wait, body);
    };
    match (envelope.status.as_ref(), status.is_success()) {
        ("success", true) => match envelope.message_id() {
            MessageId::Known(message_id) => Outcome::Accepted { message_id },
            MessageId::None => Outcome::Unnamed(SendProblem::NoMessageId.into()),
            MessageId::Unusable => Outcome::Unnamed(SendProblem::BadMessageId.into()),
        },
        ("error", _) => refusal(status, wait, envelope.code, words(envelope.message)),
        _ => Outcome::Uncertain(bad_answer(BadAnswer::Contradictory(status.to_string()))),
    }
}

/// Returns the outcome of a send whose response was cut off.
pub(super) fn broken_answer(status: StatusCode, wait: Option<Duration>, broken: BadAnswer) -> Outcome {
    match without_envelope(status, wait, b"") {
        // The status line is enough.
        outcome @ (Outcome::Throttled { .. } | Outcome::Halted(_)) => outcome,
        _ => Outcome::Uncertain(bad_answer(broken)),
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
        Ok(Envelope { code, message, .. }) => refusal(status, wait, code, words(message)),
        Err(_) => without_envelope(status, wait, body),
    };
    Err(asked_in_vain(outcome))
}

/// Returns why a status request got no response.
pub(super) fn poll_failed(error: reqwest::Error) -> PollError {
    asked_in_vain(failure::client(error))
}

/// Converts the outcome of a send to the error of a status request.
fn asked_in_vain(outcome: Outcome) -> PollError {
    match outcome {
        Outcome::Throttled { problem, wait } => PollError::Throttled(problem, wait),
        Outcome::Unreachable(problem) => PollError::Unreachable(problem),
        Outcome::Halted(problem) => PollError::Halted(problem),
        Outcome::Refused(problem)
        | Outcome::RetryOnce(problem)
        | Outcome::TemplateRefused(problem)
        | Outcome::Uncertain(problem)
        | Outcome::Unnamed(problem)
        | Outcome::Deferred { problem, .. }
        | Outcome::TryAgain { problem, .. } => PollError::TryAgain(problem),
        Outcome::Accepted { .. } | Outcome::Unsent => PollError::TryAgain(bad_answer(BadAnswer::NoStatuses)),
    }
}

fn update(status: Status) -> StatusUpdate {
    StatusUpdate {
        status: DeliveryStatus::from_word(&status.message_status),
        message_id: status.message_id,
        delivered_at: status.delivered_at.and_then(Millis::from_provider_seconds),
        read_at: status.read_at.and_then(Millis::from_provider_seconds),
        problem: None,
    }
}

fn words(message: Option<Cow<'_, str>>) -> String {
    message.unwrap_or_default().into_owned()
}

/// Classifies a response with "error" in the provider's envelope.
fn refusal(status: StatusCode, wait: Option<Duration>, code: Option<i64>, message: String) -> Outcome {
    if status == StatusCode::TOO_MANY_REQUESTS || code == Some(429) {
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
        return whatsapp(code, Problem::new(code.to_string(), words), wait);
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

/// Classifies a WhatsApp code. A message with such a direct response was not accepted; for an unlisted code it is not
/// retried, and the words are kept.
fn whatsapp(code: u32, problem: Problem, wait: Option<Duration>) -> Outcome {
    const MINUTE: Duration = Duration::from_secs(60);
    match error_codes::find(code).map_or(Class::Message, |code| code.class) {
        Class::Throttled => Outcome::Throttled { problem, wait },
        Class::ThrottledForLong => Outcome::Throttled { problem, wait: Some(wait.unwrap_or(5 * MINUTE)) },
        Class::Pair => Outcome::Deferred { problem, pause: Pause::Short },
        Class::Days => Outcome::Deferred { problem, pause: Pause::Days },
        Class::Passing => Outcome::TryAgain { problem, wait },
        Class::Upgrade => Outcome::TryAgain { problem, wait: Some(wait.unwrap_or(2 * MINUTE)) },
        Class::RetryOnce => Outcome::RetryOnce(problem),
        Class::Message => Outcome::Refused(problem),
        Class::Template => Outcome::TemplateRefused(problem),
        Class::Account => Outcome::Halted(problem),
    }
}

/// Classifies a response without the provider's envelope: from a gateway, a proxy, or something else.
fn without_envelope(status: StatusCode, wait: Option<Duration>, body: &[u8]) -> Outcome {
    let whole = String::from_utf8_lossy(body);
    let text: String = whole.chars().filter(|c| !c.is_control()).take(200).collect();
    let text = if text.trim().is_empty() { String::new() } else { text };
    let problem = SendProblem::Http { status: status.as_u16(), text };
    by_status(status, wait, &Words::of_body(&whole), problem.into())
}

/// Classifies by the HTTP status, and a refusal also by its words.
fn by_status(status: StatusCode, wait: Option<Duration>, words: &Words, problem: Problem) -> Outcome {
    match status.as_u16() {
        // Rejected before any processing.
        421 | 425 => Outcome::TryAgain { problem, wait },
        429 => Outcome::Throttled { problem, wait },
        // Load shedding says when to retry; a 503 without that may come from behind the provider.
        503 if wait.is_some() => Outcome::Throttled { problem, wait },
        300..=399 | 401 | 403 | 404 | 405 | 407 => Outcome::Halted(problem),
        // A gateway may report this after it forwarded the request: a timeout, or a connection closed by one side.
        408 | 444 | 460 | 499 => Outcome::Uncertain(problem),
        400..=499 if words.describe_lost_connection() => Outcome::Uncertain(problem),
        400..=499 => Outcome::Refused(problem),
        // Includes 2xx without a message id, which may have been accepted.
        _ => Outcome::Uncertain(problem),
    }
}

fn bad_answer(why: BadAnswer) -> Problem {
    SendProblem::BadAnswer(why).into()
}

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
