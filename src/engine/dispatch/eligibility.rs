//! Whether a row may be sent now, by the window, its own times and the daily quota; if not, when.
//!
//! Rows that may have to wait are scheduled in the store before sending starts, each with the time at which it is due.
//! The store does the waiting: a row is checked when it is due, and deferred again if its window has closed since. A
//! campaign without any times skips all of this.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::engine::error::EngineError;
use crate::engine::job::Job;
use crate::model::{Damage, Event, Millis, Notice, Outcome, RowCause, State, StateChange};
use crate::send_window::{Hours, MaySend, RowTimes, RowTiming, day_of, local};
use crate::store::{Attempt, Deferral, Owner, RunLock, StoreError, stopped};

/// How often a run checks whether another run has released the quota.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Maximum number of rows scheduled in one commit.
const SCHEDULED: u32 = 2_048;

/// Whether a row may be sent.
pub(super) enum Eligible {
    /// It may be sent, before `send_before` if that is set, and can wait until `expires_at` at most.
    Now { send_before: Option<Millis>, expires_at: Millis },
    /// It may not be sent, and moves to this state.
    Deferred(Deferral),
}

/// Decides when the rows of one run may be sent.
pub(in crate::engine) struct Eligibility {
    timed: Option<RowTiming>,
    hours: Mutex<Option<Hours>>,
    /// Set if all rows have the same times.
    of_all: Option<RowTimes>,
    quota: Option<Quota>,
    /// Whether rows have a `not_after`.
    has_deadlines: bool,
    timezone: Option<String>,
    /// Whether the time of day was not known when it was last needed.
    was_unsure: AtomicBool,
}

/// How many messages may be accepted per day.
struct Quota {
    most: u64,
    day: Mutex<Day>,
}

/// A day, and how many of its messages were or may have been accepted. A message counts for the day of its claim.
struct Day {
    from: Millis,
    until: Millis,
    taken: u64,
}

impl Eligibility {
    /// Creates the eligibility rules of a job.
    pub(in crate::engine) fn of(job: &Job) -> Result<Self, EngineError> {
        let (timing, run) = (&job.campaign.timing, &job.run);
        let timed = RowTiming::new(timing, &run.columns, run.created_at)
            .map_err(|error| StoreError::Damaged(format!("its campaign is not valid, because {error}")))?;
        let quota = timing.quota.map(|most| {
            let (from, until) = day_of(job.clock.now(), timing.timezone.as_deref());
            // Nothing may be sent before the true count is known.
            let day = Day { from, until, taken: u64::MAX };
            Quota { most: most.get().into(), day: Mutex::new(day) }
        });
        Ok(Self {
            hours: Mutex::new(timed.as_ref().and_then(RowTiming::hours)),
            of_all: timed.as_ref().and_then(RowTiming::of_all),
            timed,
            quota,
            has_deadlines: timing.not_after.is_some() || timing.columns.not_after.is_some(),
            timezone: timing.timezone.clone(),
            was_unsure: AtomicBool::new(false),
        })
    }

    /// Waits until no other run of this campaign uses the quota, and reads how much of today's quota is used up. Other
    /// runs wait until the returned lock is dropped. Returns `None` if there is no quota or the run is stopped.
    pub(super) async fn take_quota(&self, job: &Job) -> Result<Option<RunLock>, EngineError> {
        let Some(quota) = &self.quota else { return Ok(None) };
        let name = job.run.id.name();
        let mut notified = false;
        let lock = loop {
            if let Some(lock) = job.store.lock_quota(name).await? {
                break lock;
            }
            if !std::mem::replace(&mut notified, true) {
                (job.events)(Event::Notice(Notice::QuotaInUse { name: name.to_owned() }));
            }
            tokio::select! {
                () = job.stop.sending_ended() => return Ok(None),
                () = job.clock.idle(LOOK_AGAIN) => {}
            }
        };
        let (from, until) = day_of(job.clock.now(), self.timezone.as_deref());
        let taken = job.store.taken_since(name, Some(job.run.key), from).await?;
        *self::lock(&quota.day) = Day { from, until, taken };
        Ok(Some(lock))
    }

    /// Whether a row may have to wait for anything.
    pub(in crate::engine) fn may_defer(&self) -> bool {
        self.timed.is_some() || self.has_quota()
    }

    /// Whether the campaign has a daily quota.
    pub(super) fn has_quota(&self) -> bool {
        self.quota.is_some()
    }

    /// Whether each row is checked before it is claimed.
    pub(super) fn is_timed(&self) -> bool {
        self.timed.is_some()
    }

    /// Schedules all rows that were never claimed, if rows may have to wait. This is done once per run, and continues
    /// after a crash.
    pub(in crate::engine) async fn schedule_rows(&self, job: &Job, owner: Owner) -> Result<(), EngineError> {
        if self.timed.is_none() {
            return Ok(());
        }
        while !job.stop.ends_sending() {
            let rows = job.store.new_rows(owner.run, SCHEDULED).await?;
            if rows.is_empty() {
                break;
            }
            let now = job.clock.now();
            let rows = rows.iter().map(|row| match self.of_row(row, || now)? {
                Eligible::Deferred(deferral) => Ok(deferral),
                Eligible::Now { .. } => {
                    Ok(Deferral { key: row.claim.key, state: State::Pending, next_attempt_at: Some(now), cause: None })
                }
            });
            job.store.schedule_rows(owner, &rows.collect::<Result<Vec<_>, EngineError>>()?).await?;
        }
        Ok(())
    }

