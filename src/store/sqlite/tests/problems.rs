//! What the columns of problems hold: values where the program knows the problem itself, and no sentence of any
//! language.

use super::*;
use crate::model::{Known, Problem, RowProblem, SendProblem, every_row_problem, every_send_problem};
use crate::store::{Attempt, PlannedRow, Settlement};

/// Every problem that the store holds, from wherever it does: code, message, values.
const STORED: &str = "SELECT error_code, error_message, error_values FROM recipient WHERE error_code IS NOT NULL \
    UNION ALL SELECT error_code, error_message, error_values FROM delivery WHERE error_code IS NOT NULL \
    UNION ALL SELECT error_code, error_message, error_values FROM past_attempt WHERE error_code IS NOT NULL \
    UNION ALL SELECT error_code, error_message, error_values FROM resolution WHERE error_code IS NOT NULL";

#[tokio::test]
async fn what_the_program_knows_itself_is_stored_as_values_and_told_in_words() {
    let f = Fixture::at(SqliteFile::empty().await.unwrap()).await;
    f.store.suppress(&[phone(1)], None, NOW).await.unwrap();
    let of_rows = every_row_problem();
    let of_sends: Vec<SendProblem> = every_send_problem();
    let of_sends: Vec<_> = of_sends.into_iter().filter(|problem| !matches!(problem, SendProblem::Damaged(_))).collect();
    let sent = of_sends.len() as u64 + 1;
    let bad = |(problem, n): (&RowProblem, u64)| {
        let problems = vec![problem.clone().column("name").value("Ana").at("text"), problem.clone()];
        PlannedRow { to: Err("n/a".to_owned()), problems, ..planned(n) }
    };
    // The first is suppressed, the second a duplicate; then those that are sent, the last of them accepted.
    let mut rows: Vec<PlannedRow> = (1..=2 + sent).map(planned).collect();
    rows.extend(of_rows.iter().zip(3 + sent..).map(bad));
    let w = f.begun("job").await;
    f.store.begin_import(w.owner, &["name".to_owned()], None).await.unwrap();
    f.store.add_rows(w.owner, &rows).await.unwrap();
    f.store.mark_duplicates(w.owner, &[(RowNumber(2), RowNumber(1))]).await.unwrap();
    f.store.finish_import(w.owner, NOW).await.unwrap();
    f.store.reach(w.run, Stage::Started, NOW).await.unwrap();
    let claims = w.claim(999).await;
    assert_eq!(claims.len() as u64, sent);
    let settle = |(attempt, problem): (&Attempt, &SendProblem)| {
        let problem = Some(Problem::from(problem.clone()));
        Settlement { problem, ..doubted(&attempt.claim) }
    };
    let mut settled: Vec<Settlement> = claims.iter().zip(&of_sends).map(settle).collect();
    settled.push(accepted(&claims[of_sends.len()].claim, "m"));
    w.settle(settled).await;
    let failed = StatusUpdate {
        message_id: "m".to_owned(),
        status: DeliveryStatus::Failed,
        delivered_at: None,
        read_at: None,
        problem: None,
        reference: None,
    };
    let batch = WebhookBatch { statuses: vec![failed], ..WebhookBatch::default() };
    f.store.save_webhooks(&batch, NOW).await.unwrap();
    // The words are those of the problem, wherever they are shown.
    let report = w.all().await;
    for (problem, row) in of_sends.iter().zip(&report[2..]) {
        assert_eq!(
            (row.error_code.as_deref(), row.error_message.clone()),
            (Some(&*problem.code()), Some(problem.words()))
        );
    }
    for (row, found) in rows.iter().zip(&report).skip(2 + sent as usize) {
        assert_eq!(found.error_code.as_deref(), Some(row.problems[0].code()));
        assert_eq!(found.error_message.clone(), Some(RowProblem::joined(&row.problems)));
    }
    assert_eq!(report[1 + sent as usize].error_code.as_deref(), Some("not_delivered"));
    let (uncertain, first) = (f.store.uncertain(w.run, 999).await.unwrap(), &of_sends[0]);
    assert_eq!((uncertain.len(), uncertain[0].message.original()), (of_sends.len(), first.words().as_str()));
    f.store.resolve_uncertain(w.owner, Which::All, Verdict::NotSent, "Ana", NOW).await.unwrap();
    let found = w.row(3).await.error_message.unwrap();
    assert!(found.ends_with(&format!("until then, the row was uncertain ({})", first.words())), "{found}");
    let attempts = f.store.attempts(&w.now().await, 3..=3).await.unwrap();
    assert_eq!(attempts[0].error_message, Some(first.words()));
    w.check().await;

    let mut store = super::super::connection::connect(f.store.path().unwrap()).await.unwrap();
    let stored: Vec<(String, Option<String>, Option<String>)> =
        sqlx::query_as(STORED).fetch_all(&mut store).await.unwrap();
    assert_eq!(stored.len(), of_rows.len() + 3 * of_sends.len() + 3);
    for (code, message, values) in stored {
        assert_eq!(message, None, "{code}");
        let words = Known::in_words(Some(&code), None, values.as_deref()).unwrap();
        // What is in them from outside is two or three words, such as `os error 5`.
        let values = values.unwrap_or_default();
        assert!(values.split('"').all(|text| text.split(' ').count() <= 3), "{code}: {values}");
        assert!(words.len() > 4, "{code}: {values}");
    }
}
