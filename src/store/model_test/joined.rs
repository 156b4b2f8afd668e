//! What only happens to a run on a server: processes join it, and are ended by others.

use proptest::prelude::*;

use super::guards::{Pieces, is_needed};
use super::op::{Ended, any_op_on_server, settlement};
use super::world::{Done, WORKERS, Worker, World};
use super::{Case, in_runtime, keeps_them_in, run_with};
use crate::store::sql::query;
use crate::store::tests::{Place as _, PostgresSchema, server};
use crate::store::{RunLock, Store, WorkerId};

/// The process of a worker that joined the run.
pub(super) struct Joined {
    _store: Store,
    lock: RunLock,
    is_ended: bool,
}

impl World {
    /// Whether a worker joined the run and may claim.
    pub(super) fn is_joined(&self, worker: WorkerId) -> bool {
        let worker = self.workers.iter().find(|other| other.owner.worker == worker);
        worker.and_then(|worker| worker.joined.as_ref()).is_some_and(|joined| !joined.is_ended)
    }

    pub(super) async fn join(&mut self) -> Done {
        let Some(place) = self.place.clone() else { return Ok(()) };
        if self.workers.len() == WORKERS {
            self.crash(0);
        }
        let store = Store::open(place).await?;
        let lock = store.lock_joined(&self.run.id).await?;
        let owner = store.join(self.run.key, &lock, self.now).await?;
        self.limits.insert(owner.worker, (Vec::new(), None));
        let joined = Some(Joined { _store: store, lock, is_ended: false });
        let (flights, recovery, settled) = (Vec::new(), Vec::new(), Vec::new());
        self.workers.push(Worker { owner, flights, recovery, settled, joined });
        Ok(())
    }

    /// Others have not heard of a process for a lease. What it has in flight may still leave, or have left.
    pub(super) async fn end_process(&mut self, worker: u8) -> Done {
        let mut joined: Vec<_> = self.workers.iter_mut().filter_map(|worker| worker.joined.as_mut()).collect();
        let Some(place) = usize::from(worker).checked_rem(joined.len()) else { return Ok(()) };
        joined[place].is_ended = true;
        query("UPDATE process SET ended = true WHERE id = $1")
            .bind(joined[place].lock.process())
            .execute(self.store.write().await?.alone())
            .await?;
        Ok(())
    }

    /// The owner reads what is in doubt: never what a living worker has in flight.
    pub(super) async fn settle_ended(&mut self) -> Done {
        let owner = self.owner;
        let found = self.store.claims(owner, false).await?;
        for claim in &found {
            prop_assert!(!self.is_joined(claim.worker), "{} is in doubt, and its worker lives", claim.key.row());
        }
        let (resend, now) = (self.resend, self.now);
        let Some(worker) = self.workers.iter_mut().find(|worker| worker.owner == owner) else { return Ok(()) };
        let known: Vec<_> = worker.recovery.iter().map(|settled| (settled.claim.key, settled.claim.number)).collect();
        let new = found.into_iter().filter(|claim| !known.contains(&(claim.key, claim.number)));
        worker.recovery.extend(new.map(|claim| settlement(claim, Ended::Interrupted, resend, now)));
        Ok(())
    }
}

/// Whether a case keeps the rules on a server.
fn holds(case: &Case) -> Done {
    in_runtime(async {
        let Some(place) = PostgresSchema::empty().await else { return Ok(()) };
        let mut world = World::of(place.open().await, None, case.rows, case.resend).await?;
        world.place = Some(place.0);
        keeps_them_in(world, case).await
    })
}

#[test]
fn any_interleaving_keeps_the_invariants_on_a_server() {
    if let Err(error) = run_with(any_op_on_server(), 6, 100, holds) {
        panic!("{error}");
    }
}

/// Checks that the model test fails on a server without these pieces of statements.
fn fails_without(pieces: Pieces) {
    if server::url().is_some() {
        is_needed(pieces, || run_with(any_op_on_server(), 30, 0, holds));
    }
}

#[test]
fn what_a_living_worker_has_in_flight_is_in_no_doubt() {
    fails_without(&[("s.is_joined AND NOT p.ended)", "false)")]);
}

#[test]
fn a_process_that_was_ended_claims_nothing() {
    fails_without(&[(" AND NOT coalesce(l.ended, false)", "")]);
}
