//! References: statuses that name the attempt itself.

use super::*;
use crate::model::{DeliveryStatus, Millis, Reference, ReferenceKey, RowNumber, State, StatusUpdate};

contract!(
    a_status_settles_the_attempt_that_its_reference_names,
    a_status_before_the_answer_waits_for_it_and_settles_it_if_it_is_lost,
    an_early_status_of_an_attempt_that_died_outlasts_the_others,
    an_early_status_waits_while_others_of_its_message_settle_another_row,
    a_row_that_waits_to_be_sent_again_is_not_if_its_attempt_was_accepted,
    a_refusal_gives_way_to_a_status_of_the_same_attempt,
    a_decision_of_a_person_gives_way_to_a_status,
    a_second_message_of_one_attempt_is_a_double_send,
    a_message_of_a_past_attempt_beside_another_is_a_double_send,
    a_reference_counts_only_with_its_workers_signature,
    a_settled_row_reopens_a_run_that_was_over,
    a_row_that_was_suppressed_later_is_not_unsent,
    an_answer_that_says_try_again_does_not_outweigh_a_status_that_came_before_it,
    a_crash_resends_nothing_that_a_status_has_told_of,
    a_row_that_is_being_sent_again_keeps_the_message_of_its_past_attempt,
    two_messages_of_one_row_that_is_being_sent_again_are_a_double_send,
    two_attempts_of_one_row_in_one_batch_are_a_double_send,
    a_second_message_is_noticed_after_its_attempt_was_taken_back,
    a_failed_status_of_a_past_attempt_is_no_double_send,
    a_row_stays_in_doubt_while_another_of_its_attempts_is,
);

use State::{Accepted, Delivered, Failed, Pending, Rejected, Sending, Sent, Suppressed, Uncertain};

/// Returns the reference of a claim, signed by its worker.
async fn reference(w: &Worker, claim: &Claim) -> Reference {
    w.store.reference_key(claim.worker).await.unwrap().sign(w.run, claim.key.row(), claim.number)
}

fn status(message_id: &str, status: DeliveryStatus, reference: Reference) -> StatusUpdate {
    StatusUpdate {
        message_id: message_id.into(),
        status,
        delivered_at: None,
        read_at: None,
        problem: None,
        reference: Some(reference),
    }
}

async fn save(w: &Worker, statuses: Vec<StatusUpdate>) -> WebhookResult {
    w.store.save_webhooks(&WebhookBatch { statuses, ..WebhookBatch::default() }, at(60)).await.unwrap()
}

async fn an_early_status_of_an_attempt_that_died_outlasts_the_others(f: Fixture<impl Place>) {
    let (w, claim) = claimed(&f).await;
    let named = status("m1", DeliveryStatus::Delivered, reference(&w, &claim).await);
    let other = StatusUpdate { message_id: "m2".into(), reference: None, ..named.clone() };
    assert_eq!(save(&w, vec![named, other]).await.early, 2);
    f.store.drop_early(at(100_000)).await.unwrap();
    assert_eq!(w.state(1).await, Sending);
    let next = w.next().await;
    next.settle([interrupted_and_resent(&claim, NOW)]).await;
    assert_eq!((w.state(1).await, w.row(1).await.message_id.as_deref()), (Delivered, Some("m1")));
    f.store.drop_early(at(100_000)).await.unwrap();
    assert!(!f.store.match_early(Millis(0), NOW).await.unwrap().found > 0);
    w.check().await;
}

/// Returns a run of one row with its first claim.
async fn claimed(f: &Fixture<impl Place>) -> (Worker, Claim) {
    f.store.index_message_ids().await.unwrap();
    let w = f.run("job", 1).await;
    let claim = w.claim_one().await;
    (w, claim)
}

