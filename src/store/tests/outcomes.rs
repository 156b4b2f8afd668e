//! Outcomes: the effect of each on its row, and that none is applied twice or to another claim.

use super::*;
use crate::model::{AttemptNumber, DeliveryStatus, RowCause, State, StatusUpdate};

contract!(
    each_outcome_leaves_its_row_as_it_says,
    a_held_message_says_so_until_its_first_status,
    the_next_claim_knows_what_earlier_ones_left_behind,
    a_release_makes_the_row_due_again_as_if_it_had_not_been_claimed,
    an_outcome_of_another_claim_or_worker_or_of_a_row_that_is_not_sent_changes_nothing,
    the_same_batch_once_more_changes_nothing,
    a_release_that_comes_once_more_does_not_revive_a_row_that_was_stopped,
    outcomes_and_the_next_claims_are_one_step,
    a_step_that_is_given_up_half_way_is_in_or_not_and_takes_nothing_else_with_it,
    seconds_count_what_was_taken_and_what_was_settled,
);

/// Returns everything that a person or a program can see of a run.
async fn seen(w: &Worker) -> (Vec<crate::model::ReportRow>, [u64; 2], Vec<Claim>, Option<Waiting>, Vec<Awaiting>) {
    let run = w.now().await;
    let counts = [
        w.store.taken_since(run.id.name(), None, Default::default()).await.unwrap(),
        w.store.settled_since(&run, Default::default()).await.unwrap(),
    ];
    let claims = w.store.claims(w.owner, true).await.unwrap();
    let waiting = w.store.waiting(w.run, Default::default()).await.unwrap();
    (w.all().await, counts, claims, waiting, w.store.pollable(w.run, at(999), None, 99).await.unwrap())
}

async fn each_outcome_leaves_its_row_as_it_says(f: Fixture<impl Place>) {
    let w = f.run("job", 7).await;
    let claims: Vec<Claim> = w.claim(9).await.iter().map(|attempt| attempt.claim).collect();
    let known = Settlement { problem: Some(RowCause::Interrupted.into()), ..doubted(&claims[5]) };
    let outcomes = [
        accepted(&claims[0], "m1"),
        rejected(&claims[1]),
        exhausted(&claims[2]),
        again(&claims[3], at(30)),
        doubted(&claims[4]),
        known,
    ];
    assert_eq!(w.settle(outcomes).await, 0);
    use State::{Accepted, Exhausted, Pending, Rejected, Sending, Uncertain};
    assert_eq!(w.states().await, [Accepted, Rejected, Exhausted, Pending, Uncertain, Uncertain, Sending]);
    let row = w.row(1).await;
    assert_eq!((row.message_id.as_deref(), row.attempts, row.accepted_at), (Some("m1"), 1, Some(at(1))));
    assert_eq!((row.error_code, row.to), (None, phone(1).digits()));
    let row = w.row(2).await;
    assert_eq!((row.message_id, row.attempts, row.accepted_at), (None, 1, None));
    assert_eq!((row.error_code.as_deref(), row.error_message.as_deref()), (Some("refused"), Some("words of refused")));
    let codes = ["busy", "busy", "timeout", "interrupted"];
    for (row, code) in (3..).zip(codes) {
        assert_eq!(w.row(row).await.error_code.as_deref(), Some(code), "{row}");
    }
    let words = "the process ended while this message was in flight";
    assert_eq!(w.row(6).await.error_message.as_deref(), Some(words));
    assert_eq!((w.row(7).await.attempts, w.row(7).await.error_code), (1, None));
    let waits = w.store.waiting(w.run, NOW).await.unwrap();
    assert_eq!(waits, Some(Waiting { rows: 1, first: at(30), last: at(30) }));
    let [awaiting] = &w.store.due_polls(w.run, at(61), 9).await.unwrap()[..] else { panic!("one is accepted") };
    let expected = Awaiting { key: w.key(1), message_id: "m1".into(), accepted_at: at(1), next_poll_at: at(61) };
    assert_eq!(*awaiting, expected);
    w.check().await;
}

async fn a_held_message_says_so_until_its_first_status(f: Fixture<impl Place>) {
    f.store.index_message_ids().await.unwrap();
    let w = f.run("job", 1).await;
    w.send(|claim| Settlement { problem: Some(RowCause::Held.into()), ..accepted(claim, "m1") }).await;
    let row = w.row(1).await;
    assert_eq!((row.state, row.error_code.as_deref()), (State::Accepted, Some("held")));
    w.check().await;
    let sent = StatusUpdate {
        message_id: "m1".into(),
        status: DeliveryStatus::Sent,
        delivered_at: None,
        read_at: None,
        problem: None,
        reference: None,
    };
    f.store.save_webhooks(&WebhookBatch { statuses: vec![sent], ..WebhookBatch::default() }, NOW).await.unwrap();
    let row = w.row(1).await;
    assert_eq!((row.state, row.error_code), (State::Sent, None));
    w.check().await;
}

