//! What reports are made of besides rows, the forms they take, and why one cannot be made.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::model::{Channel, Millis, Replies, RunId};

/// A form that a report can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// One line a row: [`super::CsvReport`].
    Csv,
    /// The figures for programs: [`super::summary_json`].
    Json,
    /// One JSON object a row: [`super::JsonLines`].
    Jsonl,
    /// The figures for people: [`super::html()`].
    Html,
}

impl Format {
    /// Every format, in the order in which they are named to a user.
    pub const ALL: [Self; 4] = [Self::Csv, Self::Json, Self::Jsonl, Self::Html];

    /// The format's name on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Html => "html",
        }
    }

    /// The name of a file in this format, such as [`super::Reports`] writes.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Csv => "recipients.csv",
            Self::Json => "summary.json",
            Self::Jsonl => "recipients.jsonl",
            Self::Html => "report.html",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is not a report format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a report format: it is one of csv, json, jsonl and html")]
pub struct BadFormat(pub String);

impl FromStr for Format {
    type Err = BadFormat;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or_else(|| BadFormat(text.to_owned()))
    }
}

/// What the reports say of the run as a whole. All of it comes from the store, so that a report made again is the same.
#[derive(Clone, Debug)]
pub struct RunFacts {
    /// The run, and with it the campaign's name.
    pub run: RunId,
    /// The provider's name as the campaign gives it.
    pub provider: String,
    /// The channel of the campaign.
    pub channel: Channel,
    /// The rate that the run had to keep to, as a person writes it, such as `80/s`.
    pub rate_limit: String,
    /// When the run began.
    pub started_at: Millis,
    /// When nothing was left to do; `None` while something is.
    pub finished_at: Option<Millis>,
    /// Status requests made for this run.
    pub polls: u64,
    /// The campaign's settings for people: names as in its file, and values as they are written there.
    pub settings: Vec<(&'static str, String)>,
    /// What a person does about a problem's code, where that is known.
    pub advice: fn(&str) -> Option<&'static str>,
    /// What people sent back; `None` where it was not counted.
    pub replies: Option<Replies>,
    /// Which rows these are, where they are not all, in words that follow "only rows": `in state failed`.
    pub only: Option<String>,
}

/// A report that could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The folder for the reports could not be made.
    #[error("the report folder {} could not be created: choose another one, or free its name", dir.display())]
    CreateFolder {
        /// The folder.
        dir: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The new file could not be opened beside the place where it is to appear.
    #[error("no file could be created beside {}: is its folder there, and writable?", path.display())]
    Create {
        /// Where the file was to appear.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The new file could not be written in full. What was there before is as it was.
    #[error("{} could not be written: is the disk full?", path.display())]
    Write {
        /// Where the file was to appear.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The new file was written, but could not take its place for good. What is there is either whole or as it was.
    #[error("{} could not be replaced by its new version: is it a folder, or write-protected?", path.display())]
    Replace {
        /// Where the file was to appear.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The page's template could not be rendered, which is a defect of this program.
    #[error("the HTML report could not be rendered; this is a defect, and the other two formats are not affected")]
    Render {
        /// Where and why.
        #[source]
        source: minijinja::Error,
    },
}
