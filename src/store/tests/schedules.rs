//! Schedules: each time at which a campaign is due is decided once, and waits for the run before it.

use super::*;
use crate::model::{Millis, RunId};
use Recurrence::Repeated;

const ONCE: Recurrence = Recurrence::Once { skips_reached: false };

contract!(
    of_two_processes_one_makes_the_occurrence_a_run_whatever_the_clock_does,
    the_next_occurrence_waits_until_the_run_before_it_is_sent,
    rows_that_were_never_tried_block_the_next_run_and_no_others_do,
    what_runs_once_does_not_run_again_after_a_person_had_it_run,
    a_person_decides_before_what_runs_once_sends_again,
    a_cancelled_run_does_not_count_as_having_run,
    a_skipped_occurrence_keeps_its_reason,
    a_schedule_counts_since_it_was_first_seen_and_another_one_anew,
);

async fn begin(store: &Store, due: i64, recurrence: Recurrence) -> OccurrenceStart {
    store.start_occurrence(&content("daily"), Millis(due), recurrence, Millis(due + 5)).await.unwrap()
}

async fn of_two_processes_one_makes_the_occurrence_a_run_whatever_the_clock_does(f: Fixture<impl Place>) {
    let (one, two) = (f.reopened().await, f.reopened().await);
    let (first, second) = tokio::join!(begin(&one, 1000, Repeated), begin(&two, 1000, Repeated));
    let made = [&first, &second].into_iter().filter(|start| matches!(start, OccurrenceStart::Made(_))).count();
    let decided = [&first, &second].into_iter().filter(|start| matches!(start, OccurrenceStart::Decided)).count();
    assert_eq!((made, decided), (1, 1), "{first:?} {second:?}");
    // The clock is set back, and the time comes again.
    let other = NewRun { recipients_hash: "b".into(), ..content("daily") };
    let again = one.start_occurrence(&other, Millis(1000), Repeated, Millis(900)).await.unwrap();
    assert!(matches!(again, OccurrenceStart::Decided), "{again:?}");
    assert!(!one.skip_occurrence("daily", Millis(1000), "late", Millis(9000)).await.unwrap());
    assert_eq!(f.store.last_decided("daily", Millis(999)).await.unwrap(), None, "what lies ahead decides nothing");
    assert_eq!(f.store.last_decided("daily", Millis(5000)).await.unwrap(), Some(Millis(1000)));
    let run = f.store.run(None).await.unwrap();
    assert_eq!(f.store.due_of(run.key).await.unwrap(), Some(Millis(1000)));
    assert_eq!(f.store.unfinished().await.unwrap()[0].1, Some(Millis(1000)));
    assert_eq!(f.store.due_of(f.begun("other").await.run).await.unwrap(), None);
}

async fn the_next_occurrence_waits_until_the_run_before_it_is_sent(f: Fixture<impl Place>) {
    let OccurrenceStart::Made(run) = begin(&f.store, 1000, Repeated).await else { panic!("it is the first") };
    let waits = begin(&f.store, 2000, Repeated).await;
    assert!(matches!(&waits, OccurrenceStart::Blocked(other) if other.key == run.key), "{waits:?}");
    let w = Worker::of(&f.store, &run).await;
    w.import(&[planned(1)]).await;
    assert!(matches!(begin(&f.store, 2000, Repeated).await, OccurrenceStart::Blocked(_)));
    w.claim_one().await;
    assert!(matches!(begin(&f.store, 2000, Repeated).await, OccurrenceStart::Made(_)), "the same content, another day");
    let became: Vec<_> = f.store.occurrences("daily", 9).await.unwrap().into_iter().map(|o| o.became).collect();
    assert_eq!(became, [Ok(RunId::new("daily", 2)), Ok(RunId::new("daily", 1))]);
    assert_eq!(f.store.occurrences("daily", 1).await.unwrap().len(), 1);
    assert_eq!(f.store.occurrences_so_far().await.unwrap(), (2, 0));
}

/// A run of which every row was claimed blocks nothing, even if some rows are in flight since a crash, or wait for
/// days.
async fn rows_that_were_never_tried_block_the_next_run_and_no_others_do(f: Fixture<impl Place>) {
    let blocking = async |name: &str| f.store.blocking_run(name).await.unwrap().map(|run| run.id);
    let w = f.begun("job").await;
    assert_eq!(blocking("job").await, Some(w.id.clone()), "its rows are not known yet");
    w.import(&(1..=4).map(planned).collect::<Vec<_>>()).await;
    assert_eq!(blocking("job").await, Some(w.id.clone()));
    assert_eq!(blocking("other").await, None);
    let key = w.key(1);
    let row = Deferral { key, state: crate::model::State::Pending, next_attempt_at: Some(at(9)), cause: None };
    w.store.schedule_rows(w.owner, &[row]).await.unwrap();
    let claims = w.claim(2).await;
    w.settle([again(&claims[0].claim, at(99))]).await;
    let last = w.claim_one().await;
    assert_eq!(blocking("job").await, Some(w.id.clone()), "row 1 waits for its own time");
    let first = w.claim_one_at(at(9)).await;
    assert_eq!(blocking("job").await, None, "the others are in flight, or wait for another attempt");
    w.settle([released(&first, at(10))]).await;
    assert_eq!(blocking("job").await, Some(w.id.clone()), "no request has left for row 1");
    w.settle([rejected(&w.claim_one_at(at(10)).await), rejected(&last)]).await;
    assert_eq!(blocking("job").await, None);
    // Another run of the name; their keys never overlap.
    let second = f.one_more("job", 1).await;
    assert_eq!(blocking("job").await, Some(second.id.clone()));
    f.store.cancel(second.run, "Ana", NOW).await.unwrap();
    assert_eq!(blocking("job").await, None);
}

