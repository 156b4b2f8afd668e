//! Texts from outside: whatever characters they have, they come out unchanged.

use super::*;
use crate::model::{
    DeliveryStatus, Millis, NumberProblem, OptOutMatch, Phone, Problem, Reply, RowNumber, RowProblem, State,
    StatusUpdate,
};

contract!(
    what_is_in_the_list_comes_out_as_it_went_in,
    what_providers_say_comes_out_as_they_said_it,
    a_message_is_found_by_its_id_whatever_that_is,
    what_people_write_comes_out_as_they_wrote_it,
);

/// Returns texts that are hard to quote, escape, cut or compare.
fn texts() -> Vec<String> {
    let texts = [
        "",
        " ",
        "a",
        "A",
        "a ",
        "\0",
        "a\0",
        "a\0b",
        "\0a",
        "\u{1}\u{1f}\u{7f}",
        "\r\n\t",
        "'; DROP TABLE run; --",
        "\"\\\"",
        "\\u0000",
        "\\0",
        "[1,\"2\"]",
        "{\"a\":null}",
        "null",
        "0",
        "00",
        "1e3",
        "123456789012345678901234567890",
        "-0.0",
        "true",
        "Zoë 👋🏽",
        "e\u{301}",
        "\u{e9}",
        "\u{202e}abc\u{feff}",
        "\u{fffd}\u{ffff}\u{10ffff}",
        "%_*?",
        "?1 $1 :a @b",
    ];
    texts.into_iter().map(str::to_owned).chain(["long ".repeat(30_000)]).collect()
}

async fn what_is_in_the_list_comes_out_as_it_went_in(f: Fixture<impl Place>) {
    let texts = texts();
    let cells = |text: &String| serde_json::to_string(&[text, "|", text]).unwrap();
    let problem = |text: &String| RowProblem::from(NumberProblem::TwoPrefixes(text.as_str().into()));
    let row = |(text, n): (&String, u64)| match n % 2 {
        0 => PlannedRow { cells: cells(text), ..planned(n) },
        _ => {
            let problems = vec![problem(text)];
            PlannedRow { to: Err(text.clone()), cells: cells(text), problems, ..planned(n) }
        }
    };
    let w = f.begun("job").await;
    f.store.begin_import(w.owner, &texts, Some("\0\"")).await.unwrap();
    f.store.add_rows(w.owner, &texts.iter().zip(1..).map(row).collect::<Vec<_>>()).await.unwrap();
    f.store.finish_import(w.owner, NOW).await.unwrap();
    assert_eq!((w.now().await.columns, w.now().await.template.as_deref()), (texts.clone(), Some("\0\"")));
    let claims = w.claim(99).await;
    for (row, text) in w.rows(Wanted { cells: true, since: None }).await.iter().zip(&texts) {
        assert_eq!(row.cells, [text, "|", text]);
        match claims.iter().find(|attempt| attempt.claim.key.row() == row.row) {
            Some(attempt) => assert!(attempt.cells == cells(text), "{text:?}"),
            None => assert_eq!((&row.to, row.error_message.clone()), (text, Some(problem(text).to_string()))),
        }
    }
    w.check().await;
}

async fn what_providers_say_comes_out_as_they_said_it(f: Fixture<impl Place>) {
    let texts: Vec<String> = texts().into_iter().filter(|text| !text.is_empty()).collect();
    let count = texts.len() as u64;
    let w = f.run("job", 2 * count).await;
    let claims: Vec<Claim> = w.claim(999).await.iter().map(|attempt| attempt.claim).collect();
    let (first, second) = claims.split_at(texts.len());
    w.settle(first.iter().zip(&texts).map(|(claim, text)| accepted(claim, text))).await;
    let problem = |text: &String| Some(Problem::new(text.as_str(), text.as_str()));
    w.settle(second.iter().zip(&texts).map(|(claim, text)| Settlement { problem: problem(text), ..rejected(claim) }))
        .await;
    let rows = w.all().await;
    let (first, second) = rows.split_at(texts.len());
    for ((accepted, refused), text) in first.iter().zip(second).zip(&texts) {
        assert_eq!((accepted.state, accepted.message_id.as_ref()), (State::Accepted, Some(text)));
        assert_eq!((refused.state, refused.error_code.as_ref()), (State::Rejected, Some(text)));
        assert_eq!(refused.error_message.as_ref(), Some(text));
    }
    let polled = w.store.due_polls(w.run, at(999), 999).await.unwrap();
    assert!(polled.iter().map(|poll| &poll.message_id).eq(&texts));
    assert_eq!(f.store.problems(&w.now().await, 999).await.unwrap().len(), texts.len());
    w.check().await;
}

