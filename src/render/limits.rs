//! Limits for templates, checked on their tokens before the engine compiles them.
//!
//! The engine itself stops neither deep expressions, which overflow the stack, nor growing text, which exhausts memory.
//! So this module bounds size and depth, and refuses everything that makes text grow without bound: repeating with `*`,
//! doubling in `set`, lists as values, blocks that capture text. What remains is bounded: no text has more bytes than
//! the joins of a template times the longest cell. `filters` bounds the filters, and the output is bounded while it is
//! written.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use minijinja::machinery::{Token, tokenize};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{Error, ErrorKind, Template};

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;

/// The most bytes of a template, of a cell that it uses, and of any input or output text of a filter. The longest text
/// of any channel has 4,096 characters, which fit into this.
pub(super) const MAX_TEXT: usize = 16 * 1024;
/// The most bytes of the output of a template.
pub(super) const MAX_OUTPUT: usize = 64 * 1024;
/// The deepest nesting of a template. Brackets need the most stack, 19 KiB in a debug build, and count twice: the
/// deepest template fits into 1 MiB.
const MAX_LEVELS: usize = 64;
/// The most operators in a template: everything in its tags except names, numbers, strings and closing brackets.
const MAX_OPERATORS: usize = 1_000;
/// The most text joins in a template, and in one `set`. Each copies its text, in a loop again and again.
const MAX_JOINS: usize = 32;
const MAX_JOINS_IN_SET: usize = 8;

/// The most steps of a template for one row. Templates of real messages take fewer than a hundred.
pub(super) const FUEL: u64 = 5_000;
/// The most steps of all templates of a message for one row.
pub(super) const STEPS: u64 = 4 * FUEL;

/// Returns the engine's syntax, with the final line break of a template kept.
pub(super) fn syntax() -> SyntaxConfig {
    // The default delimiters are valid, so building them cannot fail.
    SyntaxConfig::builder().keep_trailing_newline(true).build().unwrap_or_default()
}

/// A refused template.
#[derive(Debug)]
pub(super) struct Refused {
    /// The line within the template, from 1.
    pub line: usize,
    pub message: String,
    pub hint: Option<&'static str>,
}

/// Facts about a template.
#[derive(Debug)]
pub(super) struct TemplateParts<'t> {
    /// The names in it, including those of all variables: the engine misses those that are only sliced (`name[:3]`).
    pub names: HashSet<&'t str>,
    /// Whether it may have loops.
    pub loops: bool,
}

/// Refuses a template that the engine could not compile or render within bounds. Syntax errors are left to the engine,
/// which stops at the first one.
pub(super) fn check(text: &str) -> Result<TemplateParts<'_>, Refused> {
    if text.len() > MAX_TEXT {
        let message = "it is longer than 16 KiB".to_owned();
        return Err(Refused { line: 1, message, hint: None });
    }
    let mut check = Check::default();
    let (mut names, mut loops) = (HashSet::new(), false);
    for token in tokenize(text, false, syntax()) {
        let Ok((token, span)) = token else { break };
        if let Token::Ident(name) = token {
            names.insert(name);
            loops |= name == "for";
        }
        let refused = |(message, hint): Refusal| Refused { line: span.start_line.into(), message, hint };
        check.token(&token).map_err(refused)?;
    }
    Ok(TemplateParts { names, loops })
}

/// Renders a template for a row, with at most [`MAX_OUTPUT`] bytes. A panic of the engine becomes an ordinary error.
///
/// `steps` is the budget for a template with loops; the steps it takes are subtracted. Without loops, a template takes
/// each of its few steps once, and its cells and operators bound its text.
pub(super) fn render(template: &Template<'_, '_>, row: Value, steps: Option<&mut u64>) -> Result<String, Error> {
    let internal =
        || Error::new(ErrorKind::InvalidOperation, "internal error in the template engine (please report it)");
    let rendered = catch_unwind(AssertUnwindSafe(|| match steps {
        None => template.render(row),
        Some(0) => Err(ErrorKind::OutOfFuel.into()),
        Some(steps) => {
            let mut text = Bounded(Vec::new());
            let rendered = template.render_captured_to(row, &mut text);
            // A failed template may have used all its steps.
            let taken = rendered.as_ref().ok().and_then(|rendered| rendered.state().fuel_levels());
            *steps = steps.saturating_sub(taken.map_or(FUEL, |(taken, _)| taken));
            rendered.and_then(|_| String::from_utf8(text.0).map_err(|_| internal()))
        }
    }));
    match rendered.unwrap_or_else(|_| Err(internal())) {
        Ok(text) if text.len() > MAX_OUTPUT => Err(overlong_output()),
        Err(error) if error.kind() == ErrorKind::WriteFailure => Err(overlong_output()),
        rendered => rendered,
    }
}

