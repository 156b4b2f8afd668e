//! `report.html`: the figures of a run for people, in one file that needs no network and no script.
//!
//! Numbers become text and bars become percentages here; how it looks is the template's matter. The template escapes
//! every value, so that nothing a provider or a recipient list says can become markup.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};
use serde::Serialize;

use super::ReportError;
use super::durations::{Durations, Spread};
use super::summary::Summary;
use crate::model::{Millis, State};

/// Error codes shown; all of them are in `summary.json`.
const ERRORS_SHOWN: usize = 50;

/// The chart over time is this many units wide and high; the page stretches it.
const CHART: (f64, f64) = (960.0, 160.0);

#[derive(Serialize)]
struct Page<'a> {
    campaign: &'a str,
    run: String,
    provider: &'a str,
    channel: &'a str,
    started: String,
    finished: Option<String>,
    rate_limit: &'a str,
    notices: Vec<Notice>,
    headlines: Vec<Headline>,
    funnel: Vec<Bar>,
    states: Vec<StateLine>,
    errors: Vec<ErrorLine>,
    errors_left_out: usize,
    times: Vec<Times>,
    over_time: Option<Chart>,
}

/// Something to know, and the command that does something about it.
#[derive(Serialize)]
struct Notice {
    text: String,
    command: String,
}

#[derive(Serialize)]
struct Headline {
    name: &'static str,
    value: String,
    note: String,
}

/// A horizontal bar; `width` is in per cent of the widest.
#[derive(Serialize)]
struct Bar {
    name: &'static str,
    value: String,
    note: String,
    width: String,
}

#[derive(Serialize)]
struct StateLine {
    name: &'static str,
    meaning: &'static str,
    tone: &'static str,
    rows: String,
    share: String,
    none: bool,
}

#[derive(Serialize)]
struct ErrorLine {
    code: String,
    rows: String,
    share: String,
    message: String,
}

#[derive(Serialize)]
struct Times {
    name: &'static str,
    count: String,
    spread: Vec<(&'static str, String)>,
    bars: Vec<Bar>,
}

#[derive(Serialize)]
struct Chart {
    width: f64,
    height: f64,
    bars: Vec<ChartBar>,
    every: String,
    peak: String,
    from: String,
    to: String,
}

#[derive(Serialize)]
struct ChartBar {
    x: String,
    y: String,
    width: String,
    height: String,
    title: String,
}

/// The figures as one self-contained HTML page.
///
/// # Errors
/// [`ReportError::Render`] if the page's template has a defect.
pub fn html(summary: &Summary) -> Result<String, ReportError> {
    render(&page(summary)).map_err(|source| ReportError::Render { source })
}

fn render(page: &Page<'_>) -> Result<String, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).keep_trailing_newline(true).build()?);
    // The name's ending is what turns escaping on.
    environment.add_template("report.html", include_str!("report.html"))?;
    environment.get_template("report.html")?.render(Value::from(Serde(page)))
}

fn page(summary: &Summary) -> Page<'_> {
    let Summary { facts, tally, .. } = summary;
    let errors = summary.errors.sorted();
    let error_rows = errors.iter().map(|error| error.count).sum();
    Page {
        campaign: facts.run.name(),
        run: facts.run.to_string(),
        provider: &facts.provider,
        channel: facts.channel.as_str(),
        started: moment(facts.started_at),
        finished: facts.finished_at.map(moment),
        rate_limit: &facts.rate_limit,
        notices: notices(summary),
        headlines: headlines(summary),
        funnel: funnel(summary),
        states: State::ALL.into_iter().map(|state| state_line(state, tally.of(state), tally.rows())).collect(),
        errors_left_out: errors.len().saturating_sub(ERRORS_SHOWN),
        errors: errors
            .into_iter()
            .take(ERRORS_SHOWN)
            .map(|error| ErrorLine {
                code: error.code,
                rows: grouped(error.count),
                share: share(error.count, error_rows),
                message: error.message,
            })
            .collect(),
        times: [("Time to deliver", &summary.to_deliver), ("Time to read", &summary.to_read)]
            .into_iter()
            .filter_map(|(name, durations)| times(name, durations))
            .collect(),
        over_time: over_time(summary),
    }
}

