//! A job: what a process needs to work on one run, the campaign stored with it, and the helpers that all stages share.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::campaign_file::{self, ThawError};
use crate::engine::clock::Clock;
use crate::engine::error::EngineError;
use crate::engine::stop::StopHandle;
use crate::message::translate;
use crate::model::{Campaign, Damage, Event, Events, Millis, Notice, Outcome, Problem, Reference};
use crate::provider::{Endpoint, LONGEST_WISH, Provider};
use crate::rate_limit::{Reservation, RunLimiter, Slowed};
use crate::render::Renderer;
use crate::store::{AccountPause, Attempt, PollSlot, Run, RunLock, Store, StoreError};

/// How often a long wait checks the clock, which may be set or stand still while the machine sleeps.
const CLOCK_CHECK_INTERVAL: Duration = Duration::from_secs(60);

/// Everything needed to work on one run.
pub struct Job {
    /// The store.
    pub store: Store,
    /// The run, planned.
    pub run: Run,
    /// Its stored campaign, with the command line's changes for this process.
    pub campaign: Campaign,
    /// The campaign's message over the run's columns; not needed once everything was sent.
    pub renderer: Option<Renderer>,
    /// When it was created. What the provider has reported about the account since then counts; what was before shows
    /// when the account is checked.
    pub created_at: Millis,
    /// The provider's id of the business account, once the account was checked.
    pub business_account: OnceLock<String>,
    /// The provider account.
    pub provider: Provider,
    /// The account's fingerprint, under which the store keeps the pauses that the provider asked for.
    pub account: String,
    /// The limiter of its account.
    pub limiter: RunLimiter,
    /// Maximum number of requests in flight: as the campaign says and the system allows, or
    /// [`MOST_IN_FLIGHT`](super::MOST_IN_FLIGHT).
    pub concurrency: usize,
    /// Maximum number of rows that this job claims for the first time.
    pub limit: Option<u64>,
    /// Where events go.
    pub events: Events,
    /// Stops the job.
    pub stop: StopHandle,
    /// The clock that dispatch uses.
    pub clock: Clock,
    /// Keeps every other process off the run. The caller holds it too, because its work outlasts the job.
    pub lock: Arc<RunLock>,
}

/// A stored cell; borrowed unless it contains escapes.
#[derive(serde::Deserialize)]
struct Cell<'a>(#[serde(borrow)] std::borrow::Cow<'a, str>);

impl AsRef<str> for Cell<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Job {
    /// Creates a job for a planned run, without a listener or a limit, and with its own stop handle.
    ///
    /// # Errors
    /// When the run's message cannot be compiled, or the provider's client cannot be created.
    pub fn new(
        store: &Store,
        run: &Run,
        campaign: &Campaign,
        endpoint: &Endpoint,
        concurrency: usize,
        limiter: RunLimiter,
        lock: &Arc<RunLock>,
    ) -> Result<Self, EngineError> {
        if endpoint.api() != campaign.api {
            let (planned, found) = (campaign.api.title(), endpoint.api().title());
            return Err(EngineError::OtherApi { planned, found });
        }
        let renderer = run.dispatched_at.is_none().then(|| renderer(run, campaign)).transpose()?;
        let provider = Provider::new(endpoint, concurrency, campaign.dispatch.timeout).map_err(EngineError::Client)?;
        Ok(Self {
            store: store.clone(),
            run: run.clone(),
            campaign: campaign.clone(),
            renderer,
            created_at: Millis::now(),
            business_account: OnceLock::new(),
            provider,
            account: endpoint.fingerprint(),
            limiter,
            concurrency,
            limit: None,
            events: Arc::new(|_| {}),
            stop: StopHandle::default(),
            clock: Clock::default(),
            lock: lock.clone(),
        })
    }

    /// Waits until `at`, which may be far off.
    pub(super) async fn wait_until(&self, at: Millis) {
        while self.clock.now() < at {
            self.clock.idle(at.since(self.clock.now()).min(CLOCK_CHECK_INTERVAL)).await;
        }
    }

    /// Slows down as the provider asked, and saves the pause in the store if it asked for one.
    pub(super) async fn slow_down(&self, wait: Option<Duration>) {
        let Slowed { rate, pause } = self.limiter.slow_down(wait);
        (self.events)(Event::Slowed { rate, pause });
        if let Err(error) = self.store.slow_down(&self.account).await {
            tracing::warn!(%error, "slowing the account down for other processes failed");
        }
        if pause.is_zero() {
            return;
        }
        let until = self.clock.now().plus(pause);
        let (account, provider) = (self.account.clone(), self.campaign.provider.clone());
        // This process honours the pause even if it cannot be saved.
        if let Err(error) = self.store.note_pause(&AccountPause { account, provider, until }).await {
            tracing::warn!(%error, "saving the account's pause failed");
        }
    }

