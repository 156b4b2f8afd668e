//! Take-over and late outcomes: what a worker that lost its run may still do, and how its outcomes affect rows that
//! have moved on.

use super::*;
use crate::model::{DeliveryStatus, State, StatusUpdate};

contract!(
    a_process_that_lost_the_run_records_what_it_sent_and_claims_nothing,
    the_word_of_the_next_worker_comes_second_to_an_outcome,
    a_late_outcome_resolves_an_interrupted_row_in_each_direction,
    a_late_acceptance_stops_a_row_that_waits_to_be_sent_again,
    a_late_outcome_leaves_a_row_that_is_being_sent_again_alone,
    outcomes_of_two_claims_of_a_row_may_come_together,
    a_row_that_an_earlier_claim_got_accepted_is_not_sent_again,
    a_row_that_took_up_an_earlier_acceptance_goes_on_like_any_other,
    a_late_outcome_reopens_a_run_that_was_over,
    a_run_with_rows_to_send_or_statuses_to_wait_for_does_not_end,
    a_decision_of_a_person_stands_against_a_late_outcome,
    a_row_that_was_stopped_in_doubt_takes_a_late_acceptance,
    a_late_outcome_sends_nothing_of_a_cancelled_run,
    a_worker_that_was_replaced_judges_nobody,
);

use State::{Accepted, Cancelled, Exhausted, Pending, Rejected, Sending, Sent, Uncertain};

/// Returns a worker that has claimed all of `rows` rows and lost the run, and the next one.
async fn lost(f: &Fixture<impl Place>, rows: u64) -> (Worker, Vec<Claim>, Worker) {
    let before = f.run("job", rows).await;
    let claims = before.claim(99).await.iter().map(|attempt| attempt.claim).collect();
    let next = before.next().await;
    (before, claims, next)
}

/// Ends the run, as far as the store allows.
async fn end(w: &Worker) {
    for stage in [Stage::Dispatched, Stage::Finished] {
        w.store.reach(w.run, stage, NOW).await.unwrap();
    }
}

async fn stages(w: &Worker) -> [bool; 2] {
    let run = w.now().await;
    [run.dispatched_at.is_some(), run.finished_at.is_some()]
}

fn failed(message_id: &str) -> StatusUpdate {
    let status = DeliveryStatus::Failed;
    StatusUpdate {
        message_id: message_id.into(),
        status,
        delivered_at: None,
        read_at: None,
        problem: None,
        reference: None,
    }
}

/// Returns the poll answer that message `m{n}` of row `n` failed.
fn poll(w: &Worker, n: u64) -> Polled {
    let message_id = format!("m{n}");
    let update = Some(failed(&message_id));
    Polled { key: w.key(n), message_id, update, polled_at: at(70), next_poll_at: None }
}

async fn a_process_that_lost_the_run_records_what_it_sent_and_claims_nothing(f: Fixture<impl Place>) {
    let before = f.run("job", 5).await;
    let claims = before.claim(3).await;
    let next = before.next().await;
    assert_ne!(next.owner.worker, before.owner.worker);
    assert_eq!(next.store.claims(next.owner, true).await.unwrap(), []);
    let left = next.store.claims(next.owner, false).await.unwrap();
    assert_eq!(left, claims.iter().map(|attempt| attempt.claim).collect::<Vec<_>>());
    let step = Step {
        settlements: vec![accepted(&claims[0].claim, "m1"), again(&claims[1].claim, NOW)],
        deferrals: vec![Deferral { key: next.key(2), state: Pending, next_attempt_at: Some(at(9)), cause: None }],
        want: 9,
        now: at(1),
        ..Step::default()
    };
    let refused = f.reopened().await.advance(before.owner, &step).await.err();
    assert!(matches!(&refused, Some(StoreError::NotOwner(run)) if *run == next.id), "{refused:?}");
    assert_eq!(next.states().await, [Accepted, Pending, Sending, Pending, Pending]);
    assert_eq!(next.store.next_due(next.owner, false).await.unwrap(), Some(NOW), "nothing was put off");
    assert_eq!(numbers(&next.claim(9).await), [2, 4, 5]);
    // No one gets it back, whatever number comes next.
    let third = next.next().await;
    assert!(third.owner.worker != before.owner.worker && third.owner.worker != next.owner.worker);
    before.settle_late([]).await;
    next.settle_late([]).await;
    third.check().await;
}

