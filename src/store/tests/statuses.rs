//! Statuses: polled or from webhooks, in any order and with repeats, each for its own message.

use std::time::Duration;

use super::*;
use crate::model::{DeliveryStatus, Millis, Problem, ReportRow, State, StatusUpdate};

contract!(
    ten_thousand_webhooks_in_any_order_with_repeats_leave_what_polls_leave,
    early_statuses_end_in_the_same_as_those_that_find_their_message,
    messages_are_polled_when_due_until_nothing_is_awaited,
    a_single_pass_asks_about_every_message_that_was_not_asked_about_lately,
    a_status_of_a_row_that_is_being_sent_waits_for_its_outcome,
    a_status_of_an_earlier_attempt_leaves_the_row_alone,
    a_poll_answer_for_a_row_that_was_sent_again_meanwhile_is_not_the_rows,
    a_message_that_was_delivered_after_all_is_not_sent_again,
    who_opted_out_of_marketing_is_suppressed_once,
    a_delivery_after_a_failure_is_in_the_report_with_the_failures_code_and_no_problem_of_the_run,
);

/// Returns a status of message `n`.
fn status(n: u64, word: &str, at: Option<i64>, reason: Option<&str>) -> StatusUpdate {
    let at = at.map(Millis);
    StatusUpdate {
        message_id: format!("m{n}"),
        status: DeliveryStatus::from_word(word),
        delivered_at: at.filter(|_| word == "delivered"),
        read_at: at.filter(|_| word == "read"),
        problem: reason.map(|code| Problem::new(code, "the provider's words")),
        reference: None,
    }
}

async fn webhook(store: &Store, statuses: &[StatusUpdate]) -> WebhookResult {
    let batch = WebhookBatch { statuses: statuses.to_vec(), ..WebhookBatch::default() };
    store.save_webhooks(&batch, NOW).await.unwrap()
}

fn polled(w: &Worker, n: u64, update: Option<StatusUpdate>, next_poll_at: Option<Millis>) -> Polled {
    Polled { key: w.key(n), message_id: format!("m{n}"), update, polled_at: at(70), next_poll_at }
}

/// Accepts claimed rows, row `n` as `m{n}`.
async fn accept(w: &Worker, claims: impl Iterator<Item = &Attempt>) {
    let settlements = claims.map(|attempt| accepted(&attempt.claim, &format!("m{}", attempt.claim.key.row())));
    assert_eq!(w.settle(settlements).await, 0);
}

/// Creates a run of this many rows, all accepted.
async fn all_accepted(f: &Fixture<impl Place>, rows: u64) -> Worker {
    f.store.index_message_ids().await.unwrap();
    let w = f.run("job", rows).await;
    let claims = w.claim(u32::MAX).await;
    accept(&w, claims.iter()).await;
    w
}

/// Creates another empty store on the same backend.
async fn another<P: Place>(_: &Fixture<P>) -> Fixture<P> {
    Fixture::at(P::empty().await.unwrap()).await
}

/// Returns everything that statuses change for every message, and whether it is polled again.
async fn deliveries(w: &Worker) -> Vec<(ReportRow, bool)> {
    let awaited = w.store.pollable(w.run, Millis(i64::MAX), None, u32::MAX).await.unwrap();
    let is_awaited = |row: &ReportRow| awaited.iter().any(|message| message.key.row() == row.row);
    w.all().await.into_iter().map(|row| (row.clone(), is_awaited(&row))).collect()
}

/// Returns what is reported for message `n`, in order; at some providers a message fails and is delivered after all.
fn fate(n: u64, rng: &mut fastrand::Rng) -> Vec<StatusUpdate> {
    let at = |step: i64| Some(1_754_466_000_000 + n.cast_signed() * 7_000 + step * 1_000);
    let mut fate = vec![status(n, "sent", at(0), None)];
    match rng.u32(..10) {
        0 => fate.push(status(n, "failed", at(1), None)),
        1 => fate.extend([status(n, "failed", at(1), Some("131049")), status(n, "failed", at(1), Some("131053"))]),
        2 => fate.extend([status(n, "on its way", at(1), None), status(n, "delivered", at(2), None)]),
        3 => fate.push(status(n, "delivered", at(1), None)),
        4 => fate.push(status(n, "read", at(2), None)),
        5 => fate.extend([status(n, "failed", at(1), Some("131049")), status(n, "delivered", at(2), None)]),
        _ => fate.extend([status(n, "delivered", at(1), None), status(n, "read", at(3), None)]),
    }
    // Some statuses never arrive.
    if rng.u32(..8) == 0 {
        fate.remove(rng.usize(..fate.len()));
    }
    fate
}

