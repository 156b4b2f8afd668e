//! The gate: whether a row may leave now, by the window, the row's own times and the day's quota, and else when.
//!
//! Rows that may have to wait for their time are laid out in the store before anything is sent, each with the moment at
//! which it is due. From then on waiting is the store's: a row is looked at when it is due, and put aside again if its
//! window closed meanwhile. A campaign that says nothing of the time has no gate, and nothing is done for its rows.

use std::borrow::Cow;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{EngineError, Job};
use crate::crash::Point;
use crate::model::{Change, Event, Millis, Outcome, Problem, RowProblem, State};
use crate::store::{Aside, Due, LAID_OUT, RunLock, StoreError, Writer};
use crate::window::{Hours, May, RowTimes, Timed, day_of, local};

/// How often a run that waits for another one's quota looks whether it is free.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// What a row's time says of it.
pub(super) enum Pass {
    /// It may leave, before this moment if there is one, and its last moment is not before it.
    Leave { before: Option<Millis>, late: Millis },
    /// It may not, and this becomes of it.
    Aside(Aside),
}

/// The gate of one run.
pub(super) struct Gate {
    timed: Option<Timed>,
    hours: Mutex<Option<Hours>>,
    /// Where all rows may leave at the same times.
    of_all: Option<RowTimes>,
    quota: Option<Quota>,
    timezone: Option<String>,
}

/// How many messages a day may be accepted.
struct Quota {
    most: u64,
    day: Mutex<Day>,
}

/// A day, and how many messages that were taken up in it were accepted, or may have been.
struct Day {
    from: Millis,
    until: Millis,
    taken: u64,
}

impl Gate {
    /// The gate of a run.
    pub(super) fn open(job: &Job) -> Result<Self, EngineError> {
        let (timing, run) = (&job.campaign.timing, &job.run);
        let timed = Timed::new(timing, &run.columns, run.created_at)
            .map_err(|error| StoreError::Damaged(format!("the frozen campaign: {error}")))?;
        let quota = timing.quota.map(|most| {
            let (from, until) = day_of(job.clock.now(), timing.timezone.as_deref());
            // Nothing may leave before it is known.
            let day = Day { from, until, taken: u64::MAX };
            Quota { most: most.get().into(), day: Mutex::new(day) }
        });
        Ok(Self {
            hours: Mutex::new(timed.as_ref().and_then(Timed::hours)),
            of_all: timed.as_ref().and_then(Timed::of_all),
            timed,
            quota,
            timezone: timing.timezone.clone(),
        })
    }

    /// Waits until no other run of the campaign's name sends within the quota, and reads what of today's is used up.
    /// Others wait until what this gives back is dropped; nothing is given where there is no quota, or the run is stopped.
    pub(super) async fn take_quota(&self, job: &Job) -> Result<Option<RunLock>, EngineError> {
        let Some(quota) = &self.quota else { return Ok(None) };
        let name = job.run.id.name();
        let mut told = false;
        let lock = loop {
            if let Some(lock) = job.store.lock_quota(name)? {
                break lock;
            }
            if !std::mem::replace(&mut told, true) {
                let words = format!("another run of `{name}` sends within the same quota: waiting until it has sent");
                (job.events)(Event::Said(words));
            }
            tokio::select! {
                () = job.stop.sending_ended() => return Ok(None),
                () = job.clock.idle(LOOK_AGAIN) => {}
            }
        };
        let (from, until) = day_of(job.clock.now(), self.timezone.as_deref());
        let taken = job.store.taken_since(name, from).await?;
        *self::lock(&quota.day) = Day { from, until, taken };
        Ok(Some(lock))
    }

    /// Whether there is anything that a row may have to wait for.
    pub(super) fn holds(&self) -> bool {
        self.timed.is_some() || self.quota.is_some()
    }

    /// Lays out all rows that were never tried, if rows may have to wait. Done once a run; what a crash cut off goes on.
    pub(super) async fn lay_out(&self, job: &Job, writer: &mut Writer) -> Result<(), EngineError> {
        if self.timed.is_none() {
            return Ok(());
        }
        let run = job.run.key;
        let mut last = job.store.last_tried(run).await?;
        while !job.stop.ends_sending() {
            let page = job.store.fresh(run, last, LAID_OUT).await?;
            let Some(due) = page.last() else { break };
            last = Some(due.key);
            let now = job.clock.now();
            let rows = page.iter().map(|due| match self.pass(due, || now)? {
                Pass::Aside(aside) => Ok(aside),
                Pass::Leave { .. } => {
                    Ok(Aside { key: due.key, state: State::Pending, due_at: Some(now), problem: None })
                }
            });
            writer.lay_out(run, &rows.collect::<Result<Vec<_>, EngineError>>()?).await?;
            Point::RowsScheduled.pass();
        }
        Ok(())
    }

