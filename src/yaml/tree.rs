//! Parses YAML into a tree in which every node knows its place.
//!
//! The tree is built from parser events rather than with `serde`, so that a scalar keeps its text as written (`007` and
//! 85268411234 survive) and one pass finds every problem. Anchors, aliases, merge keys and tags are refused: no file
//! can expand in memory, and text that starts with `*`, `&` or `!` because of missing quotes is found. The tree does
//! not know the meaning of a file.

use std::borrow::Cow;
use std::collections::HashMap;

use granit_parser::{self, Event, Parser, ScalarStyle, Span, StrInput, Tag};

use super::file_kind::FileKind;
use super::problem::{FileProblem, FoundProblems, Place};
use super::syntax_hints;

/// The most levels of nesting, counted separately for `[…]` and `{…}` and for indented blocks. The deepest documented
/// message has 9.
const MAX_DEPTH: usize = 32;

/// The most values in a file: about what a table of half the largest file size contains; it fits in memory.
const MAX_NODES: usize = 1_000_000;

/// A value of the file, and where it is.
#[derive(Debug)]
pub(crate) struct Node<'a> {
    pub(crate) place: Place,
    pub(crate) value: Value<'a>,
}

#[derive(Debug)]
pub(crate) enum Value<'a> {
    Scalar(Scalar<'a>),
    List(Vec<Node<'a>>),
    Map(Vec<Entry<'a>>),
    /// Something whose problem was already reported.
    Broken,
}

/// One `key: value` of a map.
#[derive(Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) key: Cow<'a, str>,
    pub(crate) key_place: Place,
    pub(crate) node: Node<'a>,
}

/// A scalar as it was written.
#[derive(Debug)]
pub(crate) struct Scalar<'a> {
    pub(crate) text: Cow<'a, str>,
    /// Unquoted, so it may mean something other than its text.
    plain: bool,
}

/// What a scalar means by the core schema of YAML 1.2.2 (section 10.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Null,
    Bool(bool),
    Number,
    Text,
}

impl Scalar<'_> {
    pub(crate) fn meaning(&self) -> Meaning {
        if !self.plain {
            return Meaning::Text;
        }
        match self.text.as_ref() {
            "" | "~" | "null" | "Null" | "NULL" => Meaning::Null,
            "true" | "True" | "TRUE" => Meaning::Bool(true),
            "false" | "False" | "FALSE" => Meaning::Bool(false),
            text if looks_like_a_number(text) => Meaning::Number,
            _ => Meaning::Text,
        }
    }
}

