//! Reconcile: asks for statuses in packed requests and merges the answers. Works from the store alone, beside dispatch
//! and after it, and after a crash goes on where it was.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;

use super::recorder::{Entry, Gone, Recorder};
use super::stop::Reason;
use super::{EngineError, Job};
use crate::crash::Point;
use crate::model::{Change, DeliveryStatus, Dispatch, Event, Millis, Problem, Reconcile, State, StatusUpdate};
use crate::provider::{MOST_IDS, PollError};
use crate::store::{Awaiting, Polled, RowKey, StoreError};

/// Messages looked at together, and so status requests in flight at most a hundredth of it.
const PAGE: u32 = 800;
/// While messages are being sent, one request in so many is a status request: a hundredth of the rate, and as each asks
/// about a hundred messages, once about each.
const SENDS_A_POLL: u32 = 100;
/// The longest a message that is due waits for others to fill its request.
const LONGEST_LINGER: Duration = Duration::from_secs(10);

/// Polls until no status is awaited. While `sending`, more may come; when it is over and `wait` is false, returns.
pub(super) async fn reconcile(
    job: &Arc<Job>,
    recorder: &Recorder,
    mut sending: watch::Receiver<bool>,
    wait: bool,
) -> Result<(), EngineError> {
    let linger = (job.campaign.reconcile.every / 2).min(LONGEST_LINGER);
    let mut trouble = 0;
    loop {
        let dispatching = *sending.borrow_and_update();
        if job.stop.ends_all() || (!dispatching && !wait) {
            return Ok(());
        }
        let now = Millis::now();
        let mut due = job.store.due_polls(job.run.key, now, PAGE).await?;
        let next = job.store.next_poll(job.run.key, now).await?;
        let go_at = due.first().map(|oldest| oldest.poll_at.plus(linger));
        // Waiting for company makes sense only while there may be some.
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
            asked = ask(job, recorder, due) => asked?,
            // Nobody waits for statuses, so neither for a provider that cannot be reached.
            _ = sending.wait_for(|sending| !sending), if !wait => return Ok(()),
        };
        match asked {
            Asked::Answered => trouble = 0,
            Asked::Gone => return Ok(()),
            Asked::Failed(error) => {
                trouble += 1;
                recover(job, &error, trouble).await;
            }
        }
        if dispatching {
            tokio::select! {
                () = job.stop.all_ended() => {}
                _ = sending.changed() => {}
                () = tokio::time::sleep(breather(&job.campaign.dispatch)) => {}
            }
        }
    }
}

/// The time between two status requests while messages are being sent: they share the account's rate, and the
/// messages go first.
fn breather(dispatch: &Dispatch) -> Duration {
    dispatch.per.mul_f64(f64::from(SENDS_A_POLL) / f64::from(dispatch.rate.get()))
}

