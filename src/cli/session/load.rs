//! Loads a campaign: reads its file, opens its recipients, compiles its message and checks it against the provider's
//! rules. Problems of the file are shown with their place. Shared by `check`, `preview` and `run`.

use std::path::Path;
use std::time::Duration;

use jiff::civil::Date;

use crate::campaign_file::{self, FileProblem, Loaded};
use crate::cli::config;
use crate::cli::config::file::ProviderKind;
use crate::cli::error::{CliError, Exit};
use crate::cli::global::Global;
use crate::cli::off_thread::off_thread;
use crate::cli::session::load_error::LoadError;
use crate::cli::session::template_lookup;
use crate::engine::{Plan, PlanError, Warning};
use crate::message::{self, Translation};
use crate::model::{
    Campaign, DATE, Millis, NO_HEADER, NotAfter, ProviderApi, RowProblem, RunId, Severity, TemplateSource, Timing,
    WhoseClock,
};
use crate::recipients::{FOR_NUMBERS, OpenError};
use crate::schedule;
use crate::send_window::local;
use crate::store::Store;
use crate::text::{self, list, nearest, shell_word};

/// Reads a campaign file; its dates are filled in as of now.
pub(in crate::cli) fn read(file: &Path, global: &Global) -> Result<Loaded, CliError> {
    let loaded = read_undated(file, global)?;
    Ok(Loaded { campaign: loaded.campaign.dated(Millis::now()), ..loaded })
}

/// Reads a campaign file as it is written.
pub(in crate::cli) fn read_undated(file: &Path, global: &Global) -> Result<Loaded, CliError> {
    refuse_others(file, global)?;
    Ok(campaign_file::read(file)?)
}

/// Refuses what people pass by mistake in the place of a campaign file: a recipient list, a run, or a name without the
/// file's extension.
pub(in crate::cli) fn refuse_others(file: &Path, global: &Global) -> Result<(), CliError> {
    const LISTS: [&str; 6] = ["csv", "tsv", "xlsx", "xlsm", "xls", "ods"];
    let command = global.command();
    let (shown, exists) = (file.display().to_string(), file.exists());
    let with_extension = file.with_extension("yaml");
    let extension = file.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    let hint = match extension.as_deref() {
        Some(extension) if exists && LISTS.contains(&extension) => {
            format!("it is a list; to write a campaign for it: {command} init --list {}", shell_word(&shown))
        }
        None if !exists && with_extension.exists() => format!("did you mean {}?", with_extension.display()),
        None if !exists && !shown.contains('/') && shown.parse::<RunId>().is_ok() => {
            format!("it is named like a run; to continue a run: {command} resume {shown}")
        }
        _ => return Ok(()),
    };
    Err(CliError::new(Exit::Wrong, format!("{shown} is not a campaign file; {hint}")))
}

/// Returns a campaign with the API of its provider, as configured. `provider` replaces the one that the file names.
///
/// # Errors
/// When the provider is unknown or the configuration cannot be read.
pub(in crate::cli) async fn through(
    mut loaded: Loaded,
    provider: Option<&str>,
    global: &Global,
) -> Result<Loaded, CliError> {
    if let Some(provider) = provider {
        provider.clone_into(&mut loaded.campaign.provider);
    }
    if provider.is_none() {
        provider_is_known(&loaded, global).await.map_err(|wrong| wrong.shown(&loaded))?;
    }
    loaded.campaign.api = config::api(&loaded.campaign.provider, global).await?;
    Ok(loaded)
}

/// Checks that the provider in a campaign file exists.
pub(in crate::cli) async fn provider_is_known(loaded: &Loaded, global: &Global) -> Result<(), LoadError> {
    let names = config::names(global).await.map_err(LoadError::Failed)?;
    if names.contains(&loaded.campaign.provider) {
        return Ok(());
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let written = &loaded.campaign.provider;
    let hint = match nearest(written, &names) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("the providers are {}", list(&names)),
    };
    let words = format!("unknown provider `{written}`");
    Err(LoadError::Wrong(vec![FileProblem::new("unknown_provider", loaded.values.provider, words).hint(hint)]))
}

/// Fills in the dates of a campaign file: this date, or as of now.
pub(in crate::cli) fn dated(loaded: Loaded, date: Option<Date>) -> Result<Loaded, CliError> {
    let campaign = match date {
        None => loaded.campaign.dated(Millis::now()),
        Some(date) => {
            let dated = loaded.campaign.clone().of_date(date);
            if dated == loaded.campaign {
                let file = loaded.document.path().display();
                let words = format!("--date: the list of {file} has no `{DATE}` in its name; leave out --date");
                return Err(CliError::new(Exit::Wrong, words));
            }
            dated
        }
    };
    Ok(Loaded { campaign, ..loaded })
}