async fn the_next_claim_knows_what_earlier_ones_left_behind(f: Fixture<impl Place>) {
    let w = f.run("job", 1).await;
    w.send(|claim| Settlement { deferrals: 2, charged_attempts: 0, ..again(claim, NOW) }).await;
    let claim = w.send(|claim| interrupted_and_resent(claim, NOW)).await;
    assert_eq!(claim.history, History { attempts: 1, charged_attempts: 0, deferrals: 2, in_doubt: false });
    let claim = w.claim_one().await;
    assert_eq!(claim.history, History { attempts: 2, charged_attempts: 1, deferrals: 2, in_doubt: true });
    assert_eq!((claim.number, claim.attempt()), (3, AttemptNumber(3)));
    assert_eq!(w.store.claims(w.owner, true).await.unwrap(), [claim]);
    assert_eq!((w.row(1).await.attempts, w.state(1).await), (3, State::Sending));
    w.settle([rejected(&claim)]).await;
    assert_eq!(w.state(1).await, State::Uncertain, "an earlier attempt may have been accepted");
    w.check().await;
}

async fn a_release_makes_the_row_due_again_as_if_it_had_not_been_claimed(f: Fixture<impl Place>) {
    let w = f.run("job", 2).await;
    w.send(|claim| released(claim, at(3))).await;
    assert_eq!((w.state(1).await, w.row(1).await.attempts), (State::Pending, 0));
    assert_eq!(w.store.next_due(w.owner, false).await.unwrap(), Some(at(3)));
    let claim = w.claim_one_at(at(3)).await;
    assert_eq!((claim.key, claim.number, claim.history), (w.key(1), 2, History::default()));
    w.settle([interrupted_and_resent(&claim, at(3))]).await;
    let released_now = w.claim_one_at(at(3)).await;
    w.settle([released(&released_now, at(3))]).await;
    let row = w.row(1).await;
    assert_eq!((row.attempts, row.error_code.as_deref()), (1, Some("interrupted")), "what is known of it stays");
    let claim = w.claim_one_at(at(3)).await;
    assert_eq!((claim.number, claim.history.attempts, claim.history.in_doubt), (4, 1, true));
    w.settle([accepted(&claim, "m")]).await;
    assert_eq!((w.row(1).await.attempts, w.row(1).await.error_code), (2, None));
    w.check().await;
}

async fn an_outcome_of_another_claim_or_worker_or_of_a_row_that_is_not_sent_changes_nothing(f: Fixture<impl Place>) {
    let before = f.run("job", 6).await;
    let w = before.next().await;
    let claims: Vec<Claim> = w.claim(4).await.iter().map(|attempt| attempt.claim).collect();
    w.settle([accepted(&claims[1], "m2"), rejected(&claims[2]), again(&claims[3], at(9))]).await;
    let stray = [
        Claim { number: 2, ..claims[0] },
        Claim { number: 0, ..claims[0] },
        Claim { worker: before.owner.worker, ..claims[0] },
        Claim { worker: before.owner.worker, ..claims[3] },
        Claim { number: 2, ..claims[3] },
        // They have their outcome.
        claims[1],
        claims[2],
        claims[3],
        // They were never claimed; one of them does not exist.
        Claim { key: w.key(5), ..claims[0] },
        Claim { key: w.key(99), ..claims[0] },
    ];
    let seen_before = seen(&w).await;
    for claim in &stray {
        let outcomes =
            [accepted(claim, "x"), rejected(claim), again(claim, NOW), interrupted(claim), released(claim, NOW)];
        for outcome in outcomes {
            assert_eq!(w.settle([outcome.clone()]).await, 1, "{outcome:?}");
            assert!(seen(&w).await == seen_before, "{outcome:?}");
        }
    }
    assert_eq!(w.settle([accepted(&claims[0], "m1")]).await, 0);
    w.check().await;
}

async fn the_same_batch_once_more_changes_nothing(f: Fixture<impl Place>) {
    let before = f.run("job", 8).await;
    let left: Vec<Claim> = before.claim(2).await.iter().map(|attempt| attempt.claim).collect();
    let w = before.next().await;
    let claims: Vec<Claim> = w.claim(9).await.iter().map(|attempt| attempt.claim).collect();
    let batch = [
        interrupted(&left[0]),
        interrupted_and_resent(&left[1], at(5)),
        accepted(&claims[0], "m3"),
        rejected(&claims[1]),
        exhausted(&claims[2]),
        again(&claims[3], at(5)),
        doubted(&claims[4]),
        released(&claims[5], at(5)),
    ];
    w.settle(batch.clone()).await;
    let once = seen(&w).await;
    w.settle(batch.clone()).await;
    assert!(seen(&w).await == once);
    // Nor does it, once the rows have moved on.
    let next = w.claim_at(9, at(5)).await;
    assert_eq!(numbers(&next), [2, 6, 8]);
    let later = seen(&w).await;
    w.settle(batch.clone()).await;
    assert!(seen(&w).await == later);
    w.settle(next.iter().map(|attempt| accepted(&attempt.claim, &format!("n{}", attempt.claim.key.row())))).await;
    let at_the_end = seen(&w).await;
    w.settle(batch).await;
    assert!(seen(&w).await == at_the_end);
    w.check().await;
}

