//! The variables of a message and the columns that fill them.

use crate::cli::error::CliError;
use crate::cli::init::asker::{Asker, wrong, wrong_about_list};
use crate::cli::init::guess::Guess;
use crate::cli::init::list::SampledList;
use crate::cli::init::options::Options;
use crate::model::column_key;
use crate::template::placeholders::is_position;
use crate::text::{count, escaped_name, grouped};

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

    /// Returns what it is, for a sentence.
    pub(super) fn words(&self) -> String {
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

/// Returns the columns that `--params` or a person names: one column, or several separated by commas.
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
/// with the columns that a person confirms or that have their names. A variable with `None` is left for a person to
/// fill in. `to` is the index of the column with the numbers.
pub(super) fn fill(
    slots: &[Slot],
    list: &SampledList,
    to: usize,
    options: &Options,
    asker: Asker,
) -> Result<Vec<Option<Guess<String>>>, CliError> {
    let in_body = slots.iter().filter(|slot| slot.place == SlotPlace::Body).count();
    let mut named = match &options.params {
        Some(named) => columns(named, list).map_err(|words| unknown_params(&words))?,
        None => Vec::new(),
    };
    if options.params.is_some() && ![in_body, slots.len()].contains(&named.len()) {
        return Err(wrong(format!(
            "--params names {}, but the body of the template has {}{}",
            count(named.len() as u64, "column"),
            count(in_body as u64, "variable"),
            match slots.len() {
                all if all == in_body => String::new(),
                all => format!(", and the whole template has {}", grouped(all as u64)),
            }
        )));
    }
    named.reverse();
    let mut filled = Vec::new();
    for slot in slots {
        let alike = || column_alike(slot, list, to);
        filled.push(if let Some(column) = named.pop() {
            Some(Guess::given(column))
        } else if asker.can_ask() {
            let question = format!("the column for {} (`-`: fill it in later)", slot.words());
            let read = |answer: &str| match answer {
                "-" => Ok(None),
                column => list.column(column).map(|column| Some(Guess::given(column))),
            };
            asker.ask(&question, alike().unwrap_or("-"), read)?
        } else {
            alike().map(|column| {
                let column_name = escaped_name(column);
                let why =
                    format!("{} is filled from column `{column_name}`, because the names are similar", slot.words());
                Guess::made(column.to_owned(), why)
            })
        });
    }
    Ok(filled)
}

/// Returns the only column that has the name of a variable or, if none has, the only one whose name contains it. Any
/// other column would be a random guess.
fn column_alike<'l>(slot: &Slot, list: &'l SampledList, to: usize) -> Option<&'l str> {
    let name = words(slot.name()?);
    let only = |is_alike: &dyn Fn(&[String]) -> bool| {
        let mut alike = list.columns.iter().enumerate().filter(|(at, column)| *at != to && is_alike(&words(column)));
        let (_, first) = alike.next()?;
        alike.next().is_none().then_some(first.as_str())
    };
    only(&|column| column.concat() == name.concat())
        .or_else(|| only(&|column| column.windows(name.len().max(1)).any(|part| part == name)))
}

/// Returns the words of a name, in lower case.
fn words(name: &str) -> Vec<String> {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
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
    use crate::model::ProviderApi;
    use crate::render::Renderer;

    #[test]
    fn every_column_name_can_be_a_value() {
        let names = ["first_name", "First Name", "none", "in", "O'Brien's", "a\\b", "say \"hi\"", "{{ x }}", "名字"];
        let columns = names.map(str::to_owned);
        for (at, name) in names.iter().enumerate() {
            let message = serde_json::json!({"type": "text", "text": value_of(name)});
            let renderer = Renderer::compile(ProviderApi::Incs, &message, &columns)
                .unwrap_or_else(|problems| panic!("{name}: {problems:?}"));
            let cells: Vec<String> = (0..names.len()).map(|at| format!("cell {at}")).collect();
            let mut body = Vec::new();
            let phone = crate::model::Phone::from_digits("85268411234").unwrap();
            renderer.render(phone, &cells, &mut body).unwrap();
            let body = String::from_utf8(body).unwrap();
            assert!(body.contains(&format!("\"cell {at}\"")), "{name}: {body}");
        }
    }

    #[test]
    fn a_column_fills_a_variable_only_if_its_name_says_so() {
        for (variable, columns, alike) in [
            ("first_name", &["First Name", "name"][..], Some("First Name")),
            ("firstname", &["first_name"], Some("first_name")),
            ("WhatsApp", &["city", "WhatsApp name"], Some("WhatsApp name")),
            ("name", &["first name", "last name"], None),
            ("name2", &["name1"], None),
            ("date", &["update"], None),
            ("discount", &["city"], None),
            ("phone", &["city"], None),
            ("1", &["city", "1"], None),
        ] {
            let list = SampledList {
                source: crate::model::Source::Csv("list.csv".into()),
                reading: crate::model::Reading::default(),
                columns: [&["phone"], columns].concat().into_iter().map(str::to_owned).collect(),
                rows: Vec::new(),
            };
            let slot = Slot { place: SlotPlace::Body, variable: Some(variable.to_owned()), example: None };
            assert_eq!(column_alike(&slot, &list, 0), alike, "{variable} of {columns:?}");
        }
    }
}
