//! `campaigner schedule list [DIR]` and `schedule explain FILE`: what runs when, and why not.

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
use crate::cli::session::load;
use crate::engine;
use crate::model::{IfLate, Millis, Schedule, Source, When};
use crate::schedule;
use crate::store::{Occurrence, Store, StoreError};
use crate::text;

/// What `schedule` takes.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// List when each campaign of a folder runs, in its time zone and in this machine's
    List(List),
    /// Explain when a campaign runs, how long it takes, what it did so far, and why it does not run
    Explain(Explain),
}

#[derive(Debug, clap::Args)]
struct List {
    /// The folder of campaigns
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// Show N times of each
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

/// Occurrences told of those that were decided.
const TOLD: u32 = 5;

pub(in crate::cli) async fn run(args: &Args, global: &Global) -> Result<Exit, CliError> {
    let now = Millis::now();
    let store = Store::open_if_there(&global.db).await?;
    match &args.command {
        Command::List(list) => self::list(list, now, store.as_ref()).await,
        Command::Explain(explain) => self::explain(explain, now, store.as_ref(), global).await,
    }
}

async fn list(args: &List, now: Millis, store: Option<&Store>) -> Result<Exit, CliError> {
    let files = serve::files(&args.dir)
        .map_err(|error| CliError::new(Exit::Wrong, format!("the folder {}: {error}", args.dir.display())))?;
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
                let words =
                    format!("{}: `name: {}` is in another file too; neither is run", file.display(), campaign.name);
                console::info(&words);
            }
            Ok(Loaded { campaign, .. }) => {
                let Some(schedule) = &campaign.schedule else { continue };
                scheduled += 1;
                let next = upcoming(schedule, now, args.next);
                let over = match next.is_empty() {
                    true => Some(no_more(&campaign.name, schedule, now, store).await?),
                    false => None,
                };
                if args.json {
                    let told = as_json(&campaign.name, file, schedule, &next, over.as_ref());
                    console::data(&told).map_err(cannot_print)?;
                    continue;
                }
                told(&format!("{}: {} ({})", campaign.name, words(schedule), file.display()))?;
                for at in &next {
                    told(&format!("  {}", line(schedule, *at, now)))?;
                }
                if let Some(over) = over {
                    told(&format!("  {over}"))?;
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
        let words = format!("{} would not be run, for the reasons above", text::count(wrong, "file"));
        return Err(CliError::new(Exit::Wrong, words));
    }
    Ok(Exit::Done)
}

async fn explain(args: &Explain, now: Millis, store: Option<&Store>, global: &Global) -> Result<Exit, CliError> {
    let loaded = campaign_file::read(&args.file)?;
    let Some(schedule) = &loaded.campaign.schedule else {
        return Err(CliError::new(
            Exit::Wrong,
            format!(
                "{} has no `schedule`: it runs when somebody says `campaigner run {}`",
                loaded.campaign.name,
                args.file.display()
            ),
        ));
    };
    told(&format!("{}: {}", loaded.campaign.name, words(schedule)))?;
    let late = match schedule.if_late {
        IfLate::Skip => "later than that it is skipped, which is recorded",
        IfLate::Send => "and runs even later, once for all that were missed",
    };
    told(&format!("  may start up to {} late; {late}", text::duration(schedule.not_after)))?;
    if let When::Cron { until: Some(until), .. } = &schedule.when {
        told(&format!("  until {until}"))?;
    }
    if let Source::Csv(path) = &loaded.campaign.recipients.source {
        told(&format!("  reads {} each time it runs", path.display()))?;
    }
    told("\nto come")?;
    let next = upcoming(schedule, now, args.next);
    for at in &next {
        told(&format!("  {}", line(schedule, *at, now)))?;
        if let Some(note) = schedule::note(schedule, *at) {
            told(&format!("    {note}"))?;
        }
    }
    if next.is_empty() {
        told(&format!("  {}", no_more(&loaded.campaign.name, schedule, now, store).await?))?;
    }
    if let Some(first) = next.first() {
        told(&format!("  {}", estimate(&loaded, schedule, *first, now, store, global).await))?;
    }
    so_far(&loaded.campaign.name, store, global).await
}

/// What there is to say of a schedule that has no time to come.
enum NoMore {
    /// A service takes up at once what was due then.
    DueSince(Millis),
    /// A service will skip what was due then.
    Missed(Millis),
    /// It is over.
    Over,
}

impl std::fmt::Display for NoMore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::DueSince(at) => {
                write!(f, "due since {at}: it starts as soon as a service looks (`campaigner serve`)")
            }
            Self::Missed(at) => {
                write!(f, "nothing: {at} was missed by more than `not_after`, and a service will skip it")
            }
            Self::Over => f.write_str("nothing: it never comes due again"),
        }
    }
}

