//! Reports: every row once in its current state, counts that add up, problems, and recent changes.

use super::*;
use crate::model::{Channel, DeliveryStatus, Millis, RowCause, RowNumber, State, StatusUpdate};

contract!(
    the_report_has_every_row_in_whatever_state_it_is,
    what_happened_since_is_reported,
    every_attempt_is_reported_with_its_own_message_and_late_status,
    an_attempt_keeps_its_own_problem_whatever_becomes_of_the_row,
    one_row_is_found_by_its_number,
    counts_add_up_at_every_step,
    problems_are_counted_by_code_the_most_frequent_first,
    a_count_may_be_made_while_others_read,
);

fn status(message_id: &str, status: DeliveryStatus, at: Option<Millis>) -> WebhookBatch {
    let message_id = message_id.into();
    let update = StatusUpdate { message_id, status, delivered_at: at, read_at: None, problem: None, reference: None };
    WebhookBatch { statuses: vec![update], ..WebhookBatch::default() }
}

async fn the_report_has_every_row_in_whatever_state_it_is(f: Fixture<impl Place>) {
    // More than a few pages, whatever they hold.
    const ROWS: u64 = 2_503;
    let mut rows: Vec<_> = (1..=ROWS).map(planned).collect();
    rows[2] = invalid(3);
    let w = f.run_with("job", &rows).await;
    f.run("other", 3).await;
    let claims: Vec<Claim> = w.claim(ROWS as u32 - 10).await.iter().map(|attempt| attempt.claim).collect();
    let second = |row: u64| row.is_multiple_of(7);
    w.settle(claims.iter().filter(|claim| second(claim.key.row().0)).map(|claim| again(claim, NOW))).await;
    w.claim(9).await;
    f.store.cancel(w.run, "Ana", NOW).await.unwrap();
    let all = w.all().await;
    assert_eq!(all.len() as u64, ROWS);
    let twice: Vec<u64> = (1..=ROWS).filter(|row| second(*row)).take(9).collect();
    for (row, n) in all.iter().zip(1..) {
        assert_eq!((row.row, row.channel), (RowNumber(n), Channel::Viber));
        let (state, attempts, code) = match n {
            3 => (State::Invalid, 0, Some("bad_number")),
            // One row fewer was claimed.
            n if n > ROWS - 9 => (State::Cancelled, 0, None),
            n if twice.contains(&n) => (State::Sending, 2, Some("busy")),
            n if second(n) => (State::Pending, 1, Some("busy")),
            _ => (State::Sending, 1, None),
        };
        assert_eq!((row.state, row.attempts, row.error_code.as_deref()), (state, attempts, code), "{n}");
        assert_eq!(row.to, if n == 3 { "number 3".to_owned() } else { phone(n).digits() });
        assert!(row.cells.is_empty(), "nobody wants them");
    }
    let cells = w.rows(Wanted { cells: true, since: None }).await;
    assert!((1..=ROWS).zip(&cells).all(|(n, row)| row.cells == [format!("cell {n}")]));
    w.check().await;
}

async fn every_attempt_is_reported_with_its_own_message_and_late_status(f: Fixture<impl Place>) {
    let w = f.run("job", 4).await;
    let first = w.claim_at(3, at(10)).await;
    let (one, two, three) = (first[0].claim, first[1].claim, first[2].claim);
    w.settle([again(&one, at(11)), accepted(&two, "m2"), interrupted(&three)]).await;
    // The second message fails by a status, and a person requeues it.
    f.store.save_webhooks(&status("m2", DeliveryStatus::Failed, None), at(12)).await.unwrap();
    f.store.requeue(w.owner, &w.now().await, &RequeueFilter::in_states(&[State::Failed]), true, at(13)).await.unwrap();
    for attempt in w.claim_at(2, at(20)).await {
        let message = format!("again-{}", attempt.claim.key.row());
        w.settle([accepted(&attempt.claim, &message)]).await;
    }
    // The first message was delivered after all.
    f.store.save_webhooks(&status("again-2", DeliveryStatus::Read, Some(at(30))), at(30)).await.unwrap();
    f.store.save_webhooks(&status("m2", DeliveryStatus::Delivered, Some(at(31))), at(31)).await.unwrap();
    w.claim_at(1, at(40)).await;
    let seen = f.store.attempts(&w.now().await, 1..=4).await.unwrap();
    assert!(seen.iter().all(|a| a.error_code.is_some() == a.error_message.is_some()), "words with every code");
    let seen: Vec<_> = seen
        .iter()
        .map(|a| (a.row.0, a.attempt, a.outcome, a.message_id.as_deref(), a.started_at, a.error_code.as_deref()))
        .collect();
    assert_eq!(
        seen,
        [
            (1, 1, State::Pending, None, Some(at(10)), Some("busy")),
            (1, 2, State::Accepted, Some("again-1"), Some(at(20)), None),
            (2, 1, State::Delivered, Some("m2"), Some(at(10)), Some("not_delivered")),
            (2, 2, State::Read, Some("again-2"), Some(at(20)), None),
            (3, 1, State::Uncertain, None, Some(at(10)), Some("interrupted")),
            (4, 1, State::Sending, None, Some(at(40)), None),
        ]
    );
    let some = f.store.attempts(&w.now().await, 2..=2).await.unwrap();
    assert_eq!(some.len(), 2, "of the rows that are asked for");
    w.check().await;
}