async fn a_status_settles_the_attempt_that_its_reference_names(f: Fixture<impl Place>) {
    f.store.index_message_ids().await.unwrap();
    let w = f.run("job", 3).await;
    let claims: Vec<Claim> = w.claim(9).await.iter().map(|attempt| attempt.claim).collect();
    w.settle([doubted(&claims[0]), interrupted(&claims[1]), doubted(&claims[2])]).await;
    let statuses = vec![
        status("m1", DeliveryStatus::Delivered, reference(&w, &claims[0]).await),
        status("m2", DeliveryStatus::Failed, reference(&w, &claims[1]).await),
        status("m1", DeliveryStatus::Sent, reference(&w, &claims[0]).await),
    ];
    let result = save(&w, statuses.clone()).await;
    assert_eq!((result.settled, result.early, result.doubled), (2, 0, 0));
    assert_eq!(w.states().await, [Delivered, Failed, Uncertain]);
    assert_eq!(w.row(1).await.message_id.as_deref(), Some("m1"));
    assert_eq!(w.row(1).await.attempts, 1);
    assert_eq!(save(&w, statuses).await, WebhookResult::default(), "a repeat changes nothing");
    w.check().await;
}

async fn a_status_before_the_answer_waits_for_it_and_settles_it_if_it_is_lost(f: Fixture<impl Place>) {
    f.store.index_message_ids().await.unwrap();
    let w = f.run("job", 2).await;
    let claims: Vec<Claim> = w.claim(9).await.iter().map(|attempt| attempt.claim).collect();
    let mut early = Vec::new();
    for (claim, id) in claims.iter().zip(["m1", "m2"]) {
        early.push(status(id, DeliveryStatus::Delivered, reference(&w, claim).await));
    }
    let result = save(&w, early).await;
    assert_eq!((result.settled, result.early), (0, 2));
    assert_eq!(w.states().await, [Sending, Sending]);
    w.settle([accepted(&claims[0], "m1")]).await;
    assert_eq!(w.state(1).await, Delivered, "the answer found it");
    let next = w.next().await;
    next.settle([interrupted(&claims[1])]).await;
    assert_eq!(next.states().await, [Delivered, Delivered]);
    assert_eq!(next.store.match_early(Millis(0), at(62)).await.unwrap(), WebhookResult::default());
    next.check().await;
}

/// The webhook with a row's second status also has one that settles another row.
async fn an_early_status_waits_while_others_of_its_message_settle_another_row(f: Fixture<impl Place>) {
    f.store.index_message_ids().await.unwrap();
    let w = f.run("job", 2).await;
    let claims: Vec<Claim> = w.claim(9).await.iter().map(|attempt| attempt.claim).collect();
    w.settle([doubted(&claims[1])]).await;
    let being_sent = reference(&w, &claims[0]).await;
    assert_eq!(save(&w, vec![status("m1", DeliveryStatus::Read, being_sent)]).await.early, 1);
    let second = status("m2", DeliveryStatus::Sent, reference(&w, &claims[1]).await);
    let result = save(&w, vec![status("m1", DeliveryStatus::Sent, being_sent), second]).await;
    assert_eq!((result.settled, result.early), (1, 1));
    assert_eq!(w.states().await, [Sending, Sent]);
    w.settle([accepted(&claims[0], "m1")]).await;
    assert_eq!(w.state(1).await, State::Read, "both statuses waited for the answer");
    w.check().await;
}

async fn a_row_that_waits_to_be_sent_again_is_not_if_its_attempt_was_accepted(f: Fixture<impl Place>) {
    let (w, claim) = claimed(&f).await;
    w.settle([interrupted_and_resent(&claim, at(99))]).await;
    assert_eq!(w.state(1).await, Pending);
    let result = save(&w, vec![status("m1", DeliveryStatus::Sent, reference(&w, &claim).await)]).await;
    assert_eq!(result.settled, 1);
    assert_eq!((w.state(1).await, w.claim_at(9, at(999)).await.len()), (Sent, 0));
    w.check().await;
}

