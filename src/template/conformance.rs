//! Compares a rendered message with the definition of its template, to find what the provider would refuse only when
//! sending.
//!
//! It compares the name and language, the parts, the number, kinds and names of parameters, the buttons and their
//! indexes, the number of cards, and the lengths of the filled-in texts. It does not check the format of the message,
//! and skips what it cannot read.

use serde_json::Value;

use super::definition::{
    Button, ButtonKind, Category, Component, Definition, HeaderComponent, HeaderFormat, body_of, buttons_of, header_of,
};
use super::placeholders::{fill, is_position, names};
use super::rules::{BODY, BODY_WITH_OFFER, CARD_BODY, LINE, URL};
use crate::model::{Mismatch, Part};

/// A mismatch between a message and its template, with both places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// The mismatch.
    pub mismatch: Mismatch,
    /// The path in the message: `template.components[0].parameters[1].text`. For something missing, where it should be.
    pub message_path: String,
    /// The path in the definition: `components[1].text`; see [`super::Loaded::places`] for its line and column.
    pub template_path: String,
}

impl Definition {
    /// Compares a rendered WhatsApp message with this template; returns nothing if it is not a template message.
    #[must_use]
    pub fn hold(&self, message: &Value) -> Vec<Disagreement> {
        let mut comparison = Comparison::default();
        let Some(template) = message.get("template").and_then(Value::as_object) else { return comparison.found };
        if let Some(name) = template.get("name").and_then(Value::as_str).filter(|name| *name != self.name) {
            let mismatch = Mismatch::Name { message: name.to_owned(), template: self.name.clone() };
            comparison.add(mismatch, "template.name", "name");
        }
        let language = template.get("language");
        let code = language.and_then(|language| language.as_str().or_else(|| language.get("code")?.as_str()));
        if let Some(code) = code.filter(|code| *code != self.language) {
            let mismatch = Mismatch::Language { message: code.to_owned(), template: self.language.clone() };
            comparison.add(mismatch, "template.language", "language");
        }
        let authentication = self.category == Category::Authentication;
        if template.contains_key("code") {
            if !authentication {
                let mismatch = Mismatch::NotAuthentication(self.category.as_str().to_owned());
                comparison.add(mismatch, "template.code", "category");
            }
            // The provider fills in the parts from the code.
            return comparison.found;
        }
        let none = Vec::new();
        let components = template.get("components").and_then(Value::as_array).unwrap_or(&none);
        if authentication {
            if components.is_empty() {
                comparison.add(Mismatch::CodeMissing, "template", "category");
            }
            return comparison.found;
        }
        let most = if self.offer().is_some() { BODY_WITH_OFFER } else { BODY };
        comparison.parts(components, "template.components", &self.components, "components", most);
        comparison.offer(components, self);
        comparison.cards(components, self);
        comparison.found
    }
}

#[derive(Default)]
struct Comparison {
    found: Vec<Disagreement>,
}

/// The parameters of a component of the message, and their place.
struct Given<'m> {
    list: &'m [Value],
    at: String,
}

/// Returns the component of this type in a message, with its index.
fn part<'m>(components: &'m [Value], kind: &str) -> Option<(usize, &'m Value)> {
    let is = |value: &Value| value["type"].as_str().is_some_and(|found| found.eq_ignore_ascii_case(kind));
    components.iter().enumerate().find(|(_, value)| is(value))
}

impl Comparison {
    fn add(&mut self, mismatch: Mismatch, message: impl Into<String>, template: impl Into<String>) {
        let (message_path, template_path) = (message.into(), template.into());
        self.found.push(Disagreement { mismatch, message_path, template_path });
    }

    /// Compares header, body and buttons of the message or a card.
    fn parts(&mut self, given: &[Value], at: &str, wanted: &[Component], template: &str, body_most: usize) {
        let parameters = |kind: &str| match part(given, kind) {
            Some((index, value)) => Given {
                list: value["parameters"].as_array().map_or(&[], Vec::as_slice),
                at: format!("{at}[{index}].parameters"),
            },
            None => Given { list: &[], at: at.to_owned() },
        };
        let header = parameters("header");
        match header_of(wanted) {
            Some((index, wanted)) => self.header(&header, wanted, &format!("{template}[{index}]")),
            None if !header.list.is_empty() => {
                self.add(Mismatch::NoHeader, header.at, template);
            }
            None => {}
        }
        let body = parameters("body");
        match body_of(wanted).and_then(|(index, body)| Some((index, body.text.as_ref()?))) {
            Some((index, text)) => {
                self.text(&body, text, &format!("{template}[{index}].text"), Part::Body, body_most);
            }
            None if !body.list.is_empty() => {
                self.add(Mismatch::NoBody, body.at, template);
            }
            None => {}
        }
        let (place, buttons) = buttons_of(wanted).unwrap_or_default();
        self.buttons(given, at, buttons, &format!("{template}[{place}].buttons"));
    }

