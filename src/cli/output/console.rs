//! The only place that prints: data to standard output, everything else to standard error, there as sentences or, with
//! `--log-format json`, as JSON.

use std::io::{self, BufWriter, Stdout, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::cli::error::{CliError, Exit};
use crate::cli::output::terminal;
use crate::model::Millis;
use crate::text::{escaped_json, escaped_lines};

/// Whether sentences are told as JSON.
static AS_JSON: AtomicBool = AtomicBool::new(false);

/// From now on sentences are told as JSON.
pub(in crate::cli) fn speak_json() {
    AS_JSON.store(true, Ordering::Relaxed);
}

/// Writes JSON to standard output, on a line. A reader that went away (`| head`) is no error of ours.
pub(in crate::cli) fn data(json: &Value) -> io::Result<()> {
    unless_closed(write(&escaped_json(&json.to_string())))
}

/// As [`data`], for a sentence: characters that act on a terminal are shown as escapes, wherever it goes.
pub(in crate::cli) fn line(sentence: &str) -> io::Result<()> {
    unless_closed(write(&escaped_lines(sentence)))
}

/// As [`data`], for one of many lines of JSON, byte by byte unless a terminal shows them: tells when the reader went
/// away, so that the rest need not be made.
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

/// Standard output for data with words from outside. A terminal would follow the commands in them, so there characters
/// that act on it are shown as escapes; a file or another program gets the data as they are.
pub(in crate::cli) fn data_of_others() -> Printed<BufWriter<Stdout>> {
    Printed { out: BufWriter::new(io::stdout()), shown: terminal::shows_data(), cut: Vec::new() }
}

/// Data on their way to where they are printed.
pub(in crate::cli) struct Printed<W> {
    out: W,
    /// Whether a terminal shows them.
    shown: bool,
    /// The first bytes of a character that is not written in full yet.
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
                // What comes next may be the rest of a line's end.
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

/// Standard error for logs, whose events come in one write each: characters in them that act on a terminal are shown as
/// escapes, but for the log's own colours, which are kept out of its fields by the one who writes it.
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
        io::stderr().lock().write_all(shown.as_bytes())?;
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// Says a sentence on standard error. That it may not be heard is no reason to stop.
pub(in crate::cli) fn info(sentence: &str) {
    tell("INFO", "said", sentence, sentence);
}

/// Says a sentence to a person; a log gets another, without what is personal.
pub(in crate::cli) fn info_to_person(sentence: &str, logged: &str) {
    tell("INFO", "said", logged, sentence);
}

/// Whether standard error is a log for programs, which holds nothing personal.
pub(in crate::cli) fn is_log() -> bool {
    AS_JSON.load(Ordering::Relaxed)
}

/// Says what went wrong.
pub(in crate::cli) fn error(words: &str) {
    tell("ERROR", "failed", words, &format!("campaigner: {words}"));
}

/// Says why a command failed.
pub(in crate::cli) fn error_of(failure: &CliError) {
    match &failure.shown {
        Some(shown) if !is_log() => {
            let _ = io::stderr().lock().write_all(format!("campaigner: {shown}\n").as_bytes());
        }
        _ => error(&failure.words),
    }
}

fn tell(level: &str, event: &str, words: &str, sentence: &str) {
    let line = if is_log() {
        let timestamp = Millis::now().to_string();
        let line = json!({
            "timestamp": timestamp, "level": level, "target": "campaigner", "event": event, "message": words,
        });
        escaped_json(&line.to_string()).into_owned()
    } else {
        escaped_lines(sentence).into_owned()
    };
    let _ = io::stderr().lock().write_all(format!("{line}\n").as_bytes());
}

/// Refuses to write to a file that something else lives in: the store with its logs, a campaign, its recipients.
pub(in crate::cli) fn refuse_to_overwrite(target: &Path, others: &[&Path]) -> Result<(), CliError> {
    let Ok(target) = target.canonicalize() else { return Ok(()) };
    match others.iter().find(|other| other.canonicalize().is_ok_and(|other| other == target)) {
        Some(other) => Err(CliError::new(
            Exit::Wrong,
            format!("{} is needed as it is and would be overwritten; name another file", other.display()),
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_commands_from_outside_and_a_file_gets_what_there_is() {
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
