//! WhatsApp templates, which the provider hands on to Meta: what no template takes is refused.
//!
//! Templates are not known here: whether one exists, and how many parameters of which kinds it has, passes.

use super::buttons::{content, on_one_line, one};
use super::cards;
use super::node::Node;
use super::violation::{Fault, Flaw};
use super::{buttons, files};

/// The most characters of a template's name.
const NAME: usize = 512;
/// The most characters of a header with its parameter in place, and so of the parameter.
const HEADER: usize = 60;
/// The same of a body and its parameters.
const BODY: usize = 1024;
/// The most buttons of a template, and of a card.
const BUTTONS: usize = 10;
const CARD_BUTTONS: usize = 2;
/// In the year 2001. A time in seconds does not come this far.
const FIRST_MILLISECOND: f64 = 1e12;

/// Judges a template message.
pub(super) fn judge(template: &Node<'_, '_>) -> Result<(), Fault> {
    name(&template.need("name")?)?;
    if let Some(code) = template.get("code") {
        code.text_of(buttons::CODE)?;
    }
    let Some(components) = template.get("components") else { return Ok(()) };
    let mut parts = Parts::default();
    for component in components.items(0..=usize::MAX)? {
        let kinds = ["header", "body", "button", "carousel", "limited_time_offer"];
        match component.word_in_any_case("type", &kinds)? {
            "carousel" => {
                once(&mut parts.carousel, &component)?;
                carousel(&component)?;
            }
            "limited_time_offer" => {
                once(&mut parts.offer, &component)?;
                one(&component, offer)?;
            }
            kind => part(kind, &component, &mut parts, BUTTONS)?,
        }
    }
    Ok(())
}

fn name(name: &Node<'_, '_>) -> Result<(), Fault> {
    let text = name.text()?;
    let is_one = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    match text.len() <= NAME && text.bytes().all(is_one) {
        true => Ok(()),
        false => Err(name.fault(Flaw::Name, format_args!("must be at most {NAME} of a to z, 0 to 9 and _"))),
    }
}

