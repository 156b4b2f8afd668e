//! `report.html`: the figures of a run for people, in one file that needs no network.
//!
//! This module turns numbers into text and widths; the template decides how they look. The template escapes every
//! value, and the content security policy allows only the styles and the script of the file, so that text from a
//! provider or a recipient list cannot become markup. The page holds no phone numbers and no cells of rows.

mod chart;
mod funnel;
mod replies;
mod sections;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::summary::Summary;
use super::types::ReportError;
use super::wording::{contradicted, double_sends, moment};
use crate::model::{State, Tally};
use crate::text::escaped_lines;
use chart::Chart;
use funnel::FunnelStep;
use replies::Answers;
use sections::{CountryLine, Doubts, ErrorLine, Headline, Remark, StateLine, TimesSpread};

/// The styles of the pages: light, dark, on a phone and on paper.
pub const STYLES: &str = include_str!("page.css");

/// The script that sorts tables.
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
    zone: &'a str,
    in_short: String,
    only: Option<&'a str>,
    notices: Vec<Remark>,
    headlines: Vec<Headline>,
    message: &'a [(&'static str, String)],
    /// Rendered HTML.
    funnel: String,
    charts: Vec<Chart>,
    times: Vec<TimesSpread>,
    errors: Vec<ErrorLine>,
    errors_left_out: usize,
    contradicted: Option<String>,
    double_sends: Option<String>,
    doubts: Option<Doubts>,
    replies: Option<Answers>,
    countries: Vec<CountryLine>,
    /// Rendered HTML.
    states: String,
    figures: Vec<(&'static str, String)>,
    settings: &'a [(&'static str, String)],
}

/// Returns the figures as one self-contained HTML page.
///
/// # Errors
/// [`ReportError::Render`] when the template has a bug.
pub fn html(summary: &Summary) -> Result<String, ReportError> {
    render(include_str!("report.html"), &page(summary)?)
}

/// Returns the funnel as an HTML fragment that needs [`STYLES`].
///
/// # Errors
/// [`ReportError::Render`] when the template has a bug.
pub fn funnel(tally: &Tally) -> Result<String, ReportError> {
    #[derive(Serialize)]
    struct Alone {
        steps: Vec<FunnelStep>,
    }
    render(include_str!("funnel.html"), &Alone { steps: funnel::steps(tally) })
}

/// Returns a table of the states that rows are in, with their meaning, as an HTML fragment that needs [`STYLES`].
///
/// # Errors
/// [`ReportError::Render`] when the template has a bug.
pub fn states(tally: &Tally) -> Result<String, ReportError> {
    #[derive(Serialize)]
    struct Alone {
        states: Vec<StateLine>,
    }
    let states = State::ALL.into_iter().filter(|state| tally.of(*state) > 0);
    render(include_str!("states.html"), &Alone { states: states.map(|state| sections::state(state, tally)).collect() })
}

fn render(template: &str, page: &impl Serialize) -> Result<String, ReportError> {
    let rendered = || {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).keep_trailing_newline(true).build()?);
        // Control characters are shown as escapes.
        environment.set_formatter(|out, state, value| match value.as_str() {
            Some(text) if !value.is_safe() => {
                minijinja::escape_formatter(out, state, &Value::from(escaped_lines(text).as_ref()))
            }
            _ => minijinja::escape_formatter(out, state, value),
        });
        // The suffix `.html` turns escaping on.
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
        started: moment(&facts.zone, facts.started_at),
        finished: facts.finished_at.map(|at| moment(&facts.zone, at)),
        zone: facts.zone.name(),
        in_short: sections::in_short(summary),
        only: facts.only.as_deref(),
        notices: sections::notices(summary),
        headlines: sections::headlines(summary),
        message: &facts.message,
        funnel: funnel(tally)?,
        charts: [
            Chart::new(&facts.zone, "Accepted over time", ["accepted"], &summary.accepted_over_time, None),
            Chart::new(
                &facts.zone,
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
        double_sends: double_sends(facts.double_sends),
        doubts: sections::doubts(summary),
        replies: facts.replies.as_ref().and_then(|replies| replies::answers(replies, tally)),
        countries: sections::countries(summary),
        states: states(tally)?,
        figures: sections::figures(summary),
        settings: &facts.settings,
    })
}

/// Returns the hash of a style sheet or script, as a content security policy contains it. The page must include the
/// text byte for byte.
#[must_use]
pub fn source(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}
