//! People whom earlier runs of a name reached: skipped in the next run, and shown before one is started.

use super::*;
use crate::model::{DeliveryStatus, Millis, Phone, RowNumber, RunId, State, StatusUpdate};

contract!(
    people_who_may_have_an_earlier_message_are_left_out_of_the_next_run,
    people_about_to_be_messaged_are_left_out_however_old_their_last_attempt_is,
    people_who_got_an_earlier_message_of_a_row_are_left_out,
    people_who_may_have_an_attempt_before_one_that_failed_are_left_out_and_not_sent_again_unasked,
    people_reached_in_another_spelling_are_left_out_too,
    a_list_is_reported_whom_it_would_leave_out_and_whom_earlier_runs_reached,
    a_store_with_nobody_to_leave_out_has_no_listing,
);

/// Sets the end of a settlement, in milliseconds since 1970.
fn ended(settlement: Settlement, at: i64) -> Settlement {
    Settlement { ended_at: Millis(at), ..settlement }
}

/// Creates an earlier run: 1 accepted, 2 accepted long ago, 3 in doubt and to be resent, 4 refused and to be resent, 5
/// in flight, 6 released, 7 uncertain, 8 rejected. In another campaign, 6 is accepted.
async fn earlier(f: &Fixture<impl Place>) -> Worker {
    let rows: Vec<PlannedRow> = [2, 1, 3, 4, 7, 8, 5, 6]
        .into_iter()
        .enumerate()
        .map(|(n, to)| PlannedRow { to: Ok(phone(to)), ..planned(n as u64 + 1) })
        .collect();
    let w = f.run_with("job", &rows).await;
    let claim = w.claim_one_at(Millis(10)).await;
    w.settle([ended(accepted(&claim, "m2"), 11)]).await;
    let claims: Vec<Claim> = w.claim_at(3, Millis(5000)).await.iter().map(|attempt| attempt.claim).collect();
    w.settle([
        ended(accepted(&claims[0], "m1"), 6000),
        ended(interrupted_and_resent(&claims[1], at(5)), 6000),
        ended(again(&claims[2], at(5)), 6000),
    ])
    .await;
    let claims: Vec<Claim> = w.claim_at(2, Millis(3000)).await.iter().map(|attempt| attempt.claim).collect();
    w.settle([ended(doubted(&claims[0]), 6000), ended(rejected(&claims[1]), 6000)]).await;
    w.claim_one_at(Millis(8000)).await;
    w.settle([released(&w.claim_one_at(Millis(8000)).await, at(5))]).await;
    f.run_with("other", &[PlannedRow { to: Ok(phone(6)), ..planned(1) }])
        .await
        .send(|claim| accepted(claim, "o"))
        .await;
    w
}

/// Creates a new run of the name with numbers 1 to 9 in rows 1 to 9.
async fn next(f: &Fixture<impl Place>, w: &Worker) -> Worker {
    // Waiting rows may wait for days, and block nothing; rows never claimed do.
    f.store.cancel(w.run, "Ana", NOW).await.unwrap();
    let next = f.one_more_begun("job").await;
    f.store.begin_import(next.owner, &["name".to_owned()], None).await.unwrap();
    f.store.add_rows(next.owner, &(1..=9).map(planned).collect::<Vec<_>>()).await.unwrap();
    next
}

async fn left_out(next: &Worker, which: LeaveOut) -> Vec<(u64, String)> {
    let rows = next.store.leave_out(next.owner, which).await.unwrap();
    next.store.finish_import(next.owner, NOW).await.unwrap();
    next.check().await;
    let left_out: Vec<_> = next.all().await.into_iter().filter(|row| row.state == State::Suppressed).collect();
    assert_eq!(left_out.len() as u64, rows);
    assert!(left_out.iter().all(|row| row.error_code.as_deref() == Some(which.code())));
    assert_eq!(next.claim(99).await.len() as u64, 9 - rows);
    left_out.into_iter().map(|row| (row.row.0, row.error_message.unwrap())).collect()
}

async fn people_who_may_have_an_earlier_message_are_left_out_of_the_next_run(f: Fixture<impl Place>) {
    let words = |row: u64, second: u32| (row, format!("already messaged by job-1 at 1970-01-01T00:00:0{second}Z"));
    let waits = (4, "already attempted by job-1 at 1970-01-01T00:00:05Z; that run will try again".to_owned());
    let w = earlier(&f).await;
    let lately = next(&f, &w).await;
    let expected = [words(1, 6), words(3, 5), waits.clone(), words(5, 8), words(7, 3)];
    assert_eq!(left_out(&lately, LeaveOut::Since(Millis(1000))).await, expected);
    // The next run, whose rows are all in flight now, reaches everyone except these too.
    let everyone = f.one_more_begun("job").await;
    f.store.begin_import(everyone.owner, &["name".to_owned()], None).await.unwrap();
    f.store.add_rows(everyone.owner, &(1..=9).map(planned).collect::<Vec<_>>()).await.unwrap();
    let expected = [words(1, 6), words(2, 0), words(3, 5), waits, words(5, 8), words(7, 3)];
    assert_eq!(left_out(&everyone, LeaveOut::Everyone).await, expected);
}

