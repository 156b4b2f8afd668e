//! A sample of rows that the tests of all formats share: every state, and the cases that are easy to get wrong.

use std::time::Duration;

use super::types::RunFacts;
use crate::model::{Channel, Choice, Millis, Replies, ReportRow, RowNumber, RunId, State, TitleCount, Zone};

/// 2026-03-23T07:12:01.500Z.
pub(super) const START: i64 = 1_774_249_921_500;

pub(super) fn facts() -> RunFacts {
    RunFacts {
        run: RunId::new("spring-sale", 1),
        provider: "incs".into(),
        channel: Channel::Whatsapp,
        rate_limit: "80/s".into(),
        zone: Zone::named(Some("Asia/Hong_Kong")),
        started_at: Millis(START - 1_000),
        finished_at: Some(Millis(START + 7_200_000)),
        horizon: Duration::from_secs(7_200),
        polls: 7,
        message: vec![("template", "spring_sale (en)".into()), ("text", "Hello {{1}},\n<b>20% off</b>".into())],
        settings: vec![("recipients.to", "phone".into()), ("dispatch.rate", "80/s".into())],
        advice: |code| (code == "131030").then_some("put the number on the list"),
        double_sends: 0,
        only: None,
        replies: Some(Replies {
            total: 6,
            rows: 3,
            opted_out: 1,
            choices: vec![
                choice("button_reply", Some("yes-1"), Some("Yes, please"), 2),
                choice("button", Some("maybe-a"), Some("Maybe"), 1),
                choice("button", Some("maybe-b"), Some("Maybe"), 1),
                choice("list_reply", Some("row-2"), Some("<b>Tuesday</b>"), 1),
                choice("text", None, None, 1),
            ],
            by_title: vec![
                by_title("button_reply", Some("Yes, please"), Some("yes-1"), 1, 2),
                by_title("button", Some("Maybe"), None, 2, 2),
                by_title("list_reply", Some("<b>Tuesday</b>"), Some("row-2"), 1, 1),
                by_title("text", None, None, 0, 1),
            ],
        }),
    }
}

fn choice(kind: &str, id: Option<&str>, title: Option<&str>, replies: u64) -> Choice {
    Choice { kind: kind.into(), id: id.map(str::to_owned), title: title.map(str::to_owned), replies, rows: replies }
}

fn by_title(kind: &str, title: Option<&str>, id: Option<&str>, ids: u64, replies: u64) -> TitleCount {
    let [title, id] = [title, id].map(|text| text.map(str::to_owned));
    TitleCount { kind: kind.into(), title, id, ids, replies, rows: replies }
}

/// Returns a row that was not attempted.
pub(super) fn row(number: u64, to: &str, state: State) -> ReportRow {
    ReportRow { to: to.into(), state, ..ReportRow::untried(RowNumber(number), Channel::Whatsapp) }
}

/// Returns a row that was accepted `after` milliseconds after [`START`].
pub(super) fn accepted(number: u64, after: i64, state: State) -> ReportRow {
    ReportRow {
        message_id: Some(format!("wamid.HBgLODUy{number:04}")),
        attempts: 1,
        accepted_at: Some(Millis(START + after)),
        ..row(number, &format!("8526841{number:04}"), state)
    }
}

/// Returns a row with a problem.
pub(super) fn problem(row: ReportRow, attempts: u32, code: &str, message: &str) -> ReportRow {
    ReportRow { attempts, error_code: Some(code.into()), error_message: Some(message.into()), ..row }
}

fn seconds(after: i64) -> Option<Millis> {
    Some(Millis((START / 1000 + after) * 1000))
}

pub(super) fn rows() -> Vec<ReportRow> {
    let not_allowed = "Recipient, \"not\" in allowed list";
    vec![
        ReportRow { delivered_at: seconds(4), read_at: seconds(65), ..accepted(1, 0, State::Read) },
        // "read" overwrote "delivered".
        ReportRow { read_at: seconds(3_600), ..accepted(2, 12, State::Read) },
        // The provider's clock is a second slow.
        ReportRow { delivered_at: seconds(-1), ..accepted(3, 25, State::Delivered) },
        // Reported as failed and as delivered.
        problem(ReportRow { delivered_at: seconds(9), ..accepted(4, 1_000, State::Delivered) }, 1, "131049", "not now"),
        accepted(5, 1_012, State::Sent),
        // Accepted at the third attempt; the problem of the second is still stored, but is not an error of the row.
        problem(accepted(6, 5_000, State::Accepted), 3, "timeout", "no answer within 30s"),
        problem(accepted(7, 2_000, State::Failed), 1, "131026", "Message undeliverable"),
        problem(row(8, "85268410008", State::Rejected), 1, "131030", not_allowed),
        problem(row(9, "85268410009", State::Rejected), 2, "131030", "another sample that is not kept"),
        problem(row(10, "85268410010", State::Exhausted), 5, "503", "Service Unavailable\nretry later"),
        problem(row(11, "85268410011", State::Uncertain), 1, "reset", "connection reset after the request was sent"),
        problem(row(12, "=cmd|' /C calc'!A0", State::Invalid), 0, "number", "@not a number"),
        problem(row(13, "+852 1", State::Invalid), 0, "number", "too short"),
        row(14, "85268410001", State::Duplicate),
        row(15, "85268410015", State::Suppressed),
        row(16, "85268410016", State::Cancelled),
        problem(row(17, "85268410017", State::Pending), 1, "503", "Service Unavailable"),
        ReportRow { attempts: 1, ..row(18, "85268410018", State::Sending) },
    ]
}
