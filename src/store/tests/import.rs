//! The import of a run's rows, and who may write to a run at all.

use super::*;
use crate::model::{CellProblem, RowNumber, RowProblem, State};

contract!(
    rows_come_out_as_they_went_in,
    duplicates_and_suppressed_numbers_are_not_sent,
    what_a_broken_import_left_behind_goes,
    an_import_that_is_abandoned_ends_its_run,
    a_plan_is_discarded_only_before_anything_was_sent,
    the_content_of_a_run_changes_only_before_its_plan,
    a_process_that_lost_the_run_is_refused_everything,
);

async fn rows_come_out_as_they_went_in(f: Fixture<impl Place>) {
    let problems = vec![RowProblem::from(CellProblem::TooLong).column("name"), CellProblem::Empty.into()];
    let rows = [
        planned(1),
        invalid(2),
        PlannedRow { problems, ..planned(3) },
        PlannedRow { to: Ok(crate::model::Phone::from_u64(999_999_999_999_999)), ..planned(4) },
    ];
    let w = f.begun("job").await;
    f.store.begin_import(w.owner, &["a".into(), "b".into()], Some("snapshot")).await.unwrap();
    f.store.add_rows(w.owner, &rows[..3]).await.unwrap();
    f.store.add_rows(w.owner, &rows[3..]).await.unwrap();
    assert_eq!(w.now().await.planned_at, None);
    f.store.finish_import(w.owner, at(3)).await.unwrap();
    let run = w.now().await;
    assert_eq!((run.columns, run.template.as_deref()), (vec!["a".to_owned(), "b".to_owned()], Some("snapshot")));
    assert_eq!(run.planned_at, Some(at(3)));
    let found = w.rows(Wanted { cells: true, since: None }).await;
    let texts: Vec<_> = found.iter().map(|row| (row.to.as_str(), row.cells.concat(), row.state)).collect();
    use State::{Invalid, Pending};
    let to = [phone(1).digits(), phone(3).digits()];
    let expected = [
        (to[0].as_str(), "cell 1".to_owned(), Pending),
        ("number 2", "cell 2".to_owned(), Invalid),
        (to[1].as_str(), "cell 3".to_owned(), Invalid),
        ("999999999999999", "cell 4".to_owned(), Pending),
    ];
    assert_eq!(texts, expected);
    assert_eq!(found[2].error_code.as_deref(), Some("cell_too_long"));
    assert_eq!(found[2].error_message.as_deref(), Some(RowProblem::joined(&rows[2].problems).as_str()));
    assert_eq!(numbers(&w.claim(9).await), [1, 4]);
    w.check().await;
}

async fn duplicates_and_suppressed_numbers_are_not_sent(f: Fixture<impl Place>) {
    f.store.suppress(&[2, 3, 5].map(phone), Some("asked"), NOW).await.unwrap();
    f.store.suppress(&[phone(4)], None, NOW).await.unwrap();
    let w = f.begun("job").await;
    f.store.begin_import(w.owner, &[], None).await.unwrap();
    let mut rows: Vec<_> = (1..=7).map(planned).collect();
    rows[4] = PlannedRow { problems: vec![CellProblem::Empty.into()], ..planned(5) };
    rows[5] = PlannedRow { to: Ok(phone(1)), ..planned(6) };
    rows[6] = PlannedRow { to: Ok(phone(3)), ..planned(7) };
    f.store.add_rows(w.owner, &rows).await.unwrap();
    f.store
        .mark_duplicates(
            w.owner,
            &[(RowNumber(5), RowNumber(1)), (RowNumber(6), RowNumber(1)), (RowNumber(7), RowNumber(3))],
        )
        .await
        .unwrap();
    f.store.finish_import(w.owner, NOW).await.unwrap();
    use State::{Duplicate, Invalid, Pending, Suppressed};
    let expected = [Pending, Suppressed, Suppressed, Suppressed, Invalid, Duplicate, Duplicate];
    assert_eq!(w.states().await, expected);
    let words = async |row| w.row(row).await.error_message.unwrap();
    assert_eq!((words(2).await, words(4).await), ("asked".into(), "on the suppression list".into()));
    assert_eq!(words(7).await, "the same number as row 3");
    assert_eq!(w.row(7).await.error_code.as_deref(), Some("duplicate"));
    f.store.unsuppress(&[2, 3, 4].map(phone)).await.unwrap();
    assert_eq!(numbers(&w.claim(9).await), [1], "what was decided at the import stays");
    w.check().await;
}

async fn what_a_broken_import_left_behind_goes(f: Fixture<impl Place>) {
    let (w, other) = (f.begun("job").await, f.run("other", 3).await);
    f.store.begin_import(w.owner, &["old".into()], Some("old")).await.unwrap();
    f.store.add_rows(w.owner, &(1..=5).map(planned).collect::<Vec<_>>()).await.unwrap();
    // The process dies. Now the rows are fewer, and different.
    let next = w.next().await;
    next.import(&[planned(1), PlannedRow { to: Ok(phone(9)), ..planned(2) }]).await;
    let run = w.now().await;
    assert_eq!((run.columns, run.template), (vec!["name".to_owned()], None));
    let claims = next.claim(9).await;
    assert_eq!((numbers(&claims), claims[1].phone), (vec![1, 2], phone(9)));
    assert_eq!((w.states().await.len(), other.states().await.len()), (2, 3));
    w.check().await;
    other.check().await;
}

