//! Purging: a run's rows and replies go, its counts stay, and nobody counts as not reached because of it.

use std::time::Duration;

use super::*;
use crate::model::{
    Channel, DeliveryStatus, KnownPerson, Millis, OptOutMatch, Phone, Reference, Replies, Reply, RowNumber, State,
    StatusUpdate, UserId,
};

contract!(
    of_a_purged_run_the_counts_are_left_and_nothing_else,
    a_run_whose_rows_are_far_apart_is_purged_completely,
    a_run_that_is_not_over_or_waits_for_a_persons_decision_is_not_purged,
    whom_a_purged_run_reached_is_not_taken_for_not_reached,
    nobody_works_on_a_purged_run_and_late_statuses_change_nothing,
    runs_that_are_over_for_long_are_found,
    an_opt_out_outlives_the_reply_that_it_was,
    replies_to_no_message_and_tests_go_with_their_age,
    the_ids_of_people_in_no_run_are_forgotten,
);

fn status(message_id: &str, status: DeliveryStatus, reference: Option<Reference>) -> StatusUpdate {
    let message_id = message_id.into();
    StatusUpdate { message_id, status, delivered_at: None, read_at: None, problem: None, reference }
}

async fn webhook(store: &Store, statuses: Vec<StatusUpdate>) -> WebhookResult {
    store.save_webhooks(&WebhookBatch { statuses, ..WebhookBatch::default() }, NOW).await.unwrap()
}

/// Returns a reply to a message, of an unknown number.
fn reply(id: &str, answers: &str, title: Option<&str>) -> Reply {
    let title = title.map(str::to_owned);
    let (kind, text) = if title.is_some() { ("button", None) } else { ("text", Some("Words".to_owned())) };
    let (at, answers) = (Millis(77_000), Some(answers.to_owned()));
    Reply {
        id: id.into(),
        from: None,
        user: None,
        parent: None,
        answers,
        at,
        kind: kind.into(),
        choice: None,
        title,
        text,
    }
}

async fn save(store: &Store, replies: Vec<(Reply, Option<OptOutMatch>)>) -> WebhookResult {
    store.save_webhooks(&WebhookBatch { replies, ..WebhookBatch::default() }, NOW).await.unwrap()
}

/// Ends a run whose rows all have outcomes: no status is awaited any more.
async fn end(w: &Worker) -> Run {
    w.store.reach(w.run, Stage::Dispatched, NOW).await.unwrap();
    w.store.give_up_statuses(w.run, Duration::ZERO, at(600)).await.unwrap();
    assert!(w.store.reach(w.run, Stage::Finished, at(600)).await.unwrap());
    w.now().await
}

async fn purge(w: &Worker) -> Run {
    let run = w.now().await;
    assert_eq!(w.store.purge_blocker(&run).await.unwrap(), None);
    assert!(w.store.purge(&run, "Ana", at(700)).await.unwrap());
    w.now().await
}

/// Starts and ends a run in which messages 1 to `rows` were accepted as `m1` to `m{rows}`.
async fn over(f: &Fixture<impl Place>, rows: u64) -> Worker {
    f.store.index_message_ids().await.unwrap();
    let w = f.run("job", rows).await;
    let claims = w.claim(rows as u32).await;
    w.settle(claims.iter().map(|attempt| accepted(&attempt.claim, &format!("m{}", attempt.claim.key.row())))).await;
    end(&w).await;
    w
}

fn is_purged<T>(result: Result<T, StoreError>, w: &Worker) -> bool {
    matches!(result.err(), Some(StoreError::Purged { run, at: when }) if run == w.id && when == at(700))
}

