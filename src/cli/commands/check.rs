//! `campaigner check FILE`: checks everything that `run` checks, and sends nothing.

use std::path::{Path, PathBuf};

use jiff::civil::Date;

use crate::campaign_file::{self, CampaignError, FileProblem, Loaded};
use crate::cli::commands::report;
use crate::cli::error::{CliError, Exit, cannot_print};
use crate::cli::global::Global;
use crate::cli::init::open_points;
use crate::cli::output::media_findings::Probed;
use crate::cli::output::problem_groups::ProblemGroups;
use crate::cli::output::problem_report::ProblemReport;
use crate::cli::output::rejects_csv::Rejects;
use crate::cli::output::{account_findings, console, media_findings, problem_json, reached};
use crate::cli::session;
use crate::cli::session::{LoadError, account_check, load, run_content};
use crate::engine::{Bad, Checked, PlanError};
use crate::model::{AccountFinding, AccountWeight, Campaign, Millis};
use crate::schedule;
use crate::store::Store;
use crate::text;
use crate::text::escaped_json;

/// The arguments of `check`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The campaign file
    file: PathBuf,
    /// Write the invalid rows to this CSV, with their row numbers and problems, so you can fix them and use the file as
    /// a list
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Check for each media link whether the file exists on its server and whether it suits the channel
    #[arg(long)]
    media: bool,
    /// Ask Meta about the account's state, limits and quality, and compare the message with Meta's
    /// version of the template
    #[arg(long)]
    account: bool,
    /// Read this day's list: this date replaces `{{ date }}` in the list's file name; default: today
    #[arg(long, value_name = "DATE")]
    date: Option<Date>,
    /// Check against this provider's rules instead of those of the campaign's `provider`
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Print each problem as a line of JSON, then the totals with the reasons
    #[arg(long)]
    json: bool,
}

impl Args {
    /// Returns the arguments of a check of this file without options.
    pub(in crate::cli) fn of(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            rejects: None,
            media: false,
            account: false,
            date: None,
            provider: None,
            json: false,
        }
    }
}

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    load::refuse_others(&args.file, global)?;
    let loaded = match campaign_file::read(&args.file) {
        Err(CampaignError::Wrong(wrong)) if args.json => return wrong_campaign(&args.file, wrong.problems()),
        read => load::dated(read?, args.date)?,
    };
    if let (true, None, Err(LoadError::Wrong(problems))) =
        (args.json, &args.provider, load::provider_is_known(&loaded, global).await)
    {
        return wrong_campaign(&args.file, &problems);
    }
    let loaded = load::through(loaded, args.provider.as_deref(), global).await?;
    if !global.quiet {
        for (line, words) in open_points(loaded.document.text()) {
            let place = format!("{}:{line}", args.file.display());
            // What was guessed names columns, which may be personal.
            console::info_to_person(
                &format!("{place}: {words}"),
                &format!("{place}: a comment from `campaigner init` marks something to check or complete"),
            );
        }
    }
    let store = Store::open_if_there(&global.db).await?;
    let plan = match load::try_plan(&loaded, store.as_ref(), global).await {
        Ok(plan) => plan.noting_links(args.media),
        Err(LoadError::Wrong(problems)) if args.json => return wrong_campaign(&args.file, &problems),
        Err(none) => return Err(none.shown(&loaded)),
    };
    if let Some(target) = &args.rejects {
        report::refuse_the_stores_files(target, global)?;
        let mut others = vec![args.file.as_path()];
        others.extend(loaded.campaign.recipients.source.path());
        console::refuse_to_overwrite(target, &others)?;
    }
    let columns = plan.columns().to_vec();
    let delimiter = plan.delimiter().unwrap_or(b',');
    let mut rejects =
        args.rejects.as_deref().map(|path| Rejects::create(path, plan.columns(), delimiter)).transpose()?;
    let progress = session::progress(global);
    let mut groups = ProblemGroups::default();
    let each = |bad: Bad<'_>| {
        if args.json {
            for problem in problem_json::row(&loaded, &bad) {
                console::stream(&escaped_json(&problem.to_string())).map_err(PlanError::Tell)?;
            }
        }
        groups.add(&bad);
        if let (Some(rejects), Bad::Invalid(row)) = (&mut rejects, &bad) {
            rejects.add(row.row.0, &row.cells, &row.problems).map_err(|error| PlanError::Tell(error.into()))?;
        }
        Ok(())
    };
    let checked = plan.check(store.as_ref(), each, &progress.events()).await;
    progress.finish();
    let checked = match checked {
        // The reader, such as `head`, closed the pipe.
        Err(PlanError::Tell(error)) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(Exit::Done),
        checked => checked?,
    };
    let rejects = rejects.map(Rejects::finish).transpose()?;
    let probed = match args.media {
        true => Some(media_findings::probe(&checked.links, global).await?),
        false => None,
    };
    let account = match args.account {
        true => ask_account(&loaded.campaign, &columns, &checked, store.as_ref(), global).await,
        false => Ok(Vec::new()),
    };
    let report = ProblemReport { loaded: &loaded, groups: &groups, checked: &checked };
    let findings =
        Findings { report: &report, media: probed.as_ref(), account: account.as_ref().map_or(&[][..], Vec::as_slice) };
    if args.json {
        findings.print_json()?;
    } else {
        findings.print()?;
        if report.has_more() && rejects.is_none() {
            console::info("to get every invalid row with its problems in a CSV, pass --rejects FILE");
        }
        tell_of_other_runs(&loaded, &checked, store.as_ref(), global).await?;
    }
    if let Some(store) = &store
        && let Err(error) = store.may_send(false).await
        && error.is_out_of_date()
    {
        console::info(&format!("warning: {error}"));
    }
    if let Some(path) = rejects {
        let path = path.display();
        console::info(&match checked.invalid {
            0 => format!("no row is invalid; {path} has only the header"),
            _ => format!(
                "the invalid rows are in {path}; correct them, then use that file as the list of the same campaign, with \
                 `run --only-new`"
            ),
        });
    }
    // A provider that cannot be reached hides nothing of what was found in the files.
    account.as_ref().inspect_err(|failure| console::error_of(failure)).ok();
    let of_the_campaign = report.campaign_errors();
    if !of_the_campaign.is_empty() && !args.json {
        return Err(LoadError::Wrong(of_the_campaign).shown(&loaded));
    }
    if checked.rows == 0 {
        return Err(PlanError::NoRows.into());
    }
    let exit = findings.exit();
    Ok(match account {
        Err(failure) if exit == Exit::Done => failure.exit,
        _ => exit,
    })
}

