//! The command line: one file a command, the exit codes, and the only place that prints or ends the process.

mod as_json;
mod cancel;
mod check;
mod completions;
mod config;
mod desks;
mod done;
mod exit;
mod flows;
mod folded;
mod look;
mod media;
mod media_upload;
mod off_thread;
mod open_files;
mod opened;
mod pause;
mod preview;
mod pull;
mod pulled;
mod reached;
mod reconcile;
mod rejects;
mod replies;
mod report;
mod resume;
mod retry;
#[cfg(test)]
mod round_trip;
mod run;
mod schedule;
mod screen;
mod serve;
mod session;
mod settle;
mod simulator;
mod status;
mod summary;
mod suppress;
mod templates;
mod verify;
mod webhook;
mod who;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

pub use exit::Exit;
use exit::Failure;

use crate::model::{RunId, State};

/// Runs WhatsApp, Viber and RCS campaigns: every row of the recipient list ends up on exactly one line of the report,
/// nobody is messaged twice unless a person says so, and the rate is never exceeded.
#[derive(Debug, Parser)]
#[command(name = "campaigner", version, max_term_width = 110, after_help = AFTER_HELP)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const AFTER_HELP: &str = "\
Exit codes:
  0  all done and every sendable row was accepted
  1  an error of the environment: store, network, provider account
  2  the command line, campaign or recipients are wrong; nothing was sent
  3  done, but some rows were rejected, exhausted, failed, uncertain, cancelled or expired
  4  stopped before the end, can go on
  5  another process holds this run, or has taken it over";

/// What every command understands.
#[derive(Clone, Debug, clap::Args)]
struct Global {
    /// The store
    #[arg(long, global = true, value_name = "FILE", env = "CAMPAIGNER_DB", default_value = "campaigner.db")]
    db: PathBuf,
    /// The configuration; campaigner.toml if there is one
    #[arg(long, global = true, value_name = "FILE", env = "CAMPAIGNER_CONFIG")]
    config: Option<PathBuf>,
    /// Say nothing but errors
    #[arg(short, long, global = true)]
    quiet: bool,
    /// Log to standard error: -v what happens, -vv each request, -vvv everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    verbose: u8,
    /// How standard error looks: sentences, or JSON, one event a line (docs/logs.md)
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// How progress is shown
    #[arg(long, global = true, value_enum, default_value_t = Progress::Auto)]
    progress: Progress,
}

impl Global {
    /// How a command for the same store begins, to be shown to a person: pasted without `--db` it would look in another one,
    /// or begin a new one.
    fn command(&self) -> String {
        match self.db.as_os_str() == "campaigner.db" {
            true => "campaigner".to_owned(),
            false => format!("campaigner --db {}", self.db.display()),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Progress {
    /// Bars on a terminal, lines elsewhere
    Auto,
    /// Bars
    Bar,
    /// A line every few seconds
    Plain,
    /// Nothing
    None,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check everything that `run` would check; nothing is sent
    Check(check::Args),
    /// Print the exact JSON bodies that would be posted
    Preview(preview::Args),
    /// Import, send, reconcile, report; goes on by itself with an unfinished run of the same content
    Run(run::Args),
    /// Go on with a run from the store alone, and lift a pause
    Resume(resume::Args),
    /// Run what is due of a folder of campaigns, collect all statuses, and answer over HTTP
    Serve(serve::Args),
    /// When campaigns run, and why not
    Schedule(schedule::Args),
    /// Ask for statuses until all are final or the horizon is over
    Reconcile(reconcile::Args),
    /// Show what is where
    Status(status::Args),
    /// Write a report, as often as wanted
    Report(report::Args),
    /// What people sent back, one line each (docs/webhooks.md)
    Replies(replies::Args),
    /// Put rows back to be sent again, after a person's yes, then go on
    Retry(retry::Args),
    /// Say what became of uncertain rows, once a person found out
    Settle(settle::Args),
    /// Stop sending for a while; `resume` goes on, whichever process is at work
    Pause(pause::Pause),
    /// Give a run another rate, also while it is at work
    Rate(pause::Change),
    /// No further sends; what is in flight ends
    Cancel(cancel::Args),
    /// Prove the books of a run
    Verify(verify::Args),
    /// The list of numbers that get nothing
    Suppress(suppress::Args),
    /// Templates at NXLink and Alibaba's CAMS
    Templates(templates::Args),
    /// WhatsApp flows at NXLink
    Flows(flows::Args),
    /// Files for the headers of templates, at NXLink
    Media(media_upload::Args),
    /// The simulated provider on its own
    Simulator(simulator::Args),
    /// Print completions for a shell
    Completions(completions::Args),
}

/// Reads the command line, does what it says, and gives back the exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            // Help and version are no mistakes.
            return if error.use_stderr() { Exit::Wrong.into() } else { Exit::Done.into() };
        }
    };
    std::panic::set_hook(Box::new(tell_where));
    // A service has nothing but its log to say what it does.
    log_to_stderr(&cli.global, u8::from(matches!(cli.command, Command::Serve(_))));
    // One thread for the work: measured faster than several here, since nothing in it is worth a hand-over. SQLite
    // and the reading of recipients have threads of their own, and what comes from them is seen to at once: many wait
    // for a commit.
    let runtime = match tokio::runtime::Builder::new_current_thread().global_queue_interval(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            screen::complain(&format!("cannot start: {error}"));
            return Exit::Environment.into();
        }
    };
    let done = runtime.block_on(dispatch(cli));
    // A store that hangs is no reason not to end.
    runtime.shutdown_background();
    match done {
        Ok(exit) => exit.into(),
        Err(failure) => {
            if !failure.words.is_empty() {
                screen::complain_of(&failure);
            }
            failure.exit.into()
        }
    }
}