/// A provider may ask for a message to be retried days later.
async fn people_about_to_be_messaged_are_left_out_however_old_their_last_attempt_is(f: Fixture<impl Place>) {
    let w = f.run("job", 3).await;
    w.settle([ended(again(&w.claim_one_at(Millis(5000)).await, at(5)), 5000)]).await;
    w.settle([ended(interrupted_and_resent(&w.claim_one_at(Millis(5000)).await, at(5)), 5000)]).await;
    w.settle([ended(doubted(&w.claim_one_at(Millis(5000)).await), 5000)]).await;
    let next = f.one_more_begun("job").await;
    f.store.begin_import(next.owner, &["name".to_owned()], None).await.unwrap();
    f.store.add_rows(next.owner, &(1..=9).map(planned).collect::<Vec<_>>()).await.unwrap();
    let rows: Vec<u64> = left_out(&next, LeaveOut::Since(Millis(7000))).await.into_iter().map(|(row, _)| row).collect();
    assert_eq!(rows, [1, 2], "the third may have it, but not lately");
}

async fn people_who_got_an_earlier_message_of_a_row_are_left_out(f: Fixture<impl Place>) {
    let w = f.run("job", 2).await;
    let report = async |id: &str, status| {
        let message_id = id.into();
        let update =
            StatusUpdate { message_id, status, delivered_at: None, read_at: None, problem: None, reference: None };
        f.store.save_webhooks(&WebhookBatch { statuses: vec![update], ..WebhookBatch::default() }, NOW).await.unwrap();
    };
    for id in ["m1", "m2"] {
        w.send(|claim| accepted(claim, id)).await;
        report(id, DeliveryStatus::Failed).await;
    }
    w.store.requeue(w.owner, &w.now().await, &RequeueFilter::in_states(&[State::Failed]), false, NOW).await.unwrap();
    w.send(rejected).await;
    w.send(rejected).await;
    report("m1", DeliveryStatus::Delivered).await;
    assert_eq!(w.states().await, [State::Rejected; 2]);
    let next = next(&f, &w).await;
    let words = "already messaged by job-1 at 2025-08-06T07:43:21Z".to_owned();
    assert_eq!(left_out(&next, LeaveOut::Everyone).await, [(1, words)]);
}

async fn people_who_may_have_an_attempt_before_one_that_failed_are_left_out_and_not_sent_again_unasked(
    f: Fixture<impl Place>,
) {
    let w = f.run("job", 2).await;
    w.settle([interrupted_and_resent(&w.claim_one().await, NOW)]).await;
    for id in ["m1", "m2"] {
        w.send(|claim| accepted(claim, id)).await;
        let message_id = id.into();
        let status = DeliveryStatus::Failed;
        let update =
            StatusUpdate { message_id, status, delivered_at: None, read_at: None, problem: None, reference: None };
        f.store.save_webhooks(&WebhookBatch { statuses: vec![update], ..WebhookBatch::default() }, NOW).await.unwrap();
    }
    assert_eq!(w.states().await, [State::Failed; 2]);
    let run = w.now().await;
    let sure = RequeueFilter { with_doubtful: false, ..RequeueFilter::in_states(&[State::Failed]) };
    let asked = RequeueFilter { with_doubtful: true, ..sure.clone() };
    assert_eq!(f.store.count_requeue(&run, &sure).await.unwrap(), 1);
    assert_eq!(f.store.count_requeue(&run, &asked).await.unwrap(), 2);
    let requeued = w.store.requeue(w.owner, &run, &sure, false, NOW).await.unwrap();
    assert_eq!((requeued.rows, w.states().await), (1, vec![State::Failed, State::Pending]));
    w.send(rejected).await;
    let left_out = left_out(&next(&f, &w).await, LeaveOut::Everyone).await;
    assert_eq!(left_out.into_iter().map(|(row, _)| row).collect::<Vec<_>>(), [1]);
}

