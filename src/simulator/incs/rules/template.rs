//! WhatsApp templates, which the provider passes on to Meta. Refuses what no template takes.
//!
//! The simulator has no templates. It accepts any name, and any number and kinds of parameters.

use super::buttons::{self, check_whitespace, only_parameter, value};
use super::cards;
use super::files;
use super::node::JsonNode;
use super::violation::{Violation, ViolationKind};

const MAX_NAME: usize = 512;
/// Most characters of a header's parameter: the limit of the whole header.
const MAX_HEADER: usize = 60;
/// Most characters of a body's parameters together: the limit of the whole body.
const MAX_BODY: usize = 1024;
const MAX_BUTTONS: usize = 10;
const MAX_CARD_BUTTONS: usize = 2;
/// A time in the year 2001. A time in seconds is always below it.
const MIN_MILLISECONDS: f64 = 1e12;

/// Checks a template message.
pub(super) fn validate(template: &JsonNode<'_, '_>) -> Result<(), Violation> {
    name(&template.require("name")?)?;
    if let Some(code) = template.get("code") {
        code.text_up_to(buttons::MAX_CODE)?;
    }
    let Some(components) = template.get("components") else { return Ok(()) };
    let mut found = Components::default();
    for component in components.items(0..=usize::MAX)? {
        let types = ["header", "body", "button", "carousel", "limited_time_offer"];
        match component.word_in_any_case("type", &types)? {
            "carousel" => {
                check_only_one(&mut found.carousel, &component)?;
                carousel(&component)?;
            }
            "limited_time_offer" => {
                check_only_one(&mut found.offer, &component)?;
                only_parameter(&component, offer)?;
            }
            shared => header_body_or_button(shared, &component, &mut found, MAX_BUTTONS)?,
        }
    }
    Ok(())
}

fn name(name: &JsonNode<'_, '_>) -> Result<(), Violation> {
    let text = name.text()?;
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    let is_valid = text.len() <= MAX_NAME && text.bytes().all(is_allowed);
    let must = format_args!("must have at most {MAX_NAME} characters and may contain only a to z, 0 to 9 and _");
    name.check(is_valid, ViolationKind::Name, must)
}

