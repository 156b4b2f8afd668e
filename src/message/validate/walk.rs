//! The walk: a body along its table, and everything that does not fit told.
//!
//! Nothing is allocated for what fits: a path is steps on the stack, and a list without findings takes no memory. How
//! deep it goes is in the tables, not in the body.

use serde_json::{Map, Value};

use super::check::{Check, Place};
use super::{link, list_rules, text};
use crate::message::path::Path;
use crate::message::schema::describe::{kind_of, list, near, shortened};
use crate::message::schema::types::{Field, Kind, Kinds, List, Need, Object, Shape};

/// Kinds within kinds, at most: a component is a button, and a button is one to copy a code.
const MOST_KINDS: usize = 2;

impl Check {
    /// Looks at a value that should have this shape.
    pub(in crate::message) fn value(&mut self, shape: &Shape, value: &Value, at: &Path<'_>) {
        let before = self.findings.len();
        self.shaped(shape, value, at);
        // What is wrong with a single value is told with it; who a number is of is not.
        for finding in self.findings.get_mut(before..).unwrap_or_default() {
            match value {
                Value::String(text) if finding.path != "to" => finding.value(text),
                Value::Number(number) => finding.value(&number.to_string()),
                _ => continue,
            };
            if finding.rule.is_none() {
                finding.rule(shape);
            }
        }
    }

    fn shaped(&mut self, shape: &Shape, value: &Value, at: &Path<'_>) {
        match (shape, value) {
            (Shape::Text(_) | Shape::Exactly(_) | Shape::Link(_) | Shape::Url, Value::String(text))
                if self.is_template(text) =>
            {
                self.open.push(Place { path: at.to_string(), shape: *shape });
            }
            (Shape::Number(number), Value::String(text)) if number.or_text && self.is_open(text) => {}
            (Shape::Text(rules), Value::String(text)) => text::check(self, rules, text, at),
            (Shape::Exactly(word), Value::String(text)) if text == word => {}
            (Shape::Exactly(word), Value::String(text)) => {
                let words = format!("`{}` is not what has to be here: `{word}`", shortened(text));
                self.error(at, "wrong_word", words);
            }
            (Shape::Number(number), value) if text::is_within(number, value) => {}
            (Shape::Number(number), Value::Number(value)) => {
                self.error(at, "out_of_range", format!("{value} is not {number}"));
            }
            (Shape::Link(media), Value::String(text)) => link::check(self, Some(media), text, at),
            (Shape::Url, Value::String(text)) => link::check(self, None, text, at),
            (Shape::Texts, Value::Object(texts)) => {
                for (name, value) in texts {
                    self.value(&Shape::Text(&[]), value, &at.key(name));
                }
            }
            (Shape::Anything, _) => {}
            (Shape::List(list), Value::Array(items)) => self.list(list, items, at),
            (Shape::Object(object), Value::Object(map)) => {
                self.object(object, map, at);
            }
            (shape, value) => self.wrong_type(shape, value, at),
        }
    }

    fn wrong_type(&mut self, shape: &Shape, value: &Value, at: &Path<'_>) {
        let hint = match (shape, value) {
            (Shape::Text(_), Value::Number(number)) => Some(format!("write it in quotes: \"{number}\"")),
            (Shape::Number(_), Value::String(text)) if self.is_open(text) => {
                Some("what is put in for `{{ … }}` is always a text; write the number itself".to_owned())
            }
            (Shape::Number(number), Value::String(_)) if !number.or_text => Some("write it without quotes".to_owned()),
            (Shape::Object(object), _) => Some(format!("give it the keys {}", list(required(object)))),
            (Shape::List(_), Value::Object(_)) => Some("put `- ` before each item, or `[ ]` around them".to_owned()),
            (Shape::Text(_) | Shape::Link(_), Value::Object(_)) => {
                Some("write the text itself, without keys under it".to_owned())
            }
            _ => None,
        };
        let is = match value {
            Value::String(text) => format!("the text `{}`", shortened(text)),
            Value::Number(number) => format!("the number {number}"),
            other => kind_of(other).to_owned(),
        };
        self.error(at, "wrong_type", format!("this has to be {shape}, and is {is}")).rule(shape).hint = hint;
    }

    fn list(&mut self, list: &List, items: &[Value], at: &Path<'_>) {
        let most = list.most.unwrap_or(usize::MAX);
        if items.len() < list.least {
            self.error(at, "too_few", format!("there are {} here; it has to be {list}", items.len())).rule(list);
        } else if items.len() > most {
            self.error(at, "too_many", format!("there are {} here; it has to be {list}", items.len())).rule(list);
        }
        for (index, item) in items.iter().enumerate() {
            self.value(&list.of, item, &at.item(index));
        }
        if items.len() > most {
            return;
        }
        for rule in list.rules {
            if !list_rules::holds(self, rule, items, at) {
                break;
            }
        }
    }

