//! The steps of the loop: what has ended goes into the store, and claimed rows come out of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::time::Instant;

use super::{Dispatcher, OTHERS, Role};
use crate::crash_point::Point;
use crate::engine::dispatch::apply_outcome::released;
use crate::engine::dispatch::recovery::settle_ended;
use crate::engine::error::EngineError;
use crate::engine::stop::Reason;
use crate::engine::store_retry::{StoreRetry, patiently};
use crate::engine::tasks::spawn_joined;
use crate::model::{Event, Millis, Notice};
use crate::store::{Advanced, Claim, Stage, Step, StoreError};

impl Dispatcher {
    /// Makes a step: records finished requests, and claims up to `want` rows. The step always runs to its end, in its
    /// own task.
    pub(super) async fn advance(&mut self, want: usize) -> Result<Advanced, EngineError> {
        let mut step = std::mem::take(&mut self.step);
        self.step_since = None;
        step.want = u32::try_from(want).unwrap_or(u32::MAX);
        step.now = self.job().clock.now();
        let mut step = Arc::new(step);
        let context = self.context.clone();
        // A failed step is followed by one that records what has ended meanwhile; that one does not wait as long again.
        let started_at = *self.blocked_since.get_or_insert_with(Instant::now);
        let mut retry = StoreRetry::since(&context.job, started_at);
        let advanced = loop {
            let (store, owner, this) = (context.job.store.clone(), self.owner, step.clone());
            let error = match spawn_joined(async move { store.advance(owner, &this).await }).await? {
                Ok(advanced) => break advanced,
                // Finished requests are recorded even so.
                Err(error @ StoreError::NotOwner(_)) => {
                    self.fail(error.into());
                    break Advanced::default();
                }
                Err(error) => error,
            };
            let mut failed = retry.wait_or_fail(error).await;
            // No further step before this is known: nobody would find rows again that were claimed without an answer.
            while failed.is_ok() {
                match context.job.store.claims(self.owner, true).await {
                    Ok(claims) => {
                        step = Arc::new(self.with_unknown(&step, claims));
                        break;
                    }
                    Err(error) => failed = retry.wait_or_fail(error).await,
                }
            }
            if let Err(error) = failed {
                // The last step of the run tries once more to record what has ended.
                self.step.settlements.extend(step.settlements.iter().cloned());
                self.step.deferrals.extend(step.deferrals.iter().cloned());
                return Err(error.into());
            }
        };
        self.blocked_since = None;
        if want > 0 && self.failed.is_none() && !advanced.is_held {
            self.new_rows_left = advanced.new_rows_left;
            self.limit_is_used_up = advanced.limit_left == Some(0);
        }
        self.report_problems(&step);
        Ok(advanced)
    }

    /// Returns the failed step, extended to release the rows that it claimed anyway: no sender knows of them, so
    /// nothing was sent.
    fn with_unknown(&self, step: &Step, claims: Vec<Claim>) -> Step {
        let now = self.job().clock.now();
        let mut settlements = step.settlements.clone();
        let known = |claim: &Claim| {
            let is_this = |known: &Claim| (known.key, known.number) == (claim.key, claim.number);
            self.in_flight.get(&claim.key).is_some_and(is_this) || step.settlements.iter().any(|s| is_this(&s.claim))
        };
        settlements.extend(claims.into_iter().filter(|claim| !known(claim)).map(|claim| released(claim, now, now)));
        Step { settlements, deferrals: step.deferrals.clone(), want: step.want, now, ..Step::default() }
    }

    /// Reports what went wrong, once per kind of problem.
    fn report_problems(&self, step: &Step) {
        let mut kinds: BTreeMap<&str, (u64, String)> = BTreeMap::new();
        for problem in step.settlements.iter().filter_map(|settlement| settlement.problem.as_ref()) {
            kinds.entry(&problem.code).or_insert_with(|| (0, problem.message().to_string())).0 += 1;
        }
        for (code, (count, message)) in kinds {
            (self.job().events)(Event::Problem { code: code.to_owned(), message, count });
        }
    }

    /// Records that nothing is left to send. Returns `false` if there is something: a row that another process has just
    /// had in flight is to be sent again.
    pub(super) async fn end(&mut self) -> Result<bool, EngineError> {
        let context = self.context.clone();
        let job = &context.job;
        Point::SendingOver.pass();
        let reach = async || job.store.reach(self.owner.run, Stage::Dispatched, Millis::now()).await;
        let is_over = patiently(job, reach).await?;
        Point::SendingRecorded.pass();
        if is_over || !job.store.can_be_joined() {
            return Ok(true);
        }
        let claims = job.store.claims(self.owner, true).await?;
        self.step = self.with_unknown(&Step::default(), claims);
        self.record_or_fail().await;
        tokio::time::sleep(OTHERS).await;
        Ok(false)
    }

    /// Tells other processes the rate, and settles what those that have ended left in flight. A server that is away is
    /// waited for.
    pub(super) async fn look_at_others(&mut self) -> Result<(), EngineError> {
        let context = self.context.clone();
        let job = &*context.job;
        let rate = job.limiter.rate();
        if self.shared_rate != Some(rate) {
            patiently(job, async || job.store.use_account(self.owner, &job.account, rate).await).await?;
            self.shared_rate = Some(rate);
        }
        if self.role == Role::Joined {
            let account = job.store.sends_through(self.owner.run).await?;
            return match account.is_some_and(|account| account != job.account) {
                true => Err(EngineError::OtherAccount(job.campaign.provider.clone())),
                false => Ok(()),
            };
        }
        if job.store.has_orphans(self.owner).await? {
            let settle = async || settle_ended(&job.store, self.owner, &job.campaign, job.clock.now()).await;
            let uncertain = patiently(job, settle).await?;
            if uncertain > 0 {
                (job.events)(Event::Notice(Notice::InDoubt { messages: uncertain as u64 }));
            }
        }
        Ok(())
    }

    /// Stops the run for the other processes too, if a problem that concerns them stopped it here. Returns whether
    /// there is one.
    pub(super) async fn halt_others(&self) -> Result<bool, StoreError> {
        let job = self.job();
        match job.stop.reason() {
            Some(Reason::Halt(problem)) if self.failed.is_none() => {
                job.store.halt(self.owner.run, &problem).await.map(|()| true)
            }
            _ => Ok(false),
        }
    }

    /// Records finished requests. An error stops the run, but not the wait for requests in flight.
    pub(super) async fn record_or_fail(&mut self) {
        if let Err(error) = self.record().await {
            self.fail(error);
        }
    }

    /// Records finished requests.
    async fn record(&mut self) -> Result<(), EngineError> {
        match self.step.settlements.is_empty() {
            true => Ok(()),
            false => self.advance(0).await.map(drop),
        }
    }
}
