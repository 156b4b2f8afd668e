//! Decisions by people: rows requeued or cancelled, uncertain rows resolved, numbers suppressed, times corrected.

use super::*;
use crate::model::{DeliveryStatus, Millis, Phone, RowNumber, State, StatusUpdate};

contract!(
    rows_of_every_kind_that_may_be_sent_again_are,
    a_row_that_was_in_doubt_stays_so_when_it_is_sent_again,
    requeueing_reopens_a_run_and_leaves_a_cancelled_one_alone,
    rows_whose_people_another_run_has_or_will_message_are_left_out,
    whom_an_earlier_run_reached_before_this_one_was_created_is_not_left_out,
    nothing_is_requeued_while_another_run_is_being_imported,
    waiting_rows_of_a_cancelled_run_are_cancelled_and_those_in_doubt_uncertain,
    a_person_resolves_uncertain_rows_by_row_by_number_or_all,
    a_person_is_named_by_either_spelling_of_the_number,
    what_was_accepted_after_a_person_denied_it_is_not_sent_again,
    the_suppression_list_keeps_the_first_reason_and_is_read_in_pages,
    waits_that_began_in_the_future_begin_again_now,
);

use State::{Accepted, Cancelled, Exhausted, Failed, Pending, Read, Rejected, Sending, Sent, Uncertain};

/// Creates a run of eight rows: accepted, rejected, exhausted, uncertain, failed, waiting, in flight and new.
async fn of_every_kind(f: &Fixture<impl Place>) -> Worker {
    let w = f.run("job", 8).await;
    let claims: Vec<Claim> = w.claim(7).await.iter().map(|attempt| attempt.claim).collect();
    w.settle([
        accepted(&claims[0], "m1"),
        rejected(&claims[1]),
        exhausted(&claims[2]),
        doubted(&claims[3]),
        accepted(&claims[4], "m5"),
        again(&claims[5], at(60)),
    ])
    .await;
    report(&w, "m5", DeliveryStatus::Failed).await;
    assert_eq!(w.states().await, [Accepted, Rejected, Exhausted, Uncertain, Failed, Pending, Sending, Pending]);
    w
}

async fn report(w: &Worker, message_id: &str, status: DeliveryStatus) {
    let update = StatusUpdate {
        message_id: message_id.into(),
        status,
        delivered_at: None,
        read_at: None,
        problem: None,
        reference: None,
    };
    let batch = WebhookBatch { statuses: vec![update], ..WebhookBatch::default() };
    assert_eq!(w.store.save_webhooks(&batch, NOW).await.unwrap(), WebhookResult::default());
}

async fn requeue(w: &Worker, states: &[State], everyone: bool) -> Result<(u64, u64), StoreError> {
    let requeued = w.store.requeue(w.owner, &w.now().await, &RequeueFilter::in_states(states), everyone, NOW).await?;
    Ok((requeued.rows, requeued.left_out))
}

async fn rows_of_every_kind_that_may_be_sent_again_are(f: Fixture<impl Place>) {
    let w = of_every_kind(&f).await;
    let seen = w.all().await;
    for state in State::ALL {
        if ![Rejected, Exhausted, Uncertain, Failed].contains(&state) {
            let refused = requeue(&w, &[state], true).await;
            assert!(matches!(refused, Err(StoreError::Illegal(_))), "{state} {refused:?}");
        }
    }
    assert!(w.all().await == seen);
    assert_eq!(requeue(&w, &[Rejected], false).await.unwrap(), (1, 0));
    assert_eq!(requeue(&w, &[Exhausted, Uncertain, Failed, Rejected], false).await.unwrap(), (3, 0));
    assert_eq!(w.states().await, [Accepted, Pending, Pending, Pending, Pending, Pending, Sending, Pending]);
    assert_eq!(w.store.due_polls(w.run, at(999), 9).await.unwrap().len(), 1, "nobody asks about what failed");
    let claims = w.claim(9).await;
    assert_eq!(numbers(&claims), [2, 3, 4, 5, 8]);
    for attempt in &claims[..4] {
        let Claim { number, history, .. } = attempt.claim;
        let in_doubt = attempt.claim.key == w.key(4);
        // All of its attempts are available again.
        assert_eq!((number, history), (2, History { attempts: 1, charged_attempts: 0, deferrals: 0, in_doubt }));
    }
    w.settle(claims.iter().map(|attempt| accepted(&attempt.claim, &format!("n{}", attempt.claim.key.row())))).await;
    assert_eq!((w.row(5).await.attempts, w.row(5).await.message_id.as_deref()), (2, Some("n5")));
    w.check().await;
}

