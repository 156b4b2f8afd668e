//! Compiles a message into templates and the bytes between them.
//!
//! This happens once per run. All strings are compiled even if one is wrong, so that every problem is reported at once;
//! `explain` translates the engine's errors.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Template, UndefinedBehavior};

use super::explain::{self, TemplateProblem};
use super::keys::{ROW, with_column_names};
use super::renderer::{Fill, Hole, Renderer, is_template, push_text};
use super::row::{HeaderInUse, Row};
use super::{filters, limits};
use crate::model::ProviderApi;

/// The most templates in a message. The largest, a carousel of ten cards, has fewer than a hundred.
const MAX_TEMPLATES: usize = 1_000;

impl Renderer {
    /// Compiles every string of `message` that contains `{{`, `{%` or `{#`. `columns` are the available variables, by
    /// name and as `row["any name"]`. `api` says how a request names its recipient.
    ///
    /// # Errors
    ///
    /// Returns every problem of the templates.
    pub fn compile(
        api: ProviderApi,
        message: &serde_json::Value,
        columns: &[String],
    ) -> Result<Self, Vec<TemplateProblem>> {
        compile(api, message, columns)
    }
}

fn compile(
    api: ProviderApi,
    message: &serde_json::Value,
    columns: &[String],
) -> Result<Renderer, Vec<TemplateProblem>> {
    let mut compiler = Compiler {
        env: environment(),
        columns,
        bytes: Vec::new(),
        holes: Vec::new(),
        used: HashSet::new(),
        path: String::new(),
        steps: limits::STEPS,
        problems: Vec::new(),
    };
    compiler.body(message);
    let Compiler { env, bytes, holes, used, problems, .. } = compiler;
    let header = Arc::new(HeaderInUse::new(columns, &used));
    if problems.is_empty() {
        Ok(Renderer { api, message: message.clone(), env, header, holes, tail: bytes })
    } else {
        Err(problems)
    }
}

/// Returns a minimal engine: an undefined variable is an error, text is neither escaped nor trimmed, and no built-in
/// function hides a column of the same name.
fn environment() -> Environment<'static> {
    let mut env = Environment::empty();
    filters::add(&mut env);
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_auto_escape_callback(|_| AutoEscape::None);
    env.set_fuel(Some(limits::FUEL));
    // Errors show the undefined expression only in this mode. It costs nothing without an error.
    env.set_debug(true);
    env.set_syntax(limits::syntax());
    env
}

struct Compiler<'c> {
    env: Environment<'static>,
    columns: &'c [String],
    bytes: Vec<u8>,
    holes: Vec<Hole>,
    /// The variables of the templates so far.
    used: HashSet<String>,
    path: String,
    /// The steps left for trying out templates.
    steps: u64,
    problems: Vec<TemplateProblem>,
}

