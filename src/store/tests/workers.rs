//! Several workers of one run, on a server: what each may claim, and what becomes of those that end.

use super::*;
use crate::model::State;
use crate::store::sql::{query, query_scalar};

/// Two stores of one server, as two processes have them; `None` where there is no server.
async fn two_processes() -> Option<(Fixture<PostgresSchema>, Store)> {
    let place = PostgresSchema::empty().await?;
    let first = Fixture::at(place).await;
    let second = first.reopened().await;
    Some((first, second))
}

/// A worker that joined the run of another.
async fn joined(owner: &Worker, store: &Store) -> (Worker, RunLock) {
    let lock = store.lock_joined(&owner.id).await.unwrap();
    let worker = store.join(owner.run, &lock, NOW).await.unwrap();
    (Worker { store: store.clone(), owner: worker, ..owner.clone() }, lock)
}

/// Ends the process of a store, as another one does that has not heard of it for a lease.
async fn end(of: &Store, by: &Store) {
    let process = of.process();
    query("UPDATE process SET ended = true WHERE id = $1")
        .bind(process)
        .execute(by.write().await.unwrap().alone())
        .await
        .unwrap();
}

#[tokio::test]
async fn each_worker_claims_other_rows_and_only_those_of_the_dead_are_in_doubt() {
    let Some((f, other)) = two_processes().await else { return };
    let owner = f.run("job", 6).await;
    let (joined, _lock) = joined(&owner, &other).await;
    let [own, of_joined] = [owner.claim(2).await, joined.claim(2).await];
    let rows = |attempts: &[Attempt]| attempts.iter().map(|attempt| attempt.claim.key.row().0).collect::<Vec<_>>();
    assert_eq!((rows(&own), rows(&of_joined)), (vec![1, 2], vec![3, 4]));
    assert!(owner.store.others_are_sending(owner.owner).await.unwrap());
    // It is alive: its rows are in no doubt, also for a new owner.
    let next = owner.next().await;
    let doubted = owner.store.claims(next.owner, false).await.unwrap();
    assert_eq!(doubted.iter().map(|claim| claim.key.row().0).collect::<Vec<_>>(), [1, 2]);
    next.settle(doubted.into_iter().map(|claim| interrupted(&claim))).await;
    assert!(!owner.store.has_orphans(next.owner).await.unwrap());
    end(&other, &f.store).await;
    assert!(owner.store.has_orphans(next.owner).await.unwrap());
    let doubted = owner.store.claims(next.owner, false).await.unwrap();
    assert_eq!(doubted.iter().map(|claim| claim.key.row().0).collect::<Vec<_>>(), [3, 4]);
    next.settle(doubted.iter().map(interrupted)).await;
    // It was only asleep: its outcomes count, but it claims nothing more.
    joined
        .settle_late(of_joined.iter().map(|attempt| accepted(&attempt.claim, &format!("m{}", attempt.claim.key.row()))))
        .await;
    let states = next.states().await;
    assert_eq!(
        states,
        [State::Uncertain, State::Uncertain, State::Accepted, State::Accepted, State::Pending, State::Pending]
    );
}

#[tokio::test]
async fn who_left_claims_nothing_more() {
    let Some((f, other)) = two_processes().await else { return };
    let owner = f.run("job", 2).await;
    let (joined, _lock) = joined(&owner, &other).await;
    joined.send(|claim| accepted(claim, "m1")).await;
    other.leave(joined.owner).await.unwrap();
    joined.settle_late([]).await;
    assert_eq!(owner.claim(9).await.len(), 1);
}

#[tokio::test]
async fn only_the_process_with_the_lock_takes_a_run_over() {
    let Some((f, other)) = two_processes().await else { return };
    let owner = f.run("job", 1).await;
    let lock = f.store.lock(&owner.id).await.unwrap();
    let _other_lock = other.lock_joined(&owner.id).await.unwrap();
    let refused = other.take_over(owner.run, None, NOW).await;
    assert!(matches!(&refused, Err(StoreError::Held(run)) if *run == owner.id), "{refused:?}");
    drop(lock);
    f.store.close().await.unwrap();
    let refused = other.take_over(owner.run, None, NOW).await;
    assert!(matches!(refused, Err(StoreError::Held(_))), "it has no lock yet: {refused:?}");
    let _lock = other.lock(&owner.id).await.unwrap();
    assert!(other.take_over(owner.run, None, NOW).await.is_ok());
}