/// A single time may wait for a service still.
async fn no_more(name: &str, schedule: &Schedule, now: Millis, store: Option<&Store>) -> Result<NoMore, CliError> {
    let (When::At(_), Some(at)) = (&schedule.when, schedule::next(schedule, Timestamp::MIN)) else {
        return Ok(NoMore::Over);
    };
    let at = Millis(at.as_millisecond());
    if let Some(store) = store
        && store.last_decided(name, at).await? == Some(at)
    {
        return Ok(NoMore::Over);
    }
    Ok(schedule::due(schedule, now, now).start.map_or(NoMore::Missed(at), NoMore::DueSince))
}

/// What became of it, and what stands in its way.
async fn so_far(name: &str, store: Option<&Store>, global: &Global) -> Result<Exit, CliError> {
    told("\nso far")?;
    let Some(store) = store else {
        told(&format!("  nothing: there is no store {} yet", global.db.display()))?;
        return Ok(Exit::Done);
    };
    let occurrences = store.occurrences(name, TOLD).await?;
    if occurrences.is_empty() {
        told("  nothing: no service has had it due yet (`campaigner serve` runs what is due)")?;
    }
    for Occurrence { due, became, .. } in occurrences {
        match became {
            Ok(id) => {
                let run = store.run(Some(&id)).await?;
                told(&format!("  {due}  became {id}, {}", engine::stage(&run)))?;
            }
            Err(reason) => told(&format!("  {due}  skipped: {reason}"))?,
        }
    }
    if let Some(run) = store.blocking_run(name).await? {
        let go_on = match store.lock(&run.id) {
            Err(StoreError::Held(_)) => "a process is at work on it".to_owned(),
            _ => format!("go on with it: campaigner resume {}", run.id),
        };
        told(&format!(
            "\nin the way: {} is {}, and the next one waits until it is sent\n  {go_on}\n  \
             or give it up: campaigner cancel {}",
            run.id,
            engine::stage(&run),
            run.id
        ))?;
    }
    Ok(Exit::Done)
}

/// When the next run will have sent its last message, if its list is then as long as now.
async fn estimate(
    loaded: &Loaded,
    schedule: &Schedule,
    at: Timestamp,
    now: Millis,
    store: Option<&Store>,
    global: &Global,
) -> String {
    let loaded = Loaded { campaign: loaded.campaign.clone().dated(now), ..loaded.clone() };
    let checked = match load::plan(&loaded, store, global).await {
        Ok(plan) => {
            let nobody: crate::model::Events = std::sync::Arc::new(|_| {});
            plan.check(store, |_| Ok(()), &nobody).await.map_err(CliError::from)
        }
        Err(failure) => Err(failure),
    };
    match checked {
        Ok(checked) => {
            let rows = checked.sendable();
            let dispatch = &loaded.campaign.dispatch;
            let held = load::held_by(&loaded.campaign.timing);
            let how = format!(
                "{} at {}{held}, as the list is now",
                text::count(rows, "message"),
                text::rate((dispatch.rate, dispatch.per)),
            );
            match engine::sent_by(rows, Millis(at.as_millisecond()), checked.times, &loaded.campaign) {
                Some(end) => {
                    let (end, zone) = (end.timestamp().to_zoned(schedule.zone.clone()), schedule.zone_name());
                    let end = end.strftime("%H:%M:%S on %Y-%m-%d");
                    format!("the first of these has sent all about {end} in {zone} ({how})")
                }
                None => format!("when the first of these has sent all is not in sight ({how})"),
            }
        }
        Err(failure) => format!("how long it takes cannot be told now: {}", failure.words),
    }
}

fn upcoming(schedule: &Schedule, now: Millis, next: u16) -> Vec<Timestamp> {
    schedule::upcoming(schedule, now.timestamp()).take(next.into()).collect()
}

/// The times in words, with the expression and the time zone.
fn words(schedule: &Schedule) -> String {
    let zone = schedule.zone_name();
    match &schedule.when {
        When::At(at) => format!("once, at {} in {zone}", at.strftime("%H:%M on %A, %Y-%m-%d")),
        When::Cron { cron, .. } => format!("{} in {zone} (`{}`)", cron.words(), cron.as_str()),
    }
}

/// A time in both time zones, and how long until then.
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
        NoMore::Missed(_) | NoMore::Over => None,
    });
    let next: Vec<_> = next
        .iter()
        .map(|at| json!({"at": at.to_string(), "there": at.to_zoned(schedule.zone.clone()).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()}))
        .collect();
    json!({
        "campaign": name, "file": file.display().to_string(), "schedule": schedule.rule(), "words": words(schedule),
        "timezone": schedule.zone_name(), "not_after_seconds": schedule.not_after.as_secs(), "next": next,
        "due_since": due_since,
    })
}

fn told(line: &str) -> Result<(), CliError> {
    console::line(line).map_err(cannot_print)
}
