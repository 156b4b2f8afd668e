//! Which time zones a number may be in, and what a moment is there.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::model::{Millis, Phone};

/// Entries by their digits, in order; see the head of the file.
static ZONES: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| {
    let lines = include_str!("zones.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('|')).collect()
});

/// The time zones that a number may be in, `&` between their names. `None` where its first digits tell nothing: numbers
/// of no country.
#[must_use]
pub fn zones_of(phone: Phone) -> Option<&'static str> {
    let digits = phone.digits();
    (1..=digits.len().min(5)).rev().find_map(|length| {
        let prefix = digits.get(..length)?;
        let at = ZONES.binary_search_by_key(&prefix, |(digits, _)| digits).ok()?;
        ZONES.get(at).map(|(_, zones)| *zones)
    })
}

/// The time zones of these names, `&` between them; `None` where one of them is not known.
pub(super) fn named(names: &str) -> Option<Vec<TimeZone>> {
    names.split('&').map(|name| TimeZone::get(name).ok()).collect()
}

/// The moment as jiff has it. Times beyond the year 9999 become that of its end.
pub(super) fn timestamp(at: Millis) -> Timestamp {
    Timestamp::from_millisecond(at.0).unwrap_or(if at.0 < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

pub(super) fn millis(at: Timestamp) -> Millis {
    Millis(at.as_millisecond())
}

/// The day that a moment is in, in this time zone (UTC without one), from its first moment to that of the next.
#[must_use]
pub fn day_of(at: Millis, timezone: Option<&str>) -> (Millis, Millis) {
    let zone = timezone.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
    let today = zone.to_datetime(timestamp(at)).date();
    let begin = |date: Date| zone.to_timestamp(date.to_datetime(Time::midnight())).map(millis).unwrap_or(at);
    (begin(today), today.tomorrow().map_or(Millis(i64::MAX), begin))
}

/// A moment as the clocks of this time zone show it, with its name, to the minute; UTC without one.
#[must_use]
pub fn local(at: Millis, timezone: Option<&str>) -> String {
    let zone = timezone.and_then(|name| Some((name, TimeZone::get(name).ok()?)));
    let Some((name, zone)) = zone else { return at.to_string() };
    format!("{} ({name})", zone.to_datetime(timestamp(at)).strftime("%Y-%m-%d %H:%M"))
}
