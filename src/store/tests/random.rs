//! Anything in any order: workers that die and report late, batches that come twice, people who decide, statuses that
//! come early. The provider's own record decides what is right.

use std::collections::{BTreeMap, HashMap};
use std::io::Write as _;

use super::*;
use crate::model::{DeliveryStatus, Millis, RowCause, RowNumber, State, StatusUpdate};

contract!(nobody_is_messaged_twice_unasked_whatever_happens_in_whatever_order);

const ROWS: u64 = 6;
const STEPS: u32 = 100;

/// The result of a request.
#[derive(Clone, Debug)]
enum Fate {
    NeverLeft,
    Accepted(String),
    Refused,
    Busy,
    /// Its answer is lost. It was accepted if there is an id.
    Lost(Option<String>),
}

/// A claim whose worker has not reported its outcome.
struct Flight {
    worker: usize,
    claim: Claim,
    fate: Fate,
}

/// What is known about a row outside the store.
#[derive(Default)]
struct Known {
    /// Messages that the provider accepted.
    accepted: Vec<String>,
    /// Those of them that were recorded in the store.
    reported: Vec<String>,
    /// How often the campaign or a person had it sent although it may have been accepted.
    asked: usize,
}

struct World {
    rng: fastrand::Rng,
    /// Whether the campaign resends rows in doubt.
    resends: bool,
    /// The last of them owns the run.
    workers: Vec<Worker>,
    flights: Vec<Flight>,
    rows: BTreeMap<u64, Known>,
    /// The statuses reported for each message.
    statuses: HashMap<String, Vec<DeliveryStatus>>,
    /// Batches that may be repeated.
    batches: Vec<(usize, Vec<Settlement>)>,
    suppressed: Vec<u64>,
    now: Millis,
    messages: u32,
}

impl World {
    fn owner(&self) -> &Worker {
        self.workers.last().unwrap()
    }

    fn known(&mut self, key: RowKey) -> &mut Known {
        self.rows.entry(key.row().0).or_default()
    }

    /// Whether the provider reported that a message failed, and not that it was delivered.
    fn has_failed(&self, message: &str) -> bool {
        let reported = self.statuses.get(message).map_or(&[][..], Vec::as_slice);
        reported.contains(&DeliveryStatus::Failed)
            && !reported.iter().any(|status| matches!(status, DeliveryStatus::Delivered | DeliveryStatus::Read))
    }

    async fn claim(&mut self) {
        let want = self.rng.u32(1..4);
        let step = Step { want, now: self.now, ..Step::default() };
        for attempt in self.owner().clone().step(step).await.attempts {
            let claim = attempt.claim;
            assert!(
                self.flights.iter().all(|flight| (flight.claim.key, flight.claim.number) != (claim.key, claim.number))
            );
            assert!(
                !self.suppressed.contains(&claim.key.row().0),
                "{claim:?} is sent, though its number is suppressed"
            );
            let reported = self.known(claim.key).reported.clone();
            let still_there: Vec<_> = reported.iter().filter(|message| !self.has_failed(message)).collect();
            assert!(still_there.is_empty(), "{claim:?} is sent, though {still_there:?} is known to be accepted");
            self.messages += 1;
            let id = format!("m{}", self.messages);
            let fate = match self.rng.u32(0..10) {
                0 => Fate::NeverLeft,
                1 => Fate::Refused,
                2 => Fate::Busy,
                3 => Fate::Lost(None),
                4 => Fate::Lost(Some(id)),
                _ => Fate::Accepted(id),
            };
            if let Fate::Accepted(id) | Fate::Lost(Some(id)) = &fate {
                let known = self.known(claim.key);
                known.accepted.push(id.clone());
                assert!(known.accepted.len() <= 1 + known.asked, "{claim:?} is sent unasked, and accepted again");
            }
            self.flights.push(Flight { worker: self.workers.len() - 1, claim, fate });
        }
    }

    /// One of the workers, most often the owner, reports some of its outcomes.
    async fn settle(&mut self) {
        let last = self.workers.len() - 1;
        let worker = if self.rng.bool() { last } else { self.rng.usize(..=last) };
        let mut batch = Vec::new();
        let flights = std::mem::take(&mut self.flights);
        let is_reported = |flight: &Flight| flight.worker == worker && self.rng.u32(..3) > 0;
        let (reported, flights): (Vec<_>, Vec<_>) = flights.into_iter().partition(is_reported);
        for flight in reported {
            let claim = &flight.claim;
            batch.push(match &flight.fate {
                Fate::NeverLeft => released(claim, self.now),
                Fate::Accepted(id) => {
                    self.known(claim.key).reported.push(id.clone());
                    accepted(claim, id)
                }
                Fate::Refused => rejected(claim),
                Fate::Busy => again(claim, self.now),
                Fate::Lost(_) if self.resends => {
                    self.known(claim.key).asked += 1;
                    Settlement { state: State::Pending, next_attempt_at: Some(self.now), ..doubted(claim) }
                }
                Fate::Lost(_) => doubted(claim),
            });
        }
        self.flights = flights;
        self.hand_in(worker, batch).await;
    }

