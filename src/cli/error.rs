//! The exit codes, and how every failure maps to one.

use std::fmt;
use std::process::ExitCode;

use crate::campaign_file::CampaignError;
use crate::cli::output::terminal;
use crate::engine::{self, EngineError, PlanError, ReportingError};
use crate::model::{Phone, RowProblem};
use crate::recipients::{Numbers, OpenError};
use crate::report::ReportError;
use crate::store::StoreError;
use crate::text::{error_chain, escaped_lines};

/// The exit code of the process. A test compares the README's table with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All done and every sendable row was accepted.
    Done = 0,
    /// An error of the environment: store, network, provider account.
    Environment = 1,
    /// The command line, campaign or recipients are wrong; nothing was sent.
    Wrong = 2,
    /// Done, but some rows were rejected, exhausted, failed, uncertain, cancelled, expired or sent twice.
    SomeFailed = 3,
    /// Stopped before the end; can be continued.
    Stopped = 4,
    /// Another process holds this run.
    Held = 5,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command failed: its exit code and its message.
#[derive(Debug)]
pub(in crate::cli) struct CliError {
    pub(in crate::cli) exit: Exit,
    /// Whether the store's server was away, so that the same may succeed once it is back.
    pub(in crate::cli) is_away: bool,
    /// The message, which may have several lines or be empty. It may be logged and sent over HTTP, so it holds no
    /// personal data.
    pub(in crate::cli) words: String,
    /// What a terminal shows instead of `words`, ready to print; it may hold personal data.
    pub(in crate::cli) shown: Option<String>,
}

impl CliError {
    /// Creates an error with this message.
    pub(in crate::cli) fn new(exit: Exit, words: impl Into<String>) -> Self {
        Self { exit, is_away: false, words: escaped_lines(&words.into()).into_owned(), shown: None }
    }

    /// Creates an error for output that could not be written. A reader that closed the pipe early, such as `head`, is
    /// no failure.
    pub(in crate::cli) fn of_writing(words: String, cause: &std::io::Error) -> Self {
        match cause.kind() {
            std::io::ErrorKind::BrokenPipe => Self::new(Exit::Done, ""),
            _ => Self::new(Exit::Environment, words),
        }
    }

    /// Creates an error from another one and its causes.
    pub(in crate::cli) fn of(exit: Exit, error: &dyn std::error::Error) -> Self {
        Self::new(exit, error_chain(error, BECAUSE))
    }

    /// Creates an error of input from another one and its causes; `words` is what a terminal shows instead.
    fn to_person(error: &dyn std::error::Error, words: &str) -> Self {
        let failure = Self::of(Exit::Wrong, error);
        let shown = failure.words.replacen(escaped_lines(&error.to_string()).as_ref(), &escaped_lines(words), 1);
        failure.shown(shown)
    }

    /// Creates an error of a number on the command line. The problem may quote it, so a log gets only the reason.
    pub(in crate::cli) fn of_number(place: &str, problem: &RowProblem, hint: &str) -> Self {
        let shown = escaped_lines(&format!("{place}: {problem}{hint}")).into_owned();
        Self::new(Exit::Wrong, format!("{place}: {}{hint}", problem.reason())).shown(shown)
    }