impl Compiler<'_> {
    /// Writes the message's keys, to follow `{"to":"…"`.
    fn body(&mut self, message: &serde_json::Value) {
        let Some(keys) = message.as_object() else {
            return self.problem(message.to_string(), "a message must be an object, with keys and values".to_owned());
        };
        for (key, value) in keys {
            if key == "to" {
                self.push_key(key);
                self.problem(
                    value.to_string(),
                    "`to` is filled in for every row and cannot be in the message".to_owned(),
                );
                self.path.clear();
                continue;
            }
            self.bytes.push(b',');
            self.entry(key, value);
        }
        self.bytes.push(b'}');
    }

    fn entry(&mut self, key: &str, value: &serde_json::Value) {
        push_text(&mut self.bytes, key);
        self.bytes.push(b':');
        let parent = self.path.len();
        self.push_key(key);
        self.value(value);
        self.path.truncate(parent);
    }

    fn value(&mut self, value: &serde_json::Value) {
        match value {
            serde_json::Value::String(text) if is_template(text) => self.hole(text),
            serde_json::Value::Array(items) => {
                self.bytes.push(b'[');
                for (index, item) in items.iter().enumerate() {
                    if index > 0 {
                        self.bytes.push(b',');
                    }
                    let parent = self.path.len();
                    // Writing to a `String` cannot fail.
                    let _ = write!(self.path, "[{index}]");
                    self.value(item);
                    self.path.truncate(parent);
                }
                self.bytes.push(b']');
            }
            serde_json::Value::Object(keys) => {
                self.bytes.push(b'{');
                for (index, (key, value)) in keys.iter().enumerate() {
                    if index > 0 {
                        self.bytes.push(b',');
                    }
                    self.entry(key, value);
                }
                self.bytes.push(b'}');
            }
            scalar => self.bytes.extend_from_slice(scalar.to_string().as_bytes()),
        }
    }

    fn hole(&mut self, text: &str) {
        let text = &*match with_column_names(text, self.columns) {
            Ok(text) => text,
            Err(ambiguous) => return self.problems.push(explain::ambiguous(&self.path, &ambiguous)),
        };
        let checked = match limits::check(text) {
            Ok(checked) => checked,
            Err(refused) => {
                let hint = refused.hint.map(str::to_owned);
                self.problems.push(explain::no_template(&self.path, text, refused.line, &refused.message, hint));
                return;
            }
        };
        if self.holes.len() == MAX_TEMPLATES {
            return self.problem(
                text.to_owned(),
                format!("a message can have at most {MAX_TEMPLATES} texts with template expressions"),
            );
        }
        let filled = match bare_column(text, self.columns) {
            Some(position) => Ok((Fill::Cell(position), vec![position])),
            None => {
                let name = self.holes.len().to_string();
                let columns = self.template(name.clone(), text, &checked);
                columns.map(|columns| (Fill::Template { name, loops: checked.loops }, columns))
            }
        };
        match filled {
            Ok((fill, columns)) => {
                let before = std::mem::take(&mut self.bytes);
                self.holes.push(Hole { before, columns, path: self.path.clone(), fill });
            }
            Err(error) => self.problems.push(explain::syntax_problem(&error, &self.path, text, self.columns)),
        }
    }

    /// Compiles a template, and returns the columns that it may use.
    fn template(&mut self, name: String, text: &str, checked: &limits::TemplateParts<'_>) -> Result<Vec<usize>, Error> {
        self.env.add_template_owned(name.clone(), text.to_owned())?;
        let template = self.env.get_template(&name)?;
        let mut used = template.undeclared_variables(false);
        used.extend(self.columns.iter().filter(|name| checked.names.contains(name.as_str())).cloned());
        let hidden = used.contains(ROW) && self.columns.iter().any(|name| name == ROW);
        if hidden && self.columns.iter().any(|name| explain::is_by_key(text, name)) {
            // Looking into that cell would find nothing, and `default` would hide it.
            let words = "the list has a column `row`, which hides `row[…]`; rename that column";
            return Err(Error::new(ErrorKind::InvalidOperation, words));
        }
        try_out(&template, text, self.columns, &used, checked.loops.then_some(&mut self.steps))?;
        let is_used = |name: &String| used.contains(name) || explain::is_by_key(text, name);
        let columns = self.columns.iter().enumerate().filter(|(_, name)| is_used(name)).map(|(position, _)| position);
        let columns = columns.collect();
        self.used.extend(used);
        Ok(columns)
    }

    fn problem(&mut self, text: String, message: String) {
        self.problems.push(explain::no_template(&self.path, &text, 1, &message, None));
    }

    fn push_key(&mut self, key: &str) {
        let plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        if !plain {
            // Writing to a `String` cannot fail.
            let _ = write!(self.path, "[{}]", serde_json::Value::from(key));
        } else {
            if !self.path.is_empty() {
                self.path.push('.');
            }
            self.path.push_str(key);
        }
    }
}

/// Returns the position of the column if a string is exactly `{{ column }}`.
fn bare_column(text: &str, columns: &[String]) -> Option<usize> {
    let name = text.strip_prefix("{{")?.strip_suffix("}}")?.trim_matches(' ');
    columns.iter().position(|column| column == name).filter(|_| explain::is_variable(name))
}

/// Renders a template for a row without empty cells, because the engine looks up filters and variables only at that
/// point. A misspelling in a branch that is not taken is found with the first row that takes it.
fn try_out(
    template: &Template<'_, '_>,
    text: &str,
    columns: &[String],
    used: &HashSet<String>,
    steps: Option<&mut u64>,
) -> Result<(), Error> {
    let cells = vec!["1"; columns.len()];
    let row = Row::new(Arc::new(HeaderInUse::new(columns, used)), &cells);
    match limits::render(template, Value::from_object(row), steps) {
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::UnknownFilter | ErrorKind::UnknownTest | ErrorKind::UnknownFunction
            ) || explain::unknown_column(&error, text, columns).is_some() =>
        {
            Err(error)
        }
        // Any other error may be specific to the row.
        _ => Ok(()),
    }
}