/// Opens the recipients and compiles the message of a campaign file.
pub(in crate::cli) async fn plan(loaded: &Loaded, store: Option<&Store>, global: &Global) -> Result<Plan, CliError> {
    try_plan(loaded, store, global).await.map_err(|none| none.shown(loaded))
}

/// Like [`plan`], with the problems as data: mistakes in templates, the provider's limits, and the template at its
/// provider.
pub(in crate::cli) async fn try_plan(
    loaded: &Loaded,
    store: Option<&Store>,
    global: &Global,
) -> Result<Plan, LoadError> {
    let mut problems = in_the_message(loaded);
    let pulled = match template_lookup::find(loaded, store, global).await {
        Err(LoadError::Wrong(more)) => {
            problems.extend(more);
            None
        }
        found => found?,
    };
    let (campaign, in_use) = (loaded.campaign.clone(), store.cloned());
    let opened = off_thread(move || {
        refuse_the_store(&campaign, in_use.as_ref())?;
        Ok(Plan::open(&campaign))
    });
    let plan = match opened.await.map_err(LoadError::Failed)? {
        Err(PlanError::Templates(templates)) => {
            problems.extend(templates.into_iter().map(|problem| {
                let words = format!("`{}`: {}", problem.path, problem.message);
                let reported = FileProblem::new(problem.code, loaded.places.of(&problem.path), words);
                FileProblem { hint_for_person: problem.hint_of_list, ..with_hint(reported, problem.hint) }
            }));
            None
        }
        Err(error) => match of_a_key(loaded, &error) {
            Some(problem) => {
                problems.push(problem);
                None
            }
            None => return Err(LoadError::Failed(error.into())),
        },
        Ok(plan) => Some(plan),
    };
    let warnings = short_wait(&loaded.campaign, global).await.into_iter().chain(has_ended(&loaded.campaign));
    let warnings =
        warnings.chain(leaves_out_the_last(&loaded.campaign)).chain(template_lookup::unused_language(loaded));
    let warnings: Vec<Warning> = warnings.collect();
    let plan = plan.map(|plan| match pulled.and_then(|pulled| Some((pulled.loaded()?, pulled))) {
        Some((template, pulled)) => plan.with_template(template, pulled.to_text()),
        None => plan,
    });
    let plan = plan.map(|plan| plan.warned(warnings));
    problems.extend(plan.iter().flat_map(Plan::off_template).map(|problem| campaign_error(loaded, &problem)));
    match plan {
        Some(plan) if problems.is_empty() => Ok(plan),
        _ => {
            problems.sort_by_key(|problem| (problem.place.line, problem.place.column));
            Err(LoadError::Wrong(problems))
        }
    }
}

/// Returns the problem of a key of `recipients`, if the plan cannot be made because of one.
fn of_a_key(loaded: &Loaded, error: &PlanError) -> Option<FileProblem> {
    match error {
        PlanError::Open(OpenError::Region(unknown)) => {
            Some(FileProblem::new("bad_value", loaded.values.region, format!("`region`: {unknown}")))
        }
        PlanError::Open(OpenError::NoColumn { from, wanted, header, purpose: FOR_NUMBERS })
            if *wanted == loaded.campaign.recipients.to =>
        {
            let words = format!("`to`: {from} has no column `{wanted}`");
            let hint = if header.is_person() { NO_HEADER } else { "write a column from the first line of the list" };
            let problem = FileProblem::new("unknown_column", loaded.values.to, words).hint(hint);
            Some(FileProblem { hint_for_person: header.hint(wanted), ..problem })
        }
        _ => None,
    }
}

/// How long most people take to read a message, at least: within less, the statuses say little.
const SHORT_WAIT: Duration = Duration::from_secs(10 * 60);

/// Returns a warning if statuses are collected for so short a time as makes sense only with a simulator. The account is
/// known only if it has its credential.
async fn short_wait(campaign: &Campaign, global: &Global) -> Option<Warning> {
    let wait = campaign.reconcile.horizon;
    if wait >= SHORT_WAIT || config::known(&campaign.provider, global).await.ok()? == ProviderKind::Simulator {
        return None;
    }
    let account = config::account(&campaign.provider, global).await.ok()?;
    if account.endpoint.is_this_machine() {
        return None;
    }
    let words = format!(
        "statuses are collected for only {} after a message is accepted; most people read later. Raise `reconcile.for`, or \
         remove `reconcile`",
        text::duration(wait)
    );
    Some(Warning::of_campaign("short_reconcile", words))
}

/// Returns a warning if the campaign's last moment for sending has passed.
fn has_ended(campaign: &Campaign) -> Option<Warning> {
    ended_in_words(campaign, Millis::now()).map(|words| Warning::of_campaign("ended", words))
}

