//! Pause, rate and cancel requests from any process, and what the provider reports about the account and its templates.
//! They are saved in the store, and the process working on the run follows them.

use std::time::Duration;

use crate::engine::dispatch::{Eligibility, take_over};
use crate::engine::error::EngineError;
use crate::engine::job::Job;
use crate::engine::job::thaw;
use crate::engine::plan::MessageTemplate;
use crate::engine::stop::Reason;
use crate::model::{AccountEvent, Event, Millis, Notice, StatusSource, TemplateName};
use crate::store::{Orders, Run, Stage, Store, StoreError};

/// How often a job checks for requests.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Follows the requests that exist at the start.
pub(super) fn begin(job: &Job, sends: bool) {
    if job.run.cancelled_at.is_some() {
        job.stop.stop(Reason::Cancelled);
    }
    if job.run.paused_at.is_some() && sends {
        pause(job, true);
    }
}

/// Checks for requests and follows them. Returns only if the store's file is no longer where it was opened.
pub(super) async fn follow(job: &Job, eligibility: &Eligibility, sends: bool) -> EngineError {
    // The job starts with its own rate: the campaign's, or the one on the command line.
    let mut rate = job.run.rate;
    let mut reports = AccountReports::of(job, sends);
    loop {
        if let Err(error) = job.store.is_in_place() {
            return error.into();
        }
        // Another process may have received a pause for the account.
        if let Err(error) = job.keep_pause().await {
            tracing::warn!(%error, "reading the account's pause failed");
        }
        if let Some(reports) = &mut reports
            && let Err(error) = reports.follow(job, eligibility).await
        {
            tracing::warn!(%error, "reading account events failed");
        }
        match job.store.orders(job.run.key).await {
            Ok(Orders { cancelled, paused, rate: ordered }) => {
                if cancelled {
                    job.stop.stop(Reason::Cancelled);
                }
                if sends {
                    pause(job, paused);
                }
                if let Some(new) = ordered.filter(|_| ordered != rate) {
                    rate = ordered;
                    job.limiter.request(new);
                    tracing::info!(run = %job.run.id, requests = new.0, per = ?new.1, "rate changed");
                }
            }
            // The stages meet the same error and report it.
            Err(error) => tracing::warn!(%error, "reading control changes failed"),
        }
        match job.store.halted(job.run.key).await {
            Ok(Some(problem)) if sends => job.stop.stop(Reason::Halt(problem)),
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "reading control changes failed"),
        }
        tokio::time::sleep(CHECK_INTERVAL).await;
    }
}

/// What the provider reports about the account and the run's template while the run is being sent.
struct AccountReports {
    /// The run's template, if all of its messages have the same.
    template: MessageTemplate,
    since: Millis,
    seen: Vec<AccountEvent>,
}

impl AccountReports {
    /// Returns the reports to follow; `None` if nothing is sent or the provider reports nothing.
    fn of(job: &Job, sends: bool) -> Option<Self> {
        let follows = sends && job.campaign.api.statuses() == StatusSource::Pushed;
        // Reports are precise to a second.
        let since = Millis(job.created_at.0.div_euclid(1000) * 1000);
        follows.then(|| Self { template: MessageTemplate::of(&job.campaign), since, seen: Vec::new() })
    }

    /// Shows what is new, and stops the run if its template can no longer be sent. While nothing may be sent anyway,
    /// the state may still change.
    async fn follow(&mut self, job: &Job, eligibility: &Eligibility) -> Result<(), StoreError> {
        let known = job.business_account.get().map(String::as_str).or(job.provider.business_account());
        let is_waiting = eligibility.closed_until(job.clock.now()).is_some() || job.stop.is_paused();
        for event in job.store.account_events(&job.account, known, self.since).await? {
            if self.seen.contains(&event) || !self.concerns_run(&event) {
                continue;
            }
            // Without the account's id, the template may be another account's of the same name.
            let stops = event.stops().filter(|_| self.template.fixed().is_some() && known.is_some());
            match stops {
                Some(_) if is_waiting => continue,
                Some(problem) => job.stop.stop(Reason::Halt(problem)),
                None => (job.events)(Event::Notice(Notice::Account(Box::new(event.clone())))),
            }
            self.seen.push(event);
        }
        Ok(())
    }

    /// Whether an event is about the account, or about a template that the run's messages have or may have.
    fn concerns_run(&self, event: &AccountEvent) -> bool {
        let Some(TemplateName { name, language }) = &event.template else { return true };
        match &self.template {
            MessageTemplate::None => false,
            MessageTemplate::Unknown(_) => true,
            MessageTemplate::Fixed { name: own, language: own_language } => {
                own == name && own_language.eq_ignore_ascii_case(language)
            }
        }
    }
}

fn pause(job: &Job, paused: bool) {
    if !job.stop.pause(paused) {
        return;
    }
    let id = &job.run.id;
    tracing::info!(run = %id, paused, "pause changed");
    let notice = if paused { Notice::Paused } else { Notice::Resumed };
    (job.events)(Event::Notice(notice(id.clone())));
}

/// How a cancelled run stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CancelResult {
    /// No process was working on the run; it has stopped.
    Stopped,
    /// The process working on the run stops it within two seconds.
    Soon,
}

/// Cancels a run for the person `by`: nothing more is sent. If no process works on it, its rows are cancelled at once.
///
/// # Errors
/// When the store fails.
pub async fn cancel(store: &Store, run: &Run, by: &str) -> Result<CancelResult, StoreError> {
    store.cancel(run.key, by, Millis::now()).await?;
    let _lock = match store.lock(&run.id).await {
        Ok(lock) => lock,
        Err(StoreError::Held(_)) => return Ok(CancelResult::Soon),
        Err(error) => return Err(error),
    };
    // After a crash the run may not have been resumed yet; then its rows in doubt are not marked as uncertain.
    let (owner, _) = take_over(store, run, &thaw(run)?, None).await?;
    store.cancel_waiting(owner).await?;
    store.reach(run.key, Stage::Dispatched, Millis::now()).await?;
    if store.next_poll(run.key, Millis(i64::MIN)).await?.is_none() {
        store.reach(run.key, Stage::Finished, Millis::now()).await?;
    }
    Ok(CancelResult::Stopped)
}
