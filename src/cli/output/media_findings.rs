//! `check --media`: problems with the files that the media links of a campaign point to.

use serde_json::{Value, json};

use crate::cli::error::{CliError, Exit, cannot_print};
use crate::cli::global::Global;
use crate::cli::output::console;
use crate::cli::session;
use crate::engine::{self, Link, Links};
use crate::media::AskError;
use crate::model::Finding;
use crate::text;

/// Links shown of each kind of finding.
const SHOWN: usize = 20;

/// The links whose files were checked, with the findings.
pub(in crate::cli) struct Probed<'l> {
    links: &'l Links,
    /// The findings of each link, in the order of the links.
    findings: Vec<Vec<Finding>>,
}

/// Requests the file of every link.
pub(in crate::cli) async fn probe<'l>(links: &'l Links, global: &Global) -> Result<Probed<'l>, CliError> {
    let progress = session::progress(global);
    let findings = engine::ask(&links.list, &progress.events()).await;
    progress.finish();
    Ok(Probed { links, findings: findings? })
}

impl From<AskError> for CliError {
    fn from(error: AskError) -> Self {
        Self::of(Exit::Environment, &error)
    }
}

impl Probed<'_> {
    /// Returns the number of links whose file the provider would refuse.
    pub(in crate::cli) fn wrong(&self) -> usize {
        self.findings.iter().filter(|findings| findings.iter().any(Finding::is_error)).count()
    }

    /// Prints the findings.
    pub(in crate::cli) fn print(&self) -> Result<(), CliError> {
        self.lines().iter().try_for_each(|line| console::line(line)).map_err(cannot_print)
    }

    /// Prints each finding as a line of JSON.
    pub(in crate::cli) fn print_json(&self) -> Result<(), CliError> {
        self.json().iter().try_for_each(console::data).map_err(cannot_print)
    }

    fn each(&self) -> impl Iterator<Item = (&Link, &Finding)> {
        let pairs = self.links.list.iter().zip(&self.findings);
        pairs.flat_map(|(link, findings)| findings.iter().map(move |finding| (link, finding)))
    }

    /// Returns the first links of each kind of finding with a count, then the totals.
    fn lines(&self) -> Vec<String> {
        let mut kinds: Vec<(bool, &str, Vec<String>, u64)> = Vec::new();
        for (link, finding) in self.each() {
            let kind = (finding.is_error(), finding.code);
            let index = kinds.iter().position(|(is_error, code, ..)| (*is_error, *code) == kind).unwrap_or_else(|| {
                kinds.push((kind.0, kind.1, Vec::new(), 0));
                kinds.len() - 1
            });
            let (_, _, first, more) = &mut kinds[index];
            if first.len() < SHOWN {
                first.push(line(link, finding));
            } else {
                *more += 1;
            }
        }
        kinds.sort_by_key(|(is_error, code, ..)| (!is_error, *code));
        let mut lines = Vec::new();
        for (_, code, first, more) in kinds {
            lines.extend(first);
            if more > 0 {
                lines.push(format!("  … and {} like these [{code}]", text::count(more, "more link")));
            }
        }
        if self.links.rows_left_out > 0 {
            let rows = text::count(self.links.rows_left_out, "row");
            lines.push(format!("warning: media links of {rows} were not checked: {TOO_MANY} [media_left_out]"));
        }
        let links = text::count(self.links.list.len() as u64, "media link");
        lines.push(format!("{links} checked, {} with errors", text::grouped(self.wrong() as u64)));
        lines
    }

    fn json(&self) -> Vec<Value> {
        let mut lines: Vec<Value> = self.each().map(|(link, finding)| as_json(link, finding)).collect();
        if self.links.rows_left_out > 0 {
            lines.push(json!({
                "severity": "warning", "code": "media_left_out", "message": TOO_MANY, "rows": self.links.rows_left_out,
            }));
        }
        lines
    }

    /// Adds the number of links, and how many of them are wrong, to the totals.
    pub(in crate::cli) fn add_to(&self, totals: &mut Value) {
        totals["links"] = self.links.list.len().into();
        totals["wrong_links"] = self.wrong().into();
    }
}

const TOO_MANY: &str = "the limit is 10,000 different links of at most 8,000 bytes each";

/// `rows 3, 5, 9 and 12 more: https://example.com/a.png: its server answers 404 Not Found; … [media_refused]`
fn line(link: &Link, finding: &Finding) -> String {
    let first: Vec<String> = link.first.iter().map(ToString::to_string).collect();
    let more = match link.rows - first.len() as u64 {
        0 => String::new(),
        more => format!(" and {} more", text::grouped(more)),
    };
    format!(
        "{}{} {}{more}: {}: {}; {} [{}]",
        if finding.is_error() { "" } else { "warning: " },
        if link.rows == 1 { "row" } else { "rows" },
        first.join(", "),
        link.shown(),
        finding.message,
        finding.hint.as_deref().unwrap_or_default(),
        finding.code,
    )
}

fn as_json(link: &Link, finding: &Finding) -> Value {
    json!({
        "severity": finding.severity.name(), "code": finding.code, "path": link.path,
        "link": link.shown(), "message": finding.message, "hint": finding.hint, "rows": link.rows,
        "first_rows": link.first.iter().map(|row| row.0).collect::<Vec<_>>(),
    })
}
