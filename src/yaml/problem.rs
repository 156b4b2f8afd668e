//! What is wrong with a file: problems as data, and as the text a person reads.
//!
//! A problem is a place, a code, a sentence and a hint. The file's text stays in one [`Document`], which shows
//! any number of problems in the manner of a compiler: the line, a marker under it, and the hint. Nothing is
//! printed here.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::file_kind::MAX_BYTES;
use crate::text::{escaped, escaped_lines, redact_numbers};

/// Problems kept at most, and shown at most. A file with more has one mistake repeated.
const KEPT: usize = 1000;
const SHOWN: usize = 50;

/// Characters of a line that are shown from the place of a problem on.
const SHOWN_CHARS: usize = 200;

/// A place in a file: where a value starts, and how long it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The line, from 1.
    pub line: u32,
    /// The column, in characters, from 1.
    pub column: u32,
    /// The first byte in the text of the [`Document`].
    pub(super) start: u32,
    /// The byte after the last.
    pub(super) end: u32,
}

impl Place {
    /// The first character of a file.
    pub(crate) const TOP: Self = Self { line: 1, column: 1, start: 0, end: 0 };
}

/// One problem of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProblem {
    /// What kind of problem this is: stable and short, such as `unknown_key`.
    pub code: Cow<'static, str>,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The same in words that quote the file's line or the recipient list, for a person at the terminal only.
    pub hint_for_person: Option<String>,
    /// Where it is.
    pub place: Place,
    /// Another place that belongs to it, and why.
    pub related: Option<(Place, &'static str)>,
}

impl FileProblem {
    /// A problem at a place, without a hint.
    #[must_use]
    pub fn new(code: impl Into<Cow<'static, str>>, place: Place, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), hint: None, hint_for_person: None, place, related: None }
    }

    /// The same problem with a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same problem with a hint that quotes what may be personal, for a person at the terminal.
    pub(crate) fn hint_for_person(mut self, hint: impl Into<String>) -> Self {
        self.hint_for_person = Some(hint.into());
        self
    }

    pub(crate) fn related(mut self, place: Place, why: &'static str) -> Self {
        self.related = Some((place, why));
        self
    }
}

/// The problems found so far, kept up to a limit.
#[derive(Debug, Default)]
pub(crate) struct Found(Vec<FileProblem>);

impl Found {
    pub(crate) fn push(&mut self, problem: FileProblem) {
        if !self.is_full() {
            self.0.push(problem);
        }
    }

    /// Takes out what is of the same kind at the same place as `problem`, and adds that.
    pub(super) fn replace(&mut self, problem: FileProblem) {
        self.0.retain(|told| (&told.code, told.place.start) != (&problem.code, problem.place.start));
        self.push(problem);
    }

    /// Whether nothing more is kept.
    pub(super) fn is_full(&self) -> bool {
        self.0.len() >= KEPT
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A file's path and text, kept to show problems in.
#[derive(Clone, Debug)]
pub struct Document {
    path: PathBuf,
    text: String,
}

impl Document {
    pub(super) fn new(path: &Path, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// The path as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The problems in a line each, without the lines of the file, which may hold people: for a log, or over HTTP.
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

    /// The problems as a person reads them, one snippet each and a blank line between two; with the colours of a
    /// terminal if `color`. The text does not end with a newline.
    #[must_use]
    pub fn show(&self, problems: &[FileProblem], color: bool) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() };
        let path = self.path.display().to_string();
        shown(problems, |problem| self.show_one(problem, &escaped(&path), &renderer)).join("\n\n")
    }

    fn show_one(&self, problem: &FileProblem, path: &str, renderer: &Renderer) -> String {
        // Only the lines concerned are handed over: the renderer reads all it is given, for every problem.
        let snippet = |place: Place, kind: AnnotationKind, label: Option<&'static str>| {
            let window = self.lines_of(place);
            let [start, end] = [place.start as usize, self.end_in_line(place)].map(|end| {
                // Escapes are longer than what they stand for.
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

    /// The bytes of the line on which a place starts, without its line break; of a very long line no more than is
    /// needed to show the place.
    fn lines_of(&self, place: Place) -> Range<usize> {
        let start = place.start as usize;
        let first = self.text[..start].rfind('\n').map_or(0, |newline| newline + 1);
        let mut rest = self.text[start..].char_indices().enumerate();
        let last = rest.find(|(count, (_, c))| *c == '\n' || *count == SHOWN_CHARS);
        let last = last.map_or(self.text.len(), |(_, (offset, _))| start + offset);
        let line = &self.text[first..last];
        first..first + line.trim_end_matches('\r').len().max(start - first)
    }

    /// The end of a place, no further than the end of its first line: a value over many lines is marked on one.
    fn end_in_line(&self, place: Place) -> usize {
        (place.end as usize).clamp(place.start as usize, self.lines_of(place).end)
    }
}

/// Each problem in words, up to a limit.
fn shown(problems: &[FileProblem], one: impl FnMut(&FileProblem) -> String) -> Vec<String> {
    let mut shown: Vec<String> = problems.iter().take(SHOWN).map(one).collect();
    if problems.len() > SHOWN {
        shown.push(format!("… and {} more problems", problems.len() - SHOWN));
    }
    shown
}

/// All that is wrong with one file.
#[derive(Debug)]
pub struct FileProblems {
    document: Document,
    problems: Vec<FileProblem>,
}

impl FileProblems {
    /// The problems, in the order of the file. Of very many, the first 1,000 that were found.
    #[must_use]
    pub fn problems(&self) -> &[FileProblem] {
        &self.problems
    }

    /// The problems as a person reads them; see [`Document::show`].
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

/// Why nothing could be had from a file. Displayed without the lines of the file; see [`FileError::show`].
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The file cannot be read.
    #[error("cannot read the {kind} file {}", path.display())]
    Read {
        /// What it should be, such as `campaign`.
        kind: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The file is larger than [`MAX_BYTES`].
    #[error("the {kind} file {} is larger than {} MiB: {hint}", path.display(), MAX_BYTES >> 20)]
    TooLarge {
        /// What it should be, such as `campaign`.
        kind: &'static str,
        /// The file.
        path: PathBuf,
        /// What to do about it.
        hint: &'static str,
    },
    /// The file was read, and is not right.
    #[error("{0}")]
    Wrong(Box<FileProblems>),
}

impl FileError {
    /// An error of these problems, put in the order of the file.
    pub(crate) fn wrong(document: Document, Found(mut problems): Found) -> Self {
        problems.sort_by_key(|problem| problem.place.start);
        Self::Wrong(Box::new(FileProblems { document, problems }))
    }

    /// As a person at the terminal reads it: a snippet for each problem, in colours if `color`. `None` where the file
    /// could not be read at all, which its words tell in full.
    #[must_use]
    pub fn show(&self, color: bool) -> Option<String> {
        match self {
            Self::Wrong(wrong) => Some(wrong.show(color)),
            Self::Read { .. } | Self::TooLarge { .. } => None,
        }
    }

    /// The problems as data; none where the file could not be read at all.
    #[must_use]
    pub fn problems(&self) -> &[FileProblem] {
        match self {
            Self::Wrong(wrong) => wrong.problems(),
            Self::Read { .. } | Self::TooLarge { .. } => &[],
        }
    }
}