/// What a person should do something about.
fn notices(summary: &Summary) -> Vec<Notice> {
    let Summary { facts, tally, .. } = summary;
    let mut notices = Vec::new();
    let open = tally.of(State::Pending) + tally.of(State::Sending);
    if open > 0 {
        notices.push(Notice {
            text: format!("{} still to be sent. To go on:", rows_are(open)),
            command: format!("campaigner resume {}", facts.run),
        });
    }
    let uncertain = tally.of(State::Uncertain);
    if uncertain > 0 {
        notices.push(Notice {
            text: format!(
                "{} uncertain: the provider may or may not have accepted the message, so that it is not sent again by \
                 itself. To send again all the same:",
                rows_are(uncertain)
            ),
            command: format!("campaigner retry {} --state uncertain", facts.run),
        });
    }
    notices
}

fn rows_are(rows: u64) -> String {
    if rows == 1 { "1 row is".to_owned() } else { format!("{} rows are", grouped(rows)) }
}

fn headlines(summary: &Summary) -> Vec<Headline> {
    let Summary { facts, tally, .. } = summary;
    let (accepted, delivered, read) = (tally.accepted(), tally.delivered(), tally.of(State::Read));
    let rate = summary.achieved_rate().map_or_else(|| "–".to_owned(), rate_shown);
    let left_out = tally.rows() - tally.sendable();
    let headline = |name, value: String, note: String| Headline { name, value, note };
    vec![
        headline("Rows", grouped(tally.rows()), format!("{} of them not to be sent", grouped(left_out))),
        headline(
            "Accepted",
            grouped(accepted),
            format!("{} of the rows to be sent", share(accepted, tally.sendable())),
        ),
        headline("Delivered", grouped(delivered), format!("{} of those accepted", share(delivered, accepted))),
        headline("Read", grouped(read), format!("{} of those accepted", share(read, accepted))),
        headline("Achieved rate", rate, format!("limit {}", facts.rate_limit)),
        headline("Retries", grouped(summary.retries), format!("{} status requests", grouped(facts.polls))),
    ]
}

fn funnel(summary: &Summary) -> Vec<Bar> {
    let tally = &summary.tally;
    let rows = tally.rows();
    let steps = [
        ("Rows read", rows),
        ("To be sent", tally.sendable()),
        ("Accepted", tally.accepted()),
        ("Delivered", tally.delivered()),
        ("Read", tally.of(State::Read)),
    ];
    steps.into_iter().map(|(name, value)| bar(name, value, rows, share(value, rows))).collect()
}

fn state_line(state: State, rows: u64, all: u64) -> StateLine {
    let (tone, meaning) = match state {
        State::Pending => ("open", "not tried yet, or waiting for the next try"),
        State::Sending => ("open", "on its way to the provider, no outcome yet"),
        State::Accepted => ("good", "taken by the provider, no status yet"),
        State::Sent => ("good", "on its way to the recipient"),
        State::Delivered => ("good", "on the recipient’s device"),
        State::Read => ("good", "opened by the recipient"),
        State::Failed => ("bad", "accepted, and then not delivered"),
        State::Rejected => ("bad", "refused by the provider for good"),
        State::Exhausted => ("bad", "every try failed, and the tries are used up"),
        State::Uncertain => ("doubt", "may or may not have been accepted"),
        State::Invalid => ("out", "cannot become a message"),
        State::Duplicate => ("out", "the same number as an earlier row"),
        State::Suppressed => ("out", "on the suppression list"),
        State::Cancelled => ("out", "cancelled before it was tried"),
        State::Expired => ("out", "its last moment came before it was sent"),
    };
    StateLine {
        name: state.as_str(),
        meaning,
        tone,
        rows: grouped(rows),
        share: if rows == 0 { String::new() } else { share(rows, all) },
        none: rows == 0,
    }
}

fn times(name: &'static str, durations: &Durations) -> Option<Times> {
    let Spread { count, p50, p90, p99, max } = durations.spread();
    let buckets = durations.buckets();
    let most = buckets.iter().map(|(_, count)| *count).max()?;
    let spread = [("half within", p50), ("90 % within", p90), ("99 % within", p99), ("longest", max)]
        .into_iter()
        .filter_map(|(name, seconds)| Some((name, length(seconds?))))
        .collect();
    let bars = buckets.into_iter().map(|(name, rows)| bar(name, rows, most, share(rows, count))).collect();
    Some(Times { name, count: grouped(count), spread, bars })
}

