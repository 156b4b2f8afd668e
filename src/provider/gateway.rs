//! Answers that are not in the provider's own format: from a gateway, a proxy, or something else.

use std::time::Duration;

use reqwest::StatusCode;

use super::refusal_words::Words;
use crate::model::{BadAnswer, Outcome, Problem, SendProblem};

/// Returns the outcome of a send whose response was cut off.
pub(super) fn broken_answer(status: StatusCode, wait: Option<Duration>, broken: BadAnswer) -> Outcome {
    match without_envelope(status, wait, b"") {
        // The status line is enough.
        outcome @ (Outcome::Throttled { .. } | Outcome::Halted(_)) => outcome,
        _ => Outcome::Uncertain(SendProblem::BadAnswer(broken).into()),
    }
}

/// Classifies a response without the provider's envelope: from a gateway, a proxy, or something else.
pub(super) fn without_envelope(status: StatusCode, wait: Option<Duration>, body: &[u8]) -> Outcome {
    let whole = String::from_utf8_lossy(body);
    let text: String = whole.chars().filter(|c| !c.is_control()).take(200).collect();
    let text = if text.trim().is_empty() { String::new() } else { text };
    let problem = SendProblem::Http { status: status.as_u16(), text };
    by_status(status, wait, &Words::of_body(&whole), problem.into())
}

/// Classifies by the HTTP status, and a refusal also by its words.
pub(super) fn by_status(status: StatusCode, wait: Option<Duration>, words: &Words, problem: Problem) -> Outcome {
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
