//! Buttons of WhatsApp templates, and what each takes for its parameter.

use super::node::Node;
use super::violation::{Fault, Flaw};

/// The most characters of a code, of an authentication or of a coupon.
pub(super) const CODE: usize = 15;

/// Sections of products, and products in all of them, at most.
const SECTIONS: usize = 10;
const PRODUCTS: usize = 30;

/// The kind of a button, whose parameter is right.
pub(super) fn kind(button: &Node<'_, '_>) -> Result<&'static str, Fault> {
    let kinds = ["copy_code", "quick_reply", "url", "flow", "catalog", "mpm", "voice_call"];
    let kind = button.word_in_any_case("sub_type", &kinds)?;
    match kind {
        "copy_code" => one(button, coupon),
        "quick_reply" => one(button, |parameter| content(parameter, "payload", |payload| payload.text().map(drop))),
        "url" => one(button, |parameter| {
            content(parameter, "text", |text| {
                text.text()?;
                on_one_line(text)
            })
        }),
        "mpm" => one(button, |parameter| content(parameter, "action", products)),
        "flow" => one_or_none(button, |action| action.optional_text("flow_token", usize::MAX)),
        "catalog" => one_or_none(button, thumbnail),
        // What it takes is in no document.
        _ => Ok(()),
    }?;
    Ok(kind)
}

/// The one parameter of a component.
pub(super) fn one(component: &Node<'_, '_>, read: impl Fn(&Node<'_, '_>) -> Result<(), Fault>) -> Result<(), Fault> {
    component.need("parameters")?.items(1..=1)?.try_for_each(|parameter| read(&parameter))
}

/// The action that a button may have for its parameter.
fn one_or_none(button: &Node<'_, '_>, read: impl Fn(&Node<'_, '_>) -> Result<(), Fault>) -> Result<(), Fault> {
    let Some(parameters) = button.get("parameters") else { return Ok(()) };
    parameters.items(0..=1)?.try_for_each(|parameter| {
        content(&parameter, "action", |action| {
            action.object()?;
            read(action)
        })
    })
}

/// What a parameter of the type `kind` holds under the key of the same name.
pub(super) fn content(
    parameter: &Node<'_, '_>,
    kind: &'static str,
    read: impl Fn(&Node<'_, '_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    parameter.word("type", &[kind])?;
    read(&parameter.need(kind)?)
}

fn coupon(parameter: &Node<'_, '_>) -> Result<(), Fault> {
    content(parameter, "coupon_code", |code| {
        match code.text_of(CODE)?.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            true => Ok(()),
            false => Err(code.fault(Flaw::Value, "must have letters and digits only")),
        }
    })
}

fn thumbnail(action: &Node<'_, '_>) -> Result<(), Fault> {
    action.optional_text("thumbnail_product_retailer_id", usize::MAX)
}

fn products(action: &Node<'_, '_>) -> Result<(), Fault> {
    thumbnail(action)?;
    let sections = action.need("sections")?;
    let mut products = 0;
    for section in sections.items(1..=SECTIONS)? {
        section.optional_text("title", usize::MAX)?;
        for product in section.need("product_items")?.items(1..=usize::MAX)? {
            product.need("product_retailer_id")?.text()?;
            products += 1;
        }
    }
    match products <= PRODUCTS {
        true => Ok(()),
        false => Err(sections.fault(Flaw::Count, format_args!("must not have more than {PRODUCTS} products in all"))),
    }
}

/// A text as a template's parameter has to be.
pub(super) fn on_one_line(text: &Node<'_, '_>) -> Result<(), Fault> {
    let line = text.string()?;
    match line.contains(['\n', '\r', '\t']) || line.contains("     ") {
        false => Ok(()),
        true => Err(text.fault(Flaw::Lines, "must not have line breaks, tabs or more than 4 spaces in a row")),
    }
}
