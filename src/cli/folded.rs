//! Problems of rows, folded: of each kind the first three rows and a count, so that a mistake that 100,000 rows share
//! fits on a screen. Shared by `check`, `preview` and `run`.

use std::collections::BTreeMap;

use super::exit::{Exit, Failure};
use super::{Global, screen, session};
use crate::campaign_file::{FileProblem, Loaded};
use crate::engine::{Bad, Plan, PlanError, Warning};
use crate::messages::{self, Severity};
use crate::model::Campaign;

/// Rows shown of each kind.
const SHOWN: usize = 3;
/// Kinds told apart; a file with more is wrong in one way that has many words.
const KINDS: usize = 50;

/// Opens the recipients and compiles the message of a campaign file. What is wrong with the message whatever the row,
/// its templates' mistakes and the provider's limits, is shown by place.
pub(super) fn plan(loaded: &Loaded) -> Result<Plan, Failure> {
    let mut problems = in_the_message(loaded);
    let plan = match Plan::open(&loaded.campaign) {
        Err(PlanError::Templates(templates)) => {
            problems.extend(
                templates
                    .iter()
                    .map(|problem| FileProblem::new("template", loaded.places.of(&problem.path), problem.to_string())),
            );
            None
        }
        opened => Some(opened?),
    };
    match plan {
        Some(plan) if problems.is_empty() => Ok(plan),
        _ => {
            problems.sort_by_key(|problem| (problem.place.line, problem.place.column));
            Err(Failure::new(Exit::Wrong, loaded.document.show(&problems, screen::has_color())))
        }
    }
}

/// What the provider would refuse of a message whatever the row.
fn in_the_message(loaded: &Loaded) -> Vec<FileProblem> {
    messages::check_message(loaded.campaign.channel, &loaded.campaign.message)
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| {
            let words = format!("`{}`: {}", finding.path, finding.message);
            let problem = FileProblem::new(finding.code, loaded.places.of(&finding.path), words);
            match finding.hint {
                Some(hint) => problem.hint(hint),
                None => problem,
            }
        })
        .collect()
}

/// A warning in a line.
pub(super) fn warning(warning: &Warning) -> String {
    format!("warning: {} [{}, {}]", warning.message, warning.code, screen::count(warning.rows, "row"))
}

/// Problems by kind.
#[derive(Default)]
pub(super) struct Folded {
    kinds: BTreeMap<String, Kind>,
    others: u64,
}

#[derive(Default)]
struct Kind {
    rows: u64,
    first: Vec<String>,
}

impl Folded {
    pub(super) fn add(&mut self, bad: &Bad<'_>) {
        let (code, words) = match bad {
            Bad::Invalid { row, problem } => {
                (problem.code.as_str(), format!("row {}, line {}: {}", row.row, row.line, problem.message))
            }
            Bad::Duplicate { row, earlier } => ("duplicate", format!("row {row}: the same number as row {earlier}")),
        };
        if !self.kinds.contains_key(code) && self.kinds.len() == KINDS {
            self.others += 1;
            return;
        }
        let kind = self.kinds.entry(code.to_owned()).or_default();
        kind.rows += 1;
        if kind.first.len() < SHOWN {
            kind.first.push(words);
        }
    }

    /// The problems as lines, the kinds by name.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (code, kind) in &self.kinds {
            lines.extend(kind.first.iter().map(|words| format!("{words} [{code}]")));
            let more = kind.rows - kind.first.len() as u64;
            if more > 0 {
                lines.push(format!("  … and {} like it [{code}]", screen::count(more, "more row")));
            }
        }
        if self.others > 0 {
            lines.push(format!("  … and {} with problems of other kinds", screen::count(self.others, "row")));
        }
        lines
    }
}

/// `run --dry-run`: everything checked, and what would be done said.
pub(super) async fn dry_run(plan: Plan, campaign: &Campaign, global: &Global) -> Result<Exit, Failure> {
    let progress = session::progress(global);
    let mut folded = Folded::default();
    let each = |bad: Bad<'_>| {
        folded.add(&bad);
        Ok(())
    };
    let checked = plan.check(each, &progress.events()).await;
    progress.finish();
    let checked = checked?;
    for line in folded.lines().into_iter().chain(checked.warnings.iter().map(warning)) {
        screen::say(&line);
    }
    let sendable = checked.rows - checked.invalid - checked.duplicates;
    if sendable == 0 {
        return Err(Failure::new(Exit::Wrong, "no row can be sent"));
    }
    let seconds =
        (sendable as f64 / f64::from(campaign.dispatch.rate.get()) * campaign.dispatch.per.as_secs_f64()).ceil();
    screen::data(&format!(
        "{} of {} would be sent on {} via {}, in about {seconds} s; nothing was stored or sent",
        screen::count(sendable, "row"),
        screen::grouped(checked.rows),
        campaign.channel,
        campaign.provider,
    ))
    .map_err(super::cannot_print)?;
    Ok(Exit::Done)
}
