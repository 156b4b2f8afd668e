//! NXLink's button events: the documented ones, with their required fields.

use serde_json::Value;

use crate::model::Finding;
use crate::text::nearest;

/// Each event with its required fields.
const EVENTS: &[(&str, &[&str])] =
    &[("tag", &["tagName"]), ("text", &["text"]), ("template", &["templateId", "templateName"])];
/// Every field of an event; `tagId` appears only in responses.
const FIELDS: &[&str] = &["event", "tagName", "tagId", "text", "templateId", "templateName"];

/// Returns the problems of an event.
pub(super) fn check(event: &Value, at: &str) -> Vec<Finding> {
    let names: Vec<&str> = EVENTS.iter().map(|(name, _)| *name).collect();
    let there_are = format!("use one of the events that NXLink documents: {}", names.join(", "));
    let Some(fields) = event.as_object() else {
        let message = "an event must consist of keys with values: `event` and its fields";
        return vec![Finding::error("bad_event", at, message).hint(there_are)];
    };
    let is_there = |key: &str| match fields.get(key) {
        Some(Value::String(text)) => !text.trim().is_empty(),
        // The documentation calls it text, but shows a number.
        Some(Value::Number(_)) => key == "templateId",
        _ => false,
    };
    let mut findings = Vec::new();
    let name = fields.get("event").and_then(Value::as_str);
    match (name, EVENTS.iter().find(|(known, _)| Some(*known) == name)) {
        (_, Some((name, needs))) => {
            for key in needs.iter().filter(|key| !is_there(key)) {
                let kind = if *key == "templateId" { "text or a number" } else { "text" };
                let message = format!("the event `{name}` needs `{key}`, which must be {kind}");
                findings.push(Finding::error("bad_event", format!("{at}.{key}"), message));
            }
        }
        (Some(name), None) => {
            let near = nearest(name, &names).map_or(there_are, |near| format!("did you mean `{near}`?"));
            findings
                .push(Finding::error("bad_event", format!("{at}.event"), format!("unknown event `{name}`")).hint(near));
        }
        (None, None) => {
            findings.push(Finding::error("bad_event", format!("{at}.event"), "`event` is missing").hint(there_are));
        }
    }
    for key in fields.keys().filter(|key| !FIELDS.contains(&key.as_str())) {
        let message = format!("NXLink does not document `{key}` for an event");
        let finding = Finding::warning("unknown_field", format!("{at}.{key}"), message);
        findings.push(match nearest(key, FIELDS) {
            Some(near) => finding.hint(format!("did you mean `{near}`?")),
            None => finding,
        });
    }
    findings
}