    async fn hand_in(&mut self, worker: usize, batch: Vec<Settlement>) {
        match worker + 1 == self.workers.len() {
            true => drop(self.owner().settle(batch.clone()).await),
            false => self.workers[worker].settle_late(batch.clone()).await,
        }
        self.batches.push((worker, batch));
    }

    async fn repeat(&mut self) {
        if self.batches.is_empty() {
            return;
        }
        let before = self.owner().all().await;
        let (worker, batch) = self.batches[self.rng.usize(..self.batches.len())].clone();
        self.hand_in(worker, batch).await;
        assert!(self.owner().all().await == before, "a batch that came once more changed something");
    }

    async fn take_over(&mut self) {
        let next = self.owner().next().await;
        self.workers.push(next.clone());
        let left = next.store.claims(next.owner, false).await.unwrap();
        // It may die before it writes that, too.
        if self.rng.u32(..4) == 0 {
            return;
        }
        // Meanwhile, another outcome may arrive.
        if self.rng.bool() {
            self.settle().await;
        }
        let batch: Vec<_> = match self.resends {
            true => left.iter().map(|claim| interrupted_and_resent(claim, self.now)).collect(),
            false => left.iter().map(interrupted).collect(),
        };
        if self.resends {
            left.iter().for_each(|claim| self.known(claim.key).asked += 1);
        }
        self.hand_in(self.workers.len() - 1, batch).await;
    }

    async fn requeue(&mut self) {
        let all = [State::Rejected, State::Exhausted, State::Uncertain, State::Failed];
        let states: Vec<State> = all.into_iter().filter(|_| self.rng.u32(..3) == 0).collect();
        let w = self.owner().clone();
        for row in w.all().await.iter().filter(|row| states.contains(&row.state)) {
            self.known(w.key(row.row.0)).asked += 1;
        }
        w.store.requeue(w.owner, &w.now().await, &RequeueFilter::in_states(&states), true, self.now).await.unwrap();
    }

    async fn resolve(&mut self) {
        let w = self.owner().clone();
        let verdict = if self.rng.bool() { Verdict::Sent } else { Verdict::NotSent };
        let which = Which::Row(RowNumber(self.rng.u64(1..=ROWS)));
        w.store.resolve_uncertain(w.owner, which, verdict, "Ana", self.now).await.unwrap();
    }

    /// The provider reports a status of a message that it accepted, whether the store knows it or not.
    async fn report(&mut self) {
        let messages: Vec<_> = self.rows.values().flat_map(|known| known.accepted.clone()).collect();
        if messages.is_empty() {
            return;
        }
        let message_id = messages[self.rng.usize(..messages.len())].clone();
        let word = ["sent", "delivered", "read", "failed", "failed", "failed"][self.rng.usize(..6)];
        let status = DeliveryStatus::from_word(word);
        let update = StatusUpdate {
            message_id: message_id.clone(),
            status: status.clone(),
            delivered_at: None,
            read_at: None,
            problem: None,
            reference: None,
        };
        let w = self.owner().clone();
        let due = w.store.pollable(w.run, Millis(i64::MAX), None, 99).await.unwrap();
        match due.into_iter().find(|due| due.message_id == message_id) {
            Some(due) if self.rng.bool() => {
                // Before the answer arrives, anything may happen to the row.
                let Awaiting { key, message_id, .. } = due;
                match self.rng.u32(..3) {
                    0 => self.requeue().await,
                    1 => self.claim().await,
                    _ => {}
                }
                let polled =
                    Polled { key, message_id, update: Some(update), polled_at: self.now, next_poll_at: Some(self.now) };
                w.store.record_polls(w.run, &[polled]).await.unwrap();
            }
            _ => {
                let batch = WebhookBatch { statuses: vec![update], ..WebhookBatch::default() };
                w.store.save_webhooks(&batch, self.now).await.unwrap();
            }
        }
        self.statuses.entry(message_id).or_default().push(status);
    }

