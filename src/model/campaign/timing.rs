//! When the messages of a campaign may leave, as its file says it: hours, days, last moments, and how many a day. What
//! that means for a row at a moment is in `window`.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::TimeZone;

use crate::model::Millis;

/// What a campaign says of the time. Nothing of it by default: then messages leave as fast as they may.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// The campaign's own time zone (IANA).
    pub timezone: Option<String>,
    /// The hours in which messages may leave.
    pub window: Option<Window>,
    /// When it is too late for every row.
    pub not_after: Option<NotAfter>,
    /// Messages a day of the campaign's time zone (UTC where it names none) at most.
    pub quota: Option<NonZeroU32>,
    /// The columns that say something of one row.
    pub columns: TimeColumns,
}

impl Timing {
    /// Whether a row may have to wait for its time, or become too late. A quota holds up all rows alike and is not
    /// meant.
    #[must_use]
    pub fn holds_rows(&self) -> bool {
        self.window.is_some()
            || self.not_after.is_some()
            || self.columns.send_at.is_some()
            || self.columns.not_after.is_some()
    }
}

/// Columns of the recipients that say something of the time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimeColumns {
    /// Holds the recipient's time zone.
    pub timezone: Option<String>,
    /// Holds the time before which the row is not sent.
    pub send_at: Option<String>,
    /// Holds the time after which the row is not sent.
    pub not_after: Option<String>,
}

/// When it is too late for a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotAfter {
    /// From this moment on.
    At(Millis),
    /// This long after the run was made.
    Within(Duration),
}

/// A time as people write it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenTime {
    /// With its own offset from UTC.
    At(Millis),
    /// As the clock of some place shows it.
    Local(DateTime),
}

impl WrittenTime {
    /// Reads `2026-12-01T09:00:00+08:00` (RFC 3339) or `2026-12-01 09:00`. `None` for what is no time; a date alone is
    /// none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if let Ok(at) = text.parse::<Timestamp>() {
            return Some(Self::At(Millis(at.as_millisecond())));
        }
        let plain = |c: char| c.is_ascii_digit() || matches!(c, '-' | ':' | ' ' | 'T');
        (text.contains(':') && text.chars().all(plain)).then(|| text.parse().ok().map(Self::Local)).flatten()
    }

    /// The moment, by the clock of this zone where it has no offset: after the gap where the clock skips it, the first
    /// of two where it comes twice. `None` beyond the year 9999.
    #[must_use]
    pub fn by_the_clock_of(self, zone: &TimeZone) -> Option<Millis> {
        match self {
            Self::At(at) => Some(at),
            Self::Local(local) => zone.to_timestamp(local).ok().map(|at| Millis(at.as_millisecond())),
        }
    }
}

/// Hours and days in which messages may leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// It is open in each of these; they may overlap.
    pub open: Vec<Span>,
    /// Dates on which nothing leaves, in order.
    pub off: Vec<Date>,
    /// Whose clock counts.
    pub clock: WhoseClock,
}

/// Whose clock a window is read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhoseClock {
    /// The campaign's time zone.
    Campaign,
    /// The recipient's: from the row, else from the number.
    Recipient,
}

impl WhoseClock {
    /// Its name in a campaign file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Campaign => "campaign",
            Self::Recipient => "recipient",
        }
    }
}

/// Hours of some days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The days on which it begins.
    pub days: Days,
    /// The minute of the day at which it begins.
    pub from: u16,
    /// The minute of the day before which it ends: 1440 for the day's end, and not after `from` for the next day's.
    pub to: u16,
}

impl Span {
    /// Whether it goes on into the day after that on which it began.
    #[must_use]
    pub fn is_over_midnight(self) -> bool {
        self.to <= self.from
    }
}

impl fmt::Display for Span {
    /// As it is written in a campaign file.
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

    /// These and the day with this number, 0 for Monday.
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
