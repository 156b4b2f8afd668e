//! `summary.json`: the figures of a run for programs, with stable keys.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::stats::countries::Country;
use super::stats::durations::Spread;
use super::stats::error_counts::ErrorCount;
use super::summary::Summary;
use crate::model::{Replies, State, Tally};

#[derive(Serialize)]
struct Page<'a> {
    run: String,
    campaign: &'a str,
    provider: &'a str,
    channel: &'a str,
    started_at: String,
    finished_at: Option<String>,
    only: Option<&'a str>,
    rows: u64,
    #[serde(serialize_with = "every_state")]
    states: Tally,
    funnel: Funnel,
    unreported: u64,
    unreported_waited_seconds: Option<u64>,
    errors: Vec<Error>,
    contradicted: u64,
    double_sends: u64,
    countries: Vec<Country>,
    rate_limit: &'a str,
    achieved_rate: Option<f64>,
    time_to_deliver_seconds: Spread,
    time_to_read_seconds: Spread,
    retries: u64,
    polls: u64,
    replies: Option<&'a Replies>,
}

/// How many rows got at least that far.
#[derive(Serialize)]
struct Funnel {
    accepted: u64,
    delivered: u64,
    read: u64,
}

/// One code, with what to do about it.
#[derive(Serialize)]
struct Error {
    #[serde(flatten)]
    count: ErrorCount,
    what_to_do: Option<&'static str>,
}

fn every_state<S: Serializer>(tally: &Tally, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(State::ALL.len()))?;
    for state in State::ALL {
        map.serialize_entry(state.as_str(), &tally.of(state))?;
    }
    map.end()
}

/// Returns the figures as indented JSON with a line break at the end. Keys are always in the same order, all states are
/// present (also those without rows), and unknown values are `null`.
///
/// `funnel` counts the rows that got at least that far (rows that failed later were accepted). `unreported` counts
/// accepted messages without a delivery or a failure, and `unreported_waited_seconds` says how long the run waited for
/// one; it is `null` until that is over. `contradicted` counts delivered rows that were also reported as failed; they
/// are not in `errors`. `double_sends` counts second messages that the provider made of requests. `achieved_rate` is
/// [`Summary::achieved_rate`]. Percentiles are whole seconds since acceptance, by the nearest rank, of the rows with
/// both times. `retries` counts the requests after the first of each row. `only` says which rows the report covers, if
/// not all.
#[must_use]
pub fn summary_json(summary: &Summary) -> String {
    let Summary { facts, tally, .. } = summary;
    let errors = summary.errors.sorted().into_iter();
    let errors = errors.map(|count| Error { what_to_do: (facts.advice)(&count.code), count });
    let page = Page {
        run: facts.run.to_string(),
        campaign: facts.run.name(),
        provider: &facts.provider,
        channel: facts.channel.as_str(),
        started_at: facts.started_at.to_string(),
        finished_at: facts.finished_at.map(|time| time.to_string()),
        only: facts.only.as_deref(),
        rows: tally.rows(),
        states: *tally,
        funnel: Funnel { accepted: tally.accepted(), delivered: tally.delivered(), read: tally.of(State::Read) },
        unreported: tally.unreported(),
        unreported_waited_seconds: summary.waited().filter(|_| tally.unreported() > 0).map(|waited| waited.as_secs()),
        errors: errors.collect(),
        contradicted: summary.contradicted,
        double_sends: facts.double_sends,
        countries: summary.countries.sorted(),
        rate_limit: &facts.rate_limit,
        achieved_rate: summary.achieved_rate(),
        time_to_deliver_seconds: summary.to_deliver.spread(),
        time_to_read_seconds: summary.to_read.spread(),
        retries: summary.retries,
        polls: facts.polls,
        replies: facts.replies.as_ref(),
    };
    // Serialising cannot fail: all keys are strings, and all values are strings, numbers or null.
    let mut json = serde_json::to_string_pretty(&page).unwrap_or_default();
    json.push('\n');
    json
}