async fn the_word_of_the_next_worker_comes_second_to_an_outcome(f: Fixture<impl Place>) {
    let (before, claims, w) = lost(&f, 5).await;
    let left = w.store.claims(w.owner, false).await.unwrap();
    before
        .settle_late([
            accepted(&claims[0], "m1"),
            rejected(&claims[1]),
            again(&claims[2], at(5)),
            released(&claims[3], at(5)),
        ])
        .await;
    w.settle(left.iter().map(interrupted)).await;
    assert_eq!(w.states().await, [Accepted, Rejected, Pending, Pending, Uncertain]);
    assert_eq!(numbers(&w.claim_at(9, at(5)).await), [3, 4]);
    w.check().await;
}

async fn a_late_outcome_resolves_an_interrupted_row_in_each_direction(f: Fixture<impl Place>) {
    let (before, claims, w) = lost(&f, 7).await;
    for _ in 0..2 {
        w.settle(claims.iter().map(interrupted)).await;
    }
    assert_eq!(w.states().await, [Uncertain; 7]);
    before
        .settle_late([
            accepted(&claims[0], "m1"),
            rejected(&claims[1]),
            exhausted(&claims[2]),
            again(&claims[3], at(5)),
            released(&claims[4], at(5)),
            doubted(&claims[5]),
        ])
        .await;
    assert_eq!(w.states().await, [Accepted, Rejected, Exhausted, Pending, Pending, Uncertain, Uncertain]);
    let attempts: Vec<u32> = w.all().await.iter().map(|row| row.attempts).collect();
    assert_eq!(attempts, [1, 1, 1, 1, 0, 1, 1]);
    assert_eq!((w.row(1).await.message_id.as_deref(), w.row(1).await.error_code), (Some("m1"), None));
    assert_eq!(w.store.due_polls(w.run, at(99), 9).await.unwrap().len(), 1);
    let next = w.claim_at(9, at(5)).await;
    assert_eq!(numbers(&next), [4, 5]);
    assert!(!next[0].claim.history.in_doubt && !next[1].claim.history.in_doubt);
    // That was its last report.
    before.settle_late(claims.iter().map(|claim| accepted(claim, &format!("n{}", claim.key.row())))).await;
    assert_eq!(w.states().await, [Accepted, Rejected, Exhausted, Sending, Sending, Accepted, Accepted]);
    assert_eq!(w.row(1).await.message_id.as_deref(), Some("m1"));
    w.check().await;
}

async fn a_late_acceptance_stops_a_row_that_waits_to_be_sent_again(f: Fixture<impl Place>) {
    let (before, claims, w) = lost(&f, 6).await;
    w.settle(claims[..4].iter().map(|claim| interrupted_and_resent(claim, at(5)))).await;
    w.settle(claims[4..].iter().map(interrupted)).await;
    let requeued =
        w.store.requeue(w.owner, &w.now().await, &RequeueFilter::in_states(&[Uncertain]), false, at(5)).await.unwrap();
    assert_eq!(requeued, Requeued { rows: 2, left_out: 0 });
    before
        .settle_late([
            accepted(&claims[0], "m1"),
            rejected(&claims[1]),
            again(&claims[2], at(9)),
            released(&claims[3], at(9)),
            accepted(&claims[4], "m5"),
        ])
        .await;
    assert_eq!(w.states().await, [Accepted, Pending, Pending, Pending, Accepted, Pending]);
    assert_eq!(w.store.waiting(w.run, NOW).await.unwrap().unwrap(), Waiting { rows: 4, first: at(5), last: at(5) });
    assert_eq!(numbers(&w.claim_at(9, at(99)).await), [2, 3, 4, 6]);
    w.check().await;
}

