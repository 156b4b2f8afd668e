//! Refusals of a request.

use std::borrow::Cow;

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::simulator) struct Refusal {
    /// The envelope's code.
    pub(in crate::simulator) code: u16,
    /// The envelope's message.
    pub(in crate::simulator) message: Cow<'static, str>,
}

impl Refusal {
    pub(in crate::simulator) const NOT_FOUND: Self = Self::fixed(404, "not found");
    pub(in crate::simulator) const TOO_MANY: Self = Self::fixed(429, "too many attempts");
    pub(in crate::simulator) const SERVER_ERROR: Self = Self::fixed(500, "server error");
    pub(in crate::simulator) const CREDENTIAL: Self = Self::fixed(10001, "certification code is invalid");

    const fn fixed(code: u16, message: &'static str) -> Self {
        Self { code, message: Cow::Borrowed(message) }
    }

    /// A request parameter is wrong.
    pub(in crate::simulator) fn parameter(message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: 422, message: message.into() }
    }
}