async fn of_a_purged_run_the_counts_are_left_and_nothing_else(f: Fixture<impl Place>) {
    f.store.index_message_ids().await.unwrap();
    let rows: Vec<PlannedRow> = (1..=12).map(|n| if n == 12 { invalid(n) } else { planned(n) }).collect();
    let w = f.run_with("job", &rows).await;
    let claims: Vec<Claim> = w.claim(11).await.iter().map(|attempt| attempt.claim).collect();
    w.settle((0..7).map(|n| accepted(&claims[n], &format!("m{}", n + 1)))).await;
    w.settle([rejected(&claims[7]), exhausted(&claims[8]), doubted(&claims[9]), again(&claims[10], NOW)]).await;
    w.send(|claim| accepted(claim, "m11")).await;
    w.store.resolve_uncertain(w.owner, Which::All, Verdict::Sent, "Ana", NOW).await.unwrap();
    webhook(&f.store, vec![status("m1", DeliveryStatus::Failed, None), status("m2", DeliveryStatus::Read, None)]).await;
    webhook(&f.store, vec![status("m3", DeliveryStatus::Failed, None), status("m3", DeliveryStatus::Delivered, None)])
        .await;
    let doubled = w.store.reference_key(claims[3].worker).await.unwrap().sign(w.run, RowNumber(4), claims[3].number);
    webhook(&f.store, vec![status("m4b", DeliveryStatus::Delivered, Some(doubled))]).await;
    let replies = (1..=5).map(|n| (reply(&format!("r{n}"), &format!("m{n}"), Some("Yes")), None));
    let stop = Some(OptOutMatch::Exact("Stop".to_owned()));
    let rare = [(reply("r6", "m6", Some("Yes, Wilhelmina")), None), (reply("r7", "m7", None), stop)];
    save(&f.store, replies.chain(rare).collect()).await;
    let other = f.one_more("job", 3).await;
    let run = end(&w).await;

    let counts = async |run: &Run| {
        let problems = f.store.problems(run, 9).await.unwrap().into_iter().map(|count| (count.code, count.rows));
        let problems: Vec<(String, u64)> = problems.collect();
        let [contradicted, doubled] = [f.store.contradicted(run).await, f.store.double_sends(run).await];
        (f.store.tally(run).await.unwrap(), problems, contradicted.unwrap(), doubled.unwrap())
    };
    let before = counts(&run).await;
    assert_eq!((before.0.rows(), before.1.len(), before.2, before.3), (12, 4, 1, 1), "{before:?}");
    let replied = f.store.replies_counted(&run).await.unwrap();
    let (quota, settled) =
        (f.store.taken_since("job", None, Millis(0)).await, f.store.settled_since(&run, Millis(0)).await);
    let purged = purge(&w).await;

    // As others see it, who know that it was purged, and who do not yet.
    let reopened = f.reopened().await;
    for (store, run) in [(&f.store, &run), (&reopened, &purged)] {
        assert_eq!(counts(run).await, before);
        let Replies { total, rows, opted_out, choices, by_title } = store.replies_counted(run).await.unwrap();
        assert_eq!((total, rows, opted_out), (7, 7, 1));
        assert_eq!(
            (choices, by_title),
            (replied.choices[..1].to_vec(), replied.by_title[..1].to_vec()),
            "no rare ones"
        );
        assert_eq!(by_title_names(&replied), ["Yes", "Yes, Wilhelmina", "text"]);
        assert!(is_purged(store.replies(Some(run), 0, 9).await, &w));
        assert!(is_purged(store.attempts(run, 1..=12).await, &w));
        assert!(is_purged(store.report_row(run, Channel::Viber, RowNumber(1), true).await, &w));
        let wanted = Wanted { cells: true, since: None };
        assert!(is_purged(store.report_rows(run, Channel::Viber, wanted).await.unwrap().page().await, &w));
        assert_eq!(store.uncertain(run.key, 9).await.unwrap().len(), 0);
        assert_eq!(store.settled_since(run, Millis(0)).await.unwrap(), *settled.as_ref().unwrap());
    }
    assert_eq!((purged.purged_at, purged.purged_by.as_deref(), purged.columns), (Some(at(700)), Some("Ana"), vec![]));
    assert_eq!(f.store.taken_since("job", None, Millis(0)).await.unwrap(), quota.unwrap(), "today's quota stays used");
    assert_eq!(w.broken().await, []);
    assert_eq!(f.store.purged_runs().await.unwrap(), [(w.id.clone(), at(700))]);

    // The other run is as it was.
    assert_eq!(f.store.find(phone(1)).await.unwrap(), [(other.id.clone(), RowNumber(1))]);
    assert_eq!(other.all().await.len(), 3);
    other.check().await;
    assert!(f.store.suppression(phone(7)).await.unwrap().is_some(), "the opt-out stays");
    assert!(!f.store.purge(&w.now().await, "Ana", at(800)).await.unwrap(), "there is nothing left to purge");
    assert_eq!(w.now().await.purged_at, Some(at(700)));
}

fn by_title_names(replies: &Replies) -> Vec<&str> {
    replies.by_title.iter().map(|count| count.name()).collect()
}