/// The same statuses, once polled in the order in which they happened, and once from webhooks: in any order, in commits
/// of any size, some repeated, and half of them before the answer to the send.
async fn ten_thousand_webhooks_in_any_order_with_repeats_leave_what_polls_leave(f: Fixture<impl Place>) {
    const MESSAGES: u64 = 3_000;
    let mut rng = fastrand::Rng::with_seed(20_260_323);
    let fates: Vec<_> = (1..=MESSAGES).map(|n| fate(n, &mut rng)).collect();

    let by_poll = all_accepted(&f, MESSAGES).await;
    for step in 0..4 {
        // A poll answer holds no reason.
        let answer = |update: &StatusUpdate| StatusUpdate { problem: None, ..update.clone() };
        let of_row = |(n, fate): (u64, &Vec<StatusUpdate>)| {
            Some(polled(&by_poll, n, Some(answer(fate.get(step)?)), Some(at(99))))
        };
        let answers: Vec<Polled> = (1..).zip(&fates).filter_map(of_row).collect();
        f.store.record_polls(by_poll.run, &answers).await.unwrap();
    }

    // The same ids, in a separate store.
    let g = another(&f).await;
    g.store.index_message_ids().await.unwrap();
    let by_webhook = g.run("job", MESSAGES).await;
    let claims = by_webhook.claim(u32::MAX).await;
    let mut statuses: Vec<StatusUpdate> = fates.iter().flatten().cloned().collect();
    for n in 0..statuses.len() / 2 {
        statuses.push(statuses[n * 2].clone());
    }
    rng.shuffle(&mut statuses);
    assert!(statuses.len() > 10_000, "{}", statuses.len());
    let (before, after) = statuses.split_at(statuses.len() / 2);
    let mut early = 0;
    for (part, odd) in [(before, 0), (after, 1)] {
        accept(&by_webhook, claims.iter().filter(|attempt| attempt.claim.key.row().0 % 2 == odd)).await;
        let mut rest = part;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rng.usize(1..=200).min(rest.len()));
            early += webhook(&g.store, now).await.early;
            rest = later;
        }
    }
    assert!(early > 2_000, "{early}");
    assert_eq!(g.store.match_early(Millis(0), NOW).await.unwrap(), WebhookResult::default(), "none is left");

    let mut found = 0;
    for (by_poll, mut by_webhook) in deliveries(&by_poll).await.into_iter().zip(deliveries(&by_webhook).await) {
        if by_webhook.0.error_code.is_some() && by_webhook.0.error_code != by_poll.0.error_code {
            // The only thing that only a webhook reports.
            found += 1;
            by_webhook.0.error_code.clone_from(&by_poll.0.error_code);
            by_webhook.0.error_message.clone_from(&by_poll.0.error_message);
        }
        assert!(by_poll == by_webhook, "{by_poll:?} {by_webhook:?}");
    }
    assert!(found > 100, "{found}");
    by_poll.check().await;
    by_webhook.check().await;
}

