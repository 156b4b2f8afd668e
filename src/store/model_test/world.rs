//! A store, the workers of its run, the people, and the provider: what each of them does and knows.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use tempfile::TempDir;

use super::check::Seen;
use super::joined::Joined;
use super::made::{Made, Said};
use super::op::{Ended, Op, SendResponse, message_id, settlement, status};
use crate::model::{DeliveryStatus, Millis, Phone, RowCause, RowNumber, State, StateChange, StatusUpdate};
use crate::store::{
    Advanced, Awaiting, Claim, Deferral, Location, NewRun, Owner, PlannedRow, Polled, Repeat, RequeueFilter, Run,
    Settlement, Stage, StartDecision, Step, Store, StoreError, Verdict, WebhookBatch, Which, WorkerId, stopped,
};

pub(super) type Done = Result<(), TestCaseError>;

/// Maximum number of workers at the same time.
pub(super) const WORKERS: usize = 3;
/// Later than everything.
pub(super) const ALWAYS: Millis = Millis(1 << 50);

/// A worker: the claims whose outcome it has not handed in, what it found in flight, and what it handed in.
pub(super) struct Worker {
    pub(super) owner: Owner,
    pub(super) flights: Vec<Claim>,
    pub(super) recovery: Vec<Settlement>,
    pub(super) settled: Vec<Settlement>,
    /// Its process, if it joined the run.
    pub(super) joined: Option<Joined>,
}

pub(super) struct World {
    _folder: Option<TempDir>,
    /// Where it is, on a server.
    pub(super) place: Option<Location>,
    pub(super) store: Store,
    pub(super) run: Run,
    pub(super) rows: u64,
    pub(super) resend: bool,
    pub(super) now: Millis,
    pub(super) workers: Vec<Worker>,
    pub(super) owner: Owner,
    pub(super) claims: BTreeMap<(RowNumber, u32), Made>,
    pub(super) said: HashMap<RowNumber, Said>,
    suppressed: Vec<Phone>,
    paused: bool,
    cancelled: bool,
    asked: Vec<Awaiting>,
    /// The rows that each worker claimed, and its limit.
    pub(super) limits: HashMap<WorkerId, (Vec<RowNumber>, Option<u64>)>,
}

fn phone(row: RowNumber) -> Phone {
    Phone::from_u64(85_264_000_000 + row.0)
}

fn pick<T>(from: &[T], which: u8) -> Option<&T> {
    from.get(usize::from(which).checked_rem(from.len())?)
}

