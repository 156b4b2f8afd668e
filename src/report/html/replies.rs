//! The section of the page about replies.

use serde::Serialize;

use super::sections::{Figure, part};
use crate::model::{Replies, Tally, TitleCount};
use crate::report::wording::share;
use crate::text::grouped;

/// The most titles shown; all of them are in `summary.json`.
const MAX_SHOWN: usize = 50;

/// The replies of a run.
#[derive(Serialize)]
pub(super) struct Answers {
    in_short: String,
    lines: Vec<Line>,
    left_out: usize,
}

#[derive(Serialize)]
struct Line {
    name: String,
    id: Option<String>,
    kind: String,
    replies: Figure,
    rows: Figure,
    share: Figure,
}

/// Returns the section, or `None` without replies: the provider may not be sending webhooks at all.
pub(super) fn answers(replies: &Replies, tally: &Tally) -> Option<Answers> {
    let Replies { total, rows, opted_out, by_title, .. } = replies;
    if *total == 0 {
        return None;
    }
    let of_delivered = match tally.delivered() {
        0 => String::new(),
        delivered => format!(" ({} of the people who received the message)", share(*rows, delivered)),
    };
    let mut in_short = format!(
        "{} from {}{of_delivered}.",
        if *total == 1 { "1 reply".to_owned() } else { format!("{} replies", grouped(*total)) },
        people(*rows),
    );
    if *opted_out > 0 {
        in_short.push_str(&format!(" {} opted out.", people(*opted_out)));
    }
    let line = |count: &TitleCount| Line {
        name: count.name().to_owned(),
        id: count.id_shown(),
        kind: kind(&count.kind).to_owned(),
        replies: count.replies.into(),
        rows: count.rows.into(),
        share: part(count.rows, *rows),
    };
    let lines = by_title.iter().take(MAX_SHOWN).map(line).collect();
    Some(Answers { in_short, lines, left_out: by_title.len().saturating_sub(MAX_SHOWN) })
}

fn people(number: u64) -> String {
    if number == 1 { "1 person".to_owned() } else { format!("{} people", grouped(number)) }
}

/// Returns a kind of reply in words.
fn kind(word: &str) -> &str {
    match word {
        "button_reply" | "button" => "button",
        "list_reply" => "list item",
        "text" => "text",
        other => other,
    }
}
