//! Dispatch: due rows become requests. The one place of concurrency, in three steps that run side by side:
//!
//! ```text
//! feed ──ready rows──> turns ──granted intents──> departures ──requests──> crew ──outcomes──> recorder
//! (store, render)      (place, limiter)           (synced)                (strict window)
//! ```
//!
//! Places in flight are one at first, then few, then all: see `places`.
//!
//! `feed` reads due rows and renders them ahead of their turn. `turns` gives each a place in flight and its turn at the
//! limiter, and asks the recorder for its intent. `departures` hands the request on only when that intent is synced, and
//! one of the `crew` sends it. Nothing here writes to the store or prints.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};

use super::crew::{Air, Crew, Request};
use super::gate::{Gate, Pass};
use super::places::Place;
use super::recorder::{Entry, Gone, Recorder};
use super::settle::Tried;
use super::stop::Reason;
use super::{EngineError, Job, apart, unless_failed};
use crate::crash::Point;
use crate::model::{AttemptNo, Event, Millis, State};
use crate::pace::Turn;
use crate::store::{Aside, Due, Intent, RowKey, Stage};

/// Rendered rows ahead of the limiter: enough that it never waits for the store, few enough to cost nothing.
const AHEAD: usize = 512;
/// Rows in one read of the store.
const PAGE: u32 = 256;
/// Intents asked for together at most.
const GROUP: usize = 256;
/// How often rows that wait for another try are looked for while fresh ones are there.
const LOOK_AGAIN: Duration = Duration::from_millis(200);
/// A wait that a person should know of.
const LONG: Duration = Duration::from_secs(300);

/// The longest wait that is waited for here. A row that is due later leaves dispatch for now: the process need not live
/// for it, since its time stands in the store. Longer than any wait between two tries that comes of ordinary trouble.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(20 * 60);

/// What is left to send when dispatch ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// Nothing.
    Nothing,
    /// Whatever there was when the run was stopped.
    Stopped,
    /// Rows that wait for long, the first of them until then.
    Waits(Millis),
}

/// A row with its request ready to go.
struct Ready {
    key: RowKey,
    attempt: AttemptNo,
    tries: u32,
    put_off: u32,
    doubted: bool,
    again: bool,
    /// It may leave before this moment only, if there is one.
    before: Option<Millis>,
    /// When it is too late for it.
    late: Millis,
    body: Vec<u8>,
}

/// Rows with their turn, and the answer on whether their intents are durable.
type Group = (Vec<(Ready, Intent, Turn, Place)>, oneshot::Receiver<Vec<bool>>);

/// Sends every row of the run that is due or soon will be, until none is left or the run is stopped; returns when
/// nothing is in flight any more.
pub(super) async fn dispatch(
    job: &Arc<Job>,
    gate: &Arc<Gate>,
    recorder: Recorder,
    returned: watch::Receiver<u64>,
) -> Result<Left, EngineError> {
    // Held until nothing is in flight any more.
    let _quota = gate.take_quota(job).await?;
    let air = Air::new(job, gate, recorder);
    // Rows to try again that were read and whose intent is not durable yet: until then a second read would find them
    // a second time.
    let in_hand = Arc::new(AtomicUsize::new(0));
    let (ready, from_feed) = mpsc::channel(AHEAD);
    let (groups, from_turns) = mpsc::channel(job.concurrency.max(16));
    let turns = apart(turns(air.clone(), from_feed, groups, in_hand.clone()));
    let departures = apart(departures(air.clone(), from_turns, in_hand.clone()));
    let (fed, turned, departed) = tokio::join!(
        apart(feed(air.clone(), ready, returned, in_hand)),
        // What they had in their hands would be waited for without an end.
        async { unless_failed(&job.stop, turns.await) },
        async { unless_failed(&job.stop, departures.await) },
    );
    turned.and(departed)?;
    // Every request holds a place until its outcome is in the recorder's queue.
    air.places.all_free().await;
    let left = match fed?? {
        // A pause of the account ends dispatch whatever is left. What is known by now is in the store behind this.
        Left::Waits(at) => {
            let (answer, committed) = oneshot::channel();
            let _ = air.recorder.record(Entry::Aside(Vec::new(), answer)).await;
            let _ = committed.await;
            let last = job.store.last_tried(job.run.key).await?;
            let any = job.store.next_due(job.run.key, None).await?.is_some()
                || !job.store.fresh(job.run.key, last, 1).await?.is_empty();
            if any { Left::Waits(at) } else { Left::Nothing }
        }
        left => left,
    };
    if left == Left::Nothing {
        Point::SendingOver.pass();
        let _ = air.recorder.record(Entry::Reach(Stage::Dispatched)).await;
    }
    Ok(left)
}

/// Reads due rows, renders them, and hands them on.
async fn feed(
    air: Arc<Air>,
    ready: mpsc::Sender<Ready>,
    returned: watch::Receiver<u64>,
    in_hand: Arc<AtomicUsize>,
) -> Result<Left, EngineError> {
    unless_failed(&air.job.stop, feed_all(&air, ready, returned, &in_hand).await)
}