    fn header(&mut self, given: &Given<'_>, wanted: &HeaderComponent, template: &str) {
        if wanted.format == HeaderFormat::Text {
            let text = wanted.text.as_deref().unwrap_or_default();
            return self.text(given, text, &format!("{template}.text"), Part::Header, LINE);
        }
        let kind = wanted.format.as_str().to_lowercase();
        match given.list.first().map(|parameter| parameter["type"].as_str().unwrap_or_default()) {
            None => self.add(Mismatch::HeaderMissing(kind), given.at.as_str(), template),
            Some(found) if found != kind => {
                let path = format!("{}[0].type", given.at);
                let format = wanted.format.as_str().to_owned();
                let mismatch = Mismatch::HeaderKind { message: found.to_owned(), template: format };
                self.add(mismatch, path, format!("{template}.format"));
            }
            Some(_) => {}
        }
    }

    /// Compares a text and its values: number, kinds, names and resulting length.
    fn text(&mut self, given: &Given<'_>, text: &str, template: &str, part: Part, most: usize) {
        let variables = names(text);
        if given.list.len() != variables.len() {
            let (variables, parameters) = (variables.len(), given.list.len());
            let mismatch = Mismatch::ParameterCount { part, variables, parameters };
            return self.add(mismatch, given.at.as_str(), template);
        }
        let mut values: Vec<(&str, &str)> = Vec::new();
        for (index, parameter) in given.list.iter().enumerate() {
            let at = format!("{}[{index}]", given.at);
            let kind = parameter["type"].as_str().unwrap_or_default();
            let value = match (kind, part) {
                ("text", _) => &parameter["text"],
                ("currency", Part::Body) => &parameter["currency"]["fallback_value"],
                ("date_time", Part::Body) => &parameter["date_time"]["fallback_value"],
                _ => {
                    let mismatch = Mismatch::ParameterKind { part, kind: kind.to_owned() };
                    self.add(mismatch, format!("{at}.type"), template);
                    continue;
                }
            };
            match variable(&variables, parameter, index) {
                Ok(name) => values.push((name, value.as_str().unwrap_or_default())),
                Err(name) => {
                    let mismatch = Mismatch::ParameterName { part, name: name.to_owned() };
                    self.add(mismatch, format!("{at}.parameter_name"), template);
                }
            }
        }
        let value_of = |name: &str| values.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let chars = fill(text, value_of).chars().count();
        if chars > most && values.len() == variables.len() {
            self.add(Mismatch::TooLong { part, chars, most }, given.at.as_str(), template);
        }
    }

