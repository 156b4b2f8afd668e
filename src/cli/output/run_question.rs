//! What `run` shows on a terminal before it asks: how many messages, from which account, which template, at which rate,
//! when the last one leaves, and who is left out.

use crate::cli::config::Account;
use crate::cli::output::problem_report::ProblemReport;
use crate::cli::session::load;
use crate::engine;
use crate::model::{Campaign, Millis};
use crate::send_window::local;
use crate::store::Location;
use crate::text;

/// Returns the lines above the question, without text from the list.
pub(in crate::cli) fn lines(
    report: &ProblemReport<'_>,
    campaign: &Campaign,
    account: &Account,
    limit: Option<u64>,
    new_store: Option<&Location>,
) -> Vec<String> {
    let sendable = report.checked.sendable();
    let mut lines = Vec::new();
    let mut line = |name: &str, value: String| lines.push(format!("  {name:<9} {value}"));
    line("message", message(campaign));
    line("account", format!("{} ({})", campaign.provider, account.endpoint.host()));
    line("rate", text::rate((campaign.dispatch.rate, campaign.dispatch.per)));
    let limited = limit.filter(|limit| *limit < sendable);
    if let Some(limit) = limited {
        line("limit", format!("{} now; `resume` sends the rest", text::count(limit, "message")));
    }
    let last = engine::sent_by(limited.unwrap_or(sendable), Millis::now(), report.checked, campaign);
    let last = last.map_or_else(
        || "cannot be estimated".to_owned(),
        |last| format!("at about {}", local(last, campaign.timing.timezone.as_deref())),
    );
    let limits = load::limits_in_words(&campaign.timing).join(", ");
    line("finishes", if limits.is_empty() { last } else { format!("{last} ({limits})") });
    if let Some(store) = new_store {
        line("store", format!("{store} (new: it knows no earlier run, and nobody is suppressed)"));
    }
    lines
}

/// Returns the question.
pub(in crate::cli) fn question(report: &ProblemReport<'_>, limit: Option<u64>) -> String {
    let sendable = report.checked.sendable();
    format!("Send {}?", text::count(limit.unwrap_or(sendable).min(sendable), "message"))
}

fn message(campaign: &Campaign) -> String {
    let template = campaign.message.get("template");
    // A language is a text, or an object with a `code`.
    let part = |key: &str| {
        let value = template?.get(key)?;
        value.as_str().or_else(|| value.get("code")?.as_str())
    };
    let kind = campaign.message.get("type").and_then(|kind| kind.as_str()).unwrap_or("message");
    match (part("name"), part("language")) {
        (Some(name), Some(language)) => format!("{} template `{name}` in {language}", campaign.channel),
        (Some(name), None) => format!("{} template `{name}`", campaign.channel),
        (None, _) => format!("{} {kind}", campaign.channel),
    }
}
