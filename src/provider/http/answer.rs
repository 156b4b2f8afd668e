//! Responses, and the pauses that they ask for.

use std::collections::HashMap;
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode};

use super::failure;
use crate::model::{BadAnswer, Millis};

/// The most bytes of a response that are read; an envelope has a few hundred.
pub(in crate::provider) const LARGEST_ANSWER: usize = 1 << 20;
/// The longest pause that a provider can ask for: a longer one is probably in another unit.
pub const LONGEST_WISH: Duration = Duration::from_secs(7 * 24 * 3600);

pub(in crate::provider) async fn read(mut response: Response) -> Result<Vec<u8>, BadAnswer> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > LARGEST_ANSWER => return Err(BadAnswer::TooLarge),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) => return Err(BadAnswer::BrokeOff(failure::words(&error.without_url()))),
        }
    }
}

/// Returns the time in the header `Date`.
pub(in crate::provider) fn server_time(headers: &HeaderMap) -> Option<Millis> {
    let date = headers.get("date")?.to_str().ok()?;
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(date).ok()?;
    Some(Millis(date.as_millisecond()))
}

/// Returns the pause that a response asks for: `Retry-After`, or Meta's `X-Business-Use-Case-Usage`, which gives the
/// minutes until an account may send again.
pub(in crate::provider) fn wait_asked(headers: &HeaderMap) -> Option<Duration> {
    retry_after(headers).or_else(|| regain_time(headers))
}

/// Parses `{"ACCOUNT": [{"type": "whatsapp", "estimated_time_to_regain_access": 5, …}]}`, in minutes; the longest
/// counts. `None` if no account has to wait.
fn regain_time(headers: &HeaderMap) -> Option<Duration> {
    #[derive(serde::Deserialize)]
    struct Usage {
        #[serde(default)]
        estimated_time_to_regain_access: u64,
    }
    let usage = headers.get("x-business-use-case-usage")?.as_bytes();
    let usage: HashMap<String, Vec<Usage>> = serde_json::from_slice(usage).ok()?;
    let minutes = usage.into_values().flatten().map(|usage| usage.estimated_time_to_regain_access).max()?;
    (minutes > 0).then(|| Duration::from_secs(minutes.saturating_mul(60)).min(LONGEST_WISH))
}

/// Parses `Retry-After`: seconds, or a date, which is compared with the date of the response, so that our clock does
/// not matter. `None` for anything else.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok();
    let date = |text: &str| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok();
    let wish = text("retry-after")?.trim();
    let wait = match wish.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => Duration::try_from(date(wish)?.duration_since(date(text("date")?)?)).unwrap_or_default(),
    };
    Some(wait.min(LONGEST_WISH))
}

/// A response, complete or cut off.
pub(in crate::provider) struct HttpAnswer {
    /// The status of the first line.
    pub(in crate::provider) status: StatusCode,
    /// The pause that the provider asked for.
    pub(in crate::provider) wait: Option<Duration>,
    /// The complete body, or why it is not complete.
    pub(in crate::provider) body: Result<Vec<u8>, BadAnswer>,
}