async fn an_import_that_is_abandoned_ends_its_run(f: Fixture<impl Place>) {
    let w = f.begun("job").await;
    f.store.begin_import(w.owner, &[], None).await.unwrap();
    f.store.add_rows(w.owner, &[planned(1)]).await.unwrap();
    f.store.abandon_import(w.owner, at(1)).await.unwrap();
    let run = w.now().await;
    assert_eq!((run.cancelled_at, run.dispatched_at, run.finished_at), (Some(at(1)), Some(at(1)), Some(at(1))));
    assert_eq!((w.states().await.len(), w.claim(9).await.len()), (0, 0));
    w.check().await;
    // No one was messaged, so a new run needs no decision.
    let started = f.store.start_run(&content("job"), Repeat::Unsaid, NOW).await.unwrap();
    let StartDecision::New(run) = started else { panic!("{started:?}") };
    let second = Worker::of(&f.store, &run).await;
    second.import(&[planned(1)]).await;
    f.store.abandon_import(second.owner, at(1)).await.unwrap();
    assert_eq!((second.now().await.cancelled_at, second.claim(9).await.len()), (None, 1), "its rows are in");
}

async fn a_plan_is_discarded_only_before_anything_was_sent(f: Fixture<impl Place>) {
    let w = f.begun("job").await;
    w.import(&[planned(1), planned(2)]).await;
    assert!(f.store.discard_plan(w.run).await.unwrap());
    assert_eq!(w.now().await.planned_at, None);
    w.import(&[planned(1)]).await;
    f.store.reach(w.run, Stage::Started, NOW).await.unwrap();
    assert!(!f.store.discard_plan(w.run).await.unwrap());
    assert_eq!((w.now().await.planned_at, numbers(&w.claim(9).await)), (Some(NOW), vec![1]));
    w.check().await;
}

async fn the_content_of_a_run_changes_only_before_its_plan(f: Fixture<impl Place>) {
    let w = f.begun("job").await;
    let new =
        NewRun { campaign: "[]".into(), campaign_hash: "d".into(), recipients_hash: "s".into(), ..content("job") };
    f.store.replace_content(w.run, &new).await.unwrap();
    let content_of = async || {
        let run = w.now().await;
        (run.campaign, run.campaign_hash, run.recipients_hash)
    };
    let replaced = ("[]".to_owned(), "d".to_owned(), "s".to_owned());
    assert_eq!(content_of().await, replaced);
    w.import(&[planned(1)]).await;
    f.store.replace_content(w.run, &content("job")).await.unwrap();
    assert_eq!(content_of().await, replaced);
    // Its template may be checked against another snapshot later.
    f.store.hold_run(w.run, "snapshot").await.unwrap();
    assert_eq!(w.now().await.template.as_deref(), Some("snapshot"));
}

async fn a_process_that_lost_the_run_is_refused_everything(f: Fixture<impl Place>) {
    let fresh = f.begun("fresh").await;
    f.store.begin_import(fresh.owner, &[], None).await.unwrap();
    f.store.add_rows(fresh.owner, &[planned(1)]).await.unwrap();
    let w = f.run("job", 3).await;
    w.settle(w.claim(2).await.iter().map(|attempt| rejected(&attempt.claim))).await;
    let (next, run) = (w.next().await, w.now().await);
    fresh.next().await;
    let (seen, of_fresh) = (w.all().await, fresh.all().await);
    let (old, lost) = (w.owner, fresh.owner);
    let row = Deferral { key: w.key(3), state: State::Pending, next_attempt_at: Some(NOW), cause: None };
    let refused = [
        f.store.begin_import(lost, &[], None).await,
        f.store.add_rows(lost, &[planned(2)]).await,
        f.store.mark_duplicates(lost, &[(RowNumber(1), RowNumber(1))]).await,
        f.store.leave_out(lost, LeaveOut::Everyone).await.map(drop),
        f.store.finish_import(lost, NOW).await,
        f.store.abandon_import(lost, NOW).await,
        f.store.schedule_rows(old, &[row]).await,
        f.store.requeue(old, &run, &RequeueFilter::in_states(&[State::Rejected]), true, NOW).await.map(drop),
        f.store.cancel_waiting(old).await,
        f.store.resolve_uncertain(old, Which::All, Verdict::Sent, "Ana", NOW).await.map(drop),
        f.store.advance(old, &Step { want: 1, now: NOW, ..Step::default() }).await.map(drop),
    ];
    for (number, refused) in refused.iter().enumerate() {
        assert!(matches!(refused, Err(StoreError::NotOwner(_))), "{number} {refused:?}");
    }
    assert!(w.all().await == seen && fresh.all().await == of_fresh);
    assert_eq!((fresh.now().await.planned_at, fresh.now().await.cancelled_at), (None, None));
    assert_eq!(numbers(&next.claim(9).await), [3]);
}
