//! When a campaign starts automatically.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::model::{Cron, Millis};

/// When a campaign runs, and what happens when a time is missed.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The times, local to `zone`.
    pub when: When,
    /// The IANA time zone.
    pub zone: TimeZone,
    /// How late a run may start.
    pub not_after: Duration,
    /// What happens when it is later than that.
    pub if_late: IfLate,
}

/// The times at which a campaign runs.
#[derive(Clone, Debug, PartialEq)]
pub enum When {
    /// Once.
    At(DateTime),
    /// Whenever the expression matches.
    Cron {
        /// The expression.
        cron: Cron,
        /// The last time that counts, if there is one.
        until: Option<DateTime>,
    },
}

/// What happens to an occurrence that could not start in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfLate {
    /// It is skipped, and that is recorded.
    Skip,
    /// It runs as soon as it can.
    Send,
}

impl Schedule {
    /// Returns the name of its time zone.
    #[must_use]
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// Returns what identifies the schedule: its times, but not how it treats late ones.
    #[must_use]
    pub fn rule(&self) -> String {
        match &self.when {
            When::At(at) => format!("at {at} {}", self.zone_name()),
            When::Cron { cron, .. } => format!("cron {} {}", cron.as_str(), self.zone_name()),
        }
    }

    /// Returns the date in its time zone.
    #[must_use]
    pub fn date(&self, at: Millis) -> jiff::civil::Date {
        self.zone.to_datetime(at.timestamp()).date()
    }
}