async fn a_late_outcome_leaves_a_row_that_is_being_sent_again_alone(f: Fixture<impl Place>) {
    let (before, claims, w) = lost(&f, 5).await;
    w.settle(claims.iter().map(|claim| interrupted_and_resent(claim, NOW))).await;
    let second = w.claim(9).await;
    let seen = w.all().await;
    before
        .settle_late([
            accepted(&claims[0], "m1"),
            rejected(&claims[1]),
            again(&claims[2], NOW),
            released(&claims[3], NOW),
            accepted(&claims[4], "m5"),
        ])
        .await;
    assert!(w.all().await == seen);
    assert_eq!(w.claim_at(9, at(99)).await.len(), 0);
    let ids = ["n1", "n2", "n3", "n4"];
    w.settle(second.iter().zip(ids).map(|(attempt, id)| accepted(&attempt.claim, id))).await;
    assert_eq!(w.states().await, [Accepted, Accepted, Accepted, Accepted, Sending]);
    assert_eq!(w.row(1).await.message_id.as_deref(), Some("n1"));
    // The message accepted first also gets its statuses, and they are not the row's.
    let batch = WebhookBatch { statuses: vec![failed("m1")], ..WebhookBatch::default() };
    assert_eq!(f.store.save_webhooks(&batch, NOW).await.unwrap(), WebhookResult::default());
    assert_eq!(w.state(1).await, Accepted);
    w.check().await;
}

async fn outcomes_of_two_claims_of_a_row_may_come_together(f: Fixture<impl Place>) {
    let (before, claims, w) = lost(&f, 2).await;
    w.settle(claims.iter().map(|claim| interrupted_and_resent(claim, NOW))).await;
    let second: Vec<Claim> = w.claim(9).await.iter().map(|attempt| attempt.claim).collect();
    let both = [
        accepted(&claims[0], "m1"),
        accepted(&second[0], "n1"),
        accepted(&second[1], "n2"),
        accepted(&claims[1], "m2"),
    ];
    assert_eq!(w.settle(both).await, 0);
    for (row, id) in [(1, "n1"), (2, "n2")] {
        assert_eq!(w.row(row).await.message_id.as_deref(), Some(id));
    }
    let statuses = ["m1", "m2", "n1", "n2"].map(failed).to_vec();
    let result = f.store.save_webhooks(&WebhookBatch { statuses, ..WebhookBatch::default() }, NOW).await.unwrap();
    assert_eq!(result.early, 0, "every message is known");
    before.settle_late([]).await;
    w.check().await;
}

/// However it came to wait or be in doubt again: the provider has it, so no one gets it again.
async fn a_row_that_an_earlier_claim_got_accepted_is_not_sent_again(f: Fixture<impl Place>) {
    let (before, claims, w) = lost(&f, 10).await;
    w.settle(claims.iter().map(|claim| interrupted_and_resent(claim, NOW))).await;
    let second: Vec<Claim> = w.claim(99).await.iter().map(|attempt| attempt.claim).collect();
    let late = |row: usize| accepted(&claims[row - 1], &format!("m{row}"));
    // Known while the row is being sent again, and then that attempt fails.
    before.settle_late((1..=5).map(late)).await;
    w.settle([
        again(&second[0], at(5)),
        released(&second[1], at(5)),
        rejected(&second[2]),
        exhausted(&second[3]),
        doubted(&second[4]),
    ])
    .await;
    // Known while it waits for a third attempt, or is in doubt.
    w.settle([again(&second[5], at(5)), released(&second[6], at(5)), rejected(&second[7]), doubted(&second[8])]).await;
    w.store.requeue(w.owner, &w.now().await, &RequeueFilter::in_states(&[Uncertain]), true, at(5)).await.unwrap();
    before.settle_late((6..=9).map(late)).await;
    let expected: Vec<State> = [Accepted; 9].into_iter().chain([Sending]).collect();
    assert_eq!(w.states().await, expected);
    for row in 1..=9 {
        let report = w.row(row).await;
        assert_eq!(report.message_id, Some(format!("m{row}")));
        assert_eq!((report.accepted_at, report.error_code), (Some(at(1)), None));
        assert_eq!(report.attempts, if row == 2 || row == 7 { 1 } else { 2 }, "{row}");
    }
    assert_eq!(w.claim_at(99, at(99)).await.len(), 0);
    assert_eq!(w.store.due_polls(w.run, at(99), 99).await.unwrap().len(), 9);
    w.check().await;
    // Repeated, they change nothing.
    let seen = w.all().await;
    before.settle_late((1..=9).map(late)).await;
    w.settle([again(&second[0], at(5)), released(&second[1], at(5)), rejected(&second[2])]).await;
    assert!(w.all().await == seen);
}

