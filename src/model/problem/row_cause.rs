//! Why a row is not sent, or stands as it does, where the program itself decided: a code and values, so that the words
//! can be in any language. All of the words are here.

use serde_json::{Value, json};

use crate::model::{Millis, Problem, RowNumber};

/// What the program decided of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowCause {
    /// It has the number of an earlier row.
    Duplicate {
        /// That row.
        of: RowNumber,
    },
    /// Its number is on the suppression list.
    Suppressed {
        /// Why the number is there, if anybody said so.
        reason: Option<String>,
    },
    /// An earlier run reached its number, or is about to.
    Reached {
        /// Whether only those reached lately are left out.
        lately: bool,
        /// By which run.
        run: String,
        /// When.
        at: Millis,
        /// Whether that run has not sent it yet, and will try again.
        waits: bool,
    },
    /// It is too late to send it.
    Expired {
        /// Its last moment, by the campaign's clock.
        at: String,
        /// Whether that is over; else its window does not open before.
        passed: bool,
    },
    /// The process ended while its request was in flight.
    Interrupted,
    /// A person said what became of it.
    Settled {
        /// Whether it was sent.
        sent: bool,
        /// Who said so.
        by: String,
        /// When.
        at: Millis,
        /// Why it was uncertain.
        before: Option<String>,
    },
}

impl RowCause {
    /// The code of an attempt that its process did not live to see the end of.
    pub const INTERRUPTED: &str = "interrupted";

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Duplicate { .. } => "duplicate",
            Self::Suppressed { .. } => "suppressed",
            Self::Reached { lately: true, .. } => "sent_recently",
            Self::Reached { lately: false, .. } => "already_reached",
            Self::Expired { .. } => "expired",
            Self::Interrupted => Self::INTERRUPTED,
            Self::Settled { sent: true, .. } => "settled_sent",
            Self::Settled { sent: false, .. } => "settled_not_sent",
        }
    }

    /// The values as a JSON array, for the store.
    #[must_use]
    pub fn values(&self) -> Option<String> {
        let values = match self {
            Self::Interrupted => return None,
            Self::Duplicate { of } => json!([of.0]),
            Self::Suppressed { reason } => json!([reason]),
            Self::Reached { run, at, waits, .. } => json!([run, at.0, waits]),
            Self::Expired { at, passed } => json!([at, passed]),
            Self::Settled { by, at, before, .. } => json!([by, at.0, before]),
        };
        Some(values.to_string())
    }

    /// What the store holds as this code and these values; nothing where that is none of these.
    #[must_use]
    pub fn read(code: &str, values: Option<&str>) -> Option<Self> {
        let values: Vec<Value> = values.and_then(|values| serde_json::from_str(values).ok()).unwrap_or_default();
        let text = |place: usize| values.get(place).and_then(Value::as_str).map(str::to_owned);
        let number = |place: usize| values.get(place).and_then(Value::as_i64);
        // SQLite has 0 and 1 for it.
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
            "settled_sent" | "settled_not_sent" => {
                Self::Settled { sent: code == "settled_sent", by: text(0)?, at: Millis(number(1)?), before: text(2) }
            }
            _ => return None,
        })
    }

    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Duplicate { of } => format!("the same number as row {of}"),
            Self::Suppressed { reason } => reason.clone().unwrap_or_else(|| "on the suppression list".to_owned()),
            Self::Reached { run, at, waits: false, .. } => format!("reached by {run} at {at}"),
            Self::Reached { run, at, waits: true, .. } => format!("waits for another try by {run} at {at}"),
            Self::Expired { at, passed: true } => format!("it was not sent by {at}, after which it may not be sent"),
            Self::Expired { at, passed: false } => {
                format!("it may not be sent after {at}, and its window does not open before that")
            }
            Self::Interrupted => "the process ended while this message was in flight".to_owned(),
            Self::Settled { sent, by, at, before } => {
                let what = if *sent { "sent" } else { "not sent" };
                let before = before.as_ref().map(|before| format!("; it was uncertain because of: {before}"));
                format!("{by} said at {at} that it was {what}{}", before.unwrap_or_default())
            }
        }
    }

    /// The words of what the store holds: those that it keeps, else those of its code and values.
    #[must_use]
    pub fn in_words(code: Option<&str>, message: Option<String>, values: Option<&str>) -> Option<String> {
        message.or_else(|| Self::read(code?, values).map(|cause| cause.words()))
    }
}

impl From<RowCause> for Problem {
    fn from(cause: RowCause) -> Self {
        Self::new(cause.code(), cause.words())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cause_reads_back_and_has_words() {
        let at = Millis(1_754_466_200_000);
        let reached = |lately, waits| RowCause::Reached { lately, run: "job-1".into(), at, waits };
        let settled = |sent, before| RowCause::Settled { sent, by: "Ana".into(), at, before };
        for (cause, words) in [
            (RowCause::Duplicate { of: RowNumber(7) }, "the same number as row 7"),
            (RowCause::Suppressed { reason: None }, "on the suppression list"),
            (RowCause::Suppressed { reason: Some("asked".into()) }, "asked"),
            (reached(true, false), "reached by job-1 at 2025-08-06T07:43:20Z"),
            (reached(false, true), "waits for another try by job-1 at 2025-08-06T07:43:20Z"),
            (
                RowCause::Expired { at: "noon".into(), passed: true },
                "it was not sent by noon, after which it may not be sent",
            ),
            (
                RowCause::Expired { at: "noon".into(), passed: false },
                "it may not be sent after noon, and its window does not open before that",
            ),
            (RowCause::Interrupted, "the process ended while this message was in flight"),
            (settled(true, None), "Ana said at 2025-08-06T07:43:20Z that it was sent"),
            (
                settled(false, Some("no answer".into())),
                "Ana said at 2025-08-06T07:43:20Z that it was not sent; it was uncertain because of: no answer",
            ),
        ] {
            assert_eq!(RowCause::read(cause.code(), cause.values().as_deref()), Some(cause.clone()));
            assert_eq!(cause.words(), words);
        }
        assert_eq!(RowCause::read("131026", None), None);
        let told = RowCause::in_words(Some("131026"), Some("no".into()), None);
        assert_eq!(told.as_deref(), Some("no"));
    }
}
