//! RCS: templates with named parameters, texts and files. The documents give no maximum lengths, and no file types
//! except PDF for documents.

use super::files;
use super::node::JsonNode;
use super::violation::{Violation, ViolationKind};

/// Checks the content of a message.
pub(super) fn validate(message_type: &str, content: &JsonNode<'_, '_>) -> Result<(), Violation> {
    match message_type {
        "template" => template(content),
        "text" => content.text().map(drop),
        "document" => files::linked(content, &["pdf"]),
        _ => files::linked(content, &[]),
    }
}

/// Checks that a template has a name, and that its parameters are texts. Which parameters it needs is unknown here.
fn template(template: &JsonNode<'_, '_>) -> Result<(), Violation> {
    let name = template.require("name")?.text()?;
    let Some(parameters) = template.get("parameters") else { return Ok(()) };
    let check = || parameters.fields()?.try_for_each(|parameter| parameter.text().map(drop));
    check().map_err(|Violation { what, kind }| {
        // The documents show this message; an empty value counts as missing.
        let problem = if matches!(kind, ViolationKind::Missing) { "insufficient" } else { "invalid" };
        let what = format!("Template with the code [{name}] received with {problem} custom params: {what}");
        Violation { kind: ViolationKind::CustomParams, what }
    })
}