/// Says where a panic was, and not its message: that may hold what a recipient's row says.
fn tell_where(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(String::new, |place| format!(" at {place}"));
    screen::complain(&format!("internal error{place}; please report it"));
}

async fn dispatch(cli: Cli) -> Result<Exit, Failure> {
    let Cli { global, command } = cli;
    config::is_there(&global).await?;
    match command {
        Command::Check(args) => check::run(&args, &global).await,
        Command::Preview(args) => preview::run(&args, &global).await,
        Command::Run(args) => run::run(&args, &global).await,
        Command::Resume(args) => resume::run(&args, &global).await,
        Command::Serve(args) => serve::run(&args, &global).await,
        Command::Schedule(args) => schedule::run(&args, &global).await,
        Command::Reconcile(args) => reconcile::run(&args, &global).await,
        Command::Status(args) => status::run(&args, &global).await,
        Command::Report(args) => report::run(&args, &global).await,
        Command::Replies(args) => replies::run(&args, &global).await,
        Command::Retry(args) => retry::run(&args, &global).await,
        Command::Settle(args) => settle::run(&args, &global).await,
        Command::Pause(args) => pause::pause(&args, &global).await,
        Command::Rate(args) => pause::change(&args, &global).await,
        Command::Cancel(args) => cancel::run(&args, &global).await,
        Command::Verify(args) => verify::run(&args, &global).await,
        Command::Suppress(args) => suppress::run(&args, &global).await,
        Command::Templates(args) => templates::run(&args, &global).await,
        Command::Flows(args) => flows::run(&args, &global).await,
        Command::Media(args) => media_upload::run(&args, &global).await,
        Command::Simulator(args) => simulator::run(&args).await,
        Command::Completions(args) => completions::run(&args),
    }
}

fn log_to_stderr(global: &Global, least: u8) {
    use tracing_subscriber::EnvFilter;
    let json = global.log_format == LogFormat::Json;
    if json {
        screen::speak_json();
    }
    let level = match global.verbose.max(least) {
        0 => return,
        1 if global.quiet => "campaigner=error",
        1 => "campaigner=info",
        2 => "campaigner=debug",
        _ => "campaigner=trace,hyper_util=debug,reqwest=debug",
    };
    let logs = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(level))
        .with_ansi(screen::has_color())
        .with_writer(move || screen::Log { json });
    match global.log_format {
        LogFormat::Text => logs.init(),
        // Flat, as the events of `progress` are.
        LogFormat::Json => logs.json().flatten_event(true).init(),
    }
}

/// Reads a run's id.
fn run_id(text: &str) -> Result<RunId, String> {
    text.parse().map_err(|error: crate::model::BadRunId| error.to_string())
}

/// Reads a state's name.
fn state(text: &str) -> Result<State, String> {
    State::from_name(text).ok_or_else(|| {
        let names: Vec<&str> = State::ALL.into_iter().map(State::as_str).collect();
        format!("there is no state `{text}`; the states are {}", names.join(", "))
    })
}

/// Standard output went away or its disk is full.
fn cannot_print(error: std::io::Error) -> Failure {
    Failure::of_writing(format!("cannot write to standard output: {error}"), &error)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