async fn a_row_that_was_in_doubt_stays_so_when_it_is_sent_again(f: Fixture<impl Place>) {
    let w = f.run("job", 4).await;
    w.settle(w.claim(9).await.iter().map(|attempt| doubted(&attempt.claim))).await;
    assert_eq!(requeue(&w, &[Uncertain], false).await.unwrap(), (4, 0));
    let claims = w.claim(3).await;
    w.settle([rejected(&claims[0].claim), released(&claims[1].claim, NOW), again(&claims[2].claim, NOW)]).await;
    w.store.cancel(w.run, "Ana", NOW).await.unwrap();
    w.store.cancel_waiting(w.owner).await.unwrap();
    assert_eq!(w.states().await, [Uncertain; 4]);
    w.check().await;
}

async fn requeueing_reopens_a_run_and_leaves_a_cancelled_one_alone(f: Fixture<impl Place>) {
    let w = f.run("job", 2).await;
    w.settle(w.claim(9).await.iter().map(|attempt| rejected(&attempt.claim))).await;
    w.store.reach(w.run, Stage::Dispatched, at(1)).await.unwrap();
    w.store.reach(w.run, Stage::Finished, at(2)).await.unwrap();
    w.store.pause(w.run, "Ana", at(3)).await.unwrap();
    assert_eq!(requeue(&w, &[Failed], false).await.unwrap(), (0, 0));
    let run = w.now().await;
    assert_eq!((run.dispatched_at, run.finished_at, run.paused_at), (Some(at(1)), Some(at(2)), Some(at(3))));
    assert_eq!(requeue(&w, &[Rejected], false).await.unwrap(), (2, 0));
    let run = w.now().await;
    assert_eq!((run.dispatched_at, run.finished_at, run.paused_at), (None, None, Some(at(3))), "it stays paused");
    w.store.lift_pause(w.run).await.unwrap();
    w.settle(w.claim(9).await.iter().map(|attempt| rejected(&attempt.claim))).await;
    w.store.cancel(w.run, "Ana", NOW).await.unwrap();
    let seen = w.all().await;
    assert_eq!(requeue(&w, &[Rejected], true).await.unwrap(), (0, 0));
    assert!(w.all().await == seen);
    w.check().await;
}

async fn rows_whose_people_another_run_has_or_will_message_are_left_out(f: Fixture<impl Place>) {
    let w = f.run("job", 7).await;
    w.settle(w.claim(9).await.iter().map(|attempt| rejected(&attempt.claim))).await;
    // In the next run, 1 is accepted, 2 refused, 3 in flight, 4 waiting, 5 uncertain, and 6 was never claimed.
    let next = f.one_more("job", 6).await;
    let claims: Vec<Claim> = next.claim(5).await.iter().map(|attempt| attempt.claim).collect();
    next.settle([accepted(&claims[0], "m"), rejected(&claims[1]), again(&claims[3], at(9)), doubted(&claims[4])]).await;
    // Another campaign does not matter.
    f.run("other", 7).await.claim(9).await;
    assert_eq!(requeue(&w, &[Rejected], false).await.unwrap(), (2, 5));
    assert_eq!(numbers(&w.claim(9).await), [2, 7]);
    assert_eq!(requeue(&w, &[Rejected], true).await.unwrap(), (5, 0));
    assert_eq!(numbers(&w.claim(9).await), [1, 3, 4, 5, 6]);
    w.check().await;
    next.check().await;
}