async fn a_refusal_gives_way_to_a_status_of_the_same_attempt(f: Fixture<impl Place>) {
    f.store.index_message_ids().await.unwrap();
    let w = f.run("job", 3).await;
    let claims: Vec<Claim> = w.claim(9).await.iter().map(|attempt| attempt.claim).collect();
    w.settle([rejected(&claims[0]), again(&claims[1], at(99)), exhausted(&claims[2])]).await;
    for (claim, id) in claims.iter().zip(["m1", "m2", "m3"]) {
        save(&w, vec![status(id, DeliveryStatus::Sent, reference(&w, claim).await)]).await;
    }
    assert_eq!(w.states().await, [Sent, Sent, Sent]);
    assert!(w.claim_at(9, at(999)).await.is_empty(), "nobody gets it again");
    w.check().await;
}

async fn a_decision_of_a_person_gives_way_to_a_status(f: Fixture<impl Place>) {
    f.store.index_message_ids().await.unwrap();
    let w = f.run("job", 2).await;
    let claims: Vec<Claim> = w.claim(9).await.iter().map(|attempt| attempt.claim).collect();
    w.settle(claims.iter().map(doubted)).await;
    for (n, verdict) in [(1, Verdict::Sent), (2, Verdict::NotSent)] {
        w.store.resolve_uncertain(w.owner, Which::Row(RowNumber(n)), verdict, "Ana", NOW).await.unwrap();
    }
    for (claim, id) in claims.iter().zip(["m1", "m2"]) {
        save(&w, vec![status(id, DeliveryStatus::Delivered, reference(&w, claim).await)]).await;
    }
    assert_eq!(w.states().await, [Delivered, Delivered]);
    w.check().await;
}

async fn a_second_message_of_one_attempt_is_a_double_send(f: Fixture<impl Place>) {
    let (w, claim) = claimed(&f).await;
    w.settle([accepted(&claim, "m1")]).await;
    let named = reference(&w, &claim).await;
    let twice = || vec![status("m1", DeliveryStatus::Sent, named), status("m2", DeliveryStatus::Delivered, named)];
    assert_eq!(save(&w, twice()).await.doubled, 1);
    assert_eq!(save(&w, twice()).await.doubled, 0, "it is counted once");
    assert_eq!(w.store.double_sends(&w.now().await).await.unwrap(), 1);
    assert_eq!((w.state(1).await, w.row(1).await.message_id.as_deref()), (Sent, Some("m1")));
    w.check().await;
}

async fn a_message_of_a_past_attempt_beside_another_is_a_double_send(f: Fixture<impl Place>) {
    let (w, first) = claimed(&f).await;
    w.settle([again(&first, NOW)]).await;
    let second = w.claim_one().await;
    w.settle([accepted(&second, "m2")]).await;
    let result = save(&w, vec![status("m1", DeliveryStatus::Delivered, reference(&w, &first).await)]).await;
    assert_eq!((result.settled, result.doubled), (1, 1));
    assert_eq!(w.store.double_sends(&w.now().await).await.unwrap(), 1);
    assert_eq!((w.state(1).await, w.row(1).await.message_id.as_deref()), (Accepted, Some("m2")));
    w.check().await;
}

async fn a_reference_counts_only_with_its_workers_signature(f: Fixture<impl Place>) {
    let (w, claim) = claimed(&f).await;
    w.settle([doubted(&claim)]).await;
    let other = f.run("other", 1).await;
    let key = w.store.reference_key(other.owner.worker).await.unwrap();
    for forged in [
        key.sign(w.run, claim.key.row(), claim.number),
        ReferenceKey::new(vec![0; 16]).sign(w.run, claim.key.row(), claim.number),
    ] {
        let result = save(&w, vec![status("m1", DeliveryStatus::Delivered, forged)]).await;
        assert_eq!((result.settled, result.doubled), (0, 0));
    }
    assert_eq!(w.store.match_early(Millis(0), at(61)).await.unwrap().settled, 0);
    assert_eq!(w.state(1).await, Uncertain);
    let genuine = w.store.reference_key(claim.worker).await.unwrap();
    let missing = genuine.sign(w.run, claim.key.row(), claim.number + 1);
    assert_eq!(save(&w, vec![status("m3", DeliveryStatus::Delivered, missing)]).await.settled, 0);
    w.check().await;
}