/// Statuses that combine words, times and reasons in ways that no webhook does: merged on arrival, and kept for later
/// in another order.
async fn early_statuses_end_in_the_same_as_those_that_find_their_message(f: Fixture<impl Place>) {
    const MESSAGES: u64 = 500;
    let mut rng = fastrand::Rng::with_seed(7);
    let words = ["sent", "delivered", "read", "failed", "failed", "parked", "lost"];
    let reasons = [None, Some("131049"), Some("131026"), Some("not_delivered"), Some("unknown")];
    let mut statuses = Vec::new();
    for n in 1..=MESSAGES {
        for _ in 0..rng.usize(1..=4) {
            let mut time = || (rng.u32(..3) == 0).then(|| Millis(rng.i64(1..4)));
            let (delivered_at, read_at) = (time(), time());
            let plain = status(n, rng.choice(words).unwrap(), None, rng.choice(reasons).unwrap());
            statuses.push(StatusUpdate { delivered_at, read_at, ..plain });
        }
    }
    let prompt = all_accepted(&f, MESSAGES).await;
    assert_eq!(webhook(&f.store, &statuses).await, WebhookResult::default());

    statuses.extend(statuses.clone());
    rng.shuffle(&mut statuses);
    let g = another(&f).await;
    g.store.index_message_ids().await.unwrap();
    let early = g.run("job", MESSAGES).await;
    let claims = early.claim(u32::MAX).await;
    for part in statuses.chunks(100) {
        assert_eq!(webhook(&g.store, part).await.early, part.len() as u64);
    }
    assert_eq!(early.states().await, [State::Sending; MESSAGES as usize]);
    accept(&early, claims.iter()).await;
    assert!(deliveries(&prompt).await == deliveries(&early).await);
    early.check().await;
}

async fn messages_are_polled_when_due_until_nothing_is_awaited(f: Fixture<impl Place>) {
    let w = f.run("job", 4).await;
    let claims = w.claim(9).await;
    let due = [at(90), at(80), at(70), at(80)];
    w.settle(claims.iter().zip(due).map(|(attempt, due)| Settlement {
        next_poll_at: Some(due),
        ..accepted(&attempt.claim, &format!("m{}", attempt.claim.key.row()))
    }))
    .await;
    let due = async |now: Millis, limit: u32| -> Vec<u64> {
        w.store.due_polls(w.run, now, limit).await.unwrap().iter().map(|message| message.key.row().0).collect()
    };
    assert_eq!(due(at(69), 9).await, [0; 0]);
    assert_eq!(w.store.next_poll(w.run, at(69)).await.unwrap(), Some(at(70)));
    assert_eq!(due(at(80), 9).await[0], 3, "the longest due first");
    assert_eq!((due(at(80), 9).await.len(), due(at(80), 2).await.len()), (3, 2));
    assert_eq!(w.store.next_poll(w.run, at(80)).await.unwrap(), Some(at(90)));
    let answers = [
        polled(&w, 1, Some(status(1, "delivered", Some(5), None)), Some(at(200))),
        polled(&w, 2, None, Some(at(300))),
        polled(&w, 3, Some(status(3, "read", Some(6), None)), Some(at(200))),
        polled(&w, 4, Some(status(4, "failed", None, None)), Some(at(200))),
    ];
    w.store.record_polls(w.run, &answers).await.unwrap();
    use State::{Accepted, Delivered, Failed, Read};
    assert_eq!(w.states().await, [Delivered, Accepted, Read, Failed]);
    assert_eq!((w.row(1).await.delivered_at, w.row(3).await.read_at), (Some(Millis(5)), Some(Millis(6))));
    assert_eq!(w.row(4).await.error_code.as_deref(), Some("not_delivered"));
    assert_eq!(due(at(999), 9).await, [1, 2], "what is read or failed is not asked about again");
    w.store.record_polls(w.run, &[polled(&w, 1, None, None), polled(&w, 2, None, None)]).await.unwrap();
    assert_eq!((due(at(999), 9).await.len(), w.store.next_poll(w.run, NOW).await.unwrap()), (0, None));
    assert_eq!(w.now().await.polls, 2);
    w.check().await;
}

async fn a_single_pass_asks_about_every_message_that_was_not_asked_about_lately(f: Fixture<impl Place>) {
    let (w, other) = (all_accepted(&f, 5).await, f.run("other", 1).await);
    other.send(|claim| accepted(claim, "other")).await;
    let found = async |before: Millis, after: Option<u64>, limit: u32| -> Vec<u64> {
        let after = after.map(|row| w.key(row));
        let found = w.store.pollable(w.run, before, after, limit).await.unwrap();
        found.iter().map(|message| message.key.row().0).collect()
    };
    assert_eq!(found(NOW, None, 2).await, [1, 2], "though they are not due");
    assert_eq!(found(NOW, Some(2), 9).await, [3, 4, 5]);
    // Polled at 70 s.
    let answers = [polled(&w, 2, None, Some(at(90))), polled(&w, 4, Some(status(4, "read", None, None)), None)];
    w.store.record_polls(w.run, &answers).await.unwrap();
    assert_eq!(found(at(69), None, 9).await, [1, 3, 5]);
    assert_eq!(found(at(70), None, 9).await, [1, 2, 3, 5]);
}

