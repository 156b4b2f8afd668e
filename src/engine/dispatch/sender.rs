//! Senders: one task per request, from the claimed row to its outcome. They write nothing to the store except a pause
//! that the provider asks for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use super::apply_outcome::{OutcomeRules, released};
use super::concurrency::AutoConcurrency;
use super::eligibility::{Eligibility, Eligible};
use super::halt::HaltMonitor;
use crate::crash_point::Point;
use crate::engine::error::EngineError;
use crate::engine::job::Job;
use crate::engine::stop::Reason;
use crate::model::{Millis, Outcome, Problem, ReferenceKey};
use crate::rate_limit::{LONGEST_ADMISSION, Reservation};
use crate::store::{Attempt, Claim, Deferral, History, Owner, SendSlot, Settlement, StoreError};

/// How long a row in doubt waits for webhooks before the next check.
const WEBHOOK_CHECK: Duration = Duration::from_secs(3600);

/// What a sender reports: the settlement of its claim, and an error, if any; `None` if it panicked, so that it is
/// unknown whether its request was sent.
pub(super) type Ended = Option<(Settlement, Option<EngineError>)>;

/// When a request may leave.
#[derive(Clone, Copy)]
pub(super) struct Departure {
    /// Of this process's limiter.
    pub(super) reservation: Reservation,
    /// Of the rate that all processes of a server share.
    pub(super) slot: Option<SendSlot>,
}

/// What every attempt needs.
pub(super) struct DispatchContext {
    pub(super) job: Arc<Job>,
    pub(super) eligibility: Arc<Eligibility>,
    halt: HaltMonitor,
    concurrency: AutoConcurrency,
    /// Whether all rows use the same template, so that a problem with it concerns all of them.
    one_template: bool,
    /// Signs the references of attempts, if the provider returns them.
    reference_key: Option<ReferenceKey>,
}

impl DispatchContext {
    /// Returns what every attempt of `owner` needs.
    pub(super) async fn new(
        job: &Arc<Job>,
        eligibility: &Arc<Eligibility>,
        owner: Owner,
    ) -> Result<Arc<Self>, StoreError> {
        let dispatch = &job.campaign.dispatch;
        let reference_key = match job.provider.api().returns_reference() {
            true => Some(job.store.reference_key(owner.worker).await?),
            false => None,
        };
        Ok(Arc::new(Self {
            job: job.clone(),
            eligibility: eligibility.clone(),
            halt: HaltMonitor::new(dispatch.halt),
            concurrency: AutoConcurrency::new(dispatch.concurrency.is_some()),
            one_template: names_one_template(&job.campaign.message),
            reference_key,
        }))
    }

    /// Returns how many requests may be in flight. The first answer shows whether the provider knows the account and
    /// accepts the message, and what was sent before it cannot be undone.
    pub(super) fn limit(&self) -> usize {
        let of_use = self.concurrency.in_flight(self.job.limiter.rate());
        self.job.concurrency.min(self.halt.in_flight()).min(of_use)
    }

    /// Sends a claimed row and returns its settlement.
    async fn attempt(&self, attempt: Attempt, departure: Departure) -> Result<Settlement, EngineError> {
        let claim = attempt.claim;
        let (send_before, expires_at) = match self.eligibility.of_row(&attempt, || self.job.clock.now())? {
            Eligible::Now { send_before, expires_at } => (send_before, expires_at),
            // Its time ran out between its claim and now.
            Eligible::Deferred(deferral) => return Ok(self.deferred(claim, deferral)),
        };
        if let Some(at) = self.waits_for_webhooks(&claim).await? {
            return Ok(released(claim, at.min(expires_at), self.job.clock.now()));
        }
        let body = self.job.render(&attempt)?;
        Point::RequestReady.pass();
        let outcome = match self.job.stop.ends_sending() || !self.job.limiter.is_valid(departure.reservation) {
            true => Outcome::Unsent,
            false => self.send(claim, departure, send_before, body).await,
        };
        Point::AnswerRead.pass();
        let mut settlement = self.settle(claim, outcome).await?;
        settlement.next_attempt_at = settlement.next_attempt_at.map(|at| at.min(expires_at));
        Ok(settlement)
    }

    /// Returns until when a row in doubt waits because no webhook could have reported its outcome. A row that a person
    /// requeued does not wait.
    async fn waits_for_webhooks(&self, claim: &Claim) -> Result<Option<Millis>, EngineError> {
        let job = &self.job;
        let History { in_doubt, charged_attempts, .. } = claim.history;
        if !in_doubt || charged_attempts == 0 || self.reference_key.is_none() {
            return Ok(None);
        }
        let now = job.clock.now();
        let arrived = job.store.last_webhook(&job.account).await?;
        let is_recent = arrived.is_some_and(|at| now.since(at) < job.campaign.dispatch.resend_after);
        Ok((!is_recent).then(|| now.plus(WEBHOOK_CHECK)))
    }

    fn deferred(&self, claim: Claim, deferral: Deferral) -> Settlement {
        let Deferral { state, next_attempt_at, cause, .. } = deferral;
        let now = self.job.clock.now();
        Settlement { state, next_attempt_at, problem: cause.map(Problem::from), ..released(claim, now, now) }
    }

