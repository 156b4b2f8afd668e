//! Checks a whole body, or a campaign's message, against the schema of its channel.

use serde_json::Value;

use super::check::Check;
use super::text;
use crate::message::path::Path;
use crate::message::schema;
use crate::message::schema::describe;
use crate::message::translate;
use crate::model::{Channel, Finding, MessageProblem, ProviderApi};

/// The code of the warning that a message reaches only people who wrote within the last 24 hours. It depends on the
/// kind of message, so it is the same for every row of a campaign.
pub const SESSION_ONLY: &str = "session_only";

/// Returns all findings for a complete body, including `to`: first for existing values, from the top, then for missing
/// ones. Allocates nothing if there are none.
#[must_use]
pub fn check(api: ProviderApi, channel: Channel, body: &Value) -> Vec<Finding> {
    check_body(api, channel, body, Check::new(false)).findings
}

/// Returns the findings for a campaign's message that do not depend on the row: it has no `to`, and a text with `{{`,
/// `{%` or `{#` is assumed to become valid. The message is [`translate`](crate::message::translate)d.
#[must_use]
pub fn check_message(api: ProviderApi, channel: Channel, message: &Value) -> Vec<Finding> {
    let mut findings = check_body(api, channel, message, Check::new(true)).findings;
    for finding in &mut findings {
        if let Some(problem) = finding.of_message.as_deref_mut()
            && let MessageProblem::UnknownKind { elsewhere, .. } = problem
        {
            *elsewhere = known_elsewhere(api, channel, message);
            finding.hint = problem.hint();
        }
    }
    findings
}

/// Returns the other APIs that know every kind in a message.
fn known_elsewhere(api: ProviderApi, channel: Channel, message: &Value) -> Vec<String> {
    let is_unknown =
        |finding: &Finding| matches!(finding.of_message.as_deref(), Some(MessageProblem::UnknownKind { .. }));
    let others = ProviderApi::ALL.into_iter().filter(|other| *other != api && other.channels().contains(&channel));
    let knows = |other: &ProviderApi| {
        let message = translate(*other, channel, message);
        !check_body(*other, channel, &message, Check::new(true)).findings.iter().any(is_unknown)
    };
    others.filter(knows).map(|other| other.title().to_owned()).collect()
}

pub(in crate::message) fn check_body(api: ProviderApi, channel: Channel, body: &Value, mut check: Check) -> Check {
    let sheet = schema::sheet(api, channel);
    check.default_kind = sheet.default_kind;
    text::characters(&mut check, body, &Path::Root);
    let Some(map) = body.as_object() else {
        check.error(&Path::Root, MessageProblem::NoObject(describe::kind_of(body)));
        return check;
    };
    let kind = check.object(&sheet.body, map, &Path::Root);
    if let (Some(kind), Some(at_any_time)) = (kind, sheet.at_any_time)
        && !at_any_time.contains(&kind.name)
    {
        let problem = MessageProblem::SessionOnly {
            channel: sheet.title.to_owned(),
            kind: kind.name.to_owned(),
            others: describe::names(at_any_time.iter().copied()),
        };
        check.warning(&Path::Root.key("type"), problem).value = Some(kind.name.to_owned());
    }
    check
}
