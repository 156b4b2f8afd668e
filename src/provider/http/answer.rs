//! Answers: how they are read, and the pauses that they ask for.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode};

use super::failure;
use crate::model::BadAnswer;

/// An answer of more bytes than this is not read to its end: an envelope has some hundred.
pub(in crate::provider) const LARGEST_ANSWER: usize = 1 << 20;
/// The longest pause that a provider can ask for: a wish for more is more likely in another unit than meant.
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

/// The provider's wish: in seconds, or as a date, which is held against the answer's own, so that our clock does not
/// matter. What is neither is no wish.
pub(in crate::provider) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok();
    let date = |text: &str| jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok();
    let wish = text("retry-after")?.trim();
    let wait = match wish.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => Duration::try_from(date(wish)?.duration_since(date(text("date")?)?)).unwrap_or_default(),
    };
    Some(wait.min(LONGEST_WISH))
}

/// An answer that began.
pub(in crate::provider) struct Answer {
    /// Of the first line.
    pub(in crate::provider) status: StatusCode,
    /// The provider's wish for a pause.
    pub(in crate::provider) wait: Option<Duration>,
    /// To its end, or why not.
    pub(in crate::provider) body: Result<Vec<u8>, BadAnswer>,
}