async fn a_release_that_comes_once_more_does_not_revive_a_row_that_was_stopped(f: Fixture<impl Place>) {
    let w = f.run("job", 1).await;
    w.send(|claim| interrupted_and_resent(claim, NOW)).await;
    let second = w.send(|claim| released(claim, NOW)).await;
    f.store.suppress(&[phone(1)], None, NOW).await.unwrap();
    assert_eq!(w.claim(1).await.len(), 0);
    assert_eq!(w.settle([released(&second, NOW)]).await, 1);
    assert_eq!((w.state(1).await, w.row(1).await.error_code.as_deref()), (State::Uncertain, Some("interrupted")));
    w.check().await;
}

async fn outcomes_and_the_next_claims_are_one_step(f: Fixture<impl Place>) {
    let w = f.run("job", 3).await;
    let claim = w.claim_one().await;
    // A row made due by an outcome is due for the claims of the same step.
    let settlements = vec![again(&claim, at(1))];
    let step = w.step(Step { settlements, want: 2, now: at(1), ..Step::default() }).await;
    assert_eq!(numbers(&step.attempts), [1, 2]);
    assert_eq!(step.attempts[0].claim.number, 2);
    let settlements = step.attempts.iter().map(|a| accepted(&a.claim, &format!("m{}", a.claim.key.row()))).collect();
    let last = w.step(Step { settlements, want: 9, now: at(1), ..Step::default() }).await;
    assert_eq!((numbers(&last.attempts), last.ignored), (vec![3], 0));
    assert_eq!(w.states().await, [State::Accepted, State::Accepted, State::Sending]);
    w.check().await;
}

async fn seconds_count_what_was_taken_and_what_was_settled(f: Fixture<impl Place>) {
    let (w, other) = (f.run("job", 6).await, f.run("other", 1).await);
    other.send(|claim| accepted(claim, "x")).await;
    let claims: Vec<Claim> = w.claim(9).await.iter().map(|attempt| attempt.claim).collect();
    let later = |settlement: Settlement| Settlement { ended_at: at(7), ..settlement };
    w.settle([
        accepted(&claims[0], "m1"),
        later(accepted(&claims[1], "m2")),
        later(doubted(&claims[2])),
        later(rejected(&claims[3])),
        later(again(&claims[4], at(9))),
        later(released(&claims[5], at(9))),
    ])
    .await;
    let counts = async |since| {
        let settled = w.store.settled_since(&w.now().await, since).await.unwrap();
        (w.store.taken_since("job", None, since).await.unwrap(), settled)
    };
    assert_eq!(counts(at(1)).await, (3, 4));
    assert_eq!(counts(at(2)).await, (2, 3));
    assert_eq!(counts(at(8)).await, (0, 0));
    let attempts = w.claim_at(2, at(9)).await;
    w.settle([rejected(&attempts[0].claim), rejected(&attempts[1].claim)]).await;
    assert_eq!(counts(at(10)).await, (0, 2));
    // All runs of the name count.
    f.one_more("job", 1).await.send(|claim| accepted(claim, "m7")).await;
    assert_eq!(counts(at(1)).await, (4, 6));
    // What another run left in flight may have been sent.
    let left = f.one_more("job", 2).await;
    left.claim_at(1, at(5)).await;
    let taken = async |own, since| w.store.taken_since("job", own, since).await.unwrap();
    assert_eq!((taken(None, at(5)).await, taken(Some(w.run), at(5)).await), (3, 3));
    assert_eq!((taken(Some(left.run), at(5)).await, taken(None, at(6)).await), (2, 2));
}

/// A process may abandon a step, for example when it ends.
async fn a_step_that_is_given_up_half_way_is_in_or_not_and_takes_nothing_else_with_it(f: Fixture<impl Place>) {
    let w = f.run("job", 60).await;
    let mut settlements: Vec<Settlement> = Vec::new();
    for n in 0..60_u32 {
        let step = Step { settlements: settlements.clone(), want: 1, now: NOW, ..Step::default() };
        let advance = f.store.advance(w.owner, &step);
        let _ = tokio::time::timeout(std::time::Duration::from_micros(u64::from(n) * 40), advance).await;
        // Whatever is written after it is visible to everyone.
        f.store.suppress(&[phone(1_000 + u64::from(n))], None, NOW).await.unwrap();
        let others = f.reopened().await;
        assert_eq!(others.suppressions(None, 999).await.unwrap().len(), n as usize + 1);
        // The same batch again, with the claims that no one knows of.
        let claims = others.claims(w.owner, true).await.unwrap();
        assert!(claims.len() <= 2, "{claims:?}");
        settlements.retain(|settlement| claims.iter().all(|claim| claim.key != settlement.claim.key));
        settlements.extend(claims.iter().map(|claim| accepted(claim, &format!("m{}", claim.key.row()))));
        w.check().await;
    }
    w.settle(settlements).await;
    w.check().await;
}
