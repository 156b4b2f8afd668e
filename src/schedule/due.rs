//! Decides what is due now, and what is skipped.

use super::occurrences::{next, upcoming};
use crate::model::{IfLate, Millis, Schedule, When};
use crate::text;
use std::collections::VecDeque;
use std::time::Duration;

/// The most missed occurrences that are reported one by one. Earlier ones are only counted, with the oldest of these.
const MAX_REPORTED: usize = 100;

/// How far back missed occurrences are counted.
const LONGEST_LOOK_BACK: Duration = Duration::from_secs(366 * 24 * 3600);

/// The due occurrences of a schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// The occurrence that may start now.
    pub start: Option<Millis>,
    /// The occurrences that may no longer start, oldest first.
    pub skipped: Vec<Skipped>,
    /// The next occurrence.
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

/// Returns which occurrences of a schedule are due at `now`. Occurrences up to `decided` are already decided; for a
/// campaign that runs once, `decided` is ignored.
///
/// If several occurrences came due, only the last one may start, so that missed runs are not sent several times. It may
/// start for as long as `not_after` says, and later only if the campaign allows it.
#[must_use]
pub fn due(schedule: &Schedule, decided: Millis, now: Millis) -> Due {
    let mut came: VecDeque<Millis> = VecDeque::new();
    let mut unreported = 0_u64;
    let after = match schedule.when {
        // A single time counts, even if the file was first seen after it.
        When::At(_) => Millis(i64::MIN),
        // A clock may have shown 1970 before: going through each minute since would take half a minute.
        When::Cron { .. } => decided.max(now.minus(LONGEST_LOOK_BACK)),
    };
    let mut upcoming = upcoming(schedule, after.timestamp()).map(|at| Millis(at.as_millisecond())).peekable();
    while let Some(at) = upcoming.next_if(|at| *at <= now) {
        came.push_back(at);
        if came.len() > MAX_REPORTED {
            came.pop_front();
            unreported += 1;
        }
    }
    let next = next(schedule, now.timestamp()).map(|at| Millis(at.as_millisecond()));
    let Some(last) = came.pop_back() else { return Due { next, ..Due::default() } };
    let mut skipped: Vec<Skipped> = came
        .into_iter()
        .map(|due| {
            let late = now.since(due) > schedule.not_after;
            let reason = if late { too_late(schedule, due, now) } else { format!("a later time ({last}) is also due") };
            Skipped { due, reason }
        })
        .collect();
    if let (Some(oldest), 1..) = (skipped.first_mut(), unreported) {
        let (times, were) = (text::count(unreported, "earlier time"), if unreported == 1 { "was" } else { "were" });
        oldest.reason.push_str(&format!("; {times} {were} also skipped"));
    }
    let in_time = now.since(last) <= schedule.not_after || schedule.if_late == IfLate::Send;
    let start = in_time.then_some(last);
    if !in_time {
        skipped.push(Skipped { due: last, reason: too_late(schedule, last, now) });
    }
    Due { start, skipped, next }
}

fn too_late(schedule: &Schedule, due: Millis, now: Millis) -> String {
    format!("{} late; `not_after` allows {}", text::duration(now.since(due)), text::duration(schedule.not_after))
}
