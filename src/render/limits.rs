//! What a template may be, checked on its tokens before the engine reads it.
//!
//! The engine's own guards end neither a deep expression (it recurses, and overflows the stack) nor a text that grows
//! (it repeats and doubles texts until memory ends). So size and depth are bounded here, and what makes a text grow
//! without bound is refused: repeating with `*`, doubling in `set`, lists put into texts, blocks that collect text.
//! The filters are those of `filters`, the output is bounded while it is written.

use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};

use minijinja::machinery::{Token, tokenize};
use minijinja::value::Value;
use minijinja::{Error, ErrorKind, Template};

use super::compile::syntax;

#[cfg(test)]
#[path = "limits_tests.rs"]
mod tests;

/// Bytes of one template. The longest text of any channel has 4,096 characters, at most as many bytes as this.
pub(super) const MAX_TEMPLATE: usize = 16 * 1024;
/// Bytes that one template may come to, and of any text that a filter takes or makes.
pub(super) const MAX_TEXT: usize = 64 * 1024;
/// How deep a template may nest. Brackets cost the engine the most stack, 19 KiB in a debug build, and count twice: the
/// deepest template fits into 1 MiB.
const MAX_LEVELS: usize = 64;
/// Operators of one template: everything in its tags but names, numbers, texts and closing brackets.
const MAX_OPERATORS: usize = 1_000;

/// A template that is not read.
#[derive(Debug)]
pub(super) struct Refused {
    /// The line within the template, from 1.
    pub line: usize,
    pub message: String,
    pub hint: Option<&'static str>,
}

/// Refuses a template that the engine could not read or render within bounds. A mistake of syntax is left to the
/// engine, which reads no further than to it.
pub(super) fn check(text: &str) -> Result<(), Refused> {
    if text.len() > MAX_TEMPLATE {
        let message = "it is longer than 16 KiB".to_owned();
        return Err(Refused { line: 1, message, hint: None });
    }
    let mut check = Check::default();
    for token in tokenize(text, false, syntax()) {
        let Ok((token, span)) = token else { break };
        let refused = |(message, hint): Refusal| Refused { line: span.start_line.into(), message, hint };
        check.token(&token).map_err(refused)?;
    }
    Ok(())
}

/// What a template makes of a row, if that is at most [`MAX_TEXT`] long. A panic of the engine is an error as any other.
pub(super) fn render(template: &Template<'_, '_>, row: Value) -> Result<String, Error> {
    let mut text = Bounded(Vec::new());
    let rendered = catch_unwind(AssertUnwindSafe(|| template.render_captured_to(row, &mut text).map(drop)));
    let internal =
        || Error::new(ErrorKind::InvalidOperation, "an internal error of the template engine; please report it");
    match rendered.unwrap_or_else(|_| Err(internal())) {
        Ok(()) => String::from_utf8(text.0).map_err(|_| internal()),
        Err(error) if error.kind() == ErrorKind::WriteFailure => Err(too_long()),
        Err(error) => Err(error),
    }
}

/// A text would be longer than [`MAX_TEXT`].
pub(super) fn too_long() -> Error {
    Error::new(ErrorKind::InvalidOperation, "a text becomes longer than 64 KiB")
}

/// A text that takes no more than [`MAX_TEXT`].
struct Bounded(Vec<u8>);

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_TEXT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Whether a name is short and plain enough to be read as an expression.
pub(super) fn is_plain(name: &str) -> bool {
    name.len() <= 256 && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

type Refusal = (String, Option<&'static str>);

fn refusal<T>(message: impl fmt::Display, hint: &'static str) -> Result<T, Refusal> {
    Err((message.to_string(), Some(hint)))
}

#[derive(Debug, Default)]
struct Check {
    operators: usize,
    /// The blocks that are open, each with its `elif`s, which nest within it.
    blocks: Vec<usize>,
    tag: Tag,
}

/// What was seen of a tag so far.
#[derive(Debug, Default)]
struct Tag {
    statement: Option<Statement>,
    /// Whether the next token is the first one of a block tag.
    begins: bool,
    /// Whether a `set` has its `=`.
    assigns: bool,
    operators: usize,
    brackets: usize,
    deepest: usize,
    before: Before,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Statement {
    For,
    Set,
    Other,
}

/// What stands before a bracket says whether it begins a list or looks something up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Before {
    Operand,
    In,
    #[default]
    Other,
}

impl Check {
    fn token(&mut self, token: &Token<'_>) -> Result<(), Refusal> {
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
            Token::BracketClose | Token::ParenClose | Token::BraceClose => {
                self.tag.brackets = self.tag.brackets.saturating_sub(1);
                self.tag.before = Before::Operand;
            }
            Token::BraceOpen => {
                return refusal("`{…}` is not available in messages", "use `if` and `elif`, or a column of the list");
            }
            Token::BracketOpen if self.tag.before == Before::Other => {
                return refusal(
                    "a list stands only behind `in`",
                    "for one of several texts: `city in ['Rome', 'Paris']`",
                );
            }
            Token::BracketOpen | Token::ParenOpen => {
                self.tag.brackets += 1;
                self.tag.deepest = self.tag.deepest.max(self.tag.brackets);
                self.operator(1);
            }
            Token::Mul => {
                let hint = "put the product into a column of the list";
                return refusal(
                    "`*` is not available in messages: a cell is a text, and `'5' * 2` would be `55`",
                    hint,
                );
            }
            Token::Tilde | Token::Plus if self.tag.statement == Some(Statement::Set) => {
                return refusal("`set` cannot put texts together", "put them together where they are used");
            }
            Token::Comma | Token::Colon => self.operator(0),
            Token::Assign => {
                self.tag.assigns = true;
                self.operator(0);
            }
            _ => self.operator(1),
        }
        self.within_limits()
    }

    /// The first word of a block tag. What collects text in memory or calls itself is not for messages.
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

    fn word(&mut self, name: &str) -> Result<(), Refusal> {
        match name {
            "recursive" if self.tag.statement == Some(Statement::For) => {
                refusal("`recursive` is not available in messages", "write the inner loop out")
            }
            "in" => {
                self.operator(1);
                self.tag.before = Before::In;
                Ok(())
            }
            "and" | "or" | "not" | "is" | "if" | "else" => {
                self.operator(1);
                Ok(())
            }
            _ => {
                self.tag.before = Before::Operand;
                Ok(())
            }
        }
    }

    fn operator(&mut self, levels: usize) {
        self.operators += 1;
        self.tag.operators += levels;
        self.tag.before = Before::Other;
    }

    fn within_limits(&self) -> Result<(), Refusal> {
        if self.operators > MAX_OPERATORS {
            return refusal(
                format_args!("it has more than {MAX_OPERATORS} operators"),
                "put what it says into a column of the list",
            );
        }
        let levels = self.blocks.iter().sum::<usize>() + self.tag.operators + self.tag.deepest;
        if levels > MAX_LEVELS {
            let message = format_args!("it has more than {MAX_LEVELS} levels of blocks, brackets and operators");
            return refusal(message, "write it as several shorter expressions");
        }
        Ok(())
    }

    fn tag_ends(&mut self) -> Result<(), Refusal> {
        let tag = std::mem::take(&mut self.tag);
        if tag.statement == Some(Statement::Set) && !tag.assigns {
            return refusal(
                "`set` needs a value: `{% set name = first_name %}`",
                "it does not collect a block of text",
            );
        }
        Ok(())
    }
}
