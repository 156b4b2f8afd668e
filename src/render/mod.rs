//! Rendering: turns the message's compiled templates and a row into the exact bytes of the request body.
//!
//! A body is a pure function of the message, the columns and the row: the same input gives the same bytes. A cell is
//! only text and never interpreted as YAML, JSON or a template, so a name with a quote or a brace arrives unchanged.
//! Other modules check the meaning of a message, such as empty text and limits.

mod compile;
mod explain;
mod filters;
mod keys;
mod limits;
mod renderer;
mod row;

#[cfg(test)]
mod tests;

pub use explain::TemplateProblem;
pub use renderer::Renderer;
