//! The sheet `Summary`: what the run was, how many rows are in each state, and the problems.

use std::io::{self, Write};

use super::workbook::{Style, WorkbookWriter};
use crate::model::{State, Zone};
use crate::report::summary::Summary;
use crate::report::wording::{meaning, moment, share};
use crate::text::duration;

/// The widths of the columns, in characters.
const WIDTHS: [u32; 4] = [20, 60, 12, 60];
/// Error codes shown; all of them are in `summary.json`.
const ERRORS_SHOWN: usize = 50;

pub(super) fn write<W: Write>(workbook: &mut WorkbookWriter<W>, zone: &Zone, summary: &Summary) -> io::Result<()> {
    workbook.begin_sheet("Summary".to_owned(), &WIDTHS, false)?;
    facts(workbook, zone, summary)?;
    states(workbook, summary)?;
    errors(workbook, summary)?;
    workbook.end_sheet(WIDTHS.len(), false)
}

fn facts<W: Write>(workbook: &mut WorkbookWriter<W>, zone: &Zone, summary: &Summary) -> io::Result<()> {
    let facts = &summary.facts;
    let only = facts.only.as_ref().map(|only| format!("rows {only}")).unwrap_or_default();
    let run = facts.run.to_string();
    let texts = [
        ("campaign", facts.run.name()),
        ("run", &run),
        ("provider", &facts.provider),
        ("channel", facts.channel.as_str()),
        ("covers only", &only),
        ("time zone", zone.name()),
    ];
    for (name, text) in texts.into_iter().filter(|(_, text)| !text.is_empty()) {
        workbook.begin_row();
        workbook.text(0, name, Style::Bold);
        workbook.text(1, text, Style::Text);
        workbook.end_row()?;
    }
    for (name, at) in [("started", Some(facts.started_at)), ("finished", facts.finished_at)] {
        workbook.begin_row();
        workbook.text(0, name, Style::Bold);
        match at {
            Some(at) => workbook.text(1, &moment(zone, at), Style::Text),
            None => workbook.text(1, "not yet", Style::Text),
        }
        workbook.end_row()?;
    }
    blank(workbook)
}

fn states<W: Write>(workbook: &mut WorkbookWriter<W>, summary: &Summary) -> io::Result<()> {
    let tally = &summary.tally;
    table(workbook, ["state", "meaning", "rows", "share of rows"])?;
    for state in State::ALL.into_iter().filter(|state| tally.of(*state) > 0) {
        let rows = tally.of(state);
        line(workbook, state.as_str(), meaning(state), rows, &share(rows, tally.rows()))?;
    }
    line(workbook, "all", "", tally.rows(), "")?;
    blank(workbook)?;
    funnel(workbook, summary)
}

/// Writes how far the messages got. The accepted ones are delivered, failed or unreported.
fn funnel<W: Write>(workbook: &mut WorkbookWriter<W>, summary: &Summary) -> io::Result<()> {
    let tally = &summary.tally;
    let accepted = tally.accepted();
    table(workbook, ["messages", "meaning", "rows", "share of accepted"])?;
    let unreported = match summary.waited() {
        Some(waited) => format!("neither a delivery nor a failure was reported within {}", duration(waited)),
        None => "neither a delivery nor a failure has been reported yet".to_owned(),
    };
    for (name, meaning, rows) in [
        ("accepted", "accepted by the provider: delivered, failed or unreported", accepted),
        ("delivered", "on the recipient’s device, including those read", tally.delivered()),
        ("read", "opened by the recipient", tally.of(State::Read)),
        ("failed", "accepted, but not delivered", tally.of(State::Failed)),
        ("unreported", unreported.as_str(), tally.unreported()),
    ] {
        line(workbook, name, meaning, rows, &share(rows, accepted))?;
    }
    blank(workbook)
}

fn errors<W: Write>(workbook: &mut WorkbookWriter<W>, summary: &Summary) -> io::Result<()> {
    table(workbook, ["error", "example", "rows", "what to do"])?;
    for error in summary.errors.sorted().into_iter().take(ERRORS_SHOWN) {
        let advice = (summary.facts.advice)(&error.code).unwrap_or_default();
        line(workbook, &error.code, &error.message, error.count, advice)?;
    }
    Ok(())
}

fn table<W: Write>(workbook: &mut WorkbookWriter<W>, names: [&str; 4]) -> io::Result<()> {
    workbook.begin_row();
    for (column, name) in names.into_iter().enumerate() {
        workbook.text(column, name, Style::Bold);
    }
    workbook.end_row()
}

fn line<W: Write>(
    workbook: &mut WorkbookWriter<W>,
    first: &str,
    second: &str,
    rows: u64,
    last: &str,
) -> io::Result<()> {
    workbook.begin_row();
    workbook.text(0, first, Style::Text);
    workbook.text(1, second, Style::Text);
    workbook.number(2, rows, Style::Plain);
    workbook.text(3, last, Style::Text);
    workbook.end_row()
}

fn blank<W: Write>(workbook: &mut WorkbookWriter<W>) -> io::Result<()> {
    workbook.begin_row();
    workbook.end_row()
}
