//! The only place that prints: data to standard output, everything else to standard error, as text or, with
//! `--log-format json`, as JSON.

use std::io::{self, BufWriter, Stdout, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::cli::error::{CliError, Exit};
use crate::cli::output::terminal;
use crate::cli::output::wrap::wrapped;
use crate::model::Millis;
use crate::text::{escaped_json, escaped_lines};

/// Whether messages on standard error are JSON.
static AS_JSON: AtomicBool = AtomicBool::new(false);

/// How many cells a question leaves for its answer.
const ROOM_FOR_ANSWER: usize = 16;

/// Switches messages on standard error to JSON.
pub(in crate::cli) fn use_json() {
    AS_JSON.store(true, Ordering::Relaxed);
}

/// Writes one line of JSON to standard output. A reader that closed the pipe, such as `head`, is no error.
pub(in crate::cli) fn data(json: &Value) -> io::Result<()> {
    unless_closed(write(&escaped_json(&json.to_string())))
}

/// Like [`data`], for text. Control characters are always escaped.
pub(in crate::cli) fn line(sentence: &str) -> io::Result<()> {
    unless_closed(write(&escaped_lines(sentence)))
}

/// Like [`line`], wrapped at the width of the terminal, if there is one.
pub(in crate::cli) fn wrapped_line(sentence: &str) -> io::Result<()> {
    let sentence = escaped_lines(sentence);
    let shown = terminal::data_width().map_or_else(|| sentence.clone(), |width| wrapped(&sentence, width).into());
    unless_closed(write(&shown))
}

/// Like [`data`], for one of many lines of JSON. Writes the exact bytes, except on a terminal. Returns an error when
/// the reader closed the pipe, so that the caller can stop.
pub(in crate::cli) fn stream(json: &str) -> io::Result<()> {
    write(&if terminal::shows_data() { escaped_json(json) } else { json.into() })
}

fn write(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes())?;
    out.write_all(b"\n")
}

fn unless_closed(written: io::Result<()>) -> io::Result<()> {
    written.or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
}

/// Returns standard output for data with text from outside. A terminal would obey control sequences in it, so they are
/// escaped there; a file or another program gets the exact data.
pub(in crate::cli) fn data_of_others() -> Printed<BufWriter<Stdout>> {
    Printed { out: BufWriter::new(io::stdout()), shown: terminal::shows_data(), cut: Vec::new() }
}

/// A writer that escapes control characters if a terminal shows the data.
pub(in crate::cli) struct Printed<W> {
    out: W,
    /// Whether a terminal shows the data.
    shown: bool,
    /// The first bytes of a character whose rest has not been written yet.
    cut: Vec<u8>,
}

impl<W: Write> Write for Printed<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if !self.shown {
            return self.out.write(data);
        }
        let mut bytes = std::mem::take(&mut self.cut);
        bytes.extend_from_slice(data);
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            let is_last = chunks.peek().is_none();
            let text = match chunk.valid().strip_suffix('\r') {
                // The next write may complete a line break.
                Some(text) if is_last && chunk.invalid().is_empty() => {
                    self.cut = b"\r".to_vec();
                    text
                }
                _ => chunk.valid(),
            };
            self.out.write_all(escaped_lines(&text.replace("\r\n", "\n")).as_bytes())?;
            let is_cut = is_last && std::str::from_utf8(chunk.invalid()).is_err_and(|e| e.error_len().is_none());
            match chunk.invalid() {
                [] => {}
                invalid if is_cut => self.cut = invalid.to_vec(),
                _ => self.out.write_all("\u{fffd}".as_bytes())?,
            }
        }
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Standard error for logs, one event per write. An error of writing is ignored: the run continues if the reader of the
/// log is gone or the disk is full. Control characters are escaped, except for the colours of the log itself; `tracing`
/// keeps escape characters out of the fields.
pub(in crate::cli) struct Log {
    /// Whether the events are JSON.
    pub(in crate::cli) json: bool,
}

