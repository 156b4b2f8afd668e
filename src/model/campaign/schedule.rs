//! When a campaign runs by itself.

use std::time::Duration;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::model::{Cron, Millis};

/// When a campaign is to be run, and what becomes of a time that was missed.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The times, on the clocks of `zone`.
    pub when: When,
    /// The time zone, one of IANA's.
    pub zone: TimeZone,
    /// How late it may start.
    pub not_after: Duration,
    /// What becomes of it when it is later than that.
    pub if_late: IfLate,
}

/// The times at which a campaign is to be run.
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

/// What becomes of an occurrence that could not start in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfLate {
    /// It is skipped, and that is recorded.
    Skip,
    /// It runs as soon as it can.
    Send,
}

impl Schedule {
    /// The name of its time zone.
    #[must_use]
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// What tells it from another schedule: its times, whatever becomes of late ones.
    #[must_use]
    pub fn rule(&self) -> String {
        match &self.when {
            When::At(at) => format!("at {at} {}", self.zone_name()),
            When::Cron { cron, .. } => format!("cron {} {}", cron.as_str(), self.zone_name()),
        }
    }

    /// The date in its time zone.
    #[must_use]
    pub fn date(&self, at: Millis) -> jiff::civil::Date {
        self.zone.to_datetime(at.timestamp()).date()
    }
}