async fn a_status_of_a_row_that_is_being_sent_waits_for_its_outcome(f: Fixture<impl Place>) {
    f.store.index_message_ids().await.unwrap();
    let w = f.run("job", 2).await;
    let claims = w.claim(9).await;
    let statuses = [status(1, "delivered", Some(9), None), status(2, "failed", None, Some("131026"))];
    let result = webhook(&f.store, &statuses).await;
    assert_eq!(result, WebhookResult { early: 2, ..WebhookResult::default() });
    assert_eq!(w.states().await, [State::Sending; 2]);
    assert_eq!(f.store.match_early(Millis(0), NOW).await.unwrap().found, 0);
    w.settle([accepted(&claims[0].claim, "m1"), again(&claims[1].claim, NOW)]).await;
    assert_eq!(w.states().await, [State::Delivered, State::Pending]);
    assert_eq!(w.row(1).await.delivered_at, Some(Millis(9)));
    // The second one's is still there when its own message arrives.
    w.send(|claim| accepted(claim, "m2")).await;
    assert_eq!((w.state(2).await, w.row(2).await.error_code.as_deref()), (State::Failed, Some("131026")));
    assert_eq!(w.store.next_poll(w.run, NOW).await.unwrap(), Some(at(61)), "a delivered message may still be read");
    w.check().await;
}

/// Creates a run of three rows whose messages failed and were resent: 1 is in flight, 2 was accepted, 3 was refused.
async fn sent_again(f: &Fixture<impl Place>) -> (Worker, Claim) {
    let w = all_accepted(f, 3).await;
    webhook(&f.store, &[1, 2, 3].map(|n| status(n, "failed", None, Some("131049")))).await;
    let requeued = w
        .store
        .requeue(w.owner, &w.now().await, &RequeueFilter::in_states(&[State::Failed]), false, NOW)
        .await
        .unwrap();
    assert_eq!(requeued.rows, 3);
    let claims = w.claim(9).await;
    w.settle([accepted(&claims[1].claim, "n2"), rejected(&claims[2].claim)]).await;
    (w, claims[0].claim)
}

async fn a_status_of_an_earlier_attempt_leaves_the_row_alone(f: Fixture<impl Place>) {
    let (w, claim) = sent_again(&f).await;
    let seen = w.all().await;
    let result = webhook(&f.store, &[1, 2, 3].map(|n| status(n, "delivered", Some(9), None))).await;
    assert_eq!(result, WebhookResult::default(), "their messages are known");
    assert!(w.all().await == seen);
    assert_eq!(w.states().await, [State::Sending, State::Accepted, State::Rejected]);
    w.settle([accepted(&claim, "n1")]).await;
    assert_eq!((w.state(1).await, w.row(1).await.message_id.as_deref()), (State::Accepted, Some("n1")));
    w.check().await;
}

async fn a_poll_answer_for_a_row_that_was_sent_again_meanwhile_is_not_the_rows(f: Fixture<impl Place>) {
    let (w, claim) = sent_again(&f).await;
    let seen = w.all().await;
    let answers = [1, 2, 3].map(|n| polled(&w, n, Some(status(n, "delivered", Some(9), None)), Some(at(99))));
    w.store.record_polls(w.run, &answers).await.unwrap();
    w.store.record_polls(w.run, &[1, 2, 3].map(|n| polled(&w, n, None, None))).await.unwrap();
    assert!(w.all().await == seen);
    let due = w.store.due_polls(w.run, at(999), 9).await.unwrap();
    assert_eq!(due.iter().map(|due| (due.message_id.as_str(), due.next_poll_at)).collect::<Vec<_>>(), [("n2", at(61))]);
    w.settle([rejected(&claim)]).await;
    w.check().await;
}