async fn a_message_is_found_by_its_id_whatever_that_is(f: Fixture<impl Place>) {
    f.store.index_message_ids().await.unwrap();
    let texts = texts();
    let w = f.run("job", texts.len() as u64).await;
    let claims = w.claim(999).await;
    let update = |text: &String, status: &str| StatusUpdate {
        message_id: text.clone(),
        status: DeliveryStatus::from_word(status),
        delivered_at: None,
        read_at: None,
        problem: Some(Problem::new(format!("code {text}"), text.as_str())),
        reference: None,
    };
    let batch = |updates: Vec<StatusUpdate>| WebhookBatch { statuses: updates, ..WebhookBatch::default() };
    // Each with an undocumented status word, before the messages exist.
    let early = texts.iter().map(|text| update(text, &format!("word {text}"))).chain([update(&"b".into(), "read")]);
    let result = f.store.save_webhooks(&batch(early.collect()), NOW).await.unwrap();
    assert_eq!(result.early, texts.len() as u64 + 1);
    w.settle(claims.iter().zip(&texts).map(|(attempt, text)| accepted(&attempt.claim, text))).await;
    let failed = texts.iter().map(|text| update(text, "failed"));
    let result = f.store.save_webhooks(&batch(failed.collect()), NOW).await.unwrap();
    assert_eq!(result, WebhookResult::default());
    for (row, text) in w.all().await.iter().zip(&texts) {
        assert_eq!((row.state, row.message_id.as_ref()), (State::Failed, Some(text)));
        assert_eq!((row.error_code.clone(), row.error_message.as_ref()), (Some(format!("code {text}")), Some(text)));
    }
    let reply = |text: &String| Reply {
        id: text.clone(),
        from: None,
        user: None,
        parent: None,
        answers: Some(text.clone()),
        at: Millis(1),
        kind: "text".into(),
        choice: None,
        title: None,
        text: None,
    };
    let replies = texts.iter().map(|text| (reply(text), None)).collect();
    f.store.save_webhooks(&WebhookBatch { replies, ..WebhookBatch::default() }, NOW).await.unwrap();
    let kept = f.store.replies(Some(&w.now().await), 0, 999).await.unwrap();
    let rows: Vec<_> = kept.iter().map(|kept| kept.answered.unwrap().0.0).collect();
    assert_eq!(rows, (1..=texts.len() as u64).collect::<Vec<_>>());
}

async fn what_people_write_comes_out_as_they_wrote_it(f: Fixture<impl Place>) {
    let texts = texts();
    let reply = |(text, n): (&String, u64)| {
        let some = Some(text.clone());
        let id = format!("{n}");
        let (choice, title, kind) = (some.clone(), some.clone(), text.clone());
        let from = Some(Phone::from_u64(n));
        (
            Reply { id, from, user: None, parent: None, answers: None, at: Millis(1), kind, choice, title, text: some },
            Some(OptOutMatch::Exact(text.clone())),
        )
    };
    let replies: Vec<_> = texts.iter().zip(1..).map(reply).collect();
    f.store.save_webhooks(&WebhookBatch { replies: replies.clone(), ..WebhookBatch::default() }, NOW).await.unwrap();
    let kept = f.store.replies(None, 0, 999).await.unwrap();
    assert!(kept.iter().map(|kept| &kept.reply).eq(replies.iter().map(|(reply, _)| reply)));
    let listed = f.store.suppressions(None, 999).await.unwrap();
    let reasons: Vec<_> = texts.iter().map(|text| Some(format!("opted out by reply: {text}"))).collect();
    assert_eq!(listed.into_iter().map(|(_, reason, _)| reason).collect::<Vec<_>>(), reasons);

    // Reasons and names of people, which the store puts into values.
    let w = f.run("job", texts.len() as u64 * 2).await;
    for (text, n) in texts.iter().zip(1..) {
        f.store.suppress(&[phone(n)], Some(text), NOW).await.unwrap();
    }
    w.settle(w.claim(999).await.iter().map(|attempt| doubted(&attempt.claim))).await;
    for (text, n) in texts.iter().zip(texts.len() as u64 + 1..) {
        let which = Which::Row(RowNumber(n));
        f.store.resolve_uncertain(w.owner, which, Verdict::Sent, text, Millis(1000)).await.unwrap();
    }
    let rows = w.all().await;
    let (suppressed, settled) = rows.split_at(texts.len());
    for ((suppressed, settled), text) in suppressed.iter().zip(settled).zip(&texts) {
        assert_eq!((suppressed.state, suppressed.error_message.as_ref()), (State::Suppressed, Some(text)));
        let words = format!(
            "{text} recorded at 1970-01-01T00:00:01Z that the message was sent; until then, the row was uncertain (words"
        );
        assert!(settled.error_message.as_ref().unwrap().starts_with(&words), "{text:?}");
    }
    f.store.pause(w.run, "\0'", NOW).await.unwrap();
    assert_eq!(w.now().await.paused_by.as_deref(), Some("\0'"));
    w.check().await;
}
