//! Callbacks against polls, early ones, repeats, and people who ask for nothing more.

use super::*;
use crate::model::{Phone, State};
use crate::store::{Polled, RowKey, Store, reconcile};

const NOW: Millis = Millis(1_754_466_200_000);

/// A store with one run; its rows are accepted by [`accept`].
async fn store() -> (tempfile::TempDir, Store, Writer) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("s.db")).await.unwrap();
    let mut writer = store.writer().await.unwrap();
    writer.find_by_message_id().await.unwrap();
    sqlx::query(
        "INSERT INTO run (id, name, number, campaign, campaign_print, recipients_print, created_at) \
         VALUES (1, 'job', 1, '{}', 'c', 'r', 1)",
    )
    .execute(&mut writer.connection)
    .await
    .unwrap();
    (folder, store, writer)
}

/// Rows that are accepted: row `n` as `m{n}`, sent to 852 and `n` behind six zeros.
async fn accept(writer: &mut Writer, rows: impl Iterator<Item = usize>) {
    let rows: Vec<_> =
        rows.map(|n| (RowKey::first(1) + n as i64, 852_000_000_i64 + n as i64, format!("m{n}"))).collect();
    let rows = serde_json::to_string(&rows).unwrap();
    for statement in [
        "INSERT INTO recipient (id, line, state, phone, cells) SELECT value ->> 0, 1, 0, value ->> 1, '[]' FROM json_each(?1)",
        "INSERT INTO delivery (id, run, state, attempts, tries, accepted_at, message_id, poll_at) \
         SELECT value ->> 0, 1, 2, 1, 1, 5, value ->> 2, 6 FROM json_each(?1)",
    ] {
        sqlx::query(statement).bind(&rows).execute(&mut writer.connection).await.unwrap();
    }
}

fn status(n: usize, word: &str, at: Option<i64>, reason: Option<&str>) -> StatusUpdate {
    let at = at.map(Millis);
    StatusUpdate {
        message_id: format!("m{n}"),
        status: DeliveryStatus::from_word(word),
        delivered_at: at.filter(|_| word == "delivered"),
        read_at: at.filter(|_| word == "read"),
        problem: reason.map(|code| Problem::new(code, "the provider's words")),
    }
}

/// All that statuses change of every message, but when it is asked about again.
async fn deliveries_of(
    writer: &mut Writer,
) -> Vec<(i64, i64, Option<String>, Option<i64>, Option<i64>, Option<String>, bool)> {
    sqlx::query_as(
        "SELECT id, state, provider_status, delivered_at, read_at, code, poll_at IS NULL FROM delivery ORDER BY id",
    )
    .fetch_all(&mut writer.connection)
    .await
    .unwrap()
}

async fn count(writer: &mut Writer, table: &'static str) -> i64 {
    let statement = match table {
        "early" => "SELECT count(*) FROM early",
        "loose" => "SELECT count(*) FROM reply WHERE row IS NULL",
        "reply" => "SELECT count(*) FROM reply",
        _ => "SELECT count(*) FROM suppression",
    };
    sqlx::query_scalar(statement).fetch_one(&mut writer.connection).await.unwrap()
}

/// What is reported of message `n`, in order; at some providers a message fails and is delivered all the same.
fn fate(n: usize, rng: &mut fastrand::Rng) -> Vec<StatusUpdate> {
    let at = |step: i64| Some(1_754_466_000_000 + n as i64 * 7_000 + step * 1_000);
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
    // Some never hear of one of them.
    if rng.u32(..8) == 0 {
        fate.remove(rng.usize(..fate.len()));
    }
    fate
}