async fn feed_all(
    air: &Air,
    ready: mpsc::Sender<Ready>,
    mut returned: watch::Receiver<u64>,
    in_hand: &AtomicUsize,
) -> Result<Left, EngineError> {
    let (job, gate) = (&*air.job, &*air.gate);
    let run = job.run.key;
    let mut last = job.store.last_tried(run).await?;
    let mut fresh_left = true;
    // Nothing is in flight yet: whatever was handed on before is back.
    let mut handed_on: u64 = *returned.borrow();
    // Rows that may be taken up for the first time this time; those taken up meanwhile get all their tries.
    let begun = job.clock.now();
    let mut allowed = job.limit.unwrap_or(u64::MAX);
    let mut look_again = tokio::time::Instant::now();
    let mut told = None;
    loop {
        if job.stop.ends_sending() {
            return Ok(Left::Stopped);
        }
        if let Some(pause) = job.pace.pause_beyond(LONGEST_WAIT) {
            return Ok(Left::Waits(job.clock.now().plus(pause)));
        }
        let mut page = Vec::new();
        let since = (allowed == 0).then_some(begun);
        let limit = u32::try_from(allowed).unwrap_or(PAGE).min(PAGE);
        let now = job.clock.now();
        let room = gate.room(now, handed_on - *returned.borrow());
        let closed = gate.closed_until(now).or_else(|| gate.next_day(now));
        let open = closed.is_none() && room > 0;
        let limit = u32::try_from(room).unwrap_or(limit).min(limit);
        if open && look_again <= tokio::time::Instant::now() && in_hand.load(Ordering::Acquire) == 0 {
            page = job.store.due_again(run, now, since, limit.max(1)).await?;
            in_hand.store(page.len(), Ordering::Release);
            let old = page.iter().filter(|due| is_old(due, begun)).count();
            allowed = allowed.saturating_sub(old as u64);
            look_again = tokio::time::Instant::now() + LOOK_AGAIN;
        }
        if open && page.is_empty() && fresh_left {
            page = if limit == 0 { Vec::new() } else { job.store.fresh(run, last, limit).await? };
            fresh_left = !page.is_empty();
            allowed -= page.len() as u64;
            last = page.last().map(|due| due.key).or(last);
        }
        if !page.is_empty() {
            handed_on += page.len() as u64;
            let Ok(untouched) = hand_on(air, page, begun, &ready, in_hand).await? else {
                // Stopped, or paused for long. Where that pause is just over, the rest is sent in the next round.
                return Ok(match job.stop.ends_sending() {
                    true => Left::Stopped,
                    false => {
                        Left::Waits(job.clock.now().plus(job.pace.pause_beyond(Duration::ZERO).unwrap_or_default()))
                    }
                });
            };
            allowed = allowed.saturating_add(untouched);
            continue;
        }
        // Nothing to send right now. Either rows are still in flight, or some wait for their time, or all is done.
        let all_back = *returned.borrow_and_update() == handed_on;
        let due = job.store.next_due(run, since).await?;
        let over = open || allowed == 0 || (due.is_none() && job.store.fresh(run, last, 1).await?.is_empty());
        if all_back && due.is_none() && over {
            let more = allowed == 0
                && (job.store.next_due(run, None).await?.is_some() || !job.store.fresh(run, last, 1).await?.is_empty());
            return if more {
                job.stop.stop(Reason::Limit);
                Ok(Left::Stopped)
            } else {
                Ok(Left::Nothing)
            };
        }
        let next = due.max(closed);
        if let Some(at) = next.filter(|at| all_back && at.since(now) > LONGEST_WAIT) {
            return Ok(Left::Waits(at));
        }
        // Rows in hand are due and only wait for their turn; behind a gate they wait for those on their way.
        let soonest = Duration::from_millis(if in_hand.load(Ordering::Acquire) > 0 || !open { 100 } else { 5 });
        let wait = next.map_or(Duration::from_secs(1), |at| at.since(now)).max(soonest);
        if let Some(at) = next.filter(|at| wait > LONG && told != Some(*at)) {
            let why = if gate.holds() { "their time or their next try" } else { "their next try" };
            let at = gate.local(at);
            (job.events)(Event::Said(format!("nothing to send before {at}: all rows left wait for {why}")));
            told = next;
        }
        tokio::select! {
            () = job.stop.sending_ended() => {}
            () = job.pace.paused_beyond(LONGEST_WAIT) => {}
            () = job.clock.idle(wait.min(Duration::from_secs(60))), if all_back => {}
            () = tokio::time::sleep(wait.min(Duration::from_secs(60))), if !all_back => {}
            changed = returned.changed(), if !all_back => if changed.is_err() { return Ok(Left::Stopped) },
        }
        look_again = tokio::time::Instant::now();
    }
}

