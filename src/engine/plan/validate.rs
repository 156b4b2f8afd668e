//! Validates rows: whether a record becomes a message that the provider's document accepts.
//!
//! A row is validated once, when it is planned; sending only renders it again. All problems are reported at once: the
//! number, the cells, and what the document says about the resulting message.

use crate::message::{self, Open};
use crate::model::{CellProblem, Channel, Finding, Flaw, Millis, OffTemplate, Phone, RowProblem};
use crate::recipients::{ListNote, Record};
use crate::render::Renderer;
use crate::send_window::{Hours, RowTiming};
use crate::template::{Disagreement, Loaded};
use crate::text::{BAD_CHARACTERS, bad_character};

use crate::engine::plan::media_links::{self, LinkSeen};

/// A warning about rows that can be sent or about the list, reported once however many rows it concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What kind of warning it is: stable and short.
    pub code: &'static str,
    /// Where in the body the problem is; empty for a warning about the list.
    pub path: String,
    /// The warning, worded for the first row that has it.
    pub message: String,
    /// Number of rows that have it; 0 if it is about the list as a whole.
    pub rows: u64,
}

impl From<ListNote> for Warning {
    fn from(ListNote { code, message, rows }: ListNote) -> Self {
        Self { code, path: String::new(), message, rows }
    }
}

/// When the first and the last of a set of rows are due, by their own times. A row without a time may be sent at any
/// time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The first of them.
    pub first: Millis,
    /// The last of them.
    pub last: Millis,
}

impl Times {
    /// Merges two time ranges.
    pub(in crate::engine) fn and(self, others: Self) -> Self {
        Self { first: self.first.min(others.first), last: self.last.max(others.last) }
    }
}

/// Notes about valid rows.
#[derive(Default)]
pub(in crate::engine) struct Notes {
    /// One per kind and place, so their number is bounded by the message's places.
    pub(in crate::engine) warnings: Vec<Warning>,
    pub(in crate::engine) links: Vec<LinkSeen>,
    /// `None` if there are no rows.
    pub(in crate::engine) times: Option<Times>,
}

impl Notes {
    /// Adds a row.
    fn at(&mut self, times: Times) {
        self.times = Some(self.times.map_or(times, |so_far| so_far.and(times)));
    }
}

/// What rows are validated against: the message and its open parts.
pub(in crate::engine) struct Measure {
    renderer: Renderer,
    channel: Channel,
    /// The columns that the message uses: position, name, and a place that the cell fills.
    used: Vec<(usize, String, String)>,
    /// `None` if every body has to be checked as a whole.
    open: Option<Open>,
    /// The template's definition, if the campaign has one.
    template: Option<Loaded>,
    /// The timing rules, if rows may have to wait.
    pub(in crate::engine) timed: Option<RowTiming>,
    /// Whether to collect the media links of valid rows.
    pub(in crate::engine) links: bool,
}

impl Measure {
    /// Creates one from the message and its renderer.
    pub(in crate::engine) fn new(channel: Channel, message: &serde_json::Value, renderer: Renderer) -> Self {
        let open = Open::of(channel, message, renderer.places());
        let used = renderer.columns_used();
        let used = used.map(|(position, name, path)| (position, name.to_owned(), path.to_owned())).collect();
        Self { renderer, channel, used, open, template: None, timed: None, links: false }
    }

    /// Requires every message to conform to this template.
    pub(in crate::engine) fn with_template(mut self, template: Loaded) -> Self {
        // Conformance depends on the whole body.
        (self.open, self.template) = (None, Some(template));
        self
    }
}

/// Validates rows.
pub(in crate::engine) struct RowValidator<'m> {
    measure: &'m Measure,
    /// A body buffer, reused for every row.
    body: serde_json::Value,
    /// The findings shared by all rows whose texts are valid; set once they are known.
    usual: Option<Vec<Finding>>,
    /// The window's hours, in the time zones seen so far.
    hours: Option<Hours>,
    notes: Notes,
}

impl<'m> RowValidator<'m> {
    pub(in crate::engine) fn new(measure: &'m Measure) -> Self {
        let hours = measure.timed.as_ref().and_then(RowTiming::hours);
        Self { measure, body: measure.renderer.blank(), usual: None, hours, notes: Notes::default() }
    }

    /// Returns the notes about rows found valid since the last call.
    pub(in crate::engine) fn take_notes(&mut self) -> Notes {
        std::mem::take(&mut self.notes)
    }