fn looks_like_a_number(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if matches!(digits, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    if let Some(hex) = text.strip_prefix("0x") {
        return !hex.is_empty() && hex.bytes().all(|b| b.is_ascii_hexdigit());
    }
    if let Some(octal) = text.strip_prefix("0o") {
        return !octal.is_empty() && octal.bytes().all(|b| (b'0'..=b'7').contains(&b));
    }
    // Rust reads a superset (`inf`, `nan`, `infinity`) of the schema's decimal numbers; a digit rules those out.
    digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && digits.bytes().any(|b| b.is_ascii_digit())
        && digits.parse::<f64>().is_ok()
}

/// Parses text as one YAML document. Returns `None` if it is not YAML or is empty. A syntax error is the last problem,
/// because what follows it is unknown.
pub(super) fn read<'a>(text: &'a str, kind: &'static FileKind, problems: &mut FoundProblems) -> Option<Node<'a>> {
    let options = granit_parser::options! {
        emit_comments: false,
        emit_anchor_events: true,
        emit_unresolved_aliases: true,
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let parser = Parser::new_from_str_with_options(text, options);
    let mut reader = Reader { text, kind, parser, problems, reached: 0, nodes: 0 };
    reader.document().unwrap_or_default()
}

/// The parser has stopped; the problem was already reported.
struct Stopped;

struct Reader<'a, 'p> {
    text: &'a str,
    kind: &'static FileKind,
    parser: Parser<'a, StrInput<'a>>,
    problems: &'p mut FoundProblems,
    /// The end of the last valid part.
    reached: usize,
    nodes: usize,
}

impl<'a> Reader<'a, '_> {
    fn document(&mut self) -> Result<Option<Node<'a>>, Stopped> {
        let mut root = None;
        loop {
            let (event, place) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentEnd => {}
                Event::DocumentStart(..) => {
                    if root.is_some() {
                        let name = self.kind.name;
                        self.problems.push(
                            FileProblem::new("several_documents", place, "a second document starts here").hint(
                                format!("a {name} file holds one {name}: remove the `---` line, or make two files"),
                            ),
                        );
                        return Err(Stopped);
                    }
                }
                event => root = Some(self.node(event, place)?),
            }
        }
        let empty = root
            .as_ref()
            .is_none_or(|node| matches!(&node.value, Value::Scalar(scalar) if scalar.meaning() == Meaning::Null));
        if empty {
            self.problems.push(FileProblem::new("empty_file", Place::TOP, "this file is empty").hint(self.kind.needs));
            return Ok(None);
        }
        Ok(root)
    }

    /// Returns the next relevant event, and its place.
    fn next(&mut self) -> Result<(Event<'a>, Place), Stopped> {
        loop {
            if self.problems.is_full() {
                return Err(Stopped);
            }
            match self.parser.next() {
                Some(Ok((Event::Anchor(..), span))) => {
                    let place = self.place(&span);
                    self.problems.push(syntax_hints::needs_quotes(self.text, place, "anchor", '&'));
                }
                Some(Ok((event, span))) => {
                    let place = self.place(&span);
                    self.reached = place.end as usize;
                    let tag = match &event {
                        Event::Scalar(.., tag) | Event::SequenceStart(.., tag) | Event::MappingStart(.., tag) => tag,
                        _ => &None,
                    };
                    if tag.as_ref().is_some_and(|tag| !is_text_tag(tag)) {
                        let place = span.tag_span().map_or(place, |tag| self.place(&tag));
                        self.problems.push(syntax_hints::needs_quotes(self.text, place, "tag", '!'));
                    }
                    return Ok((event, place));
                }
                Some(Err(error)) => {
                    let problem = syntax_hints::explain(self.text, &error, self.reached);
                    // The parser may have failed because of a problem that was already reported.
                    self.problems.replace(problem);
                    return Err(Stopped);
                }
                None => return Ok((Event::StreamEnd, Place::default())),
            }
        }
    }

    /// Returns the node that starts with `event`. The parser limits the recursion to `MAX_DEPTH`.
    fn node(&mut self, event: Event<'a>, mut place: Place) -> Result<Node<'a>, Stopped> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            self.problems.push(
                FileProblem::new("too_many_values", place, format!("this file has more than {MAX_NODES} values"))
                    .hint(self.kind.too_large),
            );
            return Err(Stopped);
        }
        let value = match event {
            Event::Scalar(text, style, _, tag) => {
                let plain = style == ScalarStyle::Plain && tag.is_none();
                Value::Scalar(Scalar { text, plain })
            }
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, place) => items.push(self.node(event, place)?),
                    }
                }
                Value::List(items)
            }
            Event::MappingStart(..) => self.map(&mut place)?,
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.problems.push(syntax_hints::needs_quotes(self.text, place, "alias", '*'));
                Value::Broken
            }
            // No other event can start a node.
            _ => Value::Broken,
        };
        Ok(Node { place, value })
    }

    fn map(&mut self, place: &mut Place) -> Result<Value<'a>, Stopped> {
        let mut entries: Vec<Entry<'a>> = Vec::new();
        let mut seen: HashMap<Cow<'a, str>, Place> = HashMap::new();
        let mut braces = false;
        loop {
            let (event, key_place) = self.next()?;
            if event == Event::MappingEnd {
                break;
            }
            let key = self.node(event, key_place)?;
            let (event, node_place) = self.next()?;
            let node = self.node(event, node_place)?;
            let key = match key.value {
                Value::Scalar(scalar) => scalar,
                Value::Broken => continue,
                Value::Map(_) if self.text[place.start as usize..].starts_with("{{") => {
                    // `{{ name }}` without quotes: a map whose key is a map.
                    braces = true;
                    place.end = node.place.end.max(key.place.end);
                    continue;
                }
                Value::Map(_) | Value::List(_) => {
                    let problem = FileProblem::new("bad_key", key.place, "a key must be a word, not a list or a map");
                    self.problems.push(problem.hint("put text that starts with `[` or `{` in quotes"));
                    continue;
                }
            };
            if key.plain && key.text == "<<" {
                let message = format!("merge keys (`<<`) are not supported in {} files", self.kind.name);
                let problem = FileProblem::new("merge_key", key_place, message);
                self.problems.push(problem.hint("write the keys out in full"));
                continue;
            }
            if let Some(first) = seen.get(&key.text) {
                let message = format!("duplicate key `{}`", key.text);
                let problem = FileProblem::new("duplicate_key", key_place, message);
                self.problems.push(problem.hint("remove one of the two").related(*first, "first used here"));
                continue;
            }
            seen.insert(key.text.clone(), key_place);
            entries.push(Entry { key: key.text, key_place, node });
        }
        if braces {
            self.problems.push(syntax_hints::braces(self.text, *place));
            return Ok(Value::Broken);
        }
        Ok(Value::Map(entries))
    }

    fn place(&self, span: &Span) -> Place {
        syntax_hints::place(self.text, &span.start, span.byte_range().map_or(0, |range| range.len()))
    }
}

fn is_text_tag(tag: &Tag) -> bool {
    tag.is_yaml_core_schema_tag("str")
}
