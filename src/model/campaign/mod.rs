//! A campaign, validated: what the campaign file means.

mod channel;
mod cron;
mod schedule;
mod template_source;
mod timing;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use super::Millis;

pub use channel::Channel;
pub use cron::{BadCron, Cron};
pub use schedule::{IfLate, Schedule, When};
pub use template_source::{TemplateProvider, TemplateSource};
pub use timing::{Days, NotAfter, Span, TimeColumns, Timing, WhoseClock, Window, WrittenTime};

/// A campaign whose file was read and found right.
#[derive(Clone, Debug, PartialEq)]
pub struct Campaign {
    /// `[a-z0-9-]`, the name of its runs.
    pub name: String,
    /// Which provider sends it: a name from the configuration, or a built-in one.
    pub provider: String,
    /// The channel its messages travel on.
    pub channel: Channel,
    /// Who gets it.
    pub recipients: Recipients,
    /// The provider's request body without `to`; its strings are templates.
    pub message: serde_json::Value,
    /// Where the definition of the template that it sends is, which its messages are held against when they are
    /// planned. Not kept with a run; what was pulled from a provider is, beside the campaign.
    pub definition: Option<TemplateSource>,
    /// When it runs by itself, if it does. Not kept with a run.
    pub schedule: Option<Schedule>,
    /// How it is sent.
    pub dispatch: Dispatch,
    /// How its statuses are asked for.
    pub reconcile: Reconcile,
    /// When its messages may leave.
    pub timing: Timing,
}

/// What stands for the date of a run in the path of its CSV.
pub const DATE: &str = "{{ date }}";

impl Campaign {
    /// The campaign as it is at a point in time: with the date, in its schedule's time zone, in the path of its CSV.
    #[must_use]
    pub fn dated(mut self, at: Millis) -> Self {
        if let (Source::Csv(path), Some(schedule)) = (&mut self.recipients.source, &self.schedule)
            && let Some(text) = path.to_str().filter(|text| text.contains(DATE))
        {
            *path = PathBuf::from(text.replace(DATE, &schedule.date(at).to_string()));
        }
        self
    }
}

/// Who gets a campaign.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipients {
    /// Where the rows come from.
    pub source: Source,
    /// The column that holds the number.
    pub to: String,
    /// The region (ISO 3166-1 alpha-2, upper case) that national numbers are read as of.
    pub region: Option<String>,
    /// Whom an earlier run of the campaign reached within this time is left out.
    pub skip_sent_within: Option<Duration>,
}

/// Where the rows come from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// A CSV file, `.gz` or not; absolute, or relative to the working directory. [`DATE`] in it stands for the date.
    Csv(PathBuf),
    /// Rows in the campaign file itself.
    Inline(Inline),
}

/// Rows in the campaign file itself, as a table: every row has as many cells as there are columns.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Inline {
    /// The columns' names, in the order in which they first appear.
    pub columns: Vec<String>,
    /// The cells; empty where a row does not have a column.
    pub rows: Vec<Vec<String>>,
    /// The line of the campaign file on which each row starts.
    pub lines: Vec<u64>,
}

/// How a campaign is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispatch {
    /// At most this many requests in any `per`; retries and polls among them.
    pub rate: NonZeroU32,
    /// The length of time `rate` is meant for: a second or a minute.
    pub per: Duration,
    /// Requests in flight at most; `None` for as many as the rate takes at the provider's latency.
    pub concurrency: Option<usize>,
    /// Time for one request, from connecting to the last byte of the answer.
    pub timeout: Duration,
    /// Tries a row has before it is `exhausted`.
    pub attempts: u32,
    /// What becomes of rows that may or may not have been accepted.
    pub uncertain: WhenUncertain,
    /// When refusals stop the run; `None` for never.
    pub halt: Option<Halt>,
}

/// When refusals stop a run, since they are too many to be the fault of single rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halt {
    /// Percent of refusals among the last `over` messages that were accepted or refused.
    pub share: u32,
    /// Over how many of them the share is taken; fewer never make up a share.
    pub over: u32,
    /// Refusals with one code and no acceptance in between.
    pub same_error: u32,
}

impl Default for Halt {
    /// A fifth of 200; 20 in a row: more than chance makes of a list with many bad rows, few enough to be put back.
    fn default() -> Self {
        Self { share: 20, over: 200, same_error: 20 }
    }
}

/// What becomes of rows that may or may not have been accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenUncertain {
    /// They wait for a person.
    Hold,
    /// They are sent again, at the risk of a double.
    Resend,
}

/// How a campaign's statuses are asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Reconcile {
    /// Age of a message at its first poll.
    pub after: Duration,
    /// Shortest time between two polls of one message.
    pub every: Duration,
    /// How long to keep asking, from the moment a message was accepted.
    pub horizon: Duration,
}
