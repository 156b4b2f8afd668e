//! The facts and formats of reports, and their errors.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use crate::model::{Channel, Millis, Replies, RunId, Zone};

/// The format of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReportFormat {
    /// One line per row: [`super::CsvReport`].
    Csv,
    /// The figures for programs: [`super::summary_json`].
    Json,
    /// One JSON object per row: [`super::JsonLines`].
    Jsonl,
    /// The figures for people: [`super::html()`].
    Html,
    /// The rows and the figures for spreadsheet programs: [`super::XlsxReport`].
    Xlsx,
}

impl ReportFormat {
    /// Every format, in the order in which they are shown.
    pub const ALL: [Self; 5] = [Self::Csv, Self::Json, Self::Jsonl, Self::Html, Self::Xlsx];

    /// Returns the format's name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Html => "html",
            Self::Xlsx => "xlsx",
        }
    }

    /// Returns the name of a file in this format, as [`super::Reports`] writes it.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Csv => "recipients.csv",
            Self::Json => "summary.json",
            Self::Jsonl => "recipients.jsonl",
            Self::Html => "report.html",
            Self::Xlsx => "recipients.xlsx",
        }
    }
}

impl fmt::Display for ReportFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is not a report format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown report format `{0}`; the formats are csv, json, jsonl, html and xlsx")]
pub struct BadFormat(pub String);

impl FromStr for ReportFormat {
    type Err = BadFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or_else(|| BadFormat(text.to_owned()))
    }
}

/// The facts about a run as a whole. They all come from the store, so that a repeated report is the same.
#[derive(Clone, Debug)]
pub struct RunFacts {
    /// The run, and with it the campaign's name.
    pub run: RunId,
    /// The provider's name as the campaign gives it.
    pub provider: String,
    /// The channel of the campaign.
    pub channel: Channel,
    /// The rate limit of the run, such as `80/s`.
    pub rate_limit: String,
    /// The campaign's time zone, for the times in reports for people.
    pub zone: Zone,
    /// When the run started.
    pub started_at: Millis,
    /// When the run finished; `None` if it has not.
    pub finished_at: Option<Millis>,
    /// How long a status is awaited, counted from the acceptance of a message.
    pub horizon: Duration,
    /// Status requests made for this run.
    pub polls: u64,
    /// What was sent: the parts of the message and their text, with placeholders.
    pub message: Vec<(&'static str, String)>,
    /// The campaign's settings: names and values as in its file.
    pub settings: Vec<(&'static str, String)>,
    /// What to do about a problem's code, if known.
    pub advice: fn(&str) -> Option<&'static str>,
    /// The replies; `None` if they were not counted.
    pub replies: Option<Replies>,
    /// Second messages that the provider made of requests.
    pub double_sends: u64,
    /// Which rows the report covers, if not all, as text that follows "rows": `in state failed`.
    pub only: Option<String>,
}

/// Returns what to do if a report folder cannot be created, worded to follow what failed.
fn of_folder(source: &std::io::Error) -> &'static str {
    use std::io::ErrorKind::{AlreadyExists, NotADirectory, PermissionDenied, ReadOnlyFilesystem};
    match source.kind() {
        AlreadyExists | NotADirectory => "; choose another one, or remove the file with this name",
        PermissionDenied | ReadOnlyFilesystem => "; choose another one, or make its parent folder writable",
        _ => "",
    }
}

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder for the reports could not be created.
    #[error("cannot create the report folder {}{}", dir.display(), of_folder(source))]
    CreateFolder {
        /// The folder.
        dir: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The new file could not be created next to the old one.
    #[error("cannot create {}; check that its folder exists and is writable", path.display())]
    Create {
        /// The path of the report.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The new file could not be written completely. An old file is unchanged.
    #[error("cannot write {}; check that the disk is not full", path.display())]
    Write {
        /// The path of the report.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The new file was written, but could not replace the old one. The file is the old or the new version.
    #[error("cannot replace {} with its new version; check that it is not a folder or write-protected", path.display())]
    Replace {
        /// The path of the report.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The template of the page has a bug.
    #[error(
        "internal error: cannot render the HTML report (please report it); \
         `campaigner report` can still write the other formats"
    )]
    Render {
        /// Where and why.
        #[source]
        source: minijinja::Error,
    },
}