impl World {
    /// Creates a run whose rows are imported and that no one has taken over.
    pub(super) async fn new(rows: u64, resend: bool) -> Result<Self, TestCaseError> {
        let memory = std::path::Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? };
        let store = Store::open(&folder.path().join("s.db")).await?;
        Self::of(store, Some(folder), rows, resend).await
    }

    /// Does the same in an empty store, which may be in a folder.
    pub(super) async fn of(
        store: Store,
        folder: Option<TempDir>,
        rows: u64,
        resend: bool,
    ) -> Result<Self, TestCaseError> {
        let new = NewRun {
            name: "job".into(),
            campaign: format!(r#"{{"dispatch":{{"uncertain":"{}"}}}}"#, if resend { "resend" } else { "hold" }),
            campaign_hash: "c".into(),
            recipients_hash: "r".into(),
        };
        let now = Millis(1_000_000);
        let StartDecision::New(run) = store.start_run(&new, Repeat::Unsaid, now).await? else {
            return Err(TestCaseError::fail("it is a new run"));
        };
        let owner = store.take_over(run.key, None, now).await?;
        store.begin_import(owner, &[], None).await?;
        let planned = |row| PlannedRow {
            row: RowNumber(row),
            line: row + 1,
            to: Ok(phone(RowNumber(row))),
            cells: "[]".into(),
            problems: Vec::new(),
        };
        store.add_rows(owner, &(1..=rows).map(planned).collect::<Vec<_>>()).await?;
        store.finish_import(owner, now).await?;
        store.reach(run.key, Stage::Started, now).await?;
        Ok(Self {
            _folder: folder,
            place: None,
            store,
            run,
            rows,
            resend,
            now,
            workers: Vec::new(),
            owner,
            claims: BTreeMap::new(),
            said: HashMap::new(),
            suppressed: Vec::new(),
            paused: false,
            cancelled: false,
            asked: Vec::new(),
            limits: HashMap::new(),
        })
    }

    pub(super) async fn apply(&mut self, op: &Op) -> Done {
        self.now.0 += 1;
        match *op {
            Op::TakeUp { limit } => self.take_over(limit.map(|limit| u64::from(limit % 6))).await,
            Op::Send { worker, flight, response } => {
                let Some(worker) = pick(&self.workers, worker) else { return Ok(()) };
                let Some(claim) = pick(&worker.flights, flight).copied() else { return Ok(()) };
                self.send(claim, response);
                Ok(())
            }
            Op::Step { worker, some, again, want, answer_is_lost } => {
                let Some(worker) = usize::from(worker).checked_rem(self.workers.len()) else { return Ok(()) };
                let again = again.and_then(|which| pick(&self.workers[worker].settled, which).cloned());
                self.step(worker, some, again, u32::from(want % 4), answer_is_lost).await
            }
            Op::Crash { worker } => {
                let Some(worker) = usize::from(worker).checked_rem(self.workers.len()) else { return Ok(()) };
                self.crash(worker);
                Ok(())
            }
            Op::Mistaken { claim, ended } => self.mistake(claim, ended).await,
            Op::Wait { millis } => {
                self.now.0 += i64::from(millis);
                Ok(())
            }
            Op::Schedule { .. } if self.store.run(Some(&self.run.id)).await?.dispatched_at.is_some() => Ok(()),
            Op::Schedule { rows, expires } => {
                let rows = self.store.new_rows(self.run.key, u32::from(rows % 4)).await?;
                let rows: Vec<_> =
                    rows.iter().map(|row| self.deferral(&row.claim, expires)).collect::<Result<_, _>>()?;
                Ok(self.store.schedule_rows(self.owner, &rows).await?)
            }
            Op::Defer { rows, expires } => {
                let due = self.store.due_rows(self.owner, false, self.now, u32::from(rows % 4)).await?;
                let deferrals = due.iter().map(|row| self.deferral(&row.claim, expires)).collect::<Result<_, _>>()?;
                let step = Step { deferrals, now: self.now, ..Step::default() };
                Ok(self.store.advance(self.owner, &step).await.map(drop)?)
            }
            Op::Requeue { states } => self.requeue(states).await,
            Op::Resolve { row, sent } => self.resolve(RowNumber(u64::from(row) % self.rows + 1), sent).await,
            Op::Pause => {
                self.paused = true;
                Ok(self.store.pause(self.run.key, "p", self.now).await?)
            }
            Op::Lift => {
                prop_assert_eq!(self.store.lift_pause(self.run.key).await?, std::mem::take(&mut self.paused));
                Ok(())
            }
            Op::Cancel => {
                self.cancelled = true;
                Ok(self.store.cancel(self.run.key, "p", self.now).await?)
            }
            Op::CancelWaiting if self.cancelled => Ok(self.store.cancel_waiting(self.owner).await?),
            Op::CancelWaiting => Ok(()),
            Op::Suppress { row } => {
                let phone = phone(RowNumber(u64::from(row) % self.rows + 1));
                self.suppressed.push(phone);
                Ok(self.store.suppress(&[phone], None, self.now).await.map(drop)?)
            }
            Op::Unsuppress { row } => {
                let phone = phone(RowNumber(u64::from(row) % self.rows + 1));
                self.suppressed.retain(|other| *other != phone);
                Ok(self.store.unsuppress(&[phone]).await.map(drop)?)
            }
            Op::Webhook { message, status: word, named } => self.webhook(message, status(word), named).await,
            Op::MatchEarly => Ok(self.store.match_early(Millis(0), self.now).await.map(drop)?),
            Op::Ask => {
                self.asked.extend(self.store.pollable(self.run.key, self.now, None, 3).await?);
                Ok(())
            }
            Op::Answer { status: word } => self.answer(status(word)).await,
            Op::End => self.end().await.map(drop),
            Op::Join => self.join().await,
            Op::EndProcess { worker } => self.end_process(worker).await,
            Op::SettleEnded => self.settle_ended().await,
        }
    }

    pub(super) async fn take_over(&mut self, limit: Option<u64>) -> Done {
        if self.workers.len() == WORKERS {
            self.crash(0);
        }
        self.owner = self.store.take_over(self.run.key, limit, self.now).await?;
        prop_assert!(!self.limits.contains_key(&self.owner.worker), "a worker's number is given once");
        self.limits.insert(self.owner.worker, (Vec::new(), limit));
        let owner = self.owner;
        self.workers.push(Worker {
            owner,
            flights: Vec::new(),
            recovery: Vec::new(),
            settled: Vec::new(),
            joined: None,
        });
        self.settle_ended().await
    }

    fn made(&mut self, claim: &Claim) -> &mut Made {
        self.made_by((claim.key.row(), claim.number))
    }

    fn send(&mut self, claim: Claim, response: SendResponse) {
        let made = self.made(&claim);
        made.response.get_or_insert(response);
        made.may_leave = false;
    }

    pub(super) fn crash(&mut self, worker: usize) {
        for claim in self.workers.remove(worker).flights {
            self.made(&claim).may_leave = false;
        }
    }

    fn ended(&mut self, claim: &Claim) -> Ended {
        match self.made(claim).response {
            None => Ended::Unsent,
            Some(SendResponse::Accepted) => Ended::Accepted,
            Some(SendResponse::Refused | SendResponse::AcceptedRefused) => Ended::Refused,
            Some(SendResponse::Again | SendResponse::AcceptedAgain) => Ended::Again,
            Some(SendResponse::AcceptedUnheard | SendResponse::Lost) => Ended::Unheard,
        }
    }

    /// Makes a step as the engine does. If the commit succeeded but the answer is lost, it releases the claims that it
    /// does not know, and hands in the same outcomes again.
    async fn step(
        &mut self,
        worker: usize,
        some: u8,
        again: Option<Settlement>,
        want: u32,
        answer_is_lost: bool,
    ) -> Done {
        let Worker { owner, flights, recovery, .. } = &mut self.workers[worker];
        let owner = *owner;
        let (ending, flights): (Vec<_>, Vec<_>) =
            std::mem::take(flights).into_iter().enumerate().partition(|(place, _)| some >> (place % 8) & 1 == 1);
        let mut settlements = std::mem::take(recovery);
        self.workers[worker].flights = flights.into_iter().map(|(_, claim)| claim).collect();
        for (_, claim) in ending {
            let ended = self.ended(&claim);
            self.made(&claim).may_leave = false;
            settlements.push(settlement(claim, ended, self.resend, self.now));
        }
        settlements.extend(again);
        let known = |claim: &Claim| (claim.key, claim.number);
        if answer_is_lost {
            for attempt in self.advance(owner, settlements.clone(), want).await?.attempts {
                self.claimed(&attempt.claim, false)?;
            }
            let flights: Vec<_> =
                self.workers[worker].flights.iter().chain(settlements.iter().map(|s| &s.claim)).map(known).collect();
            let own = self.store.claims(owner, true).await?;
            let unknown = own.into_iter().filter(|claim| !flights.contains(&known(claim)));
            settlements.extend(
                unknown.map(|claim| settlement(claim, Ended::Unsent, self.resend, self.now)).collect::<Vec<_>>(),
            );
        }
        let attempts = self.advance(owner, settlements.clone(), want).await?.attempts;
        self.workers[worker].settled.extend(settlements);
        for attempt in attempts {
            prop_assert!(!self.suppressed.contains(&attempt.phone), "{} is suppressed", attempt.claim.key.row());
            self.claimed(&attempt.claim, true)?;
            self.workers[worker].flights.push(attempt.claim);
        }
        Ok(())
    }

    async fn advance(
        &mut self,
        owner: Owner,
        settlements: Vec<Settlement>,
        want: u32,
    ) -> Result<Advanced, TestCaseError> {
        let is_owner = owner == self.owner || self.is_joined(owner.worker);
        for settlement in settlements.iter().filter(|settlement| settlement.departed) {
            let recorded = &mut self.made(&settlement.claim).recorded;
            if settlement.outcome != State::Uncertain || recorded.is_none() {
                *recorded = Some(settlement.outcome);
            }
        }
        let step = Step { settlements, want, now: self.now, ..Step::default() };
        let advanced = match self.store.advance(owner, &step).await {
            Err(StoreError::NotOwner(_)) if !is_owner => return Ok(Advanced::default()),
            advanced => advanced?,
        };
        prop_assert!(is_owner, "{:?} lost the run", owner.worker);
        prop_assert!(advanced.attempts.len() <= want as usize);
        prop_assert!(advanced.attempts.is_empty() || !(self.paused || self.cancelled), "claimed while held");
        Ok(advanced)
    }

    /// Checks a returned claim: it must be new, and must not resend what was or may have been accepted.
    fn claimed(&mut self, claim: &Claim, may_leave: bool) -> Done {
        let row = claim.key.row();
        prop_assert!(claim.worker == self.owner.worker || self.is_joined(claim.worker));
        prop_assert!(!self.claims.contains_key(&(row, claim.number)), "claim {} of {row} is given twice", claim.number);
        let send_again = self.said.entry(row).or_default().send_again;
        for ((_, number), earlier) in self.claims.range((row, 0)..(row, claim.number)) {
            let may_arrive = earlier.is_message() || earlier.may_leave;
            let in_doubt = earlier.recorded == Some(State::Uncertain) || earlier.failed;
            // What the provider reported outweighs the campaign's `resend`.
            let is_allowed =
                *number <= send_again || (self.resend && in_doubt && (!earlier.reported || earlier.failed));
            prop_assert!(!may_arrive || is_allowed, "{row} is sent again, though claim {number} arrives");
        }
        self.claims.insert((row, claim.number), Made { may_leave, worker: Some(claim.worker), ..Made::default() });
        let (rows, limit) = self.limits.entry(claim.worker).or_default();
        rows.retain(|other| *other != row);
        rows.push(row);
        prop_assert!(limit.is_none_or(|limit| rows.len() as u64 <= limit), "more rows than the limit of {limit:?}");
        Ok(())
    }

    async fn mistake(&mut self, claim: u8, ended: Ended) -> Done {
        let own = self.store.claims(self.owner, true).await?;
        let Some(mut claim) = pick(&own, claim).copied() else { return Ok(()) };
        let Some(other) = self.limits.keys().map(|worker| worker.0).filter(|worker| *worker != claim.worker.0).min()
        else {
            return Ok(());
        };
        let before = Seen::of(self).await?;
        claim.worker = WorkerId(other);
        let step = Step {
            settlements: vec![settlement(claim, ended, self.resend, self.now)],
            now: self.now,
            ..Step::default()
        };
        prop_assert_eq!(self.store.advance(self.owner, &step).await?.ignored, 1, "it is of another worker");
        prop_assert!(before.states == Seen::of(self).await?.states, "it is of another worker");
        Ok(())
    }

    fn deferral(&self, claim: &Claim, expires: u8) -> Result<Deferral, StoreError> {
        let key = claim.key;
        let in_doubt = claim.history.in_doubt;
        Ok(if expires.is_multiple_of(4) {
            let cause = RowCause::Expired { at: "1".into(), passed: true };
            let cause = (!in_doubt).then_some(cause);
            Deferral { key, state: stopped(StateChange::Expire, in_doubt)?, next_attempt_at: None, cause }
        } else {
            let at = Millis(self.now.0 + i64::from(expires));
            Deferral { key, state: State::Pending, next_attempt_at: Some(at), cause: None }
        })
    }

    async fn requeue(&mut self, states: u8) -> Done {
        let all = [State::Rejected, State::Exhausted, State::Uncertain, State::Failed];
        let states: Vec<_> =
            all.into_iter().enumerate().filter(|(bit, _)| states >> bit & 1 == 1).map(|(_, s)| s).collect();
        let before = Seen::of(self).await?;
        let requeued =
            self.store.requeue(self.owner, &self.run, &RequeueFilter::in_states(&states), true, self.now).await?;
        // A person who requeues rows wants the run to continue.
        self.paused &= requeued.rows == 0;
        let after = Seen::of(self).await?;
        for (row, state) in &before.states {
            if states.contains(state) && after.states[row] == State::Pending {
                let latest = self.latest(*row);
                self.said.entry(*row).or_default().send_again = latest;
            }
        }
        Ok(())
    }

    fn latest(&self, row: RowNumber) -> u32 {
        self.claims.range((row, 0)..=(row, u32::MAX)).map(|((_, number), _)| *number).max().unwrap_or(0)
    }

    async fn resolve(&mut self, row: RowNumber, sent: bool) -> Done {
        let verdict = if sent { Verdict::Sent } else { Verdict::NotSent };
        if self.store.resolve_uncertain(self.owner, Which::Row(row), verdict, "p", self.now).await? > 0 {
            self.said.entry(row).or_default().what_became = self.latest(row);
        }
        Ok(())
    }

    async fn webhook(&mut self, message: u8, status: DeliveryStatus, named: bool) -> Done {
        let is_reported = |made: &Made| if named { made.exists() } else { made.is_message() };
        let messages: Vec<_> = self.claims.iter().filter(|(_, made)| is_reported(made)).map(|(key, _)| *key).collect();
        let Some(key) = pick(&messages, message).copied() else { return Ok(()) };
        let mut update = self.update(key, status);
        let Made { recorded, reported, worker, .. } = self.claims[&key];
        if let Some(worker) = worker.filter(|_| named) {
            update.reference = Some(self.store.reference_key(worker).await?.sign(self.run.key, key.0, key.1));
        }
        let batch = WebhookBatch { statuses: vec![update], ..WebhookBatch::default() };
        let early = self.store.save_webhooks(&batch, self.now).await?.early;
        let is_known = recorded == Some(State::Accepted) || recorded.is_some() && (named || reported);
        let person_spoke = self.said.get(&key.0).is_some_and(|said| key.1 <= said.what_became);
        prop_assert!(early == u64::from(!is_known) || person_spoke, "message {key:?} is known: {is_known}");
        self.made_by(key).reported |= named;
        Ok(())
    }

    fn made_by(&mut self, key: (RowNumber, u32)) -> &mut Made {
        self.claims.entry(key).or_default()
    }

    fn update(&mut self, key: (RowNumber, u32), status: DeliveryStatus) -> StatusUpdate {
        if let Some(made) = self.claims.get_mut(&key) {
            made.failed |= status == DeliveryStatus::Failed;
        }
        StatusUpdate {
            message_id: message_id(key),
            status,
            delivered_at: None,
            read_at: None,
            problem: None,
            reference: None,
        }
    }

    async fn answer(&mut self, status: DeliveryStatus) -> Done {
        let Some(asked) = self.asked.pop() else { return Ok(()) };
        let of = self.claims.keys().copied().find(|key| message_id(*key) == asked.message_id);
        let Some(of) = of else { return Err(TestCaseError::fail("nobody sent that message")) };
        let polled = Polled {
            key: asked.key,
            message_id: asked.message_id,
            update: Some(self.update(of, status)),
            polled_at: self.now,
            next_poll_at: Some(Millis(self.now.0 + 1_000)),
        };
        Ok(self.store.record_polls(self.run.key, &[polled]).await?)
    }

    /// Records the end if nothing is left to send. Returns whether that is so.
    pub(super) async fn end(&mut self) -> Result<bool, TestCaseError> {
        let is_over = self.store.next_due(self.owner, false).await?.is_none()
            && (self.cancelled || self.store.new_rows(self.run.key, 1).await?.is_empty())
            && self.store.claims(self.owner, true).await?.is_empty()
            && self.store.claims(self.owner, false).await?.is_empty();
        if is_over {
            self.store.reach(self.run.key, Stage::Dispatched, self.now).await?;
            if self.store.pollable(self.run.key, ALWAYS, None, 1).await?.is_empty() {
                self.store.reach(self.run.key, Stage::Finished, self.now).await?;
            }
        }
        Ok(is_over)
    }

    /// Everyone reports what they know; then a fresh worker continues until nothing is left, and hears every answer.
    pub(super) async fn conclude(&mut self) -> Done {
        for worker in 0..self.workers.len() {
            self.step(worker, u8::MAX, None, 0, false).await?;
        }
        self.apply(&Op::Lift).await?;
        self.take_over(None).await?;
        for _ in 0..100 {
            let worker = self.workers.len() - 1;
            self.step(worker, u8::MAX, None, 4, false).await?;
            for claim in self.workers[worker].flights.clone() {
                self.send(claim, SendResponse::Accepted);
            }
            if self.cancelled {
                self.store.cancel_waiting(self.owner).await?;
            }
            self.now.0 += 10_000;
            if self.end().await? {
                return Ok(());
            }
        }
        Err(TestCaseError::fail("it does not come to an end"))
    }
}