async fn what_runs_once_does_not_run_again_after_a_person_had_it_run(f: Fixture<impl Place>) {
    let decision = f.store.start_run(&content("daily"), Repeat::Unsaid, Millis(1)).await.unwrap();
    let StartDecision::New(run) = decision else { panic!("{decision:?}") };
    let w = Worker::of(&f.store, &run).await;
    assert!(matches!(begin(&f.store, 1000, ONCE).await, OccurrenceStart::Blocked(_)), "it is not planned yet");
    w.import(&[planned(1)]).await;
    f.store.reach(w.run, Stage::Started, NOW).await.unwrap();
    assert!(matches!(begin(&f.store, 1000, ONCE).await, OccurrenceStart::Blocked(_)), "it is not sent yet");
    w.send(|claim| accepted(claim, "a")).await;
    assert!(matches!(begin(&f.store, 1000, ONCE).await, OccurrenceStart::RanBefore(_)), "nor is this known");
    f.store.reach(w.run, Stage::Dispatched, NOW).await.unwrap();
    assert!(matches!(begin(&f.store, 1000, ONCE).await, OccurrenceStart::Ran(_)));
    let [skipped] = &f.store.occurrences("daily", 9).await.unwrap()[..] else { panic!("there is one") };
    assert_eq!(skipped.became, Err("daily-1 already ran with the same content".to_owned()));
    assert!(matches!(begin(&f.store, 1000, ONCE).await, OccurrenceStart::Decided));
    assert_eq!(f.store.runs(9).await.unwrap().len(), 1);
}

/// After the list was edited and the time was moved.
async fn a_person_decides_before_what_runs_once_sends_again(f: Fixture<impl Place>) {
    let w = f.run("daily", 1).await;
    w.send(|claim| accepted(claim, "a")).await;
    let edited = NewRun { recipients_hash: "b".into(), ..content("daily") };
    let start =
        async |due, recurrence| f.store.start_occurrence(&edited, Millis(due), recurrence, Millis(due)).await.unwrap();
    for _ in 0..2 {
        let asked = start(1000, ONCE).await;
        assert!(matches!(&asked, OccurrenceStart::RanBefore(run) if run.id == w.id), "{asked:?}");
    }
    assert_eq!(f.store.last_sent("daily").await.unwrap().map(|run| run.id), Some(w.id));
    assert_eq!(f.store.occurrences("daily", 9).await.unwrap(), [], "it may still start");
    let skipping = start(1000, Recurrence::Once { skips_reached: true }).await;
    let OccurrenceStart::Made(made) = skipping else { panic!("{skipping:?}") };
    // Nobody has been messaged by the last run yet.
    f.store.cancel(made.key, "Ana", NOW).await.unwrap();
    let asked = start(2000, ONCE).await;
    assert!(matches!(&asked, OccurrenceStart::RanBefore(run) if run.id.number() == 1), "{asked:?}");
    let repeated = start(2000, Repeated).await;
    assert!(matches!(repeated, OccurrenceStart::Made(_)), "{repeated:?}");
}

/// A trial, which was cancelled before or after it had sent some messages.
async fn a_cancelled_run_does_not_count_as_having_run(f: Fixture<impl Place>) {
    let decision = f.store.start_run(&content("daily"), Repeat::Unsaid, Millis(1)).await.unwrap();
    let StartDecision::New(run) = decision else { panic!("{decision:?}") };
    let w = Worker::of(&f.store, &run).await;
    w.import(&[planned(1), planned(2)]).await;
    f.store.cancel(w.run, "Ana", NOW).await.unwrap();
    let OccurrenceStart::Made(made) = begin(&f.store, 1000, ONCE).await else { panic!("nothing was sent") };
    let w = Worker::of(&f.store, &made).await;
    w.import(&[planned(1), planned(2)]).await;
    f.store.reach(w.run, Stage::Started, NOW).await.unwrap();
    w.send(|claim| accepted(claim, "a")).await;
    f.store.cancel(w.run, "Ana", NOW).await.unwrap();
    f.store.reach(w.run, Stage::Dispatched, NOW).await.unwrap();
    let asked = begin(&f.store, 2000, ONCE).await;
    assert!(matches!(asked, OccurrenceStart::RanBefore(_)), "{asked:?}");
}

async fn a_skipped_occurrence_keeps_its_reason(f: Fixture<impl Place>) {
    assert!(f.store.skip_occurrence("daily", Millis(1000), "too late", Millis(5)).await.unwrap());
    assert!(matches!(begin(&f.store, 1000, Repeated).await, OccurrenceStart::Decided));
    let OccurrenceStart::Made(run) = begin(&f.store, 2000, Repeated).await else { panic!("it is the first run") };
    f.store.skip_started_occurrence(run.key, "nothing to send", Millis(7)).await.unwrap();
    let occurrence = |due, became: &str, decided| Occurrence {
        due: Millis(due),
        became: Err(became.to_owned()),
        decided: Millis(decided),
    };
    let expected = [occurrence(2000, "nothing to send", 7), occurrence(1000, "too late", 5)];
    assert_eq!(f.store.occurrences("daily", 9).await.unwrap(), expected);
    assert_eq!(f.store.occurrences_so_far().await.unwrap(), (0, 2));
}

async fn a_schedule_counts_since_it_was_first_seen_and_another_one_anew(f: Fixture<impl Place>) {
    let see = async |rule, now| f.store.see_schedule("daily", rule, Millis(now)).await.unwrap();
    assert_eq!(see("cron a", 100).await, Millis(100));
    assert_eq!(see("cron a", 900).await, Millis(100));
    assert_eq!(see("cron a", 50).await, Millis(50), "the clock went back");
    assert_eq!(see("cron b", 900).await, Millis(900));
}
