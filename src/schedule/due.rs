//! What is due now, and what of it is skipped.

use super::occurrences::{next, upcoming};
use crate::model::{IfLate, Millis, Schedule, When};
use crate::text;
use std::collections::VecDeque;

/// Occurrences that were missed and are told one by one at most; how many there were before those is told with the
/// oldest of them.
const TOLD: usize = 100;

/// What a schedule has for now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// The occurrence that may start now.
    pub start: Option<Millis>,
    /// Those that may not start any more, the oldest first.
    pub skipped: Vec<Skipped>,
    /// The next one to come.
    pub next: Option<Millis>,
}

/// An occurrence that is skipped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// When it was due.
    pub due: Millis,
    /// Why it is skipped, in words.
    pub reason: String,
}

/// What of a schedule is due at `now`, given that everything up to `decided` was decided before; of a campaign that
/// runs once, that was not.
///
/// Of several that came due the last one alone may start: nobody wants what was missed three times to be sent three
/// times. It may start for as long as `not_after` says, and later only where the campaign says so.
#[must_use]
pub fn due(schedule: &Schedule, decided: Millis, now: Millis) -> Due {
    let mut came: VecDeque<Millis> = VecDeque::new();
    let mut untold = 0_u64;
    let after = match schedule.when {
        // Once is once, however long ago the file was seen first.
        When::At(_) => Millis(i64::MIN),
        When::Cron { .. } => decided,
    };
    let mut upcoming = upcoming(schedule, after.timestamp()).map(|at| Millis(at.as_millisecond())).peekable();
    while let Some(at) = upcoming.next_if(|at| *at <= now) {
        came.push_back(at);
        if came.len() > TOLD {
            came.pop_front();
            untold += 1;
        }
    }
    let next = next(schedule, now.timestamp()).map(|at| Millis(at.as_millisecond()));
    let Some(last) = came.pop_back() else { return Due { next, ..Due::default() } };
    let mut skipped: Vec<Skipped> = came
        .into_iter()
        .map(|due| {
            let late = now.since(due) > schedule.not_after;
            let reason =
                if late { too_late(schedule, due, now) } else { format!("the one due at {last} came due too") };
            Skipped { due, reason }
        })
        .collect();
    if let (Some(oldest), 1..) = (skipped.first_mut(), untold) {
        oldest.reason.push_str(&format!("; so were {untold} before it"));
    }
    let in_time = now.since(last) <= schedule.not_after || schedule.if_late == IfLate::Send;
    let start = in_time.then_some(last);
    if !in_time {
        skipped.push(Skipped { due: last, reason: too_late(schedule, last, now) });
    }
    Due { start, skipped, next }
}

fn too_late(schedule: &Schedule, due: Millis, now: Millis) -> String {
    format!("{} late, and `not_after` is {}", text::duration(now.since(due)), text::duration(schedule.not_after))
}
