//! The loop of dispatch: wait for a permit and a reservation, or for an outcome; advance; start senders; repeat.
//!
//! A claim holds its permit until its outcome is in the step that claims the next row. So the store never holds more
//! claims without an outcome than there may be requests in flight.

mod claim;
mod step;

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::eligibility::Eligibility;
use super::sender::{DispatchContext, Ended};
use crate::engine::error::{EngineError, PANICKED};
use crate::engine::job::Job;
use crate::engine::stop::Reason;
use crate::engine::store_retry::patiently;
use crate::model::{Event, Millis, Notice, Rate};
use crate::rate_limit::Reservation;
use crate::store::{Claim, Owner, RowKey, Step};
use claim::MAX_CLAIMS;

/// How long outcomes wait for more outcomes, or for the next claims, which need a commit anyway. It is short because
/// outcomes lost in a crash leave their rows in doubt.
const LINGER: Duration = Duration::from_millis(45);
/// How often to check the clock, and whether others made rows due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The same while sending is not allowed.
const LOOK_EVERY_WHILE_CLOSED: Duration = Duration::from_secs(60);
/// How often the owner of a run looks whether others still have rows in flight.
const OTHERS: Duration = Duration::from_millis(250);
/// Waits longer than this are reported.
const LONG: Duration = Duration::from_secs(300);

/// The longest wait inside dispatch. Rows due later end dispatch: their time is in the store, so the process need not
/// stay alive for them. It is longer than any usual wait between two attempts.
pub(in crate::engine) const LONGEST_WAIT: Duration = Duration::from_secs(20 * 60);

/// What remains to be sent when dispatch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Remaining {
    /// Nothing.
    Nothing,
    /// Whatever remained when the run was stopped.
    Stopped,
    /// Rows that wait for a long time; the first is due then.
    Waits(Millis),
}

/// Whose rows a process sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine) enum Role {
    /// It owns the run, and ends it.
    Owner,
    /// It sends rows of a run that another process owns.
    Joined,
}

/// Sends every row of the run that is due now or soon, until none remains or the run is stopped. Returns once nothing
/// is in flight.
pub(in crate::engine) async fn dispatch(
    job: &Arc<Job>,
    eligibility: &Arc<Eligibility>,
    owner: Owner,
    role: Role,
) -> Result<Remaining, EngineError> {
    // Held until nothing is in flight.
    let _quota = match role {
        Role::Owner => eligibility.take_quota(job).await?,
        Role::Joined => None,
    };
    // Capacity for the outcome of every request in flight, so that no sender waits.
    let (ended, endings) = mpsc::channel(job.concurrency.max(1));
    let mut dispatcher = Dispatcher {
        context: DispatchContext::new(job, eligibility, owner).await?,
        owner,
        role,
        shared_rate: None,
        ended,
        endings,
        in_flight: HashMap::new(),
        panicked: 0,
        step: Step::default(),
        step_since: None,
        reserving: None,
        reserved: Vec::new(),
        new_rows_left: true,
        limit_is_used_up: job.limit == Some(0),
        next_due: None,
        looked_at: None,
        notified_at: None,
        claimed_at: None,
        claim_again: None,
        blocked_since: None,
        failed: None,
    };
    loop {
        let remaining = dispatcher.run().await;
        let remaining = dispatcher.finish(remaining).await?;
        if remaining != Remaining::Nothing || role == Role::Joined || dispatcher.end().await? {
            return Ok(remaining);
        }
    }
}

