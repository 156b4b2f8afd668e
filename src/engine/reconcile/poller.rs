//! Polls: asks for statuses in packed requests and merges the answers. It reads everything from the store, during and
//! after dispatch, so it continues after a crash.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::crash_point::Point;
use crate::engine::dispatch::LONGEST_WAIT;
use crate::engine::error::{EngineError, PANICKED};
use crate::engine::job::Job;
use crate::engine::stop::Reason;
use crate::engine::store_retry::StoreRetry;
use crate::model::{Event, Millis, Notice, Reconcile, StatusSource, StatusUpdate};
use crate::provider::{MOST_IDS, PollError};
use crate::rate_limit::RetryPolicy;
use crate::store::{Awaiting, Polled, RowKey};

/// Messages read at a time. A request holds up to about a hundred, which bounds the requests in flight.
const PAGE: u32 = 800;
/// While messages are being sent, one request in this many is a status request. That is a hundredth of the rate, and
/// since each asks about a hundred messages, every message is asked about once.
const SENDS_PER_POLL: u32 = 100;
/// The longest time a due message waits for others to fill its request.
const MAX_LINGER: Duration = Duration::from_secs(10);

/// Polls until no status is awaited. While `sending`, more messages may come. Returns when sending ends if `wait` is
/// false.
pub(in crate::engine) async fn reconcile(
    job: &Arc<Job>,
    mut sending: watch::Receiver<bool>,
    wait: bool,
) -> Result<(), EngineError> {
    if job.provider.api().statuses() == StatusSource::Pushed {
        // The sender lives as long as dispatch.
        let _ = sending.wait_for(|sending| !sending).await;
        return await_webhooks(job).await;
    }
    let linger = (job.campaign.reconcile.every / 2).min(MAX_LINGER);
    let mut trouble = 0;
    loop {
        let dispatching = *sending.borrow_and_update();
        if job.stop.ends_all() || (!dispatching && !wait) {
            return Ok(());
        }
        let now = Millis::now();
        let mut due = job.store.due_polls(job.run.key, now, PAGE).await?;
        let next = job.store.next_poll(job.run.key, now).await?;
        let go_at = due.first().map(|oldest| oldest.next_poll_at.plus(linger));
        // Waiting for more messages makes sense only while there may be some.
        let alone = !dispatching && next.is_none_or(|next| go_at.is_some_and(|go_at| next > go_at));
        if dispatching {
            due.truncate(MOST_IDS);
        }
        if due.len() >= MOST_IDS {
            due.truncate(due.len() / MOST_IDS * MOST_IDS);
        } else if !(alone || go_at.is_some_and(|go_at| go_at <= now)) {
            due.clear();
        }
        if due.is_empty() {
            if !dispatching && next.is_none() && go_at.is_none() {
                return Ok(());
            }
            let wake = [next, go_at].into_iter().flatten().min().map_or(Duration::from_secs(1), |at| at.since(now));
            tokio::select! {
                () = job.stop.all_ended() => {}
                _ = sending.changed(), if dispatching => {}
                () = tokio::time::sleep(wake.clamp(Duration::from_millis(10), Duration::from_secs(1))) => {}
            }
            continue;
        }
        let asked = tokio::select! {
            asked = ask(job, due) => asked?,
            // No one waits for statuses, so no one waits for an unreachable provider either.
            _ = sending.wait_for(|sending| !sending), if !wait => return Ok(()),
        };
        match asked {
            Asked::Answered => trouble = 0,
            Asked::Failed(error) => {
                trouble += 1;
                recover(job, &error, trouble).await;
            }
        }
        if dispatching {
            tokio::select! {
                () = job.stop.all_ended() => {}
                _ = sending.changed() => {}
                () = tokio::time::sleep(breather(job.limiter.rate())) => {}
            }
        }
    }
}

/// Where only webhooks bring statuses: gives up those that have not come by the horizon.
async fn await_webhooks(job: &Job) -> Result<(), EngineError> {
    Ok(job.store.give_up_statuses(job.run.key, job.campaign.reconcile.horizon, Millis::now()).await?)
}

/// Returns the time between two status requests while messages are being sent: they share the account's rate, and
/// messages come first.
fn breather((rate, per): (NonZeroU32, Duration)) -> Duration {
    per.mul_f64(f64::from(SENDS_PER_POLL) / f64::from(rate.get()))
}

