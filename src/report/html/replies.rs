//! The section of the page about replies.

use serde::Serialize;

use super::sections::{Figure, part};
use crate::model::{Choice, Replies, Tally};
use crate::report::wording::share;
use crate::text::grouped;

/// The most choices shown; all of them are in `summary.json`.
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
    kind: String,
    replies: Figure,
    rows: Figure,
    share: Figure,
}

/// Returns the section, or `None` without replies: the provider may not be sending webhooks at all.
pub(super) fn answers(replies: &Replies, tally: &Tally) -> Option<Answers> {
    let Replies { total, rows, opted_out, choices } = replies;
    if *total == 0 {
        return None;
    }
    let mut in_short = format!(
        "{} from {} ({} of delivered).",
        if *total == 1 { "1 reply".to_owned() } else { format!("{} replies", grouped(*total)) },
        people(*rows),
        share(*rows, tally.delivered())
    );
    if *opted_out > 0 {
        in_short.push_str(&format!(" {} opted out.", people(*opted_out)));
    }
    let line = |choice: &Choice| Line {
        name: choice.name().to_owned(),
        kind: kind(&choice.kind).to_owned(),
        replies: choice.replies.into(),
        rows: choice.rows.into(),
        share: part(choice.rows, *rows),
    };
    let lines = choices.iter().take(MAX_SHOWN).map(line).collect();
    Some(Answers { in_short, lines, left_out: choices.len().saturating_sub(MAX_SHOWN) })
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
