//! `campaigner schedule list [DIR]` and `schedule explain FILE`: when campaigns run, and why they do not.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::campaign_file::{self, Loaded};
use crate::cli::error::{BECAUSE, CliError, Exit, cannot_print};
use crate::cli::global::Global;
use crate::cli::output::console;
use crate::cli::serve;
use crate::cli::session::{load, run_content};
use crate::engine::{self, RunActivity};
use crate::model::{Campaign, IfLate, Millis, Schedule, When};
use crate::schedule;
use crate::store::{Occurrence, Run, Store};
use crate::text;

/// The arguments of `schedule`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List when each campaign in a folder runs, in its time zone and in this machine's
    List(List),
    /// Explain when a campaign runs, how long it takes, and what it has done so far, or why it does not run
    Explain(Explain),
}

#[derive(Debug, clap::Args)]
struct List {
    /// The folder of campaigns
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Show the next N times of each campaign
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    next: u16,
    /// Print one JSON object per line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
struct Explain {
    /// The campaign file
    file: PathBuf,
    /// Show the next N times
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=1000))]
    next: u16,
}

/// Past occurrences shown.
const MAX_PAST: u32 = 5;

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let now = Millis::now();
    let store = Store::open_if_there(&global.db).await?;
    match &args.command {
        Command::List(list) => self::list(list, now, store.as_ref()).await,
        Command::Explain(explain) => self::explain(explain, now, store.as_ref(), global).await,
    }
}

async fn list(args: &List, now: Millis, store: Option<&Store>) -> Result<Exit, CliError> {
    let files = serve::files(&args.dir).map_err(|error| {
        CliError::new(Exit::Wrong, format!("cannot read the folder {}: {error}", args.dir.display()))
    })?;
    let read: Vec<_> = files.iter().map(|file| (file, campaign_file::read(file))).collect();
    let mut names: BTreeMap<&str, u32> = BTreeMap::new();
    for loaded in read.iter().filter_map(|(_, read)| read.as_ref().ok()) {
        *names.entry(&loaded.campaign.name).or_default() += 1;
    }
    let (mut scheduled, mut wrong) = (0, 0);
    for (file, read) in &read {
        match read {
            Ok(Loaded { campaign, .. }) if names[campaign.name.as_str()] > 1 => {
                wrong += 1;
                let words = format!(
                    "{}: {} files have `name: {}`; none of them will run",
                    file.display(),
                    names[campaign.name.as_str()],
                    campaign.name
                );
                console::info(&words);
            }
            Ok(Loaded { campaign, .. }) => {
                let Some(schedule) = &campaign.schedule else { continue };
                scheduled += 1;
                let mut next = upcoming(schedule, now, args.next);
                let first = before_next(campaign, schedule, &next, now, store).await?;
                if let Some(NoMore::RanBefore(_)) = first {
                    next.clear();
                }
                if args.json {
                    let line = as_json(&campaign.name, file, schedule, &next, first.as_ref());
                    console::data(&line).map_err(cannot_print)?;
                    continue;
                }
                print(&format!("{}: {} ({})", campaign.name, words(schedule), file.display()))?;
                if let Some(first) = first {
                    print(&format!("  {first}"))?;
                }
                for at in &next {
                    print(&format!("  {}", line(schedule, *at, now)))?;
                }
            }
            Err(error) => {
                wrong += 1;
                console::info_to_person(
                    &error.show(false).unwrap_or_else(|| text::error_chain(error, BECAUSE)),
                    &text::error_chain(error, BECAUSE),
                );
            }
        }
    }
    if scheduled == 0 && wrong == 0 {
        console::info(&format!("no campaign in {} has a `schedule`", args.dir.display()));
    }
    if wrong > 0 {
        let campaigns = if wrong == 1 { "the campaign" } else { "the campaigns" };
        let words = format!("{campaigns} in {} will not run, for the reasons above", text::count(wrong, "file"));
        return Err(CliError::new(Exit::Wrong, words));
    }
    Ok(Exit::Done)
}

