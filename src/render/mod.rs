//! Rendering: the message's templates, compiled once, and a row in; the exact bytes of the request body out.
//!
//! A body is a pure function of the message, the columns and the row: the same input gives the same bytes. What
//! is in a cell is only ever text. It is never read as YAML, JSON or a template, so that a name with a quote or
//! a brace arrives as it is. This module does not know what a message means: empty texts and limits are for others.

mod compile;
mod explain;
mod filters;
mod limits;
mod renderer;
mod row;

#[cfg(test)]
mod tests;

pub use explain::TemplateProblem;
pub use renderer::Renderer;