async fn an_attempt_keeps_its_own_problem_whatever_becomes_of_the_row(f: Fixture<impl Place>) {
    let w = f.run("job", 3).await;
    let claims = w.claim_at(3, at(10)).await;
    let [suppressed, expired, settled] = [0, 1, 2].map(|n| claims[n].claim);
    w.settle([again(&suppressed, at(20)), again(&expired, at(90)), doubted(&settled)]).await;
    f.store.suppress(&[phone(1)], Some("asked"), at(15)).await.unwrap();
    let cause = Some(RowCause::Expired { at: at(16).to_string(), passed: true });
    let deferral = Deferral { key: expired.key, state: State::Expired, next_attempt_at: None, cause };
    w.step(Step { deferrals: vec![deferral], want: 1, now: at(30), ..Step::default() }).await;
    f.store.resolve_uncertain(w.owner, Which::All, Verdict::NotSent, "Ana", at(40)).await.unwrap();
    let rows: Vec<_> = w.all().await.into_iter().map(|row| (row.state, row.error_code.unwrap())).collect();
    let is = |state, code: &str| (state, code.to_owned());
    let settled = is(State::Exhausted, "settled_not_sent");
    assert_eq!(rows, [is(State::Suppressed, "suppressed"), is(State::Expired, "expired"), settled]);
    let attempts = f.store.attempts(&w.now().await, 1..=3).await.unwrap();
    let attempts: Vec<_> = attempts.into_iter().map(|a| (a.attempt, a.outcome, a.error_code.unwrap())).collect();
    let is = |state, code: &str| (1, state, code.to_owned());
    assert_eq!(attempts, [is(State::Pending, "busy"), is(State::Pending, "busy"), is(State::Uncertain, "timeout")]);
    w.check().await;
}

async fn what_happened_since_is_reported(f: Fixture<impl Place>) {
    let w = f.run("job", 9).await;
    let claims: Vec<Claim> = w.claim_at(7, at(10)).await.iter().map(|attempt| attempt.claim).collect();
    let ended = |settlement, seconds| Settlement { ended_at: at(seconds), ..settlement };
    w.settle([
        ended(accepted(&claims[0], "m1"), 20),
        ended(rejected(&claims[1]), 30),
        ended(doubted(&claims[2]), 11),
        ended(accepted(&claims[3], "m4"), 11),
        ended(accepted(&claims[4], "m5"), 11),
        ended(again(&claims[5], at(99)), 40),
    ])
    .await;
    f.store.resolve_uncertain(w.owner, Which::Row(RowNumber(3)), Verdict::NotSent, "Ana", at(50)).await.unwrap();
    f.store.save_webhooks(&status("m4", DeliveryStatus::Delivered, Some(at(60))), at(65)).await.unwrap();
    // A failure has no time of its own: the time of its arrival counts.
    f.store.save_webhooks(&status("m5", DeliveryStatus::Failed, None), at(70)).await.unwrap();
    w.claim_one_at(at(80)).await;
    for (since, rows) in [
        (10, &[1, 2, 3, 4, 5, 6, 7, 8][..]),
        (11, &[1, 2, 3, 4, 5, 6, 8]),
        (21, &[2, 3, 4, 5, 6, 8]),
        (31, &[3, 4, 5, 6, 8]),
        (41, &[3, 4, 5, 8]),
        (51, &[4, 5, 8]),
        (61, &[5, 8]),
        (71, &[8]),
        (81, &[]),
    ] {
        let found = w.rows(Wanted { cells: false, since: Some(at(since)) }).await;
        assert_eq!(found.iter().map(|row| row.row.0).collect::<Vec<_>>(), rows, "{since}");
    }
    w.check().await;
}

async fn one_row_is_found_by_its_number(f: Fixture<impl Place>) {
    let (w, next) = (f.run("job", 1_200).await, f.run("other", 3).await);
    w.send(|claim| accepted(claim, "m1")).await;
    let run = w.now().await;
    let found = async |row| f.store.report_row(&run, Channel::Rcs, RowNumber(row), false).await.unwrap();
    assert_eq!(found(1).await.unwrap().message_id.as_deref(), Some("m1"));
    let last = found(1_200).await.unwrap();
    assert_eq!((last.row, last.to, last.channel), (RowNumber(1_200), phone(1_200).digits(), Channel::Rcs));
    assert!(found(0).await.is_none() && found(1_201).await.is_none() && found(u64::MAX).await.is_none());
    assert!(f.store.report_row(&next.now().await, Channel::Rcs, RowNumber(4), false).await.unwrap().is_none());
}

