//! Checks rules between the items of a list and between the parts of an object.
//!
//! All pairs of items are compared: such lists have at most a few dozen items, or an earlier rule limits them.

use serde_json::{Map, Value};

use super::check::Check;
use crate::message::path::Path;
use crate::message::schema::describe::{owned, shortened};
use crate::message::schema::types::{ListRule, ObjectRule};
use crate::model::MessageProblem;

/// Checks a rule of a list; returns whether the list keeps it.
pub(in crate::message) fn holds(check: &mut Check, rule: &ListRule, items: &[Value], at: &Path<'_>) -> bool {
    let before = check.findings.len();
    match rule {
        ListRule::Unique(keys) => {
            let mut place = 0;
            for (index, item) in items.iter().enumerate() {
                each(item, keys, &at.item(index), &mut |value, path| {
                    place += 1;
                    if stands_twice(check, items, keys, value, place - 1) {
                        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                        let value = shortened(&value);
                        let problem = MessageProblem::NotUnique { value: value.clone(), keys: keys.join(".") };
                        check.error(path, problem).value = Some(value);
                    }
                });
            }
        }
        ListRule::MostInAll(key, most) => {
            let all: usize = items.iter().filter_map(|item| item.get(key)?.as_array()).map(Vec::len).sum();
            if all > *most {
                let (key, most) = ((*key).to_owned(), *most);
                check.error(at, MessageProblem::TooManyInAll { count: all, key, most });
            }
        }
        ListRule::OnceEach { tag, but } => {
            let kinds = || items.iter().map(|item| item.get(tag).and_then(Value::as_str));
            for (index, kind) in kinds().enumerate() {
                let Some(kind) = kind.filter(|kind| !kind.eq_ignore_ascii_case(but) && !check.is_open(kind)) else {
                    continue;
                };
                if kinds().take(index).flatten().any(|earlier| earlier.eq_ignore_ascii_case(kind)) {
                    let kind = shortened(kind);
                    let problem = MessageProblem::SecondOfKind { kind: kind.clone(), but: (*but).to_owned() };
                    check.error(&at.item(index), problem).value = Some(kind);
                }
            }
        }
        ListRule::Counted(key) => {
            for (index, item) in items.iter().enumerate() {
                if let Some(count) = item.get(key).and_then(Value::as_i64).filter(|count| *count != index as i64) {
                    let problem = MessageProblem::NotInOrder { found: count, wanted: index, key: (*key).to_owned() };
                    check.error(&at.item(index).key(key), problem).value = Some(count.to_string());
                }
            }
        }
        ListRule::CardsAlike => {
            for (index, item) in items.iter().enumerate().skip(1) {
                if !alike(check, &items[0], item) {
                    check.error(&at.item(index), MessageProblem::CardsDiffer);
                }
            }
        }
        ListRule::AllOrNone(key) => {
            let has = |item: &Value| item.get(key).is_some();
            if let Some(index) = items.iter().position(|item| has(item) != has(&items[0])) {
                check.error(&at.item(index), MessageProblem::Mixed((*key).to_owned()));
            }
        }
        ListRule::EachIfSeveral(key) => {
            let lacks = |item: &Value| item.is_object() && item.get(key).is_none();
            for (index, _) in items.iter().enumerate().filter(|(_, item)| items.len() > 1 && lacks(item)) {
                check.error(&at.item(index).key(key), MessageProblem::Untitled((*key).to_owned()));
            }
        }
        ListRule::CharactersInAll(key, most) => {
            // Templates have an unknown length and do not count.
            let texts = items.iter().filter_map(|item| item.get(key)?.as_str()).filter(|text| !check.is_template(text));
            let (mut all, mut longest) = (0, 0);
            for chars in texts.map(|text| text.chars().count()) {
                (all, longest) = (all + chars, longest.max(chars));
            }
            check.spare = check.spare.min(most.saturating_sub(all));
            // A text that is too long alone was already reported.
            if all > *most && longest <= *most {
                let (key, most) = ((*key).to_owned(), *most);
                check.error(at, MessageProblem::TooLongInAll { chars: all, key, most });
            }
        }
    }
    check.findings.len() == before
}