async fn explain(args: &Explain, now: Millis, store: Option<&Store>, global: &Global) -> Result<Exit, CliError> {
    let loaded = load::through(load::read_undated(&args.file, global)?, None, global).await?;
    let Some(schedule) = &loaded.campaign.schedule else {
        return Err(CliError::new(
            Exit::Wrong,
            format!(
                "{} has no `schedule`; start it with `{} run {}`",
                loaded.campaign.name,
                global.command(),
                args.file.display()
            ),
        ));
    };
    print(&format!("{}: {}", loaded.campaign.name, words(schedule)))?;
    let late = match schedule.if_late {
        IfLate::Skip => "after that, it is skipped, and the skip is recorded",
        IfLate::Send => match schedule.when {
            When::At(_) => "after that, it starts as soon as possible",
            When::Cron { .. } => {
                "after that, it starts as soon as possible, but only once, however many starts it missed"
            }
        },
    };
    print(&format!("  the run may start up to {} late; {late}", text::duration(schedule.not_after)))?;
    if let When::Cron { until: Some(until), .. } = &schedule.when {
        print(&format!("  until {until}"))?;
    }
    if let Some(path) = loaded.campaign.recipients.source.path() {
        print(&format!("  reads {} each time it runs", path.display()))?;
    }
    print("\nnext")?;
    let mut next = upcoming(schedule, now, args.next);
    let mut due = None;
    if let Some(other) = same_name(&args.file, &loaded.campaign.name) {
        next.clear();
        print(&format!("  will not run: {} has the same `name`", other.display()))?;
    } else if let Some(first) = before_next(&loaded.campaign, schedule, &next, now, store).await? {
        print(&format!("  {first}"))?;
        match first {
            NoMore::RanBefore(_) => next.clear(),
            NoMore::DueSince(_) => due = Some(now.timestamp()),
            NoMore::Missed(_) | NoMore::Over => {}
        }
    }
    for at in &next {
        print(&format!("  {}", line(schedule, *at, now)))?;
        if let Some(note) = schedule::note(schedule, *at) {
            print(&format!("    {note}"))?;
        }
    }
    if let Some(first) = due.as_ref().or(next.first()) {
        print(&format!("  {}", estimate(&loaded, schedule, *first, now, store, global).await))?;
    }
    past(&loaded.campaign.name, store, global).await
}

/// Returns another campaign file in the folder of `file` that has the same name. A service runs neither.
fn same_name(file: &Path, name: &str) -> Option<PathBuf> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let own = file.file_name()?;
    let files = serve::files(folder).ok()?;
    if !files.iter().any(|file| file.file_name() == Some(own)) {
        return None;
    }
    files.into_iter().filter(|other| other.file_name() != Some(own)).find(|other| {
        let read = campaign_file::read(other);
        read.is_ok_and(|loaded| loaded.campaign.name == name)
    })
}

/// Why a schedule has no next time, or what comes before it.
enum NoMore {
    /// It was due at this time; a service starts it at once.
    DueSince(Millis),
    /// It was due at this time; a service will skip it.
    Missed(Millis),
    /// It runs once, and this run has already sent messages.
    RanBefore(Box<Run>),
    /// It has ended.
    Over,
}

impl std::fmt::Display for NoMore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::DueSince(at) => {
                write!(f, "due since {at}; `campaigner serve` starts it at once, or logs why it cannot")
            }
            Self::Missed(at) => {
                write!(f, "nothing: it was due at {at}, more than `not_after` ago; `campaigner serve` will skip it")
            }
            Self::RanBefore(run) => write!(f, "will not start: {}", run_content::already_sent(run, "campaigner")),
            Self::Over => f.write_str("nothing: the schedule has ended"),
        }
    }
}

/// Returns what to show before the next times: since when a run has been due, or why there is none.
async fn before_next(
    campaign: &Campaign,
    schedule: &Schedule,
    next: &[Timestamp],
    now: Millis,
    store: Option<&Store>,
) -> Result<Option<NoMore>, CliError> {
    let (When::At(_), Some(at)) = (&schedule.when, schedule::next(schedule, Timestamp::MIN)) else {
        let overdue = overdue(&campaign.name, schedule, now, store).await?;
        return Ok(overdue.or(next.is_empty().then_some(NoMore::Over)));
    };
    let at = Millis(at.as_millisecond());
    if let Some(store) = store {
        if store.last_decided(&campaign.name, at).await? == Some(at) {
            return Ok(Some(NoMore::Over));
        }
        if let Some(run) = run_content::sent_once(campaign, store).await? {
            return Ok(Some(NoMore::RanBefore(Box::new(run))));
        }
    }
    // A single past time may still be waiting for a service.
    let past = || schedule::due(schedule, now, now).start.map_or(NoMore::Missed(at), NoMore::DueSince);
    Ok(next.is_empty().then(past))
}

/// Returns since when a repeated campaign has been due without being started, if it is.
async fn overdue(
    name: &str,
    schedule: &Schedule,
    now: Millis,
    store: Option<&Store>,
) -> Result<Option<NoMore>, CliError> {
    let (When::Cron { .. }, Some(store)) = (&schedule.when, store) else { return Ok(None) };
    let Some(seen) = store.schedule_seen(name, &schedule.rule()).await? else { return Ok(None) };
    let decided = store.last_decided(name, now).await?.map_or(seen, |last| last.max(seen));
    Ok(schedule::due(schedule, decided, now).start.map(NoMore::DueSince))
}

/// Prints what became of past occurrences, and which run blocks the next one.
async fn past(name: &str, store: Option<&Store>, global: &Global) -> Result<Exit, CliError> {
    print("\nso far")?;
    let Some(store) = store else {
        print(&format!("  nothing: the store {} does not exist yet", global.db))?;
        return Ok(Exit::Done);
    };
    let occurrences = store.occurrences(name, MAX_PAST).await?;
    if occurrences.is_empty() {
        print("  nothing: it has not been due while a service was running (`campaigner serve`)")?;
    }
    for Occurrence { due, became, .. } in occurrences {
        match became {
            Ok(id) => {
                let run = store.run(Some(&id)).await?;
                print(&format!("  {due}  started {id}, {}", RunActivity::of(store, &run, Millis::now()).await?))?;
            }
            Err(reason) => print(&format!("  {due}  skipped: {reason}"))?,
        }
    }
    if let Some(run) = store.blocking_run(name).await? {
        let command = global.command();
        let next_step = match store.is_worked_on(&run.id).await? {
            true => "a process is working on it".to_owned(),
            false if run.planned_at.is_none() => format!("to import it again:     {command} run FILE"),
            false => format!("to continue it:         {command} resume {}", run.id),
        };
        print(&format!(
            "\nblocked: {} is {}, and the next run starts only after this one has been sent\n  {next_step}\n  \
             to stop it for good:    {command} cancel {}",
            run.id,
            RunActivity::of(store, &run, Millis::now()).await?,
            run.id
        ))?;
    }
    Ok(Exit::Done)
}