struct Dispatcher {
    context: Arc<DispatchContext>,
    owner: Owner,
    role: Role,
    /// The rate that the store knows of, which all processes of a server share.
    shared_rate: Option<Rate>,
    ended: mpsc::Sender<Ended>,
    endings: mpsc::Receiver<Ended>,
    /// Claims without a known outcome.
    in_flight: HashMap<RowKey, Claim>,
    /// How many of these will never be known, because their tasks panicked.
    panicked: usize,
    /// What the next step records, and since when its oldest part waits.
    step: Step,
    step_since: Option<Instant>,
    /// The next reservation, while it is being waited for.
    reserving: Option<Pin<Box<dyn Future<Output = Reservation> + Send>>>,
    /// Reservations not yet used by a row.
    reserved: Vec<Reservation>,
    /// Whether there may be rows that were never claimed.
    new_rows_left: bool,
    /// Whether no further row may be claimed for the first time.
    limit_is_used_up: bool,
    /// When the first waiting row is due, or earlier.
    next_due: Option<Millis>,
    /// When the store was last asked for `next_due`.
    looked_at: Option<Instant>,
    /// The time up to which a long wait was already reported.
    notified_at: Option<Millis>,
    /// When rows were last claimed.
    claimed_at: Option<Instant>,
    /// When to claim again, after the account's rate was used up by other processes.
    claim_again: Option<Instant>,
    /// Since when the store could not be written.
    blocked_since: Option<Instant>,
    /// The error that stopped the run, if any.
    failed: Option<EngineError>,
}

impl Dispatcher {
    fn job(&self) -> &Job {
        &self.context.job
    }

    /// Runs the loop.
    async fn run(&mut self) -> Result<Remaining, EngineError> {
        let context = self.context.clone();
        let (job, eligibility) = (&*context.job, &*context.eligibility);
        loop {
            self.take_endings();
            if job.stop.ends_sending() {
                return Ok(Remaining::Stopped);
            }
            if let Some(pause) = job.limiter.pause_beyond(LONGEST_WAIT) {
                return Ok(Remaining::Waits(job.clock.now().plus(pause)));
            }
            let now = job.clock.now();
            if self.looked_at.is_none_or(|at| at.elapsed() >= LOOK_EVERY) {
                self.look().await?;
            }
            let closed = eligibility.closed_until(now).or_else(|| eligibility.next_day(now));
            let is_open = closed.is_none()
                && eligibility.room(now, self.in_flight.len() as u64) > 0
                && !eligibility.is_unsure(job);
            let is_due = self.next_due.is_some_and(|at| at <= now);
            let has_rows = is_due || (self.new_rows_left && !self.limit_is_used_up);
            if has_rows && is_open && self.permits() > 0 && !job.stop.is_paused() {
                if self.wait_for_reservation().await {
                    self.claim(is_due).await?;
                }
                continue;
            }
            // Only the owner knows how much of the quota is used up.
            let is_owner = self.role == Role::Owner;
            let may_expire = is_owner && is_due && eligibility.may_expire_today(now) && !eligibility.is_unsure(job);
            if may_expire && !job.stop.is_paused() && self.defer(MAX_CLAIMS).await? {
                continue;
            }
            if self.in_flight.is_empty() && self.step.settlements.is_empty() && !has_rows {
                // Another process may have made a row due since.
                self.look().await?;
                if self.next_due.is_none() && (is_open || self.limit_is_used_up || !self.new_rows_left) {
                    // What others have in flight may have to be sent again.
                    if self.role == Role::Owner && job.store.others_are_sending(self.owner).await? {
                        self.idle(Some(now.plus(OTHERS)), now, is_open).await?;
                        continue;
                    }
                    return self.nothing_due().await;
                }
            }
            let next = self.next_due.filter(|_| !is_due).max(closed);
            if let Some(at) = next.filter(|at| self.is_idle() && at.since(now) > LONGEST_WAIT && !job.stop.is_paused())
            {
                return Ok(Remaining::Waits(at));
            }
            self.idle(next, now, is_open).await?;
        }
    }

    /// Handles the case that nothing is in flight and no row can be claimed.
    async fn nothing_due(&mut self) -> Result<Remaining, EngineError> {
        let job = self.job();
        let is_more = self.role == Role::Owner
            && self.limit_is_used_up
            && (self.new_rows_left || job.store.next_due(self.owner, false).await?.is_some());
        if is_more {
            job.stop.stop(Reason::Limit);
            return Ok(Remaining::Stopped);
        }
        Ok(Remaining::Nothing)
    }

    fn is_idle(&self) -> bool {
        self.in_flight.is_empty() && self.step.settlements.is_empty()
    }

