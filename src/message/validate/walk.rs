//! Walks a body along its table, and reports everything that does not fit.
//!
//! Valid parts allocate nothing: a path is on the stack, and an empty list of findings takes no memory. The tables, not
//! the body, determine the depth.

use serde_json::{Map, Value};

use super::check::{Check, OpenText};
use super::{link, list_rules, text};
use crate::message::path::Path;
use crate::message::schema::describe::{kind_of, names, near, shortened};
use crate::message::schema::only_kind_of;
use crate::message::schema::types::{Field, Kind, Kinds, List, Need, Object, Shape};
use crate::model::{Is, MessageProblem, Rule, TypeFix};

/// The deepest nesting of kinds: a component is a button, and a button is one for copying a code.
const MOST_KINDS: usize = 2;

impl Check {
    /// Checks a value against a shape.
    pub(in crate::message) fn value(&mut self, shape: &Shape, value: &Value, at: &Path<'_>) {
        let before = self.findings.len();
        self.shaped(shape, value, at);
        // A finding includes a single value, but not the personal number in `to`.
        for finding in self.findings.get_mut(before..).unwrap_or_default() {
            finding.value = Some(match value {
                Value::String(text) if finding.path != "to" => shortened(text),
                Value::Number(number) => shortened(&number.to_string()),
                _ => continue,
            });
            finding.rule.get_or_insert_with(|| shape.into());
        }
    }

    fn shaped(&mut self, shape: &Shape, value: &Value, at: &Path<'_>) {
        match (shape, value) {
            (
                Shape::Text(_) | Shape::Exactly(_) | Shape::Words(_) | Shape::Link(_) | Shape::Url,
                Value::String(text),
            ) if self.is_template(text) => {
                self.open.push(OpenText { path: at.to_string(), shape: *shape });
            }
            (Shape::Number(number), Value::String(text)) if number.or_text && self.is_open(text) => {}
            (Shape::Text(rules), Value::String(text)) => text::check(self, rules, text, at),
            (Shape::Exactly(word), Value::String(text)) if text == word => {}
            (Shape::Exactly(word), Value::String(text)) => {
                let (text, word) = (shortened(text), (*word).to_owned());
                self.error(at, MessageProblem::WrongWord { text, word });
            }
            (Shape::Words(words), Value::String(text)) if words.contains(&text.as_str()) => {}
            (Shape::Words(words), Value::String(text)) => {
                let (text, words) = (shortened(text), names(words.iter().copied()));
                self.error(at, MessageProblem::NotOneOf { text, words });
            }
            (Shape::Flag, Value::Bool(_)) => {}
            (Shape::Number(number), value) if text::is_within(number, value) => {}
            (Shape::Number(number), Value::Number(value)) => {
                self.error(at, MessageProblem::OutOfRange { value: value.to_string(), rule: number.into() });
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
        let fix = match (shape, value) {
            (Shape::Text(_), Value::Number(number)) => Some(TypeFix::Quote(number.to_string())),
            (Shape::Number(_), Value::String(text)) if self.is_open(text) => Some(TypeFix::NumberItself),
            (Shape::Number(number), Value::String(_)) if !number.or_text => Some(TypeFix::Unquote),
            (Shape::Flag, Value::String(text)) if text == "true" || text == "false" => Some(TypeFix::Unquote),
            (Shape::Object(object), _) => Some(TypeFix::Keys(names(expected(object).into_iter()))),
            (Shape::List(_), Value::Object(_)) => Some(TypeFix::MakeList),
            (Shape::Text(_) | Shape::Link(_), Value::Object(_)) => Some(TypeFix::TextItself),
            _ => None,
        };
        let is = match value {
            Value::String(text) => Is::TheText(shortened(text)),
            Value::Number(number) => Is::TheNumber(number.to_string()),
            other => kind_of(other),
        };
        self.error(at, MessageProblem::WrongType { rule: shape.into(), is, fix });
    }

    fn list(&mut self, list: &List, items: &[Value], at: &Path<'_>) {
        let most = list.most.unwrap_or(usize::MAX);
        if items.len() < list.least || items.len() > most {
            let problem = MessageProblem::WrongCount { count: items.len(), least: list.least, most: list.most };
            self.error(at, problem);
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

    /// Checks an object, and returns its kind.
    pub(in crate::message) fn object<'o>(
        &mut self,
        object: &'o Object,
        map: &Map<String, Value>,
        at: &Path<'_>,
    ) -> Option<&'o Kind> {
        // The object and the parts that its kinds add.
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
                let is_known = |key: &str| tags.contains(&key) || fields().any(|field| field.key == key);
                let mut others = map.keys().filter(|key| !is_known(key));
                let meant = others.find(|key| near(key, std::iter::once(field.key)).is_some());
                let meant = meant.map(|key| shortened(key));
                let note =
                    if meant.is_none() { note(field).map(|note| format!("its description: {note}")) } else { None };
                let problem = MessageProblem::Missing { rule: (&field.shape).into(), meant, note };
                self.error(&at.key(field.key), problem);
            }
        }
        for rule in parts.iter().flat_map(|part| part.rules) {
            list_rules::holds_for(self, rule, map, at);
        }
        found
    }

