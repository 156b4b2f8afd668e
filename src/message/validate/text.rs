//! Texts and numbers, held against their rules.
//!
//! A character is a Unicode scalar value, as everywhere in Rust: an emoji may be several. Whether a provider counts the
//! same way is not in its document.

use serde_json::Value;

use super::check::Check;
use crate::message::path::Path;
use crate::message::schema::describe::shortened;
use crate::message::schema::types::{Number, TextRule};
use crate::text::{bad_character, is_blank};

/// What holds for the characters of every text.
pub(in crate::message) const NO_BAD_CHARACTER: &str =
    "no control characters but line breaks and tabs, no unclosed changes of direction";

/// Spaces in a row that a template's parameter may not hold.
const TOO_MANY_SPACES: &str = "     ";

/// Looks at a text under its rules; that it is blank is wrong under any.
pub(in crate::message) fn check(check: &mut Check, rules: &[TextRule], text: &str, at: &Path<'_>) {
    if is_blank(text) {
        let words = if text.is_empty() { "this text is empty" } else { "this text is only blanks" };
        check.error(at, "empty_text", words.to_owned()).hint("write something, or leave the key out").rule("not empty");
        return;
    }
    for rule in rules {
        match *rule {
            TextRule::Most(most) => {
                if let Some(chars) = longer_than(text, most) {
                    check.error(at, "too_long", too_long(text, chars, rule)).hint(shorten(chars - most)).rule(rule);
                }
            }
            TextRule::MostAdvised(most) => {
                if let Some(chars) = longer_than(text, most) {
                    check.warning(at, "too_long", too_long(text, chars, rule)).hint(shorten(chars - most)).rule(rule);
                }
            }
            TextRule::Parameter => {
                if let Some(what) = not_in_a_parameter(text) {
                    let words = format!("`{}` holds {what}; a parameter of a template takes {rule}", shortened(text));
                    let hint = "Meta refuses it with 132018: write it on one line, with single spaces";
                    check.error(at, "bad_parameter", words).hint(hint).rule(rule);
                }
            }
            TextRule::LineBreaks(most) => {
                let breaks = text.bytes().filter(|byte| *byte == b'\n').count();
                if breaks > most {
                    let words = format!("`{}` has {breaks} line breaks; it may have {rule}", shortened(text));
                    check.error(at, "too_many_lines", words).hint("take line breaks out").rule(rule);
                }
            }
            TextRule::Alphanumeric if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
                check.error(at, "bad_characters", format!("`{}` may hold {rule}", shortened(text))).rule(rule);
            }
            // Who the number is of is not shown.
            TextRule::Digits if !text.bytes().all(|byte| byte.is_ascii_digit()) => {
                let words = format!("the number may hold {rule}: the country code and the number");
                check.error(at, "bad_number", words).rule(rule);
            }
            TextRule::TemplateName
                if !text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_') =>
            {
                let has = "its name has only small letters a to z, digits and `_`";
                let words = format!("`{}` cannot be a template of Meta's: {has}", shortened(text));
                check.warning(at, "template_name", words).rule(rule);
            }
            TextRule::Alphanumeric | TextRule::Digits | TextRule::TemplateName => {}
        }
    }
}

/// Looks at the characters of every text in a value: some no message takes, wherever they are.
pub(in crate::message) fn characters(check: &mut Check, value: &Value, at: &Path<'_>) {
    match value {
        Value::String(text) => {
            if let Some(bad) = bad_character(text) {
                let words = format!("{bad}, in `{}`", shortened(text));
                check.error(at, bad.code(), words).hint(bad.hint()).rule(NO_BAD_CHARACTER).value(text);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| characters(check, item, &at.item(index)))
        }
        Value::Object(map) => map.iter().for_each(|(key, value)| characters(check, value, &at.key(key))),
        _ => {}
    }
}

/// How many characters a text has, if more than `most`.
pub(in crate::message) fn longer_than(text: &str, most: usize) -> Option<usize> {
    // There are never more characters than bytes, and most texts are short.
    (text.len() > most).then(|| text.chars().count()).filter(|chars| *chars > most)
}

fn too_long(text: &str, chars: usize, rule: &TextRule) -> String {
    format!("`{}` has {chars} characters; it may have {rule}", shortened(text))
}

fn shorten(by: usize) -> String {
    format!("shorten it by {by}")
}

fn not_in_a_parameter(text: &str) -> Option<&'static str> {
    if text.contains(['\n', '\r']) {
        Some("a line break")
    } else if text.contains('\t') {
        Some("a tab")
    } else if text.contains(TOO_MANY_SPACES) {
        Some("more than 4 spaces in a row")
    } else {
        None
    }
}

/// Whether a value is a number within its bounds.
pub(in crate::message) fn is_within(number: &Number, value: &Value) -> bool {
    let (whole, fraction) = match value {
        Value::Number(value) => (value.as_i64(), value.as_f64()),
        Value::String(text) if number.or_text => {
            (text.parse().ok(), text.parse().ok().filter(|value: &f64| value.is_finite()))
        }
        _ => return false,
    };
    match whole {
        Some(whole) => (number.least..=number.most).contains(&whole),
        // The bounds of numbers with a fraction are small, and exact as such.
        None => !number.whole && fraction.is_some_and(|f| number.least as f64 <= f && f <= number.most as f64),
    }
}
