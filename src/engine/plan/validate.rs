//! Validates rows: whether a record becomes a message that the provider's document accepts.
//!
//! A row is validated once, when it is planned; sending only renders it again. All problems are reported at once: the
//! number, the cells, and what the document says about the resulting message.

use crate::message::{self, Open, Translation};
use crate::model::Mismatch::{Language, Name, TooLong, UrlInUrl};
use crate::model::{
    CellProblem, Channel, Finding, Flaw, Millis, NumberProblem, OffTemplate, Phone, ProviderApi, RowProblem,
    TimeProblem,
};
use crate::recipients::{KindLookup, NumberKinds, Record};
use crate::render::Renderer;
use crate::send_window::{Hours, RowTimes, RowTiming};
use crate::template::{Disagreement, Loaded};
use crate::text::{BAD_CHARACTERS, bad_character, is_encoded_once, is_sheet_error, original_text};

use crate::engine::plan::due_rows::DueRows;
use crate::engine::plan::media_links::{self, LinkSeen};
use crate::engine::plan::warnings::{Warning, ended_offer, note};

/// Notes about valid rows.
#[derive(Default)]
pub(in crate::engine) struct Notes {
    /// One per kind and place, so their number is bounded by the message's places.
    pub(in crate::engine) warnings: Vec<Warning>,
    pub(in crate::engine) links: Vec<LinkSeen>,
    pub(in crate::engine) due: DueRows,
}

/// The keys of a message that decide which parts it has.
const STRUCTURE: [&str; 5] = ["type", "sub_type", "index", "card_index", "parameter_name"];

/// What rows are validated against: the message and its open parts.
pub(in crate::engine) struct Measure {
    renderer: Renderer,
    on: (ProviderApi, Channel),
    /// Where the parts of the message are in the campaign.
    translation: Translation,
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
    /// Warnings about the campaign as a whole.
    pub(in crate::engine) warnings: Vec<Warning>,
    /// The time before which a send time or the end of an offer has passed.
    pub(in crate::engine) now: Millis,
    /// What the numbering plans say, with the column of the number, if valid rows get warnings about it.
    pub(in crate::engine) kinds: Option<(NumberKinds, String)>,
}

impl Measure {
    /// Creates one from the translated message and its renderer.
    pub(in crate::engine) fn new(on: (ProviderApi, Channel), translation: Translation, renderer: Renderer) -> Self {
        let open = Open::of(on, &translation.message, renderer.places());
        let used = renderer.columns_used();
        let used = used
            .map(|(position, name, path)| (position, name.to_owned(), translation.written(path).to_owned()))
            .collect();
        let now = Millis(i64::MIN);
        let (template, timed, kinds, warnings) = (None, None, None, Vec::new());
        Self { renderer, on, translation, used, open, template, timed, links: false, warnings, now, kinds }
    }

    /// Requires every message to conform to this template.
    pub(in crate::engine) fn with_template(mut self, template: Loaded) -> Self {
        // Conformance depends on the whole body.
        (self.open, self.template) = (None, Some(template));
        self
    }

    /// Returns how the message differs from its template whatever the row.
    pub(in crate::engine) fn off_template(&self) -> Vec<RowProblem> {
        let Some(template) = &self.template else { return Vec::new() };
        let is_filled = |place: &str| place.rsplit('.').next().is_some_and(|key| STRUCTURE.contains(&key));
        // If the row decides which parts the message has, only a language that the provider does not get is fixed.
        let only_language = self.renderer.places().any(is_filled);
        let mut message = self.renderer.blank();
        if let Some(language) = &self.translation.language {
            message["template"]["language"] = language.as_str().into();
        }
        let found = template.hold(&message).into_iter();
        let is_fixed = |found: &Disagreement| {
            if only_language {
                return matches!(found.mismatch, Language { .. }) && self.translation.language.is_some();
            }
            let has_texts = matches!(found.mismatch, TooLong { .. } | Name { .. } | Language { .. } | UrlInUrl { .. });
            !found.mismatch.is_doubt() && (!has_texts || !self.renderer.is_filled(&found.message_path))
        };
        let found = found.filter(is_fixed).map(|found| in_the_template(found, template, &self.renderer));
        self.as_written(found.collect())
    }

