//! A process that works on the run, as its owner or joined: what the engine does, on top of the store.

use std::cell::RefMut;
use std::rc::Rc;
use std::time::Duration;

use super::world::{Flight, Life, World};
use super::{Stress, Without};
use crate::model::{Millis, State};
use crate::store::dispatch::advance::CLAIMS;
use crate::store::error::doing;
use crate::store::sql::query_as;
use crate::store::tests::fixture::*;
use crate::store::{
    Claim, History, Owner, RequeueFilter, RowKey, RunLock, Settlement, Step, Store, StoreError, WorkerId,
};

/// A worker no longer claims: it was ended, or it died.
struct Stopped;

pub(super) struct Member {
    stress: Rc<Stress>,
    store: Store,
    owner: Owner,
    lock: RunLock,
    is_owner: bool,
    life: Rc<Life>,
    flights: Vec<Flight>,
    /// What it has handed in.
    handed_in: Vec<Settlement>,
}

fn pause(millis: u64) -> impl Future<Output = ()> {
    tokio::time::sleep(Duration::from_millis(millis))
}

/// Works on the run with one process after the other.
pub(super) async fn work(stress: Rc<Stress>) {
    while !stress.is_over.get() {
        match enter(&stress).await {
            Ok(member) => member.work().await,
            // It may have been ended before it began.
            Err(error) if error.may_pass() || matches!(error, StoreError::Held(_)) => pause(1).await,
            Err(error) => return stress.world.borrow_mut().breaks(format!("a worker cannot begin: {error}")),
        }
    }
}

/// Takes over the run if no process has it, and otherwise joins it.
pub(super) async fn enter(stress: &Rc<Stress>) -> Result<Member, StoreError> {
    let store = stress.place.open().await?;
    let run = stress.world.borrow().run.clone();
    let entered = async {
        let (lock, is_owner) = match store.lock_at_once(&run.id).await {
            Ok(lock) => (lock, true),
            Err(StoreError::Held(_)) => (store.lock_joined(&run.id).await?, false),
            Err(error) => return Err(error),
        };
        let owner = match is_owner {
            true => store.take_over(run.key, None, NOW).await,
            false => store.join(run.key, &lock, NOW).await,
        };
        Ok((lock, is_owner, owner?))
    };
    match entered.await {
        Ok((lock, is_owner, owner)) => {
            let life = Rc::<Life>::default();
            life.may_send.set(true);
            stress.world.borrow_mut().lives.push((lock.process().unwrap(), is_owner, life.clone()));
            let (stress, flights, handed_in) = (stress.clone(), Vec::new(), Vec::new());
            let member = Member { stress, store, owner, lock, is_owner, life, flights, handed_in };
            member.settle_ended().await;
            Ok(member)
        }
        Err(error) => {
            if let Some(process) = store.process() {
                stress.place.end(process).await;
            }
            gone(store).await;
            Err(error)
        }
    }
}

/// Drops a store elsewhere: it waits for the server.
async fn gone(store: Store) {
    let _ = tokio::task::spawn_blocking(move || drop(store)).await;
}