/// What a template or a card has: at most one of each, and at most one button at each index.
#[derive(Clone, Copy, Default, PartialEq)]
struct Parts {
    header: bool,
    body: bool,
    carousel: bool,
    offer: bool,
    buttons: [Option<&'static str>; BUTTONS],
    /// Whether its parameters have names.
    named: Option<bool>,
}

fn once(seen: &mut bool, component: &Node<'_, '_>) -> Result<(), Fault> {
    match std::mem::replace(seen, true) {
        false => Ok(()),
        true => Err(component.fault(Flaw::Form, "must be the only one of its type")),
    }
}

/// A part that templates and cards have alike.
fn part(kind: &str, component: &Node<'_, '_>, parts: &mut Parts, buttons: usize) -> Result<(), Fault> {
    match kind {
        "header" => {
            once(&mut parts.header, component)?;
            match component.get("parameters") {
                Some(parameters) => parameters.items(0..=1)?.try_for_each(|one| header(&one, &mut parts.named)),
                None => Ok(()),
            }
        }
        "body" => {
            once(&mut parts.body, component)?;
            match component.get("parameters") {
                Some(parameters) => body(&parameters, &mut parts.named),
                None => Ok(()),
            }
        }
        _ => {
            let index = component.need("index")?;
            let number = index.number_or_text()?;
            let place = (0..buttons).find(|place| *place as f64 == number);
            let place = place.ok_or_else(|| {
                index.fault(Flaw::Value, format_args!("must be a whole number from 0 to {}", buttons - 1))
            })?;
            let kind = buttons::kind(component)?;
            match parts.buttons[place].replace(kind) {
                None => Ok(()),
                Some(_) => Err(index.fault(Flaw::Form, "must not be that of another button")),
            }
        }
    }
}

fn header(parameter: &Node<'_, '_>, named: &mut Option<bool>) -> Result<(), Fault> {
    let kind = parameter.word("type", &["text", "image", "video", "document", "location", "product"])?;
    let content = parameter.need(kind)?;
    match kind {
        "text" => {
            naming(parameter, named)?;
            content.text_of(HEADER)?;
            on_one_line(&content)
        }
        "location" => {
            degrees(&content.need("latitude")?, 90)?;
            degrees(&content.need("longitude")?, 180)?;
            content.optional_text("name", usize::MAX)?;
            content.optional_text("address", usize::MAX)
        }
        "product" => {
            content.object()?;
            content.optional_text("product_retailer_id", usize::MAX)?;
            content.optional_text("catalog_id", usize::MAX)
        }
        file => files::linked_or_uploaded(&content, files::of_whatsapp(file)),
    }
}

fn degrees(node: &Node<'_, '_>, most: u8) -> Result<(), Fault> {
    match node.number_or_text()?.abs() <= f64::from(most) {
        true => Ok(()),
        false => Err(node.fault(Flaw::Value, format_args!("must be from -{most} to {most} degrees"))),
    }
}

fn body(parameters: &Node<'_, '_>, named: &mut Option<bool>) -> Result<(), Fault> {
    let too_long = || parameters.fault(Flaw::Length, format_args!("must not have more than {BODY} characters in all"));
    let mut characters = 0;
    let items = parameters.items(0..=usize::MAX)?;
    // Each puts in a character at the least.
    if items.len() > BODY {
        return Err(too_long());
    }
    for parameter in items.clone() {
        naming(&parameter, named)?;
        let kind = parameter.word("type", &["text", "currency", "date_time"])?;
        let content = parameter.need(kind)?;
        match kind {
            "text" => {
                characters += content.text()?.chars().count();
                on_one_line(&content)?;
            }
            "currency" => {
                content.need("fallback_value")?.text()?;
                content.need("code")?.text()?;
                let amount = content.need("amount_1000")?;
                if amount.number()?.fract() != 0.0 {
                    return Err(amount.fault(Flaw::Value, "must be a whole number: the amount times 1000"));
                }
            }
            _ => drop(content.need("fallback_value")?.text()?),
        }
    }
    if characters > BODY {
        return Err(too_long());
    }
    if *named == Some(true) { each_name_once(items) } else { Ok(()) }
}

/// Either all parameters have names, or none.
fn naming(parameter: &Node<'_, '_>, named: &mut Option<bool>) -> Result<(), Fault> {
    let name = parameter.get("parameter_name");
    if let Some(name) = &name {
        name.text()?;
    }
    match *named.get_or_insert(name.is_some()) == name.is_some() {
        true => Ok(()),
        false => Err(parameter.fault(Flaw::Form, "must have a parameter_name if the others do, and none if not")),
    }
}

fn each_name_once<'n>(parameters: impl Iterator<Item = Node<'n, 'n>> + Clone) -> Result<(), Fault> {
    for (place, parameter) in parameters.clone().enumerate() {
        let name = parameter.need("parameter_name")?;
        let text = name.text()?;
        let is_same = |other: Node<'_, '_>| {
            other.need("parameter_name").is_ok_and(|name| name.string().is_ok_and(|name| name == text))
        };
        if parameters.clone().take(place).any(is_same) {
            return Err(name.fault(Flaw::Count, "must not be that of another parameter"));
        }
    }
    Ok(())
}

fn offer(parameter: &Node<'_, '_>) -> Result<(), Fault> {
    content(parameter, "limited_time_offer", |offer| {
        let time = offer.need("expiration_time_ms")?;
        let number = time.number()?;
        match number >= FIRST_MILLISECOND && number.fract() == 0.0 {
            true => Ok(()),
            false => Err(time.fault(Flaw::Value, "must be a time in milliseconds since 1970")),
        }
    })
}

/// Cards side by side, all with the same components.
fn carousel(component: &Node<'_, '_>) -> Result<(), Fault> {
    let cards = component.need("cards")?;
    let cards = cards.items(1..=10)?;
    let (count, mut taken, mut first) = (cards.len(), 0, None);
    for card in cards {
        cards::place(&card, count, &mut taken)?;
        let components = card.need("components")?;
        let mut parts = Parts::default();
        for component in components.items(1..=usize::MAX)? {
            let kind = component.word_in_any_case("type", &["header", "body", "button"])?;
            part(kind, &component, &mut parts, CARD_BUTTONS)?;
        }
        if *first.get_or_insert(parts) != parts {
            return Err(components.fault(Flaw::Form, "must be the same as those of the other cards"));
        }
    }
    Ok(())
}