/// When the run was created, a person or the campaign decided about those reached before.
async fn whom_an_earlier_run_reached_before_this_one_was_created_is_not_left_out(f: Fixture<impl Place>) {
    let at = |minutes: i64| Millis(NOW.0 + minutes * 60_000);
    let first = f.run("job", 3).await;
    let claims: Vec<Claim> = first.claim(9).await.iter().map(|attempt| attempt.claim).collect();
    first.settle([accepted(&claims[0], "m1"), rejected(&claims[1]), rejected(&claims[2])]).await;
    first.store.reach(first.run, Stage::Dispatched, NOW).await.unwrap();
    let decision = f.store.start_run(&content("job"), Repeat::Again, at(60)).await.unwrap();
    let StartDecision::New(run) = decision else { panic!("{decision:?}") };
    let second = Worker::of(&f.store, &run).await;
    second.import(&(1..=3).map(planned).collect::<Vec<_>>()).await;
    second.store.reach(second.run, Stage::Started, at(60)).await.unwrap();
    second.settle(second.claim(9).await.iter().map(|attempt| rejected(&attempt.claim))).await;
    // The first run messages another person after all.
    let wanted = RequeueFilter { rows: vec![RowNumber(2)], ..RequeueFilter::in_states(&[Rejected]) };
    let requeued = first.store.requeue(first.owner, &first.now().await, &wanted, true, at(61)).await.unwrap();
    assert_eq!(requeued.rows, 1);
    let again = first.claim_one_at(at(62)).await;
    first.settle([Settlement { ended_at: at(62), ..accepted(&again, "m2") }]).await;
    assert_eq!(requeue(&second, &[Rejected], false).await.unwrap(), (2, 1));
    let claims = second.claim(9).await;
    assert_eq!(numbers(&claims), [1, 3]);
    // For the first run, the second one counts whatever the clock said.
    second.settle([Settlement { ended_at: at(-99), ..accepted(&claims[1].claim, "m3") }]).await;
    assert_eq!(requeue(&first, &[Rejected], false).await.unwrap(), (0, 1));
}

async fn nothing_is_requeued_while_another_run_is_being_imported(f: Fixture<impl Place>) {
    let w = f.run("job", 2).await;
    w.settle(w.claim(9).await.iter().map(|attempt| rejected(&attempt.claim))).await;
    let next = f.one_more_begun("job").await;
    let refused = requeue(&w, &[Rejected], false).await;
    assert!(matches!(&refused, Err(StoreError::Importing(run)) if *run == next.id), "{refused:?}");
    assert_eq!(w.states().await, [Rejected; 2]);
    assert_eq!(requeue(&w, &[Rejected], true).await.unwrap(), (2, 0), "a person wants everyone");
    next.store.abandon_import(next.owner, NOW).await.unwrap();
    w.settle(w.claim(9).await.iter().map(|attempt| rejected(&attempt.claim))).await;
    assert_eq!(requeue(&w, &[Rejected], false).await.unwrap(), (2, 0));
}

async fn waiting_rows_of_a_cancelled_run_are_cancelled_and_those_in_doubt_uncertain(f: Fixture<impl Place>) {
    let w = f.run("job", 6).await;
    let claims: Vec<Claim> = w.claim(5).await.iter().map(|attempt| attempt.claim).collect();
    w.settle([
        again(&claims[0], at(5)),
        interrupted_and_resent(&claims[1], at(5)),
        released(&claims[2], at(5)),
        accepted(&claims[3], "m4"),
    ])
    .await;
    let other = f.run("other", 1).await;
    other.send(|claim| again(claim, at(5))).await;
    w.store.cancel(w.run, "Ana", NOW).await.unwrap();
    // Rows never claimed count as cancelled at once.
    assert_eq!(w.states().await, [Pending, Pending, Pending, Accepted, Sending, Cancelled]);
    w.check().await;
    let before = w.clone();
    let w = w.next().await;
    let refused = w.store.cancel_waiting(before.owner).await;
    assert!(matches!(refused, Err(StoreError::NotOwner(_))), "{refused:?}");
    w.store.cancel_waiting(w.owner).await.unwrap();
    assert_eq!(w.states().await, [Cancelled, Uncertain, Cancelled, Accepted, Sending, Cancelled]);
    assert_eq!(other.states().await, [Pending]);
    before.settle_late([again(&claims[4], at(5))]).await;
    w.store.cancel_waiting(w.owner).await.unwrap();
    assert_eq!(w.state(5).await, Cancelled);
    w.store.reach(w.run, Stage::Dispatched, NOW).await.unwrap();
    assert!(w.now().await.dispatched_at.is_some());
    assert_eq!(w.store.remaining_rows(w.run, None, 9).await.unwrap().len(), 1, "but for the order, it would be sent");
    w.check().await;
}

