//! Which examples a definition lacks. Whether one is needed is for each provider's document to say.

use super::super::definition::{Body, Button, ButtonKind, Component, Examples, Header};
use crate::model::Finding;
use crate::template::placeholders::names;

/// An example that is not there.
pub(crate) struct Lacking {
    /// Whether a button lacks it; else a text does.
    pub(crate) of_button: bool,
    /// What to say of it, as a warning.
    pub(crate) finding: Finding,
}

/// The examples that these components lack.
pub(crate) fn lacking(components: &[Component], at: &str) -> Vec<Lacking> {
    let mut found = Vec::new();
    for (index, component) in components.iter().enumerate() {
        let at = format!("{at}[{index}]");
        match component {
            Component::Header(Header { text: Some(text), example, .. })
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
        let message = format!("there is no example for the variable {{{{{name}}}}}");
        let hint = "WhatsApp's reviewers want to see one, such as `example: [Ana]` or `example: {first_name: Ana}`";
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
            "an address with a variable needs an example",
            "write the whole address with a value in it: `example: [https://www.example.com/shop]`",
        ),
        (ButtonKind::CopyCode, _) => {
            ("a button of the type COPY_CODE needs a code as its example", "write `example: SPRING25`")
        }
        _ => return None,
    };
    let finding = Finding::warning("missing_example", at, message).hint(hint);
    Some(Lacking { of_button: true, finding })
}