#[expect(clippy::cast_precision_loss, reason = "a chart needs no more than 52 bits")]
fn over_time(summary: &Summary) -> Option<Chart> {
    let timeline = &summary.accepted_over_time;
    let buckets = timeline.buckets();
    let most = buckets.iter().map(|(_, count)| *count).max()?;
    let (from, to) = (buckets.first()?.0, buckets.last()?.0);
    let seconds = u64::try_from(timeline.width()).unwrap_or(1);
    let step = CHART.0 / buckets.len() as f64;
    let bars = buckets
        .iter()
        .enumerate()
        .filter(|(_, (_, count))| *count > 0)
        .map(|(index, (at, count))| {
            let height = (CHART.1 * *count as f64 / most as f64).max(1.0);
            ChartBar {
                x: format!("{:.2}", index as f64 * step),
                y: format!("{:.2}", CHART.1 - height),
                width: format!("{:.2}", (step * 0.85).min(40.0)),
                height: format!("{height:.2}"),
                title: format!("{}: {} accepted in {}", moment(*at), grouped(*count), length(seconds)),
            }
        })
        .collect();
    let peak = format!("{} in {}", grouped(most), length(seconds));
    let to = moment(to.plus(std::time::Duration::from_secs(seconds)));
    Some(Chart { width: CHART.0, height: CHART.1, bars, every: length(seconds), peak, from: moment(from), to })
}

#[expect(clippy::cast_precision_loss, reason = "a bar needs no more than 52 bits")]
fn bar(name: &'static str, value: u64, widest: u64, note: String) -> Bar {
    let width = if widest == 0 { 0.0 } else { 100.0 * value as f64 / widest as f64 };
    Bar { name, value: grouped(value), note, width: format!("{width:.2}") }
}

/// `2026-03-23 07:12:01`: a time for people; the page says once that all times are UTC.
fn moment(time: Millis) -> String {
    time.to_string().replace('T', " ").trim_end_matches('Z').to_owned()
}

/// `1,234,567`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `79.98/s`, `52,341/s`: decimals only where they say something.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rate is small and not negative")]
fn rate_shown(rate: f64) -> String {
    if rate < 1_000.0 { format!("{rate}/s") } else { format!("{}/s", grouped(rate.round() as u64)) }
}

/// `12.3 %`, rounded down, so that only all of them are 100 %.
fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "–".to_owned();
    }
    let per_mille = u128::from(part) * 1000 / u128::from(whole);
    if part > 0 && per_mille == 0 {
        return "<0.1 %".to_owned();
    }
    format!("{}.{} %", per_mille / 10, per_mille % 10)
}

/// `45 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`: the two largest units.
fn length(seconds: u64) -> String {
    const UNITS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    let first = UNITS.iter().position(|(unit, _)| *unit <= seconds).unwrap_or(UNITS.len() - 1);
    let (unit, name) = UNITS[first];
    let large = format!("{} {name}", seconds / unit);
    match UNITS.get(first + 1) {
        Some((next, small)) if seconds % unit / next > 0 => format!("{large} {} {small}", seconds % unit / next),
        _ => large,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped_by_thousands() {
        let shown = [0, 7, 999, 1_000, 12_345, 1_234_567, u64::MAX].map(grouped);
        assert_eq!(shown, ["0", "7", "999", "1,000", "12,345", "1,234,567", "18,446,744,073,709,551,615"]);
    }

    #[test]
    fn only_all_of_them_are_a_hundred_per_cent() {
        assert_eq!(share(0, 0), "–");
        assert_eq!(share(0, 5), "0.0 %");
        assert_eq!(share(1, 3), "33.3 %");
        assert_eq!(share(1, 10_000_000), "<0.1 %");
        assert_eq!(share(9_999_999, 10_000_000), "99.9 %");
        assert_eq!(share(u64::MAX, u64::MAX), "100.0 %");
    }

    #[test]
    fn lengths_are_said_in_two_units() {
        let shown = [0, 59, 60, 125, 3_600, 12_000, 187_200, 259_260].map(length);
        assert_eq!(shown, ["0 s", "59 s", "1 min", "2 min 5 s", "1 h", "3 h 20 min", "2 d 4 h", "3 d"]);
    }
}
