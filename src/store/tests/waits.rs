//! Rows that wait for their time: scheduled before they are claimed, deferred, and counted.

use super::*;
use crate::model::{RowCause, State};

contract!(
    scheduled_rows_wait_for_their_time_and_are_claimed_once,
    a_crash_while_rows_are_scheduled_leaves_none_out,
    rows_that_are_claimed_already_are_not_scheduled,
    a_row_that_is_too_late_when_it_is_scheduled_is_never_sent,
    waiting_rows_are_put_off_and_others_left_alone,
    remaining_rows_are_those_that_may_still_be_sent,
);

fn deferral(key: RowKey, due: i64) -> Deferral {
    Deferral { key, state: State::Pending, next_attempt_at: Some(at(due)), cause: None }
}

fn expired(key: RowKey, state: State) -> Deferral {
    let cause = Some(RowCause::Expired { at: "noon".into(), passed: true }).filter(|_| state == State::Expired);
    Deferral { key, state, next_attempt_at: None, cause }
}

/// Schedules rows that were never claimed, as the owner does: at most `limit`, row `n` at `due(n)`.
async fn schedule(w: &Worker, limit: u32, due: impl Fn(u64) -> i64) -> Vec<u64> {
    let rows = w.store.new_rows(w.run, limit).await.unwrap();
    let deferrals: Vec<_> = rows.iter().map(|row| deferral(row.claim.key, due(row.claim.key.row().0))).collect();
    w.store.schedule_rows(w.owner, &deferrals).await.unwrap();
    numbers(&rows)
}

async fn scheduled_rows_wait_for_their_time_and_are_claimed_once(f: Fixture<impl Place>) {
    let mut rows: Vec<_> = (1..=6).map(planned).collect();
    rows[1] = invalid(2);
    let w = f.run_with("job", &rows).await;
    assert_eq!(schedule(&w, 3, |row| 100 - row.cast_signed()).await, [1, 3, 4]);
    assert_eq!(w.row(1).await.attempts, 0);
    let new = w.store.new_rows(w.run, 9).await.unwrap();
    assert_eq!((numbers(&new), new[0].phone, new[0].cells.as_str()), (vec![5, 6], phone(5), "[\"cell 5\"]"));
    assert_eq!(numbers(&w.claim(9).await), [5, 6], "the others' time has not come");
    assert_eq!(w.store.waiting(w.run, NOW).await.unwrap(), Some(Waiting { rows: 3, first: at(96), last: at(99) }));
    assert_eq!(w.store.waiting(w.run, at(97)).await.unwrap(), Some(Waiting { rows: 1, first: at(99), last: at(99) }));
    assert_eq!(w.store.waiting(w.run, at(99)).await.unwrap(), None);
    let claims = w.claim_at(9, at(97)).await;
    assert_eq!((numbers(&claims), claims[0].claim.number), (vec![4, 3], 1));
    // The run does not end while one of them waits.
    w.settle(claims.iter().map(|attempt| rejected(&attempt.claim))).await;
    w.store.reach(w.run, Stage::Dispatched, NOW).await.unwrap();
    assert_eq!(w.now().await.dispatched_at, None);
    assert_eq!(numbers(&w.claim_at(9, at(200)).await), [1]);
    assert_eq!(w.claim_at(9, at(200)).await.len(), 0);
    w.check().await;
}

async fn a_crash_while_rows_are_scheduled_leaves_none_out(f: Fixture<impl Place>) {
    let w = f.run("job", 5).await;
    let first = w.store.new_rows(w.run, 2).await.unwrap();
    // It dies before it writes, and the next one after it.
    let next = w.next().await;
    assert_eq!(schedule(&next, 2, |_| 5).await, [1, 2]);
    let late: Vec<_> = first.iter().map(|row| deferral(row.claim.key, 9)).collect();
    let refused = w.store.schedule_rows(w.owner, &late).await;
    assert!(matches!(refused, Err(StoreError::NotOwner(_))), "{refused:?}");
    let last = next.next().await;
    assert_eq!(schedule(&last, 9, |_| 5).await, [3, 4, 5]);
    assert_eq!(schedule(&last, 9, |_| 5).await, [0; 0]);
    assert_eq!(numbers(&last.claim_at(9, at(5)).await), [1, 2, 3, 4, 5]);
    w.check().await;
}