    /// Whether a row may leave `now`, which is asked for only where it matters.
    pub(super) fn pass(&self, due: &Due, now: impl FnOnce() -> Millis) -> Result<Pass, EngineError> {
        const ALWAYS: Pass = Pass::Leave { before: None, late: Millis(i64::MAX) };
        let Some(timed) = &self.timed else { return Ok(ALWAYS) };
        let now = now();
        let row = match &self.of_all {
            Some(row) => Cow::Borrowed(row),
            None => Cow::Owned(times(timed, due)?),
        };
        let wait = |state, due_at, problem| Pass::Aside(Aside { key: due.key, state, due_at, problem });
        let illegal = |error| EngineError::from(StoreError::Illegal(error));
        Ok(match Timed::may(&row, lock(&self.hours).as_mut(), now) {
            May::Leave { before } => {
                Pass::Leave { before: Some(before), late: row.not_after.unwrap_or(Millis(i64::MAX)) }
            }
            May::Wait(at) => wait(State::Pending, Some(at), None),
            // "Expired" would claim that it was not sent.
            May::Expire(_) if due.doubted => wait(State::Pending.after(Change::Doubt).map_err(illegal)?, None, None),
            May::Expire(late) => {
                let problem = Problem::new("expired", self.too_late(now, late));
                wait(State::Pending.after(Change::Expire).map_err(illegal)?, None, Some(problem))
            }
        })
    }

    fn too_late(&self, now: Millis, late: Millis) -> String {
        let at = local(late, self.timezone.as_deref());
        match now < late {
            true => format!("it may not be sent after {at}, and its window does not open before that"),
            false => format!("it was not sent by {at}, after which it may not be sent"),
        }
    }

    /// When the gate opens that is closed for all rows alike.
    pub(super) fn closed_until(&self, now: Millis) -> Option<Millis> {
        let row = self.of_all.as_ref()?;
        match Timed::may(row, lock(&self.hours).as_mut(), now) {
            May::Wait(at) => Some(at),
            // Rows that are too late go through, to their end.
            May::Leave { .. } | May::Expire(_) => None,
        }
    }

    /// Rows that may be handed on today, where so many are on their way already.
    pub(super) fn room(&self, now: Millis, on_their_way: u64) -> u64 {
        let Some(quota) = &self.quota else { return u64::MAX };
        quota.most.saturating_sub(self.day(quota, now).taken.saturating_add(on_their_way))
    }

    /// When there is room again where today's is used up.
    pub(super) fn next_day(&self, now: Millis) -> Option<Millis> {
        let quota = self.quota.as_ref()?;
        let day = self.day(quota, now);
        (day.taken >= quota.most).then_some(day.until)
    }

    /// Counts a message against the quota of the day on which it was taken up, as soon as its outcome is known.
    pub(super) fn count(&self, taken_up: Millis, now: Millis, outcome: &Outcome) {
        let Some(quota) = &self.quota else { return };
        let mut day = self.day(quota, now);
        let is_taken = matches!(outcome, Outcome::Accepted { .. } | Outcome::Unnamed(_) | Outcome::Uncertain(_));
        if is_taken && taken_up >= day.from {
            day.taken = day.taken.saturating_add(1);
        }
    }

    fn day<'q>(&self, quota: &'q Quota, now: Millis) -> MutexGuard<'q, Day> {
        let mut day = lock(&quota.day);
        if now >= day.until {
            let (from, until) = day_of(now, self.timezone.as_deref());
            *day = Day { from, until, taken: 0 };
        }
        day
    }

    /// A moment as the campaign's clocks show it.
    pub(super) fn local(&self, at: Millis) -> String {
        local(at, self.timezone.as_deref())
    }
}

/// What a row's cells and its number say of its time, as it was found right at the plan.
fn times(timed: &Timed, due: &Due) -> Result<RowTimes, EngineError> {
    let failed = |problem| EngineError::Render { row: due.key.row(), problem };
    let cells: Vec<Cow<'_, str>> =
        serde_json::from_str(&due.cells).map_err(|error| failed(Problem::new("damaged", error.to_string())))?;
    timed.of_row(due.phone, &cells).map_err(|problem| {
        failed(RowProblem::joined(&[problem]).unwrap_or_else(|| Problem::new("damaged", "its time cannot be told")))
    })
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