    async fn defer(&mut self) {
        let w = self.owner().clone();
        let due = w.store.due_rows(w.owner, false, self.now, 1).await.unwrap();
        let deferrals: Vec<_> = due
            .iter()
            .map(|row| {
                let key = row.claim.key;
                let (state, next_attempt_at, cause) = match (self.rng.bool(), row.claim.history.in_doubt) {
                    (true, _) => (State::Pending, Some(Millis(self.now.0 + 2)), None),
                    (false, true) => (State::Uncertain, None, None),
                    (false, false) => {
                        (State::Expired, None, Some(RowCause::Expired { at: "noon".into(), passed: true }))
                    }
                };
                Deferral { key, state, next_attempt_at, cause }
            })
            .collect();
        w.step(Step { deferrals, now: self.now, ..Step::default() }).await;
    }

    async fn suppress(&mut self) {
        let row = self.rng.u64(1..=ROWS);
        self.owner().store.suppress(&[phone(row)], None, self.now).await.unwrap();
        self.suppressed.push(row);
    }

    async fn step(&mut self) {
        self.now.0 += 1;
        match self.rng.u32(0..27) {
            0..8 => self.claim().await,
            8..14 => self.settle().await,
            14..18 => self.report().await,
            18 | 19 => self.requeue().await,
            20 => self.resolve().await,
            21 => self.repeat().await,
            22 => self.defer().await,
            23 => drop(self.owner().store.match_early(Millis(0), self.now).await.unwrap()),
            24 => {
                let w = self.owner();
                match w.store.lift_pause(w.run).await.unwrap() {
                    true => {}
                    false => w.store.pause(w.run, "Ana", self.now).await.unwrap(),
                }
            }
            25 if self.rng.u32(..4) == 0 => self.suppress().await,
            _ => self.take_over().await,
        }
    }

    /// Every claim without an outcome is one that a worker has not reported, and that no other has settled for it.
    async fn check_flights(&self) {
        let w = self.owner();
        for claim in w.store.claims(w.owner, true).await.unwrap() {
            let is_known = |flight: &Flight| (flight.claim.key, flight.claim.number) == (claim.key, claim.number);
            assert!(self.flights.iter().any(is_known), "{claim:?} is in flight, and nobody knows");
        }
    }
}

async fn nobody_is_messaged_twice_unasked_whatever_happens_in_whatever_order(f: Fixture<impl Place>) {
    f.store.index_message_ids().await.unwrap();
    for seed in seeds() {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (name, resends) = (format!("job {seed}"), rng.bool());
        let workers = vec![f.run(&name, ROWS).await];
        let mut world = World {
            rng,
            resends,
            workers,
            flights: Vec::new(),
            rows: BTreeMap::new(),
            statuses: HashMap::new(),
            batches: Vec::new(),
            suppressed: Vec::new(),
            now: NOW,
            messages: u32::try_from(seed).unwrap() * 100_000,
        };
        for step in 0..STEPS {
            let _here = Here(seed, step);
            world.step().await;
            world.owner().check().await;
            world.check_flights().await;
        }
        // The end: everything late arrives.
        for worker in 0..world.workers.len() {
            let late = world.flights.iter().filter(|flight| flight.worker == worker).count();
            for _ in 0..late {
                world.settle().await;
            }
        }
        world.take_over().await;
        let w = world.owner().clone();
        f.store.unsuppress(&(1..=ROWS).map(phone).collect::<Vec<_>>()).await.unwrap();
        w.store.cancel(w.run, "Ana", NOW).await.unwrap();
        w.store.cancel_waiting(w.owner).await.unwrap();
        w.check().await;
        // The next run messages no one who has the message, as far as the store knows.
        let next = f.one_more_begun(&name).await;
        next.store.begin_import(next.owner, &[], None).await.unwrap();
        next.store.add_rows(next.owner, &(1..=ROWS).map(planned).collect::<Vec<_>>()).await.unwrap();
        next.store.leave_out(next.owner, LeaveOut::Everyone).await.unwrap();
        next.store.finish_import(next.owner, NOW).await.unwrap();
        for row in numbers(&next.claim(99).await) {
            let reported = world.rows.get(&row).map_or(&[][..], |known| &known.reported);
            assert!(reported.iter().all(|message| world.has_failed(message)), "row {row} has {reported:?}");
        }
    }
}

/// Run more of them by hand with `CAMPAIGNER_SEEDS=0..1000`.
fn seeds() -> std::ops::Range<u64> {
    let from_to = std::env::var("CAMPAIGNER_SEEDS").ok();
    let from_to = from_to.as_deref().and_then(|seeds| seeds.split_once(".."));
    from_to.map_or(0..4, |(from, to)| from.parse().unwrap()..to.parse().unwrap())
}

/// Names the history and the step in which a check failed.
struct Here(u64, u32);

impl Drop for Here {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self(seed, step) = self;
            let _ = writeln!(std::io::stderr(), "seed {seed}, step {step}");
        }
    }
}