    /// Returns whether a row may be sent. `now` is called only if the time matters.
    pub(super) fn of_row(&self, row: &Attempt, now: impl FnOnce() -> Millis) -> Result<Eligible, EngineError> {
        const ALWAYS: Eligible = Eligible::Now { send_before: None, expires_at: Millis(i64::MAX) };
        let Some(timed) = &self.timed else { return Ok(ALWAYS) };
        let now = now();
        self.at(timed, row, now, now)
    }

    /// Returns whether a row that waits may be sent. If today's quota is used up, it may not be sent before tomorrow.
    pub(super) fn of_waiting_row(&self, row: &Attempt, now: Millis) -> Result<Eligible, EngineError> {
        let Some(timed) = &self.timed else { return self.of_row(row, || now) };
        match self.next_day(now) {
            None => self.at(timed, row, now, now),
            Some(tomorrow) => Ok(match self.at(timed, row, now, tomorrow)? {
                Eligible::Now { .. } => Eligible::Deferred(Deferral {
                    key: row.claim.key,
                    state: State::Pending,
                    next_attempt_at: Some(tomorrow),
                    cause: None,
                }),
                deferred => deferred,
            }),
        }
    }

    /// Returns whether a row may be sent at `from`, which is `now` or later.
    fn at(&self, timed: &RowTiming, row: &Attempt, now: Millis, from: Millis) -> Result<Eligible, EngineError> {
        let times = match &self.of_all {
            Some(times) => Cow::Borrowed(times),
            None => Cow::Owned(times(timed, row)?),
        };
        let deferred = |state, next_attempt_at, cause| {
            Eligible::Deferred(Deferral { key: row.claim.key, state, next_attempt_at, cause })
        };
        let in_doubt = row.claim.history.in_doubt;
        Ok(match RowTiming::may(&times, lock(&self.hours).as_mut(), from) {
            MaySend::Leave { before } => {
                Eligible::Now { send_before: Some(before), expires_at: times.not_after.unwrap_or(Millis(i64::MAX)) }
            }
            MaySend::Wait(at) => deferred(State::Pending, Some(at), None),
            MaySend::Expire(at) => {
                let cause = RowCause::Expired { at: self.local(at), passed: now >= at };
                deferred(stopped(StateChange::Expire, in_doubt)?, None, (!in_doubt).then_some(cause))
            }
        })
    }

    /// Returns when rows may be sent again, if none may be sent now.
    pub(in crate::engine) fn closed_until(&self, now: Millis) -> Option<Millis> {
        let row = self.of_all.as_ref()?;
        match RowTiming::may(row, lock(&self.hours).as_mut(), now) {
            MaySend::Wait(at) => Some(at),
            // Expired rows pass, so that they end.
            MaySend::Leave { .. } | MaySend::Expire(_) => None,
        }
    }

    /// Whether the time of day is not known, because the system clock was ahead and was set back: another hour or day
    /// could count as open.
    pub(super) fn is_unsure(&self, job: &Job) -> bool {
        if !self.is_timed() && !self.has_quota() {
            return false;
        }
        let ahead = job.clock.ahead();
        if let (false, Some(by)) = (self.was_unsure.swap(ahead.is_some(), Ordering::Relaxed), ahead) {
            (job.events)(Event::Notice(Notice::ClockWasAhead { by }));
        }
        ahead.is_some()
    }

    /// Returns how many more rows may be claimed today, with `in_flight` requests under way.
    pub(super) fn room(&self, now: Millis, in_flight: u64) -> u64 {
        let Some(quota) = &self.quota else { return u64::MAX };
        quota.most.saturating_sub(self.day(quota, now).taken.saturating_add(in_flight))
    }

    /// Whether today's quota is used up, and rows may expire before tomorrow.
    pub(super) fn may_expire_today(&self, now: Millis) -> bool {
        self.has_deadlines && self.next_day(now).is_some()
    }

    /// Returns when the quota is available again, if today's is used up.
    pub(super) fn next_day(&self, now: Millis) -> Option<Millis> {
        let quota = self.quota.as_ref()?;
        let day = self.day(quota, now);
        (day.taken >= quota.most).then_some(day.until)
    }

    /// Counts a message against the quota of the day on which it was claimed, once its outcome is known.
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

    /// Formats a time on the campaign's clock.
    pub(in crate::engine) fn local(&self, at: Millis) -> String {
        local(at, self.timezone.as_deref())
    }
}

/// Returns a row's times from its cells and number. The plan found them valid.
fn times(timed: &RowTiming, row: &Attempt) -> Result<RowTimes, EngineError> {
    let failed = |problem| EngineError::Render { row: row.claim.key.row(), problem };
    let cells: Vec<Cow<'_, str>> =
        serde_json::from_str(&row.cells).map_err(|error| failed(Damage::Cells(error.to_string()).into()))?;
    timed.of_row(row.phone, &cells).map_err(|problem| failed(vec![problem].into()))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
