//! `campaigner run --dry-run`: checks everything and prints what `run` would do.

use serde_json::json;

use super::args::Args;
use super::refusal::{has_nobody_new, nobody_new, print_answer, refused};
use super::rows::read_rows;
use crate::campaign_file::Loaded;
use crate::cli::error::{CliError, Exit, cannot_print};
use crate::cli::global::Global;
use crate::cli::output::problem_report::ProblemReport;
use crate::cli::output::{console, reached};
use crate::cli::session::run_content::{content, digest};
use crate::cli::session::{self, LoadError, load};
use crate::engine::{self, Plan, PlanError};
use crate::model::{Campaign, Millis};
use crate::send_window::local;
use crate::store::{Run, StartDecision, Store};
use crate::text;

/// Returns the exit code of `run`, if it would refuse.
pub(super) async fn dry_run(
    args: &Args,
    plan: Plan,
    loaded: &Loaded,
    campaign: &Campaign,
    store: Option<&Store>,
    global: &Global,
) -> Result<Exit, CliError> {
    let mut decision = None;
    if let Some(store) = store {
        if !args.sending.confirmed.moved {
            store.may_send(false).await?;
        }
        let new = content(&loaded.campaign, digest(campaign).await?);
        decision = store.would_start(&new, args.repeat()).await?;
        // A run whose import did not finish does not block this one.
        decision = decision.filter(|it| !matches!(it, StartDecision::Differs { run, .. } if run.planned_at.is_none()));
    }
    if let (Some(StartDecision::Resume(run)), Some(store)) = (&decision, store)
        && run.planned_at.is_some()
    {
        session::account(campaign, global).await?;
        return would_resume(args, campaign, store, run).await;
    }
    let importing = matches!(&decision, Some(StartDecision::Resume(run)) if run.only_new);
    let plan = plan.only_new(args.only_new || importing);
    let (checked, groups) = read_rows(plan, store, global).await?;
    let report = ProblemReport { loaded, groups: &groups, checked: &checked };
    report.print();
    let of_the_campaign = report.campaign_errors();
    if !of_the_campaign.is_empty() {
        return Err(LoadError::Wrong(of_the_campaign).shown(loaded));
    }
    if let Some(decision) = decision.filter(|decision| !matches!(decision, StartDecision::Resume(_))) {
        return refused(args, loaded, &decision, &checked, global);
    }
    let sendable = checked.sendable();
    // Without its credential, `run` stops before it sends.
    if sendable > 0 {
        session::account(campaign, global).await?;
    }
    let ended = load::ended_in_words(campaign, Millis::now());
    if args.json {
        let nobody_new = args.only_new && has_nobody_new(&checked);
        let decision = match (nobody_new, &ended) {
            (true, _) => "nobody_new",
            (false, Some(_)) => "ended",
            (false, None) => "new",
        };
        print_answer(decision, &checked)?;
    }
    if checked.rows == 0 {
        return Err(PlanError::NoRows.into());
    }
    if sendable == 0 {
        return match args.only_new && has_nobody_new(&checked) {
            true => nobody_new(&checked, global),
            false => Err(CliError::new(Exit::Wrong, "no row can be sent, for the reasons above")),
        };
    }
    if ended.is_some() {
        // The warning above says why.
        console::info("nothing would be sent");
        return Ok(Exit::SomeFailed);
    }
    if !args.json {
        let limits = load::limits_in_words(&campaign.timing);
        let within = format!(" ({})", limits.join(", "));
        let when = match engine::sent_by(sendable, Millis::now(), &checked, campaign) {
            _ if limits.is_empty() => {
                format!(
                    "; sending would take about {} s",
                    engine::time_to_send(sendable, &campaign.dispatch).as_secs_f64().ceil()
                )
            }
            Some(last) => {
                format!("{within}, the last at about {}", local(last, campaign.timing.timezone.as_deref()))
            }
            None => format!("{within}; the end cannot be estimated"),
        };
        let left_out = match reached::counts(&checked.left_out) {
            counts if counts.is_empty() => counts,
            counts => format!("; left out: {counts}"),
        };
        console::line(&format!(
            "{} of {} would be sent on {} via {}{when}{left_out}; nothing was stored or sent",
            text::grouped(sendable),
            text::count(checked.rows, "row"),
            campaign.channel,
            campaign.provider,
        ))
        .map_err(cannot_print)?;
    }
    Ok(Exit::Done)
}

/// Prints what `run` would do if it continues a run.
async fn would_resume(args: &Args, campaign: &Campaign, store: &Store, run: &Run) -> Result<Exit, CliError> {
    let tally = store.tally(run).await?;
    let left = tally.unsettled();
    let ended = load::ended_in_words(campaign, run.created_at).filter(|_| left > 0);
    if args.json {
        let answer = json!({"decision": if ended.is_some() { "ended" } else { "resume" }, "run": run.id.to_string(), "sendable": left});
        console::data(&answer).map_err(cannot_print)?;
    } else if let Some(ended) = &ended {
        console::info(&format!("{} is unfinished, but {ended}", run.id));
    } else {
        console::line(&format!(
            "{} is unfinished and would continue with {} to send; nothing was stored or sent",
            run.id,
            text::count(left, "row")
        ))
        .map_err(cannot_print)?;
    }
    Ok(if ended.is_some() { Exit::SomeFailed } else { Exit::Done })
}
