//! The variables of a message and the columns that fill them.

use crate::cli::error::CliError;
use crate::cli::init::asker::{Asker, missing, wrong, wrong_about_list};
use crate::cli::init::guess::Guess;
use crate::cli::init::list::SampledList;
use crate::cli::init::options::Options;
use crate::model::column_key;
use crate::template::placeholders::is_position;
use crate::text::{escaped_name, nearest};

/// Rows whose form is compared with an example.
const COMPARED: usize = 50;

/// Where a variable is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SlotPlace {
    Header,
    Body,
    /// The button with this index.
    Button(usize),
}

/// A variable of a template.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) place: SlotPlace,
    /// Its name or position; `None` if the template's definition is not available.
    pub(super) variable: Option<String>,
    pub(super) example: Option<String>,
}

impl Slot {
    /// Returns the variable's name, if it has one.
    pub(super) fn name(&self) -> Option<&str> {
        self.variable.as_deref().filter(|name| !is_position(name))
    }

    fn words(&self) -> String {
        let place = match self.place {
            SlotPlace::Header => " of the header".to_owned(),
            SlotPlace::Body => String::new(),
            SlotPlace::Button(at) => format!(" of button {}", at + 1),
        };
        let variable = self.variable.as_deref().unwrap_or_default();
        let example = self.example.as_ref().map(|example| format!(" (example `{}`)", escaped_name(example)));
        format!("{{{{{variable}}}}}{place}{}", example.unwrap_or_default())
    }
}

/// The form of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Link,
    Percentage,
    Number,
    /// Digits and separators, as in a date or a time.
    Digits,
    /// Letters and digits.
    Code,
    Words,
}

impl Form {
    fn of(text: &str) -> Self {
        let text = text.trim();
        let has_digit = text.chars().any(char::is_numeric);
        match text {
            _ if text.contains("://") => Self::Link,
            _ if text.ends_with('%') => Self::Percentage,
            _ if text.chars().all(|c| c.is_numeric() || ".,".contains(c)) => Self::Number,
            _ if has_digit && !text.chars().any(char::is_alphabetic) => Self::Digits,
            _ if has_digit && !text.contains(' ') => Self::Code,
            _ => Self::Words,
        }
    }

    /// Returns the form of most cells.
    fn of_most<'c>(cells: impl Iterator<Item = &'c str>) -> Option<Self> {
        let forms: Vec<Self> = cells.take(COMPARED).map(Self::of).collect();
        forms.iter().copied().find(|form| forms.iter().filter(|other| *other == form).count() * 2 > forms.len())
    }
}

/// Returns the columns that `--params` or a person names: one column, or several with commas between.
pub(super) fn columns(named: &str, list: &SampledList) -> Result<Vec<String>, String> {
    match list.column(named) {
        _ if named.trim().is_empty() => Ok(Vec::new()),
        Ok(column) => Ok(vec![column]),
        Err(_) => named.split(',').map(|name| list.column(name)).collect(),
    }
}

/// Returns the error for `--params` with an unknown column.
pub(super) fn unknown_params(words: &str) -> CliError {
    wrong_about_list("--params: the list has no such column", &format!("--params: {words}"))
}

/// Fills the variables of a template: with the columns of `--params`, which name those of the body or all of them, or
/// with the columns that a person confirms or that are guessed. `to` is the column with the numbers.
pub(super) fn fill(
    slots: &[Slot],
    list: &SampledList,
    to: &str,
    options: &Options,
    asker: Asker,
) -> Result<Vec<Guess<String>>, CliError> {
    let in_body = slots.iter().filter(|slot| slot.place == SlotPlace::Body).count();
    let mut named = match &options.params {
        Some(named) => columns(named, list).map_err(|words| unknown_params(&words))?,
        None => Vec::new(),
    };
    if options.params.is_some() && ![in_body, slots.len()].contains(&named.len()) {
        return Err(wrong(format!(
            "--params names {} columns, but the body of the template has {in_body} variables",
            named.len()
        )));
    }
    let mut used = named.clone();
    named.reverse();
    let mut filled = Vec::new();
    for slot in slots {
        if let Some(column) = named.pop() {
            filled.push(Guess::given(column));
            continue;
        }
        let guess = guess(slot, list, to, &used);
        let words = slot.words();
        let column = if asker.can_ask() {
            let default = guess.as_ref().map(|(column, _)| column.as_str()).unwrap_or_default();
            Guess::given(asker.ask(&format!("the column for {words}"), default, |answer| list.column(answer))?)
        } else {
            let Some((column, reason)) = guess else {
                return Err(missing(&format!("no column is left for {words}"), "--params COLUMN,COLUMN …"));
            };
            let why = format!("{words} is column `{}`, because {reason}", escaped_name(&column));
            Guess::named(column, why, asker.quiet)
        };
        used.push(column.value.clone());
        filled.push(column);
    }
    Ok(filled)
}

