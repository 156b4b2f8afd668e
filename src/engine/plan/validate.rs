//! Judging rows: whether a record becomes a message that the provider's document takes.
//!
//! A row is judged once, when it is planned; sending it only renders it again. Everything that is wrong with it is told
//! at once: its number, its cells, and what the document says about the message they make.

use crate::message::{self, Open};
use crate::model::{CellProblem, Channel, Finding, Flaw, Millis, OffTemplate, Phone, RowProblem};
use crate::recipients::Record;
use crate::render::Renderer;
use crate::send_window::{Hours, RowTiming};
use crate::template::{Disagreement, Loaded};
use crate::text::{BAD_CHARACTERS, bad_character};

use crate::engine::plan::media_links::{self, LinkSeen};

/// Something that may not be right with rows that can be sent, told once however many they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What kind of warning it is: stable and short.
    pub code: &'static str,
    /// Where in the body it is.
    pub path: String,
    /// What it is about, in the words of the first row that has it.
    pub message: String,
    /// Rows that have it.
    pub rows: u64,
}

/// When the first and the last of some rows may leave, by their own times. A row without one may leave at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// The first of them.
    pub first: Millis,
    /// The last of them.
    pub last: Millis,
}

impl Times {
    /// Those of these rows and of others.
    pub(in crate::engine) fn and(self, others: Self) -> Self {
        Self { first: self.first.min(others.first), last: self.last.max(others.last) }
    }
}

/// What there is to tell of rows that were found good.
#[derive(Default)]
pub(in crate::engine) struct Notes {
    /// Of each kind and place one, so no more than the message has places.
    pub(in crate::engine) warnings: Vec<Warning>,
    pub(in crate::engine) links: Vec<LinkSeen>,
    /// None where there are no rows.
    pub(in crate::engine) times: Option<Times>,
}

impl Notes {
    /// One more row.
    fn at(&mut self, times: Times) {
        self.times = Some(self.times.map_or(times, |so_far| so_far.and(times)));
    }
}

/// What rows are judged by: the message, and what of it is open.
pub(in crate::engine) struct Measure {
    renderer: Renderer,
    channel: Channel,
    /// The columns that the message uses: position, name, and a place that takes the cell.
    used: Vec<(usize, String, String)>,
    /// None where every body has to be looked at as a whole.
    open: Option<Open>,
    /// The template's definition, where the campaign names it.
    template: Option<Loaded>,
    /// When rows may leave, where they may have to wait.
    pub(in crate::engine) timed: Option<RowTiming>,
    /// Whether somebody wants to know the media links of the rows that are found good.
    pub(in crate::engine) links: bool,
}

impl Measure {
    /// `renderer` is that of the message.
    pub(in crate::engine) fn new(channel: Channel, message: &serde_json::Value, renderer: Renderer) -> Self {
        let open = Open::of(channel, message, renderer.places());
        let used = renderer.columns_used();
        let used = used.map(|(position, name, path)| (position, name.to_owned(), path.to_owned())).collect();
        Self { renderer, channel, used, open, template: None, timed: None, links: false }
    }

    /// The same, and every message has to agree with this template.
    pub(in crate::engine) fn held_against(mut self, template: Loaded) -> Self {
        // Whether they agree is a matter of the whole body.
        (self.open, self.template) = (None, Some(template));
        self
    }
}

/// Decides about rows.
pub(in crate::engine) struct RowValidator<'m> {
    measure: &'m Measure,
    /// A body that is used again for row after row.
    body: serde_json::Value,
    /// What there is to tell of each row whose texts are fine, once it is known.
    usual: Option<Vec<Finding>>,
    /// The hours of the window, in the time zones that came up so far.
    hours: Option<Hours>,
    notes: Notes,
}

impl<'m> RowValidator<'m> {
    pub(in crate::engine) fn new(measure: &'m Measure) -> Self {
        let hours = measure.timed.as_ref().and_then(RowTiming::hours);
        Self { measure, body: measure.renderer.blank(), usual: None, hours, notes: Notes::default() }
    }