async fn a_run_whose_rows_are_far_apart_is_purged_completely(f: Fixture<impl Place>) {
    let rows: Vec<PlannedRow> = [1, 20_001, 300_000].map(|row| PlannedRow { row: RowNumber(row), ..planned(1) }).into();
    let w = f.run_with("job", &rows).await;
    let claims = w.claim(3).await;
    w.settle(claims.iter().map(|attempt| rejected(&attempt.claim))).await;
    end(&w).await;
    assert_eq!(f.store.find(phone(1)).await.unwrap().len(), 3);
    purge(&w).await;
    assert_eq!(f.store.find(phone(1)).await.unwrap(), []);
    let broken = w.broken().await;
    assert!(broken.iter().all(|broken| !broken.rule.contains("purged")), "{broken:?}");
}

async fn a_run_that_is_not_over_or_waits_for_a_persons_decision_is_not_purged(f: Fixture<impl Place>) {
    f.store.index_message_ids().await.unwrap();
    let w = f.run("job", 3).await;
    let refused = async |blocker| {
        assert_eq!(f.store.purge_blocker(&w.now().await).await.unwrap(), Some(blocker));
        w.check().await;
    };
    refused(PurgeBlocker::Unsent).await;
    assert!(!f.store.purge(&w.now().await, "Ana", NOW).await.unwrap());
    w.send(|claim| accepted(claim, "m1")).await;
    w.send(doubted).await;
    w.send(rejected).await;
    f.store.reach(w.run, Stage::Dispatched, NOW).await.unwrap();
    refused(PurgeBlocker::AwaitsStatuses).await;
    assert!(!f.store.purge(&w.now().await, "Ana", NOW).await.unwrap());
    end(&w).await;
    refused(PurgeBlocker::Uncertain(1)).await;
    w.store.resolve_uncertain(w.owner, Which::All, Verdict::NotSent, "Ana", NOW).await.unwrap();
    save(&f.store, vec![(reply("r1", "m1", None), Some(OptOutMatch::Possible))]).await;
    refused(PurgeBlocker::PossibleOptOuts(1)).await;
    f.store.dismiss_possible_opt_outs(&[phone(1)]).await.unwrap();
    // It is sent again after someone found that it could be purged.
    let over = w.now().await;
    assert_eq!(f.store.purge_blocker(&over).await.unwrap(), None);
    let rejected = RequeueFilter::in_states(&[State::Rejected]);
    assert_eq!(f.store.requeue(w.owner, &over, &rejected, false, NOW).await.unwrap().rows, 1);
    assert!(!f.store.purge(&over, "Ana", NOW).await.unwrap());
    w.check().await;
    w.send(|claim| accepted(claim, "m3")).await;
    end(&w).await;
    purge(&w).await;
}

async fn whom_a_purged_run_reached_is_not_taken_for_not_reached(f: Fixture<impl Place>) {
    let w = over(&f, 3).await;
    let next = f.one_more_begun("job").await;
    f.store.begin_import(next.owner, &["name".to_owned()], None).await.unwrap();
    f.store.add_rows(next.owner, &[planned(1), PlannedRow { row: RowNumber(2), ..planned(9) }]).await.unwrap();
    purge(&w).await;
    let is_unknown =
        |result: Option<StoreError>| matches!(result, Some(StoreError::ReachUnknown { run, .. }) if run == w.id);
    for which in [LeaveOut::Everyone, LeaveOut::Since(Millis(NOW.0 - 1))] {
        assert!(is_unknown(f.store.leave_out(next.owner, which).await.err()));
    }
    // What was sent before that does not count, purged or not.
    let days = 2 * 24 * 3600;
    assert_eq!(f.store.leave_out(next.owner, LeaveOut::Since(at(days))).await.unwrap(), 0);
    let mut listing = f.store.listing("job").await.unwrap().unwrap();
    listing.add(&[(phone(1), RowNumber(1)), (phone(9), RowNumber(2))]).await.unwrap();
    assert!(is_unknown(listing.leave_out(Some(LeaveOut::Everyone)).await.err()));
    assert!(is_unknown(listing.prepare(Some(LeaveOut::Everyone)).await.err()));
    assert_eq!(listing.reached().await.unwrap().purged, [(w.id.clone(), at(700))]);
    listing.leave_out(None).await.unwrap();
    assert!(matches!(
        f.store.would_start(&content("job"), Repeat::Unsaid).await.unwrap(),
        Some(StartDecision::Resume(_))
    ));

    // Those whom the purged run may have reached are not sent to again by a retry either, unless a person says so.
    f.store.finish_import(next.owner, NOW).await.unwrap();
    f.store.reach(next.run, Stage::Started, NOW).await.unwrap();
    next.send(rejected).await;
    next.send(rejected).await;
    end(&next).await;
    let filter = RequeueFilter::in_states(&[State::Rejected]);
    assert!(is_unknown(f.store.requeue(next.owner, &next.now().await, &filter, false, NOW).await.err()));
    assert_eq!(next.states().await, [State::Rejected; 2]);
    assert_eq!(f.store.requeue(next.owner, &next.now().await, &filter, true, NOW).await.unwrap().rows, 2);
    // Numbers go on, and another campaign is not concerned.
    assert_eq!(next.id.number(), 2);
    assert!(matches!(
        f.store.would_start(&content("job"), Repeat::Unsaid).await.unwrap(),
        Some(StartDecision::Resume(_))
    ));
    assert!(f.store.listing("other").await.unwrap().is_none());
}

