//! When a send window is open.
//!
//! The local clock decides: a message is sent only while the local time is in the window. So an hour that a clock shows
//! twice is open twice, and an hour that it skips never comes.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::{DateTime, Time};
use jiff::tz::TimeZone;

use super::time_zones::{millis, named};
use crate::model::{Millis, Span, Window};

const DAY: u16 = 24 * 60;

/// Milliseconds to look ahead for the next opening, besides days off. A window repeats weekly, so if it does not open
/// within five weeks, clock changes included, it never does.
const LOOK_AHEAD_MS: i64 = 35 * 86_400_000;

/// A period in which a window does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Whether it is open.
    pub open: bool,
    /// The time from which this is known.
    pub from: Millis,
    /// Its end, or earlier; for a closed window, when it opens. `None` if no opening is in sight.
    pub until: Option<Millis>,
}

/// A window's hours in the time zones requested so far; each zone is computed once, not for every row.
#[derive(Debug)]
pub struct Hours {
    window: Window,
    known: HashMap<String, Stretch>,
}

impl Hours {
    /// Creates the hours of this window.
    #[must_use]
    pub fn new(window: Window) -> Self {
        Self { window, known: HashMap::new() }
    }

    /// Returns the period at `now` for a row in any of these time zones (names separated by `&`): open if it is open in
    /// all of them. Closed for good if one is unknown.
    pub fn at(&mut self, zones: &str, now: Millis) -> Stretch {
        match self.known.get(zones) {
            Some(known) if known.from <= now && known.until.is_none_or(|until| now < until) => *known,
            _ => {
                let stretch = match named(zones) {
                    Some(zones) => stretch(&self.window, &zones, now),
                    None => Stretch { open: false, from: now, until: None },
                };
                self.known.insert(zones.to_owned(), stretch);
                stretch
            }
        }
    }
}

/// Returns the period that starts at `now`.
fn stretch(window: &Window, zones: &[TimeZone], now: Millis) -> Stretch {
    let from = now.timestamp();
    let (open, mut at) = step(window, zones, from);
    let far = now.0.saturating_add(LOOK_AHEAD_MS + window.off.len() as i64 * 86_400_000);
    while at.as_millisecond() < far {
        let (same, next) = step(window, zones, at);
        if same != open {
            return Stretch { open, from: now, until: Some(millis(at)) };
        }
        at = next;
    }
    // A window that never closes is computed again then.
    Stretch { open, from: now, until: open.then_some(millis(at)) }
}

/// Returns whether the window is open at a moment, and the next moment at which that may change.
fn step(window: &Window, zones: &[TimeZone], at: Timestamp) -> (bool, Timestamp) {
    let mut open = true;
    let mut next = Timestamp::MAX;
    for zone in zones {
        let local = zone.to_datetime(at);
        open = open && is_open(window, local);
        let shown = boundary(window, local);
        let turn = shown.and_then(|shown| at.checked_add(local.duration_until(shown)).ok());
        let change = zone.following(at).next().map(|change| change.timestamp());
        next = [turn, change].into_iter().flatten().fold(next, Timestamp::min);
    }
    (open, next)
}

/// Whether the window is open at this local time.
fn is_open(window: &Window, local: DateTime) -> bool {
    let (today, minute) = (local.date(), minute_of(local.time()));
    let works = |date| window.off.binary_search(&date).is_err();
    let began_yesterday = |span: &Span| {
        span.is_over_midnight()
            && minute < span.to
            && today.yesterday().is_ok_and(|before| works(before) && span.days.has(before.weekday()))
    };
    let began_today = |span: &Span| {
        let to = if span.is_over_midnight() { DAY } else { span.to };
        span.days.has(today.weekday()) && (span.from..to).contains(&minute)
    };
    works(today) && window.open.iter().any(|span| began_today(span) || began_yesterday(span))
}

/// Returns the next local time at which the window may open or close. `None` at the end of time.
fn boundary(window: &Window, local: DateTime) -> Option<DateTime> {
    let minute = minute_of(local.time());
    let marks = window.open.iter().flat_map(|span| [span.from, span.to]);
    match marks.filter(|mark| *mark > minute && *mark < DAY).min() {
        Some(mark) => {
            let time = Time::new((mark / 60) as i8, (mark % 60) as i8, 0, 0).ok()?;
            Some(local.date().to_datetime(time))
        }
        None => local.date().tomorrow().ok().map(|date| date.to_datetime(Time::midnight())),
    }
}

fn minute_of(time: Time) -> u16 {
    u16::from(time.hour().unsigned_abs()) * 60 + u16::from(time.minute().unsigned_abs())
}