    fn kind<'k>(&mut self, kinds: &'k Kinds, map: &Map<String, Value>, at: &Path<'_>) -> Option<&'k Kind> {
        let all = || kinds.list.iter().map(|kind| kind.name);
        let is_root = matches!(at, Path::Root);
        let at = at.key(kinds.tag);
        let Some(value) = map.get(kinds.tag) else {
            if let (true, Some(default), Some(kind)) = (is_root, self.default_kind, only_kind_of(kinds, map)) {
                if kind.name != default {
                    let (kind, default) = (kind.name.to_owned(), default.to_owned());
                    self.warning(&at, MessageProblem::NoKind { kind, default });
                }
                return Some(kind);
            }
            let problem = MessageProblem::Missing { rule: Rule::OneOf(names(all())), meant: None, note: None };
            self.error(&at, problem);
            return None;
        };
        let Some(written) = value.as_str() else {
            let rule = Rule::OneOf(names(all()));
            self.error(&at, MessageProblem::WrongType { rule, is: kind_of(value), fix: None });
            return None;
        };
        let is = |name: &str| name == written || kinds.any_case && name.eq_ignore_ascii_case(written);
        let kind = kinds.list.iter().find(|kind| is(kind.name));
        if kind.is_none() && !self.is_open(written) {
            let meant = near(written, all()).map(str::to_owned);
            let written = shortened(written);
            let problem = MessageProblem::UnknownKind {
                written: written.clone(),
                kinds: names(all()),
                meant,
                elsewhere: Vec::new(),
            };
            self.error(&at, problem).value = Some(written);
        }
        kind
    }

    fn field(&mut self, field: &Field, value: &Value, at: &Path<'_>) {
        match field.need {
            Need::Required | Need::Optional => self.value(&field.shape, value, at),
            Need::Undocumented => {
                self.warning(at, MessageProblem::UndocumentedKey { note: note(field) });
            }
            Need::Forbidden => {
                self.error(at, MessageProblem::NotAllowed { note: note(field) });
            }
        }
    }

    fn unknown<'n>(&mut self, key: &str, names: impl Iterator<Item = &'n str>, at: &Path<'_>) {
        let meant = near(key, names).map(str::to_owned);
        self.warning(at, MessageProblem::UnknownKey { meant });
    }
}

/// Returns a part's note as a hint: lower case, without a full stop.
fn note(field: &Field) -> Option<String> {
    let mut chars = field.note.trim_end_matches('.').chars();
    let first = chars.next()?;
    Some(format!("{}{}", first.to_lowercase(), chars.as_str()))
}

/// Returns the required keys of an object; without any, its link or its first key.
fn expected(object: &Object) -> Vec<&'static str> {
    let required: Vec<&str> = required(object).collect();
    if !required.is_empty() {
        return required;
    }
    let mut keys = object.fields.iter().filter(|field| field.need != Need::Forbidden).map(|field| field.key);
    let first = keys.clone().find(|key| *key == "link").or_else(|| keys.next());
    first.into_iter().collect()
}

/// Returns the required keys of an object.
fn required(object: &Object) -> impl Iterator<Item = &'static str> {
    let fields = object.fields.iter().filter(|field| field.need == Need::Required).map(|field| field.key);
    object.kinds.iter().map(|kinds| kinds.tag).chain(fields)
}