/// Asks once about every message whose status is awaited and that was not asked about within `every`; with `due`, only
/// about due messages.
pub(in crate::engine) async fn once(job: &Arc<Job>, due: bool) -> Result<(), EngineError> {
    if job.provider.api().statuses() == StatusSource::Pushed {
        return await_webhooks(job).await;
    }
    let now = Millis::now();
    let before = now.minus(job.campaign.reconcile.every);
    let mut after: Option<RowKey> = None;
    let mut trouble = 0;
    while !job.stop.ends_all() {
        if let Some(pause) = job.limiter.pause_beyond(LONGEST_WAIT) {
            // A person who asked gets an error; due messages are simply asked about later.
            let until = job.clock.now().plus(pause);
            return if due { Ok(()) } else { Err(EngineError::Paused(until)) };
        }
        let page = match due {
            true => job.store.due_polls(job.run.key, now, PAGE).await?,
            false => job.store.pollable(job.run.key, before, after, PAGE).await?,
        };
        let Some(last) = page.last().map(|message| message.key) else { break };
        match ask(job, page).await? {
            Asked::Answered => (after, trouble) = (Some(last), 0),
            Asked::Failed(error) => {
                trouble += 1;
                if trouble > 5 {
                    return Err(EngineError::Unreachable(match error {
                        PollError::TryAgain(problem)
                        | PollError::Throttled(problem, _)
                        | PollError::Unreachable(problem)
                        | PollError::Halted(problem) => problem,
                    }));
                }
                recover(job, &error, trouble).await;
            }
        }
    }
    Ok(())
}

enum Asked {
    Answered,
    Failed(PollError),
}

/// Asks about these messages in requests packed as full as possible, several in flight, and waits until the answers are
/// durable.
async fn ask(job: &Arc<Job>, mut messages: Vec<Awaiting>) -> Result<Asked, EngineError> {
    let mut requests = JoinSet::new();
    while !messages.is_empty() {
        let take = job.provider.ids_that_fit(messages.iter().map(|message| message.message_id.as_str()));
        let rest = messages.split_off(take);
        let batch = std::mem::replace(&mut messages, rest);
        let job = job.clone();
        requests.spawn(async move { request(&job, batch).await });
    }
    let (mut answered, mut failed) = (false, None);
    while let Some(answer) = requests.join_next().await {
        match answer {
            Ok(Ok(Ok(()))) => answered = true,
            Ok(Ok(Err(error))) => failed = Some(error),
            Ok(Err(error)) => return Err(error),
            Err(_) => return Err(EngineError::Defect(PANICKED.to_owned())),
        }
    }
    Ok(match failed {
        // One bad batch among good ones does not mean that the provider is in trouble.
        Some(error) if !(answered && matches!(error, PollError::TryAgain(_))) => Asked::Failed(error),
        _ => Asked::Answered,
    })
}

/// Makes one status request and merges its answer.
async fn request(job: &Job, batch: Vec<Awaiting>) -> Result<Result<(), PollError>, EngineError> {
    let reservation = async {
        loop {
            let reservation = job.limiter.reserve().await;
            // `patiently` would take a closure, with which this future is not `Send`.
            let mut retry = StoreRetry::new(job);
            while let Err(error) = job.wait_for_slot().await {
                retry.wait_or_fail(error).await?;
            }
            if job.limiter.admit(reservation).await {
                return Ok::<_, EngineError>(reservation);
            }
        }
    };
    let reservation = tokio::select! {
        biased;
        // The reservation may be minutes away if the provider asked for a pause.
        () = job.stop.all_ended() => return Ok(Ok(())),
        reservation = reservation => reservation?,
    };
    let ids: Vec<&str> = batch.iter().map(|message| message.message_id.as_str()).collect();
    // After a failed request, these messages are asked about again later, so that they do not hold up others.
    Point::PollReady.pass();
    let answer = job.provider.poll(&ids).await;
    job.note_reach(reservation, if let Err(PollError::Unreachable(problem)) = &answer { Some(problem) } else { None });
    let (updates, failed) = match answer {
        Ok(updates) => (updates, None),
        Err(error @ PollError::TryAgain(_)) => (Vec::new(), Some(error)),
        Err(error) => return Ok(Err(error)),
    };
    Point::PollAnswered.pass();
    tracing::debug!(ids = ids.len(), statuses = updates.len(), failed = failed.is_some(), "statuses requested");
    // Matched by id, never by position; messages that the answer does not mention stay as they are.
    let mut updates: HashMap<String, StatusUpdate> =
        updates.into_iter().map(|update| (update.message_id.clone(), update)).collect();
    let now = Millis::now();
    let polled: Vec<Polled> = batch
        .iter()
        .map(|message| Polled {
            key: message.key,
            message_id: message.message_id.clone(),
            update: updates.remove(message.message_id.as_str()),
            polled_at: now,
            next_poll_at: match failed {
                None => next_poll(message.accepted_at, now, &job.campaign.reconcile),
                Some(_) => next_poll_after_failure(message.accepted_at, now, &job.campaign.reconcile),
            },
        })
        .collect();
    let mut retry = StoreRetry::new(job);
    while let Err(error) = job.store.record_polls(job.run.key, &polled).await {
        retry.wait_or_fail(error).await?;
    }
    Ok(failed.map_or(Ok(()), Err))
}