    /// What there is to tell of the rows that were found good since this was asked last.
    pub(in crate::engine) fn take_notes(&mut self) -> Notes {
        std::mem::take(&mut self.notes)
    }

    /// Whether a record can become a message; its number, if so, or all that is wrong with it.
    pub(in crate::engine) fn row(&mut self, record: &Record) -> Result<Phone, Vec<RowProblem>> {
        if let Some(problem) = &record.problem {
            // Its cells may not be what they seem, so there is nothing else to say.
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
            // Else the texts of another row would stand where this one has none, and be held against its own.
            self.body = renderer.blank();
            let _ = renderer.render_value(to, &record.cells, &mut self.body);
        }
        let findings = message::check(*channel, &self.body);
        let bad_cells = self.bad_cells(record);
        // What is wrong with a cell is told of the cell alone.
        let of_cells = |finding: &&Finding| {
            BAD_CHARACTERS.contains(&finding.code)
                && renderer.columns_at(&finding.path).any(|name| bad_cells.iter().any(|cell| cell.columns == [name]))
        };
        let errors = findings.iter().filter(|finding| finding.is_error() && !of_cells(finding));
        let told: Vec<RowProblem> = errors
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
        problems.extend(told);
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

    /// The record's own time, or what is wrong with it.
    fn time(&mut self, record: &Record) -> Result<Option<Millis>, RowProblem> {
        let (Some(timed), Ok(phone)) = (&self.measure.timed, &record.to) else { return Ok(None) };
        timed.judge(self.hours.as_mut(), *phone, &record.cells)
    }

    /// Whether every text of the record's message is fine by itself.
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
            // Where no cell holds such a character, no text does that is made of cells.
            let is_plain = record.is_plain && !renderer.is_computed(place);
            fine = fine && (is_plain || bad_character(text).is_none()) && open.is_fine(place, text);
            bytes += text.len();
        });
        fine && rendered.is_ok() && open.has_room(bytes)
    }

    /// The cells that the message uses and that hold what no message may hold.
    fn bad_cells(&self, record: &Record) -> Vec<RowProblem> {
        let bad = |(position, name, path): &(usize, String, String)| {
            let cell = record.cells.get(*position)?;
            let bad = bad_character(cell)?;
            Some(RowProblem::from(CellProblem::Character(bad.into())).column(name).value(cell).at(path))
        };
        if record.is_plain { Vec::new() } else { self.measure.used.iter().filter_map(bad).collect() }
    }

    /// As [`RowValidator::row`], with the exact bytes of the body.
    pub(in crate::engine) fn body(&mut self, record: &Record) -> Result<(Phone, Vec<u8>), Vec<RowProblem>> {
        let phone = self.row(record)?;
        let mut body = Vec::new();
        self.measure.renderer.render(phone, &record.cells, &mut body)?;
        Ok((phone, body))
    }
}

/// Takes note of a warning about a row that can be sent.
fn note(warnings: &mut Vec<Warning>, finding: &Finding) {
    let same = |told: &&mut Warning| (told.code, &told.path) == (finding.code, &finding.path);
    match warnings.iter_mut().find(same) {
        Some(told) => told.rows += 1,
        None => warnings.push(Warning {
            code: finding.code,
            path: finding.path.clone(),
            message: finding.to_string(),
            rows: 1,
        }),
    }
}

/// Adds the warnings of later rows.
pub(in crate::engine) fn add(warnings: &mut Vec<Warning>, later: Vec<Warning>) {
    for warning in later {
        match warnings.iter_mut().find(|told| (told.code, &told.path) == (warning.code, &warning.path)) {
            Some(told) => told.rows += warning.rows,
            None => warnings.push(warning),
        }
    }
}

/// Whether a finding is only what comes of a number or a text that could not be had.
fn follows(path: &str, to: Option<Phone>, problems: &[RowProblem]) -> bool {
    let mut missing = problems.iter().filter_map(|problem| problem.path.as_deref());
    (path == "to" && to.is_none()) || missing.any(|missing| missing.starts_with(path))
}