async fn nobody_works_on_a_purged_run_and_late_statuses_change_nothing(f: Fixture<impl Place>) {
    f.store.index_message_ids().await.unwrap();
    let w = f.run("job", 2).await;
    let claims: Vec<Claim> = w.claim(2).await.iter().map(|attempt| attempt.claim).collect();
    w.settle([accepted(&claims[0], "m1"), rejected(&claims[1])]).await;
    let named = w.store.reference_key(claims[1].worker).await.unwrap().sign(w.run, RowNumber(2), claims[1].number);
    let run = end(&w).await;
    let purged = purge(&w).await;
    assert!(is_purged(f.store.take_over(w.run, None, NOW).await, &w));
    let filter = RequeueFilter::in_states(&[State::Rejected]);
    let stale = f.store.requeue(w.owner, &run, &filter, true, NOW).await.err();
    assert!(matches!(stale, Some(StoreError::NotOwner(_))), "{stale:?}");
    let stale = f.store.resolve_uncertain(w.owner, Which::All, Verdict::Sent, "Ana", NOW).await.err();
    assert!(matches!(stale, Some(StoreError::NotOwner(_))), "{stale:?}");
    w.settle_late([accepted(&claims[1], "m2")]).await;

    let late = vec![status("m1", DeliveryStatus::Read, None), status("m2", DeliveryStatus::Delivered, Some(named))];
    let kept = webhook(&f.store, late).await;
    assert_eq!(kept, WebhookResult { early: 2, ..WebhookResult::default() }, "as of any sender's messages");
    let stop = Some(OptOutMatch::Exact("Stop".to_owned()));
    let late = Reply { from: Some(phone(1)), ..reply("r1", "m1", None) };
    assert_eq!(save(&f.store, vec![(late, stop)]).await.suppressed, 1, "an opt-out counts, whenever it comes");
    assert_eq!(f.store.match_early(Millis(0), NOW).await.unwrap(), WebhookResult::default());
    f.store.index_numbers(w.run).await.unwrap();
    let now = w.now().await;
    assert_eq!((now.finished_at, now.dispatched_at), (purged.finished_at, purged.dispatched_at));
    assert_eq!(w.broken().await, []);
    assert_eq!(f.store.tally(&now).await.unwrap().of(State::Accepted), 1);
    f.store.drop_early(at(1)).await.unwrap();
}

async fn runs_that_are_over_for_long_are_found(f: Fixture<impl Place>) {
    let w = over(&f, 1).await;
    let next = f.one_more("job", 1).await;
    assert_eq!(f.store.purgeable(at(600)).await.unwrap(), []);
    assert_eq!(f.store.purgeable(at(601)).await.unwrap(), std::slice::from_ref(&w.id));
    purge(&w).await;
    assert_eq!(f.store.purgeable(at(9_999)).await.unwrap(), []);
    f.store.cancel(next.run, "Ana", NOW).await.unwrap();
    end(&next).await;
    assert_eq!(
        f.store.purgeable(at(9_999)).await.unwrap(),
        std::slice::from_ref(&next.id),
        "a cancelled one is over too"
    );
    purge(&next).await;
    assert_eq!(f.store.tally(&next.now().await).await.unwrap().of(State::Cancelled), 1);
}