async fn a_settled_row_reopens_a_run_that_was_over(f: Fixture<impl Place>) {
    let (w, claim) = claimed(&f).await;
    w.settle([doubted(&claim)]).await;
    for stage in [Stage::Dispatched, Stage::Finished] {
        w.store.reach(w.run, stage, NOW).await.unwrap();
    }
    assert!(w.now().await.finished_at.is_some());
    save(&w, vec![status("m1", DeliveryStatus::Delivered, reference(&w, &claim).await)]).await;
    assert!(w.now().await.finished_at.is_none(), "its reports are renewed");
    w.store.reach(w.run, Stage::Finished, at(70)).await.unwrap();
    assert_eq!(w.state(1).await, Delivered);
    w.check().await;
}

async fn a_row_that_was_suppressed_later_is_not_unsent(f: Fixture<impl Place>) {
    let (w, claim) = claimed(&f).await;
    w.settle([again(&claim, at(9))]).await;
    w.store.suppress(&[phone(1)], None, NOW).await.unwrap();
    assert!(w.claim_at(9, at(10)).await.is_empty());
    assert_eq!(w.state(1).await, Suppressed);
    save(&w, vec![status("m1", DeliveryStatus::Delivered, reference(&w, &claim).await)]).await;
    assert_eq!((w.state(1).await, w.row(1).await.message_id.as_deref()), (Delivered, Some("m1")));
    w.check().await;
}

async fn an_answer_that_says_try_again_does_not_outweigh_a_status_that_came_before_it(f: Fixture<impl Place>) {
    let (w, claim) = claimed(&f).await;
    save(&w, vec![status("m1", DeliveryStatus::Sent, reference(&w, &claim).await)]).await;
    // Due at once: the step that records the answer could claim the row again.
    let step = Step { settlements: vec![again(&claim, NOW)], want: 9, now: NOW, ..Step::default() };
    assert!(w.step(step).await.attempts.is_empty());
    assert_eq!((w.state(1).await, w.row(1).await.message_id.as_deref()), (Sent, Some("m1")));
    assert!(w.claim_at(9, at(999)).await.is_empty());
    w.check().await;
}

async fn a_crash_resends_nothing_that_a_status_has_told_of(f: Fixture<impl Place>) {
    let (w, claim) = claimed(&f).await;
    save(&w, vec![status("m1", DeliveryStatus::Delivered, reference(&w, &claim).await)]).await;
    let next = w.next().await;
    next.settle([interrupted_and_resent(&claim, NOW)]).await;
    assert_eq!(next.state(1).await, Delivered);
    assert!(next.claim_at(9, at(999)).await.is_empty());
    next.check().await;
}

/// Returns a run of one row that is being sent again, and its two claims.
async fn sent_again(f: &Fixture<impl Place>) -> (Worker, Claim, Claim) {
    let (w, first) = claimed(f).await;
    w.settle([again(&first, NOW)]).await;
    let second = w.claim_one().await;
    (w, first, second)
}

async fn a_row_that_is_being_sent_again_keeps_the_message_of_its_past_attempt(f: Fixture<impl Place>) {
    let (w, first, second) = sent_again(&f).await;
    let earlier = vec![status("m1", DeliveryStatus::Delivered, reference(&w, &first).await)];
    assert_eq!((save(&w, earlier).await.settled, w.state(1).await), (1, Sending));
    w.settle([rejected(&second)]).await;
    assert_eq!((w.state(1).await, w.row(1).await.message_id.as_deref()), (Delivered, Some("m1")));
    assert_eq!(w.store.double_sends(&w.now().await).await.unwrap(), 0);
    w.check().await;
}