async fn a_row_that_took_up_an_earlier_acceptance_goes_on_like_any_other(f: Fixture<impl Place>) {
    let (before, claims, w) = lost(&f, 1).await;
    w.settle([interrupted_and_resent(&claims[0], NOW)]).await;
    let second = w.claim_one().await;
    w.settle([again(&second, at(5))]).await;
    before.settle_late([accepted(&claims[0], "m1")]).await;
    let batch = WebhookBatch { statuses: vec![failed("m1")], ..WebhookBatch::default() };
    f.store.save_webhooks(&batch, NOW).await.unwrap();
    assert_eq!(w.state(1).await, State::Failed);
    w.store.requeue(w.owner, &w.now().await, &RequeueFilter::in_states(&[State::Failed]), true, NOW).await.unwrap();
    let third = w.claim_one().await;
    assert!(third.number > second.number && third.history.attempts == 2, "{third:?}");
    assert_eq!(w.settle([accepted(&third, "m3")]).await, 0);
    assert_eq!((w.state(1).await, w.row(1).await.attempts), (Accepted, 3));
    w.check().await;
}

async fn a_late_outcome_reopens_a_run_that_was_over(f: Fixture<impl Place>) {
    let (before, claims, w) = lost(&f, 5).await;
    w.settle(claims.iter().map(interrupted)).await;
    end(&w).await;
    before.settle_late([rejected(&claims[0])]).await;
    assert_eq!(stages(&w).await, [true, true], "nothing is to be done");
    before.settle_late([accepted(&claims[1], "m2")]).await;
    assert_eq!(stages(&w).await, [true, false], "its status is awaited");
    before.settle_late([again(&claims[2], at(5))]).await;
    assert_eq!(stages(&w).await, [false, false], "it is sent again");
    w.settle([rejected(&w.claim_one_at(at(5)).await)]).await;
    end(&w).await;
    before.settle_late([released(&claims[3], at(5))]).await;
    assert_eq!(stages(&w).await, [false, false]);
    assert_eq!(f.store.unfinished().await.unwrap().len(), 1);
    // A row that was sent again since, and is uncertain only because of its first attempt.
    w.settle([interrupted_and_resent(&w.claim_one_at(at(5)).await, at(5))]).await;
    let lost =
        w.store.requeue(w.owner, &w.now().await, &RequeueFilter::in_states(&[Uncertain]), true, NOW).await.unwrap();
    assert_eq!(lost.rows, 1);
    w.settle(w.claim_at(9, at(5)).await.iter().map(|attempt| rejected(&attempt.claim))).await;
    w.store.record_polls(w.run, &[poll(&w, 2)]).await.unwrap();
    end(&w).await;
    assert_eq!((w.state(5).await, stages(&w).await), (Uncertain, [true, true]));
    before.settle_late([accepted(&claims[4], "m5")]).await;
    assert_eq!((w.state(5).await, stages(&w).await), (Accepted, [true, false]));
    w.check().await;
}

/// A run's end is recorded some time after nothing is left, and a late outcome may arrive in between.
async fn a_run_with_rows_to_send_or_statuses_to_wait_for_does_not_end(f: Fixture<impl Place>) {
    let (before, claims, w) = lost(&f, 3).await;
    end(&w).await;
    assert_eq!(stages(&w).await, [false, false], "all of them are in flight");
    w.settle(claims.iter().map(interrupted)).await;
    w.store.reach(w.run, Stage::Dispatched, NOW).await.unwrap();
    before.settle_late([again(&claims[0], at(5))]).await;
    end(&w).await;
    assert_eq!(stages(&w).await, [false, false], "one of them waits");
    w.settle([rejected(&w.claim_one_at(at(5)).await)]).await;
    w.store.reach(w.run, Stage::Dispatched, NOW).await.unwrap();
    before.settle_late([accepted(&claims[1], "m2")]).await;
    end(&w).await;
    assert_eq!(stages(&w).await, [true, false], "a status is awaited");
    w.store.record_polls(w.run, &[poll(&w, 2)]).await.unwrap();
    end(&w).await;
    assert_eq!(stages(&w).await, [true, true]);
}