    /// Sets what a terminal shows instead of the message. The caller escapes it, because it may hold colours.
    pub(in crate::cli) fn shown(mut self, shown: String) -> Self {
        self.shown = Some(shown);
        self
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// The text between an error and its cause.
pub(in crate::cli) const BECAUSE: &str = "\n  because: ";

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> Self {
        let exit = match &error {
            StoreError::Held(_) | StoreError::Importing(_) | StoreError::NotOwner(_) => Exit::Held,
            StoreError::NoSuchRun(_)
            | StoreError::NoRun
            | StoreError::Missing(_)
            | StoreError::Purged { .. }
            | StoreError::ReachUnknown { .. } => Exit::Wrong,
            StoreError::Open { .. }
            | StoreError::Unreachable { .. }
            | StoreError::MayForget { .. }
            | StoreError::OldServer { .. }
            | StoreError::Foreign { .. }
            | StoreError::Newer { .. }
            | StoreError::Outdated { .. }
            | StoreError::WentBack { .. }
            | StoreError::SetBack
            | StoreError::CopiedDatabase
            | StoreError::Mark { .. }
            | StoreError::ReadByOthers { .. }
            | StoreError::Replaced { .. }
            | StoreError::Query { .. }
            | StoreError::Damaged(_)
            | StoreError::NoRandomNumbers
            | StoreError::NewerRun { .. }
            | StoreError::Illegal(_)
            | StoreError::Lock { .. } => Exit::Environment,
        };
        Self { is_away: error.is_away(), ..Self::of(exit, &error) }
    }
}

impl From<EngineError> for CliError {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Store(error) => error.into(),
            // The problem may quote the row.
            EngineError::Render { row, problem } => {
                let shown = escaped_lines(&engine::cannot_build(row, &problem)).into_owned();
                Self::new(Exit::Environment, engine::cannot_build(row, &problem.code)).shown(shown)
            }
            EngineError::Paused(_) => Self::of(Exit::Stopped, &error),
            EngineError::Unreachable(_)
            | EngineError::Frozen(_)
            | EngineError::OtherApi { .. }
            | EngineError::Client(_)
            | EngineError::OtherAccount(_)
            | EngineError::Defect(_) => Self::of(Exit::Environment, &error),
        }
    }
}

impl From<ReportingError> for CliError {
    fn from(error: ReportingError) -> Self {
        match error {
            ReportingError::Store(error) => error.into(),
            ReportingError::Write(error) => match &error {
                ReportError::Write { source, .. } => Self::of_writing(error_chain(&error, BECAUSE), source),
                _ => Self::of(Exit::Environment, &error),
            },
            ReportingError::Stopped(_) => Self::of(Exit::Stopped, &error),
        }
    }
}

impl From<CampaignError> for CliError {
    fn from(error: CampaignError) -> Self {
        let failure = Self::of(Exit::Wrong, &error);
        match error.show(terminal::has_color()) {
            Some(snippets) => failure.shown(snippets),
            None => failure,
        }
    }
}

impl From<OpenError> for CliError {
    fn from(error: OpenError) -> Self {
        Self::to_person(&error, &error.to_person())
    }
}

impl From<PlanError> for CliError {
    fn from(error: PlanError) -> Self {
        match error {
            PlanError::Store(error) => error.into(),
            PlanError::Spill(_) | PlanError::Tell(_) | PlanError::Defect(_) => Self::of(Exit::Environment, &error),
            PlanError::Open(error) => error.into(),
            PlanError::Timing(error) => Self::to_person(&error, &error.to_person()),
            PlanError::Definition(error) => error.into(),
            PlanError::Read(_) | PlanError::NoRows | PlanError::Templates(_) | PlanError::Changed => {
                Self::of(Exit::Wrong, &error)
            }
        }
    }
}

/// Describes the problem of a number for a command without a campaign, where only `--region` sets the region.
pub(in crate::cli) fn number_in_words(problem: &RowProblem) -> String {
    problem.to_string().replace("set `recipients.region`", "pass --region")
}

/// Reads a number that the command line names for a run. Its region is stored with the run, so only the country code
/// helps if it is missing.
pub(in crate::cli) fn number_of_run(to: &str, region: Option<&str>) -> Result<Phone, CliError> {
    let numbers = Numbers::new(region).map_err(|error| CliError::of(Exit::Wrong, &error))?;
    numbers.normalise(to).or_else(|problem| in_old_spelling(to).ok_or(problem)).map_err(|problem| {
        let shown = format!("--to: {}", problem.to_string().replace(", or set `recipients.region`", ""));
        CliError::of_number("--to", &problem, "").shown(escaped_lines(&shown).into_owned())
    })
}

/// Returns a number that is valid only in its other spelling: a reply of WhatsApp and `suppress list` may show this
/// one.
pub(in crate::cli) fn in_old_spelling(text: &str) -> Option<Phone> {
    let digits: String = text.trim().trim_start_matches('+').split_whitespace().collect();
    let phone = Phone::from_digits(&digits)?;
    let other = format!("+{}", phone.other_spelling()?.digits());
    Numbers::new(None).ok()?.normalise(&other).is_ok().then_some(phone)
}

/// Converts an error of writing to standard output.
pub(in crate::cli) fn cannot_print(error: std::io::Error) -> CliError {
    CliError::of_writing(format!("cannot write to standard output: {error}"), &error)
}