/// Returns when to ask again if a status is still awaited: after half the message's age, at least `every`, and a last
/// time at the horizon.
fn next_poll(accepted_at: Millis, now: Millis, settings: &Reconcile) -> Option<Millis> {
    let horizon = accepted_at.plus(settings.horizon);
    let wait = settings.every.max(now.since(accepted_at) / 2);
    (now < horizon).then(|| now.plus(wait).min(horizon))
}

/// Returns when to ask again after a failed request: sooner, and also for a while after the horizon.
fn next_poll_after_failure(accepted_at: Millis, now: Millis, settings: &Reconcile) -> Option<Millis> {
    let horizon = accepted_at.plus(settings.horizon);
    let next = now.plus(settings.every.max(now.since(accepted_at) / 16));
    match now < horizon {
        true => Some(next.min(horizon)),
        false => Some(next).filter(|next| *next <= horizon.plus((settings.horizon / 8).max(settings.every * 3))),
    }
}

/// Waits after failed status requests, so as not to hammer the provider.
async fn recover(job: &Job, error: &PollError, trouble: u32) {
    let problem = match error {
        PollError::Halted(problem) => {
            job.stop.stop(Reason::Halt(problem.clone()));
            return;
        }
        // The limiter already waits, and the screen says so.
        PollError::Unreachable(_) => return,
        PollError::Throttled(problem, wish) => {
            job.slow_down(*wish).await;
            if job.limiter.pause_beyond(LONGEST_WAIT).is_some() {
                return;
            }
            problem
        }
        PollError::TryAgain(problem) => problem,
    };
    let wait = RetryPolicy::default().wait(trouble, None);
    if trouble >= 3 {
        let retry_s = wait.as_secs().max(1);
        (job.events)(Event::Notice(Notice::NoStatuses { problem: problem.to_string(), retry_s }));
    }
    tokio::select! {
        () = job.stop.all_ended() => {}
        () = tokio::time::sleep(wait) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: Reconcile = Reconcile {
        after: Duration::from_secs(60),
        every: Duration::from_secs(60),
        horizon: Duration::from_secs(3600),
    };

    #[test]
    fn polls_grow_rarer_with_age_and_end_at_the_horizon() {
        let mut now = Millis(60_000);
        let mut ages = vec![60];
        while let Some(next) = next_poll(Millis(0), now, &SETTINGS) {
            now = next;
            ages.push(now.0 / 1000);
        }
        assert_eq!(ages, [60, 120, 180, 270, 405, 607, 911, 1366, 2050, 3075, 3600]);
    }

    #[test]
    fn a_failed_request_is_repeated_sooner_and_for_a_while_after_the_horizon() {
        let mut now = Millis(2_050_000);
        let mut ages = Vec::new();
        while let Some(next) = next_poll_after_failure(Millis(0), now, &SETTINGS) {
            now = next;
            ages.push(now.0 / 1000);
        }
        assert_eq!(ages[..2], [2178, 2314]);
        assert_eq!(ages[ages.len() - 3..], [3537, 3600, 3825]);
    }
}
