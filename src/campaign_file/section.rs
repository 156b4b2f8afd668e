//! Taking values out of the tree, one section at a time, and telling what is wrong with them.
//!
//! A section is a map with known keys. Everything here adds to a list of problems and goes on, so that one
//! reading finds them all. What a value means is decided by the caller.

use super::values::BadValue;
use crate::text::{list, nearest};
use crate::yaml::{Entry, FileProblem, Found, Node, Place, Value, is_null, kind};

/// Every key of a campaign file with the section it belongs to, for keys that were put into the wrong one.
const KEYS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "name",
            "provider",
            "channel",
            "recipients",
            "message",
            "definition",
            "timezone",
            "window",
            "not_after",
            "schedule",
            "dispatch",
            "reconcile",
        ],
    ),
    ("definition", &["from", "language"]),
    ("recipients", &["csv", "rows", "to", "region", "skip_sent_within", "timezone", "send_at", "not_after"]),
    ("schedule", &["at", "cron", "timezone", "not_after", "if_late", "until"]),
    ("dispatch", &["rate", "concurrency", "timeout", "attempts", "uncertain", "halt", "quota"]),
    ("halt", &["share", "over", "same_error"]),
    ("reconcile", &["after", "every", "for"]),
    ("window", &["open", "off", "clock"]),
];

/// A map of the file whose keys are known.
pub(super) struct Section<'n, 'a> {
    name: &'static str,
    /// Where to point when a key is missing.
    place: Place,
    entries: &'n [Entry<'a>],
}

impl<'n, 'a> Section<'n, 'a> {
    /// The section called `name` (empty for the whole file); its unknown keys are told at once. `None` if the
    /// node is not a map.
    pub(super) fn open(name: &'static str, place: Place, node: &'n Node<'a>, problems: &mut Found) -> Option<Self> {
        let entries = match &node.value {
            Value::Map(entries) => entries,
            Value::Broken => return None,
            _ => {
                let what = if name.is_empty() { "a campaign".to_owned() } else { format!("`{name}`") };
                let at = if name.is_empty() { node.place } else { place };
                problems.push(
                    FileProblem::new("wrong_type", at, format!("{what} must be keys with values, not {}", kind(node)))
                        .hint(format!("its keys are {}", list(known(name)))),
                );
                return None;
            }
        };
        let section = Self { name, place, entries };
        for entry in entries.iter().filter(|entry| !known(name).contains(&entry.key.as_ref())) {
            problems.push(section.unknown(entry));
        }
        Some(section)
    }

    /// The value of a key, and where the key is. A key without a value is told as a problem.
    pub(super) fn get(&self, key: &str, problems: &mut Found) -> Option<(&'n Node<'a>, Place)> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        if is_null(&entry.node) {
            problems.push(
                FileProblem::new("missing_value", entry.key_place, format!("`{key}` has no value"))
                    .hint("write one after the colon, or take the key out"),
            );
            return None;
        }
        Some((&entry.node, entry.key_place))
    }

    /// Whether the key is there, with or without a value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// The value of a key that must be there. `example` shows how it is written.
    pub(super) fn require(
        &self,
        key: &'static str,
        example: &str,
        problems: &mut Found,
    ) -> Option<(&'n Node<'a>, Place)> {
        if !self.has(key) && !self.misspelt(key) {
            let of = if self.name.is_empty() { String::new() } else { format!(" of `{}`", self.name) };
            problems.push(
                FileProblem::new("missing_key", self.place, format!("the key `{key}`{of} is missing"))
                    .hint(format!("add {example}")),
            );
        }
        self.get(key, problems)
    }

    /// Whether an unknown key was taken for this one, so that one mistake is told once.
    fn misspelt(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| {
            !known(self.name).contains(&entry.key.as_ref()) && nearest(&entry.key, known(self.name)) == Some(key)
        })
    }

    fn unknown(&self, entry: &Entry<'_>) -> FileProblem {
        let key = entry.key.as_ref();
        let problem = FileProblem::new("unknown_key", entry.key_place, format!("there is no key `{key}` here"));
        if let Some(near) = nearest(key, known(self.name)) {
            return problem.hint(format!("did you mean `{near}`?"));
        }
        match KEYS.iter().find(|(_, keys)| keys.contains(&key)) {
            Some(("", _)) => problem.hint(format!("`{key}` belongs at the top level: do not indent it")),
            Some((section, _)) => problem.hint(format!("`{key}` belongs under `{section}:`, indented")),
            None => problem.hint(format!("the keys here are {}", list(known(self.name)))),
        }
    }
}

fn known(section: &str) -> &'static [&'static str] {
    KEYS.iter().find(|(name, _)| *name == section).map_or(&[], |(_, keys)| keys)
}

/// The text of a scalar, whatever it looks like. Anything else is told as a problem.
pub(super) fn text<'n>(key: &str, (node, key_place): (&'n Node<'_>, Place), problems: &mut Found) -> Option<&'n str> {
    match &node.value {
        Value::Scalar(scalar) => Some(scalar.text.as_ref()),
        Value::Broken => None,
        Value::List(_) | Value::Map(_) => {
            let message = format!("`{key}` must be a single value, not {}", kind(node));
            problems.push(FileProblem::new("wrong_type", key_place, message));
            None
        }
    }
}

/// A scalar of the file read by `parse`, whose complaint becomes a problem at the value.
pub(super) fn value<T>(
    key: &str,
    found: Option<(&Node<'_>, Place)>,
    problems: &mut Found,
    parse: impl FnOnce(&str) -> Result<T, BadValue>,
) -> Option<T> {
    let (node, key_place) = found?;
    let text = text(key, (node, key_place), problems)?;
    match parse(text) {
        Ok(value) => Some(value),
        Err(bad) => {
            let problem = FileProblem::new("bad_value", node.place, format!("`{key}`: {}", bad.message));
            problems.push(FileProblem { hint: bad.hint, ..problem });
            None
        }
    }
}

/// Whether a node is just this word.
pub(super) fn is_word(node: &Node<'_>, word: &str) -> bool {
    matches!(&node.value, Value::Scalar(scalar) if scalar.text == word)
}
