//! Decisions of the program about a row, such as why it is not sent: a code and values, from which words are built
//! later.

use std::cell::LazyCell;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::model::{Millis, RowNumber};

/// A decision of the program about a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowCause {
    /// It has the number of an earlier row.
    Duplicate {
        /// That row.
        of: RowNumber,
    },
    /// Its number is on the suppression list.
    Suppressed {
        /// Why the number is there, if a reason was given.
        reason: Option<String>,
    },
    /// An earlier run reached its number, or is about to.
    Reached {
        /// Whether only recently reached numbers are left out.
        lately: bool,
        /// By which run.
        run: String,
        /// When.
        at: Millis,
        /// Whether that run will retry it.
        waits: bool,
    },
    /// It is too late to send it.
    Expired {
        /// Its deadline, in the campaign's time zone.
        at: String,
        /// Whether the deadline has passed; otherwise the send window opens only after it.
        passed: bool,
    },
    /// The process ended while its request was in flight.
    Interrupted,
    /// A person decided whether it was sent.
    Settled {
        /// Whether it was sent.
        sent: bool,
        /// Who decided.
        by: String,
        /// When.
        at: Millis,
        /// Why it was uncertain.
        before: Option<WhyUncertain>,
    },
    /// The provider reported the message as not delivered, without a reason.
    NotDelivered,
    /// The provider accepted it, but delivers it only once it has assessed the first messages of its template.
    Held,
}

/// Why a row was uncertain, as it was stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WhyUncertain {
    /// The code.
    pub code: String,
    /// The provider's words, if it gave any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Otherwise the values, as JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<String>,
}

impl RowCause {
    /// The code of an attempt whose process ended before its outcome was known.
    pub const INTERRUPTED: &str = "interrupted";
    /// The code of a failure without a reason from the provider; a status response never has one.
    pub const NOT_DELIVERED: &str = "not_delivered";
    /// The code of an accepted message that the provider holds.
    pub const HELD: &str = "held";

    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Duplicate { .. } => "duplicate",
            Self::Suppressed { .. } => "suppressed",
            Self::Reached { lately: true, .. } => "sent_recently",
            Self::Reached { lately: false, .. } => "already_reached",
            Self::Expired { .. } => "expired",
            Self::Interrupted => Self::INTERRUPTED,
            Self::NotDelivered => Self::NOT_DELIVERED,
            Self::Held => Self::HELD,
            Self::Settled { sent: true, .. } => "settled_sent",
            Self::Settled { sent: false, .. } => "settled_not_sent",
        }
    }

    /// Returns the values as a JSON array, for the store.
    #[must_use]
    pub fn values(&self) -> Option<String> {
        let values = match self {
            Self::Interrupted | Self::NotDelivered | Self::Held => return None,
            Self::Duplicate { of } => json!([of.0]),
            Self::Suppressed { reason } => json!([reason]),
            Self::Reached { run, at, waits, .. } => json!([run, at.0, waits]),
            Self::Expired { at, passed } => json!([at, passed]),
            Self::Settled { by, at, before, .. } => json!([by, at.0, before]),
        };
        Some(values.to_string())
    }

    /// Reads a decision from its stored code and values; `None` if it is not one of these.
    #[must_use]
    pub fn read(code: &str, values: Option<&str>) -> Option<Self> {
        // Not parsed for the problems that are none of these.
        let values = LazyCell::new(|| -> Vec<Value> {
            values.and_then(|values| serde_json::from_str(values).ok()).unwrap_or_default()
        });
        let text = |place: usize| values.get(place).and_then(Value::as_str).map(str::to_owned);
        let number = |place: usize| values.get(place).and_then(Value::as_i64);
        // SQLite stores booleans as 0 and 1.
        let truth = |place: usize| number(place).map(|n| n != 0).or_else(|| values.get(place).and_then(Value::as_bool));
        Some(match code {
            "duplicate" => Self::Duplicate { of: RowNumber(number(0)?.unsigned_abs()) },
            "suppressed" => Self::Suppressed { reason: text(0) },
            "sent_recently" | "already_reached" => Self::Reached {
                lately: code == "sent_recently",
                run: text(0)?,
                at: Millis(number(1)?),
                waits: truth(2)?,
            },
            "expired" => Self::Expired { at: text(0)?, passed: truth(1)? },
            Self::INTERRUPTED => Self::Interrupted,
            Self::NOT_DELIVERED => Self::NotDelivered,
            Self::HELD => Self::Held,
            "settled_sent" | "settled_not_sent" => Self::Settled {
                sent: code == "settled_sent",
                by: text(0)?,
                at: Millis(number(1)?),
                before: values.get(2).and_then(|value| WhyUncertain::deserialize(value).ok()),
            },
            _ => return None,
        })
    }
}
