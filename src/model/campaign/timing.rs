//! When the messages of a campaign may be sent, as its file says: hours, days, deadlines and a daily quota.
//! `send_window` applies it to a row at a moment.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;

use crate::model::Millis;

/// When a campaign may send. By default there are no limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// The campaign's own time zone (IANA).
    pub timezone: Option<String>,
    /// The hours in which messages may be sent.
    pub window: Option<Window>,
    /// The deadline for every row.
    pub not_after: Option<NotAfter>,
    /// The most messages per day, in the campaign's time zone (UTC if it names none).
    pub quota: Option<NonZeroU32>,
    /// The columns with times of single rows.
    pub columns: TimeColumns,
}

impl Timing {
    /// Whether a row may have to wait for its time or become too late. A quota, which delays all rows alike, does not
    /// count.
    #[must_use]
    pub fn holds_rows(&self) -> bool {
        self.window.is_some()
            || self.not_after.is_some()
            || self.columns.send_at.is_some()
            || self.columns.not_after.is_some()
    }
}

/// The columns of the recipients that hold times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeColumns {
    /// The recipient's time zone.
    pub timezone: Option<String>,
    /// The time before which the row is not sent.
    pub send_at: Option<String>,
    /// The time after which the row is not sent.
    pub not_after: Option<String>,
}

/// The deadline of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAfter {
    /// From this moment on.
    At(Millis),
    /// This long after the run was created.
    Within(Duration),
}

/// A time as written by a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenTime {
    /// With its own offset from UTC.
    At(Millis),
    /// A local time.
    Local(DateTime),
}

impl WrittenTime {
    /// Reads `2026-12-01T09:00:00+08:00` (RFC 3339) or `2026-12-01 09:00`. Returns `None` for anything else, including
    /// a date alone.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if let Ok(at) = text.parse::<Timestamp>() {
            return Some(Self::At(Millis(at.as_millisecond())));
        }
        let plain = |c: char| c.is_ascii_digit() || matches!(c, '-' | ':' | ' ' | 'T');
        (text.contains(':') && text.chars().all(plain)).then(|| text.parse().ok().map(Self::Local)).flatten()
    }

    /// Returns the moment; a local time is read in this zone. A time that the clock skips becomes the one after the
    /// gap; of a time that comes twice the first one counts. `None` beyond the year 9999.
    #[must_use]
    pub fn by_the_clock_of(self, zone: &TimeZone) -> Option<Millis> {
        match self {
            Self::At(at) => Some(at),
            Self::Local(local) => zone.to_timestamp(local).ok().map(|at| Millis(at.as_millisecond())),
        }
    }
}

/// The hours and days in which messages may be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// When it is open; spans may overlap.
    pub open: Vec<Span>,
    /// Dates on which nothing is sent, in order.
    pub off: Vec<Date>,
    /// Whose clock counts.
    pub clock: WhoseClock,
}

/// Whose clock a window uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhoseClock {
    /// The campaign's time zone.
    Campaign,
    /// The recipient's: from the row, else from the number.
    Recipient,
}

impl WhoseClock {
    /// Returns its name in a campaign file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Campaign => "campaign",
            Self::Recipient => "recipient",
        }
    }
}

/// Hours on some days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The days on which it starts.
    pub days: Days,
    /// The minute of the day at which it starts.
    pub from: u16,
    /// The minute of the day at which it ends (exclusive): 1440 is midnight; a value up to `from` is on the next day.
    pub to: u16,
}

impl Span {
    /// Whether it continues into the next day.
    #[must_use]
    pub fn is_over_midnight(self) -> bool {
        self.to <= self.from
    }
}

impl fmt::Display for Span {
    /// Writes it as in a campaign file.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days != Days::ALL {
            write!(f, "{} ", self.days)?;
        }
        let Self { from, to, .. } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

/// Days of the week.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Days(u8);

impl Days {
    /// The days' names, from Monday.
    pub const NAMES: [&'static str; 7] = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];
    /// Every day.
    pub const ALL: Self = Self(0x7f);

    /// Returns these days and the one with this number, 0 for Monday.
    #[must_use]
    pub fn with(self, day: usize) -> Self {
        Self(self.0 | 1 << (day % 7))
    }

    /// Whether this day is one of them.
    #[must_use]
    pub fn has(self, day: Weekday) -> bool {
        self.0 & 1 << day.to_monday_zero_offset() != 0
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Self::NAMES.into_iter().enumerate().filter(|(day, _)| self.0 & 1 << day != 0);
        for (index, (_, name)) in names.enumerate() {
            write!(f, "{}{name}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}
