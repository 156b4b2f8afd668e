//! The reference: the tables as a page of Markdown.

use std::fmt::Write as _;

use crate::model::{Channel, Rule};

use super::schema;
use super::schema::describe::list;
use super::schema::types::{Field, Kind, Kinds, List, Media, Need, Object, Shape, Sheet};

/// What can be sent on each channel, and its limits, as a page of Markdown. It is made from the tables that bodies are
/// checked with.
#[must_use]
pub fn reference() -> String {
    let mut page = Page { text: INTRODUCTION.to_owned(), told: Vec::new(), files: Vec::new() };
    for channel in Channel::ALL {
        page.sheet(channel, schema::sheet(channel));
    }
    page.text.push_str(CONTRADICTIONS);
    page.text
}

const CONTRADICTIONS: &str = "
## Where the documents contradict each other

| about | the documents | what is done |
| --- | --- | --- |
| parameters of a template whose variables have names | INCS shows parameters by position, without names. Meta asks for a `parameter_name`. NXLink and CAMS keep variables with names. | Both pass. With a `parameter_name` the name counts, and it has to be one of the component's. Without one the position counts, in the order in which the component's text first shows its variables. What is posted is what the campaign says. |
| the length of `to` | INCS names `8526841511234` as an example, with 10 digits after +852. All its samples have 8, as the numbering plan does. | The numbering plan counts: a row with a longer number is invalid. |
| `.jpg` | INCS lists .jpeg and .png, and uses .jpg in a sample. | Passes with a warning. |
| `text` of a message | INCS has the text itself, Meta an object with `body`. | INCS is followed. |
| `language` of a template | INCS has none, Meta requires it. | Passes with a warning. |
| the code of an AUTHENTICATION template | INCS has `code`, Meta a body and a button with the code in both. | INCS is followed; components pass too. |
| `sub_type` and `index` of a button | INCS has `COPY_CODE` and a text, Meta `copy_code` and a number. | Both pass and are sent as they are. |
| `type` of a card with quick replies | INCS has `cta_url`, as for a card with a link. | INCS is followed. |
| documents in a template's header | INCS lists eight kinds of documents, Meta's API takes PDF. | INCS is followed. |
| an uploaded file in a header | INCS names `id` beside `link`, and shows no way to upload a file. | Both pass. |
";

const INTRODUCTION: &str = "\
# Messages

What each channel takes, and what is checked before anything is sent. This page is made from the tables that the check
uses; to make it again: `UPDATE_DOCS=1 cargo test --lib message::`.

The limits are those of the document \"Messages API\" of INCS and, for the parameters of WhatsApp templates, of Meta's
Cloud API, which the provider hands them on to: what is marked *Meta's* is not in the provider's document. A key that
is in neither is sent as it is, with a warning.

- `to` is put in for every row and is not part of a campaign's `message`.
- Lengths are in characters (Unicode scalar values; an emoji may be several), and count after the row's values are put
  in. A text is never blank: blanks, and characters that nobody sees, are no text.
- No text holds a control character (U+0000 to U+001F, U+007F to U+009F, U+2028, U+2029) but line breaks and tabs, and where
  a text takes no line break or tab, this page says so. A change of direction (U+202A to U+202E, U+2066 to U+2069) is closed
  within the same text. Direction marks and joiners may stand anywhere; at the two ends of a cell they are removed.
- A link is an http or https address of a public server: no `localhost`, no address within a network, no name without a
  dot. Its extension says the kind of file; what follows `?` does not count.
- What is behind a link is looked at by `campaigner check --media` only: that the file is there, its content type and its
  size. A MB is taken as 1,048,576 bytes, with a warning above 1,000,000 a MB: the document does not say which it means.
";

struct Page {
    text: String,
    /// The kinds that the section has told already.
    told: Vec<&'static Kind>,
    /// The files that links of the channel may lead to.
    files: Vec<&'static Media>,
}

impl Page {
    fn sheet(&mut self, channel: Channel, sheet: &'static Sheet) {
        // Writing to a `String` cannot fail, here and below.
        let _ = writeln!(self.text, "\n## {}\n\n`channel: {channel}`.", sheet.title);
        if let Some(at_any_time) = sheet.at_any_time {
            let _ = writeln!(
                self.text,
                "At any time: {}. Everything else reaches only those who wrote within the last 24 hours.",
                list(at_any_time.iter().copied())
            );
        }
        for kind in sheet.body.kinds.iter().flat_map(|kinds| kinds.list) {
            let _ = writeln!(self.text, "\n### {}: `type: {}`\n", sheet.title, kind.name);
            self.told.clear();
            self.parts(0, &kind.adds);
        }
        self.files(sheet.title);
    }

