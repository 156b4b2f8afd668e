//! A campaign, validated: what the campaign file means.

mod channel;
mod cron;
mod provider_api;
mod recipients;
mod schedule;
mod template_source;
mod timing;

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::Date;

use super::Millis;

pub use channel::Channel;
pub use cron::{BadCron, Cron};
pub use provider_api::{ProviderApi, StatusSource};
pub use recipients::{Inline, Reading, Recipients, Source};
pub use schedule::{IfLate, Schedule, When};
pub use template_source::{TemplateProvider, TemplateSource};
pub use timing::{Days, NotAfter, Span, TimeColumns, Timing, WhoseClock, Window, WrittenTime};

/// A validated campaign.
#[derive(Clone, Debug, PartialEq)]
pub struct Campaign {
    /// `[a-z0-9-]`, the name of its runs.
    pub name: String,
    /// Which provider sends it: a name from the configuration, or a built-in one.
    pub provider: String,
    /// The API of that provider. A file does not say it; the configuration does.
    pub api: ProviderApi,
    /// The channel its messages are sent on.
    pub channel: Channel,
    /// Who gets it.
    pub recipients: Recipients,
    /// The provider's request body without `to`; its strings are templates.
    pub message: serde_json::Value,
    /// Where the definition of its template is; planning checks messages against it. Not stored with a run, but a
    /// definition pulled from a provider is stored next to the campaign.
    pub definition: Option<TemplateSource>,
    /// When it starts automatically, if it does. Not stored with a run.
    pub schedule: Option<Schedule>,
    /// How it is sent.
    pub dispatch: Dispatch,
    /// How its statuses are polled.
    pub reconcile: Reconcile,
    /// When its messages may be sent.
    pub timing: Timing,
}

/// A number of requests per length of time.
pub type Rate = (NonZeroU32, Duration);

/// The placeholder for the date of a run in the path of its list.
pub const DATE: &str = "{{ date }}";

impl Campaign {
    /// Returns the campaign with the date of `at`, in its schedule's time zone, in the path of its list.
    #[must_use]
    pub fn dated(self, at: Millis) -> Self {
        match self.schedule.as_ref().map(|schedule| schedule.date(at)) {
            Some(date) => self.of_date(date),
            None => self,
        }
    }

    /// Returns the campaign with this date in the path of its list.
    #[must_use]
    pub fn of_date(mut self, date: Date) -> Self {
        if let Some(path) = self.recipients.source.path_mut()
            && let Some(text) = path.to_str().filter(|text| text.contains(DATE))
        {
            *path = PathBuf::from(text.replace(DATE, &date.to_string()));
        }
        self
    }
}

/// How a campaign is sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Dispatch {
    /// The most requests in any `per`, including retries and polls.
    pub rate: NonZeroU32,
    /// The period of `rate`: a second or a minute.
    pub per: Duration,
    /// The maximum number of requests in flight; `None` derives it from the rate and the provider's latency.
    pub concurrency: Option<usize>,
    /// The time limit of one request, from connecting to the last byte of the response.
    pub timeout: Duration,
    /// The attempts that a row has before it is `exhausted`.
    pub attempts: u32,
    /// What becomes of rows that may have been accepted.
    pub uncertain: WhenUncertain,
    /// How long a row that may have been accepted waits before it is sent again, where a webhook can still say what
    /// became of it; see [`ProviderApi::returns_reference`].
    pub resend_after: Duration,
    /// When refusals stop the run; `None` for never.
    pub halt: Option<Halt>,
}

/// When refusals stop a run because there are too many to be the fault of single rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halt {
    /// The percentage of refusals among the last `over` messages that were accepted or refused.
    pub share: u32,
    /// How many messages the share covers; with fewer, the run never stops.
    pub over: u32,
    /// Consecutive refusals with the same code, without an acceptance in between.
    pub same_error: u32,
}

impl Dispatch {
    /// The usual `resend_after`. A status normally follows within seconds, and messages that Meta holds are released
    /// within an hour ("Template pacing").
    pub const RESEND_AFTER: Duration = Duration::from_secs(2 * 3600);
}

impl Default for Halt {
    /// A fifth of 200, or 20 in a row: more than a list with many bad rows produces by chance, but few enough to
    /// requeue.
    fn default() -> Self {
        Self { share: 20, over: 200, same_error: 20 }
    }
}

/// What becomes of rows that may have been accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhenUncertain {
    /// They stay until a person decides.
    Hold,
    /// They are sent again, at the risk of a duplicate.
    Resend,
}

/// How a campaign's statuses are polled.
#[derive(Clone, Debug, PartialEq)]
pub struct Reconcile {
    /// The age of a message at its first poll.
    pub after: Duration,
    /// The shortest time between two polls of one message.
    pub every: Duration,
    /// How long to poll, counted from the acceptance of a message.
    pub horizon: Duration,
}