async fn two_messages_of_one_row_that_is_being_sent_again_are_a_double_send(f: Fixture<impl Place>) {
    let (w, first, second) = sent_again(&f).await;
    save(&w, vec![status("m1", DeliveryStatus::Delivered, reference(&w, &first).await)]).await;
    w.settle([accepted(&second, "m2")]).await;
    assert_eq!(w.store.double_sends(&w.now().await).await.unwrap(), 1);
    w.check().await;
}

async fn two_attempts_of_one_row_in_one_batch_are_a_double_send(f: Fixture<impl Place>) {
    let (w, first, second) = sent_again(&f).await;
    w.settle([rejected(&second)]).await;
    let both = vec![
        status("m1", DeliveryStatus::Sent, reference(&w, &first).await),
        status("m2", DeliveryStatus::Delivered, reference(&w, &second).await),
    ];
    let result = save(&w, both.clone()).await;
    assert_eq!((result.settled, result.doubled, result.early), (2, 1, 0));
    assert_eq!(save(&w, both).await, WebhookResult::default());
    assert_eq!((w.row(1).await.attempts, w.store.double_sends(&w.now().await).await.unwrap()), (2, 1));
    w.check().await;
}

async fn a_second_message_is_noticed_after_its_attempt_was_taken_back(f: Fixture<impl Place>) {
    let (w, claim) = claimed(&f).await;
    // Not interrupted: the attempt gets another number when it is settled.
    w.settle([doubted(&claim)]).await;
    let named = reference(&w, &claim).await;
    save(&w, vec![status("m1", DeliveryStatus::Sent, named)]).await;
    let result = save(&w, vec![status("m2", DeliveryStatus::Sent, named)]).await;
    assert_eq!((result.settled, result.doubled), (0, 1));
    // A message that the row already has is none.
    assert_eq!(save(&w, vec![status("m1", DeliveryStatus::Failed, named)]).await.doubled, 0);
    let wanted = RequeueFilter::in_states(&[Failed]);
    w.store.requeue(w.owner, &w.now().await, &wanted, true, NOW).await.unwrap();
    w.send(|claim| accepted(claim, "m3")).await;
    assert_eq!(save(&w, vec![status("m1", DeliveryStatus::Failed, named)]).await.doubled, 0);
    w.check().await;
}

async fn a_failed_status_of_a_past_attempt_is_no_double_send(f: Fixture<impl Place>) {
    let (w, first, second) = sent_again(&f).await;
    w.settle([accepted(&second, "m2")]).await;
    // Meta may report a refusal in its answer and again by webhook.
    let result = save(&w, vec![status("m1", DeliveryStatus::Failed, reference(&w, &first).await)]).await;
    assert_eq!((result.settled, result.doubled), (1, 0));
    assert_eq!((w.state(1).await, w.row(1).await.message_id.as_deref()), (Accepted, Some("m2")));
    w.check().await;
}

async fn a_row_stays_in_doubt_while_another_of_its_attempts_is(f: Fixture<impl Place>) {
    let (w, first) = claimed(&f).await;
    w.settle([doubted(&first)]).await;
    let requeue = async |state| {
        let wanted = RequeueFilter::in_states(&[state]);
        w.store.requeue(w.owner, &w.now().await, &wanted, true, NOW).await.unwrap();
    };
    requeue(Uncertain).await;
    let second = w.claim_one().await;
    w.settle([interrupted(&second)]).await;
    save(&w, vec![status("m2", DeliveryStatus::Failed, reference(&w, &second).await)]).await;
    assert_eq!(w.state(1).await, Failed);
    requeue(Failed).await;
    let third = w.claim_one().await;
    assert!(third.number > second.number);
    let [claim] = w.store.claims(w.owner, true).await.unwrap()[..] else { panic!() };
    w.settle([rejected(&claim)]).await;
    assert_ne!(w.state(1).await, Rejected, "the first attempt may have been accepted");
    w.check().await;
}