/// By the number, and by the provider's ids if the number of a person is learned only later.
async fn an_opt_out_outlives_the_reply_that_it_was(f: Fixture<impl Place>) {
    let w = over(&f, 2).await;
    let user = |id: &str| UserId::parse(id).unwrap();
    let stop = || Some(OptOutMatch::Exact("Stop".to_owned()));
    let known = Reply { user: Some(user("US.1")), parent: Some(user("US.ENT.1")), ..reply("r1", "m1", None) };
    save(&f.store, vec![(known, stop()), (reply("r2", "m2", None), None)]).await;
    purge(&w).await;
    assert!(f.store.suppression(phone(1)).await.unwrap().is_some());
    assert_eq!(f.store.suppression(phone(2)).await.unwrap(), None);
    for (id, other) in [("US.1", 101), ("US.ENT.1", 102), ("US.2", 103)] {
        let person = KnownPerson { user: user(id), phone: Some(phone(other)), message_id: None };
        let batch = WebhookBatch { people: vec![person], ..WebhookBatch::default() };
        f.store.save_webhooks(&batch, NOW).await.unwrap();
    }
    let reason = Some((Millis(77_000), Some("opted out by reply: Stop".to_owned())));
    let found = |n: u64| {
        let store = f.store.clone();
        async move { store.suppression(phone(n)).await.unwrap() }
    };
    assert_eq!((found(101).await, found(102).await, found(103).await), (reason.clone(), reason, None));
    let numbers: Vec<Phone> = f.store.suppressions(None, 9).await.unwrap().into_iter().map(|line| line.0).collect();
    assert_eq!(numbers, [1, 101, 102].map(phone));
}

async fn replies_to_no_message_and_tests_go_with_their_age(f: Fixture<impl Place>) {
    let user = |id: &str| Some(UserId::parse(id).unwrap());
    let stop = || Some(OptOutMatch::Exact("Stop".to_owned()));
    let from = |n: u64, id: &str| Reply { from: Some(phone(n)), ..reply(id, "unknown", None) };
    let unnamed = Reply { user: user("US.1"), ..reply("r2", "unknown", None) };
    let undecided = (from(3, "r3"), Some(OptOutMatch::Possible));
    let decided = (from(1, "r4"), Some(OptOutMatch::Possible));
    save(&f.store, vec![(from(1, "r1"), stop()), (unnamed, stop()), undecided, decided]).await;
    let test = NewTestMessage { name: "job".into(), row: RowNumber(1), phone: phone(9) };
    let first = f.store.add_test(&test, NOW).await.unwrap();
    assert_eq!(f.store.strays(NOW).await.unwrap(), (0, 0));
    assert_eq!(f.store.strays(at(1)).await.unwrap(), (3, 1));
    f.store.purge_strays(at(1)).await.unwrap();
    assert_eq!(f.store.strays(at(1)).await.unwrap(), (0, 0));
    let left: Vec<String> = f.store.replies(None, 0, 9).await.unwrap().into_iter().map(|kept| kept.reply.id).collect();
    assert_eq!(left, ["r3"], "a person has to decide about it");
    assert!(f.store.suppression(phone(1)).await.unwrap().is_some());
    let person = KnownPerson { user: user("US.1").unwrap(), phone: Some(phone(2)), message_id: None };
    f.store.save_webhooks(&WebhookBatch { people: vec![person], ..WebhookBatch::default() }, NOW).await.unwrap();
    assert!(f.store.suppression(phone(2)).await.unwrap().is_some(), "the opt-out is not lost");
    // A process that still waits for the first test must not write to the second one.
    assert!(f.store.add_test(&test, NOW).await.unwrap() > first);
}

async fn the_ids_of_people_in_no_run_are_forgotten(f: Fixture<impl Place>) {
    let w = over(&f, 3).await;
    let user = |n: u64| UserId::parse(&format!("US.{n}")).unwrap();
    let people = (1..=3).map(|n| KnownPerson { user: user(n), phone: Some(phone(n)), message_id: None }).collect();
    f.store.save_webhooks(&WebhookBatch { people, ..WebhookBatch::default() }, NOW).await.unwrap();
    // The first is in another run too, and the second wrote in.
    f.run("other", 1).await;
    save(&f.store, vec![(Reply { user: Some(user(2)), ..reply("r1", "unknown", None) }, None)]).await;
    purge(&w).await;
    f.store.forget_people().await.unwrap();
    for n in 1..=3 {
        let stop = Some(OptOutMatch::Exact("Stop".to_owned()));
        let unnamed = Reply { user: Some(user(n)), answers: None, ..reply(&format!("s{n}"), "", None) };
        save(&f.store, vec![(unnamed, stop)]).await;
        assert_eq!(f.store.suppression(phone(n)).await.unwrap().is_some(), n < 3, "{n}");
    }
    f.store.forget_people().await.unwrap();
}