#[tokio::test]
async fn workers_of_one_account_share_its_slots() {
    let Some((f, other)) = two_processes().await else { return };
    let owner = f.run("job", 100).await;
    let _lock = f.store.lock(&owner.id).await.unwrap();
    let owner = owner.next().await;
    let (joined, _joined_lock) = joined(&owner, &other).await;
    let rate = |requests: u32| (std::num::NonZeroU32::new(requests).unwrap(), std::time::Duration::from_secs(1));
    for worker in [&owner, &joined] {
        worker.store.use_account(worker.owner, "account", rate(100)).await.unwrap();
    }
    let mut slots = Vec::new();
    for worker in [&owner, &joined, &owner] {
        let step = worker.step(Step { want: 50, now: NOW, ..Step::default() }).await;
        assert_eq!(step.slots.len(), step.attempts.len());
        assert!(step.attempts.len() <= 6 && step.claim_again.is_some(), "{}", step.attempts.len());
        slots.extend(step.slots);
    }
    // Their clocks were compared with the server's one after the other, so the order may differ by a moment.
    slots.sort_by_key(|slot| slot.at);
    let gaps = slots.windows(2).map(|pair| pair[1].at.duration_since(pair[0].at));
    assert!(gaps.clone().all(|gap| gap > std::time::Duration::from_millis(7)), "{:?}", gaps.collect::<Vec<_>>());
    // A lower rate of one counts for all, and what left before counts too.
    joined.store.use_account(joined.owner, "account", rate(1)).await.unwrap();
    let step = owner.step(Step { want: 50, now: NOW, ..Step::default() }).await;
    assert!(step.attempts.is_empty() && step.claim_again.is_some());
    // So it does after the rate was raised again: those messages left within the last second.
    joined.store.use_account(joined.owner, "account", rate(50)).await.unwrap();
    let step = owner.step(Step { want: 50, now: NOW, ..Step::default() }).await;
    assert!(step.attempts.is_empty(), "{}", step.attempts.len());
}

/// Claims that were given back do not count. A process that takes a run over keeps its count.
#[tokio::test]
async fn the_messages_of_each_process_are_counted() {
    let Some((f, other)) = two_processes().await else { return };
    let owner = f.run("job", 9).await;
    let lock = f.store.lock(&owner.id).await.unwrap();
    let owner = owner.next().await;
    let (joined, _joined_lock) = joined(&owner, &other).await;
    let rate = (std::num::NonZeroU32::new(100).unwrap(), std::time::Duration::from_secs(1));
    for worker in [&owner, &joined] {
        worker.store.use_account(worker.owner, "account", rate).await.unwrap();
    }
    let counts = async || other.workers().await.unwrap().iter().map(|worker| worker.claimed).collect::<Vec<_>>();
    let claims = owner.claim(3).await;
    owner.settle([released(&claims[0].claim, at(5)), accepted(&claims[1].claim, "m")]).await;
    let claims = joined.claim(1).await;
    assert_eq!(counts().await, [2, 1]);
    joined.settle([accepted(&claims[0].claim, "n")]).await;
    drop(lock);
    f.store.close().await.unwrap();
    let _lock = other.lock(&owner.id).await.unwrap();
    other.take_over(owner.run, None, NOW).await.unwrap();
    assert_eq!(counts().await, [1]);
}

#[tokio::test]
async fn a_problem_stops_a_run_until_it_continues() {
    let Some((f, other)) = two_processes().await else { return };
    let owner = f.run("job", 1).await;
    let problem = crate::model::Problem::new("10001", "the code is invalid");
    other.halt(owner.run, &problem).await.unwrap();
    assert_eq!(f.store.halted(owner.run).await.unwrap(), Some(problem));
    f.store.record_stop(owner.owner, None, NOW).await.unwrap();
    assert_eq!(f.store.halted(owner.run).await.unwrap(), None);
}

/// The statement that begins a transaction waits for the line of the store, and may fail.
#[tokio::test]
async fn a_transaction_that_could_not_begin_leaves_nothing_behind() {
    let Some((f, other)) = two_processes().await else { return };
    let w = f.run("job", 4).await;
    let mut holder = other.write().await.unwrap();
    let held = holder.begin("hold the store").await.unwrap();
    f.store.write().await.unwrap().connection().command("SET lock_timeout = '100ms'").await.unwrap();
    assert!(f.store.is_writable().await.is_err());
    held.close().await.unwrap();
    f.store.is_writable().await.unwrap();
    assert_eq!(w.claim(1).await.len(), 1);
}

/// Between steps, something else may be the first to use a connection that has died.
#[tokio::test]
async fn a_connection_that_the_server_has_ended_is_replaced_whatever_uses_it_next() {
    let Some((f, other)) = two_processes().await else { return };
    let w = f.run("job", 4).await;
    let claims = async || f.store.claims(w.owner, true).await.map(drop);
    let rate = (std::num::NonZeroU32::MIN, std::time::Duration::from_secs(1));
    let slot = async || f.store.take_slot("account", rate).await.map(drop);
    let reachable = async || f.store.is_writable().await;
    for uses in 0..3 {
        let backend: i64 = query_scalar("SELECT CAST(pg_backend_pid() AS BIGINT)")
            .fetch_one(f.store.write().await.unwrap().connection())
            .await
            .unwrap();
        // After a step, the connection is used again without a question.
        assert_eq!(w.claim(1).await.len(), 1);
        query("SELECT pg_terminate_backend(CAST($1 AS INT))")
            .bind(backend)
            .fetch_all(&mut other.separate().await.unwrap())
            .await
            .unwrap();
        let mut answers = Vec::new();
        for _ in 0..2 {
            answers.push(match uses {
                0 => claims().await,
                1 => slot().await,
                _ => reachable().await,
            });
        }
        assert!(answers[0].as_ref().is_err_and(StoreError::is_away), "{uses}: {answers:?}");
        assert!(answers[1].is_ok(), "{uses}: {answers:?}");
    }
}