    /// Returns the record's number if it can become a message, or all of its problems.
    pub(in crate::engine) fn row(&mut self, record: &Record) -> Result<Phone, Vec<RowProblem>> {
        if let Some(problem) = &record.problem {
            // Its cells may be misread, so nothing else can be said about them.
            return Err(vec![problem.clone()]);
        }
        let to = record.to.as_ref().ok().copied();
        let (send_at, untimely) = match self.time(record) {
            Ok(send_at) => (send_at, None),
            Err(problem) => (None, Some(problem)),
        };
        let at = send_at.unwrap_or(Millis(i64::MIN));
        let times = Times { first: at, last: at };
        let fine = to.filter(|_| untimely.is_none() && !self.measure.links && self.is_fine(record));
        if let (Some(phone), Some(usual)) = (fine, &self.usual) {
            usual.iter().for_each(|finding| note(&mut self.notes.warnings, finding));
            self.notes.at(times);
            return Ok(phone);
        }
        let Measure { renderer, channel, template, .. } = self.measure;
        let mut problems = Vec::new();
        problems.extend(record.to.as_ref().err().cloned());
        problems.extend(untimely);
        if let Err(missing) = renderer.render_value(to, &record.cells, &mut self.body) {
            problems.extend(missing);
            // Otherwise, where this row has no text, the previous row's text would be checked.
            self.body = renderer.blank();
            let _ = renderer.render_value(to, &record.cells, &mut self.body);
        }
        let findings = message::check(*channel, &self.body);
        let bad_cells = self.bad_cells(record);
        // A problem of a cell is reported only for that cell.
        let of_cells = |finding: &&Finding| {
            BAD_CHARACTERS.contains(&finding.code)
                && renderer.columns_at(&finding.path).any(|name| bad_cells.iter().any(|cell| cell.columns == [name]))
        };
        let errors = findings.iter().filter(|finding| finding.is_error() && !of_cells(finding));
        let broken: Vec<RowProblem> = errors
            .filter(|finding| !follows(&finding.path, to, &problems))
            .filter_map(|finding| in_the_message(finding, renderer))
            .collect();
        let disagreed = template.iter().flat_map(|template| {
            let found = template.hold(&self.body);
            found.into_iter().map(move |found| in_the_template(found, template, renderer))
        });
        let disagreed: Vec<RowProblem> =
            disagreed.filter(|found| !follows(found.path.as_deref().unwrap_or_default(), to, &problems)).collect();
        problems.extend(bad_cells);
        problems.extend(broken);
        problems.extend(disagreed);
        match to {
            Some(phone) if problems.is_empty() => {
                findings.iter().for_each(|finding| note(&mut self.notes.warnings, finding));
                self.notes.at(times);
                if self.measure.links {
                    media_links::see(*channel, &self.body, record.row, &mut self.notes.links);
                }
                if fine.is_some() {
                    self.usual = Some(findings);
                }
                Ok(phone)
            }
            _ => Err(problems),
        }
    }

    /// Returns the record's own time, or what is wrong with it.
    fn time(&mut self, record: &Record) -> Result<Option<Millis>, RowProblem> {
        let (Some(timed), Ok(phone)) = (&self.measure.timed, &record.to) else { return Ok(None) };
        timed.validate(self.hours.as_mut(), *phone, &record.cells)
    }

    /// Whether every text of the record's message is valid on its own.
    fn is_fine(&self, record: &Record) -> bool {
        let Measure { renderer, open: Some(open), used, .. } = self.measure else { return false };
        let is_bad = |(position, ..): &(usize, String, String)| {
            record.cells.get(*position).is_some_and(|cell| bad_character(cell).is_some())
        };
        if !record.is_plain && used.iter().any(is_bad) {
            return false;
        }
        let (mut fine, mut bytes) = (true, 0);
        let rendered = renderer.texts(&record.cells, |place, text| {
            // If no cell contains such a character, no text made of cells does.
            let is_plain = record.is_plain && !renderer.is_computed(place);
            fine = fine && (is_plain || bad_character(text).is_none()) && open.is_fine(place, text);
            bytes += text.len();
        });
        fine && rendered.is_ok() && open.has_room(bytes)
    }

    /// Reports the cells that the message uses and that contain characters no message may contain.
    fn bad_cells(&self, record: &Record) -> Vec<RowProblem> {
        let bad = |(position, name, path): &(usize, String, String)| {
            let cell = record.cells.get(*position)?;
            let bad = bad_character(cell)?;
            Some(RowProblem::from(CellProblem::Character(bad.into())).column(name).value(cell).at(path))
        };
        if record.is_plain { Vec::new() } else { self.measure.used.iter().filter_map(bad).collect() }
    }

    /// Does the same as [`RowValidator::row`], and returns the exact bytes of the body.
    pub(in crate::engine) fn body(&mut self, record: &Record) -> Result<(Phone, Vec<u8>), Vec<RowProblem>> {
        let phone = self.row(record)?;
        let mut body = Vec::new();
        self.measure.renderer.render(phone, &record.cells, &mut body)?;
        Ok((phone, body))
    }
}

