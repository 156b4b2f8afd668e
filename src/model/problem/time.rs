//! Problems of the time at which a row is to be sent.

use serde::{Deserialize, Serialize};

use crate::model::Millis;

/// Why it is unknown when a row may be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeProblem {
    /// The send time is not a time.
    BadSendAt,
    /// The deadline is not a time.
    BadNotAfter,
    /// This send time has passed.
    Passed(Millis),
    /// This deadline has passed.
    Expired(Millis),
    /// The send time (first) is later than the deadline (second).
    TooLate(Millis, Millis),
    /// The time zone is unknown.
    NoSuchZone,
    /// The recipient's time zone is unknown.
    NoZone,
    /// The time is on the recipient's clock, but the number may be in any of several time zones.
    SeveralZones,
    /// The window is never open in this time zone.
    NeverOpen(Box<str>),
    /// The window is never open in all of this many time zones at once.
    NeverOpenInAll(usize),
}

impl TimeProblem {
    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadSendAt | Self::TooLate(..) => "bad_send_at",
            Self::Passed(_) => "past_send_at",
            Self::Expired(_) => "past_not_after",
            Self::BadNotAfter => "bad_not_after",
            Self::NoSuchZone => "bad_timezone",
            Self::NoZone | Self::SeveralZones | Self::NeverOpen(_) | Self::NeverOpenInAll(_) => "no_timezone",
        }
    }
}
