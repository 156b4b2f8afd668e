//! `report.html`: the figures of a run for people, in one file that needs no network.
//!
//! Numbers become text and widths here; how it looks is the template's matter. The template escapes every value, and
//! the page's own policy lets nothing run or load but what is in the file from the start, so that nothing a provider or
//! a recipient list says can become markup. No number of a person and no cell of a row is in it.

mod chart;
mod funnel;
mod replies;
mod sections;
mod wording;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::summary::Summary;
use super::types::ReportError;
use crate::model::{State, Tally};
use crate::text;
use crate::text::escaped_lines;
use chart::Chart;
use funnel::FunnelStep;
use replies::Answers;
use sections::{CountryLine, Doubts, ErrorLine, Headline, Remark, StateLine, TimesSpread};
use wording::moment;

/// How the pages look: light, dark, on a phone and on paper. Its names are those of the templates beside it.
pub const STYLES: &str = include_str!("page.css");

/// Tables are sorted by their heads.
const SCRIPT: &str = include_str!("page.js");

/// Error codes shown; all of them are in `summary.json`.
const ERRORS_SHOWN: usize = 50;

#[derive(Serialize)]
struct Page<'a> {
    styles: &'static str,
    script: &'static str,
    styles_hash: String,
    script_hash: String,
    campaign: &'a str,
    run: String,
    provider: &'a str,
    channel: &'a str,
    started: String,
    finished: Option<String>,
    in_short: String,
    only: Option<&'a str>,
    notices: Vec<Remark>,
    headlines: Vec<Headline>,
    /// HTML already.
    funnel: String,
    charts: Vec<Chart>,
    times: Vec<TimesSpread>,
    errors: Vec<ErrorLine>,
    errors_left_out: usize,
    contradicted: Option<String>,
    doubts: Option<Doubts>,
    replies: Option<Answers>,
    countries: Vec<CountryLine>,
    /// HTML already.
    states: String,
    settings: &'a [(&'static str, String)],
}

/// The figures as one self-contained HTML page.
///
/// # Errors
/// [`ReportError::Render`] if the page's template has a defect.
pub fn html(summary: &Summary) -> Result<String, ReportError> {
    render(include_str!("report.html"), &page(summary)?)
}

/// The funnel alone, as a piece of HTML that is shown with [`STYLES`].
///
/// # Errors
/// [`ReportError::Render`] if its template has a defect.
pub fn funnel(tally: &Tally) -> Result<String, ReportError> {
    #[derive(Serialize)]
    struct Alone {
        steps: Vec<FunnelStep>,
    }
    render(include_str!("funnel.html"), &Alone { steps: funnel::steps(tally) })
}

/// How many rows are in each state and what that means, as a table that is shown with [`STYLES`].
///
/// # Errors
/// [`ReportError::Render`] if its template has a defect.
pub fn states(tally: &Tally) -> Result<String, ReportError> {
    #[derive(Serialize)]
    struct Alone {
        states: [StateLine; State::ALL.len()],
    }
    render(include_str!("states.html"), &Alone { states: State::ALL.map(|state| sections::state(state, tally)) })
}

/// Says how many messages were reported both as failed and as delivered; `None` if none was.
#[must_use]
pub fn contradicted(rows: u64) -> Option<String> {
    let words = "reported both as failed and as delivered, counted as delivered; recipients.csv shows the error";
    (rows > 0).then(|| format!("{} {words}", text::count(rows, "message")))
}

fn render(template: &str, page: &impl Serialize) -> Result<String, ReportError> {
    let rendered = || {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).keep_trailing_newline(true).build()?);
        // What would act on the text around it is shown as an escape.
        environment.set_formatter(|out, state, value| match value.as_str() {
            Some(text) if !value.is_safe() => {
                minijinja::escape_formatter(out, state, &Value::from(escaped_lines(text).as_ref()))
            }
            _ => minijinja::escape_formatter(out, state, value),
        });
        // The name's ending is what turns escaping on.
        environment.add_template("page.html", template)?;
        environment.get_template("page.html")?.render(Value::from(Serde(page)))
    };
    rendered().map_err(|source| ReportError::Render { source })
}

fn page(summary: &Summary) -> Result<Page<'_>, ReportError> {
    let Summary { facts, tally, .. } = summary;
    let (errors, errors_left_out) = sections::errors(summary, ERRORS_SHOWN);
    Ok(Page {
        styles: STYLES,
        script: SCRIPT,
        styles_hash: source(STYLES),
        script_hash: source(SCRIPT),
        campaign: facts.run.name(),
        run: facts.run.to_string(),
        provider: &facts.provider,
        channel: facts.channel.as_str(),
        started: moment(facts.started_at),
        finished: facts.finished_at.map(moment),
        in_short: sections::in_short(summary),
        only: facts.only.as_deref(),
        notices: sections::notices(summary),
        headlines: sections::headlines(summary),
        funnel: funnel(tally)?,
        charts: [
            Chart::new("Accepted over time", ["accepted"], &summary.accepted_over_time, None),
            Chart::new(
                "Delivered and read over time",
                ["delivered", "read"],
                &summary.arrived_over_time,
                sections::without_a_time(summary),
            ),
        ]
        .into_iter()
        .flatten()
        .collect(),
        times: [("Time to deliver", &summary.to_deliver), ("Time to read", &summary.to_read)]
            .into_iter()
            .filter_map(|(name, durations)| sections::times(name, durations))
            .collect(),
        errors,
        errors_left_out,
        contradicted: contradicted(summary.contradicted),
        doubts: sections::doubts(summary),
        replies: facts.replies.as_ref().and_then(|replies| replies::answers(replies, tally)),
        countries: sections::countries(summary),
        states: states(tally)?,
        settings: &facts.settings,
    })
}

/// A text as a page's policy names it. The text stands between its tags as it is, without a byte more.
#[must_use]
pub fn source(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}
