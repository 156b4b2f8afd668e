//! The sections of the page, except for the funnel, the charts and the replies.

use std::time::Duration;

use serde::Serialize;

use crate::model::{State, Tally};
use crate::report::stats::countries::Country;
use crate::report::stats::durations::{Durations, Spread};
use crate::report::stats::error_counts::ErrorCount;
use crate::report::summary::Summary;
use crate::report::wording::{meaning, rate, share};
use crate::text::{count, duration, grouped};

/// The greatest width of a bar in a distribution, in units.
const BAR: f64 = 1000.0;

/// A notice, and the command to run.
#[derive(Serialize)]
pub(super) struct Remark {
    text: String,
    command: String,
}

#[derive(Serialize)]
pub(super) struct Headline {
    name: &'static str,
    value: String,
    note: String,
}

/// A number: the value for sorting, and the text.
#[derive(Serialize)]
pub(super) struct Figure {
    n: u64,
    text: String,
}

impl From<u64> for Figure {
    fn from(n: u64) -> Self {
        Self { n, text: grouped(n) }
    }
}

/// Returns a share; its value for sorting is in millionths.
pub(super) fn part(rows: u64, whole: u64) -> Figure {
    let millionths = (u128::from(rows) * 1_000_000).checked_div(u128::from(whole)).unwrap_or(0);
    Figure { n: u64::try_from(millionths).unwrap_or(u64::MAX), text: share(rows, whole) }
}

#[derive(Serialize)]
pub(super) struct StateLine {
    name: &'static str,
    meaning: &'static str,
    tone: &'static str,
    rows: Figure,
    share: Figure,
}

#[derive(Serialize)]
pub(super) struct ErrorLine {
    code: String,
    rows: Figure,
    share: Figure,
    message: WordsAndCode,
    row: Option<String>,
    advice: Option<WordsAndCode>,
}

#[derive(Serialize)]
pub(super) struct CountryLine {
    name: &'static str,
    code: Figure,
    rows: Figure,
    accepted: Figure,
    delivered: Figure,
    delivered_share: Figure,
    read: Figure,
    read_share: Figure,
}

/// A text in parts: those between backticks are code.
pub(super) type WordsAndCode = Vec<(bool, String)>;

/// Splits a text at its backticks. A text with an odd number of them is left as it is.
pub(super) fn words(text: &str) -> WordsAndCode {
    if text.matches('`').count() % 2 == 1 {
        return vec![(false, text.to_owned())];
    }
    let parts = text.split('`').enumerate().map(|(at, part)| (at % 2 == 1, part.to_owned()));
    parts.filter(|(_, part)| !part.is_empty()).collect()
}