/// Asks once about every message whose status is awaited and that was not asked about within `every`; with `due`, only
/// about those whose time to be asked about has come.
pub(super) async fn once(job: &Arc<Job>, recorder: &Recorder, due: bool) -> Result<(), EngineError> {
    let now = Millis::now();
    let before = Millis(now.0 - i64::try_from(job.campaign.reconcile.every.as_millis()).unwrap_or(0));
    let mut after: Option<RowKey> = None;
    let mut trouble = 0;
    while !job.stop.ends_all() {
        let page = match due {
            true => job.store.due_polls(job.run.key, now, PAGE).await?,
            false => job.store.pollable(job.run.key, before, after, PAGE).await?,
        };
        let Some(last) = page.last().map(|message| message.key) else { break };
        match ask(job, recorder, page).await? {
            Asked::Answered => (after, trouble) = (Some(last), 0),
            Asked::Gone => break,
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
    Gone,
    Failed(PollError),
}

/// Asks about these messages in requests packed as full as they can be, several in flight, and waits until the
/// answers are durable.
async fn ask(job: &Arc<Job>, recorder: &Recorder, mut messages: Vec<Awaiting>) -> Result<Asked, EngineError> {
    let mut requests = JoinSet::new();
    while !messages.is_empty() {
        let take = job.provider.fits(messages.iter().map(|message| message.message_id.as_str()));
        let rest = messages.split_off(take);
        let batch = std::mem::replace(&mut messages, rest);
        let (job, recorder) = (job.clone(), recorder.clone());
        requests.spawn(async move { request(&job, &recorder, batch).await });
    }
    let (mut answered, mut failed) = (false, None);
    while let Some(answer) = requests.join_next().await {
        match answer {
            Ok(Ok(Ok(()))) => answered = true,
            Ok(Ok(Err(error))) => failed = Some(error),
            Ok(Err(Failed::Gone)) => return Ok(Asked::Gone),
            Ok(Err(Failed::Store(error))) => return Err(error.into()),
            Err(panic) => return Err(EngineError::Defect(panic.to_string())),
        }
    }
    Ok(match failed {
        // One bad batch among good ones is no trouble with the provider.
        Some(error) if !(answered && matches!(error, PollError::TryAgain(_))) => Asked::Failed(error),
        _ => Asked::Answered,
    })
}

enum Failed {
    Gone,
    Store(StoreError),
}

impl From<Gone> for Failed {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

/// One status request and the merge of its answer.
async fn request(job: &Job, recorder: &Recorder, batch: Vec<Awaiting>) -> Result<Result<(), PollError>, Failed> {
    let turn = async {
        loop {
            let turn = job.pace.turn().await;
            if job.pace.depart(turn).await {
                return turn;
            }
        }
    };
    let turn = tokio::select! {
        biased;
        // The turn may be minutes away, where the provider asked for a pause.
        () = job.stop.all_ended() => return Ok(Ok(())),
        turn = turn => turn,
    };
    let ids: Vec<&str> = batch.iter().map(|message| message.message_id.as_str()).collect();
    // An answer that cannot be had counts as one that mentions none of these: they are asked about again when they
    // are due, until the horizon, and do not hold up others.
    Point::PollReady.pass();
    let answer = job.provider.poll(&ids).await;
    job.note_reach(turn, if let Err(PollError::Unreachable(problem)) = &answer { Some(problem) } else { None });
    let (updates, failed) = match answer {
        Ok(updates) => (updates, None),
        Err(error @ PollError::TryAgain(_)) => (Vec::new(), Some(error)),
        Err(error) => return Ok(Err(error)),
    };
    Point::PollAnswered.pass();
    tracing::debug!(ids = ids.len(), statuses = updates.len(), failed = failed.is_some(), "status request");
    // By id, never by position; ids that the answer does not mention stay as they are.
    let updates: HashMap<&str, &StatusUpdate> =
        updates.iter().map(|update| (update.message_id.as_str(), update)).collect();
    let now = Millis::now();
    let polled = batch
        .iter()
        .map(|message| merge(message, updates.get(message.message_id.as_str()).copied(), now, &job.campaign.reconcile))
        .collect::<Result<Vec<_>, _>>()
        .map_err(Failed::Store)?;
    let (answer, durable) = oneshot::channel();
    recorder.record(Entry::Poll(polled, answer)).await?;
    durable.await.map_err(|_| Failed::Gone)?;
    Ok(failed.map_or(Ok(()), Err))
}

/// What an answer makes of a message: a pure function. Times once known are kept, and nothing moves backwards.
pub(super) fn merge(
    message: &Awaiting,
    update: Option<&StatusUpdate>,
    now: Millis,
    settings: &Reconcile,
) -> Result<Polled, StoreError> {
    let mut polled = Polled {
        key: message.key,
        from: message.state,
        state: message.state,
        provider_status: None,
        delivered_at: message.delivered_at,
        read_at: message.read_at,
        polled_at: now,
        poll_at: None,
        problem: None,
    };
    if let Some(update) = update {
        polled.state = message.state.after(Change::Status(&update.status)).map_err(StoreError::Illegal)?;
        if let DeliveryStatus::Other(word) = &update.status {
            polled.provider_status = Some(word.clone());
        }
        polled.delivered_at = message.delivered_at.or(update.delivered_at);
        polled.read_at = message.read_at.or(update.read_at);
    }
    if polled.state == State::Failed && message.state != State::Failed {
        // A status answer holds no reason; the report still has to say what became of the row.
        polled.problem =
            Some(Problem::new("not_delivered", "the provider reported that it was not delivered, and gave no reason"));
    }
    if polled.state.awaits_status() {
        polled.poll_at = next_poll(message.accepted_at, now, settings);
    }
    Ok(polled)
}

/// When to ask again: after half the message's age, never sooner than `every`, one last time at the horizon.
fn next_poll(accepted_at: Millis, now: Millis, settings: &Reconcile) -> Option<Millis> {
    let horizon = accepted_at.plus(settings.horizon);
    let wait = settings.every.max(now.since(accepted_at) / 2);
    (now < horizon).then(|| now.plus(wait).min(horizon))
}

/// Waits after status requests that failed: asking is harmless, but hammering is not.
async fn recover(job: &Job, error: &PollError, trouble: u32) {
    let (problem, wish) = match error {
        PollError::Halted(problem) => {
            job.stop.stop(Reason::Halt(problem.clone()));
            return;
        }
        // The pace waits already, and the person knows.
        PollError::Unreachable(_) => return,
        PollError::Throttled(problem, wish) => {
            let slowed = job.pace.slow_down(*wish);
            (job.events)(Event::Slowed { rate: slowed.rate, pause: slowed.pause });
            (problem, *wish)
        }
        PollError::TryAgain(problem) => (problem, None),
    };
    let wait = job.retry.wait(trouble, wish);
    if trouble >= 3 {
        let seconds = wait.as_secs().max(1);
        (job.events)(Event::Said(format!("no statuses for now: {problem}; asking again in {seconds} s")));
    }
    tokio::select! {
        () = job.stop.all_ended() => {}
        () = tokio::time::sleep(wait) => {}
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{RowNo, State};

    const SETTINGS: Reconcile = Reconcile {
        after: Duration::from_secs(60),
        every: Duration::from_secs(60),
        horizon: Duration::from_secs(3600),
    };

    fn message(state: State) -> Awaiting {
        Awaiting {
            key: RowKey::new(1, RowNo(1)),
            state,
            message_id: "m".into(),
            accepted_at: Millis(0),
            poll_at: Millis(60_000),
            delivered_at: None,
            read_at: None,
        }
    }

    fn update(status: &str, delivered: Option<i64>, read: Option<i64>) -> StatusUpdate {
        StatusUpdate {
            message_id: "m".into(),
            status: DeliveryStatus::from_word(status),
            delivered_at: delivered.map(Millis),
            read_at: read.map(Millis),
        }
    }

    /// Everything the provider may say of one message over time, however late and however often.
    fn answers() -> impl Strategy<Value = Vec<StatusUpdate>> {
        let delivered = (
            any::<bool>().prop_map(|overwritten| if overwritten { None } else { Some(5_000) }),
            prop::sample::select(vec!["accepted", "parked", "sent", "delivered", "read"]),
        )
            .prop_map(|(overwritten, word)| match word {
                "delivered" => update(word, Some(5_000), None),
                "read" => update(word, overwritten, Some(9_000)),
                word => update(word, None, None),
            });
        let failed = prop::sample::select(vec!["parked", "sent", "failed"]).prop_map(|word| update(word, None, None));
        prop_oneof![prop::collection::vec(delivered, 0..8), prop::collection::vec(failed, 0..8)]
    }

    /// Where a message ends that gets these answers, and every step on the way.
    fn merged<'a>(answers: impl IntoIterator<Item = &'a StatusUpdate>) -> Vec<Awaiting> {
        let mut steps = vec![message(State::Accepted)];
        for (n, answer) in (1..).zip(answers) {
            let before = steps[steps.len() - 1].clone();
            let polled = merge(&before, Some(answer), Millis(60_000 * n), &SETTINGS).unwrap();
            let (state, delivered_at, read_at) = (polled.state, polled.delivered_at, polled.read_at);
            steps.push(Awaiting { state, delivered_at, read_at, ..before });
        }
        steps
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn answers_in_any_order_and_with_repeats_end_in_the_same_row(
            (answers, shuffled) in answers().prop_flat_map(|answers| {
                let twice = answers.iter().chain(&answers).cloned().collect::<Vec<_>>();
                (Just(answers), Just(twice).prop_shuffle())
            }),
        ) {
            prop_assert_eq!(merged(&answers).pop(), merged(&shuffled).pop());
            for pair in merged(&shuffled).windows(2) {
                // What is known stays known, and stays what it was.
                prop_assert!(pair[0].delivered_at.is_none() || pair[0].delivered_at == pair[1].delivered_at);
                prop_assert!(pair[0].read_at.is_none() || pair[0].read_at == pair[1].read_at);
                prop_assert!(!matches!(pair[0].state, State::Read | State::Failed) || pair[0].state == pair[1].state);
            }
        }
    }

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
    fn an_unmentioned_message_stays_and_is_asked_about_again() {
        let polled = merge(&message(State::Sent), None, Millis(60_000), &SETTINGS).unwrap();
        assert_eq!((polled.state, polled.poll_at), (State::Sent, Some(Millis(120_000))));
    }

    #[test]
    fn final_states_are_not_asked_about_again() {
        for (word, state) in [("read", State::Read), ("failed", State::Failed)] {
            let polled = merge(&message(State::Sent), Some(&update(word, None, Some(5))), Millis(60_000), &SETTINGS);
            assert_eq!(polled.map(|p| (p.state, p.poll_at)).unwrap(), (state, None));
        }
    }

    #[test]
    fn a_delivery_time_that_read_overwrote_is_kept() {
        let delivered = Awaiting { delivered_at: Some(Millis(9)), ..message(State::Delivered) };
        let polled = merge(&delivered, Some(&update("read", None, Some(12))), Millis(60_000), &SETTINGS).unwrap();
        assert_eq!((polled.delivered_at, polled.read_at), (Some(Millis(9)), Some(Millis(12))));
    }

    #[test]
    fn an_unknown_word_is_kept_and_moves_nothing() {
        let polled = merge(&message(State::Delivered), Some(&update("parked", None, None)), Millis(1), &SETTINGS);
        let polled = polled.unwrap();
        assert_eq!((polled.state, polled.provider_status.as_deref()), (State::Delivered, Some("parked")));
    }
}
