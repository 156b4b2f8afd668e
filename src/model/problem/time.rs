//! What is wrong with the time at which a row is to be sent.

use serde::{Deserialize, Serialize};

use crate::model::Millis;

/// Why nobody can tell when a row may be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeProblem {
    /// The cell is no time to send the row at.
    BadSendAt,
    /// The cell is no last moment.
    BadNotAfter,
    /// It is to be sent at the first, and not after the second.
    TooLate(Millis, Millis),
    /// There is no such time zone.
    NoSuchZone,
    /// Nothing tells the recipient's time zone.
    NoZone,
    /// The time is by the recipient's clock, and the number may be in several time zones.
    SeveralZones,
    /// The window is never open in this time zone.
    NeverOpen(Box<str>),
    /// The window is never open in all of so many time zones at once.
    NeverOpenInAll(usize),
}

impl TimeProblem {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadSendAt | Self::TooLate(..) => "bad_send_at",
            Self::BadNotAfter => "bad_not_after",
            Self::NoSuchZone => "bad_timezone",
            Self::NoZone | Self::SeveralZones | Self::NeverOpen(_) | Self::NeverOpenInAll(_) => "no_timezone",
        }
    }
}