/// The components found so far in a template or on a card.
#[derive(Clone, Copy, Default, PartialEq)]
struct Components {
    header: bool,
    body: bool,
    carousel: bool,
    offer: bool,
    /// The kind of the button at each index.
    buttons: [Option<&'static str>; MAX_BUTTONS],
    /// Whether the parameters have names, once there is a parameter.
    named: Option<bool>,
}

/// Checks that a component is the first of its type, and marks the type as found.
fn check_only_one(found: &mut bool, component: &JsonNode<'_, '_>) -> Result<(), Violation> {
    let is_first = !std::mem::replace(found, true);
    component.check(is_first, ViolationKind::Format, "must be the only one of its type")
}

/// Checks a component that both templates and cards can have.
fn header_body_or_button(
    component_type: &str,
    component: &JsonNode<'_, '_>,
    found: &mut Components,
    max_buttons: usize,
) -> Result<(), Violation> {
    match component_type {
        "header" => {
            check_only_one(&mut found.header, component)?;
            let Some(parameters) = component.get("parameters") else { return Ok(()) };
            parameters.items(0..=1)?.try_for_each(|parameter| header(&parameter, &mut found.named))
        }
        "body" => {
            check_only_one(&mut found.body, component)?;
            let Some(parameters) = component.get("parameters") else { return Ok(()) };
            body(&parameters, &mut found.named)
        }
        _ => {
            let node = component.require("index")?;
            let index = node.index(node.number_or_text()?, max_buttons)?;
            let earlier = found.buttons[index].replace(buttons::button(component)?);
            node.check(earlier.is_none(), ViolationKind::Format, "must differ from that of every other button")
        }
    }
}

fn header(parameter: &JsonNode<'_, '_>, named: &mut Option<bool>) -> Result<(), Violation> {
    let kind = parameter.word("type", &["text", "image", "video", "document", "location", "product"])?;
    let content = parameter.require(kind)?;
    match kind {
        "text" => {
            check_naming(parameter, named)?;
            content.text_up_to(MAX_HEADER)?;
            check_whitespace(&content)
        }
        "location" => {
            degrees(&content.require("latitude")?, 90)?;
            degrees(&content.require("longitude")?, 180)?;
            content.optional_text("name", usize::MAX)?;
            content.optional_text("address", usize::MAX)
        }
        "product" => {
            content.object()?;
            content.optional_text("product_retailer_id", usize::MAX)?;
            content.optional_text("catalog_id", usize::MAX)
        }
        file => files::linked_or_uploaded(&content, files::whatsapp_extensions(file)),
    }
}

fn degrees(node: &JsonNode<'_, '_>, max: u8) -> Result<(), Violation> {
    let is_valid = node.number_or_text()?.abs() <= f64::from(max);
    node.check(is_valid, ViolationKind::Value, format_args!("must be from -{max} to {max} degrees"))
}

fn body(parameters: &JsonNode<'_, '_>, named: &mut Option<bool>) -> Result<(), Violation> {
    let check_length = |characters: usize| {
        let must = format_args!("must not have more than {MAX_BODY} characters in all");
        parameters.check(characters <= MAX_BODY, ViolationKind::Length, must)
    };
    let mut characters = 0;
    let items = parameters.items(0..=usize::MAX)?;
    // Each parameter has at least one character. Checked first, so that the comparison of names stays short.
    check_length(items.len())?;
    for parameter in items.clone() {
        check_naming(&parameter, named)?;
        let kind = parameter.word("type", &["text", "currency", "date_time"])?;
        let content = parameter.require(kind)?;
        match kind {
            "text" => {
                characters += content.text()?.chars().count();
                check_whitespace(&content)?;
            }
            "currency" => {
                content.require("fallback_value")?.text()?;
                content.require("code")?.text()?;
                let amount = content.require("amount_1000")?;
                let is_whole = amount.number()?.fract() == 0.0;
                amount.check(is_whole, ViolationKind::Value, "must be a whole number: the amount times 1000")?;
            }
            _ => drop(content.require("fallback_value")?.text()?),
        }
    }
    check_length(characters)?;
    if *named == Some(true) { check_unique_names(items) } else { Ok(()) }
}

/// Checks that a parameter has a name if the earlier ones have, and none if they do not.
fn check_naming(parameter: &JsonNode<'_, '_>, named: &mut Option<bool>) -> Result<(), Violation> {
    let name = parameter.get("parameter_name");
    if let Some(name) = &name {
        name.text()?;
    }
    let is_alike = *named.get_or_insert(name.is_some()) == name.is_some();
    let must = "must have a parameter_name if the others do, and must not have one if they do not";
    parameter.check(is_alike, ViolationKind::Format, must)
}

fn check_unique_names<'n>(parameters: impl Iterator<Item = JsonNode<'n, 'n>> + Clone) -> Result<(), Violation> {
    for (index, parameter) in parameters.clone().enumerate() {
        let node = parameter.require("parameter_name")?;
        let name = node.text()?;
        let is_same = |other: JsonNode<'_, '_>| {
            other.require("parameter_name").is_ok_and(|other| other.string().is_ok_and(|other| other == name))
        };
        let is_unique = !parameters.clone().take(index).any(is_same);
        node.check(is_unique, ViolationKind::Count, "must differ from that of every other parameter")?;
    }
    Ok(())
}

fn offer(parameter: &JsonNode<'_, '_>) -> Result<(), Violation> {
    value(parameter, "limited_time_offer", |offer| {
        let time = offer.require("expiration_time_ms")?;
        let number = time.number()?;
        let is_valid = number >= MIN_MILLISECONDS && number.fract() == 0.0;
        time.check(is_valid, ViolationKind::Value, "must be a time in milliseconds since 1970")
    })
}

/// Checks a carousel. All cards must have the same components.
fn carousel(component: &JsonNode<'_, '_>) -> Result<(), Violation> {
    let cards = component.require("cards")?;
    let cards = cards.items(1..=10)?;
    let (count, mut taken, mut first) = (cards.len(), 0, None);
    for card in cards {
        cards::take_index(&card, count, &mut taken)?;
        let components = card.require("components")?;
        let mut found = Components::default();
        for component in components.items(1..=usize::MAX)? {
            let component_type = component.word_in_any_case("type", &["header", "body", "button"])?;
            header_body_or_button(component_type, &component, &mut found, MAX_CARD_BUTTONS)?;
        }
        let is_alike = *first.get_or_insert(found) == found;
        components.check(is_alike, ViolationKind::Format, "must be the same as those of the other cards")?;
    }
    Ok(())
}