    /// Waits until a request that is not a message may leave, as far as the rate is concerned that all processes of a
    /// server share.
    pub(super) async fn wait_for_slot(&self) -> Result<(), StoreError> {
        loop {
            match self.store.take_slot(&self.account, self.limiter.rate()).await? {
                Some(PollSlot::Taken(at)) => {
                    tokio::time::sleep_until(at).await;
                    return Ok(());
                }
                Some(PollSlot::AskAgain(at)) => tokio::time::sleep_until(at).await,
                None => return Ok(()),
            }
        }
    }

    /// Honours the pause that the provider asked of the account, in any process. Returns its end, if there is one.
    pub(super) async fn keep_pause(&self) -> Result<Option<Millis>, EngineError> {
        let now = self.clock.now();
        let until = self.store.account_pause(&self.account).await?.filter(|until| *until > now);
        if let Some(until) = until {
            // The provider never asks for more. A longer pause means that the clock was set back.
            self.limiter.pause(until.since(now).min(LONGEST_WISH));
        }
        Ok(until)
    }

    /// Sends one message as soon as `leave` allows it, and records whether the provider was reached.
    pub(super) async fn send<F: Future<Output = bool>>(
        &self,
        reservation: Reservation,
        body: Vec<u8>,
        reference: Option<&Reference>,
        leave: impl Fn() -> F,
    ) -> Outcome {
        let outcome = self.provider.send(self.campaign.channel, body, reference, leave).await;
        if matches!(outcome, Outcome::Unsent) {
            return outcome;
        }
        self.note_reach(reservation, if let Outcome::Unreachable(problem) = &outcome { Some(problem) } else { None });
        outcome
    }

    /// Reports to the limiter whether a request reached the provider, and to the screen if that changed.
    pub(super) fn note_reach(&self, reservation: Reservation, failed: Option<&Problem>) {
        let news = match failed {
            None => self.limiter.reached(reservation).then_some(Notice::ReachableAgain),
            Some(problem) => self
                .limiter
                .unreachable(reservation)
                .map(|pause| Notice::Unreachable { problem: problem.message().to_string(), retry_s: pause.as_secs() }),
        };
        if let Some(news) = news {
            tracing::warn!(%news);
            (self.events)(Event::Notice(news));
        }
    }

    /// Renders the request body of a row, exactly as the plan checked it.
    pub(super) fn render(&self, attempt: &Attempt) -> Result<Vec<u8>, EngineError> {
        let row = attempt.claim.key.row();
        let failed = |problem| EngineError::Render { row, problem };
        let cells: Vec<Cell<'_>> =
            serde_json::from_str(&attempt.cells).map_err(|error| failed(Damage::Cells(error.to_string()).into()))?;
        let mut body = Vec::with_capacity(512);
        let renderer = self.renderer.as_ref();
        renderer
            .ok_or_else(|| {
                EngineError::Defect(format!("the run has already sent all its rows, so row {row} cannot be sent"))
            })?
            .render(attempt.phone, &cells, &mut body)
            .map_err(|problems| failed(problems.into()))?;
        Ok(body)
    }
}

/// Compiles the message of a run.
///
/// # Errors
/// When it cannot be compiled.
pub fn renderer(run: &Run, campaign: &Campaign) -> Result<Renderer, EngineError> {
    let message = translate(campaign.api, campaign.channel, &campaign.message);
    Renderer::compile(campaign.api, &message, &run.columns).map_err(|problems| {
        let words: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
        EngineError::Frozen(words.join("; "))
    })
}

/// Returns the campaign stored with a run, at the rate that a person set since, if any.
///
/// # Errors
/// When it cannot be read.
pub fn thaw(run: &Run) -> Result<Campaign, StoreError> {
    let mut campaign = campaign_file::thaw(&run.campaign).map_err(|error| match error {
        ThawError::Version(_) => StoreError::NewerRun { run: run.id.clone(), why: error.to_string() },
        ThawError::Damaged(_) | ThawError::Value(_) => {
            StoreError::Damaged(format!("the campaign stored with {} {error}", run.id))
        }
    })?;
    if let Some((rate, per)) = run.rate {
        (campaign.dispatch.rate, campaign.dispatch.per) = (rate, per);
    }
    Ok(campaign)
}