impl Member {
    fn world(&self) -> RefMut<'_, World> {
        self.stress.world.borrow_mut()
    }

    fn is_without(&self, rule: Without) -> bool {
        self.world().without == Some(rule)
    }

    /// Works until the end, or until the process is ended or dies.
    pub(super) async fn work(mut self) {
        loop {
            if self.turn().await.is_err() {
                break;
            }
            if self.stress.is_over.get() {
                self.finish().await;
                break;
            }
        }
        self.end().await;
    }

    pub(super) async fn end(self) {
        let Self { stress, store, lock, life, .. } = self;
        life.may_send.set(false);
        stress.place.end(lock.process().unwrap()).await;
        life.is_ended.set(true);
        drop(lock);
        gone(store).await;
    }

    async fn turn(&mut self) -> Result<(), Stopped> {
        if self.world().once_in(150) {
            return Err(self.die());
        }
        if self.is_owner && self.world().once_in(3) {
            self.settle_ended().await;
        }
        if self.is_owner && self.world().once_in(10) {
            let run = self.world().run.clone();
            let uncertain = RequeueFilter::in_states(&[State::Uncertain]);
            let _ = self.store.requeue(self.owner, &run, &uncertain, true, NOW).await;
        }
        if self.world().once_in(10) {
            let stall = self.world().rng.u64(..10);
            pause(stall).await;
        }
        self.send_some(7);
        let settlements = self.some_that_ended();
        let want = u32::try_from(self.stress.concurrency.saturating_sub(self.flights.len())).unwrap();
        let want = self.world().rng.u32(..=want);
        let claimed = self.advance(settlements, want).await?;
        if self.flights.is_empty() && claimed == 0 {
            let is_paused = self.world().is_paused;
            self.world().idle += u32::from(want > 0 && !is_paused);
            pause(1).await;
        }
        if self.world().once_in(6) {
            self.knows_its_claims().await;
        }
        Ok(())
    }

    /// Lets some requests leave, as long as the process's lease is valid: of ten, `of_ten`.
    fn send_some(&mut self, of_ten: u32) {
        let Self { stress, flights, life, .. } = self;
        let mut world = stress.world.borrow_mut();
        for flight in flights.iter_mut().filter(|flight| flight.answer.is_none() && life.may_send.get()) {
            if world.rng.u32(..10) < of_ten {
                flight.answer = Some(world.send(&flight.claim));
            }
        }
    }

    /// Returns outcomes to hand in: of most requests that were answered, of some that do not leave, and sometimes one
    /// that was handed in before, or one that a restored backup left under the number of another worker's claim.
    fn some_that_ended(&mut self) -> Vec<Settlement> {
        let Self { stress, flights, handed_in, owner, .. } = self;
        let mut world = stress.world.borrow_mut();
        let mut ended = Vec::new();
        flights.retain(|flight| {
            let is_ended = world.rng.u32(..100) < if flight.answer.is_some() { 70 } else { 5 };
            if is_ended {
                ended.push(flight.settled());
            }
            !is_ended
        });
        let again = handed_in.iter().filter(|old| flights.iter().any(|flight| flight.claim.key == old.claim.key));
        let again: Vec<&Settlement> = again.collect();
        let again = if again.is_empty() { handed_in.iter().rev().take(5).collect() } else { again };
        if let Some(old) = world.rng.choice(again).filter(|_| world.rng.u32(..4) == 0) {
            ended.push(old.clone());
        }
        handed_in.extend(ended.iter().cloned());
        if world.once_in(10)
            && let Some(claim) = world.claim_of_another(owner.worker)
        {
            ended.push(again_under(owner.worker, claim));
        }
        ended
    }

    fn die(&mut self) -> Stopped {
        self.life.may_send.set(false);
        let worker = self.owner.worker;
        self.world().dead.insert(worker);
        Stopped
    }

    /// Makes a step as the engine does: after an error, the worker releases the claims that it does not know, and hands
    /// in the same outcomes again. Returns how many rows it claimed.
    async fn advance(&mut self, settlements: Vec<Settlement>, want: u32) -> Result<usize, Stopped> {
        let mut step = Step { settlements, want, now: NOW, ..Step::default() };
        loop {
            let (since, was_ended) = (self.world().now(), self.life.is_ended.get());
            let dies = !self.stress.is_over.get() && self.world().once_in(300);
            let done = match dies {
                // It dies in the middle.
                true => tokio::time::timeout(Duration::from_micros(1500), self.store.advance(self.owner, &step)).await,
                false => Ok(self.store.advance(self.owner, &step).await),
            };
            let Ok(done) = done else { return Err(self.die()) };
            match done {
                Ok(advanced) => {
                    self.world().recorded(&step.settlements);
                    for attempt in &advanced.attempts {
                        self.world().claimed(attempt, since, was_ended);
                        self.flights.push(Flight { claim: attempt.claim, answer: None });
                    }
                    return Ok(advanced.attempts.len());
                }
                Err(StoreError::NotOwner(_)) => {
                    self.world().recorded(&step.settlements);
                    self.report_late().await;
                    return Err(Stopped);
                }
                Err(error) if !error.may_pass() && !self.stress.is_lenient() => {
                    self.world().breaks(format!("a step failed: {error}: {}", error.reason()));
                    return Err(self.die());
                }
                // Without a guard, it may fail again and again.
                Err(error) if !error.may_pass() && self.world().once_in(5) => return Err(self.die()),
                Err(_) => self.release_unknown(&mut step).await?,
            }
        }
    }

    async fn release_unknown(&mut self, step: &mut Step) -> Result<(), Stopped> {
        if self.is_without(Without::Release) {
            return Ok(());
        }
        loop {
            let claims = match self.is_without(Without::Wait) {
                true => self.claims_without_waiting().await,
                false => self.store.claims(self.owner, true).await,
            };
            if let Ok(claims) = claims {
                let is_this = |claim: &Claim, other: &Claim| (claim.key, claim.number) == (other.key, other.number);
                let is_known = |claim: &Claim| {
                    self.flights.iter().any(|flight| is_this(claim, &flight.claim))
                        || step.settlements.iter().any(|settlement| is_this(claim, &settlement.claim))
                };
                let unknown: Vec<_> = claims.iter().filter(|claim| !is_known(claim)).collect();
                step.settlements.extend(unknown.into_iter().map(|claim| released(claim, NOW)));
                return Ok(());
            }
            if !self.stress.is_over.get() && self.world().once_in(300) {
                return Err(self.die());
            }
            pause(1).await;
        }
    }

    /// What the engine must not do: read its claims while one of its steps may be under way.
    async fn claims_without_waiting(&self) -> Result<Vec<Claim>, StoreError> {
        type Row = (i64, u32, i64, i64, u32, u32, u32, bool);
        let rows: Vec<Row> = query_as(CLAIMS)
            .bind(self.owner.run)
            .bind(self.owner.worker.0)
            .bind(true)
            .fetch_all(&self.store.readers)
            .await
            .map_err(doing("read the claims"))?;
        let claim = |(key, number, worker, started_at, attempts, charged_attempts, deferrals, in_doubt)| Claim {
            key: RowKey(key),
            number,
            worker: WorkerId(worker),
            started_at: Millis(started_at),
            history: History { attempts, charged_attempts, deferrals, in_doubt },
        };
        Ok(rows.into_iter().map(claim).collect())
    }

    /// An ended process reports what it knows, at once or much later.
    async fn report_late(&mut self) {
        // It was suspended for longer than its lease, and did not know it when it woke.
        let lease = self.world().rng.u64(..100);
        pause(lease).await;
        self.settle_ended().await;
        let mut settlements: Vec<_> = self.flights.drain(..).map(|flight| flight.settled()).collect();
        if self.is_without(Without::Worker) {
            // As one that has begun again would.
            let Ok(owner) = self.store.join(self.owner.run, &self.lock, NOW).await else { return };
            settlements.iter_mut().for_each(|settlement| settlement.claim.worker = owner.worker);
        }
        if settlements.is_empty() || self.world().once_in(2) {
            let owner = self.owner;
            return self.world().late.push((owner, settlements));
        }
        let step = Step { settlements, now: NOW, ..Step::default() };
        while !matches!(self.store.advance(self.owner, &step).await, Err(StoreError::NotOwner(_))) {
            pause(1).await;
        }
        self.world().recorded(&step.settlements);
    }

    /// What others that have ended left in flight is in doubt.
    pub(super) async fn settle_ended(&self) {
        if !self.is_owner {
            return;
        }
        let Ok(claims) = self.store.claims(self.owner, false).await else { return };
        let settlements: Vec<_> = claims.iter().map(interrupted).collect();
        if self.world().once_in(2) {
            let stall = self.world().rng.u64(..40);
            pause(stall).await;
        }
        if !settlements.is_empty() {
            let of_others = !self.is_without(Without::OfOthers);
            let step = Step { settlements, of_others, now: NOW, ..Step::default() };
            let _ = self.store.advance(self.owner, &step).await;
        }
    }

    /// Whether the worker knows all rows that are in flight under its number.
    async fn knows_its_claims(&self) {
        if let Ok(claims) = self.store.claims(self.owner, true).await {
            let is_known = |claim: &Claim| self.flights.iter().any(|flight| flight.claim.key == claim.key);
            if let Some(claim) = claims.iter().find(|claim| !is_known(claim)) {
                self.world().breaks(format!("row {} is in flight, and its worker does not know", claim.key.row()));
            }
        }
    }

    /// Sends and reports everything.
    async fn finish(&mut self) {
        self.send_some(10);
        let settlements: Vec<_> = self.flights.drain(..).map(|flight| flight.settled()).collect();
        if self.advance(settlements, 0).await.is_ok() {
            self.knows_its_claims().await;
            let _ = self.store.leave(self.owner).await;
        }
    }

    /// Sends and reports all that is left of the run, without trouble.
    pub(super) async fn send_all(&mut self) {
        for _ in 0..10_000 {
            self.settle_ended().await;
            let settlements: Vec<_> = self.flights.drain(..).map(|flight| flight.settled()).collect();
            let Ok(claimed) = self.advance(settlements, 50).await else {
                return self.world().breaks("the last worker was stopped");
            };
            if claimed == 0 && self.flights.is_empty() {
                return;
            }
            self.send_some(10);
        }
        self.world().breaks("it does not come to an end");
    }
}

/// Returns the outcome of a claim under another worker's number.
fn again_under(worker: WorkerId, claim: Claim) -> Settlement {
    again(&Claim { worker, ..claim }, NOW)
}
