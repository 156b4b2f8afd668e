//! Runs: started once, found, taken over, controlled, and moved through their stages.

use std::num::NonZeroU32;
use std::time::Duration;

use super::*;
use crate::model::{RunId, State};

contract!(
    of_two_that_start_the_same_one_makes_the_run,
    what_a_start_means_follows_from_earlier_runs,
    whom_a_run_leaves_out_is_decided_by_its_plan,
    runs_are_found_by_their_id_the_newest_first,
    a_worker_number_is_never_used_again,
    the_first_word_of_a_person_counts_until_it_is_lifted,
    a_stage_is_noted_once_and_only_when_it_is_reached,
);

async fn of_two_that_start_the_same_one_makes_the_run(f: Fixture<impl Place>) {
    let (one, two) = (f.reopened().await, f.reopened().await);
    let new = content("sale");
    let (first, second) =
        tokio::join!(one.start_run(&new, Repeat::Unsaid, NOW), two.start_run(&new, Repeat::Unsaid, NOW));
    match (first.unwrap(), second.unwrap()) {
        (StartDecision::New(made), StartDecision::Resume(found))
        | (StartDecision::Resume(found), StartDecision::New(made)) => {
            assert_eq!((made.id, found.key), (RunId::new("sale", 1), made.key));
        }
        decisions => panic!("{decisions:?}"),
    }
    assert_eq!(f.store.runs(9).await.unwrap().len(), 1);
    // Another name is independent.
    let other = f.store.start_run(&content("other"), Repeat::Unsaid, NOW).await.unwrap();
    assert!(matches!(&other, StartDecision::New(run) if run.id == RunId::new("other", 1)), "{other:?}");
}

async fn what_a_start_means_follows_from_earlier_runs(f: Fixture<impl Place>) {
    let w = f.begun("sale").await;
    let would = async |new: &NewRun, repeat| f.store.would_start(new, repeat).await.unwrap();
    let same = content("sale");
    let other_list = NewRun { recipients_hash: "other".into(), ..same.clone() };
    let other_text = NewRun { campaign_hash: "other".into(), ..same.clone() };
    let found = would(&same, Repeat::Unsaid).await;
    assert!(matches!(&found, Some(StartDecision::Resume(run)) if run.id == w.id), "{found:?}");
    w.import(&[planned(1)]).await;
    for (new, of_campaign) in [(&other_list, false), (&other_text, true)] {
        let found = would(new, Repeat::Again).await;
        let Some(StartDecision::Differs { run, campaign }) = found else { panic!("{found:?}") };
        assert_eq!((run.id, campaign), (w.id.clone(), of_campaign));
    }
    f.store.reach(w.run, Stage::Started, NOW).await.unwrap();
    w.send(|claim| accepted(claim, "m")).await;
    f.store.reach(w.run, Stage::Dispatched, NOW).await.unwrap();
    assert!(matches!(would(&same, Repeat::Unsaid).await, Some(StartDecision::Resume(_))), "its statuses are awaited");
    assert!(matches!(would(&other_list, Repeat::Unsaid).await, Some(StartDecision::RanBefore)));
    assert!(would(&same, Repeat::Again).await.is_none());
    // A second run, for new people only.
    let started = f.store.start_run(&same, Repeat::OnlyNew, at(1)).await.unwrap();
    let StartDecision::New(run) = started else { panic!("{started:?}") };
    assert_eq!((run.id.clone(), run.only_new, run.created_at), (RunId::new("sale", 2), true, at(1)));
    let second = Worker::of(&f.store, &run).await;
    second.import(&[planned(2)]).await;
    f.store.reach(second.run, Stage::Started, NOW).await.unwrap();
    assert!(matches!(would(&same, Repeat::Again).await, Some(StartDecision::ForOthers(run)) if run.id == second.id));
    f.store.cancel(second.run, "Ana", NOW).await.unwrap();
    let found = would(&other_list, Repeat::Again).await;
    assert!(matches!(&found, Some(StartDecision::Ending(run)) if run.id == second.id), "{found:?}");
    f.store.reach(second.run, Stage::Dispatched, NOW).await.unwrap();
    let third = f.store.start_run(&other_list, Repeat::Again, NOW).await.unwrap();
    assert!(matches!(&third, StartDecision::New(run) if run.id == RunId::new("sale", 3)), "{third:?}");
}

async fn whom_a_run_leaves_out_is_decided_by_its_plan(f: Fixture<impl Place>) {
    let w = f.begun("sale").await;
    f.store.set_only_new(w.run, true).await.unwrap();
    assert!(w.now().await.only_new);
    w.import(&[planned(1)]).await;
    f.store.set_only_new(w.run, false).await.unwrap();
    assert!(w.now().await.only_new, "its rows are in");
}

