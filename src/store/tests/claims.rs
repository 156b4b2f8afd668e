//! Claims: which rows, in which order, how many, and never a row that must not be sent.

use std::collections::HashSet;

use super::*;
use crate::model::{Millis, State};

contract!(
    new_rows_are_claimed_in_input_order_and_never_more_than_wanted,
    rows_whose_time_has_come_go_first_the_longest_due_before_others,
    a_limit_is_for_rows_that_the_owner_has_not_claimed_yet,
    a_limit_counts_what_others_claimed_before,
    a_suppressed_number_is_never_claimed,
    nothing_is_claimed_of_a_run_that_is_paused_or_cancelled,
    runs_of_one_store_do_not_touch_each_other,
    however_many_claim_at_once_no_row_is_claimed_twice,
    a_claim_number_is_never_used_again,
    nothing_is_claimed_before_all_rows_are_in,
);

async fn new_rows_are_claimed_in_input_order_and_never_more_than_wanted(f: Fixture<impl Place>) {
    let mut rows: Vec<_> = (1..=8).map(planned).collect();
    rows[3] = invalid(4);
    rows[7] = invalid(8);
    let w = f.run_with("job", &rows).await;
    let first = w.claim(2).await;
    assert_eq!(numbers(&first), [1, 2]);
    assert_eq!((first[1].phone, first[1].cells.as_str()), (phone(2), "[\"cell 2\"]"));
    let claim = first[1].claim;
    assert_eq!((claim.key, claim.number, claim.worker, claim.started_at), (w.key(2), 1, w.owner.worker, NOW));
    assert_eq!((claim.history, claim.attempt().0), (History::default(), 1));
    assert_eq!(w.claim(0).await.len(), 0);
    let next = w.step(Step { want: 2, now: NOW, ..Step::default() }).await;
    assert_eq!((numbers(&next.attempts), next.new_rows_left, next.limit_left), (vec![3, 5], true, None));
    let last = w.step(Step { want: 9, now: NOW, ..Step::default() }).await;
    assert_eq!((numbers(&last.attempts), last.new_rows_left, last.is_held), (vec![6, 7], false, false));
    assert_eq!(w.claim(9).await.len(), 0);
    // All of them are durable, and known to be in flight.
    let claims = f.reopened().await.claims(w.owner, true).await.unwrap();
    assert_eq!(claims.iter().map(|claim| claim.key.row().0).collect::<Vec<_>>(), [1, 2, 3, 5, 6, 7]);
    assert_eq!(claims[1], claim);
    assert_eq!(w.store.claims(w.owner, false).await.unwrap(), []);
    w.check().await;
}

async fn rows_whose_time_has_come_go_first_the_longest_due_before_others(f: Fixture<impl Place>) {
    let w = f.run("job", 6).await;
    let claims = w.claim(4).await;
    let due = [at(30), at(10), at(20), at(10)];
    w.settle(claims.iter().zip(due).map(|(attempt, due)| again(&attempt.claim, due))).await;
    assert_eq!(numbers(&w.claim(1).await), [5], "nothing is due yet");
    assert_eq!(numbers(&w.store.due_rows(w.owner, false, at(20), 9).await.unwrap()), [2, 4, 3]);
    assert_eq!(numbers(&w.claim_at(2, at(20)).await), [2, 4]);
    assert_eq!(numbers(&w.claim_at(9, at(20)).await), [3, 6], "then those that were never claimed");
    assert_eq!(w.store.next_due(w.owner, false).await.unwrap(), Some(at(30)));
    assert_eq!(w.claim_at(9, Millis(at(30).0 - 1)).await.len(), 0);
    assert_eq!(numbers(&w.claim_at(9, at(30)).await), [1]);
    assert_eq!(w.store.next_due(w.owner, false).await.unwrap(), None);
    w.check().await;
}