    /// Looks at an object, and gives the kind it is.
    pub(in crate::message) fn object<'o>(
        &mut self,
        object: &'o Object,
        map: &Map<String, Value>,
        at: &Path<'_>,
    ) -> Option<&'o Kind> {
        // The object and what its kinds add to it.
        let mut parts = [object; MOST_KINDS + 1];
        let mut tags = [""; MOST_KINDS];
        let mut depth = 0;
        let mut found = None;
        while let Some(kinds) = &parts[depth].kinds {
            let kind = self.kind(kinds, map, at)?;
            tags[depth] = kinds.tag;
            depth += 1;
            parts[depth] = &kind.adds;
            found = Some(kind);
        }
        let parts = &parts[..=depth];
        let tags = &tags[..depth];
        let fields = || parts.iter().flat_map(|part| part.fields);
        let mut seen = 0_u32;
        for (key, value) in map {
            if tags.contains(&key.as_str()) {
                continue;
            }
            match fields().enumerate().find(|(_, field)| field.key == key) {
                Some((index, field)) => {
                    seen |= 1 << index;
                    self.field(field, value, &at.key(key));
                }
                None => {
                    let names = fields().filter(|field| field.need != Need::Forbidden).map(|field| field.key);
                    self.unknown(key, names.chain(tags.iter().copied()), &at.key(key));
                }
            }
        }
        for (index, field) in fields().enumerate() {
            let put_in = self.message && matches!(at, Path::Root) && field.key == "to";
            if field.need == Need::Required && seen & 1 << index == 0 && !put_in {
                let words = format!("this is missing: it has to be {}", field.shape);
                let is_known = |key: &str| tags.contains(&key) || fields().any(|field| field.key == key);
                let mut others = map.keys().filter(|key| !is_known(key));
                let meant = others.find(|key| near(key, std::iter::once(field.key)).is_some());
                let meant = meant.map(|key| format!("did you mean it by `{}`?", shortened(key)));
                let finding = self.error(&at.key(field.key), "missing_field", words).rule(field.shape);
                finding.hint = meant.or_else(|| note(field));
            }
        }
        for rule in parts.iter().flat_map(|part| part.rules) {
            list_rules::holds_for(self, rule, map, at);
        }
        found
    }

    fn kind<'k>(&mut self, kinds: &'k Kinds, map: &Map<String, Value>, at: &Path<'_>) -> Option<&'k Kind> {
        let names = || kinds.list.iter().map(|kind| kind.name);
        let at = at.key(kinds.tag);
        let Some(value) = map.get(kinds.tag) else {
            let rule = format!("one of {}", list(names()));
            self.error(&at, "missing_field", format!("this is missing: it has to be {rule}")).rule(rule);
            return None;
        };
        let Some(written) = value.as_str() else {
            let rule = format!("one of {}", list(names()));
            self.error(&at, "wrong_type", format!("this has to be {rule}, and is {}", kind_of(value))).rule(rule);
            return None;
        };
        let is = |name: &str| name == written || kinds.any_case && name.eq_ignore_ascii_case(written);
        let kind = kinds.list.iter().find(|kind| is(kind.name));
        if kind.is_none() && !self.is_open(written) {
            let rule = format!("one of {}", list(names()));
            let words = format!("there is no kind `{}` here: it has to be {rule}", shortened(written));
            let meant = near(written, names());
            let finding = self.error(&at, "unknown_type", words).rule(rule).value(written);
            finding.hint = meant.map(|name| format!("did you mean `{name}`?"));
        }
        kind
    }

    fn field(&mut self, field: &Field, value: &Value, at: &Path<'_>) {
        match field.need {
            Need::Required | Need::Optional => self.value(&field.shape, value, at),
            Need::Undocumented => {
                let words = "the provider's document does not have this, though Meta's API does; it is sent as it is";
                self.warning(at, "undocumented_field", words.to_owned()).hint = note(field);
            }
            Need::Forbidden => {
                self.error(at, "not_allowed", "this cannot be here".to_owned()).hint = note(field);
            }
        }
    }

    fn unknown<'n>(&mut self, key: &str, names: impl Iterator<Item = &'n str>, at: &Path<'_>) {
        let meant = near(key, names);
        let words = "the provider's document does not know this key; it is sent as it is".to_owned();
        self.warning(at, "unknown_field", words).hint = meant.map(|name| format!("did you mean `{name}`?"));
    }
}

/// A part's note as a hint: not a sentence of its own.
fn note(field: &Field) -> Option<String> {
    let mut chars = field.note.trim_end_matches('.').chars();
    let first = chars.next()?;
    Some(format!("{}{}", first.to_lowercase(), chars.as_str()))
}

/// The keys that an object has to have.
fn required(object: &Object) -> impl Iterator<Item = &'static str> {
    let fields = object.fields.iter().filter(|field| field.need == Need::Required).map(|field| field.key);
    object.kinds.iter().map(|kinds| kinds.tag).chain(fields)
}