async fn counts_add_up_at_every_step(f: Fixture<impl Place>) {
    let mut rows: Vec<_> = (1..=40).map(planned).collect();
    rows[5] = invalid(6);
    f.store.suppress(&[phone(8)], None, NOW).await.unwrap();
    let mut w = f.run_with("job", &rows).await;
    w.check().await;
    let mut message = 0;
    for round in 0..8_i64 {
        let claims = w.claim_at(9, at(round)).await;
        w.check().await;
        f.store.suppress(&[phone(10 + round.unsigned_abs() * 3)], None, NOW).await.unwrap();
        let outcome = |attempt: &Attempt| {
            message += 1;
            match (message + round) % 8 {
                0 => rejected(&attempt.claim),
                1 => exhausted(&attempt.claim),
                2 => doubted(&attempt.claim),
                3 => again(&attempt.claim, at(round)),
                4 => released(&attempt.claim, at(round + 1)),
                5 => interrupted_and_resent(&attempt.claim, at(round)),
                _ => accepted(&attempt.claim, &format!("m{message}")),
            }
        };
        let settlements: Vec<_> = claims.iter().skip(round as usize % 2).map(outcome).collect();
        w.settle(settlements).await;
        w.check().await;
        if round % 2 == 0 {
            w = w.next().await;
            w.settle(w.store.claims(w.owner, false).await.unwrap().iter().map(interrupted)).await;
        }
        w.check().await;
        let states = [State::Rejected, State::Exhausted, State::Uncertain];
        w.store
            .requeue(w.owner, &w.now().await, &RequeueFilter::in_states(&states[..round as usize % 4]), true, at(round))
            .await
            .unwrap();
        w.check().await;
    }
    f.store.resolve_uncertain(w.owner, Which::All, Verdict::Sent, "Ana", NOW).await.unwrap();
    w.check().await;
    f.store.cancel(w.run, "Ana", NOW).await.unwrap();
    w.check().await;
    f.store.cancel_waiting(w.owner).await.unwrap();
    w.check().await;
}

async fn problems_are_counted_by_code_the_most_frequent_first(f: Fixture<impl Place>) {
    let mut rows: Vec<_> = (1..=8).map(planned).collect();
    rows[7] = invalid(8);
    f.store.suppress(&[phone(7)], Some("asked"), NOW).await.unwrap();
    let w = f.run_with("job", &rows).await;
    f.run("other", 1).await.send(rejected).await;
    let claims: Vec<Claim> = w.claim(6).await.iter().map(|attempt| attempt.claim).collect();
    w.settle([rejected(&claims[0]), exhausted(&claims[1]), again(&claims[2], at(9)), interrupted(&claims[3])]).await;
    w.settle([accepted(&claims[4], "m5"), doubted(&claims[5])]).await;
    f.store.resolve_uncertain(w.owner, Which::Row(RowNumber(6)), Verdict::Sent, "Ana", NOW).await.unwrap();
    let found = f.store.problems(&w.now().await, 9).await.unwrap();
    let interrupted = RowCause::Interrupted.words();
    let expected = [
        ("busy", 2, "words of busy", false),
        ("bad_number", 1, "contains letters; write only the number, in digits", true),
        ("interrupted", 1, interrupted.as_str(), false),
        ("refused", 1, "words of refused", false),
        ("suppressed", 1, "asked", true),
    ];
    let found_as = |found: &[ProblemCount]| -> Vec<_> {
        found.iter().map(|p| (p.code.clone(), p.rows, p.sample.original().to_owned(), p.of_list)).collect()
    };
    let expected: Vec<_> = expected
        .iter()
        .map(|(code, rows, words, list)| ((*code).to_owned(), *rows, (*words).to_owned(), *list))
        .collect();
    assert_eq!(found_as(&found), expected, "what a person settled as sent is no problem");
    let first = f.store.problems(&w.now().await, 1).await.unwrap();
    assert_eq!(found_as(&first), expected[..1]);
}

async fn a_count_may_be_made_while_others_read(f: Fixture<impl Place>) {
    let w = f.run("job", 30).await;
    let run = w.now().await;
    let mut counting = f.store.begin_tally(&run);
    w.send(|claim| accepted(claim, "m")).await;
    let tally = counting.done().await.unwrap();
    assert_eq!(
        (tally.rows(), tally.of(State::Pending) + tally.of(State::Sending) + tally.of(State::Accepted)),
        (30, 30)
    );
    assert_eq!(f.reopened().await.tally(&run).await.unwrap().of(State::Accepted), 1);
}
