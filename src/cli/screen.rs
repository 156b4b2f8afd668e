//! The only place that prints: data to standard output, everything else to standard error, there as sentences or, with
//! `--log-format json`, as JSON.

use std::io::{self, BufWriter, IsTerminal as _, Stdout, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::exit::{Exit, Failure};
use crate::model::Millis;
use crate::progress::Look;

/// Whether sentences are told as JSON.
static AS_JSON: AtomicBool = AtomicBool::new(false);

/// From now on sentences are told as JSON.
pub(super) fn speak_json() {
    AS_JSON.store(true, Ordering::Relaxed);
}

/// Writes a line of data to standard output. A reader that went away (`| head`) is no error of ours.
pub(super) fn data(line: &str) -> io::Result<()> {
    match stream(line) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}

/// As [`data`], for one of many lines: tells when the reader went away, so that the rest need not be made.
pub(super) fn stream(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(line.as_bytes())?;
    out.write_all(b"\n")
}

/// Standard output for data with words from outside. A person's terminal would follow what commands are in them, so
/// there each control character is shown as `\u{fffd}`; a file or another program gets the data as they are.
pub(super) fn data_of_others() -> Printed<BufWriter<Stdout>> {
    Printed { out: BufWriter::new(io::stdout()), shown: shows_data(), lead: false }
}

/// Data on their way to where they are printed.
pub(super) struct Printed<W> {
    out: W,
    /// Whether a terminal shows them.
    shown: bool,
    /// Whether the last byte was the first of two that may be a control character (U+0080 to U+009F), and is kept back.
    lead: bool,
}

/// First byte of the control characters of two bytes.
const LEAD: u8 = 0xc2;

impl<W: Write> Write for Printed<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        if !self.shown {
            return self.out.write(data);
        }
        let mut clean = Vec::with_capacity(data.len());
        for &byte in data {
            let after_lead = std::mem::replace(&mut self.lead, byte == LEAD);
            let controls = match byte {
                b'\n' | b'\r' | b'\t' => false,
                0x80..=0x9f => after_lead,
                _ => byte < 0x20 || byte == 0x7f,
            };
            if after_lead && !(controls && byte >= 0x80) {
                clean.push(LEAD);
            }
            match controls {
                true => clean.extend_from_slice("\u{fffd}".as_bytes()),
                false if byte == LEAD => {}
                false => clean.push(byte),
            }
        }
        self.out.write_all(&clean)?;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Whether a person sees the data as it is printed.
pub(super) fn shows_data() -> bool {
    io::stdout().is_terminal()
}

/// Says a sentence on standard error. That it may not be heard is no reason to stop.
pub(super) fn say(sentence: &str) {
    tell("INFO", "said", sentence, sentence);
}

/// Says what went wrong.
pub(super) fn complain(words: &str) {
    tell("ERROR", "failed", words, &format!("campaigner: {words}"));
}

fn tell(level: &str, event: &str, words: &str, sentence: &str) {
    let line = if AS_JSON.load(Ordering::Relaxed) {
        let timestamp = Millis::now().to_string();
        json!({"timestamp": timestamp, "level": level, "target": "campaigner", "event": event, "message": words})
            .to_string()
    } else {
        sentence.to_owned()
    };
    let _ = io::stderr().lock().write_all(format!("{line}\n").as_bytes());
}

/// Refuses to write to a file that something else lives in: the store with its logs, a campaign, its recipients.
pub(super) fn refuse_to_overwrite(target: &Path, others: &[&Path]) -> Result<(), Failure> {
    let Ok(target) = target.canonicalize() else { return Ok(()) };
    match others.iter().find(|other| other.canonicalize().is_ok_and(|other| other == target)) {
        Some(other) => Err(Failure::new(
            Exit::Wrong,
            format!("{} is needed as it is and would be overwritten; name another file", other.display()),
        )),
        None => Ok(()),
    }
}

/// Whether errors may be coloured: on a terminal, unless the person says no (<https://no-color.org>).
pub(super) fn has_color() -> bool {
    io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// How bars look on standard error; `None` where it is no terminal, or one that cannot go back a line.
pub(super) fn look() -> Option<Look> {
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let able = set("TERM").is_some_and(|term| term != "dumb");
    let locale = set("LC_ALL").or_else(|| set("LC_CTYPE")).or_else(|| set("LANG")).unwrap_or_default().to_lowercase();
    let unicode = locale.contains("utf-8") || locale.contains("utf8");
    (able && io::stderr().is_terminal()).then(|| Look { colour: has_color(), unicode })
}

/// Whether a person can be asked.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a person; yes is `y` or `yes`.
pub(super) fn ask(question: &str) -> bool {
    let mut err = io::stderr().lock();
    let _ = write!(err, "{question} [y/N] ");
    let _ = err.flush();
    drop(err);
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes" | "Yes")
}

/// 1,234,567.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number of things: `1 row`, `1,234 rows`.
pub(super) fn count(number: u64, thing: &str) -> String {
    format!("{} {thing}{}", grouped(number), if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_no_commands_from_outside_and_a_file_gets_what_there_is() {
        let text = "caf\u{e9}\t\u{1b}[2J\u{7f}\u{9b}31m\u{a0}\r\n";
        let printed = |shown, size| {
            let mut printed = Printed { out: Vec::new(), shown, lead: false };
            text.as_bytes().chunks(size).for_each(|part| printed.write_all(part).unwrap());
            String::from_utf8(printed.out).unwrap()
        };
        for size in [1, 2, 3, 100] {
            assert_eq!(printed(true, size), "caf\u{e9}\t\u{fffd}[2J\u{fffd}\u{fffd}31m\u{a0}\r\n", "{size}");
            assert_eq!(printed(false, size), text);
        }
    }

    #[test]
    fn numbers_are_grouped_by_thousands() {
        assert_eq!([0, 12, 999, 1000, 1_234_567].map(grouped), ["0", "12", "999", "1,000", "1,234,567"]);
    }
}