async fn a_message_that_was_delivered_after_all_is_not_sent_again(f: Fixture<impl Place>) {
    let w = all_accepted(&f, 4).await;
    webhook(&f.store, &[1, 2, 3, 4].map(|n| status(n, "failed", None, Some("131049")))).await;
    w.store.requeue(w.owner, &w.now().await, &RequeueFilter::in_states(&[State::Failed]), false, NOW).await.unwrap();
    // While they wait for their next attempt: one by webhook, one by a poll answer that was in flight.
    webhook(&f.store, &[status(1, "delivered", Some(9), None)]).await;
    let answer = polled(&w, 2, Some(status(2, "read", Some(9), None)), None);
    w.store.record_polls(w.run, &[answer]).await.unwrap();
    let claims = w.claim(9).await;
    assert_eq!(numbers(&claims), [3, 4]);
    // While it is being sent again, which fails.
    webhook(&f.store, &[status(3, "delivered", Some(9), None)]).await;
    w.settle([again(&claims[0].claim, NOW), again(&claims[1].claim, NOW)]).await;
    assert_eq!(w.states().await, [State::Delivered, State::Read, State::Delivered, State::Pending]);
    let row = w.row(1).await;
    assert_eq!((row.message_id.as_deref(), row.delivered_at), (Some("m1"), Some(Millis(9))));
    assert!(row.is_contradicted(), "the failure is not forgotten");
    assert_eq!(numbers(&w.claim(9).await), [4]);
    w.check().await;
}

async fn a_delivery_after_a_failure_is_in_the_report_with_the_failures_code_and_no_problem_of_the_run(
    f: Fixture<impl Place>,
) {
    let w = all_accepted(&f, 4).await;
    let statuses = [
        status(1, "failed", None, Some("131049")),
        status(2, "failed", None, Some("131049")),
        status(3, "read", Some(9), None),
        status(4, "delivered", Some(9), None),
    ];
    webhook(&f.store, &statuses).await;
    let codes = async || {
        let run = w.now().await;
        let problems = w.store.problems(&run, 9).await.unwrap();
        let of_code: Vec<_> = problems.into_iter().map(|problem| (problem.code, problem.rows)).collect();
        (of_code, w.store.contradicted(&run).await.unwrap())
    };
    assert_eq!(codes().await, (vec![("131049".to_owned(), 2)], 0));
    webhook(&f.store, &[status(1, "delivered", Some(9), None), status(3, "failed", None, Some("131026"))]).await;
    assert_eq!(codes().await, (vec![("131049".to_owned(), 1)], 2));
    let row = w.row(1).await;
    assert!(row.is_contradicted());
    assert_eq!(
        (row.state, row.delivered_at, row.error_code.as_deref()),
        (State::Delivered, Some(Millis(9)), Some("131049"))
    );
    let awaited: Vec<bool> = deliveries(&w).await.into_iter().map(|(_, is_awaited)| is_awaited).collect();
    assert_eq!(awaited, [false, false, false, true]);
    assert_eq!(w.store.next_poll(w.run, NOW.plus(Duration::from_secs(61))).await.unwrap(), None);
    w.check().await;
}

async fn who_opted_out_of_marketing_is_suppressed_once(f: Fixture<impl Place>) {
    let _w = all_accepted(&f, 3).await;
    let stopped = status(1, "failed", None, Some("131050"));
    webhook(&f.store, &[stopped.clone(), status(2, "failed", None, Some("131049"))]).await;
    let listed = async || f.store.suppressions(None, 9).await.unwrap().into_iter().map(|(phone, ..)| phone);
    assert_eq!(listed().await.collect::<Vec<_>>(), [phone(1)]);
    f.store.unsuppress(&[phone(1)]).await.unwrap();
    webhook(&f.store, &[stopped]).await;
    assert_eq!(listed().await.count(), 0, "a repeat does not undo a person's decision");

    let refused = f.run("other", 2).await;
    refused.send(|claim| Settlement { problem: Some(Problem::new("131050", "stopped")), ..rejected(claim) }).await;
    assert_eq!(listed().await.collect::<Vec<_>>(), [phone(1)], "the answer to a send counts too");
}
