//! The moments at which a schedule comes due.
//!
//! What a change of the clocks makes of a time of the day follows Debian's cron: a time that is left out comes due at
//! the moment of the change, together with all others that are left out; one that comes twice comes due the first time
//! only. An expression whose minutes or hours begin with `*` is about intervals instead: it comes due whenever the
//! clock shows a time that matches, so not at all while times are left out, and again while they are repeated.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};

use crate::model::{Cron, Schedule, When};

/// The first moment after `after` at which a schedule comes due; `None` if it never does again.
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

/// All moments after `after` at which a schedule comes due, in order.
pub fn upcoming(schedule: &Schedule, after: Timestamp) -> impl Iterator<Item = Timestamp> {
    std::iter::successors(next(schedule, after), |last| next(schedule, *last))
}

/// What a change of the clocks makes of an occurrence, if it makes anything of it.
#[must_use]
pub fn note(schedule: &Schedule, at: Timestamp) -> Option<&'static str> {
    let When::Cron { cron, .. } = &schedule.when else { return None };
    let wall = schedule.zone.to_datetime(at);
    let second = jiff::SignedDuration::from_secs(1);
    let as_written = wall.checked_sub(second).ok().and_then(|before| cron.next_on_the_wall(before)) == Some(wall);
    match schedule.zone.to_ambiguous_timestamp(wall).offset() {
        _ if !as_written => Some("the clocks are put forward over its time; it runs at the moment of the change"),
        AmbiguousOffset::Fold { .. } if !cron.is_interval() => {
            Some("the clocks are put back and its time comes twice; it runs the first time")
        }
        _ => None,
    }
}

fn next_time_of_day(cron: &Cron, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let mut wall = zone.to_datetime(after);
    loop {
        wall = cron.next_on_the_wall(wall)?;
        // Where the clocks were put back, its one moment may be over.
        match moment(wall, zone)? {
            moment if moment > after => return Some(moment),
            _ => {}
        }
    }
}

/// The moment of a time on a zone's clocks: the first where it comes twice, that of the change where it is left out.
fn moment(wall: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let ambiguous = zone.to_ambiguous_timestamp(wall);
    match ambiguous.offset() {
        AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier().ok(),
        AmbiguousOffset::Gap { .. } => {
            // As if the clocks had not been changed yet, it is at or after the change, and before the next one.
            let later = ambiguous.later().ok()?;
            zone.preceding(later.checked_add(jiff::SignedDuration::from_secs(1)).ok()?)
                .next()
                .map(|change| change.timestamp())
        }
    }
}
