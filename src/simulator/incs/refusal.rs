//! Why a request is refused.

use std::borrow::Cow;

/// The code and message of an error answer.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::simulator) struct Refusal {
    pub(in crate::simulator) code: u16,
    pub(in crate::simulator) message: Cow<'static, str>,
}

impl Refusal {
    pub(super) const NOT_FOUND: Self = Self::fixed(404, "not found");
    pub(super) const TOO_MANY: Self = Self::fixed(429, "too many attempts");
    pub(super) const SERVER_ERROR: Self = Self::fixed(500, "server error");
    pub(super) const CREDENTIAL: Self = Self::fixed(10001, "certification code is invalid");

    const fn fixed(code: u16, message: &'static str) -> Self {
        Self { code, message: Cow::Borrowed(message) }
    }

    /// The refusal of a request with a wrong parameter.
    pub(super) fn parameter(message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: 422, message: message.into() }
    }
}
