//! Problems of a file, as data and as text.
//!
//! A problem has a place, a code, a sentence and a hint. One [`Document`] holds the file's text and formats problems
//! like a compiler: the line, a marker under it, and the hint. Nothing is printed here.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::file_kind::MAX_BYTES;
use crate::text::{count, escaped, escaped_lines, redact_numbers};

/// The most problems kept, and the most shown. A file with more usually repeats one mistake.
const KEPT: usize = 1000;
const SHOWN: usize = 50;

/// The most characters of a line shown after the place of a problem.
const SHOWN_CHARS: usize = 200;

/// A place in a file: the start and the end of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: u32,
    /// The column, in characters, from 1.
    pub column: u32,
    /// The first byte in the text of the [`Document`].
    pub(super) start: u32,
    /// The byte after the last one.
    pub(super) end: u32,
}

impl Place {
    /// The first character of a file.
    pub(crate) const TOP: Self = Self { line: 1, column: 1, start: 0, end: 0 };
}

/// One problem of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProblem {
    /// The stable code, such as `unknown_key`.
    pub code: Cow<'static, str>,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The hint with quotes from the file or the recipient list, for the terminal only.
    pub hint_for_person: Option<String>,
    /// Where it is.
    pub place: Place,
    /// A related place, and why it is related.
    pub related: Option<(Place, &'static str)>,
}

impl FileProblem {
    /// Returns a problem at a place, without a hint.
    #[must_use]
    pub fn new(code: impl Into<Cow<'static, str>>, place: Place, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), hint: None, hint_for_person: None, place, related: None }
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds a hint for the terminal only, because it may quote personal data.
    pub(crate) fn hint_for_person(mut self, hint: impl Into<String>) -> Self {
        self.hint_for_person = Some(hint.into());
        self
    }

    pub(crate) fn related(mut self, place: Place, why: &'static str) -> Self {
        self.related = Some((place, why));
        self
    }
}

/// The problems found so far, up to a limit.
#[derive(Debug, Default)]
pub(crate) struct FoundProblems(Vec<FileProblem>);

impl FoundProblems {
    pub(crate) fn push(&mut self, problem: FileProblem) {
        if !self.is_full() {
            self.0.push(problem);
        }
    }

    /// Adds `problem` in place of any with the same code at the same place.
    pub(super) fn replace(&mut self, problem: FileProblem) {
        self.0.retain(|other| (&other.code, other.place.start) != (&problem.code, problem.place.start));
        self.push(problem);
    }

    /// Whether the limit is reached.
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= KEPT
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A file's path and text, for showing problems.
#[derive(Clone, Debug)]
pub struct Document {
    path: PathBuf,
    text: String,
}

impl Document {
    pub(super) fn new(path: &Path, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Returns the path as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the file's text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Formats problems on one line each, for logs and HTTP: without lines of the file, which may contain personal
    /// data.
    #[must_use]
    pub fn tell(&self, problems: &[FileProblem]) -> String {
        let path = self.path.display();
        let one = |problem: &FileProblem| {
            let FileProblem { code, message, hint, place, .. } = problem;
            let hint = hint.iter().map(|hint| format!("; {hint}")).collect::<String>();
            let words = format!("{message}{hint}");
            let words = format!("{path}:{}:{}: {} [{code}]", place.line, place.column, redact_numbers(&words));
            escaped(&words).into_owned()
        };
        shown(problems, one).join("\n")
    }

    /// Formats problems for the terminal, one snippet each with a blank line between, in colour if `color`. The text
    /// does not end with a newline.
    #[must_use]
    pub fn show(&self, problems: &[FileProblem], color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let path = self.path.display().to_string();
        shown(problems, |problem| self.show_one(problem, &escaped(&path), &renderer)).join("\n\n")
    }

    fn show_one(&self, problem: &FileProblem, path: &str, renderer: &Renderer) -> String {
        // Pass only the relevant lines: the renderer reads its whole input for every problem.
        let snippet = |place: Place, kind: AnnotationKind, label: Option<&'static str>| {
            let window = self.lines_of(place);
            let [start, end] = [place.start as usize, self.end_in_line(place)].map(|end| {
                // Escapes are longer than the characters they replace.
                escaped_lines(&self.text[window.start..end.clamp(window.start, window.end)]).len()
            });
            let source = escaped_lines(&self.text[window]).into_owned();
            let span = start..end;
            Snippet::source(source).line_start(place.line as usize).path(path).annotation(kind.span(span).label(label))
        };
        let title = Level::ERROR.primary_title(escaped(&problem.message)).id(problem.code.as_ref());
        let mut group = title.element(snippet(problem.place, AnnotationKind::Primary, None));
        if let Some((place, why)) = problem.related {
            group = group.element(snippet(place, AnnotationKind::Context, Some(why)));
        }
        let mut report = vec![group];
        if let Some(hint) = problem.hint_for_person.as_ref().or(problem.hint.as_ref()) {
            report.push(Group::with_title(Level::HELP.secondary_title(escaped(hint))));
        }
        renderer.render(&report)
    }