/// Returns the error of text that is longer than [`MAX_OUTPUT`].
pub(super) fn overlong_output() -> Error {
    Error::new(ErrorKind::InvalidOperation, "the text grows beyond 64 KiB")
}

/// A writer for at most [`MAX_OUTPUT`] bytes.
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OUTPUT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a name is short and plain enough to be compiled as an expression.
pub(super) fn is_plain(name: &str) -> bool {
    name.len() <= 256 && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

type Refusal = (String, Option<&'static str>);

fn refusal<T>(message: impl fmt::Display, hint: &'static str) -> Result<T, Refusal> {
    Err((message.to_string(), Some(hint)))
}

#[derive(Debug, Default)]
struct Check<'t> {
    operators: usize,
    joins: usize,
    /// The open blocks, each with the number of its `elif`s, which nest within it.
    blocks: Vec<usize>,
    /// The variables that `set` has defined so far.
    made: HashSet<&'t str>,
    tag: Tag<'t>,
}

/// The state of the current tag.
#[derive(Debug, Default)]
struct Tag<'t> {
    statement: Option<Statement>,
    /// Whether the next token is the first one of a block tag.
    begins: bool,
    /// Whether a `set` has an `=`.
    assigns: bool,
    /// The variable that a `set` defines.
    makes: Option<&'t str>,
    /// Whether it uses a variable that a `set` defined.
    uses_made: bool,
    operators: usize,
    joins: usize,
    brackets: Vec<Bracket>,
    deepest: usize,
    before: Before,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Statement {
    For,
    Set,
    Other,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bracket {
    /// Around an expression.
    Group,
    /// Around the arguments of a filter, or a lookup.
    Call,
    /// Around the two ends of a slice.
    Slice,
    /// Around a list.
    List,
}

/// The token before the current one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Before {
    Operand,
    In,
    /// The end of a list: it can only be used with `in`.
    List,
    #[default]
    Other,
}

impl<'t> Check<'t> {
    fn token(&mut self, token: &Token<'t>) -> Result<(), Refusal> {
        if self.tag.before == Before::List {
            let ends = matches!(
                token,
                Token::BlockEnd
                    | Token::VariableEnd
                    | Token::ParenClose
                    | Token::BracketClose
                    | Token::Comma
                    | Token::Ident("and" | "or" | "if" | "else")
            );
            if !ends {
                return refusal("a list can only be used with `in`", "write the expression without the list");
            }
        }
        match token {
            Token::TemplateData(_) => return Ok(()),
            Token::VariableStart | Token::BlockStart => {
                self.tag = Tag { begins: matches!(token, Token::BlockStart), ..Tag::default() };
                self.operators += 1;
            }
            Token::VariableEnd | Token::BlockEnd => return self.tag_ends(),
            Token::Ident(name) if self.tag.begins => return self.statement(name),
            Token::Ident(name) => self.word(name)?,
            Token::Str(_) | Token::String(_) | Token::Int(_) | Token::Int128(_) | Token::Float(_) => {
                self.tag.before = Before::Operand;
            }
            Token::BracketClose | Token::ParenClose => {
                let closed = self.tag.brackets.pop();
                self.tag.before = if closed == Some(Bracket::List) { Before::List } else { Before::Operand };
            }
            Token::BraceOpen => {
                return refusal("`{…}` is not available in messages", "use `if` and `elif`, or a column in the list");
            }
            Token::BraceClose => {
                return refusal("a single `}` is not allowed here", "end a placeholder with `}}`, and a tag with `%}`");
            }
            Token::BracketOpen | Token::ParenOpen => {
                let bracket = match (token, self.tag.before) {
                    (_, Before::Operand) => Bracket::Call,
                    (Token::BracketOpen, Before::In) => Bracket::List,
                    (Token::BracketOpen, _) => {
                        let hint = "to compare with several values, write `city in ['Rome', 'Paris']`";
                        return refusal("a list is only allowed after `in`", hint);
                    }
                    _ => Bracket::Group,
                };
                self.tag.brackets.push(bracket);
                self.tag.deepest = self.tag.deepest.max(self.tag.brackets.len());
                self.operator(1);
            }
            // It would create a list.
            Token::Comma if !matches!(self.tag.brackets.last(), Some(Bracket::Call | Bracket::List)) => {
                return refusal("`,` is only allowed between arguments, and in a list after `in`", "remove it");
            }
            Token::Mul => {
                let hint = "put the product in a column of the list";
                return refusal("`*` is not available in messages: a cell is text, so `'5' * 2` would be `55`", hint);
            }
            Token::Tilde | Token::Plus => {
                self.joins += 1;
                self.tag.joins += 1;
                self.operator(1);
            }
            Token::Colon => {
                // Some steps overflow the engine's arithmetic.
                match self.tag.brackets.last_mut() {
                    Some(bracket @ Bracket::Call) => *bracket = Bracket::Slice,
                    _ => {
                        return refusal(
                            "`:` is only allowed once in a slice: `name[:3]`",
                            "write a slice without a step",
                        );
                    }
                }
                self.operator(0);
            }
            Token::Comma => self.operator(0),
            Token::Assign => {
                self.tag.assigns = true;
                self.operator(0);
            }
            _ => self.operator(1),
        }
        self.within_limits()
    }

    /// Handles the first word of a block tag. Blocks that capture text or call themselves are not allowed.
    fn statement(&mut self, name: &str) -> Result<(), Refusal> {
        self.tag.begins = false;
        self.tag.statement = Some(match name {
            "for" => Statement::For,
            "set" => Statement::Set,
            "if" | "elif" | "else" | "endif" | "endfor" => Statement::Other,
            _ => {
                let hint = "use `if`, `elif`, `else`, `for` and `set`";
                return refusal(format_args!("`{{% {name} %}}` is not available in messages"), hint);
            }
        });
        match name {
            "if" | "for" => self.blocks.push(1),
            "elif" => {
                if let Some(block) = self.blocks.last_mut() {
                    *block += 1;
                }
            }
            "endif" | "endfor" => drop(self.blocks.pop()),
            _ => {}
        }
        self.within_limits()
    }

    fn word(&mut self, name: &'t str) -> Result<(), Refusal> {
        match name {
            "recursive" if self.tag.statement == Some(Statement::For) => {
                return refusal("`recursive` is not available in messages", "write out the inner loop");
            }
            "in" => {
                self.operator(1);
                self.tag.before = Before::In;
            }
            "and" | "or" | "not" | "is" | "if" | "else" => self.operator(1),
            _ => {
                self.tag.before = Before::Operand;
                if self.tag.statement == Some(Statement::Set) && self.tag.makes.is_none() {
                    self.tag.makes = Some(name);
                } else {
                    self.tag.uses_made |= self.made.contains(name);
                }
            }
        }
        Ok(())
    }

    fn operator(&mut self, levels: usize) {
        self.operators += 1;
        self.tag.operators += levels;
        self.tag.before = Before::Other;
    }

    fn within_limits(&self) -> Result<(), Refusal> {
        if self.operators > MAX_OPERATORS {
            let hint = "move the result to a column of the list";
            return refusal(format_args!("it has more than {MAX_OPERATORS} operators"), hint);
        }
        let levels = self.blocks.iter().sum::<usize>() + self.tag.operators + self.tag.deepest;
        if levels > MAX_LEVELS {
            let message = format_args!("it has more than {MAX_LEVELS} levels of blocks, brackets and operators");
            return refusal(message, "split it into shorter expressions");
        }
        if self.joins > MAX_JOINS {
            let message = format_args!("it joins text more than {MAX_JOINS} times with `~` and `+`");
            return refusal(message, "write `{{ first }} {{ second }}` instead");
        }
        Ok(())
    }

    fn tag_ends(&mut self) -> Result<(), Refusal> {
        let tag = std::mem::take(&mut self.tag);
        if tag.statement != Some(Statement::Set) {
            return Ok(());
        }
        if !tag.assigns {
            return refusal(
                "`set` needs a value: `{% set name = first_name %}`",
                "`set` cannot capture a block of text",
            );
        }
        // Each could double the previous text.
        if tag.joins > 0 && tag.uses_made {
            return refusal("`set` cannot join the result of another `set`", "join it where it is used");
        }
        if tag.joins > MAX_JOINS_IN_SET {
            let message = format_args!("`set` joins text more than {MAX_JOINS_IN_SET} times");
            return refusal(message, "join the texts where they are used");
        }
        self.made.extend(tag.makes);
        Ok(())
    }
}