async fn people_reached_in_another_spelling_are_left_out_too(f: Fixture<impl Place>) {
    let spellings = |first: u64| {
        let texts = ["5215512345678", "541123456789", "551187654321", "5511976543210"].into_iter();
        let numbers = texts.map(|text| Phone::from_digits(text).unwrap());
        let pick =
            |(n, phone): (usize, Phone)| if n as u64 % 2 == first { phone } else { phone.other_spelling().unwrap() };
        numbers.enumerate().map(pick).collect::<Vec<_>>()
    };
    let rows = |first| {
        let row = |(n, to)| PlannedRow { to: Ok(to), ..planned(n as u64 + 1) };
        spellings(first).into_iter().enumerate().map(row).collect::<Vec<_>>()
    };
    let w = f.run_with("job", &rows(0)).await;
    for id in ["a1", "a2", "a3", "a4"] {
        w.send(|claim| accepted(claim, id)).await;
    }
    let mut listing = f.store.listing("job").await.unwrap().unwrap();
    // Duplicates of each other.
    for numbers in [spellings(1), spellings(0)] {
        listing.add(&numbers.into_iter().zip((1..).map(RowNumber)).collect::<Vec<_>>()).await.unwrap();
    }
    let reached = listing.reached().await.unwrap();
    assert_eq!((reached.of, reached.people, reached.new), (4, 4, 0));
    let next = f.one_more_begun("job").await;
    f.store.begin_import(next.owner, &["name".to_owned()], None).await.unwrap();
    f.store.add_rows(next.owner, &rows(1)).await.unwrap();
    assert_eq!(f.store.leave_out(next.owner, LeaveOut::Everyone).await.unwrap(), 4);

    // Who was not reached by one run, and now is by another, is no longer retried.
    let later = f.run_with("later", &rows(0)).await;
    for _ in 0..4 {
        later.send(rejected).await;
    }
    let other = f.one_more_begun("later").await;
    other.import(&rows(1)).await;
    f.store.reach(other.run, Stage::Started, NOW).await.unwrap();
    for id in ["b1", "b2", "b3", "b4"] {
        other.send(|claim| accepted(claim, id)).await;
    }
    let all = RequeueFilter::in_states(&[State::Rejected]);
    let requeued = later.store.requeue(later.owner, &later.now().await, &all, false, NOW).await.unwrap();
    assert_eq!((requeued.rows, requeued.left_out), (0, 4));
}

async fn a_list_is_reported_whom_it_would_leave_out_and_whom_earlier_runs_reached(f: Fixture<impl Place>) {
    let w = earlier(&f).await;
    f.store.suppress(&[1, 8, 99].map(phone), Some("asked"), Millis(1)).await.unwrap();
    let mut listing = f.store.listing("job").await.unwrap().unwrap();
    let numbers: Vec<_> = [1, 2, 3, 4, 5, 7, 8, 9].map(|n| (phone(n), RowNumber(n + 10))).into();
    listing.add(&numbers).await.unwrap();
    listing.add(&[(phone(1), RowNumber(30))]).await.unwrap();

    let found = listing.leave_out(Some(LeaveOut::Since(Millis(1000)))).await.unwrap();
    assert_eq!((found.reached, found.suppressed, found.rows()), (5, 1, 6), "one who is both counts once: {found:?}");
    assert_eq!(found.reached_code, "sent_recently");
    assert_eq!(found.first.last(), Some(&(RowNumber(18), "suppressed", "asked".to_owned())));
    let found = listing.leave_out(None).await.unwrap();
    assert_eq!((found.reached, found.suppressed), (0, 2));

    let reached = listing.reached().await.unwrap();
    assert_eq!((reached.people, reached.new, reached.of, reached.uncertain), (6, 1, 8, 3));
    let job = RunId::new("job", 1);
    // Numbers 3, 7 and 5, in the order of that run.
    assert_eq!(reached.first_uncertain, [3, 5, 7].map(|row| (job.clone(), RowNumber(row))));
    assert_eq!(reached.runs, [ReachedBy { run: job, people: 6, first: Millis(11), last: Millis(8000) }]);

    listing.prepare(Some(LeaveOut::Everyone)).await.unwrap();
    let found = listing.of(&[1, 8, 6].map(phone)).await.unwrap();
    assert_eq!(found[&phone(1)].0, "already_reached");
    assert_eq!(found[&phone(8)], ("suppressed", "asked".to_owned()));
    assert_eq!(found.len(), 2);
    w.check().await;
}

async fn a_store_with_nobody_to_leave_out_has_no_listing(f: Fixture<impl Place>) {
    assert!(f.store.listing("job").await.unwrap().is_none());
    let w = f.begun("job").await;
    w.import(&[planned(1)]).await;
    assert!(f.store.listing("job").await.unwrap().is_none(), "nothing was sent");
    f.store.reach(w.run, Stage::Started, NOW).await.unwrap();
    assert!(f.store.listing("job").await.unwrap().is_some() && f.store.listing("new").await.unwrap().is_none());
    f.store.suppress(&[phone(1)], None, NOW).await.unwrap();
    assert!(f.store.listing("new").await.unwrap().is_some());
}