async fn a_limit_is_for_rows_that_the_owner_has_not_claimed_yet(f: Fixture<impl Place>) {
    let w = f.run("job", 9).await.next_with(Some(3)).await;
    let first = w.step(Step { want: 2, now: NOW, ..Step::default() }).await;
    assert_eq!((numbers(&first.attempts), first.limit_left), (vec![1, 2], Some(1)));
    w.settle([again(&first.attempts[0].claim, NOW), released(&first.attempts[1].claim, NOW)]).await;
    let next = w.step(Step { want: 9, now: NOW, ..Step::default() }).await;
    assert_eq!((numbers(&next.attempts), next.limit_left), (vec![1, 2, 3], Some(0)), "its own are free");
    assert!(next.new_rows_left);
    w.settle([again(&next.attempts[2].claim, at(5))]).await;
    assert_eq!(w.store.next_due(w.owner, true).await.unwrap(), Some(at(5)));
    assert_eq!(numbers(&w.claim_at(9, at(5)).await), [3]);
    assert_eq!(w.claim_at(9, at(5)).await.len(), 0);
    // The next worker starts with its own limit.
    let other = w.next_with(Some(1)).await;
    let last = other.step(Step { want: 9, now: NOW, ..Step::default() }).await;
    assert_eq!((numbers(&last.attempts), last.limit_left), (vec![4], Some(0)));
    assert_eq!(numbers(&w.next().await.claim(9).await), [5, 6, 7, 8, 9], "and one without a limit has none");
}

async fn a_limit_counts_what_others_claimed_before(f: Fixture<impl Place>) {
    let before = f.run("job", 5).await;
    let claims = before.claim(4).await;
    before.settle(claims.iter().map(|attempt| again(&attempt.claim, NOW))).await;
    let w = before.next_with(Some(2)).await;
    assert_eq!(w.store.next_due(w.owner, true).await.unwrap(), None);
    let first = w.claim(9).await;
    assert_eq!(numbers(&first), [1, 2]);
    w.settle([again(&first[1].claim, at(9))]).await;
    assert_eq!(numbers(&w.store.due_rows(w.owner, true, at(9), 9).await.unwrap()), [2]);
    assert_eq!(numbers(&w.store.due_rows(w.owner, false, at(9), 9).await.unwrap()), [3, 4, 2]);
    assert_eq!(numbers(&w.claim_at(9, at(9)).await), [2]);
    let none = w.next_with(Some(0)).await;
    let nothing = none.step(Step { want: 9, now: NOW, ..Step::default() }).await;
    assert_eq!((nothing.attempts.len(), nothing.limit_left, nothing.new_rows_left), (0, Some(0), true));
}

async fn a_suppressed_number_is_never_claimed(f: Fixture<impl Place>) {
    let w = f.run("job", 6).await;
    let claims = w.claim(3).await;
    w.settle([again(&claims[0].claim, at(5)), interrupted_and_resent(&claims[1].claim, at(5))]).await;
    f.store.suppress(&[1, 2, 3, 4, 6].map(phone), Some("asked"), NOW).await.unwrap();
    let first = w.step(Step { want: 9, now: at(5), ..Step::default() }).await;
    assert_eq!((numbers(&first.attempts), first.new_rows_left), (vec![5], false));
    use State::{Sending, Suppressed, Uncertain};
    // Rows claimed before may have been sent.
    assert_eq!(w.states().await, [Suppressed, Uncertain, Sending, Suppressed, Sending, Suppressed]);
    for (row, code) in [(1, Some("suppressed")), (2, Some("interrupted")), (4, Some("suppressed"))] {
        assert_eq!(w.row(row).await.error_code.as_deref(), code, "{row}");
    }
    assert_eq!(w.row(6).await.error_message.as_deref(), Some("asked"));
    w.settle([again(&claims[2].claim, at(5)), accepted(&first.attempts[0].claim, "m5")]).await;
    assert_eq!(w.claim_at(9, at(5)).await.len(), 0);
    assert_eq!(w.state(3).await, Suppressed);
    // Removed from the list again, they stay as they are.
    f.store.unsuppress(&[1, 2, 3, 4, 6].map(phone)).await.unwrap();
    assert_eq!(w.claim_at(9, at(99)).await.len(), 0);
    f.store.reach(w.run, Stage::Dispatched, NOW).await.unwrap();
    assert!(w.now().await.dispatched_at.is_some());
    w.check().await;
}

async fn nothing_is_claimed_of_a_run_that_is_paused_or_cancelled(f: Fixture<impl Place>) {
    let w = f.run("job", 4).await;
    let claims = w.claim(2).await;
    w.settle([again(&claims[0].claim, NOW)]).await;
    f.store.pause(w.run, "Ana", NOW).await.unwrap();
    let settlements = vec![accepted(&claims[1].claim, "m2")];
    let paused = w.step(Step { settlements, want: 9, now: at(1), ..Step::default() }).await;
    assert!(paused.is_held && paused.attempts.is_empty() && paused.new_rows_left);
    assert_eq!(w.state(2).await, State::Accepted, "what has ended is recorded all the same");
    assert!(f.store.lift_pause(w.run).await.unwrap() && !f.store.lift_pause(w.run).await.unwrap());
    assert_eq!(numbers(&w.claim_at(1, at(1)).await), [1]);
    f.store.cancel(w.run, "Ana", NOW).await.unwrap();
    let cancelled = w.step(Step { want: 9, now: at(9), ..Step::default() }).await;
    assert!(cancelled.is_held && cancelled.attempts.is_empty());
    let next = w.next().await;
    assert_eq!(next.claim_at(9, at(9)).await.len(), 0, "for any process");
    use State::{Accepted, Cancelled, Sending};
    assert_eq!(w.states().await, [Sending, Accepted, Cancelled, Cancelled]);
    w.check().await;
}