async fn a_person_resolves_uncertain_rows_by_row_by_number_or_all(f: Fixture<impl Place>) {
    let w = f.run("job", 6).await;
    let claims: Vec<Claim> = w.claim(9).await.iter().map(|attempt| attempt.claim).collect();
    w.settle([rejected(&claims[0]), interrupted(&claims[1])]).await;
    w.settle(claims[2..5].iter().map(doubted)).await;
    let other = f.run("other", 3).await;
    other.settle(other.claim(9).await.iter().map(|attempt| doubted(&attempt.claim))).await;
    let listed = w.store.uncertain(w.run, 2).await.unwrap();
    assert_eq!(listed.iter().map(|row| row.row.0).collect::<Vec<_>>(), [2, 3]);
    assert_eq!((listed[0].phone, listed[0].code.as_str()), (phone(2), "interrupted"));
    assert_eq!(listed[0].message.original(), "the process ended while this message was in flight");
    assert_eq!((listed[1].message.original(), listed[1].last_attempt_at), ("words of timeout", Some(NOW)));

    let resolve = async |worker: &Worker, which, verdict| {
        worker.store.resolve_uncertain(worker.owner, which, verdict, "Ana", at(5)).await
    };
    assert_eq!(resolve(&w, Which::Row(RowNumber(1)), Verdict::Sent).await.unwrap(), 0, "it is not uncertain");
    assert_eq!(resolve(&w, Which::Row(RowNumber(6)), Verdict::Sent).await.unwrap(), 0, "nor is what is in flight");
    assert_eq!(resolve(&w, Which::Row(RowNumber(2)), Verdict::Sent).await.unwrap(), 1);
    assert_eq!(resolve(&w, Which::To(phone(3)), Verdict::NotSent).await.unwrap(), 1);
    assert_eq!(resolve(&w, Which::To(phone(99)), Verdict::NotSent).await.unwrap(), 0);
    let next = w.next().await;
    let refused = resolve(&w, Which::All, Verdict::Sent).await;
    assert!(matches!(refused, Err(StoreError::NotOwner(_))), "{refused:?}");
    assert_eq!(resolve(&next, Which::All, Verdict::Sent).await.unwrap(), 2);
    assert_eq!(w.states().await, [Rejected, Sent, Exhausted, Sent, Sent, Sending]);
    assert_eq!(other.states().await, [Uncertain; 3]);
    let row = w.row(3).await;
    assert_eq!(row.error_code.as_deref(), Some("settled_not_sent"));
    let words = "Ana recorded at 2025-08-06T07:43:25Z that the message was not sent; until then, the row was uncertain (words of timeout)";
    assert_eq!(row.error_message.as_deref(), Some(words));
    assert_eq!(w.store.uncertain(w.run, 9).await.unwrap().len(), 0);
    // Unsent rows may be sent again; sent rows may not.
    assert_eq!(requeue(&next, &[Exhausted, Uncertain], false).await.unwrap(), (1, 0));
    let claims = next.claim(9).await;
    assert_eq!((numbers(&claims), claims[0].claim.history.in_doubt), (vec![3], false));
    next.settle([rejected(&claims[0].claim)]).await;
    assert_eq!(w.state(3).await, Rejected);
    w.check().await;
}

async fn a_person_is_named_by_either_spelling_of_the_number(f: Fixture<impl Place>) {
    let [with, without] = ["5511987654321", "551187654321"].map(|digits| Phone::from_digits(digits).unwrap());
    let w = f.begun("job").await;
    w.import(&[PlannedRow { to: Ok(without), ..planned(1) }, planned(2)]).await;
    w.send(doubted).await;
    w.send(doubted).await;
    let settled = w.store.resolve_uncertain(w.owner, Which::To(with), Verdict::NotSent, "Ana", at(5)).await.unwrap();
    assert_eq!((settled, w.states().await), (1, vec![Exhausted, Uncertain]));
    let run = w.store.run(Some(&w.id)).await.unwrap();
    let wanted = RequeueFilter { states: vec![Exhausted, Uncertain], phones: vec![with], ..RequeueFilter::default() };
    let requeued = w.store.requeue(w.owner, &run, &wanted, false, NOW).await.unwrap();
    assert_eq!((requeued.rows, w.states().await), (1, vec![Pending, Uncertain]));
}