    /// Returns the problems with their paths in the campaign.
    fn as_written(&self, mut problems: Vec<RowProblem>) -> Vec<RowProblem> {
        for problem in &mut problems {
            problem.path = problem.path.take().map(|path| self.translation.written(&path).into());
        }
        problems
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
    kinds: Option<KindLookup<'m>>,
    notes: Notes,
}

impl<'m> RowValidator<'m> {
    pub(in crate::engine) fn new(measure: &'m Measure) -> Self {
        let hours = measure.timed.as_ref().and_then(RowTiming::hours);
        let kinds = measure.kinds.as_ref().map(|(kinds, _)| kinds.lookup());
        Self { measure, body: measure.renderer.blank(), usual: None, hours, kinds, notes: Notes::default() }
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
        let (times, untimely) = match self.time(record) {
            Ok(times) => (times, None),
            Err(problem) => (None, Some(problem)),
        };
        let due = |due: &mut DueRows| match &times {
            Some(times) => due.add(&times.zones, times.send_at),
            None => due.add("", None),
        };
        let fine = to.filter(|_| untimely.is_none() && !self.measure.links && self.is_fine(record));
        if let (Some(phone), Some(usual)) = (fine, &self.usual) {
            usual.iter().for_each(|finding| note_finding(&mut self.notes.warnings, finding, record, self.measure));
            self.note_row(record, phone, times.as_ref());
            due(&mut self.notes.due);
            return Ok(phone);
        }
        let Measure { renderer, on: (api, channel), template, .. } = self.measure;
        let mut problems = Vec::new();
        problems.extend(record.to.as_ref().err().cloned());
        problems.extend(untimely);
        if let Err(missing) = renderer.render_value(to, &record.cells, &mut self.body) {
            problems.extend(missing);
            // Otherwise, where this row has no text, the previous row's text would be checked.
            self.body = renderer.blank();
            let _ = renderer.render_value(to, &record.cells, &mut self.body);
        }
        let mut findings = message::check(*api, *channel, &self.body);
        findings.extend(ended_offer(&self.body, self.measure.now));
        let bad_cells = self.bad_cells(record);
        // A problem of a cell is reported only for that cell.
        let is_sheet_error = bad_cells.iter().any(|cell| matches!(cell.what, Flaw::Cell(CellProblem::SheetError(_))));
        let of_cells = |finding: &&Finding| {
            (is_sheet_error || BAD_CHARACTERS.contains(&finding.code))
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
        let disagreed = disagreed.filter(|found| !follows(found.path.as_deref().unwrap_or_default(), to, &problems));
        let (doubtful, disagreed): (Vec<_>, Vec<_>) = disagreed.partition(is_doubt);
        problems.extend(bad_cells);
        problems.extend(broken);
        problems.extend(disagreed);
        RowProblem::shorten_for_all(&mut problems);
        match to {
            Some(phone) if problems.is_empty() => {
                let warnings = &mut self.notes.warnings;
                findings.iter().for_each(|finding| note_finding(warnings, finding, record, self.measure));
                for doubt in &self.measure.as_written(doubtful) {
                    let key = (doubt.code(), doubt.path.as_deref().unwrap_or_default(), None);
                    note(warnings, key, || Warning::new(doubt, record));
                }
                self.note_row(record, phone, times.as_ref());
                due(&mut self.notes.due);
                if self.measure.links {
                    media_links::see(
                        self.measure.on,
                        &self.measure.translation,
                        &self.body,
                        record.row,
                        &mut self.notes.links,
                    );
                }
                if fine.is_some() {
                    self.usual = Some(findings);
                }
                Ok(phone)
            }
            _ => Err(self.measure.as_written(problems)),
        }
    }

    /// Returns the record's own times, or what is wrong with them.
    fn time(&mut self, record: &Record) -> Result<Option<RowTimes>, RowProblem> {
        let (Some(timed), Ok(phone)) = (&self.measure.timed, &record.to) else { return Ok(None) };
        timed.validate(self.hours.as_mut(), *phone, &record.cells).map(Some)
    }

    /// Whether every text of the record's message is valid on its own.
    fn is_fine(&self, record: &Record) -> bool {
        let Measure { renderer, open: Some(open), used, .. } = self.measure else { return false };
        let is_bad = |(position, ..): &(usize, String, String)| {
            record
                .cells
                .get(*position)
                .is_some_and(|cell| is_sheet_error(cell) || !record.is_plain && bad_character(cell).is_some())
        };
        if used.iter().any(is_bad) {
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

    /// Reports the cells that the message uses and that contain an error of a spreadsheet, or characters that no
    /// message may contain.
    fn bad_cells(&self, record: &Record) -> Vec<RowProblem> {
        let bad = |(position, name, path): &(usize, String, String)| {
            let cell = record.cells.get(*position)?;
            let problem = match is_sheet_error(cell) {
                true => CellProblem::sheet_error(cell),
                false => CellProblem::Character(bad_character(cell).filter(|_| !record.is_plain)?.into()),
            };
            Some(RowProblem::from(problem).column(name).value(cell).at(path))
        };
        self.measure.used.iter().filter_map(bad).collect()
    }

    /// Notes what is odd about a row that can be sent, apart from its message.
    fn note_row(&mut self, record: &Record, phone: Phone, times: Option<&RowTimes>) {
        let Self { measure, kinds, notes, .. } = self;
        let warnings = &mut notes.warnings;
        if let (Some(lookup), Some((_, column))) = (kinds, &measure.kinds)
            && let Some(kind) = lookup.of(phone)
        {
            let problem = || RowProblem::from(NumberProblem::Kind(kind)).column(column).value(&record.raw_to);
            note(warnings, (kind.code(), "", None), || Warning::new(&problem(), record));
        }
        let timed = measure.timed.as_ref();
        let passed = |at: Option<Millis>| at.filter(|at| *at < measure.now);
        let expired = passed(times.and_then(|times| times.not_after)).zip(timed.and_then(RowTiming::not_after_column));
        let late = passed(times.and_then(|times| times.send_at)).zip(timed.and_then(RowTiming::send_at_column));
        let problem = match (expired, late) {
            // A deadline of the campaign is another warning.
            (Some((at, column)), _) => Some((TimeProblem::Expired(at), column)),
            (None, Some((at, column))) => Some((TimeProblem::Passed(at), column)),
            (None, None) => None,
        };
        if let Some((problem, column)) = problem {
            let problem = RowProblem::from(problem);
            note(warnings, (problem.code(), "", None), || Warning::new(&problem.column(column), record));
        }
        for (position, name, path) in &measure.used {
            let Some(cell) = record.cells.get(*position).filter(|cell| !is_encoded_once(cell)) else { continue };
            if let Some(original) = original_text(cell) {
                let problem = RowProblem::from(CellProblem::double_encoded(&original));
                note(warnings, (problem.code(), path, Some(name)), || {
                    Warning::new(&problem.column(name).value(cell).at(path), record)
                });
            }
        }
    }

    /// Does the same as [`RowValidator::row`], and returns the exact bytes of the body.
    pub(in crate::engine) fn body(&mut self, record: &Record) -> Result<(Phone, Vec<u8>), Vec<RowProblem>> {
        let phone = self.row(record)?;
        let mut body = Vec::new();
        let rendered = self.measure.renderer.render(phone, &record.cells, &mut body);
        rendered.map_err(|problems| self.measure.as_written(problems))?;
        Ok((phone, body))
    }
}

/// Counts a warning about a message that can be sent.
fn note_finding(warnings: &mut Vec<Warning>, finding: &Finding, record: &Record, measure: &Measure) {
    note(warnings, (finding.code, measure.translation.written(&finding.path), None), || {
        let problem = in_the_message(finding, &measure.renderer);
        let problem = measure.as_written(problem.into_iter().collect()).pop();
        Warning::of_finding(finding, problem.as_ref(), record)
    });
}

/// Whether a message that does not conform to its template can be sent all the same.
fn is_doubt(found: &RowProblem) -> bool {
    matches!(&found.what, Flaw::Template(off) if off.mismatch.is_doubt())
}

/// Whether a finding only follows from a missing number or text.
fn follows(path: &str, to: Option<Phone>, problems: &[RowProblem]) -> bool {
    let mut missing = problems.iter().filter_map(|problem| problem.path.as_deref());
    (path == "to" && to.is_none()) || missing.any(|missing| missing.starts_with(path))
}

/// Turns a disagreement between message and template into a row problem that shows the place in the template.
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

/// Turns a finding into a row problem that shows the columns that supplied the value.
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

    fn measure(channel: Channel, message: &Value, columns: &[String]) -> Measure {
        let on = (ProviderApi::Incs, channel);
        let renderer = Renderer::compile(on.0, message, columns).unwrap();
        Measure::new(on, Translation::new(on.0, channel, message), renderer)
    }

    #[test]
    fn a_row_is_validated_as_if_it_were_the_only_one() {
        let mut quick = 0;
        for (channel, message) in messages() {
            let columns = ["a", "b"].map(str::to_owned);
            let measure = measure(channel, &message, &columns);
            let mut validator = RowValidator::new(&measure);
            let (mut expected, mut row) = (Vec::new(), 0);
            for (a, b) in TEXTS.iter().flat_map(|a| TEXTS.map(|b| (a, b))) {
                row += 1;
                let record = record(row, a, b);
                let mut only = RowValidator::new(&measure);
                assert_eq!(validator.row(&record), only.row(&record), "{message}: {a:?}, {b:?}");
                crate::engine::plan::warnings::add(&mut expected, only.take_notes().warnings);
            }
            assert_eq!(validator.take_notes().warnings, expected, "{message}");
            quick += usize::from(validator.usual.is_some());
        }
        assert!((6..messages().len()).contains(&quick), "{quick}");
    }

    fn validated(message: &Value, cells: [&str; 2]) -> Result<(Phone, Vec<u8>), Vec<RowProblem>> {
        let columns = ["a", "b"].map(str::to_owned);
        let measure = measure(Channel::Viber, message, &columns);
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