/// What a check found.
struct Findings<'a> {
    report: &'a ProblemReport<'a>,
    media: Option<&'a Probed<'a>>,
    account: &'a [AccountFinding],
}

impl Findings<'_> {
    fn print(&self) -> Result<(), CliError> {
        for line in self.report.verdict().into_iter().chain(self.report.details()) {
            console::wrapped_line(&line).map_err(cannot_print)?;
        }
        if let Some(media) = self.media {
            console::line("").map_err(cannot_print)?;
            media.print()?;
        }
        if !self.account.is_empty() {
            console::line(&format!("\naccount {}", self.report.loaded.campaign.provider)).map_err(cannot_print)?;
        }
        for finding in self.account {
            console::wrapped_line(&format!("  {}", account_findings::weighted_line(finding))).map_err(cannot_print)?;
        }
        Ok(())
    }

    fn print_json(&self) -> Result<(), CliError> {
        let ProblemReport { loaded, checked, .. } = self.report;
        for warning in &checked.warnings {
            console::data(&problem_json::warning(loaded, warning)).map_err(cannot_print)?;
        }
        for left_out in &checked.left_out.first {
            console::data(&problem_json::left_out(left_out)).map_err(cannot_print)?;
        }
        let mut totals = reached::totals(checked);
        totals["reached"] = reached::as_json(&checked.reached);
        totals["reasons"] = self.report.reasons();
        if let Some(media) = self.media {
            media.print_json()?;
            media.add_to(&mut totals);
        }
        for finding in self.account {
            let line = account_findings::as_json(&loaded.campaign.provider, finding);
            console::data(&line).map_err(cannot_print)?;
        }
        console::data(&totals).map_err(cannot_print)
    }

    fn exit(&self) -> Exit {
        let checked = self.report.checked;
        if checked.invalid > 0 || checked.sendable() == 0 || self.media.is_some_and(|media| media.wrong() > 0) {
            return Exit::Wrong;
        }
        match self.account.iter().any(|finding| finding.weight() == AccountWeight::Blocks) {
            true => Exit::Environment,
            false => Exit::Done,
        }
    }
}

/// Says what keeps `run` or the schedule from starting another run.
async fn tell_of_other_runs(
    loaded: &Loaded,
    checked: &Checked,
    store: Option<&Store>,
    global: &Global,
) -> Result<(), CliError> {
    let (campaign, now) = (&loaded.campaign, Millis::now());
    match (&campaign.schedule, store) {
        (Some(schedule), store) => {
            let sent = match store {
                Some(store) => run_content::sent_once(campaign, store).await?,
                None => None,
            };
            if let Some(run) = sent {
                let already_sent = run_content::already_sent(&run, &global.command());
                console::info(&format!("the schedule will not start it: {already_sent}"));
            } else if schedule::upcoming(schedule, now.timestamp()).next().is_none()
                && schedule::due(schedule, now, now).start.is_none()
            {
                console::info(
                    "the schedule has ended: all its times are in the past, so `campaigner serve` will not start this campaign",
                );
            }
        }
        (None, Some(store)) if run_content::has_run_before(campaign, store).await? => {
            let (name, reached) = (&campaign.name, text::grouped(checked.reached.people));
            console::info(&match checked.reached.purged.first() {
                None => format!(
                    "`{name}` has already run and reached {reached} of the people on this list; pass --only-new or \
                     --again to `campaigner run`"
                ),
                Some((run, _)) => format!(
                    "`{name}` has already run. It is not known whom {run} reached, because {run} was purged; other runs \
                     reached {reached} of the people on this list. Pass --again to `campaigner run`"
                ),
            });
        }
        (None, _) => {}
    }
    Ok(())
}

/// Asks about the account of a campaign whose list was checked. Finds nothing if the provider cannot be asked.
async fn ask_account(
    campaign: &Campaign,
    columns: &[String],
    checked: &Checked,
    store: Option<&Store>,
    global: &Global,
) -> Result<Vec<AccountFinding>, CliError> {
    let account = session::account(campaign, global).await?;
    let rows = (checked.sendable(), checked.plus_one);
    match account_check::of_campaign(campaign, &account, columns, rows, store).await? {
        Some(found) => Ok(found),
        None => {
            console::info(&format!("{} does not support this account check", campaign.api.title()));
            Ok(Vec::new())
        }
    }
}

/// Prints the problems of a campaign file as JSON, one per line.
fn wrong_campaign(file: &Path, problems: &[FileProblem]) -> Result<Exit, CliError> {
    for problem in problems {
        console::data(&problem_json::campaign(file, problem)).map_err(cannot_print)?;
    }
    Ok(Exit::Wrong)
}