async fn what_was_accepted_after_a_person_denied_it_is_not_sent_again(f: Fixture<impl Place>) {
    let before = f.run("job", 3).await;
    let claims: Vec<Claim> = before.claim(9).await.iter().map(|attempt| attempt.claim).collect();
    let w = before.next().await;
    w.settle([interrupted(&claims[0]), interrupted_and_resent(&claims[1], NOW), interrupted(&claims[2])]).await;
    w.send(doubted).await;
    assert_eq!(w.store.resolve_uncertain(w.owner, Which::All, Verdict::NotSent, "Ana", NOW).await.unwrap(), 3);
    before.settle_late([accepted(&claims[0], "m1"), accepted(&claims[1], "m2")]).await;
    assert_eq!(w.states().await, [Exhausted; 3]);
    report(&w, "m1", DeliveryStatus::Read).await;
    assert_eq!(requeue(&w, &[Exhausted], false).await.unwrap(), (1, 2));
    assert_eq!(w.states().await, [Read, Accepted, Pending]);
    assert_eq!(numbers(&w.claim(9).await), [3]);
    w.check().await;
}

async fn the_suppression_list_keeps_the_first_reason_and_is_read_in_pages(f: Fixture<impl Place>) {
    assert_eq!(f.store.suppress(&[3, 1].map(phone), Some("asked"), NOW).await.unwrap(), 2);
    assert_eq!(f.store.suppress(&[1, 2, 2].map(phone), None, at(5)).await.unwrap(), 1);
    let page = f.store.suppressions(None, 2).await.unwrap();
    assert!(page == [(phone(1), Some("asked".to_owned()), NOW), (phone(2), None, at(5))]);
    assert_eq!(f.store.suppress(&[1, 2].map(phone), Some("later"), at(9)).await.unwrap(), 0);
    let page = f.store.suppressions(None, 2).await.unwrap();
    assert!(page == [(phone(1), Some("asked".to_owned()), NOW), (phone(2), Some("later".to_owned()), at(5))]);
    let page = f.store.suppressions(Some(phone(2)), 2).await.unwrap();
    assert!(page == [(phone(3), Some("asked".to_owned()), NOW)]);
    assert_eq!(f.store.unsuppress(&[1, 9].map(phone)).await.unwrap(), 1);
    assert_eq!(f.store.suppressions(None, 9).await.unwrap().len(), 2);
}

async fn waits_that_began_in_the_future_begin_again_now(f: Fixture<impl Place>) {
    let w = f.run("job", 5).await;
    let claims: Vec<Claim> = w.claim_at(5, at(1000)).await.iter().map(|attempt| attempt.claim).collect();
    let poll = |settlement: Settlement, due| Settlement { next_poll_at: Some(due), ..settlement };
    w.settle([
        again(&claims[0], at(1060)),
        poll(accepted(&claims[1], "m2"), at(1090)),
        poll(accepted(&claims[2], "m3"), at(1001)),
        rejected(&claims[3]),
    ])
    .await;
    // The clock is right: nothing changes.
    assert!(!w.store.has_polls_ahead(w.run, at(1001)).await.unwrap());
    for kind in [WaitKind::Attempts, WaitKind::Polls] {
        assert_eq!(w.store.correct_times(w.run, kind, at(1001)).await.unwrap(), 0);
    }
    // It was set back by about 900 seconds.
    let now = at(100);
    assert!(w.store.has_polls_ahead(w.run, now).await.unwrap());
    assert_eq!(w.store.correct_times(w.run, WaitKind::Attempts, now).await.unwrap(), 1);
    assert_eq!(w.store.next_due(w.owner, false).await.unwrap(), Some(at(160)));
    assert_eq!(w.store.correct_times(w.run, WaitKind::Polls, now).await.unwrap(), 2);
    assert!(!w.store.has_polls_ahead(w.run, now).await.unwrap());
    let polls = w.store.due_polls(w.run, at(300), 9).await.unwrap();
    assert_eq!(polls.iter().map(|poll| poll.next_poll_at).collect::<Vec<Millis>>(), [at(100), at(189)]);
    for kind in [WaitKind::Attempts, WaitKind::Polls] {
        assert_eq!(w.store.correct_times(w.run, kind, now).await.unwrap(), 0, "once");
    }
    assert_eq!(numbers(&w.claim_at(9, at(160)).await), [1]);
    w.check().await;
}
