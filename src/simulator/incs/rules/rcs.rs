//! RCS: templates with parameters by their names, texts and files. The documents name no lengths, and of files only
//! that documents are PDF.

use super::files;
use super::node::Node;
use super::violation::{Fault, Flaw};

/// Judges what is inside a message.
pub(super) fn judge(kind: &str, content: &Node<'_, '_>) -> Result<(), Fault> {
    match kind {
        "template" => template(content),
        "text" => content.text().map(drop),
        "document" => files::linked(content, &["pdf"]),
        _ => files::linked(content, &[]),
    }
}

/// A name, and texts by names: which of them the template asks for is not known here.
fn template(template: &Node<'_, '_>) -> Result<(), Fault> {
    let name = template.need("name")?.text()?;
    let Some(parameters) = template.get("parameters") else { return Ok(()) };
    let all = || parameters.fields()?.try_for_each(|parameter| parameter.text().map(drop));
    all().map_err(|Fault { what, flaw }| {
        // An empty value counts as none; the documents show what is said then.
        let kind = if matches!(flaw, Flaw::Missing) { "insufficient" } else { "invalid" };
        let what = format!("Template with the code [{name}] received with {kind} custom params: {what}");
        Fault { flaw: Flaw::CustomParams, what }
    })
}