/// Returns in words when the next run will have sent its last message, if its list stays as long as now.
async fn estimate(
    loaded: &Loaded,
    schedule: &Schedule,
    at: Timestamp,
    now: Millis,
    store: Option<&Store>,
    global: &Global,
) -> String {
    let due = Millis(at.as_millisecond());
    let loaded = Loaded { campaign: loaded.campaign.clone().dated(due), ..loaded.clone() };
    let checked = async {
        let plan = load::plan(&loaded, store, global).await?;
        let no_events: crate::model::Events = std::sync::Arc::new(|_| {});
        plan.check(store, |_| Ok(()), &no_events).await.map_err(CliError::from)
    };
    let checked = checked.await;
    match checked {
        Ok(checked) => {
            let rows = checked.sendable();
            let dispatch = &loaded.campaign.dispatch;
            let which = match &schedule.when {
                When::At(_) => "the run",
                When::Cron { .. } => "the first of these runs",
            };
            let rate = text::rate((dispatch.rate, dispatch.per));
            let what = format!("{} at {rate}", text::count(rows, "message"));
            let mut how = vec![&*what];
            how.extend(load::limits_in_words(&loaded.campaign.timing));
            how.push("with the current list");
            let how = how.join(", ");
            match engine::sent_by(rows, due, &checked, &loaded.campaign) {
                Some(end) => {
                    let (end, zone) = (end.timestamp().to_zoned(schedule.zone.clone()), schedule.zone_name());
                    let end = end.strftime("%H:%M:%S on %Y-%m-%d");
                    format!("{which} will finish sending at about {end} in {zone} ({how})")
                }
                None if rows == 0 => "no row of the current list can be sent; `campaigner check` shows why".to_owned(),
                None => format!("no end time can be estimated for {which} ({how})"),
            }
        }
        Err(failure) if due <= now => format!("it cannot start: {}", failure.words),
        Err(failure) => format!("with the files as they are now, it could not start then: {}", failure.words),
    }
}

fn upcoming(schedule: &Schedule, now: Millis, next: u16) -> Vec<Timestamp> {
    schedule::upcoming(schedule, now.timestamp()).take(next.into()).collect()
}

/// Returns the schedule in words, with the expression and the time zone.
fn words(schedule: &Schedule) -> String {
    let zone = schedule.zone_name();
    match &schedule.when {
        When::At(at) => format!("once, at {} in {zone}", at.strftime("%H:%M on %A, %Y-%m-%d")),
        When::Cron { cron, .. } => match cron.words() {
            Some(words) => format!("{words}, in {zone} (`{}`)", cron.as_str()),
            None => format!("`{}` in {zone}", cron.as_str()),
        },
    }
}

/// Returns a time in both time zones, and how long until then.
fn line(schedule: &Schedule, at: Timestamp, now: Millis) -> String {
    let there = at.to_zoned(schedule.zone.clone()).strftime("%a %Y-%m-%d %H:%M %:z");
    let here = at.to_zoned(TimeZone::system()).strftime("%a %Y-%m-%d %H:%M %:z");
    let left = Millis(at.as_millisecond()).since(now);
    format!("{there}   {here} here   in {}", text::duration(left))
}

fn as_json(
    name: &str,
    file: &Path,
    schedule: &Schedule,
    next: &[Timestamp],
    over: Option<&NoMore>,
) -> serde_json::Value {
    let due_since = over.and_then(|over| match over {
        NoMore::DueSince(at) => Some(at.to_string()),
        NoMore::Missed(_) | NoMore::RanBefore(_) | NoMore::Over => None,
    });
    let ran_before = over.and_then(|over| match over {
        NoMore::RanBefore(run) => Some(run.id.to_string()),
        NoMore::DueSince(_) | NoMore::Missed(_) | NoMore::Over => None,
    });
    let next: Vec<_> = next
        .iter()
        .map(|at| json!({"at": at.to_string(), "there": at.to_zoned(schedule.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()}))
        .collect();
    json!({
        "campaign": name, "file": file.display().to_string(), "schedule": schedule.rule(), "words": words(schedule),
        "timezone": schedule.zone_name(), "not_after_seconds": schedule.not_after.as_secs(), "next": next,
        "due_since": due_since, "ran_before": ran_before,
    })
}

fn print(line: &str) -> Result<(), CliError> {
    console::line(line).map_err(cannot_print)
}
