//! Finds missing examples of a definition. Each provider's module decides whether one is needed.

use super::super::definition::{Body, Button, ButtonKind, Component, Examples, HeaderComponent};
use crate::model::Finding;
use crate::template::placeholders::names;

/// A missing example.
pub(crate) struct Lacking {
    /// Whether a button lacks it, rather than a text.
    pub(crate) of_button: bool,
    /// The finding, as a warning.
    pub(crate) finding: Finding,
}

/// Returns the missing examples of these components.
pub(crate) fn lacking(components: &[Component], at: &str) -> Vec<Lacking> {
    let mut found = Vec::new();
    for (index, component) in components.iter().enumerate() {
        let at = format!("{at}[{index}]");
        match component {
            Component::Header(HeaderComponent { text: Some(text), example, .. })
            | Component::Body(Body { text: Some(text), example, .. }) => of_text(text, example, &at, &mut found),
            Component::Buttons { buttons } => {
                let buttons = buttons.iter().enumerate();
                found.extend(buttons.filter_map(|(index, button)| of_button(button, format!("{at}.buttons[{index}]"))));
            }
            Component::Carousel { cards } => {
                for (index, card) in cards.iter().enumerate() {
                    found.extend(lacking(&card.components, &format!("{at}.cards[{index}].components")));
                }
            }
            _ => {}
        }
    }
    found
}

fn of_text(text: &str, examples: &Examples, at: &str, found: &mut Vec<Lacking>) {
    let is_there = |name: &str| examples.of(name).is_some_and(|example| !example.trim().is_empty());
    for name in names(text).into_iter().filter(|name| !is_there(name)) {
        let message = format!("the variable {{{{{name}}}}} has no example");
        let hint = "WhatsApp's reviewers need one; add `example: [Ana]` or `example: {first_name: Ana}`";
        let finding = Finding::warning("missing_example", at, message).hint(hint);
        found.push(Lacking { of_button: false, finding });
    }
}

fn of_button(button: &Button, at: String) -> Option<Lacking> {
    if button.example.iter().any(|example| !example.trim().is_empty()) {
        return None;
    }
    let (message, hint) = match (button.kind, button.url.as_deref()) {
        (ButtonKind::Url, Some(url)) if !names(url).is_empty() => (
            "a URL with a variable needs an example",
            "write the full URL with a value filled in: `example: [https://www.example.com/shop]`",
        ),
        (ButtonKind::CopyCode, _) => {
            ("a button of type COPY_CODE needs a code as its example", "add `example: SPRING25`")
        }
        _ => return None,
    };
    let finding = Finding::warning("missing_example", at, message).hint(hint);
    Some(Lacking { of_button: true, finding })
}
