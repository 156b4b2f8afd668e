//! A campaign opened for work: its file read, its recipients open, its message compiled and held against the provider's
//! document. What is wrong with it whatever the row is shown by place. Shared by `check`, `preview` and `run`.

use std::path::Path;

use super::exit::{Exit, Failure};
use super::folded::{self, Folded};
use super::{Global, pulled, screen, session};
use crate::campaign_file::{self, CampaignError, FileProblem, Loaded};
use crate::engine::{self, Bad, Plan, PlanError};
use crate::messages::{self, Severity};
use crate::model::{Campaign, Millis, Timing};
use crate::window::local;

/// Why there is no plan.
pub(super) enum NoPlan {
    /// The message is wrong whatever the row: in the order of the file.
    Wrong(Vec<FileProblem>),
    /// The recipients cannot be read.
    Failed(Failure),
}

/// A campaign file as it is today.
pub(super) fn read(file: &Path) -> Result<Loaded, CampaignError> {
    let loaded = campaign_file::read(file)?;
    Ok(Loaded { campaign: loaded.campaign.dated(Millis::now()), ..loaded })
}

/// Opens the recipients and compiles the message of a campaign file.
pub(super) async fn plan(loaded: &Loaded, global: &Global) -> Result<Plan, Failure> {
    try_plan(loaded, global).await.map_err(|none| none.shown(loaded))
}

impl NoPlan {
    /// As a person reads it.
    pub(super) fn shown(self, loaded: &Loaded) -> Failure {
        match self {
            Self::Wrong(problems) => Failure::new(Exit::Wrong, loaded.document.show(&problems, screen::has_color())),
            Self::Failed(failure) => failure,
        }
    }
}

/// As [`plan`], with what is wrong as data: its templates' mistakes, the provider's limits, and the template at its
/// provider.
pub(super) async fn try_plan(loaded: &Loaded, global: &Global) -> Result<Plan, NoPlan> {
    let mut problems = in_the_message(loaded);
    let pulled = match pulled::find(loaded, global).await {
        Err(NoPlan::Wrong(more)) => {
            problems.extend(more);
            None
        }
        found => found?,
    };
    let plan = match Plan::open(&loaded.campaign) {
        Err(PlanError::Templates(templates)) => {
            problems.extend(templates.into_iter().map(|problem| {
                let words = format!("`{}`: {}", problem.path, problem.message);
                with_hint(FileProblem::new(problem.code, loaded.places.of(&problem.path), words), problem.hint)
            }));
            None
        }
        opened => Some(opened.map_err(|error| NoPlan::Failed(error.into()))?),
    };
    match plan {
        Some(plan) if problems.is_empty() => Ok(match pulled.and_then(|pulled| Some((pulled.loaded()?, pulled))) {
            Some((template, pulled)) => plan.held_against(template, pulled.to_text()),
            None => plan,
        }),
        _ => {
            problems.sort_by_key(|problem| (problem.place.line, problem.place.column));
            Err(NoPlan::Wrong(problems))
        }
    }
}

/// What the provider would refuse of a message whatever the row.
pub(super) fn in_the_message(loaded: &Loaded) -> Vec<FileProblem> {
    messages::check_message(loaded.campaign.channel, &loaded.campaign.message)
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| {
            let words = format!("`{}`: {}", finding.path, finding.message);
            with_hint(FileProblem::new(finding.code, loaded.places.of(&finding.path), words), finding.hint)
        })
        .collect()
}

fn with_hint(problem: FileProblem, hint: Option<String>) -> FileProblem {
    match hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// What a campaign's rows may have to wait for, in words that follow when they are sent.
pub(super) fn held_by(timing: &Timing) -> String {
    let held = [
        (timing.window.is_some(), ", within its window"),
        (timing.quota.is_some(), ", within its quota"),
        (timing.columns.send_at.is_some(), ", not before the rows' own times"),
    ];
    held.into_iter().filter(|(is, _)| *is).map(|(_, words)| words).collect()
}

/// `run --dry-run`: everything checked, and what would be done said.
pub(super) async fn dry_run(
    plan: Plan,
    loaded: &Loaded,
    campaign: &Campaign,
    global: &Global,
) -> Result<Exit, Failure> {
    let progress = session::progress(global);
    let mut folded = Folded::new(loaded);
    let each = |bad: Bad<'_>| {
        folded.add(&bad);
        Ok(())
    };
    let checked = plan.check(each, &progress.events()).await;
    progress.finish();
    let checked = checked?;
    for line in folded.lines().into_iter().chain(checked.warnings.iter().map(folded::warning)) {
        screen::say(&line);
    }
    let sendable = checked.rows - checked.invalid - checked.duplicates;
    if sendable == 0 {
        return Err(Failure::new(Exit::Wrong, "no row can be sent"));
    }
    let timing = &campaign.timing;
    let held = held_by(timing);
    let when = match engine::sent_by(sendable, Millis::now(), checked.times, campaign) {
        _ if held.is_empty() => {
            format!("in about {} s", engine::time_to_send(sendable, &campaign.dispatch).as_secs_f64().ceil())
        }
        Some(last) => format!("the last about {}{held}", local(last, timing.timezone.as_deref())),
        None => format!("with no end in sight{held}"),
    };
    screen::data(&format!(
        "{} of {} would be sent on {} via {}, {when}; nothing was stored or sent",
        screen::count(sendable, "row"),
        screen::grouped(checked.rows),
        campaign.channel,
        campaign.provider,
    ))
    .map_err(super::cannot_print)?;
    Ok(Exit::Done)
}
