//! The page's part on what people sent back.

use serde::Serialize;

use super::sections::{Figure, part};
use super::wording::share;
use crate::model::{Choice, Replies, Tally};
use crate::text::{count, grouped};

/// Choices shown; all of them are in `summary.json`.
const SHOWN: usize = 50;

/// What people sent back.
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

/// Nothing where nobody answered: the provider may not be calling back at all.
pub(super) fn answers(replies: &Replies, tally: &Tally) -> Option<Answers> {
    let Replies { total, rows, opted_out, choices } = replies;
    if *total == 0 {
        return None;
    }
    let mut in_short = format!(
        "{} from {} ({} of those delivered).",
        if *total == 1 { "1 reply".to_owned() } else { format!("{} replies", grouped(*total)) },
        count(*rows, "row"),
        share(*rows, tally.delivered())
    );
    if *opted_out > 0 {
        let asked = if *opted_out == 1 { "asks" } else { "ask" };
        in_short.push_str(&format!(" {} {asked} for nothing more.", count(*opted_out, "row")));
    }
    let line = |choice: &Choice| Line {
        name: choice.name().to_owned(),
        kind: kind(&choice.kind).to_owned(),
        replies: choice.replies.into(),
        rows: choice.rows.into(),
        share: part(choice.rows, *rows),
    };
    let lines = choices.iter().take(SHOWN).map(line).collect();
    Some(Answers { in_short, lines, left_out: choices.len().saturating_sub(SHOWN) })
}

/// A kind of reply, in words.
fn kind(word: &str) -> &str {
    match word {
        "button_reply" | "button" => "button",
        "list_reply" => "row of a list",
        "text" => "written",
        other => other,
    }
}
