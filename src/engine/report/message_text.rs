//! What a campaign says, for its report: the text of its message or template, with placeholders.

use serde_json::Value;

use crate::template::{Definition, Snapshot};

/// Where messages without a template have text: the part's name, and the places of its text.
const TEXTS: [(&str, &[&str]); 4] = [
    ("header", &["/interactive/header/text"]),
    (
        "text",
        &["/text/body", "/text", "/interactive/body/text", "/image/caption", "/video/caption", "/document/caption"],
    ),
    ("footer", &["/interactive/footer/text"]),
    ("button", &["/button/text", "/button/caption", "/interactive/action/parameters/display_text"]),
];

/// Returns the parts of a message. The text of its template is known if `snapshot`, what the store has of it, holds
/// one.
pub(super) fn of(message: &Value, snapshot: Option<&str>) -> Vec<(&'static str, String)> {
    let text = |place: &&str| message.pointer(place).and_then(|text| text.as_str()).map(str::to_owned);
    let mut parts = Vec::new();
    if let Some(name) = text(&"/template/name") {
        let language = text(&"/template/language/code").or_else(|| text(&"/template/language"));
        let language = language.map(|language| format!(" ({language})")).unwrap_or_default();
        parts.push(("template", format!("{name}{language}")));
    }
    match snapshot.and_then(Snapshot::from_text).and_then(|snapshot| snapshot.definition) {
        Some(definition) => of_template(&definition, &mut parts),
        None => {
            parts.extend(TEXTS.iter().filter_map(|(name, places)| Some((*name, places.iter().find_map(text)?))));
        }
    }
    parts
}

fn of_template(definition: &Definition, parts: &mut Vec<(&'static str, String)>) {
    let header = definition.header().and_then(|(_, header)| header.text.clone());
    let body = definition.body().and_then(|(_, body)| body.text.clone());
    let footer = definition.footer().and_then(|(_, footer)| footer.text.clone());
    let texts = [("header", header), ("text", body), ("footer", footer)];
    parts.extend(texts.into_iter().filter_map(|(name, text)| Some((name, text?))));
    let buttons = definition.buttons().map(|(_, buttons)| buttons).unwrap_or_default();
    parts.extend(buttons.iter().filter_map(|button| Some(("button", button.text.clone()?))));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_shown_with_its_placeholders() {
        let message = json!({"type": "text", "text": "Hello {{ name }}"});
        assert_eq!(of(&message, None), [("text", "Hello {{ name }}".to_owned())]);
        let message = json!({"type": "text", "text": {"body": "Hello"}});
        assert_eq!(of(&message, None), [("text", "Hello".to_owned())]);
    }

    #[test]
    fn a_template_is_shown_with_the_text_that_is_stored_with_the_run() {
        let message = json!({"type": "template", "template": {"name": "sale", "language": {"code": "en"}}});
        assert_eq!(of(&message, None), [("template", "sale (en)".to_owned())]);
        let snapshot = json!({
            "provider": "nxlink", "account": "a", "at": 0, "complete": true,
            "template": {"id": "1", "name": "sale", "language": "en", "status": "approved", "sendable": true,
                         "category": "MARKETING"},
            "definition": {"name": "sale", "language": "en", "category": "MARKETING", "components": [
                {"type": "BODY", "text": "Hello {{1}}", "example": {"1": "Ana"}},
                {"type": "FOOTER", "text": "Bye"},
                {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Yes"}]},
            ]},
        });
        let expected = [("template", "sale (en)"), ("text", "Hello {{1}}"), ("footer", "Bye"), ("button", "Yes")];
        assert_eq!(of(&message, Some(&snapshot.to_string())), expected.map(|(name, text)| (name, text.to_owned())));
    }
}