async fn a_decision_of_a_person_stands_against_a_late_outcome(f: Fixture<impl Place>) {
    let (before, claims, w) = lost(&f, 6).await;
    w.settle(claims.iter().map(interrupted)).await;
    for row in [1, 2, 3] {
        let which = Which::Row(crate::model::RowNumber(row));
        assert_eq!(w.store.resolve_uncertain(w.owner, which, Verdict::Sent, "Ana", at(3)).await.unwrap(), 1);
    }
    assert_eq!(w.store.resolve_uncertain(w.owner, Which::All, Verdict::NotSent, "Ana", at(3)).await.unwrap(), 3);
    let decided = w.all().await;
    let late = |claim: &Claim| match claim.key.row().0 % 3 {
        1 => accepted(claim, &format!("m{}", claim.key.row())),
        2 => rejected(claim),
        _ => again(claim, NOW),
    };
    before.settle_late(claims.iter().map(late)).await;
    assert_eq!(w.states().await, [Sent, Sent, Sent, Exhausted, Exhausted, Exhausted]);
    assert!(w.all().await == decided);
    assert_eq!(w.claim_at(9, at(99)).await.len(), 0);
    w.check().await;
}

async fn a_row_that_was_stopped_in_doubt_takes_a_late_acceptance(f: Fixture<impl Place>) {
    let (before, claims, w) = lost(&f, 4).await;
    w.settle(claims.iter().map(|claim| interrupted_and_resent(claim, NOW))).await;
    let expired = Deferral { key: w.key(1), state: Uncertain, next_attempt_at: None, cause: None };
    w.step(Step { deferrals: vec![expired], now: NOW, ..Step::default() }).await;
    w.store.suppress(&[phone(2)], None, NOW).await.unwrap();
    assert_eq!(numbers(&w.claim(1).await), [0; 0], "it is the first in turn");
    w.store.cancel(w.run, "Ana", NOW).await.unwrap();
    w.store.cancel_waiting(w.owner).await.unwrap();
    assert_eq!(w.states().await, [Uncertain; 4]);
    before.settle_late(claims[..3].iter().map(|claim| accepted(claim, &format!("m{}", claim.key.row())))).await;
    before.settle_late([rejected(&claims[3])]).await;
    assert_eq!(w.states().await, [Accepted, Accepted, Accepted, Rejected]);
    w.check().await;
}

async fn a_late_outcome_sends_nothing_of_a_cancelled_run(f: Fixture<impl Place>) {
    let (before, claims, w) = lost(&f, 2).await;
    w.settle(claims.iter().map(interrupted)).await;
    w.store.cancel(w.run, "Ana", NOW).await.unwrap();
    w.store.cancel_waiting(w.owner).await.unwrap();
    end(&w).await;
    before.settle_late([again(&claims[0], NOW), released(&claims[1], NOW)]).await;
    assert_eq!(w.claim_at(9, at(99)).await.len(), 0);
    w.check().await;
    // The next owner ends it.
    assert_eq!(stages(&w).await, [false, false]);
    let next = w.next().await;
    next.store.cancel_waiting(next.owner).await.unwrap();
    end(&next).await;
    assert_eq!((w.states().await, stages(&w).await), (vec![Cancelled, Cancelled], [true, true]));
    w.check().await;
}

async fn a_worker_that_was_replaced_judges_nobody(f: Fixture<impl Place>) {
    let replaced = f.run("job", 1).await;
    let next = replaced.next().await;
    let claim = next.claim_one().await;
    assert_eq!(f.store.claims(replaced.owner, false).await.unwrap(), [claim], "it looks like one of a dead worker");
    let settlements = vec![interrupted(&claim)];
    let judged = Step { settlements, of_others: true, now: NOW, ..Step::default() };
    let judged = f.store.advance(replaced.owner, &judged).await.map(drop);
    assert!(matches!(judged, Err(StoreError::NotOwner(_))), "{judged:?}");
    assert_eq!(f.store.claims(next.owner, true).await.unwrap(), [claim], "it is still in flight");
}