/// The same statuses, once asked for in the order in which they happened, and once called back with: in any order, in
/// commits of any size, some two or three times, and half of them before the answer to the send was there.
#[tokio::test]
async fn ten_thousand_callbacks_in_any_order_with_repeats_leave_what_polls_leave() {
    const MESSAGES: usize = 3_000;
    let mut rng = fastrand::Rng::with_seed(20_260_323);
    let fates: Vec<_> = (1..=MESSAGES).map(|n| fate(n, &mut rng)).collect();

    let (_folder, _store, mut polled) = store().await;
    accept(&mut polled, 1..=MESSAGES).await;
    for step in 0..4 {
        // A status answer holds no reason.
        let answers: Vec<Polled> = (1..)
            .zip(&fates)
            .filter_map(|(n, fate)| {
                let update = StatusUpdate { problem: None, ..fate.get(step)?.clone() };
                let key = RowKey(RowKey::first(1) + n);
                Some(Polled { key, update: Some(update), polled_at: NOW, poll_at: Some(NOW) })
            })
            .collect();
        reconcile::merge(&mut polled.connection, &answers).await.unwrap();
    }

    let (_folder, _store, mut called) = store().await;
    let mut callbacks: Vec<StatusUpdate> = fates.iter().flatten().cloned().collect();
    for n in 0..callbacks.len() / 2 {
        callbacks.push(callbacks[n * 2].clone());
    }
    rng.shuffle(&mut callbacks);
    assert!(callbacks.len() > 10_000, "{}", callbacks.len());
    let (before, after) = callbacks.split_at(callbacks.len() / 2);
    for (part, accepted) in [(before, 0), (after, MESSAGES / 2)] {
        accept(&mut called, (1..=MESSAGES).filter(|n| n % 2 == usize::from(accepted > 0))).await;
        let mut rest = part;
        while !rest.is_empty() {
            let (now, later) = rest.split_at(rng.usize(1..=200).min(rest.len()));
            called.take(&Called { statuses: now.to_vec(), replies: Vec::new() }, NOW).await.unwrap();
            rest = later;
        }
    }
    let mut found = 0;
    loop {
        match called.catch_up(Millis(0), NOW).await.unwrap().found {
            0 => break,
            more => found += more,
        }
    }
    assert!(found > 2_000 && count(&mut called, "early").await == 0, "{found}");

    let (polled, called) = (deliveries_of(&mut polled).await, deliveries_of(&mut called).await);
    let mut told = 0;
    for (p, mut c) in polled.into_iter().zip(called) {
        if c.5.is_some() && c.5 != p.5 {
            // The one thing that only a callback tells.
            told += 1;
            c.5 = Some("not_delivered".to_owned());
        }
        assert_eq!(p, c);
    }
    assert!(told > 100, "{told}");
}

/// Statuses that combine words, times and reasons in ways that no webhook does, merged on arrival, and laid aside first in
/// another order.
#[tokio::test]
async fn early_statuses_end_in_the_same_as_those_that_find_their_message() {
    const MESSAGES: usize = 500;
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
    let (_folder, _store, mut prompt) = store().await;
    accept(&mut prompt, 1..=MESSAGES).await;
    prompt.take(&Called { statuses: statuses.clone(), replies: Vec::new() }, NOW).await.unwrap();

    statuses.extend(statuses.clone());
    rng.shuffle(&mut statuses);
    let (_folder, _store, mut early) = store().await;
    for part in statuses.chunks(100) {
        early.take(&Called { statuses: part.to_vec(), replies: Vec::new() }, NOW).await.unwrap();
    }
    accept(&mut early, 1..=MESSAGES).await;
    while early.catch_up(Millis(0), NOW).await.unwrap().found > 0 {}
    assert_eq!(deliveries_of(&mut prompt).await, deliveries_of(&mut early).await);
}

#[tokio::test]
async fn a_delivery_after_a_failure_is_in_the_report_with_the_failures_code_and_no_problem_of_the_run() {
    let (_folder, store, mut writer) = store().await;
    accept(&mut writer, 1..=4).await;
    let statuses = vec![
        status(1, "failed", None, Some("131049")),
        status(2, "failed", None, Some("131049")),
        status(3, "read", Some(9), None),
        status(4, "delivered", Some(9), None),
    ];
    writer.take(&Called { statuses, replies: Vec::new() }, NOW).await.unwrap();
    let run = store.run(None).await.unwrap();
    let codes = async || {
        let problems = store.problems(&run, 9).await.unwrap();
        let of_code: Vec<_> = problems.into_iter().map(|(code, rows, ..)| (code, rows)).collect();
        (of_code, store.contradicted(&run).await.unwrap())
    };
    assert_eq!(codes().await, (vec![("131049".to_owned(), 2)], 0));
    let statuses = vec![status(1, "delivered", Some(9), None), status(3, "failed", None, Some("131026"))];
    writer.take(&Called { statuses, replies: Vec::new() }, NOW).await.unwrap();
    assert_eq!(codes().await, (vec![("131049".to_owned(), 1)], 2));
    let row = store.report_row(&run, crate::model::Channel::Whatsapp, crate::model::RowNo(1)).await.unwrap().unwrap();
    assert!(row.is_contradicted());
    assert_eq!(
        (row.state, row.delivered_at, row.error_code.as_deref()),
        (State::Delivered, Some(Millis(9)), Some("131049"))
    );
    let polled: Vec<bool> = deliveries_of(&mut writer).await.into_iter().map(|row| !row.6).collect();
    assert_eq!(polled, [false, false, false, true]);
}

