//! The time zones that a number may be in, and local times in them.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::model::{Millis, Phone, Zone};

/// The entries by their digits, in order; see the head of the file.
static ZONES: LazyLock<Vec<(&'static str, &'static str)>> = LazyLock::new(|| {
    let lines = include_str!("zones.txt").lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split_once('|')).collect()
});

/// Returns the time zones that a number may be in, separated by `&`. `None` if its first digits belong to no country.
#[must_use]
pub fn zones_of(phone: Phone) -> Option<&'static str> {
    let digits = phone.digits();
    (1..=digits.len().min(5)).rev().find_map(|length| {
        let prefix = digits.get(..length)?;
        let at = ZONES.binary_search_by_key(&prefix, |(digits, _)| digits).ok()?;
        ZONES.get(at).map(|(_, zones)| *zones)
    })
}

/// Returns the time zones of these names, separated by `&`; `None` if one is unknown.
pub(super) fn named(names: &str) -> Option<Vec<TimeZone>> {
    names.split('&').map(|name| TimeZone::get(name).ok()).collect()
}

pub(super) fn millis(at: Timestamp) -> Millis {
    Millis(at.as_millisecond())
}

/// Returns the day of a moment in this time zone (default UTC): its start, and the start of the next day.
#[must_use]
pub fn day_of(at: Millis, timezone: Option<&str>) -> (Millis, Millis) {
    let zone = timezone.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC);
    let today = zone.to_datetime(at.timestamp()).date();
    let begin = |date: Date| zone.to_timestamp(date.to_datetime(Time::midnight())).map(millis).unwrap_or(at);
    (begin(today), today.tomorrow().map_or(Millis(i64::MAX), begin))
}

/// Formats a moment to the minute on the clock of this time zone (default UTC), with the zone's name.
#[must_use]
pub fn local(at: Millis, timezone: Option<&str>) -> String {
    let zone = Zone::named(timezone);
    match timezone {
        Some(_) => format!("{} ({})", zone.clock(at).strftime("%Y-%m-%d %H:%M"), zone.name()),
        None => at.to_string(),
    }
}