/// The uncertain rows, and how to settle them.
#[derive(Serialize)]
pub(super) struct Doubts {
    /// `12 rows are uncertain: …`
    are: String,
    /// What happens to them, and what to do.
    next: &'static str,
    rows: Vec<String>,
    more: Option<String>,
    commands: Vec<(&'static str, String)>,
}

/// The distribution of a duration.
#[derive(Serialize)]
pub(super) struct TimesSpread {
    name: &'static str,
    /// `1 message`, `12 messages`.
    messages: String,
    spread: Vec<(&'static str, String)>,
    bars: Vec<Bar>,
}

/// A bucket of a distribution; `width` in units of [`BAR`].
#[derive(Serialize)]
struct Bar {
    name: &'static str,
    rows: String,
    share: String,
    width: String,
    /// The cumulative share, up to and including this bucket.
    until: String,
}

/// Returns the result of the run in one sentence.
pub(super) fn in_short(summary: &Summary) -> String {
    let tally = &summary.tally;
    let (sendable, accepted, delivered) = (tally.sendable(), tally.accepted(), tally.delivered());
    if sendable == 0 {
        let what = match tally.rows() {
            0 => return "The report covers no rows.".to_owned(),
            1 => "The only row could not".to_owned(),
            rows => format!("None of the {} could", count(rows, "row")),
        };
        return format!("{what} be sent; see the problems below.");
    }
    let mut text = format!(
        "The provider accepted {} of {} ({})",
        grouped(accepted),
        count(sendable, "message"),
        share(accepted, sendable)
    );
    if accepted == 0 {
        return text + ".";
    }
    text.push_str(&match delivered {
        0 if accepted == 1 => "; it has not been reported as delivered".to_owned(),
        0 => "; none has been reported as delivered".to_owned(),
        1 if accepted == 1 => "; it was delivered".to_owned(),
        1 => format!("; 1 of these was delivered ({})", share(delivered, accepted)),
        _ => format!("; {} of these were delivered ({})", grouped(delivered), share(delivered, accepted)),
    });
    match tally.of(State::Read) {
        0 => {}
        1 if accepted == 1 => text.push_str(" and read"),
        1 => text.push_str(&format!(", and 1 was read ({})", share(1, accepted))),
        read => text.push_str(&format!(", and {} were read ({})", grouped(read), share(read, accepted))),
    }
    text.push('.');
    text.extend(without_news(summary).map(|words| format!(" {words}.")));
    text
}

/// Returns in words how many accepted messages have neither a delivery nor a failure, and how long was waited.
fn without_news(summary: &Summary) -> Option<String> {
    let rows = summary.tally.unreported();
    let messages = count(rows, "message");
    match (rows, summary.waited()) {
        (0, _) => None,
        (_, Some(waited)) => {
            Some(format!("For {messages}, neither a delivery nor a failure was reported within {}", duration(waited)))
        }
        _ => Some(format!("For {messages}, neither a delivery nor a failure has been reported yet")),
    }
}

/// Returns what the chart of deliveries leaves out.
pub(super) fn without_a_time(summary: &Summary) -> Option<String> {
    let missing = summary.tally.delivered().saturating_sub(summary.to_deliver.spread().count);
    (missing > 0).then(|| {
        let messages = count(missing, "delivered message");
        format!("Not shown: {messages} for which the provider reported only the read time, not the delivery time.")
    })
}

/// Returns notices about things that need attention.
pub(super) fn notices(summary: &Summary) -> Vec<Remark> {
    let Summary { facts, tally, .. } = summary;
    let open = tally.unsettled();
    if open == 0 {
        return Vec::new();
    }
    let have = if open == 1 { "has" } else { "have" };
    let text = format!(
        "{} {have} not been sent, or {} being sent. If no process is working on the run, continue with:",
        count(open, "row"),
        if open == 1 { "is" } else { "are" }
    );
    vec![Remark { text, command: format!("campaigner resume {}", facts.run) }]
}

pub(super) fn headlines(summary: &Summary) -> Vec<Headline> {
    let tally = &summary.tally;
    let (accepted, delivered, read) = (tally.accepted(), tally.delivered(), tally.of(State::Read));
    let left_out = tally.rows() - tally.sendable();
    let of = |part, whole, those| if whole == 0 { String::new() } else { format!("{} of {those}", share(part, whole)) };
    let headline = |name, value: String, note: String| Headline { name, value, note };
    vec![
        headline("On the list", grouped(tally.rows()), format!("{} left out", grouped(left_out))),
        headline("Accepted", grouped(accepted), of(accepted, tally.sendable(), "sendable rows")),
        headline("Delivered", grouped(delivered), of(delivered, accepted, "accepted")),
        headline("Read", grouped(read), of(read, accepted, "accepted")),
    ]
}

/// Returns the figures for those who run the campaign.
pub(super) fn figures(summary: &Summary) -> Vec<(&'static str, String)> {
    let facts = &summary.facts;
    let took = match (summary.first_accepted, summary.last_accepted) {
        (Some(first), Some(last)) => Some(duration(last.since(first))),
        _ => None,
    };
    let all = [
        ("achieved rate", summary.achieved_rate().map(rate)),
        ("rate limit", Some(facts.rate_limit.clone())),
        ("from the first to the last acceptance", took),
        ("retries", Some(grouped(summary.retries))),
        ("status requests", Some(grouped(facts.polls))),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

/// Returns a state's style.
fn tone(state: State) -> &'static str {
    match state {
        State::Pending | State::Sending => "open",
        State::Accepted | State::Sent | State::Delivered | State::Read => "good",
        State::Failed | State::Rejected | State::Exhausted => "bad",
        State::Uncertain => "doubt",
        State::Invalid | State::Duplicate | State::Suppressed | State::Cancelled | State::Expired => "out",
    }
}

pub(super) fn state(state: State, tally: &Tally) -> StateLine {
    let rows = tally.of(state);
    let share = part(rows, tally.rows());
    StateLine { name: state.as_str(), meaning: meaning(state), tone: tone(state), rows: rows.into(), share }
}

/// Returns the most frequent errors, and the number of codes that are left out.
pub(super) fn errors(summary: &Summary, shown: usize) -> (Vec<ErrorLine>, usize) {
    let all = summary.errors.sorted();
    let rows = all.iter().map(|error| error.count).sum();
    let left_out = all.len().saturating_sub(shown);
    let line = |error: ErrorCount| ErrorLine {
        advice: (summary.facts.advice)(&error.code).map(words),
        rows: error.count.into(),
        share: part(error.count, rows),
        row: error.row.map(grouped),
        code: error.code,
        message: words(&error.message),
    };
    (all.into_iter().take(shown).map(line).collect(), left_out)
}

pub(super) fn countries(summary: &Summary) -> Vec<CountryLine> {
    let all = summary.countries.sorted();
    let line = |country: Country| CountryLine {
        name: country.name,
        code: Figure {
            n: country.calling_code.parse().unwrap_or(0),
            text: if country.calling_code.is_empty() { "–".into() } else { format!("+{}", country.calling_code) },
        },
        rows: country.rows.into(),
        accepted: country.accepted.into(),
        delivered: country.delivered.into(),
        delivered_share: part(country.delivered, country.accepted),
        read: country.read.into(),
        read_share: part(country.read, country.accepted),
    };
    all.into_iter().map(line).collect()
}

pub(super) fn doubts(summary: &Summary) -> Option<Doubts> {
    let rows = summary.tally.of(State::Uncertain);
    let (first, run) = (summary.uncertain.first()?, &summary.facts.run);
    let more = rows.saturating_sub(summary.uncertain.len() as u64);
    Some(Doubts {
        are: match rows {
            1 => "1 row is uncertain: the provider may have accepted the message".to_owned(),
            _ => format!("{} are uncertain: the provider may have accepted the messages", count(rows, "row")),
        },
        next: match rows {
            1 => {
                "The message is sent again only if you request it, or if the campaign says so (uncertain: resend). Ask the \
                 provider or the recipient whether it was sent"
            }
            _ => {
                "The messages are sent again only if you request it, or if the campaign says so (uncertain: resend). Ask the \
                 provider or the recipients which were sent"
            }
        },
        rows: summary.uncertain.iter().map(|row| grouped(row.0)).collect(),
        more: (more > 0).then(|| format!("and {} in recipients.csv", count(more, "more row"))),
        commands: vec![
            ("If a message was sent", format!("campaigner settle {run} --row {first} --as sent")),
            ("If it was not sent", format!("campaigner settle {run} --row {first} --as not-sent")),
            (
                "If none of the uncertain messages was sent",
                format!("campaigner settle {run} --all --as not-sent --yes"),
            ),
            (
                "To send every uncertain message again, even if somebody gets it twice",
                format!("campaigner retry {run} --state uncertain"),
            ),
        ],
    })
}

#[expect(clippy::cast_precision_loss, reason = "a bar needs no more than 52 bits")]
pub(super) fn times(name: &'static str, durations: &Durations) -> Option<TimesSpread> {
    let Spread { count: messages, p50, p90, p99, max } = durations.spread();
    let buckets = durations.buckets();
    let most = buckets.iter().map(|(_, count)| *count).max()?;
    let spread = [("half within", p50), ("90% within", p90), ("99% within", p99), ("longest", max)]
        .into_iter()
        .filter_map(|(name, seconds)| Some((name, duration(Duration::from_secs(seconds?)))))
        .collect();
    let mut until = 0;
    let bars = buckets.into_iter().map(|(name, rows)| {
        until += rows;
        let width = if rows == 0 { 0.0 } else { (BAR * rows as f64 / most as f64).max(4.0) };
        Bar {
            name,
            rows: grouped(rows),
            share: share(rows, messages),
            width: format!("{width:.1}"),
            until: share(until, messages),
        }
    });
    Some(TimesSpread { name, messages: count(messages, "message"), spread, bars: bars.collect() })
}