    /// The files of the channel, and starts anew with none.
    fn files(&mut self, title: &str) {
        let _ = writeln!(self.text, "\n### {title}: files\n\n| file | content types | limits |\n| --- | --- | --- |");
        for media in std::mem::take(&mut self.files) {
            let _ =
                writeln!(self.text, "| {} | {} | {} |", media.name, list(media.types.iter().copied()), media.limits());
        }
    }

    fn line(&mut self, depth: usize, words: &str) {
        let _ = writeln!(self.text, "{:indent$}- {words}", "", indent = depth * 2);
    }

    /// What is in an object, a line each.
    fn parts(&mut self, depth: usize, object: &'static Object) {
        for field in object.fields {
            self.field(depth, field);
        }
        if let Some(kinds) = &object.kinds {
            self.kinds(depth, kinds);
        }
        for rule in object.rules {
            self.line(depth, &sentence(&Rule::from(rule).to_string()));
        }
    }

    fn field(&mut self, depth: usize, field: &'static Field) {
        let mut words = format!("`{}`", field.key);
        match field.need {
            Need::Required => {}
            Need::Optional => words.push_str(" (optional)"),
            Need::Undocumented => words.push_str(" (*Meta's*; passes with a warning)"),
            Need::Forbidden => words.push_str(" (cannot be here)"),
        }
        if let Shape::Link(media) = field.shape
            && !self.files.contains(&media)
        {
            self.files.push(media);
        }
        match field.shape {
            Shape::Anything | Shape::Object(_) if field.note.is_empty() => {}
            Shape::Anything | Shape::Object(_) => words.push('.'),
            _ => {
                let _ = write!(words, ": {}", limits(&field.shape));
            }
        }
        if !field.note.is_empty() {
            let _ = write!(words, " {}", field.note);
        }
        self.line(depth, &words);
        self.inside(depth + 1, &field.shape);
    }

    fn inside(&mut self, depth: usize, shape: &'static Shape) {
        match shape {
            Shape::Object(object) => self.parts(depth, object),
            Shape::List(list) => {
                self.inside(depth, &list.of);
                self.rules(depth, list);
            }
            _ => {}
        }
    }

    fn rules(&mut self, depth: usize, list: &'static List) {
        for rule in list.rules {
            self.line(depth, &sentence(&Rule::from(rule).to_string()));
        }
    }

    fn kinds(&mut self, depth: usize, kinds: &'static Kinds) {
        for kind in kinds.list {
            self.kind(depth, kinds, kind);
        }
    }

    fn kind(&mut self, depth: usize, kinds: &'static Kinds, kind: &'static Kind) {
        let mut words = format!("`{}: {}`", kinds.tag, kind.name);
        if kinds.any_case {
            words.push_str(" (in any letter case)");
        }
        if !kind.note.is_empty() {
            let _ = write!(words, ". {}", kind.note);
        }
        let is_this = |told: &&Kind| told.name == kind.name && std::ptr::eq(told.adds.fields, kind.adds.fields);
        if self.told.iter().any(is_this) {
            words.push_str(if words.ends_with(['.', '*']) { " As above." } else { ": as above." });
            return self.line(depth, &words);
        }
        self.told.push(kind);
        self.line(depth, &words);
        self.parts(depth + 1, &kind.adds);
    }
}

/// A shape and its limits, as a sentence.
fn limits(shape: &Shape) -> String {
    let mut words = Rule::from(shape).to_string();
    match shape {
        Shape::Text(rules) => {
            for rule in *rules {
                let _ = write!(words, "; {}", Rule::from(rule));
            }
        }
        Shape::Link(media) => {
            if !media.extensions.is_empty() {
                let _ = write!(words, "; {media}");
            }
            if !media.only_in_samples.is_empty() {
                let _ = write!(words, " (.{} with a warning)", media.only_in_samples.join(", ."));
            }
            let limits = media.limits();
            if !limits.is_empty() {
                let _ = write!(words, "; {limits}");
            }
        }
        _ => {}
    }
    sentence(&words)
}

/// Words with a full stop.
fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let first: String = chars.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", chars.as_str())
}