impl Write for Log {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let shown = match self.json {
            true => escaped_json(&text).into_owned(),
            false => text.split('\x1b').map(escaped_lines).collect::<Vec<_>>().join("\x1b"),
        };
        let _ = io::stderr().lock().write_all(shown.as_bytes());
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Prints a message on standard error, wrapped at the width of the terminal, if there is one. An error of writing is
/// ignored.
pub(in crate::cli) fn info(sentence: &str) {
    print("INFO", "said", sentence, sentence);
}

/// Shows a question to the person at the terminal. The answer follows it on the same line.
pub(in crate::cli) fn question(question: &str) {
    let question = escaped_lines(question);
    let shown = match terminal::info_width() {
        Some(width) => wrapped(&question, width.saturating_sub(ROOM_FOR_ANSWER)),
        None => question.into_owned(),
    };
    let _ = io::stderr().lock().write_all(shown.as_bytes());
}

/// Ends the line of a question that got no answer.
pub(in crate::cli) fn end_of_question() {
    let _ = io::stderr().lock().write_all(b"\n");
}

/// Prints a message for a person; a log gets `logged` instead, which holds no personal data.
pub(in crate::cli) fn info_to_person(sentence: &str, logged: &str) {
    print("INFO", "said", logged, sentence);
}

/// Returns whether standard error is a JSON log, which must hold no personal data.
pub(in crate::cli) fn is_log() -> bool {
    AS_JSON.load(Ordering::Relaxed)
}

/// Prints an error.
pub(in crate::cli) fn error(words: &str) {
    print("ERROR", "failed", words, &format!("campaigner: {words}"));
}

/// Prints why a command failed.
pub(in crate::cli) fn error_of(failure: &CliError) {
    match &failure.shown {
        Some(shown) if !is_log() => {
            print_line(&format!("campaigner: {shown}"));
        }
        _ => error(&failure.words),
    }
}

fn print(level: &str, event: &str, words: &str, sentence: &str) {
    if is_log() {
        let timestamp = Millis::now().to_string();
        let line = json!({
            "timestamp": timestamp, "level": level, "target": "campaigner", "event": event, "message": words,
        });
        let _ = io::stderr().lock().write_all(format!("{}\n", escaped_json(&line.to_string())).as_bytes());
    } else {
        print_line(&escaped_lines(sentence));
    }
}

fn print_line(line: &str) {
    let shown = terminal::info_width().map_or_else(|| line.to_owned(), |width| wrapped(line, width));
    let _ = io::stderr().lock().write_all(format!("{shown}\n").as_bytes());
}

/// Refuses to overwrite an input of the command, such as the campaign file or its recipients.
pub(in crate::cli) fn refuse_to_overwrite(target: &Path, others: &[&Path]) -> Result<(), CliError> {
    let Ok(target) = target.canonicalize() else { return Ok(()) };
    match others.iter().find(|other| other.canonicalize().is_ok_and(|other| other == target)) {
        Some(other) => Err(CliError::new(
            Exit::Wrong,
            format!("{} is an input and would be overwritten; choose another output file", other.display()),
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_control_sequences_and_a_file_gets_the_exact_data() {
        let text = "caf\u{e9}\t\u{1b}[2J\u{7f}\u{9b}31m\u{a0}\u{202e}😀\r\n\r";
        let printed = |shown, size| {
            let mut printed = Printed { out: Vec::new(), shown, cut: Vec::new() };
            text.as_bytes().chunks(size).for_each(|part| printed.write_all(part).unwrap());
            String::from_utf8(printed.out).unwrap()
        };
        for size in [1, 2, 3, 100] {
            let shown = "caf\u{e9}\t\\u{1b}[2J\\u{7f}\\u{9b}31m\u{a0}\\u{202e}😀\n";
            assert_eq!(printed(true, size), shown, "{size}");
            assert_eq!(printed(false, size), text);
        }
        let mut printed = Printed { out: Vec::new(), shown: true, cut: Vec::new() };
        printed.write_all(b"a\xffb\xe2\x80c").unwrap();
        assert_eq!(String::from_utf8(printed.out).unwrap(), "a\u{fffd}b\u{fffd}c");
    }
}