#[tokio::test]
async fn what_was_not_accepted_yet_is_found_when_it_is_and_forgotten_after_its_time() {
    let (_folder, _store, mut writer) = store().await;
    let statuses =
        vec![status(1, "read", Some(9), None), status(1, "sent", None, None), status(2, "read", Some(9), None)];
    let called = Called { statuses, replies: Vec::new() };
    for _ in 0..2 {
        writer.take(&called, NOW).await.unwrap();
        assert_eq!(count(&mut writer, "early").await, 3);
    }
    writer.catch_up(Millis(0), NOW).await.unwrap();
    assert_eq!(count(&mut writer, "early").await, 3);
    accept(&mut writer, 1..=1).await;
    writer.catch_up(NOW.plus(std::time::Duration::from_secs(1)), NOW).await.unwrap();
    assert_eq!(count(&mut writer, "early").await, 3, "only what came since then is looked at");
    writer.catch_up(NOW, NOW).await.unwrap();
    assert_eq!(count(&mut writer, "early").await, 1);
    let row = deliveries_of(&mut writer).await.remove(0);
    assert_eq!((row.1, row.4, row.6), (State::Read.code(), Some(9), true));
    writer.forget_early(NOW).await.unwrap();
    assert_eq!(count(&mut writer, "early").await, 1);
    writer.forget_early(NOW.plus(std::time::Duration::from_millis(1))).await.unwrap();
    assert_eq!(count(&mut writer, "early").await, 0);
}

fn reply(id: &str, from: Option<&str>, answers: Option<&str>, stop: bool) -> (Reply, Option<String>) {
    let reply = Reply {
        id: id.into(),
        from: from.and_then(Phone::from_digits),
        answers: answers.map(str::to_owned),
        at: Millis(77_000),
        kind: "text".into(),
        choice: None,
        title: None,
        text: Some("Stop!".into()),
    };
    (reply, stop.then(|| "Stop!".to_owned()))
}

#[tokio::test]
async fn who_asks_for_nothing_more_gets_nothing_more_under_either_number() {
    let (_folder, store, mut writer) = store().await;
    accept(&mut writer, 1..=2).await;
    let replies = vec![
        reply("a", Some("5531999"), Some("m1"), true),
        // The provider knows them by something else than a number.
        reply("b", None, Some("m2"), true),
        reply("c", Some("4912345"), None, true),
        reply("d", Some("4967890"), Some("m1"), false),
        // Its message is not there yet.
        reply("e", None, Some("m3"), true),
    ];
    let called = Called { statuses: Vec::new(), replies };
    let took = writer.take(&called, NOW).await.unwrap();
    assert_eq!((took.replies, took.suppressed), (5, 4));
    let listed = |listed: Vec<(Phone, Option<String>, Millis)>| -> Vec<String> {
        listed
            .into_iter()
            .map(|(phone, reason, at)| format!("{} {} {}", phone.digits(), reason.unwrap(), at.0))
            .collect()
    };
    let on_the_list = store.suppressions(None, 100).await.unwrap();
    let reason = "opted out by reply: Stop! 77000";
    assert_eq!(
        listed(on_the_list),
        ["4912345", "5531999", "852000001", "852000002"].map(|number| format!("{number} {reason}"))
    );
    // A person takes one off the list again; the same callback once more does not undo that.
    writer.unsuppress(&[Phone::from_digits("4912345").unwrap()]).await.unwrap();
    assert_eq!(writer.take(&called, NOW).await.unwrap(), Took::default());
    assert_eq!((count(&mut writer, "reply").await, count(&mut writer, "suppression").await), (5, 3));

    assert_eq!(count(&mut writer, "loose").await, 2);
    accept(&mut writer, 3..=3).await;
    assert_eq!(writer.catch_up(Millis(0), NOW).await.unwrap().suppressed, 1);
    assert_eq!((count(&mut writer, "loose").await, count(&mut writer, "suppression").await), (1, 4));
}

#[tokio::test]
async fn messages_are_found_by_an_index() {
    let (_folder, _store, mut writer) = store().await;
    let mut plan = async |statement: &'static str| -> String {
        let rows = sqlx::query(sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}")));
        let rows = rows.bind("[]").bind(1).fetch_all(&mut writer.connection).await.unwrap();
        rows.iter().map(|row| row.get::<String, _>(3) + "\n").collect()
    };
    for statement in [deliveries::BY_MESSAGE_ID, ANY_KNOWN, EARLY_KNOWN, TIE] {
        let plan = plan(statement).await;
        assert!(plan.contains("delivery_message_id (message_id=?)") && !plan.contains("SCAN d"), "{plan}");
    }
    let plan = plan(deliveries::BY_KEY).await;
    assert!(plan.contains("SEARCH d USING INTEGER PRIMARY KEY"), "{plan}");
}
