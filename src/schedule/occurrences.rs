//! The times at which a schedule is due.
//!
//! Clock changes follow Debian's cron. A skipped time of day is due at the moment of the change, together with all
//! other skipped times. A repeated time of day is due only the first time. An expression whose minutes or hours start
//! with `*` describes an interval instead: it is due whenever the clock matches, so not at all while times are skipped,
//! and again while they are repeated.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::model::{Cron, Schedule, When};

/// Returns the first time after `after` at which a schedule is due; `None` if it is never due again.
#[must_use]
pub fn next(schedule: &Schedule, after: Timestamp) -> Option<Timestamp> {
    let zone = &schedule.zone;
    match &schedule.when {
        When::At(at) => moment(*at, zone).filter(|at| *at > after),
        When::Cron { cron, until } => {
            let next = match cron.is_interval() {
                true => cron.next_moment(&after.to_zoned(zone.clone()))?.timestamp(),
                false => next_time_of_day(cron, zone, after)?,
            };
            until.is_none_or(|until| zone.to_datetime(next) <= until).then_some(next)
        }
    }
}

/// Returns all times after `after` at which a schedule is due, in order.
pub fn upcoming(schedule: &Schedule, after: Timestamp) -> impl Iterator<Item = Timestamp> {
    std::iter::successors(next(schedule, after), |last| next(schedule, *last))
}

/// Times that are compared: enough for two weeks of working days.
const COMPARED: usize = 12;

/// Returns two of the next times, one right after the other, of which the second comes less than an hour before `time`
/// has passed since the first, or just then. The messages of the first are then sent within `time` before the second,
/// because sending takes a while.
#[must_use]
pub fn just_within(schedule: &Schedule, after: Timestamp, time: Duration) -> Option<(Timestamp, Timestamp)> {
    let slack = (time / 10).min(Duration::from_secs(60 * 60));
    let next: Vec<Timestamp> = upcoming(schedule, after).take(COMPARED).collect();
    let is_within = |first: Timestamp, second: Timestamp| {
        Duration::try_from(second.duration_since(first)).is_ok_and(|apart| apart <= time && apart > time - slack)
    };
    next.windows(2).map(|pair| (pair[0], pair[1])).find(|(first, second)| is_within(*first, *second))
}

/// Returns how a clock change affects an occurrence, if it does.
#[must_use]
pub fn note(schedule: &Schedule, at: Timestamp) -> Option<&'static str> {
    let When::Cron { cron, .. } = &schedule.when else { return None };
    let wall = schedule.zone.to_datetime(at);
    let second = jiff::SignedDuration::from_secs(1);
    let as_written = wall.checked_sub(second).ok().and_then(|before| cron.next_on_the_wall(before)) == Some(wall);
    match schedule.zone.to_ambiguous_timestamp(wall).offset() {
        _ if !as_written => Some(
            "the scheduled time does not exist on this day, because the clocks go forward; the campaign runs at the moment \
             of the change",
        ),
        AmbiguousOffset::Fold { .. } if !cron.is_interval() => {
            Some("the clocks go back, so this time occurs twice; the campaign runs only the first time")
        }
        _ => None,
    }
}

fn next_time_of_day(cron: &Cron, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let mut wall = zone.to_datetime(after);
    loop {
        wall = cron.next_on_the_wall(wall)?;
        // After the clocks went back, its only moment may be over.
        match moment(wall, zone)? {
            moment if moment > after => return Some(moment),
            _ => {}
        }
    }
}

/// Returns the moment of a local time: the first one if it is repeated, the moment of the change if it is skipped.
fn moment(wall: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(wall);
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok(),
        AmbiguousOffset::Gap { .. } => {
            // With the offset from before the change, the time is at or after the change, and before the next one.
            let later = ambiguous.later().ok()?;
            zone.preceding(later.checked_add(jiff::SignedDuration::from_secs(1)).ok()?)
                .next()
                .map(|change| change.timestamp())
        }
    }
}