async fn rows_that_are_claimed_already_are_not_scheduled(f: Fixture<impl Place>) {
    let w = f.run("job", 4).await;
    let rows = w.store.new_rows(w.run, 3).await.unwrap();
    w.claim(2).await;
    let seen = w.all().await;
    let late: Vec<_> = rows.iter().map(|row| deferral(row.claim.key, 5)).collect();
    assert!(w.store.schedule_rows(w.owner, &late).await.is_err());
    assert!(w.all().await == seen, "then none of them is noted");
    assert_eq!(schedule(&w, 9, |_| 5).await, [3, 4]);
    let repeated: Vec<_> = [3, 4].map(|row| deferral(w.key(row), 9)).into();
    assert!(w.store.schedule_rows(w.owner, &repeated).await.is_err());
    assert_eq!(numbers(&w.claim_at(9, at(5)).await), [3, 4]);
    w.check().await;
}

async fn a_row_that_is_too_late_when_it_is_scheduled_is_never_sent(f: Fixture<impl Place>) {
    let w = f.run("job", 2).await;
    w.store.schedule_rows(w.owner, &[expired(w.key(1), State::Expired), deferral(w.key(2), 1)]).await.unwrap();
    assert_eq!(numbers(&w.claim_at(9, at(9)).await), [2]);
    let row = w.row(1).await;
    assert_eq!((row.state, row.error_code.as_deref()), (State::Expired, Some("expired")));
    let words = "not sent before its deadline, noon";
    assert_eq!((row.error_message.as_deref(), row.attempts), (Some(words), 0));
    w.check().await;
}

async fn waiting_rows_are_put_off_and_others_left_alone(f: Fixture<impl Place>) {
    let w = f.run("job", 7).await;
    let claims: Vec<Claim> = w.claim(6).await.iter().map(|attempt| attempt.claim).collect();
    w.settle(claims[..2].iter().map(|claim| again(claim, at(1)))).await;
    w.settle([interrupted_and_resent(&claims[2], at(1)), accepted(&claims[3], "m4"), rejected(&claims[4])]).await;
    let deferrals = vec![
        deferral(w.key(1), 50),
        expired(w.key(2), State::Expired),
        expired(w.key(3), State::Uncertain),
        // Accepted, refused, in flight, never claimed, and not existing.
        deferral(w.key(4), 50),
        expired(w.key(5), State::Expired),
        deferral(w.key(6), 50),
        deferral(w.key(7), 50),
        deferral(w.key(99), 50),
    ];
    let step = w.step(Step { deferrals, want: 1, now: at(2), ..Step::default() }).await;
    assert_eq!(numbers(&step.attempts), [7], "what is put off is not claimed by the same step");
    use State::{Accepted, Expired, Pending, Rejected, Sending, Uncertain};
    assert_eq!(w.states().await, [Pending, Expired, Uncertain, Accepted, Rejected, Sending, Sending]);
    let codes: Vec<_> = w.all().await.into_iter().map(|row| row.error_code.unwrap_or_default()).collect();
    assert_eq!(codes, ["busy", "expired", "interrupted", "", "refused", "", ""], "why it was put off before stays");
    assert_eq!(w.store.next_due(w.owner, false).await.unwrap(), Some(at(50)));
    let claim = w.claim_one_at(at(50)).await;
    assert_eq!((claim.key, claim.history.attempts), (w.key(1), 1));
    w.check().await;
}

async fn remaining_rows_are_those_that_may_still_be_sent(f: Fixture<impl Place>) {
    let mut rows: Vec<_> = (1..=9).map(planned).collect();
    rows[7] = invalid(8);
    let w = f.run_with("job", &rows).await;
    f.run("other", 9).await;
    let claims: Vec<Claim> = w.claim(5).await.iter().map(|attempt| attempt.claim).collect();
    w.settle([accepted(&claims[0], "m"), again(&claims[1], at(9)), rejected(&claims[2]), doubted(&claims[3])]).await;
    w.store.schedule_rows(w.owner, &[deferral(w.key(6), 9)]).await.unwrap();
    let remaining = w.store.remaining_rows(w.run, None, 99).await.unwrap();
    assert_eq!(numbers(&remaining), [2, 6, 7, 9]);
    assert_eq!((remaining[1].phone, remaining[1].cells.as_str()), (phone(6), "[\"cell 6\"]"));
    assert_eq!(numbers(&w.store.remaining_rows(w.run, None, 1).await.unwrap()), [2]);
    assert_eq!(numbers(&w.store.remaining_rows(w.run, Some(w.key(6)), 99).await.unwrap()), [7, 9]);
}
