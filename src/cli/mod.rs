//! The command line: what a person types, sees and configures. The only module that prints or ends the process.
//!
//! - `global`: the options of every command. `commands`: one file per command.
//! - `init`: makes a campaign from a list and a template.
//! - `config`: `campaigner.toml` and the environment. `confirm`: questions to the person at the terminal.
//! - `session`: working on a run, for every command that does.
//! - `serve`: the service, which starts and resumes runs on its own.
//! - `output`: everything that is printed. `error`: errors with their exit codes.

mod commands;
mod config;
mod confirm;
mod confirmed;
mod error;
mod file_limit;
mod global;
mod init;
mod off_thread;
mod output;
#[cfg(test)]
mod round_trip;
mod serve;
mod session;
mod value_parsers;
mod who;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use commands::Command;
use error::CliError;
pub use error::Exit;
use global::{Global, LogFormat};
use output::console;
use output::terminal;

/// Runs WhatsApp, Viber and RCS campaigns: every recipient appears on exactly one line of the report, nobody is
/// messaged twice unless you ask for it, and no run exceeds its rate.
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
  1  a problem with the store, the network or the provider account
  2  a problem with the command line, campaign or recipients; nothing was sent
  3  done, but rows were rejected, exhausted, failed, uncertain, cancelled, expired or sent twice
  4  stopped early; can be continued
  5  another process holds this run, or has taken it over";

/// Reads the command line, runs the command, and returns the exit code.
#[must_use]
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            // `--help` and `--version` are no errors.
            return if error.use_stderr() { Exit::Wrong.into() } else { Exit::Done.into() };
        }
    };
    std::panic::set_hook(Box::new(report_panic));
    // A service reports what it does only in its log, so it logs by default.
    log_to_stderr(&cli.global, u8::from(matches!(cli.command, Command::Serve(_) | Command::Work(_))));
    // One thread runs all tasks: measured faster than several, because no task is worth moving between threads. SQLite
    // and reading recipients have their own threads. Their results are handled at once (interval 1), because many
    // tasks wait for a commit.
    let runtime = match tokio::runtime::Builder::new_current_thread().global_queue_interval(1).enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            console::error(&format!("cannot start: {error}"));
            return Exit::Environment.into();
        }
    };
    let done = runtime.block_on(run(cli));
    // The process exits even if the store hangs.
    runtime.shutdown_background();
    match done {
        Ok(exit) => exit.into(),
        Err(failure) => {
            if !failure.words.is_empty() {
                console::error_of(&failure);
            }
            failure.exit.into()
        }
    }
}

/// Reports where a panic was, but not its message, which may hold personal data.
fn report_panic(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic.location().map_or_else(String::new, |place| format!(" at {place}"));
    console::error(&format!("internal error{place}; please report it"));
}

async fn run(cli: Cli) -> Result<Exit, CliError> {
    // `doctor` reports a bad configuration together with everything else.
    if !matches!(cli.command, Command::Doctor(_)) {
        config::check_named(&cli.global).await?;
    }
    cli.command.run(&cli.global, Cli::command()).await
}

fn log_to_stderr(global: &Global, least: u8) {
    use tracing_subscriber::EnvFilter;
    let json = global.log_format == LogFormat::Json;
    if json {
        console::use_json();
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
        .with_ansi(terminal::has_color())
        .with_writer(move || console::Log { json });
    match global.log_format {
        LogFormat::Text => logs.init(),
        // Flat, like the events of `progress`.
        LogFormat::Json => logs.json().flatten_event(true).init(),
    }
}

#[cfg(test)]
mod tests;