async fn runs_of_one_store_do_not_touch_each_other(f: Fixture<impl Place>) {
    let (one, two) = (f.run("one", 3).await, f.run("two", 3).await);
    let (first, second) = (one.claim(2).await, two.claim(1).await);
    assert_eq!((numbers(&first), numbers(&second)), (vec![1, 2], vec![1]));
    one.settle([again(&first[0].claim, at(1)), accepted(&first[1].claim, "m")]).await;
    let untouched = two.all().await;
    assert_eq!(numbers(&two.claim_at(1, at(9)).await), [2], "and not the other's that is due");
    assert_eq!(two.row(1).await, untouched[0]);
    assert_eq!(one.store.claims(one.owner, true).await.unwrap(), []);
    assert_eq!(two.store.claims(two.owner, true).await.unwrap().len(), 2);
    f.store.cancel(two.run, "Ana", NOW).await.unwrap();
    assert_eq!(numbers(&one.claim_at(9, at(9)).await), [1, 3]);
    let later = one.next().await;
    assert_eq!(later.store.claims(later.owner, false).await.unwrap().len(), 2);
    two.settle([accepted(&second[0].claim, "n")]).await;
    assert_eq!(two.store.due_polls(two.run, at(99), 9).await.unwrap().len(), 1);
    assert_eq!(two.store.due_polls(one.run, at(99), 9).await.unwrap()[0].key, one.key(2));
    one.check().await;
    two.check().await;
}

async fn however_many_claim_at_once_no_row_is_claimed_twice(f: Fixture<impl Place>) {
    let w = f.run("job", 120).await;
    let mut claimers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let worker = Worker { store: f.reopened().await, ..w.clone() };
        claimers.spawn(async move {
            let mut claimed = Vec::new();
            loop {
                let claims = worker.claim(7).await;
                if claims.is_empty() {
                    return claimed;
                }
                // Every third row is due again at once, for any process.
                worker
                    .settle(claims.iter().filter(|a| a.claim.number == 1).step_by(3).map(|a| again(&a.claim, NOW)))
                    .await;
                claimed.extend(claims.iter().map(|attempt| (attempt.claim.key, attempt.claim.number)));
            }
        });
    }
    let claimed: Vec<_> = claimers.join_all().await.concat();
    let different: HashSet<_> = claimed.iter().collect();
    assert_eq!(different.len(), claimed.len());
    assert_eq!(claimed.iter().filter(|(_, number)| *number == 1).count(), 120);
    w.check().await;
}

async fn a_claim_number_is_never_used_again(f: Fixture<impl Place>) {
    let w = f.run("job", 1).await;
    let mut worker = w.clone();
    for number in 1..=6 {
        let claim = worker.claim_one().await;
        assert_eq!(claim.number, number);
        match number % 3 {
            0 => worker.settle([again(&claim, NOW)]).await,
            1 => worker.settle([released(&claim, NOW)]).await,
            _ => {
                worker = worker.next().await;
                worker.settle([interrupted_and_resent(&claim, NOW)]).await
            }
        };
        worker.check().await;
    }
    assert_eq!(worker.row(1).await.attempts, 4);
}

async fn nothing_is_claimed_before_all_rows_are_in(f: Fixture<impl Place>) {
    let w = f.begun("job").await;
    f.store.begin_import(w.owner, &[], None).await.unwrap();
    f.store.add_rows(w.owner, &[planned(1), planned(2)]).await.unwrap();
    assert_eq!(w.claim(9).await.len(), 0);
    f.store.finish_import(w.owner, NOW).await.unwrap();
    // The plan is discarded, and its rows are read again.
    assert!(f.store.discard_plan(w.run).await.unwrap());
    assert_eq!(w.claim(9).await.len(), 0);
    w.import(&[planned(1)]).await;
    assert_eq!(numbers(&w.claim(9).await), [1]);
}
