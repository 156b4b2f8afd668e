//! Reads a file and parses it as one YAML document.

use std::io::Read as _;
use std::path::Path;

use super::characters;
use super::file_kind::{FileKind, MAX_BYTES};
use super::problem::{Document, FileError, FileProblem, FoundProblems, Place};
use super::tree::{self, Node};
use crate::input_file;

/// Reads the text of a file.
///
/// # Errors
///
/// When it is not a regular file, cannot be read, is larger than [`MAX_BYTES`], or is not UTF-8.
pub(crate) fn read(path: &Path, kind: &'static FileKind) -> Result<String, FileError> {
    let read_error = |source| FileError::Read { kind: kind.name, path: path.to_owned(), source };
    let file = input_file::open(path).map_err(read_error)?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(read_error)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(FileError::TooLarge { kind: kind.name, path: path.to_owned(), hint: kind.too_large });
    }
    String::from_utf8(bytes).map_err(|error| not_utf8(path, &error))
}

/// Parses text as one YAML document and decodes it with `decode`, which returns `None` only if it added a problem.
/// `path` is where the text is from.
///
/// # Errors
///
/// When there is any problem.
pub(crate) fn parse<T>(
    text: &str,
    path: &Path,
    kind: &'static FileKind,
    decode: impl FnOnce(&Node<'_>, &mut FoundProblems) -> Option<T>,
) -> Result<(T, Document), FileError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut problems = FoundProblems::default();
    let decoded = tree::read(text, kind, &mut problems).and_then(|root| {
        characters::check(&root, text, kind.cells, &mut problems);
        decode(&root, &mut problems)
    });
    let document = Document::new(path, text);
    match decoded {
        Some(decoded) if problems.is_empty() => Ok((decoded, document)),
        _ => Err(FileError::wrong(document, problems)),
    }
}

fn not_utf8(path: &Path, error: &std::string::FromUtf8Error) -> FileError {
    let valid = error.utf8_error().valid_up_to();
    // Up to the first invalid byte, the lossy text has the same bytes as the file.
    let text = String::from_utf8_lossy(error.as_bytes());
    let before = &text[..valid];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let place = Place {
        line: small(line),
        column: small(column),
        start: small(valid),
        end: small(valid + '\u{fffd}'.len_utf8()),
    };
    let problem =
        FileProblem::new("encoding", place, "this file is not valid UTF-8").hint("save it with UTF-8 encoding");
    let mut problems = FoundProblems::default();
    problems.push(problem);
    FileError::wrong(Document::new(path, &text), problems)
}