    /// Sends one message, and records how long the answer took, if there was one.
    async fn send(&self, claim: Claim, departure: Departure, send_before: Option<Millis>, body: Vec<u8>) -> Outcome {
        let reference =
            self.reference_key.as_ref().map(|key| key.sign(self.job.run.key, claim.key.row(), claim.number));
        let begun = Instant::now();
        // Microseconds until the request left.
        let held_up = AtomicU64::new(0);
        let leave = || async {
            let may_leave = self.leave(departure, send_before).await;
            held_up.store(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
            may_leave
        };
        let outcome = self.job.send(departure.reservation, body, reference.as_ref(), leave).await;
        if !matches!(outcome, Outcome::Unreachable(_) | Outcome::Unsent) {
            self.concurrency.took(begun.elapsed().saturating_sub(Duration::from_micros(held_up.into_inner())));
        }
        outcome
    }

    /// Waits until a request may leave, and returns whether it may. Since it was prepared, an answer may have stopped
    /// the run or asked for a pause, a person may have paused it or lowered its rate, the row's time may have ended, or
    /// another process may have taken the run over. What cannot leave soon is released, so that a crash does not leave
    /// it in doubt.
    async fn leave(&self, Departure { reservation, slot }: Departure, send_before: Option<Millis>) -> bool {
        let job = &self.job;
        let admitted = async {
            if let Some(slot) = slot {
                tokio::time::sleep_until(slot.at).await;
            }
            tokio::time::timeout(LONGEST_ADMISSION, job.limiter.admit(reservation)).await.unwrap_or(false)
        };
        // Most requests need not wait.
        let at_once = if slot.is_none() { job.limiter.try_admit(reservation) } else { None };
        let may_leave = match at_once {
            Some(may_leave) => may_leave && !job.stop.is_paused(),
            None => tokio::select! {
                biased;
                () = job.stop.sending_ended() => false,
                () = job.stop.until_paused() => false,
                () = job.limiter.paused_beyond(LONGEST_ADMISSION) => false,
                may_leave = admitted => may_leave,
            },
        };
        let is_in_time = send_before.is_none_or(|before| job.clock.now() < before);
        let is_in_slot = slot.is_none_or(|slot| Instant::now() < slot.until);
        may_leave && !job.stop.ends_sending() && is_in_time && is_in_slot && job.lock.is_valid()
    }

    /// Applies an outcome to the rate, the run and the row.
    async fn settle(&self, claim: Claim, outcome: Outcome) -> Result<Settlement, StoreError> {
        let job = &self.job;
        let outcome = match outcome {
            // A row that names its own template must not hold up the others.
            Outcome::TemplateRefused(problem) if !self.one_template => Outcome::Refused(problem),
            outcome => outcome,
        };
        match &outcome {
            Outcome::Throttled { problem, wait } => {
                tracing::info!(code = problem.code, ?wait, "throttled");
                job.slow_down(*wait).await;
            }
            Outcome::Halted(problem) | Outcome::TemplateRefused(problem) => {
                job.stop.stop(Reason::Halt(problem.clone()))
            }
            _ => {}
        }
        let (now, at) = (job.clock.now(), claim.started_at);
        if let Some(problem) = self.halt.watch(at, now, &outcome) {
            job.stop.stop(Reason::Halt(problem));
        }
        self.eligibility.count(at, now, &outcome);
        tracing::debug!(
            row = %claim.key.row(), attempt = claim.attempt().0, outcome = outcome.name(),
            code = outcome.problem().map(|problem| problem.code.as_str()), took = ?now.since(at), "attempt",
        );
        OutcomeRules::of(&job.campaign).apply(claim, outcome, now)
    }
}

/// Sends a claimed row and reports to the dispatcher in any case.
pub(super) async fn send(
    context: Arc<DispatchContext>,
    attempt: Attempt,
    departure: Departure,
    ended: mpsc::Sender<Ended>,
) {
    let claim = attempt.claim;
    let guard = PanicGuard(Some(&ended));
    let done = match context.attempt(attempt, departure).await {
        Ok(settlement) => (settlement, None),
        // No request was made: the row waits, and the run stops.
        Err(error) => {
            let now = context.job.clock.now();
            (released(claim, now, now), Some(error))
        }
    };
    Point::OutcomeQueued.pass();
    // If the dispatcher is gone, the claim stays open, which is correct: the row is in doubt.
    let _ = ended.send(Some(done)).await;
    guard.disarm();
}

/// Reports a panic to the dispatcher, which would otherwise wait for the row forever.
struct PanicGuard<'e>(Option<&'e mpsc::Sender<Ended>>);

impl PanicGuard<'_> {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for PanicGuard<'_> {
    fn drop(&mut self) {
        if let Some(ended) = self.0 {
            // There is room for one report of each request in flight.
            let _ = ended.try_send(None);
        }
    }
}

/// Whether the template's name and language in a campaign's message are the same for all rows.
fn names_one_template(message: &serde_json::Value) -> bool {
    let template = message.get("template");
    ["name", "language"].into_iter().filter_map(|key| template?.get(key)).all(|value| {
        let text = value.to_string();
        !text.contains("{{") && !text.contains("{%")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns how many bytes a future of this function takes.
    fn size<F: Future>(_: fn(Arc<DispatchContext>, Attempt, Departure, mpsc::Sender<Ended>) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn the_task_of_a_message_is_small() {
        // It is copied several times per message. The future that opens a connection to a server takes 7 KB alone.
        assert!(size(send) <= 4 * 1024, "{} bytes", size(send));
    }
}