/// Returns the column that probably fills a variable, and why: by its name, else the first unused one whose cells have
/// the form of the example, else the first unused one.
fn guess(slot: &Slot, list: &SampledList, to: &str, used: &[String]) -> Option<(String, String)> {
    let others: Vec<(usize, &str)> =
        list.columns.iter().map(String::as_str).enumerate().filter(|(_, name)| *name != to).collect();
    let names: Vec<&str> = others.iter().map(|(_, name)| *name).collect();
    if let Some(name) = slot.name() {
        let spaced = name.replace('_', " ");
        let longer: Vec<&str> =
            names.iter().copied().filter(|column| column.to_lowercase().contains(&spaced.to_lowercase())).collect();
        let only = if let [only] = longer.as_slice() { Some(*only) } else { None };
        if let Some(column) = nearest(name, &names).or_else(|| nearest(&spaced, &names)).or(only) {
            return Some((column.to_owned(), "the names are alike".to_owned()));
        }
    }
    let unused = |(_, name): &&(usize, &str)| !used.iter().any(|used| used == name);
    let form = slot.example.as_deref().map(Form::of);
    let is_alike = |(at, _): &&(usize, &str)| form.is_some() && Form::of_most(list.cells(*at)) == form;
    let by_form = others.iter().filter(unused).find(is_alike);
    let reason = if by_form.is_some() { "its cells look like the example" } else { "it is the next column" };
    by_form.or_else(|| others.iter().find(unused)).map(|(_, name)| ((*name).to_owned(), reason.to_owned()))
}

/// Returns the template of a column's value: `{{ first_name }}` or `{{ row['First name'] }}`.
pub(super) fn value_of(column: &str) -> String {
    /// Names that mean something else in a template.
    const RESERVED: [&str; 15] = [
        "true", "false", "none", "True", "False", "None", "and", "or", "not", "in", "is", "if", "else", "loop", "self",
    ];
    let mut characters = column.chars();
    let is_first = characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    let is_name = is_first && characters.all(|c| c.is_ascii_alphanumeric() || c == '_');
    match is_name && !RESERVED.contains(&column) {
        true => format!("{{{{ {column} }}}}"),
        false => format!("{{{{ {} }}}}", column_key(column)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::Renderer;

    #[test]
    fn every_column_name_can_be_a_value() {
        let names = ["first_name", "First Name", "none", "in", "O'Brien's", "a\\b", "say \"hi\"", "{{ x }}", "名字"];
        let columns = names.map(str::to_owned);
        for (at, name) in names.iter().enumerate() {
            let message = serde_json::json!({"type": "text", "text": value_of(name)});
            let renderer =
                Renderer::compile(&message, &columns).unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
            let cells: Vec<String> = (0..names.len()).map(|at| format!("cell {at}")).collect();
            let mut body = Vec::new();
            let phone = crate::model::Phone::from_digits("85268411234").unwrap();
            renderer.render(phone, &cells, &mut body).unwrap();
            let body = String::from_utf8(body).unwrap();
            assert!(body.contains(&format!("\"cell {at}\"")), "{name}: {body}");
        }
    }

    #[test]
    fn texts_have_the_form_that_a_person_sees() {
        for (text, form) in [
            ("Ana", Form::Words),
            ("Dr Chan 2", Form::Words),
            ("25%", Form::Percentage),
            ("1,200", Form::Number),
            ("2026-12-01", Form::Digits),
            ("A-1001", Form::Code),
            ("https://example.com/a", Form::Link),
        ] {
            assert_eq!(Form::of(text), form, "{text}");
        }
    }
}