async fn runs_are_found_by_their_id_the_newest_first(f: Fixture<impl Place>) {
    assert!(matches!(f.store.run(None).await, Err(StoreError::NoRun)));
    let (one, two) = (f.run("sale", 1).await, f.run("sale-1", 1).await);
    let unknown = RunId::new("sale", 2);
    let found = f.store.run(Some(&unknown)).await;
    assert!(matches!(&found, Err(StoreError::NoSuchRun(run)) if *run == unknown), "{found:?}");
    assert_eq!(f.store.run(Some(&one.id)).await.unwrap().key, one.run);
    assert_eq!(f.store.run(None).await.unwrap().id, two.id);
    let ids = |runs: Vec<Run>| runs.into_iter().map(|run| run.id).collect::<Vec<_>>();
    assert_eq!(ids(f.store.runs(9).await.unwrap()), [two.id.clone(), one.id.clone()]);
    assert_eq!(ids(f.store.runs(1).await.unwrap()).as_slice(), std::slice::from_ref(&two.id));
    one.send(rejected).await;
    for stage in [Stage::Dispatched, Stage::Finished] {
        f.store.reach(one.run, stage, at(5)).await.unwrap();
    }
    let unfinished = f.store.unfinished().await.unwrap();
    assert_eq!(unfinished.iter().map(|(run, due)| (&run.id, *due)).collect::<Vec<_>>(), [(&two.id, None)]);
    let run = f.store.run(Some(&one.id)).await.unwrap();
    let new = content("sale");
    assert_eq!((run.campaign, run.campaign_hash, run.recipients_hash), ("{}".into(), new.campaign_hash, "r".into()));
    assert_eq!((run.columns, run.created_at, run.planned_at), (vec!["name".to_owned()], NOW, Some(NOW)));
    assert_eq!((run.started_at, run.dispatched_at, run.finished_at), (Some(NOW), Some(at(5)), Some(at(5))));
}

async fn a_worker_number_is_never_used_again(f: Fixture<impl Place>) {
    let (one, two) = (f.run("one", 1).await, f.run("two", 1).await);
    let mut workers = vec![one.owner.worker, two.owner.worker];
    for _ in 0..3 {
        // From two processes at once.
        let (store, other) = (f.reopened().await, f.reopened().await);
        let (first, second) = tokio::join!(store.take_over(one.run, None, NOW), other.take_over(two.run, None, NOW));
        workers.extend([first.unwrap().worker, second.unwrap().worker]);
    }
    assert!((1..workers.len()).all(|n| !workers[..n].contains(&workers[n])), "{workers:?}");
}

async fn the_first_word_of_a_person_counts_until_it_is_lifted(f: Fixture<impl Place>) {
    let (w, other) = (f.run("job", 1).await, f.run("other", 1).await);
    assert_eq!(f.store.orders(w.run).await.unwrap(), Orders::default());
    f.store.pause(w.run, "Ana", at(1)).await.unwrap();
    f.store.pause(w.run, "Ben", at(2)).await.unwrap();
    let run = w.now().await;
    assert_eq!((run.paused_at, run.paused_by.as_deref()), (Some(at(1)), Some("Ana")));
    assert!(f.store.lift_pause(w.run).await.unwrap());
    assert_eq!((w.now().await.paused_at, w.now().await.paused_by), (None, None));
    let rate = |requests, seconds| (NonZeroU32::new(requests).unwrap(), Duration::from_secs(seconds));
    f.store.set_rate(w.run, rate(5, 60), "Ana", at(3)).await.unwrap();
    f.store.set_rate(w.run, rate(7, 1), "Ben", at(4)).await.unwrap();
    let run = w.now().await;
    assert_eq!((run.rate, run.rate_at, run.rate_by.as_deref()), (Some(rate(7, 1)), Some(at(4)), Some("Ben")));
    f.store.cancel(w.run, "Ana", at(5)).await.unwrap();
    f.store.cancel(w.run, "Ben", at(6)).await.unwrap();
    let run = w.now().await;
    assert_eq!((run.cancelled_at, run.cancelled_by.as_deref()), (Some(at(5)), Some("Ana")));
    let orders = Orders { cancelled: true, paused: false, rate: Some(rate(7, 1)) };
    assert_eq!(f.reopened().await.orders(w.run).await.unwrap(), orders);
    assert_eq!(f.store.orders(other.run).await.unwrap(), Orders::default());
}

async fn a_stage_is_noted_once_and_only_when_it_is_reached(f: Fixture<impl Place>) {
    let w = f.run("job", 2).await;
    f.store.reach(w.run, Stage::Started, at(9)).await.unwrap();
    assert_eq!(w.now().await.started_at, Some(NOW));
    let first = w.claim_one().await;
    let dispatched = async |now| {
        f.store.reach(w.run, Stage::Dispatched, now).await.unwrap();
        w.now().await.dispatched_at
    };
    assert_eq!(dispatched(at(1)).await, None, "one is in flight");
    w.settle([again(&first, at(5))]).await;
    assert_eq!(dispatched(at(2)).await, None, "one waits");
    w.settle([rejected(&w.claim_one_at(at(5)).await)]).await;
    w.send(|claim| accepted(claim, "m")).await;
    assert_eq!(dispatched(at(3)).await, Some(at(3)));
    assert_eq!(dispatched(at(4)).await, Some(at(3)));
    assert_eq!(w.states().await, [State::Rejected, State::Accepted]);
}