/// Counts a warning about a row that can be sent.
fn note(warnings: &mut Vec<Warning>, finding: &Finding) {
    let same = |known: &&mut Warning| (known.code, &known.path) == (finding.code, &finding.path);
    match warnings.iter_mut().find(same) {
        Some(known) => known.rows += 1,
        None => warnings.push(Warning {
            code: finding.code,
            path: finding.path.clone(),
            message: finding.to_string(),
            rows: 1,
        }),
    }
}

/// Merges the warnings of later rows.
pub(in crate::engine) fn add(warnings: &mut Vec<Warning>, later: Vec<Warning>) {
    for warning in later {
        match warnings.iter_mut().find(|known| (known.code, &known.path) == (warning.code, &warning.path)) {
            Some(known) => known.rows += warning.rows,
            None => warnings.push(warning),
        }
    }
}

/// Whether a finding only follows from a missing number or text.
fn follows(path: &str, to: Option<Phone>, problems: &[RowProblem]) -> bool {
    let mut missing = problems.iter().filter_map(|problem| problem.path.as_deref());
    (path == "to" && to.is_none()) || missing.any(|missing| missing.starts_with(path))
}

/// Turns a disagreement between message and template into a row problem that names the place in the template.
pub(in crate::engine) fn in_the_template(found: Disagreement, template: &Loaded, renderer: &Renderer) -> RowProblem {
    let Disagreement { mismatch, message_path, template_path } = found;
    // No column supplied what is missing.
    let is_missing = mismatch.code().ends_with("_missing") || mismatch.code().ends_with("_count");
    let source = template.source_of(&template_path);
    let off = OffTemplate { mismatch, path: template_path, source };
    let mut problem = RowProblem::new(Flaw::Template(Box::new(off))).at(&message_path);
    if !is_missing {
        problem.columns = columns(renderer, &message_path);
    }
    problem
}