/// Renders rows and hands them on; those that may not leave now are put aside. Gives back how many of these were not
/// tried since dispatch began.
async fn hand_on(
    air: &Air,
    page: Vec<Due>,
    begun: Millis,
    ready: &mpsc::Sender<Ready>,
    in_hand: &AtomicUsize,
) -> Result<Result<u64, Gone>, EngineError> {
    let (mut asides, mut untouched) = (Vec::new(), 0);
    for due in page {
        let (before, late) = match air.gate.pass(&due, || air.job.clock.now())? {
            Pass::Leave { before, late } => (before, late),
            Pass::Aside(aside) => {
                asides.push(aside);
                untouched += u64::from(is_old(&due, begun));
                continue;
            }
        };
        let body = air.job.render(&due)?;
        let Due { key, attempt, tries, put_off, doubted, again, .. } = due;
        if ready.send(Ready { key, attempt, tries, put_off, doubted, again, before, late, body }).await.is_err() {
            return Ok(Err(Gone));
        }
    }
    if asides.is_empty() {
        return Ok(Ok(0));
    }
    let rows = asides.len();
    let (answer, committed) = oneshot::channel();
    let put = air.recorder.record(Entry::Aside(asides, answer)).await;
    // Before that they would be found a second time.
    let _ = committed.await;
    in_hand.fetch_sub(rows, Ordering::AcqRel);
    Ok(put.map(|()| untouched))
}

/// Whether a row was not taken up since dispatch began.
fn is_old(due: &Due, begun: Millis) -> bool {
    due.tried_at.is_none_or(|at| at < begun)
}

/// Gives rows a place and their turn at the limiter, and asks for their intents: one at a time where the rate is what
/// limits, in groups where turns are there for the taking.
async fn turns(
    air: Arc<Air>,
    mut ready: mpsc::Receiver<Ready>,
    groups: mpsc::Sender<Group>,
    in_hand: Arc<AtomicUsize>,
) {
    let Air { job, recorder, places, .. } = &*air;
    let mut held: Option<Ready> = None;
    loop {
        let wait_for_turn = async {
            let row = match held.take() {
                Some(row) => row,
                None => next_in_time(&air, &mut ready, &in_hand).await?,
            };
            let place = places.take().await;
            let turn = loop {
                job.stop.not_held().await;
                let turn = job.pace.turn().await;
                // It may have been long in coming.
                if !job.stop.is_held() {
                    break turn;
                }
            };
            Some((row, turn, place))
        };
        let first = tokio::select! {
            biased;
            () = job.stop.sending_ended() => None,
            // What it has in hand is read again when the pause is over.
            () = job.pace.paused_beyond(LONGEST_WAIT) => None,
            first = wait_for_turn => first,
        };
        let Some(first) = first else { return };
        // Lets everything that has landed meanwhile come first, so that its places are given out in the same group.
        tokio::task::yield_now().await;
        let mut rows = vec![first];
        while rows.len() < GROUP && !job.stop.is_held() {
            let Some(place) = places.try_take() else { break };
            let Ok(row) = ready.try_recv() else { break };
            if let Some(turn) = job.pace.try_turn() {
                rows.push((row, turn, place));
            } else {
                held = Some(row);
                break;
            }
        }
        let at = job.clock.now();
        let rows: Vec<_> = rows
            .into_iter()
            .map(|(row, turn, place)| {
                let intent = Intent { key: row.key, attempt: row.attempt, at, again: row.again };
                (row, intent, turn, place)
            })
            .collect();
        let intents = rows.iter().map(|(_, intent, ..)| *intent).collect();
        let (answer, granted) = oneshot::channel();
        if recorder.record(Entry::Intend(intents, answer)).await.is_err() || groups.send((rows, granted)).await.is_err()
        {
            return;
        }
        Point::IntentQueued.pass();
    }
}

/// The next row whose time is not over. One that waited here until it was goes back.
async fn next_in_time(air: &Air, ready: &mut mpsc::Receiver<Ready>, in_hand: &AtomicUsize) -> Option<Ready> {
    loop {
        let row = ready.recv().await?;
        let Some(before) = row.before else { return Some(row) };
        let now = air.job.clock.now();
        if now < before {
            return Some(row);
        }
        // It is due at once, and then put aside or ended like any other.
        let aside = Aside { key: row.key, state: State::Pending, due_at: Some(now), problem: None };
        air.recorder.record(Entry::Aside(vec![aside], oneshot::channel().0)).await.ok()?;
        in_hand.fetch_sub(1, Ordering::AcqRel);
    }
}

/// Hands on requests whose intents are synced.
async fn departures(air: Arc<Air>, mut groups: mpsc::Receiver<Group>, in_hand: Arc<AtomicUsize>) {
    let mut crew = Crew::new(air);
    while let Some((rows, granted)) = groups.recv().await {
        // Without an answer the recorder is gone, and none of these may leave.
        let Ok(granted) = granted.await else { continue };
        for ((row, intent, turn, place), granted) in rows.into_iter().zip(granted) {
            if row.again {
                in_hand.fetch_sub(1, Ordering::AcqRel);
            }
            if !granted {
                continue;
            }
            let tried = Tried { intent, tries: row.tries, put_off: row.put_off, doubted: row.doubted };
            let (before, late) = (row.before, row.late);
            crew.send(Request { tried, turn, place, before, late, body: row.body }).await;
        }
    }
}