    /// Waits until there may be something to do: an outcome, a due time, or a change by a person.
    async fn idle(&mut self, next: Option<Millis>, now: Millis, is_open: bool) -> Result<(), EngineError> {
        self.leave_line();
        let context = self.context.clone();
        let job = &*context.job;
        let is_idle = self.is_idle();
        let longest = if is_open && !is_idle { LOOK_EVERY } else { LOOK_EVERY_WHILE_CLOSED };
        let wait = next.map_or(LOOK_EVERY, |at| at.since(now));
        if let Some(at) = next.filter(|at| wait > LONG && self.notified_at != Some(*at) && !job.stop.is_paused()) {
            let until = context.eligibility.local(at);
            let (timed, quota) = (context.eligibility.is_timed(), context.eligibility.has_quota());
            (job.events)(Event::Notice(Notice::NothingDue { until, timed, quota }));
            self.notified_at = Some(at);
        }
        let wait = wait.clamp(Duration::from_millis(1), longest);
        let held = job.stop.is_paused();
        let linger = self.linger();
        tokio::select! {
            biased;
            () = job.stop.sending_ended() => {}
            () = job.limiter.paused_beyond(LONGEST_WAIT) => {}
            ended = self.endings.recv() => ended.into_iter().for_each(|ended| self.ended(ended)),
            () = linger => self.advance(0).await.map(drop)?,
            () = job.stop.until_resumed(), if held => {}
            () = job.clock.idle(wait), if is_idle => {}
            () = tokio::time::sleep(wait), if !is_idle => {}
        }
        Ok(())
    }

    /// Waits until the outcomes at hand have waited long enough.
    fn linger(&self) -> impl Future<Output = ()> + use<> {
        let since = self.step_since;
        async move {
            match since {
                Some(since) => tokio::time::sleep_until(since + LINGER).await,
                None => std::future::pending().await,
            }
        }
    }

    /// Asks the store when the next row is due, and what became of other workers.
    async fn look(&mut self) -> Result<(), EngineError> {
        self.look_at_others().await?;
        self.next_due = self.job().store.next_due(self.owner, self.limit_is_used_up).await?;
        self.looked_at = Some(Instant::now());
        Ok(())
    }

    /// Takes what senders have reported.
    fn take_endings(&mut self) {
        while let Ok(ended) = self.endings.try_recv() {
            self.ended(ended);
        }
    }

    fn ended(&mut self, ended: Ended) {
        let Some((settlement, error)) = ended else {
            // Its row stays in flight, so that it is in doubt.
            self.panicked += 1;
            return self.fail(EngineError::Defect(PANICKED.to_owned()));
        };
        self.in_flight.remove(&settlement.claim.key);
        if let Some(at) = settlement.next_attempt_at {
            self.next_due = Some(self.next_due.map_or(at, |due| due.min(at)));
        }
        self.step.settlements.push(settlement);
        self.step_since.get_or_insert_with(Instant::now);
        if let Some(error) = error {
            self.fail(error);
        }
    }

    /// Stops the run because of an error, which is reported once nothing is in flight.
    fn fail(&mut self, error: EngineError) {
        self.job().stop.stop(Reason::Failed);
        self.failed.get_or_insert(error);
    }

    /// Waits for the requests in flight and records them.
    async fn finish(&mut self, remaining: Result<Remaining, EngineError>) -> Result<Remaining, EngineError> {
        let remaining = remaining.map_err(|error| self.fail(error));
        self.leave_line();
        // At once if possible; what is in flight is recorded in any case.
        let is_told = self.halt_others().await.unwrap_or(false);
        loop {
            self.take_endings();
            if self.in_flight.len() <= self.panicked {
                break;
            }
            let linger = self.linger();
            tokio::select! {
                biased;
                ended = self.endings.recv() => ended.into_iter().for_each(|ended| self.ended(ended)),
                () = linger => self.record_or_fail().await,
            }
        }
        self.record_or_fail().await;
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        if !is_told {
            patiently(self.job(), async || self.halt_others().await).await?;
        }
        match remaining {
            // A pause of the account ends dispatch, whatever remains.
            Ok(Remaining::Waits(at)) => {
                self.look().await?;
                let any = self.next_due.is_some() || !self.job().store.new_rows(self.owner.run, 1).await?.is_empty();
                Ok(if any { Remaining::Waits(at) } else { Remaining::Nothing })
            }
            Ok(remaining) => Ok(remaining),
            Err(()) => Ok(Remaining::Stopped),
        }
    }
}