/// Returns the columns that fill a place of the message, each once.
fn columns(renderer: &Renderer, path: &str) -> Vec<String> {
    let mut columns: Vec<String> = renderer.columns_at(path).map(str::to_owned).collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// Turns a finding into a row problem that names the columns that supplied the value.
fn in_the_message(finding: &Finding, renderer: &Renderer) -> Option<RowProblem> {
    Some(RowProblem {
        what: Flaw::Message(finding.of_message.clone()?),
        columns: columns(renderer, &finding.path),
        path: Some(finding.path.as_str().into()),
        value: finding.value.as_deref().map(Into::into),
        rule: finding.rule.clone().map(Box::new),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::model::RowNumber;

    /// Texts that are valid in one place and invalid in another.
    const TEXTS: [&str; 15] = [
        "Ana",
        "",
        "two\nlines",
        "a     b",
        "é",
        "https://www.example.com/a.png",
        "https://www.example.com/a.pdf",
        "https://www.example.com/a",
        "http://localhost/a.png",
        "85268411234",
        "12",
        "text",
        "image",
        "currency",
        "$long",
    ];

    fn record(row: u64, a: &str, b: &str) -> Record {
        let text = |text: &str| if text == "$long" { "x".repeat(600) } else { text.to_owned() };
        let to = Ok(Phone::from_u64(85_268_411_234));
        Record { row: RowNumber(row), line: row + 1, to, cells: vec![text(a), text(b)], ..Record::default() }
    }

    fn component(kind: &str, parameters: &Value) -> Value {
        json!({"type": "template", "template": {"name": "n", "components": [{"type": kind, "parameters": parameters}]}})
    }

    fn messages() -> Vec<(Channel, Value)> {
        let text = |text: &str| json!({"type": "text", "text": text});
        let reply = |id: &str| json!({"type": "reply", "reply": {"id": id, "title": id}});
        let buttons = json!({"buttons": [reply("{{ a }}"), reply("{{ b }}")]});
        let interactive = json!({"type": "button", "body": {"text": "{{ a }}"}, "action": buttons});
        let one = json!({"type": "button", "body": {"text": "{{ a }}"}, "action": {"buttons": [reply("fixed")]}});
        vec![
            (Channel::Whatsapp, component("body", &json!([text("{{ a }}"), text("Hi {{ b | upper }}")]))),
            (Channel::Whatsapp, component("body", &json!([text("{{ a | default('x') }}"), text(&"y".repeat(500))]))),
            (Channel::Whatsapp, component("body", &json!([{"type": "{{ a }}", "text": "{{ b }}"}]))),
            (Channel::Whatsapp, component("header", &json!([{"type": "image", "image": {"link": "{{ a }}"}}]))),
            (Channel::Whatsapp, json!({"type": "{{ a }}", "text": "{{ b }}"})),
            (Channel::Whatsapp, json!({"type": "text", "text": "{{ a }}", "unknown": "{{ b }}"})),
            (Channel::Whatsapp, json!({"type": "interactive", "interactive": interactive})),
            (Channel::Whatsapp, json!({"type": "interactive", "interactive": one})),
            (Channel::Viber, json!({"type": "image", "image": {"link": "{{ a }}"}})),
            (Channel::Viber, json!({"type": "text", "text": "{{ a }} {{ b }}"})),
            (Channel::Rcs, json!({"type": "text", "text": "{{ a }}"})),
        ]
    }

    #[test]
    fn a_row_is_validated_as_if_it_were_the_only_one() {
        let mut quick = 0;
        for (channel, message) in messages() {
            let columns = ["a", "b"].map(str::to_owned);
            let measure = Measure::new(channel, &message, Renderer::compile(&message, &columns).unwrap());
            let mut validator = RowValidator::new(&measure);
            let (mut expected, mut row) = (Vec::new(), 0);
            for (a, b) in TEXTS.iter().flat_map(|a| TEXTS.map(|b| (a, b))) {
                row += 1;
                let record = record(row, a, b);
                let mut only = RowValidator::new(&measure);
                assert_eq!(validator.row(&record), only.row(&record), "{message}: {a:?}, {b:?}");
                add(&mut expected, only.take_notes().warnings);
            }
            assert_eq!(validator.take_notes().warnings, expected, "{message}");
            quick += usize::from(validator.usual.is_some());
        }
        assert!((6..messages().len()).contains(&quick), "{quick}");
    }

    fn validated(message: &Value, cells: [&str; 2]) -> Result<(Phone, Vec<u8>), Vec<RowProblem>> {
        let columns = ["a", "b"].map(str::to_owned);
        let measure = Measure::new(Channel::Viber, message, Renderer::compile(message, &columns).unwrap());
        RowValidator::new(&measure).body(&record(1, cells[0], cells[1]))
    }

    #[test]
    fn a_cell_that_no_message_may_hold_is_reported_with_its_place_where_it_is_used() {
        let message = json!({"type": "text", "text": "{{ a }}"});
        for (cell, code, words) in [
            ("A\u{0}na", "control_character", "character 2 is U+0000, a control character"),
            ("A\u{b}b", "control_character", "character 2 is U+000B, a control character"),
            ("A\u{c}b", "control_character", "character 2 is U+000C, a control character"),
            ("A\u{85}b", "control_character", "character 2 is U+0085, a control character"),
            (
                "A\u{2028}",
                "control_character",
                "character 2 is U+2028, a line separator that apps do not display as a line break",
            ),
            ("A\rb", "control_character", "character 2 is U+000D, a carriage return without a line feed"),
            ("\u{202e}anA", "unbalanced_direction", "character 1 is U+202E, a text-direction mark that is not closed"),
        ] {
            let problems = validated(&message, [cell, "b"]).unwrap_err();
            let [problem] = &problems[..] else { panic!("{problems:?}") };
            assert_eq!(
                (problem.code(), &*problem.message(), &problem.columns[..]),
                (code, words, &["a".to_owned()][..])
            );
            assert!(!problem.to_string().chars().any(char::is_control), "{problem}");
            assert!(validated(&message, ["b", cell]).is_ok(), "the message does not use the cell: {cell:?}");
        }
        for cell in ["two\r\nlines\n\tof text", "\u{2067}שלום\u{2069}", "👨\u{200d}👩\u{200d}👧 می\u{200c}خواهم"]
        {
            assert!(validated(&message, [cell, "b"]).is_ok(), "{cell:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn no_text_that_passes_holds_what_no_message_may(
            a in "[ab\r\n\u{1}\u{7f}\u{85}\u{2028}\u{202a}\u{202c}\u{202e}\u{2066}\u{2069}]{0,4}",
            b in "[ab\r\n\u{202a}\u{202c}\u{2067}\u{2069}]{0,4}",
            text in prop::sample::select(vec![
                "{{ a }}", "{{ a ~ b }}", "x{{ a }}{{ b }}", "{{ a | default('-') }}", "{{ a[:2] }} {{ b | reverse }}",
                "{% if a is defined %}{{ a | replace('a', '\\u0007') }}{% endif %}x", "{{ a | trim | upper }}",
                "{{ 'b' if a == b else '\\u202e' }}",
            ]),
        ) {
            if let Ok((_, body)) = validated(&json!({"type": "text", "text": text}), [&a, &b]) {
                let body: Value = serde_json::from_slice(&body).unwrap();
                let text = body["text"].as_str().unwrap();
                prop_assert!(bad_character(text).is_none(), "{text:?}");
            }
        }
    }
}