/// Whether one of the first `place` values under the keys equals this one.
fn stands_twice(check: &Check, items: &[Value], keys: &[&str], value: &Value, place: usize) -> bool {
    if value.as_str().is_some_and(|text| check.is_open(text)) {
        return false;
    }
    let mut left = place;
    let mut found = false;
    for item in items {
        each(item, keys, &Path::Root, &mut |earlier, _| {
            if left > 0 {
                left -= 1;
                found |= same(earlier, value);
            }
        });
        if left == 0 {
            break;
        }
    }
    found
}

/// Whether two values are equal for the provider, which accepts an index as a number or as text.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(number), Value::String(text)) | (Value::String(text), Value::Number(number)) => {
            number.as_i64().is_some_and(|number| text.parse() == Ok(number))
        }
        (one, other) => one == other,
    }
}

/// Calls `see` with every value found by following the keys through objects and lists.
fn each(value: &Value, keys: &[&str], at: &Path<'_>, see: &mut dyn FnMut(&Value, &Path<'_>)) {
    match (value, keys.split_first()) {
        (Value::Array(items), Some(_)) => {
            for (index, item) in items.iter().enumerate() {
                each(item, keys, &at.item(index), see);
            }
        }
        (Value::Object(map), Some((key, keys))) => {
            if let Some(value) = map.get(*key) {
                each(value, keys, &at.key(key), see);
            }
        }
        (value, None) => see(value, at),
        _ => {}
    }
}

/// Whether two cards have the same parts and buttons, in any order. If a kind is still unknown, only the numbers must
/// match.
fn alike(check: &Check, one: &Value, other: &Value) -> bool {
    let is_open = |part: Part<'_>| {
        let index = part.index.and_then(Value::as_str).unwrap_or_default();
        [part.kind, part.sub_kind, index].into_iter().any(|text| check.is_open(text))
    };
    if parts(one).chain(parts(other)).any(is_open) {
        return parts(one).count() == parts(other).count();
    }
    let count = |card, part: &Part<'_>| parts(card).filter(|other| part.is(other)).count();
    parts(one).count() == parts(other).count() && parts(one).all(|part| count(one, &part) == count(other, &part))
}

/// A part of a card.
struct Part<'v> {
    kind: &'v str,
    sub_kind: &'v str,
    index: Option<&'v Value>,
}

impl<'v> Part<'v> {
    fn of(part: &'v Value) -> Self {
        Self { kind: text(part, "type"), sub_kind: text(part, "sub_type"), index: part.get("index") }
    }

    fn is(&self, other: &Self) -> bool {
        self.kind.eq_ignore_ascii_case(other.kind)
            && self.sub_kind.eq_ignore_ascii_case(other.sub_kind)
            && match (self.index, other.index) {
                (Some(one), Some(other)) => same(one, other),
                (one, other) => one.is_none() && other.is_none(),
            }
    }
}

/// Returns the parts of a card: the components of a template card, or the buttons or the link of a message card.
fn parts(card: &Value) -> impl Iterator<Item = Part<'_>> {
    let action = card.get("action");
    let link = action.and_then(|action| action.get("parameters"));
    let link = link.map(|_| Part { kind: "cta_url", sub_kind: "", index: None });
    let buttons = list(action.and_then(|action| action.get("buttons")));
    list(card.get("components")).chain(buttons).map(Part::of).chain(link)
}

/// Checks a rule between the parts of an object.
pub(in crate::message) fn holds_for(check: &mut Check, rule: &ObjectRule, map: &Map<String, Value>, at: &Path<'_>) {
    match rule {
        ObjectRule::OneOf(groups) => {
            let begun = groups.iter().filter(|group| group.iter().any(|key| map.contains_key(*key))).count();
            let whole = groups.iter().filter(|group| group.iter().all(|key| map.contains_key(*key))).count();
            if begun != 1 || whole != 1 {
                check.error(at, MessageProblem::OneOf { begun, groups: owned(groups) });
            }
        }
        ObjectRule::NotShownTogether(one, other) => {
            if map.contains_key(*one) && map.contains_key(*other) {
                check.warning(at, MessageProblem::NotTogether((*one).to_owned(), (*other).to_owned()));
            }
        }
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    value.and_then(Value::as_array).into_iter().flatten()
}
