//! Buttons of WhatsApp templates, and the parameter that each kind takes.

use super::node::JsonNode;
use super::violation::{Violation, ViolationKind};

/// Most characters of a one-time password or a coupon code.
pub(super) const MAX_CODE: usize = 15;

const MAX_SECTIONS: usize = 10;
/// Most products in all sections together.
const MAX_PRODUCTS: usize = 30;

/// Checks a button and returns its kind.
pub(super) fn button(button: &JsonNode<'_, '_>) -> Result<&'static str, Violation> {
    let kinds = ["copy_code", "quick_reply", "url", "flow", "catalog", "mpm", "voice_call"];
    let kind = button.word_in_any_case("sub_type", &kinds)?;
    match kind {
        "copy_code" => only_parameter(button, coupon),
        "quick_reply" => {
            only_parameter(button, |parameter| value(parameter, "payload", |payload| payload.text().map(drop)))
        }
        "url" => only_parameter(button, |parameter| {
            value(parameter, "text", |text| {
                text.text()?;
                check_whitespace(text)
            })
        }),
        "mpm" => only_parameter(button, |parameter| value(parameter, "action", products)),
        "flow" => optional_action(button, |action| action.optional_text("flow_token", usize::MAX)),
        "catalog" => optional_action(button, thumbnail),
        // No document shows the parameter of a voice call.
        _ => Ok(()),
    }?;
    Ok(kind)
}

/// Checks the parameter of a component that has exactly one.
pub(super) fn only_parameter(
    component: &JsonNode<'_, '_>,
    check: impl Fn(&JsonNode<'_, '_>) -> Result<(), Violation>,
) -> Result<(), Violation> {
    component.require("parameters")?.items(1..=1)?.try_for_each(|parameter| check(&parameter))
}

/// Checks the action of a button that may have one as its parameter.
fn optional_action(
    button: &JsonNode<'_, '_>,
    check: impl Fn(&JsonNode<'_, '_>) -> Result<(), Violation>,
) -> Result<(), Violation> {
    let Some(parameters) = button.get("parameters") else { return Ok(()) };
    parameters.items(0..=1)?.try_for_each(|parameter| {
        value(&parameter, "action", |action| {
            action.object()?;
            check(action)
        })
    })
}

/// Checks a parameter of type `kind`, whose value is under the key of the same name.
pub(super) fn value(
    parameter: &JsonNode<'_, '_>,
    kind: &'static str,
    check: impl Fn(&JsonNode<'_, '_>) -> Result<(), Violation>,
) -> Result<(), Violation> {
    parameter.word("type", &[kind])?;
    check(&parameter.require(kind)?)
}

fn coupon(parameter: &JsonNode<'_, '_>) -> Result<(), Violation> {
    value(parameter, "coupon_code", |code| {
        let is_alphanumeric = code.text_up_to(MAX_CODE)?.bytes().all(|byte| byte.is_ascii_alphanumeric());
        code.check(is_alphanumeric, ViolationKind::Value, "must have letters and digits only")
    })
}

fn thumbnail(action: &JsonNode<'_, '_>) -> Result<(), Violation> {
    action.optional_text("thumbnail_product_retailer_id", usize::MAX)
}

fn products(action: &JsonNode<'_, '_>) -> Result<(), Violation> {
    thumbnail(action)?;
    let sections = action.require("sections")?;
    let mut products = 0;
    for section in sections.items(1..=MAX_SECTIONS)? {
        section.optional_text("title", usize::MAX)?;
        for product in section.require("product_items")?.items(1..=usize::MAX)? {
            product.require("product_retailer_id")?.text()?;
            products += 1;
        }
    }
    let must = format_args!("must not have more than {MAX_PRODUCTS} products in total");
    sections.check(products <= MAX_PRODUCTS, ViolationKind::Count, must)
}

/// Checks that a text has only the whitespace that Meta allows in a parameter.
pub(super) fn check_whitespace(text: &JsonNode<'_, '_>) -> Result<(), Violation> {
    let string = text.string()?;
    let is_allowed = !string.contains(['\n', '\r', '\t']) && !string.contains("     ");
    text.check(is_allowed, ViolationKind::Whitespace, "must not have line breaks, tabs or more than 4 spaces in a row")
}