/// Says that the last moment for sending has passed for a run created at `begun`, if it has.
pub(in crate::cli) fn ended_in_words(campaign: &Campaign, begun: Millis) -> Option<String> {
    let end = match campaign.timing.not_after? {
        NotAfter::At(end) => end,
        NotAfter::Within(time) => begun.plus(time),
    };
    let words =
        || format!("`not_after` passed at {}, so no row will be sent", local(end, campaign.timing.timezone.as_deref()));
    (end <= Millis::now()).then(words)
}

/// Returns a warning if `skip_sent_within` leaves out those whom the run of a `cron` reached just that long ago.
fn leaves_out_the_last(campaign: &Campaign) -> Option<Warning> {
    let (schedule, time) = (campaign.schedule.as_ref()?, campaign.recipients.skip_sent_within?);
    let (first, second) = schedule::just_within(schedule, Millis::now().timestamp(), time)?;
    let shown = |at: jiff::Timestamp| at.to_zoned(schedule.zone.clone()).strftime("%a %Y-%m-%d %H:%M").to_string();
    let words = format!(
        "the run of {} will leave out everyone whom the run of {} reaches: `skip_sent_within` is {}, and a message is accepted \
         only after its run has started. Make it shorter, by more time than a run takes to send",
        shown(second),
        shown(first),
        text::duration(time)
    );
    Some(Warning::of_campaign("skips_the_last_run", words))
}

/// Returns a problem that does not depend on the row as one of the campaign file.
pub(in crate::cli) fn campaign_error(loaded: &Loaded, problem: &RowProblem) -> FileProblem {
    let path = problem.path.as_deref().unwrap_or_default();
    // A problem of a row may quote the row, so the reason stands for it.
    let words =
        format!("`{path}`: {}", if problem.value.is_some() { problem.reason() } else { problem.message().into() });
    with_hint(FileProblem::new(problem.code(), loaded.places.of(path), words), problem.hint())
}

/// Refuses a campaign that uses the store as one of its files. Opening and closing it directly would drop the locks of
/// this process.
fn refuse_the_store(campaign: &Campaign, store: Option<&Store>) -> Result<(), CliError> {
    let definition = match &campaign.definition {
        Some(TemplateSource::File(path)) => Some(path.as_path()),
        _ => None,
    };
    match campaign
        .recipients
        .source
        .path()
        .into_iter()
        .chain(definition)
        .find(|path| store.is_some_and(|store| store.is_file(path)))
    {
        Some(path) => Err(is_the_store(path)),
        None => Ok(()),
    }
}

/// Returns the error for an input file that is the store.
pub(in crate::cli) fn is_the_store(path: &Path) -> CliError {
    CliError::new(Exit::Wrong, format!("{} is the store; choose another file", path.display()))
}

/// Returns what the provider would refuse about the message, whatever the row.
pub(in crate::cli) fn in_the_message(loaded: &Loaded) -> Vec<FileProblem> {
    if let Some(problem) = no_channel(loaded) {
        return vec![problem];
    }
    let Campaign { api, channel, ref message, .. } = loaded.campaign;
    let translation = Translation::new(api, channel, message);
    message::check_message(api, channel, &translation.message)
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(|finding| {
            let path = translation.written(&finding.path);
            let words = format!("`{path}`: {}", finding.message);
            with_hint(FileProblem::new(finding.code, loaded.places.of(path), words), finding.hint)
        })
        .collect()
}

/// Returns the problem of a campaign whose provider does not send on its channel.
fn no_channel(loaded: &Loaded) -> Option<FileProblem> {
    let Campaign { api, channel, .. } = &loaded.campaign;
    if api.channels().contains(channel) {
        return None;
    }
    let words = format!("{} does not send on the channel `{channel}`", api.title());
    let can: Vec<&str> = api.channels().iter().map(|channel| channel.as_str()).collect();
    let others = ProviderApi::ALL.into_iter().filter(|other| other.channels().contains(channel));
    let others = others.map(|other| format!("; for `{channel}`, choose a provider that uses {}", other.title()));
    let hint = format!("it sends only on {}{}", text::list(&can), others.collect::<String>());
    Some(FileProblem::new("no_channel", loaded.values.channel, words).hint(hint))
}

fn with_hint(problem: FileProblem, hint: Option<String>) -> FileProblem {
    match hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}

/// Returns what the rows of a campaign may have to wait for, as phrases that can follow a comma.
pub(in crate::cli) fn limits_in_words(timing: &Timing) -> Vec<&'static str> {
    let by_recipient = timing.window.as_ref().is_some_and(|window| window.clock == WhoseClock::Recipient);
    let limits = [
        (timing.window.is_some() && !by_recipient, "within the send window"),
        (by_recipient, "within the send window on the recipients' clocks"),
        (timing.quota.is_some(), "within the quota"),
        (timing.columns.send_at.is_some(), "not before each row's own send time"),
    ];
    limits.into_iter().filter(|(is, _)| *is).map(|(_, words)| words).collect()
}
