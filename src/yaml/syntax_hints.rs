//! Explains YAML syntax errors to people who do not know YAML.
//!
//! Most syntax errors come from text that should be in quotes, so the line is checked for that before the parser's
//! reason is used.

use granit_parser::{ErrorKind, Marker, ScanError};

use super::problem::{FileProblem, Place};
use crate::model::OddCharacter;

/// Returns the place that starts at a marker and has `length` bytes, up to the end of the text.
pub(super) fn place(text: &str, marker: &Marker, length: usize) -> Place {
    let mut start = marker.byte_offset().unwrap_or(text.len()).min(text.len());
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    let mut end = (start + length).min(text.len());
    while !text.is_char_boundary(end) {
        end += 1;
    }
    Place { line: small(marker.line().max(1)), column: small(marker.col() + 1), start: small(start), end: small(end) }
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// Returns the problem of text that YAML reads as an anchor, an alias or a tag because of its first character.
pub(super) fn needs_quotes(text: &str, place: Place, code: &'static str, first: char) -> FileProblem {
    let rest = line_from(text, place.start as usize);
    let article = if code.starts_with('a') { "an" } else { "a" };
    let message = format!("YAML reads a value that starts with `{first}` as {article} {code}, not as text");
    FileProblem::new(code, place, message)
        .hint("for text, put it in quotes")
        .hint_for_person(format!("for text, put it in quotes: {}", quoted(rest)))
}

/// Returns the problem of unquoted text that starts with `{{`.
pub(super) fn braces(text: &str, place: Place) -> FileProblem {
    let rest = line_from(text, place.start as usize);
    FileProblem::new("unquoted_braces", place, "text that starts with `{{` must be in quotes")
        .hint("put it in quotes")
        .hint_for_person(format!("write {}", quoted(rest)))
}

/// Explains a syntax error. `reached` is the end of the last valid part: the parser reports where it gave up, which may
/// be far after the actual mistake.
pub(super) fn explain(text: &str, error: &ScanError, reached: usize) -> FileProblem {
    let place = place(text, error.marker(), 0);
    let problem = |message: &str| FileProblem::new("yaml", place, message);
    if let ErrorKind::UnexpectedCharacter { character } = *error.kind()
        && character.is_control()
        && let Some(at) = text[place.start as usize..].find(character)
    {
        let place = place_at(text, place.start as usize + at);
        let bad = OddCharacter(character, place.column as usize);
        return FileProblem::new(bad.code(), place, bad.words_of("this line")).hint(bad.hint());
    }
    if let Some((value, value_place)) = value_in_question(text, place) {
        match value.chars().next() {
            Some('{') if value.starts_with("{{") => return braces(text, value_place),
            Some('*') => return needs_quotes(text, value_place, "alias", '*'),
            Some('&') => return needs_quotes(text, value_place, "anchor", '&'),
            Some(sign @ ('%' | '@' | '`')) => {
                return FileProblem::new("yaml", value_place, format!("unquoted text cannot start with `{sign}`"))
                    .hint("put it in quotes")
                    .hint_for_person(format!("put it in quotes: {}", quoted(value)));
            }
            _ => {}
        }
    }
    if let Some((key, at)) = missing_space(text, place).filter(|_| is_about_lines(error.kind())) {
        return FileProblem::new("yaml", at, format!("a space is missing after `{key}:`"))
            .hint("write a key and its value as `key: value`");
    }
    match error.kind() {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => {
            let at = tab_after(text, place.start as usize).map_or(place, |tab| place_at(text, tab));
            FileProblem::new("yaml", at, "YAML does not allow a tab here")
                .hint("indent with spaces, two for each level")
        }
        ErrorKind::MappingValueNotAllowed
        | ErrorKind::InvalidColonPlacement
        | ErrorKind::InvalidMappingValueWhitespace => problem("a `:` is not expected here")
            .hint("put text that contains `: ` in quotes; if this is a key, check its indentation"),
        ErrorKind::UnclosedQuotedScalar
        | ErrorKind::InvalidQuotedScalarIndent
        | ErrorKind::DocumentIndicatorInQuotedScalar => {
            let at = opening_quote(text, reached).map_or(place, |quote| place_at(text, quote));
            FileProblem::new("yaml", at, "this quote is never closed")
                .hint("close it with the same quote at the end of the text")
        }
        ErrorKind::InvalidTrailingSingleQuotedScalar => problem("something follows the closing quote")
            .hint("double an apostrophe inside single quotes: 'It''s here'"),
        ErrorKind::InvalidTrailingDoubleQuotedScalar => problem("something follows the closing quote")
            .hint(r#"put a backslash before a quote inside double quotes: "the \"best\" offer""#),
        ErrorKind::UnknownQuotedScalarEscape => problem("a backslash has a special meaning inside double quotes")
            .hint(r"write two backslashes for one, or use single quotes"),
        ErrorKind::UnexpectedEofFlowSequence
        | ErrorKind::UnexpectedEofFlowMapping
        | ErrorKind::UnexpectedEofImplicitFlowMapping
        | ErrorKind::UnclosedFlowCollection { .. }
        | ErrorKind::MismatchedFlowCollectionEnd { .. }
        | ErrorKind::MisplacedFlowCollectionEnd
        | ErrorKind::ExpectedFlowMappingSeparator
        | ErrorKind::ExpectedFlowSequenceSeparator => problem("the brackets `[…]` or braces `{…}` do not match here")
            .hint("close each one, put `,` between items, and quote text that contains brackets or braces"),
        ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::SimpleKeyExpected
        | ErrorKind::InvalidSimpleKey
        | ErrorKind::MappingKeyNotAllowed
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::InvalidBlockScalarIndent => problem(
            "this line does not match the structure of the lines above it",
        )
        .hint("start keys of the same level in the same column, and write `key: value` with a space after the colon"),
        ErrorKind::RecursionLimitExceeded => problem("this is nested too deeply"),
        other => problem(&format!("invalid YAML: {other}")),
    }
}

/// Returns the place of the byte at `offset`, the first of a character.
pub(super) fn place_at(text: &str, offset: usize) -> Place {
    let line_start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    Place {
        line: small(text[..offset].matches('\n').count() + 1),
        column: small(text[line_start..offset].chars().count() + 1),
        start: small(offset),
        end: small(offset),
    }
}

/// Returns the first tab after `from` with only whitespace before it on its line.
fn tab_after(text: &str, from: usize) -> Option<usize> {
    let line_start = text[..from].rfind('\n').map_or(0, |newline| newline + 1);
    text[line_start..].match_indices('\t').map(|(index, _)| line_start + index).find(|tab| {
        let line_start = text[..*tab].rfind('\n').map_or(0, |newline| newline + 1);
        text[line_start..*tab].trim().is_empty()
    })
}

/// Returns the first quote after `from` that opens a text.
fn opening_quote(text: &str, from: usize) -> Option<usize> {
    let opens = |index: usize| text[..index].ends_with([' ', '\n', '\t', '[', '{', ',', ':']) || index == 0;
    text[from..].match_indices(['"', '\'']).map(|(index, _)| from + index).find(|index| opens(*index))
}

/// Whether an error may come from a misread line.
fn is_about_lines(kind: &ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::MappingValueNotAllowed
            | ErrorKind::SimpleKeyExpected
            | ErrorKind::ExpectedBlockMappingKey
            | ErrorKind::InvalidIndentation
    )
}

/// Returns the key, and its place, of `key:value` without a space, on the line of `place` or on the last non-empty line
/// above.
fn missing_space(text: &str, place: Place) -> Option<(&str, Place)> {
    let line_start = text[..place.start as usize].rfind('\n').map_or(0, |newline| newline + 1);
    let line_end = text[line_start..].find('\n').map_or(text.len(), |newline| line_start + newline);
    [&text[..line_end], text[..line_start].trim_end()].into_iter().find_map(|upto| {
        let start = upto.rfind('\n').map_or(0, |newline| newline + 1);
        let line = upto[start..].trim_start();
        let (key, value) = line.split_once(':')?;
        let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        if !plain || value.trim().is_empty() || value.starts_with([' ', '\t', '/']) {
            return None;
        }
        let at = place_at(text, upto.len() - line.len());
        Some((key, Place { end: at.start + small(key.len() + 1), ..at }))
    })
}

/// Returns the value on the line of an error, or on the last non-empty line above: the text after the first `: ` or a
/// leading `- `.
fn value_in_question(text: &str, place: Place) -> Option<(&str, Place)> {
    let mut end = text[place.start as usize..].find('\n').map_or(text.len(), |n| place.start as usize + n);
    let mut line_number = place.line;
    for _ in 0..2 {
        let start = text[..end].rfind('\n').map_or(0, |n| n + 1);
        let line = text[start..end].trim_end();
        if let Some(value) = value_of(line).filter(|value| value.starts_with(['{', '*', '&', '%', '@', '`'])) {
            let offset = line.len() - value.len();
            let place = Place {
                line: line_number,
                column: small(line[..offset].chars().count() + 1),
                start: small(start + offset),
                end: small(start + line.len()),
            };
            return Some((value, place));
        }
        if start == 0 || line_number == 1 {
            return None;
        }
        end = start - 1;
        line_number -= 1;
    }
    None
}

fn value_of(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    while let Some(item) = rest.strip_prefix("- ") {
        rest = item.trim_start();
    }
    match rest.split_once(": ") {
        Some((key, value)) if !key.contains(['"', '\'', '{', '[']) => Some(value.trim_start()),
        _ => (rest.len() < line.trim_start().len()).then_some(rest),
    }
}

/// Returns the rest of a line, cut to a useful length.
fn line_from(text: &str, start: usize) -> &str {
    let rest = &text[start..];
    let end = rest.char_indices().enumerate().find(|(count, (_, c))| *count == 200 || *c == '\n');
    &rest[..end.map_or(rest.len(), |(_, (end, _))| end)]
}

/// Returns a text in quotes, shortened, as an example. It ends before a bracket that closes the surrounding list or
/// map.
fn quoted(text: &str) -> String {
    let mut open = 0_usize;
    let end = text.find(|c| {
        match c {
            '{' | '[' => open += 1,
            '}' | ']' if open == 0 => return true,
            '}' | ']' => open -= 1,
            _ => {}
        }
        false
    });
    let text = text[..end.unwrap_or(text.len())].trim();
    let mut short: String = text.chars().take(40).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    if short.contains('"') { format!("'{}'", short.replace('\'', "''")) } else { format!("\"{short}\"") }
}