    fn buttons(&mut self, given: &[Value], at: &str, wanted: &[Button], template: &str) {
        let mut seen = Vec::new();
        for (place, value) in given.iter().enumerate() {
            if !value["type"].as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("button")) {
                continue;
            }
            let at = format!("{at}[{place}]");
            let index = value["index"].as_u64().or_else(|| value["index"].as_str()?.parse().ok());
            let Some(index) = index.and_then(|index| usize::try_from(index).ok()) else { continue };
            let Some(button) = wanted.get(index) else {
                let mismatch = Mismatch::ButtonIndex { index, buttons: wanted.len() };
                self.add(mismatch, format!("{at}.index"), template);
                continue;
            };
            seen.push(index);
            let template = format!("{template}[{index}]");
            let kind = value["sub_type"].as_str().unwrap_or_default();
            if !kind.eq_ignore_ascii_case(button.kind.as_str()) {
                let (message, of_template) = (kind.to_owned(), button.kind.as_str().to_owned());
                let mismatch = Mismatch::ButtonKind { index, message, template: of_template };
                self.add(mismatch, format!("{at}.sub_type"), format!("{template}.type"));
                continue;
            }
            let parameters = value["parameters"].as_array().map_or(&[][..], Vec::as_slice);
            self.button(button, index, parameters, &at, &template);
        }
        for (index, button) in
            wanted.iter().enumerate().filter(|(index, button)| !seen.contains(index) && needs_a_value(button))
        {
            let mismatch = Mismatch::ButtonMissing { index, kind: button.kind.as_str().to_owned() };
            self.add(mismatch, at, format!("{template}[{index}]"));
        }
    }

    fn button(&mut self, button: &Button, index: usize, parameters: &[Value], at: &str, template: &str) {
        if needs_a_value(button) && parameters.is_empty() {
            let mismatch = Mismatch::ButtonMissing { index, kind: button.kind.as_str().to_owned() };
            self.add(mismatch, at, template);
        }
        let Some(url) = button.url.as_deref().filter(|_| !parameters.is_empty()) else { return };
        let variables = names(url);
        if variables.is_empty() {
            return self.add(Mismatch::ButtonStatic(index), format!("{at}.parameters"), format!("{template}.url"));
        }
        if let Some(name) = parameters[0]["parameter_name"].as_str().filter(|name| !variables.contains(name)) {
            let path = format!("{at}.parameters[0].parameter_name");
            let mismatch = Mismatch::ParameterName { part: Part::Address(index), name: name.to_owned() };
            self.add(mismatch, path, format!("{template}.url"));
        }
        let value = parameters[0]["text"].as_str().unwrap_or_default();
        if let Some(mismatch) = wrong_rest(url, value, index) {
            self.add(mismatch, format!("{at}.parameters[0].text"), format!("{template}.url"));
        }
        if value.contains("&amp;") {
            let mismatch = Mismatch::EscapedInUrl(index);
            self.add(mismatch, format!("{at}.parameters[0].text"), format!("{template}.url"));
        }
        let chars = fill(url, |_| Some(value)).chars().count();
        if chars > URL {
            let mismatch = Mismatch::TooLong { part: Part::Address(index), chars, most: URL };
            self.add(mismatch, format!("{at}.parameters[0].text"), format!("{template}.url"));
        }
    }

    fn offer(&mut self, given: &[Value], definition: &Definition) {
        let message = part(given, "limited_time_offer");
        match (definition.offer(), message) {
            (None, Some((index, _))) => {
                let path = format!("template.components[{index}]");
                self.add(Mismatch::NoOffer, path, "components");
            }
            (Some((index, offer)), None) if offer.has_expiration == Some(true) => {
                self.add(Mismatch::OfferMissing, "template.components", format!("components[{index}]"));
            }
            _ => {}
        }
    }

    fn cards(&mut self, given: &[Value], definition: &Definition) {
        let message = part(given, "carousel");
        let (place, wanted) = match (definition.cards(), message) {
            (Some(cards), _) => cards,
            (None, Some((index, _))) => {
                let path = format!("template.components[{index}]");
                return self.add(Mismatch::NoCarousel, path, "components");
            }
            (None, None) => return,
        };
        let template = format!("components[{place}].cards");
        let (at, cards) = match message {
            Some((index, value)) => (
                format!("template.components[{index}].cards"),
                value["cards"].as_array().map_or(&[][..], Vec::as_slice),
            ),
            None => ("template.components".to_owned(), &[][..]),
        };
        if cards.len() != wanted.len() {
            let mismatch = Mismatch::CardCount { template: wanted.len(), message: cards.len() };
            return self.add(mismatch, at, template);
        }
        for (position, card) in cards.iter().enumerate() {
            let index = card["card_index"].as_u64().and_then(|index| usize::try_from(index).ok()).unwrap_or(position);
            let Some(wanted) = wanted.get(index) else { continue };
            let components = card["components"].as_array().map_or(&[][..], Vec::as_slice);
            let at = format!("{at}[{position}].components");
            self.parts(components, &at, &wanted.components, &format!("{template}[{index}].components"), CARD_BODY);
        }
    }
}

/// Returns what is wrong with the value for the rest of a URL.
fn wrong_rest(url: &str, value: &str, index: usize) -> Option<Mismatch> {
    let start = url.split("{{").next().unwrap_or_default();
    let server = |url: &str| {
        let (scheme, rest) = url.split_once("://")?;
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        ["http", "https"].iter().any(|web| scheme.eq_ignore_ascii_case(web)).then(|| host.to_lowercase())
    };
    if let Some(host) = server(value.trim_start()) {
        let is_same = server(start).is_some_and(|own| own == host);
        return Some(Mismatch::UrlInUrl { index, start: start.to_owned(), is_same });
    }
    if value.contains(char::is_whitespace) {
        return Some(Mismatch::SpaceInUrl(index));
    }
    (start.ends_with('/') && value.starts_with('/')).then_some(Mismatch::DoubleSlash(index))
}

/// Whether each message must have a parameter for this button.
fn needs_a_value(button: &Button) -> bool {
    match button.kind {
        ButtonKind::Url => button.url.as_deref().is_some_and(|url| !names(url).is_empty()),
        ButtonKind::CopyCode | ButtonKind::Mpm => true,
        _ => false,
    }
}

/// Returns the variable that a parameter is for, or the parameter's name if the text has no such variable.
///
/// Without a name, the position counts, as INCS documents it: named variables are in the order in which the text first
/// uses them.
fn variable<'t, 'm>(variables: &[&'t str], parameter: &'m Value, index: usize) -> Result<&'t str, &'m str> {
    let named = variables.iter().any(|name| !is_position(name));
    let position = (index + 1).to_string();
    let found = match parameter["parameter_name"].as_str() {
        Some(name) => return variables.iter().find(|variable| named && **variable == name).copied().ok_or(name),
        None if named => variables.get(index),
        None => variables.iter().find(|variable| **variable == position),
    };
    found.copied().ok_or("")
}
