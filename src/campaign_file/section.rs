//! Reads values from the tree, one section at a time, and collects problems.
//!
//! A section is a map with known keys. Reading continues after a problem, so one pass finds them all. The caller
//! interprets the values.

use super::values::BadValue;
use crate::text::{list, nearest};
use crate::yaml::{Entry, FileProblem, FoundProblems, Node, Place, Value, is_null, kind};

/// Every key of a campaign file by section, to detect keys in the wrong section.
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
    (
        "recipients",
        &[
            "csv",
            "xlsx",
            "sheet",
            "rows",
            "to",
            "region",
            "columns",
            "encoding",
            "trim",
            "flatten",
            "split",
            "strict_numbers",
            "skip_sent_within",
            "timezone",
            "send_at",
            "not_after",
        ],
    ),
    ("schedule", &["at", "cron", "timezone", "not_after", "if_late", "until"]),
    ("dispatch", &["rate", "concurrency", "timeout", "attempts", "uncertain", "resend_after", "halt", "quota"]),
    ("halt", &["share", "over", "same_error"]),
    ("reconcile", &["after", "every", "for"]),
    ("window", &["open", "off", "clock"]),
];

/// A map in the file with known keys.
pub(super) struct Section<'n, 'a> {
    name: &'static str,
    /// Where to point when a key is missing.
    place: Place,
    entries: &'n [Entry<'a>],
}

impl<'n, 'a> Section<'n, 'a> {
    /// Opens the section called `name` (empty for the whole file) and reports its unknown keys. Returns `None` if the
    /// node is not a map.
    pub(super) fn open(
        name: &'static str,
        place: Place,
        node: &'n Node<'a>,
        problems: &mut FoundProblems,
    ) -> Option<Self> {
        let entries = match &node.value {
            Value::Map(entries) => entries,
            Value::Broken => return None,
            _ => {
                let what = if name.is_empty() { "a campaign".to_owned() } else { format!("`{name}`") };
                let at = if name.is_empty() { node.place } else { place };
                problems.push(
                    FileProblem::new(
                        "wrong_type",
                        at,
                        format!("{what} must consist of keys with values, not {}", kind(node)),
                    )
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

    /// Returns the value of a key, and where the key is. A key without a value is a problem.
    pub(super) fn get(&self, key: &str, problems: &mut FoundProblems) -> Option<(&'n Node<'a>, Place)> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        if is_null(&entry.node) {
            problems.push(
                FileProblem::new("missing_value", entry.key_place, format!("`{key}` has no value"))
                    .hint("write one after the colon, or remove the key if it is optional"),
            );
            return None;
        }
        Some((&entry.node, entry.key_place))
    }

    /// Whether the key is present, with or without a value.
    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Returns the value of a required key. `example` shows how to write it.
    pub(super) fn require(
        &self,
        key: &'static str,
        example: &str,
        problems: &mut FoundProblems,
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

    /// Whether an unknown key is a likely misspelling of this one, so that one mistake is reported once.
    fn misspelt(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| {
            !known(self.name).contains(&entry.key.as_ref()) && nearest(&entry.key, known(self.name)) == Some(key)
        })
    }

    fn unknown(&self, entry: &Entry<'_>) -> FileProblem {
        let key = entry.key.as_ref();
        let problem = FileProblem::new("unknown_key", entry.key_place, format!("unknown key `{key}`"));
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

/// Returns the text of a scalar, whatever its type. Anything else is a problem.
pub(super) fn text<'n>(
    key: &str,
    (node, key_place): (&'n Node<'_>, Place),
    problems: &mut FoundProblems,
) -> Option<&'n str> {
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

/// Parses a scalar; an error of `parse` becomes a problem at the value.
pub(super) fn value<T>(
    key: &str,
    found: Option<(&Node<'_>, Place)>,
    problems: &mut FoundProblems,
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
