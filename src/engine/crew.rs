//! The crew: tasks that send one request after another and draw the consequences of what comes back.
//!
//! A task of its own for each request took one in twenty of the instructions that a message costs. Whose intent is durable is known
//! before; here a request passes the strict window, when there is a connection for it. Nothing here writes to the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, mpsc};
use tokio::time::Instant;

use super::Job;
use super::gate::Gate;
use super::halt::HaltRule;
use super::places::{Place, Places};
use super::recorder::{Entry, Recorder};
use super::settle::Tried;
use super::sizing::Sizing;
use super::stop::{Reason, Stop};
use crate::crash::Point;
use crate::model::{Millis, Outcome, Problem};
use crate::pace::Turn;

/// The longest pause that a request waits for here. In a longer one its row goes back, so that a crash does not find it in
/// doubt.
const SHORT_PAUSE: Duration = Duration::from_secs(1);

/// A request that may leave.
pub(super) struct Request {
    pub(super) tried: Tried,
    pub(super) turn: Turn,
    pub(super) place: Place,
    /// It may leave before this moment only, if there is one.
    pub(super) before: Option<Millis>,
    /// When it is too late for its row.
    pub(super) late: Millis,
    pub(super) body: Vec<u8>,
}

/// The way to the crew. Without it, its members end with what they are at.
pub(super) struct Crew {
    air: Arc<Air>,
    requests: mpsc::Sender<Request>,
    to_members: Arc<Mutex<mpsc::Receiver<Request>>>,
    members: usize,
}

impl Crew {
    /// Without a member.
    pub(super) fn new(air: Arc<Air>) -> Self {
        // As many as may be in flight fit in, since each has its place: nobody who hands one over waits.
        let (requests, to_members) = mpsc::channel(air.job.concurrency);
        Self { air, requests, to_members: Arc::new(Mutex::new(to_members)), members: 0 }
    }

    /// Has a request sent, at once: there are as many members as there ever were places taken.
    pub(super) async fn send(&mut self, request: Request) {
        while self.members < self.air.places.taken() {
            tokio::spawn(work(self.air.clone(), self.to_members.clone()));
            self.members += 1;
        }
        // Its other end is kept here.
        let _ = self.requests.send(request).await;
    }
}

/// What a member of the crew does: sends request after request, until no more come.
async fn work(air: Arc<Air>, requests: Arc<Mutex<mpsc::Receiver<Request>>>) {
    loop {
        let next = requests.lock().await.recv().await;
        let Some(Request { tried, turn, place, before, late, body }) = next else { return };
        let landing = Landing(Some(air.job.stop.clone()));
        Point::RequestReady.pass();
        let outcome = match air.job.stop.ends_sending() || !air.job.pace.holds(turn) {
            true => Outcome::Unsent,
            false => air.send(turn, before, body).await,
        };
        Point::AnswerRead.pass();
        air.settle(tried, late, outcome).await;
        Point::OutcomeQueued.pass();
        place.leave(air.halt.in_flight().min(air.sizing.in_flight(air.job.pace.rate())));
        landing.done();
    }
}

/// What a request in the air needs when its outcome is known.
pub(super) struct Air {
    pub(super) job: Arc<Job>,
    pub(super) gate: Arc<Gate>,
    pub(super) recorder: Recorder,
    pub(super) places: Arc<Places>,
    halt: HaltRule,
    sizing: Sizing,
    /// Whether all rows are sent with the same template, so that what is wrong with it is wrong for all.
    one_template: bool,
}

impl Air {
    pub(super) fn new(job: &Arc<Job>, gate: &Arc<Gate>, recorder: Recorder) -> Arc<Self> {
        let dispatch = &job.campaign.dispatch;
        let halt = HaltRule::new(dispatch.halt);
        Arc::new(Self {
            job: job.clone(),
            gate: gate.clone(),
            recorder,
            places: Places::new(halt.in_flight(), job.concurrency),
            halt,
            sizing: Sizing::new(dispatch.concurrency.is_some()),
            one_template: names_one_template(&job.campaign.message),
        })
    }

    /// Sends one message, and takes note of how long the answer took, if there was one.
    async fn send(&self, turn: Turn, before: Option<Millis>, body: Vec<u8>) -> Outcome {
        let begun = Instant::now();
        // Microseconds until it left.
        let held_up = AtomicU64::new(0);
        let leave = || async {
            let may_leave = self.leave(turn, before).await;
            held_up.store(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
            may_leave
        };
        let outcome = self.job.send(turn, body, leave).await;
        if !matches!(outcome, Outcome::Unreachable(_) | Outcome::Unsent) {
            self.sizing.took(begun.elapsed().saturating_sub(Duration::from_micros(held_up.into_inner())));
        }
        outcome
    }

    /// Waits until the request with this turn may leave, and tells whether it may: an answer may have stopped the run or
    /// asked for a pause since it was made ready, and now at the latest the row's time must be there.
    async fn leave(&self, turn: Turn, before: Option<Millis>) -> bool {
        let job = &self.job;
        let may_leave = match job.pace.try_depart(turn) {
            Some(may_leave) => may_leave,
            None => tokio::select! {
                biased;
                () = job.stop.sending_ended() => false,
                () = job.pace.paused_beyond(SHORT_PAUSE) => false,
                may_leave = job.pace.depart(turn) => may_leave,
            },
        };
        may_leave && !job.stop.ends_sending() && before.is_none_or(|before| job.clock.now() < before)
    }

    /// Draws the consequences of an outcome: for the pace, for the run, and for the row, which is not tried again after
    /// its last moment.
    pub(super) async fn settle(&self, tried: Tried, late: Millis, outcome: Outcome) {
        let job = &self.job;
        let outcome = match outcome {
            // A row that names a template of its own must not hold up the others.
            Outcome::TemplateRefused(problem) if !self.one_template => Outcome::Refused(problem),
            outcome => outcome,
        };
        match &outcome {
            Outcome::Throttled { problem, wait } => {
                tracing::info!(code = problem.code, ?wait, "throttled");
                job.slow_down(&self.recorder, *wait).await;
            }
            Outcome::Halted(problem) | Outcome::TemplateRefused(problem) => {
                job.stop.stop(Reason::Halt(problem.clone()))
            }
            _ => {}
        }
        let (now, at) = (job.clock.now(), tried.intent.at);
        if let Some(problem) = self.halt.watch(at, now, &outcome) {
            job.stop.stop(Reason::Halt(problem));
        }
        self.gate.count(at, now, &outcome);
        tracing::debug!(
            row = %tried.intent.key.row(), attempt = tried.intent.attempt.0, outcome = outcome.name(),
            code = outcome.problem().map(|problem| problem.code.as_str()), took = ?now.since(at), "attempt",
        );
        match job.rules().settle(tried, outcome, now) {
            // If the recorder is gone the intent stays open, which is what it is: in doubt.
            Ok(mut settled) => {
                settled.due_at = settled.due_at.map(|at| at.min(late));
                drop(self.recorder.record(Entry::Settle(Box::new(settled))).await);
            }
            Err(error) => {
                tracing::error!(row = %tried.intent.key.row(), %error, "an outcome could not be settled");
                job.stop.stop(Reason::Halt(Problem::new("defect", error.to_string())));
            }
        }
    }
}

/// Stops the run where a request ends without its outcome, which only a defect brings about: nobody would ever be
/// told that the row came back.
struct Landing(Option<Stop>);

impl Landing {
    fn done(mut self) {
        self.0 = None;
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if let Some(stop) = &self.0 {
            stop.stop(Reason::Halt(Problem::new("defect", "a request ended without an outcome")));
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
