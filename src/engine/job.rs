//! A job: all that working on one run needs, and what the stages do with it alike.

use std::sync::Arc;
use std::time::Duration;

use crate::engine::clock::Clock;
use crate::engine::dispatch::OutcomeRules;
use crate::engine::error::EngineError;
use crate::engine::stop::StopHandle;
use crate::model::{Campaign, Damage, Event, Events, Millis, Notice, Outcome, Problem};
use crate::provider::{Endpoint, LONGEST_WISH, Provider};
use crate::rate_limit::{Reservation, RetryPolicy, RunLimiter, Slowed};
use crate::render::Renderer;
use crate::store::{AccountPause, Attempt, Run, RunLock, Store};

/// How often a long wait looks at the clock, which may be set or stand still while the machine sleeps.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(60);

/// All that working on one run needs.
pub struct Job {
    /// The store.
    pub store: Store,
    /// The run, planned.
    pub run: Run,
    /// Its campaign, as it was frozen, with whatever the command line changed for this time.
    pub campaign: Campaign,
    /// The campaign's message over the run's columns; not needed where everything was sent.
    pub renderer: Option<Renderer>,
    /// The provider account.
    pub provider: Provider,
    /// Its fingerprint, under which the store keeps what the provider asked of it.
    pub account: String,
    /// The limiter of its account.
    pub limiter: RunLimiter,
    /// When rows that failed are tried again.
    pub retry: RetryPolicy,
    /// Requests in flight at most: what the campaign says and the system allows, or
    /// [`MOST_IN_FLIGHT`](super::MOST_IN_FLIGHT).
    pub concurrency: usize,
    /// Rows claimed for the first time at most, this time.
    pub limit: Option<u64>,
    /// Who watches.
    pub events: Events,
    /// How it is stopped.
    pub stop: StopHandle,
    /// The time that it goes by.
    pub clock: Clock,
    /// Keeps every other process off the run; held by the caller too, whose work goes on after this.
    pub lock: Arc<RunLock>,
}

/// A frozen cell, in place where nothing in it is escaped.
#[derive(serde::Deserialize)]
struct Cell<'a>(#[serde(borrow)] std::borrow::Cow<'a, str>);

impl AsRef<str> for Cell<'_> {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Job {
    /// Work on a planned run, with nobody who watches, no limit, and a stop of its own.
    ///
    /// # Errors
    /// Where the run's message cannot be compiled, or no client be made.
    pub fn new(
        store: &Store,
        run: &Run,
        campaign: &Campaign,
        endpoint: &Endpoint,
        concurrency: usize,
        limiter: RunLimiter,
        lock: &Arc<RunLock>,
    ) -> Result<Self, EngineError> {
        let compiled = || {
            Renderer::compile(&campaign.message, &run.columns).map_err(|problems| {
                let words: Vec<String> = problems.into_iter().map(|problem| problem.message).collect();
                EngineError::Frozen(words.join("; "))
            })
        };
        let renderer = run.dispatched_at.is_none().then(compiled).transpose()?;
        let provider = Provider::new(endpoint, concurrency, campaign.dispatch.timeout).map_err(EngineError::Client)?;
        Ok(Self {
            store: store.clone(),
            run: run.clone(),
            campaign: campaign.clone(),
            renderer,
            provider,
            account: endpoint.fingerprint(),
            limiter,
            retry: RetryPolicy::default(),
            concurrency,
            limit: None,
            events: Arc::new(|_| {}),
            stop: StopHandle::default(),
            clock: Clock::default(),
            lock: lock.clone(),
        })
    }

    pub(super) fn rules(&self) -> OutcomeRules<'_> {
        OutcomeRules { dispatch: &self.campaign.dispatch, reconcile: &self.campaign.reconcile, retry: &self.retry }
    }

    /// Waits for a time that may be far off.
    pub(super) async fn wait_until(&self, at: Millis) {
        while self.clock.now() < at {
            self.clock.idle(at.since(self.clock.now()).min(LOOK_AT_CLOCK)).await;
        }
    }

    /// Slows down as the provider asked for, and notes the pause in the store, if it asked for one.
    pub(super) async fn slow_down(&self, wait: Option<Duration>) {
        let Slowed { rate, pause } = self.limiter.slow_down(wait);
        (self.events)(Event::Slowed { rate, pause });
        if pause.is_zero() {
            return;
        }
        let until = self.clock.now().plus(pause);
        let (account, provider) = (self.account.clone(), self.campaign.provider.clone());
        // This process keeps to it all the same.
        if let Err(error) = self.store.note_pause(&AccountPause { account, provider, until }).await {
            tracing::warn!(%error, "cannot note a pause of the account");
        }
    }

    /// Keeps to the pause that the provider asked of the account, in whichever process. Gives its end where there is
    /// one.
    pub(super) async fn keep_pause(&self) -> Result<Option<Millis>, EngineError> {
        let now = self.clock.now();
        let until = self.store.account_pause(&self.account).await?.filter(|until| *until > now);
        if let Some(until) = until {
            // None asks for more: then the clock was set back.
            self.limiter.pause(until.since(now).min(LONGEST_WISH));
        }
        Ok(until)
    }

    /// Sends one message as soon as `leave` lets it go, and takes note of whether the provider was reached.
    pub(super) async fn send<F: Future<Output = bool>>(
        &self,
        reservation: Reservation,
        body: Vec<u8>,
        leave: impl Fn() -> F,
    ) -> Outcome {
        let outcome = self.provider.send(self.campaign.channel, body, leave).await;
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

    /// The request body of a row, exactly as it was checked at the plan.
    pub(super) fn render(&self, attempt: &Attempt) -> Result<Vec<u8>, EngineError> {
        let failed = |problem| EngineError::Render { row: attempt.claim.key.row(), problem };
        let cells: Vec<Cell<'_>> =
            serde_json::from_str(&attempt.cells).map_err(|error| failed(Damage::Cells(error.to_string()).into()))?;
        let mut body = Vec::with_capacity(512);
        let renderer = self.renderer.as_ref();
        renderer
            .ok_or_else(|| failed(Damage::AllSent.into()))?
            .render(attempt.phone, &cells, &mut body)
            .map_err(|problems| failed(problems.into()))?;
        Ok(body)
    }
}