    /// Returns the byte range of the line where a place starts, without its line break; a very long line is cut after
    /// the place.
    fn lines_of(&self, place: Place) -> Range<usize> {
        let start = place.start as usize;
        let first = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let mut rest = self.text[start..].char_indices().enumerate();
        let last = rest.find(|(count, (_, c))| *c == '\n' || *count == SHOWN_CHARS);
        let last = last.map_or(self.text.len(), |(_, (offset, _))| start + offset);
        let line = &self.text[first..last];
        first..first + line.trim_end_matches('\r').len().max(start - first)
    }

    /// Returns the end of a place, at most the end of its first line, because only one line is marked.
    fn end_in_line(&self, place: Place) -> usize {
        (place.end as usize).clamp(place.start as usize, self.lines_of(place).end)
    }
}

/// Formats problems, up to a limit.
fn shown(problems: &[FileProblem], one: impl FnMut(&FileProblem) -> String) -> Vec<String> {
    let mut shown: Vec<String> = problems.iter().take(SHOWN).map(one).collect();
    if problems.len() > SHOWN {
        shown.push(format!("… and {}", count((problems.len() - SHOWN) as u64, "more problem")));
    }
    shown
}

/// All problems of one file.
#[derive(Debug)]
pub struct FileProblems {
    document: Document,
    problems: Vec<FileProblem>,
}

impl FileProblems {
    /// Returns the problems in file order, at most the first 1,000 found.
    #[must_use]
    pub fn problems(&self) -> &[FileProblem] {
        &self.problems
    }

    /// Formats the problems for the terminal; see [`Document::show`].
    #[must_use]
    pub fn show(&self, color: bool) -> String {
        self.document.show(&self.problems, color)
    }
}

impl fmt::Display for FileProblems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.document.tell(&self.problems))
    }
}

/// Why a file could not be used. Displayed without lines of the file; see [`FileError::show`].
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be read.
    #[error("cannot read the {kind} file {}", path.display())]
    Read {
        /// The kind of file, such as `campaign`.
        kind: &'static str,
        /// The file.
        path: PathBuf,
        /// The error of the system.
        #[source]
        source: io::Error,
    },
    /// The file is larger than [`MAX_BYTES`].
    #[error("the {kind} file {} is larger than {} MiB: {hint}", path.display(), MAX_BYTES >> 20)]
    TooLarge {
        /// The kind of file, such as `campaign`.
        kind: &'static str,
        /// The file.
        path: PathBuf,
        /// What to do about it.
        hint: &'static str,
    },
    /// The contents of the file are not valid.
    #[error("{0}")]
    Wrong(Box<FileProblems>),
}

impl FileError {
    /// Returns an error with these problems, in file order.
    pub(crate) fn wrong(document: Document, FoundProblems(mut problems): FoundProblems) -> Self {
        problems.sort_by_key(|problem| problem.place.start);
        Self::Wrong(Box::new(FileProblems { document, problems }))
    }

    /// Formats it for the terminal: a snippet for each problem, in colour if `color`. `None` if the file could not be
    /// read, which `Display` fully describes.
    #[must_use]
    pub fn show(&self, color: bool) -> Option<String> {
        match self {
            Self::Wrong(wrong) => Some(wrong.show(color)),
            Self::Read { .. } | Self::TooLarge { .. } => None,
        }
    }

    /// Returns the problems; none if the file could not be read.
    #[must_use]
    pub fn problems(&self) -> &[FileProblem] {
        match self {
            Self::Wrong(wrong) => wrong.problems(),
            Self::Read { .. } | Self::TooLarge { .. } => &[],
        }
    }
}