/// What message and template disagree on as a problem of the row, with the place in the template.
pub(in crate::engine) fn in_the_template(found: Disagreement, template: &Loaded, renderer: &Renderer) -> RowProblem {
    let Disagreement { mismatch, message_path, template_path } = found;
    // What is missing was brought by no column.
    let is_missing = mismatch.code().ends_with("_missing") || mismatch.code().ends_with("_count");
    let source = template.source_of(&template_path);
    let off = OffTemplate { mismatch, path: template_path, source };
    let mut problem = RowProblem::new(Flaw::Template(Box::new(off))).at(&message_path);
    if !is_missing {
        problem.columns = columns(renderer, &message_path);
    }
    problem
}

/// The columns that are put in at a place of the message, each once.
fn columns(renderer: &Renderer, path: &str) -> Vec<String> {
    let mut columns: Vec<String> = renderer.columns_at(path).map(str::to_owned).collect();
    columns.sort_unstable();
    columns.dedup();
    columns
}

/// A finding as a problem of the row, with the columns that brought the value.
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

    /// Texts that are right in one place and wrong in another.
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
    fn a_row_is_judged_as_if_it_were_the_only_one() {
        let mut quick = 0;
        for (channel, message) in messages() {
            let columns = ["a", "b"].map(str::to_owned);
            let measure = Measure::new(channel, &message, Renderer::compile(&message, &columns).unwrap());
            let mut judge = RowValidator::new(&measure);
            let (mut expected, mut row) = (Vec::new(), 0);
            for (a, b) in TEXTS.iter().flat_map(|a| TEXTS.map(|b| (a, b))) {
                row += 1;
                let record = record(row, a, b);
                let mut only = RowValidator::new(&measure);
                assert_eq!(judge.row(&record), only.row(&record), "{message}: {a:?}, {b:?}");
                add(&mut expected, only.take_notes().warnings);
            }
            assert_eq!(judge.take_notes().warnings, expected, "{message}");
            quick += usize::from(judge.usual.is_some());
        }
        assert!((6..messages().len()).contains(&quick), "{quick}");
    }

    fn judged(message: &Value, cells: [&str; 2]) -> Result<(Phone, Vec<u8>), Vec<RowProblem>> {
        let columns = ["a", "b"].map(str::to_owned);
        let measure = Measure::new(Channel::Viber, message, Renderer::compile(message, &columns).unwrap());
        RowValidator::new(&measure).body(&record(1, cells[0], cells[1]))
    }

    #[test]
    fn a_cell_that_no_message_may_hold_is_told_with_its_place_where_it_is_used() {
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
            (
                "\u{202e}anA",
                "unbalanced_direction",
                "character 1 is U+202E, which changes the direction of the text and is not closed",
            ),
        ] {
            let problems = judged(&message, [cell, "b"]).unwrap_err();
            let [problem] = &problems[..] else { panic!("{problems:?}") };
            assert_eq!(
                (problem.code(), &*problem.message(), &problem.columns[..]),
                (code, words, &["a".to_owned()][..])
            );
            assert!(!problem.to_string().chars().any(char::is_control), "{problem}");
            assert!(judged(&message, ["b", cell]).is_ok(), "the message does not use the cell: {cell:?}");
        }
        for cell in ["two\r\nlines\n\tof text", "\u{2067}שלום\u{2069}", "👨\u{200d}👩\u{200d}👧 می\u{200c}خواهم"]
        {
            assert!(judged(&message, [cell, "b"]).is_ok(), "{cell:?}");
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
            if let Ok((_, body)) = judged(&json!({"type": "text", "text": text}), [&a, &b]) {
                let body: Value = serde_json::from_slice(&body).unwrap();
                let text = body["text"].as_str().unwrap();
                prop_assert!(bad_character(text).is_none(), "{text:?}");
            }
        }
    }
}
